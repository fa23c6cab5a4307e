"""What can happen during fit: stopping, schedules, logs."""

import csv

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks
from tinygrad_mo.device import to_numpy
from zoo import headline


def fit(*listeners, epochs=5, **options):
    model, x, y = headline()
    model.compile("sgd", "binary_crossentropy", loss_weights=[1.0, 0.2], metrics=["accuracy"])
    options = {"validation_data": (x, y), **options}
    history = model.fit(x, y, epochs=epochs, verbose=0, callbacks=list(listeners), **options)
    return model, history


class Scripted(callbacks.Callback):
    """Replaces a number in the logs by a prepared series."""

    def __init__(self, name, series):
        self.name, self.series = name, series

    def on_epoch_end(self, epoch, logs):
        logs[self.name] = self.series[epoch]


def test_early_stopping_waits_for_its_patience():
    script = Scripted("val_loss", [5, 4, 4.5, 4.2, 1])
    stop = callbacks.EarlyStopping(patience=2)
    _, history = fit(script, stop)
    assert (stop.watches[0].best_epoch, stop.stopped_epoch, len(history.epoch)) == (1, 3, 4)


def test_early_stopping_brings_back_the_best_weights():
    kept = []
    keep = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model_weights()))
    stop = callbacks.EarlyStopping(patience=0, restore_best_weights=True)

    def model_weights():
        return stop.model.get_weights()

    model, _ = fit(Scripted("val_loss", [2, 1, 3, 0, 0]), keep, stop)
    for now, then in zip(model.get_weights(), kept[1], strict=True):
        assert now.tobytes() == then.tobytes()


@pytest.mark.parametrize(
    ("monitor", "sign"),
    [("val_aux_output_loss", 1), ("val_main_output_accuracy", -1), ("main_output_auc", -1)],
)
def test_which_way_is_better_follows_from_the_name(monitor, sign):
    assert callbacks.Watch(monitor).sign == sign


@pytest.mark.medium
def test_early_stopping_can_end_one_loss_only():
    script = Scripted("val_aux_output_loss", [1, 2, 3, 4, 5])
    stop = callbacks.EarlyStopping("val_aux_output_loss", only="aux_output", freeze=["aux_output"])
    model, history = fit(script, stop)
    assert len(history.epoch) == 5 and stop.stopped_epoch == 1
    assert model.loss_weights == {"main_output": 1.0, "aux_output": 0.0}
    assert not model.get_layer("aux_output").trainable


def test_a_misspelt_monitor_is_an_error_before_the_first_epoch():
    with pytest.raises(ValueError, match="did you mean 'val_aux_output_loss'"):
        fit(callbacks.EarlyStopping("val_aux_loss"))
    with pytest.raises(ValueError, match="did you mean 'aux_output'"):
        fit(callbacks.EarlyStopping(only="aux"))
    with pytest.raises(ValueError, match="no validation data"):
        fit(callbacks.EarlyStopping("val_loss"), validation_data=None)


@pytest.mark.medium
def test_learning_rate_falls_on_a_plateau():
    lower = callbacks.ReduceLROnPlateau(patience=2, factor=0.5, min_lr=0.004)
    model, _ = fit(Scripted("val_loss", [1] * 7), lower, epochs=7)
    assert model.optimizer.learning_rate == 0.004  # 0.01, after two epochs 0.005, then the least


@pytest.mark.medium
def test_learning_rate_follows_a_schedule():
    rates = []
    watch = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(schedule.model.optimizer.learning_rate)
    )
    schedule = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    fit(schedule, watch, epochs=3)
    assert rates == [0.005, 0.0025, 0.00125]


@pytest.mark.medium
def test_loss_weights_follow_a_schedule_and_keep_the_optimizer():
    seen = []
    schedule = callbacks.LossWeightScheduler(lambda epoch, weights: {"aux_output": 1 / (1 + epoch)})
    watch = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(schedule.model.loss_weights["aux_output"])
    )
    model, _ = fit(schedule, watch, epochs=3)
    assert seen == [1, 1 / 2, 1 / 3]
    assert model.optimizer.step == 3
    with pytest.raises(ValueError, match="did you mean 'aux_output'"):
        fit(callbacks.LossWeightScheduler(lambda epoch, weights: {"aux": 1.0}))


@pytest.mark.medium
def test_csv_holds_the_history(tmp_path):
    path = tmp_path / "log.csv"
    _, history = fit(callbacks.CSVLogger(str(path)), epochs=2)
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    for name, values in history.history.items():
        assert [float(row[name]) for row in rows] == values


def test_unknown_hook_is_explained():
    with pytest.raises(ValueError, match="did you mean 'on_epoch_end'"):
        callbacks.LambdaCallback(on_epoch_ends=print)


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize("given", [3, 0, False, "callbacks", {"stop": callbacks.Callback()}])
def test_callbacks_are_one_or_a_list(given):
    model, x, y = headline()
    with pytest.raises(TypeError, match="callbacks must be a list, not "):
        model.fit(x, y, verbose=0, callbacks=given)
    with pytest.raises(TypeError, match=r"callbacks: Callback is a class, write Callback\(...\)"):
        model.fit(x, y, verbose=0, callbacks=callbacks.Callback)
    model.fit(x, y, verbose=0, callbacks=callbacks.Callback())


