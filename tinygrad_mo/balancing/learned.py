"""Numbers that a method learns, one for each loss, by a small Adam of its own."""

from __future__ import annotations

import numpy as np


def moments_of(count: int) -> np.ndarray:
    """Of each number: the running mean of its gradient, that of the square, and its steps."""
    return np.zeros((3, count))


def learn(
    numbers: np.ndarray, which: np.ndarray, gradient: np.ndarray, moments: np.ndarray, rate: float
) -> None:
    """A step of Adam (Kingma and Ba 2015) on some of the numbers, in place.

    >>> numbers, moments = np.zeros(3), moments_of(3)
    >>> learn(numbers, np.array([0, 2]), np.array([5.0, -0.1]), moments, rate=0.01)
    >>> numbers.round(6)
    array([-0.01,  0.  ,  0.01])
    """
    mean, squares, steps = moments[:, which]
    steps = steps + 1
    mean = mean + 0.1 * (gradient - mean)
    squares = squares + 0.001 * (gradient**2 - squares)
    moments[:, which] = mean, squares, steps
    size = np.sqrt(squares / (1 - 0.999**steps)) + 1e-8
    numbers[which] -= rate * mean / (1 - 0.9**steps) / size


def scales_of(logarithms: np.ndarray) -> np.ndarray:
    """exp(s), where s counts as within 20 of 0: a loss below 0 would drive it on for ever."""
    return np.exp(np.clip(logarithms, -20, 20))


def softmax(x: np.ndarray) -> np.ndarray:
    shares = np.exp(x - x.max())
    return np.asarray(shares / shares.sum())
