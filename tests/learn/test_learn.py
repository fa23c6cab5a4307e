"""The guide through the lessons, on a small course made for these tests."""

import io
import itertools
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from small_course import ADDING, HOLE, finish, talk, write
from tinygrad_mo import cli
from tinygrad_mo.learn import Runner, copy_lessons, course_folder, lesson, notebook, verdict
from tinygrad_mo.learn.progress import FILE_NAME

ROOT = Path(__file__).parents[2]


def look(folder, hole="add"):
    return verdict(lesson.lessons_in(folder)[0], hole)


# Where the lessons are


def test_an_installed_package_has_the_lessons_inside(student, tmp_path):
    assert course_folder() == tmp_path / "package" / "lessons"


def test_in_a_checkout_they_are_beside_the_package(student, tmp_path, monkeypatch):
    monkeypatch.setattr(lesson, "PACKAGE", tmp_path / "package" / "tinygrad_mo")
    assert course_folder() == tmp_path / "package" / "lessons"


@pytest.mark.medium
def test_an_installation_without_lessons_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lesson, "PACKAGE", tmp_path / "a" / "b")
    assert cli.main(["learn", "--start", str(tmp_path / "new")]) == 2
    assert "has no lessons" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_wheel_lists_every_package():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in ROOT.glob("tinygrad_mo/**/*.py")}
    assert {".".join(folder.parts) for folder in folders} <= set(listed["packages"])
    assert {"tinygrad_mo.lessons", "tinygrad_mo.lessons.answers"} <= set(listed["packages"])


# Starting


def test_start_copies_the_lessons_without_answers(student, tmp_path, capsys):
    assert cli.main(["learn", "--start", str(tmp_path / "a" / "b")]) == 0
    files = {path.name for path in (tmp_path / "a" / "b").iterdir()}
    assert files == {"01_adding.py", "02_counting.py", *lesson.TEST_FILES}
    printed = capsys.readouterr().out
    assert f'cd "{tmp_path / "a" / "b"}"\n' in printed and "tinygrad-mo learn\n" in printed
    assert "open 01_adding.py" in printed and ": 2 lessons, and 2 files for pytest\n" in printed


def test_start_keeps_what_is_there(student, capsys):
    write(student, "return x + y")
    mine = (student / "01_adding.py").read_bytes()
    (student / "02_counting.py").unlink()
    assert cli.main(["learn", "--start", str(student)]) == 0
    assert (student / "01_adding.py").read_bytes() == mine
    assert (student / "02_counting.py").is_file()
    printed = capsys.readouterr().out
    assert f"Copied to {student.resolve()}: 1 lessons\n" in printed
    assert "Kept, because they were there already: 01_adding.py, conftest.py" in printed


def test_start_does_not_take_a_file_for_a_folder(student, capsys):
    assert cli.main(["learn", "--start", "01_adding.py"]) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["learn"], ["check", "1"], ["notebook", "1"], ["lab"]])
def test_without_lessons_the_way_to_get_them_is_shown(
    command, student, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(command) == 2
    assert "tinygrad-mo learn --start my_lessons\n  cd my_lessons" in capsys.readouterr().err


# Verdicts


def test_an_untouched_hole_is_not_done_yet(student):
    found = look(student)
    assert found.untouched and not found.right and str(found) == "Not done yet."


def test_a_right_hole_says_what_holds(student):
    write(student, "return x + y")
    assert look(student).right
    assert str(look(student)).splitlines() == [
        "Right: all 3 checks hold.",
        "  ok  adding zero changes nothing",
        "  ok  two numbers are added",
        "  ok  fractions are added",
    ]


def test_a_wrong_hole_says_what_is_right_and_the_first_that_is_not(student):
    write(student, "return x - y")
    assert str(look(student)).splitlines() == [
        "Not right yet: 1 of 3 checks hold.",
        "  ok  adding zero changes nothing",
        "  no  two numbers are added",
        "      2 + 3 is 5, not -1",
    ]


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x / 0", ["ZeroDivisionError: division by zero", "line 11: return x / 0"]),
        ("assert x == 1, 'no'", ["AssertionError: no", "line 11: assert x == 1"]),
        ("return add(x, y)", ["RecursionError", "line 11: return add(x, y)"]),
        ("exit()", ["Your code raised SystemExit", "line 11"]),
        ("return outside[0]", ["'outside' is not defined", "it cannot use outside"]),
        ("return x +", ["cannot read 01_adding.py, line 11", "    return x +\n", "      ^"]),
        ("pass\nreturn 5", ["line 12: 'return' outside function", "return 5"]),
        ("", ["line 14: expected an indented block"]),
        ("return 5\n1 / ZERO\nONE = 1 / ZERO", ["cannot be run: ZeroDivision", "line 13: ONE ="]),
        ("return x + y\nimport nonsense", ["No module named 'nonsense'", "line 12"]),
        ("return x + y\ndel_add = 1\n\ndef add(x): pass", ["takes 1 positional argument"]),
        (
            "if y:\n        raise NotImplementedError\n    return x",
            ["1 of 3 checks hold", "--  two"],
        ),
    ],
)
def test_what_goes_wrong_is_shown_where_it_happens(body, expected, student):
    write(student, body)
    text = str(look(student))
    assert not look(student).right
    assert all(part in text for part in expected), text
    assert "Traceback" not in text


