"""The checker itself: right gradients pass it, and every kind of wrong one is caught and named."""

from itertools import cycle

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.check import GradientError, check_model, check_op
from tinygrad_mo.ops import Op

X = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.5], [-0.8, 0.9, 1.6]])
Y = X.T[::-1] + 0.25


def scaled(x, y):
    return x * y, (lambda g: g * y * 1.01, lambda g: g * x)


def wrong_in_the_second(x, y):
    return x * y, (lambda g: g * y, lambda g: g * y)


def sign_flipped(x):
    return np.sin(x), (lambda g: -g * np.cos(x),)


def transposed(x, y):
    return x @ y, (lambda g: g @ y, lambda g: x.T @ g)


def not_multiplied_by_g(x):
    return x * x, (lambda g: np.broadcast_to(2 * x, g.shape),)


def first_sample_only(x, kernel, bias):
    return x @ kernel + bias, (
        lambda g: g @ kernel.T,
        lambda g: x.T @ g,
        lambda g: g[:, 0],
    )


def axis_from_the_left(x):
    e = np.exp(x)
    y = e / e.sum(axis=0)
    return y, (lambda g: y * (g - (g * y).sum(axis=0)),)


def nothing_for_a_tiny_function(x):
    return 1e-7 * np.sin(x), (lambda g: 0 * g,)


def missing_path_in_a_tuple(x):
    return (x * x, x * x * x), lambda g: (g[0] * 2 * x,)


def wrong_away_from_the_broadcast(x, y):
    return x + y, (lambda g: g, lambda g: g / len(x))


def slope_without_cotangent(x):
    return x * x, (lambda g: g * 2 * x + 1,)


def different_each_time(x):
    factors = cycle([1.0, 1.5])
    return x * 1.0, (lambda g: g * next(factors),)


def gradient_of_an_index(i, x):
    return x[i], (lambda g: g, None)


def in_single_precision(x):
    return x * x, (lambda g: (g * 2 * x).astype("float32"),)


def not_a_number(x):
    return x * x, (lambda g: np.where(g == 0, 0, np.nan),)


def of_another_shape(x):
    return x * x, (lambda g: (g * 2 * x)[..., :2],)


def rows_added_up(x):
    return x * x, (lambda g: (g * 2 * x).sum(axis=0, keepdims=True),)


def missing(x, y):
    return x * y, (lambda g: g * y, None)


def missing_among_shared(x, y):
    return x * y, lambda g: (None, g * x)


def zero_beside_an_offset(x):
    return np.sin(x) + 1e7, (lambda g: 0 * g,)


def zero_beside_a_large_value(x):
    return (x, 1000 * np.ones(3)), lambda g: (0 * g[0],)


def right_for_several_rows_only(x):
    return x * x, (lambda g: g * x * min(len(g), 2),)


def right_for_one_row_only(x):
    return x * x, (lambda g: g[:1] * 2 * x + 0 * g,)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    ("rule", "inputs", "culprit"),
    [
        (scaled, [X, Y], "input 0"),
        (wrong_in_the_second, [X, Y], "input 1"),
        (sign_flipped, [X], "input 0"),
        (transposed, [X, Y], "input 0"),
        (not_multiplied_by_g, [X], "input 0"),
        (first_sample_only, [X, Y, Y[0]], "input 2"),
        (axis_from_the_left, [X[0]], "input 0"),
        (nothing_for_a_tiny_function, [X], "input 0"),
        (missing_path_in_a_tuple, [X], "input 0"),
        (wrong_away_from_the_broadcast, [X, Y[0]], "input 1"),
        (slope_without_cotangent, [X], "input 0"),
        (different_each_time, [X], "input 0"),
        (gradient_of_an_index, [np.array([0, 2]), X[0]], "input 0"),
        (in_single_precision, [X], "input 0"),
        (not_a_number, [X], "input 0"),
        (of_another_shape, [X], "input 0"),
        (rows_added_up, [X], "input 0"),
        (missing, [X, Y], "input 1"),
        (missing_among_shared, [X, Y], "input 0"),
        (zero_beside_an_offset, [X], "input 0"),
        (zero_beside_a_large_value, [X], "input 0"),
        (right_for_several_rows_only, [X], "input 0"),
        (right_for_one_row_only, [X], "input 0"),
    ],
)
def test_a_wrong_gradient_is_caught_and_named(rule, inputs, culprit):
    with pytest.raises(GradientError, match=f"^{rule.__name__}: the gradient of {culprit}"):
        check_op(Op(rule), *inputs)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("x", [np.array(0.7), X, X[:, :1], np.stack([X, 2 * X])])
