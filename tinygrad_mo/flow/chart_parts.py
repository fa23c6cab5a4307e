"""What figure and charts share: paper, title and key, names of rows, text, scales and colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from . import style
from .data import FlowData
from .measures import Measure
from .words import Layer, short_names

TITLE, LETTERS = 12.5, 9.0  # points: no text is larger
LONGEST = 26  # letters of a name; longer ones are shortened in the middle


class Row(NamedTuple):
    """What one row of a chart is about: a weight array, or a whole layer (then `array` is "")."""

    layer: str
    array: str
    weights: Layer

    @property
    def measure(self) -> Measure:
        return self.weights.measure


def pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("drawing needs matplotlib: pip install matplotlib") from error
    return plt


@contextmanager
def any_script(flow: FlowData) -> Iterator[None]:
    """Letters that the usual font lacks come from another one that is installed."""
    pyplot()
    from matplotlib import rc_context, rcParams

    names = [*flow.losses, *flow.parameters, *(node.name for node in flow.nodes), *flow.folds]
    with rc_context({"font.family": [*rcParams["font.family"], *fonts_for("".join(names))]}):
        yield


def fonts_for(letters: str) -> list[str]:
    """Fonts that together have those of these letters which the usual font lacks."""
    from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

    missing = set(map(ord, letters)) - set(get_font(findfont(FontProperties())).get_charmap())
    if not missing:
        return []
    upright = [one for one in fontManager.ttflist if one.style == "normal"]
    usual = [one for one in upright if not one.name.startswith("Last Resort")]  # boxes for all
    has = {one.name: missing & set(get_font(one.fname).get_charmap()) for one in usual}
    found = []
    while any(missing & some for some in has.values()):  # first the one that has most of them
        found.append(max(has, key=lambda name: len(missing & has[name])))
        missing -= has[found[-1]]
    return found


def new_axes(width: float, height: float, count: int = 1, **more: Any) -> Any:
    """Axes, above each other if several, in a figure of that many inches."""
    figure, axes = pyplot().subplots(
        count, figsize=(width, height), facecolor=style.PAPER, layout="constrained", **more
    )
    figure.get_layout_engine().set(w_pad=0.14, h_pad=0.1)
    for one in figure.axes:
        one.set_facecolor(style.PAPER)
    return axes


def settle(axes: Any) -> None:
    """Let the figure find the place of its axes, so that it is known how wide they are."""
    figure = axes.figure.figure
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def plain(axes: Any) -> None:
    """No frame, and quiet numbers."""
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(which="both", length=0, labelcolor=style.MUTED, labelsize=0.9 * LETTERS)
    axes.set_axisbelow(True)


def head(axes: Any, title: str, key: Sequence[Any], left: float = 0, room: float = 0) -> None:
    """The title, and below it the key in as many rows as needed.

    They begin `left` points before the axes, and leave `room` points free above them.
    """
    from matplotlib.transforms import ScaledTranslation

    inches = axes.figure.dpi_scale_trans
    shift = ScaledTranslation(-left / 72, 0, inches)
    lines, full = 0, min(width_of(axes) + left, width_of(axes.figure))
    if key:
        columns = key_columns(key, full)
        lines = -(-len(key) // columns)
        up = ScaledTranslation(0, (room + 3) / 72, inches)
        write_key(axes, key, columns, axes.transAxes + shift + up)
    size = TITLE * min(1, full / text_width(title, 1.05 * TITLE, "bold"))
    look = {"size": size, "weight": "bold", "color": style.INK}
    words = axes.set_title(title, loc="left", pad=9 + room + 15 * lines, parse_math=False, **look)
    words.set_transform(words.get_transform() + shift)


def key_columns(key: Sequence[Any], room: float) -> int:
    """Into how many columns the key goes, so that it is not wider than `room` points."""
    widths = [text_width(one.get_label(), LETTERS) + 3.1 * LETTERS for one in key]
    for columns in range(len(key), 1, -1):
        if sum(max(column) for column in np.array_split(widths, columns)) <= room:
            return columns
    return 1


def write_key(axes: Any, key: Sequence[Any], columns: int, where: Any) -> None:
    """Above the axes: what the colours and lines mean. Names are text, whatever is in them."""
    drawn = axes.legend(
        key,
        [str(i) for i in range(len(key))],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        bbox_transform=where,
        borderaxespad=0,
        borderpad=0,
        ncols=columns,
        frameon=False,
        fontsize=LETTERS,
        labelcolor=style.MUTED,
        handlelength=1.3,
        handletextpad=0.6,
        columnspacing=1.2,
    )
    for text, one in zip(drawn.get_texts(), key, strict=True):
        text.set(text=one.get_label(), parse_math=False)
    drawn.set_in_layout(False)


def patch(label: str, **look: Any) -> Any:
    """A rectangle of the key."""
    from matplotlib.patches import Patch

    return Patch(label=label, **look)


def loss_patches(flow: FlowData, before: str = "", among: Sequence[Measure] = ()) -> list[Any]:
    """The colours of the losses, for a key; if measures are given, only of those that reach one."""
    names = short_names(flow.losses)
    patches = [
        patch(before + shortened(names[k]), color=style.colour_of(flow, k), lw=0)
        for k, name in enumerate(flow.losses)
        if not among or any(measure.reach[k] for measure in among)
    ]
    return patches + repeated_colours(flow)


def repeated_colours(flow: FlowData) -> list[Any]:
    """What the key says, without a mark of its own, if two losses have one colour."""
    words = style.repeated(flow)
    return [patch(words, color="none", lw=0)] if words else []


def label_rows(axes: Any, rows: Sequence[Row], pitch: float) -> float:
    """Left of the rows: the layer, where it begins, and the array. How wide that is, in points."""
    size = letters(axes, len(rows))
    axes.set_yticks([])
    left = labels_width(rows, size)
    for i, row in enumerate(rows):
        look: dict[str, Any] = {"across": True, "va": "center", "size": size}
        place = (0, pitch * i)
        in_points(axes, place, (-7, 0), array_label(row), ha="right", color=style.MUTED, **look)
        if i == 0 or rows[i - 1].layer != row.layer:
            look |= {"weight": "bold", "color": style.INK}
            in_points(axes, place, (-left, 0), shortened(row.layer), **look)
    return left


def labels_width(rows: Sequence[Row], size: float) -> float:
    """The points that the names of the rows need."""
    layers = max((text_width(shortened(row.layer), size, "bold") for row in rows), default=0)
    arrays = max((text_width(array_label(row), size) for row in rows), default=0)
    return layers + arrays + (20 if arrays else 10)


def array_label(row: Row) -> str:
    words = [shortened(row.array, 20), "" if row.weights.trained else "(frozen)"]
    return " ".join(filter(None, words))


def text_width(words: str, size: float, weight: str = "normal") -> float:
    """How wide matplotlib writes something, in points."""
    pyplot()  # without matplotlib it says what to install
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    face = FontProperties(size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(words, face, ismath=False)[0])


def in_points(
    axes: Any,
    at: tuple[float, float],
    offset: tuple[float, float],
    words: str,
    across: bool = False,
    **look: Any,
) -> None:
    """A text some points off a place; with `across`, the place's x is a share of the width."""
    where = axes.get_yaxis_transform() if across else "data"
    axes.annotate(
        words,
        at,
        offset,
        xycoords=where,
        textcoords="offset points",
        annotation_clip=False,
        parse_math=False,
        **look,
    )


