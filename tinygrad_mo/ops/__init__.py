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
    matmul,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    sin,
    sqrt,
    square,
    subtract,
)
from .attention import causal_mask, join_heads, split_heads
from .conditions import (
    broadcast_mask,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    not_equal,
    where,
)
from .contract import OPS, Op, op, unbroadcast
from .convolution import convolution, depthwise_convolution, transposed_convolution
from .gelu import gelu
from .gru import gru
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
from .lstm import lstm
from .normalization import batch_normalization, layer_normalization
from .pooling import average_pool, masked_mean, max_pool
from .random import dropout, gaussian_noise
from .resizing import repeat, steps_into_batch, steps_out_of_batch, zero_pad
from .shaping import (
    concatenate,
    flatten,
    getitem,
    identity,
    max_,
    mean,
    norm,
    reshape,
    sum_,
    transpose,
)
from .simple_rnn import simple_rnn
from .sparse import SparseGradient, dense_gradient

__all__ = ["OPS", "Op", "SparseGradient", "dense_gradient", "op", "unbroadcast"]
__all__ += [name for name, value in globals().items() if isinstance(value, Op)]
