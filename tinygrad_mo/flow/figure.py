"""The printed picture: each loss alone, then the losses added together."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from .. import arguments
from . import style
from .chart_parts import filled, fitted, formula, pyplot
from .data import FlowData, FlowNode, Wire
from .layout import Card, Layout, make_layout
from .measures import Measure
from .words import (
    RIMS,
    Layer,
    frozen_word,
    layer_of,
    loss_label,
    mode_of,
    short_names,
    thresholds,
    value_of,
    verdict,
)

WIDEST = 26.0  # pixels of the strongest wire
FAINT = "#9aa0b4"  # of what is off, and of a wire without a gradient
PAD = 9.0  # pixels between a card's edge and its text
KEY_LETTERS, KEY_LINE = 9.0, 17.0  # of the key: points of its letters, pixels from line to line


def draw_figure(flow: FlowData) -> Any:
    """A matplotlib figure with one row per loss and one for all together."""
    layout = make_layout(flow)
    rows = figure_rows(flow)
    scales = scales_of(flow, [row for _, row in rows])
    key = key_lines(flow, scales, (layout.width - 48) * 72 / 96)
    head, caption = 61.0 + KEY_LINE * len(key), 32.0
    height = head + len(rows) * (layout.height + caption)
    figure = pyplot().figure(figsize=(layout.width / 96, height / 96), facecolor=style.PAPER)

    def area(top: float, tall: float) -> Any:
        """Axes over the whole width, in pixels from their top left corner."""
        axes = figure.add_axes((0, 1 - (top + tall) / height, 1, tall / height))
        axes.set(xlim=(0, layout.width), ylim=(tall, 0))
        axes.axis("off")
        return axes

    draw_head(area(0, head), key, scales)
    for number, (label, row) in enumerate(rows):
        top = head + number * (layout.height + caption)
        title = area(top, caption)
        look: dict[str, Any] = {"size": 11.5, "weight": "bold", "color": style.INK}
        title.text(16, 16, label, va="center", parse_math=False, **look)
        draw_flow(flow, row, area(top + caption, layout.height), layout=layout, scales=scales)
    return figure


def draw_head(axes: Any, key: Sequence[str], scales: Scales) -> None:
    """The title, and how to read the picture."""
    from matplotlib.patches import Rectangle

    axes.text(
        16, 28, "Where does the gradient go?", size=17, weight="bold", color=style.INK, va="center"
    )
    if scales.wire:
        thick = size_of_key(scales) * scales.wire
        axes.add_patch(Rectangle((16, 58 - thick / 2), 9, thick, color=style.MUTED, lw=0))
    for i, line in enumerate(key):
        look: dict[str, Any] = {"size": KEY_LETTERS, "color": style.MUTED, "va": "center"}
        axes.text(32, 58 + i * KEY_LINE, line, parse_math=False, **look)


def round_number(x: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten.

    >>> round_number(0.043), round_number(7.0)
    (0.05, 5.0)
    """
    power = 10.0 ** np.floor(np.log10(x))
    return float(f"{min((1, 2, 5, 10), key=lambda n: abs(n * power - x)) * power:.3g}")


def figure_rows(flow: FlowData) -> list[tuple[str, list[float]]]:
    """The label and the loss weights of each row."""
    names, weights = short_names(flow.losses), flow.weight_list
    alone = [
        (f"{name} alone", [w if k == j else 0.0 for j, w in enumerate(weights)])
        for k, name in enumerate(names)
    ]
    both = [(f"added together:   L = {formula(flow)}", weights)]
    return alone + both if len(names) > 1 else both


