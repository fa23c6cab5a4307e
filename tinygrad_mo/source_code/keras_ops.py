"""What ops are in `keras.ops`: expressions."""

from __future__ import annotations

from typing import Any

from ..engine.graph import Step
from ..ops.linear import dot_equation
from .expressions import COMMON, Express, inputs_of
from .text import SUM, Text, call, literal, pair

WEIGHT = '''\
class Weight(layers.Layer):
    """A weight that belongs to no layer; what it is called on does not matter."""

    def __init__(self, shape, **options):
        super().__init__(**options)
        self.value = self.add_weight(shape=shape, initializer="ones", name="value")

    def call(self, x):
        return ops.convert_to_tensor(self.value)'''

MEAN_INSIDE = '''\
def mean_inside(pool, x, pads):
    """An average pooling of padded data, in which the padding does not count."""
    return pool(ops.pad(x, pads)) / pool(ops.pad(ops.ones_like(x), pads))'''

HELPERS = {"Weight": WEIGHT, "mean_inside": MEAN_INSIDE}

SAME_NAME = """
absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin ceil cholesky cos
cosh cumprod cumsum det elu erf exp expm1 floor hard_sigmoid inv leaky_relu log log10 log1p log2
log_softmax logical_and logical_not logical_or logsumexp max maximum mean min minimum mod norm
power prod relu reshape round selu sigmoid sign silu sin sinh softmax softplus softsign solve
sort sqrt std sum tan tanh transpose var where
"""
AUTO = {
    "divide": "true_divide",
    "getitem": "get_item",
    "dense": "matmul",
    "embedding": "take",
    "flatten": "reshape",
    "zero_pad": "pad",
}
AUTO |= {"split_heads": "swapaxes", "square": "multiply"}


def auto_name(op: str) -> str:
    """The name that Keras gives an op, which no layer can have then."""
    return AUTO.get(op, op)


def same_name(body: Any, step: Step, xs: Any) -> Text:
    """An op that has the name and the attributes that it has here."""
    options: dict[str, Any] = dict(step.attributes)
    name = {"inv": "linalg.inv", "det": "linalg.det"}.get(step.op.name, step.op.name)
    if options.pop("ddof", 0) or options.pop("decimals", 0):
        raise body.refuse(step, "ddof and decimals are not written")
    if step.op.name in ("cumsum", "cumprod"):
        options.setdefault("axis", -1)
    options = {n: tuple(v) if isinstance(v, list) else v for n, v in options.items()}
    if not options.get("keepdims", True):
        del options["keepdims"]
    return call(f"ops.{name}", *xs, **options)


def dense(body: Any, step: Step, xs: Any) -> Text:
    y = call("ops.matmul", xs[0], xs[1])
    return y if step.inputs[2] is None else pair(y, "+", xs[2], SUM)


def concatenate(body: Any, step: Step, xs: Any) -> Text:
    return call("ops.concatenate", literal(list(xs)), axis=step.attributes.get("axis", -1))


def dot(body: Any, step: Step, xs: Any) -> Text:
    x, y = inputs_of(step)
    equation = dot_equation(x.ndim, y.ndim, step.attributes["axes"])
    z = call("ops.einsum", literal(equation), *xs)
    return call("ops.expand_dims", z, axis=1) if equation.endswith(">a") else z


def flatten(body: Any, step: Step, xs: Any) -> Text:
    width = step.outputs[0][0][-1]
    return call("ops.reshape", xs[0], literal((-1, width)))


def split_heads(body: Any, step: Step, xs: Any) -> Text:
    _, time, width = inputs_of(step)[0].shape
    heads = step.attributes["heads"]
    y = call("ops.reshape", xs[0], literal((-1, time, heads, width // heads)))
    return call("ops.swapaxes", y, 1, 2)


def repeat(body: Any, step: Step, xs: Any) -> Text:
    return call("ops.repeat", xs[0], step.attributes["times"], axis=step.attributes["axis"])


def dropout(body: Any, step: Step, xs: Any) -> Text:
    shared = step.attributes.get("shared_axes", ())
    ndim = inputs_of(step)[0].ndim
    shape = [1 if i in shared else None for i in range(ndim)] if shared else None
    layer = call("layers.Dropout", step.attributes["rate"], noise_shape=shape and tuple(shape))
    return call(layer, xs[0])


def norm(body: Any, step: Step, xs: Any) -> Text:
    options = {n: tuple(v) if isinstance(v, list) else v for n, v in step.attributes.items()}
    return call("ops.norm", xs[0], **options)


OPS: dict[str, Express] = {
    **dict.fromkeys(SAME_NAME.split(), same_name),
    **COMMON,
    "broadcast_to": lambda body, step, xs: call(
        "ops.broadcast_to", xs[0], literal(tuple(step.attributes["shape"]))
    ),
    "concatenate": concatenate,
    "dense": dense,
    "dot": dot,
    "dropout": dropout,
    "einsum": lambda body, step, xs: call(
        "ops.einsum", literal(step.attributes["subscripts"]), *xs
    ),
    "embedding": lambda body, step, xs: call("ops.take", xs[1], xs[0], axis=0),
    "flatten": flatten,
    "gaussian_noise": lambda body, step, xs: call(
        call("layers.GaussianNoise", step.attributes["stddev"]), xs[0]
    ),
    "gelu": lambda body, step, xs: call("ops.gelu", xs[0], approximate=False),
    "norm": norm,
    "repeat": repeat,
    "split_heads": split_heads,
    "stop_gradient": lambda body, step, xs: call("ops.stop_gradient", xs[0]),
    "zero_pad": lambda body, step, xs: call(
        "ops.pad", xs[0], literal(tuple(map(tuple, step.attributes["widths"])))
    ),
}
