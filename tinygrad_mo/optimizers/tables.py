"""Large tables of which a batch reads few entries: only these are stepped, the others wait.

What a step without a gradient would do to the slots of an entry is made up for when the entry is
read again (`Rule.at_rest`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..device import Array, array_module, by_twin
from ..engine.graph import Parameter
from ..ops import SparseGradient
from .rule import BLOCK


def step_where_read(
    optimizer: Any,
    table: Array,
    g: SparseGradient,
    rate: float,
    t: int,
    slots: Sequence[Array],
    left: Sequence[Array],
) -> Callable[[], None]:
    """Prepare the step of those entries of a table that a batch has read.

    Parameters
    ----------
    table, slots : array, shape (entries, width)
    left : list of array, shape (n,)
        By slot, the share of each of these entries that is left after the steps that they missed.

    Returns
    -------
    function
        It takes the step, in place, and does not fail. Before, nothing has changed.
    """
    rule = type(optimizer).rule
    certain = rule.ends_finite(optimizer, g.values, rate)
    if certain:
        twins = rule.compiled_in_place
        found = by_twin(twins, table, optimizer, table, g, rate, slots, left)
        if found is not NotImplemented:
            return found
    many = max(1, BLOCK // max(1, table.shape[-1]))

    def stepped() -> Iterator[tuple[Array, list[Array]]]:
        for start in range(0, len(g.ids), many):
            place = slice(start, start + many)
            ids = g.ids[place]
            now = [slot.take(ids, axis=0) for slot in slots]
            for slot, share in zip(now, left, strict=True):
                slot *= share[place, None]
            flat = [a.reshape(-1) for a in (table.take(ids, axis=0), g.values[place], *now)]
            yield ids, rule.after_step(optimizer, flat[0], flat[1], rate, t, flat[2:])

    # What may fail is worked out now; otherwise block by block, with less to carry about.
    entries: Iterable[tuple[Array, list[Array]]] = stepped() if certain else list(stepped())

    def take_it() -> None:
        with np.errstate(all="ignore"):  # numbers may vanish, whatever NumPy is told to do then
            for ids, new in entries:
                for to, x in zip((table, *slots), new, strict=True):
                    to[ids] = x.reshape(len(ids), -1)

    return take_it


def shares_left(shares: Sequence[float], missed: Array, dtype: Any) -> list[Array]:
    """By slot, what is left of each entry after the steps that it has missed."""
    return [array_module(missed).asarray(share**missed, dtype) for share in shares]


def references_to_value(holder: Any) -> int:
    """How many references there are to a parameter's array."""
    value = holder.value
    return sys.getrefcount(value)


IF_NOBODY_ELSE_HOLDS_IT = references_to_value(SimpleNamespace(value=np.empty(0)))


def array_to_write_into(parameter: Parameter) -> Array:
    """The array of a parameter, or a copy if anybody else holds it.

    A tape, a view, or whoever has kept `parameter.value` keeps the numbers that were there, as if
    the parameter had been given a new array; but a table is not copied for the sake of a few rows.
    """
    shared = references_to_value(parameter) > IF_NOBODY_ELSE_HOLDS_IT
    if shared or parameter.value.base is not None:
        return parameter.value.copy()
    return parameter.value


def unlock(array: Array) -> None:
    """Allow writing into it again (see `engine.graph.lock`)."""
    if isinstance(array, np.ndarray):
        array.setflags(write=True)