def test_a_forgotten_return_is_noticed(student):
    answers = course_folder() / "answers" / "01_adding.py"
    checks = answers.read_text("utf-8").replace("check_add__zero", "other").replace("_two", "_2")
    answers.write_text(checks.replace('== 5, f"2 + 3', '- 5 == 0, f"2 + 3'), "utf-8")
    write(student, "x + y")
    assert "it returned None: is a `return` missing?" in str(look(student))


def test_a_hole_that_is_gone_is_missed(student):
    (student / "01_adding.py").write_text("x = 1\n", "utf-8")
    assert str(look(student)) == "There is no function add in 01_adding.py any more."


@pytest.mark.parametrize("content", [b"\xff\xfe1\x000", b"x = '\xe9'\n", b""])
def test_a_file_that_is_not_python_is_no_crash(content, student):
    (student / "01_adding.py").write_bytes(content)
    assert "01_adding.py" in str(look(student))


def test_a_check_runs_definitions_only(student, capsys):
    write(student, "return x + y")
    assert look(student).right and capsys.readouterr().out == ""


def test_ctrl_c_stops_an_endless_loop(student):
    stop = "import signal; signal.raise_signal(signal.SIGINT)"
    write(student, f"{stop}\n    while True:\n        pass")
    found = look(student)
    assert len(found.results) == 1 and not found.right
    assert "Stopped with Ctrl-C\nin 01_adding.py, line 1" in str(found)
    assert "Does a loop there never end?" in str(found)


# The conversation


def test_one_task_at_a_time_and_then_the_next(student, capsys):
    talk(student, lambda: write(student, "return x + y"), "", lambda: finish(student), "", "q")
    printed = capsys.readouterr().out
    parts = [
        f"Lesson 1: Adding   (task 1 of 2)\n{student / '01_adding.py'}, line 9: add",
        "Not done yet.",
        "add\nRight: all 3 checks hold.",
        "(task 2 of 2)",
        "Not done yet.",
        "double\nRight: all 2 checks hold.",
        "Well done! Lesson 1: Adding: finished",
        "count\nRight",
        "Well done! Lesson 2",
        "All 2 lessons are done",
    ]
    places = list(itertools.accumulate(parts, lambda at, part: printed.index(part, at), initial=0))
    assert places == sorted(places)


def test_progress_is_remembered(student, capsys):
    talk(student, lambda: write(student, "return x + y"), "", "2", "q")
    kept = json.loads((student / FILE_NAME).read_text("utf-8"))
    assert kept == {"current": "counting", "done": ["adding/add"]}
    capsys.readouterr()
    talk(student, "l", "q")
    printed = capsys.readouterr().out
    assert "Lesson 2: Counting → 10   (task 1 of 1)" in printed
    assert "   1  1 of 2  Lesson 1" in printed and ">  2  0 of 1  Lesson 2" in printed
    assert [path.name for path in student.glob(f"{FILE_NAME}*")] == [FILE_NAME]


def test_what_no_longer_holds_is_open_again(student):
    talk(student, lambda: write(student, "return x + y"), "", lambda: write(student, "pass"), "")
    assert json.loads((student / FILE_NAME).read_text("utf-8"))["done"] == []


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"3", b"\xff", b'{"current": 1}', b'{"current": "x", "done": 5}'],
)
def test_damaged_progress_means_a_fresh_start(content, student, capsys):
    (student / FILE_NAME).write_bytes(content)
    talk(student, "q")
    assert "(task 1 of 2)" in capsys.readouterr().out
    assert json.loads((student / FILE_NAME).read_text("utf-8"))["done"] == []


