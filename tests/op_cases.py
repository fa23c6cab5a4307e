"""What every op is tried on: for each op a list of (inputs, attributes)."""

import numpy as np


def numbers(*shape, offset=0.0):
    """Numbers between -2 and 2, all different and none of them 0 (nor the same with an offset)."""
    count = int(np.prod(shape))
    ladder = (np.arange(count) + 0.5 - (count // 2)) * (4 / max(count, 1)) + 0.01 + offset
    return np.random.default_rng(count).permutation(ladder).reshape(shape)


def positive(*shape):
    return 0.2 + np.abs(numbers(*shape))


def probabilities(*shape):
    return 0.5 + 0.2 * numbers(*shape)


def between_whole(*shape):
    """Numbers that are away from steps: none is near a whole number or a half."""
    x = 2 * numbers(*shape)
    return np.floor(x) + 0.25 + 0.1 * (x - np.floor(x))


def invertible(*shape):
    """Square matrices that stay invertible as whole numbers."""
    return 4 * np.eye(shape[-1]) - 0.1 * positive(*shape)


def apart(*shape):
    """Square matrices whose eigenvalues and singular values differ, of whole numbers, too."""
    return np.diag(2.0 * np.arange(1, shape[-1] + 1)) - 0.1 * positive(*shape)


def integers(high, *shape):
    return np.random.default_rng(1).integers(0, high, shape)


def coins(*shape):
    return integers(2, *shape) == 1


class SameDraws:
    """A generator whose every draw is the same: what dropout needs for a gradient check."""

    def __getattr__(self, distribution):
        return getattr(np.random.default_rng(0), distribution)


SHAPES = [(), (1,), (3,), (2, 3), (0, 4), (2, 0, 3), (2, 3, 4)]
PAIRS = [
    ((), ()),
    ((3,), ()),
    ((), (2, 3)),
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (1, 3)),
    ((1, 3), (2, 1)),
    ((2, 1, 4), (3, 1)),
    ((3, 1), (2, 1, 4)),
    ((1,), (2, 3)),
    ((0, 3), (3,)),
    ((1, 3), (0, 3)),
    ((0, 1), (0, 3)),
]
CASES = {}  # by op: a list of (inputs, attributes)


def case(name, *inputs, **attributes):
    CASES.setdefault(name, []).append((inputs, attributes))


BINARY = {
    "add": (numbers, numbers),
    "subtract": (numbers, numbers),
    "multiply": (numbers, numbers),
    "divide": (numbers, positive),
    "power": (positive, numbers),
    "maximum": (numbers, lambda *shape: numbers(*shape, offset=0.005)),
    "minimum": (numbers, lambda *shape: numbers(*shape, offset=0.005)),
    "mod": (numbers, lambda *shape: 1 + positive(*shape)),
    "floor_divide": (numbers, lambda *shape: 1 + positive(*shape)),
    "arctan2": (numbers, positive),
    "not_equal": (numbers, numbers),
    "equal": (numbers, numbers),
    "greater": (numbers, numbers),
    "greater_equal": (numbers, numbers),
    "less": (numbers, numbers),
    "less_equal": (numbers, numbers),
    "logical_and": (coins, coins),
    "logical_or": (coins, coins),
}
WITHOUT_SLOPE = {name for name in BINARY if "equal" in name or "logical" in name}
WITHOUT_SLOPE |= {"greater", "less", "logical_not", "causal_mask", "broadcast_mask"}
WITHOUT_SLOPE |= {"argmax", "argmin"}
# Floats, but no gradient comes back from them.
CONSTANT = {"sign", "floor", "ceil", "round", "floor_divide", "stop_gradient", "kept_state"}
for name, (draw_x, draw_y) in BINARY.items():
    for x_shape, y_shape in PAIRS:
        case(name, draw_x(*x_shape), draw_y(*y_shape))

UNARY = {
    "negative": numbers,
    "square": numbers,
    "sqrt": positive,
    "exp": numbers,
    "log": positive,
    "log2": positive,
    "log10": positive,
    "log1p": positive,
    "expm1": numbers,
    "sign": numbers,
    "floor": between_whole,
    "ceil": between_whole,
    "round": between_whole,
    "sin": numbers,
    "cos": numbers,
    "tan": lambda *shape: 0.5 * numbers(*shape),
    "arcsin": lambda *shape: 0.4 * numbers(*shape),
    "arccos": lambda *shape: 0.4 * numbers(*shape),
    "arctan": numbers,
    "sinh": numbers,
    "cosh": numbers,
    "arcsinh": numbers,
    "arccosh": lambda *shape: 1 + positive(*shape),
    "arctanh": lambda *shape: 0.4 * numbers(*shape),
    "absolute": numbers,
    "tanh": numbers,
    "sigmoid": numbers,
    "relu": numbers,
    "leaky_relu": numbers,
    "elu": numbers,
    "selu": numbers,
    "softplus": numbers,
    "softsign": numbers,
    "silu": numbers,
    "hard_sigmoid": lambda *shape: 2.5 * numbers(*shape),
    "erf": numbers,
    "gelu": numbers,
    "logical_not": coins,
}
for name, draw in UNARY.items():
    for shape in SHAPES:
        case(name, draw(*shape))
case("round", between_whole(2, 3) / 10, decimals=1)
case("leaky_relu", numbers(2, 3), negative_slope=0.01)
case("elu", numbers(2, 3), alpha=0.5)
for shape in [(1,), (3,), (2, 3), (0, 4), (2, 3, 4), (2, 1)]:
    case("softmax", numbers(*shape))
    case("log_softmax", numbers(*shape))
case("softmax", numbers(2, 3, 4), axis=1)
case("log_softmax", numbers(2, 3, 4), axis=1)
case("log_softmax", numbers(0, 4), axis=-1)

for condition, x, y in [
    ((2, 3), (2, 3), (2, 3)),
    ((2, 1), (3,), (2, 3)),
    ((3,), (2, 3), ()),
    ((2, 3), (), (1, 3)),
    ((), (2,), (2,)),
    ((0, 3), (3,), (0, 1)),
]:
    case("where", coins(*condition), numbers(*x), numbers(*y))
for x, y in [
    ((2, 3), (3, 4)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (3,)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((0, 3), (3, 4)),
    ((0, 2, 3), (3, 4)),
    ((1, 1), (1, 1)),
]:
    case("matmul", numbers(*x), numbers(*y))

for shape, axes in [
    ((), [None]),
    ((3,), [None, 0, -1]),
    ((2, 3), [None, 0, 1, -1, (0, 1)]),
    ((2, 3, 4), [None, 1, -1, (0, 2), (-1, 0), ()]),
    ((1, 3, 1), [None, 0, (0, 2)]),
    ((0, 3), [1, -1]),
]:
    for axis in axes:
        for keepdims in (False, True):
            for name in ("sum", "mean", "max", "min", "norm", "prod", "var", "std", "logsumexp"):
                case(name, numbers(*shape), axis=axis, keepdims=keepdims)
            if shape and not isinstance(axis, tuple):
                case("argmax", numbers(*shape), axis=axis, keepdims=keepdims)
                case("argmin", numbers(*shape), axis=axis, keepdims=keepdims)
for name in ("sum", "mean", "norm", "prod", "var", "std"):
    case(name, numbers(0, 3))
    case(name, numbers(0, 3), axis=0)
for name in ("var", "std"):
    case(name, numbers(4, 3), axis=0, ddof=1)
    case(name, numbers(2, 3, 4), axis=(0, -1), ddof=2)
case("prod", numbers(3, 4) * (np.arange(3)[:, None] <= np.arange(4)), axis=-1)  # 0, 1, 2 zeros
case("prod", numbers(3, 4) * (np.arange(4) > 0), axis=1, keepdims=True)
for shape, axis in [((3,), 0), ((2, 3), 0), ((2, 3), -1), ((2, 3, 4), 1), ((0, 3), 1), ((2, 0), 1)]:
    case("cumsum", numbers(*shape), axis=axis)
    case("cumprod", numbers(*shape), axis=axis)
    case("sort", numbers(*shape), axis=axis)
case("cumprod", numbers(3, 4) * (np.arange(3)[:, None] <= np.arange(4)), axis=-1)  # 0, 1, 2 zeros
for shape, new in [((3,), (2, 3)), ((2, 1), (2, 3)), ((), (2,)), ((1, 3), (0, 3)), ((2,), (2,))]:
    case("broadcast_to", numbers(*shape), shape=new)
for shape, new in [((2, 3), (3, 2)), ((2, 3), (-1,)), ((6,), (1, 2, 3)), ((), (1, 1)), ((1,), ())]:
    case("reshape", numbers(*shape), shape=new)
case("reshape", numbers(0, 6), shape=(-1, 2, 3))
case("identity", numbers(2, 3))
case("identity", numbers(0, 3))
case("stop_gradient", numbers(2, 3))
case("stop_gradient", numbers(0, 3))
for shape in [(3,), (2, 3), (2, 3, 4), (0, 3, 2), (1, 1, 1)]:
    case("flatten", numbers(*shape))
    case("transpose", numbers(*shape))
case("transpose", numbers())
case("transpose", numbers(2, 3, 4), axes=(1, 2, 0))
case("transpose", numbers(2, 3, 4), axes=(-1, 0, 1))
for index in [
    0,
    -1,
    (0, 1),
    slice(None, None, -1),
    slice(1, 1),
    (slice(None), None, 1),
    (..., 0),
    (..., slice(0, 2)),
    None,
    np.array([0, 2, 2, 0]),
    [1, 1],
    (slice(None), np.array([3, 3, 0])),
    (np.array([0, 0, 2]), np.array([1, 1, 3])),
    (np.array([[0], [2]]), slice(None, None, 2)),
    np.array([True, False, True]),
]:
    case("getitem", numbers(3, 4), index=index)
case("getitem", numbers(3), index=1)
case("getitem", numbers(0, 4), index=(slice(None), 1))
for shapes, axis in [
    ([(2, 3), (2, 1)], -1),
    ([(2, 3), (4, 3), (0, 3)], 0),
    ([(2, 3, 4), (2, 1, 4)], 1),
    ([(3,), (2,)], 0),
    ([(0, 3), (0, 2)], -1),
    ([(2, 2)], -1),
]:
    xs = [numbers(*shape) for shape in shapes]
    case("concatenate", *xs, axis=axis)

for shape in [(2, 3), (3,), (2, 4, 3), (0, 3), (0, 4, 3), (1, 3)]:
    case("dense", numbers(*shape), numbers(3, 2), numbers(2))
    case("dense", numbers(*shape), numbers(3, 2), None)
case("dense", numbers(2, 1), numbers(1, 1), numbers(1))
for shape in [(4,), (2, 3), (0, 3), (2, 3, 2), ()]:
    case("embedding", integers(5, *shape), numbers(5, 2))
case("embedding", np.full((2, 3), 4, "uint8"), numbers(5, 1))
case("embedding", integers(3, 4, 9), numbers(5, 2))  # each id many times
for x, y, axes in [
    ((2, 3), (2, 3), (1, 1)),
    ((2, 3, 4), (2, 3, 5), (1, 1)),
    ((2, 3, 4), (2, 4, 5), (2, 1)),
    ((2, 3, 4), (2, 4), (-1, -1)),
    ((2, 4), (2, 3, 4, 2), (1, 2)),
    ((0, 3, 4), (0, 4, 2), (2, 1)),
]:
    case("dot", numbers(*x), numbers(*y), axes=axes)

for subscripts, *shapes in [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("bij,bkj->bik", (2, 3, 4), (2, 2, 4)),
    ("...ij,...jk->...ik", (2, 3, 4), (4, 2)),
    ("...ij,...jk->...ik", (2, 1, 3, 4), (3, 4, 2)),
    ("ij,...j->...i", (3, 2), (4, 2)),
    ("i,j->ji", (2,), (3,)),
    ("i,i", (3,), (3,)),
    ("ij->i", (2, 3)),
    ("ij->", (2, 3)),
    ("ba", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("iij,jk->ki", (3, 3, 2), (2, 4)),
    ("ij,k->i", (2, 3), (4,)),
    ("a, ab, b ->", (2,), (2, 3), (3,)),
    ("bi,ij,bj->b", (2, 3), (3, 2), (2, 2)),
    ("bi,ij->bj", (0, 3), (3, 2)),
    ("...", (2, 3)),
]:
    case("einsum", *[numbers(*shape) for shape in shapes], subscripts=subscripts)
for shape in [(1, 1), (2, 2), (3, 3), (2, 3, 3), (0, 2, 2)]:
    case("inv", invertible(*shape))
    case("cholesky", invertible(*shape))
    case("eigh", apart(*shape))
    case("svd", apart(*shape))
    case("det", invertible(*shape))
for shape in [(3, 2), (2, 3), (2, 4, 2), (1, 3)]:
    case("svd", numbers(*shape))
for a, b in [
    ((3, 3), (3,)),
    ((3, 3), (3, 2)),
    ((2, 3, 3), (3,)),
    ((2, 3, 3), (2, 3, 4)),
    ((2, 3, 3), (3, 1)),
    ((2, 2), (3, 2, 1)),
    ((0, 2, 2), (0, 2, 1)),
]:
    case("solve", invertible(*a), numbers(*b))

for shape in [(3,), (2, 3), (0, 3), (2, 3, 1)]:
    labels, logits = coins(*shape).astype(float), numbers(*shape)
    case("binary_crossentropy", labels, probabilities(*shape))
    case("binary_crossentropy_from_logits", labels, logits)
    case("huber", numbers(*shape) * 0, numbers(*shape))
    case("huber", numbers(*shape) * 0, numbers(*shape), delta=0.3)
    case("log_cosh", 2 * numbers(*shape))
    case("probabilities", probabilities(*shape))
case("binary_crossentropy_from_logits", np.array([1.0, 0.0]), np.array([-40.0, 30.0]))
for shape in [(2, 3), (1, 4), (0, 3), (2, 3, 4)]:
    classes = integers(shape[-1], *shape[:-1])
    one_hot = np.eye(shape[-1])[classes]
    for form, draw in (("", probabilities), ("_from_logits", numbers)):
        case("categorical_crossentropy" + form, one_hot, draw(*shape))
        case("categorical_crossentropy" + form, 0.1 + 0.7 * one_hot, draw(*shape))
        case("sparse_categorical_crossentropy" + form, classes, draw(*shape))
        case("sparse_categorical_crossentropy" + form, classes[..., None], draw(*shape))
for shape in [(4,), (4, 3), (0,), (0, 3)]:
    weights = positive(shape[0])
    for by_weight in (False, True):
        case("weighted_mean", numbers(*shape), weights, None, by_weight=by_weight)
        case("weighted_mean", numbers(*shape), weights, coins(*shape), by_weight=by_weight)
    case("weighted_mean", numbers(*shape), np.ones(()), None)
    case("weighted_sum", numbers(*shape), weights, None)
    case("weighted_sum", numbers(*shape), weights, coins(*shape))
case("weighted_sum", numbers(4, 3), np.ones(()), None)
case("weighted_mean", numbers(4, 3), positive(4, 3), None)
case("weighted_mean", numbers(3), np.zeros(3), None, by_weight=True)
case("weighted_mean", numbers(3), np.ones(3), np.zeros(3, bool))

for shape in SHAPES:
    case("dropout", numbers(*shape), rate=0.4, generator=SameDraws(), training=True)
for rate in (0, 1):
    case("dropout", numbers(2, 3), rate=rate, generator=SameDraws(), training=True)
case("dropout", numbers(2, 3), rate=0.4, generator=SameDraws())
case("dropout", numbers(2, 3, 4), rate=0.4, generator=SameDraws(), shared_axes=(1,), training=True)
for training in (False, True):
    case("gaussian_noise", numbers(2, 3), stddev=0.5, generator=SameDraws(), training=training)


def lstm_case(batch=3, time=4, features=2, units=3, state=False, mask=None, **attributes):
    weights = [numbers(features, 4 * units), numbers(units, 4 * units), numbers(4 * units)]
    states = [numbers(batch, units), numbers(batch, units) / 2] if state else [None, None]
    case("lstm", numbers(batch, time, features), *weights, *states, mask, **attributes)


MASKS = {
    "right": np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool),
    "left": np.array([[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]], bool),
    "holes": np.array([[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool),
}
for go_backwards in (False, True):
    for state in (False, True):
        lstm_case(state=state, go_backwards=go_backwards)
        for mask in MASKS.values():
            lstm_case(state=state, mask=mask, go_backwards=go_backwards)
for training in (False, True):
    case("kept_state", numbers(3, 4, 2), numbers(3, 5), training=training)
case("kept_state", numbers(0, 4, 2), numbers(3, 5), training=True)
case("keep_state", numbers(3, 2), numbers(3, 5), numbers(3, 5), momentum=0.0)
DROPOUT = {"recurrent_dropout": 0.4, "generator": SameDraws(), "training": True}
for mask in (None, MASKS["holes"]):
    lstm_case(state=True, mask=mask, **DROPOUT)
lstm_case(recurrent_dropout=0.4, generator=SameDraws())
lstm_case(batch=1, time=1, features=1, units=1)
lstm_case(batch=0, state=True)
lstm_case(batch=0, mask=np.zeros((0, 4), bool))
lstm_case(time=0, state=True)


def rnn_case(
    name, gates, bias, batch=3, time=4, features=2, units=3, state=False, mask=None, **how
):
    weights = [numbers(features, gates * units), numbers(units, gates * units), numbers(*bias)]
    start = numbers(batch, units) / 2 if state else None
    case(name, numbers(batch, time, features), *weights, start, mask, **how)


RNNS = [
    ("gru", 3, (2, 9), {}),
    ("gru", 3, (9,), {"reset_after": False}),
    ("simple_rnn", 1, (3,), {}),
]
for name, gates, bias, how in RNNS:
    for go_backwards in (False, True):
        for state in (False, True):
            for mask in (None, *MASKS.values()):
                one = {"state": state, "mask": mask, "go_backwards": go_backwards}
                rnn_case(name, gates, bias, **one, **how)
    rnn_case(name, gates, bias, state=True, mask=MASKS["holes"], **how, **DROPOUT)
    rnn_case(name, gates, bias, batch=0, mask=np.zeros((0, 4), bool), **how)
    rnn_case(name, gates, bias, time=0, state=True, **how)

for x_shape, size, strides, padding, dilation, groups in [
    ((2, 5, 6, 4), (3, 3), (1, 1), "same", (1, 1), 1),
    ((2, 5, 6, 4), (3, 2), (2, 3), "valid", (1, 1), 2),
    ((2, 7, 6, 2), (3, 2), (1, 1), "same", (2, 3), 1),
    ((2, 5, 6, 4), (1, 1), (1, 1), "valid", (1, 1), 1),
    ((0, 5, 6, 4), (3, 2), (2, 1), "valid", (1, 1), 1),
    ((2, 9, 4), (3,), (2,), "causal", (1,), 1),
]:
    how = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    channels = x_shape[-1]
    kernel = numbers(*size, channels // groups, 6)
    for bias in (None, numbers(6)):
        case("convolution", numbers(*x_shape), kernel, bias, groups=groups, **how)
    each = numbers(*size, channels, 2)
    case("depthwise_convolution", numbers(*x_shape), each, numbers(2 * channels), **how)
    if padding != "causal":
        kernel = numbers(*size, 3, channels)
        case("transposed_convolution", numbers(*x_shape), kernel, numbers(3), **how)
for x_shape, size, strides, padding in [
    ((2, 6, 4, 3), (2, 2), (2, 2), "valid"),
    ((2, 5, 6, 1), (3, 2), (1, 2), "same"),
    ((2, 7, 3), (3,), (2,), "same"),
    ((0, 5, 6, 2), (3, 2), (2, 1), "valid"),
]:
    for name in ("max_pool", "average_pool"):
        case(name, numbers(*x_shape), pool_size=size, strides=strides, padding=padding)
for batch in (3, 0):
    case("masked_mean", numbers(batch, 4, 2), MASKS["holes"][:batch])

for shape in [(6, 3), (2, 3, 2, 3), (1, 3), (0, 3)]:
    for training in (False, True):
        for gamma, beta in ((None, None), (numbers(3), numbers(3))):
            statistics = numbers(3), positive(3)
            given = numbers(*shape), gamma, beta, *statistics, None
            case("batch_normalization", *given, training=training)
given = numbers(3, 4, 3), numbers(3), numbers(3), numbers(3), positive(3), MASKS["holes"]
case("batch_normalization", *given, training=True)
for samples in (2, 0):
    for axis, lengths in ((-1, (4,)), ((1, 2), (3, 4))):
        for gamma, beta in ((None, None), (numbers(*lengths), numbers(*lengths))):
            case("layer_normalization", numbers(samples, 3, 4), gamma, beta, axis=axis)
        case("rms_normalization", numbers(samples, 3, 4), numbers(*lengths), axis=axis)
    for shape, groups in (((6,), 2), ((3, 2, 4), 2), ((3, 4), 4)):
        for gamma, beta in ((None, None), (numbers(shape[-1]), numbers(shape[-1]))):
            case("group_normalization", numbers(samples, *shape), gamma, beta, groups=groups)

for batch in (2, 0):
    case("split_heads", numbers(batch, 3, 6), heads=2)
    case("join_heads", numbers(batch, 2, 3, 4))
    case("causal_mask", numbers(batch, 2, 3, 4))
    case("broadcast_mask", coins(batch, 1), numbers(batch, 3, 2))
    case("repeat", numbers(batch, 3, 2), times=2, axis=1)
    case("zero_pad", numbers(batch, 3, 2), widths=((0, 0), (1, 2), (0, 1)))
    case("steps_into_batch", numbers(batch, 3, 2))
    case("steps_out_of_batch", numbers(batch * 3, 2), numbers(batch, 3, 5))
