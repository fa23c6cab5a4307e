"""Each test can fail: in its body, or in that of a function that it calls, something is checked."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CHECKS = {
    "assert",
    "check_model",
    "check_op",
    "fail",
    "raises",
    "warns",
}  # raise an error themselves
OTHERWISE = {
    "test_row": "each row checks by itself",
    "test_whoever_reads_has_read_enough": "nothing may be raised",
    "test_without_fork_nothing_is_asked_of_a_copy": "nothing may be raised",
    "test_they_run_side_by_side": "a barrier waits in vain where they do not",
}
ENTERED = {"fault", "row"}  # functions that a decorator enters in a table are tests, too


def name_of(call):
    while isinstance(call, ast.Call):
        call = call.func
    return getattr(call, "attr", getattr(call, "id", ""))


def functions():
    """By file, its functions and classes; of each what it calls, "assert" and "raise" included."""
    for path in TESTS.rglob("*.py"):
        if "tries" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    yield path, node, called_in(node)


def called_in(node):
    """The names of what is called; "assert" for all that asserts or raises."""
    names = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Assert | ast.Raise):
            names.add("assert")
        elif isinstance(n, ast.Call):
            name = name_of(n)
            names.add("assert" if name.startswith("assert") else name)
    return names


def checking(every):
    """The names of functions that check, also by way of others."""
    found = set(CHECKS)
    while new := {n.name for _, n, calls in every if n.name not in found and calls & found}:
        found |= new
    return found


def is_test(path, node):
    if not isinstance(node, ast.FunctionDef):
        return False
    own = node.name.startswith("test_") and path.name.startswith("test_")
    return own or any(name_of(one) in ENTERED for one in node.decorator_list)


def expects_an_error(node):
    """Is it a fault that is entered with the error that must come of it?"""
    return any(name_of(one) == "fault" and len(one.args) > 2 for one in node.decorator_list)


@pytest.mark.slow
def test_every_test_checks_something():
    every = list(functions())
    found, tests = checking(every), [one for one in every if is_test(*one[:2])]
    idle = [
        (node.name, f"{path.relative_to(TESTS)}:{node.lineno}")
        for path, node, calls in tests
        if not calls & found and not expects_an_error(node)
    ]
    assert len(tests) > 1000
    assert {name for name, _ in idle} == set(OTHERWISE), idle


def test_a_test_that_checks_nothing_is_found():
    for text, is_idle in [
        ("def test_a():\n    x = 1\n    print(x)", True),
        ("def test_a():\n    assert 1", False),
        ("def test_a():\n    with pytest.raises(ValueError):\n        f()", False),
        ("def test_a():\n    np.testing.assert_allclose(1, 1)", False),
    ]:
        assert (not called_in(ast.parse(text)) & CHECKS) is is_idle
