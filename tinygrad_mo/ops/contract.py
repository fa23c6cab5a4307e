"""What an operation is: a value and its pullbacks, on plain arrays.

The contract, in full
---------------------
An op is a function of plain arrays that returns ``(y, back)``:

    @op
    def multiply(x, y):
        return x * y, (lambda g: g * y, lambda g: g * x)

- ``back`` holds one pullback per input, in order; None marks an input that has no derivative
  (ids, labels, masks). Where the inputs share work, ``back`` is ONE function that returns the
  gradients of all of them; or the pullbacks share it by `once_for_each`, so that what nobody asks
  for is not computed.
- A pullback receives the cotangent ``g`` of the value, of shape ``(rows, *y.shape)``: one row per
  loss, all carried through at once. It returns ``(rows, *x.shape)``, or something that
  broadcasting made larger: the engine sums it back with `unbroadcast`. Rules therefore count axes
  from the right (``-1``, ``...``), so that the rows ride along. The gradient of a table of which
  few entries were read may be a `SparseGradient`.
- A pullback never writes into ``g``, nor into anything that the forward rule returned.
- Attributes (axis, strides, rate ...) are keyword-only. An op that does something else while
  training has the keyword ``training``, which the engine fills in.
- An op with moving averages (batch normalisation) returns the new statistics as further values and
  says ``@op(averages={1: 3})``: while training, value 1 is averaged into the parameter that is
  input 3, with the weight ``1 - momentum`` (an attribute), after the step.
- Several values: ``y`` is a tuple, and the pullback receives a complete tuple of cotangents
  (zeros for values that nobody used).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import prod
from typing import Any

from ..device import Array, by_twin

OPS: dict[str, Op] = {}


class Op:
    """A rule with a name. Plain arrays give ``(y, back)``; tensors are handed to their graph.

    Examples
    --------
    >>> from tinygrad_mo import ops
    >>> y, (pull_x, pull_y) = ops.multiply(2.0, 3.0)
    >>> y, pull_x(1.0), pull_y(1.0)
    (6.0, 3.0, 2.0)
    """

    def __init__(self, rule: Callable[..., Any], averages: dict[int, int] | None = None):
        self.rule = rule
        self.compiled: dict[str, Callable[..., Any]] = {}  # by device, a twin of the rule
        self.averages = averages or {}
        self.name = self.__name__ = rule.__name__.rstrip("_")
        self.takes_training = "training" in inspect.signature(rule).parameters
        self.__doc__ = rule.__doc__
        self.__wrapped__ = rule

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        for x in inputs:
            if hasattr(x, "__op__"):  # a tensor: it knows how to record a step
                return x.__op__(self, inputs, attributes)
        return self.rule(*inputs, **attributes)

    def run(self, *inputs: Any, **attributes: Any) -> Any:
        """What the graph runs: the compiled twin where it applies, otherwise the rule."""
        if self.compiled:
            found = by_twin(self.compiled, inputs[0], *inputs, **attributes)
            if found is not NotImplemented:
                return found
        return self.rule(*inputs, **attributes)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def op(rule: Any = None, *, averages: dict[int, int] | None = None) -> Any:
    """Make an `Op` of a rule and enter it under its name into the table of all ops.

    An op of your own that is called like one of this package leaves that in the table.
    """
    if rule is None:
        return lambda rule: op(rule, averages=averages)
    new = Op(rule, averages)
    if new.name not in OPS or not of_this_package(OPS[new.name]) or of_this_package(new):
        OPS[new.name] = new
    return new


def of_this_package(op: Op) -> bool:
    """Is it one of those that the files of this folder define?"""
    return op.rule.__module__.startswith(__package__)


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum ``g`` of shape ``(rows, *larger)`` back to ``(rows, *shape)``.

    Broadcasting used one number in several places; the places' gradients add up.

    Examples
    --------
    >>> import numpy as np
    >>> unbroadcast(np.ones((1, 4, 3)), (3,))
    array([[4., 4., 4.]])
    """
    if g.shape[1:] == shape:
        return g
    new = g.ndim - 1 - len(shape)  # axes that broadcasting put in front
    if new > 0 and g.shape[1 + new :] == shape:  # a bias: the usual case
        return g.sum(axis=tuple(range(1, 1 + new)))
    if new < 0 or any(n != m and n != 1 for n, m in zip(shape, g.shape[1 + new :], strict=True)):
        raise ValueError(
            f"a pullback returned shape {g.shape} (rows first) for an input of shape {shape}"
        )
    stretched = (1 + new + i for i, n in enumerate(shape) if n == 1)
    g = g.sum(axis=(*range(1, 1 + new), *stretched), keepdims=True)
    return g.reshape(g.shape[:1] + shape)


def once_for_each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function, remembering its last answer: what several pullbacks of the same g share."""
    last: list[Any] = []

    def remembered(g: Any) -> Any:
        if not (last and last[0] is g):
            last[:] = g, function(g)
        return last[1]

    return remembered


def rows_of(g: Array, y: Array) -> tuple[int, ...]:
    """The leading part of ``g``'s shape that is not ``y``'s: its rows."""
    return g.shape[: g.ndim - y.ndim]


def flat(x: Array, lead: tuple[int, ...] = ()) -> Array:
    """``x`` as a matrix: all axes but the last made one, behind the axes `lead`."""
    return x.reshape(*lead, prod(x.shape[len(lead) : -1]), x.shape[-1])
