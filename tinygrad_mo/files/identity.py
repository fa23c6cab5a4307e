"""Which training it is: what must be the same for a backup to go on, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from inspect import Parameter, signature
from typing import Any

import numpy as np

from ..device import are_seeded, seeds
from ..whole_files import CheckpointError
from .checkpoint import WEIGHT, compiled_with, training_state
from .code import checksum, code_of, in_short, plainly
from .writing import Writer

NO_MATTER = {"path", "verbose"}  # arguments of callbacks that may be others when a fit goes on


def fingerprint(model: Any) -> dict[str, Any]:
    """What tells this model from others, part by part: short texts, or checksums of long ones."""
    writer = Writer()
    compiled = compiled_with(model) or {}
    writes = {"graph": lambda: [writer.graph(model), writer.entries]}
    writes |= {name: partial(writer.value, value) for name, value in compiled.items()}
    found: dict[str, Any] = {}
    for name, write in writes.items():
        try:
            found[name] = in_short(spelled(without_trainable(write())))
        except CheckpointError:  # of a kind that no file can hold
            found[name] = "unknown"
    if writer.arrays:
        found["constants"] = checksum("; ".join(map(plainly, writer.arrays.values())).encode())
    code = {name: code_of(x) for name, x in writer.own.items()}
    return {"layers": dict(map(made_as, writer.entries)), **found, "code": code}


def made_as(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Of what a `Writer` has entered, the name of a layer, and how it was made, in short."""
    name = entry["became"][0]["name"] if "became" in entry else f"later {entry['of']}"
    return name, in_short(spelled(entry if "made" in entry else ""))


def start_of(model: Any) -> dict[str, Any]:
    """What a fit begins from: two fits of one program differ in it, one that is run again does not.

    Nobody can know this of a program without a seed, but how many generators it has made so far.
    """
    now = seeds()
    if are_seeded():
        return standing_of(model, now.entropy, now.n_children_spawned)
    return {"steps": steps_of(model), "random numbers": now.n_children_spawned}


def standing_of(model: Any, *drawn: Any) -> dict[str, Any]:
    """Where a compiled model stands; `drawn` goes with its random numbers."""
    arrays, state = training_state(model)
    weights = {name: x for name, x in arrays.items() if name.startswith(WEIGHT)}
    memory = {name: x for name, x in arrays.items() if name not in weights}
    drawn = (state["generators"], state["shuffler"], *drawn)
    return {
        "steps": steps_of(model),
        "weights": digest_of(weights, None),
        "averages of the optimizer or of loss_weights": digest_of(memory, state["balancing"]),
        "random numbers": digest_of({}, drawn),
    }


def steps_of(model: Any) -> list[int]:
    """How many a model has made, and its optimizer."""
    return [model.step, model.optimizer.step]


def digest_of(arrays: Mapping[str, np.ndarray], values: Any) -> str:
    """A checksum of arrays by name, and of values as JSON holds them, that is never another's."""
    found = sha256(json.dumps(values, sort_keys=True, default=str).encode())
    for name, x in arrays.items():
        found.update(f"{name} {x.dtype} {x.shape}".encode())
        found.update(np.ascontiguousarray(x).data)
    return f"#{found.hexdigest()}"


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
        case {"dict": pairs}:
            return f"{{{', '.join(f'{spelled(key)}: {spelled(one)}' for key, one in pairs)}}}"
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
    found = {name: in_short(plainly(x)) for name, x in given.items() if name not in NO_MATTER}
    is_own = not type(x).__module__.startswith(f"{__name__.split('.')[0]}.")
    return found | ({"code": code_of(type(x))} if is_own else {})


def differences(
    then: Mapping[str, Any], now: Mapping[str, Any], words: str = "{}, now {}"
) -> Iterator[str]:
    """What is not the same, in words: numbers by themselves, not so checksums.

    >>> then = {"samples": 50, "data": {"x": "#1a", "y": "#2b"}}
    >>> list(differences(then, {"samples": 40, "data": {"x": "#1a", "y": "#3c"}}))
    ['samples 50, now 40', 'data: y']
    """
    for name in dict.fromkeys([*now, *then]):
        one, other = then.get(name), now.get(name)
        if isinstance(one, Mapping) or isinstance(other, Mapping):
            if isinstance(one, Mapping) and isinstance(other, Mapping):
                for what in differences(one, other, words):
                    yield f"{name}: {what}"
            # what only one of them has is said by what names it, such as the list of callbacks
        elif one != other:
            is_sum = any(isinstance(x, str) and x.startswith("#") for x in (one, other))
            yield name if is_sum else f"{name} {words.format(one, other)}"
