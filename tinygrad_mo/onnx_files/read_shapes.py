"""Ops that move, pick, join and repeat numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from .. import layers, ops
from ..engine.graph import Tensor
from .graph import Node
from .lengths import SAMPLES, is_open, open_once, reshaped, told
from .reader import Reader, Reads, as_floats
from .views import Constant, View, together, whole


def transpose(r: Reader, node: Node) -> View:
    x = r.view(node)
    perm = node.options.get("perm", range(x.ndim)[::-1])
    return View(x.tensor, tuple(x.axes[a] for a in perm))


def unsqueeze(r: Reader, node: Node) -> View:
    x = r.view(node)
    places = r.setting(node, "axes", 1)
    places = {a % (x.ndim + len(places)) for a in np.reshape(places, -1).tolist()}
    axes = iter(x.axes)
    wide = range(x.ndim + len(places))
    return View(x.tensor, tuple(None if i in places else next(axes) for i in wide))


def squeeze(r: Reader, node: Node) -> View:
    x = r.view(node)
    axes = r.setting(node, "axes", 1)
    axes = [i for i, n in enumerate(x.shape) if n == 1] if axes is None else axes
    places = [a % x.ndim for a in axes]
    if any(x.shape[a] != 1 for a in places):
        raise node.refuse(f"axes {places} of {x.shape} cannot be left out: they are not 1 long")
    real = {x.axes[a] for a in places} - {None}
    index = tuple(0 if a in real else slice(None) for a in range(x.tensor.ndim))
    return x.without(places, x.tensor[index] if real else x.tensor)


def reshape(r: Reader, node: Node) -> View:
    x, asked = r.view(node).solid(), [int(n) for n in r.setting(node, "shape", 1)]
    if node.options.get("allowzero", 0) and 0 in asked:
        raise node.refuse("allowzero is not read")
    found = reshaped(x.lengths, asked, x.batch, x.rows[0], r.fixed)
    new, outer = found or (asked, 1)
    lengths = open_once(x.lengths, new) if found else None
    if lengths is None:
        why = "several lengths of it are not known" if found else "it does not hold as many numbers"
        raise node.refuse(f"{told(x.lengths)} would become {told(new)}: {why}")
    both = next((n // SAMPLES for n in new if n % SAMPLES == 0), 1)
    return whole(ops.reshape(x.plain(), shape=lengths))._replace(rows=(outer, both // outer))


def expand(r: Reader, node: Node) -> View:
    x, asked = r.view(node), [int(n) for n in r.setting(node, "shape", 1)]
    wide = x.wide(max(x.ndim, len(asked)))
    asked = [1] * (wide.ndim - len(asked)) + asked
    for place, (n, m) in enumerate(zip(asked, wide.lengths, strict=True)):
        if m != 1 or (n == r.fixed and place < 2 and wide.batch is None):
            continue  # there already, or broadcast where the samples are met
        if n == SAMPLES:  # one for all samples, as the first token of a transformer
            wide = for_each_sample(r, wide, place)
        elif is_open(n):
            raise node.refuse("only one sample is made as many as the batch has")
        elif n != 1:
            ones = np.ones([n] + [1] * (wide.ndim - place - 1), wide.tensor.dtype)
            combine = ops.logical_and if ones.dtype == bool else ops.multiply
            wide = together([wide, Constant(ones, None)], combine, numbers=False)
    return wide


def for_each_sample(r: Reader, x: View, place: int) -> View:
    """As many as the batch has samples of what is one along this axis."""
    given = next(iter(r.values.values())).tensor
    first = given[(slice(None), *[0] * (given.ndim - 1))]
    ones = as_floats(ops.logical_or(ops.not_equal(first, 0), True))
    axes = tuple(0 if i == place else None for i in range(x.ndim))
    return together([x, View(ones, axes)], ops.multiply)


def concat(r: Reader, node: Node) -> View:
    xs = r.for_any_batch([r.view(node, i).solid() for i in range(len(node.inputs))])
    guide = next((x for x in xs if x.batch is not None), xs[0])
    place, batch = r.axis(node, guide, 0), guide.batch
    if batch is not None:
        xs = [x if x.batch is not None else for_each_sample(r, x, batch) for x in xs]
    order = guide.order()
    y = ops.concatenate(*(x.arranged(order) for x in xs), axis=order.index(place))
    return View(y, guide.axes)


def split(r: Reader, node: Node) -> list[View]:
    x = r.view(node).solid()
    place = r.axis(node, x, 0)
    n, count = x.shape[place], len(node.outputs)
    if n is None:
        raise node.refuse("the length of what it splits depends on the data")
    each = -(-n // node.options.get("num_outputs", count))
    sizes = r.setting(node, "split", 1, [each] * (count - 1) + [n - each * (count - 1)])
    stops = np.cumsum([0, *sizes]).tolist()
    spans = pairwise(stops)
    return [View(picked(x, place, slice(a, b)), x.axes) for a, b in spans]


def picked(x: View, place: int, index: Any) -> Tensor:
    """The tensor with this index at an axis of ONNX."""
    return x.tensor[
        tuple(index if a == x.axes[place] else slice(None) for a in range(x.tensor.ndim))
    ]


def slice_(r: Reader, node: Node) -> View:
    x = r.view(node).solid()
    starts, ends = (r.setting(node, name, i) for i, name in ((1, "starts"), (2, "ends")))
    axes = r.setting(node, "axes", 3, list(range(len(starts))))
    steps = r.setting(node, "steps", 4, [1] * len(starts))
    for start, end, a, step in zip(starts, ends, axes, steps, strict=True):
        place = a % x.ndim
        n = x.shape[place]
        if n is None and not (step == 1 and start == 0 and (end >= 2**31 - 1 or is_open(end))):
            stop = None if end >= 2**31 - 1 or end < -(2**31) or is_open(end) else end
            first = None if step < 0 and start >= 2**31 - 1 else start
            x = View(picked(x, place, slice(first, stop, step)), x.axes)
        elif n is not None:
            span = slice(*slice(start, end if end >= -n - 1 or step > 0 else None, step).indices(n))
            stop = None if span.stop < 0 else span.stop
            if (span.start, stop, span.step) != (0, n, 1):
                x = View(picked(x, place, slice(span.start, stop, span.step)), x.axes)
    return x


def pad(r: Reader, node: Node) -> View:
    x = r.view(node).solid()
    r.only(node, {"mode": ["constant"]})
    value = r.setting(node, "value", 2, 0.0)
    pads = r.setting(node, "pads", 1)
    axes = [a % x.ndim for a in r.setting(node, "axes", 3, list(range(x.ndim)))]
    n = len(axes)
    widths = [(0, 0)] * x.ndim
    for place, before, behind in zip(axes, pads[:n], pads[n:], strict=True):
        widths[place] = (before, behind)
    if min(min(pair) for pair in widths) < 0:
        raise node.refuse("pads below 0 are not read; Slice is")
    in_order = tuple(widths[a] for a in x.order())
    y: Any = ops.zero_pad(x.tensor, widths=in_order)
    if value:
        lengths = [
            1 if pair == (0, 0) else n for n, pair in zip(x.tensor.shape, in_order, strict=True)
        ]
        if None in lengths:
            raise node.refuse("a value other than 0 needs to know the length of what is padded")
        inside = np.zeros(lengths, np.dtype(y.dtype))  # type: ignore[arg-type]
        y = y + np.pad(inside, in_order, constant_values=value)
    return View(y, x.axes)


def resize(r: Reader, node: Node) -> View:
    x = r.view(node).solid()
    r.only(
        node,
        {
            "mode": ["nearest"],
            "coordinate_transformation_mode": ["asymmetric", "half_pixel", "pytorch_half_pixel"],
        },
    )
    scales = r.setting(node, "scales", 1 if node.op == "Upsample" or node.opset < 11 else 2)
    if node.options.get("axes"):
        raise node.refuse("axes are not read")
    if not scales:
        pairs = zip(r.setting(node, "sizes", 3), x.lengths, strict=True)
        scales = [1 if i == x.batch else n / m for i, (n, m) in enumerate(pairs)]
    way = node.text("coordinate_transformation_mode", "half_pixel")
    rounds = node.text("nearest_mode", "round_prefer_floor")
    newer = node.op == "Resize" and node.opset >= 11
    repeats = rounds == "floor" if way == "asymmetric" else rounds.startswith("round")
    if any(s != int(s) or s < 1 for s in scales) or (newer and not repeats):
        raise node.refuse("only whole scales, with each number repeated, are read")
    y = x.tensor
    for place, scale in enumerate(scales):
        if scale > 1:
            y = ops.repeat(y, times=int(scale), axis=x.axes[place])
    return View(y, x.axes)


def shape(r: Reader, node: Node) -> Constant:
    x = r.view(node)
    start, end = node.options.get("start", 0), node.options.get("end", x.ndim)
    return Constant(np.array(x.lengths[start:end], np.int64), ("shape", node.outputs[0]))


def tile(r: Reader, node: Node) -> View:
    x, times = r.view(node).solid(), r.setting(node, "repeats", 1)
    order = x.order()
    y = x.tensor
    for axis, place in enumerate(order):
        if times[place] != 1:
            if axis == 0 and x.axes[place] == 0 and y.value is None:
                raise node.refuse("it would repeat the samples of a batch")
            y = ops.concatenate(*[y] * int(times[place]), axis=axis)
    return View(y, x.axes)


def flatten(r: Reader, node: Node) -> View:
    x = r.view(node)
    axis = node.options.get("axis", 1)
    if (axis + x.ndim if axis < 0 else axis) != 1:
        raise node.refuse(f"axis={axis} is not read, axis=1 is")
    tensor = x.plain()
    return whole(r.layer(node, layers.Flatten, tensor))


READ: Reads = {
    **{"Concat": concat, "Expand": expand, "Flatten": flatten, "Pad": pad, "Reshape": reshape},
    **{"Resize": resize, "Shape": shape, "Slice": slice_, "Split": split, "Squeeze": squeeze},
    **{"Tile": tile, "Transpose": transpose, "Unsqueeze": unsqueeze, "Upsample": resize},
}
