"""Layers that bring their input to a common mean and scale."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from .. import arguments, ops
from ..engine.graph import Parameter, Tensor
from .axes import axes_of_a_sample, count, several_axes
from .base import Layer


class OverAxes(Layer):
    """The common part: axes, and what keeps a division from one by 0.

    Parameters
    ----------
    axis : int or tuple of int
    epsilon : float
        Added under the root, above 0.
    """

    uses_mask = True

    def __init__(self, axis: Any, epsilon: float, **options: Any):
        super().__init__(**options)
        self.axes = several_axes(self, "axis", axis)
        self.epsilon = arguments.number(f"{self}: epsilon", epsilon, above=0)

    def warn_of_padding(self, x: Tensor, axes: Sequence[int]) -> None:
        """Say so if padded steps go into means over these axes."""
        if x.mask is not None and any(axis % x.ndim < x.mask.ndim for axis in axes):
            warnings.warn(
                f"{self} takes means over the steps of {x}, where its mask cannot leave out the "
                f"padded ones: they count like real ones",
                stacklevel=5,
            )

    def lengths(self, shape: Sequence[int | None]) -> list[int]:
        """Of the axes that have weights of their own."""
        axes = axes_of_a_sample(self, self.axes, shape)
        lengths = [shape[axis] for axis in axes]
        if None in lengths:
            free = axes[lengths.index(None)]
            raise ValueError(f"{self} needs a fixed length along axis {free}, got {shape}")
        return lengths  # type: ignore[return-value]


class Normalization(OverAxes):
    """The common part: a learned mean beta and standard deviation gamma.

    Parameters
    ----------
    axis : int or tuple of int
    epsilon : float
        Added to the variance, above 0. Default: 0.001.
    center, scale : bool
        Learn beta, learn gamma. Default: True.
    beta_initializer, gamma_initializer : str or callable
        Default: zeros and ones.
    beta_regularizer, gamma_regularizer : str or callable, optional
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        **options: Any,
    ):
        super().__init__(axis, epsilon, **options)
        self.center = arguments.flag(f"{self}: center", center)
        self.scale = arguments.flag(f"{self}: scale", scale)
        self.beta_initializer, self.beta_regularizer = beta_initializer, beta_regularizer
        self.gamma_initializer, self.gamma_regularizer = gamma_initializer, gamma_regularizer
        self.gamma: Parameter | None = None
        self.beta: Parameter | None = None

    def make_weights(self, shape: Any) -> None:
        lengths = self.lengths(shape)
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", lengths, self.gamma_initializer, self.gamma_regularizer
            )
        if self.center:
            self.beta = self.add_weight(
                "beta", lengths, self.beta_initializer, self.beta_regularizer
            )


