"""All operations. `contract` says what an op is; the other files hold one family each.

An op whose name is a word of Python has an underscore behind it in its file, as `sum_`; here it is
found without, too.
"""

from typing import Any

import numpy as np

from ..other_names import OTHER_NAMES
from . import inference as inference
from .activations import (
    elu,
    hard_sigmoid,
    leaky_relu,
    log_softmax,
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
    ceil,
    divide,
    exp,
    expm1,
    floor,
    floor_divide,
    log,
    log1p,
    log2,
    log10,
    matmul,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    power,
    round_,
    sign,
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
from .decompositions import cholesky, eigh, svd
from .gelu import erf, gelu
from .gru import gru
from .linalg import (
    det,
    einsum,
    inv,
    solve,
)
from .linear import dense, dot, embedding
from .losses import (
    binary_crossentropy,
    binary_crossentropy_from_logits,
    categorical_crossentropy,
    categorical_crossentropy_from_logits,
    huber,
    log_cosh,
    probabilities,
    sparse_categorical_crossentropy,
    sparse_categorical_crossentropy_from_logits,
    weighted_mean,
    weighted_sum,
)
from .lstm import lstm
from .normalization import (
    batch_normalization,
    group_normalization,
    layer_normalization,
    rms_normalization,
)
from .pooling import average_pool, masked_mean, max_pool
from .random import dropout, gaussian_noise
from .reductions import (
    argmax,
    argmin,
    cumprod,
    cumsum,
    logsumexp,
    max_,
    mean,
    min_,
    norm,
    prod,
    std,
    sum_,
    var,
)
from .resizing import repeat, steps_into_batch, steps_out_of_batch, zero_pad
from .shaping import (
    broadcast_to,
    concatenate,
    flatten,
    getitem,
    identity,
    reshape,
    sort,
    stop_gradient,
    transpose,
)
from .simple_rnn import simple_rnn
from .sparse import SparseGradient, dense_gradient
from .states import keep_state, kept_state
from .trigonometry import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cos,
    cosh,
    sin,
    sinh,
    tan,
)

__all__ = ["OPS", "Op", "SparseGradient", "dense_gradient", "op", "unbroadcast"]
__all__ += [name for name, value in globals().items() if isinstance(value, Op)]


def __getattr__(name: str) -> Any:
    """An op under its plain name; of what is none, NumPy's function may serve."""
    if isinstance(found := globals().get(f"{name}_"), Op):
        return found
    also = f": np.{name}(x) works on tensors, or says what does" * callable(getattr(np, name, None))
    also = f": {OTHER_NAMES['ops'][name]}" if name in OTHER_NAMES["ops"] else also
    raise AttributeError(f"module {__name__!r} has no op {name!r}{also}")
