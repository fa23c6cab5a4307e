"""How time and memory grow: with the batch, the sequence, the depth, the losses, the vocabulary.

Run     python tests/benchmarks/scaling.py [NAME ...] [--quick]

Each line is a series of models that differ in one size only. Behind it the exponent of the growth,
fitted to the larger half of the sizes (log of time against log of size), and the law that it should
follow: 1 is proportional, 0 is not at all. An exponent that is more than 0.3 above its law is
marked, and the exit code is then 1. Times are processor times on one thread, the best of several;
memory is what NumPy asks for at most during a step, weights and data not counted.
"""

import argparse
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import log

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import measure

if "numpy" not in sys.modules:
    measure.prepare(threads=1)

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import layers, optimizers
from tinygrad_mo.layers import initializers
from tinygrad_mo.pool import at_work
from tinygrad_mo.training.fitting import train_step

TOLERANCE = 0.3  # what outgrows a cache costs more
ROUNDS, SHARE = 4, 0.2  # seconds for one size in one round
RANDOM = np.random.default_rng(0)


@dataclass
class Series:
    """Models that differ in one size.

    Attributes
    ----------
    name : str
    sizes : list of int
    make : callable
        From a size, a function without arguments that is timed.
    time, memory : float
        The exponents that should come out.
    """

    name: str
    sizes: list[int]
    make: Callable[[int], Callable[[], object]]
    time: float
    memory: float


def trainer(model, x, y, optimizer=optimizers.SGD):
    """A training step on one batch, and nothing else; so small that no loss overflows."""
    model.compile(optimizer(learning_rate=1e-9), "mse")
    feed = model.labelled_data(x, y)
    return partial(train_step, model, feed)


def normal(*shape):
    return RANDOM.standard_normal(shape, np.float32)


def dense_batch(size):
    x = z = tg.Input((256,))
    for _ in range(3):
        z = layers.Dense(256, activation="relu")(z)
    return trainer(tg.Model(x, z), normal(size, 256), normal(size, 256))


def conv_batch(size):
    x = tg.Input((16, 16, 16))
    z = layers.Conv2D(16, 3, padding="same", activation="elu")(x)
    z = layers.BatchNormalization()(z)
    z = layers.MaxPooling2D(2)(z)
    y = layers.Dense(4)(layers.GlobalAveragePooling2D()(z))
    return trainer(tg.Model(x, y), normal(size, 16, 16, 16), normal(size, 4))


def sequence(make_layer, steps):
    x = tg.Input((steps, 64))
    y = layers.Dense(1)(make_layer()(x))
    return trainer(tg.Model(x, y), normal(8, steps, 64), normal(8, 1))


def filters(steps):
    def make_layer():
        conv = layers.Conv1D(32, 5, activation="relu")
        return lambda x: layers.GlobalMaxPooling1D()(layers.MaxPooling1D(5)(conv(x)))

    return sequence(make_layer, steps)


def attention(steps):
    def make_layer():
        heads = layers.MultiHeadAttention(2, 32)
        return lambda x: layers.GlobalAveragePooling1D()(heads(x, x))

    return sequence(make_layer, steps)


def tower(blocks):
    x = z = tg.Input((32,))
    small = initializers.normal(stddev=0.01)  # so that 200 blocks do not make the sum explode
    for _ in range(blocks):
        branch = layers.Dense(32, activation="relu", kernel_initializer=small)
        z = layers.add([z, branch(z)])
    return tg.Model(x, [layers.Dense(1, name="main")(z), layers.Dense(1, name="aux")(z)])


def tower_data():
    return normal(32, 32), [normal(32, 1), normal(32, 1)]


def wiring(blocks):
    def make():
        model = tower(blocks)
        model.compile("sgd", "mse")
        return model.training_plan()

    return make


def depth(blocks):
    return trainer(tower(blocks), *tower_data())


def flow_of(blocks):
    model, (x, y) = tower(blocks), tower_data()
    model.compile("sgd", "mse")
    return lambda: model.gradient_flow(x, y).table()


def page_of(blocks):
    model, (x, y) = tower(blocks), tower_data()
    model.compile("sgd", "mse")
    flow = model.gradient_flow(x, y)
    return lambda: flow.save(os.devnull)


def many_heads(losses, per_loss):
    x = z = tg.Input((256,))
    for _ in range(4):
        z = layers.Dense(256, activation="relu")(z)
    model = tg.Model(x, [layers.Dense(1, name=f"y{k}")(z) for k in range(losses)])
    y = [normal(512, 1) for _ in range(losses)]
    step = trainer(model, normal(512, 256), y if losses > 1 else y[0])
    if not per_loss:
        return step
    plan, (_, feed) = model.training_plan(), step.args

    def attribute():
        tape = plan.forward(feed, training=True)
        plan.backward(tape, [1.0] * losses, per_loss=True)

    return attribute


