"""The flow in words and as a table: the same facts as the pictures show.

Every sentence is derived from the data of a `FlowData`, here and nowhere else. Of a flow that was
not measured (`Model.explain`) only what follows from paths is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import NamedTuple

from .data import FlowData
from .measures import Measure

SCALE_FREE = ("Adam", "AdamW", "RMSprop", "Adagrad")  # they divide by the gradient's own size
CONFLICT, AGREE = -0.25, 0.25  # cosines beyond which losses are said to oppose or help each other
OPPOSED = -0.1  # a cosine below which a rim says that losses oppose each other
VERDICTS = {  # what is said, by case, with names of losses or a cosine put in; also by the page
    "unreached": "no gradient",
    "off": "{} off",
    "only": "{} only",
    "partly off": "{}, {} off",
    "zero": "gradient is 0",
    "partly zero": "{}, 0 from {}",
    "conflict": "conflict {}",
    "unrelated": "unrelated {}",
    "agree": "agree {}",
}
NOT_SHARED = "No layer gets a gradient from several losses."
WIDTH = 88


class Layer(NamedTuple):
    """What has weights: a layer, however often it is called, or an op with parameters of its own.

    Attributes
    ----------
    name : str
    measure : Measure
        The gradients of those of its weights that training changes; of all, if it changes none.
    trained : bool
        Does training change any of its weights?
    calls : int
    """

    name: str
    measure: Measure
    trained: bool
    calls: int

    def losses(self) -> list[int]:
        """Those that have a path to it."""
        return [k for k, path in enumerate(self.measure.reach) if path]


def layers_of(flow: FlowData) -> list[Layer]:
    """Everything that has weights, in the order of the first call."""
    found = []
    for calls in flow.calls_of_layers():
        names = list(dict.fromkeys(name for call in calls for name in call.parameters))
        free = [name for name in names if name not in flow.frozen]
        measures = [flow.parameters[name] for name in free or names]
        measure = Measure.together(measures, len(flow.losses))
        found.append(Layer(calls[0].name, measure, bool(free), len(calls)))
    known = {name for calls in flow.calls_of_layers() for call in calls for name in call.parameters}
    for name, measure in flow.parameters.items():
        if name not in known:  # only a loss works with it
            found.append(Layer(name, measure, name not in flow.frozen, 1))
    return found


def shared_layers(flow: FlowData) -> list[Layer]:
    """The layers that more than one loss can train."""
    return [layer for layer in layers_of(flow) if layer.trained and len(layer.losses()) > 1]


# ---------------------------------------------------------------- words


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
    """In a word, whose gradient this is: "main only" is a matter of paths, "aux off" of weights.

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


def mode_of(flow: FlowData) -> str:
    """Which function was measured."""
    if flow.training:
        return "measured as in training (batch statistics, dropout)"
    return "measured as in prediction (moving statistics, no dropout), which is not what trains"


def listing(words: Iterable[str]) -> str:
    """
    >>> listing(["a"]), listing(["a", "b"]), listing("abc"), listing([])
    ('a', 'a and b', 'a, b and c', '')
    """
    words = list(words)
    return "".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} and {words[-1]}"


def few(words: Sequence[str], most: int = 8) -> list[str]:
    """
    >>> few("abcd", most=3)
    ['a', 'b', '2 others']
    """
    cut = most - 1
    return list(words) if len(words) <= most else [*words[:cut], f"{len(words) - cut} others"]


def weighted_sum(flow: FlowData) -> str:
    """The formula of what is minimised."""
    return " + ".join(f"{flow.weights[name]:g} x {name}" for name in flow.losses)


# ---------------------------------------------------------------- report


