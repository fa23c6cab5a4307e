"""What every kernel is tried on, and how its twin is compared with the rule.

As a program it does so under the sanitizer of g++ (see `sanitized`): every place that a kernel
reads or writes must be in an array.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import raw_module

import tinygrad_mo as tg
from tinygrad_mo.compiled.cuda import launching
from tinygrad_mo.ops import OPS, dense_gradient

ALLOWED = 2e-6  # relative to the largest number of an array
DRAWN = {}  # by op, a list of (inputs, attributes) in float32
LARGE = {}  # those that take long


def drawn(name, *inputs, to=DRAWN, **attributes):
    to.setdefault(name, []).append((inputs, attributes))


def floats(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype("float32")


def coins(*shape):
    return np.random.default_rng(sum(shape)).random(shape) < 0.6


RECURRENT = [  # batch, time, features, units, and whether states, mask and reversed order
    (3, 7, 5, 3, True, True, False),
    (2, 6, 3, 33, False, True, True),
    (3, 5, 4, 8, True, False, True),
    (1, 1, 1, 1, False, False, False),
    (2, 3, 4, 130, True, True, True),  # more weights than a thread keeps
    (2, 3, 7, 256, False, False, False),
]
for batch, time, features, units, states, mask, go_backwards in RECURRENT:
    for name, gates, bias in (("lstm", 4, ()), ("gru", 3, (2,))):
        weights = (
            floats(features, gates * units) / features**0.5,
            floats(units, gates * units) / units**0.5,
            floats(*bias, gates * units),
        )
        start = [floats(batch, units) if states else None] * (2 if name == "lstm" else 1)
        real = coins(batch, time) if mask else None
        x = floats(batch, time, features)
        to = DRAWN if units < 100 else LARGE
        drawn(name, x, *weights, *start, real, go_backwards=go_backwards, to=to)


def twin(name):
    return OPS[name].compiled["cuda"]


drawn("embedding", np.random.default_rng(0).integers(0, 5, (7, 9)).astype("int32"), floats(6, 40))
drawn("embedding", np.array([3, 0, 3, 3], "uint8"), floats(4, 1))
many = np.random.default_rng(1).integers(0, 30, 600).astype("int32")
drawn("embedding", np.where(many < 10, 0, many), floats(50, 3))  # id 0 as padding

for shape in [(3, 5), (2, 3, 33), (4,), (1, 300), (70, 2), (9, 1)]:
    logits, index = 3 * floats(*shape), np.arange(np.prod(shape[:-1], dtype=int)) % shape[-1]
    index = index.reshape(shape[:-1])
    drawn("softmax", logits)
    of_all = np.abs(floats(*shape)) + 0.1
    drawn("categorical_crossentropy_from_logits", of_all / of_all.sum(-1, keepdims=True), logits)
    drawn("sparse_categorical_crossentropy_from_logits", index, logits)
    shares = 0.05 + 0.9 * np.random.default_rng(1).random(shape).astype("float32")
    drawn("binary_crossentropy", coins(*shape).astype("float32"), shares)
    drawn("binary_crossentropy_from_logits", coins(*shape), logits)
for by_weight in (False, True):
    for shape, weights in [((4,), (4,)), ((4, 300), (4, 1)), ((5, 3), (5, 3)), ((4, 2), ())]:
        for mask in (coins(*shape), None):
            given = np.asarray(np.abs(floats(*weights)) + np.float32(0.1))
            drawn("weighted_mean", floats(*shape), given, mask, by_weight=by_weight)

for shape in [(6, 3), (2, 3, 2, 35), (300, 2), (1, 1)]:
    for of_all in ((None, None), (floats(shape[-1]), floats(shape[-1]))):
        x, moving = 5 + 2 * floats(*shape), floats(2, shape[-1])
        options = {"training": True, "epsilon": 0.01}
        drawn("batch_normalization", x, *of_all, *moving, None, **options)
        drawn("layer_normalization", x, *of_all, epsilon=0.01)
drawn("layer_normalization", floats(3, 4, 5), floats(4, 5), floats(4, 5), axis=(1, 2))

for name in ("max_pool", "average_pool"):
    for shape, size, strides in [
        ((2, 6, 4, 3), (2, 2), (2, 2)),
        ((2, 5, 6, 1), (3, 2), (1, 2)),
        ((2, 7, 5, 9), (3, 3), (2, 2)),
        ((3, 9, 2), (4,), (3,)),
        ((1, 5, 5, 2), (1, 2), (3, 3)),  # some are in no window
    ]:
        for padding in ("same", "valid"):
            how = {"pool_size": size, "strides": strides, "padding": padding}
            drawn(name, floats(*shape).round(1), **how)  # rounded, so that some are equal

for shape, size, strides, padding, dilation in [
    ((2, 5, 6, 4), (3, 3), (1, 1), "same", (1, 1)),
    ((3, 7, 5, 3), (3, 2), (2, 3), "valid", (1, 1)),
    ((2, 7, 6, 2), (3, 2), (1, 1), "same", (2, 3)),
    ((2, 9, 35), (3,), (2,), "causal", (1,)),
    ((1, 8, 3), (4,), (3,), "same", (1,)),
]:
    how = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    for bias in (True, False):
        given = floats(*size, shape[-1], 5) / 3, floats(5) if bias else None
        drawn("convolution", floats(*shape), *given, **how)
        given = floats(*size, shape[-1], 2), floats(2 * shape[-1]) if bias else None
        drawn("depthwise_convolution", floats(*shape), *given, **how)
        given = floats(*size, 5, shape[-1]) / 3, floats(5) if bias else None
        if padding != "causal":
            drawn("transposed_convolution", floats(*shape), *given, **how)

ACTIVATIONS = ["relu", "selu", "tanh", "sigmoid", "silu", "softplus", "softsign", "hard_sigmoid"]
for shape in [(3, 7), (300,), (2, 3, 4)]:
    for name in ACTIVATIONS:
        drawn(name, 3 * floats(*shape))
    for number in (0.01, 0.3):
        drawn("leaky_relu", floats(*shape), negative_slope=number)
        drawn("elu", 3 * floats(*shape), alpha=100 * number)
for shape, units in [((5, 3), 2), ((2, 40, 33), 70), ((3, 300), 40)]:
    weights = floats(shape[-1], units) / shape[-1] ** 0.5
    drawn("dense", floats(*shape), weights, floats(units))
    drawn("dense", floats(*shape), weights, None)
for one, other in [((4, 3), (3, 5)), ((2, 4, 70), (2, 70, 5)), ((2, 3, 4, 5), (5, 6))]:
    drawn("matmul", floats(*one), floats(*other) / one[-1] ** 0.5)
drawn("concatenate", floats(2, 3, 4), floats(2, 1, 4), floats(2, 2, 4), axis=1)
drawn("concatenate", floats(5, 2), floats(5, 3))

TEXT_OF = launching.text_of


def as_tuple(y):
    return y if isinstance(y, tuple) else (y,)


def in_type(x, dtype):
    return x.astype(dtype) if getattr(x, "dtype", np.dtype(int)).kind == "f" else x


def cotangents(y, rows):
    random = np.random.default_rng(rows)
    return tuple(random.standard_normal((rows, *v.shape)).astype("float32") for v in as_tuple(y))


def pulled(y, back, gs):
    """All gradients, dense, for a tuple of cotangents."""
    given = gs if isinstance(y, tuple) else gs[0]
    found = back(given) if callable(back) else [pull and pull(given) for pull in back]
    return [g if g is None else dense_gradient(g) for g in found]


def by_rule(name, inputs, attributes, gs=None, rows=2):
    """Values and gradients in double precision, and the cotangents."""
    with tg.use("numpy", kernels=False):
        y, back = OPS[name].rule(*(in_type(x, "float64") for x in inputs), **attributes)
        gs = gs or cotangents(y, rows)
        return [*as_tuple(y), *pulled(y, back, [g.astype("float64") for g in gs])], gs


def by_twin(cupy, name, inputs, attributes, gs):
    """Values and gradients of the twin, as arrays of NumPy; None where it declines."""
    send = lambda x: x if x is None or np.isscalar(x) else cupy.asarray(in_type(x, "float32"))
    with np.errstate(all="ignore"):  # a GPU does not warn
        found = twin(name)(*map(send, inputs), **attributes)
        if found is NotImplemented:
            return None
        y, back = found
        arrays = [*as_tuple(y), *pulled(y, back, [*map(send, gs)])]
        return [x if x is None else x.get() for x in arrays]


def largest_gap(found, right):
    """How far values and gradients are off, relative to the largest number of each array."""
    gaps = [0.0]
    for one, other in zip(found, right, strict=True):
        assert (one is None) == (other is None)
        if one is not None and one.size:
            assert one.shape == other.shape and one.dtype == np.float32
            gap = np.abs(one - other).max() / max(np.abs(other).max(), 1e-30)
            gaps.append(float(np.nan_to_num(gap, nan=np.inf)))
    return max(gaps)


def largest_gap_of(cupy, name, cases=None):
    """The same, of all that an op is tried on, in all orders of threads and blocks."""
    gaps = [0.0]
    for inputs, attributes in DRAWN[name] if cases is None else cases:
        right, gs = by_rule(name, inputs, attributes)
        for order in raw_module.ORDERS:
            raw_module.order = order
            found = by_twin(cupy, name, inputs, attributes, gs)
            assert found is not None, "the twin declined"
            gaps.append(largest_gap(found, right))
    raw_module.order = raw_module.ORDERS[0]
    return max(gaps)


def plant(old, new):
    """From now on, other words stand in the texts of the kernels; undone by `forget`."""

    def with_fault(file):
        text = TEXT_OF(file)
        return text.replace(old, new)

    forget()
    assert any(old in TEXT_OF(file) for file in launching.folder().glob("*.cu")), old
    launching.text_of = with_fault


def forget():
    """What has been compiled so far, and what was planted, is not used again."""
    launching.text_of = TEXT_OF
    for remembered in (launching.kernels, launching.module, launching.compiled):
        remembered.cache_clear()


def sanitized(*arguments):
    """Run this file as a program under the sanitizer; what has become of it."""
    command = [raw_module.COMPILER, "-print-file-name=libasan.so"]
    library = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    environment = os.environ | {
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": "detect_leaks=0",
        "TINYGRAD_MO_SANITIZE": "address,undefined",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, str(Path(__file__)), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def main(names, *fault):
    """Compare the twins of these ops, with commas between; with a fault, if it is given."""
    import double

    sys.modules.update(double.MODULES)
    if fault:
        plant(*fault)
    with tg.use("cupy"):
        for name in names.split(","):
            assert largest_gap_of(double.cupy, name) <= ALLOWED, name
            assert fault or largest_gap_of(double.cupy, name, LARGE.get(name, [])) <= ALLOWED


if __name__ == "__main__":
    main(*sys.argv[1:])
