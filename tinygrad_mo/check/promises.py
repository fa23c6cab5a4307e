"""What every pullback promises beside right numbers: see the contract in `tinygrad_mo.ops`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..device import to_numpy
from ..ops import unbroadcast
from .report import GradientError, require

# Of a cotangent, to see that a pullback is linear. As powers of two they change no digit.
FACTORS = (-(2.0**40), 2.0**-40)


def is_multiple(found: Any, factor: float, of: Any) -> bool:
    """Is it that many times the other? As in gradients, None and NaN are so, too."""
    if found is None or of is None:
        return found is of
    with np.errstate(all="ignore"):
        return np.allclose(found, factor * of, rtol=1e-9, atol=1e-290, equal_nan=True)


def not_linear(factor: float) -> str:
    return (
        f"is not linear in g: for {factor:.0e} times g it is not {factor:.0e} times as large. A "
        f"pullback multiplies g by slopes, and leaves its size to the optimizer (clipping, too)"
    )


@contextmanager
def no_writing(what: str) -> Iterator[None]:
    """Arrays are read-only in here: NumPy's error says neither whose they are nor who writes."""
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        new = GradientError(f"{what}: leave that as it is, and make a new array")
        for note in getattr(error, "__notes__", ()):
            new.add_note(note)
        raise new from error


def as_promised(label: str, gradient: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A gradient as the engine takes it: rows first, broadcast axes summed."""
    try:
        gradient = unbroadcast(np.asarray(gradient), shape[1:])
    except ValueError as error:
        raise GradientError(f"{label} does not fit: {error}") from None
    require(gradient.shape == shape, f"{label} has shape {gradient.shape} for {shape[0]} rows")
    require(gradient.dtype == np.float64, f"{label} is {gradient.dtype}")
    require(bool(np.isfinite(gradient).all()), f"{label} is not finite")
    return gradient


def locked(x: Any, copy: bool = True) -> np.ndarray:
    array = np.array(to_numpy(x)) if copy else to_numpy(x)
    array.setflags(write=False)
    return array


def same_bits(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
