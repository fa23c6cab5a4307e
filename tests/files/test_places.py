"""Where files are read and written: what is no file is called so, and nothing is left behind."""

import os

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks, layers, whole_files
from tinygrad_mo.files.archive import CheckpointError
from tinygrad_mo.platforms import SYSTEM, WINDOWS
from zoo import numbers

unix = pytest.mark.skipif(SYSTEM == WINDOWS, reason="links and devices of Unix")


def one_dense():
    x = tg.Input((3,), name="x")
    return tg.Model(x, layers.Dense(1, name="d")(x))


def test_what_is_no_file_to_be_read_is_called_so(tmp_path):
    with pytest.raises(CheckpointError, match="is a folder, not a file"):
        tg.load(tmp_path)
    with pytest.raises(CheckpointError, match="there is no file"):
        tg.load(tmp_path / "a.tg")
    with pytest.raises(CheckpointError, match="there is no file"):
        one_dense().load_weights(tmp_path / "a.tg")


@unix
def test_devices_and_links_are_called_so(tmp_path):
    with pytest.raises(CheckpointError, match="/dev/null is a device or pipe, not a file"):
        tg.load("/dev/null")
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for act in (tg.load, one_dense().save, one_dense().save_weights):
        with pytest.raises(CheckpointError, match="is a link that leads in a circle"):
            act(tmp_path / "a")


@pytest.mark.parametrize(
    ("path", "words"), [("", "not an empty text"), ("a\0b", "has a character 0")]
)
def test_names_that_no_file_has(path, words):
    model = one_dense()
    for act in (tg.load, model.save, model.save_weights, model.load_weights):
        with pytest.raises(ValueError, match=words):
            act(path)


def test_a_folder_is_not_written(tmp_path):
    for act in (one_dense().save, one_dense().save_weights):
        with pytest.raises(CheckpointError, match=r"cannot save .*: this is a folder"):
            act(tmp_path)


def test_an_ending_counts_in_capitals_too(tmp_path):
    pytest.importorskip("safetensors")
    model, path = one_dense(), tmp_path / "N.SAFETENSORS"
    with pytest.raises(ValueError, match="holds weights alone"):
        model.save(path)
    with pytest.raises(ValueError, match="would hold weights alone"):
        callbacks.ModelCheckpoint(path)
    model.save_weights(path, rename={"d": "other"})
    model.load_weights(path, rename={"d": "other"})
    assert b"other/kernel" in path.read_bytes() and path.read_bytes()[8:9] == b"{"
    with pytest.warns(UserWarning, match="which PyTorch does not read"):
        model.save(tmp_path / "m.PT")


@pytest.mark.parametrize(
    ("rename", "words"),
    [
        ({"y": 1}, "rename: that of 'y' must be a name in the file, not 1"),
        (["a"], r"rename must be a dict by name, not \['a'\]"),
    ],
)
def test_rename_is_a_dict_of_names(rename, words, tmp_path):
    for act in (one_dense().save_weights, one_dense().load_weights):
        with pytest.raises(TypeError, match=words):
            act(tmp_path / "a.safetensors", rename=rename)


class Twice(layers.Layer):
    def call(self, x):
        return x * 2


class Thrice(layers.Layer):
    def call(self, x):
        return x * 3


def test_a_class_of_another_name_is_named(tmp_path):
    x = tg.Input((3,), name="x")
    tg.Model(x, Twice(name="t")(x)).save(tmp_path / "m.tg")
    with pytest.raises(CheckpointError, match="gives the class 'Thrice' as 'Twice'"):
        tg.load(tmp_path / "m.tg", custom_objects={"Twice": Thrice})


def loss(y_true, y_pred):
    return (y_true - y_pred) ** 2


def test_code_that_a_graph_does_not_use_is_warned_of(tmp_path):
    def own(x):
        return x * 2

    x, path = tg.Input((3,), name="x"), tmp_path / "m.tg"
    model = tg.Model(x, layers.Lambda(own, name="own")(Twice(name="t")(x)))
    model.compile("sgd", loss)
    model.save(path)
    tg.load(path, custom_objects={"own": own, "Twice": Twice, "loss": loss})  # says nothing
    other = {"own": lambda x: x * 10, "Twice": type("Twice", (Thrice,), {})}
    with pytest.warns(UserWarning, match="was written with another .*own than") as told:
        again = tg.load(path, custom_objects=other | {"loss": lambda a, b: 7 + 0 * b})
    assert told[0].filename == __file__
    data = numbers(3)
    np.testing.assert_array_equal(again.predict(data), 4 * data.astype("float32"))
    np.testing.assert_allclose(again(data).numpy(), 4 * data.astype("float32"))
    np.testing.assert_allclose(again.get_layer("own")(tg.Tensor(data)).numpy(), 10 * data)
    assert again.evaluate(data, data) == pytest.approx(7, rel=1e-6)


# ---------------------------------------------------------------- what killed processes leave


def test_what_a_killed_process_left_is_removed_after_an_hour(tmp_path):
    old, young = (tmp_path / f".m.tg.{digit * 16}" for digit in "0f")
    others = [".m.tg.0123", ".m.tg.0123456789abcdeX", ".n.tg.0123456789abcdef", "m.tg.0" * 2]
    for path in [old, young, *(tmp_path / name for name in others)]:
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    os.utime(young)
    one_dense().save(tmp_path / "m.tg")
    assert {one.name for one in tmp_path.iterdir()} == {"m.tg", young.name, *others}


def test_ctrl_c_while_a_place_is_tried_leaves_nothing(tmp_path, monkeypatch):
    def pressed(path, mode):
        os.close(os.open(path, os.O_CREAT))
        raise KeyboardInterrupt

    model = one_dense()
    model.compile("sgd", "mse")
    for kind in (callbacks.ModelCheckpoint, callbacks.BackupAndRestore, callbacks.CSVLogger):
        one = kind(tmp_path / "a")
        with monkeypatch.context() as patch:
            patch.setattr("builtins.open", pressed)
            with pytest.raises(KeyboardInterrupt):
                model.fit(numbers(3), numbers(1), verbose=0, callbacks=one)
    assert list(tmp_path.iterdir()) == []


def test_a_name_as_long_as_can_be_is_written(tmp_path):
    path = tmp_path / ("x" * 252 + ".tg")
    callback = callbacks.BackupAndRestore(path)
    model = one_dense()
    model.compile("sgd", "mse")
    model.fit(numbers(3), numbers(1), verbose=0, callbacks=callback)
    whole_files.replace_file(path, b"x")
    assert path.read_bytes() == b"x"
