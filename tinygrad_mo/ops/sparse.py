"""Gradients that are 0 almost everywhere: a batch reads few entries of a large table.

Filling a dense gradient of 50,000 entries with zeros, and taking a training step with all of them,
costs more than the rest of a network. So the pullback of `embedding` returns only the entries that
were read. The engine knows `+` of such gradients and makes them dense, unless whoever starts the
sweep takes them as they are: ``plan.backward(..., sparse=True)``, as training does.
"""

from __future__ import annotations

from typing import Any

from ..device import Array, array_module
from .factored import FactoredGradient

__all__ = ["SparseGradient", "dense_gradient"]


class SparseGradient:
    """The gradient of a table at the ids that were read; everywhere else it is 0.

    Parameters
    ----------
    ids : array of int, shape (n,)
        May repeat: what belongs to one id is added up.
    values : array, shape (*rows, n, width)
    entries : int
        The length of the table.

    Examples
    --------
    >>> import numpy as np
    >>> g = SparseGradient(np.array([2, 0, 2]), np.array([[1.0], [2.0], [3.0]]), entries=4)
    >>> g.ids, g.dense().tolist()
    (array([0, 2]), [[2.0], [0.0], [4.0], [0.0]])
    >>> (g + np.ones((4, 1))).tolist()
    [[3.0], [1.0], [5.0], [1.0]]
    """

    __array_ufunc__ = None  # array + sparse is then left to `__radd__`

    def __init__(self, ids: Array, values: Array, entries: int):
        self.ids, self.values = add_up(ids, values)
        self.shape = (*values.shape[:-2], entries, values.shape[-1])
        self.dtype, self.ndim = values.dtype, values.ndim

    def dense(self) -> Array:
        """As an array of shape (*rows, entries, width)."""
        g = array_module(self.values).zeros(self.shape, self.dtype)
        g[..., self.ids, :] = self.values
        return g

    def with_values(self, values: Array) -> SparseGradient:
        """Other values at the same ids."""
        new = object.__new__(SparseGradient)
        new.ids, new.values, new.dtype, new.ndim = self.ids, values, values.dtype, values.ndim
        new.shape = (*values.shape[:-2], *self.shape[-2:])
        return new

    def astype(self, dtype: Any) -> SparseGradient:
        return self.with_values(self.values.astype(dtype))

    def __getitem__(self, row: int) -> SparseGradient:
        """One of its rows."""
        return self.with_values(self.values[row])

    def __mul__(self, factor: float) -> SparseGradient:
        return self.with_values(self.values * factor)

    def clip(self, low: float, high: float) -> SparseGradient:
        """No number below `low` or above `high`; 0, as everywhere else, must lie between them."""
        return self.with_values(self.values.clip(low, high))

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, SparseGradient):
            total = other.copy()
            total[..., self.ids, :] += self.values
            return total
        xp = array_module(self.ids)
        ids, pair = xp.concatenate([self.ids, other.ids]), [self.values, other.values]
        return SparseGradient(ids, xp.concatenate(pair, axis=-2), self.shape[-2])

    __radd__ = __add__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.dense().astype(dtype or self.dtype, copy=False)


def dense_gradient(g: Any) -> Array:
    """A gradient as an array, whether it came sparse, in factors, or as one."""
    return g.dense() if isinstance(g, NOT_DENSE) else g


NOT_DENSE = SparseGradient, FactoredGradient


def add_up(ids: Array, values: Array) -> tuple[Array, Array]:
    """Each id once, in order, and the sum of the values (..., n, width) that belong to it.

    The first, second ... occurrence of each id are added layer by layer: within a layer no id is
    repeated. What is left then (padding, mostly) is few ids with many occurrences: one sum each.
    """
    xp = array_module(ids)
    order = xp.argsort(ids, kind="stable")
    in_order = ids[order]
    is_first = xp.ones(len(ids), bool)
    is_first[1:] = in_order[1:] != in_order[:-1]
    starts = xp.flatnonzero(is_first)
    counts = xp.diff(starts, append=len(ids))
    total = values.take(order[starts], axis=-2)
    layers = 4
    for layer in range(1, layers):
        some = xp.flatnonzero(counts > layer)
        if len(some):
            total[..., some, :] += values.take(order[starts[some] + layer], axis=-2)
    for i in xp.flatnonzero(counts > layers).tolist():
        first, count = int(starts[i]), int(counts[i])
        rest = order[first + layers : first + count]
        total[..., i, :] += values.take(rest, axis=-2).sum(axis=-2)
    return in_order[starts], total
