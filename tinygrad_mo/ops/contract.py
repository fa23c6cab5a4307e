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
- A cotangent of 0 gives a gradient of 0, even where the slope is infinite (`sqrt` at 0, `exp` of
  1000): what does not count in a loss, as behind a `where`, cannot spoil its gradient. Where the
  maths has no slope, or several, the docstring of an op says which one it takes.
- Attributes (axis, strides, rate ...) are keyword-only. An op that does something else while
  training has the keyword ``training``, which the engine fills in.
- An op with moving averages (batch normalisation) returns the new statistics as further values and
  says ``@op(averages={1: 3})``: while training, value 1 is averaged into the parameter that is
  input 3, with the weight ``1 - momentum`` (an attribute), after the step.
- Several values: ``y`` is a tuple, and the pullback receives a complete tuple of cotangents
  (zeros for values that nobody used).

Whole numbers
-------------
Arrays of whole numbers (integers and booleans) are numbers, and what an op makes of them is what it
makes of the same numbers as floats. A rule need not think of it; one of two marks below ``@op``
converts its inputs before it runs:

- `in_floats`, where the maths leaves the whole numbers (tanh, divide, mean, lstm ...): they become
  floats, of the type of the float arrays beside them, or `floatx()` if there are none.
- `one_type`, where it does not (add, matmul, concatenate ...): they do so only beside floats, so
  that a sum of integers is an integer, and float32 stays float32.

Ops of one input that move numbers or pick them (reshape, max, relu ...) need no mark. Ids, labels
that are an index, and masks are no numbers: they stay as they are. Everything else (complex
numbers, dates, strings, masked arrays ...) is refused by `plain_numbers`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial, update_wrapper, wraps
from math import prod
from typing import Any

import numpy as np

from ..device import Array, array_module, by_twin, floatx

__all__ = ["OPS", "Op", "in_floats", "once_for_each", "one_type", "op", "unbroadcast"]

OPS: dict[str, Op] = {}


class Op:
    """A rule with a name. Plain arrays give ``(y, back)``; tensors are handed to their graph.

    To `help`, `inspect`, `pickle` and `copy` it is what its rule is: a function of its module.

    Parameters
    ----------
    rule : function
        As the contract of `tinygrad_mo.ops.contract` says.
    averages : dict, optional
        Which values are averaged into which inputs.

    Attributes
    ----------
    rule : function
        What a reader reads.
    compiled : dict
        By device ("cpu", "cuda"), a twin of the rule.
    name : str
        That of the rule, without an underscore behind it, which avoids a name of Python.
    takes_training : bool
        Does it do something else while training?

    Examples
    --------
    >>> from tinygrad_mo import ops
    >>> y, (pull_x, pull_y) = ops.multiply(2.0, 3.0)
    >>> y, pull_x(1.0), pull_y(1.0)
    (6.0, 3.0, 2.0)
    """

    def __init__(self, rule: Callable[..., Any], averages: dict[int, int] | None = None):
        update_wrapper(self, rule)  # name, module, docstring, signature
        self.rule = rule
        self.compiled: dict[str, Callable[..., Any]] = {}  # by device, a twin of the rule
        self.averages = averages or {}
        self.name = rule.__name__.rstrip("_")
        self.takes_training = "training" in inspect.signature(rule).parameters

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        for x in inputs:
            if hasattr(x, "__op__"):  # a tensor: it knows how to record a step
                return x.__op__(self, inputs, attributes)
        for i, x in enumerate(inputs):
            if type(x) is not float and x is not None:
                self._check(i, x)
        return self.rule(*inputs, **attributes)

    def run(self, *inputs: Any, **attributes: Any) -> Any:
        """What the graph runs: the compiled twin where it applies, otherwise the rule."""
        if self.compiled:
            found = by_twin(self.compiled, inputs[0], *inputs, **attributes)
            if found is not NotImplemented:
                return found
        return self.rule(*inputs, **attributes)

    def _check(self, i: int, x: Any) -> None:
        """Input `i` of a call without tensors must be an array or a number."""
        if isinstance(x, list | tuple):
            kind = type(x).__name__
            raise TypeError(
                f"{self.name}: input {i} is a {kind}; make an array of it with np.array(...), or "
                f"hand over what it holds one by one: {self.name}(*{kind})"
            )
        if not is_traced(x):
            plain_numbers(x, f"{self.name}: input {i}")

    def __get__(self, instance: Any, owner: Any = None) -> Op:
        """Itself, also as an attribute of a class. To `help`, what has this is a function."""
        return self

    def __reduce__(self) -> str:
        """Copied and pickled as functions are: by reference to their module and name."""
        return vars(self)["__qualname__"]

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


