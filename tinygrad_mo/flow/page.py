"""The interactive picture: one HTML file that needs nothing else, and asks nobody for anything.

Python writes down what was measured and where the cards stand; the page's script (the files in
template) mixes the measurements for any loss weights and says what `words` says, by its patterns.
Nothing is rounded by more than the last of 11 digits; lengths along a sequence have two.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np

from . import layout, style, words
from .data import FlowData, FlowNode
from .frames import in_order, measures
from .layout import arrange, find_columns
from .measures import Measure

# The page's script, joined in this order: a file uses what files before it define.
SCRIPT = (
    "measures.js",
    "state.js",
    "elements.js",
    "colours.js",
    "words.js",
    "shapes.js",
    "wires.js",
    "cards.js",
    "picture.js",
    "controls.js",
    "trained.js",
    "inset.js",
    "training.js",
    "text.js",
    "selection.js",
    "changes.js",
    "input.js",
    "start.js",
)
SIZES = {"card": (144, 108), "small": (118, 52), "loss": (132, 104), "weights": (176, 110)}
# Between columns (room for an arrow), and between the cards of one.
GAPS = {"wide": (54.0, 46.0), "tall": (54.0, 28.0)}
LONGEST = 20  # cells of a sequence
CALL = 17  # height that each call takes on the card of shared weights
PORT = {"wide": 20, "tall": 26}  # room for each wire that meets a card
WIDEST = 30  # pixels of the strongest wire
DIGITS = 11  # of every measurement
WEIGHTS = "weights of "
ALL = True  # the view in which every fold is open: no name, as a fold may have any


def draw_page(flow: FlowData, snapshots: Iterable[FlowData] = ()) -> str:
    """The HTML of the interactive picture of `flow`, with `snapshots` made during training."""
    parts = {
        "/* colours */": colours(),
        "/* style */": template("page.css"),
        "/* script */": "\n".join(template(name) for name in SCRIPT),
        "/* data */": as_json(content(flow, snapshots)),
    }
    page = template("page.html")
    for mark, part in parts.items():
        page = page.replace(mark, part, 1)
    return page


def template(name: str) -> str:
    """A file of the template, without comments and most spaces: they are for its readers."""
    text = files(__package__).joinpath("template", name).read_text("utf-8")
    if name.endswith(".css"):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        return re.sub(r"\s*([{};,]|(?<=:)(?=\s))\s*", r"\1", text).strip()
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    if name.endswith(".js"):
        lines = [without_spaces(line) for line in lines if not line.startswith("//")]
        return re.sub(r"(?<=[{(\[,;])\n", "", "\n".join(lines))
    return "\n".join(lines)


def without_spaces(line: str) -> str:
    """A line of the script without its comment; text in quotes keeps its spaces.

    >>> without_spaces("if (a < b) { return; } // why"), without_spaces('say("a, b", c)')
    ('if(a<b){return;}', 'say("a, b",c)')
    """
    line = re.sub(r"\s// .*", "", line)
    pieces = re.split(r'("[^"]*"|`[^`]*`)', line)
    if any(text.count("{") != text.count("}") for text in pieces[1::2]):
        return line  # the code in such a text has again text in it
    for i, code in enumerate(pieces[::2]):
        code = re.sub(r"(?<=[\w\])]) ([+-]) (?=[\w([])", r"\1", code)
        pieces[2 * i] = re.sub(r"\s*([{}();,=<>?:&|*/])\s*", r"\1", code)
    return "".join(pieces)


def colours() -> str:
    """The shades of `style` as variables of the style sheet, for light and for dark pages."""
    light, dark = (
        ";".join(f"--{name}:{pair[i]}" for name, pair in style.SHADES.items()) for i in (0, 1)
    )
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def constants() -> dict[str, Any]:
    """What Python and the page's script both need to know: it is said in Python alone."""
    return {
        "CONFLICT": words.CONFLICT,
        "AGREE": words.AGREE,
        "WORTH": words.WORTH,
        "ROUNDING": 10.0 ** (1 - DIGITS),  # of what the page is given
        "VERDICTS": words.VERDICTS,
        "SENTENCES": {case: typeset(text) for case, text in words.SENTENCES.items()},
        "RIMS": words.RIMS,
        "THRESHOLDS": typeset(words.thresholds()),
        "FROZEN_WORDS": words.FROZEN_WORDS,
        "HEAT": style.HEAT,
        "FROZEN": style.FROZEN,
        "HEAD": style.HEAD,
        "BARBS": style.BARBS,
        "THINNEST": style.THINNEST,
        "THINNEST_RIM": style.THINNEST_RIM,
        "BAR": style.BAR,
        "KEY": style.KEY,
        "MANY": style.MANY,
        "LOGARITHMIC": style.LOGARITHMIC,
        "PORTS": layout.PORTS,
        "CALL": CALL,
        "WIDEST": WIDEST,
        "WEIGHTS": WEIGHTS,
        "ALL": ALL,
    }


