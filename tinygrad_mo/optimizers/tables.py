"""Large tables of which a batch reads few entries: only these are stepped, the others catch up."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..device import Array, array_module
from ..engine.graph import Parameter


class Behind:
    """Which steps the slots of each entry of a table have seen: the others only made them decay."""

    def __init__(self, table: Array):
        self.steps = 0  # made on this table
        self.seen = array_module(table).zeros(len(table), int)  # by entry

    def catch_up(self, slots: list[Array], decay: tuple[float, ...]) -> None:
        """Let the slots decay by the steps that their entries have not seen."""
        for slot, share in zip(slots, self.faded(decay, slice(None)), strict=True):
            shrink_entries(slot, share)

    def faded(self, decay: tuple[float, ...], ids: Any) -> list[Array]:
        """To which share of itself each slot of some entries has shrunk in these steps."""
        missed = self.steps - self.seen[ids]
        return [factor**missed for factor in decay]


def shrink_entries(table: Array, shares: Array) -> None:
    """Multiply each entry by its share, in place."""
    table *= array_module(table).asarray(shares, table.dtype)[:, None]


def times_held(holder: Any) -> int:
    """How many references there are to a parameter's array."""
    value = holder.value
    return sys.getrefcount(value)


ALONE = times_held(SimpleNamespace(value=np.empty(0)))


def own_array(parameter: Parameter) -> Array:
    """The array of a parameter, to be written into, or a copy if anybody else holds it.

    A tape, a view, or whoever has kept `parameter.value` keeps the numbers that were there, as if
    the parameter had been given a new array; but a table is not copied for the sake of a few rows.
    """
    if times_held(parameter) > ALONE or parameter.value.base is not None:
        parameter.assign(parameter.value.copy())
    if isinstance(parameter.value, np.ndarray):
        parameter.value.setflags(write=True)
    return parameter.value
