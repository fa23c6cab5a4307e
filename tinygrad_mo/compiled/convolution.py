"""Convolutions over one or two axes, by `kernels/cpu/convolution.c` and `winograd.c`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..device import Array, in_parts, winograd_allowed
from ..ops.contract import flat, rows_of
from ..ops.linear import column_sums
from ..ops.windows import Windows, lengths_before, windows_over
from .registry import call_c, call_c_in_parts, contiguous, cotangent, twin_of, usable

PER_OUTPUT = 16  # besides the products: the time, in multiplications


@twin_of("convolution")
def convolution(x, kernel, bias, *, strides, padding, dilation_rate, groups=1):
    if groups != 1:
        options = {"strides": strides, "padding": padding, "dilation_rate": dilation_rate}
        return by_group(x, kernel, bias, groups, options)
    if not usable(x, kernel, bias) or not fits(x, kernel, bias, -2):
        return NotImplemented
    w = windows_over(x.shape[1:-1], kernel.shape[:-2], strides, dilation_rate, padding)
    if w.trivial:  # a product of two matrices, which NumPy does well
        return NotImplemented
    x, kernel = contiguous(x), contiguous(kernel)
    y = correlate(x, kernel, bias, w)

    def pull_x(g):
        images = cotangent(g, y).reshape(-1, *y.shape[1:])
        return spread_back(images, kernel, w, x.shape[1:-1]).reshape(rows_of(g, y) + x.shape)

    def pull_kernel(g):
        total = np.zeros(rows_of(g, y) + kernel.shape, x.dtype)
        for row, to in zip(cotangent(g, y), total, strict=True):
            add_kernel_gradient(x, row, w, to)
        return total

    return y, (pull_x, pull_kernel, lambda g: column_sums(flat(g, rows_of(g, y))))


def by_group(x: Array, kernel: Array, bias: Array | None, groups: int, options: Any) -> Any:
    """A convolution for each group of channels, with its part of the filters."""
    if x.shape[-1] != groups * kernel.shape[-2] or kernel.shape[-1] % groups:
        return NotImplemented
    arrays = (x, kernel, bias)
    parts = [[None] * groups if a is None else np.split(a, groups, axis=-1) for a in arrays]
    made = [convolution(*each, **options) for each in zip(*parts, strict=True)]
    if NotImplemented in made:
        return NotImplemented

    def pull(i):
        def pull_back(g):
            each = zip(made, np.split(cotangent(g, y), groups, axis=-1), strict=True)
            return np.concatenate([pulls[i](part) for (_, pulls), part in each], axis=-1)

        return pull_back

    y = np.concatenate([value for value, _ in made], axis=-1)
    return y, (pull(0), pull(1), pull(2))


@twin_of("transposed_convolution")
def transposed_convolution(x, kernel, bias, *, strides, padding, dilation_rate):
    if not usable(x, kernel, bias) or not fits(x, kernel, bias, -1):
        return NotImplemented
    lengths = lengths_before(x.shape[1:-1], kernel.shape[:-2], strides, dilation_rate, padding)
    w = windows_over(lengths, kernel.shape[:-2], strides, dilation_rate, padding)
    x, kernel = contiguous(x), contiguous(kernel)
    y = spread_back(x, kernel, w, lengths)
    if bias is not None:
        y += bias

    def pull_x(g):
        images = cotangent(g, y).reshape(-1, *y.shape[1:])
        return correlate(images, kernel, None, w).reshape(rows_of(g, y) + x.shape)

    def pull_kernel(g):
        total = np.zeros(rows_of(g, y) + kernel.shape, x.dtype)
        for row, to in zip(cotangent(g, y), total, strict=True):
            add_kernel_gradient(row, x, w, to)
        return total

    return y, (pull_x, pull_kernel, lambda g: column_sums(flat(g, rows_of(g, y))))


def fits(x: Array, kernel: Array, bias: Array | None, channels: int) -> bool:
    """Is all in order? Otherwise the NumPy rule says what is wrong. channels: the kernel's axis."""
    filters = kernel.shape[-3 - channels]
    return (
        kernel.ndim in (3, 4)
        and kernel.ndim == x.ndim
        and kernel.shape[channels] == x.shape[-1]
        and (bias is None or bias.shape == (filters,))
    )


class Axis(NamedTuple):
    """One spatial axis of a correlation, as the C code wants it."""

    length: int  # of the input
    before: int  # zeros that the frame has before it
    full: int  # the length of the frame
    step: int  # from window to window
    starts: tuple[int, ...]  # of the elements of the first window, in the frame
    windows: int  # how many there are
    out_step: int  # from result to result, in the output


ONE = Axis(1, 0, 1, 1, (0,), 1, 1)  # what a sequence has above its only axis


def correlate(x: Array, kernel: Array, bias: Array | None, w: Windows) -> Array:
    """Each window of x times the kernel, plus bias."""
    y = np.empty((len(x), *w.count, kernel.shape[-1]), x.dtype)
    bias = None if bias is None else contiguous(bias)
    if suits_winograd(w, kernel):
        by_winograd(x, kernel, bias, w.pads, y)
    else:
        by_products(x, kernel, bias, axes_of(x, w), y)
    return y


def by_winograd(x: Array, kernel: Array, bias: Array | None, pads: Any, y: Array) -> None:
    cost, arrays = cost_of(y.size, kernel) / 2, (x, kernel, bias, y)
    call_c_in_parts("winograd_correlate", cost, winograd_shape(x, y, pads), *arrays, whole=(2, 3))


def by_products(
    x: Array, kernel: Array, bias: Array | None, axes: Any, y: Array, start: Any = ()
) -> None:
    """start: where in y the first result goes."""
    cost = cost_of(len(x) * prod(axis.windows for axis in axes) * y.shape[-1], kernel)
    where = windows_of(x, axes, y)
    call_c_in_parts("correlate", cost, *where, kernel, bias, y[start], whole=(2, 3, 4))


