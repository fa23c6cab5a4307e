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


def who_trains(arrows, losses):
    found = {loss: {loss} for loss in losses}
    something_new = True
    while something_new:
        something_new = False
        for box, follower in arrows:
            before = found.get(box, set())
            after = before | found.get(follower, set())
            if after != before:
                found[box], something_new = after, True
    return found


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
        "A guess is enough: the dict of the comment, with one of the three words for each name.",
    ],
    "who_trains": [
        "found = {loss: {loss} for loss in losses}: each loss comes to itself. Then go through all "
        "arrows: what the second box of an arrow knows, its first box knows, too.",
        "found.get(box, set()) is what is known of a box, or an empty set if nothing is.",
        "One walk through the arrows may be too little. Repeat it until a walk finds nothing new; "
        "or walk as often as there are arrows.",
        "for box, follower in arrows: found[box] = found.get(box, set()) | "
        "found.get(follower, set())",
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


def check_my_prediction__names(lesson):
    """There is a word for each of the five layers."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with a word for each layer, not {found!r}."
    assert set(found) == LAYERS, f"The dict needs the keys {sorted(LAYERS)}, not {list(found)}."


def check_my_prediction__words(lesson):
    """Each word is one of the three, right or wrong."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with a word for each layer, not {found!r}."
    wrong = [word for word in found.values() if word not in ("same", "ten times", "neither")]
    assert not wrong, f'Use the words "same", "ten times" and "neither", not {wrong[0]!r}.'


FORK = [("in", "trunk"), ("trunk", "a"), ("trunk", "b"), ("a", "loss a"), ("b", "loss b")]


def compare_sets(lesson, arrows, losses, expected):
    given = list(arrows)
    found = lesson.who_trains(given, losses)
    assert given == list(arrows), "Your function has changed the list of arrows: make a copy first."
    assert isinstance(found, dict), f"Return a dict: the set of losses by box, not {found!r}."
    for box, right in expected.items():
        if box not in found and not right:
            continue  # a box from which no loss is reached may be left out
        assert box in found, f"For the arrows {arrows}, your dict has no entry for {box!r}."
        yours = found[box]
        assert isinstance(yours, set | frozenset | list | tuple) and set(yours) == right, (
            f"For the arrows {arrows}: from {box!r} one comes to {sorted(right) or 'no loss'}, you "
            f"say {yours!r}."
        )


def check_who_trains__a_chain(lesson):
    """Along a chain, all boxes hear its loss."""
    chain = [("x", "layer"), ("layer", "out"), ("out", "loss")]
    compare_sets(lesson, chain, ["loss"], {"x": {"loss"}, "layer": {"loss"}, "out": {"loss"}})


def check_who_trains__a_fork(lesson):
    """Before a fork a box hears both losses, behind it only its own."""
    both = {"loss a", "loss b"}
    expected = {"in": both, "trunk": both, "a": {"loss a"}, "b": {"loss b"}}
    compare_sets(lesson, FORK, ["loss a", "loss b"], expected)


def check_who_trains__any_order(lesson):
    """The order of the arrows does not matter."""
    both = {"loss a", "loss b"}
    expected = {"in": both, "trunk": both, "a": {"loss a"}, "b": {"loss b"}}
    for arrows in (FORK[::-1], FORK[2:] + FORK[:2], FORK[1:] + FORK[:1]):
        compare_sets(lesson, arrows, ["loss b", "loss a"], expected)


def check_who_trains__no_way(lesson):
    """From a box without a way to a loss one comes to none."""
    arrows = [("x", "y"), ("y", "loss"), ("x", "shown"), ("z", "shown")]
    compare_sets(
        lesson, arrows, ["loss"], {"x": {"loss"}, "y": {"loss"}, "shown": set(), "z": set()}
    )


def check_who_trains__several_ways(lesson):
    """Two ways to the same loss, and a loss that is reached late, make no difference."""
    arrows = [("x", "a"), ("x", "b"), ("a", "c"), ("b", "c"), ("c", "l1"), ("b", "d"), ("d", "l2")]
    both = {"l1", "l2"}
    compare_sets(lesson, arrows, ["l1", "l2"], {"x": both, "a": {"l1"}, "b": both, "d": {"l2"}})


def check_total__sum(lesson):
    """Two rows are added, each times its weight."""
    found = lesson.total([np.array([1.0, 2.0]), np.array([10.0, -10.0])], [3.0, 0.5])
    assert found is not None, "total returned None although both losses have a path."
    assert np.allclose(found, [8.0, 1.0]), (
        f"3 * [1, 2] + 0.5 * [10, -10] is [8, 1], not {np.asarray(found).tolist()}."
    )


def check_total__intact(lesson):
    """The rows that came in are not changed."""
    rows = [np.array([1.0]), np.array([2.0])]
    lesson.total(rows, [5.0, 5.0])
    assert len(rows) == 2 and rows[0] == 1 and rows[1] == 2, (
        f"The rows were [1] and [2], and are {rows} now: make new arrays, they are needed again."
    )


def check_total__one_path(lesson):
    """A loss without a path is left out."""
    row = np.array([1.0, 2.0])
    for rows, right in (([row, None], 3.0 * row), ([None, row], 0.5 * row)):
        found = lesson.total(rows, [3.0, 0.5])
        assert found is not None, "One loss has a path, so the sum is not None."
        assert np.allclose(found, right), (
            f"rows {rows} with the weights [3, 0.5] give {right.tolist()}, "
            f"not {np.asarray(found).tolist()}: does each row keep its own weight?"
        )


def check_total__no_path(lesson):
    """Without any path the sum is None."""
    for rows in ([None, None], [None]):
        found = lesson.total(rows, [1.0, 0.2][: len(rows)])
        assert found is None, f"No loss has a path, so return None, not {found!r}."


def check_total__three(lesson):
    """Three losses, of arrays of any shape, are added in the same way."""
    rows = [np.array([[1.0], [2.0]]), None, np.array([[-4.0], [1.0]])]
    found = lesson.total(rows, [2.0, 100.0, 0.5])
    assert np.shape(found) == (2, 1), (
        f"rows of shape (2, 1) make a sum of shape (2, 1), not {np.shape(found)}."
    )
    assert np.allclose(found, [[0.0], [4.5]]), (
        f"2 * [[1], [2]] + 0.5 * [[-4], [1]] is [[0], [4.5]], not {np.asarray(found).tolist()}."
    )


def check_total__zero(lesson):
    """A weight of 0 gives zeros, not None."""
    found = lesson.total([None, np.array([1.0, 2.0])], [1.0, 0.0])
    assert found is not None, "There is a path, only its weight is 0: return zeros, not None."
    found = np.asarray(found)
    assert found.shape == (2,) and not found.any(), f"0 * [1, 2] is [0, 0], not {found.tolist()}."


def check_adam_first_step__sign(lesson):
    """Only the sign of each number is left."""
    found = np.asarray(lesson.adam_first_step(np.array([0.2, -3.0]), 0.5))
    assert found.shape == (2,), f"Two numbers come in, two go out; yours has shape {found.shape}."
    assert not np.allclose(found, 0.5), "The sign is lost: g itself stands above the fraction line."
    assert not np.allclose(found, [-0.5, 0.5], atol=1e-5), (
        "This is minus the step: here the step is rate * g / (|g| + 1e-7), without a minus."
    )
    assert not np.allclose(found, 0.5 * np.array([0.2, -3.0]) / np.hypot(0.2, 3.0), atol=1e-5), (
        "This divides by the length of the whole array; divide each number by its own |g|."
    )
    assert np.allclose(found, [0.5, -0.5], atol=1e-5), (
        f"With a rate of 0.5, [0.2, -3] makes the step [0.5, -0.5], yours is {found.tolist()}."
    )


def check_adam_first_step__zero(lesson):
    """A gradient of 0 makes no step, and no error."""
    with np.errstate(all="raise"):
        try:
            found = np.asarray(lesson.adam_first_step(np.array([0.0, 1.0]), 0.1))
        except FloatingPointError as error:
            raise AssertionError(
                f"for a gradient of 0 NumPy says: {error}. Add 1e-7 to |g| before you divide"
            ) from error
    assert found[0] == 0, f"A gradient of 0 must make a step of 0, not {found[0]}."


def check_adam_first_step__tiny(lesson):
    """The tiny number counts where g is tiny, too."""
    found = np.asarray(lesson.adam_first_step(np.array([1e-7]), 1.0))
    assert np.allclose(found, 0.5, atol=0.01), (
        f"With g = 1e-7 and a rate of 1 the step is 1e-7 / (1e-7 + 1e-7) = 0.5, not {found}."
    )


def check_adam_first_step__cancels(lesson):
    """Ten times the gradient makes the same step."""
    g = np.array([0.01, -4.0])
    one, ten = lesson.adam_first_step(g, 0.1), lesson.adam_first_step(10 * g, 0.1)
    assert np.allclose(one, ten, rtol=1e-3), f"g gives {one}, but 10 * g gives {ten}."


def check_adam_first_step__rate(lesson):
    """The rate is the size of the step."""
    for rate in (0.3, 0.001):
        g = np.array([2.0])
        found = np.asarray(lesson.adam_first_step(g, rate))
        assert np.allclose(found, rate, rtol=1e-4), (
            f"A rate of {rate} makes a step of {rate}, not {found}."
        )
        assert g[0] == 2, f"The gradient that came in was 2 and is {g[0]} now: make a new array."