class BatchNormalization(Normalization):
    """Each channel brought to mean beta and standard deviation gamma, over the samples of a batch.

    Training uses mean and variance of the batch; everything else, and a layer that is frozen
    (``layer.trainable = False``), uses moving averages of them, which training keeps. Training is
    what `fit` and `train_on_batch` do: called on a tensor with a value, it is "everything else".

    Parameters
    ----------
    axis : int
        The axis of the channels. Default: the last.
    momentum : float
        Weight of the old in the moving averages, 0 or more and below 1. Default: 0.99.
    epsilon : float
        Added to the variance, above 0. Default: 0.001.
    center, scale : bool
        Learn beta, learn gamma. Default: True.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer
        Default: zeros, ones, zeros, ones.
    beta_regularizer, gamma_regularizer : str or callable, optional

    Notes
    -----
    Where a mask marks steps as padding, mean and variance leave them out. The variance is the
    biased one. A layer that is called several times averages what each call has seen.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.BatchNormalization()
    >>> layer(tg.Input((32, 32, 16))), layer.count_params(), len(layer.trainable_weights)
    (<Tensor 'batch_normalization' (None, 32, 32, 16), float32>, 64, 2)
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        **options: Any,
    ):
        super().__init__(axis, epsilon, **options)
        self.axis = arguments.whole(f"{self}: axis", axis, at_least=None)
        self.momentum = arguments.number(f"{self}: momentum", momentum, at_least=0, below=1)
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer

    def make_weights(self, shape: Any) -> None:
        super().make_weights(shape)
        lengths = self.lengths(shape)
        self.moving_mean = self.add_weight(
            "moving_mean", lengths, self.moving_mean_initializer, trainable=False
        )
        self.moving_variance = self.add_weight(
            "moving_variance", lengths, self.moving_variance_initializer, trainable=False
        )

    def call(self, x: Tensor) -> Tensor:
        is_last = self.axis % x.ndim == x.ndim - 1
        leaves_out = x.mask is not None and is_last and x.ndim > x.mask.ndim
        self.warn_of_padding(x, [] if leaves_out else [1])
        y, _, _ = ops.batch_normalization(
            channels_last(x, self.axis),
            self.gamma,
            self.beta,
            self.moving_mean,
            self.moving_variance,
            x.mask if leaves_out else None,
            momentum=self.momentum,
            epsilon=self.epsilon,
        )
        y = channels_back(y, self.axis)
        y.mask = x.mask
        return y


class LayerNormalization(Normalization):
    """Each sample brought to mean beta and standard deviation gamma over some of its axes.

    Parameters
    ----------
    axis : int or tuple of int
        Axes over which mean and variance are taken. Default: the last.
    epsilon : float
        Added to the variance, above 0. Default: 0.001.
    center, scale : bool
        Learn beta, learn gamma. Default: True.
    beta_initializer, gamma_initializer : str or callable
        Default: zeros and ones.
    beta_regularizer, gamma_regularizer : str or callable, optional

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.LayerNormalization()(tg.Tensor([[1.0, 3.0]])).numpy().round(2)
    array([[-1.,  1.]], dtype=float32)
    """

    def call(self, x: Tensor) -> Tensor:
        self.warn_of_padding(x, self.axes)
        y = ops.layer_normalization(x, self.gamma, self.beta, axis=self.axes, epsilon=self.epsilon)
        y.mask = x.mask
        return y


class GroupNormalization(Normalization):
    """Each group of channels of each sample brought to mean beta and standard deviation gamma.

    Unlike batch normalisation it does the same in training and prediction, for batches of any size
    (Wu & He 2018).

    Parameters
    ----------
    groups : int
        Into how many groups of equal size the channels are parted, in order; -1: each channel is a
        group (instance normalisation). Default: 32.
    axis : int
        The axis of the channels. Default: the last.
    epsilon : float
        Added to the variance, above 0. Default: 0.001.
    center, scale : bool
        Learn beta, learn gamma, one number for each channel. Default: True.
    beta_initializer, gamma_initializer : str or callable
        Default: zeros and ones.
    beta_regularizer, gamma_regularizer : str or callable, optional

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.GroupNormalization(groups=2)
    >>> layer(tg.Tensor([[1.0, 3.0, 10.0, 30.0]])).numpy().round(2)
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, **options: Any):
        super().__init__(axis, epsilon, **options)
        self.axis = arguments.whole(f"{self}: axis", axis, at_least=None)
        each = arguments.plain_number(groups) == -1
        self.groups = -1 if each else count(self, "groups", groups)

    def make_weights(self, shape: Any) -> None:
        (channels,) = self.lengths(shape)
        if channels % self.groups:
            raise ValueError(
                f"{self} cannot part {channels} channels into {self.groups} groups of equal size"
            )
        super().make_weights(shape)

    def call(self, x: Tensor) -> Tensor:
        self.warn_of_padding(x, [1])  # the means are over all axes, and a mask has this one
        y = ops.group_normalization(
            channels_last(x, self.axis),
            self.gamma,
            self.beta,
            groups=x.shape[self.axis] if self.groups == -1 else self.groups,
            epsilon=self.epsilon,
        )
        y = channels_back(y, self.axis)
        y.mask = x.mask
        return y


class RMSNormalization(OverAxes):
    """Each sample divided by the root of its mean square over some of its axes, and scaled.

    Zhang & Sennrich 2019: what layer normalisation does, without the means.

    Parameters
    ----------
    axis : int or tuple of int
        Axes over which the mean is taken. Default: the last.
    epsilon : float
        Added to the mean square, above 0. Default: 1e-06.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.RMSNormalization()
    >>> layer(tg.Tensor([[3.0, 4.0, 0.0, 0.0]])).numpy().round(2)  # the root of 25 / 4 is 2.5
    array([[1.2, 1.6, 0. , 0. ]], dtype=float32)
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **options: Any):
        super().__init__(axis, epsilon, **options)

    def make_weights(self, shape: Any) -> None:
        self.scale = self.add_weight("scale", self.lengths(shape), "ones")

    def call(self, x: Tensor) -> Tensor:
        self.warn_of_padding(x, self.axes)
        y = ops.rms_normalization(x, self.scale, axis=self.axes, epsilon=self.epsilon)
        y.mask = x.mask
        return y


def channels_last(x: Tensor, axis: int) -> Tensor:
    """x with the axis of its channels behind all others."""
    axes = list(range(x.ndim))
    axes.append(axes.pop(axis))
    return x if axes == sorted(axes) else x.transpose(*axes)


def channels_back(y: Tensor, axis: int) -> Tensor:
    """The way back from `channels_last`."""
    axes = list(range(y.ndim))
    axes.append(axes.pop(axis))
    return y if axes == sorted(axes) else y.transpose(*(axes.index(a) for a in range(y.ndim)))
