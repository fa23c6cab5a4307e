"""Ops that make one number of many along axes: sums, means, extremes ... and sums so far.

An axis is a number or a tuple of them; None, the default, takes all. With `keepdims` they stay,
with length 1.
"""

from math import prod as product

from ..device import Array, array_module
from .contract import in_floats, op, where_counted
from .shaping import from_right, one_from_right, other_axes

__all__ = [
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "logsumexp",
    "max_",
    "mean",
    "min_",
    "norm",
    "prod",
    "std",
    "sum_",
    "var",
]


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
    count = max(product(x.shape[a] for a in axes), 1)
    y = x.sum(axis=axes, keepdims=keepdims) / count
    return y, (lambda g: stretch(g / count, x, axes, keepdims),)


@op
def max_(x, *, axis=None, keepdims=False):
    """The largest element over axes, as `sum` takes them; equal ones share the gradient evenly."""
    axes = from_right(axis, x.ndim)
    return extreme(x, x.max(axis=axes, keepdims=True), axes, keepdims)


@op
def min_(x, *, axis=None, keepdims=False):
    """The smallest element over axes, as `sum` takes them; equal ones share the gradient evenly."""
    axes = from_right(axis, x.ndim)
    return extreme(x, x.min(axis=axes, keepdims=True), axes, keepdims)


def extreme(x: Array, best: Array, axes: tuple[int, ...], keepdims: bool):
    """Value and pullback of picking the best elements."""

    def pull_x(g):
        ties = (x == best).astype(x.dtype)
        return stretch(g, x, axes, keepdims) * (ties / ties.sum(axis=axes, keepdims=True))

    return best if keepdims else without(best, axes), (pull_x,)


def without(x: Array, axes: tuple[int, ...]) -> Array:
    """x without these axes, which have length 1."""
    return x.reshape([x.shape[a] for a in other_axes(x, axes)])


@op
def argmax(x, *, axis=None, keepdims=False):
    """Where the largest element stands along one axis, the first of equal ones: no gradient passes.

    Without an axis it is the place in the flat array.
    """
    axis = None if axis is None else one_from_right(axis, x.ndim)
    return array_module(x).argmax(x, axis=axis, keepdims=keepdims), (None,)


@op
def argmin(x, *, axis=None, keepdims=False):
    """Where the smallest element stands, as `argmax`."""
    axis = None if axis is None else one_from_right(axis, x.ndim)
    return array_module(x).argmin(x, axis=axis, keepdims=keepdims), (None,)


@op
def prod(x, *, axis=None, keepdims=False):
    """The product over axes, as `sum` takes them.

    The slope in each element is the product of the others, where some are 0, too.
    """
    axes, xp = from_right(axis, x.ndim), array_module(x)

    def pull_x(g):
        """The others are those before and those behind, of all elements in a row."""
        last = tuple(range(-len(axes), 0))
        moved = xp.moveaxis(x, axes, last)
        row = moved.reshape(*moved.shape[: x.ndim - len(axes)], product(x.shape[a] for a in axes))
        others = products_before(row) * xp.flip(products_before(xp.flip(row, -1)), -1)
        slope = xp.moveaxis(others.reshape(moved.shape), last, axes)
        g = stretch(g, x, axes, keepdims)
        return g * where_counted(g, slope)

    return x.prod(axis=axes, keepdims=keepdims), (pull_x,)


def products_before(x: Array) -> Array:
    """By element, the product of all that stand before it along the last axis."""
    xp = array_module(x)
    shifted = xp.concatenate([xp.ones_like(x[..., :1]), x[..., :-1]], axis=-1)
    return xp.cumprod(shifted, axis=-1)


@op
@in_floats
def var(x, *, axis=None, keepdims=False, ddof=0):
    """The variance over axes, as `sum` takes them: the mean of the squared distances to the mean.

    The sum of squares is divided by the count less `ddof` (1 for an estimate from a sample).
    """
    axes = from_right(axis, x.ndim)
    distance, count = distances(x, axes, ddof)
    y = (distance * distance).sum(axis=axes, keepdims=keepdims) / count
    return y, (lambda g: stretch(g / count, x, axes, keepdims) * (2 * distance),)


