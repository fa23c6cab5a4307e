"""Answers to lesson 10."""

import numpy as np


def momentum(g, v=0.0, rate=0.1, beta=0.9):
    v = beta * v - rate * g
    return v, v


def rmsprop(g, s=0.0, rate=0.1):
    s = 0.9 * s + 0.1 * g**2
    return -rate * g / np.sqrt(s + 1e-7), s


def adam(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    t = t + 1
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    start = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)  # what the means have not seen yet
    return -rate * start * m / (np.sqrt(s) + epsilon), m, s, t


def my_prediction():
    # Two of them keep a mean of gradients, which is not 0 when the gradient is.
    still, on = "stands still", "goes on"
    return {"sgd": still, "momentum": on, "rmsprop": still, "adam": on}


def clip_together(gradients, limit):
    length = np.sqrt(sum((g**2).sum() for g in gradients))
    factor = limit / length if length > limit else 1.0
    return [factor * g for g in gradients]


HINTS = {
    "momentum": [
        "The first line is the formula: v = beta * v - rate * g.",
        "The second line returns two things: return v, v",
    ],
    "rmsprop": [
        "The first line makes the new s: 0.9 * s + 0.1 * g**2.",
        "The move is -rate * g / np.sqrt(s + 1e-7), with the new s.",
        "return move, s",
    ],
    "adam": [
        "First t = t + 1: in the first step it must be 1, or you divide by 0.",
        "Then the new m and the new s, as in the text.",
        "start = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)",
        "return -rate * start * m / (np.sqrt(s) + epsilon), m, s, t",
    ],
    "my_prediction": [
        "Put g = 0 into each of the four formulas. What is left of the move?",
        "Which of them remember gradients, and which remember only sizes?",
    ],
    "clip_together": [
        "The length of all together: np.sqrt of the sum of (g**2).sum() over all arrays.",
        "If it is larger than the limit, the factor is limit / length. Otherwise it is 1.",
        "return [factor * g for g in gradients]",
    ],
}

G = np.array([[0.5, -2.0], [3.0, 0.25]])


def results(found, count, what):
    assert found is not None, "It returned None: is a `return` missing?"
    assert isinstance(found, tuple | list) and len(found) == count, (
        f"Return {count} things: {what}; not {found!r}."
    )
    return found


def same(found, right, what):
    assert np.shape(found) == np.shape(right) and np.allclose(found, right, rtol=1e-4), (
        f"{what} is {np.round(right, 4).tolist()}, yours is {np.round(found, 4).tolist()}."
    )


def check_momentum__first_step(lesson):
    """The first step is that of plain gradient descent."""
    move, v = results(lesson.momentum(G, rate=0.2), 2, "the move and the velocity")
    same(move, -0.2 * G, "with a rate of 0.2 the first move")
    same(v, -0.2 * G, "with a rate of 0.2 the first velocity")


def check_momentum__next_step(lesson):
    """A part of the old velocity stays, as large as beta says."""
    for beta in (0.9, 0.5):
        v = np.full((2, 2), 10.0)
        found = results(lesson.momentum(G, v, 0.1, beta), 2, "the move and the velocity")
        right = beta * 10.0 - 0.1 * G
        same(found[0], right, f"with v = 10, beta = {beta} and rate = 0.1 the move")
        same(found[1], right, f"with v = 10, beta = {beta} and rate = 0.1 the new velocity")


def check_momentum__no_writing(lesson):
    """The old velocity and the gradient stay as they are."""
    v, g = np.ones((2, 2)), G.copy()
    lesson.momentum(g, v, 0.1)
    assert (v == 1).all() and (g == G).all(), (
        "Your function writes into v or g (with *=, -= or +=); make a new array."
    )


def rms(lesson, *values):
    return results(lesson.rmsprop(*values), 2, "the move and the mean of the squares")


def check_rmsprop__mean_of_squares(lesson):
    """s is a running mean of the squares."""
    _, s = rms(lesson, G, 4.0)
    same(s, 0.9 * 4 + 0.1 * G**2, "of s = 4 and the gradient, the new s")


def check_rmsprop__move(lesson):
    """The gradient is divided by the root of the new s."""
    for s, rate in ((0.0, 0.1), (4.0, 0.3)):
        move, _ = rms(lesson, G, s, rate)
        same(move, -rate * G / np.sqrt(0.9 * s + 0.1 * G**2 + 1e-7), f"with s = {s} the move")


def check_rmsprop__zero(lesson):
    """A gradient of 0 makes no move, and no error."""
    with np.errstate(all="ignore"):
        move, _ = rms(lesson, np.array([0.0, 1.0]))
    assert np.asarray(move)[0] == 0, (
        f"A gradient of 0 makes a move of 0, yours is {np.asarray(move)[0]}: what is below the "
        "line must not be 0. Add 1e-7 to s."
    )


def check_rmsprop__tiny(lesson):
    """The tiny number is added to s, below the root."""
    move, _ = rms(lesson, np.array([1e-4]), 0.0, 1.0)
    right = -1e-4 / np.sqrt(1e-9 + 1e-7)
    assert np.allclose(move, right, rtol=1e-3), (
        f"For a gradient of 0.0001 and a rate of 1 the move is {right:.3f}, yours is "
        f"{np.asarray(move)[0]:.3f}: sqrt(s + 1e-7)."
    )


def check_rmsprop__no_writing(lesson):
    """The old s stays as it is."""
    s = np.ones((2, 2))
    rms(lesson, G, s)
    assert (s == 1).all(), "Your function writes into s (with *= or +=); make a new array."


