"""What `tinygrad-mo learn`, `check`, `notebook` and `lab` do."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Any

from ..console import is_terminal
from .lesson import (
    RULE,
    TEST_FILES,
    Lesson,
    copy_lessons,
    lesson_of,
    lessons_in,
    renumbered,
)
from .marking import RIGHT, judged, mark
from .notebook import make_notebook, make_slides, need
from .report import as_csv, as_json, as_table
from .runner import Runner, first_task, task_text
from .verdict import LIMIT, NOT_DONE, why_unreadable

CODES = """exit codes:
  0    every hole is right
  1    something is not right, not done, or not marked
  2    nothing could be checked: the message says why
  130  stopped with Ctrl-C"""
COMMANDS = ("learn", "check", "notebook", "lab")


def add_commands(commands: Any) -> None:
    """Describe the commands to argparse."""
    learn = commands.add_parser("learn", help="work through the lessons")
    learn.add_argument("--start", type=Path, metavar="DIR", help="copy the lessons to a folder")
    learn.add_argument(
        "--solved", action="store_true", help="with --start: the solutions are in, to show a lesson"
    )
    check = commands.add_parser(
        "check",
        help="check your work; --all: mark the work of a whole class",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=CODES,
    )
    check.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help="number of a lesson (and a folder), a file, or a folder (default: this one)",
    )
    check.add_argument("--all", action="store_true", help="mark: WHAT is a folder per student")
    check.add_argument("--json", action="store_true", help="with --all: for a program")
    check.add_argument("--csv", action="store_true", help="with --all: for a spreadsheet")
    check.add_argument("--lessons", type=numbers, metavar="N-M,...", help="with --all: only these")
    check.add_argument(
        "--limit", type=float, default=LIMIT, metavar="SECONDS", help="for a hole (default: 20)"
    )
    notebook = commands.add_parser("notebook", help="make a notebook of a lesson")
    about = "open all lessons in JupyterLab; lab toy, compare, groups: balancing losses"
    lab = commands.add_parser("lab", help=about)
    notebook.add_argument("number", type=int, metavar="N", help="number of the lesson")
    for command in (learn, notebook, lab):
        command.add_argument(
            "folder",
            nargs="?",
            type=Path,
            default=Path(),
            metavar="DIR",
            help="your folder with lessons (default: this folder)",
        )
    notebook.add_argument(
        "--slides", action="store_true", help="make slides of the notebook, as it is now"
    )
    notebook.add_argument("--force", action="store_true", help="replace the old notebook")


def run(options: argparse.Namespace) -> int:
    """Run one of the commands; the result is the exit code."""
    if options.command == "learn":
        if options.start and options.folder != Path():
            raise ValueError(f"learn --start DIR takes one folder: leave {options.folder}")
        if options.solved and not options.start:
            raise ValueError("--solved makes a new copy of the lessons: learn --start DIR --solved")
        start = options.start
        return run_start(start, options.solved) if start else run_learn(options.folder)
    if options.command == "check":
        return run_check(options)
    if options.command == "notebook":
        if options.slides:
            return run_slides(options.number, options.folder)
        return run_notebook(options.number, options.folder, options.force)
    return run_lab(options.folder)


def this_command() -> str:
    """How the student has called us: so it can be typed again as printed."""
    is_module = Path(sys.argv[0]).name == "__main__.py"
    return "python -m tinygrad_mo" if is_module else "tinygrad-mo"


def students_lessons(folder: Path) -> list[Lesson]:
    """The lessons in a folder, or a message what to do."""
    lessons = lessons_in(folder)
    if not lessons:
        where = "this folder" if folder == Path() else f"the folder {folder}"
        raise ValueError(
            f"there are no lessons in {where}. Copy them to a new folder and go there:\n"
            f"  {this_command()} learn --start my_lessons\n  cd my_lessons"
        )
    return lessons


def students_lesson(number: int, folder: Path) -> Lesson:
    lessons = students_lessons(folder)
    word = renumbered(lessons, number)
    for lesson in lessons:
        if lesson.number == number:
            if word:
                print(word)
            return lesson
    known = ", ".join(str(lesson.number) for lesson in lessons)
    raise ValueError(f"there is no lesson {number}; there are {known}. {word}".rstrip())


def numbers(text: str) -> set[int]:
    """Such as ``3-5,8``.

    >>> sorted(numbers("3-5,8"))
    [3, 4, 5, 8]
    """
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def run_start(folder: Path, solved: bool = False) -> int:
    """Copy the lessons, and say what to type next."""
    copied, kept = copy_lessons(folder, solved)
    extras = [name for name in copied if name in TEST_FILES]
    print(f"Copied to {folder.resolve()}: {len(copied) - len(extras)} lessons", end="")
    print(f", and {len(extras)} files for pytest" if extras else "")
    if kept:
        print(f"Kept, because they were there already: {', '.join(kept)}")
    first = lessons_in(folder)[0]
    print(f'\nNow type:\n  cd "{folder}"\n  {this_command()} learn\n')
    print(f"and open {first.path.name} in your editor.")
    return 0


def run_learn(folder: Path) -> int:
    """Guide a student; where nobody can type, print the task (exit code 1) or that all is done."""
    lessons = students_lessons(folder)
    if is_terminal(sys.stdin):
        Runner(folder).run()
        return 0
    task = first_task(lessons)
    if task is None:
        print(f"All {len(lessons)} lessons are done.")
        return 0
    print(task_text(*task))
    return 1


def run_check(options: argparse.Namespace) -> int:
    """Check a lesson, a file, or a folder for the student's own eyes; or mark a class."""
    if options.limit <= 0:
        raise ValueError(f"--limit is a number of seconds above 0, not {options.limit:g}")
    if options.all:
        return run_marking(options)
    if options.json or options.csv or options.lessons:
        raise ValueError("--json, --csv and --lessons are for marking: check --all DIR ...")
    lessons = lessons_meant(options.what)
    is_right = [show_checks(lesson, options.limit) for lesson in lessons]
    if len(lessons) > 1:
        print(f"\n{sum(is_right)} of {len(lessons)} lessons are right.")
    return 0 if all(is_right) else 1


