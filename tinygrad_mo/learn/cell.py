"""`check` and `hint`, to be called from a cell of a notebook."""

from __future__ import annotations

import ast
import linecache
import sys
from collections import Counter
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any

from .lesson import Lesson, course_lessons
from .verdict import LIMIT, Verdict, indented, interrupted_after, results_of

Names = dict[str, Any]
hints_given: Counter[tuple[str, str]] = Counter()


class CellLesson(Lesson):
    """A lesson whose functions are those that the cells of a notebook have defined."""

    def __init__(self, course: Lesson, names: Names):
        super().__init__(course.path, course.answers_path)
        functions = [one for one in names.values() if isinstance(one, FunctionType)]
        mine = [one for one in functions if one.__globals__ is names]
        self.files = {one.__code__.co_filename for one in mine}

    def text(self) -> str:
        return ""  # all names of the notebook are there: nothing is looked up in a text

    def owns(self, filename: str) -> bool:
        return filename in self.files

    def shown(self, filename: str, line: int) -> str:
        return f"line {line} of its cell: {linecache.getline(filename, line).strip()}"


def check(hole: str | Callable[..., object] = "", lesson: str = "") -> None:
    """Check what this notebook has defined, and print what holds.

    Parameters
    ----------
    hole : str or function, optional
        One hole. Default: all holes of the lesson that are defined so far.
    lesson : str, optional
        The name of the lesson, such as ``"the_fork"``, where several have a hole of this name.

    Raises
    ------
    ValueError
        If there is no such hole, or if it could be that of several lessons.
    """
    names = sys._getframe(1).f_globals
    found, holes = asked(name_of(hole), lesson, names)
    if not holes:
        raise ValueError("nothing to check: this notebook has defined none of the functions yet")
    for one in holes:
        print(f"{one}: {checked(found, one, names)}")


def hint(hole: str | Callable[..., object], lesson: str = "") -> None:
    """Print a hint, a stronger one each time; the parameters are those of `check`."""
    found, [one] = asked(name_of(hole), lesson, sys._getframe(1).f_globals)
    hints = found.hints(one)
    number = min(hints_given[found.name, one], len(hints) - 1)
    hints_given[found.name, one] += 1
    print(f"Hint {number + 1} of {len(hints)}:{indented(hints[number], 2)}")


def name_of(hole: str | Callable[..., object]) -> str:
    return hole if isinstance(hole, str) else getattr(hole, "__name__", str(hole))


def asked(hole: str, name: str, names: Names) -> tuple[Lesson, list[str]]:
    """The lesson, and the holes of it that are meant."""
    course = [one for one in course_lessons() if name in ("", one.name)]
    if not course:
        known = ", ".join(one.name for one in course_lessons())
        raise ValueError(f"there is no lesson {name!r}; there are {known}")
    if hole:
        course = [one for one in course if hole in one.holes]
        if not course:
            raise ValueError(
                f"there is no hole {hole!r}" + (f" in lesson {name!r}" if name else "")
            )
    scores = {one.name: likeness(one, names) for one in course}
    best = [one for one in course if scores[one.name] == max(scores.values())]
    if len(best) > 1 and (hole or scores[best[0].name]):
        ways = " or ".join(f'lesson="{one.name}"' for one in best)
        raise ValueError(f"which lesson is this notebook? Several fit: say {ways}")
    return best[0], [hole] if hole else [one for one in best[0].holes if one in names]


def likeness(lesson: Lesson, names: Names) -> int:
    """How many functions and classes of a lesson a notebook has defined."""
    body = ast.parse(lesson.course_path.read_text("utf-8")).body
    defined = [one.name for one in body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    return sum(getattr(names.get(one), "__module__", "") == names["__name__"] for one in defined)


def checked(course: Lesson, hole: str, names: Names) -> Verdict:
    """What the checks say about a function of the notebook."""
    lesson = CellLesson(course, names)
    with interrupted_after(LIMIT) as over:
        results = results_of(lesson, hole, over, lambda _: SimpleNamespace(**names))
        return Verdict(hole, list(results))
