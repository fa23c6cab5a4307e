"""What ops that are computed element by element are in ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.graph import Step
from .writer import Names, Writer, Writes

SAME_TYPE = {
    **{"absolute": "Abs", "arccos": "Acos", "arccosh": "Acosh", "arcsin": "Asin"},
    **{"arcsinh": "Asinh", "arctan": "Atan", "arctanh": "Atanh", "ceil": "Ceil", "cos": "Cos"},
    **{"cosh": "Cosh", "erf": "Erf", "exp": "Exp", "floor": "Floor", "gelu": "Gelu", "log": "Log"},
    **{"negative": "Neg", "relu": "Relu", "round": "Round", "sigmoid": "Sigmoid", "sign": "Sign"},
    **{"sin": "Sin", "sinh": "Sinh", "softplus": "Softplus", "softsign": "Softsign"},
    **{"sqrt": "Sqrt", "tan": "Tan", "tanh": "Tanh"},
    # What only training does is left out:
    **{"identity": "Identity", "gaussian_noise": "Identity", "stop_gradient": "Identity"},
    **{"add": "Add", "divide": "Div", "matmul": "MatMul", "maximum": "Max", "minimum": "Min"},
    **{"multiply": "Mul", "power": "Pow", "subtract": "Sub"},
}
COMPARED = {
    **{"equal": "Equal", "greater": "Greater", "greater_equal": "GreaterOrEqual"},
    **{"less": "Less", "less_equal": "LessOrEqual", "not_equal": "Equal"},
}
LOGICAL = {"logical_and": "And", "logical_not": "Not", "logical_or": "Or"}


def same_type(w: Writer, step: Step, xs: Names) -> Names:
    if step.attributes.get("decimals", 0):
        raise w.refuse(step, "decimals are not written")
    return w.node(SAME_TYPE[step.op.name], [w.cast(x, step.outputs[0][1]) for x in xs])


def compared(w: Writer, step: Step, xs: Names) -> Names:
    dtype = np.result_type(*(w.types[x] for x in xs))
    y = w.node(COMPARED[step.op.name], [w.cast(x, dtype) for x in xs])
    return w.node("Not", y) if step.op.name == "not_equal" else y


def logical(w: Writer, step: Step, xs: Names) -> Names:
    return w.node(LOGICAL[step.op.name], [w.cast(x, bool) for x in xs])


def where(w: Writer, step: Step, xs: Names) -> Names:
    dtype = step.outputs[0][1]
    return w.node("Where", [w.cast(xs[0], bool), w.cast(xs[1], dtype), w.cast(xs[2], dtype)])


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


def with_options(op: str, **options: str | float) -> Callable[[Writer, Step, Names], Names]:
    """A node with attributes: a number, or what we call it."""
    defaults = {"negative_slope": 0.2, "alpha": 1.0, "axis": -1}

    def write(w: Writer, step: Step, xs: Names) -> Names:
        values: dict[str, Any] = {
            theirs: step.attributes.get(ours, defaults[ours]) if isinstance(ours, str) else ours
            for theirs, ours in options.items()
        }
        return w.node(op, [w.cast(xs[0], step.outputs[0][1])], **values)

    return write


def dropout(w: Writer, step: Step, xs: Names) -> Names:
    if step.attributes.get("shared_axes"):  # a Dropout of ONNX draws for each number
        return w.node("Identity", xs)
    rate = w.constant(np.array(step.attributes["rate"], np.float32))
    return w.node("Dropout", [xs[0], rate])


WRITE: Writes = {
    **dict.fromkeys(SAME_TYPE, same_type),
    **dict.fromkeys(COMPARED, compared),
    **dict.fromkeys(LOGICAL, logical),
    "dropout": dropout,
    "elu": with_options("Elu", alpha="alpha"),
    "floor_divide": floor_divide,
    "hard_sigmoid": with_options("HardSigmoid", alpha=1 / 6, beta=0.5),
    "leaky_relu": with_options("LeakyRelu", alpha="negative_slope"),
    "log10": scaled_log(10),
    "log2": scaled_log(2),
    "log_softmax": with_options("LogSoftmax", axis="axis"),
    "mod": mod,
    "selu": with_options("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    "silu": lambda w, step, xs: w.node("Mul", [xs[0], *w.node("Sigmoid", xs)]),
    "softmax": with_options("Softmax", axis="axis"),
    "square": lambda w, step, xs: w.node("Mul", [xs[0], xs[0]]),
    "where": where,
}
