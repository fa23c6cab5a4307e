"""Files where other rules hold: on Windows and macOS, on odd disks, under odd names."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import platforms, whole_files
from tinygrad_mo.whole_files import CheckpointError, delete_file, replace_file


def trained(folder, *callbacks, epochs=2):
    x = tg.Input((2,), name="x")
    model = tg.Model(x, tg.layers.Dense(1, name="y")(x))
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=epochs, verbose=0, callbacks=callbacks)
    return model


@pytest.fixture
def held(monkeypatch):
    """Another program holds each file so many times that somebody wants to replace it."""
    left, replace = [0], os.replace

    def refuse_for_a_while(*paths):
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "Access is denied", str(paths[0]), 5, str(paths[1]))
        replace(*paths)

    monkeypatch.setattr(os, "replace", refuse_for_a_while)
    return left


@pytest.mark.parametrize("times", [0, 1, 3])
def test_what_only_looks_at_a_file_is_waited_for(windows, held, tmp_path, times):
    held[0] = times
    replace_file(tmp_path / "a.tg", b"new")
    assert (tmp_path / "a.tg").read_bytes() == b"new" and len(list(tmp_path.iterdir())) == 1


def test_who_holds_a_file_for_long_is_named(windows, held, tmp_path):
    path = tmp_path / "flow.html"
    replace_file(path, b"old")
    held[0] = 100
    with pytest.raises(PermissionError, match=r"another program has it open.*close it") as told:
        replace_file(path, b"new")
    assert str(path) in str(told.value) and "unchanged" in told.value.__notes__[0]
    assert path.read_bytes() == b"old" and [one.name for one in tmp_path.iterdir()] == [path.name]
    held[0] = 0
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_elsewhere_nobody_waits(held, tmp_path):
    held[0] = 1
    with pytest.raises(PermissionError, match="Access is denied"):
        replace_file(tmp_path / "a.tg", b"new")


def test_a_training_that_cannot_write_its_log_keeps_the_model(windows, held, tmp_path):
    """A spreadsheet has the log open. The model stands where the last step left it."""
    log = tg.callbacks.CSVLogger(tmp_path / "log.csv")
    steps = tg.callbacks.LambdaCallback(on_train_batch_end=lambda *_: held.__setitem__(0, 100))
    with pytest.raises(PermissionError, match=r"close it there, and try again.*log\.csv"):
        trained(tmp_path, log, steps)


def test_a_file_that_is_deleted_while_somebody_looks(windows, monkeypatch, tmp_path):
    path, unlink, left = tmp_path / "backup.tg", Path.unlink, [2]
    path.write_bytes(b"")

    def refuse_for_a_while(self, missing_ok=False):
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "Access is denied", str(self))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse_for_a_while)
    delete_file(path)
    assert not path.exists()
    delete_file(path)


@pytest.mark.medium
@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("aux.tg", "keeps the name aux for a device"),  # what many call an output
        ("AUX", "device"),
        ("con.flow.html", "device"),
        ("com1.csv", "device"),
        ("nul.tg", "device"),
        ("prn .tg", "device"),
        ("conout$", "device"),
        ("run:2.tg", "hidden part"),
        ("model.", "drops a dot or space"),
        ("model.tg ", "drops a dot or space"),
    ],
)
def test_a_name_that_windows_takes_for_another_is_refused(windows, tmp_path, name, reason):
    with pytest.raises(CheckpointError, match=f"{reason}.*choose another name"):
        replace_file(tmp_path / name, b"")
    with pytest.raises(ValueError, match=f"CSVLogger cannot write .*{reason}"):
        trained(tmp_path, tg.callbacks.CSVLogger(tmp_path / name))
    with pytest.raises(ValueError, match=reason):
        trained(tmp_path).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.medium
@pytest.mark.parametrize(
    "name", ["auxiliary.tg", "console.tg", "com10.csv", "a.aux", ".tg", "größe"]
)
def test_names_that_windows_takes_as_they_are(windows, tmp_path, name):
    replace_file(tmp_path / name, b"new")
    assert (tmp_path / name).read_bytes() == b"new"


def test_elsewhere_these_are_names_like_any(tmp_path):
    for name in ("aux.tg", "run:2.tg", "model."):
        replace_file(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new"


def test_the_device_that_keeps_nothing_is_meant(windows):
    assert platforms.why_no_name(Path("NUL")) == platforms.why_no_name(Path("nul")) == ""


def test_a_path_that_may_be_too_long_is_said_to_be(windows, monkeypatch, tmp_path):
    path = tmp_path / "a" / ("b" * 200) / "model.tg"
    path.parent.mkdir(parents=True)

    def fail(*_):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(whole_files, "open", fail, raising=False)
    with pytest.raises(FileNotFoundError) as told:
        replace_file(path, b"")
    assert "Windows mostly takes paths of 259 characters at most" in told.value.__notes__[-1]
    assert platforms.why_too_long(Path("model.tg")) == ""


@pytest.mark.parametrize(
    "name", ["a" * 251 + ".tg", "\u5b57" * 83 + ".tg", "with a space, größe.tg"]
)
def test_the_longest_and_oddest_names_can_be_written(tmp_path, name):
    """255 bytes are a name; the file beside it, which then replaces it, needs one, too."""
    for _ in range(2):
        replace_file(tmp_path / name, b"new")
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.medium
@pytest.mark.parametrize(
    ("system", "other", "same"),
    [
        ("windows", "LOG.csv", True),
        ("macos", "LOG.csv", True),
        (None, "LOG.csv", False),
        (None, "folder/../log.csv", True),
        (None, "other.csv", False),
    ],
)
def test_two_callbacks_do_not_write_one_file(request, monkeypatch, tmp_path, system, other, same):
    if system:
        request.getfixturevalue(system)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    both = tg.callbacks.CSVLogger("log.csv"), tg.callbacks.BackupAndRestore(other)
    if same:
        with pytest.raises(ValueError, match="give each a path of its own"):
            trained(tmp_path, *both)
    else:
        trained(tmp_path, *both)


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
def test_a_disk_that_cannot_say_what_is_on_it(monkeypatch, tmp_path, code):
    def no_such_thing(file):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", no_such_thing)
    replace_file(tmp_path / "a.tg", b"new")
    assert (tmp_path / "a.tg").read_bytes() == b"new"


def test_a_disk_that_says_that_something_is_not_on_it(monkeypatch, tmp_path):
    def fail(file):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        replace_file(tmp_path / "a.tg", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_modes(monkeypatch, tmp_path):
    def not_permitted(path, mode):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "chmod", not_permitted)
    for content in (b"old", b"new"):
        replace_file(tmp_path / "a.tg", content)
    assert (tmp_path / "a.tg").read_bytes() == b"new"


def test_where_caches_are(windows, monkeypatch):
    monkeypatch.setenv("LOCALAPPDATA", "/C/Users/Zo\u00eb M/AppData/Local")
    assert platforms.cache_folder() == Path("/C/Users/Zo\u00eb M/AppData/Local")
    monkeypatch.delenv("LOCALAPPDATA")
    monkeypatch.setenv("HOME", "/home/zoe")
    assert platforms.cache_folder() == Path("/home/zoe/AppData/Local")
    monkeypatch.setattr(platforms, "SYSTEM", platforms.MACOS)
    assert platforms.cache_folder() == Path("/home/zoe/Library/Caches")
    monkeypatch.setattr(platforms, "SYSTEM", platforms.LINUX)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert platforms.cache_folder() == Path("/home/zoe/.cache")


@pytest.mark.medium
@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("kind", ["int32", "int64", "uint8", "int16"])
def test_labels_and_ids_of_any_whole_type_train_alike(kind):
    """`numpy.random.randint` makes int32 on Windows, int64 elsewhere; NumPy 2 alone int64."""
    ids, labels = np.arange(8).reshape(8, 1) % 5, np.arange(8) % 3

    def weights(kind):
        tg.set_random_seed(0)
        x = tg.Input((1,), dtype="int32", name="ids")
        h = tg.layers.Flatten()(tg.layers.Embedding(5, 4)(x))
        model = tg.Model(x, tg.layers.Dense(3, activation="softmax", name="y")(h))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(ids.astype(kind), labels.astype(kind), epochs=2, verbose=0)
        return [w.tobytes() for w in model.get_weights()]

    assert weights(kind) == weights("int64")
