"""Ops that Python's own operators write, in every framework: of two numbers, and of parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.attributes import parts_of, shown
from ..engine.graph import Step
from ..ops.windows import windows_over
from .text import COMPARISON, PRODUCT, SIGN, SUM, Text, pair

Express = Callable[[Any, Step, Any], Any]  # of a body, a step, and its inputs as texts

SIGNS = {
    **{"add": ("+", SUM), "subtract": ("-", SUM), "multiply": ("*", PRODUCT)},
    **{"divide": ("/", PRODUCT), "floor_divide": ("//", PRODUCT), "matmul": ("@", PRODUCT)},
    **{"equal": ("==", COMPARISON), "not_equal": ("!=", COMPARISON)},
    **{"greater": (">", COMPARISON), "greater_equal": (">=", COMPARISON)},
    **{"less": ("<", COMPARISON), "less_equal": ("<=", COMPARISON)},
}


def inputs_of(step: Step) -> Any:
    """The inputs of a step; which of them may be None, is up to its op."""
    return step.inputs


def between(body: Any, step: Step, xs: Any) -> Text:
    return pair(xs[0], *SIGNS[step.op.name][:1], xs[1], SIGNS[step.op.name][1])


def negative(body: Any, step: Step, xs: Any) -> Text:
    return Text(f"-{xs[0].within(SIGN)}", SIGN)


def square(body: Any, step: Step, xs: Any) -> Text:
    x = xs[0] if xs[0].isidentifier() else body.settled(step.inputs[0])
    return pair(x, "*", x, PRODUCT)


def identity(body: Any, step: Step, xs: Any) -> Text:
    return xs[0]


def getitem(body: Any, step: Step, xs: Any) -> Text:
    """An index; backwards, axis by axis."""
    parts, text, back, axis = [], xs[0].within(), [], 0
    for part in parts_of(step.attributes["index"], inputs_of(step)[0].ndim):
        if isinstance(part, slice) and part == slice(None, None, -1):
            back.append(axis)
            part = slice(None)
        if isinstance(part, slice) and (part.step or 1) < 0:
            raise body.refuse(step, "of indices with negative steps, only [::-1] can be written")
        parts.append(str(part.tolist()) if isinstance(part, np.ndarray) else shown(part))
        axis += not isinstance(part, int)
    while parts and parts[-1] == ":":
        parts.pop()
    text = f"{text}[{', '.join(parts)}]" if parts else text
    return body.flipped(Text(text), back) if back else Text(text)


def padding(body: Any, step: Step, size: Any, strides: Any, dilation: Any) -> Any:
    """What is added before and behind each axis of space or time."""
    kind, lengths = step.attributes["padding"], inputs_of(step)[0].shape[1:-1]
    if kind == "valid":
        return [(0, 0)] * len(size)
    if None in lengths and max(strides) > 1 and kind == "same":
        raise body.refuse(step, "its padding follows from a length that only the data know")
    lengths = [1 if n is None else n for n in lengths]
    return windows_over(lengths, size, strides, dilation, kind).pads


COMMON: dict[str, Express] = dict.fromkeys(SIGNS, between) | {
    "getitem": getitem,
    "identity": identity,
    "negative": negative,
    "square": square,
}
