"""Layers without weights that reorder, repeat, pad or cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import arguments, ops
from ..engine.graph import Tensor
from ..naming import lookup
from .axes import pairs, per_axis, whole_numbers
from .base import Layer


class Permute(Layer):
    """The axes of each sample in a new order.

    Parameters
    ----------
    dims : tuple of int
        The axes, counted from 1 (the batch stays first).

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.Permute((2, 1))(tg.Input((10, 64)))
    <Tensor 'permute' (None, 64, 10), float32>
    """

    def __init__(self, dims: Sequence[int], **options: Any):
        super().__init__(**options)
        axes = whole_numbers(dims)
        if axes is None or sorted(axes) != list(range(1, len(axes) + 1)):
            given = arguments.shown(dims)
            raise ValueError(f"{self}: dims must hold the axes from 1 on, each once, not {given}")
        self.dims = axes

    def call(self, x: Tensor) -> Tensor:
        if x.ndim != len(self.dims) + 1:
            raise ValueError(
                f"{self} orders {len(self.dims)} axes of a sample, {x} has {x.ndim - 1}"
            )
        return x.transpose(0, *self.dims)


class RepeatVector(Layer):
    """A vector as a sequence of `n` equal steps.

    Parameters
    ----------
    n : int

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.RepeatVector(3)(tg.Tensor([[1.0, 2.0]])).numpy().tolist()
    [[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]]
    """

    input_ndim = 2

    def __init__(self, n: int, **options: Any):
        super().__init__(**options)
        (self.n,) = per_axis(self, "n", n, 1)

    def call(self, x: Tensor) -> Tensor:
        return ops.repeat(x[:, None], times=self.n, axis=1)


class UpSampling1D(Layer):
    """Each step of a sequence several times in a row.

    Parameters
    ----------
    size : int
        How often. Default: 2.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.UpSampling1D(2)(tg.Tensor([[[1.0], [2.0]]])).numpy().tolist()
    [[[1.0], [1.0], [2.0], [2.0]]]
    """

    input_ndim = 3

    def __init__(self, size: int = 2, **options: Any):
        super().__init__(**options)
        (self.size,) = per_axis(self, "size", size, 1)

    def call(self, x: Tensor) -> Tensor:
        return ops.repeat(x, times=self.size, axis=1)


class UpSampling2D(Layer):
    """Each row and column of an image several times in a row.

    Parameters
    ----------
    size : int or (int, int)
        How often. Default: 2.
    interpolation : "nearest"

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.UpSampling2D((1, 2))(tg.Input((8, 8, 3)))
    <Tensor 'up_sampling2d' (None, 8, 16, 3), float32>
    """

    input_ndim = 4

    def __init__(self, size: Any = 2, interpolation: str = "nearest", **options: Any):
        super().__init__(**options)
        self.size = per_axis(self, "size", size, 2)
        lookup("interpolation", interpolation, {"nearest": None}, self)

    def call(self, x: Tensor) -> Tensor:
        rows, columns = self.size
        return ops.repeat(ops.repeat(x, times=rows, axis=1), times=columns, axis=2)


class ZeroPadding1D(Layer):
    """Zeros before and behind a sequence.

    Parameters
    ----------
    padding : int or (int, int)
        Steps on both sides, or before and behind. Default: 1.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.ZeroPadding1D((2, 1))(tg.Tensor([[[5.0]]])).numpy().ravel()
    array([0., 0., 5., 0.], dtype=float32)
    """

    input_ndim: int = 3

    def __init__(self, padding: Any = 1, **options: Any):
        super().__init__(**options)
        self.padding = pairs(self, "padding", padding, self.input_ndim - 2)

    def call(self, x: Tensor) -> Tensor:
        return ops.zero_pad(x, widths=((0, 0), *self.padding, (0, 0)))


class ZeroPadding2D(ZeroPadding1D):
    """Zeros around images.

    Parameters
    ----------
    padding : int, (int, int) or ((int, int), (int, int))
        On all sides; for rows and columns; or ((top, bottom), (left, right)). Default: 1.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.ZeroPadding2D(((1, 0), (2, 2)))(tg.Input((8, 8, 3)))
    <Tensor 'zero_padding2d' (None, 9, 12, 3), float32>
    """

    input_ndim = 4


class Cropping1D(Layer):
    """A sequence without its first and last steps.

    Parameters
    ----------
    cropping : int or (int, int)
        Steps on both sides, or before and behind. Default: 1.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.Cropping1D((0, 2))(tg.Input((10, 3)))
    <Tensor 'cropping1d' (None, 8, 3), float32>
    """

    input_ndim: int = 3

    def __init__(self, cropping: Any = 1, **options: Any):
        super().__init__(**options)
        self.cropping = pairs(self, "cropping", cropping, self.input_ndim - 2)

    def call(self, x: Tensor) -> Tensor:
        for (before, behind), n in zip(self.cropping, x.shape[1:-1], strict=True):
            if n is not None and before + behind >= n:
                raise ValueError(f"{self} would leave nothing of {x}: it cuts {self.cropping}")
        middle = (slice(before, -behind or None) for before, behind in self.cropping)
        return x[(slice(None), *middle)]


class Cropping2D(Cropping1D):
    """Images without their outer rows and columns.

    Parameters
    ----------
    cropping : int, (int, int) or ((int, int), (int, int))
        On all sides; for rows and columns; or ((top, bottom), (left, right)). Default: 1.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.Cropping2D(2)(tg.Input((8, 8, 3)))
    <Tensor 'cropping2d' (None, 4, 4, 3), float32>
    """

    input_ndim = 4
