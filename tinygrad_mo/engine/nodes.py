"""The graph as people see it: one node per call of a layer, instead of one per op."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..naming import unique_names
from .calls import Call
from .graph import Parameter, Step, Tensor


@dataclass(eq=False)
class Node:
    """One card: an input, one call of a layer, an op outside all layers, or a loss.

    Attributes
    ----------
    name : str
        The path of the layer, as in "base/conv1"; a second call of it is "base/conv1:1".
    kind : str
        "input", "layer", "op" or "loss".
    owner : object
        The layer, Input tensor, op or loss.
    steps : list of Step
    inputs : list of Tensor
        What comes in from other nodes, each tensor once.
    parameters : list of Parameter
    output : Tensor or None
        What it makes: the tensor that another node or the model takes from it.
    """

    name: str
    kind: str
    owner: Any
    steps: list[Step] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    output: Tensor | None = None

    @property
    def type_name(self) -> str:
        """What it is called in tables: the class of the layer, or the name of the op."""
        return {"input": "Input", "op": "op"}.get(self.kind, type(self.owner).__name__)


def card_of(step: Step) -> Any:
    """What makes steps one card: the outermost call that is not a model's, or the step itself."""
    chain: list[Call] = []
    call = step.call
    while call:
        chain.append(call)
        call = call.parent
    return next((c for c in reversed(chain) if not c.owner.is_model), step)


class Nodes:
    """The nodes of a graph, in the order of its steps.

    Parameters
    ----------
    steps : iterable of Step
        In topological order.
    outputs : iterable of Tensor
        What the graph is for.
    inputs : iterable of Tensor
        Its symbolic leaves, in the order in which they shall be listed.

    Attributes
    ----------
    all : list of Node
    """

    def __init__(self, steps: Iterable[Step], outputs: Iterable[Tensor], inputs: Iterable[Tensor]):
        self.all: list[Node] = []
        self._of_card: dict[Any, Node] = {}
        for tensor in inputs:
            self._of_card[tensor] = node = Node(tensor.name, "input", tensor, output=tensor)
            self.all.append(node)
        for step in steps:
            self._add(step)
        for tensor in outputs:
            self.maker(tensor).output = tensor
        for kind in ("input", "layer", "op", "loss"):
            alike = [node for node in self.all if node.kind == kind]
            for node, name in zip(alike, unique_names([n.name for n in alike], ":"), strict=True):
                node.name = name

    def _add(self, step: Step) -> None:
        card = card_of(step)
        node = self._of_card.get(card)
        if node is None:
            if isinstance(card, Step):
                node = Node(step.op.name, "op", step.op)
            else:
                kind = getattr(card.owner, "kind", "layer")
                node = Node(getattr(card.owner, "label", card.path), kind, card.owner)
            self._of_card[card] = node
            self.all.append(node)
        node.steps.append(step)
        for x in step.inputs:
            if isinstance(x, Parameter):
                if x not in node.parameters:
                    node.parameters.append(x)
            elif x is not None and (maker := self.maker(x)) not in (None, node):
                if all(x.key != known.key for known in node.inputs):
                    node.inputs.append(x)
                if maker.output is None or maker.output.dtype == bool:  # rather data than a mask
                    maker.output = x

    def maker(self, tensor: Tensor) -> Any:
        """The node that made a tensor, or None for constants."""
        card = tensor if tensor.step is None else card_of(tensor.step)
        return self._of_card.get(card)


def calls_of_layers(nodes: Iterable[Node]) -> list[list[Node]]:
    """The layers that have weights, in the order of their first call: the calls of each."""
    calls: dict[int, list[Node]] = {}
    for node in nodes:
        if node.kind == "layer" and node.parameters:
            calls.setdefault(id(node.owner), []).append(node)
    return list(calls.values())