@pytest.mark.parametrize("factor", [1.0001, 0.9999, -1, 0, 2])
def test_even_a_small_factor_is_caught(x, factor):
    def off(x):
        return np.exp(x), (lambda g: factor * g * np.exp(x),)

    with pytest.raises(GradientError, match=r"off: the gradient of input 0, shape \("):
        check_op(Op(off), x)


@pytest.mark.parametrize("size", [1e-12, 1e-7, 1.0, 1e7])
def test_the_size_of_a_function_does_not_matter(size):
    def right(x):
        return size * np.sin(x), (lambda g: size * g * np.cos(x),)

    check_op(Op(right), X)


def test_the_size_of_a_large_input_does_not_matter():
    def right(x):
        return np.sin(x / 1e7), (lambda g: g * np.cos(x / 1e7) / 1e7,)

    check_op(Op(right), X * 1e7)


def writes_into_its_input(x):
    x += 1
    return x, (lambda g: g,)


def writes_into_its_cotangent(x):
    def pull(g):
        g *= 2
        return g

    return 2 * x, (pull,)


def writes_into_its_value(x):
    y = np.exp(x)

    def pull(g):
        nonlocal y
        y *= g[0]
        return y[None]

    return y, (pull,)


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        (writes_into_its_input, "writes into an input"),
        (writes_into_its_cotangent, "a pullback writes into g, an input or the value"),
        (writes_into_its_value, "a pullback writes into g, an input or the value"),
    ],
)
def test_writing_into_foreign_arrays_is_caught_and_named(rule, where):
    words = f"^{rule.__name__}:? {where}: leave that as it is, and make a new array$"
    with pytest.raises(GradientError, match=words):
        check_op(Op(rule), X)


NOT_LINEAR = {  # pullbacks of x * x, most of which are right for cotangents that are about 1
    "clipped": lambda g, x: np.clip(g, -5, 5) * 2 * x,
    "clipped far away": lambda g, x: np.clip(g, -1e9, 1e9) * 2 * x,
    "without the small": lambda g, x: np.where(abs(g) < 1e-8, 0, g) * 2 * x,
    "by its norm": lambda g, x: g / max(1, np.sqrt((g * g).sum()) / 100) * 2 * x,
    "its size": lambda g, x: abs(g) * 2 * x,
    "one sign": lambda g, x: np.maximum(g, 0) * 2 * x,
    "squared": lambda g, x: g * g * 2 * x,
}


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize("fault", NOT_LINEAR)
def test_a_pullback_that_is_not_linear_is_caught(float64, fault):
    """By the op, whatever the size of its cotangents, and in a model."""

    def bent(x):
        return x * x, (lambda g: NOT_LINEAR[fault](g, x),)

    words = (
        r"^bent: the gradient of input 0{} is not linear in g: for .*e[+-]\d\d times g it is not"
    )
    with pytest.raises(GradientError, match=words.format(r", shape \(3, 3\),")):
        check_op(Op(bent), X)
    x = tg.Input((3,))
    h = Op(bent)(tg.layers.Dense(2, name="below")(x))
    model = tg.Model(x, [tg.layers.Dense(1, name="a")(h), tg.layers.Dense(1, name="b")(h)])
    model.compile("sgd", "mse", loss_weights=[1e-3, 1e3])
    with pytest.raises(GradientError, match=words.format("")) as caught:
        check_model(model, X, [LABELS, LABELS])
    assert "op 'bent' of 'below' (None, 2)\nwired at " in caught.value.__notes__[0]


