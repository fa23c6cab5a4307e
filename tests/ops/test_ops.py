"""Every op: its pullbacks against differences, and the contract that `tinygrad_mo.ops` states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from gradient_checks import check_gradients
from tinygrad_mo import ops
from tinygrad_mo.ops import OPS, unbroadcast

FAMILIES = ("arithmetic", "activations", "shaping", "linear", "losses", "random", "recurrent")


def numbers(*shape, offset=0.0):
    """Numbers between -2 and 2, all different and none of them 0 (an offset keeps them apart)."""
    count = int(np.prod(shape))
    ladder = (np.arange(count) + 0.5 - (count // 2)) * (4 / max(count, 1)) + 0.01 + offset
    return np.random.default_rng(count).permutation(ladder).reshape(shape)


def positive(*shape):
    return 0.2 + np.abs(numbers(*shape))


def probabilities(*shape):
    return 0.5 + 0.2 * numbers(*shape)


def integers(high, *shape):
    return np.random.default_rng(1).integers(0, high, shape)


def coins(*shape):
    return integers(2, *shape) == 1


class SameDraws:
    """A generator whose every draw is the same: what dropout needs for a gradient check."""

    def __getattr__(self, distribution):
        return getattr(np.random.default_rng(0), distribution)


SHAPES = [(), (1,), (3,), (2, 3), (0, 4), (2, 0, 3), (2, 3, 4)]
PAIRS = [
    ((), ()),
    ((3,), ()),
    ((), (2, 3)),
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (1, 3)),
    ((1, 3), (2, 1)),
    ((2, 1, 4), (3, 1)),
    ((3, 1), (2, 1, 4)),
    ((1,), (2, 3)),
    ((0, 3), (3,)),
    ((1, 3), (0, 3)),
    ((0, 1), (0, 3)),
]
CASES = {}  # by op: a list of (inputs, attributes)


def case(name, *inputs, **attributes):
    CASES.setdefault(name, []).append((inputs, attributes))


BINARY = {
    "add": (numbers, numbers),
    "subtract": (numbers, numbers),
    "multiply": (numbers, numbers),
    "divide": (numbers, positive),
    "power": (positive, numbers),
    "maximum": (numbers, lambda *shape: numbers(*shape, offset=0.005)),
    "minimum": (numbers, lambda *shape: numbers(*shape, offset=0.005)),
    "not_equal": (numbers, numbers),
    "logical_and": (coins, coins),
}
for name, (draw_x, draw_y) in BINARY.items():
    for x_shape, y_shape in PAIRS:
        case(name, draw_x(*x_shape), draw_y(*y_shape))

UNARY = {
    "negative": numbers,
    "square": numbers,
    "sqrt": positive,
    "exp": numbers,
    "log": positive,
    "sin": numbers,
    "cos": numbers,
    "absolute": numbers,
    "tanh": numbers,
    "sigmoid": numbers,
    "relu": numbers,
    "leaky_relu": numbers,
    "elu": numbers,
    "selu": numbers,
    "softplus": numbers,
    "softsign": numbers,
    "silu": numbers,
    "hard_sigmoid": lambda *shape: 2.5 * numbers(*shape),
}
for name, draw in UNARY.items():
    for shape in SHAPES:
        case(name, draw(*shape))
case("leaky_relu", numbers(2, 3), negative_slope=0.01)
case("elu", numbers(2, 3), alpha=0.5)
for shape in [(1,), (3,), (2, 3), (0, 4), (2, 3, 4), (2, 1)]:
    case("softmax", numbers(*shape))

for condition, x, y in [
    ((2, 3), (2, 3), (2, 3)),
    ((2, 1), (3,), (2, 3)),
    ((3,), (2, 3), ()),
    ((2, 3), (), (1, 3)),
    ((), (2,), (2,)),
    ((0, 3), (3,), (0, 1)),
]:
    case("where", coins(*condition), numbers(*x), numbers(*y))
for x, y in [
    ((2, 3), (3, 4)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (3,)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((0, 3), (3, 4)),
    ((0, 2, 3), (3, 4)),
    ((1, 1), (1, 1)),
]:
    case("matmul", numbers(*x), numbers(*y))

for shape, axes in [
    ((), [None]),
    ((3,), [None, 0, -1]),
    ((2, 3), [None, 0, 1, -1, (0, 1)]),
    ((2, 3, 4), [None, 1, -1, (0, 2), (-1, 0), ()]),
    ((1, 3, 1), [None, 0, (0, 2)]),
    ((0, 3), [1, -1]),
]:
    for axis in axes:
        for keepdims in (False, True):
            for name in ("sum", "mean", "max"):
                case(name, numbers(*shape), axis=axis, keepdims=keepdims)
for name in ("sum", "mean"):
    case(name, numbers(0, 3))
    case(name, numbers(0, 3), axis=0)
for shape, new in [((2, 3), (3, 2)), ((2, 3), (-1,)), ((6,), (1, 2, 3)), ((), (1, 1)), ((1,), ())]:
    case("reshape", numbers(*shape), shape=new)
case("reshape", numbers(0, 6), shape=(-1, 2, 3))
case("identity", numbers(2, 3))
case("identity", numbers(0, 3))
for shape in [(3,), (2, 3), (2, 3, 4), (0, 3, 2), (1, 1, 1)]:
    case("flatten", numbers(*shape))
    case("transpose", numbers(*shape))
case("transpose", numbers())
case("transpose", numbers(2, 3, 4), axes=(1, 2, 0))
case("transpose", numbers(2, 3, 4), axes=(-1, 0, 1))
for index in [
    0,
    -1,
    (0, 1),
    slice(None, None, -1),
    slice(1, 1),
    (slice(None), None, 1),
    (..., 0),
    (..., slice(0, 2)),
    None,
    np.array([0, 2, 2, 0]),
    [1, 1],
    (slice(None), np.array([3, 3, 0])),
    (np.array([0, 0, 2]), np.array([1, 1, 3])),
    (np.array([[0], [2]]), slice(None, None, 2)),
    np.array([True, False, True]),
]:
    case("getitem", numbers(3, 4), index=index)
case("getitem", numbers(3), index=1)
case("getitem", numbers(0, 4), index=(slice(None), 1))
for shapes, axis in [
    ([(2, 3), (2, 1)], -1),
    ([(2, 3), (4, 3), (0, 3)], 0),
    ([(2, 3, 4), (2, 1, 4)], 1),
    ([(3,), (2,)], 0),
    ([(0, 3), (0, 2)], -1),
    ([(2, 2)], -1),
]:
    xs = [numbers(*shape) for shape in shapes]
    case("concatenate", *xs, axis=axis)

for shape in [(2, 3), (3,), (2, 4, 3), (0, 3), (0, 4, 3), (1, 3)]:
    case("dense", numbers(*shape), numbers(3, 2), numbers(2))
    case("dense", numbers(*shape), numbers(3, 2), None)
case("dense", numbers(2, 1), numbers(1, 1), numbers(1))
for shape in [(4,), (2, 3), (0, 3), (2, 3, 2), ()]:
    case("embedding", integers(5, *shape), numbers(5, 2))
case("embedding", np.full((2, 3), 4, "uint8"), numbers(5, 1))
case("embedding", integers(3, 4, 9), numbers(5, 2))  # each id many times
for x, y, axes in [
    ((2, 3), (2, 3), (1, 1)),
    ((2, 3, 4), (2, 3, 5), (1, 1)),
    ((2, 3, 4), (2, 4, 5), (2, 1)),
    ((2, 3, 4), (2, 4), (-1, -1)),
    ((2, 4), (2, 3, 4, 2), (1, 2)),
    ((0, 3, 4), (0, 4, 2), (2, 1)),
]:
    case("dot", numbers(*x), numbers(*y), axes=axes)

for shape in [(3,), (2, 3), (0, 3), (2, 3, 1)]:
    labels, logits = coins(*shape).astype(float), numbers(*shape)
    case("binary_crossentropy", labels, probabilities(*shape))
    case("binary_crossentropy_from_logits", labels, logits)
    case("huber", numbers(*shape) * 0, numbers(*shape))
    case("huber", numbers(*shape) * 0, numbers(*shape), delta=0.3)
case("binary_crossentropy_from_logits", np.array([1.0, 0.0]), np.array([-40.0, 30.0]))
for shape in [(2, 3), (1, 4), (0, 3), (2, 3, 4)]:
    classes = integers(shape[-1], *shape[:-1])
    one_hot = np.eye(shape[-1])[classes]
    for form, draw in (("", probabilities), ("_from_logits", numbers)):
        case("categorical_crossentropy" + form, one_hot, draw(*shape))
        case("categorical_crossentropy" + form, 0.1 + 0.7 * one_hot, draw(*shape))
        case("sparse_categorical_crossentropy" + form, classes, draw(*shape))
        case("sparse_categorical_crossentropy" + form, classes[..., None], draw(*shape))
for shape in [(4,), (4, 3), (0,), (0, 3)]:
    weights = positive(shape[0])
    for by_weight in (False, True):
        case("weighted_mean", numbers(*shape), weights, None, by_weight=by_weight)
        case("weighted_mean", numbers(*shape), weights, coins(*shape), by_weight=by_weight)
    case("weighted_mean", numbers(*shape), np.ones(()), None)
case("weighted_mean", numbers(4, 3), positive(4, 3), None)
case("weighted_mean", numbers(3), np.zeros(3), None, by_weight=True)
case("weighted_mean", numbers(3), np.ones(3), np.zeros(3, bool))

for shape in SHAPES:
    case("dropout", numbers(*shape), rate=0.4, generator=SameDraws(), training=True)
for rate in (0, 1):
    case("dropout", numbers(2, 3), rate=rate, generator=SameDraws(), training=True)
case("dropout", numbers(2, 3), rate=0.4, generator=SameDraws())
case("dropout", numbers(2, 3, 4), rate=0.4, generator=SameDraws(), together=(1,), training=True)
for training in (False, True):
    case("gaussian_noise", numbers(2, 3), stddev=0.5, generator=SameDraws(), training=training)


def lstm_case(batch=3, time=4, features=2, units=3, state=False, mask=None, **attributes):
    weights = [numbers(features, 4 * units), numbers(units, 4 * units), numbers(4 * units)]
    states = [numbers(batch, units), numbers(batch, units) / 2] if state else [None, None]
    case("lstm", numbers(batch, time, features), *weights, *states, mask, **attributes)


MASKS = {
    "right": np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool),
    "left": np.array([[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]], bool),
    "holes": np.array([[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool),
}
for go_backwards in (False, True):
    for state in (False, True):
        lstm_case(state=state, go_backwards=go_backwards)
        for mask in MASKS.values():
            lstm_case(state=state, mask=mask, go_backwards=go_backwards)
lstm_case(batch=1, time=1, features=1, units=1)
lstm_case(batch=0, state=True)
lstm_case(batch=0, mask=np.zeros((0, 4), bool))
lstm_case(time=0, state=True)


each_op = pytest.mark.parametrize("name", list(CASES))


def draw_g(shape):
    """A cotangent of two rows for a value of this shape."""
    return np.random.default_rng(7).standard_normal((2, *shape))


def run(op, inputs, attributes, draw_g=draw_g):
    """The op's values, and the gradient of each input (None where there is none)."""
    y, back = op.rule(*inputs, **attributes)
    values = y if isinstance(y, tuple) else (y,)
    gs = tuple(draw_g(np.shape(v)) for v in values)
    g = gs if isinstance(y, tuple) else gs[0]
    found = back(g) if callable(back) else [p and p(g) for p in back]
    pairs = zip(inputs, found, strict=True)
    return values, tuple(
        None if x is None or gx is None else unbroadcast(gx, np.shape(x)) for x, gx in pairs
    )


