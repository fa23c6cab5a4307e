"""Normalisations and dropout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .. import layers, ops
from .graph import Node
from .reader import Reader, Reads
from .views import Constant, View, channels_first, channels_last, whole


def plain_or(x: Constant, number: float) -> Constant | None:
    """None where a weight is no initializer, and this number throughout."""
    return None if not x.sources and (x.array == number).all() else x


def batch_norm(r: Reader, node: Node) -> View:
    x = r.view(node)
    if node.options.get("training_mode", 0) or r.used(node, 1):
        raise node.refuse("training_mode is not read: fit trains")
    gamma, beta = plain_or(r.needed(node, 1, "scale"), 1), plain_or(r.needed(node, 2, "bias"), 0)
    weights = {"gamma": gamma, "beta": beta}
    for place, label in ((3, "moving_mean"), (4, "moving_variance")):
        moving = r.graph.known.get(node.inputs[place])
        if moving is None:
            raise node.refuse(f"its {label} ({node.inputs[place]!r}) must be constant")
        weights[label] = replace(moving, sources=())
    tensor = channels_last(x) if x.ndim > 2 else x.plain()
    y = r.layer(
        node,
        layers.BatchNormalization,
        tensor,
        weights,
        momentum=min(node.options.get("momentum", 0.9), 1 - 1e-9),
        epsilon=node.options.get("epsilon", 1e-5),
        scale=gamma is not None,
        center=beta is not None,
    )
    return channels_first(y) if x.ndim > 2 else whole(y)


def layer_norm(r: Reader, node: Node) -> View:
    x = r.view(node).plain()
    if r.used(node, 1) or r.used(node, 2):
        raise node.refuse("Mean and InvStdDev are not handed out")
    axis = r.axis(node, whole(x), -1)
    if axis == 0:
        raise node.refuse("it would take means over the samples of a batch")
    lengths: Any = x.shape[axis:]
    axes = tuple(range(axis, x.ndim))
    epsilon = node.options.get("epsilon", 1e-5)
    scale, bias = r.constant(node, 1), r.constant(node, 2)
    if scale is None or (bias is None and r.has(node, 2)):  # weights that others read, too
        own = [r.view(node, i).plain() if r.has(node, i) else None for i in (1, 2)]
        return whole(ops.layer_normalization(x, *own, axis=axes, epsilon=epsilon))
    gamma = plain_or(wide(scale, lengths), 1)
    beta = None if bias is None else plain_or(wide(bias, lengths), 0)
    y = r.layer(
        node,
        layers.LayerNormalization,
        x,
        {"gamma": gamma, "beta": beta},
        axis=axes,
        epsilon=epsilon,
        scale=gamma is not None,
        center=beta is not None,
    )
    return whole(y)


def wide(x: Constant, lengths: Any) -> Constant:
    """A weight that is broadcast, as long as the axes that it is for."""
    return Constant(np.broadcast_to(x.array, lengths), x.key, x.sources, x.direct)


def group_norm(r: Reader, node: Node) -> View:
    x, each = r.view(node), node.op == "InstanceNormalization"
    tensor, channels = channels_last(x), x.shape[1]
    groups = channels if each else node.options["num_groups"]
    gamma, beta = (r.needed(node, i, "weights") for i in (1, 2))
    if gamma.shape != (channels,):  # one number for each group, until opset 20
        raise node.refuse("a scale for each group is not read, one for each channel is")
    gamma_or_none, beta_or_none = plain_or(gamma, 1), plain_or(beta, 0)
    y = r.layer(
        node,
        layers.GroupNormalization,
        tensor,
        {"gamma": gamma_or_none, "beta": beta_or_none},
        groups=groups,
        epsilon=node.options.get("epsilon", 1e-5),
        scale=gamma_or_none is not None,
        center=beta_or_none is not None,
    )
    return channels_first(y)


def dropout(r: Reader, node: Node) -> View:
    if r.setting(node, "training_mode", 2, False):
        raise node.refuse("training_mode is not read: fit trains")
    if r.used(node, 1):
        raise node.refuse("the mask of what is dropped is not handed out")
    x, rate = r.view(node), r.setting(node, "ratio", 1, 0.5)
    y = r.layer(node, layers.Dropout, x.tensor, rate=float(rate))
    return View(y, x.axes)


READ: Reads = {
    "BatchNormalization": batch_norm,
    "Dropout": dropout,
    "GroupNormalization": group_norm,
    "InstanceNormalization": group_norm,
    "LayerNormalization": layer_norm,
}
