"""Answers to lesson 4."""

import numpy as np


def gradient_of_the_bias():
    # Each number of the bias is used in 4 rows, and each use has the gradient 1.
    return [4.0, 4.0, 4.0]


def sum_new_axes(g, ndim):
    while g.ndim > ndim:
        g = g.sum(axis=0)
    return g


def unbroadcast(g, shape):
    g = sum_new_axes(g, len(shape))
    for axis, length in enumerate(shape):
        if length == 1:  # if g has length 1 there, too, the sum changes nothing
            g = g.sum(axis=axis, keepdims=True)
    return g


HINTS = {
    "gradient_of_the_bias": [
        "In how many places of x + bias does the number 100 appear?",
        "In each row once, and there are 4 rows. Each of these places makes the loss grow by 1.",
        "return [4, ...]",
    ],
    "sum_new_axes": [
        "g.sum(axis=0) has one axis less than g. Repeat it while g has too many axes.",
        "while g.ndim > ndim: ...",
        "In the loop: g = g.sum(axis=0). After the loop: return g",
    ],
    "unbroadcast": [
        "The first line: g = sum_new_axes(g, len(shape)). Now g has as many axes as `shape`.",
        "Then: for axis, length in enumerate(shape): look whether length is 1.",
        "Where it is 1: g = g.sum(axis=axis, keepdims=True). At the end return g.",
    ],
}

RANDOM = np.random.default_rng(0)


def example(*shape):
    """Whole numbers, so that every order of adding gives the same sum."""
    return RANDOM.integers(-9, 10, shape).astype(float)


def check_gradient_of_the_bias__three_numbers(lesson):
    """There is one gradient for each number of the bias."""
    received = lesson.gradient_of_the_bias()
    assert np.shape(received) == (3,), (
        f"You returned {received!r}; expected a list of three numbers, such as [1, 2, 3]."
    )


def check_gradient_of_the_bias__counts_the_uses(lesson):
    """Each number is used in every row, and the gradients of the uses are added."""
    received = np.ravel(lesson.gradient_of_the_bias()).tolist()
    assert received == [4, 4, 4], (
        f"You returned {received}. The loss is the sum of 12 numbers. In how many of them is the "
        "first number of the bias, and how much does each of these grow with it?"
    )


def check_sum_new_axes__one_axis(lesson):
    """(4, 3) becomes (3,), and each column is added up."""
    g = example(4, 3)
    received = lesson.sum_new_axes(g, 1)
    assert np.shape(received) == (3,), (
        f"For shape (4, 3) and ndim = 1 the result has shape {np.shape(received)}; expected (3,)."
    )
    assert (received == g.sum(axis=0)).all(), (
        "The shape is right, but not the numbers. Add up along the FIRST axis: axis=0."
    )


def check_sum_new_axes__several_axes(lesson):
    """Several new axes are summed away."""
    g = example(2, 5, 4, 3)
    received = lesson.sum_new_axes(g, 2)
    assert np.shape(received) == (4, 3), (
        f"For shape (2, 5, 4, 3) and ndim = 2 the result has shape {np.shape(received)}; expected "
        "(4, 3). One sum removes one axis: repeat it."
    )
    assert (received == g.sum(axis=(0, 1))).all(), "The shape is right, but not the numbers."


def check_sum_new_axes__nothing_to_do(lesson):
    """If there are no new axes, nothing changes."""
    g = example(4, 3)
    received = lesson.sum_new_axes(g, 2)
    assert np.shape(received) == (4, 3) and (received == g).all(), (
        f"g has 2 axes and shall have 2, so it must come back unchanged; its shape is now "
        f"{np.shape(received)}."
    )


def expect(lesson, larger, shape, axes):
    g = example(*larger)
    received = lesson.unbroadcast(g, shape)
    assert np.shape(received) == shape, (
        f"From {larger} back to {shape}: your result has the shape {np.shape(received)}. "
        "New axes vanish; axes of length 1 stay, with keepdims=True."
    )
    assert (received == g.sum(axis=axes).reshape(shape)).all(), (
        f"From {larger} back to {shape}: the shape is right, but not the numbers. Are the "
        "gradients of all copies ADDED, and along the right axes?"
    )


def check_unbroadcast__new_axes(lesson):
    """Axes that broadcasting put in front are summed away."""
    expect(lesson, (4, 3), (3,), 0)
    expect(lesson, (2, 4, 3), (3,), (0, 1))
    expect(lesson, (4, 3), (), (0, 1))


def check_unbroadcast__stretched_axes(lesson):
    """Axes that were stretched get their length 1 back."""
    expect(lesson, (4, 3), (4, 1), 1)
    expect(lesson, (4, 3), (1, 3), 0)
    expect(lesson, (4, 3), (1, 1), (0, 1))


def check_unbroadcast__both_at_once(lesson):
    """New and stretched axes can come together."""
    expect(lesson, (2, 4, 3), (4, 1), (0, 2))
    expect(lesson, (2, 4, 3), (1, 3), (0, 1))


def check_unbroadcast__nothing_to_do(lesson):
    """If nothing was broadcast, nothing changes."""
    expect(lesson, (4, 3), (4, 3), ())
    expect(lesson, (4, 1), (4, 1), ())
