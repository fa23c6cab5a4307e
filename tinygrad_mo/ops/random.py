"""Ops that draw random numbers, while training only."""

from ..backend import array_module
from .contract import op


@op
def dropout(x, *, rate, generator, training=False):
    """Set a share `rate` of the elements to 0 and scale the others, so that the mean stays.

    Srivastava et al. 2014, Dropout: A Simple Way to Prevent Neural Networks from Overfitting.
    """
    if not training or rate == 0:
        return x, (lambda g: g,)
    keep = array_module(x).asarray(generator.random(x.shape) >= rate)
    scale = keep * x.dtype.type(0 if rate == 1 else 1 / (1 - rate))
    return x * scale, (lambda g: g * scale,)
