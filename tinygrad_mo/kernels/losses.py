"""Softmax, and the cross-entropy of logits, by `kernels/cpu/softmax.c`."""

from __future__ import annotations

import numpy as np

from ..ops.losses import one_hot
from .registry import call, cotangent, kernel, plain, usable

SHORT = 16  # numbers of a row; shorter ones are as fast in NumPy


@kernel("softmax")
def softmax(x):
    if not usable(x) or x.shape[-1] < SHORT:
        return NotImplemented
    x = plain(x)
    p = np.empty_like(x)
    n, classes = x.size // x.shape[-1], x.shape[-1]
    call("softmax", n, classes, x, None, p, None)

    def pull_x(g):
        g = cotangent(g, p)
        gx = np.empty_like(g)
        call("softmax_pull", len(g), n, classes, p, g, gx)
        return gx

    return p, (pull_x,)


@kernel("categorical_crossentropy_from_logits", large=1)
def categorical_crossentropy_from_logits(label, logits):
    if not usable(logits, label) or label.shape != logits.shape:
        return NotImplemented
    label, logits = plain(label), plain(logits)
    p, loss = np.empty_like(logits), np.empty(logits.shape[:-1], logits.dtype)
    n, classes = loss.size, logits.shape[-1]
    call("softmax", n, classes, logits, label, p, loss)

    def pull_logits(g):
        gx = np.empty((len(g), *logits.shape), logits.dtype)
        call("crossentropy_pull", len(g), n, classes, p, label, cotangent(g, loss), gx)
        return gx

    return loss, (None, pull_logits)


@kernel("sparse_categorical_crossentropy_from_logits", large=1)
def sparse_categorical_crossentropy_from_logits(index, logits):
    if not usable(logits):
        return NotImplemented
    return categorical_crossentropy_from_logits(one_hot(index, logits), logits)
