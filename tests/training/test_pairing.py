"""What belongs to what: every form of saying it trains the same, or is refused with a reason.

First all combinations of forms, each compared by name with two heads written out in NumPy. Then
the table of cases that are easily paired wrong, one test each.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from itertools import count, islice, permutations, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks, layers, losses, metrics
from tinygrad_mo.flow import layout
from tinygrad_mo.network import feeding
from tinygrad_mo.training import objective
from zoo import base_model, headline, shared_twins

pytestmark = pytest.mark.usefixtures("float64")
NAMES = ("priority", "department")  # in this order, which is not that of the alphabet
BCE = "binary_crossentropy"


class Form(NamedTuple):
    """One way to say something, and what it means by name."""

    given: object
    means: dict
    kind: str  # "all": once for all outputs, "list" or "dict"


def for_all(given, value):
    return Form(given, dict.fromkeys(NAMES, value), "all")


def full(values):
    """All ways to give one value to each output."""
    by_order = [values[name] for name in NAMES]
    yield Form(by_order, values, "list")
    yield Form(tuple(by_order), values, "list")
    for order in permutations(NAMES):
        yield Form({name: values[name] for name in order}, values, "dict")


def partial(values, otherwise):
    for name in NAMES:
        means = {**dict.fromkeys(NAMES, otherwise), name: values[name]}
        yield Form({name: values[name]}, means, "dict")


RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(4, 2))
Y = {"priority": np.array([1.0, 0, 0, 1])[:, None], "department": np.array([0.0, 0, 1, 0])[:, None]}
HEAVY = {name: RANDOM.uniform(0.2, 3, 4) for name in NAMES}
BY_CLASS = {"priority": {0: 0.5, 1: 3.0}, "department": {1: 1.7}}
ONES = np.ones(4)

LOSS = {"priority": BCE, "department": "mse"}
FACTOR = {"priority": 2.0, "department": 0.3}
METRIC = {"priority": ["accuracy"], "department": ["mae"]}
LOSSES = [for_all("mse", "mse"), *full(LOSS), *partial(LOSS, None)]
FACTORS = [for_all(None, 1.0), for_all(0.5, 0.5), *full(FACTOR), *partial(FACTOR, 1.0)]
METRICS = [for_all(None, []), for_all("mae", ["mae"]), for_all(["mae"], ["mae"])]
METRICS += [*full(METRIC), *partial(METRIC, [])]
SAMPLES = [for_all(None, ONES), for_all(HEAVY["priority"], HEAVY["priority"])]
SAMPLES += [for_all(HEAVY["priority"].tolist(), HEAVY["priority"])]
SAMPLES += [*full(HEAVY), *partial(HEAVY, ONES)]
CLASSES = [for_all(None, {}), for_all({1: 3.0}, {1: 3.0})]
CLASSES += [*full(BY_CLASS), *partial(BY_CLASS, {})]


def targets(judged):
    """All ways to give labels: to all outputs, or to those with a loss."""
    yield from full(Y)
    if len(judged) < len(NAMES):
        (name,) = judged
        for given in (Y[name], [Y[name]], {name: Y[name]}):
            yield Form(given, Y, "all")


def two_heads(as_dict):
    x = tg.Input((2,), name="x")
    heads = {name: layers.Dense(1, "sigmoid", name=name)(x) for name in NAMES}
    return tg.Model(x, heads if as_dict else list(heads.values()))


def step(model, y, sample_weight=None, class_weight=None):
    """What one step with learning rate 1 says, and moves in each head; the model stays as it is."""
    before = model.get_weights()
    logs = model.train_on_batch(X, y, sample_weight, class_weight, return_dict=True)
    moves = [a - b for a, b in zip(before, model.get_weights(), strict=True)]
    model.set_weights(before)
    return logs, dict(zip(model.named_weights(), moves, strict=True))


def by_hand(weights, loss, factor, metric, samples, classes):
    """The same, written out."""
    logs, shown, moves = {"loss": 0.0}, {}, {}
    for name in NAMES:
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        moves[f"{name}/kernel"], moves[f"{name}/bias"] = np.zeros_like(kernel), np.zeros_like(bias)
        if loss[name] is None:
            continue
        y, p = Y[name], 1 / (1 + np.exp(-(X @ kernel + bias)))
        heavy = samples[name] * [classes[name].get(int(c), 1.0) for c in y[:, 0]]
        if loss[name] == BCE:
            each, slope = -(y * np.log(p) + (1 - y) * np.log(1 - p)), p - y
        else:
            each, slope = (p - y) ** 2, 2 * (p - y) * p * (1 - p)
        logs[f"{name}_loss"] = (heavy * each[:, 0]).mean()
        logs["loss"] += factor[name] * logs[f"{name}_loss"]
        slope = factor[name] * heavy[:, None] * slope / 4
        moves[f"{name}/kernel"], moves[f"{name}/bias"] = X.T @ slope, slope.sum(axis=0)
        scores = {"accuracy": ((p > 0.5) == y).mean(), "mae": abs(p - y).mean()}
        shown |= {f"{name}_{m}": scores[m] for m in metric[name]}
    return logs | shown, moves


def agree(found, expected):
    if list(found) != list(expected):
        return False
    a, b = (
        np.concatenate([np.ravel(one) for one in all_of.values()]) for all_of in (found, expected)
    )
    return bool((abs(a - b) <= 1e-12 + 1e-9 * abs(b)).all())


def refusal(call, *arguments):
    """The text of the error, or "" if there is none."""
    try:
        call(*arguments)
    except ValueError as error:
        return str(error)
    return ""


def check_refusal(text, two_ways):
    words = ["two ways", "(priority, department)", "(department, priority)"]
    for word in words if two_ways else ["has no loss, so it is given no labels"]:
        assert word in text


def check_pairing(every):
    """All ways to compile, each with every `every`-th way to give data; counts what happened."""
    seen, start = Counter(), count()
    models = {as_dict: two_heads(as_dict) for as_dict in (False, True)}
    for as_dict, loss, factor, metric in product([False, True], LOSSES, FACTORS, METRICS):
        model = models[as_dict]
        given = (loss.given, factor.given, metric.given)
        judged = [name for name in NAMES if loss.means[name] is not None]
        two_ways = as_dict and any(form.kind == "list" for form in (loss, factor, metric))
        unlabelled = metric.kind != "all" and any(metric.means[n] for n in NAMES if n not in judged)
        if two_ways or unlabelled:
            check_refusal(refusal(model.compile, tg.optimizers.SGD(1.0), *given), two_ways)
            seen["refused by compile"] += 1
            continue
        model.compile(tg.optimizers.SGD(1.0), *given)
        weights = {name: w.numpy() for name, w in model.named_weights().items()}
        data = product(targets(judged), SAMPLES, CLASSES)
        for labels, sample, by_class in islice(data, next(start) % every, None, every):
            given = labels.given, sample.given, by_class.given
            if as_dict and any(form.kind == "list" for form in (labels, sample, by_class)):
                check_refusal(refusal(step, model, *given), True)
                seen["refused by fit"] += 1
                continue
            if by_class.kind == "all" and by_class.given and len(judged) > 1:
                assert "one dict by class was given for 2 outputs" in refusal(step, model, *given)
                seen["refused by fit"] += 1
                continue
            logs, moves = step(model, *given)
            expected = by_hand(
                weights, loss.means, factor.means, metric.means, sample.means, by_class.means
            )
            assert agree(logs, expected[0]) and agree(moves, expected[1]), (as_dict, given)
            seen["trained"] += 1
    return seen


@pytest.mark.exhaustive
@pytest.mark.parametrize("every", [9999, 197])
def test_every_form_means_what_its_names_say(every):
    seen = check_pairing(every)
    assert min(seen.values()) > 20_000 / every, seen


@pytest.mark.one_in(6, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize(
    "what", ["loss", "loss_weights", "metrics", "labels of output", "sample_weight", "class_weight"]
)
def test_a_wrong_pairing_is_noticed(what, monkeypatch):
    """A mutant that reads one dict as other libraries do: sorted by key, then in declared order."""

    def sorted_by_key(this, given, names, **options):
        if this == what and isinstance(given, Mapping) and set(given) == set(NAMES):
            return dict(zip(names, [given[name] for name in sorted(given)], strict=True))
        return match(this, given, names, **options)

    match = feeding.match
    monkeypatch.setattr(feeding, "match", sorted_by_key)
    monkeypatch.setattr(objective, "match", sorted_by_key)
    with pytest.raises(AssertionError):
        check_pairing(every=197)


# The table of cases

ROWS = {}


def row(name):
    def enter(test):
        assert name not in ROWS
        ROWS[name] = test
        return test

    return enter


def refused(call, *words, error=ValueError):
    """The text of the error and its notes contains the words."""
    with pytest.raises(error) as caught:
        call()
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    for word in words:
        assert word in text, f"{word!r} is not in: {text}"


def pair(as_dict=False, **options):
    model = two_heads(as_dict)
    model.compile(**{"optimizer": "sgd", "loss": BCE, **options})
    return model


def scores(model, y=None, x=X, **options):
    return model.evaluate(x, list(Y.values()) if y is None else y, return_dict=True, **options)


def compiling(as_dict=False, **options):
    return lambda: pair(as_dict, **options)


def moved(model, y):
    """The largest move of each head in one step."""
    return {name: abs(move).max() for name, move in step(model, y)[1].items()}


def p_of(model):
    return dict(zip(NAMES, model.predict(X), strict=True))


@row("several losses: the keys of History, unweighted, and they add up")
def _():
    model = pair(loss=[BCE, "mse"], loss_weights=[1.0, 0.2], metrics=[["accuracy"], ["AUC"]])
    history = model.fit(X, list(Y.values()), validation_split=0.5, verbose=0).history
    keys = ["loss", "priority_loss", "department_loss", "priority_accuracy", "department_AUC"]
    assert [key for key in history if "/" not in key] == keys + [f"val_{key}" for key in keys]
    parts = history["weighted/priority"][0], history["weighted/department"][0]
    expected = history["priority_loss"][0], 0.2 * history["department_loss"][0]
    assert parts == pytest.approx(expected, rel=1e-12)
    assert sum(parts) == history["loss"][0]


@row("one loss, a list of weights: the form of the old guide")
def _():
    model, x, y = headline()
    model.compile("rmsprop", loss="binary_crossentropy", loss_weights=[1.0, 0.2])
    logs = scores(model, y, x)
    assert logs["loss"] == pytest.approx(logs["main_output_loss"] + 0.2 * logs["aux_output_loss"])
    history = model.fit(x, y, epochs=20, verbose=0).history
    assert all(history[f"{name}_loss"][-1] < history[f"{name}_loss"][0] for name in model.outputs)


@row("a list of losses, a dict of weights")
def _():
    model = pair(loss=[BCE, "mse"], loss_weights={"priority": 1000.0, "department": 0.001})
    logs = scores(model)
    expected = 1000 * logs["priority_loss"] + 0.001 * logs["department_loss"]
    assert logs["loss"] == pytest.approx(expected, rel=1e-9)


def guide(loss, **options):
    """The model of the best-known guide to the functional way: three inputs, two outputs."""
    title, body = (tg.Input((None,), "int32", name) for name in ("title", "body"))
    tags = tg.Input((12,), name="tags")
    read = [layers.LSTM(4)(layers.Embedding(30, 6)(text)) for text in (title, body)]
    x = layers.concatenate([*read, tags])
    priority, department = (
        layers.Dense(1, name="priority")(x),
        layers.Dense(4, name="department")(x),
    )
    outputs = {"priority": priority, "department": department}
    model = tg.Model([title, body, tags], outputs)
    model.compile(tg.optimizers.RMSprop(1e-3), loss=loss, **options)
    return model


GUIDE_LOSSES = {
    "priority": losses.BinaryCrossentropy(from_logits=True),
    "department": losses.CategoricalCrossentropy(from_logits=True),
}


@row("a dict of outputs, a list of losses: the guide's first compile")
def _():
    both = ["priority, department", "department, priority", "Give a dict with these keys"]
    by_order = list(GUIDE_LOSSES.values())
    refused(lambda: guide(by_order, loss_weights=[1.0, 0.2]), "loss: a list can be read", *both)


@row("a dict of outputs, a dict of losses: the guide's second compile trains both heads")
def _():
    model = guide(GUIDE_LOSSES, loss_weights={"priority": 1.0, "department": 0.2})
    draw = np.random.default_rng(3)
    x = {name: draw.integers(30, size=(8, 5)) for name in ("title", "body")}
    x["tags"] = draw.integers(2, size=(8, 12))
    y = {"department": np.eye(4)[draw.integers(4, size=8)], "priority": draw.random((8, 1)) > 0.5}
    before = dict(zip(model.named_weights(), model.get_weights(), strict=True))
    history = model.fit(x, y, epochs=2, batch_size=4, verbose=0).history
    for name, w in model.named_weights().items():
        assert abs(w.numpy() - before[name]).max() > 1e-6, f"{name} did not move"
    logits = model.predict(x)
    p = np.exp(logits["department"])
    cce = -np.log((p / p.sum(axis=1, keepdims=True) * y["department"]).sum(axis=1)).mean()
    assert scores(model, y, x)["department_loss"] == pytest.approx(cce, rel=1e-9)
    assert min(history["priority_loss"]) > 0.1


@row("a dict of outputs, a list of weights or metrics")
def _():
    weights, two = compiling(True, loss_weights=[1.0, 0.2]), "two ways"
    refused(
        weights, "loss_weights: a list", two, "(priority, department)", "(department, priority)"
    )
    refused(compiling(True, metrics=[["mae"], ["acc"]]), "metrics: a list", two)
    for as_dict in (False, True):
        refused(
            compiling(as_dict, metrics=["mae", "acc"]),
            "one metric for each output (mae for priority, acc for department)",
            "or all 2 for every output",
        )


@row("a list of losses that is too short")
def _():
    refused(compiling(loss=[BCE]), "loss: 1 given for 2: priority, department")


@row("a list of losses that is too long")
def _():
    refused(compiling(loss=[BCE] * 3), "loss: 3 given for 2: priority, department")


@row("a dict of losses without one output")
def _():
    for as_dict in (False, True):
        model = pair(as_dict, loss={"priority": BCE})
        before = model.get_weights()
        said = "no loss reaches department/kernel, department/bias.*without a loss: department"
        with pytest.warns(UserWarning, match=said):
            model.fit(X, Y["priority"], verbose=0)
        moves = [abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True)]
        assert moves == [True, True, False, False]


@row("a dict of losses with a typo")
def _():
    refused(compiling(loss={"priorty": BCE}), "loss: there is no 'priorty'", "mean 'priority'")


@row("an output without a loss: the others keep their keys")
def _():
    for loss in ({"priority": BCE, "department": None}, [BCE, None], {"priority": BCE}):
        model = pair(loss=loss, metrics={"priority": "mae"})
        assert model.metrics_names == ["loss", "priority_loss", "priority_mae"]
        assert list(scores(model)) == model.metrics_names


@row("an output without a loss: labels for all, for the others, or bare")
def _():
    one = Y["priority"]
    for loss in ({"priority": BCE, "department": None}, [BCE, None]):
        model = pair(loss=loss)
        for y in (list(Y.values()), Y, {"priority": one}, [one], one, [one, None]):
            assert scores(model, y) == scores(model)


@row("loss weights: a typo, and one that is left out counts 1")
def _():
    assert pair(loss_weights={"department": 0.2}).loss_weights == {"priority": 1, "department": 0.2}
    typo = compiling(loss_weights={"departement": 0.2})
    refused(typo, "loss_weights: there is no 'departement'", "did you mean 'department'")


@row("loss weights: one number")
def _():
    assert pair(loss_weights=0.5).loss_weights == {"priority": 0.5, "department": 0.5}


@row("metrics: one name, a list of one, a dict with a typo")
def _():
    for given in ("accuracy", ["accuracy"]):
        names = pair(metrics=given).metrics_names
        assert names[3:] == ["priority_accuracy", "department_accuracy"]
    refused(compiling(metrics={"prioritty": "mae"}), "metrics: there is no", "mean 'priority'")


@row("metrics: one object for two outputs counts for each apart")
def _():
    auc = metrics.AUC()
    found = scores(pair(metrics={"priority": auc, "department": auc}))
    apart = scores(pair(metrics={"priority": metrics.AUC(), "department": metrics.AUC()}))
    assert list(found) == list(apart)
    model = pair(metrics=[auc])
    for name, p in p_of(model).items():
        alone = metrics.AUC()
        alone.update(Y[name], p)
        assert scores(model)[f"{name}_auc"] == alone.result()


@row("metrics: two of one name")
def _():
    twice = [metrics.BinaryAccuracy(0.3), metrics.BinaryAccuracy(0.7)]
    refused(
        compiling(metrics=[twice, None]), "two series called 'priority_binary_accuracy'", "name="
    )
    twice[1].name = "strict"
    names = pair(metrics=[twice, None]).metrics_names[3:]
    assert names == ["priority_binary_accuracy", "priority_strict"]


def same_step(model, one, other):
    """Do two ways to give (labels, sample weights, class weights) make the same step?"""
    (logs, moves), (others, also) = step(model, *one), step(model, *other)
    return agree(logs, others) and agree(moves, also)


@row("class weights: by class, by output, balanced, in a batch that lacks a class")
def _():
    y, model = list(Y.values()), pair()
    heavy = {name: np.where(Y[name][:, 0] == 1, 3.0, 0.5) for name in NAMES}
    one = {"department": {1: 3.0, 0: 0.5}}
    both = {name: {0: 0.5, 1: 3.0} for name in NAMES}
    assert same_step(model, (y, None, both), (y, heavy, None))
    assert same_step(model, (y, None, one), (y, {"department": heavy["department"]}, None))
    balanced = {"department": {0: 4 / (2 * 3), 1: 4 / (2 * 1)}}
    assert same_step(model, (y, None, {"department": "balanced"}), (y, None, balanced))
    zeros = [np.zeros((4, 1))] * 2
    assert same_step(model, (zeros, None, both), (zeros, np.full(4, 0.5), None))
    unknown = {"priority": {2: 1.0}}
    no_label = "class_weight of 'priority': no label is 2; known: 0, 1"
    refused(lambda: model.fit(X, y, class_weight=unknown), no_label)
    refused(lambda: model.evaluate(X, y, class_weight=unknown), no_label)
    assert same_step(model, (y, None, unknown), (y, None, None))  # other batches may have it
    refused(lambda: step(model, y, None, {1: 3.0}), "one dict by class was given for 2 outputs")
    single = pair(loss=["mse", None])
    of_one = step(single, y[:1], None, {1: 3.0}), step(single, y[:1], None, {"priority": {1: 3.0}})
    assert agree(of_one[0][0], of_one[1][0])
    batches = [(X, y)]
    refused(lambda: model.fit(batches_of(batches), class_weight="balanced"), "counts all labels")


def batches_of(batches):
    return lambda: iter(batches)


@row("class weights: in fit, not in its validation")
def _():
    y = list(Y.values())
    held_out = X[2:], [one[2:] for one in y]
    heavy = {name: {1: 5.0} for name in NAMES}
    options = {"class_weight": heavy, "batch_size": 4, "verbose": 0}
    by_hand = pair(optimizer=tg.optimizers.SGD(1e-300))
    split = by_hand.fit(X, y, validation_split=0.5, **options).history
    given = by_hand.fit(X, y, validation_data=held_out, **options).history
    assert split["val_loss"] == given["val_loss"] == [by_hand.evaluate(*held_out)[0]]
    assert split["loss"] != by_hand.evaluate(X[:2], [one[:2] for one in y])[0]


@row("sample weights: one array for all outputs, but not one of two axes")
def _():
    y, heavy, model = list(Y.values()), HEAVY["priority"], pair()
    assert same_step(model, (y, heavy, None), (y, [heavy, heavy], None))
    refused(lambda: step(model, y, np.ones((4, 2))), "shape (4, 2), expected (4,)")


@row("sample weights: a dict beside a dict of labels, for a list of outputs")
def _():
    y, model = list(Y.values()), pair()
    backwards = {name: HEAVY[name] for name in reversed(NAMES)}
    assert same_step(model, (y, list(HEAVY.values()), None), (Y, backwards, None))


@row("sample weights: a dict without one output counts 1 there, and prints no data")
def _():
    model, some = pair(), {"department": HEAVY["department"]}
    assert same_step(model, (Y, some, None), (Y, [np.ones(4), HEAVY["department"]], None))
    with pytest.raises(ValueError, match="there is no 'departement'") as caught:
        step(model, Y, {"departement": HEAVY["department"]})
    assert len(str(caught.value)) < 150


@row("sample weights: a list for a dict of outputs")
def _():
    for given in ([ONES, None], (ONES, ONES)):
        words = "sample_weight: a list can be read", "(priority, department)"
        refused(lambda given=given: scores(pair(True), Y, sample_weight=given), *words)
    classes = [{0: 2.0}, {1: 2.0}]
    refused(lambda: scores(pair(True), Y, class_weight=classes), "class_weight: a list can be read")


@row("sample weights: zeros on half the rows")
def _():
    half, y = np.array([1.0, 1, 0, 0]), list(Y.values())
    over_all = scores(pair(), sample_weight=half)["priority_loss"]
    by_weight = losses.BinaryCrossentropy(reduction="mean_with_sample_weight")
    model = pair(loss=by_weight)
    alone = scores(model, [one[:2] for one in y], X[:2])["priority_loss"]
    assert scores(model, sample_weight=half)["priority_loss"] == pytest.approx(alone, rel=1e-12)
    assert 0 < over_all < 1 and "divided by the sum of the weights" in losses.Loss.__doc__


@row("a label of NaN is none: exact loss and gradient of the others")
def _():
    gaps = {name: np.where([[0], [1], [0], [1]], np.nan, y) for name, y in Y.items()}
    kept = [0, 2]
    for loss in (BCE, "mse"):
        model = pair(loss=loss)
        found = scores(model, gaps)
        assert found == pytest.approx(scores(model, [y[kept] for y in Y.values()], X[kept]))
        weights = np.array([2.0, 0.0, 1.0, 0.0])
        assert same_step(model, (gaps, weights, None), (gaps, np.nan_to_num(weights), None))
        assert np.isfinite(list(scores(model, gaps, sample_weight=weights).values())).all()


@row("labels: one array for two outputs")
def _():
    for y in ([Y["priority"]], Y["priority"]):
        refused(lambda y=y: scores(pair(), y), "labels of output: ", "for 2: priority, department")


@row("labels: a dict with a typo, a dict without one output")
def _():
    typo = {"prioritty": Y["priority"], "department": Y["department"]}
    refused(lambda: scores(pair(), typo), "there is no 'prioritty'", "did you mean 'priority'")
    refused(lambda: scores(pair(), {"priority": Y["priority"]}), "'department' missing")


@row("labels: a list for a dict of outputs, also where one has no loss")
def _():
    for loss in (BCE, {"priority": BCE}):
        refused(lambda loss=loss: scores(pair(True, loss=loss)), "labels of output: a list can be")


@row("labels of a wrong shape")
def _():
    words = "labels of output 'priority': shape (4, 3), expected (None, 1)", "binary_crossentropy"
    refused(lambda: scores(pair(), [np.ones((4, 3)), Y["department"]]), *words, "'priority'")


@row("arrays of unequal length")
def _():
    short = [Y["priority"], Y["department"][:2]]
    refused(lambda: scores(pair(), short), "input 'x'", "labels of 'department'", "4", "2")


@row("inputs: one missing in a dict, two swapped, a list for a dict")
def _():
    model, (ids, extra), _y = headline()
    refused(lambda: model.predict({"main_input": ids}), "'aux_input' missing", "['main_input']")
    refused(lambda: model.predict([extra, ids]), "Did you swap 'main_input' and 'aux_input'?")
    b, a = tg.Input((2,), name="b"), tg.Input((2,), name="a")
    named = tg.Model({"b": b, "a": a}, layers.subtract([b, a]))
    refused(lambda: named.predict([X, 2 * X]), "input: a list can be read in two ways", "(b, a)")
    refused(lambda: named([b, a]), "input: a list can be read in two ways", "(a, b)")
    np.testing.assert_allclose(named.predict({"a": X, "b": 3 * X}), 2 * X, rtol=1e-12)


@row("a forgotten input, or one that has nothing to do with the outputs")
def _():
    a, b, c = (tg.Input((2,), name=name) for name in "abc")
    both = layers.concatenate([a, b], name="cat")
    words = "needs Input 'b' (None, 2), made at", "test_pairing.py:", "used by 'cat'"
    refused(lambda: tg.Model(a, both), *words, "Model([a, b], ...)")
    refused(lambda: tg.Model(c, layers.Dense(1)(a)), "needs Input 'a'", "Model([c, a], ...)")
    refused(lambda: tg.Model(c, a), "needs Input 'a'", "itself an output")


@row("an input that nothing uses, the same input twice")
def _():
    a, b = tg.Input((2,), name="a"), tg.Input((2,), name="b")
    y = layers.Dense(1)(a)
    with pytest.warns(UserWarning, match=r"no output depends on input 'b'.*no gradient will reach"):
        tg.Model([a, b], y)
    refused(lambda: tg.Model([a, a], y), "the same Input is listed twice")


@row("two layers of one name")
def _():
    x = tg.Input((2,))
    h = layers.Dense(2, name="d")(x)
    y = layers.Dense(2, name="d")(h)
    with pytest.raises(ValueError, match="two layers are called 'd'") as caught:
        tg.Model(x, y)
    first = h.step.call.site[1]
    for line in (first, first + 1):
        assert f"Dense at {__file__}:{line}" in str(caught.value)


@row("Concatenate of unequal shapes: which branch, and how it came to 7 instead of 8")
def _():
    picture = tg.Input((15, 15, 3), name="picture")
    left = layers.Conv2D(4, 3, strides=2, padding="same", name="left")(picture)
    right = layers.MaxPooling2D(3, strides=2, name="right")(layers.ReLU(name="relu")(picture))
    refused(
        lambda: layers.concatenate([left, right]),
        "cannot join 'left' (None, 8, 8, 4), 'right' (None, 7, 7, 3)",
        "axis 1 does not: 8 and 7",
        "same strides and padding",
        "-> Conv2D 'left' (kernel_size (3, 3), strides (2, 2), padding 'same'): (None, 8, 8, 4)",
        "-> ReLU 'relu': (None, 15, 15, 3)",
        "-> MaxPooling2D 'right' (pool_size (3, 3), strides (2, 2), padding 'valid'): (None, 7, 7",
    )


@row("Add of unequal shapes: a projection is suggested, the common stem named once")
def _():
    stem = layers.Dense(8, name="stem")(tg.Input((3,), name="x"))
    deep = layers.Dense(7, name="deep")(layers.Dense(5, name="narrow")(stem))
    with pytest.raises(ValueError, match="with a Dense or 1x1 convolution") as caught:
        layers.add([stem, deep])
    assert str(caught.value).endswith(
        "how they came about:\n  'stem' (None, 8)\n  'stem' (None, 8)\n"
        "    -> Dense 'narrow' (units 5): (None, 5)\n    -> Dense 'deep' (units 7): (None, 7)"
    )


@row("a shared layer on another width")
def _():
    shared = layers.Dense(2, name="shared")
    shared(tg.Input((3,), name="a"))
    words = "weights for inputs of width 3", "first call on 'a' (None, 3) at", "'b' (None, 5)"
    refused(lambda: shared(tg.Input((5,), name="b")), *words)


@row("an LSTM on two axes")
def _():
    words = "LSTM 'lstm' takes inputs of 3 axes", "got 2: 'x' (None, 8)"
    refused(lambda: layers.LSTM(2)(tg.Input((8,), name="x")), *words)


@row("get_layer with a typo")
def _():
    refused(lambda: headline()[0].get_layer("lstn"), "no layer 'lstn'", "did you mean 'lstm'")


@row("a shared layer as two outputs: two names, two series, two losses")
def _():
    a, b = tg.Input((2,), name="a"), tg.Input((2,), name="b")
    head = layers.Dense(1, "sigmoid", name="head")
    model = tg.Model([a, b], [head(a), head(b)])
    model.compile("sgd", {"head": BCE, "head:1": "mse"}, loss_weights=[1.0, 3.0], metrics="mae")
    names = ["loss", "head_loss", "head:1_loss", "head_mae", "head:1_mae"]
    assert model.metrics_names == names
    history = model.fit([X, -X], list(Y.values()), verbose=0).history
    assert list(history)[:5] == names
    total = history["head_loss"][0] + 3 * history["head:1_loss"][0]
    assert history["loss"][0] == pytest.approx(total, rel=1e-12)
    assert history["head_loss"] != history["head:1_loss"]


@row("a loss on inner tensors, by name")
def _():
    model = two_heads(False)
    gap = model.outputs["priority"] - model.outputs["department"]
    model.add_loss((gap * gap).mean(), "gap", weight=0.1)
    model.compile("sgd", {"priority": BCE}, loss_weights={"gap": 0.5})
    logs, p = scores(model), p_of(model)
    assert logs["gap"] == pytest.approx(((p["priority"] - p["department"]) ** 2).mean())
    assert logs["loss"] == pytest.approx(logs["priority_loss"] + 0.5 * logs["gap"])
    assert min(moved(model, Y).values()) > 0
    model.add_loss(gap.mean(), "late")
    late = "'late' was added after compile: call compile again"
    refused(lambda: scores(model), late, error=RuntimeError)


@row("loss weights that change after compile")
def _():
    model = pair(optimizer="adam")
    before = moved(model, Y)
    state = model.optimizer.state
    model.loss_weights = {"priority": 0.0, "department": 1.0}
    kept = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert model.optimizer.state is state and min(before.values()) > 0
    model.set_weights(kept)
    for wrong in ({"priorty": 1.0}, {"priority": "much"}, {"priority": np.inf}):
        refused(lambda wrong=wrong: setattr(model, "loss_weights", wrong), "loss_weights: ")
    assert model.loss_weights == {"priority": 0.0, "department": 1.0}
    by_order = lambda: setattr(pair(True), "loss_weights", [1.0, 2.0])
    refused(by_order, "loss_weights: a list can be read in two ways")


@row("frozen at compile, unfrozen later: at once, and the optimizer keeps its state")
def _():
    model = two_heads(False)
    priority, department = model.layers
    priority.trainable = False
    model.compile("adam", BCE)
    assert moved(model, Y)["priority/kernel"] == 0
    steps, squares = model.optimizer.step, model.optimizer.state[department.kernel][1].copy()
    priority.trainable = True
    assert min(moved(model, Y).values()) > 0
    assert model.optimizer.step == steps + 1 == 2
    now = model.optimizer.state[department.kernel][1]
    assert (now > 1.5 * squares).all()  # started anew, it would be about what it was
    assert priority.kernel in model.optimizer.state


@row("masks: padding changes nothing in an LSTM, and a layer that loses the mask warns")
def _():
    ids = tg.Input((None,), "int32", name="ids")
    words = layers.Embedding(9, 3, mask_zero=True, name="words")(ids)
    model = tg.Model(ids, layers.LSTM(2)(words))
    short, padded = np.array([[4, 2, 7]]), np.array([[4, 2, 7, 0, 0, 0]])
    np.testing.assert_allclose(model.predict(short), model.predict(padded), rtol=1e-12)
    fixed = layers.Embedding(9, 3, mask_zero=True, name="fixed")(tg.Input((4,), "int32"))
    for layer in (layers.Conv1D(2, 2), layers.Flatten()):
        with pytest.warns(UserWarning, match=f"{layer} does not know .* mask of 'fixed'"):
            layer(fixed)


def fit_watched(*stops, epochs=1, **compiled):
    model = pair(**{"metrics": "accuracy", **compiled})
    model.fit(X, Y, epochs=epochs, validation_data=(X, Y), verbose=0, callbacks=stops)
    return model


@row("EarlyStopping: which way is better, by output and by metric")
def _():
    mine = {"priority": [metrics.Recall(name="hits"), metrics.MeanAbsoluteError(name="distance")]}
    for monitor, sign in {
        "val_department_loss": 1,
        "val_department_accuracy": -1,
        "priority_hits": -1,
        "val_priority_distance": 1,
    }.items():
        stop = callbacks.EarlyStopping(monitor)
        fit_watched(stop, metrics=mine if "priority" in monitor else "accuracy")
        assert stop.watches[0].sign == sign

    class Surprise(metrics.MeanMetric):
        def scores(self, y_true, y_pred):
            return -np.log(y_pred)[:, 0]

    unknown = callbacks.EarlyStopping("priority_surprise")
    refused(lambda: fit_watched(unknown, metrics=Surprise()), "EarlyStopping cannot know", "mode=")
    fit_watched(callbacks.EarlyStopping("priority_surprise", mode="min"), metrics=Surprise())


@row("EarlyStopping: a typo is an error before the first epoch")
def _():
    for monitor, hint in {"val_prioritty_loss": "val_priority_loss", "los": "loss"}.items():
        seen = callbacks.LambdaCallback(on_epoch_begin=lambda epoch: pytest.fail("it has begun"))
        words = f"EarlyStopping watches '{monitor}'", f"did you mean '{hint}'"
        refused(lambda m=monitor, s=seen: fit_watched(callbacks.EarlyStopping(m), s), *words)


@row("a compile that is refused leaves the earlier one as it was")
def _():
    model = pair(metrics="mae")
    before, optimizer = scores(model), model.optimizer
    for wrong in ({"loss": [BCE]}, {"loss_weights": {"prio": 1.0}}, {"metrics": "maee"}):
        refused(lambda wrong=wrong: model.compile(**{"optimizer": "adam", "loss": "mse", **wrong}))
        assert model.optimizer is optimizer and scores(model) == before


@row("metrics_names are known at compile and stay the same")
def _():
    model = pair(metrics=[["accuracy", "mae"], "AUC"])
    names = model.metrics_names
    assert names[3:] == ["priority_accuracy", "priority_mae", "department_AUC"]
    model.fit(X, Y, verbose=0)
    assert model.metrics_names == names == list(scores(model))


@row("an id out of range: which, in which row, of which table")
def _():
    model, (ids, extra), _y = headline()
    ids[2, 3] = 99
    words = "id 99 at position (2, 3)", "table has 9 rows", "Embedding 'embedding'", "'main_input'"
    refused(lambda: model.predict([ids, extra]), *words, error=IndexError)
    ids[2, 3] = 2**32 + 1
    refused(lambda: model.predict([ids.astype("int64"), extra]), "4294967297")


@row("save and load: shared layers stay shared, loss weights stay")
def _():
    model, x, y = shared_twins()
    model.loss_weights = {"head": 7.0}
    model.fit(x, y, verbose=0)
    model.save("model.tg")
    copy = tg.load("model.tg")
    assert copy.loss_weights == model.loss_weights == {"dot": 1.0, "head": 7.0, "head:1": 1.0}
    assert len(copy.weights) == len(model.weights) and copy.output_names == model.output_names
    for a, b in zip(copy.predict(x), model.predict(x), strict=True):
        assert a.tobytes() == b.tobytes()
    assert copy.evaluate(x, y) == model.evaluate(x, y)


@row("models inside a model: the summary says what each nested call is connected to")
def _():
    a, b = tg.Input((4,), name="a"), tg.Input((4,), name="b")
    base = base_model()
    lines = []
    tg.Model([a, b], [base(a)["left"], base(base(b)["right"])["left"]]).summary(lines.append)
    connected = {line.split()[0]: line.split()[-1] for line in lines if line.startswith("base/")}
    assert {connected[name] for name in ("base/inner", "base/inner:1")} == {"a", "b"}
    assert connected["base/inner:2"] == "base/dense_1" and len(connected) == 6


@row("a figure without what draws it: what to install; page, layout and words need nothing")
def _():
    model, x, y = headline()
    with pytest.MonkeyPatch.context() as patch:
        for other in ("pygraphviz", "pydot", "matplotlib"):
            patch.setitem(sys.modules, other, None)
        flow = model.gradient_flow(x, y)
        assert "aux_output/kernel" in flow.table() and "aux_output" in flow.report()
        refused(flow.figure, "pip install", error=ImportError)
        assert len(layout.make_layout(flow).cards) == len(flow.nodes)
        flow.save("flow.html")
    page = Path("flow.html").read_text("utf-8")
    assert all(f'"{name}"' in page for name in model.output_names)


@row("two losses on one output: both count, also two of a kind")
def _():
    two = [losses.Huber(0.1), losses.Huber(0.5)]
    model = pair(loss={"priority": two, "department": "mse"}, loss_weights={"priority": 0.5})
    logs, p = scores(model), p_of(model)
    huber, twin = logs["priority_huber_loss"], logs["priority_huber:1_loss"]
    assert logs["loss"] == pytest.approx(0.5 * (huber + twin) + logs["department_loss"])
    gap = abs(p["priority"] - Y["priority"])
    for delta, found in ((0.1, huber), (0.5, twin)):
        each = np.where(gap < delta, gap**2 / 2, delta * gap - delta**2 / 2)
        assert found == pytest.approx(each.mean())
    one = tg.Model({"y": (x := tg.Input((2,)))}, {"y": layers.Dense(1)(x)})
    one.compile("sgd", ["mse", "mae"], loss_weights=[1.0, 0.5])
    assert one.loss_weights == {"y_mean_squared_error": 1.0, "y_mean_absolute_error": 0.5}
    refused(compiling(loss={"priority": []}), "loss of output 'priority': an empty list")


@row("a softmax over one unit warns")
def _():
    x = tg.Input((2,))
    model = tg.Model(x, layers.Dense(1, "softmax", name="y")(x))
    for loss in ("categorical_crossentropy", BCE):
        with pytest.warns(UserWarning, match="on output 'y'"):
            model.compile("sgd", loss)


@row("names that would meet in History or among the losses")
def _():
    x = tg.Input((2,))
    heads = [layers.Dense(1, name=name, kernel_regularizer="l2")(x) for name in ("val", "b")]
    model = tg.Model(x, heads)
    model.compile("sgd", "mse")
    data = X, list(Y.values())
    refused(lambda: model.fit(*data, validation_split=0.5), "two series called 'val_loss'")
    model.add_loss(heads[0].mean(), "regularization")
    refused(lambda: model.compile("sgd", "mse"), "two losses are called 'regularization'")


@row("the printed table: outputs whose names begin alike")
def _():
    x = tg.Input((2,))
    model = tg.Model(x, [layers.Dense(1, name=name)(x) for name in ("price", "price_mean")])
    model.compile("sgd", "mse", metrics={"price": "mean_absolute_error"})
    with redirect_stdout(StringIO()) as printed:
        history = model.fit(X, list(Y.values()), verbose=2).history
    lines = [line.split() for line in printed.getvalue().splitlines()]
    assert lines[0][2:] == ["loss", "mean_absolute_error"]
    error = f"{history['price_mean_absolute_error'][0]:#.4g}"
    assert lines[2][0] == "price" and lines[2][2] == error
    assert lines[3][0] == "price_mean" and len(lines[3]) == 2


@row("two losses on one output agree on what is no label")
def _():
    marked = losses.MeanSquaredError(missing=-1.0)
    gaps = {name: np.where([[0], [1], [0], [1]], -1.0, y) for name, y in Y.items()}
    kept = [y[[0, 2]] for y in Y.values()]
    for several in ([marked, "mae"], ["mae", marked]):
        model = pair(loss={"priority": several, "department": marked})
        assert scores(model, gaps) == pytest.approx(scores(model, kept, X[[0, 2]]))
    other = losses.Huber(missing=-2.0)
    refused(compiling(loss={"priority": [marked, other]}), "different marks for a missing label")


@pytest.mark.medium
@pytest.mark.parametrize("name", ROWS)
def test_row(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ROWS[name]()
