"""Small trainings of many kinds: what several processes find must be what one process finds.

``mpiexec -n 2 python scenarios.py FILE numpy [NAME ...]`` runs them, and writes what rank 0 has
found, and in which scenarios other ranks have found other bits. In place of "numpy" stand "cupy",
for a GPU per rank, or "double", the double of CuPy. In one process, `found` runs them.
"""

import pickle
import sys
from pathlib import Path

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import callbacks, layers, losses, metrics, ops, optimizers

SAMPLES = 43  # 5 batches of 8, and one of 3: four ranks have different parts, one has none of it


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def whole(below, *shape, seed=1):
    return np.random.default_rng(seed).integers(0, below, shape)


def two_heads(trunk=None, name="x", width=5):
    """Inputs, a sign and a size."""
    x = tg.Input((width,), name=name)
    h = layers.Dense(6, activation="tanh", name="trunk")(x) if trunk is None else trunk(x)
    sign = layers.Dense(1, activation="sigmoid", name="sign")(h)
    return tg.Model(x, [sign, layers.Dense(2, name="size")(h)])


def labels(samples=SAMPLES):
    sign, size = whole(2, samples, 1).astype(float), numbers(samples, 2, seed=2)
    sign[::4], size[1::3] = np.nan, np.nan
    return [sign, size]


def fitted(model, x, y, **options):
    """History, and the weights afterwards."""
    given = {"epochs": 2, "batch_size": 8, "verbose": 0} | options
    history = model.fit(x, y, **given).history
    return history | {name: w.numpy() for name, w in model.named_weights().items()}


def masks_and_draws():
    ids, extra = tg.Input((6,), dtype="int32", name="ids"), tg.Input((3,), name="extra")
    table = layers.Embedding(20, 4, mask_zero=True)
    trunk = layers.LSTM(6, recurrent_dropout=0.2, return_sequences=True)(table(ids))
    trunk = layers.SpatialDropout1D(0.2)(trunk)
    each = layers.Dense(1, activation="sigmoid", name="each")(layers.BatchNormalization()(trunk))
    last = layers.GlobalAveragePooling1D()(trunk)
    both = layers.Dropout(0.2)(layers.concatenate([last, extra]))
    head = layers.Dense(3, kernel_regularizer="l2", name="head")(layers.GaussianNoise(0.1)(both))
    model = tg.Model([ids, extra], [each, head])
    model.compile("adam", ["binary_crossentropy", "mse"], loss_weights=[1.0, 0.2], metrics="mae")
    y = [whole(2, SAMPLES, 6, 1), numbers(SAMPLES, 3, seed=2)]
    weights = {"each": np.linspace(0.5, 2, SAMPLES)}
    return fitted(model, [whole(20, SAMPLES, 6), numbers(SAMPLES, 3)], y, sample_weight=weights)


def few_samples():
    """Fewer than ranks: some have no data."""
    model = two_heads()
    model.compile("adam", ["binary_crossentropy", "mse"], metrics={"sign": "auc"})
    return fitted(model, numbers(10, 5), labels(10), batch_size=3)


def reductions():
    def own(y_true, y_pred):
        return abs(y_true - y_pred).max(axis=-1)

    model = two_heads()
    model.add_loss((model.get_layer("trunk").kernel ** 2).sum(), name="bare", weight=1e-3)
    of_outputs = model.outputs["size"] ** 2
    model.add_loss(of_outputs.mean(), name="small", weight=0.1)
    summed = losses.BinaryCrossentropy(reduction="sum")
    by_weight = losses.MeanAbsoluteError(reduction="mean_with_sample_weight")
    model.compile(optimizers.SGD(0.05), {"sign": summed, "size": [own, by_weight]})
    weights = np.linspace(0, 2, SAMPLES)
    balanced = {"sign": {0: 1.0, 1: 2.5}}
    x = numbers(SAMPLES, 5)
    return fitted(model, x, labels(), sample_weight=weights, class_weight=balanced)


def judged():
    class Within(metrics.MeanMetric):
        def scores(self, y_true, y_pred):
            return (abs(y_true - y_pred) < 0.5).mean(axis=-1)

    model = two_heads()
    chosen = {"sign": ["auc", "f1_score", "precision", "accuracy"], "size": ["r2_score", Within()]}
    model.compile("rmsprop", ["binary_crossentropy", "mse"], metrics=chosen)
    x, y = numbers(SAMPLES, 5), labels()
    watched = [
        callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("val_sign_auc", patience=0, mode="max", factor=0.3),
        callbacks.AverageWeights(),
    ]
    found = fitted(
        model, x, y, epochs=6, validation_data=(x[:19] + 1, labels(19)), callbacks=watched
    )
    return found | {"evaluate": model.evaluate(x, y), "predict": model.predict(x)[0]}


