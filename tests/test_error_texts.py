"""What users read when something is wrong, word by word: tests/references/error_texts.md.

Each case in that file is a few lines of a user's program and all that they bring about. To write
the answers anew: REWRITE=1 python -m pytest tests/test_error_texts.py, and read what has changed.
"""

import difflib
import os
import re
import warnings
from pathlib import Path

import pytest

import tinygrad_mo as tg

FILE = Path(__file__).parent / "references" / "error_texts.md"
CODE = r"```python\n((?:(?!```).)*)```"
SETUP = re.compile(CODE, re.DOTALL)
CASE = re.compile(CODE + r"\n\n```text\n(.*?)```", re.DOTALL)


def answer(setup, code):
    """Everything that a program says: warnings, and the error that ends it."""
    tg.set_random_seed(0)
    names, lines = {}, []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(setup, "network.py", "exec"), names)
            exec(compile(code, "program.py", "exec"), names)
        except Exception as error:
            lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])]
    lines = [f"{one.category.__name__}: {one.message}" for one in caught] + lines
    return "\n".join(lines or ["nothing"]) + "\n"


def answered(text):
    setup = SETUP.search(text)[1]
    return CASE.sub(
        lambda case: f"```python\n{case[1]}```\n\n```text\n{answer(setup, case[1])}```", text
    )


@pytest.mark.medium
def test_the_texts_are_those_in_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = FILE.read_text("utf-8")
    found = answered(text)
    if os.environ.get("REWRITE"):
        FILE.write_text(found, "utf-8")
    else:
        changes = difflib.unified_diff(text.splitlines(), found.splitlines(), "file", "now", n=4)
        assert found == text, "\n".join(changes)


def test_there_is_no_mistake_without_an_answer():
    cases = CASE.findall(FILE.read_text("utf-8"))
    assert len(cases) >= 60
    for code, said in cases:
        assert re.match(r"\w+(Error|Warning): ", said), code
        assert not re.search(r"object at 0x|<built-in|<function|NoneType", said), said
