"""Losses and metrics called by themselves: which labels and weights they take, and their values."""

import pickle

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers as L
from tinygrad_mo import losses, metrics
from tinygrad_mo.device import to_numpy

nan = np.nan
RANDOM = np.random.default_rng(0)
P = RANDOM.dirichlet(np.ones(3), size=4)  # shares of three classes
MARGINS = [losses.Hinge, losses.SquaredHinge]  # for labels of -1 and 1, or of 0 and 1
SPARSE = losses.SparseCategoricalCrossentropy
DENSE = [kind for kind in dict.fromkeys(losses.LOSSES.values()) if kind not in (*MARGINS, SPARSE)]


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


@pytest.mark.one_in(6, rest="medium")
@pytest.mark.parametrize(("mark", "options"), [(-1.0, {"missing": -1}), (nan, {})])
@pytest.mark.parametrize("kind", [*DENSE, *MARGINS, SPARSE])
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
    apart = kind(**options, reduction="none")(gone, P, weight).numpy()
    inner = kind(reduction="none")(y[1:3], P[1:3], weight[1:3]).numpy()
    assert apart == pytest.approx([0, *inner, 0])
    total = float(kind(**options, reduction="sum")(gone, P, weight))
    assert total == pytest.approx(apart.sum()) == pytest.approx(2 * weighed)
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


def test_labels_of_steps_are_classes_of_the_last_axis():
    """Of which there may be more than steps; with a weight for each sequence."""
    p = np.stack([P, P])[:, :2]
    y = np.array([[2, 0], [1, 2]])
    each = -np.log(np.take_along_axis(p, y[..., None], axis=-1)[..., 0])
    loss = losses.SparseCategoricalCrossentropy(reduction="none")
    np.testing.assert_allclose(loss(y, p).numpy(), each, rtol=1e-6)
    weight = np.array([2.0, 3.0])
    np.testing.assert_allclose(loss(y, p, weight).numpy(), each * weight[:, None], rtol=1e-6)
    with pytest.raises(ValueError, match="label 3 in row 1 is not one of the 3 classes"):
        loss(np.array([[2, 0], [3, 2]]), p)


def slope(loss, y, p):
    p = tg.Tensor(p)
    return to_numpy(tg.gradients(loss(y, p), p))


@pytest.mark.filterwarnings("error")
def test_log_cosh_is_exact_near_and_far():
    loss = losses.LogCosh(reduction="none")
    x = np.array([[0.0], [1e-3], [-0.5], [3.0], [100.0], [-100.0], [1e5]])
    exact = [0, 5e-7 - 1e-12 / 12, 0.1201145, 2.3093285, 99.3068528, 99.3068528, 99999.3068528]
    np.testing.assert_allclose(loss(0 * x, x).numpy(), exact, rtol=1e-6)
    found = slope(losses.LogCosh(reduction="sum"), 0 * x, x)
    np.testing.assert_allclose(found, np.tanh(x), rtol=1e-6)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.filterwarnings("error")
def test_focal_losses_at_certainty(gamma):
    """What is surely right costs nothing; what is surely wrong keeps its slope, from logits."""
    column = np.array([[1.0], [0.0]])
    for loss, right, wrong, y in [
        (losses.BinaryFocalCrossentropy(gamma=gamma), column, 1 - column, column),
        (losses.BinaryFocalCrossentropy(gamma=gamma, from_logits=True), 1, -1, column),
        (losses.CategoricalFocalCrossentropy(1, gamma), np.eye(2), 1 - np.eye(2), np.eye(2)),
        (losses.CategoricalFocalCrossentropy(1, gamma, from_logits=True), 1, -1, np.eye(2)),
    ]:
        if loss.from_logits:
            right, wrong = (
                (100 if y.shape[1] == 1 else 50) * k * (2 * y - 1) for k in (right, wrong)
            )
        cost = 100 if loss.from_logits else -np.log(1e-7)
        assert float(loss(y, right)) == pytest.approx(0, abs=2e-7)
        assert float(loss(y, wrong)) == pytest.approx(cost, rel=1e-6 if loss.from_logits else 0.01)
        assert np.isfinite(slope(loss, y, right)).all() and abs(slope(loss, y, right)).max() < 1e-3
        assert np.isfinite(slope(loss, y, wrong)).all()
        if loss.from_logits:
            assert slope(loss, y, wrong) == pytest.approx(-(2 * y - 1) / 2, rel=1e-5)


