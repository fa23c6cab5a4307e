"""Faults of optimizers, of chance, of files and of checks: rows 61 to 77."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import tinygrad_mo as tg
from faults import fault, refused
from graph_faults import X, Y, dense
from tinygrad_mo import layers, ops, optimizers
from tinygrad_mo.check import GradientError, check_op
from tinygrad_mo.files.archive import CheckpointError, load_arrays, save_arrays


@fault(61, "impossible settings of an optimizer, or nothing to step")
def _():
    for wrong in ({"beta_1": 1.0}, {"beta_2": -1.0}, {"epsilon": 0}, {"learning_rate": np.nan}):
        name = next(iter(wrong)).replace("_rate", " rate")
        refused(ValueError, f"{name} must be", optimizers.Adam, **wrong)
    refused(ValueError, "must be a number, 0 or more, not -1", optimizers.SGD, -1)
    w, g, sgd = tg.Parameter(np.ones(2), "w"), np.ones(2), optimizers.SGD()
    refused(ValueError, "was given no gradients", sgd.apply, {})
    refused(ValueError, "no loss reaches 'w'", sgd.apply, {w: None})
    refused(TypeError, "takes a dict, the gradient by parameter", sgd.apply, [(w, g), (w, g)])
    refused(TypeError, "is no Parameter", sgd.apply, {tg.Tensor([1.0, 2.0]): g})
    assert w.numpy().tolist() == [1, 1] and sgd.step == 0
    return "are refused by name; so are pairs (twice the same), no gradients, and no parameters"


@fault(62, "NaN in a gradient", FloatingPointError, "'w' .* is not finite, so no step was made")
def _():
    w = tg.Parameter(np.ones(2), "w")
    try:
        optimizers.SGD().apply({w: np.array([1.0, np.nan])})
    finally:
        assert w.numpy().tolist() == [1, 1]


@fault(63, "a gradient of 0 clipped to a norm")
def _():
    w = tg.Parameter(np.ones(2), "w")
    optimizers.SGD(clipnorm=1.0).apply({w: np.zeros(2)})
    assert w.numpy().tolist() == [1, 1]
    return "stays 0, without NaN"


@fault(64, "one optimizer for two models", ValueError, "is the optimizer of Model .* already")
def _():
    optimizer = optimizers.SGD()
    for model in [dense(), dense()]:
        model.compile(optimizer, "mse")


def trained(seed=1):
    """The weights that a seed trains, as bytes."""
    tg.set_random_seed(seed)
    x = tg.Input((3,), name="x")
    h = layers.Dropout(0.5)(layers.Dense(8, "relu")(x))
    model = tg.Model(x, layers.Dense(1, name="y")(h))
    model.compile("adam", "mse")
    model.fit(X, Y, batch_size=2, epochs=3, verbose=0)
    return b"".join(w.tobytes() for w in model.get_weights())


@fault(65, "the same seed twice")
def _():
    state = np.random.get_state()
    first = trained()
    assert np.random.get_state()[1].tobytes() == state[1].tobytes()
    np.random.random()
    assert trained() == first != trained(2)
    np.random.set_state(state)
    return "gives the same bits, and NumPy's global random numbers have no part in it"


@fault(66, "another number of threads")
def _():
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(2, 256, 512)).astype("float32")

    def wide():
        """A model that is large enough for its batches to be cut, trained."""
        tg.set_random_seed(0)
        given = tg.Input((512,))
        model = tg.Model(given, layers.Dense(512)(given))
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=256, verbose=0)
        return model

    found = {}
    for threads in (1, 2):
        with tg.use(threads=threads):
            found[threads] = wide().get_weights()[0]
            assert wide().get_weights()[0].tobytes() == found[threads].tobytes()
    assert np.allclose(found[1], found[2], rtol=1e-4, atol=1e-6)
    model = wide()
    assert np.allclose(model.predict(x[:1]), model.predict(x)[:1], rtol=1e-4, atol=1e-5)
    assert "number of threads" in tg.set_random_seed.__doc__  # where a user looks
    return "bits are promised for one number of threads and one batch size, others round otherwise"


HASHES = """
import sys
sys.path[:0] = {places!r}
from training_faults import trained
print(trained().hex())
"""


@fault(
    67,
    "another order of hashes",
    elsewhere="files/test_disk.py::test_files_do_not_depend_on_the_order_of_hashes_or_on_the_time",
)
def _():
    here = Path(__file__).parent
    places = [str(here), str(here.parent), str(Path(tg.__file__).parents[1])]
    found = {
        subprocess.run(
            [sys.executable, "-c", HASHES.format(places=places)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1 and len(found.pop()) > 100
    return "trains the same bits, and writes the same bytes"


@fault(
    68,
    "a training that was cut off",
    elsewhere="training/test_resuming.py::test_kill_9_at_random_moments",
)
def _():
    def fit(end):
        tg.set_random_seed(0)
        model, cut = dense(), Cut()
        cut.step = end  # no argument, which would make it another training
        keeper = tg.callbacks.BackupAndRestore("backup.tg", 1)
        model.fit(X, Y, batch_size=2, epochs=3, verbose=0, callbacks=[keeper, cut])
        return model.get_weights()[0].tobytes()

    whole = fit(99)
    try:
        fit(3)
    except KeyboardInterrupt:
        assert fit(99) == whole
        return "goes on to the same last bit"
    raise AssertionError


class Cut(tg.callbacks.Callback):
    def __init__(self, step=99):
        self.step = step

    def on_train_batch_begin(self, step, batch):
        if step == self.step:
            raise KeyboardInterrupt


def saved():
    dense().save("model.tg")
    return Path("model.tg")


@fault(
    69,
    "a disk that is full",
    elsewhere="files/test_disk.py::test_a_full_disk_leaves_every_file_as_it_was",
)
def _():
    path = saved()
    before = path.read_bytes()
    real, os.fsync = os.fsync, full
    try:
        dense().save(path)
    except OSError as error:
        assert "what was there before is unchanged" in error.__notes__[0]
    finally:
        os.fsync = real
    assert path.read_bytes() == before and [p.name for p in Path().glob("*.tg*")] == ["model.tg"]
    return "leaves the old file as it was, and no other one"


def full(*_):
    raise OSError(28, "No space left on device")


@fault(70, "a file that is cut off, or a text", CheckpointError, "is not a whole file of .*cut off")
def _():
    path = saved()
    path.write_bytes(path.read_bytes()[:-300])
    tg.load(path)


@fault(
    71,
    "a changed byte",
    CheckpointError,
    "cut off, changed",
    "files/test_hostile.py::test_each_single_byte_once",
)
def _():
    path = saved()
    content = bytearray(path.read_bytes())
    content[content.index(b"\x93NUMPY") + 130] ^= 1
    path.write_bytes(content)
    tg.load(path)


@fault(
    72,
    "a hostile file",
    CheckpointError,
    "os.system, which is nothing to be made",
    "files/test_hostile.py::test_hundreds_of_wrong_headers_are_refused_or_harmless",
)
def _():
    from damage import HEADER, forge, members_of

    members = members_of(saved())
    header = json.loads(members.pop(HEADER))
    header["model"]["layers"][0]["made"][:2] = ["os", "system"]
    forge("model.tg", list(members.items()), header)
    tg.load("model.tg")


@fault(
    73,
    "arrays that lie otherwise in memory",
    elsewhere="files/test_files.py::test_arrays_come_back_as_they_were",
)
def _():
    array = np.arange(6.0).reshape(2, 3).T
    save_arrays("a.npz", {"a": array, "b": array[::-1].astype(">f2")})
    found, _ = load_arrays("a.npz")
    assert np.array_equal(found["a"], array) and np.array_equal(found["b"], array[::-1])
    return "come back as they were: turned, reversed, big-endian, empty, of 16 bits"


@fault(74, "weights of another model", CheckpointError, r"has shape \(3, 1\) instead of \(4, 1\)")
def _():
    dense().save_weights("weights.tg")
    model = dense(4)
    before = model.get_weights()[0]
    try:
        model.load_weights("weights.tg")
    finally:
        assert np.array_equal(model.get_weights()[0], before)


@fault(75, "a folder that is not there", CheckpointError, "there is no folder nowhere")
def _():
    save_arrays("a.npz", {"file": np.ones(2), "path": np.ones(2)})
    assert set(load_arrays("a.npz")[0]) == {"file", "path"}
    dense().save("nowhere/model.tg")


@fault(76, "Ctrl-C", elsewhere="faults/test_resources.py::test_ctrl_c_at_random_moments")
def _():
    model = dense()
    try:
        model.fit(X, Y, batch_size=1, epochs=2, verbose=0, callbacks=[Cut(3)])
    except KeyboardInterrupt:
        assert model.step == 3
        return "stops between two steps, and the model can be trained on"
    raise AssertionError


@fault(77, "a gradient check that cannot check", GradientError, "two runs differ; fix its random")
def _():
    for wrong in (np.ones(3, "float32"), np.ones(3, int)):
        try:
            check_op(ops.tanh, wrong)
        except TypeError as error:
            assert "float64" in str(error)
        else:
            raise AssertionError
    chance = np.random.default_rng(0)
    check_op(ops.dropout, np.ones(9), rate=0.5, generator=chance, training=True)
