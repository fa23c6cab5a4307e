"""Reference values of GRU, SimpleRNN and wrappers -> layers_recurrent.npz (versions: common.py).

Batch 3, time 4, features 3, units 2 (LSTM has a file of its own, lstm.npz). A case holds x, mask,
h0, kernel, recurrent_kernel, bias, output (with return_state also h), upstream (upstream_output,
upstream_h) and grad_... of x, h0 and each weight. GRU: gates lie in the order update, reset,
candidate; bias (2, 6) with reset_after (input bias, recurrent bias), else (6,).

Bidirectional: the weights are called forward_lstm_kernel, backward_lstm_kernel ... With
return_sequences the backward output is turned round, so that both speak about the same time step,
and masked steps give the output ZERO in both directions (a lone LSTM repeats its last output).
"""

import numpy as np

from common import Book, draw, generator, layer_case

BATCH, TIME, FEATURES, UNITS = 3, 4, 3, 2
MASKS = {
    "right": np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]], dtype=bool),
    "holes": np.array([[1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]], dtype=bool),
}
SEQUENCES, STATE = {"return_sequences": True}, {"return_sequences": True, "return_state": True}
GRU, RNN = {"class": "GRU", "units": UNITS}, {"class": "SimpleRNN", "units": UNITS}
OLD_GRU = {**GRU, "reset_after": False}


def both_ways(merge_mode, **arguments):
    lstm = {"class": "LSTM", "units": UNITS, "name": "lstm", **arguments}
    return {"class": "Bidirectional", "merge_mode": merge_mode, "layer": lstm}


# case: (config, mask, is an initial state given?)
CASES = {
    "gru": (GRU | SEQUENCES, None, False),
    "gru_mask": (GRU | STATE, "holes", True),
    "gru_reset_before": (OLD_GRU | SEQUENCES, None, False),
    "gru_reset_before_mask": (OLD_GRU | STATE, "holes", True),
    "rnn": (RNN | SEQUENCES, None, False),
    "rnn_mask": (RNN | STATE, "holes", True),
    "bidirectional_concat": (both_ways("concat", **SEQUENCES), None, False),
    "bidirectional_sum": (both_ways("sum", **SEQUENCES), None, False),
    "bidirectional_ave": (both_ways("ave"), None, False),
    "bidirectional_mul": (both_ways("mul", **SEQUENCES), None, False),
    "bidirectional_mask": (both_ways("concat", **SEQUENCES), "right", False),
    "time_distributed": (
        {"class": "TimeDistributed", "layer": {"class": "Dense", "units": UNITS}},
        None,
        False,
    ),
}


def call(layer, tensors):
    if "mask" not in tensors and "h0" not in tensors:
        return layer(tensors["x"])
    return layer(tensors["x"], mask=tensors.get("mask"), initial_state=tensors.get("h0"))


def main():
    book = Book("layers_recurrent.npz")
    for case, (config, mask, with_state) in CASES.items():
        rng = generator(case + " inputs")
        inputs = {"x": draw(rng, BATCH, TIME, FEATURES)}
        if mask:
            inputs["mask"] = MASKS[mask]
        if with_state:
            inputs["h0"] = draw(rng, BATCH, UNITS)
        outputs = ("output", "h") if config.get("return_state") else ("output",)
        layer_case(book, case, config, inputs, call, outputs)
    book.save()


if __name__ == "__main__":
    main()
