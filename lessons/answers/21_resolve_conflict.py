"""Solutions, hints and checks of lesson 21."""

import numpy as np


def pcgrad(g1, g2):
    together = g1 @ g2
    if together >= 0:
        return g1 + g2
    # Each loses its part along the other one, as that one was.
    return g1 - together / (g2 @ g2) * g2 + g2 - together / (g1 @ g1) * g1


def mgda(g1, g2):
    apart = (g1 - g2) @ (g1 - g2)
    if apart == 0:
        return g1
    x = (g2 @ g2 - g1 @ g2) / apart
    x = min(max(x, 0.0), 1.0)
    return x * g1 + (1 - x) * g2


def my_prediction():
    # The sum of two bowls is one bowl; the others stop at the first Pareto point that they meet.
    return {"sum": "one end", "pcgrad": "several ends", "mgda": "several ends"}


def pcgrad_many(rows, orders):
    total = np.zeros_like(rows[0])
    for i, order in enumerate(orders):
        part = rows[i].copy()
        for j in order:
            along = part @ rows[j]
            if j != i and along < 0:
                part -= along / (rows[j] @ rows[j]) * rows[j]
        total += part
    return total


HINTS = {
    "pcgrad": [
        "First g1 @ g2. If it is not below 0, the answer is g1 + g2.",
        "What g1 has along g2 is (g1 @ g2) / (g2 @ g2) * g2. Subtract it from g1.",
        "The same for g2, with the old g1: g2 - (g1 @ g2) / (g1 @ g1) * g1. Return their sum.",
    ],
    "mgda": [
        "apart = (g1 - g2) @ (g1 - g2). If it is 0, return g1.",
        "x = (g2 @ g2 - g1 @ g2) / apart, and then between 0 and 1: min(max(x, 0.0), 1.0).",
        "return x * g1 + (1 - x) * g2",
    ],
    "my_prediction": [
        "Any of the words is welcome: it is your guess. The next cell shows what came out.",
        "Where is the step of each rule 0? Is there one such point, or are there many?",
    ],
    "pcgrad_many": [
        "The outer loop goes over the losses: part = rows[i].copy().",
        "The inner loop goes over orders[i]. For j other than i: along = part @ rows[j].",
        "If along is below 0: part -= along / (rows[j] @ rows[j]) * rows[j].",
        "Add up all parts, and return the sum.",
    ],
}

A, B = np.array([4.0, 0.0]), np.array([-1.0, 1.0])


def arrow(found, size):
    assert found is not None, "You returned None: is a `return` missing?"
    found = np.asarray(found, float)
    assert found.shape == (size,), (
        f"The step is an arrow of {size} numbers, yours has shape {found.shape}."
    )
    return found


def step_of(rule, g1, g2):
    one, two = np.array(g1, float), np.array(g2, float)
    with np.errstate(all="raise"):
        try:
            found = arrow(rule(one, two), len(one))
        except FloatingPointError as error:
            raise AssertionError(
                f"for g1 = {g1} and g2 = {g2} NumPy says: {error}. Is there a division by 0?"
            ) from error
    assert (one == g1).all() and (two == g2).all(), (
        "You have written into g1 or g2: make new arrays."
    )
    return found


def check_pcgrad__conflict(lesson):
    """In a conflict, each gradient loses what goes against the other one."""
    found = step_of(lesson.pcgrad, A, B)
    assert np.allclose(found, [2, 3]), (
        f"For g1 = [4, 0] and g2 = [-1, 1]: g1 without its part along g2 is [2, 2], g2 without its "
        f"part along g1 is [0, 1], the sum is [2, 3], not {found}."
    )


def check_pcgrad__agree(lesson):
    """Without a conflict it is the plain sum."""
    for g1, g2 in (([1.0, 2.0], [3.0, 0.5]), ([0.0, 2.0], [3.0, 0.0])):
        found = step_of(lesson.pcgrad, g1, g2)
        assert np.allclose(found, np.add(g1, g2)), (
            f"{g1} and {g2} do not oppose each other: nothing is taken away, the step is "
            f"{np.add(g1, g2)}, not {found}."
        )


def check_pcgrad__no_loss_rises(lesson):
    """A small step makes no loss rise, whatever the lengths."""
    for g1, g2 in (([9.0, 1.0, 0.0], [-1.0, 0.0, 2.0]), ([0.1, 0.3, 0.0], [-5.0, 1.0, 1.0])):
        found = step_of(lesson.pcgrad, g1, g2)
        for which, g in ((1, g1), (2, g2)):
            assert found @ g >= -1e-9, (
                f"For g1 = {g1} and g2 = {g2} your step {found.round(3)} makes loss {which} rise: "
                f"its product with g{which} is {found @ g:.3f}."
            )


def check_pcgrad__zero(lesson):
    """A gradient of 0 opposes nobody."""
    found = step_of(lesson.pcgrad, [1.0, -2.0], [0.0, 0.0])
    assert np.allclose(found, [1, -2]), f"With g2 = 0 the step is g1 = [1, -2], not {found}."


