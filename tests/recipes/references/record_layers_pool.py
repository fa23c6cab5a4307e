"""Reference values of layers that move pixels -> layers_pool.npz (versions: common.py).

Channels last. Pooling, global pooling, up-sampling, zero padding and cropping: x, upstream, output,
grad_x. global_average1d_mask also has a mask (the mean runs over the unmasked steps only; every row
has some). No two numbers of x are equal, so every maximum has one winner.

Averages with 'same' padding do not count the padding. Where the padding is uneven Keras' torch
backend repeats the edge instead, which is the same for windows of 2 but not of 3; the cases here
stay clear of it (windows of 2, or the same padding on both sides).
"""

import numpy as np

from common import Book, distinct, generator, layer_case

# case: (class, arguments, shape of x)
CASES = {
    "max1d_same": ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 6, 2)),
    "max2d": ("MaxPooling2D", {"pool_size": 2}, (1, 5, 4, 2)),
    "max2d_same": ("MaxPooling2D", {"pool_size": 2, "padding": "same"}, (1, 5, 3, 2)),
    "max2d_overlap": ("MaxPooling2D", {"pool_size": 3, "strides": 1}, (1, 4, 5, 2)),
    "max2d_same_overlap": (
        "MaxPooling2D",
        {"pool_size": 3, "strides": 2, "padding": "same"},
        (1, 5, 6, 2),
    ),
    "max2d_gaps": ("MaxPooling2D", {"pool_size": 2, "strides": 3}, (1, 6, 7, 2)),
    "average1d_same": (
        "AveragePooling1D",
        {"pool_size": 3, "strides": 2, "padding": "same"},
        (2, 5, 2),
    ),
    "average2d": ("AveragePooling2D", {"pool_size": [2, 3], "strides": 2}, (1, 5, 6, 2)),
    "average2d_same": ("AveragePooling2D", {"pool_size": 2, "padding": "same"}, (1, 5, 3, 2)),
    "average2d_same_overlap": (
        "AveragePooling2D",
        {"pool_size": 3, "strides": 2, "padding": "same"},
        (1, 5, 7, 2),
    ),
    "global_max1d": ("GlobalMaxPooling1D", {}, (2, 4, 3)),
    "global_max2d": ("GlobalMaxPooling2D", {}, (2, 3, 2, 2)),
    "global_average1d": ("GlobalAveragePooling1D", {}, (2, 4, 3)),
    "global_average1d_mask": ("GlobalAveragePooling1D", {}, (3, 4, 2)),
    "global_average2d": ("GlobalAveragePooling2D", {}, (2, 3, 2, 2)),
    "up1d": ("UpSampling1D", {"size": 3}, (2, 3, 2)),
    "up2d": ("UpSampling2D", {"size": [2, 3]}, (1, 2, 3, 2)),
    "pad1d": ("ZeroPadding1D", {"padding": [1, 2]}, (2, 3, 2)),
    "pad2d": ("ZeroPadding2D", {"padding": [[1, 0], [2, 1]]}, (1, 2, 3, 2)),
    "crop1d": ("Cropping1D", {"cropping": [1, 2]}, (2, 5, 2)),
    "crop2d": ("Cropping2D", {"cropping": [[1, 0], [1, 2]]}, (1, 4, 5, 2)),
}
MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 1]], dtype=bool)


def call(layer, tensors):
    return layer(tensors["x"], mask=tensors["mask"]) if "mask" in tensors else layer(tensors["x"])


def main():
    book = Book("layers_pool.npz")
    for case, (name, arguments, shape) in CASES.items():
        inputs = {"x": distinct(generator(case + " inputs"), *shape)}
        if case.endswith("_mask"):
            inputs["mask"] = MASK
        layer_case(book, case, {"class": name, **arguments}, inputs, call)
    book.save()


if __name__ == "__main__":
    main()
