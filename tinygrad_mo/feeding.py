"""What belongs to what: values and arrays given by order or by name, matched and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from .backend import xp
from .graph import Tensor
from .naming import did_you_mean


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
    if isinstance(given, list | tuple):
        if len(given) != len(names):
            raise ValueError(
                f"{what}: {len(given)} given for {len(names)}: {', '.join(names)}. Give one for "
                f"each, in this order, or a dict by name"
            )
        if by_name_only and len(names) > 1:
            by_order = ", ".join(names)
            raise ValueError(
                f"{what}: a list can be read in two ways, since the outputs are a dict: in its "
                f"order ({by_order}), or sorted ({', '.join(sorted(names))}). Give a dict with "
                f"these keys"
            )
        return dict(zip(names, given, strict=True))
    if len(names) == 1 or repeat:
        return dict.fromkeys(names, given)
    raise ValueError(
        f"{what}: one {type(given).__name__} given for {len(names)}: {', '.join(names)}. Give a "
        f"list in this order, or a dict by name"
    )


def arrays_for(what: str, tensors: Mapping[str, Tensor], given: Any) -> dict[str, np.ndarray]:
    """Data matched to tensors by name, each checked and cast to the tensor's type.

    Raises
    ------
    ValueError, TypeError
        Naming the array, what is wrong with it, and the fix.
    """
    raw = matched_arrays(what, tensors, given)
    lengths = {name: len(array) for name, array in raw.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{what}: the arrays hold different numbers of samples: {lengths}")
    return {name: cast(f"{what} {name!r}", raw[name], tensors[name]) for name in tensors}


def matched_arrays(
    what: str, tensors: Mapping[str, Tensor], given: Any, by_name_only: bool = False
) -> dict[str, np.ndarray]:
    """Arrays of numbers that have the tensors' shapes, by name and as they were given."""
    if len(tensors) == 1 and isinstance(given, list | tuple):
        (tensor,) = tensors.values()
        if len(given) != 1 or np.ndim(given[0]) < len(tensor.shape) - (tensor.shape[-1:] == (1,)):
            given = [given]  # rows of numbers for the only one
    matched = match(what, given, list(tensors), by_name_only=by_name_only)
    missing = [name for name in tensors if name not in matched]
    if missing:
        raise ValueError(f"{what}: {', '.join(map(repr, missing))} missing; given: {list(matched)}")
    raw = {name: as_numbers(f"{what} {name!r}", matched[name]) for name in tensors}
    wrong = [name for name in tensors if not fits(raw[name], tensors[name])]
    if wrong:
        name = wrong[0]
        raise ValueError(
            f"{what} {name!r} has shape {raw[name].shape}, expected {tensors[name].shape}"
            + swap_hint(raw, tensors)
        )
    return raw


def as_numbers(label: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{label} is ragged: its rows have different lengths; pad them") from error
    if array.dtype.kind not in "fiub":
        first = str(array.reshape(-1)[:1].tolist())[:60]
        raise TypeError(f"{label} must hold numbers, not {array.dtype} (it starts with {first})")
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
    dtype = np.dtype(tensor.dtype)
    if array.dtype.kind == "f":
        bad = ~np.isfinite(array)
        if bad.any():
            where = tuple(int(axis[0]) for axis in bad.nonzero())
            raise ValueError(
                f"{label} holds {bad.sum()} NaN or infinite values, the first at {where}"
            )
        if dtype.kind in "iu" and (array != np.floor(array)).any():
            raise TypeError(f"{label} must hold whole numbers ({dtype}), not {array.dtype}")
    if array.ndim < len(tensor.shape):
        array = array[..., None]
    return xp().asarray(array, dtype)
