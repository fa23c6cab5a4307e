"""What a loss is: one number per sample, weighted, and made one number for a batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .. import arguments, ops
from ..device import first_place, to_numpy, xp
from ..engine.calls import Call, current_call, inside
from ..engine.graph import Tensor
from ..naming import lookup, snake_case
from ..ops.losses import check_labels, more_than_one, weighs
from ..recipes import Recipe, refuse_unknown

REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight", "sum", "none")


class Loss(Recipe):
    """The common part: one loss per sample, weighted and averaged.

    A subclass writes `call(y_true, y_pred)`, which returns the loss of each sample (all axes but
    the last are samples).

    Parameters
    ----------
    reduction : str
        "sum_over_batch_size": sum(weight * loss) / N, where samples of weight 0 count, too.
        "mean_with_sample_weight": divided by the sum of the weights instead.
        "sum": sum(weight * loss), not divided: a step pulls in proportion to its batch. What
        `evaluate` and History say is the sum over all samples, whatever the batches (beside a loss
        that is a mean, its share of an epoch is larger, therefore, than its share of a step).
        "none": weight * loss of each sample, 0 where it does not count; not for `compile`, which
        needs one number.
    name : str, optional
        Default: the class's name in snake_case.
    missing : float, optional
        A label that means "not labelled"; NaN always does. Such samples do not count.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> y, p = [[0.0], [0.0]], [[1.0], [3.0]]
    >>> for reduction in ("sum_over_batch_size", "sum", "none"):
    ...     print(tg.losses.MeanSquaredError(reduction)(y, p).numpy())
    5.0
    10.0
    [1. 9.]
    """

    is_model = False
    sparse = False  # are labels the indices of classes?
    stand_in = 0.0  # takes the place of a label that is missing

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
        """The loss of a batch, as a scalar tensor; with reduction "none", that of each sample.

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
            labels = y_true if gone is None else ops.where(gone, self.stand_in, y_true)
            each = self.of_each(labels, y_pred)
            weights = one(each.dtype, xp())
            if sample_weight is not None:
                weights = self.checked_weights(as_tensor(sample_weight), each)
            if gone is not None:
                weights = only_labelled(self.name, weights, gone, each)
            return self.reduced(each, weights, y_pred.mask)[0]

    def without_label(self, y_true: Tensor) -> Tensor | None:
        """Where labels are missing; None if they are nowhere, as far as one can know."""
        of_floats = y_true.value is not None and y_true.dtype.kind == "f"
        if self.missing is None and not of_floats:  # what is fed to an Input is never NaN
            return None
        if y_true.value is None:
            return ops.equal(y_true, self.missing)
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
        if y_true.value is not None and not self.sparse:  # an index is checked where it is used
            self.check_labels(to_numpy(y_true.value), y_pred)
        each = self.called(y_true, y_pred)
        found = each.shape if isinstance(each, Tensor) else None
        if not found or found != y_pred.shape[: len(found)]:
            made = repr(each) if found is None else f"a tensor of shape {found}"
            raise ValueError(
                f"loss {self.name!r} must return one number per sample, not {made} for "
                f"predictions {y_pred}: {self.how_to_keep_samples(y_pred)}"
            )
        return each

    def called(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each sample; where it is not computed with tensors, that is said."""
        try:
            return self.call(y_true, y_pred)
        except TypeError as error:
            if y_pred.value is None:
                error.add_note(
                    f"in loss {self.name!r} of {y_pred}: it is made before there are data, so "
                    f"compute with tensors to the end, without float(), .numpy() or if"
                )
            raise

    def how_to_keep_samples(self, y_pred: Tensor) -> str:
        """What to do about a loss that is not one number per sample."""
        if y_pred.ndim == 1:
            return "give them an axis behind the samples, [:, None]"
        return "take the mean over the last axis only, .mean(axis=-1)"

    def check_labels(self, labels: np.ndarray, y_pred: Tensor) -> None:
        """Refuse labels that no prediction could match. What is missing is `stand_in` here."""

    def checked_weights(self, weights: Tensor, each: Tensor) -> Tensor:
        """Weights of samples, or of steps; one number is that of all."""
        if not weighs(weights.shape, each.shape):
            steps = f" or {each.shape}, one for each step" if each.ndim > 1 else ""
            raise ValueError(
                f"{self.name}: sample_weight has shape {weights.shape}, expected "
                f"{each.shape[:1]}, one number for each sample{steps}"
            )
        return weights

    def reduced(
        self, each: Tensor, weights: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """One number from the samples' losses, and of how much it is the mean, or the sum.

        With reduction "none" it is a number for each sample, and nothing is counted.
        """
        if mask is not None and mask.ndim > each.ndim:
            raise ValueError(
                f"loss {self.name!r} is one number for a whole sequence, {each}, so it cannot "
                f"leave out the steps that the mask {mask} marks as padding: return one per step"
            )
        if mask is not None and mask.ndim < each.ndim:
            mask = mask[(..., *[None] * (each.ndim - mask.ndim))]
        if self.reduction == "none":
            return weighted(each, weights, mask), None
        if self.reduction == "sum":
            return ops.weighted_sum(each, weights, mask)
        by_weight = self.reduction == "mean_with_sample_weight"
        return ops.weighted_mean(each, weights, mask, by_weight=by_weight)

    def target_shape(self, y_pred: Tensor) -> tuple[int | None, ...]:
        """The shape of the labels that belong to a prediction."""
        return y_pred.shape[:-1] if self.sparse else y_pred.shape


class OfShares(Loss):
    """The common part of losses whose labels are shares of classes, one-hot or soft."""

    def check_labels(self, labels: np.ndarray, y_pred: Tensor) -> None:
        check_labels(labels)
        if odd := more_than_one(labels):  # it trains, but not what was meant
            warnings.warn(f"{self.name} of {y_pred}: {odd}", stacklevel=4)


def weighted(each: Tensor, weights: Tensor, mask: Tensor | None) -> Tensor:
    """Losses times their weights, and 0 where the weight is 0 or NaN, or the mask is False."""
    if 0 < weights.ndim < each.ndim:
        weights = weights[(..., *[None] * (each.ndim - weights.ndim))]
    counts = ops.greater(abs(weights), 0)  # NaN, which marks what has no label, is not
    if mask is not None:
        counts = ops.logical_and(counts, mask)
    found = ops.where(counts, ops.where(counts, weights, 0) * each, 0)
    found.mask = None  # what is padding is 0 already
    return found


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


@cache
def one(dtype: Any, library: Any) -> Tensor:
    """The weight of every sample where none are given, with the arrays of a library."""
    return Tensor(library.ones((), dtype))


def as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


class FunctionLoss(Loss):
    """A user's function of (y_true, y_pred) that returns a tensor with one loss per sample."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]):
        name = getattr(function, "__name__", snake_case(type(function).__name__))
        super().__init__(name=name)
        arguments.function_of(f"loss {name!r}: function", function, ["y_true", "y_pred"])
        self.call = function  # type: ignore[assignment, method-assign]

    def how_to_keep_samples(self, y_pred: Tensor) -> str:
        if y_pred.ndim == 1:
            return (
                "give them an axis behind the samples, [:, None], and take the mean over the last "
                "axis only, .mean(axis=-1)"
            )
        return super().how_to_keep_samples(y_pred)
