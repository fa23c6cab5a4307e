"""Pooling over one or two axes, by `kernels/cpu/pooling.c`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import Array
from ..ops.contract import rows_of
from ..ops.windows import windows_over
from .registry import call_c_in_parts, contiguous, cotangent, twin_of, usable

PER_NUMBER = 30  # of the input: the time, in multiplications


@twin_of("max_pool")
def max_pool(x, *, pool_size, strides, padding):
    return pooled("max_pool", x, pool_size, strides, padding, pull_reads_both=True)


@twin_of("average_pool")
def average_pool(x, *, pool_size, strides, padding):
    return pooled("average_pool", x, pool_size, strides, padding, pull_reads_both=False)


def pooled(
    name: str, x: Array, pool_size: Any, strides: Any, padding: str, pull_reads_both: bool
) -> Any:
    """One number per window; does its pullback read x and y, or nothing but the cotangent?"""
    if x.ndim not in (3, 4) or not usable(x):
        return NotImplemented
    x = contiguous(x)
    shape, y = shape_and_room(x, pool_size, strides, padding)
    call_c_in_parts(name, PER_NUMBER * x.size, shape, x, y)
    read = (x, y) if pull_reads_both else ()

    def pull_x(g):
        g = cotangent(g, y)
        gx = np.empty(rows_of(g, y) + x.shape, x.dtype)
        for of_row, to in zip(g, gx, strict=True):
            call_c_in_parts(f"{name}_pull", PER_NUMBER * x.size, shape, *read, of_row, to)
        return gx

    return y, (pull_x,)


def shape_and_room(x: Array, pool_size: Any, strides: Any, padding: str) -> tuple[Array, Array]:
    """What the C code calls `shape`, and room for what comes of each window."""
    lengths = x.shape[1:-1]
    w = windows_over(lengths, pool_size, strides, (1,) * len(lengths), padding)
    above = (1,) * (2 - len(lengths))  # a sequence is an image of one line
    before = [0] * len(above) + [first for first, _ in w.pads]
    numbers = [len(x), *above, *x.shape[1:], *before, *above, *w.size, *above, *w.strides]
    y = np.empty((len(x), *w.count, x.shape[-1]), x.dtype)
    return np.array([*numbers, *above, *w.count], np.intp), y
