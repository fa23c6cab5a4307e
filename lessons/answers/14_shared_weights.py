"""Solutions, hints and checks of lesson 14."""

import numpy as np

import tinygrad_mo as tg


def share_of_each_call(w, a, b):
    left, right = np.tanh(w * a), np.tanh(w * b)
    # the product rule: each reading is multiplied with the other one, and tanh(w * x) has the
    # slope (1 - tanh(w * x) ** 2) * x with respect to w
    return right * (1 - left**2) * a, left * (1 - right**2) * b


def gradient_of_shared(W, a, b):
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    at_left, at_right = right, left  # the slopes of the sum of left * right
    from_left = a.T @ (at_left * (1 - left**2))
    from_right = b.T @ (at_right * (1 - right**2))
    return from_left + from_right  # two ways back to one W


def my_prediction():
    # the second call uses the same weights again
    return 8320


def join(left, right):
    # |left - right| and left * right are the same in both orders, and each looks at both
    return tg.layers.concatenate([abs(left - right), left * right])


HINTS = {
    "share_of_each_call": [
        "score = left * right, with left = tanh(w * a). On the left way, right is a fixed number.",
        "The slope of tanh(w * a) with respect to w is (1 - tanh(w * a) ** 2) * a: "
        "do not forget the factor a.",
        "The left share is np.tanh(w * b) * (1 - np.tanh(w * a) ** 2) * a. "
        "The right share is the same with a and b exchanged.",
    ],
    "gradient_of_shared": [
        "It is share_of_each_call, for all rows and all numbers of W at once.",
        "Through the tanh of the left call: g = right * (1 - left ** 2), number by number.",
        "Through a @ W: a.T @ g. This also adds up what comes from each row.",
        "return a.T @ (right * (1 - left**2)) + b.T @ (left * (1 - right**2))",
    ],
    "my_prediction": [
        "When does a layer make its weights: at each call, or once?",
        "The second call uses the weights which the first call made. No new ones are made.",
    ],
    "join": [
        "left - right changes its sign when the two are swapped. What removes a sign?",
        "abs(left - right) is the same in both orders, and so is left * right. "
        "Each of the two is enough; both together are better.",
        "return tg.layers.concatenate([abs(left - right), left * right])",
    ],
}


def slopes(w, a, b):
    """Both shares by central differences: move w in one call only."""

    def score(w_left, w_right):
        return np.tanh(w_left * a) * np.tanh(w_right * b)

    h = 1e-5
    left = (score(w + h, w) - score(w - h, w)) / (2 * h)
    return left, (score(w, w + h) - score(w, w - h)) / (2 * h)


def check_share_of_each_call__two_numbers(lesson):
    """The function returns two numbers."""
    found = lesson.share_of_each_call(0.5, 1.0, 2.0)
    assert isinstance(found, tuple | list) and len(found) == 2, (
        f"Two numbers were expected, the left share and the right share, but {found!r} was "
        f"returned: write `return left_share, right_share`."
    )


def check_share_of_each_call__left(lesson):
    """The left share is the slope when only the left call's weight moves."""
    for w, a, b in ((0.5, 1.0, 2.0), (-0.3, 2.0, 0.7)):
        received, expected = lesson.share_of_each_call(w, a, b)[0], slopes(w, a, b)[0]
        assert abs(received - expected) < 1e-6, (
            f"For w={w}, a={a}, b={b} the left share must be {expected:.6f}, received was "
            f"{received:.6f}: look at the factors tanh(w * b), 1 - tanh(w * a) ** 2, and a."
        )


def check_share_of_each_call__right(lesson):
    """The right share is the slope when only the right call's weight moves."""
    for w, a, b in ((0.5, 1.0, 2.0), (-0.3, 2.0, 0.7)):
        received, expected = lesson.share_of_each_call(w, a, b)[1], slopes(w, a, b)[1]
        assert abs(received - expected) < 1e-6, (
            f"For w={w}, a={a}, b={b} the right share must be {expected:.6f}, received was "
            f"{received:.6f}: look at the factors tanh(w * a), 1 - tanh(w * b) ** 2, and b."
        )


def check_share_of_each_call__sum(lesson):
    """The two shares add up to the gradient of the shared weight."""
    w = tg.Tensor(0.4)
    whole = tg.gradients(tg.ops.tanh(w * 1.5) * tg.ops.tanh(w * -0.8), w)
    received = sum(lesson.share_of_each_call(0.4, 1.5, -0.8))
    assert abs(received - whole) < 1e-6, (
        f"The engine finds {whole:.6f} for w=0.4, a=1.5, b=-0.8; your two shares add up to "
        f"{received:.6f}."
    )


def check_my_prediction__one_number(lesson):
    """The prediction is one whole number."""
    received = lesson.my_prediction()
    assert isinstance(received, int | np.integer) and not isinstance(received, bool), (
        f"Write a whole number, as in `return 5`, not {received!r}."
    )


