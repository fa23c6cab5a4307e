"""Memory, threads and Ctrl-C: nothing grows, nothing mixes, nothing is cut in half."""

import copy
import gc
import os
import signal
import sys
import threading
import time
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers
from zoo import ZOO


def model_of_sequences(seed=0):
    """Batches of any length."""
    tg.set_random_seed(seed)
    x = tg.Input((None, 3), name="x")
    h = layers.Dense(8, "tanh", name="trunk")(layers.LSTM(6)(x))
    model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in ("a", "b")])
    model.compile("adam", "mse")
    return model


def batch(length, rows=4):
    x = np.random.default_rng(length).normal(size=(rows, length, 3))
    return x, [x[:, 0, :1], x[:, -1, :1]]


def memory_after(work, rounds, warm):
    """Bytes that are held after some rounds, and after all: without garbage collection."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    held = []
    try:
        for n in range(rounds):
            work(n)
            if n in (warm, rounds - 1):
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        gc.enable()
    return held


def model_of_one_length():
    """Its steps are replayed."""
    x = tg.Input((3,), name="x")
    h = layers.Dropout(0.1)(layers.Dense(8, "tanh", name="trunk")(x))
    model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in ("a", "b")])
    model.compile("adam", "mse")
    return model


KINDS = 36  # of batches: more than replays are kept for
OF_ANY_LENGTH = [batch(n % 10 + 2, n // 10 + 1) for n in range(KINDS)]
REPLAYED = [(x[:, 0], y) for x, y in (batch(1, n + 1) for n in range(KINDS))]


@pytest.mark.medium
@pytest.mark.parametrize(
    ("make", "batches", "rounds"),
    [
        (model_of_sequences, OF_ANY_LENGTH, 200),
        pytest.param(model_of_sequences, OF_ANY_LENGTH, 2000, marks=pytest.mark.exhaustive),
        pytest.param(model_of_one_length, REPLAYED, 200, marks=pytest.mark.exhaustive),
    ],
)
def test_memory_stays_flat(make, batches, rounds):
    """What is dropped, as replays are for new kinds of batches, must be freed."""
    model = make()
    early, late = memory_after(
        lambda n: model.train_on_batch(*batches[n % KINDS]), rounds, warm=2 * KINDS - 1
    )
    assert late - early < 100_000, late - early


Q = np.ones((8, 3)), [np.ones((8, 1)), np.zeros((8, 1))]


def fitted(*more, **options):
    model = model_of_one_length()
    model.fit(*Q, epochs=2, verbose=0, callbacks=more, **options)
    model.predict(Q[0])
    return model


def with_callbacks():
    one = tg.callbacks
    watching = one.EarlyStopping(["a_loss", "val_b_loss"]), one.ReduceLROnPlateau("loss")
    files = one.CSVLogger("log.csv"), one.ModelCheckpoint("best.tg"), one.BackupAndRestore("b.tg")
    return fitted(*watching, *files, one.AverageWeights(), tg.FlowRecorder(), validation_split=0.5)


def watched():
    model = fitted()
    flow = model.gradient_flow(*Q)
    flow.save("flow.html")
    model.explain()
    return model


def interrupted():
    def stop(epoch, rate):
        raise KeyboardInterrupt

    model = model_of_one_length()
    try:
        model.fit(*Q, verbose=0, callbacks=[tg.callbacks.LearningRateScheduler(stop)])
    except KeyboardInterrupt:
        return model


def saved_and_loaded():
    fitted().save("model.tg")
    model = tg.load("model.tg")
    model.train_on_batch(*Q)
    return model


def sequential():
    model = tg.Sequential([tg.Input((3,)), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("sgd", "mse", metrics="mae")
    model.fit(Q[0], Q[1][0], verbose=0)
    return model


def balanced():
    model = model_of_one_length()
    model.compile("adam", "mse", loss_weights="pcgrad")
    model.fit(*Q, verbose=0)
    return model


def of_the_zoo(name):
    model, x, y = ZOO[name]()
    model.fit(x, y, batch_size=2, verbose=0)
    model.gradient_flow(x, y)
    return model


WAYS = {
    one.__name__: one
    for one in (
        model_of_one_length, fitted, with_callbacks, watched, interrupted, saved_and_loaded,
        sequential, balanced,
    )
} | {name: partial(of_the_zoo, name) for name in ZOO}  # fmt: skip
SLOW = {"with_callbacks", "watched", *ZOO} - {"nested_twice"}


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.filterwarnings("ignore:ReduceLROnPlateau")
@pytest.mark.parametrize(
    "way", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in WAYS]
)
def test_a_model_that_is_dropped_is_freed_at_once(way, tmp_path, monkeypatch):
    """A model is no circle, whatever was done with it: nobody has to collect garbage."""
    monkeypatch.chdir(tmp_path)
    gc.collect()
    gc.disable()
    try:
        model = WAYS[way]()
        kept = [weakref.ref(x) for x in (model, *model.layers, model.training_plan())]
        arrays = [weakref.ref(w.value) for w in model.weights]
        del model
        assert [x() for x in (*kept, *arrays)] == [None] * len([*kept, *arrays])
    finally:
        gc.enable()


@pytest.mark.medium
@pytest.mark.parametrize("models", [30, pytest.param(200, marks=pytest.mark.exhaustive)])
def test_models_that_are_dropped_leave_no_memory(models):
    """Without garbage collection. (Python keeps some small objects for the next ones.)"""
    data, labels = np.ones((4, 3)), np.ones((4, 1))

    def one_model(n):
        x = tg.Input((3,), name="x")
        model = tg.Model(x, layers.Dense(1, name="y")(layers.Dense(20_000, "tanh")(x)))
        model.compile("adam", "mse")
        model.fit(data, labels, verbose=0)
        model.predict(data)

    early, late = memory_after(one_model, models, warm=9)
    each = (late - early) / (models - 10)
    assert each < 10_000, f"{each:.0f} bytes of each"  # which has 400,000 of weights alone


NAMES = ["headline", "every_merge", "three_heads_at_three_depths"]


def trained(name):
    """A model of the zoo, the history of its fit, and what else is asked of it."""
    model, x, y = MADE[name]
    history = model.fit(x, y, epochs=3, batch_size=2, verbose=0, shuffle=False).history
    flow = model.gradient_flow(x, y, training=False)
    asked = model.predict(x), model.evaluate(x, y), flow.table()
    return repr((history, asked, model.get_weights()))


MADE = {}


@pytest.mark.medium
def test_side_by_side_is_as_one_by_one():
    """Different models train at once, and others predict, evaluate and measure beside them."""
    for name in NAMES:
        tg.set_random_seed(0)
        MADE[name] = ZOO[name]()
    begun = {name: copy.deepcopy(MADE[name]) for name in NAMES}
    reader, x, y = ZOO["headline"]()

    def read(_):
        return repr((reader.predict(x), reader.evaluate(x, y), reader.gradient_flow(x, y).table()))

    one_by_one, read_alone = [trained(name) for name in NAMES], read(0)
    for _ in range(3):
        MADE.update(copy.deepcopy(begun))
        with ThreadPoolExecutor(6) as pool:
            reads = [pool.submit(read, n) for n in range(20)]
            side_by_side = list(pool.map(trained, NAMES))
        assert side_by_side == one_by_one
        assert {one.result() for one in reads} == {read_alone}


class Presses(threading.Thread):
    """Ctrl-C after a while."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def run(self):
        time.sleep(self.seconds)
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.medium
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal to itself")
@pytest.mark.parametrize("times", [5, pytest.param(100, marks=pytest.mark.exhaustive)])
def test_ctrl_c_at_random_moments(times):
    """The model stands between two steps, with the bits of a training that ended there."""
    x, y = batch(5, rows=40)
    draw = np.random.default_rng(0)
    steps_seen = set()
    whole = model_of_sequences()
    at_step = {}

    class Keep(tg.callbacks.Callback):
        phase = "look"

        def on_train_batch_end(self, step, logs):
            at_step[step + 1] = [w.tobytes() for w in whole.get_weights()]

    whole.fit(x, y, batch_size=4, epochs=60, verbose=0, callbacks=[Keep()])
    at_step[0] = [w.tobytes() for w in model_of_sequences().get_weights()]
    for _ in range(times):
        model, press = model_of_sequences(), Presses(draw.uniform(0.001, 0.15))
        try:
            press.start()
            model.fit(x, y, batch_size=4, epochs=60, verbose=0)
            press.join()
            time.sleep(0.01)
        except KeyboardInterrupt:
            pass
        press.join()
        assert [w.tobytes() for w in model.get_weights()] == at_step[model.step]
        steps_seen.add(model.step)
        model.fit(x, y, batch_size=4, verbose=0)
    assert len(steps_seen) > 2  # and not always the same one


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal to itself")
def test_ctrl_c_leaves_a_model_and_its_file_as_they_were(tmp_path, monkeypatch):
    """Wherever it comes: in evaluate, predict, gradient_flow, save or load."""
    monkeypatch.chdir(tmp_path)
    model, x, y = ZOO["readers"]()
    x, y = np.concatenate([x] * 20), [np.concatenate([one] * 20) for one in y]
    model.train_on_batch(x, y)
    model.save("model.tg")

    def state():
        weights = [w.tobytes() for w in model.get_weights()]
        random = repr(model.objective.randomness.states)
        return weights, model.step, random, {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def swallowed(told):
        """Python lets no exception out of what it calls when an object is freed."""
        nonlocal hits
        assert told.exc_type is KeyboardInterrupt
        hits += 1

    monkeypatch.setattr(sys, "unraisablehook", swallowed)
    before, draw, hits = state(), np.random.default_rng(0), 0
    works = {
        "evaluate": lambda: model.evaluate(x, y),
        "predict": lambda: model.predict(x),
        "flow": lambda: model.gradient_flow(x, y),
        "save": lambda: model.save("model.tg"),
        "load": lambda: tg.load("model.tg"),
    }
    for work in works.values():
        work()
        start = time.perf_counter()
        work()
        took = time.perf_counter() - start
        for _ in range(8):
            press = Presses(draw.uniform(0, took))
            try:
                press.start()
                work()
                press.join()
                time.sleep(0.01)
            except KeyboardInterrupt:
                hits += 1
            press.join()
            assert state() == before
    assert hits == 8 * len(works)


def test_ctrl_c_within_a_member_is_not_hidden(tmp_path, monkeypatch):
    """What is half packed cannot be closed, of which nobody has to hear."""

    def pressed(self):
        raise KeyboardInterrupt

    model = model_of_one_length()
    monkeypatch.setattr("zipfile._ZipWriteFile.close", pressed)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path / "model.tg")
    assert list(tmp_path.iterdir()) == []
