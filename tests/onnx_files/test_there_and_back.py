"""Networks written to ONNX files and read again: predictions and gradients are the same."""

import numpy as np
import pytest

import tinygrad_mo as tg
from random_programs import random_model
from round_trips import there_and_back
from tinygrad_mo.systems import SYSTEMS
from zoo import ZOO

MASKED = "its mask skips steps in the middle of a sequence, too"
REFUSED = {  # of the zoo, and the layer that ONNX has no counterpart of
    "masked_headline": ("LSTM 'lstm'", MASKED),
    "masked_lstms": ("LSTM 'lstm'", MASKED),
    "masked_numbers": ("LSTM 'lstm'", MASKED),
    "every_kind_of_loss": ("LSTM 'lstm'", MASKED),
}


@pytest.mark.filterwarnings("ignore:Dot")
@pytest.mark.medium
@pytest.mark.parametrize("name", sorted(ZOO.keys() - REFUSED.keys()))
def test_every_model_of_the_zoo_comes_back(name, tmp_path):
    with tg.use(floatx="float64"):
        model, x, _ = ZOO[name]()
        there_and_back(model, x, tmp_path / "model.onnx", 1e-9)


@pytest.mark.medium
@pytest.mark.parametrize("name", ["headline", "pictures", "signals", "readers"])
def test_the_same_in_float32(name, tmp_path):
    model, x, _ = ZOO[name]()
    there_and_back(model, x, tmp_path / "model.onnx", 1e-5)


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_counterpart_is_refused_by_name_and_nothing_is_written(name, tmp_path):
    model, *_ = ZOO[name]()
    with pytest.raises(NotImplementedError) as caught:
        model.to_onnx(tmp_path / "model.onnx")
    assert all(word in str(caught.value) for word in REFUSED[name])
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
            assert MASKED in str(error)
            given = [t for step in model.steps for t in step.inputs if t is not None]
            assert any(t.mask is not None for t in given)


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
