"""Reading the options that layers over images and sequences have in common."""

from __future__ import annotations

from typing import Any

from ..naming import lookup


def per_axis(layer: Any, option: str, value: Any, axes: int) -> tuple[int, ...]:
    """One positive integer per spatial axis, from one for all or a tuple.

    >>> per_axis("Conv2D 'conv2d'", "strides", 2, axes=2)
    (2, 2)
    """
    numbers = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(numbers) != axes or not all(isinstance(n, int) and n > 0 for n in numbers):
        wanted = "a positive integer" + (f" or a tuple of {axes} of them" if axes > 1 else "")
        raise ValueError(f"{layer}: {option} must be {wanted}, not {value!r}")
    return numbers


def known_padding(layer: Any, padding: str, *names: str) -> str:
    """The name of a padding rule, if the layer has it."""
    try:
        return lookup("padding", padding, {name: name for name in names})
    except ValueError as error:
        raise ValueError(f"{layer}: {error}") from None


def pairs(layer: Any, option: str, value: Any, axes: int) -> tuple[tuple[int, int], ...]:
    """How much before and behind each spatial axis, from one number, one per axis, or pairs.

    For a single axis, a tuple of two numbers is its pair.

    >>> pairs("ZeroPadding2D 'pad'", "padding", (1, 2), axes=2)
    ((1, 1), (2, 2))
    >>> pairs("ZeroPadding1D 'pad'", "padding", (1, 2), axes=1)
    ((1, 2),)
    """
    entries = [value] * axes if isinstance(value, int) else [value] if axes == 1 else list(value)
    result = tuple((n, n) if isinstance(n, int) else tuple(n) for n in entries)
    numbers = [n for pair in result for n in pair]
    fits = len(result) == axes and all(len(pair) == 2 for pair in result)
    if not fits or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise ValueError(
            f"{layer}: {option} must be a number, or per axis a number or a pair (before, behind), "
            f"zero or more; not {value!r}"
        )
    return result  # type: ignore[return-value]
