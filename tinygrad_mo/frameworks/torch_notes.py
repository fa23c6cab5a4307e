"""What must be said of a measurement with PyTorch: what cannot be seen, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..flow.words import few, listing
from .torch_calls import plain_name
from .torch_graph import TorchGraph


def notes_on_graph(graph: TorchGraph) -> list[str]:
    """What cannot be seen."""
    return sentences(
        ("It could not be seen where these data go: {}.", graph.unseen),
        (
            "Gradients also reach tensors that are neither weights of the model nor its data, of "
            "shape {}: they are not shown.",
            (str(tuple(x.shape)) for x in graph.nodes.unknown),
        ),
    )


def notes_on_model(
    graph: TorchGraph, model: Any, types: set[Any], frozen: Iterable[str]
) -> list[str]:
    """What one must know of the measurement, and what PyTorch does not show."""
    modules = dict(model.named_modules())
    other = [name for name, one in modules.items() if one.training != model.training]
    scripts = [name for name, one in modules.items() if hasattr(one, "code") and hasattr(one, "_c")]
    shown = {card.call for card in graph.cards}
    hidden = [call for call in graph.calls.calls if call.is_leaf and call not in shown]
    return sentences(
        (
            "In {} mode, unlike the model: {{}}.".format("eval" if model.training else "train"),
            (plain_name(name) for name in other if name.rpartition(".")[0] not in other),
        ),
        (
            "No gradient passes through {} (frozen, detached or under no_grad): not shown.",
            (call.path for call in hidden if any(True for _ in call.module.parameters())),
        ),
        (
            "PyTorch computes no gradient for {} (requires_grad is False): none is shown.",
            (name for name in frozen if not graph.parameters[name].requires_grad),
        ),
        (
            "TorchScript hides the modules of {}: what they do is shown as functions.",
            (name for name in scripts if name.rpartition(".")[0] not in scripts),
        ),
        (
            "Some gradients are {} numbers: what is too small for these became 0.",
            sorted(str(x).removeprefix("torch.") for x in types if x.itemsize < 4),
        ),
    )


def sentences(*parts: tuple[str, Iterable[str]]) -> list[str]:
    """Each text with its names, the first ones if they are many; without any it is not said."""
    named = [(text, few([*dict.fromkeys(names)])) for text, names in parts]
    return [text.format(listing(names)) for text, names in named if names]
