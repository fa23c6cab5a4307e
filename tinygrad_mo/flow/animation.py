"""The one sweep as a moving picture, for slides: the gradient comes back column by column."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from . import style
from .chart_parts import fitted, formula, pyplot
from .data import FlowData
from .figure import FAINT, draw_card, draw_empty, draw_wire, scales_of
from .folded import folded
from .layout import Layout, make_layout
from .words import listing

CAPTION = 46.0  # pixels above the picture
DPI = 96
FEW = 3  # names in a caption


def draw_animation(flow: FlowData) -> list[Any]:
    """The images: the data forward, then a column of cards after the other, losses first."""
    shown = folded(flow)
    layout = make_layout(shown)
    columns = sorted({card.column for card in layout.cards.values()}, reverse=True)
    steps = [max(columns) + 1, *columns]
    return [
        image(shown, layout, column, f"{n} of {len(columns)}: " if n else "")
        for n, column in enumerate(steps)
    ]


def image(flow: FlowData, layout: Layout, column: int, count: str) -> Any:
    """What is there when the gradient has come back to a column of cards."""
    from PIL import Image

    height = layout.height + CAPTION
    figure = pyplot().figure(figsize=(layout.width / DPI, height / DPI), facecolor=style.PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, layout.width), ylim=(layout.height, -CAPTION))
    axes.axis("off")
    words = fitted(count + caption(flow, layout, column), (layout.width - 32) * 72 / DPI, 11.0)
    look: dict[str, Any] = {"size": 11, "weight": "bold", "color": style.INK, "va": "center"}
    axes.text(16, -CAPTION / 2, words, parse_math=False, **look)
    draw_moment(axes, flow, layout, column)
    kept = BytesIO()
    figure.savefig(kept, dpi=DPI)
    pyplot().close(figure)
    return Image.open(kept).convert("RGB")


def draw_moment(axes: Any, flow: FlowData, layout: Layout, column: int) -> None:
    """The gradient where it has come back already, and else the way of the data."""
    weights = flow.weight_list
    scales = scales_of(flow, [weights])
    for wire, path in zip(flow.wires, layout.paths, strict=True):
        line = style.curve(path)
        if layout.cards[wire.target].column > column:
            draw_wire(axes, flow, wire, line, weights, scales.wire)
        else:
            axes.plot(*line.T, color=FAINT, lw=1, zorder=3)
    for card in layout.cards.values():
        draw = draw_card if card.column >= column else draw_empty
        draw(axes, flow, card, weights, scales)


def caption(flow: FlowData, layout: Layout, column: int) -> str:
    """What happens there, in a line."""
    here = [card for card in layout.cards.values() if card.column == column]
    if not here:
        return "the data runs forward, once, to the losses"
    if column == max(card.column for card in layout.cards.values()):
        return f"one backward sweep starts from L = {formula(flow)}"
    if column == min(card.column for card in layout.cards.values()):
        return "done: one sweep has found all gradients"
    back = {one.node.name: 0 for one in here}
    for wire in flow.wires:
        if wire.source in back and any(wire.measure.reach):
            back[wire.source] += 1
    meeting = [name for name, count in back.items() if count > 1]
    names = [name for name, count in back.items() if count]
    if meeting:
        return f"gradients meet at the output of {some(meeting)}, and are added"
    return f"the gradient comes back to {some(names)}" if names else "nothing comes back here"


def some(names: list[str]) -> str:
    """The first names.

    >>> some(["a", "b", "c", "d", "e"]), some(["a", "b"])
    ('a, b, c and 2 more', 'a and b')
    """
    more = len(names) - FEW
    return f"{', '.join(names[:FEW])} and {more} more" if more > 0 else listing(names)
