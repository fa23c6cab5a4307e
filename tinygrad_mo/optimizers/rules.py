"""The rules: SGD and Lion; RMSprop, Adagrad and Adadelta. Those of Adam and its kin: `moments`.

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
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
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
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
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


class Lion(Optimizer):
    """The sign of a running mean of the gradient: each number moves by the learning rate.

    ``w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g``
    (Chen et al. 2023, "Symbolic discovery of optimization algorithms").

    The authors advise a learning rate that is 3 to 10 times smaller than that of `AdamW`, and a
    weight decay as many times larger.

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.001.
    beta_1, beta_2 : float
        From 0 to below 1: what the step, and what the mean, keeps of the mean. Default: 0.9 and
        0.99.
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_mo as tg
    >>> w = tg.Parameter([1.0, 1.0, 1.0], "w")
    >>> tg.optimizers.Lion(0.125).apply({w: np.array([1e-6, -1e6, 0.0])})
    >>> w.numpy()
    array([0.875, 1.125, 1.   ], dtype=float32)
    """

    slots = ("mean",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        self.beta_1 = number("Lion: beta_1", beta_1, at_least=0, below=1)
        self.beta_2 = number("Lion: beta_2", beta_2, at_least=0, below=1)

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        (mean,) = slots
        direction = array_module(w).sign(self.beta_1 * mean + (1 - self.beta_1) * g)
        return w - rate * direction, self.beta_2 * mean + (1 - self.beta_2) * g


class RMSprop(Optimizer):
    """Divide by a running root mean square of the gradient (Tieleman & Hinton 2012).

    ``v = rho * v + (1 - rho) * g**2; w -= learning_rate * g / sqrt(v + epsilon)``; with momentum,
    ``m = momentum * m + learning_rate * g / sqrt(v + epsilon); w -= m``.

    Centered, v is not the mean of the squares, but the variance, which is that without the square
    of the mean: ``v = rho * (v + (1 - rho) * (g - a)**2); a = rho * a + (1 - rho) * g`` (Graves
    2013; in this form, that of West 1979, rounding never makes it negative). Where gradients hardly
    differ from step to step, it is small, and steps are large.

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
    centered : bool
        Divide by the root of the variance of the gradient. Default: False.
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
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
        centered: bool = False,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        self.rho = number("RMSprop: rho", rho, at_least=0, below=1)
        self.momentum = number("RMSprop: momentum", momentum, at_least=0, below=1)
        self.epsilon = number("RMSprop: epsilon", epsilon, above=0)
        self.centered = flag("RMSprop: centered", centered)
        squares = ("variance", "mean") if self.centered else ("mean_square",)
        self.slots = (*squares, "velocity") if self.momentum else squares

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        if self.centered:
            variance, mean = slots[:2]
            variance = self.rho * (variance + (1 - self.rho) * (g - mean) ** 2)
            sizes = [variance, self.rho * mean + (1 - self.rho) * g]
        else:
            sizes = [self.rho * slots[0] + (1 - self.rho) * g**2]
        move = rate * g / sqrt(sizes[0] + self.epsilon)
        if not self.momentum:
            return w - move, *sizes
        velocity = self.momentum * slots[-1] + move
        return w - velocity, *sizes, velocity

    @rule.at_rest
    def left_of_slots(self) -> tuple[float, ...] | None:
        return None if self.momentum or self.centered else (self.rho,)

    @rule.reach
    def longest_move(self, rate: float, largest: float) -> float:
        return divided_move(rate, largest, self.epsilon)


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
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
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
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
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


class Adadelta(Optimizer):
    """Steps of the size of earlier steps, per size of the gradient (Zeiler 2012).

    ``v = rho * v + (1 - rho) * g**2; d = g * sqrt(u + epsilon) / sqrt(v + epsilon);
    u = rho * u + (1 - rho) * d**2; w -= learning_rate * d``

    The paper has no learning rate, which is one of 1 here. With the default, that of Keras, it is
    slow.

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.001.
    rho : float
        From 0 to below 1. Default: 0.95.
    epsilon : float
        Above 0; it is also what the first steps start from. Default: 1e-7.
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.
    """

    slots = ("mean_square", "mean_square_of_moves")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        self.rho = number("Adadelta: rho", rho, at_least=0, below=1)
        self.epsilon = number("Adadelta: epsilon", epsilon, above=0)

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        squares, moves = slots
        squares = self.rho * squares + (1 - self.rho) * g**2
        move = g * sqrt(moves + self.epsilon) / sqrt(squares + self.epsilon)
        return w - rate * move, squares, self.rho * moves + (1 - self.rho) * move**2

    @rule.at_rest
    def left_of_slots(self) -> tuple[float, ...] | None:
        return self.rho, self.rho


def sqrt(x: Array) -> Array:
    return array_module(x).sqrt(x)


def divided_move(rate: float, largest: float, epsilon: float) -> float:
    """What a slot takes up, or w moves by if its gradient is divided by sqrt(epsilon) or more."""
    return max(largest * largest, rate * largest / min(1.0, math.sqrt(epsilon)))
