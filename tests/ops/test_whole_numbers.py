"""Whole numbers are numbers: integers and booleans give what the same floats give, in every op."""

import warnings
from itertools import product

import numpy as np
import pytest

import tinygrad_mo as tg
from op_cases import CASES, WITHOUT_SLOPE
from tinygrad_mo import layers, losses, ops
from tinygrad_mo.ops import OPS

NAMES = """
absolute add broadcast_to concatenate cumprod cumsum dot einsum embedding flatten floor_divide
getitem identity join_heads matmul max maximum min minimum mod multiply negative prod relu repeat
reshape sign sort split_heads square steps_into_batch steps_out_of_batch stop_gradient subtract sum
transpose where zero_pad labels_for
"""
STAY_WHOLE = set(NAMES.split())
ZERO_OR_ONE = {"binary_crossentropy", "binary_crossentropy_from_logits"}
ZERO_OR_ONE |= {"categorical_crossentropy", "sparse_categorical_crossentropy", "probabilities"}
INTEGERS = ["int8", "uint8", "int32", "int64"]

each_op = pytest.mark.parametrize("name", list(CASES))


def is_float(x):
    return x is not None and np.asarray(x).dtype.kind == "f"


def whole(name, x, dtype):
    """The floats of a case as whole numbers (labels and probabilities from 0 to 1)."""
    if not is_float(x):
        return x
    limits = (0, 1) if name in ZERO_OR_ONE else (-4, 4) if "u" not in dtype else (0, 4)
    return np.rint(2 * x).clip(*limits).astype(dtype)


