"""Normalisation, of batches while training and of samples, by `kernels/cpu/normalization.c`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..device import Array, in_parts
from ..ops.contract import flat
from ..ops.shaping import from_right
from .registry import call_c, call_c_in_parts, contiguous, cotangent, twin_of, usable

PER_NUMBER = 10  # of what is not a sum: the time, in multiplications
WIDE = 64  # channels that C goes through as fast as through more


@twin_of("batch_normalization")
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
    layer=None,
    training=False,
):
    if not training or (layer is not None and not layer.trainable) or mask is not None:
        return NotImplemented
    if not usable(x, gamma, beta):
        return NotImplemented
    if any(w is not None and w.shape != x.shape[-1:] for w in (gamma, beta)):
        return NotImplemented
    x = contiguous(x)
    n, channels = flat(x).shape
    many = side_by_side(n, channels)
    wide = x.reshape(n // many, many * channels)
    means, variances = np.empty((2, many, channels), x.dtype)
    call_c("moments", *wide.shape, wide, means, variances)
    mean = means.mean(axis=0)
    variance = (variances + (means - mean) ** 2).mean(axis=0)
    inverse = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    scale = inverse if gamma is None else inverse * gamma
    shift = np.zeros(channels, x.dtype) if beta is None else contiguous(beta)
    y, cost = np.empty_like(x), PER_NUMBER * x.size
    weights = (np.tile(w, many) for w in (mean, scale, shift))
    arrays = wide, *weights, y.reshape(wide.shape)
    call_c_in_parts("normalise", cost, *wide.shape, *arrays, whole=(3, 4, 5))

    def pull_back(gs):
        g, g_mean, g_variance = map(cotangent, gs, (y, mean, variance))
        gx, rows = np.empty_like(g), g.reshape(-1, *wide.shape)
        center, sums = np.tile(mean, many), np.empty((2, len(g), many, channels), x.dtype)
        for row, of_g, of_gx in zip(rows, *sums, strict=True):
            call_c("gradient_sums", *wide.shape, wide, center, row, of_g, of_gx)
        g_beta, g_gamma = sums.sum(axis=2)
        g_gamma *= inverse
        of_x = (2 * g_variance - scale * inverse * g_gamma) / x.dtype.type(n)
        of_one = (g_mean - scale * g_beta) / x.dtype.type(n)
        for row, to, *of_row in zip(rows, gx, of_x, of_one, strict=True):
            weights = (np.tile(w, many) for w in (scale, *of_row))
            arrays = wide, center, row, *weights, to.reshape(wide.shape)
            call_c_in_parts("normalise_pull", cost, *wide.shape, *arrays, whole=(3, 5, 6, 7))
        return gx, g_gamma, g_beta, None, None, None

    return (y, mean, variance), pull_back


def side_by_side(n: int, channels: int) -> int:
    """How many of n pixels with few channels make up one with as many as C is fast for."""
    return next(k for k in (32, 16, 8, 4, 2, 1) if (k * channels <= WIDE and n % k == 0) or k == 1)


@twin_of("layer_normalization")
def layer_normalization(x, gamma, beta, *, axis=-1, epsilon=1e-3):
    return each_sample(x, gamma, beta, axis, epsilon, centred=True)


@twin_of("rms_normalization")
def rms_normalization(x, scale, *, axis=-1, epsilon=1e-6):
    found = each_sample(x, scale, None, axis, epsilon, centred=False)
    if found is NotImplemented:
        return found
    y, pull_back = found
    return y, lambda g: pull_back(g)[:2]


def each_sample(
    x: Array, gamma: Array | None, beta: Array | None, axis: Any, epsilon: float, centred: bool
) -> Any:
    """Samples over their last axes, which lie side by side, as rows of a matrix."""
    axes = sorted(from_right(axis, x.ndim))
    lengths = x.shape[x.ndim - len(axes) :]
    if axes != list(range(-len(axes), 0)) or not fit(x, gamma, beta, lengths):
        return NotImplemented
    n = x.size // prod(lengths)
    sizes = n, prod(lengths), int(centred)
    return by_samples("normalise_rows", sizes, x, gamma, beta, lengths, epsilon, (n,))


@twin_of("group_normalization")
def group_normalization(x, gamma, beta, *, groups, epsilon=1e-3):
    batch, *places, channels = x.shape
    if channels % groups or not fit(x, gamma, beta, (channels,)):
        return NotImplemented
    sizes, statistics = (batch, prod(places), channels, groups), (batch, channels)
    return by_samples("normalise_groups", sizes, x, gamma, beta, (channels,), epsilon, statistics)


def fit(x: Array, gamma: Array | None, beta: Array | None, lengths: tuple[int, ...]) -> bool:
    return usable(x, gamma, beta) and all(w is None or w.shape == lengths for w in (gamma, beta))


def by_samples(
    name: str,
    sizes: tuple[int, ...],
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    lengths: tuple[int, ...],
    epsilon: float,
    statistics: tuple[int, ...],
) -> Any:
    """A normalisation of `sizes[0]` samples, by weights of these lengths.

    What is known of the samples, their means and so on, has the shape `statistics`.
    """
    shape, samples, cost = x.shape, (sizes[0], x.size // sizes[0]), PER_NUMBER * x.size
    x, y = contiguous(x).reshape(samples), np.empty(samples, x.dtype)
    gamma, beta = (None if w is None else contiguous(w) for w in (gamma, beta))
    mean, inverse = np.empty(statistics, x.dtype), np.empty(statistics, x.dtype)
    arrays, place = (x, gamma, beta, y, mean, inverse), len(sizes)
    call_c_in_parts(name, cost, *sizes, *arrays, float(epsilon), whole=(place + 1, place + 2))
    y = y.reshape(shape)

    def pull_back(g):
        g = cotangent(g, y).reshape(-1, *samples)
        gx, of_weights = np.empty_like(g), np.zeros((len(g), 2, prod(lengths)), x.dtype)
        for row, to, total in zip(g, gx, of_weights, strict=True):

            def work(part, row=row, to=to):
                sums = np.empty_like(of_weights[0])
                some = x[part], gamma, mean[part], inverse[part], row[part], to[part]
                call_c(f"{name}_pull", len(some[0]), *sizes[1:], *some, *sums)
                return sums

            for sums in in_parts(len(x), work, cost):
                total += sums
        of_gamma, of_beta = of_weights.reshape(-1, 2, *lengths).swapaxes(0, 1)
        return gx.reshape(-1, *shape), of_gamma, of_beta

    return y, pull_back
