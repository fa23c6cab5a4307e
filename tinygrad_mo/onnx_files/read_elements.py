"""Ops that are computed element by element."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from .. import ops
from ..engine.graph import Tensor
from .graph import Node
from .reader import Reader, Reads, as_floats
from .views import Constant, View, together, whole

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
    xs = r.for_any_batch(r.views(node))
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
        return View(as_floats(x.tensor), x.axes)
    if to.kind == "b":
        return View(ops.not_equal(x.tensor, 0), x.axes)
    if now.kind in "iu":
        return x
    raise node.refuse(f"a cast of {now} to {to} has no op here")


READ: Reads = {
    **dict.fromkeys(ALONE, alone),
    **dict.fromkeys(PAIRS, pairs),
    "Cast": cast,
    "Celu": with_options(celu, ("alpha", "alpha", 1.0)),
    "Clip": clip,
    "Elu": with_options(ops.elu, ("alpha", "alpha", 1.0)),
    "Gelu": gelu,
    "HardSigmoid": with_options(hard_sigmoid, ("alpha", "alpha", 0.2), ("beta", "beta", 0.5)),
    "HardSwish": with_options(hard_swish),
    "LeakyRelu": with_options(ops.leaky_relu, ("negative_slope", "alpha", 0.01)),
    "Mish": with_options(mish),
    "Mod": mod,
    "PRelu": prelu,
    "Selu": selu,
}
