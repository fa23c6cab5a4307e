"""What compile, fit and evaluate make of what they are given, right, odd or wrong.

A rule in a few plain lines says what an argument means, or that it is refused. The library must do
exactly that; if it refuses, by a ValueError or TypeError that names the argument, and then nothing
has changed.
"""

import warnings
from collections import Counter
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_mo as tg
from tinygrad_mo import layers as L

REFUSED = "refused"
SAMPLES = 7
random = np.random.default_rng(0)
X = random.normal(size=(SAMPLES, 2))
LABELS = {"a": np.array([0.0, 1, 1, 0, 1, 0, 1]), "b": np.array([2.0, 0, 1, 2, 2, 1, 2])}


def network(outputs=2, as_dict=False):
    """A compiled model with a trained optimizer; its outputs are called a and b."""
    tg.set_random_seed(0)
    with tg.use(floatx="float64"):
        x = tg.Input((2,), name="x")
        h = L.Dense(2, "tanh", name="trunk")(x)
        ends = {name: L.Dense(1, name=name)(h) for name in "ab"[:outputs]}
        model = tg.Model(x, ends if as_dict else list(ends.values()))
        model.compile("adam", "mse")
        model.train_on_batch(X, {name: LABELS[name] for name in ends})
    return model


def state(model):
    """All that a refused call must leave as it is."""
    slots = [np.asarray(one).tobytes() for some in model.optimizer.state.values() for one in some]
    return (
        [w.tobytes() for w in model.get_weights()],
        (model.step, id(model.objective), id(model.optimizer), model.metrics_names),
        (dict(model.loss_weights), model.optimizer.learning_rate, slots),
        str(model.shuffler.bit_generator.state),
    )


