"""Losses of probabilities, and of logits: of classes, of yes or no, of distributions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import arguments, ops
from ..engine.graph import Tensor
from ..ops.losses import EPSILON, check_labels, refuse_other_labels
from .base import Loss, OfShares


class CrossEntropy(Loss):
    """The common part of cross-entropies: of probabilities or of logits, with smoothed labels."""

    of_probabilities: Any
    of_logits: Any

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, **options: Any):
        super().__init__(**options)
        self.from_logits = arguments.flag(f"{self}: from_logits", from_logits)
        self.label_smoothing = arguments.share(f"{self}: label_smoothing", label_smoothing)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.crossentropy(self.smooth(y_true), y_pred)

    def crossentropy(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        loss = self.of_logits if self.from_logits else self.of_probabilities
        return loss(y_true, y_pred)

    def smooth(self, y_true: Tensor) -> Tensor:
        if not self.label_smoothing:
            return y_true
        return y_true * (1 - self.label_smoothing) + self.label_smoothing / self.classes(y_true)

    def classes(self, y: Tensor) -> int:
        return y.shape[-1] or 1


class BinaryCrossentropy(CrossEntropy):
    """-y log(p) - (1 - y) log(1 - p), averaged over the last axis: for sigmoid outputs.

    Parameters
    ----------
    from_logits : bool
        True: predictions are logits, the sigmoid is part of the loss.
    label_smoothing : float
        Moves labels from 0 and 1 towards 1/2, which they reach at 1. Default: 0.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.BinaryCrossentropy()([[1.0], [0.0]], [[0.5], [0.5]]))  # log(2)
    0.6931...
    """

    of_probabilities = ops.binary_crossentropy
    of_logits = ops.binary_crossentropy_from_logits

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return super().call(y_true, y_pred).mean(axis=-1)

    def check_labels(self, labels: np.ndarray, y_pred: Tensor) -> None:
        check_labels(labels)

    def classes(self, y: Tensor) -> int:
        return 2


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """Binary cross-entropy times (1 - q)**gamma, where q is the probability of what is right.

    So what is predicted well already counts less (Lin et al. 2017, "Focal Loss for Dense Object
    Detection").

    Parameters
    ----------
    apply_class_balancing : bool
        Multiply with `alpha` where the label is 1, and with 1 - `alpha` where it is 0. Default:
        False.
    alpha : float
        Between 0 and 1. Default: 0.25.
    gamma : float
        How much less, 0 or more; 0 is the plain cross-entropy. Default: 2.
    from_logits, label_smoothing
        As of `BinaryCrossentropy`. (From logits Keras cuts off at 1e-7. Here a logit of -100 that
        should be 100 costs 100, and has a slope.)

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.BinaryFocalCrossentropy()([[1.0]], [[0.5]]))  # log(2) / 4
    0.1732...
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        **options: Any,
    ):
        super().__init__(from_logits, label_smoothing, **options)
        balancing = f"{self}: apply_class_balancing"
        self.apply_class_balancing = arguments.flag(balancing, apply_class_balancing)
        self.alpha = arguments.share(f"{self}: alpha", alpha)
        self.gamma = arguments.number(f"{self}: gamma", gamma, at_least=0)

    def crossentropy(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        p = ops.sigmoid(y_pred) if self.from_logits else y_pred
        doubt = y_true * (1 - p) + (1 - y_true) * p
        each = super().crossentropy(y_true, y_pred) * focused(doubt, self.gamma)
        if self.apply_class_balancing:
            each = each * (y_true * self.alpha + (1 - y_true) * (1 - self.alpha))
        return each


def focused(doubt: Tensor, gamma: float) -> Tensor:
    """doubt**gamma, with a finite slope also where there is no doubt."""
    return ops.maximum(doubt, EPSILON) ** gamma


class CategoricalCrossentropy(OfShares, CrossEntropy):
    """-sum(y log(p)) for one-hot labels and softmax outputs; p is divided by its sum first.

    Labels may also be shares of several classes, which add up to 1 at most.

    Parameters
    ----------
    from_logits : bool
        True: predictions are logits, the softmax is part of the loss.
    label_smoothing : float
        Moves this share of each label evenly to all classes. Default: 0.
    """

    of_probabilities = ops.categorical_crossentropy
    of_logits = ops.categorical_crossentropy_from_logits


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """-sum(alpha (1 - p)**gamma y log(p)): what is predicted well already counts less.

    Lin et al. 2017, "Focal Loss for Dense Object Detection".

    Parameters
    ----------
    alpha : float, or a list of them
        0 or more, for all classes or one for each. Default: 0.25.
    gamma : float
        How much less, 0 or more; with 0 and an `alpha` of 1 it is the plain cross-entropy.
        Default: 2.
    from_logits, label_smoothing
        As of `CategoricalCrossentropy`. (From logits Keras cuts off at 1e-7; here a class that was
        held to be impossible keeps its slope.)

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.CategoricalFocalCrossentropy(alpha=1)([[1, 0]], [[0.5, 0.5]]))  # log(2) / 4
    0.1732...
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        **options: Any,
    ):
        super().__init__(from_logits, label_smoothing, **options)
        self.alpha = class_factors(f"{self}: alpha", alpha)
        self.gamma = arguments.number(f"{self}: gamma", gamma, at_least=0)

    def crossentropy(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if self.from_logits:
            log_p = ops.log_softmax(y_pred)
            p = ops.exp(log_p)
        else:
            p = ops.probabilities(y_pred, or_logits=True)
            p = (p / p.sum(axis=-1, keepdims=True)).clip(EPSILON, 1 - EPSILON)
            log_p = ops.log(p)
        cost = y_true * ops.where(ops.equal(y_true, 0), 0, log_p)  # it may be minus infinity
        return -(self.balance(y_pred) * focused(1 - p, self.gamma) * cost).sum(axis=-1)

    def balance(self, y_pred: Tensor) -> Any:
        """`alpha`, which has a number for each class if it is a list."""
        if isinstance(self.alpha, list) and len(self.alpha) != self.classes(y_pred):
            raise ValueError(
                f"{self}: alpha has {len(self.alpha)} numbers, but {y_pred} has "
                f"{self.classes(y_pred)} classes: give one for each class, or one for all"
            )
        return np.array(self.alpha)


def class_factors(what: str, given: Any) -> float | list[float]:
    """One factor for all classes, or one for each."""
    factor = partial(arguments.number, at_least=0)
    if not arguments.is_list(given):
        return factor(what, given)
    return arguments.listed(what, given, factor)


class SparseCategoricalCrossentropy(CrossEntropy):
    """Categorical cross-entropy for labels that are the index of the right class.

    Parameters
    ----------
    from_logits : bool
        True: predictions are logits, the softmax is part of the loss.
    """

    sparse = True
    of_probabilities = ops.sparse_categorical_crossentropy
    of_logits = ops.sparse_categorical_crossentropy_from_logits

    def __init__(self, from_logits: bool = False, **options: Any):
        super().__init__(from_logits, **options)
        if self.label_smoothing:
            raise ValueError(
                f"{self}: label_smoothing mixes one-hot labels, these are the indices of classes: "
                f"make them one-hot, np.eye(classes)[labels], and take "
                f"CategoricalCrossentropy(label_smoothing={self.label_smoothing})"
            )

    def check_labels(self, labels: np.ndarray, y_pred: Tensor) -> None:
        refuse_other_labels(labels, y_pred.shape[-1] or 1)


class KLDivergence(OfShares):
    """sum(y log(y / p)): by how much the distribution p falls short of y (Kullback, Leibler 1951).

    Labels and predictions are shares of classes, which add up to 1; below 1e-7 both count as 1e-7.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> float(tg.losses.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]))  # log(4 / 3) / 2
    0.1438...
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y, p = ops.maximum(y_true, EPSILON), ops.maximum(ops.probabilities(y_pred), EPSILON)
        return (y * ops.log(y / p)).sum(axis=-1)
