"""What guards the checks against the code that they check, in the process of both."""

from __future__ import annotations

import functools
import os
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

Refuse = Callable[[str], None]  # says why to the parent, and ends the process

PLAIN = frozenset([type(None), bool, int, float, complex, str, bytes, range, slice, type(...)])
LAZY = (types.GeneratorType, map, filter, zip, enumerate)
# Groups of audit events (https://docs.python.org/3/library/audit_events.html).
GROUPS = """
    _winapi code ctypes fcntl ftplib gc http mmap msvcrt os pty shutil smtplib socket
    sqlite3 subprocess syslog tempfile urllib webbrowser winreg
"""
EVENTS = ("sys.addaudithook", "sys.setprofile", "sys.settrace", "sys._current_frames")
HARMLESS = ("os.listdir", "os.scandir")  # an import looks around
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def hook(readable: Iterable[Path], secret: Iterable[Path], refuse: Refuse) -> Callable[..., None]:
    """An audit hook for `sys.addaudithook`, which nobody can take out again.

    Parameters
    ----------
    readable : iterable of Path
        Files that may be read, beside what Python imports.
    secret : iterable of Path
        Folders of which nothing else may be read: the course, with its answers.
    refuse : callable
        Gets what was tried.
    """
    real_path, null, groups = os.path.realpath, os.devnull, frozenset(GROUPS.split())
    allowed = set(map(real_path, readable))
    roots = {*sys.path, sys.prefix, sys.base_prefix, str(Path(__file__).parents[2])} - {""}
    importable, kept_secret = (
        tuple(os.path.join(real_path(one), "") for one in some) for some in (roots, secret)
    )

    def may_open(path: object, flags: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike) or not isinstance(flags, int):
            return False
        if path == null:
            return True
        real = real_path(os.fsdecode(path))
        inside = real.startswith(importable) and not real.startswith(kept_secret)
        return not flags & WRITING and (real in allowed or inside)

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            if not may_open(arguments[0], arguments[2]):
                refuse(f"it opens the file {arguments[0]!r}")
        elif event in EVENTS or (event.split(".")[0] in groups and event not in HARMLESS):
            refuse(f"it does {event}")

    return look


class Untouched:
    """What the functions, classes and modules in some namespaces are now.

    Parameters
    ----------
    spaces : list of dict
        Namespaces, such as ``vars(numpy)``. Names that come later are no change there; in a
        class they are.
    classes : bool
        Look into the classes there, too. Default True.
    modules : bool
        A name must go on to mean the same module. Default True.
    """

    def __init__(
        self, spaces: Iterable[dict[str, Any]], classes: bool = True, modules: bool = True
    ):
        spaces = list(spaces)
        self.spaces: list[tuple[Any, dict[str, Any]]] = []
        for one in spaces:
            known = parts(one).items()
            kept = {k: v for k, v in known if modules or not isinstance(v, ModuleType)}
            self.spaces.append((one, kept))
        if classes:
            found = {one for space in spaces for one in space.values() if isinstance(one, type)}
            self.spaces += [(one, parts(vars(one))) for one in found]
        functions = {
            f for _, known in self.spaces for f in known.values() if type(f) is FunctionType
        }
        self.codes = [(f, f.__code__, f.__defaults__, f.__kwdefaults__) for f in functions]

    def change(self) -> str:
        """The first thing that is another one by now; empty if there is none."""
        for place, before in self.spaces:
            now = vars(place) if isinstance(place, type) else place
            for name, value in before.items():
                if now.get(name) is not value:
                    where = place.__name__ if isinstance(place, type) else now.get("__name__", "")
                    return f"{where}.{name}"
            if isinstance(place, type) and (added := parts(now).keys() - before.keys()):
                return f"{place.__name__}.{min(added)}"
        for f, *then in self.codes:
            if not all(map(is_same, then, (f.__code__, f.__defaults__, f.__kwdefaults__))):
                return f"the function {f.__name__}"
        return ""


def is_same(one: object, other: object) -> bool:
    return one is other


def parts(space: Any) -> dict[str, Any]:
    """What a namespace offers to others; its data may change."""
    kept = (type, ModuleType, property, classmethod, staticmethod)
    return {k: v for k, v in list(space.items()) if isinstance(v, kept) or callable(v)}


class Watch:
    """Looks at all that the student's functions return.

    Parameters
    ----------
    names : dict
        The namespace in which the student's code runs.
    ours : iterable
        What the lesson has put there.
    near : Untouched
        What must not have changed while the student's code ran, not even for a moment.
    refuse : callable
    """

    def __init__(self, names: dict[str, Any], near: list[Untouched], refuse: Refuse):
        self.names, self.near, self.refuse = names, near, refuse
        self.classes = {one for one in names.values() if isinstance(one, type)}
        self.code: CodeType | None = None  # of all functions that look at others

    def function(self, inner: FunctionType) -> FunctionType:
        """The same function, looked at whenever it returns."""

        def call(*args: object, **kwargs: object) -> object:
            returned = inner(*args, **kwargs)
            self.look()
            return self.plain(returned)

        # With the globals of the student's function: a check may put something in there.
        self.code, closure = call.__code__, call.__closure__  # type: ignore[attr-defined]
        outer = FunctionType(self.code, self.names, inner.__name__, None, closure)
        return functools.update_wrapper(outer, inner)  # type: ignore[return-value]

    def look(self) -> None:
        for one in self.near:
            if changed := one.change():
                self.refuse(f"it changes {changed}")

    def steps(self, lazy: Iterator[object]) -> Iterator[object]:
        for one in lazy:
            self.look()
            yield self.plain(one)

    def plain(self, value: Any) -> Any:
        """The value, if it is of a type whose comparisons can be believed."""
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind is FunctionType and value.__globals__ is self.names:
            return value if value.__code__ is self.code else self.function(value)
        if kind in LAZY:
            return self.steps(value)
        if kind in (list, tuple):
            looked_at = [self.plain(one) for one in value]
            return value if all(map(is_same, looked_at, value)) else kind(looked_at)
        if isinstance(value, tuple | list | set | frozenset):
            for one in value:
                self.plain(one)
        elif isinstance(value, dict):
            for pair in value.items():
                self.plain(pair)
        elif kind is np.ndarray and value.dtype == object:
            for one in value.flat:
                self.plain(one)
        if not self.is_known(kind):
            self.refuse(f"it returns an object of its own class {kind.__name__}")
        return value

    def is_known(self, kind: type) -> bool:
        """Is this a class of Python, NumPy, the library or the lesson, or made from one of ours?"""
        if kind.__module__ != self.names["__name__"]:
            return True
        bases = kind.__mro__[1:-1]
        return any(base in self.classes or is_of_library(base) for base in (kind, *bases))


def is_of_library(kind: type) -> bool:
    return kind.__module__.split(".")[0] == "tinygrad_mo"
