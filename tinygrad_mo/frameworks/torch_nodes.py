"""The nodes of PyTorch's autograd below some losses: who leads to whom, and what reaches what."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any

from ..naming import snake_case
from .torch_calls import Calls


class TorchNodes:
    """All nodes below the losses, and below what the model returns.

    Attributes
    ----------
    edges : dict of list
        By node: the place of an edge, the node that it leads to, and which output of that.
    order, in_time : list
        What is used before what uses it; and those that are no leaves as they were made.
    name_of : dict of str
        By id of a parameter.
    weight_at, entry_at : dict
        By node that is a leaf: the name of the parameter, or the data for which it stands.
    unknown : list of Tensor
        The leaves that are neither.
    live : set
        The nodes below which a gradient is asked for.
    reach : dict of set
        By node: the losses that it is part of.
    """

    def __init__(
        self,
        calls: Calls,
        losses: Mapping[str, Any],
        parameters: Mapping[str, Any],
        to_inputs: bool,
    ):
        self.name_of = {id(w): name for name, w in parameters.items()}
        roots = [x.grad_fn for x in losses.values()]
        ends = [x.grad_fn for x in calls.outputs.values()]
        self.edges: dict[Any, list[tuple[int, Any, int]]] = {}  # by node: place, other, its output
        waiting = [node for node in (*roots, *ends) if node is not None]
        while waiting:
            node = waiting.pop()
            if node not in self.edges:
                edges = enumerate(node.next_functions)
                self.edges[node] = [(place, *edge) for place, edge in edges if edge[0] is not None]
                waiting += [other for _, other, _ in self.edges[node]]
        others = {node: [other for _, other, _ in edges] for node, edges in self.edges.items()}
        self.order = list(TopologicalSorter(others).static_order())
        leaves = {node: node.variable for node in self.order if hasattr(node, "variable")}
        entries = {id(entry.leaf): entry for entry in calls.entries.values()}
        self.entry_at = {n: entries[id(x)] for n, x in leaves.items() if id(x) in entries}
        named = {n: self.name_of.get(id(x)) for n, x in leaves.items()}
        self.weight_at = {n: name for n, name in named.items() if name is not None}
        known = self.entry_at.keys() | self.weight_at.keys()
        self.unknown = [leaf for node, leaf in leaves.items() if node not in known]
        self.in_time = sorted(others.keys() - leaves, key=lambda node: node._sequence_nr())
        self.live = {n for n in leaves if n in self.weight_at or (n in self.entry_at and to_inputs)}
        for node in self.order:
            if not self.live.isdisjoint(others[node]):
                self.live.add(node)
        self.reach: dict[Any, set[int]] = {node: set() for node in self.order}
        for k, node in enumerate(roots):
            if node is not None:
                self.reach[node].add(k)
        for node in reversed(self.order):
            for other in others[node]:
                self.reach[other] |= self.reach[node]


def op_name(node: Any) -> str:
    """What a node of autograd undoes.

    >>> from types import SimpleNamespace
    >>> [op_name(SimpleNamespace(name=lambda: x)) for x in ("CatBackward0", "SplitWithSizes")]
    ['cat', 'split_with_sizes']
    """
    return snake_case(node.name().split("::")[-1].split("Backward")[0]) or "op"


def shape_of(node: Any, output: int = 0) -> tuple[int, ...]:
    """Of what a node of autograd has made."""
    return tuple(node._input_metadata[output].shape)


def refuse_totals(nodes: TorchNodes, losses: Mapping[str, Any], what: str) -> None:
    """A sum of losses beside its parts would count them twice."""
    names = list(losses)
    for name, loss in losses.items():
        for k in sorted(nodes.reach.get(loss.grad_fn, ())):
            if names[k] != name:
                raise ValueError(
                    f"{what}: loss {names[k]!r} is computed from loss {name!r}: give either the "
                    f"parts, and weights={{{name!r}: ...}} for what the sum multiplies them with, "
                    f"or the sum alone"
                )


def refuse_checkpoints(nodes: TorchNodes, what: str) -> None:
    """What is trained within one would look as if no loss reached it."""
    if any("CheckpointFunction" in node.name() for node in nodes.edges):
        raise ValueError(
            f"{what}: torch.utils.checkpoint hides what is within it from autograd's graph: call "
            f"it with use_reentrant=False"
        )
