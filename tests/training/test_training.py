"""Compile, fit, evaluate: what adds up, what takes effect when (pairing: test_pairing.py)."""

import copy
import itertools
import os
import pickle
import signal

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, losses
from tinygrad_mo.callbacks import Callback, LambdaCallback
from tinygrad_mo.training.progress import Progress, epoch_table
from zoo import compiled, headline, numbers, three_heads_at_three_depths

pytestmark = pytest.mark.usefixtures("float64")
BCE = "binary_crossentropy"


def fresh(seed=1, **options):
    tg.set_random_seed(seed)
    return headline(**options)


def moved(model, x, y, **options):
    """What one step changes, by the name of the weight; the losses of the step under "logs"."""
    before = [w.numpy() for w in model.weights]
    logs = model.train_on_batch(x, y, return_dict=True, **options)
    changes = [w.numpy() - b for w, b in zip(model.weights, before, strict=True)]
    return dict(zip(model.named_weights(), changes, strict=True)) | {"logs": logs}


def same(a, b):
    return all(
        np.array_equal(a[name], b[name]) if name != "logs" else a[name] == b[name] for name in a
    )


@pytest.mark.medium
def test_losses_may_be_objects_classes_and_functions():
    def squared(y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean(axis=-1)

    results = []
    for loss in ("mse", losses.MeanSquaredError, losses.MeanSquaredError(), squared):
        model, x, y = fresh()
        model.compile("sgd", loss)
        results.append(moved(model, x, y))
    assert all(same(results[0], other) for other in results[1:])


class TestHistory:
    @pytest.mark.medium
    def test_keys(self):
        model, x, y = fresh()
        metrics = {"main_output": ["accuracy"], "aux_output": ["AUC", "mae"]}
        model.compile("adam", BCE, loss_weights=[1.0, 0.2], metrics=metrics)
        history = model.fit(x, y, epochs=3, validation_split=0.5, verbose=0)
        names = ["loss", "main_output_loss", "aux_output_loss", "main_output_accuracy"]
        names += ["aux_output_AUC", "aux_output_mae"]
        assert model.metrics_names == names
        accounts = ("weighted", "share", "gradient_share")
        parts = [f"{kind}/{o}" for kind in accounts for o in ("main_output", "aux_output")]
        assert list(history.history) == names + parts + [f"val_{name}" for name in names]
        assert history.epoch == [0, 1, 2]
        assert all(len(values) == 3 for values in history.history.values())

    def test_one_output_has_only_its_loss(self):
        x = tg.Input((3,))
        model = compiled(x, layers.Dense(1)(x), "mse", None)
        model.compile("sgd", "mse", metrics="mae")
        assert list(model.fit(numbers(3), numbers(1), verbose=0).history) == ["loss", "mae"]

    def test_the_parts_add_up(self):
        model, x, y = three_heads_at_three_depths()
        history = model.fit(x, y, epochs=4, batch_size=3, verbose=0).history
        heads = [np.array(history[f"{name}_loss"]) for name in ("early", "middle", "late")]
        total = 0.5 * heads[0] + heads[1] + 3.0 * heads[2] + np.array(history["regularization"])
        np.testing.assert_allclose(history["loss"], total, rtol=1e-12)
        names = ["early", "middle", "late", "regularization"]
        for epoch, total in enumerate(history["loss"]):
            assert sum(history[f"weighted/{name}"][epoch] for name in names) == total  # exactly
            for kind in ("share", "gradient_share"):
                assert sum(history[f"{kind}/{name}"][epoch] for name in names) == pytest.approx(1)
        assert history["loss"][-1] < history["loss"][0]

    @pytest.mark.medium
    def test_epoch_losses_are_means_over_samples(self):
        """Batches of unequal size count by their samples."""
        model, x, y = fresh()
        model.compile(tg.optimizers.SGD(1e-300), BCE, metrics=["accuracy", "AUC", "mae"])
        history = model.fit(x, y, batch_size=3, verbose=0).history
        expected = model.evaluate(x, y, return_dict=True)
        found = {key: history[key][0] for key in expected}
        assert found == pytest.approx(expected, rel=1e-12)

    def test_metrics_of_one_name_belong_to_every_output(self):
        model, _, _ = fresh()
        model.compile("sgd", BCE, metrics=["accuracy"])
        assert model.metrics_names[-2:] == ["main_output_accuracy", "aux_output_accuracy"]


@pytest.mark.medium
def test_train_on_batch_returns_the_losses_before_its_step():
    model, x, y = fresh()
    before = model.evaluate(x, y)
    assert model.train_on_batch(x, y) == pytest.approx(before, rel=1e-12)
    assert model.evaluate(x, y)[0] < before[0]


@pytest.mark.medium
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_evaluate_does_not_depend_on_the_batch_size(batch_size):
    model, x, y = fresh()
    model.compile("sgd", BCE, metrics=[["accuracy", "auc"], "mae"])
    found = model.evaluate(x, y, batch_size=batch_size, return_dict=True)
    assert found == pytest.approx(model.evaluate(x, y, return_dict=True), rel=1e-12)
    assert list(found) == model.metrics_names


@pytest.mark.medium
def test_validation_split_holds_back_the_last_samples():
    model, x, y = fresh()
    model.compile(tg.optimizers.SGD(1e-300), BCE)
    history = model.fit(x, y, validation_split=0.25, verbose=0).history
    last, first = ([a[s] for a in x] for s in (slice(3, None), slice(3)))
    y_last, y_first = ([a[s] for a in y] for s in (slice(3, None), slice(3)))
    assert history["val_loss"] == pytest.approx([model.evaluate(last, y_last)[0]], rel=1e-12)
    assert history["loss"] == pytest.approx([model.evaluate(first, y_first)[0]], rel=1e-12)


def test_validation_data_may_carry_weights():
    model, x, y = fresh()
    weights = np.array([1.0, 0.0, 2.0, 3.0])
    history = model.fit(x, y, validation_data=(x, y, weights), verbose=0).history
    expected = model.evaluate(x, y, sample_weight=weights)
    assert history["val_loss"] == pytest.approx([expected[0]], rel=1e-12)


class TestSampleWeights:
    WEIGHTS = np.array([0.5, 0.0, 2.0, 1.0])

    def losses(self, sample_weight, reduction="sum_over_batch_size"):
        model, x, y = fresh()
        model.compile("sgd", losses.BinaryCrossentropy(reduction=reduction))
        return model.evaluate(x, y, sample_weight=sample_weight)[1:]

    def by_hand(self, weights, count):
        model, x, y = fresh()
        predictions = model.predict(x)
        each = [
            -(t * np.log(p) + (1 - t) * np.log(1 - p))[:, 0]
            for t, p in zip(y, predictions, strict=True)
        ]
        return [(w * one).sum() / count for w, one in zip(weights, each, strict=True)]

    @pytest.mark.medium
    @pytest.mark.parametrize(
        ("given", "main", "aux"),
        [
            (WEIGHTS, WEIGHTS, WEIGHTS),
            (WEIGHTS.tolist(), WEIGHTS, WEIGHTS),
            ([WEIGHTS, np.ones(4)], WEIGHTS, np.ones(4)),
            ([WEIGHTS, None], WEIGHTS, np.ones(4)),
            ({"aux_output": WEIGHTS}, np.ones(4), WEIGHTS),
            ({"aux_output": WEIGHTS, "main_output": 3 - WEIGHTS}, 3 - WEIGHTS, WEIGHTS),
            (None, np.ones(4), np.ones(4)),
        ],
    )
    def test_they_reach_the_right_output(self, given, main, aux):
        assert self.losses(given) == pytest.approx(self.by_hand([main, aux], 4), rel=1e-9)

    @pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight"])
    def test_none_is_negative(self, reduction):
        with pytest.raises(ValueError, match=r"'aux_output': that of sample 2 is -0\.5, it"):
            self.losses({"aux_output": [1.0, 0.0, -0.5, 1.0]}, reduction)

    def test_one_number_is_not_that_of_all_samples(self):
        words = r"'main_output': shape \(\), expected \(4,\), one number for each sample"
        with pytest.raises(ValueError, match=words):
            self.losses([2.0, self.WEIGHTS])

    def test_the_mean_by_weight_divides_by_their_sum(self):
        found = self.losses(self.WEIGHTS, "mean_with_sample_weight")
        expected = self.by_hand([self.WEIGHTS] * 2, self.WEIGHTS.sum())
        assert found == pytest.approx(expected, rel=1e-9)

    @pytest.mark.medium
    def test_a_sample_of_weight_0_teaches_nothing(self):
        model, x, y = fresh()
        twin, _, _ = fresh()
        other = [np.where(self.WEIGHTS[:, None] == 0, 1 - t, t) for t in y]
        one = moved(model, x, y, sample_weight=self.WEIGHTS)
        two = moved(twin, x, other, sample_weight=self.WEIGHTS)
        assert same({**one, "logs": 0}, {**two, "logs": 0})


class TestOutputsWithoutLoss:
    @pytest.mark.medium
    def test_fit_warns_and_names_the_weights_that_stay(self):
        model, x, y = fresh()
        model.compile("sgd", {"main_output": BCE})
        before = model.get_layer("aux_output").kernel.numpy()
        words = r"no loss reaches aux_output/kernel, aux_output/bias.*without a loss: aux_output"
        with pytest.warns(UserWarning, match=words):
            history = model.fit(x, y[0], verbose=0)
        assert list(history.history) == ["loss", "main_output_loss"]
        assert (model.get_layer("aux_output").kernel.value == before).all()

    @pytest.mark.one_in(8, rest="medium")
    @pytest.mark.parametrize("loss", [[BCE, None], {"main_output": BCE, "aux_output": None}])
    @pytest.mark.parametrize("labels", ["one", "list of one", "dict", "all"])
    def test_labels_may_be_given_for_the_judged_or_for_all(self, loss, labels):
        model, x, y = fresh()
        model.compile("sgd", loss)
        forms = {"one": y[0], "list of one": [y[0]], "dict": {"main_output": y[0]}, "all": y}
        expected = [headline_loss_alone()] * 2
        assert model.evaluate(x, forms[labels]) == pytest.approx(expected, rel=1e-12)


def headline_loss_alone():
    model, x, y = fresh()
    return model.evaluate(x, y)[1]


@pytest.mark.medium
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_loss_weights_may_change_between_fits(optimizer):
    """They take effect at once, and the optimizer goes on from where it was."""
    model, x, y = fresh(optimizer=optimizer)
    model.fit(x, y, epochs=2, verbose=0)
    state, step = model.optimizer.state, model.optimizer.step
    slots = [slot.copy() for slots in state.values() for slot in slots]
    model.loss_weights["aux_output"] = 0.0
    before = model.get_layer("aux_output").kernel.numpy()
    model.fit(x, y, epochs=1, verbose=0)
    assert model.optimizer.state is state and model.optimizer.step == step + 1
    if optimizer == "sgd":
        assert (model.get_layer("aux_output").kernel.value == before).all()
    else:
        assert len(slots) == sum(map(len, state.values())) > 0
        assert not all(
            np.array_equal(a, b)
            for a, b in zip(slots, itertools.chain(*state.values()), strict=True)
        )


@pytest.mark.medium
def test_loss_weights_given_anew_are_matched_by_name():
    model, x, y = fresh()
    twin, _, _ = fresh(weights=(0.0, 2.0))
    model.loss_weights = {"aux_output": 2.0, "main_output": 0.0}
    assert same(moved(model, x, y), moved(twin, x, y))
    with pytest.raises(ValueError, match="no 'aux_ouput'; did you mean 'aux_output'"):
        model.loss_weights["aux_ouput"] = 1.0


def test_loss_weights_are_a_number_for_each_loss_always():
    model, _, _ = fresh()
    weights = model.loss_weights
    before = dict(weights)
    for change in (
        lambda: weights.update(aux_output=3.0, main_output="2"),
        lambda: weights.update({"aux_output": 3.0, "aux": 1.0}),
        lambda: weights.__setitem__("aux_output", float("nan")),
        lambda: weights.pop("aux_output"),
        lambda: weights.clear(),
        lambda: weights.__delitem__("aux_output"),
    ):
        with pytest.raises((ValueError, TypeError), match="loss_weights: "):
            change()
        assert weights == before
    weights |= {"aux_output": np.float32(0.5)}
    assert model.loss_weights == before | {"aux_output": 0.5}
    assert copy.deepcopy(weights) == pickle.loads(pickle.dumps(weights)) == weights


def test_the_name_of_an_output_stands_for_all_its_losses():
    x = tg.Input((3,))
    model = tg.Model(x, layers.Dense(1, name="a")(x))
    names = ["a_mean_squared_error", "a_mean_absolute_error"]
    for given in ({"a": 0.5}, lambda step, losses: {"a": 0.5}):
        model.compile("sgd", ["mse", "mae"], loss_weights=given)
        model.train_on_batch(np.ones((2, 3)), np.ones((2, 1)))
        assert model.loss_weights == dict.fromkeys(names, 0.5)
    model.loss_weights = {"a": 0.25}
    assert model.loss_weights == dict.fromkeys(names, 0.25)


def test_a_function_that_returns_no_weights_is_named():
    x = tg.Input((3,))
    model = tg.Model(x, layers.Dense(1, name="a")(x))

    def forgets(step, losses):
        pass

    model.compile("sgd", "mse", loss_weights=forgets)
    assert "1 (set by forgets)" in model.pairing()
    before = model.get_weights()
    with pytest.raises(TypeError, match="loss_weights: forgets must return a dict"):
        model.fit(np.ones((2, 3)), np.ones((2, 1)), verbose=0)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.medium
def test_freezing_takes_effect_at_once_and_keeps_the_optimizer():
    model, x, y = fresh(optimizer="adam")
    lstm = model.get_layer("lstm")
    model.fit(x, y, verbose=0)
    state = model.optimizer.state
    means = [slot.copy() for slot in state[lstm.kernel]]
    lstm.trainable = False
    frozen = moved(model, x, y)
    assert not frozen["lstm/kernel"].any() and frozen["embedding/embeddings"].any()
    assert all(np.array_equal(a, b) for a, b in zip(means, state[lstm.kernel], strict=True))
    lstm.trainable = True
    assert moved(model, x, y)["lstm/kernel"].any()
    assert model.optimizer.state is state and model.optimizer.step == 3


def test_a_frozen_nested_model_does_not_move():
    x = tg.Input((3,))
    base = tg.Model(x, layers.Dense(3, name="inner")(x), name="base")
    model = compiled(x, layers.Dense(1, name="head")(base(x)), "mse", None)
    base.trainable = False
    change = moved(model, numbers(3), numbers(1))
    assert not change["base/inner/kernel"].any() and change["head/kernel"].any()


@pytest.mark.medium
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_labels_may_lack_the_last_axis_of_length_1(shape, dtype):
    model, x, y = fresh()
    reshaped = [one.reshape(shape).astype(dtype) for one in y]
    assert same(moved(model, x, reshaped), moved(*fresh()))


@pytest.mark.medium
def test_lists_are_data_too():
    model, x, y = fresh()
    assert same(moved(model, [a.tolist() for a in x], [a.tolist() for a in y]), moved(*fresh()))


class PressCtrlC(Callback):
    def __init__(self, *steps):
        self.steps, self.ended = list(steps), False

    def on_train_batch_begin(self, step, batch):
        while step in self.steps:
            self.steps.remove(step)
            os.kill(os.getpid(), signal.SIGINT)

    def on_train_end(self):
        self.ended = True


class Remember(Callback):
    def __init__(self):
        self.weights = []

    def on_train_batch_end(self, step, logs):
        self.weights.append(self.model.get_weights())


class TestCtrlC:
    @pytest.mark.medium
    def test_it_stops_at_the_end_of_the_running_step(self):
        model, x, y = fresh(optimizer="adam")
        handler = signal.getsignal(signal.SIGINT)
        press = PressCtrlC(5)
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, batch_size=1, epochs=9, verbose=0, callbacks=[press])
        assert model.step == model.optimizer.step == 6 and press.ended
        assert signal.getsignal(signal.SIGINT) is handler

        twin, _, _ = fresh(optimizer="adam")
        remember = Remember()
        twin.fit(x, y, batch_size=1, epochs=2, verbose=0, callbacks=[remember])
        for a, b in zip(model.get_weights(), remember.weights[5], strict=True):
            np.testing.assert_array_equal(a, b)
        model.fit(x, y, verbose=0)  # and can go on

    @pytest.mark.medium
    def test_pressed_twice_it_stops_at_once(self):
        model, x, y = fresh()
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, batch_size=1, verbose=0, callbacks=[PressCtrlC(2, 2)])
        assert model.step == 2


