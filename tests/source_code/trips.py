"""What holds of the source for every framework: outputs and gradients are those of the model."""

import numpy as np
import pytest

import tinygrad_mo as tg
from random_programs import random_model
from small_models import CASES, small
from tinygrad_mo.systems import SYSTEMS
from written import without_chance, without_ties
from zoo import ZOO

HOW = pytest.mark.parametrize("training", [False, True])


class RoundTrips:
    """Tests for a framework, of which a subclass says how networks are written and run there.

    Attributes
    ----------
    refused : set of str
        Cases that have no counterpart there.
    reason : str
        What is said of random networks that have none; empty: all have one.
    """

    refused: set
    reason = ""

    def there(self, model, x, path, rtol, training):
        """Write a model, and compare what it does there."""
        raise NotImplementedError

    def averages_there(self, model, path, data):
        """Of a model of one batch normalisation: mean and variance after a pass in training."""
        raise NotImplementedError

    def compare(self, model, x, folder, training):
        self.there(model, x, folder / "net.py", 1e-6, training)

    @pytest.mark.medium
    @HOW
    @pytest.mark.parametrize("name", sorted(CASES))
    def test_every_layer(self, name, training, tmp_path, float64):
        if name in self.refused:
            with pytest.raises(NotImplementedError, match="cannot be written for"):
                self.compare(*small(name), tmp_path, training)
        else:
            self.compare(*small(name), tmp_path, training)

    @pytest.mark.medium
    @HOW
    @pytest.mark.parametrize("name", ZOO)
    def test_every_model_of_the_zoo(self, name, training, tmp_path, float64):
        model, x, _ = ZOO[name]()
        if name in self.refused:
            with pytest.raises(NotImplementedError, match="cannot be written for"):
                self.compare(model, x, tmp_path, training)
        else:
            without_chance(model)
            self.compare(model, x, tmp_path, training)

    @pytest.mark.slow
    @HOW
    @pytest.mark.parametrize("name", SYSTEMS)
    def test_every_system(self, name, training, tmp_path, float64):
        model = SYSTEMS[name].make()
        x, _ = SYSTEMS[name].task().of(model).some(3)
        without_chance(model)
        self.compare(model, without_ties(model, x), tmp_path, training)

    @pytest.mark.one_in(8, rest="exhaustive")
    @pytest.mark.filterwarnings("ignore:op 'sum' does not know what to do with the mask")
    @pytest.mark.parametrize("seed", range(24))
    def test_random_models(self, seed, tmp_path, float64):
        model, (x, _, _) = random_model(seed)
        without_chance(model)
        try:
            self.compare(model, x, tmp_path, training=bool(seed % 2))
        except NotImplementedError as error:
            assert self.reason and self.reason in str(error)

    @pytest.mark.medium
    def test_moving_averages_move_alike(self, tmp_path):
        tg.set_random_seed(0)
        x = tg.Input((3,), name="x")
        norm = tg.layers.BatchNormalization(momentum=0.7, name="norm")
        model, data = tg.Model(x, norm(x)), np.float32([[1, 2, 4], [3, 5, 1], [0, 0, 9]])
        found = self.averages_there(model, tmp_path / "net.py", data)
        model.compile(tg.optimizers.SGD(0.0), "mse")
        model.train_on_batch(data, data)
        for mine, other in zip((norm.moving_mean, norm.moving_variance), found, strict=True):
            np.testing.assert_allclose(other.numpy(), mine.numpy(), rtol=1e-6)
