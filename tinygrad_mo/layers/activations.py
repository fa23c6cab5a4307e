"""Activation functions by name, and as layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import arguments, ops
from ..engine.graph import Tensor
from ..naming import lookup
from .axes import axes_of_a_sample, several_axes
from .base import Layer


def linear(x: Tensor) -> Tensor:
    """x, unchanged."""
    return x


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along one axis; along the steps of a sequence, padded ones get 0."""
    over_steps = x.mask is not None and axis % x.ndim < x.mask.ndim
    if over_steps:
        mask: Any = x.mask
        real = mask[(..., *[None] * (x.ndim - mask.ndim))]
        x = ops.where(real, x, LOWEST)
    y = ops.softmax(x, axis=axis)
    if over_steps:
        y = ops.where(real, y, 0.0)
        y.mask = mask  # it has seen to the padding itself
    return y


LOWEST = -1e9  # exp of it is 0 beside anything else, in every float type

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": linear,
    "relu": ops.relu,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "softmax": softmax,
    "elu": ops.elu,
    "selu": ops.selu,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "gelu": ops.gelu,
    "silu": ops.silu,
    "swish": ops.silu,
    "leaky_relu": ops.leaky_relu,
    "log_softmax": ops.log_softmax,
    "hard_sigmoid": ops.hard_sigmoid,
    "exponential": ops.exp,
}


def get(activation: Any, owner: Any = None) -> Callable[[Tensor], Tensor]:
    """An activation by name, any function from tensor to tensor, or None for none."""
    if activation is None:
        return linear
    if callable(activation):
        return activation
    return lookup("activation", activation, ACTIVATIONS, owner)


class Activation(Layer):
    """Apply an activation function, given by name or as a function of tensors.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.Activation("relu")(tg.Tensor([-1.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)
    """

    passes_mask = True

    def __init__(self, activation: Any, **options: Any):
        super().__init__(**options)
        self.activation = get(activation, self)

    def call(self, x: Tensor) -> Tensor:
        return self.activation(x)


class ReLU(Layer):
    """max(x, 0).

    Parameters
    ----------
    max_value : float, optional
        Above it the value stays the same; 0 or more. Default: none.
    negative_slope : float
        What x is multiplied with below 0, 0 or more. Default: 0.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.ReLU(max_value=6.0)(tg.Tensor([-1.0, 2.0, 9.0])).numpy()
    array([0., 2., 6.], dtype=float32)
    """

    passes_mask = True

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, **options: Any):
        super().__init__(**options)
        if max_value is not None:
            max_value = arguments.number(f"{self}: max_value", max_value, at_least=0)
        self.max_value = max_value
        what = f"{self}: negative_slope"
        self.negative_slope = arguments.number(what, negative_slope, at_least=0)

    def call(self, x: Tensor) -> Tensor:
        if self.negative_slope:
            y = ops.leaky_relu(x, negative_slope=self.negative_slope)
        else:
            y = ops.relu(x)
        return y if self.max_value is None else ops.minimum(y, self.max_value)


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along one axis.

    Parameters
    ----------
    axis : int
        Default: the last.
    """

    passes_mask = True

    def __init__(self, axis: int = -1, **options: Any):
        super().__init__(**options)
        self.axis = arguments.whole(f"{self}: axis", axis, at_least=None)

    def call(self, x: Tensor) -> Tensor:
        if not -x.ndim <= self.axis < x.ndim or self.axis % x.ndim == 0:
            raise ValueError(f"{self}: {x} has no axis {self.axis} behind the batch")
        return softmax(x, self.axis)


class LeakyReLU(Layer):
    """x above 0, ``negative_slope`` times x below.

    Parameters
    ----------
    negative_slope : float
        0 or more. Default: 0.3.
    """

    passes_mask = True

    def __init__(self, negative_slope: float = 0.3, **options: Any):
        super().__init__(**options)
        what = f"{self}: negative_slope"
        self.negative_slope = arguments.number(what, negative_slope, at_least=0)

    def call(self, x: Tensor) -> Tensor:
        return ops.leaky_relu(x, negative_slope=self.negative_slope)


class ELU(Layer):
    """x above 0, ``alpha (exp(x) - 1)`` below (Clevert et al. 2016).

    Parameters
    ----------
    alpha : float
        0 or more. Default: 1.
    """

    passes_mask = True

    def __init__(self, alpha: float = 1.0, **options: Any):
        super().__init__(**options)
        self.alpha = arguments.number(f"{self}: alpha", alpha, at_least=0)

    def call(self, x: Tensor) -> Tensor:
        return ops.elu(x, alpha=self.alpha)


class PReLU(Layer):
    """x above 0, ``alpha x`` below, with a learned alpha for each feature (He et al. 2015).

    Parameters
    ----------
    alpha_initializer : str or callable
        Default: zeros.
    alpha_regularizer : str or callable, optional
    shared_axes : int or tuple of int, optional
        Axes along which one alpha serves all, such as (1, 2), the rows and columns of images.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.PReLU(alpha_initializer=tg.layers.initializers.constant(0.5))
    >>> layer(tg.Tensor([[-4.0, 2.0]])).numpy()
    array([[-2.,  2.]], dtype=float32)
    """

    passes_mask = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.alpha_initializer, self.alpha_regularizer = alpha_initializer, alpha_regularizer
        self.shared_axes: tuple[int, ...] = ()
        if shared_axes is not None:
            self.shared_axes = several_axes(self, "shared_axes", shared_axes)

    def make_weights(self, shape: Any) -> None:
        shared = axes_of_a_sample(self, self.shared_axes, shape)
        lengths = [1 if axis in shared else n for axis, n in enumerate(shape)][1:]
        if None in lengths:
            raise ValueError(
                f"{self} needs one alpha for each place, but axis {lengths.index(None) + 1} of "
                f"{shape} has no fixed length: add it to shared_axes"
            )
        self.alpha = self.add_weight(
            "alpha", lengths, self.alpha_initializer, self.alpha_regularizer
        )

    def call(self, x: Tensor) -> Tensor:
        above = ops.relu(x)
        return above + self.alpha * (x - above)