@pytest.mark.parametrize("size", [1e-280, 1e-20, 1e20, 1e250])
def test_a_linear_pullback_of_any_size_is_right(size):
    def right(x):
        return size * np.sin(x), (lambda g: size * g * np.cos(x),)

    check_op(Op(right), X)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tolerance": np.inf}, "tolerance must be a finite number, above 0 and below 1, not inf"),
        ({"tolerance": np.nan}, "tolerance must be a finite number, above 0 and below 1, not nan"),
        ({"tolerance": 0}, "tolerance must be a number, above 0 and below 1, not 0"),
        ({"tolerance": 1}, "tolerance must be a number, above 0 and below 1, not 1"),
        ({"tolerance": "small"}, "tolerance must be a number"),
        ({"directions": 0}, "directions must be a whole number, 1 or more, not 0"),
        ({"directions": 1.5}, "directions must be a whole number, 1 or more, not 1.5"),
        ({"seed": None}, "seed must be a whole number, 0 or more, not None"),
        ({"rows": 0}, "rows must be a whole number, 1 or more, not 0"),
        ({"rows": True}, "rows must be a whole number, 1 or more, not True"),
        ({"constants": [5]}, "constants: there is no input 5, only those from 0 to 0"),
        ({"constants": [-1]}, "constants must be a whole number, 0 or more, not -1"),
        ({"constants": ["input 0"]}, "constants must be a whole number, 0 or more, not 'input 0'"),
        ({"constants": 0}, "constants must be a list, not 0"),
    ],
)
def test_arguments_without_sense_are_refused(float64, options, words):
    with pytest.raises((TypeError, ValueError), match=f"^check_op of square: {words}"):
        check_op(Op(square), X, **options)
    if not options.keys() & {"rows", "constants"}:
        with pytest.raises(
            (TypeError, ValueError), match=f"^check_model of Model 'model': {words}"
        ):
            check_model(chain(), X, LABELS, **options)


def test_other_things_than_ops_and_models_are_refused(float64):
    words = (
        r"^check_op: .* must be an Op, not the function square: make one .* by ops.Op\(function\)"
    )
    with pytest.raises(TypeError, match=words):
        check_op(square, X)
    with pytest.raises(TypeError, match=r"^check_model: .* must be a Model, not a Dense$"):
        check_model(tg.layers.Dense(1), X, LABELS)


def test_the_wrong_number_of_gradients_is_caught():
    def one_too_few(x, y):
        return x * y, lambda g: (g * y,)

    with pytest.raises(GradientError, match="one_too_few: 1 gradients for 2 inputs"):
        check_op(Op(one_too_few), X, Y)


def test_a_random_op_is_caught():
    generator = np.random.default_rng(0)
    with pytest.raises(GradientError, match="dropout: two runs differ"):
        check_op(ops.dropout, X, rate=0.5, generator=generator, training=True)


def test_float32_is_refused():
    with pytest.raises(TypeError, match="multiply: input 1 is float32; gradient checks need fl"):
        check_op(ops.multiply, X, np.float32(Y))


def test_the_message_says_what_was_expected_and_received():
    def doubled(x):
        return x, (lambda g: 2 * g,)

    with pytest.raises(GradientError) as caught:
        check_op(Op(doubled), np.array([1.0, 2.0]), rows=1)
    words = str(caught.value).split()
    expected, received = float(words[words.index("is", 12) + 1].strip(",")), float(words[-1])
    assert received == pytest.approx(2 * expected)


def smooth(x):
    return np.sin(x), (lambda g: g * np.cos(x),)


def square(x):
    return x * x, (lambda g: 2 * g * x,)


def magnitude(x):
    return np.abs(x), (lambda g: g * np.sign(x),)


def ramp(x):
    return np.maximum(x, 0), (lambda g: g * (x > 0),)


def nowhere_else(x):
    return np.where(x == X, x, np.inf), (lambda g: g,)


def refuses_to_move(x):
    if (x != X).any():
        raise ValueError("x must be X")
    return x, (lambda g: g,)


def offset(x):
    return np.sin(x) + 1e10, (lambda g: g * np.cos(x),)


def far_offset(x):
    return np.sin(x) + 1e20, (lambda g: g * np.cos(x),)


def undifferentiable(x):
    return x > 0, (None,)


def rounds(x):
    return np.round(x), (None,)


def labelled(label, x):
    return label * x, (None, lambda g: g * label)


def says_too_much(label, x):
    return label * x, (lambda g: g * x, lambda g: g * label)


def from_nothing():
    return np.ones(3), ()


def of_single_precision(x):
    return x.astype("float32"), (lambda g: g,)


