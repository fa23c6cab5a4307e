"""Losses of one sample: the fused forms, which stay exact where the naive ones overflow.

The label comes first and has no derivative. Probabilities are held inside [1e-7, 1 - 1e-7]
before the logarithm; where that bites, the slope is 0.
"""

from ..device import Array, array_module, to_numpy
from .activations import log_1_plus_exp
from .contract import op

EPSILON = 1e-7


def held(p: Array) -> tuple[Array, Array]:
    """Probabilities held away from 0 and 1, and where they did not have to be."""
    xp = array_module(p)
    low, high = p.dtype.type(EPSILON), p.dtype.type(1 - EPSILON)
    return xp.clip(p, low, high), (p >= low) & (p <= high)


def check_labels(label: Array) -> None:
    """Labels of a yes or no are 0, 1 or between (NaN passes: it is found elsewhere)."""
    wrong = (label < 0) | (label > 1)
    if wrong.any():
        where = tuple(int(axis[0]) for axis in to_numpy(wrong).nonzero())
        raise ValueError(
            f"label {label[where]:g} in row {where[0]} is not between 0 and 1: scale "
            f"the labels, or use another loss"
        )


@op
def binary_crossentropy(label, p):
    """-label log(p) - (1 - label) log(1 - p), element by element."""
    xp = array_module(p)
    if p.size and (p.min() < -EPSILON or p.max() > 1 + EPSILON):
        raise ValueError(
            f"probabilities lie between 0 and 1, these between {p.min():.4g} and {p.max():.4g}: "
            f"give the output a sigmoid, or the loss from_logits=True"
        )
    check_labels(label)
    p, inside = held(p)
    y = -(label * xp.log(p) + (1 - label) * xp.log1p(-p))
    return y, (None, lambda g: g * (inside * ((p - label) / (p * (1 - p)))))


@op
def binary_crossentropy_from_logits(label, logit):
    """The same of p = sigmoid(logit), as softplus(logit) - label logit."""
    xp = array_module(logit)
    check_labels(label)
    p = 0.5 * xp.tanh(0.5 * logit) + 0.5
    y = log_1_plus_exp(logit) - label * logit
    return y, (None, lambda g: g * (p - label))


@op
def categorical_crossentropy(label, p):
    """-sum(label log(p / sum(p))) along the last axis."""
    xp = array_module(p)
    total = p.sum(axis=-1, keepdims=True)
    share = p / total
    q, inside = held(share)

    def pull_p(g):
        g_share = -g[..., None] * (inside * label / q)
        return (g_share - (g_share * share).sum(axis=-1, keepdims=True)) / total

    return -(label * xp.log(q)).sum(axis=-1), (None, pull_p)


@op
def categorical_crossentropy_from_logits(label, logits):
    """The same of p = softmax(logits)."""
    log_p, p = log_softmax(logits)

    def pull_logits(g):
        return g[..., None] * (p * label.sum(axis=-1, keepdims=True) - label)

    return -(label * log_p).sum(axis=-1), (None, pull_logits)


@op
def sparse_categorical_crossentropy(index, p):
    """-log(p[index] / sum(p)) along the last axis; the label is the index of the right class."""
    return categorical_crossentropy.rule(one_hot(index, p), p)


@op
def sparse_categorical_crossentropy_from_logits(index, logits):
    """The same of p = softmax(logits)."""
    xp, hot = array_module(logits), one_hot(index, logits)
    shifted, e, total = exponentials(logits)
    y = xp.log(total[..., 0]) - (hot * shifted).sum(axis=-1)
    return y, (None, lambda g: g[..., None] * (e / total - hot))


@op
def huber(label, prediction, *, delta=1.0):
    """Half the squared error up to `delta`, and straight on from there (Huber 1964)."""
    xp = array_module(prediction)
    error = prediction - label
    bounded = xp.clip(error, -delta, delta)
    return bounded * (error - 0.5 * bounded), (None, lambda g: g * bounded)


@op
def weighted_mean(losses, weights, mask, *, by_weight=False):
    """One number from the losses of all samples, sum(weight loss) / count; and this count.

    weights has one number per sample, NaN if the sample does not count; with a mask (None: no
    mask) only what it keeps counts. ``by_weight`` divides by the sum of the weights instead. With
    the count, means of several batches can be put together.
    """
    xp = array_module(losses)
    scale = weights.reshape(weights.shape + (1,) * (losses.ndim - weights.ndim))
    if scale.shape != losses.shape:
        scale = xp.broadcast_to(scale, losses.shape)
    count, total = losses.size, scale.sum()
    if mask is not None or total != total:  # NaN is not itself
        counts = scale == scale if mask is None else mask & (scale == scale)
        scale, losses = xp.where(counts, scale, 0), xp.where(counts, losses, 0)
        count, total = counts.sum(), scale.sum()
    divisor = total if by_weight else count
    if divisor:
        scale = scale / xp.asarray(divisor, losses.dtype)

    def pull_losses(gs):
        g = gs[0]
        return g.reshape(*g.shape, *[1] * losses.ndim) * scale

    return ((scale * losses).sum(), xp.asarray(divisor, losses.dtype)), (pull_losses, None, None)


def log_softmax(logits: Array) -> tuple[Array, Array]:
    """log(softmax) and softmax, from one exp."""
    shifted, e, total = exponentials(logits)
    return shifted - array_module(logits).log(total), e / total


def exponentials(logits: Array) -> tuple[Array, Array, Array]:
    """Logits below their largest, exp of them, and its sum: nothing can overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    e = array_module(logits).exp(shifted)
    return shifted, e, e.sum(axis=-1, keepdims=True)


def one_hot(index: Array, like: Array) -> Array:
    """Rows of zeros with a one at the index of the right class."""
    xp, count = array_module(like), like.shape[-1]
    if index.shape == (*like.shape[:-1], 1):
        index = index[..., 0]
    hot = (index[..., None] == xp.arange(count)).astype(like.dtype)
    if hot.sum() != index.size:  # a row is empty (or there are more than a float can count)
        refuse_other_labels(index, count)
    return hot


def refuse_other_labels(index: Array, count: int) -> None:
    """Labels must be whole numbers from 0 to count - 1."""
    xp = array_module(index)
    bad = to_numpy((index < 0) | (index >= count) | (index != xp.floor(index)))
    if bad.any():
        row = tuple(int(axis[0]) for axis in bad.nonzero())
        raise ValueError(
            f"label {index[row]} in row {row[0]} is not one of the {count} classes 0 to {count - 1}"
        )
