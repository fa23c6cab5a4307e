"""Solutions, hints and checks of lesson 11."""

import numpy as np


def gram(rows):
    # One long arrow per loss; then all inner products in one matrix product.
    R = rows.reshape(len(rows), -1)
    return R @ R.T


def length(G, w):
    w = np.asarray(w)
    return np.sqrt(w @ G @ w)


def cosine(G, k, j):
    # On the diagonal of G stand the squares of the lengths.
    return G[k, j] / np.sqrt(G[k, k] * G[j, j])


def whole_gram(rows, reached, losses):
    whole = np.zeros((losses, losses))
    for name, gradients in rows.items():
        part = gram(gradients)
        # row a of this array is the gradient of loss k
        for a, k in enumerate(reached[name]):
            for b, j in enumerate(reached[name]):
                whole[k, j] += part[a, b]
    return whole


HINTS = {
    "gram": [
        "rows.reshape(len(rows), -1) makes one long arrow of each row; -1 means: whatever is left.",
        "Call the result R. R @ R.T is the table.",
        "R = rows.reshape(len(rows), -1), and then return R @ R.T",
    ],
    "length": [
        "G @ w is an array with one number for each loss. Multiply it with w once more.",
        "w may come as a list; np.asarray(w) makes an array of it.",
        "return np.sqrt(np.asarray(w) @ G @ np.asarray(w))",
    ],
    "cosine": [
        "G[k, j] is the inner product. G[k, k] is not the length of k, but its square.",
        "The two lengths are np.sqrt(G[k, k]) and np.sqrt(G[j, j]).",
        "return G[k, j] / (np.sqrt(G[k, k]) * np.sqrt(G[j, j]))",
    ],
    "whole_gram": [
        "If reached[name] is (1,), gram(rows[name]) has one number. It belongs to whole[1, 1].",
        "for name in rows: part = gram(rows[name]), then two loops over its rows and columns.",
        "enumerate(reached[name]) gives pairs: the number of the row here, and its loss.",
        "for a, k in enumerate(reached[name]), and inside it for b, j in enumerate(reached[name]): "
        "whole[k, j] += part[a, b]",
    ],
}

R = np.array([[1.0, 2.0, 2.0], [0.0, 3.0, -4.0]])
TABLE = np.array([[9.0, -2.0], [-2.0, 25.0]])  # of R


def number(found):
    assert found is not None, "The function returned None: is there a return?"
    assert np.ndim(found) == 0, f"The result is one number, not an array of {np.shape(found)}."
    return float(found)


def check_gram__table(lesson):
    """The table holds all inner products."""
    found = lesson.gram(R)
    assert found is not None, "gram returned None: is there a return?"
    assert isinstance(found, np.ndarray), (
        f"The table should be a NumPy array, yours is a {type(found).__name__}: np.array(...) "
        f"makes an array of lists."
    )
    assert found.shape == (2, 2), f"2 losses make a table of (2, 2), yours has shape {found.shape}."
    assert np.allclose(found, TABLE), (
        f"The rows [1, 2, 2] and [0, 3, -4] make {TABLE.tolist()}, yours is {found.tolist()}."
    )


def check_gram__any_shape(lesson):
    """Gradients of any shape are taken as one long arrow."""
    rows = np.arange(24.0).reshape(2, 3, 4)
    found = np.asarray(lesson.gram(rows))
    assert found.shape == (2, 2), (
        f"rows of shape (2, 3, 4) are two losses, so the table is (2, 2), not {found.shape}: "
        f"reshape first."
    )
    right = [[(a * b).sum() for b in rows] for a in rows]
    assert np.allclose(found, right), (
        f"Expected {np.asarray(right).tolist()}, got {found.tolist()}."
    )


def check_gram__three(lesson):
    """Three losses make a table of three times three."""
    found = np.asarray(lesson.gram(np.eye(3)[:, :, None]))
    assert found.shape == (3, 3), f"3 losses make a table of (3, 3), not {found.shape}."
    assert np.allclose(found, np.eye(3)), (
        f"Arrows at right angles have inner products of 0, and 1 with themselves; got {found}."
    )


def check_length__sum(lesson):
    """The length is that of the weighted sum."""
    w = [2.0, 3.0]
    found = number(lesson.length(TABLE, w))
    right = np.linalg.norm(2 * R[0] + 3 * R[1])
    assert not np.isclose(found, right**2), "This is the square of the length: take the root."
    assert np.isclose(found, right), (
        f"For the weights {w} the length is {right:.4f}, not {found:.4f}."
    )


