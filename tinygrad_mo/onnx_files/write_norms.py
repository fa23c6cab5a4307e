"""What normalisations are in ONNX."""

from __future__ import annotations

import numpy as np

from ..engine.graph import Step
from .write_windows import to_end, to_front
from .writer import Names, Writer, Writes, given


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


WRITE: Writes = {
    "batch_normalization": batch_normalization,
    "group_normalization": group_normalization,
    "layer_normalization": layer_normalization,
    "rms_normalization": rms_normalization,
}
