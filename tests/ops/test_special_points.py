"""Where the maths has no slope, several, or an infinite one: each op does what its docstring says.

What does not count in a loss (a cotangent of 0) has a gradient of 0 at all of these points.
"""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import losses, ops
from tinygrad_mo.check import check_op
from tinygrad_mo.compiled import library

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_max_pool_hands_nothing_back_to_the_padding(dtype):
    """Where all that a window holds is -infinity, the first of it gets the gradient."""
    for lengths, right in [((3,), [2, 1, 0]), ((3, 3), [[4, 2, 0], [2, 1, 0], [0, 0, 0]])]:
        x = np.full((1, *lengths, 1), -INF, dtype)
        how = {"pool_size": (3,) * len(lengths), "strides": (1,) * len(lengths)}
        for run in (ops.max_pool, ops.max_pool.run):
            y, (pull_x,) = run(x, **how, padding="same")
            assert pull_x(np.ones((1, *y.shape), dtype))[0, 0, ..., 0].tolist() == right


def without_warnings():
    return np.errstate(all="ignore")


def at(op, *inputs, g=1.0, **attributes):
    """Value, and the gradients for a cotangent g of every element."""
    arrays = [np.asarray(x, float) for x in inputs]
    for array in arrays:
        array.setflags(write=False)
    with without_warnings():
        y, back = op(*arrays, **attributes)
        found = [pull(np.full((1, *np.shape(y)), g)) for pull in back if pull is not None]
    return np.asarray(y).tolist(), [np.asarray(x)[0].tolist() for x in found]


