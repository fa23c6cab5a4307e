"""The README shows what its code prints."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
ERROR_TEXTS = Path(__file__).parent / "references" / "error_texts.md"
EXAMPLES = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", README.read_text("utf-8"), re.S)
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def run(code):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    return printed.getvalue()


def words_and_numbers(text):
    """The text without its numbers and spaces, and the numbers: the last digits may differ."""
    return NUMBER.sub("#", text).split(), [float(n) for n in NUMBER.findall(text)]


def test_there_are_ten_examples():
    assert len(EXAMPLES) == 10


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize("number", [pytest.param(0, marks=pytest.mark.slow), *range(1, 10)])
def test_example_prints_what_the_readme_says(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, expected = EXAMPLES[number]
    words, numbers = words_and_numbers(run(code))
    expected_words, expected_numbers = words_and_numbers(expected)
    assert words == expected_words
    assert numbers == pytest.approx(expected_numbers, rel=0.02, abs=0.02)


def test_what_it_says_to_bad_input_is_what_it_says():
    """The README shows some of the recorded cases, which are tested themselves."""
    recorded = dict(
        re.findall(
            r"^### (.*?)\n\n```python\n.*?```\n\n```text\n(?:\w+: )?(.*?)$",
            ERROR_TEXTS.read_text("utf-8"),
            re.S | re.M,
        )
    )
    text = README.read_text("utf-8")
    table = re.findall(r"^\| (.*?) \| (.*?) \|$", text.split("## What it refuses")[1], re.M)
    shown = [row for row in table if row[0] in recorded]
    assert len(shown) == 10 and all(recorded[what] == words for what, words in shown)
    assert f"Ten of the {len(recorded)} cases" in text
