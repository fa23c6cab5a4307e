"""What recurrent layers are in ONNX."""

from __future__ import annotations

from typing import Any

from ..engine.graph import Step
from .writer import Names, Writer, Writes, given

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


WRITE: Writes = dict.fromkeys(["lstm", "gru", "simple_rnn"], recurrent)
