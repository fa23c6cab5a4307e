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
from functools import cached_property
from math import hypot, sqrt

import numpy as np

from ..device import Array, array_module
from ..ops.products import inner_products
from ..questions import on_gpu

BLOCK = 1 << 15  # elements that are factored at a time
SMALL = 1 << 13  # elements, up to which no way is faster than to factor them
FAR_APART = 0.45  # of two columns: the sine of an angle of 27 degrees
PARALLEL = 1e-13  # what is left of a column of length 1 that is, but for rounding, a mixture
SQUARES = 1e-200, 1e200  # of lengths, between which no product overflows or vanishes
ROUNDING = 1e-12  # a sum that is so small beside its parts is 0 but for rounding


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
        if len(rows) != len(losses) or not all(0 <= k < count for k in losses):
            raise ValueError(
                f"Measure.of: {len(rows)} rows for the losses {tuple(losses)} of {count}: there is "
                f"one for each, and losses count from 0"
            )
        return cls.of_factor(factor(rows.reshape(len(losses), -1)), losses, count)

    @classmethod
    def of_factor(cls, own: np.ndarray, losses: Sequence[int], count: int) -> Measure:
        """The same from the triangular factor of the rows alone."""
        r = np.zeros((count, count))
        r[: len(losses), list(losses)] = own
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
        return self._norms[k]

    @cached_property
    def _norms(self) -> list[float]:
        return [hypot(*column) for column in self.r.T.tolist()]  # some squares fit in no float

    @property
    def gram(self) -> np.ndarray:
        """Inner products of the losses' gradients, shape (K, K)."""
        return self.r.T @ self.r

    def total(self, weights: Sequence[float]) -> float:
        """Length of the weighted sum; 0 where the parts cancel but for rounding."""
        whole = hypot(*self.mixed(weights).tolist())
        return 0.0 if whole < ROUNDING * sum(self.parts(weights)) else whole

    def mixed(self, weights: Sequence[float]) -> np.ndarray:
        """The weighted sum, in the coordinates of R."""
        self._check(weights)
        active = np.flatnonzero(weights)  # 0 times infinity is not asked for
        return np.asarray(self.r[:, active] @ np.asarray(weights)[active])

    def parts(self, weights: Sequence[float]) -> list[float]:
        """Lengths of what each loss contributes, |w_k g_k|."""
        self._check(weights)
        return [abs(w) * self.norm(k) if w else 0.0 for k, w in enumerate(weights)]

    def slopes(self, weights: Sequence[float]) -> list[float]:
        """Inner products of the losses' gradients with the weighted sum; 0 as in `total`."""
        mixed, apart = self.mixed(weights), sum(self.parts(weights))
        found = []
        for k in range(len(self.reach)):
            size = self.norm(k)
            along = float(self.r[:, k] / size @ mixed) if size else 0.0
            found.append(0.0 if abs(along) < ROUNDING * apart else size * along)
        return found

    def _check(self, weights: Sequence[float]) -> None:
        if len(weights) != len(self.reach):
            raise ValueError(
                f"a gradient of {len(self.reach)} losses is mixed with one weight for each, not "
                f"with {len(weights)}"
            )

    def lost(self, weights: Sequence[float]) -> tuple[float, float]:
        """What the addition takes from the lengths of the parts, and why.

        First what parts at right angles lose, too, then what is lost since they oppose each other:
        the sum is shorter than that of parts at right angles would be.

        >>> m = Measure.of(np.array([[3.0, 0.0], [-3.0, 4.0]]), (0, 1), 2)
        >>> m.total([1, 1]), m.parts([1, 1]), m.lost([1, 1])
        (4.0, [3.0, 5.0], (2.169..., 1.830...))
        """
        parts, whole = np.array(self.parts(weights)), self.total(weights)
        at_right_angles = hypot(*parts.tolist())
        differ = float(parts.sum()) - max(at_right_angles, whole)
        return max(differ, 0.0), max(at_right_angles - whole, 0.0)

    def cosine(self, k: int, j: int) -> float | None:
        """Cosine of the angle between two losses' gradients; None where one is 0 or not finite."""
        sizes = self.norm(k), self.norm(j)
        if not all(0 < size < np.inf for size in sizes):
            return None
        return float(np.clip((self.r[:, k] / sizes[0]) @ (self.r[:, j] / sizes[1]), -1, 1))

    def worst_pair(self, weights: Sequence[float]) -> tuple[float, int, int] | None:
        """The smallest cosine between two of the weighted gradients, and which two they are.

        A negative weight turns a gradient round; one of weight 0 takes no part. Of pairs that
        differ by rounding alone it is the first.

        >>> m = Measure.of(np.array([[1.0, 0.0], [1.0, 0.0]]), (0, 1), 2)
        >>> m.worst_pair([1, 2]), m.worst_pair([1, -2]), m.worst_pair([1, 0])
        ((1.0, 0, 1), (-1.0, 0, 1), None)
        """
        self._check(weights)
        turned = Measure(self.reach, self.r * np.sign(weights))
        active = [k for k, w in enumerate(weights) if w]
        pairs = [(turned.cosine(k, j), k, j) for k in active for j in active if k < j]
        known = [(c, k, j) for c, k, j in pairs if c is not None]
        return min(known, key=lambda pair: round(pair[0], 9)) if known else None


