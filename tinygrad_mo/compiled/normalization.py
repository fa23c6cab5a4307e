"""Normalisation, of batches while training and of samples, by `kernels/cpu/normalization.c`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..device import Array, in_parts
from ..ops.contract import flat, rows_of
from ..ops.shaping import from_right
from .registry import call_c, call_c_in_parts, contiguous, cotangent, twin_of, usable

PER_NUMBER = 10  # of what is not a sum: the time, in multiplications


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
    size = n, channels = flat(x).shape
    mean, variance = np.empty(channels, x.dtype), np.empty(channels, x.dtype)
    call_c("moments", *size, x, mean, variance)
    inverse = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    scale = inverse if gamma is None else inverse * gamma
    shift = np.zeros(channels, x.dtype) if beta is None else contiguous(beta)
    y = np.empty_like(x)
    arrays = flat(x), mean, scale, shift, flat(y)
    call_c_in_parts("normalise", PER_NUMBER * x.size, *size, *arrays, whole=(3, 4, 5))

    def pull_back(gs):
        g, g_mean, g_variance = map(cotangent, gs, (y, mean, variance))
        rows = rows_of(g, x)
        gx = np.empty_like(g)
        g_beta, g_gamma = np.empty((*rows, channels), x.dtype), np.empty((*rows, channels), x.dtype)
        for row in range(len(g)):
            call_c("gradient_sums", *size, x, mean, g[row], g_beta[row], g_gamma[row])
        g_gamma *= inverse
        of_x = (2 * g_variance - scale * inverse * g_gamma) / x.dtype.type(n)
        of_one = (g_mean - scale * g_beta) / x.dtype.type(n)
        for row in range(len(g)):
            arrays = flat(x), mean, flat(g[row]), scale, of_x[row], of_one[row], flat(gx[row])
            call_c_in_parts(
                "normalise_pull", PER_NUMBER * x.size, *size, *arrays, whole=(3, 5, 6, 7)
            )
        return gx, g_gamma, g_beta, None, None, None

    return (y, mean, variance), pull_back


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
