"""Activation functions, by `kernels/cpu/activations.c`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import Array
from .registry import call_c_in_parts, contiguous, cotangent, twin_of, usable

PER_NUMBER = 10  # its time, in multiplications
SELU = 1.0507009873554805 * 1.6732632423543772  # its slope at 0, where x is below


def two_passes(
    name: str | None, pull: str, x: Array, number: float = 0.0, of_y: bool = True
) -> Any:
    """The value by one function of the library; its pullback, from y or x, by another."""
    if not usable(x):
        return NotImplemented
    x, cost = contiguous(x), PER_NUMBER * x.size
    if name is None:  # NumPy's tanh is one pass, too
        y = np.tanh(x)
    else:
        y = np.empty_like(x)
        call_c_in_parts(name, cost, x.size, x.reshape(-1), y.reshape(-1), number)
    base = (y if of_y else x).reshape(-1)

    def pull_x(g):
        g = cotangent(g, y)
        gx = np.empty_like(g)
        for row, to in zip(g.reshape(len(g), x.size), gx.reshape(len(g), x.size), strict=True):
            call_c_in_parts(pull, cost, x.size, base, row, to, number)
        return gx

    return y, (pull_x,)


@twin_of("relu")
def relu(x):
    return two_passes("relu", "relu_pull", x)


@twin_of("leaky_relu")
def leaky_relu(x, *, negative_slope=0.2):
    return two_passes("leaky_relu", "leaky_relu_pull", x, float(negative_slope), of_y=False)


@twin_of("elu")
def elu(x, *, alpha=1.0):
    return two_passes("elu", "elu_pull", x, float(alpha)) if alpha > 0 else NotImplemented


@twin_of("selu")
def selu(x):
    return two_passes("selu", "selu_pull", x, SELU)


@twin_of("hard_sigmoid")
def hard_sigmoid(x):
    return two_passes("hard_sigmoid", "hard_sigmoid_pull", x, of_y=False)


@twin_of("tanh")
def tanh(x):
    return two_passes(None, "tanh_pull", x)


@twin_of("sigmoid")
def sigmoid(x):
    return two_passes("sigmoid", "sigmoid_pull", x)


@twin_of("silu")
def silu(x):
    return two_passes("silu", "silu_pull", x, of_y=False)


def with_slope(name: str, x: Array) -> Any:
    """Value and slope by one function of the library; a pullback has only to multiply."""
    if not usable(x):
        return NotImplemented
    x = contiguous(x)
    y, slope = np.empty_like(x), np.empty_like(x)
    parts = (array.reshape(-1) for array in (x, y, slope))
    call_c_in_parts(name, 2 * PER_NUMBER * x.size, x.size, *parts)
    return y, (lambda g: cotangent(g, y) * slope,)


@twin_of("gelu")
def gelu(x):
    return with_slope("gelu", x)


@twin_of("softplus")
def softplus(x):
    return with_slope("softplus", x)
