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
from tinygrad_mo.learn.verdict import LIMIT

ROOT = Path(__file__).parents[2]
TEACHERS, TRIES = ROOT / "lessons" / "teachers", ROOT / "tests" / "learn" / "tries"
SOLVED_EXERCISES = sorted(TEACHERS.glob("[0-9]*.py"))
CHECKING = re.compile(r"^tutor\.check\(", re.M)  # a cell of a notebook that checks a hole

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


@pytest.mark.one_in(3, rest="medium")
@every_lesson
def test_what_a_check_says_is_a_sentence(lesson):
    """It begins with a capital letter, or with a name of the code; and it ends."""
    for says in [check.says for check in lesson.checks()]:
        first = re.match(r"\w*", says)[0]
        assert says.endswith((".", "?")), says
        if first[:1].islower() and len(first) > 1:
            assert re.search(rf"\b{first}\b", "".join(map(lesson.solution, lesson.holes))), says


@pytest.mark.one_in(32, rest="exhaustive")
@pytest.mark.slow
@every_lesson
def test_a_solved_lesson_runs_as_a_script_without_warnings(lesson, tmp_path):
    command = [sys.executable, "-W", "error", solved(lesson, tmp_path).path.name]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert run.stdout and not run.stderr


@pytest.mark.one_in(6, rest="exhaustive")
@pytest.mark.slow
@every_hole
def test_a_solution_passes_all_checks(lesson, hole, tmp_path):
    done = solved(lesson, tmp_path)
    results = [run_check(done, check) for check in done.checks(hole)]
    assert [str(result) for result in results if result.status != "holds"] == []


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.one_in(50, rest="medium")
@every_hole
def test_an_untouched_hole_is_not_done_yet(lesson, hole):
    found = {check.name: run_check(lesson, check).status for check in lesson.checks(hole)}
    assert set(found.values()) == {"not done yet"}, found


NOTHING = ["None", "0.0", "1.0", "True", "float('nan')", "float('inf')", "[]", "()", "''", "{}"]
NOTHING += ["[0.0]", "np.zeros(1)", "np.zeros((2, 2))", "np.array(np.nan)", "args[0]", "args"]


@pytest.mark.one_in(24, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize(("lesson", "hole"), [h for h in HOLES if "my_prediction" not in h.id])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of NaN and infinity
def test_no_constant_and_no_argument_is_right(lesson, hole, tmp_path):
    text, solution = lesson.solved_text(), lesson.solution(hole)
    assert text.count(solution) == 1
    right = []
    for value in NOTHING:
        path = tmp_path / lesson.path.name
        body = f"def {hole}(*args):\n    import numpy as np\n    return {value}"
        path.write_text(text.replace(solution, body), "utf-8")
        one = Lesson(path, lesson.answers_path)
        if all(run_check(one, check).status == "holds" for check in one.checks(hole)):
            right.append(value)
    assert right == []


@pytest.mark.one_in(5, rest="medium")
@every_hole
def test_a_hole_has_hints_and_checks(lesson, hole):
    assert 2 <= len(lesson.hints(hole)) <= 4
    assert len(lesson.checks(hole)) >= 2
    assert all(check.function.__doc__ for check in lesson.checks(hole))
    assert "\n" not in "".join(check.function.__doc__ for check in lesson.checks(hole))


@pytest.mark.one_in(21, rest="medium")
@every_lesson
def test_the_holes_are_those_of_the_answers_in_the_same_order(lesson):
    tree, text = ast.parse(lesson.text()), lesson.text()
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    waiting = 'raise NotImplementedError("YOUR TURN")'
    holes = [node for node in functions if waiting in ast.get_source_segment(text, node)]
    assert [node.name for node in holes] == lesson.holes
    assert text.count(waiting) == len(holes)
    assert all("# YOUR TURN" in ast.get_source_segment(text, node) for node in holes)


@pytest.mark.one_in(3, rest="medium")
@every_lesson
def test_a_check_belongs_to_a_hole(lesson):
    functions = ast.parse(lesson.answers_path.read_text("utf-8")).body
    names = {node.name for node in functions if isinstance(node, ast.FunctionDef)}
    checks = {name for name in names if name.startswith("check_")}
    assert checks == {check.name for check in lesson.checks()}


@pytest.mark.one_in(8, rest="medium")
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


@pytest.mark.one_in(6, rest="exhaustive")
@pytest.mark.medium
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


@pytest.mark.one_in(32, rest="exhaustive")
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


def test_the_numbers_have_no_gaps():
    assert [lesson.values[0].number for lesson in LESSONS] == list(range(32))


@every_lesson
def test_a_lesson_has_exercises_and_the_last_one_is_long(lesson):
    course = lesson.text().partition("# ## Exercises\n")[2]
    found = re.findall(r"^# (\d)\. (.+)", course, re.M)
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    assert 3 <= len(found) <= 5
    assert [number for number, text in found if "(long)" in text] == [str(len(found))]


@pytest.mark.parametrize("folder", [TEACHERS, TRIES], ids=["teachers", "tries"])
def test_every_lesson_has_a_file_for_teachers_and_one_of_tries(folder):
    lessons = {lesson.values[0].course_path.name for lesson in LESSONS}
    assert {path.name for path in folder.glob("[0-9]*.py")} == lessons


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in SOLVED_EXERCISES])
def test_the_exercises_are_solved(path, tmp_path):
    command = [sys.executable, "-W", "error", str(path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    lesson = (ROOT / "lessons" / path.name).read_text("utf-8").partition("# ## Exercises\n")[2]
    exercises = re.findall(r"^# ## Exercise (\d)", path.read_text("utf-8"), re.M)
    assert exercises == re.findall(r"^# (\d)\. ", lesson, re.M)


@pytest.mark.exhaustive
def test_the_answers_of_the_exam_are_computed(tmp_path):
    command = [sys.executable, "-W", "error", str(TEACHERS / "exam.py")]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    text = (TEACHERS / "exam.py").read_text("utf-8")
    points = re.findall(r"^# ## Question \d+: .+\(lessons? .+; (\d+) points\)$", text, re.M)
    assert len(points) == 16 and sum(map(int, points)) == 100


def test_the_wheel_has_no_solutions_of_exercises():
    assert "teachers" not in (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.exhaustive
def test_a_strict_run_of_untouched_lessons_fails_everywhere(tmp_path):
    copy_lessons(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-lessons"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    checks = sum(len(lesson.values[0].checks()) for lesson in LESSONS)
    assert run.returncode == 1 and run.stdout.splitlines()[-1].startswith(f"{checks} failed in")


def test_the_table_for_teachers_is_that_of_the_course():
    text = (ROOT / "lessons" / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \| .+ \| (\d+) \| (\d+) \| [-\d, ]+ \|$", text, re.M)
    lessons = [lesson.values[0] for lesson in LESSONS]
    expected = [(str(one.number), one.title.partition(": ")[2], len(one.holes)) for one in lessons]
    assert [(number, title, int(holes)) for number, title, _, holes in rows] == expected
    assert f"{len(lessons)} lessons, from one" in text


def test_what_is_said_of_marking_is_tested():
    from test_marking import CHEATS

    text = (ROOT / "lessons" / "README.md").read_text("utf-8")
    honest = sum(path.read_text("utf-8").count("\ndef right_") for path in TRIES.glob("[0-9]*.py"))
    assert "Forty cheats, and over 200 unusual right answers" in text
    assert len(CHEATS) >= 40 and honest > 200
    assert (
        "(`--limit SECONDS`)" in text and f"at most {LIMIT:g} seconds (`--limit SECONDS`)" in text
    )
