"""Stopping, lowering, saving what was best: however fit ends, and in whatever order."""

import os
import signal

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks, layers

X = np.random.default_rng(0).normal(size=(12, 4))
Y = [X[:, :1], X[:, 1:2]]


def network(optimizer="sgd", **options):
    """Two outputs on a trunk with moving averages."""
    tg.set_random_seed(1)
    x = tg.Input((4,), name="x")
    h = layers.BatchNormalization(name="norm")(layers.Dense(3, "tanh", name="trunk")(x))
    model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in "ab"])
    model.compile(optimizer, "mse", **options)
    return model


def fit(model, *listeners, epochs=5, **options):
    options = {"verbose": 0, "batch_size": 4, "validation_data": (X, Y), **options}
    return model.fit(X, Y, epochs=epochs, callbacks=list(listeners), **options)


class Report(callbacks.Callback):
    """Puts a prepared series into logs, and keeps the weights of each epoch."""

    def __init__(self, series, name="val_loss"):
        self.series, self.name, self.weights = series, name, []

    def on_epoch_end(self, epoch, logs):
        logs[self.name] = self.series[epoch]
        self.weights.append(self.model.get_weights())


class At(callbacks.Callback):
    """Does something after an epoch. When, a backup does not compare: it is no plain argument."""

    def __init__(self, epoch, what):
        self.epoch, self.what = epoch, what
        self._made_with = (), {}

    def on_epoch_end(self, epoch, logs):
        if epoch == self.epoch:
            self.what(self.model)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def stop(model):
    model.stop_training = "enough"


def press(model):
    os.kill(os.getpid(), signal.SIGINT)


def fail(model):
    raise RuntimeError("out of paper")


SECOND_IS_BEST = [2.0, 1.0, 3.0, 4.0, 5.0]


class TestTheBestWeightsComeBack:
    @pytest.mark.one_in(3, rest="medium")
    @pytest.mark.parametrize("patience", [1, 2, 3, 4, 99])
    def test_whether_it_fires_or_the_epochs_run_out(self, patience, capsys):
        model, report = network(), Report(SECOND_IS_BEST)
        best = callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
        fit(model, report, best, verbose=2)
        assert len(report.weights) == min(patience + 2, 5)
        assert same(model.get_weights(), report.weights[1])
        said = capsys.readouterr().out.splitlines()[-1]
        assert said == "val_loss was best in epoch 2: its weights are back"

    def test_moving_averages_too_and_nothing_is_said_when_silent(self, capsys):
        model, report = network(), Report(SECOND_IS_BEST)
        fit(model, report, callbacks.EarlyStopping(patience=9, restore_best_weights=True))
        mean = model.get_layer("norm").moving_mean
        (position,) = [n for n, w in enumerate(model.weights) if w is mean]
        assert not np.array_equal(report.weights[1][position], report.weights[4][position])
        assert np.array_equal(mean.numpy(), report.weights[1][position])
        assert capsys.readouterr().out == ""

    @pytest.mark.medium
    def test_if_another_callback_ends_fit(self):
        best = callbacks.EarlyStopping(patience=9, restore_best_weights=True)
        for other in (At(3, stop), callbacks.EarlyStopping("val_a_loss", min_delta=1e9)):
            model, report = network(), Report([2.0, 1.0, 3.0, 4.0, 5.0])
            fit(model, report, best, other)
            assert len(report.weights) < 5 and same(
                model.get_weights(), report.weights[len(report.weights) > 1]
            )

    @pytest.mark.parametrize(("what", "error"), [(press, KeyboardInterrupt), (fail, RuntimeError)])
    def test_not_if_fit_is_interrupted(self, what, error):
        model, report = network(), Report(SECOND_IS_BEST)
        best = callbacks.EarlyStopping(patience=9, restore_best_weights=True)
        with pytest.raises(error):
            fit(model, report, best, At(3, what))
        assert len(report.weights) == 4 and same(model.get_weights(), report.weights[3])

    @pytest.mark.medium
    def test_after_an_interruption_and_a_resumption(self, tmp_path):
        def listeners(*more):
            report = Report(SECOND_IS_BEST)
            best = callbacks.EarlyStopping(patience=9, restore_best_weights=True)
            return report, best, callbacks.BackupAndRestore(tmp_path / "b.tg"), *more

        whole = network()
        report, *_ = first = listeners()
        fit(whole, *first)
        with pytest.raises(RuntimeError):
            fit(network(), *listeners(At(3, fail)))
        model = network()
        fit(model, *listeners(At(9, fail)))
        assert same(model.get_weights(), report.weights[1])
        assert same(model.get_weights(), whole.get_weights())

    def test_of_a_monitor_that_was_no_number_at_times(self):
        model, report = network(), Report([np.nan, 3.0, np.nan, 2.0, np.nan])
        best = callbacks.EarlyStopping(patience=9, restore_best_weights=True)
        fit(model, report, best)
        assert same(model.get_weights(), report.weights[3])
        assert (best.watches[0].best_epoch, best.watches[0].wait) == (3, 1)

    def test_no_epoch_was_the_best_if_none_had_a_number(self):
        model, report = network(), Report([np.nan] * 5)
        best = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
        fit(model, report, best)
        assert same(model.get_weights(), report.weights[-1]) and len(report.weights) == 2
        assert model.stop_training == "val_loss was never a finite number: stopped after epoch 2"

    @pytest.mark.medium
    def test_each_fit_starts_anew(self):
        model, best = network(), callbacks.EarlyStopping(patience=9, restore_best_weights=True)
        fit(model, Report([0.0, 1.0]), best, epochs=2)
        report = Report([4.0, 3.0])
        fit(model, report, best, epochs=2)
        assert same(model.get_weights(), report.weights[1])
        before = model.get_weights()
        fit(model, best, epochs=0)
        assert same(model.get_weights(), before)

    @pytest.mark.parametrize("first", [True, False])
    def test_before_anybody_is_told_that_training_has_ended(self, first):
        model, report, seen = network(), Report(SECOND_IS_BEST), []
        best = callbacks.EarlyStopping(patience=9, restore_best_weights=True)
        end = callbacks.LambdaCallback(on_train_end=lambda: seen.append(model.get_weights()))
        fit(model, report, *([end, best] if first else [best, end]))
        assert same(seen[0], report.weights[1])

    def test_of_one_callback_only(self):
        with pytest.raises(ValueError, match="best 'val_a_loss' and those of the best 'val_loss'"):
            fit(
                network(),
                callbacks.EarlyStopping("val_a_loss", restore_best_weights=True),
                callbacks.EarlyStopping("val_loss", restore_best_weights=True),
            )


