"""What an optimizer is set to: numbers, each within its range."""

from __future__ import annotations

import sys
from numbers import Real
from typing import Any


def finite(name: str, value: Any) -> float:
    """A number, one of NumPy's or an array of no axes included, as a float."""
    number = value.item() if getattr(value, "shape", None) == () else value
    is_number = isinstance(number, Real) and not isinstance(number, bool)
    if not is_number or not abs(number) <= sys.float_info.max:
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    return float(number)


def not_negative(name: str, value: Any) -> float:
    number = finite(name, value)
    if number < 0:
        raise ValueError(f"{name} cannot be negative: {value!r}")
    return number


def above_0(name: str, value: Any) -> float:
    number = finite(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be above 0, not {value!r}")
    return number


def share(name: str, value: Any) -> float:
    """A number that may be 0, but not 1."""
    number = finite(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} lies between 0 and 1 (1 excluded), not {value!r}")
    return number
