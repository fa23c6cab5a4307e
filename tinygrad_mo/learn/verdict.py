"""What the checks say about a student's work."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Timer
from types import CodeType, SimpleNamespace

from .. import platforms
from ..device import seeded
from . import source
from .lesson import Check, Lesson

Reader = Callable[[Lesson], SimpleNamespace]

HOLDS = "holds"
NOT_DONE = "not done yet"
WRONG = "wrong"  # the check says no
RAISED = "raised"  # the student's code, or the check of what it returned, broke off
UNREADABLE = "unreadable"  # the file cannot be executed: no check can run
STOPPED = "stopped"  # by Ctrl-C, or because the time was over

LIMIT = 20.0  # seconds for the checks of one hole; all of ours together take less than one


# What Python or NumPy say, and what it most often means here.
ADVICE = {
    "'tuple' object is not callable": "Pullbacks come in a tuple, also a single one: "
    "value, (pull,) = ... takes it out.",
    "Could not convert object to sequence": "Is there a tensor where NumPy needs an array? "
    "Its array is .value; or use what tensors can do: + - * @ and tg.ops.",
    "output array is read-only": "Make a new array, and do not write into the old one (-=, +=). "
    "A weight gets its new array with assign.",
    "The truth value of an array": "To ask whether there is an array at all, write `is None` or "
    "`is not None`.",
}


@dataclass(frozen=True)
class Result:
    """What one check says."""

    check: Check
    status: str
    message: str = ""

    def __str__(self) -> str:
        mark = {HOLDS: "ok", NOT_DONE: "--"}.get(self.status, "no")
        return f"  {mark}  {self.check.says}{indented(self.message, 6)}"


@dataclass(frozen=True)
class Verdict:
    """What the checks of one hole say."""

    hole: str
    results: list[Result]

    @property
    def right(self) -> bool:
        return all(result.status == HOLDS for result in self.results)

    @property
    def untouched(self) -> bool:
        return all(result.status == NOT_DONE for result in self.results)

    def __str__(self) -> str:
        """What is right already, and the first thing that is not: one thing to think about."""
        if self.untouched:
            return f"{NOT_DONE.capitalize()}."
        bad = [result for result in self.results if result.status != HOLDS]
        if bad and bad[0].status in (UNREADABLE, STOPPED):
            return bad[0].message
        good = [result for result in self.results if result.status == HOLDS]
        count = f"{len(good)} of {len(self.results)} checks hold"
        head = f"Not right yet: {count}." if bad else f"Right: all {len(good)} checks hold."
        return "\n".join([head, *map(str, good), *map(str, bad[:1])])


def indented(message: str, by: int) -> str:
    """The lines of a message below something, long ones wrapped."""
    margin = " " * by
    lines = [textwrap.fill(line, 96 - by) for line in message.splitlines()]
    return "".join(f"\n{textwrap.indent(line, margin)}" for line in lines)


def verdict(lesson: Lesson, hole: str, limit: float = LIMIT) -> Verdict:
    """Run the checks of a hole; Ctrl-C or the limit, in seconds, ends one that does not end."""
    with interrupted_after(limit) as over:
        return Verdict(hole, list(results_of(lesson, hole, over)))


def results_of(
    lesson: Lesson, hole: str, over: Event, read: Reader | None = None
) -> Iterator[Result]:
    """What one check after the other says, up to the first after which no other can run.

    An interrupt is the student's own Ctrl-C, unless the time is `over`.
    """
    for check in lesson.checks(hole):
        try:
            result = run_check(lesson, check, read)
        except KeyboardInterrupt as stop:
            why = "because the time was over" if over.is_set() else "with Ctrl-C"
            message = f"Stopped {why}{place(lesson, stop)}\nDoes a loop there never end?"
            result = Result(check, STOPPED, message)
        yield result
        if result.status in (UNREADABLE, STOPPED):
            return


@contextmanager
def interrupted_after(seconds: float) -> Iterator[Event]:
    """What takes longer in here is stopped as if by Ctrl-C; the event says that it was not."""
    over = Event()
    if threading.current_thread() is not threading.main_thread():  # no other can be interrupted
        yield over
        return

    def interrupt() -> None:
        over.set()
        platforms.interrupt_main_thread()

    timer = Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()


def run_check(lesson: Lesson, check: Check, read: Reader | None = None) -> Result:
    """Run one check on the student's file as it is now.

    Parameters
    ----------
    lesson : Lesson
    check : Check
    read : callable, optional
        Gets the lesson and returns the student's names. Default: `definitions`.
    """
    if lesson.doubt:
        return Result(check, UNREADABLE, lesson.doubt)
    with seeded(0):  # it says the same each time, and takes no number from who is around it
        return run_seeded(lesson, check, read or definitions)


def run_seeded(lesson: Lesson, check: Check, read: Reader) -> Result:
    try:
        written = read(lesson)
    except SyntaxError as error:
        return Result(check, UNREADABLE, syntax_message(lesson, error))
    except (Exception, SystemExit) as error:
        message = f"{lesson.path.name} cannot be run: {in_words(error)}{place(lesson, error)}"
        return Result(check, UNREADABLE, message)
    if not hasattr(written, check.hole):
        message = f"There is no function {check.hole} in {lesson.path.name} any more."
        return Result(check, UNREADABLE, message)
    try:
        check.function(written)
    except (Exception, SystemExit) as error:
        status, message = judged(lesson, check.hole, error)
        if first := broken_before(lesson, check.hole, written):
            status = WRONG
            message = f"Repair {first} first: {check.hole} calls it, and it is not right yet."
        return Result(check, status, message)
    return Result(check, HOLDS)


def broken_before(lesson: Lesson, hole: str, written: SimpleNamespace) -> str:
    """The first of the earlier holes that a function calls and that is not right; mostly none.

    A check of the function cannot see whose fault it is.
    """
    called = names_in(inspect.unwrap(getattr(written, hole)))
    for earlier in lesson.holes[: lesson.holes.index(hole)]:
        if earlier in called and hasattr(written, earlier):
            try:
                for check in lesson.checks(earlier):
                    check.function(written)
            except (Exception, SystemExit):
                return earlier
    return ""


def names_in(function: object) -> set[str]:
    """The names that the code of a function uses, with those of the functions inside it."""
    todo, found = [getattr(function, "__code__", None)], set()
    while todo:
        code = todo.pop()
        if isinstance(code, CodeType):
            found |= set(code.co_names)
            todo += code.co_consts
    return found


def definitions(lesson: Lesson) -> SimpleNamespace:
    """Execute the imports, functions, classes and UPPER_CASE constants of a lesson, nothing else.

    So a check is quick, and what the student tries out elsewhere in the file cannot disturb it.
    """
    own = executed(source.read(lesson.path), lesson.path)
    if lesson.old_number is None:
        return own
    # A file of an earlier course: what today's checks need beside it is as it is today.
    today = executed(lesson.course_path.read_bytes(), lesson.course_path)
    return SimpleNamespace(**(vars(today) | vars(own)))


def executed(text: bytes | str, path: Path) -> SimpleNamespace:
    """The definitions in a text, which came from a path."""
    compile(text, str(path), "exec")  # what Python does not accept elsewhere is an error, too
    tree = ast.parse(text, str(path))
    tree.body = [node for node in tree.body if is_definition(node)]
    names: dict[str, object] = {"__name__": path.stem}
    exec(compile(tree, str(path), "exec"), names)
    return SimpleNamespace(**names)


def is_definition(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Name) and t.id.isupper() for t in node.targets)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)


def judged(lesson: Lesson, hole: str, error: BaseException) -> tuple[str, str]:
    """Status and message for what a check of a hole raised."""
    last = list(traceback.walk_tb(error.__traceback__))[-1][0].f_code.co_filename
    if isinstance(error, NotImplementedError) and lesson.owns(last):
        return NOT_DONE, ""
    where = place(lesson, error)
    if isinstance(error, AssertionError) and (last == str(lesson.answers_path) or not where):
        return WRONG, str(error)
    if isinstance(error, NameError) and re.search(rf"^{error.name}\b", lesson.text(), re.M):
        where += f"\nThe checks run the function alone: it cannot use {error.name} of the script."
    elif isinstance(error, NameError) and "local variable" not in str(error):
        where += "\nIs the name written right? A module must be imported at the top of the lesson."
    if where:
        where += "".join(f"\n{says}" for part, says in ADVICE.items() if part in str(error))
        return RAISED, f"Your code raised {in_words(error)}{where}"
    if isinstance(error, TypeError) and str(error).startswith(f"{hole}() "):
        return RAISED, f"Are the inputs still those of the lesson, in their order?\n{error}"
    advice = "does it return what the text asks for?"
    if "NoneType" in str(error):
        advice = "it returned None: is a `return` missing?"
    return RAISED, f"The check cannot use what your function returned; {advice}\n{in_words(error)}"


def in_words(error: BaseException) -> str:
    """The last line of a traceback, without the place where a check has built its graph."""
    lines = "".join(traceback.format_exception_only(error)).strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith("wired at "))


def place(lesson: Lesson, error: BaseException) -> str:
    """The last line of the student's file on the way to an error; empty if there is none."""
    steps = [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    own = [step for step in steps if lesson.owns(step[0])]
    return f"\nin {lesson.shown(*own[-1])}" if own else ""


def why_unreadable(lesson: Lesson) -> str:
    """Why Python cannot read the file, whatever the hole; mostly empty."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source.read(lesson.path), str(lesson.path), "exec")
    except SyntaxError as error:
        return syntax_message(lesson, error)
    except (OSError, ValueError) as error:
        return f"Python cannot read {lesson.path.name}: {error}"
    return ""


def syntax_message(lesson: Lesson, error: SyntaxError) -> str:
    """Where Python cannot read the file, as it would show it."""
    number, text = error.lineno or 0, (error.text or "").strip("\n")
    if not number:
        return f"Python cannot read {lesson.path.name}: {error.msg}"
    message = f"Python cannot read {lesson.place(number)}: {error.msg}"
    if not text:
        return f"{message}\n    {lesson.line(number)}"
    column = max(error.offset or 1, 1) - 1 - (len(text) - len(text.lstrip()))
    return f"{message}\n    {text.strip()}\n    {' ' * column}^"
