"""What belongs to what: values and arrays given by order or by name, matched and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..arguments import whole
from ..device import first_place, to_numpy, xp
from ..engine.graph import Tensor
from ..naming import did_you_mean
from ..ops.contract import check_holds, check_plain


def match(
    what: str, given: Any, names: Sequence[str], *, by_name_only: bool = False, repeat: bool = False
) -> dict[str, Any]:
    """Values by name, from one value, a list in the order of `names`, or a dict.

    Parameters
    ----------
    what : str
        What the values are, in the plural, for errors.
    given : value, list, tuple or dict
        A dict may leave names out; unknown names are errors.
    names : sequence of str
        Of inputs, outputs ..., in their declared order.
    by_name_only : bool
        The names came from a dict, so a list in some order could be read in two ways: refuse it.
    repeat : bool
        One value stands for all names.
    """
    names = list(names)
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                raise ValueError(f"{what}: there is no {name!r}; {did_you_mean(name, names)}")
        return {name: given[name] for name in names if name in given}
    by_order, by_name_only = ", ".join(names), by_name_only and len(names) > 1
    if isinstance(given, list | tuple):
        if by_name_only and names == sorted(names):  # other names may have two orders
            raise ValueError(
                f"{what}: the model was made with a dict, so a dict with its keys is needed, not a "
                f"list: {by_order}"
            )
        if by_name_only:
            raise ValueError(
                f"{what}: a list can be read in two ways, since the model was made with a dict: in "
                f"its order ({by_order}), or sorted ({', '.join(sorted(names))}). Give a dict with "
                f"these keys"
            )
        if len(given) != len(names):
            raise ValueError(
                f"{what}: {len(given)} given for {len(names)}: {by_order}. Give one for each, in "
                f"this order, or a dict by name"
            )
        return dict(zip(names, given, strict=True))
    if len(names) == 1 or repeat:
        return dict.fromkeys(names, given)
    form = "a dict with these keys" if by_name_only else "a list in this order, or a dict by name"
    raise ValueError(
        f"{what}: one {type(given).__name__} given for {len(names)}: {by_order}. Give {form}"
    )


def arrays_for(
    what: str, tensors: Mapping[str, Tensor], given: Any, by_name_only: bool = False
) -> dict[str, np.ndarray]:
    """Data matched to tensors by name, each checked and cast to the tensor's type.

    Raises
    ------
    ValueError, TypeError
        Naming the array, what is wrong with it, and the fix.
    """
    raw = matched_arrays(what, tensors, given, by_name_only)
    lengths = {name: len(array) for name, array in raw.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{what}: different numbers of samples: {counted(lengths)}")
    return {name: cast(f"{what} {name!r}", raw[name], tensors[name]) for name in tensors}


def matched_arrays(
    what: str,
    tensors: Mapping[str, Tensor],
    given: Any,
    by_name_only: bool = False,
    origin: Callable[[str], str] | None = None,
) -> dict[str, np.ndarray]:
    """Arrays of numbers that have the tensors' shapes, by name and as they were given.

    `origin` says of labels why they must have the shape that they must have. Default: these are no
    labels, and it is the line of the Input.
    """
    if given is None and not tensors:
        return {}
    if given is None:
        expected = ", ".join(f"{name!r} {t.shape}" for name, t in tensors.items())
        raise ValueError(f"{what}: none given; expected: {expected}")
    if len(tensors) == 1 and isinstance(given, list | tuple):
        (tensor,) = tensors.values()
        if len(given) != 1 or is_one_sample(given, tensor):
            given = [given]  # rows of numbers for the only one
    matched = match(what, given, list(tensors), by_name_only=by_name_only)
    matched = {name: one for name, one in matched.items() if one is not None}
    missing = [name for name in tensors if name not in matched]
    if missing:
        raise ValueError(f"{what}: {', '.join(map(repr, missing))} missing; given: {list(matched)}")
    raw = {name: as_numbers(f"{what} {name!r}", matched[name]) for name in tensors}
    if origin:
        raw = {name: without_last_axis(array, tensors[name]) for name, array in raw.items()}
    wrong = [name for name in tensors if not fits(raw[name], tensors[name])]
    if wrong:
        name = wrong[0]
        file, line = tensors[name].site
        why = origin(name) if origin else f"as its Input was made at {file}:{line}"
        raise ValueError(
            f"{what} {name!r}: shape {raw[name].shape}, expected {tensors[name].shape}, {why}"
            + swap_hint(raw, tensors)
        )
    for name, array in raw.items():
        if 0 in array.shape[1:]:
            raise ValueError(
                f"{what} {name!r}: shape {array.shape}: the samples are empty, axis "
                f"{array.shape.index(0, 1)} has length 0"
            )
    return raw


def is_one_sample(given: Sequence[Any], tensor: Tensor) -> bool:
    """Is a list of one thing the data, and not the one array for the only tensor?"""
    axes, inside = len(tensor.shape), np.ndim(given[0])
    if inside != axes - 1:
        return inside < axes
    return fits(np.asarray(given), tensor)  # if it does not, the last axis of length 1 is left out


def without_last_axis(labels: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Labels in a column, (samples, 1), where (samples,) is meant."""
    is_column = labels.ndim == len(tensor.shape) + 1 and labels.shape[-1] == 1
    return labels[..., 0] if is_column and fits(labels[..., 0], tensor) else labels


def counted(lengths: Mapping[str, int]) -> str:
    """
    >>> counted({"title": 4, "extra": 3})
    '4 in title, 3 in extra'
    """
    return ", ".join(f"{n} in {name}" for name, n in lengths.items())


def check_batch_size(size: Any) -> None:
    whole("batch_size", size, at_least=1)


def as_numbers(label: str, value: Any) -> np.ndarray:
    check_plain(value, label)
    try:
        array = to_numpy(value)
    except ValueError as error:
        raise ValueError(f"{label}: a ragged list, its rows differ in length; pad them") from error
    if array.dtype.kind not in "fiub":
        first = str(array.reshape(-1)[:1].tolist())[:60]
        raise TypeError(
            f"{label}: numbers are needed, not {array.dtype}, which starts with {first}"
        )
    return array


def fits(array: np.ndarray, tensor: Tensor) -> bool:
    """Does the array have the tensor's shape, apart from the batch and a trailing 1?"""
    shape = tensor.shape
    if array.ndim == len(shape) - 1 and shape[-1] == 1:
        shape = shape[:-1]
    return array.ndim == len(shape) and all(
        n is None or n == m for n, m in zip(shape[1:], array.shape[1:], strict=True)
    )


def swap_hint(raw: Mapping[str, np.ndarray], tensors: Mapping[str, Tensor]) -> str:
    for a, b in combinations(tensors, 2):
        if fits(raw[a], tensors[b]) and fits(raw[b], tensors[a]):
            return f". Did you swap {a!r} and {b!r}?"
    return ""


def cast(label: str, array: np.ndarray, tensor: Tensor) -> np.ndarray:
    if array.dtype.kind == "f":
        bad = ~np.isfinite(array)
        if bad.any():
            where = first_place(bad)
            raise ValueError(
                f"{label}: {bad.sum()} NaN or infinite values, the first at {where}; replace them, "
                f"or leave out these samples"
            )
    check_holds(label, array, tensor.dtype)
    if array.ndim < len(tensor.shape):
        array = array[..., None]
    return xp().asarray(array, tensor.dtype)
