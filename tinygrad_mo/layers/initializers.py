"""How parameters start: functions of a shape and a random generator.

The rules and limits are those of Keras. A fan is the number of inputs or outputs that one unit
sees: for a dense kernel its shape, for a convolution times the size of the receptive field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod, sqrt
from typing import Any

import numpy as np

from .. import arguments
from ..device import floatx
from ..naming import lookup
from ..other_names import says
from ..recipes import remembered

__all__ = [
    "INITIALIZERS",
    "constant",
    "get",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "zeros",
]
__getattr__ = says(__name__, "layers.initializers")
Initializer = Callable[[tuple[int, ...], np.random.Generator], np.ndarray]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Fan-in and fan-out of a kernel.

    >>> fans((30, 50)), fans((3, 3, 5, 8))
    ((30, 50), (45, 72))
    """
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def zeros(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Every element 0."""
    return np.zeros(shape)


def ones(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Every element 1."""
    return np.ones(shape)


@remembered
def constant(value: float) -> Initializer:
    """Every element the same."""
    value = arguments.number("constant: value", value)
    return lambda shape, generator: np.full(shape, value)


@remembered
def uniform(low: float = -0.05, high: float = 0.05) -> Initializer:
    """Evenly between two limits."""
    low = arguments.number("uniform: low", low)
    high = arguments.number("uniform: high", high, at_least=low)
    return lambda shape, generator: generator.uniform(low, high, shape)


@remembered
def normal(mean: float = 0.0, stddev: float = 0.05) -> Initializer:
    """Around a mean, with a standard deviation of 0 or more."""
    mean = arguments.number("normal: mean", mean)
    stddev = arguments.number("normal: stddev", stddev, at_least=0)
    return lambda shape, generator: generator.normal(mean, stddev, shape)


@remembered
def truncated_normal(stddev: float = 0.05) -> Initializer:
    """A normal distribution of which values beyond two standard deviations are drawn again."""
    stddev = arguments.number("truncated_normal: stddev", stddev, at_least=0)

    def draw(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        x = generator.standard_normal(shape)
        while (outside := np.abs(x) > 2).any():
            x[outside] = generator.standard_normal(np.count_nonzero(outside))
        return stddev * x

    return draw


def scaled_uniform(scale: float, count: Callable[[int, int], float]) -> Initializer:
    """Uniform with variance ``scale / count(fan_in, fan_out)``."""

    def draw(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        limit = sqrt(3 * scale / count(*fans(shape)))
        return generator.uniform(-limit, limit, shape)

    return draw


def scaled_normal(scale: float, count: Callable[[int, int], float]) -> Initializer:
    """Truncated normal with variance ``scale / count(fan_in, fan_out)``."""
    shrink = 0.87962566103423978  # the standard deviation that truncation at 2 sigma leaves

    def draw(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        return truncated_normal(sqrt(scale / count(*fans(shape))) / shrink)(shape, generator)

    return draw


def orthogonal(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Orthonormal rows or columns, whichever are fewer (Saxe et al. 2014)."""
    rows, columns = prod(shape[:-1]), shape[-1]
    x = generator.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(x)
    q = q * np.sign(np.diag(r))
    return (q.T if rows < columns else q).reshape(shape)


def mean_fan(fan_in: int, fan_out: int) -> float:
    return (fan_in + fan_out) / 2


def fan_in_only(fan_in: int, fan_out: int) -> float:
    return fan_in


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "ones": ones,
    "uniform": uniform(),
    "random_uniform": uniform(),
    "normal": normal(),
    "random_normal": normal(),
    "truncated_normal": truncated_normal(),
    "orthogonal": orthogonal,
    "glorot_uniform": scaled_uniform(1, mean_fan),  # Glorot & Bengio 2010
    "glorot_normal": scaled_normal(1, mean_fan),
    "he_uniform": scaled_uniform(2, fan_in_only),  # He et al. 2015
    "he_normal": scaled_normal(2, fan_in_only),
    "lecun_uniform": scaled_uniform(1, fan_in_only),  # LeCun et al. 1998
    "lecun_normal": scaled_normal(1, fan_in_only),
}


def get(initializer: Any) -> Initializer:
    """An initializer by name, or any function of (shape, generator)."""
    if getattr(initializer, "makes_recipes", False):
        name = initializer.__name__
        raise TypeError(f"{name} makes an initializer, and is none itself: write {name}(...)")
    return (
        initializer if callable(initializer) else lookup("initializer", initializer, INITIALIZERS)
    )


_room: ContextVar[list[int] | None] = ContextVar("room", default=None)


@contextmanager
def at_most(numbers: int) -> Iterator[None]:
    """In this block, no more than so many numbers of new weights are made: a file holds no more."""
    token = _room.set([numbers])
    try:
        yield
    finally:
        _room.reset(token)


def take_room(shape: tuple[int, ...]) -> None:
    """Take the room of a weight of this shape, before it is made."""
    room = _room.get()
    if room is not None:
        if prod(shape) > room[0]:
            raise ValueError(f"a weight of shape {shape} is larger than all that the file holds")
        room[0] -= prod(shape)


def start(
    what: str, initializer: Any, shape: tuple[int, ...], generator: np.random.Generator
) -> np.ndarray:
    """The first value of a parameter: what its initializer gives, as floats, or an error."""
    draw = get(initializer)
    if not hasattr(draw, "made_with"):  # one's own
        draw = arguments.function_of(f"the initializer of {what}", draw, ["shape", "generator"])
    take_room(shape)
    value = np.asarray(draw(shape, generator))
    who = f"the initializer of {what} gave"
    if value.shape != shape:
        raise ValueError(f"{who} an array of shape {value.shape}, asked for was {shape}")
    if value.dtype.kind not in "fiu":
        raise TypeError(f"{who} an array of {value.dtype}, asked for were numbers")
    with np.errstate(over="ignore"):  # said below
        value = value.astype(floatx())
    if not np.isfinite(value).all():
        raise ValueError(f"{who} NaN, or numbers too large for {floatx()}")
    return value
