"""What needs PyTorch or Keras is imported by the tests that have found them."""

collect_ignore = ["in_torch.py", "in_keras.py"]
