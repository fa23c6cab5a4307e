"""Elementwise arithmetic, and the matrix product."""

from ..device import Array, array_module
from .contract import op


@op
def add(x, y):
    return x + y, (lambda g: g, lambda g: g)


@op
def subtract(x, y):
    return x - y, (lambda g: g, lambda g: -g)


@op
def multiply(x, y):
    return x * y, (lambda g: g * y, lambda g: g * x)


@op
def divide(x, y):
    z = x / y
    return z, (lambda g: g / y, lambda g: -g * z / y)


@op
def negative(x):
    return -x, (lambda g: -g,)


@op
def power(x, y):
    """x to the y. Where x is 0, the slope in x of x**0 and the slope in y are taken as 0."""
    z = x**y

    def pull_x(g):
        where = array_module(z).where
        return g * where(y == 0, 0, y * where((x == 0) & (y == 0), 1, x) ** (y - 1))

    def pull_y(g):
        xp = array_module(z)
        return g * z * xp.log(xp.where(x == 0, 1, x))

    return z, (pull_x, pull_y)


@op
def square(x):
    return x * x, (lambda g: g * 2 * x,)


@op
def sqrt(x):
    y = array_module(x).sqrt(x)
    return y, (lambda g: g / (2 * y),)


@op
def exp(x):
    y = array_module(x).exp(x)
    return y, (lambda g: g * y,)


@op
def log(x):
    return array_module(x).log(x), (lambda g: g / x,)


@op
def sin(x):
    xp = array_module(x)
    return xp.sin(x), (lambda g: g * xp.cos(x),)


@op
def cos(x):
    xp = array_module(x)
    return xp.cos(x), (lambda g: -g * xp.sin(x),)


@op
def absolute(x):
    """|x|; the slope at 0 is taken as 0."""
    xp = array_module(x)
    return xp.abs(x), (lambda g: g * xp.sign(x),)


@op
def maximum(x, y):
    """The larger of two; where they are equal, each gets half of the gradient."""
    return array_module(x).maximum(x, y), (
        lambda g: g * share(x, y),
        lambda g: g * share(y, x),
    )


@op
def minimum(x, y):
    """The smaller of two; where they are equal, each gets half of the gradient."""
    return array_module(x).minimum(x, y), (
        lambda g: g * share(y, x),
        lambda g: g * share(x, y),
    )


def share(winner: Array, loser: Array) -> Array:
    """1 where the winner is larger, 1/2 at a tie."""
    xp = array_module(winner)
    return (xp.sign(winner - loser) + 1) / 2


@op
def not_equal(x, y):
    return x != y, (None, None)


@op
def logical_and(x, y):
    return x & y, (None, None)


@op
def where(condition, x, y):
    """x where the condition holds, y elsewhere."""
    xp = array_module(condition)
    return xp.where(condition, x, y), (
        None,
        lambda g: xp.where(condition, g, 0),
        lambda g: xp.where(condition, 0, g),
    )


@op
def matmul(x, y):
    """The matrix product of the last two axes; leading axes broadcast, vectors are allowed."""
    if x.shape[-1:] != y.shape[-2:][:1]:
        raise ValueError(
            f"the last axis of the left matrix must equal the second last of the right one: "
            f"{x.shape} @ {y.shape}"
        )
    z = x @ y
    row = x if x.ndim > 1 else x[None, :]  # a vector on the left is a matrix of one row,
    column = y if y.ndim > 1 else y[:, None]  # on the right a matrix of one column

    def matrix(g):
        g = g if y.ndim > 1 else g[..., None]
        return g if x.ndim > 1 else g[..., None, :]

    def pull_x(g):
        gx = matrix(g) @ column.swapaxes(-1, -2)
        return gx if x.ndim > 1 else gx[..., 0, :]

    def pull_y(g):
        gy = row.swapaxes(-1, -2) @ matrix(g)
        return gy if y.ndim > 1 else gy[..., 0]

    return z, (pull_x, pull_y)
