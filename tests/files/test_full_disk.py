"""A disk that is full after any number of bytes: the old file is as it was, there is no other."""

import builtins
import errno
from contextlib import contextmanager

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import cli, learn, reference, whole_files
from tinygrad_mo.learn import lesson
from tinygrad_mo.whole_files import replace_file
from zoo import X, two_heads

Y = [np.ones((len(X), 1))] * 2


class Filling:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, content):
        self.file.write(content[: self.room])
        self.file.flush()
        if len(content) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name):
        return getattr(self.file, name)


@contextmanager
def room_for(count):
    def opening(*given):
        return Filling(builtins.open(*given), count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_files, "open", opening, raising=False)
        yield


def contents(folder):
    return {one.name: one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.mark.medium
def test_full_after_each_number_of_bytes(tmp_path):
    path, new = tmp_path / "a.bin", bytes(range(100))
    for old in ({}, {"a.bin": b"old"}):
        for count in range(len(new)):
            with room_for(count), pytest.raises(OSError, match="No space left") as caught:
                replace_file(path, new)
            assert contents(tmp_path) == old
            assert "a.bin was not written; what was there before is" in caught.value.__notes__[0]
        path.write_bytes(b"old")
    with room_for(len(new)):
        replace_file(path, new)
    assert contents(tmp_path) == {"a.bin": new}


def trained_with(callback):
    two_heads().fit(X, Y, epochs=2, verbose=0, callbacks=[callback])


WRITERS = {
    "model": lambda: two_heads().save("model.tg"),
    "weights": lambda: two_heads().save_weights("weights.tg"),
    "backup": lambda: trained_with(tg.callbacks.BackupAndRestore("backup.tg", 1)),
    "checkpoint": lambda: trained_with(tg.callbacks.ModelCheckpoint("best.tg", "loss")),
    "flow": lambda: two_heads().gradient_flow(X, Y).save("flow.flow"),
    "page": lambda: two_heads().gradient_flow(X, Y).save("flow.html"),
    "lessons": lambda: lesson.copy_lessons(lesson.Path("lessons")),
    "reference": lambda: reference.write(lesson.Path("reference.html")),
}
SLOW = {"page", "reference", "lessons"}


@pytest.mark.medium
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in WRITERS]
)
def test_full_while_anything_is_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for count in (0, 1, 300):
        with room_for(count), pytest.raises(OSError, match="No space left"):
            WRITERS[name]()
        assert all(len(c) <= count for c in contents(tmp_path).values())  # for which there was room


@pytest.mark.slow
def test_full_while_a_notebook_is_written(tmp_path, monkeypatch, capsys):
    pytest.importorskip("jupytext")
    monkeypatch.chdir(tmp_path)
    learn.copy_lessons(tmp_path)
    assert cli.main(["notebook", "1"]) == 0
    before = contents(tmp_path)
    with room_for(500):
        assert cli.main(["notebook", "1", "--force"]) != 0
    assert "No space left" in capsys.readouterr().err
    assert contents(tmp_path) == before
