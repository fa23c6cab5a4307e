"""Solutions, hints and checks of lesson 13."""

import numpy as np

import tinygrad_mo as tg


def pull_back_concatenate(g, width):
    # The dots stand for all axes in front, also the one of the rows.
    return g[..., :width], g[..., width:]


def pull_back_add(g):
    # Each number of a branch goes into one number of the sum, with the slope 1.
    return g, g


def gradients_at_h(h, b, c):
    both, plus = np.concatenate([h, b], axis=-1), h + c
    through_both, _ = pull_back_concatenate(2 * both, h.shape[-1])
    through_plus, _ = pull_back_add(np.ones_like(plus))
    only_plus, _ = pull_back_add(2 * plus)
    # loss 0 comes back on two wires, loss 1 on one
    return through_both + through_plus, only_plus


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
    "gradients_at_h": [
        "both = np.concatenate([h, b], axis=-1) and plus = h + c are the way forward.",
        "Loss 0 sends 2 * both to `both` and ones to `plus`; loss 1 sends 2 * plus to `plus`.",
        "pull_back_concatenate(2 * both, h.shape[-1])[0] is the first wire of loss 0, and "
        "pull_back_add(np.ones_like(plus))[0] the second one.",
        "Loss 0: the sum of the two wires. Loss 1: pull_back_add(2 * plus)[0]. Return both arrays.",
    ],
    "weighted_answer": [
        "It is the same as `mix` in lesson 8: each array times its weight, then add.",
        "return sum(weight * answer for weight, answer in zip(weights, answers))",
    ],
}


def two_parts(found, name):
    assert isinstance(found, tuple | list | np.ndarray) and len(found) == 2, (
        f"{name} must return two arrays, one for each branch: write return first, second."
    )
    return [np.asarray(part) for part in found]


def check_pull_back_concatenate__pieces(lesson):
    """Each branch gets back its own piece."""
    g = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    first, second = two_parts(lesson.pull_back_concatenate(g, 2), "pull_back_concatenate")
    assert first.tolist() == [[1, 2]], (
        f"The first branch is 2 wide and gets [[1, 2]], not {first.tolist()}."
    )
    assert second.tolist() == [[3, 4, 5]], (
        f"The second branch gets the rest, [[3, 4, 5]], not {second.tolist()}."
    )


def check_pull_back_concatenate__any_axes(lesson):
    """It works with rows in front, and for sequences, too."""
    g = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    first, second = two_parts(lesson.pull_back_concatenate(g, 1), "pull_back_concatenate")
    assert first.shape == (2, 3, 4, 1) and second.shape == (2, 3, 4, 4), (
        f"g of shape (2, 3, 4, 5) is cut on its LAST axis, into (2, 3, 4, 1) and (2, 3, 4, 4); "
        f"yours are {first.shape} and {second.shape}. Write g[..., :width]."
    )
    assert (np.concatenate([first, second], axis=-1) == g).all(), "The pieces do not make up g."


def check_pull_back_concatenate__library(lesson):
    """It agrees with the library."""
    a, b = tg.Tensor(np.ones((2, 3))), tg.Tensor(np.ones((2, 5)))
    g = np.arange(16.0).reshape(2, 8)
    found = two_parts(lesson.pull_back_concatenate(g, 3), "pull_back_concatenate")
    right = tg.gradients(tg.layers.concatenate([a, b]), [a, b], g)
    for mine, theirs in zip(found, right, strict=True):
        assert np.array_equal(mine, theirs), f"The library says {theirs}, you say {mine}."


def check_pull_back_concatenate__pythagoras(lesson):
    """The squared lengths of the pieces add up."""
    g = np.random.default_rng(0).standard_normal((6, 9))
    parts = two_parts(lesson.pull_back_concatenate(g, 4), "pull_back_concatenate")
    found = sum((part**2).sum() for part in parts)
    assert np.isclose(found, (g**2).sum()), (
        f"The squares of the pieces add up to {found:.4f}, those of g to {(g**2).sum():.4f}."
    )


def check_pull_back_add__copy(lesson):
    """Each branch gets the whole gradient."""
    g = np.array([[1.0, -2.0]])
    first, second = two_parts(lesson.pull_back_add(g), "pull_back_add")
    assert not np.allclose(first, g / 2), (
        "The gradient is not divided by 2: if one branch grows by 1, the sum grows by 1."
    )
    assert np.array_equal(first, g), f"The first branch gets {g.tolist()}, not {first.tolist()}."
    assert np.array_equal(second, g), f"The second branch gets {g.tolist()}, not {second.tolist()}."


