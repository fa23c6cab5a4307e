"""A compiled model in plain words: who trains what, what a weight touches, what is cancelled.

Everything here follows from the graph and the optimizer alone; for what the gradients really are on
some data, ask `Model.gradient_flow`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from ..engine.nodes import calls_of_layers
from ..training.objective import Objective
from ..training.terms import LossTerm
from .recording import Graph
from .words import SCALE_FREE, few, listing

WIDTH = 88


@dataclass
class Trained:
    """A layer with weights, and which losses reach it."""

    name: str
    losses: tuple[int, ...]
    frozen: bool
    calls: int


def explain(objective: Objective, optimizer: Any) -> str:
    """The sentences, as one text."""
    layers = trained(Graph(objective, objective.inputs))
    terms = list(objective.terms.values())
    weights = objective.weights
    total = " + ".join(f"{weights[t.name]:g} x {t.name}" for t in terms)
    parts = [
        [f"One number is minimised: {total}.", "One backward sweep finds all gradients."],
        [paths(term, k, layers, weights[term.name]) for k, term in enumerate(terms)],
        [weight_of(term, k, terms, layers) for k, term in enumerate(terms)] if terms[1:] else [],
        of_optimizer(optimizer, terms, layers),
        peculiarities(objective, layers),
    ]
    filled = ("\n".join(fill(line, WIDTH) for line in lines) for lines in parts if lines)
    return "\n\n".join(filled)


def trained(graph: Graph) -> list[Trained]:
    """The layers that have weights, in the order of their first call."""
    found = []
    for nodes in calls_of_layers(graph.nodes.all):
        own = nodes[0].parameters
        reached = {k for w in own for k in graph.plan.reaches(w)}
        frozen = all(graph.name_of[w] in graph.frozen for w in own)
        found.append(Trained(nodes[0].name, tuple(sorted(reached)), frozen, len(nodes)))
    return found


def paths(term: LossTerm, k: int, layers: Sequence[Trained], weight: float) -> str:
    """Which layers a loss trains."""
    kind = "" if term.loss is None else f" ({term.loss.name} of output {term.output})"
    able = [layer.name for layer in layers if k in layer.losses and not layer.frozen]
    unable = [layer.name for layer in layers if k not in layer.losses]
    verb = "trains" if weight else "has weight 0; with another weight it would train"
    text = f"{term.name}{kind} {verb} {listing(few(able)) if able else 'nothing'}."
    return text + (f" No path leads from it to {listing(few(unable))}." if unable else "")


def weight_of(term: LossTerm, k: int, terms: Sequence[LossTerm], layers: Sequence[Trained]) -> str:
    """What changes with the weight of a loss."""
    moving = [layer for layer in layers if not layer.frozen]
    alone = [layer.name for layer in moving if layer.losses == (k,)]
    shared = [layer.name for layer in moving if k in layer.losses and len(layer.losses) > 1]
    others = [layer.name for layer in moving if k not in layer.losses]
    facts = []
    if alone:
        facts.append(f"scales the whole gradient of {listing(few(alone))}")
    if shared:
        facts.append(f"changes the mixture in {listing(few(shared))}")
    if others:
        facts.append(f"leaves {listing(few(others))} exactly as before")
    return f"The weight of {term.name} " + (listing(facts) if facts else "changes nothing") + "."


def of_optimizer(optimizer: Any, terms: Sequence[LossTerm], layers: Sequence[Trained]) -> list[str]:
    """What the optimizer makes of a loss weight."""
    name = type(optimizer).__name__
    alone = [layer.name for layer in layers if len(layer.losses) == 1 and not layer.frozen]
    if len(terms) < 2 or not alone:
        return []
    where = listing(few(alone))
    if name in SCALE_FREE:
        return [
            f"{name} divides each gradient by its own running size. Where one loss is alone "
            f"({where}) its weight cancels; it matters only where losses meet."
        ]
    return [
        f"{name} steps in proportion to the gradient: in {where} twice the weight, twice the step."
    ]


def peculiarities(objective: Objective, layers: Sequence[Trained]) -> list[str]:
    """What one might overlook."""
    lines = [
        f"{layer.name} is called {layer.calls} times with the same weights: the gradients of its "
        f"calls are added."
        for layer in layers
        if layer.calls > 1
    ]
    frozen = [layer.name for layer in layers if layer.frozen]
    if frozen:
        lines.append(f"Frozen: {listing(few(frozen))}. Gradients pass through, weights stay.")
    idle = [layer.name for layer in layers if not layer.losses and not layer.frozen]
    if idle:
        lines.append(f"No loss reaches {listing(few(idle))}: nothing trains it.")
    silent = [name for name in objective.outputs if name not in objective.judged()]
    if silent:
        lines.append(f"Without a loss: {listing(few(silent))}.")
    return lines
