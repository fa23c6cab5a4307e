"""Normalisation: each channel over the samples of a batch, or each sample by itself."""

from __future__ import annotations

from math import prod

from ..device import Array, array_module
from .contract import flat, in_floats, op, rows_of
from .linear import column_sums
from .shaping import from_right, other_axes

__all__ = [
    "batch_normalization",
    "group_normalization",
    "layer_normalization",
    "rms_normalization",
]


@op(averages={1: 3, 2: 4}, optional=("gamma", "beta", "mask"))
@in_floats(but="mask")
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
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, for each channel (last axis).

    Ioffe & Szegedy 2015, Batch Normalization. x is (batch, ..., channels), all others (channels,);
    gamma and beta may be None: 1 and 0. While training, mean and variance are those of the batch,
    over all axes but the last, where mask (batch, time) is True (None: everywhere). Otherwise, and
    if it is True nowhere, the moving ones serve. Values: y, and the mean and variance that were
    used.
    """
    xp = array_module(x)
    epsilon = x.dtype.type(epsilon)
    if training:
        return by_the_batch(x, gamma, beta, moving_mean, moving_variance, mask, epsilon)
    inverse = 1 / xp.sqrt(moving_variance + epsilon)
    scale = inverse if gamma is None else inverse * gamma
    y = (x - moving_mean) * scale
    if beta is not None:
        y += beta

    def pull_gamma(gs):
        rows = rows_of(gs[0], x)
        centred = finite_or_real(x - moving_mean, mask)
        return column_sums(flat(gs[0] * centred, rows)) * inverse

    def pull_beta(gs):
        return column_sums(flat(gs[0], rows_of(gs[0], x)))

    pull_backs = (lambda gs: gs[0] * scale, pull_gamma, pull_beta, None, None, None)
    return (y, moving_mean, moving_variance), pull_backs


def by_the_batch(
    x, gamma, beta, moving_mean, moving_variance, mask, epsilon, total=lambda sums: sums
):
    """Batch normalisation while training.

    Mean and variance depend on every x, so its gradient has three parts: one times g, one times x
    (through the variance), and one that all x of a channel share (through the mean). `total` makes
    the sums of a part of a batch those of all of it; gamma and beta get the gradient of the part.
    """
    xp = array_module(x)
    real = None if mask is None else real_rows(x, mask)
    counted = total(prod(x.shape[:-1]) if mask is None else real.sum().astype(x.dtype))
    count = xp.maximum(counted, x.dtype.type(1))

    def mean_of(values, otherwise):
        if real is None:
            return total(column_sums(flat(values))) / count
        # A padded row may hold NaN. Where all are padding, nothing is known of the batch.
        mean = total(column_sums(xp.where(real, flat(values), 0))) / count
        return xp.where(counted > 0, mean, otherwise)

    mean = mean_of(x, moving_mean)
    centred = x - mean
    variance = mean_of(centred * centred, moving_variance)
    inverse = 1 / xp.sqrt(variance + epsilon)
    scale = inverse if gamma is None else inverse * gamma
    y = centred * scale
    if beta is not None:
        y += beta
    centred = finite_or_real(centred, mask)

    def pull_back(gs):
        rows = rows_of(gs[0], x)
        g, g_mean, g_variance = flat(gs[0], rows), gs[1], gs[2]
        g_beta = column_sums(g)
        g_gamma = column_sums(g * flat(centred)) * inverse
        of_x = (2 * g_variance - scale * inverse * total(g_gamma)) / count
        of_one = (g_mean - scale * total(g_beta)) / count
        gx = flat(centred) * of_x[..., None, :]
        gx += of_one[..., None, :]
        if real is not None:
            gx *= real
        gx += g * scale
        return gx.reshape(rows + x.shape), g_gamma, g_beta, None, None, None

    return (y, mean, variance), pull_back


def finite_or_real(x: Array, mask: Array | None) -> Array:
    """x, but 0 where it is padding and not finite: its gradient 0 shall not become 0 times NaN."""
    if mask is None:
        return x
    xp, rows = array_module(x), flat(x)
    return xp.where(real_rows(x, mask) | xp.isfinite(rows), rows, 0).reshape(x.shape)


def real_rows(x: Array, mask: Array) -> Array:
    """Which rows of channels count, as a column."""
    shape = mask.shape + (1,) * (x.ndim - 1 - mask.ndim)
    every = array_module(x).broadcast_to(mask.astype(bool).reshape(shape), x.shape[:-1])
    return every.reshape(-1, 1)


@op(optional=("gamma", "beta"))
@in_floats
def layer_normalization(x, gamma, beta, *, axis=-1, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, each sample over some of its axes.

    Ba, Kiros & Hinton 2016, Layer Normalization. gamma and beta have the lengths of these axes;
    they may be None: 1 and 0. Where all numbers of a sample are equal, y is beta.
    """
    xp, axes = array_module(x), tuple(sorted(from_right(axis, x.ndim)))
    others = tuple(other_axes(x, axes))
    lengths = tuple(x.shape[a] for a in axes)
    wide = [x.shape[a] if a in axes else 1 for a in range(-x.ndim, 0)]

    def mean(values):
        return values.mean(axis=axes, keepdims=True)

    def sum_over_others(values):
        return values.sum(axis=others).reshape(rows_of(values, x) + lengths)

    centred = x - mean(x)
    inverse = 1 / xp.sqrt(mean(centred * centred) + x.dtype.type(epsilon))
    normal = centred * inverse
    y = normal if gamma is None else normal * gamma.reshape(wide)
    if beta is not None:
        y = y + beta.reshape(wide)

    def pull_x(g):
        g = g if gamma is None else g * gamma.reshape(wide)
        return inverse * (g - mean(g) - normal * mean(g * normal))

    return y, (pull_x, lambda g: sum_over_others(g * normal), sum_over_others)


