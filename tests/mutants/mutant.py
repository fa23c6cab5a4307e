"""A mutant is the program with one line changed; lists of mutants are kept in files.

In a file, a mutant is its place, the line as it is, the line as it would be, and what to know::

    tinygrad_mo/ops/gelu.py error_function
    - z = xp.minimum(xp.abs(x), 6)
    + z = xp.minimum(xp.abs(x), 7)
    erf is 1 from 6 on.

The place is a file and a function; if the function has several such lines, `#2` behind it means the
second one. No number of a line is in it: a list stays true while the program grows around it.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import c_changes
import python_changes


class Mutant(NamedTuple):
    """One line of a file, and what it becomes. `nth` counts equal lines of the function."""

    file: str
    function: str
    nth: int
    old: str
    new: str
    line: int = 0

    @property
    def name(self) -> tuple:
        """What it is, wherever the line stands now."""
        return self[:-1]

    def __str__(self):
        nth = f" #{self.nth}" if self.nth > 1 else ""
        return f"{self.file} {self.function}{nth}\n- {self.old}\n+ {self.new}"

    def text(self, root: Path) -> str:
        """The whole file, with the line changed."""
        lines = (root / self.file).read_text("utf-8").splitlines(keepends=True)
        lines[self.line - 1] = lines[self.line - 1].replace(self.old, self.new)
        return "".join(lines)


def files_of(path: Path) -> list[Path]:
    """The files of a program in a folder, or the file itself."""
    files = sorted(path.rglob("*.*")) if path.is_dir() else [path]
    return [each for each in files if each.suffix in (".py", ".c", ".h")]


def mutants_of(path: Path, root: Path) -> Iterator[Mutant]:
    """All mutants of a file, in the order of its lines."""
    text = path.read_text("utf-8")
    language = python_changes if path.suffix == ".py" else c_changes
    lines, places = text.splitlines(), numbered(text, language)
    for line, new in dict.fromkeys(sorted(language.changes(text))):
        if line in places and new != lines[line - 1]:
            where = (str(path.relative_to(root)), *places[line])
            yield Mutant(*where, lines[line - 1].strip(), new.strip(), line)


def numbered(text: str, language) -> dict[int, tuple[str, int]]:
    """For each line within a function: its name, and the how-manieth of such lines it is there."""
    seen, places = Counter(), {}
    lines = text.splitlines()
    for line, function in sorted(language.functions(text).items()):
        key = (function, lines[line - 1].strip())
        seen[key] += 1
        places[line] = (function, seen[key])
    return places


def listed(path: Path) -> dict[tuple, str]:
    """The names of the mutants in a file, and what is said of each."""
    names = {}
    for entry in path.read_text("utf-8").split("\n\n")[1:] if path.exists() else []:
        place, old, new, *said = entry.strip().split("\n")
        file, _, function = place.partition(" ")
        function, _, nth = function.partition(" #")
        names[file, function, int(nth or 1), old[2:], new[2:]] = " ".join(said)
    return names


def found(name: tuple, root: Path) -> Mutant | None:
    """The mutant of this name; None if there is no such line any more."""
    file, function, nth, old, new = name
    path = root / file
    if not path.exists():
        return None
    text = path.read_text("utf-8")
    language = python_changes if path.suffix == ".py" else c_changes
    for line, place in numbered(text, language).items():
        if place == (function, nth) and text.splitlines()[line - 1].strip() == old:
            return Mutant(file, function, nth, old, new, line)
    return None
