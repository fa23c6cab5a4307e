"""What products are in ONNX."""

from __future__ import annotations

from string import ascii_lowercase

from ..engine.graph import Step
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
    x, y = given(step), given(step, 1)
    axis_x, axis_y = (a % t.ndim for a, t in zip(step.attributes["axes"], (x, y), strict=True))
    of_x = list(ascii_lowercase[: x.ndim])
    of_y = ["a", *ascii_lowercase[x.ndim : x.ndim + y.ndim - 1]]
    of_y[axis_y] = of_x[axis_x]
    free = [c for c in of_x[1:] if c != of_x[axis_x]] + [c for c in of_y[1:] if c != of_x[axis_x]]
    equation = f"{''.join(of_x)},{''.join(of_y)}->a{''.join(free)}"
    z = w.node("Einsum", [w.cast(one, step.outputs[0][1]) for one in xs], equation=equation)
    return z if free else w.node("Unsqueeze", [*z, w.whole([1])])


WRITE: Writes = {
    "dense": dense,
    "dot": dot,
    "einsum": einsum,
    "embedding": embedding,
}
