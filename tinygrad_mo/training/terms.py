"""One loss of a model: its scalar in the graph, and what it is fed.

A sample without a label (NaN, or the value that the loss declares as missing) is fed the weight
NaN, which `ops.weighted_mean` leaves out of sum and count: it has no gradient and changes no mean.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from .. import ops
from ..arguments import shown
from ..device import Array, first_place, floatx, to_numpy
from ..engine.calls import Call, inside
from ..engine.graph import Tensor, is_float
from ..engine.inputs import placeholder
from ..losses import BinaryCrossentropy, Hinge, Loss
from ..losses import get as get_loss
from ..losses.base import OfShares, unlabelled
from ..naming import unique_names
from ..network.feeding import as_numbers
from ..network.planning import NetworkPlan
from .weights import checked_weight


@dataclass(eq=False)
class LossCard:
    """What a loss is called in pictures and errors: the owner of the steps that compute it.

    It holds nothing of them, so that a compiled model is no circle, and is freed with its last
    reference.
    """

    name: str
    output: str | None = None
    kind = "loss"
    is_model = False

    @property
    def label(self) -> str:
        """Its key in History."""
        return self.name if self.output is None else f"{self.name}_loss"


@dataclass(eq=False)
class LossTerm(LossCard):
    """One loss of a model.

    Attributes
    ----------
    name : str
        What its weight is called: the output, or output and loss where an output has several.
    output : str or None
        The model's output that it judges; None for a loss that needs no labels.
    value : Tensor
        The scalar.
    count : Tensor or None
        Of how much it is the mean, or the sum. None: the mean of all samples of a batch.
    is_sum : bool
        Is it a sum? That of several batches is the sum of theirs, then.
    target, weights : Tensor or None
        What labels and sample weights are fed to. There is a weight for each number that the loss
        is the mean of: for each sample, or for each step of a sequence.
    mask : Tensor or None
        Which of these numbers are real, of an output that is padded.
    loss : Loss or None
    """

    value: Any = None
    count: Any = None
    is_sum: bool = False
    target: Any = None
    weights: Any = None
    mask: Any = None
    loss: Any = None

    def call(self) -> Call:
        """What the steps that compute it belong to."""
        return Call(LossCard(self.name, self.output))


def terms_of_output(name: str, output: Tensor, given: Any) -> list[LossTerm]:
    """The losses of one output, given as one or as a list; they share labels and weights."""
    chosen = [get_loss(one) for one in (given if isinstance(given, list | tuple) else [given])]
    if not chosen:
        raise ValueError(
            f"loss of output {name!r}: an empty list; None is an output without a loss"
        )
    kinds = {loss.sparse for loss in chosen}
    if len(kinds) > 1:
        raise ValueError(f"the losses of {name!r} need different labels: indices and one-hot")
    marks = {loss.missing for loss in chosen if loss.missing is not None}
    if len(marks) > 1:
        raise ValueError(
            f"the losses of {name!r} have different marks for a missing label: "
            f"{', '.join(map(str, sorted(marks)))}"
        )
    floats = output.dtype if is_float(output) else floatx()  # an output may be of whole numbers
    dtype = "int32" if kinds == {True} else floats
    target = placeholder(chosen[0].target_shape(output), dtype, f"{name} labels")
    names = [name]
    if len(chosen) > 1:
        names = unique_names([f"{name}_{loss.name}" for loss in chosen], ":")
    terms, calls, each = [], [], []
    for own, loss in zip(names, chosen, strict=True):
        warn_of_odd_pairs(name, output, loss)
        is_sum = check_is_one_number(name, loss)
        terms.append(LossTerm(own, name, is_sum=is_sum, target=target, mask=output.mask, loss=loss))
        calls.append(terms[-1].call())
        with inside(calls[-1]):
            labels = ops.labels_for(target, output, output=name)
            labels._name = target.name  # errors call them what they are
            each.append(loss.of_each(labels, output))
    shape = min((one.shape for one in each), key=len)
    weights = placeholder(shape, floats, f"{name} sample weights")
    for term, call, one in zip(terms, calls, each, strict=True):
        with inside(call):
            term.value, term.count = term.loss.reduced(one, weights, output.mask)
        term.weights = weights
    return terms


def check_is_one_number(output: str, loss: Loss) -> bool:
    """A loss that is trained must be one number. Is it a sum?"""
    if loss.reduction == "none":
        raise ValueError(
            f"loss {loss.name!r} of output {output!r}: with reduction='none' it is one number for "
            f"each sample, and a training minimises one for all: leave reduction out, or say 'sum'"
        )
    return loss.reduction == "sum"


def warn_of_odd_pairs(name: str, output: Tensor, loss: Loss) -> None:
    """Pairs of activation and loss that train, but not what was meant."""
    last = output.step.op.name if output.step else ""
    logits, binary = getattr(loss, "from_logits", None), isinstance(loss, BinaryCrossentropy)
    of_classes = isinstance(loss, OfShares) or (logits is not None and not binary)
    odd = ""
    if binary and last == "softmax":
        odd = "its softmax makes the classes exclude each other: use sigmoid, or categorical"
    elif of_classes and output.shape[-1] == 1:
        odd = "the share of one class alone is always 1: use sigmoid and binary_crossentropy"
    elif logits and last in ("sigmoid", "softmax"):
        odd = f"it is no logit any more, {last} was applied: leave out from_logits"
    elif isinstance(loss, Hinge) and last in ("sigmoid", "softmax"):
        odd = f"its {last} is never below 0, where a label of -1 wants it: leave out {last}"
    if odd:
        warnings.warn(f"{loss.name} on output {name!r}: {odd}", stacklevel=4)


def separate_missing(
    what: str, labels: np.ndarray, losses: Sequence[Loss], ndim: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels with a stand-in where they are missing, and which of what is judged have one.

    `losses` judge them. `ndim` is the number of axes over which a loss has a number: 1 for samples,
    2 for steps.
    """
    gone = np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(labels.shape, bool)
    for loss in losses:
        if loss.missing is not None:
            with np.errstate(over="ignore"):  # of a mark that float16 cannot hold
                gone = gone | (labels == loss.missing)
    labelled = ~unlabelled(what, gone, ndim)
    stand_in = max(loss.stand_in for loss in losses)
    return (np.where(gone, stand_in, labels) if gone.any() else labels), labelled


