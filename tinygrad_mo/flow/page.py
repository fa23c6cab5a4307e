"""The interactive picture: one HTML file that needs nothing else, and asks nobody for anything.

Python writes down what was measured and where the cards stand; the page's script (the files in
template) mixes the measurements for any loss weights and says what `words` says, by its patterns.
Nothing is rounded by more than the last of 11 digits; lengths along a sequence have two. The script
is most of the page: it is packed, and the page unpacks it when it opens.
"""

from __future__ import annotations

import html
import json
import re
import zlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from . import run_words, style, words
from .data import FlowData, FlowNode
from .frames import in_order, measures, tensor_of
from .inside import grids
from .measures import Measure
from .runs import RunData
from .touring import tour_of

# The page's script, joined in this order: a file uses what files before it define.
SCRIPT = (
    "measures.js",
    "graph.js",
    "state.js",
    "elements.js",
    "colours.js",
    "words.js",
    "shapes.js",
    "layout.js",
    "wires.js",
    "cards.js",
    "picture.js",
    "controls.js",
    "trained.js",
    "weights.js",
    "training.js",
    "runs.js",
    "sweep.js",
    "formula.js",
    "inset.js",
    "text.js",
    "selection.js",
    "focus.js",
    "changes.js",
    "sweeping.js",
    "tour.js",
    "stage.js",
    "export.js",
    "input.js",
    "inside.js",
    "start.js",
)
WITH_ARRAYS = {"inside.js"}  # what a page needs only where arrays were kept
LONGEST = 20  # cells of a sequence
THINNEST = 3.0  # pixels: a wire with a gradient is never thinner; it is hollow if it should be
PORTS = 0.72  # of a card's side: there the wires meet it
DIGITS = 11  # of every measurement
CURVE = 4  # digits of the curves of several runs
WEIGHTS = "weights of "
ALL = True  # the view in which every fold is open: no name, as a fold may have any


def draw_page(
    flow: FlowData,
    snapshots: Iterable[FlowData] = (),
    tour: Sequence[Mapping[str, Any]] | None = None,
) -> str:
    """The HTML of the interactive picture of `flow`, with `snapshots` made during training."""
    return filled(content(flow, snapshots, tour), bool(flow.arrays))


def draw_runs(runs: RunData, tour: Sequence[Mapping[str, Any]] | None = None) -> str:
    """The HTML of the interactive picture of runs: it opens with the base."""
    return filled(content_of_runs(runs, tour), bool(runs.shown(runs.base)[-1].arrays))


def filled(shown: Mapping[str, Any], has_arrays: bool) -> str:
    """The page with its data."""
    scripts = [name for name in SCRIPT if has_arrays or name not in WITH_ARRAYS]
    parts = {
        "/* colours */": colours(),
        "/* style */": template("page.css"),
        "/* script */": packed_text("\n".join(template(name) for name in scripts)),
        "/* data */": as_json(shown),
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
    return "\n".join(line for line in lines if not line.startswith("//"))


def packed_text(text: str) -> str:
    """A text in about half of its letters."""
    return b64encode(zlib.compress(text.encode(), 9)).decode()


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
        "LOST": words.LOST,
        "HARDLY": words.HARDLY,
        "THRESHOLDS": typeset(words.thresholds()),
        "FROZEN_WORDS": words.FROZEN_WORDS,
        "FROZEN": style.FROZEN,
        "HEAD": style.HEAD,
        "BARBS": style.BARBS,
        "THINNEST": THINNEST,
        "THINNEST_RIM": style.THINNEST_RIM,
        "BAR": style.BAR,
        "KEY": style.KEY,
        "MANY": style.MANY,
        "LOGARITHMIC": style.LOGARITHMIC,
        "PORTS": PORTS,
        "WEIGHTS": WEIGHTS,
        "ALL": ALL,
    }


