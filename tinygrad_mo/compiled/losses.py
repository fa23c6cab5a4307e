"""Softmax, and the cross-entropy of logits, by `kernels/cpu/softmax.c`."""

from __future__ import annotations

import numpy as np

from ..ops.contract import flat
from ..ops.losses import one_hot
from .registry import call_c_in_parts, contiguous, cotangent, twin_of, usable

PER_NUMBER = 30  # its time, in multiplications


@twin_of("softmax")
def softmax(x, *, axis=-1):
    if not usable(x) or axis not in (-1, x.ndim - 1):
        return NotImplemented
    x = contiguous(x)
    p = np.empty_like(x)
    (n, classes), cost = flat(p).shape, PER_NUMBER * x.size
    call_c_in_parts("softmax", cost, n, classes, flat(x), None, flat(p), None)

    def pull_x(g):
        g = cotangent(g, p)
        gx = np.empty_like(g)
        for row, to in zip(g, gx, strict=True):
            call_c_in_parts("softmax_pull", cost, n, classes, flat(p), flat(row), flat(to))
        return gx

    return p, (pull_x,)


@twin_of("categorical_crossentropy_from_logits")
def categorical_crossentropy_from_logits(label, logits):
    if not usable(logits, label) or label.shape != logits.shape:
        return NotImplemented
    label, logits = contiguous(label), contiguous(logits)
    p, loss = np.empty_like(logits), np.empty(logits.shape[:-1], logits.dtype)
    (n, classes), cost = flat(p).shape, PER_NUMBER * p.size
    label = flat(label)
    call_c_in_parts("softmax", cost, n, classes, flat(logits), label, flat(p), loss.reshape(-1))

    def pull_logits(g):
        g, gx = cotangent(g, loss), np.empty((len(g), *logits.shape), logits.dtype)
        for row, to in zip(g.reshape(len(g), n), gx, strict=True):
            call_c_in_parts("crossentropy_pull", cost, n, classes, flat(p), label, row, flat(to))
        return gx

    return loss, (None, pull_logits)


@twin_of("sparse_categorical_crossentropy_from_logits")
def sparse_categorical_crossentropy_from_logits(index, logits):
    if not usable(logits):
        return NotImplemented
    return categorical_crossentropy_from_logits(one_hot(index, logits), logits)
