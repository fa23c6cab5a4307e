"""Layers that join branches, and the same as lower-case functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from .. import arguments, ops
from ..engine.graph import Parameter, Step, Tensor
from ..engine.nodes import card_of
from .axes import whole_numbers
from .base import Layer


class Merge(Layer):
    """The common part: several inputs, one output, and a mask that must hold in all of them."""

    takes_list = True

    exactly: int | None = None  # number of inputs, if it matters

    def __call__(self, x: Any, *more: Any, **options: Any) -> Any:
        if more:
            raise TypeError(f"{self} joins ONE list of tensors: call it on [a, b], not on a, b")
        if not isinstance(x, list | tuple) or len(x) < 2:
            given = ", ".join(map(format, x if isinstance(x, list | tuple) else [x]))
            raise ValueError(f"{self} joins a list of at least two tensors, got {given or 'none'}")
        if self.exactly and len(x) != self.exactly:
            raise ValueError(f"{self} joins exactly {self.exactly} tensors, got {len(x)}")
        return super().__call__(x, **options)

    def call(self, xs: Sequence[Tensor]) -> Tensor:
        try:
            y = self.merge(xs)
        except ValueError as error:
            raise ValueError(
                f"{self} cannot join {', '.join(map(format, xs))}: {self.why(xs, error)}{ways(xs)}"
            ) from error
        self.merge_masks(xs, y)
        return y

    def why(self, xs: Sequence[Tensor], error: Exception) -> str:
        """What to do if the shapes do not fit."""
        must = "branches must have the same shape (or 1 where they are repeated)"
        if len({x.ndim for x in xs}) > 1:
            return f"{must}, and so the same number of axes"
        for axis, lengths in enumerate(zip(*(x.shape for x in xs), strict=True)):
            if 0 < axis < xs[0].ndim - 1 and len({*lengths} - {1}) > 1:
                agree = f"{must}, but axis {axis} does not agree: {' and '.join(map(str, lengths))}"
                return f"{agree}. {to_one_length(lengths)}{strided(xs[0].ndim, lengths)}"
        return (
            f"{must}. Bring them to one width with a Dense or 1x1 convolution, or use Concatenate"
        )

    def merge(self, xs: Sequence[Tensor]) -> Tensor:
        raise NotImplementedError

    def merge_masks(self, xs: Sequence[Tensor], y: Tensor) -> None:
        """What there is to do beyond what ops do with masks."""


class Add(Merge):
    """The sum of tensors: each branch receives the same gradient."""

    def merge(self, xs: Sequence[Tensor]) -> Tensor:
        return reduce(ops.add, xs)


class Subtract(Merge):
    """The first tensor minus the second."""

    exactly = 2

    def merge(self, xs: Sequence[Tensor]) -> Tensor:
        return ops.subtract(*xs)


class Multiply(Merge):
    """The product of tensors, element by element."""

    def merge(self, xs: Sequence[Tensor]) -> Tensor:
        return reduce(ops.multiply, xs)


class Average(Merge):
    """The mean of tensors, element by element."""

    def merge(self, xs: Sequence[Tensor]) -> Tensor:
        return reduce(ops.add, xs) * (1 / len(xs))


class Maximum(Merge):
    """The largest of tensors, element by element."""

    def merge(self, xs: Sequence[Tensor]) -> Tensor:
        return reduce(ops.maximum, xs)


class Minimum(Merge):
    """The smallest of tensors, element by element."""

    def merge(self, xs: Sequence[Tensor]) -> Tensor:
        return reduce(ops.minimum, xs)


class Concatenate(Merge):
    """Tensors one behind the other: each branch receives back its own part of the gradient.

    Parameters
    ----------
    axis : int
        Not 0, the batch. Default: the last.
    """

    def __init__(self, axis: int = -1, **options: Any):
        super().__init__(**options)
        self.axis = arguments.whole(f"{self}: axis", axis, at_least=None)

    def merge(self, xs: Sequence[Tensor]) -> Tensor:
        refuse_samples(xs, self.axis)
        return ops.concatenate(*xs, axis=self.axis)

    def why(self, xs: Sequence[Tensor], error: Exception) -> str:
        """Which axis does not fit."""
        if len({x.ndim for x in xs}) > 1:
            return "all must have the same number of axes"
        joined = self.axis % xs[0].ndim
        if joined == 0:
            return str(error)
        for axis, lengths in enumerate(zip(*(x.shape for x in xs), strict=True)):
            if axis != joined and len(set(lengths)) > 1:
                return (
                    f"joined along axis {joined}, all other axes must agree, but axis {axis} does "
                    f"not: {' and '.join(map(str, lengths))}. {to_one_length(lengths)}"
                )
        return str(error)

    def merge_masks(self, xs: Sequence[Tensor], y: Tensor) -> None:
        depths = [x.mask.ndim for x in xs if x.mask is not None]
        if depths and len(depths) < len(xs) and self.axis % y.ndim < max(depths):
            missing = next(x for x in xs if x.mask is None)
            raise ValueError(f"{self} joins sequences, but {missing} has no mask and others have")


class Dot(Merge):
    """Sum of products along one axis of each of two tensors.

    Parameters
    ----------
    axes : int or (int, int)
        The axis of the first and of the second tensor; not 0, the batch.
    normalize : bool
        Scale to length 1 along these axes first: the result is the cosine.
    """

    exactly = 2
    uses_mask = True

    def __init__(self, axes: int | tuple[int, int], normalize: bool = False, **options: Any):
        super().__init__(**options)
        self.axes = whole_numbers(axes, times=2) or ()
        if len(self.axes) != 2:
            given = arguments.shown(axes)
            raise ValueError(f"{self}: axes must be a whole number, or two of them, not {given}")
        self.normalize = arguments.flag(f"{self}: normalize", normalize)

    def merge(self, xs: Sequence[Tensor]) -> Tensor:
        refuse_samples(xs, *self.axes)
        if self.normalize:
            xs = [unit(x, axis) for x, axis in zip(xs, self.axes, strict=True)]
        return ops.dot(*xs, axes=self.axes)

    def merge_masks(self, xs: Sequence[Tensor], y: Tensor) -> None:
        for n, (x, axis) in enumerate(zip(xs, self.axes, strict=True)):
            if x.mask is None:
                continue
            does = "adds up over" if axis % x.ndim < x.mask.ndim else "makes features of"
            if does == "makes features of" and (n == 0 or xs[0].ndim == 2):
                y.mask = x.mask  # its steps are the first axis behind the batch
            else:
                warnings.warn(
                    f"{self} {does} the steps of {x}: padded steps count like real ones",
                    stacklevel=6,
                )

    def why(self, xs: Sequence[Tensor], error: Exception) -> str:
        """Which axes do not fit."""
        known = (-x.ndim < axis < x.ndim and axis for x, axis in zip(xs, self.axes, strict=True))
        if not all(known):
            return str(error)
        one, other = (x.shape[axis] for x, axis in zip(xs, self.axes, strict=True))
        return (
            f"the axes to multiply must have one length, but axis {self.axes[0]} of the first has "
            f"{one} and axis {self.axes[1]} of the second has {other}"
            if one != other
            else str(error)
        )


def refuse_samples(xs: Sequence[Tensor], *axes: int) -> None:
    """An error if one of the axes is the batch."""
    if any(axis in (0, -x.ndim) for x in xs for axis in axes):
        raise ValueError("axis 0 is the batch, whose samples stay apart: choose another axis")


def to_one_length(lengths: Sequence[int | None]) -> str:
    """How branches get one length; cropping mends what padding did, not what strides did."""
    known = [length for length in lengths if length is not None]
    ways = "with the same strides and padding in all branches"
    near = max(known) < 2 * min(known)
    return f"Bring them to one length, {ways}" + ", or by cropping or padding one" * near


def strided(ndim: int, lengths: Sequence[int | None]) -> str:
    """The 1x1 convolution that takes the larger of two pictures to the smaller one."""
    if ndim != 4 or len(lengths) != 2 or None in lengths or 0 in lengths:
        return ""
    small, large = sorted(n for n in lengths if n is not None)
    strides = -(-large // small)
    if strides < 2 or -(-large // strides) != small:
        return ""
    return (
        f": a 1x1 convolution with strides {strides} takes {large} to {small}, and with as many "
        f"filters to the same channels"
    )


SETTINGS = ("units", "kernel_size", "pool_size", "size", "strides", "padding", "cropping")


def ways(xs: Sequence[Tensor]) -> str:
    """How the branches came to their shapes, from the tensor that they have in common."""
    chains = [chain(x) for x in xs]
    keys = [[t.key for t in links] for links in chains]
    lines = ["\nhow they came about:"]
    for links, own in zip(chains, keys, strict=True):
        shared = [n for n, key in enumerate(own) if all(key in other for other in keys)]
        first, *others = reversed(links[: shared[0] + 1] if shared else links)
        lines.append(f"  {first}")
        lines += [f"    -> {made_by(t)}: {t.shape}" for t in others]
    return "\n".join(lines) if len(lines) > 1 + len(xs) else ""


def chain(x: Tensor) -> list[Tensor]:
    """What each layer above x made, along their first inputs, up to an Input."""
    links = [x]
    while x.step is not None:
        card = card_of(x.step)
        while x.step is not None and card_of(x.step) == card:
            x = next(t for t in x.step.inputs if t is not None and not isinstance(t, Parameter))
        links.append(x)
    return links


def made_by(tensor: Tensor) -> str:
    """A layer and those of its settings that decide about shapes, or an op."""
    assert tensor.step is not None
    card = card_of(tensor.step)
    if isinstance(card, Step):
        return f"op {card.op.name!r}"
    known = [f"{n} {getattr(card.owner, n)!r}" for n in SETTINGS if hasattr(card.owner, n)]
    return f"{card.owner}" + f" ({', '.join(known)})" * bool(known)


def unit(x: Tensor, axis: int) -> Tensor:
    """x scaled to length 1 along an axis (never divided by less than 1e-6)."""
    return x / ops.sqrt(ops.maximum((x * x).sum(axis=axis, keepdims=True), 1e-12))


def as_function(layer: type[Layer]) -> Callable[..., Tensor]:
    """The function that makes a layer and calls it at once."""

    def function(xs: Sequence[Tensor], *more: Tensor, **options: Any) -> Tensor:
        return layer(**options)(xs, *more)

    function.__name__ = function.__qualname__ = layer.__name__.lower()
    function.__doc__ = f"{layer.__name__} as a function: ``{layer.__name__}(**options)(xs)``."
    return function


add = as_function(Add)
subtract = as_function(Subtract)
multiply = as_function(Multiply)
average = as_function(Average)
maximum = as_function(Maximum)
minimum = as_function(Minimum)
concatenate = as_function(Concatenate)
dot = as_function(Dot)
