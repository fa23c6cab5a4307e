"""The workloads: their data, initial weights and settings, for every engine alike.

Arrays are drawn from fixed seeds in a fixed order, so that all engines start from the same weights
and walk the same batches, and their first losses can be compared. Weights carry the paths that
`Model.named_weights` gives them; images and kernels have their channels last.

| id | one training step of | batch |
|---|---|---|
| w1 | headlines: Embedding(10000, 512), LSTM(32) over 100 steps, auxiliary output; RMSprop | 32 |
| w2 | siamese LSTM(32) on two sequences (50, 128); RMSprop | 32 |
| w3 | inception module of 128 filters on (32, 32, 64); SGD | 16 |
| w4 | glyphs: one convolution on (64, 64, 1), two heads of 30 and 964 classes; Adam | 32 |
| w5 | age, income, gender: Embedding(50000, 256), five Conv1D on 500 ids; RMSprop | 16 |
| w6 | dense 64-32-32, heads of 10 classes and 1 number; SGD | 32 |
| w7 | residual: 8 blocks of 32 filters on (32, 32, 3), auxiliary output; SGD with momentum | 32 |
| w8 | the gradient of each loss apart, by the shared weights of w1 and w7; no optimizer | 32 |
| w9 | 1,000 elementwise operations on 32 numbers, forward and backward | - |
| w10 | transformer: a block of 4 heads on 64 steps of width 128, two outputs; Adam | 32 |
| w11 | autoencoder: two convolutions, two transposed ones on (64, 64, 3), and a class; Adam | 32 |
| w12 | separable: 4 depthwise blocks on (32, 32, 3), auxiliary output; SGD with momentum | 32 |
| w13 | the network of w6 in a loop by hand, in `layers` or in bare `tensors`; SGD | 32 |
| w14 | `gradient_flow` on a batch of w1, w7, w10 or w12, and K passes for K losses | 32 |
| w15 | `predict` of one sample, by the networks of w1, w2, w4, w6 and w7 | 1 |
"""

from itertools import pairwise
from math import prod, sqrt

import numpy as np

