"""What is taken for what: the confusion matrix of one output."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import arguments
from ..device import first_place
from ..ops.losses import weighs
from .accuracy import indices_in


def confusion_matrix(
    y_true: Any, y_pred: Any, sample_weight: Any = None, threshold: float = 0.5
) -> np.ndarray:
    """What is taken for what: row i, column j counts what is of class i and was taken for class j.

    Parameters
    ----------
    y_true : array_like
        Labels of one output: the index of the right class, one-hot rows, or 0 and 1 where there is
        one number per sample. A label of NaN is left out.
    y_pred : array_like
        What `Model.predict` gives for this output: (samples, classes) or (samples, 1); of a
        sequence, (samples, steps, classes) or (samples, steps, 1).
    sample_weight : array_like, optional
        How much each sample counts, or each step (0 leaves padding out). Default: 1.
    threshold : float
        Where there is one number per sample, what is above it is class 1. Default: 1/2; of logits,
        give 0.

    Returns
    -------
    ndarray, shape (classes, classes)
        Whole numbers, or floats if there are weights.

    Examples
    --------
    >>> confusion_matrix([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    array([[1, 0],
           [1, 1]])

    Of a model with several outputs, and labels in a dict, that of each:

    >>> import numpy as np
    >>> import tinygrad_mo as tg
    >>> x = tg.Input((2,))
    >>> outputs = {"kind": tg.layers.Dense(3)(x), "sold": tg.layers.Dense(1)(x)}
    >>> model, data = tg.Model(x, outputs), np.zeros((4, 2))
    >>> labels, predicted = {"kind": [0, 2, 1, 2], "sold": [0, 0, 1, 0]}, model.predict(data)
    >>> found = {name: confusion_matrix(labels[name], predicted[name]) for name in labels}
    >>> found["sold"]
    array([[3, 0],
           [1, 0]])
    """
    threshold = arguments.number("confusion_matrix: threshold", threshold)
    given = np.asarray(y_pred)
    y_pred = np.asarray(y_pred, float)
    if given.dtype.kind in "iu" and given.ndim < 2 and (given > 1).any():
        raise ValueError(
            "confusion_matrix: predictions that are the indices of classes: give what predict "
            "gives, a number for each class (np.eye(classes)[indices] is such)"
        )
    if y_pred.ndim < 2:
        y_pred = y_pred[..., None]
    if np.isnan(y_pred).any():
        row = first_place(np.isnan(y_pred))[0]
        raise ValueError(f"confusion_matrix: the prediction in row {row} is NaN, which is no class")
    one_number = y_pred.shape[-1] == 1
    classes = 2 if one_number else y_pred.shape[-1]
    taken = y_pred[..., 0] > threshold if one_number else y_pred.argmax(axis=-1)
    right = class_of(np.asarray(y_true, float), taken.shape, classes)
    labelled = right >= 0
    weights = None
    if sample_weight is not None:
        weights = weights_of(np.asarray(sample_weight, float), taken.shape)[labelled]
    cells = (right * classes + taken)[labelled]
    return np.bincount(cells, weights, classes**2).reshape(classes, classes)


def class_of(labels: np.ndarray, shape: tuple[int, ...], classes: int) -> np.ndarray:
    """The index of the right class for each that is judged; -1 where the label is NaN."""
    if labels.shape == (*shape, 1):
        labels = labels[..., 0]
    if labels.shape == (*shape, classes):
        odd = ((labels == 1).sum(axis=-1) != 1) | ((labels != 0).sum(axis=-1) != 1)
        missing = np.isnan(labels).any(axis=-1)
        if (odd & ~missing).any():
            place = first_place(odd & ~missing)
            raise ValueError(
                f"confusion_matrix: the labels in row {place[0]}, {labels[place].tolist()}, are "
                f"not of one class, with a 1 and zeros"
            )
        return np.where(missing, -1, labels.argmax(axis=-1))
    if labels.shape != shape:
        raise ValueError(
            f"confusion_matrix: labels of shape {labels.shape} for predictions of shape {shape} of "
            f"{classes} classes: give the index of the right class for each, or one-hot rows"
        )
    return indices_in(labels, classes)


def weights_of(weights: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The weight of each that is judged, from one for each sample or step."""
    if not weighs(weights.shape, shape):
        raise ValueError(
            f"confusion_matrix: sample_weight has shape {weights.shape}, expected {shape[:1]}, one "
            f"number for each sample" + f", or {shape}" * (len(shape) > 1)
        )
    return np.broadcast_to(
        weights.reshape(*weights.shape, *[1] * (len(shape) - weights.ndim)), shape
    )
