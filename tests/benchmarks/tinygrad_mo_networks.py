"""The networks of the workloads as a user of tinygrad_mo writes them.

Each function returns a model that is not compiled, its optimizer, and a loss for each output.
"""

import workloads

import tinygrad_mo as tg
from tinygrad_mo import layers, losses, optimizers

CLASSES = losses.SparseCategoricalCrossentropy(from_logits=True)
YES_OR_NO = losses.BinaryCrossentropy()
SQUARED = losses.MeanSquaredError()


def headlines():
    """w1: a sentence and five numbers; the auxiliary output judges the sentence alone."""
    ids, numbers = tg.Input((100,), dtype="int32"), tg.Input((5,))
    h = layers.LSTM(32, name="lstm")(layers.Embedding(10_000, 512, name="emb")(ids))
    aux = layers.Dense(1, activation="sigmoid", name="aux")(h)
    z = layers.concatenate([h, numbers])
    for name in ("d1", "d2", "d3"):
        z = layers.Dense(64, activation="relu", name=name)(z)
    main = layers.Dense(1, activation="sigmoid", name="main")(z)
    model = tg.Model([ids, numbers], [main, aux])
    return model, optimizers.RMSprop(**workloads.RMSPROP), [YES_OR_NO, YES_OR_NO]


def siamese():
    """w2: one LSTM reads two sequences."""
    left, right = tg.Input((50, 128)), tg.Input((50, 128))
    lstm = layers.LSTM(32, name="lstm")
    both = layers.concatenate([lstm(left), lstm(right)])
    model = tg.Model([left, right], layers.Dense(1, activation="sigmoid", name="out")(both))
    return model, optimizers.RMSprop(**workloads.RMSPROP), [YES_OR_NO]


def inception():
    """w3: four branches that halve the image."""

    def conv(name, size, strides=1):
        options = {"padding": "same", "activation": "relu", "name": name}
        return layers.Conv2D(128, size, strides=strides, **options)

    x = tg.Input((32, 32, 64))
    a = conv("a", 1, 2)(x)
    b = conv("b2", 3, 2)(conv("b1", 1)(x))
    c = conv("c", 3)(layers.AveragePooling2D(3, strides=2, padding="same")(x))
    d = conv("d3", 3, 2)(conv("d2", 3)(conv("d1", 1)(x)))
    z = layers.GlobalAveragePooling2D()(layers.concatenate([a, b, c, d]))
    model = tg.Model(x, layers.Dense(10, name="out")(z))
    return model, optimizers.SGD(**workloads.SGD), [CLASSES]


def glyphs():
    """w4: which alphabet, and which character?"""
    x = tg.Input((64, 64, 1))
    z = layers.MaxPooling2D(2)(layers.Conv2D(16, 3, padding="same", name="c")(x))
    z = layers.Flatten()(layers.ELU()(z))
    z = layers.Dense(128, activation="elu", name="fc")(z)
    heads = [layers.Dense(30, name="alpha")(z), layers.Dense(964, name="char")(z)]
    return tg.Model(x, heads), optimizers.Adam(**workloads.ADAM), [CLASSES, CLASSES]


def demographics():
    """w5: a number, one of ten classes, and a yes or no from one text."""

    def conv(name, filters):
        return layers.Conv1D(filters, 5, activation="relu", name=name)

    ids = tg.Input((500,), dtype="int32")
    z = layers.Embedding(50_000, 256, name="emb")(ids)
    z = layers.MaxPooling1D(5)(conv("c1", 128)(z))
    z = layers.MaxPooling1D(5)(conv("c3", 256)(conv("c2", 256)(z)))
    z = layers.GlobalMaxPooling1D()(conv("c5", 256)(conv("c4", 256)(z)))
    z = layers.Dense(128, activation="relu", name="fc")(z)
    age, income = layers.Dense(1, name="age")(z), layers.Dense(10, name="income")(z)
    gender = layers.Dense(1, activation="sigmoid", name="gender")(z)
    model = tg.Model(ids, [age, income, gender])
    return model, optimizers.RMSprop(**workloads.RMSPROP), [SQUARED, CLASSES, YES_OR_NO]


