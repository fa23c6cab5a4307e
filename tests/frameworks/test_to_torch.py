"""Networks as source code for PyTorch: outputs and gradients are those of the model."""

import pytest

from random_programs import random_model
from small_models import CASES, small
from tinygrad_mo.systems import SYSTEMS
from written import without_chance
from zoo import ZOO

pytest.importorskip("torch")

from in_torch import there

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
    there(model, x, tmp_path / "net.py", 1e-6, training)


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
