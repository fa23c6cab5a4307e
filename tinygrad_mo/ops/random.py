"""Ops that draw random numbers, while training only."""

from ..device import Array, array_module
from .contract import in_floats, op

__all__ = ["dropout", "gaussian_noise"]


@op
@in_floats
def dropout(x, *, rate, generator, shared_axes=(), training=False):
    """While training, set a share `rate` of the elements to 0 and divide the others by 1 - rate.

    The mean stays. Srivastava et al. 2014, Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting. One draw serves all elements along `shared_axes`. `generator` is one of NumPy.
    """
    if not training or rate == 0:
        return x, (lambda g: g,)
    shape = [1 if axis in shared_axes else n for axis, n in enumerate(x.shape)]
    scale = drawn_scale(shape, rate, generator, like=x)
    return x * scale, (lambda g: g * scale,)


def drawn_scale(shape, rate: float, generator, like: Array) -> Array:
    """What dropout multiplies with: 0 for a share `rate` of the elements, else 1 / (1 - rate)."""
    keep = array_module(like).asarray(generator.random(shape) >= rate)
    return keep * like.dtype.type(0 if rate == 1 else 1 / (1 - rate))


@op
@in_floats
def gaussian_noise(x, *, stddev, generator, training=False):
    """While training, x plus normal random numbers with mean 0; `generator` is one of NumPy."""
    if not training:
        return x, (lambda g: g,)
    noise = array_module(x).asarray(generator.normal(0, stddev, x.shape), x.dtype)
    return x + noise, (lambda g: g,)
