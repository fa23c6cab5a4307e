"""What is kept of the K gradients that K losses send to one array.

The gradient of a weighted loss is the weighted sum of the losses' gradients, so its length is
|sum_k w_k g_k| = |R w|, where R is the triangular factor of the matrix [g_1 ... g_K] = Q R. These
K (K + 1) / 2 numbers give the exact length for ANY weights, and all angles: R'R are the inner
products. (R, not R'R, is computed: it stays exact where losses nearly cancel. Golub & Van Loan,
Matrix Computations, 5.2.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 1 << 15  # elements that are factored at a time


@dataclass(frozen=True, eq=False)
class Measure:
    """The gradients of one array (or of several, taken as one long one), by loss.

    Attributes
    ----------
    reach : tuple of bool
        Per loss: is there a path? A gradient of length 0 without a path means "cannot", with a
        path "just now not".
    r : ndarray, shape (K, K)
        Upper triangular, float64; column k has the length of loss k's gradient.

    Examples
    --------
    >>> m = Measure.of(np.array([[3.0, 0.0], [0.0, 4.0]]), losses=(0, 1), count=2)
    >>> m.norm(0), m.norm(1), m.total([1.0, 1.0]), m.cosine(0, 1)
    (3.0, 4.0, 5.0, 0.0)
    """

    reach: tuple[bool, ...]
    r: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, losses: Sequence[int], count: int) -> Measure:
        """Measure gradients given as rows, one for each of `losses` out of `count`."""
        r = np.zeros((count, count))
        r[: len(losses), list(losses)] = factor(rows.reshape(len(losses), -1))
        return cls(tuple(k in losses for k in range(count)), r)

    @classmethod
    def nothing(cls, count: int) -> Measure:
        """Of an array that no loss reaches."""
        return cls((False,) * count, np.zeros((count, count)))

    @classmethod
    def together(cls, parts: Iterable[Measure], count: int) -> Measure:
        """Several different arrays taken as one: their inner products add up."""
        parts = list(parts)
        reach = tuple(any(p.reach[k] for p in parts) for k in range(count))
        return cls(reach, factor(np.concatenate([np.zeros((1, count)), *(p.r for p in parts)]).T))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Measure):
            return NotImplemented
        return self.reach == other.reach and np.array_equal(self.r, other.r)

    __hash__ = None  # type: ignore[assignment]

    def norm(self, k: int) -> float:
        """Length of the gradient of loss k alone, unweighted."""
        return float(np.linalg.norm(self.r[:, k]))

    @property
    def gram(self) -> np.ndarray:
        """Inner products of the losses' gradients, shape (K, K)."""
        return self.r.T @ self.r

    def total(self, weights: Sequence[float]) -> float:
        """Length of the weighted sum."""
        active = np.flatnonzero(weights)  # 0 times infinity is not asked for
        return float(np.linalg.norm(self.r[:, active] @ np.asarray(weights)[active]))

    def parts(self, weights: Sequence[float]) -> list[float]:
        """Lengths of what each loss contributes, |w_k g_k|."""
        return [abs(w) * self.norm(k) if w else 0.0 for k, w in enumerate(weights)]

    def lost(self, weights: Sequence[float]) -> tuple[float, float]:
        """What the addition takes from the lengths of the parts, and why.

        First what is lost since the parts merely differ in direction, then what is lost since they
        oppose each other: the sum is shorter than that of parts at right angles would be.

        >>> m = Measure.of(np.array([[3.0, 0.0], [-3.0, 4.0]]), (0, 1), 2)
        >>> m.total([1, 1]), m.parts([1, 1]), m.lost([1, 1])
        (4.0, [3.0, 5.0], (2.169..., 1.830...))
        """
        parts, whole = np.array(self.parts(weights)), self.total(weights)
        at_right_angles = float(np.sqrt(np.square(parts).sum()))
        differ = float(parts.sum()) - max(at_right_angles, whole)
        return max(differ, 0.0), max(at_right_angles - whole, 0.0)

    def cosine(self, k: int, j: int) -> float | None:
        """Cosine of the angle between two losses' gradients; None where one is 0 or not finite."""
        size = self.norm(k) * self.norm(j)
        if not 0 < size < np.inf:
            return None
        return float(np.clip(self.r[:, k] @ self.r[:, j] / size, -1, 1))

    def worst_pair(self, weights: Sequence[float]) -> tuple[float, int, int] | None:
        """The smallest cosine between two of the weighted gradients, and which two they are.

        A negative weight turns a gradient round; one of weight 0 takes no part. Of pairs that
        differ by rounding alone it is the first.

        >>> m = Measure.of(np.array([[1.0, 0.0], [1.0, 0.0]]), (0, 1), 2)
        >>> m.worst_pair([1, 2]), m.worst_pair([1, -2]), m.worst_pair([1, 0])
        ((1.0, 0, 1), (-1.0, 0, 1), None)
        """
        turned = Measure(self.reach, self.r * np.sign(weights))
        active = [k for k, w in enumerate(weights) if w]
        pairs = [(turned.cosine(k, j), k, j) for k in active for j in active if k < j]
        known = [(c, k, j) for c, k, j in pairs if c is not None]
        return min(known, key=lambda pair: round(pair[0], 9)) if known else None


def factor(columns: np.ndarray) -> np.ndarray:
    """The triangular factor; a column that is not finite becomes NaN and spoils no other."""
    finite = np.isfinite(columns).all(axis=1)
    if finite.all():
        return triangle(columns)
    r = np.zeros((len(columns), len(columns)))
    r[: finite.sum(), finite] = triangle(columns[finite])
    r[:, ~finite] = np.nan
    return r


def triangle(columns: np.ndarray) -> np.ndarray:
    """The triangular factor of a matrix given by its columns (m, n), as (m, m), block by block."""
    m, n = columns.shape
    r = np.zeros((m, m))
    for start in range(0, n, BLOCK):
        block = columns[:, start : start + BLOCK].T.astype(np.float64)
        tall = np.concatenate([r, block[block.any(axis=1)]])  # rows of zeros change nothing
        r = np.asarray(np.linalg.qr(tall, mode="r"))
    return r
