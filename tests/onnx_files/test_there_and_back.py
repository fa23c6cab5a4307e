"""Networks written to ONNX files and read again: predictions and gradients are the same."""

import numpy as np
import pytest

import tinygrad_mo as tg
from random_programs import random_model
from round_trips import there_and_back
from tinygrad_mo.systems import SYSTEMS
from zoo import ZOO


@pytest.mark.filterwarnings("ignore:Dot")
@pytest.mark.filterwarnings("ignore:op 'sum' does not know what to do with the mask")
@pytest.mark.medium
@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_model_of_the_zoo_comes_back(name, tmp_path):
    with tg.use(floatx="float64"):
        model, x, _ = ZOO[name]()
        there_and_back(model, x, tmp_path / "model.onnx", 1e-9)


@pytest.mark.medium
@pytest.mark.parametrize("name", ["headline", "pictures", "signals", "readers"])
def test_the_same_in_float32(name, tmp_path):
    model, x, _ = ZOO[name]()
    there_and_back(model, x, tmp_path / "model.onnx", 1e-5)


MASKS = [
    *([1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1]),  # padding behind
    *([0, 0, 1, 1], [0, 1, 1, 1]),  # padding in front
    *([1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]),  # holes, and nothing real
]


@pytest.mark.filterwarnings("ignore:op 'reshape' does not know what to do with the mask")
@pytest.mark.one_in(6, rest="medium")
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("started", [False, True])
def test_steps_that_a_mask_skips_are_skipped_there(kind, go_backwards, started, tmp_path):
    with tg.use(floatx="float64"):
        ids, h0 = tg.Input((4,), dtype="int32", name="ids"), tg.Input((3,), name="h0")
        h = tg.layers.Embedding(5, 2, mask_zero=True, name="table")(ids)
        options = {"go_backwards": go_backwards, "return_sequences": True, "return_state": True}
        layer = getattr(tg.layers, kind)(3, **options, name="layer")
        states = [h0] * layer.states if started else None
        every, last, *_ = layer(h, initial_state=states)
        flat = tg.ops.reshape(every, shape=(-1, 12))  # what lies behind a mask, counts
        model = tg.Model([ids, h0], {"every": flat, "last": last + h0})
        random = np.random.default_rng(0)
        x = np.array(MASKS) * random.integers(1, 5, (8, 4))
        there_and_back(model, [x, random.normal(size=(8, 3))], tmp_path / "model.onnx", 1e-12)


def test_the_last_cell_behind_a_mask_is_refused_and_nothing_is_written(tmp_path):
    ids = tg.Input((4,), dtype="int32", name="ids")
    h = tg.layers.Embedding(5, 2, mask_zero=True)(ids)
    _, _, cell = tg.layers.LSTM(3, return_state=True, name="lstm")(h)
    with pytest.raises(NotImplementedError, match=r"LSTM 'lstm': .* the last cell of"):
        tg.Model(ids, cell).to_onnx(tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_comes_back(name, tmp_path):
    tg.set_random_seed(0)
    with tg.use(floatx="float64"):
        system = SYSTEMS[name]
        model = system.make()
        x, _ = system.task().of(model).some(3)
        there_and_back(model, x, tmp_path / "model.onnx", 1e-6)


@pytest.mark.filterwarnings("ignore:op 'sum' does not know what to do with the mask")
@pytest.mark.one_in(8, rest="medium")
@pytest.mark.parametrize("seed", range(12))
def test_random_models_come_back_or_are_refused(seed, tmp_path):
    with tg.use(floatx="float64"):
        model, (x, _, _) = random_model(seed)
        try:
            there_and_back(model, x, tmp_path / "model.onnx", 1e-6)
        except NotImplementedError as error:
            assert "the last cell of a sequence with a mask" in str(error)


@pytest.mark.medium
def test_training_goes_on_as_the_original_would(tmp_path):
    tg.set_random_seed(0)
    x = tg.Input((6, 6, 2), name="x")
    h = tg.layers.Conv2D(3, 3, activation="relu", name="conv")(x)
    h = tg.layers.BatchNormalization(name="norm")(h)
    model = tg.Model(x, tg.layers.Dense(1, name="y")(tg.layers.Flatten()(h)))
    model.to_onnx(tmp_path / "model.onnx")
    again = tg.from_onnx(tmp_path / "model.onnx")
    data = np.random.default_rng(0).normal(size=(16, 6, 6, 2))
    losses = []
    for one in (model, again):
        one.compile("adam", "mse")
        options = {"epochs": 3, "shuffle": False, "batch_size": 8, "verbose": 0}
        losses.append(one.fit(data, data.mean(axis=(1, 2, 3))[:, None], **options).history["loss"])
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)
    assert [type(layer).__name__ for layer in again.layers[:2]] == ["Conv2D", "BatchNormalization"]