@pytest.mark.medium
def test_callbacks_are_called_in_order():
    seen = []

    class Log(Callback):
        def __getattribute__(self, name):
            if name.startswith("on_"):
                seen.append(name.removeprefix("on_"))
            return super().__getattribute__(name)

    model, x, y = fresh()
    model.fit(x, y, batch_size=3, verbose=0, callbacks=[Log()])
    batch = ["train_batch_begin", "train_batch_end"]
    assert seen == [
        "train_begin",
        "epoch_begin",
        *batch,
        *batch,
        "steps_end",
        "epoch_end",
        "train_end",
    ]


@pytest.mark.medium
def test_fit_prints_a_line_per_epoch(capsys):
    model, x, y = fresh()
    model.fit(x, y, epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 2
    assert "Epoch 1/2" in lines[0] and "loss" in "".join(lines)
    model.fit(x, y, verbose=0)
    assert capsys.readouterr().out == ""
    model.fit(x, y, verbose="auto")
    assert "Epoch 1/1" in capsys.readouterr().out


def test_what_is_told_after_a_step_and_after_an_epoch():
    """Of a step the losses; of an epoch the metrics, too, and whose gradient was how long."""
    x = tg.Input((1,), name="x")
    heads = [layers.Dense(1, use_bias=False, name=name)(x) for name in "ab"]
    model = tg.Model(x, heads)
    for w in model.weights:
        w.assign(np.zeros((1, 1)))
    model.compile("sgd", "mse", loss_weights={"a": 1.0, "b": 2.0}, metrics="mae")
    steps, epochs = [], []
    told = LambdaCallback(
        on_train_batch_end=lambda step, logs: steps.append(set(logs)),
        on_epoch_end=lambda epoch, logs: epochs.append(dict(logs)),
    )
    labels = {"a": np.full((2, 1), 0.03), "b": np.full((2, 1), 0.01)}
    model.fit(np.ones((2, 1)), labels, batch_size=1, verbose=0, callbacks=[told])
    assert steps == [{"loss", "a_loss", "b_loss"}] * 2 and {"a_mae", "b_mae"} < set(epochs[0])
    shares = [epochs[0][f"gradient_share/{name}"] for name in "ab"]
    assert shares == pytest.approx([0.06 / 0.1, 2 * 0.02 / 0.1])


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_an_epoch_that_has_ended_shows_its_numbers(verbose, capsys):
    logs, owners = {"loss": 0.5, "a_loss": 0.25, "b_loss": 0.25}, {"a_loss": "a", "b_loss": "b"}
    for outputs, shown in (
        ("a", "Epoch 1/2  loss 0.5  a_loss 0.25  b_loss 0.25\n"),
        ("ab", epoch_table("Epoch 1/2", logs, "ab", owners) + "\n"),
    ):
        progress = Progress("Epoch 1/2", 3, verbose, outputs, owners)
        progress.close()
        assert capsys.readouterr().out == ""
        progress.close(logs)
        assert capsys.readouterr().out == (shown if verbose else "")


def test_numbers_stand_below_each_other_however_long_a_name_is():
    name = "b" * 30
    logs, owners = {"loss": 0.5, f"{name}_loss": 0.25}, {f"{name}_loss": name}
    table = epoch_table("Epoch 1/2", logs, [name], owners)
    assert len({len(line) for line in table.splitlines()}) == 1


def test_an_output_may_be_called_as_what_is_validated():
    logs = {"loss": 3.0, "val_a_loss": 1.0, "b_loss": 2.0, "val_val_a_loss": 5.0, "val_b_loss": 6.0}
    owners = {"val_a_loss": "val_a", "b_loss": "b"}
    table = epoch_table("Epoch 1/1", logs, ["val_a", "b"], owners)
    assert [line.split() for line in table.splitlines()] == [
        ["Epoch", "1/1", "loss", "val_loss"],
        ["weighted", "sum", "3.000"],
        ["val_a", "1.000", "5.000"],
        ["b", "2.000", "6.000"],
    ]


def test_metrics_see_each_batch_at_once():
    """No batch is kept until somebody asks (but on a GPU, where to ask is to wait)."""
    seen = []

    class Noting(tg.metrics.MeanMetric):
        def scores(self, y_true, y_pred):
            seen.append(len(y_true))
            return np.zeros(len(y_true))

    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(x))
    model.compile("sgd", "mse", metrics=[Noting()])
    counts = []
    note = LambdaCallback(on_train_batch_end=lambda step, logs: counts.append(sum(seen)))
    model.fit(rows(6), np.ones((6, 1)), batch_size=2, verbose=0, callbacks=[note])
    assert np.diff(counts).tolist() == [2, 2]