# Class weights, missing labels, several losses


def binary(missing=None):
    """One yes or no from three numbers."""
    with tg.use(floatx="float64"):
        x = tg.Input((3,), name="x")
        model = tg.Model(x, tg.layers.Dense(1, "sigmoid", name="y")(x))
        model.compile("sgd", tg.losses.BinaryCrossentropy(missing=missing))
    return model


X = np.random.default_rng(5).normal(size=(6, 3))
Y = np.array([1.0, 0, 0, 0, 1, 0])


def gradient(model, x, y, **options):
    plan = model.training_plan()
    tape = plan.forward(model.labelled_data(x, y, **options))
    return to_numpy(plan.backward(tape, [1.0])[model.get_layer("y").kernel][0])


def test_class_weight_is_a_sample_weight():
    model = binary()
    by_class = gradient(model, X, Y, class_weight={0: 0.5, 1: 3.0})
    by_sample = gradient(model, X, Y, sample_weight=np.where(Y == 1, 3.0, 0.5))
    assert by_class.tobytes() == by_sample.tobytes()
    balanced = gradient(model, X, Y, class_weight="balanced")
    assert balanced == pytest.approx(gradient(model, X, Y, class_weight={0: 6 / 8, 1: 6 / 4}))


def test_class_weight_by_output():
    model, x, y = headline()
    weighted = model.labelled_data(x, y, class_weight={"aux_output": {0: 2.0}})
    assert (weighted[model.objective.terms["main_output"].weights] == 1).all()
    assert set(weighted[model.objective.terms["aux_output"].weights].tolist()) <= {1.0, 2.0}
    with pytest.raises(ValueError, match="no label is 7"):
        model.fit(x, y, class_weight={"aux_output": {7: 2.0}})


def test_weights_for_nothing_are_none():
    """An empty dict can be one by class or one by output: both say the same."""
    model, x, y = headline()
    plain = model.evaluate(x, y)
    assert model.evaluate(x, y, class_weight={}) == plain
    assert model.evaluate(x, y, sample_weight={}) == plain


@pytest.mark.parametrize("mark", [np.nan, -1.0])
def test_samples_without_a_label_do_not_count(mark):
    model = binary(missing=-1.0)
    some = np.where([1, 0, 1, 1, 0, 1], Y, mark)
    kept = ~np.isin(np.arange(6), [1, 4])
    assert gradient(model, X, some) == pytest.approx(gradient(model, X[kept], Y[kept]), rel=1e-12)
    assert model.evaluate(X, some, batch_size=4) == pytest.approx(model.evaluate(X[kept], Y[kept]))


def test_one_output_may_lack_labels_that_the_other_has():
    model, x, (main, aux) = headline()
    flow = model.gradient_flow(x, [main * 1.0, np.full(aux.shape, np.nan)])
    assert flow.norm("aux_output", "lstm/kernel") == 0 and flow.reaches("aux_output", "lstm/kernel")
    assert flow.norm("main_output", "lstm/kernel") > 0


def test_partly_labelled_rows_are_refused():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, tg.layers.Dense(2, name="y")(x))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="row 1 has labels for a part of the output only"):
        model.fit(X[:2], [[1.0, 2.0], [np.nan, 1.0]], verbose=0)


def test_two_losses_on_one_output_both_count():
    model = binary()
    model.compile("sgd", ["mse", "mae"], loss_weights=[1.0, 0.5])
    logs = model.evaluate(X, Y, return_dict=True)
    error = Y - model.predict(X)[:, 0]
    assert list(logs) == ["loss", "y_mean_squared_error_loss", "y_mean_absolute_error_loss"]
    assert logs["loss"] == pytest.approx((error**2).mean() + 0.5 * np.abs(error).mean())
    flow = model.gradient_flow(X, Y)
    assert len(flow.losses) == 2 and flow.reaches("y_mean_absolute_error", "y/kernel")


def test_a_loss_on_an_inner_tensor_and_across_outputs():
    with tg.use(floatx="float64"):
        x = tg.Input((3,), name="x")
        h = tg.layers.Dense(4, "tanh", name="h")(x)
        a, b = (tg.layers.Dense(1, name=name)(h) for name in "ab")
        model = tg.Model(x, [a, b])
        model.add_loss((h * h).mean(), name="small", weight=0.1)
        model.add_loss(((a - b) ** 2).mean(), name="alike")
        model.compile("sgd", {"a": "mse"}, loss_weights={"a": 2.0})
    assert model.loss_weights == {"a": 2.0, "small": 0.1, "alike": 1.0}
    flow = model.gradient_flow(X, Y)
    assert flow.reaches("small", "h") and not flow.reaches("small", "a")
    assert flow.reaches("alike", "b") and not flow.reaches("a", "b")
    logs = model.train_on_batch(X, Y, return_dict=True)
    assert logs["loss"] == pytest.approx(2 * logs["a_loss"] + 0.1 * logs["small"] + logs["alike"])
    with pytest.raises(ValueError, match="must be a scalar"):
        model.add_loss(h, name="wide")


