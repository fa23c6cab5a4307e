"""What processes tell one another: arrays are moved by MPI or NCCL, and added up here.

A library may add up in any order: the bits then depend on the algorithm that it has chosen for this
size and this network. So it is asked only to move arrays, and every sum is ours, from rank 0 on:

- a small array is sent to all, and each rank adds up all of them;
- a large one is cut into a part per rank. Each rank gets its part from all, adds it up, and sends
  the sum to all. That sends 2 (p - 1) / p of the array, which is the least possible (Patarasuk &
  Yuan 2009, Bandwidth optimal all-reduce algorithms), instead of p - 1 times the array.

Both give the same bits, on all ranks, and each time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..device import Array, array_module
from ..questions import on_gpu

SMALL = 1 << 15  # numbers; of fewer, one message takes longer to begin than to send
AT_ONCE = 1e-3  # seconds of waiting in which a core is kept, for an answer that is near
PATIENCE = 60.0  # seconds, after which something must be wrong
give_way: Callable[[], Any] = getattr(os, "sched_yield", lambda: time.sleep(0))


class Ranks:
    """All processes of a training, as one of them sees them.

    Parameters
    ----------
    world : mpi4py.MPI.Comm
    gpus : object, optional
        Moves the arrays of GPUs: see `nccl.Gpus`.

    Attributes
    ----------
    rank, size : int
        Which one this is, counted from 0, and how many there are.
    step : int
        Training steps, counted from 1.
    doing : str
        What it does, for who waits in vain.
    """

    def __init__(self, world: Any, gpus: Any = None):
        self.world, self.gpus = world, gpus
        self.rank, self.size = world.Get_rank(), world.Get_size()
        self.notes: Any = None  # where it notes its step, for who watches
        self.step = 0
        self.doing = "its first step"

    def begins(self, training: bool) -> None:
        """A step of training, or an evaluation."""
        self.step += training
        self.doing = f"step {self.step} of this run" if training else "an evaluation"
        if self.notes:
            self.notes.note(max(1, self.step))

    def everyones(self, x: Array) -> Array:
        """The arrays of all ranks, which have one shape: (ranks, *shape)."""
        if x.dtype == bool:  # which NCCL does not know
            return self.everyones(x.view("uint8")).view(bool)
        found = array_module(x).empty((self.size, *x.shape), x.dtype)
        if on_gpu(x):
            self.gpus.everyones(x, found)
        else:
            self.wait(self.world.Iallgather(np.ascontiguousarray(x), found))
        return found

    def exchanged(self, x: Array) -> Array:
        """Row k goes to rank k; the rows that came from all ranks."""
        found = array_module(x).empty_like(x)
        if on_gpu(x):
            self.gpus.exchanged(x, found)
        else:
            self.wait(self.world.Ialltoall(x, found))
        return found

    def total(self, x: Any) -> Array:
        """The sum of all ranks' arrays or numbers, added from rank 0 on."""
        x = array_module(x).asarray(x)
        if x.size < SMALL:
            return added(self.everyones(x))
        own = self.room_for(x.size, x)
        own[: x.size] = x.reshape(-1)
        return self.total_in(own)[: x.size].reshape(x.shape)

    def room_for(self, size: int, like: Array) -> Array:
        """A flat array for so many numbers, and zeros, which can be cut into equal parts."""
        flat = array_module(like).empty(-(-size // self.size) * self.size, like.dtype)
        flat[size:] = 0
        return flat

    def total_in(self, flat: Array) -> Array:
        """The same of what has been put into `room_for`."""
        if flat.size < SMALL:
            return added(self.everyones(flat))
        return self.everyones(added(self.exchanged(flat.reshape(self.size, -1)))).reshape(-1)

    def gathered(self, x: Array, lengths: Sequence[int]) -> Array:
        """The arrays of all ranks, of these lengths, one behind the other."""
        longest, xp = max(lengths), array_module(x)
        room = xp.zeros((longest, *x.shape[1:]), x.dtype)
        room[: len(x)] = x
        parts = zip(self.everyones(room), lengths, strict=True)
        return xp.concatenate([part[:length] for part, length in parts])

    def of_first(self, value: Any) -> Any:
        """What rank 0 has."""
        self.wait(self.world.Ibarrier())
        return self.world.bcast(value)

    def wait(self, request: Any) -> None:
        """Until all ranks have come: at once, as a rule.

        A core is kept for a moment only: other programs may need it, and on a machine with fewer
        cores than ranks it is another rank that needs it.
        """
        if request.Test():
            return
        begun, is_said = time.perf_counter(), False
        while not request.Test():
            waited = time.perf_counter() - begun
            if waited < AT_ONCE:
                give_way()
                continue
            time.sleep(AT_ONCE / 20)
            if waited > PATIENCE and not is_said:
                is_said = True
                print(
                    f"rank {self.rank} has waited {PATIENCE:.0f} s in {self.doing} for the others: "
                    f"does every rank call this fit or evaluate?",
                    file=sys.stderr,
                    flush=True,
                )


def added(rows: Array) -> Array:
    """The sum of rows, from the first one on."""
    total = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total
