"""Questions to a GPU: noted where they come up, and asked together.

To ask a GPU for a number is to wait until all its work so far is done. So nobody waits: a number is
asked for by `ask`, and a fault that can only be seen in numbers is suspected by `refuse_if`. Who
reads one of the numbers, or calls `settle`, has all of them fetched in one transfer; errors come up
then. On NumPy the numbers are at hand, and nothing is put off.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

MOST_OPEN = 1 << 10  # questions; each keeps an array alive


def on_gpu(x: Any, modules: Any = sys.modules) -> bool:
    """Are the numbers of this array on a GPU? None are where nobody has imported CuPy."""
    return "cupy" in modules and type(x).__module__.startswith("cupy")


class Answer:
    """A number that a GPU has, for the time being: `float` and `bool` of it have it fetched."""

    __slots__ = ("_value", "array", "explain", "notes")

    def __init__(self, array: Any, explain: Callable[[], Any] | None = None):
        self.array, self._value, self.explain = array, 0.0, explain
        self.notes: list[Callable[[], str]] = []  # who wanted to know

    def __float__(self) -> float:
        if self.array is not None:
            settle()
        return self._value

    def __bool__(self) -> bool:
        return float(self) != 0

    def __repr__(self) -> str:
        return "an answer to come" if self.array is not None else repr(self._value)

    def take(self, value: float) -> None:
        """Be this number."""
        self.array, self._value = None, value


OPEN: list[Answer] = []  # what nobody has waited for yet


def ask(number: Any) -> Any:
    """A number to be read by `float` or `bool`: of a GPU an `Answer`, any other at once."""
    return open_question(number) if on_gpu(number) else float(number)


def numbers_at(places: list[int], values: Sequence[Any], asked: dict[int, Answer]) -> list[Any]:
    """The numbers at some places among arrays, to be read by `float`.

    Of a GPU all single numbers among them are asked for, since that takes no longer; these
    questions are kept in `asked`.
    """
    if not places or not on_gpu(values[places[0]]):
        return [float(values[n]) for n in places]
    if not asked:
        single = [n for n, x in enumerate(values) if getattr(x, "shape", None) == ()]
        asked |= {n: open_question(values[n]) for n in single}
    return [asked[n] for n in places]


def refuse_if(wrong: Any, explain: Callable[[], Any]) -> None:
    """Call `explain`, which may raise, if this is true: at once, or, of a GPU, in `settle`."""
    if on_gpu(wrong):
        open_question(wrong, explain)
    elif wrong:
        explain()


def open_question(number: Any, explain: Callable[[], Any] | None = None) -> Answer:
    """To a GPU: for an array of one number."""
    if len(OPEN) >= MOST_OPEN:
        settle()
    OPEN.append(Answer(number, explain))
    return OPEN[-1]


def told(who: Callable[[], str], function: Callable[..., Any], *given: Any, **options: Any) -> Any:
    """What a function returns. `who` is added to its errors, and to those that its questions bring.

    If it fails, nobody asks any more what is open: that belonged to what has failed.
    """
    asked = len(OPEN)
    try:
        found = function(*given, **options)
    except Exception as error:
        forget()
        error.add_note(who())
        raise
    if len(OPEN) > asked:
        for answer in OPEN[asked:]:
            answer.notes.append(who)
    return found


def settle() -> None:
    """Fetch all answers that are open, in one transfer, and raise what they tell."""
    if not OPEN:
        return
    asked = OPEN[:]
    OPEN.clear()
    for answer, value in zip(asked, fetched([answer.array for answer in asked]), strict=True):
        answer.take(value)
    for answer in asked:
        if answer.explain and answer:
            try:
                answer.explain()
            except Exception as error:
                for who in answer.notes:
                    error.add_note(who())
                raise


FLAGS: dict[str, Any] = {}


def flag(name: str) -> Any:
    """An int32 on a GPU, 0 until a kernel writes another number there: something is wrong."""
    if name not in FLAGS:
        FLAGS[name] = sys.modules["cupy"].zeros((), "int32")
    return FLAGS[name]


def refuse_if_set(wrong: Any, explain: Callable[[], Any]) -> None:
    """Let `explain` look, and raise, if a flag is found to be set.

    It may have been set for the sake of other arrays.
    """

    def clear_and_explain() -> None:
        wrong[...] = 0
        explain()

    refuse_if(wrong, clear_and_explain)


def forget() -> None:
    """Ask no more what is open, whatever the answers are: it belonged to work that has failed."""
    OPEN.clear()
    for one in FLAGS.values():
        one[...] = 0


@contextmanager
def set_apart() -> Iterator[list[Answer]]:
    """What is asked inside is handed over, and nobody else waits for it."""
    asked: list[Answer] = []
    before = OPEN[:]
    OPEN.clear()
    try:
        yield asked
        asked += OPEN
    finally:
        OPEN[:] = before


def settled(function: Callable[..., Any], *given: Any) -> Any:
    """What a function returns, when nothing of what it has asked is open any more."""
    found = function(*given)
    if OPEN:
        settle()
    return found


def fetched(numbers: Sequence[Any]) -> list[float]:
    """Arrays of one number each, from a GPU: in one transfer, and with few launches."""
    cupy = sys.modules["cupy"]
    of_types = by_type(enumerate(numbers))
    parts = [cupy.stack([numbers[n] for n in places]) for places in of_types]
    if len(parts) > 1:
        is_small = all(part.dtype in ("float32", "int32", "bool") for part in parts)  # as flags are
        kind = "float32" if is_small else "float64"
        parts = [cupy.concatenate([part.astype(kind, copy=False) for part in parts])]
    order = [place for places in of_types for place in places]
    values = dict(zip(order, parts[0].tolist(), strict=True))
    return [float(values[place]) for place in range(len(numbers))]


def by_type(arrays: Iterable[tuple[int, Any]]) -> list[list[int]]:
    """The places of arrays, those of arrays of one type together."""
    places: dict[Any, list[int]] = {}
    for place, x in arrays:
        places.setdefault(x.dtype, []).append(place)
    return list(places.values())
