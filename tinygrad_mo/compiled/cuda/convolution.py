"""Convolutions over one or two axes, by `kernels/cuda/convolution.cu` and products of matrices.

All windows of a batch are written out at once, as the rows of a matrix. The gradient of the kernel
writes them out again: to keep them would take the memory of many layers.
"""

from __future__ import annotations

from math import prod

from ...device import Array
from ...ops.contract import flat, rows_of
from ...ops.windows import Windows, lengths_before, windows_over
from ..convolution import fits
from ..registry import twin_of
from .launching import (
    COLUMNS,
    PARTS,
    contiguous,
    cotangent,
    launch,
    launch_for_each,
    room,
    usable,
)
from .pooling import image_of, windows_of
from .products import product

MOST_NUMBERS = 1 << 28  # of windows that are written out: 1 GB


@twin_of("convolution", "cuda")
def convolution(x, kernel, bias, *, strides, padding, dilation_rate, groups=1):
    if not usable(x, kernel, bias) or not fits(x, kernel, bias, -2) or groups != 1:
        return NotImplemented
    w = windows_over(x.shape[1:-1], kernel.shape[:-2], strides, dilation_rate, padding)
    if len(x) * prod(w.count) * prod(kernel.shape[:-1]) > MOST_NUMBERS:
        return NotImplemented
    matrix = flat(contiguous(kernel))
    y = product(windows_as_rows(x, w), matrix).reshape(len(x), *w.count, -1)
    if bias is not None:
        y += bias

    def pull_x(g):
        handed_back = product(flat(cotangent(g, y)), matrix.T)
        return added_up(handed_back, None, w, rows_of(g, y) + x.shape)

    def pull_kernel(g):
        g = flat(cotangent(g, y), rows_of(g, y))
        return product(windows_as_rows(x, w).T, g).reshape(len(g), *kernel.shape)

    return y, (pull_x, pull_kernel, lambda g: flat(g, rows_of(g, y)).sum(axis=-2))


@twin_of("transposed_convolution", "cuda")
def transposed_convolution(x, kernel, bias, *, strides, padding, dilation_rate):
    if not usable(x, kernel, bias) or not fits(x, kernel, bias, -1):
        return NotImplemented
    lengths = lengths_before(x.shape[1:-1], kernel.shape[:-2], strides, dilation_rate, padding)
    w = windows_over(lengths, kernel.shape[:-2], strides, dilation_rate, padding)
    if x.size * prod(kernel.shape[:-1]) > MOST_NUMBERS * x.shape[-1]:
        return NotImplemented
    matrix, filters = flat(contiguous(kernel)), kernel.shape[-2]
    y = added_up(product(flat(contiguous(x)), matrix.T), bias, w, (len(x), *lengths, filters))

    def pull_x(g):
        g = cotangent(g, y)
        images = g.reshape(-1, *y.shape[1:])
        return product(windows_as_rows(images, w), matrix).reshape(rows_of(g, y) + x.shape)

    def pull_kernel(g):
        g = cotangent(g, y)
        windows = windows_as_rows(g.reshape(-1, *y.shape[1:]), w)
        by_row = windows.reshape(len(g), -1, windows.shape[-1]).swapaxes(-1, -2)
        return product(by_row, flat(x)).reshape(len(g), *kernel.shape)

    return y, (pull_x, pull_kernel, lambda g: flat(g, rows_of(g, y)).sum(axis=-2))


def windows_as_rows(x: Array, w: Windows) -> Array:
    """All windows as the rows of a matrix."""
    if w.trivial:
        return flat(contiguous(x))
    width = prod(w.size) * x.shape[-1]
    (patches,) = room(x, (len(x) * prod(w.count), width))
    shape = *image_of(x.shape), *windows_of(w), *elements_of(w)
    launch_for_each("unfold", patches.size, patches.size, contiguous(x), patches, *shape)
    return patches


def added_up(patches: Array, bias: Array | None, w: Windows, shape: tuple[int, ...]) -> Array:
    """Images of this shape (also with rows in front) to which every window adds its elements."""
    (images,) = room(patches, shape)
    own = *image_of(shape[-1 - len(w.size) - 1 :]), *windows_of(w), *elements_of(w)
    given = contiguous(patches), contiguous(bias), images
    launch_for_each("fold", images.size, images.size, *given, *own)
    return images


@twin_of("depthwise_convolution", "cuda")
def depthwise_convolution(x, kernel, bias, *, strides, padding, dilation_rate):
    if not usable(x, kernel, bias) or kernel.ndim not in (3, 4) or kernel.ndim != x.ndim:
        return NotImplemented
    channels, multiplier = kernel.shape[-2:]
    filters = channels * multiplier
    if x.shape[-1] != channels or (bias is not None and bias.shape != (filters,)):
        return NotImplemented
    w = windows_over(x.shape[1:-1], kernel.shape[:-2], strides, dilation_rate, padding)
    x, kernel = contiguous(x), contiguous(kernel)
    shape = multiplier, *image_of(x.shape), *windows_of(w), *elements_of(w)
    (y,) = room(x, (len(x), *w.count, filters))
    launch_for_each("depthwise", y.size, y.size, x, kernel, contiguous(bias), y, *shape)

    def pull_x(g):
        g = cotangent(g, y)
        (gx,) = room(g, (len(g), *x.shape))
        launch_for_each("depthwise_pull", gx.size, gx.size, kernel, g, gx, *shape)
        return gx

    def pull_kernel(g):
        g = cotangent(g, y)
        (to,) = room(g, (len(g), *kernel.shape))
        grid = -(-filters // COLUMNS), prod(w.size), len(g)
        given = y.size // filters, x, g, to
        launch("depthwise_kernel_pull", grid, (COLUMNS, PARTS), *given, *shape)
        return to

    return y, (pull_x, pull_kernel, lambda g: flat(g, rows_of(g, y)).sum(axis=-2))


def elements_of(w: Windows) -> list[int]:
    """How far the elements of a window are apart."""
    return [1] * (2 - len(w.size)) + list(w.dilation)
