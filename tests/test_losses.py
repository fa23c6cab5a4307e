"""Losses and metrics called by themselves: which labels and weights they take, and their values."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers as L
from tinygrad_mo import losses, metrics

nan = np.nan
RANDOM = np.random.default_rng(0)
P = RANDOM.dirichlet(np.ones(3), size=4)  # shares of three classes
DENSE = [
    losses.MeanSquaredError,
    losses.MeanAbsoluteError,
    losses.BinaryCrossentropy,
    losses.Huber,
    losses.CategoricalCrossentropy,
]


@pytest.mark.parametrize("kind", DENSE)
def test_labels_in_a_column_are_those_without(kind):
    loss, y = kind(), P[::-1].copy()
    assert float(loss(y[..., None], P)) == float(loss(y, P))
    assert float(loss(y[:, :1, None], P[:, :1])) == float(loss(y[:, :1], P[:, :1]))
    for odd in (y[:, :1], y[:1], y[0], y[None], y[..., None, None]):
        with pytest.raises(ValueError, match="labels of shape"):
            loss(odd, P)
    with pytest.raises(ValueError, match=r"give them an axis behind the samples, \[:, None\]"):
        loss(y[:, 0] / 4, P[:, 0])


@pytest.mark.parametrize(("mark", "options"), [(-1.0, {"missing": -1}), (nan, {})])
@pytest.mark.parametrize("kind", [*DENSE, losses.SparseCategoricalCrossentropy])
def test_samples_without_labels_do_not_count(kind, mark, options):
    loss, weight = kind(**options), np.array([0.5, 2, 1, 3])
    y = np.array([0.0, 2, 1, 1]) if kind.sparse else np.eye(3)[[0, 2, 1, 1]]
    gone = y.copy()
    gone[[0, 3]] = mark
    assert float(loss(gone, P)) == pytest.approx(float(loss(y[1:3], P[1:3])))
    weighed = float(loss(y[1:3], P[1:3], weight[1:3]))
    assert float(loss(gone, P, weight)) == pytest.approx(weighed)
    p = tg.Tensor(P)
    slopes = tg.gradients(loss(gone, p), p)
    assert not slopes[[0, 3]].any() and slopes[1:3].any()
    assert float(loss(np.full_like(y, mark), P)) == 0
    if not kind.sparse:
        gone[1, 0] = mark
        with pytest.raises(ValueError, match="row 1 has labels for a part of the output only"):
            loss(gone, P)


@pytest.mark.filterwarnings("ignore:no output depends on input 'label'")
def test_missing_labels_of_steps_and_of_a_graph():
    steps = losses.SparseCategoricalCrossentropy(missing=-1)
    p = np.stack([P, P[::-1]])
    y = np.array([[0, -1, 1, -1], [-1, -1, -1, 2]])
    right = p[y >= 0, y[y >= 0]]
    assert float(steps(y, p)) == pytest.approx(-np.log(right).mean())
    weight = np.array([1.0, 5.0])
    expected = (-np.log(right) * [1, 1, 5]).mean()
    assert float(steps(y, p, weight)) == pytest.approx(expected)
    x, label = tg.Input((3,), name="x"), tg.Input((1,), name="label")
    out = L.Dense(1, name="out")(x)
    model = tg.Model([x, label], out)
    model.add_loss(losses.MeanSquaredError(missing=-1)(label, out), "own")
    model.compile("sgd")
    given = np.array([[-1.0], [2.0], [-1.0], [0.0]])
    errors = np.square(model.predict([P, given]) - given)[[1, 3]]
    assert model.evaluate([P, given]) == pytest.approx(errors.mean())


@pytest.mark.parametrize(
    "weight", [[5.0], np.ones(3), np.ones((4, 3)), np.ones((4, 1)), np.ones(5)]
)
def test_weights_are_one_for_each_sample(weight):
    with pytest.raises(ValueError, match=r"sample_weight has shape .*, expected \(4,\), one"):
        losses.MeanSquaredError()(P, P, weight)


@pytest.mark.parametrize(
    "metric", [metrics.MeanSquaredError(), metrics.AUC(), metrics.Precision(), metrics.Recall()]
)
def test_weights_of_metrics_are_one_for_each_sample(metric):
    for weight in ([5.0], np.ones(3), np.ones((3, 4))):
        with pytest.raises(ValueError, match=rf"{metric.name}: sample_weight has shape"):
            metric.update(P, P, weight)
    metric.update(P, P, np.ones(4))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([0, 255, 0], "label 255 in row 1 is not between 0 and 1"),
        ([-0.1, 0.5, 0.6], "label -0.1 in row 1 is not between 0 and 1"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"from_logits": True}, {"label_smoothing": 0.1}])
def test_labels_of_exclusive_classes_are_shares(row, words, options):
    loss = losses.CategoricalCrossentropy(**options)
    with pytest.raises(ValueError, match=words):
        loss(np.array([[0, 1, 0], row]), P[:2])
    for several, total in (([1, 1, 0], "2"), ([0.4, 0.4, 0.3], "1.1")):
        with pytest.warns(UserWarning, match=f"the labels in row 1 add up to {total}, but"):
            loss(np.array([[0, 1, 0], several]), P[:2])
    soft = np.array([[0.333, 0.333, 0.334], [0, 0, 0], [0.34, 0.33, 0.335], [0.1, 0.2, 0.3]])
    assert np.isfinite(float(loss(soft, P)))


def result(metric, y, p):
    metric.update(np.array(y), np.array(p))
    return metric.result()


@pytest.mark.parametrize(
    ("metric", "y", "p", "expected"),
    [
        ("SparseCategoricalAccuracy", [0, 0, 1], [[nan, nan], [nan, 0.1], [0.2, 0.8]], 1 / 3),
        ("CategoricalAccuracy", [[1, 0], [1, 0], [0, 1]], [[nan] * 2, [1, 0], [1, nan]], 1 / 3),
        ("CategoricalAccuracy", [[0, 0], [1, 0]], [[0.9, 0.1], [0.9, 0.1]], 1 / 2),
        ("BinaryAccuracy", [[0], [0], [1]], [[nan], [0.1], [nan]], 1 / 3),
        ("AUC", [0, 1, 1], [nan, 0.1, 0.3], nan),
        ("Recall", [1, 1], [nan, 0.9], 1 / 2),
        ("MeanSquaredError", [0, 1], [nan, 0.9], nan),
    ],
)
@pytest.mark.filterwarnings("error")
def test_nan_is_never_right(metric, y, p, expected):
    assert result(getattr(metrics, metric)(), y, p) == pytest.approx(expected, nan_ok=True)
