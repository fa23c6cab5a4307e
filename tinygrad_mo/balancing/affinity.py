"""Which losses help one another? From the Gram matrix, and by looking ahead.

A step of plain gradient descent on loss i alone, with a small rate r, changes loss j to first order
by -r G_ij. Divided by l_j and by r, this is the affinity of i to j: above 0, i helps j. It costs
nothing where the gradient of each loss is at hand. Fifty et al. 2021 (TAG) take the step, on what
is shared, and look: 1 - l_j(after) / l_j(before), here divided by r, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import arguments
from ..device import to_numpy
from ..ops import dense_gradient


@dataclass(frozen=True, eq=False)
class Affinity:
    """How much a step on one loss helps another one, relative to its size and per learning rate.

    Attributes
    ----------
    losses : list of str
    first_order, look_ahead : ndarray, shape (K, K)
        Row i, column j: what a step on loss i does to loss j. NaN: l_j is 0, as where a batch has
        no labels for it.
    """

    losses: list[str]
    first_order: np.ndarray
    look_ahead: np.ndarray

    def __str__(self) -> str:
        width = max(9, *(len(name) + 2 for name in self.losses))
        lines = []
        for title, table in (("first order", self.first_order), ("look ahead", self.look_ahead)):
            lines.append(title.ljust(width + 4) + "".join(n.rjust(width) for n in self.losses))
            for name, row in zip(self.losses, table, strict=True):
                lines.append(f"  {name}".ljust(width + 4) + "".join(f"{v:{width}.3g}" for v in row))
        return "\n".join(lines)


def first_order(losses: Any, gram: Any) -> np.ndarray:
    """From the losses (K,) and the Gram matrix (K, K) of their gradients on what is shared.

    >>> first_order([2.0, 1.0], [[4.0, -1.0], [-1.0, 9.0]]).tolist()
    [[2.0, -1.0], [-0.5, 9.0]]
    """
    return np.asarray(gram, float) / sizes(losses)


def sizes(losses: Any) -> np.ndarray:
    """What a change is divided by, to be relative; a loss of 0 has no size."""
    losses = np.asarray(losses, float)
    return np.where(losses == 0, np.nan, losses)


def affinity(model: Any, x: Any, y: Any = None, rate: float = 1e-4) -> Affinity:
    """Measure both on a batch; the model is as before.

    Parameters
    ----------
    model : Model
        Compiled.
    x, y
        A batch, as for `Model.gradient_flow`.
    rate : float
        Of the step that is taken and taken back. Default: 0.0001. Losses in float32 are known to
        about 1e-7 of their size, and a look ahead to 1e-7 / rate, here 0.001.
    """
    rate = arguments.number("affinity: rate", rate, above=0)
    return affinity_on(model.objective, model.objective.labelled_data(x, y), rate)


def affinity_on(objective: Any, feed: Any, rate: float) -> Affinity:
    """The same on a batch as `Plan.forward` is fed."""
    plan, randomness = objective.plan(), objective.randomness
    chosen, before = objective.tasks, randomness.states
    values = [plan.losses[k] for k in chosen]
    try:
        tape = plan.forward(feed, training=True)
        rows = plan.backward(tape, [1.0] * len(plan.losses), per_loss=True)
        shared = [w for w in plan.wrt if sum(k in chosen for k in plan.reaches(w)) > 1]
        start = np.array(list(map(float, plan.numbers(tape, values))))
        gram, ahead = np.zeros((len(chosen),) * 2), np.zeros((len(chosen),) * 2)
        each = {w: {k: n for n, k in enumerate(plan.reaches(w))} for w in shared}
        for w in shared:
            flat = to_numpy(dense_gradient(rows[w])).reshape(len(each[w]), -1).astype(float)
            own = [n for n, k in enumerate(chosen) if k in each[w]]
            part = flat[[each[w][chosen[n]] for n in own]]
            gram[np.ix_(own, own)] += part @ part.T
        for n, k in enumerate(chosen):
            kept = {w: w.value for w in shared}
            try:
                for w in shared:
                    if k in each[w]:
                        w.assign(w.value - rate * rows[w][each[w][k]])
                randomness.states = before
                moved = plan.forward(feed, training=True, keep=False)
                after = np.array(list(map(float, plan.numbers(moved, values))))
            finally:
                for w, value in kept.items():
                    w.assign(value)
            ahead[n] = (1 - after / sizes(start)) / rate
    finally:
        randomness.states = before
    names = [list(objective.terms)[k] for k in chosen]
    return Affinity(names, first_order(start, gram), ahead)
