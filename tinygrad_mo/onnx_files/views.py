"""Values of an ONNX graph as tensors of ours, whose axes may stand in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..engine.attributes import is_batch
from ..engine.graph import Tensor
from .lengths import ANY, SAMPLES


@dataclass(frozen=True)
class Constant:
    """An array that is known when the graph is read.

    Attributes
    ----------
    array : ndarray
    key : hashable
        What it is: equal keys, one weight.
    sources : tuple of str
        The initializers of floats, weights of the network, that it was made of.
    direct : bool
        Is it one of them as a whole, but for the order of its axes?
    """

    array: np.ndarray
    key: Any = field(compare=False)
    sources: tuple[str, ...] = ()
    direct: bool = True

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape


class View(NamedTuple):
    """A tensor of ours, and which of its axes stands where in ONNX (None: a new one of length 1).

    ONNX has channels in front of rows and columns, and steps in front of samples; here they come
    behind. A Transpose, Squeeze or Unsqueeze makes another view only, and nothing is computed
    until an op needs the axes in one order. The convolutions of a network, and what lies between
    them, need the same one.

    >>> x = Tensor(np.zeros((2, 5, 6, 3)))  # channels last
    >>> View(x, (0, 3, 1, 2)).shape, View(x, (0, 3, 1, 2)).arranged([0, 2, 3, 1]) is x
    ((2, 3, 5, 6), True)
    """

    tensor: Tensor
    axes: tuple[int | None, ...]
    # What a Reshape has put into the axis of the samples: how much around them, how much in each.
    rows: tuple[int, int] = (1, 1)

    @property
    def ndim(self) -> int:
        return len(self.axes)

    @property
    def shape(self) -> tuple[int | None, ...]:
        return tuple(1 if a is None else self.tensor.shape[a] for a in self.axes)

    @property
    def batch(self) -> int | None:
        """The axis of ONNX along which the samples stand."""
        t = self.tensor
        along = (i for i, a in enumerate(self.axes) if a is not None and is_batch(t, a))
        return next(along, None)

    @property
    def lengths(self) -> list[int]:
        """The shape, with stand-ins for the lengths that only the data know."""
        batch, n_batch = self.batch, SAMPLES * prod(self.rows)
        own = enumerate(self.shape)
        return [n if n is not None else n_batch if i == batch else ANY for i, n in own]

    def arranged(self, order: Iterable[int]) -> Tensor:
        """The tensor with these axes of ONNX, in this order."""
        wanted = [self.axes[place] for place in order]
        real = [a for a in wanted if a is not None]
        y: Any = self.tensor if real == sorted(real) else self.tensor.transpose(*real)
        if None in wanted:
            y = y[tuple(None if a is None else slice(None) for a in wanted)]
        return y

    def plain(self) -> Tensor:
        """The tensor with its axes as in ONNX."""
        return self.arranged(range(self.ndim))

    def solid(self) -> View:
        """The same without new axes."""
        return whole(self.plain()) if None in self.axes else self

    def order(self) -> list[int]:
        """The axes of ONNX, in the order in which the tensor has them."""
        return sorted(range(self.ndim), key=lambda place: self.axes[place] or 0)

    def wide(self, ndim: int) -> View:
        """With new axes in front, as broadcasting adds them."""
        return self._replace(axes=(None,) * (ndim - self.ndim) + self.axes)

    def without(self, places: Sequence[int], tensor: Tensor, keepdims: bool = False) -> View:
        """A view of `tensor`, which lacks the axes that stand at these places."""
        gone = {self.axes[place] for place in places}
        left = sorted(a for a in self.axes if a is not None and a not in gone)
        axes = [None if a is None or a in gone else left.index(a) for a in self.axes]
        kept = [a for place, a in enumerate(axes) if keepdims or place not in places]
        return View(tensor, tuple(kept))


def whole(tensor: Tensor) -> View:
    """The view of a tensor as it is."""
    return View(tensor, tuple(range(tensor.ndim)))


def constant_in_order(x: Constant, guide: View) -> np.ndarray:
    """A constant that shall be broadcast to a view, as its tensor needs it."""
    if not x.ndim:
        return x.array
    wide = x.array.reshape((1,) * (guide.ndim - x.ndim) + x.shape)
    return wide.transpose(guide.order())


def together(
    xs: Sequence[View | Constant], make: Callable[..., Tensor], numbers: bool = True
) -> View:
    """What `make` computes of values that are broadcast to one another, element by element."""
    ndim = max(x.ndim for x in xs)
    views = [x for x in xs if isinstance(x, View)]
    widest = [x for x in views if x.ndim == ndim and None not in x.axes]
    if not widest:  # a constant has more axes
        widest = [max(views, key=lambda x: x.ndim).wide(ndim).solid()]
    guide = max(widest, key=lambda x: x.axes != tuple(range(ndim)))

    def ready(x: View | Constant) -> Any:
        if isinstance(x, View):
            order, x = guide.order(), x.wide(ndim)
            while order and x.axes[order[0]] is None:  # broadcasting puts it there
                del order[0]
            return x.arranged(order)
        array = constant_in_order(x, guide)
        return array.item() if numbers and not array.ndim and array.dtype.kind == "f" else array

    return View(make(*map(ready, xs)), guide.axes)


def channels_last(x: View) -> Tensor:
    return x.arranged([0, *range(2, x.ndim), 1])


def channels_first(y: Tensor) -> View:
    """A view of channels last as ONNX has them."""
    return View(y, (0, y.ndim - 1, *range(1, y.ndim - 1)))