def is_float(x):
    return x is not None and np.asarray(x).dtype.kind == "f"


def test_no_op_is_without_a_case():
    of_families = {
        name
        for name, op in OPS.items()
        if op.rule.__module__ in [f"tinygrad_mo.ops.{family}" for family in FAMILIES]
    }
    assert of_families - set(CASES) == set()


@each_op
def test_pullbacks_agree_with_differences(name):
    for inputs, attributes in CASES[name]:
        check_gradients(OPS[name], *inputs, **attributes)


BROADCASTING = st.sampled_from([name for name, (_, draw) in BINARY.items() if draw is not coins])


@settings(derandomize=True, max_examples=40, deadline=None)
@given(BROADCASTING, mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_dims=3))
def test_binary_ops_broadcast_like_numpy(name, broadcast):
    shapes, result = broadcast
    x, y = (draw(*shape) for draw, shape in zip(BINARY[name], shapes, strict=True))
    check_gradients(OPS[name], x, y, directions=1)
    assert np.shape(OPS[name](x, y)[0]) == result


LAYOUTS = {
    "fortran": lambda x: np.asarray(x, order="F"),
    "transposed": lambda x: x.T.copy().T,
    "reversed": lambda x: x[tuple([slice(None, None, -1)] * x.ndim)].copy()[
        tuple([slice(None, None, -1)] * x.ndim)
    ],
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
}


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        if one is None or other is None:
            assert one is other
        else:
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@each_op
def test_memory_layout_makes_no_difference(name):
    for inputs, attributes in CASES[name]:
        expected = run(OPS[name], inputs, attributes)
        for layout in LAYOUTS.values():

            def laid_out(x, layout=layout):
                new = layout(np.asarray(x))
                assert (new == x).all()
                new.setflags(write=False)
                return new

            arrays = [x if x is None else laid_out(x) for x in inputs]
            found = run(OPS[name], arrays, attributes, lambda *g: laid_out(draw_g(*g)))
            assert_same(found[0] + found[1], expected[0] + expected[1])


