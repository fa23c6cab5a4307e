"""Nodes that become ops of ours, on tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from .. import ops
from ..engine.graph import Tensor
from .graph import SAMPLES, Node, is_open, shape_of
from .reader import Reader, as_floats
from .views import Constant, View, together, whole

# ---------------------------------------------------------------- element by element

ALONE: dict[str, Callable[..., Any]] = {
    "Abs": ops.absolute,
    "Acos": ops.arccos,
    "Acosh": ops.arccosh,
    "Asin": ops.arcsin,
    "Asinh": ops.arcsinh,
    "Atan": ops.arctan,
    "Atanh": ops.arctanh,
    "Ceil": ops.ceil,
    "Cos": ops.cos,
    "Cosh": ops.cosh,
    "Erf": ops.erf,
    "Exp": ops.exp,
    "Floor": ops.floor,
    "Identity": lambda x: x,
    "Log": ops.log,
    "Neg": ops.negative,
    "Not": ops.logical_not,
    "Reciprocal": lambda x: 1.0 / x,
    "Relu": ops.relu,
    "Round": ops.round_,
    "Sigmoid": ops.sigmoid,
    "Sign": ops.sign,
    "Sin": ops.sin,
    "Sinh": ops.sinh,
    "Softplus": ops.softplus,
    "Softsign": ops.softsign,
    "Sqrt": ops.sqrt,
    "Tan": ops.tan,
    "Tanh": ops.tanh,
}

PAIRS: dict[str, Callable[..., Any]] = {
    "Add": ops.add,
    "And": ops.logical_and,
    "Div": ops.divide,
    "Equal": ops.equal,
    "Greater": ops.greater,
    "GreaterOrEqual": ops.greater_equal,
    "Less": ops.less,
    "LessOrEqual": ops.less_equal,
    "Max": lambda *xs: reduce(ops.maximum, xs),
    "Mean": lambda *xs: reduce(ops.add, xs) * (1 / len(xs)),
    "Min": lambda *xs: reduce(ops.minimum, xs),
    "Mul": ops.multiply,
    "Or": ops.logical_or,
    "Pow": ops.power,
    "Sub": ops.subtract,
    "Sum": lambda *xs: reduce(ops.add, xs),
    "Where": ops.where,
}


def alone(r: Reader, node: Node) -> View:
    x = r.view(node)
    return View(ALONE[node.op](x.tensor), x.axes)


def pairs(r: Reader, node: Node) -> View:
    xs = r.views(node)
    if node.op == "Div" and all(np.dtype(kind(x)).kind in "iu" for x in xs):
        raise node.refuse("a division of whole numbers is not read")
    if node.op == "Pow" and np.dtype(kind(xs[0])).kind in "iu":
        raise node.refuse("a power of whole numbers is not read")
    return together(xs, PAIRS[node.op])


def kind(x: View | Constant) -> Any:
    return x.tensor.dtype if isinstance(x, View) else x.array.dtype


def mod(r: Reader, node: Node) -> View:
    if node.options.get("fmod", 0):
        raise node.refuse("fmod=1, a remainder with the sign of the dividend, is not read")
    return together(r.views(node), ops.mod)


def clip(r: Reader, node: Node) -> View:
    x = r.view(node)
    low, high = (r.setting(node, name, i) for i, name in ((1, "min"), (2, "max")))
    y = x.tensor if low is None else ops.maximum(x.tensor, low)
    return View(y if high is None else ops.minimum(y, high), x.axes)


def with_options(
    op: Callable[..., Any], *rows: tuple[str, str, float]
) -> Callable[[Reader, Node], View]:
    """An op with attributes: their names here, in ONNX, and the default there."""

    def read(r: Reader, node: Node) -> View:
        x = r.view(node)
        options = {ours: node.options.get(name, default) for ours, name, default in rows}
        return View(op(x.tensor, **options), x.axes)

    return read


def hard_sigmoid(x: Tensor, *, alpha: float, beta: float) -> Any:
    if abs(alpha - 1 / 6) < 1e-7 and beta == 0.5:
        return ops.hard_sigmoid(x)
    return ops.minimum(ops.maximum(x * alpha + beta, 0.0), 1.0)


def hard_swish(x: Tensor) -> Any:
    return x * ops.hard_sigmoid(x)


def celu(x: Tensor, *, alpha: float) -> Any:
    return ops.elu(x / alpha) * alpha  # type: ignore[operator]


def mish(x: Tensor) -> Any:
    return x * ops.tanh(ops.softplus(x))


def selu(r: Reader, node: Node) -> View:
    alpha, gamma = node.options.get("alpha", 1.67326), node.options.get("gamma", 1.0507)
    x = r.view(node)
    usual = abs(alpha - 1.67326) < 1e-4 and abs(gamma - 1.0507) < 1e-4
    y: Any = ops.selu(x.tensor) if usual else ops.elu(x.tensor, alpha=alpha) * gamma
    return View(y, x.axes)


def gelu(r: Reader, node: Node) -> View:
    x = r.view(node)
    if node.text("approximate", "none") == "none":
        return View(ops.gelu(x.tensor), x.axes)
    t: Any = x.tensor
    y = 0.5 * t * (1 + ops.tanh(0.7978845608028654 * (t + 0.044715 * (t * t * t))))
    return View(y, x.axes)


def prelu(r: Reader, node: Node) -> View:
    def slope(x: Any, alpha: Any) -> Any:
        above = ops.relu(x)
        return above + alpha * (x - above)

    xs, alpha = r.views(node), r.constant(node, 1)
    if alpha is not None and alpha.sources:  # one number is a weight, too
        xs[1] = whole(r.parameter(alpha))
    return together(xs, slope)


def cast(r: Reader, node: Node) -> View:
    x = r.view(node)
    to = np.dtype(r.graph.type_of(node.options["to"]))
    now = np.dtype(x.tensor.dtype)
    if to.kind == "f":
        y = ops.where(x.tensor, 1.0, 0.0) if now.kind == "b" else x.tensor
        return View(as_floats(y), x.axes)
    if to.kind == "b":
        return View(ops.not_equal(x.tensor, 0), x.axes)
    if now.kind in "iu":
        return x
    raise node.refuse(f"a cast of {now} to {to} has no op here")


# ---------------------------------------------------------------- many numbers to one


def over_axes(r: Reader, node: Node) -> View:
    x = r.view(node)
    axes = r.setting(node, "axes", 1, [])
    keepdims = bool(node.options.get("keepdims", 1))
    if not axes and node.options.get("noop_with_empty_axes", 0):
        return x if node.op not in BEFORE else View(BEFORE[node.op](x.tensor), x.axes)
    places = [a % x.ndim for a in axes] or list(range(x.ndim))
    real = tuple(a for a in (x.axes[place] for place in places) if a is not None)
    if node.op in ("ReduceMax", "ReduceMin", "ReduceLogSumExp") and 0 in x.shape:
        raise node.refuse("the largest of no numbers is not known here")
    t = BEFORE.get(node.op, lambda t: t)(x.tensor)
    y = REDUCTIONS[node.op](t, axis=real) if real else nothing_reduced(node, t)
    return x.without(places, y, keepdims)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceL1": ops.sum_,
    "ReduceL2": ops.norm,
    "ReduceLogSum": lambda x, axis: ops.log(ops.sum_(x, axis=axis)),
    "ReduceLogSumExp": ops.logsumexp,
    "ReduceMax": ops.max_,
    "ReduceMean": ops.mean,
    "ReduceMin": ops.min_,
    "ReduceProd": ops.prod,
    "ReduceSum": ops.sum_,
    "ReduceSumSquare": ops.sum_,
}
BEFORE: dict[str, Callable[..., Any]] = {"ReduceL1": ops.absolute, "ReduceSumSquare": ops.square}


def nothing_reduced(node: Node, x: Tensor) -> Any:
    if node.op == "ReduceL2":
        return ops.absolute(x)
    return ops.log(x) if node.op == "ReduceLogSum" else x


def arg(r: Reader, node: Node) -> View:
    x = r.view(node).solid()
    place = r.axis(node, x, 0)
    if node.options.get("select_last_index", 0):
        raise node.refuse("select_last_index is not read")
    op = ops.argmax if node.op == "ArgMax" else ops.argmin
    y = op(x.tensor, axis=x.axes[place])
    return x.without([place], y, bool(node.options.get("keepdims", 1)))


def along(r: Reader, node: Node) -> View:
    """Softmax and its logarithm."""
    x = r.view(node).solid()
    place = r.axis(node, x, -1 if node.opset >= 13 else 1)
    if node.opset < 13 and place != x.ndim - 1:
        raise node.refuse("before opset 13 it joins all axes from its own on; the last is read")
    op = ops.softmax if node.op == "Softmax" else ops.log_softmax
    return View(op(x.tensor, axis=x.axes[place]), x.axes)


def cumsum(r: Reader, node: Node) -> View:
    x = r.view(node).solid()
    if node.options.get("exclusive", 0) or node.options.get("reverse", 0):
        raise node.refuse("exclusive and reverse are not read")
    place = int(np.reshape(r.setting(node, "axis", 1), ())) % x.ndim
    return View(ops.cumsum(x.tensor, axis=x.axes[place]), x.axes)


# ---------------------------------------------------------------- shapes


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
    x = r.view(node)
    asked = [int(n) for n in r.setting(node, "shape", 1)]
    if node.options.get("allowzero", 0) and 0 in asked:
        raise node.refuse("allowzero is not read")
    return whole(ops.reshape(x.plain(), shape=new_shape(r, node, x, asked)))


def new_shape(r: Reader, node: Node, x: View, asked: list[int]) -> tuple[int, ...]:
    """A shape in which one length at most is left open: that which only the data know."""
    old = list(x.shape)
    new = [
        old[i] if n == 0 and i < len(old) else None if is_open(n) else n
        for i, n in enumerate(asked)
    ]
    if r.batch is not None and None in old and None not in new and new:
        where = old.index(None)  # the file has a number where any number of samples fits
        if where < len(new) and new[where] == r.batch:
            new[where] = None
    known, rest = prod(n for n in old if n is not None), [i for i, n in enumerate(new) if n == -1]
    fixed = prod(n for n in new if n is not None and n != -1)
    if rest and None in new and old.count(None) == 1:
        if fixed == 0 or known % fixed:
            raise node.refuse(f"{x.shape} cannot become {asked}")
        new[rest[0]] = known // fixed
    lengths = tuple(-1 if n is None else n for n in new)
    if lengths.count(-1) > 1:
        raise node.refuse(f"{x.shape} would become {asked}, where several lengths are unknown")
    if None in old and -1 not in lengths:
        raise node.refuse(
            f"{x.shape} would become {tuple(asked)}, with a number of samples of its own: export "
            f"the network with a batch of any length (dynamic_axes, dynamic_shapes)"
        )
    return lengths


def expand(r: Reader, node: Node) -> View:
    x, asked = r.view(node), [int(n) for n in r.setting(node, "shape", 1)]
    wide = x.wide(max(x.ndim, len(asked)))
    asked = [1] * (wide.ndim - len(asked)) + asked
    own = zip(asked, wide.shape, strict=True)
    ones = [1 if is_open(n) or m == n or (m is None and n == r.batch) else n for n, m in own]
    places = [i for i, n in enumerate(asked) if is_open(n) and wide.shape[i] == 1]
    if places:  # one for all samples, as the first token of a transformer
        if len(places) > 1 or asked[places[0]] != SAMPLES:
            raise node.refuse("only one sample is made as many as the batch has")
        axes = tuple(0 if i == places[0] else None for i in range(wide.ndim))
        wide = together([wide, View(one_per_sample(r), axes)], ops.multiply)
    if set(ones) <= {1}:
        return wide
    if np.dtype(x.tensor.dtype).kind != "f":
        raise node.refuse("only floats are expanded")
    return together([wide, Constant(np.ones(ones, x.tensor.dtype), None)], ops.multiply)


def one_per_sample(r: Reader) -> Tensor:
    """The number 1 as often as the batch has samples."""
    x = r.values[r.graph.inputs[0].name].tensor
    first = x[(slice(None), *[0] * (x.ndim - 1))]
    return as_floats(ops.where(ops.logical_or(ops.not_equal(first, 0), True), 1.0, 0.0))


def concat(r: Reader, node: Node) -> View:
    xs = [r.view(node, i).solid() for i in range(len(node.inputs))]
    guide = next((x for x in xs if x.tensor.value is None), xs[0])
    place = r.axis(node, guide, 0)
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
        sizes = r.setting(node, "sizes", 3)
        pairs = zip(sizes, x.shape, strict=True)
        scales = [1 if is_open(n) or m is None else n / m for n, m in pairs]
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
    return Constant(shape_of(x)[start:end], ("shape", node.outputs[0]))


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


def einsum(r: Reader, node: Node) -> View:
    xs = [r.view(node, i).plain() for i in range(len(node.inputs))]
    return whole(ops.einsum(*xs, subscripts=node.text("equation").replace(" ", "")))


TO_OPS: dict[str, Callable[[Reader, Node], Any]] = (
    dict.fromkeys(ALONE, alone)
    | dict.fromkeys(PAIRS, pairs)
    | dict.fromkeys(REDUCTIONS, over_axes)
    | {
        "ArgMax": arg,
        "ArgMin": arg,
        "Cast": cast,
        "Celu": with_options(celu, ("alpha", "alpha", 1.0)),
        "Clip": clip,
        "Concat": concat,
        "CumSum": cumsum,
        "Einsum": einsum,
        "Elu": with_options(ops.elu, ("alpha", "alpha", 1.0)),
        "Expand": expand,
        "Gelu": gelu,
        "HardSigmoid": with_options(hard_sigmoid, ("alpha", "alpha", 0.2), ("beta", "beta", 0.5)),
        "HardSwish": with_options(hard_swish),
        "LeakyRelu": with_options(ops.leaky_relu, ("negative_slope", "alpha", 0.01)),
        "LogSoftmax": along,
        "Mish": with_options(mish),
        "Mod": mod,
        "PRelu": prelu,
        "Pad": pad,
        "Reshape": reshape,
        "Resize": resize,
        "Selu": selu,
        "Shape": shape,
        "Slice": slice_,
        "Softmax": along,
        "Split": split,
        "Squeeze": squeeze,
        "Tile": tile,
        "Transpose": transpose,
        "Unsqueeze": unsqueeze,
        "Upsample": resize,
    }
)
