"""Attention: against Keras, under two losses, with all kinds of masks."""

import numpy as np
import pytest

import tinygrad_mo as tg
from layer_checks import agree_with_keras, check_losses, close, numbers, two_losses
from tinygrad_mo import layers, ops


def dot(layer, inputs, **options):
    tensors = [inputs[name] for name in ("query", "value", "key") if name in inputs]
    for tensor, name in zip(tensors, ("query_mask", "value_mask"), strict=False):
        tensor.mask = inputs.get(name)
    return layer(tensors if len(tensors) > 1 else tensors * 2, **options)


def dot_causal(layer, inputs):
    return dot(layer, inputs, use_causal_mask=True)


def heads(layer, inputs, **options):
    value = inputs.get("value", inputs["query"])
    value.mask = inputs.get("value_mask")
    return layer(
        inputs["query"], value, inputs.get("key"), attention_mask=inputs.get("mask"), **options
    )


def heads_causal(layer, inputs):
    return heads(layer, inputs, use_causal_mask=True)


def heads_scores(layer, inputs):
    return heads(layer, inputs, return_attention_scores=True)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "case, call, outputs",
    [
        ("attention", dot, ("output",)),
        ("attention_scale", dot, ("output",)),
        ("attention_mask", dot, ("output",)),
        ("attention_causal", dot_causal, ("output",)),
        ("heads_self", heads, ("output",)),
        ("heads_self_mask", heads, ("output",)),
        ("heads_self_causal", heads_causal, ("output",)),
        ("heads_cross", heads, ("output",)),
        ("heads_cross_value_mask", heads, ("output",)),
        ("heads_scores", heads_scores, ("output", "scores")),
    ],
)
def test_keras(case, call, outputs):
    agree_with_keras("attention", case, call, outputs)


def self_attention(x, **options):
    return layers.MultiHeadAttention(2, 3, **options)(x, x, use_causal_mask=True)


def cross_attention(x):
    half = layers.Dense(3)(x[:, :2])
    return layers.MultiHeadAttention(1, 2, value_dim=3, output_shape=4)(half, x)


TRUNKS = {
    "dot": lambda x: layers.Attention(use_scale=True)([x, layers.Dense(4)(x)]),
    "dot_dropout": lambda x: layers.Attention(dropout=0.4)([x, x, layers.Dense(4)(x)]),
    "heads": self_attention,
    "heads_plain": lambda x: self_attention(x, use_bias=False, dropout=0.3),
    "cross": cross_attention,
}


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("trunk", TRUNKS.values(), ids=TRUNKS)
def test_two_losses(trunk):
    check_losses(*two_losses(trunk, 3, 4))


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("trunk", TRUNKS.values(), ids=TRUNKS)
def test_two_losses_with_padding(trunk):
    ids = np.array([[1, 2, 0], [3, 0, 0], [1, 1, 2]])
    words = layers.Embedding(4, 4, mask_zero=True)
    check_losses(*two_losses(lambda x: trunk(words(x)), 3, dtype="int32", data=ids))


@pytest.mark.usefixtures("float64")
def test_hidden_steps_are_not_seen():
    x, y = numbers(1, 4, 3), numbers(1, 4, 3)
    y[:, :2] = x[:, :2]  # the same first two steps
    mask = np.array([[True, True, False, False]])
    layer = layers.MultiHeadAttention(2, 3)
    outputs = []
    for steps in (x, y):
        tensor = tg.Tensor(steps)
        tensor.mask = tg.Tensor(mask)
        outputs.append(layer(tensor, tensor).numpy()[:, :2])
    close(*outputs)
    for steps in (x, y):
        tensor = tg.Tensor(steps)
        outputs.append(layer(tensor, tensor, use_causal_mask=True).numpy()[:, :2])
    close(*outputs[2:])


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("of", ["value", "key"])
@pytest.mark.parametrize("several_heads", [False, True])
def test_a_step_is_hidden_where_the_mask_of_its_key_or_of_its_value_says_so(of, several_heads):
    """As if this step were not there."""
    query, value, key = numbers(1, 2, 3), numbers(1, 4, 3), numbers(1, 4, 3)
    layer = layers.MultiHeadAttention(2, 3) if several_heads else layers.Attention()
    outputs = []
    for steps in ([0, 1, 3], [0, 1, 2, 3]):
        q, v, k = (tg.Tensor(x) for x in (query, value[:, steps], key[:, steps]))
        if len(steps) == 4:
            {"value": v, "key": k}[of].mask = tg.Tensor([[True, True, False, True]])
        outputs.append((layer(q, v, k) if several_heads else layer([q, v, k])).numpy())
    close(*outputs)


