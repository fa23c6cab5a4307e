"""Methods that look at the losses alone: they cost nothing.

Throughout, l_i is the value of a loss on the batch and w_i its weight; K is their number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import arguments
from ..device import new_generator
from .base import Balancer
from .learned import learn, moments_of, scales_of, softmax


class Equal(Balancer):
    """All weights 1: the plain sum, with which every other method is to be compared.

    With weights tuned by hand (numbers as `loss_weights`) it is a strong baseline (Kurin et al.
    2022, "In Defense of the Unitary Scalarization"; Xin et al. 2022).
    """

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        return np.ones(len(losses))


class Uncertainty(Balancer):
    """Each loss is divided by a noise that is learned (Kendall, Gal and Cipolla 2018).

    sum_i exp(-s_i) l_i / 2 + s_i / 2 is minimised, also over the log-variances s_i: w_i is
    exp(-s_i) / 2, and s_i moves towards log l_i. It assumes that a squared error is the likelihood
    of a normal distribution whose noise is the same for all samples, and losses above 0.

    Parameters
    ----------
    learning_rate : float
        Of the Adam that learns s. Default: 0.01.
    start : float
        Of s. Default: 0.
    only, every
        See `Balancer`.
    """

    state = ("log_variances", "moments")

    def __init__(self, learning_rate: float = 0.01, start: float = 0.0, **options: Any):
        super().__init__(**options)
        self.learning_rate = arguments.number("Uncertainty: learning_rate", learning_rate, above=0)
        self.start = arguments.number("Uncertainty: start", start)

    def begin(self, count: int) -> None:
        self.log_variances, self.moments = np.full(count, self.start), moments_of(count)

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        w = 0.5 * scales_of(-self.log_variances[which])
        learn(self.log_variances, which, 0.5 - w * losses, self.moments, self.learning_rate)
        return w


class DWA(Balancer):
    """Dynamic weight average: what falls slowly weighs more (Liu, Johns and Davison 2019).

    w = K softmax(r / T), where r_i is the mean of l_i in the last window of steps, divided by that
    in the window before. Before there are two windows, all weights are 1. The paper takes epochs
    for windows; 25 steps are those of Navon et al. 2022. It assumes that losses fall towards 0: the
    weights hardly depend on their scales, but on how fast they change.

    Parameters
    ----------
    temperature : float
        T: the larger, the more alike the weights. Default: 2.
    window : int
        Steps. Default: 25.
    only, every
        See `Balancer`.
    """

    state = ("sums", "steps", "last", "before")

    def __init__(self, temperature: float = 2.0, window: int = 25, **options: Any):
        super().__init__(**options)
        self.temperature = arguments.number("DWA: temperature", temperature, above=0)
        self.window = arguments.whole("DWA: window", window, at_least=1)

    def begin(self, count: int) -> None:
        self.sums, self.steps = np.zeros(count), np.zeros(count)
        self.last, self.before = np.full(count, np.nan), np.full(count, np.nan)

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        rates = self.last[which] / self.before[which]
        w = np.ones(len(losses))
        if np.isfinite(rates).all():
            w = len(losses) * softmax(rates / self.temperature)
        self.sums[which] += losses
        self.steps[which] += 1
        full = self.steps == self.window  # of each loss its own, since it may have no labels
        self.before[full] = self.last[full]
        self.last[full] = self.sums[full] / self.window
        self.sums[full] = self.steps[full] = 0
        return w


class RLW(Balancer):
    """Random loss weighting: w = softmax(N(0, I)), drawn in each step (Lin et al. 2022).

    A baseline: a method that does no better has found nothing.
    """

    state = ("generator",)

    def begin(self, count: int) -> None:
        self.generator = new_generator()

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        return softmax(self.generator.normal(size=len(losses)))


class GeometricMean(Balancer):
    """The geometric mean L of the losses is minimised (Chennupati et al. 2019): w_i = L / (K l_i).

    Losses must be above 0. Multiplied with any number, a loss changes nothing but the length of the
    whole gradient. A loss near 0 takes everything: below 1e-12 it counts as 1e-12.
    """

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        if (losses < 0).any():
            raise ValueError(
                f"GeometricMean: there is no geometric mean of losses below 0, here "
                f"{losses.min():g}: take another method, or losses that are 0 or more"
            )
        known = np.maximum(losses, 1e-12)
        return np.exp(np.log(known).mean()) / (len(losses) * known)


class IMTLL(Balancer):
    """Each loss is scaled to 1 (Liu et al. 2021, "Towards Impartial Multi-task Learning").

    sum_i exp(s_i) l_i - s_i is minimised, also over s_i: w_i = exp(s_i) moves towards 1 / l_i. For
    losses above 0.

    Parameters
    ----------
    learning_rate : float
        Of the Adam that learns s. Default: 0.01.
    only, every
        See `Balancer`.
    """

    state = ("log_scales", "moments")

    def __init__(self, learning_rate: float = 0.01, **options: Any):
        super().__init__(**options)
        self.learning_rate = arguments.number("IMTLL: learning_rate", learning_rate, above=0)

    def begin(self, count: int) -> None:
        self.log_scales, self.moments = np.zeros(count), moments_of(count)

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        w = scales_of(self.log_scales[which])
        learn(self.log_scales, which, w * losses - 1, self.moments, self.learning_rate)
        return w


class STCH(Balancer):
    """A smooth maximum of the losses is minimised (Lin et al. 2024, smooth Tchebycheff).

    mu log sum_i exp((l_i - z) / mu), so that w = softmax((l - z) / mu): the largest loss weighs
    most. It compares losses as they are: bring them to one scale first.

    Parameters
    ----------
    mu : float
        The smaller, the nearer to the maximum. Default: 1.
    only, every
        See `Balancer`.
    """

    def __init__(self, mu: float = 1.0, **options: Any):
        super().__init__(**options)
        self.mu = arguments.number("STCH: mu", mu, above=0)

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        return softmax((losses - losses.max()) / self.mu)


class FAMO(Balancer):
    """All losses shall fall at one rate, relative to their size (Liu et al. 2023).

    With z = softmax(v) and D_i = l_i - minimum_i, the step is that of c sum_i z_i log D_i, where
    c = 1 / sum_i z_i / D_i: w_i = c z_i / D_i. Then v learns from what the step has brought,
    log D_i before minus log D_i after: who fell less weighs more. What a step has brought is read
    from the next batch, so that no second pass is needed.

    Parameters
    ----------
    learning_rate : float
        Of the Adam that learns v. Default: 0.025.
    decay : float
        Pulls v to 0 (gamma). Default: 0.001.
    minimum : float or list of float
        A number that each loss stays above. Default: 0.
    only, every
        See `Balancer`.
    """

    state = ("logits", "moments", "seen")

    def __init__(
        self,
        learning_rate: float = 0.025,
        decay: float = 0.001,
        minimum: Any = 0.0,
        **options: Any,
    ):
        super().__init__(**options)
        self.learning_rate = arguments.number("FAMO: learning_rate", learning_rate, above=0)
        self.decay = arguments.number("FAMO: decay", decay, at_least=0)
        if arguments.is_list(minimum):
            self.minimum: Any = arguments.listed("FAMO: minimum", minimum, arguments.number)
        else:
            self.minimum = arguments.number("FAMO: minimum", minimum)

    def begin(self, count: int) -> None:
        least = np.ravel(self.minimum)
        if len(least) not in (1, count):
            raise ValueError(f"FAMO: {len(least)} minima for {count} losses: give one for each")
        self.least = np.broadcast_to(least, count)
        self.logits, self.moments = np.zeros(count), moments_of(count)
        self.seen = np.full(count, np.nan)  # log D of the last step

    def weights(self, losses: np.ndarray, gram: Any, which: np.ndarray) -> Any:
        d = losses - self.least[which] + 1e-8
        if (d <= 0).any():
            n = d.argmin()
            raise ValueError(
                f"FAMO: the logarithm needs losses above their minimum, and one is {losses[n]:g}, "
                f"below {self.least[which[n]]:g}: give FAMO(minimum=...), a number that each loss "
                f"stays above"
            )
        fallen = self.seen[which] - np.log(d)
        z = softmax(self.logits[which])
        if np.isfinite(fallen).all():
            slope = z * (fallen - z @ fallen) + self.decay * self.logits[which]
            learn(self.logits, which, slope, self.moments, self.learning_rate)
            z = softmax(self.logits[which])
        self.seen[:] = np.nan
        self.seen[which] = np.log(d)
        parts = z / d
        return parts / parts.sum()
