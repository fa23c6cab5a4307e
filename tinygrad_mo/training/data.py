"""What fit and evaluate were given, as batches that can be fed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from .. import arguments
from .batches import (
    ArrayBatches,
    Batches,
    Feed,
    StreamBatches,
    count,
    held_back,
    is_stream,
    kind_of,
    noted,
    refuse_list_of_batches,
)
from .objective import Objective
from .states import refuse_other_batches


def training_batches(
    objective: Objective,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    *,
    batch_size: int,
    shuffler: Generator | None,
    steps_per_epoch: int | None,
    validation_split: float,
    groups: Any,
) -> tuple[Batches, Batches | None]:
    """The batches to train on, and those that are held back; the arguments are those of `fit`."""
    validation_split = arguments.share("validation_split", validation_split)
    if is_stream(x):
        refuse_beside_stream(y=y, sample_weight=sample_weight, groups=groups)
        if validation_split:
            raise ValueError("validation_split needs arrays: give validation_data")
        return stream(objective, x, steps_per_epoch, "steps_per_epoch", class_weight), None
    if steps_per_epoch is not None:
        raise ValueError("steps_per_epoch is for an iterable of batches")
    if y is None and objective.judged():
        refuse_list_of_batches("x", x)
    data = objective.labelled_data(x, y, sample_weight)
    early, late = np.arange(count(data)), None
    if validation_split or groups is not None:
        is_late = held_back(count(data), validation_split, groups)
        early, late = early[~is_late], early[is_late]
    refuse_other_batches(objective.contents, len(early), batch_size, shuffler is not None)
    # balanced with what is trained on; a class that only the others have is no mistake
    weighted = objective.class_weighted(part(data, early), class_weight, whole=data)
    held_out = None if late is None else ArrayBatches(part(data, late), batch_size, numbers=late)
    return ArrayBatches(weighted, batch_size, shuffler, early), held_out


def part(data: Feed, numbers: np.ndarray) -> Feed:
    """Some of the samples."""
    if len(numbers) == count(data):
        return data
    return {tensor: array[numbers] for tensor, array in data.items()}


def validation_batches(
    objective: Objective, given: Any, batch_size: int, steps: int | None
) -> Batches:
    """The batches of `validation_data`."""
    if is_stream(given):
        return stream(objective, given, steps, "validation_steps")
    if steps is not None:
        raise ValueError("validation_steps is for an iterable of batches")
    if not isinstance(given, list | tuple) or len(given) not in (2, 3):
        refuse_list_of_batches("validation_data", given)
        raise TypeError(f"validation_data is (x, y) or (x, y, sample_weight), not {kind_of(given)}")
    with noted("in validation_data"):
        try:
            data = objective.labelled_data(*given)
        except (TypeError, ValueError):
            refuse_list_of_batches("validation_data", given)  # it may be two or three of them
            raise
        return ArrayBatches(data, batch_size)


def evaluated_batches(
    objective: Objective,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    batch_size: int,
    steps: int | None,
) -> Batches:
    """The batches of `evaluate`."""
    if is_stream(x):
        refuse_beside_stream(y=y, sample_weight=sample_weight)
        return stream(objective, x, steps, "steps", class_weight)
    if steps is not None:
        raise ValueError("steps is for an iterable of batches")
    if y is None and objective.judged():
        refuse_list_of_batches("x", x)
    data = objective.labelled_data(x, y, sample_weight)
    return ArrayBatches(objective.class_weighted(data, class_weight, whole=data), batch_size)


def refuse_beside_stream(**options: Any) -> None:
    """Batches bring all that belongs to them."""
    for name, given in options.items():
        if given is not None:
            raise ValueError(f"x yields whole batches (x, y, sample_weight): leave {name}")


def stream(
    objective: Objective, x: Any, steps: int | None, option: str, class_weight: Any = None
) -> StreamBatches:
    """Batches as something yields them."""
    if is_balanced(class_weight):
        raise ValueError(
            "class_weight='balanced' counts all labels, and a batch that is yielded shows only "
            "its own: give numbers by class"
        )
    return StreamBatches(x, partial(label, objective, class_weight), steps, option)


def label(
    objective: Objective, class_weight: Any, x: Any, y: Any, sample_weight: Any = None
) -> Any:
    """One batch, matched and checked."""
    return objective.labelled_data(x, y, sample_weight, class_weight)


def is_balanced(class_weight: Any) -> bool:
    """Is "balanced" asked for, for some output?"""
    every = class_weight.values() if isinstance(class_weight, Mapping) else class_weight
    return class_weight == "balanced" or (
        isinstance(class_weight, Mapping | list | tuple)
        and any(isinstance(one, str) and one == "balanced" for one in every)
    )