@op(optional=("gamma", "beta"))
@in_floats
def group_normalization(x, gamma, beta, *, groups, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, each group of channels of each sample.

    Wu & He 2018, Group Normalization. x is (batch, ..., channels), mean and variance are those of
    all places and of channels that lie side by side, so many `groups` of them. gamma and beta
    (channels,) may be None: 1 and 0.
    """
    batch, channels = x.shape[0], x.shape[-1]
    split = batch, prod(x.shape[1:-1]), groups, channels // groups
    normal, (pull_groups, *_) = layer_normalization.rule(
        x.reshape(split), None, None, axis=(-3, -1), epsilon=epsilon
    )
    normal = normal.reshape(x.shape)
    y = normal if gamma is None else normal * gamma
    if beta is not None:
        y = y + beta

    def pull_x(g):
        rows, g = rows_of(g, x), g if gamma is None else g * gamma
        return pull_groups(g.reshape(rows + split)).reshape(rows + x.shape)

    return y, (
        pull_x,
        lambda g: column_sums(flat(g * normal, rows_of(g, x))),
        lambda g: column_sums(flat(g, rows_of(g, x))),
    )


@op
@in_floats
def rms_normalization(x, scale, *, axis=-1, epsilon=1e-6):
    """x / sqrt(mean of x^2 + epsilon) * scale, each sample over some of its axes.

    Zhang & Sennrich 2019, Root Mean Square Layer Normalization. scale has the lengths of these
    axes. Where all numbers of a sample are 0, y is 0.
    """
    xp, axes = array_module(x), tuple(sorted(from_right(axis, x.ndim)))
    others = tuple(other_axes(x, axes))
    lengths = tuple(x.shape[a] for a in axes)
    wide = [x.shape[a] if a in axes else 1 for a in range(-x.ndim, 0)]

    def mean(values):
        return values.mean(axis=axes, keepdims=True)

    inverse = 1 / xp.sqrt(mean(x * x) + x.dtype.type(epsilon))
    normal = x * inverse

    def pull_x(g):
        g = g * scale.reshape(wide)
        return inverse * (g - normal * mean(g * normal))

    def pull_scale(g):
        return (g * normal).sum(axis=others).reshape(rows_of(g, x) + lengths)

    return normal * scale.reshape(wide), (pull_x, pull_scale)
