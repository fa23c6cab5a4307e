"""The way back from plain values to a model.

Reading makes nothing but ops, layers, losses ... of this package, and classes that the reader hands
over by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ..engine.calls import Call, inside
from ..engine.graph import Parameter, Tensor, apply
from ..engine.inputs import placeholder
from ..layers import Layer, initializers
from ..layers.base import AddedLoss
from ..naming import did_you_mean
from ..network.network import Network
from ..ops.contract import OPS, Op, of_this_package
from ..whole_files import CheckpointError
from .archive import LONGEST_WORDS
from .language import FUNCTIONS, MODULES, a_value
from .parts import kind_of, walk, weights_made
from .schema import check_form, numbered


def read_value(where: str, content: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """What a `Writer` made of a value without layers of its own."""
    check_form(where, content, a_value)
    return Reader([], arrays, {}).value(content)


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
                late = numbered("a layer", self.owners(), entry["of"])
                vars(late).update(self.value(entry["later"]))
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
        home, wanted, *_ = entry["made"]
        try:
            layer = self.made(*entry["made"])
        except CheckpointError:
            raise
        except Exception as error:  # of a layer of one's own
            what = f"{type(error).__name__}: {f'{error}'[:LONGEST_WORDS]}"
            name = entry["became"][0]["name"] if entry["became"] else entry["made"][1]
            raise CheckpointError(
                f"layer {name!r} could not be made again: {what}. When a file is read, no layer "
                f"has weights yet while layers are made: look at those of another one in call, not "
                f"in __init__"
            ) from error
        if not home and not layer.is_model and kind_of(layer) != wanted:
            raise CheckpointError(
                f"custom_objects gives the class {kind_of(layer)!r} as {wanted!r}: a class must "
                f"have the name that it had when the file was written"
            )
        return layer

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
                return self.array(content)
            case "op":
                return self.op(content)
            case "layer":
                return numbered("a layer", self._layers, content)
            case "weight":
                return self.weight(self.owners(), *content)
            case "owner":
                return numbered("a layer", self.owners(), content)
            case "generator":
                return numbered("a layer", self.owners(), content).generator
            case "made":
                return self.made(*content)
            case "function":
                return known("function", content, FUNCTIONS)
            case "custom":
                return self.handed_over(content)
        raise CheckpointError(f"the file holds an unknown kind of value: {kind!r}")

    def array(self, name: str) -> np.ndarray:
        if name not in self.arrays:
            raise CheckpointError(f"the file uses the array {name!r}, which it does not hold")
        return self.arrays[name]

    def weight(self, owners: list[Layer], owner: int, index: int) -> Parameter:
        """One of the weights that a layer was made with."""
        layer = numbered("a layer", owners, owner)
        return numbered(f"a weight of {layer}", weights_made(layer), index)

    def made(self, home: str, name: str, arguments: Any, options: Any) -> Any:
        maker: Any = getattr(MODULES.get(home), name, None) if home else self.handed_over(name)
        if not hasattr(maker, "makes_recipes"):
            raise CheckpointError(f"the file asks for {home}.{name}, which is nothing to be made")
        return maker(*self.value(arguments), **self.value(options))

    def op(self, name: Any) -> Op:
        """An op by what a `Writer` wrote of it."""
        if not isinstance(name, Mapping):
            return known("op", name, OPS)
        own = name["own"]
        newest = OPS.get(own)
        if own not in self.custom and newest is not None and not of_this_package(newest):
            return newest
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
            Parameter(empty(self.value(shape), dtype), label, trainable, *map(self.value, more))
            for label, shape, dtype, trainable, *more in content["bare"]  # more: its regularizer
        ]
        calls: list[Call] = []
        for owner, parent in content["calls"]:
            around = None if parent is None else numbered("a call", calls, parent)
            calls.append(Call(self.value(owner), around))
            calls[-1].owner.is_wired_by(calls[-1])
        for op, sources, attributes, number in content["steps"]:
            given = tuple(self.source(x, made, owners) for x in sources)
            options = {name: self.value(x) for name, x in attributes.items()}
            with inside(None if number is None else numbered("a call", calls, number)):
                y = apply(self.op(op), given, options)
            made += y if isinstance(y, tuple) else [y]
        tensor = partial(numbered, "a tensor", made)
        outputs = {name: tensor(number) for name, number, _ in content["outputs"]}
        for name, _, mask in content["outputs"]:
            outputs[name].mask = None if mask is None else tensor(mask)
        losses = tuple(AddedLoss(name, tensor(n), weight) for name, n, weight in content["losses"])
        if not outputs:
            raise CheckpointError("the file has a graph without outputs")
        next(iter(outputs.values())).losses = losses
        ends: Any = outputs if content["form"] == "dict" else list(outputs.values())
        return self.model_class(
            inputs if content["inputs_by_name"] else list(inputs.values()),
            ends[0] if content["form"] == "one" else ends,
            name=content["name"],
        )

    def source(self, x: Any, made: list[Any], owners: list[Layer]) -> Any:
        if x is None or isinstance(x, int):
            return None if x is None else numbered("a tensor", made, x)
        if "weight" in x:
            return self.weight(owners, *x["weight"])
        if "bare" in x:
            return numbered("a parameter that belongs to no layer", self._bare, x["bare"])
        if "number" in x:
            return Tensor.make(x["number"], None)
        array = self.array(x["array"])
        return Tensor(array, array.dtype)


def empty(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """A weight before its numbers are read."""
    initializers.take_room(shape)
    return np.zeros(shape, dtype)


def known(kind: str, name: str, table: Mapping[str, Any]) -> Any:
    """What a file asks for by a name of this package."""
    if name not in table:
        raise CheckpointError(f"the file asks for the {kind} {name[:40]!r}, which is not there")
    return table[name]


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
