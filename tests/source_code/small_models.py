"""A small model for each layer and its options, with data."""

from copy import deepcopy

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import layers as L

CASES = {}  # by name: what is computed of an Input, its shape, and the largest id, if it has ids


def case(name, shape, compute, ids=0):
    CASES[name] = compute, shape, ids


def masked(layer):
    """The layer behind an Embedding whose id 0 is padding."""
    return lambda x: deepcopy(layer)(L.Embedding(7, 3, mask_zero=True)(x))


def several(layer):
    """Each output of a call behind a Dense of its own, so that all have a name."""
    return lambda x: [L.Dense(2)(y) for y in deepcopy(layer)(x)]


ROW, STEPS, PICTURE = (6,), (5, 4), (7, 6, 4)
for name in sorted(L.activations.ACTIVATIONS):
    case(name, ROW, L.Activation(name))
case("relu_up_to", ROW, L.ReLU(max_value=0.5, negative_slope=0.1))
case("leaky", ROW, L.LeakyReLU(0.4))
case("elu_half", ROW, L.ELU(0.5))
case("softmax_over_steps", STEPS, L.Softmax(axis=1))
case("prelu", PICTURE, L.PReLU(alpha_initializer="ones", shared_axes=(1, 2)))
case("dense", STEPS, L.Dense(3, use_bias=False))
case("embedding", (5,), L.Embedding(7, 3), ids=7)
case("reshape", (2, 6), lambda x: L.Reshape((3, -1))(x))
case("flatten", PICTURE, lambda x: L.Dense(2)(L.Flatten()(x)))
case("permute", PICTURE, lambda x: L.Dense(2)(L.Permute((3, 1, 2))(x)))
case("repeat", ROW, L.RepeatVector(3))
for n, shape in ((1, STEPS), (2, PICTURE)):
    kinds = {kind: getattr(L, f"{kind}{n}D") for kind in ("Conv", "SeparableConv")}
    for kind, layer in kinds.items():
        case(f"{kind}{n}d", shape, layer(4, 3))
        case(f"{kind}{n}d_same", shape, layer(4, 2, padding="same", use_bias=False))
        case(f"{kind}{n}d_strides", shape, layer(4, 3, strides=2, padding="same"))
        case(f"{kind}{n}d_dilated", shape, layer(2, 2, dilation_rate=2, activation="tanh"))
    case(f"grouped{n}d", shape, kinds["Conv"](4, 3, groups=2))
    for kind in ("MaxPooling", "AveragePooling"):
        pool = getattr(L, f"{kind}{n}D")
        case(f"{kind}{n}d", shape, pool())
        case(f"{kind}{n}d_same", shape, pool(3, strides=2, padding="same"))
        case(f"{kind}{n}d_even", shape, pool(2, strides=1, padding="same"))
        case(f"Global{kind}{n}d", shape, getattr(L, f"Global{kind}{n}D")(keepdims=True))
    case(f"padding{n}d", shape, getattr(L, f"ZeroPadding{n}D")(2))
    case(f"cropping{n}d", shape, getattr(L, f"Cropping{n}D")())
    case(f"up{n}d", shape, getattr(L, f"UpSampling{n}D")(3))
    case(f"spatial{n}d", shape, getattr(L, f"SpatialDropout{n}D")(0.0))
