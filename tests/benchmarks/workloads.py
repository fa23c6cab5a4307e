"""The nine workloads: their data, initial weights and settings, for every engine alike.

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
"""

from math import prod, sqrt

import numpy as np

BATCHES = 4  # different ones, taken in turns
BATCH = {"w1": 32, "w2": 32, "w3": 16, "w4": 32, "w5": 16, "w6": 32, "w7": 32}
RMSPROP = {"learning_rate": 1e-3, "rho": 0.9, "epsilon": 1e-7}
ADAM = {"learning_rate": 1e-4, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
SGD = {"learning_rate": 1e-2}
MOMENTUM = {"learning_rate": 1e-3, "momentum": 0.9}
LOSS_WEIGHTS = {"w1": [1.0, 0.2], "w5": [0.25, 1.0, 10.0], "w7": [1.0, 0.3]}  # others: all 1
BLOCKS, AUX_AFTER = 8, 4  # of w7
OPS = 1000  # of w9
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
    else:
        raise ValueError(f"{workload} has no weights")
    return draw.weights


def batches(workload):
    """Pairs (inputs, labels), each a list of arrays."""
    random, size = np.random.RandomState(4321), BATCH[workload]

    def normal(*shape):
        return random.randn(size, *shape).astype(np.float32)

    def whole(below, *shape):
        return random.randint(0, below, (size, *shape)).astype(np.int64)

    def yes_or_no():
        return whole(2, 1).astype(np.float32)

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
    }
    return [make[workload]() for _ in range(BATCHES)]


def chain():
    """What w9 works with: x, and the w, b and c of ``relu(x * w + b) * c``, again and again."""
    random = np.random.RandomState(7)
    limits = ((0.5, 1.5), (0.98, 1.0), (0.0, 0.02))
    return *(random.uniform(*pair, 32).astype(np.float32) for pair in limits), np.float32(0.99)
