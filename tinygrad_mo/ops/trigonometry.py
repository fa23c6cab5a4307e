"""The sine and its kin, and the hyperbolic ones, element by element. All angles are in radians.

The hyperbolic tangent is an activation, and stands there.
"""

from ..device import array_module
from .arithmetic import over
from .contract import in_floats, op, where_counted

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "sin",
    "sinh",
    "tan",
]


@op
@in_floats
def sin(x):
    """The sine of x in radians."""
    xp = array_module(x)
    return xp.sin(x), (lambda g: g * xp.cos(x),)


@op
@in_floats
def cos(x):
    """The cosine of x in radians."""
    xp = array_module(x)
    return xp.cos(x), (lambda g: -g * xp.sin(x),)


@op
@in_floats
def tan(x):
    """The tangent of x in radians. Its slope is 1 + tan(x)**2."""
    y = array_module(x).tan(x)
    return y, (lambda g: g * (1 + y * y),)


@op
@in_floats
def arcsin(x):
    """The angle from -pi/2 to pi/2 whose sine is x; its slope is infinite at -1 and 1."""
    xp = array_module(x)
    return xp.arcsin(x), (lambda g: over(g, xp.sqrt((1 - x) * (1 + x))),)


@op
@in_floats
def arccos(x):
    """The angle from 0 to pi whose cosine is x; its slope is -infinity at -1 and 1."""
    xp = array_module(x)
    return xp.arccos(x), (lambda g: -over(g, xp.sqrt((1 - x) * (1 + x))),)


@op
@in_floats
def arctan(x):
    """The angle between -pi/2 and pi/2 whose tangent is x. Its slope is 1 / (1 + x**2)."""
    return array_module(x).arctan(x), (lambda g: g / (1 + x * x),)


@op
@in_floats
def arctan2(y, x):
    """The angle from -pi to pi of the point (x, y), seen from (0, 0).

    The slopes are x / r**2 in y and -y / r**2 in x, where r is the distance. At (0, 0), where there
    is no angle, they are taken as 0.
    """
    xp = array_module(y)
    r = xp.hypot(x, y)
    r = xp.where(r == 0, 1, r).astype(r.dtype)
    return xp.arctan2(y, x), (lambda g: g * (x / r / r), lambda g: -g * (y / r / r))


@op
@in_floats
def sinh(x):
    """The hyperbolic sine, (exp(x) - exp(-x)) / 2. Its slope is cosh(x)."""
    xp = array_module(x)
    return xp.sinh(x), (lambda g: g * where_counted(g, xp.cosh(x)),)


@op
@in_floats
def cosh(x):
    """The hyperbolic cosine, (exp(x) + exp(-x)) / 2. Its slope is sinh(x)."""
    xp = array_module(x)
    return xp.cosh(x), (lambda g: g * where_counted(g, xp.sinh(x)),)


@op
@in_floats
def arcsinh(x):
    """The number whose hyperbolic sine is x. Its slope is 1 / sqrt(1 + x**2)."""
    xp = array_module(x)
    return xp.arcsinh(x), (lambda g: g / xp.hypot(x, xp.ones_like(x)),)


@op
@in_floats
def arccosh(x):
    """The number from 0 on whose hyperbolic cosine is x, from 1 on; its slope is infinite at 1."""
    xp = array_module(x)
    return xp.arccosh(x), (lambda g: over(g, xp.sqrt(x - 1) * xp.sqrt(x + 1)),)


@op
@in_floats
def arctanh(x):
    """The number whose hyperbolic tangent is x, between -1 and 1, where its slope is infinite."""
    return array_module(x).arctanh(x), (lambda g: over(g, (1 - x) * (1 + x)),)
