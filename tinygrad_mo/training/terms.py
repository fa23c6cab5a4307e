"""One loss of a model: its scalar in the graph, and what it is fed.

A sample without a label (NaN, or the value that the loss declares as missing) is fed the weight
NaN, which `ops.weighted_mean` leaves out of sum and count: it has no gradient and changes no mean.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import losses
from ..engine.calls import Call, inside
from ..engine.graph import Tensor, placeholder
from ..naming import unique_names
from ..network.feeding import as_numbers


@dataclass(eq=False)
class LossTerm:
    """One loss of a model.

    Attributes
    ----------
    name : str
        What its weight is called: the output, or output and loss where an output has several.
    output : str or None
        The model's output that it judges; None for a loss that needs no labels.
    value : Tensor
        The scalar.
    target, weights : Tensor or None
        What labels and sample weights are fed to.
    """

    name: str
    output: str | None = None
    value: Any = None
    target: Any = None
    weights: Any = None
    loss: Any = None
    kind = "loss"
    is_model = False

    @property
    def label(self) -> str:
        """Its key in History."""
        return self.name if self.output is None else f"{self.name}_loss"


def terms_of_output(name: str, output: Tensor, given: Any) -> list[LossTerm]:
    """The losses of one output, given as one or as a list; they share labels and weights."""
    chosen = [losses.get(one) for one in (given if isinstance(given, list | tuple) else [given])]
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
    dtype = "int32" if kinds == {True} else output.dtype
    target = placeholder(chosen[0].target_shape(output), dtype, f"{name} labels")
    weights = placeholder((None,), output.dtype, f"{name} sample weights")
    names = [name]
    if len(chosen) > 1:
        names = unique_names([f"{name}_{loss.name}" for loss in chosen], ":")
    terms = []
    for own, loss in zip(names, chosen, strict=True):
        warn_of_odd_pairs(name, output, loss)
        term = LossTerm(own, name, None, target, weights, loss)
        with inside(Call(term)):
            term.value = loss(target, output, weights)
        terms.append(term)
    return terms


def warn_of_odd_pairs(name: str, output: Tensor, loss: losses.Loss) -> None:
    """Pairs of activation and loss that train, but not what was meant."""
    last = output.step.op.name if output.step else ""
    logits, binary = getattr(loss, "from_logits", None), isinstance(loss, losses.BinaryCrossentropy)
    odd = ""
    if binary and last == "softmax":
        odd = "its softmax makes the classes exclude each other: use sigmoid, or categorical"
    elif logits is not None and not binary and output.shape[-1] == 1:
        odd = "the share of one class alone is always 1: use sigmoid and binary_crossentropy"
    elif logits and last in ("sigmoid", "softmax"):
        odd = f"it is no logit any more, {last} was applied: leave out from_logits"
    if odd:
        warnings.warn(f"{loss.name} on output {name!r}: {odd}", stacklevel=4)


def separate_missing(
    what: str, labels: np.ndarray, missing: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Labels with a stand-in where they are missing, and which samples have one."""
    gone = np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(labels.shape, bool)
    if missing is not None:
        gone = gone | (labels == missing)
    rows = gone.reshape(len(labels), -1) if gone.size else np.zeros((len(labels), 1), bool)
    partly = rows.any(axis=1) & ~rows.all(axis=1)
    if partly.any():
        raise ValueError(
            f"{what}: row {int(partly.argmax())} has labels for a part of the output only; give "
            f"each part an output of its own"
        )
    return (np.where(gone, 0, labels) if gone.any() else labels), np.logical_not(rows.any(axis=1))


def sample_weights(
    name: str, given: Any, classes: Any, labels: np.ndarray, labelled: np.ndarray, count: int = 0
) -> np.ndarray:
    """The weight of each sample: its own times that of its class; NaN where it has no label.

    `count`: of the classes that there are, even where no label of this batch says so.
    """
    size = len(labels)
    what = f"sample_weight of {name!r}"
    weights = np.ones(size) if given is None else as_numbers(what, given).astype(float)
    if weights.shape != (size,):
        raise ValueError(
            f"{what}: shape {weights.shape}, expected ({size},), one number for each sample"
        )
    if not np.isfinite(weights).all():
        row = int((~np.isfinite(weights)).argmax())
        raise ValueError(f"{what}: that of sample {row} is {weights[row]}, it must be finite")
    if classes is not None:
        weights = weights * class_weights(name, classes, labels, labelled, count)
    return np.where(labelled, weights, np.nan)


def class_weights(
    name: str, given: Any, labels: np.ndarray, labelled: np.ndarray, count: int = 0
) -> np.ndarray:
    """By sample, the weight of its class. "balanced": all classes together count the same."""
    if labels.ndim > 1 and labels.shape[-1] > 1:
        labels = labels.argmax(axis=-1)
    classes = labels.reshape(len(labels), -1)
    if classes.shape[1] != 1 or (classes != np.round(classes)).any():
        raise ValueError(
            f"class_weight of {name!r}: its labels are not one class per sample: a whole number, "
            f"or a one-hot row"
        )
    classes = classes[:, 0].astype(int)
    known, counts = np.unique(classes[labelled], return_counts=True)
    if given == "balanced":
        given = {
            int(c): labelled.sum() / (len(known) * n) for c, n in zip(known, counts, strict=True)
        }
    if not isinstance(given, Mapping):
        raise ValueError(
            f"class_weight of {name!r} is 'balanced' or a dict by class, not {given!r}"
        )
    for c, weight in given.items():
        if c not in known and c not in range(count):
            raise ValueError(
                f"class_weight of {name!r}: no label is {c!r}; known: "
                f"{', '.join(map(str, known.tolist()))}"
            )
        if not isinstance(weight, int | float | np.number) or not 0 <= weight < np.inf:
            raise ValueError(f"class_weight of {name!r}: the weight of {c!r} cannot be {weight!r}")
    table = dict.fromkeys(known.tolist(), 1.0) | dict(given)
    return np.array([table.get(c, 1.0) for c in classes.tolist()])


def weights_by_term(given: Any, terms: Sequence[LossTerm]) -> Any:
    """Loss weights where an output has several losses: its name stands for all of them."""
    if not isinstance(given, Mapping):
        return given
    spread = {t.name: given[t.output] for t in terms if t.output in given}
    names, outputs = {t.name for t in terms}, {t.output for t in terms}
    return spread | {n: f for n, f in given.items() if n in names or n not in outputs}