def beside(axes: Any, y: float, offset: float, words: str, **look: Any) -> None:
    """A text at the right of a row."""
    in_points(axes, (1, y), (offset, 0), words, across=True, va="center", **look)


def letters(axes: Any, count: int, across: bool = False) -> float:
    """The size of letters, in points, with which so many lines find room."""
    height = float(axes.bbox.height * 72 / axes.figure.dpi)
    return min(LETTERS, 0.75 * (width_of(axes) if across else height) / max(count, 1))


def width_of(area: Any) -> float:
    """Of axes or of a figure, in points."""
    return float(area.bbox.width * 72 / area.figure.dpi)


def fitted(words: str, room: float, size: float = LETTERS, weight: str = "bold") -> str:
    """Words, shortened until they need no more points than there is room."""
    most = len(words)
    while most > 3 and text_width(shortened(words, most), size, weight) > room:
        most -= 1
    return shortened(words, most)


def in_lines(words: str, room: float, size: float, most: int = 2) -> list[str]:
    """Bold words in as many lines: broken after a space or "_", or else anywhere, if that suffices.

    >>> in_lines("the_first_half_and_the_second", 90, 9.0)
    ['the_first_half_', 'and_the_second']
    """
    if most == 1 or text_width(words, size, "bold") <= room:
        return [fitted(words, room, size)]
    fits = [n for n in range(1, len(words)) if text_width(words[:n], size, "bold") <= room] or [1]
    at_words = [n for n in fits if words[n - 1] in " _"] or fits
    ways = [
        [words[:n].rstrip(), *in_lines(words[n:], room, size, most - 1)]
        for n in (at_words[-1], fits[-1])
    ]
    whole = [one for one in ways if "".join(one).replace(" ", "") == words.replace(" ", "")]
    return [*whole, *ways][0]


