"""Elementwise arithmetic, powers and logarithms, and the matrix product.

Two inputs broadcast as in NumPy: x (2, 1) and y (3,) give (2, 3).
"""

import math
from collections.abc import Sequence

from ..device import Array, array_module
from .contract import at_hand, in_floats, one_type, op, where_counted

__all__ = [
    "absolute",
    "add",
    "ceil",
    "divide",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "log",
    "log1p",
    "log2",
    "log10",
    "matmul",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "power",
    "round_",
    "sign",
    "sqrt",
    "square",
    "subtract",
]


@op
@one_type
def add(x, y):
    """x + y. Both get the gradient as it is."""
    return x + y, (lambda g: g, lambda g: g)


@op
@one_type
def subtract(x, y):
    """x - y. The gradient of y has the other sign."""
    return x - y, (lambda g: g, lambda g: -g)


@op
@one_type
def multiply(x, y):
    """x y, element by element. Each gets the gradient times the other."""
    return x * y, (lambda g: g * y, lambda g: g * x)


@op
@in_floats
def divide(x, y):
    """x / y; integers give floats, too.

    Where y is 0 the value is infinite, or NaN where x is 0 as well, as in NumPy; so are the slopes
    1 / y and -x / y**2.
    """

    z = x / y

    def pull_y(g):
        quotient, divisor = no_0_by_0(g, y, z, y)
        return -g * quotient / divisor

    return z, (lambda g: over(g, y), pull_y)


@op
@one_type
def negative(x):
    """-x, the number of the other sign."""
    return -x, (lambda g: -g,)


@op
@in_floats
def power(x, y):
    """x to the y; integers give floats, too, since 2 to the -1 is none.

    The slope in x is y x**(y - 1): infinite where x is 0 and y below 1, but 0 where y is 0. The
    slope in y is x**y log(x), taken as 0 where x is 0; it is NaN where x is below 0, since such
    powers exist for whole y only.
    """
    z = x**y
    xp = array_module(z)

    def pull_x(g):
        (base,) = no_0_by_0(g, x, xp.where((x == 0) & (y == 0), 1, x))
        return g * xp.where(y == 0, 0, y * base ** (y - 1))

    def pull_y(g):
        base = xp.where(x == 0, 1, x).astype(z.dtype)  # also of a number, which has no type
        return g * xp.where(x == 0, 0, z) * xp.log(base)

    return z, (pull_x, pull_y)


@op
@one_type
def square(x):
    """x x, the square."""
    return x * x, (lambda g: g * 2 * x,)


@op
@in_floats
def sqrt(x):
    """The square root of x, NaN below 0.

    Its slope 1 / (2 sqrt(x)) is infinite at 0. A length, sqrt(sum(x * x)), therefore has no
    gradient at 0; that of `norm` is 0 there.
    """
    y = array_module(x).sqrt(x)
    return y, (lambda g: over(g, 2 * y),)


@op
@in_floats
def exp(x):
    """e to the x, which is its own slope; infinity where that is too large for a float."""
    y = array_module(x).exp(x)
    return y, (lambda g: g * where_counted(g, y),)


@op
@in_floats
def log(x):
    """The natural logarithm. At 0 it is -infinity with an infinite slope 1 / x, below it is NaN."""
    return array_module(x).log(x), (lambda g: over(g, x),)


@op
@in_floats
def log2(x):
    """The logarithm to the base 2, at 0 and below as `log`. Its slope is 1 / (x log(2))."""
    return array_module(x).log2(x), (lambda g: over(g, LOG_2 * x),)


@op
@in_floats
def log10(x):
    """The logarithm to the base 10, at 0 and below as `log`. Its slope is 1 / (x log(10))."""
    return array_module(x).log10(x), (lambda g: over(g, LOG_10 * x),)


LOG_2, LOG_10 = math.log(2), math.log(10)


@op
@in_floats
def log1p(x):
    """log(1 + x), exact for small x; -infinity with an infinite slope at -1, NaN below."""
    return array_module(x).log1p(x), (lambda g: over(g, 1 + x),)


@op
@in_floats
def expm1(x):
    """exp(x) - 1, exact for small x. Its slope is exp(x)."""
    y = array_module(x).expm1(x)
    return y, (lambda g: g * where_counted(g, y + 1),)


@op
@one_type
def absolute(x):
    """|x|; the slope at 0 is taken as 0."""
    xp = array_module(x)
    return xp.abs(x), (lambda g: g * xp.sign(x),)


@op
@one_type
def sign(x):
    """-1, 0 or 1, as x is below 0, 0 or above. As a step it has no slope: no gradient passes."""
    return array_module(x).sign(x), (None,)


@op
@in_floats
def floor(x):
    """The whole number below x, or x itself. As a step it has no slope: no gradient passes."""
    return array_module(x).floor(x), (None,)


@op
@in_floats
def ceil(x):
    """The whole number above x, or x itself. As a step it has no slope: no gradient passes."""
    return array_module(x).ceil(x), (None,)


@op
@in_floats
def round_(x, *, decimals=0):
    """x with so many decimals; halves go to the even neighbour, as in NumPy: 2.5 to 2.

    As a step it has no slope: no gradient passes.
    """
    return x.round(decimals), (None,)


@op
@one_type
def floor_divide(x, y):
    """x // y, the whole number below x / y. As a step it has no slope: no gradient passes."""
    return x // y, (None, None)


@op
@one_type
def mod(x, y):
    """x % y, what is left of x above a multiple of y. It has the sign of y, as in Python.

    The slopes are 1 in x and -(x // y) in y, at the jumps, too, where x is a multiple of y.
    """
    return x % y, (lambda g: g, lambda g: -g * where_counted(g, x // y))


@op
@one_type
def maximum(x, y):
    """The larger of two; where they are equal, each gets half of the gradient."""
    return array_module(x).maximum(x, y), (
        lambda g: share(g, x, y),
        lambda g: share(g, y, x),
    )


@op
@one_type
def minimum(x, y):
    """The smaller of two; where they are equal, each gets half of the gradient."""
    return array_module(x).minimum(x, y), (
        lambda g: share(g, y, x),
        lambda g: share(g, x, y),
    )


def share(g: Array, winner: Array, loser: Array) -> Array:
    """g where the winner is larger, half of it at a tie, and 0 elsewhere."""
    half = 0.5 * g
    return half * (winner > loser) + half * (winner >= loser)


@op
@one_type
def matmul(x, y):
    """The matrix product of the last two axes; leading axes broadcast, vectors are allowed.

    x (..., n, k) and y (..., k, m) give (..., n, m). The gradients are g yᵀ and xᵀ g.
    """
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


def over(g: Array, x: Array) -> Array:
    """g / x, but 0 where both are 0."""
    (divisor,) = no_0_by_0(g, x, x)
    return g / divisor


def no_0_by_0(g: Array, x: Array, *values: Array) -> Sequence[Array]:
    """The values, but 1 where both g and x are 0: what does not count must not make 0 / 0 of it.

    Where x has no zeros, as usual, they come back as they are.
    """
    xp = array_module(x)
    zeros = xp.equal(x, 0)
    if at_hand(zeros) and not zeros.any():
        return values
    return [xp.where(zeros & (g == 0), 1, value).astype(g.dtype) for value in values]
