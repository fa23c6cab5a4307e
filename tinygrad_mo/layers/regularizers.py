"""Penalties on the size of parameters, added to the loss."""

from __future__ import annotations

from typing import Any

from ..engine.graph import Tensor
from ..naming import lookup
from ..recipes import Recipe

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "get",
]


class L1L2(Recipe):
    """The penalty ``l1 * sum(|w|) + l2 * sum(w**2)``.

    Parameters
    ----------
    l1, l2 : float
        Its strength, zero or more.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        if l1 < 0 or l2 < 0:
            raise ValueError(f"a penalty cannot be negative: l1={l1}, l2={l2}")
        self.l1, self.l2 = l1, l2

    def __call__(self, w: Tensor) -> Tensor:
        terms = []
        if self.l1:
            terms.append(self.l1 * abs(w).sum())
        if self.l2:
            terms.append(self.l2 * (w * w).sum())
        return sum(terms[1:], terms[0]) if terms else 0.0 * w.sum()


def L1(l1: float = 0.01) -> L1L2:
    """The penalty ``l1 * sum(|w|)``, which drives weights to exactly zero."""
    return L1L2(l1=l1)


def L2(l2: float = 0.01) -> L1L2:
    """The penalty ``l2 * sum(w**2)``, which keeps weights small."""
    return L1L2(l2=l2)


REGULARIZERS: dict[str, Any] = {"l1": L1, "l2": L2, "l1_l2": lambda: L1L2(0.01, 0.01)}


def get(regularizer: Any) -> Any:
    """A regularizer by name, or any function from a tensor to a scalar tensor, or None."""
    if regularizer is None or callable(regularizer):
        return regularizer
    return lookup("regularizer", regularizer, REGULARIZERS)()