def tried(model, words, call):
    """What a call returns, or REFUSED: by an error that says one of the words, with no change."""
    before = state(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return call()
        except (TypeError, ValueError) as error:
            assert any(word in str(error) for word in words), (error, words)
            assert state(model) == before, f"a refused call has changed the model: {error}"
            return REFUSED


class Given:
    """An argument as it was drawn; shown as a program would write it."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text

    @property
    def value(self):
        names = {"np": np, "tg": tg, "a": LABELS["a"], "b": LABELS["b"], "X": X}
        return eval(self.text, names | {"nan": float("nan"), "inf": float("inf")})


def given(*texts):
    return st.sampled_from(texts)


ODD = (
    "3",
    "True",
    "'msee'",
    "b'mse'",
    "nan",
    "object()",
    "1j",
    "{3}",
    "''",
    "len",
    "[[]]",
    "{'c': 1}",
)
NAMES = "'a'", "'b'", "'c'", "3", "'A'"


def mostly(right, odd, share=4):
    """Texts that are right, and one in so many that is odd."""
    return st.integers(0, share).flatmap(lambda n: odd if n == share else right)


def listed(each):
    return st.lists(each, min_size=1, max_size=2).map(lambda some: f"[{', '.join(some)}]")


def by_name(each, names=NAMES[:2]):
    keys = mostly(given(*names), given(*NAMES), 12)
    return st.dictionaries(keys, each, min_size=1, max_size=2).map(
        lambda some: "{" + ", ".join(f"{k}: {v}" for k, v in some.items()) + "}"
    )


# ---------------------------------------------------------------- the rules of compile

LOSS_NAMES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "huber": "huber",
}
ONE_LOSS = mostly(given("'mse'", "'mae'", "tg.losses.Huber()", "tg.losses.Huber"), given(*ODD), 12)
OF_OUTPUT = st.one_of(ONE_LOSS, given("None"), listed(ONE_LOSS))
LOSS = st.one_of(given("'mse'"), by_name(OF_OUTPUT), OF_OUTPUT, listed(OF_OUTPUT))
NUMBER = mostly(given("1.0", "0", "-0.5", "np.float32(2)", "np.array(3)"), given(*ODD), 10)
WEIGHT_NAMES = (*NAMES[:2], "'a_mean_squared_error'", "'b_huber'")
LOSS_WEIGHTS = st.one_of(
    given("None"), NUMBER, listed(NUMBER), by_name(NUMBER, WEIGHT_NAMES), given("'pcgrad'", "'DWA'")
)
ONE_METRIC = mostly(given("'mae'", "'accuracy'", "tg.metrics.RootMeanSquaredError()", "'huber'"),
                    given(*ODD), 12)  # fmt: skip
METRICS = st.one_of(
    given("None"),
    ONE_METRIC,
    listed(ONE_METRIC),
    listed(st.one_of(listed(ONE_METRIC), given("None"))),
    by_name(st.one_of(ONE_METRIC, listed(ONE_METRIC), given("None"))),
)


def loss_name(one):
    if isinstance(one, str):
        return LOSS_NAMES.get(one, REFUSED)
    is_loss = isinstance(one, tg.losses.Loss) or one is tg.losses.Huber
    return "huber" if is_loss else REFUSED


def rule_of_losses(loss, names, as_dict):
    """By name of loss, the output; in order."""
    if isinstance(loss, dict):
        if not set(loss) <= set(names):
            return REFUSED
        of = {name: loss[name] for name in names if name in loss}
    elif isinstance(loss, list) and len(names) > 1:
        if as_dict or len(loss) != len(names):
            return REFUSED
        of = dict(zip(names, loss, strict=True))
    else:
        of = dict.fromkeys(names, loss)
    found = {}
    for name, one in of.items():
        if one is None:
            continue
        several = [loss_name(each) for each in (one if isinstance(one, list) else [one])]
        if REFUSED in several or not several:
            return REFUSED
        if len(several) == 1:
            found[name] = name
            continue
        seen = Counter()
        for kind in several:
            number = f":{seen[kind]}" if seen[kind] else ""
            found[f"{name}_{kind}{number}"] = name
            seen[kind] += 1
    return found or REFUSED


def is_number(x):
    if isinstance(x, np.ndarray | np.generic) and np.shape(x) == ():
        x = x.item()
    return isinstance(x, int | float) and not isinstance(x, bool) and isfinite(x)


def rule_of_weights(weights, losses, names, as_dict):
    """By name of loss its weight; None where a method sets it."""
    if isinstance(weights, str):
        known = weights.lower() in ("pcgrad", "dwa") and len(losses) > 1
        return dict.fromkeys(losses) if known else REFUSED
    if isinstance(weights, dict):
        of_known = set(weights) <= {*losses, *names}
        if not of_known or not all(map(is_number, weights.values())):
            return REFUSED
        either = lambda name, output: weights.get(name, weights.get(output, 1.0))
        return {name: either(name, output) for name, output in losses.items()}
    if isinstance(weights, list):
        order = list(losses) if len(losses) > len(set(losses.values())) else names
        if len(weights) != len(order) or (as_dict and len(names) > 1):
            return REFUSED
        return rule_of_weights(dict(zip(order, weights, strict=True)), losses, names, as_dict)
    if weights is None:
        return dict.fromkeys(losses, 1.0)
    return dict.fromkeys(losses, weights) if is_number(weights) else REFUSED


def metric_name(one):
    if isinstance(one, tg.metrics.Metric):
        return one.name
    return one if isinstance(one, str) and one in ("mae", "accuracy", "huber") else REFUSED


def rule_of_metrics(metrics, losses, names, as_dict):
    """The keys of the metrics, in order."""
    judged = [name for name in names if name in losses.values()]
    by_output = isinstance(metrics, dict) or (
        isinstance(metrics, list) and any(m is None or isinstance(m, list) for m in metrics)
    )
    if metrics is None:
        return []
    if isinstance(metrics, dict):
        of = metrics
    elif by_output:
        if len(metrics) != len(names) or (as_dict and len(names) > 1):
            return REFUSED
        of = dict(zip(names, metrics, strict=True))
    else:
        if isinstance(metrics, list) and len(metrics) == len(names) > 1:
            return REFUSED  # one for each, or both for both?
        of = dict.fromkeys(judged, metrics)
    if not set(of) <= set(names):
        return REFUSED
    keys = []
    for name in names:
        chosen = of.get(name)
        chosen = [] if chosen is None else chosen if isinstance(chosen, list) else [chosen]
        kinds = [metric_name(one) for one in chosen]
        if REFUSED in kinds or (kinds and name not in judged):
            return REFUSED
        keys += [kind if len(names) == 1 else f"{name}_{kind}" for kind in kinds]
    return keys if len(set(keys)) == len(keys) else REFUSED


@dataclass
class Compiling:
    outputs: int
    as_dict: bool
    loss: str
    loss_weights: str
    metrics: str

    def __repr__(self):
        return (
            f"\nmodel = network({self.outputs}, as_dict={self.as_dict})\nmodel.compile('sgd', "
            f"{self.loss}, {self.loss_weights}, {self.metrics})\n"
        )


COUNT = st.sampled_from([2, 1, 2])
COMPILING = st.builds(Compiling, COUNT, st.booleans(), LOSS, LOSS_WEIGHTS, METRICS)


def compile_does_what_the_rule_says(case):
    model = network(case.outputs, case.as_dict)
    names, as_dict = list(model.outputs), case.as_dict
    loss, weights, metrics = (
        Given(text).value for text in (case.loss, case.loss_weights, case.metrics)
    )
    losses = rule_of_losses(loss, names, as_dict)
    expected = [losses]
    if losses != REFUSED:
        expected.append(rule_of_weights(weights, losses, names, as_dict))
        expected.append(rule_of_metrics(metrics, losses, names, as_dict))
    arguments = ("loss", "loss_weights", "metric")
    words = [word for word, one in zip(arguments, expected, strict=False) if one == REFUSED]
    said = [*(words or arguments), "balances several losses"]
    made = tried(model, said, lambda: model.compile("sgd", loss, weights, metrics))
    assert (made == REFUSED) == bool(words), words
    if words:
        return
    _, factors, keys = expected
    terms = model.objective.terms.values()
    assert [(term.name, term.output) for term in terms] == list(losses.items())
    assert model.objective.keys[len(model.objective.keys) - len(keys) :] == keys
    found = {
        n: None if n in model.objective.weights.set_by else w for n, w in model.loss_weights.items()
    }
    assert found == factors


# ---------------------------------------------------------------- the rules of fit

WHOLE = ("0", "-1", "1.5", "True", "'3'", "None", "nan", "np.int64(2)", "10**6", "[2]")
FITTING = {
    "batch_size": mostly(given("1", "3", "7", "32"), given(*WHOLE)),
    "epochs": mostly(given("1", "2", "0"), given(*[n for n in WHOLE if n != "10**6"])),
    "validation_split": mostly(given("0", "0.3", "0.5"), given("-0.1", "1.0", "0.01", "2", "'0.2'",
                               "None", "True", "nan", "np.float32(0.5)")),
    "shuffle": mostly(given("True", "False"), given("1", "'yes'", "None", "np.bool_(True)")),
    "initial_epoch": mostly(given("0", "1"), given(*WHOLE)),
    "steps_per_epoch": mostly(given("None"), given("2", "0", "'x'"), 8),
    "validation_steps": mostly(given("None"), given("2", "'x'"), 8),
    "verbose": mostly(given("0"), given("3", "'loud'", "None", "-1"), 8),
    "callbacks": mostly(given("None", "[]", "[tg.callbacks.Callback()]"), given(
                        "3", "'x'", "[3]", "[None]", "tg.callbacks.Callback", "[[]]"), 8),
}  # fmt: skip


def is_whole(x, at_least):
    if isinstance(x, np.generic):
        x = x.item()
    return isinstance(x, int) and not isinstance(x, bool) and x >= at_least


def kept_back(share):
    """How many samples are held back, or REFUSED."""
    if isinstance(share, np.generic):
        share = share.item()
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        return REFUSED
    late = int(SAMPLES * share + 1e-9)
    return REFUSED if share and late in (0, SAMPLES) else late


RULES_OF_FIT = {
    "batch_size": lambda x: is_whole(x, 1),
    "epochs": lambda x: is_whole(x, 0),
    "validation_split": lambda x: kept_back(x) != REFUSED,
    "shuffle": lambda x: isinstance(x, bool | np.bool_),
    "initial_epoch": lambda x: is_whole(x, 0),
    "steps_per_epoch": lambda x: x is None,
    "validation_steps": lambda x: x is None,
    "verbose": lambda x: is_whole(x, 0) and x < 3,
    "callbacks": lambda x: (
        x is None
        or (isinstance(x, list) and all(isinstance(one, tg.callbacks.Callback) for one in x))
    ),
}


@dataclass
class Call:
    """A method of the model, and what it is given beside the data."""

    method: str
    options: dict[str, Any]

    def __repr__(self):
        options = ", ".join(f"{name}={text}" for name, text in self.options.items())
        return f"\nmodel = network()\nmodel.{self.method}({options})\n"


FIT = st.fixed_dictionaries({}, optional=FITTING).map(lambda options: Call("fit", options))


def fit_does_what_the_rule_says(case):
    model = network()
    options = {name: Given(text).value for name, text in case.options.items()}
    wrong = [name for name, value in options.items() if not RULES_OF_FIT[name](value)]
    options = {"verbose": 0} | options
    step = model.step
    fit = lambda: model.fit(X, LABELS, **options)
    history = tried(model, wrong or list(options), fit)
    assert (history == REFUSED) == bool(wrong), wrong
    if wrong:
        return
    samples = SAMPLES - kept_back(options.get("validation_split", 0))
    epochs = max(int(options.get("epochs", 1)) - int(options.get("initial_epoch", 0)), 0)
    assert model.step - step == epochs * -(-samples // int(options.get("batch_size", 32)))
    assert all(len(numbers) == epochs for numbers in history.history.values())
    assert ("val_loss" in history.history) == (samples < SAMPLES and epochs > 0)


# ---------------------------------------------------------------- the rules of data

ARRAY = "{0}", "{0}[:, None]", "{0}.tolist()", "{0}.astype('float32')", "{0}.astype(int)"
HOLES = "np.where(np.arange(7) == 2, nan, {0})", "np.where(np.arange(7) > 0, nan, {0})"
NO_LABELS = "None", "'x'", "{0}[:6]", "np.stack([{0}, {0}], 1)", "{0} + 1j", "np.full(7, inf)", "3"
NO_LABELS += ("{0}.astype(str)", "[[1], [1, 2]] * 3", "np.zeros((7, 0))", "{{1}}", "object()")


def labels_of(name):
    right = given(*(text.format(name) for text in (*ARRAY, *HOLES)))
    return mostly(right, given(*(text.format(name) for text in NO_LABELS)), 12)


def for_outputs(of_one, names=("a", "b")):
    """For each output something: a list, or a dict that may lack or misspell one."""
    both = st.tuples(*map(of_one, names))
    right = both.flatmap(
        lambda pair: given("[{}, {}]".format(*pair), "{{'a': {}, 'b': {}}}".format(*pair))
    )
    one = of_one(names[0])
    odd = st.one_of(one, one.map("[{}]".format), one.map("{{'a': {}}}".format),
                    both.map(lambda pair: "{{'a': {}, 'c': {}}}".format(*pair)))  # fmt: skip
    return mostly(right, odd, 8)


Y = for_outputs(labels_of)
EACH = "np.arange(7.0)", "np.ones(7)", "[1, 0, 2, 0, 1, 1, 1]", "np.arange(7) > 3", "np.zeros(7)"
NO_WEIGHTS = (
    "np.ones((7, 2))",
    "np.ones(6)",
    "-np.ones(7)",
    "np.full(7, nan)",
    "'x'",
    "2.0",
    "[1, 2]",
)
ONE_WEIGHT = lambda name: mostly(given(*EACH, "None"), given(*NO_WEIGHTS), 12)
SAMPLE_WEIGHT = st.one_of(given("None"), ONE_WEIGHT("a"), for_outputs(ONE_WEIGHT))
CLASSES = "{0: 2.0}", "{1: 0.5, 0: 3}", "'balanced'", "None", "{}", "{np.int64(1): np.float32(2)}"
NO_CLASSES = "{5: 1.0}", "{0: -1.0}", "{0.5: 1}", "{'0': 1}", "3", "'even'", "{1: nan}", "[1, 2]"
ONE_CLASS = lambda name: mostly(given(*CLASSES), given(*NO_CLASSES), 12)
CLASS_WEIGHT = st.one_of(given("None"), ONE_CLASS("a"), for_outputs(ONE_CLASS))
SCORING = st.fixed_dictionaries(
    {
        "y": Y,
        "sample_weight": SAMPLE_WEIGHT,
        "class_weight": CLASS_WEIGHT,
        "batch_size": given("3", "32"),
    }
).map(lambda options: Call("evaluate", options))


def by_output(given, names):
    """What is given for each output, from a list or dict; None if it is given once for all."""
    if isinstance(given, dict) and (not given or any(isinstance(key, str) for key in given)):
        return {name: given.get(name) for name in names} if set(given) <= set(names) else REFUSED
    if isinstance(given, list | tuple) and not all(isinstance(one, int | float) for one in given):
        return dict(zip(names, given, strict=True)) if len(given) == len(names) else REFUSED
    return None


def as_floats(given):
    """An array of floats, or REFUSED."""
    try:
        array = np.asarray(given)
    except ValueError:  # ragged
        return REFUSED
    return array.astype(float) if array.dtype.kind in "fiub" and array.ndim else REFUSED


def rule_of_labels(y):
    found = by_output(y, "ab")
    if found is None or found == REFUSED:
        return REFUSED
    arrays = {name: as_floats(one) for name, one in found.items()}
    for name, array in arrays.items():
        if isinstance(array, str) or array.shape not in ((SAMPLES,), (SAMPLES, 1)):
            return REFUSED
        arrays[name] = array.reshape(-1)
        if np.isinf(array).any():
            return REFUSED
    return arrays


def rule_of_sample_weight(given):
    of = {} if given is None else by_output(given, "ab")
    if of == REFUSED:
        return REFUSED
    of = {"a": given, "b": given} if of is None else of
    found = {"a": np.ones(SAMPLES), "b": np.ones(SAMPLES)}
    for name, one in of.items():
        if one is None:
            continue
        found[name] = as_floats(one)
        if isinstance(found[name], str) or found[name].shape != (SAMPLES,):
            return REFUSED
        if not (np.isfinite(found[name]) & (found[name] >= 0)).all():
            return REFUSED
    return found


def rule_of_class_weight(given, labels):
    """What each sample counts for the sake of its class."""
    if isinstance(given, dict) and given and not any(isinstance(key, str) for key in given):
        return REFUSED  # one dict for two outputs: whose classes?
    of = {} if given is None else by_output(given, "ab")
    if of == REFUSED or (isinstance(given, list) and of is None):
        return REFUSED
    of = {"a": given, "b": given} if of is None else of
    found = {"a": np.ones(SAMPLES), "b": np.ones(SAMPLES)}
    for name, one in of.items():
        classes = labels[name]
        there = set(classes[~np.isnan(classes)])
        if one is None:
            continue
        if isinstance(one, str) and one == "balanced":
            count = {c: (classes == c).sum() for c in there}
            one = {c: sum(count.values()) / (len(there) * n) for c, n in count.items()}
        if not isinstance(one, dict):
            return REFUSED
        known = {0.0, 1.0} if there <= {0.0, 1.0} else there
        for c, factor in one.items():
            if isinstance(c, str) or c not in known or not (is_number(factor) and factor >= 0):
                return REFUSED
        found[name] = np.array([one.get(c, 1.0) for c in classes])
    return found


def evaluate_does_what_the_rule_says(case):
    """The mean of the losses of the samples that have labels, by weight of sample and of class."""
    model = network()
    options = {name: Given(text).value for name, text in case.options.items()}
    labels = rule_of_labels(options["y"])
    expected = {"labels": labels, "sample_weight": rule_of_sample_weight(options["sample_weight"])}
    if labels != REFUSED:
        expected["class_weight"] = rule_of_class_weight(options["class_weight"], labels)
    words = [word for word, one in expected.items() if isinstance(one, str)]
    predicted = dict(zip("ab", model.predict(X), strict=True))
    scored = tried(
        model, words or list(options), lambda: model.evaluate(X, return_dict=True, **options)
    )
    assert (scored == REFUSED) == bool(words), words
    if words:
        return
    for name, y in labels.items():
        there = ~np.isnan(y)
        each = (predicted[name][:, 0] - y)[there] ** 2
        weights = (expected["sample_weight"][name] * expected["class_weight"][name])[there]
        assert np.isclose(scored[f"{name}_loss"], (each * weights).sum() / there.sum(), 1e-9)
    assert np.isclose(scored["loss"], scored["a_loss"] + scored["b_loss"], 1e-9)


LAWS = {
    compile_does_what_the_rule_says: COMPILING,
    fit_does_what_the_rule_says: FIT,
    evaluate_does_what_the_rule_says: SCORING,
}
