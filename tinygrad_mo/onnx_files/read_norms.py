"""Normalisations and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import layers, ops
from ..engine.graph import Tensor
from .graph import Node
from .reader import Reader, Reads
from .views import Constant, View, channels_first, channels_last, whole


def plain_or(x: Constant | None, number: float) -> Constant | None:
    """None where a weight is no initializer, and this number throughout."""
    return None if x is None or (not x.sources and (x.array == number).all()) else x


def normalised(
    r: Reader, node: Node, make: Any, x: Tensor, weights: Sequence[Any], **more: Any
) -> Tensor:
    """What a layer makes of x; of the weights, scale and shift come first."""
    gamma, beta = plain_or(weights[0], 1), plain_or(weights[1], 0)
    labels = ("gamma", "beta", "moving_mean", "moving_variance")
    given = dict(zip(labels, [gamma, beta, *weights[2:]], strict=False))
    more |= {"epsilon": node.options.get("epsilon", 1e-5)}
    more |= {"scale": gamma is not None, "center": beta is not None}
    return r.layer(node, make, x, given, **more)


def batch_norm(r: Reader, node: Node) -> View:
    x = r.view(node)
    if node.options.get("training_mode", 0) or r.used(node, 1):
        raise node.refuse("training_mode is not read: fit trains")
    weights = [r.needed(node, 1, "scale"), r.needed(node, 2, "bias")]
    for place, label in ((3, "moving_mean"), (4, "moving_variance")):
        moving = r.graph.known.get(node.inputs[place])
        if moving is None:
            raise node.refuse(f"its {label} ({node.inputs[place]!r}) must be constant")
        weights.append(replace(moving, sources=()))
    momentum = min(node.options.get("momentum", 0.9), 1 - 1e-9)
    tensor = channels_last(x) if x.ndim > 2 else x.plain()
    y = normalised(r, node, layers.BatchNormalization, tensor, weights, momentum=momentum)
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
    given = [r.constant(node, i) for i in (1, 2)]
    if given[0] is None or (given[1] is None and r.has(node, 2)):  # which others read, too
        own = [r.view(node, i).plain() if r.has(node, i) else None for i in (1, 2)]
        epsilon = node.options.get("epsilon", 1e-5)
        return whole(ops.layer_normalization(x, *own, axis=axes, epsilon=epsilon))
    weights = [w and replace(w, array=np.broadcast_to(w.array, lengths)) for w in given]
    return whole(normalised(r, node, layers.LayerNormalization, x, weights, axis=axes))


def group_norm(r: Reader, node: Node) -> View:
    x, channels = r.view(node), r.view(node).shape[1]
    groups = channels if node.op == "InstanceNormalization" else node.options["num_groups"]
    weights = [r.needed(node, i, "weights") for i in (1, 2)]
    if weights[0].shape != (channels,):  # one number for each group, until opset 20
        raise node.refuse("a scale for each group is not read, one for each channel is")
    tensor = channels_last(x)
    y = normalised(r, node, layers.GroupNormalization, tensor, weights, groups=groups)
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
    **{"BatchNormalization": batch_norm, "Dropout": dropout, "GroupNormalization": group_norm},
    **{"InstanceNormalization": group_norm, "LayerNormalization": layer_norm},
}
