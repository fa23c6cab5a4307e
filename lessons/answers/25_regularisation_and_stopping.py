"""Answers to lesson 25."""

import numpy as np


def l2_penalty(weights, strength):
    value = strength * sum((w**2).sum() for w in weights)
    gradients = [2 * strength * w for w in weights]
    return value, gradients


def dropout(x, rate, random):
    stays = random.random(x.shape) >= rate
    scale = stays / (1 - rate)  # what stays is larger, so that the mean is x
    return x * scale, (lambda g: g * scale,)


def when_to_stop(losses, patience, min_delta=0.0):
    lowest, best = np.inf, 0
    for epoch, loss in enumerate(losses):
        if loss < lowest - min_delta:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best


def my_prediction():
    return {"medium": "L2", "age": "dropout"}


HINTS = {
    "l2_penalty": [
        "The sum of the squares of one array is (w**2).sum(). Add these up for all arrays.",
        "The slope of strength * w**2 is 2 * strength * w, for each number: an array like w.",
        "return strength * sum(...), [2 * strength * w for w in weights]",
    ],
    "dropout": [
        "random.random(x.shape) < rate is True in about `rate` of all places: these become 0.",
        "Make one array `scale`: 0 where a number is thrown away, 1 / (1 - rate) where it stays.",
        "The value is x * scale. The operation is a multiplication, so the pullback of g is ...",
        "return x * scale, (lambda g: g * scale,) with the SAME scale.",
    ],
    "when_to_stop": [
        "Remember the lowest loss so far (at first np.inf) and its epoch.",
        "for epoch, loss in enumerate(losses): if loss < lowest - min_delta, remember it.",
        "Otherwise, if epoch - best >= patience, return epoch, best.",
        "After the loop nobody has stopped: return len(losses) - 1, best.",
    ],
    "my_prediction": [
        "There is no right answer before you measure. Think of what each way costs the other task.",
        'The form: return {"medium": "...", "age": "..."} with the words of the comment.',
    ],
}


def pair(found, what):
    """The two things that a function returns."""
    assert found is not None, f"None came back; expected {what}. Is a `return` missing?"
    assert isinstance(found, tuple | list) and len(found) == 2, (
        f"Expected two things, {what}; what came back is {found!r}."
    )
    return found


def penalty_of(lesson, weights, strength):
    weights = [np.array(w, float) for w in weights]
    before = [w.copy() for w in weights]
    value, gradients = pair(lesson.l2_penalty(weights, strength), "the value and the gradients")
    assert all(map(np.array_equal, weights, before)), "The weights were written into."
    assert np.ndim(value) == 0, f"The penalty is one number, not {value!r}."
    assert isinstance(gradients, tuple | list), (
        f"Expected a list of gradients, not {type(gradients).__name__}."
    )
    assert len(gradients) == len(weights), (
        f"{len(weights)} arrays have {len(weights)} gradients; you return {len(gradients)}."
    )
    for w, gradient in zip(weights, gradients, strict=True):
        assert np.shape(gradient) == w.shape, (
            f"weights of shape {w.shape} have a gradient of this shape, not {np.shape(gradient)}."
        )
    return float(value), gradients


def check_l2_penalty__value(lesson):
    """It is the strength times the sum of all squares."""
    for weights, strength, right in (
        ([[3.0, -4.0]], 0.1, 2.5),
        ([[[1.0, 2.0], [0.0, -1.0]], [2.0]], 0.5, 5.0),
    ):
        value, _ = penalty_of(lesson, weights, strength)
        assert np.isclose(value, right), (
            f"weights {weights}, strength {strength}: the penalty is {right}, yours is {value}."
        )


def check_l2_penalty__gradients(lesson):
    """The gradient of each array is 2 * strength * itself."""
    weights = [[[1.0, -2.0], [0.5, 0.0]], [3.0, 4.0, -1.0]]
    for strength in (0.1, 2.0):
        _, gradients = penalty_of(lesson, weights, strength)
        for w, gradient in zip(weights, gradients, strict=True):
            right = 2 * strength * np.array(w)
            assert np.allclose(gradient, right), (
                f"w = {w}, strength {strength}: the gradient is {right.tolist()}, yours is "
                f"{np.asarray(gradient).tolist()}."
            )


