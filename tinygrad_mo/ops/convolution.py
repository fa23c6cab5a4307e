"""Convolutions over any number of spatial axes, channels last.

Three plain functions do the work: `correlate`, the gradient of its input (`spread_back`), and the
gradient of its kernel (`kernel_gradient`). A convolution is the first with the other two as
pullbacks; a transposed convolution is the second, and the first is its pullback.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from math import prod
from operator import add

from ..device import Array, array_module, in_parts
from ..questions import on_gpu
from . import winograd
from .contract import flat, in_floats, op, rows_of
from .linear import column_sums
from .windows import (
    Windows,
    blocks,
    inside,
    lengths_before,
    pad,
    padded_zeros,
    patches,
    windows_over,
)

__all__ = ["convolution", "depthwise_convolution", "transposed_convolution"]


@op(optional=("bias",))
@in_floats
def convolution(x, kernel, bias, *, strides, padding, dilation_rate, groups=1):
    """Each window of x times the kernel, plus bias if it is not None (LeCun et al. 1989).

    x is (batch, *lengths, channels), the kernel (*size, channels / groups, filters), the result
    (batch, *count, filters) with as many windows as `windows_over` says. With groups, channels and
    filters are split evenly, and each part of the filters sees its own channels only.
    """
    check_channels(x, kernel.shape[-2] * groups, kernel)
    w = windows_over(x.shape[1:-1], kernel.shape[:-2], strides, dilation_rate, padding)
    y = by_group(lambda x, kernel: correlate(x, kernel, w), groups, x, kernel)
    if bias is not None:
        add_by_line(y, bias)

    def pull_x(g):
        def pull(g, kernel):
            return spread_back(g, kernel, w, x.shape[1:-1])

        return by_group(pull, groups, rows_in_batch(g, y), kernel).reshape(rows_of(g, y) + x.shape)

    def pull_kernel(g):
        return by_group(lambda x, g: kernel_gradient(x, g, w), groups, x, g)

    return y, (pull_x, pull_kernel, lambda g: column_sums(flat(g, rows_of(g, y))))


@op(optional=("bias",))
@in_floats
def transposed_convolution(x, kernel, bias, *, strides, padding, dilation_rate):
    """The pullback of a convolution, used forwards: each element of x adds a copy of the kernel.

    The copy is multiplied by the element (Zeiler et al. 2010). x is (batch, *lengths, channels).
    The kernel is (*size, filters, channels): that of the convolution which leads from the result,
    (batch, *longer, filters), to x.
    """
    check_channels(x, kernel.shape[-1], kernel)
    lengths = lengths_before(x.shape[1:-1], kernel.shape[:-2], strides, dilation_rate, padding)
    w = windows_over(lengths, kernel.shape[:-2], strides, dilation_rate, padding)
    y = spread_back(x, kernel, w, lengths)
    if bias is not None:
        add_by_line(y, bias)

    def pull_x(g):
        return correlate(rows_in_batch(g, y), kernel, w).reshape(rows_of(g, y) + x.shape)

    def pull_kernel(g):
        rows = rows_of(g, y)
        each = [kernel_gradient(row, x, w) for row in g.reshape(prod(rows), *y.shape)]
        return array_module(x).stack(each).reshape(rows + kernel.shape)

    return y, (pull_x, pull_kernel, lambda g: column_sums(flat(g, rows_of(g, y))))


@op(optional=("bias",))
@in_floats
def depthwise_convolution(x, kernel, bias, *, strides, padding, dilation_rate):
    """Each channel by itself, under filters of its own (Sifre & Mallat 2014).

    x (batch, *lengths, channels) and a kernel (*size, channels, multiplier) give (batch, *count,
    channels * multiplier): output c * multiplier + m is channel c under its m-th filter.
    """
    channels, multiplier = kernel.shape[-2:]
    check_channels(x, channels, kernel)
    xp, lengths = array_module(x), x.shape[1:-1]
    w = windows_over(lengths, kernel.shape[:-2], strides, dilation_rate, padding)
    filters = kernel.reshape(*w.size, channels * multiplier)
    many = x if multiplier == 1 else xp.repeat(x, multiplier, axis=-1)
    y = xp.zeros((len(x), *w.count, filters.shape[-1]), x.dtype)
    for images in blocks(len(x), prod(lengths) * filters.shape[-1]):
        block = pad(many[images], w)
        for element, place in w.places():
            y[images] += block[place] * filters[element]
    if bias is not None:
        add_by_line(y, bias)

    def pull_x(g):
        g_many = rows_in_batch(g, y)
        gx = xp.empty((len(g_many), *x.shape[1:]), g.dtype)
        for images in blocks(len(g_many), prod(lengths) * filters.shape[-1]):
            block = padded_zeros(w, images.stop - images.start, lengths, y)
            for element, place in w.places():
                block[place] += g_many[images] * filters[element]
            block = block[inside(w, lengths)]
            gx[images] = block.reshape(*block.shape[:-1], channels, multiplier).sum(axis=-1)
        return gx.reshape(rows_of(g, y) + x.shape)

    def pull_kernel(g):
        rows = rows_of(g, y)
        gk = xp.zeros((*rows, *filters.shape), g.dtype)
        for images in blocks(len(x), prod(lengths) * filters.shape[-1]):
            block, g_block = pad(many[images], w), g[(..., images, *[slice(None)] * (x.ndim - 1))]
            for element, place in w.places():
                product = block[place] * g_block
                gk[(..., *element, slice(None))] += column_sums(flat(product, rows))
        return gk.reshape(*rows, *kernel.shape)

    return y, (pull_x, pull_kernel, lambda g: column_sums(flat(g, rows_of(g, y))))


def correlate(x: Array, kernel: Array, w: Windows) -> Array:
    """Each window as a row, times the kernel as a matrix."""
    y = array_module(x).empty((len(x), *w.count, kernel.shape[-1]), x.dtype)
    way = winograd.correlate if winograd.suits(x, kernel.shape[-1], w) else correlate_plainly

    def work(images: slice) -> None:
        way(x[images], kernel, w, out=y[images])

    in_parts(len(x), work, cost=y.size * prod(kernel.shape[:-1]))
    return y


def correlate_plainly(x: Array, kernel: Array, w: Windows, out: Array) -> None:
    matrix = flat(kernel)
    for images, windows in patches(x, w):
        array_module(x).matmul(windows, matrix, out=flat(out[images]))


def spread_back(g: Array, kernel: Array, w: Windows, lengths: tuple[int, ...]) -> Array:
    """The gradient of the input of `correlate`: every window hands g back to its elements."""
    if set(w.strides) == {1}:
        return correlate(g, *reversed_windows(kernel, w, lengths))
    gx = array_module(g).empty((len(g), *lengths, kernel.shape[-2]), g.dtype)

    def work(images: slice) -> None:
        spread_back_by_strides(g[images], kernel, w, out=gx[images])

    in_parts(len(g), work, cost=g.size * prod(kernel.shape[:-1]))
    return gx


def spread_back_by_strides(g: Array, kernel: Array, w: Windows, out: Array) -> None:
    matrix, (*lengths, channels) = flat(kernel).T, out.shape[1:]
    for images in blocks(len(g), prod(w.count) * matrix.shape[1]):
        n = images.stop - images.start
        windows = (flat(g[images]) @ matrix).reshape(n, *w.count, *w.size, channels)
        block = padded_zeros(w, n, lengths, out)
        for element, place in w.places():
            block[place] += windows[(..., *element, slice(None))]
        out[images] = block[inside(w, lengths)]


def reversed_windows(kernel: Array, w: Windows, lengths: Sequence[int]) -> tuple[Array, Windows]:
    """The kernel and windows with which, for strides of 1, `correlate` hands g back."""
    spans = [(k - 1) * d for k, d in zip(w.size, w.dilation, strict=True)]
    pads = tuple((span - a, span - b) for span, (a, b) in zip(spans, w.pads, strict=True))
    backwards = (slice(None, None, -1),) * len(w.size)
    return kernel[backwards].swapaxes(-1, -2), replace(w, pads=pads, count=tuple(lengths))


def kernel_gradient(x: Array, g: Array, w: Windows) -> Array:
    """The gradient of the kernel of `correlate`: windows times g, summed over all windows."""
    suited = winograd.suits(x, g.shape[-1], w)
    way = winograd.kernel_gradient if suited else kernel_gradient_plainly
    behind = (slice(None),) * (x.ndim - 1)

    def work(images: slice) -> Array:
        return way(x[images], g[(..., images, *behind)], w)

    return reduce(add, in_parts(len(x), work, cost=g.size * prod(w.size) * x.shape[-1]))


def kernel_gradient_plainly(x: Array, g: Array, w: Windows) -> Array:
    xp, rows = array_module(x), rows_of(g, x)
    total = xp.zeros((*rows, prod(w.size) * x.shape[-1], g.shape[-1]), g.dtype)
    for images, windows in patches(x, w):
        g_block = g[(..., images, *[slice(None)] * (x.ndim - 1))]
        total += windows.T @ flat(g_block, rows)
    return total.reshape(*rows, *w.size, x.shape[-1], g.shape[-1])


def by_group(work: Callable[[Array, Array], Array], groups: int, a: Array, b: Array) -> Array:
    """The work done for each group of channels (the last axis), and the results joined."""
    if groups == 1:
        return work(a, b)
    xp = array_module(a)
    pairs = zip(xp.split(a, groups, axis=-1), xp.split(b, groups, axis=-1), strict=True)
    return xp.concatenate([work(*pair) for pair in pairs], axis=-1)


def add_by_line(y: Array, bias: Array) -> None:
    """``y += bias``, where y is in one piece: NumPy goes line by line, so these should be long."""
    if on_gpu(y):
        y += bias
        return
    line = array_module(y).empty(y.shape[-2:], y.dtype)
    line[...] = bias
    lines = y.reshape(*y.shape[:-2], line.size)
    lines += line.reshape(-1)


def rows_in_batch(g: Array, y: Array) -> Array:
    """The rows of g one behind the other, as more images."""
    return g.reshape(prod(rows_of(g, y)) * len(y), *y.shape[1:])


def check_channels(x: Array, channels: int, kernel: Array) -> None:
    if x.shape[-1] != channels:
        raise ValueError(
            f"the last axis of x must hold the channels that the kernel was made for: "
            f"{x.shape[-1]} != {channels} (x {x.shape}, kernel {kernel.shape})"
        )
