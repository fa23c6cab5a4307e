"""Every op: its pullbacks against differences, and the contract that `tinygrad_mo.ops` states."""

import inspect
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from gradient_checks import check_gradients
from op_cases import BINARY, CASES, WITHOUT_SLOPE
from tinygrad_mo import ops
from tinygrad_mo.ops import OPS, unbroadcast

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
    """Whichever file of the room an op is written in."""
    room = Path(inspect.getfile(ops)).parent
    families = {op.rule.__module__.rpartition(".")[2] for op in OPS.values()}
    written = {path.stem for path in room.glob("*.py") if "\n@op" in path.read_text("utf-8")}
    assert written == families
    assert set(OPS) == set(CASES)


@pytest.mark.medium
@each_op
def test_pullbacks_agree_with_differences(name):
    for inputs, attributes in CASES[name]:
        check_gradients(OPS[name], *inputs, **attributes)


BROADCASTING = st.sampled_from([name for name in BINARY if name not in WITHOUT_SLOPE])


@pytest.mark.medium
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


@pytest.mark.medium
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


@pytest.mark.one_in(12, rest="medium")
@each_op
def test_float32_stays_float32(name):
    for inputs, attributes in CASES[name]:
        single = [np.float32(x) if is_float(x) else x for x in inputs]
        values, gradients = run(OPS[name], single, attributes, lambda *g: np.float32(draw_g(*g)))
        assert all(np.asarray(v).dtype != np.float64 for v in values)
        for x, g in zip(single, gradients, strict=True):
            assert g is None or (g.dtype == np.float32 and g.shape == (2, *np.shape(x)))


@pytest.mark.medium
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


def test_a_probability_of_exactly_0_or_1_is_clipped_and_has_no_slope():
    y, (_, pull) = ops.binary_crossentropy(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(y, -np.log(1e-7), rtol=1e-8)
    assert pull(np.ones((1, 2))).tolist() == [[0, 0]]
    y, (_, pull) = ops.categorical_crossentropy(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(y, -np.log(1e-7), rtol=1e-8)
    assert pull(np.ones((1, 1))).tolist() == [[[0, 0]]]


@pytest.mark.parametrize(("op", "gates"), [(ops.lstm, 4), (ops.gru, 3), (ops.simple_rnn, 1)])
def test_a_recurrent_op_computes_in_the_type_of_its_input(op, gates):
    """Weights of float32 beside numbers of float64 lose nothing more."""
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 3, 4))
    shapes = [(4, 5 * gates), (5, 5 * gates), (2, 5 * gates) if gates == 3 else (5 * gates,)]
    weights = [random.normal(size=shape).astype("float32") for shape in shapes]
    states = [None] * (2 if op is ops.lstm else 1)
    found = op(x, *weights, *states, None)[0][0]
    right = op(x, *(w.astype(float) for w in weights), *states, None)[0][0]
    assert found.dtype == float
    np.testing.assert_allclose(found, right, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mean_of_real_steps_keeps_the_type(dtype):
    x, mask = np.ones((2, 3, 4), dtype), np.array([[True, False, True], [False] * 3])
    y, pulls = ops.masked_mean(x, mask)
    assert y.dtype == pulls[0](np.ones((1, *y.shape), dtype)).dtype == dtype
    assert y.tolist() == [[1] * 4, [0] * 4]


def test_the_mean_of_nothing_is_0():
    assert ops.mean(np.zeros((0, 3)))[0] == 0


@pytest.mark.parametrize(
    ("other", "axis", "words"),
    [
        ((3, 3, 4), -1, r"joined along axis -1, all other axes must agree, but axis -3 does not: "),
        ((2, 3, 5), -2, r"joined along axis -2, all other axes must agree, but axis -1 does not: "),
        ((3, 4), 0, r"joined along axis -3, all other axes must agree, but axis -2 does not: "),
    ],
)
def test_what_is_joined_agrees_in_all_other_axes(other, axis, words):
    with pytest.raises(ValueError, match=words + re.escape(f"(2, 3, 4) and {other}")):
        ops.concatenate(np.ones((2, 3, 4)), np.ones(other), axis=axis)


@pytest.mark.parametrize("ddof", [0, 1, 2, 3, 0.5])
def test_a_variance_counts_what_is_left(ddof):
    """As NumPy does: of as many numbers as ddof it is infinite, and so of fewer."""
    x = np.array([1.0, 2.0])
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ops.var(x, ddof=ddof)[0] == np.var(x, ddof=ddof)
        assert ops.std(x, ddof=ddof)[0] == np.std(x, ddof=ddof)


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
