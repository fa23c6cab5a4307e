"""`check_op` for the tests of all ops: what stays constant, and where there is nothing to check."""

import numpy as np
import pytest

from tinygrad_mo.check import GradientError, check_op

CONSTANTS = {  # by op: inputs that have no gradient although the value depends on them
    "binary_crossentropy": [0],  # labels
    "binary_crossentropy_from_logits": [0],
    "categorical_crossentropy": [0],
    "categorical_crossentropy_from_logits": [0],
    "huber": [0],
    "labels_for": [0],
    "weighted_mean": [1],  # weights of samples
    "weighted_sum": [1],
    "batch_normalization": [3, 4],  # moving averages
    "kept_state": [1],  # what earlier batches have left
    "keep_state": [1, 2],
    "stop_gradient": [0],
}


def check_gradients(op, *inputs, **options):
    """`check_op`; where the value stands still, as on an empty batch, all but slopes is checked."""
    attributes = {key: value for key, value in options.items() if key != "directions"}
    options["constants"] = CONSTANTS.get(op.name, [])
    if not any(is_float(x) for x in inputs):
        with pytest.raises(TypeError, match=f"^{op.name}: no input is float64"):
            check_op(op, *inputs, **options)
        return None
    if stands_still(op, inputs, attributes):
        with pytest.raises(GradientError, match=f"^{op.name}: nothing was checked"):
            check_op(op, *inputs, **options | {"directions": 1})
        return None
    return check_op(op, *inputs, **options)


def stands_still(op, inputs, attributes):
    """Does the value stay exactly as it is when all inputs move that may?"""
    random = np.random.default_rng(3)
    fixed = CONSTANTS.get(op.name, [])
    moved = [
        x if i in fixed or not is_float(x) else x + 1e-3 * random.uniform(0.5, 1, np.shape(x))
        for i, x in enumerate(inputs)
    ]
    pairs = zip(values(op, inputs, attributes), values(op, moved, attributes), strict=True)
    return not any(is_float(v) and (v != w).any() for v, w in pairs)


def values(op, inputs, attributes):
    y, _ = op.rule(*inputs, **attributes)
    return [np.asarray(v) for v in (y if isinstance(y, tuple) else (y,))]


def is_float(x):
    return x is not None and np.asarray(x).dtype.kind == "f"
