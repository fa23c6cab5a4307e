"""Losses of one sample: the fused forms, which stay exact where the naive ones overflow.

The label comes first and has no derivative. Probabilities are clipped to [1e-7, 1 - 1e-7] before
the logarithm; where that changes them, the slope is 0. Logits may be infinite where the loss has a
limit: a class with the logit -infinity has no share, and costs nothing if its label is 0.
"""

import math
from collections.abc import Callable
from typing import Any, NoReturn

from ..device import Array, array_module, first_place
from ..questions import on_gpu, refuse_if
from .activations import log_1_plus_exp
from .contract import in_floats, op, where_counted

__all__ = [
    "binary_crossentropy",
    "binary_crossentropy_from_logits",
    "categorical_crossentropy",
    "categorical_crossentropy_from_logits",
    "huber",
    "labels_for",
    "log_cosh",
    "probabilities",
    "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy_from_logits",
    "weighted_mean",
    "weighted_sum",
]

EPSILON = 1e-7
ROUNDING_OF_SHARES = 1e-2  # labels are often written with few digits
ROUNDING = 1e-5  # what probabilities that were computed may be off by
LOG_2 = math.log(2)


def clipped(p: Array) -> tuple[Array, Array]:
    """Probabilities away from 0 and 1, and where they were so already."""
    xp = array_module(p)
    low, high = p.dtype.type(EPSILON), p.dtype.type(1 - EPSILON)
    return xp.clip(p, low, high), (p >= low) & (p <= high)


def check_probabilities(p: Array, activation: str, or_logits: bool = True) -> None:
    """They lie between 0 and 1; `activation` would have made such (NaN passes, as in labels).

    `or_logits`: the loss knows logits, too.
    """

    if p.size:
        low, high = p.min(), p.max()
        refuse_if(
            (low < -ROUNDING) | (high > 1 + ROUNDING),
            lambda: refuse_probabilities(float(low), float(high), activation, or_logits),
        )


def refuse_probabilities(low: float, high: float, activation: str, or_logits: bool) -> NoReturn:
    raise ValueError(
        f"probabilities lie between 0 and 1, these between {low:.4g} and {high:.4g}: give the "
        f"output a {activation}" + ", or the loss from_logits=True" * or_logits
    )


def check_labels(label: Array) -> None:
    """Labels of a yes or no are 0, 1 or between (NaN passes: it means "not labelled")."""
    wrong = (label < 0) | (label > 1)
    refuse_if(wrong.any(), lambda: refuse_label(label, first_place(wrong)))


def refuse_label(label: Array, where: tuple[int, ...]) -> NoReturn:
    raise ValueError(
        f"label {label[where]:g} in row {where[0]} is not between 0 and 1: scale the labels, or "
        f"use another loss"
    )


def more_than_one(labels: Array) -> str:
    """What is odd about labels of several classes at once, where classes exclude each other.

    Rows may add up to less than 1: zeros say "none of them".
    """
    total = labels.sum(axis=-1, keepdims=True)
    wrong = total > 1 + ROUNDING_OF_SHARES
    if not wrong.any():
        return ""
    where = first_place(wrong)
    return (
        f"the labels in row {where[0]} add up to {total[where]:g}, but they are shares of classes "
        f"that exclude each other, 1 in all: if several may hold at once, use sigmoid and "
        f"binary_crossentropy"
    )


@op
@in_floats
def probabilities(p, *, or_logits=False):
    """p itself, refused if it lies outside 0 to 1; `or_logits`: the loss knows logits, too."""
    check_probabilities(p, "softmax", or_logits)
    return p, (lambda g: g,)


@op
@in_floats
def binary_crossentropy(label, p):
    """-label log(p) - (1 - label) log(1 - p), element by element."""
    xp = array_module(p)
    check_probabilities(p, "sigmoid")
    check_labels(label)
    p, inside = clipped(p)
    y = -(label * xp.log(p) + (1 - label) * xp.log1p(-p))
    return y, (None, lambda g: g * (inside * ((p - label) / (p * (1 - p)))))