def broken(x):
    return x * 1.0, (lambda g: g * np.nan,)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": True}, "batch_size must be a whole number, 1 or more, not True"),
        ({"shuffle": "no"}, "fit: shuffle must be True or False, not 'no'"),
        ({"verbose": -3}, "fit: verbose must be 0, 1, 2 or 'auto', not -3"),
        ({"validation_split": "a"}, "validation_split must lie between 0 and 1, not 'a'"),
        ({"validation_split": np.nan}, "validation_split must lie between 0 and 1, not nan"),
        ({"validation_split": -0.1}, "validation_split must lie between 0 and 1, not -0.1"),
        ({"validation_steps": 2}, "validation_steps is for validation_data"),
    ],
)
def test_arguments_of_fit_that_cannot_be_are_refused(options, words):
    model, x, y = fresh()
    with pytest.raises((TypeError, ValueError), match=words):
        model.fit(x, y, **options)
    assert model.step == 0
    if "verbose" in options:
        for call in (model.evaluate, model.predict):
            with pytest.raises(ValueError, match="verbose must be 0, 1, 2 or 'auto', not -3"):
                call(x, **options)


def test_a_function_of_loss_weights_is_looked_at_before_it_is_asked():
    model, _, _ = fresh()
    words = r"loss_weights is called with \(step, losses\), but takes \(step\)"
    with pytest.raises(TypeError, match=words):
        model.compile("sgd", "mse", loss_weights=lambda step: {})
    with pytest.raises(TypeError, match=words):
        model.loss_weights = lambda step: {}


