"""A model as plain values, and back: what a file holds besides arrays.

Layers are written as what they were made with, and the graph as its steps, so that a file says
exactly which ops run in which order. Reading it makes nothing but ops, layers, losses ... of this
package, and classes that the reader hands over by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import EllipsisType, MethodType
from typing import Any

import numpy as np

from .. import layers, losses, metrics, optimizers, schedules
from ..engine.calls import Call, inside
from ..engine.graph import Parameter, Step, Tensor, apply
from ..engine.inputs import placeholder
from ..layers import Layer, activations, initializers, regularizers
from ..layers.base import AddedLoss, kept_in
from ..naming import did_you_mean, name_of
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


def walk(layers: Iterable[Layer], met: set[Layer] | None = None) -> Iterator[Layer]:
    """Layers and all that come back with them when they are made again, each once.

    What is inside a layer is looked up after it was handed out: it may be built in between.
    """
    met = set() if met is None else met
    for layer in layers:
        if layer not in met:
            met.add(layer)
            yield layer
            yield from walk(within(layer), met)


def within(layer: Layer) -> list[Layer]:
    """The layers that a layer was made and built with; of a model, all."""
    if layer.is_model:
        return layer.contents.every_layer()  # type: ignore[attr-defined]
    return [x for x in layer._parts if isinstance(x, Layer)]


def kind_of(layer: Layer) -> str:
    """What it must be when it is read again: every model is its graph."""
    return "Model" if layer.is_model else type(layer).__name__


def weights_made(layer: Layer) -> list[Parameter]:
    """The weights that a layer was made and built with, in the order of `own_weights`."""
    parts = layer.own_weights if layer.is_model else layer._parts
    return [x for x in parts if isinstance(x, Parameter)]


def set_later(layer: Layer) -> dict[str, Any]:
    """The attributes that hold layers or weights which neither `__init__` nor `build` put there."""
    late = set() if layer.is_model else {*layer.own_parts()} - {*layer._parts}
    return {
        name: x
        for name, x in (vars(layer).items() if late else ())
        if any(one in late for one in kept_in({name: x}))
    }


def given_to(layer: Layer) -> list[Any]:
    """The layers and weights among the arguments that a layer was made with."""
    arguments, options = layer.made_with
    return list(kept_in({"arguments": arguments, "options": options}))


def makers_of(layers: Iterable[Layer]) -> dict[Layer, Layer]:
    """By layer, the one that makes it for itself, in `__init__` or `build`."""
    makers: dict[Layer, Layer] = {}
    for layer in layers:
        if not layer.is_model:
            given = set(walk(x for x in given_to(layer) if isinstance(x, Layer)))
            for one in walk(within(layer)):
                if one not in given:
                    makers.setdefault(one, layer)
    return makers


class Writer:
    """Values as JSON holds them; what JSON does not know becomes ``{kind: content}``.

    Attributes
    ----------
    arrays : dict of array
        Put aside by name.
    entries : list
        One per layer, each after those that it was made with; and the attributes that were set
        later, after the layers that they hold.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.entries: list[Any] = []
        self._layers: list[Layer] = []
        self._makers: dict[Layer, Layer] = {}
        self._owners: dict[Parameter, Layer] = {}
        self._custom: dict[str, Any] = {}  # what is not of this package, by name

    def custom(self, name: str, x: Any) -> str:
        """The name by which something of the user's is handed over when the file is read."""
        known = self._custom.setdefault(name, x)
        if known is not x and not (type(known) is type(x) is MethodType and known == x):
            raise CheckpointError(
                f"a file knows functions and classes of your own by name, and two different ones "
                f"are called {name!r}. Give them names of their own (a partial or another object "
                f"has one in __name__)"
            )
        return name

    def op(self, x: Op) -> Any:
        """The name of an op; one that is not of this package is marked."""
        if of_this_package(x):
            return x.name
        if OPS.get(x.name, x) is not x:
            raise CheckpointError(
                f"the model has an op called {x.name!r}, and there is a newer one of that name, "
                f"which would take its place: give it a name of its own, or make the model again"
            )
        return {"own": self.custom(x.name, x)}

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
                return self.layer(x)
            case Parameter() if x in self._owners:
                self.layer(owner := self._owners[x])
                return {"weight": [self.layers().index(owner), weights_made(owner).index(x)]}
            case np.random.Generator():
                users = [n for n, layer in enumerate(self.layers()) if layer._generator is x]
                return {"generator": users[0]}
        if hasattr(x, "made_with"):
            return {"made": self.made(x)}
        if callable(x):
            name = next((name for name, function in FUNCTIONS.items() if function is x), None)
            return {"custom": self.custom(name_of(x), x)} if name is None else {"function": name}
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
        return list(walk(self._layers))

    def layer(self, layer: Layer) -> Any:
        """How a layer is found again; it is written down if it is new."""
        if layer in self._layers:
            return {"layer": self._layers.index(layer)}
        maker = self._makers.get(layer)
        if maker is not None and maker not in self._layers:
            self.layer(maker)
        if layer in (known := self.layers()):
            return {"owner": known.index(layer)}
        if isinstance(layer, Network):
            what = {"graph": self.graph(layer)}
        else:
            what = {"made": self.made(layer)}
        apart = set(walk(self._layers))
        self._layers.append(layer)
        number, all_of_it = len(self._layers) - 1, list(walk([layer]))
        what["became"] = [None if one in apart else self.became(one) for one in all_of_it]
        self.entries.append(what)
        for one in all_of_it:
            self.check_weights(one)
            if later := set_later(one):
                later = self.value(later)
                self.entries.append({"of": self.layers().index(one), "later": later})
        return {"layer": number}

    def check_weights(self, layer: Layer) -> None:
        """An error for a weight that the layer will not have when it is made again."""
        for weight in layer.own_weights:
            if weight not in self._owners and weight not in weights_made(layer):
                raise CheckpointError(
                    f"{layer} was given the weight {weight.label!r} after it was built (in call?), "
                    f"so it would not have it when a file is read: make it in make_weights"
                )

    def became(self, layer: Layer) -> Any:
        """What has become of a layer since it was made."""
        return {
            "kind": kind_of(layer),
            "name": layer.name,
            "named": layer._named,
            "has_name": layer._has_name,
            "trainable": layer.trainable,
            "built_for": self.value(layer.built_for),
            "weights": [w.label for w in weights_made(layer)],
        }

    def graph(self, model: Network) -> Any:
        """The inputs, steps and outputs of a model, and the scalars that were added as losses."""
        every = model.contents.every_layer()
        self._makers |= makers_of(every)
        for one in every:
            given = given_to(one)
            for weight in weights_made(one):
                if weight not in given:
                    self._owners.setdefault(weight, one)
        for layer in every:
            self.layer(layer)
        numbers: dict[Any, Any] = {t.key: n for n, t in enumerate(model.inputs.values())}
        made = len(numbers)
        owners = self.layers()
        for n, layer in enumerate(owners):
            for index, weight in enumerate(weights_made(layer)):
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
        # made, but not as they were: others may wrap them first
        self._waiting: list[tuple[Layer, Any]] = []
        for entry in entries:
            if "later" in entry:
                vars(self.owners()[entry["of"]]).update(self.value(entry["later"]))
                continue
            if "graph" in entry:
                self.rebuild_waiting()
                self._layers.append(self.graph(entry["graph"]))
            else:
                self._layers.append(self.layer_again(entry))
            self._waiting.append((self._layers[-1], entry["became"]))
        self.rebuild_waiting()

    def rebuild_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for layer, became in waiting:
            rebuild(self, layer, became)

    def layer_again(self, entry: Any) -> Any:
        """A layer, before it has weights."""
        try:
            return self.made(*entry["made"])
        except CheckpointError:
            raise
        except Exception as error:  # of a layer of one's own
            what, name = f"{type(error).__name__}: {error}", entry["became"][0]["name"]
            raise CheckpointError(
                f"layer {name!r} could not be made again: {what}. When a file is read, no layer "
                f"has weights yet while layers are made: look at those of another one in call, not "
                f"in __init__"
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
            case "weight":
                owner, index = content
                return weights_made(self.owners()[owner])[index]
            case "owner":
                return self.owners()[content]
            case "generator":
                return self.owners()[content].generator
            case "made":
                return self.made(*content)
            case "function":
                return FUNCTIONS[content]
            case "custom":
                return self.handed_over(content)
        raise CheckpointError(f"the file holds an unknown kind of value: {kind!r}")

    def made(self, home: str, name: str, arguments: Any, options: Any) -> Any:
        maker: Any = getattr(MODULES[home], name, None) if home else self.handed_over(name)
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
                f"load(path, custom_objects={{{name!r}: ...}})"
                + (f"; {did_you_mean(name, self.custom)}" if self.custom else "")
            )
        return self.custom[name]

    def owners(self) -> list[Layer]:
        """Everything that can own weights, built: in the order of `Writer.layers`."""
        self.rebuild_waiting()
        return list(walk(self._layers))

    def graph(self, content: Any) -> Any:
        """A model, with the scalars that were added as losses."""
        inputs = {
            name: placeholder(self.value(shape), dtype, name)
            for name, shape, dtype in content["inputs"]
        }
        made: list[Any] = list(inputs.values())
        owners = self.owners()
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
            return weights_made(owners[layer])[index]
        if "bare" in x:
            return self._bare[x["bare"]]
        if "number" in x:
            return Tensor.make(x["number"], None)
        array = self.arrays[x["array"]]
        return Tensor(array, array.dtype)


