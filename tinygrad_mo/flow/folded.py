"""A flow as its picture shows it: all folds closed, each of them one card."""

from __future__ import annotations

from .data import FlowData, FlowNode, Wire
from .measures import Measure


def folded(flow: FlowData) -> FlowData:
    """The same flow with a node for each fold, and the gradients that its wires carry together.

    A wire into a fold carries several gradients: of one tensor that several nodes inside use (they
    were added before measuring), or of different tensors (their squares add up).
    """
    if not flow.folds:
        return flow
    card_of = {node.name: flow.folds.card_of(node.name, None) for node in flow.nodes}
    inside: dict[str, list[FlowNode]] = {}
    for node in flow.nodes:
        inside.setdefault(card_of[node.name], []).append(node)
    first: dict[tuple[str, ...], str] = {}  # by weights: the card that uses them first
    nodes = [card(name, some, first) for name, some in inside.items()]
    own = {name for node in nodes for name in node.parameters}
    return FlowData(
        losses=flow.losses,
        values=flow.values,
        weights=flow.weights,
        nodes=nodes,
        wires=wires_between(flow, card_of),
        parameters={name: m for name, m in flow.parameters.items() if name in own},
        frozen=flow.frozen & own,
        name=flow.name,
        step=flow.step,
        training=flow.training,
    )


def card(name: str, some: list[FlowNode], first: dict[tuple[str, ...], str]) -> FlowNode:
    """A node, or one for all in a fold; folds with the same weights are calls of one layer."""
    if [node.name for node in some] == [name]:
        return some[0]
    parameters = tuple(dict.fromkeys(one for node in some for one in node.parameters))
    layer = first.setdefault(parameters, name) if parameters else name
    return FlowNode(name, "layer", f"{len(some)} cards", some[-1].shape, parameters, layer)


def wires_between(flow: FlowData, card_of: dict[str, str]) -> list[Wire]:
    """From card to card, each once."""
    parts: dict[tuple[str, str], dict[object, Measure]] = {}
    for i, wire in enumerate(flow.wires):
        ends = card_of[wire.source], card_of[wire.target]
        if ends[0] != ends[1]:
            bundle = flow.bundles.get((ends[1], wire.number))
            what = ("bundle", wire.number) if bundle else i
            parts.setdefault(ends, {})[what] = bundle or wire.measure
    count = len(flow.losses)
    return [Wire(*ends, Measure.together([*some.values()], count)) for ends, some in parts.items()]
