"""The graph as people see it: one node per call of a layer, instead of one per op."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from ..naming import unique_names
from .calls import Call
from .graph import Parameter, Step, Tensor

KINDS = ("layer", "input", "op", "loss")  # in the order in which they choose their names


@dataclass(eq=False)
class Node:
    """One card: an input, one call of a layer, an op outside all layers, or a loss.

    Attributes
    ----------
    name : str
        The path of the layer, as in "base/conv1"; a second call of it is "base/conv1:1". No other
        card of the graph has it, of whatever kind: an input, op or loss called like a layer has its
        kind behind its name, as in "add_op". It is only shown; the node itself says what is meant.
    kind : str
        "input", "layer", "op" or "loss".
    owner : object
        The layer, Input tensor, op or loss.
    steps : list of Step
    inputs : list of Tensor
        What comes in from other nodes, each tensor once.
    parameters : list of Parameter
    outputs : list of Tensor
        What it makes: the tensors that other nodes or the model take from it, each once. A mask is
        none, unless nothing else is taken.
    """

    name: str
    kind: str
    owner: Any
    steps: list[Step] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)

    @property
    def output(self) -> Tensor | None:
        """The first of its outputs, in the order in which it makes them."""
        order: dict[Any, int] = {step: n for n, step in enumerate(self.steps)}
        return min(self.outputs, key=lambda t: (order.get(t.step, 0), t.index), default=None)

    def give(self, x: Tensor) -> None:
        """Note that somebody takes `x` from it."""
        real = [t for t in self.outputs if t.dtype != bool]  # a mask is no output
        if x.dtype != bool:
            self.outputs = real
        elif real:
            return
        if all(x.key != known.key for known in self.outputs):
            self.outputs.append(x)

    @property
    def type_name(self) -> str:
        """What it is called in tables: the class of the layer, or the name of the op."""
        return {"input": "Input", "op": "op"}.get(self.kind, type(self.owner).__name__)


def card_of(step: Step) -> Any:
    """What makes steps one card: the outermost call that is not a model's, or the step itself."""
    return next((call for call in calls_around(step) if not call.owner.is_model), step)


def outermost_card_of(step: Step) -> Any:
    """The same where a model within the network is one card, too."""
    return next(iter(calls_around(step)), step)


def calls_around(step: Step) -> list[Call]:
    """The calls that a step was recorded in, from the outermost one."""
    chain: list[Call] = []
    call = step.call
    while call:
        chain.append(call)
        call = call.parent
    return chain[::-1]


class Nodes:
    """The nodes of a graph, in the order of its steps.

    Parameters
    ----------
    steps : iterable of Step
        In topological order.
    outputs, losses : iterable of Tensor
        What the graph is for. A loss that a layer adds is none of its outputs.
    inputs : iterable of Tensor
        Its symbolic leaves, in the order in which they shall be listed.
    path_of : function of Call
        What the call of a layer is called. Default: by the names of the layers.
    card_of : function of Step
        What makes steps one card. Default: what `card_of` says.

    Attributes
    ----------
    all : list of Node
    """

    def __init__(
        self,
        steps: Iterable[Step],
        outputs: Iterable[Tensor],
        losses: Iterable[Tensor],
        inputs: Iterable[Tensor],
        path_of: Callable[[Call], str] = attrgetter("path"),
        card_of: Callable[[Step], Any] = card_of,
    ):
        self._card = card_of
        self.all: list[Node] = []
        self._of_card: dict[Any, Node] = {}
        for tensor in inputs:
            self._of_card[tensor] = node = Node(tensor.name, "input", tensor, outputs=[tensor])
            self.all.append(node)
        for step in steps:
            self._add(step, path_of)
        for tensor in outputs:
            self.maker(tensor).give(tensor)
        for tensor in losses:
            if not (maker := self.maker(tensor)).outputs:
                maker.give(tensor)
        self._make_names_unique()

    def _make_names_unique(self) -> None:
        taken: list[str] = []
        for kind in KINDS:
            nodes, known = [node for node in self.all if node.kind == kind], set(taken)
            for node in nodes:
                if node.name in known:
                    node.name += f"_{kind}"
            names = unique_names([*taken, *(node.name for node in nodes)], ":")[len(taken) :]
            for node, name in zip(nodes, names, strict=True):
                node.name = name
            taken += names

    def _add(self, step: Step, path_of: Callable[[Call], str]) -> None:
        card = self._card(step)
        node = self._of_card.get(card)
        if node is None:
            if isinstance(card, Step):
                node = Node(step.op.name, "op", step.op)
            else:
                kind = getattr(type(card.owner), "kind", "layer")  # a layer may have a `kind`, too
                name = card.owner.label if kind == "loss" else path_of(card)
                node = Node(name, kind, card.owner)
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
                maker.give(x)

    def maker(self, tensor: Tensor) -> Any:
        """The node that made a tensor, or None for constants."""
        return self._of_card.get(tensor) if tensor.step is None else self.card(tensor.step)

    def card(self, step: Step) -> Any:
        """The node that a step belongs to."""
        return self._of_card.get(self._card(step))


def calls_of_layers(nodes: Iterable[Node]) -> list[list[Node]]:
    """What has weights, in the order of the first call: the calls of each layer.

    An op outside all layers that works on a parameter is one call of its own.
    """
    calls: dict[Any, list[Node]] = {}
    for node in nodes:
        if node.parameters and node.kind in ("layer", "op"):
            calls.setdefault(id(node.owner if node.kind == "layer" else node), []).append(node)
    return list(calls.values())