def factor(columns: Array) -> Array:
    """The triangular factor; a column that is not finite becomes NaN and spoils no other.

    It is where the columns are: on a GPU, where nobody waits for it.
    """
    if on_gpu(columns):
        return factor_on_gpu(columns)
    gram = inner_products(columns)
    if (r := factor_of_gram(gram)) is not None:
        return r
    if are_ordinary(gram):
        return factor_of_parallel(columns, gram)
    finite = np.isfinite(columns).all(axis=1)
    active = finite & columns.any(axis=1)
    r = np.zeros((len(columns), len(columns)))
    if active.all():
        return triangle(columns)
    if active.any():
        r[: active.sum(), active] = factor(columns[active])
    r[:, ~finite] = np.nan
    return r


def are_ordinary(gram: np.ndarray) -> bool:
    """Has no column a length of 0, or one whose square fits in no float, or a NaN?"""
    return all(SQUARES[0] < square < SQUARES[1] for square in gram.diagonal().tolist())


def factor_of_gram(gram: np.ndarray) -> np.ndarray | None:
    """The same from the inner products of the columns alone, where it is as exact; else None."""
    if not are_ordinary(gram):
        return None
    lengths = np.sqrt(gram.diagonal())
    if len(gram) == 1:
        return lengths[None]
    if len(gram) == 2:  # what Cholesky's method comes to
        x, y = lengths.tolist()
        cosine = float(gram[0, 1]) / x / y
        sine = sqrt(max(1 - cosine * cosine, 0))
        return np.array([[x, cosine * y], [0, sine * y]]) if sine > FAR_APART else None
    try:
        r = np.linalg.cholesky(gram / lengths / lengths[:, None]).T
    except np.linalg.LinAlgError:
        return None
    return r * lengths if (np.diagonal(r) > FAR_APART).all() else None


def factor_of_parallel(columns: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """The factor of ordinary columns, of which one is nearly a mixture of others.

    Their inner products have lost digits. What is left of each column without those before it has
    lost them already, and the factor follows from its inner products (Gram and Schmidt, who take
    each part out twice, which is enough: Giraud, Langou & Rozloznik 2005).
    """
    if columns.shape[1] <= SMALL:
        return triangle(columns)
    lengths = np.sqrt(np.diagonal(gram))
    cosines = gram / lengths / lengths[:, None]
    mixing = np.eye(len(gram))
    for k in range(1, len(gram)):
        mixing[:k, k] = -np.linalg.lstsq(cosines[:k, :k], cosines[:k, k], rcond=PARALLEL)[0]
    rest = np.zeros_like(gram)
    for start in range(0, columns.shape[1], BLOCK):
        rest += inner_products((mixing / lengths[:, None]).T @ columns[:, start : start + BLOCK])
    if (r := factor_of_gram(rest)) is None:
        return triangle(columns)
    return r @ np.linalg.inv(mixing) * lengths


def triangle(columns: np.ndarray) -> np.ndarray:
    """The triangular factor of a matrix given by its columns (m, n), as (m, m), block by block."""
    m, n = columns.shape
    r = np.zeros((m, m))
    for start in range(0, n, BLOCK):
        block = columns[:, start : start + BLOCK].T.astype(np.float64)
        tall = np.concatenate([r, block[block.any(axis=1)]])  # rows of zeros change nothing
        r = np.asarray(np.linalg.qr(tall, mode="r"))
    return r


def factor_on_gpu(columns: Array) -> Array:
    """The same by Gram and Schmidt, which are sums and no questions.

    Each part is taken out twice, which is enough to stay exact (Giraud, Langou & Rozloznik 2005).
    """
    xp, m = array_module(columns), len(columns)
    r = xp.zeros((m, m))
    directions: list[Array] = []
    if not columns.size:
        return r
    for k, column in enumerate(columns.astype(np.float64)):
        is_finite = xp.isfinite(column).all()
        largest = xp.abs(column).max()
        scale = xp.where(is_finite & (largest > 0), largest, 1.0)  # some squares fit in no float
        rest = xp.where(is_finite, column / scale, 0.0)
        for _ in range(2):
            for i, direction in enumerate(directions):
                part = direction @ rest
                rest = rest - part * direction
                r[i, k] += part
        length = xp.sqrt(rest @ rest)
        r[k, k] = length
        r[:, k] = xp.where(is_finite, r[:, k] * scale, np.nan)
        directions.append(rest / xp.where(length > 0, length, 1.0))
    return r


def lengths(numbers: Array, axes: tuple[int, ...] | None = None) -> Array:
    """Euclidean lengths along axes (None: all), in float64. The squares of some fit in no float."""
    every = range(numbers.ndim)
    kept = [] if axes is None else [axis for axis in every if axis not in axes]

    def length(x: Array) -> Array:
        return np.sqrt(np.einsum(x, [*every], x, [*every], kept, dtype=np.float64))

    if numbers.dtype != np.float64 or not numbers.size:  # all squares of float32 fit in float64
        return length(numbers)
    largest = np.abs(numbers).max(axis=axes, keepdims=True)
    scale = np.where((largest > 0) & (largest < np.inf), largest, 1.0)
    return length(numbers / scale) * scale.squeeze(axes)
