"""The gradients of several losses on one tensor after the other, measured where they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .measures import Measure, factor, factor_of_gram

BLOCK = 1 << 24  # numbers of a row that are multiplied at a time, for lack of memory


class Pulls:
    """What K backward passes send to each of some places, which are known by a key.

    A pass may send several gradients to one place: they are added. What is complete is measured at
    once; nobody waits for a GPU before all is.
    """

    def __init__(self, count: int):
        self.count, self.loss = count, 0
        self.types: set[Any] = set()  # of the numbers that came
        self._reach: dict[Any, set[int]] = {}
        self._rows: dict[Any, dict[int, Any]] = {}
        self._factors: dict[Any, tuple[list[int], np.ndarray]] = {}
        self._grams: dict[Any, tuple[list[int], Any, Any]] = {}  # on a GPU, and their rows

    def expect(self, key: Any, losses: Iterable[int]) -> None:
        """These losses can send a gradient there; it may be one of several."""
        self._reach.setdefault(key, set()).update(losses)

    def begin(self, loss: int) -> None:
        """The pass of this loss begins."""
        self.loss = loss

    def add(self, key: Any, g: Any) -> None:
        """A gradient, or None where it is 0."""
        if g is None:
            return
        rows = self._rows.setdefault(key, {})
        rows[self.loss] = rows[self.loss] + g if self.loss in rows else g

    def end(self) -> None:
        """The pass is over: measure what no later one will change."""
        done = [key for key in self._rows if max(self._reach[key]) <= self.loss]
        for key in done:
            rows = self._rows.pop(key)
            flat = [flattened(g.detach()) for g in rows.values()]
            self.types.update(g.dtype for g in flat)
            if flat[0].device.type == "cpu":
                self._factors[key] = [*rows], factor(as_array(flat))
            else:
                self._grams[key] = [*rows], gram(flat), flat

    def measured(self) -> dict[Any, Measure]:
        """All of them, by key."""
        grams = fetched([g for _, g, _ in self._grams.values()])
        for (key, (losses, _, rows)), own in zip(self._grams.items(), grams, strict=True):
            r = factor_of_gram(own)
            self._factors[key] = losses, factor(as_array(rows)) if r is None else r
        self._grams = {}
        found = {key: self._paths(key) for key in self._reach}
        for key, (losses, r) in self._factors.items():
            found[key] = Measure(found[key].reach, Measure.of_factor(r, losses, self.count).r)
        return found

    def _paths(self, key: Any) -> Measure:
        """A path, and so far no gradient."""
        reach = tuple(k in self._reach[key] for k in range(self.count))
        return Measure(reach, np.zeros((self.count, self.count)))


def flattened(g: Any) -> Any:
    """One row of plain numbers."""
    if g.is_sparse:
        g = g.to_dense()
    if g.is_complex():
        import torch

        g = torch.view_as_real(g.resolve_conj())
    return g.reshape(-1)


def as_array(rows: list[Any]) -> np.ndarray:
    """Rows as one array of NumPy, which has no bfloat16."""
    wide = [row.double() if row.itemsize < 4 else row for row in rows]
    return np.stack([row.cpu().numpy() for row in wide])


def gram(rows: list[Any]) -> Any:
    """Inner products of rows with one another, in float64, on a GPU, for which nobody waits."""
    import torch

    total = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows[0].device)
    for parts in zip(*(row.split(BLOCK) for row in rows), strict=True):
        block = torch.stack(parts).double()
        total += block @ block.T
    return total


def fetched(grams: list[Any]) -> list[np.ndarray]:
    """Small matrices in one transfer from each device."""
    import torch

    of_device: dict[Any, list[int]] = {}
    for i, one in enumerate(grams):
        of_device.setdefault(one.device, []).append(i)
    found: dict[int, np.ndarray] = {}
    for places in of_device.values():
        together = torch.cat([grams[i].reshape(-1) for i in places]).cpu().numpy()
        cuts = np.cumsum([grams[i].numel() for i in places])[:-1]
        for i, numbers in zip(places, np.split(together, cuts), strict=True):
            found[i] = numbers.reshape(grams[i].shape)
    return [found[i] for i in range(len(grams))]
