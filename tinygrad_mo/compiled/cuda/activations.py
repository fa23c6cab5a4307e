"""Activation functions, by `kernels/cuda/activations.cu`."""

from __future__ import annotations

from typing import Any

from ...device import Array
from ..registry import twin_of
from .launching import THREADS, contiguous, cotangent, launch, launch_for_each, room, usable

NAMES = [  # in the order of the kernel
    "relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "silu", "softplus", "softsign",
    "hard_sigmoid",
]  # fmt: skip
BY_VALUE = {"relu", "elu", "selu", "tanh", "sigmoid"}  # y says the slope


def each_way(name: str, x: Array, number: float = 0.0) -> Any:
    """The value by a kernel; its pullback, from y or x, by another."""
    if not usable(x):
        return NotImplemented
    x, which = contiguous(x), NAMES.index(name)
    (y,) = room(x, x.shape)
    launch_for_each("activation", x.size, x.size, x, y, which, number)
    base = y if name in BY_VALUE else x

    def pull_x(g):
        g = cotangent(g, y)
        (gx,) = room(g, g.shape)
        grid = -(-x.size // THREADS), len(g)
        launch("activation_pull", grid, (THREADS,), x.size, base, g, gx, which, number)
        return gx

    return y, (pull_x,)


@twin_of("leaky_relu", "cuda")
def leaky_relu(x, *, negative_slope=0.2):
    return each_way("leaky_relu", x, float(negative_slope))


@twin_of("elu", "cuda")
def elu(x, *, alpha=1.0):
    return each_way("elu", x, float(alpha)) if alpha > 0 else NotImplemented


def without_options(name: str) -> Any:
    @twin_of(name, "cuda")
    def twin(x):
        return each_way(name, x)

    return twin


for name in NAMES:
    if name not in ("leaky_relu", "elu"):
        without_options(name)