def check_my_prediction__a_count(lesson):
    """It can be a number of weights."""
    received = lesson.my_prediction()
    assert isinstance(received, int | np.integer) and received > 0, (
        f"{received!r} cannot be a number of weights: the layer has some, so it is above 0."
    )


def some_matrices(rows=4, seed=0):
    random = np.random.default_rng(seed)
    return (random.uniform(-1, 1, shape) for shape in ((3, 2), (rows, 3), (rows, 3)))


def gradient_found(lesson, W, a, b):
    found = lesson.gradient_of_shared(W, a, b)
    assert found is not None, "gradient_of_shared returned None: is a `return` missing?"
    assert not isinstance(found, tuple | list) or np.shape(found) == W.shape, (
        "You returned two things. There is one W, so there is one gradient: add the shares."
    )
    found = np.asarray(found)
    assert found.shape == W.shape, (
        f"W has the shape {W.shape}, so its gradient has it, too; yours has {found.shape}. The way "
        f"back through a @ W is a.T @ g."
    )
    return found


def check_gradient_of_shared__shape(lesson):
    """The gradient has the shape of W."""
    gradient_found(lesson, *some_matrices())


def check_gradient_of_shared__both_calls(lesson):
    """Both calls send something, and it is added."""
    W, a, b = some_matrices()
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    shares = a.T @ (right * (1 - left**2)), b.T @ (left * (1 - right**2))
    found = gradient_found(lesson, W, a, b)
    for name, share in zip(("left", "right"), shares, strict=True):
        assert not np.allclose(found, share), f"This is what the {name} call sends back, alone."
    assert not np.allclose(2 * found, sum(shares)), "This is the mean of both shares: add them."
    assert np.allclose(found, sum(shares)), (
        f"For the first number of W you find {found[0, 0]:.5f}, it is {sum(shares)[0, 0]:.5f}. "
        f"What arrives at `left` is `right`; the slope of a tanh is 1 - tanh ** 2; then a.T @ g."
    )


def check_gradient_of_shared__measured(lesson):
    """It agrees with a measured slope, with any number of rows."""
    for rows in (1, 7):
        W, a, b = some_matrices(rows, seed=rows)
        d = np.array([[1.0, -0.5], [0.3, 2.0], [-1.0, 0.7]])

        def score(h, W=W, a=a, b=b, d=d):
            return (np.tanh(a @ (W + h * d)) * np.tanh(b @ (W + h * d))).sum()

        slope = (score(1e-5) - score(-1e-5)) / 2e-5
        received = (gradient_found(lesson, W, a, b) * d).sum()
        assert rows == 1 or abs(rows * received - slope) > 1e-6, (
            f"With {rows} rows your gradient is their mean: the rows are added, not averaged."
        )
        assert abs(received - slope) < 1e-6, (
            f"With {rows} row(s), W moved along a direction changes the score with the slope "
            f"{slope:.6f}; your gradient says {received:.6f}."
        )


def check_gradient_of_shared__no_rows(lesson):
    """Without any row the gradient is zeros."""
    found = gradient_found(lesson, *some_matrices(rows=0))
    assert not found.any(), f"No row, no share: expected zeros, received {found}."


def some_readings():
    random = np.random.default_rng(0)
    return (tg.Tensor(random.uniform(-1, 1, (4, 3))) for _ in range(2))


def check_join__keeps_the_batch(lesson):
    """The result has one row for each pair of texts."""
    left, right = some_readings()
    joined = lesson.join(left, right)
    assert isinstance(joined, tg.Tensor), f"join must return one tensor, it returned {joined!r}."
    assert joined.ndim == 2 and joined.shape[0] == 4, (
        f"4 pairs of readings must give a tensor with 2 axes and 4 rows, but it has the shape "
        f"{joined.shape}: do not sum over all axes."
    )


def check_join__symmetric(lesson):
    """Swapping the two readings changes nothing."""
    left, right = some_readings()
    gap = np.abs(lesson.join(left, right).numpy() - lesson.join(right, left).numpy()).max()
    assert gap < 1e-6, (
        f"join(left, right) and join(right, left) must be equal, but they differ by up to "
        f"{gap:.3f}: left - right changes its sign, and concatenate([left, right]) its order."
    )


def check_join__looks_at_both(lesson):
    """Some part of the result depends on both readings at once."""
    a, b = some_readings()
    aa, ab, ba, bb = (lesson.join(*pair).numpy() for pair in ((a, a), (a, b), (b, a), (b, b)))
    together = np.abs(aa - ab - ba + bb).max()
    assert together > 1e-3, (
        "The result is a sum of something of the left reading and something of the right one "
        "(such as left + right, or both side by side), so it cannot compare them: use a product, "
        "or the absolute value or the square of the difference."
    )
