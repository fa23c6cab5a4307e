"""Convolutions 3x3 with a quarter of the multiplications (Winograd 1980; Lavin & Gray 2015).

Along one axis first: four neighbouring outputs of a filter k of length 3 depend on six inputs x.
The plain way takes 4 * 3 = 12 multiplications. But filtering is multiplying polynomials, and a
product of polynomials is known from its values at six points (here 0, 1, -1, 2, -2 and infinity),
each of which takes one multiplication:

    y = OUT [(KERNEL k) * (IN x)]

with three small matrices of constants. Along both axes of an image that is 36 multiplications for a
tile of 4x4 outputs instead of 144. With channels and filters, each of the
36 becomes a product of matrices, (tiles, channels) @ (channels, filters).

Both gradients are again such products: that of the input is the same with the kernel reversed, that
of the kernel takes the transposed matrices from right to left.

The price is a digit: in float32 a result is off by up to 1e-5 of the largest one. So this is used
for float32 only, and ``use(winograd=False)`` switches it off.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from ..device import Array, array_module, winograd_allowed
from ..questions import on_gpu
from .contract import rows_of
from .windows import Windows, inside, window_view

IN = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
KERNEL = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
OUT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
TILE = 4  # outputs of a tile along each axis; it reads 6 inputs
BLOCK = 3 << 20  # bytes of the arrays that work on one block of images: about what a cache holds
FEW = 12  # with fewer channels or filters, the transformations take the time that is saved
WASTE = 1.6  # tiles may cover up to this many times the outputs, since the last ones reach beyond


def suits(x: Array, filters: int, w: Windows) -> bool:
    """Is this a convolution that this way makes faster?"""
    return (
        w.size == (3, 3)
        and w.strides == w.dilation == (1, 1)
        and x.dtype == np.float32
        and min(x.shape[-1], filters) >= FEW
        and prod(tiles(w)) * TILE**2 <= WASTE * prod(w.count)
        and winograd_allowed()
        and not on_gpu(x)  # which multiplies as fast as it moves numbers about
    )


def correlate(x: Array, kernel: Array, w: Windows, out: Array) -> None:
    """Each window of x times the kernel, as `convolution.correlate`, into `out`."""
    down, across = tiles(w)
    products = along_both(KERNEL, kernel.reshape(3, 3, -1)).reshape(36, *kernel.shape[-2:])
    for images, points in at_points(x, w, kernel.shape[-1]):
        found = along_both(OUT, (points @ products).reshape(6, 6, -1))
        by_place = found.reshape(TILE, TILE, -1, down, across, kernel.shape[-1])
        tiled = by_place.transpose(2, 3, 0, 4, 1, 5)
        if in_whole_tiles(w):
            out[images].reshape(tiled.shape)[...] = tiled
        else:  # the last tiles reach beyond the outputs
            whole = tiled.reshape(len(tiled), TILE * down, TILE * across, -1)
            out[images] = whole[:, : w.count[0], : w.count[1]]


def kernel_gradient(x: Array, g: Array, w: Windows) -> Array:
    """Windows times g, summed over all windows, as `convolution.kernel_gradient`."""
    xp, rows, (down, across) = array_module(x), rows_of(g, x), tiles(w)
    channels, filters = x.shape[-1], g.shape[-1]
    g = g.reshape(-1, *g.shape[-4:])
    total = xp.zeros((36, len(g), channels, filters), g.dtype)
    for images, points in at_points(x, w, filters * len(g)):
        tiled = filled_up(g[:, images], w).reshape(len(g), -1, down, TILE, across, TILE, filters)
        by_place = tiled.transpose(3, 5, 0, 1, 2, 4, 6).reshape(TILE, TILE, -1)
        g_points = along_both(OUT.T, by_place).reshape(36, len(g), -1, filters)
        total += points.swapaxes(1, 2)[:, None] @ g_points
    gk = along_both(KERNEL.T, total.reshape(6, 6, -1))
    gk = gk.reshape(3, 3, len(g), channels, filters)
    return xp.moveaxis(gk, 2, 0).reshape(*rows, 3, 3, channels, filters)


def at_points(x: Array, w: Windows, filters: int) -> Iterator[tuple[slice, Array]]:
    """The tiles of x at the 36 points, (36, tiles, channels), block of images by block.

    `filters`, of what is computed from them, helps to choose how many images make a block.
    """
    xp, (down, across), channels = array_module(x), tiles(w), x.shape[-1]
    high, wide = TILE * down + 2, TILE * across + 2
    numbers = 36 * 2 * (channels + filters) * down * across  # of one image
    room = BLOCK // x.itemsize + 36 * channels * filters  # the kernel is read again for each block
    step = max(1, room // numbers)
    padded = xp.zeros((min(step, len(x)), high, wide, channels), x.dtype)
    for start in range(0, len(x), step):
        images = slice(start, min(start + step, len(x)))
        n = images.stop - start
        padded[:n][inside(w, x.shape[1:-1])] = x[images]
        lines = overlapping(padded[:n].reshape(n, high, wide * channels), down)
        lines = asarray(IN, x) @ lines  # along the first axis: (n, down, 6, wide * channels)
        both = overlapping(lines.reshape(-1, wide, channels), across)
        both = both.reshape(n, down, 6, across, 6, channels).transpose(2, 4, 0, 1, 3, 5)
        yield images, (asarray(IN, x) @ both.reshape(6, 6, -1)).reshape(36, -1, channels)


def along_both(matrix: Array, x: Array) -> Array:
    """The matrix applied along the first axis of x and along the second: (a, a, n) of (b, b, n)."""
    matrix = asarray(matrix, x)
    x = matrix @ x
    return (matrix @ x.reshape(len(x), -1)).reshape(len(matrix), *x.shape[1:])


def overlapping(x: Array, count: int) -> Array:
    """(batch, length, channels) as (batch, count, 6, channels): six to a tile, in steps of four."""
    return window_view(x, Windows((6,), (TILE,), (1,), ((0, 0),), (count,)))


def in_whole_tiles(w: Windows) -> bool:
    return tuple(TILE * n for n in tiles(w)) == w.count


def filled_up(g: Array, w: Windows) -> Array:
    """g (rows, images, *lengths, filters), with zeros up to the end of the last tile."""
    if in_whole_tiles(w):
        return g
    lengths = (TILE * n for n in tiles(w))
    wide = array_module(g).zeros((*g.shape[:2], *lengths, g.shape[-1]), g.dtype)
    wide[:, :, : w.count[0], : w.count[1]] = g
    return wide


def tiles(w: Windows) -> tuple[int, int]:
    """How many tiles cover the outputs, along each axis."""
    return -(-w.count[0] // TILE), -(-w.count[1] // TILE)


def asarray(matrix: Array, like: Array) -> Array:
    return array_module(like).asarray(matrix, like.dtype)
