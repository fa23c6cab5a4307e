"""Ops that move, pick, join and reduce elements along axes."""

from itertools import pairwise
from math import prod

import numpy as np

from ..device import Array, array_module
from .contract import in_floats, one_type, op, rows_of

__all__ = [
    "concatenate",
    "flatten",
    "getitem",
    "identity",
    "max_",
    "mean",
    "norm",
    "reshape",
    "sum_",
    "transpose",
]


def from_right(axis, ndim: int) -> tuple[int, ...]:
    """Axes counted from the right (-1 is the last), so that rows in front do not shift them."""
    axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int | np.integer) else axis
    for a in axes:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} does not exist in an array of {ndim} axes")
    return tuple(a % ndim - ndim for a in axes)


def stretch(g: Array, x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    """Repeat ``g`` along the `axes` of ``x`` that a reduction removed."""
    xp = array_module(x)
    g = g if keepdims else xp.expand_dims(g, axes)
    return xp.broadcast_to(g, g.shape[: g.ndim - x.ndim] + x.shape)


@op
def sum_(x, *, axis=None, keepdims=False):
    """The sum over one axis, several (a tuple) or all (None, the default).

    With `keepdims` these axes stay, with length 1. Each element gets the gradient of its sum.
    """
    axes = from_right(axis, x.ndim)
    return x.sum(axis=axes, keepdims=keepdims), (lambda g: stretch(g, x, axes, keepdims),)


@op
@in_floats
def mean(x, *, axis=None, keepdims=False):
    """The mean over axes, as `sum` takes them.

    The mean of no elements is 0, so that an empty batch adds nothing to a loss.
    """
    axes = from_right(axis, x.ndim)
    count = max(prod(x.shape[a] for a in axes), 1)
    y = x.sum(axis=axes, keepdims=keepdims) / count
    return y, (lambda g: stretch(g / count, x, axes, keepdims),)


@op
def max_(x, *, axis=None, keepdims=False):
    """The largest element over axes, as `sum` takes them; equal ones share the gradient evenly."""
    axes = from_right(axis, x.ndim)
    largest = x.max(axis=axes, keepdims=True)
    y = largest if keepdims else largest.reshape([x.shape[a] for a in other_axes(x, axes)])

    def pull_x(g):
        ties = (x == largest).astype(x.dtype)
        return stretch(g, x, axes, keepdims) * (ties / ties.sum(axis=axes, keepdims=True))

    return y, (pull_x,)


@op
@in_floats
def norm(x, *, axis=None, keepdims=False):
    """The length sqrt(sum(x * x)) over axes, as `sum` takes them.

    Its slope is x / length, taken as 0 where the length is 0: a distance of nothing has no
    direction. (The maths has none there, and `sqrt` of a sum gives NaN.)
    """
    axes, xp = from_right(axis, x.ndim), array_module(x)
    length = xp.sqrt((x * x).sum(axis=axes, keepdims=True))
    y = length if keepdims else length.reshape([x.shape[a] for a in other_axes(x, axes)])
    divisor = xp.where(length == 0, 1, length)
    return y, (lambda g: stretch(g, x, axes, keepdims) * (x / divisor),)


def other_axes(x: Array, axes: tuple[int, ...]) -> list[int]:
    """All axes but these, counted from the right."""
    return [a for a in range(-x.ndim, 0) if a not in axes]


@op
def identity(x):
    """x itself: a step that has a name."""
    return x, (lambda g: g,)


@op
def reshape(x, *, shape):
    """The same elements in another shape; one length may be -1, which is worked out."""
    y = x.reshape(shape)
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
    (axis,) = from_right(axis, xs[0].ndim)
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
