"""Ops that draw random numbers, while training only."""

from ..device import array_module
from .contract import op


@op
def dropout(x, *, rate, generator, together=(), training=False):
    """Set a share `rate` of the elements to 0 and scale the others, so that the mean stays.

    Srivastava et al. 2014, Dropout: A Simple Way to Prevent Neural Networks from Overfitting. All
    elements along the axes `together` share one fate.
    """
    if not training or rate == 0:
        return x, (lambda g: g,)
    shape = [1 if axis in together else n for axis, n in enumerate(x.shape)]
    keep = array_module(x).asarray(generator.random(shape) >= rate)
    scale = keep * x.dtype.type(0 if rate == 1 else 1 / (1 - rate))
    return x * scale, (lambda g: g * scale,)


@op
def gaussian_noise(x, *, stddev, generator, training=False):
    """x plus normal random numbers with mean 0."""
    if not training:
        return x, (lambda g: g,)
    noise = array_module(x).asarray(generator.normal(0, stddev, x.shape), x.dtype)
    return x + noise, (lambda g: g,)
