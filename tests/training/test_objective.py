"""What is to be learned is made whole or not at all, and one step or one fit does just that."""

import copy
import pickle
from contextlib import nullcontext

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers as L
from tinygrad_mo import ops
from tinygrad_mo.files.archive import CheckpointError
from zoo import headline, numbers

X, Y = numbers(4) * 1.0, np.ones((4, 1))


def two_heads(optimizer="sgd", **options):
    x = tg.Input((4,))
    h = L.Dense(5, activation="tanh", name="trunk")(x)
    model = tg.Model(x, [L.Dense(1, name="a")(h), L.Dense(1, name="b")(h)])
    model.compile(optimizer, "mse", **options)
    return model


def test_whether_numbers_come_by_name_is_true_or_false():
    model = two_heads()
    before = model.get_weights()
    for method in (model.evaluate, model.train_on_batch):
        with pytest.raises(TypeError, match="return_dict must be True or False, not 'no'"):
            method(X, [Y, Y], return_dict="no")
    assert all(map(np.array_equal, model.get_weights(), before)) and model.step == 0


# ---------------------------------------------------------------- a refused compile


@pytest.mark.one_in(4, rest="medium")
@pytest.mark.parametrize(
    "arguments",
    [
        ("adam", "no_such_loss"),
        ("no_such_optimizer", "mse"),
        ("adam", "mse", {"c": 1.0}),
        ("adam", "mse", float("nan")),
        ("adam", {"a": "mse"}, {"a": 1.0, "b": "0.5"}),  # of an output without a loss
        ("adam", {"a": "mse"}, [1.0, float("nan")]),
        ("adam", {"a": ["mse", "mae"]}, {"a": "x", "a_mean_squared_error": 1.0}),
        ("adam", "mse", None, ["no_such_metric"]),
        ("adam", "mse", None, {"c": "mae"}),
        ("adam", ["mse"]),
    ],
)
def test_a_refused_compile_leaves_the_model_as_it_was(arguments):
    model = two_heads(loss_weights=[1.0, 0.5], metrics="mae")
    model.train_on_batch(X, [Y, Y])
    before = dict(vars(model))
    with pytest.raises(ValueError):
        model.compile(*arguments)
    assert all(vars(model)[name] is value for name, value in before.items())
    assert model.step == 1 and model.loss_weights == {"a": 1.0, "b": 0.5}


def test_before_compile_there_is_nothing_to_ask():
    x = tg.Input((4,))
    model = tg.Model(x, L.Dense(1)(x))
    for ask in (model.pairing, model.explain, lambda: model.loss_weights, lambda: model.fit(X, Y)):
        with pytest.raises(RuntimeError, match=r"call compile\(optimizer, loss\) before training"):
            ask()
    assert not model.is_compiled


# ---------------------------------------------------------------- numbers that are not finite


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # as NumPy says without kernels
@pytest.mark.filterwarnings("ignore:invalid:RuntimeWarning")
def test_a_loss_of_weight_0_may_be_infinite():
    """0 times infinity is not asked for: the step is that of the others, and of zeros."""

    def model(weight):
        tg.set_random_seed(0)
        x = tg.Input((1,))
        heads = [L.Dense(1, name=n, kernel_initializer="ones")(x) for n in ("a", "b")]
        made = tg.Model(x, {"a": heads[0], "b": ops.exp(heads[1])})
        made.compile(tg.optimizers.SGD(0.1, momentum=0.9), "mse", {"a": 1.0, "b": weight})
        return made

    large, usual = np.array([[200.0], [1.0]]), np.array([[2.0], [1.0]])
    first, second = model(0.0), model(0.0)
    for x in (usual, large, usual):
        first.train_on_batch(x, {"a": x, "b": x})
        second.train_on_batch(x, {"a": x, "b": np.ones((2, 1)) * np.nan})
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    with pytest.raises(FloatingPointError, match="loss 'b'"):
        model(1.0).train_on_batch(large, {"a": large, "b": large})


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # as NumPy says without kernels
@pytest.mark.filterwarnings("ignore:invalid:RuntimeWarning")
@pytest.mark.parametrize("y", [1e25, -1e25])
def test_an_infinite_loss_is_not_trained_on(y):
    model = two_heads()
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match="the loss 'a' is inf, so no step was made"):
        model.train_on_batch(X, [Y * y, Y])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.step == 0