def vocabulary(rows, optimizer):
    ids = tg.Input((100,), dtype="int32")
    z = layers.Embedding(rows, 16, embeddings_initializer="zeros")(ids)
    model = tg.Model(ids, layers.Dense(1)(layers.Flatten()(z)))
    x = RANDOM.integers(0, rows, (32, 100), np.int32)
    return trainer(model, x, normal(32, 1), optimizer=optimizer)


BATCHES = [32, 64, 128, 256, 512, 1024, 2048]
STEPS = [125, 250, 500, 1000, 2000]
DEPTHS = [12, 25, 50, 100, 200]
LOSSES = [1, 2, 3, 5, 7, 10]
ROWS = [1_000, 10_000, 100_000, 300_000, 1_000_000]
SERIES = [
    Series("batch, dense", BATCHES, dense_batch, 1, 1),
    Series("batch, convolution", BATCHES[:-2], conv_batch, 1, 1),
    Series("steps, LSTM", STEPS, partial(sequence, partial(layers.LSTM, 32)), 1, 1),
    Series("steps, GRU", STEPS, partial(sequence, partial(layers.GRU, 32)), 1, 1),
    Series("steps, Conv1D", STEPS, filters, 1, 1),
    Series("steps, attention", STEPS, attention, 2, 2),
    Series("blocks, wiring", DEPTHS, wiring, 1, 1),
    Series("blocks, a step", DEPTHS, depth, 1, 1),
    Series("blocks, gradient flow", DEPTHS, flow_of, 1, 1),
    Series("blocks, its page", DEPTHS, page_of, 1, 1),
    Series("losses, a step", LOSSES, partial(many_heads, per_loss=False), 1, 0),  # heads add up
    Series("losses, each apart", LOSSES, partial(many_heads, per_loss=True), 1, 1),
    Series("rows, SGD", ROWS, partial(vocabulary, optimizer=optimizers.SGD), 0, 0),
    Series("rows, RMSprop", ROWS, partial(vocabulary, optimizer=optimizers.RMSprop), 0, 0),
    Series("rows, Adam", ROWS, partial(vocabulary, optimizer=optimizers.Adam), 1, 1),
]


def fastest(works):
    """The best processor time of each, over several rounds in which all take turns."""
    best = [float("inf")] * len(works)
    for work in works:
        work()  # the first one does not count
    for _ in range(ROUNDS):
        for n, work in enumerate(works):
            end = time.perf_counter() + SHARE
            while time.perf_counter() < end:
                start = time.process_time()
                work()
                best[n] = min(best[n], time.process_time() - start)
    return best


def megabytes(work):
    """The most that is held at once during a call, above what was held before."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return max(peak - before, 1) / 2**20


def exponent(sizes, values):
    """Slope of a line through the larger half of the points, both axes logarithmic."""
    few = max(3, (len(sizes) + 1) // 2)
    return np.polyfit([log(s) for s in sizes[-few:]], [log(v) for v in values[-few:]], 1)[0]


def report(series, quick):
    """Measure a series, print its lines; returns what breaks its law."""
    sizes = series.sizes[:-1] if quick else series.sizes
    works = [series.make(size) for size in sizes]
    broken = []
    for what, law, values, factor, unit in (
        ("time", series.time, fastest(works), 1e3, "ms"),
        ("memory", series.memory, [megabytes(work) for work in works], 1, "MB"),
    ):
        found = exponent(sizes, values)
        mark = ""
        if found > law + TOLERANCE:
            mark = "above"
            broken.append(f"{series.name}: {what} grows with exponent {found:.2f}, not {law:g}")
        cells = ", ".join(f"{s:,}: {v * factor:.3g}" for s, v in zip(sizes, values, strict=True))
        print(f"| {series.name} | {what}, {unit} | {cells} | {found:.2f} | {law:g} | {mark} |")
    sys.stdout.flush()
    return broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", help="only series whose name holds one of these")
    parser.add_argument("--quick", action="store_true", help="leave out the largest of each")
    options = parser.parse_args()
    print("| series | what | size: value | exponent | law | |\n|---|---|---|---:|---:|---|")
    broken = []
    with at_work():  # as in `fit`
        for series in SERIES:
            if not options.names or any(name in series.name for name in options.names):
                broken += report(series, options.quick)
    print("", *(broken or ["Everything follows its law."]), sep="\n")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
