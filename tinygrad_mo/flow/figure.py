"""The printed picture: each loss alone, then the losses added together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import style
from .data import FlowData, Wire
from .layout import Card, Layout, make_layout
from .measures import Measure
from .words import OPPOSED, loss_label, short_names, verdict

WIDEST = 26.0  # pixels of the strongest wire
PAD = 9.0  # pixels between a card's edge and its text


def draw_figure(flow: FlowData) -> Any:
    """A matplotlib figure with one row per loss and one for all together."""
    layout = make_layout(flow)
    rows = figure_rows(flow)
    head, caption = 78.0, 32.0
    height = head + len(rows) * (layout.height + caption)
    figure = pyplot().figure(figsize=(layout.width / 96, height / 96), facecolor=style.PAPER)

    def area(top: float, tall: float) -> Any:
        """Axes over the whole width, in pixels from their top left corner."""
        axes = figure.add_axes((0, 1 - (top + tall) / height, 1, tall / height))
        axes.set(xlim=(0, layout.width), ylim=(tall, 0))
        axes.axis("off")
        return axes

    weights = [row for _, row in rows]
    scales = Scales(wire_scale(flow, weights), bar_scale(flow, weights))
    draw_head(area(0, head), flow, scales)
    for number, (label, row) in enumerate(rows):
        top = head + number * (layout.height + caption)
        title = area(top, caption)
        look: dict[str, Any] = {"size": 11.5, "weight": "bold", "color": style.INK}
        title.text(16, 16, label, va="center", parse_math=False, **look)
        draw_flow(flow, row, area(top + caption, layout.height), layout=layout, scales=scales)
    return figure


def draw_head(axes: Any, flow: FlowData, scales: Scales) -> None:
    """The title, how to read the picture, and how much a thickness means."""
    from matplotlib.patches import Rectangle

    axes.text(
        16, 28, "Where does the gradient go?", size=17, weight="bold", color=style.INK, va="center"
    )
    size = round_number(style.KEY / scales.wire)
    thick = size * scales.wire
    axes.add_patch(Rectangle((16, 58 - thick / 2), 9, thick, color=style.MUTED, lw=0))
    axes.text(32, 58, key_line(flow, size), size=9, color=style.MUTED, va="center")


def round_number(x: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten.

    >>> round_number(0.043), round_number(7.0)
    (0.05, 5.0)
    """
    power = 10.0 ** np.floor(np.log10(x))
    return float(f"{min((1, 2, 5, 10), key=lambda n: abs(n * power - x)) * power:.3g}")


def figure_rows(flow: FlowData) -> list[tuple[str, list[float]]]:
    """The label and the loss weights of each row."""
    names, weights = short_names(flow.losses), list(flow.weights.values())
    alone = [
        (f"{name} alone", [w if k == j else 0.0 for j, w in enumerate(weights)])
        for k, name in enumerate(names)
    ]
    total = " + ".join(f"{w:g} × {name}" for name, w in zip(names, weights, strict=True))
    both = [(f"added together:   L = {total}", weights)]
    return alone + both if len(names) > 1 else both


def key_line(flow: FlowData, size: float) -> str:
    return (
        f"this thick = a gradient of {size:g}, after {flow.step} training steps.  "
        f"Colour: which loss sent it.  Rim: lost in the addition, pink where losses oppose each "
        f"other.  Dashed: no gradient passes."
    )


class Scales(NamedTuple):
    """Pixels per unit of gradient: across wires, and (of a bar's full length) along bars."""

    wire: float
    bar: float


def wire_scale(flow: FlowData, rows: Sequence[Sequence[float]]) -> float:
    """Such that the widest wire of all rows just fits."""
    sizes = [sum(wire.measure.parts(weights)) for wire in flow.wires for weights in rows]
    return WIDEST / max([*sizes, 1e-300])


def bar_scale(flow: FlowData, rows: Sequence[Sequence[float]]) -> float:
    """Such that the longest bar of all rows just fits."""
    layers = [flow.measure(node.name) for node in flow.nodes if node.parameters]
    return 1 / max([*(sum(m.parts(weights)) for m in layers for weights in rows), 1e-300])


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
    weights = list(flow.weights.values()) if weights is None else list(weights)
    layout = layout or make_layout(flow)
    scales = scales or Scales(wire_scale(flow, [weights]), bar_scale(flow, [weights]))
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
    if not whole:
        axes.plot(*line.T, color="#a9adbd", lw=1, dashes=(3, 3), zorder=1)
        return
    colours = [style.colour_of(name, k) for k, name in enumerate(flow.losses)]
    width = max(whole * scale, style.THINNEST)
    rim = (sum(parts) - whole) * scale / 2
    body = line[np.linalg.norm(line - line[0], axis=1) > style.HEAD * 0.8]
    if rim > style.THINNEST_RIM:
        low, high = -width / 2 - rim, width / 2 + rim
        axes.add_patch(
            Polygon(style.band(body, low, high), **rim_style(wire.measure, weights), zorder=2)
        )
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