case("causal", STEPS, L.Conv1D(3, 2, padding="causal", dilation_rate=2))
case("causal_separable", STEPS, L.SeparableConv1D(3, 2, padding="causal"))
case("depthwise", PICTURE, L.DepthwiseConv2D(3, padding="same", depth_multiplier=2))
case("transposed", PICTURE, L.Conv2DTranspose(3, 3, strides=2))
case("transposed_same", PICTURE, L.Conv2DTranspose(3, 3, strides=2, padding="same"))
case("transposed_far", PICTURE, L.Conv2DTranspose(3, (2, 4), strides=(3, 2), use_bias=False))
case("batch_norm", PICTURE, L.BatchNormalization(momentum=0.9, epsilon=0.01))
case("batch_norm_of_rows", ROW, L.BatchNormalization(scale=False))
case("batch_norm_of_padding", (5,), masked(L.BatchNormalization(center=False)), ids=7)
case("batch_norm_frozen", STEPS, L.BatchNormalization(trainable=False))
case("layer_norm", STEPS, L.LayerNormalization())
case("layer_norm_center", STEPS, L.LayerNormalization(scale=False))
case("layer_norm_wide", STEPS, L.LayerNormalization(axis=(1, 2), center=False, epsilon=0.1))
case("rms_norm", STEPS, L.RMSNormalization())
case("group_norm", PICTURE, L.GroupNormalization(2))
case("instance_norm", PICTURE, L.GroupNormalization(-1, center=False, scale=False))
for kind in (L.LSTM, L.GRU, L.SimpleRNN):
    own = kind.__name__
    case(own, STEPS, kind(3))
    case(f"{own}_steps", STEPS, kind(3, return_sequences=True, go_backwards=True))
    case(f"{own}_no_bias", STEPS, kind(3, use_bias=False, go_backwards=True))
    case(f"{own}_states", STEPS, several(kind(3, return_state=True, return_sequences=True)))
    case(f"{own}_masked", (5,), masked(kind(3, return_sequences=True)), ids=7)
    case(f"{own}_masked_back", (5,), masked(kind(3, go_backwards=True)), ids=7)
    for mode in ("concat", "sum", "mul", "ave"):
        both = L.Bidirectional(kind(2, return_sequences=mode != "sum"), merge_mode=mode)
        case(f"{own}_{mode}", STEPS, both)
case("both_ways_masked", (5,), masked(L.Bidirectional(L.LSTM(2, return_sequences=True))), ids=7)
case("masking", STEPS, lambda x: L.LSTM(3)(L.Masking()(x)))
case("mean_of_real", (5,), masked(L.GlobalAveragePooling1D()), ids=7)
case("each_step", (3, 7, 6, 4), L.TimeDistributed(L.Conv2D(2, 3)))
case("attention", STEPS, lambda x: L.Attention(use_scale=True)([x, x], use_causal_mask=True))
case("attention_masked", (5,), masked(lambda x: L.Attention()([x, x])), ids=7)
case("heads", STEPS, lambda x: L.MultiHeadAttention(2, 3, value_dim=2, output_shape=5)(x, x))
case("heads_masked", (5,), masked(lambda x: L.MultiHeadAttention(2, 3)(x, x)), ids=7)
case(
    "scores",
    STEPS,
    several(lambda x: L.MultiHeadAttention(2, 2)(x, x, return_attention_scores=True)),
)
case("dot", STEPS, lambda x: L.dot([x, L.Dense(4)(x)], axes=2, normalize=True))
case("minus", ROW, lambda x: L.subtract([x, L.Dense(6)(x)]))
case("mean", ROW, lambda x: L.average([x, x, L.Dense(6)(x)]))
case("dropout", ROW, L.Dropout(0.0))
case("noise", ROW, L.GaussianNoise(0.0))
case("ops", STEPS, lambda x: (2 * x - x[:, ::-1]) / (1 + abs(x).sum(axis=-1, keepdims=True)))
case("more_ops", STEPS, lambda x: tg.ops.where(x > 0, x**2, -x).mean(axis=1) @ np.ones((4, 2)))


def small(name):
    """The model of a case, and data for it."""
    tg.set_random_seed(0)
    compute, shape, ids = CASES[name]
    random = np.random.default_rng(len(name))
    x = tg.Input(shape, "int32" if ids else None, name="x")
    model = tg.Model(x, deepcopy(compute)(x))
    data = random.integers(0, ids, (4, *shape)) if ids else random.normal(size=(4, *shape))
    for w in model.weights:  # zeros and ones would hide what is mixed up
        w.assign(random.normal(size=w.shape) / 2 if w.trainable else random.uniform(1, 2, w.shape))
    return model, data
