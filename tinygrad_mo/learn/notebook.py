"""Notebooks made from lessons, with a cell behind each hole that checks it; and their slides."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..whole_files import replace_file
from .lesson import Lesson, course_lessons

INSTALL = "python -m pip install jupytext jupyterlab"
TUTOR = "import tinygrad_mo.learn as tutor"  # a name that no lesson uses
HEADING = re.compile(r"^(?=## )", re.M)


def need(module: str) -> None:
    """A `ValueError` that says how to install a module that is missing."""
    if importlib.util.find_spec(module) is None:
        raise ValueError(f"this needs {module}, which is not installed; type: {INSTALL}")


def make_notebook(lesson: Lesson) -> Path:
    """Write a notebook beside the script of a lesson, onto an old one if there is one."""
    need("jupytext")
    import jupytext

    notebook = jupytext.reads(lesson.script.read_text("utf-8"), fmt="py:percent")
    notebook.metadata.pop("jupytext", None)  # no pairing: nothing is ever written back
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    notebook.cells = with_slides(with_checks(notebook.cells, lesson))
    path = lesson.script.with_suffix(".ipynb")
    replace_file(path, jupytext.writes(notebook, fmt="ipynb").encode())
    return path


def with_checks(cells: list[Any], lesson: Lesson) -> list[Any]:
    """Behind each cell with a hole comes one that checks it."""
    from nbformat.v4 import new_code_cell

    shared = [hole for one in course_lessons() for hole in one.holes]
    checked: list[Any] = []
    imports = f"{TUTOR}\n\n"
    for cell in cells:
        checked.append(cell)
        for hole in holes_in(cell, lesson):
            which = f', "{lesson.name}"' if shared.count(hole) > 1 else ""
            call = f'tutor.check("{hole}"{which})  # tutor.hint("{hole}"{which}) helps'
            checked.append(new_code_cell(imports + call))
            imports = ""
    return checked


def holes_in(cell: Any, lesson: Lesson) -> list[str]:
    if cell.cell_type != "code":
        return []
    functions = [one for one in ast.parse(cell.source).body if isinstance(one, ast.FunctionDef)]
    return [one.name for one in functions if one.name in lesson.holes]


def with_slides(cells: list[Any]) -> list[Any]:
    """Each heading begins a slide; what follows is on the same one, and code below it."""
    from nbformat.v4 import new_markdown_cell

    parts: list[Any] = []
    for cell in cells:
        if cell.cell_type == "markdown":
            texts = [text.strip() for text in HEADING.split(cell.source)]
            parts += [new_markdown_cell(text) for text in texts if text]
        else:
            parts.append(cell)
    for cell in parts:
        is_start = cell.cell_type == "markdown" and cell.source.startswith(("# ", "## "))
        is_below = cell.cell_type == "markdown" and cell.source.startswith("### ")
        kind = "slide" if is_start else "subslide" if is_below else "-"
        cell.metadata["slideshow"] = {"slide_type": kind}
    return parts


def make_slides(notebook: Path) -> Path:
    """Write the slides of a notebook, with what its cells have printed, into one page.

    The page asks the internet for the program that turns slides, unless a folder ``reveal.js``, a
    copy of that program, is beside the notebook.
    """
    need("nbconvert")
    command = [sys.executable, "-m", "nbconvert", "--to", "slides", "--log-level", "WARN"]
    if (notebook.parent / "reveal.js").is_dir():
        command += ["--SlidesExporter.reveal_url_prefix=reveal.js"]
    subprocess.run([*command, notebook.name], cwd=notebook.parent, check=True)
    return notebook.with_suffix(".slides.html")