def sample_weights(name: str, given: Any, labelled: np.ndarray) -> np.ndarray:
    """The weights of what is judged, as they were given or 1; NaN where there is no label.

    `labelled` has their shape: (samples,), or (samples, steps ...) where steps are judged. Weights
    can be given for the samples alone.
    """
    shape = labelled.shape
    what = f"sample_weight of {name!r}"
    weights = np.ones(shape[:1]) if given is None else as_numbers(what, given).astype(float)
    if weights.shape not in (shape[:1], shape):
        single = f" or {shape}, one for each step" if len(shape) > 1 else ""
        raise ValueError(
            f"{what}: shape {weights.shape}, expected {shape[:1]}, one number for each sample"
            f"{single}"
        )
    wrong = ~np.isfinite(weights) | (weights < 0)
    if wrong.any():
        place = first_place(wrong)
        raise ValueError(
            f"{what}: that of sample {', '.join(map(str, place))} is {weights[place]}, it must be "
            f"finite, and 0 or more"
        )
    weights = weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))
    return np.where(labelled, weights, np.nan)


def labelled_in(term: LossTerm, feed: Mapping[Tensor, Any]) -> np.ndarray:
    """Which of what is judged have a label and are no padding: that follows from the inputs."""
    labelled = ~np.isnan(to_numpy(feed[term.weights]))
    if term.mask is None:
        return labelled
    plan = NetworkPlan([], [], fetch=[term.mask])
    return labelled & broadcast_right(
        plan.value(plan.forward(feed, keep=False), term.mask), labelled
    )


def broadcast_right(mask: Array, like: np.ndarray) -> np.ndarray:
    """A mask (samples, steps) over the further axes of an array that begins with these."""
    mask = to_numpy(mask)
    return mask.reshape(mask.shape + (1,) * (like.ndim - mask.ndim))


def classes_in(
    what: str, term: LossTerm, feed: Mapping[Tensor, Any], labelled: np.ndarray
) -> np.ndarray:
    """The class of each thing that is judged: whole numbers; any, where there is no label."""
    labels = to_numpy(feed[term.target])
    if labels.size == labelled.size:
        classes = labels.reshape(labelled.shape)
        wrong = classes != np.round(classes)
    elif labels.shape[:-1] == labelled.shape:  # one 1 in a row of 0
        classes = labels.argmax(axis=-1)
        wrong = (labels.max(axis=-1) != 1) | ((labels != 0).sum(axis=-1) != 1)
    else:
        classes, wrong = np.zeros(labelled.shape), np.ones(labelled.shape, bool)
    if (wrong & labelled).any():
        place = first_place(wrong & labelled)
        raise ValueError(
            f"{what}: its labels are not one class per sample: a whole number, or a one-hot row; "
            f"that of sample {', '.join(map(str, place))} is {shown(labels[place].tolist())}"
        )
    return classes.astype(int)


def class_weights(
    what: str, given: Any, classes: np.ndarray, labelled: np.ndarray, known: set[int] | None
) -> np.ndarray:
    """For what is judged, the weight of its class. "balanced": all classes count the same.

    `known`: the classes that there are, if it is known.
    """
    if isinstance(given, str) and given == "balanced":
        found, counts = np.unique(classes[labelled], return_counts=True)
        given = {
            int(c): labelled.sum() / (len(found) * n) for c, n in zip(found, counts, strict=True)
        }
    if not isinstance(given, Mapping):
        raise ValueError(f"{what} is 'balanced' or a dict by class, not {given!r}")
    those = "a class is a whole number"
    if known is not None:
        those = f"known: {', '.join(map(str, sorted(known)))}"
    for c, weight in given.items():
        is_whole = isinstance(c, Real) and float(c).is_integer()
        if not is_whole or (known is not None and c not in known):
            raise ValueError(f"{what}: no label is {c!r}; {those}")
        if not isinstance(weight, int | float | np.number) or not 0 <= weight < np.inf:
            raise ValueError(f"{what}: the weight of {c!r} cannot be {weight!r}")
    weights = [given.get(c, 1.0) for c in classes.reshape(-1).tolist()]
    return np.array(weights, float).reshape(classes.shape)


def weights_by_term(given: Any, terms: Collection[LossTerm]) -> Any:
    """Loss weights where an output has several losses: its name stands for all of them."""
    if not isinstance(given, Mapping):
        return given
    spread = {t.name: checked_weight(t.name, given[t.output]) for t in terms if t.output in given}
    names, outputs = {t.name for t in terms}, {t.output for t in terms}
    return spread | {n: f for n, f in given.items() if n in names or n not in outputs}
