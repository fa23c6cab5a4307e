"""What marking has found: for a teacher's eye, for a program, for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from .. import __version__, platforms
from .marking import MISSING, NOT_MARKED, RIGHT, HoleMark, LessonMark, StudentMark
from .verdict import NOT_DONE, STOPPED, UNREADABLE

FORMAT = 1  # of the JSON; raised when a program that reads it must be changed
SIGNS = {RIGHT: "#", NOT_DONE: ".", MISSING: "-"}
TO_LOOK_AT = {NOT_MARKED, UNREADABLE, STOPPED}
LEGEND = "#: all checks hold   +: some   .: not begun   -: no file   ?: look yourself, see below"


def as_json(marks: Sequence[StudentMark], limit: float) -> str:
    """All of it. Numbers are rounded to four digits; nothing depends on the time it took."""
    content = {
        "format": FORMAT,
        "versions": {
            "tinygrad_mo": __version__,
            "python": platforms.PYTHON,
            "numpy": np.__version__,
        },
        "limit_seconds": limit,
        "students": [student_as_data(mark) for mark in marks],
    }
    return json.dumps(content, indent=1)


def student_as_data(mark: StudentMark) -> dict[str, Any]:
    return {
        "folder": str(mark.folder),
        "reason": mark.reason or None,
        "points": number(mark.points),
        "of": len(mark.holes),
        "lessons": [
            {
                "number": one.lesson.number,
                "name": one.lesson.name,
                "title": one.lesson.title,
                "file": one.file or None,
                "points": number(one.points),
                "of": len(one.holes),
                "notes": list(one.notes),
                "holes": [hole_as_data(hole) for hole in one.holes],
            }
            for one in mark.lessons
        ],
    }


def hole_as_data(mark: HoleMark) -> dict[str, Any]:
    said = [
        {
            "check": one.check.name,
            "says": one.check.says,
            "status": one.status,
            "message": one.message or None,
        }
        for one in mark.results
    ]
    return {
        "hole": mark.hole,
        "place": mark.place or None,
        "status": mark.status,
        "reason": mark.reason or None,
        "points": number(mark.points),
        "of": 1,
        "held": mark.held,
        "checks": mark.checks,
        "said": said,
    }


def number(points: Fraction) -> float:
    return round(float(points), 4)


def as_csv(marks: Sequence[StudentMark]) -> str:
    """A row for each student, a column for each lesson."""
    numbers = sorted({one.lesson.number for mark in marks for one in mark.lessons})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    lessons = [f"lesson {one}" for one in numbers]
    writer.writerow(["folder", "points", "of", "to look at", *lessons, "reason"])
    for mark in marks:
        points = {one.lesson.number: number(one.points) for one in mark.lessons}
        row = [mark.folder, number(mark.points), len(mark.holes), len(to_look_at(mark))]
        writer.writerow([*row, *(points.get(one, "") for one in numbers), mark.reason])
    return text.getvalue()


def to_look_at(mark: StudentMark) -> list[HoleMark]:
    """The holes of which a teacher must think something."""
    return [hole for hole in mark.holes if hole.status in TO_LOOK_AT]


def as_table(marks: Sequence[StudentMark]) -> str:
    """A row for each student, a sign for each lesson; below it what to look at."""
    width = max(len(str(mark.folder)) for mark in marks)
    numbers = next(([one.lesson.number for one in m.lessons] for m in marks if m.lessons), [])
    tens, units = ("".join(f"{n:02}"[k] for n in numbers) for k in (0, 1))
    lines = [f"{'':<{width}}   points   of  {tens}", f"{'':<{width}}                {units}"]
    for mark in marks:
        row = (
            f"{float(mark.points):>9.2f}{len(mark.holes):>5}  {''.join(map(sign_of, mark.lessons))}"
        )
        lines.append(f"{mark.folder!s:<{width}}{row if not mark.reason else f'  {mark.reason}'}")
    lines.append(f"\n{LEGEND}")
    for mark in marks:
        for one in mark.lessons:
            lines += [f"\n{mark.folder / one.file}\n    {note}" for note in one.notes]
        said = ""
        for hole in to_look_at(mark):
            lines.append(f"\n{mark.folder / hole.place}: {hole.hole}, {hole.status}")
            reason = "The same as above." if hole.reason and hole.reason == said else hole.reason
            lines += [f"    {line}" for line in reason.splitlines()]
            said = hole.reason
    return "\n".join(line.rstrip() for line in lines)


def sign_of(mark: LessonMark) -> str:
    """One character for a lesson."""
    statuses = {hole.status for hole in mark.holes}
    if statuses & TO_LOOK_AT:
        return "?"
    return SIGNS.get(statuses.pop(), "+") if len(statuses) == 1 else "+"
