"""The flow in words and as a table: the same facts as the picture shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..engine.nodes import calls_of_layers
from .measure import Measure

if TYPE_CHECKING:
    from .flow import Flow

SCALE_FREE = ("Adam", "AdamW", "RMSprop", "Adagrad")  # they divide by the gradient's own size
CONFLICT, AGREE = -0.25, 0.25  # cosines beyond which losses are said to oppose or help each other
OPPOSED = -0.1  # a cosine below which a rim says that losses oppose each other
VERDICTS = {  # what is said, by case, with names of losses or a cosine put in; also by the page
    "unreached": "no gradient",
    "off": "{} off",
    "only": "{} only",
    "partly off": "{}, {} off",
    "zero": "gradient is 0",
    "partly zero": "{}, {} is 0",
    "conflict": "conflict {}",
    "unrelated": "unrelated {}",
    "agree": "agree {}",
}


def short_names(losses: Sequence[str]) -> list[str]:
    """The names of losses without an ending that they all share.

    >>> short_names(["main_output", "aux_output"]), short_names(["age", "income"])
    (['main', 'aux'], ['age', 'income'])
    """
    heads = [name.rsplit("_", 1)[0] for name in losses]
    tails = {name.rsplit("_", 1)[-1] for name in losses}
    same = len(losses) > 1 and len(tails) == 1 and all("_" in name for name in losses)
    return heads if same else list(losses)


def loss_label(short_name: str) -> str:
    """What stands on the card of a loss."""
    return short_name if short_name == "regularization" else f"loss: {short_name}"


def relation(cosine: float) -> str:
    """conflict, unrelated or agree."""
    return "conflict" if cosine < CONFLICT else "agree" if cosine > AGREE else "unrelated"


def verdict(measure: Measure, weights: Sequence[float], names: Sequence[str]) -> str:
    """In a word, who trains this: "main only" is a matter of paths, "aux off" of weights.

    >>> import numpy as np
    >>> shared = Measure.of(np.array([[1.0, 0.0], [-1.0, 1.0]]), (0, 1), 2)
    >>> verdict(shared, [1, 1], ["main", "aux"]), verdict(shared, [1, 0], ["main", "aux"])
    ('conflict -0.71', 'main, aux off')
    """
    able = [k for k, path in enumerate(measure.reach) if path]
    active = [k for k in able if weights[k]]
    off = [k for k in able if k not in active]

    def say(case: str, *losses: Sequence[int]) -> str:
        return VERDICTS[case].format(*(", ".join(names[k] for k in some) for some in losses))

    if not able:
        return say("unreached")
    if not active:
        return say("off", off)
    if len(active) == 1:
        return say("partly off", active, off) if off else say("only", active)
    worst = measure.worst_pair(weights)
    if worst is None:
        alive = [k for k in active if measure.norm(k)]
        silent = [k for k in active if not measure.norm(k)]
        return say("partly zero", alive[:1], silent) if alive else say("zero")
    cosine, k, j = worst
    pair = "" if len(active) == 2 else f" {names[k]}/{names[j]}"
    return VERDICTS[relation(cosine)].format(f"{cosine:+.2f}{pair}")


def listing(words: Iterable[str]) -> str:
    """
    >>> listing(["a"]), listing(["a", "b"]), listing("abc")
    ('a', 'a and b', 'a, b and c')
    """
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def report(flow: Flow) -> str:
    """Who trains what, in plain sentences."""
    total = " + ".join(f"{w:g} x {name}" for name, w in flow.weights.items())
    lines = [
        f"Step {flow.step}. One loss is minimised, {total}, with one backward sweep.",
        "",
        *(paths_of(flow, k) for k in range(len(flow.losses))),
        "",
        *shared_layers(flow),
        "",
        *forecast_lines(flow),
    ]
    note = optimizer_note(flow)
    return "\n".join(lines + (["", note] if note else []))


def trained_layers(flow: Flow) -> list[tuple[str, Measure]]:
    """The layers that have weights, once each however often they are called."""
    return [(calls[0].name, flow.measure(calls[0].name)) for calls in calls_of_layers(flow.nodes)]


def paths_of(flow: Flow, k: int) -> str:
    name, layers = flow.losses[k], trained_layers(flow)
    able = [layer for layer, m in layers if m.reach[k]]
    unable = [layer for layer, m in layers if not m.reach[k]]
    can = f"{name} (now {flow.values[name]:.4f}, weight {flow.weights[name]:g}) "
    can += f"trains {listing(able)}." if able else "trains nothing."
    if able and unable:
        can += f" There is no path from it to {listing(unable)}: its weight cannot change these."
    return can


def shared_layers(flow: Flow) -> list[str]:
    names = list(flow.losses)
    lines = []
    for layer, m in trained_layers(flow):
        able = [k for k, path in enumerate(m.reach) if path]
        if len(able) < 2:
            continue
        parts = m.parts(list(flow.weights.values()))
        whole, apart = m.total(list(flow.weights.values())), sum(parts)
        shares = listing(
            f"{parts[k] / apart:.0%} from {names[k]}" if apart else f"0 from {names[k]}"
            for k in able
        )
        text = verdict(m, list(flow.weights.values()), names)
        lost = f"; {1 - whole / apart:.0%} is lost in the addition" if apart else ""
        lines.append(f"{layer} is pulled by {len(able)} losses: {shares} ({text}){lost}.")
    return lines or ["No layer is shared: each is trained by one loss."]


def forecast_lines(flow: Flow) -> list[str]:
    lines = ["A small plain SGD step along this gradient would, to first order,"]
    for name, slope in flow.forecast().items():
        word = "lower" if slope < 0 else "raise" if slope > 0 else "not change"
        lines.append(f"  {word} {name} (by {abs(slope):.4g} x the learning rate)")
    return lines


def optimizer_note(flow: Flow) -> str:
    """What an optimizer that divides by the gradient's own size does to a loss weight."""
    if flow.optimizer not in SCALE_FREE:
        return ""
    alone = [layer for layer, m in trained_layers(flow) if sum(m.reach) == 1]
    if not alone or len(flow.losses) < 2:
        return ""
    return (
        f"{flow.optimizer} divides each gradient by its own running size: where one loss is alone "
        f"({listing(few(alone))}), its weight cancels. It matters where losses meet."
    )


def few(words: Sequence[str], most: int = 8) -> list[str]:
    """
    >>> few("abcd", most=3)
    ['a', 'b', '2 others']
    """
    cut = most - 1
    return list(words) if len(words) <= most else [*words[:cut], f"{len(words) - cut} others"]


def table(flow: Flow) -> str:
    """One row per weight array: the length of each loss's gradient, their sum, and the cosine."""
    names = short_names(flow.losses)
    weights = list(flow.weights.values())
    rows = [["weights", *names, "weighted sum", "verdict"]]
    for name, m in flow.parameters.items():
        cells = [f"{m.norm(k):.4g}" if path else "-" for k, path in enumerate(m.reach)]
        frozen = " (frozen)" if name in flow.frozen else ""
        rows.append([name + frozen, *cells, f"{m.total(weights):.4g}", verdict(m, weights, names)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *numbers, last = row
        aligned = [cell.rjust(w) for cell, w in zip(numbers, widths[1:-1], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *aligned, last]).rstrip())
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:], rule, "-: no path from this loss"])
