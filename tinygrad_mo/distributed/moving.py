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
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from ..device import Array, array_module
from ..files.identity import differences
from ..questions import by_type, on_gpu

SMALL = 1 << 15  # numbers; of fewer, one message takes longer to begin than to send
AT_ONCE = 1e-3  # seconds of waiting in which a core is kept, for an answer that is near
LOST = 5.0  # seconds of waiting, after which it is told to those who may wait elsewhere
PATIENCE = 60.0  # seconds, after which something must be wrong
ALIKE = (
    "Each process runs the same program on the same data: call tg.distributed.init() before a "
    "model is made or data are drawn, and change nothing on one of them alone (a callback that "
    'only reads may be on one: give it phase = "look")'
)
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
        Where it is, for who waits in vain.
    """

    def __init__(self, world: Any, gpus: Any = None):
        self.world, self.words, self.gpus = world, world.Dup(), gpus
        self.rank, self.size = world.Get_rank(), world.Get_size()
        self.notes: Any = None  # where it notes its step, for who watches
        self.step, self.met, self.patience = 0, 0, PATIENCE
        self.doing = "before its first step"

    def next_step(self) -> str:
        """Begin with a training step; where that is."""
        self.step += 1
        if self.notes:
            self.notes.note(self.step)
        return f"in step {self.step} of this run"

    def agree(self, doing: str, told: Mapping[str, Any], word: Any = None) -> Any:
        """See `tinygrad_mo.ranks.agree`.

        All come here between steps, so whoever is somewhere else is found: a checksum of what each
        has to say, whatever that is, is told to all, and only if two differ, they tell it in full.
        """
        if not doing.startswith("in step"):
            place = f"after step {self.step} of this run" if self.step else "before its first step"
            doing = f"{doing} {place}".strip()
        self.doing, self.met = doing, self.met + 1
        mine = doing, told, word
        digest = np.frombuffer(sha256(repr(mine).encode()).digest(), "uint8")
        seen = np.empty((self.size, len(digest)), "uint8")
        self.wait(self.words.Iallgather(digest, seen))
        if (seen == seen[0]).all():
            return word
        every = self.words.allgather(mine)
        for rank in range(1, self.size):
            refuse_difference(rank, every[0], every[rank])
        return next(filter(None, (one[2] for one in every)), word)

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
        """The sum of all ranks' arrays or numbers."""
        return self.totals([array_module(x).asarray(x)])[0]

    def totals(self, arrays: Sequence[Array]) -> list[Array]:
        """The sums of all ranks' arrays, of which those of one type are moved together."""
        found = list(arrays)
        for places in by_type(enumerate(arrays)):
            flat = [arrays[n].reshape(-1) for n in places]
            xp, ends = array_module(flat[0]), np.cumsum([len(x) for x in flat]).tolist()
            flat.append(xp.zeros(-ends[-1] % self.size, flat[0].dtype))  # to be cut equally
            sums = xp.split(self.total_in(xp.concatenate(flat)), ends)
            for n, total in zip(places, sums[:-1], strict=True):
                found[n] = total.reshape(arrays[n].shape)
        return found

    def total_in(self, flat: Array) -> Array:
        """The sum, added from rank 0 on, of arrays that can be cut into a part for each rank."""
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

    def wait(self, request: Any) -> None:
        """Until all ranks have come: at once, as a rule.

        A core is kept for a moment only: other programs may need it, and on a machine with fewer
        cores than ranks it is another rank that needs it.
        """
        late = [(self.patience, self.complain), (LOST, self.call)]  # after so many seconds
        begun = time.perf_counter()
        while not request.Test():
            waited = time.perf_counter() - begun
            if waited < AT_ONCE:
                give_way()
                continue
            time.sleep(AT_ONCE / 20)
            if self.words.iprobe() and self.words.recv() > self.met:
                late.append((waited + LOST, self.give_up))
            if late and waited > late[-1][0]:
                late.pop()[1]()

    def call(self) -> None:
        """Tell the others where this one waits.

        Who has left a step by an error, and caught it, waits where the next one begins, and the
        others within the step: they would wait for one another.
        """
        for other in range(self.size):
            if other != self.rank:
                self.words.isend(self.met, other)

    def give_up(self) -> None:
        raise RuntimeError(
            f"rank {self.rank} waits {self.doing} for a rank that has gone on from there: it must "
            f"have caught an error. Let errors of a fit end the program"
        )

    def complain(self) -> None:
        print(
            f"rank {self.rank} has waited {self.patience:.0f} s {self.doing} for the others: does "
            f"every rank call this fit or evaluate?",
            file=sys.stderr,
            flush=True,
        )


def refuse_difference(rank: int, first: Sequence[Any], other: Sequence[Any]) -> None:
    """An error, if a rank is not where rank 0 is, or has not the same."""
    if first[0] != other[0]:
        found = f"rank 0 is {first[0]}, and rank {rank} is {other[0]}"
    elif repr(first[1]) == repr(other[1]):
        return
    else:
        what = differences(first[1], other[1], f"{{}} on rank 0, {{}} on rank {rank}")
        found = f"{first[0]}, ranks 0 and {rank} differ in {'; '.join(what)}"
    raise ValueError(f"{found}. {ALIKE}")


def added(rows: Array) -> Array:
    """The sum of rows, from the first one on."""
    total = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total