def test_the_pairing_is_shown():
    x = tg.Input((3,), name="x")
    a, b, c = (tg.layers.Dense(n, name=name)(x) for n, name in ((1, "a"), (4, "b"), (2, "c")))
    model = tg.Model(x, [a, b, c])
    model.add_loss((a * a).mean(), name="small", weight=0.1)
    cce = tg.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", {"b": cce, "a": "mse"}, {"b": 0.2}, metrics={"b": "accuracy"})
    assert model.pairing().splitlines() == [
        "output  loss                             weight  metrics   labels",
        "a       mean_squared_error               1       -         (None, 1)",
        "b       sparse_categorical_crossentropy  0.2     accuracy  (None,)",
        "-       small                            0.1     -         -",
        "c       none                             -       -         -",
    ]


@pytest.mark.parametrize(
    ("units", "activation", "loss", "words"),
    [
        (3, "softmax", "binary_crossentropy", "softmax makes the classes exclude each other"),
        (1, "softmax", "categorical_crossentropy", "the share of one class alone is always 1"),
        (1, "sigmoid", "kl_divergence", "the share of one class alone is always 1"),
        (2, "sigmoid", "squared_hinge", "sigmoid is never below 0, .* leave out sigmoid"),
        (1, "sigmoid", tg.losses.BinaryCrossentropy(from_logits=True), "leave out from_logits"),
    ],
)
def test_odd_pairs_of_activation_and_loss_are_named(units, activation, loss, words):
    x = tg.Input((3,), name="x")
    model = tg.Model(x, tg.layers.Dense(units, activation, name="y")(x))
    with pytest.warns(UserWarning, match=f"on output 'y': .*{words}"):
        model.compile("sgd", loss)


# Several monitors, sampling of tasks, checkpoints, NaN, live weights


@pytest.mark.medium
@pytest.mark.parametrize(("combine", "stopped"), [("any", 2), ("all", 4)])
def test_several_monitors(combine, stopped):
    scripts = [
        Scripted("val_main_output_loss", [5, 4, 4, 4, 4, 4]),
        Scripted("val_aux_output_loss", [5, 4, 3, 2, 2, 2]),
    ]
    names = ["val_main_output_loss", "val_aux_output_loss"]
    stop = callbacks.EarlyStopping(names, combine=combine)
    model, history = fit(*scripts, stop, epochs=6)
    assert stop.stopped_epoch == stopped and len(history.epoch) == stopped + 1
    assert "val_main_output_loss was best in epoch 2" in model.stop_training
    assert ("val_aux_output_loss" in model.stop_training) == (combine == "all")


def test_several_monitors_have_no_best_epoch():
    with pytest.raises(ValueError, match="needs one monitor"):
        callbacks.EarlyStopping(["a", "b"], restore_best_weights=True)


def losses_taking_part(sampler, epochs=4, batch_size=1):
    """By epoch and step, the names of the losses whose weight is not 0."""
    steps = []

    def note(step, batch):
        weights = sampler.model.loss_weights
        steps.append({name for name, weight in weights.items() if weight})

    watch = callbacks.LambdaCallback(on_train_batch_begin=note)
    watch.phase = "look"
    model, _ = fit(sampler, watch, epochs=epochs, batch_size=batch_size)
    assert model.loss_weights == {"main_output": 1.0, "aux_output": 0.2}
    return steps


@pytest.mark.medium
def test_across_tasks_each_step_trains_one_loss():
    tg.set_random_seed(0)
    sampler = callbacks.TaskSampler(across={"main_output": 3, "aux_output": 1})
    steps = losses_taking_part(sampler, epochs=50)
    assert all(len(step) == 1 for step in steps) and len(steps) == 200
    share = sum("main_output" in step for step in steps) / len(steps)
    assert abs(share - 0.75) < 0.1  # three standard deviations


def test_a_loss_can_take_part_in_every_second_epoch_only():
    sampler = callbacks.TaskSampler(every={"aux_output": 2})
    steps = losses_taking_part(sampler)
    assert [("aux_output" in step) for step in steps] == ([True] * 4 + [False] * 4) * 2
    assert all("main_output" in step for step in steps)


def test_within_a_task_a_share_of_the_samples_counts():
    tg.set_random_seed(0)
    x = tg.Input((3,))
    model = tg.Model(x, [tg.layers.Dense(1, name=name)(x) for name in "ab"])
    model.compile("sgd", {"a": "mse", "b": ["mse", "mae"]})  # the losses of b share its labels
    counts = []

    def note(step, batch):
        a, b = (batch[model.objective.judged()[name].weights] for name in "ab")
        counts.append([(~np.isnan(a)).mean(), (~np.isnan(b)).mean()])

    look = callbacks.LambdaCallback(on_train_batch_begin=note)
    look.phase = "look"
    sampler, data = callbacks.TaskSampler(within={"b": 0.5}), np.ones((4000, 3))
    y = [data[:, :1]] * 2
    model.fit(data, y, batch_size=4000, epochs=2, verbose=0, callbacks=[look, sampler])
    assert all(a == 1 and abs(b - 0.5) < 0.04 for a, b in counts)  # five standard deviations


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"across": {"aux": 1}}, "did you mean 'aux_output'"),
        ({"within": {"main_output": 1.5}}, "between 0 and 1"),
        ({"every": {"main_output": 0}}, "1 or more"),
        ({"across": {"main_output": 0}}, "above 0"),
    ],
)
def test_impossible_samplings_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        fit(callbacks.TaskSampler(**options))


