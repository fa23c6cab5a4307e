"""Models as new users write them, drawn at random, with data for them.

Names that collide, layers and models that are shared, layers within layers, parameters of one's
own, operators between layers, masks, batch normalization, dropout, regularizers, frozen parts,
several losses on one output, added losses, labels that are missing, sample weights.
"""

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import layers as L
from tinygrad_mo.engine.plan import topological_order

SAMPLES, STEPS, WIDTH = 6, 5, 4


class Block(L.Layer):
    """A layer of one's own with layers in a list and a dict, and a parameter of its own."""

    passes_mask = True

    def __init__(self, width, **options):
        super().__init__(**options)
        self.parts = [L.Dense(width, activation="tanh"), L.Dense(width)]
        self.named = {"norm": L.BatchNormalization()}
        self.scale = tg.Parameter(np.ones(width), "scale")

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return self.named["norm"](x) * self.scale


class Drawn:
    """What is being drawn: the tensors so far, and layers that may be used again."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.inputs, self.data, self.vectors = [], [], []
        self.layers, self.models = [], []

    def chance(self, share):
        return self.random.random() < share

    def one_of(self, *choices):
        return choices[self.random.integers(len(choices))]

    def name(self, *names):
        """Often none, sometimes a name that others may have, too."""
        return self.one_of(None, None, *names)

    def regularizer(self):
        return self.one_of(None, None, None, L.regularizers.L2(0.01), L.regularizers.L1(0.01))

    def vector_input(self):
        x = tg.Input((WIDTH,), name=f"vector_{len(self.inputs)}")
        self.inputs.append(x)
        self.data.append(self.random.normal(size=(SAMPLES, WIDTH)))
        self.vectors.append(x)

    def sequence_input(self):
        ids = tg.Input((STEPS,), dtype="int32", name=f"ids_{len(self.inputs)}")
        self.inputs.append(ids)
        lengths = self.random.integers(1, STEPS + 1, SAMPLES)
        numbers = self.random.integers(1, 7, (SAMPLES, STEPS))
        self.data.append(np.where(np.arange(STEPS) < lengths[:, None], numbers, 0))
        h = L.Embedding(7, WIDTH, mask_zero=self.chance(0.7))(ids)
        if self.chance(0.3):
            h = h * 1.5
        if self.chance(0.3):
            h = L.BatchNormalization()(h)
        recurrent = self.one_of(L.LSTM, L.GRU, L.SimpleRNN)
        if self.chance(0.3):
            self.vectors.append(L.Bidirectional(recurrent(2))(h))
        elif self.chance(0.3):
            self.vectors.append(L.GlobalAveragePooling1D()(L.Dense(WIDTH)(h)))
        else:
            self.vectors.append(recurrent(WIDTH)(h))

    def layer(self):
        kind = self.random.integers(9)
        if kind <= 2:
            return L.Dense(
                WIDTH,
                activation=self.one_of("tanh", "sigmoid", "linear", "softplus"),
                kernel_regularizer=self.regularizer(),
            )
        if kind == 3:
            return L.BatchNormalization(momentum=0.5)
        if kind == 4:
            return L.Dropout(0.4)
        if kind == 5:
            return L.LayerNormalization()
        if kind == 6:
            return Block(WIDTH)
        if kind == 7:
            return L.Activation(self.one_of("tanh", "linear", "relu"))
        return L.Dense(WIDTH, use_bias=False)

    def nested(self):
        z = tg.Input((WIDTH,))
        inner = tg.Model(z, L.Dense(WIDTH, activation="tanh")(L.BatchNormalization()(z)))
        if self.chance(0.3):
            inner.add_loss((inner.outputs[inner.output_names[0]] ** 2.0).mean(), "activity", 0.1)
        return inner

    def grow(self):
        x = self.one_of(*self.vectors)
        choice = self.random.integers(8)
        same = [t for t in self.vectors if t.shape == x.shape]
        if choice == 0 and len(same) > 1:
            y = x + self.one_of(*same)
        elif choice == 1 and len(self.vectors) > 1:
            y = L.Dense(WIDTH)(L.concatenate([x, self.one_of(*self.vectors)]))
        elif choice == 2 and x.shape[-1] == WIDTH and self.layers:
            y = self.one_of(*self.layers)(x)  # shared
        elif choice == 3 and x.shape[-1] == WIDTH:
            if not self.models or self.chance(0.5):
                self.models.append(self.nested())
            y = self.one_of(*self.models)(x)
        elif choice == 4:
            y = x * tg.Parameter(np.full(x.shape[-1], 0.8), "factor")
        else:
            layer = self.layer() if x.shape[-1] == WIDTH else L.Dense(WIDTH)
            y = layer(x)
            if x.shape[-1] == WIDTH:
                self.layers.append(layer)
        self.vectors.append(y)


def random_model(seed):
    """A compiled model in float64 with SGD(1.0), and a batch (x, y, sample_weight)."""
    drawn = Drawn(seed)
    for _ in range(drawn.random.integers(1, 4)):
        drawn.one_of(drawn.vector_input, drawn.vector_input, drawn.sequence_input)()
    for _ in range(drawn.random.integers(2, 9)):
        drawn.grow()
    outputs, losses, labels, weights = {}, {}, {}, {}
    for n in range(drawn.random.integers(1, 5)):
        name, h = f"out_{n}", drawn.one_of(*drawn.vectors[-4:])
        kind = drawn.random.integers(4)
        if kind == 0:
            outputs[name] = L.Dense(1, activation="sigmoid", name=name)(h)
            losses[name] = "binary_crossentropy"
            labels[name] = drawn.random.integers(0, 2, (SAMPLES, 1)).astype(float)
        elif kind == 1:
            outputs[name] = L.Dense(3, activation="softmax", name=name)(h)
            losses[name] = "sparse_categorical_crossentropy"
            labels[name] = drawn.random.integers(0, 3, SAMPLES).astype(float)
        else:
            outputs[name] = L.Dense(2, name=name, kernel_regularizer=drawn.regularizer())(h)
            losses[name] = ["mse", "mae"] if kind == 2 else "mse"
            labels[name] = drawn.random.normal(size=(SAMPLES, 2))
        if drawn.chance(0.3):
            labels[name][drawn.random.integers(SAMPLES)] = np.nan
        if drawn.chance(0.3):
            weights[name] = drawn.random.uniform(0.2, 2, SAMPLES)
    used = {x for step in topological_order(list(outputs.values())) for x in step.inputs}
    inputs = {x.name: x for x in drawn.inputs if x in used}
    data = {x.name: array for x, array in zip(drawn.inputs, drawn.data, strict=True) if x in used}
    model = tg.Model(inputs, outputs)
    if drawn.chance(0.3):
        model.add_loss((drawn.one_of(*outputs.values()) ** 2.0).mean(), "small", 0.3)
    for layer in model.contents.every_layer():
        if drawn.chance(0.12):
            layer.trainable = False
    model.compile(tg.optimizers.SGD(1.0), losses)
    model.loss_weights = {
        name: float(drawn.one_of(0.0, 0.1, 1.0, 1.0, 2.5, -0.5)) for name in model.loss_weights
    }
    return model, (data, labels, weights or None)