POINTS = {  # value, slopes by input
    "sqrt of 0": (ops.sqrt, [0.0], 0.0, [INF]),
    "log of 0": (ops.log, [0.0], -INF, [INF]),
    "1 / 0": (ops.divide, [1.0, 0.0], INF, [INF, -INF]),
    "-1 / 0": (ops.divide, [-1.0, 0.0], -INF, [INF, INF]),
    "0 / 0": (ops.divide, [0.0, 0.0], NAN, [INF, NAN]),
    "0 ** 0": (ops.power, [0.0, 0.0], 1.0, [0.0, 0.0]),
    "0 ** 0.5": (ops.power, [0.0, 0.5], 0.0, [INF, 0.0]),
    "0 ** 1": (ops.power, [0.0, 1.0], 0.0, [1.0, 0.0]),
    "0 ** 2": (ops.power, [0.0, 2.0], 0.0, [0.0, 0.0]),
    "0 ** -1": (ops.power, [0.0, -1.0], INF, [-INF, 0.0]),
    "(-2) ** 2": (ops.power, [-2.0, 2.0], 4.0, [-4.0, NAN]),
    "log2 of 0": (ops.log2, [0.0], -INF, [INF]),
    "log10 of 0": (ops.log10, [0.0], -INF, [INF]),
    "log1p of -1": (ops.log1p, [-1.0], -INF, [INF]),
    "expm1 of 1000": (ops.expm1, [1000.0], INF, [INF]),
    "expm1 of -infinity": (ops.expm1, [-INF], -1.0, [0.0]),
    "arcsin of 1": (ops.arcsin, [1.0], np.pi / 2, [INF]),
    "arccos of -1": (ops.arccos, [-1.0], np.pi, [-INF]),
    "arctan of infinity": (ops.arctan, [INF], np.pi / 2, [0.0]),
    "the angle of (0, 0)": (ops.arctan2, [0.0, 0.0], 0.0, [0.0, 0.0]),
    "the angle of (0, -1)": (ops.arctan2, [0.0, -1.0], np.pi, [-1.0, 0.0]),
    "the angle of a point far away": (
        ops.arctan2,
        [3e200, 4e200],
        np.arctan(0.75),
        [1.6e-201, -1.2e-201],
    ),
    "sinh of 1000": (ops.sinh, [1000.0], INF, [INF]),
    "cosh of -1000": (ops.cosh, [-1000.0], INF, [-INF]),
    "arccosh of 1": (ops.arccosh, [1.0], 0.0, [INF]),
    "arctanh of 1": (ops.arctanh, [1.0], INF, [INF]),
    "6 % 3": (ops.mod, [6.0, 3.0], 0.0, [1.0, -2.0]),
    "-1 % 3": (ops.mod, [-1.0, 3.0], 2.0, [1.0, 1.0]),
    "product of one 0": (ops.prod, [[2.0, 0.0, 3.0]], 0.0, [[0.0, 6.0, 0.0]]),
    "product of two": (ops.prod, [[0.0, 0.0, 3.0]], 0.0, [[0.0, 0.0, 0.0]]),
    "product too small for a float": (ops.prod, [[1e-200, 2e-200]], 0.0, [[2e-200, 1e-200]]),
    "product of an infinity": (ops.prod, [[INF, 2.0]], INF, [[2.0, INF]]),
    "min of a tie": (ops.min_, [[1.0, 1.0, 2.0]], 1.0, [[0.5, 0.5, 0.0]]),
    "std of equal numbers": (ops.std, [[2.0, 2.0]], 0.0, [[0.0, 0.0]]),
    "var of equal numbers": (ops.var, [[2.0, 2.0]], 0.0, [[0.0, 0.0]]),
    "var of nothing": (ops.var, [[]], 0.0, [[]]),
    "logsumexp of 1000": (ops.logsumexp, [[1000.0, 1000.0]], 1000 + np.log(2), [[0.5, 0.5]]),
    "logsumexp of -infinity": (ops.logsumexp, [[-INF, -INF]], -INF, [[0.0, 0.0]]),
    "logsumexp beside -infinity": (ops.logsumexp, [[-INF, 1.0]], 1.0, [[0.0, 1.0]]),
    "log_softmax of -infinity": (ops.log_softmax, [[-INF, 1.0]], [-INF, 0.0], [[1.0, -1.0]]),
    "det of no inverse": (ops.det, [[[1.0, 2.0], [2.0, 4.0]]], 0.0, [[[4.0, -2.0], [-2.0, 1.0]]]),
    "det of zeros": (ops.det, [np.zeros((3, 3))], 0.0, [np.zeros((3, 3))]),
    "det of a number": (ops.det, [[[0.0]]], 0.0, [[[1.0]]]),
    "|0|": (ops.absolute, [0.0], 0.0, [0.0]),
    "length of (0, 0)": (ops.norm, [[0.0, 0.0]], 0.0, [[0.0, 0.0]]),
    "length of (3, 4)": (ops.norm, [[3.0, 4.0]], 5.0, [[0.6, 0.8]]),
    "max of a tie": (ops.max_, [[1.0, 2.0, 2.0]], 2.0, [[0.0, 0.5, 0.5]]),
    "max of infinities": (ops.max_, [[INF, INF]], INF, [[0.5, 0.5]]),
    "maximum of a tie": (ops.maximum, [2.0, 2.0], 2.0, [0.5, 0.5]),
    "maximum of infinities": (ops.maximum, [INF, INF], INF, [0.5, 0.5]),
    "minimum of infinities": (ops.minimum, [-INF, -INF], -INF, [0.5, 0.5]),
    "maximum of -infinity": (ops.maximum, [-INF, 1.0], 1.0, [0.0, 1.0]),
    "relu of 0": (ops.relu, [0.0], 0.0, [0.0]),
    "leaky relu of 0": (ops.leaky_relu, [0.0], 0.0, [0.2]),
    "elu of 0": (ops.elu, [0.0], 0.0, [1.0]),
    "selu of 0": (ops.selu, [0.0], 0.0, [1.0507009873554805 * 1.6732632423543772]),
    "softsign of 0": (ops.softsign, [0.0], 0.0, [1.0]),
    "hard sigmoid of 3": (ops.hard_sigmoid, [3.0], 1.0, [0.0]),
    "tanh of infinity": (ops.tanh, [INF], 1.0, [0.0]),
    "sigmoid of -infinity": (ops.sigmoid, [-INF], 0.0, [0.0]),
    "softplus of -infinity": (ops.softplus, [-INF], 0.0, [0.0]),
    "exp of 1000": (ops.exp, [1000.0], INF, [INF]),
    "exp of -infinity": (ops.exp, [-INF], 0.0, [0.0]),
    "the mean of nothing": (ops.mean, [[]], 0.0, [[]]),
}


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(("op", "inputs", "value", "slopes"), POINTS.values(), ids=list(POINTS))
def test_value_and_slope(op, inputs, value, slopes):
    y, found = at(op, *inputs)
    np.testing.assert_allclose(y, value, rtol=1e-12)
    for one, right in zip(found, slopes, strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-12)


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize(("op", "inputs", "value", "slopes"), POINTS.values(), ids=list(POINTS))
def test_a_cotangent_of_0_gives_0(op, inputs, value, slopes):
    if op is ops.power and inputs[0] < 0:
        return  # NaN, as documented: there is no such function of y
    if np.isnan(np.asarray(value)).any():
        slopes = slopes[:1]  # of 0 / 0 in y, whose value is NaN already
    for one in at(op, *inputs, g=0.0)[1][: len(slopes)]:
        assert not np.any(one), one


