import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_mo.distributed.starting import launcher

TRY = "from mpi4py import MPI; print(MPI.COMM_WORLD.size)"


def started(ranks, *command, timeout=100):
    """A Python program in so many processes, as it has ended."""
    start = [launcher(), "-n", str(ranks), sys.executable, *map(str, command)]
    return subprocess.run(start, capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="session")
def mpi():
    """The function that starts programs; a test is skipped, with the reason, where it cannot."""
    try:
        run = started(2, "-c", TRY)
        reason = "" if run.stdout.split() == ["2", "2"] else run.stderr.strip()[-300:]
    except (ImportError, OSError) as error:
        reason = str(error)
    if reason and "TINYGRAD_MO_REQUIRE_MPI" in os.environ:
        pytest.fail(f"MPI must work here: {reason}")
    if reason:
        pytest.skip(f"no MPI: {reason}")
    return started


@pytest.fixture
def program(tmp_path):
    """A file that holds a program."""

    def write(text):
        path = Path(tmp_path) / "program.py"
        path.write_text(text, "utf-8")
        return path

    return write
