"""What normalisations are in ONNX."""

from __future__ import annotations

import numpy as np

from ..engine.graph import Step
from .write_windows import to_end, to_front
from .writer import Names, Writer, Writes, given


def scale_and_shift(w: Writer, step: Step, xs: Names) -> Names:
    """Of the channels; 1 and 0 where the layer has none."""
    shape, dtype = step.outputs[0]
    pairs = zip(xs[1:3], (1, 0), strict=True)
    return [x or w.constant(np.full(shape[-1], plain, dtype)) for x, plain in pairs]


def last_axes(w: Writer, step: Step) -> list[int]:
    """The axes that are normalised."""
    ndim = given(step).ndim
    axes = sorted(a % ndim for a in np.reshape(step.attributes.get("axis", -1), -1).tolist())
    if axes != list(range(axes[0], ndim)):
        raise w.refuse(step, "axes other than the last ones are not written")
    return axes


def batch_normalization(w: Writer, step: Step, xs: Names) -> Names:
    ndim, weights = given(step).ndim, [*scale_and_shift(w, step, xs), xs[3], xs[4]]
    options = {k: step.attributes.get(k, v) for k, v in (("momentum", 0.99), ("epsilon", 1e-3))}
    front = xs[0] if ndim == 2 else to_front(w, xs[0], ndim)
    y = w.node("BatchNormalization", [front, *weights], **options)
    return [*(y if ndim == 2 else to_end(w, y, ndim)), "", ""]


def layer_normalization(w: Writer, step: Step, xs: Names) -> Names:
    (axis, *_), dtype = last_axes(w, step), step.outputs[0][1]
    gamma = xs[1] or w.constant(np.ones(given(step).shape[axis:], dtype))
    options = {"axis": axis, "epsilon": step.attributes.get("epsilon", 1e-3)}
    return w.node("LayerNormalization", [xs[0], gamma, *filter(None, xs[2:])], **options)


def group_normalization(w: Writer, step: Step, xs: Names) -> Names:
    ndim, weights = given(step).ndim, scale_and_shift(w, step, xs)
    options = {"num_groups": step.attributes["groups"]}
    options["epsilon"] = step.attributes.get("epsilon", 1e-3)
    y = w.node("GroupNormalization", [to_front(w, xs[0], ndim), *weights], **options)
    return to_end(w, y, ndim)


def rms_normalization(w: Writer, step: Step, xs: Names) -> Names:
    axes, dtype = last_axes(w, step), step.outputs[0][1]
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
