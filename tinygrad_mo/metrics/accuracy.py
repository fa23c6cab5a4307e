"""How often a prediction is right: yes or no, the right class, the right one among the first k."""

from __future__ import annotations

import numpy as np

from .. import arguments
from ..ops.losses import refuse_other_labels
from .base import MeanMetric, Metric, has_nan, same_shape


class Threshold(Metric):
    """The common part of metrics that say yes or no: a prediction above a threshold is a yes.

    Parameters
    ----------
    threshold : float, optional
        Default: 1/2; of an output whose loss works on logits or margins, 0.
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

    A label of -1, as hinge losses have, is a 0.

    Parameters
    ----------
    threshold : float, optional
        Default: 1/2; of an output whose loss works on logits or margins, 0.
    name : str, optional
    """

    higher_is_better = True

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        right = (y_pred > self.threshold) == np.where(y_true == -1, 0, y_true)
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


class TopKCategoricalAccuracy(CategoricalAccuracy):
    """The share of samples whose right class is among the `k` largest predictions (one-hot labels).

    Of equal predictions the first one counts as larger. Where labels are all zero, no class is
    right.

    Parameters
    ----------
    k : int
        Less than there are classes. Default: 5.
    name : str
        Default: "top_k_categorical_accuracy".

    Examples
    --------
    >>> metric = TopKCategoricalAccuracy(k=2)
    >>> predicted = np.array([[0.6, 0.1, 0.3], [0.1, 0.7, 0.2]])
    >>> metric.update(np.array([[0, 0, 1], [1, 0, 0]]), predicted)
    >>> metric.result()
    0.5
    """

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy"):
        super().__init__(name)
        self.k = arguments.whole(f"{self}: k", k, at_least=1)

    def matched(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return super().matched(y_true, less_than_all(self, self.k, y_pred))

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return among_first(self.k, y_true.argmax(axis=-1), y_pred) & y_true.any(axis=-1)


class SparseTopKCategoricalAccuracy(SparseCategoricalAccuracy):
    """The share of samples whose right class is among the `k` largest predictions (labels are
    indices).

    Of equal predictions the first one counts as larger.

    Parameters
    ----------
    k : int
        Less than there are classes. Default: 5.
    name : str
        Default: "sparse_top_k_categorical_accuracy".
    """

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy"):
        super().__init__(name)
        self.k = arguments.whole(f"{self}: k", k, at_least=1)

    def matched(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return super().matched(y_true, less_than_all(self, self.k, y_pred))

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return among_first(self.k, indices_in(y_true, y_pred.shape[-1]), y_pred)


def less_than_all(metric: Metric, k: int, y_pred: np.ndarray) -> np.ndarray:
    """Predictions for more than k classes, or an error."""
    if k >= y_pred.shape[-1] > 1:
        raise ValueError(
            f"{metric.name}: predictions of shape {y_pred.shape} are of {y_pred.shape[-1]} "
            f"classes, and all of them are among the first {k}: give a smaller k"
        )
    return y_pred


def among_first(k: int, right: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Is the right class (-1: there is none) among the k largest predictions? NaN never is."""
    right = right[..., None]
    own = np.take_along_axis(y_pred, right, axis=-1)
    before = np.arange(y_pred.shape[-1]) < right
    ahead = (y_pred > own) | ((y_pred == own) & before)
    found = (ahead.sum(axis=-1) < k) & (right[..., 0] >= 0)
    return found & ~np.isnan(y_pred).any(axis=-1)


def indices_in(labels: np.ndarray, count: int) -> np.ndarray:
    """Labels as indices of so many classes; -1 for NaN. Others are refused."""
    missing = np.isnan(labels)
    index = np.where(missing, 0, labels)
    refuse_other_labels(index, count)
    return np.where(missing, -1, index).astype(int)


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
