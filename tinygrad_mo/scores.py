"""The losses and metrics of a model, collected over batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .backend import Array, to_numpy
from .engine import Tape
from .graph import Tensor

if TYPE_CHECKING:
    from .training import TrainableModel


class Scores:
    """Means over all samples that count: a loss does not count samples without a label."""

    def __init__(self, model: TrainableModel):
        self.model = model
        self.terms = list(model.compiled_terms().values())
        self.sums = np.zeros(len(self.terms))
        self.counts = np.zeros(len(self.terms))
        for chosen in model.metrics.values():
            for metric in chosen:
                metric.reset()

    def add(self, feed: Mapping[Tensor, Array], tape: Tape) -> None:
        """Count in one batch, which was fed and run."""
        model, plan = self.model, self.model.training_plan()
        size = len(next(iter(feed.values())))
        for k, term in enumerate(self.terms):
            count = size if term.weights is None else int((~np.isnan(feed[term.weights])).sum())
            self.sums[k] += count * float(plan.value(tape, term.value))
            self.counts[k] += count
        for name, chosen in model.metrics.items():
            if chosen:
                term = next(term for term in self.terms if term.output == name)
                labelled = to_numpy(~np.isnan(feed[term.weights]))
                y_true, y_pred = feed[term.target], plan.value(tape, model.outputs[name])
                for metric in chosen:
                    metric.update(to_numpy(y_true), to_numpy(y_pred), labelled)

    def logs(self, with_metrics: bool = True) -> dict[str, float]:
        """The numbers so far, by the names of `metrics_names`."""
        means = (self.sums / np.maximum(self.counts, 1)).tolist()
        weights = self.model.weight_list
        values = [sum(w * value for w, value in zip(weights, means, strict=True))]
        values += means if len(means) > 1 else []
        if with_metrics:
            values += [metric.result() for ms in self.model.metrics.values() for metric in ms]
        return dict(zip(self.model.metrics_names, values, strict=False))
