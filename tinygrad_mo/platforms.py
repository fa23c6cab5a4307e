"""What differs from one operating system to another: no other file asks which one this is.

Tests run on Linux. What is said here of Windows and macOS, they hold to by setting `SYSTEM` and
doing as these systems do.
"""

from __future__ import annotations

import _thread
import ctypes
import os
import platform
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

Made = TypeVar("Made")

SYSTEM = sys.platform
WINDOWS, MACOS, LINUX = "win32", "darwin", "linux"
PYTHON = platform.python_version()


def description() -> str:
    """Such as Linux-6.1-x86_64: the system, its version, and the kind of processor."""
    return platform.platform()


# ---------------------------------------------------------------- files

# Names of devices on Windows, with any ending: aux.tg is one.
DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
DEVICES |= {f"{port}{number}" for port in ("COM", "LPT") for number in "123456789¹²³"}
LONGEST_PATH = 259  # characters that Windows takes, unless it is told to take more
PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.3)  # seconds: a scanner for viruses is done then


def why_no_name(path: Path) -> str:
    """What is wrong with the name of a file to be written; empty if nothing is.

    Windows would write to a device, or to a file of another name, and say nothing.
    """
    name = path.name
    if SYSTEM != WINDOWS or name.upper() == "NUL":  # which is meant: nothing is to be kept
        return ""
    start = name.partition(".")[0].rstrip()
    if start.upper() in DEVICES:
        return f"Windows keeps the name {start} for a device, with any ending"
    if ":" in name:
        return "Windows puts what is written behind a colon into a hidden part of a file"
    return "Windows drops a dot or space at the end of a name" if name.endswith((".", " ")) else ""


def why_too_long(path: Path) -> str:
    """Why a path can fail though nothing else is wrong with it; empty if it cannot."""
    length = len(str(path))
    if SYSTEM != WINDOWS or length <= LONGEST_PATH:
        return ""
    return f"Windows mostly takes paths of {LONGEST_PATH} characters at most, this one has {length}"


def same_place(one: Path, other: Path) -> bool:
    """Do both paths lead to one file, be it there or not?"""
    whole = [os.path.abspath(path) for path in (one, other)]
    if SYSTEM in (WINDOWS, MACOS):  # a.csv is A.csv there
        whole = [path.casefold() for path in whole]
    return whole[0] == whole[1]


def patiently(act: Callable[[], Made], path: Path) -> Made:
    """Replace, open or delete the file at `path`, which another program may have open.

    On Windows that fails then. What only looks at each new file is waited for, about a second.
    """
    if SYSTEM != WINDOWS:
        return act()
    for pause in PAUSES:
        try:
            return act()
        except PermissionError:
            time.sleep(pause)
    try:
        return act()
    except PermissionError as error:
        why = "another program has it open, or it is write-protected: close it there, and try again"
        raise PermissionError(error.errno, why, str(path)) from error


# ---------------------------------------------------------------- processes


def apart() -> dict[str, Any]:
    """What `Popen` is told for a process that Ctrl-C does not reach, and that `end` ends whole."""
    if SYSTEM == WINDOWS:
        return {"creationflags": 0x200}  # CREATE_NEW_PROCESS_GROUP
    return {"start_new_session": True}


def end(process: subprocess.Popen[Any]) -> None:
    """End a process and, if it was started `apart`, all that it has started."""
    with suppress(OSError):
        if SYSTEM == WINDOWS:
            all_of_it = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(all_of_it, capture_output=True)
        elif os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def interrupt_main_thread() -> None:
    """Ctrl-C for the main thread; but for Windows it wakes what sleeps, too."""
    main = threading.main_thread().ident
    if SYSTEM == WINDOWS or main is None:
        _thread.interrupt_main()
    else:
        signal.pthread_kill(main, signal.SIGINT)


def limit_memory(size: int) -> None:
    """Let this process have so many bytes, where the system can hold it to them."""
    if SYSTEM == LINUX:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def after_fork(act: Callable[[], Any]) -> None:
    """What a copy of this process does first, where processes can be copied."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=act)


def watches_processes() -> bool:
    """Can one process wait for the end of another one that it has not started?"""
    return hasattr(os, "pidfd_open")


def show_in_browser(path: Path) -> bool:
    """Open a page; False where there is no browser."""
    import webbrowser

    try:
        return webbrowser.open(path.as_uri())
    except (webbrowser.Error, OSError):
        return False


# ---------------------------------------------------------------- the machine, and its compiler


def cores() -> int:
    """How many cores this process may use, 1 or more."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Which instructions there are: one folder may serve several machines."""
    try:
        first = Path("/proc/cpuinfo").read_text("utf-8").partition("\n\n")[0]
        names = ("model name", "flags", "Features", "CPU part")
        return " ".join(line for line in first.splitlines() if line.startswith(names))
    except OSError:
        return f"{platform.machine()} {platform.processor()}"


def c_library() -> ctypes.CDLL | None:
    """The functions of C that this process has at hand; None where it has none (Windows)."""
    return None if SYSTEM == WINDOWS else of_this_process()


@cache
def of_this_process() -> ctypes.CDLL:
    """Opened once: what ctypes makes of a library is a circle, which nobody frees at once."""
    return ctypes.CDLL(None)


def cache_folder() -> Path:
    """Where the programs of a user keep what can be made again."""
    if SYSTEM == WINDOWS:
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif SYSTEM == MACOS:
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser()


def words_of(command: str) -> list[str]:
    r"""A command as a program and its options; on Windows a \ is part of a path."""
    if SYSTEM == WINDOWS:
        return [word.strip('"') for word in shlex.split(command, posix=False)]
    return shlex.split(command)


def why_no_compiler(program: str) -> str:
    """Why the compiler at this path must not be asked; empty if it may."""
    if Path(program.replace("\\", "/")).stem.lower() in ("cl", "clang-cl"):
        return f"{program} has no vectors for C: gcc or clang is needed"
    if SYSTEM == MACOS and os.path.dirname(program) == "/usr/bin":
        # Without the tools, what stands there opens a window that offers to install them.
        asked = ["xcode-select", "-p"]
        try:
            found = subprocess.run(asked, capture_output=True, timeout=10).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            found = False
        return "" if found else "no C compiler found: xcode-select --install installs one"
    return ""


def compiling() -> list[str]:
    """What a C compiler is told for this system and machine."""
    if SYSTEM == WINDOWS:
        # GCC places vectors of 32 bytes wrongly there (its bug 54412), and the process would die.
        return ["-march=native", "-mno-avx"] if platform.machine() == "AMD64" else []
    if SYSTEM == MACOS and platform.machine() == "arm64":
        return ["-fPIC"]  # what Apple's compiler makes is for these processors anyway
    return ["-march=native", "-fPIC"]


def linking() -> list[str]:
    """What it is told when it makes a library."""
    return [] if SYSTEM == WINDOWS else ["-lm"]


def library_name(stem: str) -> str:
    """
    >>> library_name("kernels").startswith("kernels.")
    True
    """
    return stem + {WINDOWS: ".dll", MACOS: ".dylib"}.get(SYSTEM, ".so")
