"""Layers that summarise windows, or whole sequences and images."""

from __future__ import annotations

from typing import Any

from .. import arguments, ops
from ..engine.graph import Tensor
from ..ops import Op
from .axes import known_padding, per_axis
from .base import Layer


class Pooling(Layer):
    """The common part: one number for each window and channel.

    Parameters
    ----------
    pool_size : int or tuple of int
        Steps, or rows and columns, of a window. Default: 2.
    strides : int or tuple of int, optional
        From one window to the next. Default: the windows lie side by side.
    padding : str
        "valid": windows that reach over the edge are left out. "same": they are kept, so that
        there are ``ceil(length / stride)``; what lies beyond the edge does not count.
    """

    op: Op

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", **options: Any
    ):
        super().__init__(**options)
        assert self.input_ndim is not None
        axes = self.input_ndim - 2
        self.pool_size = per_axis(self, "pool_size", pool_size, axes)
        self.strides = self.pool_size
        if strides is not None:
            self.strides = per_axis(self, "strides", strides, axes)
        self.padding = known_padding(self, padding, "valid", "same")

    def call(self, x: Tensor) -> Tensor:
        return self.op(x, pool_size=self.pool_size, strides=self.strides, padding=self.padding)


class MaxPooling1D(Pooling):
    """The largest number of each window of a sequence; of equal ones the first gets the gradient.

    Parameters
    ----------
    pool_size : int
        Steps of a window. Default: 2.
    strides : int, optional
        Steps from one window to the next. Default: `pool_size`.
    padding : "valid" or "same"
        Are windows that reach over the end left out or kept?

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.MaxPooling1D(2)(tg.Tensor([[[1.0], [3.0], [2.0], [0.0]]])).numpy().tolist()
    [[[3.0], [2.0]]]
    """

    input_ndim = 3
    op = ops.max_pool


class MaxPooling2D(Pooling):
    """The largest number of each window of an image; of equal ones the first gets the gradient.

    Parameters
    ----------
    pool_size : int or (int, int)
        Rows and columns of a window. Default: 2.
    strides : int or (int, int), optional
        From one window to the next. Default: `pool_size`.
    padding : "valid" or "same"
        Are windows that reach over the edge left out or kept?

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.MaxPooling2D(3, strides=2, padding="same")(tg.Input((65, 64, 16)))
    <Tensor 'max_pooling2d' (None, 33, 32, 16), float32>
    """

    input_ndim = 4
    op = ops.max_pool


class AveragePooling1D(Pooling):
    """The mean of each window of a sequence; what lies beyond the end is not counted.

    Parameters
    ----------
    pool_size, strides, padding : optional
        As of MaxPooling1D.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.AveragePooling1D(2, padding="same")
    >>> layer(tg.Tensor([[[2.0], [4.0], [6.0]]])).numpy().tolist()
    [[[3.0], [6.0]]]
    """

    input_ndim = 3
    op = ops.average_pool


class AveragePooling2D(Pooling):
    """The mean of each window of an image; what lies beyond the edge is not counted.

    Parameters
    ----------
    pool_size, strides, padding : optional
        As of MaxPooling2D.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.AveragePooling2D(5, strides=3)(tg.Input((14, 14, 512)))
    <Tensor 'average_pooling2d' (None, 4, 4, 512), float32>
    """

    input_ndim = 4
    op = ops.average_pool


class GlobalPooling(Layer):
    """The common part: one number for each channel.

    Parameters
    ----------
    keepdims : bool
        True: keep the axes that are summarised, with length 1.
    """

    def __init__(self, keepdims: bool = False, **options: Any):
        super().__init__(**options)
        self.keepdims = arguments.flag(f"{self}: keepdims", keepdims)

    @property
    def axes(self) -> tuple[int, ...]:
        assert self.input_ndim is not None
        return tuple(range(1, self.input_ndim - 1))


class GlobalMaxPooling1D(GlobalPooling):
    """The largest number of each channel of a sequence; equal ones share the gradient.

    Parameters
    ----------
    keepdims : bool
        True: (batch, 1, channels) instead of (batch, channels).

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.GlobalMaxPooling1D()(tg.Tensor([[[1.0, 5.0], [3.0, 2.0]]])).numpy()
    array([[3., 5.]], dtype=float32)
    """

    input_ndim = 3

    def call(self, x: Tensor) -> Tensor:
        return x.max(axis=self.axes, keepdims=self.keepdims)


class GlobalMaxPooling2D(GlobalMaxPooling1D):
    """The largest number of each channel of an image; equal ones share the gradient.

    Parameters
    ----------
    keepdims : bool
        True: (batch, 1, 1, channels) instead of (batch, channels).

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.GlobalMaxPooling2D()(tg.Input((8, 8, 32)))
    <Tensor 'global_max_pooling2d' (None, 32), float32>
    """

    input_ndim = 4


class GlobalAveragePooling1D(GlobalPooling):
    """The mean of each channel over the steps of a sequence that its mask keeps.

    Parameters
    ----------
    keepdims : bool
        True: (batch, 1, channels) instead of (batch, channels).

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.GlobalAveragePooling1D()(tg.Tensor([[[1.0, 5.0], [3.0, 2.0]]])).numpy()
    array([[2. , 3.5]], dtype=float32)
    """

    input_ndim = 3
    uses_mask = True

    def call(self, x: Tensor) -> Tensor:
        mask = self.mask_of_steps(x)
        if mask is None:
            return x.mean(axis=self.axes, keepdims=self.keepdims)
        y = ops.masked_mean(x, mask)
        return y[:, None] if self.keepdims else y


class GlobalAveragePooling2D(GlobalPooling):
    """The mean of each channel of an image.

    Parameters
    ----------
    keepdims : bool
        True: (batch, 1, 1, channels) instead of (batch, channels).

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.GlobalAveragePooling2D(keepdims=True)(tg.Input((8, 8, 32)))
    <Tensor 'global_average_pooling2d' (None, 1, 1, 32), float32>
    """

    input_ndim = 4

    def call(self, x: Tensor) -> Tensor:
        return x.mean(axis=self.axes, keepdims=self.keepdims)
