"""The same here and there: what is computed on NumPy's arrays, and on those of a GPU."""

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.device import to_numpy
from tinygrad_mo.ops import OPS, dense_gradient
from zoo import ZOO


def of_op(name, inputs, attributes, dtype, send):
    """The values and gradients of an op here and there, in pairs; `send` takes an array there."""
    op, host = OPS[name], [typed(x, dtype) for x in inputs]
    there = [x if x is None or np.isscalar(x) else send(x) for x in host]
    with np.errstate(all="ignore"):
        with tg.use("numpy", kernels=False):
            y, back = op.rule(*host, **attributes)
            g = cotangents(y)
            expected = [*as_tuple(y), *pulled(back, g)]
        y, back = op.rule(*there, **attributes)
        g = tuple(map(send, g)) if isinstance(g, tuple) else send(g)
        found = [*as_tuple(y), *pulled(back, g)]
    return [(as_host(a), as_host(b)) for a, b in zip(expected, found, strict=True)]


def typed(x, dtype):
    return x.astype(dtype) if getattr(x, "dtype", np.dtype(int)).kind == "f" else x


def as_tuple(y):
    return y if isinstance(y, tuple) else (y,)


def as_host(x):
    return None if x is None else to_numpy(dense_gradient(x))


def cotangents(y):
    """Two rows of them."""
    random = np.random.default_rng(0)
    types = [v.dtype if v.dtype.kind == "f" else np.float64 for v in as_tuple(y)]
    pairs = zip(as_tuple(y), types, strict=True)
    made = tuple(random.standard_normal((2, *v.shape)).astype(t) for v, t in pairs)
    return made if isinstance(y, tuple) else made[0]


def pulled(back, g):
    return list(back(g)) if callable(back) else [pull and pull(g) for pull in back]


def of_model(name):
    """What a model of the zoo says of itself, and its weights, after training."""
    tg.set_random_seed(0)
    model, x, y = ZOO[name]()
    history = model.fit(x, y, epochs=2, batch_size=4, verbose=0).history
    told = [*model.evaluate(x, y, return_dict=True).values(), *history["loss"]]
    answers = model.predict(x)
    answers = list(answers.values()) if isinstance(answers, dict) else answers
    flow = model.gradient_flow(x, y)
    lengths = [flow.norm(loss, w) for w in flow.parameters for loss in flow.losses]
    return [*map(np.asarray, [told, lengths, *answers]), *model.get_weights()]


def run_system(system, samples=8):
    """Train a small system a little, and look at it."""
    model, some = system.make(), system.task().some(samples)
    model.fit(*some, epochs=1, batch_size=samples // 2, verbose=0)
    model.gradient_flow(*some)
    model.evaluate(*some)
    model.predict(some[0])


def gap(a, b):
    """How far b is from a, relative to a; infinity where they do not fit, or one is NaN alone."""
    if a is None or b is None:
        return 0.0 if a is b else np.inf
    if a.shape != b.shape or a.dtype != b.dtype or not np.array_equal(ways(a), ways(b)):
        return np.inf
    a, b = (np.where(np.isfinite(x), x, 0).astype(float) for x in (a, b))
    return float(np.linalg.norm(b - a) / max(np.linalg.norm(a), 1e-6)) if a.size else 0.0


def ways(x):
    """What is not finite, and how: 1 and -1 for infinity, 2 for NaN."""
    x = np.asarray(x, float)
    return np.where(np.isnan(x), 2, np.where(np.isinf(x), np.sign(x), 0))
