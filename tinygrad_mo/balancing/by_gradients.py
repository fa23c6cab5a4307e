"""Methods that look at the Gram matrix of the losses' gradients.

Throughout, g_i is the gradient of a loss on what is shared, G_ij = g_i . g_j, d_i its length, and
w_i its weight, so that the step goes along sum_i w_i g_i; K is the number of losses. For two losses
the squared lengths are called aa and bb, their inner product ab.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np

from .. import arguments
from ..device import new_generator
from .base import Balancer, GramBalancer
from .learned import learn, moments_of
from .solving import (
    FEW,
    NOTHING,
    above,
    bargained,
    crossing,
    inverted,
    lengths_and_cosines,
    sets,
    shortest,
    solved,
    square,
)

TINY = 1e-7  # opposite gradients have no bargain: their cosine counts as this above -1


class GradNorm(Balancer):
    """Weighted gradients get lengths that follow how fast each loss falls (Chen et al. 2018).

    With r_i = l_i / l_i(first) divided by its mean, the weights learn to bring w_i d_i to
    mean(w d) r_i^alpha: the sum of the absolute differences is minimised, the targets held fixed,
    and the weights then scaled to the sum K. Its slopes are divided by the longest d, so that steps
    with long gradients teach no more than others. The paper measures on the last shared layer, as
    ``on="its name"`` does; by default it is everything that is shared. It assumes losses above 0
    that fall towards 0.

    Parameters
    ----------
    alpha : float
        0: all lengths alike; larger: who lags behind gets more. Default: 1.5.
    learning_rate : float
        Of the Adam that learns the weights. Default: 0.025.
    only, every, on, per
        See `Balancer`.
    """

    needs = "gram"
    state = ("learned", "first", "moments")

    def __init__(self, alpha: float = 1.5, learning_rate: float = 0.025, **options: Any):
        super().__init__(**options)
        self.alpha = arguments.number("GradNorm: alpha", alpha, at_least=0)
        self.learning_rate = arguments.number("GradNorm: learning_rate", learning_rate, above=0)

    def begin(self, count: int) -> None:
        self.learned, self.moments = np.ones(count), moments_of(count)
        self.first = np.full(count, np.nan)

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        new = which[np.isnan(self.first[which])]
        self.first[new] = losses[np.isin(which, new)]
        w, d = self.learned[which], np.sqrt(np.diagonal(gram))
        trained = losses / np.where(self.first[which] == 0, 1.0, self.first[which])
        rates = np.maximum(trained, 0.0) / max(trained.mean(), 1e-12)
        target = (w * d).mean() * rates**self.alpha
        slope = np.sign(w * d - target) * d / d.max()
        learn(self.learned, which, slope, self.moments, self.learning_rate)
        positive = np.maximum(self.learned, 1e-3)
        self.learned = len(positive) * positive / positive.sum()
        return w


class MGDA(GramBalancer):
    """The shortest mean of the gradients (Desideri 2012; Sener and Koltun 2018).

    w = argmin w'Gw over w >= 0, sum w = 1. No loss rises along it, and it is 0 exactly where no
    step is good for all. It follows the shortest gradients: a loss with a small scale rules.
    Two losses: w_1 = (bb - ab) / (aa + bb - 2 ab), between 0 and 1.
    """

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        apart = aa + bb - 2 * ab
        w = min(max((bb - ab) / apart, 0.0), 1.0) if apart > 0 else 0.5
        return w, 1.0 - w

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        return shortest(gram)


class PCGrad(GramBalancer):
    """Each gradient loses what opposes another one (Yu et al. 2020, "gradient surgery").

    For each i, and every other j in random order: if g_i' . g_j < 0, then
    g_i' -= (g_i' . g_j / d_j^2) g_j. The step is the sum of all g_i'. Two losses that oppose each
    other: w = (1 - ab / aa, 1 - ab / bb). Where nothing is opposed, it is the plain sum.

    As weights of the losses these act on the heads, too: the gradient of a head is w times its own.
    The paper leaves heads alone, as ``per="layer"`` does.
    """

    state = ("generator",)

    def begin(self, count: int) -> None:
        self.generator = new_generator()

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        return (1.0 - ab / aa, 1.0 - ab / bb) if ab < 0 else (1.0, 1.0)

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        order = [self.generator.permutation(len(gram)) for _ in gram]
        return without_conflict(gram, order)


def without_conflict(gram: np.ndarray, orders: Any) -> np.ndarray:
    """The weights of PCGrad, if each loss meets the others in this order."""
    d, cosines = lengths_and_cosines(gram)
    parts = np.diag(d)  # row i: g_i' as a mixture of gradients of length 1
    for i, order in enumerate(orders):
        for j in order:
            along = parts[i] @ cosines[:, j]
            if j != i and along < 0:
                parts[i, j] -= along
    return np.asarray(parts.sum(axis=0) / d)


class GradVac(Balancer):
    """Each gradient is turned towards the others, until they agree as usual (Wang et al. 2021).

    phi_ij is a running mean of the cosine between i and j. For each i, and every other j in random
    order, with c the cosine of g_i' and g_j: if c < phi_ij, then g_i' += s g_j, where

        s = |g_i'| (phi sqrt(1 - c^2) - c sqrt(1 - phi^2)) / (d_j sqrt(1 - phi^2))

    makes their cosine phi_ij. Then phi_ij moves towards c. The step is the sum of all g_i'. With
    phi = 0 it would be PCGrad.

    Parameters
    ----------
    beta : float
        How far phi moves in a step, between 0 and 1. Default: 0.5.
    only, every, on, per
        See `Balancer`.
    """

    needs = "gram"
    state = ("phi", "generator")

    def __init__(self, beta: float = 0.5, **options: Any):
        super().__init__(**options)
        self.beta = arguments.share("GradVac: beta", beta)

    def begin(self, count: int) -> None:
        self.phi, self.generator = np.zeros((count, count)), new_generator()

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        d, cosines = lengths_and_cosines(gram)
        parts = np.diag(d)
        for i in range(len(d)):
            for j in self.generator.permutation(len(d)):
                size = sqrt(max(square(cosines, parts[i]), 0.0))
                if j == i or size == 0:
                    continue
                c = min(max(float(parts[i] @ cosines[:, j]) / size, -1.0), 1.0)
                phi = min(float(self.phi[which[i], which[j]]), 1 - 1e-9)
                if c < phi:
                    sine = sqrt(1 - phi**2)
                    parts[i, j] += size * (phi * sqrt(1 - c**2) - c * sine) / sine
                self.phi[which[i], which[j]] += self.beta * (c - self.phi[which[i], which[j]])
        return parts.sum(axis=0) / d


class CAGrad(GramBalancer):
    """The mean gradient, turned to what serves the worst-off loss best (Liu et al. 2021).

    Among all directions at most c |g_0| away from the mean gradient g_0, the one whose smallest
    product with a g_i is largest: g_0 + (c |g_0| / |g_w|) g_w, where g_w = sum_i w_i g_i and w
    minimises g_w . g_0 + c |g_0| |g_w| over w >= 0, sum w = 1. With c < 1 it converges to a minimum
    of the mean loss. For a set S of losses that take part, w is p + q / lambda in closed form; up
    to four losses all sets are tried.

    Parameters
    ----------
    c : float
        Between 0 (the mean) and, for that guarantee, 1. Default: 0.5.
    only, every, on, per
        See `Balancer`.
    """

    def __init__(self, c: float = 0.5, **options: Any):
        super().__init__(**options)
        self.c = arguments.number("CAGrad: c", c, at_least=0)

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        radius, apart = self.c * sqrt(max(aa + 2 * ab + bb, 0.0)) / 2, aa + bb - 2 * ab

        def cost(x: float) -> tuple[float, float]:
            size = sqrt(max(x * x * aa + 2 * x * (1 - x) * ab + (1 - x) ** 2 * bb, 0.0))
            return (x * (aa + ab) + (1 - x) * (ab + bb)) / 2 + radius * size, size

        tried = [0.0, 1.0]
        if apart > 0:
            middle = (bb - ab) / apart
            rest, least = radius**2 - apart * (middle - 0.5) ** 2, (aa * bb - ab * ab) / apart
            if rest > 0 and least > 0:
                tried.append(middle + (middle - 0.5) * sqrt(least / rest))
            elif rest > 0:
                tried.append(middle)
        x = min((x for x in tried if 0 <= x <= 1), key=lambda x: cost(x)[0])
        size = cost(x)[1]
        turn = radius / size if size > 1e-12 * radius else 0.0
        return 0.5 + turn * x, 0.5 + turn * (1 - x)

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        scale, k = np.diagonal(gram).max(), len(gram)
        gram, mean = gram / scale, np.full(k, 1 / k)
        pull, radius = gram @ mean, self.c * sqrt(max(square(gram, mean), 0.0))
        if not radius:
            return mean
        w = self.worst_served(gram, pull, radius)
        size = sqrt(max(square(gram, w), 0.0))
        return mean + (radius / size if size > 1e-12 * radius else 0.0) * w

    def worst_served(self, gram: np.ndarray, pull: np.ndarray, radius: float) -> np.ndarray:
        """argmin w . pull + radius sqrt(w'Gw) over w >= 0, sum w = 1."""
        if len(gram) > FEW:
            return worst_served_of_many(gram, pull, radius)
        best, found = np.inf, np.zeros(len(gram))
        for s in sets(len(gram)):
            d, cosines = lengths_and_cosines(gram[np.ix_(s, s)])
            inverse = solved(cosines, np.stack([1 / d, pull[s] / d], axis=1)) / d[:, None]
            p = inverse[:, 0] / inverse[:, 0].sum()
            q = p * inverse[:, 1].sum() - inverse[:, 1]
            own = gram[np.ix_(s, s)]
            least, rest = square(own, p), radius**2 - square(own, q)
            if rest <= 0:
                continue
            part = p + q * sqrt(max(least, 0.0) / rest)
            if (part >= 0).all():
                w = np.zeros(len(gram))
                w[s] = part / part.sum()
                cost = w @ pull + radius * sqrt(max(square(gram, w), 0.0))
                if cost < best:
                    best, found = cost, w
        return found


def worst_served_of_many(gram: np.ndarray, pull: np.ndarray, radius: float) -> np.ndarray:
    """The same by a search: for a given lambda, w is that of the shortest mean of g_i + g_0/lambda,
    and lambda |g_w| is the radius."""
    mean = square(gram, np.full(len(gram), 1 / len(gram)))

    def served(logarithm: float) -> np.ndarray:
        scale = exp(logarithm)
        return shortest(gram + (pull + pull[:, None]) / scale + mean / scale**2)

    def beyond(logarithm: float) -> float:
        """By how much, in logarithms, lambda |g_w| is larger than the radius: it only rises."""
        size = sqrt(max(square(gram, served(logarithm)), 0.0))
        return logarithm + log(max(size, 1e-30) / radius)

    return served(crossing(beyond, -15.0, 15.0))


class IMTLG(GramBalancer):
    """The step is equally long along each gradient (Liu et al. 2021, impartial learning).

    w is G^-1 d, scaled to the sum 1. Two losses: w_i is proportional to 1 / d_i. Multiplied with
    any number above 0, a loss does not turn the step. With three or more, weights may be below 0;
    where their sum is, too, before it is scaled, all losses rise along the step (as published).
    Where one gradient is a sum of others there may be no such step: with the cosines C, and their
    pseudo-inverse C^+, it is that of w_i proportional to (C^+ 1)_i / d_i.
    """

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        a, b = sqrt(aa), sqrt(bb)
        return b / (a + b), a / (a + b)

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        d, cosines = lengths_and_cosines(gram)
        w = inverted(cosines) * (d.min() / d)
        total = w.sum()
        return w / total if abs(total) > 1e-12 * np.abs(w).max() else np.full(len(d), 1 / len(d))


class FairGrad(GramBalancer):
    """A step that is alpha-fair to all losses (Ban and Ji 2024).

    w > 0 solves G w = w^(-1/alpha): it maximises the sum of (g_i . step)^(1 - alpha) / (1 - alpha).
    alpha = 1 is the bargain of Nash; the larger, the more it serves who gains least. For alpha = 1
    and two losses, w_i = 1 / (d_i sqrt(1 + cosine)). Otherwise Newton's method. Opposite gradients,
    which leave no such step, count as all but opposite.

    Parameters
    ----------
    alpha : float
        Above 0. Default: 1.
    only, every, on, per
        See `Balancer`.
    """

    def __init__(self, alpha: float = 1.0, **options: Any):
        super().__init__(**options)
        self.alpha = arguments.number("FairGrad: alpha", alpha, above=0)

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        if self.alpha != 1:
            first, second = self.of_many(np.array([[aa, ab], [ab, bb]])).tolist()
            return first, second
        a, b = sqrt(aa), sqrt(bb)
        root = sqrt(max(1 + ab / a / b, 0.0) + TINY)
        return 1 / (a * root), 1 / (b * root)

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        d, cosines = lengths_and_cosines(gram)
        alone = d ** (-2 * self.alpha / (1 + self.alpha))  # what each weight would be alone
        size = d * alone
        matrix = (cosines + TINY * np.eye(len(d))) * size * size[:, None]
        return alone * bargained(matrix / size.max() ** 2, (size / size.max()) ** 2, 1 / self.alpha)


class NashMTL(FairGrad):
    """The bargain of Nash between the losses (Navon et al. 2022).

    G w = 1 / w: it maximises the product of what all losses gain, so that a loss multiplied with
    any number above 0 changes nothing at all. It is FairGrad with alpha = 1, and its length, which
    would be sqrt(K), is cut to `max_norm`. The paper solves for w step by step with a convex
    solver; here it is the solution itself.

    Parameters
    ----------
    max_norm : float
        Default: 1.
    only, every, on, per
        See `Balancer`.
    """

    def __init__(self, max_norm: float = 1.0, **options: Any):
        super().__init__(**options)
        self.max_norm = arguments.number("NashMTL: max_norm", max_norm, above=0)

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        a, b = super().of_two(aa, ab, bb)
        factor = min(1.0, self.max_norm / sqrt(2))  # w'Gw = sum w_i / w_i
        return a * factor, b * factor

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        return super().of_many(gram) * min(1.0, self.max_norm / sqrt(len(gram)))


class AlignedMTL(GramBalancer):
    """The gradients are made orthogonal and equally long (Senushkin et al. 2023).

    With G = V L V', w = sqrt(smallest L) V L^(-1/2) V' 1 / K: the nearest orthogonal system, as
    long as the smallest singular value; directions in which there is nothing are left out.
    """

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        largest = (aa + bb + sqrt((aa - bb) ** 2 + 4 * ab * ab)) / 2
        det = aa * bb - ab * ab
        if det <= 1e-12 * largest * largest:
            first, second = self.of_many(np.array([[aa, ab], [ab, bb]])).tolist()
            return first, second
        root = sqrt(det)
        factor = sqrt(det / largest) / (2 * root * sqrt(aa + bb + 2 * root))
        return factor * (bb + root - ab), factor * (aa + root - ab)

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(gram / np.diagonal(gram).max())
        kept = values > NOTHING * values.max()
        values, vectors = values[kept], vectors[:, kept]
        factors = np.sqrt(values.min() / values)
        return np.asarray(vectors @ (factors * vectors.mean(axis=0)))


class UPGrad(GramBalancer):
    """Each gradient is projected to where no loss is harmed, then averaged (Quinton, Rey 2024).

    v_i = argmin v'Gv over v >= e_i / K, w = sum_i v_i. No loss rises along the step. Two losses:
    half of PCGrad.
    """

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        return ((1.0 - ab / aa) / 2, (1.0 - ab / bb) / 2) if ab < 0 else (0.5, 0.5)

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        d, cosines = lengths_and_cosines(gram)
        each = zip(np.eye(len(d)), d, strict=True)
        total = sum(above(cosines, one) * length for one, length in each)
        return np.asarray(total / (len(d) * d))


class DualProj(GramBalancer):
    """The mean gradient is projected to where no loss is harmed (Lopez-Paz and Ranzato 2017, GEM).

    w = argmin v'Gv over v >= 1 / K. Where nothing opposes the mean, it is the mean.
    """

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        return 0.5 - min((aa + ab) / aa, 0.0) / 2, 0.5 - min((ab + bb) / bb, 0.0) / 2

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        d, cosines = lengths_and_cosines(gram)
        return above(cosines, d / d.max()) * d.max() / (len(d) * d)


class ConFIG(GramBalancer):
    """The direction that makes the same angle with all gradients (Liu et al. 2024).

    u is the pseudo-inverse of the gradients scaled to length 1, applied to ones, and scaled to
    length 1; the step is (sum_i g_i . u) u. With a = C^+ 1, C the cosines, that is a / d but for a
    factor: no rows are needed. Two losses: w_i = (d_1 + d_2) / (2 d_i).
    """

    def of_two(self, aa: float, ab: float, bb: float) -> tuple[float, float]:
        a, b = sqrt(aa), sqrt(bb)
        return (a + b) / (2 * a), (a + b) / (2 * b)

    def of_many(self, gram: np.ndarray) -> np.ndarray:
        d, cosines = lengths_and_cosines(gram)
        a = inverted(cosines)
        size = square(cosines, a)
        if size <= NOTHING:  # no direction is good for all
            return IMTLG().of_many(gram)
        return d @ (cosines @ a) / size * a / d
