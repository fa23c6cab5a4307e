"""A backup knows the fit that wrote it, and refuses to be that of another one."""

from functools import partial

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks, device, layers
from tinygrad_mo.files.archive import CheckpointError
from tinygrad_mo.files.identity import differences, fingerprint

X = np.linspace(-1, 1, 24).reshape(8, 3)
Y = X[:, :1]


class Cut(callbacks.Callback):
    """Pulls the plug after an epoch, once."""

    phase = "keep"
    after = None

    def on_epoch_end(self, epoch, logs):
        if epoch == self.after:
            raise RuntimeError("power cut")


def network(seed=0, constant=1.0, wrapped=None):
    tg.set_random_seed(seed)
    return unseeded_network(constant, wrapped)


def unseeded_network(constant=1.0, wrapped=None):
    x = tg.Input((3,), name="x")
    h = layers.Dropout(0.2)(layers.Dense(4, "tanh")(x * np.full(3, constant)))
    h = h if wrapped is None else layers.Lambda(wrapped, name="own")(h)
    model = tg.Model(x, layers.Dense(1, name="y")(h))
    model.compile("adam", "mse")
    return model


def fit(model, path, *listeners, after=None, epochs=3):
    cut = Cut()
    cut.after = after
    calls = [*listeners, callbacks.BackupAndRestore(path), cut]
    return model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, callbacks=calls).history


def cut_off(model, path, *listeners, after=1, **options):
    with pytest.raises(RuntimeError, match="power cut"):
        fit(model, path, *listeners, after=after, **options)


def refused(words, model, path, *listeners):
    """It is, and neither the model nor the file is changed."""
    before, file = model.get_weights(), path.read_bytes()
    with pytest.raises(CheckpointError, match=words):
        fit(model, path, *listeners)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.step == model.optimizer.step and path.read_bytes() == file


@pytest.mark.medium
def test_a_fit_of_a_loop_over_seeds_is_not_taken_for_another(tmp_path):
    path = tmp_path / "b.tg"
    whole = [fit(network(seed), path) for seed in range(2)]
    assert fit(network(0), path) == whole[0]
    cut_off(network(1), path)
    refused("backup of another fit: it began from other weights, other rand", network(0), path)
    assert fit(network(1), path) == whole[1] and not path.exists()


@pytest.mark.medium
def test_a_second_fit_of_one_model_is_not_taken_for_the_first(tmp_path):
    def program(after=None):
        model = network()
        first = fit(model, tmp_path / "one.tg")
        return first, fit(model, tmp_path / "two.tg", after=after)

    whole = program()
    for after in (0, 1):  # interrupted twice
        with pytest.raises(RuntimeError, match="power cut"):
            program(after)
    refused(
        "another fit: it began from other steps, .*a path of its own",
        network(),
        tmp_path / "two.tg",
    )
    assert program() == whole  # in which the first fit has run again


def test_a_layer_that_differs_is_named_with_how_it_was_made():
    one, other = (
        fingerprint(tg.Model(x, layers.Dense(units, name="y")(x)))
        for x in [tg.Input((3,), name="x")]
        for units in (1, 2)
    )
    said = list(differences(one, other, "{} there, {} here"))
    assert said == ['layers: y Dense(1, name="y") there, Dense(2, name="y") here', "graph"]


@pytest.mark.medium
def test_other_start_weights_are_refused(tmp_path):
    cut_off(network(), tmp_path / "b.tg")
    other = network()
    other.set_weights([w + 1 for w in other.get_weights()])
    refused(r"began from other weights\. Give", other, tmp_path / "b.tg")


@pytest.mark.medium
def test_other_random_numbers_are_refused(tmp_path):
    weights = network().get_weights()
    cut_off(network(), tmp_path / "b.tg")
    other = network(seed=1)
    other.set_weights(weights)
    refused(r"began from other random numbers\. Give", other, tmp_path / "b.tg")


@pytest.mark.medium
def test_a_fit_that_was_interrupted_can_be_called_again_on_the_same_model(tmp_path):
    whole = fit(network(), tmp_path / "b.tg")
    model = network()
    for after in (0, 1):
        cut_off(model, tmp_path / "b.tg", after=after)
    assert fit(model, tmp_path / "b.tg") == whole
    cut_off(model, tmp_path / "b.tg")  # another one, from where the first ended
    refused("another fit", network(), tmp_path / "b.tg")


