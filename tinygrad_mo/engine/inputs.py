"""What a graph is fed with: a tensor that stands for it, and the value when it has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..device import Array, floatx, on_device, xp
from ..ops.contract import check_plain
from .calls import call_site
from .graph import Tensor

FREE_LENGTHS = (512, 1024)  # two guesses for a free axis: what they change is free, too


def placeholder(
    shape: tuple[int | None, ...], dtype: Any = None, name: str | None = None
) -> Tensor:
    """A symbolic tensor to be fed: `shape` includes the batch, None marks a free axis."""

    def zeros(free: int) -> Array:
        lengths = [0 if n is None and axis == 0 else n or free for axis, n in enumerate(shape)]
        return xp().zeros(lengths, dtype or floatx())

    first, second = map(zeros, FREE_LENGTHS)
    samples = first, (first if first.shape == second.shape else second)
    tensor = Tensor.make(None, samples, name=name)
    tensor.site = call_site()
    return tensor


def fed(tensor: Tensor, feed: Mapping[Tensor, Array]) -> Array:
    """The value of a leaf: what is fed to it, or its own."""
    value = feed.get(tensor, tensor.value)
    check_plain(value, tensor)
    if value is None:
        known = ", ".join(map(format, feed)) or "nothing"
        raise KeyError(f"input {tensor} was not fed; fed was: {known}")
    return on_device(value)
