"""Small parameters side by side: one step serves them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from operator import is_
from typing import Any

import numpy as np

from ..device import Array, array_module
from ..engine.graph import Parameter
from ..ops import SparseGradient

SMALL = 1 << 13  # elements of a parameter that is worth joining with others


class Joined:
    """Small parameters as parts of one array, on which one operation serves them all."""

    def __init__(self, parameters: list[Parameter], slots: list[list[Array]]):
        self.parameters = parameters
        bounds = pairwise(accumulate((w.value.size for w in parameters), initial=0))
        self.places = [(slice(*span), w) for span, w in zip(bounds, parameters, strict=True)]
        self.slots = [side_by_side(of_each) for of_each in zip(*slots, strict=True)]
        self._value: Array = None
        self._parts: list[Array] = []

    def parts(self, array: Array) -> list[Array]:
        return [array[place].reshape(w.shape) for place, w in self.places]

    def parts_of_slots(self) -> list[list[Array]]:
        """By parameter."""
        slots = [self.parts(slot) for slot in self.slots]
        return [[parts[n] for parts in slots] for n in range(len(self.parameters))]

    def value(self) -> Array:
        """Of all parameters; joined anew where somebody has assigned to one of them."""
        values = [w.value for w in self.parameters]
        if all(map(is_, values, self._parts)) and self._parts:
            return self._value
        return side_by_side(values)

    def assign(self, value: Array) -> None:
        """A new array, whose parts are the new values of the parameters."""
        self._value, self._parts = value, self.parts(value)
        for w, part in zip(self.parameters, self._parts, strict=True):
            w.value = part


def by_size(gradients: Mapping[Parameter, Any]) -> tuple[list[Parameter], list[Parameter]]:
    """The small parameters, which one step can serve together, and the others."""
    small: list[Parameter] = []
    large: list[Parameter] = []
    for w, g in gradients.items():
        dense = not isinstance(g, SparseGradient)
        fits = dense and w.value.size <= SMALL and (not small or w.dtype == small[0].dtype)
        (small if fits else large).append(w)
    return small, large


def side_by_side(arrays: Sequence[Array]) -> Array:
    """One behind the other, flat."""
    xp = array_module(arrays[0]) if arrays else np
    return xp.concatenate(arrays, axis=None) if arrays else xp.zeros(0)
