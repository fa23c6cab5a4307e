"""What students write in lesson 28."""
# ruff: noqa: F821


def wrong_attend__softmax_over_queries(query, key, value, mask=None):
    scores = query @ key.swapaxes(-1, -2)
    if mask is not None:
        scores = np.where(mask[:, None], scores, -1e9)
    weights = ops.softmax(scores, axis=-2)[0]
    return weights @ value, weights


def wrong_attend__no_softmax(query, key, value, mask=None):
    weights = query @ key.swapaxes(-1, -2)
    if mask is not None:
        weights = np.where(mask[:, None], weights, 0.0)
    return weights @ value, weights


def wrong_attend__mask_after_the_softmax(query, key, value, mask=None):
    weights = ops.softmax(query @ key.swapaxes(-1, -2))[0]
    if mask is not None:
        weights = weights * mask[:, None]
    return weights @ value, weights


def wrong_attend__mask_turned_round(query, key, value, mask=None):
    scores = query @ key.swapaxes(-1, -2)
    if mask is not None:
        scores = np.where(mask[:, None], -1e9, scores)
    weights = ops.softmax(scores)[0]
    return weights @ value, weights


def wrong_attend__mask_forgotten(query, key, value, mask=None):
    weights = ops.softmax(query @ key.swapaxes(-1, -2))[0]
    return weights @ value, weights


def wrong_attend__masked_scores_are_0(query, key, value, mask=None):
    scores = query @ key.swapaxes(-1, -2)
    if mask is not None:
        scores = scores * mask[:, None]
    weights = ops.softmax(scores)[0]
    return weights @ value, weights


def wrong_attend__result_only(query, key, value, mask=None):
    scores = query @ key.swapaxes(-1, -2)
    if mask is not None:
        scores = np.where(mask[:, None], scores, -1e9)
    return ops.softmax(scores)[0] @ value


def wrong_attend__pair_of_softmax(query, key, value, mask=None):
    weights = ops.softmax(query @ key.swapaxes(-1, -2))
    return weights @ value, weights


def wrong_attend__keys_not_turned(query, key, value, mask=None):
    weights = ops.softmax(query @ key)[0]
    return weights @ value, weights


def wrong_attend__divided_by_the_root(query, key, value, mask=None):
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1])
    if mask is not None:
        scores = np.where(mask[:, None], scores, -1e9)
    weights = ops.softmax(scores)[0]
    return weights @ value, weights


def wrong_attend__overflows(query, key, value, mask=None):
    e = np.exp(query @ key.swapaxes(-1, -2))
    if mask is not None:
        e = e * mask[:, None]
    weights = e / e.sum(axis=-1, keepdims=True)
    return weights @ value, weights


def wrong_attend__asks_if_mask(query, key, value, mask=None):
    scores = query @ key.swapaxes(-1, -2)
    if mask:
        scores = np.where(mask[:, None], scores, -1e9)
    weights = ops.softmax(scores)[0]
    return weights @ value, weights


def right_attend__einsum(query, key, value, mask=None):
    scores = np.einsum("nqd,nkd->nqk", query, key)
    if mask is not None:
        scores = scores + np.where(mask, 0.0, -1e9)[:, np.newaxis, :]
    e = np.exp(scores - scores.max(axis=2, keepdims=True))
    weights = e / e.sum(axis=2, keepdims=True)
    return [np.einsum("nqk,nkv->nqv", weights, value), weights]


def right_attend__infinity(query, key, value, mask=None):
    mask = np.ones(key.shape[:2], bool) if mask is None else mask
    scores = np.where(mask[:, None], query @ key.transpose(0, 2, 1), -np.inf)
    weights = ops.softmax(scores)[0]
    return np.matmul(weights, value), weights


def wrong_attention__softmax_forgotten(query, key, value):
    y, weights = attend(query, key, value)
    return y, (
        lambda g: g @ value.swapaxes(-1, -2) @ key,
        lambda g: (g @ value.swapaxes(-1, -2)).swapaxes(-1, -2) @ query,
        lambda g: weights.swapaxes(-1, -2) @ g,
    )


