"""Solutions, hints and checks of lesson 22."""

from itertools import combinations

import numpy as np


def my_prediction():
    # The same answer with other noise is more data; another answer only needs the place.
    return {"a beside b": "helps", "a beside c": "not seen", "c beside a": "not seen"}


def gains(alone, beside):
    return 100 * (1 - np.asarray(beside) / np.asarray(alone))


def affinity(losses, gram):
    # NumPy divides each row by the losses: column j by loss j.
    return np.asarray(gram) / np.asarray(losses)


def rank_correlation(a, b):
    ranks = [np.argsort(np.argsort(numbers)) for numbers in (a, b)]
    first, second = (each - each.mean() for each in ranks)
    return first @ second / np.sqrt((first @ first) * (second @ second))


def best_groups(losses, budget):
    tasks = {task for group in losses for task in group}
    best, least = None, np.inf
    for count in range(1, budget + 1):
        for chosen in combinations(losses, count):
            total = 0.0
            for task in tasks:
                # Each task is read from the network that does it best.
                total += min((losses[g][task] for g in chosen if task in g), default=np.inf)
            if total < least:
                best, least = list(chosen), total
    return best, least


HINTS = {
    "my_prediction": [
        "Any of the words is welcome: it is your guess. The lesson shows later what came out.",
        "What can a learn from the labels of b? What can it learn from those of c?",
    ],
    "gains": [
        "beside / alone is the part that is left; 1 minus this is the part that has gone.",
        "100 * (1 - beside / alone)",
    ],
    "affinity": [
        "Each number of the table is divided by the loss of its column.",
        "An array of shape (K, K) divided by one of shape (K,): NumPy divides column by column.",
        "return np.asarray(gram) / np.asarray(losses)",
    ],
    "rank_correlation": [
        "ranks = np.argsort(np.argsort(a)), and the same for b.",
        "Subtract the mean from both: u = ranks - ranks.mean().",
        "The cosine: u @ v / np.sqrt((u @ u) * (v @ v))",
    ],
    "best_groups": [
        "Three loops: the number of groups, combinations(losses, number), the tasks.",
        "All tasks: {task for group in losses for task in group}.",
        "For a task: the smallest losses[group][task] of the chosen groups that have it. If none "
        "has it, the choice does not count: min(..., default=np.inf).",
        "Remember the choice with the smallest total so far, and return list(choice), total.",
    ],
}
NAMES = {"a beside b", "a beside c", "c beside a"}
GRAM = np.array([[4.0, -1.0, 2.0], [-1.0, 9.0, 0.0], [2.0, 0.0, 1.0]])
MADE = {
    ("a",): {"a": 3.0},
    ("b",): {"b": 2.0},
    ("c",): {"c": 1.0},
    ("a", "b"): {"a": 1.0, "b": 2.5},
    ("a", "c"): {"a": 2.5, "c": 4.0},
    ("a", "b", "c"): {"a": 2.0, "b": 2.25, "c": 2.5},
}


def one_number(found):
    assert found is not None, "You returned None: is a `return` missing?"
    assert np.ndim(found) == 0, f"The result is one number, not an array of {np.shape(found)}."
    return float(found)