def typeset(text: str) -> str:
    """With the signs that a terminal may lack.

    >>> typeset("{:g} x {}, above -0.25 +- 0.01")
    '{:g} × {}, above −0.25 ± 0.01'
    """
    text = text.replace(" x ", " × ").replace(" +- ", " ± ")
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)


def in_frame(page: str) -> str:
    """The page as part of another one, such as a notebook: as high as its stage."""
    inside = "width:100%;height:760px;resize:vertical;overflow:auto;border:0;border-radius:12px"
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


def content(
    flow: FlowData,
    snapshots: Iterable[FlowData] = (),
    tour: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """All that the page shows, as data."""
    if not flow.nodes:
        raise ValueError("a flow without nodes cannot be drawn")
    measured = measures(flow)
    frames = in_order("snapshots", snapshots, flow)
    number = {what: i for i, what in enumerate(measured)}
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
                "colours": colours_of(flow, k),
                "place": style.place_of(flow.losses, flow.weight_list, k),
            }
            for k, name in enumerate(flow.losses)
        ],
        "repeated": style.repeated(flow),
        "weights": flow.weight_list,
        "step": flow.step,
        "parameters": [
            {"name": name, "measure": number["weight", name]} for name in flow.parameters
        ],
        "reach": ["".join("01"[path] for path in m.reach) for m in measured.values()],
        **graph_of(flow),
        "sequences": list(flow.over_time),  # the ends of their wires
        "frames": [frame_data(frame, flow, setups) for frame in frames],
        "setups": setups,
        "tour": None if tour is None else tour_of(flow, frames, tour),
    }


