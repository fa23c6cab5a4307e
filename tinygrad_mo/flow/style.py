"""How pictures look: colours, wires and bars; the same for page, figure and charts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .layout import Point

# All colours: each in print and on light pages, and on dark pages.
# One per loss everywhere, in order of use. Any two are at least 10 apart (CIEDE2000), also for
# those who see no green or no red (deuteranopia, protanopia: Machado et al. 2009).
LOSSES = (
    ("#1f6fd6", "#5b9df5"), ("#d97706", "#f5a63a"), ("#01724b", "#7eebc9"),
    ("#370b7c", "#eeccf6"), ("#994091", "#9a7294"), ("#7b1507", "#c87900"),
    ("#4f9865", "#24bc82"), ("#8286b2", "#bb9bc3"), ("#b03c00", "#fcf033"),
    ("#3d8376", "#0e8f71"), ("#42203e", "#5a7ec2"), ("#004736", "#5cf292"),
)  # fmt: skip
REGULARIZATION = ("#6b7280", "#868c98")
REPEATED = "colours repeat: there are more losses than colours"
# Of each, the page has a variable, such as var(--ink).
SHADES = {
    "paper": ("#fbfbf9", "#14161f"),
    "card": ("#ffffff", "#1e212e"),
    "ink": ("#1c2033", "#eef0f7"),
    "muted": ("#5d6382", "#a9afc6"),
    "faint": ("#a3a8ba", "#6d7390"),
    "line": ("#d3d7e3", "#3a3f55"),
    "empty": ("#f0f1f5", "#2a2e3f"),
    "dot": ("#ffffff", "#14161f"),
    "conflict": ("#c2255c", "#ff7aa8"),
    "conflict-pale": ("#fde7ef", "#45203a"),
    "agree": ("#0b7a6f", "#4fd1bf"),
    "agree-pale": ("#dff3ef", "#173c3d"),
    "rim": ("#d5d8e4", "#4a5069"),
    "rim-conflict": ("#fbdbe6", "#4d2438"),
    "hatch": ("#d9598c", "#e0709d"),
}
PRINTED = {name: light for name, (light, _) in SHADES.items()}
PAPER, CARD, INK, MUTED = (PRINTED[name] for name in ("paper", "card", "ink", "muted"))
LINE, EMPTY = PRINTED["line"], PRINTED["empty"]
CONFLICT, AGREE = PRINTED["conflict"], PRINTED["agree"]
RIM = PRINTED["rim"]
RIMS: dict[str, dict[str, Any]] = {  # how what the addition took looks in print, and why it did
    "oppose": {
        "facecolor": PRINTED["rim-conflict"],
        "edgecolor": PRINTED["hatch"],
        "hatch": "//////",
        "lw": 0,
    },
    "differ": {"facecolor": RIM, "lw": 0},
}
HEAT = (0.08, 0.8)  # of a cosine of 0: how strong its colour is; and what a cosine of 1 adds
FROZEN = 0.45  # opacity of the bar of weights that are not trained

HEAD = 13.0  # pixels that an arrow's head is long
BARBS = 0.15  # of its length: so much further back reach its corners
THINNEST = 1.2  # pixels: a wire with a gradient never gets thinner than this
THINNEST_RIM = 0.4  # pixels at each side of a wire: a thinner rim is left out
BAR = 9.0  # pixels that a card's bar is high
KEY = 12  # pixels, about: how thick the wire in the key is
MANY = 48  # weight arrays: where there are more, a bar is of a whole layer
LOGARITHMIC = 60  # where losses differ by so many times, their curves are logarithmic


def colours_of(name: str, number: int) -> tuple[str, str]:
    """The colour of a loss, on light and on dark pages."""
    return REGULARIZATION if name == "regularization" else LOSSES[number % len(LOSSES)]


def colour_of(name: str, number: int) -> str:
    """The colour of a loss in print."""
    return colours_of(name, number)[0]


def repeated(losses: Sequence[str]) -> str:
    """What a key says where two losses have one colour."""
    colours = {colours_of(name, k) for k, name in enumerate(losses)}
    return REPEATED if len(colours) < len(losses) else ""


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
