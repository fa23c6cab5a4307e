"""Solutions, hints and checks of lesson 13."""

import numpy as np

import tinygrad_mo as tg


def pull_back_concatenate(g, width):
    # The dots stand for all axes in front, also the one of the rows.
    return g[..., :width], g[..., width:]


def pull_back_add(g):
    # Each number of a branch goes into one number of the sum, with the slope 1.
    return g, g


def weighted_answer(answers, weights):
    return sum(weight * answer for weight, answer in zip(weights, answers, strict=True))


HINTS = {
    "pull_back_concatenate": [
        "Nothing is computed. Each branch gets back the numbers at its own places.",
        "g[..., :width] is everything before place `width`, on the last axis.",
        "return g[..., :width], g[..., width:]",
    ],
    "pull_back_add": [
        "If a number of the first branch grows by a little, by how much does the sum grow?",
        "By just as much, so its gradient is g. And the second branch?",
        "return g, g",
    ],
    "weighted_answer": [
        "It is the same as `mix` in lesson 8: each array times its weight, then add.",
        "return sum(weight * answer for weight, answer in zip(weights, answers))",
    ],
}


def two_parts(found, name):
    assert isinstance(found, tuple | list) and len(found) == 2, (
        f"{name} must return two arrays, one for each branch: write return first, second"
    )
    return [np.asarray(part) for part in found]


def check_pull_back_concatenate__pieces(lesson):
    """each branch gets back its own piece"""
    g = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    first, second = two_parts(lesson.pull_back_concatenate(g, 2), "pull_back_concatenate")
    assert first.tolist() == [[1, 2]], (
        f"the first branch is 2 wide and gets [[1, 2]], not {first.tolist()}"
    )
    assert second.tolist() == [[3, 4, 5]], (
        f"the second branch gets the rest, [[3, 4, 5]], not {second.tolist()}"
    )


def check_pull_back_concatenate__any_axes(lesson):
    """it works with rows in front, and for sequences, too"""
    g = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    first, second = two_parts(lesson.pull_back_concatenate(g, 1), "pull_back_concatenate")
    assert first.shape == (2, 3, 4, 1) and second.shape == (2, 3, 4, 4), (
        f"g of shape (2, 3, 4, 5) is cut on its LAST axis, into (2, 3, 4, 1) and (2, 3, 4, 4); "
        f"yours are {first.shape} and {second.shape}. Write g[..., :width]"
    )
    assert (np.concatenate([first, second], axis=-1) == g).all(), "the pieces do not make up g"


def check_pull_back_concatenate__library(lesson):
    """it agrees with the library"""
    a, b = tg.Tensor(np.ones((2, 3))), tg.Tensor(np.ones((2, 4)))
    g = np.arange(14.0).reshape(2, 7)
    found = two_parts(lesson.pull_back_concatenate(g, 3), "pull_back_concatenate")
    right = tg.gradients(tg.layers.concatenate([a, b]), [a, b], g)
    for mine, theirs in zip(found, right, strict=True):
        assert np.array_equal(mine, theirs), f"the library says {theirs}, you say {mine}"


def check_pull_back_concatenate__pythagoras(lesson):
    """the squared lengths of the pieces add up"""
    g = np.random.default_rng(0).standard_normal((6, 9))
    parts = two_parts(lesson.pull_back_concatenate(g, 4), "pull_back_concatenate")
    found = sum((part**2).sum() for part in parts)
    assert np.isclose(found, (g**2).sum()), (
        f"the squares of the pieces add up to {found:.4f}, those of g to {(g**2).sum():.4f}"
    )


def check_pull_back_add__copy(lesson):
    """each branch gets the whole gradient"""
    g = np.array([[1.0, -2.0]])
    first, second = two_parts(lesson.pull_back_add(g), "pull_back_add")
    assert not np.allclose(first, g / 2), (
        "the gradient is not divided by 2: if one branch grows by 1, the sum grows by 1"
    )
    assert np.array_equal(first, g), f"the first branch gets {g.tolist()}, not {first.tolist()}"
    assert np.array_equal(second, g), f"the second branch gets {g.tolist()}, not {second.tolist()}"


def check_pull_back_add__slope(lesson):
    """it agrees with a measured slope"""
    g, h = np.array([3.0, -1.0]), 1e-6
    found = two_parts(lesson.pull_back_add(g), "pull_back_add")
    x, y, d = np.array([1.0, 2.0]), np.array([5.0, 7.0]), np.array([1.0, 0.5])
    slope = (g * ((x + h * d) + y) - g * ((x - h * d) + y)).sum() / (2 * h)
    for part in found:
        received = (part * d).sum()
        assert np.isclose(received, slope), f"measured slope {slope:.4f}, yours {received:.4f}"


def check_weighted_answer__sum(lesson):
    """each answer counts with its weight"""
    answers = [np.array([1.0, 2.0]), np.array([10.0, 20.0]), np.array([100.0, 0.0])]
    found = lesson.weighted_answer(answers, [2.0, 0.5, 0.0])
    assert found is not None, "weighted_answer returned None: is there a return?"
    found = np.asarray(found)
    assert found.shape == (2,), f"two samples have two answers; yours has shape {found.shape}"
    assert np.allclose(found, [7.0, 14.0]), (
        f"2 * [1, 2] + 0.5 * [10, 20] + 0 * [100, 0] is [7, 14], not {found.tolist()}"
    )


def check_weighted_answer__average(lesson):
    """with weights of one half it is the plain average"""
    found = lesson.weighted_answer([np.array([1.0]), np.array([4.0])], [0.5, 0.5])
    assert np.allclose(found, 2.5), f"the average of 1 and 4 is 2.5, not {found}"


def check_weighted_answer__no_division(lesson):
    """weights need not add up to 1"""
    found = lesson.weighted_answer([np.array([1.0]), np.array([1.0])], [1.0, 1.0])
    assert np.allclose(found, 2.0), (
        f"1 * 1 + 1 * 1 is 2, not {found}: do not divide by the sum of the weights"
    )
