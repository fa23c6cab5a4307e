"""Small compiled models, each with data, in which every kind of layer occurs at least once."""

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import layers

ZOO = {}  # by name: a function that returns (model, x, y)
SAMPLES = 4


def in_zoo(build):
    ZOO[build.__name__] = build
    return build


def numbers(*shape):
    return np.random.default_rng(sum(shape)).standard_normal((SAMPLES, *shape))


def labels(classes, *shape):
    return np.random.default_rng(classes).integers(0, classes, (SAMPLES, *shape))


def padded_ids(length=5, high=9):
    ids = labels(high - 1, length) + 1
    ids[np.arange(length) >= np.array([[length], [2], [1], [3]])] = 0
    return ids


def compiled(inputs, outputs, losses, weights, optimizer="sgd"):
    model = tg.Model(inputs, outputs)
    model.compile(optimizer, losses, loss_weights=weights)
    return model


def two_heads(optimizer="sgd", **options):
    """Two losses that share all but a head each, on `X`. Not in the zoo: there are others of it."""
    tg.set_random_seed(1)
    x = tg.Input((4,), name="x")
    h = layers.Dense(5, activation="tanh", name="trunk")(x)
    model = tg.Model(x, [layers.Dense(1, name="a")(h), layers.Dense(1, name="b")(h)])
    model.compile(optimizer, "mse", **options)
    return model


X = numbers(4)


@in_zoo
def headline(mask_zero=False, optimizer="sgd", weights=(1.0, 0.2)):
    """Titles and numbers in; a main and an auxiliary output."""
    ids, extra = tg.Input((5,), "int32", "main_input"), tg.Input((3,), name="aux_input")
    text = layers.LSTM(4, name="lstm")(layers.Embedding(9, 6, mask_zero, name="embedding")(ids))
    aux = layers.Dense(1, "sigmoid", name="aux_output")(text)
    x = layers.concatenate([text, extra])
    for _ in range(3):
        x = layers.Dense(7, "relu")(x)
    main = layers.Dense(1, "sigmoid", name="main_output")(x)
    losses = "binary_crossentropy"
    model = compiled([ids, extra], [main, aux], losses, list(weights), optimizer)
    return model, [padded_ids(), numbers(3)], [labels(2, 1), labels(2, 1)[::-1]]


@in_zoo
def masked_headline():
    return headline(mask_zero=True)


@in_zoo
def three_heads_at_three_depths():
    x = tg.Input((3,))
    heads = []
    h = x
    for depth, name in enumerate(["early", "middle", "late"]):
        h = layers.Dense(4, "tanh", name=f"trunk_{depth}", kernel_regularizer="l1_l2")(h)
        heads.append(layers.Dense(2, name=name)(h))
    model = compiled(x, heads, ["mse", "mae", "huber"], {"early": 0.5, "late": 3.0})
    return model, numbers(3), [numbers(2), numbers(2) + 1, numbers(2) * 2]


@in_zoo
def every_merge():
    a, b = tg.Input((4,), name="a"), tg.Input((4,), name="b")
    p, q = layers.Dense(4, "tanh")(a), layers.Dense(4, "sigmoid")(b)
    pairwise = [layers.add, layers.multiply, layers.average, layers.maximum, layers.minimum]
    joined = [merge([p, q]) for merge in pairwise]
    joined += [layers.subtract([p, q]), layers.dot([p, q], axes=1)]
    joined += [layers.dot([p, q], axes=1, normalize=True), layers.add([p, p, q])]
    outputs = [layers.Dense(1)(layers.concatenate(joined)), layers.Dense(3, "softmax")(joined[0])]
    losses = ["mse", "categorical_crossentropy"]
    return (
        compiled([a, b], outputs, losses, [1.0, 0.7]),
        [numbers(4), numbers(4) - 0.1],
        [numbers(1), np.eye(3)[labels(3)]],
    )


@in_zoo
def every_activation():
    x = tg.Input((4,))
    h = layers.Dense(6, name="trunk")(x)
    names = sorted(layers.activations.ACTIVATIONS)
    branches = [layers.Dense(2, name)(h) for name in names]
    own = [layers.ReLU(), layers.LeakyReLU(), layers.ELU(), layers.Softmax(), layers.PReLU()]
    branches += [layer(h) for layer in (*own, layers.Activation("tanh"))]
    joined = layers.concatenate(branches)
    heads = [layers.Dense(1, name="left")(joined), layers.Dense(1, "sigmoid", name="right")(joined)]
    model = compiled(x, heads, ["mse", "binary_crossentropy"], [0.5, 2.0])
    return model, numbers(4), [numbers(1), labels(2, 1)]


