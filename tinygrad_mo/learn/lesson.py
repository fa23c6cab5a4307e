"""The files of a lesson: where they are, and what is in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..platforms import patiently
from ..whole_files import replace_file
from . import source

PACKAGE = Path(__file__).parents[1]
LESSON_FILES = "[0-9][0-9]_*.py"
# Said wherever somebody may choose; `chosen` does it.
RULE = "The one that has all of your work counts. If each has something of its own, you are asked."
NUMBER = re.compile(r"^[0-9][0-9]_")  # a lesson is known by its name: numbers have changed before
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


def waits(node: ast.FunctionDef) -> bool:
    """Is this a hole that nobody has filled?"""
    return ast.unparse(node.body[-1]) == "raise NotImplementedError('YOUR TURN')"


class Lesson:
    """A lesson in the student's folder, together with its answers in the course.

    Parameters
    ----------
    path : Path
        The student's file: a script, or a notebook.
    answers_path : Path
        The solutions, hints and checks. Its name has the number of the lesson.
    note : str
        Why this file is looked at and not another one.
    rivals : sequence of Path
        Other files of this lesson, if nobody but the student can say which one counts.
    """

    def __init__(self, path: Path, answers_path: Path, note: str = "", rivals: Sequence[Path] = ()):
        self.path, self.answers_path = path, answers_path
        self.note, self.rivals = note, rivals
        self.number, self.name = int(answers_path.name[:2]), answers_path.stem[3:]

    @property
    def course_path(self) -> Path:
        """The lesson as the course has it."""
        return self.answers_path.parents[1] / self.answers_path.name

    def text(self) -> str:
        """The code of the student's file as it is now; empty if it is gone."""
        try:
            return source.read(self.path).decode("utf-8", errors="replace")
        except (OSError, SyntaxError):
            return ""

    @property
    def title(self) -> str:
        """Such as "Lesson 3: The fork", from the first heading in the course."""
        heading = re.search(r"^# # (.+)", self.course_path.read_text("utf-8"), re.M)
        return heading[1].strip() if heading else f"Lesson {self.number}"

    @property
    def old_number(self) -> int | None:
        """The number that the student's file has, if it is not that of the lesson now."""
        found = NUMBER.match(self.path.name)
        number = int(self.path.name[:2]) if found else self.number
        return None if number == self.number else number

    def place(self, line: int) -> str:
        """Where a line is, for the student: file and line, in a notebook its cell, too."""
        return source.place_of(line, self.path, self.text())

    def owns(self, filename: str) -> bool:
        """Is code that Python knows under this name of a file the student's?"""
        return filename == str(self.path)

    def shown(self, filename: str, line: int) -> str:
        """Where a line of the student's code is, and the line itself."""
        return f"{self.place(line)}: {self.line(line)}"

    def place_of_hole(self, hole: str) -> str:
        """Where a hole starts, with the folder."""
        return str(self.path.parent / self.place(self.line_of(hole) or 1))

    def again(self) -> Lesson:
        """The same lesson, looked up once more: another file may count by now."""
        course = Lesson(self.course_path, self.answers_path)
        return lesson_in(self.path.parent, course) or self

    @property
    def doubt(self) -> str:
        """Why no file can be looked at: there are two readings. Mostly empty."""
        if not self.rivals:
            return ""
        names = [path.name for path in (self.path, *self.rivals)]
        return (
            f"{' and '.join(names)} are the same lesson, and each has something that the other "
            "has not.\nWhich one counts? `learn` asks you, and puts the other one aside.\n"
            f"To look at one of them: {' or '.join(f'check {name}' for name in names)}."
        )

    def work(self) -> set[str]:
        """What the student has written: the functions that are not as the course has them."""
        try:
            mine = functions_in(source.read(self.path))
        except (OSError, SyntaxError, ValueError) as error:
            return {f"{self.path.name} cannot be read: {error}"}
        return mine - functions_in(self.course_path.read_bytes())

    @property
    def script(self) -> Path:
        """The script of the lesson, also where the work is done in the notebook."""
        found = sorted(self.path.parent.glob(f"[0-9][0-9]_{self.name}.py"))
        return self.path if self.path in found or not found else found[-1]

    def line_of(self, hole: str) -> int | None:
        """Where a hole starts; found by its text, because the file may not even be Python now."""
        start = re.search(rf"^def {hole}\b", self.text(), re.M)
        return self.text().count("\n", 0, start.start()) + 1 if start else None

    def line(self, number: int) -> str:
        """The text of one line."""
        lines = self.text().splitlines()
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    @cached_property
    def answers(self) -> dict[str, Any]:
        """The names in the answers; all checks share their arrays, and nobody may write there."""
        # Executed and not imported, so that no compiled copy is left beside the lessons.
        names: dict[str, Any] = {"__name__": f"answers_{self.answers_path.stem}"}
        text = self.answers_path.read_text("utf-8")
        exec(compile(text, str(self.answers_path), "exec"), names)
        for value in names.values():
            for one in value if isinstance(value, list | tuple) else [value]:
                if isinstance(one, np.ndarray):
                    one.setflags(write=False)
        return names

    @property
    def holes(self) -> list[str]:
        """The names of the functions to write, in the order of the lesson."""
        return list(self.answers["HINTS"])

    def hints(self, hole: str) -> list[str]:
        """From a nudge to nearly the answer."""
        return self.answers["HINTS"][hole]

    def checks(self, hole: str | None = None) -> list[Check]:
        """The checks of one hole, or of all holes in their order."""
        if hole is None:
            return [check for each in self.holes for check in self.checks(each)]
        start = f"check_{hole}__"
        found = {name: value for name, value in self.answers.items() if name.startswith(start)}
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


