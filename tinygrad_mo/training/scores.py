"""The losses and metrics of an objective, collected over batches."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from ..device import Array, to_numpy
from ..engine.graph import Tensor
from ..engine.plan import Plan, Tape
from .batches import Batches
from .objective import Objective


class Scores:
    """Means over everything that counts, whatever the batches: samples, or steps of a sequence.

    A loss does not count what has no label or is padding. What never counted has no mean: NaN.
    """

    def __init__(self, objective: Objective):
        self.objective = objective
        self.terms = list(objective.terms.values())
        self.metrics = {name: deepcopy(chosen) for name, chosen in objective.metrics.items()}
        for metric in self._every_metric():
            metric.reset()
        self.sums = np.zeros(len(self.terms))
        self.weighted = np.zeros(len(self.terms))
        self.counts = np.zeros(len(self.terms))
        self.gradient_shares: list[float] = []

    def _every_metric(self) -> list[Any]:
        return [metric for chosen in self.metrics.values() for metric in chosen]

    def add(self, feed: Mapping[Tensor, Array], plan: Plan, tape: Tape) -> None:
        """Count in one batch, which was fed and run."""
        weights = self.objective.weight_list
        size = len(next(iter(feed.values())))
        for k, term in enumerate(self.terms):
            count = size if term.count is None else float(plan.value(tape, term.count))
            if count:
                value = count * float(plan.value(tape, term.value))
                self.sums[k] += value
                self.weighted[k] += weights[k] * value if weights[k] else 0.0
                self.counts[k] += count
        for name, chosen in self.metrics.items():
            term, y_pred = self.objective.judged()[name], self.objective.outputs[name]
            counts = to_numpy(~np.isnan(feed[term.weights]))
            if term.mask is not None:
                counts = counts & broadcast_right(plan.value(tape, term.mask), counts)
            y_true, predicted = to_numpy(feed[term.target]), to_numpy(plan.value(tape, y_pred))
            for metric in chosen:
                metric.update(y_true, predicted, counts)

    def compare_gradients(self, plan: Plan, tape: Tape) -> None:
        """Measure how long the weighted gradient of each loss is, in a step that was run."""
        apart = plan.backward(tape, [1.0] * len(self.terms), per_loss=True)
        squares = np.zeros(len(self.terms))
        for w, rows in apart.items():
            for row, k in enumerate(plan.reaches(w)):
                squares[k] += float((rows[row].astype(float) ** 2).sum())
        self.gradient_shares = shares(np.abs(self.objective.weight_list) * np.sqrt(squares))

    def logs(self, with_metrics: bool = True) -> dict[str, float]:
        """The numbers so far, by the keys of the objective."""
        means = np.divide(
            self.sums, self.counts, out=np.full(len(self.terms), np.nan), where=self.counts > 0
        )
        values = [sum(self.parts()) if self.counts.any() else float("nan")]
        values += means.tolist() if self.objective.has_several else []
        if with_metrics:
            values += [metric.result() for metric in self._every_metric()]
        keys = self.objective.keys
        return dict(zip(keys if with_metrics else keys[: len(values)], values, strict=True))

    def parts(self) -> list[float]:
        """The weighted mean of each loss; their sum is the total."""
        return (self.weighted / np.where(self.counts > 0, self.counts, 1)).tolist()

    def accounts(self) -> dict[str, float]:
        """Who makes up how much of the total, and of the gradient, by the names of a training."""
        parts = self.parts()
        values = [*parts, *shares(np.abs(parts)), *self.gradient_shares]
        return dict(zip(self.objective.account_keys, values, strict=False))

    def state(self) -> dict[str, Any]:
        """Everything that was counted, as plain values and arrays."""
        own = ("sums", "weighted", "counts", "gradient_shares")
        counted: dict[str, Any] = {name: getattr(self, name) for name in own}
        counted["metrics"] = [
            {name: value for name, value in vars(metric).items() if name != "made_with"}
            for metric in self._every_metric()
        ]
        return counted

    def set_state(self, counted: dict[str, Any]) -> None:
        """Go on counting from there."""
        for metric, values in zip(self._every_metric(), counted.pop("metrics"), strict=True):
            vars(metric).update(values)
        vars(self).update(counted)


def score(objective: Objective, batches: Batches) -> dict[str, float]:
    """Losses and metrics on batches, by key, without training."""
    plan, scores = objective.plan(), Scores(objective)
    for feed, _ in batches.epoch():
        scores.add(feed, plan, plan.forward(feed, keep=False))
    return scores.logs()


def broadcast_right(mask: Array, like: np.ndarray) -> np.ndarray:
    """A mask (samples, steps) over the further axes of an array that begins with these."""
    mask = to_numpy(mask)
    return mask.reshape(mask.shape + (1,) * (like.ndim - mask.ndim))


def shares(values: np.ndarray) -> list[float]:
    total = values.sum()
    return (values / total if total > 0 else np.zeros(len(values))).tolist()
