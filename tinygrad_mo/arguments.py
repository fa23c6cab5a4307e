"""What a user gives: is it a number, a name, a path or a function, and does it lie in its range?

Each function returns the value in its plain form (NumPy's numbers become Python's), or raises an
error that names the argument, what it must be, and what it is: a TypeError for something of another
kind, a ValueError for something out of range.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np


def number(
    what: str,
    value: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> float:
    """A finite number within limits. True and False are none.

    >>> number("SGD: learning_rate", np.float32(0.5), at_least=0)
    0.5
    >>> number("SGD: momentum", 1.5, at_least=0, below=1)
    Traceback (most recent call last):
    ValueError: SGD: momentum must be a number, 0 or more and below 1, not 1.5
    """
    limits = [
        (above, f"above {above}", lambda x: x > above),
        (at_least, f"{at_least} or more", lambda x: x >= at_least),
        (below, f"below {below}", lambda x: x < below),
        (at_most, f"at most {at_most}", lambda x: x <= at_most),
    ]
    given = [(words, fits) for limit, words, fits in limits if limit is not None]
    found = plain_number(value)
    finite = found is not None and abs(found) <= sys.float_info.max  # of 10**400, too
    if finite and all(fits(found) for _, fits in given):
        return float(found)
    kind = "a number" if found is None or finite else "a finite number"
    needed = ", ".join([kind, " and ".join(words for words, _ in given)]).removesuffix(", ")
    error = TypeError if found is None else ValueError
    raise error(f"{what} must be {needed}, not {shown(value)}")


def share(what: str, value: Any) -> float:
    """A part of a whole.

    >>> share("Dropout 'drop': the rate", 50)
    Traceback (most recent call last):
    ValueError: Dropout 'drop': the rate must lie between 0 and 1, not 50
    """
    found = plain_number(value)
    if found is not None and 0 <= found <= 1:
        return float(found)
    kind = TypeError if found is None else ValueError
    raise kind(f"{what} must lie between 0 and 1, not {shown(value)}")


def whole(what: str, value: Any, at_least: int | None = 0) -> int:
    """A whole number; with a limit of None, a negative one, too.

    >>> whole("EarlyStopping: patience", -3)
    Traceback (most recent call last):
    ValueError: EarlyStopping: patience must be a whole number, 0 or more, not -3
    """
    found = plain_number(value)
    if isinstance(found, Integral) and (at_least is None or int(found) >= at_least):
        return int(found)
    kind = TypeError if found is None else ValueError
    limit = "" if at_least is None else f", {at_least} or more"
    raise kind(f"{what} must be a whole number{limit}, not {shown(value)}")


def plain_number(value: Any) -> Any:
    """A number, also one of NumPy's or in an array without axes; None for all else."""
    if type(value) is float or type(value) is int:  # as nearly always, so it is to be quick
        return value
    if isinstance(value, np.generic | np.ndarray) and value.shape == ():
        value = value.item()
    return value if isinstance(value, Real) and not isinstance(value, bool) else None


def flag(what: str, value: Any) -> bool:
    """True or False, and nothing that merely counts as such."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{what} must be True or False, not {shown(value)}")
    return bool(value)


def verbosity(what: str, value: Any) -> int:
    """How much is printed: 0, 1 or 2; "auto", as in Keras, is 1.

    >>> verbosity("fit: verbose", 3)
    Traceback (most recent call last):
    ValueError: fit: verbose must be 0, 1, 2 or 'auto', not 3
    """
    if isinstance(value, str) and value == "auto":
        return 1
    if isinstance(value, int | np.integer | np.bool_) and 0 <= value <= 2:
        return int(value)
    raise ValueError(f"{what} must be 0, 1, 2 or 'auto', not {shown(value)}")


def name(what: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a name, not {shown(value)}")
    if not value:
        raise ValueError(f"{what} must be a name, not an empty text")
    return value


def names(what: str, value: Any) -> list[str]:
    """One name or several."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping):
        raise TypeError(f"{what} must be a name or a list of names, not {shown(value)}")
    return [name(what, one) for one in value]


def path(what: str, value: Any) -> Path:
    """Where a file is, or shall be."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{what} must be a str or Path, not {shown(value)}")
    if not (text := os.fspath(value)):
        raise ValueError(f"{what} must be the name of a file, not an empty text")
    if "\0" in str(text):
        raise ValueError(f"{what} has a character 0, which no name of a file can hold: {text!r}")
    return Path(value)


def by_name(what: str, value: Any, each: Callable[[str, Any], Any]) -> dict[str, Any]:
    """A dict by name (None is an empty one), whose values are checked by ``each(what, value)``."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{what} must be a dict by name, not {shown(value)}")
    return {key: each(f"{what}: that of {key!r}", one) for key, one in value.items()}


def listed(what: str, value: Any, each: Callable[[str, Any], Any]) -> list[Any]:
    """A list, tuple or array, whose items are checked by ``each(what, item)``."""
    if not is_list(value):
        raise TypeError(f"{what} must be a list, not {shown(value)}")
    return [each(what, one) for one in value]


def is_list(value: Any) -> bool:
    """Has it an order, and can it be read again? A set has none, an iterator is used up."""
    several = isinstance(value, np.ndarray) and value.ndim > 0
    return several or (isinstance(value, Sequence) and not isinstance(value, str | bytes))


def dtype(what: str, value: Any) -> np.dtype:
    """A type of numbers, by its name or as NumPy has it.

    >>> dtype("Input 'ids': dtype", "int23")
    Traceback (most recent call last):
    ValueError: Input 'ids': dtype must be a type of numbers such as 'int32', not 'int23'
    """
    try:
        found = np.dtype("O" if value is None else value)
    except (TypeError, ValueError):
        found = np.dtype("O")
    if found.kind == "f" and found.name not in ("float32", "float64"):
        raise ValueError(
            f"{what} must be 'float32', 'float64' or a type of whole numbers, not {found.name!r}: "
            f"losses and limits are made for these; data may be {found.name}, they are converted"
        )
    if found.kind in "fiub":
        return found
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f"{what} must be a type of numbers such as 'int32', not {shown(value)}")


def function_of(what: str, value: Any, arguments: Sequence[str], skip: int = 0) -> Any:
    """A function that can be called with these arguments, in this order.

    >>> function_of("LearningRateScheduler: schedule", lambda epoch: 0.1, ["epoch", "rate"])
    Traceback (most recent call last):
    TypeError: LearningRateScheduler: schedule is called with (epoch, rate), but takes (epoch)
    """
    wanted = ", ".join(arguments)
    if not callable(value) or isinstance(value, type):
        hint = f": write {value.__name__}(...)" if isinstance(value, type) else ""
        raise TypeError(f"{what} must be a function of ({wanted}), not {shown(value)}{hint}")
    try:
        takes = signature(value)
    except ValueError:  # some functions that are written in C do not say
        return value
    try:
        takes.bind(*[None] * skip, *arguments)
    except TypeError:
        plain = (one.replace(annotation=one.empty) for one in takes.parameters.values())
        own = ", ".join([str(one) for one in plain][skip:])
        raise TypeError(f"{what} is called with ({wanted}), but takes ({own})") from None
    return value


def shown(value: Any) -> str:
    """A value in an error, cut short.

    >>> shown([1, 2]), shown(None), shown(print), shown(np.ones((2, 3)))
    ('[1, 2]', 'None', 'the function print', 'an array of shape (2, 3)')
    """
    if callable(value) and hasattr(value, "__name__"):
        return f"the {'class' if isinstance(value, type) else 'function'} {value.__name__}"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 and " at 0x" not in text else f"a {type(value).__name__}"