def check_pull_back_add__slope(lesson):
    """It agrees with a measured slope."""
    g, h = np.array([3.0, -1.0]), 1e-6
    found = two_parts(lesson.pull_back_add(g), "pull_back_add")
    x, y, d = np.array([1.0, 2.0]), np.array([5.0, 7.0]), np.array([1.0, 0.5])
    slope = (g * ((x + h * d) + y) - g * ((x - h * d) + y)).sum() / (2 * h)
    for part in found:
        received = (part * d).sum()
        assert np.isclose(received, slope), f"Measured slope {slope:.4f}, yours {received:.4f}."


def at_h(lesson, h, b, c):
    try:
        found = two_parts(lesson.gradients_at_h(h, b, c), "gradients_at_h")
    except ValueError as error:
        raise AssertionError(
            f"with h {h.shape}, b {b.shape} and c {c.shape} it breaks ({error}): the piece of h is "
            f"as wide as h, and this width is h.shape[-1], not a fixed number"
        ) from error
    assert all(part.shape == h.shape for part in found), (
        f"h has the shape {h.shape}, so each gradient has it, too; yours have "
        f"{[part.shape for part in found]}."
    )
    return found


def check_gradients_at_h__loss_0(lesson):
    """Loss 0 arrives on two wires, and they are added."""
    h, b, c = np.array([[3.0, -1.0]]), np.array([[5.0]]), np.array([[0.5, 2.0]])
    found = at_h(lesson, h, b, c)[0]
    assert np.allclose(found, [[7, -1]]), (
        f"For h = [[3, -1]] the wire from `both` brings 2 * h = [[6, -2]], that from `plus` "
        f"[[1, 1]]: together [[7, -1]], not {found.tolist()}."
    )


def check_gradients_at_h__loss_1(lesson):
    """Loss 1 arrives on one wire."""
    h, b, c = np.array([[3.0, -1.0]]), np.array([[5.0]]), np.array([[0.5, 2.0]])
    found = at_h(lesson, h, b, c)[1]
    assert np.allclose(found, [[7, 2]]), (
        f"For h + c = [[3.5, 1]] loss 1 sends back [[7, 2]], not {found.tolist()}."
    )


def check_gradients_at_h__measured(lesson):
    """Both agree with measured slopes, for any widths."""
    random = np.random.default_rng(1)
    h, b, c, d = (random.standard_normal((3, width)) for width in (4, 2, 4, 4))

    def losses(h):
        both, plus = np.concatenate([h, b], axis=-1), h + c
        return np.array([(both * both).sum() + plus.sum(), (plus * plus).sum()])

    measured = (losses(h + 1e-5 * d) - losses(h - 1e-5 * d)) / 2e-5
    found = [(part * d).sum() for part in at_h(lesson, h, b, c)]
    assert np.allclose(found, measured), f"Measured slopes {measured}, yours {found}."


def check_gradients_at_h__empty(lesson):
    """A batch without any row has gradients without any row."""
    at_h(lesson, np.zeros((0, 3)), np.zeros((0, 2)), np.zeros((0, 3)))


def check_weighted_answer__sum(lesson):
    """Each answer counts with its weight."""
    answers = [np.array([1.0, 2.0]), np.array([10.0, 20.0]), np.array([100.0, 0.0])]
    found = lesson.weighted_answer(answers, [2.0, 0.5, 0.0])
    assert found is not None, "weighted_answer returned None: is there a return?"
    found = np.asarray(found)
    assert found.shape == (2,), f"Two samples have two answers; yours has shape {found.shape}."
    assert np.allclose(found, [7.0, 14.0]), (
        f"2 * [1, 2] + 0.5 * [10, 20] + 0 * [100, 0] is [7, 14], not {found.tolist()}."
    )


def check_weighted_answer__average(lesson):
    """With weights of one half it is the plain average."""
    found = lesson.weighted_answer([np.array([1.0]), np.array([4.0])], [0.5, 0.5])
    assert np.allclose(found, 2.5), f"The average of 1 and 4 is 2.5, not {found}."


def check_weighted_answer__no_division(lesson):
    """Weights need not add up to 1."""
    found = lesson.weighted_answer([np.array([1.0]), np.array([1.0])], [1.0, 1.0])
    assert np.allclose(found, 2.0), (
        f"1 * 1 + 1 * 1 is 2, not {found}: do not divide by the sum of the weights."
    )