def unlocks(x):
    def pull(g):
        x.setflags(write=True)
        x[...] = 0
        return 2 * g

    return 2 * x, (pull,)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    ("rule", "inputs", "words"),
    [
        (missing, [X, Y], "is None, but the slope along a random direction is .* `constants`"),
        (ramp, [np.array([0.0, 1.0])], r"judged at a kink: .* ahead and .* behind, .* Move away"),
        (nowhere_else, [X], "cannot be judged: the value is not finite around here"),
        (refuses_to_move, [X], "cannot be judged: the value is not finite around here"),
        (offset, [X], r"cannot be judged: .*, give or take .*, the gradient says .*: take an off"),
        (far_offset, [X], r"nothing was checked: input 0: its slope is 0 here, up to rounding$"),
        (undifferentiable, [X], "nothing was checked: the value holds no floats$"),
        (rounds, [X[0]], "nothing was checked: input 0: its pullback is None, and it does not m"),
        (from_nothing, [], "nothing was checked: there is no input$"),
        (square, [np.zeros(3)], "nothing was checked: input 0: its slope is 0 here, up to round"),
        (square, [np.zeros((0, 3))], "nothing was checked: input 0: its slope is 0 here, up to"),
        (of_another_shape, [X], r"shape \(3, 3\), does not fit: .* returned shape \(3, 3, 2\)"),
        (rows_added_up, [X], r"shape \(3, 3\), has shape \(1, 3, 3\) for 3 rows"),
        (in_single_precision, [X], "is float32$"),
        (not_a_number, [X], "is not finite$"),
        (of_single_precision, [X], "the value is float32, though the inputs are float64$"),
        (different_each_time, [X], "differs when pulled twice$"),
        (slope_without_cotangent, [X], "is not 0 for a cotangent of 0$"),
        (unlocks, [X], "unlocks has written into its inputs"),
    ],
)
def test_what_is_said_of_an_op_that_fails(rule, inputs, words):
    with pytest.raises(GradientError, match=words):
        check_op(Op(rule), *inputs)


def test_a_right_op_is_reported_in_sentences():
    report = check_op(Op(smooth), X)
    assert list(report) == ["input 0"] and report["input 0"] < 1e-9 and report.unchecked == {}
    assert str(report).startswith("smooth: gradients and differences agree, to ")
    assert str(report).endswith(" of the slope, for input 0.")


def unchecked(rule, *inputs, **options):
    return str(check_op(Op(rule), *inputs, **options)).split("\n")[1:]


def test_what_is_not_checked_is_said():
    labels = np.array([1.0, 0.0, 1.0])
    never = "its pullback is None, and it does not move the value."
    assert unchecked(labelled, labels, X[0], constants=[0]) == [
        "Not checked: input 0: it is constant."
    ]
    assert unchecked(labelled, labels.astype(int), X[0]) == [
        "Not checked: input 0: it is int64, and only floats have slopes."
    ]
    assert unchecked(ops.dense.rule, X, Y, None) == ["Not checked: input 2: it is None."]
    assert unchecked(ops.steps_out_of_batch.rule, X, X[None]) == [f"Not checked: input 1: {never}"]


def test_a_constant_has_no_gradient():
    with pytest.raises(GradientError, match="the gradient of input 0 must be None: it is constant"):
        check_op(Op(says_too_much), X, Y, constants=[0])
    with pytest.raises(GradientError, match="input 0 must be None: it is int64, and only floats"):
        check_op(Op(says_too_much), np.arange(3), X[0])


def test_a_flat_input_is_reported_beside_one_that_moves():
    def dead(x, y):
        return np.maximum(x, 0) + y, (lambda g: g * (x > 0), lambda g: g)

    report = check_op(Op(dead), np.array([-1.0, -2.0]), np.array([1.0, 2.0]))
    assert list(report) == ["input 1"]
    assert report.unchecked == {"input 0": "its slope is 0 here, up to rounding"}

    def alive(x, y):
        return np.maximum(x, 0) + y, (lambda g: g, lambda g: g)

    with pytest.raises(GradientError, match=r"of input 0, .* is wrong: .* is 0, the grad"):
        check_op(Op(alive), np.array([-1.0, -2.0]), np.array([1.0, 2.0]))


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("offset", [1.0, 1e2, 1e4])
def test_what_cancels_within_an_op_is_rounding(offset):
    """A softmax does not see what is added to all of a row: what its gradient says is rounding."""

    def shifted(x, shift, error=1.0):
        e = np.exp(x + shift - (x + shift).max(-1, keepdims=True))
        y = e / e.sum(-1, keepdims=True)

        def pull(g):
            g = y * (g - error * (g * y).sum(-1, keepdims=True))
            return g, g.sum(-1, keepdims=True)

        return y, pull

    for seed in range(5):
        random = np.random.default_rng(seed)
        x, shift = random.standard_normal((5, 4)), offset * random.standard_normal((5, 1))
        report = check_op(Op(shifted), x, shift)
        assert report.unchecked == {"input 1": "its slope is 0 here, up to rounding"}

        def wrong(shift, x=x):
            y, pull = shifted(x, shift, error=1 - 1e-5)
            return y, (lambda g: pull(g)[1],)

        with pytest.raises(GradientError, match=r"^wrong: the gradient of input 0, .* is wrong"):
            check_op(Op(wrong), shift)


