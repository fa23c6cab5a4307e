"""Which metric a name, a function or a loss stands for, on an output with its losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..losses import LOSSES, BinaryCrossentropy, CrossEntropy, Hinge, Loss
from ..naming import lookup
from . import accuracy, decisions, of_losses, regression
from .base import FunctionMetric, Metric
from .of_losses import MeanLoss

METRICS: dict[str, type[Metric]] = {
    "AUC": decisions.AUC,
    "auc": decisions.AUC,
    "binary_accuracy": accuracy.BinaryAccuracy,
    "categorical_accuracy": accuracy.CategoricalAccuracy,
    "cosine_similarity": of_losses.CosineSimilarity,
    "f1_score": decisions.F1Score,
    "mae": regression.MeanAbsoluteError,
    "mean_absolute_error": regression.MeanAbsoluteError,
    "mean_squared_error": regression.MeanSquaredError,
    "mse": regression.MeanSquaredError,
    "precision": decisions.Precision,
    "r2_score": regression.R2Score,
    "recall": decisions.Recall,
    "rmse": regression.RootMeanSquaredError,
    "root_mean_squared_error": regression.RootMeanSquaredError,
    "sparse_categorical_accuracy": accuracy.SparseCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": accuracy.SparseTopKCategoricalAccuracy,
    "top_k_categorical_accuracy": accuracy.TopKCategoricalAccuracy,
}
ACCURACIES = ("accuracy", "acc")


def get(
    metric: Any,
    losses: Sequence[Any],
    labels: tuple[int | None, ...],
    predictions: tuple[int | None, ...],
) -> Metric:
    """A metric by name, as it is, or the mean of a loss or a function, for an output.

    The output has these losses, and data of these shapes. "accuracy" is read from the losses and,
    where they leave it open, from the shapes.
    """
    from_logits = any(getattr(loss, "from_logits", False) for loss in losses)
    each_by_itself = any(isinstance(loss, BinaryCrossentropy | Hinge) for loss in losses)
    if isinstance(metric, str) and metric in ACCURACIES:
        found = accuracy_of(metric, labels, predictions, each_by_itself)
    elif isinstance(metric, str):
        found = named(metric, from_logits)
    else:
        found = made(metric)
    if from_logits or any(isinstance(loss, Hinge) for loss in losses):
        found.for_logits()
    if each_by_itself:
        found.for_several_labels()
    return found


def accuracy_of(name: str, labels: Any, predictions: Any, each_by_itself: bool) -> Metric:
    if len(labels) < len(predictions):
        return accuracy.SparseCategoricalAccuracy(name=name)
    if each_by_itself or predictions[-1] == 1:
        return accuracy.BinaryAccuracy(name=name)
    return accuracy.CategoricalAccuracy(name=name)


def named(name: str, from_logits: bool) -> Metric:
    """A metric by its name, or the mean of a loss by its name, which may take logits."""
    known = {**METRICS, **LOSSES, **METRICS, **dict.fromkeys(ACCURACIES)}  # metrics come first
    kind = lookup("metric", name, known)
    if issubclass(kind, Metric):
        return kind(name=name)
    logits = {"from_logits": True} if from_logits and issubclass(kind, CrossEntropy) else {}
    return MeanLoss(kind(**logits), name)


def made(metric: Any) -> Metric:
    """A metric that was given as an object, a class or a function."""
    if isinstance(metric, type) and issubclass(metric, Metric | Loss):
        metric = metric()
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, Loss):
        return MeanLoss(metric)
    if callable(metric) and not isinstance(metric, type):
        return FunctionMetric(metric)
    given = getattr(metric, "__name__", type(metric).__name__)
    raise TypeError(
        f"a metric is a name, a Metric or a Loss or its class, or a function of (y_true, y_pred) "
        f"that returns one number per sample, not {given}"
    )