def cost_of(outputs: int, kernel: Array) -> float:
    return outputs * (prod(kernel.shape[:-1]) + PER_OUTPUT)


def add_kernel_gradient(x: Array, g: Array, w: Windows, total: Array) -> None:
    """How the kernel of `correlate` takes part, put into `total`, which holds zeros.

    Each part of the batch makes a sum of its own. They are added in order: the same bits each time.
    """
    suited = suits_winograd(w, total)

    def work(part: slice) -> Array:
        images, of_images = x[part], g[part]
        own = np.zeros_like(total) if part.start else total
        if suited:
            shape = winograd_shape(images, g, w.pads)
            call_c("winograd_kernel_gradient", shape, images, of_images, own)
        else:
            call_c("kernel_gradient", *windows_of(images, axes_of(x, w), g), of_images, own)
        return own

    cost = cost_of(g.size, total) / (2 if suited else 1)
    for more in in_parts(len(x), work, cost)[1:]:
        total += more


def spread_back(g: Array, kernel: Array, w: Windows, lengths: tuple[int, ...]) -> Array:
    """How the input of `correlate` takes part: every window hands g back to its elements.

    With strides (2, 2), say, elements at even places are in other windows than those at odd ones.
    Each of these four parts of the input correlates g with its own part of the kernel.
    """
    gx = room_for_input((len(g), *lengths, kernel.shape[-2]), w)
    if suits_winograd(w, kernel):
        pads = tuple((2 - before, 2 - behind) for before, behind in w.pads)
        turned = contiguous(kernel[::-1, ::-1].swapaxes(-1, -2))
        by_winograd(g, turned, None, pads, gx)
        return gx
    for axes, elements, start in parts_of_input(w, lengths):
        some = contiguous(kernel[elements].swapaxes(-1, -2))
        by_products(g, some, None, axes, gx, start)
    return gx


def room_for_input(shape: tuple[int, ...], w: Windows) -> Array:
    """Room for a gradient of the input; zeros where there are elements that no window contains."""
    reached = all(k >= step for k, step in zip(w.size, w.strides, strict=True))
    return (np.empty if reached and {*w.dilation} == {1} else np.zeros)(shape, np.float32)


def parts_of_input(w: Windows, lengths: tuple[int, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """For each part: its axes, the elements of the kernel that reach it, and where it begins."""
    for part in product(*map(range, w.strides)):
        of_axes = [part_of_axis(w, i, lengths[i], first) for i, first in enumerate(part)]
        axes, elements = zip(*of_axes, strict=True)
        if all(axis.windows and axis.starts for axis in axes):
            yield axes, np.ix_(*elements), (slice(None), *(slice(first, None) for first in part))


def axes_of(x: Array, w: Windows) -> list[Axis]:
    return [
        Axis(n, before, n + before + behind, step, tuple(range(0, k * d, d)), count, 1)
        for n, (before, behind), step, k, d, count in zip(
            x.shape[1:-1], w.pads, w.strides, w.size, w.dilation, w.count, strict=True
        )
    ]


def part_of_axis(w: Windows, i: int, length: int, first: int) -> tuple[Axis, list[int]]:
    """The places first, first + stride ... of an axis: which elements of which windows are there.

    Place p is element e of window (p + before - e * dilation) / stride, if that is whole.
    """
    step, d, before, windows = w.strides[i], w.dilation[i], w.pads[i][0], w.count[i]
    elements = [e for e in range(w.size[i]) if (first + before - e * d) % step == 0][::-1]
    starts = [(first + before - e * d) // step for e in elements]  # in ascending order
    count = len(range(first, length, step))
    lead = max(0, -min(starts, default=0))
    full = max(lead + windows, lead + max(starts, default=0) + count)
    axis = Axis(windows, lead, full, 1, tuple(s + lead for s in starts), count, step)
    return axis, elements


def windows_of(x: Array, axes: Any, y: Array, runs: bool = True) -> tuple[Array, Array, Array]:
    """What the C code calls `shape`; x; and where each run of numbers starts in a window.

    Without `runs`: where each element is, counted in pixels.
    """
    rows, columns = axes if len(axes) == 2 else (ONE, *axes)
    channels, filters = x.shape[-1], y.shape[-1]
    width = y.shape[-2]
    starts, depth = columns.starts, channels
    if runs and starts == tuple(range(starts[0], starts[0] + len(starts))):  # neighbours: one run
        starts, depth = starts[:1], channels * len(starts)
    unit = channels if runs else 1
    taps = [(a * columns.full + b) * unit for a in rows.starts for b in starts]
    steps = y[0].size, rows.out_step * width * filters, columns.out_step * filters
    frame = rows.before, columns.before, rows.full, columns.full
    windows = rows.step, columns.step, len(taps), depth, rows.windows, columns.windows, filters
    shape = len(x), rows.length, columns.length, channels, *frame, *windows, *steps
    return np.array(shape, np.intp), x, np.array(taps, np.intp)


def suits_winograd(w: Windows, kernel: Array) -> bool:
    """3x3 without strides, and enough channels that the transforms pay."""
    inputs, filters = kernel.shape[-2:]
    return (
        winograd_allowed()
        and w.size == (3, 3)
        and {*w.strides, *w.dilation} == {1}
        and min(inputs, filters) >= 32
        and inputs % 16 == filters % 16 == 0
    )


def winograd_shape(x: Array, y: Array, pads: Any) -> Array:
    before = [first for first, _ in pads]
    return np.array([*x.shape, *before, *y.shape[1:]], np.intp)
