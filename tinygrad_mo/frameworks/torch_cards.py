"""The cards of a network of PyTorch, and the folders in which they lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..naming import unique_names
from .torch_calls import Call

KINDS = ("layer", "input", "op", "loss")  # in the order in which they choose their names


@dataclass(eq=False)
class Card:
    """What will be a `FlowNode`."""

    name: str
    kind: str
    type: str
    call: Call | None = None
    shape: tuple[int | None, ...] = ()
    parameters: tuple[str, ...] = ()
    loss: str = ""


def name_apart(cards: Iterable[Card]) -> None:
    """Give no two the same name."""
    taken: list[str] = []
    for kind in KINDS:
        some, known = [card for card in cards if card.kind == kind], set(taken)
        wanted = [f"{c.name}_{kind}" if c.name in known else c.name for c in some]
        names = unique_names([*taken, *wanted], ":")[len(taken) :]
        for card, name in zip(some, names, strict=True):
            card.name = name
        taken += names


def folders_of(cards: Iterable[Card], dot: str) -> dict[str, list[str]]:
    """By name of card: the calls of containers around it, and the folders in its own path.

    The outermost first. Several calls of one container are several folders: "base", "base:1" ...
    """
    found = {card.name: list(folders_around(card, dot)) for card in cards}
    folders = [*dict.fromkeys(folder for some in found.values() for folder in some)]
    names = unique_names([label for _, label in folders], ":")
    name_of = dict(zip(folders, names, strict=True))
    return {card: [name_of[folder] for folder in some] for card, some in found.items()}


def folders_around(card: Card, dot: str) -> Iterator[tuple[Any, str]]:
    """What tells a folder from others of its name, and that name."""
    outer: list[str] = []
    last: Call | None = None
    for call in card.call.chain() if card.call else ():
        parts = call.path.split(dot) if call.path else []
        start = len(outer) if parts[: len(outer)] == outer else 0
        for i in range(start + 1, len(parts)):  # in which it is, without having been called by them
            yield last, dot.join(parts[:i])
        if parts and (card.kind == "op" or call is not card.call):
            yield call, call.path
        outer, last = parts, call