def check_mgda__inside(lesson):
    """It is the point of the line between the tips that is nearest to 0."""
    for g1, g2, right in (
        ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5]),
        ([4.0, 0.0], [-1.0, 1.0], [4 / 26, 20 / 26]),
    ):
        found = step_of(lesson.mgda, g1, g2)
        assert not np.allclose(found, right[::-1]) or right[0] == right[1], (
            f"For {g1} and {g2}: x belongs to g1, and 1 - x to g2."
        )
        assert np.allclose(found, right), (
            f"For g1 = {g1} and g2 = {g2} the shortest mixture is {np.round(right, 3)}, not "
            f"{found.round(3)}."
        )


def check_mgda__a_tip(lesson):
    """x stays between 0 and 1."""
    for g1, g2, right in (
        ([5.0, 1.0], [1.0, 0.0], [1.0, 0.0]),
        ([1.0, 0.5], [4.0, 2.5], [1.0, 0.5]),
    ):
        found = step_of(lesson.mgda, g1, g2)
        assert np.allclose(found, right), (
            f"For g1 = {g1} and g2 = {g2} the nearest point of the piece between the tips is the "
            f"tip {right}, not {found.round(3)}: x must lie between 0 and 1."
        )


def check_mgda__same(lesson):
    """Two equal gradients give this gradient."""
    for g in ([2.0, -1.0], [0.0, 0.0]):
        found = step_of(lesson.mgda, g, g)
        assert np.allclose(found, g), (
            f"If both gradients are {g}, every mixture is {g}, not {found}."
        )


def check_mgda__opposite(lesson):
    """Where the gradients are opposite, there is no step."""
    found = step_of(lesson.mgda, [3.0, -6.0], [-1.0, 2.0])
    assert np.allclose(found, 0), f"[3, -6] and [-1, 2] are opposite: the step is 0, not {found}."


def check_my_prediction__names(lesson):
    """There are words for the three rules."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with words for each rule, not {found!r}."
    names = {"sum", "pcgrad", "mgda"}
    assert set(found) == names, f"The dict needs the keys {sorted(names)}, not {list(found)}."


def check_my_prediction__words(lesson):
    """Each rule has "one end" or "several ends" as its word."""
    found = lesson.my_prediction()
    words = list(found.values()) if isinstance(found, dict) else [found]
    wrong = [word for word in words if word not in ("one end", "several ends")]
    assert not wrong, f'Use "one end" or "several ends", not {wrong}.'


ROWS = np.array([[1.0, 0.0, 1.0], [-1.0, 1.0, 0.0], [0.0, -1.0, -1.0]])


def many(lesson, rows, orders):
    copy = np.array(rows, float)
    found = arrow(lesson.pcgrad_many(copy, [np.array(order) for order in orders]), rows.shape[1])
    assert np.array_equal(copy, rows), "You have written into `rows`: take copies of the rows."
    return found


def check_pcgrad_many__two(lesson):
    """For two losses it is PCGrad as before."""
    found = many(lesson, np.array([A, B]), [[1, 0], [1, 0]])
    assert np.allclose(found, [2, 3]), (
        f"For the rows [4, 0] and [-1, 1] the step is [2, 3] as before, not {found}."
    )


def check_pcgrad_many__old_rows(lesson):
    """Each gradient is compared with the old ones, in its order."""
    for orders, right in (
        ([[0, 1, 2], [0, 1, 2], [0, 1, 2]], RIGHT_ORDER),
        ([[2, 1, 0], [2, 1, 0], [2, 1, 0]], OTHER_ORDER),
    ):
        found = many(lesson, ROWS, orders)
        assert np.allclose(found, right), (
            f"For the rows {ROWS.tolist()} and the orders {orders} the step is {right.round(3)}, "
            f"not {found.round(3)}. What is LEFT of a row, already shortened, is compared with "
            "the next OLD row of the others: their product says if something is taken."
        )


def check_pcgrad_many__no_conflict(lesson):
    """Where nothing is opposed, it is the plain sum."""
    rows = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
    found = many(lesson, rows, [[2, 1, 0], [0, 1, 2], [1, 0, 2]])
    assert np.allclose(found, [4, 3]), f"Nothing is opposed: the sum is [4, 3], not {found}."


def check_pcgrad_many__own_number(lesson):
    """Its own number may be in the order or not."""
    found = many(lesson, ROWS, [[1, 2], [0, 2], [0, 1]])
    assert np.allclose(found, RIGHT_ORDER), (
        f"orders without a loss's own number must give the same step {np.round(RIGHT_ORDER, 3)}, "
        f"not {found.round(3)}."
    )


RIGHT_ORDER = pcgrad_many(ROWS, [[0, 1, 2]] * 3)
OTHER_ORDER = pcgrad_many(ROWS, [[2, 1, 0]] * 3)
