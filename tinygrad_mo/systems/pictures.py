"""Pictures for networks: made larger, and, from a seed, drawn again by another hand."""

from __future__ import annotations

import numpy as np

BLOCK = 256  # pictures that are drawn at a time


def enlarged(pictures: np.ndarray, times: int) -> np.ndarray:
    """Each pixel as a square of `times` by `times` pixels.

    >>> enlarged(np.array([[[1, 2]]]), 2).tolist()
    [[[1, 1, 2, 2], [1, 1, 2, 2]]]
    """
    return pictures.repeat(times, axis=1).repeat(times, axis=2)


def draw_again(
    pictures: np.ndarray,
    size: int,
    generator: np.random.Generator,
    slant: float = 0.15,
    shift: float = 0.08,
    bend: float = 0.04,
) -> np.ndarray:
    """Redraw each picture: turned, stretched and sheared, moved, and bent like rubber.

    Parameters
    ----------
    pictures : ndarray, shape (n, height, width)
        With an empty (zero) margin: what is drawn from beyond the edge is zero.
    size : int
        Height and width of the new pictures.
    generator : numpy Generator
    slant, shift, bend : float
        Standard deviation of the four numbers of the linear map, and, in half widths, of the
        move and of the bending.

    Returns
    -------
    ndarray, shape (n, size, size), float32

    Examples
    --------
    >>> cross = np.eye(9)[None] + np.eye(9)[None, ::-1]
    >>> again = draw_again(cross, 18, np.random.default_rng(0))
    >>> again.shape, bool(again.max() <= 2)
    ((1, 18, 18), True)
    """
    blocks = [pictures[i : i + BLOCK] for i in range(0, len(pictures), BLOCK)]
    drawn = [draw_block(block, size, generator, slant, shift, bend) for block in blocks]
    return np.concatenate(drawn)


def draw_block(
    pictures: np.ndarray,
    size: int,
    generator: np.random.Generator,
    slant: float,
    shift: float,
    bend: float,
) -> np.ndarray:
    """The pictures at new places: where each new pixel comes from, between -1 and 1."""
    n = len(pictures)
    line = np.linspace(-1, 1, size)
    places = np.stack(np.meshgrid(line, line, indexing="ij"))  # rows and columns
    maps = np.eye(2) + slant * generator.standard_normal((n, 2, 2))
    moves = shift * generator.standard_normal((n, 2, 1, 1))
    knots = bend * generator.standard_normal((n, 2, 4, 4))
    between = np.maximum(0, 1 - np.abs(np.linspace(0, 3, size)[:, None] - np.arange(4)))
    bends = between @ knots @ between.T  # linear between 4x4 knots
    return sample(pictures, np.einsum("nij,jrc->nirc", maps, places) + moves + bends)


def sample(pictures: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Pictures (n, h, w) read at places (n, 2, rows, columns), linear between their pixels."""
    n, height, width = pictures.shape
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1))).astype(np.float32)
    row = np.clip((places[:, 0] + 1) / 2 * (height - 1) + 1, 0, height + 0.999)
    column = np.clip((places[:, 1] + 1) / 2 * (width - 1) + 1, 0, width + 0.999)
    top, left = row.astype(int), column.astype(int)
    down, right = (row - top).astype(np.float32), (column - left).astype(np.float32)
    which = np.arange(n)[:, None, None]
    above = (1 - right) * padded[which, top, left] + right * padded[which, top, left + 1]
    below = (1 - right) * padded[which, top + 1, left] + right * padded[which, top + 1, left + 1]
    return (1 - down) * above + down * below
