"""Moving averages (of batch normalisation): what a training step has seen moves them a little."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..device import lock
from ..engine.graph import Parameter, Step, Tensor
from ..engine.plan import Plan, Tape
from ..optimizers.finite import ask_if_not_finite


class MovingAverages:
    """Those of a graph.

    Parameters
    ----------
    steps : iterable of Step
        The op of a step says which of its values is averaged into which of its inputs.

    Attributes
    ----------
    averages : list of Parameter
        Each as often as something moves it.
    statistics : list of Tensor
        What a tape must keep: the values that they follow.
    moved : list of (Tensor, Parameter, float)
        Both together, and the share of itself that an average keeps.
    """

    def __init__(self, steps: Iterable[Step]):
        self.statistics: list[Tensor] = []
        self.moved: list[tuple[Tensor, Parameter, float]] = []
        for step in steps:
            for value, position in step.op.averages.items():
                self.statistics.append(step.output(value))
                average: Any = step.inputs[position]
                self.moved.append((self.statistics[-1], average, step.attributes["momentum"]))
        self.averages = [average for _, average, _ in self.moved]

    def not_finite(self, plan: Plan, tape: Tape) -> list[tuple[Parameter, Any]]:
        """Which cannot follow, since what the batch has shown is infinite or NaN: `bool` says it"""
        return [
            (average, ask_if_not_finite(plan.value(tape, tensor)))
            for tensor, average, _ in self.moved
        ]

    def reach(self, plan: Plan, average: Parameter) -> tuple[int, ...]:
        """The losses that depend on what moves an average."""
        steps = [tensor.step for tensor, moved, _ in self.moved if moved is average]
        return tuple({k for step in steps for k in plan.reach[plan.slots[step, 0]]})

    def follow(self, plan: Plan, tape: Tape, lost: Sequence[tuple[Parameter, Any]] = ()) -> None:
        """Move each of them towards what the batch of a tape has shown, where it is finite."""
        without = [average for average, is_lost in lost if is_lost] if lost else ()
        for tensor, average, momentum in self.moved:
            if average not in without:
                old, seen = average.value, plan.value(tape, tensor)
                moved = old + (1 - momentum) * (seen - old)
                moved = moved.astype(average.dtype, copy=False)
                lock(moved)
                average.value = moved