def key_lines(flow: FlowData, scales: Scales, room: float) -> list[str]:
    """How to read the picture, in lines of no more than `room` points."""
    sentences = [f"After {flow.step} training steps; {mode_of(flow)}."]
    if scales.wire:
        sentences.insert(0, f"This thick: a gradient of {size_of_key(scales):g}.")
        sentences[0] += f" Thinnest: {short(style.THINNEST / scales.wire)} or less."
    colours = "Colour: which loss sent it, times its weight."
    if words := style.repeated(flow):
        colours += f" {words.capitalize()}."
    sentences += [colours, "Dashed: no gradient passes."]
    if any(not np.isfinite(wire.measure.r).all() for wire in flow.wires):
        sentences[-1] += " Dashed in red: it is not finite."
    if scales.bar:
        sentences.append(f"A full bar: a gradient of {short(1 / scales.bar)} on the weights.")
    if any(call_of(flow, node) for node in flow.nodes):
        sentences[-1] += " All calls of a layer show the same weights."
    if len(flow.losses) > 1:
        sentences += [f"{text[0].upper()}{text[1:]}." for text in RIMS.values()]
        sentences.append(f"{thresholds()[0].upper()}{thresholds()[1:]}.")
    return filled(" ".join(sentences).split(" "), KEY_LETTERS, room)


def short(x: float) -> str:
    """
    >>> short(1284.0), short(0.01284)
    ('1280', '0.0128')
    """
    return f"{float(f'{x:.3g}'):g}"


def size_of_key(scales: Scales) -> float:
    """The gradient that the wire in the key stands for."""
    return round_number(style.KEY / scales.wire)


class Scales(NamedTuple):
    """Pixels per unit of gradient: across wires, and (of a bar's full length) along bars.

    0 where there is nothing to be seen.
    """

    wire: float
    bar: float


def scales_of(flow: FlowData, rows: Sequence[Sequence[float]]) -> Scales:
    """Such that the widest wire and the longest bar of all rows just fit."""

    def most(measures: Sequence[Measure]) -> float:
        sizes = [sum(m.parts(weights)) for m in measures for weights in rows]
        return max(filter(isfinite, sizes), default=0.0)

    wire = most([wire.measure for wire in flow.wires])
    bar = most([layer_of(flow, n.name, n.parameters).measure for n in flow.nodes if n.parameters])
    return Scales(WIDEST / wire if wire else 0.0, 1 / bar if bar else 0.0)


def draw_flow(
    flow: FlowData,
    weights: Sequence[float] | None = None,
    axes: Any = None,
    *,
    layout: Layout | None = None,
    scales: Scales | None = None,
) -> Any:
    """Draw one row of the picture, on axes of your own if you like.

    Parameters
    ----------
    flow : Flow
    weights : sequence of float, optional
        One per loss. Default: the model's.
    axes : matplotlib axes, optional
        Default: new ones.
    layout, scales : optional
        To share places and sizes between several pictures.
    """
    if weights is None:
        weights = flow.weight_list
    weights = arguments.listed("draw_flow: weights", weights, arguments.number)
    if len(weights) != len(flow.losses):
        losses = ", ".join(flow.losses)
        raise ValueError(f"draw_flow: weights must be one for each of {losses}, not {weights}")
    layout = layout or make_layout(flow)
    scales = scales or scales_of(flow, [weights])
    if axes is None:
        axes = pyplot().subplots(figsize=(layout.width / 96, layout.height / 96))[1]
    axes.set(xlim=(0, layout.width), ylim=(layout.height, 0), aspect="equal")
    axes.axis("off")
    for wire, path in zip(flow.wires, layout.paths, strict=True):
        draw_wire(axes, flow, wire, style.curve(path), weights, scales.wire)
    for card in layout.cards.values():
        draw = {"loss": draw_loss, "small": draw_small, "card": draw_layer}[card.kind]
        draw(axes, flow, card, weights, scales)
    return axes


