"""Ctrl-C belongs to the program; printing never ends a training."""

import io
import os
import signal
import sys

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks
from tinygrad_mo.training.progress import Progress

X = np.random.default_rng(0).normal(size=(8, 3))


def fit(*listeners, verbose=0, names=("a",), **options):
    x = tg.Input((3,), name="x")
    outputs = [tg.layers.Dense(1, name=f"dense_{n}")(x) for n in range(len(names))]
    model = tg.Model(x, dict(zip(names, outputs, strict=True)))
    model.compile("sgd", "mse", metrics="mae")
    options = {"epochs": 3, "batch_size": 4, **options}
    labels = dict.fromkeys(names, X[:, :1])
    model.fit(X, labels, verbose=verbose, callbacks=list(listeners), **options)
    return model


def press():
    os.kill(os.getpid(), signal.SIGINT)


class During(callbacks.Callback):
    """Does something in a step, and notes how far the model was when it ended."""

    def __init__(self, step, what=press, event="begin"):
        self.step, self.what, self.event, self.done = step, what, event, 0

    def on_train_batch_begin(self, step, batch):
        if step == self.step and self.event == "begin":
            self.what()

    def on_train_batch_end(self, step, logs):
        self.done = self.model.step

    def on_epoch_end(self, epoch, logs):
        if epoch == self.step and self.event == "epoch":
            self.what()


@pytest.fixture
def handler():
    """What a program has installed: a list of the steps after which it was called."""
    heard, owner = [], []

    def note(number, frame):
        heard.append(owner[0].done if owner else None)
        assert number == signal.SIGINT and frame is not None

    before = signal.signal(signal.SIGINT, note)
    try:
        yield note, heard, owner
    finally:
        signal.signal(signal.SIGINT, before)


class TestAProgramWithItsOwnHandler:
    def test_is_told_after_the_running_step_and_training_goes_on(self, handler):
        note, heard, owner = handler
        owner.append(During(1))
        model = fit(owner[0])
        assert heard == [2] and model.step == 6 and signal.getsignal(signal.SIGINT) is note

    def test_is_told_of_each_press(self, handler):
        _, heard, _ = handler
        fit(During(1), During(2), During(1, event="epoch"), During(5))
        assert len(heard) == 4

    def test_is_told_at_once_at_the_second_press(self, handler):
        _, heard, owner = handler
        owner.append(During(1, lambda: (press(), press())))
        fit(owner[0])
        assert heard == [1, 1]

    def test_is_told_before_the_next_epoch(self, handler):
        _, heard, owner = handler
        owner.append(During(0, event="epoch"))
        fit(owner[0])
        assert heard == [2]

    def test_may_end_the_training_with_an_error_of_its_own(self):
        def leave(number, frame):
            sys.exit(3)

        before = signal.signal(signal.SIGINT, leave)
        during = During(1)
        try:
            with pytest.raises(SystemExit):
                fit(during)
            assert during.done == 2 and signal.getsignal(signal.SIGINT) is leave
        finally:
            signal.signal(signal.SIGINT, before)

    def test_may_stop_the_training_gently(self, handler):
        model_of = During(1)

        def stop(number, frame):
            model_of.model.stop_training = "enough"

        signal.signal(signal.SIGINT, stop)
        assert fit(model_of).step == 2

    def test_is_told_even_if_the_step_fails(self, handler):
        def fail():
            press()
            raise RuntimeError("out of paper")

        with pytest.raises(RuntimeError):
            fit(During(1, fail))
        assert len(handler[1]) == 1

    def test_keeps_a_handler_that_it_installs_meanwhile(self, handler):
        def other(number, frame):
            pass

        fit(During(1, lambda: signal.signal(signal.SIGINT, other)))
        assert signal.getsignal(signal.SIGINT) is other

    def test_that_ignores_ctrl_c_is_left_alone(self):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        during, seen = During(1), []
        during.what = lambda: (seen.append(signal.getsignal(signal.SIGINT)), press())
        try:
            assert fit(during).step == 6 and seen == [signal.SIG_IGN]
        finally:
            signal.signal(signal.SIGINT, before)


def test_a_fit_within_a_fit_stops_after_its_own_step():
    inner = During(1)

    def within():
        fit(inner)

    outer = During(0, within)
    with pytest.raises(KeyboardInterrupt):
        fit(outer)
    assert (inner.done, outer.done) == (2, 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_pressed_at_the_very_end_of_an_epoch_it_takes_effect_there():
    during = During(2, event="epoch")
    with pytest.raises(KeyboardInterrupt):
        fit(during)
    assert during.done == 6 and not during.model.fitting.finished


# Printing


def printed(encoding, monkeypatch, **options):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    stop = callbacks.EarlyStopping("größe_loss", 1e9, restore_best_weights=True)
    try:
        fit(stop, names=("größe", "年齢"), verbose=2, **options)
        sys.stdout.flush()
        return raw.getvalue().decode(encoding)
    finally:
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", ("grosse", "??")),
        ("cp1252", ("größe", "??")),
        ("cp932", ("grosse", "年齢")),
        ("utf-8", ("größe", "年齢")),
    ],
)
def test_names_that_a_terminal_cannot_show(encoding, shown, monkeypatch):
    lines = printed(encoding, monkeypatch).splitlines()
    assert [line.split()[0] for line in lines[2:4]] == list(shown)
    size = shown[0]
    assert lines[-2:] == [
        f"{size}_loss was best in epoch 1: stopped after epoch 2",
        f"{size}_loss was best in epoch 1: its weights are back",
    ]


class Gone(io.StringIO):
    """A terminal that is no longer there."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error

    def isatty(self):
        raise self.error


@pytest.mark.parametrize(
    "stream",
    [None, Gone(BrokenPipeError(32, "Broken pipe")), Gone(ValueError("closed file"))],
    ids=["none", "broken pipe", "closed"],
)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_terminal_that_is_gone(name, stream, monkeypatch):
    monkeypatch.setattr(sys, name, stream)
    assert fit(verbose=1).step == 6
    monkeypatch.undo()


def test_a_bar_on_a_terminal_that_knows_few_characters(monkeypatch):
    pytest.importorskip("tqdm")

    class Terminal(io.TextIOWrapper):
        def isatty(self):
            return True

    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", Terminal(raw, "ascii"))
    bar = Progress("Epoch 1/1", 2, 1)
    bar.advance({"größe_loss": 1.0})
    bar._bar.refresh()
    bar.close()
    sys.stderr.flush()
    monkeypatch.undo()
    assert b"grosse_loss 1" in raw.getvalue()
