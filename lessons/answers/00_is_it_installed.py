"""Answers to lesson 0."""

import numpy as np


def my_prediction():
    # Go back from each loss, against the arrows of the drawing: which boxes do you meet?
    return {"shared": "both", "digit": "digit", "even": "even"}


def loss_without_path():
    # In the row digit/kernel, the column of this loss shows a dash. In the drawing: from the loss
    # of even, going back, one comes to even and to shared, but never to digit.
    return "even"


def always_the_commonest(labels):
    counts = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return max(counts.values()) / len(labels)


HINTS = {
    "my_prediction": [
        "In the drawing, put a finger on a loss and go back, from right to left. Where are you?",
        'A guess is enough: return {"shared": "digit", "digit": "digit", "even": "digit"}, with '
        "other words if you like.",
    ],
    "loss_without_path": [
        "Look for the row that starts with digit/kernel. One of its two columns is a dash.",
        "The dash stands in the column of one loss. Return the name of that column as a string.",
        'Your line is return "..." with digit or even between the quotes.',
    ],
    "always_the_commonest": [
        "Begin with an empty dict, counts = {}. Go through the labels: for label in labels:",
        "In the loop: counts[label] = counts.get(label, 0) + 1",
        "counts.values() are all counts, and max(...) finds the largest. len(labels) is how many "
        "labels there are.",
        "The last line, behind the loop: return max(counts.values()) / len(labels)",
    ],
}


def predicted(lesson):
    try:
        found = lesson.my_prediction()
    except NameError as error:
        raise AssertionError(
            f"Python looks for a variable {error.name}. Words and names need quotes."
        ) from None
    assert isinstance(found, dict), (
        f'You returned {found!r}. Return a dict: {{"shared": "...", "digit": "...", "even": "..."}}'
    )
    return found


def check_my_prediction__three_boxes(lesson):
    """There is a word for each of the three boxes."""
    found = predicted(lesson)
    assert set(found) == {"shared", "digit", "even"}, (
        f'Your dict has the names {list(found)}. The three boxes are "shared", "digit" and "even".'
    )


def check_my_prediction__words(lesson):
    """Each word is one of the three, right or wrong."""
    for box, word in predicted(lesson).items():
        assert word in ("digit", "even", "both"), (
            f'For the box {box!r} you say {word!r}. Use one of "digit", "even" and "both".'
        )


def answer_of(lesson):
    try:
        return lesson.loss_without_path()
    except NameError as error:
        raise AssertionError(
            f'Python looks for a variable {error.name}. A string has quotes: return "..."'
        ) from None


def check_loss_without_path__returns_a_name(lesson):
    """The answer is the name of one of the two losses."""
    answer = answer_of(lesson)
    assert answer in ("digit", "even"), (
        f'You returned {answer!r}. Return one of the two names, with quotes: "digit" or "even".'
    )


def check_loss_without_path__is_the_column_with_the_dash(lesson):
    """The loss with the dash in the row digit/kernel is the one without a path."""
    answer = answer_of(lesson)
    assert answer in ("digit", "even"), f"{answer!r} is not the name of a column of losses."
    assert answer == "even", (
        f"You returned {answer!r}; but in the row digit/kernel, the dash is in the other column. "
        "A number, as large or small as it may be, means that there is a path."
    )


def share(lesson, labels):
    given = labels.copy()
    found = lesson.always_the_commonest(labels)
    assert found is not None, "You returned None. Is a `return` missing?"
    assert isinstance(found, int | float | np.number | np.ndarray) and np.shape(found) == (), (
        f"You returned {found!r}; expected one number."
    )
    assert np.array_equal(labels, given), (
        f"The labels were {given} and are {labels} now: leave them as they are."
    )
    return float(found)


def check_always_the_commonest__of_the_text(lesson):
    """For [3, 1, 3, 2] it is a half."""
    found = share(lesson, [3, 1, 3, 2])
    assert found == 0.5, f"For [3, 1, 3, 2] you found {found}; two of four are 3: expected 0.5."


def check_always_the_commonest__other_labels(lesson):
    """It works for any labels, wherever the commonest one stands."""
    for labels, right in [
        ([0, 0, 0, 1], 0.75),
        ([7, 5, 5, 5, 5], 0.8),
        ([2], 1.0),
        ([9, 8, 7, 6], 0.25),
        ([1, 2, 2, 3, 3, 3, 3, 3, 4, 4], 0.5),
    ]:
        found = share(lesson, labels)
        assert abs(found - right) < 1e-9, (
            f"For {labels} you found {found}; expected {right}. How often does the commonest label "
            "occur, and how many labels are there?"
        )


def check_always_the_commonest__arrays_of_yes_and_no(lesson):
    """It works for arrays, also for those of True and False."""
    found = share(lesson, np.array([True, False, False, False]))
    assert abs(found - 0.75) < 1e-9, (
        f"For True, False, False, False you found {found}; expected 0.75: False is the commonest."
    )
    found = share(lesson, np.array([4, 4, 1, 4, 1]))
    assert abs(found - 0.6) < 1e-9, f"For the array [4, 4, 1, 4, 1] you found {found}; not 0.6."
