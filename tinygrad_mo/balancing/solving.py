"""Small problems on Gram matrices: quadratic programs, and Newton's method for bargaining.

All work with lengths d and cosines C, G = diag(d) C diag(d), so that gradients of any size can be
compared. Up to four losses, a program is solved exactly: each set of losses that may take part is
tried, and the best answer that is allowed is the answer. Above, SciPy's `nnls` searches the sets.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

FEW = 4  # losses: 15 sets
RIDGE = 1e-13  # parallel gradients leave a choice; this makes it
NOTHING = 1e-12  # an eigenvalue of that share of the largest one is rounding


def lengths_and_cosines(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    >>> lengths_and_cosines(np.array([[4.0, 3.0], [3.0, 9.0]]))
    (array([2., 3.]), array([[1. , 0.5],
           [0.5, 1. ]]))
    """
    d = np.sqrt(np.diagonal(gram))
    cosines = np.clip(gram / d / d[:, None], -1.0, 1.0)
    np.fill_diagonal(cosines, 1.0)
    return d, cosines


@cache
def sets(count: int) -> list[list[int]]:
    """All sets of so many things but the empty one, small ones first."""
    return [list(s) for n in range(1, count + 1) for s in combinations(range(count), n)]


def solved(matrix: np.ndarray, right: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
    """The solution of a system of equations with a matrix of cosines, which may be singular."""
    return np.linalg.solve(matrix + ridge * np.eye(len(matrix)), right)


def inverted(cosines: np.ndarray) -> np.ndarray:
    """The pseudo-inverse of C, applied to ones; where that is nothing, ones: they cancel out.

    A gradient that is a sum of others leaves a direction in which there is nothing but rounding,
    which does not count.

    >>> inverted(np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 1.0], [0.5, 1.0, 1.0]])).round(6)
    array([0.666667, 0.333333, 0.333333])
    """
    values, vectors = np.linalg.eigh(cosines)
    kept = values > NOTHING * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    found = vectors @ (vectors.sum(axis=0) / values)
    return np.asarray(found) if found.sum() > NOTHING else np.ones(len(cosines))


def shortest(gram: np.ndarray) -> np.ndarray:
    """Weights of the shortest vector among all weighted means of the gradients.

    argmin w'Gw over w >= 0, sum w = 1.

    >>> shortest(np.diag([1.0, 1.0, 2.0]))
    array([0.4, 0.4, 0.2])
    """
    d, cosines = lengths_and_cosines(gram)
    if len(d) > FEW:
        root = root_of(cosines) * (d / d.min())
        # (Wolfe) The mean is free to be scaled, and pays for it: scaled back, it is the answer.
        w = nnls()(np.vstack([root, np.ones(len(d))]), np.r_[np.zeros(len(d)), 1.0])[0]
        return w / w.sum()
    best, found = np.inf, np.zeros(len(d))
    for s in sets(len(d)):
        x = solved(cosines[np.ix_(s, s)], d.min() / d[s]) * (d.min() / d[s])
        if (x >= 0).all() and (total := x.sum()) > 0:
            w = np.zeros(len(d))
            w[s] = x / total
            size = square(cosines, w * (d / d.max()))
            if size < best * (1 - 1e-12):
                best, found = size, w
    return found


def above(cosines: np.ndarray, least: np.ndarray) -> np.ndarray:
    """argmin v'Cv over v >= least: the projection onto the cone where no loss is harmed.

    >>> above(np.array([[1.0, -0.5], [-0.5, 1.0]]), np.array([1.0, 0.0]))
    array([1. , 0.5])
    """
    if len(cosines) > FEW:
        root = root_of(cosines)
        return np.asarray(least + nnls()(root, -root @ least)[0])
    best, found = square(cosines, least), least
    pull = cosines @ least
    for s in sets(len(cosines)):
        z = -solved(cosines[np.ix_(s, s)], pull[s])
        if (z >= 0).all():
            v = least.astype(float)
            v[s] += z
            if (size := square(cosines, v)) < best * (1 - 1e-12):
                best, found = size, v
    return found


def square(matrix: np.ndarray, v: np.ndarray) -> float:
    return float(v @ matrix @ v)


def root_of(cosines: np.ndarray) -> np.ndarray:
    """R with R'R = C."""
    values, vectors = np.linalg.eigh(cosines)
    return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T


def nnls() -> Any:
    """SciPy's solver of least squares with no number below 0."""
    try:
        from scipy.optimize import nnls
    except ImportError:
        raise ImportError(
            f"this method needs SciPy for more than {FEW} losses: python -m pip install scipy "
            f"(or the extra [balancing] of this package)"
        ) from None
    return nnls


def crossing(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that only rises is 0 between two places; the nearer end, if nowhere.

    Regula falsi (in the variant called Illinois): an end that stays counts half the next time.

    >>> round(crossing(lambda x: x**3 - 8, 0.0, 5.0), 9)
    2.0
    """
    below, over = rising(low), rising(high)
    if below >= 0 or over <= 0:
        return low if below >= 0 else high
    last = 0.0
    for _ in range(100):
        middle = high - over * (high - low) / (over - below)
        value = rising(middle)
        if abs(value) < 1e-10 or high - low < 1e-10:
            break
        if value > 0:
            high, over, below = middle, value, below / (2 if last > 0 else 1)
        else:
            low, below, over = middle, value, over / (2 if last < 0 else 1)
        last = value
    return middle


def bargained(matrix: np.ndarray, share: np.ndarray, power: float = 1.0) -> np.ndarray:
    """The b > 0 with M b = share * b ** -power, by Newton's method.

    It is the minimum of b'Mb / 2 - sum share * integral(b ** -power), which is convex.

    >>> bargained(np.array([[1.0, 0.0], [0.0, 4.0]]), np.ones(2))
    array([1. , 0.5])
    """
    b = np.ones(len(matrix))
    for _ in range(200):
        pull = share * b**-power
        slope = matrix @ b - pull
        step = np.linalg.solve(matrix + np.diag(power * pull / b), -slope)
        size = np.abs(step / b).max()
        b = b + step * (1 / (1 + size) if size > 0.25 else 1.0)  # which keeps b above 0
        if size < 1e-12:
            break
    return b
