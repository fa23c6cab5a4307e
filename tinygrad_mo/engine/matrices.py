"""NumPy's functions of matrices and sums of products, for tensors: see `functions`."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from .. import arguments, ops
from .shapes import axes_from_left, moveaxis, operand, ravel


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
