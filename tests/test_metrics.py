"""Metrics called by themselves and in training: functions, losses, top k, F1, R2, confusion."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks, layers, losses, metrics
from tinygrad_mo.metrics.choosing import METRICS

nan = np.nan
RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(12, 3))
classes = RANDOM.integers(0, 4, 12)
scored = RANDOM.normal(size=(12, 4))
SURE = np.random.default_rng(2).dirichlet(np.full(7, 0.2), 12)  # of one class, mostly


def collected(metric, y, p, weight=None, batch=5):
    """The result over batches of a few samples."""
    for i in range(0, len(y), batch):
        part = slice(i, i + batch)
        metric.update(y[part], p[part], None if weight is None else weight[part])
    return metric.result()


def off(y_true, y_pred):
    return abs(y_true - y_pred).mean(axis=-1)


def rank(y_true, y_pred):
    """How many classes are ahead of the right one: with arrays, of labels that are indices."""
    y_true, y_pred = y_true.numpy(), y_pred.numpy()
    own = np.take_along_axis(y_pred, y_true[:, None], axis=-1)
    return (y_pred > own).sum(axis=-1)


# ---------------------------------------------------------------- functions and losses


@pytest.mark.medium
def test_a_function_is_a_metric_under_its_name(tmp_path):
    x = tg.Input((3,), name="x")
    heads = [layers.Dense(2, name="place")(x), layers.Dense(4, "softmax", name="kind")(x)]
    model = tg.Model(x, heads)
    fits = {"place": [off, "mae"], "kind": [rank, "sparse_top_k_categorical_accuracy"]}
    fits["kind"][1] = metrics.SparseTopKCategoricalAccuracy(k=1, name="first")
    kinds = {"place": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile("sgd", kinds, metrics=fits)
    y = {"place": X[:, :2], "kind": classes}
    found = model.evaluate(X, y, batch_size=5, return_dict=True)
    assert found["place_off"] == pytest.approx(found["place_mae"])
    p = model.predict(X)[1]
    assert found["kind_rank"] == pytest.approx((p > p[range(12), classes][:, None]).sum() / 12)
    assert found["kind_first"] == pytest.approx((p.argmax(axis=-1) == classes).mean())
    gone = {"place": X[:, :2], "kind": np.where(classes == 1, nan, classes)}
    some = model.evaluate(X, gone, batch_size=5, return_dict=True)
    left = classes != 1
    apart = {"place": X[left, :2], "kind": classes[left]}
    whole = model.evaluate(X[left], apart, return_dict=True)
    assert some["kind_rank"] == pytest.approx(whole["kind_rank"]) != found["kind_rank"]
    model.save(tmp_path / "model.tg")
    with pytest.raises(ValueError, match="the file uses 'off', which is not of this package"):
        tg.load(tmp_path / "model.tg")
    again = tg.load(tmp_path / "model.tg", custom_objects={"off": off, "rank": rank})
    assert again.evaluate(X, y, return_dict=True) == model.evaluate(X, y, return_dict=True)


class Stops(callbacks.Callback):
    def __init__(self, at):
        self.at = at

    def on_train_batch_end(self, step, logs):
        if step == self.at:
            self.at = -1
            raise KeyboardInterrupt


def history_of_training(path, stop):
    tg.set_random_seed(0)
    x = tg.Input((3,))
    model = tg.Model(x, layers.Dense(2)(x))
    model.compile("sgd", "mse", metrics=[off, losses.LogCosh(), metrics.R2Score()])
    listeners = [callbacks.BackupAndRestore(path, every=1), Stops(stop)]
    fit = lambda: model.fit(X, X[:, :2], 5, 3, callbacks=listeners, verbose=0).history
    if stop >= 0:
        with pytest.raises(KeyboardInterrupt):
            fit()
    return fit()


@pytest.mark.medium
def test_a_training_with_a_function_as_metric_goes_on(tmp_path):
    whole = history_of_training(tmp_path / "whole.tg", -1)
    assert history_of_training(tmp_path / "stopped.tg", 4) == whole
    assert {"off", "log_cosh", "r2_score"} < whole.keys()


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("name", list(losses.LOSSES))
def test_every_loss_is_a_metric(name):
    """Of labels and predictions that suit it, its mean is that of the loss (of cosines, minus)."""
    kind = losses.LOSSES[name]
    shares = RANDOM.dirichlet(np.ones(4), 12)
    y = classes if kind.sparse else np.eye(4)[classes]
    metric = metrics.get(name, [], (None, 4), (None, 4))
    weight = RANDOM.uniform(0, 1, 12).round()
    mean = float(kind(reduction="mean_with_sample_weight")(y, shares, weight))
    sign = -1 if kind is losses.CosineSimilarity else 1
    assert collected(metric, y, shares, weight) == pytest.approx(sign * mean, rel=1e-5)
    assert metric.name == name and metric.higher_is_better is (sign < 0)


@pytest.mark.parametrize("kind", dict.fromkeys(METRICS.values()))
def test_steps_count_like_samples(kind):
    """Those of a sequence, with a weight for each."""
    sparse = kind.__name__.startswith("Sparse")
    labels = np.where(np.arange(12) % 4, SURE.argmax(axis=-1), classes)  # three of four are right
    y, p = labels if sparse else np.eye(7)[labels], SURE
    weight = np.arange(12) % 3.0
    of_steps, of_samples = kind(), kind()
    of_samples.update(y, p, weight)
    of_steps.update(*(x.reshape(4, 3, *x.shape[1:]) for x in (y, p, weight)))
    assert of_steps.result() == pytest.approx(of_samples.result())
    assert np.isfinite(of_samples.result()).all() and np.any(of_samples.result())


@pytest.mark.parametrize("kind", dict.fromkeys(METRICS.values()))
def test_a_fresh_one_has_counted_nothing_and_counts_for_itself(kind):
    sparse = kind.__name__.startswith("Sparse")
    y = classes if sparse else np.eye(7)[classes]
    first, right = kind(), kind()
    first.update(y[:6], SURE[:6])
    before, other = first.result(), first.fresh()
    for metric in (other, right):
        metric.update(y[6:], SURE[6:])
    assert other.result() == pytest.approx(right.result())
    assert first.result() == pytest.approx(before)


@pytest.mark.parametrize("kind", [metrics.CategoricalAccuracy, metrics.F1Score])
def test_of_steps_those_that_are_nan_are_never_right(kind):
    y, p = np.eye(7)[SURE.argmax(axis=-1)], SURE.copy()
    p[[0, 4], [1, 6]] = nan
    of_steps, of_samples = kind(), kind()
    of_samples.update(y, p)
    of_steps.update(y.reshape(4, 3, 7), p.reshape(4, 3, 7))
    assert of_steps.result() == pytest.approx(of_samples.result())
    assert np.mean(of_samples.result()) < 1


def test_half_a_yes_is_no():
    p = np.array([[0.9], [0.2], [0.6], [0.4]])
    found = []
    for half in (0.5, 0.0):
        metric = metrics.AUC()
        metric.update(np.array([[1.0], [0.0], [half], [1.0]]), p)
        found.append(metric.result())
    assert found[0] == found[1] == 0.75


def test_a_function_may_be_given_a_name():
    assert metrics.FunctionMetric(off, name="mine").name == "mine"
    assert metrics.FunctionMetric(off).name == "off"


def test_a_metric_that_fails_says_of_what():
    def odd(y_true, y_pred):
        return y_true.no_such_thing

    with pytest.raises(AttributeError) as caught:
        metrics.get(odd, [], (None, 3), (None, 3)).update(X, X)
    said = "in metric 'odd', of labels of shape (12, 3) and predictions of shape (12, 3), which"
    assert said in "".join(caught.value.__notes__)


def test_yes_and_no_may_be_whole_numbers():
    found = metrics.confusion_matrix([0, 1, 1], [0, 1, 0])
    assert found.tolist() == [[1, 0], [1, 1]]
    with pytest.raises(ValueError, match="predictions that are the indices of classes"):
        metrics.confusion_matrix([0, 1, 1], [0, 1, 2])


def test_labels_may_have_a_last_axis_of_1_more_or_less_than_predictions():
    y, p = np.arange(6.0).reshape(2, 3), np.zeros((2, 3))
    for labels, predictions in ((y, p), (y[..., None], p), (y, p[..., None])):
        metric = metrics.MeanSquaredError()
        metric.update(labels, predictions)
        assert metric.result() == pytest.approx(55 / 6)
    for labels, predictions in ((np.stack([y, y], axis=-1), p), (y, p[:, :2]), (y.T, p)):
        with pytest.raises(ValueError, match=r"labels of shape .* for predictions of shape"):
            metrics.MeanSquaredError().update(labels, predictions)


@pytest.mark.parametrize("kind", dict.fromkeys(METRICS.values()))
def test_a_metric_bears_the_name_it_is_given_or_that_of_its_class(kind):
    assert METRICS[kind().name] is kind and kind(name="mine").name == "mine"


def test_a_loss_by_name_takes_the_logits_of_the_output():
    y, logits = np.eye(4)[classes], scored
    trained = losses.CategoricalCrossentropy(from_logits=True)
    for given in ("categorical_crossentropy", trained):
        metric = metrics.get(given, [trained], (None, 4), (None, 4))
        assert collected(metric, y, logits) == pytest.approx(float(trained(y, logits)), rel=1e-6)


def test_of_margins_a_positive_prediction_is_a_yes():
    x = tg.Input((3,))
    model = tg.Model(x, layers.Dense(1)(x))
    model.compile("sgd", "hinge", metrics=["accuracy", "precision", "f1_score"])
    sides = np.where(X[:, :1] > 0, 1, -1)
    found = [model.evaluate(X, y, return_dict=True) for y in (sides, sides > 0)]
    assert found[0] == found[1]
    right = (model.predict(X) > 0) == (sides > 0)
    assert found[0]["accuracy"] == pytest.approx(right.mean())


# ---------------------------------------------------------------- top k


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_right_class_is_among_the_first(k):
    hits = [kind in np.argsort(-row)[:k] for kind, row in zip(classes, scored, strict=True)]
    dense, sparse = metrics.TopKCategoricalAccuracy(k), metrics.SparseTopKCategoricalAccuracy(k)
    assert collected(dense, np.eye(4)[classes], scored) == pytest.approx(np.mean(hits))
    assert collected(sparse, classes, scored) == pytest.approx(np.mean(hits))


def test_ties_nan_and_no_class_in_the_first_k():
    metric = metrics.SparseTopKCategoricalAccuracy(2)
    metric.update(np.array([0, 1, 2]), np.zeros((3, 3)))  # the first two of three that are equal
    assert metric.result() == pytest.approx(2 / 3)
    metric.reset()
    metric.update(np.array([0, 2]), np.array([[nan, 1, 0], [2, 1, 0]]))
    assert metric.result() == 0
    dense = metrics.TopKCategoricalAccuracy(2)
    dense.update(np.array([[0, 0, 0], [1, 0, 0]]), np.zeros((2, 3)))
    assert dense.result() == 1 / 2
    for odd in (3, -1, 0.5):
        with pytest.raises(ValueError, match=f"label {odd} in row 0 is not one of the 3 classes"):
            metric.update(np.array([odd]), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="of 3 classes, and all of them are among the first 3"):
        metrics.TopKCategoricalAccuracy(3).update(np.eye(3), np.eye(3))


# ---------------------------------------------------------------- F1 and R2


def test_f1_takes_indices_and_steps():
    dense, sparse = metrics.F1Score("macro"), metrics.F1Score("macro")
    found = collected(dense, np.eye(4)[classes], scored)
    assert collected(sparse, classes, scored) == found
    steps = metrics.F1Score("macro")
    steps.update(classes.reshape(3, 4), scored.reshape(3, 4, 4))
    assert steps.result() == found
    padded = metrics.F1Score("macro")
    real = np.arange(4) < np.array([[4], [2], [1]])
    padded.update(np.where(real, classes.reshape(3, 4), 0), scored.reshape(3, 4, 4), real)
    assert padded.result() == collected(
        metrics.F1Score("macro"), classes[real.ravel()], scored[real.ravel()]
    )
    assert np.isnan(metrics.F1Score().result())


def test_an_accuracy_of_steps_counts_each_step():
    y, p = classes.reshape(3, 4), scored.reshape(3, 4, 4)
    right = (p.argmax(axis=-1) == y).mean()
    for labels in (y, y[..., None]):
        assert collected(metrics.SparseCategoricalAccuracy(), labels, p) == pytest.approx(right)
    hot = np.eye(4)[y]
    assert collected(metrics.CategoricalAccuracy(), hot, p) == pytest.approx(right)
    hot[0, :2] = 0  # no class is right there
    left = (p.argmax(axis=-1) == y) & hot.any(axis=-1)
    assert collected(metrics.CategoricalAccuracy(), hot, p) == pytest.approx(left.mean())
    first_two = np.argsort(-p, axis=-1)[..., :2] == y[..., None]
    found = collected(metrics.TopKCategoricalAccuracy(2), hot, p)
    assert found == pytest.approx((first_two.any(axis=-1) & hot.any(axis=-1)).mean())
    for metric in (metrics.SparseCategoricalAccuracy(), metrics.CategoricalAccuracy()):
        for odd in (y[:, 0], y[:, :1]):
            with pytest.raises(ValueError, match="shape"):
                metric.update(odd, p)


def test_weights_of_numbers_that_share_a_score_weigh_this_score():
    y, p = np.zeros((2, 2, 3)), np.arange(12.0).reshape(2, 2, 3)
    of_scores = np.array([[1.0, 2.0], [0.0, 5.0]])
    for weights in (of_scores, np.repeat(of_scores[..., None], 3, axis=-1)):
        metric = metrics.get("mae", [losses.MeanSquaredError()], (None, 2, 3), (None, 2, 3))
        metric.update(y, p, weights)
        right = (of_scores * p.mean(axis=-1)).sum() / of_scores.sum()
        assert metric.result() == pytest.approx(right)


def test_what_is_never_claimed_scores_0():
    y, p = np.eye(3)[[0, 1, 1]], np.eye(3)[[0, 1, 0]]
    metric = metrics.F1Score()
    metric.update(y, p)
    assert metric.result() == pytest.approx([2 / 3, 2 / 3, 0])
    for name in ("precision", "recall"):
        metric = metrics.get(name, [losses.BinaryCrossentropy()], (None, 1), (None, 1))
        assert np.isnan(metric.result())
        metric.update(np.array([[float(name == "precision")]]), np.array([[0.1]]))
        assert metric.result() == 0


def test_shares_of_weighted_samples_by_hand():
    """Weights of 1/2 and 1/4: the second sample is claimed by the class of the first."""
    weight, p = np.array([0.5, 0.25]), np.eye(3)[[0, 0]]
    metric = metrics.F1Score()
    metric.update(np.eye(3)[[0, 1]], p, weight)
    assert metric.result().tolist() == [0.5 / ((0.75 + 0.5) / 2), 0, 0]
    for name, share in (("precision", 0.5 / 0.75), ("recall", 0.5 / 1.0)):
        metric = metrics.get(name, [losses.BinaryCrossentropy()], (None, 1), (None, 1))
        y, p = np.array([[1.0], [0.0], [1.0]]), np.array([[0.9], [0.8], [0.1]])
        metric.update(y, p, np.array([0.5, 0.25, 0.5]))
        assert metric.result() == share


def test_a_label_above_one_half_is_positive():
    """Of 0.6, 0.5 and 0.9, the first and the last; the claims are the first two."""
    y, p = np.array([[0.6], [0.5], [0.9]]), np.array([[0.9], [0.8], [0.1]])
    for metric in (metrics.F1Score(), metrics.Precision(), metrics.Recall()):
        metric.update(y[None], p[None])
        assert metric.result() == 1 / 2
        metric.update(y[None, :0], p[None, :0])
        assert metric.result() == 1 / 2, "an empty batch changes nothing"


def test_a_class_that_counts_nowhere_scores_0():
    metric, weight = metrics.F1Score("macro", 0.5), np.array([[1.0, 0.0], [1.0, 0.0]])
    metric.update(np.eye(2), np.eye(2), weight)
    assert metric.result() == 1 / 2


def test_f1_of_an_empty_batch_is_none():
    metric = metrics.F1Score("macro")
    metric.update(np.zeros((0, 4)), np.zeros((0, 4)))
    assert np.isnan(metric.result())


def test_indices_need_a_number_for_each_class_beside_them():
    with pytest.raises(ValueError, match=r"shape \(1,\) for .* \(3, 1\)"):
        metrics.F1Score().update(np.array([1]), np.array([0.1, 0.9, 0.3]))


def test_f1_knows_whether_classes_exclude_each_other():
    """With a binary cross-entropy each number is judged by itself, and of logits at 0."""
    y = (RANDOM.random((12, 4)) > 0.5).astype(float)
    for loss, limit in [
        (losses.BinaryCrossentropy(), 0.5),
        (losses.BinaryCrossentropy(from_logits=True), 0),
    ]:
        metric = metrics.get(metrics.F1Score("micro"), [loss], (None, 4), (None, 4))
        claims = scored > limit
        expected = 2 * (claims * y).sum() / (claims.sum() + y.sum())
        assert collected(metric, y, scored) == pytest.approx(expected)
    one = metrics.get("f1_score", [losses.BinaryCrossentropy()], (None, 1), (None, 1))
    claims = scored[:, :1] > 0.5
    expected = 2 * (claims * y[:, :1]).sum() / (claims.sum() + y[:, 0].sum())
    assert collected(one, y[:, :1], scored[:, :1]) == pytest.approx(expected)


def test_f1_refuses_labels_that_are_none():
    with pytest.raises(ValueError, match="label 2 in row 1 is not between 0 and 1"):
        metrics.F1Score().update(np.array([[0, 1], [2, 0]]), np.eye(2))
    with pytest.raises(ValueError, match="label 5 in row 1 is not one of the 4 classes"):
        metrics.F1Score().update(np.array([0, 5]), scored[:2])


def test_in_r2_weighted_by_variance_a_constant_has_no_share():
    y, p = X[:, :2].copy(), X[:, 1:3]
    y[:, 1] = 5
    both = metrics.R2Score("variance_weighted_average")
    alone = metrics.R2Score()
    alone.update(y[:, :1], p[:, :1])
    assert collected(both, y, p) == pytest.approx(alone.result())


def test_r2_is_exact_far_from_zero():
    """Where the labels lie must not matter, nor how they are cut into batches."""
    y, p = X[:, :1], X[:, :1] + 0.1 * X[:, 1:2]
    expected = 1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    for shift in (0.0, 1e8):
        for batch in (1, 5, 12):
            found = collected(metrics.R2Score(), y + shift, p + shift, batch=batch)
            assert found == pytest.approx(expected, rel=1e-6)
    constant = metrics.R2Score()
    constant.update(np.ones((4, 1)), X[:4, :1])
    assert constant.result() == 0 and np.isnan(metrics.R2Score().result())
    for kind in ("uniform_average", "variance_weighted_average"):
        still = metrics.R2Score(kind)
        still.update(np.ones((4, 2)), np.ones((4, 2)))
        assert still.result() == 0


@pytest.mark.parametrize("metric", [metrics.R2Score(), metrics.F1Score("macro")])
def test_what_does_not_count_may_be_nan(metric):
    y, p = np.round(np.abs(X) % 1), np.round(np.abs(X[::-1]) % 1)
    weight = np.arange(12) % 2
    expected = collected(metric.fresh(), y[1::2], p[1::2])
    y[::2], p[::2] = nan, nan
    assert collected(metric, y, p, weight) == pytest.approx(expected)


def test_metrics_with_a_number_for_each_class_are_not_for_history():
    x = tg.Input((3,))
    model = tg.Model(x, layers.Dense(2, name="out")(x))
    for metric, argument in [
        (metrics.F1Score(), "average='micro' or 'macro' or 'weighted'"),
        (metrics.R2Score(None), "class_aggregation='uniform_average' or 'variance_w"),
    ]:
        with pytest.raises(ValueError, match=f"History holds one: say {argument}"):
            model.compile("sgd", "mse", metrics=metric)
        metric.update(np.eye(2), np.eye(2))
        assert metric.result().tolist() == [1, 1]
    single = tg.Model(x, layers.Dense(1)(x))
    single.compile("sgd", "mse", metrics=[metrics.F1Score(), metrics.R2Score(None)])
    assert all(isinstance(one, float) for one in single.evaluate(X, X[:, :1] > 0))


# ---------------------------------------------------------------- what is taken for what


def test_a_confusion_matrix_counts_each_pair():
    taken = scored.argmax(axis=-1)
    expected = np.array(
        [[((classes == i) & (taken == j)).sum() for j in range(4)] for i in range(4)]
    )
    for labels in (classes, classes[:, None], np.eye(4)[classes], classes.tolist()):
        found = metrics.confusion_matrix(labels, scored)
        assert found.dtype.kind == "i" and (found == expected).all()
    left = np.where(classes == 2, nan, classes)
    assert (metrics.confusion_matrix(left, scored) == expected * (np.arange(4) != 2)[:, None]).all()
    rows = np.where((classes == 2)[:, None], nan, np.eye(4)[classes])
    assert (metrics.confusion_matrix(rows, scored) == metrics.confusion_matrix(left, scored)).all()
    assert (metrics.confusion_matrix(classes, scored, np.full(12, 0.5)) == expected / 2).all()
    steps = metrics.confusion_matrix(classes.reshape(3, 4), scored.reshape(3, 4, 4))
    assert (steps == expected).all()
    first = np.eye(4)[[0, 0, 0]]  # the weight of the first step of each sequence
    some = metrics.confusion_matrix(classes.reshape(3, 4), scored.reshape(3, 4, 4), first)
    assert (some == metrics.confusion_matrix(classes[::4], scored[::4])).all()


def test_a_confusion_matrix_of_yes_and_no():
    y, p = [0, 1, 1, 1], [[0.4], [0.6], [0.1], [0.9]]
    for labels, scores in ((y, p), (np.array(y)[:, None], p), (y, np.ravel(p))):
        assert metrics.confusion_matrix(labels, scores).tolist() == [[1, 0], [1, 2]]
    assert metrics.confusion_matrix(y, p, threshold=0.05).tolist() == [[0, 1], [0, 3]]


@pytest.mark.parametrize(
    ("y", "p", "weight", "words"),
    [
        ([0, 2], [[0.1], [0.2]], None, "label 2.0 in row 1 is not one of the 2 classes 0 to 1"),
        ([0, 1], [[0.1, 0.9]], None, r"labels of shape \(2,\) for predictions of shape \(1,\)"),
        ([[0.5, 0.5]], [[0.1, 0.9]], None, r"the labels in row 0, \[0.5, 0.5\], are not of one"),
        ([0], [[0.1, nan]], None, "the prediction in row 0 is NaN, which is no class"),
        ([0], [[0.1, 0.9]], [1, 2], r"sample_weight has shape \(2,\), expected \(1,\)"),
    ],
)
def test_what_a_confusion_matrix_refuses(y, p, weight, words):
    with pytest.raises(ValueError, match=words):
        metrics.confusion_matrix(y, p, weight)
    with pytest.raises(TypeError, match="confusion_matrix: threshold must be a number"):
        metrics.confusion_matrix([0], [[0.5]], threshold="high")


@pytest.mark.parametrize("name", ["mse", "r2_score", "AUC", "precision", "rmse"])
def test_a_label_that_is_nan_is_refused_by_hand_and_left_out_by_its_weight(name):
    y, p = np.array([0.0, nan, 1.0, 0.0]), np.array([0.1, 0.9, 0.8, 0.6])
    metric = metrics.METRICS[name]()
    with pytest.raises(ValueError, match="the label in row 1 is NaN"):
        metric.update(y, p)
    metric.update(y, p, [1, 0, 1, 1])
    alone = type(metric)()
    alone.update(y[[0, 2, 3]], p[[0, 2, 3]])
    assert metric.result() == alone.result()


def test_indices_of_classes_are_no_predictions():
    with pytest.raises(ValueError, match="give what predict gives"):
        metrics.confusion_matrix([0, 1, 1], [0, 2, 1])
    taken = np.eye(3)[[0, 2, 1]]
    assert metrics.confusion_matrix([0, 1, 1], taken).tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_a_module_is_no_metric():
    x = tg.Input((2,))
    model = tg.Model(x, layers.Dense(1)(x))
    with pytest.raises(TypeError, match=r"a metric is a name, .* not tinygrad_mo\.metrics\.acc"):
        model.compile("sgd", "mse", metrics=[metrics.accuracy])