@pytest.mark.medium
def test_checkpoints_hold_the_best_model(tmp_path):
    script = Scripted("val_loss", [3, 2, 4, 1, 5])
    path = tmp_path / "{epoch}-{val_loss:.1f}.tg"
    fit(script, callbacks.ModelCheckpoint(path, save_best_only=True))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-3.0.tg", "2-2.0.tg", "4-1.0.tg"]
    assert tg.load(tmp_path / "4-1.0.tg").step == 4
    with pytest.raises(ValueError, match="did you mean 'val_loss'"):
        fit(callbacks.ModelCheckpoint(tmp_path / "{val_los}.tg"))


@pytest.mark.medium
def test_a_checkpoint_can_hold_weights_only(tmp_path):
    model, _ = fit(callbacks.ModelCheckpoint(tmp_path / "w.tg", save_weights_only=True))
    before = model.get_weights()
    model.load_weights(tmp_path / "w.tg")
    assert [w.tobytes() for w in before] == [w.tobytes() for w in model.get_weights()]


def diverging(rate=1e30):
    x = tg.Input((3,), name="x")
    hidden = tg.layers.Dense(4, name="hidden")(x)
    y = tg.layers.Dense(1, name="y")(tg.ops.exp(hidden))
    model = tg.Model(x, [y, tg.layers.Dense(1, name="z")(hidden)])
    model.compile(tg.optimizers.SGD(rate), "mse")
    return model, np.ones((4, 3)), [np.ones((4, 1)), np.ones((4, 1))]


def test_nan_stops_the_training_and_its_birthplace_is_named():
    model, x, y = diverging()
    stop = callbacks.TerminateOnNaN()
    with np.errstate(all="ignore"):
        history = model.fit(x, y, epochs=5, verbose=0, callbacks=[stop])
    assert 1 <= len(history.epoch) < 5
    assert "first, forward" in stop.where and "wired at" in stop.where
    assert all(np.isfinite(w).all() for w in model.get_weights())  # the last that were right


class Spoil(callbacks.Callback):
    """Feeds NaN in one step."""

    def __init__(self, at):
        self.at, self.told = at, []

    def on_train_batch_begin(self, step, batch):
        self.told.append(step)
        if step == self.at:
            batch.update({t: a * np.nan for t, a in batch.items() if t.name == "x"})


class GiveUp(callbacks.Callback):
    def on_not_finite(self, where):
        return True


@pytest.mark.parametrize("handles", [GiveUp, callbacks.TerminateOnNaN])
def test_a_callback_that_handles_what_is_not_finite_stops_the_training(handles, tmp_path):
    tg.set_random_seed(0)
    spoil, path = Spoil(at=4), tmp_path / "{epoch}.tg"
    sampler = callbacks.TaskSampler(across={"a": 1, "b": 1})
    listeners = [spoil, sampler, handles(), callbacks.ModelCheckpoint(path)]
    model, history = fit_small(listeners, epochs=5, loss_weights=[1.0, 0.5])
    assert spoil.told == [0, 1, 2, 3, 4] and model.step == 4 and len(history["loss"]) == 2
    assert "no step was made" in model.stop_training
    for one in (model, tg.load(tmp_path / "2.tg")):
        assert one.loss_weights == {"a": 1.0, "b": 0.5}


def test_without_the_callback_nan_is_an_error_that_names_loss_layer_and_line():
    model, x, y = diverging()
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError) as caught:
        model.fit(x, y, epochs=5, verbose=0)
    assert "no step was made" in str(caught.value) and __file__ in str(caught.value)
    assert "the rows of this batch are the samples" in caught.value.__notes__[-1]


def test_nan_that_is_born_on_the_way_back():
    """sqrt(0) is 0, but its slope is infinite: the forward pass looks fine."""
    x = tg.Input((2,), name="x")
    h = tg.layers.Dense(2, kernel_initializer="zeros", name="below")(x)
    y = tg.layers.Dense(1, name="y")(tg.ops.sqrt(h))
    model = tg.Model(x, [y, tg.layers.Dense(1, name="z")(h)])
    model.compile("sgd", "mse")
    born_backward = pytest.raises(FloatingPointError, match="in the backward sweep")
    with np.errstate(all="ignore"), born_backward as caught:
        model.fit(np.ones((4, 2)), [np.ones((4, 1))] * 2, verbose=0)
    assert "loss 'y'" in str(caught.value) and "op 'sqrt'" in str(caught.value)


def test_loss_weights_can_follow_the_losses():
    """A function that is asked before each sweep, as balancing methods need it."""
    asked = []

    def balance(step, losses):
        asked.append((step, dict(losses)))
        return {"aux_output": losses["main_output"] / losses["aux_output"]}

    model, x, y = headline()
    model.compile("sgd", "binary_crossentropy", loss_weights=balance)
    history = model.fit(x, y, epochs=3, verbose=0).history
    assert [step for step, _ in asked] == [0, 1, 2] and model.optimizer.step == 3
    for epoch, (_, losses) in enumerate(asked):
        assert history["weighted/main_output"][epoch] == pytest.approx(losses["main_output"])
        assert history["share/aux_output"][epoch] == pytest.approx(0.5, rel=1e-6)
    model.loss_weights = {"main_output": 1.0}
    assert model.objective.balancer is None and model.loss_weights["aux_output"] == 1.0


