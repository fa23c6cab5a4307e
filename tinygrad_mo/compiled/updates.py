"""Steps of optimizers, each in one pass, by `kernels/cpu/updates.c`.

What twins take and return, says `tinygrad_mo.optimizers.Rule`. They also decline if a result is
not finite: then the rule comes to the same end and says so.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ..device import Array, in_parts
from ..ops import SparseGradient
from ..optimizers import SGD, Adagrad, Adam, RMSprop
from .registry import FLOAT, call_c, contiguous, registered, usable

PER_NUMBER = 20  # its time, in multiplications
ALL_FINITE = 1  # what the functions of C return then


@registered(SGD.rule.compiled)
def sgd(o, w, g, rate, t, velocity=None):
    if o.weight_decay:
        return NotImplemented
    return in_one_pass("update_sgd", w, g, [velocity], rate, o.momentum, o.nesterov)


@registered(RMSprop.rule.compiled)
def rmsprop(o, w, g, rate, t, mean_square, velocity=None, *more):
    if o.weight_decay or o.centered:
        return NotImplemented
    numbers = rate, o.rho, 1 - o.rho, o.momentum, o.epsilon
    return in_one_pass("update_rmsprop", w, g, [mean_square, velocity], *numbers)


@registered(Adam.rule.compiled)
def adam(o, w, g, rate, t, mean, mean_square, *more):
    if o.amsgrad:
        return NotImplemented
    shrink = 1 - rate * o.weight_decay
    rate = rate * sqrt(1 - o.beta_2**t) / (1 - o.beta_1**t)
    numbers = rate, 1 - o.beta_1, 1 - o.beta_2, o.epsilon, shrink
    return in_one_pass("update_adam", w, g, [mean, mean_square], *numbers)


@registered(Adagrad.rule.compiled)
def adagrad(o, w, g, rate, t, accumulator):
    if o.weight_decay:
        return NotImplemented
    return in_one_pass("update_adagrad", w, g, [accumulator], rate, o.epsilon)


def in_one_pass(name: str, w: Array, g: Array, slots: list[Array | None], *numbers: float) -> Any:
    """New values and slots by a function of the library. A slot that is None is not there."""
    if not usable(w, g, *slots):
        return NotImplemented
    old = [None if x is None else contiguous(x) for x in (w, g, *slots)]
    new = [None if x is None else np.empty(w.shape, FLOAT) for x in (w, *slots)]

    def work(part: slice) -> int:
        some = (None if x is None else x[part] for x in (*old, *new))
        return call_c(name, part.stop - part.start, *some, *map(float, numbers))

    if set(in_parts(w.size, work, PER_NUMBER * w.size)) != {ALL_FINITE}:
        return NotImplemented
    return [x for x in new if x is not None]


@registered(SGD.rule.compiled_in_place)
def sgd_in_place(o, table, g, rate, slots, left):
    return entries_in_place("update_sgd_entries", table, g, slots, left, rate)


@registered(RMSprop.rule.compiled_in_place)
def rmsprop_in_place(o, table, g, rate, slots, left):
    numbers = rate, o.rho, 1 - o.rho, o.epsilon
    return entries_in_place("update_rmsprop_entries", table, g, slots, left, *numbers)


@registered(Adagrad.rule.compiled_in_place)
def adagrad_in_place(o, table, g, rate, slots, left):  # nothing is lost: left is 1 everywhere
    return entries_in_place("update_adagrad_entries", table, g, slots, [], rate, o.epsilon)


def entries_in_place(
    name: str, table: Array, g: SparseGradient, slots: Any, left: Any, *numbers: float
) -> Any:
    """A function that takes the step by a function of the library; or NotImplemented."""
    if not usable(g.values, table, *slots):
        return NotImplemented
    if not all(x.flags.c_contiguous for x in (table, *slots)):
        return NotImplemented
    ids = g.ids.astype(np.int64)
    cut = [ids, contiguous(g.values), *map(contiguous, left)]

    def work(part: slice) -> None:
        some = [x[part] for x in cut]
        call_c(name, len(some[0]), table.shape[-1], *some, table, *slots, *map(float, numbers))

    # No id occurs twice, so the parts do not meet.
    return lambda: in_parts(len(ids), work, PER_NUMBER * g.values.size)
