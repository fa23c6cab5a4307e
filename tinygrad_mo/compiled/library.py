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
import shutil
import tempfile
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen, TimeoutExpired
from typing import Any

from .. import platforms

FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math"]  # never -ffast-math: gcc 12 then sets
FLAGS += ["-fvisibility=hidden"]  # subnormals to 0 in the whole process
LIMIT = 120.0  # seconds in which all files are compiled: a compiler may wait for something


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
    wanted, reasons = os.environ.get("CC"), []
    for command in [wanted] if wanted else ["cc", "gcc", "clang"]:
        # a path with spaces is one word, if something is there
        program, *options = [command] if shutil.which(command) else platforms.words_of(command)
        if path := shutil.which(program):
            if reason := platforms.why_no_compiler(path):
                reasons.append(reason)
            else:
                return [path, *options]
    raise Missing(reasons[0] if reasons else f"no C compiler found ({wanted or 'cc, gcc, clang'})")


def cache_folder() -> Path:
    """Where built libraries are kept: TINYGRAD_MO_CACHE, or the platform's place for caches."""
    chosen = os.environ.get("TINYGRAD_MO_CACHE")
    return Path(chosen) if chosen else platforms.cache_folder() / "tinygrad_mo"


def flags() -> list[str]:
    """What the compiler is told for each file."""
    return [*FLAGS, *platforms.compiling()]


def name_of(sources: list[Path], compiler: list[str]) -> str:
    """What the library depends on, as the first part of its name."""
    program = os.stat(compiler[0])
    machine = platforms.processor()
    made_by = f"{compiler} {program.st_size} {program.st_mtime_ns} {flags()} {machine}"
    text = [source.name.encode() + source.read_bytes() for source in sources]
    return "kernels-" + fingerprint(b"\0".join([made_by.encode(), *text]))


def build(sources: list[Path], compiler: list[str], folder: Path, name: str) -> Path:
    """Compile all files into one library; it appears under its name whole, or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as room:
        for source in sources:  # into here: no compiler stumbles over the path of a home folder
            shutil.copy(source, room)
        units = [source.stem for source in sources if source.suffix == ".c"]
        run([[*compiler, *flags(), "-c", f"{unit}.c", "-o", f"{unit}.o"] for unit in units], room)
        new = Path(room, platforms.library_name("kernels"))
        parts = [f"{unit}.o" for unit in units]
        made = [*compiler, *flags(), "-shared", *parts, "-o", new.name, *platforms.linking()]
        run([made], room)
        if not new.is_file():
            raise Missing(f"{compiler[0]} wrote nothing")
        path = folder / f"{name}-{fingerprint(new.read_bytes())}{new.suffix}"
        try:
            os.replace(new, path)
        except PermissionError:  # on Windows: another process has built and loaded the same
            if not path.exists():
                raise
    return path


def run(commands: list[list[str]], folder: str | Path | None = None) -> None:
    """Run some commands side by side in a folder, until all are done; complain if one fails."""
    until = time.monotonic() + LIMIT
    with ExitStack() as stack:
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in commands]
        running = []
        for command, output in zip(commands, outputs, strict=True):
            streams: dict[str, Any] = {"stdin": DEVNULL, "stdout": output, "stderr": STDOUT}
            running.append(Popen(command, **streams, **platforms.apart(), cwd=folder))
            stack.callback(ended, running[-1])
        for command, process, output in zip(commands, running, outputs, strict=True):
            try:
                code = process.wait(max(0.0, until - time.monotonic()))
            except TimeoutExpired:
                raise Missing(f"{command[0]} takes more than {LIMIT:g} seconds") from None
            if code:
                output.seek(0)
                text = output.read().decode("utf-8", "replace").strip()
                first_line = text.partition("\n")[0].strip() or f"exit code {code}"
                raise Missing(f"{command[0]} failed: {first_line}")


def ended(process: Popen[bytes]) -> None:
    """See that it does not go on when nobody waits for it any more."""
    if process.poll() is None:
        platforms.end(process)
        process.wait()


def fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