@each_op
def test_float32_stays_float32(name):
    for inputs, attributes in CASES[name]:
        single = [np.float32(x) if is_float(x) else x for x in inputs]
        values, gradients = run(OPS[name], single, attributes, lambda *g: np.float32(draw_g(*g)))
        assert all(np.asarray(v).dtype != np.float64 for v in values)
        for x, g in zip(single, gradients, strict=True):
            assert g is None or (g.dtype == np.float32 and g.shape == (2, *np.shape(x)))


@each_op
def test_rows_do_not_mix(name):
    """Two rows pulled together are the two rows pulled one by one."""
    for inputs, attributes in CASES[name]:
        _, both = run(OPS[name], inputs, attributes)
        for row in (0, 1):
            _, alone = run(OPS[name], inputs, attributes, lambda s, r=row: draw_g(s)[r : r + 1])
            assert_same([g if g is None else g[row : row + 1] for g in both], alone)


def slopes(op, *inputs, **attributes):
    """The gradients of all inputs for a cotangent of ones."""
    y, back = op.rule(*[np.array(x, float) for x in inputs], **attributes)
    return [pull(np.ones((1, *np.shape(y))))[0].tolist() for pull in back]


@pytest.mark.parametrize(
    ("op", "inputs", "expected"),
    [
        (ops.relu, [[-1, 0, 1]], [[0, 0, 1]]),
        (ops.absolute, [[-1, 0, 1]], [[-1, 0, 1]]),
        (ops.leaky_relu, [[-1, 0, 1]], [[0.2, 0.2, 1]]),
        (ops.maximum, [[1, 2, 3], [3, 2, 1]], [[0, 0.5, 1], [1, 0.5, 0]]),
        (ops.minimum, [[1, 2, 3], [3, 2, 1]], [[1, 0.5, 0], [0, 0.5, 1]]),
        (ops.max_, [[1, 3, 3, 2]], [[0, 0.5, 0.5, 0]]),
        (ops.power, [[0, 0, 2, 0], [0, 1, 3, 2]], [[0, 1, 12, 0], [0, 0, 8 * np.log(2), 0]]),
        (ops.hard_sigmoid, [[-4, -3, 0, 3, 4]], [[0, 0, 1 / 6, 0, 0]]),
        (ops.elu, [[-1, 0, 1]], [[np.exp(-1), 1, 1]]),
    ],
)
def test_slope_at_kinks_and_ties_is_as_documented(op, inputs, expected):
    for found, right in zip(slopes(op, *inputs), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12)