def test_progress_that_cannot_be_written_is_no_crash(student, capsys):
    (student / FILE_NAME).mkdir()
    talk(student, "q")
    assert "could not be remembered" in capsys.readouterr().out


def test_any_lesson_can_be_reached(student, capsys):
    talk(student, "n", "n", "p", "2", "7", "nonsense", "q")
    printed = capsys.readouterr().out
    assert printed.count("(task 1 of 2)") == 2 and printed.count("(task 1 of 1)") == 2
    assert printed.count("There is no such lesson; they go from 1 to 2.") == 2
    assert "'nonsense' is not known. What you can type" in printed


def test_a_finished_lesson_is_left_with_enter_only(student, capsys):
    write(student, "return x + y", "return 2 * x")
    talk(student, "1", "h", "s", "", "q")
    printed = capsys.readouterr().out
    assert printed.count("Well done!") == 1  # the jump back is not praised again
    assert printed.count("There is nothing left to do in this lesson.") == 2
    assert printed.rindex("Press Enter to go on") < printed.rindex("Lesson 2")


def test_hints_become_stronger(student, capsys):
    talk(student, "h", "h", "h", "q")
    printed = capsys.readouterr().out
    one, two = printed.index("Hint 1 of 2:\n  Think."), printed.index("Hint 2 of 2:\n  Use plus.")
    assert one < two < printed.index("There are no more hints; s shows the solution.")
    assert printed.count("Think.") == 2  # and once more at the end


def test_a_task_can_be_left_open(student, capsys):
    talk(student, "t", "h", "t", lambda: write(student, "return x + y"), "", "q")
    printed = capsys.readouterr().out
    tasks = re.findall(r"task ([12]) of 2", printed)
    assert tasks == ["1", "2", "1", "2"] and "Hint 1 of 2:\n  Use add." in printed


def test_what_calls_an_earlier_hole_waits_for_it(student):
    """The fault is not that of the hole that is looked at."""
    for first in ("return x - y", "raise NotImplementedError('YOUR TURN')"):
        write(student, first, "return [add(x, x) for _ in [0]][0]")
        says = "Repair add first: double calls it, and it is not right yet."
        assert says in str(look(student, "double"))
    write(student, "return x + y", "return add(x, x) + 1")
    assert "twice 3 is 6" in str(look(student, "double"))


def test_the_solution_is_shown_after_a_yes(student, capsys):
    talk(student, "s", "n", "q")
    assert "In this order" not in capsys.readouterr().out
    talk(student, "s", "y", "q")
    assert "def add(x, y):\n    # In this order.\n    return x + y\n" in capsys.readouterr().out


def test_ctrl_c_at_the_prompt_is_a_way_out(student, capsys):
    def ask(prompt):
        raise KeyboardInterrupt

    Runner(student, ask).run()
    assert "See you soon" in capsys.readouterr().out


# The commands