class TestALossThatHasStopped:
    @pytest.mark.medium
    @pytest.mark.parametrize("first", [True, False])
    @pytest.mark.parametrize("per", ["epoch", "step"])
    def test_stays_without_weight_whatever_a_schedule_says(self, per, first):
        model, seen = network(), []
        schedule = callbacks.LossWeightScheduler(lambda number, weights: {"a": 2.0}, per=per)
        ended = callbacks.EarlyStopping("val_a_loss", min_delta=1e9, only="a")
        look = callbacks.LambdaCallback(
            on_train_batch_end=lambda step, logs: seen.append(model.loss_weights["a"])
        )
        pair = [schedule, ended] if first else [ended, schedule]
        fit(model, *pair, look, batch_size=12, epochs=4)
        assert ended.stopped_epoch == 1 and seen == [2.0, 2.0, 0.0, 0.0]

    @pytest.mark.one_in(3, rest="medium")
    @pytest.mark.parametrize("seed", range(3))  # who is left out of which step
    @pytest.mark.parametrize("per", ["epoch", "step"])
    def test_stays_without_weight_beside_a_sampler(self, per, seed):
        model, seen = network(), []
        look = callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: seen.append(model.loss_weights["a"])
        )
        tg.set_random_seed(seed)
        listeners = [
            callbacks.TaskSampler(across={"a": 1, "b": 1}),
            callbacks.EarlyStopping("a_loss", min_delta=1e9, only="a"),
            callbacks.LossWeightScheduler(lambda number, weights: {"a": 3.0}, per=per),
        ]
        fit(model, *listeners, look, batch_size=12, epochs=5)
        assert seen[0] == 3.0 and seen[2:] == [0.0] * 3 and model.loss_weights["a"] == 0

    @pytest.mark.medium
    def test_one_layer_may_be_named_alone(self):
        model = network()
        fit(model, callbacks.EarlyStopping("val_a_loss", min_delta=1e9, only="a", freeze="a"))
        assert not model.get_layer("a").trainable and model.get_layer("b").trainable


