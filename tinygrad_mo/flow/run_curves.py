"""The curves of several runs: each loss through training, with each mixture of loss weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import style
from .chart_parts import LETTERS, head, in_points, new_axes, patch, plain, settle, shortened
from .run_words import label
from .runs import RunData
from .words import short_names

DASHES = ((0, (1, 2)), (0, (5, 2, 1, 2)), (0, (4, 2)), (0, (8, 3)), (0, (2, 1)))


def draw_runs(runs: RunData) -> Any:
    """A panel for each loss: the mean of the seeds with each mixture.

    That of the base is broad, and around it an area holds all its seeds.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.lines import Line2D

    names, count = short_names(runs.losses), len(runs.losses)
    panels = np.atleast_1d(new_axes(9.6, 0.9 + 2.3 * count, count, sharex=True))
    for k, axes in enumerate(panels):
        draw_loss(axes, runs, k)
        settle(axes)
        colour, base = colour_of(runs, k), label(runs, runs.base)
        key = [
            Line2D([], [], color=colour, lw=2.6, label=f"{shortened(base)}, mean"),
            patch("all its seeds", color=colour, alpha=0.16, lw=0),
        ]
        seeds = len(runs.seeds)
        what = f"mean of {seeds} seeds" if seeds > 1 else "one seed"
        head(axes, f"loss {shortened(names[k])}, unweighted: {what}", key)
    panels[-1].set_xlabel("training steps", color=style.MUTED, size=LETTERS)
    return panels[0].figure


def colour_of(runs: RunData, k: int) -> str:
    """Of a loss, by the weights of the base."""
    weights = [runs.base[name] for name in runs.losses]
    return style.coloured(style.place_of(runs.losses, weights, k))[0]


def draw_loss(axes: Any, runs: RunData, k: int) -> None:
    """The curves of one loss, each with its mixture named at its end."""
    plain(axes)
    axes.grid(axis="y", color=style.EMPTY)
    loss, colour = runs.losses[k], colour_of(runs, k)
    others = [weights for weights in runs.mixtures if weights != runs.base]
    ends = []
    for i, weights in enumerate(others):
        line = runs.curve(loss, weights).mean(axis=0)
        axes.plot(runs.steps, line, color=style.MUTED, lw=1.2, ls=DASHES[i % len(DASHES)])
        ends.append((float(line[-1]), label(runs, weights), style.MUTED))
    base = runs.curve(loss, runs.base)
    seeds = base.min(axis=0), base.max(axis=0)
    axes.fill_between(runs.steps, *seeds, color=colour, alpha=0.16, lw=0)
    axes.plot(runs.steps, base.mean(axis=0), color=colour, lw=2.6)
    ends.append((float(base.mean(axis=0)[-1]), label(runs, runs.base), style.INK))
    settle(axes)
    name_ends(axes, runs.steps[-1], [end for end in ends if np.isfinite(end[0])])


def name_ends(axes: Any, x: float, ends: list[tuple[float, str, str]]) -> None:
    """Texts beside the ends of curves, moved apart where they would overlap."""
    high = axes.bbox.height * 72 / axes.figure.dpi
    low, top = axes.get_ylim()
    points = sorted((high * (y - low) / (top - low), y, text, colour) for y, text, colour in ends)
    up = pushed([at for at, *_ in points], 1.25 * LETTERS)
    down = pushed([-at for at, *_ in reversed(points)], 1.25 * LETTERS)
    for (at, y, text, colour), a, b in zip(points, up, reversed(down), strict=True):
        place, words = (8, (a - b) / 2 - at), shortened(text)
        in_points(axes, (x, y), place, words, va="center", size=LETTERS, color=colour)


def pushed(places: list[float], pitch: float) -> list[float]:
    """Each at least so far beyond the one before.

    >>> pushed([0.0, 1.0, 9.0], 2.0)
    [0.0, 2.0, 9.0]
    """
    found: list[float] = []
    for at in places:
        found.append(max(at, found[-1] + pitch) if found else at)
    return found
