"""Checks and hints that are called from a cell of a notebook."""

import json

import pytest

from small_course import ADDING, HOLE, finish, talk, write
from tinygrad_mo import cli
from tinygrad_mo.learn import cell, lessons_in, my_work, verdict
from tinygrad_mo.learn.lesson import course_folder
from tinygrad_mo.learn.progress import FILE_NAME

BODIES = ["return x + y", "return 2 * x"]


@pytest.fixture
def notebook(student):
    """Runs a cell in the namespace of a notebook."""
    names = {"__name__": "__main__", "check": cell.check, "hint": cell.hint}
    cell.hints_given.clear()

    def run(text):
        exec(compile(text, "<cell>", "exec"), names)

    return run


def text_of(*bodies):
    text = ADDING.partition("print(")[0]
    for body in bodies:
        text = text.replace(HOLE, body, 1)
    return text


def test_what_the_notebook_has_defined_is_checked(notebook, capsys):
    notebook(text_of("return x - y"))
    notebook("check('add')")
    assert capsys.readouterr().out.splitlines() == [
        "add: Not right yet: 1 of 3 checks hold.",
        "  ok  adding zero changes nothing",
        "  no  two numbers are added",
        "      2 + 3 is 5, not -1",
    ]
    notebook(text_of("return x + y"))
    notebook("check(add)\ncheck()")
    printed = capsys.readouterr().out
    assert printed.count("add: Right: all 3 checks hold.") == 2
    assert "double: Not done yet." in printed


def test_an_error_is_shown_in_its_cell(notebook, capsys):
    notebook(text_of("return x / 0"))
    notebook("check('add')")
    assert (
        "ZeroDivisionError: division by zero\n      in line 11 of its cell"
        in capsys.readouterr().out
    )


def test_hints_become_stronger(notebook, capsys):
    notebook("hint('add')\nhint('add')\nhint('add')")
    hints = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Hint")]
    assert hints == ["Hint 1 of 2:", "Hint 2 of 2:", "Hint 2 of 2:"]


def test_what_cannot_be_checked_is_said(notebook):
    with pytest.raises(ValueError, match="this notebook has defined none of the functions yet"):
        notebook("check('')")
    with pytest.raises(ValueError, match="there is no hole 'subtract'"):
        notebook("check('subtract')")
    with pytest.raises(ValueError, match="there is no lesson 'x'; there are adding, counting"):
        notebook("check('add', 'x')")


def test_a_hole_of_two_lessons_is_that_of_the_notebook(notebook, capsys):
    answers = course_folder() / "answers" / "02_counting.py"
    answers.write_text(answers.read_text("utf-8") + '\nHINTS["add"] = ["One.", "Two."]\n', "utf-8")
    with pytest.raises(ValueError, match='say lesson="adding" or lesson="counting"'):
        notebook("hint('add')")
    notebook("hint('add', 'counting')")
    assert "One." in capsys.readouterr().out
    notebook(text_of())
    notebook("check('add')")
    assert capsys.readouterr().out == "add: Not done yet.\n"


# Notebooks as files


def as_notebook(*bodies):
    sources = ["%matplotlib inline\nimport numpy as np\n", text_of(*bodies), "!ls\nadd?\n"]
    cells = [{"cell_type": "code", "source": source.splitlines(True)} for source in sources]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "# Hello"}, *cells]})


@pytest.mark.exhaustive
def test_a_notebook_is_checked_like_a_script(student, capsys):
    path = student / "01_adding.ipynb"
    path.write_text(as_notebook("return x - y"), "utf-8")
    assert cli.main(["check", "01_adding.ipynb"]) == 1
    assert "01_adding.ipynb, code cell 2, line 9: add" in capsys.readouterr().out
    path.write_text(as_notebook(*BODIES), "utf-8")
    assert cli.main(["check", "1"]) == 0  # nothing was done in the script
    printed = capsys.readouterr().out
    assert "This is 01_adding.ipynb: in 01_adding.py less is done." in printed
    assert cli.main(["check", "01_adding.py"]) == 1
    assert cli.main(["check", "--all", "--lessons", "1"]) == 0


