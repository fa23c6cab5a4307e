"""Optimizers: how a gradient becomes a step.

The rules, defaults and the places of epsilon are those of Keras, so that numbers can be compared
one to one. `rules` has them; `base` is what they share, `joined` steps small parameters together,
and `tables` steps those entries of a large table that a batch has read.
"""

from __future__ import annotations

from typing import Any

from ..naming import lookup
from .base import Optimizer
from .rules import SGD, Adagrad, Adam, AdamW, RMSprop

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "adagrad": Adagrad,
}


def get(optimizer: Any) -> Optimizer:
    """An optimizer by name (case does not matter), or as it is."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    return lookup("optimizer", str(optimizer).lower(), OPTIMIZERS)()
