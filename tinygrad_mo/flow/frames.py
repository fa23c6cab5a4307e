"""The flows of one training, step by step: what was measured, and what they must have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .. import arguments
from .data import FlowData, Wire
from .measures import Measure

ONE_TRAINING = "a picture shows one training of one model: give each training its own FlowRecorder"


def flow_list(what: str, given: Iterable[FlowData]) -> list[FlowData]:
    """The flows that a user gives, one after the other."""
    flows = list(given) if isinstance(given, Iterable) else [given]
    for one in flows:
        if one is given or not isinstance(one, FlowData):
            raise TypeError(
                f"{what} must be a list of flows, such as the flows of a FlowRecorder; "
                f"{arguments.shown(one)} is {'none' if one is given else 'no flow'}"
            )
    return flows


def in_order(what: str, flows: Iterable[FlowData], now: FlowData | None = None) -> list[FlowData]:
    """One flow per step of one training. At its own step, `now` is shown and not what was recorded.

    A flow may be given twice. Two different ones of one step are of two trainings: neither may hide
    the other.
    """
    given = flow_list(what, flows)
    shown = given if now is None else [*given, now]
    if not shown:
        raise ValueError("there are no flows: FlowRecorder(every=...) records them during fit")
    last, by_step = shown[-1], dict[int, FlowData]()
    model = structure(last)
    for flow in given:
        if structure(flow) != model:
            raise ValueError(
                f"{what}: the flow of step {flow.step} is of another model; {ONE_TRAINING}"
            )
        if flow.optimizer != last.optimizer:
            raise ValueError(
                f"{what}: the flow of step {flow.step} is of a training with {flow.optimizer}, the "
                f"last one, of step {last.step}, with {last.optimizer}; {ONE_TRAINING}"
            )
        known = by_step.setdefault(flow.step, flow)
        if known is not flow and known != flow:
            raise ValueError(f"{what}: two different flows are of step {flow.step}; {ONE_TRAINING}")
    by_step[last.step] = last
    return sorted(by_step.values(), key=lambda flow: flow.step)


def structure(flow: FlowData) -> Any:
    """What stays while a model is trained: its losses, its nodes, and which losses reach what."""
    reach = {what: measure.reach for what, measure in measures(flow).items()}
    return flow.losses, flow.nodes, list(reach.items())


def measures(flow: FlowData) -> dict[Any, Measure]:
    """All that was measured, in the order in which the page counts it."""
    found: dict[Any, Measure] = {
        ("wire", wire.source, wire.target, tensor_of(wire, i)): wire.measure
        for i, wire in enumerate(flow.wires)
    }
    found |= {("bundle", *what): measure for what, measure in flow.bundles.items()}
    found |= {("fork", number): measure for number, measure in flow.forks.items()}
    found |= {("weight", name): measure for name, measure in flow.parameters.items()}
    cards = {node.name: node.parameters for node in flow.nodes if node.kind != "loss"}
    users = Counter(name for parameters in cards.values() for name in parameters)
    shared = [use for use in flow.uses if users[use[0]] > 1 and use[1] in cards]
    return found | {("use", *use): flow.uses[use] for use in shared}


def tensor_of(wire: Wire, place: int) -> int:
    """What stands for the tensor of a wire: its number; where it has none, it is one of its own."""
    return wire.number if wire.number >= 0 else -1 - place
