"""What a slope is by central differences, and how far that may be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

# Steps h of a difference, as parts of the size of x, in the order in which they are tried: shorter
# ones for functions that bend, longer ones where the rounding of a value hides its slope.
STEPS = (1e-4, 1e-5, 1e-3, 1e-6, 1e-2, 1e-7, 1e-1, 1e-8, 1.0)

EPS = float(np.finfo(np.float64).eps)
SHAKES = 8  # how often a gradient is found anew from disturbed numbers
BEYOND = 10  # times the error that was seen: no error is larger


class Slope(NamedTuple):
    """How one value changes along one direction: by differences, and by its gradient."""

    true: float  # by differences
    error: float  # how far that may be wrong
    jump: float  # at a kink: the slope ahead, less that behind
    told: float | None  # by the gradient; None: there is none
    size: float  # of such a slope, if the terms of the gradient do not cancel
    rounding: float  # how far that of the gradient has moved by rounding


def random_directions(random: np.random.Generator, x: np.ndarray, count: int) -> np.ndarray:
    """Steps as large as x, in which no element stands still."""
    shape = (count, *x.shape)
    return (largest(x) or 1.0) * random.uniform(0.5, 1.0, shape) * random.choice([-1, 1], shape)


def slopes(
    gradients: Sequence[Any],
    roundings: Sequence[Any],
    d: np.ndarray,
    changes: Callable[..., np.ndarray],
    grain: np.ndarray,
    tolerance: float,
) -> Iterator[Slope]:
    """By value: its slope along d by `differences`, and that by its gradient.

    Without a gradient (None) nothing is to move, and one step shows whether it does.
    """
    terms = [None if g is None else g * d for g in gradients]
    told = [None if one is None else float(one.sum()) for one in terms]
    sizes = np.array([np.inf if one is None else norm(one) for one in terms])
    reach = np.array([0.0 if one is None else norm(one * d) for one in roundings])
    good = np.maximum(tolerance * sizes, BEYOND * reach)
    found = differences(changes, d, grain, lambda slope: np.maximum(good, tolerance * abs(slope)))
    return map(Slope, *found, told, sizes, reach)


def differences(
    changes: Callable[..., np.ndarray],
    d: np.ndarray,
    grain: np.ndarray,
    good: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """By value: its slope along d, how far that may be wrong, and how much it jumps at a kink.

    `changes` says of a step how much each value changes, and `grain` how far rounding may take it.
    Steps are tried until the error is well below what is `good` enough for such a slope.
    """
    tried: list[tuple[Any, ...]] = []
    with np.errstate(all="ignore"):
        for h in STEPS:
            ahead, behind = changes(h * d), changes(-h * d)
            far_ahead, far_behind = changes(2 * h * d), changes(-2 * h * d)
            noise = abs(changes(2 * h * d, shake=True) - far_ahead)
            near, far = (ahead - behind) / (2 * h), (far_ahead - far_behind) / (4 * h)
            # over twice the step a kink bends twice as much, and a smooth function four times
            bend, far_bend = ahead + behind, far_ahead + far_behind
            kink = abs(far_bend - 2 * bend) < 0.2 * abs(far_bend)
            tried.append((h, near, far, np.where(kink, bend / h, 0), noise))
            best = most_certain(sorted(tried, key=lambda one: one[0]), grain)
            if (BEYOND * best[1] <= good(best[0])).all():
                break
    return best


def most_certain(tried: Sequence[tuple[Any, ...]], grain: np.ndarray) -> np.ndarray:
    """The most certain of the differences that were tried, from the shortest step to the longest.

    The distance of the differences over h and 2 h shows how good they are; together they make a
    better one (Richardson 1911). Rounding, by its rule or as this step or a shorter one has shown
    it, makes an error of 1 / h. A longer step may see another part of the function: it must fit.
    """
    best, rounding = np.array([0 * grain, np.inf + grain, 0 * grain]), 1.5 * grain
    for h, near, far, jump, noise in tried:
        slope, rounding = near + (near - far) / 3, np.fmax(rounding, noise)
        error = np.maximum(abs(near - far) + rounding / h, abs(slope - best[0]) - BEYOND * best[1])
        if h >= 1e-2:  # every function may bend so: only a short step can have seen a kink
            jump = np.where(abs(best[2]) > BEYOND * best[1], best[2], 0)
        rounding = np.fmax(rounding, abs(near - far) * h)
        best = np.where(error < best[1], np.array([slope, error, jump]), best)
    return best


def shaken(x: Any, random: np.random.Generator) -> Any:
    """The same numbers, disturbed by some units in the last place, if they are floats."""
    if x is None or not is_float(x):
        return x
    eps = 2 * np.finfo(x.dtype).eps
    return x * random.uniform(1 - eps, 1 + eps, x.shape).astype(x.dtype)


def farthest(anew: Iterable[np.ndarray], first: np.ndarray) -> np.ndarray:
    """By element: how far it has been from the first one."""
    far = np.zeros_like(first)
    for one in anew:
        far = np.fmax(far, abs(one - first))
    return far


def is_float(x: np.ndarray) -> bool:
    return x.dtype.kind == "f"


def norm(x: np.ndarray) -> float:
    m = largest(x)  # whose square may be too large or too small for a float
    return m * float(np.sqrt(((x / m) ** 2).sum())) if 0 < m < np.inf else m


def largest(x: np.ndarray) -> float:
    return float(np.abs(x).max(initial=0.0))
