"""Lets pytest find the checks of the lessons, and nothing else in this folder."""

from pathlib import Path

from tinygrad_mo.learn import lessons_in

# Not even for doctests: these are programs.
collect_ignore_glob = ["[0-9]*.py", "answers/*", "teachers/*", "conftest.py"]


def pytest_addoption(parser):
    text = "a hole that is not done yet fails, and is not skipped"
    parser.addoption("--strict-lessons", action="store_true", help=text)


def pytest_configure(config):
    for lesson in lessons_in(Path(__file__).parent):
        config.addinivalue_line("markers", f"lesson{lesson.number:02}: {lesson.title}")
