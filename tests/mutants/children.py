"""Work that is done in copies of this process, some at a time."""

import os
import resource
import signal
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

MEMORY = 8 << 30  # bytes that a child may ask for, beside those it begins with
END = 600  # s on the clock, after which a child that waits for something is ended


class Ended(NamedTuple):
    """What a child wrote, and how it ended: "" as it should, or by which signal."""

    text: str
    how: str
    seconds: float


class Children:
    """Child processes, at most `jobs` at once; of each that ends, `tell` hears its key and end."""

    def __init__(self, jobs: int, tell: Callable[[Any, Ended], None]):
        self.jobs, self.tell = jobs, tell
        self.running: dict[int, tuple] = {}

    def start(self, key: Any, work: Callable[[Callable[[str], Any]], None]) -> None:
        """Do some work in a child, as soon as there is room; it writes what it has to say."""
        if len(self.running) >= self.jobs:
            self.wait_for_one()
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the child has ended)
        child = os.fork()
        if child == 0:
            try:
                in_silence()
                work(lambda text: os.write(file.fileno(), text.encode()))
                os._exit(0)
            finally:
                os._exit(1)
        self.running[child] = key, file

    def wait_for_one(self) -> None:
        child, status, used = os.wait4(-1, 0)
        key, file = self.running.pop(child)
        with file:
            file.seek(0)
            text = file.read().decode()
        code = os.waitstatus_to_exitcode(status)
        how = "" if code == 0 else "failed" if code > 0 else signal.Signals(-code).name
        self.tell(key, Ended(text, how, used.ru_utime + used.ru_stime))

    def wait_for_all(self) -> None:
        while self.running:
            self.wait_for_one()


def in_silence() -> None:
    """Nothing is printed, no memory is left behind by a crash, and none is asked for endlessly."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def limit(seconds: float) -> None:
    """From now on this process may use so many seconds of its processor, and wait for END."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
    signal.alarm(END)