def losses_called_like_scores():
    x = tg.Input((3,))
    model = tg.Model(x, [layers.Dense(1, name=name)(x) for name in ("auc", "val_accuracy")])
    model.add_loss(tg.ops.square(model.outputs["auc"]).mean(), "recall")
    model.compile("sgd", "mse", metrics={"val_accuracy": ["accuracy"]})
    return model


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize(
    ("monitor", "sign"),
    [
        ("recall", 1),
        ("val_recall", 1),
        ("weighted/auc", 1),
        ("val_auc_loss", 1),
        ("val_accuracy_accuracy", -1),  # of the output val_accuracy, on what is trained
        ("val_val_accuracy_accuracy", -1),
    ],
)
def test_a_loss_is_minimised_whatever_it_is_called(monitor, sign):
    watch, model = callbacks.ReduceLROnPlateau(monitor), losses_called_like_scores()
    y = [np.ones((12, 1))] * 2
    model.fit(np.ones((12, 3)), y, validation_split=0.5, verbose=0, callbacks=[watch])
    assert watch.sign == sign


class TestReduceLROnPlateau:
    @pytest.mark.one_in(3, rest="medium")
    @pytest.mark.parametrize(
        ("rate", "least", "after"),
        [(1e-5, 1e-3, 1e-5), (1e-3, 1e-3, 1e-3), (1e-2, 4e-3, 4e-3), (1e-2, 0, 1e-2 * 0.5**4)],
    )
    def test_it_never_raises_the_rate(self, rate, least, after):
        model = network(tg.optimizers.SGD(rate))
        lower = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_lr=least)
        fit(model, Report([1.0] * 5, "loss"), lower)
        assert model.optimizer.learning_rate == after

    def test_two_of_them_and_a_monitor_without_numbers(self):
        model = network(tg.optimizers.SGD(0.01))
        pair = [
            callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_lr=m) for m in (0, 1)
        ]
        fit(model, Report([np.nan] * 5, "loss"), *pair)
        assert model.optimizer.learning_rate == 0.0025

    def test_each_fit_starts_anew(self):
        model = network(tg.optimizers.SGD(0.01))
        lower = callbacks.ReduceLROnPlateau(factor=0.5, patience=1)
        fit(model, Report([1.0]), lower, epochs=1)
        fit(model, Report([2.0]), lower, epochs=1)
        assert model.optimizer.learning_rate == 0.01

    @pytest.mark.parametrize(
        "setter",
        [
            lambda: callbacks.ReduceLROnPlateau("loss"),
            lambda: callbacks.LearningRateScheduler(lambda epoch, rate: rate),
        ],
    )
    def test_a_rate_that_follows_a_schedule_is_refused_at_once(self, setter):
        model = network(tg.optimizers.SGD(tg.schedules.CosineDecay(0.1, 10)))
        with pytest.raises(
            ValueError, match="sets the learning rate, but that of the optimizer is"
        ):
            fit(model, setter())
        assert model.step == 0


