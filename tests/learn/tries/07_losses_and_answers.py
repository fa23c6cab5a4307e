"""What students write in lesson 7."""
# ruff: noqa: F821


def wrong_slopes__at_p_not_at_z(p, y):
    return 2 * (p - y), (p - y) / (p * (1 - p))


def wrong_slopes__fraction_left(p, y):
    slope = p * (1 - p)
    return 2 * (p - y) * slope, (p - y) / slope * slope


def wrong_slopes__sign(p, y):
    return 2 * (y - p) * p * (1 - p), y - p


def wrong_slopes__two_forgotten(p, y):
    return (p - y) * p * (1 - p), p - y


def wrong_slopes__swapped(p, y):
    return p - y, 2 * (p - y) * p * (1 - p)


def wrong_slopes__only_one(p, y):
    return p - y


def wrong_slopes__truth_is_yes(p, y):
    return 2 * (p - 1) * p * (1 - p), p - 1


def wrong_slopes__of_tanh(p, y):
    return 2 * (p - y) * (1 - p * p), p - y


def right_slopes__a_list(p, y):
    s = p - p**2
    return [2 * s * (p - y), -(y - p)]


def right_slopes__by_cases(p, y):
    cross = y * (p - 1) + (1 - y) * p
    return 2 * cross * (p - p * p), cross


def wrong_my_prediction__a_list():
    return ["below 0.1", "above 0.9"]


def wrong_my_prediction__numbers():
    return {"squared error": 0.1, "cross-entropy": 0.9}


def wrong_my_prediction__one_missing():
    return {"cross-entropy": "above 0.9"}


def wrong_my_prediction__other_words():
    return {"squared error": "low", "cross-entropy": "high"}


def wrong_my_prediction__other_keys():
    return {"squared": "below 0.1", "cross": "above 0.9"}


def right_my_prediction__a_wrong_guess():
    return {"cross-entropy": "between", "squared error": "above 0.9"}


def wrong_relu__slope_is_x(x):
    y = np.maximum(x, 0)
    return y, (lambda g: g * y,)


def wrong_relu__no_tuple(x):
    return np.maximum(x, 0), lambda g: g * (x > 0)


def wrong_relu__gradient_unchanged(x):
    return np.maximum(x, 0), (lambda g: g,)


def wrong_relu__in_place(x):
    x[x < 0] = 0
    return x, (lambda g: g * (x > 0),)


def wrong_relu__largest_of_all(x):
    return x.max(), (lambda g: g * (x > 0),)


def wrong_relu__slope_of_the_first_row(x):
    return np.maximum(x, 0), (lambda g: g[0] * (x > 0),)


def wrong_relu__picked_by_a_mask(x):
    return np.maximum(x, 0), (lambda g: g[..., x > 0],)


def wrong_relu__absolute(x):
    return abs(x), (lambda g: g * np.sign(x),)


def wrong_relu__slope_by_g(x):
    return np.maximum(x, 0), (lambda g: np.maximum(g, 0),)


def wrong_relu__writes_into_g(x):
    def pull(g):
        g *= x > 0
        return g

    return np.maximum(x, 0), (pull,)


def right_relu__with_where(x):
    return np.where(x > 0, x, 0.0), (lambda g: np.where(x > 0, g, 0.0),)


def right_relu__by_the_value(x):
    y = (x + abs(x)) / 2
    return y, [lambda g: g * np.sign(y)]


def wrong_softmax_crossentropy__overflows(z, y):
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    log_p = np.log(p)
    value = -(y * log_p).sum(axis=-1)
    return value, (lambda g: g[..., None] * (p - y), lambda g: -g[..., None] * log_p)


def wrong_softmax_crossentropy__log_of_p(z, y):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    log_p = np.log(p)
    value = -(y * log_p).sum(axis=-1)
    return value, (lambda g: g[..., None] * (p - y), lambda g: -g[..., None] * log_p)


def wrong_softmax_crossentropy__one_largest_for_all(z, y):
    shifted = z - z.max()
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    value = -(y * log_p).sum(axis=-1)
    return value, (lambda g: g[..., None] * (np.exp(log_p) - y), lambda g: -g[..., None] * log_p)


def wrong_softmax_crossentropy__mean_over_classes(z, y):
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(log_p)
    value = -(y * log_p).mean(axis=-1)
    return value, (lambda g: g[..., None] * (p - y), lambda g: -g[..., None] * log_p)


def wrong_softmax_crossentropy__over_samples(z, y):
    shifted = z - z.max(axis=0, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))
    p = np.exp(log_p)
    value = -(y * log_p).sum(axis=-1)
    return value, (lambda g: g[..., None] * (p - y), lambda g: -g[..., None] * log_p)


