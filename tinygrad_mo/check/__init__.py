"""Gradient checks: is what a pullback or a model says about its slopes true?

A gradient is compared with central differences in float64, along random directions: for a function
f with pullback p, a direction d and a cotangent u,

    <u, f(x + h d) - f(x - h d)> / 2h   must equal   <p(u), d>.

One random direction catches every wrong gradient but those in a set of measure zero (the projection
argument of Griewank & Walther, Evaluating Derivatives, 2008). Each slope is judged by its own size:
a wrong 0 is wrong beside any other number. What cannot be judged is an error, and what there was
not to judge stands in the report.

How far rounding reaches is measured, not guessed: numbers are disturbed in their last places, and
what moves by that much is not known better (Monte Carlo arithmetic, Parker 1997). So a bias before
batch normalisation, whose slope is 0, is not blamed for the 1e-15 that its gradient says.
"""

from .model import check_model
from .op import check_op
from .report import GradientError, Report

__all__ = ["GradientError", "Report", "check_model", "check_op"]
