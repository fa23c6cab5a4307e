"""A gradient check is worth what it finds: faults planted in every op, and in layers of the zoo.

No fault may pass, at any scale, and no right gradient may be blamed.
"""

from itertools import islice

import numpy as np
import pytest

import tinygrad_mo as tg
from gradient_checks import CONSTANTS, is_float, stands_still, values
from op_cases import CASES, CONSTANT, WITHOUT_SLOPE
from tinygrad_mo import layers
from tinygrad_mo.check import GradientError, check_model, check_op
from tinygrad_mo.check.model import Training
from tinygrad_mo.engine.plan import Plan
from tinygrad_mo.ops import OPS, Op, dense_gradient, unbroadcast
from zoo import ZOO

DIFFERENTIABLE = [name for name in CASES if name not in WITHOUT_SLOPE | CONSTANT]


def typical(name):
    """One case of an op, of matrices if it takes them."""
    moving = [case for case in CASES[name] if not stands_still(OPS[name], *case)]
    return max(moving, key=lambda case: min(np.ndim(x) for x in case[0] if is_float(x)))


def scaled(name, inputs, scale):
    fixed = CONSTANTS.get(name, [])
    return [x * scale if is_float(x) and i not in fixed else x for i, x in enumerate(inputs)]


def cases_at(name, scale):
    """Some cases of an op, scaled, as far as its domain allows."""
    for inputs, attributes in CASES[name][:: max(1, len(CASES[name]) // 6)]:
        inputs = scaled(name, inputs, scale)
        try:
            with np.errstate(all="ignore"):
                found = values(OPS[name], inputs, attributes)
        except ValueError:
            continue
        if all(np.isfinite(v).all() for v in found if is_float(v)):
            yield inputs, attributes


def large_element(g):
    """One number of one row is off by a thousandth."""
    g = g.copy()
    place = np.unravel_index(np.abs(g[0]).argmax(), g[0].shape)
    g[(0, *place)] *= 1.001
    return g


def rows_of_first(g):
    g = g.copy()
    g[1:2] = g[0]
    return g


def square(g):
    return g.ndim > 2 and g.shape[-1] == g.shape[-2]


def missing(g, raw):
    return None


FAULTS = {  # of the gradient as it is after broadcasting was undone, and as it was before
    "missing": missing,
    "zero": lambda g, raw: 0 * g,
    "doubled": lambda g, raw: 2 * g,
    "of the wrong sign": lambda g, raw: -g,
    "off by a thousandth in one element": lambda g, raw: large_element(g),
    "row 0 in place of row 1": lambda g, raw: rows_of_first(g),
    "transposed": lambda g, raw: g.swapaxes(-1, -2) if square(g) else g,
    "averaged where broadcasting asks for a sum": lambda g, raw: g * (g.size / max(raw.size, 1)),
    "doubled when alone": lambda g, raw: 2 * g if len(g) == 1 else g,
}


def with_fault(op, i, fault=lambda g, raw: g, offset=0.0):
    """The op with a wrong gradient of input `i`, beside an offset of its values."""

    def rule(*inputs, **attributes):
        y, back = op.rule(*inputs, **attributes)

        def pull(j):
            def pull_one(g):
                raw = dense_gradient(back(g)[j] if callable(back) else back[j](g))
                return fault(unbroadcast(raw, np.shape(inputs[i])), raw) if j == i else raw

            is_there = callable(back) or back[j] is not None
            return pull_one if is_there and (j != i or fault is not missing) else None

        if offset:
            y = tuple(v + offset for v in y) if isinstance(y, tuple) else y + offset
        return y, tuple(pull(j) for j in range(len(inputs)))

    rule.__name__ = op.name
    new = Op(rule, op.averages)
    new.takes_training, new._may_be_none = op.takes_training, op._may_be_none
    return new


def gradients(op, inputs, attributes, rows=3):
    y, back = op.rule(*inputs, **attributes)
    random = np.random.default_rng(5)
    g = tuple(random.standard_normal((rows, *v.shape)) for v in values(op, inputs, attributes))
    g = g if isinstance(y, tuple) else g[0]
    return list(back(g)) if callable(back) else [p and p(g) for p in back]


def is_visible(found, right, size=0.0):
    """Does a fault change a row by ten tolerances? A gradient of 0 does not change when doubled."""
    if found is None:
        found = 0 * right
    off, largest = ([np.abs(row).max(initial=0) for row in g] for g in (found - right, right))
    return any(d > max(1e-5 * m, size) for d, m in zip(off, largest, strict=True))


def planted(name, inputs, attributes, offset=0.0):
    """The op with every fault that is visible: input, fault, op."""
    op, rows = OPS[name], (3, 1)
    found = [np.abs(v).max(initial=0) for v in values(op, inputs, attributes) if is_float(v)]
    with np.errstate(all="ignore"):
        right = [gradients(op, inputs, attributes, n) for n in rows]
        for i, x in enumerate(inputs):
            if not is_float(x) or right[0][i] is None or not np.any(x):
                continue
            expected = [unbroadcast(dense_gradient(g[i]), np.shape(x)) for g in right]
            rounding = 1e-10 * max(found) / np.abs(x).max()
            for fault, change in FAULTS.items():
                wrong = with_fault(op, i, change, offset)
                wrongs = [gradients(wrong, inputs, attributes, n)[i] for n in rows]
                if any(map(is_visible, wrongs, expected, [rounding] * 2)):
                    yield i, fault, wrong


def assert_found(name, inputs, attributes, every=1, directions=2):
    """Each fault (or every so many) is found, and the input is named. How many were planted?"""
    count = 0
    options = attributes | {"constants": CONSTANTS.get(name, []), "directions": directions}
    for i, fault, wrong in islice(planted(name, inputs, attributes), 0, None, every):
        count += 1
        with pytest.raises(GradientError, match=f"^{name}: the gradient of input {i},"):
            check_op(wrong, *inputs, **options)
            pytest.fail(f"{name}: a gradient of input {i} that is {fault} was not found")
    return count


def assert_right(name, inputs, attributes):
    """The op passes, or there is truly no slope to check."""
    op, options = OPS[name], attributes | {"constants": CONSTANTS.get(name, [])}
    try:
        assert check_op(op, *inputs, **options)
    except GradientError as error:
        assert str(error).startswith(f"{name}: nothing was checked: ")
        assert list(planted(name, inputs, attributes)) == []


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.one_in(24, rest="medium")
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_faults_in_an_op_are_found(name):
    assert assert_found(name, *typical(name), every=5, directions=1) > 0


at_each_scale = pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])


