"""The matrix of faults: each is refused, named, or comes out right."""

import ast
import warnings
from pathlib import Path

import pytest

from faults import every
from table import lines

TESTS = Path(__file__).parents[1]


@pytest.mark.medium
@pytest.mark.parametrize("number", range(1, 78))
def test_fault(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = every()[number]
    if one.kind is None:
        assert isinstance(one.commit(), str)  # after it has asserted what it says
    elif issubclass(one.kind, Warning):
        with pytest.warns(one.kind, match=one.words):
            one.commit()
    else:
        with pytest.raises(one.kind, match=one.words) as caught, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one.commit()
        assert type(caught.value) is one.kind and one.words


def test_every_fault_has_a_row():
    assert list(every()) == list(range(1, 78))


@pytest.mark.medium
def test_what_goes_further_is_there():
    for one in every().values():
        if one.elsewhere:
            file, name = one.elsewhere.split("::")
            tree = ast.parse((TESTS / file).read_text("utf-8"))
            names = [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
            assert name in names, one.elsewhere


@pytest.mark.exhaustive
def test_the_table_is_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = list(lines())
    assert len(printed) == 79 and all(line.count(" | ") >= 3 for line in printed[2:])
