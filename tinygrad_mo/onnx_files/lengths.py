"""Lengths that only the data know, in shapes that are worked out while the graph is read.

ONNX computes with shapes. A stand-in takes the place of what is not known: a prime, of which each
product is recognised.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from operator import mul
from typing import Any

import numpy as np

# So small that products fit into 64 bits, and near no power of two, which may say "to the end".
SAMPLES, ANY = 16777259, 16777289
# What may be made of a shape with stand-ins: other places, products, a comparison with -1.
KEPT_BY = {
    *("Cast", "Concat", "ConstantOfShape", "Equal", "Expand", "Gather", "Identity", "Mul"),
    *(
        "ReduceProd",
        "Reshape",
        "Shape",
        "Slice",
        "Split",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
        "Where",
    ),
}


def is_open(n: Any) -> bool:
    """Is it a length that only the data know, or a multiple?"""
    return n >= SAMPLES and (n % SAMPLES == 0 or n % ANY == 0)


def holds_open(x: np.ndarray) -> bool:
    """Is it a shape with such a length?"""
    return x.ndim < 2 and x.size < 32 and x.dtype.kind == "i" and any(map(is_open, x.flat))


def told(lengths: Sequence[int]) -> str:
    """A shape for people.

    >>> told([3, SAMPLES, 8 * SAMPLES, ANY])
    '(3, batch, 8 * batch, ?)'
    """

    def one(n: int) -> str:
        if not is_open(n) or n % ANY == 0:
            return "?" if is_open(n) else str(n)
        return "batch" if n == SAMPLES else f"{n // SAMPLES} * batch"

    return f"({', '.join(map(one, lengths))})"


def reshaped(
    old: Sequence[int], asked: Sequence[int], batch: int | None, outer: int, fixed: int | None
) -> tuple[list[int], int] | None:
    """The shape that a Reshape makes, with stand-ins, and `outer` there; None: there is none.

    `asked` has 0 for a length that stays, and -1 for one that follows from the others. The samples
    stand along the axis `batch`, the first of them `outer` times before the next. The file may
    have been made for a `fixed` number of them.

    >>> reshaped([5, SAMPLES, 8], [5, 4, -1], 1, 1, fixed=2) == ([5, 2 * SAMPLES, 4], 1)  # 2 heads
    True
    """
    new = [old[i] if n == 0 and i < len(old) else n for i, n in enumerate(asked)]
    before = 1 if batch is None else prod(old[:batch]) * outer
    if batch is not None and fixed and not any(n % SAMPLES == 0 for n in new):
        given = [n // SAMPLES * fixed if i == batch else n for i, n in enumerate(old)]
        new = with_rest(given, new)
        holder = partner(new, before, fixed, batch, len(old))
        if holder is None or new[holder] % fixed:
            return None
        new[holder] = new[holder] // fixed * SAMPLES
    new = with_rest(old, new)
    place = next((i for i, n in enumerate(new) if n % SAMPLES == 0), 0)
    outer, rest = divmod(before, prod(new[:place]))
    mixed = batch is not None and (rest or new[place] // SAMPLES % outer)
    return None if mixed or prod(new) != prod(old) else (new, outer)


def with_rest(old: Sequence[int], new: Sequence[int]) -> list[int]:
    """A shape whose -1 is worked out."""
    others = prod(n for n in new if n != -1)
    return [prod(old) // max(others, 1) if n == -1 else n for n in new]


def partner(new: Sequence[int], before: int, fixed: int, place: int, ndim: int) -> int | None:
    """The axis of `new` that holds the samples, which have so many numbers before them.

    An axis as long as they are many is the first choice, then the same place. A single sample has
    no length to be found by: in fewer axes it goes to the one in front, not to the features.
    """
    begins, last = [1, *accumulate(new, mul)], len(new) - 1
    own = [i for i, n in enumerate(new) if begins[i] == before and n == fixed]
    fits = [i for i, n in enumerate(new) if begins[i] <= before < begins[i] * n]
    if not own and fixed == 1 and 0 < last < ndim - 1 and last in fits:
        return last - 1
    ways = own + fits
    return place if place in ways else next(iter(ways), None)


def open_once(old: Sequence[int], new: Sequence[int]) -> tuple[int | None, ...] | None:
    """Lengths as `ops.reshape` takes them: None for one that stays, -1 for one that is open.

    >>> open_once([SAMPLES, ANY, 2, 4], [SAMPLES, ANY, 8])
    (None, None, 8)
    """
    free = [i for i, n in enumerate(new) if is_open(n)]
    stay = [i for i in free if len(free) > 1 and list(old[i : i + 1]) == [new[i]]]
    if len(free) - len(stay) > 1:
        return None
    return tuple(None if i in stay else -1 if i in free else n for i, n in enumerate(new))