def test_numbers_that_a_type_cannot_hold_are_refused():
    model = two_heads()
    with pytest.raises(ValueError, match="input 'input': 1e\\+300 is more than float32 can hold"):
        model.predict(X * 0 + 1e300)
    with pytest.raises(ValueError, match="labels of output 'b': 1e\\+200 is more than float32"):
        model.train_on_batch(X, [Y, Y * 1e200])
    with pytest.raises(TypeError, match="labels of output 'a': a masked array"):
        model.train_on_batch(X, [np.ma.masked_invalid(Y), Y])


def test_a_frozen_model_says_so_in_a_single_step_too():
    model = two_heads()
    for layer in model.layers:
        layer.trainable = False
    with pytest.warns(UserWarning, match="every weight is frozen"):
        model.train_on_batch(X, [Y, Y])


# ---------------------------------------------------------------- labels and weights of steps


def sequences(loss, units=3, activation="softmax", **options):
    x = tg.Input((4, 2))
    model = tg.Model(x, L.Dense(units, activation=activation, name="y")(x))
    model.compile("sgd", loss, **options)
    return model, np.random.default_rng(0).normal(size=(3, 4, 2))


def test_labels_may_be_missing_in_single_steps():
    model, x = sequences("sparse_categorical_crossentropy", metrics=["accuracy"])
    y = np.array([[0, 1, np.nan, np.nan], [2, np.nan, 1, 0], [np.nan] * 4])
    p, known = model.predict(x), ~np.isnan(y)
    right = np.take_along_axis(p, np.where(known, y, 0).astype(int)[..., None], -1)[..., 0]
    wanted = [-np.log(right)[known].mean(), (p.argmax(-1) == y)[known].mean()]
    for size in (1, 2, 3):
        np.testing.assert_allclose(model.evaluate(x, y, batch_size=size), wanted, rtol=1e-5)
    marked = tg.losses.SparseCategoricalCrossentropy(missing=-1)
    other, _ = sequences(marked)
    other.set_weights(model.get_weights())
    assert other.evaluate(x, np.where(known, y, -1)) == pytest.approx(wanted[0], rel=1e-5)


def test_a_step_has_a_label_for_all_of_its_output_or_for_none():
    model, x = sequences("mse", 2, None)
    y = np.zeros((3, 4, 2))
    y[1, 2] = np.nan
    model.evaluate(x, y)
    y[2, 3, 0] = np.nan
    with pytest.raises(ValueError, match="row 2, step 3 has labels for a part of the output only"):
        model.evaluate(x, y)


def test_weights_may_be_given_for_single_steps():
    model, x = sequences("mse", 1, None)
    w, y = np.arange(12.0).reshape(3, 4), np.ones((3, 4, 1))
    errors = np.square(model.predict(x) - y)[..., 0]
    assert model.evaluate(x, y, sample_weight=w) == pytest.approx(np.mean(w * errors), rel=1e-5)
    by_sample = model.evaluate(x, y, sample_weight=w[:, 0])
    assert by_sample == pytest.approx(np.mean(w[:, :1] * errors), rel=1e-5)
    with pytest.raises(ValueError, match=r"expected \(3,\), .* or \(3, 4\), one for"):
        model.evaluate(x, y, sample_weight=w.T)


def test_classes_of_steps_have_weights():
    model, x = sequences("sparse_categorical_crossentropy")
    y = np.arange(12).reshape(3, 4) % 3
    by_class = model.evaluate(x, y, class_weight={0: 2.0, 2: 0.5})
    by_step = model.evaluate(x, y, sample_weight=np.choose(y, [2.0, 1.0, 0.5]))
    assert by_class == pytest.approx(by_step)
    with pytest.raises(ValueError, match="3"):
        model.evaluate(x, y, class_weight={3: 1.0})  # there are four steps, but three classes


