"""Reference values of attention layers -> layers_attention.npz (versions: common.py).

MultiHeadAttention: query (and value, key where given), mask (batch, query steps, value steps; True
= may look) or value_mask (batch, value steps), query_kernel (features, heads, key_dim), query_bias
(heads, key_dim), key_..., value_... and attention_output_kernel (heads, value_dim, features),
attention_output_bias; output, upstream; the gradient of each. key_bias gets the gradient 0 (up to
rounding): it adds the same number to all scores of a query. heads_scores also returns `scores`
(batch, heads, query steps, value steps).

Attention: query, value (and key), output, upstream, gradients; scale () with use_scale. Scores are
query . key WITHOUT division by sqrt(features). query_mask zeroes outputs, value_mask hides steps.
"""

import numpy as np

from common import Book, draw, generator, layer_case

BATCH, QUERY, VALUE, FEATURES = 2, 3, 4, 3
HEADS = {"class": "MultiHeadAttention", "num_heads": 2, "key_dim": 2}
DOT = {"class": "Attention"}
QUERY_MASK = np.array([[1, 1, 1], [1, 1, 0]], dtype=bool)
VALUE_MASK = np.array([[1, 1, 1, 0], [1, 0, 1, 1]], dtype=bool)
PAIR_MASK = np.array(
    [[[1, 0, 0], [1, 1, 0], [0, 1, 1]], [[1, 1, 1], [0, 0, 1], [1, 0, 1]]], dtype=bool
)


def query(rng):
    return {"query": draw(rng, BATCH, QUERY, FEATURES)}


def query_value(rng, features=FEATURES):
    return {**query(rng), "value": draw(rng, BATCH, VALUE, features)}


def query_value_key(rng):
    return {**query_value(rng), "key": draw(rng, BATCH, VALUE, FEATURES)}


def call_heads(layer, tensors, **keywords):
    value = tensors.get("value", tensors["query"])
    keywords |= {"attention_mask": tensors.get("mask"), "value_mask": tensors.get("value_mask")}
    return layer(tensors["query"], value, key=tensors.get("key"), **keywords)


def call_causal(layer, tensors):
    return call_heads(layer, tensors, use_causal_mask=True)


def call_scores(layer, tensors):
    return call_heads(layer, tensors, return_attention_scores=True)


def call_dot(layer, tensors):
    inputs = [tensors[name] for name in ("query", "value", "key") if name in tensors]
    masks = [tensors[name] for name in ("query_mask", "value_mask") if name in tensors]
    return layer(inputs, mask=masks) if masks else layer(inputs)


def call_dot_causal(layer, tensors):
    return layer([tensors["query"], tensors["query"]], use_causal_mask=True)


# case: (config, inputs, call, names of the outputs)
CASES = {
    "heads_self": (HEADS, query, call_heads, ("output",)),
    "heads_self_mask": (
        HEADS,
        lambda rng: {**query(rng), "mask": PAIR_MASK},
        call_heads,
        ("output",),
    ),
    "heads_self_causal": (HEADS, query, call_causal, ("output",)),
    "heads_cross": (
        HEADS | {"value_dim": 3},
        lambda rng: query_value(rng, 2),
        call_heads,
        ("output",),
    ),
    "heads_cross_value_mask": (
        HEADS,
        lambda rng: {**query_value_key(rng), "value_mask": VALUE_MASK},
        call_heads,
        ("output",),
    ),
    "heads_scores": (HEADS | {"use_bias": False}, query, call_scores, ("output", "scores")),
    "attention": (DOT, query_value, call_dot, ("output",)),
    "attention_scale": (DOT | {"use_scale": True}, query_value_key, call_dot, ("output",)),
    "attention_causal": (DOT, query, call_dot_causal, ("output",)),
    "attention_mask": (
        DOT,
        lambda rng: {**query_value(rng), "query_mask": QUERY_MASK, "value_mask": VALUE_MASK},
        call_dot,
        ("output",),
    ),
}


def main():
    book = Book("layers_attention.npz")
    for case, (config, make_inputs, call, outputs) in CASES.items():
        layer_case(book, case, config, make_inputs(generator(case + " inputs")), call, outputs)
    book.save()


if __name__ == "__main__":
    main()
