"""The printed picture: each loss alone, then the losses added together."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from .. import arguments
from . import style
from .chart_parts import filled, fitted, formula, in_lines, pyplot
from .data import FlowData, FlowNode, Wire
from .folded import folded
from .layout import Card, Layout, make_layout
from .measures import Measure
from .words import (
    RIMS,
    VERDICTS,
    Layer,
    frozen_word,
    layer_of,
    loss_label,
    mode_of,
    phrase,
    short_names,
    thresholds,
    value_of,
    verdict,
)

WIDEST = 26.0  # pixels of the strongest wire
FAINT = "#9aa0b4"  # of what is off, and of a wire without a gradient
PAD = 9.0  # pixels between a card's edge and its text
CAPTION = 32.0  # pixels above a picture, for its title
A4 = (8.27 * 96 - 60, 11.69 * 96 - 60)  # pixels, without the margins of a printer
READABLE = 0.55  # of its size: in a smaller picture nobody can read the cards
LINE = 12.0  # pixels from line to line of a name
KEY_LETTERS, KEY_LINE = 9.0, 17.0  # of the key: points of its letters, pixels from line to line


def draw_figure(flow: FlowData, unfolded: bool = False) -> Any:
    """A matplotlib figure with a picture per loss and one for all together, on one page."""
    shown = flow if unfolded else folded(flow)
    layout, rows = make_layout(shown), figure_rows(shown)
    scales = scales_of(shown, [row for _, row in rows])
    page = Page.best(shown, layout, scales, len(rows))
    if page.zoom < READABLE and not unfolded:
        rows = rows[-1:]  # all together
        page = Page.best(shown, layout, scales, 1)
    figure = pyplot().figure(figsize=(page.width / 96, page.height / 96), facecolor=style.PAPER)

    def area(left: float, top: float, wide: float, tall: float) -> Any:
        """Axes, in pixels from the top left corner."""
        bottom = 1 - (top + tall) / page.height
        axes = figure.add_axes((left / page.width, bottom, wide / page.width, tall / page.height))
        axes.set(xlim=(0, wide), ylim=(tall, 0))
        axes.axis("off")
        return axes

    draw_head(area(0, 0, page.width, page.head), page.key, scales)
    for number, (label, row) in enumerate(rows):
        down, right = divmod(number, page.columns)
        left, top = right * layout.width, page.head + down * (layout.height + CAPTION)
        title = area(left, top, layout.width, CAPTION)
        look: dict[str, Any] = {"size": 11.5, "weight": "bold"}
        words = fitted(label, (layout.width - 32) * 72 / 96, **look)
        title.text(16, 16, words, va="center", parse_math=False, color=style.INK, **look)
        place = area(left, top + CAPTION, layout.width, layout.height)
        draw_flow(shown, row, place, layout=layout, scales=scales)
    if not unfolded:
        shrink(figure, page.zoom)
    return figure


class Page(NamedTuple):
    """How the pictures stand on a page: in so many columns, in pixels before it is made smaller."""

    columns: int
    key: list[str]
    head: float
    width: float
    height: float

    @classmethod
    def of(cls, flow: FlowData, layout: Layout, scales: Scales, count: int, columns: int) -> Page:
        width = columns * layout.width
        key = key_lines(flow, scales, (width - 48) * 72 / 96)
        head = 61.0 + KEY_LINE * len(key)
        height = head + -(-count // columns) * (layout.height + CAPTION)
        return cls(columns, key, head, width, height)

    @classmethod
    def best(cls, flow: FlowData, layout: Layout, scales: Scales, count: int) -> Page:
        """The one on which they are largest."""
        pages = [cls.of(flow, layout, scales, count, columns) for columns in (1, 2)]
        return max(pages[:count], key=lambda one: (one.zoom, -one.columns))

    @property
    def zoom(self) -> float:
        """So that it fits on a page of A4, upright or not; it is not made larger."""
        sizes = (A4, A4[::-1])
        return min(1.0, max(min(w / self.width, h / self.height) for w, h in sizes))


def shrink(figure: Any, zoom: float) -> None:
    """Make a figure smaller, with its letters and lines."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Text

    figure.set_size_inches(*(zoom * figure.get_size_inches()))
    for text in figure.findobj(Text):
        text.set_fontsize(zoom * text.get_fontsize())
    for line in [*figure.findobj(Line2D), *figure.findobj(Patch)]:
        line.set_linewidth(zoom * line.get_linewidth())


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
        draw_card(axes, flow, card, weights, scales)
    return axes


