"""The files of a lesson: where they are, and what is in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PACKAGE = Path(__file__).parents[1]
LESSON_FILES = "[0-9][0-9]_*.py"
TEST_FILES = ("conftest.py", "test_checks.py")  # for those who like `pytest -m lesson05` better


@dataclass(frozen=True)
class Check:
    """One thing that must hold for a hole."""

    name: str
    hole: str
    function: Callable[[SimpleNamespace], None]

    @property
    def says(self) -> str:
        """What holds when it passes, in a sentence."""
        return " ".join((self.function.__doc__ or self.name).split())


class Lesson:
    """A lesson in the student's folder, together with its answers in the course.

    Parameters
    ----------
    path : Path
        The student's file.
    answers_path : Path
        The solutions, hints and checks.
    """

    def __init__(self, path: Path, answers_path: Path):
        self.path, self.answers_path = path, answers_path
        self.number = int(path.name[:2])

    def text(self) -> str:
        """The student's file as it is now; empty if it is gone."""
        try:
            return self.path.read_text("utf-8", errors="replace")
        except OSError:
            return ""

    @property
    def title(self) -> str:
        """Such as "Lesson 3: The fork", from the first heading."""
        heading = re.search(r"^# # (.+)", self.text(), re.M)
        return heading[1].strip() if heading else f"Lesson {self.number}"

    def line_of(self, hole: str) -> int | None:
        """Where a hole starts; found by its text, because the file may not even be Python now."""
        start = re.search(rf"^def {hole}\b", self.text(), re.M)
        return self.text().count("\n", 0, start.start()) + 1 if start else None

    def line(self, number: int) -> str:
        """The text of one line."""
        lines = self.text().splitlines()
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    @cached_property
    def _answers(self) -> dict[str, Any]:
        # Executed and not imported, so that no compiled copy is left beside the lessons.
        names: dict[str, Any] = {"__name__": f"answers_{self.path.stem}"}
        text = self.answers_path.read_text("utf-8")
        exec(compile(text, str(self.answers_path), "exec"), names)
        return names

    @property
    def holes(self) -> list[str]:
        """The names of the functions to write, in the order of the lesson."""
        return list(self._answers["HINTS"])

    def hints(self, hole: str) -> list[str]:
        """From a nudge to nearly the answer."""
        return self._answers["HINTS"][hole]

    def checks(self, hole: str | None = None) -> list[Check]:
        """The checks of one hole, or of all holes in their order."""
        if hole is None:
            return [check for each in self.holes for check in self.checks(each)]
        start = f"check_{hole}__"
        found = {name: value for name, value in self._answers.items() if name.startswith(start)}
        return [Check(name, hole, function) for name, function in found.items()]

    def solution(self, hole: str) -> str:
        """The source of the solution."""
        text = self.answers_path.read_text("utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name == hole:
                return "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno])
        raise ValueError(f"{self.answers_path.name} has no solution for {hole}")

    def solved_text(self, holes: Collection[str] | None = None) -> str:
        """The lesson with the solutions in its holes, or in some of them.

        As for a teacher who wants to show it.
        """
        filled = self.holes if holes is None else holes
        lines = self.text().splitlines()
        for node in reversed(ast.parse(self.text()).body):
            if isinstance(node, ast.FunctionDef) and node.name in filled:
                lines[node.lineno - 1 : node.end_lineno] = [self.solution(node.name)]
        return "\n".join(lines) + "\n"


def course_folder() -> Path:
    """Where the lessons are: inside the package when installed, beside it in a checkout."""
    for folder in (PACKAGE / "lessons", PACKAGE.parent / "lessons"):
        if (folder / "answers").is_dir():
            return folder
    raise ValueError(f"this installation has no lessons: none in {PACKAGE}, none beside it")


def lessons_in(folder: Path) -> list[Lesson]:
    """The lessons in a folder, by number; those of the student's own making have no answers."""
    answers = course_folder() / "answers"
    files = sorted(folder.glob(LESSON_FILES))
    return [Lesson(path, answers / path.name) for path in files if (answers / path.name).is_file()]


def copy_lessons(folder: Path, solved: bool = False) -> tuple[list[str], list[str]]:
    """Copy all lessons to a folder; a file that is already there stays as it is.

    Parameters
    ----------
    folder : Path
    solved : bool
        True: with the solutions in their holes. Default: as the student gets them.

    Returns
    -------
    copied, kept : list of str
        Names of files.
    """
    files = {
        one.path.name: one.solved_text().encode() if solved else one.path.read_bytes()
        for one in lessons_in(course_folder())
    }
    files |= {name: (course_folder() / name).read_bytes() for name in TEST_FILES}
    copied: list[str] = []
    kept: list[str] = []
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        try:
            with (folder / name).open("xb") as file:  # x: never onto an existing file
                file.write(content)
            copied.append(name)
        except FileExistsError:
            kept.append(name)
    return copied, kept
