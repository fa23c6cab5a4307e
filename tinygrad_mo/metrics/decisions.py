"""Which mistakes are made: ranks, and hits among claims."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops.losses import check_labels
from .accuracy import Threshold, indices_in, winner
from .base import Metric, has_nan, one_of, refuse_several, same_shape, weights_like


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
        Default: 1/2; of an output whose loss works on logits or margins, 0.
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
        Default: 1/2; of an output whose loss works on logits or margins, 0.
    name : str, optional
    """

    def result(self) -> float:
        return self.share(self.positives)


class F1Score(Threshold):
    """2 hits / (claims + positives): the harmonic mean of precision and recall, class by class.

    Labels are one-hot rows, or 0 and 1 for each class by itself (-1 is a 0), or the index of the
    right class.

    Parameters
    ----------
    average : "micro", "macro", "weighted" or None
        How the scores of the classes are put together: "micro" counts the hits, claims and
        positives of all classes; "macro" is the mean of the scores; "weighted" weighs each with its
        share of the positives. None: one score for each class, which History does not hold.
        Default: None.
    threshold : float, optional
        A prediction above it is a claim. Default: the largest prediction of a sample is its only
        claim; but where each number is judged by itself (there is one class, or the loss is a
        binary cross-entropy), it is 1/2, and of logits or margins 0.
    name : str, optional

    Examples
    --------
    >>> metric = F1Score("macro")
    >>> metric.update(np.array([0, 0, 1]), np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7]]))
    >>> metric.result()
    0.6666...
    """

    higher_is_better = True

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str | None = None
    ):
        super().__init__(threshold, name)
        self.average = one_of(self, "average", average, AVERAGES)
        self.one_by_one = self.is_chosen

    def reset(self) -> None:
        self.hits = self.claims = self.positives = self.count = np.zeros(1)  # of each class

    def for_several_labels(self) -> None:
        self.one_by_one = True

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        positive, y_pred = self.one_label_each(np.asarray(y_true), np.asarray(y_pred))
        weight = weights_like(self, sample_weight, y_pred)
        if self.one_by_one or y_pred.shape[-1] == 1:
            claimed = y_pred > self.threshold
        else:
            claimed = one_hot(winner(y_pred), y_pred)
        check_labels(np.where((weight != 0) & (positive != -1), positive, 0))
        axes = tuple(range(y_pred.ndim - 1))
        self.hits = self.hits + (weight * (claimed & (positive > 0.5))).sum(axis=axes)
        self.claims = self.claims + (weight * claimed).sum(axis=axes)
        self.positives = self.positives + (weight * (positive > 0.5)).sum(axis=axes)
        self.count = self.count + weight.sum(axis=axes)

    def one_label_each(
        self, y_true: np.ndarray, y_pred: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels with a number for each class, and predictions."""
        indices = y_pred.shape[:-1], (*y_pred.shape[:-1], 1)
        if y_pred.ndim > 1 and y_pred.shape[-1] > 1 and y_true.shape in indices:
            y_true = one_hot(indices_in(y_true.reshape(indices[0]), y_pred.shape[-1]), y_pred)
        return same_shape(self, y_true, y_pred)

    def check_shapes(self, y_true: np.ndarray, y_pred: np.ndarray) -> None:
        _, y_pred = self.one_label_each(y_true, y_pred)
        if self.average is None:
            refuse_several(self, "average", y_pred, AVERAGES)

    def result(self) -> Any:
        """The score; with an average of None, an array with one for each class."""
        if not self.count.any():
            return float("nan")
        scores = shares(self.hits, (self.claims + self.positives) / 2)
        if self.average is None:
            return float(scores[0]) if len(scores) == 1 else scores
        if self.average == "micro":
            return float(shares(self.hits.sum(), (self.claims + self.positives).sum() / 2))
        if self.average == "macro":
            return float(scores.mean())
        return float((scores * shares(self.positives, self.positives.sum())).sum())


AVERAGES = ("micro", "macro", "weighted")


def shares(parts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Parts of a whole; 0 where the whole is."""
    return np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)


def one_hot(index: np.ndarray, like: np.ndarray) -> np.ndarray:
    """True at the index, along the last axis; nowhere for -1."""
    return index[..., None] == np.arange(like.shape[-1])
