"""The attributes of a step: known when it is wired, its own, and no way to pick among samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import arguments, ops
from ..ops import Op
from .operators import Operators


def own_attributes(op: Op, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Copies, which later changes of the originals cannot reach."""
    if not attributes:
        return {}
    if op.takes_training and "training" in attributes:
        raise TypeError(
            f"{op.name}: of tensors, fit and train_on_batch say whether it is training, nobody "
            f"else: leave training out, or give plain arrays, which return (y, pullbacks)"
        )
    return {
        name: value if type(value) in PLAIN else own(f"{op.name}: {name}", value)
        for name, value in attributes.items()
    }


PLAIN = frozenset([bool, int, float, str, type(None)])  # which nobody can change


def own(what: str, value: Any) -> Any:
    if isinstance(value, Operators):
        raise TypeError(f"{what} is the tensor {value}, but {instead_of_tensor(what, value)}")
    if isinstance(value, list | tuple):
        several = [own(what, one) for one in value]
        return several if isinstance(value, list) else tuple(several)
    if isinstance(value, slice):
        return slice(*[own(what, one) for one in (value.start, value.stop, value.step)])
    if isinstance(value, np.generic):
        return value.item()
    is_array = hasattr(value, "dtype") and not isinstance(value, type)
    return value.copy() if is_array else value


def instead_of_tensor(what: str, value: Any) -> str:
    """What is needed where a tensor was given, and what does the same."""
    has_value = value.value is not None
    known = "must be known when the graph is wired" + ", as its .numpy() is" * has_value
    if not what.startswith("getitem"):
        return known
    if np.dtype(value.dtype).kind == "b":
        return f"{known}; ops.where(condition, x, 0) is an op that chooses by a tensor"
    return f"{known}; ops.embedding(ids, table) is an op that picks rows of a matrix by a tensor"


def check_samples_stay(op: Op, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> None:
    """An index takes the whole batch, as it is: which samples come together is chance."""
    if op is not ops.getitem:
        return
    x, axis = inputs[0], 0
    for part in parts_of(attributes["index"], x.ndim):
        for a in range(axis, axis + axes_of(part)):
            if is_batch(x, a) and not is_all(part):
                raise ValueError(
                    f"{x}[{shown(attributes['index'])}] would pick among the samples of a batch "
                    f"(axis {a}), and which come together in one is chance: leave that axis whole, "
                    f"as x[:, ...] does, and choose samples in the data"
                )
        axis += axes_of(part)


def is_batch(x: Any, axis: int) -> bool:
    """Is this axis of a symbolic tensor the one of the samples? A graph is wired on none."""
    return bool(x.samples) and all(np.shape(one)[axis : axis + 1] == (0,) for one in x.samples)


def parts_of(index: Any, ndim: int) -> list[Any]:
    """An index with a part for every axis: full slices for `...` and for what is left out.

    >>> parts_of((0, ..., None), 3)
    [0, slice(None, None, None), slice(None, None, None), None]
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    place = next((i for i, part in enumerate(parts) if part is ...), len(parts))
    parts[place : place + 1] = []
    return parts[:place] + [slice(None)] * (ndim - sum(map(axes_of, parts))) + parts[place:]


def axes_of(part: Any) -> int:
    """How many axes a part of an index reads: an array of booleans reads its own number."""
    if part is None:
        return 0
    array = part if isinstance(part, slice) or hasattr(part, "dtype") else np.asarray(part)
    return array.ndim if getattr(array, "dtype", np.dtype(int)).kind == "b" else 1


def is_all(part: Any) -> bool:
    return isinstance(part, slice) and (part.start or 0, part.stop, part.step or 1) == (0, None, 1)


def shown(index: Any) -> str:
    """An index as it is written.

    >>> shown((slice(None, None, -1), 0, ...))
    '::-1, 0, ...'
    """
    if isinstance(index, tuple):
        return ", ".join(map(shown, index))
    if isinstance(index, slice):
        start, stop, step = (
            "" if n is None else str(n) for n in (index.start, index.stop, index.step)
        )
        return f"{start}:{stop}" + f":{step}" * bool(step)
    if isinstance(index, np.ndarray):
        return f"array of shape {index.shape}"
    return "..." if index is ... else arguments.shown(index)
