"""Which training it is: what must be the same for a backup to go on, and what is not."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from inspect import getsource, signature, unwrap
from textwrap import dedent
from typing import Any
from zlib import crc32

from ..ops.contract import Op
from ..whole_files import CheckpointError
from .checkpoint import compiled_with
from .writing import Writer

PLAIN = bool, int, float, str, type(None)


def checksum(content: bytes | memoryview) -> str:
    """What stands for something long: other contents have another one, almost surely."""
    return f"#{crc32(content):08x}"


def fingerprint(model: Any) -> dict[str, Any]:
    """What tells this model from others, part by part: short texts, or checksums of long ones."""
    writer = Writer()
    compiled = compiled_with(model) or {}
    writes = {"layers": lambda: [writer.graph(model), writer.entries]}
    writes |= {name: partial(writer.value, value) for name, value in compiled.items()}
    found: dict[str, Any] = {}
    for name, write in writes.items():
        try:
            text = spelled(without_trainable(write()))
            found[name] = text if len(text) < 100 else checksum(text.encode())
        except CheckpointError:  # of a kind that no file can hold
            found[name] = "unknown"
    return found | {"code": {name: code_of(x) for name, x in writer.own.items()}}


def spelled(x: Any) -> str:
    """What a `Writer` wrote, as one would type it, where that is short.

    >>> spelled({"made": ["optimizers", "SGD", [0.1], {"dict": [["momentum", 0.9]]}]})
    'SGD(0.1, momentum=0.9)'
    """
    match x:
        case {"made": [_, name, arguments, {"dict": options}]}:
            given = [spelled(one) for one in arguments]
            given += [f"{key}={spelled(one)}" for key, one in options]
            return f"{name}({', '.join(given)})"
        case {"function": name} | {"custom": name}:
            return name
        case list():
            return f"[{', '.join(map(spelled, x))}]"
    return json.dumps(x, sort_keys=True)


def without_trainable(x: Any) -> Any:
    """What a `Writer` wrote, without what a callback may change while training runs."""
    if isinstance(x, list):
        return [without_trainable(item) for item in x]
    if isinstance(x, Mapping):
        return {key: without_trainable(item) for key, item in x.items() if key != "trainable"}
    return x


def code_of(x: Any) -> str:
    """A checksum of how a function or class of one's own is written, without comments and layout.

    What it calls, and what it reads from outside, is not in it.
    """
    while isinstance(x, partial | Op):
        x = x.func if isinstance(x, partial) else x.rule
    try:
        source = dedent(getsource(unwrap(x) if hasattr(x, "__name__") else type(x)))
    except (OSError, TypeError):  # typed into an interpreter that does not keep it
        return "unknown"
    with suppress(SyntaxError):  # a lambda within a longer line
        source = ast.unparse(ast.parse(source))
    return checksum(source.encode())


def settings_of(x: Any) -> dict[str, str]:
    """The plain values that a thing of this package was made with, and that decide what it does."""
    if not type(x).__module__.startswith(f"{__name__.split('.')[0]}."):
        return {}
    names = signature(type(x)).parameters.keys() - {"path", "every", "verbose"}
    kept = {name: value for name, value in vars(x).items() if name in names}
    return {name: repr(value) for name, value in kept.items() if isinstance(value, PLAIN)}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What is not the same, in words: numbers by themselves, not so checksums.

    >>> then = {"samples": 50, "data": {"x": "#1a", "y": "#2b"}}
    >>> list(differences(then, {"samples": 40, "data": {"x": "#1a", "y": "#3c"}}))
    ['samples 50, now 40', 'data: y']
    """
    for name in dict.fromkeys([*now, *then]):
        one, other = then.get(name), now.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            for what in differences(one, other):
                yield f"{name}: {what}"
        elif one != other:
            is_sum = any(isinstance(x, str) and x.startswith("#") for x in (one, other))
            yield name if is_sum else f"{name} {one}, now {other}"