def rim_style(measure: Measure, weights: Sequence[float]) -> dict[str, Any]:
    """Grey where pulls merely differ, pink with hatching where they oppose."""
    worst = measure.worst_pair(weights)
    if worst and worst[0] < OPPOSED:
        return {
            "facecolor": style.RIM_CONFLICT,
            "edgecolor": "#e78aac",
            "hatch": "//////",
            "lw": 0,
        }
    return {"facecolor": style.RIM, "lw": 0}


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
    colour = style.colour_of(flow.losses[k], k) if weights[k] else "#9aa0b4"
    draw_box(axes, card, tint(colour), colour + "55")
    label = loss_label(short_names(flow.losses)[k])
    top = card.y - card.height / 2
    pill = {"boxstyle": "round,pad=0.45,rounding_size=0.9", "fc": colour, "lw": 0}
    write(axes, card, top + 20, label, 8.5, colour, bold=True, centred=True)
    value = f"now {flow.values[flow.losses[k]]:.3g}"
    write(axes, card, top + 40, value, 7.5, style.MUTED, centred=True)
    write(axes, card, top + 63, f"× {weights[k]:.2f}", 8.5, "white", True, True, bbox=pill)


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
    top, measure = card.y - card.height / 2, flow.measure(card.node.name)
    word = verdict(measure, weights, short_names(flow.losses))
    write(axes, card, top + 16, card.node.name, 8.5, style.INK, bold=True)
    shape = sample_shape(card)
    kind = f"{card.node.type}  {shape}"
    write(axes, card, top + 32, kind if len(kind) < 17 else shape, 7, style.MUTED)
    write(axes, card, top + 52, word, 7.5, verdict_colour(flow, measure, weights, word), bold=True)
    place = (card.x - card.width / 2 + PAD, top + 64, card.width - 2 * PAD)
    draw_bar(axes, flow, measure, weights, place, scales.bar)


def sample_shape(card: Card) -> str:
    return "×".join("…" if n is None else str(n) for n in card.node.shape)


def draw_bar(
    axes: Any,
    flow: FlowData,
    measure: Measure,
    weights: Sequence[float],
    place: tuple[float, float, float],
    scale: float,
) -> None:
    """The gradient of all weights of a layer: stripes by loss, and the rim that addition took."""
    from matplotlib.patches import Rectangle

    x, y, room = place
    axes.add_patch(Rectangle((x, y), room, style.BAR, facecolor=style.EMPTY, lw=0, zorder=6))
    whole, parts = measure.total(weights), measure.parts(weights)
    if not any(parts):
        return
    for k, part in enumerate(parts):
        length = room * whole * scale * part / sum(parts)
        colour = style.colour_of(flow.losses[k], k)
        axes.add_patch(Rectangle((x, y), length, style.BAR, facecolor=colour, lw=0, zorder=7))
        x += length
    rim = room * (sum(parts) - whole) * scale
    axes.add_patch(Rectangle((x, y), rim, style.BAR, **rim_style(measure, weights), zorder=7))


def verdict_colour(flow: FlowData, measure: Measure, weights: Sequence[float], word: str) -> str:
    active = [k for k, w in enumerate(weights) if w and measure.reach[k]]
    if len(active) == 1:
        return style.colour_of(flow.losses[active[0]], active[0])
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
    wide = (0.68 if bold else 0.62) * size * 96 / 72  # pixels per letter, on average
    most = int((card.width - 2 * PAD) / wide)
    if len(label) > most:
        label = f"{label[: most // 2]}…{label[len(label) - (most - most // 2 - 1) :]}"
    x = card.x if centred else card.x - card.width / 2 + PAD
    style_of = {"weight": "bold" if bold else "normal", "ha": "center" if centred else "left"}
    axes.text(
        x,
        y,
        label,
        size=size,
        color=colour,
        va="center",
        zorder=8,
        parse_math=False,
        **style_of,
        **more,
    )


def tint(colour: str) -> tuple[float, ...]:
    """A pale shade of a colour."""
    rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return tuple(0.86 + 0.14 * c for c in rgb)


def pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("drawing needs matplotlib: pip install matplotlib") from error
    return plt
