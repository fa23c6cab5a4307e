"""The rules as NumPy computes them fastest: with few arrays in between.

The formulas are those of `rules` and `moments`, with the same operations in the same order, so that
the results are the same bits. Without this file, and the line that imports it, the formulas serve.

Each returns those new arrays that tell whether all is finite: where a gradient, a mean or a
velocity is not, w is not either; only a square may be infinite behind a w that has not moved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .base import Optimizer
from .moments import Adam
from .rules import SGD, Adagrad, RMSprop


def fused(optimizer: type[Optimizer]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as `Rule.fused` of the rule of an optimizer."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        optimizer.rule.fused = function
        return function

    return register


@fused(SGD)
def sgd(o: Any, g: Any, rate: float, t: int, old: Any, new: Any) -> Any:
    w, to = old[0], new[0]
    np.multiply(g, rate, out=to)
    if not o.momentum:
        np.subtract(w, to, out=to)
        return (to,)
    velocity, to_velocity = old[1], new[1]
    np.multiply(velocity, o.momentum, out=to_velocity)
    to_velocity -= to
    if o.nesterov:
        move = o.momentum * to_velocity
        move -= to
        np.add(w, move, out=to)
    else:
        np.add(w, to_velocity, out=to)
    return (to,)


@fused(RMSprop)
def rmsprop(o: Any, g: Any, rate: float, t: int, old: Any, new: Any) -> Any:
    if o.centered:
        return NotImplemented
    (w, mean_square, *velocity), (to, to_mean_square, *to_velocity) = old, new
    root = g * g
    root *= 1 - o.rho
    np.multiply(mean_square, o.rho, out=to_mean_square)
    to_mean_square += root
    np.add(to_mean_square, o.epsilon, out=root)
    np.sqrt(root, out=root)
    np.multiply(g, rate, out=to)
    to /= root
    if velocity:
        np.multiply(velocity[0], o.momentum, out=to_velocity[0])
        to_velocity[0] += to
        to[...] = to_velocity[0]
    np.subtract(w, to, out=to)
    return to, to_mean_square


@fused(Adam)
def adam(o: Any, g: Any, rate: float, t: int, old: Any, new: Any) -> Any:
    if o.amsgrad:
        return NotImplemented
    (w, mean, mean_square), (to, to_mean, to_mean_square) = old, new
    np.subtract(g, mean, out=to_mean)
    to_mean *= 1 - o.beta_1
    to_mean += mean
    np.multiply(g, g, out=to_mean_square)
    to_mean_square -= mean_square
    to_mean_square *= 1 - o.beta_2
    to_mean_square += mean_square
    root = np.sqrt(to_mean_square)
    root += o.epsilon
    move = rate * math.sqrt(1 - o.beta_2**t) / (1 - o.beta_1**t) * to_mean
    move /= root
    np.subtract(w, move, out=to)
    return to, to_mean_square


@fused(Adagrad)
def adagrad(o: Any, g: Any, rate: float, t: int, old: Any, new: Any) -> Any:
    (w, accumulator), (to, to_accumulator) = old, new
    np.multiply(g, g, out=to_accumulator)
    to_accumulator += accumulator
    root = to_accumulator + o.epsilon
    np.sqrt(root, out=root)
    np.multiply(g, rate, out=to)
    to /= root
    np.subtract(w, to, out=to)
    return to, to_accumulator
