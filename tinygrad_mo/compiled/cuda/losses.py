"""Softmax, the cross-entropies and the weighted mean of losses, by `kernels/cuda/losses.cu`.

Labels are looked at by the kernels, which set a flag if there are wrong ones: nobody waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...device import Array, array_module, to_numpy
from ...ops.losses import (
    EPSILON,
    ROUNDING,
    check_labels,
    check_probabilities,
    refuse_other_labels,
)
from ...questions import flag, refuse_if_set
from ..registry import FLOAT, twin_of
from .launching import (
    block_of_rows,
    contiguous,
    cotangent,
    launch,
    launch_for_each,
    room,
    usable,
)

MOST_IN_ONE_BLOCK = 1 << 20  # losses of which one block makes a mean
ONE_BLOCK = 1024  # its threads


@twin_of("softmax", "cuda")
def softmax(x, *, axis=-1):
    if not usable(x) or not x.ndim or axis not in (-1, x.ndim - 1):
        return NotImplemented
    p, pull = shares(x, None, None, None)

    def pull_x(g):
        g = cotangent(g, p)
        (gx,) = room(g, g.shape)
        pull("softmax_pull", len(g), p, g, gx)
        return gx

    return p, (pull_x,)


@twin_of("categorical_crossentropy_from_logits", "cuda")
def categorical_crossentropy_from_logits(label, logits):
    if not usable(logits) or not suits(label, logits):
        return NotImplemented
    return crossentropy(logits, contiguous(label), None)


@twin_of("sparse_categorical_crossentropy_from_logits", "cuda")
def sparse_categorical_crossentropy_from_logits(index, logits):
    if not usable(logits) or not np.can_cast(index.dtype, np.int64):
        return NotImplemented
    if index.shape not in (logits.shape[:-1], (*logits.shape[:-1], 1)):
        return NotImplemented
    return crossentropy(logits, None, contiguous(index.reshape(logits.shape[:-1]), np.int64))


def crossentropy(logits: Array, label: Array | None, index: Array | None) -> Any:
    """That of a label for each class, or of the index of the right one."""
    (loss,) = room(logits, logits.shape[:-1])
    p, pull = shares(logits, label, index, loss)
    if index is not None:
        classes = logits.shape[-1]
        refuse_if_set(flag("classes"), lambda: refuse_other_labels(to_numpy(index), classes))

    def pull_logits(g):
        g = cotangent(g, loss)
        (gx,) = room(g, (len(g), *logits.shape))
        pull("crossentropy_pull", len(g), p, label, index, g, gx)
        return gx

    return loss, (None, pull_logits)


def shares(
    x: Array, label: Array | None, index: Array | None, loss: Array | None
) -> tuple[Array, Callable[..., None]]:
    """The softmax of x, and what launches a kernel for the same rows of classes."""
    classes = x.shape[-1]
    n = x.size // classes
    block = block_of_rows(classes)
    blocks = -(-n // block[1])
    (p,) = room(x, x.shape)
    given = contiguous(x), label, index, p, loss, flag("classes")
    launch("softmax", (blocks,), block, n, classes, *given)

    def pull(name: str, rows: int, *arrays: Array | None) -> None:
        launch(name, (blocks, rows), block, n, classes, *arrays)

    return p, pull


@twin_of("binary_crossentropy", "cuda")
def binary_crossentropy(label, p):
    if not usable(p) or not suits(label, p):
        return NotImplemented
    label = contiguous(label)
    limits = float(FLOAT.type(EPSILON)), float(FLOAT.type(1 - EPSILON)), ROUNDING

    def explain():
        check_probabilities(to_numpy(p), "sigmoid")
        check_labels(to_numpy(label))

    return number_by_number("binary_crossentropy", label, p, limits, explain)


@twin_of("binary_crossentropy_from_logits", "cuda")
def binary_crossentropy_from_logits(label, logit):
    if not usable(logit) or not suits(label, logit):
        return NotImplemented
    label = contiguous(label)
    explain = lambda: check_labels(to_numpy(label))
    return number_by_number("binary_crossentropy_from_logits", label, logit, (), explain)


def number_by_number(
    name: str, label: Array, x: Array, limits: tuple[float, ...], explain: Callable[[], Any]
) -> Any:
    """A loss that a kernel computes together with its slope."""
    y, slope = room(x, x.shape, x.shape)
    arrays = y, slope, flag("labels")
    launch_for_each(name, x.size, x.size, label, contiguous(x), *limits, *arrays)
    refuse_if_set(flag("labels"), explain)
    return y, (None, lambda g: g * slope)


def suits(label: Array, x: Array) -> bool:
    """Is there a label for each number, of a type that does not make another one of the result?"""
    small = label.dtype.kind in "iub" or label.dtype == FLOAT
    return label.shape == x.shape and small


@twin_of("weighted_mean", "cuda")
def weighted_mean(losses, weights, mask, *, by_weight=False):
    if not usable(losses, weights) or losses.size > MOST_IN_ONE_BLOCK:
        return NotImplemented
    shape = weights.shape
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    if losses.shape[: len(shape)] != shape or weights.ndim > losses.ndim:
        return NotImplemented
    if mask is not None and mask.shape != losses.shape:
        return NotImplemented
    xp, each = array_module(losses), losses.size // weights.size
    scale, mean, divisor = (xp.empty(shape, FLOAT) for shape in (losses.shape, (), ()))
    given = contiguous(losses), contiguous(weights), contiguous(mask, bool)
    made = scale, mean, divisor
    sizes = losses.size, each
    launch("weighted_mean", (1,), (ONE_BLOCK,), *sizes, *given, int(by_weight), *made)

    def pull_losses(gs):
        return gs[0].reshape(len(gs[0]), *[1] * losses.ndim) * scale

    return (mean, divisor), (pull_losses, None, None)