@pytest.mark.medium
def test_a_program_without_a_seed_goes_on(tmp_path, monkeypatch):
    def begin():
        """As a process that starts: its seed is another one each time."""
        monkeypatch.setattr(device, "UNSEEDED", device.UNSEEDED)
        device.draw_like(np.random.SeedSequence(), seeded=False)

    begin()
    cut_off(unseeded_network(), tmp_path / "b.tg")
    begin()
    first = unseeded_network()
    assert len(fit(unseeded_network(), tmp_path / "c.tg")["loss"]) == 3
    second = unseeded_network()
    refused("another fit: it began from other random numbers", second, tmp_path / "b.tg")
    begin()
    model = unseeded_network()
    assert not np.array_equal(model.get_weights()[0], first.get_weights()[0])
    assert len(fit(model, tmp_path / "b.tg")["loss"]) == 3 and model.step == 6


def scaled(factor):
    return lambda epoch, rate: rate * factor


def rate(epoch, rate, factor):
    return rate * factor


def power(x, exponent):
    return x**exponent


class Rates:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, epoch, rate):
        return rate * self.factor

    def method(self, epoch, rate):
        return rate * self.factor


class Own(callbacks.Callback):
    def __init__(self, *given, data=None):
        self.given, self.data = given, data


def early(**options):
    return callbacks.EarlyStopping(**{"monitor": "loss", "patience": 9} | options)


def scheduled(function):
    return callbacks.LearningRateScheduler(function)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (early(), early(patience=8), "patience 9, now 8"),
        (early(), early(mode="max"), "mode 'auto', now 'max'"),
        (early(), early(min_delta=0.5), "min_delta 0.0, now 0.5"),
        (early(), early(monitor=["loss"]), r"monitor 'loss', now \['loss'\]"),
        (scheduled(scaled(0.5)), scheduled(scaled(0.25)), "schedule"),
        (
            scheduled(lambda e, r: r * 0.5),
            scheduled(lambda e, r: r * 0.25),
            "schedule",
        ),
        (scheduled(partial(rate, factor=0.5)), scheduled(partial(rate, factor=1.0)), "schedule"),
        (scheduled(Rates(0.5)), scheduled(Rates(0.25)), "schedule"),
        (scheduled(Rates(0.5).method), scheduled(Rates(0.25).method), "schedule"),
        (
            scheduled(lambda e, r, f=0.5: r * f),
            scheduled(lambda e, r, f=0.25: r * f),
            "schedule",
        ),
        (
            callbacks.LossWeightScheduler(lambda e, w: {"y": 1.0}),
            callbacks.LossWeightScheduler(lambda e, w: {"y": 2.0}),
            "schedule",
        ),
        (
            callbacks.LambdaCallback(on_epoch_begin=lambda e: None),
            callbacks.LambdaCallback(on_epoch_begin=lambda e: 1),
            "on_epoch_begin",
        ),
        (callbacks.TaskSampler(every={"y": 2}), callbacks.TaskSampler(every={"y": 3}), "every"),
        (Own(1), Own(2), r"given \(1\), now \(2\)"),
        (Own(data=X), Own(data=2 * X), "data"),
    ],
)
def test_what_callbacks_are_made_with_is_compared(one, other, words, tmp_path):
    cut_off(network(), tmp_path / "b.tg", one)
    refused(
        rf"another training: callback \d \(\w+\): {words}.* Run",
        network(),
        tmp_path / "b.tg",
        other,
    )
    fit(network(), tmp_path / "b.tg", one)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({"constant": 1.0}, {"constant": 3.0}, "constants"),
        ({"wrapped": partial(power, exponent=1.0)}, {"wrapped": partial(power, exponent=2.0)}, ""),
    ],
)
def test_constants_are_compared(one, other, words, tmp_path):
    cut_off(network(**one), tmp_path / "b.tg")
    refused(f"another training: .*{words}", network(**other), tmp_path / "b.tg")
    fit(network(**one), tmp_path / "b.tg")


@pytest.mark.medium
def test_another_list_of_callbacks_is_said_in_one_line(tmp_path):
    cut_off(network(), tmp_path / "b.tg")
    names = "'History', 'BackupAndRestore', 'Cut'"
    words = rf"training: callbacks \[{names}\], now \['EarlyStopping', {names}\]\. Run"
    refused(words, network(), tmp_path / "b.tg", early())


@pytest.mark.medium
def test_where_and_how_often_is_written_does_not_matter(tmp_path):
    def run(folder, every, after=None):
        cut = Cut()
        cut.after = after
        calls = [callbacks.CSVLogger(tmp_path / folder), cut]
        calls.append(callbacks.BackupAndRestore(tmp_path / "b.tg", every))
        return network().fit(X, Y, epochs=3, verbose=0, callbacks=calls).history

    whole = run("a.csv", "epoch")
    cut = pytest.raises(RuntimeError, match="power cut")
    with cut:
        run("a.csv", 1, after=1)
    (tmp_path / "b.csv").write_bytes((tmp_path / "a.csv").read_bytes())
    assert run("b.csv", "epoch") == whole


def test_a_callback_that_takes_nothing_is_given_nothing():
    class Plain(callbacks.Callback):
        pass

    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        Plain(3)
