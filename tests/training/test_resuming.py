"""A training that was cut off goes on as if nothing had happened."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks, layers
from tinygrad_mo.files.archive import CheckpointError


def network():
    """Dropout, batch normalisation, a table, two losses: all that draws or keeps something."""
    tg.set_random_seed(3)
    x, ids = tg.Input((4,), name="x"), tg.Input((2,), "int32", name="ids")
    words = layers.Flatten()(layers.Embedding(20, 3)(ids))
    h = layers.Dense(8, "relu")(layers.concatenate([x, words]))
    h = layers.Dropout(0.3)(layers.BatchNormalization()(h))
    outputs = [layers.Dense(1, "sigmoid", name="a")(h), layers.Dense(2, name="b")(h)]
    model = tg.Model([x, ids], outputs)
    model.compile("rmsprop", ["binary_crossentropy", "mse"], [1.0, 0.2], {"a": ["AUC", "accuracy"]})
    return model


def data():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(50, 4))
    return [x, draw.integers(0, 20, (50, 2))], [
        (x[:, :1] > 0) * 1.0,
        x[:, 1:3] + draw.normal(size=(50, 2)),
    ]


class Stop(callbacks.Callback):
    """Pull the plug after some steps, which are no argument: those must be the same again."""

    after = 0

    def on_train_batch_end(self, step, logs):
        if step + 1 == self.after:
            raise RuntimeError("power cut")


def stop_after(steps):
    one = Stop()
    one.after = steps
    return one


def train(folder, every, *more):
    model, (x, y) = network(), data()
    listeners = [
        callbacks.BackupAndRestore(folder / "backup.tg", every),
        callbacks.EarlyStopping("val_b_loss", patience=3, only="b"),
        callbacks.ReduceLROnPlateau("val_a_loss", patience=1, factor=0.5),
        callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.97),
        callbacks.TaskSampler(across={"a": 2, "b": 1}),
        callbacks.CSVLogger(folder / "log.csv"),
        *more,
    ]
    history = model.fit(
        x, y, batch_size=8, epochs=6, verbose=0, callbacks=listeners, validation_split=0.2
    )
    return history.history, model.get_weights(), (folder / "log.csv").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole"), "epoch")


def same(one, other):
    assert one[0] == other[0]
    assert [w.tobytes() for w in one[1]] == [w.tobytes() for w in other[1]]
    assert one[2] == other[2]


SOME = [(13, "epoch"), (4, 1), (6, 3)]
ALL = [(after, every) for after in (1, 4, 5, 6, 13, 24, 29) for every in ("epoch", 1, 3)]
OTHERS = [pytest.param(*case, marks=pytest.mark.slow) for case in ALL if case not in SOME]


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize(("after", "every"), [*SOME, *OTHERS])
def test_an_interrupted_training_ends_with_the_same_bits(uninterrupted, tmp_path, after, every):
    with pytest.raises(RuntimeError, match="power cut"):
        train(tmp_path, every, stop_after(after))
    again = train(tmp_path, every, stop_after(0))  # the same callbacks, no power cut
    same(uninterrupted, again)
    assert not (tmp_path / "backup.tg").exists()


@pytest.mark.medium
def test_a_backup_of_another_training_is_refused(tmp_path):
    path = tmp_path / "backup.tg"
    model, (x, y) = network(), data()
    with pytest.raises(RuntimeError):
        model.fit(x, y, verbose=0, callbacks=[callbacks.BackupAndRestore(path, 1), stop_after(2)])
    with pytest.raises(CheckpointError, match="another training: samples 50, now 40"):
        few = [one[:40] for one in x], [one[:40] for one in y]
        model.fit(*few, verbose=0, callbacks=[callbacks.BackupAndRestore(path, 1), stop_after(2)])
    with pytest.raises(CheckpointError, match="another training: callbacks"):
        model.fit(x, y, verbose=0, callbacks=[callbacks.BackupAndRestore(path, 1)])
    model.save(path)
    with pytest.raises(CheckpointError, match="holds a whole model"):
        model.fit(x, y, verbose=0, callbacks=[callbacks.BackupAndRestore(path, 1)])


def test_every_must_be_a_number_of_steps(tmp_path):
    with pytest.raises(ValueError, match="number of steps"):
        callbacks.BackupAndRestore(tmp_path / "b.tg", every="step")


class Parts:
    """Five batches; with a number of steps, an epoch goes on where the last one was."""

    def __len__(self):
        return 5

    def __getitem__(self, n):
        x, y = data()
        rows = slice(10 * n, 10 * n + 10)
        return [one[rows] for one in x], [one[rows] for one in y]


@pytest.mark.medium
@pytest.mark.parametrize("first", [0, 2])
def test_batches_go_on_where_they_were(tmp_path, first):
    def run(*more):
        model, path = network(), tmp_path / "b.tg"
        history = model.fit(
            Parts(),
            steps_per_epoch=3,
            validation_data=Parts(),
            validation_steps=2,
            initial_epoch=first,
            epochs=first + 5,
            verbose=0,
            callbacks=[callbacks.BackupAndRestore(path, 2), *more],
        )
        return history.history, model.get_weights()

    whole = run(stop_after(0))
    for after in (5, 11):
        with pytest.raises(RuntimeError, match="power cut"):
            run(stop_after(after))
        history, weights = run(stop_after(0))
        assert history == whole[0]
        assert [w.tobytes() for w in weights] == [w.tobytes() for w in whole[1]]


def test_what_no_file_can_hold_is_named_before_the_first_step(tmp_path):
    class Seen(tg.metrics.Metric):
        def reset(self):
            self.labels = set()

        def update(self, y_true, y_pred, counts):
            self.labels.update(y_true.reshape(-1).tolist())

        def result(self):
            return float(len(self.labels))

    class Keeper(callbacks.Callback):
        saved = ("names",)
        names = frozenset("ab")

    x, y = data()
    backup = callbacks.BackupAndRestore(tmp_path / "b.tg")
    for metric, listener, words in (
        (Seen(name="seen"), stop_after(0), "'labels' of metric 'seen'"),
        ("accuracy", Keeper(), "'names' of Keeper"),
    ):
        model = network()
        model.compile("sgd", "mse", metrics={"a": [metric]})
        with pytest.raises(CheckpointError, match="a file cannot hold") as caught:
            model.fit(x, y, verbose=0, callbacks=[backup, listener])
        assert words in caught.value.__notes__[0] and model.step == 0


class Announce(callbacks.Callback):
    """Say when a step is done, and take a little time for it."""

    def on_train_batch_end(self, step, logs):
        print(step, flush=True)
        time.sleep(0.004)


SCRIPT = """
import sys
from pathlib import Path
import numpy as np
sys.path[:0] = {places!r}
from test_resuming import Announce, train
folder = Path(sys.argv[1])
history, weights, log = train(folder, 2, Announce())
np.savez(folder / "new.npz", *weights, history=np.array(list(history.values())))
(folder / "new.npz").rename(folder / "done.npz")  # whole, or not there
"""


@pytest.mark.exhaustive
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is of Unix")
def test_kill_9_at_random_moments(uninterrupted, tmp_path):
    program = tmp_path / "program.py"
    here = Path(__file__).parent
    places = [str(here), str(Path(tg.__file__).parent.parent)]  # this file, and the same package
    program.write_text(SCRIPT.format(places=places), "utf-8")
    draw, kills, trainings = np.random.default_rng(), 0, 0
    while kills < 20:
        folder = tmp_path / str(trainings)
        folder.mkdir()
        while not (folder / "done.npz").exists():
            command = [sys.executable, str(program), str(folder)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
                run.stdout.readline()  # it has begun
                time.sleep(draw.uniform(0, 0.1))
                if run.poll() is None:
                    run.kill()
                    kills += 1
                assert run.wait() in (0, -signal.SIGKILL)  # or it would never be done
        trainings += 1
        with np.load(folder / "done.npz") as done:
            history = done["history"].tolist()
            weights = [done[f"arr_{n}"] for n in range(len(uninterrupted[1]))]
        log = (folder / "log.csv").read_bytes()
        same((list(uninterrupted[0].values()), *uninterrupted[1:]), (history, weights, log))


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda m, options: setattr(m.layers[1], "trainable", False), "frozen"),
        (lambda m, options: setattr(m.layers[1].kernel, "trainable", False), "frozen"),
        (lambda m, options: options.update(validation_data=(DATA, LABELS * 2)), "validation data"),
        (lambda m, options: setattr(m.optimizer, "learning_rate", 0.5), "learning rate 0.01, now"),
        (lambda m, options: m.loss_weights.update(a=2.0), "loss weights: a 1.0, now 2.0"),
    ],
)
def test_what_is_frozen_and_what_is_validated_on_must_be_the_same(change, named, tmp_path):
    def fit(epochs, changed):
        x = tg.Input((3,), name="x")
        h = tg.layers.Dense(2, name="d")(x)
        model = tg.Model(x, tg.layers.Dense(1, name="a")(h))
        model.compile("sgd", "mse")
        options = {"validation_data": (DATA, LABELS)}
        if changed:
            change(model, options)
        backup = tg.callbacks.BackupAndRestore(tmp_path / "run.tg")
        model.fit(DATA, LABELS, epochs=epochs, verbose=0, callbacks=[backup, Dies()], **options)

    with pytest.raises(KeyboardInterrupt):
        fit(3, False)
    with pytest.raises(CheckpointError, match=f"the backup of another training: {named}"):
        fit(3, True)


@pytest.mark.one_in(6, rest="medium")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"data": 2.0}, "data: x"),
        ({"labels": 2.0}, "data: y"),
        ({"optimizer": "adam"}, r"optimizer SGD\(\), now Adam\(\)"),
        ({"loss": "mae"}, "loss"),
        ({"power": 3.0}, "code: cubed"),
        ({"patience": 7}, r"callback 0 .EarlyStopping.: patience 5, now 7"),
        (
            {"batch": 2, "labels": 2.0, "optimizer": "adam"},
            "batch_size 4, now 2; data: y labels; opt",
        ),
    ],
)
def test_a_backup_says_all_that_is_not_the_same(change, named, tmp_path):
    def fit(data=1.0, labels=1.0, optimizer="sgd", loss=None, power=2.0, patience=5, batch=4):
        source = (
            f"def cubed(y_true, y_pred):  # {named}\n    return abs(y_true - y_pred) ** {power}"
        )
        program = tmp_path / f"program_{power}.py"
        program.write_text(source)
        names = {}
        exec(compile(source, program, "exec"), names)
        tg.set_random_seed(0)
        x = tg.Input((3,), name="x")
        model = tg.Model(x, tg.layers.Dense(1, name="y")(x))
        model.compile(optimizer, loss or names["cubed"])
        model.optimizer.learning_rate = 0.01
        backup = tg.callbacks.BackupAndRestore(tmp_path / "run.tg")
        listeners = [tg.callbacks.EarlyStopping("loss", patience=patience), backup, Dies()]
        given = data * DATA, labels * LABELS
        model.fit(*given, batch_size=batch, epochs=3, verbose=0, callbacks=listeners)

    with pytest.raises(KeyboardInterrupt):
        fit()
    with pytest.raises(KeyboardInterrupt):  # of the same it goes on
        fit()
    with pytest.raises(CheckpointError, match=f"the backup of another training: .*{named}"):
        fit(**change)


DATA, LABELS = np.ones((4, 3)), np.ones((4, 1))


class Dies(tg.callbacks.Callback):
    phase = "keep"

    def on_epoch_end(self, epoch, logs):
        raise KeyboardInterrupt
