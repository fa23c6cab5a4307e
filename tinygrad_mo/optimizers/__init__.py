"""Optimizers: how a gradient becomes a step.

The rules, defaults and the places of epsilon are those of Keras, so that numbers can be compared
one to one. `rules` and `moments` have them, and `rule` says what a rule is; `base` is what they
share, `together` steps small parameters at once, and `tables` helps to step those entries of a
large table that a batch has read.
"""

from __future__ import annotations

from typing import Any

from ..arguments import shown
from ..naming import lookup
from ..other_names import says
from . import fused  # without this line, the formulas as they stand
from .base import Optimizer
from .moments import Adam, Adamax, AdamW, Nadam
from .rule import Rule
from .rules import SGD, Adadelta, Adagrad, Lion, RMSprop

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "Rule",
    "get",
]
__getattr__ = says(__name__, "optimizers")

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "adamax": Adamax,
    "nadam": Nadam,
    "lion": Lion,
}


def get(optimizer: Any) -> Optimizer:
    """An optimizer by name (case does not matter), by its class, or as it is.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> from tinygrad_mo import optimizers
    >>> optimizers.get("RMSprop").rho
    0.9
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        made: Any = optimizer  # with its defaults
        return made()
    if not isinstance(optimizer, str):
        raise ValueError(
            f"an optimizer is a name such as 'adam', or an Optimizer, not {shown(optimizer)}"
        )
    return lookup("optimizer", optimizer.lower(), OPTIMIZERS)()
