"""Marks of tests say what runs when."""

from types import SimpleNamespace

import pytest

from sizes import mark_the_rest


class Case:
    """A test as pytest has collected it, as far as marks go."""

    def __init__(self, nodeid, *marks):
        self.nodeid, self.marks = nodeid, list(marks)

    def iter_markers(self, name):
        return (mark for mark in self.marks if mark.name == name)

    def get_closest_marker(self, name):
        return next(self.iter_markers(name), None)

    def add_marker(self, name):
        self.marks.append(SimpleNamespace(name=name))

    def names(self):
        return {mark.name for mark in self.marks} - {"one_in"}


def marked(*marks, cases=10, first=()):
    items = [Case(f"test[{i}]", *marks, *(() if i else first)) for i in range(cases)]
    mark_the_rest(items)
    return [item.names() for item in items]


slow, medium, exhaustive = (
    getattr(pytest.mark, name).mark for name in ("slow", "medium", "exhaustive")
)


def test_a_test_without_marks_is_quick_and_runs_everywhere():
    assert marked() == [{"varied"}] * 10


def test_medium_ones_are_slow_and_run_everywhere():
    assert marked(medium) == [{"medium", "varied", "slow"}] * 10


def test_exhaustive_ones_are_slow():
    assert marked(exhaustive) == [{"exhaustive", "slow"}] * 10


@pytest.mark.parametrize(("n", "stay"), [(1, 10), (2, 5), (3, 4), (10, 1), (99, 1)])
def test_one_in_n_stays_and_at_least_one(n, stay):
    found = marked(slow, pytest.mark.one_in(n, rest="exhaustive").mark)
    assert found.count({"slow"}) == stay
    assert found.count({"slow", "exhaustive"}) == 10 - stay


def test_a_case_that_is_asked_for_alone_stays():
    assert marked(slow, pytest.mark.one_in(99, rest="exhaustive").mark, cases=1) == [{"slow"}]


def test_what_is_slow_already_does_not_become_medium():
    found = marked(pytest.mark.one_in(9, rest="medium").mark, first=[slow])
    assert found[0] == {"slow"}
    assert found.count({"varied"}) == 1 and found.count({"medium", "varied", "slow"}) == 8


def test_one_that_is_chosen_twice_loses_the_rest_twice():
    found = marked(
        pytest.mark.one_in(2, rest="exhaustive").mark, pytest.mark.one_in(5, rest="medium").mark
    )
    assert found.count({"varied"}) >= 1
    assert sum("exhaustive" in names for names in found) == 5
