"""Metrics: what is reported beside the losses, exact over all batches of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from . import arguments
from .losses import BinaryCrossentropy
from .naming import lookup, snake_case
from .ops.losses import weighs
from .other_names import says
from .recipes import Recipe

__all__ = [
    "AUC",
    "METRICS",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "MeanAbsoluteError",
    "MeanMetric",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "get",
]
__getattr__ = says(__name__, "metrics")


class Metric(Recipe):
    """A number collected over batches: `reset`, `update` per batch, `result`.

    It is NaN until something has been counted.

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
        who = type(self).__name__
        self.name = snake_case(who) if name is None else arguments.name(f"{who}: name", name)
        self.reset()

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def reset(self) -> None:
        """Forget what was counted."""
        raise self._lacks()

    def _lacks(self) -> NotImplementedError:
        return NotImplementedError(
            f"{type(self).__name__} lacks a method of metrics: write reset(), update(y_true, "
            f"y_pred, sample_weight) and result() (Keras calls the first two reset_state and "
            f"update_state), or derive from MeanMetric, and write scores(y_true, y_pred) alone"
        )

    def fresh(self) -> Metric:
        """One like it that has counted nothing and counts for itself."""
        new = object.__new__(type(self))
        for name, value in vars(self).items():
            vars(new)[name] = value if name == "made_with" else deepcopy(value)
        new.reset()
        return new

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        """Count in a batch.

        Parameters
        ----------
        y_true, y_pred : ndarray
            Labels and predictions, of one shape; labels that are indices lack the last axis.
        sample_weight : array_like, optional
            How much each sample counts (0 or False: not at all), shape (samples,), or, where steps
            of a sequence are judged, (samples, steps).
        """
        raise self._lacks()

    def check_shapes(self, y_true: np.ndarray, y_pred: np.ndarray) -> None:
        """Refuse data that it cannot judge for their shapes; the numbers mean nothing."""

    def result(self) -> float:
        """The number for everything counted so far."""
        raise self._lacks()

    def for_logits(self) -> None:
        """Predictions are logits: a threshold that nobody has chosen is 0 then, instead of 1/2."""


class MeanMetric(Metric):
    """The weighted mean of a score per sample, which a subclass computes in `scores`."""

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """One number per sample, shape (samples,), or per step, (samples, steps)."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how good a prediction is: write scores()"
        )

    def reset(self) -> None:
        self.total = self.count = 0.0

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        y_true, y_pred = self.matched(np.asarray(y_true), np.asarray(y_pred))
        scores = checked_scores(self, self.scores(y_true, y_pred), y_pred.shape)
        weights = weights_like(self, sample_weight, scores)
        counts = weights != 0  # what does not count may be infinite or NaN
        self.total += float((weights[counts] * scores[counts]).sum())
        self.count += float(weights.sum())

    def matched(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Labels and predictions in one shape, or an error."""
        return same_shape(self, y_true, y_pred)

    def check_shapes(self, y_true: np.ndarray, y_pred: np.ndarray) -> None:
        y_true, y_pred = self.matched(y_true, y_pred)
        try:
            with np.errstate(all="ignore"):
                scores = self.fresh().scores(y_true, y_pred)  # type: ignore[attr-defined]
        except Exception:  # it may be particular about numbers
            return
        checked_scores(self, scores, y_pred.shape)

    def result(self) -> float:
        return self.total / self.count if self.count else float("nan")


