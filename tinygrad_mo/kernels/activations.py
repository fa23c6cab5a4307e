"""Activation functions, by `kernels/cpu/activations.c`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import Array
from .registry import call, cotangent, kernel, plain, usable


def two_passes(
    name: str | None, pull: str, x: Array, number: float = 0.0, of_y: bool = True
) -> Any:
    """The value by one function of the library; its pullback, from y or x, by another."""
    if not usable(x):
        return NotImplemented
    x = plain(x)
    if name is None:  # NumPy's tanh is one pass, too
        y = np.tanh(x)
    else:
        y = np.empty_like(x)
        call(name, x.size, x, y, number)
    base = y if of_y else x

    def pull_x(g):
        g = cotangent(g, y)
        gx = np.empty_like(g)
        call(pull, len(g), base.size, base, g, gx, number)
        return gx

    return y, (pull_x,)


@kernel("relu")
def relu(x):
    return two_passes("relu", "relu_pull", x)


@kernel("leaky_relu")
def leaky_relu(x, *, negative_slope=0.2):
    return two_passes("leaky_relu", "leaky_relu_pull", x, float(negative_slope), of_y=False)


@kernel("elu")
def elu(x, *, alpha=1.0):
    return two_passes("elu", "elu_pull", x, float(alpha)) if alpha > 0 else NotImplemented


@kernel("tanh")
def tanh(x):
    return two_passes(None, "tanh_pull", x)


@kernel("sigmoid")
def sigmoid(x):
    return two_passes("sigmoid", "sigmoid_pull", x)


@kernel("silu")
def silu(x):
    return two_passes("silu", "silu_pull", x, of_y=False)
