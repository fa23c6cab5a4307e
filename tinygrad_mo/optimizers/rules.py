"""The rules: SGD, RMSprop, Adam, AdamW, Adagrad.

A rule sees one block of a parameter at a time: what it computes with stays in cache.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from ..device import Array, array_module
from .base import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent: ``w -= learning_rate * g``.

    Parameters
    ----------
    learning_rate : float
        Default: 0.01.
    momentum : float
        Between 0 and 1: ``v = momentum * v - learning_rate * g; w += v`` (Polyak 1964).
    nesterov : bool
        Look ahead: ``w += momentum * v - learning_rate * g`` (Nesterov 1983).
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **clipping: float,
    ):
        super().__init__(learning_rate, **clipping)
        self.momentum, self.nesterov = in_unit_interval("momentum", momentum), nesterov
        self.slots = ("velocity",) if momentum else ()
        if not momentum and type(self).rule is SGD.rule:
            self.decay = ()

    def rule(self, w: Array, g: Array, step: int, *slots: Array) -> Array:
        move = -self.learning_rate * g
        if not slots:
            return w + move
        (velocity,) = slots
        velocity *= self.momentum
        velocity += move
        return w + (self.momentum * velocity + move if self.nesterov else velocity)


class RMSprop(Optimizer):
    """Divide by a running root mean square of the gradient (Tieleman & Hinton 2012).

    ``v = rho * v + (1 - rho) * g**2; w -= learning_rate * g / sqrt(v + epsilon)``

    Parameters
    ----------
    learning_rate, rho, epsilon : float
        Default: 0.001, 0.9 and 1e-7.
    momentum : float
        Default: 0.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        **clipping: float,
    ):
        super().__init__(learning_rate, **clipping)
        self.rho, self.momentum = (
            in_unit_interval("rho", rho),
            in_unit_interval("momentum", momentum),
        )
        self.epsilon = epsilon
        self.slots = ("mean_square", "velocity") if momentum else ("mean_square",)
        if not momentum and type(self).rule is RMSprop.rule:
            self.decay = (rho,)

    def rule(self, w: Array, g: Array, step: int, *slots: Array) -> Array:
        mean_square, *velocity = slots
        mean_square *= self.rho
        mean_square += (1 - self.rho) * (g * g)
        move = array_module(g).sqrt(mean_square + self.epsilon)
        array_module(g).divide(g, move, out=move)
        move *= self.learning_rate
        if not velocity:
            return w - move
        velocity[0] *= self.momentum
        velocity[0] += move
        return w - velocity[0]


class Adam(Optimizer):
    """Running means of the gradient and its square, corrected for their start (Kingma & Ba 2015).

    ``w -= learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)``

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
        Default: 0.001, 0.9, 0.999 and 1e-7.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    slots = ("mean", "mean_square")
    weight_decay = 0.0

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **clipping: float,
    ):
        super().__init__(learning_rate, **clipping)
        self.beta_1, self.beta_2 = (
            in_unit_interval("beta_1", beta_1),
            in_unit_interval("beta_2", beta_2),
        )
        self.epsilon = epsilon

    def rule(self, w: Array, g: Array, step: int, *slots: Array) -> Array:
        mean, mean_square = slots
        approach(mean, g, 1 - self.beta_1)
        approach(mean_square, g * g, 1 - self.beta_2)
        rate = self.learning_rate * sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        shrink = 1 - self.learning_rate * self.weight_decay
        move = array_module(g).sqrt(mean_square)
        move += self.epsilon
        array_module(g).divide(mean, move, out=move)
        move *= rate
        return (w if shrink == 1 else w * shrink) - move


class AdamW(Adam):
    """Adam with the weights pulled towards zero apart from the gradient (Loshchilov & Hutter 2019).

    Parameters
    ----------
    learning_rate, weight_decay, beta_1, beta_2, epsilon : float
        Default: 0.001, 0.004, 0.9, 0.999 and 1e-7. Each step also takes
        ``learning_rate * weight_decay * w`` off w.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, **options: Any):
        super().__init__(learning_rate, **options)
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay cannot be negative: {weight_decay}")
        self.weight_decay = weight_decay


class Adagrad(Optimizer):
    """Divide by the root of the sum of all squared gradients so far (Duchi et al. 2011).

    Parameters
    ----------
    learning_rate, initial_accumulator_value, epsilon : float
        Default: 0.001, 0.1 and 1e-7.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **clipping: float,
    ):
        super().__init__(learning_rate, **clipping)
        self.slot_start, self.epsilon = initial_accumulator_value, epsilon
        if type(self).rule is Adagrad.rule:
            self.decay = (1.0,)

    def rule(self, w: Array, g: Array, step: int, *slots: Array) -> Array:
        (accumulator,) = slots
        accumulator += g * g
        return w - self.learning_rate * g / array_module(g).sqrt(accumulator + self.epsilon)


def approach(mean: Array, x: Array, share: float) -> None:
    """``mean += share * (x - mean)``; in place there is less to move through the cache."""
    way = x - mean
    way *= share
    mean += way


def in_unit_interval(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{name} lies between 0 and 1 (1 excluded), not {value}")
    return value
