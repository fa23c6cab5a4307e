"""Small charts of the flow, each on matplotlib axes of your own if you like.

They show with the words and colours of the page what was measured; nothing else is drawn. Names
and cosines stand beside the axes: a figure made with ``layout="constrained"`` has room for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from ..naming import did_you_mean
from . import style
from .chart_parts import (
    LETTERS,
    Row,
    beside,
    blend,
    fitted,
    formula,
    head,
    heat,
    in_points,
    ink_on,
    label_rows,
    labels_width,
    letters,
    loss_patches,
    new_axes,
    patch,
    plain,
    settle,
    shortened,
    width_of,
)
from .data import FlowData
from .figure import draw_bar
from .measures import Measure
from .words import RIMS, layer_of, layers_of, short_names, signed, verdict

PITCH = 15.0  # from one bar to the next; a bar is style.BAR high
NO_PATH: dict[str, Any] = {
    "facecolor": style.EMPTY,
    "edgecolor": "#bcc1d1",
    "hatch": "////",
    "lw": 0,
}


# ---------------------------------------------------------------- who trains what?


def rows_of(flow: FlowData, by: str | None) -> list[Row]:
    """A row for each weight array or for each layer; by default, for what there is room."""
    by = by or ("weights" if len(flow.parameters) <= style.MANY else "layer")
    if by == "weights":
        return [
            Row(*name.rpartition("/")[::2], layer_of(flow, name, [name]))
            for name in flow.parameters
        ]
    if by != "layer":
        raise ValueError(f"unknown by={by!r}: {did_you_mean(by, ['weights', 'layer'])}")
    return [Row(layer.name, "", layer) for layer in layers_of(flow)]


def bars(flow: FlowData, axes: Any = None, by: str | None = None) -> Any:
    """Who trains what: the gradient of the weighted loss on all weights, split by sender.

    A bar is as long as the gradient, its stripes are the shares of the losses, and its rim is
    what the addition took. To the right stands how the losses agree: the cosine, for more than
    two losses that of the pair which agrees least.

    Parameters
    ----------
    flow : Flow
    axes : matplotlib axes, optional
        Default: new ones.
    by : {"weights", "layer"}, optional
        One bar per weight array, or one per layer. Default: per array, if there are not many.

    Returns
    -------
    matplotlib axes
    """
    rows, weights = rows_of(flow, by), flow.weight_list
    if axes is None:
        axes = new_axes(8.6, 1.2 + 0.23 * len(rows))
    sums = [sum(row.measure.parts(weights)) for row in rows]
    full = max(filter(isfinite, sums), default=0.0) or 1.0
    plain(axes)
    axes.set(xlim=(0, full), ylim=(PITCH * (max(len(rows), 1) - 0.5), -0.5 * PITCH))
    left = label_rows(axes, rows, PITCH)
    for i, row in enumerate(rows):
        place = (0, PITCH * i - style.BAR / 2, full)
        draw_bar(axes, flow, row.weights, weights, place, 1 / full)
        write_verdict(axes, flow, row.measure, PITCH * i, letters(axes, len(rows)))
    label = f"length of the gradient of {formula(flow)}"
    axes.set_xlabel(label, color=style.MUTED, size=LETTERS, parse_math=False)
    settle(axes)
    head(axes, "Who trains what?", bars_key(flow, [row.measure for row in rows]), left)
    return axes


def bars_key(flow: FlowData, measures: Sequence[Measure]) -> list[Any]:
    """What the colours mean, and those rims that occur."""
    key, weights = loss_patches(flow, "sent by "), flow.weight_list
    lost = [(m.lost(weights), sum(m.parts(weights))) for m in measures]
    for kind, place in (("oppose", 1), ("differ", 0)):
        if any(rim[place] > 1e-4 * whole for rim, whole in lost):
            key.append(patch(RIMS[kind], **style.RIMS[kind]))
    return key


def write_verdict(axes: Any, flow: FlowData, measure: Measure, y: float, size: float) -> None:
    """At the right of a row: the cosine on a pill, or the word that says why there is none."""
    weights = flow.weight_list
    word = verdict(measure, weights, short_names(flow.losses))
    worst = measure.worst_pair(weights) if isfinite(measure.total(weights)) else None
    if worst is None:
        beside(axes, y, 7, shortened(word), size=0.9 * size, color=style.MUTED)
        return
    cosine, k, j = worst
    pill = {"boxstyle": "round,pad=0.22", "fc": heat(cosine), "lw": 0}
    face = {"size": 0.85 * size, "weight": "bold", "color": ink_on(heat(cosine)), "bbox": pill}
    beside(axes, y, 9, signed(cosine).replace("-", "−"), **face)
    for place, loss in enumerate((k, j) if len(weights) > 2 else ()):
        mark = style.colour_of(flow, loss)
        beside(axes, y, 9 + (3.5 + place) * size, "■", color=mark, size=size)


# ---------------------------------------------------------------- parameter x loss


def heat_map(flow: FlowData, axes: Any = None, by: str | None = None) -> Any:
    """The length of each loss's own, unweighted gradient on all weights.

    The colours are logarithmic: from the shortest gradient (pale) to the longest one. A hatched
    cell is out of reach: no path leads there. A white 0 has a path, and just now no gradient.

    Parameters
    ----------
    flow : Flow
    axes : matplotlib axes, optional
        Default: new ones.
    by : {"weights", "layer"}, optional
        One row per weight array, or one per layer. Default: per array, if there are not many.

    Returns
    -------
    matplotlib axes
    """
    rows, count = rows_of(flow, by), len(flow.losses)
    if axes is None:
        width = (labels_width(rows, LETTERS) + 22 + 92 * count) / 72
        axes = new_axes(max(4.8, width), 1.2 + 0.23 * len(rows))
    plain(axes)
    axes.set(xlim=(0, count), ylim=(max(len(rows), 1) - 0.5, -0.5), xticks=[])
    left = label_rows(axes, rows, 1)
    settle(axes)
    cell = width_of(axes) / count
    for k, name in enumerate(short_names(flow.losses)):
        colour = style.colour_of(flow, k)
        look: dict[str, Any] = {"ha": "center", "weight": "bold", "color": colour, "size": LETTERS}
        in_points(axes, (k + 0.5, -0.5), (0, 5), fitted(name, 0.95 * cell), **look)
    size = min(0.85 * letters(axes, len(rows)), cell / 4.6)
    draw_cells(axes, flow, rows, size)
    reach = [path for row in rows for path in row.measure.reach]
    key = [] if all(reach) else [patch("no path from this loss", **NO_PATH)]
    head(axes, "How long is the gradient of each loss?", key, left, room=14)
    axes.set_xlabel("unweighted; colours are logarithmic", color=style.MUTED, size=LETTERS)
    return axes


def draw_cells(axes: Any, flow: FlowData, rows: Sequence[Row], size: float) -> None:
    """A cell with its number for each row and loss; hatched, and without one, if out of reach."""
    from matplotlib.patches import Rectangle

    norms = np.array([[row.measure.norm(k) for k in range(len(flow.losses))] for row in rows])
    strengths = logarithmic(norms)
    for (i, k), norm in np.ndenumerate(norms):
        able = rows[i].measure.reach[k]
        face = blend(style.colour_of(flow, k), strengths[i, k])
        look = {"facecolor": face, "lw": 0} if able else NO_PATH
        axes.add_patch(Rectangle((k + 0.02, i - 0.46), 0.96, 0.92, **look))
        if able:
            place = {"ha": "center", "va": "center"}
            axes.text(k + 0.5, i, f"{norm:.2g}", color=ink_on(face), size=size, **place)


def logarithmic(norms: np.ndarray) -> np.ndarray:
    """Strengths of colour: 0 for 0, else from pale 0.08 for the shortest up to 1.

    >>> logarithmic(np.array([0.0, 1e-4, 1e-2, 1.0])).round(2).tolist()
    [0.0, 0.08, 0.54, 1.0]
    """
    low, high = range_of(norms)
    shown = np.isfinite(norms) & (norms > 0)
    span = np.log(high / low) or 1.0
    return np.where(shown, 1 - 0.92 * np.log(high / np.where(shown, norms, high)) / span, 0.0)


def range_of(norms: np.ndarray) -> tuple[float, float]:
    """The shortest and the longest gradient that is not 0."""
    shown = norms[np.isfinite(norms) & (norms > 0)]
    return (float(shown.min()), float(shown.max())) if shown.size else (1.0, 1.0)