def test_what_nobody_asks_for_does_not_warn():
    """0 / 0 would be NaN with a warning, which is an error here."""
    for op in (ops.sqrt, ops.log):
        with without_warnings():
            _, (pull,) = op(np.array([0.0, 4.0]))
        assert np.isfinite(pull(np.array([[0.0, 1.0]]))).all()


STEEP = {
    "sqrt": lambda x: ops.where(x > 0.0, ops.sqrt(x), 0.0),
    "log": lambda x: ops.where(x > 0.0, ops.log(x), 0.0),
    "power": lambda x: ops.where(x > 0.0, x**0.5, 0.0),
    "divide": lambda x: ops.where(x > 0.0, 1.0 / x, 0.0),
    "exp": lambda x: ops.where(x > 0.0, ops.exp(-1e30 * (x - 1.0)) + x, 0.0),
    "both": lambda x: ops.where(x > 0.0, x / ops.sqrt(x), 0.0),
}


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("compute", STEEP.values(), ids=list(STEEP))
@pytest.mark.parametrize("kind", ["eager", tg.Plan, tg.ReplayedPlan], ids=str)
def test_what_where_hides_cannot_spoil_a_gradient(compute, kind):
    value = np.array([0.0, 4.0], "float32")
    alone = tg.Tensor(value[1:])
    right = tg.gradients(compute(alone).sum(), alone)
    x = tg.Parameter(value, "x")
    with without_warnings():
        if kind == "eager":
            found = tg.gradients(compute(x).sum(), x)
        else:
            loss = compute(x).sum()
            plan = kind([loss], [x])
            for _ in range(3):
                found = plan.backward(plan.forward(), [1.0])[x][0]
    np.testing.assert_array_equal(found, [0, *right])


def test_a_replay_follows_when_zeros_come_and_go():
    x = tg.Input((2,))
    loss = (ops.sqrt(x) + ops.log(x + 1.0) + x / (x + 1.0) + x**0.5).sum()
    plan, plain = tg.ReplayedPlan([loss], [x]), tg.Plan([loss], [x])
    with without_warnings():
        for value in ([1.0, 4.0], [0.0, 4.0], [9.0, 4.0], [0.0, 0.0], [1.0, 1.0]):
            feed = {x: np.array([value], "float32")}
            one, other = (p.backward(p.forward(feed), [1.0])[x] for p in (plan, plain))
            np.testing.assert_allclose(one, other, rtol=1e-6)


def test_sorting_sends_each_gradient_back_to_where_its_number_came_from():
    """Equal numbers keep their order; NaN goes last, as in NumPy."""
    x = np.array([2.0, 1.0, 2.0, NAN, 0.0])
    y, (pull,) = ops.sort(x)
    assert y[:4].tolist() == [0, 1, 2, 2] and np.isnan(y[4])
    assert pull(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])).tolist() == [[3, 2, 4, 5, 1]]


def test_steps_have_no_slope():
    for op in (ops.sign, ops.floor, ops.ceil, ops.round_, ops.argmax, ops.stop_gradient):
        assert op(np.array([0.5, -1.5]))[1] == (None,)
    assert ops.floor_divide(-1.0, 2.0) == (-1.0, (None, None))
    assert ops.round_(np.array([0.5, 1.5, 2.5, -0.5]))[0].tolist() == [0, 2, 2, 0]


@pytest.mark.parametrize("b", [np.array([1.0, 2.0]), np.eye(2)], ids=["vector", "matrix"])
def test_a_matrix_without_an_inverse_is_refused(b):
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    for call in (lambda: ops.inv(a), lambda: ops.solve(a, b)):
        with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
            call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: ops.inv(np.ones((2, 3))),
            r"inv takes square matrices \(\.\.\., n, n\), not .*2, 3",
        ),
        (lambda: ops.det(np.ones(3)), r"det takes square matrices .* not shape \(3,\)"),
        (lambda: ops.solve(np.eye(3), np.ones(2)), r"3 unknowns need as many rows: .*3, 3\), \(2,"),
        (
            lambda: ops.einsum(np.ones((2, 3)), subscripts="i...->i"),
            r"come first .* not as in 'i\.\.\.'",
        ),
    ],
)
def test_matrices_that_do_not_fit_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_length_is_checked_away_from_0():
    check_op(ops.norm, np.array([[3.0, 4.0], [-1.0, 2.0]]), axis=-1)


# --- infinite logits -----------------------------------------------------------------------------

LOG = float(np.log(1 + np.e))
ROWS = [[-INF, 0.0, 1.0], [2.0, -INF, -INF]]
each_size = pytest.mark.parametrize("copies", [1, 3000], ids=["numpy", "large"])