def wrong_attention__mean_forgotten(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        return weights * (g @ value.swapaxes(-1, -2))

    return y, (
        lambda g: pull_scores(g) @ key,
        lambda g: pull_scores(g).swapaxes(-1, -2) @ query,
        lambda g: weights.swapaxes(-1, -2) @ g,
    )


def wrong_attention__sum_over_queries(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        a = g @ value.swapaxes(-1, -2)
        return weights * (a - (weights * a).sum(axis=-2, keepdims=True))

    return y, (
        lambda g: pull_scores(g) @ key,
        lambda g: pull_scores(g).swapaxes(-1, -2) @ query,
        lambda g: weights.swapaxes(-1, -2) @ g,
    )


def wrong_attention__query_and_key_swapped(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        a = g @ value.swapaxes(-1, -2)
        return weights * (a - (weights * a).sum(axis=-1, keepdims=True))

    return y, (
        lambda g: pull_scores(g).swapaxes(-1, -2) @ query,
        lambda g: pull_scores(g) @ key,
        lambda g: weights.swapaxes(-1, -2) @ g,
    )


def wrong_attention__weights_not_turned(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        a = g @ value.swapaxes(-1, -2)
        return weights * (a - (weights * a).sum(axis=-1, keepdims=True))

    return y, (
        lambda g: pull_scores(g) @ key,
        lambda g: pull_scores(g).swapaxes(-1, -2) @ query,
        lambda g: weights @ g,
    )


def wrong_attention__sign_of_the_key(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        a = g @ value.swapaxes(-1, -2)
        return weights * (a - (weights * a).sum(axis=-1, keepdims=True))

    return y, (
        lambda g: pull_scores(g) @ key,
        lambda g: -(pull_scores(g).swapaxes(-1, -2) @ query),
        lambda g: weights.swapaxes(-1, -2) @ g,
    )


def wrong_attention__weights_returned_too(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        a = g @ value.swapaxes(-1, -2)
        return weights * (a - (weights * a).sum(axis=-1, keepdims=True))

    return (y, weights), (
        lambda g: pull_scores(g) @ key,
        lambda g: pull_scores(g).swapaxes(-1, -2) @ query,
        lambda g: weights.swapaxes(-1, -2) @ g,
    )


def wrong_attention__rows_lost(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        a = g[0] @ value.swapaxes(-1, -2)
        return weights * (a - (weights * a).sum(axis=-1, keepdims=True))

    return y, (
        lambda g: pull_scores(g) @ key,
        lambda g: pull_scores(g).swapaxes(-1, -2) @ query,
        lambda g: weights.swapaxes(-1, -2) @ g,
    )


def wrong_attention__writes_into_g(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        a = g @ value.swapaxes(-1, -2)
        return weights * (a - (weights * a).sum(axis=-1, keepdims=True))

    def pull_value(g):
        g *= 1.0
        g += 0.5
        return weights.swapaxes(-1, -2) @ (g - 0.5)

    return y, (
        lambda g: pull_scores(g) @ key,
        lambda g: pull_scores(g).swapaxes(-1, -2) @ query,
        pull_value,
    )


def right_attention__by_the_mixture(query, key, value):
    y, weights = attend(query, key, value)

    def pull_scores(g):
        better = g @ value.swapaxes(-1, -2) - (g * y).sum(axis=-1)[..., None]
        return better * weights

    def pull_query(g):
        return np.einsum("rnqk,nkd->rnqd", pull_scores(g), key)

    def pull_key(g):
        return np.einsum("rnqk,nqd->rnkd", pull_scores(g), query)

    return y, [pull_query, pull_key, lambda g: np.einsum("nqk,rnqv->rnkv", weights, g)]


def right_attention__with_the_ops(query, key, value):
    y, _ = attend(query, key, value)
    scores, (to_query, to_turned) = ops.matmul(query, key.swapaxes(-1, -2))
    weights, (to_scores,) = ops.softmax(scores)
    _, (to_weights, to_value) = ops.matmul(weights, value)
    return y, (
        lambda g: to_query(to_scores(to_weights(g))),
        lambda g: to_turned(to_scores(to_weights(g))).swapaxes(-1, -2),
        to_value,
    )


def wrong_my_prediction__a_list():
    return ["answer", "answer", "answer", "both", "both"]


def wrong_my_prediction__other_words():
    return dict.fromkeys(["question_words", "query", "key", "value", "text_words"], "main")


def wrong_my_prediction__one_missing():
    return {"query": "answer", "key": "answer", "value": "both", "text_words": "both"}


def wrong_my_prediction__bools():
    return dict.fromkeys(["question_words", "query", "key", "value", "text_words"], True)


def right_my_prediction__a_wrong_guess():
    return dict.fromkeys(["value", "key", "query", "text_words", "question_words"], "both")


def wrong_label_slopes__softmax_as_with_one_label(z, y):
    return (ops.sigmoid(z)[0] - y) / z.shape[-1], ops.softmax(z)[0] - y


def wrong_label_slopes__mean_forgotten(z, y):
    p = ops.softmax(z)[0]
    return ops.sigmoid(z)[0] - y, p * y.sum(axis=-1, keepdims=True) - y


def wrong_label_slopes__divided_by_the_samples(z, y):
    p = ops.softmax(z)[0]
    return (ops.sigmoid(z)[0] - y) / len(z), p * y.sum(axis=-1, keepdims=True) - y


def wrong_label_slopes__sum_of_all_labels(z, y):
    p = ops.softmax(z)[0]
    return (ops.sigmoid(z)[0] - y) / z.shape[-1], p * y.sum() - y


def wrong_label_slopes__sign(z, y):
    p = ops.softmax(z)[0]
    return (y - ops.sigmoid(z)[0]) / z.shape[-1], y - p * y.sum(axis=-1, keepdims=True)


def wrong_label_slopes__swapped(z, y):
    p = ops.softmax(z)[0]
    return p * y.sum(axis=-1, keepdims=True) - y, (ops.sigmoid(z)[0] - y) / z.shape[-1]


def wrong_label_slopes__three_labels_always(z, y):
    p = ops.softmax(z)[0]
    return (ops.sigmoid(z)[0] - y) / 3, p * y.sum(axis=-1, keepdims=True) - y


def right_label_slopes__by_hand(z, y):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    total = y.sum(axis=1)[:, None]
    return [(1 / (1 + np.exp(-z)) - y) / len(z[0]), total * e / e.sum(axis=1)[:, None] - y]