def test_a_model_whose_losses_need_no_labels_is_given_none():
    x = tg.Input((2,), name="x")
    y = tg.layers.Dense(2)(x)
    model = tg.Model(x, y)
    model.add_loss(tg.ops.square(y).mean(), "small")
    model.compile("sgd")
    data = np.ones((4, 2))
    assert model.fit(data, verbose=0).history["loss"][0] > 0
    for given in ({"y": data}, {"sample_weight": np.ones(4)}, {"class_weight": {0: 1.0}}):
        (name,) = given
        with pytest.raises(ValueError, match=f"no output has a loss .*: leave {name}"):
            model.fit(data, **given)


@pytest.mark.medium
def test_evaluate_and_predict_are_silent_unless_asked(capsys):
    model, x, y = fresh()
    logs = model.evaluate(x, y, return_dict=True, verbose=0)
    model.predict(x, verbose=1)
    assert capsys.readouterr().out == ""
    model.evaluate(x, y, verbose=1)
    assert capsys.readouterr().out.split()[:2] == ["loss", f"{logs['loss']:.4g}"]


def test_a_nan_gradient_refuses_the_step_and_names_the_weight():
    x = tg.Input((3,))
    h = layers.Dense(2, name="below")(x)
    model = compiled(x, layers.Dense(1, name="above")(tg.ops.Op(broken)(h)), "mse", None, "adam")
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match=r"gradient of 'below/kernel' .* is not finite"):
        model.fit(numbers(3), numbers(1), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.step == model.optimizer.step == 0 and not model.optimizer.state


@pytest.mark.medium
def test_compiling_again_forgets_the_optimizer():
    model, x, y = fresh(optimizer="adam")
    model.fit(x, y, verbose=0)
    model.compile("adam", BCE)
    assert model.step == model.optimizer.step == 0 and not model.optimizer.state


def test_shuffling_draws_a_new_order_each_epoch():
    class Order(Callback):
        def __init__(self):
            self.batches = []

        def on_train_batch_begin(self, step, batch):
            self.batches.append(next(iter(batch.values()))[:, 0].tolist())

    def orders(**options):
        x = tg.Input((1,), name="x")
        model = compiled(x, layers.Dense(1)(x), "mse", None)
        order = Order()
        data = np.arange(20.0)[:, None]
        model.fit(data, data, batch_size=20, epochs=3, verbose=0, callbacks=[order], **options)
        return order.batches

    shuffled = orders()
    assert all(sorted(batch) == list(range(20)) for batch in shuffled)
    assert len(set(map(tuple, shuffled))) == 3
    assert orders(shuffle=False) == [list(range(20))] * 3


class TestWhatALossWeightMoves:
    """The questions of the seed: what does the weight of the auxiliary loss change, and where?"""

    MAIN_ONLY = ("dense/", "dense_1/", "dense_2/", "main_output/")
    BOTH = ("embedding/", "lstm/")

    def ratios(self, optimizer):
        """How far each weight moves in one step for an aux weight of 2, over that for 0.2."""
        changes = []
        for weight in (0.2, 2.0):
            model, x, y = fresh(seed=4, optimizer=optimizer, weights=(1.0, weight))
            changes.append(moved(model, x, y))
        low, high = changes
        return {
            name: np.linalg.norm(high[name]) / np.linalg.norm(low[name])
            for name in low
            if name != "logs"
        }

    @pytest.mark.medium
    def test_sgd(self):
        for name, ratio in self.ratios("sgd").items():
            if name.startswith("aux_output/"):
                assert ratio == pytest.approx(10, rel=1e-9)
            elif name.startswith(self.MAIN_ONLY):
                assert ratio == pytest.approx(1, rel=1e-9)
            else:
                assert name.startswith(self.BOTH) and 1.5 < ratio < 10 - 1e-3

    @pytest.mark.medium
    def test_adam_takes_the_weight_out_again_where_one_loss_rules_alone(self):
        ratios = self.ratios("adam")
        for name in ("aux_output/kernel", "aux_output/bias"):
            assert 1 < ratios[name] < 1.07
        for name, ratio in ratios.items():
            if name.startswith(self.MAIN_ONLY):
                assert ratio == pytest.approx(1, rel=1e-9)

    @pytest.mark.medium
    def test_the_aux_loss_cannot_reach_what_only_the_main_loss_needs(self):
        model, x, y = fresh(weights=(0.0, 1.0))
        for name, change in moved(model, x, y).items():
            if name != "logs":
                assert change.any() == (not name.startswith(self.MAIN_ONLY))


# What is not finite


def rows(samples):
    return np.random.default_rng(0).standard_normal((samples, 3))


def normalised(x, scale=1.0, name="bn"):
    return layers.BatchNormalization(name=name)(x * scale)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid:RuntimeWarning")
def test_a_moving_average_never_takes_what_is_not_finite():
    """It would stay NaN for ever, whatever comes later."""
    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(normalised(x)))
    model.compile("sgd", "mse")
    data, labels = rows(20), np.ones((20, 1))
    before = model.get_weights()
    too_large = data.copy()
    too_large[3] = 1e200  # whose square is infinite
    with pytest.raises(FloatingPointError, match="that 'bn/moving_variance' follows is not finite"):
        model.fit(too_large, labels, verbose=0)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    model.fit(data, labels, epochs=3, verbose=0)
    assert np.isfinite(model.evaluate(data, labels))


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid:RuntimeWarning")
def test_a_branch_without_weight_may_overflow_and_moves_no_average():
    x = tg.Input((3,), name="x")
    wild = layers.Dense(1, name="b")(normalised(x, scale=1e200))
    model = tg.Model(x, {"a": layers.Dense(1, name="a")(x), "b": wild})
    model.compile("sgd", "mse", loss_weights={"b": 0.0})
    data, labels = rows(20), {"a": np.ones((20, 1)), "b": np.ones((20, 1))}
    model.fit(data, labels, verbose=0)
    assert (model.named_weights()["bn/moving_variance"].value == 1).all()


