"""One training step: forward, one sweep backward, and a step of the optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from ..device import Array, array_module
from ..engine.graph import Parameter, Tensor
from ..engine.plan import Plan, Tape
from ..optimizers import Optimizer
from ..optimizers.finite import is_finite
from .balanced import gradients_of_step, swept
from .captured import captured_on_a_gpu
from .not_finite import first_not_finite
from .objective import Objective

Feed = Mapping[Tensor, Array]


@captured_on_a_gpu
def training_step(objective: Objective, optimizer: Optimizer, number: int, feed: Feed) -> Tape:
    """Make step `number` on a batch, or, if something is not finite, none.

    Returns
    -------
    Tape
        What the batch has shown before the step.

    Raises
    ------
    FloatingPointError
        If a loss or a gradient is NaN or infinite; it says where this began.
    """
    plan, randomness = objective.plan(), objective.randomness
    may_be_idle = objective.balancer is not None or not all(objective.weights.values())
    before = randomness.states if may_be_idle else None
    tape = plan.forward(feed, training=True)
    asked = plan.numbers(tape, plan.losses)
    gradients = gradients_of_step(objective, plan, tape, number, asked)
    weights = objective.weight_list
    lost = objective.averages.not_finite(plan, tape)

    def check() -> None:
        """What a GPU is asked for has been noted: it answers all at once, here."""
        refuse_infinite(objective, asked, gradients)
        refuse_lost(objective, plan, lost)

    try:
        if gradients:
            optimizer.apply(gradients, check)
        else:  # all is frozen
            check()
    except FloatingPointError as error:
        if before is None or all(weights):
            raise explained(error, objective, plan, feed) from None
        after, randomness.states = randomness.states, before
        try:
            if gradients:
                optimizer.apply(without_idle(objective, plan, feed))
        except FloatingPointError as again:
            raise explained(again, objective, plan, feed) from None
        finally:
            randomness.states = after
    objective.averages.follow(plan, tape, lost)
    return tape


def without_idle(objective: Objective, plan: Plan, feed: Feed) -> dict[Parameter, Any]:
    """The gradient without the losses of weight 0: 0 times infinity would be NaN.

    What only they reach gets a gradient of 0.
    """
    active = [term for term in objective.terms.values() if objective.weights[term.name]]
    apart = objective.plan_for(active, kind=Plan)
    weights = [objective.weights[term.name] for term in active]
    with np.errstate(all="ignore"):  # what is not asked for may overflow
        tape = apart.forward(feed, training=True)
    found = swept(apart, tape, weights)
    reached = (w for w in plan.wrt if plan.reaches(w))
    return {w: found[w] if w in found else zeros_like(w) for w in reached}


def zeros_like(w: Parameter) -> Array:
    return array_module(w.value).zeros_like(w.value)


def refuse_infinite(
    objective: Objective, losses: Sequence[Any], gradients: Mapping[Parameter, Any]
) -> None:
    """A loss that is too large for its type may have a gradient that is not."""
    if all(map(isfinite, losses)):
        return
    for name, value in zip(objective.terms, losses, strict=True):
        counts = objective.weights[name] and not isfinite(value)
        if counts and all(map(is_finite, gradients.values())):
            raise FloatingPointError(
                f"the loss {name!r} is {float(value)}, so no step was made: look for labels or "
                f"outputs that are too large (scale them), or a learning rate that is too high"
            )


def refuse_lost(objective: Objective, plan: Plan, lost: Sequence[tuple[Parameter, Any]]) -> None:
    """A moving average that took infinity or NaN would never be rid of it."""
    for average, is_lost in lost:
        reach = objective.averages.reach(plan, average) if is_lost else ()
        if any(weight for k, weight in enumerate(objective.weight_list) if k in reach):
            name = objective.contents.names[average]
            raise FloatingPointError(
                f"the statistic of this batch that {name!r} follows is not finite, so no step was "
                f"made: look for inputs that are too large (scale them)"
            )


def explained(
    error: FloatingPointError, objective: Objective, plan: Plan, feed: Feed
) -> FloatingPointError:
    """The error, and where the first NaN or infinity appeared."""
    where = first_not_finite(plan, feed, objective.weight_list, objective.contents.names)
    return FloatingPointError(f"{error}\n{where}" if where else str(error))
