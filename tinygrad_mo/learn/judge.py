"""The process in which one hole is checked: a program that `marking` starts.

A check can only ask a student's function from inside the same process. So the parent believes
nothing but lines that begin with a token, which the student's code is never given; an end without
the last of these lines counts as no answer.
"""

from __future__ import annotations

import _thread
import builtins
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from ..device import at_work
from ..platforms import limit_memory
from .assembly import Assembly, assemble
from .guard import Refuse, Untouched, Watch, hook
from .lesson import Lesson, course_folder
from .verdict import Reader, interrupted_after, results_of

LONGEST = 4000  # characters of a message
MEMORY = 4 << 30  # bytes that a hole may take: no list shall grow until the machine stands still


def main() -> None:
    """Read from the parent what to do, check the hole, and say what comes out."""
    order = json.loads(sys.stdin.readline())
    channel, nowhere = os.dup(1), os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # what the student prints goes nowhere
    token, write, leave = order["token"], os.write, os._exit

    def tell(**said: object) -> None:
        write(channel, f"{token}{json.dumps(said)}\n".encode())

    def refuse(reason: str) -> None:
        tell(not_marked=reason)
        leave(1)

    limit_memory(MEMORY)
    lesson = Lesson(Path(order["path"]), Path(order["answers"]))
    # Whoever trains in a check finds threads and memory settled: that is the only use of ctypes.
    with at_work(), interrupted_after(order["limit"]) as over:
        read, look = strict(lesson, order["hole"], refuse) if order["strict"] else (None, nothing)
        for result in results_of(lesson, order["hole"], over, read):
            look()
            message = result.message[:LONGEST]
            tell(check=result.check.name, status=result.status, message=message)
    tell(end=True)
    leave(0)  # no thread and no exit handler of the student's has a word after this


def nothing() -> None:
    """Nobody looks where the student's own eyes do."""


def strict(lesson: Lesson, hole: str, refuse: Refuse) -> tuple[Reader, Callable[[], None]]:
    """`watched`, in a process where files and the machine are out of reach from now on."""
    parts = assemble(lesson)
    if hole in parts.refused:
        refuse(parts.refused[hole])
    found = watched(lesson, parts, refuse)
    readable = [lesson.path, lesson.course_path]
    secret = [lesson.course_path.parent, course_folder()]
    sys.addaudithook(hook(readable, secret, refuse))
    return found


def watched(lesson: Lesson, parts: Assembly, refuse: Refuse) -> tuple[Reader, Callable[[], None]]:
    """How the student's names are read where nothing is believed, and a look at all around."""
    holes, answers = lesson.holes, lesson.answers
    library = [vars(m) for name, m in list(sys.modules.items()) if is_relied_on(name)]
    far = Untouched([vars(builtins), *library, answers])
    near = Untouched([vars(builtins), vars(np), vars(np.linalg), answers], classes=False)
    count, threads = _thread._count, _thread._count()

    def read(_: Lesson) -> SimpleNamespace:
        names: dict[str, Any] = {"__name__": lesson.path.stem}
        exec(parts.given, names)
        given = Untouched([names], modules=False)  # a check may replace a module
        watch = Watch(names, [near, given], refuse)
        exec(parts.own, names)
        for name in holes:
            if isinstance(names.get(name), FunctionType):
                names[name] = watch.function(names[name])
        exec(parts.late, names)
        return SimpleNamespace(**names)

    def look() -> None:
        if changed := far.change() or near.change():
            refuse(f"it changes {changed}")
        if count() > threads:
            refuse("it leaves a thread behind")

    return read, look


def is_relied_on(module: str) -> bool:
    return module.split(".")[0] in ("numpy", "tinygrad_mo", "operator", "math")