@pytest.mark.parametrize("x", [[0.0], [0.0, 1.0, -2.0], [0.0, 1e-3]])
def test_a_kink_is_reported_where_the_gradient_is_the_mean_of_both_sides(x):
    why = "there is a kink; its gradient is the mean of both slopes"
    assert check_op(Op(magnitude), np.array(x)).unchecked == {"input 0": why}
    assert check_op(Op(ramp), np.array([1e-3, 1.0])).unchecked == {}, "beside the kink"


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3, 1e7])
def test_a_smooth_function_has_no_kink(size):
    """Not even where its slope is 0."""
    for x in (np.array([0.0, 1.0]), np.array([np.pi / 2, 1.0]), np.array([1e-9, 3.0])):
        scaled = lambda x: (np.cos(x / size), (lambda g: -g * np.sin(x / size) / size,))
        assert check_op(Op(scaled), x * size).unchecked == {}


def test_beside_an_offset_a_check_is_less_exact_and_says_so():
    def beside(offset, factor):
        return Op(lambda x: (np.sin(x) + offset, (lambda g: factor * g * np.cos(x),)))

    assert check_op(beside(0, 1), X)["input 0"] < 1e-9
    assert 1e-6 < check_op(beside(1e6, 1), X)["input 0"] < 1e-4
    for factor in (0.99, 1.01, 0, -1):
        with pytest.raises(GradientError, match="is wrong"):
            check_op(beside(1e6, factor), X)


def test_the_tolerance_can_be_chosen():
    off = Op(lambda x: (np.sin(x), (lambda g: g * np.cos(x) * (1 + 1e-5),)))
    with pytest.raises(GradientError, match="is wrong"):
        check_op(off, X)
    assert check_op(off, X, tolerance=1e-4)["input 0"] > 1e-6
    with pytest.raises(GradientError, match=r"a larger tolerance than 1e-06$"):
        check_op(Op(offset), X)
    assert check_op(Op(offset), X, tolerance=1e-2)


def test_a_wide_tolerance_lets_no_missing_slope_pass():
    """Not even where the differences are no more exact than it."""
    for size in 10.0 ** np.arange(8, 16):
        nothing = Op(lambda x, size=size: (np.sin(x) + size, (lambda g: 0 * g,)))
        with pytest.raises(GradientError, match=r"is wrong|cannot be judged|nothing was checked"):
            check_op(nothing, X, tolerance=0.9)


class Scale(tg.layers.Layer):
    """``factor * x``, whose gradients are off by the given errors."""

    def __init__(self, error_x=1.0, error_factor=1.0, **options):
        super().__init__(**options)

        def scale(x, factor):
            return x * factor, (
                lambda g: error_x * g * factor,
                lambda g: error_factor * g * x,
            )

        self.op = Op(scale)

    def make_weights(self, shape):
        self.factor = self.add_weight("factor", shape[-1:], tg.layers.initializers.uniform(1, 2))

    def call(self, x):
        return self.op(x, self.factor)


def chain(**errors):
    x = tg.Input((3,), name="x")
    y = tg.layers.Dense(2, "tanh", name="below")(x)
    y = Scale(name="scale", **errors)(y)
    model = tg.Model(x, tg.layers.Dense(1, name="above")(y))
    model.compile("sgd", "mse")
    return model


LABELS = np.array([[0.5], [-1.0], [2.0]])


@pytest.mark.medium
def test_a_right_model_passes(float64):
    errors = check_model(chain(), X, LABELS)
    assert list(errors) == [
        "below/kernel",
        "below/bias",
        "scale/factor",
        "above/kernel",
        "above/bias",
    ]
    assert max(errors.values()) < 1e-7


@pytest.mark.parametrize(
    ("error", "culprit"), [({"error_factor": 1.01}, "scale/factor"), ({"error_x": 0}, "below/ker")]
)
def test_a_wrong_gradient_in_a_model_is_caught_and_named(float64, error, culprit):
    with pytest.raises(GradientError, match=rf"^{culprit}.*the slope of the loss .* is .* says"):
        check_model(chain(**error), X, LABELS)