def draw_wire(
    axes: Any, flow: FlowData, wire: Wire, line: np.ndarray, weights: Sequence[float], scale: float
) -> None:
    from matplotlib.patches import Polygon

    whole, parts = wire.measure.total(weights), wire.measure.parts(weights)
    if not 0 < whole < float("inf"):
        colour = FAINT if whole == 0 else style.CONFLICT
        axes.plot(*line.T, color=colour, lw=1, dashes=(3, 3), zorder=3)
    if not 0 < sum(parts) < float("inf"):
        return
    colours = [style.colour_of(flow, k) for k in range(len(flow.losses))]
    width = max(whole * scale, style.THINNEST) if whole else 0.0
    body = line[np.linalg.norm(line - line[0], axis=1) > style.HEAD * 0.8]
    draw_rims(axes, body, width, wire.measure.lost(weights), scale)
    if not whole:
        return
    low = -width / 2
    strongest = colours[int(np.argmax(parts))]
    for part, colour in zip(parts, colours, strict=True):
        high = low + width * part / sum(parts)
        if part:
            axes.add_patch(Polygon(style.band(body, low, high), color=colour, lw=0, zorder=3))
        low = high
    spread = width / 2 + 4
    tip, base = line[0], body[0]
    across = np.array([base[1] - tip[1], tip[0] - base[0]]) / np.linalg.norm(base - tip)
    base = base + (base - tip) * style.BARBS
    head = [tip, base + across * spread, base - across * spread]
    axes.add_patch(Polygon(head, color=strongest, lw=0, zorder=4))


def draw_rims(
    axes: Any, body: np.ndarray, width: float, lost: tuple[float, float], scale: float
) -> None:
    """Around a wire what its addition took, half at each side; next to it what opposition took."""
    from matplotlib.patches import Polygon

    differ, oppose = lost
    inner = width + oppose * scale
    outer = inner + differ * scale
    for kind, edge, before in (("differ", outer, inner), ("oppose", inner, width)):
        if edge - before > 2 * style.THINNEST_RIM:
            outline = style.band(body, -edge / 2, edge / 2)
            axes.add_patch(Polygon(outline, **style.RIMS[kind], zorder=2))


def draw_box(axes: Any, card: Card, face: Any = style.CARD, edge: str = style.LINE) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (card.x - card.width / 2, card.y - card.height / 2)
    shape: Any = {"boxstyle": "round,pad=0,rounding_size=8", "lw": 1.1, "zorder": 5}
    axes.add_patch(
        FancyBboxPatch(corner, card.width, card.height, facecolor=face, edgecolor=edge, **shape)
    )


def draw_loss(axes: Any, flow: FlowData, card: Card, weights: Sequence[float], _: Scales) -> None:
    """The loss with its value, and its weight on a pill in its colour."""
    k = flow.losses.index(card.node.loss)
    colour = style.colour_of(flow, k) if weights[k] else FAINT
    draw_box(axes, card, tint(colour), colour + "55")
    label = loss_label(short_names(flow.losses)[k])
    top = card.y - card.height / 2
    pill = {"boxstyle": "round,pad=0.45,rounding_size=0.9", "fc": colour, "lw": 0}
    write(axes, card, top + 20, label, 8.5, colour, bold=True, centred=True)
    value = value_of(flow, flow.losses[k], "now {:.3g}")
    write(axes, card, top + 40, value, 7.5, style.MUTED, centred=True)
    write(axes, card, top + 63, f"× {weights[k]:g}", 8.5, "white", True, True, bbox=pill)


def draw_small(axes: Any, flow: FlowData, card: Card, weights: Sequence[float], _: Scales) -> None:
    """A node without weights: its name and the shape of one sample."""
    draw_box(axes, card)
    write(axes, card, card.y - 7, card.node.name, 8, style.INK, bold=True, centred=True)
    write(axes, card, card.y + 9, sample_shape(card), 7, style.MUTED, centred=True)


