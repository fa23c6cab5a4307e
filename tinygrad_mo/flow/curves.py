"""Curves of the flow: through training, along a sequence, and by depth.

They show with the words and colours of the page what was measured; nothing else is drawn. Names
and cosines stand beside the axes: a figure made with ``layout="constrained"`` has room for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import cycle, pairwise
from typing import Any

import numpy as np

from .. import arguments
from ..naming import did_you_mean
from . import style
from .chart_parts import (
    LETTERS,
    Row,
    above_zero,
    colour_map,
    formula,
    head,
    label_rows,
    letters,
    log_scale,
    loss_patches,
    new_axes,
    patch,
    plain,
    repeated_colours,
    settle,
    shortened,
)
from .data import FlowData
from .frames import in_order
from .measures import Measure
from .words import SENTENCES, layers_of, shared_layers, short_names

BRANCH: dict[str, Any] = {"lw": 1.4, "ls": (0, (3, 2)), "marker": "o", "ms": 3}


# ---------------------------------------------------------------- through training


def through_training(flows: Iterable[FlowData], axes: Any = None) -> Any:
    """The losses during training, and below whether they agree about the weights they share.

    Parameters
    ----------
    flows : list of Flow
        As in `FlowRecorder.flows`.
    axes : two matplotlib axes, optional
        For `loss_curves` and for `cosines`. Default: new ones.

    Returns
    -------
    two matplotlib axes
    """
    frames = in_order("flows", flows)
    if axes is None:
        shared = {layer.name for frame in frames for layer in shared_layers(frame)}
        strip = max(0.7, 0.23 * len(shared))
        axes = new_axes(9.6, 3.4 + strip, 2, sharex=True, height_ratios=[1.7, strip])
    above, below = axes
    loss_curves(frames, above)
    above.set_xlabel("")
    cosines(frames, below)
    return axes


def loss_curves(flows: Iterable[FlowData], axes: Any = None) -> Any:
    """The value of each loss at each recorded step, unweighted.

    Logarithmic where one value is very much larger than another.

    Parameters
    ----------
    flows : list of Flow
    axes : matplotlib axes, optional
        Default: new ones.

    Returns
    -------
    matplotlib axes
    """
    frames = in_order("flows", flows)
    if axes is None:
        axes = new_axes(9.6, 2.8)
    plain(axes)
    steps = [frame.step for frame in frames]
    names = short_names(frames[0].losses)
    rows = [[frame.values[name] for name in frame.losses] for frame in frames]
    values = np.array(rows, float)  # NaN where a loss had no label
    for k in range(len(names)):
        look = {"color": style.colour_of(frames[-1], k), "lw": 2.2, "label": names[k]}
        axes.plot(steps, values[:, k], marker="o" if len(frames) == 1 else None, **look)
    known = values[np.isfinite(values)]
    if known.size and known.min() > 0 and known.max() > style.LOGARITHMIC * known.min():
        axes.set_yscale("log")
    axes.grid(axis="y", color=style.EMPTY)
    axes.set_xlabel("training steps", color=style.MUTED, size=LETTERS)
    axes.set_ylabel("unweighted", color=style.MUTED, size=LETTERS)
    settle(axes)
    head(
        axes,
        "Through training: the losses",
        [*axes.get_lines()[-len(names) :], *repeated_colours(frames[-1])],
    )
    return axes


def cosines(flows: Iterable[FlowData], axes: Any = None) -> Any:
    """Do the losses agree about the weights they share? A row per layer, a cell per step.

    Green: the gradients point in the same direction. Pink: against each other. For more than two
    losses it is the pair which agrees least. The loss weights, if positive, do not matter here.

    Parameters
    ----------
    flows : list of Flow
        As in `FlowRecorder.flows`.
    axes : matplotlib axes, optional
        Default: new ones.

    Returns
    -------
    matplotlib axes
    """
    frames = in_order("flows", flows)
    shared = {layer.name: layer for frame in frames for layer in shared_layers(frame)}
    layers = [shared[layer.name] for layer in layers_of(frames[0]) if layer.name in shared]
    if axes is None:
        axes = new_axes(9.6, 1.3 + max(0.7, 0.23 * len(layers)))
    plain(axes)
    look: dict[str, Any] = {"color": style.MUTED, "size": LETTERS}
    axes.set_xlabel("training steps (each loss unweighted)", **look)
    title = "Do the losses agree about the weights they share?"
    if not layers:
        head(axes, title, [])
        middle = {"transform": axes.transAxes, "ha": "center", "color": style.MUTED}
        axes.text(0.5, 0.5, SENTENCES["not shared"], **middle)
        axes.set_yticks([])
        return axes
    measures = [{layer.name: layer.measure for layer in layers_of(frame)} for frame in frames]
    cells = [[least_cosine(known[layer.name]) for known in measures] for layer in layers]
    edges = np.arange(len(layers) + 1) - 0.5
    white = {"edgecolors": "white", "linewidth": 0.4 if len(frames) < 80 else 0}
    mesh = axes.pcolormesh(
        boundaries([frame.step for frame in frames]),
        edges,
        np.ma.masked_invalid(cells),
        cmap=colour_map(),
        vmin=-1,
        vmax=1,
        **white,
    )
    axes.set_ylim(len(layers) - 0.5, -0.5)
    rows = [Row(layer.name, "", layer) for layer in layers]
    head(axes, title, [], label_rows(axes, rows, 1))
    colour_scale(axes, mesh)
    return axes


def least_cosine(measure: Measure) -> float:
    """Of the pair of losses that agrees least; nan where a gradient is 0."""
    worst = measure.worst_pair([1.0] * len(measure.reach))
    return float("nan") if worst is None else worst[0]


def boundaries(steps: Sequence[int]) -> list[float]:
    """Where the cells of recorded steps begin and end: half-way to the next.

    >>> boundaries([0, 10, 30]), boundaries([7])
    ([-5.0, 5.0, 20.0, 40.0], [6.5, 7.5])
    """
    middles = [(a + b) / 2 for a, b in pairwise(steps)]
    first, last = (middles[0], middles[-1]) if middles else (steps[0] + 0.5, steps[0] - 0.5)
    return [2 * steps[0] - first, *middles, 2 * steps[-1] - last]


def colour_scale(axes: Any, mesh: Any) -> None:
    """Beside the strip: which colour is which cosine."""
    bar = axes.get_figure().colorbar(mesh, cax=axes.inset_axes((1.015, 0, 0.013, 1)))
    bar.outline.set_visible(False)
    words = ["−1 against each other", "0", "+1 same direction"]
    bar.ax.set_yticks([-1, 0, 1], words, size=0.85 * LETTERS, color=style.MUTED)
    low, _, high = bar.ax.get_yticklabels()
    low.set_va("bottom")
    high.set_va("top")
    bar.ax.tick_params(length=0)


# ---------------------------------------------------------------- along a sequence


def over_sequence(flow: FlowData, axes: Any = None, wire: tuple[str, str] | None = None) -> Any:
    """The gradient that arrives at each step of the sequence a recurrent layer reads.

    Logarithmic: a straight line that falls towards the first step is a gradient that vanishes.

    Parameters
    ----------
    flow : Flow
    axes : matplotlib axes, optional
        Default: new ones.
    wire : (str, str), optional
        The ends of one wire into a recurrent layer. Default: all there are.

    Returns
    -------
    matplotlib axes
    """
    from matplotlib.lines import Line2D

    known = list(flow.over_time)
    if not known:
        raise ValueError("no layer of this model reads a sequence step by step")
    chosen: list[Any] = known
    if wire is not None:
        chosen = [tuple(arguments.names("over_sequence: wire", wire))]
        if chosen[0] not in known:
            raise KeyError(f"no sequence on {wire}; {did_you_mean(wire, map(str, known))}")
    if axes is None:
        axes = new_axes(8.0, 3.6)
    plain(axes)
    key = []
    for ends, dashes in zip(chosen, cycle(("-", "--", ":", "-.")), strict=False):
        draw_sequence(axes, flow, ends, dashes)
        words = shortened(" → ".join(ends), 40)
        key.append(Line2D([], [], color=style.MUTED, ls=dashes, lw=2, label=words))
    axes.set_xlabel("step of the sequence", color=style.MUTED, size=LETTERS)
    log_scale(axes, "length of the gradient, unweighted")
    axes.xaxis.get_major_locator().set_params(integer=True)
    settle(axes)
    colours = loss_patches(flow, among=[flow.measure(ends) for ends in chosen])
    head(axes, "The gradient that reaches each step of the sequence", colours + key)
    return axes


def draw_sequence(axes: Any, flow: FlowData, ends: tuple[str, str], dashes: str) -> None:
    """A line for each loss that has a path to this wire, with gaps where its gradient is 0."""
    reach = flow.measure(ends).reach
    for k, norms in enumerate(flow.over_time[ends]):
        if reach[k]:
            look = {"color": style.colour_of(flow, k), "ls": dashes, "lw": 2}
            dot = "." if len(norms) <= 40 else None
            axes.plot(range(1, len(norms) + 1), above_zero(norms), marker=dot, **look)


# ---------------------------------------------------------------- by depth


def by_depth(flow: FlowData, axes: Any = None) -> Any:
    """The gradient on the wires from the inputs to the losses, logarithmic.

    Drawn is the longest way through the model, with its cards named below and its wires between
    them. A line falls to the left where gradients vanish. It begins at the right where the loss
    meets the way: there one sees what an auxiliary loss adds. Broad and grey: the sum. Dashed: the
    branch of a loss that is not on that way.

    Parameters
    ----------
    flow : Flow
    axes : matplotlib axes, optional
        Default: new ones.

    Returns
    -------
    matplotlib axes
    """
    from matplotlib.lines import Line2D

    shown = {node.loss for node in flow.nodes if node.kind == "loss"}
    if missing := [name for name in flow.losses if name not in shown]:
        raise ValueError(f"by_depth: loss {missing[0]!r} has no node to which a way leads")
    depth = depths(flow)
    losses = [node.name for node in flow.nodes if node.kind == "loss"]
    way = way_to(flow, max(losses, key=lambda name: depth[name]), depth)
    reached = [any(flow.measure(ends).reach) for ends in pairwise(way)]
    first = reached.index(True) if any(reached) else 0
    if axes is None:
        axes = new_axes(min(14.0, 3.4 + 0.42 * (len(way) - first)), 4.4)
    plain(axes)
    key = loss_patches(flow, among=[wire.measure for wire in flow.wires])
    if draw_ways(axes, flow, way, depth):
        key += [Line2D([], [], label="on its own branch", color=style.MUTED, **BRANCH)]
    if len(flow.losses) > 1:
        key += [patch("added together", color=style.RIM, lw=0)]
    axes.set_xlim(first - 0.3, len(way) - 0.7)
    name_cards(axes, flow, way, first)
    log_scale(axes, "length of the gradient, weighted")
    axes.set_xlabel("data goes forward →   ← gradient goes backward", color=style.MUTED, size=8.5)
    settle(axes)
    head(axes, f"The gradient of {formula(flow)} on its way", key)
    return axes


def draw_ways(axes: Any, flow: FlowData, way: Sequence[str], depth: Mapping[str, int]) -> bool:
    """The sum along the way, and each loss, there and on a branch of its own. Are there any?"""
    wires, weights = list(pairwise(way)), flow.weight_list
    x = np.arange(len(wires)) + 0.5
    if len(weights) > 1:
        broad = {"color": style.RIM, "lw": 9, "solid_capstyle": "round", "zorder": 1}
        axes.plot(x, above_zero([flow.total(ends) for ends in wires]), **broad)
    ends_of = {node.loss: node.name for node in flow.nodes if node.kind == "loss"}
    branches = []
    for k, name in enumerate(flow.losses):
        colour = style.colour_of(flow, k)
        axes.plot(x, sent(flow, k, wires), color=colour, lw=2, marker="o", ms=4, zorder=3)
        own = list(pairwise(way_to(flow, ends_of[name], depth)))
        shared = sum(ends in wires for ends in own)
        branch = own[max(shared - 1, 0) :]
        if shared < len(own):
            places = [depth[target] - 0.5 for _, target in branch]
            branches += axes.plot(places, sent(flow, k, branch), color=colour, zorder=2, **BRANCH)
    return bool(branches)


def sent(flow: FlowData, k: int, wires: Sequence[tuple[str, str]]) -> np.ndarray:
    """What a loss contributes on each of these wires."""
    weights = flow.weight_list
    return above_zero([flow.measure(ends).parts(weights)[k] for ends in wires])


def depths(flow: FlowData) -> dict[str, int]:
    """By node: the number of wires on the longest way that leads to it."""
    before = sources(flow)
    depth: dict[str, int] = {}
    for name in TopologicalSorter(before).static_order():
        depth[name] = 1 + max((depth[source] for source in before[name]), default=-1)
    return depth


def way_to(flow: FlowData, name: str, depth: Mapping[str, int]) -> list[str]:
    """The nodes on the longest way to a node."""
    before, way = sources(flow), [name]
    while before[way[0]]:
        way.insert(0, max(before[way[0]], key=lambda source: depth[source]))
    return way


def sources(flow: FlowData) -> dict[str, list[str]]:
    """By node: those it takes something from."""
    before: dict[str, list[str]] = {node.name: [] for node in flow.nodes}
    for wire in flow.wires:
        before[wire.target].append(wire.source)
    return before


def name_cards(axes: Any, flow: FlowData, way: Sequence[str], first: int) -> None:
    """Below the axes, at a thin line each: the cards between which the wires run."""
    loss_of = {node.name: node.loss for node in flow.nodes if node.kind == "loss"}
    short = dict(zip(flow.losses, short_names(flow.losses), strict=True))
    words = [f"loss: {short[loss_of[name]]}" if name in loss_of else name for name in way]
    places = range(first, len(way))
    size = letters(axes, len(places), across=True)
    slope = {"rotation": 45, "ha": "right", "rotation_mode": "anchor", "size": size}
    axes.set_xticks(places, [shortened(words[i], 18) for i in places], parse_math=False, **slope)
    axes.grid(axis="x", color=style.LINE, lw=0.8)
