"""Batch normalisation while training, by `kernels/cpu/normalization.c`."""

from __future__ import annotations

import numpy as np

from ..ops.contract import flat, rows_of
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