@pytest.mark.medium
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_branch_without_weight_may_overflow_beside_others(optimizer):
    """0 times infinity is NaN, which the kernel of `b` would send into the trunk: it is left out.

    The steps are those of a network without it, to the masks of its dropout.
    """

    def trained(loss_weights):
        tg.set_random_seed(0)
        x = tg.Input((3,), name="x")
        trunk = layers.Dropout(0.5)(layers.Dense(4, name="trunk")(x))
        heads = {"a": layers.Dense(1, name="a")(trunk)}
        if "b" in loss_weights:
            heads["b"] = layers.Dense(1, name="b")(np.exp(1e6 * np.square(trunk)))
        model = tg.Model(x, heads)
        model.compile(optimizer, "mse", loss_weights=loss_weights)
        labels = {name: np.ones((20, 1)) for name in heads}
        for _ in range(2):
            model.train_on_batch(rows(20), labels)
        return {name: w.numpy() for name, w in model.named_weights().items()}

    with np.errstate(all="ignore"):
        found, alone = trained({"a": 1.0, "b": 0.0}), trained({"a": 1.0})
        with pytest.raises(FloatingPointError, match=r"loss 'b': infinity .* op 'exp'"):
            trained({"a": 1.0, "b": 1.0})
    for name, values in alone.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid:RuntimeWarning")
