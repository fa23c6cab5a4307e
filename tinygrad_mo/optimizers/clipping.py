"""Gradients cut to size."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot, isfinite
from typing import Any

import numpy as np

from ..device import Array, array_module
from .finite import NotFinite, is_finite, numbers_of

Gradients = Mapping[Any, Any]


def clipped_by_value(gradients: Gradients, limit: float) -> Gradients:
    """Every number between ``-limit`` and ``limit``."""
    if not all(map(is_finite, gradients.values())):
        raise NotFinite("gradient")  # infinity, cut to size, would look like any other number
    return {w: g.clip(-limit, limit) for w, g in gradients.items()}


def clipped_by_norm(gradients: Gradients, limit: float) -> Gradients:
    """Each gradient no longer than `limit`."""
    return {w: g * shrink(norm(g), limit) for w, g in gradients.items()}


def clipped_by_global_norm(gradients: Gradients, limit: float) -> Gradients:
    """All gradients, taken as one, no longer than `limit`."""
    factor = shrink(hypot(*map(norm, gradients.values())), limit)
    return {w: g * factor for w, g in gradients.items()}


def norm(g: Any) -> float:
    """The Euclidean length, also where the squares of the numbers overflow.

    It is that of the lengths of all rows, so that rows of zeros change no bit of it: a gradient is
    as long as it would be if it were dense.
    """
    numbers = numbers_of(g)
    xp = array_module(numbers)

    @np.errstate(over="ignore")
    def length(x: Array) -> float:
        return hypot(*xp.linalg.norm(xp.atleast_1d(x), axis=-1).reshape(-1).tolist())

    if isfinite(found := length(numbers)):
        return found
    largest = float(abs(numbers).max())
    return largest * length(numbers / largest)


def shrink(length: float, limit: float) -> float:
    """The factor that makes what is longer than `limit` just as long."""
    return limit / length if length > limit else 1.0
