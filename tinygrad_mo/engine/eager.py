"""The gradient of what ran at once: eager steps have left their tape already."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import arguments, ops
from .copying import pullbacks_again
from .graph import Tensor, is_float
from .plan import Plan, Tape


def gradients(losses: Any, wrt: Any, seeds: Any = None, *, per_loss: bool = False) -> Any:
    """The gradient of eager `losses` with respect to tensors, in one sweep.

    Parameters
    ----------
    losses : Tensor or list of Tensor
        Computed from tensors that hold values. Several losses are added up, each times its seed.
    wrt : Tensor or list of Tensor
    seeds : optional
        One per loss: its weight, or an array of its shape if it is not a scalar. Default: 1.
    per_loss : bool
        True: keep the losses apart. Each gradient becomes a list with one entry per loss.

    Returns
    -------
    array, or list of arrays where `wrt` is a list
        None where there is no path from the losses.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> w, v = tg.Tensor(3.0), tg.Tensor(2.0)
    >>> main, aux = w * v, w * w
    >>> tg.gradients([main, aux], w, [1.0, 0.2])  # 1 * v + 0.2 * 2w
    np.float32(3.2)
    >>> tg.gradients([main, aux], v, per_loss=True)  # no path from aux to v
    [np.float32(3.0), None]
    """
    if isinstance(losses, Tensor):
        losses, seeds = [losses], None if seeds is None else [seeds]
    several = isinstance(losses, Iterable) and not isinstance(losses, np.ndarray | str)
    losses = list(losses) if several else [losses]
    for loss in losses:
        if not isinstance(loss, Tensor):
            raise TypeError(
                f"gradients are taken of tensors that ops have computed, not of "
                f"{arguments.shown(loss)}: give the loss itself, not its numpy()"
            )
    seeds = [1.0] * len(losses) if seeds is None else seeds
    targets = list(wrt) if isinstance(wrt, list | tuple) else [wrt]
    for tensor in targets:
        if not isinstance(tensor, Tensor):
            kind = type(tensor).__name__
            raise TypeError(f"gradients are taken with respect to tensors, not {kind}")
        if not is_float(tensor):
            raise TypeError(
                f"{tensor} holds whole numbers ({tensor.dtype}), which have no gradient: make it a "
                f"tensor of floats"
            )
        tell_of_history(tensor)
    plan = Plan(losses, targets)
    found = plan.backward(recorded_tape(plan), seeds, per_loss=per_loss)

    def tidy(tensor: Tensor) -> Any:
        gradient = found[tensor]
        if not per_loss:
            return None if gradient is None else gradient[0]
        apart: list[Any] = [None] * len(losses)
        if gradient is not None:
            for k, row in zip(plan.reaches(tensor), gradient, strict=True):
                apart[k] = row
        return apart

    return tidy(wrt) if isinstance(wrt, Tensor) else [tidy(t) for t in targets]


MANY = 10  # updates by hand, behind which it is said what they cost


def tell_of_history(tensor: Tensor) -> None:
    """Warn of a tensor that one line has updated again and again: it carries all that along."""
    if tensor.step is None:
        return
    site, before = tensor.step.site, tensor
    for _ in range(MANY):
        found = updated(before, site)
        if found is None:
            return
        before = found
    warnings.warn_explicit(
        f"{tensor} was updated {MANY} times in a row by this line and carries all that along, so "
        f"that each step takes longer: make it a Parameter and write w.assign(w - ...), or drop "
        f"the history with w = (w - ...).detach()",
        UserWarning,
        *site,
    )


def updated(x: Tensor, site: tuple[str, int]) -> Tensor | None:
    """What x was before this line has added numbers, or taken some, that nothing has made."""
    step: Any = x.step
    if step is None or step.site != site or step.op not in (ops.add, ops.subtract):
        return None
    before, by = step.inputs
    if step.op is ops.add and before.step is None:
        before, by = by, before
    return before if by.step is None else None


def recorded_tape(plan: Plan) -> Tape:
    """The tape of a plan whose steps all ran when they were written."""
    outputs: list[Any] = [None] * len(plan.reach)
    for slot, tensor in plan.leaves:
        outputs[slot] = (tensor.shape, tensor.dtype)
    for step, slots in zip(plan.steps, plan.outputs, strict=True):
        if step.back is None:
            step.back = pullbacks_again(step)
        outputs[slots.start : slots.stop] = step.outputs
    return Tape([None] * len(outputs), outputs, [step.back for step in plan.steps], {})
