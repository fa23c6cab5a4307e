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
    *("ReduceProd", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze", "Where"),
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
    old: Sequence[int], asked: Sequence[int], batch: int | None, fixed: int | None
) -> list[int] | None:
    """The shape that a Reshape makes, with stand-ins; None: there is none.

    `asked` has 0 for a length that stays, and -1 for one that follows from the others. The file
    may have been made for a `fixed` number of samples, along the axis `batch`.

    >>> reshaped([5, SAMPLES, 8], [5, 4, -1], 1, fixed=2) == [5, 2 * SAMPLES, 4]  # 2 heads
    True
    """
    new = [old[i] if n == 0 and i < len(old) else n for i, n in enumerate(asked)]
    if batch is not None and fixed and not any(n % SAMPLES == 0 for n in new):
        given = [n // SAMPLES * fixed if i == batch else n for i, n in enumerate(old)]
        new = with_rest(given, new)
        holder = partner(given, new, batch)
        if holder is None or new[holder] % fixed:
            return None
        new[holder] = new[holder] // fixed * SAMPLES
    new = with_rest(old, new)
    return new if prod(new) == prod(old) else None


def with_rest(old: Sequence[int], new: Sequence[int]) -> list[int]:
    """A shape whose -1 is worked out."""
    others = prod(n for n in new if n != -1)
    return [prod(old) // max(others, 1) if n == -1 else n for n in new]


def partner(old: Sequence[int], new: Sequence[int], place: int) -> int | None:
    """The axis of `new` into which the axis of `old` at this place goes."""
    before, begins = prod(old[:place]), [1, *accumulate(new, mul)]
    fits = [i for i, n in enumerate(new) if begins[i] <= before < begins[i] * n]
    fits += [i for i in range(len(new)) if begins[i] == before]
    return place if place in fits else next(iter(fits), None)


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
