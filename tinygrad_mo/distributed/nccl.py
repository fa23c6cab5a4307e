"""From GPU to GPU: the same two moves as by MPI, by NCCL (through CuPy), not over the host.

NCCL, too, only moves arrays: what is added up, is added on the GPU, in the order of the ranks.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..device import Array, xp


class Gpus:
    """The GPUs of all ranks, one for each.

    Parameters
    ----------
    world : mpi4py.MPI.Comm
    place : int
        Which one of the ranks on its machine this is: so its GPU is chosen.

    Raises
    ------
    ValueError
        If a machine has fewer GPUs than ranks: NCCL needs one for each.
    """

    def __init__(self, world: Any, place: int):
        cupy: Any = xp()
        count = cupy.cuda.runtime.getDeviceCount()
        if place >= count:
            raise ValueError(
                f"rank {world.Get_rank()} is the {place + 1}th on its machine, which has {count} "
                f"GPUs: start as many ranks on a machine as it has GPUs"
            )
        cupy.cuda.Device(place).use()
        backend = import_module("cupyx.distributed").NCCLBackend
        self.backend = backend(world.Get_size(), world.Get_rank(), use_mpi=True)

    def everyones(self, x: Array, found: Array) -> None:
        """Fill `found` with the arrays of all ranks."""
        self.backend.all_gather(xp().ascontiguousarray(x), found, x.size)

    def exchanged(self, x: Array, found: Array) -> None:
        """Send row k of x to rank k; fill `found` with the rows that come."""
        self.backend.all_to_all(xp().ascontiguousarray(x), found)
