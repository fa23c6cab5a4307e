"""How functions and classes of one's own are written, and data: in short, to be compared."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from inspect import getsource, ismethod, unwrap
from textwrap import dedent
from typing import Any
from zlib import crc32

import numpy as np

from ..ops.contract import Op

UNKNOWN = "unknown"  # what was typed into an interpreter that does not keep it
PLAIN = bool, int, float, complex, str, bytes, type(None)


def checksum(content: bytes | memoryview) -> str:
    """What stands for something long: other contents have another one, almost surely."""
    return f"#{crc32(content):08x}"


def in_short(text: str) -> str:
    """The text, where it is short; what stands for it, where it is long."""
    return text if len(text) < 100 else checksum(text.encode())


def code_of(x: Any) -> str:
    """A checksum of how a function or class of one's own is written, without comments and layout.

    With it goes the plain data that a function was made with: defaults, what it has from the
    function around it, arguments of a `partial`, attributes of an object that is called. What it
    calls, and what else it reads from outside, is not in it.
    """
    with_it: list[str] = []
    while isinstance(x, partial | Op):
        if isinstance(x, partial):
            with_it += told(enumerate(x.args)) + told(x.keywords.items())
        x = x.func if isinstance(x, partial) else x.rule
    inner = unwrap(x) if hasattr(x, "__name__") else x
    try:
        source = dedent(getsource(inner if hasattr(x, "__name__") else type(x)))
    except (OSError, TypeError):
        return UNKNOWN
    with suppress(SyntaxError):  # a lambda within a longer line
        source = ast.unparse(ast.parse(source))
    with_it += told(made_with(inner))
    return checksum("; ".join([source, *with_it]).encode())


def made_with(x: Any) -> Iterator[tuple[Any, Any]]:
    """What a function has in its defaults and from around it, or an object that is called."""
    if isinstance(x, type):
        return
    if ismethod(x):
        yield from made_with(x.__self__)
        x = x.__func__
    if not hasattr(x, "__code__"):
        yield from getattr(x, "__dict__", {}).items()
        return
    yield from enumerate(x.__defaults__ or ())
    yield from (x.__kwdefaults__ or {}).items()
    for name, cell in zip(x.__code__.co_freevars, x.__closure__ or (), strict=True):
        with suppress(ValueError):  # nothing is in it yet
            yield name, cell.cell_contents


def told(values: Iterable[tuple[Any, Any]]) -> list[str]:
    """Those that are plain data; lists and dicts are not: a function may write into them."""
    kinds = (*PLAIN, tuple, np.ndarray, np.generic)
    return [f"{name}={plainly(value)}" for name, value in values if isinstance(value, kinds)]


def plainly(x: Any) -> str:
    """Data as one would type it, checksums for functions and arrays, the class of all else.

    >>> plainly(["val_loss", 3, {"a": np.float32(0.5)}])
    "['val_loss', 3, {'a': 0.5}]"
    """
    match x:
        case np.generic():
            return repr(x.item())
        case np.ndarray():
            content = np.ascontiguousarray(x).tobytes() if x.dtype != object else b""
            return checksum(f"{x.dtype} {x.shape} ".encode() + content)
        case list() | tuple():
            inside = ", ".join(map(plainly, x))
            return f"[{inside}]" if isinstance(x, list) else f"({inside})"
        case Mapping():
            return f"{{{', '.join(f'{plainly(key)}: {plainly(x[key])}' for key in x)}}}"
    if isinstance(x, PLAIN):
        return repr(x)
    return code_of(x) if callable(x) else type(x).__name__
