"""Pooling over one or two axes, by `kernels/cuda/pooling.cu`."""

from __future__ import annotations

from typing import Any

from ...device import Array, array_module
from ...ops.windows import Windows, windows_over
from ..registry import twin_of
from .launching import THREADS, contiguous, cotangent, launch, launch_for_each, room, usable


@twin_of("max_pool", "cuda")
def max_pool(x, *, pool_size, strides, padding):
    if x.ndim not in (3, 4) or not usable(x):
        return NotImplemented
    shape, y = shape_and_room(x, pool_size, strides, padding)
    winner = array_module(x).empty(y.shape, "int32")
    launch_for_each("max_pool", y.size, y.size, contiguous(x), y, winner, *shape)
    return y, (pull_of(x, y, winner, shape),)


@twin_of("average_pool", "cuda")
def average_pool(x, *, pool_size, strides, padding):
    if x.ndim not in (3, 4) or not usable(x):
        return NotImplemented
    shape, y = shape_and_room(x, pool_size, strides, padding)
    launch_for_each("average_pool", y.size, y.size, contiguous(x), y, *shape)
    return y, (pull_of(x, y, None, shape),)


def pull_of(x: Array, y: Array, winner: Array | None, shape: list[int]) -> Any:
    """The pullback of either."""

    def pull_x(g):
        g = cotangent(g, y)
        (gx,) = room(g, (len(g), *x.shape))
        grid = -(-x.size // THREADS), len(g)
        launch("pool_pull", grid, (THREADS,), x.size, y.size, winner, g, gx, *shape)
        return gx

    return pull_x


def shape_and_room(x: Array, pool_size: Any, strides: Any, padding: str) -> tuple[list[int], Array]:
    """What the kernels are told of images and windows, and room for what comes of each window."""
    lengths = x.shape[1:-1]
    w = windows_over(lengths, pool_size, strides, (1,) * len(lengths), padding)
    (y,) = room(x, (len(x), *w.count, x.shape[-1]))
    return [*image_of(x.shape), *windows_of(w)], y


def image_of(shape: tuple[int, ...]) -> list[int]:
    """Height, width and channels of images; a sequence is an image of one line."""
    return [1] * (4 - len(shape)) + list(shape[1:])


def windows_of(w: Windows) -> list[int]:
    """What lies before the image, size and strides of windows, and how many there are."""
    above = [1] * (2 - len(w.size))
    before = [0] * len(above) + [first for first, _ in w.pads]
    return [*before, *above, *w.size, *above, *w.strides, *above, *w.count]