def check_my_prediction__names(lesson):
    """There are words for the three questions."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with words for each name, not {found!r}."
    assert set(found) == NAMES, f"The dict needs the keys {sorted(NAMES)}, not {list(found)}."


def check_my_prediction__words(lesson):
    """Each is one of the three words."""
    found = lesson.my_prediction()
    words = list(found.values()) if isinstance(found, dict) else [found]
    wrong = [word for word in words if word not in ("helps", "hurts", "not seen")]
    assert not wrong, f'Use "helps", "hurts" or "not seen", not {wrong}.'


def check_gains__percent(lesson):
    """0.5 and 0.4 give 20 percent, 2 and 3 give -50."""
    found = lesson.gains(np.array([0.5, 2.0]), np.array([0.4, 3.0]))
    assert found is not None, "You returned None: is a `return` missing?"
    found = np.asarray(found, float)
    assert found.shape == (2,), f"Two seeds give two numbers, yours has shape {found.shape}."
    assert not np.allclose(found, [0.2, -0.5]), "These are parts of 1: multiply by 100."
    assert not np.allclose(found, [-20, 50]), "A smaller loss is a gain: the signs are turned."
    assert not np.allclose(found, [25, -100 / 3]), "Divide by the loss alone, not by that beside."
    assert np.allclose(found, [20, -50]), (
        f"From 0.5 to 0.4 are 20 percent, from 2 to 3 are -50; yours are {found}."
    )


def check_gains__seeds(lesson):
    """Each seed is compared with itself."""
    found = np.asarray(lesson.gains(np.array([1.0, 10.0, 4.0]), np.array([0.5, 10.0, 3.0])), float)
    assert found.shape == (3,), f"Three seeds give three numbers, yours has shape {found.shape}."
    assert np.allclose(found, [50, 0, 25]), f"Seed by seed it is 50, 0 and 25; yours are {found}."


def check_affinity__columns(lesson):
    """The table is divided by the loss of its column."""
    found = lesson.affinity(np.array([2.0, 1.0, 0.5]), GRAM.copy())
    assert found is not None, "You returned None: is a `return` missing?"
    found = np.asarray(found, float)
    assert found.shape == (3, 3), f"Three losses give a table (3, 3), yours is {found.shape}."
    right = GRAM / np.array([2.0, 1.0, 0.5])
    assert not np.allclose(found, right.T), (
        "Your table is turned: a step for i (row) is divided by loss j (column)."
    )
    assert np.allclose(found, right), f"Expected {right.tolist()}, got {found.tolist()}."


def check_affinity__lists(lesson):
    """Losses may be a list."""
    found = np.asarray(lesson.affinity([4.0, 2.0], np.array([[8.0, -2.0], [-2.0, 6.0]])), float)
    assert np.allclose(found, [[2, -1], [-0.5, 3]]), (
        f"For losses 4 and 2 and G = [[8, -2], [-2, 6]] it is [[2, -1], [-0.5, 3]], not {found}."
    )


def check_rank_correlation__order(lesson):
    """The same order gives 1, the opposite one -1."""
    a = [0.1, 5.0, 2.0, -3.0]
    same = one_number(lesson.rank_correlation(a, [10.0, 1000.0, 11.0, -1.0]))
    assert np.isclose(same, 1), f"Both lists have the same order: 1, not {same}."
    turned = one_number(lesson.rank_correlation(a, [-0.1, -5.0, -2.0, 3.0]))
    assert np.isclose(turned, -1), f"The order is turned around: -1, not {turned}."


def check_rank_correlation__between(lesson):
    """It is the cosine of the ranks without their means."""
    for a, b, right in (
        ([1.0, 2.0, 3.0], [1.0, 30.0, 2.0], 0.5),
        ([1.0, 2.0, 3.0, 4.0], [3.0, 90.0, 1.0, 2.0], -0.6),
        ([3.0, 1.0, 4.0, 2.0], [10.0, 40.0, 20.0, 30.0], -0.8),
    ):
        found = one_number(lesson.rank_correlation(np.array(a), np.array(b)))
        assert np.isclose(found, right), (
            f"For {a} and {b} the rank correlation is {right}, not {found:.3f}. Did you take "
            "ranks, and subtract their mean?"
        )


def chosen_by(lesson, losses, budget):
    found = lesson.best_groups(losses, budget)
    assert isinstance(found, tuple | list) and len(found) == 2, (
        f"Return the list of groups and the sum, not {found!r}."
    )
    groups, total = found
    assert groups is not None, f"No groups were found for a budget of {budget}."
    return {tuple(group) for group in groups}, one_number(total)


def check_best_groups__one(lesson):
    """One network must do all tasks."""
    groups, total = chosen_by(lesson, MADE, 1)
    assert groups == {("a", "b", "c")} and np.isclose(total, 6.75), (
        f"Only a+b+c does all tasks, with the sum 6.75; you chose {groups} with {total}."
    )


def check_best_groups__two(lesson):
    """Two networks: the smallest sum over all tasks."""
    groups, total = chosen_by(lesson, MADE, 2)
    assert groups == {("a", "b"), ("c",)} and np.isclose(total, 4.5), (
        f"a+b and c have the sum 1 + 2.5 + 1 = 4.5; you chose {groups} with {total}."
    )


def check_best_groups__several(lesson):
    """A task is read from the network that does it best."""
    groups, total = chosen_by(lesson, MADE, 3)
    assert groups == {("a", "b"), ("b",), ("c",)} and np.isclose(total, 4), (
        f"a from a+b, b from b alone and c from c make 1 + 2 + 1 = 4; you chose {groups}, {total}."
    )


def check_best_groups__not_more_than_needed(lesson):
    """Fewer groups than the budget are allowed."""
    losses = {("p", "q"): {"p": 1.0, "q": 1.0}, ("p",): {"p": 2.0}, ("q",): {"q": 3.0}}
    groups, total = chosen_by(lesson, losses, 2)
    assert ("p", "q") in groups and np.isclose(total, 2), (
        f"p+q alone has the sum 2, which no choice of two makes smaller; yours: {groups}, {total}."
    )
