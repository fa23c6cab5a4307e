"""Reference values of GRU, SimpleRNN and wrappers -> layers_recurrent.npz (versions: common.py).

Batch 3, time 4, features 3, units 2 (LSTM has a file of its own, lstm.npz; here are some of its
options). A case holds x, mask, h0, kernel, recurrent_kernel, bias, output (with return_state also
h), upstream (upstream_output, upstream_h) and grad_... of x, h0 and each weight. GRU: gates lie in
the order update, reset, candidate; bias (2, 6) with reset_after (input bias, recurrent bias), else
(6,).

Bidirectional: the weights are called forward_lstm_kernel, backward_lstm_kernel ... With
return_sequences the backward output is turned round, so that both speak about the same time step,
and masked steps give the output ZERO in both directions (a lone LSTM repeats its last output).

Cases with dropout are called with training=True. What Keras would draw is given instead, the same
for all gates: seen_x (3, 3) and seen_h (3, 2), True where a feature or unit is seen.
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
LSTM = {"class": "LSTM", "units": UNITS}
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
    **{
        f"{name}_{option}": (config | SEQUENCES | options, mask, True)
        for name, config in (("lstm", LSTM), ("gru", GRU), ("gru_before", OLD_GRU), ("rnn", RNN))
        for option, mask, options in (
            ("no_bias", None, {"use_bias": False}),
            ("dropout", "right", {"dropout": 0.25, "recurrent_dropout": 0.5}),
        )
    },
}


def give_draws(layer, seen_x, seen_h):
    """Let the cell take these in place of random ones, for every gate."""
    for name, seen, rate in (
        ("get_dropout_mask", seen_x, layer.dropout),
        ("get_recurrent_dropout_mask", seen_h, layer.recurrent_dropout),
    ):
        scale = seen.double() / (1 - rate)
        count = getattr(layer.cell, "dropout_mask_count", None)
        given = [scale] * count if count else scale
        setattr(layer.cell, name, lambda _, given=given: given)


def call(layer, tensors):
    if "mask" not in tensors and "h0" not in tensors:
        return layer(tensors["x"])
    states = [tensors[name] for name in ("h0", "c0") if name in tensors] or None
    options = {"mask": tensors.get("mask"), "initial_state": states}
    if "seen_x" in tensors:
        give_draws(layer, tensors["seen_x"], tensors["seen_h"])
        options["training"] = True
    return layer(tensors["x"], **options)


def main():
    book = Book("layers_recurrent.npz")
    for case, (config, mask, with_state) in CASES.items():
        rng = generator(case + " inputs")
        inputs = {"x": draw(rng, BATCH, TIME, FEATURES)}
        if mask:
            inputs["mask"] = MASKS[mask]
        if with_state:
            inputs["h0"] = draw(rng, BATCH, UNITS)
            if config["class"] == "LSTM":
                inputs["c0"] = draw(rng, BATCH, UNITS)
        if "dropout" in config:
            inputs["seen_x"] = rng.random((BATCH, FEATURES)) >= config["dropout"]
            inputs["seen_h"] = rng.random((BATCH, UNITS)) >= config["recurrent_dropout"]
        outputs = ("output", "h") if config.get("return_state") else ("output",)
        layer_case(book, case, config, inputs, call, outputs)
    book.save()


if __name__ == "__main__":
    main()
