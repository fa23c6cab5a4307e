"""The checks of the lessons as tests: `pytest -m lesson05` runs those of lesson 5."""

from pathlib import Path

import pytest

from tinygrad_mo.learn import lessons_in, run_check

CASES = [
    pytest.param(lesson, check, id=f"{lesson.number:02}-{check.name}", marks=mark)
    for lesson in lessons_in(Path(__file__).parent)
    for mark in [getattr(pytest.mark, f"lesson{lesson.number:02}")]
    for check in lesson.checks()
]


@pytest.mark.parametrize(("lesson", "check"), CASES)
def test_check(lesson, check):
    result = run_check(lesson, check)
    if result.status == "not done yet":
        pytest.skip("not done yet")
    if result.status != "holds":
        pytest.fail(f"{check.says}\n{result.message}", pytrace=False)