def test_an_error_is_shown_in_its_code_cell(student):
    (student / "01_adding.ipynb").write_text(as_notebook("return x / 0"), "utf-8")
    found = str(verdict(lessons_in(student)[0], "add"))
    assert "in 01_adding.ipynb, code cell 2, line 11: return x / 0" in found


DIFFER = "01_adding.py and 01_adding.ipynb are the same lesson, and each has something that"


@pytest.fixture
def two(student):
    """A script and a notebook that say different things."""
    finish(student)
    (student / "01_adding.ipynb").write_text(as_notebook("return y + x", "return x + x"), "utf-8")
    return student


def test_script_and_notebook_that_differ_are_refused_by_all(two, capsys):
    [first, _] = lessons_in(two)
    assert DIFFER in " ".join(str(verdict(first, "add")).split())
    assert cli.main(["check", "1"]) == 1
    assert capsys.readouterr().out == f"{first.title}\n{first.doubt}\n"
    assert my_work("adding").add(2, 3) == 5
    printed = capsys.readouterr().out
    assert printed == f"adding: {first.doubt}\nUntil then, all of it is ours\n"
    assert cli.main(["check", "--all", "--lessons", "1"]) == 1
    assert " ".join(capsys.readouterr().out.split()).count(DIFFER) == 1


def test_learn_asks_which_one_counts(two, capsys):
    talk(two, "", "1", "2", "q")
    printed = capsys.readouterr().out
    assert printed.count(DIFFER) == 2 and "Both stay as they are." in printed
    assert "01_adding.py has the name old_01_adding.py now." in printed
    [first, _] = lessons_in(two)
    assert first.path.name == "01_adding.ipynb" and not first.doubt
    assert {"adding/add", "adding/double"} <= set(json.loads((two / FILE_NAME).read_text())["done"])


def test_nothing_that_was_put_aside_is_lost(two):
    (two / "old_01_adding.py").write_text("mine", "utf-8")
    talk(two, "2", "q")
    assert (two / "old_01_adding.py").read_text("utf-8") == "mine"
    assert "return x + y" in (two / "old_old_01_adding.py").read_text("utf-8")


@pytest.mark.exhaustive
def test_the_file_with_all_of_the_work_counts(student, capsys):
    """Also if it began as a copy of the other one."""
    path = student / "01_adding.ipynb"
    write(student, "return x + y")
    path.write_text(as_notebook("return x + y", "return 2 * x"), "utf-8")
    note = "This is 01_adding.ipynb: in 01_adding.py less is done."
    for command in (["check", "1"], ["check", "--all", "--lessons", "1"]):
        assert cli.main(command) == 0
        assert note in capsys.readouterr().out
    assert my_work("adding").double(4) == 8
    assert capsys.readouterr().out == f"{note}\nadding: all of it is yours\n"
    finish(student)  # the same, so it does not matter
    [first, _] = lessons_in(student)
    assert first.path.name == "01_adding.py" and not first.doubt and not first.note


@pytest.mark.parametrize("content", ["", "mine", "[]", '{"cells": 3}', '{"cells": [{}]}'])
def test_what_is_no_notebook_is_no_crash(content, student):
    (student / "01_adding.ipynb").write_text(content, "utf-8")
    assert "it is no notebook" in str(verdict(lessons_in(student)[0], "add"))


@pytest.mark.medium
def test_slides_are_made_of_the_notebook(student, monkeypatch, capsys):
    pytest.importorskip("jupytext")
    calls = []
    monkeypatch.setattr("tinygrad_mo.learn.notebook.need", lambda module: None)
    monkeypatch.setattr("subprocess.run", lambda command, **more: calls.append((command, more)))
    assert cli.main(["notebook", "1", "--slides"]) == 0
    [(command, more)] = calls
    assert command[1:5] == ["-m", "nbconvert", "--to", "slides"] and more["cwd"].samefile(student)
    assert "01_adding.slides.html" in capsys.readouterr().out
    kept = json.loads((student / "01_adding.ipynb").read_text("utf-8"))["cells"]
    assert [one["metadata"]["slideshow"]["slide_type"] for one in kept][:2] == ["slide", "-"]