def test_labels_in_a_column_are_labels():
    x = tg.Input((3,))
    model = tg.Model(x, L.Dense(4, activation="softmax")(x))
    model.compile("sgd", "sparse_categorical_crossentropy")
    labels = np.array([0, 3])
    column = model.evaluate(np.ones((2, 3)), labels[:, None])
    assert column == model.evaluate(np.ones((2, 3)), labels)


@pytest.mark.parametrize(
    ("made", "loss", "labels", "expected"),
    [
        (lambda i: i, "mse", [[2.0, 3.0], [7.0, 8.0]], [1.0, 16.0]),
        (lambda i: ops.greater(i, 2), "binary_crossentropy", [[1, 0], [1, 1]], [8.059, 0.0]),
    ],
)
def test_outputs_of_whole_numbers_have_weights_and_labels_of_floats(made, loss, labels, expected):
    i = tg.Input((2,), dtype="int32")
    model = tg.Model(i, ops.identity(made(i)))
    model.compile("sgd", loss)
    x, y, each = np.array([[1, 2], [3, 4]]), np.array(labels, float), np.array(expected)
    weight = np.array([0.5, 0.25])
    found = model.evaluate(x, y, sample_weight=weight)
    assert found == pytest.approx((weight * each).mean(), rel=1e-3)
    y[1] = np.nan
    assert model.evaluate(x, y) == pytest.approx(each[0], rel=1e-3)


def test_classes_are_balanced_over_real_steps():
    ids, x = np.array([[1, 2, 0, 0], [3, 0, 0, 0]]), tg.Input((4,), dtype="int32")
    model = tg.Model(x, L.Dense(1, "sigmoid")(L.Embedding(5, 3, mask_zero=True)(x)))
    model.compile("sgd", "binary_crossentropy")
    y = np.array([[1, 1, 0.5, 0], [0, 1, 1, 1]])  # of real steps: 1, 1, 0
    weights = np.where(ids > 0, np.where(y == 1, 3 / 4, 3 / 2), 0)
    for given in ("balanced", {0: 3 / 2, 1: 3 / 4}):
        balanced = model.evaluate(ids, y, class_weight=given)
        assert balanced == pytest.approx(model.evaluate(ids, y, sample_weight=weights))
    with pytest.raises(ValueError, match="is 'balanced' or a dict by class, not 'auto'"):
        model.evaluate(ids, y, class_weight="auto")


# ---------------------------------------------------------------- refused before a step


def a_model(units=3, activation=None, loss="mse", **options):
    x = tg.Input((4,), name="x")
    model = tg.Model(x, L.Dense(units, activation, name="y")(x))
    model.compile("sgd", loss, **options)
    return model


class MeanOfAll(tg.metrics.MeanMetric):
    def scores(self, y_true, y_pred):
        return np.abs(y_true - y_pred).mean()


class MeanOfEach(tg.metrics.MeanMetric):
    def scores(self, y_true, y_pred):
        return np.abs(y_true - y_pred).mean(axis=0)


class Particular(tg.metrics.MeanMetric):
    def scores(self, y_true, y_pred):
        raise ValueError("labels of one class only")


SPARSE = "sparse_categorical_crossentropy"


@pytest.mark.parametrize(
    ("units", "loss", "metric"),
    [
        (3, SPARSE, "mse"),
        (3, SPARSE, "AUC"),
        (3, SPARSE, "precision"),
        (3, "mse", "sparse_categorical_accuracy"),
        (1, "mse", "categorical_accuracy"),
        (3, "mse", MeanOfAll),
        (2, "mse", MeanOfEach),
        (3, "mse", MeanOfEach),
    ],
)
def test_a_metric_that_cannot_judge_is_refused_by_compile(units, loss, metric):
    with pytest.raises(ValueError, match=r"metrics of output 'y', tried on \d samples: "):
        a_model(units, "softmax", loss, metrics=[metric])
    a_model(loss="mse", metrics=[Particular()])  # it may mind the numbers, which are made up


