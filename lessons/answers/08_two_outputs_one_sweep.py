"""Solutions, hints and checks of lesson 8."""

from typing import NamedTuple

import numpy as np

import tinygrad_mo as tg


def my_prediction():
    # Below the fork the gradients travel together, so nothing is walked a second time.
    return 1


def count_pulls(engine, plan, tape, seeds):
    counts = {}

    def spy(pull, key):
        def counted(g):
            counts[key] = counts.get(key, 0) + 1
            return pull(g)

        return counted

    backs = []
    for slot, back in enumerate(tape.backs):
        if back is not None:
            back = [spy(pull, (slot, position)) for position, pull in enumerate(back)]
        backs.append(back)
    engine.backward(plan, engine.Tape(tape.values, backs), seeds)
    return counts


def count_sent(plan, tape, seeds):
    counts = {}

    def record(step, position, gradient, losses):
        counts[step, position] = counts.get((step, position), 0) + 1

    plan.backward(tape, seeds, record=record)
    return counts


def mix(rows, losses, weights):
    # losses says which weight belongs to which row.
    return sum(weights[k] * row for k, row in zip(losses, rows, strict=True))


HINTS = {
    "my_prediction": [
        "Think of the fork in lesson 3: what did the sweep do there before it went on?",
        "It waited for all users of the value and added their gradients. How often does it then "
        "go on?",
        "Any whole number above 0 will do: it is a guess.",
    ],
    "count_pulls": [
        "counts = {}. Inside, write spy(pull, key): it makes a function counted(g) that adds 1 to "
        "counts[key], with counts.get(key, 0), and returns pull(g). spy returns counted.",
        "Go through enumerate(tape.backs). A back of None stays None. Otherwise: "
        "[spy(pull, (slot, position)) for position, pull in enumerate(back)]",
        "Do not make the functions in a loop without spy: all of them would see the last value of "
        "the loop variable.",
        "At the end: engine.backward(plan, engine.Tape(tape.values, backs), seeds); return counts",
    ],
    "count_sent": [
        "A function inside a function may change a dict that was made outside of it.",
        "Start with counts = {}. In record, counts.get((step, position), 0) is the count so far.",
        "def record(step, position, gradient, losses): counts[step, position] = "
        "counts.get((step, position), 0) + 1",
    ],
    "mix": [
        "If losses is (1,), there is one row, and it belongs to weights[1].",
        "Go through losses and rows side by side with zip, and add weights[k] * row.",
        "return sum(weights[k] * row for k, row in zip(losses, rows))",
    ],
}


def check_my_prediction__a_number(lesson):
    """Your prediction is a whole number, right or wrong."""
    found = lesson.my_prediction()
    whole = isinstance(found, int | np.integer) and not isinstance(found, bool)
    assert whole, f"Return a whole number such as 3, without quotes, not {found!r}."


def check_my_prediction__above_zero(lesson):
    """Your prediction is above 0: without a sweep nothing is learnt."""
    found = lesson.my_prediction()
    above = isinstance(found, int | float | np.number) and found > 0
    assert above, f"Return a number above 0, not {found!r}."


class SmallEngine:
    """An engine of three slots whose sweep calls pullback (2, 0) twice and (2, 1) once."""

    class Tape(NamedTuple):
        values: list
        backs: list

    def __init__(self):
        self.sweeps = []

    def backward(self, plan, tape, seeds):
        assert tape.values == [2.0, 3.0, 6.0], (
            f"The new tape must have the values of the old one, [2, 3, 6]; it has {tape.values}."
        )
        assert len(tape.backs) == 3 and tape.backs[0] is None and tape.backs[1] is None, (
            "Three slots need three entries in the new list, None for the fed slots 0 and 1; yours "
            f"has {len(tape.backs)} entries, {tape.backs.count(None)} of them None."
        )
        back = tape.backs[2]
        assert isinstance(back, tuple | list) and len(back) == 2, (
            "Slot 2 has two pullbacks, so there must be two functions in its place, in a tuple."
        )
        self.sweeps.append((plan, seeds, back[0](1.0), back[1](10.0), back[0](100.0)))
        return []


def counted(lesson, tape=None):
    engine = SmallEngine()
    backs = [None, None, (lambda g: g * 3.0, lambda g: g * 2.0)]
    tape = tape or SmallEngine.Tape([2.0, 3.0, 6.0], backs)
    found = lesson.count_pulls(engine, "the plan", tape, "the seeds")
    assert isinstance(found, dict), f"Return the dict with the counts, not {found!r}."
    assert len(engine.sweeps) == 1, (
        f"Call engine.backward once, not {len(engine.sweeps)} times; counting needs one sweep."
    )
    return found, engine.sweeps[0]


def check_count_pulls__counts(lesson):
    """Each call is counted, under its slot and its position."""
    found, _ = counted(lesson)
    assert found != {(2, 1): 3}, (
        "All calls are counted as those of the last pullback: your function looks at the loop "
        "variable when it is called. Make it in a function spy(pull, key)."
    )
    assert found == {(2, 0): 2, (2, 1): 1}, (
        f"The pullback (2, 0) was called twice and (2, 1) once; your dict is {found}."
    )


