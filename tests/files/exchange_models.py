"""One model with a layer of every kind that has weights, built with this package or with Keras."""

# What our layers are called in the PyTorch module of record_exchange.py, where it is not as here.
TORCH_NAMES = {
    "reader": "text.encoder",
    "reader.second.weight_ih_l0": "text.encoder.lstm.weight_ih_l1",
    "reader.second.weight_hh_l0": "text.encoder.lstm.weight_hh_l1",
    "reader.second.bias_ih_l0": "text.encoder.lstm.bias_ih_l1",
    "reader.second.bias_hh_l0": "text.encoder.lstm.bias_hh_l1",
    "pictures/conv": "pictures.stem.0",
    "pictures/picture_norm": "pictures.stem.1",
    "pictures/prelu": "pictures.stem.2",
    "pictures.separable.depthwise": "pictures.mix.0",
    "pictures.separable.pointwise": "pictures.mix.1",
}
SHAPES = {"ids": (5,), "signal": (8, 3), "picture": (6, 7, 2)}


def everything(framework):
    """A model of three nested ones, for `framework` tinygrad_mo or keras: ids, signal, picture."""
    inputs = [
        framework.Input(shape, dtype="int32" if name == "ids" else None, name=name)
        for name, shape in SHAPES.items()
    ]
    parts = reader(framework), signals(framework), pictures(framework)
    return framework.Model(inputs, [part(x) for part, x in zip(parts, inputs, strict=True)])


def reader(framework):
    layers, x = framework.layers, framework.Input(SHAPES["ids"], dtype="int32")
    h = layers.Embedding(9, 4, name="embedding")(x)
    both = layers.LSTM(3, return_sequences=True, name="lstm")
    h = layers.Bidirectional(both, name="both")(h)
    h = layers.GRU(4, return_sequences=True, name="gru")(h)
    h = layers.LayerNormalization(name="norm")(h)
    h = layers.MultiHeadAttention(2, 2, name="heads")(h, h)
    h = layers.SimpleRNN(4, return_sequences=True, name="rnn")(h)
    h = layers.TimeDistributed(layers.Dense(3, name="inner"), name="each")(h)
    h = layers.LSTM(3, return_sequences=True, name="lstm")(h)
    h = layers.LSTM(3, name="second")(h)
    return framework.Model(x, layers.Dense(2, name="reader_head")(h), name="reader")


def signals(framework):
    layers, x = framework.layers, framework.Input(SHAPES["signal"])
    h = layers.Conv1D(4, 3, padding="same", name="conv1d")(x)
    h = layers.BatchNormalization(name="signal_norm")(h)
    h = layers.SeparableConv1D(4, 3, depth_multiplier=2, name="separable1d")(h)
    h = layers.Conv1D(6, 2, padding="causal", dilation_rate=2, groups=2, name="causal")(h)
    h = layers.GlobalAveragePooling1D()(h)
    return framework.Model(x, layers.Dense(2, name="signal_head")(h), name="signals")


def pictures(framework):
    layers, x = framework.layers, framework.Input(SHAPES["picture"])
    h = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(x)
    h = layers.BatchNormalization(name="picture_norm")(h)
    h = layers.PReLU(shared_axes=(1, 2), name="prelu")(h)
    h = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depthwise")(h)
    h = layers.Conv2D(4, (3, 2), groups=2, name="grouped")(h)
    h = layers.SeparableConv2D(3, 3, padding="same", depth_multiplier=2, name="separable")(h)
    h = layers.Conv2DTranspose(2, (3, 2), strides=(2, 1), name="transpose")(h)
    h = layers.Flatten()(layers.Permute((3, 1, 2))(h))
    return framework.Model(x, layers.Dense(2, name="picture_head")(h), name="pictures")
