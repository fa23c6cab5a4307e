"""Measuring a flow: the plan of a model with all its wires, watched while it is swept once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..device import Array, at_work, to_numpy, to_numpy_together
from ..engine.calls import Call
from ..engine.graph import Parameter, Tensor
from ..engine.nodes import Node, Nodes, calls_of_layers, card_of
from ..engine.plan import Plan, Tape
from ..engine.randomness import Randomness
from ..engine.rows import added
from ..naming import name_of
from ..ops import SparseGradient, dense_gradient
from ..training.objective import Objective
from ..training.terms import LossTerm
from .data import FlowData, FlowNode, Wire
from .flow import Flow
from .folding import Folds, find_folds
from .measures import Measure, factor, lengths

FORK = None  # stands for all nodes that use a tensor, where others stand for one node or fold


def measure(
    model: Any, data: Mapping[Tensor, Array], *, training: bool = True, keep_arrays: bool = False
) -> Flow:
    """Measure the gradient of each loss on every wire and weight of a compiled model.

    Parameters
    ----------
    model : Model
    data : dict of array
        By the tensor to which it is fed, as `Objective.labelled_data` gives it.
    training : bool
        True: of the function that trains. False: of the function that predicts.
    keep_arrays : bool
        Keep the gradients themselves.
    """
    graph = Graph(model.objective)
    plan, count = graph.plan, len(graph.losses)
    recorder = Recorder(graph, count, keep_arrays)
    randomness = Randomness(plan.steps)
    before = randomness.states
    with at_work():
        try:
            tape = plan.forward(data, training=training)
        finally:
            randomness.states = before  # the next training step draws what it would have drawn
        found = plan.backward(tape, [1.0] * count, per_loss=True, record=recorder, sparse=True)
        for name, w in graph.parameters.items():
            if found[w] is not None:
                recorder.measure(name, found[w], plan.reaches(w))
                if keep_arrays:
                    recorder.kept[name] = plan.reaches(w), to_numpy(dense_gradient(found[w]))
        recorder.fetch()
    for name, node in graph.only_use.items():
        if name in recorder.kept:
            recorder.kept[name, node] = recorder.kept[name]
    return Flow(
        **graph.described(model.objective, model.optimizer),
        values=graph.values(tape),
        wires=[
            Wire(
                *graph.ends(node, x),
                recorder.measured((node, x.key)),
                x.name,
                x.shape,
                graph.number[x.key],
            )
            for node, x in graph.arrivals
        ],
        parameters={name: recorder.measured(name) for name in graph.parameters},
        uses={
            (name, node.name): recorder.measured((node, w.key))
            for node in graph.nodes.all
            for name, w in graph.parameters_of(node)
            if name not in graph.only_use
        },
        over_time={
            graph.ends(node, x): recorder.over_time[node, x.key]
            for node, x in graph.arrivals
            if (node, x.key) in recorder.over_time
        },
        folds=graph.folds,
        bundles={
            (fold, graph.number.get(key, graph.name_of.get(key[0]))): recorder.measured((fold, key))
            for fold, key in graph.bundles
        },
        forks={graph.number[key]: recorder.measured((FORK, key)) for key in graph.forks},
        name=model.name,
        step=model.step,
        training=training,
        arrays=recorder.kept,
    )


def unmeasured(objective: Objective, optimizer: Any) -> FlowData:
    """What follows from the graph alone: the paths from the losses to the weights."""
    graph = Graph(objective)
    count = len(graph.losses)

    def paths_to(w: Parameter) -> Measure:
        reached = graph.plan.reaches(w)
        return Measure(tuple(k in reached for k in range(count)), np.zeros((count, count)))

    nothing = Measure.nothing(count)
    return FlowData(
        **graph.described(objective, optimizer),
        values=dict.fromkeys(objective.terms, float("nan")),
        wires=[Wire(*graph.ends(node, x), nothing) for node, x in graph.arrivals],
        parameters={name: paths_to(w) for name, w in graph.parameters.items()},
    )


def settings_of(optimizer: Any) -> dict[str, Any]:
    """Numbers of an optimizer that say what becomes of a gradient."""
    plain = (bool, int, float, str)
    public = {name: x for name, x in vars(optimizer).items() if name[0] != "_" and name != "step"}
    return {name: x for name, x in public.items() if type(x) in plain}


def kind_of_loss(term: LossTerm) -> str:
    """As in "mean_squared_error of output age"."""
    return f"{term.loss.name} of output {term.output}"


class Graph:
    """What is the same for every flow of a model: the plan, its nodes, the names of parameters."""

    def __init__(self, objective: Objective):
        contents = objective.contents
        self.path_of = contents.path_of
        averages = objective.averages.averages  # statistics, which no gradient changes
        self.parameters: dict[str, Parameter] = {
            name: w for name, w in contents.weights.items() if w not in averages
        }
        self.name_of = {w: name for name, w in self.parameters.items()}
        trainable = set(objective.trainable_weights)
        self.frozen = {name for name, w in self.parameters.items() if w not in trainable}
        self.losses = [term.value for term in objective.terms.values()]
        outputs, starts = list(objective.outputs.values()), list(objective.inputs.values())
        wrt = [*self.parameters.values(), *starts]
        self.terms = objective.terms
        counts = [term.count for term in self.terms.values() if term.count is not None]
        frozen_steps = contents.frozen_steps(objective.steps)
        self.plan = Plan(self.losses, wrt, [*outputs, *counts], frozen_steps)
        self.nodes = Nodes(self.plan.steps, outputs, self.losses, starts, self.path_of)
        self.arrivals = [(node, x) for node in self.nodes.all for x in node.inputs]
        self.number: dict[Any, int] = {}
        for _, x in self.arrivals:
            self.number.setdefault(x.key, len(self.number))
        self.folders = folders_of(self.nodes.all, self.path_of)
        kinds = {node.name: node.kind for node in self.nodes.all}
        wires = [self.ends(node, x) for node, x in self.arrivals]
        self.folds: Folds = find_folds(kinds, self.folders, wires)
        self.bundles = self._find_bundles()
        users = Counter(x.key for _, x in self.arrivals)
        self.forks = [key for key in self.number if users[key] > 1]
        self.only_use = self._find_only_uses()

    def values(self, tape: Tape) -> dict[str, float | None]:
        """Of the losses; None where nothing counts."""
        found: dict[str, float | None] = {}
        for name, term in self.terms.items():
            asked = [x for x in (term.value, term.count) if x is not None]
            value, *count = map(float, self.plan.numbers(tape, asked))
            found[name] = None if count == [0] else value
        return found

    def ends(self, node: Node, x: Tensor) -> tuple[str, str]:
        """The names of the nodes between which a tensor runs."""
        return self.nodes.maker(x).name, node.name

    def _find_bundles(self) -> dict[tuple[str, Any], list[Node]]:
        """Where several nodes of a fold use one array: by fold and array, these nodes."""
        users: dict[tuple[str, Any], list[Node]] = {}
        for node in self.nodes.all:
            for fold in self.folds.around(node.name):
                for x in [*node.inputs, *(w for _, w in self.parameters_of(node))]:
                    users.setdefault((fold, x.key), []).append(node)
        return {what: nodes for what, nodes in users.items() if len(nodes) > 1}

    def _find_only_uses(self) -> dict[str, str]:
        """By parameter that one node alone works with: the name of this node."""
        uses: dict[str, list[str]] = {}
        for node in self.nodes.all:
            for name, _ in self.parameters_of(node):
                uses.setdefault(name, []).append(node.name)
        return {name: nodes[0] for name, nodes in uses.items() if len(nodes) == 1}

    def parameters_of(self, node: Node) -> list[tuple[str, Parameter]]:
        """The parameters that a node works with, and their names."""
        return [(self.name_of[w], w) for w in node.parameters if w in self.name_of]

    def first_call(self, calls: Sequence[Node]) -> Node:
        """The call of a layer by which its weights are called, or else the first one."""

        def gave_names(call: Node) -> bool:
            return any(name.startswith(f"{call.name}/") for name, _ in self.parameters_of(call))

        return next(filter(gave_names, calls), calls[0])

    def described(self, objective: Objective, optimizer: Any) -> dict[str, Any]:
        """What a flow says of the model before anything is measured."""
        terms = list(objective.terms.values())
        return {
            "losses": [term.name for term in terms],
            "weights": dict(objective.weights),
            "silent": objective.silent_outputs(),
            "balancer": name_of(objective.balancer) if objective.balancer else "",
            "mixes": getattr(objective.balancer, "mixes", False),
            "kinds": {term.name: kind_of_loss(term) for term in terms if term.loss is not None},
            "nodes": self.flow_nodes(),
            "outputs": {name: self.nodes.maker(x).name for name, x in objective.outputs.items()},
            "frozen": self.frozen,
            "optimizer": type(optimizer).__name__,
            "settings": settings_of(optimizer),
        }

    def flow_nodes(self) -> list[FlowNode]:
        """The nodes as plain data."""
        layer_of = {
            call.name: self.first_call(calls).name
            for calls in calls_of_layers(self.nodes.all)
            for call in calls
        }
        return [
            FlowNode(
                node.name,
                node.kind,
                node.type_name,
                () if node.output is None else node.output.shape[1:],
                tuple(name for name, _ in self.parameters_of(node)),
                layer_of.get(node.name, node.name),
                tuple(self.folders[node.name]),
                node.owner.name if node.kind == "loss" else "",
            )
            for node in self.nodes.all
        ]


def folders_of(nodes: Sequence[Node], path_of: Callable[[Call], str]) -> dict[str, list[str]]:
    """By name of node: the calls of models around it, and the folders in its own name.

    The outermost first. Several calls of one model are several folders: "base", "base:1" ...
    """
    name_of: dict[Any, str] = {}

    def name(folder: Any, label: str) -> str:
        if folder not in name_of:
            taken, number = set(name_of.values()), 0
            name_of[folder] = label
            while name_of[folder] in taken:
                number += 1
                name_of[folder] = f"{label}:{number}"
        return name_of[folder]

    found: dict[str, list[str]] = {}
    for node in nodes:
        around: list[Call] = []
        call = getattr(card_of(node.steps[0]), "parent", None) if node.steps else None
        while call:
            around.insert(0, call)
            call = call.parent
        found[node.name] = [name(call, path_of(call)) for call in around]
        path = path_of(around[-1]) if around else ""
        *own, _ = getattr(node.owner, "name", "").split("/")
        for i in range(len(own)):
            label = "/".join([path, *own[: i + 1]] if path else own[: i + 1]) or "/"
            found[node.name].append(name((around[-1] if around else None, label), label))
    return found


class Recorder:
    """Watches a sweep: measures the gradient that enters each node, by the tensor it came for.

    A node may use one tensor in several steps; their gradients are added before measuring.
    """

    def __init__(self, graph: Graph, count: int, keep_arrays: bool = False):
        self.graph, self.count, self.keep_arrays = graph, count, keep_arrays
        self.kept: dict[Any, tuple[tuple[int, ...], np.ndarray]] = {}
        self.over_time: dict[Any, np.ndarray] = {}
        self._measured: dict[Any, Measure] = {}
        self._factors: dict[Any, tuple[tuple[int, ...], Array]] = {}  # what is to be measured
        self._lengths: dict[Any, tuple[tuple[int, ...], Array]] = {}  # the same over time
        self._last: tuple[Any, Any] = None, None  # what was measured last, and its factor
        self._waiting: dict[Any, tuple[Any, tuple[int, ...]]] = {}
        self._uses: dict[Any, int] = {}
        node_of = {step: node for node in graph.nodes.all for step in node.steps}
        self._keys: dict[tuple[int, int], list[Any]] = {}  # by edge
        for n, (step, edges) in enumerate(zip(graph.plan.steps, graph.plan.edges, strict=True)):
            for position, _ in edges:
                keys = self._keys_of(node_of[step], step.inputs[position])
                self._keys[n, position] = keys
                for key in keys:
                    self._uses[key] = self._uses.get(key, 0) + 1

    def _keys_of(self, node: Node, x: Any) -> list[Any]:
        """What a gradient is part of: the use by a node, by the folds around, and by all nodes.

        The only use of a parameter sends its whole gradient, which is measured in the end.
        """
        if self.graph.name_of.get(x) in self.graph.only_use:
            return []
        folds = [(fold, x.key) for fold in self.graph.folds.around(node.name)]
        bundles = [what for what in folds if what in self.graph.bundles]
        return [(node, x.key), *bundles, *([(FORK, x.key)] if x.key in self.graph.forks else [])]

    def __call__(self, n: int, position: int, g: Any, losses: tuple[int, ...]) -> None:
        for key in self._keys[n, position]:
            self._add(key, g, losses)

    def _add(self, key: Any, g: Any, losses: tuple[int, ...]) -> None:
        if key in self._waiting:
            g, losses = added((g, losses), self._waiting.pop(key))
        self._uses[key] -= 1
        if self._uses[key]:
            self._waiting[key] = g, losses
            return
        self.measure(key, g, losses)
        if not isinstance(key[0], Node):
            return  # a bundle or a fork
        if g.ndim == 4 and reads_in_steps(*key):
            self._lengths[key] = losses, lengths(g, (1, 3))
        if self.keep_arrays and (place := self._place(*key)):
            self.kept[place] = losses, to_numpy(dense_gradient(g))

    def measure(self, key: Any, rows: Any, losses: tuple[int, ...]) -> None:
        """Measure gradients where they are; `fetch` gets the measures."""
        rows = rows.values if isinstance(rows, SparseGradient) else dense_gradient(rows)
        if rows is not self._last[0]:  # what is added passes one array on to all its inputs
            self._last = rows, factor(rows.reshape(len(losses), -1))
        self._factors[key] = losses, self._last[1]

    def fetch(self) -> None:
        """Make what was measured known: from a GPU it comes in one transfer."""
        found = {**self._factors, **{("over time", key): x for key, x in self._lengths.items()}}
        arrays = to_numpy_together([x for _, x in found.values()])
        for (key, (losses, _)), x in zip(found.items(), arrays, strict=True):
            if key in self._factors:
                self._measured[key] = Measure.of_factor(x, losses, self.count)
            else:
                self.over_time[key[1]] = by_loss(x, losses, self.count)

    def _place(self, node: Node, key: Any) -> tuple[Any, ...] | None:
        """How `Flow.gradient` finds an array: by parameter and node, or by the ends of a wire."""
        for name, w in self.graph.parameters_of(node):
            if w.key == key:
                return name, node.name
        for x in node.inputs:
            if x.key == key:
                ends = self.graph.ends(node, x)
                between = [one.key for one in node.inputs if self.graph.ends(node, one) == ends]
                return (*ends, between.index(key))
        return None  # it stays within the node

    def measured(self, key: Any) -> Measure:
        """What came back from a node, all of a fold, or all, for a tensor: ``(node, its key)``.

        A name alone: the gradient of this parameter.
        """
        return self._measured.get(key, Measure.nothing(self.count))


def reads_in_steps(node: Node, key: Any) -> bool:
    """Does the node run through this very tensor step by step? Then its axis 1 is the time."""
    recurrent = [step for step in node.steps if step.op.name in ("lstm", "gru", "simple_rnn")]
    return any(step.inputs[0].key == key for step in recurrent)  # type: ignore[union-attr]


def by_loss(rows: np.ndarray, losses: tuple[int, ...], count: int) -> np.ndarray:
    """Rows of some losses in their places among those of all."""
    found = np.zeros((count, *rows.shape[1:]))
    found[list(losses)] = rows
    return found