def many(rows, copies):
    return np.tile(np.asarray(rows, "float32"), (copies, 6))  # of 18 classes: C takes them, too


@pytest.fixture(params=[True, False], ids=["compiled", "not compiled"])
def kernels(request):
    if request.param and library.load()[0] is None:
        pytest.skip("no C compiler")
    with tg.use(kernels=request.param):
        yield


def through_the_graph(op, label, logits, **attributes):
    """Value and gradient of the logits, as the engine computes them: with C if it serves."""
    z = tg.Parameter(logits, "z")
    y = op(label, z, **attributes)
    return y.numpy(), tg.gradients(y.sum(), z)


@each_size
@pytest.mark.usefixtures("kernels")
def test_softmax_with_classes_that_are_out(copies):
    z = tg.Parameter(many(ROWS, copies), "z")
    p = ops.softmax(z)
    with without_warnings():
        e = np.exp(z.value - z.value.max(axis=-1, keepdims=True), dtype=float)
    np.testing.assert_allclose(p.numpy(), e / e.sum(axis=-1, keepdims=True), rtol=1e-6)
    g = tg.gradients((p * p).sum(), z)
    assert np.isfinite(g).all() and not g[np.isinf(z.value)].any()


@each_size
@pytest.mark.usefixtures("kernels")
def test_crossentropies_with_classes_that_are_out(copies):
    logits = many(ROWS, copies)
    index = np.tile([1, 0], copies)
    hot = np.eye(logits.shape[-1], dtype="float32")[index]
    finite = np.where(np.isinf(logits), np.float32(-1e4), logits)  # exp of it is 0 in float32
    for op, label in (
        (ops.sparse_categorical_crossentropy_from_logits, index),
        (ops.categorical_crossentropy_from_logits, hot),
    ):
        found = through_the_graph(op, label, logits)
        for one, right in zip(found, through_the_graph(op, label, finite), strict=True):
            assert np.isfinite(one).all()
            np.testing.assert_allclose(one, right, rtol=1e-6)


@pytest.mark.usefixtures("kernels")
def test_the_loss_of_a_logit_of_minus_infinity_for_another_class():
    z = tg.Tensor([[-INF, 0.0, 1.0]])
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)(np.array([1]), z)
    np.testing.assert_allclose(loss.value, LOG, rtol=1e-6)
    p = 1 / (1 + np.e)
    np.testing.assert_allclose(tg.gradients(loss, z), [[0, p - 1, 1 - p]], rtol=1e-6)
    hot = losses.CategoricalCrossentropy(from_logits=True)([[0.0, 1.0, 0.0]], z)
    np.testing.assert_allclose(hot.value, LOG, rtol=1e-6)


@each_size
@pytest.mark.usefixtures("kernels")
def test_a_class_that_is_out_and_right_or_smoothed_costs_infinity(copies):
    """That is what the maths says: log(0)."""
    logits = many(ROWS[:1], copies)
    wrong = np.zeros(len(logits), int)
    y, g = through_the_graph(ops.sparse_categorical_crossentropy_from_logits, wrong, logits)
    assert (y == INF).all() and np.isfinite(g).all()
    smoothed = 0.9 * np.eye(logits.shape[-1], dtype="float32")[wrong + 1] + 0.1 / logits.shape[-1]
    y, g = through_the_graph(ops.categorical_crossentropy_from_logits, np.float32(smoothed), logits)
    assert (y == INF).all() and np.isfinite(g).all()


@each_size
@pytest.mark.parametrize("row", [[-INF, -INF, -INF], [INF, 0.0, 1.0]], ids=["all out", "overflow"])
@pytest.mark.usefixtures("kernels")
def test_without_shares_everything_is_nan(row, copies):
    """Never a number: training names the op where the first NaN was born."""
    logits, index = many([row], copies), np.zeros(copies, int)
    with without_warnings():
        assert np.isnan(ops.softmax(tg.Tensor(logits)).numpy()).any(axis=-1).all()
        y, _ = through_the_graph(ops.sparse_categorical_crossentropy_from_logits, index, logits)
    assert np.isnan(y).all()


BINARY = [  # logit, label, loss, gradient
    (INF, 1.0, 0.0, 0.0),
    (INF, 0.0, INF, 1.0),
    (INF, 0.5, INF, 0.5),
    (-INF, 0.0, 0.0, 0.0),
    (-INF, 1.0, INF, -1.0),
    (-INF, 0.5, INF, -0.5),
    (1e4, 1.0, 0.0, 0.0),
    (1e4, 0.0, 1e4, 1.0),
    (-1e4, 1.0, 1e4, -1.0),
    (-1e4, 0.0, 0.0, 0.0),
    (0.0, 1.0, np.log(2), -0.5),
]


