"""All operations. `contract` says what an op is; the other files hold one family each."""

from .activations import (
    elu,
    hard_sigmoid,
    leaky_relu,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from .arithmetic import (
    absolute,
    add,
    cos,
    divide,
    exp,
    log,
    logical_and,
    matmul,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    sin,
    sqrt,
    square,
    subtract,
    where,
)
from .contract import OPS, Op, op, unbroadcast
from .linear import dense, dot, embedding
from .losses import (
    binary_crossentropy,
    binary_crossentropy_from_logits,
    categorical_crossentropy,
    categorical_crossentropy_from_logits,
    huber,
    sparse_categorical_crossentropy,
    sparse_categorical_crossentropy_from_logits,
    weighted_mean,
)
from .random import dropout
from .recurrent import lstm
from .shaping import concatenate, flatten, getitem, max_, mean, reshape, sum_, transpose

__all__ = ["OPS", "Op", "op", "unbroadcast"]
__all__ += [name for name, value in globals().items() if isinstance(value, Op)]
