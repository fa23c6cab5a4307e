"""The losses and metrics of an objective, collected over batches."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from math import nan
from typing import Any

import numpy as np

from ..device import Array, to_numpy_together
from ..engine.calls import call_site
from ..engine.graph import Tensor
from ..engine.plan import Plan, Tape
from ..metrics import Metric
from ..questions import ask, on_gpu, told
from .batches import Batches
from .objective import Objective
from .terms import broadcast_right

MOST_UNJUDGED = 1 << 8  # batches that a GPU keeps for the metrics


class Scores:
    """Means over everything that counts, whatever the batches: samples, or steps of a sequence.

    A loss does not count what has no label or is padding. What never counted has no mean: NaN. A
    loss that is a sum is the sum over all that counts: what one batch of everything would give.
    """

    def __init__(self, objective: Objective):
        self.objective = objective
        self.terms = list(objective.terms.values())
        judged = objective.judged()
        self.metrics = [
            (judged[name], objective.outputs[name], [metric.fresh() for metric in chosen])
            for name, chosen in objective.metrics.items()
        ]
        self.asked = [x for t in self.terms for x in (t.value, t.count) if x is not None]
        self._unread: list[Any] = []  # batches whose losses a GPU may still have
        self._unjudged: list[Any] = []  # and those that the metrics have not seen
        self.sums, self.weighted, self.counts = ([0.0] * len(self.terms) for _ in range(3))
        self.gradient_shares: list[float] = []
        self.factors, self.steps = [0.0] * len(self.terms), [0] * len(self.terms)  # of the weights

    def _every_metric(self) -> list[Any]:
        return [metric for _, _, chosen in self.metrics for metric in chosen]

    def add(self, feed: Mapping[Tensor, Array], plan: Plan, tape: Tape) -> None:
        """Count in one batch, which was fed and run; of a GPU, when somebody wants to know."""
        first = next(iter(feed.values()))
        asked = dict(zip(self.asked, plan.numbers(tape, self.asked), strict=True))
        pairs = [(asked[term.value], asked.get(term.count, len(first))) for term in self.terms]
        self._unread.append((self.objective.weight_list, pairs))
        judged = [
            (
                feed[term.target],
                plan.value(tape, output),
                feed[term.weights],
                None if term.mask is None else plan.value(tape, term.mask),
            )
            for term, output, _ in self.metrics
        ]
        self._unjudged += [judged] * bool(judged)
        if not on_gpu(first) or len(self._unjudged) == MOST_UNJUDGED:
            self._judge()

    def _read(self) -> None:
        """Count in the losses of batches that nobody has read."""
        unread, self._unread = self._unread, []
        for weights, pairs in unread:
            for k, (weight, (loss, count)) in enumerate(zip(weights, pairs, strict=True)):
                if count := float(count):
                    value = float(loss) if self.terms[k].is_sum else count * float(loss)
                    self.sums[k] += value
                    self.weighted[k] += weight * value if weight else 0.0
                    self.counts[k] += count
                    self.factors[k] += weight
                    self.steps[k] += 1

    def _judge(self) -> None:
        """Let the metrics count in the batches that they have not seen."""
        unjudged, self._unjudged = self._unjudged, []
        fetched = iter(to_numpy_together([x for judged in unjudged for one in judged for x in one]))
        for judged in unjudged:
            for (_, _, chosen), _ in zip(self.metrics, judged, strict=True):
                y_true, y_pred, weights, mask = (next(fetched) for _ in range(4))
                counts = ~np.isnan(weights)
                if mask is not None:
                    counts = counts & broadcast_right(mask, counts)
                for metric in chosen:
                    metric.update(y_true, y_pred, counts)

    def compare_gradients(self, plan: Plan, tape: Tape) -> None:
        """Measure how long the weighted gradient of each loss is, in a step that was run."""
        apart = plan.backward(tape, [1.0] * len(self.terms), per_loss=True)
        asked = [
            (k, ask((rows[row].astype(float) ** 2).sum()))
            for w, rows in apart.items()
            for row, k in enumerate(plan.reaches(w))
        ]
        squares = np.zeros(len(self.terms))
        for k, square in asked:
            squares[k] += float(square)
        weights = np.abs(self.objective.weight_list)
        lengths = np.where(weights > 0, np.sqrt(squares), 0)  # 0 x infinity pulls nowhere
        self.gradient_shares = shares(weights * lengths)

    def logs(self, with_metrics: bool = True) -> dict[str, float]:
        """The numbers so far, by the keys of the objective."""
        self._read()
        values = [sum(self.parts()) if any(self.counts) else nan]
        if self.objective.has_several:
            values += self._over_all(self.sums, nan)
        if with_metrics:
            self._judge()
            values += [metric.result() for metric in self._every_metric()]
        keys = self.objective.keys
        return dict(zip(keys if with_metrics else keys[: len(values)], values, strict=True))

    def warn_of_silence(self) -> None:
        """Say of which outputs nothing was judged, so that their numbers are NaN."""
        self._read()
        each = zip(self.terms, self.counts, strict=True)
        silent = dict.fromkeys(t.output for t, n in each if t.output and not n)
        if silent:
            names = ", ".join(map(repr, silent))
            warnings.warn_explicit(
                f"no label of output {names} counts (all are missing, NaN, padding or of weight "
                f"0): its loss is NaN, and it trains nothing",
                UserWarning,
                *call_site(),
            )

    def parts(self) -> list[float]:
        """The weighted mean (or sum) of each loss; together they are the total."""
        self._read()
        return self._over_all(self.weighted, 0.0)

    def _over_all(self, sums: list[float], nothing: float) -> list[float]:
        """By loss, the mean or sum over all batches; `nothing`, where none has counted."""
        each = zip(self.terms, sums, self.counts, strict=True)
        return [nothing if n <= 0 else s if t.is_sum else s / n for t, s, n in each]

    def accounts(self) -> dict[str, float]:
        """Who makes up how much of the total, and of the gradient, by the names of a training."""
        parts = self.parts()
        values = [*parts, *shares(np.abs(parts)), *self.mean_weights(), *self.gradient_shares]
        return dict(zip(self.objective.account_keys, values, strict=False))

    def mean_weights(self) -> list[float]:
        """Of each loss, over the steps in which it counts, if something sets them in each step."""
        self._read()
        if self.objective.balancer is None or not any(self.steps):
            return []
        return [f / n if n else nan for f, n in zip(self.factors, self.steps, strict=True)]

    def shown_weights(self) -> dict[str, float]:
        """The same by a key for the table of an epoch, of losses that have an output's name."""
        each = zip(self.terms, self.mean_weights(), strict=False)
        return {f"{t.name}_weight": weight for t, weight in each if t.name == t.output}

    def state(self) -> dict[str, Any]:
        """Everything that was counted, as plain values and arrays."""
        self._read()
        own = ("sums", "weighted", "counts", "gradient_shares", "factors", "steps")
        counted: dict[str, Any] = {name: getattr(self, name) for name in own}
        counted["metrics"] = [state for _, state in self.states_of_metrics()]
        return counted

    def states_of_metrics(self) -> list[tuple[str, dict[str, Any]]]:
        """What each metric has counted, behind its name: all but what it was made with."""
        self._judge()
        return [(one.name, counted_by(one)) for one in self._every_metric()]

    def set_state(self, counted: dict[str, Any]) -> None:
        """Go on counting from there."""
        for metric, values in zip(self._every_metric(), counted.pop("metrics"), strict=True):
            vars(metric).update(values)
        vars(self).update(counted)


def counted_by(metric: Metric) -> dict[str, Any]:
    """The attributes of a metric, without the functions and losses that it asks."""
    own = vars(metric).items()
    return {name: x for name, x in own if name != "made_with" and not callable(x)}


def score(objective: Objective, batches: Batches, warn: bool = True) -> dict[str, float]:
    """Losses and metrics on batches, by key, without training.

    `warn`: say it if an output has no labels at all.
    """
    plan, scores = objective.plan(), Scores(objective)

    def add(feed: Mapping[Tensor, Array]) -> None:
        scores.add(feed, plan, plan.forward(feed, keep=False))

    for feed, where in batches.epoch():
        told(partial(batches.words, where), add, feed)
    if warn:
        scores.warn_of_silence()
    return scores.logs()


def shares(values: np.ndarray) -> list[float]:
    total = values.sum()
    return (values / total if total > 0 else np.zeros(len(values))).tolist()
