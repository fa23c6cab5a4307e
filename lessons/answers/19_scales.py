"""Solutions, hints and checks of lesson 19."""

import numpy as np


def shares(gram, weights):
    # the diagonal of the Gram matrix holds squared lengths
    pulls = np.array(weights) * np.sqrt(np.diag(gram))
    return pulls / pulls.sum()


def equal_pull(gram):
    # a gradient of length n, times 1 / n, has length 1
    return [1 / np.sqrt(squared) for squared in np.diag(gram)]


def scaled(ages, known_ages):
    # nothing about held-back samples goes into the two numbers
    return (ages - known_ages.mean()) / known_ages.std()


def epoch_to_stop(losses, min_delta):
    best = float("inf")
    for epoch, loss in enumerate(losses):
        if loss >= best - min_delta:
            return epoch
        best = loss
    return None


HINTS = {
    "shares": [
        "np.diag(gram) is the diagonal: the squared length of each gradient.",
        "The pull of loss k is weights[k] times the square root of gram[k, k].",
        "pulls = np.array(weights) * np.sqrt(np.diag(gram)), and then divide by pulls.sum().",
    ],
    "equal_pull": [
        "Weight times length must be 1, so the weight is 1 / length.",
        "The length of gradient k is the square root of gram[k, k].",
        "[1 / np.sqrt(squared) for squared in np.diag(gram)]",
    ],
    "scaled": [
        "NumPy arrays have .mean() and .std().",
        "Take both from known_ages, and use them on ages.",
        "(ages - known_ages.mean()) / known_ages.std()",
    ],
    "epoch_to_stop": [
        'Begin with best = float("inf"): any loss is better than that.',
        "for epoch, loss in enumerate(losses): is loss < best - min_delta?",
        "If so, best = loss, and go on. If not, return epoch. After the loop: return None.",
    ],
}

GRAM = np.array([[16.0, 1.0, 0.0], [1.0, 4.0, 0.5], [0.0, 0.5, 1.0]])  # lengths 4, 2 and 1


def check_shares__one_in_all(lesson):
    """The shares add up to 1."""
    found = np.asarray(lesson.shares(GRAM, [1, 1, 1]), float)
    assert found.shape == (3,), f"Return three numbers for three losses, not shape {found.shape}."
    total = found.sum()
    assert abs(total - 1) < 1e-9, f"The shares add up to {total}: divide by the sum of all pulls."


def check_shares__lengths(lesson):
    """Lengths count, not squared lengths."""
    found = np.asarray(lesson.shares(GRAM, [1, 1, 1]), float)
    assert not np.allclose(found, [16 / 21, 4 / 21, 1 / 21]), (
        "These are the shares of the squared lengths: take the square root of the diagonal."
    )
    assert np.allclose(found, [4 / 7, 2 / 7, 1 / 7]), (
        f"For gradients of lengths 4, 2 and 1 and weights 1, received {found}, expected 4/7, 2/7 "
        f"and 1/7."
    )


def check_shares__weights(lesson):
    """Each length is multiplied with the weight of its loss."""
    found = np.asarray(lesson.shares(GRAM, [1, 2, 8]), float)
    assert np.allclose(found, [0.25, 0.25, 0.5]), (
        f"For lengths 4, 2 and 1 and weights 1, 2 and 8 the pulls are 4, 4 and 8; received {found}."
    )


def check_equal_pull__three_numbers(lesson):
    """There is one weight for each loss, above 0."""
    found = np.asarray(lesson.equal_pull(GRAM), float)
    assert found.shape == (3,), f"Return three numbers for three losses, not shape {found.shape}."
    assert (found > 0).all(), f"weights should be above 0: {found}."


def check_equal_pull__length_one(lesson):
    """Each weight times the length of its gradient is 1."""
    found = np.asarray(lesson.equal_pull(GRAM), float)
    assert not np.allclose(found, [1 / 16, 1 / 4, 1]), (
        "You divide by the squared length: take the square root of the diagonal first."
    )
    pulls = found * [4, 2, 1]
    assert np.allclose(pulls, 1), (
        f"For gradients of lengths 4, 2 and 1 your weights {found} give pulls of {pulls}, "
        f"expected 1, 1 and 1."
    )


AGES = np.array([1.0, 2.0, 3.0, 10.0, 20.0])


def check_scaled__known(lesson):
    """The known ages get mean 0 and standard deviation 1."""
    found = np.asarray(lesson.scaled(AGES[:3], AGES[:3]), float)
    assert abs(found.mean()) < 1e-9, f"Their mean is {found.mean():.3f}, expected 0."
    spreads = found.std(), found.std(ddof=1)  # both ways to take it are right (lesson 12)
    assert np.isclose(spreads, 1, atol=1e-9).any(), (
        f"Their standard deviation is {spreads[0]:.3f}, expected 1: divide by the standard "
        f"deviation of known_ages."
    )


def check_scaled__no_look_ahead(lesson):
    """Mean and standard deviation come from the known ages only."""
    found = np.asarray(lesson.scaled(AGES, AGES[:3]), float)
    assert found.shape == AGES.shape, f"Return all {len(AGES)} ages, not shape {found.shape}."
    assert not np.allclose(found, (AGES - AGES.mean()) / AGES.std()), (
        "You took mean or standard deviation of all ages: held-back ones must not be looked at."
    )
    expected = [(AGES - 2) / AGES[:3].std(ddof=less) for less in (0, 1)]
    assert any(np.allclose(found, one) for one in expected), (
        f"Received {found}, expected {expected[0]} (or {expected[1]} with ddof=1)."
    )


def check_epoch_to_stop__first_slow_one(lesson):
    """The first epoch that gains no more than min_delta is found, counted from 0."""
    for losses, min_delta, right in (
        ([9.0, 5.0, 3.0, 2.5, 1.0], 1.0, 3),
        ([4.0, 3.9, 1.0], 0.5, 1),
        ([9.0, 5.0, 4.8, 2.0, 1.9], 1.0, 2),
        ([4.0, 3.0, 2.0, 2.0], 0.0, 3),
    ):
        found = lesson.epoch_to_stop(losses, min_delta)
        assert found == right and found is not None, (
            f"For the losses {losses} and min_delta {min_delta} it is epoch {right}, not {found}."
        )


def check_epoch_to_stop__worse(lesson):
    """An epoch that is worse is not better, and the best one is remembered."""
    found = lesson.epoch_to_stop([3.0, 4.0, 2.0], 0.5)
    assert found == 1, f"For [3, 4, 2] epoch 1 is worse than epoch 0: stop at 1, not {found}."
    found = lesson.epoch_to_stop([5.0, 3.0, 2.9], -0.5)
    assert found is None, f"With min_delta -0.5 a loss may even rise a little; you stop at {found}."


def check_epoch_to_stop__never(lesson):
    """If each epoch is better, or there is none, it is None."""
    for losses in ([5.0, 3.0, 1.0], [7.0], [], [1e9, 1e8]):
        found = lesson.epoch_to_stop(losses, 0.5)
        assert found is None, f"For the losses {losses} nothing stops: expected None, not {found}."


def check_epoch_to_stop__arrays(lesson):
    """An array of losses will do, too, and stays as it is."""
    losses = np.array([3.0, 1.0, 1.0])
    found = lesson.epoch_to_stop(losses, 0.1)
    assert found == 2, f"For {losses} it is epoch 2, not {found}."
    assert losses.tolist() == [3, 1, 1], "Your function has changed the losses."
