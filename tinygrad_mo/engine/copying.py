"""How tensors are copied and pickled: with their history, however long, and without recursion.

A tensor holds its step, a step its inputs, and so on. Here a tensor is taken apart into all steps
that led to it, each after those that it needs, and the inputs of a step are taken alone.
"""

from __future__ import annotations

import copyreg
from typing import Any

from .graph import Step, Tensor
from .order import topological_order
from .randomness import draws


class Alone:
    """A tensor as an input of a step that is copied: its history has been, before."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor):
        self.tensor = tensor

    def __reduce__(self) -> Any:
        return empty, (Tensor,), (None, held_by(self.tensor))


def with_history(tensor: Tensor) -> Any:
    """How a tensor is taken apart; a parameter, which nothing has made, needs no such care."""
    return empty, (Tensor, topological_order([tensor])), (None, held_by(tensor))


def without_pullbacks(step: Step) -> Any:
    """How a step is taken apart: functions cannot be copied, they are made again when asked for."""
    inputs = tuple(x if x is None or x.step is None else Alone(x) for x in step.inputs)
    kept = {"back": None, "inputs": inputs, "_passes": step.differentiable}
    return empty, (Step,), (None, held_by(step) | kept)


def empty(kind: Any, history: Any = None) -> Any:
    """One that gets what it holds later. (`history` is there to be copied first.)"""
    return kind.__new__(kind)


def held_by(x: Any) -> dict[str, Any]:
    return {name: getattr(x, name) for name in type(x).__slots__ if hasattr(x, name)}


copyreg.pickle(Tensor, with_history)  # type: ignore[arg-type]
copyreg.pickle(Step, without_pullbacks)  # type: ignore[arg-type]


def pullbacks_again(step: Step) -> Any:
    """Those of a step that is the copy of one that has run; a symbolic step has none."""
    values = [None if x is None else x.value for x in step.inputs]
    if any(x is not None and value is None for x, value in zip(step.inputs, values, strict=True)):
        raise TypeError(
            f"this step is symbolic and holds no value: {step.describe()}\n"
            f"train a Model instead, and watch its gradient_flow"
        )
    if draws(step):
        raise TypeError(
            f"this is the copy of a step that has drawn random numbers, which are gone: "
            f"{step.describe()}\ncompute it again, and ask that for its gradient"
        )
    return step.run(values)[1]