def test_a_gradient_that_differs_from_sweep_to_sweep_is_caught(float64):
    class Jitter(Scale):
        def call(self, x):
            noise = np.random.default_rng(0)

            def jitter(x, factor):
                return x * factor, (lambda g: g * factor, lambda g: g * x * noise.uniform(1, 2))

            return Op(jitter)(x, self.factor)

    x = tg.Input((3,))
    model = tg.Model(x, Jitter(name="jitter")(x))
    model.compile("sgd", "mse")
    with pytest.raises(GradientError, match=r"^jitter/factor: sweeping twice"):
        check_model(model, X, X)


def test_a_pullback_that_mixes_losses_is_caught(float64):
    """The rows of two losses may not leak into each other."""

    def leaky(x, factor):
        return x * factor, (lambda g: g * factor, lambda g: (g + g[::-1]) / 2 * x)

    class Leaky(Scale):
        def call(self, x):
            return Op(leaky)(x, self.factor)

    x = tg.Input((3,))
    y = Leaky(name="leaky")(x)
    model = tg.Model(x, [tg.layers.Dense(1, name="a")(y), tg.layers.Dense(1, name="b")(y)])
    model.compile("sgd", "mse", loss_weights=[1.0, 3.0])
    with pytest.raises(GradientError, match=r"^leaky/factor: the weighted .* miss the whole"):
        check_model(model, X, [LABELS, -LABELS])


def test_a_fault_of_training_alone_is_caught(float64):
    """Checked is the function that trains, not the one that predicts."""

    class Mood(Scale):
        def call(self, x):
            def mood(x, factor, *, training=False):
                slip = 2 if training == self.wrong_in_training else 1
                return x * factor, (lambda g: g * factor, lambda g: slip * g * x)

            return Op(mood)(x, self.factor)

    def model(wrong_in_training):
        x = tg.Input((3,))
        layer = Mood(name="mood")
        layer.wrong_in_training = wrong_in_training
        model = tg.Model(x, layer(x))
        model.compile("sgd", "mse")
        return model

    assert "mood/factor" in check_model(model(False), X, Y)
    with pytest.raises(GradientError, match=r"^mood/factor, "):
        check_model(model(True), X, Y)


@pytest.mark.medium
def test_batch_statistics_are_those_of_training(float64):
    x = tg.Input((3,))
    norm = tg.layers.BatchNormalization(name="norm")
    model = tg.Model(x, tg.layers.Dense(1, name="y")(norm(tg.layers.Dense(3, name="below")(x))))
    model.compile("sgd", "mse")
    before = model.get_weights()
    report = check_model(model, X, LABELS)
    assert report.unchecked == {
        "norm/moving_mean": "it is not trained",
        "norm/moving_variance": "it is not trained",
        "loss 'y' by below/bias": "its slope is 0 here, up to rounding",  # the mean is subtracted
    }
    assert str(report).startswith("Model 'model' in training: gradients and differences agree, to ")
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    norm.trainable = False  # then the moving averages are used, in training, too
    assert "below/bias" in check_model(model, X, LABELS)


def test_dropout_drops_the_same_in_every_pass_and_goes_on_as_before(float64):
    x = tg.Input((3,))
    drop = tg.layers.Dropout(0.5)
    model = tg.Model(x, tg.layers.Dense(1)(drop(tg.layers.Dense(8, name="below")(x))))
    model.compile("sgd", "mse")
    before = drop.generator.bit_generator.state
    assert len(check_model(model, X, LABELS)) == 4
    assert drop.generator.bit_generator.state == before


def two_heads(**weights):
    x = tg.Input((3,))
    h = tg.layers.Dense(4, "tanh", name="trunk")(x)
    model = tg.Model(x, [tg.layers.Dense(1, name=name)(h) for name in ("left", "right")])
    model.compile("sgd", "mse", **weights)
    return model


