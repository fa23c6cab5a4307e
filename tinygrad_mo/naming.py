"""Finding things by name, and saying what is meant when a name is wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """A hint for an unknown `name`: the closest known one, then all of them.

    >>> did_you_mean("aux_ouput", ["main_output", "aux_output"])
    "did you mean 'aux_output'? Known: 'main_output', 'aux_output'"
    >>> did_you_mean("adma", ["adamax", "adam"])
    "did you mean 'adam'? Known: 'adamax', 'adam'"
    """
    known = list(known)
    words = set(str(name).split("_"))
    fuller = [other for other in known if words <= set(other.split("_"))]
    swapped = [other for other in known if sorted(other) == sorted(str(name))]
    close = (
        swapped[:1] or fuller[:1] or difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    )
    if not close and len(str(name)) > 2:
        close = [one for one in known if str(name).startswith(one) or one.startswith(str(name))]
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}Known: {', '.join(map(repr, known)) or 'none'}"


def lookup(kind: str, name: Any, table: Mapping[str, Any], owner: Any = None) -> Any:
    """The entry of `table` called `name`; an unknown name is a `ValueError` with a hint.

    >>> lookup("padding", "sam", {"same": 1, "valid": 2}, owner="Conv2D 'left'")
    Traceback (most recent call last):
    ValueError: Conv2D 'left': unknown padding 'sam': did you mean 'same'? Known: 'same', 'valid'
    """
    if isinstance(name, str) and name in table:
        return table[name]
    whose = "" if owner is None else f"{owner}: "
    raise ValueError(f"{whose}unknown {kind} {name!r}: {did_you_mean(name, table)}")


def snake_case(name: str) -> str:
    """The default name of a class.

    >>> snake_case("BinaryCrossentropy"), snake_case("LSTM"), snake_case("Conv2D")
    ('binary_crossentropy', 'lstm', 'conv2d')
    """
    name = re.sub(r"([a-z0-9])([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([A-Z])([A-Z][a-z])", r"\1_\2", name).lower()


def unique_names(names: Iterable[str], separator: str) -> list[str]:
    """The names with repeated ones numbered, in order.

    >>> unique_names(["dense", "lstm", "dense", "dense"], "_")
    ['dense', 'lstm', 'dense_1', 'dense_2']
    """
    names = list(names)
    taken = set(names)
    result: list[str] = []
    seen: dict[str, int] = {}
    for name in names:
        number = seen.get(name, 0)
        new = name
        while number and (new := f"{name}{separator}{number}") in taken:
            number += 1
        seen[name] = number + 1
        taken.add(new)
        result.append(new)
    return result


class ByName(dict[str, Any]):
    """A dict by name that says so when it is asked by place.

    >>> ByName(title=1)[0]
    Traceback (most recent call last):
    KeyError: "there is no 0: ask by name, 'title'"
    """

    def __missing__(self, key: object) -> Any:
        raise KeyError(f"there is no {key!r}: ask by name, {' or '.join(map(repr, self))}")


def name_of(function: Any) -> str:
    """Of a function, or the class of an object that can be called."""
    return getattr(function, "__name__", type(function).__name__)
