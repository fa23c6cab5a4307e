"""The C files of `kernels/cpu`, compiled on first use by the user's own compiler and kept.

A library for one kind of processor is five times faster than one for all, so it is built where it
runs. It is kept in the user's cache folder, under a name that says what it was made from (sources,
flags, compiler, processor) and what is in it: a file that was cut short or made elsewhere is not
loaded. Whatever fails, the NumPy rules serve.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

FLAGS = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math"]  # never -ffast-math:
FLAGS += ["-fvisibility=hidden", "-fPIC"]  # gcc 12 then sets subnormals to 0 in the whole process


class Missing(Exception):
    """Why there are no compiled kernels."""


@cache
def load() -> tuple[ctypes.CDLL | None, str]:
    """The library and where it is; or None and why there is none. Builds it if need be."""
    try:
        sources, compiler = find_sources(), find_compiler()
        folder, name = cache_folder(), name_of(sources, compiler)
        for path in sorted(folder.glob(f"{name}-*")):
            try:
                if path.stem.endswith(fingerprint(path.read_bytes())):
                    return ctypes.CDLL(str(path)), str(path)
            except OSError:
                continue  # unreadable, or not a library: build it anew
        path = build(sources, compiler, folder, name)
        return ctypes.CDLL(str(path)), str(path)
    except (Missing, OSError, RuntimeError, ValueError) as error:  # no home folder, odd CC ...
        return None, str(error) or type(error).__name__


def find_sources() -> list[Path]:
    """The C files: inside the package where it is installed, beside it in a checkout."""
    here = Path(__file__).parent
    for folder in (here / "cpu", here.parents[1] / "kernels" / "cpu"):
        if sources := sorted(folder.glob("*.[ch]")):
            return sources
    raise Missing("the C sources are not installed")


def find_compiler() -> list[str]:
    """The command that runs the C compiler: the environment's CC, or the first one found."""
    wanted = os.environ.get("CC")
    for command in [wanted] if wanted else ["cc", "gcc", "clang"]:
        program, *options = shlex.split(command)
        if path := shutil.which(program):
            return [path, *options]
    raise Missing(f"no C compiler found ({wanted or 'cc, gcc, clang'})")


def cache_folder() -> Path:
    """Where built libraries are kept: TINYGRAD_MO_CACHE, or the platform's place for caches."""
    if chosen := os.environ.get("TINYGRAD_MO_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "tinygrad_mo"


def name_of(sources: list[Path], compiler: list[str]) -> str:
    """What the library depends on, as the first part of its name."""
    program = os.stat(compiler[0])
    made_by = f"{compiler} {program.st_size} {program.st_mtime_ns} {FLAGS} {processor()}"
    text = [source.name.encode() + source.read_bytes() for source in sources]
    return "kernels-" + fingerprint(b"\0".join([made_by.encode(), *text]))


def processor() -> str:
    """Which instructions there are: one folder may serve several machines."""
    try:
        first = Path("/proc/cpuinfo").read_text("utf-8").partition("\n\n")[0]
        names = ("model name", "flags", "Features", "CPU part")
        return " ".join(line for line in first.splitlines() if line.startswith(names))
    except OSError:
        return f"{platform.machine()} {platform.processor()}"


def build(sources: list[Path], compiler: list[str], folder: Path, name: str) -> Path:
    """Compile all files into one library; it appears under its name whole, or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as room:
        parts = [(source, f"{room}/{source.stem}.o") for source in sources if source.suffix == ".c"]
        run([[*compiler, *FLAGS, "-c", str(source), "-o", part] for source, part in parts])
        new = Path(room, "kernels.so")
        run([[*compiler, *FLAGS, "-shared", *(part for _, part in parts), "-o", str(new), "-lm"]])
        path = folder / f"{name}-{fingerprint(new.read_bytes())}.so"
        os.replace(new, path)
    return path


def run(commands: list[list[str]]) -> None:
    """Run some commands side by side, until all are done; complain if one fails."""
    pipes: dict[str, Any] = {"stdin": DEVNULL, "stdout": DEVNULL, "stderr": PIPE}
    running = [Popen(command, **pipes, encoding="utf-8", errors="replace") for command in commands]
    said = [process.communicate()[1].strip() for process in running]
    for command, process, text in zip(commands, running, said, strict=True):
        if process.returncode:
            first_line = text.partition("\n")[0] or f"exit code {process.returncode}"
            raise Missing(f"{command[0]} failed: {first_line}")


def fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