def draw_card(
    axes: Any, flow: FlowData, card: Card, weights: Sequence[float], scales: Scales
) -> None:
    draw = {"loss": draw_loss, "small": draw_small, "card": draw_layer}[card.kind]
    draw(axes, flow, card, weights, scales)


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
    name = short_names(flow.losses)[k]
    label = loss_label(name) if len(in_lines(name, room_of(card), 8.5)) == 1 else name
    top = card.y - card.height / 2
    pill = {"boxstyle": "round,pad=0.45,rounding_size=0.9", "fc": colour, "lw": 0}
    down = LINE / 2 * (write_name(axes, card, top + 20, label, 8.5, colour, centred=True) - 1)
    value = value_of(flow, flow.losses[k], "now {:.3g}")
    write(axes, card, top + 40 + down, value, 7.5, style.MUTED, centred=True)
    write(axes, card, top + 63, f"× {weights[k]:g}", 8.5, "white", True, True, bbox=pill)


def draw_empty(axes: Any, flow: FlowData, card: Card, *_: Any) -> None:
    """A card of which nothing is known yet but its name."""
    draw_box(axes, card)
    label = card.node.name
    if card.kind == "loss":
        label = short_names(flow.losses)[flow.losses.index(card.node.loss)]
    write_name(axes, card, card.y, label, 8, style.MUTED, centred=True)


def draw_small(axes: Any, flow: FlowData, card: Card, weights: Sequence[float], _: Scales) -> None:
    """A node without weights: its name and the shape of one sample."""
    draw_box(axes, card)
    lines = write_name(axes, card, card.y - 7, card.node.name, 8, style.INK, centred=True)
    write(
        axes,
        card,
        card.y + 9 + LINE / 2 * (lines - 1),
        sample_shape(card),
        7,
        style.MUTED,
        centred=True,
    )


def draw_layer(
    axes: Any, flow: FlowData, card: Card, weights: Sequence[float], scales: Scales
) -> None:
    """A layer: name, kind and output shape, who trains it, and the gradient of its weights."""
    draw_box(axes, card)
    top, node = card.y - card.height / 2, card.node
    layer = layer_of(flow, node.name, node.parameters)
    word = word_for(flow, layer.measure, weights, room_of(card))
    down = LINE / 2 * (write_name(axes, card, top + 16, node.name, 8.5, style.INK) - 1)
    special, shape = frozen_word(flow, node.parameters) or call_of(flow, node), sample_shape(card)
    about = f"{special or node.type}  {shape}"
    about = about if about == fitted(about, room_of(card), 7, "normal") else special or shape
    write(axes, card, top + 32 + down, about, 7, style.MUTED)
    colour = verdict_colour(flow, layer.measure, weights, word)
    write(axes, card, top + 52, word, 7.5, colour, bold=True)
    place = (card.x - card.width / 2 + PAD, top + 64, card.width - 2 * PAD)
    draw_bar(axes, flow, layer, weights, place, scales.bar)


def word_for(flow: FlowData, measure: Measure, weights: Sequence[float], room: float) -> str:
    """The verdict; where many losses are off and their names find no room, without these."""
    names = short_names(flow.losses)
    word = verdict(measure, weights, names, pair=False)
    able = [k for k, path in enumerate(measure.reach) if path]
    active = [names[k] for k in able if weights[k]]
    if len(able) > 2 and len(active) == 1 and fitted(word, room, 7.5) != word:
        return phrase(VERDICTS["partly off"], active[0], "others")
    return word


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


def write_name(
    axes: Any, card: Card, y: float, label: str, size: float, colour: str, centred: bool = False
) -> int:
    """A name in one line or two around a height. How many?"""
    lines = in_lines(label, room_of(card), size)
    for i, line in enumerate(lines):
        place = y + LINE * (i - (len(lines) - 1) / 2)
        write(axes, card, place, line, size, colour, bold=True, centred=centred)
    return len(lines)


def room_of(card: Card) -> float:
    """For a line of text, in points."""
    return (card.width - 1.6 * PAD) * 72 / 96


def tint(colour: str) -> tuple[float, ...]:
    """A pale shade of a colour."""
    rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return tuple(0.86 + 0.14 * c for c in rgb)