def course_lessons() -> list[Lesson]:
    """All lessons, as the course has them."""
    course = course_folder()
    answers = sorted((course / "answers").glob(LESSON_FILES))
    return [Lesson(course / path.name, path) for path in answers]


def lessons_in(folder: Path) -> list[Lesson]:
    """The lessons in a folder, by number; those of the student's own making have no answers.

    A lesson is recognised by its name, whatever its number is in this folder.
    """
    found = [lesson_in(folder, one) for one in course_lessons()]
    return [lesson for lesson in found if lesson is not None]


def lesson_in(folder: Path, course: Lesson) -> Lesson | None:
    """One lesson of the course in a student's folder."""
    same = folder.glob(f"[0-9][0-9]_{course.name}.*")
    files = [path for path in same if path.suffix in source.SUFFIXES and path.is_file()]
    own = course.path.stem
    scripts_first = sorted(files, key=lambda path: (path.suffix != ".py", path.stem != own))
    return chosen([Lesson(path, course.answers_path) for path in scripts_first]) if files else None


def lesson_of(path: Path) -> Lesson:
    """The lesson in a file, which has the name of one in the course."""
    name = NUMBER.sub("", path.stem)
    for lesson in course_lessons():
        if lesson.name == name and path.suffix in source.SUFFIXES:
            return Lesson(path, lesson.answers_path)
    raise ValueError(f"{path.name} is no lesson: it has the name of none in the course")


def chosen(readings: list[Lesson]) -> Lesson:
    """Which of several files of one lesson counts: the one that has all of the student's work.

    Where none has, and each has something of its own, nobody but the student knows.
    """
    first = readings[0]
    if len(readings) == 1:
        return first
    works = [lesson.work() for lesson in readings]
    everything = set().union(*works)
    complete = [one for one, work in zip(readings, works, strict=True) if work == everything]
    if not complete:
        path, *rivals = [one.path for one, work in zip(readings, works, strict=True) if work]
        return Lesson(path, first.answers_path, rivals=rivals)
    one = complete[0]
    less = [lesson.path.name for lesson in readings if lesson not in complete]
    if less:
        one.note = f"This is {one.path.name}: in {' and '.join(less)} less is done."
    return one


def functions_in(text: bytes) -> set[str]:
    """The functions of a file, without comments; not those that still wait to be written."""
    body = ast.parse(text).body
    return {ast.dump(one) for one in body if isinstance(one, ast.FunctionDef) and not waits(one)}


def put_aside(path: Path) -> Path:
    """Give a student's file a name that is that of no lesson; nothing is lost."""
    aside = path.with_name(f"old_{path.name}")
    while aside.exists():
        aside = aside.with_name(f"old_{aside.name}")
    return patiently(partial(path.rename, aside), path)


def renumbered(lessons: list[Lesson], number: int) -> str:
    """A word on a number that means another lesson in the student's folder; mostly none."""
    for lesson in lessons:
        if lesson.old_number == number:
            name = lesson.title.partition(": ")[2]
            return f"Lesson {number} was '{name}' before; that is lesson {lesson.number} now."
    return ""


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
        Names of files. A lesson that is there under another number is kept, and not copied again.
    """
    files = {
        one.path.name: one.solved_text().encode() if solved else one.path.read_bytes()
        for one in course_lessons()
    }
    files |= {name: (course_folder() / name).read_bytes() for name in TEST_FILES}
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    old = {one.answers_path.name: one for one in lessons_in(folder) if one.old_number is not None}
    copied: list[str] = []
    kept: list[str] = []
    for name, content in files.items():
        if name in old and not (folder / name).exists():
            kept.append(f"{old[name].path.name} (lesson {old[name].number} now)")
            continue
        if (folder / name).exists():
            kept.append(name)
        else:  # whole or not at all: half a file would be kept the next time
            replace_file(folder / name, content)
            copied.append(name)
    return copied, kept
