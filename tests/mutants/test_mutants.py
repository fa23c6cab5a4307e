"""The checker of the tests can fail: it sees what is noticed, what survives, and what is equal."""

import subprocess
import sys
from pathlib import Path

import pytest

import c_changes
import mutant
import python_changes
from tinygrad_mo.compiled import library

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAM = """
def area(width, height):
    return width * height


def small(x):
    return x if x < 100 else 100


def unused(x):
    return x + 1
"""
MARKERS = """
[pytest]
markers =
  slow
  medium
  exhaustive
"""
COUNTDOWN = """

def countdown(n):
    while n > 0:
        n -= 1
    return n


def test_countdown():
    assert countdown(3) == 0
"""
TESTS = """
from small import *


def test_area():
    assert area(2, 3) == 6


def test_small():
    assert small(1) == 1
    assert small(200) == 100
"""
AREA = "small/__init__.py area\n- return width * height\n+ return {}\nSaid.\n"
SMALL = (
    "small/__init__.py small\n- return x if x < 100 else 100\n+ return x if x {} 100 else 100\n."
)


def asked(root, *options):
    """What the program says of a tiny one, and its exit code."""
    command = [sys.executable, HERE / "run.py", *options, "--root", root, "--lists", root, "tests"]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True)
    return run.stdout + run.stderr, run.returncode


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name, text in (("small/__init__.py", PROGRAM), ("tests/test_small.py", TESTS)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    (tmp_path / "pytest.ini").write_text(MARKERS)
    return tmp_path


def write_lists(folder, equal, survived):
    for name, entries in (("equal", equal), ("survived", survived)):
        (folder / f"{name}.txt").write_text("\n\n".join(["Mutants.", *entries]))


@pytest.mark.exhaustive
def test_what_no_test_notices_is_reported(tiny):
    said, code = asked(tiny, "--only", "small", "--count", "100")
    assert code == 1
    left = said[said.index("left out\n") :]
    assert "small/__init__.py area" not in left, "no mutant of what is tested survives"
    assert "- return x if x < 100 else 100\n+ return x if x <= 100 else 100" in left
    assert "not run: small/__init__.py:11\nsmall/__init__.py unused" in left


@pytest.mark.exhaustive
def test_an_equal_program_is_not_killed_and_the_lists_are_held_to_what_they_say(tiny):
    write_lists(tiny, [AREA.format("height * width"), SMALL.format("<=")], [])
    said, code = asked(tiny, "--known")
    assert code == 0 and "2 mutants, 0 of them not noticed" in said
    write_lists(
        tiny,
        [AREA.format("width + height"), AREA.format("1").replace("width *", "high *")],
        [AREA.format("height * width")],
    )
    said, code = asked(tiny, "--known")
    assert code == 1 and "2 mutants, 1 of them not noticed" in said
    assert "in equal.txt, but noticed by tests/test_small.py::test_area" in said
    assert "there is no such line any more" in said


@pytest.mark.slow
def test_a_loop_without_an_end_is_ended_and_noticed(tiny):
    with (tiny / "tests" / "test_small.py").open("a") as file:
        file.write(COUNTDOWN)
    write_lists(tiny, [], ["tests/test_small.py countdown\n- n -= 1\n+ n += 1\nNo end."])
    said, code = asked(tiny, "--known")
    assert code == 0 and "tests/test_small.py::test_countdown (SIGXCPU)" in said


@pytest.mark.slow
def test_where_a_test_fails_already_nothing_is_judged(tiny):
    with (tiny / "tests" / "test_small.py").open("a") as file:
        file.write("\n\ndef test_wrong():\n    assert area(1, 1) == 2\n")
    said, code = asked(tiny, "--only", "small")
    assert code == 2 and "tests/test_small.py::test_wrong" in said and "killed" not in said


SAMPLE = """Mutants.

tinygrad_mo/ops/gelu.py error_function
- z = xp.minimum(xp.abs(x), 6)
+ z = xp.minimum(xp.abs(x), 5)
Cut too soon.

kernels/cpu/inner_products.c inner_products
- for (num k = 0; k < count; k++) to[k] = from[k];
+ for (num k = 1; k < count; k++) to[k] = from[k];
In C.
"""
SOME = [
    "tests/layers/test_layers_reshaping.py::test_erf",
    "tests/compiled/test_compiled.py::test_inner_products_are_summed_in_double_precision",
]


@pytest.mark.exhaustive
@pytest.mark.skipif(library.load()[0] is None, reason="needs a C compiler")
def test_mutants_of_this_program_are_noticed(tmp_path):
    (tmp_path / "survived.txt").write_text(SAMPLE)
    command = [sys.executable, HERE / "run.py", "--known", "--lists", tmp_path, *SOME]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 mutants, 0 of them not noticed" in run.stdout


def changed(language, text):
    """The changes of a line's code, without the line."""
    return {new.strip() for _, new in language.changes(text)}


def test_changes_of_python():
    text = 'def f(x, axis):\n    """1 + 1"""\n    return -x.sum(axis=0) + (2 if x > 1.0 else 3)\n'
    start, end = "return ", " + (2 if x > 1.0 else 3)"
    some = {
        "return x.sum(axis=0) + (2 if x > 1.0 else 3)",
        f"{start}-axis.sum(axis=0){end}",
        f"{start}-x.mean(axis=0){end}",
        f"{start}-x.sum(axis=1){end}",
        f"{start}-x.sum(axis=0) - (2 if x > 1.0 else 3)",
        f"{start}0{end}",
        f"{start}-x.sum(axis=0) + (0)",
        f"{start}-x.sum(axis=0) + (3 if x > 1.0 else 3)",
        f"{start}-x.sum(axis=0) + (2 if x > 1.5 else 3)",
        f"{start}-x.sum(axis=0) + (2 if x >= 1.0 else 3)",
        f"{start}-x.sum(axis=0) + (2 if not (x > 1.0) else 3)",
        f"{start}-x.sum(axis=0) + (2 if axis > 1.0 else 3)",
        f"{start}-x.sum(axis=0) + (2 if x > 1.0 else 4)",
    }
    assert changed(python_changes, text) == some


def test_what_is_said_and_what_names_types_stays_as_it_is():
    text = """
def f(x: int = 1) -> list[1]:
    y: dict[0, 1] = x
    assert x > 0
    raise ValueError(f"{x + 1}" + str(1 + 1))
"""
    assert changed(python_changes, text) == set()


def test_statements_that_are_left_out():
    text = "def f(x):\n    x.sort(\n        key=None,\n    )\n    x += 1\n"
    assert {"if False: x.sort(", "if False: x += 1"} < changed(python_changes, text)


def test_changes_of_c():
    text = "/* 1 + 1 */\n#define N 0\nint f(int n) {\n    return n * 0.5f; /* n + 1 */\n}\n"
    end = "; /* n + 1 */"
    assert changed(c_changes, text) == {f"return n / 0.5f{end}", f"return n * 1.01f * 0.5f{end}"}


def test_a_mutant_is_found_again_by_its_name(tmp_path):
    path = tmp_path / "two.py"
    path.write_text("def f(x):\n    x = x + 1\n    x = x + 1\n    return x\n")
    every = list(mutant.mutants_of(path, tmp_path))
    assert len(every) == 6 and [mutant.found(one.name, tmp_path) for one in every] == every
    assert every[-1].text(tmp_path).splitlines()[1] == "    x = x + 1", "the first one stays"
    (tmp_path / "list.txt").write_text(
        "\n\n".join(["What these are.", *(f"{one}\nA reason\nof two lines." for one in every)])
    )
    assert mutant.listed(tmp_path / "list.txt") == dict.fromkeys(
        (one.name for one in every), "A reason of two lines."
    )
    path.write_text("\n\n" + path.read_text())
    assert [mutant.found(one.name, tmp_path).line for one in every] == [
        one.line + 2 for one in every
    ]
    path.write_text("def f(x):\n    return x\n")
    assert mutant.found(every[0].name, tmp_path) is None