@pytest.mark.parametrize(
    ("loss", "last", "words"),
    [
        (SPARSE, 3, "label 3 in row 3 is not one of the 3 classes"),
        ("binary_crossentropy", [0, 2, 0], "label 2 in row 3 is not between 0 and 1"),
        ("categorical_crossentropy", [0, 255, 0], "label 255 in row 3 is not between 0 and 1"),
        (["mse", "categorical_crossentropy"], [0, 255, 0], "label 255 in row 3 is not between"),
    ],
)
def test_labels_that_are_none_are_refused_before_the_first_step(loss, last, words):
    model = a_model(3, "sigmoid" if loss == "binary_crossentropy" else "softmax", loss)
    y = np.array([0, 0, 0, last] if loss == SPARSE else [[0, 1, 0], [0.3, 0.4, 0.3], [0] * 3, last])
    x, before = np.ones((4, 4)), model.get_weights()
    model.evaluate(x[:3], y[:3])
    with pytest.raises(ValueError, match=f"labels of output 'y' for .*: {words}"):
        model.fit(x, y, batch_size=1, shuffle=False, verbose=0)
    assert model.step == 0
    assert all(map(np.array_equal, model.get_weights(), before))


@pytest.mark.parametrize(
    "loss",
    [
        lambda y, p: ops.square(y - p).mean(axis=0),
        lambda y, p: ops.square(y - p).mean(),
        lambda y, p: ops.concatenate(y, p),
        lambda y, p: ops.square(y - p).mean(axis=-1, keepdims=True),
    ],
)
def test_a_loss_has_one_number_for_each_sample(loss):
    with pytest.raises(ValueError, match=r"must return one number per sample, not a .* 'y' \(None"):
        a_model(loss=loss)
    with pytest.raises(ValueError, match="must return one number per sample, not a tensor"):
        tg.losses.get(loss)(np.ones((4, 3)), np.ones((4, 3)))


def test_a_loss_that_loses_samples_is_refused():
    model = a_model(loss=lambda y, p: ops.square(y - p).reshape(-1))
    with pytest.raises(ValueError, match="there must be one loss for each sample"):
        model.evaluate(X, np.ones((len(X), 3)))


@pytest.mark.parametrize("how", ["evaluate", "predict", "fit"])
def test_an_error_says_which_samples_it_is_about(how):
    i = tg.Input((2,), dtype="int32")
    model = tg.Model(i, L.Flatten()(L.Embedding(5, 2)(i)))
    model.compile("sgd", "mse")
    x, y = np.zeros((8, 2), int), np.zeros((8, 4))
    x[6, 1] = 9
    with pytest.raises(IndexError, match=r"id 9 at position \(2, 1\)") as refused:
        if how == "fit":
            model.fit(x * 0, y, verbose=0, validation_data=(x, y), batch_size=4)
        else:
            model.evaluate(x, y, batch_size=4) if how == "evaluate" else model.predict(x, 4)
    which = "from 4 on" if how == "predict" else "4, 5, 6, 7"
    said = [f"the rows of this batch are the samples {which}"]
    said += ["in the validation data"] * (how == "fit")
    assert refused.value.__notes__[-len(said) :] == said


# ---------------------------------------------------------------- where batches come from


class Batches:
    """As Keras's Sequence: a length, and batches by number."""

    def __init__(self, count=4):
        self.count, self.seen = count, []

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        self.seen.append(i)
        return X[i : i + 1], [Y[:1], Y[:1]]


def test_an_object_with_a_length_and_items_yields_batches():
    batches = Batches()
    two_heads().fit(batches, epochs=2, verbose=0)
    assert batches.seen == [0, 1, 2, 3] * 2
    batches = Batches()
    two_heads().fit(batches, epochs=3, steps_per_epoch=3, verbose=0)
    assert batches.seen == [0, 1, 2, 3, 0, 1, 2, 3, 0]


def test_an_endless_generator_validates_for_some_steps():
    def endless():
        while True:
            yield X, [Y, Y]

    model, sources = two_heads(), (endless(), endless())
    history = model.fit(
        sources[0], steps_per_epoch=2, validation_data=sources[1], validation_steps=2, epochs=2,
        verbose=0,
    ).history  # fmt: skip
    assert len(history["val_loss"]) == 2 and np.isfinite(history["val_loss"]).all()
    assert model.evaluate(endless(), steps=3)[0] == pytest.approx(model.evaluate(X, [Y, Y])[0])
    with pytest.raises(ValueError, match="steps must be a whole number, 1 or more, not 0"):
        model.evaluate(endless(), steps=0)
    with pytest.raises(ValueError, match="validation_steps is for an iterable"):
        model.fit(X, [Y, Y], validation_data=(X, [Y, Y]), validation_steps=2, verbose=0)


