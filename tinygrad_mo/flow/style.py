"""How pictures look: colours, wires and bars; the same for page, figure and charts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .data import FlowData
from .layout import Point

# All colours: each in print and on light pages, and on dark pages.
# One per loss everywhere, in order of use: the first is that of the loss of largest weight. Any two
# are at least 10 apart (CIEDE2000), also for those who see no green or no red (deuteranopia,
# protanopia: Machado et al. 2009).
LOSSES = (
    ("#1f6fd6", "#5b9df5", "#1b61bb", "#7cb1f7"),
    ("#d97706", "#f5a63a", "#925004", "#f5a63a"),
    ("#01724b", "#7eebc9", "#01724b", "#7eebc9"),
    ("#370b7c", "#eeccf6", "#370b7c", "#eeccf6"),
    ("#994091", "#9a7294", "#994091", "#c0a7bc"),
    ("#7b1507", "#c87900", "#7b1507", "#daa553"),
    ("#4f9865", "#24bc82", "#396e49", "#3ac38e"),
    ("#8286b2", "#bb9bc3", "#5e6181", "#c2a5c9"),
    ("#b03c00", "#fcf033", "#b03c00", "#fcf033"),
    ("#3d8376", "#0e8f71", "#326c61", "#6ebcaa"),
    ("#42203e", "#5a7ec2", "#42203e", "#98aed9"),
    ("#004736", "#5cf292", "#004736", "#5cf292"),
)  # areas: light, dark; text: light, dark
REGULARIZATION = ("#6b7280", "#868c98", "#565c7a", "#aeb4cb")
REPEATED = "colours repeat: there are more losses than colours"
# Of each, the page has a variable, such as var(--ink).
SHADES = {
    "paper": ("#fbfbf9", "#14161f"),
    "card": ("#ffffff", "#1e212e"),
    "ink": ("#1c2033", "#eef0f7"),
    "muted": ("#565c7a", "#aeb4cb"),
    "edge": ("#868da6", "#79809c"),  # 3 to 1 against paper and card: what is seen by its edge
    "line": ("#d3d7e3", "#3a3f55"),
    "empty": ("#ecedf3", "#2d3142"),
    "dot": ("#ffffff", "#14161f"),
    "conflict": ("#c2255c", "#ff85b0"),
    "conflict-pale": ("#fde6ee", "#4a2136"),
    "agree": ("#0b6f65", "#55d3c0"),
    "agree-pale": ("#dff3ef", "#173c3d"),
    "cell-conflict": ("#a81850", "#ff9cc0"),
    "cell-agree": ("#2b9083", "#2a9486"),
    "rim": ("#dfe1ec", "#434960"),
    "rim-conflict": ("#fde6ee", "#4a2136"),
    "hatch": ("#c2255c", "#ff85b0"),
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


def place_of(losses: Sequence[str], weights: Sequence[float], k: int) -> int:
    """Where a loss stands in the order of the colours: that of the largest weight comes first.

    >>> [place_of(["age", "sex", "income"], [0.1, 0.5, 2.0], k) for k in range(3)]
    [1, 2, 0]
    """
    told = [j for j, name in enumerate(losses) if name != "regularization"]
    first = max(told, key=lambda j: abs(weights[j]), default=k)
    return 0 if k == first else k + (k < first)


def colours_of(flow: FlowData, k: int) -> tuple[str, str, str, str]:
    """The colours of a loss: of areas on light and on dark pages, and of text."""
    return (
        REGULARIZATION
        if flow.losses[k] == "regularization"
        else coloured(place_of(flow.losses, flow.weight_list, k))
    )


def coloured(place: int) -> tuple[str, str, str, str]:
    return LOSSES[place % len(LOSSES)]


def tone_of(colour: str) -> str:
    """Of the lines in a loss's texture: darker than its colour, or lighter where that is dark.

    >>> tone_of("#d97706"), tone_of("#01724b")
    ('#623603', '#9ec9bb')
    """
    shades = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    linear = [(x / 255 / 12.92 if x < 11 else ((x / 255 + 0.055) / 1.055) ** 2.4) for x in shades]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    goal, part = (0, 0.55) if luminance > 0.22 else (255, 0.62)
    return "#" + "".join(f"{round(x + part * (goal - x)):02x}" for x in shades)


def colour_of(flow: FlowData, k: int) -> str:
    """The colour of a loss in print."""
    return colours_of(flow, k)[0]


def repeated(flow: FlowData) -> str:
    """What a key says where two losses have one colour."""
    colours = {colours_of(flow, k) for k in range(len(flow.losses))}
    return REPEATED if len(colours) < len(flow.losses) else ""


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
    """The outline of a stripe beside a line, from offset `low` to `high` (to its left side).

    >>> band(np.array([(0.0, 0.0), (0.0, 4.0)]), 1, 3).round(9).tolist()
    [[1.0, 0.0], [1.0, 4.0], [3.0, 4.0], [3.0, 0.0]]
    """
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    across = np.stack([along[:, 1], -along[:, 0]], axis=1)
    return np.concatenate([line + low * across, (line + high * across)[::-1]])
