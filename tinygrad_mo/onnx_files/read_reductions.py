"""Ops that make one number of many, or look along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..engine.graph import Tensor
from .graph import Node
from .reader import Reader, Reads
from .views import View, whole


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


def einsum(r: Reader, node: Node) -> View:
    xs = [r.view(node, i).plain() for i in range(len(node.inputs))]
    return whole(ops.einsum(*xs, subscripts=node.text("equation").replace(" ", "")))


READ: Reads = {
    **dict.fromkeys(REDUCTIONS, over_axes),
    **{"ArgMax": arg, "ArgMin": arg, "LogSoftmax": along, "Softmax": along},
    **{"CumSum": cumsum, "Einsum": einsum},
}
