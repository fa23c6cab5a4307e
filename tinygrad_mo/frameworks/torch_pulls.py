"""K backward passes, and what they send to each tensor and weight, measured where it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from ..flow.measures import Measure, factor, factor_of_gram
from .torch_graph import TorchGraph

BLOCK = 1 << 20  # numbers of a row that are multiplied at a time, for lack of memory


class Pulls:
    """The gradients of the losses, one pass after the other.

    Autograd is asked for the whole gradient of each tensor and weight. Where several cards use one,
    hooks of their nodes see what each of them sends. What is complete is measured at once.

    Attributes
    ----------
    measured : dict of Measure
        By tensor and part of its gradient, as `TorchGraph.parts` names them.
    types : set
        Of the numbers that came.
    """

    def __init__(self, graph: TorchGraph):
        from torch.autograd import grad
        from torch.autograd.graph import GradientEdge

        self.graph, self.loss = graph, 0
        self.measured: dict[tuple[Any, Any], Measure] = {}
        self.types: set[Any] = set()
        self._rows: dict[Any, dict[int, Any]] = defaultdict(dict)  # by tensor and card, by loss
        live = [what for what in graph.users if what[0] in graph.live]
        reach = {what: graph.reach_of(what, graph.users[what]) for what in live}
        self._shared = {w for w in live if len(graph.users[w]) > 1 or w in graph.used_within}
        with ExitStack() as hooks:
            for node, places in self._watched().items():
                hooks.callback(node.register_hook(partial(self._arrived, places)).remove)
            for self.loss, loss in enumerate(graph.losses.values()):
                mine = [what for what in live if self.loss in reach[what]]
                if mine:
                    asked = [GradientEdge(*what) for what in mine]
                    more = self.loss + 1 < graph.count
                    found = grad(loss, asked, retain_graph=more, allow_unused=True)
                    for what, g in zip(mine, found, strict=True):
                        if what not in self._shared:
                            self._add((what, *graph.users[what]), g)
                    self._measure([what for what in mine if max(reach[what]) == self.loss])

    def _watched(self) -> dict[Any, list[tuple[int, Any]]]:
        """By node: the places of its gradients where a card sends something to a shared tensor."""
        found: dict[Any, list[tuple[int, Any]]] = defaultdict(list)
        for what in self._shared:
            for card, places in self.graph.users[what].items():
                for node, place in places:
                    found[node].append((place, (what, card)))
        return found

    def _arrived(self, places: Iterable[tuple[int, Any]], gradients: Any, _: Any) -> None:
        """A node has computed the gradients of what it was made of."""
        for place, key in places:
            self._add(key, gradients[place])

    def _add(self, key: Any, g: Any) -> None:
        """A gradient, or None where it is 0. A card may send several: they are added."""
        if g is not None:
            rows = self._rows[key]
            rows[self.loss] = rows[self.loss] + g if self.loss in rows else g

    def _measure(self, tensors: Iterable[Any]) -> None:
        """Nothing more will come for these."""
        keys, rows = [], []
        for what in tensors:
            sent = {card: self._rows.pop((what, card), {}) for card in self.graph.users[what]}
            for part, cards in self.graph.parts(what).items():
                losses = sorted(set().union(*(sent[card] for card in cards)))
                sums = [sum(sent[card][k] for card in cards if k in sent[card]) for k in losses]
                keys.append((what, part, cards, losses))
                rows.append([flattened(g.detach()) for g in sums])
        self.types.update(row.dtype for some in rows for row in some)
        for (what, part, cards, losses), r in zip(keys, factors(rows), strict=True):
            reach, count = self.graph.reach_of(what, cards), self.graph.count
            whole = Measure.of_factor(r, losses, count).r
            self.measured[what, part] = Measure(tuple(k in reach for k in range(count)), whole)


def flattened(g: Any) -> Any:
    """One row of plain numbers."""
    if g.is_sparse:
        g = g.to_dense()
    if g.is_complex():
        import torch

        g = torch.view_as_real(g.resolve_conj())
    return g.reshape(-1)


def factors(several: Sequence[Sequence[Any]]) -> list[np.ndarray]:
    """The triangular factors of rows, which are fetched from a GPU together."""
    import torch

    if not several:
        return []
    grams = [inner_products(rows) for rows in several]
    device = next((gram.device for gram in grams), None)
    numbers = torch.cat([gram.flatten().to(device) for gram in grams]).cpu().numpy()
    ends = np.cumsum([gram.numel() for gram in grams])[:-1]
    found = []
    for rows, own in zip(several, np.split(numbers, ends), strict=True):
        r = factor_of_gram(own.reshape(len(rows), -1)) if rows else np.zeros((0, 0))
        found.append(factor(as_array(rows)) if r is None else r)
    return found


def inner_products(rows: Sequence[Any]) -> Any:
    """Of rows with one another, in float64."""
    import torch

    if not rows:
        return torch.zeros(0, 0, dtype=torch.float64)
    total = 0
    for parts in zip(*(row.split(BLOCK) for row in rows), strict=True):
        block = torch.stack(parts).double()
        total = total + block @ block.T
    return total


def as_array(rows: Iterable[Any]) -> np.ndarray:
    """Rows as one array of NumPy, which has no bfloat16."""
    wide = [row.double() if row.itemsize < 4 else row for row in rows]
    return np.stack([row.cpu().numpy() for row in wide])
