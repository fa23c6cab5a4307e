"""Pooling: one number for each window, channel by channel, and for each sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from math import prod
from typing import Any

from ..device import Array, array_module
from .contract import in_floats, op, rows_of
from .windows import Windows, blocks, inside, pad, padded_zeros, windows_over

__all__ = ["average_pool", "masked_mean", "max_pool"]


@op
@in_floats
def max_pool(x, *, pool_size, strides, padding):
    """The largest of each window; of equal ones the first gets the gradient.

    x is (batch, *lengths, channels); pool_size and strides have one entry for each length. What
    `padding` ("valid", "same") means, `windows_over` says. The result is (batch, *count, channels).
    """
    xp, lengths = array_module(x), x.shape[1:-1]
    w = windows_over(lengths, pool_size, strides, (1,) * len(lengths), padding)
    padded = pad(x, w, fill=-xp.inf)
    y = join(padded, w, xp.maximum)
    # What is padded is in no window, even where all that is there is as low, -infinity.
    real = pad(xp.ones((1, *lengths, 1), bool), w)

    def handed_back(g):
        for images in blocks(len(x), prod(x.shape[1:])):
            left = g[(..., images, *[slice(None)] * (x.ndim - 1))]
            for _, (_, *place) in w.places():
                is_largest = (padded[(images, *place)] == y[images]) & real[(slice(None), *place)]
                part = left * is_largest.astype(g.dtype)
                left = left - part
                yield (images, *place), part

    return y, (lambda g: collect(g, x, w, handed_back(g)),)


@op
@in_floats
def average_pool(x, *, pool_size, strides, padding):
    """The mean of each window; padding is not counted. Shapes are those of `max_pool`."""
    xp, lengths = array_module(x), x.shape[1:-1]
    w = windows_over(lengths, pool_size, strides, (1,) * len(lengths), padding)
    share = 1 / join(pad(xp.ones((1, *lengths, 1), x.dtype), w), w, xp.add)
    y = join(pad(x, w), w, xp.add) * share

    def pull_x(g):
        shared = g * share
        return collect(g, x, w, ((place, shared) for _, place in w.places()))

    return y, (pull_x,)


@op
@in_floats(but="mask")
def masked_mean(x, mask):
    """The mean of x (batch, time, features) over the steps where mask (batch, time) is True.

    It is (batch, features). The mean of no steps is 0.
    """
    xp, real = array_module(x), mask.astype(bool)[..., None]
    counts = real.astype(x.dtype)
    share = counts / xp.maximum(counts.sum(axis=-2, keepdims=True), 1)
    # A padded step may hold NaN, and 0 of NaN is NaN.
    return (xp.where(real, x, 0) * share).sum(axis=-2), (lambda g: g[..., None, :] * share, None)


def join(x: Array, w: Windows, two: Callable[[Array, Array], Array]) -> Array:
    """All elements of each window joined by `two`: first along one axis, then along the next."""
    for axis, (k, step, n) in enumerate(zip(w.size, w.strides, w.count, strict=True), start=1):
        lead = (slice(None),) * axis
        x = reduce(two, [x[(*lead, slice(e, e + (n - 1) * step + 1, step))] for e in range(k)])
    return x


def collect(g: Array, x: Array, w: Windows, handed_back: Iterable[tuple[Any, Array]]) -> Array:
    """For every element of x the sum of what the windows that contain it hand back to it."""
    xp, rows = array_module(x), rows_of(g, x)
    wide = padded_zeros(w, 0, x.shape[1:-1], x).shape[1:]
    once = w.size == w.strides and prod(w.count) * prod(w.size) == prod(wide[:-1])
    gx = (xp.empty if once else xp.zeros)((*rows, len(x), *wide), g.dtype)
    for place, part in handed_back:
        if once:  # no element is in two windows, and none in no window
            gx[(..., *place, slice(None))] = part
        else:
            gx[(..., *place, slice(None))] += part
    return gx[(..., *inside(w, x.shape[1:-1]), slice(None))]
