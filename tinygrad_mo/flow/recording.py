"""Watching a backward sweep: what is measured while it runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import Array, to_numpy
from ..engine.graph import Parameter, Tensor
from ..engine.nodes import Node, Nodes
from ..engine.plan import Plan, spread
from ..training.training import TrainableModel
from .folding import Folds
from .measure import Measure


class FlowPlan:
    """What is the same for every flow of a model: the plan, its nodes, the names of parameters."""

    def __init__(self, model: TrainableModel, keep_arrays: bool = False):
        terms = model.compiled_terms().values()
        self.parameters: dict[str, Parameter] = model.named_weights()
        self.name_of = {w: name for name, w in self.parameters.items()}
        trainable = set(model.trainable_weights)
        self.frozen = {name for name, w in self.parameters.items() if w not in trainable}
        inputs = list(model.inputs.values())
        losses = [term.value for term in terms]
        self.plan = Plan(losses, [*self.parameters.values(), *inputs], list(model.outputs.values()))
        self.nodes = Nodes(self.plan.steps, [*model.outputs.values(), *losses], inputs)
        self.keep_arrays = keep_arrays
        wires = [(self.nodes.maker(x).name, n.name) for n in self.nodes.all for x in n.inputs]
        self.folds = Folds(self.nodes.all, wires)
        self.bundles = self._find_bundles()

    def _find_bundles(self) -> dict[tuple[str, Any], list[Node]]:
        """Where several nodes of a fold use one array: by fold and array, these nodes."""
        users: dict[tuple[str, Any], list[Node]] = {}
        for node in self.nodes.all:
            for fold in self.folds.around(node.name):
                for x in [*node.inputs, *node.parameters]:
                    users.setdefault((fold, x.key), []).append(node)
        return {what: nodes for what, nodes in users.items() if len(nodes) > 1}


class Recorder:
    """Watches a sweep: measures the gradient that enters each node, by the tensor it came for.

    A node may use one tensor in several steps; their gradients are added before measuring.
    """

    def __init__(self, plan: FlowPlan, count: int):
        self.plan, self.count = plan, count
        self.kept: dict[Any, tuple[tuple[int, ...], np.ndarray]] = {}
        self.over_time: dict[Any, np.ndarray] = {}
        self._measured: dict[Any, Measure] = {}
        self._waiting: dict[Any, tuple[tuple[int, ...], Array]] = {}
        self._uses: dict[Any, int] = {}
        self._node_of = {step: node for node in plan.nodes.all for step in node.steps}
        for n, edges in enumerate(plan.plan.edges):
            for position, _ in edges:
                for key in self._keys(n, position):
                    self._uses[key] = self._uses.get(key, 0) + 1

    def _keys(self, n: int, position: int) -> list[Any]:
        """What a gradient is part of: the use of a tensor by a node, and by the folds around."""
        step = self.plan.plan.steps[n]
        node, x = self._node_of[step], step.inputs[position].key  # type: ignore[union-attr]
        folds = [(fold, x) for fold in self.plan.folds.around(node.name)]
        return [(node, x), *(what for what in folds if what in self.plan.bundles)]

    def __call__(self, n: int, position: int, g: Array, losses: tuple[int, ...]) -> None:
        for key in self._keys(n, position):
            self._add(key, g, losses)

    def _add(self, key: Any, g: Array, losses: tuple[int, ...]) -> None:
        if key in self._waiting:
            earlier, sum_so_far = self._waiting.pop(key)
            both = tuple(sorted({*earlier, *losses}))
            g, losses = spread(g, losses, both) + spread(sum_so_far, earlier, both), both
        self._uses[key] -= 1
        if self._uses[key]:
            self._waiting[key] = losses, g
            return
        rows = to_numpy(g)
        self._measured[key] = Measure.of(rows, losses, self.count)
        if isinstance(key[0], str):
            return  # a bundle
        if rows.ndim == 4 and reads_in_steps(key[0]):
            self.over_time[key] = by_time(rows, losses, self.count)
        if self.plan.keep_arrays:
            node, (maker, index) = key
            ends = self._ends(node, maker, index)
            if ends:
                self.kept[ends] = losses, rows

    def _ends(self, node: Node, maker: Any, index: int) -> tuple[str, str] | None:
        if isinstance(maker, Parameter):
            return self.plan.name_of[maker], node.name
        source = maker if isinstance(maker, Tensor) else None
        found = self.plan.nodes.maker(source) if source is not None else self._node_of[maker]
        return None if found in (None, node) else (found.name, node.name)

    def measure(self, node: Node, tensor: Tensor) -> Measure:
        """What came back from `node` for `tensor`."""
        return self._measured.get((node, tensor.key), Measure.nothing(self.count))

    def bundle(self, fold: str, key: Any) -> Measure:
        """What came back from all nodes of `fold` for one tensor."""
        return self._measured.get((fold, key), Measure.nothing(self.count))


def reads_in_steps(node: Node) -> bool:
    """Does the node run through a sequence step by step?"""
    return any(step.op.name in ("lstm", "gru", "simple_rnn") for step in node.steps)


def by_time(rows: np.ndarray, losses: tuple[int, ...], count: int) -> np.ndarray:
    """Lengths by loss and time of gradients (losses, batch, time, features)."""
    lengths = np.zeros((count, rows.shape[2]))
    lengths[list(losses)] = np.sqrt(np.square(rows, dtype=np.float64).sum(axis=(1, 3)))
    return lengths
