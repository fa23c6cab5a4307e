"""The gradients of a kernel as the products that they are, while nobody needs the numbers.

The gradient of loss k for the kernel of an affine map is x' d_k, where x (n, inputs) is what it has
read and d_k (n, units) is what came back. Where the batch is small beside the kernel, its two
factors are all that is needed of it, and far smaller: inner products of two losses' gradients are
those of d_i and x x' d_j, and a weighted sum is x' times the weighted sum of the d_k, one large
product instead of one for each loss. A shared layer has one gradient from all its uses: their
factors, one behind the other, are the factors of the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from ..device import Array, array_module
from .products import product, weighted_sum

__all__ = ["FactoredGradient", "cheaper_in_factors"]

SMALL = 1 << 16  # numbers of a kernel; a smaller one is multiplied in no time


class FactoredGradient:
    """One gradient of a kernel for each of several rows, x' g, not multiplied yet.

    Parameters
    ----------
    x : array, shape (n, inputs)
    g : array, shape (rows, n, units)

    Examples
    --------
    >>> import numpy as np
    >>> d = FactoredGradient(np.array([[1.0, 2.0]]), np.array([[[3.0]], [[-1.0]]]))
    >>> d.shape, d.dense()[0].tolist()
    ((2, 2, 1), [[3.0], [6.0]])
    >>> d.inner_products().tolist(), d.weighted_sum([1.0, 2.0]).tolist()
    ([[45.0, -15.0], [-15.0, 5.0]], [[1.0], [2.0]])
    """

    __array_ufunc__ = None  # array + this is then left to `__radd__`
    ndim = 3

    def __init__(self, x: Array, g: Array):
        self.x, self.g, self.dtype = x, g, g.dtype
        self.shape = (len(g), x.shape[1], g.shape[2])
        self.size = prod(self.shape)

    def dense(self) -> Array:
        """As an array (rows, inputs, units)."""
        return self._dense

    @cached_property
    def _dense(self) -> Array:
        return product(self.x.T, self.g)

    def astype(self, dtype: Any) -> FactoredGradient:
        return FactoredGradient(self.x.astype(dtype), self.g.astype(dtype))

    def __getitem__(self, rows: list[int]) -> FactoredGradient:
        """Some of its rows."""
        return FactoredGradient(self.x, self.g[rows])

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, FactoredGradient):
            return self.dense() + other
        xp = array_module(self.x)
        x, g = xp.concatenate([self.x, other.x]), xp.concatenate([self.g, other.g], axis=1)
        both = FactoredGradient(x, g)
        return both if cheaper_in_factors(x, g) else both.dense()

    __radd__ = __add__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.dense().astype(dtype or self.dtype, copy=False)

    def inner_products(self) -> Array:
        """Of the rows with one another, in float64."""
        x, g = self.x.astype(np.float64), self.g.astype(np.float64)
        with np.errstate(all="ignore"):  # who asks looks whether they are finite
            mixed = (x @ x.T) @ g
            found = g.reshape(len(g), -1) @ mixed.reshape(len(g), -1).T
        return (found + found.T) / 2  # they are symmetric but for rounding

    def weighted_sum(self, weights: Sequence[float]) -> Array:
        """Of the rows, (inputs, units): only this is multiplied."""
        return product(self.x.T, weighted_sum(self.g, weights))


def cheaper_in_factors(x: Array, g: Array) -> bool:
    """Are the inner products of several rows found sooner without multiplying?"""
    if g.ndim < 3:  # no rows
        return False
    (n, inputs), (rows, _, units) = x.shape, g.shape
    apart, whole = 2 * n * (inputs + rows * units), rows * inputs * units
    return rows > 1 and inputs * units > SMALL and apart < whole
