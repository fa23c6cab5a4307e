"""What a metric is: a number collected over batches; and the mean of one score per sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import wraps
from typing import Any

import numpy as np

from .. import arguments
from ..device import first_place
from ..engine.graph import Tensor
from ..naming import lookup, name_of, snake_case
from ..ops.losses import weighs
from ..recipes import Recipe


def of_labelled(update: Callable[..., None]) -> Callable[..., None]:
    """The method, refusing labels of NaN that nobody has said how to weigh: they are none."""

    @wraps(update)
    def checked(self: Metric, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if sample_weight is None and has_nan(labels := np.asarray(y_true)):
            row = first_place(np.isnan(labels))[0]
            raise ValueError(
                f"{self.name}: the label in row {row} is NaN, which is none: fit and evaluate "
                f"leave it out, and here a sample_weight of 0 does"
            )
        update(self, y_true, y_pred, sample_weight)

    return checked


class Metric(Recipe):
    """A number collected over batches: `reset`, `update` per batch, `result`.

    It is NaN until something has been counted.

    Parameters
    ----------
    name : str, optional
        Default: the class's name in snake_case.

    Attributes
    ----------
    higher_is_better : bool or None
        For callbacks that watch it. None: nobody can know.
    """

    higher_is_better: bool | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "update" in vars(cls):
            cls.update = of_labelled(cls.update)  # type: ignore[method-assign]

    def __init__(self, name: str | None = None):
        who = type(self).__name__
        self.name = snake_case(who) if name is None else arguments.name(f"{who}: name", name)
        self.reset()

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def reset(self) -> None:
        """Forget what was counted."""
        raise self._lacks()

    def _lacks(self) -> NotImplementedError:
        return NotImplementedError(
            f"{type(self).__name__} lacks a method of metrics: write reset(), update(y_true, "
            f"y_pred, sample_weight) and result() (Keras calls the first two reset_state and "
            f"update_state), or derive from MeanMetric, and write scores(y_true, y_pred) alone"
        )

    def fresh(self) -> Metric:
        """One like it that has counted nothing and counts for itself."""
        new = object.__new__(type(self))
        for name, value in vars(self).items():
            vars(new)[name] = value if name == "made_with" else deepcopy(value)
        new.reset()
        return new

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        """Count in a batch.

        Parameters
        ----------
        y_true, y_pred : ndarray
            Labels and predictions, of one shape; labels that are indices lack the last axis.
        sample_weight : array_like, optional
            How much each sample counts (0 or False: not at all), shape (samples,), or, where steps
            of a sequence are judged, (samples, steps).
        """
        raise self._lacks()

    def check_shapes(self, y_true: np.ndarray, y_pred: np.ndarray) -> None:
        """Refuse data that it cannot judge for their shapes; the numbers mean nothing."""

    def result(self) -> float:
        """The number for everything counted so far."""
        raise self._lacks()

    def for_logits(self) -> None:
        """Predictions are logits: a threshold that nobody has chosen is 0 then, instead of 1/2."""

    def for_several_labels(self) -> None:
        """Each number of an output says yes or no by itself: several classes may be right."""


class MeanMetric(Metric):
    """The weighted mean of a score per sample, which a subclass computes in `scores`."""

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """One number per sample, shape (samples,), or per step, (samples, steps)."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how good a prediction is: write scores()"
        )

    def reset(self) -> None:
        self.total = self.count = 0.0

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        y_true, y_pred = self.matched(np.asarray(y_true), np.asarray(y_pred))
        scores = checked_scores(self, self.scores(y_true, y_pred), y_pred.shape)
        weights = weights_like(self, sample_weight, scores)
        counts = weights != 0  # what does not count may be infinite or NaN
        self.total += float((weights[counts] * scores[counts]).sum())
        self.count += float(weights.sum())

    def matched(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Labels and predictions in one shape, or an error."""
        return same_shape(self, y_true, y_pred)

    def check_shapes(self, y_true: np.ndarray, y_pred: np.ndarray) -> None:
        y_true, y_pred = self.matched(y_true, y_pred)
        try:
            with np.errstate(all="ignore"):
                scores = self.fresh().scores(y_true, y_pred)  # type: ignore[attr-defined]
        except Exception:  # it may be particular about numbers
            return
        checked_scores(self, scores, y_pred.shape)

    def result(self) -> float:
        return self.total / self.count if self.count else float("nan")


def same_shape(
    metric: Metric, y_true: np.ndarray, y_pred: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Labels in the shape of the predictions, where only a last axis of length 1 differs.

    One number per sample, shape (samples,), is a column.
    """
    if y_pred.ndim == 1:
        y_pred = y_pred[:, None]
    for shape in ((*y_true.shape, 1), y_true.shape[:-1] if y_true.shape[-1:] == (1,) else None):
        if shape == y_pred.shape:
            y_true = y_true.reshape(shape)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{metric.name}: labels of shape {y_true.shape} for predictions of shape {y_pred.shape}"
        )
    return y_true, y_pred