def check_count_pulls__does_what_it_did(lesson):
    """A counted pullback still returns what it returned before."""
    _, (plan, seeds, *results) = counted(lesson)
    assert results == [3.0, 20.0, 300.0], (
        f"The pullbacks returned {results} instead of [3, 20, 300]: each one must call its own old "
        "pullback with g, and return what that returns."
    )
    assert (plan, seeds) == ("the plan", "the seeds"), "Hand on the plan and the seeds as they are."


def check_count_pulls__old_tape(lesson):
    """The old tape stays as it is, and a second call counts from zero."""
    backs = [None, None, (lambda g: g * 3.0, lambda g: g * 2.0)]
    tape, before = SmallEngine.Tape([2.0, 3.0, 6.0], backs), list(backs)
    first, second = dict(counted(lesson, tape)[0]), dict(counted(lesson, tape)[0])
    assert tape.backs is backs and backs == before, (
        "Your function has changed the old tape. Make a new list of backs, and a new Tape."
    )
    assert first == second, f"The first call counted {first}, the second one {second}."


class Watched:
    """A plan which sends along edge (3, 0) twice and along (1, 2) once, and notes its seeds."""

    def __init__(self):
        self.seeds = []

    def backward(self, tape, seeds, *, per_loss=False, record=None):
        self.seeds.append(list(seeds))
        assert record is not None, "Give your function to the sweep: record=record."
        for step, position in ((3, 0), (1, 2), (3, 0)):
            record(step, position, np.ones((1, 4)), (0,))
        return {}


def small_graph():
    shared = tg.Tensor(3.0)
    fork = shared * 2.0
    return tg.Plan([fork * 5.0, fork * fork], [shared])


def check_count_sent__counts(lesson):
    """Every call of record is counted, at its own edge."""
    found = lesson.count_sent(Watched(), None, [1.0])
    assert isinstance(found, dict), f"Return the dict with the counts, not {found!r}."
    assert found.get((3, 0)) != 1, (
        "An edge that was used twice must have the count 2, yours has 1: add to the old count."
    )
    assert found == {(3, 0): 2, (1, 2): 1}, (
        f"Edge (3, 0) was used twice and edge (1, 2) once; your dict is {found}."
    )


def check_count_sent__once(lesson):
    """One sweep is made, with the seeds that were given."""
    watched = Watched()
    lesson.count_sent(watched, None, [1.0, 0.5])
    assert len(watched.seeds) == 1, f"Call plan.backward once, not {len(watched.seeds)} times."
    assert watched.seeds == [[1.0, 0.5]], f"Hand on the seeds as they are, not {watched.seeds[0]}."


def check_count_sent__fresh(lesson):
    """A second call starts from zero again."""
    first = dict(lesson.count_sent(Watched(), None, [1.0]) or {})
    second = lesson.count_sent(Watched(), None, [1.0])
    assert second, f"Return the dict with the counts, not {second!r}."
    assert second == first, (
        f"The same sweep gave {first} at first and then {second}: make the dict inside count_sent."
    )


def check_count_sent__graph(lesson):
    """In a real graph with a fork, each edge is used once."""
    plan = small_graph()
    found = lesson.count_sent(plan, plan.forward(), [1.0, 1.0])
    assert isinstance(found, dict), f"Return the dict with the counts, not {found!r}."
    assert len(found) == 4, f"This graph has 4 edges with a gradient, you found {len(found)}."
    assert set(found.values()) == {1}, f"Each edge is used once, you counted {found}."


def check_mix__two(lesson):
    """Two rows are added, each times its weight."""
    rows = np.array([[1.0, 2.0], [10.0, 20.0]])
    found = lesson.mix(rows, (0, 1), [3.0, 0.5])
    assert found is not None, "mix returned None: is there a return?"
    assert np.shape(found) == (2,), (
        f"rows of length 2 are mixed into one row of length 2; yours has shape {np.shape(found)}."
    )
    assert np.allclose(found, [8.0, 16.0]), (
        f"3 * [1, 2] + 0.5 * [10, 20] is [8, 16], not {np.asarray(found).tolist()}."
    )


def check_mix__one(lesson):
    """Where only loss 1 has a row, its own weight is used."""
    found = np.asarray(lesson.mix(np.array([[4.0]]), (1,), [100.0, 0.5]), float)
    assert not np.allclose(found, 400), (
        "The only row belongs to loss 1, but it was given weights[0]: losses says which weight."
    )
    assert np.allclose(found, 2), f"0.5 * 4 is 2, not {found.tolist()}."


def check_mix__training(lesson):
    """The mixed rows are the gradient that training uses."""
    plan = small_graph()
    tape, (shared,) = plan.forward(), plan.wrt
    rows = plan.backward(tape, [1.0, 1.0], per_loss=True)[shared]
    found = np.asarray(lesson.mix(rows, plan.reaches(shared), [1.0, 0.2]), float)
    right = plan.backward(tape, [1.0, 0.2])[shared][0]
    assert np.allclose(found, right), (
        f"The sweep with weights gives {right}, your mix gives {found}."
    )


def check_mix__intact(lesson):
    """The rows that came in are not changed."""
    rows = np.array([[1.0], [2.0]])
    lesson.mix(rows, (0, 1), [5.0, 5.0])
    assert rows.tolist() == [[1.0], [2.0]], "Make new arrays: the rows are needed again."