def content_of_runs(
    runs: RunData, tour: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The base as all that the page shows, and the other runs of its seed; the curves of all."""
    *snapshots, flow = runs.shown(runs.base)
    shown = content(flow, snapshots, tour)
    return shown | {
        "runs": [run_data(runs, weights, flow, shown["setups"]) for weights in runs.mixtures],
        "base": runs.mixtures.index(runs.base),
        "vary": [runs.losses.index(loss) for loss in run_words.varying(runs)],
        "seeds": runs.seeds,
        "about": [typeset(note) for note in run_words.notes(runs)],
    }


def run_data(
    runs: RunData, weights: Mapping[str, float], flow: FlowData, setups: list[dict[str, Any]]
) -> dict[str, Any]:
    """One mixture: its words, its curves over the seeds, and the frames of the first seed.

    Those of the base are the frames of the page.
    """
    frames = [] if weights == runs.base else runs.shown(weights)
    return {
        "label": typeset(run_words.label(runs, weights)),
        "weights": [weights[loss] for loss in flow.losses],
        "said": typeset(run_words.sentence(runs, weights)),
        "rows": [[typeset(cell) for cell in row] for row in run_words.rows(runs, weights)],
        "curves": [curve_data(runs.curve(loss, weights)) for loss in flow.losses],
        "frames": [frame_data(frame, flow, setups) for frame in frames],
    }


def curve_data(values: np.ndarray) -> list[list[float]]:
    """Mean, smallest and largest of the seeds at each step; None where one has no number."""
    lines = values.mean(axis=0), values.min(axis=0), values.max(axis=0)
    return [[rounded(float(x), CURVE) for x in line] for line in lines]


def colours_of(flow: FlowData, k: int) -> list[str]:
    """Of a loss, each for light and for dark pages: areas, text, the lines of its texture."""
    light, dark, *text = style.colours_of(flow, k)
    return [light, dark, *text, style.tone_of(light), style.tone_of(dark)]


def graph_of(flow: FlowData) -> dict[str, Any]:
    """Nodes, folds and wires by their numbers, and which measures are theirs."""
    number = {what: i for i, what in enumerate(measures(flow))}
    place = {node.name: i for i, node in enumerate(flow.nodes)}
    array = {name: i for i, name in enumerate(flow.parameters)}
    fold = {name: i for i, name in enumerate(flow.folds)}
    wires = [what for what in number if what[0] == "wire"]
    return {
        "nodes": [node_data(node, flow, array, fold) for node in flow.nodes],
        "folds": [[name, fold.get(flow.folds.parent.get(name, ""), -1)] for name in fold],
        "wires": [[place[w[1]], place[w[2]], w[3], number[w]] for w in wires],
        "bundles": [
            [fold[what[1]], f"w{array[what[2]]}" if what[2] in array else what[2], number[what]]
            for what in number
            if what[0] == "bundle"
        ],
        "forks": [[what[1], number[what]] for what in number if what[0] == "fork"],
        "uses": [[array[w[1]], place[w[2]], number[w]] for w in number if w[0] == "use"],
    }


def node_data(
    node: FlowNode, flow: FlowData, array: Mapping[str, int], fold: Mapping[str, int]
) -> dict[str, Any]:
    """A node without what is empty."""
    silent = {flow.outputs[name] for name in flow.silent_outputs()}
    data = {
        "name": node.name,
        "kind": node.kind,
        "type": type_of(node),
        "shape": shape_of(node),
        "parameters": [array[name] for name in node.parameters],
        "silent": int(node.name in silent),
    }
    found = {name: value for name, value in data.items() if value}
    if node.kind == "loss":
        found["loss"] = flow.losses.index(node.loss)
    if node.name in flow.folds.parent:
        found["fold"] = fold[flow.folds.parent[node.name]]
    return found


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
    kept = grids_of(flow) if frame is flow and flow.arrays else None
    usual["grids"], own["grids"] = None, kept
    return {name: value for name, value in own.items() if value != usual[name]} | {
        "step": frame.step,
        "values": [value_data(frame.values[name]) for name in frame.losses],
        "r": as_text([number for m in measures(frame).values() for number in triangle_of(m)]),
        "time": [sequence_data(frame.over_time.get(ends)) for ends in flow.over_time],
    }


def grids_of(flow: FlowData) -> dict[int, Any]:
    """By number of measure: the gradients of its array as small pictures."""
    found = {}
    for number, what in enumerate(measures(flow)):
        shown = grids(flow, array_named(flow, what))
        if shown is not None:
            words = typeset(shown.words.replace(" x ", " × "))
            numbers = as_text(shown.rows.ravel().tolist())
            found[number] = [shown.losses, shown.rows.shape[1:], numbers, words]
    return found


def array_named(flow: FlowData, what: tuple[Any, ...]) -> Any:
    """How a flow calls the array of something that was measured; None where it has none."""
    kind, *name = what
    if kind == "weight":
        return name[0]
    if kind == "use":
        return tuple(name)
    if kind != "wire":
        return None
    source, target, tensor = name
    beside = [
        tensor_of(wire, i)
        for i, wire in enumerate(flow.wires)
        if (wire.source, wire.target) == (source, target)
    ]
    return source, target, beside.index(tensor)


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
    return [measure.r[i, k] for i in range(len(able)) for k in able[i:]]


def as_text(numbers: Sequence[float]) -> str:
    """Of each number the first six of its eight bytes, rounded, which are 11 digits.

    >>> as_text([0.1]), as_text([]), as_text([float("nan")])
    ('P7mZmZma', '', 'f/gAAAAA')
    """
    exact = np.array(numbers, ">f8")
    bits = exact.view(">u8") + np.where(np.isfinite(exact), 1 << 15, 0).astype(">u8")
    return b64encode(bits.astype(">u8").view("u1").reshape(-1, 8)[:, :6].tobytes()).decode()


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


def type_of(node: FlowNode) -> str:
    """The class of its layer, where the name does not say it anyway."""
    return "" if node.kind == "op" else node.type


def shape_of(node: FlowNode) -> str:
    """Of one sample."""
    return "×".join("…" if n is None else str(n) for n in node.shape)