def in_floats(rule: Any = None, *, but: str | None = None) -> Any:
    """Let a rule compute with floats: whole numbers are converted before it runs.

    Parameters
    ----------
    rule : function
    but : str, optional
        The first or last input, if it is no number: an index or a mask.

    Examples
    --------
    >>> import numpy as np
    >>> @in_floats
    ... def half(x):
    ...     return x * x.dtype.type(0.5), (lambda g: g * 0.5,)
    >>> half(np.array([1, 2, 3]))[0]
    array([0.5, 1. , 1.5], dtype=float32)
    """
    return converting(rule, but, always=True) if rule else partial(in_floats, but=but)


def one_type(rule: Any = None, *, but: str | None = None) -> Any:
    """Let a rule compute with one type: whole numbers beside floats are converted before it runs.

    NumPy makes float64 of int64 and float32. Here it is float32, as in other frameworks.

    Parameters
    ----------
    rule : function
    but : str, optional
        The first or last input, if it is no number: a condition.
    """
    return converting(rule, but, always=False) if rule else partial(one_type, but=but)


def converting(rule: Callable[..., Any], but: str | None, always: bool) -> Callable[..., Any]:
    """The rule, on floats where `in_floats` (always) or `one_type` wants them."""
    place = list(inspect.signature(rule).parameters).index(but) if but else None
    numbers = slice(1, None) if place == 0 else slice(place)

    @wraps(rule)
    def run(*inputs: Any, **attributes: Any) -> Any:
        for x in inputs[numbers]:
            if getattr(x, "dtype", FLOAT).kind != "f":
                return rule(*converted(inputs, numbers, always), **attributes)
        return rule(*inputs, **attributes)

    return run


FLOAT = np.dtype("float64")  # in place of the type of a Python number, which has none


def converted(inputs: Sequence[Any], numbers: slice, always: bool) -> Sequence[Any]:
    """Whole numbers as floats, of the type of the float arrays beside them."""
    given = inputs[numbers]
    types = [x.dtype for x in given if hasattr(x, "dtype") and x.dtype.kind == "f"]
    if not types and not always and not any(isinstance(x, float) for x in given):
        return inputs
    dtype, new = types[0] if types else floatx(), list(inputs)
    new[numbers] = [
        x.astype(dtype) if getattr(x, "dtype", FLOAT).kind in "iub" else x for x in given
    ]
    return new


def check_plain(x: Any, what: Any) -> None:
    """Refuse arrays with more to them than numbers: a mask or a unit would get lost."""
    if type(x) is np.ndarray or type(x) is float:
        return
    for part in x if isinstance(x, list | tuple) else [x]:
        if isinstance(part, np.ma.MaskedArray):
            raise TypeError(
                f"{what}: a masked array, whose mask would be lost: fill it with x.filled(...), "
                f"labels with NaN where there are none, and make the mask an array of its own"
            )
        if isinstance(part, np.ndarray) and type(part) not in (np.ndarray, np.memmap):
            raise TypeError(
                f"{what}: a {type(part).__name__}, which is more than an array: make it plain with "
                f"np.asarray(x)"
            )


def plain_numbers(x: Any, what: str) -> Array:
    """`x` as an array; a `TypeError` says why if it is not one of real numbers and nothing else."""
    check_plain(x, what)
    array = array_module(x).asarray(x)
    if array.dtype.kind not in "fiub":
        fix = ": gradients are of real numbers, so hand over x.real and x.imag"
        fix *= array.dtype.kind == "c"
        raise TypeError(f"{what} holds numbers, not {array.dtype} ({str(x)[:60]}){fix}")
    return array


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


def is_traced(x: Any) -> bool:
    """Is it an array that is being traced? Its numbers change when the trace is replayed.

    A pullback must not look at them to choose a way (`tinygrad_mo.replay`).
    """
    return hasattr(x, "array_module")


def where_counted(weight: Array, x: Array) -> Array:
    """x where the weight is not 0, and 0 elsewhere: in a product, 0 of infinity would be NaN.

    Where nothing is infinite, as usual, x comes back as it is.
    """
    xp = array_module(x)
    if not is_traced(x) and not xp.isinf(x).any():
        return x
    return xp.where(weight == 0, 0, x)


def rows_of(g: Array, y: Array) -> tuple[int, ...]:
    """The leading part of ``g``'s shape that is not ``y``'s: its rows."""
    return g.shape[: g.ndim - y.ndim]


def flat(x: Array, lead: tuple[int, ...] = ()) -> Array:
    """``x`` as a matrix: all axes but the last made one, behind the axes `lead`."""
    return x.reshape(*lead, prod(x.shape[len(lead) : -1]), x.shape[-1])