def test_loss_weights_per_step():
    seen = []
    schedule = callbacks.LossWeightScheduler(lambda step, _: {"aux_output": step}, per="step")
    watch = callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: seen.append(schedule.model.loss_weights["aux_output"])
    )
    fit(schedule, watch, epochs=2, batch_size=2)
    assert seen == [0, 1, 2, 3]


# The order of callbacks, hooks that would never be called, arguments, paths


def small(optimizer="sgd", **options):
    tg.set_random_seed(1)
    x = tg.Input((3,), name="x")
    h = tg.layers.Dense(4, "tanh", name="h")(x)
    model = tg.Model(x, [tg.layers.Dense(1, name=name)(h) for name in "ab"])
    model.compile(optimizer, "mse", **options)
    return model


def fit_small(listeners, epochs=2, model=None, **options):
    model = small(**options) if model is None else model
    data = X, [X[:, :1], X[:, 1:2]]
    history = model.fit(
        *data, batch_size=2, epochs=epochs, verbose=0, callbacks=listeners, validation_data=data
    )
    return model, history.history


class Look(callbacks.Callback):
    """Keeps the weights of the losses as each step begins."""

    phase = "look"

    def __init__(self):
        self.seen = []

    def on_train_batch_begin(self, step, batch):
        missing = {
            n: bool(np.isnan(batch[t.weights]).any()) for n, t in self.model.objective.terms.items()
        }
        self.seen.append((dict(self.model.loss_weights), missing))


class Add(callbacks.Callback):
    """Puts a number of its own into logs."""

    def on_epoch_end(self, epoch, logs):
        logs["own"] = float(epoch)


def everything(folder):
    """One callback of each kind; no two of one phase do the same."""
    tg.set_random_seed(2)
    return [
        Look(),
        Add(),
        callbacks.LossWeightScheduler(lambda step, weights: {"a": 1.0 + step}, per="step"),
        callbacks.TaskSampler(across={"a": 1, "b": 1}, within={"b": 0.5}),
        callbacks.EarlyStopping("val_a_loss", restore_best_weights=True, patience=9),
        callbacks.ModelCheckpoint(folder / "{epoch}-{own:.0f}.tg", save_weights_only=True),
        callbacks.CSVLogger(folder / "log.csv"),
        callbacks.BackupAndRestore(folder / "backup.tg", every=1),
        tg.FlowRecorder(every=1),
    ]


def content(path):
    if path.suffix != ".tg":
        return path.read_bytes()
    with np.load(path) as archive:
        return {name: archive[name].tobytes() for name in archive.files if name != "header.json"}


def what_came_of_it(folder, order):
    folder.mkdir()
    listeners = everything(folder)
    model, history = fit_small([listeners[n] for n in order], epochs=2)
    files = {path.name: content(path) for path in sorted(folder.iterdir())}
    flows = [flow.weights for flow in listeners[-1].flows]
    return listeners[0].seen, history, [w.tobytes() for w in model.get_weights()], files, flows


ORDERS = [np.random.default_rng(n).permutation(9) for n in range(8)]


@pytest.mark.exhaustive
def test_the_order_in_the_list_does_not_matter(tmp_path):
    first = what_came_of_it(tmp_path / "as listed", range(9))
    seen, history, _, files, flows = first
    assert all(0.0 in weights.values() for weights, _ in seen)  # the sampler has been there
    assert {weights["a"] for weights, _ in seen} > {1.0 + n for n in range(6) if seen[n][0]["a"]}
    assert flows == [weights for weights, _ in seen] and any(m["b"] for _, m in seen)
    assert history["own"] == [0.0, 1.0] and list(files) == ["1-0.tg", "2-1.tg", "log.csv"]
    for n, order in enumerate([range(9)[::-1], *ORDERS]):
        assert what_came_of_it(tmp_path / str(n), order) == first, order


def test_what_acts_first_is_told_first():
    told = []

    def one(kind):
        def note(self, *what):
            told.append(kind)

        return type(kind, (callbacks.Callback,), {"phase": kind, "on_epoch_end": note})()

    fit_small(
        [one(kind) for kind in ("keep", "look", "sample", "change", "schedule", "change")], epochs=1
    )
    assert told == ["schedule", "change", "change", "sample", "look", "keep"]
    with pytest.raises(ValueError, match="phase 'looks'; did you mean 'look'"):
        fit_small([type("Odd", (callbacks.Callback,), {"phase": "looks"})()])
    with pytest.raises(ValueError, match="one Look is in the list twice"):
        fit_small([Look()] * 2)


def test_samplers_side_by_side_give_back_what_they_took():
    look = Look()
    samplers = [
        callbacks.TaskSampler(across={"a": 1, "b": 1}),
        callbacks.TaskSampler(every={"a": 2}),
        callbacks.TaskSampler(across={"a": 1, "b": 3}),
    ]
    model, _ = fit_small([*samplers, look], epochs=6, loss_weights=[1.0, 0.5])
    assert model.loss_weights == {"a": 1.0, "b": 0.5}
    assert all(weights["a"] == 0 for weights, _ in look.seen[3:6])  # the second epoch


