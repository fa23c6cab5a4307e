"""How several losses share the weights of a network: methods that set loss weights in each step.

``compile(..., loss_weights="pcgrad")`` or ``loss_weights=PCGrad()``. `base` has the contract; it
takes a Gram matrix of 10 numbers to see what a method does:

>>> import numpy as np
>>> from tinygrad_mo.balancing import MGDA, PCGrad
>>> losses, gram = [1.0, 2.0], np.array([[1.0, -1.0], [-1.0, 4.0]])
>>> PCGrad().balance(losses, gram), MGDA().balance(losses, gram).round(3)
(array([2.  , 1.25]), array([0.714, 0.286]))
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..files.language import MODULES
from ..naming import lookup
from .affinity import Affinity, affinity, first_order
from .base import Balancer, GramBalancer
from .by_gradients import (
    IMTLG,
    MGDA,
    AlignedMTL,
    CAGrad,
    ConFIG,
    DualProj,
    FairGrad,
    GradNorm,
    GradVac,
    NashMTL,
    PCGrad,
    UPGrad,
)
from .by_losses import DWA, FAMO, IMTLL, RLW, STCH, Equal, GeometricMean, Uncertainty
from .by_rows import GradDrop
from .grouping import best_groups, higher_order
from .suggesting import Suggestion, suggest

METHODS: dict[str, type[Balancer]] = {
    "equal": Equal,
    "uncertainty": Uncertainty,
    "dwa": DWA,
    "rlw": RLW,
    "geometric_mean": GeometricMean,
    "imtl_l": IMTLL,
    "stch": STCH,
    "famo": FAMO,
    "gradnorm": GradNorm,
    "mgda": MGDA,
    "pcgrad": PCGrad,
    "gradvac": GradVac,
    "cagrad": CAGrad,
    "imtl_g": IMTLG,
    "nash_mtl": NashMTL,
    "fairgrad": FairGrad,
    "aligned_mtl": AlignedMTL,
    "upgrad": UPGrad,
    "dualproj": DualProj,
    "config": ConFIG,
    "graddrop": GradDrop,
}

MODULES["balancing"] = import_module(__name__)  # a file knows them by name

__all__ = [
    "METHODS",
    "Affinity",
    "Balancer",
    "GramBalancer",
    "Suggestion",
    "affinity",
    "best_groups",
    "first_order",
    "get",
    "higher_order",
    "suggest",
    *(cls.__name__ for cls in METHODS.values()),
]


def get(method: Any) -> Balancer:
    """A new balancer, by name (case does not matter), by its class, or made like a given one.

    >>> get("PCGrad").needs
    'gram'
    >>> get("pcgard")
    Traceback (most recent call last):
    ValueError: unknown balancing method 'pcgard': did you mean 'pcgrad'? Known: ...
    """
    if isinstance(method, Balancer):
        return method.fresh()
    if isinstance(method, type) and issubclass(method, Balancer):
        return method()
    return lookup("balancing method", str(method).lower(), METHODS)()


def method_in(loss_weights: Any) -> Balancer | None:
    """The method that was given as `loss_weights`, if one was."""
    is_class = isinstance(loss_weights, type) and issubclass(loss_weights, Balancer)
    if isinstance(loss_weights, str):
        lookup("balancing method", loss_weights.lower(), METHODS, owner="loss_weights")
    elif not isinstance(loss_weights, Balancer) and not is_class:
        return None
    return get(loss_weights)
