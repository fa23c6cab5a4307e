"""Products with weights: the affine map, rows of a table picked by id, and sums of products."""

from collections.abc import Sequence
from string import ascii_lowercase
from typing import NoReturn

from ..device import Array, array_module, first_place
from ..questions import on_gpu, refuse_if
from .contract import flat, in_floats, one_type, op, rows_of
from .factored import FactoredGradient, cheaper_in_factors
from .products import product
from .shaping import from_right
from .sparse import SparseGradient

__all__ = ["dense", "dot", "embedding"]


@op(optional=("bias",))
@in_floats
def dense(x, kernel, bias):
    """x @ kernel + bias on the last axis of x; the bias may be None.

    x (..., inputs), kernel (inputs, units) and bias (units,) give (..., units).
    """
    if x.shape[-1] != kernel.shape[0]:
        raise ValueError(
            f"the last axis of x must equal the first of kernel: {x.shape[-1]} != "
            f"{kernel.shape[0]} (x {x.shape}, kernel {kernel.shape})"
        )
    y = product(flat(x), kernel).reshape(*x.shape[:-1], kernel.shape[-1])
    if bias is not None:
        y += bias

    def pull_kernel(g):
        read, g = flat(x), flat(g, rows_of(g, y))
        if cheaper_in_factors(read, g):
            return FactoredGradient(read, g)
        return product(read.T, g)

    return y, (lambda g: product(g, kernel.T), pull_kernel, lambda g: g)


def column_sums(x: Array) -> Array:
    """The sum over the last axis but one, as a product: NumPy is faster than row by row."""
    if on_gpu(x):
        return x.sum(axis=-2)
    return array_module(x).ones(x.shape[-2], x.dtype) @ x


@op
def embedding(ids, table):
    """The rows of `table` that `ids` name.

    ids (...), integers, and table (entries, width) give (..., width). The gradient of the table is
    a `SparseGradient`: the entries that were read.
    """
    check_ids(ids, len(table))
    entries, width = table.shape  # the table itself is not kept: a step may then change it in place

    def pull_table(g):
        rows = g.shape[: g.ndim - ids.ndim - 1]
        return SparseGradient(ids.reshape(-1), g.reshape(*rows, ids.size, width), entries)

    return table.take(ids, axis=0), (None, pull_table)


def check_ids(ids: Array, count: int) -> None:
    """Ids must be integers from 0 to count - 1 (a GPU would silently wrap others around)."""
    if ids.dtype.kind not in "iu":
        raise TypeError(f"ids must be integers, not {ids.dtype}; give the Input dtype='int32'")

    if ids.size:
        refuse_if((ids.min() < 0) | (ids.max() >= count), lambda: refuse_ids(ids, count))


def refuse_ids(ids: Array, count: int) -> NoReturn:
    where = first_place((ids < 0) | (ids >= count))
    raise IndexError(
        f"id {int(ids[where])} at position {where} is out of range: the table has {count} rows, so "
        f"ids go from 0 to {count - 1}"
    )


@op
@one_type
def dot(x, y, *, axes):
    """Sum of products along axis ``axes[0]`` of x and ``axes[1]`` of y, sample by sample.

    The other axes of x come first, then those of y, as `numpy.tensordot` orders them: x (batch,
    2, n) and y (batch, 3, n) with axes (-1, -1) give (batch, 2, 3). If there are no others, the
    result is (batch, 1).
    """
    xp = array_module(x)
    (axis_x,), (axis_y,) = from_right(axes[0], x.ndim), from_right(axes[1], y.ndim)
    x2, y2 = xp.moveaxis(x, axis_x, -1), xp.moveaxis(y, axis_y, -1)
    if x2.shape[-1] != y2.shape[-1]:
        raise ValueError(
            f"the axes to multiply must agree: axis {axes[0]} of {x.shape} and axis {axes[1]} "
            f"of {y.shape}: {x2.shape[-1]} != {y2.shape[-1]}"
        )
    xm, ym = as_matrices(x2), as_matrices(y2)
    batch, free = x.shape[0], x2.shape[1:-1] + y2.shape[1:-1]
    z = (xm @ ym.swapaxes(-1, -2)).reshape(batch, *(free or (1,)))

    def matrices(g):
        return g.reshape(*rows_of(g, z), batch, xm.shape[1], ym.shape[1])

    def pull_x(g):
        gx = (matrices(g) @ ym).reshape(rows_of(g, z) + x2.shape)
        return xp.moveaxis(gx, -1, axis_x)

    def pull_y(g):
        gy = (matrices(g).swapaxes(-1, -2) @ xm).reshape(rows_of(g, z) + y2.shape)
        return xp.moveaxis(gy, -1, axis_y)

    return z, (pull_x, pull_y)


def dot_equation(ndim_x: int, ndim_y: int, axes: Sequence[int]) -> str:
    """What `dot` adds up, as `einsum` writes it; without other axes than the batch, one is missing.

    >>> dot_equation(3, 3, (2, 1)), dot_equation(2, 2, (1, 1))
    ('abc,ace->abe', 'ab,ab->a')
    """
    axis_x, axis_y = axes[0] % ndim_x, axes[1] % ndim_y
    of_x = list(ascii_lowercase[:ndim_x])
    of_y = ["a", *ascii_lowercase[ndim_x : ndim_x + ndim_y - 1]]
    del of_y[axis_y]
    free = [*of_x[1:axis_x], *of_x[axis_x + 1 :], *of_y[1:]]
    of_y.insert(axis_y, of_x[axis_x])
    return f"{''.join(of_x)},{''.join(of_y)}->a{''.join(free)}"


def as_matrices(x: Array) -> Array:
    """(batch, ..., n) as (batch, m, n)."""
    return flat(x, x.shape[:1])
