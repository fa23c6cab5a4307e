"""Penalties on the size of parameters, added to the loss."""

from __future__ import annotations

from typing import Any

from .. import arguments
from ..engine.graph import Parameter, Tensor
from ..naming import lookup
from ..other_names import says
from ..recipes import Recipe

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "get",
]
__getattr__ = says(__name__, "layers.regularizers")


class L1L2(Recipe):
    """The penalty ``l1 * sum(|w|) + l2 * sum(w**2)``.

    Parameters
    ----------
    l1, l2 : float
        Its strength, zero or more.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = arguments.number("L1L2: l1", l1), arguments.number("L1L2: l2", l2)
        if self.l1 < 0 or self.l2 < 0:
            raise ValueError(f"a penalty cannot be negative: l1={l1}, l2={l2}")

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


def penalty(w: Parameter) -> Tensor:
    """What the regularizer of a parameter adds to the loss."""
    found = get(w.regularizer)(w)
    if not isinstance(found, Tensor) or found.shape != ():
        is_tensor = isinstance(found, Tensor)
        given = f"one of shape {found.shape}" if is_tensor else arguments.shown(found)
        raise TypeError(
            f"the regularizer of {w.name} must return a scalar tensor, as (w * w).sum() is, not "
            f"{given}"
        )
    return found