def report(flow: FlowData) -> str:
    """Who trains what, in plain sentences."""
    mode = mode_of(flow)
    parts = [
        [
            f"Step {flow.step}. One loss is minimised, {weighted_sum(flow)}, with one backward "
            f"sweep; {mode}."
        ],
        [pull_of(flow, k) for k in range(len(flow.losses))],
        [mixture_in(flow, layer) for layer in shared_layers(flow)] or [NOT_SHARED],
        [*calls_lines(flow), *frozen_lines(flow)],
        forecast_lines(flow),
        optimizer_lines(flow),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def pull_of(flow: FlowData, k: int) -> str:
    """Where a loss has a path to, and where its gradient is 0 all the same."""
    name, layers = flow.losses[k], [layer for layer in layers_of(flow) if layer.trained]
    able = [layer for layer in layers if layer.measure.reach[k]]
    unable = [layer.name for layer in layers if not layer.measure.reach[k]]
    pulled = [layer.name for layer in able if layer.measure.norm(k)]
    idle = [layer.name for layer in able if not layer.measure.norm(k)]
    verb = "trains" if flow.weights[name] else "would train, with another weight,"
    text = f"{name} (now {flow.values[name]:.4f}, weight {flow.weights[name]:g}) "
    text += f"{verb} {listing(pulled)}." if pulled else "trains nothing."
    if idle:
        text += f" It has a path to {listing(idle)}, where its gradient is 0 at present."
    if able and unable:
        text += (
            f" There is no path from it to {listing(unable)}: its gradient is no part of theirs."
        )
    return text


def mixture_in(flow: FlowData, layer: Layer) -> str:
    """How the losses mix in a layer."""
    weights, m = flow.weight_list, layer.measure
    parts, whole = m.parts(weights), m.total(weights)
    apart = sum(parts)
    shares = listing(
        f"{parts[k] / apart:.0%} from {flow.losses[k]}" if apart else f"0 from {flow.losses[k]}"
        for k in layer.losses()
    )
    text = f"{layer.name} is pulled by {len(layer.losses())} losses: {shares} "
    text += f"(weighted; {verdict(m, weights, flow.losses)})"
    if apart:
        _, oppose = m.lost(weights)
        text += f"; {1 - whole / apart:.0%} is lost in the addition"
        if oppose > 0.005 * apart:
            text += f", {oppose / apart:.0%} because they oppose each other"
    return f"{text}."


def calls_lines(flow: FlowData) -> list[str]:
    """Layers that are called several times."""
    return [
        f"{layer.name} is called {layer.calls} times with the same weights: the gradients of its "
        f"calls are added."
        for layer in layers_of(flow)
        if layer.calls > 1
    ]


def frozen_lines(flow: FlowData) -> list[str]:
    """Layers, or weights of layers, that training does not change."""
    frozen = [layer.name for layer in layers_of(flow) if not layer.trained]
    partly = [
        name
        for layer in layers_of(flow)
        if layer.trained
        for name in parameters_of(flow, layer.name)
        if name in flow.frozen
    ]
    every = [*frozen, *partly]
    return (
        [f"Frozen: {listing(few(every))}. Gradients pass through, weights stay."] if every else []
    )


def parameters_of(flow: FlowData, layer: str) -> list[str]:
    """The names of the weights of a layer."""
    return next((list(node.parameters) for node in flow.nodes if node.name == layer), [layer])


def forecast_lines(flow: FlowData) -> list[str]:
    """What one small step would do to each loss."""
    lines = ["A small plain SGD step along this gradient would, to first order,"]
    for name, slope in flow.forecast().items():
        word = "lower" if slope < 0 else "raise" if slope > 0 else "not change"
        lines.append(f"  {word} {name} (by {abs(slope):.4g} x the learning rate)")
    return lines


# ---------------------------------------------------------------- what follows from paths


def explain(flow: FlowData) -> str:
    """The compiled model in plain words; nothing of it depends on data."""
    layers = layers_of(flow)
    parts = [
        [
            f"One number is minimised: {weighted_sum(flow)}.",
            "One backward sweep finds all gradients.",
        ],
        [paths_of(flow, k, layers) for k in range(len(flow.losses))],
        [weight_of(flow, k, layers) for k in range(len(flow.losses))] if flow.losses[1:] else [],
        optimizer_lines(flow),
        [*calls_lines(flow), *frozen_lines(flow), *idle_lines(flow, layers)],
    ]
    filled = ("\n".join(fill(line, WIDTH) for line in lines) for lines in parts if lines)
    return "\n\n".join(filled)


def paths_of(flow: FlowData, k: int, layers: Sequence[Layer]) -> str:
    """Which layers a loss can train."""
    name = flow.losses[k]
    able = [layer.name for layer in layers if layer.measure.reach[k] and layer.trained]
    unable = [layer.name for layer in layers if not layer.measure.reach[k]]
    kind = f" ({flow.kinds[name]})" if name in flow.kinds else ""
    has_weight = flow.weights[name] != 0
    verb = "trains" if has_weight else "has weight 0; with another weight it would train"
    text = f"{name}{kind} {verb} {listing(few(able)) if able else 'nothing'}."
    return text + (f" No path leads from it to {listing(few(unable))}." if unable else "")


def weight_of(flow: FlowData, k: int, layers: Sequence[Layer]) -> str:
    """What the weight of a loss does to the gradients of a step."""
    moving = [layer for layer in layers if layer.trained]
    alone = [layer.name for layer in moving if layer.losses() == [k]]
    shared = [layer.name for layer in moving if k in layer.losses() and len(layer.losses()) > 1]
    others = [layer.name for layer in moving if k not in layer.losses()]
    facts = []
    if alone:
        facts.append(f"scales the whole gradient of {listing(few(alone))}")
    if shared:
        facts.append(f"changes the mixture in {listing(few(shared))}")
    if others and "global_clipnorm" in flow.settings:
        facts.append(f"has no part in the gradient of {listing(few(others))}, but in its clipping")
    elif others:
        facts.append(f"leaves the gradient of {listing(few(others))} exactly as before")
    return f"The weight of {flow.losses[k]} " + (listing(facts) or "changes nothing") + "."


def idle_lines(flow: FlowData, layers: Sequence[Layer]) -> list[str]:
    """What no loss reaches, and outputs that nothing judges."""
    lines = []
    idle = [layer.name for layer in layers if not layer.losses() and layer.trained]
    if idle:
        lines.append(f"No loss reaches {listing(few(idle))}: nothing trains it.")
    silent = flow.silent_outputs()
    if silent:
        lines.append(f"Without a loss: {listing(few(silent))}.")
    return lines


# ---------------------------------------------------------------- what an optimizer makes of it


def optimizer_lines(flow: FlowData) -> list[str]:
    """What becomes of a loss weight in a step, as far as the optimizer's settings say."""
    alone = [layer.name for layer in layers_of(flow) if layer.trained and len(layer.losses()) == 1]
    if len(flow.losses) < 2 or not flow.optimizer:
        return []
    name, settings, where = flow.optimizer, flow.settings, listing(few(alone)) if alone else ""
    lines = []
    if name in SCALE_FREE and alone:
        lines.append(
            f"{name} divides each gradient by its own running size. Where one loss is alone "
            f"({where}) its weight cancels, as long as it stays the same and epsilon "
            f"({settings.get('epsilon', 0):g}) is small beside the gradient; where losses meet, it "
            f"decides how they mix."
        )
    elif name == "SGD" and alone and not is_clipped(flow):
        lines.append(
            f"{name} steps in proportion to the gradient: in {where} twice the weight, twice the "
            f"step."
        )
    if settings.get("momentum") or name.startswith("Adam"):
        lines.append(
            f"{name} remembers the gradients of earlier steps: a changed weight takes effect little"
            f" by little, and what a loss of weight 0 has pulled moves on for a while."
        )
    lines += clipping_lines(flow)
    if settings.get("weight_decay"):
        lines.append("Its weight decay shrinks weights, whatever the losses say.")
    return lines


def is_clipped(flow: FlowData) -> bool:
    return any(name in flow.settings for name in ("clipvalue", "clipnorm", "global_clipnorm"))


def clipping_lines(flow: FlowData) -> list[str]:
    """What clipping does to a loss weight."""
    settings = flow.settings
    if "global_clipnorm" in settings:
        return [
            f"global_clipnorm={settings['global_clipnorm']:g} shortens all gradients together where"
            f" they are longer: then a weight changes the steps everywhere, also where its loss has"
            f" no path."
        ]
    if "clipnorm" in settings:
        return [
            f"clipnorm={settings['clipnorm']:g} shortens each gradient that is longer: beyond it a "
            f"larger weight makes no larger step."
        ]
    if "clipvalue" in settings:
        return [
            f"clipvalue={settings['clipvalue']:g} cuts each number of a gradient off there: beyond "
            f"it a larger weight makes no larger step, and turns the direction."
        ]
    return []


# ---------------------------------------------------------------- table


def table(flow: FlowData) -> str:
    """One row per weight array: the length of each loss's gradient, their sum, and the cosine."""
    names, weights = short_names(flow.losses), flow.weight_list
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
    below = ["-: no path from this loss", f"each loss alone is unweighted; {mode_of(flow)}"]
    return "\n".join([lines[0], rule, *lines[1:], rule, *below])