def check_l2_penalty__none(lesson):
    """Without weights, or with strength 0, the penalty is 0."""
    value, gradients = penalty_of(lesson, [], 0.5)
    assert value == 0 and len(gradients) == 0, f"No weights: 0 and [], not {value}, {gradients}."
    value, (gradient,) = penalty_of(lesson, [[1.0, 2.0]], 0.0)
    assert value == 0 and not np.any(gradient), f"strength 0: all is 0, not {value}, {gradient}."


def dropped(lesson, x, rate, seed=0):
    x = np.array(x, float)
    before = x.copy()
    random = np.random.default_rng(seed)
    value, pulls = pair(lesson.dropout(x, rate, random), "the value and a tuple of pullbacks")
    assert np.array_equal(x, before), "x was written into: make a new array."
    assert isinstance(pulls, tuple | list) and len(pulls) == 1 and callable(pulls[0]), (
        f"Expected a tuple with one pullback, (lambda g: ...,), not {pulls!r}."
    )
    assert np.shape(value) == x.shape, (
        f"x has the shape {x.shape}, so has the value; yours has {np.shape(value)}."
    )
    return np.asarray(value), pulls[0]


def check_dropout__zeros(lesson):
    """A share `rate` of the numbers becomes 0, in a matrix, too."""
    for rate in (0.2, 0.7):
        value, _ = dropped(lesson, np.full((50, 80), 3.0), rate)
        share = (value == 0).mean()
        assert abs(share - rate) < 0.05, (
            f"rate {rate}: {share:.2f} of 4000 numbers became 0. Each has the chance `rate`."
        )
        for axis in (0, 1):
            zeros = (value == 0).mean(axis=axis)
            assert zeros.min() > 0 and zeros.max() < 1, (
                "Whole rows or columns are thrown away: draw a number for each element, "
                "random.random(x.shape)."
            )


def check_dropout__scale(lesson):
    """What stays is divided by 1 - rate."""
    for rate in (0.5, 0.75):
        value, _ = dropped(lesson, np.full(400, 2.0), rate)
        stays, right = value[value != 0], 2 / (1 - rate)
        assert np.allclose(stays, right), (
            f"rate {rate}: a 2 that stays becomes {right}, yours becomes {stays[:1]}."
        )


def check_dropout__pullback(lesson):
    """The pullback throws away the same places, and scales alike."""
    x = np.linspace(1, 2, 60).reshape(3, 20)
    value, pull = dropped(lesson, x, 0.5)
    for g in (np.ones_like(x), np.arange(60.0).reshape(3, 20)):
        received, right = np.asarray(pull(g)), g * value / x
        assert received.shape == x.shape, f"A gradient of shape {x.shape}, not {received.shape}."
        assert np.allclose(received, right), (
            "The pullback must multiply g by the same array as the value: 0 where x was thrown "
            f"away, 2 elsewhere. In the first places: {right[0, :5]}, yours is {received[0, :5]}."
        )


def check_dropout__rate_0(lesson):
    """With the rate 0 nothing happens; an empty batch stays empty."""
    value, pull = dropped(lesson, [[1.0, -2.0]], 0.0)
    assert value.tolist() == [[1.0, -2.0]] and np.asarray(pull(np.ones((1, 2)))).tolist() == [
        [1.0, 1.0]
    ], f"rate 0: the value is x, and the pullback of ones is ones; yours {value}."
    dropped(lesson, np.zeros((0, 3)), 0.5)