@in_zoo
def shapes_and_dropout():
    x = tg.Input((2, 6))
    h = layers.Dropout(0.4)(layers.Dense(6, use_bias=False)(x))
    flat = layers.Lambda(tg.ops.flatten)(layers.Reshape((3, -1))(h))
    heads = [layers.Dense(1)(flat), layers.Dense(2)(layers.Dropout(0.2)(flat))]
    model = compiled(x, heads, ["mse", "huber"], [1.0, 1.5])
    return model, numbers(2, 6), [numbers(1), numbers(2)]


@in_zoo
def every_lstm():
    x = tg.Input((None, 3))
    every, h, _ = layers.LSTM(4, return_sequences=True, return_state=True)(x)
    _, _, c = layers.LSTM(4, return_state=True)(every)
    back = layers.LSTM(4, go_backwards=True, return_sequences=True)(x)
    last = layers.LSTM(4, unit_forget_bias=False)(back, initial_state=(h, c))
    heads = [layers.Dense(1)(last), layers.Dense(2)(every), layers.Dense(1)(c)]
    model = compiled(x, heads, ["mse", "mse", "mae"], [1.0, 0.3, 2.0])
    return model, numbers(5, 3), [numbers(1), numbers(5, 2), numbers(1)]


@in_zoo
def masked_lstms():
    ids = tg.Input((5,), "int32")
    words = layers.Embedding(9, 4, mask_zero=True)(ids)
    every = layers.LSTM(3, return_sequences=True, go_backwards=True)(words)
    tags = layers.Dense(2, "softmax", name="tags")(layers.LSTM(3, return_sequences=True)(words))
    last = layers.LSTM(3)(layers.concatenate([every, every]))
    model = compiled(
        ids,
        [tags, layers.Dense(1, name="last")(last)],
        ["sparse_categorical_crossentropy", "mse"],
        [0.4, 1.2],
    )
    return model, padded_ids(), [labels(2, 5), numbers(1)]


@in_zoo
def masked_numbers():
    """Padding in numbers: the last steps are zeros."""
    x = tg.Input((5, 3))
    every = layers.LSTM(3, return_sequences=True)(layers.Masking()(x))
    heads = [
        layers.Dense(2, name="every")(every),
        layers.Dense(1, name="last")(layers.GRU(2)(every)),
    ]
    padded = numbers(5, 3) * (padded_ids() > 0)[..., None]
    return compiled(x, heads, "mse", [1.0, 0.5]), padded, [numbers(5, 2), numbers(1)]


@in_zoo
def signals():
    """Everything that works along one axis of space or time."""
    x = tg.Input((8, 3))
    h = layers.Conv1D(4, 3, padding="same", activation="tanh")(x)
    h = layers.BatchNormalization()(layers.GaussianNoise(0.1)(h))
    h = layers.SpatialDropout1D(0.3)(layers.SeparableConv1D(4, 3, padding="causal")(h))
    pooled = [layers.MaxPooling1D(2)(h), layers.AveragePooling1D(3, strides=2, padding="same")(h)]
    h = layers.ZeroPadding1D(1)(layers.UpSampling1D(2)(layers.add(pooled)))
    h = layers.LayerNormalization()(layers.Cropping1D((0, 1))(h))
    h = layers.RMSNormalization()(layers.GroupNormalization(2)(h))
    swapped = layers.Permute((2, 1))(h)
    ends = [layers.GlobalMaxPooling1D()(h), layers.GlobalAveragePooling1D()(swapped)]
    tags = layers.RepeatVector(2)(layers.Dense(3)(layers.concatenate(ends)))
    model = compiled(x, [layers.Dense(1)(ends[0]), tags], ["mse", "mae"], [1.0, 0.3])
    return model, numbers(8, 3), [numbers(1), numbers(2, 3)]


