"""Losses as metrics: their mean over the samples, whatever their reduction."""

from __future__ import annotations

import numpy as np

from .. import losses
from ..losses import Loss
from .base import MeanMetric, array_of, as_tensors, same_shape


class MeanLoss(MeanMetric):
    """The mean of a loss over the samples; what is trained does not change.

    Parameters
    ----------
    loss : str, Loss or function
        As for `Model.compile`; each sample counts the same.
    name : str, optional
        Default: that of the loss.

    Examples
    --------
    >>> import numpy as np
    >>> metric = MeanLoss("huber")
    >>> metric.update(np.array([[0.0], [0.0]]), np.array([[1.0], [3.0]]))
    >>> metric.result()
    1.5
    """

    higher_is_better = False

    def __init__(self, loss: str | Loss, name: str | None = None):
        self.loss = losses.get(loss, "MeanLoss" if name is None else f"MeanLoss {name!r}")
        super().__init__(self.loss.name if name is None else name)

    def matched(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (y_true, y_pred) if self.loss.sparse else same_shape(self, y_true, y_pred)

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return array_of(self.loss.of_each(*as_tensors(y_true, y_pred)))


class OfLoss(MeanLoss):
    """The common part of metrics that are the mean of a loss without arguments."""

    kind: type[Loss]

    def __init__(self, name: str | None = None):
        super().__init__(self.kind(), name)


class MeanAbsolutePercentageError(OfLoss):
    """The mean of 100 |y - p| / |y|: how many per cent of the label predictions are off."""

    kind = losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(OfLoss):
    """The mean of (log(1 + y) - log(1 + p))**2."""

    kind = losses.MeanSquaredLogarithmicError


class LogCoshError(OfLoss):
    """The mean of log(cosh(p - y))."""

    kind = losses.LogCosh


class Poisson(OfLoss):
    """The mean of p - y log(p)."""

    kind = losses.Poisson


class KLDivergence(OfLoss):
    """The mean of sum(y log(y / p)) over the samples."""

    kind = losses.KLDivergence


class Hinge(OfLoss):
    """The mean of max(0, 1 - y p), for labels -1 or 1 (or 0 or 1)."""

    kind = losses.Hinge


class SquaredHinge(OfLoss):
    """The mean of max(0, 1 - y p)**2, for labels -1 or 1 (or 0 or 1)."""

    kind = losses.SquaredHinge


class CategoricalHinge(OfLoss):
    """The mean of max(0, 1 + q - p): p of the right class, q the largest of the others."""

    kind = losses.CategoricalHinge


class CosineSimilarity(OfLoss):
    """The mean cosine of the angle between label and prediction: 1 is best (-1 as a loss).

    Examples
    --------
    >>> import numpy as np
    >>> metric = CosineSimilarity()
    >>> metric.update(np.array([[0.0, 2.0]]), np.array([[0.0, 5.0]]))
    >>> metric.result()
    1.0
    """

    higher_is_better = True
    kind = losses.CosineSimilarity

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return -super().scores(y_true, y_pred)