def test_all_hidden_is_no_nan():
    x = tg.Tensor(numbers(2, 3, 4))
    layer = layers.MultiHeadAttention(2, 3)
    y = layer(x, x, attention_mask=np.zeros((2, 3, 3), bool))
    assert np.isfinite(y.numpy()).all()
    assert all(np.isfinite(g).all() for g in tg.gradients(y.sum(), layer.weights))


@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5), (5, 3), (4,), (1, 2, 4, 3)])
def test_a_mask_of_another_shape_is_refused(shape):
    """There is one number for each query and key, of each sample or of all."""
    layer, mask = layers.MultiHeadAttention(2, 3), np.ones(shape, bool)
    for query, key in [
        (tg.Input((4, 2)), tg.Input((3, 2))),
        (tg.Tensor(numbers(3, 4, 2)), tg.Tensor(numbers(3, 3, 2))),
    ]:
        with pytest.raises(ValueError, match=r"attention_mask .* \(4, 3\) for all samples, not \("):
            layer(query, key, attention_mask=mask)
        for fits in [(4, 3), (1, 4, 3), (4, 1), (1, 3)]:
            layer(query, key, attention_mask=np.ones(fits, bool))


def test_weights_are_a_distribution():
    x = tg.Tensor(numbers(2, 3, 4))
    _, weights = layers.MultiHeadAttention(5, 2)(x, x, return_attention_scores=True)
    assert weights.shape == (2, 5, 3, 3)
    np.testing.assert_allclose(weights.numpy().sum(axis=-1), 1, rtol=1e-6)
    _, weights = layers.Attention()([x, x], return_attention_scores=True, use_causal_mask=True)
    assert (np.triu(weights.numpy(), 1) == 0).all()


def test_counts_lengths_and_masks():
    query, value = tg.Input((None, 6)), tg.Input((None, 5))
    layer = layers.MultiHeadAttention(4, 3, value_dim=2)
    y = layer(query, value)
    assert y.shape == (None, None, 6)
    assert layer.count_params() == 12 * 6 + 12 + 12 * 5 + 12 + 8 * 5 + 8 + 8 * 6 + 6
    words = layers.Embedding(9, 6, mask_zero=True)(tg.Input((7,), "int32"))
    assert layer(words, value).mask is words.mask
    assert layers.Attention()([words, query]).mask is words.mask


def test_causal_mask():
    mask, back = ops.causal_mask(np.zeros((2, 3, 4)))
    assert mask.tolist() == [[c <= r for c in range(4)] for r in range(3)]
    assert back == (None,)


def test_what_is_padded_is_0_to_the_layer():
    """Queries, too: whatever stands there, the values are those of 0."""
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    real = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
    layer = layers.MultiHeadAttention(2, 3)
    padded, zeros = tg.Tensor(x), tg.Tensor(np.where(real[..., None], x, 0))
    padded.mask = tg.Tensor(real)
    right = layer(zeros, zeros, attention_mask=np.repeat(real[:, None], 4, axis=1))
    np.testing.assert_allclose(layer(padded, padded).numpy(), right.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    "wire, message",
    [
        (lambda x: layers.Attention()(x), r"takes a list \[query, value\]"),
        (lambda x: layers.MultiHeadAttention(2, 3)(x), r"self-attention is layer\(x, x\)"),
        (lambda x: layers.MultiHeadAttention(0, 3), "num_heads must be a whole number, 1 or more"),
        (lambda x: layers.Attention(dropout=2), "dropout must lie between 0 and 1, not 2"),
        (
            lambda x: layers.Attention()([x, tg.Input((5, 3))]),
            "queries and keys must have one width: .*6.* and .*3",
        ),
    ],
)
def test_errors(wire, message):
    with pytest.raises(ValueError, match=message):
        wire(tg.Input((4, 6)))
