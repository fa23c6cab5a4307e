"""Products with weights: dense layers, embeddings, einsum."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import layers, ops
from .behind import behind
from .graph import Node
from .reader import Reader, Reads
from .views import Constant, View, whole


def matmul(r: Reader, node: Node) -> View:
    kernel = r.constant(node, 1)
    if kernel is None or kernel.ndim != 2 or not kernel.sources or r.view(node).ndim < 2:
        return whole(r.view(node, 0).plain() @ r.view(node, 1).plain())
    return dense(r, node, kernel, kernel.array)


def gemm(r: Reader, node: Node) -> View:
    alpha, beta = node.options.get("alpha", 1.0), node.options.get("beta", 1.0)
    flips = [bool(node.options.get(name, 0)) for name in ("transA", "transB")]
    kernel, bias = r.constant(node, 1), None
    fits = kernel is not None and kernel.sources and not flips[0] and alpha == beta == 1
    if r.has(node, 2):
        bias = r.constant(node, 2)
        fits = fits and bias is not None and bool(bias.sources) and bias.ndim == 1
    if fits and kernel is not None:
        array = kernel.array.T if flips[1] else kernel.array
        if bias is None or bias.shape == array.shape[1:]:
            return dense(r, node, kernel, array)
    a, b = (r.view(node, i).arranged([1, 0] if flips[i] else [0, 1]) for i in (0, 1))
    y: Any = a @ b
    y = y if alpha == 1 else y * alpha
    if not r.has(node, 2):
        return whole(y)
    c: Any = r.view(node, 2).plain()
    return whole(y + (c if beta == 1 else c * beta))


def dense(r: Reader, node: Node, kernel: Constant, array: np.ndarray) -> View:
    x = r.view(node).plain()
    bias, act = behind(r, node, kernel, array.shape[1], 0, x.ndim)
    weights = {"kernel": kernel, "bias": bias}
    y = r.layer(
        node,
        layers.Dense,
        x,
        weights,
        {"kernel": array},
        units=array.shape[1],
        use_bias=bias is not None,
        activation=act,
    )
    return whole(y)


def gather(r: Reader, node: Node) -> View:
    axis = node.options.get("axis", 0)
    table, ids = r.constant(node, 0), r.value(node, 1)
    if isinstance(ids, Constant):
        x = r.view(node)
        where = axis % x.ndim
        if x.axes[where] is None and not ids.ndim:
            return x.without([where], x.tensor)
        x = x.solid()
        if ids.ndim:
            y = x.plain()[(*[slice(None)] * where, ids.array)]
            return whole(y)
        index = tuple(int(ids.array) if a == x.axes[where] else slice(None) for a in range(x.ndim))
        return x.without([where], x.tensor[index])
    found: Any = ids.plain()
    if found.step is not None:  # what is computed may count from the end; ids that are given do not
        n = r.value(node, 0).shape[axis]
        found = ops.where(ops.less(found, 0), found + n, found) if n else found
    if table is not None and table.sources and table.ndim == 2 and axis == 0:
        size: dict[str, Any] = {"input_dim": table.shape[0], "output_dim": table.shape[1]}
        weights = {"embeddings": table}
        return whole(r.layer(node, layers.Embedding, found, weights, **size))
    of = r.view(node)
    if axis == 0 and of.ndim == 2 and of.tensor.value is not None:  # a table that is shared
        return whole(ops.embedding(found, of.plain()))
    raise node.refuse("it picks by ids of the data from what is no table of two axes")


READ: Reads = {"Gather": gather, "Gemm": gemm, "MatMul": matmul}
