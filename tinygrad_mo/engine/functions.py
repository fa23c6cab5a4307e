"""NumPy's functions, for tensors: its names, keywords and defaults, made of the ops.

Each serves as ``np.name(tensor)``, and, where arrays have it, as a method of a tensor. Options that
only NumPy has are refused by name. Arrays, numbers and lists may stand beside tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Signature, signature
from typing import Any

import numpy as np

from .. import arguments, ops
from ..ops import Op
from . import matrices, shapes
from .calls import current_call


def call(function: Any, name: str, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """What our function of a name makes of the arguments of NumPy's."""
    try:
        return function(*inputs, **options)
    except TypeError:
        refuse_options(signature(function), name, inputs, options)
        raise


def refuse_options(
    takes: Signature, name: str, inputs: Sequence[Any], options: dict[str, Any]
) -> None:
    """Say which arguments there are, if some have been given that are not."""
    try:
        takes.bind(*inputs, **options)
    except TypeError as error:
        plain = [one.replace(annotation=one.empty) for one in takes.parameters.values()]
        own = takes.replace(parameters=plain, return_annotation=takes.empty)
        raise TypeError(f"np.{name} of a tensor takes {own}: {error}") from None


# ---------------------------------------------------------------- many numbers to one


def over_axes(op: Op) -> Callable[..., Any]:
    """A reduction, called as in NumPy."""

    def reduce(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        return op(x, axis=axis, keepdims=keepdims)

    reduce.__name__, reduce.__qualname__, reduce.__doc__ = op.name, op.name, op.__doc__
    return reduce


sum_, mean, max_, min_ = map(over_axes, (ops.sum_, ops.mean, ops.max_, ops.min_))
product, argmax, argmin = map(over_axes, (ops.prod, ops.argmax, ops.argmin))


def var(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """The mean of the squared distances to the mean."""
    return ops.var(x, axis=axis, keepdims=keepdims, ddof=ddof)


def std(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """The root of the variance; its slope is taken as 0 where it is 0."""
    return ops.std(x, axis=axis, keepdims=keepdims, ddof=ddof)


def norm(x: Any, ord: Any = None, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The length of vectors, or of all numbers in a row; with `ord` 1 or inf, in another measure.

    The length of nothing has a slope of 0.
    """
    one_vector = isinstance(axis, int | np.integer) or (axis is None and x.ndim == 1)
    if ord is None or (ord == 2 and one_vector) or (ord == "fro" and not one_vector):
        return ops.norm(x, axis=axis, keepdims=keepdims)
    if ord not in (1, np.inf) or not one_vector:
        raise ValueError(
            f"np.linalg.norm of a tensor knows the length (ord None or 2), and ord 1 and inf of "
            f"vectors, which need an axis; not ord {ord!r} of {x}"
        )
    measure = ops.sum_ if ord == 1 else ops.max_
    return measure(ops.absolute(x), axis=axis, keepdims=keepdims)


def cumsum(x: Any, axis: int | None = None) -> Any:
    """The sum so far along an axis, or of all numbers in a row."""
    x, axis = shapes.along(x, axis)
    return ops.cumsum(x, axis=axis)


def cumprod(x: Any, axis: int | None = None) -> Any:
    """The product so far along an axis, or of all numbers in a row."""
    x, axis = shapes.along(x, axis)
    return ops.cumprod(x, axis=axis)


def median(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The number in the middle, or the mean of the two there."""
    return quantile(x, 0.5, axis, keepdims=keepdims)


def percentile(x: Any, q: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """As `quantile`, with shares of 100."""
    return quantile(x, np.asarray(q) / 100, axis, keepdims=keepdims)


def quantile(x: Any, q: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The number below which a share q lies, or several; between two, on the line between them.

    The gradient goes to these two. Where one of the numbers is NaN, it is NaN.
    """
    if axis is not None:
        axis = arguments.whole("quantile: axis", axis, at_least=None)
    ndim, shares = x.ndim, np.asarray(q, float)
    if ((shares < 0) | (shares > 1)).any():
        raise ValueError(f"quantile: shares lie between 0 and 1 (percentile: 0 and 100), not {q}")
    x, place = shapes.along(x, axis)
    n = x.shape[place]
    if not n:
        raise ValueError(f"quantile: axis {place} of {x} must have a known length, 1 or more")
    in_order, at = shapes.moveaxis(shapes.sort(x, place), place, 0), shares * (n - 1)
    low, high = np.floor(at).astype(int), np.ceil(at).astype(int)
    between = np.where(low == high, 0.5, at - low)  # of one number twice: 0 times infinity is NaN
    between = between.reshape(at.shape + (1,) * (x.ndim - 1))
    y, last = in_order[low] * (1 - between) + in_order[high] * between, in_order[n - 1]
    y = ops.where(ops.equal(last, last), y, last)  # NaN is not itself
    if keepdims:
        gone = range(ndim) if axis is None else [place % ndim]
        y = shapes.expand_dims(y, tuple(at.ndim + a for a in gone))
    return y


def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    """Each number less the one before it along an axis, n times over."""
    (axis,) = shapes.axes_from_left(axis, x.ndim)
    before = (slice(None),) * axis
    for _ in range(arguments.whole("diff: n", n)):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x


# ---------------------------------------------------------------- element by element


def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Not below a_min nor above a_max, where these are given; `min` and `max` are the same.

    At a limit itself the slope is 1/2, as with `maximum`.
    """
    low, high = (b if a is None else a for a, b in [(a_min, min), (a_max, max)])
    if low is None and high is None:
        raise ValueError("clip needs a limit: x.clip(0, 1), x.clip(min=0) or x.clip(max=1)")
    x = x if low is None else ops.maximum(x, low)
    return x if high is None else ops.minimum(x, high)


def round_(x: Any, decimals: int = 0) -> Any:
    """With so many decimals; no gradient passes."""
    return ops.round_(x, decimals=decimals)


def reciprocal(x: Any) -> Any:
    """1 / x, in floats."""
    return ops.divide(1.0, x)


def detach(x: Any) -> Any:
    """The same numbers, from which no gradient comes back: a tensor without the history of x.

    A tensor that has no numbers yet, or is wired inside a layer, needs its history to be computed
    anew: there it is what `stop_gradient` is everywhere, a step that no gradient passes.
    """
    y = ops.stop_gradient(x)
    if y.value is not None and x.step is not None and current_call() is None:
        y.step = None
    return y


FUNCTIONS: dict[Any, Callable[..., Any]] = {  # of NumPy, where it is no ufunc named like an op
    np.amax: max_,
    np.amin: min_,
    np.argmax: argmax,
    np.argmin: argmin,
    np.around: round_,
    np.broadcast_to: shapes.broadcast_to,
    np.clip: clip,
    np.concatenate: shapes.concatenate,
    np.cumprod: cumprod,
    np.cumsum: cumsum,
    np.diag: matrices.diag,
    np.diagonal: matrices.diagonal,
    np.diff: diff,
    np.dot: matrices.dot,
    np.einsum: matrices.einsum,
    np.expand_dims: shapes.expand_dims,
    np.fabs: ops.absolute,
    np.flip: shapes.flip,
    np.hstack: shapes.hstack,
    np.inner: matrices.inner,
    np.linalg.cholesky: ops.cholesky,
    np.linalg.det: ops.det,
    np.linalg.eigh: ops.eigh,
    np.linalg.eigvalsh: lambda x: ops.eigh(x)[0],
    np.linalg.inv: ops.inv,
    np.linalg.norm: norm,
    np.linalg.slogdet: matrices.slogdet,
    np.linalg.solve: ops.solve,
    np.linalg.svd: matrices.svd,
    np.max: max_,
    np.mean: mean,
    np.median: median,
    np.min: min_,
    np.moveaxis: shapes.moveaxis,
    np.ndim: lambda x: len(x.shape),
    np.outer: matrices.outer,
    np.pad: shapes.pad,
    np.percentile: percentile,
    np.positive: ops.identity,
    np.prod: product,
    np.quantile: quantile,
    np.ravel: shapes.ravel,
    np.reciprocal: reciprocal,
    np.remainder: ops.mod,
    np.repeat: shapes.repeat,
    np.reshape: shapes.reshape,
    np.rint: ops.round_,
    np.roll: shapes.roll,
    np.round: round_,
    np.shape: lambda x: x.shape,
    np.size: shapes.size,
    np.sort: shapes.sort,
    np.split: shapes.split,
    np.squeeze: shapes.squeeze,
    np.stack: shapes.stack,
    np.std: std,
    np.sum: sum_,
    np.swapaxes: shapes.swapaxes,
    np.take: shapes.take,
    np.tensordot: matrices.tensordot,
    np.tile: shapes.tile,
    np.trace: matrices.trace,
    np.transpose: shapes.transpose,
    np.tril: matrices.tril,
    np.triu: matrices.triu,
    np.var: var,
    np.vstack: shapes.vstack,
    np.where: ops.where,
}
INSTEAD: dict[Any, str] = {  # what to write where there is no such function
    np.allclose: "np.allclose(x.numpy(), y.numpy())",
    np.append: "np.concatenate([np.ravel(x), np.ravel(y)])",
    np.array_split: "np.split(x, places), with the places to cut at",
    np.atleast_2d: "x[None], of a vector",
    np.average: "(y * x).sum() / y.sum() with weights y, and the axis in both sums",
    np.cbrt: "np.sign(x) * abs(x) ** (1 / 3)",
    np.column_stack: "np.stack([x, y], axis=1), of vectors",
    np.copy: "x, which nothing changes",
    np.cross: "np.roll(x, -1, -1) * np.roll(y, 1, -1) - np.roll(x, 1, -1) * np.roll(y, -1, -1)",
    np.deg2rad: "x * (np.pi / 180)",
    np.degrees: "x * (180 / np.pi)",
    np.exp2: "2.0 ** x",
    np.fliplr: "np.flip(x, 1)",
    np.flipud: "np.flip(x, 0)",
    np.fmax: "np.maximum(x, y)",
    np.fmin: "np.minimum(x, y)",
    np.full_like: "np.where(True, y, x)",
    np.hypot: "np.sqrt(x * x + y * y)",
    np.isclose: "abs(x - y) < 1e-6",
    np.isfinite: "abs(x) < np.inf",
    np.isnan: "x != x",
    np.kron: "np.outer(x, y).ravel(), of vectors",
    np.logaddexp: "np.maximum(x, y) + np.log1p(np.exp(-abs(x - y)))",
    np.nan_to_num: "np.where(x == x, x, 0.0)",
    np.ones_like: "np.where(True, 1.0, x)",
    np.rad2deg: "x * (180 / np.pi)",
    np.radians: "x * (np.pi / 180)",
    np.trunc: "np.sign(x) * np.floor(abs(x))",
    np.vdot: "(x * y).sum()",
    np.zeros_like: "np.where(True, 0.0, x)",
}