class TestModelCheckpoint:
    @pytest.mark.medium
    def test_one_object_remembers_its_best_over_fits_and_a_new_one_does_not(self, tmp_path):
        def make():
            path = tmp_path / "best.tg"
            return callbacks.ModelCheckpoint(path, save_best_only=True, save_weights_only=True)

        def in_file():
            model.load_weights(tmp_path / "best.tg")
            return model.get_weights()

        model, keep, first, second = network(), make(), Report([2.0, 1.0]), Report([5.0, 0.5])
        fit(model, first, keep, epochs=2)
        fit(model, Report([4.0, 3.0]), keep, epochs=2)
        assert same(in_file(), first.weights[1])
        fit(model, second, keep, epochs=2)
        assert same(in_file(), second.weights[1])
        third = Report([9.0, 10.0])
        fit(model, third, make(), epochs=2)
        assert same(in_file(), third.weights[0])

    @pytest.mark.medium
    def test_what_it_remembers_survives_an_interruption(self, tmp_path):
        def go(*more):
            fit(
                network(),
                Report(SECOND_IS_BEST),
                callbacks.ModelCheckpoint(tmp_path / "{epoch}.tg", save_best_only=True),
                callbacks.BackupAndRestore(tmp_path / "b.tg"),
                *more,
            )

        with pytest.raises(RuntimeError):
            go(At(2, fail))
        go(At(9, fail))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["1.tg", "2.tg"]

    @pytest.mark.parametrize("first", [True, False])
    def test_it_holds_what_its_name_says(self, first, tmp_path):
        model = network(tg.optimizers.SGD(0.05))
        keep = callbacks.ModelCheckpoint(tmp_path / "{epoch}.tg", save_weights_only=True)
        best = callbacks.EarlyStopping(patience=1, restore_best_weights=True)
        report = Report([1.0, 2.0, 3.0])
        history = fit(model, report, *([best, keep] if first else [keep, best]), epochs=3)
        assert len(history.epoch) == 2 and same(model.get_weights(), report.weights[0])
        for epoch in (0, 1):
            model.load_weights(tmp_path / f"{epoch + 1}.tg")
            assert same(model.get_weights(), report.weights[epoch])

    @pytest.mark.medium
    @pytest.mark.parametrize("first", [True, False])
    def test_it_holds_the_rate_that_training_goes_on_with(self, first, tmp_path):
        model = network(tg.optimizers.SGD(0.05))
        keep = callbacks.ModelCheckpoint(tmp_path / "{epoch}.tg")
        lower = callbacks.ReduceLROnPlateau(patience=1, factor=0.5)
        report = Report([1.0, 2.0])
        fit(model, report, *([lower, keep] if first else [keep, lower]), epochs=2)
        rates = [tg.load(tmp_path / f"{epoch}.tg").optimizer.learning_rate for epoch in (1, 2)]
        assert rates == [0.05, 0.025]

    def test_folders_with_a_number_in_their_names_are_made(self, tmp_path):
        path = tmp_path / "run-{epoch:02d}" / "{val_loss:.1f}" / "model.tg"
        fit(network(), Report([1.0, 2.0]), callbacks.ModelCheckpoint(path), epochs=2)
        files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.tg"))
        assert files == [
            os.path.join("run-01", "1.0", "model.tg"),
            os.path.join("run-02", "2.0", "model.tg"),
        ]


