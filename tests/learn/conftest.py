"""The folder of a student, in a small course."""

import pytest

from small_course import ADDING, ADDING_ANSWERS, COUNTING, COUNTING_ANSWERS
from tinygrad_mo.learn import copy_lessons, lesson


@pytest.fixture
def student(tmp_path, monkeypatch):
    """The folder of a student who has just started, which is also the current folder."""
    course = tmp_path / "package" / "lessons"
    (course / "answers").mkdir(parents=True)
    (course / "01_adding.py").write_text(ADDING, "utf-8")
    (course / "02_counting.py").write_text(COUNTING, "utf-8")
    (course / "answers" / "01_adding.py").write_text(ADDING_ANSWERS, "utf-8")
    (course / "answers" / "02_counting.py").write_text(COUNTING_ANSWERS, "utf-8")
    for name in lesson.TEST_FILES:
        (course / name).write_text("", "utf-8")
    monkeypatch.setattr(lesson, "PACKAGE", course.parent)
    folder = tmp_path / "student"
    copy_lessons(folder)
    monkeypatch.chdir(folder)
    return folder
