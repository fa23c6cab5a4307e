"""Benchmarks are run by hand; here is tested that they can be."""

import pytest

# What needs PyTorch.
collect_ignore = [
    "balancing_pytorch_peer.py",
    "pytorch_networks.py",
    "pytorch_peer.py",
    "torch_flows.py",
    "torch_picture.py",
]


@pytest.fixture(autouse=True)
def work_ends():
    """Steps of a benchmark work as in `fit` until their process ends; a test must end it."""
    import tinygrad_mo_peer

    yield
    tinygrad_mo_peer.working.close()
