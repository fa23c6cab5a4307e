"""Networks as source code for PyTorch: outputs and gradients are those of the model."""

import numpy as np
import pytest

import tinygrad_mo as tg
from random_programs import random_model
from small_models import CASES, small
from tinygrad_mo.systems import SYSTEMS
from written import imported, without_chance, without_ties
from zoo import ZOO

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from in_torch import there  # noqa: E402

REFUSED = {"readers"}
HOW = pytest.mark.parametrize("training", [False, True])


@pytest.mark.medium
@HOW
@pytest.mark.parametrize("name", sorted(CASES.keys() - REFUSED))
def test_every_layer(name, training, tmp_path, float64):
    model, x = small(name)
    there(model, x, tmp_path / "net.py", 1e-6, training)


@pytest.mark.medium
@HOW
@pytest.mark.parametrize("name", sorted(ZOO.keys() - REFUSED))
def test_every_model_of_the_zoo(name, training, tmp_path, float64):
    model, x, _ = ZOO[name]()
    without_chance(model)
    there(model, x, tmp_path / "net.py", 1e-6, training)


@pytest.mark.slow
@HOW
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system(name, training, tmp_path, float64):
    model = SYSTEMS[name].make()
    x, _ = SYSTEMS[name].task().of(model).some(3)
    without_chance(model)
    there(model, without_ties(model, x), tmp_path / "net.py", 1e-6, training)


@pytest.mark.one_in(8, rest="exhaustive")
@pytest.mark.filterwarnings("ignore:op 'sum' does not know what to do with the mask")
@pytest.mark.parametrize("seed", range(24))
def test_random_models(seed, tmp_path, float64):
    model, (x, _, _) = random_model(seed)
    without_chance(model)
    try:
        there(model, x, tmp_path / "net.py", 1e-6, training=bool(seed % 2))
    except NotImplementedError as error:
        assert not str(error)


@pytest.mark.medium
def test_moving_averages_move_alike(tmp_path):
    tg.set_random_seed(0)
    x = tg.Input((3,), name="x")
    norm = tg.layers.BatchNormalization(momentum=0.7, name="norm")
    model = tg.Model(x, norm(x))
    model.to_torch(tmp_path / "net.py")
    net, data = imported(tmp_path / "net.py").load(), np.float32([[1, 2, 4], [3, 5, 1], [0, 0, 9]])
    net.train()(torch.tensor(data))
    model.compile(tg.optimizers.SGD(0.0), "mse")
    model.train_on_batch(data, data)
    found = net.norm.running_mean, net.norm.running_var
    for mine, other in zip((norm.moving_mean, norm.moving_variance), found, strict=True):
        np.testing.assert_allclose(other.numpy(), mine.numpy(), rtol=1e-6)