def test_a_weight_that_is_set_within_a_step_is_not_taken_back():
    sampler = callbacks.TaskSampler(every={"a": 9})
    change = callbacks.LambdaCallback(
        on_train_batch_begin=lambda step, batch: setattr(sampler.model, "loss_weights", [step, 1.0])
    )
    model, _ = fit_small([sampler, change], epochs=2)
    assert model.loss_weights["a"] == 5.0


def test_who_was_told_of_the_beginning_is_told_of_the_end():
    told = []

    class Note(callbacks.Callback):
        def on_train_begin(self):
            told.append("begin")

        def on_train_end(self):
            told.append("end")

    class Late(Note):
        phase = "look"

    with pytest.raises(ValueError, match="watches 'nonsense'"):
        fit_small([Late(), callbacks.EarlyStopping("nonsense"), Note()])
    assert told == []  # it came first in its phase, so nobody else had begun
    with pytest.raises(ValueError, match="watches 'nonsense'"):
        fit_small([Late(), Note(), callbacks.EarlyStopping("nonsense")])
    assert told == ["begin", "end"]


@pytest.mark.medium
def test_a_sampler_can_be_resumed_within_an_epoch(tmp_path):
    def go(*more):
        tg.set_random_seed(5)
        sampler = callbacks.TaskSampler(every={"a": 2})
        listeners = [sampler, callbacks.BackupAndRestore(tmp_path / "b.tg", every=1), *more]
        return fit_small(listeners, epochs=4)[0].get_weights()

    cuts = [4]

    def cut(step, logs):
        if step in cuts:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        go(callbacks.LambdaCallback(on_train_batch_end=cut))
    cuts.clear()
    resumed = go(callbacks.LambdaCallback(on_train_batch_end=cut))
    for a, b in zip(resumed, go(callbacks.LambdaCallback(on_train_batch_end=cut)), strict=True):
        assert a.tobytes() == b.tobytes()


def balance(step, losses):
    return {"a": 1.0 + step % 3}


@pytest.mark.parametrize(
    "setter",
    [
        lambda: callbacks.LossWeightScheduler(lambda epoch, weights: {"a": 0.5}),
        lambda: callbacks.TaskSampler(across={"a": 1, "b": 1}),
        lambda: callbacks.TaskSampler(every={"a": 2}),
        lambda: callbacks.EarlyStopping("a_loss", only="a"),
    ],
)
def test_weights_that_a_function_sets_are_not_set_by_a_callback_too(setter):
    model = small(loss_weights=balance)
    with pytest.raises(ValueError, match="sets loss weights, and so does what was given"):
        fit_small([setter()], model=model)
    assert model.objective.balancer is balance and model.step == 0


def test_beside_a_function_samples_can_be_drawn_within_a_task():
    model, _ = fit_small([callbacks.TaskSampler(within={"a": 0.5})], loss_weights=balance)
    assert model.objective.balancer is balance


@pytest.mark.medium
def test_a_function_that_balances_goes_on_after_an_interruption(tmp_path):
    def go(*more):
        listeners = [callbacks.BackupAndRestore(tmp_path / "b.tg", every=1), *more]
        return fit_small(listeners, loss_weights=balance)[0].get_weights()

    cuts = []

    def cut(step, logs):
        if step in cuts:
            raise RuntimeError

    whole = go(callbacks.LambdaCallback(on_train_batch_end=cut))
    cuts.append(4)
    with pytest.raises(RuntimeError):
        go(callbacks.LambdaCallback(on_train_batch_end=cut))
    cuts.clear()
    for a, b in zip(whole, go(callbacks.LambdaCallback(on_train_batch_end=cut)), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_function_that_balances_goes_on_in_a_loaded_model(tmp_path):
    model = small(loss_weights=balance)
    model.save(tmp_path / "m.tg")
    loaded = tg.load(tmp_path / "m.tg", custom_objects={"balance": balance})
    assert loaded.objective.balancer is balance
    model.loss_weights = {"a": 3.0}
    model.save(tmp_path / "m.tg")
    loaded = tg.load(tmp_path / "m.tg", custom_objects={"balance": balance})
    assert loaded.objective.balancer is None and loaded.loss_weights == {"a": 3.0, "b": 1.0}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("on_epoch_ended", "did you mean 'on_epoch_end'"),
        ("on_batch_end", "did you mean 'on_train_batch_end'"),
        ("on_batch_begin", "did you mean 'on_train_batch_begin'"),
        ("on_train_step_end", "Known: "),
        ("on_test_begin", "Known: "),
        ("on_Epoch_End", "did you mean 'on_epoch_end'"),
        ("onEpochEnd", "Known: "),
        ("set_model", "self.model is set before the first call"),
        ("set_params", "self.model.fitting"),
    ],
)
def test_a_hook_that_would_never_be_called_is_refused(name, hint):
    def method(self, *what):
        pass

    with pytest.raises(TypeError, match=f"Mine.{name} would never be called: .*{hint}"):
        type("Mine", (callbacks.Callback,), {name: method})
    with pytest.raises(TypeError, match="would never be called"):
        type("Mine", (type("Mixin", (), {name: method}), callbacks.Callback), {})


