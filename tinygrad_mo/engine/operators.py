"""What can be written with tensors: each sign and method is one op."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..device import to_numpy
from ..ops import Op


def infix(op: Op) -> tuple[Any, Any]:
    """The two methods behind an infix sign: tensor on the left, tensor on the right."""
    return (lambda x, y: op(x, y)), (lambda y, x: op(x, y))


class Operators:
    """The signs and methods of a tensor."""

    __slots__ = ()
    value: Any
    shape: Any
    dtype: Any
    name: str

    def __format__(self, spec: str) -> str:
        """What it is called inside a sentence: name and shape."""
        return f"{self.name!r} {self.shape}"

    def __repr__(self) -> str:
        value = "" if self.value is None else f", {self.value}"
        return f"<{type(self).__name__} {self}, {self.dtype}{value}>"

    def numpy(self) -> np.ndarray:
        """A copy of the value as a NumPy array."""
        if self.value is None:
            raise TypeError(f"{self} is symbolic and has no value yet: use Model.predict")
        return np.array(to_numpy(self.value))

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
            f"NumPy was given the tensor {self}: write it with the ops of tinygrad_mo.ops, or take "
            f"the tensor's value with .numpy()"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """``array * tensor`` and ``np.exp(tensor)`` are recorded, too, or else refused."""
        name = ufunc.__name__
        if method != "__call__" or options or name not in ops.OPS:
            raise TypeError(
                f"np.{name} of a tensor cannot be recorded: write it with the ops of "
                f"tinygrad_mo.ops, or take the tensor's value with .numpy()"
            )
        return ops.OPS[name](*inputs)

    __iter__ = None  # indexing alone would make a tensor an endless sequence
    __add__, __radd__ = infix(ops.add)
    __sub__, __rsub__ = infix(ops.subtract)
    __mul__, __rmul__ = infix(ops.multiply)
    __truediv__, __rtruediv__ = infix(ops.divide)
    __pow__, __rpow__ = infix(ops.power)
    __matmul__, __rmatmul__ = infix(ops.matmul)

    def __neg__(self) -> Any:
        return ops.negative(self)

    def __abs__(self) -> Any:
        return ops.absolute(self)

    def __getitem__(self, index: Any) -> Any:
        return ops.getitem(self, index=index)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.sum_(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.max_(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Any:
        return ops.reshape(self, shape=shape[0] if isinstance(shape[0], tuple) else shape)

    def transpose(self, *axes: int) -> Any:
        return ops.transpose(self, axes=axes or None)

    @property
    def T(self) -> Any:
        return ops.transpose(self)
