"""The rules: SGD, RMSprop, Adam, AdamW, Adagrad.

In all of them w is a parameter, g its gradient, rate the learning rate, and t says which step of
this parameter it is. See `rule.Rule`.
"""

from __future__ import annotations

import math
from typing import Any

from ..arguments import flag, number
from ..device import Array, array_module
from .base import Optimizer
from .rule import Rule


class SGD(Optimizer):
    """Stochastic gradient descent: ``w -= learning_rate * g``.

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.01.
    momentum : float
        From 0 to below 1: ``v = momentum * v - learning_rate * g; w += v`` (Polyak 1964).
        Default: 0.
    nesterov : bool
        Look ahead: ``w += momentum * v - learning_rate * g`` (Nesterov 1983; in this form
        Sutskever et al. 2013). Default: False.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **clipping: Any,
    ):
        super().__init__(learning_rate, **clipping)
        self.momentum = number("SGD: momentum", momentum, at_least=0, below=1)
        self.nesterov = flag("SGD: nesterov", nesterov)
        self.slots = ("velocity",) if self.momentum else ()

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        if not slots:
            return w - rate * g
        (velocity,) = slots
        velocity = self.momentum * velocity - rate * g
        move = self.momentum * velocity - rate * g if self.nesterov else velocity
        return w + move, velocity

    @rule.at_rest
    def left_of_slots(self) -> tuple[float, ...] | None:
        return None if self.momentum else ()

    @rule.reach
    def longest_move(self, rate: float, largest: float) -> float:
        return rate * largest


class RMSprop(Optimizer):
    """Divide by a running root mean square of the gradient (Tieleman & Hinton 2012).

    ``v = rho * v + (1 - rho) * g**2; w -= learning_rate * g / sqrt(v + epsilon)``; with momentum,
    ``m = momentum * m + learning_rate * g / sqrt(v + epsilon); w -= m``.

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.001.
    rho : float
        From 0 to below 1. Default: 0.9.
    momentum : float
        From 0 to below 1. Default: 0.
    epsilon : float
        Above 0. Default: 1e-7.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        **clipping: Any,
    ):
        super().__init__(learning_rate, **clipping)
        self.rho = number("RMSprop: rho", rho, at_least=0, below=1)
        self.momentum = number("RMSprop: momentum", momentum, at_least=0, below=1)
        self.epsilon = number("RMSprop: epsilon", epsilon, above=0)
        self.slots = ("mean_square", "velocity") if self.momentum else ("mean_square",)

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        mean_square, *velocities = slots
        mean_square = self.rho * mean_square + (1 - self.rho) * g**2
        move = rate * g / sqrt(mean_square + self.epsilon)
        if not velocities:
            return w - move, mean_square
        velocity = self.momentum * velocities[0] + move
        return w - velocity, mean_square, velocity

    @rule.at_rest
    def left_of_slots(self) -> tuple[float, ...] | None:
        return None if self.momentum else (self.rho,)

    @rule.reach
    def longest_move(self, rate: float, largest: float) -> float:
        return divided_move(rate, largest, self.epsilon)


class Adam(Optimizer):
    """Running means of the gradient and its square, corrected for their start (Kingma & Ba 2015).

    ``m = beta_1 * m + (1 - beta_1) * g; v = beta_2 * v + (1 - beta_2) * g**2;
    w -= learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)``

    Both means start at 0, which the factors with t make up for. So t counts the steps of the
    parameter, as many gradients as its means have seen: a layer that thaws late begins with
    t = 1, and its first step has the size of the learning rate, like anybody's first step. (Keras
    counts the steps of the optimizer. There the first steps of such a layer are several times as
    long: with the defaults, up to 6 times.)

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.001.
    beta_1, beta_2 : float
        From 0 to below 1. Default: 0.9 and 0.999.
    epsilon : float
        Above 0. Default: 1e-7.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.
    """

    slots = ("mean", "mean_square")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **clipping: Any,
    ):
        super().__init__(learning_rate, **clipping)
        self.beta_1 = number("Adam: beta_1", beta_1, at_least=0, below=1)
        self.beta_2 = number("Adam: beta_2", beta_2, at_least=0, below=1)
        self.epsilon = number("Adam: epsilon", epsilon, above=0)

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        mean, mean_square = slots
        mean = mean + (1 - self.beta_1) * (g - mean)
        mean_square = mean_square + (1 - self.beta_2) * (g**2 - mean_square)
        rate = rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        return w - rate * mean / (sqrt(mean_square) + self.epsilon), mean, mean_square


class AdamW(Adam):
    """Adam with the weights pulled towards zero apart from the gradient (Loshchilov & Hutter 2019).

    ``w -= learning_rate * weight_decay * w``, and then a step of `Adam`.

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.001.
    weight_decay : float
        At least 0. Default: 0.004.
    beta_1, beta_2, epsilon, clipvalue, clipnorm, global_clipnorm
        As in `Adam`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.
    """

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, **options: Any):
        super().__init__(learning_rate, **options)
        self.weight_decay = number("AdamW: weight_decay", weight_decay, at_least=0)

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        return super().rule(w - rate * self.weight_decay * w, g, rate, t, *slots)


class Adagrad(Optimizer):
    """Divide by the root of the sum of all squared gradients so far (Duchi et al. 2011).

    ``a += g**2; w -= learning_rate * g / sqrt(a + epsilon)``

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.001.
    initial_accumulator_value : float
        What a starts from, at least 0. Default: 0.1.
    epsilon : float
        Above 0. Default: 1e-7.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.
    """

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **clipping: Any,
    ):
        super().__init__(learning_rate, **clipping)
        self.slot_start = number(
            "Adagrad: initial_accumulator_value", initial_accumulator_value, at_least=0
        )
        self.epsilon = number("Adagrad: epsilon", epsilon, above=0)

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        accumulator = slots[0] + g**2
        return w - rate * g / sqrt(accumulator + self.epsilon), accumulator

    @rule.at_rest
    def left_of_slots(self) -> tuple[float, ...] | None:
        return (1.0,)

    @rule.reach
    def longest_move(self, rate: float, largest: float) -> float:
        return divided_move(rate, largest, self.epsilon)


def sqrt(x: Array) -> Array:
    return array_module(x).sqrt(x)


def divided_move(rate: float, largest: float, epsilon: float) -> float:
    """What a slot takes up, or w moves by if its gradient is divided by sqrt(epsilon) or more."""
    return max(largest * largest, rate * largest / min(1.0, math.sqrt(epsilon)))
