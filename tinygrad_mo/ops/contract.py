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
  few entries were read may be a `SparseGradient`, those of a large kernel a `FactoredGradient`.
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
- An input that may be None (no bias, no mask) is named: ``@op(optional=("bias",))``. None is
  refused for all others.

Whole numbers
-------------
Arrays of whole numbers (integers and booleans) are numbers, and what an op makes of them is what it
makes of the same numbers as floats. A rule need not think of it; one of two marks below ``@op``
converts its inputs before it runs:

- `in_floats`, where the maths leaves the whole numbers (tanh, divide, mean, lstm ...): they become
  floats, of the type of the float arrays beside them, or `floatx()` if there are none.
- `one_type`, where it does not (add, negative, matmul ...): beside floats they do so, too, and
  float32 stays float32. Among themselves they become int64, so that a sum of integers is an
  integer and small ones do not wrap around: in uint8, 200 + 100 is 44, and True + True is True.
  (What int64 cannot hold wraps around there as well.) Ops that only put numbers beside one another
  (where, concatenate) leave those of a single type as they are: masks stay masks.

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

from .. import arguments
from ..device import Array, array_module, by_twin, floatx, xp
from ..questions import on_gpu

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
    optional : sequence of str, optional
        Which inputs may be None.

    Attributes
    ----------
    rule : function
        What a reader reads.
    compiled : dict
        By device ("cpu", "cuda"), a twin of the rule.
    alone : function or None
        For inference, a twin whose pullbacks are all None; or it returns NotImplemented.
    name : str
        That of the rule, without an underscore behind it, which avoids a name of Python.
    takes_training : bool
        Does it do something else while training?
    optional : tuple of str
        The inputs that may be None.

    Examples
    --------
    >>> from tinygrad_mo import ops
    >>> y, (pull_x, pull_y) = ops.multiply(2.0, 3.0)
    >>> y, pull_x(1.0), pull_y(1.0)
    (6.0, 3.0, 2.0)
    """

    def __init__(
        self,
        rule: Callable[..., Any],
        averages: dict[int, int] | None = None,
        optional: Sequence[str] = (),
    ):
        update_wrapper(self, rule)  # name, module, docstring, signature
        self.rule = rule
        self.compiled: dict[str, Callable[..., Any]] = {}  # by device, a twin of the rule
        self.alone: Any = None  # a twin without pullbacks
        self.averages = averages or {}
        self.name = rule.__name__.rstrip("_")
        self.arguments = list(inspect.signature(rule).parameters)
        self.takes_training = "training" in self.arguments
        self.optional = tuple(optional)
        self._may_be_none = {i for i, name in enumerate(self.arguments) if name in optional}
        if len(self._may_be_none) < len(self.optional):
            raise ValueError(
                f"{self.name}: optional={optional!r} must name inputs, as `bias` is one"
            )

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        record = None
        for x in inputs:
            if x is None:
                self._check_none(inputs)
            elif record is None:
                record = getattr(x, "__op__", None)
        if record:  # among them is a tensor, which knows how to record a step
            return record(self, inputs, attributes)
        for i, x in enumerate(inputs):
            if type(x) is not float and x is not None:
                self._check(i, x)
        return self.rule(*inputs, **attributes)

    def run(self, *inputs: Any, **attributes: Any) -> Any:
        """What the graph runs: the compiled twin where it applies, otherwise the rule."""
        made = NotImplemented
        if self.compiled:
            made = by_twin(self.compiled, inputs[0], *inputs, **attributes)
        if made is NotImplemented:
            made = self.rule(*inputs, **attributes)
        check_made(made, len(inputs))
        return made

    def run_alone(self, *inputs: Any, **attributes: Any) -> Any:
        """The same where nobody will sweep: `alone` takes the place of the rule."""
        made = by_twin(self.compiled, inputs[0], *inputs, **attributes)
        if made is NotImplemented and self.alone is not None:
            made = self.alone(*inputs, **attributes)
        return self.run(*inputs, **attributes) if made is NotImplemented else made

    def _check_none(self, inputs: Sequence[Any]) -> None:
        """Some of them are None: if they may not be, say what usually stands behind it."""
        none = {i for i, x in enumerate(inputs) if x is None} - self._may_be_none
        if not none:
            return
        others = "if there may be none (a bias with use_bias=False), leave the op out"
        if self.optional:
            others = f"only {' and '.join(self.optional)} may be None"
        elif not of_this_package(self):
            others = 'where the rule of your op knows None, say so: @op(optional=("bias",))'
        raise TypeError(
            f"{self.name}: input {min(none)} is None, but must be a tensor, an array or a number; "
            f"{others}"
        )

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


def op(
    rule: Any = None, *, averages: dict[int, int] | None = None, optional: Sequence[str] = ()
) -> Any:
    """Make an `Op` of a rule and enter it under its name into the table of all ops.

    An op of your own that is called like one of this package leaves that in the table.
    """
    if rule is None:
        return lambda rule: op(rule, averages=averages, optional=optional)
    new = Op(rule, averages, optional)
    if new.name not in OPS or not of_this_package(OPS[new.name]) or of_this_package(new):
        OPS[new.name] = new
    return new


def of_this_package(op: Op) -> bool:
    """Is it one of those that the files of this folder define?"""
    return (op.rule.__module__ or "").startswith(__package__)


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
    return converting(rule, but, type_in_floats) if rule else partial(in_floats, but=but)


def one_type(rule: Any = None, *, but: str | None = None, moves: bool = False) -> Any:
    """Let a rule compute with one type: whole numbers become floats beside floats, else int64.

    NumPy makes float64 of int64 and float32. Here it is float32, as in other frameworks.

    Parameters
    ----------
    rule : function
    but : str, optional
        The first or last input, if it is no number: a condition.
    moves : bool
        The rule computes nothing: whole numbers of a single type stay as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_mo import ops
    >>> ops.add(np.array([200], "uint8"), np.array([100], "uint8"))[0]
    array([300])
    """
    if rule is None:
        return partial(one_type, but=but, moves=moves)
    return converting(rule, but, type_if_different if moves else type_to_compute_in)


def converting(
    rule: Callable[..., Any], but: str | None, type_for: Callable[..., Any]
) -> Callable[..., Any]:
    """The rule, on numbers of the type that `type_for` names."""
    place = list(inspect.signature(rule).parameters).index(but) if but else None
    numbers = slice(1, None) if place == 0 else slice(place)

    @wraps(rule)
    def run(*inputs: Any, **attributes: Any) -> Any:
        for x in inputs[numbers]:
            if getattr(x, "dtype", FLOAT).kind != "f":
                return rule(*converted(inputs, numbers, type_for), **attributes)
        return rule(*inputs, **attributes)

    return run


FLOAT = np.dtype("float64")  # in place of the type of a Python number, which has none
WHOLE = np.dtype("int64")  # what whole numbers are computed in


def type_in_floats(given: Sequence[Any]) -> Any:
    """The type of the float arrays among the inputs, or the default one."""
    types = [x.dtype for x in given if getattr(x, "dtype", WHOLE).kind == "f"]
    return types[0] if types else floatx()


def type_to_compute_in(given: Sequence[Any]) -> Any:
    """A float type if there is a float among the inputs, array or not, else int64."""
    some = any(isinstance(x, float) or getattr(x, "dtype", WHOLE).kind == "f" for x in given)
    return type_in_floats(given) if some else WHOLE


def type_if_different(given: Sequence[Any]) -> Any:
    """The same, but what all inputs have is left as it is."""
    types = {np.dtype(getattr(x, "dtype", type(x))) for x in given}
    return types.pop() if len(types) == 1 else type_to_compute_in(given)


def converted(inputs: Sequence[Any], numbers: slice, type_for: Callable[..., Any]) -> Sequence[Any]:
    """The inputs, whole numbers in the type that `type_for` names for all of them."""
    given, new = inputs[numbers], list(inputs)
    dtype = type_for(given)
    for i, x in enumerate(given, start=numbers.start or 0):
        kind = getattr(x, "dtype", FLOAT)
        if kind.kind in "iub" and kind != dtype:
            if kind == "uint64" and not is_traced(x):
                check_holds("whole numbers", x, dtype)
            new[i] = x.astype(dtype)
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


def plain_numbers(x: Any, what: Any) -> Array:
    """`x` as an array; a `TypeError` says why if it is not one of real numbers and nothing else."""
    check_plain(x, what)
    array = array_module(x).asarray(x)
    if array.dtype.kind not in "fiub":
        fix = ": gradients are of real numbers, so hand over x.real and x.imag"
        fix *= array.dtype.kind == "c"
        raise TypeError(f"{what} holds numbers, not {array.dtype} ({str(x)[:60]}){fix}")
    return array


def new_array(x: Any, what: Any, dtype: Any = None) -> Array:
    """A copy of `x` as an array of one type (default: `floatx()` for floats, else its own)."""
    array = plain_numbers(x, what)
    if dtype is None:
        dtype = floatx() if array.dtype.kind == "f" else array.dtype
    check_holds(what, array, dtype)
    return xp().array(array, dtype)


def check_holds(what: Any, array: Array, dtype: Any) -> None:
    """Refuse numbers that would become others in this type: too large ones, or 1.5 in integers."""
    dtype, xp = np.dtype(dtype), array_module(array)
    if array.dtype == dtype or not array.size:
        return
    if dtype.kind == "b" and (odd := (array != 0) & (array != 1)).any():
        first = array[odd].reshape(-1)[0]
        raise TypeError(f"{what}: True or False (1 or 0) is needed, not {first}")
    if dtype.kind in "iu":
        if array.dtype.kind == "f" and (array != xp.floor(array)).any():
            first = array[array != xp.floor(array)].reshape(-1)[0]
            raise TypeError(f"{what}: whole numbers ({dtype}) are needed, not {first}")
        least, most = array.min().item(), array.max().item()  # float16 holds no such limits
        if least < np.iinfo(dtype).min or most > np.iinfo(dtype).max:
            raise ValueError(f"{what}: {least} to {most} is more than {dtype} can hold")
    if dtype.kind == "f":
        sizes = xp.abs(array, dtype=np.float64)
        largest = xp.where(xp.isfinite(sizes), sizes, 0).max()
        if largest > np.finfo(dtype).max:
            raise ValueError(
                f"{what}: {largest:.4g} is more than {dtype} can hold: scale the data, or make "
                f"the model inside tg.use(floatx='float64')"
            )


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


def check_made(made: Any, inputs: int) -> None:
    """What a rule has returned must be ``(y, back)``, as the contract says."""
    if not isinstance(made, tuple) or len(made) != 2:
        raise TypeError(f"a rule returns (y, pullbacks), not {arguments.shown(made)}")
    back = made[1]
    if callable(back):
        return
    if not isinstance(back, tuple | list):
        raise TypeError(
            f"the pullbacks of a rule are a tuple, one for each input, or one function for all: "
            f"not {arguments.shown(back)}"
        )
    if len(back) != inputs:
        raise ValueError(f"{len(back)} pullbacks for {inputs} inputs")


def check_every(every: Any, inputs: int) -> None:
    """What the one pullback of all inputs has returned must be a gradient for each."""
    if not isinstance(every, tuple | list):
        raise TypeError(
            f"one pullback of all inputs returns a tuple, a gradient for each of the {inputs}, not "
            f"{arguments.shown(every)}. Is it the pullback of one input? They stand in a tuple, "
            f"with a comma: return y, (pull_x,)"
        )
    if len(every) != inputs:
        raise ValueError(f"{len(every)} gradients came back for {inputs} inputs")


def gathered(gradient: Any, rows: int, shape: tuple[int, ...], dtype: Any) -> Any:
    """What a pullback has returned, with as many rows as it was given, as the input is.

    In its shape, and in its type: where float32 has met float64 (a number such as ``np.sqrt(2)`` is
    one), gradients come back in both.
    """
    given = getattr(gradient, "shape", ())
    if given[1:] == shape and given[:1] == (rows,) and gradient.dtype == dtype:
        return gradient
    if given[:1] != (rows,):
        hint = ". Where no gradient passes, None takes the place of the pullback itself"
        raise ValueError(
            f"a pullback is given g with a row for each loss, (rows, *y.shape), and returns "
            f"(rows, *x.shape), here {(rows, *shape)}, or what broadcasting made larger: not "
            f"{arguments.shown(gradient)}{hint * (gradient is None)}"
        )
    if gradient.dtype.kind != "f":
        raise TypeError(f"a pullback returned {gradient.dtype}, the gradient of floats is floats")
    summed = unbroadcast(gradient, shape)
    return summed if gradient.dtype == dtype else summed.astype(dtype)


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


def at_hand(x: Any) -> bool:
    """May a rule look at the numbers of this array to choose a way?

    Not at those that are traced, nor at those of a GPU: to ask is to wait. Such rules take the way
    that serves all numbers.
    """
    return not (is_traced(x) or on_gpu(x))


def where_counted(weight: Array, x: Array) -> Array:
    """x where the weight is not 0, and 0 elsewhere: in a product, 0 of infinity would be NaN.

    Where nothing is infinite, as usual, x comes back as it is.
    """
    xp = array_module(x)
    if at_hand(x) and not xp.isinf(x).any():
        return x
    return xp.where(weight == 0, 0, x)


def rows_of(g: Array, y: Array) -> tuple[int, ...]:
    """The leading part of ``g``'s shape that is not ``y``'s: its rows."""
    return g.shape[: g.ndim - y.ndim]


def flat(x: Array, lead: tuple[int, ...] = ()) -> Array:
    """``x`` as a matrix: all axes but the last made one, behind the axes `lead`."""
    return x.reshape(*lead, prod(x.shape[len(lead) : -1]), x.shape[-1])
