"""Solutions, hints and checks of lesson 20."""

import numpy as np


def my_prediction():
    # What is divided by itself, or by the length of its own gradient, has lost its unit.
    return {"uncertainty": "notices", "dwa": "does not notice", "gradnorm": "notices"}


def uncertainty(s, losses):
    weights = np.exp(-s) / 2
    # The slope of exp(-s) * loss / 2 is -weight * loss, that of s / 2 is 1/2.
    return weights, 0.5 - weights * losses


def dwa(windows, temperature):
    count = windows.shape[1]
    if len(windows) < 2:
        return np.ones(count)
    r = windows[-1] / windows[-2]
    shares = np.exp(r / temperature)
    return count * shares / shares.sum()


def gradnorm(weights, losses, first, gram, alpha):
    lengths = np.sqrt(np.diag(gram))
    pulls = weights * lengths
    trained = losses / first
    targets = pulls.mean() * (trained / trained.mean()) ** alpha
    return np.sign(pulls - targets) * lengths


HINTS = {
    "my_prediction": [
        "Any of the words is welcome: it is your guess. The lesson shows later what came out.",
        "What does a rule compute with? If it divides a loss by the same loss, the unit cancels.",
    ],
    "uncertainty": [
        "The weight is what stands in front of the loss: np.exp(-s) / 2.",
        "The formula has two parts with s. The slope of s / 2 is 0.5.",
        "The slope of exp(-s) * loss / 2 is -exp(-s) * loss / 2. That is minus weight times loss.",
        "return weights, 0.5 - weights * losses",
    ],
    "dwa": [
        "windows.shape[1] is the number of losses. If len(windows) < 2: return ones.",
        "r = windows[-1] / windows[-2]: the last one, divided by the one before.",
        "shares = np.exp(r / temperature); softmax is shares / shares.sum().",
        "At the end, multiply softmax by the number of losses.",
    ],
    "gradnorm": [
        "lengths = np.sqrt(np.diag(gram)), and pulls = weights * lengths.",
        "trained = losses / first. Then r is trained / trained.mean().",
        "targets = pulls.mean() * r ** alpha",
        "return np.sign(pulls - targets) * lengths",
    ],
}

NAMES = {"uncertainty", "dwa", "gradnorm"}
WORDS = ("notices", "does not notice")


def numbers(found, count, what):
    assert found is not None, f"{what} is None: is a `return` missing?"
    found = np.asarray(found, float)
    assert found.shape == (count,), (
        f"{what}: {count} losses need an array of {count} numbers, yours has shape {found.shape}."
    )
    return found


def pair(found):
    assert isinstance(found, tuple | list) and len(found) == 2, (
        f"Return two things, `return weights, slopes`, not {found!r}."
    )
    return numbers(found[0], 2, "the weights"), numbers(found[1], 2, "the slopes")


