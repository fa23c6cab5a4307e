"""What a loss weight moves in one training step, which is made twice."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot
from typing import Any

from .. import arguments, optimizers
from ..device import to_numpy
from ..naming import did_you_mean
from .measures import lengths


def update_ratios(
    model: Any,
    x: Any,
    y: Any,
    optimizer: Any,
    before: Mapping[str, float],
    after: Mapping[str, float],
) -> dict[str, float]:
    """How much larger each layer's first step gets when loss weights change.

    Parameters
    ----------
    model : Model
        Compiled. Its weights and optimizer stay as they are. Make it with float64 weights to see
        exact ratios: the step is a small difference of large numbers.
    x, y
        A batch, as for `fit`.
    optimizer : str, type of Optimizer, or function that makes one
        Both steps start from a fresh one, which an optimizer that is made already cannot be.
    before, after : dict
        Loss weights by name; what is left out is as compiled.

    Returns
    -------
    dict
        By layer, |step after| / |step before|; NaN where no step was made.
    """
    if isinstance(optimizer, optimizers.Optimizer):
        raise not_fresh(optimizer)
    mixtures = [mixture(model, "before", before), mixture(model, "after", after)]
    objective = model.objective
    feed, plan = objective.labelled_data(x, y), objective.plan()
    tape = plan.forward(feed)
    moves = []
    for mixed in mixtures:
        gradients = plan.backward(tape, mixed)
        moves.append(steps(optimizer, gradients))
    ratios = {}
    for layer in model.layers:
        own = [w for w in layer.weights if w in moves[0]]
        if own:
            old, new = (hypot(*(float(lengths(to_numpy(move[w]))) for w in own)) for move in moves)
            ratios[layer.name] = new / old if old else float("nan")
    return ratios


def mixture(model: Any, what: str, changes: Any) -> list[float]:
    """The compiled loss weights, with some of them changed."""
    changes = arguments.by_name(f"update_ratios: {what}", changes, arguments.number)
    for name in changes:
        if name not in model.loss_weights:
            known = did_you_mean(name, model.loss_weights)
            raise ValueError(f"update_ratios: {what}: there is no loss {name!r}; {known}")
    mixed = {**model.loss_weights, **changes}
    return [mixed[name] for name in model.objective.terms]


def steps(optimizer: Any, gradients: Mapping[Any, Any]) -> dict[Any, Any]:
    """How far a fresh optimizer moves each parameter; the parameters are put back."""
    values = {w: w.value for w in gradients}
    try:
        fresh = optimizers.get(optimizer() if callable(optimizer) else optimizer)
        if fresh.step:
            raise not_fresh(fresh)
        fresh.apply({w: g[0] for w, g in gradients.items() if g is not None})
        return {w: w.value - value for w, value in values.items()}
    finally:
        for w, value in values.items():
            w.assign(value)


def not_fresh(optimizer: Any) -> TypeError:
    """The second step would start from what the optimizer has kept of the first."""
    name = type(optimizer).__name__
    return TypeError(
        f"update_ratios: both steps start from a fresh optimizer, but this {name} keeps what it "
        f"has seen: give its name, its class, or a function that makes one: lambda: {name}(0.01)"
    )
