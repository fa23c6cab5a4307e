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
    if not usable(x, gamma, beta) or axes != list(range(-len(axes), 0)):
        return NotImplemented
    lengths = x.shape[x.ndim - len(axes) :]
    if any(w is not None and w.shape != lengths for w in (gamma, beta)):
        return NotImplemented
    shape, (n, width), cost = x.shape, (x.size // prod(lengths), prod(lengths)), PER_NUMBER * x.size
    x, y = contiguous(x).reshape(n, width), np.empty(shape, x.dtype)
    gamma, beta = (None if w is None else contiguous(w) for w in (gamma, beta))
    mean, inverse = np.empty(n, x.dtype), np.empty(n, x.dtype)
    arrays = x, gamma, beta, y.reshape(n, width), mean, inverse, int(centred), float(epsilon)
    call_c_in_parts("normalise_rows", cost, n, width, *arrays, whole=(3, 4))

    def pull_back(g):
        g, gx = cotangent(g, y).reshape(-1, n, width), np.empty((len(g), n, width), x.dtype)
        of_weights = np.zeros((len(g), 2, width), x.dtype)
        for row, to, total in zip(g, gx, of_weights, strict=True):

            def work(part, row=row, to=to):
                sums = np.empty((2, width), x.dtype)
                some = x[part], gamma, mean[part], inverse[part], row[part], to[part]
                call_c("normalise_rows_pull", len(some[0]), width, *some, *sums, int(centred))
                return sums

            for sums in in_parts(n, work, cost):
                total += sums
        of_gamma, of_beta = of_weights.reshape(-1, 2, *lengths).swapaxes(0, 1)
        return gx.reshape(-1, *shape), of_gamma, of_beta

    return y, pull_back
