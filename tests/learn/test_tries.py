"""What students write: plausible wrong answers are found wrong, unusual right ones pass."""

import ast
from pathlib import Path

import pytest

from tinygrad_mo.learn import Lesson, course_folder, run_check
from tinygrad_mo.learn.assembly import assemble
from tinygrad_mo.learn.judge import watched

TRIES = sorted((Path(__file__).parent / "tries").glob("[0-9]*.py"))


def tries_of(path):
    """Each answer in a file: hole, is it right, name, source under the name of the hole."""
    text = path.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            kind, _, rest = node.name.partition("_")
            hole, _, _ = rest.partition("__")
            source = "".join(lines[node.lineno - 1 : node.end_lineno]).rstrip("\n")
            yield hole, kind, node.name, source.replace(f"def {node.name}(", f"def {hole}(", 1)


CASES = [
    pytest.param(path.name, hole, kind, source, id=f"{path.name[:2]}-{name}")
    for path in TRIES
    for hole, kind, name, source in tries_of(path)
]


@pytest.mark.one_in(80, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize(("name", "hole", "kind", "source"), CASES)
def test_an_answer_is_judged(name, hole, kind, source, tmp_path):
    original = Lesson(course_folder() / name, course_folder() / "answers" / name)
    text = original.solved_text()
    solution = original.solution(hole)
    assert text.count(solution) == 1
    path = tmp_path / name
    path.write_text(text.replace(solution, source), "utf-8")
    lesson = Lesson(path, original.answers_path)
    results = [run_check(lesson, check) for check in lesson.checks(hole)]
    assert all(result.status in ("holds", "wrong", "raised") for result in results)
    bad = [str(result) for result in results if result.status != "holds"]
    assert (bad == []) == (kind == "right"), "\n".join(bad) or "every check holds"
    if kind == "right":
        assert refusals(lesson, hole) == []


def refusals(lesson, hole):
    """Why marking would leave an answer to the teacher; it must not, if the answer is right."""
    parts, found = assemble(lesson), []
    read, look = watched(lesson, parts, found.append)
    results = [run_check(lesson, check, read) for check in lesson.checks(hole)]
    look()
    bad = [str(result) for result in results if result.status != "holds"]
    return [*parts.refused.items(), *found, *bad]


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize("path", TRIES, ids=[path.stem for path in TRIES])
def test_there_are_enough_answers(path):
    kinds = [kind for _, kind, _, _ in tries_of(path)]
    assert set(kinds) == {"wrong", "right"}
    assert kinds.count("wrong") >= 20 and kinds.count("right") >= 5
