"""Batch normalisation while training, and that of layers, by `kernels/cuda/normalization.cu`."""

from __future__ import annotations

from math import prod

from ...ops.contract import once_for_each
from ...ops.shaping import from_right
from ..registry import twin_of
from .launching import (
    COLUMNS,
    PARTS,
    THREADS,
    block_of_rows,
    contiguous,
    cotangent,
    launch,
    room,
    usable,
)


@twin_of("batch_normalization", "cuda")
def batch_normalization(
    x,
    gamma,
    beta,
    moving_mean,
    moving_variance,
    mask,
    *,
    momentum=0.99,
    epsilon=1e-3,
    training=False,
):
    if not training or mask is not None or not usable(x, gamma, beta, moving_mean):
        return NotImplemented
    channels = x.shape[-1]
    if any(w is not None and w.shape != (channels,) for w in (gamma, beta)):
        return NotImplemented
    size = x.size // channels, channels
    x, gamma, beta = map(contiguous, (x, gamma, beta))
    y, normal, mean, variance = room(x, x.shape, x.shape, (channels,), (channels,))
    columns, numbers = -(-channels // COLUMNS), -(-x.size // THREADS)
    launch("moments", (columns,), (COLUMNS, PARTS), *size, x, mean, variance)
    given = x, mean, variance, gamma, beta, epsilon
    launch("normalise_channels", (numbers,), (THREADS,), *size, *given, normal, y)

    def pull_back(gs):
        g, g_mean, g_variance = map(cotangent, gs, (y, mean, variance))
        of_gamma, of_beta, gx = room(x, g_mean.shape, g_mean.shape, g.shape)
        sums, rows = (of_gamma, of_beta), len(g)
        launch("gradient_sums", (columns, rows), (COLUMNS, PARTS), *size, normal, g, *sums)
        given = normal, variance, gamma, epsilon, g, *sums, g_mean, g_variance, gx
        launch("normalise_channels_pull", (numbers, rows), (THREADS,), *size, *given)
        return gx, of_gamma, of_beta, None, None, None

    return (y, mean, variance), pull_back


@twin_of("layer_normalization", "cuda")
def layer_normalization(x, gamma, beta, *, axis=-1, epsilon=1e-3):
    if not usable(x, gamma, beta) or not x.ndim:
        return NotImplemented
    axes = sorted(from_right(axis, x.ndim))
    lengths = x.shape[axes[0] :]
    if axes != list(range(-len(axes), 0)):  # not the last ones
        return NotImplemented
    if any(w is not None and w.shape != lengths for w in (gamma, beta)):
        return NotImplemented
    channels = prod(lengths)
    size = n, channels = x.size // channels, channels
    x, gamma, beta = map(contiguous, (x, gamma, beta))
    y, normal, inverse = room(x, x.shape, x.shape, (n,))
    block = block_of_rows(channels)
    blocks = -(-n // block[1])
    given = x, gamma, beta, epsilon, normal, inverse, y
    launch("normalise_samples", (blocks,), block, *size, *given)

    def pull_x(g):
        g = cotangent(g, y)
        (gx,) = room(g, g.shape)
        given = normal, inverse, gamma, g, gx
        launch("normalise_samples_pull", (blocks, len(g)), block, *size, *given)
        return gx

    @once_for_each
    def sums(g):
        g = cotangent(g, y)
        found = room(g, (len(g), *lengths), (len(g), *lengths))
        grid = -(-channels // COLUMNS), len(g)
        launch("gradient_sums", grid, (COLUMNS, PARTS), *size, normal, g, *found)
        return found

    return y, (pull_x, lambda g: sums(g)[0], lambda g: sums(g)[1])