@in_zoo
def pictures():
    """Everything that works on pictures."""
    x = tg.Input((6, 6, 2))
    h = layers.Conv2D(4, 3, strides=2, padding="same", activation="tanh")(x)
    h = layers.SpatialDropout2D(0.3)(layers.BatchNormalization()(h))
    h = layers.DepthwiseConv2D(2, padding="same")(h)
    h = layers.add([layers.SeparableConv2D(4, 3, padding="same")(h), h])
    ends = [layers.GlobalMaxPooling2D()(h), layers.GlobalAveragePooling2D()(h)]
    h = layers.Conv2DTranspose(2, 3, strides=2)(layers.AveragePooling2D(2, strides=1)(h))
    h = layers.Cropping2D(1)(layers.ZeroPadding2D((0, 1))(h))
    h = layers.UpSampling2D(2)(layers.MaxPooling2D(2, padding="same")(h))
    heads = [layers.Dense(1)(layers.concatenate(ends)), layers.Dense(2)(layers.Flatten()(h))]
    return compiled(x, heads, "mse", [1.0, 2.0]), numbers(6, 6, 2), [numbers(1), numbers(2)]


@in_zoo
def every_kind_of_loss():
    """Shares, margins, counts and directions, of steps that may be padding; one loss is a sum."""
    ids = tg.Input((5,), "int32", "ids")
    trunk = layers.LSTM(3, return_sequences=True)(layers.Embedding(9, 4, mask_zero=True)(ids))
    last = layers.LSTM(3)(trunk)
    losses = {
        "shares": ["kl_divergence", "categorical_focal_crossentropy"],
        "sides": ["hinge", tg.losses.BinaryFocalCrossentropy(True, from_logits=True)],
        "counts": ["poisson", "msle"],
        "place": ["cosine_similarity", tg.losses.LogCosh(reduction="sum")],
        "kind": "categorical_hinge",
    }
    outputs = {
        "shares": layers.Dense(3, "softmax", name="shares")(trunk),
        "sides": layers.Dense(2, name="sides")(last),
        "counts": layers.Dense(1, "softplus", name="counts")(last),
        "place": layers.Dense(2, name="place")(trunk),
        "kind": layers.Dense(3, name="kind")(last),
    }
    model = compiled(ids, outputs, losses, dict.fromkeys(losses, 0.5) | {"place": 1.5})
    y = {"shares": np.eye(3)[labels(3, 5)], "sides": labels(2, 2), "counts": labels(4, 1)}
    return model, padded_ids(), y | {"place": numbers(5, 2), "kind": np.eye(3)[labels(3)]}


@in_zoo
def readers():
    """Everything that reads sequences, besides the LSTM alone."""
    x = tg.Input((5, 4))
    both = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(x)
    every = layers.GRU(4, return_sequences=True)(layers.TimeDistributed(layers.Dense(3))(both))
    seen = layers.Attention(use_scale=True)([every, x])
    heads = layers.MultiHeadAttention(2, 2)(seen, every)
    last = layers.SimpleRNN(3, dropout=0.2, recurrent_dropout=0.3, use_bias=False)(heads)
    outputs = [layers.Dense(1)(last), layers.Dense(2)(seen)]
    return compiled(x, outputs, "mse", [1.0, 0.5]), numbers(5, 4), [numbers(1), numbers(5, 2)]


@in_zoo
def shared_twins():
    """One reader for two texts (a shared embedding and LSTM), compared and classified."""
    a, b = tg.Input((5,), "int32", "a"), tg.Input((5,), "int32", "b")
    embedding, reader = layers.Embedding(9, 4), layers.LSTM(3)
    p, q = reader(embedding(a)), reader(embedding(b))
    head = layers.Dense(1, name="head")
    outputs = [layers.dot([p, q], axes=1), head(p), head(q)]
    model = compiled([a, b], outputs, "mse", [1.0, 0.5, 0.25])
    return model, [padded_ids(), padded_ids()[::-1]], [numbers(1), numbers(1), numbers(1) + 1]


def base_model():
    """A model of two outputs, to be used as a layer."""
    x = tg.Input((4,), name="x")
    h = layers.Dense(4, "tanh", name="inner")(x)
    return tg.Model(x, {"left": layers.Dense(3)(h), "right": layers.Dense(4)(h)}, name="base")


@in_zoo
def nested_twice():
    a, b = tg.Input((4,), name="a"), tg.Input((4,), name="b")
    base = base_model()
    first, second = base(a), base(b)
    third = base(first["right"])
    joined = layers.concatenate([first["left"], second["right"], third["left"]])
    outputs = {"sum": layers.Dense(1)(joined), "other": layers.Dense(2)(second["left"])}
    model = compiled([a, b], outputs, {"sum": "mse", "other": "mae"}, {"sum": 2.0, "other": 0.1})
    return model, [numbers(4), numbers(4) + 1], {"sum": numbers(1), "other": numbers(2)}
