"""A whole model in a file: its graph, its weights, and where its training stands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from .. import arguments
from ..device import drawn_only_if_it_succeeds, to_numpy, xp
from ..layers.base import assign_all
from ..layers.initializers import at_most
from ..ops.contract import Op
from ..whole_files import CheckpointError
from .archive import Members, check_kind, made_again, opened, save_arrays, shortened
from .code import UNKNOWN, code_of
from .language import MODEL, STATE
from .reading import Reader
from .schema import check_form
from .writing import Writer

Arrays = Mapping[str, np.ndarray]
SOME = 1 << 20  # numbers
WEIGHT, SLOT, LEARNED = "weights/", "slots/", "balancing/"


def save_model(path: str | Path, model: Any) -> None:
    """Write everything that `load_model` needs to go on with the model as it is."""
    if arguments.path("save: path", path).suffix.lower() == ".safetensors":
        raise ValueError(
            f"a .safetensors file holds weights alone, not a whole model: save_weights writes "
            f"{path}; give the file of a model another name, such as "
            f"{Path(path).with_suffix('.tg')}"
        )
    writer = Writer()
    content = {"graph": writer.graph(model)}
    if own := {n: code_of(x) for n, x in writer.own.items() if not isinstance(x, Op)}:
        content["code"] = own  # of an op, and of what compile was given, it is handed over
    content["compiled"] = writer.value(compiled_with(model))
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


def load_model(
    path: str | Path, model_class: Any, custom_objects: Mapping[str, Any], compiled: bool
) -> Any:
    """The model that `save_model` wrote, with what `compile` made of it, or without."""
    with opened(path) as (arrays, header), made_again(path), drawn_only_if_it_succeeds():
        check_kind(path, header, "model")
        content = header["model"]
        check_form(f"{path}: model", content, MODEL)
        numbers = sum(map(prod, arrays.shapes.values()))
        with at_most(2 * numbers + SOME):  # some may be made, and replaced
            reader = Reader(content["layers"], arrays, custom_objects, model_class)
            model = reader.graph(content["graph"])
        if compiled and content["compiled"] is not None:
            model.compile(**reader.value(content["compiled"]))
        set_training_state(path, model, arrays, header.get("state"))
    warn_of_other_code(path, content.get("code", {}), custom_objects)
    return model


def warn_of_other_code(path: str | Path, then: Mapping[str, str], given: Mapping[str, Any]) -> None:
    """Tell that a graph is what it was, whatever the code is that its layers have now."""
    now = {name: code_of(given[name]) for name in then if name in given}
    others = [n for n in now if now[n] != then[n] and UNKNOWN not in (now[n], then[n])]
    if others:
        warnings.warn(
            f"{path} was written with another {', '.join(others)} than custom_objects gives. The "
            f"model still computes what it did: its graph is in the file, and the new code is used "
            f"only when a layer is called again (that of a regularizer at once). For a model of "
            f"the new code, make it anew, and take the weights of the file with load_weights",
            stacklevel=4,
        )


def load_weights(path: str | Path, model: Any) -> None:
    """Take the weights of a file, of a whole model, too, by name, or, if one misfits, none."""
    with opened(path) as (arrays, header):
        start = WEIGHT if isinstance(header.get("model"), Mapping) else ""
        if not start:
            check_kind(path, header, "weights")
        check_fit(str(path), model, of_kind(start, arrays.shapes))
        named = model.named_weights()
        assign_all((w, arrays[f"{start}{name}"]) for name, w in named.items())


def of_kind(start: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """What begins so, by the rest of its name."""
    return {n.removeprefix(start): x for n, x in arrays.items() if n.startswith(start)}


def check_fit(source: str, model: Any, found: Mapping[str, tuple[int, ...]]) -> None:
    """Are `found` the shapes of all weights, by name, and nothing else?"""
    own = model.named_weights()
    shapes = [
        f"{name} has shape {found[name]} instead of {w.shape}"
        for name, w in own.items()
        if name in found and found[name] != w.shape
    ]
    missing = [f"{name} is missing" for name in own if name not in found]
    unknown = [f"{name} is not in the model" for name in found if name not in own]
    wrong = [shortened(problems) for problems in (missing, unknown, shapes) if problems]
    if wrong:
        raise CheckpointError(f"{source} does not fit model {model.name!r}: {'; '.join(wrong)}")


def training_state(model: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
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


def set_training_state(path: str | Path, model: Any, arrays: Arrays, state: Any) -> None:
    """Put a model back to where `training_state` saw it; nothing is read that does not fit."""
    layers, named = model.contents.every_layer(), model.named_weights()
    check_fit(str(path), model, of_kind(WEIGHT, shapes_of(arrays)))
    check_form(f"{path}: state", state, STATE)
    sizes = {"generators": len(layers), "trainable": len(layers), "trainable_weights": len(named)}
    for name, size in sizes.items():
        if len(state[name]) != size:
            found = f"expected {size}, found {len(state[name])}"
            raise CheckpointError(f"{path}: the length of state.{name}: {found}")
    assign_all((w, xp().asarray(arrays[f"{WEIGHT}{name}"])) for name, w in named.items())
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
        set_compiled_state(path, model, arrays, state)


def set_compiled_state(path: str | Path, model: Any, arrays: Arrays, state: Any) -> None:
    """The rest of it, of what `compile` has made."""
    optimizer, memory = model.optimizer, slots_of(path, model, arrays)
    model.step, optimizer.step = state["step"], state["optimizer_step"]
    if state["learning_rate"] is not None:
        optimizer.learning_rate = state["learning_rate"]
    if state.get("balanced"):
        model.objective.weights.put(state["loss_weights"])
    else:
        model.objective.set_weights(state["loss_weights"])
    model.shuffler.bit_generator.state = state["shuffler"]
    learned = {n: arrays[f"{LEARNED}{n}"] for n in of_kind(LEARNED, arrays)}
    if learned := state.get("balancing", {}) | learned:
        model.objective.balancer.remember(learned)
    optimizer.remember(memory)


def slots_of(path: str | Path, model: Any, arrays: Arrays) -> dict[Any, dict[str, Any]]:
    """What the optimizer keeps of each weight: arrays of its shape, and counts."""
    named, memory = model.named_weights(), dict[Any, dict[str, Any]]()
    for slot, shape in of_kind(SLOT, shapes_of(arrays)).items():
        key, _, name = slot.partition("/")
        if name not in named:
            raise CheckpointError(f"{path} has {key!r} of {name!r}, which is not in the model")
        w = named[name]
        wanted = {"steps": (), "seen": w.shape[:1]}.get(key, w.shape)
        if shape != wanted:
            raise CheckpointError(f"{path}: {key} of {name} has shape {shape} instead of {wanted}")
        memory.setdefault(w, {})[key] = xp().array(arrays[f"{SLOT}{slot}"])
    return memory


@contextmanager
def unchanged_by_errors(model: Any) -> Iterator[None]:
    """After an error in this block, the model stands where it stood."""
    before, balancer = training_state(model), model.objective.balancer
    try:
        yield
    except BaseException:
        if model.objective.balancer is not balancer:
            model.objective.set_weights(balancer or before[1]["loss_weights"])
        set_training_state("what was before", model, *before)
        raise


def shapes_of(arrays: Arrays) -> Mapping[str, tuple[int, ...]]:
    """By name; of a file they are known before the arrays are read."""
    if isinstance(arrays, Members):
        return arrays.shapes
    return {name: np.shape(array) for name, array in arrays.items()}


def memory_of(balancer: Any) -> dict[str, Any]:
    """What a method that balances losses has learned; a function has no memory."""
    return balancer.memory() if hasattr(balancer, "memory") else {}


def random_state(generator: np.random.Generator | None) -> Any:
    return None if generator is None else generator.bit_generator.state