@pytest.mark.one_in(6, rest="medium")
@pytest.mark.parametrize("share", [0.07, 0.14, 0.28, 0.29, 0.55, 0.56, 0.57, 0.58, 0.94])
def test_a_share_of_samples_is_counted_exactly(share):
    seen, model = [], two_heads()
    count = tg.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(step))
    x, y = np.ones((100, 4)), np.ones((100, 1))
    model.fit(x, [y, y], batch_size=1, validation_split=share, verbose=0, callbacks=[count])
    assert 100 - len(seen) == round(100 * share)


# ---------------------------------------------------------------- going on


def stopped(model, path, **options):
    """A fit that is interrupted after its third step."""

    def stop(step, logs):
        if step == 3:
            raise KeyboardInterrupt

    backup = tg.callbacks.BackupAndRestore(path, every=1)
    stopper = tg.callbacks.LambdaCallback(on_train_batch_end=stop)
    fit = {"batch_size": 1, "verbose": 0, "epochs": 2} | options
    with pytest.raises(KeyboardInterrupt):
        model.fit(fit.pop("x", X), fit.pop("y", [Y, Y]), callbacks=[backup, stopper], **fit)


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize(
    ("compiled", "fitted", "words"),
    [
        ({"optimizer": "rmsprop"}, {}, "optimizer"),
        ({"loss_weights": [1.0, 0.3]}, {}, "loss_weights"),
        ({"metrics": "mae"}, {}, "metrics"),
        ({}, {"x": X + 1.0}, "data"),
        ({}, {"batch_size": 2}, "batch_size 1, now 2"),
        ({}, {"shuffle": False}, "shuffle True, now False"),
    ],
)
def test_a_backup_of_another_training_is_refused(compiled, fitted, words, tmp_path):
    stopped(two_heads(), tmp_path / "backup")
    model = two_heads(**compiled)
    before = model.get_weights()
    with pytest.raises(CheckpointError, match=f"is the backup of another training: {words}"):
        stopped(model, tmp_path / "backup", **fitted)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_layer_that_a_callback_has_frozen_does_not_keep_a_training_from_going_on(tmp_path):
    def freeze(step, logs):
        if step == 1:
            model.get_layer("trunk").trainable = False

    stops = [2]

    def stop(step, logs):
        if step in stops:
            stops.clear()
            raise KeyboardInterrupt

    freezer = tg.callbacks.LambdaCallback(on_train_batch_end=freeze)
    stopper = tg.callbacks.LambdaCallback(on_train_batch_end=stop)
    backup = tg.callbacks.BackupAndRestore(tmp_path / "backup", every=1)
    for stopped in (True, False):
        tg.set_random_seed(0)
        model = two_heads()
        with pytest.raises(KeyboardInterrupt) if stopped else nullcontext():
            calls = [freezer, backup, stopper]
            model.fit(X, [Y, Y], batch_size=1, verbose=0, callbacks=calls)
    assert not model.get_layer("trunk").trainable and model.step == 4


# ---------------------------------------------------------------- scores


def test_an_evaluation_within_an_epoch_leaves_its_numbers_alone():
    def accuracy(inside):
        tg.set_random_seed(3)
        x = tg.Input((4,))
        model = tg.Model(x, L.Dense(1, activation="sigmoid")(x))
        model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])

        def look(step, logs):
            if inside:
                model.evaluate(X[:2], Y[:2])

        looks = tg.callbacks.LambdaCallback(on_train_batch_end=look)
        labels = (X[:, :1] > 0).astype(float)
        return model.fit(X, labels, batch_size=1, verbose=0, callbacks=[looks]).history

    assert accuracy(True) == accuracy(False)