def perceptron():
    """w6: so small that what counts is the engine's own time."""
    x = tg.Input((64,))
    z = layers.Dense(32, activation="relu", name="d1")(x)
    z = layers.Dense(32, activation="relu", name="d2")(z)
    model = tg.Model(x, [layers.Dense(10, name="cls")(z), layers.Dense(1, name="reg")(z)])
    return model, optimizers.SGD(**workloads.SGD), [CLASSES, SQUARED]


def residual():
    """w7: the auxiliary output looks at the image half way up."""

    def conv(name, activation=None):
        return layers.Conv2D(32, 3, padding="same", activation=activation, name=name)

    x = tg.Input((32, 32, 3))
    z = conv("stem", "relu")(x)
    for k in range(workloads.BLOCKS):
        z = layers.add([z, conv(f"r{k}b")(conv(f"r{k}a", "relu")(z))])
        if k == workloads.AUX_AFTER - 1:
            aux = layers.Dense(10, name="aux")(layers.GlobalAveragePooling2D()(z))
    main = layers.Dense(10, name="main")(layers.GlobalAveragePooling2D()(z))
    return tg.Model(x, [main, aux]), optimizers.SGD(**workloads.MOMENTUM), [CLASSES, CLASSES]


def transformer():
    """w10: one block, which normalizes before attention and before its two dense layers."""
    x = tg.Input((64, 128))
    z = layers.LayerNormalization(name="ln1")(x)
    z = layers.add([x, layers.MultiHeadAttention(4, 32, name="att")(z, z)])
    aux = layers.Dense(1, name="aux")(layers.GlobalAveragePooling1D()(z))
    h = layers.LayerNormalization(name="ln2")(z)
    h = layers.Dense(512, activation="gelu", name="up")(h)
    z = layers.add([z, layers.Dense(128, name="down")(h)])
    main = layers.Dense(10, name="main")(layers.GlobalAveragePooling1D()(z))
    return tg.Model(x, [main, aux]), optimizers.Adam(**workloads.ADAM), [CLASSES, SQUARED]


def autoencoder():
    """w11: an image in few numbers and back again, and a class from these numbers."""
    options = {"strides": 2, "padding": "same"}
    x = tg.Input((64, 64, 3))
    z = layers.Conv2D(16, 4, activation="relu", name="c1", **options)(x)
    code = layers.Conv2D(32, 4, activation="relu", name="c2", **options)(z)
    z = layers.Conv2DTranspose(16, 4, activation="relu", name="t1", **options)(code)
    image = layers.Conv2DTranspose(3, 4, activation="sigmoid", name="t2", **options)(z)
    label = layers.Dense(10, name="label")(layers.GlobalAveragePooling2D()(code))
    return tg.Model(x, [image, label]), optimizers.Adam(**workloads.ADAM), [SQUARED, CLASSES]


def separable():
    """w12: filters that see one channel, then a mix of the channels, each normalized."""
    x = tg.Input((32, 32, 3))
    z = layers.Conv2D(32, 3, padding="same", activation="relu", name="stem")(x)
    for k, width in enumerate(workloads.SEPARABLE):
        own = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"d{k}")(z)
        own = layers.ReLU()(layers.BatchNormalization(name=f"nd{k}")(own))
        z = layers.Conv2D(width, 1, use_bias=False, name=f"p{k}")(own)
        z = layers.ReLU()(layers.BatchNormalization(name=f"np{k}")(z))
        if k == workloads.SEPARABLE_AUX:
            aux = layers.Dense(10, name="aux")(layers.GlobalAveragePooling2D()(z))
            z = layers.MaxPooling2D(2)(z)
    main = layers.Dense(10, name="main")(layers.GlobalAveragePooling2D()(z))
    return tg.Model(x, [main, aux]), optimizers.SGD(**workloads.MOMENTUM), [CLASSES, CLASSES]


MODELS = {
    "w1": headlines,
    "w2": siamese,
    "w3": inception,
    "w4": glyphs,
    "w5": demographics,
    "w6": perceptron,
    "w7": residual,
    "w10": transformer,
    "w11": autoencoder,
    "w12": separable,
}