def check_length__one(lesson):
    """With weight 1 for a single loss, it is the length of its own gradient."""
    for w, right in (([1.0, 0.0], 3.0), ([0.0, 1.0], 5.0)):
        found = number(lesson.length(TABLE, w))
        assert np.isclose(found, right), f"For the weights {w} the length is {right}, not {found}."


def check_length__double(lesson):
    """Twice the weights, twice the length."""
    once = number(lesson.length(TABLE, np.array([1.0, 1.0])))
    twice = number(lesson.length(TABLE, np.array([2.0, 2.0])))
    assert np.isclose(twice, 2 * once), f"[1, 1] gives {once}, but [2, 2] gives {twice}."


def check_length__negative(lesson):
    """A negative weight turns an arrow around; the length stays positive."""
    found = number(lesson.length(TABLE, [-1.0, 0.0]))
    assert np.isclose(found, 3), f"-1 times an arrow of length 3 has length 3, not {found}."


def check_cosine__angle(lesson):
    """The cosine is what is left without the lengths."""
    found = number(lesson.cosine(TABLE, 0, 1))
    assert not np.isclose(found, -2 / (9 * 25)), (
        "G[k, k] is the square of a length: take the root before you divide."
    )
    assert np.isclose(found, -2 / 15), (
        f"-2 divided by 3 and by 5 is {-2 / 15:.4f}, not {found:.4f}."
    )


def check_cosine__itself(lesson):
    """With itself, a gradient agrees fully."""
    found = number(lesson.cosine(TABLE, 1, 1))
    assert np.isclose(found, 1), f"The cosine of a gradient with itself is 1, not {found}."


def check_cosine__scale(lesson):
    """Longer gradients at the same angle have the same cosine."""
    factor = np.array([10.0, 0.1])
    found, before = (
        lesson.cosine(TABLE * np.outer(factor, factor), 0, 1),
        lesson.cosine(TABLE, 0, 1),
    )
    assert np.isclose(found, before), f"Other lengths changed the cosine from {before} to {found}."


ROWS = {
    "shared": np.array([[[1.0, 2.0]], [[3.0, -1.0]]]),
    "head of 0": np.array([[2.0, 0.0, 1.0]]),
    "head of 1": np.array([[[5.0]]]),
}
REACHED = {"shared": (0, 1), "head of 0": (0,), "head of 1": (1,)}


def table_of(lesson, names, losses=2, reached=REACHED):
    found = lesson.whole_gram({name: ROWS[name] for name in names}, reached, losses)
    assert found is not None, "whole_gram returned None: is there a return?"
    found = np.asarray(found)
    assert found.shape == (losses, losses), (
        f"{losses} losses make a table of {(losses, losses)}, yours has shape {found.shape}."
    )
    return found


def check_whole_gram__shared(lesson):
    """One array that both losses reach gives its own Gram matrix."""
    found = table_of(lesson, ["shared"])
    assert np.allclose(found, [[5, 1], [1, 10]]), (
        f"The rows [1, 2] and [3, -1] make [[5, 1], [1, 10]], yours is {found.tolist()}."
    )


def check_whole_gram__heads(lesson):
    """An array that one loss reaches counts at the place of this loss."""
    for name, right in (("head of 0", [[5, 0], [0, 0]]), ("head of 1", [[0, 0], [0, 25]])):
        found = table_of(lesson, [name])
        assert np.allclose(found, right), (
            f"{name} is reached by the losses {REACHED[name]} alone: the table is {right}, yours "
            f"is {found.tolist()}."
        )


def check_whole_gram__sum(lesson):
    """The Gram matrices of all arrays are added."""
    found = table_of(lesson, list(ROWS))
    assert np.allclose(found, [[10, 1], [1, 35]]), (
        f"The three arrays have [[5, 1], [1, 10]], 5 for loss 0 and 25 for loss 1, together "
        f"[[10, 1], [1, 35]]; yours is {found.tolist()}."
    )


def check_whole_gram__three_losses(lesson):
    """Losses 0 and 2 have their places, and a loss without any row has zeros."""
    found = table_of(lesson, ["shared"], 3, {"shared": (0, 2)})
    right = [[5, 0, 1], [0, 0, 0], [1, 0, 10]]
    assert np.allclose(found, right), (
        f"The rows belong to the losses 0 and 2 of three: {right}, yours is {found.tolist()}."
    )


def check_whole_gram__nothing_written(lesson):
    """The gradients stay as they were."""
    before = {name: array.copy() for name, array in ROWS.items()}
    table_of(lesson, list(ROWS))
    assert all(np.array_equal(before[name], ROWS[name]) for name in ROWS), (
        "Your function has changed the gradients that it was given."
    )