def test_binary_crossentropy_from_infinite_logits():
    logit, label, loss, slope = np.array(BINARY, "float32").T
    for some in (slice(None), slice(0, 6), slice(6, None)):
        y, g = through_the_graph(ops.binary_crossentropy_from_logits, label[some], logit[some])
        np.testing.assert_allclose(y, loss[some], rtol=1e-6)
        np.testing.assert_allclose(g, slope[some], rtol=1e-6)
        assert y.dtype == g.dtype == np.float32


def test_a_sample_of_weight_0_may_cost_infinity():
    z = tg.Tensor([[-INF, 0.0], [0.0, 0.0]])
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    weighted = loss(np.array([0, 0]), z, np.array([0.0, 1.0]))
    np.testing.assert_allclose(weighted.value, np.log(2) / 2, rtol=1e-6)
    assert np.isfinite(tg.gradients(weighted, z)).all()


def test_attention_scores_that_are_out():
    """A mask written with -infinity gives what a mask gives, and finite gradients."""
    scores = np.arange(6.0).reshape(1, 2, 3)
    out = np.array([[[False, True, False], [False, False, True]]])
    x = tg.Tensor(scores)
    weights = ops.softmax(ops.where(out, -INF, x))
    assert not weights.numpy()[out].any()
    np.testing.assert_allclose(weights.numpy().sum(axis=-1), 1, rtol=1e-6)
    g = tg.gradients((weights * weights).sum(), x)
    assert np.isfinite(g).all() and not g[out].any()


@pytest.mark.parametrize("form", ["binary", "categorical", "sparse_categorical"])
@pytest.mark.parametrize("p", [[-0.5, 1.5], [0.2, 1.1], [-0.1, 0.3]], ids=str)
def test_what_is_no_probability_is_refused(form, p):
    """So logits that a loss takes for probabilities do not train on nonsense."""
    label = np.array([0]) if form == "sparse_categorical" else np.array([[1.0, 0.0]])
    activation = "sigmoid" if form == "binary" else "softmax"
    words = rf"probabilities lie between 0 and 1, these between {min(p)} and {max(p)}: .*"
    with pytest.raises(ValueError, match=words + activation):
        getattr(ops, f"{form}_crossentropy")(label, np.array([p]))


def test_probabilities_may_be_off_by_what_rounding_makes():
    p = np.array([[1 + 1e-6, -1e-6]], "float32")
    for op, label in (
        (ops.categorical_crossentropy, np.array([[1.0, 0.0]])),
        (ops.binary_crossentropy, np.array([[1.0, 0.0]])),
        (ops.sparse_categorical_crossentropy, np.array([0])),
    ):
        assert (op(label, p)[0] < 1e-5).all()


@pytest.mark.parametrize("op", [ops.eigh, ops.svd], ids=["eigh", "svd"])
def test_equal_values_have_slopes_and_their_vectors_none(op):
    """The sum of the values has one all the same; nothing becomes infinite."""
    x = np.diag([2.0, 2.0, 5.0])
    made, pull = op(x)
    of = 1 if op is ops.svd else 0
    g = [np.zeros((1, *y.shape)) for y in made]
    g[of] += 1
    np.testing.assert_allclose(pull(tuple(g))[0][0], np.eye(3), atol=1e-12)
    g = [np.ones((1, *y.shape)) for y in made]
    assert np.isfinite(pull(tuple(g))[0]).all()


def test_singular_values_of_0_have_slopes():
    x = np.array([[1.0, 2.0], [2.0, 4.0]])
    (_, s, _), pull = ops.svd(x)
    g = (np.zeros((1, 2, 2)), np.array([[1.0, 0.0]]), np.zeros((1, 2, 2)))
    np.testing.assert_allclose(pull(g)[0][0], x / 5, atol=1e-12)
    assert np.isfinite(pull((np.ones((1, 2, 2)), s[None], np.ones((1, 2, 2))))[0]).all()


def test_of_a_symmetric_matrix_the_lower_triangle_is_read():
    x = np.array([[2.0, 9.0], [0.5, 1.0]])
    for op in (ops.eigh, ops.cholesky):
        check_op(op, x)
        made = op(x)[0]
        same = op(np.array([[2.0, 0.5], [0.5, 1.0]]))[0]
        for one, other in zip(in_a_tuple(made), in_a_tuple(same), strict=True):
            np.testing.assert_allclose(one, other)


def in_a_tuple(y):
    return y if isinstance(y, tuple) else (y,)