def stepped():
    found = {}
    for n, optimizer in enumerate(
        [
            optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.1),
            optimizers.Adam(0.01, clipvalue=0.01),
            optimizers.AdamW(0.01, global_clipnorm=0.5),
            optimizers.RMSprop(0.01, centered=True),
            optimizers.Adagrad(tg.schedules.ExponentialDecay(0.1, 3, 0.5)),
        ]
    ):
        ids = tg.Input((4,), dtype="int32", name="ids")
        table = layers.Embedding(300, 3, name="table")
        h = layers.Flatten()(table(ids))
        model = tg.Model(ids, [layers.Dense(1, name="a")(h), layers.Dense(2, name="b")(h)])
        model.compile(optimizer, "mse")
        y = [numbers(SAMPLES, 1), numbers(SAMPLES, 2)]
        history = fitted(model, whole(300, SAMPLES, 4), y)
        found |= {f"{n} {name}": x for name, x in history.items()}
    return found


def balanced(methods=("uncertainty", "gradnorm", "pcgrad", "graddrop")):
    """By methods that need the losses, their Gram matrix, or all gradients."""
    found, x, y = {}, numbers(SAMPLES, 5), labels()
    for method in methods:
        model = two_heads()
        model.compile(optimizers.SGD(0.1), ["binary_crossentropy", "mse"], loss_weights=method)
        found |= {f"{method} {n}": v for n, v in fitted(model, x, y, epochs=1).items()}
    model = two_heads()

    def by_size(step, losses):
        return {name: 1 / (0.1 + value) for name, value in losses.items()}

    model.compile(optimizers.SGD(0.1), ["binary_crossentropy", "mse"], loss_weights=by_size)
    return found | {f"own {n}": v for n, v in fitted(model, x, y).items()}


def balanced_by_all():
    return balanced(tg.balancing.METHODS)


def watched():
    """Recorded flows, frozen layers, and a loss that ends."""
    model = two_heads(layers.Dense(6, activation="relu", name="trunk"))
    model.compile("adam", ["binary_crossentropy", "mse"])
    x, y = numbers(SAMPLES, 5), labels()
    recorder = tg.FlowRecorder()
    found = fitted(model, x, y, callbacks=[recorder])
    model.get_layer("trunk").trainable = False
    found |= {f"frozen {n}": v for n, v in fitted(model, x, y).items()}
    flow = model.gradient_flow(x, y)
    grams = {f"flow {name}": m.gram for name, m in flow.parameters.items()}
    return found | grams | {"recorded": len(recorder.flows)}


def streamed():
    model = two_heads()
    model.compile("sgd", ["binary_crossentropy", "mse"])
    x, y = numbers(SAMPLES, 5), labels()
    parts = [slice(0, 7), slice(7, 8), slice(8, 20), slice(20, 43)]
    batches = [(x[part], [one[part] for one in y]) for part in parts]
    found = fitted(model, lambda: iter(batches), None)
    return found | {"once more": model.train_on_batch(x, y)}


def own_op():
    @ops.op
    def shaken(x, *, generator, training=False):
        if not training:
            return x, (lambda g: g,)
        scale = generator.uniform(0.5, 1.5, x.shape)
        return x * scale, (lambda g: g * scale,)

    class Shake(layers.Layer):
        def call(self, x):
            return shaken(x, generator=self.generator)

    model = two_heads(lambda x: Shake()(layers.Dense(6)(x)))
    model.compile("sgd", ["binary_crossentropy", "mse"])
    return fitted(model, numbers(SAMPLES, 5), labels())


def not_finite():
    """All ranks meet it, wherever the sample lies."""
    model = two_heads()
    model.compile(optimizers.SGD(1e200), ["binary_crossentropy", "mse"])
    ends = callbacks.TerminateOnNaN()
    with np.errstate(all="ignore"):
        found = fitted(model, numbers(SAMPLES, 5), labels(), callbacks=[ends], epochs=3)
    return found | {"step": model.step, "told": ends.where.splitlines()[0]}


def refused(build, message):
    try:
        build()
    except ValueError as error:
        assert message in str(error), (message, str(error))
        return {"refused": 1}
    return {"refused": 0}


def across_samples():
    """What one process can train, and several must refuse."""

    class Centred(layers.Layer):
        def call(self, x):
            return x - x.mean(axis=0, keepdims=True)

    model = two_heads(lambda x: layers.Dense(6, activation="relu")(Centred()(x)))
    model.compile("sgd", ["binary_crossentropy", "mse"])
    return refused(lambda: fitted(model, numbers(SAMPLES, 5), labels()), "looks at several samples")


def a_small_sum():
    """A sum over samples that no loss has made: nobody could know that it is none of means."""
    model = two_heads()
    model.add_loss((model.outputs["size"] ** 2).sum() * 1e-6, name="small")
    model.compile("sgd", ["binary_crossentropy", "mse"])
    return refused(
        lambda: model.evaluate(numbers(SAMPLES, 5), labels()), "no mean over the samples"
    )


def stateful():
    x = tg.Input((4, 3), name="x")
    lstm = layers.LSTM(4, stateful=8)
    model = tg.Model(x, layers.Dense(1)(lstm(x)))
    model.compile("sgd", "mse")
    data = numbers(16, 4, 3), numbers(16, 1)
    return refused(lambda: fitted(model, *data, shuffle=False), "train this network in one")


