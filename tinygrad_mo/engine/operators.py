"""What can be written with tensors: signs, methods and functions, as with arrays of NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .. import arguments, ops
from ..device import to_numpy, xp
from ..ops import Op
from ..other_names import NOT_IN_PLACE, OTHER_NAMES, Misnomer, words_about
from . import functions, matrices, shapes
from .functions import FUNCTIONS, INSTEAD


def infix(op: Op) -> tuple[Any, Any]:
    """The two methods behind an infix sign: tensor on the left, tensor on the right."""
    return (lambda x, y: op(x, y)), (lambda y, x: op(x, y))


def in_place(sign: str, op: Op) -> Any:
    """The method behind ``x += y``: a new tensor under the old name, unless that is a parameter."""

    def updated(x: Any, y: Any) -> Any:
        if hasattr(x, "trainable"):
            raise TypeError(
                f"p {sign}= ... would put a plain tensor in the place of the parameter {x}, and "
                f"training would know nothing of it: write p.assign(p {sign} ...)"
            )
        return op(x, y)

    return updated


def held(x: Any) -> Any:
    """The array that a tensor holds; everything else as it is."""
    if not isinstance(x, Operators):
        return x
    if x.value is None:
        raise TypeError(f"{x} is symbolic and has no value yet: use Model.predict")
    return x.value


def check_conditions(sign: str, *inputs: Any) -> None:
    """They are booleans. Of numbers, these signs would mean their bits."""
    for x in inputs:
        kind = getattr(x, "dtype", type(x))
        if np.dtype(kind).kind != "b":
            raise TypeError(
                f"{sign} joins conditions, but {x} is of type {kind}: compare it first, as in x > 0"
            )


class Operators:
    """The signs and methods of a tensor."""

    __slots__ = ()
    value: Any
    step: Any
    shape: Any
    dtype: Any
    name: str

    def __format__(self, spec: str) -> str:
        """What it is called inside a sentence: name and shape; with a format, its number."""
        if not spec:
            return f"{self.name!r} {self.shape}"
        if self.value is None or self.value.size != 1:
            raise TypeError(f"{self} has no single number that could be written as {spec!r}")
        return format(self.numpy().item(), spec)

    def __repr__(self) -> str:
        value = "" if self.value is None else f", {self.value}"
        return f"<{type(self).__name__} {self}, {self.dtype}{value}>"

    def numpy(self) -> np.ndarray:
        """A copy of the value as a NumPy array."""
        return np.array(to_numpy(held(self)))

    def item(self) -> Any:
        """The single number that it holds, as Python's."""
        return self.numpy().item()

    def tolist(self) -> Any:
        """What it holds as Python's numbers, in lists."""
        return self.numpy().tolist()

    @property
    def size(self) -> int:
        return shapes.size(self)

    def __bool__(self) -> bool:
        if self.value is None or self.value.size != 1:
            raise TypeError(f"{self} has no single truth value; a graph cannot branch on data")
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.numpy())

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise TypeError(f"{self} has no known length")
        return self.shape[0]

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"NumPy was given the tensor {self}: {otherwise()} (np.stack([x, y]) makes one tensor "
            f"of several)"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """``array * tensor`` and ``np.exp(tensor)`` are recorded, too, or else refused."""
        name = ufunc.__name__
        if name in JOINING:  # np.array([True, False]) & tensor
            name, sign = JOINING[name]
            check_conditions(sign, *inputs)
        op = FUNCTIONS.get(ufunc) or ops.OPS.get(name)
        if method != "__call__" or options or op is None:
            name += f".{method}" * (method != "__call__")
            name += f" with {', '.join(options)}" * bool(options)
            instead = otherwise(INSTEAD.get(ufunc))
            raise TypeError(f"np.{name} of a tensor cannot be recorded: {instead}")
        return op(*inputs)

    def __array_function__(self, function: Any, _: Any, inputs: Any, options: Any) -> Any:
        """``np.sum(tensor)`` and many more are recorded, too; other functions are refused."""
        if function not in FUNCTIONS:
            raise TypeError(
                f"NumPy was given the tensor {self}: {function.__module__}.{function.__name__} "
                f"cannot be recorded; {otherwise(INSTEAD.get(function))}"
            )
        name = f"{function.__module__}.{function.__name__}".removeprefix("numpy.")
        return functions.call(FUNCTIONS[function], name, inputs, options)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Say what is written here instead of a name that others have."""
            words = words_about_tensor(f"a {type(self).__name__}", name)
            raise AttributeError(words, name=name, obj=self)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        if hasattr(self, "trainable"):
            raise TypeError(
                f"the parameter {self} is not changed in place: change a copy, value = p.numpy(), "
                f"and write p.assign(value)"
            )
        raise TypeError(f"{NOT_IN_PLACE}; ops.where(condition, y, x) replaces some of its numbers")

    grad, requires_grad = Misnomer("tensor"), Misnomer("tensor")
    __iter__ = None  # indexing alone would make a tensor an endless sequence
    __add__, __radd__ = infix(ops.add)
    __sub__, __rsub__ = infix(ops.subtract)
    __mul__, __rmul__ = infix(ops.multiply)
    __truediv__, __rtruediv__ = infix(ops.divide)
    __floordiv__, __rfloordiv__ = infix(ops.floor_divide)
    __mod__, __rmod__ = infix(ops.mod)
    __rpow__ = infix(ops.power)[1]
    __matmul__, __rmatmul__ = infix(ops.matmul)
    __iadd__, __isub__ = in_place("+", ops.add), in_place("-", ops.subtract)
    __imul__, __itruediv__ = in_place("*", ops.multiply), in_place("/", ops.divide)
    __ipow__, __imatmul__ = in_place("**", ops.power), in_place("@", ops.matmul)
    __hash__ = object.__hash__  # what a tensor is, not which numbers it holds: see `Comparison`

    def __eq__(self, other: Any) -> Any:
        return compare(ops.equal, self, other)

    def __ne__(self, other: Any) -> Any:
        return compare(ops.not_equal, self, other)

    def __lt__(self, other: Any) -> Any:
        return ops.less(self, other)

    def __le__(self, other: Any) -> Any:
        return ops.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return ops.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return ops.greater_equal(self, other)

    def __and__(self, other: Any) -> Any:
        check_conditions("&", self, other)
        return ops.logical_and(self, other)

    def __or__(self, other: Any) -> Any:
        check_conditions("|", self, other)
        return ops.logical_or(self, other)

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Any:
        check_conditions("~", self)
        return ops.logical_not(self)

    def __pow__(self, y: Any) -> Any:
        """A square of floats is an op of its own; NumPy takes that way, too."""
        is_square = type(y) is int and y == 2 and self.dtype.kind == "f"
        return ops.square(self) if is_square else ops.power(self, y)

    def __neg__(self) -> Any:
        return ops.negative(self)

    def __pos__(self) -> Any:
        return ops.identity(self)

    def __abs__(self) -> Any:
        return ops.absolute(self)

    def __getitem__(self, index: Any) -> Any:
        return ops.getitem(self, index=index)

    # As arrays have them.
    sum, prod, mean = functions.sum_, functions.product, functions.mean
    max, min, argmax, argmin = functions.max_, functions.min_, functions.argmax, functions.argmin
    var, std = functions.var, functions.std
    cumsum, cumprod = functions.cumsum, functions.cumprod
    clip, round, detach = functions.clip, functions.round_, functions.detach
    ravel, flatten, squeeze = shapes.ravel, shapes.flatten, shapes.squeeze
    swapaxes, repeat, take = shapes.swapaxes, shapes.repeat, shapes.take
    diagonal, trace, dot = matrices.diagonal, matrices.trace, matrices.dot

    def reshape(self, *shape: Any) -> Any:
        return shapes.reshape(self, as_one(shape))

    def transpose(self, *axes: Any) -> Any:
        return ops.transpose(self, axes=as_one(axes) or None)

    @property
    def T(self) -> Any:
        return ops.transpose(self)


def words_about_tensor(what: str, name: str) -> str:
    """What is said of a name that a tensor does not have: it has few, as the ops are functions."""
    if name in ops.OPS and name not in OTHER_NAMES["tensor"]:
        also = f"np.{name}(x) or " * hasattr(np, name)
        return f"{what} has no {name!r}: write {also}tg.ops.{name}(x)"
    return words_about(what, name, "tensor")


def as_one(numbers: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numbers that were given one by one, or as a tuple, list or array of them."""
    return tuple(numbers[0]) if numbers and arguments.is_list(numbers[0]) else numbers


