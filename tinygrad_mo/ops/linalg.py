"""Sums of products in general, and the algebra of square matrices, which are the last two axes."""

from math import prod
from string import ascii_letters

from ..device import Array, array_module
from .contract import in_floats, once_for_each, one_type, op, rows_of

__all__ = ["det", "einsum", "inv", "solve"]


@op
@one_type
def einsum(*xs, subscripts):
    """Sums of products, as `numpy.einsum` writes them: "ij,jk->ik" is a product of matrices.

    A letter names an axis; what the output does not name is summed. "..." stands for any axes in
    front. The gradient of an input is such a sum, too: of the cotangent and the other inputs.
    """
    xp = array_module(xs[0])
    y = xp.einsum(subscripts, *xs, optimize=True)
    inputs, output = spelled_out(subscripts)

    def pull(place):
        others = [pair for i, pair in enumerate(zip(inputs, xs, strict=True)) if i != place]

        def pull_x(g):
            free = [c for c in ascii_letters if c not in subscripts]
            rows = free.pop() * (g.ndim > y.ndim)
            return pulled(inputs[place], xs[place], rows, [(rows + output, g), *others], free)

        return pull_x

    return y, tuple(map(pull, range(len(xs))))


def spelled_out(subscripts: str) -> tuple[list[str], str]:
    """The letters of each input, and those of the output."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    for names in inputs:
        if "..." in names[1:]:
            raise ValueError(f"einsum: '...' must come first in each input, not as in {names!r}")
    if not arrow:  # what is there once, in the order of the alphabet
        once = [c for c in sorted(set(left) - set(".,")) if left.count(c) == 1]
        output = "..." * ("..." in left) + "".join(once)
    return inputs, output


def pulled(own: str, x: Array, rows: str, factors: list[tuple[str, Array]], free: list[str]):
    """The gradient of an input: of products of these factors, the sum that leaves its own axes."""
    xp, g, wanted = array_module(x), factors[0][1], ""
    own = own.removeprefix("...")
    for letter, n in zip(own, x.shape[x.ndim - len(own) :], strict=True):
        if letter in wanted:  # a diagonal was read: what is beside it gets 0
            factors.append((letter + free[-1], xp.eye(n, dtype=g.dtype)))
            letter = free.pop()
        elif not any(letter in names for names, _ in factors):  # it was summed alone
            factors.append((letter, xp.ones(n, g.dtype)))
        wanted += letter
    names, arrays = zip(*factors, strict=True)
    front = rows + "..." * any("..." in one for one in names)
    return xp.einsum(f"{','.join(names)}->{front}{wanted}", *arrays, optimize=True)


@op
@in_floats
def inv(x):
    """The inverse y of square matrices (..., n, n). The gradient is -yᵀ g yᵀ."""
    check_square("inv", x)
    y = array_module(x).linalg.inv(x)
    flipped = y.swapaxes(-1, -2)
    return y, (lambda g: -(flipped @ g @ flipped),)


@op
@in_floats
def solve(a, b):
    """The x for which a @ x is b, without the inverse of a, which is less exact.

    a (..., n, n) and b (n,) give (..., n); b (..., n, k) holds k columns, and gives the same shape.
    The gradient of b is that of x, solved with aᵀ.
    """
    check_square("solve", a)
    xp = array_module(a)
    columns = b if b.ndim > 1 else b[:, None]
    if columns.shape[-2] != a.shape[-1]:
        raise ValueError(f"solve: {a.shape[-1]} unknowns need as many rows: {a.shape}, {b.shape}")
    lead = xp.broadcast_shapes(a.shape[:-2], columns.shape[:-2])
    a_all = xp.broadcast_to(a, lead + a.shape[-2:])
    x_all = xp.linalg.solve(a_all, xp.broadcast_to(columns, lead + columns.shape[-2:]))
    x = x_all if b.ndim > 1 else x_all[..., 0]

    @once_for_each
    def pull_columns(g):
        """Of all rows at once: they are further columns."""
        rows = rows_of(g, x)
        beside = xp.moveaxis(g.reshape(prod(rows), *x_all.shape), 0, -1)
        together = beside.reshape(*beside.shape[:-2], beside.shape[-2] * beside.shape[-1])
        found = xp.linalg.solve(a_all.swapaxes(-1, -2), together).reshape(beside.shape)
        return xp.moveaxis(found, -1, 0).reshape(rows + x_all.shape)

    def pull_b(g):
        return pull_columns(g) if b.ndim > 1 else pull_columns(g)[..., 0]

    return x, (lambda g: -pull_columns(g) @ x_all.swapaxes(-1, -2), pull_b)


@op
@in_floats
def det(x):
    """The determinant of square matrices (..., n, n).

    The slopes are the cofactors. They come from the singular values, so that they are right for a
    matrix without an inverse, too.
    """
    check_square("det", x)
    xp = array_module(x)

    def pull_x(g):
        u, s, v = xp.linalg.svd(x)
        others = xp.where(xp.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(axis=-1)
        sign = xp.linalg.det(u) * xp.linalg.det(v)  # u and v turn, or mirror
        return g[..., None, None] * (sign[..., None, None] * ((u * others[..., None, :]) @ v))

    return xp.linalg.det(x), (pull_x,)


def check_square(name: str, x: Array) -> None:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"{name} takes square matrices (..., n, n), not shape {x.shape}")
