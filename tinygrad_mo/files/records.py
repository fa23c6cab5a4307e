"""A model as plain values, and back: what a file holds besides arrays.

Layers are written as what they were made with, and the graph as its steps, so that a file says
exactly which ops run in which order. Reading it makes nothing but ops, layers, losses ... of this
package, and classes that the reader hands over by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import EllipsisType
from typing import Any

import numpy as np

from .. import layers, losses, metrics, optimizers, schedules
from ..engine.calls import Call, inside
from ..engine.graph import Parameter, Step, Tensor, apply, placeholder
from ..layers import Layer, activations, initializers, regularizers
from ..layers.base import AddedLoss
from ..naming import did_you_mean
from ..network.network import Network
from ..ops.contract import OPS, Op, of_this_package
from .archive import CheckpointError

MODULES = {
    "layers": layers,
    "losses": losses,
    "metrics": metrics,
    "optimizers": optimizers,
    "schedules": schedules,
    "initializers": initializers,
    "regularizers": regularizers,
}
FUNCTIONS = {**activations.ACTIVATIONS, **initializers.INITIALIZERS}


def walk(layer: Layer) -> Iterator[Layer]:
    """A layer and those inside it; those of a model are listed apart."""
    yield layer
    if not layer.is_model:
        for inner in layer.sublayers:
            yield from walk(inner)


class Writer:
    """Values as JSON holds them; what JSON does not know becomes ``{kind: content}``.

    Attributes
    ----------
    arrays : dict of array
        Put aside by name.
    entries : list
        One per layer, each after those that it was made with.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.entries: list[Any] = []
        self._layers: list[Layer] = []
        self._custom: dict[str, Any] = {}  # what is not of this package, by name

    def custom(self, name: str, x: Any) -> str:
        """The name by which something of the user's is handed over when the file is read."""
        if self._custom.setdefault(name, x) is not x:
            raise CheckpointError(
                f"a file knows functions and classes of your own by name, and two different ones "
                f"are called {name!r}: {self._custom[name]} and {x}. Give them names of their own"
            )
        return name

    def op(self, x: Op) -> Any:
        """The name of an op; one that is not of this package is marked."""
        return x.name if of_this_package(x) else {"own": self.custom(x.name, x)}

    def value(self, x: Any) -> Any:
        """Anything that layers and ops are made with."""
        match x:
            case None | bool() | int() | float() | str():
                return x
            case list():
                return [self.value(item) for item in x]
            case tuple():
                return {"tuple": [self.value(item) for item in x]}
            case Mapping():
                return {"dict": [[self.value(key), self.value(item)] for key, item in x.items()]}
            case slice():
                return {"slice": [self.value(part) for part in (x.start, x.stop, x.step)]}
            case EllipsisType():
                return {"ellipsis": None}
            case np.dtype():
                return {"dtype": x.name}
            case np.ndarray() | np.generic():
                return {"array": self.array(np.asarray(x))}
            case Op():
                return {"op": self.op(x)}
            case Layer():
                return {"layer": self.layer(x)}
            case np.random.Generator():
                users = [n for n, layer in enumerate(self.layers()) if layer._generator is x]
                return {"generator": users[0]}
        if hasattr(x, "made_with"):
            return {"made": self.made(x)}
        if callable(x):
            name = next((name for name, function in FUNCTIONS.items() if function is x), None)
            return {"custom": self.custom(x.__name__, x)} if name is None else {"function": name}
        raise CheckpointError(f"a file cannot hold {x!r}, of type {type(x).__name__}")

    def array(self, x: np.ndarray) -> str:
        name = f"constants/{len(self.arrays)}"
        self.arrays[name] = x
        return name

    def made(self, x: Any) -> list[Any]:
        """The module and name of what made it ("" if not of this package), and with what."""
        maker = getattr(x, "maker", type(x))
        name = maker.__name__
        homes = (home for home, content in MODULES.items() if getattr(content, name, 0) is maker)
        arguments, options = x.made_with
        home = next(homes, "") or (self.custom(name, maker) and "")
        return [home, name, self.value(list(arguments)), self.value(options)]

    def layers(self) -> list[Layer]:
        """Everything that can own weights, in the order that a `Reader` finds it in."""
        return [inner for layer in self._layers for inner in walk(layer)]

    def layer(self, layer: Layer) -> int:
        """The number of a layer, which is written down if it is new."""
        if layer not in self._layers:
            what: dict[str, Any] = {}
            if isinstance(layer, Network):
                what["graph"] = self.graph(layer)
            else:
                what["made"] = self.made(layer)
            self._layers.append(layer)
            self.entries.append(what | self.became(layer))
        return self._layers.index(layer)

    def became(self, layer: Layer) -> Any:
        """What has become of a layer since it was made."""
        return {
            "name": layer.name,
            "named": layer._named,
            "has_name": layer._has_name,
            "trainable": layer.trainable,
            "built_for": self.value(layer.built_for),
            "inner": [] if layer.is_model else [self.became(inner) for inner in layer.sublayers],
        }

    def graph(self, model: Network) -> Any:
        """The inputs, steps and outputs of a model, and the scalars that were added as losses."""
        for layer in model.contents.every_layer():
            if layer not in self.layers():  # one that no layer keeps in its attributes
                self.layer(layer)
        numbers: dict[Any, Any] = {t.key: n for n, t in enumerate(model.inputs.values())}
        made = len(numbers)
        owners = self.layers()
        for n, layer in enumerate(owners):
            for index, weight in enumerate(layer.own_weights):
                numbers.setdefault(weight.key, {"weight": [n, index]})
        bare = model.contents.bare
        for n, weight in enumerate(bare):
            numbers.setdefault(weight.key, {"bare": n})
        calls: list[Call] = []
        steps = []
        for step in model.steps:
            steps.append(self.step(step, numbers, calls))
            for index in range(len(step.outputs)):
                numbers[step, index] = made
                made += 1
        return {
            "name": model.name,
            "form": model.form,
            "inputs": [
                [name, self.value(t.shape), np.dtype(t.dtype).name]
                for name, t in model.inputs.items()
            ],
            "inputs_by_name": model.inputs_are_dict,
            "bare": [
                [
                    w.label,
                    self.value(w.shape),
                    np.dtype(w.dtype).name,
                    w.trainable,
                    self.value(w.regularizer),
                ]
                for w in bare
            ],
            "calls": [self.call(call, calls, owners) for call in calls],
            "steps": steps,
            "outputs": [
                [name, numbers[t.key], None if t.mask is None else numbers[t.mask.key]]
                for name, t in model.outputs.items()
            ],
            "losses": [
                [name, numbers[loss.value.key], loss.weight] for name, loss in model.added.items()
            ],
        }

    def step(self, step: Step, numbers: Mapping[Any, Any], calls: list[Call]) -> Any:
        """The op, where its inputs come from, its attributes, and the number of its call."""
        inputs = [None if x is None else self.source(x, numbers) for x in step.inputs]
        attributes = {name: self.value(x) for name, x in step.attributes.items()}
        return [self.op(step.op), inputs, attributes, number_of(step.call, calls)]

    def source(self, x: Tensor, numbers: Mapping[Any, Any]) -> Any:
        if x.key in numbers:
            return numbers[x.key]
        if type(x.value) in (bool, int, float):  # it takes the type of what it meets
            return {"number": x.value}
        return {"array": self.array(x.numpy())}

    def call(self, call: Call, calls: list[Call], owners: list[Layer]) -> Any:
        """Its owner, and the number of the call that it happened in."""
        owner = call.owner
        parent = None if call.parent is None else calls.index(call.parent)
        return [{"owner": owners.index(owner)} if owner in owners else self.value(owner), parent]