class TestNumbersOfOnesOwn:
    def test_arrive_in_history_files_monitors_and_names(self, tmp_path):
        report = Report([0.1, 0.5, 0.3, 0.2, 0.1], "f1")
        best = callbacks.EarlyStopping("f1", mode="max", patience=2)
        history = fit(
            network(),
            callbacks.CSVLogger(tmp_path / "log.csv"),
            callbacks.ModelCheckpoint(tmp_path / "{f1:.1f}.tg", "f1", True, True, "max"),
            report,
            best,
        )
        assert history.history["f1"] == [0.1, 0.5, 0.3, 0.2] and best.stopped_epoch == 3
        assert {path.name for path in tmp_path.glob("*.tg")} == {"0.1.tg", "0.5.tg"}
        lines = (tmp_path / "log.csv").read_text("utf-8").splitlines()
        assert lines[0].split(",")[-1] == "f1"
        assert [line.split(",")[-1] for line in lines[1:]] == ["0.1", "0.5", "0.3", "0.2"]

    def test_numbers_of_numpy_are_numbers(self):
        series = [np.float32(0.5), np.array(2.0), np.int64(3), 4]
        history = fit(network(), Report(series, "own"), epochs=4).history
        assert history["own"] == [0.5, 2.0, 3.0, 4.0]
        assert {type(one) for one in history["own"]} == {float}

    def test_may_come_from_a_callback_that_looks(self):
        report = Report([1.0, 2.0], "own")
        report.phase = "look"
        assert fit(network(), report, epochs=2).history["own"] == [1.0, 2.0]

    @pytest.mark.one_in(4, rest="medium")
    @pytest.mark.parametrize("value", ["good", None, True, [1.0], np.ones(2)])
    def test_something_else_is_refused(self, value):
        with pytest.raises(TypeError, match=r"put .* into logs as 'own': give a number"):
            fit(network(), Report([value], "own"), epochs=1)

    def test_a_number_now_and_then_leaves_gaps(self, tmp_path):
        class Sometimes(callbacks.Callback):
            def on_epoch_end(self, epoch, logs):
                if epoch in (1, 3):
                    logs["f1"] = float(epoch)

        log = callbacks.CSVLogger(tmp_path / "log.csv")
        history = fit(network(), log, Sometimes(), epochs=5)
        assert str(history.history["f1"]) == "[nan, 1.0, nan, 3.0, nan]"
        assert {len(series) for series in history.history.values()} == {5}
        lines = (tmp_path / "log.csv").read_text("utf-8").splitlines()
        assert [line.split(",")[-1] for line in lines] == ["f1", "nan", "1.0", "nan", "3.0", "nan"]
        assert [float(line.split(",")[1]) for line in lines[1:]] == history.history["loss"]

    @pytest.mark.medium
    def test_a_training_that_is_resumed_keeps_them(self, tmp_path):
        class Cut(At):
            """Pulls the plug after the line was written, and before the backup."""

            phase = "keep"

        def go(folder, *more):
            folder.mkdir(exist_ok=True)
            log = callbacks.CSVLogger(folder / "log.csv")
            report = At(2, lambda model: None)
            report.on_epoch_end = lambda epoch, logs: logs.update(
                {"late": epoch} if epoch > 1 else {}
            )
            backup = callbacks.BackupAndRestore(folder / "b.tg", every=2)
            history = fit(network(), log, report, *more, backup).history
            return str(history), (folder / "log.csv").read_bytes()

        whole = go(tmp_path / "whole", Cut(9, fail))
        for epoch in range(5):
            with pytest.raises(RuntimeError):
                go(tmp_path / str(epoch), Cut(epoch, fail))
            assert len((tmp_path / str(epoch) / "log.csv").read_bytes().splitlines()) == epoch + 2
            assert go(tmp_path / str(epoch), Cut(9, fail)) == whole

    @pytest.mark.medium
    def test_a_resumed_training_does_not_await_them_again(self, tmp_path):
        class Sometimes(callbacks.Callback):
            def on_epoch_end(self, epoch, logs):
                if epoch in (0, 3):
                    logs["f1"] = float(epoch)

        def go(*more):
            own = callbacks.EarlyStopping("f1", mode="max", patience=9)
            keep = callbacks.ModelCheckpoint(tmp_path / "{f1}.tg", "f1", mode="max")
            backup = callbacks.BackupAndRestore(tmp_path / "b.tg")
            fit(network(), Sometimes(), own, keep, backup, *more)
            return own.watches[0].best_epoch

        with pytest.raises(RuntimeError):
            go(At(2, fail))
        assert go(At(9, fail)) == 3
        assert sorted(path.name for path in tmp_path.iterdir()) == ["0.0.tg", "3.0.tg", "nan.tg"]

    @pytest.mark.medium
    def test_a_name_that_nobody_reports_is_noticed_after_the_first_epoch(self, tmp_path):
        for reader in (
            callbacks.EarlyStopping("f2", mode="max"),
            callbacks.ModelCheckpoint(tmp_path / "{f2:.1f}.tg"),
        ):
            model, report = network(), Report([1.0, 2.0], "f1")
            with pytest.raises(ValueError, match="needs 'f2', which nobody has reported"):
                fit(model, report, reader)
            assert len(report.weights) == 1

    @pytest.mark.parametrize("monitor", ["val_a_los", "val_los", "vall_loss", "Loss", "valloss"])
    def test_what_is_nearly_a_known_name_is_refused_at_once(self, monitor):
        report = Report([1.0] * 5, "f1")
        with pytest.raises(ValueError, match=f"EarlyStopping watches '{monitor}', which this fit"):
            fit(network(), report, callbacks.EarlyStopping(monitor))
        assert not report.weights

    def test_one_that_is_reported_too_late_is_refused_at_once(self):
        report = Report([1.0] * 5, "f1")
        with pytest.raises(ValueError, match="stand before EarlyStopping"):
            fit(network(), callbacks.EarlyStopping("f1", mode="max"), report)
        assert not report.weights

    def test_nobody_knows_which_way_is_better(self):
        report = Report([1.0] * 5, "f1")
        with pytest.raises(ValueError, match="cannot know if a higher 'f1' is better"):
            fit(network(), report, callbacks.EarlyStopping("f1"))
        assert not report.weights

    def test_a_subclass_may_watch_what_it_reports_itself(self):
        class Own(callbacks.EarlyStopping):
            def on_epoch_end(self, epoch, logs):
                logs["f1"] = -float(epoch)
                super().on_epoch_end(epoch, logs)

        own = Own("f1", mode="max")
        fit(network(), own)
        assert own.stopped_epoch == 1


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: callbacks.EarlyStopping(3), "EarlyStopping: monitor must be a name"),
        (lambda: callbacks.EarlyStopping(None), "EarlyStopping: monitor"),
        (lambda: callbacks.EarlyStopping([]), "not an empty list"),
        (lambda: callbacks.EarlyStopping(["loss", 3]), "EarlyStopping: monitor"),
        (lambda: callbacks.EarlyStopping(""), "not an empty text"),
        (lambda: callbacks.EarlyStopping(patience=-3), "patience must be .* 0 or more, not -3"),
        (lambda: callbacks.EarlyStopping(patience=1.5), "patience must be a whole number"),
        (lambda: callbacks.EarlyStopping(patience=True), "patience .* not True"),
        (lambda: callbacks.EarlyStopping(patience=np.nan), "patience .* not nan"),
        (lambda: callbacks.EarlyStopping(min_delta=-1), "min_delta must be .* 0 or more, not -1"),
        (lambda: callbacks.EarlyStopping(min_delta=np.nan), "min_delta .* finite .* not nan"),
        (lambda: callbacks.EarlyStopping(min_delta="0"), "min_delta .* not '0'"),
        (lambda: callbacks.EarlyStopping(mode="lower"), "mode is 'auto', 'min' or 'max'"),
        (lambda: callbacks.EarlyStopping(restore_best_weights="no"), "restore_best_weights .*True"),
        (lambda: callbacks.EarlyStopping(only=3), "only must be a name"),
        (lambda: callbacks.EarlyStopping(freeze=3), "freeze must be a name"),
        (lambda: callbacks.EarlyStopping(combine="both"), "combine"),
        (lambda: callbacks.ReduceLROnPlateau(factor=1.0), "factor .* above 0 and below 1, not 1.0"),
        (lambda: callbacks.ReduceLROnPlateau(factor=0), "factor"),
        (lambda: callbacks.ReduceLROnPlateau(factor=np.nan), "factor"),
        (lambda: callbacks.ReduceLROnPlateau(patience=-1), "ReduceLROnPlateau: patience"),
        (lambda: callbacks.ReduceLROnPlateau(min_lr=-1e-3), "min_lr .* 0 or more, not -0.001"),
        (lambda: callbacks.ReduceLROnPlateau(min_lr=np.inf), "min_lr .* finite"),
        (lambda: callbacks.ReduceLROnPlateau(min_delta=-1), "ReduceLROnPlateau: min_delta"),
        (lambda: callbacks.ReduceLROnPlateau(monitor=3), "ReduceLROnPlateau: monitor"),
        (lambda: callbacks.ModelCheckpoint(None), "ModelCheckpoint: path must be a str or Path"),
        (lambda: callbacks.ModelCheckpoint(b"x"), "ModelCheckpoint: path"),
        (lambda: callbacks.ModelCheckpoint("x", monitor=3), "ModelCheckpoint: monitor"),
        (lambda: callbacks.ModelCheckpoint("x", save_best_only=1), "save_best_only"),
        (lambda: callbacks.ModelCheckpoint("x", save_weights_only="a"), "save_weights_only"),
        (lambda: callbacks.ModelCheckpoint("x", min_delta=-1), "ModelCheckpoint: min_delta"),
        (lambda: callbacks.ModelCheckpoint("{epoch:03q}"), "'{epoch:03q}' cannot be filled in"),
        (lambda: callbacks.ModelCheckpoint("a.safetensors"), "give save_weights_only=True"),
        (lambda: callbacks.ModelCheckpoint("{epoch"), "cannot be filled in"),
        (lambda: callbacks.ModelCheckpoint("epoch}"), "cannot be filled in"),
        (lambda: callbacks.ModelCheckpoint("{}"), "cannot be filled in"),
        (lambda: callbacks.ModelCheckpoint("{0}"), "cannot be filled in"),
        (lambda: callbacks.ModelCheckpoint("{val_loss:d}"), "cannot be filled in"),
        (lambda: callbacks.ModelCheckpoint("{epoch.x}"), "cannot be filled in"),
        (lambda: callbacks.ModelCheckpoint("{epoch[0]}"), "cannot be filled in"),
        (lambda: callbacks.ModelCheckpoint("{epoch!z}"), "cannot be filled in"),
    ],
)
def test_arguments_that_cannot_be_are_refused_when_they_are_given(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


def test_what_numpy_gives_are_numbers_and_flags():
    early = callbacks.EarlyStopping(
        patience=np.int64(3), min_delta=np.float32(0.5), restore_best_weights=np.bool_(True)
    )
    assert (early.patience, early.watches[0].min_delta, early.restore_best_weights) == (
        3,
        0.5,
        True,
    )
    lower = callbacks.ReduceLROnPlateau(factor=np.array(0.5), min_lr=np.float64(0))
    assert (lower.factor, lower.min_lr) == (0.5, 0.0)
