"""Answers to lesson 28."""

import numpy as np

from tinygrad_mo import check, ops


def attend(query, key, value, mask=None):
    scores = query @ key.swapaxes(-1, -2)
    if mask is not None:
        scores = np.where(mask[:, None], scores, -1e9)
    weights = ops.softmax(scores)[0]
    return weights @ value, weights


def attention(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        a = g @ value.swapaxes(-1, -2)
        return weights * (a - (weights * a).sum(axis=-1, keepdims=True))

    return y, (
        lambda g: pull_scores(g) @ key,
        lambda g: pull_scores(g).swapaxes(-1, -2) @ query,
        lambda g: weights.swapaxes(-1, -2) @ g,
    )


def my_prediction():
    # occupied reads the values, and nothing that stands behind query or key.
    return {
        "question_words": "answer",
        "query": "answer",
        "key": "answer",
        "value": "both",
        "text_words": "both",
    }


def label_slopes(z, y):
    sigmoids = (ops.sigmoid(z)[0] - y) / z.shape[-1]
    softmax = ops.softmax(z)[0] * y.sum(axis=-1, keepdims=True) - y
    return sigmoids, softmax


HINTS = {
    "attend": [
        "The scores are one matrix product: query @ key.swapaxes(-1, -2), of the shape (samples, "
        "queries, keys).",
        "If mask is not None: scores = np.where(mask[:, None], scores, -1e9).",
        "weights = ops.softmax(scores)[0], and the result is weights @ value.",
        "return weights @ value, weights",
    ],
    "attention": [
        "Begin with y, weights = attend(query, key, value).",
        "A function inside: def pull_scores(g): a = g @ value.swapaxes(-1, -2), then return "
        "weights * (a - (weights * a).sum(axis=-1, keepdims=True)).",
        "query gets pull_scores(g) @ key, key gets pull_scores(g).swapaxes(-1, -2) @ query.",
        "value gets weights.swapaxes(-1, -2) @ g.",
    ],
    "my_prediction": [
        "Follow the arrows of the drawing backwards, from `occupied`. Do you come to the key?",
        "Both losses use the values. What stands behind the values?",
    ],
    "label_slopes": [
        "With sigmoids each label is alone: (p - y) / K, and K is z.shape[-1].",
        "For the softmax: p * y.sum(axis=-1, keepdims=True) - y.",
        "return (ops.sigmoid(z)[0] - y) / z.shape[-1], ops.softmax(z)[0] * ... - y",
    ],
}

RANDOM = np.random.default_rng(0)
Q, K, V = (RANDOM.standard_normal(shape) for shape in ((2, 3, 4), (2, 5, 4), (2, 5, 6)))
MASK = np.array([[True, True, False, True, False], [True, True, True, True, True]])


def by_hand(mask=None):
    """Result and weights, query by query."""
    y, weights = np.zeros((2, 3, 6)), np.zeros((2, 3, 5))
    for i in range(2):
        for j in range(3):
            e = np.exp([Q[i, j] @ key for key in K[i]])
            e = e if mask is None else e * mask[i]
            weights[i, j] = e / e.sum()
            y[i, j] = weights[i, j] @ V[i]
    return y, weights


def attended(lesson, mask=None):
    given = [Q.copy(), K.copy(), V.copy()]
    found = lesson.attend(*given) if mask is None else lesson.attend(*given, mask.copy())
    assert found is not None, "attend returned None: is a `return` missing?"
    assert isinstance(found, tuple | list) and len(found) == 2, (
        "Return two arrays, the result and the weights: return weights @ value, weights."
    )
    assert all(map(np.array_equal, given, (Q, K, V))), "attend has changed its inputs."
    return [np.asarray(one) for one in found]


def compare(found, right, what):
    assert found.shape == right.shape, (
        f"{what}: the shape must be {right.shape}, yours is {found.shape}."
    )
    assert np.allclose(found, right, atol=1e-6), (
        f"{what}: expected {right[0, 0].round(3).tolist()} for the first query, yours is "
        f"{found[0, 0].round(3).tolist()}."
    )


def check_attend__weights(lesson):
    """The weights are a softmax over the keys."""
    found = attended(lesson)[1]
    assert found.shape == (2, 3, 5), (
        f"2 samples, 3 queries, 5 keys: the weights have the shape (2, 3, 5), not {found.shape}."
    )
    assert np.allclose(found.sum(axis=-1), 1), (
        f"The weights of one query add up to 1 over the keys; yours add up to "
        f"{found.sum(axis=-1)[0].round(3).tolist()}."
    )
    with np.errstate(all="ignore"):
        small = Q @ K.swapaxes(1, 2) / np.sqrt(Q.shape[-1])
        small = np.exp(small) / np.exp(small).sum(axis=-1, keepdims=True)
    assert not np.allclose(found, small), (
        "you divide the scores by sqrt(width), as many books do: no division here"
    )
    compare(found, by_hand()[1], "the weights")


def check_attend__result(lesson):
    """The result is the mean of the values with these weights."""
    compare(attended(lesson)[0], by_hand()[0], "the result")


def check_attend__mask(lesson):
    """Where the mask is False, there is no share."""
    y, weights = attended(lesson, MASK)
    assert np.allclose(weights[0][:, ~MASK[0]], 0), (
        f"Keys that the mask hides must get the weight 0, yours get "
        f"{weights[0, 0, ~MASK[0]].round(3).tolist()}."
    )
    compare(weights, by_hand(MASK)[1], "the weights with a mask, which add up to 1")
    compare(y, by_hand(MASK)[0], "the result with a mask")


def check_attend__large(lesson):
    """Large scores do not overflow."""
    with np.errstate(all="ignore"):
        y, _ = lesson.attend(Q * 1000, K, V)
    assert np.isfinite(y).all(), "With large scores your result is not a number: use ops.softmax."


def check_attend__none(lesson):
    """An empty batch stays empty."""
    y, weights = lesson.attend(Q[:0], K[:0], V[:0], MASK[:0])
    assert np.shape(y) == (0, 3, 6) and np.shape(weights) == (0, 3, 5), (
        f"Of 0 samples the shapes are (0, 3, 6) and (0, 3, 5), yours are {np.shape(y)} and "
        f"{np.shape(weights)}."
    )


def operation(lesson):
    found = lesson.attention(Q.copy(), K.copy(), V.copy())
    assert found is not None, "attention returned None: is a `return` missing?"
    assert isinstance(found, tuple) and len(found) == 2, (
        "An operation returns two things: its value, and a tuple of pullbacks."
    )
    y, pulls = found
    assert not isinstance(y, tuple | list), (
        "The value of the operation is one array: the result of attend, without the weights."
    )
    assert isinstance(pulls, tuple | list) and len(pulls) == 3 and all(map(callable, pulls)), (
        "The second thing is a tuple of three functions of g: for query, key and value."
    )
    return np.asarray(y), pulls


def check_attention__value(lesson):
    """The value is that of attend."""
    y, _ = operation(lesson)
    compare(y, by_hand()[0], "the value (the weights are no part of it)")


def slopes(lesson, i):
    """Of one input: what the pullback says for two rows, and the true one, by differences."""
    y, pulls = operation(lesson)
    random = np.random.default_rng(i)
    g = random.standard_normal((2, *y.shape))
    kept = g.copy()
    found = np.asarray(pulls[i](g))
    name, right = ("query", "key", "value")[i], (Q, K, V)[i]
    assert np.array_equal(g, kept), f"The pullback of {name} writes into g."
    assert found.shape == (2, *right.shape), (
        f"The gradient of {name} must have the shape {(2, *right.shape)}, two rows in front; yours "
        f"has {found.shape}."
    )
    direction, h = random.standard_normal(right.shape), 1e-5
    ends = []
    for sign in (1, -1):
        given = [Q, K, V]
        given[i] = right + sign * h * direction
        ends.append(attend(*given)[0])
    expected = (g * (ends[0] - ends[1]) / (2 * h)).sum(axis=(1, 2, 3))
    said = (found * direction).sum(axis=(1, 2, 3))
    assert np.allclose(said, expected, rtol=1e-4, atol=1e-6), (
        f"Along a random direction of {name} the loss changes by {expected[0]:.4f} (measured); "
        f"your pullback says {said[0]:.4f}."
    )


def check_attention__to_value(lesson):
    """The value gets the turned weights times g."""
    slopes(lesson, 2)


def check_attention__to_query(lesson):
    """The query gets s times the keys."""
    slopes(lesson, 0)


def check_attention__to_key(lesson):
    """The key gets the turned s times the queries."""
    slopes(lesson, 1)


def check_attention__contract(lesson):
    """It keeps everything that an operation promises."""
    operation(lesson)
    check.check_op(ops.Op(lesson.attention), Q, K, V)


LAYERS = ["question_words", "query", "key", "value", "text_words"]


def check_my_prediction__keys(lesson):
    """There is a prediction for each of the five layers."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with a word for each layer, not {found!r}."
    assert set(found) == set(LAYERS), f"The dict needs the keys {LAYERS}, not {list(found)}."


def check_my_prediction__words(lesson):
    """Each prediction is one of the three words."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with a word for each layer, not {found!r}."
    wrong = [word for word in found.values() if word not in ("answer", "occupied", "both")]
    assert not wrong, f'Use "answer", "occupied" or "both", not {wrong}.'


Z = np.array([[0.5, -1.0, 2.0], [0.0, 0.3, -0.7], [1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]])
Y = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])


