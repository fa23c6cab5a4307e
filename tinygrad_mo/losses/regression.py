"""Losses of numbers: of sizes, prices, counts, directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import arguments, ops
from ..device import first_place
from ..engine.graph import Tensor
from ..ops.losses import EPSILON
from .base import Loss


class MeanSquaredError(Loss):
    """The mean of (y - p)**2 over the last axis.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.MeanSquaredError()([[0.0, 2.0]], [[1.0, 0.0]]))
    2.5
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.square(y_pred - y_true).mean(axis=-1)


class MeanAbsoluteError(Loss):
    """The mean of |y - p| over the last axis."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return abs(y_pred - y_true).mean(axis=-1)


class MeanAbsolutePercentageError(Loss):
    """100 |y - p| / |y|, averaged over the last axis: how many per cent of the label it is off.

    A label nearer to 0 than 1e-7 counts as 1e-7 there: labels of 0 make it huge.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> round(float(tg.losses.MeanAbsolutePercentageError()([[10.0, 200.0]], [[11.0, 190.0]])), 3)
    7.5
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 100 * abs((y_pred - y_true) / ops.maximum(abs(y_true), EPSILON)).mean(axis=-1)


class NotNegative(Loss):
    """The common part of losses for numbers from 0 up: sizes and counts."""

    def check_labels(self, labels: np.ndarray, y_pred: Tensor) -> None:
        wrong = labels < 0
        if wrong.any():
            place = first_place(wrong)
            raise ValueError(
                f"label {labels[place]:g} in row {place[0]} is below 0, but {self.name} is for "
                f"sizes and counts: use another loss, such as 'mse'"
            )


class MeanSquaredLogarithmicError(NotNegative):
    """The mean of (log(1 + y) - log(1 + p))**2 over the last axis: for sizes, 0 or more.

    What a prediction is below 1e-7 does not count: it has no slope there.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.MeanSquaredLogarithmicError()([[9.0]], [[99.0]]))  # log(10)**2
    5.301...
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        factors = ops.log1p(ops.maximum(y_pred, EPSILON)) - ops.log1p(ops.maximum(y_true, EPSILON))
        return ops.square(factors).mean(axis=-1)


class Poisson(NotNegative):
    """p - y log(p), averaged over the last axis: for counts y, whose expected value p is above 0.

    Without what depends on the label alone, as in Keras; 1e-7 is added to p in the logarithm. Let
    an exponential or softplus activation make p.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> round(float(tg.losses.Poisson()([[2.0]], [[1.0]])), 3)
    1.0
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return (y_pred - y_true * ops.log(y_pred + EPSILON)).mean(axis=-1)


class Huber(Loss):
    """Half the squared error up to `delta`, straight on from there, averaged over the last axis.

    Parameters
    ----------
    delta : float
        Where the parabola ends, above 0. Default: 1.
    """

    def __init__(self, delta: float = 1.0, **options: Any):
        super().__init__(**options)
        self.delta = arguments.number(f"{self}: delta", delta, above=0)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.huber(y_true, y_pred, delta=self.delta).mean(axis=-1)


class LogCosh(Loss):
    """log(cosh(p - y)), averaged over the last axis: half the square near 0, straight far out.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.LogCosh()([[0.0]], [[100.0]]))  # 100 - log(2)
    99.3068...
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.log_cosh(y_pred - y_true).mean(axis=-1)


class CosineSimilarity(Loss):
    """-cos of the angle between label and prediction, vectors along the last axis: -1 is best.

    A vector of zeros has no direction: its cosine is 0, and it has no slope.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.CosineSimilarity()([[0.0, 2.0]], [[3.0, 3.0]]))  # 45 degrees
    -0.7071...
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return -(direction(y_true) * direction(y_pred)).sum(axis=-1)


def direction(x: Tensor) -> Tensor:
    """Vectors of length 1; where there is no direction, 0."""
    length = ops.norm(x, axis=-1, keepdims=True)
    return x * ops.greater(length, 0) / ops.maximum(length, EPSILON)