@op
@in_floats
def binary_crossentropy_from_logits(label, logit):
    """`binary_crossentropy` of p = sigmoid(logit), as softplus(logit) - label logit.

    Infinite logits are certainties: 0 if the label agrees, infinity if not. The gradient of the
    logit is p - label, always.
    """
    xp = array_module(logit)
    check_labels(label)
    p = 0.5 * xp.tanh(0.5 * logit) + 0.5
    infinite = xp.abs(logit) == xp.inf
    if on_gpu(infinite) or infinite.any():
        finite = xp.where(infinite, 0, logit)
        y = log_1_plus_exp(finite) - label * finite
        y = xp.where(infinite, xp.where(p == label, 0, xp.inf).astype(y.dtype), y)
    else:
        y = log_1_plus_exp(logit) - label * logit
    return y, (None, lambda g: g * (p - label))


@op
@in_floats
def categorical_crossentropy(label, p):
    """-sum(label log(p / sum(p))) along the last axis: (..., classes) gives (...).

    A row of zeros has no shares: NaN.
    """
    xp = array_module(p)
    check_probabilities(p, "softmax")
    total = p.sum(axis=-1, keepdims=True)
    share = p / total
    q, inside = clipped(share)

    def pull_p(g):
        g_share = -g[..., None] * (inside * label / q)
        return (g_share - (g_share * share).sum(axis=-1, keepdims=True)) / total

    return -(label * xp.log(q)).sum(axis=-1), (None, pull_p)


@op
@in_floats
def categorical_crossentropy_from_logits(label, logits):
    """`categorical_crossentropy` of p = softmax(logits).

    The gradient of the logits is p sum(label) - label. What the shares of infinite logits are,
    `softmax` says.
    """
    shifted, e, total = exponentials(logits)
    log_p, p = shifted - array_module(logits).log(total), e / total

    def pull_logits(g):
        return g[..., None] * (p * label.sum(axis=-1, keepdims=True) - label)

    return -(label * where_counted(label, log_p)).sum(axis=-1), (None, pull_logits)


@op
@in_floats(but="index")
def sparse_categorical_crossentropy(index, p):
    """-log(p[index] / sum(p)) along the last axis; the label is the index of the right class.

    index (...) or (..., 1) and p (..., classes) give (...).
    """
    return categorical_crossentropy.rule(one_hot(index, p), p)


@op
@in_floats(but="index")
def sparse_categorical_crossentropy_from_logits(index, logits):
    """`sparse_categorical_crossentropy` of p = softmax(logits).

    The gradient of the logits is p, less 1 at the index.
    """
    xp, hot = array_module(logits), one_hot(index, logits)
    shifted, e, total = exponentials(logits)
    y = xp.log(total[..., 0]) - (hot * where_counted(hot, shifted)).sum(axis=-1)
    return y, (None, lambda g: g[..., None] * (e / total - hot))


@op
@in_floats
def huber(label, prediction, *, delta=1.0):
    """Half the squared error up to `delta`, and straight on from there (Huber 1964).

    e**2 / 2 where |e| <= delta and delta (|e| - delta / 2) elsewhere, with e = prediction - label.
    """
    xp = array_module(prediction)
    error = prediction - label
    bounded = xp.clip(error, -delta, delta)
    return bounded * (error - 0.5 * bounded), (None, lambda g: g * bounded)


@op
@in_floats
def log_cosh(x):
    """log(cosh(x)): x**2 / 2 near 0, |x| - log(2) far out. Its slope is tanh(x)."""
    xp = array_module(x)
    far = xp.abs(x)
    near = xp.minimum(far, 1)
    # cosh(x) = 1 + 2 sinh(x / 2)**2: nothing is lost near 0, where log(cosh) is small
    y = xp.where(
        far < 1,
        xp.log1p(2 * xp.square(xp.sinh(0.5 * near))),
        far + xp.log1p(xp.exp(-2 * far)) - LOG_2,
    )
    return y, (lambda g: g * xp.tanh(x),)


@op
def labels_for(labels, predictions, *, output):
    """The labels of an output as they are, if there is a row of predictions for each.

    If there is not, broadcasting might compare one row with all labels.
    """
    check_rows(output, len(predictions), len(labels))
    return labels, (None, None)


def check_rows(output: str, rows: int, samples: int) -> None:
    """An output must have a row for each sample."""
    if rows != samples:
        raise ValueError(
            f"output {output!r} has {rows} rows for a batch of {samples} samples: an op has joined "
            f"or split the samples, such as reshape or concatenate"
        )


