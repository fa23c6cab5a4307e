"""Activation functions: each works element by element, softmax along an axis."""

from ..device import Array, array_module
from .contract import in_floats, op
from .shaping import one_from_right

__all__ = [
    "elu",
    "hard_sigmoid",
    "leaky_relu",
    "log_softmax",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]


@op
@in_floats
def tanh(x):
    """The hyperbolic tangent of x, between -1 and 1. Its slope is 1 - tanh(x)**2."""
    y = array_module(x).tanh(x)
    return y, (lambda g: g * (1 - y * y),)


@op
@in_floats
def sigmoid(x):
    """1 / (1 + exp(-x)), computed as 0.5 tanh(x / 2) + 0.5, which cannot overflow."""
    y = 0.5 * array_module(x).tanh(0.5 * x) + 0.5
    return y, (lambda g: g * (y * (1 - y)),)


@op
def relu(x):
    """max(x, 0); the slope at 0 is taken as 0."""
    y = array_module(x).maximum(x, 0)
    return y, (lambda g: g * (y > 0),)


@op
@in_floats
def leaky_relu(x, *, negative_slope=0.2):
    """x above 0, negative_slope x below (Maas et al. 2013); the slope at 0 is negative_slope."""
    xp, slope = array_module(x), x.dtype.type(negative_slope)
    y = xp.maximum(x, 0)
    y += slope * xp.minimum(x, 0)
    return y, (lambda g: g * ((x > 0) * (1 - slope) + slope),)


@op
@in_floats
def elu(x, *, alpha=1.0):
    """x above 0, alpha (exp(x) - 1) below (Clevert et al. 2016); the slope at 0 is alpha."""
    xp, alpha = array_module(x), x.dtype.type(alpha)
    below = alpha * exp_minus_1(xp.minimum(x, 0))  # 0 where x is above 0
    y = xp.maximum(x, 0) + below
    if alpha == 1:
        return y, (lambda g: g * (below + 1),)
    return y, (lambda g: g * (below + alpha + (1 - alpha) * (x > 0)),)


def exp_minus_1(x: Array) -> Array:
    """2 t / (1 - t) with t = tanh(x / 2): as exact as `expm1`, for x up to 0, and faster."""
    t = array_module(x).tanh(0.5 * x)
    return 2 * t / (1 - t)


@op
@in_floats
def selu(x):
    """Scaled elu with the constants of Klambauer et al. 2017, Self-Normalizing Neural Networks.

    1.0507 x above 0, 1.0507 * 1.6733 (exp(x) - 1) below; the slope at 0 is 1.0507 * 1.6733.
    """
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    y, (pull,) = elu(x, alpha=alpha)
    return scale * y, (lambda g: pull(scale * g),)


@op
@in_floats
def softplus(x):
    """log(1 + exp(x)), which cannot overflow. Its slope is the sigmoid of x."""
    xp = array_module(x)
    return log_1_plus_exp(x), (lambda g: g * (0.5 * xp.tanh(0.5 * x) + 0.5),)


def log_1_plus_exp(x: Array) -> Array:
    """log(1 + exp(x)) without overflow; five times faster than `logaddexp`."""
    xp = array_module(x)
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


@op
@in_floats
def softsign(x):
    """x / (1 + |x|). Its slope is 1 / (1 + |x|)**2."""
    d = 1 + array_module(x).abs(x)
    return x / d, (lambda g: g / (d * d),)


@op
@in_floats
def silu(x):
    """x sigmoid(x), also known as swish (Ramachandran et al. 2017)."""
    s = 0.5 * array_module(x).tanh(0.5 * x) + 0.5
    return x * s, (lambda g: g * (s * (1 + x * (1 - s))),)


@op
@in_floats
def hard_sigmoid(x):
    """x / 6 + 1/2, but not below 0 nor above 1; the slope at -3 and 3 is taken as 0."""
    xp = array_module(x)
    return xp.clip(x / 6 + 0.5, 0, 1), (lambda g: g * (xp.abs(x) < 3) / 6,)


@op
@in_floats
def softmax(x, *, axis=-1):
    """exp(x) / sum(exp(x)) along one axis: shares that add up to 1.

    An x of -infinity gets no share. Where all of a row are -infinity, or one is +infinity, there
    are no shares: NaN.
    """
    axis = one_from_right(axis, x.ndim)
    e = array_module(x).exp(x - x.max(axis=axis, keepdims=True))
    y = e / e.sum(axis=axis, keepdims=True)
    return y, (lambda g: y * (g - (g * y).sum(axis=axis, keepdims=True)),)


@op
@in_floats
def log_softmax(x, *, axis=-1):
    """x - log(sum(exp(x))) along one axis: the logarithm of `softmax`, exact where that is 0, too.

    An x of -infinity stays that. Where all are -infinity, or one is +infinity: NaN.
    """
    axis, xp = one_from_right(axis, x.ndim), array_module(x)
    y = x - x.max(axis=axis, keepdims=True)
    y = y - xp.log(xp.exp(y).sum(axis=axis, keepdims=True))
    return y, (lambda g: g - xp.exp(y) * g.sum(axis=axis, keepdims=True),)