def typeset(text: str) -> str:
    """With the signs that a terminal may lack.

    >>> typeset("{:g} x {}, above -0.25")
    '{:g} × {}, above −0.25'
    """
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text.replace(" x ", " × "))


def in_frame(page: str) -> str:
    """The page as part of another one, such as a notebook."""
    inside = "width:100%;height:1000px;border:0;border-radius:12px"
    return f'<iframe title="Gradient flow" srcdoc="{html.escape(page)}" style="{inside}"></iframe>'


def as_json(value: Any) -> str:
    r"""JSON that can stand inside a script element.

    >>> as_json("</script>")
    '"\\u003c/script>"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for unsafe in "<\u2028\u2029":
        text = text.replace(unsafe, f"\\u{ord(unsafe):04x}")
    return text


def content(flow: FlowData, snapshots: Iterable[FlowData] = ()) -> dict[str, Any]:
    """All that the page shows, as data."""
    measured = measures(flow)
    frames = in_order("snapshots", snapshots, flow)
    number = {what: i for i, what in enumerate(measured)}
    states = [None, *flow.folds, ALL] if flow.folds else [None]
    names = words.short_names(flow.losses)
    setups: list[dict[str, Any]] = []
    return {
        "constants": constants(),
        "name": flow.name,
        "losses": [
            {
                "name": name,
                "short": names[k],
                "label": words.loss_label(names[k]),
                "kind": flow.kinds.get(name, ""),
                "colours": style.colours_of(name, k),
            }
            for k, name in enumerate(flow.losses)
        ],
        "repeated": style.repeated(flow.losses),
        "weights": flow.weight_list,
        "step": flow.step,
        "parameters": [
            {"name": name, "measure": number["weight", name]} for name in flow.parameters
        ],
        "reach": ["".join("01"[path] for path in m.reach) for m in measured.values()],
        "views": [View(flow, opened).as_data(number) for opened in states],
        "sequences": list(flow.over_time),  # the ends of their wires
        "frames": [frame_data(frame, flow, setups) for frame in frames],
        "setups": setups,
    }


def setup_of(flow: FlowData) -> dict[str, Any]:
    """What stays from step to step of a training until somebody changes it, and its words."""
    count = {name: i for i, name in enumerate(flow.parameters)}
    return {
        "mode": words.mode_of(flow),
        "frozen": [i for name, i in count.items() if name in flow.frozen],
        "layers": [
            {
                "name": layer.name,
                "parameters": [count[name] for name in layer.parameters],
                "trained": layer.trained,
            }
            for layer in words.layers_of(flow)
        ],
        "lines": words.settled_lines(flow),
        "notes": words.optimizer_lines(flow),
        "table": [typeset(note) for note in words.table_notes(flow)],
    }


def frame_data(frame: FlowData, flow: FlowData, setups: list[dict[str, Any]]) -> dict[str, Any]:
    """The measurements of one training step, in the order of `measures`.

    Its setup is one of `setups`, to which a new one is added. It is said where it is not the first
    one, and the weights of the losses where they are not those of `flow`.
    """
    setup = setup_of(frame)
    if setup not in setups:
        setups.append(setup)
    usual = {"setup": 0, "weights": flow.weight_list}
    own = {"setup": setups.index(setup), "weights": frame.weight_list}
    return {name: value for name, value in own.items() if value != usual[name]} | {
        "step": frame.step,
        "values": [value_data(frame.values[name]) for name in frame.losses],
        "r": [number for m in measures(frame).values() for number in triangle_of(m)],
        "time": [sequence_data(frame.over_time.get(ends)) for ends in flow.over_time],
    }


def sequence_data(norms: np.ndarray | None) -> Any:
    """How many steps it has in this batch, and the lengths by loss; None if it was not measured."""
    if norms is None:
        return None
    return [norms.shape[1], [[packed(x) for x in row] for row in pooled(norms)]]


def pooled(norms: np.ndarray) -> np.ndarray:
    """Of neighbouring steps together, so that no more than `LONGEST` cells are left.

    >>> pooled(np.full((1, 80), 3.0)).shape, pooled(np.array([[3.0, 4.0]])).tolist()
    ((1, 20), [[3.0, 4.0]])
    """
    each = -(-norms.shape[1] // LONGEST)
    starts = np.arange(0, norms.shape[1], each)
    return np.asarray(np.hypot.reduceat(norms, starts, axis=1))


def triangle_of(measure: Measure) -> list[float]:
    """The numbers of R that are not 0 by construction, row by row."""
    able = [k for k, path in enumerate(measure.reach) if path]
    return [rounded(measure.r[i, k]) for i in range(len(able)) for k in able[i:]]


def value_data(value: float | None) -> Any:
    """None where a loss has no label, a text where it is not finite."""
    return None if value is None else rounded(value) if np.isfinite(value) else "not finite"


def rounded(x: float, digits: int = DIGITS) -> float:
    """To significant digits.

    >>> rounded(2 / 3, 3), rounded(5.0), rounded(float("nan"))
    (0.667, 5, None)
    """
    if not np.isfinite(x):
        return None  # type: ignore[return-value]
    short = float(f"{x:.{digits}g}")
    return int(short) if short == int(short) and abs(short) < 1e6 else short


def packed(x: float) -> int:
    """Two digits and a power of ten in one short number: 31e-5 is 31 - 500.

    >>> packed(0.00031), packed(9.96), packed(0.0), packed(float("inf"))
    (-469, 10, 0, None)
    """
    if not np.isfinite(x):
        return None  # type: ignore[return-value]
    digits, power = f"{x:.1e}".split("e")
    return round(10 * float(digits)) + 100 * (int(power) - 1) if x else 0


@dataclass
class PageCard:
    """A card of the page: a node, a fold of several nodes, a loss, or weights used by several."""

    name: str
    kind: str  # "input", "card", "small", "fold", "loss" or "weights"
    nodes: list[FlowNode] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)  # which only this card uses
    calls: list[str] = field(default_factory=list)  # of shared weights: the cards that use them

    @property
    def size(self) -> tuple[float, float]:
        """Width and height before wires demand more."""
        plain = "card" if self.parameters else "small"
        width, height = SIZES[self.kind if self.kind in ("loss", "weights") else plain]
        if self.kind == "fold":
            width += 20  # its name is the longest
        return width, height + CALL * len(self.calls)


class View:
    """The cards and wires that are shown while a fold is open (None: all are folded, ALL: none).

    A wire between folds carries several gradients: of one tensor that several nodes inside use
    (their gradients were added before measuring), or of different tensors (their squares add up).
    """

    def __init__(self, flow: FlowData, opened: str | bool | None):
        self.flow, self.opened, self.measured = flow, opened, measures(flow)
        self.card_of = {
            node.name: node.name
            if isinstance(opened, bool)
            else flow.folds.card_of(node.name, opened)
            for node in flow.nodes
        }
        self.cards: dict[str, PageCard] = {}
        for node in flow.nodes:
            name = self.card_of[node.name]
            kind = {"input": "input", "loss": "loss"}.get(node.kind, "small")
            card = self.cards.setdefault(
                name, PageCard(name, kind if name == node.name else "fold")
            )
            card.nodes.append(node)
        self._give_parameters()
        self.wires: dict[tuple[str, str], list[Any]] = {}
        for what in self.measured:
            if what[0] == "wire":
                self._add_wire(what)

    def _give_parameters(self) -> None:
        users: dict[str, list[str]] = {}
        for node in self.flow.nodes:
            user = self.card_of[node.name]
            for name in node.parameters if node.kind != "loss" else ():
                if user not in users.setdefault(name, []):
                    users[name].append(user)
        together: dict[tuple[str, ...], list[str]] = {}
        for name, cards in users.items():
            if len(cards) == 1:
                self.cards[cards[0]].parameters.append(name)
            else:
                together.setdefault(tuple(cards), []).append(name)
        for calls, names in together.items():
            card = PageCard(WEIGHTS + common_path(names), "weights", calls=list(calls))
            while card.name in self.cards:
                card.name += " …"
            self.cards[card.name] = card
            card.parameters = names

    def _add_wire(self, what: tuple[Any, ...]) -> None:
        _, source, target, key = what
        ends = self.card_of[source], self.card_of[target]
        if ends[0] == ends[1]:
            return
        bundle = ("bundle", ends[1], key)
        parts = self.wires.setdefault(ends, [])
        part = bundle if bundle in self.measured else what
        if part not in parts:
            parts.append(part)

    def as_data(self, number: Mapping[Any, int]) -> dict[str, Any]:
        """What the page needs to draw the view; `number` counts the measures."""
        names = list(self.cards)
        position = {name: i for i, name in enumerate(self.cards)}
        wires = list(self.wires)
        data: dict[str, Any] = {
            "open": self.opened,
            "cards": [self._card_data(card, position, number) for card in self.cards.values()],
            "wires": [
                [position[a], position[b], [number[part] for part in parts]]
                for (a, b), parts in self.wires.items()
            ],
            "frames": [
                {"name": fold, "cards": [position[name] for name in inside]}
                for fold, inside in self._open_folds().items()
            ],
        }
        kinds = {name: card.kind for name, card in self.cards.items() if card.kind != "weights"}
        columns = find_columns(kinds, wires)
        ties = []
        for card in self.cards.values():
            if card.kind == "weights":
                columns[card.name] = max(columns[call] for call in card.calls)
                ties += [(card.name, call) for call in card.calls]
        for direction in ("wide", "tall"):
            sizes = self._sizes(direction)
            turn = 1 if direction == "wide" else -1
            turned = {name: (size[::turn][0], size[::turn][1]) for name, size in sizes.items()}
            places = arrange(turned, wires, columns, ties, GAPS[direction])
            data[direction] = {
                "size": [round(x) for x in (places.width, places.height)[::turn]],
                "cards": [
                    [round(x, 1) for x in (*places.centres[name][::turn], *sizes[name])]
                    for name in names
                ],
                "paths": [
                    [round(x, 1) for point in path for x in point[::turn]] for path in places.paths
                ],
            }
        return data

    def _open_folds(self) -> dict[str, list[str]]:
        """The folds whose insides are visible, and the cards in them."""
        found = {}
        for fold, nodes in self.flow.folds.items():
            inside = dict.fromkeys(self.card_of[node] for node in nodes)
            if all(fold in self.flow.folds.around(card) for card in inside):
                found[fold] = list(inside)
        return found

    def _sizes(self, direction: str) -> dict[str, tuple[float, float]]:
        """Of the cards, large enough for their wires."""
        leaving, arriving = Counter(a for a, _ in self.wires), Counter(b for _, b in self.wires)
        sizes = {}
        for name, card in self.cards.items():
            room = PORT[direction] * max(leaving[name], arriving[name]) / layout.PORTS
            width, height = card.size
            sizes[name] = (
                (width, max(height, room)) if direction == "wide" else (max(width, room), height)
            )
        return sizes

    def _card_data(
        self, card: PageCard, position: Mapping[str, int], number: Mapping[Any, int]
    ) -> dict[str, Any]:
        flow, first = self.flow, card.nodes[0] if card.nodes else None
        data: dict[str, Any] = {"name": card.name, "kind": card.kind}
        if (label := self._label(card)) != card.name:
            data["label"] = label
        if card.kind == "loss":
            data["loss"] = flow.losses.index(first.loss)  # type: ignore[union-attr]
        elif card.kind == "fold":
            data["type"] = f"{len(card.nodes)} cards"
        elif card.kind == "weights":
            data["type"] = f"shared by {len(card.calls)} calls"
            data["calls"] = [
                [position[call], [number[use] for use in self._uses(card, call)]]
                for call in card.calls
            ]
        elif first is not None:
            data |= {"type": type_of(first), "shape": shape_of(first)}
        if card.parameters:
            known = list(flow.parameters)
            data["parameters"] = [known.index(name) for name in card.parameters]
        silent = flow.silent_outputs()
        if any(flow.outputs[out] == node.name for out in silent for node in card.nodes):
            data["silent"] = 1
        return data

    def _label(self, card: PageCard) -> str:
        """Its name without that of the open fold around it."""
        weights = card.kind == "weights"
        path = card.name.removeprefix(WEIGHTS) if weights else card.name
        around = self.flow.folds.around(card.nodes[0].name) if card.nodes else self._open_folds()
        for fold in around:
            stem = fold.split(":")[0]
            if fold not in self.cards and path.startswith(stem) and path[len(stem) :][:1] in "/_-.":
                path = path[len(stem) + 1 :] or path
                break
        return f"{path} weights" if weights else path

    def _uses(self, card: PageCard, call: str) -> list[tuple[Any, ...]]:
        """What was measured of the contributions of a call to shared weights."""
        nodes = [node.name for node in self.cards[call].nodes]
        found = []
        for name in card.parameters:
            bundle = ("bundle", call, name)
            uses = [("use", name, node) for node in nodes if (name, node) in self.flow.uses]
            found += [bundle] if bundle in self.measured else uses if len(uses) == 1 else []
        return found


def type_of(node: FlowNode) -> str:
    """The class of its layer, where the name does not say it anyway."""
    return "" if node.kind == "op" else node.type


def shape_of(node: FlowNode) -> str:
    """Of one sample."""
    return "×".join("…" if n is None else str(n) for n in node.shape)


def common_path(names: Sequence[str]) -> str:
    """
    >>> common_path(["base/conv1/kernel", "base/conv1/bias"]), common_path(["a/kernel", "b/kernel"])
    ('base/conv1', 'a/kernel …')
    >>> common_path(["scale"])
    'scale'
    """
    parts = [name.split("/")[:-1] for name in names]
    same = [column[0] for column in zip(*parts, strict=False) if len(set(column)) == 1]
    return "/".join(same) or (names[0] if len(names) == 1 else f"{names[0]} …")