def test_a_terminal_gets_the_conversation(student, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(Runner, "run", lambda self: print("hello"))
    assert cli.main(["learn"]) == 0
    assert capsys.readouterr().out == "hello\n"


def test_without_a_terminal_the_state_is_printed_once(student, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert cli.main(["learn"]) == 1
    assert "01_adding.py, line 9: add\n\nNot done yet." in capsys.readouterr().out
    finish(student)
    assert cli.main(["learn", str(student)]) == 0
    assert "All 2 lessons are done." in capsys.readouterr().out


@pytest.mark.medium
def test_check_shows_every_verdict(student, capsys):
    write(student, "return x - y")
    assert cli.main(["check", "1"]) == 1
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "Lesson 1: Adding",
        "",
        "01_adding.py, line 9: add",
        "  ok  adding zero changes nothing",
        "  no  two numbers are added",
        "      2 + 3 is 5, not -1",
        "  no  fractions are added",
        "      0.5 + 0.25 is 0.75",
        "",
        "01_adding.py, line 14: double",
        "Not done yet. What will be checked:",
        "  --  3 becomes 6",
        "  --  4 becomes 8",
    ]
    finish(student)
    assert cli.main(["check", "1"]) == 0


@pytest.mark.medium
def test_check_says_once_that_a_file_cannot_be_read(student, capsys):
    (student / "01_adding.py").write_text("def add(x, y:\n", "utf-8")
    assert cli.main(["check", "1"]) == 1
    assert capsys.readouterr().out.count("Python cannot read") == 1
    (student / "01_adding.py").write_text(f"import nonsense\n{ADDING}", "utf-8")
    assert cli.main(["check", "1"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("cannot be run") == 1 and printed.count("The same as above.") == 1


def test_check_of_an_unknown_lesson_names_the_known_ones(student, capsys):
    assert cli.main(["check", "7"]) == 2
    assert "there is no lesson 7; there are 1, 2" in capsys.readouterr().err


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii", "utf-8"])
def test_every_terminal_can_print_it(encoding, student, monkeypatch):
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    assert cli.main(["check", "2"]) == 1
    screen.flush()
    printed = screen.buffer.getvalue().decode(encoding)
    arrow = "→" if encoding == "utf-8" else "->"
    assert f"Lesson 2: Counting {arrow} 10" in printed and f"n numbers {arrow} a list" in printed


@pytest.mark.medium
def test_a_notebook_is_made_once(student, monkeypatch, capsys):
    pytest.importorskip("jupytext")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    path = student / "01_adding.ipynb"
    assert cli.main(["notebook", "1"]) == 0
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", *4 * ["code"]]
    assert "".join(cells[2]["source"]).endswith('tutor.check("add")  # tutor.hint("add") helps')
    path.write_text("mine", "utf-8")
    assert cli.main(["notebook", "1"]) == 2
    assert "--force replaces it" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    assert cli.main(["notebook", "1"]) == 1 and path.read_text("utf-8") == "mine"
    assert cli.main(["notebook", "1", "--force"]) == 0 and path.read_text("utf-8") != "mine"
    assert (student / "01_adding.py").read_text("utf-8") == ADDING


@pytest.mark.medium
def test_lab_makes_what_is_missing_and_opens_it(student, monkeypatch):
    pytest.importorskip("jupytext")
    (student / "01_adding.ipynb").write_text("mine", "utf-8")
    calls = []
    monkeypatch.setattr("tinygrad_mo.learn.commands.need", lambda module: None)
    monkeypatch.setattr(subprocess, "call", lambda command: calls.append(command) or 0)
    assert cli.main(["lab"]) == 0
    assert calls == [[sys.executable, "-m", "jupyterlab", str(student)]]
    assert (student / "01_adding.ipynb").read_text("utf-8") == "mine"
    assert (student / "02_counting.ipynb").is_file()


@pytest.mark.parametrize("command", [["notebook", "1"], ["lab"]])
def test_what_is_missing_for_notebooks_is_named(command, student, monkeypatch, capsys):
    monkeypatch.setattr(notebook.importlib.util, "find_spec", lambda module: None)
    assert cli.main(command) == 2
    assert "pip install jupytext jupyterlab" in capsys.readouterr().err


@pytest.mark.exhaustive
def test_pytest_runs_the_checks_of_one_lesson(tmp_path):
    copy_lessons(tmp_path)
    first, second = lesson.lessons_in(tmp_path)[:2]
    text = first.text()
    for hole in first.holes:
        start = text.index(f"def {hole}(")
        text = text[:start] + first.solution(hole) + "\n" + text[text.index(HOLE, start) :]
        text = text.replace(HOLE, "", 1)
    first.path.write_text(text, "utf-8")

    marks = f"lesson{first.number:02} or lesson{second.number:02}"
    command = [sys.executable, "-m", "pytest", "-q", "-m", marks, "-p", "no:cacheprovider"]
    command += ["--strict-markers", "-W", "error"]
    right, open_yet = len(first.checks()), len(second.checks())
    for more, state, code in ([], "skipped", 0), (["--strict-lessons"], "failed", 1):
        run = subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, text=True)
        counts = {f"{right} passed", f"{open_yet} {state}"}
        assert counts <= set(run.stdout.splitlines()[-1].replace(" in ", ", ").split(", ")), (
            run.stdout
        )
        assert run.returncode == code and run.stdout.count("not done yet") >= open_yet * code


@pytest.mark.exhaustive
def test_a_teacher_gets_solved_lessons(tmp_path, capsys):
    assert cli.main(["learn", "--start", str(tmp_path / "shown"), "--solved"]) == 0
    assert cli.main(["check", "1", str(tmp_path / "shown")]) == 0
    assert "Copied" in capsys.readouterr().out
    assert cli.main(["learn", str(tmp_path / "shown"), "--solved"]) == 2
    assert "learn --start DIR --solved" in capsys.readouterr().err
