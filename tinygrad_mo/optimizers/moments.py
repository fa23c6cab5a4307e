"""The rules of Adam and its kin, which keep running means of the gradient and of its size."""

from __future__ import annotations

import math
from itertools import accumulate
from operator import mul
from typing import Any

from ..arguments import flag, number
from ..device import Array, array_module
from .base import Optimizer
from .rule import Rule
from .rules import sqrt


class Moments(Optimizer):
    """What they share: their settings."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        name = type(self).__name__
        self.beta_1 = number(f"{name}: beta_1", beta_1, at_least=0, below=1)
        self.beta_2 = number(f"{name}: beta_2", beta_2, at_least=0, below=1)
        self.epsilon = number(f"{name}: epsilon", epsilon, above=0)


class Adam(Moments):
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
    amsgrad : bool
        Divide by the root of the largest v so far, so that no step grows because the gradients
        have become small (Reddi et al. 2018). Default: False.
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
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.amsgrad = flag(f"{type(self).__name__}: amsgrad", amsgrad)
        largest = ("largest_mean_square",) if self.amsgrad else ()
        self.slots = ("mean", "mean_square", *largest)

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        mean, mean_square, *largest = slots
        mean = mean + (1 - self.beta_1) * (g - mean)
        mean_square = mean_square + (1 - self.beta_2) * (g**2 - mean_square)
        sizes = [mean_square]
        if self.amsgrad:
            sizes.append(array_module(w).maximum(largest[0], mean_square))
        rate = rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        return w - rate * mean / (sqrt(sizes[-1]) + self.epsilon), mean, *sizes


class AdamW(Adam):
    """`Adam` with weight decay by default (Loshchilov & Hutter 2019).

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.001.
    weight_decay : float
        At least 0. Default: 0.004.
    beta_1, beta_2, epsilon, amsgrad, clipvalue, clipnorm, global_clipnorm
        As in `Adam`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.
    """

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, **options: Any):
        super().__init__(learning_rate, weight_decay=weight_decay, **options)


class Adamax(Moments):
    """`Adam` with a running maximum in place of the mean of the squares (Kingma & Ba 2015, 7.1).

    ``m = beta_1 * m + (1 - beta_1) * g; u = max(beta_2 * u, abs(g));
    w -= learning_rate / (1 - beta_1**t) * m / (u + epsilon)``

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.001.
    beta_1, beta_2 : float
        From 0 to below 1. Default: 0.9 and 0.999.
    epsilon : float
        Above 0. Default: 1e-7.
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.
    """

    slots = ("mean", "largest")

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        mean, largest = slots
        mean = mean + (1 - self.beta_1) * (g - mean)
        largest = array_module(w).maximum(self.beta_2 * largest, abs(g))
        rate = rate / (1 - self.beta_1**t)
        return w - rate * mean / (largest + self.epsilon), mean, largest


class Nadam(Moments):
    """`Adam` that looks ahead, as Nesterov's momentum does (Dozat 2016).

    ``m = beta_1 * m + (1 - beta_1) * g; v = beta_2 * v + (1 - beta_2) * g**2;
    w -= learning_rate * (b(t + 1) * m / (1 - p(t + 1)) + (1 - b(t)) * g / (1 - p(t)))
    / (sqrt(v / (1 - beta_2**t)) + epsilon)``, where ``b(t) = beta_1 * (1 - 0.96**t / 2)`` grows
    towards beta_1, and p(t) is the product ``b(1) * b(2) * ... * b(t)``.

    Parameters
    ----------
    learning_rate : float or function
        Default: 0.001.
    beta_1, beta_2 : float
        From 0 to below 1. Default: 0.9 and 0.999.
    epsilon : float
        Above 0. Default: 1e-7.
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range.
    """

    slots = ("mean", "mean_square")

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        mean, mean_square = slots
        mean = mean + (1 - self.beta_1) * (g - mean)
        mean_square = mean_square + (1 - self.beta_2) * (g**2 - mean_square)
        ahead = self.beta_1 * share_at(t + 1) / (1 - self.beta_1 ** (t + 1) * product_at(t + 1))
        now = (1 - self.beta_1 * share_at(t)) / (1 - self.beta_1**t * product_at(t))
        root = sqrt(mean_square / (1 - self.beta_2**t))
        return w - rate * (ahead * mean + now * g) / (root + self.epsilon), mean, mean_square


def share_at(t: int) -> float:
    """Of beta_1, in step t of `Nadam`."""
    return 1 - 0.96**t / 2


PRODUCTS = list(accumulate(map(share_at, range(1, 1000)), mul))  # the factors after these are 1.0


def product_at(t: int) -> float:
    """Of these shares in the first t steps.

    >>> round(product_at(2) / (share_at(1) * share_at(2)), 12)
    1.0
    """
    return PRODUCTS[min(t, len(PRODUCTS)) - 1]
