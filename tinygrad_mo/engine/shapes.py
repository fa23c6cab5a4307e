"""NumPy's functions that give numbers another place or shape, for tensors: see `functions`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from .. import arguments, ops
from ..ops.shaping import from_right


def reshape(x: Any, shape: Any) -> Any:
    """The same numbers in another shape; None, as in `x.shape`, is the batch, which stays."""
    lengths = list(shape) if arguments.is_list(shape) else [shape]
    if None in lengths:
        stays = (
            lengths[0] is None and x.shape[0] is None and None not in [*lengths[1:], *x.shape[1:]]
        )
        if not stays:
            raise TypeError(
                f"reshape of {x} to {tuple(lengths)}: write -1 for the one length that is not known"
            )
        rest = prod(n for n in lengths[1:] if n != -1)
        lengths = [-1, *(prod(x.shape[1:]) // max(rest, 1) if n == -1 else n for n in lengths[1:])]
    return ops.reshape(x, shape=tuple(lengths))


def ravel(x: Any) -> Any:
    """All numbers in a row."""
    return x.reshape(-1)


def flatten(x: Any) -> Any:
    """All numbers in a row; of a tensor with a batch to come that would mix the samples."""
    if None in x.shape:
        raise TypeError(
            f"flatten of {x} can be read in two ways: ops.flatten(x) keeps the samples apart, as "
            f"the layer Flatten does, x.reshape(-1) puts all numbers in a row, as NumPy does"
        )
    return ravel(x)


def transpose(x: Any, axes: Any = None) -> Any:
    """The axes in another order; without one, in the reverse order."""
    return ops.transpose(x, axes=axes)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes changed places."""
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return ops.transpose(x, axes=order)


def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Some axes at other places, the others in their order."""
    old, new = axes_from_left(source, x.ndim), axes_from_left(destination, x.ndim)
    order = [a for a in range(x.ndim) if a not in old]
    for to, a in sorted(zip(new, old, strict=True)):
        order.insert(to, a)
    return x.transpose(order)


def axes_from_left(axis: Any, ndim: int) -> list[int]:
    """One axis, several, or all (None), counted from 0."""
    return [a + ndim for a in from_right(axis, ndim)]


def expand_dims(x: Any, axis: Any) -> Any:
    """New axes of length 1 at these places of the result."""
    ndim = x.ndim + (len(axis) if arguments.is_list(axis) else 1)
    new = axes_from_left(axis, ndim)
    return x[tuple(None if a in new else slice(None) for a in range(ndim))]


def squeeze(x: Any, axis: Any = None) -> Any:
    """Without these axes of length 1, or without all of them."""
    ones = [a for a in range(x.ndim) if x.shape[a] == 1]
    gone = ones if axis is None else axes_from_left(axis, x.ndim)
    for a in gone:
        if a not in ones:
            raise ValueError(f"squeeze: axis {a} of {x} has not length 1")
    return x[tuple(0 if a in gone else slice(None) for a in range(x.ndim))]


def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeated along axes of length 1 and new ones in front."""
    if arguments.is_list(shape) and None in list(shape):
        raise TypeError(
            f"broadcast_to of {x} to {tuple(shape)}: a length must be known; x * np.ones((3, 4)) "
            f"repeats along the axes behind the batch"
        )
    return ops.broadcast_to(x, shape=tuple(shape) if arguments.is_list(shape) else (shape,))


def along(x: Any, axis: int | None) -> tuple[Any, int]:
    """A tensor and an axis: without one, NumPy takes all numbers in a row."""
    return (ravel(x), 0) if axis is None else (x, axis)


def size(x: Any) -> int:
    """How many numbers it holds."""
    if None in x.shape:
        raise TypeError(f"{x} has no known size")
    return prod(x.shape)


