"""What is to be learned is made whole or not at all, and one step or one fit does just that."""

import copy
import pickle

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


# ---------------------------------------------------------------- a refused compile


@pytest.mark.parametrize(
    "arguments",
    [
        ("adam", "no_such_loss"),
        ("no_such_optimizer", "mse"),
        ("adam", "mse", {"c": 1.0}),
        ("adam", "mse", float("nan")),
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


def test_labels_in_a_column_are_labels():
    x = tg.Input((3,))
    model = tg.Model(x, L.Dense(4, activation="softmax")(x))
    model.compile("sgd", "sparse_categorical_crossentropy")
    labels = np.array([0, 3])
    column = model.evaluate(np.ones((2, 3)), labels[:, None])
    assert column == model.evaluate(np.ones((2, 3)), labels)


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

    freezer = tg.callbacks.LambdaCallback(on_train_batch_end=freeze)
    for _ in range(2):
        tg.set_random_seed(0)
        model = two_heads()
        backup = tg.callbacks.BackupAndRestore(tmp_path / "backup", every=1)
        calls = [freezer, backup]
        if not (tmp_path / "backup").exists():

            def stop(step, logs):
                if step == 2:
                    raise KeyboardInterrupt

            calls.append(tg.callbacks.LambdaCallback(on_train_batch_end=stop))
            with pytest.raises(KeyboardInterrupt):
                model.fit(X, [Y, Y], batch_size=1, verbose=0, callbacks=calls)
        else:
            calls.append(tg.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: None))
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
    found = model.evaluate(X, [Y, np.full((4, 1), np.nan)], return_dict=True)
    nothing = [name for name, value in found.items() if np.isnan(value)]
    assert nothing == ["b_loss", "b_mae", "b_mse"] and found["loss"] == found["a_loss"]


# ---------------------------------------------------------------- copies


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


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_deep_model_is_copied_without_recursion(copied):
    x = h = tg.Input((2,))
    for _ in range(500):
        h = L.Dense(2)(h)
    model = tg.Model(x, h)
    model.compile("sgd", "mse")
    np.testing.assert_array_equal(copied(model).predict(X[:, :2]), model.predict(X[:, :2]))
