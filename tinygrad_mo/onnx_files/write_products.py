"""What products are in ONNX."""

from __future__ import annotations

from ..engine.graph import Step
from ..ops.linear import dot_equation
from .writer import Names, Writer, Writes, given


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


WRITE: Writes = {
    "dense": dense,
    "dot": dot,
    "einsum": einsum,
    "embedding": embedding,
}
