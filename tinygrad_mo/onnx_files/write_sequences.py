"""What recurrent layers are in ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.graph import Step
from .writer import Names, Writer, Writes, given

KINDS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "RNN"}


def recurrent(w: Writer, step: Step, xs: Names) -> Names:
    states, steps, mask = xs[4:-1], xs[0], xs[-1]
    for tensor, name in zip(step.inputs[4:-1], states, strict=True):
        if name and tensor is not None and tensor.shape[0] == 1:
            raise w.refuse(step, "a first state that all samples share is not written")
    if mask and len(states) == 2 and w.reads(step, 2):
        raise w.refuse(step, "the last cell of a sequence with a mask is not written")
    backwards = bool(step.attributes.get("go_backwards", False))
    if not mask:
        y, *last = layer(w, step, steps, states, backwards)
        return [*(backward(w, y) if backwards else [y]), *last]
    real = w.cast(mask, bool)
    (steps,) = w.node("Where", [column(w, real), steps, w.constant(np.zeros((), w.types[steps]))])
    if backwards:
        (steps,), (real,) = backward(w, steps), backward(w, real)
    counts, shows, takes = without_skipped(w, real, w.types[steps])
    y, *_ = layer(w, step, w.node("MatMul", [takes, steps])[0], states, False)
    (y,) = w.node("MatMul", [shows, y])
    if states[0]:
        before = w.node("Less", [counts, w.constant(np.ones((), w.types[counts]))])
        (y,) = w.node("Where", [column(w, *before), row(w, states[0]), y])
    end = w.node("Gather", [y, w.whole(-1)], axis=1)
    return [y, *end, ""][: 1 + len(states)]


def layer(w: Writer, step: Step, x: str, states: Names, backwards: bool) -> Names:
    """A node of ONNX, which has time in front: all states, and the last ones."""
    kind = KINDS[step.op.name]
    weights = [w.weight(step, place, f"{kind} {place}") for place in (1, 2, 3)]
    first = [w.node("Unsqueeze", [one, w.whole([0])])[0] if one else "" for one in states]
    options: dict[str, Any] = {"direction": "reverse" if backwards else "forward"}
    options["hidden_size"] = given(step, 2).shape[0]
    if kind == "GRU":
        options["linear_before_reset"] = int(step.attributes.get("reset_after", True))
    front = w.node("Transpose", [x], perm=[1, 0, 2])
    inputs = [*front, *weights, "", *first]
    every, *last = w.node(kind, inputs, outputs=1 + len(states), **options)
    y = w.node("Transpose", w.node("Squeeze", [every, w.whole([1])]), perm=[1, 0, 2])
    return [*y, *(w.node("Squeeze", [one, w.whole([0])])[0] for one in last)]


def without_skipped(w: Writer, real: str, dtype: Any) -> tuple[str, str, str]:
    """Matrices of 0 and 1 around a layer that, as ONNX's, skips no step.

    Returns how many steps were real until each (batch, time); what shows after each the state
    after so many real ones (batch, time, time); what puts the real steps in front of the others.
    """
    (counts,) = w.node("CumSum", [w.cast(real, dtype), w.whole(1)])
    (skipped,) = w.node("CumSum", [w.cast(w.node("Not", [real])[0], dtype), w.whole(1)])
    (places,) = w.node("Add", [counts, skipped])
    (same,) = w.node("Equal", [column(w, counts), row(w, places)])
    (own,) = w.node("And", [same, column(w, real)])
    return counts, w.cast(same, dtype), w.node("Transpose", [w.cast(own, dtype)], perm=[0, 2, 1])[0]


def column(w: Writer, x: str) -> str:
    """(batch, time) as (batch, time, 1)."""
    return w.node("Unsqueeze", [x, w.whole([2])])[0]


def row(w: Writer, x: str) -> str:
    """(batch, n) as (batch, 1, n)."""
    return w.node("Unsqueeze", [x, w.whole([1])])[0]


def backward(w: Writer, x: str) -> Names:
    """The steps in reverse order."""
    return w.node("Slice", [x, *map(w.whole, ([2**62], [-(2**62)], [1], [-1]))])


WRITE: Writes = dict.fromkeys(KINDS, recurrent)
