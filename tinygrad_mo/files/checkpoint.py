"""A whole model in a file: its graph, its weights, and where its training stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..device import to_numpy, xp
from ..layers import Layer
from .archive import CheckpointError, load_arrays, save_arrays
from .records import Reader, Writer, walk

if TYPE_CHECKING:
    from ..training.training import TrainableModel

Arrays = dict[str, np.ndarray]
WEIGHT, SLOT = "weights/", "slots/"


def save_model(path: str | Path, model: TrainableModel) -> None:
    """Write everything that `load_model` needs to go on with the model as it is."""
    writer = Writer()
    graph = writer.graph(model, {name: tensor for name, (tensor, _) in model.added.items()})
    compiled = None if model.terms is None else writer.value(model.compiled_with)
    added = {name: weight for name, (_, weight) in model.added.items()}
    arrays, state = training_state(model)
    save_arrays(
        path,
        writer.arrays | arrays,
        model={"graph": graph, "layers": writer.entries, "added": added, "compiled": compiled},
        state=state,
    )


def load_model(path: str | Path, model_class: Any, custom: Mapping[str, Any] | None = None) -> Any:
    """The model that `save_model` wrote."""
    arrays, header = load_arrays(path)
    if "model" not in header or "graph" not in header["model"]:
        raise CheckpointError(f"{path} holds weights only: make the model, then load_weights")
    content = header["model"]
    reader = Reader(content["layers"], arrays, model_class, custom or {})
    model, losses = reader.graph(content["graph"])
    for name, tensor in losses.items():
        model.added[name] = tensor, content["added"][name]
    if content["compiled"] is not None:
        model.compile(**reader.value(content["compiled"]))
    set_training_state(model, arrays, header["state"])
    return model


def everyone(model: TrainableModel) -> list[Layer]:
    """All layers of a model, those inside others and inside nested models included."""

    def deep(layer: Layer) -> list[Layer]:
        inner = [deep(one) for one in layer.sublayers] if layer.is_model else []
        return [*walk(layer), *(one for part in inner for one in part)]

    return list(dict.fromkeys(one for layer in model.sublayers for one in deep(layer)))


def training_state(model: TrainableModel) -> tuple[Arrays, dict[str, Any]]:
    """Weights, and all that decides how training goes on: optimizer, random numbers, counts."""
    named = model.named_weights()
    arrays = {f"{WEIGHT}{name}": w.numpy() for name, w in named.items()}
    layers = everyone(model)
    state: dict[str, Any] = {
        "trainable": [layer.trainable for layer in layers],
        "generators": [random_state(layer._generator) for layer in layers],
    }
    if model.terms is not None:
        optimizer = model.optimizer
        memory = optimizer.memory()
        for name, w in named.items():
            for key, array in memory.get(w, {}).items():
                arrays[f"{SLOT}{key}/{name}"] = np.array(to_numpy(array))
        state |= {
            "step": model.step,
            "optimizer_step": optimizer.step,
            "learning_rate": None if optimizer.follows_schedule else optimizer.learning_rate,
            "loss_weights": model.loss_weights,
            "balanced": model.balancer is not None,
            "shuffler": random_state(model.shuffler),
        }
    return arrays, state


def set_training_state(
    model: TrainableModel, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]
) -> None:
    """Put a model back to where `training_state` saw it; if something misfits, change nothing."""
    layers, named = everyone(model), model.named_weights()
    found = {n.removeprefix(WEIGHT): a for n, a in arrays.items() if n.startswith(WEIGHT)}
    model.check_fit("the file", found)
    if len(state["generators"]) != len(layers):
        raise CheckpointError(f"the file is about {len(state['generators'])} layers, not {layers}")
    for name, w in named.items():
        w.assign(xp().asarray(found[name]))
    for layer, trainable, random in zip(
        layers, state["trainable"], state["generators"], strict=True
    ):
        layer._trainable = trainable
        if random is not None:
            layer.generator.bit_generator.state = random
    if "step" in state and model.terms is not None:
        optimizer = model.optimizer
        model.step, optimizer.step = state["step"], state["optimizer_step"]
        if state["learning_rate"] is not None:
            optimizer.learning_rate = state["learning_rate"]
        balancer = model.balancer if state.get("balanced") else None
        model.loss_weights = state["loss_weights"]  # which would end a function that balances them
        model.balancer = balancer
        model.shuffler.bit_generator.state = state["shuffler"]
        kept = {n.removeprefix(SLOT): a for n, a in arrays.items() if n.startswith(SLOT)}
        memory: dict[Any, dict[str, Any]] = {}
        for slot, array in kept.items():
            key, name = slot.split("/", 1)
            memory.setdefault(named[name], {})[key] = xp().array(array)
        optimizer.remember(memory)


def random_state(generator: np.random.Generator | None) -> Any:
    return None if generator is None else generator.bit_generator.state