def test_names_that_are_no_hooks_are_free():
    class Mine(callbacks.Callback):
        on_gpu = True
        online = "yes"

        def once(self):
            return 1

    assert Mine().once() == 1


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [
        (
            "on_epoch_end",
            lambda self, epoch: 0,
            r"called with \(epoch, logs\), but takes \(epoch\)",
        ),
        ("on_train_begin", lambda self, logs: 0, r"called with \(\), but takes \(logs\)"),
        ("on_epoch_begin", lambda self: 0, r"called with \(epoch\), but takes \(\)"),
        ("on_epoch_end", lambda self, epoch, *, logs: 0, r"but takes \(epoch, logs\)"),
        ("on_epoch_end", staticmethod(lambda self, epoch, logs: 0), "called with"),
        ("on_epoch_end", None, "must be a function of"),
    ],
)
def test_a_hook_that_cannot_take_what_it_is_given_is_refused(name, function, words):
    with pytest.raises(TypeError, match=f"Mine.{name} .*{words}"):
        type("Mine", (callbacks.Callback,), {name: function})


def test_hooks_that_are_written_for_keras_work():
    told = []

    class Mine(callbacks.Callback):
        def on_train_begin(self, logs=None):
            told.append(("train begin", logs))

        def on_train_end(self, logs=None):
            told.append(("train end", logs))

        def on_epoch_begin(self, epoch, logs=None):
            told.append(("epoch begin", epoch))

        def on_epoch_end(self, epoch, logs=None):
            told.append(("epoch end", epoch, logs["loss"]))

        def on_train_batch_begin(self, batch, logs=None):
            told.append(("begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            told.append(("end", batch, sorted(logs)))

    _, history = fit_small([Mine()], epochs=1)
    steps = [
        one for n in range(3) for one in (("begin", n), ("end", n, ["a_loss", "b_loss", "loss"]))
    ]
    end = [("epoch end", 0, history["loss"][0]), ("train end", None)]
    assert told == [("train begin", None), ("epoch begin", 0), *steps, *end]


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        ({"on_epoch_end": lambda epoch: 0}, r"\(epoch, logs\), but takes \(epoch\)"),
        ({"on_epoch_end": 3}, "must be a function of"),
        ({"on_train_begin": lambda logs: 0}, r"called with \(\)"),
    ],
)
def test_functions_that_cannot_be_hooks_are_refused(functions, words):
    with pytest.raises(TypeError, match=f"LambdaCallback: on_.*{words}"):
        callbacks.LambdaCallback(**functions)


