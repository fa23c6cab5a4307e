"""Metrics of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import MeanMetric, Metric, one_of, refuse_several, same_shape, weights_like


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


class R2Score(Metric):
    """1 - sum((y - p)**2) / sum((y - mean(y))**2): the share of the variance that is explained.

    1 is best, 0 is as good as the mean of the labels, and worse than that is below 0. Where labels
    do not vary there is nothing to explain: 0.

    Parameters
    ----------
    class_aggregation : "uniform_average", "variance_weighted_average" or None
        What becomes of several numbers of an output: the mean of their scores; the same, weighted
        with the variances of their labels; or, with None, a score for each, which History does not
        hold. Default: "uniform_average".
    name : str, optional

    Examples
    --------
    >>> metric = R2Score()
    >>> metric.update(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [4.0]]))
    >>> metric.result()
    0.5
    """

    higher_is_better = True

    def __init__(self, class_aggregation: str | None = "uniform_average", name: str | None = None):
        super().__init__(name)
        given = class_aggregation
        self.class_aggregation = one_of(self, "class_aggregation", given, AGGREGATIONS)

    def reset(self) -> None:
        self.count = self.mean = self.squares = self.errors = np.zeros(1)  # of each number

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        y_true, y_pred = same_shape(self, np.asarray(y_true), np.asarray(y_pred))
        weight = weights_like(self, sample_weight, y_pred)
        y, p, w = (x.reshape(-1, y_pred.shape[-1]).astype(float) for x in (y_true, y_pred, weight))
        y, p = np.where(w != 0, y, 0), np.where(w != 0, p, 0)  # what does not count may be NaN
        count = w.sum(axis=0)
        mean = (w * y).sum(axis=0) / np.where(count == 0, 1, count)
        squares = (w * np.square(y - mean)).sum(axis=0)
        # Two sets around their means, put together (Chan, Golub and LeVeque 1979)
        both = np.where(self.count + count == 0, 1, self.count + count)
        apart = mean - self.mean
        self.squares = self.squares + squares + np.square(apart) * self.count * count / both
        self.mean = self.mean + apart * count / both
        self.count = self.count + count
        self.errors = self.errors + (w * np.square(p - y)).sum(axis=0)

    def check_shapes(self, y_true: np.ndarray, y_pred: np.ndarray) -> None:
        _, y_pred = same_shape(self, y_true, y_pred)
        if self.class_aggregation is None:
            refuse_several(self, "class_aggregation", y_pred, AGGREGATIONS)

    def result(self) -> Any:
        """The score; with an aggregation of None, an array with one for each number."""
        if not self.count.any():
            return float("nan")
        varies = self.squares > 0
        scores = np.where(varies, 1 - self.errors / np.where(varies, self.squares, 1), 0.0)
        if self.class_aggregation is None:
            return float(scores[0]) if len(scores) == 1 else scores
        if self.class_aggregation == "uniform_average" or not varies.any():
            return float(scores.mean())
        return float(np.average(scores, weights=self.squares))


AGGREGATIONS = ("uniform_average", "variance_weighted_average")
