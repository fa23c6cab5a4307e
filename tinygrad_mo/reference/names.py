"""What is public: what the package names in `__all__`, and the modules that are named there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

PACKAGE = __package__.partition(".")[0]


class Section(NamedTuple):
    """A module as a reader finds it.

    Attributes
    ----------
    name : str
        As in "layers"; that of the package is empty.
    module : module
    entries : dict
        What it has for users, by name; its modules are sections of their own.
    """

    name: str
    module: ModuleType
    entries: dict[str, Any]

    def full(self, name: str) -> str:
        """How a program calls an entry, behind ``tg.``: as in "layers.Dense"."""
        return f"{self.name}.{name}" if self.name else name


def sections() -> list[Section]:
    """The package, and each module that it names, with the modules that these name."""
    return list(walk("", import_module(PACKAGE)))


def walk(name: str, module: ModuleType) -> Iterator[Section]:
    found = {one: getattr(module, one) for one in announced(module)}
    inner = {one: x for one, x in found.items() if isinstance(x, ModuleType)}
    section = Section(name, module, {one: x for one, x in found.items() if one not in inner})
    yield section
    for one in sorted(inner):
        yield from walk(section.full(one), inner[one])


def announced(module: ModuleType) -> list[str]:
    """What a module has for users; without an `__all__`, the functions and classes made in it."""
    own = [n for n, x in vars(module).items() if getattr(x, "__module__", "") == module.__name__]
    return sorted(getattr(module, "__all__", [n for n in own if n[0] != "_"]), key=str.lower)


def members(x: Any) -> dict[str, Any]:
    """What a class says of its methods and properties, by name; of any other thing, nothing.

    What it has from a parent that is public is said there.
    """
    found: dict[str, Any] = {}
    for one in x.__mro__ if isinstance(x, type) else ():
        if one is not x and is_public(one):
            break
        described = {n: m for n, m in vars(one).items() if n[0] != "_" and inspect.getdoc(m)}
        found = {n: m for n, m in described.items() if is_method(m)} | found
    return found


def is_method(x: Any) -> bool:
    return isinstance(x, property | classmethod | staticmethod) or inspect.isfunction(x)


def is_public(x: Any) -> bool:
    return id(x) in ids_of_all()


@cache
def ids_of_all() -> set[int]:
    return {id(one) for section in sections() for one in section.entries.values()}


def signature_in_words(x: Any) -> str:
    """How something is called, without the types, which its docstring has; else nothing.

    >>> import tinygrad_mo as tg
    >>> signature_in_words(tg.ops.elu), signature_in_words(tg.losses.LOSSES)
    ('(x, *, alpha=1.0)', '')
    """
    try:
        whole = inspect.signature(x.__func__ if isinstance(x, classmethod | staticmethod) else x)
    except (TypeError, ValueError):
        return ""
    plain = [one.replace(annotation=one.empty) for one in whole.parameters.values()]
    plain = [one for one in plain if one.name not in ("self", "cls")]
    text = str(whole.replace(parameters=plain, return_annotation=whole.empty))
    address = r"<(?:function )?(.+?)(?: object)? at 0x\w+>"
    return re.sub(address, lambda found: found[1].rpartition(">.")[2].strip("<>"), text)


def line_about(x: Any) -> str:
    """What something is, in a line: the first one of its docstring.

    >>> import tinygrad_mo as tg
    >>> line_about(tg.layers.Dense)
    '``activation(x @ kernel + bias)`` on the last axis.'
    """
    if isinstance(x, Mapping):
        return f"What is known by name: {', '.join(map(str, x))}."
    return (inspect.getdoc(x) or "").partition("\n")[0]


def matching(words: Sequence[str]) -> list[tuple[str, str]]:
    """Name and line of all that has each of these words in them, whatever their case.

    >>> [name for name, line in matching(["nesterov"])]
    ['optimizers.Nadam']
    """
    every = [(s.full(n), line_about(x)) for s in sections() for n, x in s.entries.items()]
    return [
        (n, line) for n, line in every if all(w.lower() in f"{n} {line}".lower() for w in words)
    ]
