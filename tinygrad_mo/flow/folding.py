"""Which cards of a large picture are folded into one.

First what the names say: the layers of a nested model, or layers called "block/conv", are one
card. Where still too many are left, what the graph says: everything between a fork and the place
where its branches meet again, and then chains of cards. Folds lie in folds, like folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile

MANY, LONG = 24, 12  # more cards, or more cards in a line, than this are folded further

Wires = Sequence[tuple[str, str]]


class Folds(Mapping[str, list[str]]):
    """By name of fold: the names of all nodes in it, in topological order.

    Parameters
    ----------
    order : sequence of str
        The names of all nodes.
    parent : dict of str
        By name of node or fold, the fold that it lies in directly.
    """

    def __init__(self, order: Sequence[str] = (), parent: Mapping[str, str] | None = None):
        self.order, self.parent = list(order), dict(parent or {})
        self._members: dict[str, list[str]] = {}
        for name in self.order:
            for fold in self.around(name):
                self._members.setdefault(fold, []).append(name)

    def __iter__(self) -> Iterator[str]:
        """Outer folds before inner ones."""
        return iter(sorted(dict.fromkeys(self.parent.values()), key=lambda f: len(self.around(f))))

    def __len__(self) -> int:
        return len(set(self.parent.values()))

    def __getitem__(self, fold: str) -> list[str]:
        return self._members[fold]

    def around(self, name: str) -> list[str]:
        """The folds around a node or fold, the innermost first."""
        found = []
        while name in self.parent:
            name = self.parent[name]
            found.append(name)
        return found

    def card_of(self, node: str, opened: str | None) -> str:
        """The card that a node is part of, while one fold (and all around it) is open."""
        unfolded = set() if opened is None else {opened, *self.around(opened)}
        return next((fold for fold in self.around(node)[::-1] if fold not in unfolded), node)


def find_folds(
    kinds: Mapping[str, str], folders: Mapping[str, Sequence[str]], wires: Wires
) -> Folds:
    """The folds of a graph.

    Parameters
    ----------
    kinds, folders : dict
        By name of node, in topological order: its kind, and the folders that its name tells of, the
        outermost first.
    wires : list of (source, target)
    """
    return Folding(kinds, folders, wires).folds


class Folding:
    """How folds are found, step by step."""

    def __init__(
        self, kinds: Mapping[str, str], folders: Mapping[str, Sequence[str]], wires: Wires
    ):
        self.order, self.wires = list(kinds), wires
        self.fixed = {name for name, kind in kinds.items() if kind in ("input", "loss")}
        self.parent: dict[str, str] = {}
        self._fold_by_name(folders)
        for level in (None, *self.folds):
            self._fold_by_shape(level)

    @property
    def folds(self) -> Folds:
        """Those found so far."""
        return Folds(self.order, self.parent)

    def level(self, fold: str | None) -> tuple[list[str], Wires]:
        """What lies directly in a fold (None: on top), and the wires between."""
        here = {}
        for name in self.order:
            inner, outer = name, self.parent.get(name)
            while outer is not None and outer != fold:
                inner, outer = outer, self.parent.get(outer)
            if outer == fold:
                here[name] = inner
        lifted = [(here[a], here[b]) for a, b in self.wires if a in here and b in here]
        return list(dict.fromkeys(here.values())), [
            w for w in dict.fromkeys(lifted) if w[0] != w[1]
        ]

    def fold(self, members: Sequence[str], name: str, level: str | None) -> None:
        """Put things that lie directly in `level` into a new fold."""
        taken = {*self.order, *self.parent.values()}
        while name in taken:
            name += " …"
        for member in members:
            self.parent[member] = name
        if level:
            self.parent[name] = level

    def _fold_by_name(self, folders: Mapping[str, Sequence[str]]) -> None:
        """A fold for each call of a nested model, and for each folder in a layer's own name."""
        members_of: dict[str, list[str]] = {}
        for name in self.order:
            for folder in folders[name] if name not in self.fixed else ():
                members_of.setdefault(folder, []).append(name)
        for folder, members in members_of.items():  # outer folders come before their inner ones
            levels = {self.parent.get(name) for name in members}
            level = self.parent.get(members[0])
            if len(members) > 1 and len(levels) == 1 and self._is_sound(members, level):
                self.fold(members, folder, level)

    def _is_sound(self, members: Sequence[str], level: str | None) -> bool:
        """As one card they leave something beside them, and no wire leaves it and comes back."""
        items, wires = self.level(level)
        others = [item for item in items if item not in members and item not in self.fixed]
        ends = dict.fromkeys(members, "")  # a name that no card has
        merged = [(ends.get(a, a), ends.get(b, b)) for a, b in wires]
        return bool(others) and is_acyclic([w for w in merged if w[0] != w[1]])

    def _fold_by_shape(self, level: str | None) -> None:
        """Fold blocks, then runs, of a level that is still too large."""
        items, wires = self.level(level)
        if len(items) <= MANY:
            return
        for block in blocks(items, wires):
            if not self.fixed & set(block):
                self.fold(block, block_name(block), level)
        items, wires = self.level(level)
        if longest_path(items, wires) > LONG:
            for run in runs([item for item in items if item not in self.fixed], wires):
                name, parts = run_name(run), pieces(run)
                for part in parts if len(parts) > 2 else ():
                    self.fold(part, from_to(part), level)
                self.fold(list(dict.fromkeys(self.inner(run, level))), name, level)

    def inner(self, members: Sequence[str], level: str | None) -> Iterator[str]:
        """What lies directly in a level: these things, or the folds that they were put into."""
        for member in members:
            parent = self.parent.get(member)
            yield member if parent in (None, level) else str(parent)


