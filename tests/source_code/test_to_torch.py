"""Networks as source code for PyTorch: outputs and gradients are those of the model."""

import pytest

from trips import RoundTrips
from written import imported

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from in_torch import there  # noqa: E402


class TestInTorch(RoundTrips):
    refused = {"readers"}  # noqa: RUF012
    there = staticmethod(there)

    def averages_there(self, model, path, data):
        model.to_torch(path)
        net = imported(path).load()
        net.train()(torch.tensor(data))
        return net.norm.running_mean, net.norm.running_var
