"""What functions of one's own give back is checked: initializers, penalties, losses, scores."""

from functools import partial

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, losses, metrics

X = np.ones((4, 3))


def one_dense(**options):
    x = tg.Input((3,), name="x")
    return tg.Model(x, layers.Dense(2, name="d", **options)(x))


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (np.nan, ValueError, r"initializer of d/kernel gave NaN, or numbers too large for float32"),
        (-np.inf, ValueError, r"initializer of d/kernel gave NaN, or numbers too large"),
        (1e300, ValueError, r"initializer of d/kernel gave NaN, or numbers too large"),
        (1j, TypeError, r"d/kernel gave an array of complex128, asked for were numbers"),
        (True, TypeError, r"d/kernel gave an array of bool, asked for were numbers"),
        ("a", TypeError, r"d/kernel gave an array of <U1, asked for were numbers"),
    ],
)
def test_initial_values(value, error, words):
    layer = layers.Dense(2, name="d", kernel_initializer=lambda shape, _: np.full(shape, value))
    with pytest.raises(error, match=words):
        layer(tg.Input((3,)))
    assert not layer.built and layer.weights == []


@pytest.mark.parametrize(
    "start",
    [
        layers.initializers.constant(1),
        lambda shape, _: np.ones(shape, int),
        lambda shape, _: np.ones(shape).tolist(),
    ],
)
def test_weights_that_start_at_whole_numbers_are_trained(start):
    model = one_dense(kernel_initializer=start)
    kernel = model.get_layer("d").kernel
    assert kernel.dtype == np.float32 and (kernel.numpy() == 1).all()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], epochs=1, verbose=0)
    assert (kernel.numpy() != 1).all() and model.predict(X).dtype == np.float32


def test_in_double_precision_more_numbers_fit():
    with tg.use(floatx="float64"):
        layer = layers.Dense(1, kernel_initializer=layers.initializers.constant(1e300))
        assert layer(tg.Tensor([[1.0]])).numpy() == 1e300


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])
def test_an_array_that_an_initializer_gives_stays_as_it_is(kind):
    mine = np.zeros((2, 6) if kind is layers.GRU else 8)
    layer = kind(2, bias_initializer=lambda shape, _: mine)
    layer(tg.Input((5, 3)))
    assert (mine == 0).all()
    mine += 7
    assert (layer.bias.numpy() < 7).all()


def test_the_bias_of_an_lstm_must_have_its_shape():
    layer = layers.LSTM(2, name="lstm", bias_initializer=lambda shape, _: 0.0)
    with pytest.raises(ValueError, match=r"lstm/bias gave an array of shape \(\), asked .*\(8,\)"):
        layer(tg.Input((5, 3)))


@pytest.mark.parametrize(
    ("penalty", "words"),
    [
        (lambda w: 3.0, r"the regularizer of d/kernel must return a scalar tensor.* not 3.0"),
        (lambda w: None, r"the regularizer of d/kernel must .* not None"),
        (lambda w: w * w, r"the regularizer of d/kernel must .* not one of shape \(3, 2\)"),
        (layers.regularizers.L2, "L1L2: l2 must be a number, not a Parameter"),
    ],
)
def test_penalties(penalty, words):
    model = one_dense(kernel_regularizer=penalty)
    with pytest.raises(TypeError, match=words):
        model.compile("sgd", "mse")
    assert not model.is_compiled


def test_a_penalty_of_ones_own():
    model = one_dense(kernel_regularizer=lambda w: abs(w).mean(), kernel_initializer="ones")
    model.compile("sgd", "mse")
    assert model.evaluate(X, X[:, :2], return_dict=True)["regularization"] == 1.0


@pytest.mark.parametrize("given", [3, None, np.ones((1, 2)), "relu"])
def test_a_layer_returns_tensors(given):
    words = "Dense 'd' must return tensors, computed with ops, not "
    with pytest.raises(TypeError, match=words) as caught:
        one_dense(activation=lambda x: given)
    assert "in Dense 'd' of 'x' (None, 3), called at" in caught.value.__notes__[0]


class Distance:
    def __call__(self, y_true, y_pred):
        return abs(y_true - y_pred).mean(axis=-1)


def scaled(y_true, y_pred, scale):
    return scale * abs(y_true - y_pred).mean(axis=-1)


@pytest.mark.parametrize(
    ("loss", "name"), [(Distance(), "distance"), (partial(scaled, scale=1.0), "partial")]
)
def test_a_loss_may_be_anything_that_can_be_called(loss, name):
    found = losses.get(loss)
    assert found.name == name and float(found([[1.0, 2.0]], [[2.0, 4.0]])) == 1.5
    model = one_dense()
    model.compile("sgd", loss)
    assert model.evaluate(X, X[:, :2]) > 0