def test_what_never_counted_has_no_score():
    model = two_heads(metrics=[["mae", "mse"]] * 2)
    with pytest.warns(UserWarning, match="no label of output 'b' counts"):
        found = model.evaluate(X, [Y, np.full((4, 1), np.nan)], return_dict=True)
    nothing = [name for name, value in found.items() if np.isnan(value)]
    assert nothing == ["b_loss", "b_mae", "b_mse"] and found["loss"] == found["a_loss"]


# ---------------------------------------------------------------- copies


@pytest.mark.medium
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_of_a_compiled_model_goes_on_by_itself(copied):
    model, x, y = headline(optimizer="adam")
    model.fit(x, y, verbose=0)
    twin = copied(model)
    for one in (model, twin):
        one.fit(x, y, epochs=2, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert twin.explain() == model.explain() and twin.optimizer is not model.optimizer


@pytest.mark.medium
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_deep_model_is_copied_without_recursion(copied):
    x = h = tg.Input((2,))
    for _ in range(500):
        h = L.Dense(2)(h)
    model = tg.Model(x, h)
    model.compile("sgd", "mse")
    np.testing.assert_array_equal(copied(model).predict(X[:, :2]), model.predict(X[:, :2]))


@pytest.mark.filterwarnings("ignore:no output depends on input 't'")
def test_an_added_loss_of_labels_is_the_mean_of_those_there_are():
    """Whatever the batches, as for the loss of an output."""
    x, t = tg.Input((1,), name="x"), tg.Input((1,), name="t")
    y = L.Dense(1, kernel_initializer="ones", name="y")(x)
    model = tg.Model([x, t], y)
    model.add_loss(tg.losses.MeanSquaredError(missing=-1)(t, y), "added")
    model.compile("sgd", None)
    data = [np.array([[2.0], [3.0], [4.0], [5.0]]), np.array([[1.0], [-1.0], [-1.0], [-1.0]])]
    assert [model.evaluate(data, batch_size=size) for size in (4, 2, 1)] == [1, 1, 1]
    assert np.isnan(model.evaluate([data[0], -np.ones((4, 1))]))
    assert model.gradient_flow([data[0], -np.ones((4, 1))]).values == {"added": None}


class Worst(tg.metrics.MeanMetric):
    higher_is_better = False

    def scores(self, y_true, y_pred):
        return np.abs(y_true - y_pred).max(axis=(1, 2))


def test_one_score_for_a_sequence_leaves_out_no_steps():
    x = tg.Input((3, 1), name="x")
    model = tg.Model(x, x * 1.0)
    model.compile("sgd", "mse", metrics=Worst())
    whole, partly = np.full((1, 3, 1), 5.0), np.array([[[5.0], [np.nan], [np.nan]]])
    assert model.evaluate(whole, whole) == [0, 0]
    with pytest.raises(ValueError, match="worst: one score for a whole sequence cannot leave out"):
        model.evaluate(whole, partly)


def test_weights_that_a_type_cannot_hold_are_refused():
    model = two_heads()
    for options, what in (
        ({"sample_weight": np.full(len(X), 1e39)}, "sample_weight of 'a'"),
        ({"class_weight": {"a": {0: 1e39, 1: 1.0}}}, "class_weight of 'a'"),
    ):
        with pytest.raises(ValueError, match=rf"{what}: 1e\+39 is more than float32 can hold"):
            model.train_on_batch(X, [np.zeros_like(Y), Y], **options)


def test_an_input_of_truths_takes_nothing_else():
    x = tg.Input((1,), dtype="bool", name="x")
    model = tg.Model(x, L.Dense(1, use_bias=False, kernel_initializer="ones")(x))
    assert model.predict([[1], [0]]).tolist() == [[1], [0]]
    for wrong in (0.5, -3.7, 2):
        with pytest.raises(TypeError, match=r"input 'x': True or False .1 or 0. is needed"):
            model.predict([[wrong]])


def test_two_series_of_one_name_are_refused():
    def loss(y_true, y_pred):
        return abs(y_true - y_pred).mean(axis=-1)

    x = tg.Input((3,), name="x")
    model = tg.Model(x, [L.Dense(1, name=name)(x) for name in "ab"])
    with pytest.raises(ValueError, match="would hold two series called 'a_loss': rename an output"):
        model.compile("sgd", "mse", metrics=[loss])