def same_shape(
    metric: Metric, y_true: np.ndarray, y_pred: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Labels in the shape of the predictions, where only a last axis of length 1 differs.

    One number per sample, shape (samples,), is a column.
    """
    if y_pred.ndim == 1:
        y_pred = y_pred[:, None]
    for shape in ((*y_true.shape, 1), y_true.shape[:-1] if y_true.shape[-1:] == (1,) else None):
        if shape == y_pred.shape:
            y_true = y_true.reshape(shape)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{metric.name}: labels of shape {y_true.shape} for predictions of shape {y_pred.shape}"
        )
    return y_true, y_pred


def checked_scores(metric: Metric, scores: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Scores as an array, if there is one number for each sample, or each step, or each place."""
    found = np.asarray(scores)
    if found.ndim < 1 or found.shape != shape[: found.ndim] or found.dtype.kind not in "fiub":
        form = f"an array of shape {found.shape}, {found.dtype}"
        raise ValueError(
            f"{metric.name}: scores must be one number per sample, not "
            f"{form if found.ndim else arguments.shown(scores)} for predictions of shape {shape}: "
            f"take the mean over the last axis only, .mean(axis=-1)"
        )
    return found


def weights_like(metric: Metric, given: Any, scores: np.ndarray) -> np.ndarray:
    """How much each score counts, from one weight per sample, or per step."""
    weights = np.ones(()) if given is None else np.asarray(given, float)
    if weights.shape == scores.shape:
        return weights
    more_axes = weights.ndim > scores.ndim
    suits = weights.shape[: scores.ndim] == scores.shape
    if not (suits if more_axes else weighs(weights.shape, scores.shape)):
        raise ValueError(
            f"{metric.name}: sample_weight has shape {weights.shape} for {len(scores)} samples, "
            f"with scores of shape {scores.shape}: give one number for each sample"
        )
    if more_axes:  # a score for a whole sequence, which cannot leave out some of its steps
        weights = weights.reshape(*scores.shape, -1)
        if ((weights != 0).any(axis=-1) & (weights == 0).any(axis=-1)).any():
            raise ValueError(
                f"{metric.name}: one score for a whole sequence cannot leave out the steps that "
                f"are padding, or have no label: give a score for each step"
            )
        weights = weights.max(axis=-1)
    weights = weights.reshape(weights.shape + (1,) * (scores.ndim - weights.ndim))
    return np.broadcast_to(weights, scores.shape)


class Threshold(Metric):
    """The common part of metrics that say yes or no: a prediction above a threshold is a yes.

    Parameters
    ----------
    threshold : float, optional
        Default: 1/2; of an output whose loss works on logits, 0.
    name : str, optional
    """

    def __init__(self, threshold: float | None = None, name: str | None = None):
        super().__init__(name)
        self.is_chosen = threshold is not None
        self.threshold = 0.5
        if threshold is not None:
            self.threshold = arguments.number(f"{self}: threshold", threshold)

    def for_logits(self) -> None:
        if not self.is_chosen:
            self.threshold = 0.0


class BinaryAccuracy(Threshold, MeanMetric):
    """The share of labels 0 or 1 on whose side of `threshold` the prediction lies.

    Parameters
    ----------
    threshold : float, optional
        Default: 1/2; of an output whose loss works on logits, 0.
    name : str, optional
    """

    higher_is_better = True

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        right = (y_pred > self.threshold) == y_true
        return (right & ~np.isnan(y_pred) if has_nan(y_pred) else right).mean(axis=-1)


class CategoricalAccuracy(MeanMetric):
    """The share of samples whose largest prediction is the right class (one-hot labels).

    Where labels are all zero, no class is right.
    """

    higher_is_better = True

    def matched(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return same_shape(self, y_true, of_classes(self, y_pred))

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return (y_true.argmax(axis=-1) == winner(y_pred)) & y_true.any(axis=-1)


class SparseCategoricalAccuracy(MeanMetric):
    """The share of samples whose largest prediction is the right class (labels are indices)."""

    higher_is_better = True

    def matched(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if y_true.shape not in (y_pred.shape[:-1], (*y_pred.shape[:-1], 1)):
            raise ValueError(
                f"{self.name}: labels of shape {y_true.shape} for predictions of shape "
                f"{y_pred.shape}: the index of a class for each"
            )
        return y_true.reshape(y_pred.shape[:-1]), of_classes(self, y_pred)

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return y_true == winner(y_pred)


def of_classes(metric: Metric, y_pred: np.ndarray) -> np.ndarray:
    """Predictions for several classes, or an error."""
    if y_pred.shape[-1:] == (1,):
        raise ValueError(
            f"{metric.name}: predictions of shape {y_pred.shape} are of one class, which always "
            f"wins: use binary_accuracy"
        )
    return y_pred


def winner(y_pred: np.ndarray) -> np.ndarray:
    """The class that is predicted as the most likely one; -1, which is none, where one is NaN."""
    found = y_pred.argmax(axis=-1)
    return np.where(np.isnan(y_pred).any(axis=-1), -1, found) if has_nan(y_pred) else found


def has_nan(x: np.ndarray) -> bool:
    """Is there a NaN? So is the sum of all squares then, and only then."""
    return bool(np.isnan(np.vdot(x, x)))


def error(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """p - y, where small whole numbers would wrap around, in floats."""
    if y_true.dtype.kind != "f" and y_pred.dtype.kind != "f":
        y_true = y_true.astype(float)
    return y_pred - y_true


class MeanSquaredError(MeanMetric):
    """The mean of (y - p)**2."""

    higher_is_better = False

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.square(error(y_true, y_pred)).mean(axis=-1)


class RootMeanSquaredError(MeanSquaredError):
    """The square root of the mean of (y - p)**2."""

    def result(self) -> float:
        return float(np.sqrt(super().result()))


class MeanAbsoluteError(MeanMetric):
    """The mean of |y - p|."""

    higher_is_better = False

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.abs(error(y_true, y_pred)).mean(axis=-1)


class AUC(Metric):
    """Area under the ROC curve: how often a positive sample is ranked above a negative one.

    Computed exactly from the ranks of all predictions (ties count one half), so it differs in the
    third digit from implementations that cut the range of predictions into 200 thresholds. NaN has
    no rank: if a prediction is NaN, so is the area.

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
        y_true, y_pred = same_shape(self, np.asarray(y_true), np.asarray(y_pred))
        weights = weights_like(self, sample_weight, y_pred)
        counts = weights != 0
        self.batches.append((y_true[counts] > 0.5, y_pred[counts], weights[counts]))

    def check_shapes(self, y_true: np.ndarray, y_pred: np.ndarray) -> None:
        same_shape(self, y_true, y_pred)

    def result(self) -> float:
        if not self.batches:
            return float("nan")
        positive, score, weight = map(np.concatenate, zip(*self.batches, strict=True))
        if has_nan(score):  # which has no rank
            return float("nan")
        _, tie = np.unique(score, return_inverse=True)
        above = np.bincount(tie, weight * positive)
        below = np.bincount(tie, weight * ~positive)
        pairs = above.sum() * below.sum()
        won = (above * (below.cumsum() - below / 2)).sum()
        return float(won / pairs) if pairs else float("nan")


class Precision(Threshold):
    """Of the predictions above `threshold`, the share that is right; 0 if there are none.

    Parameters
    ----------
    threshold : float, optional
        Default: 1/2; of an output whose loss works on logits, 0.
    name : str, optional
    """

    higher_is_better = True

    def reset(self) -> None:
        self.hits = self.claims = self.positives = self.count = 0.0

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        y_true, y_pred = same_shape(self, np.asarray(y_true), np.asarray(y_pred))
        weight = weights_like(self, sample_weight, y_pred)
        claimed, positive = y_pred > self.threshold, y_true > 0.5
        self.hits += float((weight * (claimed & positive)).sum())
        self.claims += float((weight * claimed).sum())
        self.positives += float((weight * positive).sum())
        self.count += float(weight.sum())

    def check_shapes(self, y_true: np.ndarray, y_pred: np.ndarray) -> None:
        same_shape(self, y_true, y_pred)

    def result(self) -> float:
        return self.share(self.claims)

    def share(self, of: float) -> float:
        """The hits among so many."""
        return self.hits / of if of else 0.0 if self.count else float("nan")


class Recall(Precision):
    """Of the positive labels, the share that was predicted above `threshold`; 0 if there are none.

    Parameters
    ----------
    threshold : float, optional
        Default: 1/2; of an output whose loss works on logits, 0.
    name : str, optional
    """

    def result(self) -> float:
        return self.share(self.positives)


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


def get(
    metric: Any,
    losses: Sequence[Any],
    labels: tuple[int | None, ...],
    predictions: tuple[int | None, ...],
) -> Metric:
    """A metric by name, or as it is, for an output with these losses and data of these shapes.

    "accuracy" is read from the losses and, where they leave it open, from the shapes.
    """
    found = made(metric, losses, labels, predictions)
    if any(getattr(loss, "from_logits", False) for loss in losses):
        found.for_logits()
    return found


def made(metric: Any, losses: Sequence[Any], labels: Any, predictions: Any) -> Metric:
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
    binary = any(isinstance(loss, BinaryCrossentropy) for loss in losses)
    each_by_itself = binary or predictions[-1] == 1
    return (BinaryAccuracy if each_by_itself else CategoricalAccuracy)(name=metric)
