"""Solutions, hints and checks of lesson 9."""

import numpy as np


def my_prediction():
    # Follow the arrows back from the loss of aux: where does it arrive, alone or not alone?
    return {
        "embedding": "neither",
        "lstm": "neither",
        "dense_1": "same",
        "main_output": "same",
        "aux_output": "ten times",
    }


def total(rows, weights):
    # A loss without a path takes no part. 0 would be wrong: nobody would see that it cannot.
    parts = [weight * row for row, weight in zip(rows, weights, strict=True) if row is not None]
    return sum(parts) if parts else None


def adam_first_step(g, rate):
    # The size of g stands above and below the fraction line; only its sign is left.
    return rate * g / (np.abs(g) + 1e-7)


HINTS = {
    "my_prediction": [
        "Start at the loss of aux and follow the arrows of the drawing backwards. Which layers do "
        "you meet? Which of them does the loss of main meet, too?",
        "A layer that the loss of aux does not meet cannot notice its weight.",
        "One layer is met by aux alone, two by both losses, two by main alone.",
    ],
    "total": [
        "First leave out the rows that are None, then add.",
        "parts = [weight * row for row, weight in zip(rows, weights) if row is not None]",
        "An empty list is false in Python: return sum(parts) if parts else None",
    ],
    "adam_first_step": [
        "NumPy computes with whole arrays: rate * g / something works number by number.",
        "The something is np.abs(g) + 1e-7. Mind the parentheses around it.",
    ],
}

LAYERS = {"embedding", "lstm", "dense_1", "main_output", "aux_output"}


def right_about(lesson, *layers):
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"return a dict with a word for each layer, not {found!r}"
    right = my_prediction()
    for layer in layers:
        assert found.get(layer) == right[layer], (
            f"for {layer} you predict {found.get(layer)!r}; the lesson shows something else. Which "
            f"losses have a path to {layer}?"
        )


def check_my_prediction__words(lesson):
    """each of the five layers has one of the three words"""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"return a dict with a word for each layer, not {found!r}"
    assert set(found) == LAYERS, f"the dict needs the keys {sorted(LAYERS)}, not {sorted(found)}"
    wrong = {word for word in found.values() if word not in ("same", "ten times", "neither")}
    assert not wrong, f'use "same", "ten times" or "neither", not {wrong}'


def check_my_prediction__alone(lesson):
    """where aux is alone, its weight counts fully"""
    right_about(lesson, "aux_output")


def check_my_prediction__no_path(lesson):
    """where aux has no path, its weight changes nothing"""
    right_about(lesson, "dense_1", "main_output")


def check_my_prediction__meeting(lesson):
    """where both losses meet, the result is a mixture"""
    right_about(lesson, "lstm", "embedding")


def check_total__sum(lesson):
    """two rows are added, each times its weight"""
    found = lesson.total([np.array([1.0, 2.0]), np.array([10.0, -10.0])], [3.0, 0.5])
    assert found is not None, "total returned None although both losses have a path"
    assert np.allclose(found, [8.0, 1.0]), (
        f"3 * [1, 2] + 0.5 * [10, -10] is [8, 1], not {np.asarray(found).tolist()}"
    )


def check_total__one_path(lesson):
    """a loss without a path is left out"""
    row = np.array([1.0, 2.0])
    for rows, right in (([row, None], 3.0 * row), ([None, row], 0.5 * row)):
        found = lesson.total(rows, [3.0, 0.5])
        assert found is not None, "one loss has a path, so the sum is not None"
        assert np.allclose(found, right), (
            f"rows {rows} with the weights [3, 0.5] give {right.tolist()}, "
            f"not {np.asarray(found).tolist()}: does each row keep its own weight?"
        )


def check_total__no_path(lesson):
    """without any path the sum is None"""
    found = lesson.total([None, None], [1.0, 0.2])
    assert found is None, f"no loss has a path, so return None, not {found!r}"


def check_total__zero(lesson):
    """a weight of 0 gives zeros, not None"""
    found = lesson.total([None, np.array([1.0, 2.0])], [1.0, 0.0])
    assert found is not None, "there is a path, only its weight is 0: return zeros, not None"
    found = np.asarray(found)
    assert found.shape == (2,) and not found.any(), f"0 * [1, 2] is [0, 0], not {found.tolist()}"


def check_adam_first_step__sign(lesson):
    """only the sign of each number is left"""
    found = np.asarray(lesson.adam_first_step(np.array([0.2, -3.0]), 0.5))
    assert found.shape == (2,), f"two numbers come in, two go out; yours has shape {found.shape}"
    assert not np.allclose(found, 0.5), "the sign is lost: g itself stands above the fraction line"
    assert np.allclose(found, [0.5, -0.5], atol=1e-5), (
        f"with a rate of 0.5, [0.2, -3] makes the step [0.5, -0.5], yours is {found.tolist()}"
    )


def check_adam_first_step__zero(lesson):
    """a gradient of 0 makes no step, and no error"""
    with np.errstate(all="raise"):
        try:
            found = np.asarray(lesson.adam_first_step(np.array([0.0, 1.0]), 0.1))
        except FloatingPointError as error:
            raise AssertionError(
                f"for a gradient of 0 NumPy says: {error}. Add 1e-7 to |g| before you divide"
            ) from error
    assert found[0] == 0, f"a gradient of 0 must make a step of 0, not {found[0]}"


def check_adam_first_step__tiny(lesson):
    """the tiny number counts where g is tiny, too"""
    found = np.asarray(lesson.adam_first_step(np.array([1e-7]), 1.0))
    assert np.allclose(found, 0.5, atol=0.01), (
        f"with g = 1e-7 and a rate of 1 the step is 1e-7 / (1e-7 + 1e-7) = 0.5, not {found}"
    )


def check_adam_first_step__cancels(lesson):
    """ten times the gradient makes the same step"""
    g = np.array([0.01, -4.0])
    one, ten = lesson.adam_first_step(g, 0.1), lesson.adam_first_step(10 * g, 0.1)
    assert np.allclose(one, ten, rtol=1e-3), f"g gives {one}, but 10 * g gives {ten}"


def check_adam_first_step__rate(lesson):
    """the rate is the size of the step"""
    g = np.array([2.0])
    found = np.asarray(lesson.adam_first_step(g, 0.3))
    assert np.allclose(found, 0.3, atol=1e-5), f"a rate of 0.3 makes a step of 0.3, not {found}"