def test_an_infinite_loss_of_weight_0_has_no_share_of_the_gradient():
    x = tg.Input((3,), name="x")
    t = layers.Dense(2, name="t")(x)
    model = tg.Model(x, layers.Dense(1, name="a")(t))
    model.add_loss(tg.ops.exp(tg.ops.square(t) * 1e6).mean(), "wild", weight=0.0)
    model.compile("sgd", "mse")
    history = model.fit(rows(20), np.ones((20, 1)), verbose=0).history
    assert history["gradient_share/a"] == [1.0] and history["gradient_share/wild"] == [0.0]


@pytest.mark.filterwarnings("ignore:divide:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid:RuntimeWarning")
def test_an_error_names_the_row_that_holds_what_it_says():
    x = tg.Input((1,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(tg.ops.log(x)))
    model.compile("sgd", "mse")
    with pytest.raises(FloatingPointError, match=r"NaN \(row 3\) appears first, forward, op 'log'"):
        model.fit([[1.0], [0.0], [2.0], [-1.0]], np.ones(4), shuffle=False, verbose=0)
    model.get_layer("y").kernel.assign([[np.inf]])
    with pytest.raises(FloatingPointError, match=r"'y/kernel' \(1, 1\) holds infinity \(row 0\)"):
        model.fit([[1.0]], np.ones(1), verbose=0)


def test_weights_are_called_as_this_model_calls_them():
    """A layer that came from another model may have another name here."""
    x = tg.Input((3,), name="x")
    first, second = layers.Dense(3), layers.Dense(3)
    for layer in (first, second):
        tg.Model(x, layer(x))  # each is called "dense" there
    h = first(x)
    model = tg.Model(x, {"a": layers.Dense(1, name="a")(h), "b": second(h)})
    model.compile("sgd", {"a": "mse"})
    with pytest.warns(UserWarning, match="no loss reaches dense_1/kernel, dense_1/bias: they keep"):
        model.fit(rows(4), {"a": np.ones((4, 1))}, verbose=0)
    model.compile("sgd", {"b": "mse"})
    second.kernel.assign(np.full((3, 3), np.nan))
    told = "the weight 'dense_1/kernel' .* holds NaN"
    with pytest.raises(FloatingPointError, match=told), pytest.warns(match="reaches a/kernel"):
        model.fit(rows(4), {"b": np.ones((4, 3))}, verbose=0)


def test_an_empty_batch_makes_no_step():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(x))
    model.compile("adam", "mse")
    data, labels = rows(8), np.ones((8, 1))
    model.train_on_batch(data, labels)
    before = model.get_weights()
    with pytest.raises(ValueError, match="the batch holds no samples"):
        model.train_on_batch(data[:0], labels[:0])
    with pytest.raises(ValueError, match="the batch holds no samples"):
        model.fit(iter([(data[:0], labels[:0])]), verbose=0)
    assert model.step == 1 and all(map(np.array_equal, before, model.get_weights()))


