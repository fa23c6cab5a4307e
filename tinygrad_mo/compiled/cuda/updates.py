"""Steps of optimizers, a launch for a flat array of any length, by `kernels/cuda/updates.cu`.

As rules have it (`tinygrad_mo.optimizers.Rule`), a twin returns new arrays and has seen that all is
finite. Beyond that a step may leave it to others to look, and may be captured and repeated:

==========  ================================================================================
bad         an int32 array of shape () that is 0: it becomes 1 if anything is not finite. Where
            it is 1, nothing is done. Default: a new one, which is asked at once.
changing    a float32 array of the two numbers that `numbers_of_step` gives; they may be others
            when the launch is repeated. Default: those of `rate` and `t`.
in_place    True: what is new is written over w and the slots. `note_not_finite` must have set
            `bad` if the gradient is not finite, for a step is not taken back. Default: False.
==========  ================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

from ...device import Array, array_module
from ...optimizers import SGD, Adagrad, Adam, RMSprop
from ..registry import registered
from .launching import contiguous, launch_for_each, usable


def numbers_of_step(o: Any, rate: float, t: int) -> tuple[float, float]:
    """What changes from step to step: how far it goes, and what it leaves of w beforehand."""
    left = 1 - rate * o.weight_decay
    if isinstance(o, Adam):
        rate = rate * sqrt(1 - o.beta_2**t) / (1 - o.beta_1**t)
    return float(rate), left


for one in (SGD, RMSprop, Adam, Adagrad):
    registered(one.rule.changing, "cuda")(numbers_of_step)


@registered(SGD.rule.compiled, "cuda")
def sgd(o, w, g, rate, t, velocity=None, **options):
    fixed = o.momentum, int(o.nesterov)
    return step("update_sgd", w, g, [velocity], numbers_of_step(o, rate, t), fixed, **options)


@registered(RMSprop.rule.compiled, "cuda")
def rmsprop(o, w, g, rate, t, mean_square, velocity=None, *more, **options):
    if o.centered:
        return NotImplemented
    slots, fixed = [mean_square, velocity], (o.rho, 1 - o.rho, o.momentum, o.epsilon)
    return step("update_rmsprop", w, g, slots, numbers_of_step(o, rate, t), fixed, **options)


@registered(Adam.rule.compiled, "cuda")
def adam(o, w, g, rate, t, mean, mean_square, *more, **options):
    if o.amsgrad:
        return NotImplemented
    slots, fixed = [mean, mean_square], (1 - o.beta_1, 1 - o.beta_2, o.epsilon)
    return step("update_adam", w, g, slots, numbers_of_step(o, rate, t), fixed, **options)


@registered(Adagrad.rule.compiled, "cuda")
def adagrad(o, w, g, rate, t, accumulator, **options):
    numbers = numbers_of_step(o, rate, t)
    return step("update_adagrad", w, g, [accumulator], numbers, (o.epsilon,), **options)


def step(
    name: str,
    w: Array,
    g: Array,
    slots: Sequence[Array | None],
    numbers: tuple[float, float],
    fixed: tuple[float, ...],
    bad: Array | None = None,
    changing: Array | None = None,
    in_place: bool = False,
) -> Any:
    """New values and slots by a kernel. A slot that is None is not there."""
    if not usable(w, g, *slots) or any(x is not None and x.shape != w.shape for x in (g, *slots)):
        return NotImplemented
    xp, told = array_module(w), bad
    old = [w, *slots] if in_place else list(map(contiguous, (w, *slots)))
    new = old if in_place else [None if x is None else xp.empty_like(x) for x in old]
    bad = xp.zeros((), "int32") if told is None else told
    arrays = old[0], contiguous(g), *old[1:], *new
    launch_for_each(name, w.size, w.size, *arrays, *numbers, changing, *fixed, bad)
    if told is None and int(bad):
        return NotImplemented  # the rule comes to the same end, and says so
    return [x for x in new if x is not None]


def note_not_finite(g: Array, bad: Array) -> None:
    """Set a flag if a gradient holds infinity or NaN."""
    launch_for_each("note_not_finite", g.size, g.size, contiguous(g), bad)
