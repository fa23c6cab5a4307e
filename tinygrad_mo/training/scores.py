"""The losses and metrics of a model, collected over batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..device import Array, to_numpy
from ..engine.graph import Tensor
from ..engine.plan import Tape

if TYPE_CHECKING:
    from .training import TrainableModel


class Scores:
    """Means over all samples that count: a loss does not count samples without a label."""

    def __init__(self, model: TrainableModel):
        self.model = model
        self.terms = list(model.compiled_terms().values())
        self.sums = np.zeros(len(self.terms))
        self.weighted = np.zeros(len(self.terms))
        self.gradient_shares: list[float] = []
        self.counts = np.zeros(len(self.terms))
        for chosen in model.metrics.values():
            for metric in chosen:
                metric.reset()

    def add(self, feed: Mapping[Tensor, Array], tape: Tape) -> None:
        """Count in one batch, which was fed and run."""
        model, plan = self.model, self.model.training_plan()
        weights = model.weight_list
        size = len(next(iter(feed.values())))
        for k, term in enumerate(self.terms):
            count = size if term.weights is None else int((~np.isnan(feed[term.weights])).sum())
            value = count * float(plan.value(tape, term.value))
            self.sums[k] += value
            self.weighted[k] += weights[k] * value
            self.counts[k] += count
        for name, chosen in model.metrics.items():
            if chosen:
                term = next(term for term in self.terms if term.output == name)
                labelled = to_numpy(~np.isnan(feed[term.weights]))
                y_true, y_pred = feed[term.target], plan.value(tape, model.outputs[name])
                for metric in chosen:
                    metric.update(to_numpy(y_true), to_numpy(y_pred), labelled)

    def compare_gradients(self, tape: Tape) -> None:
        """Measure how long the weighted gradient of each loss is, in a step that was run."""
        model, plan = self.model, self.model.training_plan()
        apart = plan.backward(tape, [1.0] * len(self.terms), per_loss=True)
        squares = np.zeros(len(self.terms))
        for w, rows in apart.items():
            for row, k in enumerate(plan.reaches(w)):
                squares[k] += float((rows[row].astype(float) ** 2).sum())
        self.gradient_shares = shares(np.abs(model.weight_list) * np.sqrt(squares))

    def logs(self, with_metrics: bool = True) -> dict[str, float]:
        """The numbers so far, by the names of `metrics_names`."""
        means = (self.sums / np.maximum(self.counts, 1)).tolist()
        values = [sum(self.parts())]
        values += means if max(len(means), len(self.model.outputs)) > 1 else []
        if with_metrics:
            values += [metric.result() for ms in self.model.metrics.values() for metric in ms]
        names = self.model.metrics_names
        return dict(zip(names if with_metrics else names[: len(values)], values, strict=True))

    def parts(self) -> list[float]:
        """The weighted mean of each loss; their sum is the total."""
        return (self.weighted / np.maximum(self.counts, 1)).tolist()

    def accounts(self) -> dict[str, float]:
        """Who makes up how much of the total, and of the gradient, by the names of a training."""
        parts = self.parts()
        values = [*parts, *shares(np.abs(parts)), *self.gradient_shares]
        return dict(zip(self.model.account_names, values, strict=False))

    def state(self) -> dict[str, Any]:
        """Everything that was counted, as plain values and arrays."""
        own = {"sums", "weighted", "counts", "gradient_shares"}
        counted: dict[str, Any] = {name: getattr(self, name) for name in own}
        counted["metrics"] = [
            {name: value for name, value in vars(metric).items() if name != "made_with"}
            for metrics in self.model.metrics.values()
            for metric in metrics
        ]
        return counted

    def set_state(self, counted: dict[str, Any]) -> None:
        """Go on counting from there."""
        metrics = [metric for chosen in self.model.metrics.values() for metric in chosen]
        for metric, values in zip(metrics, counted.pop("metrics"), strict=True):
            vars(metric).update(values)
        vars(self).update(counted)


def shares(values: np.ndarray) -> list[float]:
    total = values.sum()
    return (values / total if total > 0 else np.zeros(len(values))).tolist()
