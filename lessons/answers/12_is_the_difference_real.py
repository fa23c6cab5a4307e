"""Answers to lesson 12."""

import warnings

import numpy as np


def my_prediction():
    # 300 samples are few, and so are three epochs: luck decides much.
    return "more than 5"


def mean_and_spread(scores):
    scores = np.asarray(scores, float)
    if len(scores) == 1:
        return scores[0], None
    return scores.mean(), scores.std(ddof=1)


def half_width(scores):
    if len(scores) == 1:
        return None
    return t(len(scores)) * np.std(scores, ddof=1) / np.sqrt(len(scores))


def compare(new, old):
    differences = np.asarray(new, float) - np.asarray(old, float)
    middle, half = differences.mean(), half_width(differences)
    if half is None:
        return middle, None, "one seed"
    if abs(middle) <= half:
        return middle, half, "not seen"
    return middle, half, "higher" if middle > 0 else "lower"


def seeds_needed(spread, difference):
    n = 2
    while t(n) * spread / np.sqrt(n) >= difference:
        n += 1
    return n


def t(n):  # as in the lesson
    return T[min(n - 2, len(T) - 1)]


T = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
]  # fmt: skip

HINTS = {
    "my_prediction": [
        "Look at the two runs above: with the seeds 1 and 2, and nearly the same network, 69 and "
        "77.",
        "Any of the three is a good guess: we will see.",
    ],
    "mean_and_spread": [
        "np.mean and np.std do it. np.std divides by n, but with ddof=1 by n - 1.",
        "For one score: return the score, and None.",
        "return np.mean(scores), np.std(scores, ddof=1)",
    ],
    "half_width": [
        "n is len(scores). The three parts are t(n), the standard deviation, and np.sqrt(n).",
        "return t(n) * np.std(scores, ddof=1) / np.sqrt(n), but None if n is 1.",
    ],
    "compare": [
        "First the differences: np.asarray(new) - np.asarray(old). Everything else is about them.",
        'Their mean, and half_width of them. If half is None, the word is "one seed".',
        'If the mean is not farther from 0 than half, either way, the word is "not seen".',
        'Otherwise "higher" if the mean is above 0, else "lower".',
    ],
    "seeds_needed": [
        "Begin with n = 2, and add 1 as long as it is not enough.",
        "while t(n) * spread / np.sqrt(n) >= difference: n += 1",
    ],
}