BATCHES = 4  # different ones, taken in turns
BATCH = {"w3": 16, "w5": 16}  # others: 32
RMSPROP = {"learning_rate": 1e-3, "rho": 0.9, "epsilon": 1e-7}
ADAM = {"learning_rate": 1e-4, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
SGD = {"learning_rate": 1e-2}
MOMENTUM = {"learning_rate": 1e-3, "momentum": 0.9}
LOSS_WEIGHTS = {"w1": [1.0, 0.2], "w5": [0.25, 1.0, 10.0], "w7": [1.0, 0.3]}  # others: all 1
LOSS_WEIGHTS |= {"w10": [1.0, 0.3], "w11": [1.0, 0.1], "w12": [1.0, 0.3]}
BLOCKS, AUX_AFTER = 8, 4  # of w7
OPS = 1000  # of w9
SEPARABLE, SEPARABLE_AUX = (32, 64, 64, 128), 1  # of w12: widths, and after which the auxiliary
HEADS = {"mlp": (784, 512, 3, 128), "small_mlp": (64, 64, 3, 32)}  # inputs, width, depth, batch
HEAD_COUNT = 5


class Draw:
    """Initial weights, drawn one after the other."""

    def __init__(self):
        self.random, self.weights = np.random.RandomState(1234), {}

    def put(self, path, values):
        self.weights[path] = np.asarray(values, np.float32)

    def glorot(self, path, *shape):
        limit = sqrt(6.0 / (shape[-2] + shape[-1]))
        self.put(path, self.random.uniform(-limit, limit, shape))

    def embedding(self, name, rows, width):
        self.put(f"{name}/embeddings", self.random.uniform(-0.05, 0.05, (rows, width)))

    def lstm(self, name, width, units):
        self.glorot(f"{name}/kernel", width, 4 * units)
        self.glorot(f"{name}/recurrent_kernel", units, 4 * units)
        self.put(f"{name}/bias", np.repeat([0.0, 1.0, 0.0, 0.0], units))

    def dense(self, name, width, units):
        self.glorot(f"{name}/kernel", width, units)
        self.put(f"{name}/bias", np.zeros(units))

    def conv(self, name, *shape, scale=1.0):
        spread = sqrt(2.0 / prod(shape[:-1]))
        kernel = (self.random.randn(*shape) * spread).astype(np.float32)
        self.put(f"{name}/kernel", kernel * np.float32(scale))
        self.put(f"{name}/bias", np.zeros(shape[-1]))

    def transposed_conv(self, name, *shape):
        self.put(f"{name}/kernel", self.random.randn(*shape) / sqrt(prod(shape[:2]) * shape[3]))
        self.put(f"{name}/bias", np.zeros(shape[2]))

    def filters(self, name, *shape):
        """Of a convolution without biases."""
        self.conv(name, *shape)
        del self.weights[f"{name}/bias"]

    def scale_and_shift(self, name, width):
        self.put(f"{name}/gamma", np.ones(width))
        self.put(f"{name}/beta", np.zeros(width))

    def batch_norm(self, name, width):
        self.scale_and_shift(name, width)
        self.put(f"{name}/moving_mean", np.zeros(width))
        self.put(f"{name}/moving_variance", np.ones(width))

    def attention(self, name, width, heads):
        limit, dim = sqrt(6.0 / (2 * width)), width // heads
        for what in ("query", "key", "value"):
            kernel = self.random.uniform(-limit, limit, (width, heads, dim))
            self.put(f"{name}/{what}_kernel", kernel)
            self.put(f"{name}/{what}_bias", np.zeros((heads, dim)))
        kernel = self.random.uniform(-limit, limit, (heads, dim, width))
        self.put(f"{name}/attention_output_kernel", kernel)
        self.put(f"{name}/attention_output_bias", np.zeros(width))


def initial_weights(workload):
    """The weights that training starts from, by path."""
    draw = Draw()
    if workload == "w1":
        draw.embedding("emb", 10_000, 512)
        draw.lstm("lstm", 512, 32)
        draw.dense("aux", 32, 1)
        draw.dense("d1", 37, 64)
        draw.dense("d2", 64, 64)
        draw.dense("d3", 64, 64)
        draw.dense("main", 64, 1)
    elif workload == "w2":
        draw.lstm("lstm", 128, 32)
        draw.dense("out", 64, 1)
    elif workload == "w3":
        draw.conv("a", 1, 1, 64, 128)
        draw.conv("b1", 1, 1, 64, 128)
        draw.conv("b2", 3, 3, 128, 128)
        draw.conv("c", 3, 3, 64, 128)
        draw.conv("d1", 1, 1, 64, 128)
        draw.conv("d2", 3, 3, 128, 128)
        draw.conv("d3", 3, 3, 128, 128)
        draw.dense("out", 512, 10)
    elif workload == "w4":
        draw.conv("c", 3, 3, 1, 16)
        draw.dense("fc", 16 * 32 * 32, 128)
        draw.dense("alpha", 128, 30)
        draw.dense("char", 128, 964)
    elif workload == "w5":
        draw.embedding("emb", 50_000, 256)
        draw.conv("c1", 5, 256, 128)
        draw.conv("c2", 5, 128, 256)
        for name in ("c3", "c4", "c5"):
            draw.conv(name, 5, 256, 256)
        draw.dense("fc", 256, 128)
        draw.dense("age", 128, 1)
        draw.dense("income", 128, 10)
        draw.dense("gender", 128, 1)
    elif workload == "w6":
        draw.dense("d1", 64, 32)
        draw.dense("d2", 32, 32)
        draw.dense("cls", 32, 10)
        draw.dense("reg", 32, 1)
    elif workload == "w7":
        draw.conv("stem", 3, 3, 3, 32)
        for k in range(BLOCKS):
            draw.conv(f"r{k}a", 3, 3, 32, 32)
            draw.conv(f"r{k}b", 3, 3, 32, 32, scale=0.25)
        draw.dense("aux", 32, 10)
        draw.dense("main", 32, 10)
    elif workload == "w10":
        draw.scale_and_shift("ln1", 128)
        draw.attention("att", 128, 4)
        draw.scale_and_shift("ln2", 128)
        draw.dense("up", 128, 512)
        draw.dense("down", 512, 128)
        draw.dense("aux", 128, 1)
        draw.dense("main", 128, 10)
    elif workload == "w11":
        draw.conv("c1", 4, 4, 3, 16)
        draw.conv("c2", 4, 4, 16, 32)
        draw.transposed_conv("t1", 4, 4, 16, 32)
        draw.transposed_conv("t2", 4, 4, 3, 16)
        draw.dense("label", 32, 10)
    elif workload == "w12":
        draw.conv("stem", 3, 3, 3, 32)
        for k, (before, width) in enumerate(pairwise((32, *SEPARABLE))):
            draw.filters(f"d{k}", 3, 3, before, 1)
            draw.batch_norm(f"nd{k}", before)
            draw.filters(f"p{k}", 1, 1, before, width)
            draw.batch_norm(f"np{k}", width)
        draw.dense("aux", SEPARABLE[SEPARABLE_AUX], 10)
        draw.dense("main", SEPARABLE[-1], 10)
    else:
        raise ValueError(f"{workload} has no weights")
    return draw.weights


def batches(workload):
    """Pairs (inputs, labels), each a list of arrays."""
    random, size = np.random.RandomState(4321), BATCH.get(workload, 32)

    def normal(*shape):
        return random.randn(size, *shape).astype(np.float32)

    def whole(below, *shape):
        return random.randint(0, below, (size, *shape)).astype(np.int64)

    def yes_or_no():
        return whole(2, 1).astype(np.float32)

    def image_twice():
        image = random.rand(size, 64, 64, 3).astype(np.float32)
        return [image], [image, whole(10)]

    make = {
        "w1": lambda: ([whole(10_000, 100), normal(5)], [yes_or_no(), yes_or_no()]),
        "w2": lambda: ([normal(50, 128), normal(50, 128)], [yes_or_no()]),
        "w3": lambda: ([normal(32, 32, 64)], [whole(10)]),
        "w4": lambda: (
            [(random.rand(size, 64, 64, 1) < 0.2).astype(np.float32)],
            [whole(30), whole(964)],
        ),
        "w5": lambda: ([whole(50_000, 500)], [normal(1), whole(10), yes_or_no()]),
        "w6": lambda: ([normal(64)], [whole(10), normal(1)]),
        "w7": lambda: ([normal(32, 32, 3)], [whole(10)] * 2),  # main and auxiliary share theirs
        "w10": lambda: ([normal(64, 128)], [whole(10), normal(1)]),
        "w11": image_twice,
        "w12": lambda: ([normal(32, 32, 3)], [whole(10)] * 2),
    }
    return [make[workload]() for _ in range(BATCHES)]


def chain():
    """What w9 works with: x, and the w, b and c of ``relu(x * w + b) * c``, again and again."""
    random = np.random.RandomState(7)
    limits = ((0.5, 1.5), (0.98, 1.0), (0.0, 0.02))
    return *(random.uniform(*pair, 32).astype(np.float32) for pair in limits), np.float32(0.99)
