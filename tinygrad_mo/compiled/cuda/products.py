"""Products of matrices by `kernels/cuda/products.cu`, and arrays put together.

Up to a size a kernel of our own multiplies: CuPy does not call cuBLAS while a step is captured, and
both ways must come to the same numbers. For the same reason arrays are put together one by one: to
concatenate many is to send their addresses, which CuPy does not do then, either.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np

from ...device import Array, array_module
from ...ops.contract import flat, rows_of
from ...questions import on_gpu
from ..registry import FLOAT, twin_of
from .launching import contiguous, launch, room, usable

MOST = 1 << 28  # multiplications: of more, cuBLAS is faster by more than a launch takes
MOST_MATRICES = (1 << 16) - 1
MANY = 128  # blocks that keep a GPU busy
BLOCKS = {  # how a block works: EACH and GROUPS of the kernel
    "many": {"EACH": 4, "GROUPS": 1},
    "few": {"EACH": 2, "GROUPS": 4},
}


def product(x: Array, y: Array) -> Array:
    """``x @ y``; a large one by cuBLAS."""
    found = by_kernel(x, y)
    return x @ y if found is NotImplemented else found


def by_kernel(x: Array, y: Array) -> Any:
    """The same by the kernel; NotImplemented where it does not apply."""
    if min(x.ndim, y.ndim) < 2 or not usable(x, y) or x.shape[-1] != y.shape[-2]:
        return NotImplemented
    lead = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    (rows, inner), columns, matrices = x.shape[-2:], y.shape[-1], prod(lead)
    if {prod(x.shape[:-2]), prod(y.shape[:-2])} - {1, matrices} or matrices > MOST_MATRICES:
        return NotImplemented
    if matrices * rows * inner * columns > MOST:
        return NotImplemented
    (to,) = room(x, (*lead, rows, columns))
    if prod(y.shape[:-2]) == 1 and x.flags.c_contiguous:  # all rows of x in one matrix
        x, rows, matrices = x.reshape(-1, inner), rows * matrices, 1
    squares = matrices * -(-rows // 64) * -(-columns // 64)
    how = BLOCKS["many" if squares >= MANY else "few"]
    side = 16 * how["EACH"]
    grid = -(-columns // side), -(-rows // side), matrices
    sizes = rows, columns, inner
    launch("product", grid, (16, 16, how["GROUPS"]), *sizes, *laid_out(x), *laid_out(y), to, **how)
    return to


def laid_out(x: Array) -> tuple[Array, int, int, int]:
    """An array as it lies in memory; how far apart two of its matrices, rows and columns lie."""
    rows, columns = x.shape[-2:]
    apart = 0 if x.size == rows * columns else rows * columns
    turned = x.swapaxes(-1, -2)
    if turned.flags.c_contiguous and not x.flags.c_contiguous:
        return turned, apart, 1, rows
    return contiguous(x), apart, columns, 1


@twin_of("dense", "cuda")
def dense(x, kernel, bias):
    if not usable(x, kernel, bias) or x.ndim < 2 or x.shape[-1] != kernel.shape[0]:
        return NotImplemented
    y = product(x, kernel)
    if bias is not None:
        y += bias

    def pull_kernel(g):
        return product(flat(x).T, flat(g, rows_of(g, y)))

    return y, (lambda g: product(g, kernel.T), pull_kernel, lambda g: g)


@twin_of("matmul", "cuda")
def matmul(x, y):
    if not usable(x, y) or min(x.ndim, y.ndim) < 2 or x.shape[-1] != y.shape[-2]:
        return NotImplemented
    pulls = lambda g: product(g, y.swapaxes(-1, -2)), lambda g: product(x.swapaxes(-1, -2), g)
    return product(x, y), pulls


@twin_of("concatenate", "cuda")
def concatenate(*xs, axis=-1):
    axis -= xs[0].ndim * (axis >= 0)
    if any(not on_gpu(x) or x.dtype != FLOAT or x.ndim != xs[0].ndim for x in xs):
        return NotImplemented
    lengths = [x.shape[axis] for x in xs]
    shape = list(xs[0].shape)
    shape[axis] = sum(lengths)
    y = array_module(xs[0]).empty(shape, FLOAT)
    behind = [slice(None)] * (-1 - axis)
    places = [(..., slice(*span), *behind) for span in pairwise(accumulate(lengths, initial=0))]
    for place, x in zip(places, xs, strict=True):
        y[place] = x
    return y, tuple((lambda g, place=place: g[place]) for place in places)
