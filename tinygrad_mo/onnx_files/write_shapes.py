"""What ops that move, pick, join and repeat numbers are in ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.attributes import parts_of
from ..engine.graph import Step
from .writer import Names, Writer, Writes, given


def transpose(w: Writer, step: Step, xs: Names) -> Names:
    ndim = given(step).ndim
    axes = step.attributes.get("axes") or range(ndim)[::-1]
    return w.node("Transpose", xs, perm=[a % ndim for a in axes])


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


WRITE: Writes = {
    "causal_mask": causal_mask,
    "concatenate": concatenate,
    "flatten": flatten,
    "getitem": getitem,
    "join_heads": join_heads,
    "repeat": repeat,
    "reshape": reshape,
    "split_heads": split_heads,
    "steps_into_batch": steps_into_batch,
    "steps_out_of_batch": steps_out_of_batch,
    "transpose": transpose,
    "zero_pad": zero_pad,
}
