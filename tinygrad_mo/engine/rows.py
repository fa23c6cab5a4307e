"""Gradients of several losses: one row for each loss that reaches a tensor, and no other rows."""

from __future__ import annotations

from typing import Any

from ..device import xp
from ..ops import dense_gradient

Rows = tuple[Any, tuple[int, ...]]  # a gradient, and of which loss each of its rows is


def added(first: Rows, second: Rows) -> Rows:
    """The sum of two gradients: where only one has a row for a loss, this row is the sum."""
    (x, of_x), (y, of_y) = first, second
    if of_x == of_y:
        return x + y, of_x
    x, y = dense_gradient(x), dense_gradient(y)
    row_of = {k: x[i : i + 1] for i, k in enumerate(of_x)}
    for i, k in enumerate(of_y):
        row = y[i : i + 1]
        row_of[k] = row_of[k] + row if k in row_of else row
    both = tuple(sorted(row_of))
    return xp().concatenate([row_of[k] for k in both]), both


def spread(rows: Rows, losses: tuple[int, ...]) -> Any:
    """The gradient with a row for each of `losses`, zeros for those that it had none of."""
    gradient, of = rows
    if of == losses:
        return gradient
    gradient = dense_gradient(gradient)
    zeros = xp().zeros((1, *gradient.shape[1:]), gradient.dtype)
    return xp().concatenate([gradient[of.index(k)][None] if k in of else zeros for k in losses])