# ---------------------------------------------------------------- joined, repeated, picked


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """Joined along an axis, or (None) all numbers in a row."""
    parts = [along(operand(x), axis)[0] for x in arrays]
    return ops.concatenate(*parts, axis=0 if axis is None else axis)


def operand(x: Any) -> Any:
    """A tensor or an array."""
    return x if hasattr(x, "shape") else np.asarray(x)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Side by side along a new axis."""
    return ops.concatenate(*[expand_dims(operand(x), axis) for x in arrays], axis=axis)


def vstack(tup: Sequence[Any]) -> Any:
    """Joined as rows: along the first axis, where a vector is one row."""
    parts = map(operand, tup)
    return concatenate([x if x.ndim > 1 else x.reshape(1, -1) for x in parts])


def hstack(tup: Sequence[Any]) -> Any:
    """Joined along the second axis; vectors along their only one."""
    parts = [x if x.ndim else x.reshape(1) for x in map(operand, tup)]
    return concatenate(parts, axis=min(parts[0].ndim - 1, 1))


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Parts along an axis: so many of the same length, or those between these places."""
    (axis,) = axes_from_left(axis, x.ndim)
    places, n = indices_or_sections, x.shape[axis]
    if not arguments.is_list(places):
        if n is None or n % places:
            raise ValueError(f"split: axis {axis} of {x} cannot be cut into {places} equal parts")
        places = range(n // places, n, n // places)
    bounds = [None, *places, None]
    before = (slice(None),) * axis
    return [x[(*before, slice(*span))] for span in pairwise(bounds)]


def repeat(x: Any, repeats: int, axis: int | None = None) -> Any:
    """Each element so many times in a row."""
    x, axis = along(x, axis)
    return ops.repeat(x, times=arguments.whole("repeat: repeats", repeats), axis=axis)


def tile(x: Any, reps: Any) -> Any:
    """The whole so many times, along each axis."""
    times = arguments.listed("tile: reps", reps if arguments.is_list(reps) else [reps], count)
    x = expand_dims(x, range(max(len(times) - x.ndim, 0)))
    for axis, n in enumerate(times, start=x.ndim - len(times)):
        x = x if n == 1 else ops.concatenate(*[x] * n, axis=axis)
    return x


def count(what: str, value: Any) -> int:
    """How often, at least once."""
    return arguments.whole(what, value, at_least=1)


def pad(x: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0) -> Any:
    """Zeros before and behind each axis."""
    if mode != "constant" or constant_values != 0:
        raise ValueError(
            f"np.pad of a tensor puts zeros there, not mode={mode!r} with constant_values="
            f"{constant_values}: join what shall stand there with np.concatenate"
        )
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    return ops.zero_pad(x, widths=tuple(map(tuple, widths)))


def flip(x: Any, axis: Any = None) -> Any:
    """In reverse order along these axes, or along all."""
    axes = axes_from_left(axis, x.ndim)
    return x[tuple(slice(None, None, -1 if a in axes else None) for a in range(x.ndim))]


def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Moved on by so many places; what leaves at one end comes in at the other."""
    if axis is None:
        return roll(ravel(x), shift, 0).reshape(x.shape)
    axes = axes_from_left(axis, x.ndim)
    for a, by in zip(axes, np.broadcast_to(shift, len(axes)).tolist(), strict=True):
        by = by % x.shape[a] if x.shape[a] else by
        before = (slice(None),) * a
        if by:
            x = ops.concatenate(x[(*before, slice(-by, None))], x[(*before, slice(-by))], axis=a)
    return x


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements at these places along an axis, or of all numbers in a row."""
    x, axis = along(x, axis)
    before = (slice(None),) * (axis % x.ndim)
    return x[(*before, np.asarray(indices) if isinstance(indices, list | tuple) else indices)]


def sort(x: Any, axis: int | None = -1) -> Any:
    """In rising order; each gradient goes back to where its number came from."""
    x, axis = along(x, axis)
    return ops.sort(x, axis=axis)
