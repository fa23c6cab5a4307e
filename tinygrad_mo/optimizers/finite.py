"""Looking for infinity and NaN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import numpy as np

from ..device import Array, array_module
from ..ops import SparseGradient
from ..questions import ask, on_gpu, refuse_if


class NotFinite(Exception):
    """Which array holds infinity or NaN: "gradient", "values" or the name of a slot."""


def all_finite(arrays: Sequence[Array]) -> bool:
    """Is no number of these flat arrays infinity or NaN? May say no where some are just very large.

    A product is finite only if both factors are (0 times infinity is NaN), so that one look at the
    sum of products serves two arrays.
    """
    half = (len(arrays) + 1) // 2
    return all(map(isfinite, map(np.vdot, arrays[:half], arrays[-half:])))


def refuse_if_not_finite(arrays: Sequence[Array], look: Callable[[], Any]) -> None:
    """The same of arrays of a GPU: `look`, which may raise, is called when the answer comes."""
    half = (len(arrays) + 1) // 2
    products = map(array_module(arrays[0]).vdot, arrays[:half], arrays[-half:])
    refuse_if(~np.isfinite(sum(products)), look)


def ask_if_not_finite(x: Array) -> Any:
    """Is infinity or NaN there? To be read by `bool` (see `questions.ask`)."""
    return ask(~np.isfinite(x).all()) if on_gpu(x) else not is_finite(x)


def is_finite(g: Any) -> bool:
    """Is no number of this array or `SparseGradient` infinity or NaN?"""
    numbers = numbers_of(g)
    xp = array_module(numbers)
    return isfinite(xp.vdot(numbers, numbers)) or bool(xp.isfinite(numbers).all())


def numbers_of(g: Any) -> Array:
    """All numbers of a gradient, but for those of entries that were not read, which are 0."""
    return g.values if isinstance(g, SparseGradient) else g
