"""Learning rates that change from step to step; the formulas and defaults are those of Keras."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi

from .recipes import Recipe


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
    decay_steps : int
        After so many steps it is `decay_rate` times as large.
    decay_rate : float
    staircase : bool
        Only change after whole `decay_steps`.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ):
        self.initial, self.decay_rate = positive("learning rate", initial_learning_rate), decay_rate
        self.decay_steps, self.staircase = positive("decay_steps", decay_steps), staircase

    def __call__(self, step: int) -> float:
        passed = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial * self.decay_rate**passed


class CosineDecay(Schedule):
    """Half a cosine wave down to ``alpha * initial`` (Loshchilov & Hutter 2017), after a warm-up.

    Parameters
    ----------
    initial_learning_rate : float
        Where the warm-up starts if there is one, otherwise the wave.
    decay_steps : int
        Length of the wave.
    alpha : float
        The end, as a share of the start of the wave. Default: 0.
    warmup_target : float, optional
        Rise to this rate in `warmup_steps` first, on a straight line; the wave starts there.
    warmup_steps : int
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial, self.alpha = initial_learning_rate, alpha
        self.decay_steps = positive("decay_steps", decay_steps)
        self.top = initial_learning_rate if warmup_target is None else warmup_target
        self.warmup_steps = 0 if warmup_target is None else warmup_steps
        positive("learning rate", self.top)

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
    decay_steps : int
    end_learning_rate : float
        Default: 0.0001.
    power : float
        Default: 1.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 1e-4,
        power: float = 1.0,
    ):
        self.initial, self.end = positive("learning rate", initial_learning_rate), end_learning_rate
        self.decay_steps, self.power = positive("decay_steps", decay_steps), power

    def __call__(self, step: int) -> float:
        left = 1 - min(step / self.decay_steps, 1.0)
        return (self.initial - self.end) * left**self.power + self.end


class InverseTimeDecay(Schedule):
    """``initial / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
    decay_rate : float
    """

    def __init__(self, initial_learning_rate: float, decay_steps: int, decay_rate: float):
        self.initial, self.decay_rate = positive("learning rate", initial_learning_rate), decay_rate
        self.decay_steps = positive("decay_steps", decay_steps)

    def __call__(self, step: int) -> float:
        return self.initial / (1 + self.decay_rate * step / self.decay_steps)


class PiecewiseConstantDecay(Schedule):
    """One rate after another.

    Parameters
    ----------
    boundaries : sequence of int
        The last step of each rate but the last one.
    values : sequence of float
        The rates, one more than boundaries.
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]):
        if len(values) != len(boundaries) + 1 or list(boundaries) != sorted(boundaries):
            raise ValueError(
                f"{len(boundaries)} rising boundaries need {len(boundaries) + 1} values; "
                f"got {list(boundaries)} and {list(values)}"
            )
        self.boundaries, self.values = list(boundaries), list(values)

    def __call__(self, step: int) -> float:
        return self.values[sum(step > boundary for boundary in self.boundaries)]


def positive(what: str, value: float) -> float:
    if not value > 0:
        raise ValueError(f"the {what} of a schedule must be above 0, not {value}")
    return value
