"""Pictures of the laboratory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..flow import style
from .compare import FIXED, Comparison
from .toy import Run, front, landscape

PANELS = (  # of the landscape: setting, method, title
    ("Nash-MTL", "equal", "equal weights"),
    ("Nash-MTL", "rlw", "RLW"),
    ("Nash-MTL", "uncertainty", "uncertainty"),
    ("Nash-MTL", "stch", "STCH"),
    ("Nash-MTL", "pcgrad", "PCGrad"),
    ("Nash-MTL", "upgrad", "UPGrad"),
    ("Nash-MTL", "cagrad", "CAGrad"),
    ("Nash-MTL", "aligned_mtl", "Aligned-MTL"),
    ("Nash-MTL", "mgda", "MGDA"),
    ("Nash-MTL", "imtl_g", "IMTL-G"),
    ("Nash-MTL", "nash_mtl", "Nash-MTL"),
    ("FAMO", "famo", "FAMO"),
)
SIDE = 10.9  # of the landscape, from the middle
LIGHT = {"color": style.MUTED, "size": 8.5}


def figure_of_toy(found: Mapping[str, Mapping[str, Sequence[Run]]]) -> Any:
    """Ways through the landscape, a panel per method, over the contours of the mean loss."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.4, 9.5), layout="constrained", facecolor=style.PAPER)
    layout: Any = figure.get_layout_engine()
    layout.set(w_pad=0.05, h_pad=0.06)
    grid = figure.subplots(3, 4, sharex=True, sharey=True)
    ground = mean_loss()
    for axes, (setting, method, title) in zip(grid.flat, PANELS, strict=True):
        draw_panel(axes, ground, found[setting][method], title)
    for axes in grid[:, 0]:
        axes.set_ylabel("second parameter", **LIGHT)
    for axes in grid[-1]:
        axes.set_xlabel("first parameter", **LIGHT)
    figure.text(
        0.988,
        0.985,
        "○ start   ● on the set   ✖ elsewhere   shade: mean loss",
        color=style.MUTED,
        size=9,
        ha="right",
        va="top",
    )
    figure.suptitle(
        "Two losses, two parameters: who finds the Pareto set (dark line)?",
        color=style.INK,
        size=13.5,
        weight="bold",
        ha="left",
        x=0.012,
    )
    return figure


def mean_loss(points: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Where, and the mean of both losses at scale 1, shape (points, points)."""
    where = np.linspace(-SIDE, SIDE, points)
    values = [landscape(x1, x2) for x2 in where.tolist() for x1 in where.tolist()]
    mean = np.array([(one[0] + one[3]) / 2 for one in values])
    return where, mean.reshape(points, points)


def draw_panel(axes: Any, ground: Any, runs: Sequence[Run], title: str) -> None:
    from matplotlib import patheffects
    from matplotlib.colors import LinearSegmentedColormap

    where, mean = ground
    deep = LinearSegmentedColormap.from_list("deep", ["#b9c9e4", "#dde5f2", "#f3f5fa", "#fdfdfb"])
    levels = np.linspace(mean.min(), 10, 26)
    axes.contourf(where, where, mean, levels=levels, cmap=deep, extend="max")
    axes.contour(where, where, mean, levels=levels[::2], colors="#9fb0cf", linewidths=0.35)
    halo = [patheffects.withStroke(linewidth=4.6, foreground="white")]
    axes.plot(
        *front().T, color=style.INK, lw=2.6, solid_capstyle="round", path_effects=halo, zorder=3
    )
    for k, run in enumerate(runs):
        colour = style.coloured(k)[0]
        thin = [patheffects.withStroke(linewidth=2.8, foreground="white")]
        axes.plot(*run.way.T, color=colour, lw=1.5, path_effects=thin, zorder=4)
        axes.plot(*run.way[0], "o", ms=5, mfc="white", mec=colour, mew=1.5, zorder=5)
        if run.is_on_front:
            axes.plot(*run.end, "o", ms=6.5, mfc=colour, mec="white", mew=1.1, zorder=6)
        else:
            axes.plot(*run.end, "X", ms=8.5, mfc=style.CONFLICT, mec="white", mew=1.0, zorder=6)
    good = sum(run.is_on_front for run in runs)
    axes.set_title(title, loc="left", color=style.INK, size=10.5, weight="bold", pad=4)
    axes.set_title(
        f"{good} of {len(runs)}",
        loc="right",
        color=style.AGREE if good == len(runs) else style.CONFLICT,
        size=10.5,
        weight="bold",
        pad=4,
    )
    axes.set(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), xticks=[-7, 0, 7], yticks=[-8, 0, 8])
    axes.set_aspect("equal")
    axes.tick_params(colors=style.MUTED, labelsize=8, length=0)
    for spine in axes.spines.values():
        spine.set_color(style.LINE)


def figure_of_comparison(found: Comparison) -> Any:
    """A row per method, the best first: its gain over equal weights, and the score of each output.

    A small dot is a seed, a large one the mean; the band reaches over the grid of fixed weights.
    """
    from matplotlib.figure import Figure

    trials, names = found.ordered()[::-1], list(found.metrics)
    height = 1.3 + 0.27 * len(trials)
    figure = Figure(
        figsize=(4.6 + 2.1 * len(names), height), layout="constrained", facecolor=style.PAPER
    )
    panels = figure.subplots(
        1, 1 + len(names), sharey=True, width_ratios=[1.7, *[1.0] * len(names)]
    )
    for n, axes in enumerate(panels):
        title = names[n - 1] if n else "gain over equal weights, %"
        for row, trial in enumerate(trials):
            its = [one[title] for one in trial.held_back] if n else found.gains(trial)
            colour = style.LOSSES[1][0] if trial.name in FIXED else style.LOSSES[0][0]
            axes.plot(its, [row] * len(its), "o", ms=4, mfc="none", mec=colour, mew=0.9, alpha=0.75)
            axes.plot(np.mean(its), row, "o", ms=7.5, mfc=colour, mec="white", mew=1.0)
        every = [[one[title] for one in g.held_back] if n else found.gains(g) for g in found.grid]
        middles = [float(np.mean(its)) for its in every]
        axes.axvspan(min(middles), max(middles), color=style.LOSSES[1][0], alpha=0.10, lw=0)
        label = f"{title}\n{found.metrics[title]}" if n else title
        axes.set_title(label, color=style.INK, size=9.5, weight="bold", loc="left")
        if not n:
            axes.axvline(0, color=style.MUTED, lw=0.9)
        axes.set_axisbelow(True)
        axes.grid(color=style.EMPTY)
        axes.tick_params(colors=style.MUTED, labelsize=8, length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        if n and found.metrics[title] == "mae":
            axes.invert_xaxis()  # to the right is better, everywhere
    panels[0].set_yticks(range(len(trials)), [trial.name for trial in trials])
    for label, trial in zip(panels[0].get_yticklabels(), trials, strict=True):
        label.set_color(style.LOSSES[1][0] if trial.name in FIXED else style.INK)
    panels[0].set_ylim(-0.7, len(trials) - 0.3)
    seeds = len(trials[0].held_back)
    figure.suptitle(
        f"{found.system}: {seeds} seeds, {found.epochs} epochs (orange: fixed weights)",
        color=style.INK,
        size=12,
        weight="bold",
        ha="left",
        x=0.012,
    )
    return figure
