"""The gradient of what ran at once: eager steps have left their tape already."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import arguments, ops
from ..device import Array, zeros
from ..ops import dense_gradient
from ..ops.contract import gathered
from .copying import pullbacks_again
from .graph import Step, Tensor, is_float
from .order import topological_order
from .plan import Plan, Tape, all_gradients, cotangent


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
        Each may be written into: it shares no memory with another one. None where there is no path
        from the losses.

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
    if len(seeds) != len(losses):
        raise ValueError(f"{len(seeds)} seeds for {len(losses)} losses")
    found = (apart if per_loss else together)(losses, targets, seeds)
    return found[0] if isinstance(wrt, Tensor) else found


def apart(losses: list[Tensor], targets: list[Tensor], seeds: Sequence[Any]) -> list[Any]:
    """By target a list: the gradient of each loss, None where it has no path."""
    plan = Plan(losses, targets)
    found = plan.backward(recorded_tape(plan), seeds, per_loss=True)
    every: list[Any] = []
    for tensor in targets:
        row_of = {}
        if found[tensor] is not None:
            row_of = dict(zip(plan.reaches(tensor), found[tensor], strict=True))
        every.append([own(row_of.get(k)) for k in range(len(losses))])
    return every


def own(gradient: Any) -> Any:
    """A gradient in memory that nothing else refers to."""
    return gradient.copy() if getattr(gradient, "ndim", 0) else gradient


def together(losses: list[Any], targets: list[Tensor], seeds: Sequence[Any]) -> list[Any]:
    """By target the gradient of the sum of all losses, each times its seed; None: no path.

    It is the sweep of `Plan` with one row for all losses, once: so nothing is planned for it.
    """
    wanted = {tensor.step or tensor for tensor in targets}
    # By what makes a tensor, its step or itself: the gradient of each output that has arrived.
    arrived = {maker: nothing_yet(maker) for maker in wanted}
    live: list[tuple[Step, list[Edge]]] = []  # the steps above something wanted
    for step in topological_order(losses):
        if step.back is None:
            step.back = pullbacks_again(step)
        if edges := edges_down(step, arrived):
            live.append((step, edges))
            arrived.setdefault(step, nothing_yet(step))
    for loss, seed in zip(losses, seeds, strict=True):
        start, maker = cotangent(loss, seed, loss.shape, loss.dtype), loss.step or loss
        if maker in arrived:
            send(arrived[maker], loss.index, start)
    try:
        for step, edges in reversed(live):
            rows, back = arrived[step], step.back
            if rows[0] is None and all(row is None for row in rows):
                continue
            every: Any = tuple(map(row_at, rows, step.outputs))
            cotangents = every if step.several else every[0]
            if step not in wanted:
                rows[:] = ()
            if callable(back):
                every = all_gradients(back, cotangents, step)
            for position, x, to in edges:
                gradient = every[position] if callable(back) else back[position](cotangents)
                send(to, x.index, gathered(gradient, 1, x.shape, x.dtype))
    except Exception as error:
        error.add_note(f"in the backward sweep, {step.describe()}")
        raise
    found = (arrived[tensor.step or tensor][tensor.index] for tensor in targets)
    return [None if row is None else own(dense_gradient(row)[0]) for row in found]


Edge = tuple[int, Any, list[Any]]  # which input of a step, and where its gradient goes


def nothing_yet(maker: Any) -> list[Any]:
    """Room for a gradient of each output of a step, or of a tensor that nothing has made."""
    return [None] * (len(maker.outputs) if isinstance(maker, Step) else 1)


def edges_down(step: Step, wanted: Mapping[Any, list[Any]]) -> list[Edge]:
    """Those on which a gradient passes towards something wanted."""
    back, edges = step.back, list[Edge]()
    for position, x in enumerate(step.inputs):
        if x is None or (to := wanted.get(x.step or x)) is None or x.dtype.kind != "f":
            continue
        if callable(back) or back[position] is not None:
            edges.append((position, x, to))
    return edges


def send(to: list[Any], index: int, gradient: Any) -> None:
    """Where ways meet, their gradients add up."""
    so_far = to[index]
    to[index] = gradient if so_far is None else so_far + gradient


def row_at(arrived: Any, output: tuple[tuple[int, ...], Any]) -> Array:
    """What has come to an output of a step as one row; zeros where nobody used it."""
    shape, dtype = output
    return zeros((1, *shape), dtype) if arrived is None else dense_gradient(arrived)


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
    return Tape([], outputs, [step.back for step in plan.steps], {})
