"""What the recurrent ops share. Inside them time comes first and the batch last."""

from __future__ import annotations

from typing import Any

from ..device import Array, array_module
from .contract import flat


def sigmoid_inplace(z: Array) -> None:
    """0.5 tanh(z / 2) + 0.5, written over z."""
    half = z.dtype.type(0.5)
    z *= half
    array_module(z).tanh(z, out=z)
    z *= half
    z += half


def time_first(mask: Array | None) -> Any:
    """A mask (batch, time) as (time, 1, batch); None stays None."""
    return None if mask is None else mask.T[:, None, :]


def split_by_mask(d: Array, go: Array | None, t: int) -> tuple[Array, Any]:
    """The gradient of a state: what goes through step t, and what passes by where it is skipped."""
    return (d, 0) if go is None else (d * go[t], d * ~go[t])


def as_rows(d: Array, rows: tuple[int, ...] = ()) -> Array:
    """(time, *rows, width, batch) as (*rows, batch * time, width)."""
    return flat(array_module(d).moveaxis(d, (-1, 0), (-3, -2)), rows)


def by_sample(h: Array, order: slice) -> Array:
    """(time, ..., units, batch) as (..., batch, time, units), in the order of computing."""
    return array_module(h).moveaxis(h[order], (-1, 0), (-3, -2)).copy()


def by_step(g: Array, order: slice) -> Array:
    """The way back: (..., batch, time, units) as (time, ..., units, batch), in order of time."""
    return array_module(g).moveaxis(g, (-2, -3), (0, -1))[order]