def test_a_model_in_training_is_not_compiled():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(x))
    model.compile("adam", "mse")

    class Compiles(Callback):
        def on_epoch_end(self, epoch, logs):
            copy.deepcopy(self.model).compile("sgd", "mae")
            self.model.compile("sgd", "mae")

    with pytest.raises(RuntimeError, match="is being trained: compile it before or after fit"):
        model.fit(rows(8), np.ones((8, 1)), verbose=0, callbacks=[Compiles()])
    model.compile("sgd", "mae")


def joined_samples(loss, width=1):
    """A model that makes one row of 16 samples."""
    x = tg.Input((4,), name="x")
    row = layers.Lambda(lambda x: x.reshape((-1, 64)))(x)
    outputs = [layers.Dense(width, name="y")(row), layers.Dense(1, name="z")(x)]
    model = tg.Model(x, outputs)
    model.compile("sgd", [loss, "mse"])
    return model


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize("replay", [False, True])
@pytest.mark.parametrize("loss", ["mse", "huber", lambda y, p: abs(y - p).mean(axis=-1)])
@pytest.mark.parametrize("way", ["fit", "evaluate", "train_on_batch", "gradient_flow", "predict"])
def test_an_output_that_has_joined_the_samples_is_refused(way, loss, replay):
    model, x, y = joined_samples(loss), np.ones((32, 4)), np.ones((32, 1))
    before = model.get_weights()
    data = [x] if way == "predict" else [x, [y, y]]
    with (
        tg.use(replay=replay),
        pytest.raises(ValueError, match=r"output 'y' has [12] rows for a batch of (16|32) samples"),
    ):
        getattr(model, way)(*data, **({"batch_size": 16} if way == "fit" else {}))
    for w, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, kept)


def test_it_is_refused_also_where_labels_are_classes():
    model = joined_samples("sparse_categorical_crossentropy", width=3)
    y = [np.zeros(32, int), np.ones((32, 1))]
    with pytest.raises(ValueError, match="output 'y' has 2 rows for a batch of 32 samples"):
        model.train_on_batch(np.ones((32, 4)), y, sample_weight=np.ones(32))
