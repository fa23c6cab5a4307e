"""Where several processes become one training, and how they end."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any

from .. import device, platforms, ranks
from ..arguments import flag
from ..platforms import cores
from .last_words import Notes
from .moving import Ranks
from .plan import SharedPlan

LAUNCHED = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MPI_LOCALRANKID")
LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # of linear algebra
INSTALL = "python -m pip install mpi4py mpich (or mpi4py alone where there is an MPI already)"
FIRST_SPEAKS = 1.0  # seconds in which rank 0 may tell an error that all ranks have met
IS_HEARD = 0.1  # seconds in which an mpiexec passes on what was said, before it is to end all


def init(synchronised: bool = True) -> None:
    """From now on, all processes that `mpirun` has started train together.

    Each runs the same program on the same data, and takes its part of every batch, in `fit`,
    `evaluate` and `train_on_batch`; losses, metrics, gradients and weights are those of the whole
    batch, as in one process but for rounding. Random numbers are those of rank 0. `predict` and
    `gradient_flow` are not shared out: any rank may call them. Rank 0 alone writes this package's
    files and prints its lines.

    Call it first, before a model is made or data are drawn. In a program that nobody has started
    with `mpirun` there is one process, and nothing changes.

    What is not the same on all ranks is an error, which names it, and what is short with both
    values. When a `fit`, an `evaluate` or the first `train_on_batch` begins: whatever a backup
    would compare (see `BackupAndRestore`), but of callbacks only those that may change the
    training; the epochs; and where weights, optimizer and random numbers stand. In each step: the
    batch and the weights, of which some hundred numbers of each array are looked at (on GPUs,
    none), learning rate and loss weights.

    Who sets `model.stop_training` on one rank (a limit of time) stops all of them after the same
    step. An error on one rank ends all, and so does a program that ends on one rank alone.

    Parameters
    ----------
    synchronised : bool
        True (default): batch normalisation takes mean and variance of the whole batch, for which
        the processes exchange them, three times per layer and step. False: each process takes those
        of its part, which is faster, and trains another model than one process would; a warning
        says so.

    Raises
    ------
    ImportError
        If mpi4py or an MPI is missing; it says how to install them.
    ValueError
        For `synchronised` that is neither True nor False.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.distributed.init()  # doctest: +SKIP
    >>> tg.distributed.rank(), tg.distributed.size()
    (0, 1)
    """
    SharedPlan.synchronised = flag("distributed.init: synchronised", synchronised)
    world = mpi().COMM_WORLD
    if world.Get_size() == 1:
        return
    neighbours = world.Split_type(mpi().COMM_TYPE_SHARED)  # on the same machine
    mine = max(1, cores() // neighbours.Get_size())
    device.use(threads=min(device.threads(), mine))
    gpus = None
    if device.xp().__name__ == "cupy":
        gpus = import_module(".nccl", __package__).Gpus(world, neighbours.Get_rank())
    SharedPlan.ranks = Ranks(world, gpus)
    if platforms.watches_processes():
        SharedPlan.ranks.notes = Notes(world.Get_rank(), neighbours)
    device.draw_like(*world.bcast((device.seeds(), device.are_seeded())))
    ranks.rank, ranks.size = world.Get_rank(), world.Get_size()
    ranks.plan_kind, ranks.together = SharedPlan, SharedPlan.ranks
    sys.excepthook = end_all
    atexit.register(leave)


def rank() -> int:
    """Which of the processes this is, counted from 0."""
    return ranks.rank


def size() -> int:
    """How many processes train together."""
    return ranks.size


def mpi() -> Any:
    """mpi4py's module, or an error that says what is missing."""
    try:
        return import_module("mpi4py.MPI")
    except (ImportError, RuntimeError) as error:
        raise ImportError(
            f"several processes need mpi4py and an MPI ({str(error).splitlines()[0]}): {INSTALL}"
        ) from error


def end_all(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say which rank has met an error, and where, and end all: the others would wait for it."""
    mine = SharedPlan.ranks
    if mine.notes:
        mine.notes.note(0)
    if mine.rank:  # rank 0 may have met the same one
        time.sleep(FIRST_SPEAKS)
    text = "".join(traceback.format_exception(kind, error, trace))
    print(f"{text}rank {mine.rank} of {mine.size} ended {mine.doing}, and all others with it",
          file=sys.stderr, flush=True)  # fmt: skip
    time.sleep(IS_HEARD)
    mine.world.Abort(1)


def leave() -> None:
    """The program ends: on all ranks, or the others would wait for this one."""
    mine = SharedPlan.ranks
    mine.patience = inf  # for rank 0, which may have pictures to draw
    try:
        mine.agree("at the end of its program", {})
    except ValueError as error:
        end_all(ValueError, error, None)
    if mine.notes:
        mine.notes.note(0)


def is_launched(environment: Mapping[str, str] = os.environ) -> bool:
    """Has an MPI started this process?"""
    return any(name in environment for name in LAUNCHED)


def launcher() -> str:
    """The command that starts processes: that of this environment, or the first on the path."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    command = shutil.which("mpiexec", path=os.pathsep.join(places))
    if command is None:
        raise ImportError(f"there is no mpiexec, which starts several processes: {INSTALL}")
    return command


def launch(count: int, command: Sequence[str]) -> int:
    """Run a Python program in several processes; returns its exit code.

    Parameters
    ----------
    count : int
    command : sequence of str
        What stands behind `python`: a file, or "-m" and a module, and arguments.
    """
    threads = str(max(1, cores() // count))
    environment = dict.fromkeys(LIBRARIES, threads) | os.environ
    start = [launcher(), "-n", str(count), sys.executable, *command]
    return subprocess.run(start, env=environment).returncode