def filled(words: Iterable[str], size: float, room: float) -> list[str]:
    """Words in as many lines as they need, none wider than `room` points.

    In pixels, letters may be drawn a little wider than they are.
    """
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and 1.05 * text_width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def shortened(name: str, most: int = LONGEST) -> str:
    """
    >>> shortened("a_rather_long_layer_name", 13), shortened("dense_1")
    ('a_rath…r_name', 'dense_1')
    """
    half = most // 2
    return name if len(name) <= most else f"{name[:half]}…{name[len(name) - (most - half - 1) :]}"


def formula(flow: FlowData) -> str:
    """The weighted loss, as on the page; where it is long, in words."""
    names = short_names(flow.losses)
    terms = [f"{w:g} × {name}" for name, w in zip(names, flow.weight_list, strict=True)]
    total = " + ".join(terms)
    return total if len(total) < 50 else "the weighted loss"


def above_zero(sizes: Any) -> np.ndarray:
    """Sizes for a logarithmic axis: what is 0 becomes a gap."""
    sizes = np.asarray(sizes, dtype=float)
    return np.where(np.isfinite(sizes) & (sizes > 0), sizes, np.nan)


def log_scale(axes: Any, label: str) -> None:
    """A logarithmic axis for lengths, if any of them is not 0."""
    from matplotlib.ticker import LogLocator, NullLocator

    low, high = axes.dataLim.intervaly
    if 0 < low <= high < np.inf:
        steps = (1, 2, 5) if high < 100 * low else (1,)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=steps, numticks=9))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(lambda length, _: f"{length:g}")
    axes.grid(axis="y", color=style.EMPTY)
    axes.set_ylabel(label, color=style.MUTED, size=LETTERS)


def blend(colour: str, strength: Any) -> tuple[float, ...]:
    """A colour on white: 0 is white, 1 the colour itself."""
    rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return tuple(float(1 - strength * (1 - c)) for c in rgb)


def ink_on(face: Sequence[float]) -> str:
    """The colour of letters that can be read on another one."""
    return "white" if np.dot(face, (0.3, 0.59, 0.11)) < 0.58 else style.INK


def heat(cosine: float) -> tuple[float, ...]:
    """Pink for conflict, green for agreement, the stronger the more."""
    least, more = style.HEAT
    return blend(style.CONFLICT if cosine < 0 else style.AGREE, least + more * abs(cosine))


def colour_map() -> Any:
    """The colours of cosines; where a gradient is 0 and there is none, grey."""
    from matplotlib.colors import ListedColormap

    return ListedColormap([heat(c) for c in np.linspace(-1, 1, 255)]).with_extremes(bad=style.EMPTY)
