"""The colours of the picture, and the shapes of its wires; the same for page and figure."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .layout import Point

# One colour per loss everywhere; distinguishable for colour-blind readers, and in order of use.
LOSSES = ("#1f6fd6", "#f0930a", "#159a6c", "#7b4fc9", "#0d8fa8", "#8a5a2b")
REGULARIZATION = "#6b7280"
CONFLICT, AGREE = "#c2255c", "#0f8a7e"
INK, MUTED, LINE, PAPER, CARD = "#1c2033", "#6b7190", "#d3d7e3", "#fbfbf9", "#ffffff"
EMPTY, RIM, RIM_CONFLICT = "#f0f1f5", "#d9dce6", "#fbdbe6"


def colour_of(name: str, number: int) -> str:
    """The colour of a loss."""
    return REGULARIZATION if name == "regularization" else LOSSES[number % len(LOSSES)]


def curve(path: list[Point], points: int = 28) -> np.ndarray:
    """A smooth line through the points of a wire, level at each of them: shape (n, 2).

    >>> curve([(0.0, 0.0), (10.0, 4.0)], points=3).tolist()
    [[0.0, 0.0], [5.0, 2.0], [10.0, 4.0]]
    """
    t = np.linspace(0, 1, points)[:, None]
    pieces = []
    for (x0, y0), (x1, y1) in pairwise(path):
        bend = (x1 - x0) / 2
        corners = np.array([(x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1)])
        weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3]
        pieces.append(sum(w * c for w, c in zip(weights, corners, strict=True)))
    return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])


def band(line: np.ndarray, low: float, high: float) -> np.ndarray:
    """The outline of a stripe beside a line, from offset `low` to `high` (to its left side)."""
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    across = np.stack([along[:, 1], -along[:, 0]], axis=1)
    return np.concatenate([line + low * across, (line + high * across)[::-1]])
