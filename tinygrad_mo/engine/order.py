"""The steps that led somewhere, in an order in which each comes after those that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def topological_order(tensors: Sequence[Any]) -> list[Any]:
    """All steps that lead to `tensors`, each after the steps it needs (and without recursion)."""
    order: list[Any] = []
    seen: set[Any] = set()
    stack = [(t.step, False) for t in reversed(tensors) if t.step is not None]
    while stack:
        step, inputs_done = stack.pop()
        if inputs_done:
            order.append(step)
        elif step not in seen:
            seen.add(step)
            stack.append((step, True))
            below = [x.step for x in reversed(step.inputs) if x is not None and x.step is not None]
            stack.extend((one, False) for one in below if one not in seen)
    return order
