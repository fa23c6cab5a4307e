"""What a loss weight moves: one training step, made twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import optimizers


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
        Both steps start from a fresh one.
    before, after : dict
        Loss weights by name; what is left out is as compiled.

    Returns
    -------
    dict
        By layer, |step after| / |step before|; NaN where no step was made.
    """
    objective = model.objective
    feed, plan = objective.labelled_data(x, y), objective.plan()
    tape = plan.forward(feed)
    moves = []
    for weights in (before, after):
        mixed = {**model.loss_weights, **weights}
        gradients = plan.backward(tape, [mixed[name] for name in objective.terms])
        moves.append(steps(optimizer, gradients))
    ratios = {}
    for layer in model.layers:
        own = [w for w in layer.weights if w in moves[0]]
        if own:
            old, new = (np.sqrt(sum((move[w] ** 2).sum() for w in own)) for move in moves)
            ratios[layer.name] = float(new / old) if old else float("nan")
    return ratios


def steps(optimizer: Any, gradients: Mapping[Any, Any]) -> dict[Any, Any]:
    """How far a fresh optimizer moves each parameter; the parameters are put back."""
    values = {w: w.value for w in gradients}
    try:
        fresh = optimizer() if callable(optimizer) else optimizers.get(optimizer)
        fresh.apply({w: g[0] for w, g in gradients.items() if g is not None})
        return {w: w.value - value for w, value in values.items()}
    finally:
        for w, value in values.items():
            w.assign(value)