def check_my_prediction__names(lesson):
    """There is a word for each of the three rules."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with a word for each rule, not {found!r}."
    assert set(found) == NAMES, f"The dict needs the keys {sorted(NAMES)}, not {list(found)}."


def check_my_prediction__words(lesson):
    """Each word is one of the two."""
    found = lesson.my_prediction()
    words = list(found.values()) if isinstance(found, dict) else [found]
    wrong = [word for word in words if word not in WORDS]
    assert not wrong, f'Use "notices" or "does not notice", not {wrong}.'


def check_uncertainty__weights(lesson):
    """The weight is what stands in front of the loss."""
    s = np.array([0.0, np.log(4.0)])
    weights, _ = pair(lesson.uncertainty(s, np.array([3.0, 8.0])))
    assert np.allclose(weights, [0.5, 0.125]), (
        f"For s = 0 and s = log(4) the weights exp(-s) / 2 are 0.5 and 0.125, not {weights}."
    )


def check_uncertainty__slopes(lesson):
    """The slopes are those that central differences measure."""
    s, losses, h = np.array([0.3, -1.2]), np.array([2.0, 0.4]), 1e-5
    _, slopes = pair(lesson.uncertainty(s.copy(), losses.copy()))

    def total(s):
        return np.exp(-s) * losses / 2 + s / 2

    measured = (total(s + h) - total(s - h)) / (2 * h)
    assert np.allclose(slopes, measured, atol=1e-6), (
        f"For s = {s} and losses {losses} the slopes are {measured.round(4)}, yours are "
        f"{slopes.round(4)}. Both parts of the formula have a slope; mind the signs."
    )


def check_uncertainty__rest(lesson):
    """Where the weighted loss is 1/2, nothing moves."""
    losses = np.array([5.0, 0.1])
    weights, slopes = pair(lesson.uncertainty(np.log(losses), losses))
    assert np.allclose(weights * losses, 0.5), (
        f"For s = log(loss) the weighted losses are 1/2, not {weights * losses}."
    )
    assert np.allclose(slopes, 0), f"For s = log(loss) the slopes are 0, yours are {slopes}."


def check_dwa__too_early(lesson):
    """With fewer than two windows all weights are 1."""
    for windows in (np.zeros((0, 2)), np.array([[3.0, 1.0]]), np.zeros((0, 3))):
        count = windows.shape[1]
        found = numbers(lesson.dwa(windows, 2.0), count, "the weights")
        assert np.allclose(found, 1), (
            f"With {len(windows)} window(s) of {count} losses all weights are 1, not {found}."
        )


def check_dwa__softmax(lesson):
    """The weights are softmax of r / T, times the number of losses."""
    windows = np.array([[4.0, 1.0, 2.0], [2.0, 1.0, 1.5]])
    found = numbers(lesson.dwa(windows, 0.5), 3, "the weights")
    shares = np.exp(np.array([0.5, 1.0, 0.75]) / 0.5)
    right = 3 * shares / shares.sum()
    turned = np.exp(np.array([2.0, 1.0, 4 / 3]) / 0.5)
    assert not np.allclose(found, 3 * turned / turned.sum()), (
        "Your loss that falls fastest gets the largest weight: r is the LAST window divided by the "
        "one before."
    )
    assert np.allclose(found, right), (
        f"For r = 0.5, 1 and 0.75 and T = 0.5 the weights are {right.round(4)}, not "
        f"{found.round(4)}; their sum is 3, the number of losses."
    )


def check_dwa__last_two(lesson):
    """Only the last two windows count."""
    windows = np.array([[9.0, 9.0], [1.0, 7.0], [4.0, 4.0], [2.0, 4.0]])
    found = numbers(lesson.dwa(windows, 2.0), 2, "the weights")
    right = numbers(lesson.dwa(windows[2:], 2.0), 2, "the weights")
    assert np.allclose(found, right), (
        f"Older windows changed the weights from {right.round(4)} to {found.round(4)}: use "
        "windows[-1] and windows[-2]."
    )
    assert found[1] > found[0], "The loss that stays gets more weight than the one that falls."


def slopes_of(lesson, weights, losses, first, gram, alpha):
    arrays = [np.array(a, float) for a in (weights, losses, first, gram)]
    found = lesson.gradnorm(*[a.copy() for a in arrays], alpha)
    return numbers(found, len(losses), "the slopes")


def check_gradnorm__alike(lesson):
    """With alpha = 0 the stronger pull has a positive slope, the weaker a negative one."""
    found = slopes_of(lesson, [1, 1], [2, 1], [4, 9], [[9, 0], [0, 4]], 0.0)
    assert not np.allclose(found, [9, -4]), "G holds squares of lengths: take the root."
    assert not np.allclose(found, [-3, 2]), (
        "The signs are turned: where the pull is larger than its target, the slope is positive."
    )
    assert np.allclose(found, [3, -2]), (
        f"Lengths 3 and 2, weights 1, alpha 0: both targets are 2.5, so the slopes are 3 and -2, "
        f"not {found}."
    )


def check_gradnorm__weights(lesson):
    """A pull is weight times length, and targets are measured from the mean pull."""
    found = slopes_of(lesson, [0.5, 1.5], [2, 1], [2, 1], [[9, 1], [1, 4]], 1.0)
    assert np.allclose(found, [-3, 2]), (
        f"weights 0.5 and 1.5, lengths 3 and 2: the pulls are 1.5 and 3, both targets 2.25; the "
        f"slopes are -3 and 2, not {found}."
    )


def check_gradnorm__speed(lesson):
    """A loss that has fallen less than the others has a higher target."""
    gram = [[4, 0, 0], [0, 4, 0], [0, 0, 1]]
    found = slopes_of(lesson, [1, 1, 2], [1, 4, 2], [4, 4, 4], gram, 1.5)
    assert np.allclose(found, [2, -2, 1]), (
        "losses 1, 4 and 2, all from 4, all pulls 2: the first is ahead, its target is "
        f"below 2; the second lags behind; the third: r is 0.857. The slopes are 2, -2 and 1, not "
        f"{found}. Is r divided by the MEAN over the losses?"
    )


def check_gradnorm__first(lesson):
    """The speed is measured from the first value of each loss."""
    found = slopes_of(lesson, [1, 1], [3, 1], [6, 1], [[1, 0], [0, 1]], 1.5)
    assert np.allclose(found, [1, -1]), (
        f"The first loss went from 6 to 3, the second one stayed at 1 and lags behind: the slopes "
        f"are 1 and -1, not {found}. Divide each loss by its own first value."
    )


def check_gradnorm__alpha(lesson):
    """alpha decides how much the speed counts."""
    gram = [[1.44, 0], [0, 1]]
    for alpha, right in ((0.0, [1.2, -1]), (3.0, [-1.2, 1])):
        found = slopes_of(lesson, [1, 1], [6, 5], [5, 5], gram, alpha)
        assert np.allclose(found, right), (
            f"Pulls 1.2 and 1, r = 1.09 and 0.91: with alpha = {alpha} the slopes are {right}, not "
            f"{found}. The target is the mean pull times r ** alpha."
        )