def test_powers_of_negative_numbers_have_a_slope():
    _, (pull, _) = ops.power(np.array([-2.0, -3.0]), np.array([2.0, 3.0]))
    np.testing.assert_allclose(pull(np.ones((1, 2))), [[-4.0, 27.0]])


@pytest.mark.parametrize("x", [-1000.0, 1000.0])
@pytest.mark.parametrize(
    "op", [ops.sigmoid, ops.tanh, ops.softplus, ops.elu, ops.selu, ops.silu, ops.softsign]
)
def test_large_inputs_neither_overflow_nor_give_nan(op, x):
    y, (pull,) = op(np.array([x]))
    assert np.isfinite(y).all() and np.isfinite(pull(np.ones((1, 1)))).all()


def test_softmax_and_fused_losses_are_exact_for_large_logits():
    logits = np.array([[1000.0, 0.0, -1000.0]])
    assert ops.softmax(logits)[0].tolist() == [[1, 0, 0]]
    y, (_, pull) = ops.categorical_crossentropy_from_logits(np.array([[0.0, 0, 1]]), logits)
    assert y.tolist() == [2000] and pull(np.ones((1, 1))).tolist() == [[[1, 0, -1]]]
    y, (_, pull) = ops.binary_crossentropy_from_logits(np.array([0.0, 1]), np.array([800.0, 800]))
    assert y.tolist() == [800, 0] and pull(np.ones((1, 2))).tolist() == [[1, 0]]