def test_focal_losses_without_focus_are_cross_entropies():
    y, kinds = np.round(P), np.eye(3)[[0, 2, 1, 1]]
    for logits in (False, True):
        x = np.log(P) if logits else P
        focal = losses.BinaryFocalCrossentropy(gamma=0, from_logits=logits)
        assert float(focal(y, x)) == pytest.approx(float(losses.BinaryCrossentropy(logits)(y, x)))
        focal = losses.CategoricalFocalCrossentropy(1, 0, from_logits=logits)
        plain = losses.CategoricalCrossentropy(logits)
        assert float(focal(kinds, x)) == pytest.approx(float(plain(kinds, x)))
    impossible = losses.CategoricalFocalCrossentropy(from_logits=True)
    p = np.array([[0.0, 1.0, -np.inf]])
    assert np.isfinite(float(impossible([[0, 1, 0]], p)))
    assert np.isfinite(slope(impossible, [[0, 1, 0]], p)).all()


def test_a_vector_of_zeros_has_no_direction():
    loss, y = losses.CosineSimilarity(reduction="none"), np.array([[3.0, 4.0], [0.0, 0.0]])
    assert loss(y, [[0.0, 0.0], [1.0, 2.0]]).numpy().tolist() == [0, 0]
    assert not slope(losses.CosineSimilarity(), y, np.array([[0.0, 0.0], [1.0, 2.0]])).any()
    assert loss(y[:1], [[30.0, 40.0]]).numpy() == pytest.approx([-1])


def test_margins_take_signs_or_zeros_and_ones():
    p = np.array([[-0.5], [2.0], [0.25]])
    for kind in MARGINS:
        loss = kind(missing=-9)
        assert float(loss([[-1], [1], [1]], p)) == float(loss([[0], [1], [1]], p)) > 0
        assert float(loss([[-1], [-9], [1]], p)) == float(loss([[0], [nan], [1]], p)) > 0
        for odd, words in (
            ([[-1], [0], [1]], "label 0 in row 1 beside labels of -1"),
            ([[1], [0], [0.5]], "label 0.5 in row 2"),
            ([[2], [-1], [1]], "label 2 in row 0"),
        ):
            said = f"^{words}: {loss.name} takes labels of -1 and 1, or of 0 and 1$"
            with pytest.raises(ValueError, match=said):
                loss(odd, p)


@pytest.mark.parametrize("kind", [losses.Poisson, losses.MeanSquaredLogarithmicError])
def test_sizes_are_not_negative(kind):
    with pytest.raises(ValueError, match=f"label -0.5 in row 1 is below 0, but {kind().name} is"):
        kind()([[1.0], [-0.5]], [[1.0], [1.0]])


def test_a_shortened_name_is_the_loss():
    for short, long in [
        ("bce", "binary_crossentropy"),
        ("kld", "kl_divergence"),
        ("mape", "mean_absolute_percentage_error"),
        ("msle", "mean_squared_logarithmic_error"),
    ]:
        assert type(losses.get(short)) is type(losses.get(long))
        assert losses.get(short).name == long
    with pytest.raises(ValueError, match=r"^unknown loss 'msee': did you mean 'mse'\?"):
        losses.get("msee")
    with pytest.raises(ValueError, match=r"^output a: unknown loss 'msee'"):
        losses.get("msee", "output a")


def test_a_loss_is_found_where_old_pickles_look_for_it():
    for room, kind in (("losses", losses.Huber), ("metrics", metrics.AUC)):
        old = f"ctinygrad_mo.{room}\n{kind.__name__}\n.".encode()
        assert pickle.loads(old) is kind
    assert pickle.loads(pickle.dumps(losses.Huber(2.0))).delta == 2.0


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


def test_a_loss_is_given_as_a_name_a_class_an_object_or_a_function():
    huber, own = losses.Huber(delta=2.0), lambda y_true, y_pred: abs(y_true - y_pred).mean(axis=-1)
    assert losses.get(huber) is huber
    assert type(losses.get(losses.Huber)) is type(losses.get("huber")) is losses.Huber
    assert float(losses.get(own)([[3.0]], tg.Tensor([[1.0]]))) == 2

    class Apart:
        def __init__(self, y_true, y_pred):
            raise AssertionError("made before it is called")

    with pytest.raises(TypeError, match="not the class Apart"):
        losses.get(Apart)


def test_only_of_a_loss_that_is_made_before_there_are_data_this_is_said():
    class Mine(losses.Loss):
        def call(self, y_true, y_pred):
            return float(None)

    for x, notes in [(tg.Tensor([[1.0]]), 0), (tg.Input((1,)), 1)]:
        with pytest.raises(TypeError) as caught:
            Mine()(x, x)
        said = [n for n in getattr(caught.value, "__notes__", []) if "before there are data" in n]
        assert len(said) == notes
