"""The pages for those who know Keras or PyTorch: both programs of a pair print what stands there.

Ours always run; those of another framework where it is installed. The programs of one framework on
a page are one program, of which each part prints something.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_mo as tg
from test_readme import words_and_numbers

PAGES = Path(__file__).parents[1] / "lessons"
BLOCK = re.compile(r"```(python|text)\n(.*?)```", re.DOTALL)
LINE = "-" * 9  # printed between two parts


def parts_of(name):
    """By part of a page: their program, ours, and what both print."""
    blocks = BLOCK.findall((PAGES / f"from_{name}.md").read_text("utf-8"))
    assert [kind for kind, _ in blocks] == ["python", "python", "text"] * (len(blocks) // 3)
    texts = [text for _, text in blocks]
    return list(zip(texts[::3], texts[1::3], texts[2::3], strict=True))


def check_program(parts, expected, folder, **environment):
    """Run the parts of a program, one behind the other, in a folder."""
    program = f"\nprint({LINE!r})\n".join(parts)
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    printed = run.stdout.split(f"{LINE}\n")
    for found, text in zip(printed, expected, strict=True):
        (words, numbers), (right_words, right_numbers) = map(words_and_numbers, (found, text))
        assert words == right_words
        assert numbers == pytest.approx(right_numbers, rel=1e-3, abs=2e-4)


@pytest.mark.medium
@pytest.mark.parametrize("name", ["keras", "pytorch"])
def test_our_programs_print_what_the_page_says(name, tmp_path):
    _, ours, expected = zip(*parts_of(name), strict=True)
    check_program(ours, expected, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "module"), [("keras", "keras"), ("pytorch", "torch")])
def test_theirs_do_so_too(name, module, tmp_path):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    theirs, _, expected = zip(*parts_of(name), strict=True)
    check_program(theirs, expected, tmp_path, KERAS_BACKEND="torch")


@pytest.mark.parametrize("name", ["keras", "pytorch"])
def test_what_a_page_names_exists(name):
    text = (PAGES / f"from_{name}.md").read_text("utf-8")
    named = set(re.findall(r"\btg((?:\.[A-Za-z_]\w*)+)", text)) - {".gradients"}
    assert len(named) > 10
    for path in named:
        found = tg
        for one in path[1:].split("."):
            found = getattr(found, one)