def test_a_loss_is_a_function_of_labels_and_predictions():
    with pytest.raises(TypeError, match=r"'scaled': function is called with \(y_true, y_pred\), b"):
        losses.get(scaled)
    with pytest.raises(NotImplementedError, match="Loss does not say how wrong a prediction is"):
        losses.Loss()([[1.0]], [[1.0]])


@pytest.mark.parametrize("words", [["mse"], 3, np.ones(2), {"mse": 1}])
def test_what_is_no_name_is_unknown(words):
    with pytest.raises(ValueError, match="unknown loss"):
        losses.get(words)
    with pytest.raises(ValueError, match="Dense 'dense': unknown activation"):
        layers.Dense(2, activation=words)
    with pytest.raises(ValueError, match="unknown initializer"):
        layers.Dense(2, kernel_initializer=words)(tg.Input((3,)))


def test_labels_that_are_indices_cannot_be_smoothed():
    losses.SparseCategoricalCrossentropy(label_smoothing=0)
    smooth = {"label_smoothing": 0.1}
    fix = r"np.eye\(classes\)\[labels\], and take CategoricalCrossentropy\(label_smoothing=0.1\)"
    with pytest.raises(ValueError, match=f"label_smoothing .* make them one-hot, {fix}"):
        losses.SparseCategoricalCrossentropy(**smooth)
    p = np.array([[0.7, 0.2, 0.1]])
    found = losses.CategoricalCrossentropy(**smooth)(np.eye(3)[[0]], p)
    mixed = 0.9 * np.eye(3)[0] + 0.1 / 3
    assert float(found) == pytest.approx(-(mixed * np.log(p[0])).sum(), rel=1e-6)


class Own(metrics.MeanMetric):
    def __init__(self, scores):
        self.own = scores
        super().__init__("own")

    def scores(self, y_true, y_pred):
        return self.own(y_true, y_pred)


@pytest.mark.parametrize(
    "scores",
    [
        lambda y, p: (y - p).mean(),
        lambda y, p: (y - p).mean(axis=-1, keepdims=True),
        lambda y, p: (y - p).T,
        lambda y, p: (y - p).mean(axis=0),
        lambda y, p: np.ones(7),
        lambda y, p: (y - p).mean(axis=-1) + 1j,
        lambda y, p: np.array(["good"] * len(y)),
        lambda y, p: None,
    ],
)
def test_scores_are_one_number_per_sample(scores):
    words = r"^own: scores must be one number per sample, not .* of shape \(4, 3\)"
    with pytest.raises(ValueError, match=words):
        Own(scores).update(X, 0 * X)


@pytest.mark.parametrize(
    "scores", [lambda y, p: (y - p).mean(axis=-1), lambda y, p: y - p, lambda y, p: [1.0] * len(y)]
)
def test_scores_of_samples_or_of_places(scores):
    metric = Own(scores)
    metric.update(X, 0 * X, sample_weight=[1, 0, 2, 1])
    metric.update(X[:1], X[:1] - 1)
    assert metric.result() == 1.0


def test_a_metric_that_says_nothing():
    with pytest.raises(NotImplementedError, match="MeanMetric does not say how good a prediction"):
        metrics.MeanMetric().update(X, X)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (metrics.BinaryAccuracy(), 4 / 5),
        (metrics.MeanSquaredError(), 1 / 5),
        (metrics.MeanAbsoluteError(), 1 / 5),
        (metrics.RootMeanSquaredError(), np.sqrt(1 / 5)),
        (metrics.Precision(), 1.0),
        (metrics.Recall(), 4 / 5),
    ],
)
def test_single_numbers_are_samples(metric, expected):
    """One number per sample: batches of different length count by their samples."""
    for shape in ((-1,), (-1, 1)):
        metric.reset()
        metric.update(np.ones(4), np.ones(4).reshape(shape))
        metric.update(np.ones(1), np.zeros(1).reshape(shape))
        assert metric.result() == pytest.approx(expected)


@pytest.mark.parametrize("name", ["CategoricalAccuracy", "SparseCategoricalAccuracy"])
def test_one_class_alone_always_wins(name):
    with pytest.raises(ValueError, match="of one class, which always wins: use binary_accuracy"):
        getattr(metrics, name)().update(np.ones((4, 1)), np.zeros((4, 1)))
