"""Arrays that write down what is done to them, so that all of it can be done again.

On small arrays Python spends more time between the operations than NumPy spends in them. So what is
repeated batch after batch is run once on `Traced` arrays: each operation is carried out, and noted
as an `Instruction` on arrays that stay where they are. New numbers put into the first of these
arrays, and the instructions carried out once more, give new results in the last ones.

A rule of `ops` needs no second text for this. Where it asks whether a condition holds (are all
labels between 0 and 1?), the answer is kept as a guard: if it comes out otherwise another time,
the instructions end there, with `Deviation`. Whatever cannot be followed ends in `Untraceable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import prod
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.lib.stride_tricks import as_strided

from ..device import Array

NAMES = (
    "add subtract multiply divide power negative absolute sign square sqrt exp expm1 log log1p sin "
    "cos tanh floor maximum minimum matmul greater greater_equal less less_equal equal not_equal "
    "logical_and logical_or logical_not bitwise_and bitwise_or invert isnan isfinite"
)
UFUNCS = frozenset(NAMES.split())
REDUCTIONS = frozenset(["add", "maximum", "minimum", "logical_and", "logical_or"])
VIEWS = frozenset([np.broadcast_to, np.expand_dims, np.moveaxis, np.swapaxes, np.transpose])
SHORTER: dict[float, Any] = {2: np.square, 0.5: np.sqrt, -1: partial(np.divide, 1)}  # powers
ABOUT_SHAPES = frozenset([np.shape, np.ndim, np.size])


class Untraceable(AttributeError):
    """Something was done to a traced array that cannot be written down."""


class Deviation(Exception):
    """A condition has come out otherwise than it did in the trace."""


class Instruction(NamedTuple):
    """One call of NumPy: what is done, to which arrays, and where the result goes.

    `what` is a ufunc, a reduction such as "add.reduce", "copy", or "choose" (copy where a condition
    holds); or it is no call of NumPy: "guard", or "run" for whatever else there is to do.
    """

    what: str
    inputs: tuple[Array, ...]
    out: Array
    options: dict[str, Any]

    def call(self) -> Callable[[], Any]:
        """A function without arguments that does it."""
        if self.what == "run":
            return self.options["function"]
        if self.what == "guard":
            return partial(guard, *self.inputs, **self.options)
        if self.what == "copy":
            return partial(self.out.__setitem__, ..., *self.inputs)
        if self.what == "choose":
            x, where = self.inputs
            return partial(np.copyto, self.out, x, where=where)
        if self.what == "matmul" and self.out.ndim <= 2 and self.out.flags.c_contiguous:
            return partial(self.inputs[0].dot, self.inputs[1], self.out)
        if self.what == "add.reduce" and (product := self.sum_by_product()):
            return product
        return partial(attrgetter(self.what)(np), *self.inputs, out=self.out, **self.options)

    def sum_by_product(self) -> Callable[[], Any] | None:
        """A sum over one end of a matrix as a product with ones, which takes half the time."""
        if not self.inputs[0].size:
            return None
        x, wide = self.reduction()
        kept = [n for n, step in zip(wide.shape, wide.strides, strict=True) if step]
        ends = x.ndim - len(kept)  # over how many it is
        if x.ndim > 2 or ends > 1 or x.dtype.kind != "f" or not self.out.flags.c_contiguous:
            return None
        to = self.out.reshape(kept)
        if not ends:
            return partial(to.__setitem__, ..., x)
        if x.ndim == 2 and not wide.strides[0]:
            x = x.T
        return partial(x.dot, np.ones(x.shape[-1], x.dtype), to)

    def reduction(self) -> list[Array]:
        """Of a reduction what it reads, and where to: an array of the same shape, in which reduced
        axes stay at one place."""
        (x,), out, axis = self.inputs, self.out, self.options.get("axis", 0)
        axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
        if not self.options.get("keepdims"):
            out = np.expand_dims(out, axes)
        steps = [0 if a in axes else step for a, step in enumerate(out.strides)]
        return merged([x], as_strided(out, x.shape, steps))

    def simplified(self) -> Instruction:
        """The same on arrays with as few axes as possible, over which NumPy is faster."""
        if not self.out.size or "." in self.what:
            return self
        arrays = [*self.inputs, self.out]
        if self.what == "matmul":
            if self.out.ndim < 3 or any(x.size != prod(x.shape[-2:]) for x in arrays):
                return self
            arrays = [x.reshape(x.shape[-2:]) for x in arrays]
        else:
            arrays = merged([np.broadcast_to(x, self.out.shape) for x in self.inputs], self.out)
        return self._replace(inputs=tuple(arrays[:-1]), out=arrays[-1])


def guard(condition: Array, expected: bool) -> None:
    if bool(condition) != expected:
        raise Deviation


def merged(inputs: Sequence[Array], out: Array) -> list[Array]:
    """Arrays of one shape, seen with fewer axes: neighbours through which all of them step evenly
    are one."""
    arrays = [*inputs, out]
    axes: list[tuple[int, tuple[int, ...]]] = []
    for n, *steps in zip(out.shape, *[x.strides for x in arrays], strict=True):
        if n == 1:
            continue
        if axes and all(a == n * b for a, b in zip(axes[-1][1], steps, strict=True)):
            n *= axes.pop()[0]
        axes.append((n, tuple(steps)))
    shape = [n for n, _ in axes]
    return [as_strided(x, shape, [s[i] for _, s in axes]) for i, x in enumerate(arrays)]


class Trace:
    """What is being written.

    Parameters
    ----------
    largest : int
        How many numbers an array may have that is computed.

    Attributes
    ----------
    instructions : list of Instruction
        Where the next one goes.
    may_branch : bool
        May a rule ask whether a condition holds?
    """

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.instructions: list[Instruction] = []
        self.may_branch, self._ended = True, False

    def end(self) -> None:
        """Nothing more is written, and the trace lets go of what it holds."""
        self.instructions, self._ended = [], True

    def follow(self, value: Any) -> Traced:
        """A traced array that starts with these numbers, in an array of its own."""
        return Traced(self, np.array(value))

    def write(
        self, what: str, inputs: Sequence[Any], out: Array = None, options: dict | None = None
    ) -> Traced:
        """Carry an instruction out and note it; `out` is a new array if none is given."""
        if self._ended:
            raise Untraceable("a traced array is of no use after its trace")
        arrays = tuple(x.array if isinstance(x, Traced) else x for x in inputs)
        if out is None:
            out = np.asarray(attrgetter(what)(np)(*arrays, **(options or {})))
            self.instructions.append(Instruction(what, arrays, out, options or {}))
        else:
            self.instructions.append(Instruction(what, arrays, out, options or {}))
            self.instructions[-1].call()()
        if out.size > self.largest:
            raise Untraceable("a large array")
        return Traced(self, out)

    def note(self, what: str, inputs: tuple[Array, ...] = (), **options: Any) -> None:
        """Note something that is no call of NumPy, and has been carried out already."""
        self.instructions.append(Instruction(what, inputs, np.empty(0), options))

    def alike(self, inputs: Sequence[Any]) -> list[Any]:
        """Arrays of one type: converted by instructions of their own, which is faster."""
        dtype = np.result_type(*[x.array if isinstance(x, Traced) else x for x in inputs])
        return [x.astype(dtype) if isinstance(x, Traced) else np.asarray(x, dtype) for x in inputs]

    def select(self, condition: Any, x: Any, y: Any) -> Traced:
        """x where the condition holds, y elsewhere."""
        x, y = self.alike([x, y])
        condition = condition if isinstance(condition, Traced) else np.asarray(condition)
        shape = np.broadcast_shapes(*[a.shape for a in (condition, x, y)])
        out = np.empty(shape, x.dtype)
        self.write("copy", [y], out)
        return self.write("choose", [x, condition], out)

    def join(self, parts: Sequence[Any], axis: int = 0) -> Traced:
        """The parts one behind the other along an axis."""
        parts = self.alike(parts)
        shape = list(parts[0].shape)
        shape[axis] = sum(x.shape[axis] for x in parts)
        out, start = np.empty(shape, parts[0].dtype), 0
        for x in parts:
            place = [slice(None)] * len(shape)
            place[axis] = slice(start, start := start + x.shape[axis])
            self.write("copy", [x], out[tuple(place)])
        return Traced(self, out)


class Traced(NDArrayOperatorsMixin):
    """An array on whose behalf a `Trace` is written. Rules of `ops` take it for a NumPy array."""

    __slots__ = ("array", "trace")

    def __init__(self, trace: Trace, array: Array):
        self.trace, self.array = trace, array

    # What is known while tracing, and the same each time.

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)

    def __len__(self) -> int:
        return len(self.array)

    @property
    def array_module(self) -> TracedNumPy:
        return TracedNumPy(self.trace)

    # What is computed.

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **options: Any
    ) -> Traced:
        name = ufunc.__name__
        if getattr(np, name, None) is not ufunc or any(not isinstance(y, Traced) for y in out):
            raise Untraceable(f"np.{name} into an array that is not traced")
        target = out[0].array if out else None
        if method == "reduce" and name in REDUCTIONS and {*options} <= {"axis", "keepdims"}:
            return self.trace.write(f"{name}.reduce", inputs, target, options)
        if method != "__call__" or name not in UFUNCS or options:
            raise Untraceable(f"np.{name} ({method}) is not known to traces")
        return self.trace.write(name, self.trace.alike(inputs), target)

    def __pow__(self, power: Any) -> Any:
        """As NumPy's `**` does it: it takes shorter ways, of other bits than `np.power` (2.0)."""
        if isinstance(power, int | float) and power in SHORTER and self.dtype.kind == "f":
            return SHORTER[power](self)
        return np.power(self, power)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.where:
            return self.trace.select(*args, **options)
        if function is np.concatenate:
            return self.trace.join(*args, **options)
        if function is np.stack:
            parts, axis = args[0], options.get("axis", 0)
            return self.trace.join([np.expand_dims(x, axis) for x in parts], axis)
        if function is np.clip:
            return Traced.clip(*args, **options)
        if function in VIEWS and args[0] is self:
            return self.view(function(self.array, *args[1:], **options))
        if function in ABOUT_SHAPES:
            return function(self.array)
        raise Untraceable(f"np.{function.__name__} is not known to traces")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Untraceable("the numbers of a traced array change from run to run")

    __float__ = __int__ = __index__ = __complex__ = __array__

    def __bool__(self) -> bool:
        if not self.trace.may_branch:
            raise Untraceable("a branch where none may be")
        answer = bool(self.array)
        self.trace.note("guard", (self.array,), expected=answer)
        return answer

    def __getattr__(self, name: str) -> Any:
        raise Untraceable(f"{name} of a traced array")

    def reduced(self, what: str, axis: Any, keepdims: bool) -> Traced:
        return self.trace.write(
            f"{what}.reduce", [self], None, {"axis": axis, "keepdims": keepdims}
        )

    def sum(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self.reduced("add", axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Traced:
        total = self.reduced("add", axis, keepdims)
        return total / (self.size // max(total.size, 1))

    def max(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self.reduced("maximum", axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self.reduced("minimum", axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self.reduced("logical_or", axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self.reduced("logical_and", axis, keepdims)

    def clip(self, low: Any, high: Any) -> Any:
        return np.minimum(np.maximum(self, low), high)

    def copy(self) -> Traced:
        return self.trace.write("copy", [self], np.empty_like(self.array))

    def astype(self, dtype: Any, copy: bool = False) -> Traced:
        if self.dtype == dtype and not copy:
            return self
        return self.trace.write("copy", [self], np.empty_like(self.array, dtype))

    # What only looks at the same numbers in another way.

    def view(self, array: Array) -> Traced:
        """Another look at this array."""
        if not np.may_share_memory(array, self.array) and self.size:
            raise Untraceable("new numbers, but not by an instruction")
        return Traced(self.trace, array)

    def reshape(self, *shape: Any) -> Traced:
        array = self.array.reshape(*shape)
        if np.may_share_memory(array, self.array) or not self.size:
            return Traced(self.trace, array)
        out = np.empty(self.shape, self.dtype)
        self.trace.write("copy", [self], out)
        return Traced(self.trace, out.reshape(*shape))

    def transpose(self, *axes: Any) -> Traced:
        return self.view(self.array.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> Traced:
        return self.view(self.array.swapaxes(first, second))

    @property
    def T(self) -> Traced:
        return self.view(self.array.T)

    def __getitem__(self, index: Any) -> Traced:
        return self.view(self.array[always_array(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        place = self[index].array
        if not isinstance(value, Traced):
            value = np.asarray(value, self.dtype)
        self.trace.write("copy", [value], place)

    def __iter__(self) -> Iterator[Traced]:
        return (self[i] for i in range(len(self)))


class TracedNumPy:
    """NumPy, as far as rules of `ops` use it on traced arrays: new arrays are traced, too."""

    def __init__(self, trace: Trace):
        self._trace = trace

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, shape: Any, dtype: Any = float) -> Traced:
        return Traced(self._trace, np.empty(shape, dtype))

    def zeros(self, shape: Any, dtype: Any = float) -> Traced:
        return self._trace.write("copy", [np.zeros((), dtype)], np.empty(shape, dtype))

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        if isinstance(x, Traced):
            return x.astype(dtype or x.dtype)
        if isinstance(x, np.ndarray):
            raise Untraceable("an array from elsewhere, which may be another one each time")
        return np.asarray(x, dtype)


def always_array(index: Any) -> tuple[Any, ...]:
    """An index that picks an array, if only one of a single number (and not the number)."""
    parts = index if isinstance(index, tuple) else (index,)
    return parts if any(part is ... for part in parts) else (*parts, ...)
