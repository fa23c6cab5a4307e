"""The checker itself: right gradients pass it, and every kind of wrong one is caught and named."""

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
    factors = iter([1.0, 1.5, 1.0])
    return x * 1.0, (lambda g: g * next(factors),)


def gradient_of_an_index(i, x):
    return x[i], (lambda g: g, None)


def in_single_precision(x):
    return x * x, (lambda g: (g * 2 * x).astype("float32"),)


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
    ],
)
def test_a_wrong_gradient_is_caught_and_named(rule, inputs, culprit):
    with pytest.raises(GradientError, match=f"^{rule.__name__}: the gradient of {culprit}"):
        check_op(Op(rule), *inputs)


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
    "rule", [writes_into_its_input, writes_into_its_cotangent, writes_into_its_value]
)
def test_writing_into_foreign_arrays_is_caught(rule):
    with pytest.raises(ValueError, match="read-only"):
        check_op(Op(rule), X)


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