def compare(op: Op, x: Any, y: Any) -> Any:
    """What ``==`` and ``!=`` give for a tensor x, and y: a tensor, numbers, or something else."""
    if isinstance(y, Operators):
        return Comparison(op, x, y)
    has_numbers = isinstance(y, int | float | list | tuple) or hasattr(y, "dtype")
    return op(x, y) if has_numbers else NotImplemented


class Comparison(Operators):
    """``a == b`` or ``a != b`` of two tensors: number by number, in whatever it is used for.

    Python asks ``==`` also when it looks for a tensor in a list, and wants one answer there: is it
    this one? So the truth value of a comparison says whether both are the same tensor, as their
    hashes do in dicts and sets. Where it could be taken for another answer, since two tensors hold
    the same numbers and are not parameters, it is refused.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> a, b = tg.Tensor([1.0, 2.0]), tg.Tensor([1.0, 5.0])
    >>> (a == b).numpy(), a in [b, a], b in [a]
    (array([ True, False]), True, False)
    """

    __slots__ = ("op", "pair")

    def __init__(self, op: Op, *pair: Any):
        self.op, self.pair = op, pair

    def recorded(self) -> Any:
        """The comparison as a tensor."""
        return self.op(*self.pair)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # of Python's own, as copy asks for them
            raise AttributeError(name)
        return getattr(self.recorded(), name)

    def __op__(self, op: Op, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        inputs = tuple(x.recorded() if isinstance(x, Comparison) else x for x in inputs)
        return op(*inputs, **attributes)

    def __bool__(self) -> bool:
        x, y = self.pair
        same = x is y
        if not same and equal_numbers(x, y):
            raise TypeError(
                f"{x} and {y} hold the same numbers, but are not the same tensor, so whether they "
                f"are equal can be read in two ways: `a is b` asks for the tensors, and "
                f"(a == b).numpy().all() for their numbers"
            )
        return same == (self.op is ops.equal)

    def __repr__(self) -> str:
        return repr(self.recorded())


def equal_numbers(x: Any, y: Any) -> bool:
    """Do both hold the same numbers, for good? (Those of a parameter change.)"""
    if any(t.value is None or hasattr(t, "trainable") for t in (x, y)):
        return False
    return x.shape == y.shape and bool(xp().all(x.value == y.value))


def otherwise(instead: str | None = None) -> str:
    """What to write instead of a function of NumPy."""
    same = instead or "it with the ops of tinygrad_mo.ops"
    return f"write {same}, or take the tensor's value with .numpy()"


JOINING = {"bitwise_and": ("logical_and", "&"), "bitwise_or": ("logical_or", "|")}