def wrong_softmax_crossentropy__one_number(z, y):
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(log_p)
    return -(y * log_p).sum(), (lambda g: g * (p - y), lambda g: -g * log_p)


def wrong_softmax_crossentropy__slope_turned(z, y):
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(log_p)
    value = -(y * log_p).sum(axis=-1)
    return value, (lambda g: g[..., None] * (y - p), lambda g: -g[..., None] * log_p)


def wrong_softmax_crossentropy__g_forgotten(z, y):
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(log_p)
    value = -(y * log_p).sum(axis=-1)
    return value, (lambda g: p - y, lambda g: -log_p)


def wrong_softmax_crossentropy__g_on_the_wrong_axis(z, y):
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(log_p)
    value = -(y * log_p).sum(axis=-1)
    return value, (lambda g: g[None] * (p - y), lambda g: -g[None] * log_p)


def wrong_softmax_crossentropy__one_pullback(z, y):
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(log_p)
    return -(y * log_p).sum(axis=-1), (lambda g: g[..., None] * (p - y),)


def wrong_softmax_crossentropy__minus_forgotten(z, y):
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(log_p)
    value = (y * log_p).sum(axis=-1)
    return value, (lambda g: g[..., None] * (p - y), lambda g: -g[..., None] * log_p)


def right_softmax_crossentropy__with_the_op(z, y):
    log_p, _ = ops.log_softmax(z)
    p = np.exp(log_p)
    return -np.einsum("...c,...c", y, log_p), [
        lambda g: np.expand_dims(g, -1) * (p - y),
        lambda g: -np.expand_dims(g, -1) * log_p,
    ]


def right_softmax_crossentropy__logaddexp(z, y):
    total = np.logaddexp.reduce(z, axis=-1)
    p = np.exp(z - total[:, None])
    value = (y * (total[:, None] - z)).sum(axis=1)
    return value, (
        lambda g: g[..., None] * p - g[..., None] * y,
        lambda g: g[..., None] * (total[:, None] - z),
    )


def wrong_right_loss__one_of_twelve():
    return {
        "what does this car cost?": "mean_squared_error",
        "is this work of art a print?": "binary_crossentropy",
        "which of ten digits is it?": "categorical_crossentropy",
        "which of twelve words are in the name of this emoji?": "categorical_crossentropy",
        "which of six makers has made this car?": "categorical_crossentropy",
    }


def wrong_right_loss__always_the_same():
    return {
        "what does this car cost?": "mean_squared_error",
        "is this work of art a print?": "mean_squared_error",
        "which of ten digits is it?": "mean_squared_error",
        "which of twelve words are in the name of this emoji?": "mean_squared_error",
        "which of six makers has made this car?": "mean_squared_error",
    }


def wrong_right_loss__activations():
    return {
        "what does this car cost?": None,
        "is this work of art a print?": "sigmoid",
        "which of ten digits is it?": "softmax",
        "which of twelve words are in the name of this emoji?": "sigmoid",
        "which of six makers has made this car?": "softmax",
    }


def wrong_right_loss__one_missing():
    return {
        "what does this car cost?": "mean_squared_error",
        "is this work of art a print?": "binary_crossentropy",
        "which of ten digits is it?": "categorical_crossentropy",
    }


def right_right_loss__other_order():
    many, yes = "categorical_crossentropy", "binary_crossentropy"
    return {
        "which of ten digits is it?": many,
        "which of six makers has made this car?": many,
        "which of twelve words are in the name of this emoji?": yes,
        "is this work of art a print?": yes,
        "what does this car cost?": "mean_squared_error",
    }


def right_right_loss__sparse_and_short():
    return {
        "what does this car cost?": "mse",
        "is this work of art a print?": "bce",
        "which of ten digits is it?": "sparse_categorical_crossentropy",
        "which of twelve words are in the name of this emoji?": "binary_crossentropy",
        "which of six makers has made this car?": "sparse_categorical_crossentropy",
    }


def wrong_right_loss__sparse_for_several():
    return {
        "what does this car cost?": "mae",
        "is this work of art a print?": "bce",
        "which of ten digits is it?": "sparse_categorical_crossentropy",
        "which of twelve words are in the name of this emoji?": "sparse_categorical_crossentropy",
        "which of six makers has made this car?": "categorical_crossentropy",
    }


def wrong_right_loss__no_such_name():
    return {
        "what does this car cost?": "squared error",
        "is this work of art a print?": "bce",
        "which of ten digits is it?": "categorical_crossentropy",
        "which of twelve words are in the name of this emoji?": "bce",
        "which of six makers has made this car?": "categorical_crossentropy",
    }