@op
@in_floats
def std(x, *, axis=None, keepdims=False, ddof=0):
    """The standard deviation over axes, as `sum` takes them: the root of the variance.

    Its slope is taken as 0 where it is 0, as with `norm`. (`sqrt` of a variance gives NaN.)
    """
    axes, xp = from_right(axis, x.ndim), array_module(x)
    distance, count = distances(x, axes, ddof)
    y = xp.sqrt((distance * distance).sum(axis=axes, keepdims=True) / count)
    slope = distance / xp.where(y == 0, 1, count * y)
    back = (lambda g: stretch(g, x, axes, keepdims) * slope,)
    return y if keepdims else without(y, axes), back


def distances(x: Array, axes: tuple[int, ...], ddof: float) -> tuple[Array, float]:
    """The elements less their mean over axes, and by how many their squares are divided."""
    count = max(product(x.shape[a] for a in axes), 1)
    return x - x.sum(axis=axes, keepdims=True) / count, max(count - ddof, 0)


@op
@in_floats
def logsumexp(x, *, axis=None, keepdims=False):
    """log(sum(exp(x))) over axes, as `sum` takes them, which cannot overflow.

    The slope in each element is its share, exp(x) / sum(exp(x)): 0 where all are -infinity, NaN
    where one is +infinity.
    """
    axes, xp = from_right(axis, x.ndim), array_module(x)
    largest = x.max(axis=axes, keepdims=True)
    largest = xp.where(xp.isinf(largest), 0, largest)
    e = xp.exp(x - largest)
    total = e.sum(axis=axes, keepdims=True)
    y = xp.log(total) + largest
    shares = e / xp.where(total == 0, 1, total)
    back = (lambda g: stretch(g, x, axes, keepdims) * shares,)
    return y if keepdims else without(y, axes), back


@op
@in_floats
def norm(x, *, axis=None, keepdims=False):
    """The length sqrt(sum(x * x)) over axes, as `sum` takes them.

    Its slope is x / length, taken as 0 where the length is 0: a distance of nothing has no
    direction. (The maths has none there, and `sqrt` of a sum gives NaN.)
    """
    axes, xp = from_right(axis, x.ndim), array_module(x)
    length = xp.sqrt((x * x).sum(axis=axes, keepdims=True))
    y = length if keepdims else without(length, axes)
    divisor = xp.where(length == 0, 1, length)
    return y, (lambda g: stretch(g, x, axes, keepdims) * (x / divisor),)


@op
def cumsum(x, *, axis=-1):
    """The sum so far along one axis. Each element gets the gradients of the sums from it on."""
    axis, xp = one_from_right(axis, x.ndim), array_module(x)

    def pull_x(g):
        return xp.flip(xp.cumsum(xp.flip(g, axis), axis), axis)

    return xp.cumsum(x, axis), (pull_x,)


@op
def cumprod(x, *, axis=-1):
    """The product so far along one axis.

    What an element changes is found from the end: its own product, and, times the next element,
    what that one changes. So nothing is divided, and elements may be 0.
    """
    axis, xp = one_from_right(axis, x.ndim), array_module(x)

    def pull_x(g):
        row, g = xp.moveaxis(x, axis, -1), xp.moveaxis(g, axis, -1)
        found = [g[..., -1:]]
        for i in range(-2, -row.shape[-1] - 1, -1):
            behind = found[-1]
            found.append(g[..., i, None] + behind * where_counted(behind, row[..., i + 1, None]))
        changed = xp.concatenate(found[::-1], axis=-1)
        return xp.moveaxis(changed * where_counted(changed, products_before(row)), -1, axis)

    return xp.cumprod(x, axis), (pull_x,)
