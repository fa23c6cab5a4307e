"""Reference values of normalization layers -> layers_norm.npz (versions: common.py).

BatchNormalization: x, gamma, beta, moving_mean, moving_variance (before the call), upstream,
output, grad_x, grad_gamma, grad_beta. The cases with training=True also have new_moving_mean and
new_moving_variance (of the biased variance); batch_norm_inference was called with training=False.
LayerNormalization, GroupNormalization: x, gamma, beta, output, upstream and the gradients.
RMSNormalization: x, scale, output, upstream and the gradients.
"""

import numpy as np

from common import Book, as_array, draw, generator, layer_case

# case: (class, arguments, shape of x, training)
CASES = {
    "batch_norm": ("BatchNormalization", {}, (6, 3), True),
    "batch_norm_3d": ("BatchNormalization", {}, (3, 4, 2), True),
    "batch_norm_4d": ("BatchNormalization", {}, (2, 3, 2, 3), True),
    "batch_norm_no_scale": ("BatchNormalization", {"scale": False}, (4, 3), True),
    "batch_norm_axis_1": (
        "BatchNormalization",
        {"axis": 1, "momentum": 0.75, "epsilon": 0.01},
        (3, 2, 4),
        True,
    ),
    "batch_norm_inference": ("BatchNormalization", {}, (6, 3), False),
    "layer_norm": ("LayerNormalization", {}, (4, 5), False),
    "layer_norm_3d": ("LayerNormalization", {}, (2, 3, 4), False),
    "layer_norm_axes": ("LayerNormalization", {"axis": [1, 2]}, (2, 3, 4), False),
    "layer_norm_plain": (
        "LayerNormalization",
        {"center": False, "scale": False, "epsilon": 0.01},
        (4, 5),
        False,
    ),
    "group_norm": ("GroupNormalization", {"groups": 2}, (3, 6), False),
    "group_norm_4d": ("GroupNormalization", {"groups": 2, "epsilon": 0.01}, (2, 3, 2, 4), False),
    "group_norm_axis_1": ("GroupNormalization", {"groups": 3, "axis": 1}, (2, 6, 3), False),
    "group_norm_each": ("GroupNormalization", {"groups": -1}, (2, 4, 3), False),
    "group_norm_one": ("GroupNormalization", {"groups": 1, "scale": False}, (2, 4, 3), False),
    "rms_norm": ("RMSNormalization", {}, (4, 5), False),
    "rms_norm_axes": ("RMSNormalization", {"axis": [1, 2], "epsilon": 0.01}, (2, 3, 4), False),
}


def draw_weight(rng, name, shape):
    values = draw(rng, *shape, scale=0.5)
    return np.abs(values) + 0.5 if name == "moving_variance" else values


def call_training(layer, tensors):
    return layer(tensors["x"], training=True)


def main():
    book = Book("layers_norm.npz")
    for case, (name, arguments, shape, training) in CASES.items():
        inputs = {"x": draw(generator(case + " inputs"), *shape) + 0.5}
        call = call_training if training else None
        config = {"class": name, **arguments}
        layer = layer_case(book, case, config, inputs, call, draw_weight=draw_weight)
        if training:
            book.put(case, new_moving_mean=as_array(layer.moving_mean.value))
            book.put(case, new_moving_variance=as_array(layer.moving_variance.value))
    book.save()


if __name__ == "__main__":
    main()
