"""Marking: a process and a time limit for each hole of each student, and points for what holds."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

from ..platforms import apart, cores, end
from .assembly import assemble
from .lesson import Lesson, course_lessons, lessons_in
from .verdict import HOLDS, LIMIT, NOT_DONE, STOPPED, UNREADABLE, Result, syntax_message

RIGHT = "right"
IN_PART = "not right yet"
NOT_MARKED = "not marked"  # look yourself
MISSING = "missing"

START = 30.0  # seconds in which Python and the library start, also on a machine with much to do
GRACE = 2.0  # for code that is interrupted
PROGRAM = "import sys; sys.path.append({!r}); from tinygrad_mo.learn.judge import main; main()"
# The same on every machine: NumPy on one thread, texts in UTF-8, no compiler and no GPU is asked.
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TINYGRAD_MO_BACKEND": "numpy",
    "TINYGRAD_MO_KERNELS": "0",
    "TINYGRAD_MO_THREADS": "1",
}


@dataclass(frozen=True)
class HoleMark:
    """What came out for one hole: the status, why, and what each check said, if it ran."""

    hole: str
    place: str
    checks: int
    status: str
    reason: str = ""
    results: Sequence[Result] = ()

    @property
    def held(self) -> int:
        """How many checks hold; none where the work as a whole cannot be judged."""
        if self.status not in (RIGHT, IN_PART, STOPPED):
            return 0
        return sum(result.status == HOLDS for result in self.results)

    @property
    def points(self) -> Fraction:
        """From 0 to 1: the share of the checks that hold."""
        return Fraction(self.held, self.checks)


@dataclass(frozen=True)
class LessonMark:
    """One lesson of one student, and what the teacher should know of the file."""

    lesson: Lesson
    file: str
    holes: Sequence[HoleMark]
    notes: Sequence[str] = ()

    @property
    def points(self) -> Fraction:
        return sum((hole.points for hole in self.holes), Fraction(0))


@dataclass(frozen=True)
class StudentMark:
    """All lessons of one folder, or the reason why there are none."""

    folder: Path
    lessons: Sequence[LessonMark] = field(default=())
    reason: str = ""

    @property
    def holes(self) -> list[HoleMark]:
        return [hole for lesson in self.lessons for hole in lesson.holes]

    @property
    def points(self) -> Fraction:
        return sum((hole.points for hole in self.holes), Fraction(0))


def mark(
    folders: Sequence[Path], numbers: Collection[int] | None = None, limit: float = LIMIT
) -> list[StudentMark]:
    """Mark the work of many students, side by side on all cores.

    Parameters
    ----------
    folders : sequence of Path
        A folder for each student.
    numbers : collection of int, optional
        Only these lessons. Default: all.
    limit : float
        Seconds for all checks of one hole together.

    Returns
    -------
    list of StudentMark
        One for each folder, in the same order.
    """
    asked = [one for one in course_lessons() if numbers is None or one.number in numbers]
    running: set[subprocess.Popen[str]] = set()
    pool = ThreadPoolExecutor(cores())
    try:
        begun = [
            begin_student(folder, asked, pool, partial(judged, limit=limit, running=running))
            for folder in folders
        ]
        return [finish() for finish in begun]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):  # after Ctrl-C
            end(process)


Judge = Callable[[Lesson, str], HoleMark]


def begin_student(
    folder: Path, asked: Sequence[Lesson], pool: ThreadPoolExecutor, judge: Judge
) -> Callable[[], StudentMark]:
    """Start to mark a folder; what is returned waits for the end."""
    try:
        found = {lesson.name: lesson for lesson in lessons_in(folder)}
    except OSError as error:
        return partial(StudentMark, folder, reason=f"cannot be read: {error}")
    if not folder.is_dir() or not found:
        return partial(StudentMark, folder, reason=why_no_lessons(folder))
    begun = [begin_lesson(one, found.get(one.name), pool, judge) for one in asked]
    return lambda: StudentMark(folder, [finish() for finish in begun])


def why_no_lessons(folder: Path) -> str:
    if not folder.is_dir():
        return "is no folder" if folder.exists() else "there is no such folder"
    inside = [one.name for one in sorted(folder.iterdir()) if one.is_dir() and lessons_in(one)]
    if inside:
        return f"no lessons here, but in {', '.join(inside)}: name these folders"
    return "no lessons here"


def begin_lesson(
    course: Lesson, lesson: Lesson | None, pool: ThreadPoolExecutor, judge: Judge
) -> Callable[[], LessonMark]:
    """Start to mark a lesson; what needs no process is known at once."""
    if lesson is None:
        holes = [unjudged(course, hole, MISSING) for hole in course.holes]
        return partial(LessonMark, course, "", holes)
    name, notes = lesson.path.name, [lesson.note] if lesson.note else []
    if lesson.doubt:
        holes = [unjudged(lesson, hole, NOT_MARKED, lesson.doubt) for hole in lesson.holes]
        return partial(LessonMark, lesson, name, holes, notes)
    try:
        parts = assemble(lesson)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
        reason = syntax_message(lesson, error) if isinstance(error, SyntaxError) else str(error)
        holes = [unjudged(lesson, hole, UNREADABLE, reason) for hole in lesson.holes]
        return partial(LessonMark, lesson, name, holes, notes)
    known = dict.fromkeys(parts.waiting, (NOT_DONE, ""))
    known |= {hole: (UNREADABLE, f"there is no function {hole} any more") for hole in parts.missing}
    known |= {hole: (NOT_MARKED, reason) for hole, reason in parts.refused.items()}
    begun = [
        partial(unjudged, lesson, hole, *known[hole])
        if hole in known
        else pool.submit(judge, lesson, hole).result
        for hole in lesson.holes
    ]
    notes += parts.notes
    return lambda: LessonMark(lesson, name, [finish() for finish in begun], notes)


def unjudged(lesson: Lesson, hole: str, status: str, reason: str = "") -> HoleMark:
    """The mark of a hole of which nothing was run."""
    place = "" if status == MISSING else lesson.place(lesson.line_of(hole) or 1)
    return HoleMark(hole, place, len(lesson.checks(hole)), status, reason)


def judged(
    lesson: Lesson,
    hole: str,
    limit: float = LIMIT,
    strict: bool = True,
    running: set[subprocess.Popen[str]] | None = None,
) -> HoleMark:
    """Check one hole in a process of its own.

    Parameters
    ----------
    lesson : Lesson
    hole : str
    limit : float
        Seconds for all its checks.
    strict : bool
        Mark: believe nothing. False, for the student's own eyes: the file as it stands is checked.
    running : set, optional
        Has the process as long as it runs.
    """
    running = set() if running is None else running
    token = secrets.token_hex(16)
    program = PROGRAM.format(str(Path(__file__).parents[2]))
    order = {"token": token, "path": str(lesson.path.resolve()), "hole": hole, "limit": limit}
    order |= {"answers": str(lesson.answers_path.resolve()), "strict": strict}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            cwd=empty if strict else lesson.path.parent,
            env=os.environ | SETTINGS,
            **(apart() if strict else {}),  # the student's own Ctrl-C shall reach it
        )
        running.add(process)
        said, in_time = conversation(process, json.dumps(order), START + limit + GRACE)
        running.discard(process)
    lines = [line.removeprefix(token) for line in said.splitlines() if line.startswith(token)]
    return mark_of(lesson, hole, [json.loads(line) for line in lines], process.returncode, in_time)


def conversation(process: subprocess.Popen[str], order: str, limit: float) -> tuple[str, bool]:
    """All that the process said, and whether it ended in time."""
    try:
        return process.communicate(f"{order}\n", timeout=limit)[0], True
    except subprocess.TimeoutExpired:
        end(process)
        return process.communicate()[0], False
    except KeyboardInterrupt:  # which the process has got, too: it says where it was
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=GRACE)[0], True
        end(process)
        return process.communicate()[0], False


def mark_of(
    lesson: Lesson, hole: str, said: list[dict[str, str]], code: int, in_time: bool
) -> HoleMark:
    """What the lines of a judge mean."""
    checks = {check.name: check for check in lesson.checks(hole)}
    results = [
        Result(checks[one["check"]], one["status"], one["message"])
        for one in said
        if "check" in one
    ]
    refused = [one["not_marked"] for one in said if "not_marked" in one]
    last = results[-1].status if results else ""
    reason = ""
    if refused:
        status, reason = NOT_MARKED, refused[0]
    elif not in_time:
        status, reason = STOPPED, "it does not end, not even when it is interrupted"
    elif not any("end" in one for one in said):
        status = NOT_MARKED
        reason = f"its process ended before the checks did, with exit code {code}"
    elif last in (UNREADABLE, STOPPED):
        status, reason = last, results[-1].message
    elif all(result.status == HOLDS for result in results):
        status = RIGHT
    else:
        untouched = all(result.status == NOT_DONE for result in results)
        status = NOT_DONE if untouched else IN_PART
    place = lesson.place(lesson.line_of(hole) or 1)
    return HoleMark(hole, place, len(checks), status, reason, results)
