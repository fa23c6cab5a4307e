"""The steps that led somewhere, in an order in which each comes after those that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def topological_order(tensors: Sequence[Any]) -> list[Any]:
    """All steps that lead to `tensors`, each after the steps it needs (and without recursion)."""
    order: dict[Any, None] = {}
    stack = [t.step for t in reversed(tensors) if t.step is not None]
    while stack:
        depth = len(stack)
        for x in reversed(stack[-1].inputs):
            before = None if x is None else x.step
            if before is not None and before not in order:
                stack.append(before)
        if len(stack) == depth:
            order[stack.pop()] = None  # if it has a place already, that stays
    return list(order)
