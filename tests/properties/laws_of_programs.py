"""What holds for every network: each law is a function of a random program that asserts it.

A law looks at the library from outside where it can: reach is searched for in the program's own
lines, slopes are differences of losses.
"""

import pickle
import tempfile
import warnings
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

import tinygrad_mo as tg
from random_programs import ODD_NAMES, TRAINED, Block, Draw, random_program
from tinygrad_mo.engine.plan import Plan
from tinygrad_mo.engine.randomness import Randomness

STEPS = 1e-5, 1e-6, 1e-7  # of differences


@st.composite
def programs(draw, **options):
    return random_program(Draw(lambda low, high: draw(st.integers(low, high))), **options)


def built(program):
    """The names of a program, without warnings on what is unwise (all frozen, no loss reaches)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return program.build()


def data_of(names):
    return names["x"], names["y"], names["sample_weight"]


def close(a, b, scale=1.0, tolerance=1e-9):
    a, b = np.asarray(a), np.asarray(b)
    size = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0), scale)
    return a.shape == b.shape and bool((np.abs(a - b) <= tolerance * size).all())


class Swept:
    """The losses of a model, from the same random draws, and sweeps from some of them."""

    def __init__(self, names):
        self.objective = names["model"].objective
        self.feed = self.objective.labelled_data(*data_of(names))
        self.terms = list(self.objective.terms.values())
        self.weights = self.objective.weight_list

    def forward(self, plan, **options):
        randomness = Randomness(plan.steps)
        before = randomness.states
        try:
            return plan.forward(self.feed, training=True, **options)
        finally:
            randomness.states = before

    def plan(self, losses):
        frozen = self.objective.contents.frozen_steps(self.objective.steps)
        return Plan(losses, self.objective.trainable_weights, (), frozen)

    def sweep(self, losses, seeds, per_loss=False):
        """Gradients by weight and by edge, each as (rows, losses of the rows)."""
        plan, edges = self.plan(losses), {}

        def record(n, position, gradient, reached):
            edges[plan.steps[n], position] = gradient, reached

        found = plan.backward(self.forward(plan), seeds, per_loss=per_loss, record=record)
        return {w: (g, plan.reaches(w)) for w, g in found.items() if g is not None} | edges


def one_sweep_is_each_loss_alone(program):
    """On each weight and each edge; and weighted, they add up to the gradient of the total."""
    swept = Swept(built(program))
    losses, weights = [term.value for term in swept.terms], swept.weights
    together = swept.sweep(losses, [1.0] * len(losses), per_loss=True)
    for k, loss in enumerate(losses):
        alone = swept.sweep([loss], [1.0])
        assert alone.keys() == {what for what, (_, reached) in together.items() if k in reached}
        for what, (row, _) in alone.items():
            rows, reached = together[what]
            assert close(rows[reached.index(k)], row[0], np.abs(rows).max(initial=1))
    total = sum((w * loss for w, loss in zip(weights, losses, strict=True)), 0.0)
    of_total, in_one_row = swept.sweep([total], [1.0]), swept.sweep(losses, weights)
    for what, (rows, reached) in together.items():
        mixed = sum(weights[k] * row for k, row in zip(reached, rows, strict=True))
        scale = np.abs(rows).max(initial=1) * max(map(abs, weights))
        assert close(mixed, of_total[what][0][0], scale)
        assert close(mixed, in_one_row[what][0][0], scale)


def gradients_are_slopes(program):
    """Central differences of each loss along two directions; a stopped gradient stands still."""
    swept = Swept(built(program))
    random = np.random.default_rng(1)
    plan = swept.plan([term.value for term in swept.terms])
    start = {w: w.numpy() + 0.1 * random.normal(size=w.shape) for w in plan.wrt}  # off the kinks
    kept = {}

    def at(point):
        for w, value in point.items():
            w.assign(value)
        return swept.forward(plan, run=run)

    def run(step, arrays, training):
        if step.op.name != "stop_gradient":
            return step.run(arrays, training)
        made = step.run(arrays, training)
        kept.setdefault(step, made[0])
        return kept[step], made[1]

    values = lambda point: np.array([float(v) for v in plan.numbers(at(point), plan.losses)])
    tape = at(start)
    sizes = 1 + np.abs([float(v) for v in plan.numbers(tape, plan.losses)])
    found = plan.backward(tape, [1.0] * len(plan.losses), per_loss=True)
    for _ in range(2):
        along = {w: random.normal(size=w.shape) for w in plan.wrt}
        slopes = np.zeros(len(plan.losses))
        for w, rows in found.items():
            for k, row in zip(plan.reaches(w), () if rows is None else rows, strict=True):
                slopes[k] += (row * along[w]).sum()
        errors = []
        for h in STEPS:  # a kink between two points is passed by with a smaller step
            above, below = ({w: v + s * along[w] for w, v in start.items()} for s in (h, -h))
            difference = (values(above) - values(below)) / (2 * h)
            errors.append(np.abs(difference - slopes) / (sizes + np.abs(slopes)))
            if (errors[-1] < 1e-6 * max(1, 1e-6 / h)).all():
                break
        else:
            raise AssertionError(f"slopes {slopes}, off by {np.min(errors, axis=0)} of their size")


def reached_in_text(program, start):
    """The names of lines that a gradient reaches from the line `start`, read in the text."""
    by_name = {line.name: line for line in program.lines}
    waiting, found = [start], set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            line = by_name[name]
            waiting += () if line.stops or line.kind == "model" else line.uses
    return found


def reach_is_what_the_program_says(program):
    """Which loss reaches which weight: by the lines of the program, by the plan, by the flow."""
    names = built(program)
    model = names["model"]
    flow = model.gradient_flow(*data_of(names))
    name_of = {w: name for name, w in model.named_weights().items()}
    starts = {t.name: program.outputs[t.output] for t in model.objective.terms.values() if t.output}
    starts |= program.added
    plan, terms = model.training_plan(), list(model.objective.terms)
    for loss, start in starts.items():
        found = reached_in_text(program, start)
        for line in program.lines:
            if line.kind != "layer":
                continue
            made = names[line.name]
            for w in [made] if isinstance(made, tg.Parameter) else made.weights:
                if name_of.get(w) in flow.parameters:
                    assert flow.reaches(loss, name_of[w]) == (line.name in found), (loss, w)
                if w in plan.wrt:
                    assert (terms.index(loss) in plan.reaches(w)) == (line.name in found), (loss, w)


def edges_are_those_that_a_search_finds(program):
    """From each loss down all that lies below it, by the graph alone."""
    swept = Swept(built(program))
    losses = [term.value for term in swept.terms]
    together = swept.sweep(losses, [1.0] * len(losses), per_loss=True)
    wanted = {w.key for w in swept.objective.trainable_weights}
    leads = {}  # by tensor: does something wanted lie at or below it?

    def passes(step):
        return [
            (n, x) for n, x in enumerate(step.inputs) if x is not None and step.differentiable[n]
        ]

    def leads_to_wanted(x):
        if x.key not in leads:
            below = () if x.step is None else passes(x.step)
            leads[x.key] = x.key in wanted or any(leads_to_wanted(one) for _, one in below)
        return leads[x.key]

    for k, loss in enumerate(losses):
        found, waiting = set(), [loss]
        seen = set()
        while waiting:
            x = waiting.pop()
            if x.step is None or x.step in seen:
                continue
            seen.add(x.step)
            for n, below in passes(x.step):
                if leads_to_wanted(below):
                    found.add((x.step, n))
                    waiting.append(below)
        edges = {what for what, (_, reached) in together.items() if type(what) is tuple}
        assert found == {edge for edge in edges if k in together[edge][1]}


def bits(arrays):
    return [(np.asarray(a).shape, np.asarray(a).tobytes()) for a in arrays]


def predicting_changes_nothing(program):
    names = built(program)
    model, x = names["model"], names["x"]
    before = bits(model.get_weights())
    first, again = (model.predict(x) for _ in range(2))
    assert list(first) == list(model.outputs)
    assert bits(first.values()) == bits(again.values())
    parts = model.predict(x, batch_size=4)
    assert all(close(parts[name], value) for name, value in first.items())
    assert bits(model.get_weights()) == before


def a_file_holds_the_model(program):
    """What is read predicts and trains to the same bits."""
    names = built(program)
    model = names["model"]
    with tempfile.TemporaryDirectory() as folder, tg.use(floatx="float64"):
        path = Path(folder) / "model.tg"
        model.save(path)
        again = tg.load(path, custom_objects={"Block": Block})
        again.save(Path(folder) / "again.tg")
        assert path.read_bytes() == (Path(folder) / "again.tg").read_bytes()
    assert list(again.named_weights()) == list(model.named_weights())
    assert dict(again.loss_weights) == dict(model.loss_weights)
    assert bits(again.predict(names["x"]).values()) == bits(model.predict(names["x"]).values())
    histories = [trained(one, names) for one in (model, again)]
    assert same_numbers(*histories)
    assert bits(again.get_weights()) == bits(model.get_weights())


def trained(model, names, batch_size=4, **settings):
    """The History of an epoch, by default without replay, which takes time to trace a step."""
    x, y, sample_weight = data_of(names)
    with warnings.catch_warnings(), tg.use(**{"replay": False} | settings):
        warnings.simplefilter("ignore", UserWarning)
        fitted = model.fit(x, y, sample_weight=sample_weight, batch_size=batch_size, verbose=0)
    return fitted.history


def same_numbers(one, other):
    return list(one) == list(other) and all(
        np.array_equal(one[key], other[key], equal_nan=True) for key in one
    )


def replayed_is_plain(program):
    """A step that is replayed, or has compiled kernels, differs from the plain one by rounding."""
    ends = []
    for settings in ({"replay": True}, {"replay": False}, {"kernels": False}):
        names = built(program)
        history = trained(names["model"], names, batch_size=3, **settings)
        ends.append((history, names["model"].get_weights()))
    (history, weights), *others = ends
    for plain_history, plain_weights in others:
        assert list(history) == list(plain_history)
        assert all(close(a, b, tolerance=1e-6) for a, b in zip(weights, plain_weights, strict=True))
        for key, numbers in history.items():
            assert close(numbers, plain_history[key], tolerance=1e-6)


def the_total_is_the_weighted_sum(program):
    """Of the reported losses: in evaluate, in the History of fit, in a flow."""
    names = built(program)
    model = names["model"]
    terms, weights = model.objective.terms.values(), dict(model.loss_weights)
    x, y, sample_weight = data_of(names)
    flow = model.gradient_flow(x, y, sample_weight)
    assert flow.losses == [term.name for term in terms] and flow.weights == weights
    logs = model.evaluate(x, y, sample_weight=sample_weight, batch_size=4, return_dict=True)
    history = trained(model, names)
    if not model.objective.has_several:
        assert list(logs) == ["loss"] and len(weights) == 1
        return
    for found in [logs, {key: numbers[0] for key, numbers in history.items()}]:
        parts = {term.name: weights[term.name] * found[term.label] for term in terms}
        scale = sum(map(abs, parts.values())) + 1
        assert close(found["loss"], sum(parts.values()), scale)
        for name, part in parts.items():
            if f"weighted/{name}" in found:
                assert close(found[f"weighted/{name}"], part, scale)


def a_flow_goes_through_a_file(program):
    names = built(program)
    flow = names["model"].gradient_flow(*data_of(names), keep_arrays=True)
    with tempfile.TemporaryDirectory() as folder:
        flow.save(Path(folder) / "a.flow")
        assert tg.Flow.load(Path(folder) / "a.flow") == flow
    assert pickle.loads(pickle.dumps(flow)) == flow
    for name in flow.parameters:
        for loss in flow.losses:
            gradient = flow.gradient(loss, name)
            size = 0.0 if gradient is None else np.linalg.norm(gradient)
            assert close(flow.norm(loss, name), size)
            assert (gradient is None) == (not flow.reaches(loss, name))
    for text in (flow.table(), flow.report()):
        assert all(loss in text for loss in flow.losses)


def odd_names_are_told_apart_or_refused(program):
    """A model is made of which all of the above holds, or the error quotes the name."""
    try:
        built(program)
    except ValueError as error:
        assert any(f"{name!r}" in str(error) for name in ODD_NAMES), error
        return
    reach_is_what_the_program_says(program)
    a_file_holds_the_model(program)
    the_total_is_the_weighted_sum(program)
    a_flow_goes_through_a_file(program)


LAWS = dict.fromkeys(
    [
        replayed_is_plain,
        a_file_holds_the_model,
        the_total_is_the_weighted_sum,
        a_flow_goes_through_a_file,
        one_sweep_is_each_loss_alone,
        predicting_changes_nothing,
        reach_is_what_the_program_says,
        gradients_are_slopes,
        edges_are_those_that_a_search_finds,
    ],
    programs(optimizers=TRAINED),
)
LAWS[odd_names_are_told_apart_or_refused] = programs(optimizers=TRAINED, odd_names=True)
