"""Answers to lesson 7."""

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import check, ops


def slopes(p, y):
    # Behind the squared error, p * (1 - p) stays; behind the cross-entropy it cancels.
    return 2 * (p - y) * p * (1 - p), p - y


def my_prediction():
    # At p = 0.0025 the squared error pulls with 2 * p = 0.005, the cross-entropy with 1.
    return {"squared error": "below 0.1", "cross-entropy": "above 0.9"}


def relu(x):
    # x * (x > 0) is right, too, but makes -0 of -2.
    return np.maximum(x, 0), (lambda g: g * (x > 0),)


def softmax_crossentropy(z, y):
    shifted = z - z.max(axis=-1, keepdims=True)  # now the largest is 0: exp cannot overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(log_p)
    value = (y * -log_p).sum(axis=-1)
    return value, (lambda g: g[..., None] * (p - y), lambda g: -g[..., None] * log_p)


def right_loss():
    return {
        "what does this car cost?": "mean_squared_error",
        "is this work of art a print?": "binary_crossentropy",
        "which of ten digits is it?": "categorical_crossentropy",
        # none, one or three of the words may be there: twelve times yes or no
        "which of twelve words are in the name of this emoji?": "binary_crossentropy",
        "which of six makers has made this car?": "categorical_crossentropy",
    }


HINTS = {
    "slopes": [
        "The chain of lesson 2: the slope at z is the slope of the loss at p, times the slope of "
        "the sigmoid, p * (1 - p).",
        "For the squared error that is 2 * (p - y) * p * (1 - p).",
        "For the cross-entropy, p * (1 - p) stands above and below the line. Cancel it: p - y.",
    ],
    "my_prediction": [
        "Look at the first line of the table above: p is 0.001 there. Which slope is nearly 0?",
        "With a slope of -0.005 and a rate of 1, how far does z come in 100 steps? It starts at "
        "-6.",
    ],
    "relu": [
        "`x > 0` is an array of True and False. In a product they count as 1 and 0.",
        "The value is x * (x > 0). The slope is x > 0.",
        "return x * (x > 0), (lambda g: ...,) with the comma of a tuple of one.",
    ],
    "softmax_crossentropy": [
        "First shifted = z - z.max(axis=-1, keepdims=True): now nothing is larger than 0.",
        "log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), and p is "
        "np.exp(log_p).",
        "The value is -(y * log_p).sum(axis=-1): one number for each sample.",
        "return value, (lambda g: g[..., None] * (p - y), lambda g: ...)",
    ],
    "right_loss": [
        "Ask: is the answer a number? Is it exactly one of several? Or may several be true?",
        "The name of an emoji may have none of the words, or three. So there are twelve questions "
        "with yes or no.",
    ],
}


def two(lesson, p, y):
    found = lesson.slopes(p, y)
    assert found is not None, "slopes returned None: is a `return` missing?"
    assert isinstance(found, tuple | list | np.ndarray) and len(found) == 2, (
        f"Return two slopes, squared error first and cross-entropy second, not {found!r}."
    )
    return found


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


LOSSES = (
    lambda p, y: (p - y) ** 2,
    lambda p, y: -y * np.log(p) - (1 - y) * np.log(1 - p),
)


def compare(lesson, k, name):
    for z in (-2.0, 0.3, 1.5):
        for y in (0.0, 1.0):
            found = two(lesson, sigmoid(z), y)[k]
            ahead, behind = (LOSSES[k](sigmoid(z + h), y) for h in (1e-5, -1e-5))
            right = (ahead - behind) / 2e-5
            assert np.allclose(found, right, atol=1e-7), (
                f"For p = {sigmoid(z):.4f} and y = {y:.0f} your slope of the {name} is "
                f"{float(found):.5f}; measured at the logit it is {right:.5f}."
            )


def check_slopes__squared(lesson):
    """The slope of the squared error agrees with the central difference at the logit."""
    compare(lesson, 0, "squared error")


def check_slopes__cross(lesson):
    """The slope of the cross-entropy agrees with the central difference at the logit."""
    compare(lesson, 1, "cross-entropy")


