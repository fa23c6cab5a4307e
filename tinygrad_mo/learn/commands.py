"""What `tinygrad-mo learn`, `check`, `notebook` and `lab` do."""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from .lesson import Lesson, copy_lessons, lessons_in
from .notebook import make_notebook, need
from .runner import Runner, first_task, task_text
from .verdict import NOT_DONE, verdict

COMMANDS = ("learn", "check", "notebook", "lab")


def add_commands(commands: Any) -> None:
    """Describe the commands to argparse."""
    learn = commands.add_parser("learn", help="work through the lessons")
    learn.add_argument("--start", type=Path, metavar="DIR", help="copy the lessons to a folder")
    learn.add_argument(
        "--solved", action="store_true", help="with --start: the solutions are in, to show a lesson"
    )
    check = commands.add_parser("check", help="check your work in one lesson")
    notebook = commands.add_parser("notebook", help="make a notebook of a lesson")
    about = "open all lessons in JupyterLab; lab toy, compare, groups: balancing losses"
    lab = commands.add_parser("lab", help=about)
    for command in (check, notebook):
        command.add_argument("number", type=int, metavar="N", help="number of the lesson")
    for command in (learn, check, notebook, lab):
        command.add_argument(
            "folder",
            nargs="?",
            type=Path,
            default=Path(),
            metavar="DIR",
            help="your folder with lessons (default: this folder)",
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
        return run_check_lesson(options.number, options.folder)
    if options.command == "notebook":
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
    for lesson in lessons:
        if lesson.number == number:
            return lesson
    known = ", ".join(str(lesson.number) for lesson in lessons)
    raise ValueError(f"there is no lesson {number}; there are {known}")


def run_start(folder: Path, solved: bool = False) -> int:
    """Copy the lessons, and say what to type next."""
    copied, kept = copy_lessons(folder, solved)
    print(f"Copied {len(copied)} files to {folder.resolve()}")
    if kept:
        print(f"Kept, because they were there already: {', '.join(kept)}")
    first = lessons_in(folder)[0]
    print(f'\nNow type:\n  cd "{folder}"\n  {this_command()} learn\n')
    print(f"and open {first.path.name} in your editor.")
    return 0


def run_learn(folder: Path) -> int:
    """Guide a student; where nobody can type, print the task (exit code 1) or that all is done."""
    lessons = students_lessons(folder)
    if sys.stdin.isatty():
        Runner(folder).run()
        return 0
    task = first_task(lessons)
    if task is None:
        print(f"All {len(lessons)} lessons are done.")
        return 0
    print(task_text(*task))
    return 1


def run_check_lesson(number: int, folder: Path) -> int:
    """What every check of a lesson says."""
    lesson = students_lesson(number, folder)
    print(lesson.title)
    all_right = True
    for hole in lesson.holes:
        found = verdict(lesson, hole)
        print(f"\n{lesson.path}, line {lesson.line_of(hole) or 1}: {hole}")
        if found.untouched:
            print(f"{NOT_DONE.capitalize()}. What will be checked:")
        said: set[str] = set()
        for result in found.results:
            new = not result.message or result.message not in said
            print(result if new else replace(result, message="The same as above."))
            said.add(result.message)
        all_right &= found.right
    return 0 if all_right else 1


def run_notebook(number: int, folder: Path, force: bool) -> int:
    """Make the notebook of one lesson."""
    lesson = students_lesson(number, folder)
    old = lesson.path.with_suffix(".ipynb")
    if old.exists() and not force:
        if not sys.stdin.isatty():
            raise ValueError(f"{old} exists already; --force replaces it")
        if input(f"{old} exists already. Replace it, with all you did there? [y/n] ") != "y":
            print("It stays as it is.")
            return 1
    print(f"Written: {make_notebook(lesson.path)}")
    print(f"To read and run. What is checked is your code in {lesson.path.name}.")
    return 0


def run_lab(folder: Path) -> int:
    """Make the notebooks that are missing, and open JupyterLab."""
    lessons = students_lessons(folder)
    need("jupytext")
    need("jupyterlab")
    for lesson in lessons:
        if not lesson.path.with_suffix(".ipynb").exists():
            make_notebook(lesson.path)
    print("What is checked is your code in the .py files; the notebooks are to read and run.")
    print("Stop JupyterLab with Ctrl-C in this window.")
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(folder.resolve())])