def values_of(name, inputs, attributes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of 0 / 0 and the like, which whole numbers meet
        y, back = OPS[name](*inputs, **attributes)
    return y if isinstance(y, tuple) else (y,), back


@pytest.mark.medium
@each_op
def test_integers_give_what_the_same_floats_give(name):
    for dtype, (inputs, attributes) in product(INTEGERS, CASES[name]):
        given = [whole(name, x, dtype) for x in inputs]
        floats = [np.float32(w) if is_float(x) else x for x, w in zip(inputs, given, strict=True)]
        found, _ = values_of(name, given, attributes)
        expected, _ = values_of(name, floats, attributes)
        for one, other in zip(found, expected, strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(np.asarray(one, float), other, rtol=1e-6, atol=1e-6)
            if name in STAY_WHOLE:
                assert one.dtype.kind in "iu", name
            else:
                assert one.dtype == other.dtype, name


def u8(*values):
    return np.array([values], "uint8")


WRAPPED = {  # what the numbers 200 and 100 give, in order: right in integers, not in 8 bits
    "add": (ops.add, 300),
    "subtract": (lambda x, y: y - x, -100),
    "multiply": (ops.multiply, 20_000),
    "negative": (lambda x, y: -x, -200),
    "square": (lambda x, y: ops.square(x), 40_000),
    "absolute": (lambda x, y: abs(y - x), 100),
    "matmul": (lambda x, y: x @ u8(200).T, 40_000),
    "dot": (lambda x, y: layers.Dot(axes=1)([x, y]), 20_000),
    "cosine": (lambda x, y: layers.Dot(axes=1, normalize=True)([x, y]), 1),
    "average": (lambda x, y: layers.Average()([x, y]), 150),
    "where": (lambda x, y: ops.where(x > 200, x, -1), -1),
    "where large": (lambda x, y: ops.where(x > 200, x, 300), 300),
    "a large number": (lambda x, y: x * 300, 60_000),
    "divide": (lambda x, y: (y - 128) / 128, -28 / 128),
    "a sum": (lambda x, y: x.sum(axis=-1, keepdims=True) - 500, -300),
    "counting": (lambda x, y: (x > 1) + (x > 199) + (x > 200), 2),
    "less": (lambda x, y: (y > 1) - (x > 1), 0),
    "not": (lambda x, y: -(x > 1), -1),
    "square of a bool": (lambda x, y: ops.square(x > 1) + ops.square(x > 1), 2),
}


@pytest.mark.parametrize(("compute", "right"), WRAPPED.values(), ids=list(WRAPPED))
def test_small_whole_numbers_do_not_wrap_around(compute, right):
    x, y = tg.Input((1,), dtype="uint8", name="x"), tg.Input((1,), dtype="uint8", name="y")
    given = u8(200), u8(100)
    assert compute(*map(tg.Tensor, given)).numpy().tolist() == [[pytest.approx(right)]]
    model = tg.Model([x, y], [compute(x, y), x, y])
    for _ in range(3):  # the third is replayed
        assert model.predict(list(given))[0].tolist() == [[pytest.approx(right)]]


def test_losses_and_metrics_of_small_whole_numbers():
    far = np.array([[100]], "int8"), np.array([[-100]], "int8")
    for (y, p), absolute in [((u8(3), u8(1)), 2), ((u8(1), u8(3)), 2), (far, 200)]:
        assert float(losses.MeanAbsoluteError()(y, p)) == absolute
        assert float(losses.MeanSquaredError()(y, p)) == absolute**2
        for kind, power in [("mae", 1), ("mse", 2), ("rmse", 1)]:
            metric = tg.metrics.METRICS[kind]()
            metric.update(y, p)
            assert metric.result() == absolute**power


def test_whole_numbers_of_one_type_stay_where_nothing_is_computed():
    for x in (np.array([True, False]), u8(1, 2)[0], np.array([1, 2], "int32")):
        for op, inputs in [(ops.where, (x > 0, x, x)), (ops.concatenate, (x, x))]:
            assert op(*inputs)[0].dtype == x.dtype
    assert (tg.Tensor([True]) | (ops.where(tg.Tensor([True]), tg.Tensor([False]), True))).value


def test_what_int64_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="9223372036854775809 is more than int64 can hold"):
        ops.negative(np.array([2**63 + 1], "uint64"))
    assert ops.negative(np.array([5], "uint64"))[0].tolist() == [-5]


@pytest.mark.one_in(6, rest="medium")
@pytest.mark.parametrize("name", [name for name in CASES if name not in STAY_WHOLE])
def test_booleans_give_what_zeros_and_ones_give(name):
    for inputs, attributes in CASES[name]:
        given = [x > 0 if is_float(x) else x for x in inputs]
        floats = [np.float32(b) if is_float(x) else b for x, b in zip(inputs, given, strict=True)]
        found, _ = values_of(name, given, attributes)
        for one, other in zip(found, values_of(name, floats, attributes)[0], strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


MIXED = [name for name in CASES if name not in WITHOUT_SLOPE]


@pytest.mark.medium
@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_beside_float32_they_are_float32(name, dtype):
    """Each numeric input whole in turn, the others float32: value and gradients of the floats."""
    for inputs, attributes in CASES[name]:
        places = [i for i, x in enumerate(inputs) if is_float(x)]
        for i in places if len(places) > 1 else []:
            given = [np.float32(x) if is_float(x) else x for x in inputs]
            limits = (0, 1) if name in ZERO_OR_ONE or dtype == "bool" else (0, 2)
            given[i] = np.abs(np.rint(inputs[i])).clip(*limits).astype(dtype)
            floats = [*given[:i], np.float32(given[i]), *given[i + 1 :]]
            found, back = values_of(name, given, attributes)
            expected, back_of_floats = values_of(name, floats, attributes)
            gs = tuple(np.ones((1, *v.shape), "float32") for v in found)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)
                assert one.dtype == other.dtype or name in ("steps_out_of_batch", "labels_for")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pulled = [pulled_by(b, gs, len(found) > 1) for b in (back, back_of_floats)]
            for j, (one, other) in enumerate(zip(*pulled, strict=True)):
                if j != i and one is not None:
                    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
                    assert one.dtype == np.float32


def pulled_by(back, gs, several):
    g = gs if several else gs[0]
    return list(back(g)) if callable(back) else [pull and pull(g) for pull in back]


def test_the_default_float_type_is_what_they_become():
    with tg.use(floatx="float64"):
        assert ops.tanh(np.array([1, 2]))[0].dtype == np.float64
        assert (tg.Tensor([1, 2]) * 0.5).dtype == np.float64
    assert ops.tanh(np.array([1, 2]))[0].dtype == np.float32
    assert (tg.Tensor([1, 2]) * 0.5).dtype == np.float32
    assert (tg.Tensor([1, 2]) * 2).dtype == np.int64


@pytest.mark.parametrize(
    ("layer", "right"),
    [
        (layers.LeakyReLU(), [1, -0.6]),
        (layers.ELU(alpha=0.5), [1, 0.5 * (np.exp(-2) - 1)]),
        (layers.Activation("selu"), [1.0507009873554805, 1.7580993408473766 * (np.exp(-2) - 1)]),
        (layers.Activation("gelu"), [0.8413447460685429, -0.04550026389635842]),
        (layers.Activation("softplus"), [np.log1p(np.e), np.log1p(np.exp(-2))]),
    ],
    ids=str,
)
def test_layers_on_tensors_of_integers(layer, right):
    if isinstance(layer, layers.LeakyReLU):
        right = [1, -2 * layer.negative_slope]
    for x in (tg.Tensor([[1, -2]]), tg.Tensor([[1.0, -2.0]])):
        y = layer(x)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.numpy(), [right], rtol=1e-6)


