"""The compiled kernels, with one file changed; and which of their functions somebody asks for."""

import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import c_changes
from mutant import Mutant
from tinygrad_mo.compiled import library

FOLDER = "kernels/cpu"
QUICK = ["-O1", "-fsanitize=bounds,object-size", "-fsanitize-undefined-trap-on-error"]
if sys.platform.startswith("linux"):
    QUICK += ["-include", str(Path(__file__).parents[1] / "compiled" / "rooms.h")]
# It is soon made; and what reads or writes beside an array of its own, or behind what malloc gave,
# is ended.


class Kernels:
    """A library of the C files that notes what is asked for; in a child, one with a mutant in it.

    Without a compiler there is none: then no test calls a kernel, and a mutant of it is not run.
    """

    def __init__(self, folder: Path, root: Path):
        self.folder, self.root = folder, root
        self.sources = sorted((root / FOLDER).glob("*.[ch]"))
        self.asked: set[str] = set()
        self.parts: dict[str, str] = {}
        self.files = {
            name: f"{FOLDER}/{source.name}"
            for source in self.sources
            for name in c_changes.functions(source.read_text("utf-8")).values()
        }
        kernels, self.where = library.load()
        if kernels:
            serve(noting(self.where, self.asked), self.where)

    def names_of_asked(self) -> Iterator[str]:
        """The functions that were asked for, their files, and the files that all of them need."""
        for name in self.asked & self.files.keys():
            yield f"{self.files[name]} {name}"
            yield self.files[name]
            yield from (f"{FOLDER}/{each.name}" for each in self.sources if each.suffix == ".h")

    def put_in(self, mutant: Mutant) -> None:
        """Compile one file anew (of a header: all), and link it with the others."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            own, changed = Path(folder), Path(mutant.file).name
            for source in self.sources:
                text = mutant.text(self.root) if source.name == changed else source.read_text()
                (own / source.name).write_text(text, "utf-8")
            new = compiled(own, [changed] if changed.endswith(".c") else self.names)
            parts = {**self.parts, **new} if changed.endswith(".c") else new
            serve(ctypes.CDLL(linked(own, parts.values())), self.where)

    @property
    def names(self) -> list[str]:
        return [source.name for source in self.sources if source.suffix == ".c"]

    def compile(self) -> None:
        """Compile each file as it is: what a mutant of another one is linked with."""
        for source in self.sources:
            (self.folder / source.name).write_bytes(source.read_bytes())
        self.parts = compiled(self.folder, self.names)


def compiled(folder: Path, names: list[str]) -> dict[str, str]:
    """By name of a C file, what it becomes; compiled fast, as it is soon gone."""
    for name in names:
        run(folder, *library.find_compiler(), *library.flags(), *QUICK, "-c", name)
    return {name: str(folder / name.replace(".c", ".o")) for name in names}


def linked(folder: Path, parts) -> str:
    run(folder, *library.find_compiler(), "-shared", *parts, "-o", "kernels.so", "-lm")
    return str(folder / "kernels.so")


def run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


LOAD = library.load


def serve(kernels: ctypes.CDLL, where: str) -> None:
    """From now on these are the kernels of this process."""
    library.load = lambda: (kernels, where)
    library.load.__wrapped__ = LOAD.__wrapped__  # tests of the library itself load others


def noting(path: str, asked: set[str]) -> ctypes.CDLL:
    """A library that notes which of its functions are asked for."""

    class Noting(ctypes.CDLL):
        def __getattribute__(self, name):
            if not name.startswith("_"):
                asked.add(name)
            return super().__getattribute__(name)

    return Noting(path)