def number_of(call: Call | None, calls: list[Call]) -> int | None:
    """Its place among `calls`, where it is entered after the calls it happened in."""
    if call is None:
        return None
    if call not in calls:
        number_of(call.parent, calls)
        calls.append(call)
    return calls.index(call)


class Reader:
    """The way back from what a `Writer` wrote.

    Parameters
    ----------
    entries, arrays
        As the writer left them.
    custom : dict
        Classes and functions that are not of this package, by name.
    """

    def __init__(
        self,
        entries: list[Any],
        arrays: Mapping[str, np.ndarray],
        custom: Mapping[str, Any],
        model_class: type[Network] = Network,
    ):
        self.arrays, self.custom, self.model_class = arrays, custom, model_class
        self._layers: list[Layer] = []
        waiting: list[tuple[Layer, Any]] = []  # made, but not as it was: others may wrap it first
        for entry in entries:
            if "graph" in entry:
                while waiting:
                    rebuild(self, *waiting.pop(0))
                self._layers.append(self.graph(entry["graph"]))
            else:
                self._layers.append(self.layer_again(entry))
            waiting.append((self._layers[-1], entry))
        for layer, entry in waiting:
            rebuild(self, layer, entry)

    def layer_again(self, entry: Any) -> Any:
        """A layer, before it has weights."""
        try:
            return self.made(*entry["made"])
        except CheckpointError:
            raise
        except Exception as error:  # of a layer of one's own
            what = f"{type(error).__name__}: {error}"
            raise CheckpointError(
                f"layer {entry['name']!r} could not be made again: {what}. When a file is read, no "
                f"layer has weights yet while layers are made: look at those of another one in "
                f"call, not in __init__"
            ) from error

    def value(self, x: Any) -> Any:
        if isinstance(x, list):
            return [self.value(item) for item in x]
        if not isinstance(x, Mapping):
            return x
        ((kind, content),) = x.items()
        match kind:
            case "tuple":
                return tuple(self.value(content))
            case "dict":
                return {self.value(key): self.value(item) for key, item in content}
            case "slice":
                return slice(*self.value(content))
            case "ellipsis":
                return ...
            case "dtype":
                return np.dtype(content)
            case "array":
                return self.arrays[content]
            case "op":
                return self.op(content)
            case "layer":
                return self._layers[content]
            case "owner":
                return self.layers()[content]
            case "generator":
                return self.layers()[content].generator
            case "made":
                return self.made(*content)
            case "function":
                return FUNCTIONS[content]
            case "custom":
                return self.handed_over(content)
        raise CheckpointError(f"the file holds an unknown kind of value: {kind!r}")

    def made(self, home: str, name: str, arguments: Any, options: Any) -> Any:
        maker = getattr(MODULES[home], name) if home else self.handed_over(name)
        if not hasattr(maker, "makes_recipes"):
            raise CheckpointError(f"the file asks for {home}.{name}, which is nothing to be made")
        return maker(*self.value(arguments), **self.value(options))

    def op(self, name: Any) -> Op:
        """An op by what a `Writer` wrote of it."""
        if not isinstance(name, Mapping):
            return OPS[name]
        own = name["own"]
        known = OPS.get(own)
        if own not in self.custom and known is not None and not of_this_package(known):
            return known
        return self.handed_over(own)

    def handed_over(self, name: str) -> Any:
        if name not in self.custom:
            raise CheckpointError(
                f"the file uses {name!r}, which is not of this package. Hand it over: "
                f"load(path, custom={{{name!r}: ...}})"
                + (f"; {did_you_mean(name, self.custom)}" if self.custom else "")
            )
        return self.custom[name]

    def layers(self) -> list[Layer]:
        return [inner for layer in self._layers for inner in walk(layer)]

    def graph(self, content: Any) -> Any:
        """A model, with the scalars that were added as losses."""
        inputs = {
            name: placeholder(self.value(shape), dtype, name)
            for name, shape, dtype in content["inputs"]
        }
        made: list[Any] = list(inputs.values())
        owners = self.layers()
        self._bare = [
            Parameter(np.zeros(self.value(shape), dtype), label, trainable, *map(self.value, more))
            for label, shape, dtype, trainable, *more in content["bare"]  # more: its regularizer
        ]
        calls: list[Call] = []
        for owner, parent in content["calls"]:
            calls.append(Call(self.value(owner), None if parent is None else calls[parent]))
        for op, sources, attributes, number in content["steps"]:
            given = tuple(self.source(x, made, owners) for x in sources)
            options = {name: self.value(x) for name, x in attributes.items()}
            with inside(None if number is None else calls[number]):
                y = apply(self.op(op), given, options)
            made += y if isinstance(y, tuple) else [y]
        outputs = {name: made[number] for name, number, _ in content["outputs"]}
        for name, _, mask in content["outputs"]:
            outputs[name].mask = None if mask is None else made[mask]
        losses = tuple(AddedLoss(name, made[n], weight) for name, n, weight in content["losses"])
        next(iter(outputs.values())).losses = losses
        ends: Any = outputs if content["form"] == "dict" else list(outputs.values())
        return self.model_class(
            inputs if content["inputs_by_name"] else list(inputs.values()),
            ends[0] if content["form"] == "one" else ends,
            name=content["name"],
        )

    def source(self, x: Any, made: list[Any], owners: list[Layer]) -> Any:
        if x is None or isinstance(x, int):
            return None if x is None else made[x]
        if "weight" in x:
            layer, index = x["weight"]
            return owners[layer].own_weights[index]
        if "bare" in x:
            return self._bare[x["bare"]]
        if "number" in x:
            return Tensor.make(x["number"], None)
        array = self.arrays[x["array"]]
        return Tensor(array, array.dtype)


def rebuild(reader: Reader, layer: Layer, entry: Any) -> None:
    """Give a layer the weights, names and flags that it had."""
    layer.name, layer._named, layer._has_name = entry["name"], entry["named"], entry["has_name"]
    if entry["built_for"] is not None:
        layer.build(reader.value(entry["built_for"]))
    for weight in layer.own_weights if not layer.is_model else ():
        weight.belongs_to(layer.name)
    for inner, its in zip(layer.sublayers, entry["inner"], strict=not layer.is_model):
        rebuild(reader, inner, its)
    layer._trainable = entry["trainable"]
