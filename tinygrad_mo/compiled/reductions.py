"""Means over short axes, by `kernels/cpu/reductions.c`."""

from __future__ import annotations

from math import prod

import numpy as np

from ..ops.reductions import stretch
from ..ops.shaping import from_right
from .registry import call_c_in_parts, contiguous, twin_of, usable

SHORT = 64  # numbers that make up one; NumPy is as fast where they are more
PER_NUMBER = 4  # its time, in multiplications


@twin_of("mean")
def mean(x, *, axis=None, keepdims=False):
    axes = from_right(axis, x.ndim)
    kept = x.shape[: x.ndim - len(axes)]
    width = prod(x.shape[len(kept) :])
    if not axes or sorted(axes) != list(range(-len(axes), 0)) or not usable(x) or width > SHORT:
        return NotImplemented
    y = np.empty(kept + (1,) * len(axes) * keepdims, x.dtype)
    rows = contiguous(x).reshape(y.size, width)
    call_c_in_parts("sums_of_rows", PER_NUMBER * x.size, *rows.shape, rows, y.reshape(-1))
    y /= width
    return y, (lambda g: stretch(g / width, x, axes, keepdims),)