@pytest.mark.medium
def test_a_frozen_weight_is_reported_and_a_frozen_model_refused(float64):
    model = two_heads()
    model.get_layer("trunk").trainable = False
    report = check_model(model, X, [LABELS, LABELS])
    frozen = "it is not trained"
    assert report.unchecked == {"trunk/kernel": frozen, "trunk/bias": frozen}
    model.get_layer("left").trainable = False
    report = check_model(model, X, [LABELS, LABELS])
    assert list(report) == ["right/kernel", "right/bias"]
    assert report.unchecked["loss 'left'"] == "it has no path to a weight that is trained"
    model.get_layer("right").trainable = False
    with pytest.raises(GradientError, match=r"^Model 'model' in training: nothing was checked: "):
        check_model(model, X, [LABELS, LABELS])


def test_a_weight_that_no_loss_reaches_is_reported(float64):
    model = two_heads()
    model.compile("sgd", {"left": "mse"})
    report = check_model(model, X, {"left": LABELS})
    assert list(report) == ["trunk/kernel", "trunk/bias", "left/kernel", "left/bias"]
    no_path = "no loss has a path to it"
    assert report.unchecked == {"right/kernel": no_path, "right/bias": no_path}


@pytest.mark.medium
def test_a_loss_at_a_kink_is_reported(float64):
    """A penalty on weights of 0."""
    x = tg.Input((3,))
    head = tg.layers.Dense(1, name="y", bias_regularizer="l1")
    model = tg.Model(x, head(x))
    model.compile("sgd", "mse")
    kink = "there is a kink; its gradient is the mean of both slopes"
    report = check_model(model, X, LABELS)
    assert report.unchecked == {"loss 'regularization' by y/bias": kink}
    assert list(report) == ["y/kernel", "y/bias"]
    # beside another penalty, whose rounding asks for longer steps, it is a kink as well
    penalties = {f"{part}_regularizer": "l1" for part in ("kernel", "bias")}
    model = tg.Model(x, tg.layers.Dense(2, name="y", **penalties)(x))
    model.compile("sgd", "mse")
    report = check_model(model, X, X[:, :2])
    assert report.unchecked == {"loss 'regularization' by y/bias": kink}


@pytest.mark.medium
def test_a_loss_that_no_weight_moves_is_refused(float64):
    """Its labels are all missing; or its value is so large that it drowns all others."""
    model = two_heads()
    nothing = np.full((3, 1), np.nan)
    words = r"^loss 'right' was not checked: no weight moves its value, {}, by more than rounding$"
    with pytest.raises(GradientError, match=words.format(0)):
        check_model(model, X, [LABELS, nothing])
    model.compile("sgd", ["mse", lambda t, p: ((p - t) * (p - t)).mean(axis=-1) + 1e20])
    with pytest.raises(GradientError, match=words.format(r"1e\+20")):
        check_model(model, X, [LABELS, LABELS])


@pytest.mark.medium
def test_an_offset_of_a_loss_is_named(float64):
    model = two_heads()
    model.compile("sgd", ["mse", lambda t, p: ((p - t) * (p - t)).mean(axis=-1) + 1e9])
    words = "the gradient cannot be judged: the slope of the loss 'right' .* take an offset away"
    with pytest.raises(GradientError, match=words):
        check_model(model, X, [LABELS, LABELS])
    assert len(check_model(model, X, [LABELS, LABELS], tolerance=0.1)) == 6


def test_a_path_that_is_missing_is_caught(float64):
    def forgetful(x, factor):
        return x * factor, (lambda g: g * factor, None)

    class Forgetful(Scale):
        def call(self, x):
            return Op(forgetful)(x, self.factor)

    x = tg.Input((3,))
    y = Forgetful(name="forgetful")(x)
    z = tg.layers.Dense(1, name="z")(x)
    model = tg.Model(x, [tg.layers.Dense(1, name="y")(y), z])
    model.compile("sgd", "mse")
    words = r"forgetful/factor, shape \(3,\): the gradient is None, but the slope of the loss 'y' "
    with pytest.raises(GradientError, match=words + ".*: a pullback on the way to it is None$"):
        check_model(model, X, [LABELS, LABELS])


def test_writing_into_weights_or_data_is_caught(float64):
    class Greedy(Scale):
        def call(self, x):
            def greedy(x, factor):
                def pull(g):
                    factor[0] = 0
                    return g * x

                return x * factor, (lambda g: g * factor, pull)

            return Op(greedy)(x, self.factor)

    x = tg.Input((3,))
    model = tg.Model(x, Greedy(name="greedy")(x))
    model.compile("sgd", "mse")
    before = model.weights[0].value
    words = r"^Model 'model' in training: an op writes into what it was given or returned: leave"
    with pytest.raises(GradientError, match=words) as caught:
        check_model(model, X, Y)
    assert "in Greedy 'greedy', op 'greedy' of 'input' (None, 3), " in caught.value.__notes__[0]
    assert model.weights[0].value is before


