"""What a student has written goes on living: one lesson uses the functions of another."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from .lesson import Lesson, course_lessons, lesson_in
from .verdict import UNREADABLE, executed, verdict


class Work(SimpleNamespace):
    """What a lesson defines; it is shown by its functions and classes alone."""

    def __repr__(self) -> str:
        own = [key for key, one in vars(self).items() if is_of(one, vars(self)["__name__"])]
        return f"<{', '.join(own)}>"


def is_of(one: object, module: str) -> bool:
    return getattr(one, "__module__", "") == module


def my_work(name: str, folder: Path | None = None) -> Work:
    """The functions and classes of a lesson, as the student has written them.

    A hole that is not right yet is filled by the solution, and a line says which. So a later lesson
    runs, whatever is done so far.

    Parameters
    ----------
    name : str
        The lesson's file without number and ending, such as ``"the_engine"``.
    folder : Path, optional
        Where the student's lessons are. Default: the current folder. If the lesson is not there,
        everything comes from the solutions.

    Returns
    -------
    Work
        Printed, it shows the names.

    Raises
    ------
    ValueError
        If the course has no such lesson.

    Examples
    --------
    >>> engine = my_work("the_engine", Path("an empty folder"))
    the_engine: not in this folder, so all of it is ours
    >>> engine.find_nodes([])
    []
    >>> my_work("the_chain", Path("an empty folder"))
    the_chain: not in this folder, so all of it is ours
    <loss_and_gradient, central_difference, my_prediction, chain_and_gradients, ...>
    """
    known = {one.name: one for one in course_lessons()}
    if name not in known:
        raise ValueError(f"the course has no lesson {name!r}; it has {', '.join(known)}")
    lesson = lesson_in(folder or Path(), known[name])
    if lesson is None:
        print(f"{name}: not in this folder, so all of it is ours")
        return run(known[name], known[name].holes)
    if lesson.doubt:
        print(f"{name}: {lesson.doubt}\nUntil then, all of it is ours")
        return run(known[name], known[name].holes)
    if lesson.note:
        print(lesson.note)
    found = [verdict(lesson, hole) for hole in lesson.holes]
    wrong = [each.hole for each in found if not each.right]
    if any(result.status == UNREADABLE for each in found for result in each.results):
        print(f"{name}: your file cannot be run as it is, so all of it is ours")
        lesson = known[name]
    elif len(wrong) == len(found):
        print(f"{name}: nothing in it is right yet, so all of it is ours")
    elif wrong:
        print(f"{name}: yours, but for {', '.join(wrong)}: not right yet, so ours")
    else:
        print(f"{name}: all of it is yours")
    return run(lesson, wrong)


def run(lesson: Lesson, holes: Sequence[str]) -> Work:
    """What a lesson defines, with our solutions in some of its holes.

    Tracebacks show the lines of that text: the file may have others.
    """
    text, path = lesson.solved_text(holes), lesson.path
    if holes:
        path = path.with_stem(f"{path.stem} (with ours)")
        linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    return Work(**vars(executed(text, path)))
