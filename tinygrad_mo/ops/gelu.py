"""The Gaussian error linear unit, and the error function that it needs (NumPy has none)."""

from __future__ import annotations

from math import cos, erfc, fsum, log, pi, sqrt

from ..device import Array, array_module
from .contract import in_floats, op

__all__ = ["erf", "gelu"]


@op
@in_floats
def gelu(x):
    """x P(X <= x) for a standard normal X (Hendrycks & Gimpel 2016).

    P(X <= x) = (1 + erf(x / sqrt(2))) / 2, without the approximation by tanh.
    """
    xp = array_module(x)
    below = 0.5 * (1 + error_function(x * sqrt(0.5)))
    return x * below, (lambda g: g * (below + x * (xp.exp(-0.5 * x * x) / sqrt(2 * pi))),)


@op
@in_floats
def erf(x):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) for t from 0 to x."""
    xp = array_module(x)
    return error_function(x), (lambda g: g * (xp.exp(-x * x) * (2 / sqrt(pi))),)


def error_function(x: Array) -> Array:
    """The error function, to 1e-15.

    For z = |x| and t = 1 / (1 + z / 2), erf(z) = 1 - t exp(P(t) - z z) with a smooth function P
    (the form goes back to Hastings 1955). `math.erfc` knows P at single points; in between it is a
    polynomial through them. From z = 6 on, erf is 1.

    >>> import numpy as np, math
    >>> exact = [math.erf(0.3), math.erf(-2.0)]
    >>> bool(abs(error_function(np.array([0.3, -2.0])) - exact).max() < 1e-15)
    True
    """
    xp = array_module(x)
    z = xp.minimum(xp.abs(x), 6)
    t = 1 / (1 + 0.5 * z)
    u = 2 * ((t - LOW) / (1 - LOW) * 2 - 1)  # twice the place in the interval, from -2 to 2
    value, before = 0, 0
    for c in CHEBYSHEV[:0:-1]:  # Clenshaw's sum of Chebyshev polynomials
        value, before = u * value - before + c, value
    value = 0.5 * u * value - before + CHEBYSHEV[0]
    return xp.sign(x) * (1 - t * xp.exp(value - z * z))


LOW = 0.25  # t of z = 6


def chebyshev_coefficients(count: int) -> list[float]:
    """Of the polynomial that meets P at `count` points between LOW and 1."""
    angles = [pi * (k + 0.5) / count for k in range(count)]
    points = [LOW + (1 - LOW) * (cos(angle) + 1) / 2 for angle in angles]
    values = [log(erfc(2 / t - 2) / t) + (2 / t - 2) ** 2 for t in points]
    sums = [
        2 / count * fsum(v * cos(j * angle) for v, angle in zip(values, angles, strict=True))
        for j in range(count)
    ]
    return [sums[0] / 2, *sums[1:]]


CHEBYSHEV = chebyshev_coefficients(20)
