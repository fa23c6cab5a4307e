"""Losses: how wrong a prediction is, as one number for a batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import arguments, ops
from .device import first_place, to_numpy
from .engine.calls import Call, current_call, inside
from .engine.graph import Tensor
from .naming import lookup, snake_case
from .ops.losses import check_labels, more_than_one, refuse_other_labels, weighs
from .other_names import says
from .recipes import Recipe, refuse_unknown

__all__ = [
    "LOSSES",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CrossEntropy",
    "FunctionLoss",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]
__getattr__ = says(__name__, "losses")

REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight")


class Loss(Recipe):
    """The common part: one loss per sample, weighted and averaged.

    A subclass writes `call(y_true, y_pred)`, which returns the loss of each sample (all axes but
    the last are samples).

    Parameters
    ----------
    reduction : str
        "sum_over_batch_size": sum(weight * loss) / N, where samples of weight 0 count, too.
        "mean_with_sample_weight": divided by the sum of the weights instead.
    name : str, optional
        Default: the class's name in snake_case.
    missing : float, optional
        A label that means "not labelled"; NaN always does. Such samples do not count.
    """

    is_model = False
    sparse = False  # are labels the indices of classes?

    def __init__(
        self,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
        missing: float | None = None,
        **unknown: Any,
    ):
        refuse_unknown(type(self), unknown)
        who = type(self).__name__
        self.name = snake_case(who) if name is None else arguments.name(f"{who}: name", name)
        self.reduction = lookup("reduction", reduction, {name: name for name in REDUCTIONS}, self)
        self.missing = None if missing is None else arguments.number(f"{self}: missing", missing)

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each sample."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how wrong a prediction is: write call()"
        )

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of a batch, as a scalar tensor.

        Parameters
        ----------
        y_true, y_pred : Tensor or array_like, of one shape
            For sparse losses `y_true` lacks the last axis, which may be 1 instead.
        sample_weight : Tensor or array_like, optional
            One number per sample, shape (batch,), or per step, (batch, steps). Default: 1.
        """
        y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
        with inside(current_call() or Call(self)):
            gone = self.without_label(y_true)
            labels = y_true if gone is None else ops.where(gone, 0, y_true)
            each = self.of_each(labels, y_pred)
            weights = np.ones((), each.dtype) if sample_weight is None else sample_weight
            weights = self.checked_weights(as_tensor(weights), each)
            if gone is not None:
                weights = only_labelled(self.name, weights, gone, each)
            return self.mean_and_count(each, weights, y_pred.mask)[0]

    def without_label(self, y_true: Tensor) -> Tensor | None:
        """Where labels are missing; None if they are nowhere, as far as one can know."""
        if y_true.value is None:  # what is fed to an Input is never NaN
            return None if self.missing is None else ops.equal(y_true, self.missing)
        gone = y_true.value != y_true.value  # NaN is not itself
        if self.missing is not None:
            gone = gone | (y_true.value == self.missing)
        return Tensor(gone) if gone.any() else None

    def of_each(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each sample, checked."""
        expected = self.target_shape(y_pred)
        if y_true.shape == (*expected, 1):  # a column
            y_true = y_true[..., 0]
        if y_true.shape != expected:
            raise ValueError(
                f"{self.name}: labels of shape {y_true.shape} for predictions {y_pred}"
            )
        if y_true.value is not None:
            self.check_labels(to_numpy(y_true.value), y_pred)
        each = self.call(y_true, y_pred)
        found = each.shape if isinstance(each, Tensor) else None
        if not found or found != y_pred.shape[: len(found)]:
            made = repr(each) if found is None else f"a tensor of shape {found}"
            fix = "take the mean over the last axis only, .mean(axis=-1)"
            if y_pred.ndim == 1:
                fix = "give them an axis behind the samples, [:, None]"
            raise ValueError(
                f"loss {self.name!r} must return one number per sample, not {made} for "
                f"predictions {y_pred}: {fix}"
            )
        return each

    def check_labels(self, labels: np.ndarray, y_pred: Tensor) -> None:
        """Refuse labels that no prediction could match. What is missing is 0 here."""

    def checked_weights(self, weights: Tensor, each: Tensor) -> Tensor:
        """Weights of samples, or of steps; one number is that of all."""
        if not weighs(weights.shape, each.shape):
            steps = f" or {each.shape}, one for each step" if each.ndim > 1 else ""
            raise ValueError(
                f"{self.name}: sample_weight has shape {weights.shape}, expected "
                f"{each.shape[:1]}, one number for each sample{steps}"
            )
        return weights

    def mean_and_count(
        self, each: Tensor, weights: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The mean of the samples' losses, and what their sum was divided by."""
        if mask is not None and mask.ndim > each.ndim:
            raise ValueError(
                f"loss {self.name!r} is one number for a whole sequence, {each}, so it cannot "
                f"leave out the steps that the mask {mask} marks as padding: return one per step"
            )
        if mask is not None and mask.ndim < each.ndim:
            mask = mask[(..., *[None] * (each.ndim - mask.ndim))]
        by_weight = self.reduction == "mean_with_sample_weight"
        return ops.weighted_mean(each, weights, mask, by_weight=by_weight)

    def target_shape(self, y_pred: Tensor) -> tuple[int | None, ...]:
        """The shape of the labels that belong to a prediction."""
        return y_pred.shape[:-1] if self.sparse else y_pred.shape


def only_labelled(name: str, weights: Tensor, gone: Tensor, each: Tensor) -> Tensor:
    """The weight of each number of a loss, NaN where its labels are missing."""
    if gone.value is not None:
        unlabelled(name, to_numpy(gone.value), each.ndim)
    if gone.ndim > each.ndim:
        gone = gone.max(axis=tuple(range(each.ndim, gone.ndim)))
    if 0 < weights.ndim < each.ndim:
        weights = weights[(..., *[None] * (each.ndim - weights.ndim))]
    return ops.where(gone, float("nan"), weights)


def unlabelled(what: str, gone: np.ndarray, ndim: int) -> np.ndarray:
    """Which of what is judged have no labels; an error if one has them for a part only.

    `ndim` is the number of axes over which a loss has a number: 1 for samples, 2 for steps.
    """
    shape = gone.shape[:ndim]
    parts = gone.reshape(*shape, -1) if gone.size else np.zeros((*shape, 1), bool)
    some, every = np.asarray(parts.any(axis=-1)), np.asarray(parts.all(axis=-1))
    partly = some & ~every
    if partly.any():
        place = first_place(partly)
        where = f"row {place[0]}" + "".join(f", step {n}" for n in place[1:])
        raise ValueError(
            f"{what}: {where} has labels for a part of the output only; give each part an output "
            f"of its own"
        )
    return some


def as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


class CrossEntropy(Loss):
    """The common part of cross-entropies: of probabilities or of logits, with smoothed labels."""

    of_probabilities: Any
    of_logits: Any

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, **options: Any):
        super().__init__(**options)
        self.from_logits = arguments.flag(f"{self}: from_logits", from_logits)
        self.label_smoothing = arguments.share(f"{self}: label_smoothing", label_smoothing)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        loss = self.of_logits if self.from_logits else self.of_probabilities
        return loss(self.smooth(y_true, y_pred), y_pred)

    def smooth(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if not self.label_smoothing:
            return y_true
        return y_true * (1 - self.label_smoothing) + self.label_smoothing / self.classes(y_pred)

    def classes(self, y_pred: Tensor) -> int:
        return y_pred.shape[-1] or 1


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

    def classes(self, y_pred: Tensor) -> int:
        return 2


class CategoricalCrossentropy(CrossEntropy):
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

    def check_labels(self, labels: np.ndarray, y_pred: Tensor) -> None:
        check_labels(labels)
        if odd := more_than_one(labels):  # it trains, but not what was meant
            warnings.warn(f"{self.name} of {y_pred}: {odd}", stacklevel=4)


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


class FunctionLoss(Loss):
    """A user's function of (y_true, y_pred) that returns a tensor with one loss per sample."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]):
        name = getattr(function, "__name__", snake_case(type(function).__name__))
        super().__init__(name=name)
        arguments.function_of(f"loss {name!r}: function", function, ["y_true", "y_pred"])
        self.call = function  # type: ignore[assignment, method-assign]


LOSSES: dict[str, type[Loss]] = {
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
}


def get(loss: Any) -> Loss:
    """A loss by name, as it is, or around a function of (y_true, y_pred)."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, type) and issubclass(loss, Loss):
        return loss()
    return FunctionLoss(loss) if callable(loss) else lookup("loss", loss, LOSSES)()
