"""A teacher's own tour: questions, each with the state of the page that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from .. import arguments
from ..naming import did_you_mean
from .data import FlowData

PARTS = ("title", "text", "look", "step", "weights", "select", "sweep")


def tour_of(
    flow: FlowData, frames: Sequence[FlowData], tour: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The stops as the page reads them: words, and a link to a state.

    >>> from ..flow import Flow
    >>> flow = Flow(["main"], {"main": 0.5}, {"main": 1.0}, [], [], {})
    >>> tour_of(flow, [flow], [{"title": "Who?", "weights": {"main": 2}, "step": 0}])
    [{'title': 'Who?', 'text': '', 'look': [], 'link': 'w=2.0&step=0'}]
    """
    return [stop_of(flow, frames, f"tour[{i}]", stop) for i, stop in enumerate(tour)]


def stop_of(
    flow: FlowData, frames: Sequence[FlowData], what: str, stop: Mapping[str, Any]
) -> dict[str, Any]:
    """One stop, checked."""
    if not isinstance(stop, Mapping):
        raise TypeError(f"{what} must be a dict with a title, not {arguments.shown(stop)}")
    for part in stop:
        if part not in PARTS:
            raise ValueError(f"{what} has no part {part!r}; {did_you_mean(str(part), PARTS)}")
    texts = [stop.get("title"), stop.get("text", ""), *stop.get("look", ())]
    if not all(isinstance(text, str) for text in texts) or not stop["title"]:
        raise TypeError(f"{what}: title, text and each thing to look at are texts")
    words = {"title": texts[0], "text": texts[1], "look": texts[2:]}
    return {**words, "link": link_of(flow, frames, what, stop)}


def link_of(flow: FlowData, frames: Sequence[FlowData], what: str, stop: Mapping[str, Any]) -> str:
    """The state, as the address of the page says it."""
    weights = arguments.by_name(f"{what}: weights", stop.get("weights"), arguments.number)
    for name in weights:
        flow.loss_number(name)
    mixed = {**flow.weights, **weights}
    step = stop.get("step", flow.step)
    steps = [frame.step for frame in frames]
    if step not in steps:
        raise ValueError(f"{what}: step {step} is none of the recorded ones, {steps}")
    parts = [f"w={','.join(repr(float(mixed[name])) for name in flow.losses)}", f"step={step}"]
    if "select" in stop:
        parts.append(f"select={quote(key_of(flow, stop['select']), safe='')}")
    if "sweep" in stop:
        parts.append(f"sweep={arguments.whole(f'{what}: sweep', stop['sweep'], at_least=1)}")
    return "&".join(parts)


def key_of(flow: FlowData, what: Any) -> str:
    """How the page calls a node, a parameter or a wire."""
    names = [node.name for node in flow.nodes]
    if isinstance(what, tuple):
        flow.measure(what)  # a wire that is not there is named
        kind, labels = "wire", list(what[:2])
    elif what in names:
        kind, labels = "card", [what]
    elif what in flow.parameters:
        kind, labels = "weights", [what]
    else:
        known = [*names, *flow.parameters]
        raise ValueError(
            f"a tour selects {what!r}, which is not there; {did_you_mean(what, known)}"
        )
    return "/".join(quote(label, safe="!~*'()") for label in [kind, *labels])
