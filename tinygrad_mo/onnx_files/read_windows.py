"""Windows that slide over pictures and signals: convolutions and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import layers, ops
from ..engine.graph import Tensor
from .behind import behind, taken_in
from .graph import Node
from .reader import Reader, Reads
from .views import Constant, View, channels_first, channels_last


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
    for k, step, d, before, after, more in rows:
        span = (k - 1) * d + 1
        total = max(span - step, 0)
        if auto == "SAME_UPPER":
            before, after, more = total // 2, total - total // 2, max(step - span, 0)
        crop.append((before, max(span, step) - span - more + after))
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
    for n, (before, after), k, step in rows:
        if n is None:
            raise node.refuse("ceil_mode needs to know the lengths")
        count = -(-(n + before + after - k) // step) + 1
        count -= (count - 1) * step >= n + before  # no window starts in the padding behind
        new.append((before, max(after, (count - 1) * step + k - n - before)))
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


READ: Reads = {
    **{"AveragePool": pool, "MaxPool": pool, "Conv": conv, "ConvTranspose": conv_transpose},
    **{"GlobalAveragePool": global_pool, "GlobalMaxPool": global_pool},
}