def lessons_meant(what: Sequence[str]) -> list[Lesson]:
    """The lesson of a number (in a folder) or of a file; all those in a folder."""
    first, *rest = what or ["."]
    if first.isdecimal() and len(rest) <= 1:
        return [students_lesson(int(first), Path(*rest))]
    path = Path(first)
    if rest:
        raise ValueError("check takes one lesson; for the folders of a class: check --all DIR ...")
    if path.is_dir():
        return students_lessons(path)
    if not path.is_file():
        raise ValueError(f"{first} is no number, no file and no folder")
    return [lesson_of(path)]


def show_checks(lesson: Lesson, limit: float) -> bool:
    """What every check of a lesson says, in a process for each hole; is all of it right?"""
    print(lesson.title)
    if lesson.note:
        print(lesson.note)
    if problem := lesson.doubt or why_unreadable(lesson):
        print(problem)
        return False
    all_right, before = True, ""
    for hole in lesson.holes:
        print(f"\n{lesson.place_of_hole(hole)}: {hole}", flush=True)
        found = judged(lesson, hole, limit, strict=False)
        if found.status == NOT_DONE:
            print(f"{NOT_DONE.capitalize()}. What will be checked:")
        said = {before} - {""}  # a file that cannot be run is that for each hole
        for result in found.results:
            new = not result.message or result.message not in said
            print(result if new else replace(result, message="The same as above."))
            said.add(result.message)
        if found.reason and found.reason not in said:
            print(f"  no  {found.reason}")
        before = found.reason
        all_right &= found.status == RIGHT
    return all_right


def run_marking(options: argparse.Namespace) -> int:
    """A row of points for each folder."""
    if options.json and options.csv:
        raise ValueError("--json or --csv, not both")
    names = options.what or ["."]
    # Windows leaves patterns such as class\\* to the programs.
    found = [sorted(glob(name)) if set(name) & set("*?") else [name] for name in names]
    folders = [Path(name) for some in found for name in some]
    marks = mark(folders, options.lessons, options.limit)
    if options.json:
        print(as_json(marks, options.limit))
    else:
        print(as_csv(marks) if options.csv else as_table(marks), end="" if options.csv else "\n")
    if all(one.reason for one in marks):
        return 2
    holes = [hole for one in marks for hole in one.holes]
    is_right = all(hole.status == RIGHT for hole in holes) and not any(one.reason for one in marks)
    return 0 if is_right else 1


def run_notebook(number: int, folder: Path, force: bool) -> int:
    """Make the notebook of one lesson."""
    lesson = students_lesson(number, folder)
    if lesson.script.suffix != ".py":
        raise ValueError(
            f"{lesson.path} is all there is of lesson {number}: learn --start {folder}"
        )
    old = lesson.script.with_suffix(".ipynb")
    if old.exists() and not force:
        if not is_terminal(sys.stdin):
            raise ValueError(f"{old} exists already; --force replaces it")
        if input(f"{old} exists already. Replace it, with all you did there? [y/n] ") != "y":
            print("It stays as it is.")
            return 1
    print(f"Written: {make_notebook(lesson)}")
    print(f"Work in the notebook or in {lesson.script.name}. {RULE}")
    return 0


def run_slides(number: int, folder: Path) -> int:
    """Make slides of a notebook; one that is not there is made first."""
    lesson = students_lesson(number, folder)
    notebook = lesson.script.with_suffix(".ipynb")
    if not notebook.exists():
        make_notebook(lesson)
    print(f"Written: {make_slides(notebook)}")
    print("To show results on the slides, run all cells and save the notebook first.")
    return 0


def run_lab(folder: Path) -> int:
    """Make the notebooks that are missing, and open JupyterLab."""
    lessons = students_lessons(folder)
    need("jupytext")
    need("jupyterlab")
    for lesson in lessons:
        if not lesson.script.with_suffix(".ipynb").exists():
            make_notebook(lesson)
    print(f"Work in the notebook or in the .py file of a lesson. {RULE}")
    print("Stop JupyterLab with Ctrl-C in this window.")
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(folder.resolve())])
