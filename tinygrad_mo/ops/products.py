"""Products of large arrays, and what is asked of the gradients of several losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..device import Array, array_module, by_twin, in_parts, worth_cutting
from ..questions import on_gpu

__all__ = ["inner_products", "product", "weighted_sum"]

BLOCK = 1 << 13  # numbers of a row that are multiplied at a time: too few for BLAS to call threads
TWINS: dict[str, Callable[..., Any]] = {}  # by device, compiled ones


def product(x: Array, y: Array) -> Array:
    """x @ y; where that takes long, the rows of x in parts.

    For each entry of its first axis a stack of matrices times one is one product, not many.
    """
    if x.ndim > 3 and y.ndim == 2:
        each = x.reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])
        return product(each, y).reshape(*x.shape[:-1], y.shape[-1])
    cost = x.size * y.shape[-1]
    if x.ndim < 2 or not worth_cutting(cost):
        return x @ y
    xp = array_module(x)
    lead = xp.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    z = xp.empty((*lead, x.shape[-2], y.shape[-1]), xp.result_type(x, y))

    def work(rows: slice) -> None:
        xp.matmul(x[..., rows, :], y, out=z[..., rows, :])

    in_parts(x.shape[-2], work, cost)
    return z


def inner_products(rows: Array) -> Array:
    """Of the rows (n, size) with one another, as an array (n, n), in float64.

    They stay where they are: on a GPU, where nobody waits for them.

    >>> import numpy as np
    >>> inner_products(np.array([[1.0, 2.0], [3.0, -1.0]])).tolist()
    [[5.0, 1.0], [1.0, 10.0]]
    """
    found = by_twin(TWINS, rows, rows)
    if found is not NotImplemented:
        return found
    if on_gpu(rows):
        exact = rows.astype(np.float64)
        return exact @ exact.T
    total = np.zeros((len(rows), len(rows)))
    with np.errstate(all="ignore"):  # who asks looks whether they are finite
        for start in range(0, rows.shape[1], BLOCK):
            block = rows[:, start : start + BLOCK].astype(np.float64)
            total += np.vecdot(block[:, None], block)  # for so few rows faster than their product
    return total


def weighted_sum(rows: Array, weights: Sequence[float]) -> Array:
    """Of the rows (n, ...); one of weight 0 takes no part, since 0 times infinity is NaN."""
    active = [row for row, weight in enumerate(weights) if weight]
    if len(active) == 1:
        return rows[active[0]] * rows.dtype.type(weights[active[0]])
    shape, xp = rows.shape[1:], array_module(rows)
    if len(active) < len(weights):
        rows = rows[active]
    factors = xp.asarray([weights[row] for row in active], rows.dtype)
    return factors.dot(rows.reshape(len(active), prod(shape))).reshape(shape)
