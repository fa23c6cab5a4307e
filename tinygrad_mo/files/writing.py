"""A model as plain values: what a file holds besides arrays.

Layers are written as what they were made with, and the graph as its steps, so that a file says
exactly which ops run in which order. `language` says what the values look like, `reading` makes a
model of them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import EllipsisType, MethodType
from typing import Any

import numpy as np

from ..engine.calls import Call
from ..engine.graph import Parameter, Step, Tensor
from ..layers import Layer
from ..naming import name_of
from ..network.network import Network
from ..ops.contract import OPS, Op, of_this_package
from ..whole_files import CheckpointError
from .language import FUNCTIONS, MODULES
from .parts import given_to, kind_of, makers_of, set_later, walk, weights_made


class Writer:
    """Values as JSON holds them; what JSON does not know becomes ``{kind: content}``.

    Attributes
    ----------
    arrays : dict of array
        Put aside by name.
    entries : list
        One per layer, each after those that it was made with; and the attributes that were set
        later, after the layers that they hold.
    own : dict
        What is not of this package, by name.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.entries: list[Any] = []
        self._layers: list[Layer] = []
        self._makers: dict[Layer, Layer] = {}
        self._owners: dict[Parameter, Layer] = {}
        self.own: dict[str, Any] = {}

    def custom(self, name: str, x: Any) -> str:
        """The name by which something of the user's is handed over when the file is read."""
        known = self.own.setdefault(name, x)
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
