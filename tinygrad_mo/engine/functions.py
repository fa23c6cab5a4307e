"""NumPy's functions, for tensors: its names, keywords and defaults, made of the ops.

Each serves as ``np.name(tensor)``, and, where arrays have it, as a method of a tensor. Options that
only NumPy has are refused by name. Arrays, numbers and lists may stand beside tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Signature, signature
from itertools import pairwise
from math import prod
from string import ascii_letters
from typing import Any

import numpy as np

from .. import arguments, ops
from ..ops import Op
from ..ops.shaping import from_right
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
    x, axis = along(x, axis)
    return ops.cumsum(x, axis=axis)


def cumprod(x: Any, axis: int | None = None) -> Any:
    """The product so far along an axis, or of all numbers in a row."""
    x, axis = along(x, axis)
    return ops.cumprod(x, axis=axis)


def median(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The number in the middle, or the mean of the two there."""
    return quantile(x, 0.5, axis, keepdims=keepdims)


def percentile(x: Any, q: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """As `quantile`, with shares of 100."""
    return quantile(x, np.asarray(q) / 100, axis, keepdims=keepdims)


def quantile(x: Any, q: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The number below which a share q lies, or several; between two, on the line between them.

    The gradient goes to these two. NaN stands last, as in `sort`.
    """
    if axis is not None:
        axis = arguments.whole("quantile: axis", axis, at_least=None)
    ndim, shares = x.ndim, np.asarray(q, float)
    if ((shares < 0) | (shares > 1)).any():
        raise ValueError(f"quantile: shares lie between 0 and 1 (percentile: 0 and 100), not {q}")
    x, place = along(x, axis)
    n = x.shape[place]
    if not n:
        raise ValueError(f"quantile: axis {place} of {x} must have a known length, 1 or more")
    in_order, at = moveaxis(sort(x, place), place, 0), shares * (n - 1)
    low = np.floor(at).astype(int)
    between = (at - low).reshape(at.shape + (1,) * (x.ndim - 1))
    first, second = in_order[low], in_order[np.minimum(low + 1, n - 1)]
    y = first + (second - first) * between
    if keepdims:
        gone = range(ndim) if axis is None else [place % ndim]
        y = expand_dims(y, tuple(at.ndim + a for a in gone))
    return y


def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    """Each number less the one before it along an axis, n times over."""
    (axis,) = axes_from_left(axis, x.ndim)
    before = (slice(None),) * axis
    for _ in range(arguments.whole("diff: n", n)):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x


def along(x: Any, axis: int | None) -> tuple[Any, int]:
    """A tensor and an axis: without one, NumPy takes all numbers in a row."""
    return (ravel(x), 0) if axis is None else (x, axis)


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


# ---------------------------------------------------------------- other shapes


def reshape(x: Any, shape: Any) -> Any:
    """The same numbers in another shape; None, as in `x.shape`, is the batch, which stays."""
    lengths = list(shape) if arguments.is_list(shape) else [shape]
    if None in lengths:
        stays = (
            lengths[0] is None and x.shape[0] is None and None not in [*lengths[1:], *x.shape[1:]]
        )
        if not stays:
            raise TypeError(
                f"reshape of {x} to {tuple(lengths)}: write -1 for the one length that is not known"
            )
        rest = prod(n for n in lengths[1:] if n != -1)
        lengths = [-1, *(prod(x.shape[1:]) // max(rest, 1) if n == -1 else n for n in lengths[1:])]
    return ops.reshape(x, shape=tuple(lengths))


def ravel(x: Any) -> Any:
    """All numbers in a row."""
    return x.reshape(-1)


def flatten(x: Any) -> Any:
    """All numbers in a row; of a tensor with a batch to come that would mix the samples."""
    if None in x.shape:
        raise TypeError(
            f"flatten of {x} can be read in two ways: ops.flatten(x) keeps the samples apart, as "
            f"the layer Flatten does, x.reshape(-1) puts all numbers in a row, as NumPy does"
        )
    return ravel(x)


def transpose(x: Any, axes: Any = None) -> Any:
    """The axes in another order; without one, in the reverse order."""
    return ops.transpose(x, axes=axes)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes changed places."""
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return ops.transpose(x, axes=order)


def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Some axes at other places, the others in their order."""
    old, new = axes_from_left(source, x.ndim), axes_from_left(destination, x.ndim)
    order = [a for a in range(x.ndim) if a not in old]
    for to, a in sorted(zip(new, old, strict=True)):
        order.insert(to, a)
    return x.transpose(order)


def axes_from_left(axis: Any, ndim: int) -> list[int]:
    """One axis, several, or all (None), counted from 0."""
    return [a + ndim for a in from_right(axis, ndim)]


def expand_dims(x: Any, axis: Any) -> Any:
    """New axes of length 1 at these places of the result."""
    ndim = x.ndim + (len(axis) if arguments.is_list(axis) else 1)
    new = axes_from_left(axis, ndim)
    return x[tuple(None if a in new else slice(None) for a in range(ndim))]


def squeeze(x: Any, axis: Any = None) -> Any:
    """Without these axes of length 1, or without all of them."""
    ones = [a for a in range(x.ndim) if x.shape[a] == 1]
    gone = ones if axis is None else axes_from_left(axis, x.ndim)
    for a in gone:
        if a not in ones:
            raise ValueError(f"squeeze: axis {a} of {x} has not length 1")
    return x[tuple(0 if a in gone else slice(None) for a in range(x.ndim))]


def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeated along axes of length 1 and new ones in front."""
    if arguments.is_list(shape) and None in list(shape):
        raise TypeError(
            f"broadcast_to of {x} to {tuple(shape)}: a length must be known; x * np.ones((3, 4)) "
            f"repeats along the axes behind the batch"
        )
    return ops.broadcast_to(x, shape=tuple(shape) if arguments.is_list(shape) else (shape,))


# ---------------------------------------------------------------- joined, repeated, picked


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """Joined along an axis, or (None) all numbers in a row."""
    parts = [along(operand(x), axis)[0] for x in arrays]
    return ops.concatenate(*parts, axis=0 if axis is None else axis)


def operand(x: Any) -> Any:
    """A tensor or an array."""
    return x if hasattr(x, "shape") else np.asarray(x)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Side by side along a new axis."""
    return ops.concatenate(*[expand_dims(operand(x), axis) for x in arrays], axis=axis)


def vstack(tup: Sequence[Any]) -> Any:
    """Joined as rows: along the first axis, where a vector is one row."""
    parts = map(operand, tup)
    return concatenate([x if x.ndim > 1 else x.reshape(1, -1) for x in parts])


def hstack(tup: Sequence[Any]) -> Any:
    """Joined along the second axis; vectors along their only one."""
    parts = [x if x.ndim else x.reshape(1) for x in map(operand, tup)]
    return concatenate(parts, axis=min(parts[0].ndim - 1, 1))


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Parts along an axis: so many of the same length, or those between these places."""
    (axis,) = axes_from_left(axis, x.ndim)
    places, n = indices_or_sections, x.shape[axis]
    if not arguments.is_list(places):
        if n is None or n % places:
            raise ValueError(f"split: axis {axis} of {x} cannot be cut into {places} equal parts")
        places = range(n // places, n, n // places)
    bounds = [None, *places, None]
    before = (slice(None),) * axis
    return [x[(*before, slice(*span))] for span in pairwise(bounds)]


def repeat(x: Any, repeats: int, axis: int | None = None) -> Any:
    """Each element so many times in a row."""
    x, axis = along(x, axis)
    return ops.repeat(x, times=arguments.whole("repeat: repeats", repeats), axis=axis)


def tile(x: Any, reps: Any) -> Any:
    """The whole so many times, along each axis."""
    times = arguments.listed("tile: reps", reps if arguments.is_list(reps) else [reps], count)
    x = expand_dims(x, range(max(len(times) - x.ndim, 0)))
    for axis, n in enumerate(times, start=x.ndim - len(times)):
        x = x if n == 1 else ops.concatenate(*[x] * n, axis=axis)
    return x


def count(what: str, value: Any) -> int:
    """How often, at least once."""
    return arguments.whole(what, value, at_least=1)


def pad(x: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0) -> Any:
    """Zeros before and behind each axis."""
    if mode != "constant" or constant_values != 0:
        raise ValueError(
            f"np.pad of a tensor puts zeros there, not mode={mode!r} with constant_values="
            f"{constant_values}: join what shall stand there with np.concatenate"
        )
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    return ops.zero_pad(x, widths=tuple(map(tuple, widths)))


def flip(x: Any, axis: Any = None) -> Any:
    """In reverse order along these axes, or along all."""
    axes = axes_from_left(axis, x.ndim)
    return x[tuple(slice(None, None, -1 if a in axes else None) for a in range(x.ndim))]


def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Moved on by so many places; what leaves at one end comes in at the other."""
    if axis is None:
        return roll(ravel(x), shift, 0).reshape(x.shape)
    axes = axes_from_left(axis, x.ndim)
    for a, by in zip(axes, np.broadcast_to(shift, len(axes)).tolist(), strict=True):
        by = by % x.shape[a] if x.shape[a] else by
        before = (slice(None),) * a
        if by:
            x = ops.concatenate(x[(*before, slice(-by, None))], x[(*before, slice(-by))], axis=a)
    return x


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements at these places along an axis, or of all numbers in a row."""
    x, axis = along(x, axis)
    before = (slice(None),) * (axis % x.ndim)
    return x[(*before, np.asarray(indices) if isinstance(indices, list | tuple) else indices)]


def sort(x: Any, axis: int | None = -1) -> Any:
    """In rising order; each gradient goes back to where its number came from."""
    x, axis = along(x, axis)
    return ops.sort(x, axis=axis)


# ---------------------------------------------------------------- matrices


def tril(x: Any, k: int = 0) -> Any:
    """The lower triangle of matrices, up to diagonal k; 0 elsewhere."""
    return ops.where(triangle(x, k), x, 0)


def triu(x: Any, k: int = 0) -> Any:
    """The upper triangle of matrices, from diagonal k on; 0 elsewhere."""
    return ops.where(triangle(x, k - 1), 0, x)


def triangle(x: Any, k: int) -> np.ndarray:
    """True up to diagonal k of matrices like those that the last two axes of x hold."""
    if x.ndim < 2 or None in x.shape[-2:]:
        raise ValueError(f"a triangle is part of matrices of known size, and {x} holds none")
    rows, columns = x.shape[-2:]
    return np.tri(rows, columns, k, dtype=bool)


def diag(x: Any, k: int = 0) -> Any:
    """Diagonal k of a matrix, or the matrix that has this vector there."""
    if x.ndim != 1:
        return diagonal(x, k)
    square = ops.where(np.eye(len(x), dtype=bool), x[:, None], 0)
    above, below = max(k, 0), max(-k, 0)
    return ops.zero_pad(square, widths=((below, above), (above, below))) if k else square


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the matrices that two axes hold, along a new last axis."""
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    row, column = max(-offset, 0), max(offset, 0)
    places = np.arange(max(min(x.shape[-2] - row, x.shape[-1] - column), 0))
    return x[(..., row + places, column + places)]


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of each diagonal."""
    return diagonal(x, offset, axis1, axis2).sum(-1)


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """u, s and vh; of a matrix that is not square, what is beyond s has no slope, so leave it."""
    if full_matrices and compute_uv and x.shape[-1] != x.shape[-2]:
        raise ValueError(
            f"np.linalg.svd of {x}: vectors without a singular value have no gradient: write "
            f"full_matrices=False"
        )
    return ops.svd(x) if compute_uv else ops.svd(x)[1]


def slogdet(x: Any) -> Any:
    """The sign of the determinant of matrices, and the logarithm of its size."""
    y = ops.det(x)
    return ops.sign(y), ops.log(ops.absolute(y))


def dot(x: Any, y: Any) -> Any:
    """The last axis of x times the last but one of y, or its only one; numbers: their product."""
    x, y = operand(x), operand(y)
    if x.ndim and y.ndim:
        return ops.matmul(x, y) if y.ndim < 3 else tensordot(x, y, (-1, -2))
    return ops.multiply(x, y)


def inner(x: Any, y: Any) -> Any:
    """The last axis of x times that of y; numbers: their product."""
    x, y = operand(x), operand(y)
    return tensordot(x, y, (-1, -1)) if x.ndim and y.ndim else ops.multiply(x, y)


def outer(x: Any, y: Any) -> Any:
    """Each number of x times each of y."""
    return ravel(operand(x))[:, None] * ravel(operand(y))


def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """Sums of products over axes of x and y: a pair of (lists of) axes, or the last n and first n.

    The other axes of x come first, then those of y.
    """
    x, y = operand(x), operand(y)
    last = axes if arguments.is_list(axes) else (range(-axes, 0), range(axes))
    mine, theirs = (axes_from_left(a, z.ndim) for a, z in zip(last, (x, y), strict=True))
    lengths = [x.shape[a] for a in mine], [y.shape[a] for a in theirs]
    if lengths[0] != lengths[1]:
        raise ValueError(f"tensordot: axes {axes} of shapes {x.shape} and {y.shape} do not agree")
    of_x, of_y = ascii_letters[: x.ndim], list(ascii_letters[x.ndim : x.ndim + y.ndim])
    for a, b in zip(mine, theirs, strict=True):
        of_y[b] = of_x[a]
    both = set(of_x) & set(of_y)
    left = "".join(c for c in (*of_x, *of_y) if c not in both)
    return ops.einsum(x, y, subscripts=f"{of_x},{''.join(of_y)}->{left}")


def einsum(subscripts: str, *operands: Any) -> Any:
    """Sums of products by letters: "ij,jk->ik" is the product of two matrices."""
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum takes letters such as 'ij,jk->ik', not {type(subscripts)}")
    return ops.einsum(*operands, subscripts=subscripts)


def size(x: Any) -> int:
    """How many numbers it holds."""
    if None in x.shape:
        raise TypeError(f"{x} has no known size")
    return prod(x.shape)


FUNCTIONS: dict[Any, Callable[..., Any]] = {  # of NumPy, where it is no ufunc named like an op
    np.amax: max_,
    np.amin: min_,
    np.argmax: argmax,
    np.argmin: argmin,
    np.around: round_,
    np.broadcast_to: broadcast_to,
    np.clip: clip,
    np.concatenate: concatenate,
    np.cumprod: cumprod,
    np.cumsum: cumsum,
    np.diag: diag,
    np.diagonal: diagonal,
    np.diff: diff,
    np.dot: dot,
    np.einsum: einsum,
    np.expand_dims: expand_dims,
    np.fabs: ops.absolute,
    np.flip: flip,
    np.hstack: hstack,
    np.inner: inner,
    np.linalg.cholesky: ops.cholesky,
    np.linalg.det: ops.det,
    np.linalg.eigh: ops.eigh,
    np.linalg.eigvalsh: lambda x: ops.eigh(x)[0],
    np.linalg.inv: ops.inv,
    np.linalg.norm: norm,
    np.linalg.slogdet: slogdet,
    np.linalg.solve: ops.solve,
    np.linalg.svd: svd,
    np.max: max_,
    np.mean: mean,
    np.median: median,
    np.min: min_,
    np.moveaxis: moveaxis,
    np.ndim: lambda x: len(x.shape),
    np.outer: outer,
    np.pad: pad,
    np.percentile: percentile,
    np.positive: ops.identity,
    np.prod: product,
    np.quantile: quantile,
    np.ravel: ravel,
    np.reciprocal: reciprocal,
    np.remainder: ops.mod,
    np.repeat: repeat,
    np.reshape: reshape,
    np.rint: ops.round_,
    np.roll: roll,
    np.round: round_,
    np.shape: lambda x: x.shape,
    np.size: size,
    np.sort: sort,
    np.split: split,
    np.squeeze: squeeze,
    np.stack: stack,
    np.std: std,
    np.sum: sum_,
    np.swapaxes: swapaxes,
    np.take: take,
    np.tensordot: tensordot,
    np.tile: tile,
    np.trace: trace,
    np.transpose: transpose,
    np.tril: tril,
    np.triu: triu,
    np.var: var,
    np.vstack: vstack,
    np.where: ops.where,
}
INSTEAD: dict[Any, str] = {  # what to write where there is no such function
    np.allclose: "np.allclose(x.numpy(), y.numpy())",
    np.append: "np.concatenate([x, y])",
    np.array_split: "np.split(x, places), with the places to cut at",
    np.atleast_2d: "x[None]",
    np.average: "(y * x).sum() / y.sum() with weights y",
    np.cbrt: "np.sign(x) * abs(x) ** (1 / 3)",
    np.column_stack: "np.stack([x, y], axis=1)",
    np.copy: "x, which nothing changes",
    np.cross: "np.roll(x, -1) * np.roll(y, 1) - np.roll(x, 1) * np.roll(y, -1)",
    np.deg2rad: "x * (np.pi / 180)",
    np.degrees: "x * (180 / np.pi)",
    np.exp2: "2.0 ** x",
    np.fliplr: "np.flip(x, 1)",
    np.flipud: "np.flip(x, 0)",
    np.fmax: "np.maximum(x, y)",
    np.fmin: "np.minimum(x, y)",
    np.full_like: "np.zeros(x.shape) + y",
    np.hypot: "np.sqrt(x * x + y * y)",
    np.isclose: "abs(x - y) < 1e-6",
    np.isfinite: "abs(x) < np.inf",
    np.isnan: "x != x",
    np.kron: "np.outer(x, y).ravel(), of vectors",
    np.logaddexp: "ops.logsumexp(np.stack([x, y]), axis=0)",
    np.nan_to_num: "np.where(x == x, x, 0.0)",
    np.ones_like: "np.ones(x.shape)",
    np.rad2deg: "x * (180 / np.pi)",
    np.radians: "x * (np.pi / 180)",
    np.trunc: "np.sign(x) * np.floor(abs(x))",
    np.vdot: "(x * y).sum()",
    np.zeros_like: "np.zeros(x.shape)",
}
