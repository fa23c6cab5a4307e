"""The steps that led somewhere, in an order in which each comes after those that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def topological_order(tensors: Sequence[Any]) -> list[Any]:
    """All steps that lead to `tensors`, each after the steps it needs (and without recursion)."""
    order: dict[Any, None] = {}
    stack = [t.step for t in reversed(tensors) if t.step is not None]
    while stack:
        above = [x.step for x in reversed(stack[-1].inputs) if x is not None and x.step is not None]
        if missing := [step for step in above if step not in order]:
            stack += missing
        else:
            order[stack.pop()] = None  # if it has a place already, that stays
    return list(order)
