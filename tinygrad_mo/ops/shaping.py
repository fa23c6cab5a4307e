"""Ops that move, pick, sort and join elements, and what stands for axes in them."""

from itertools import pairwise
from math import prod

import numpy as np

from ..device import Array, array_module
from .contract import one_type, op, rows_of

__all__ = [
    "broadcast_to",
    "concatenate",
    "flatten",
    "getitem",
    "identity",
    "reshape",
    "sort",
    "stop_gradient",
    "transpose",
]


def from_right(axis, ndim: int) -> tuple[int, ...]:
    """Axes counted from the right (-1 is the last), so that rows in front do not shift them."""
    axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int | np.integer) else axis
    for a in axes:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} does not exist in an array of {ndim} axes")
    return tuple(a % ndim - ndim for a in axes)


def other_axes(x: Array, axes: tuple[int, ...]) -> list[int]:
    """All axes but these, counted from the right."""
    return [a for a in range(-x.ndim, 0) if a not in axes]


def one_from_right(axis, ndim: int) -> int:
    """One axis, counted from the right."""
    if not isinstance(axis, int | np.integer):
        raise TypeError(f"the axis must be one number here, not {axis!r}")
    return from_right(axis, ndim)[0]


@op
def identity(x):
    """x itself: a step that has a name."""
    return x, (lambda g: g,)


@op
def stop_gradient(x):
    """x itself, behind which no gradient passes: for the losses it is a constant."""
    return x, (None,)


@op
def broadcast_to(x, *, shape):
    """x repeated along axes of length 1 and new ones in front, without a copy, as in NumPy."""
    return array_module(x).broadcast_to(x, shape), (lambda g: g,)


@op
def reshape(x, *, shape):
    """The same elements in another shape: -1 is worked out, None stays as long as it is in x."""
    lengths = [shape] if isinstance(shape, int | np.integer) else shape
    y = x.reshape([x.shape[i] if n is None else n for i, n in enumerate(lengths)])
    return y, (lambda g: g.reshape(rows_of(g, y) + x.shape),)


@op
def flatten(x):
    """All axes behind the batch made one: (batch, a, b) becomes (batch, a b)."""
    y = x.reshape(x.shape[0], prod(x.shape[1:]))
    return y, (lambda g: g.reshape(rows_of(g, y) + x.shape),)


@op
def transpose(x, *, axes=None):
    """The axes in another order: `axes` names the old ones. Default: the reverse order."""
    axes = from_right(range(x.ndim)[::-1] if axes is None else axes, x.ndim)
    back = [axes.index(a) - x.ndim for a in range(-x.ndim, 0)]
    return x.transpose(axes), (lambda g: g.transpose(*range(g.ndim - x.ndim), *back),)


@op
def getitem(x, *, index):
    """x[index], with slices, integers, None, ... or arrays of integers or booleans, as in NumPy.

    What is picked several times gets the sum of the gradients.
    """
    y = x[index]
    parts = index if isinstance(index, tuple) else (index,)
    basic = not any(hasattr(part, "__len__") for part in parts)

    def pull_x(g):
        xp = array_module(x)
        gx = xp.zeros(rows_of(g, y) + x.shape, g.dtype)
        if basic:
            gx[(slice(None), *parts)] = g
        else:  # the same element may be picked several times: add
            for row, g_row in zip(gx, g, strict=True):
                xp.add.at(row, index, g_row)
        return gx

    return y, (pull_x,)


@op
@one_type(moves=True)
def concatenate(*xs, axis=-1):
    """Join arrays along one axis (the last by default); each gets its own slice of the gradient.

    All other axes must agree: (2, 3) and (2, 1) give (2, 4).
    """
    axis = one_from_right(axis, xs[0].ndim)
    for x in xs[1:]:
        for a in other_axes(xs[0], (axis,)):
            if x.ndim != xs[0].ndim or x.shape[a] != xs[0].shape[a]:
                raise ValueError(
                    f"joined along axis {axis}, all other axes must agree, but axis {a} does not: "
                    f"{xs[0].shape} and {x.shape}"
                )
    y = array_module(xs[0]).concatenate(xs, axis=axis)

    def pull(start, stop):
        index = (..., slice(start, stop), *[slice(None)] * (-1 - axis))
        return lambda g: g[index]

    stops = [0]
    for x in xs:
        stops.append(stops[-1] + x.shape[axis])
    return y, tuple(pull(*span) for span in pairwise(stops))


@op
def sort(x, *, axis=-1):
    """The elements along one axis in rising order, NaN last; equal ones keep their order.

    Each gradient goes back to the place that its element came from.
    """
    axis, xp = one_from_right(axis, x.ndim), array_module(x)
    order = xp.argsort(x, axis=axis, kind="stable")
    back = xp.argsort(order, axis=axis, kind="stable")

    def pull_x(g):
        return xp.take_along_axis(g, xp.broadcast_to(back, g.shape), axis=axis)

    return xp.take_along_axis(x, order, axis=axis), (pull_x,)