def test_a_probability_of_exactly_0_or_1_is_held_and_has_no_slope():
    y, (_, pull) = ops.binary_crossentropy(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(y, -np.log(1e-7), rtol=1e-8)
    assert pull(np.ones((1, 2))).tolist() == [[0, 0]]


def test_the_mean_of_nothing_is_0():
    assert ops.mean(np.zeros((0, 3)))[0] == 0


def test_dropout_keeps_the_mean_and_drops_the_share():
    generator = np.random.default_rng(3)
    y, _ = ops.dropout(np.ones(100_000), rate=0.25, generator=generator, training=True)
    assert set(np.unique(y)) == {0, 1 / 0.75}
    assert abs((y == 0).mean() - 0.25) < 0.01


@pytest.mark.parametrize(
    ("g", "shape", "expected"),
    [
        ((2, 3), (3,), (2, 3)),
        ((2, 4, 3), (3,), (2, 3)),
        ((2, 4, 3), (1, 3), (2, 1, 3)),
        ((2, 4, 3), (4, 1), (2, 4, 1)),
        ((2, 4, 3), (), (2,)),
        ((2, 5, 4, 3), (4, 1), (2, 4, 1)),
        ((2, 0, 3), (3,), (2, 3)),
        ((2, 0, 3), (1, 3), (2, 1, 3)),
    ],
)
def test_unbroadcast_sums_to_the_shape(g, shape, expected):
    found = unbroadcast(np.ones(g), shape)
    assert found.shape == expected
    assert found.sum() == np.prod(g)


@pytest.mark.parametrize(("g", "shape"), [((2, 3), (4,)), ((2, 3), (2, 3)), ((1, 2, 1), (2, 3))])
def test_unbroadcast_refuses_shapes_that_broadcasting_cannot_make(g, shape):
    with pytest.raises(ValueError, match=r"returned shape .* \(rows first\) for an input of shape"):
        unbroadcast(np.ones(g), shape)


def test_ops_run_on_plain_numbers():
    y, (pull_x, pull_y) = ops.multiply(2.0, 3.0)
    assert (y, pull_x(1.0), pull_y(1.0)) == (6, 3, 2)
