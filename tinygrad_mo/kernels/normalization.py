"""Batch normalisation while training, by `kernels/cpu/normalization.c`."""

from __future__ import annotations

import numpy as np

from ..ops.contract import flat, rows_of
from .registry import call, cotangent, kernel, plain, usable


@kernel("batch_normalization")
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
    x = plain(x)
    size = n, channels = flat(x).shape
    mean, variance = np.empty(channels, x.dtype), np.empty(channels, x.dtype)
    call("moments", *size, x, mean, variance)
    inverse = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    scale = inverse if gamma is None else inverse * gamma
    shift = np.zeros(channels, x.dtype) if beta is None else plain(beta)
    y = np.empty_like(x)
    call("normalise", *size, x, mean, scale, shift, y)

    def pull_back(gs):
        g, g_mean, g_variance = map(cotangent, gs, (y, mean, variance))
        rows = rows_of(g, x)
        gx = np.empty_like(g)
        g_beta, g_gamma = np.empty((*rows, channels), x.dtype), np.empty((*rows, channels), x.dtype)
        for row in range(len(g)):
            call("gradient_sums", *size, x, mean, g[row], g_beta[row], g_gamma[row])
        g_gamma *= inverse
        of_x = (2 * g_variance - scale * inverse * g_gamma) / x.dtype.type(n)
        of_one = (g_mean - scale * g_beta) / x.dtype.type(n)
        for row in range(len(g)):
            call("normalise_pull", *size, x, mean, g[row], scale, of_x[row], of_one[row], gx[row])
        return gx, g_gamma, g_beta, None, None, None

    return (y, mean, variance), pull_back
