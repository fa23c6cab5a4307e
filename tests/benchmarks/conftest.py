"""Benchmarks are run by hand; here is tested that they can be."""

collect_ignore = ["pytorch_peer.py"]  # it needs PyTorch
