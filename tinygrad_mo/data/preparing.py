"""Labels and sequences as arrays that a network takes, called as in Keras."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import arguments
from ..naming import lookup

SIDES = {"pre": True, "post": False}  # is it in front?


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Rows of zeros with a 1 at the number of the class.

    Parameters
    ----------
    x : array_like of int, any shape
        From 0 on. A last axis of length 1 is left out, as a column of labels has it.
    num_classes : int, optional
        Default: the largest number and one more.

    Returns
    -------
    array of float32, shape (..., num_classes)

    Examples
    --------
    >>> to_categorical([1, 0, 2]).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    numbers = np.asarray(x)
    if numbers.dtype.kind not in "iub" and (numbers != np.floor(numbers)).any():
        raise TypeError(f"to_categorical takes numbers of classes, 0, 1 ..., not {numbers.dtype}")
    numbers = numbers.astype(np.int64)
    if numbers.ndim > 1 and numbers.shape[-1] == 1:
        numbers = numbers[..., 0]
    most = int(numbers.max(initial=-1)) + 1
    if num_classes is None:
        num_classes = most
    num_classes = arguments.whole("to_categorical: num_classes", num_classes, at_least=1)
    if most > num_classes or numbers.min(initial=0) < 0:
        raise ValueError(
            f"to_categorical: classes from {numbers.min()} to {most - 1} are not all among "
            f"{num_classes}, which are 0 to {num_classes - 1}"
        )
    return np.eye(num_classes, dtype=np.float32)[numbers]


def pad_sequences(
    sequences: Iterable[Sequence[Any]],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> np.ndarray:
    """Sequences of many lengths as rows of one length.

    Parameters
    ----------
    sequences : list of sequences
        Of numbers, or of steps that have one shape.
    maxlen : int, optional
        The length. Default: that of the longest one.
    dtype : str
        Default: "int32", for ids.
    padding, truncating : "pre" or "post"
        Where what is missing is filled in, and where what is too much is cut off: in front, which
        is the default, or behind.
    value : float
        What is filled in. Default: 0, which ``Embedding(mask_zero=True)`` takes for padding.

    Returns
    -------
    array, shape (sequences, maxlen, ...)

    Examples
    --------
    >>> pad_sequences([[7, 8], [1, 2, 3, 4]], maxlen=3).tolist()
    [[0, 7, 8], [2, 3, 4]]
    >>> pad_sequences([[7, 8], [1, 2, 3, 4]], padding="post").tolist()
    [[7, 8, 0, 0], [1, 2, 3, 4]]
    """
    in_front = lookup("padding", padding, SIDES, "pad_sequences")
    cut_in_front = lookup("truncating", truncating, SIDES, "pad_sequences")
    each = [np.asarray(one) for one in sequences]
    for number, one in enumerate(each):
        if not one.ndim:
            raise TypeError(f"pad_sequences takes sequences, but number {number} is {one}")
    if maxlen is None:
        maxlen = max(map(len, each), default=0)
    maxlen = arguments.whole("pad_sequences: maxlen", maxlen)
    steps = {one.shape[1:] for one in each if len(one)}
    if len(steps) > 1:
        raise ValueError(f"pad_sequences: steps of one shape are needed, not of {sorted(steps)}")
    shape = (len(each), maxlen, *(steps.pop() if steps else ()))
    rows = np.full(shape, value, arguments.dtype("pad_sequences: dtype", dtype))
    for row, one in zip(rows, each, strict=True):
        kept = one[max(len(one) - maxlen, 0) :] if cut_in_front else one[:maxlen]
        start = maxlen - len(kept) if in_front else 0
        row[start : start + len(kept)] = kept
    return rows
