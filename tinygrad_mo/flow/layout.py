"""Where the cards of a figure stand and how the wires run.

Graphviz's dot decides the order of cards within a column, so that few wires cross; where it is
missing, a shorter way of our own. Columns are
decided here: data runs from left to right, inputs stand just before they are used, losses last.
A wire that passes columns gets a waypoint in each, so that it runs between the cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, NamedTuple

from .data import FlowData, FlowNode

Point = tuple[float, float]

SIZES = {"card": (116.0, 86.0), "small": (102.0, 42.0), "loss": (100.0, 86.0)}
COLUMN, GAP, MARGIN = 50.0, 26.0, 14.0
LEVEL = 0.3  # of a column's width, to both sides: there a passing wire stays level
PORTS = 0.72  # of a card's side: there the wires meet it
SWEEPS = 12  # over all columns, where pygraphviz is missing
SNAP = 14.0  # neighbours whose heights differ by less are put on one line


@dataclass
class Card:
    """A node's place: its centre and size, in pixels, y downwards."""

    node: FlowNode
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
    width: float
    height: float


class Places(NamedTuple):
    """Where things are: centres by name, and for each wire the points it runs through."""

    centres: dict[str, Point]
    paths: list[list[Point]]
    width: float
    height: float


def kind_of(node: FlowNode) -> str:
    return "loss" if node.kind == "loss" else "card" if node.parameters else "small"


def make_layout(flow: FlowData) -> Layout:
    """Place the nodes of a flow.

    With pygraphviz, fewer wires cross.
    """
    kinds = {node.name: kind_of(node) for node in flow.nodes}
    wires = [(wire.source, wire.target) for wire in flow.wires]
    columns = find_columns({node.name: node.kind for node in flow.nodes}, wires)
    places = arrange({name: SIZES[kind] for name, kind in kinds.items()}, wires, columns)
    cards = {
        node.name: Card(node, kinds[node.name], columns[node.name], *places.centres[node.name])
        for node in flow.nodes
    }
    return Layout(cards, places.paths, places.width, places.height)


def arrange(
    sizes: Mapping[str, tuple[float, float]],
    wires: Sequence[tuple[str, str]],
    columns: Mapping[str, int],
) -> Places:
    """Place cards of these sizes, and route the wires between them.

    Parameters
    ----------
    sizes, columns : dict
        By name of card: width and height, and the number of its column.
    wires : list of (source, target)
    """
    chains = [waypoints(i, *wire, columns) for i, wire in enumerate(wires)]
    if find_spec("pygraphviz"):
        y = heights_from_dot(sizes, columns, chains)
    else:
        y = heights_from_order(sizes, columns, chains)
    snap(y, chains)
    x = column_centres(sizes, columns)
    top = min(y[name] - height / 2 for name, (_, height) in sizes.items())
    y = {name: height + MARGIN - min(top, *y.values()) for name, height in y.items()}
    centres = {name: (x[columns[name]], y[name]) for name in sizes}
    paths = connect(sizes, centres, chains, columns, x, y)
    width = max(centres[name][0] + w / 2 for name, (w, _) in sizes.items()) + MARGIN
    bottom = max(centres[name][1] + h / 2 for name, (_, h) in sizes.items())
    return Places(centres, paths, width, max(bottom, *y.values()) + MARGIN)


