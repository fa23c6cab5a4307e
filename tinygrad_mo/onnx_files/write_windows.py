"""What windows that slide are in ONNX."""

from __future__ import annotations

from typing import Any

from ..engine.graph import Step
from ..ops.windows import windows_over
from .writer import Names, Writer, Writes, given


def to_front(w: Writer, x: str, ndim: int) -> str:
    """Channels in front of the spatial axes; what was moved to the end has them there already."""
    if x in w.moved:
        return w.moved[x]
    return w.node("Transpose", [x], perm=[0, ndim - 1, *range(1, ndim - 1)])[0]


def to_end(w: Writer, y: Names, ndim: int) -> Names:
    moved = w.node("Transpose", y, perm=[0, *range(2, ndim), 1])
    w.moved[moved[0]] = y[0]
    return moved


def geometry(step: Step, size: Any) -> dict[str, Any]:
    """How the windows move, as attributes."""
    n, lengths = len(size), given(step).shape[1:-1]
    strides, padding = step.attributes["strides"], step.attributes["padding"]
    dilation = step.attributes.get("dilation_rate", (1,) * n)
    options: dict[str, Any] = {"kernel_shape": list(size), "strides": list(strides)}
    if "dilation_rate" in step.attributes:
        options["dilations"] = list(dilation)
    if padding == "same" and None in lengths:
        return options | {"auto_pad": "SAME_UPPER"}
    if padding == "causal":
        return options | {"pads": [(size[0] - 1) * dilation[0], 0]}
    pads = windows_over(lengths, size, strides, dilation, padding).pads if padding == "same" else []
    return options | {"pads": [a for a, _ in pads] + [b for _, b in pads]} if pads else options


def convolution(w: Writer, step: Step, xs: Names) -> Names:
    x, kernel = given(step), given(step, 1)
    deep = step.op.name == "depthwise_convolution"
    groups = x.shape[-1] if deep else step.attributes.get("groups", 1)
    weight = w.weight(step, 1, "depthwise" if deep else "convolution")
    front = to_front(w, xs[0], x.ndim)
    options = geometry(step, kernel.shape[:-2])
    y = w.node("Conv", [front, weight, *filter(None, xs[2:])], group=groups, **options)
    return to_end(w, y, x.ndim)


def transposed_convolution(w: Writer, step: Step, xs: Names) -> Names:
    x, size = given(step), given(step, 1).shape[:-2]
    strides, dilation = step.attributes["strides"], step.attributes["dilation_rate"]
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    pairs = list(zip(spans, strides, strict=True))
    over = [max(span - n, 0) for span, n in pairs]
    options: dict[str, Any] = {
        "kernel_shape": list(size), "strides": list(strides), "dilations": list(dilation),
        "output_padding": [max(n - span, 0) for span, n in pairs],
    }  # fmt: skip
    if step.attributes["padding"] == "same":
        options["pads"] = [t // 2 for t in over] + [t - t // 2 for t in over]
    weight = w.weight(step, 1, "convolution")
    front = to_front(w, xs[0], x.ndim)
    y = w.node("ConvTranspose", [front, weight, *filter(None, xs[2:])], **options)
    return to_end(w, y, x.ndim)


def pool(w: Writer, step: Step, xs: Names) -> Names:
    op = "MaxPool" if step.op.name == "max_pool" else "AveragePool"
    ndim = given(step).ndim
    options = geometry(step, step.attributes["pool_size"])
    return to_end(w, w.node(op, [to_front(w, xs[0], ndim)], **options), ndim)


WRITE: Writes = {
    **dict.fromkeys(["convolution", "depthwise_convolution"], convolution),
    **dict.fromkeys(["max_pool", "average_pool"], pool),
    "transposed_convolution": transposed_convolution,
}
