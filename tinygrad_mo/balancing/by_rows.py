"""Methods that need the gradients themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import array_module, new_generator
from .base import Balancer


class GradDrop(Balancer):
    """In each number of a gradient, one sign is kept, by chance (Chen et al. 2020).

    P = (1 + sum_i g_i / sum_i |g_i|) / 2 is the share of what is positive. With U drawn evenly
    between 0 and 1, parts above 0 are kept where P > U, those below 0 where P < U. The paper does
    so to the gradient of what the heads read; here it is each shared parameter. What only one loss
    reaches is as without it, and all weights are 1: pictures show the plain sum.
    """

    needs = "rows"
    state = ("generator",)

    def begin(self, count: int) -> None:
        self.generator = new_generator()

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        return np.ones(len(losses))

    def mixed(self, rows: Any) -> Any:
        xp = array_module(rows)
        size = xp.abs(rows).sum(axis=0)
        share = 0.5 * (1 + rows.sum(axis=0) / xp.where(size > 0, size, 1))
        drawn = xp.asarray(self.generator.random(rows.shape[1:], np.float32))
        return xp.where((rows > 0) == (share > drawn), rows, 0).sum(axis=0)
