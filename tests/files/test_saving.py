"""A whole model in a file: the same predictions, names and training after reading it."""

import json
import zipfile

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, optimizers, schedules
from tinygrad_mo.files.archive import CheckpointError
from zoo import ZOO, headline, numbers


def saved(model, tmp_path, custom=None):
    model.save(tmp_path / "model.tg")
    return tg.load(tmp_path / "model.tg", custom)


def same_bits(a, b):
    a, b = (
        x.values() if isinstance(x, dict) else x if isinstance(x, list) else [x] for x in (a, b)
    )
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ZOO)
def test_a_model_comes_back_and_goes_on_training_bit_by_bit(name, tmp_path):
    tg.set_random_seed(0)
    model, x, y = ZOO[name]()
    model.fit(x, y, epochs=2, batch_size=2, verbose=0)
    copy = saved(model, tmp_path)
    assert same_bits(model.predict(x), copy.predict(x))
    assert [node.name for node in model.nodes.all] == [node.name for node in copy.nodes.all]
    assert list(model.named_weights()) == list(copy.named_weights())
    assert model.pairing() == copy.pairing()
    options = {"epochs": 2, "batch_size": 2, "verbose": 0}
    assert model.fit(x, y, **options).history == copy.fit(x, y, **options).history
    assert same_bits(model.get_weights(), copy.get_weights())


def one_dense(**options):
    x = tg.Input((3,), name="x")
    return tg.Model(x, layers.Dense(1, name="y", **options)(x))


def test_the_optimizer_its_schedule_and_its_slots_come_back(tmp_path):
    model = one_dense()
    model.compile(
        optimizers.Adam(schedules.CosineDecay(0.1, 50), clipnorm=1.0), "mse", metrics="mae"
    )
    model.fit(numbers(3), numbers(1), epochs=3, verbose=0)
    copy = saved(model, tmp_path)
    assert copy.optimizer.learning_rate == model.optimizer.learning_rate < 0.1
    assert (copy.optimizer.step, copy.optimizer.clipnorm, copy.step) == (3, 1.0, 3)
    for (w, slots), (v, others) in zip(
        model.optimizer.state.items(), copy.optimizer.state.items(), strict=True
    ):
        assert w.name == v.name and same_bits(slots, others)
    assert copy.metrics_names == ["loss", "mae"]


def test_what_was_set_after_compile_comes_back(tmp_path):
    model, _, _ = headline()
    model.loss_weights = {"main_output": 3.0, "aux_output": 0.0}
    model.optimizer.learning_rate = 0.5
    model.get_layer("lstm").trainable = False
    copy = saved(model, tmp_path)
    assert copy.loss_weights == {"main_output": 3.0, "aux_output": 0.0}
    assert copy.optimizer.learning_rate == 0.5
    assert [layer.trainable for layer in copy.layers] == [layer.trainable for layer in model.layers]
    assert not copy.get_layer("lstm").trainable


def test_added_losses_come_back(tmp_path):
    x = tg.Input((3,), name="x")
    hidden = layers.Dense(2, name="hidden")(x)
    model = tg.Model(x, layers.Dense(1, name="y")(hidden))
    model.add_loss((hidden * hidden).mean(), "small", 0.1)
    model.compile("sgd", "mse")
    copy = saved(model, tmp_path)
    assert copy.loss_weights == {"y": 1.0, "small": 0.1}
    x, y = numbers(3), numbers(1)
    assert copy.evaluate(x, y) == model.evaluate(x, y)


def test_a_model_without_training_comes_back(tmp_path):
    model = one_dense()
    copy = saved(model, tmp_path)
    assert not copy.is_compiled and same_bits(copy.predict(numbers(3)), model.predict(numbers(3)))


class Scale(layers.Layer):
    def __init__(self, start, **options):
        super().__init__(**options)
        self.start = start

    def make_weights(self, shape):
        self.factor = self.add_weight("factor", shape[-1:], self.start)

    def call(self, x):
        return x * self.factor


def squash(x):
    return tg.ops.tanh(x) * 2.0


def cubic(y_true, y_pred):
    return abs((y_pred - y_true) ** 3.0).mean(axis=-1)


class TestOwnClassesAndFunctions:
    def model(self):
        x = tg.Input((3,))
        start = layers.initializers.uniform(-0.5, 0.5)
        model = tg.Model(x, layers.Dense(2, activation=squash)(Scale(start)(x)))
        model.compile("sgd", cubic)
        return model

    def test_they_are_handed_over_by_name(self, tmp_path):
        model = self.model()
        copy = saved(model, tmp_path, {"Scale": Scale, "squash": squash, "cubic": cubic})
        x, y = numbers(3), numbers(2)
        assert copy.evaluate(x, y) == model.evaluate(x, y)
        assert isinstance(copy.layers[0], Scale)

    def test_a_missing_one_is_named(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"'Scale'.*Hand it over"):
            saved(self.model(), tmp_path, {"squash": squash, "cubic": cubic})


def test_a_file_of_weights_is_not_a_model(tmp_path):
    one_dense().save_weights(tmp_path / "w.tg")
    with pytest.raises(CheckpointError, match="holds weights only"):
        tg.load(tmp_path / "w.tg")


def test_a_file_can_make_nothing_but_layers_losses_and_the_like(tmp_path):
    path = tmp_path / "model.tg"
    one_dense().save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["header.json"])
    header["model"]["layers"][0]["made"] = ["metrics", "lookup", ["a", "b", {}], {"dict": []}]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | {"header.json": json.dumps(header)}).items():
            archive.writestr(name, content)
    with pytest.raises(CheckpointError, match="nothing to be made"):
        tg.load(path)


def test_a_layer_that_cannot_be_made_again_is_named(tmp_path):
    class Tied(layers.Layer):
        def __init__(self, other, **options):
            super().__init__(**options)
            self.table = other.own_weights[0]

        def call(self, x):
            return tg.ops.matmul(x, self.table)

    x = tg.Input((3,))
    first = layers.Dense(3, name="first")
    h = first(x)
    model = tg.Model(x, Tied(first, name="tied")(h))
    model.save(tmp_path / "model.tg")
    with pytest.raises(CheckpointError, match="layer 'tied' could not be made again"):
        tg.load(tmp_path / "model.tg", custom={"Tied": Tied})


def test_a_bare_parameter_comes_back_with_its_penalty_and_a_frozen_model_frozen(tmp_path):
    p = tg.Parameter(np.full(3, 2.0), "gain", regularizer=layers.regularizers.L2(0.1))
    x = tg.Input((3,))
    model = tg.Model(x, layers.Dense(1, kernel_regularizer="l2", name="a")(x * p))
    model.compile("sgd", "mse")
    model.trainable = False
    model.save(tmp_path / "model.tg")
    again = tg.load(tmp_path / "model.tg")
    data = np.ones((4, 3)), np.ones((4, 1))
    assert again.evaluate(*data) == model.evaluate(*data)
    assert again.loss_weights == model.loss_weights and again.trainable_weights == []
    penalty = again.evaluate(*data, return_dict=True)["regularization"]
    kernel = model.named_weights()["a/kernel"].value
    np.testing.assert_allclose(penalty, 0.01 * (kernel**2).sum() + 1.2, rtol=1e-6)