def four(found):
    return results(found, 4, "move, m, s and t")


def check_adam__first_step(lesson):
    """The first step has the length of the rate, whatever the gradient."""
    for rate in (0.1, 0.4):
        with np.errstate(all="ignore"):
            try:
                move = four(lesson.adam(G, rate=rate))[0]
            except ZeroDivisionError:
                move = np.nan
        assert np.isfinite(move).all(), (
            "The first move is not a number: 1 - 0.9**t is 0 for t = 0. t comes in as 0 and is 1 "
            "in the first step, so raise it first: t = t + 1."
        )
        same(move, -rate * np.sign(G), f"with a rate of {rate} the first move")


def check_adam__memory(lesson):
    """m is a running mean of the gradient, s of its square, t counts."""
    _, m, s, t = four(lesson.adam(G, 1.0, 4.0, 7))
    same(m, 0.9 + 0.1 * G, "of m = 1, the new m")
    same(s, 0.999 * 4 + 0.001 * G**2, "of s = 4, the new s")
    assert t == 8, f"After step 7 comes step 8; yours says {t}."


def check_adam__many_steps(lesson):
    """Ten steps lead to the same place as those of the formula."""
    m = s = 0.0
    memory = ()
    for t in range(1, 11):
        g = G * (1 if t % 3 else -2)
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        right = -0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / np.sqrt(s)
        with np.errstate(all="ignore"):
            move, *memory = four(lesson.adam(g, *memory, rate=0.1))
        same(move, right, f"in step {t} the move")


def check_adam__epsilon(lesson):
    """epsilon is added to the root of s."""
    for epsilon in (1e-7, 1e-2):
        found = float(four(lesson.adam(0.001, rate=1.0, epsilon=epsilon))[0])
        right = -np.sqrt(0.001) / 0.1 * 1e-4 / (np.sqrt(1e-9) + epsilon)
        paper = -0.001 / (0.001 + epsilon)
        assert not np.isclose(found, paper, rtol=1e-6), (
            f"Your first move is {found:.6f}: epsilon is added after the correction for the start, "
            f"as in the paper of Adam. Ours adds it before, to the root of s itself: {right:.6f}."
        )
        assert np.isclose(found, right, rtol=1e-6), (
            f"For a gradient of 0.001, a rate of 1 and an epsilon of {epsilon} the first move is "
            f"{right:.6f}, yours is {found:.6f}. Below the line stands sqrt(s) + epsilon."
        )


def check_adam__no_writing(lesson):
    """What was remembered stays as it is."""
    m, s = np.ones((2, 2)), np.ones((2, 2))
    four(lesson.adam(G, m, s, 3))
    assert (m == 1).all() and (s == 1).all(), "Your function writes into m or s; make new arrays."


def check_my_prediction__keys(lesson):
    """There is a prediction for each of the four optimizers."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with a phrase for each, not {found!r}."
    names = {"sgd", "momentum", "rmsprop", "adam"}
    assert set(found) == names, f"The dict needs the keys {sorted(names)}, not {list(found)}."


def check_my_prediction__words(lesson):
    """Each prediction is one of the two phrases."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with a phrase for each, not {found!r}."
    wrong = [word for word in found.values() if word not in ("stands still", "goes on")]
    assert not wrong, f'Use "stands still" or "goes on", not {wrong}.'


def clipped(lesson, gradients, limit):
    kept = [g.copy() for g in gradients]
    with np.errstate(all="ignore"):
        found = lesson.clip_together(kept, limit)
    assert found is not None, "clip_together returned None: is a `return` missing?"
    found = list(found)
    assert len(found) == len(gradients), (
        f"{len(gradients)} arrays come in, so as many go out, not {len(found)}."
    )
    assert all(np.array_equal(a, b) for a, b in zip(kept, gradients, strict=True)), (
        "Your function writes into the gradients; make new arrays."
    )
    return [np.asarray(g) for g in found]


PAIR = [np.array([3.0, 0.0]), np.array([[4.0], [0.0], [0.0]])]


def check_clip_together__long(lesson):
    """Too long together: one factor for all, so that the length is the limit."""
    for limit in (1.0, 2.5):
        found = clipped(lesson, PAIR, limit)
        each = [g * limit / np.linalg.norm(g) for g in PAIR]
        alone = [g.shape for g in found] == [g.shape for g in PAIR] and all(
            np.allclose(a, b) for a, b in zip(found, each, strict=True)
        )
        assert not alone, (
            f"You have shortened each array to the limit {limit} by itself. All together are 5 "
            f"long: one factor for all."
        )
        for one, g in zip(found, PAIR, strict=True):
            right = g * limit / 5
            assert one.shape == g.shape and np.allclose(one, right), (
                f"[3, 0] and [[4], [0], [0]] are 5 long together. With the limit {limit}, "
                f"{g.tolist()} becomes {right.tolist()}, yours is {one.tolist()}."
            )


def check_clip_together__short(lesson):
    """Short enough: nothing happens."""
    for one, g in zip(clipped(lesson, PAIR, 7.0), PAIR, strict=True):
        assert np.allclose(one, g), (
            f"A length of 5 is within the limit 7, so {g.tolist()} stays; yours is {one.tolist()}."
        )


def check_clip_together__zero(lesson):
    """Gradients of 0 stay 0."""
    found = clipped(lesson, [np.zeros(2), np.zeros((3, 1))], 1.0)
    assert all((g == 0).all() for g in found), (
        f"All gradients are 0, so they stay 0; yours are {[g.tolist() for g in found]}. "
        "Divide only if the length is larger than the limit."
    )
