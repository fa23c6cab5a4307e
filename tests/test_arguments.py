"""What a user gives is checked in one place: numbers, names, paths, functions."""

from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tinygrad_mo import arguments


@pytest.mark.parametrize(
    "value", [1, 1.0, np.float32(1), np.int8(1), np.array(1.0), Fraction(2, 2)]
)
def test_all_kinds_of_numbers(value):
    found = arguments.number("x", value, at_least=1, at_most=1)
    assert type(found) is float and found == 1.0


@pytest.mark.parametrize(
    "value", [True, np.bool_(1), np.array(True), "1", None, [1], np.ones(1), 1j]
)
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match=r"^x must be a number, not "):
        arguments.number("x", value)
    with pytest.raises(TypeError, match=r"^x must be a whole number, 0 or more, not "):
        arguments.whole("x", value)


@pytest.mark.parametrize(
    ("limits", "inside", "outside", "words"),
    [
        ({"at_least": 0}, [0, 9.0], [-1, -1e-9], "a number, 0 or more"),
        ({"above": 0}, [1e-9], [0, -0.0, -1], "a number, above 0"),
        ({"above": 0, "below": 1}, [0.5], [0, 1], "a number, above 0 and below 1"),
        ({"at_least": 0, "at_most": 1}, [0, 1], [-0.1, 1.1], "a number, 0 or more and at most 1"),
    ],
)
def test_limits(limits, inside, outside, words):
    for value in inside:
        assert arguments.number("x", value, **limits) == value
    for value in outside:
        with pytest.raises(ValueError, match=f"^x must be {words}, not {value!r}$"):
            arguments.number("x", value, **limits)
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match=r"^x must be a finite number, "):
            arguments.number("x", value, **limits)


def test_whole_numbers():
    assert [arguments.whole("x", value) for value in (3, np.uint8(3), np.array(3))] == [3, 3, 3]
    for value in (3.0, np.nan, -1, Fraction(1, 2)):
        with pytest.raises(ValueError, match="x must be a whole number, 0 or more"):
            arguments.whole("x", value)


def test_whole_numbers_without_a_limit():
    assert arguments.whole("axis", np.int64(-2), at_least=None) == -2
    with pytest.raises(ValueError, match=r"^axis must be a whole number, not 0.5$"):
        arguments.whole("axis", 0.5, at_least=None)


def test_shares():
    found = [arguments.share("x", value) for value in (0, 1, np.float32(0.5))]
    assert found == [0, 1, 0.5] and {type(one) for one in found} == {float}
    for value in (-0.1, 1.1, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"^x must lie between 0 and 1, not "):
            arguments.share("x", value)
    for value in ("0.5", None, True, [0.5]):
        with pytest.raises(TypeError, match=r"^x must lie between 0 and 1, not "):
            arguments.share("x", value)


def test_types_of_numbers():
    for value in ("int32", np.int32, np.dtype("int32")):
        assert arguments.dtype("x", value) == np.dtype("int32")
    for value in (None, 3, object, np.complex64, [("a", "f4")], {"a": 1}):
        with pytest.raises(TypeError, match=r"^x must be a type of numbers such as 'int32', not "):
            arguments.dtype("x", value)
    for value in ("int33", "str", "complex64"):
        with pytest.raises(ValueError, match=f"such as 'int32', not {value!r}"):
            arguments.dtype("x", value)


def test_lists_have_an_order_and_can_be_read_again():
    for value in ([1, 2], (1, 2), np.array([1, 2]), range(1, 3)):
        assert arguments.listed("x", value, arguments.whole) == [1, 2]
    for value in ({1, 2}, {1: 2}, iter([1, 2]), "12", b"12", 3, np.array(3), None):
        with pytest.raises(TypeError, match=r"^x must be a list, not "):
            arguments.listed("x", value, arguments.whole)


def test_names_and_paths():
    assert arguments.names("x", "a") == ["a"] and arguments.names("x", ("a", "b")) == ["a", "b"]
    assert arguments.path("x", "a") == arguments.path("x", Path("a")) == Path("a")
    for check, value in [
        (arguments.names, {"a": 1}),
        (arguments.names, 3),
        (arguments.names, ["a", None]),
        (arguments.path, None),
        (arguments.path, b"a"),
        (arguments.flag, 1),
        (arguments.name, 3),
    ]:
        with pytest.raises(TypeError, match=r"^x must be"):
            check("x", value)


def test_functions():
    def two(a, b):
        pass

    for good in (two, partial(two), print, lambda *many: 0, lambda a, b=1: 0, lambda a, b, c=0: 0):
        assert arguments.function_of("x", good, ["a", "b"]) is good
    for bad in (lambda a: 0, lambda: 0, lambda a, *, b: 0, partial(two, 1), lambda a, b, c: 0):
        with pytest.raises(TypeError, match=r"x is called with \(a, b\), but takes"):
            arguments.function_of("x", bad, ["a", "b"])
    with pytest.raises(TypeError, match=r"x must be a function of \(a, b\), not 3"):
        arguments.function_of("x", 3, ["a", "b"])
