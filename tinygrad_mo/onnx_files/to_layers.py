"""Nodes that become layers of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .. import layers, ops
from ..engine.graph import Tensor
from .graph import Node
from .reader import Reader
from .views import Constant, View, whole

ACTIVATIONS = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
}


def channels_last(x: View) -> Tensor:
    return x.arranged([0, *range(2, x.ndim), 1])


def channels_first(y: Tensor) -> View:
    """A view of channels last as ONNX has them."""
    return View(y, (0, y.ndim - 1, *range(1, y.ndim - 1)))


def taken_in(r: Reader, node: Node, at: Node) -> None:
    """Let `node` be done by the layer that `at` has become: what it makes is that layer's."""
    r.done.add(id(node))
    at.outputs[:1] = node.outputs[:1]


class Behind(NamedTuple):
    """What the next nodes do with what a layer makes, and could be a part of it."""

    add: Node | None
    bias: Constant | None
    activation: Node | None

    @property
    def alike(self) -> Any:
        """To compare what stands behind several uses of one weight."""
        key = None if self.bias is None else self.bias.key
        return key, None if self.activation is None else self.activation.signature()


def look_behind(r: Reader, node: Node, units: int, axes: int, ndim: int) -> Behind:
    """A bias, unless the node has one itself, and an activation.

    So many `axes` stand behind that of the channels, which are `ndim` together.
    """
    add, bias, last = None, None, node.outputs[0]
    if not r.has(node, 2):
        add = r.graph.next_node(last, "Add")
        found = r.constant(add, 1 - add.inputs.index(last)) if add else None
        shape = (0, *found.shape) if found and found.sources else ()
        if found and len(shape) > axes + 1 and found.array.size == shape[-1 - axes] == units:
            bias = replace(found, array=found.array.reshape(-1))
    if bias is None:
        add = None
    after = r.graph.next_node(add.outputs[0] if add else last, *ACTIVATIONS)
    if after is not None and after.op in ("Softmax", "LogSoftmax"):
        axis = after.options.get("axis", -1 if after.opset >= 13 else 1)
        after = after if axis % ndim == ndim - 1 - axes else None
    return Behind(add, bias, after)


def behind(
    r: Reader, node: Node, kernel: Constant, units: int, axes: int, ndim: int
) -> tuple[Constant | None, str]:
    """The bias and the activation of a layer, taken in from the nodes behind it.

    A weight that several nodes share is one layer, if the same stands behind all of them; if not,
    bias and activation stay out of it.
    """
    if kernel.key not in r.alike:
        uses = [one for one in r.graph.readers.get(kernel.key, ()) if one.op == node.op]
        ways = {look_behind(r, one, units, axes, ndim).alike for one in uses}
        r.alike[kernel.key] = len(ways) <= 1
    found = look_behind(r, node, units, axes, ndim)
    own = r.constant(node, 2) if r.has(node, 2) else None
    if not r.alike[kernel.key] or (r.has(node, 2) and own is None):
        return own, "linear"
    for one in (found.add, found.activation):
        if one is not None:
            taken_in(r, one, node)
    activation = "linear" if found.activation is None else ACTIVATIONS[found.activation.op]
    return own or found.bias, activation


# ---------------------------------------------------------------- products with weights


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
    found = ids.plain()
    if table is not None and table.sources and table.ndim == 2 and axis == 0:
        size: dict[str, Any] = {"input_dim": table.shape[0], "output_dim": table.shape[1]}
        weights = {"embeddings": table}
        return whole(r.layer(node, layers.Embedding, found, weights, **size))
    of = r.view(node)
    if axis == 0 and of.ndim == 2 and of.tensor.value is not None:  # a table that is shared
        return whole(ops.embedding(found, of.plain()))
    raise node.refuse("it picks by ids of the data from what is no table of two axes")


# ---------------------------------------------------------------- windows


