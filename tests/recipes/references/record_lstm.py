"""Reference values of keras.layers.LSTM -> lstm.npz (versions and how to run: common.py).

Batch 3, time 5, features 4, units 3. Arrays of a case: x, mask (bool), h0, c0, kernel (4, 12),
recurrent_kernel (3, 12), bias (12,), output, and with return_state also h and c; upstream (or
upstream_output, upstream_h, upstream_c); grad_x, grad_h0, grad_c0, grad_kernel,
grad_recurrent_kernel, grad_bias. Gates lie in the order input, forget, cell, output.

What Keras does with masked steps:
- The state is carried over unchanged; a masked step repeats the output of the step before.
- Before the first unmasked step the output is ZERO, also when an initial state is given: the
  output does not start from h0, while the returned states h and c do. So in a row that is masked
  completely output = 0, h = h0, c = c0 (and without return_sequences the output is 0 as well).
- With go_backwards the input and the mask are reversed together, and the output stays in reversed
  order.
"""

import numpy as np

from common import Book, draw, generator, layer_case

BATCH, TIME, FEATURES, UNITS = 3, 5, 4, 3

MASKS = {
    "right": [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]],
    "left": [[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, 0, 1]],
    "holes": [[1, 0, 1, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]],
}

# case: arguments of the layer, mask, is an initial state given?
CASES = {
    "lstm_sequences": ({"return_sequences": True}, None, False),
    "lstm_last": ({}, None, False),
    "lstm_state": ({"return_sequences": True, "return_state": True}, None, False),
    "lstm_initial_state": ({"return_sequences": True}, None, True),
    "lstm_backwards": ({"return_sequences": True, "go_backwards": True}, None, False),
    "lstm_mask_right": ({"return_sequences": True}, "right", False),
    "lstm_mask_left": ({"return_sequences": True}, "left", False),
    "lstm_mask_holes": ({"return_sequences": True}, "holes", False),
    "lstm_mask_last": ({}, "right", False),
    "lstm_backwards_mask": ({"return_sequences": True, "go_backwards": True}, "right", False),
    "lstm_mask_everything": ({"return_sequences": True, "return_state": True}, "holes", True),
}


def call(layer, tensors):
    state = [tensors["h0"], tensors["c0"]] if "h0" in tensors else None
    return layer(tensors["x"], mask=tensors.get("mask"), initial_state=state)


def main():
    book = Book("lstm.npz")
    for case, (arguments, mask, with_state) in CASES.items():
        rng = generator(case + " inputs")
        inputs = {"x": draw(rng, BATCH, TIME, FEATURES)}
        if mask:
            inputs["mask"] = np.array(MASKS[mask], dtype=bool)
        if with_state:
            inputs |= {"h0": draw(rng, BATCH, UNITS), "c0": draw(rng, BATCH, UNITS)}
        outputs = ("output", "h", "c") if arguments.get("return_state") else ("output",)
        config = {"class": "LSTM", "units": UNITS, **arguments}
        layer_case(book, case, config, inputs, call, outputs)
    book.save()


if __name__ == "__main__":
    main()
