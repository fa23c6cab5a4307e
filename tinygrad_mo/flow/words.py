"""The flow in words and as a table: the same facts as the pictures show.

Every sentence is derived from the data of a `FlowData`, here and nowhere else. What depends on the
weights of the losses the page says again while they are dragged, with the same patterns (`VERDICTS`
and `SENTENCES`). Of a flow that was not measured (`Model.explain`) only what follows from paths is
said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from math import isfinite, sqrt
from string import Formatter
from textwrap import fill
from typing import Any, NamedTuple

from .data import FlowData
from .measures import Measure

DIVIDED = ("Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Adagrad", "Adadelta")  # by its own size
CONFLICT, AGREE = -0.25, 0.25  # cosines beyond which losses are said to oppose or help each other
WORTH = 0.005  # of the pulls: what opposition took is said from here on, as less would be "0%"
VERDICTS = {  # by case, with names of losses or a cosine put in
    "unreached": "no gradient",
    "off": "{} off",
    "infinite": "{} not finite",
    "only": "{} only",
    "partly off": "{}, {} off",
    "zero": "gradient is 0",
    "partly zero": "{}, 0 from {}",
    "conflict": "conflict {}",
    "unrelated": "unrelated {}",
    "agree": "agree {}",
}
SENTENCES = {  # those of the report that depend on the weights or on the training step
    "opening": "Step {}. One loss is minimised, {}, with one backward sweep; {}.",
    "term": "{:g} x {}",
    "now": "now {:.4f}",
    "unlabelled": "nothing counts here",
    "trains": "{} ({}, weight {:g}) trains {}.",
    "would train": "{} ({}, weight {:g}) would train, with another weight, {}.",
    "trains nothing": "{} ({}, weight {:g}) trains nothing.",
    "idle": " It has a path to {}, where its gradient is 0 at present.",
    "infinite": " Its gradient is not finite in {}.",
    "apart": " There is no path from it to {}: its gradient is no part of theirs.",
    "mixture": "{} is pulled by {} losses: {} (weighted; {}){}.",
    "infinite mixture": "{} is pulled by {} losses: {}.",
    "share": "{:.0%} from {}",
    "no share": "0 from {}",
    "lost": "; {:.0%} is lost in the addition",
    "opposed": ", {:.0%} because they oppose each other",
    "not shared": "No layer is trained by several losses.",
    "forecast": "A small plain SGD step along this gradient would, to first order,",
    "lower": "  lower {} (by {:.4g} x the learning rate)",
    "raise": "  raise {} (by {:.4g} x the learning rate)",
    "hardly": "  hardly change {} (by {:+.4g} x the learning rate)",
    "keep": "  not change {} (by {:.4g} x the learning rate)",
    "infinite change": "  change {} by a number that is not finite",
    # and of the table
    "cosine": "{:+.2f}",
    "length": "{:.4g}",
    "no path": "-",
}
RIMS = {  # what the rim around a gradient means, in every picture
    "oppose": "pink rim: lost beyond right angles, where pulls oppose each other",
    "differ": "pale rim: lost up to right angles",
}
LOST = {"oppose": "lost beyond 90°: they oppose", "differ": "lost up to 90°"}  # the same, short
# A loss hardly changes where the cosine between its gradient and the step is smaller, or where it
# changes, as a part of its value, by a smaller part of what another loss does.
HARDLY = 0.05
FROZEN_WORDS = ("frozen", "partly frozen")
WIDTH = 88
WHOLE: dict[str, Any] = {  # lines are broken between words: a name stays as it is
    "break_long_words": False,
    "break_on_hyphens": False,
    "expand_tabs": False,
    "replace_whitespace": False,
}


class Phrases(Formatter):
    """As `str.format`, but a number that is not finite is said to be so."""

    def format_field(self, value: Any, spec: str) -> str:
        if not isinstance(value, float):
            return format(value, spec)
        return format(value + 0.0, spec) if isfinite(value) else "not finite"  # and -0.0 is 0


phrase = Phrases().format


class Layer(NamedTuple):
    """What has weights: a layer, however often it is called, or a parameter that is in no layer.

    Where the weights of a layer are not reached by the same losses, there is no gradient of the
    layer to speak of: each part is one of its own, called "heads/price" or "decoder/bias".

    Attributes
    ----------
    name : str
    parameters : list of str
        Those of its weights that training changes; all, if it changes none.
    measure : Measure
        Their gradients.
    trained : bool
        Does training change any of its weights?
    calls : int
        In how many places it is used.
    own : list of str
        All of its weights.
    """

    name: str
    parameters: list[str]
    measure: Measure
    trained: bool
    calls: int
    own: list[str]

    def losses(self) -> list[int]:
        """Those that have a path to it."""
        return [k for k, path in enumerate(self.measure.reach) if path]


def layer_of(flow: FlowData, name: str, parameters: Iterable[str], calls: int = 1) -> Layer:
    """What is said of these weights together."""
    names = list(parameters)
    free = [one for one in names if one not in flow.frozen]
    measures = [flow.parameters[one] for one in free or names]
    measure = Measure.together(measures, len(flow.losses))
    return Layer(name, free or names, measure, bool(free), calls, names)


def frozen_word(flow: FlowData, parameters: Sequence[str]) -> str:
    """Whether training leaves all or some of these weights as they are."""
    frozen = sum(name in flow.frozen for name in parameters)
    return "" if not frozen else FROZEN_WORDS[frozen < len(parameters)]


def layers_of(flow: FlowData) -> list[Layer]:
    """Everything that has weights, in the order of the first use."""
    found = []
    for layer, own in flow.weights_of_layers().items():
        calls = [
            one for one in flow.nodes if one.kind == "layer" and (one.layer or one.name) == layer
        ]
        for name, names in parts_of(flow, layer, own).items():
            users = [one for one in calls or flow.nodes if set(one.parameters) & set(names)]
            found.append(layer_of(flow, name, names, len(users) or 1))
    return found


def parts_of(flow: FlowData, layer: str, own: Sequence[str]) -> dict[str, list[str]]:
    """The weights of a layer by name of the part that the same losses reach: usually all in one.

    Penalties on kernels alone are usual, too, and tear no layer apart.
    """
    told = [k for k, loss in enumerate(flow.losses) if loss != "regularization"]
    by_reach: dict[Any, list[str]] = {}
    for name in own:
        reach = flow.parameters[name].reach
        by_reach.setdefault(tuple(reach[k] for k in told), []).append(name)
    if len(by_reach) == 1:
        return {layer: list(own)}
    found: dict[str, list[str]] = {}
    for names in by_reach.values():
        columns = zip(*(name.split("/")[:-1] for name in names), strict=False)
        same = takewhile(lambda column: len(set(column)) == 1, columns)
        folder = "/".join(column[0] for column in same)
        inside = [name for name in own if name.startswith(f"{folder}/")]
        found |= {folder: names} if inside == names else {name: [name] for name in names}
    return found


def shared_layers(flow: FlowData) -> list[Layer]:
    """The layers that more than one loss can train."""
    return [layer for layer in layers_of(flow) if layer.trained and len(layer.losses()) > 1]


# ---------------------------------------------------------------- words


def short_names(losses: Sequence[str]) -> list[str]:
    """The names of losses without the words that they all share at the end or at the beginning.

    >>> short_names(["main_output", "aux_output"]), short_names(["age", "income"])
    (['main', 'aux'], ['age', 'income'])
    >>> short_names(["eye_left_x", "eye_right_x"]), short_names(["head_1", "head_2"])
    (['left', 'right'], ['head_1', 'head_2'])
    """
    parts = [name.split("_") for name in losses]
    for end, rest in ((-1, slice(-1)), (0, slice(1, None))):
        while len(losses) > 1 and len({words[end] for words in parts}) == 1:
            fewer = [words[rest] for words in parts]
            if not all(any(map(str.isalpha, "".join(words))) for words in fewer):
                break
            parts = fewer
    return ["_".join(words) for words in parts]


def loss_label(short_name: str) -> str:
    """What stands on the card of a loss."""
    return short_name if short_name == "regularization" else f"loss: {short_name}"


def relation(cosine: float) -> str:
    """conflict, unrelated or agree."""
    return "conflict" if cosine < CONFLICT else "agree" if cosine > AGREE else "unrelated"


def thresholds() -> str:
    """Where the words for cosines begin.

    >>> thresholds()
    'conflict: a cosine below -0.25; agree: above +0.25; unrelated: between'
    """
    conflict, agree = signed(CONFLICT), signed(AGREE)
    return f"conflict: a cosine below {conflict}; agree: above {agree}; unrelated: between"


def signed(cosine: float) -> str:
    """
    >>> signed(0.7), signed(-0.001)
    ('+0.70', '+0.00')
    """
    return phrase(SENTENCES["cosine"], round(cosine, 2))


def verdict(
    measure: Measure, weights: Sequence[float], names: Sequence[str], pair: bool = True
) -> str:
    """In a word, whose gradient this is: "main only" is a matter of paths, "aux off" of weights.

    Of more than two losses it names the pair that agrees least, if `pair`.

    >>> import numpy as np
    >>> shared = Measure.of(np.array([[1.0, 0.0], [-1.0, 1.0]]), (0, 1), 2)
    >>> verdict(shared, [1, 1], ["main", "aux"]), verdict(shared, [1, 0], ["main", "aux"])
    ('conflict -0.71', 'main, aux off')
    """
    able = [k for k, path in enumerate(measure.reach) if path]
    active = [k for k in able if weights[k]]
    off = [k for k in able if k not in active]
    infinite = [k for k in active if not isfinite(measure.norm(k))]

    def say(case: str, *losses: Sequence[int]) -> str:
        return phrase(VERDICTS[case], *(", ".join(names[k] for k in some) for some in losses))

    if not able:
        return say("unreached")
    if not active:
        return say("off", off)
    if infinite:
        return say("infinite", infinite)
    if len(active) == 1:
        return say("partly off", active, off) if off else say("only", active)
    worst = measure.worst_pair(weights)
    if worst is None:
        alive = [k for k in active if measure.norm(k)]
        silent = [k for k in active if not measure.norm(k)]
        return say("partly zero", alive[:1], silent) if alive else say("zero")
    cosine, k, j = worst
    which = f" {names[k]}/{names[j]}" if pair and len(active) > 2 else ""
    return phrase(VERDICTS[relation(cosine)], signed(cosine) + which)


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


def them(words: Sequence[str]) -> str:
    return "it" if len(words) == 1 else "them"


def weighted_sum(flow: FlowData) -> str:
    """The formula of what is minimised."""
    return " + ".join(phrase(SENTENCES["term"], flow.weights[name], name) for name in flow.losses)


# ---------------------------------------------------------------- report


def report(flow: FlowData) -> str:
    """Who trains what, in plain sentences."""
    parts = [
        [phrase(SENTENCES["opening"], flow.step, weighted_sum(flow), mode_of(flow))],
        [pull_of(flow, k) for k in range(len(flow.losses))],
        mixture_lines(flow),
        settled_lines(flow),
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
    infinite = [layer.name for layer in able if not isfinite(layer.measure.norm(k))]
    now = name, value_of(flow, name), flow.weights[name]
    case = "trains nothing"
    if pulled:
        case = "trains" if flow.weights[name] else "would train"
    text = phrase(SENTENCES[case], *now, listing(pulled))
    for more, some in (("idle", idle), ("infinite", infinite), ("apart", able and unable)):
        text += phrase(SENTENCES[more], listing(some)) if some else ""
    return text


def value_of(flow: FlowData, loss: str, pattern: str = SENTENCES["now"]) -> str:
    """What a loss is now."""
    value = flow.values[loss]
    return SENTENCES["unlabelled"] if value is None else phrase(pattern, float(value))


def mixture_lines(flow: FlowData) -> list[str]:
    """How the losses mix in each layer that several of them train."""
    if len(flow.losses) < 2:
        return []
    lines = [mixture_in(flow, layer) for layer in shared_layers(flow)]
    return lines or [SENTENCES["not shared"]]


def mixture_in(flow: FlowData, layer: Layer) -> str:
    """How the losses mix in a layer."""
    weights, m = flow.weight_list, layer.measure
    parts, able = m.parts(weights), layer.losses()
    apart, word = sum(parts), verdict(m, weights, flow.losses)
    if not isfinite(apart):
        return phrase(SENTENCES["infinite mixture"], layer.name, len(able), word)
    shares = listing(
        phrase(SENTENCES["share"], parts[k] / apart, flow.losses[k])
        if apart
        else phrase(SENTENCES["no share"], flow.losses[k])
        for k in able
    )
    lost = ""
    if apart:
        differ, oppose = m.lost(weights)
        lost = phrase(SENTENCES["lost"], (differ + oppose) / apart)
        if oppose > WORTH * apart:
            lost += phrase(SENTENCES["opposed"], oppose / apart)
    return phrase(SENTENCES["mixture"], layer.name, len(able), shares, word, lost)


def settled_lines(flow: FlowData) -> list[str]:
    """What neither weights of losses nor the size of a gradient change."""
    lines = [*calls_lines(flow), *frozen_lines(flow), *idle_lines(flow)]
    if flow.mixes:
        lines.append(
            f"{flow.balancer} mixes the gradients of what is shared in a way of its own in each "
            f"step: what is said here is without it."
        )
    elif flow.balancer:
        lines.append(
            f"{flow.balancer} sets the weights in each step: those said here are of one moment."
        )
    return lines + flow.notes


def calls_lines(flow: FlowData) -> list[str]:
    """Layers that are called, and parameters that are used, several times."""
    cards = [node for node in flow.nodes if node.loss != "regularization"]  # it uses all, always
    uses = Counter(parameter for node in cards for parameter in node.parameters)
    lines, by_count = [], defaultdict(list)
    for layer in layers_of(flow):
        calls = 1 if layer.name in flow.parameters else layer.calls
        if calls > 1:
            lines.append(
                f"{layer.name} is called {calls} times with the same weights: the gradients of its "
                f"calls are added."
            )
        for name in layer.own:
            if uses[name] > calls:
                by_count[uses[name]].append(name)
    for count, names in by_count.items():
        are, whose = ("is", "its") if len(names) == 1 else ("are each", "their")
        lines.append(
            f"{listing(few(names))} {are} used in {count} places: the gradients of {whose} uses "
            f"are added."
        )
    return lines


def frozen_lines(flow: FlowData) -> list[str]:
    """Layers, or weights of layers, that training does not change."""
    layers = layers_of(flow)
    frozen = [layer.name for layer in layers if not layer.trained]
    weights = [name for layer in layers if layer.trained for name in layer.own]
    every = [*frozen, *(name for name in weights if name in flow.frozen)]
    shown = {name for node in flow.nodes for name in node.parameters}
    passed = any(name in shown for name in flow.frozen)
    what = "Gradients pass through, weights stay." if passed else "These weights stay."
    return [f"Frozen: {listing(few(every))}. {what}"] if every else []


def forecast_lines(flow: FlowData) -> list[str]:
    """What one small step would do to each loss."""
    lines = [SENTENCES["forecast"]]
    for name, (case, slope) in outlooks(flow).items():
        size = slope if case == "hardly" else abs(slope)
        lines.append(phrase(SENTENCES[case], name, size))
    return lines


def outlooks(flow: FlowData) -> dict[str, tuple[str, float]]:
    """By loss, what one small step would do to it: a case of `SENTENCES`, and how fast."""
    moving = [measure for name, measure in flow.parameters.items() if name not in flow.frozen]
    whole = Measure.together(moving, len(flow.losses))
    step, slopes, found = whole.total(flow.weight_list), flow.forecast(), {}
    parts = {
        name: abs(slope / value)
        for name, slope in slopes.items()
        if (value := flow.values[name]) and isfinite(value) and isfinite(slope)
    }
    most = max(parts.values(), default=0.0)
    for k, (name, slope) in enumerate(slopes.items()):
        aside = abs(slope) < HARDLY * whole.norm(k) * step
        if not isfinite(slope):
            case = "infinite change"
        elif not slope:
            case = "keep"
        elif aside or parts.get(name, most) < HARDLY * most:
            case = "hardly"
        else:
            case = "lower" if slope < 0 else "raise"
        found[name] = case, slope
    return found


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
        settled_lines(flow),
    ]
    filled = ("\n".join(fill(line, WIDTH, **WHOLE) for line in lines) for lines in parts if lines)
    return "\n\n".join(filled)


def paths_of(flow: FlowData, k: int, layers: Sequence[Layer]) -> str:
    """Which layers a loss can train."""
    name = flow.losses[k]
    able = [layer.name for layer in layers if layer.measure.reach[k] and layer.trained]
    known = [layer for layer in layers if layer.trained or layer.losses()]  # of some none is asked
    unable = [layer.name for layer in known if not layer.measure.reach[k]]
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


def idle_lines(flow: FlowData) -> list[str]:
    """What no loss reaches, and outputs that nothing judges."""
    lines = []
    idle = [layer.name for layer in layers_of(flow) if not layer.losses() and layer.trained]
    if idle:
        lines.append(f"No loss reaches {listing(few(idle))}: nothing trains {them(idle)}.")
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
    if name in DIVIDED and alone and not is_clipped(flow):
        lines.append(
            f"{name} divides each gradient by its own running size. Where one loss is alone "
            f"({where}) its weight cancels, as long as it is positive, stays the same, and "
            f"{what_is_small(name, settings)}; where losses meet, it decides how they mix."
        )
    elif name == "Lion" and alone and not is_clipped(flow):
        lines.append(
            f"{name} takes the sign of a mean of gradients alone. Where one loss is alone "
            f"({where}) its weight cancels, as long as it is positive and stays the same; where "
            f"losses meet, it decides whose sign wins."
        )
    elif name == "SGD" and alone and not is_clipped(flow):
        apart = ", apart from weight decay" if settings.get("weight_decay") else ""
        lines.append(
            f"{name} steps in proportion to the gradient: in {where} twice the weight, twice the "
            f"step{apart}."
        )
    if settings.get("momentum") or settings.get("beta_1"):
        lines.append(
            f"{name} remembers the gradients of earlier steps: a changed weight takes effect little"
            f" by little, and what a loss of weight 0 has pulled moves on for a while."
        )
    lines += clipping_lines(flow)
    if settings.get("weight_decay"):
        lines.append("Its weight decay shrinks weights, whatever the losses say.")
    return lines


def what_is_small(name: str, settings: Mapping[str, Any]) -> str:
    """What must be small, so that a gradient is divided by its own size alone.

    Epsilon counts most in the first step: there a running mean of the squares, which starts at 0,
    is only a small part of the gradient's square. (That of Nadam is corrected for it, and Adamax
    has the gradient itself.)

    >>> what_is_small("Adam", {"epsilon": 1e-7, "beta_2": 0.999})
    'epsilon (1e-07; in the first step it counts as 3.16e-06) is small beside each number of the
    gradient'
    """
    epsilon = settings.get("epsilon", 0.0)
    if "slot_start" in settings:  # Adagrad: the root of all squares so far, and of this
        start = settings["slot_start"] + epsilon
        return f"{start:g}, with which it starts, is small beside its squares"
    if settings.get("centered"):
        return f"epsilon ({epsilon:g}) is small beside the variance of each number of the gradient"
    what = f"epsilon ({epsilon:g}"
    if "rho" in settings:  # g / sqrt(v + epsilon), where v = (1 - rho) * g**2
        what += f"; in the first step it counts as {sqrt(epsilon / (1 - settings['rho'])):.3g}"
    if name in ("Adam", "AdamW") and "beta_2" in settings:
        # g / (sqrt(v) + epsilon), where v = (1 - beta_2) * g**2
        what += f"; in the first step it counts as {epsilon / sqrt(1 - settings['beta_2']):.3g}"
    return what + ") is small beside each number of the gradient"


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
    names, weights = flow.losses, flow.weight_list
    rows = [["weights", *names, "weighted sum", "verdict"]]
    for name, m in flow.parameters.items():
        lengths = [m.norm(k) if path else None for k, path in enumerate(m.reach)]
        cells = [length_in_words(x) for x in [*lengths, m.total(weights)]]
        frozen = " (frozen)" if name in flow.frozen else ""
        rows.append([name + frozen, *cells, verdict(m, weights, names)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *numbers, last = row
        aligned = [cell.rjust(w) for cell, w in zip(numbers, widths[1:-1], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *aligned, last]).rstrip())
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:], rule, *table_notes(flow)])


def length_in_words(length: float | None) -> str:
    """A cell of the table; None is where there is no path."""
    return SENTENCES["no path"] if length is None else phrase(SENTENCES["length"], length)


def table_notes(flow: FlowData) -> list[str]:
    """What one must know to read the table."""
    return [
        f"{SENTENCES['no path']}: no path from this loss",
        f"each loss alone is unweighted; {mode_of(flow)}",
        *([thresholds()] if len(flow.losses) > 1 else []),
    ]
