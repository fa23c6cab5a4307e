"""What all nodes need while they become layers and ops: values, settings, weights and names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import ops
from ..device import floatx
from ..engine.graph import Parameter, Tensor
from ..layers import Layer
from ..layers.base import assign_all
from .graph import Graph, Node, as_meant
from .lengths import is_open
from .views import Constant, View, whole

# The last parts of names that say what a weight is to its layer.
LABELS = {
    *("kernel", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel", "embeddings", "gamma"),
    *("beta", "moving_mean", "moving_variance", "alpha", "bias", "scale", "weight", "weights"),
    *("running_mean", "running_var", "W", "w", "R", "B", "b"),
}


class Reader:
    """A graph on its way into layers and ops of ours.

    Attributes
    ----------
    values : dict of View
        By name: what has been wired.
    """

    def __init__(self, graph: Graph, values: Mapping[str, View]):
        self.graph, self.values, self.fixed = graph, dict(values), graph.fixed
        self.done: set[int] = set()  # nodes that an earlier one has taken in
        self.made: dict[Any, Layer] = {}
        self.owners: dict[Any, Layer] = {}  # of the weights, by their key
        self.alike: dict[Any, bool] = {}  # is what stands behind all uses of a weight the same?
        self.parameters: dict[Any, Parameter] = {}
        self.names = set(graph.outputs)  # which a layer has only if it makes that output

    # ------------------------------------------------------------ values

    def has(self, node: Node, place: int) -> bool:
        """Is this input given?"""
        return place < len(node.inputs) and bool(node.inputs[place])

    def used(self, node: Node, place: int) -> bool:
        """Does anything take this output?"""
        name = node.outputs[place] if place < len(node.outputs) else ""
        return bool(name) and (name in self.graph.takers or name in self.graph.outputs)

    def value(self, node: Node, place: int) -> View | Constant:
        """An input: weights as parameters, what is constant else as that."""
        name = node.inputs[place]
        if name in self.values:
            return self.values[name]
        if name not in self.graph.known:
            raise node.refuse(f"its input {name!r} is made by no node in front of it")
        found = self.graph.known[name]
        trains = found.array.size != 1 or self.graph.numbers.issuperset(found.sources)
        if found.sources and trains:
            return whole(self.parameter(found))
        one = tuple(slice(0, 1) if is_open(n) else slice(None) for n in found.shape)
        return replace(found, array=found.array[one])  # the same for each sample

    def view(self, node: Node, place: int = 0) -> View:
        """An input as a tensor."""
        found = self.value(node, place)
        return found if isinstance(found, View) else whole(Tensor(found.array))

    def views(self, node: Node) -> list[View | Constant]:
        """All inputs."""
        return [self.value(node, place) for place in range(len(node.inputs))]

    def for_any_batch(self, xs: Sequence[Any]) -> list[Any]:
        """Values that are combined; of what is no sample and as many as the file has of them, one.

        An exporter that has worked out the first step of a sequence writes such rows, all alike.
        """
        places = {x.batch - x.ndim for x in xs if isinstance(x, View) and x.batch is not None}
        if self.fixed in (None, 1) or len(places) != 1:
            return list(xs)
        (place,) = places
        return [self.one_row(x, place + x.ndim) if x.ndim >= -place else x for x in xs]

    def one_row(self, x: View | Constant, place: int) -> View | Constant:
        """The first of rows that are all alike; otherwise x itself."""
        array = x.array if isinstance(x, Constant) else x.plain().value
        if array is None or x.shape[place] != self.fixed:
            return x
        first = np.take(array, [0], place)
        if not np.array_equal(np.broadcast_to(first, array.shape), array):
            return x
        if isinstance(x, Constant):
            return replace(x, array=first)
        made = self.parameters.setdefault(("one row", x.tensor), Parameter(first, x.tensor.name))
        return whole(made)

    def parameter(self, x: Constant) -> Tensor:
        """The parameter that a weight of no layer is, as it is in the file."""
        origin = self.graph.known[x.sources[0]]
        if origin.key not in self.parameters:
            self.parameters[origin.key] = Parameter(origin.array, x.sources[0])
        w = self.parameters[origin.key]
        return w if x.shape == origin.shape else ops.reshape(w, shape=x.shape)

    def constant(self, node: Node, place: int) -> Constant | None:
        """An input, if it is constant and may become the weight of a layer; otherwise None."""
        found = self.graph.known.get(node.inputs[place]) if self.has(node, place) else None
        if found is None or not self.graph.bare.isdisjoint(found.sources):
            return None
        return found

    def needed(self, node: Node, place: int, what: str) -> Constant:
        """A weight of a layer."""
        found = self.constant(node, place)
        if found is None:
            raise node.refuse(
                f"its {what} ({node.inputs[place]!r}) must be an initializer that no other layer "
                f"reads in another way (exporters write equal weights, as those of a network that "
                f"was not trained, once: train it before)"
            )
        return found

    def setting(self, node: Node, name: str, place: int | None = None, default: Any = None) -> Any:
        """An attribute, or, as in newer opsets, the value of a constant input."""
        if name in node.options:
            return node.options[name]
        if place is None or not self.has(node, place):
            return default
        found = self.graph.known.get(node.inputs[place])
        if found is None:
            raise node.refuse(
                f"its {name} ({node.inputs[place]!r}) depends on the data; it must be constant"
            )
        return as_meant(found.array.tolist() if found.ndim else found.array.item())

    def axis(self, node: Node, x: View, default: int | None = None) -> int:
        """The attribute `axis`, counted from the left."""
        axis = node.options.get("axis", default)
        if axis is None or not -x.ndim <= axis < x.ndim:
            raise node.refuse(f"there is no axis {axis} in {x.shape}")
        return axis % x.ndim

    def only(self, node: Node, allowed: Mapping[str, Sequence[Any]]) -> None:
        """Refuse attributes that have another value than these."""
        for name, values in allowed.items():
            given = node.text(name) if name in node.options else None
            if given is not None and given not in values:
                known = " or ".join(map(repr, values))
                raise node.refuse(f"its {name} is {given!r}; {known} is read")

    # ------------------------------------------------------------ layers

    def name_for(self, node: Node, weights: Sequence[Constant | None]) -> str:
        """The name of a layer: what its first weight is called by in front, or else the node's."""
        sources = [name for x in weights if x is not None for name in x.sources]
        for name in sources:
            cut = max(name.rfind("/"), name.rfind("."))
            if cut > 0 and name[cut + 1 :] in LABELS:
                return self.free(name[:cut], node)
        parts = node.name.strip("/").split("/")
        if len(parts) > 1 and parts[-1].startswith(node.op):
            parts.pop()
        return self.free("/".join(parts) or node.op, node)

    def free(self, name: str, node: Node) -> str:
        """A name that no layer has yet."""
        new, number = name, 0
        while new in self.names and new != node.outputs[0]:
            number += 1
            new = f"{name}_{number}"
        self.names.add(new)
        return new

    def layer(
        self,
        node: Node,
        make: Callable[..., Layer],
        x: Tensor,
        weights: Mapping[str, Constant | None] | None = None,
        values: Mapping[str, np.ndarray] | None = None,
        options: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Any:
        """What a layer makes of x: a new one, or the one that has these weights already.

        `weights` are by our label, `values` those that are not as in the file; `options` are for
        the call.
        """
        given = {label: w for label, w in (weights or {}).items() if w is not None}
        key = (make, repr(settings), tuple((label, w.key) for label, w in given.items()))
        layer = self.made.get(key) if given else None
        if layer is None:
            layer = make(**settings, name=self.name_for(node, list(given.values())))
            layer.build(x.shape)
            arrays = {label: w.array for label, w in given.items()} | dict(values or {})
            assign_all((w, arrays[w.label]) for w in layer.weights)
            self.made[key] = layer
            for w in given.values():
                if w.sources and self.owners.setdefault(w.key, layer) is not layer:
                    raise node.refuse(
                        f"its weight {w.sources[0]!r} belongs to {self.owners[w.key]}, which has "
                        f"other settings or weights"
                    )
        return layer(x, **dict(options or {}))


Reads = dict[str, Callable[[Reader, Node], Any]]  # what a node becomes, by its op


def as_floats(x: Tensor) -> Tensor:
    """Numbers of the type that new models have; of booleans 1 and 0."""
    one = np.ones((), floatx())
    if np.dtype(x.dtype).kind == "b":
        return ops.where(x, one, np.zeros_like(one))
    return x if x.dtype == one.dtype else x * one
