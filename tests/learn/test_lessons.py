"""The lessons: with their solutions they run and pass, without them they wait."""

import ast
import os
import re
import subprocess
import sys

import pytest

from test_house import lines_of_code
from tinygrad_mo.learn import Lesson, course_folder, lessons_in, make_notebook, run_check

ALL_NOTEBOOKS = os.environ.get("TINYGRAD_MO_ALL_NOTEBOOKS") == "1"
LESSONS = [pytest.param(lesson, id=lesson.path.stem) for lesson in lessons_in(course_folder())]
HOLES = [
    pytest.param(lesson, hole, id=f"{lesson.number:02}-{hole}")
    for (lesson,) in (case.values for case in LESSONS)
    for hole in lesson.holes
]
every_lesson = pytest.mark.parametrize("lesson", LESSONS)
every_hole = pytest.mark.parametrize(("lesson", "hole"), HOLES)


def solved(lesson, folder):
    """A copy of a lesson with the solutions in its holes."""
    path = folder / lesson.path.name
    path.write_text(lesson.solved_text(), "utf-8")
    return Lesson(path, lesson.answers_path)


def test_every_script_has_answers_and_the_other_way_round():
    scripts, answers = course_folder(), course_folder() / "answers"
    pattern = "[0-9]*.py"
    assert {p.name for p in scripts.glob(pattern)} == {p.name for p in answers.glob(pattern)}


@pytest.mark.slow
@every_lesson
def test_a_solved_lesson_runs_as_a_script_without_warnings(lesson, tmp_path):
    command = [sys.executable, "-W", "error", solved(lesson, tmp_path).path.name]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert run.stdout and not run.stderr


@pytest.mark.slow
@every_hole
def test_a_solution_passes_all_checks(lesson, hole, tmp_path):
    done = solved(lesson, tmp_path)
    results = [run_check(done, check) for check in done.checks(hole)]
    assert [str(result) for result in results if result.status != "holds"] == []


@every_hole
def test_an_untouched_hole_is_not_done_yet(lesson, hole):
    found = {check.name: run_check(lesson, check).status for check in lesson.checks(hole)}
    assert set(found.values()) == {"not done yet"}, found


@every_hole
def test_a_hole_has_hints_and_checks(lesson, hole):
    assert 2 <= len(lesson.hints(hole)) <= 4
    assert len(lesson.checks(hole)) >= 2
    assert all(check.function.__doc__ for check in lesson.checks(hole))
    assert "\n" not in "".join(check.function.__doc__ for check in lesson.checks(hole))


@every_lesson
def test_the_holes_are_those_of_the_answers_in_the_same_order(lesson):
    tree, text = ast.parse(lesson.text()), lesson.text()
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    waiting = 'raise NotImplementedError("YOUR TURN")'
    holes = [node for node in functions if waiting in ast.get_source_segment(text, node)]
    assert [node.name for node in holes] == lesson.holes
    assert text.count(waiting) == len(holes)
    assert all("# YOUR TURN" in ast.get_source_segment(text, node) for node in holes)


@every_lesson
def test_a_check_belongs_to_a_hole(lesson):
    functions = ast.parse(lesson.answers_path.read_text("utf-8")).body
    names = {node.name for node in functions if isinstance(node, ast.FunctionDef)}
    checks = {name for name in names if name.startswith("check_")}
    assert checks == {check.name for check in lesson.checks()}


@every_lesson
def test_a_lesson_is_text_and_code_in_turn(lesson):
    lines = lesson.text().splitlines()
    assert lines[0] == "# %% [markdown]"
    assert re.fullmatch(rf"# # Lesson {lesson.number}: .+", lines[1])
    assert {line for line in lines if line.startswith("# %%")} == {"# %%", "# %% [markdown]"}
    assert lesson.title.startswith(f"Lesson {lesson.number}: ")
    assert lines_of_code(lesson.path) <= 120
    assert [line for line in lines if len(line) > 100] == []
    in_text = False
    for number, line in enumerate(lines, 1):
        in_text = line.endswith("[markdown]") if line.startswith("# %%") else in_text
        assert not in_text or not line or line.startswith("#"), f"line {number} is code in a text"


@every_lesson
def test_a_notebook_has_the_text_and_the_code_of_its_lesson(lesson, tmp_path):
    jupytext = pytest.importorskip("jupytext")
    done = solved(lesson, tmp_path)
    cells = jupytext.read(make_notebook(done.path)).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert ast.dump(ast.parse(code)) == ast.dump(ast.parse(done.text()))
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# Lesson")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of Jupyter itself
@pytest.mark.parametrize("lesson", LESSONS if ALL_NOTEBOOKS else LESSONS[1:3])
def test_a_notebook_runs(lesson, tmp_path):
    nbclient = pytest.importorskip("nbclient")
    jupytext = pytest.importorskip("jupytext")
    pytest.importorskip("ipykernel")
    path = make_notebook(solved(lesson, tmp_path).path)
    made = jupytext.read(path)
    nbclient.NotebookClient(made, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    assert any(cell.get("outputs") for cell in made.cells)
