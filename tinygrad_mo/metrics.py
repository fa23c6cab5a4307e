"""Metrics: what is reported beside the losses, exact over all batches of an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .naming import lookup, snake_case
from .recipes import Recipe


class Metric(Recipe):
    """A number collected over batches: `reset`, `update` per batch, `result`.

    Parameters
    ----------
    name : str, optional
        Default: the class's name in snake_case.

    Attributes
    ----------
    higher_is_better : bool or None
        For callbacks that watch it. None: nobody can know.
    """

    higher_is_better: bool | None = None

    def __init__(self, name: str | None = None):
        self.name = name or snake_case(type(self).__name__)
        self.reset()

    def reset(self) -> None:
        raise NotImplementedError

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        raise NotImplementedError

    def result(self) -> float:
        raise NotImplementedError


class MeanMetric(Metric):
    """The weighted mean of a score per sample, which a subclass computes in `scores`."""

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def reset(self) -> None:
        self.total = self.count = 0.0

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        scores = self.scores(y_true, y_pred)
        weights = np.ones(scores.shape)
        if sample_weight is not None:
            weights *= np.reshape(sample_weight, (-1,) + (1,) * (scores.ndim - 1))
        self.total += float((weights * scores).sum())
        self.count += float(weights.sum())

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0


class BinaryAccuracy(MeanMetric):
    """The share of labels 0 or 1 on whose side of `threshold` the prediction lies."""

    higher_is_better = True

    def __init__(self, threshold: float = 0.5, name: str | None = None):
        super().__init__(name)
        self.threshold = threshold

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return ((y_pred > self.threshold) == y_true).mean(axis=-1)


class CategoricalAccuracy(MeanMetric):
    """The share of samples whose largest prediction is the right class (one-hot labels)."""

    higher_is_better = True

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return y_true.argmax(axis=-1) == y_pred.argmax(axis=-1)


class SparseCategoricalAccuracy(MeanMetric):
    """The share of samples whose largest prediction is the right class (labels are indices)."""

    higher_is_better = True

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return y_true.reshape(y_pred.shape[:-1]) == y_pred.argmax(axis=-1)


class MeanSquaredError(MeanMetric):
    """The mean of (y - p)**2."""

    higher_is_better = False

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.square(y_pred - y_true).mean(axis=-1)


class RootMeanSquaredError(MeanSquaredError):
    """The square root of the mean of (y - p)**2."""

    def result(self) -> float:
        return float(np.sqrt(super().result()))


class MeanAbsoluteError(MeanMetric):
    """The mean of |y - p|."""

    higher_is_better = False

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.abs(y_pred - y_true).mean(axis=-1)


class AUC(Metric):
    """Area under the ROC curve: how often a positive sample is ranked above a negative one.

    Computed exactly from the ranks of all predictions (ties count one half), so it differs in the
    third digit from implementations that cut the range of predictions into 200 thresholds.

    Examples
    --------
    >>> auc = AUC()
    >>> auc.update(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    >>> auc.result()
    0.75
    """

    higher_is_better = True

    def reset(self) -> None:
        self.batches: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        weights = np.ones(len(y_pred)) if sample_weight is None else np.asarray(sample_weight)
        weights = np.broadcast_to(weights.reshape((-1,) + (1,) * (y_pred.ndim - 1)), y_pred.shape)
        self.batches.append((y_true.ravel() > 0.5, y_pred.ravel().copy(), weights.ravel()))

    def result(self) -> float:
        if not self.batches:
            return 0.0
        positive, score, weight = map(np.concatenate, zip(*self.batches, strict=True))
        _, tie = np.unique(score, return_inverse=True)
        above = np.bincount(tie, weight * positive)
        below = np.bincount(tie, weight * ~positive)
        pairs = above.sum() * below.sum()
        won = (above * (below.cumsum() - below / 2)).sum()
        return float(won / pairs) if pairs else 0.0


class Precision(Metric):
    """Of the predictions above 1/2, the share that is right."""

    higher_is_better = True

    def reset(self) -> None:
        self.hits = self.claims = self.positives = 0.0

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        weight = np.ones(len(y_pred)) if sample_weight is None else np.asarray(sample_weight)
        weight = weight.reshape((-1,) + (1,) * (y_pred.ndim - 1))
        claimed, positive = y_pred > 0.5, y_true > 0.5
        self.hits += float((weight * (claimed & positive)).sum())
        self.claims += float((weight * claimed).sum())
        self.positives += float((weight * positive).sum())

    def result(self) -> float:
        return self.hits / self.claims if self.claims else 0.0


class Recall(Precision):
    """Of the positive labels, the share that was predicted above 1/2."""

    def result(self) -> float:
        return self.hits / self.positives if self.positives else 0.0


METRICS: dict[str, type[Metric]] = {
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    "mse": MeanSquaredError,
    "mean_squared_error": MeanSquaredError,
    "rmse": RootMeanSquaredError,
    "root_mean_squared_error": RootMeanSquaredError,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
    "auc": AUC,
    "AUC": AUC,
    "precision": Precision,
    "recall": Recall,
}
ACCURACIES = ("accuracy", "acc")


def get(metric: Any, labels: tuple[int | None, ...], predictions: tuple[int | None, ...]) -> Metric:
    """A metric by name, or as it is. "accuracy" is read from the shapes of one output's data."""
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if not isinstance(metric, str):
        given = getattr(metric, "__name__", type(metric).__name__)
        raise TypeError(
            f"a metric is a name, a Metric or its class, not {given}: derive a class from "
            f"metrics.MeanMetric, with scores(y_true, y_pred)"
        )
    if metric not in ACCURACIES:
        return lookup("metric", metric, {**METRICS, **dict.fromkeys(ACCURACIES)})(name=metric)
    if len(labels) < len(predictions):
        return SparseCategoricalAccuracy(name=metric)
    return (BinaryAccuracy if predictions[-1] == 1 else CategoricalAccuracy)(name=metric)