def check_slopes__no_fraction(lesson):
    """p may be exactly 0 or 1."""
    for p, y in ((0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
        try:
            with np.errstate(all="ignore"):
                found = two(lesson, p, y)[1]
        except ZeroDivisionError:
            found = np.nan
        assert np.allclose(found, p - y), (
            f"For p = {p:.0f} and y = {y:.0f} the cross-entropy pulls with {p - y:.0f}, yours with "
            f"{found}: cancel p * (1 - p), so that no fraction is left."
        )


def check_slopes__arrays(lesson):
    """p may be an array: the picture needs it."""
    p = np.array([0.2, 0.5, 0.9])
    squared, cross = two(lesson, p, 1.0)
    assert np.shape(squared) == np.shape(cross) == (3,), (
        f"For three numbers p, return two arrays of three slopes, not of the shapes "
        f"{np.shape(squared)} and {np.shape(cross)}."
    )


WORDS = {"below 0.1", "between", "above 0.9"}


def check_my_prediction__keys(lesson):
    """There is a prediction for each of the two losses."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with a word for each loss, not {found!r}."
    assert set(found) == {"squared error", "cross-entropy"}, (
        f'The dict needs the keys "squared error" and "cross-entropy", not {list(found)}.'
    )


def check_my_prediction__words(lesson):
    """Each prediction is one of the three phrases."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with a word for each loss, not {found!r}."
    wrong = [word for word in found.values() if word not in tuple(WORDS)]
    assert not wrong, f'Use "below 0.1", "between" or "above 0.9", not {wrong}.'


def operation(found, count, name):
    """The value and the pullbacks, as arrays will be asked of them."""
    assert found is not None, f"{name} returned None: is a `return` missing?"
    assert isinstance(found, tuple) and len(found) == 2, (
        f"{name} must return two things: the value, and a tuple of pullbacks; not {found!r}."
    )
    value, pullbacks = found
    assert isinstance(pullbacks, tuple | list) and len(pullbacks) == count, (
        f"The second thing is a tuple of {count} pullback(s), one for each input. A tuple of one "
        "needs a comma: (lambda g: ...,)."
    )
    assert all(map(callable, pullbacks)), "A pullback is a function of g: lambda g: ..."
    return np.asarray(value), pullbacks


X = np.array([[-2.0, 0.5, 3.0], [0.0, -0.1, 7.0]])


def check_relu__value(lesson):
    """Negative numbers become 0, the others stay."""
    kept = X.copy()
    value, _ = operation(lesson.relu(kept), 1, "relu")
    right = np.maximum(X, 0)
    assert np.array_equal(kept, X), "relu has changed its input; make a new array."
    assert value.shape == X.shape and np.array_equal(value, right), (
        f"Of {X.tolist()} relu makes {right.tolist()}, yours makes {value.tolist()}."
    )


def check_relu__pullback(lesson):
    """The gradient passes where x is above 0, for each row."""
    _, (pull,) = operation(lesson.relu(X.copy()), 1, "relu")
    g = np.arange(1.0, 13.0).reshape(2, 2, 3)
    found = np.asarray(pull(g.copy()))
    assert found.shape == g.shape, (
        f"g has the shape {g.shape}, with two rows in front; your gradient has {found.shape}."
    )
    right = g * (X > 0)
    assert np.allclose(found, right), (
        f"Where x is above 0, g passes unchanged, elsewhere nothing does. For x = {X.tolist()} and "
        f"g = {g[0].tolist()} expected {right[0].tolist()}, yours is {found[0].tolist()}."
    )


def check_relu__no_writing(lesson):
    """The pullback does not write into g."""
    _, (pull,) = operation(lesson.relu(X.copy()), 1, "relu")
    g = np.ones((1, *X.shape))
    pull(g)
    assert (g == 1).all(), "Your pullback writes into g; another one may still need it."


def check_relu__infinite(lesson):
    """Very large numbers stay what they are."""
    value, _ = operation(lesson.relu(np.array([1e300, -1e300])), 1, "relu")
    assert np.array_equal(value, [1e300, 0]), f"Of [1e300, -1e300] yours makes {value.tolist()}."


Z = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]])
Y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def cross(lesson, z=Z, y=Y):
    return operation(lesson.softmax_crossentropy(z.copy(), y.copy()), 2, "softmax_crossentropy")


def check_softmax_crossentropy__value(lesson):
    """One loss for each sample: minus the logarithm of the true share."""
    for z, y in ((Z, Y), (Z[::-1] * 0.5 + 1, Y)):
        value, _ = cross(lesson, z, y)
        assert value.shape == (2,), (
            f"Two samples, so two losses: the shape is (2,), yours is {value.shape}. Sum over the "
            "classes, axis=-1, and over nothing else."
        )
        right = -np.log((y * np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)).sum(axis=-1))
        assert np.allclose(value, right), (
            f"For z = {z.tolist()} and y = {y.tolist()} the losses are {right.round(4).tolist()}, "
            f"yours are {value.round(4).tolist()}."
        )


def check_softmax_crossentropy__large(lesson):
    """Very large logits are no problem."""
    with np.errstate(all="ignore"):
        value, (pull, _) = cross(lesson, Z * 1000, Y)
        slope = np.asarray(pull(np.ones((1, 2))))
    assert np.isfinite(value).all(), (
        f"For the logits {(Z * 1000).tolist()} your losses are {value.tolist()}. Take the largest "
        "of each row away before exp, and let log see the sum, not p."
    )
    assert np.allclose(value, [0, 2500]), f"Expected [0, 2500], yours are {value.tolist()}."
    assert np.isfinite(slope).all(), f"Your pullback returns {slope.tolist()} for large logits."


def check_softmax_crossentropy__rows_differ(lesson):
    """Each row takes its own largest logit away."""
    z = np.array([[0.0, 1.0, 2.0], [-5000.0, -5001.0, -5002.0]])
    with np.errstate(all="ignore"):
        value, _ = cross(lesson, z, Y)
    assert np.allclose(value, [1.4076, 0.4076], atol=1e-4), (
        f"Logits of {z.tolist()}: expected the losses [1.4076, 0.4076], yours are "
        f"{value.round(4).tolist()}. The largest is that of the row: axis=-1, keepdims=True."
    )