def rebuild(reader: Reader, layer: Layer, became: list[Any]) -> None:
    """Give a layer, and those that it makes for itself, the weights, names and flags they had."""
    for one, its in zip(walk([layer]), became, strict=False):
        if its is not None:  # else it has an entry of its own
            restore(reader, one, its)
    now, then = len(list(walk([layer]))), len(became)
    if now != then:
        raise CheckpointError(
            f"{layer} has {now - 1} layers within it, in the file it has {then - 1}: its class no "
            f"longer makes what it made when the file was written"
        )


def restore(reader: Reader, layer: Layer, its: Any) -> None:
    """Build one layer as it was."""
    if kind_of(layer) == its["kind"]:
        layer.name, layer._named, layer._has_name = its["name"], its["named"], its["has_name"]
        if its["built_for"] is not None:
            layer.build(reader.value(its["built_for"]))
    weights = [w.label for w in weights_made(layer)]
    if kind_of(layer) != its["kind"] or weights != its["weights"]:
        raise CheckpointError(
            f"{layer} has the weights {weights}, where the file has those of {its['kind']} "
            f"{its['name']!r}, {its['weights']}: a class no longer makes what it made when the "
            f"file was written"
        )
    for weight in weights_made(layer) if not layer.is_model else ():
        weight.belongs_to(layer.name)
    layer._trainable = its["trainable"]