def stopped():
    """By the last of the processes alone, in the middle of an epoch."""

    class Stop(callbacks.Callback):
        def on_train_batch_end(self, step, logs):
            if tg.distributed.rank() == tg.distributed.size() - 1 and step == 8:
                self.model.stop_training = "enough"

    model = two_heads()
    model.compile("sgd", ["binary_crossentropy", "mse"])
    found = fitted(model, numbers(SAMPLES, 5), labels(), callbacks=[Stop()])
    return found | {"step": model.step, "why": model.stop_training}


def not_alike():
    """What one rank may not do in another way; each time it is named, with both values."""
    rank = tg.distributed.rank()

    def fit(message, units=6, optimizer="sgd", loss="mse", seed=0, change=None, **options):
        compiled = {name: options.pop(name, None) for name in ("loss_weights", "metrics")}
        data = numbers(SAMPLES, 5, seed=seed), numbers(SAMPLES, 1), numbers(SAMPLES, 2)
        x, *y = (array[: options.get("samples", SAMPLES)] for array in data)
        options.pop("samples", None)
        model = two_heads(layers.Dense(units, name="trunk"))
        model.compile(optimizer, loss, **compiled)
        if change:
            model.fit(x, y, verbose=0)
            change(model)
        return refused(lambda: fitted(model, x, y, **options), message)["refused"]

    def freeze(model):
        model.get_layer("trunk").trainable = not rank

    def add(model):
        model.set_weights([w + rank for w in model.get_weights()])

    class Act(callbacks.Callback):
        def on_train_batch_begin(self, step, batch):
            if rank:
                self.model.objective.set_weights({"size": 2.0})

    every = [
        fit('trunk Dense(6, name="trunk") on rank 0, Dense(7, name=', units=6 + rank),
        fit("SGD(0.1) on rank 0, SGD(0.2) on rank 1", optimizer=optimizers.SGD([0.1, 0.2][rank])),
        fit('loss "mse" on rank 0, "mae" on rank 1', loss=["mse", "mae"][rank]),
        fit("size 1.0 on rank 0, 3.0 on rank 1", loss_weights={"sign": 1, "size": 1 + 2 * rank}),
        fit("metrics", metrics=["mae", "mse"][rank]),
        fit("epochs 2 on rank 0, 3 on rank 1", epochs=2 + rank),
        fit("batch_size 8 on rank 0, 9 on rank 1", batch_size=8 + rank),
        fit("samples 43 on rank 0, 42 on rank 1", samples=SAMPLES - rank),
        fit("data: x", seed=rank),
        fit("callbacks", callbacks=[callbacks.AverageWeights()] * rank),
        fit("loss weights: size 1.0 on rank 0, 2.0 on rank 1", callbacks=[Act()]),
        fit("frozen", change=freeze),
        fit("differ in weights", change=add),
    ]
    return {"refused": int(all(every))}


SAME = [
    masks_and_draws,
    few_samples,
    reductions,
    judged,
    stepped,
    balanced,
    watched,
    streamed,
    own_op,
    not_finite,
    stopped,
]
REFUSED = [across_samples, a_small_sum, stateful, not_alike]
LONG = [balanced_by_all]  # if they are named


def found(names=()):
    """By scenario, what comes out, all in float64."""
    every = {one.__name__: one for one in SAME + REFUSED + LONG}
    chosen = [*every][: len(SAME) + len(REFUSED) * (tg.distributed.size() > 1)]
    result = {}
    for name in names or chosen:
        with tg.use(floatx="float64"):
            tg.set_random_seed(3)
            result[name] = every[name]()
    return result


def largest_gap(values, expected):
    """Between two results of one scenario, as a share of the largest number of each array."""
    assert list(values) == list(expected)
    worst = 0.0
    for key, y in expected.items():
        x = values[key]
        if isinstance(y, str):
            assert x == y, key
            continue
        x, y = np.asarray(x, float), np.asarray(y, float)
        assert x.shape == y.shape and np.array_equal(np.isnan(x), np.isnan(y)), key
        if (known := ~np.isnan(y)).any():
            size = max(abs(y[known]).max(), 1e-30)
            worst = max(worst, abs(x - y)[known].max() / size)
    return float(worst)


def bits(result):
    """By scenario, everything as text or bytes."""

    def spelled(x):
        return np.asarray(x).tobytes() if not isinstance(x, str) else x

    return {name: {key: spelled(x) for key, x in values.items()} for name, values in result.items()}


if __name__ == "__main__":
    if sys.argv[2] == "cupy":
        tg.use("cupy")
    elif sys.argv[2] == "double":
        sys.path.insert(0, str(Path(__file__).parents[1] / "gpu"))
        import double

        sys.modules.update(double.MODULES)
        tg.use("cupy", kernels=False)
    tg.distributed.init()
    result = found(sys.argv[3:])
    from mpi4py import MPI

    every = MPI.COMM_WORLD.gather(bits(result))
    if not tg.distributed.rank():
        differ = {n for one in every for n in one if one[n] != every[0][n]}
        Path(sys.argv[1]).write_bytes(pickle.dumps((result, differ)))
