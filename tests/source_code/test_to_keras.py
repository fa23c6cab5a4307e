"""Networks as source code for Keras: outputs and gradients are those of the model."""

import os

import pytest

from trips import RoundTrips
from written import imported

pytest.importorskip("torch", reason="PyTorch is not installed")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is not installed")
if keras.backend.backend() != "torch":
    pytest.skip("Keras does not run on PyTorch here", allow_module_level=True)

from in_keras import there  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's, of NumPy 2


class TestInKeras(RoundTrips):
    refused = {"masked_lstms", "heads_masked"}  # noqa: RUF012
    reason = "is not known there"
    there = staticmethod(there)

    def averages_there(self, model, path, data):
        model.to_keras(path)
        net = imported(path).load()
        net(data, training=True)
        return net.non_trainable_weights
