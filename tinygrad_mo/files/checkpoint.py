"""A whole model in a file: its graph, its weights, and where its training stands."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import arguments
from ..device import to_numpy, xp
from ..layers.base import assign_all
from .archive import CheckpointError, check_kind, load_arrays, save_arrays, shortened
from .records import Reader, Writer

Arrays = dict[str, np.ndarray]
WEIGHT, SLOT, LEARNED = "weights/", "slots/", "balancing/"


def save_model(path: str | Path, model: Any) -> None:
    """Write everything that `load_model` needs to go on with the model as it is."""
    if arguments.path("save: path", path).suffix == ".safetensors":
        raise ValueError(
            f"a .safetensors file holds weights alone, not a whole model: save_weights writes "
            f"{path}; give the file of a model another name, such as "
            f"{Path(path).with_suffix('.tg')}"
        )
    writer = Writer()
    content = {"graph": writer.graph(model), "compiled": writer.value(compiled_with(model))}
    arrays, state = training_state(model)
    content["layers"] = writer.entries
    save_arrays(path, writer.arrays | arrays, model=content, state=state)


def compiled_with(model: Any) -> dict[str, Any] | None:
    """The arguments of `compile`, if it was called."""
    if not model.is_compiled:
        return None
    compiled = {"optimizer": model.optimizer, **model.objective.made_with}
    balancer = model.objective.balancer  # which may have been set later
    return compiled | ({"loss_weights": balancer} if balancer else {})


def fingerprint(model: Any) -> dict[str, Any]:
    """What tells this model from others, part by part: short texts, or checksums of long ones."""
    writer = Writer()
    compiled = compiled_with(model) or {}
    writes = {"layers": lambda: [writer.graph(model), writer.entries]}
    writes |= {name: partial(writer.value, value) for name, value in compiled.items()}
    found: dict[str, Any] = {}
    for name, write in writes.items():
        try:
            text = json.dumps(without_trainable(write()), sort_keys=True)
            found[name] = text if len(text) < 100 else zlib.crc32(text.encode())
        except CheckpointError:  # of a kind that no file can hold
            found[name] = "unknown"
    return found


def without_trainable(x: Any) -> Any:
    """What a `Writer` wrote, without what a callback may change while training runs."""
    if isinstance(x, list):
        return [without_trainable(item) for item in x]
    if isinstance(x, Mapping):
        return {key: without_trainable(item) for key, item in x.items() if key != "trainable"}
    return x


def load_model(
    path: str | Path, model_class: Any, custom_objects: Mapping[str, Any], compiled: bool
) -> Any:
    """The model that `save_model` wrote, with what `compile` made of it, or without."""
    arrays, header = load_arrays(path)
    check_kind(path, header, "model")
    content = header["model"]
    reader = Reader(content["layers"], arrays, custom_objects, model_class)
    model = reader.graph(content["graph"])
    if compiled and content["compiled"] is not None:
        model.compile(**reader.value(content["compiled"]))
    set_training_state(model, arrays, header["state"])
    return model


def load_weights(path: str | Path, model: Any) -> None:
    """Take the weights of a file, of a whole model, too, by name, or, if one misfits, none."""
    found, header = load_arrays(path)
    if isinstance(header.get("model"), Mapping):
        found = those_of(found)
    else:
        check_kind(path, header, "weights")
    check_fit(str(path), model, found)
    assign_all((w, found[name]) for name, w in model.named_weights().items())


def those_of(arrays: Arrays) -> Arrays:
    """The weights among the arrays of a whole model, by name."""
    return {n.removeprefix(WEIGHT): a for n, a in arrays.items() if n.startswith(WEIGHT)}


def check_fit(source: str, model: Any, found: Mapping[str, np.ndarray]) -> None:
    """Are `found` arrays for all weights, by name, and nothing else?"""
    own = model.named_weights()
    shapes = [
        f"{name} has shape {found[name].shape} instead of {w.shape}"
        for name, w in own.items()
        if name in found and found[name].shape != w.shape
    ]
    missing = [f"{name} is missing" for name in own if name not in found]
    unknown = [f"{name} is not in the model" for name in found if name not in own]
    wrong = [shortened(problems) for problems in (missing, unknown, shapes) if problems]
    if wrong:
        raise CheckpointError(f"{source} does not fit model {model.name!r}: {'; '.join(wrong)}")


def training_state(model: Any) -> tuple[Arrays, dict[str, Any]]:
    """Weights, and all that decides how training goes on: optimizer, random numbers, counts."""
    named = model.named_weights()
    arrays = {f"{WEIGHT}{name}": w.numpy() for name, w in named.items()}
    layers = model.contents.every_layer()
    state: dict[str, Any] = {
        "network_trainable": model.trainable,  # the flag of what belongs to no layer
        "trainable": [layer.trainable for layer in layers],
        "trainable_weights": [w.trainable for w in named.values()],
        "generators": [random_state(layer._generator) for layer in layers],
    }
    if model.is_compiled:
        optimizer = model.optimizer
        memory = optimizer.memory()
        for name, w in named.items():
            for key, array in memory.get(w, {}).items():
                arrays[f"{SLOT}{key}/{name}"] = np.array(to_numpy(array))
        state |= {
            "step": model.step,
            "optimizer_step": optimizer.step,
            "learning_rate": None if optimizer.follows_schedule else optimizer.learning_rate,
            "loss_weights": dict(model.objective.weights),
            "balanced": model.objective.balancer is not None,
            "shuffler": random_state(model.shuffler),
        }
        learned = memory_of(model.objective.balancer)
        is_array = {name: isinstance(value, np.ndarray) for name, value in learned.items()}
        arrays |= {f"{LEARNED}{name}": x for name, x in learned.items() if is_array[name]}
        state["balancing"] = {name: x for name, x in learned.items() if not is_array[name]}
    return arrays, state


def set_training_state(model: Any, arrays: Arrays, state: Mapping[str, Any]) -> None:
    """Put a model back to where `training_state` saw it; if something misfits, change nothing."""
    layers, named = model.contents.every_layer(), model.named_weights()
    found = those_of(arrays)
    check_fit("the file", model, found)
    if len(state["generators"]) != len(layers):
        raise CheckpointError(f"the file is about {len(state['generators'])} layers, not {layers}")
    kept = {n.removeprefix(SLOT): a for n, a in arrays.items() if n.startswith(SLOT)}
    memory: dict[Any, dict[str, Any]] = {}
    for slot, array in kept.items():
        key, name = slot.split("/", 1)
        memory.setdefault(named[name], {})[key] = xp().array(array)
    assign_all((w, xp().asarray(found[name])) for name, w in named.items())
    for layer, trainable, random in zip(
        layers, state["trainable"], state["generators"], strict=True
    ):
        layer._trainable = trainable
        if random is not None:
            layer.generator.bit_generator.state = random
    model._trainable = state.get("network_trainable", True)
    for w, trainable in zip(named.values(), state["trainable_weights"], strict=True):
        w.trainable = trainable
    if "step" in state and model.is_compiled:
        optimizer = model.optimizer
        model.step, optimizer.step = state["step"], state["optimizer_step"]
        if state["learning_rate"] is not None:
            optimizer.learning_rate = state["learning_rate"]
        if state.get("balanced"):
            model.objective.weights.put(state["loss_weights"])
        else:
            model.objective.set_weights(state["loss_weights"])
        model.shuffler.bit_generator.state = state["shuffler"]
        learned = {n.removeprefix(LEARNED): a for n, a in arrays.items() if n.startswith(LEARNED)}
        if learned := state.get("balancing", {}) | learned:
            model.objective.balancer.remember(learned)
        optimizer.remember(memory)


def memory_of(balancer: Any) -> dict[str, Any]:
    """What a method that balances losses has learned; a function has no memory."""
    return balancer.memory() if hasattr(balancer, "memory") else {}


def random_state(generator: np.random.Generator | None) -> Any:
    return None if generator is None else generator.bit_generator.state
