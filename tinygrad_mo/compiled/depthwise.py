"""Convolutions of each channel by itself, by `kernels/cpu/convolution.c`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..device import Array, in_parts
from ..ops.contract import flat, rows_of
from ..ops.linear import column_sums
from ..ops.windows import Windows, windows_over
from .convolution import axes_of, parts_of_input, room_for_input, windows_of
from .registry import call_c, call_c_in_parts, contiguous, cotangent, twin_of, usable


@twin_of("depthwise_convolution")
def depthwise_convolution(x, kernel, bias, *, strides, padding, dilation_rate):
    if not usable(x, kernel, bias) or not fits(x, kernel, bias):
        return NotImplemented
    channels, multiplier = kernel.shape[-2:]
    lengths = x.shape[1:-1]
    w = windows_over(lengths, kernel.shape[:-2], strides, dilation_rate, padding)
    filters = contiguous(kernel).reshape(*w.size, channels * multiplier)
    many = contiguous(x if multiplier == 1 else np.repeat(x, multiplier, axis=-1))
    y = np.empty((len(x), *w.count, filters.shape[-1]), x.dtype)
    by_channel(many, filters, None if bias is None else contiguous(bias), axes_of(many, w), y)

    def pull_x(g):
        images = cotangent(g, y).reshape(-1, *y.shape[1:])
        gx = room_for_input((len(images), *lengths, filters.shape[-1]), w)
        for axes, elements, start in parts_of_input(w, lengths):
            by_channel(images, contiguous(filters[elements]), None, axes, gx, start)
        if multiplier > 1:
            gx = gx.reshape(*gx.shape[:-1], channels, multiplier).sum(axis=-1)
        return gx.reshape(rows_of(g, y) + x.shape)

    def pull_kernel(g):
        total = np.zeros(rows_of(g, y) + filters.shape, x.dtype)
        for row, to in zip(cotangent(g, y), total, strict=True):
            add_kernel_gradient(many, row, w, to)
        return total.reshape(rows_of(g, y) + kernel.shape)

    return y, (pull_x, pull_kernel, lambda g: column_sums(flat(g, rows_of(g, y))))


def fits(x: Array, kernel: Array, bias: Array | None) -> bool:
    """Is all in order? Otherwise the NumPy rule says what is wrong."""
    return (
        kernel.ndim in (3, 4)
        and kernel.ndim == x.ndim
        and kernel.shape[-2] == x.shape[-1]
        and (bias is None or bias.shape == (prod(kernel.shape[-2:]),))
    )


def by_channel(
    x: Array, filters: Array, bias: Array | None, axes: Any, y: Array, start: Any = ()
) -> None:
    """The windows of x times the filters, put into y; the first result at the place `start`."""
    cost = x.size * prod(filters.shape[:-1])
    where = windows_of(x, axes, y, runs=False)
    call_c_in_parts("depthwise", cost, *where, filters, bias, y[start], whole=(2, 3, 4))


def add_kernel_gradient(x: Array, g: Array, w: Windows, total: Array) -> None:
    """Put how the filters take part into `total`, which holds zeros; parts are added in order."""

    def work(part: slice) -> Array:
        own = np.zeros_like(total) if part.start else total
        where = windows_of(x[part], axes_of(x, w), g, runs=False)
        call_c("depthwise_kernel_gradient", *where, g[part], own)
        return own

    for more in in_parts(len(x), work, g.size * prod(w.size))[1:]:
        total += more
