"""Steps of optimizers, by `kernels/cpu/updates.c`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np

from .. import device
from ..device import Array
from ..pool import in_parts
from .registry import call, plain, usable

PER_NUMBER = 20  # the time of so many multiplications
UPDATES: dict[str, Callable[..., Any]] = {}  # by the qualified name of the rule


def update(
    optimizer: Any, w: Array, g: Array, step: int, slots: Sequence[Array], new: Array
) -> bool:
    """Make the step of a parameter in one pass, if there is a kernel for the optimizer's rule.

    As `Optimizer.rule`, but for a whole parameter: the slots are updated in place, and the new
    values of w are written into `new`. False: nothing was done.
    """
    rule = type(optimizer).rule  # a subclass with a rule of its own is not found below
    fast = UPDATES.get(f"{rule.__module__}.{rule.__qualname__}")
    if fast is None or not device.kernels_wanted() or not usable(w, g, *slots, new):
        return False
    if not all(x.flags.c_contiguous and x.size == w.size == g.size for x in (*slots, new)):
        return False
    arrays = [a.reshape(-1) for a in (plain(w), plain(g), *slots, new)]

    def work(part: slice) -> None:
        fast(optimizer, step, part.stop - part.start, *(a[part] for a in arrays))

    in_parts(w.size, work, PER_NUMBER * w.size)
    return True


def update_of(rule: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(fast: Callable[..., Any]) -> Callable[..., Any]:
        UPDATES[f"tinygrad_mo.optimizers.rules.{rule}.rule"] = fast
        return fast

    return register


@update_of("SGD")
def sgd(o, step, n, w, g, *slots):
    velocity, new = slots if o.momentum else (None, *slots)
    rate, momentum = float(o.learning_rate), float(o.momentum)
    call("update_sgd", n, w, g, velocity, new, rate, momentum, int(o.nesterov))


@update_of("RMSprop")
def rmsprop(o, step, n, w, g, mean_square, *slots):
    velocity, new = slots if o.momentum else (None, *slots)
    numbers = o.learning_rate, o.rho, 1 - o.rho, o.momentum, o.epsilon
    call("update_rmsprop", n, w, g, mean_square, velocity, new, *map(float, numbers))


@update_of("Adam")
def adam(o, step, n, w, g, mean, mean_square, new):
    rate = o.learning_rate * sqrt(1 - o.beta_2**step) / (1 - o.beta_1**step)
    shrink = 1 - o.learning_rate * o.weight_decay
    numbers = rate, 1 - o.beta_1, 1 - o.beta_2, o.epsilon, shrink
    call("update_adam", n, w, g, mean, mean_square, new, *map(float, numbers))


@update_of("Adagrad")
def adagrad(o, step, n, w, g, accumulator, new):
    call("update_adagrad", n, w, g, accumulator, new, float(o.learning_rate), float(o.epsilon))


def update_entries(
    optimizer: Any, table: Array, ids: Array, g: Array, slots: Sequence[Array], faded: Any
) -> bool:
    """Make the step of those entries of a table that a batch has read, in place.

    `faded` says, by slot, to which share it has shrunk since each entry was read. False: there is
    no kernel for it, nothing was done.
    """
    rule = type(optimizer).rule
    known = f"{rule.__module__}.{rule.__qualname__}" == "tinygrad_mo.optimizers.rules.RMSprop.rule"
    if not known or not device.kernels_wanted() or not usable(g, table, *slots):
        return False
    (mean_square,), (share,) = slots, faded
    if not (table.flags.c_contiguous and mean_square.flags.c_contiguous):
        return False
    places, share, g = ids.astype(np.int64), plain(share), plain(g)
    numbers = [float(x) for x in (optimizer.learning_rate, optimizer.rho, 1 - optimizer.rho)]

    def work(part: slice) -> None:
        some = places[part], share[part], g[part]
        shape = len(some[0]), table.shape[-1]
        tail = table, mean_square, *numbers, float(optimizer.epsilon)
        call("update_rmsprop_entries", *shape, *some, *tail)

    in_parts(len(places), work, PER_NUMBER * g.size)  # no id occurs twice, so parts do not meet
    return True
