"""Small parameters side by side: one step serves them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise
from operator import attrgetter, is_
from typing import Any

import numpy as np

from ..device import Array, lock
from ..engine.graph import Parameter
from ..ops import SparseGradient
from ..questions import on_gpu

shape_of, value_of = attrgetter("shape"), attrgetter("value")
side_by_side = partial(np.concatenate, axis=None)  # one behind the other, flat, in a new array
SMALL = 1 << 13  # numbers of a parameter that is worth putting beside others


class Together:
    """Parameters whose values, and whose slots, are parts of one array each.

    Parameters
    ----------
    parameters : sequence of Parameter
        Of one type.
    steps : int
        How many steps each of them has made.
    slots : list of list of array
        Those of each parameter; they are copied.
    """

    def __init__(self, parameters: Sequence[Parameter], steps: int, slots: list[list[Array]]):
        self.parameters, self.steps = parameters, steps
        self._shapes = [w.shape for w in parameters]
        bounds = pairwise(accumulate((w.value.size for w in parameters), initial=0))
        places = [slice(*span) for span in bounds]
        self._spans = list(zip(places, self._shapes, strict=True))
        self.slots = [side_by_side(of_each) for of_each in zip(*slots, strict=True)]
        self._value: Array = None
        self._parts: list[Array] = []

    def parts(self, array: Array) -> list[Array]:
        """By parameter."""
        return [
            array[place] if len(shape) == 1 else array[place].reshape(shape)
            for place, shape in self._spans
        ]

    def slots_of_each(self) -> list[list[Array]]:
        """By parameter: parts of the slots of all."""
        by_slot = [self.parts(slot) for slot in self.slots]
        return [[parts[n] for parts in by_slot] for n in range(len(self.parameters))]

    def gradient(self, gradients: Mapping[Parameter, Any]) -> Array:
        """Of all parameters; a new array."""
        own = list(map(gradients.__getitem__, self.parameters))
        if list(map(shape_of, own)) != self._shapes:
            for w, g in zip(self.parameters, own, strict=True):
                check_shape(w, g)
        return side_by_side(own)

    def value(self) -> Array:
        """Of all parameters; put together anew where somebody has assigned to one of them."""
        values = list(map(value_of, self.parameters))
        if self._parts and all(map(is_, values, self._parts)):
            return self._value
        return side_by_side(values)

    def take_step(self, value: Array, *slots: Array) -> None:
        """To an array whose parts are the new values of the parameters, and to such slots."""
        self.steps += 1
        lock(value)  # and so its parts
        self._value, self._parts = value, self.parts(value)
        for w, part in zip(self.parameters, self._parts, strict=True):
            w.value = part
        for slot, new in zip(self.slots, slots, strict=True):
            slot[...] = new


class Arrangement:
    """Which parameters are stepped together, and which alone.

    Parameters
    ----------
    gradients, steps : dict
        By parameter, its gradient, and how many steps it has made.
    slots_of : function
        From a parameter to its slots.
    """

    def __init__(
        self,
        gradients: Mapping[Parameter, Any],
        steps: Mapping[Parameter, int],
        slots_of: Callable[[Parameter], list[Array]],
    ):
        self.parameters, self.alone = list(gradients), []
        groups: dict[Any, list[Parameter]] = {}
        for w, g in gradients.items():
            is_large = w.value.size > SMALL and not on_gpu(w.value)  # where launches count
            if is_large or isinstance(g, SparseGradient):
                self.alone.append(w)
            else:
                groups.setdefault((w.dtype, steps.get(w, 0)), []).append(w)
        self.together = [
            Together(parameters, made, [slots_of(w) for w in parameters])
            for (_, made), parameters in groups.items()
        ]


def check_shape(w: Parameter, g: Any) -> None:
    if g.shape != w.shape:
        raise ValueError(f"the gradient of {w} has the shape {g.shape}")