def find_columns(kinds: Mapping[str, str], wires: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Each card one column behind the last that it needs; inputs just before their first use."""
    if not kinds:
        raise ValueError("a flow without nodes cannot be drawn")
    before: dict[str, list[str]] = {name: [] for name in kinds}
    after: dict[str, list[str]] = {name: [] for name in kinds}
    for source, target in wires:
        before[target].append(source)
        after[source].append(target)
    column: dict[str, int] = {}
    for name in TopologicalSorter(before).static_order():
        column[name] = max((column[source] for source in before[name]), default=-1) + 1
    last = max(column.values())
    for name, kind in kinds.items():
        if kind == "input" and after[name]:
            column[name] = min(column[target] for target in after[name]) - 1
        elif kind == "loss":
            column[name] = last
    return column


def waypoints(number: int, source: str, target: str, columns: Mapping[str, int]) -> list[str]:
    """Names of the points that a wire runs through, from source to target."""
    between = range(columns[source] + 1, columns[target])
    return [source, *(f"wire {number} in column {c}" for c in between), target]


def columns_along(chains: Sequence[list[str]], columns: Mapping[str, int]) -> dict[str, int]:
    """The column of every card that has wires, and of every waypoint.

    >>> columns_along([["trunk", "between", "far"]], {"trunk": 1, "far": 3})
    {'trunk': 1, 'between': 2, 'far': 3}
    """
    return {name: columns[chain[0]] + i for chain in chains for i, name in enumerate(chain)}


def heights_from_dot(
    sizes: Mapping[str, tuple[float, float]],
    columns: Mapping[str, int],
    chains: Sequence[list[str]],
) -> dict[str, float]:
    """The y of every card and waypoint."""
    import pygraphviz

    graph = pygraphviz.AGraph(directed=True, rankdir="LR", nodesep=GAP / 72, ranksep=0.5)
    number: dict[str, str] = {}  # names of users never reach dot's language

    def place(name: str) -> str:
        if name not in number:
            number[name] = str(len(number))
            width, height = sizes.get(name, (1.0, 14.0))
            graph.add_node(
                number[name],
                shape="box",
                fixedsize=True,
                label="",
                width=width / 72,
                height=height / 72,
            )
        return number[name]

    for name in sizes:
        place(name)
    for chain in chains:
        for a, b in pairwise(chain):
            straight = 8 if a not in sizes and b not in sizes else 4 if len(chain) > 2 else 1
            graph.add_edge(place(a), place(b), weight=straight)
    for a, b in neighbours(sizes, columns, chains):
        graph.add_edge(place(a), place(b), weight=1)
    graph.layout("dot")
    found = {name: graph.get_node(n).attr["pos"].split(",") for name, n in number.items()}
    return {name: -float(y) for name, (_, y) in found.items()}


def heights_from_order(
    sizes: Mapping[str, tuple[float, float]],
    columns: Mapping[str, int],
    chains: Sequence[list[str]],
) -> dict[str, float]:
    """The same without dot: things stand in the order of what they are wired to, and near it.

    First the mean places of neighbours decide the order within each column (Sugiyama, Tagawa & Toda
    1981), then the heights, column by column, to and fro.
    """
    column = {**columns_along(chains, columns), **columns}
    near: dict[str, list[str]] = {name: [] for name in column}
    for chain in chains:
        for a, b in pairwise(chain):
            near[a].append(b)
            near[b].append(a)
    members: dict[int, list[str]] = {}
    for name, c in sorted(column.items(), key=lambda item: item[1]):
        members.setdefault(c, []).append(name)
    height = {name: sizes.get(name, (1.0, 14.0))[1] for name in column}
    y = {name: float(i) for some in members.values() for i, name in enumerate(some)}
    sweeps = [c for _ in range(SWEEPS) for c in (*members, *list(members)[::-1])]
    for c in sweeps:  # places are numbers within the column
        members[c].sort(key=lambda name: mean_of(y, near[name], y[name]))
        y |= {name: float(i) for i, name in enumerate(members[c])}
    for some in members.values():
        y |= stacked(some, height, dict.fromkeys(some, 0.0))
    for c in sweeps:
        wishes = {name: mean_of(y, near[name], y[name]) for name in members[c]}
        y |= stacked(members[c], height, wishes)
    return y


def mean_of(y: Mapping[str, float], near: Sequence[str], otherwise: float) -> float:
    """Of the places of neighbours."""
    return sum(y[name] for name in near) / len(near) if near else otherwise


def stacked(
    names: Sequence[str], height: Mapping[str, float], wishes: Mapping[str, float]
) -> dict[str, float]:
    """Heights near what is wished, in this order and without overlaps.

    What would overlap is moved together, by the mean of the wishes.

    >>> stacked(["a", "b"], {"a": 10, "b": 10}, {"a": 0.0, "b": 0.0})
    {'a': -18.0, 'b': 18.0}
    """
    before, pools = 0.0, list[list[Any]]()  # of each pool: the sum of what is wished, and the names
    offset: dict[str, float] = {}
    for above, name in zip([None, *names], names, strict=False):
        before += (height[above] + height[name]) / 2 + GAP if above is not None else 0.0
        offset[name] = before
        pools.append([wishes[name] - before, [name]])
        while len(pools) > 1 and place_of(pools[-2]) > place_of(pools[-1]):
            total, some = pools.pop()
            pools[-1] = [pools[-1][0] + total, pools[-1][1] + some]
    return {name: place_of(pool) + offset[name] for pool in pools for name in pool[1]}


def place_of(pool: list[Any]) -> float:
    return float(pool[0] / len(pool[1]))


def neighbours(
    sizes: Mapping[str, tuple[float, float]],
    columns: Mapping[str, int],
    chains: Sequence[list[str]],
) -> Iterable[tuple[str, str]]:
    """Edges for dot alone, which bring every card without wires into the order of its column."""
    column = columns_along(chains, columns)
    for name in [name for name in sizes if name not in column]:
        before = [(a, name) for a in column if column[a] == columns[name] - 1]
        yield from before[-1:]


def snap(y: dict[str, float], chains: Sequence[list[str]]) -> None:
    """Straighten wires that would be almost straight."""
    for chain in chains:
        for a, b in pairwise(chain):
            if abs(y[a] - y[b]) < SNAP:
                y[b] = y[a]


def column_centres(
    sizes: Mapping[str, tuple[float, float]], columns: Mapping[str, int]
) -> dict[int, float]:
    widths: dict[int, float] = {}
    for name, (width, _) in sizes.items():
        widths[columns[name]] = max(widths.get(columns[name], 0.0), width)
    x, centres = MARGIN, {}
    for column in range(max(widths) + 1):
        width = widths.get(column, 0.0)
        centres[column] = x + width / 2
        x += width + COLUMN
    return centres


def connect(
    sizes: Mapping[str, tuple[float, float]],
    centres: Mapping[str, Point],
    chains: Sequence[list[str]],
    columns: Mapping[str, int],
    x: Mapping[int, float],
    y: Mapping[str, float],
) -> list[list[Point]]:
    """From a port on the source's right side to one on the target's left."""
    ports: dict[tuple[int, str], Point] = {}
    ends: dict[tuple[str, int], list[int]] = {}  # by card and end: the chains
    for i, chain in enumerate(chains):
        for end in (0, -1):
            ends.setdefault((chain[end], end), []).append(i)
    for name, (width, height) in sizes.items():
        for side, end, neighbour in ((+1, 0, 1), (-1, -1, -2)):
            here = ends.get((name, end), [])
            here.sort(key=lambda i: (y[chains[i][neighbour]], i))
            room = PORTS * height
            for place, i in enumerate(here):
                offset = room * ((place + 0.5) / len(here) - 0.5)
                ports[i, "source" if side > 0 else "target"] = (
                    centres[name][0] + side * width / 2,
                    centres[name][1] + offset,
                )
    widths = {columns[name]: width for name, (width, _) in sizes.items()}
    paths = []
    for i, chain in enumerate(chains):
        first = columns[chain[0]] + 1
        middle = []
        for step, name in enumerate(chain[1:-1]):
            level = LEVEL * widths.get(first + step, 0.0)
            middle += [(x[first + step] - level, y[name]), (x[first + step] + level, y[name])]
        paths.append([ports[i, "source"], *middle, ports[i, "target"]])
    return paths