NO_FUNCTION = "must be a function of"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: callbacks.LearningRateScheduler(0.1), f"schedule {NO_FUNCTION}"),
        (lambda: callbacks.LearningRateScheduler(lambda epoch: 0.1), "but takes"),
        (lambda: callbacks.LearningRateScheduler(tg.schedules.CosineDecay(1.0, 2)), "takes .step"),
        (lambda: callbacks.LossWeightScheduler({"a": 1.0}), f"schedule {NO_FUNCTION}"),
        (lambda: callbacks.LossWeightScheduler(lambda weights: {}), "but takes"),
        (lambda: callbacks.LossWeightScheduler(lambda n, w: {}, per="batch"), "per is 'epoch' or"),
        (
            lambda: callbacks.TaskSampler(across=["a", "b"]),
            "across, chances must be a dict by name",
        ),
        (
            lambda: callbacks.TaskSampler(across={"a": np.nan}),
            "that of 'a' must be a finite number",
        ),
        (
            lambda: callbacks.TaskSampler(across={"a": np.inf}),
            "that of 'a' must be a finite number",
        ),
        (lambda: callbacks.TaskSampler(across={"a": True}), "that of 'a' .* not True"),
        (lambda: callbacks.TaskSampler(across={"a": -1}), "above 0, not -1"),
        (lambda: callbacks.TaskSampler(within={"a": 0}), "above 0 and at most 1, not 0"),
        (lambda: callbacks.TaskSampler(within={"a": np.nan}), "that of 'a'"),
        (lambda: callbacks.TaskSampler(within=0.5), "must be a dict by name, not 0.5"),
        (lambda: callbacks.TaskSampler(every={"a": 1.5}), "whole number, 1 or more, not 1.5"),
        (lambda: callbacks.TaskSampler(every={"a": True}), "not True"),
        (lambda: callbacks.TaskSampler(every=0), "must be a dict by name, not 0"),
        (lambda: callbacks.CSVLogger(None), "CSVLogger: path must be a str or Path, not None"),
        (lambda: callbacks.BackupAndRestore(3), "BackupAndRestore: path must be a str or Path"),
        (lambda: callbacks.BackupAndRestore("b", 0), "number of steps, must be .* not 0"),
        (lambda: callbacks.BackupAndRestore("b", True), "not True"),
        (lambda: callbacks.BackupAndRestore("b", 1.5), "not 1.5"),
        (lambda: callbacks.BackupAndRestore("b", None), "not None"),
    ],
)
def test_arguments_that_cannot_be_are_refused_when_they_are_given(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


@pytest.mark.one_in(5, rest="medium")
@pytest.mark.parametrize("rate", [None, -0.1, np.nan, np.inf, "0.1", True, [0.1]])
@pytest.mark.parametrize("epoch", [0, 2])
def test_a_schedule_that_gives_no_learning_rate_is_named_with_its_epoch(epoch, rate):
    schedule = callbacks.LearningRateScheduler(lambda n, before: rate if n == epoch else before)
    model = small(tg.optimizers.SGD(0.01))
    words = rf"LearningRateScheduler: what schedule\({epoch}, 0.01\) returns must be .* 0 or more"
    with pytest.raises((TypeError, ValueError), match=words):
        fit_small([schedule], epochs=4, model=model)
    assert model.step == 3 * epoch


class Stub:
    """As much of a model as a scheduler asks for."""

    def __init__(self, rate):
        self.optimizer, self.learning_rate, self.follows_schedule = self, rate, False


@pytest.mark.parametrize("rate", [0, 0.0, np.float32(0.5), np.array(0.25), np.float64(0), 1])
def test_a_schedule_may_give_0_and_numbers_of_numpy(rate):
    schedule = callbacks.LearningRateScheduler(lambda epoch, before: rate)
    schedule.model = Stub(0.1)
    schedule.on_train_begin()
    schedule.on_epoch_begin(0)
    assert type(schedule.model.learning_rate) is float and schedule.model.learning_rate == rate


@pytest.mark.one_in(5, rest="medium")
@pytest.mark.parametrize("per", ["epoch", "step"])
@pytest.mark.parametrize("changes", [None, {"a": np.nan}, {"a": None}, {"a": "1"}, {"c": 1.0}, 2.0])
def test_a_schedule_that_gives_no_loss_weights_is_named_with_its_number(per, changes):
    schedule = callbacks.LossWeightScheduler(lambda n, w: changes if n == 1 else {}, per=per)
    model = small()
    words = r"LossWeightScheduler: what schedule\(1, weights\) returns"
    with pytest.raises((TypeError, ValueError), match=words):
        fit_small([schedule], model=model)
    assert model.step == (1 if per == "step" else 3)


def writers(path):
    yield lambda: callbacks.ModelCheckpoint(path)
    yield lambda: callbacks.ModelCheckpoint(path, save_weights_only=True)
    yield lambda: callbacks.CSVLogger(path)
    yield lambda: callbacks.BackupAndRestore(path)


def refused(path, words):
    for make in writers(path):
        model = small()
        with pytest.raises(ValueError, match=words):
            fit_small([make()], model=model)
        assert model.step == 0


@pytest.mark.medium
def test_a_path_where_no_file_can_be_is_refused_before_the_first_epoch(tmp_path):
    (tmp_path / "file").write_text("")
    refused(tmp_path / "nowhere" / "x", "cannot write .*: there is no folder .*nowhere")
    refused(tmp_path / "file" / "x", "there is no folder")
    refused(tmp_path, "this is a folder, give the name of a file")
    refused(".", "this is a folder")
    refused("", "must be the name of a file, not an empty text")
    refused(tmp_path / ("x" * 300), "cannot write")
    refused(tmp_path / "x\0y", "has a character 0")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_epoch(tmp_path, monkeypatch):
    def no(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "log.csv").write_text("")
    monkeypatch.setattr("builtins.open", no)
    refused(tmp_path / "x", "cannot write .*: .*Permission denied")
    with pytest.raises(ValueError, match=r"CSVLogger cannot write .*Permission denied"):
        fit_small([callbacks.CSVLogger(tmp_path / "log.csv")])


def test_nothing_is_written_by_looking(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(ValueError, match="does not report"):
        fit_small([callbacks.CSVLogger(tmp_path / "x"), callbacks.EarlyStopping("nothing")])
    with pytest.raises(ValueError, match="does not report"):
        fit_small([callbacks.CSVLogger(tmp_path / "y"), callbacks.EarlyStopping("nothing")])
    assert (tmp_path / "x").read_text() == "mine" and not (tmp_path / "y").exists()


def test_two_callbacks_do_not_write_one_file(tmp_path):
    path = tmp_path / "x.tg"
    for pair in (
        [callbacks.ModelCheckpoint(path), callbacks.BackupAndRestore(path)],
        [callbacks.ModelCheckpoint(str(path)), callbacks.ModelCheckpoint(path)],
        [callbacks.CSVLogger(path), callbacks.CSVLogger(path)],
    ):
        with pytest.raises(ValueError, match=r"would both write .*: give each a path of its own"):
            fit_small(pair)


def test_names_of_any_characters_can_be_logged(tmp_path):
    x = tg.Input((3,), name="x")
    names = ["größe", "年齢", "a,b", 'say "hi"', "\ud800"]
    model = tg.Model(x, {name: tg.layers.Dense(1)(x) for name in names})
    model.compile("sgd", "mse")
    log = callbacks.CSVLogger(tmp_path / "log.csv")
    history = model.fit(X, dict.fromkeys(names, X[:, :1]), verbose=0, callbacks=[log]).history
    (row,) = csv.DictReader((tmp_path / "log.csv").read_text("utf-8").splitlines())
    assert float(row["年齢_loss"]) == history["年齢_loss"][0]
    assert len(row) == len(history) + 1
