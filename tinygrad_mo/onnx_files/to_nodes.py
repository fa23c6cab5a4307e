"""What each op of ours is in ONNX: one node, or several.

A function here is told the writer, a step and the names of its inputs, and returns the names of
its outputs. What has no entry in `TO_NODES` is not written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.attributes import parts_of
from ..engine.graph import Step
from ..ops.linear import dot_equation
from ..ops.windows import windows_over
from .writer import Names, Writer

# ---------------------------------------------------------------- element by element

ALONE = {
    **{"absolute": "Abs", "arccos": "Acos", "arccosh": "Acosh", "arcsin": "Asin"},
    **{"arcsinh": "Asinh", "arctan": "Atan", "arctanh": "Atanh", "ceil": "Ceil", "cos": "Cos"},
    **{"cosh": "Cosh", "erf": "Erf", "exp": "Exp", "floor": "Floor", "gelu": "Gelu", "log": "Log"},
    **{"negative": "Neg", "relu": "Relu", "round": "Round", "sigmoid": "Sigmoid", "sign": "Sign"},
    **{"sin": "Sin", "sinh": "Sinh", "softplus": "Softplus", "softsign": "Softsign"},
    **{"sqrt": "Sqrt", "tan": "Tan", "tanh": "Tanh"},
    # What only training does is left out:
    **{"identity": "Identity", "gaussian_noise": "Identity", "stop_gradient": "Identity"},
}
PAIRS = {
    **{"add": "Add", "divide": "Div", "matmul": "MatMul", "maximum": "Max", "minimum": "Min"},
    **{"multiply": "Mul", "power": "Pow", "subtract": "Sub"},
}
COMPARED = {
    **{"equal": "Equal", "greater": "Greater", "greater_equal": "GreaterOrEqual"},
    **{"less": "Less", "less_equal": "LessOrEqual", "not_equal": "Equal"},
}
LOGICAL = {"logical_and": "And", "logical_not": "Not", "logical_or": "Or"}


def alone(w: Writer, step: Step, xs: Names) -> Names:
    if step.attributes.get("decimals", 0):
        raise w.refuse(step, "decimals are not written")
    return w.node(ALONE[step.op.name], [w.cast(xs[0], step.outputs[0][1])])


def pairs(w: Writer, step: Step, xs: Names) -> Names:
    dtype = step.outputs[0][1]
    return w.node(PAIRS[step.op.name], [w.cast(x, dtype) for x in xs])


def compared(w: Writer, step: Step, xs: Names) -> Names:
    dtype = np.result_type(*(w.types[x] for x in xs))
    y = w.node(COMPARED[step.op.name], [w.cast(x, dtype) for x in xs])
    return w.node("Not", y) if step.op.name == "not_equal" else y


def logical(w: Writer, step: Step, xs: Names) -> Names:
    return w.node(LOGICAL[step.op.name], [w.cast(x, bool) for x in xs])


def where(w: Writer, step: Step, xs: Names) -> Names:
    dtype = step.outputs[0][1]
    return w.node("Where", [w.cast(xs[0], bool), w.cast(xs[1], dtype), w.cast(xs[2], dtype)])


def silu(w: Writer, step: Step, xs: Names) -> Names:
    return w.node("Mul", [xs[0], *w.node("Sigmoid", xs)])


def square(w: Writer, step: Step, xs: Names) -> Names:
    return w.node("Mul", [xs[0], xs[0]])


def floor_divide(w: Writer, step: Step, xs: Names) -> Names:
    dtype = step.outputs[0][1]
    if np.dtype(dtype).kind != "f":
        raise w.refuse(step, "a division of whole numbers is not written")
    return w.node("Floor", w.node("Div", [w.cast(x, dtype) for x in xs]))


def mod(w: Writer, step: Step, xs: Names) -> Names:
    x, y = (w.cast(x, step.outputs[0][1]) for x in xs)
    return w.node("Sub", [x, *w.node("Mul", [*floor_divide(w, step, [x, y]), y])])


def scaled_log(base: float) -> Callable[[Writer, Step, Names], Names]:
    def write(w: Writer, step: Step, xs: Names) -> Names:
        dtype = step.outputs[0][1]
        factor = w.constant(np.array(1 / math.log(base), dtype))
        return w.node("Mul", [*w.node("Log", [w.cast(xs[0], dtype)]), factor])

    return write


def with_options(op: str, **names: str) -> Callable[[Writer, Step, Names], Names]:
    """A node whose attributes are called otherwise than ours."""

    def write(w: Writer, step: Step, xs: Names) -> Names:
        defaults = {"negative_slope": 0.2, "alpha": 1.0, "axis": -1}
        given = {
            theirs: step.attributes.get(ours, defaults[ours]) for ours, theirs in names.items()
        }
        return w.node(op, [w.cast(xs[0], step.outputs[0][1])], **given)

    return write


def selu(w: Writer, step: Step, xs: Names) -> Names:
    return w.node("Selu", xs, alpha=1.6732632423543772, gamma=1.0507009873554805)


def hard_sigmoid(w: Writer, step: Step, xs: Names) -> Names:
    return w.node("HardSigmoid", xs, alpha=1 / 6, beta=0.5)


def dropout(w: Writer, step: Step, xs: Names) -> Names:
    if step.attributes.get("shared_axes"):  # a Dropout of ONNX draws for each number
        return w.node("Identity", xs)
    rate = w.constant(np.array(step.attributes["rate"], np.float32))
    return w.node("Dropout", [xs[0], rate])


# ---------------------------------------------------------------- many numbers to one

REDUCTIONS = {
    **{"logsumexp": "ReduceLogSumExp", "max": "ReduceMax", "mean": "ReduceMean"},
    **{"min": "ReduceMin", "norm": "ReduceL2", "prod": "ReduceProd", "sum": "ReduceSum"},
}


def reduction(w: Writer, step: Step, xs: Names) -> Names:
    x = w.cast(xs[0], step.outputs[0][1])
    return reduced(w, REDUCTIONS[step.op.name], x, step)


def reduced(w: Writer, op: str, x: str, step: Step, keepdims: bool | None = None) -> Names:
    axis = step.attributes.get("axis")
    axes = [] if axis is None else [w.whole(np.reshape(axis, -1))]
    keep = step.attributes.get("keepdims", False) if keepdims is None else keepdims
    return w.node(op, [x, *axes], keepdims=int(keep))


def variance(w: Writer, step: Step, xs: Names) -> Names:
    if step.attributes.get("ddof", 0):
        raise w.refuse(step, "ddof is not written")
    x = w.cast(xs[0], step.outputs[0][1])
    (centred,) = w.node("Sub", [x, *reduced(w, "ReduceMean", x, step, True)])
    (squares,) = w.node("Mul", [centred, centred])
    y = reduced(w, "ReduceMean", squares, step)
    return w.node("Sqrt", y) if step.op.name == "std" else y


def arg(w: Writer, step: Step, xs: Names) -> Names:
    if step.attributes.get("axis") is None:
        raise w.refuse(step, "it is written with an axis only")
    op = "ArgMax" if step.op.name == "argmax" else "ArgMin"
    keep = int(step.attributes.get("keepdims", False))
    return w.node(op, xs, axis=step.attributes["axis"], keepdims=keep)


def cumsum(w: Writer, step: Step, xs: Names) -> Names:
    return w.node("CumSum", [xs[0], w.whole(step.attributes.get("axis", -1))])


# ---------------------------------------------------------------- shapes


def transpose(w: Writer, step: Step, xs: Names) -> Names:
    ndim = given(step).ndim
    axes = step.attributes.get("axes") or range(ndim)[::-1]
    return w.node("Transpose", xs, perm=[a % ndim for a in axes])


def given(step: Step, place: int = 0) -> Any:
    """An input tensor."""
    return step.inputs[place]


def reshape(w: Writer, step: Step, xs: Names) -> Names:
    return w.node("Reshape", [xs[0], w.whole(np.reshape(step.attributes["shape"], -1))])


def flatten(w: Writer, step: Step, xs: Names) -> Names:
    return w.node("Flatten", xs)


def concatenate(w: Writer, step: Step, xs: Names) -> Names:
    typed = [w.cast(x, step.outputs[0][1]) for x in xs]
    return w.node("Concat", typed, axis=step.attributes.get("axis", -1))


def getitem(w: Writer, step: Step, xs: Names) -> Names:
    x = given(step)
    y, axis = xs[0], 0
    left: list[int] = []
    new: list[int] = []
    spans: list[tuple[int, slice]] = []
    for part in parts_of(step.attributes["index"], x.ndim):
        place = axis - len(left) + len(new)
        if part is None:
            new.append(place)
            continue
        if isinstance(part, slice):
            spans.append((axis, part))
        elif isinstance(part, int | np.integer):
            left.append(axis)
            spans.append((axis, slice(part, part + 1 if part != -1 else None)))
        else:
            raise w.refuse(step, "an index of arrays is not written")
        axis += 1
    spans = [(a, s) for a, s in spans if s not in (slice(None), slice(None, None, 1))]
    if spans:
        most = 2**62
        steps = [s.step or 1 for _, s in spans]
        pairs = [(s, n) for (_, s), n in zip(spans, steps, strict=True)]
        starts = [(0 if n > 0 else most) if s.start is None else s.start for s, n in pairs]
        ends = [(most if n > 0 else -most) if s.stop is None else s.stop for s, n in pairs]
        settings = [starts, ends, [a for a, _ in spans], steps]
        (y,) = w.node("Slice", [y, *map(w.whole, settings)])
    if left:
        (y,) = w.node("Squeeze", [y, w.whole(left)])
    return w.node("Unsqueeze", [y, w.whole(new)]) if new else [y]


def zero_pad(w: Writer, step: Step, xs: Names) -> Names:
    before, behind = zip(*step.attributes["widths"], strict=True)
    return w.node("Pad", [xs[0], w.whole([*before, *behind])])


def repeat(w: Writer, step: Step, xs: Names) -> Names:
    ndim = given(step).ndim
    scales = np.ones(ndim, np.float32)
    scales[step.attributes["axis"] % ndim] = step.attributes["times"]
    way: dict[str, Any] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return w.node("Resize", [xs[0], "", w.constant(scales)], mode="nearest", **way)


def split_heads(w: Writer, step: Step, xs: Names) -> Names:
    heads = step.attributes["heads"]
    width = given(step).shape[-1] // heads
    y = w.node("Reshape", [xs[0], w.whole([0, 0, heads, width])])
    return w.node("Transpose", y, perm=[0, 2, 1, 3])


def join_heads(w: Writer, step: Step, xs: Names) -> Names:
    y = w.node("Transpose", xs, perm=[0, 2, 1, 3])
    _, heads, _, width = given(step).shape
    return w.node("Reshape", [*y, w.whole([0, 0, heads * width])])


def causal_mask(w: Writer, step: Step, xs: Names) -> Names:
    lengths = given(step).shape[-2:]
    if None in lengths:
        raise w.refuse(step, "the lengths of the sequences must be known")
    return [w.constant(np.tri(*lengths, dtype=bool))]


def steps_into_batch(w: Writer, step: Step, xs: Names) -> Names:
    rest = given(step).shape[2:]
    return w.node("Reshape", [xs[0], w.whole(w.known(step, [-1, *rest]))])


def steps_out_of_batch(w: Writer, step: Step, xs: Names) -> Names:
    lengths = [-1, given(step, 1).shape[1], *given(step).shape[1:]]
    return w.node("Reshape", [xs[0], w.whole(w.known(step, lengths))])


# ---------------------------------------------------------------- products


def dense(w: Writer, step: Step, xs: Names) -> Names:
    if given(step).ndim == 2:
        return w.node("Gemm", [x for x in xs if x])
    y = w.node("MatMul", xs[:2])
    return w.node("Add", [*y, xs[2]]) if xs[2] else y


def embedding(w: Writer, step: Step, xs: Names) -> Names:
    return w.node("Gather", [xs[1], xs[0]], axis=0)


def einsum(w: Writer, step: Step, xs: Names) -> Names:
    typed = [w.cast(x, step.outputs[0][1]) for x in xs]
    return w.node("Einsum", typed, equation=step.attributes["subscripts"])


def dot(w: Writer, step: Step, xs: Names) -> Names:
    equation = dot_equation(given(step).ndim, given(step, 1).ndim, step.attributes["axes"])
    z = w.node("Einsum", [w.cast(one, step.outputs[0][1]) for one in xs], equation=equation)
    return w.node("Unsqueeze", [*z, w.whole([1])]) if equation.endswith(">a") else z


# ---------------------------------------------------------------- windows


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


def masked_mean(w: Writer, step: Step, xs: Names) -> Names:
    dtype = step.outputs[0][1]
    real = w.node("Unsqueeze", [w.cast(xs[1], bool), w.whole([2])])
    kept = w.node("Where", [*real, xs[0], w.constant(np.zeros((), dtype))])
    counts = w.node("ReduceSum", [w.cast(real[0], dtype), w.whole([1])], keepdims=0)
    least = w.node("Max", [*counts, w.constant(np.ones((), dtype))])
    total = w.node("ReduceSum", [*kept, w.whole([1])], keepdims=0)
    return w.node("Div", [*total, *least])


# ---------------------------------------------------------------- normalisation


def batch_normalization(w: Writer, step: Step, xs: Names) -> Names:
    x, (shape, dtype) = given(step), step.outputs[0]
    gamma = xs[1] or w.constant(np.ones(shape[-1], dtype))
    beta = xs[2] or w.constant(np.zeros(shape[-1], dtype))
    flat = x.ndim == 2
    options = {k: step.attributes.get(k, v) for k, v in (("momentum", 0.99), ("epsilon", 1e-3))}
    front = xs[0] if flat else to_front(w, xs[0], x.ndim)
    y = w.node("BatchNormalization", [front, gamma, beta, xs[3], xs[4]], **options)
    return [*(y if flat else to_end(w, y, x.ndim)), "", ""]


def layer_normalization(w: Writer, step: Step, xs: Names) -> Names:
    x, dtype = given(step), step.outputs[0][1]
    axes = sorted(a % x.ndim for a in np.reshape(step.attributes.get("axis", -1), -1).tolist())
    if axes != list(range(axes[0], x.ndim)):
        raise w.refuse(step, "axes other than the last ones are not written")
    gamma = xs[1] or w.constant(np.ones(x.shape[axes[0] :], dtype))
    epsilon = step.attributes.get("epsilon", 1e-3)
    return w.node(
        "LayerNormalization", [xs[0], gamma, *filter(None, xs[2:])], axis=axes[0], epsilon=epsilon
    )


def group_normalization(w: Writer, step: Step, xs: Names) -> Names:
    x, (shape, dtype) = given(step), step.outputs[0]
    gamma = xs[1] or w.constant(np.ones(shape[-1], dtype))
    beta = xs[2] or w.constant(np.zeros(shape[-1], dtype))
    options = {"num_groups": step.attributes["groups"]}
    options["epsilon"] = step.attributes.get("epsilon", 1e-3)
    y = w.node("GroupNormalization", [to_front(w, xs[0], x.ndim), gamma, beta], **options)
    return to_end(w, y, x.ndim)


def rms_normalization(w: Writer, step: Step, xs: Names) -> Names:
    x, dtype = given(step), step.outputs[0][1]
    axes = sorted(a % x.ndim for a in np.reshape(step.attributes.get("axis", -1), -1).tolist())
    if axes != list(range(axes[0], x.ndim)):
        raise w.refuse(step, "axes other than the last ones are not written")
    squares = w.node("Mul", [xs[0], xs[0]])
    mean = w.node("ReduceMean", [*squares, w.whole(axes)], keepdims=1)
    epsilon = w.constant(np.array(step.attributes.get("epsilon", 1e-6), dtype))
    root = w.node("Sqrt", w.node("Add", [*mean, epsilon]))
    return w.node("Mul", [*w.node("Div", [xs[0], *root]), xs[1]])


# ---------------------------------------------------------------- sequences


MASKED = (
    "its mask skips steps in the middle of a sequence, too, which ONNX cannot say; a model without "
    "masks can be written"
)


def recurrent(w: Writer, step: Step, xs: Names) -> Names:
    kind = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "RNN"}[step.op.name]
    if xs[-1]:
        raise w.refuse(step, MASKED)
    states = xs[4:-1]
    for tensor, name in zip(step.inputs[4:-1], states, strict=True):
        if name and tensor is not None and tensor.shape[0] == 1:
            raise w.refuse(step, "a first state that all samples share is not written")
    weights = [w.weight(step, place, f"{kind} {place}") for place in (1, 2, 3)]
    first = [w.node("Unsqueeze", [x, w.whole([0])])[0] if x else "" for x in states]
    backwards = bool(step.attributes.get("go_backwards", False))
    options: dict[str, Any] = {"direction": "reverse" if backwards else "forward"}
    options["hidden_size"] = given(step, 2).shape[0]
    if kind == "GRU":
        options["linear_before_reset"] = int(step.attributes.get("reset_after", True))
    front = w.node("Transpose", [xs[0]], perm=[1, 0, 2])
    inputs = [*front, *weights, "", *first]
    every, *last = w.node(kind, inputs, outputs=1 + len(states), **options)
    y = w.node("Transpose", w.node("Squeeze", [every, w.whole([1])]), perm=[1, 0, 2])
    if backwards:
        spans = [[2**62], [-(2**62)], [1], [-1]]
        y = w.node("Slice", [*y, *map(w.whole, spans)])
    return [*y, *(w.node("Squeeze", [one, w.whole([0])])[0] for one in last)]


TO_NODES: dict[str, Callable[[Writer, Step, Names], Names]] = (
    dict.fromkeys(ALONE, alone)
    | dict.fromkeys(PAIRS, pairs)
    | dict.fromkeys(COMPARED, compared)
    | dict.fromkeys(LOGICAL, logical)
    | dict.fromkeys(REDUCTIONS, reduction)
    | dict.fromkeys(["convolution", "depthwise_convolution"], convolution)
    | dict.fromkeys(["max_pool", "average_pool"], pool)
    | dict.fromkeys(["lstm", "gru", "simple_rnn"], recurrent)
    | dict.fromkeys(["var", "std"], variance)
    | dict.fromkeys(["argmax", "argmin"], arg)
    | {
        "batch_normalization": batch_normalization,
        "causal_mask": causal_mask,
        "concatenate": concatenate,
        "cumsum": cumsum,
        "dense": dense,
        "dot": dot,
        "dropout": dropout,
        "einsum": einsum,
        "elu": with_options("Elu", alpha="alpha"),
        "embedding": embedding,
        "flatten": flatten,
        "floor_divide": floor_divide,
        "getitem": getitem,
        "group_normalization": group_normalization,
        "hard_sigmoid": hard_sigmoid,
        "join_heads": join_heads,
        "layer_normalization": layer_normalization,
        "leaky_relu": with_options("LeakyRelu", negative_slope="alpha"),
        "log10": scaled_log(10),
        "log2": scaled_log(2),
        "log_softmax": with_options("LogSoftmax", axis="axis"),
        "masked_mean": masked_mean,
        "mod": mod,
        "repeat": repeat,
        "reshape": reshape,
        "rms_normalization": rms_normalization,
        "selu": selu,
        "silu": silu,
        "softmax": with_options("Softmax", axis="axis"),
        "split_heads": split_heads,
        "square": square,
        "steps_into_batch": steps_into_batch,
        "steps_out_of_batch": steps_out_of_batch,
        "transpose": transpose,
        "transposed_convolution": transposed_convolution,
        "where": where,
        "zero_pad": zero_pad,
    }
)