@pytest.mark.one_in(36, rest="exhaustive")
@pytest.mark.slow
@at_each_scale
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_faults_in_an_op_are_found_at_each_scale(name, scale):
    planted = sum(assert_found(name, *case, directions=1) for case in cases_at(name, scale))
    assert planted > 4 or (name, scale) in NOWHERE


FLAT = "tanh", "sigmoid", "hard_sigmoid", "softmax", "erf", "exp", "power"
OUT_OF_RANGE = "expm1", "sinh", "cosh", "arcsin", "arccos", "arctanh"  # infinite there, or NaN
OF_PROBABILITIES = [  # 1000 is none
    name for name in CASES if name.endswith("crossentropy") or name == "probabilities"
]
NOWHERE = {(name, 1e3) for name in (*FLAT, *OUT_OF_RANGE, *OF_PROBABILITIES)}
NOWHERE |= {("arccosh", 1e-3)}  # which begins at 1


@pytest.mark.one_in(5, rest="exhaustive")
@pytest.mark.slow
@at_each_scale
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_right_op_passes_at_each_scale(name, scale):
    for case in cases_at(name, scale):
        assert_right(name, *case)


@pytest.mark.one_in(48, rest="exhaustive")
@pytest.mark.slow
@at_each_scale
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_no_fault_hides_beside_an_offset(name, scale):
    """The check may then say that it cannot judge, but blames no right gradient."""
    for inputs, attributes in islice(cases_at(name, scale), 3):
        options = attributes | {"constants": CONSTANTS.get(name, []), "directions": 1}
        faults = list(planted(name, inputs, attributes, offset=1e7))
        for i, fault, wrong in faults:
            with pytest.raises(GradientError):
                check_op(wrong, *inputs, **options)
                pytest.fail(f"{name}: a gradient of input {i} that is {fault} was not found")
        for i in {i for i, _, _ in faults}:
            try:
                check_op(with_fault(OPS[name], i, offset=1e7), *inputs, **options)
            except GradientError as error:
                assert "cannot be judged: " in str(error) or "nothing was checked" in str(error)


