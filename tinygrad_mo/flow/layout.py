"""Where the cards of a picture stand and how the wires run; the same for page and figure.

Graphviz's dot decides the order of cards within a column, so that few wires cross. Columns are
decided here: data runs from left to right, inputs stand just before they are used, losses last.
A wire that passes columns gets a waypoint in each, so that it runs between the cards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..nodes import Node

if TYPE_CHECKING:
    from .flow import Flow

Point = tuple[float, float]

SIZES = {"card": (116.0, 86.0), "small": (102.0, 42.0), "loss": (100.0, 86.0)}
COLUMN, GAP, MARGIN = 50.0, 26.0, 14.0
SNAP = 14.0  # neighbours whose heights differ by less are put on one line


@dataclass
class Card:
    """A node's place: its centre and size, in pixels, y downwards."""

    node: Node
    kind: str  # "card" if it has weights, "small", or "loss"
    column: int
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        return SIZES[self.kind][0]

    @property
    def height(self) -> float:
        return SIZES[self.kind][1]


@dataclass
class Layout:
    """Cards by node name, and for each wire of the flow the points it runs through."""

    cards: dict[str, Card]
    paths: list[list[Point]]
    width: float = 0.0
    height: float = 0.0
    columns: dict[int, float] = field(default_factory=dict)


def kind_of(node: Node) -> str:
    return "loss" if node.kind == "loss" else "card" if node.parameters else "small"


def make_layout(flow: Flow) -> Layout:
    """Place the nodes of a flow.

    Raises
    ------
    ImportError
        Where pygraphviz is missing; the text says what to install.
    """
    columns = find_columns(flow)
    cards = {node.name: Card(node, kind_of(node), columns[node.name]) for node in flow.nodes}
    chains = [waypoints(i, wire, columns) for i, wire in enumerate(flow.wires)]
    y = heights_from_dot(cards, chains)
    snap(y, chains)
    x = column_centres(cards)
    for name, card in cards.items():
        card.x, card.y = x[card.column], y[name]
    top = min(card.y - card.height / 2 for card in cards.values())
    for name in y:
        y[name] += MARGIN - top
    for name, card in cards.items():
        card.y = y[name]
    paths = connect(cards, chains, x, y)
    width = max(card.x + card.width / 2 for card in cards.values()) + MARGIN
    height = max([c.y + c.height / 2 for c in cards.values()] + list(y.values())) + MARGIN
    return Layout(cards, paths, width, height, x)


def find_columns(flow: Flow) -> dict[str, int]:
    """Each node one column behind the last that it needs; inputs just before their first use."""
    column: dict[str, int] = {}
    for node in flow.nodes:  # in topological order
        before = [column[w.source] for w in flow.wires if w.target == node.name]
        column[node.name] = max(before, default=-1) + 1
    last = max(column.values())
    for node in flow.nodes:
        after = [column[w.target] for w in flow.wires if w.source == node.name]
        if node.kind == "input" and after:
            column[node.name] = min(after) - 1
        elif node.kind == "loss":
            column[node.name] = last
    return column


def waypoints(number: int, wire: object, columns: Mapping[str, int]) -> list[str]:
    """Names of the points that a wire runs through, from source to target."""
    source, target = wire.source, wire.target  # type: ignore[attr-defined]
    between = range(columns[source] + 1, columns[target])
    return [source, *(f"wire {number} in column {c}" for c in between), target]


def heights_from_dot(cards: Mapping[str, Card], chains: Sequence[list[str]]) -> dict[str, float]:
    """The y of every card and waypoint."""
    try:
        import pygraphviz
    except ImportError as error:
        raise ImportError(
            "the picture is laid out with pygraphviz: pip install 'tinygrad-mo[viz]'"
        ) from error
    graph = pygraphviz.AGraph(directed=True, rankdir="LR", nodesep=GAP / 72, ranksep=0.5)
    number: dict[str, str] = {}  # names of users never reach dot's language

    def place(name: str) -> str:
        if name not in number:
            number[name] = str(len(number))
            size = (cards[name].width, cards[name].height) if name in cards else (1.0, 14.0)
            graph.add_node(
                number[name],
                shape="box",
                fixedsize=True,
                label="",
                width=size[0] / 72,
                height=size[1] / 72,
            )
        return number[name]

    for name in cards:
        place(name)
    for chain in chains:
        for a, b in zip(chain, chain[1:], strict=False):
            straight = 8 if a not in cards and b not in cards else 4 if len(chain) > 2 else 1
            graph.add_edge(place(a), place(b), weight=straight)
    graph.layout("dot")
    found = {name: graph.get_node(n).attr["pos"].split(",") for name, n in number.items()}
    return {name: -float(y) for name, (_, y) in found.items()}


def snap(y: dict[str, float], chains: Sequence[list[str]]) -> None:
    """Straighten wires that would be almost straight."""
    for chain in chains:
        for a, b in zip(chain, chain[1:], strict=False):
            if abs(y[a] - y[b]) < SNAP:
                y[b] = y[a]


def column_centres(cards: Mapping[str, Card]) -> dict[int, float]:
    widths: dict[int, float] = {}
    for card in cards.values():
        widths[card.column] = max(widths.get(card.column, 0.0), card.width)
    x, centres = MARGIN, {}
    for column in range(max(widths) + 1):
        width = widths.get(column, 0.0)
        centres[column] = x + width / 2
        x += width + COLUMN
    return centres


def connect(
    cards: Mapping[str, Card],
    chains: Sequence[list[str]],
    x: Mapping[int, float],
    y: Mapping[str, float],
) -> list[list[Point]]:
    """From a port on the source's right side to one on the target's left."""
    ports: dict[tuple[int, str], Point] = {}
    for name, card in cards.items():
        for side, end, neighbour in ((+1, 0, 1), (-1, -1, -2)):
            here = [i for i, chain in enumerate(chains) if chain[end] == name]
            here.sort(key=lambda i: (y[chains[i][neighbour]], i))
            room = card.height * 0.72
            for place, i in enumerate(here):
                offset = room * ((place + 0.5) / len(here) - 0.5)
                ports[i, "source" if side > 0 else "target"] = (
                    card.x + side * card.width / 2,
                    card.y + offset,
                )
    paths = []
    for i, chain in enumerate(chains):
        first = cards[chain[0]].column + 1
        middle = [(x[first + step], y[name]) for step, name in enumerate(chain[1:-1])]
        paths.append([ports[i, "source"], *middle, ports[i, "target"]])
    return paths
