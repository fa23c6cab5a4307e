"""Activation functions by name, and as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..graph import Tensor
from ..naming import lookup
from .base import Layer


def linear(x: Tensor) -> Tensor:
    """x, unchanged."""
    return x


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": linear,
    "relu": ops.relu,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "softmax": ops.softmax,
    "elu": ops.elu,
    "selu": ops.selu,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "silu": ops.silu,
    "swish": ops.silu,
    "leaky_relu": ops.leaky_relu,
    "hard_sigmoid": ops.hard_sigmoid,
    "exponential": ops.exp,
}


def get(activation: Any) -> Callable[[Tensor], Tensor]:
    """An activation by name, any function from tensor to tensor, or None for none."""
    if activation is None:
        return linear
    return activation if callable(activation) else lookup("activation", activation, ACTIVATIONS)


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
        self.activation = get(activation)

    def call(self, x: Tensor) -> Tensor:
        return self.activation(x)


class ReLU(Activation):
    """max(x, 0)."""

    def __init__(self, **options: Any):
        super().__init__("relu", **options)


class Softmax(Activation):
    """exp(x) / sum(exp(x)) along the last axis."""

    def __init__(self, **options: Any):
        super().__init__("softmax", **options)


class LeakyReLU(Layer):
    """x above 0, ``negative_slope`` times x below."""

    passes_mask = True

    def __init__(self, negative_slope: float = 0.3, **options: Any):
        super().__init__(**options)
        self.negative_slope = negative_slope

    def call(self, x: Tensor) -> Tensor:
        return ops.leaky_relu(x, negative_slope=self.negative_slope)


class ELU(Layer):
    """x above 0, ``alpha (exp(x) - 1)`` below (Clevert et al. 2016)."""

    passes_mask = True

    def __init__(self, alpha: float = 1.0, **options: Any):
        super().__init__(**options)
        self.alpha = alpha

    def call(self, x: Tensor) -> Tensor:
        return ops.elu(x, alpha=self.alpha)
