"""Networks that need PyTorch are tested where it is installed."""

collect_ignore = ["torch_twins.py"]
