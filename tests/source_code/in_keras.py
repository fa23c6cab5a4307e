"""Networks as source for Keras, run on its PyTorch backend and compared."""

from contextlib import contextmanager

import keras
import numpy as np
import torch
from keras.src.backend.common import dtypes

from tinygrad_mo.source_code.to_keras import Writer
from written import as_weights, by_input, check, imported, ours, same


@contextmanager
def in_float64():
    """Keras computes much of float64 in float32 with PyTorch; in float64 every mistake shows."""
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    kept = dict(dtypes.BIT64_TO_BIT32_DTYPE)
    found = [x for x in vars(dtypes).values() if hasattr(x, "cache_clear")]  # and remembered
    try:
        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
        for lookup in found:
            lookup.cache_clear()
        yield
    finally:
        dtypes.BIT64_TO_BIT32_DTYPE.update(kept)
        for lookup in found:
            lookup.cache_clear()
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


@in_float64()
def there(model, x, path, rtol, training=False):
    """Write a model, and compare outputs, gradients, and what is frozen."""
    model.to_keras(path)
    net = imported(path).load()
    feed = by_input(model, x)
    expected, gradients = ours(model, feed, training)
    given = {name: torch.tensor(value) for name, value in feed.items()}
    for value in given.values():
        value.requires_grad_(value.is_floating_point())
    one, *others = given.values()
    found = net([one, *others] if others else one, training=training)
    found = found if isinstance(found, dict) else {model.output_names[0]: found}
    assert sorted(found) == sorted(model.output_names)
    check(model, feed, expected, gradients, found, given, rtol)
    right = as_weights(model, gradients, lambda model: Writer(model).arrays)
    assert {w.path for w in net.weights if "seed" not in w.path} == right.keys()
    for w in net.trainable_weights:
        g = w.value.grad
        same(np.zeros(w.shape) if g is None else g.numpy(), right[w.path], rtol, w.path)
    for w in net.non_trainable_weights:
        assert "seed" in w.path or "constant" in w.path or not right[w.path].any()
    return net
