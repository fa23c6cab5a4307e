"""Who says which rank has died, if it could not: killed for its memory, or crashed in a library.

An MPI then ends all others at once, so none of them can speak either. On Linux a small program
therefore watches the ranks of a machine, from outside: this file, which needs no other one. Each
rank notes its step where the watcher can read it, and 0 when it ends well.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import struct
import sys
import tempfile
from contextlib import suppress
from typing import Any

STEP = struct.Struct("q")  # by rank of a machine; counted from 1
LINGERING = 10_000  # milliseconds in which an MPI comes to its end, when all ranks are done


class Notes:
    """Where the ranks of one machine note what they do; the first of them starts the watcher.

    Parameters
    ----------
    rank : int
        Among all ranks.
    neighbours : mpi4py.MPI.Comm
        Those of this machine.
    """

    def __init__(self, rank: int, neighbours: Any):
        self.place = neighbours.Get_rank() * STEP.size
        known = neighbours.allgather((rank, os.getpid()))
        path = None
        if not self.place:
            file, path = tempfile.mkstemp(prefix="tinygrad_mo.")
            os.write(file, STEP.pack(1) * len(known))
            os.close(file)
        path = neighbours.bcast(path)
        with open(path, "r+b") as shared:
            self.notes = mmap.mmap(shared.fileno(), len(known) * STEP.size)
        neighbours.Barrier()  # all have opened it
        if not self.place:
            command = [sys.executable, "-I", "-S", __file__, path, *(f"{r}:{p}" for r, p in known)]
            os.posix_spawn(sys.executable, command, os.environ, setsid=True)

    def note(self, step: int) -> None:
        """This is what the rank works on."""
        STEP.pack_into(self.notes, self.place, step)


def watch(path: str, *known: str) -> None:
    """Until all ranks have ended; the first one that ends without having said so is named."""
    ranks = [tuple(map(int, one.split(":"))) for one in known]
    with open(path, "rb") as shared:
        notes = mmap.mmap(shared.fileno(), 0, prot=mmap.PROT_READ)
    os.unlink(path)
    alive, poll = {}, select.poll()
    for place, (_, process) in enumerate(ranks):
        with suppress(ProcessLookupError):
            alive[os.pidfd_open(process)] = place
            poll.register(max(alive), select.POLLIN)
    while alive:
        ended = poll.poll(LINGERING if len(alive) < len(ranks) and not any(notes[:]) else None)
        if not ended:
            for place in alive.values():
                os.kill(ranks[place][1], signal.SIGKILL)
            say("a rank died when all were done, and the others waited for it in their MPI")
            return
        places = [alive.pop(descriptor) for descriptor, _ in ended]
        for descriptor, _ in ended:
            poll.unregister(descriptor)
        steps = {place: STEP.unpack_from(notes, place * STEP.size)[0] for place in places}
        died = [f"rank {ranks[n][0]} (process {ranks[n][1]})" for n in places if steps[n]]
        if died:
            who = died[0] if len(died) == 1 else f"one of {', '.join(died)}"
            step = max(steps.values())
            say(f"{who} died in step {step} of this run, and all others end with it")
            return


def say(text: str) -> None:
    print(f"\n{text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    watch(*sys.argv[1:])