def both_slopes(lesson, z=Z, y=Y):
    found = lesson.label_slopes(z.copy(), y.copy())
    assert found is not None, "label_slopes returned None: is a `return` missing?"
    assert isinstance(found, tuple | list) and len(found) == 2, (
        "Return two arrays: the slopes with sigmoids, and those with a softmax."
    )
    found = [np.asarray(one) for one in found]
    assert all(one.shape == z.shape for one in found), (
        f"Each has the shape of the logits, {z.shape}; yours have {[one.shape for one in found]}."
    )
    return found


def measured(loss, z, h=1e-5):
    slopes = np.zeros_like(z)
    for place in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[place] = h
        slopes[place] = (loss(z + step) - loss(z - step))[place[0]] / (2 * h)
    return slopes


def told(found, right, what):
    for row in range(len(right)):
        assert np.allclose(found[row], right[row], atol=1e-6), (
            f"{what}, for the labels {Y[row].tolist()}: measured {right[row].round(4).tolist()}, "
            f"yours {found[row].round(4).tolist()}."
        )


def check_label_slopes__sigmoids(lesson):
    """With sigmoids each label has a slope of its own."""

    def loss(z):
        return (np.log1p(np.exp(z)) - Y * z).mean(axis=-1)

    told(both_slopes(lesson)[0], measured(loss, Z), "with sigmoids")


def check_label_slopes__softmax(lesson):
    """With a softmax the labels pull against each other."""

    def loss(z):
        return -(Y * (z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))).sum(axis=-1)

    told(both_slopes(lesson)[1], measured(loss, Z), "with a softmax")


def check_label_slopes__other_width(lesson):
    """K is the number of labels, whatever it is."""
    z, y = np.zeros((1, 5)), np.array([[1.0, 0.0, 0.0, 0.0, 1.0]])
    found = both_slopes(lesson, z, y)
    right = [(0.5 - y) / 5, 0.4 - y]
    assert all(map(np.allclose, found, right)), (
        f"For five logits of 0 and the labels {y[0].tolist()} the slopes are "
        f"{[one[0].round(2).tolist() for one in right]}, yours are "
        f"{[one[0].round(2).tolist() for one in found]}."
    )