def check_softmax_crossentropy__pullback(lesson):
    """The gradient of the logits is g times (p - y), for each row."""
    _, (pull, _) = cross(lesson)
    g = np.array([[1.0, 2.0], [0.0, -3.0]])
    found = np.asarray(pull(g))
    assert found.shape == (2, 2, 3), (
        f"g has the shape (rows, samples) = (2, 2), so the gradient of z has (2, 2, 3); yours has "
        f"{found.shape}. g[..., None] gives g an axis for the classes."
    )
    p = np.exp(Z) / np.exp(Z).sum(axis=-1, keepdims=True)
    right = g[..., None] * (p - Y)
    assert np.allclose(found, right), (
        f"For g = {g[0].tolist()} the gradient of z is {right[0].round(3).tolist()}, yours is "
        f"{found[0].round(3).tolist()}."
    )


def check_softmax_crossentropy__labels(lesson):
    """The gradient of the labels is -log(p)."""
    _, (_, pull) = cross(lesson)
    found = np.asarray(pull(np.array([[1.0, 2.0]])))
    log_p = Z - np.log(np.exp(Z).sum(axis=-1, keepdims=True))
    right = -np.array([[1.0], [2.0]]) * log_p
    assert found.shape == (1, 2, 3) and np.allclose(found[0], right), (
        f"The second pullback is -g[..., None] * log_p: {right.round(3).tolist()}, yours is "
        f"{found.round(3).tolist()}."
    )


def check_softmax_crossentropy__empty(lesson):
    """Without samples there are no losses, and no error."""
    value, (pull, _) = cross(lesson, Z[:0], Y[:0])
    found = np.asarray(pull(np.ones((2, 0))))
    assert value.shape == (0,) and found.shape == (2, 0, 3), (
        f"For 0 samples the shapes of value and gradient are (0,) and (2, 0, 3), yours are "
        f"{value.shape} and {found.shape}."
    )


def check_softmax_crossentropy__differences(lesson):
    """Central differences agree."""
    cross(lesson)
    check.check_op(ops.Op(lesson.softmax_crossentropy), Z, Y)


def check_right_loss__questions(lesson):
    """Each of the five questions has a loss."""
    found = lesson.right_loss()
    assert isinstance(found, dict), f"Return a dict with a loss for each question, not {found!r}."
    missing = [question for question in right_loss() if question not in found]
    assert not missing, f"There is no loss for: {', '.join(missing)}."
    for question in right_loss():
        name_of(question, found)


# What fits each kind of answer. Where the library has more than the table, all that is right is.
ONE = {
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_focal_crossentropy",
}
YES = {"binary_crossentropy", "binary_focal_crossentropy"}
NUMBER = {"mean_squared_error", "mean_absolute_error", "huber", "log_cosh"}
FLAT = "Behind a sigmoid or a softmax it hardly pulls where the answer is most wrong."
SHARES = "It needs shares between 0 and 1, and this is any number."
EACH = "It asks yes or no of each class, as if none or several could be true."
KINDS = {  # the question, what its answer is, which losses fit, and why others do not
    "what does this car cost?": (
        "The answer is an amount, any number.",
        NUMBER,
        [(ONE | YES, SHARES)],
    ),
    "is this work of art a print?": (
        "The answer is yes or no.",
        YES,
        [(NUMBER, FLAT), (ONE, "The table gives yes or no one unit; its softmax is always 1.")],
    ),
    "which of ten digits is it?": (
        "Exactly one of ten is true.",
        ONE,
        [(NUMBER, FLAT), (YES, EACH)],
    ),
    "which of twelve words are in the name of this emoji?": (
        "None, one or several may be true.",
        YES,
        [(NUMBER, FLAT), (ONE, "It shares one whole: if one word gets more, the others get less.")],
    ),
    "which of six makers has made this car?": (
        "Exactly one of six is true.",
        ONE,
        [(NUMBER, FLAT), (YES, EACH)],
    ),
}


def name_of(question, found):
    """The library's name of a loss; it may be written in short, such as mse."""
    try:
        return tg.losses.get(found[question]).name
    except (ValueError, TypeError):
        raise AssertionError(
            f"{question} {found[question]!r} is the name of no loss. The third column of the table "
            "has the names, such as mean_squared_error."
        ) from None


def check_right_loss__fits(lesson):
    """Each answer has the loss that fits it."""
    found = lesson.right_loss()
    assert isinstance(found, dict), f"Return a dict with a loss for each question, not {found!r}."
    for question, (kind, fitting, others) in KINDS.items():
        assert question in found, f"There is no loss for: {question}."
        name = name_of(question, found)
        why = "".join(reason for names, reason in others if name in names)
        why = f"{name} does not fit this. {why}" if why else f"{name} is not in the table."
        assert name in fitting, f"{question} {kind} {why}."