def test_writing_into_a_cotangent_is_caught_in_a_model(float64):
    x = tg.Input((3,))
    model = tg.Model(x, Op(writes_into_its_cotangent)(tg.layers.Dense(1)(x)))
    model.compile("sgd", "mse")
    with pytest.raises(GradientError, match=r"an op writes into what it was given .*") as caught:
        check_model(model, X, LABELS)
    assert "op 'writes_into_its_cotangent' of 'dense' " in caught.value.__notes__[0]


@pytest.mark.medium
@pytest.mark.parametrize("weights", [[1e-3, 1e3], [0.0, 1.0]])
def test_the_weight_of_a_loss_does_not_matter(float64, weights):
    """Each loss is judged by its own gradient, and the sum by what it is made of."""
    report = check_model(two_heads(loss_weights=weights), X, [LABELS, 1e3 * LABELS])
    assert len(report) == 6 and report.unchecked == {}


def test_a_gradient_that_is_wrong_in_training_only_is_caught(float64):
    """Training carries one row: the sum of the losses. It must be what the single losses add to."""

    def hasty(x, factor):
        return x * factor, (lambda g: g * factor, lambda g: g * x * (1 + 1e-9 * (len(g) == 1)))

    class Hasty(Scale):
        def call(self, x):
            return Op(hasty)(x, self.factor)

    x = tg.Input((3,))
    y = Hasty(name="hasty")(x)
    model = tg.Model(x, [tg.layers.Dense(1, name="a")(y), tg.layers.Dense(1, name="b")(y)])
    model.compile("sgd", "mse", loss_weights=[1e-3, 1e3])
    with pytest.raises(GradientError, match=r"^hasty/factor: the weighted .* miss the whole"):
        check_model(model, X, [LABELS, -LABELS])


def test_random_models_are_refused(float64):
    class Noise(tg.layers.Layer):
        def call(self, x):
            def noise(x):
                return x * self.generator.random(), (lambda g: g,)

            return Op(noise)(x)

    x = tg.Input((3,))
    model = tg.Model(x, tg.layers.Dense(1)(Noise()(x)))
    model.compile("sgd", "mse")
    with pytest.raises(GradientError, match="randomness in the model"):
        check_model(model, X, LABELS)


def test_float32_models_are_refused():
    with pytest.raises(TypeError, match=r"below/kernel is float32; .* tg\.use\(floatx="):
        check_model(chain(), X, LABELS)


def test_the_weights_are_as_before(float64):
    model = chain()
    before = model.get_weights()
    check_model(model, X, LABELS)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.medium
def test_a_model_of_every_kind_of_part_passes(float64):
    """Two inputs, two outputs, penalties, a shared layer, a nested model and a masked LSTM."""
    inner_x = tg.Input((4,))
    inner = tg.Model(inner_x, tg.layers.Dense(4, "tanh", kernel_regularizer="l2")(inner_x))
    ids, extra = tg.Input((5,), "int32", "ids"), tg.Input((4,), name="extra")
    words = tg.layers.Embedding(7, 4, mask_zero=True, embeddings_regularizer="l1")(ids)
    text = tg.layers.LSTM(4)(tg.layers.LSTM(3, return_sequences=True)(words))
    shared = tg.layers.Dense(4, "softplus", name="shared")
    both = tg.layers.concatenate([shared(text), shared(inner(extra)), inner(text)])
    model = tg.Model(
        [ids, extra],
        {
            "kind": tg.layers.Dense(3, "softmax")(both),
            "price": tg.layers.Dense(1)(tg.layers.Dropout(0.5)(both)),
        },
    )
    losses = {"kind": "sparse_categorical_crossentropy", "price": "huber"}
    model.compile("adam", losses, loss_weights={"kind": 0.3, "price": 2.0})
    random = np.random.default_rng(3)
    x = {"ids": [[1, 2, 3, 0, 0], [4, 0, 0, 0, 0], [5, 6, 1, 2, 3]], "extra": random.random((3, 4))}
    y = {"kind": [0, 2, 1], "price": [0.3, 4.0, -2.0]}
    errors = check_model(model, x, y, sample_weight={"price": [1.0, 0.0, 2.0]})
    assert len(errors) == len(model.weights)
