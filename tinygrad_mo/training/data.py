"""What fit and evaluate were given, as batches that can be fed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from numpy.random import Generator

from .batches import ArrayBatches, Batches, StreamBatches, is_stream, split
from .objective import Objective


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
    if is_stream(x):
        for name, given in (("y", y), ("sample_weight", sample_weight), ("groups", groups)):
            if given is not None:
                raise ValueError(f"x yields whole batches (x, y, sample_weight): leave {name}")
        batches = stream(objective, x, steps_per_epoch, class_weight)
        if validation_split:
            raise ValueError("validation_split needs arrays: give validation_data")
        return batches, None
    if steps_per_epoch is not None:
        raise ValueError("steps_per_epoch is for an iterable of batches")
    data, held_out = objective.labelled_data(x, y, sample_weight), None
    weighted = objective.class_weighted(data, class_weight)
    if validation_split or groups is not None:
        weighted, _ = split(weighted, validation_split, groups)
        held_out = ArrayBatches(split(data, validation_split, groups)[1], batch_size)
    return ArrayBatches(weighted, batch_size, shuffler), held_out


def validation_batches(
    objective: Objective, given: Any, batch_size: int, steps: int | None
) -> Batches:
    """The batches of `validation_data`."""
    if is_stream(given):
        return stream(objective, given, steps)
    if steps is not None:
        raise ValueError("validation_steps is for an iterable of batches")
    if not isinstance(given, list | tuple) or len(given) not in (2, 3):
        kind = type(given).__name__
        raise TypeError(f"validation_data is (x, y) or (x, y, sample_weight), not {kind}")
    return ArrayBatches(objective.labelled_data(*given), batch_size)


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
        return stream(objective, x, steps, class_weight)
    if steps is not None:
        raise ValueError("steps is for an iterable of batches")
    data = objective.labelled_data(x, y, sample_weight, class_weight)
    return ArrayBatches(data, batch_size)


def stream(
    objective: Objective, x: Any, steps: int | None, class_weight: Any = None
) -> StreamBatches:
    """Batches as something yields them."""
    if is_balanced(class_weight):
        raise ValueError(
            "class_weight='balanced' counts all labels, and a batch that is yielded shows only "
            "its own: give numbers by class"
        )
    return StreamBatches(x, partial(label, objective, class_weight), steps)


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
