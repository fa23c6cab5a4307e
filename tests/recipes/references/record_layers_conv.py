"""Reference values of convolutions -> layers_conv.npz (versions and how to run: common.py).

Channels last. A case holds x, its weights (kernel, or depthwise_kernel and pointwise_kernel of the
separable ones; bias), upstream, output, grad_x and the gradient of each weight. Kernels:
    Conv1D (k, in / groups, out), Conv2D (k, k, in / groups, out), Conv2DTranspose (k, k, out, in),
    DepthwiseConv2D (k, k, in, multiplier),
    SeparableConv2D (k, k, in, multiplier) and (1, 1, in * multiplier, out).
"""

from common import Book, draw, generator, layer_case

# case: (class, arguments, shape of x)
CASES = {
    "conv1d_same": ("Conv1D", {"filters": 3, "kernel_size": 4, "padding": "same"}, (2, 6, 2)),
    "conv1d_strides": ("Conv1D", {"filters": 3, "kernel_size": 3, "strides": 2}, (2, 8, 2)),
    "conv1d_same_strides": (
        "Conv1D",
        {"filters": 3, "kernel_size": 4, "strides": 3, "padding": "same"},
        (2, 7, 2),
    ),
    "conv1d_same_dilation": (
        "Conv1D",
        {"filters": 3, "kernel_size": 2, "dilation_rate": 3, "padding": "same"},
        (2, 7, 2),
    ),
    "conv1d_causal": (
        "Conv1D",
        {"filters": 3, "kernel_size": 3, "dilation_rate": 2, "padding": "causal"},
        (2, 6, 2),
    ),
    "conv2d": ("Conv2D", {"filters": 3, "kernel_size": [3, 2]}, (2, 5, 4, 2)),
    "conv2d_strides": ("Conv2D", {"filters": 2, "kernel_size": 3, "strides": [2, 3]}, (1, 6, 7, 2)),
    "conv2d_same_strides": (
        "Conv2D",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
        (1, 5, 6, 2),
    ),
    "conv2d_same_strides_even": (
        "Conv2D",
        {"filters": 2, "kernel_size": [4, 2], "strides": [3, 2], "padding": "same"},
        (1, 7, 5, 2),
    ),
    "conv2d_same_dilation": (
        "Conv2D",
        {"filters": 2, "kernel_size": [3, 2], "dilation_rate": 2, "padding": "same"},
        (1, 5, 4, 2),
    ),
    "conv2d_groups": (
        "Conv2D",
        {"filters": 4, "kernel_size": 2, "groups": 2, "padding": "same"},
        (1, 3, 4, 4),
    ),
    "depthwise": ("DepthwiseConv2D", {"kernel_size": [3, 2], "depth_multiplier": 2}, (1, 5, 4, 2)),
    "depthwise_same_strides": (
        "DepthwiseConv2D",
        {"kernel_size": 3, "strides": 2, "padding": "same"},
        (1, 5, 6, 2),
    ),
    "separable1d": (
        "SeparableConv1D",
        {"filters": 3, "kernel_size": 3, "depth_multiplier": 2, "padding": "same"},
        (2, 5, 2),
    ),
    "separable2d": (
        "SeparableConv2D",
        {"filters": 3, "kernel_size": 2, "depth_multiplier": 2},
        (1, 4, 4, 2),
    ),
    "separable2d_same_strides": (
        "SeparableConv2D",
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        (1, 5, 6, 2),
    ),
    "transpose2d": ("Conv2DTranspose", {"filters": 3, "kernel_size": [3, 2]}, (1, 3, 4, 2)),
    "transpose2d_strides": (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 3, "strides": 2},
        (1, 3, 2, 2),
    ),
    "transpose2d_same": (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        (1, 3, 2, 2),
    ),
    "transpose2d_same_even": (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": [4, 2], "strides": 2, "padding": "same"},
        (1, 2, 3, 2),
    ),
    "transpose2d_same_gaps": (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 2, "strides": 3, "padding": "same"},
        (1, 2, 3, 2),
    ),
}


def main():
    book = Book("layers_conv.npz")
    for case, (name, arguments, shape) in CASES.items():
        inputs = {"x": draw(generator(case + " inputs"), *shape)}
        layer_case(book, case, {"class": name, **arguments}, inputs)
    book.save()


if __name__ == "__main__":
    main()
