"""Notebooks made from lessons: in one direction only, the script stays what counts."""

from __future__ import annotations

import importlib.util
from pathlib import Path

INSTALL = "python -m pip install jupytext jupyterlab"


def need(module: str) -> None:
    """A `ValueError` that says how to install a module that is missing."""
    if importlib.util.find_spec(module) is None:
        raise ValueError(f"this needs {module}, which is not installed; type: {INSTALL}")


def make_notebook(script: Path) -> Path:
    """Write a notebook beside a percent script, onto an old one if there is one."""
    need("jupytext")
    import jupytext

    notebook = jupytext.read(script, fmt="py:percent")
    notebook.metadata.pop("jupytext", None)  # no pairing: nothing is ever written back
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    path = script.with_suffix(".ipynb")
    jupytext.write(notebook, path, fmt="ipynb")
    return path
