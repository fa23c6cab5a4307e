"""What becomes of a mask when an op works on a tensor that has one.

A mask says which steps of a sequence are real: it has the first axes of its tensor, usually (batch,
time). An op that works within each step keeps it, one that picks or joins steps does the same to
the mask. Behind every other op nobody knows any more what is padding; unless it is in a layer that
answers for its ops, that is said.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import reduce
from math import prod
from typing import Any

from .. import ops
from ..ops import Op
from ..ops.shaping import from_right
from .attributes import parts_of
from .calls import call_site, current_call

# What these compute of an element depends on no other element.
NAMES = """
absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh ceil cos cosh divide dropout elu
equal erf exp expm1 floor floor_divide gaussian_noise gelu greater greater_equal hard_sigmoid huber
identity leaky_relu less less_equal log log10 log1p log2 log_cosh logical_and logical_not logical_or
maximum minimum mod multiply negative not_equal power probabilities relu round selu sigmoid sign
silu sin sinh softplus softsign sqrt square stop_gradient subtract tan tanh where
"""
BY_ELEMENT = frozenset(NAMES.split())
MANY_TO_ONE = "argmax argmin logsumexp max mean min norm prod std sum var"
REDUCTIONS = frozenset(MANY_TO_ONE.split())
SAME_AXIS = "cumprod cumsum layer_normalization log_softmax rms_normalization softmax sort"
ALONG_AXIS = frozenset(SAME_AXIS.split())


def hand_on_mask(
    op: Op, inputs: Sequence[Any], attributes: Mapping[str, Any], outputs: Sequence[Any]
) -> None:
    """Give the first output of an op the mask that follows from those of the inputs."""
    masked = [x for x in inputs if x is not None and x.mask is not None]
    y = outputs[0]
    y.mask = mask_behind(op, masked, inputs, attributes, y)
    call = current_call()
    if y.mask is None and (call is None or not getattr(call.owner, "tells_of_masks", True)):
        file, line = call_site()
        warnings.warn_explicit(
            f"op {op.name!r} does not know what to do with the mask of {masked[0]}: from here on, "
            f"padded steps count like real ones",
            UserWarning,
            file,
            line,
        )


def mask_behind(
    op: Op, masked: Sequence[Any], inputs: Sequence[Any], attributes: Mapping[str, Any], y: Any
) -> Any:
    """The mask of the output, or None."""
    x, depth = masked[0], masked[0].mask.ndim
    if any(other.mask.ndim != depth for other in masked) or y.ndim < depth:
        return None
    if op.name == "getitem":
        return picked(x, depth, attributes["index"])
    if op.name == "concatenate":
        return joined(masked, inputs, depth, attributes.get("axis", -1))
    within = y.ndim == x.ndim and all(other.ndim == x.ndim for other in masked)
    if op.name in BY_ELEMENT:
        return as_long_as(y, of_all(masked)) if within else None
    if op.name in ("dense", "matmul"):  # which mix what lies along the last axis
        mixes_features = x is inputs[0] and x.ndim > depth and len(masked) == 1
        return as_long_as(y, x.mask) if within and mixes_features else None
    if op.name in REDUCTIONS or op.name in ALONG_AXIS:
        axis = attributes.get("axis", -1 if op.name in ALONG_AXIS else None)
        return x.mask if all(a >= depth - x.ndim for a in from_right(axis, x.ndim)) else None
    if op.name == "transpose":
        axes = attributes.get("axes") or range(x.ndim)[::-1]
        return x.mask if list(axes)[:depth] == list(range(depth)) else None
    if op.name == "reshape":
        same = y.shape[:depth] == x.shape[:depth]
        return x.mask if same and size_of_step(x, depth) == size_of_step(y, depth) else None
    return None


def step_by_step(masked: Sequence[Any], y: Any) -> Any:
    """The mask of y, made of each step by itself; None if its first axes are no steps (any more).

    Where a tensor has nothing behind its steps, nobody knows whether they were kept apart.
    """
    x, depth = masked[0], masked[0].mask.ndim
    if any(other.mask.ndim != depth or other.ndim == depth for other in masked):
        return None
    mask = of_all(masked)
    return mask if y.shape[:depth] == mask.shape == x.shape[:depth] else None


def as_long_as(y: Any, mask: Any) -> Any:
    """The mask for all steps of y: a tensor of one step may have met one of several."""
    return mask if mask.shape == y.shape[: mask.ndim] else ops.broadcast_mask(mask, y)


def size_of_step(x: Any, depth: int) -> int | None:
    """How many numbers lie behind the first axes; None if nobody knows."""
    lengths = x.shape[depth:]
    return None if None in lengths else prod(lengths)


def of_all(masked: Sequence[Any]) -> Any:
    """Real is what is real in all of them."""
    different = {x.mask.key: x.mask for x in masked}
    return reduce(ops.logical_and, different.values())


def picked(x: Any, depth: int, index: Any) -> Any:
    """The mask of x[index], where slices are taken of whole sequences or of their steps."""
    parts = parts_of(index, x.ndim)
    if not all(isinstance(part, slice) for part in parts[:depth]):
        return None
    if all(part == slice(None) for part in parts[:depth]):
        return x.mask
    return x.mask[tuple(parts[:depth])]


def joined(masked: Sequence[Any], inputs: Sequence[Any], depth: int, axis: int) -> Any:
    """The mask of tensors joined along an axis: within the steps, or one sequence after another."""
    if any(x.ndim != masked[0].ndim for x in inputs):
        return None
    if axis % masked[0].ndim >= depth:
        return of_all(masked)
    if len(masked) < len(inputs):
        return None
    return ops.concatenate(*[x.mask for x in masked], axis=axis % masked[0].ndim)
