"""Networks that need PyTorch are tested where it is installed."""

collect_ignore = ["public.py", "torch_twins.py"]
