"""The lessons: with their solutions they run and pass, without them they wait."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from test_house import lines_of_code
from tinygrad_mo.learn import (
    Lesson,
    copy_lessons,
    course_folder,
    lessons_in,
    make_notebook,
    run_check,
)

ROOT = Path(__file__).parents[2]
TEACHERS, TRIES = ROOT / "lessons" / "teachers", ROOT / "tests" / "learn" / "tries"
SOLVED_EXERCISES = sorted(TEACHERS.glob("[0-9]*.py"))
CHECKING = re.compile(r"^tutor\.check\(", re.M)  # a cell of a notebook that checks a hole

# True as soon as the course is whole: 31 lessons, each with exercises, a file for teachers, tries.
# Until then only what is there is tested, and what is missing is skipped.
IS_WHOLE = False

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
    cells = jupytext.read(make_notebook(done)).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    ours = [source for source in code if not CHECKING.search(source)]
    assert ast.dump(ast.parse("\n".join(ours))) == ast.dump(ast.parse(done.text()))
    assert len(code) - len(ours) == len(lesson.holes)
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# Lesson")
    texts = [cell for cell in cells if cell.cell_type == "markdown"]
    starts = [cell for cell in texts if cell.metadata.slideshow.slide_type == "slide"]
    assert len(starts) == len(re.findall("^# ##? ", lesson.text(), re.M))
    assert not any("\n## " in cell.source for cell in texts)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of Jupyter itself
@every_lesson
def test_a_solved_notebook_runs_and_is_right(lesson, tmp_path):
    nbclient = pytest.importorskip("nbclient")
    jupytext = pytest.importorskip("jupytext")
    pytest.importorskip("ipykernel")
    path = make_notebook(solved(lesson, tmp_path))
    made = jupytext.read(path)
    nbclient.NotebookClient(made, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    printed = [
        "".join(one.get("text", "") for one in cell.get("outputs", [])) for cell in made.cells
    ]
    said = [text for text in printed if ": Right: all " in text]
    assert [text.partition(":")[0] for text in said] == lesson.holes
    from_file = Lesson(path, lesson.answers_path)
    results = [run_check(from_file, check) for check in from_file.checks()]
    assert [str(result) for result in results if result.status != "holds"] == []


# What is for teachers, and for tests


def missing(what):
    (pytest.fail if IS_WHOLE else pytest.skip)(f"no {what} yet")


def test_the_numbers_have_no_gaps():
    numbers = [lesson.values[0].number for lesson in LESSONS]
    if numbers != list(range(31)):
        missing("lessons between some others")


@every_lesson
def test_a_lesson_has_exercises_and_the_last_one_is_long(lesson):
    course = lesson.text().partition("# ## Exercises\n")[2]
    if not course:
        missing("exercises")
    found = re.findall(r"^# (\d)\. (.+)", course, re.M)
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    assert 3 <= len(found) <= 5
    assert [number for number, text in found if "(long)" in text] == [str(len(found))]


@every_lesson
@pytest.mark.parametrize("folder", [TEACHERS, TRIES], ids=["teachers", "tries"])
def test_teachers_and_tests_have_their_files(lesson, folder):
    if not (folder / lesson.course_path.name).is_file():
        missing(f"{folder.name}/{lesson.course_path.name}")


@pytest.mark.parametrize("folder", [TEACHERS, TRIES], ids=["teachers", "tries"])
def test_no_file_is_of_a_lesson_that_is_not_there(folder):
    lessons = {lesson.values[0].course_path.name for lesson in LESSONS}
    assert {path.name for path in folder.glob("[0-9]*.py")} <= lessons


@pytest.mark.slow
@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in SOLVED_EXERCISES])
def test_the_exercises_are_solved(path, tmp_path):
    command = [sys.executable, "-W", "error", str(path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    exercises = re.findall(r"^# ## Exercise (\d)", path.read_text("utf-8"), re.M)
    assert exercises == [str(n) for n in range(1, len(exercises) + 1)] and exercises


def test_the_wheel_has_no_solutions_of_exercises():
    assert "teachers" not in (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.slow
def test_a_strict_run_of_untouched_lessons_fails_everywhere(tmp_path):
    copy_lessons(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-lessons"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    checks = sum(len(lesson.values[0].checks()) for lesson in LESSONS)
    assert run.returncode == 1 and run.stdout.splitlines()[-1].startswith(f"{checks} failed in")
