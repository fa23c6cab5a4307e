"""Gradients as small pictures: one grid of numbers for each loss, where arrays were kept.

All that makes them small is a mean of neighbours, which is linear: the weighted sum of the grids is
the grid of the weighted sum, whatever the weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .data import FlowData

MOST = 24  # rows and columns of a grid
FILTERS = 24  # of a convolution that are shown


class Grids(NamedTuple):
    """Of one array: the losses with a path to it, a grid for each of them, and what is in a cell.

    In a grid, NaN is a gap between two filters.
    """

    losses: tuple[int, ...]
    rows: np.ndarray  # (losses, height, width)
    words: str


def grids(flow: FlowData, what: Any) -> Grids | None:
    """The gradients of a parameter, use or wire as pictures; None if they were not kept.

    >>> from tinygrad_mo.flow import Flow, FlowNode, Measure
    >>> kernel = np.arange(96.0).reshape(1, 48, 2)
    >>> flow = Flow(["main"], {"main": 1.0}, {"main": 1.0}, [FlowNode("dense")], [],
    ...     {"dense/kernel": Measure.of(kernel.reshape(1, -1), (0,), 1)},
    ...     arrays={"dense/kernel": ((0,), kernel)})
    >>> found = grids(flow, "dense/kernel")
    >>> found.rows.shape, found.rows[0, 0].tolist(), found.words
    ((1, 24, 2), [1.0, 2.0], '48 x 2 numbers; a cell is the mean of 2 x 1 of them')
    """
    if what not in flow.arrays:
        return None
    losses, rows = flow.arrays[what]
    is_weight = isinstance(what, str) or what in flow.uses
    shown, words = weight_picture(rows) if is_weight else wire_picture(rows)
    return Grids(losses, shown, words)


def weight_picture(rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Of weights: as they lie, or the filters of a convolution beside each other."""
    shape = rows.shape[1:]
    if len(shape) == 4:
        return filters(rows.mean(axis=3)), filter_words(shape)
    if len(shape) == 3:
        return pooled(rows.mean(axis=2), f"{sized(shape)} numbers, their mean over axis 1")
    return pooled(rows.reshape(len(rows), -1, shape[-1] if shape else 1), f"{sized(shape)} numbers")


def filter_words(shape: tuple[int, ...]) -> str:
    high, wide, channels, count = shape
    shown = f"{min(count, FILTERS)} of {count} filters" if count > FILTERS else f"{count} filters"
    return f"{shown} of {high} x {wide}; a cell is the mean over {channels} channels"


def filters(x: np.ndarray) -> np.ndarray:
    """Of shape (losses, height, width, filters): the first ones in rows, with gaps between."""
    losses, high, wide, count = x.shape
    count = min(count, FILTERS)
    across = -(-count // max(1, round(np.sqrt(count / 2))))
    down = -(-count // across)
    shown = np.full((losses, down * (high + 1) - 1, across * (wide + 1) - 1), np.nan)
    for n in range(count):
        top, left = n // across * (high + 1), n % across * (wide + 1)
        shown[:, top : top + high, left : left + wide] = x[..., n]
    return shown


def wire_picture(rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Of what runs along a wire, the batch first: as a table, over time, or as an image."""
    samples, *shape = rows.shape[1:]
    if len(shape) == 2:
        over_time = rows.mean(axis=1).swapaxes(1, 2)
        words = f"{shape[0]} steps from left to right, {shape[1]} features"
        return pooled(over_time, f"{words}; their mean over {samples} samples")
    if len(shape) == 3:
        words = f"an image of {shape[0]} x {shape[1]}: the mean over {shape[2]} channels"
        return pooled(rows.mean(axis=(1, 4)), f"{words} and {samples} samples")
    features = int(np.prod(shape))
    table = rows.reshape(len(rows), samples, features)
    return pooled(table, f"{samples} samples x {features} features")


def pooled(x: np.ndarray, words: str) -> tuple[np.ndarray, str]:
    """No more than `MOST` rows and columns: the means of neighbours."""
    each = [max(1, -(-n // MOST)) for n in x.shape[1:]]
    for axis, size in enumerate(each, 1):
        starts = np.arange(0, x.shape[axis], size)
        counts = np.diff([*starts, x.shape[axis]])
        sums = np.add.reduceat(x, starts, axis=axis) if len(starts) else x
        x = sums / counts.reshape(-1, *[1] * (2 - axis)) if len(starts) else x
    means = f"; a cell is the mean of {each[0]} x {each[1]} of them" if max(each) > 1 else ""
    return x, words + means


def sized(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"
