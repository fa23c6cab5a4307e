"""Ops that make axes longer, fold axes into the batch, or split one in two."""

from math import prod

from ..device import array_module
from .contract import op, rows_of

__all__ = ["repeat", "steps_into_batch", "steps_out_of_batch", "zero_pad"]


@op
def repeat(x, *, times, axis):
    """Each element `times` times in a row along one axis (not the batch), as `numpy.repeat`."""
    axis = axis % x.ndim - x.ndim
    y = array_module(x).repeat(x, times, axis=axis)
    by_element = (*x.shape[: x.ndim + axis + 1], times, *x.shape[x.ndim + axis + 1 :])
    return y, (lambda g: g.reshape(rows_of(g, y) + by_element).sum(axis=axis),)


@op
def zero_pad(x, *, widths):
    """Zeros before and behind each axis: `widths` has a pair of counts for each."""
    middle = tuple(
        slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True)
    )
    wide = [before + n + behind for (before, behind), n in zip(widths, x.shape, strict=True)]
    y = array_module(x).zeros(wide, x.dtype)
    y[middle] = x
    return y, (lambda g: g[(..., *middle)],)


@op
def steps_into_batch(x):
    """(batch, time, ...) as (batch * time, ...): every step a sample of its own."""
    y = x.reshape(prod(x.shape[:2]), *x.shape[2:])
    return y, (lambda g: g.reshape(rows_of(g, y) + x.shape),)


@op
def steps_out_of_batch(y, like):
    """(batch * time, ...) as (batch, time, ...), with batch and time as `like` has them."""
    x = y.reshape(*like.shape[:2], *y.shape[1:])
    return x, (lambda g: g.reshape(rows_of(g, x) + y.shape), None)