def test_a_recurrent_layer_on_an_input_of_integers():
    x = np.arange(12).reshape(1, 4, 3) % 3
    for layer in (layers.GRU(2), layers.LSTM(2), layers.SimpleRNN(2)):
        y = layer(tg.Tensor(x))
        np.testing.assert_array_equal(y.numpy(), layer(tg.Tensor(x.astype(float))).numpy())
        symbolic = layer(tg.Input((4, 3), "int32"))
        assert y.dtype == symbolic.dtype == np.float32


def test_a_plan_that_is_fed_integers_where_floats_were_declared():
    x = tg.Input((2,))
    y = ops.leaky_relu(x, negative_slope=0.5)
    for kind in (tg.Plan, tg.ReplayedPlan):
        plan = kind([y.sum()], [])
        for _ in range(3):
            assert plan.value(plan.forward({x: np.array([[1, -3]])}), plan.losses[0]) == -0.5


def test_gradients_reach_the_floats_beside_integers():
    w, ids = tg.Parameter([0.5, 0.25], "w"), tg.Tensor([2, 3])
    for y in (w * ids, ids * w, ids / (1 / w), ops.matmul(w, ids)):
        (found,) = tg.gradients([y.sum()], [w])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, [2, 3], rtol=1e-6)


def test_labels_may_be_integers():
    p = tg.Tensor([[0.2, 0.8]])
    for loss in (losses.BinaryCrossentropy(), losses.MeanSquaredError(), losses.Huber()):
        assert loss([[0, 1]], p).value == loss([[0.0, 1.0]], p).value
    smooth = losses.CategoricalCrossentropy(label_smoothing=0.2)
    assert smooth([[0, 1]], p).value == smooth([[0.0, 1.0]], p).value


@pytest.mark.medium
@pytest.mark.parametrize("dtype", ["int64", "float32", "uint8"])
def test_a_mask_may_hold_zeros_and_ones(dtype):
    """Numbers other than 0 count as True, as everywhere in NumPy."""
    seen = set()
    for name, cases in CASES.items():
        for inputs, attributes in cases:
            mask = inputs[-1]
            is_mask = isinstance(mask, np.ndarray) and mask.dtype.kind == "b"
            if not is_mask or name in WITHOUT_SLOPE or name == "getitem":
                continue
            seen.add(name)
            both = [*inputs[:-1], 2 * mask.astype(dtype)], inputs
            results = []
            for given in both:
                y, back = OPS[name](*given, **attributes)
                gs = tuple(np.ones((1, *np.shape(v))) for v in (y if type(y) is tuple else (y,)))
                results.append([y, pulled_by(back, gs, type(y) is tuple)])
            flat_one, flat_other = (flattened(result) for result in results)
            for one, other in zip(flat_one, flat_other, strict=True):
                np.testing.assert_array_equal(one, other)
    assert seen >= {"lstm", "gru", "simple_rnn", "masked_mean", "weighted_mean", "weighted_sum"}
    assert "batch_normalization" in seen


def flattened(result):
    if isinstance(result, list | tuple):
        return [x for part in result for x in flattened(part)]
    return [] if result is None else [result]


class Quantity(np.ndarray):
    """An array with more to it, such as a unit."""


MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
REFUSED = {
    "complex": (np.array([1 + 2j]), "complex128 .* hand over x.real and x.imag"),
    "complex number": (1j, "complex128"),
    "masked": (MASKED, r"masked array, whose mask would be lost: fill it with x\.filled"),
    "subclass": (np.ones(1).view(Quantity), r"a Quantity, .* plain with np\.asarray"),
    "objects": (np.array([{}, None]), "holds numbers, not object"),
    "dates": (np.array(["2026-11-01"], "datetime64[D]"), r"not datetime64\[D\]"),
    "durations": (np.array([3], "timedelta64[D]"), r"not timedelta64\[D\]"),
    "words": (np.array(["one"]), "not <U3"),
    "record": (np.zeros(2, [("a", "f4")]), "holds numbers, not"),
}
each_refused = pytest.mark.parametrize(("x", "words"), REFUSED.values(), ids=list(REFUSED))


@each_refused
def test_what_holds_no_numbers_is_refused_by_every_op(x, words):
    for op in (ops.tanh, ops.square, ops.reshape):
        with pytest.raises(TypeError, match=f"{op.name}: input 0.*{words}"):
            op(x)
    with pytest.raises(TypeError, match=f"add: input 1.*{words}"):
        ops.add(np.ones(1), x)


@each_refused
def test_what_holds_no_numbers_is_no_tensor(x, words):
    with pytest.raises(TypeError, match=f"the value of a tensor.*{words}"):
        tg.Tensor(x)
    with pytest.raises(TypeError, match=words):
        tg.Tensor([1.0, 2.0, 3.0]) * x


@each_refused
def test_what_holds_no_numbers_is_no_seed(x, words):
    w = tg.Parameter(2.0, "w")
    loss = w * w
    with pytest.raises(TypeError, match=f"the seed of 'multiply'.*{words}"):
        tg.gradients(loss, w, x)
    plan = tg.Plan([loss], [w])
    with pytest.raises(TypeError, match=f"the seed of 'multiply'.*{words}"):
        plan.backward(plan.forward(), [x])


@pytest.mark.parametrize("name", ["masked", "subclass"])
def test_what_is_more_than_an_array_is_not_fed(name):
    x, words = REFUSED[name]
    i = tg.Input((1,), name="i")
    plan = tg.ReplayedPlan([ops.tanh(i).sum()], [])
    with pytest.raises(TypeError, match=rf"'i' \(None, 1\).*{words}"):
        plan.forward({i: x[:, None]})
    model = tg.Model(i, layers.Dense(1, name="y")(i))
    model.compile("sgd", "mse")
    good = np.ones((len(x), 1))
    for given in ((x, good), (good, x), (x[:, None], good), (list(x[:, None]), good)):
        with pytest.raises(TypeError, match=words):
            model.fit(*given, verbose=0)
    with pytest.raises(TypeError, match=f"input 'i'.*{words}"):
        model.predict(x)


def test_a_list_of_masked_arrays_is_no_tensor_either():
    with pytest.raises(TypeError, match="masked array"):
        tg.Tensor([MASKED, MASKED])


def test_a_tensor_of_a_given_type_does_not_drop_what_it_cannot_hold():
    with pytest.raises(TypeError, match="complex128"):
        tg.Tensor(1 + 2j, dtype="float32")


@pytest.mark.parametrize(
    "several", [[np.ones(2), np.ones(2)], (np.ones(2),)], ids=["list", "tuple"]
)
def test_a_list_is_not_an_array(several):
    """`+` of lists would join them, `*` would repeat them."""
    kind = type(several).__name__
    with pytest.raises(TypeError, match=rf"add: input 0 is a {kind}; .* add\(\*{kind}\)"):
        ops.add(several, several)
    with pytest.raises(TypeError, match=rf"concatenate: input 0 is a {kind}"):
        ops.concatenate(several)


def test_a_memory_map_is_an_array(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert ops.add(x, x)[0].tolist() == tg.Tensor(x * 2).numpy().tolist() == [2, 2, 2]


def test_floats_pass_as_they_are():
    """No copy and no other type, so nothing that was right before has changed."""
    x, seen = np.ones(3), []
    for mark in (ops.contract.in_floats, ops.contract.one_type):
        mark(lambda x, y: seen.append((x, y)))(x, None)
    assert all(one is x and other is None for one, other in seen)
