"""Losses of margins: a prediction on the right side, and far enough from the border, costs nothing.

Predictions are any numbers; their sign, or the largest of them, decides.
"""

from __future__ import annotations

import numpy as np

from .. import ops
from ..device import first_place
from ..engine.graph import Tensor
from .base import Loss, OfShares


class Hinge(Loss):
    """max(0, 1 - y p), averaged over the last axis: for labels -1 or 1.

    Labels 0 or 1 are taken, too: 0 is -1 then.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.Hinge()([[1.0], [-1.0]], [[0.25], [-3.0]]))
    0.375
    """

    stand_in = 1.0  # a 0 beside labels of -1 would be refused

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.short_of_margin(y_true, y_pred).mean(axis=-1)

    def short_of_margin(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        sign = ops.where(ops.equal(y_true, 0), -1.0, y_true)
        return ops.maximum(1 - sign * y_pred, 0)

    def check_labels(self, labels: np.ndarray, y_pred: Tensor) -> None:
        low = -1 if (labels == -1).any() else 0
        wrong = (labels != low) & (labels != 1) & (labels == labels)
        if wrong.any():
            place = first_place(wrong)
            beside = " beside labels of -1" if low and labels[place] == 0 else ""
            raise ValueError(
                f"label {labels[place]:g} in row {place[0]}{beside}: {self.name} takes labels of "
                f"-1 and 1, or of 0 and 1"
            )


class SquaredHinge(Hinge):
    """max(0, 1 - y p)**2, averaged over the last axis: for labels -1 or 1 (or 0 or 1)."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.square(self.short_of_margin(y_true, y_pred)).mean(axis=-1)


class CategoricalHinge(OfShares):
    """max(0, 1 + q - p), for one-hot labels: p of the right class, q the largest of the others.

    Where all others are below 0, q is 0, as in Keras.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.CategoricalHinge()([[0.0, 1.0, 0.0]], [[0.5, 2.0, 1.25]]))
    0.25
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        right = (y_true * y_pred).sum(axis=-1)
        wrong = ((1 - y_true) * y_pred).max(axis=-1)
        return ops.maximum(1 + wrong - right, 0)