class OpAsLayer(layers.Layer):
    """An op on weights of its own: two sums of its values, for two losses."""

    def __init__(self, op, inputs, attributes, **options):
        super().__init__(**options)
        self.op, self.inputs, self.attributes = op, inputs, attributes

    def make_weights(self, shape):
        fixed = CONSTANTS.get(self.op.name, [])
        self.tensors = [
            self.add_weight(f"input_{i}", np.shape(x), lambda *_, x=x: x)
            if is_float(x) and i not in fixed
            else x
            for i, x in enumerate(self.inputs)
        ]

    def call(self, x):
        y = self.op(*self.tensors, **self.attributes)
        y = y if isinstance(y, tuple) else (y,)
        random = np.random.default_rng(2)
        sums = [sum((v * random.uniform(1, 2, v.shape)).sum() for v in y) for _ in range(2)]
        return tuple(x * 0.0 + one for one in sums)


def itself(target, prediction):
    return prediction.mean(axis=-1)


def beside_a_large_loss(op, inputs, attributes):
    """A model with the op in its middle; the loss of another head is 4,000,000."""
    attributes = {key: value for key, value in attributes.items() if key != "training"}
    if op.averages:
        attributes["momentum"] = 0.99
    x = tg.Input((1,))
    left, right = OpAsLayer(op, inputs, attributes, name="tested")(x)
    heads = {"left": left, "right": right, "year": layers.Dense(1, name="year")(x)}
    model = tg.Model(x, heads)
    losses = {"left": itself, "right": itself, "year": "mse"}
    model.compile("sgd", losses, loss_weights={"left": 1e-3, "right": 1.0, "year": 1e3})
    labels = {"left": [[0.0]], "right": [[0.0]], "year": [[1990.0]]}
    return model, [[0.5]], labels


def assert_found_in_a_model(name, faults):
    inputs, attributes = typical(name)
    for i, fault, wrong in planted(name, inputs, attributes):
        if fault in faults:
            model, x, y = beside_a_large_loss(wrong, inputs, attributes)
            with pytest.raises(GradientError, match=f"^tested/input_{i}"):
                check_model(model, x, y)
                pytest.fail(f"{name}: a gradient of input {i} that is {fault} was not found")


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", ["multiply", "softmax", "embedding", "huber"])
def test_a_fault_beside_a_large_loss_is_found(name):
    assert_found_in_a_model(name, ["zero", "missing"])
    report = check_model(*beside_a_large_loss(OPS[name], *typical(name)))
    assert "tested/input_" in str(report) and "year/bias" in report


