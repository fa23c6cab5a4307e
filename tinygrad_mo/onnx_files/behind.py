"""A bias and an activation behind a node, which its layer takes in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from .graph import Node
from .reader import Reader
from .views import Constant

ACTIVATIONS = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
}


def taken_in(r: Reader, node: Node, at: Node) -> None:
    """Let `node` be done by the layer that `at` has become: what it makes is that layer's."""
    r.done.add(id(node))
    at.outputs[:1] = node.outputs[:1]


class Behind(NamedTuple):
    """What the next nodes do with what a layer makes, and could be a part of it."""

    add: Node | None
    bias: Constant | None
    activation: Node | None

    @property
    def alike(self) -> Any:
        """To compare what stands behind several uses of one weight."""
        key = None if self.bias is None else self.bias.key
        return key, None if self.activation is None else self.activation.signature()


def look_behind(r: Reader, node: Node, units: int, axes: int, ndim: int) -> Behind:
    """A bias, unless the node has one itself, and an activation.

    So many `axes` stand behind that of the channels, which are `ndim` together.
    """
    add, bias, last = None, None, node.outputs[0]
    if not r.has(node, 2):
        add = r.graph.next_node(last, "Add")
        found = r.constant(add, 1 - add.inputs.index(last)) if add else None
        shape = (0, *found.shape) if found and found.sources else ()
        if found and len(shape) > axes + 1 and found.array.size == shape[-1 - axes] == units:
            bias = replace(found, array=found.array.reshape(-1))
    if bias is None:
        add = None
    after = r.graph.next_node(add.outputs[0] if add else last, *ACTIVATIONS)
    if after is not None and after.op in ("Softmax", "LogSoftmax"):
        axis = after.options.get("axis", -1 if after.opset >= 13 else 1)
        after = after if axis % ndim == ndim - 1 - axes else None
    return Behind(add, bias, after)


def behind(
    r: Reader, node: Node, kernel: Constant, units: int, axes: int, ndim: int
) -> tuple[Constant | None, str]:
    """The bias and the activation of a layer, taken in from the nodes behind it.

    A weight that several nodes share is one layer, if the same stands behind all of them; if not,
    bias and activation stay out of it.
    """
    if kernel.key not in r.alike:
        uses = [one for one in r.graph.readers.get(kernel.key, ()) if one.op == node.op]
        ways = {look_behind(r, one, units, axes, ndim).alike for one in uses}
        r.alike[kernel.key] = len(ways) <= 1
    found = look_behind(r, node, units, axes, ndim)
    own = r.constant(node, 2) if r.has(node, 2) else None
    if not r.alike[kernel.key] or (r.has(node, 2) and own is None):
        return own, "linear"
    for one in (found.add, found.activation):
        if one is not None:
            taken_in(r, one, node)
    activation = "linear" if found.activation is None else ACTIVATIONS[found.activation.op]
    return own or found.bias, activation