def checked_scores(metric: Metric, scores: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Scores as an array, if there is one number for each sample, or each step, or each place."""
    found = np.asarray(scores)
    if found.ndim < 1 or found.shape != shape[: found.ndim] or found.dtype.kind not in "fiub":
        form = f"an array of shape {found.shape}, {found.dtype}"
        raise ValueError(
            f"{metric.name}: scores must be one number per sample, not "
            f"{form if found.ndim else arguments.shown(scores)} for predictions of shape {shape}: "
            f"take the mean over the last axis only, .mean(axis=-1)"
        )
    return found


def weights_like(metric: Metric, given: Any, scores: np.ndarray) -> np.ndarray:
    """How much each score counts, from one weight per sample, or per step."""
    weights = np.ones(()) if given is None else np.asarray(given, float)
    if weights.shape == scores.shape:
        return weights
    more_axes = weights.ndim > scores.ndim
    suits = weights.shape[: scores.ndim] == scores.shape
    if not (suits if more_axes else weighs(weights.shape, scores.shape)):
        raise ValueError(
            f"{metric.name}: sample_weight has shape {weights.shape} for {len(scores)} samples, "
            f"with scores of shape {scores.shape}: give one number for each sample"
        )
    if more_axes:  # a score for a whole sequence, which cannot leave out some of its steps
        weights = weights.reshape(*scores.shape, -1)
        if ((weights != 0).any(axis=-1) & (weights == 0).any(axis=-1)).any():
            raise ValueError(
                f"{metric.name}: one score for a whole sequence cannot leave out the steps that "
                f"are padding, or have no label: give a score for each step"
            )
        weights = weights.max(axis=-1)
    weights = weights.reshape(weights.shape + (1,) * (scores.ndim - weights.ndim))
    return np.broadcast_to(weights, scores.shape)


def has_nan(x: np.ndarray) -> bool:
    """Is there a NaN? So is the sum of all squares then, and only then."""
    return bool(np.isnan(np.vdot(x, x)))


class FunctionMetric(MeanMetric):
    """The mean of what a user's function of (y_true, y_pred) returns for each sample.

    Parameters
    ----------
    function : function
        It is given tensors, as a loss is, and returns a tensor or an array with one number for each
        sample, or each step. Labels are not brought into the shape of the predictions.
    name : str, optional
        Default: that of the function.

    Examples
    --------
    >>> def off(y_true, y_pred):
    ...     return abs(y_pred - y_true).max(axis=-1)
    >>> metric = FunctionMetric(off)
    >>> metric.update(np.array([[1.0, 2.0]]), np.array([[1.5, 5.0]]))
    >>> metric.name, metric.result()
    ('off', 3.0)
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Any], name: str | None = None):
        own = getattr(function, "__name__", snake_case(type(function).__name__))
        super().__init__(own if name is None else name)
        what = f"{self}: function" + (f" {name_of(function)}" if callable(function) else "")
        self.function = arguments.function_of(what, function, ["y_true", "y_pred"])

    def matched(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return y_true, y_pred

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        try:
            return array_of(self.function(*as_tensors(y_true, y_pred)))
        except Exception as error:
            error.add_note(
                f"in metric {self.name!r}, of labels of shape {y_true.shape} and predictions of "
                f"shape {y_pred.shape}, which are tensors: .numpy() makes arrays of them"
            )
            raise


def as_tensors(*arrays: np.ndarray) -> list[Tensor]:
    """Arrays as tensors of the same type."""
    return [Tensor(x, x.dtype) for x in arrays]


def array_of(x: Any) -> Any:
    return x.numpy() if isinstance(x, Tensor) else x


def one_of(metric: Metric, argument: str, given: Any, known: Sequence[str]) -> str | None:
    """A way to put several numbers together, or None: none."""
    if given is None:
        return None
    return lookup(argument, given, {name: name for name in known}, metric)


def refuse_several(metric: Metric, argument: str, y_pred: np.ndarray, known: Sequence[str]) -> None:
    """History holds numbers, so that one for each class must be put together."""
    if y_pred.shape[-1] > 1:
        raise ValueError(
            f"{metric.name}: {argument}=None gives a number for each of {y_pred.shape[-1]} "
            f"classes, and History holds one: say {argument}={' or '.join(map(repr, known))}"
        )
