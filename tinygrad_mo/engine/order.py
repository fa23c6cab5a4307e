"""The steps that led somewhere, in an order in which each comes after those that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def topological_order(tensors: Sequence[Any]) -> list[Any]:
    """All steps that lead to `tensors`, each after the steps it needs (and without recursion)."""
    order: dict[Any, None] = {}
    stack = [t.step for t in reversed(tensors) if t.step is not None]
    while stack:
        step = stack[-1]
        waiting = len(stack)
        if step not in order:
            for x in reversed(step.inputs):
                if x is not None and x.step is not None and x.step not in order:
                    stack.append(x.step)
            if len(stack) == waiting:
                order[step] = None
        if len(stack) == waiting:
            stack.pop()
    return list(order)
