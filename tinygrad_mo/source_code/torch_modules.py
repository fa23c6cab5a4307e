"""What has weights, a window or chance, as modules of PyTorch: how they are made and called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.graph import Parameter, Step, Tensor
from ..files.layouts import (
    DEPTHWISE,
    GATES,
    SAME,
    SUM_OF_BIASES,
    TORCH_NEEDS,
    TRANSPOSED,
    TWO_BIASES,
    Layout,
    moved,
)
from ..layers import GRU, Dropout, GroupNormalization
from .expressions import inputs_of, padding
from .text import PRODUCT, SUM, Text, call, identifier, literal, method, pair

Weights = list[tuple[str, Any, Layout]]  # names in the module, a tensor, and how it becomes theirs


def source(x: Tensor) -> Any:
    """The parameter that a tensor is, or that it shows in another shape."""
    if x.step is not None and x.step.op.name == "reshape":
        return x.step.inputs[0]
    return x


def views(step: Step) -> list[Tensor]:
    """The inputs of an affine map that show parameters in another shape."""
    given = step.inputs[1:] if step.op.name == "dense" else ()
    return [x for x in given if x is not None and x.step and isinstance(source(x), Parameter)]


def one(numbers: Sequence[int]) -> Any:
    """One number for all axes, if it is the same."""
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


def unless(value: Any, default: Any) -> Any:
    """None, which is not written, for what is the default."""
    return None if value == default else value


# ---------------------------------------------------------------- modules


def dense(body: Any, step: Step, xs: Any) -> Text:
    _, kernel, bias = inputs_of(step)
    if not isinstance(source(kernel), Parameter):
        y = pair(xs[0], "@", xs[1], PRODUCT)
        return y if bias is None else pair(y, "+", xs[2], SUM)
    label = source(kernel).label.removesuffix("kernel").strip("_")
    text = call("nn.Linear", *kernel.shape, bias=False if bias is None else None)
    weights = [("weight", kernel, TRANSPOSED)]
    weights += [("bias", bias, SAME)] if bias is not None else []
    module = body.module(step, text, weights, label)
    return call(module, xs[0]) if xs else module


def embedding(body: Any, step: Step, xs: Any) -> Text:
    ids, table = inputs_of(step)
    if not isinstance(table, Parameter):
        return call("F.embedding", whole(ids, xs[0]), xs[1])
    text = call("nn.Embedding", *table.shape)
    module = body.module(step, text, [("weight", table, SAME)])
    return call(module, whole(ids, xs[0])) if xs else module


def whole(x: Any, text: Text) -> Text:
    return method(text, "long") if np.dtype(x.dtype).kind not in "iu" else text


def convolution(body: Any, step: Step, xs: Any) -> Text:
    x, kernel, bias = inputs_of(step)
    n, deep = x.ndim - 2, step.op.name == "depthwise_convolution"
    size = kernel.shape[:-2]
    strides, dilation = step.attributes["strides"], step.attributes["dilation_rate"]
    channels = x.shape[-1]
    groups = channels if deep else step.attributes.get("groups", 1)
    filters = kernel.shape[-1] * (channels if deep else 1)
    pads = padding(body, step, size, strides, dilation)
    even = all(a == b for a, b in pads) and max(strides) == 1
    text = body.last(
        step, f"Conv{n}d", channels, filters, one(size), stride=unless(one(strides), 1),
        padding=unless(one([a for a, _ in pads]), 0) if even else None,
        dilation=unless(one(dilation), 1), groups=unless(groups, 1),
        bias=False if bias is None else None,
    )  # fmt: skip
    order = DEPTHWISE if deep else moved(*[n + 1, n, *range(n)])
    weights = [("weight", kernel, order)] + ([("bias", bias, SAME)] if bias is not None else [])
    label = kernel.label.removesuffix("kernel").strip("_")
    module = body.module(step, text, weights, label)
    return call(module, xs[0] if even else padded(xs[0], pads))


def padded(x: Text, pads: Any, value: float | None = None) -> Text:
    """Before and behind each axis between the batch and the channels."""
    if not any(map(sum, pads)):
        return x
    return call("F.pad", x, literal(widths_of(pads)), value=value)


def widths_of(pads: Any) -> tuple[int, ...]:
    """As torch wants them: from the last axis, which are the channels, to the first."""
    return (0, 0, *(n for both in reversed(pads) for n in both))


def transposed_convolution(body: Any, step: Step, xs: Any) -> Text:
    _, kernel, bias = inputs_of(step)
    *size, filters, channels = kernel.shape
    strides, dilation = step.attributes["strides"], step.attributes["dilation_rate"]
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    more = [max(n - span, 0) for span, n in zip(spans, strides, strict=True)]
    text = body.last(
        step, "ConvTranspose2d", channels, filters, one(size), stride=unless(one(strides), 1),
        output_padding=unless(one(more), 0), dilation=unless(one(dilation), 1),
        bias=False if bias is None else None,
    )  # fmt: skip
    weights = [("weight", kernel, moved(3, 2, 0, 1))]
    weights += [("bias", bias, SAME)] if bias is not None else []
    y = call(body.module(step, text, weights), xs[0])
    over = [max(span - n, 0) for span, n in zip(spans, strides, strict=True)]
    if step.attributes["padding"] == "valid" or not any(over):
        return y
    cuts = [f"{t // 2 or ''}:{-(t - t // 2) or ''}" for t in over]
    return Text(f"{y}[:, {', '.join(cuts)}]")


def pool(body: Any, step: Step, xs: Any) -> Text:
    size, strides = step.attributes["pool_size"], step.attributes["strides"]
    is_max = step.op.name == "max_pool"
    kind = f"{'Max' if is_max else 'Avg'}Pool{len(size)}d"
    text = body.last(step, kind, one(size), stride=unless(one(strides), one(size)))
    pads = padding(body, step, size, strides, (1,) * len(size))
    module = body.module(step, text, [])
    if is_max or not any(map(sum, pads)):
        return call(module, padded(xs[0], pads, float("-inf") if is_max else None))
    return call(body.helper("mean_inside"), module, xs[0], literal(widths_of(pads)))


def batch_normalization(body: Any, step: Step, xs: Any) -> Any:
    _, gamma, beta, mean, variance, mask = inputs_of(step)
    owner = step.call.owner if step.call else None
    frozen = owner is not None and not body.writer.network.contents.is_trainable(owner)
    text = call(
        body.helper("BatchNorm"), mean.shape[0], eps=step.attributes.get("epsilon", 1e-3),
        momentum=float(f"{1 - step.attributes.get('momentum', 0.99):.12g}"),
        scale=False if gamma is None else None, center=False if beta is None else None,
        frozen=frozen or None,
    )  # fmt: skip
    names = ("weight", gamma), ("bias", beta), ("running_mean", mean), ("running_var", variance)
    module = body.module(step, text, [(n, w, SAME) for n, w in names if w is not None])
    return [call(module, xs[0], *([] if mask is None else [xs[5]])), None, None]


def layer_normalization(body: Any, step: Step, xs: Any) -> Text:
    x, *weights = inputs_of(step)
    rms, ndim = step.op.name == "rms_normalization", x.ndim
    axes = sorted(a % ndim for a in np.reshape(step.attributes.get("axis", -1), -1).tolist())
    if axes != list(range(axes[0], ndim)):
        raise body.refuse(step, "its normalisations are over the last axes")
    lengths = x.shape[axes[0] :]
    eps = step.attributes.get("epsilon", 1e-6 if rms else 1e-3)
    gamma, beta = (*weights, None)[:2]
    if gamma is None and beta is not None:  # which is a function there, and no module
        return call("F.layer_norm", xs[0], literal(lengths), bias=xs[2], eps=eps)
    text = call(
        "nn.RMSNorm" if rms else "nn.LayerNorm", literal(one_length(lengths)), eps=eps,
        elementwise_affine=False if gamma is None else None,
        bias=False if gamma is not None and beta is None and not rms else None,
    )  # fmt: skip
    both = ("weight", gamma, SAME), ("bias", beta, SAME)
    return call(body.module(step, text, [w for w in both if w[1] is not None]), xs[0])


def one_length(lengths: Sequence[int]) -> Any:
    return lengths[0] if len(lengths) == 1 else tuple(lengths)


def group_normalization(body: Any, step: Step, xs: Any) -> Text:
    x, gamma, beta = inputs_of(step)
    if (gamma is None) != (beta is None):
        raise body.refuse(step, TORCH_NEEDS[GroupNormalization][1])
    text = body.last(
        step, "GroupNorm", step.attributes["groups"], x.shape[-1],
        eps=step.attributes.get("epsilon", 1e-3), affine=False if gamma is None else None,
    )  # fmt: skip
    both = ("weight", gamma, SAME), ("bias", beta, SAME)
    return call(body.module(step, text, [w for w in both if w[1] is not None]), xs[0])


def recurrent(body: Any, step: Step, xs: Any) -> Any:
    kind = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "RNN"}[step.op.name]
    _, kernel, recurrent_kernel, bias, *states, mask = inputs_of(step)
    if kind == "GRU" and not step.attributes.get("reset_after", True):
        raise body.refuse(step, TORCH_NEEDS[GRU][1])
    if step.attributes.get("recurrent_dropout"):
        raise body.refuse(step, "its recurrent modules have no recurrent_dropout")
    used = [i for i in range(len(step.outputs)) if (step, i) in body.takers]
    if not {*used} <= {0} and not {*used} <= {1}:
        body.settle(step)
    text = call(
        f"nn.{kind}", kernel.shape[0], recurrent_kernel.shape[0],
        bias=None if isinstance(bias, Parameter) else False, batch_first=True,
    )  # fmt: skip
    columns = GATES if kind == "GRU" else TRANSPOSED
    weights = [("weight_ih_l0", kernel, columns), ("weight_hh_l0", recurrent_kernel, columns)]
    if isinstance(bias, Parameter):
        both = TWO_BIASES if kind == "GRU" else SUM_OF_BIASES
        weights.append(("bias_ih_l0 bias_hh_l0", bias, both))
    reader = body.module(step, text, weights)
    backwards = step.attributes.get("go_backwards", False)
    given = [
        method(t, "flip", 1) if backwards and t else t for t in (xs[0], xs[len(step.inputs) - 1])
    ]
    first = first_states(states, [xs[4 + i] for i in range(len(states))], given[0])
    if mask is None:
        made = call(reader, *filter(None, [given[0], first]))
    else:
        made = call(body.helper("real_steps"), reader, *given, *filter(None, [first]))
    if used == [0]:
        return [Text(f"{made}[0]"), *[None] * (len(step.outputs) - 1)]
    if used == [1]:
        return [None, Text(f"{made}[0][:, -1]"), *[None] * (len(step.outputs) - 2)]
    ends = [body.node.name, f"{body.node.name}_h", f"{body.node.name}_c"][: len(step.outputs)]
    names = [identifier(n, body.taken) if i in used else "_" for i, n in enumerate(ends)]
    last = f"({names[1]}, {names[2]})" if kind == "LSTM" else names[1]
    body.line(f"{names[0]}, {last} = {made}")
    return [Text(names[0]), *(Text(f"{name}[0]") for name in names[1:])]


def first_states(states: Sequence[Any], texts: list[Any], x: Text) -> Text | None:
    """The states to start from, as torch wants them: with the layers in front."""
    given = [t for t in texts if t is not None]
    if not given:
        return None
    each = []
    for state, text in zip(states, texts, strict=True):
        if state is not None and state.shape[0] == 1:
            text = method(text, "expand", call("len", x), -1)
        like = call("torch.zeros_like", given[0]) if text is None else text.within()
        each.append(Text(f"{like}[None]"))
    return literal(tuple(each)) if len(each) > 1 else each[0]


def dropout(body: Any, step: Step, xs: Any) -> Text:
    rate, ndim = step.attributes["rate"], inputs_of(step)[0].ndim
    shared = tuple(step.attributes.get("shared_axes", ()))
    if not shared:
        text = call("nn.Dropout", rate)
    elif shared == tuple(range(1, ndim - 1)) and ndim in (3, 4):
        text = body.last(step, f"Dropout{ndim - 2}d", rate)
    else:
        raise body.refuse(step, f"a dropout that axes {shared} share is not there")
    owner = step.call.owner if step.call else None
    also = "" if owner is None or isinstance(owner, Dropout) else "dropout"
    return call(body.module(step, text, [], also), xs[0])


def gaussian_noise(body: Any, step: Step, xs: Any) -> Text:
    text = call(body.helper("GaussianNoise"), step.attributes["stddev"])
    return call(body.module(step, text, []), xs[0])


MODULES: dict[str, Callable[[Any, Step, Any], Any]] = {
    "average_pool": pool,
    "batch_normalization": batch_normalization,
    "convolution": convolution,
    "dense": dense,
    "depthwise_convolution": convolution,
    "dropout": dropout,
    "embedding": embedding,
    "gaussian_noise": gaussian_noise,
    "group_normalization": group_normalization,
    "gru": recurrent,
    "layer_normalization": layer_normalization,
    "lstm": recurrent,
    "max_pool": pool,
    "rms_normalization": layer_normalization,
    "simple_rnn": recurrent,
    "transposed_convolution": transposed_convolution,
}