def quietly(function, *scores):
    """Its result; NumPy warns of the spread of one number, even where nobody uses it."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*scores)


SCORES = [70.0, 74.0, 79.0, 73.0]


def check_my_prediction__words(lesson):
    """The prediction is one of the three phrases."""
    found = lesson.my_prediction()
    assert found in ("less than 1", "1 to 5", "more than 5"), (
        f'Return "less than 1", "1 to 5" or "more than 5", not {found!r}.'
    )


def check_my_prediction__one(lesson):
    """It is one phrase, a text."""
    found = lesson.my_prediction()
    assert isinstance(found, str), f"Return one of the phrases as a text, not {found!r}."


def both(lesson, scores):
    found = quietly(lesson.mean_and_spread, scores)
    assert found is not None, "mean_and_spread returned None: is a `return` missing?"
    assert isinstance(found, tuple | list | np.ndarray) and len(found) == 2, (
        f"Return two things, the mean and the spread, not {found!r}."
    )
    return found


def check_mean_and_spread__mean(lesson):
    """The first number is the mean."""
    for scores in (SCORES, np.array([1.0, 2.0, 6.0])):
        found = both(lesson, scores)[0]
        assert np.allclose(found, np.mean(scores)), (
            f"The mean of {list(scores)} is {np.mean(scores)}, yours is {found}."
        )


def check_mean_and_spread__spread(lesson):
    """The second one is the standard deviation, divided by the count less 1."""
    for scores in (SCORES, np.array([1.0, 2.0, 6.0])):
        found, right = both(lesson, scores)[1], np.std(scores, ddof=1)
        assert found is not None and np.allclose(found, right), (
            f"The spread of {list(scores)} is {right:.4f}, yours is {found}. Divided by n it would "
            f"be {np.std(scores):.4f}, as np.std does; ddof=1 divides by n - 1."
        )


def check_mean_and_spread__one(lesson):
    """Of one score the spread is None."""
    mean, spread = both(lesson, [70.0])
    assert np.allclose(mean, 70), f"The mean of [70.0] is 70, yours is {mean}."
    assert spread is None, f"One score has no spread: None, not {spread}."


def check_half_width__value(lesson):
    """t times spread, divided by the root of n."""
    for scores in (SCORES, np.array([1.0, 2.0]), np.arange(30.0)):
        n = len(scores)
        found, right = lesson.half_width(scores), t(n) * np.std(scores, ddof=1) / np.sqrt(n)
        assert found is not None, "half_width returned None: is a `return` missing?"
        assert np.shape(found) == () and np.allclose(found, right), (
            f"For {n} numbers with the spread {np.std(scores, ddof=1):.3f} half is {right:.3f} "
            f"(t is {t(n)}), yours is {found}."
        )


def check_half_width__one(lesson):
    """Of one score it is None."""
    found = quietly(lesson.half_width, [70.0])
    assert found is None, f"With one score, nobody knows: None, not {found}."


NEW, OLD = [75.0, 78.0, 82.0, 80.0], [70.0, 74.0, 79.0, 73.0]


def three(lesson, new, old):
    found = quietly(lesson.compare, new, old)
    assert found is not None, "compare returned None: is a `return` missing?"
    assert isinstance(found, tuple | list) and len(found) == 3, (
        f"Return three things: mean difference, half, word; not {found!r}."
    )
    return found


def check_compare__mean(lesson):
    """The difference is new minus old."""
    for new, old, right in ((NEW, OLD, 4.75), (np.array(OLD), np.array(NEW), -4.75)):
        found = three(lesson, new, old)[0]
        assert np.shape(found) == () and np.allclose(found, right), (
            f"From {list(old)} to {list(new)} the mean difference is {right}, yours is {found}."
        )


def check_compare__paired(lesson):
    """Half is that of the differences, pair by pair."""
    found, pairs = three(lesson, NEW, OLD)[1], np.subtract(NEW, OLD)
    right = t(4) * pairs.std(ddof=1) / 2
    assert found is None or not np.allclose(found, 1.96 * pairs.std(ddof=1) / 2), (
        f"Half is {found:.3f} with 1.96, the number for very many pairs. For 4 pairs t is {t(4)}."
    )
    assert found is not None and np.allclose(found, right), (
        f"The differences are {pairs.tolist()}; half of their interval is {right:.3f}, yours is "
        f"{found}. The two rows themselves spread much wider: first subtract, then measure."
    )


def check_compare__seen(lesson):
    """The word says to which side, if the whole interval lies there."""
    for new, old, right in ((NEW, OLD, "higher"), (OLD, NEW, "lower")):
        found = three(lesson, new, old)
        assert found[2] == right, (
            f"From {old} to {new} all of the interval lies on one side of 0: {right!r}, not "
            f"{found[2]!r}."
        )


def check_compare__not_seen(lesson):
    """If 0 is in the interval, no difference was seen."""
    for new, old in (([71.0, 73.0, 84.0], OLD[:3]), ([69.0, 75.0, 74.0], OLD[:3]), (OLD, OLD)):
        found = three(lesson, new, old)
        assert found[2] == "not seen", (
            f"From {old} to {new} the differences are {np.subtract(new, old).tolist()}, and 0 is "
            f'in their interval: "not seen", not {found[2]!r}.'
        )


def check_compare__one_seed(lesson):
    """One pair cannot tell."""
    found = three(lesson, [75.0], [70.0])
    assert np.allclose(found[0], 5) and found[1] is None and found[2] == "one seed", (
        f'For one pair, 70 and 75, return (5.0, None, "one seed"), not {tuple(found)}.'
    )


def check_seeds_needed__smallest(lesson):
    """n is enough, and one less is not."""
    for spread, difference in ((4.0, 4.0), (4.0, 2.0), (1.0, 0.9), (3.0, 0.5)):
        n = lesson.seeds_needed(spread, difference)
        assert n is not None, "seeds_needed returned None: is a `return` missing?"
        right = seeds_needed(spread, difference)
        assert n == right, (
            f"For a spread of {spread} and a difference of {difference}, {right} seeds make the "
            f"half {t(right) * spread / np.sqrt(right):.3f}; yours says {n}."
        )


def check_seeds_needed__at_least_two(lesson):
    """It is never less than 2."""
    n = lesson.seeds_needed(0.01, 100.0)
    assert n == 2, f"One seed can never tell, so the smallest answer is 2, not {n}."