def windows(r: Reader, node: Node, x: View, size: Any) -> tuple[Tensor, dict[str, Any]]:
    """The input, channels last, and strides, padding and dilation as our layers name them."""
    n = len(size)
    strides = tuple(node.options.get("strides", [1] * n))
    dilation = tuple(node.options.get("dilations", [1] * n))
    lengths, pads = x.shape[2:], list(node.options.get("pads", [0] * 2 * n))
    auto = node.text("auto_pad", "NOTSET")
    if auto.startswith("SAME"):
        if None in lengths:
            raise node.refuse("auto_pad needs to know the lengths of rows and columns")
        pads = same_pads(lengths, size, strides, dilation, first=auto == "SAME_LOWER")
    elif auto == "VALID":
        pads = [0] * 2 * n
    options = {"strides": strides, "padding": "valid", "dilation_rate": dilation}
    tensor = channels_last(x)
    known = None not in lengths
    if any(pads) and known and pads == same_pads(lengths, size, strides, dilation):
        return tensor, options | {"padding": "same"}
    if any(pads):
        widths = list(zip(pads[:n], pads[n:], strict=True))
        options["pads"] = ((0, 0), *widths, (0, 0))
    return tensor, options


def same_pads(
    lengths: Any, size: Any, strides: Any, dilation: Any, first: bool = False
) -> list[int]:
    """The pads of "same", the larger part behind (or `first`): all before, then all behind."""
    pairs = []
    for n, k, step, d in zip(lengths, size, strides, dilation, strict=True):
        total = max((-(-n // step) - 1) * step + (k - 1) * d + 1 - n, 0)
        small = total // 2
        pairs.append((total - small, small) if first else (small, total - small))
    return [a for a, _ in pairs] + [b for _, b in pairs]


def conv(r: Reader, node: Node) -> View:
    x, kernel = r.view(node), r.needed(node, 1, "kernel")
    filters, _, *size = kernel.shape
    if len(size) > 2:
        raise node.refuse(f"it slides along {len(size)} axes; 1 or 2 are read")
    groups, channels = node.options.get("group", 1), x.shape[1]
    tensor, options = windows(r, node, x, size)
    array = np.moveaxis(kernel.array, (0, 1), (-1, -2))
    if pads := options.pop("pads", None):
        before = (size[0] - 1) * options["dilation_rate"][0]
        if len(size) == 1 and pads[1] == (before, 0) and options["strides"] == (1,):
            options["padding"] = "causal"
        else:
            tensor = ops.zero_pad(tensor, widths=pads)
    if groups == channels and groups > 1:
        deep = np.moveaxis(kernel.array, (0, 1), (-1, -2)).reshape(*size, groups, -1)
        options["depth_multiplier"] = filters // groups
        if not r.has(node, 2):
            y = separable(r, node, tensor, kernel, deep, options)
            if y is not None:
                return channels_first(y)
        if len(size) == 2:
            return convolve(r, node, layers.DepthwiseConv2D, tensor, kernel, deep, options)
        del options["depth_multiplier"]
    make = (layers.Conv1D, layers.Conv2D)[len(size) - 1]
    options |= {"filters": filters, "groups": groups}
    return convolve(r, node, make, tensor, kernel, array, options)


def convolve(
    r: Reader,
    node: Node,
    make: Any,
    x: Tensor,
    kernel: Constant,
    array: np.ndarray,
    options: dict[str, Any],
) -> View:
    bias, act = behind(r, node, kernel, kernel.shape[0], x.ndim - 2, x.ndim)
    options |= {"kernel_size": kernel.shape[2:], "use_bias": bias is not None, "activation": act}
    shared = bias is None and r.has(node, 2)
    weights = {"kernel": kernel, "bias": bias}
    y = r.layer(node, make, x, weights, {"kernel": array}, **options)
    return channels_first(y + r.view(node, 2).plain() if shared else y)


def separable(
    r: Reader, node: Node, x: Tensor, kernel: Constant, deep: Any, options: dict[str, Any]
) -> Any:
    """One layer of two convolutions, where the weights of the second are called so."""
    after = r.graph.next_node(node.outputs[0], "Conv")
    mix = None if after is None else r.constant(after, 1)
    if after is None or mix is None or not (kernel.sources and mix.sources):
        return None
    names = [one.sources[0].rpartition("/") for one in (kernel, mix)]
    if [name[2] for name in names] != ["depthwise_kernel", "pointwise_kernel"]:
        return None
    if names[0][0] != names[1][0]:
        return None
    size, (bias, act) = kernel.shape[2:], behind(r, after, mix, mix.shape[0], x.ndim - 2, x.ndim)
    taken_in(r, after, node)
    options |= {"kernel_size": size, "filters": mix.shape[0], "use_bias": bias is not None}
    options["activation"] = act
    make = (layers.SeparableConv1D, layers.SeparableConv2D)[len(size) - 1]
    weights = {"depthwise_kernel": kernel, "pointwise_kernel": mix, "bias": bias}
    flat = np.moveaxis(mix.array, (0, 1), (-1, -2))
    values = {"depthwise_kernel": deep, "pointwise_kernel": flat}
    return r.layer(node, make, x, weights, values, **options)


def conv_transpose(r: Reader, node: Node) -> View:
    x, kernel = r.view(node), r.needed(node, 1, "kernel")
    _, filters, *size = kernel.shape
    n = len(size)
    if n != 2 or node.options.get("group", 1) != 1 or "output_shape" in node.options:
        raise node.refuse("two spatial axes, one group and no output_shape are read")
    strides = tuple(node.options.get("strides", [1] * n))
    dilation = tuple(node.options.get("dilations", [1] * n))
    crop = cropped(node, size, strides, dilation)
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    over = [max(span - step, 0) for span, step in zip(spans, strides, strict=True)]
    same = any(over) and crop == [(t // 2, t - t // 2) for t in over]
    cut = not same and any(map(any, crop))
    bias, act = r.constant(node, 2), "linear"
    if not cut:
        bias, act = behind(r, node, kernel, filters, n, n + 2)
    options: dict[str, Any] = {"strides": strides, "dilation_rate": dilation, "filters": filters}
    options |= {"padding": "same" if same else "valid", "kernel_size": tuple(size)}
    options |= {"use_bias": bias is not None}
    shared = bias is None and r.has(node, 2)
    options["activation"] = act
    weights, tensor = {"kernel": kernel, "bias": bias}, channels_last(x)
    values = {"kernel": np.moveaxis(kernel.array, (0, 1), (-1, -2))}
    y = r.layer(node, layers.Conv2DTranspose, tensor, weights, values, **options)
    if cut:
        y = y[(slice(None), *(slice(a, -b if b else None) for a, b in crop))]
    return channels_first(y + r.view(node, 2).plain() if shared else y)


def cropped(node: Node, size: Any, strides: Any, dilation: Any) -> list[tuple[int, int]]:
    """What is cut off, before and behind, from all that our transposed convolution makes."""
    n, crop = len(size), []
    pads = node.options.get("pads", [0] * 2 * n)
    extra = node.options.get("output_padding", [0] * n)
    auto = node.text("auto_pad", "NOTSET")
    if auto == "SAME_LOWER":
        raise node.refuse("auto_pad SAME_LOWER is not read")
    rows = zip(size, strides, dilation, pads[:n], pads[n:], extra, strict=True)
    for k, step, d, before, behind, more in rows:
        span = (k - 1) * d + 1
        total = max(span - step, 0)
        if auto == "SAME_UPPER":
            before, behind, more = total // 2, total - total // 2, max(step - span, 0)
        crop.append((before, max(span, step) - span - more + behind))
        if crop[-1][1] < 0:
            raise node.refuse("an output_padding larger than the padding is not read")
    return crop


def pool(r: Reader, node: Node) -> View:
    x, is_max = r.view(node), node.op == "MaxPool"
    size = tuple(node.options["kernel_shape"])
    if len(size) > 2:
        raise node.refuse(f"it slides along {len(size)} axes; 1 or 2 are read")
    if r.used(node, 1):
        raise node.refuse("the places of the largest numbers (Indices) are not computed")
    tensor, options = windows(r, node, x, size)
    if max(options.pop("dilation_rate")) > 1:
        raise node.refuse("windows with dilations are not read")
    counted = not is_max and bool(node.options.get("count_include_pad", 0))
    ceil = bool(node.options.get("ceil_mode", 0))
    pads, scale = options.pop("pads", ((0, 0),) * x.ndim), None
    if counted and options["padding"] == "same":
        half, options["padding"] = len(size), "valid"
        flat = same_pads(x.shape[2:], size, options["strides"], (1,) * half)
        pads = ((0, 0), *zip(flat[:half], flat[half:], strict=True), (0, 0))
    if ceil and options["padding"] == "valid":
        wide = ceiled(node, x, pads, size, options["strides"])
        if counted and wide != pads:
            raise node.refuse("ceil_mode with count_include_pad is not read")
        pads = wide
    if any(map(any, pads)):
        tensor, scale = padded(node, tensor, pads, size, options, counted, is_max)
    kinds = [layers.AveragePooling1D, layers.AveragePooling2D]
    kinds = [layers.MaxPooling1D, layers.MaxPooling2D] if is_max else kinds
    y = r.layer(node, kinds[len(size) - 1], tensor, pool_size=size, **options)
    return channels_first(y if scale is None else y * scale)


def ceiled(node: Node, x: View, pads: Any, size: Any, strides: Any) -> Any:
    """The pads with what is added behind, so that the last windows are whole."""
    new = [pads[0]]
    rows = zip(x.shape[2:], pads[1:-1], size, strides, strict=True)
    for n, (before, behind), k, step in rows:
        if n is None:
            raise node.refuse("ceil_mode needs to know the lengths")
        count = -(-(n + before + behind - k) // step) + 1
        count -= (count - 1) * step >= n + before  # no window starts in the padding behind
        new.append((before, max(behind, (count - 1) * step + k - n - before)))
    return (*new, pads[-1])


def padded(
    node: Node, x: Tensor, pads: Any, size: Any, options: Any, counted: bool, is_max: bool
) -> tuple[Tensor, Any]:
    """The input with padding, of which no window takes the maximum, or counts it in a mean."""
    wide: Any = ops.zero_pad(x, widths=pads)
    if counted:
        return wide, None
    lengths: Any = x.shape[1:-1]
    if None in lengths:
        raise node.refuse("padding needs to know the lengths of what is pooled")
    real = np.pad(np.ones((1, *lengths, 1), np.dtype(x.dtype)), [(0, 0), *pads[1:-1], (0, 0)])
    if is_max:
        return wide + np.where(real > 0, 0, np.finfo(real.dtype).min), None
    share = ops.average_pool(real, pool_size=size, **options)[0]
    return wide, 1 / np.maximum(share, np.finfo(real.dtype).tiny)


def global_pool(r: Reader, node: Node) -> View:
    x = r.view(node)
    if x.ndim not in (3, 4):
        raise node.refuse("one or two spatial axes are read")
    one: Any = layers.GlobalAveragePooling1D
    two: Any = layers.GlobalAveragePooling2D
    if node.op == "GlobalMaxPool":
        one, two = layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D
    tensor = channels_last(x)
    y = r.layer(node, one if x.ndim == 3 else two, tensor)
    return View(y, (0, 1, *[None] * (x.ndim - 2)))


# ---------------------------------------------------------------- normalisation


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


# ---------------------------------------------------------------- sequences

ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}  # of the gates, as ours are
KINDS = {"LSTM": layers.LSTM, "GRU": layers.GRU, "RNN": layers.SimpleRNN}
USUAL = {
    "LSTM": ["sigmoid", "tanh", "tanh"],
    "GRU": ["sigmoid", "tanh"],
    "RNN": ["tanh"],
}


def by_our_gates(x: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Rows of gates in ONNX's order as columns in ours."""
    parts = np.split(x, len(order), axis=0)
    return np.concatenate([parts[i] for i in order], axis=0).T


def is_zero(x: Constant) -> bool:
    """Is every number 0? (One that is broadcast is looked at once.)"""
    index = tuple(slice(0, 1) if step == 0 else slice(None) for step in x.array.strides)
    return not x.array[index].any()


def recurrent(r: Reader, node: Node) -> list[View]:
    x, both = r.view(node), node.text("direction", "forward") == "bidirectional"
    refuse_rare(r, node, x)
    w, u = r.needed(node, 1, "W"), r.needed(node, 2, "R")
    b = r.needed(node, 3, "B") if r.has(node, 3) else None
    if b is not None and not b.sources and is_zero(b):
        b = None
    backwards = node.text("direction", "forward") == "reverse"
    tensor = x.arranged([1, 0, 2])
    every, last = [], []
    for d in range(1 + both):
        start = [first_state(r, node, place, d) for place in (5, 6)[: 1 + (node.op == "LSTM")]]
        made = one_way(r, node, tensor, (w, u, b), d, backwards or d == 1, start)
        every.append(made[0][:, ::-1] if backwards or d == 1 else made[0])
        last.append(made[1:])
    if not both:
        axes = ((1, None, 0, 2), (None, 0, 1), (None, 0, 1))
        return [View(t, a) for t, a in zip([every[0], *last[0]], axes, strict=False)]
    sequence = ops.concatenate(*(y[:, :, None] for y in every), axis=2)
    states = [
        ops.concatenate(*(y[:, None] for y in two), axis=1) for two in zip(*last, strict=True)
    ]
    return [View(sequence, (1, 2, 0, 3)), *(View(y, (1, 0, 2)) for y in states)]


def refuse_rare(r: Reader, node: Node, x: View) -> None:
    """Refuse what our recurrent layers do not have."""
    given = [a.decode().lower() for a in node.options.get("activations", [])]
    one = USUAL[node.op]
    if given and given not in (one, one * 2):
        raise node.refuse(f"its activations are {given}; {one} are read")
    if node.options.get("layout", 0) or "clip" in node.options:
        raise node.refuse("layout and clip are not read")
    if node.options.get("input_forget", 0) or (node.op == "LSTM" and r.has(node, 7)):
        raise node.refuse("input_forget and peepholes are not read")
    if r.has(node, 4):
        lengths = r.constant(node, 4)
        if lengths is None or x.shape[0] is None or (lengths.array != x.shape[0]).any():
            raise node.refuse("sequence_lens is not read: all sequences of a batch are as long")


def first_state(r: Reader, node: Node, place: int, direction: int) -> Any:
    """The state that one direction starts from; None: zeros."""
    if not r.has(node, place):
        return None
    known = r.graph.known.get(node.inputs[place])
    if known is not None and not known.sources and is_zero(known):
        return None
    state = r.view(node, place)
    return state.plain()[direction]


def one_way(
    r: Reader, node: Node, x: Tensor, given: Any, d: int, backwards: bool, start: list[Any]
) -> Any:
    """All states in the order in which they are computed, and the last ones, of one direction."""
    w, u, b = given
    order = ORDERS[node.op]
    values = {
        "kernel": by_our_gates(w.array[d], order),
        "recurrent_kernel": by_our_gates(u.array[d], order),
    }
    options: dict[str, Any] = {}
    after = bool(node.options.get("linear_before_reset", 0))
    if node.op == "GRU":
        options["reset_after"] = after
    if b is not None:
        two = [by_our_gates(part, order) for part in np.split(b.array[d], 2)]
        values["bias"] = np.stack(two) if after and node.op == "GRU" else two[0] + two[1]
    weights: dict[str, Any] = {"kernel": w, "recurrent_kernel": u, "bias": b}
    if w.shape[0] == 2:
        weights = {k: v and Constant(v.array, (v.key, d), v.sources) for k, v in weights.items()}
    states = None if all(s is None for s in start) else start
    return r.layer(
        node,
        KINDS[node.op],
        x,
        weights,
        values,
        {"initial_state": states},
        units=u.shape[-1],
        return_sequences=True,
        return_state=True,
        go_backwards=backwards,
        use_bias=b is not None,
        **options,
    )


def flatten(r: Reader, node: Node) -> View:
    x = r.view(node)
    axis = node.options.get("axis", 1)
    if (axis + x.ndim if axis < 0 else axis) != 1:
        raise node.refuse(f"axis={axis} is not read, axis=1 is")
    tensor = x.plain()
    return whole(r.layer(node, layers.Flatten, tensor))


TO_LAYERS: dict[str, Callable[[Reader, Node], Any]] = {
    "AveragePool": pool,
    "BatchNormalization": batch_norm,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Dropout": dropout,
    "Flatten": flatten,
    "GRU": recurrent,
    "Gather": gather,
    "Gemm": gemm,
    "GlobalAveragePool": global_pool,
    "GlobalMaxPool": global_pool,
    "GroupNormalization": group_norm,
    "InstanceNormalization": group_norm,
    "LSTM": recurrent,
    "LayerNormalization": layer_norm,
    "MatMul": matmul,
    "MaxPool": pool,
    "RNN": recurrent,
}
