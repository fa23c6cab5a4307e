"""A batch that is shared out: who has which part, and what the parts show together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.random import Generator

from ..device import Array
from ..files.code import checksum
from ..questions import on_gpu

GLIMPSE = 256  # numbers of each array that tell one batch from another


def lengths_of_parts(samples: int, size: int) -> list[int]:
    """How many samples each of so many ranks gets: none has two more than another one.

    >>> lengths_of_parts(7, 3), lengths_of_parts(1, 2)
    ([2, 2, 3], [0, 1])
    """
    return np.diff([samples * rank // size for rank in range(size + 1)]).tolist()


def put_together(
    losses: np.ndarray, counts: np.ndarray, is_sum: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The losses of a batch, from those of its parts; and what the gradient of a part counts.

    Parameters
    ----------
    losses, counts : array, shape (ranks, losses)
        What each loss is of each part, and of how much it is the mean (or the sum).
    is_sum : array of bool, shape (losses,)

    Examples
    --------
    Two samples with a mean of 3, and one sample with 9: the mean of the means, 6, would be wrong.

    >>> losses, counts = np.array([[3.0], [9.0]]), np.array([[2.0], [1.0]])
    >>> values, shares = put_together(losses, counts, np.array([False]))
    >>> values.tolist(), shares[:, 0].round(2).tolist()
    ([5.0], [0.67, 0.33])
    """
    total = counts.sum(axis=0)
    shares = np.where(is_sum, 1.0, counts / np.where(total == 0, 1.0, total))
    return (shares * np.where(counts > 0, losses, 0)).sum(axis=0), shares


class PartOfDraws:
    """A generator that draws what one process draws for a whole batch, and returns some rows of it.

    Parameters
    ----------
    generator : Generator
    samples : int
        Of the whole batch.
    rows : slice
        The part.
    """

    def __init__(self, generator: Generator, samples: int, rows: slice):
        self.generator, self.samples, self.rows = generator, samples, rows

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        mine = self.rows.stop - self.rows.start

        def whole(x: Any) -> Any:
            is_shape = isinstance(x, tuple | list) and len(x) > 0 and x[0] == mine
            return (self.samples, *x[1:]) if is_shape else x

        def draw(*given: Any, **options: Any) -> Any:
            found = [whole(x) for x in given], {name: whole(x) for name, x in options.items()}
            if found == ([*given], options) and mine != self.samples:
                raise ValueError(
                    f"{kind} draws for a part of a batch here, {mine} of {self.samples} samples: "
                    f"give it a shape whose first axis is that of the samples, as x.shape"
                )
            return getattr(self.generator, kind)(*found[0], **found[1])[self.rows]

        return draw


def glimpse(arrays: Iterable[Array]) -> str:
    """What tells arrays from others, almost surely (those of a GPU, which is not asked, are alike).

    >>> glimpse([np.zeros(3)]) == glimpse([np.zeros(3)]) != glimpse([np.ones(3)])
    True
    """
    few = (x.reshape(-1)[:: x.size // GLIMPSE + 1] for x in arrays if not on_gpu(x))
    return checksum(b"".join(x.tobytes() for x in few))
