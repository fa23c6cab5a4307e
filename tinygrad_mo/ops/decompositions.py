"""Matrices taken apart: eigenvalues, singular values, a triangular root.

The matrices are the last two axes. What is taken apart can be put together in several ways (a
vector may be multiplied by -1), so a loss should depend on what all of these have in common. Where
two eigenvalues or singular values are equal, their vectors are any that span the same space and
have no slope: what would be divided by their difference is taken as 0.
"""

from ..device import Array, array_module
from .contract import in_floats, op
from .linalg import check_square

__all__ = ["cholesky", "eigh", "svd"]


@op
@in_floats
def eigh(x):
    """Eigenvalues (..., n) in rising order, and vectors as columns (..., n, n), of symmetric x.

    As in NumPy, only the lower triangle is read, with the diagonal, and only it has a gradient. In
    the basis of the vectors the slope of the values is the diagonal, and that of the vectors stands
    beside it, divided by the differences of the values.
    """
    check_square("eigh", x)
    xp = array_module(x)
    w, v = xp.linalg.eigh(x)

    def pull_x(g):
        of_values, of_vectors = g
        inner = apart(w) * (turned(v) @ of_vectors) + diagonal(of_values)
        return (lower(v @ inner @ turned(v)),)

    return (w, v), pull_x


@op
@in_floats
def svd(x):
    """u (..., m, k), s (..., k) and vh (..., k, n), of which x (..., m, n) is u @ diag(s) @ vh.

    k is the smaller of m and n, and s falls. The slope of u and vh is infinite where a singular
    value is 0; it is taken as 0 there. (Townsend 2016, "Differentiating the singular value
    decomposition".)
    """
    xp = array_module(x)
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    v = turned(vh)

    def pull_x(g):
        gu, gs, gvh = g
        gv = turned(gvh)
        inverse = xp.where(s == 0, 0, 1 / xp.where(s == 0, 1, s))
        of_u, of_v = turned(u) @ gu, turned(v) @ gv
        differences = apart(s * s)
        inner = differences * (of_u - turned(of_u)) * s[..., None, :] + diagonal(gs)
        inner = inner + s[..., None] * differences * (of_v - turned(of_v))
        outside_u = (gu - u @ of_u) * inverse[..., None, :]  # what leaves the space of u
        outside_v = (gv - v @ of_v) * inverse[..., None, :]
        return ((u @ inner + outside_u) @ vh + u @ turned(outside_v),)

    return (u, s, vh), pull_x


@op
@in_floats
def cholesky(x):
    """The lower triangular y for which y @ yᵀ is x: symmetric, and with eigenvalues above 0.

    As in NumPy, only the lower triangle is read, with the diagonal, and only it has a gradient.
    (Murray 2016, "Differentiation of the Cholesky decomposition".)
    """
    check_square("cholesky", x)
    xp = array_module(x)
    y = xp.linalg.cholesky(x)

    def pull_x(g):
        inner = xp.tril(turned(y) @ g)
        inner = inner - 0.5 * diagonal(xp.diagonal(inner, axis1=-2, axis2=-1))
        inner = 0.5 * (inner + turned(inner))
        left = xp.linalg.solve(xp.broadcast_to(turned(y), g.shape), inner)
        return lower(turned(xp.linalg.solve(xp.broadcast_to(turned(y), g.shape), turned(left))))

    return y, (pull_x,)


def turned(x: Array) -> Array:
    """The transposed matrices."""
    return x.swapaxes(-1, -2)


def diagonal(x: Array) -> Array:
    """Matrices with these numbers on the diagonal."""
    return x[..., None] * array_module(x).eye(x.shape[-1], dtype=x.dtype)


def apart(w: Array) -> Array:
    """1 / (w[j] - w[i]) in row i and column j; 0 where they are equal."""
    xp = array_module(w)
    difference = w[..., None, :] - w[..., None]
    same = difference == 0
    return xp.where(same, 0, 1 / xp.where(same, 1, difference))


def lower(g: Array) -> Array:
    """The gradient of a symmetric matrix, for one of which the lower triangle alone is read."""
    both = array_module(g).tril(g + turned(g))
    return both - diagonal(array_module(g).diagonal(g, axis1=-2, axis2=-1))
