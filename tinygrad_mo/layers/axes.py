"""Reading the options that several layers have in common: counts, sizes, axes, padding."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from .. import arguments
from ..naming import lookup


def whole_numbers(value: Any, times: int | None = None) -> tuple[int, ...] | None:
    """The whole numbers in a tuple, list or array, or one number so many times; else None.

    >>> whole_numbers([1, 2]), whole_numbers(3, times=2), whole_numbers(3), whole_numbers([0.5])
    ((1, 2), (3, 3), None, None)
    """
    if times is not None and arguments.plain_number(value) is not None:
        value = (value,) * times
    items: Any = value if arguments.is_list(value) else [None]
    found = [arguments.plain_number(item) for item in items]
    return tuple(map(int, found)) if all(isinstance(n, Integral) for n in found) else None


def count(layer: Any, option: str, value: Any) -> int:
    """How many units, filters or groups: at least one.

    >>> count("Dense 'head'", "units", 0)
    Traceback (most recent call last):
    ValueError: Dense 'head' needs a whole number of units from 1 up, not 0
    """
    number = arguments.plain_number(value)
    if not isinstance(number, Integral) or number < 1:
        given = arguments.shown(value)
        raise ValueError(f"{layer} needs a whole number of {option} from 1 up, not {given}")
    return int(number)


def per_axis(layer: Any, option: str, value: Any, axes: int) -> tuple[int, ...]:
    """One positive integer per spatial axis, from one for all or a tuple.

    >>> per_axis("Conv2D 'conv2d'", "strides", 2, axes=2)
    (2, 2)
    """
    numbers = whole_numbers(value, axes) or ()
    if len(numbers) != axes or min(numbers) < 1:
        wanted = "a positive integer" + (f" or a tuple of {axes} of them" if axes > 1 else "")
        raise ValueError(f"{layer}: {option} must be {wanted}, not {arguments.shown(value)}")
    return numbers


def known_padding(layer: Any, padding: Any, *names: str) -> str:
    """The name of a padding rule, if the layer has it."""
    return lookup("padding", padding, {name: name for name in names}, layer)


def pairs(layer: Any, option: str, value: Any, axes: int) -> tuple[tuple[int, ...], ...]:
    """How much before and behind each spatial axis, from one number, one per axis, or pairs.

    For a single axis, a tuple of two numbers is its pair.

    >>> pairs("ZeroPadding2D 'pad'", "padding", (1, 2), axes=2)
    ((1, 1), (2, 2))
    >>> pairs("ZeroPadding1D 'pad'", "padding", (1, 2), axes=1)
    ((1, 2),)
    """
    entries = value if arguments.is_list(value) and axes > 1 else (value,) * axes
    found = tuple(whole_numbers(one, times=2) or () for one in entries)
    if len(found) != axes or any(len(pair) != 2 or min(pair) < 0 for pair in found):
        raise ValueError(
            f"{layer}: {option} must be a number, or per axis a number or a pair (before, behind), "
            f"zero or more; not {arguments.shown(value)}"
        )
    return found


def several_axes(layer: Any, option: str, value: Any) -> tuple[int, ...]:
    """The numbers of one or several axes, each once.

    >>> several_axes("PReLU 'p'", "shared_axes", (1, 1))
    Traceback (most recent call last):
    ValueError: PReLU 'p': shared_axes must be a whole number or different ones, not (1, 1)
    """
    numbers = whole_numbers(value, times=1) or ()
    if not numbers or len(set(numbers)) < len(numbers):
        wanted = "a whole number or different ones"
        raise ValueError(f"{layer}: {option} must be {wanted}, not {arguments.shown(value)}")
    return numbers


def axes_of_a_sample(layer: Any, axes: Sequence[int], shape: Sequence[int | None]) -> list[int]:
    """Axes that are counted from the front or the back, from the front, in order; not the batch."""
    for axis in axes:
        if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
            raise ValueError(f"{layer}: axis {axis} is not an axis of a sample in {shape}")
    found = sorted({axis % len(shape) for axis in axes})
    if len(found) < len(axes):
        raise ValueError(f"{layer}: two of the axes {tuple(axes)} are one and the same in {shape}")
    return found
