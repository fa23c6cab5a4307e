"""Weights in files: whole or not at all."""

import os

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo.files.archive import CheckpointError, load_arrays, replace_file, save_arrays
from zoo import headline

ARRAYS = {
    "plain": np.arange(6.0).reshape(2, 3),
    "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "view": np.arange(12).reshape(3, 4)[:, ::-2],
    "scalar": np.float32(2.5),
    "empty": np.zeros((0, 3)),
    "bits": np.array([True, False]),
    "half": np.float16([1.5]),
    "big-endian": np.array([1, 2], ">i4"),
    "file": np.ones(2),
    "folder/name": np.ones(3),
}


def test_arrays_come_back_as_they_were(tmp_path):
    save_arrays(tmp_path / "a.npz", ARRAYS, step=3)
    found, header = load_arrays(tmp_path / "a.npz")
    assert header["step"] == 3
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
    with np.load(tmp_path / "a.npz") as readable:
        assert np.array_equal(readable["folder/name"], np.ones(3))


def test_weights_move_between_models(tmp_path):
    (first, x, _), (second, _, _) = headline(), headline()
    first.set_weights([w + 1 for w in first.get_weights()])
    first.save_weights(tmp_path / "w.npz")
    second.load_weights(tmp_path / "w.npz")
    for a, b in zip(first.predict(x), second.predict(x), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_file_that_does_not_fit_changes_nothing(tmp_path):
    model, _, _ = headline()
    x = tg.Input((3,), name="x")
    other = tg.Model(x, tg.layers.Dense(2, name="aux_output")(x), name="other")
    other.save_weights(tmp_path / "w.npz")
    before = model.get_weights()
    words = "aux_output/kernel has shape .3, 2. instead of .4, 1."
    with pytest.raises(CheckpointError, match=f"lstm/kernel is missing.*{words}"):
        model.load_weights(tmp_path / "w.npz")
    assert all(a.tobytes() == b.tobytes() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.medium
def test_a_header_that_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("tinygrad_mo.files.archive.LONGEST_HEADER", 1 << 20)
    with pytest.raises(CheckpointError, match=r"header\.json has 2,500,055 bytes, where at most 1"):
        save_arrays(tmp_path / "a.tg", {}, history=[0.5] * 500_000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04"], ids=["empty", "text", "cut"])
def test_other_files_are_explained(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.npz is not a whole file"):
        load_arrays(path)
    with pytest.raises(CheckpointError, match="there is no file"):
        load_arrays(tmp_path / "none.npz")
    with pytest.raises(CheckpointError, match="there is no folder"):
        save_arrays(tmp_path / "none" / "a.npz", {})


def test_nothing_is_unpickled(tmp_path):
    with pytest.raises(ValueError, match=r"[Oo]bject arrays"):
        save_arrays(tmp_path / "a.npz", {"w": np.array([print], dtype=object)})
    np.savez(tmp_path / "b.npz", w=np.array([print], dtype=object))
    with pytest.raises(CheckpointError):
        load_arrays(tmp_path / "b.npz")


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    save_arrays(path, {"w": np.ones(2)})

    def full(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        save_arrays(path, {"w": np.zeros(2)})
    assert load_arrays(path)[0]["w"].tolist() == [1, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_whoever_may_read_what_others_write_may_read_it(tmp_path):
    plain, ours = tmp_path / "plain", tmp_path / "ours"
    plain.write_bytes(b"")
    replace_file(ours, b"content")
    assert ours.stat().st_mode == plain.stat().st_mode
    ours.chmod(0o640)
    replace_file(ours, b"more")
    assert ours.stat().st_mode & 0o777 == 0o640 or os.name == "nt"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
