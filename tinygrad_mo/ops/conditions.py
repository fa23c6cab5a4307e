"""Comparisons and conditions, element by element: values without a slope, and the choice by them.

Two inputs broadcast as in NumPy. Comparisons give booleans. NaN equals nothing, not even itself.
"""

from ..device import array_module
from .contract import one_type, op

__all__ = [
    "broadcast_mask",
    "equal",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "not_equal",
    "where",
]


@op
def equal(x, y):
    """True where x and y are the same number."""
    return x == y, (None, None)


@op
def not_equal(x, y):
    """True where x and y are different numbers."""
    return x != y, (None, None)


@op
def greater(x, y):
    """True where x is above y."""
    return x > y, (None, None)


@op
def greater_equal(x, y):
    """True where x is above y or equal to it."""
    return x >= y, (None, None)


@op
def less(x, y):
    """True where x is below y."""
    return x < y, (None, None)


@op
def less_equal(x, y):
    """True where x is below y or equal to it."""
    return x <= y, (None, None)


@op
def logical_and(x, y):
    """True where both hold. Numbers other than 0 count as True."""
    return array_module(x).logical_and(x, y), (None, None)


@op
def logical_or(x, y):
    """True where one holds, or both. Numbers other than 0 count as True."""
    return array_module(x).logical_or(x, y), (None, None)


@op
def logical_not(x):
    """True where x does not hold, that is, where it is 0 or False."""
    return array_module(x).logical_not(x), (None,)


@op
def broadcast_mask(mask, x):
    """The mask of x where one number of the mask stands for all steps along an axis.

    The axes of the mask are the first ones of x, as long as those of x or 1: (batch, 1) and x
    (batch, time, features) give (batch, time).
    """
    return array_module(mask).broadcast_to(mask, x.shape[: mask.ndim]), (None, None)


@op
@one_type(but="condition", moves=True)
def where(condition, x, y):
    """x where the condition holds, y elsewhere. Each gets the gradient of its own places."""
    xp = array_module(condition)
    return xp.where(condition, x, y), (
        None,
        lambda g: xp.where(condition, g, 0),
        lambda g: xp.where(condition, 0, g),
    )