def draw_layer(
    axes: Any, flow: FlowData, card: Card, weights: Sequence[float], scales: Scales
) -> None:
    """A layer: name, kind and output shape, who trains it, and the gradient of its weights."""
    draw_box(axes, card)
    top, node = card.y - card.height / 2, card.node
    layer = layer_of(flow, node.name, node.parameters)
    word = verdict(layer.measure, weights, short_names(flow.losses), pair=False)
    write(axes, card, top + 16, node.name, 8.5, style.INK, bold=True)
    special, shape = frozen_word(flow, node.parameters) or call_of(flow, node), sample_shape(card)
    about = f"{special or node.type}  {shape}"
    about = about if about == fitted(about, room_of(card), 7, "normal") else special or shape
    write(axes, card, top + 32, about, 7, style.MUTED)
    colour = verdict_colour(flow, layer.measure, weights, word)
    write(axes, card, top + 52, word, 7.5, colour, bold=True)
    place = (card.x - card.width / 2 + PAD, top + 64, card.width - 2 * PAD)
    draw_bar(axes, flow, layer, weights, place, scales.bar)


def call_of(flow: FlowData, node: FlowNode) -> str:
    """Which call of a shared layer it is; the cards of all of them show the same weights."""
    calls = [one.name for one in flow.nodes if node.parameters and one.layer == node.layer]
    return f"call {calls.index(node.name) + 1} of {len(calls)}" if len(calls) > 1 else ""


def sample_shape(card: Card) -> str:
    return "×".join("…" if n is None else str(n) for n in card.node.shape)


def draw_bar(
    axes: Any,
    flow: FlowData,
    layer: Layer,
    weights: Sequence[float],
    place: tuple[float, float, float],
    scale: float,
) -> None:
    """The gradient of weights: stripes by loss, then what opposition took, what differing took.

    It is faint where training leaves the weights as they are.
    """
    from matplotlib.patches import Rectangle

    x, y, room = place
    axes.add_patch(Rectangle((x, y), room, style.BAR, facecolor=style.EMPTY, lw=0, zorder=6))
    whole, parts = layer.measure.total(weights), layer.measure.parts(weights)
    if not 0 < sum(parts) < float("inf"):
        return
    differ, oppose = layer.measure.lost(weights)
    pieces: list[tuple[float, dict[str, Any]]] = [
        (whole * part / sum(parts), {"facecolor": style.colour_of(flow, k), "lw": 0})
        for k, part in enumerate(parts)
    ]
    pieces += [(oppose, style.RIMS["oppose"]), (differ, style.RIMS["differ"])]
    opacity = None if layer.trained else style.FROZEN
    for size, look in pieces:
        length = room * size * scale
        piece = Rectangle((x, y), length, style.BAR, **look, alpha=opacity, zorder=7)
        axes.add_patch(piece)
        x += length


def verdict_colour(flow: FlowData, measure: Measure, weights: Sequence[float], word: str) -> str:
    active = [k for k, w in enumerate(weights) if w and measure.reach[k]]
    if not isfinite(measure.total(weights)):
        return style.CONFLICT
    if len(active) == 1:
        return style.colour_of(flow, active[0])
    return {"conflict": style.CONFLICT, "agree": style.AGREE}.get(word.split()[0], style.MUTED)


def write(
    axes: Any,
    card: Card,
    y: float,
    label: str,
    size: float,
    colour: str,
    bold: bool = False,
    centred: bool = False,
    **more: Any,
) -> None:
    """A line of text on a card, shortened in the middle until it fits."""
    weight = "bold" if bold else "normal"
    x = card.x if centred else card.x - card.width / 2 + PAD
    style_of = {"weight": weight, "ha": "center" if centred else "left"}
    axes.text(
        x,
        y,
        fitted(label, room_of(card), size, weight),
        size=size,
        color=colour,
        va="center",
        zorder=8,
        parse_math=False,
        **style_of,
        **more,
    )


def room_of(card: Card) -> float:
    """For a line of text, in points."""
    return (card.width - 1.6 * PAD) * 72 / 96


def tint(colour: str) -> tuple[float, ...]:
    """A pale shade of a colour."""
    rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return tuple(0.86 + 0.14 * c for c in rgb)
