"""Memory, threads and Ctrl-C: nothing grows, nothing mixes, nothing is cut in half."""

import copy
import gc
import os
import signal
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

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


@pytest.mark.medium
@pytest.mark.parametrize("rounds", [300, pytest.param(2000, marks=pytest.mark.slow)])
def test_memory_stays_flat(rounds):
    """More shapes of batches than replays are kept for: what is dropped must be freed."""
    model = model_of_sequences()
    batches = [batch(n % 10 + 2, n // 10 + 1) for n in range(48)]
    early, late = memory_after(
        lambda n: model.train_on_batch(*batches[n % 48]), rounds, warm=2 * 48 - 1
    )
    assert late - early < 100_000, late - early


@pytest.mark.medium
@pytest.mark.parametrize("models", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_models_that_are_dropped_are_freed(models):
    """A model and its callbacks know each other, so that garbage collection has to find them."""
    data, labels = np.ones((4, 3)), np.ones((4, 1))

    def one_model(n):
        x = tg.Input((3,), name="x")
        model = tg.Model(x, layers.Dense(1, name="y")(layers.Dense(500, "tanh")(x)))
        model.compile("adam", "mse")
        model.fit(data, labels, verbose=0)
        model.predict(data)
        del model
        gc.collect()

    early, late = memory_after(one_model, models, warm=9)
    assert late - early < 1000 * models, f"{(late - early) / (models - 10):.0f} bytes of each"


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
@pytest.mark.parametrize("times", [5, pytest.param(100, marks=pytest.mark.slow)])
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