def is_acyclic(wires: Iterable[tuple[str, str]]) -> bool:
    try:
        TopologicalSorter(needs((), wires)).prepare()
    except CycleError:
        return False
    return True


def needs(items: Iterable[str], wires: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """By item: where its wires come from."""
    found: dict[str, list[str]] = {item: [] for item in items}
    for a, b in wires:
        found.setdefault(b, []).append(a)
    return found


def longest_path(items: Iterable[str], wires: Wires) -> int:
    before = needs(items, wires)
    depth: dict[str, int] = {}
    for item in TopologicalSorter(before).static_order():
        depth[item] = 1 + max((depth[a] for a in before[item]), default=0)
    return max(depth.values(), default=0)


def blocks(items: Sequence[str], wires: Wires) -> list[list[str]]:
    """Cards between a fork and the card where branches of it meet, which is part of the block.

    >>> blocks("xabcy", [("x", "a"), ("x", "b"), ("a", "c"), ("b", "c"), ("c", "y"), ("x", "y")])
    [['a', 'b', 'c']]
    """
    before = needs(items, wires)
    after = needs(items, [(b, a) for a, b in wires])
    passed: dict[str, set[str]] = {}  # which cards lie on every way from a start to here
    found: list[list[str]] = []
    taken: set[str] = set()
    for meeting in TopologicalSorter(before).static_order():
        ways = [passed[a] for a in before[meeting]]
        common = set.intersection(*ways) if ways else set()
        passed[meeting] = common | {meeting}
        if len(ways) < 2 or not common:
            continue
        fork = max(common, key=lambda item: len(passed[item]))
        inside, frontier = {meeting}, list(before[meeting])
        while frontier:
            item = frontier.pop()
            if item != fork and item not in inside:
                inside.add(item)
                frontier += before[item]
        closed = all(set(after[item]) <= inside for item in inside - {meeting})
        if closed and len(inside) > 1 and not inside & taken:
            taken |= inside
            found.append([item for item in items if item in inside])
    return found


def runs(items: Sequence[str], wires: Wires) -> list[list[str]]:
    """Chains of at least three cards, each with one wire to the next.

    >>> runs("abcd", [("a", "b"), ("b", "c"), ("c", "d"), ("x", "a"), ("y", "a")])
    [['a', 'b', 'c', 'd']]
    >>> runs("abc", [("a", "b"), ("b", "x"), ("b", "c")])
    []
    """
    before = needs(items, wires)
    after = needs(items, [(b, a) for a, b in wires])
    follower = {
        a: after[a][0] for a in items if len(after[a]) == 1 and len(before[after[a][0]]) == 1
    }
    starts = [item for item in items if item in follower and item not in follower.values()]
    found = []
    for start in starts:
        run = [start]
        while run[-1] in follower and follower[run[-1]] in items:
            run.append(follower[run[-1]])
        if len(run) > 2:
            found.append(run)
    return found


def block_name(members: Sequence[str]) -> str:
    """What the names have in common, or where the branches meet.

    >>> block_name(["mixed_3a_conv", "mixed_3a_join"]), block_name(["conv", "add_1"])
    ('mixed_3a', 'up to add_1')
    """
    return common_start(members) or f"up to {members[-1]}"


def pieces(run: Sequence[str]) -> list[Sequence[str]]:
    """A chain in parts of about the same length, none longer than `LONG`.

    >>> [len(part) for part in pieces(range(30))]
    [10, 10, 10]
    """
    each = -(-len(run) // -(-len(run) // LONG))
    return [run[start : start + each] for start in range(0, len(run), each)]


def run_name(members: Sequence[str]) -> str:
    """
    >>> run_name(["aux/conv", "aux/dense", "aux/relu"]), run_name(["conv", "3a", "3b …"])
    ('aux', 'conv … 3b')
    """
    return common_start(members) or from_to(members)


def from_to(members: Sequence[str]) -> str:
    """
    >>> from_to(["conv_1", "conv_2", "conv_3"])
    'conv_1 … conv_3'
    """
    first = members[0].split(" …")[0]
    last = members[-1].removesuffix(" …").split("… ")[-1]
    return f"{first} … {last}"


def common_start(names: Sequence[str]) -> str:
    """What all names start with, if it says something: a word, or two letters of one.

    >>> [common_start(names) for names in (["up_1", "up_2"], ["u_1", "u_2"], ["upper", "under"])]
    ['up', '', '']
    """
    letters = takewhile(lambda column: len(set(column)) == 1, zip(*names, strict=False))
    same = "".join(column[0] for column in letters)
    stem = same.rstrip("_-./ ")
    whole = len(stem) < len(same) or any(name == stem for name in names)
    return stem if whole and len(stem) > 1 else ""
