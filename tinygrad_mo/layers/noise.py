"""Layers that disturb, while training only (`Dropout` is in core)."""

from __future__ import annotations

from typing import Any

from .. import arguments, ops
from ..engine.graph import Tensor
from .base import Layer
from .core import Dropout


class SpatialDropout1D(Dropout):
    """While training, set a share `rate` of the channels of each sequence to 0, all their steps.

    Parameters
    ----------
    rate : float
        Between 0 and 1.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.SpatialDropout1D(0.2)(tg.Input((100, 64)))
    <Tensor 'spatial_dropout1d' (None, 100, 64), float32>
    """

    input_ndim: int = 3

    def call(self, x: Tensor) -> Tensor:
        within = tuple(range(1, self.input_ndim - 1))
        return ops.dropout(x, rate=self.rate, generator=self.generator, shared_axes=within)


class SpatialDropout2D(SpatialDropout1D):
    """While training, set a share `rate` of the channels of each image to 0, all their pixels.

    Parameters
    ----------
    rate : float
        Between 0 and 1.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.SpatialDropout2D(0.2)(tg.Input((8, 8, 64)))
    <Tensor 'spatial_dropout2d' (None, 8, 8, 64), float32>
    """

    input_ndim = 4


class GaussianNoise(Layer):
    """While training, add normal random numbers with mean 0.

    Parameters
    ----------
    stddev : float
        Their standard deviation, zero or more.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.GaussianNoise(0.1)(tg.Tensor([[1.0, 2.0]])).numpy()  # not training
    array([[1., 2.]], dtype=float32)
    """

    passes_mask = True

    def __init__(self, stddev: float, **options: Any):
        super().__init__(**options)
        self.stddev = arguments.number(f"{self}: stddev", stddev, at_least=0)

    def call(self, x: Tensor) -> Tensor:
        return ops.gaussian_noise(x, stddev=self.stddev, generator=self.generator)