@pytest.mark.one_in(40, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_any_fault_beside_a_large_loss_is_found(name):
    assert_found_in_a_model(name, list(FAULTS))
    assert len(check_model(*beside_a_large_loss(OPS[name], *typical(name)))) > 2


NORMALISED = {}  # by name: (model, x, y), in which a bias stands before batch normalisation


def normalised(build):
    NORMALISED[build.__name__] = build
    return build


def with_heads(inputs, h, x):
    """A regression and a classification on what was normalised, and the data."""
    heads = [layers.Dense(1, name="much")(h), layers.Dense(3, "softmax", name="kind")(h)]
    model = tg.Model(inputs, heads)
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
    random = np.random.default_rng(len(x))
    return model, x, [random.standard_normal((len(x), 1)), random.integers(0, 3, len(x))]


@normalised
def small_numbers(scale=0.01, seed=0, bias=0.0):
    x = tg.Input((3,))
    first = layers.Dense(5, bias_initializer=layers.initializers.constant(bias), name="first")
    h = layers.Activation("tanh")(layers.BatchNormalization()(first(x)))
    return with_heads(x, h, scale * np.random.default_rng(seed).standard_normal((8, 3)))


@normalised
def images(seed=0):
    h = x = tg.Input((6, 6, 2))
    for name in ("first", "second"):
        h = layers.Conv2D(4, 3, padding="same", name=name)(h)
        h = layers.Activation("relu")(layers.BatchNormalization()(h))
    pooled = layers.GlobalAveragePooling2D()(h)
    return with_heads(x, pooled, np.random.default_rng(seed).random((4, 6, 6, 2)))


@normalised
def words(seed=0):
    ids = tg.Input((4,), dtype="int32")
    h = layers.Dense(6, name="first")(layers.Flatten()(layers.Embedding(9, 3, name="table")(ids)))
    h = layers.Activation("relu")(layers.BatchNormalization()(h))
    return with_heads(ids, h, np.random.default_rng(seed).integers(0, 9, (8, 4)))


def assert_flat_biases_alone(model, x, y):
    """What is checked is all but the biases before a normalisation, whose slope is 0."""
    report = check_model(model, x, y)
    trained = {n for n, w in model.named_weights().items() if w.trainable}
    flat = {"first/bias", "second/bias"} & trained
    assert set(report) == trained - flat
    why = "its slope is 0 here, up to rounding"
    unjudged = {f"loss {loss!r} by {name}": why for loss in ("much", "kind") for name in flat}
    assert {p: w for p, w in report.unchecked.items() if w != "it is not trained"} == unjudged
    assert max(report.values()) < 1e-5


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", NORMALISED)
def test_a_bias_before_a_normalisation_is_not_blamed(name):
    for seed in range(2 if name == "images" else 4):
        assert_flat_biases_alone(*NORMALISED[name](seed=seed))
    if name == "small_numbers":
        for scale, bias in [(1e-6, 0.0), (1e-4, 1.0), (1.0, 1e3), (1e4, 0.0), (1e4, -1.0)]:
            assert_flat_biases_alone(*NORMALISED[name](scale, 0, bias))


@pytest.mark.exhaustive
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", NORMALISED)
def test_no_bias_before_a_normalisation_is_blamed(name):
    for seed in range(100):
        tg.set_random_seed(seed)
        assert_flat_biases_alone(*NORMALISED[name](seed=seed))


def places(plan):
    """Where a gradient passes: steps, with the numbers of their inputs."""
    pairs = zip(plan.steps, plan.edges, strict=True)
    return [(step, position) for step, edges in pairs for position, _ in edges]


def in_the_zoo(name, number=0, fault=None):
    """A model of the zoo with a fault in one place, its data, its plan, and its gradients."""
    tg.set_random_seed(0)
    model, x, y = (ZOO | NORMALISED)[name]()
    model.loss_weights = {n: (1e-3, 1e3)[k % 2] for k, n in enumerate(model.loss_weights)}
    weight = model.weights[0]
    for weight.trainable in (False, True):  # so that the plan is made anew
        training = Training(model, x, y, None)
        if fault is not None and not weight.trainable:
            step, position = places(Plan(training.plan.losses, model.weights))[number]
            step.op = with_fault(step.op, position, FAULTS[fault])
            step.differentiable[position] = fault != "missing"
    plan = training.plan
    found = plan.backward(
        plan.forward(training.feed, training=True), [1.0] * len(plan.losses), per_loss=True
    )
    tg.set_random_seed(0)
    rows = [np.zeros((len(plan.losses), *w.shape)) for w in plan.wrt]
    for full, w in zip(rows, plan.wrt, strict=True):
        if found[w] is not None:
            full[list(plan.reaches(w))] = found[w]
    return model, (x, y), plan, rows


def assert_found_in_the_zoo(name, every):
    """One fault in every so many of the places where a gradient passes."""
    *_, plan, right = in_the_zoo(name)
    rounding = [1e-12 * max(np.abs(g).max() for g in right)] * len(right)
    numbers, planted = range(0, len(places(plan)), every), 0
    for number in numbers:
        for k in range(len(FAULTS)):
            fault = list(FAULTS)[(number + k) % len(FAULTS)]
            model, data, _, found = in_the_zoo(name, number, fault)
            if any(map(is_visible, found, right, rounding)):
                planted += 1
                with pytest.raises(GradientError):
                    check_model(model, *data, directions=1)
                    pytest.fail(f"{name}, place {number}: a gradient that is {fault}, not found")
                break
    assert planted > 0.9 * len(numbers)


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", ["shared_twins", "nested_twice", "small_numbers"])
def test_faults_in_the_zoo_are_found(name):
    assert_found_in_the_zoo(name, every=15)


@pytest.mark.exhaustive
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", [*ZOO, *NORMALISED])
def test_faults_everywhere_in_the_zoo_are_found(name):
    assert_found_in_the_zoo(name, every=3 if name in ZOO else 1)


WITHOUT_EFFECT = {"readers": {"multi_head_attention/key_bias"}}  # all scores of a query move alike


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_is_right(name):
    model, x, y = ZOO[name]()
    model.loss_weights = {n: (1e-3, 1e3)[k % 2] for k, n in enumerate(model.loss_weights)}
    report = check_model(model, x, y)
    trained = {n for n, w in model.named_weights().items() if w.trainable}
    assert set(report) == trained - WITHOUT_EFFECT.get(name, set())
