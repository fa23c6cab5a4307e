"""The random numbers that steps draw (dropout, noise), so that they can be drawn again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.random import Generator

from .graph import Step


def draws(step: Step) -> bool:
    """Does this step draw random numbers?"""
    return any(isinstance(value, Generator) for value in step.attributes.values())


class Randomness:
    """The generators that the steps of a graph draw from."""

    def __init__(self, steps: Iterable[Step]):
        values = [x for step in steps for x in step.attributes.values()]
        generators = dict.fromkeys(x for x in values if isinstance(x, Generator))
        self._sources = [generator.bit_generator for generator in generators]

    @property
    def states(self) -> list[Any]:
        """Where they stand."""
        return [source.state for source in self._sources]

    @states.setter
    def states(self, states: list[Any]) -> None:
        for source, state in zip(self._sources, states, strict=True):
            source.state = state
