"""Rows of a table picked by id, by `kernels/cuda/embedding.cu`.

The gradient of the table is dense: a GPU fills a table of zeros, and steps all of it, in the time
that it takes to launch a few kernels. A sparse one would have as many entries as ids differ, and to
know how many is to wait.
"""

from __future__ import annotations

import numpy as np

from ...device import array_module, to_numpy
from ...ops.linear import check_ids
from ...questions import flag, refuse_if_set
from ..registry import FLOAT, twin_of
from .launching import (
    COLUMNS,
    THREADS,
    contiguous,
    cotangent,
    launch,
    launch_for_each,
    usable,
)

MOST_IDS = 1 << 16  # they are sorted by comparing each with each
MOST_NUMBERS = 1 << 26  # of a table: 256 MB
SHARING = 8  # threads that add up the same id


@twin_of("embedding", "cuda")
def embedding(ids, table):
    given = ids
    if not usable(table) or not ids.size or ids.size > MOST_IDS or table.size > MOST_NUMBERS:
        return NotImplemented
    small = np.can_cast(ids.dtype, np.int32) and ids.dtype != bool
    if table.ndim != 2 or not (small or ids.dtype == np.int64):
        return NotImplemented
    xp, (entries, width), wrong = array_module(table), table.shape, flag("ids")
    if not small:
        ids = ids.clip(-1, entries)  # what is out of range stays so in 32 bits
    ids = contiguous(ids, np.int32)
    y = xp.empty((*ids.shape, width), FLOAT)
    launch_for_each("gather", y.size, y.size, width, entries, ids, contiguous(table), y, wrong)
    refuse_if_set(wrong, lambda: check_ids(to_numpy(given), entries))

    def pull_table(g):
        g = cotangent(g, y)
        in_order, origin = xp.empty(ids.size, np.int32), xp.empty(ids.size, np.int32)
        tiles = -(-ids.size // THREADS)
        launch("sort_ids", (tiles,), (THREADS,), ids.size, ids, in_order, origin)
        total = xp.zeros((len(g), entries, width), FLOAT)
        grid, block = (ids.size, len(g)), (COLUMNS, SHARING)
        launch("add_up", grid, block, ids.size, width, entries, in_order, origin, g, total)
        return total

    return y, (None, pull_table)
