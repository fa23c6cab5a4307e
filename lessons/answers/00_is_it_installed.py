"""Answers to lesson 0."""


def loss_without_path():
    # In the row digit/kernel, the column of this loss shows a dash. In the drawing: from the loss
    # of even, going back, one comes to even and to shared, but never to digit.
    return "even"


HINTS = {
    "loss_without_path": [
        "Look for the row that starts with digit/kernel. One of its two columns is a dash.",
        "The dash stands in the column of one loss. Return the name of that column as a string.",
        'Your line is return "..." with digit or even between the quotes.',
    ],
}


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
