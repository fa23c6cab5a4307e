"""K backward passes, and what they send to each tensor and weight, measured where it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from ..flow.measures import Measure, factor, factor_of_gram
from ..ops.products import inner_products
from .torch_graph import TorchGraph

BLOCK = 1 << 18  # numbers of a row that are multiplied at a time, while they are near


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
        live = [what for what in graph.users if what[0] in graph.nodes.live]
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
                several = [sent[card] for card in cards]
                losses = sorted(set().union(*several))
                sums = [reduce(add, [one[k] for one in several if k in one]) for k in losses]
                keys.append((what, part, cards, losses))
                rows.append(plain(sums))
        self.types.update(row.dtype for some in rows for row in some)
        for (what, part, cards, losses), r in zip(keys, factors(rows), strict=True):
            reach, count = self.graph.reach_of(what, cards), self.graph.count
            whole = Measure.of_factor(r, losses, count).r
            self.measured[what, part] = Measure(tuple(k in reach for k in range(count)), whole)


def plain(gradients: Sequence[Any]) -> list[Any]:
    """Gradients of one tensor as plain numbers, their axes in the order in which they lie."""
    import torch

    dense = [g.to_dense() if g.is_sparse else g for g in gradients]
    real = [torch.view_as_real(g.resolve_conj()) if g.is_complex() else g for g in dense]
    axes = sorted(range(real[0].dim()), key=real[0].stride, reverse=True) if real else ()
    return [g.permute(axes) if axes else g.reshape(1) for g in real]


def factors(several: Sequence[Sequence[Any]]) -> list[np.ndarray]:
    """The triangular factors of rows. What a GPU has multiplied is fetched together."""
    import torch

    near = [all(row.device.type == "cpu" for row in rows) for rows in several]
    far = [far_products(rows) for rows, here in zip(several, near, strict=True) if not here]
    flat = [gram.flatten().to(far[0].device) for gram in far]
    fetched = iter(torch.cat(flat).cpu().split([len(one) for one in flat]) if far else ())
    found = []
    for rows, here in zip(several, near, strict=True):
        gram = near_products(rows) if here else next(fetched).numpy().reshape(len(rows), -1)
        r = factor_of_gram(gram)
        if r is None:
            whole = np.stack([as_array(row) for row in rows])
            r = factor(whole.reshape(len(rows), rows[0].numel()))
        found.append(r)
    return found


def near_products(rows: Sequence[Any]) -> np.ndarray:
    """Inner products of rows with one another, in float64."""
    arrays = [as_array(row) for row in rows]
    if not rows or not arrays[0].size:
        return np.zeros((len(rows), len(rows)))
    step = max(BLOCK * len(arrays[0]) // arrays[0].size, 1)
    blocks = ([x[i : i + step] for x in arrays] for i in range(0, len(arrays[0]), step))
    total: np.ndarray = sum(inner_products(np.stack(b).reshape(len(b), -1)) for b in blocks)
    return total


def far_products(rows: Sequence[Any]) -> Any:
    """The same on a GPU, for which nobody waits."""
    import torch

    step = max(BLOCK * len(rows[0]) // rows[0].numel(), 1)
    blocks = (
        torch.stack(b).flatten(1).double()
        for b in zip(*(row.split(step) for row in rows), strict=True)
    )
    return sum(block @ block.T for block in blocks)


def as_array(row: Any) -> np.ndarray:
    """As NumPy's, which has no bfloat16."""
    return (row.float() if row.itemsize < 4 else row).cpu().numpy()
