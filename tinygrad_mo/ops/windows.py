"""Windows that slide over an image or a sequence: where they lie, and how the edge is padded.

Arrays are (batch, *spatial axes, channels). Convolution and pooling share what is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from ..device import Array, array_module, xp
from .contract import flat

BLOCK = 2**18  # numbers in a block of patches: 1 MB of float32, which a cache holds
BLOCK_OF_GPU = 2**26  # there, what is launched should last


@dataclass(frozen=True)
class Windows:
    """Equal windows over the spatial axes; each field has one entry per axis.

    A sequence of 7 under windows of size 3, strides 2, padding "same" (``.`` is padding):

        . 0 1 2 3 4 5 6 .
        [   ] [   ]                count 4, pads (1, 1)
            [   ] [   ]
    """

    size: tuple[int, ...]  # elements of a window
    strides: tuple[int, ...]  # from one window to the next
    dilation: tuple[int, ...]  # from one element of a window to the next
    pads: tuple[tuple[int, int], ...]  # what is added before and behind
    count: tuple[int, ...]  # how many windows there are

    @property
    def trivial(self) -> bool:
        """Is every element a window of its own?"""
        return {*self.size, *self.strides} == {1} and not self.padded

    @property
    def padded(self) -> bool:
        return any(before or behind for before, behind in self.pads)

    def places(self) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
        """For each element of a window: where all windows together have it in the padded input."""
        for element in product(*map(range, self.size)):
            starts = [e * d for e, d in zip(element, self.dilation, strict=True)]
            spans = zip(starts, self.count, self.strides, strict=True)
            index = (slice(start, start + (n - 1) * step + 1, step) for start, n, step in spans)
            yield element, (slice(None), *index)


def windows_over(
    lengths: Sequence[int],
    size: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: str,
) -> Windows:
    """The windows over axes of these lengths.

    "valid" pads nothing. "same" pads so that there are ``ceil(length / stride)`` windows; if the
    padding is odd, the larger part is at the end. "causal" pads only before, so that a window ends
    where it is counted and never looks ahead.

    >>> windows_over((7,), (4,), (3,), (1,), "same")
    Windows(size=(4,), strides=(3,), dilation=(1,), pads=((1, 2),), count=(3,))
    """
    pads, count = [], []
    for n, k, step, d in zip(lengths, size, strides, dilation, strict=True):
        span = (k - 1) * d + 1
        total = max((-(-n // step) - 1) * step + span - n, 0) if padding == "same" else 0
        before, behind = (span - 1, 0) if padding == "causal" else (total // 2, total - total // 2)
        pads.append((before, behind))
        count.append((n + before + behind - span) // step + 1)
    if min(count) < 1 or 0 in lengths:
        dilated = f" with dilation {tuple(dilation)}" if max(dilation) > 1 else ""
        raise ValueError(
            f"windows of {tuple(size)}{dilated} do not fit into an input of {tuple(lengths)}: make "
            f"them smaller, the input larger, or pad it (padding='same')"
        )
    return Windows(tuple(size), tuple(strides), tuple(dilation), tuple(pads), tuple(count))


def lengths_before(
    count: Sequence[int],
    size: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: str,
) -> tuple[int, ...]:
    """The lengths over which there are so many windows: `windows_over` backwards.

    Several lengths have so many where windows are strides apart: Keras's is given.

    >>> lengths_before((3,), (4,), (3,), (1,), "same")
    (9,)
    """
    return tuple(
        n * step + (0 if padding == "same" else max((k - 1) * d + 1 - step, 0))
        for n, k, step, d in zip(count, size, strides, dilation, strict=True)
    )


def inside(w: Windows, lengths: Sequence[int]) -> tuple[slice, ...]:
    """Where the input lies in the padded input."""
    return slice(None), *(slice(b, b + n) for (b, _), n in zip(w.pads, lengths, strict=True))


def padded_zeros(w: Windows, images: int, lengths: Sequence[int], like: Array) -> Array:
    """Room for a padded input, filled with zeros; channels and type are those of `like`."""
    wide = (n + before + behind for n, (before, behind) in zip(lengths, w.pads, strict=True))
    return array_module(like).zeros((images, *wide, like.shape[-1]), like.dtype)


def pad(x: Array, w: Windows, fill: float = 0) -> Array:
    """The padded input; `x` itself where there is nothing to pad."""
    if not w.padded:
        return x
    y = padded_zeros(w, len(x), x.shape[1:-1], x)
    if fill:
        y[...] = fill
    y[inside(w, x.shape[1:-1])] = x
    return y


def blocks(images: int, numbers_per_image: int) -> Iterator[slice]:
    """Slices of consecutive images, each as many as a block holds."""
    most = BLOCK if xp() is np else BLOCK_OF_GPU
    step = max(1, most // max(1, numbers_per_image))
    for start in range(0, images, step):
        yield slice(start, min(start + step, images))


def patches(x: Array, w: Windows) -> Iterator[tuple[slice, Array]]:
    """All windows as the rows of a matrix, one block of images after the other.

    Each matrix is overwritten by the next one. What is copied at a time are neighbours in memory:
    along the last spatial axis a window with its channels, or, where that is short, a whole line.
    """
    if w.trivial:
        yield slice(0, len(x)), flat(x)
        return
    xp, lengths, channels = array_module(x), x.shape[1:-1], x.shape[-1]
    rows, width = prod(w.count), prod(w.size) * channels
    axes = len(lengths)
    by_line = (*range(axes + 1, 2 * axes + 2), *range(axes + 1))  # the axes of a window in front
    room: list[Array] = []  # for a padded block, and for its patches
    for images in blocks(len(x), rows * width):
        n = images.stop - images.start
        if not room:
            room = [padded_zeros(w, n, lengths, x), xp.empty(n * rows * width, x.dtype)]
        block = x[images]
        if w.padded:
            block = room[0][:n]
            block[inside(w, lengths)] = x[images]
        view = window_view(block, w)
        view = view if channels > 2 else view.transpose(by_line)
        numbers = room[1][: n * rows * width]
        numbers.reshape(view.shape)[...] = view
        shape = (n * rows, width)
        yield images, numbers.reshape(shape) if channels > 2 else numbers.reshape(shape[::-1]).T


def window_view(x: Array, w: Windows) -> Array:
    """(batch, *count, *size, channels): every window of a padded input, without copying it."""
    batch, *axes, channel = x.strides
    steps = [a * s for a, s in zip(axes, w.strides, strict=True)]
    elements = [a * d for a, d in zip(axes, w.dilation, strict=True)]
    return array_module(x).lib.stride_tricks.as_strided(
        x, (len(x), *w.count, *w.size, x.shape[-1]), (batch, *steps, *elements, channel)
    )
