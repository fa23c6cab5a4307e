"""The checks of the lessons as tests: `pytest -m lesson05` runs those of lesson 5.

What is not done yet is skipped, so that a beginner does not see a hundred failures. With
`--strict-lessons` it fails: then a run in which nothing fails means that everything is right.
"""

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
def test_check(lesson, check, request):
    result = run_check(lesson, check)
    if result.status == "not done yet" and not request.config.getoption("--strict-lessons"):
        pytest.skip("not done yet")
    if result.status != "holds":
        message = result.message or result.status
        pytest.fail(f"{check.says}\n{message}", pytrace=False)
