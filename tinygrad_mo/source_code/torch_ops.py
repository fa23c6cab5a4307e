"""What the ops without weights are in PyTorch: expressions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.graph import Step
from ..ops.linear import dot_equation
from .expressions import COMMON, Express, inputs_of
from .text import PRODUCT, Text, call, literal, method, pair
from .torch_modules import MODULES

FUNCTIONS = {
    **{"absolute": "torch.abs", "ceil": "torch.ceil", "erf": "torch.erf", "exp": "torch.exp"},
    **{"expm1": "torch.expm1", "floor": "torch.floor", "gelu": "F.gelu", "log": "torch.log"},
    **{"hard_sigmoid": "F.hardsigmoid", "log10": "torch.log10", "log1p": "torch.log1p"},
    **{"log2": "torch.log2", "relu": "torch.relu", "selu": "F.selu", "sigmoid": "torch.sigmoid"},
    **{"sign": "torch.sign", "silu": "F.silu", "softplus": "F.softplus", "softsign": "F.softsign"},
    **{"sqrt": "torch.sqrt", "tanh": "torch.tanh", "power": "torch.pow", "mod": "torch.remainder"},
    **{"sin": "torch.sin", "cos": "torch.cos", "tan": "torch.tan", "arcsin": "torch.asin"},
    **{"arccos": "torch.acos", "arctan": "torch.atan", "arctan2": "torch.atan2"},
    **{"sinh": "torch.sinh", "cosh": "torch.cosh", "arcsinh": "torch.asinh"},
    **{"arccosh": "torch.acosh", "arctanh": "torch.atanh", "where": "torch.where"},
    **{"logical_and": "torch.logical_and", "logical_or": "torch.logical_or"},
    **{"logical_not": "torch.logical_not", "inv": "torch.linalg.inv", "det": "torch.linalg.det"},
    **{"solve": "torch.linalg.solve", "cholesky": "torch.linalg.cholesky"},
}
# Ops that take whole numbers, or masks, as they are.
TAKES_WHOLE = {"embedding", "concatenate", "where", "lstm", "gru", "simple_rnn", "masked_mean"}
TAKES_WHOLE |= {"batch_normalization", "broadcast_mask", "causal_mask", *COMMON} - {"matmul"}


def function(body: Any, step: Step, xs: Any) -> Text:
    if step.attributes:
        raise body.refuse(step, f"its {', '.join(step.attributes)} is not written")
    return call(FUNCTIONS[step.op.name], *xs)


def with_number(name: str, option: str, default: float) -> Express:
    """An activation with a number, and its default here."""
    return lambda body, step, xs: call(name, xs[0], step.attributes.get(option, default))


def along(name: str) -> Express:
    """A method that works along one axis."""
    return lambda body, step, xs: method(xs[0], name, step.attributes.get("axis", -1))


def reduction(name: str, **always: Any) -> Express:
    """A method that makes one number of many."""

    def express(body: Any, step: Step, xs: Any) -> Text:
        options = step.attributes | always
        axis = options.pop("axis", None)
        if axis is None and name in ("amax", "amin", "logsumexp"):
            axis = tuple(range(inputs_of(step)[0].ndim))
        axes = () if axis is None else tuple(np.reshape(axis, -1).tolist())
        given = [literal(axes[0] if len(axes) == 1 else axes)] * bool(axes)
        if name in ("var", "std"):
            options["correction"] = options.pop("ddof", 0)
        keep = options.pop("keepdims", False) or None
        return method(xs[0], name, *given, keepdim=keep, **options)

    return express


def norm(body: Any, step: Step, xs: Any) -> Text:
    options = {"dim": step.attributes.get("axis"), "keepdim": step.attributes.get("keepdims")}
    return call("torch.linalg.vector_norm", xs[0], **options)


def larger(name: str, option: str) -> Express:
    """The larger or smaller of two, of which one may be a plain number."""

    def express(body: Any, step: Step, xs: Any) -> Text:
        for i, x in enumerate(step.inputs):
            if x is not None and x.step is None and x.value is not None and x.shape == ():
                return method(xs[1 - i], "clamp", **{option: xs[i]})
        return call(f"torch.{name}", *xs)

    return express


def concatenate(body: Any, step: Step, xs: Any) -> Text:
    return call("torch.cat", literal(list(xs)), step.attributes.get("axis", -1))


def einsum(body: Any, step: Step, xs: Any) -> Text:
    return call("torch.einsum", literal(step.attributes["subscripts"]), *xs)


def dot(body: Any, step: Step, xs: Any) -> Text:
    x, y = inputs_of(step)
    equation = dot_equation(x.ndim, y.ndim, step.attributes["axes"])
    z = call("torch.einsum", literal(equation), *xs)
    return Text(f"{z}[:, None]") if equation.endswith(">a") else z


def flatten(body: Any, step: Step, xs: Any) -> Text:
    flat = inputs_of(step)[0].ndim == 1
    return Text(f"{xs[0].within()}[:, None]") if flat else method(xs[0], "flatten", 1)


def reshape(body: Any, step: Step, xs: Any) -> Text:
    return method(xs[0], "reshape", *np.reshape(step.attributes["shape"], -1).tolist())


def transpose(body: Any, step: Step, xs: Any) -> Text:
    ndim = inputs_of(step)[0].ndim
    axes = [a % ndim for a in step.attributes.get("axes") or range(ndim)[::-1]]
    moved = [i for i, a in enumerate(axes) if a != i]
    return (
        method(xs[0], "transpose", *moved) if len(moved) == 2 else method(xs[0], "permute", *axes)
    )


def zero_pad(body: Any, step: Step, xs: Any) -> Text:
    widths = [n for both in reversed(step.attributes["widths"]) for n in both]
    while len(widths) > 2 and widths[-2:] == [0, 0]:
        del widths[-2:]
    return call("F.pad", xs[0], literal(tuple(widths)))


def masked_mean(body: Any, step: Step, xs: Any) -> Text:
    real = Text(f"{body.settled(step.inputs[1])}[..., None]")
    total = method(call("torch.where", real, xs[0], 0.0), "sum", 1)
    return pair(total, "/", method(method(real, "sum", 1), "clamp", min=1), PRODUCT)


def causal_mask(body: Any, step: Step, xs: Any) -> Text:
    x = body.settled(step.inputs[0])
    return method(call("torch.ones_like", x, dtype=Text("torch.bool")), "tril")


def steps_out_of_batch(body: Any, step: Step, xs: Any) -> Text:
    return method(xs[0], "unflatten", 0, Text(f"{body.settled(step.inputs[1])}.shape[:2]"))


def broadcast_mask(body: Any, step: Step, xs: Any) -> Text:
    depth = inputs_of(step)[0].ndim
    return method(xs[0], "expand", Text(f"{body.settled(step.inputs[1])}.shape[:{depth}]"))


OPS: dict[str, Express] = {
    **dict.fromkeys(FUNCTIONS, function),
    **COMMON,
    **MODULES,
    "argmax": reduction("argmax"),
    "argmin": reduction("argmin"),
    "broadcast_mask": broadcast_mask,
    "broadcast_to": lambda body, step, xs: method(xs[0], "expand", *step.attributes["shape"]),
    "causal_mask": causal_mask,
    "concatenate": concatenate,
    "cumprod": along("cumprod"),
    "cumsum": along("cumsum"),
    "dot": dot,
    "einsum": einsum,
    "elu": with_number("F.elu", "alpha", 1.0),
    "flatten": flatten,
    "join_heads": lambda body, step, xs: method(method(xs[0], "transpose", 1, 2), "flatten", 2),
    "leaky_relu": with_number("F.leaky_relu", "negative_slope", 0.2),
    "log_softmax": along("log_softmax"),
    "logsumexp": reduction("logsumexp"),
    "masked_mean": masked_mean,
    "max": reduction("amax"),
    "maximum": larger("maximum", "min"),
    "mean": reduction("mean"),
    "min": reduction("amin"),
    "minimum": larger("minimum", "max"),
    "norm": norm,
    "prod": reduction("prod"),
    "repeat": lambda body, step, xs: method(
        xs[0], "repeat_interleave", step.attributes["times"], step.attributes["axis"]
    ),
    "reshape": reshape,
    "round": function,
    "softmax": along("softmax"),
    "sort": lambda body, step, xs: Text(f"{along('sort')(body, step, xs)}.values"),
    "split_heads": lambda body, step, xs: method(
        method(xs[0], "unflatten", -1, literal((step.attributes["heads"], -1))), "transpose", 1, 2
    ),
    "std": reduction("std"),
    "steps_into_batch": lambda body, step, xs: method(xs[0], "flatten", 0, 1),
    "steps_out_of_batch": steps_out_of_batch,
    "stop_gradient": lambda body, step, xs: method(xs[0], "detach"),
    "sum": reduction("sum"),
    "transpose": transpose,
    "var": reduction("var"),
    "zero_pad": zero_pad,
}
FUNCTIONS["round"] = "torch.round"
