"""Learning rates that change from step to step; the formulas and defaults are those of Keras.

All rates are finite numbers, 0 or more: a warm-up may start at 0, and a decay may end there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import cos, pi
from typing import Any

from . import arguments
from .recipes import Recipe

__all__ = [
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Schedule",
]


class Schedule(Recipe):
    """A function of the step, counted from 0, given to an optimizer as its learning rate.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> rate = tg.schedules.CosineDecay(0.1, decay_steps=100)
    >>> [round(rate(step), 4) for step in (0, 50, 100, 200)]
    [0.1, 0.05, 0.0, 0.0]
    >>> tg.optimizers.SGD(rate).learning_rate
    0.1
    """

    def __call__(self, step: int) -> float:
        raise NotImplementedError


class ExponentialDecay(Schedule):
    """``initial * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
        0 or more.
    decay_steps : float
        After so many steps (above 0) it is `decay_rate` times as large.
    decay_rate : float
        0 or more.
    staircase : bool
        Only change after whole `decay_steps`. Default: False.

    Raises
    ------
    TypeError, ValueError
        For arguments that are no such numbers.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
    ):
        self.initial = not_negative(
            "ExponentialDecay: initial_learning_rate", initial_learning_rate
        )
        self.decay_rate = not_negative("ExponentialDecay: decay_rate", decay_rate)
        self.decay_steps = positive("ExponentialDecay: decay_steps", decay_steps)
        self.staircase = arguments.flag("ExponentialDecay: staircase", staircase)

    def __call__(self, step: int) -> float:
        passed = step // self.decay_steps if self.staircase else step / self.decay_steps
        try:
            return self.initial * self.decay_rate**passed
        except OverflowError:
            raise ValueError(
                f"ExponentialDecay: in step {step} the learning rate is more than a float can "
                f"hold, {self.initial} * {self.decay_rate} ** {passed}: let decay_rate be at most 1"
            ) from None


class CosineDecay(Schedule):
    """Half a cosine wave down to ``alpha * initial`` (Loshchilov & Hutter 2017), after a warm-up.

    Parameters
    ----------
    initial_learning_rate : float
        Where the warm-up starts if there is one, otherwise the wave. 0 or more.
    decay_steps : float
        Length of the wave, above 0.
    alpha : float
        The end, as a share of the start of the wave. 0 or more, default: 0.
    warmup_target : float, optional
        Rise to this rate in `warmup_steps` first, on a straight line; the wave starts there.
    warmup_steps : float
        Above 0, with `warmup_target` only.

    Raises
    ------
    TypeError, ValueError
        For arguments that are no such numbers, and for one of `warmup_target` and `warmup_steps`
        without the other.

    Examples
    --------
    >>> rate = CosineDecay(0.0, decay_steps=100, warmup_target=0.1, warmup_steps=10)
    >>> [round(rate(step), 4) for step in (0, 5, 10, 60, 110)]
    [0.0, 0.05, 0.1, 0.05, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ):
        self.initial = not_negative("CosineDecay: initial_learning_rate", initial_learning_rate)
        self.alpha = not_negative("CosineDecay: alpha", alpha)
        self.decay_steps = positive("CosineDecay: decay_steps", decay_steps)
        self.warmup_steps = not_negative("CosineDecay: warmup_steps", warmup_steps)
        if (warmup_target is None) != (self.warmup_steps == 0):
            raise ValueError(
                f"CosineDecay: a warm-up needs warmup_target, the rate to rise to, and "
                f"warmup_steps above 0; got {warmup_target} and {warmup_steps}"
            )
        self.top = self.initial
        if warmup_target is not None:
            self.top = not_negative("CosineDecay: warmup_target", warmup_target)

    def __call__(self, step: int) -> float:
        if step < self.warmup_steps:
            return self.initial + (self.top - self.initial) * step / self.warmup_steps
        passed = min((step - self.warmup_steps) / self.decay_steps, 1.0)
        return self.top * ((1 - self.alpha) * 0.5 * (1 + cos(pi * passed)) + self.alpha)


class PolynomialDecay(Schedule):
    """From one rate to another: on a straight line, or bent by `power`.

    Parameters
    ----------
    initial_learning_rate : float
        0 or more.
    decay_steps : float
        After so many steps (above 0) it is at its end.
    end_learning_rate : float
        0 or more, default: 0.0001.
    power : float
        Above 0, default: 1.

    Raises
    ------
    TypeError, ValueError
        For arguments that are no such numbers.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 1e-4,
        power: float = 1.0,
    ):
        self.initial = not_negative("PolynomialDecay: initial_learning_rate", initial_learning_rate)
        self.end = not_negative("PolynomialDecay: end_learning_rate", end_learning_rate)
        self.decay_steps = positive("PolynomialDecay: decay_steps", decay_steps)
        self.power = positive("PolynomialDecay: power", power)

    def __call__(self, step: int) -> float:
        left = 1 - min(step / self.decay_steps, 1.0)
        return (self.initial - self.end) * left**self.power + self.end


class InverseTimeDecay(Schedule):
    """``initial / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
        0 or more.
    decay_steps : float
        Above 0.
    decay_rate : float
        0 or more.

    Raises
    ------
    TypeError, ValueError
        For arguments that are no such numbers.
    """

    def __init__(self, initial_learning_rate: float, decay_steps: float, decay_rate: float):
        self.initial = not_negative(
            "InverseTimeDecay: initial_learning_rate", initial_learning_rate
        )
        self.decay_rate = not_negative("InverseTimeDecay: decay_rate", decay_rate)
        self.decay_steps = positive("InverseTimeDecay: decay_steps", decay_steps)

    def __call__(self, step: int) -> float:
        return self.initial / (1 + self.decay_rate * step / self.decay_steps)


class PiecewiseConstantDecay(Schedule):
    """One rate after another.

    Parameters
    ----------
    boundaries : sequence of int
        The last step of each rate but the last one: each larger than the one before.
    values : sequence of float
        The rates, one more than boundaries. 0 or more.

    Raises
    ------
    TypeError, ValueError
        For arguments that are no such numbers.
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]):
        who = "PiecewiseConstantDecay"
        self.boundaries = arguments.listed(f"{who}: boundaries", boundaries, not_negative)
        self.values = arguments.listed(f"{who}: values", values, not_negative)
        rising = all(a < b for a, b in pairwise(self.boundaries))
        if len(self.values) != len(self.boundaries) + 1 or not rising:
            raise ValueError(
                f"{who}: {len(self.boundaries)} rising boundaries need "
                f"{len(self.boundaries) + 1} values; got {self.boundaries} and {self.values}"
            )

    def __call__(self, step: int) -> float:
        return self.values[sum(step > boundary for boundary in self.boundaries)]


def positive(what: str, value: Any) -> float:
    return arguments.number(what, value, above=0)


def not_negative(what: str, value: Any) -> float:
    return arguments.number(what, value, at_least=0)
