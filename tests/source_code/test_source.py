"""Source code for PyTorch and Keras, as text: readable, whole, or refused; neither is needed."""

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_mo as tg
from small_models import CASES, small
from tinygrad_mo import layers as L
from zoo import ZOO

REFUSED = {  # of the zoo
    "to_torch": {"readers": "recurrent_dropout"},
    "to_keras": {"masked_lstms": "turned round"},
}


def written(model, way, path):
    getattr(model, way)(path)
    return path.read_text("utf-8")


@pytest.mark.medium
@pytest.mark.parametrize("way", REFUSED)
def test_a_formatter_and_a_linter_have_nothing_to_say(way, tmp_path):
    for name in ZOO.keys() - REFUSED[way].keys():
        written(ZOO[name]()[0], way, tmp_path / f"{name}.py")
    written(small("scores")[0], way, tmp_path / "scores.py")
    for what in (["format", "--diff"], ["check", "--select=E,F,W,I,B,UP,C4,SIM"]):
        ruff = [sys.executable, "-m", "ruff", *what, "--isolated", str(tmp_path)]
        run = subprocess.run(ruff, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("way", REFUSED)
def test_what_has_no_counterpart_is_refused_by_name_and_nothing_is_written(way, tmp_path):
    for name, words in REFUSED[way].items():
        with pytest.raises(NotImplementedError, match=words) as caught:
            written(ZOO[name]()[0], way, tmp_path / "net.py")
        assert f"cannot be written for {'PyTorch' if way == 'to_torch' else 'Keras'}" in str(
            caught.value
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["net.txt", "net", "my net.py", "class.py"])
def test_the_file_must_be_one_that_can_be_imported(name, tmp_path):
    model, *_ = small("dense")
    with pytest.raises(ValueError, match=r"choose one such as net\.py"):
        model.to_torch(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_names_become_those_of_python_and_stay_apart(tmp_path):
    a, b = tg.Input((3,), name="a b"), tg.Input((3,), name="class")
    h = L.Dense(3, name="forward")(L.add([a, b]))
    h = L.Dense(3, name="3b/1x1")(h)
    text = written(tg.Model([a, b], L.Dense(3, name="a_b")(h)), "to_torch", tmp_path / "net.py")
    compile(text, "net.py", "exec")
    for line in (
        "def forward(self, a_b, class_1):",
        "self.forward_1 = nn.Linear(3, 3)",
        "self.layer_3b_1x1 = nn.Linear(3, 3)",
        "self.a_b = nn.Linear(3, 3)",
    ):
        assert line in text


def test_a_layer_that_is_called_twice_is_one_module_and_two_lines(tmp_path):
    model, *_ = ZOO["shared_twins"]()
    text = written(model, "to_torch", tmp_path / "net.py")
    assert text.count("nn.LSTM(") == 1 and text.count("= self.lstm(") == 2
    text = written(model, "to_keras", tmp_path / "net.py")
    assert text.count("layers.LSTM(") == 1 and text.count("= lstm_layer(") == 2


def test_a_layer_of_two_models_is_one_module(tmp_path):
    shared, x = L.Dense(3, name="shared"), tg.Input((3,), name="x")
    inner = tg.Model(x, L.Dense(2, name="own")(shared(x)), name="inner")
    y = tg.Input((3,), name="y")
    model = tg.Model(y, [inner(y), shared(y)])
    text = written(model, "to_torch", tmp_path / "net.py")
    assert "self.shared = self.inner.shared" in text
    with pytest.raises(NotImplementedError, match="belongs to two layers or models"):
        model.to_keras(tmp_path / "net.py")


def test_what_is_frozen_stays_so(tmp_path):
    x = tg.Input((3,), name="x")
    h = L.BatchNormalization(name="norm", trainable=False)(L.Dense(3, name="low")(x))
    model = tg.Model(x, L.Dense(1, name="top")(h))
    model.get_layer("low").trainable = False
    text = written(model, "to_torch", tmp_path / "net.py")
    assert "self.low.requires_grad_(False)" in text and "self.top.requires" not in text
    assert "frozen=True" in text
    text = written(model, "to_keras", tmp_path / "net.py")
    assert text.count("trainable=False") == 2


def test_weights_lie_beside_in_the_layout_that_is_wanted(tmp_path):
    model, *_ = small("dense")
    kernel = model.weights[0].numpy()
    for way, name, expected in (
        ("to_torch", "dense.weight", kernel.T),
        ("to_keras", "dense/kernel", kernel),
    ):
        written(model, way, tmp_path / "net.py")
        with np.load(tmp_path / "net.npz", allow_pickle=False) as arrays:
            assert arrays.files == [name]
            np.testing.assert_array_equal(arrays[name], expected)


def test_there_is_a_case_for_every_layer():
    used = set()
    for name in CASES:
        model, _ = small(name)
        used |= {type(layer).__name__ for layer in model.contents.every_layer()}
    kinds = {name for name in L.__all__ if name[0].isupper()}
    merges = {"Add", "Concatenate", "Maximum", "Minimum", "Multiply"}  # in the zoo
    assert kinds - used - merges <= {"Input", "Layer", "Lambda", "Merge"}
