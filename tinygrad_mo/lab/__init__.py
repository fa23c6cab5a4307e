"""The laboratory: methods that balance losses, side by side, with numbers and pictures."""
