"""What a fault in the matrix is: a few lines that commit it, and what must come of it."""

import importlib
import warnings
from typing import NamedTuple

FAULTS = {}  # by number
ROOMS = ("graph_faults", "value_faults", "training_faults")


class Fault(NamedTuple):
    """A fault, and what must come of it.

    `commit` does what is wrong. If it brings no error or warning, it asserts what is right, and
    returns that in words.
    """

    title: str
    commit: object
    kind: type | None  # of error or warning
    words: str  # that it says, a regular expression
    elsewhere: str  # the test that goes further

    @property
    def verdict(self):
        if self.kind is None:
            return "right"
        return "warned" if issubclass(self.kind, Warning) else "refused"


def fault(number, title, kind=None, words="", elsewhere=""):
    """Enter a function into the matrix."""

    def enter(commit):
        assert number not in FAULTS, number
        FAULTS[number] = Fault(title, commit, kind, words, elsewhere)
        return commit

    return enter


def refused(kind, words, function, *given, **options):
    """Assert that a call is refused, by an error of this very kind that says these words."""
    try:
        function(*given, **options)
    except Exception as error:
        assert type(error) is kind and words in str(error), error
        return error
    raise AssertionError(f"nobody has refused what should be refused: {words}")


def every():
    """All faults, in the order of their numbers."""
    for room in ROOMS:
        importlib.import_module(room)
    return dict(sorted(FAULTS.items()))


def behaviour(one):
    """What is said when a fault is committed, in one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            said = one.commit()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
    if caught and said is None:
        said = f"{caught[0].category.__name__}: {caught[0].message}"
    return " ".join(str(said).split())