def check_dropout__drawn_anew(lesson):
    """Each call draws anew, from `random`."""
    random, x = np.random.default_rng(3), np.ones(50)
    first, second = (np.asarray(lesson.dropout(x, 0.5, random)[0]) for _ in range(2))
    assert not np.array_equal(first, second), "Two calls threw away the same places: use `random`."
    alike, _ = dropped(lesson, x, 0.5, seed=5)
    again, _ = dropped(lesson, x, 0.5, seed=5)
    assert np.array_equal(alike, again), "The same seed must give the same draw: use `random`."


def stops(lesson, losses, patience, *min_delta):
    stop, best = pair(lesson.when_to_stop(losses, patience, *min_delta), "(stop, best)")
    return int(stop), int(best)


def compare(lesson, cases):
    for losses, patience, right in cases:
        for given in (losses, np.array(losses)):
            found = stops(lesson, given, patience)
            assert found == right, (
                f"losses {losses}, patience {patience}: (stop, best) is {right}, yours is {found}."
                f"{reason(losses, right, found)}"
            )


def reason(losses, right, found):
    """What is probably wrong, as one more sentence."""
    if found[1] != right[1] and found[1] == np.argmin(losses):
        return " That is the lowest loss of all: but who has stopped never sees the later ones."
    if found[1] == right[1] and abs(found[0] - right[0]) == 1:
        return " Stop is off by one: it is the first epoch with `epoch - best == patience`."
    return ""


def check_when_to_stop__stops(lesson):
    """It stops when the best epoch is `patience` epochs ago."""
    compare(
        lesson,
        [
            ([5.0, 3.0, 4.0, 4.5, 1.0], 2, (3, 1)),
            ([5.0, 3.0, 4.0, 2.0, 2.5, 3.0, 1.0], 2, (5, 3)),
            ([5.0, 6.0, 4.0], 1, (1, 0)),
            ([2.0, 2.5, 2.4, 2.3, 2.2, 1.0], 4, (4, 0)),
        ],
    )


def check_when_to_stop__goes_on(lesson):
    """Without a reason to stop, the last epoch is the end."""
    compare(
        lesson,
        [([5.0, 4.0, 3.0], 2, (2, 2)), ([5.0, 3.0, 4.0, 4.5], 3, (3, 1)), ([1.0], 4, (0, 0))],
    )


def check_when_to_stop__equal(lesson):
    """An equal loss is not better."""
    compare(lesson, [([2.0, 1.0, 1.0, 1.0, 0.0], 2, (3, 1))])


def check_when_to_stop__min_delta(lesson):
    """What is lower by less than min_delta is not better."""
    losses = [5.0, 4.95, 4.9, 4.0, 3.99, 3.98, 0.0]
    for min_delta, right in ((0.5, (2, 0)), (0.03, (5, 3))):
        found = stops(lesson, losses, 2, min_delta)
        assert found == right, (
            f"losses {losses}, patience 2, min_delta {min_delta}: {right}, yours is {found}."
        )


def check_when_to_stop__nan(lesson):
    """NaN is never better, and the epochs behind it count."""
    losses = [3.0, 2.0, np.nan, np.nan, 1.0]
    found = stops(lesson, losses, 2)
    assert found == (3, 1), f"losses {losses}, patience 2: (stop, best) is (3, 1), not {found}."
    losses = [3.0, np.nan, 2.0, 1.0]
    found = stops(lesson, losses, 3)
    assert found == (3, 3), f"losses {losses}, patience 3: (stop, best) is (3, 3), not {found}."


WORDS = {
    "nothing",
    "L2",
    "dropout",
    "noise",
    "stop for medium",
    "stop for age",
    "age stopped alone",
}


def check_my_prediction__keys(lesson):
    """It is a dict with the keys "medium" and "age"."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict, not {found!r}."
    assert set(found) == {"medium", "age"}, f'The keys are "medium" and "age", not {list(found)}.'


def check_my_prediction__words(lesson):
    """Each value is one of the seven ways."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict, not {found!r}."
    other = [way for way in found.values() if way not in WORDS]
    assert not other, f"Use one of {sorted(WORDS)}, not {other}."
