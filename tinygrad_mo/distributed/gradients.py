"""The gradients of all ranks, added up: arrays as one, and of tables the rows that were read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..device import array_module
from ..ops import SparseGradient, dense_gradient
from .moving import Ranks


def summed(ranks: Ranks, found: Mapping[Any, Any]) -> dict[Any, Any]:
    """By tensor, the sum of the gradients that all ranks have found.

    Parameters
    ----------
    found : dict
        As `Plan.backward` returns it, with ``sparse=True``. (What has come in factors is
        multiplied: the factors of a sum are as many as the samples of all ranks.)
    """
    tables = {w: g for w, g in found.items() if isinstance(g, SparseGradient)}
    dense = {w: dense_gradient(g) for w, g in found.items() if g is not None and w not in tables}
    total = {**found, **dict(zip(dense, ranks.totals([*dense.values()]), strict=True))}
    if tables:
        read = ranks.everyones(np.array([len(g.ids) for g in tables.values()]))
        for (w, g), lengths in zip(tables.items(), read.T.tolist(), strict=True):
            total[w] = of_all(ranks, g, lengths)
    return total


def of_all(ranks: Ranks, g: SparseGradient, lengths: list[int]) -> SparseGradient:
    """The sum of what the ranks have found for the entries of a table that each has read."""
    xp = array_module(g.values)
    values = ranks.gathered(xp.moveaxis(g.values, -2, 0), lengths)
    return SparseGradient(ranks.gathered(g.ids, lengths), xp.moveaxis(values, 0, -2), g.shape[-2])
