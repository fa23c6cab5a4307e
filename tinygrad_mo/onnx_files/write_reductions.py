"""What ops that make one number of many are in ONNX."""

from __future__ import annotations

import numpy as np

from ..engine.graph import Step
from .writer import Names, Writer, Writes

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


def masked_mean(w: Writer, step: Step, xs: Names) -> Names:
    dtype = step.outputs[0][1]
    real = w.node("Unsqueeze", [w.cast(xs[1], bool), w.whole([2])])
    kept = w.node("Where", [*real, xs[0], w.constant(np.zeros((), dtype))])
    counts = w.node("ReduceSum", [w.cast(real[0], dtype), w.whole([1])], keepdims=0)
    least = w.node("Max", [*counts, w.constant(np.ones((), dtype))])
    total = w.node("ReduceSum", [*kept, w.whole([1])], keepdims=0)
    return w.node("Div", [*total, *least])


WRITE: Writes = {
    **dict.fromkeys(REDUCTIONS, reduction),
    **{"argmax": arg, "argmin": arg, "std": variance, "var": variance},
    **{"cumsum": cumsum, "masked_mean": masked_mean},
}
