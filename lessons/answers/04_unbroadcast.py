"""Answers to lesson 4."""

import numpy as np


def my_prediction():
    # Each number of the bias is used in 4 rows, and each use has the gradient 1.
    return [4, 4, 4]


def measured_gradient(f, array, h=1e-3):
    gradient = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        up, down = array.copy(), array.copy()
        up[place] += h
        down[place] -= h
        gradient[place] = (f(up) - f(down)) / (2 * h)
    return gradient


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
    "my_prediction": [
        "In how many places of x + bias does the number 100 appear?",
        "A guess is enough: three numbers in a list, such as [1, 2, 3].",
    ],
    "measured_gradient": [
        "gradient = np.zeros(array.shape), then a loop: for place in np.ndindex(array.shape):",
        "In the loop: up = array.copy() and down = array.copy(), and only at this place up gets h "
        "more and down gets h less.",
        "gradient[place] = (f(up) - f(down)) / (2 * h). Behind the loop: return gradient",
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


def check_my_prediction__three_numbers(lesson):
    """Your guess has one gradient for each number of the bias."""
    received = lesson.my_prediction()
    assert isinstance(received, list | tuple | np.ndarray) and np.shape(received) == (3,), (
        f"You returned {received!r}; expected a list of three numbers, such as [1, 2, 3]."
    )


def check_my_prediction__numbers(lesson):
    """Your guess is made of numbers, right or wrong."""
    received = lesson.my_prediction()
    assert isinstance(received, list | tuple | np.ndarray), (
        f"You returned {received!r}; expected a list of three numbers, such as [1, 2, 3]."
    )
    for number in received:
        assert isinstance(number, int | float | np.number), (
            f"In your list is {number!r}. Write a number, without quotes."
        )


def of_shape(received, shape):
    assert received is not None, "You returned None. Is a `return` missing?"
    assert np.shape(received) == shape, (
        f"For an array of shape {shape} your gradient has the shape {np.shape(received)}. It must "
        "have one number for each number of the array."
    )


def check_measured_gradient__one_axis(lesson):
    """Each number of an array has the slope of its own."""
    array = np.array([1.0, -2.0, 0.5])
    for factors in ([3.0, 5.0, 7.0], [-1.0, 0.0, 2.0]):
        received = lesson.measured_gradient(lambda a, f=factors: (a * f).sum(), array)
        of_shape(received, (3,))
        assert np.allclose(received, factors, atol=1e-6), (
            f"f(a) = (a * {factors}).sum() has the slopes {factors}; you measured "
            f"{np.round(received, 6).tolist()}."
        )


def check_measured_gradient__two_steps(lesson):
    """One step goes up and one goes down, from the number itself, and only in this number."""
    received = lesson.measured_gradient(lambda a: (a * a * a).sum(), np.array([1.0, 2.0]), 0.5)
    of_shape(received, (2,))
    assert np.allclose(received, [3.25, 12.25]), (
        "For a * a * a and h = 0.5 the central difference at 1 is (1.5**3 - 0.5**3) / 1 = 3.25, "
        f"and at 2 it is 12.25; you measured {np.round(received, 6).tolist()}."
    )


def check_measured_gradient__several_axes(lesson):
    """Arrays of any shape can be measured, also a single number."""
    for shape in [(2, 3), (2, 1, 2), ()]:
        array = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
        received = lesson.measured_gradient(lambda a: (a * a).sum(), array)
        of_shape(received, shape)
        assert np.allclose(received, 2 * array, atol=1e-6), (
            f"For the sum of a * a and a = {array.tolist()} the slopes are {(2 * array).tolist()}; "
            f"you measured {np.round(received, 6).tolist()}."
        )


def check_measured_gradient__array_stays(lesson):
    """The array that came in is as before, and f was asked for two neighbours of each number."""
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    lesson.measured_gradient(lambda a: a.sum(), array)
    assert array.tolist() == [[1.0, 2.0], [3.0, 4.0]], (
        f"The array was [[1, 2], [3, 4]] and is {array.tolist()} now. Adding h and taking it "
        "away again does not always bring back exactly 1. Change a copy: array.copy()."
    )
    kept = []
    lesson.measured_gradient(lambda a: kept.append(tuple(a)) or 0.0, np.array([1.0, 1.0]), 0.5)
    ups_and_downs = sorted(kept)
    assert ups_and_downs == [(0.5, 1.0), (1.0, 0.5), (1.0, 1.5), (1.5, 1.0)], (
        f"For [1, 1] and h = 0.5, f was asked for {ups_and_downs}; expected are (1.5, 1), "
        "(0.5, 1), (1, 1.5) and (1, 0.5)."
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


def check_unbroadcast__empty_batch(lesson):
    """Without any sample the gradient of a bias is zero, in its own shape."""
    expect(lesson, (0, 3), (3,), 0)
    expect(lesson, (2, 0), (2, 1), 1)


def check_unbroadcast__nothing_to_do(lesson):
    """If nothing was broadcast, nothing changes."""
    expect(lesson, (4, 3), (4, 3), ())
    expect(lesson, (4, 1), (4, 1), ())
