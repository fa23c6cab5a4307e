"""Which training it is: what must be the same for a backup to go on, and what is not."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from hashlib import sha256
from inspect import Parameter, getsource, ismethod, signature, unwrap
from textwrap import dedent
from typing import Any
from zlib import crc32

import numpy as np

from ..device import are_seeded, seeds
from ..ops.contract import Op
from ..whole_files import CheckpointError
from .checkpoint import WEIGHT, compiled_with, training_state
from .writing import Writer

PLAIN = bool, int, float, complex, str, bytes, type(None)
NO_MATTER = {"path", "verbose"}  # arguments of callbacks that may be others when a fit goes on


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
    if writer.arrays:
        found["constants"] = checksum("; ".join(map(plainly, writer.arrays.values())).encode())
    return found | {"code": {name: code_of(x) for name, x in writer.own.items()}}


def start_of(model: Any) -> dict[str, Any]:
    """What a fit begins from: two fits of one program differ in it, one that is run again does not.

    Nobody can know this of a program without a seed, but how many generators it has made so far.
    """
    arrays, state = training_state(model)
    now = seeds()
    found: dict[str, Any] = {"steps": [state["step"], state["optimizer_step"]]}
    if not are_seeded():
        return found | {"random numbers": now.n_children_spawned}
    drawn = [state["generators"], state["shuffler"], now.entropy, now.n_children_spawned]
    weights = {name: x for name, x in arrays.items() if name.startswith(WEIGHT)}
    memory = {name: x for name, x in arrays.items() if name not in weights}
    return found | {
        "weights": digest_of(weights, None),
        "averages of the optimizer or of loss_weights": digest_of(memory, state["balancing"]),
        "random numbers": digest_of({}, drawn),
    }


def digest_of(arrays: Mapping[str, np.ndarray], values: Any) -> str:
    """The SHA-256 of arrays by name, and of values as JSON holds them."""
    found = sha256(json.dumps(values, sort_keys=True, default=str).encode())
    for name, x in arrays.items():
        found.update(f"{name} {x.dtype} {x.shape}".encode())
        found.update(np.ascontiguousarray(x).data)
    return found.hexdigest()


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
    except (OSError, TypeError):  # typed into an interpreter that does not keep it
        return "unknown"
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


def settings_of(x: Any) -> dict[str, str]:
    """What a callback was made with, where it can matter for the training: not where it writes.

    Of a class of one's own, how it is written, too.
    """
    arguments, options = x._made_with
    try:
        bound = signature(type(x)).bind(*arguments, **options)
    except (TypeError, ValueError):  # made in another way
        given = {"arguments": arguments, **options}
    else:
        bound.apply_defaults()
        given = dict(bound.arguments)
        for name in [
            n for n, one in bound.signature.parameters.items() if one.kind == Parameter.VAR_KEYWORD
        ]:
            given |= given.pop(name)
    texts = {name: plainly(value) for name, value in given.items() if name not in NO_MATTER}
    found = {name: t if len(t) < 100 else checksum(t.encode()) for name, t in texts.items()}
    is_own = not type(x).__module__.startswith(f"{__name__.split('.')[0]}.")
    return found | ({"code": code_of(type(x))} if is_own else {})


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What is not the same, in words: numbers by themselves, not so checksums.

    >>> then = {"samples": 50, "data": {"x": "#1a", "y": "#2b"}}
    >>> list(differences(then, {"samples": 40, "data": {"x": "#1a", "y": "#3c"}}))
    ['samples 50, now 40', 'data: y']
    """
    for name in dict.fromkeys([*now, *then]):
        one, other = then.get(name), now.get(name)
        if isinstance(one, Mapping) or isinstance(other, Mapping):
            if isinstance(one, Mapping) and isinstance(other, Mapping):
                for what in differences(one, other):
                    yield f"{name}: {what}"
            # what only one of them has is said by what names it, such as the list of callbacks
        elif one != other:
            is_sum = any(isinstance(x, str) and x.startswith("#") for x in (one, other))
            yield name if is_sum else f"{name} {one}, now {other}"