@op(optional=("mask",))
@in_floats(but="mask")
def weighted_mean(losses, weights, mask, *, by_weight=False):
    """One number from the losses of all samples, sum(weight loss) / count; and this count.

    losses is (batch, ...). weights has one number per sample, NaN if the sample does not count;
    what a mask (None: no mask) says False of does not count either. ``by_weight`` divides by the
    sum of the weights instead. The mean of no samples is 0. An infinite loss of weight 0 counts as
    0. With the count, means of several batches can be put together.
    """
    xp = array_module(losses)
    scale, losses, count, total = what_counts(losses, weights, mask)
    divisor = xp.asarray(total if by_weight else count, losses.dtype)
    if on_gpu(divisor):
        scale = scale / xp.where(divisor == 0, 1, divisor)
    elif divisor:
        scale = scale / divisor
    mean, pull_losses = scaled_sum(losses, scale)
    return (mean, divisor), (pull_losses, None, None)


@op(optional=("mask",))
@in_floats(but="mask")
def weighted_sum(losses, weights, mask):
    """sum(weight loss) over all samples, as `weighted_mean` takes them; and how many count."""
    scale, losses, count, _ = what_counts(losses, weights, mask)
    total, pull_losses = scaled_sum(losses, scale)
    return (total, array_module(losses).asarray(count, losses.dtype)), (pull_losses, None, None)


def what_counts(losses: Array, weights: Array, mask: Array | None) -> tuple[Array, Array, Any, Any]:
    """A weight for each loss; the losses; how many count, and the sum of their weights.

    Where a loss does not count, both are 0.
    """
    xp = array_module(losses)
    scale = weights.reshape(weights.shape + (1,) * (losses.ndim - weights.ndim))
    if scale.shape != losses.shape:
        if not weighs(weights.shape, losses.shape):
            raise ValueError(
                f"losses of shape {losses.shape} for weights of shape {weights.shape}: there must "
                f"be one loss for each sample"
            )
        scale = xp.broadcast_to(scale, losses.shape)
    count, total = losses.size, scale.sum()
    if mask is not None or on_gpu(total) or total != total:  # NaN is not itself
        counts = scale == scale if mask is None else mask.astype(bool) & (scale == scale)
        scale, losses = xp.where(counts, scale, 0), xp.where(counts, losses, 0)
        count, total = counts.sum(), scale.sum()
    return scale, losses, count, total


def scaled_sum(losses: Array, scale: Array) -> tuple[Array, Callable[[Any], Array]]:
    """The sum of losses, each times its scale, and the pullback of the losses."""

    def pull_losses(gs):
        g = gs[0]
        return g.reshape(*g.shape, *[1] * losses.ndim) * scale

    return (scale * where_counted(scale, losses)).sum(), pull_losses


def weighs(weights: tuple[int | None, ...], losses: tuple[int | None, ...]) -> bool:
    """Do weights of one shape suit losses of another: one per sample, or per step?

    >>> weighs((4,), (4, 3)), weighs((4, 3), (4, 3)), weighs((4, 1), (4, 3)), weighs((3,), (4, 3))
    (True, True, True, False)
    """
    further = zip(weights[1:], losses[1:], strict=False)
    return (
        len(weights) <= len(losses)
        and weights[:1] == losses[: len(weights[:1])]
        and all(m in (n, 1) for m, n in further)
    )


def exponentials(logits: Array) -> tuple[Array, Array, Array]:
    """Logits below their largest, exp of them, and its sum: nothing can overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    e = array_module(logits).exp(shifted)
    return shifted, e, e.sum(axis=-1, keepdims=True)


def one_hot(index: Array, like: Array) -> Array:
    """Rows of zeros with a 1 at the index of the right class."""
    xp, count = array_module(like), like.shape[-1]
    if index.shape == (*like.shape[:-1], 1):
        index = index[..., 0]
    hot = (index[..., None] == xp.arange(count)).astype(like.dtype)
    # A row is empty, or there are more than a float can count.
    refuse_if(hot.sum() != index.size, lambda: refuse_other_labels(index, count))
    return hot


def refuse_other_labels(index: Array, count: int) -> None:
    """Labels must be whole numbers from 0 to count - 1."""
    xp = array_module(index)
    bad = (index < 0) | (index >= count) | (index != xp.floor(index))
    if bad.any():
        row = first_place(bad)
        raise ValueError(
            f"label {index[row]} in row {row[0]} is not one of the {count} classes 0 to {count - 1}"
        )
