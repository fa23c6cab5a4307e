"""The running average of the weights: judged and kept in place of them, and never in their way."""

import json
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks, layers
from tinygrad_mo.callbacks import AverageWeights

X = np.random.default_rng(0).normal(size=(20, 4))
Y = {"a": X[:, :1], "b": X[:, 1:2] ** 2}
BOOK = Path(__file__).parents[1] / "references" / "optimizers.npz"


def network(optimizer="adam"):
    """Two outputs, with what is averaged and what is not."""
    tg.set_random_seed(1)
    x = tg.Input((4,), name="x")
    h = layers.BatchNormalization()(layers.Dropout(0.2)(layers.Dense(6, "tanh")(x)))
    model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in "ab"])
    model.compile(optimizer, "mse", loss_weights={"a": 1.0, "b": 0.5})
    return model


def fit(model, *listeners, epochs=4, **options):
    options = {"validation_data": (X, Y), "verbose": 0, "batch_size": 4, **options}
    return model.fit(X, Y, epochs=epochs, callbacks=list(listeners), **options)


def bits(arrays):
    return [np.asarray(x).tobytes() for x in arrays]


@pytest.mark.usefixtures("float64")
def test_it_is_the_average_of_keras():
    """Recorded by tests/recipes/references/record_optimizers.py."""
    with np.load(BOOK) as file:
        data, config = dict(file), json.loads(str(file["configs"]))["sgd_average"]
    x = tg.Input((3,))
    model = tg.Model(x, layers.Dense(4)(x))
    model.compile(tg.optimizers.SGD(config["learning_rate"]), "mse")
    w, b = model.weights
    w.assign(data["common/w"]), b.assign(data["common/b"])
    average = AverageWeights(config["ema_momentum"])
    average.model = model
    for step in range(6):
        model.optimizer.apply({w: data["common/grad_w"][step], b: data["common/grad_b"][step]})
        average.on_train_batch_end(step, {})
        np.testing.assert_allclose(w.numpy(), data["sgd_average/w"][step], rtol=1e-12)
        for found, name in zip(average.averages, ("average_w", "average_b"), strict=True):
            np.testing.assert_allclose(found, data[f"sgd_average/{name}"][step], rtol=1e-12)


def test_training_goes_on_as_without_it():
    plain, model, average = network(), network(), AverageWeights(0.8)
    alone, history = fit(plain).history, fit(model, average).history
    assert alone["loss"] == history["loss"] and alone["val_loss"] != history["val_loss"]
    trained = [w.value for w in plain.weights if w.trainable]
    assert bits(average.put_aside) == bits(trained)
    for w, other in zip(model.weights, plain.weights, strict=True):
        assert (bits([w.value]) == bits([other.value])) == (not w.trainable), w
    for one, other in zip(
        plain.optimizer.memory().values(), model.optimizer.memory().values(), strict=True
    ):
        assert bits(one.values()) == bits(other.values())


@pytest.mark.medium
def test_what_is_judged_and_kept_is_the_average(tmp_path):
    class Look(callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            found = self.model.evaluate(X, Y, verbose=0, return_dict=True)
            assert found["loss"] == pytest.approx(logs["val_loss"])

    model, average = network(), AverageWeights(0.8)
    checkpoint = callbacks.ModelCheckpoint(tmp_path / "{epoch}.tg")
    history = fit(model, Look(), checkpoint, average).history
    assert bits(w.value for w in model.weights if w.trainable) == bits(average.averages)
    for epoch, loss in enumerate(history["val_loss"]):
        kept = tg.load(tmp_path / f"{epoch + 1}.tg")
        assert kept.evaluate(X, Y, verbose=0, return_dict=True)["loss"] == pytest.approx(loss)
    assert bits(kept.get_weights()) == bits(model.get_weights())


@pytest.mark.medium
def test_the_best_average_comes_back():
    model, average = network("rmsprop"), AverageWeights(0.5)
    stop = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    history = fit(model, average, stop, epochs=30).history
    assert min(history["val_loss"]) == pytest.approx(
        model.evaluate(X, Y, verbose=0, return_dict=True)["loss"]
    )


class PowerCut(callbacks.Callback):
    after = 0  # no argument: those must be the same again

    def on_train_batch_end(self, step, logs):
        if step + 1 == self.after:
            raise RuntimeError("power cut")


@pytest.mark.medium
@pytest.mark.parametrize(("after", "every"), [(7, "epoch"), (11, "epoch"), (8, 3)])
def test_a_training_that_was_cut_off_goes_on_with_the_same_bits(tmp_path, after, every):
    def run(model, after):
        average = AverageWeights(0.8)
        backup = callbacks.BackupAndRestore(tmp_path / "backup.tg", every)
        cut = PowerCut()
        cut.after = after
        history = fit(model, average, backup, cut).history
        return history, bits(model.get_weights()), bits(average.averages), bits(average.put_aside)

    whole = run(network(), 0)
    with pytest.raises(RuntimeError, match="power cut"):
        run(network(), after)
    assert run(network(), 0) == whole


@pytest.mark.medium
def test_an_interrupted_fit_leaves_the_weights_of_the_last_step():
    class Broken(callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            raise RuntimeError("broken")

    plain, model = network(), network()
    fit(plain, epochs=1)
    with pytest.raises(RuntimeError, match="broken"):
        fit(model, AverageWeights(), Broken(), epochs=1)
    assert bits(plain.get_weights()) == bits(model.get_weights())


@pytest.mark.medium
def test_the_next_fit_starts_anew():
    model, twin, average = network(), network(), AverageWeights(0.8)
    fit(model, average, epochs=1)
    fit(twin, AverageWeights(0.8), epochs=1)
    fit(model, average, epochs=2)
    fit(twin, AverageWeights(0.8), epochs=2)
    assert bits(model.get_weights()) == bits(twin.get_weights())


def test_what_cannot_be_is_refused():
    for momentum in (1.0, -0.1, np.nan, "0.9", None, True):
        with pytest.raises((TypeError, ValueError), match="AverageWeights: momentum"):
            AverageWeights(momentum)
    with pytest.raises(ValueError, match="AverageWeights is in the list of callbacks twice"):
        fit(network(), AverageWeights(), AverageWeights())
    with pytest.raises(TypeError, match=r"Adam has no option 'use_ema': .*AverageWeights\("):
        tg.optimizers.Adam(use_ema=True)


def test_what_stands_still_does_not_drift():
    x = tg.Input((4,))
    frozen, slow = layers.Dense(6, trainable=False), layers.Dense(1)
    model = tg.Model(x, slow(frozen(x)))
    model.compile(tg.optimizers.SGD(1e-30), "mse")
    before = bits(model.get_weights())
    model.fit(X, Y["a"], batch_size=2, epochs=9, verbose=0, callbacks=AverageWeights(0.999))
    assert bits(model.get_weights())[:3] == before[:3]  # a bias of 0 moves by 1e-30
    average = AverageWeights()
    model.fit(X, Y["a"], verbose=0, callbacks=average)
    assert len(average.averages) == len(slow.weights)
