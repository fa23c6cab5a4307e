"""Recurrent networks that PyTorch has written (tests/recipes/references/record_onnx_sequences.py).

Their batch is fixed or free, their samples come first or behind the steps, and first states are
inputs, which have them behind the layers.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from round_trips import as_list

FOLDER = Path(__file__).parents[1] / "references"
FILES = sorted(path.stem.removeprefix("sequence_") for path in FOLDER.glob("sequence_*.onnx"))


@pytest.fixture(scope="module")
def recorded():
    with np.load(FOLDER / "onnx_sequences.npz") as book:
        return dict(book)


def read(name):
    """The model, and which axis of each input and output holds the samples in the file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = tg.from_onnx(FOLDER / f"sequence_{name}.onnx")
    told = " ".join(str(one.message) for one in caught)
    moved = {
        side: set(re.findall(rf"{side} '([^']*)' \(axis 1\)", told)) for side in ("input", "output")
    }
    return model, moved


def turned(arrays, names, moved):
    """Samples first, where they are not."""
    pairs = zip(arrays, names, strict=True)
    return [np.moveaxis(a, 1, 0) if name in moved else a for a, name in pairs]


@pytest.mark.medium
@pytest.mark.parametrize("name", FILES)
def test_it_predicts_the_same_with_the_same_gradients_for_any_batch_and_trains(name, recorded):
    model, moved = read(name)
    arrays = {key.partition("/")[2]: a for key, a in recorded.items() if key.startswith(name)}
    each = {side: [a for key, a in arrays.items() if key.startswith(side)] for side in
            ("in", "out", "gradient")}  # fmt: skip
    x = turned(each["in"], model.input_names, moved["input"])
    expected = turned(each["out"], model.output_names, moved["output"])
    found = as_list(model.predict(x))
    for y, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(y, right, rtol=1e-5, atol=1e-6)
    for y, right in zip(as_list(model.predict([a[1:] for a in x])), expected, strict=True):
        np.testing.assert_allclose(y, right[1:], rtol=1e-5, atol=1e-6)

    given, loss = [tg.Tensor(a) for a in x], 0
    for i, (y, name_of_y) in enumerate(zip(as_list(model(given)), model.output_names, strict=True)):
        factors = np.cos(np.arange(y.size) + i).astype("float32").reshape(each["out"][i].shape)
        loss = loss + (y * turned([factors], [name_of_y], moved["output"])[0]).sum()
    right = turned(each["gradient"], model.input_names, moved["input"])
    for g, torchs in zip(tg.gradients(loss, given), right, strict=True):
        np.testing.assert_allclose(g, torchs, rtol=1e-4, atol=1e-6)

    model.compile(tg.optimizers.Adam(0.01), "mse")
    wanted = dict(zip(model.output_names, [y + 1 for y in found], strict=True))
    losses = model.fit(x, wanted, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.medium
def test_samples_that_come_first_need_no_word_and_others_do():
    moved = {name: read(name)[1] for name in FILES}
    assert {len(FILES), len(moved)} == {8}
    for name, found in moved.items():
        _, _, _, first, start, output, *_ = name.split("_")
        inputs = {"x"} if first == "time" else set()
        inputs |= {"h0", "c0"} if start == "given" else set()
        assert found["input"] == inputs - ({"c0"} if name[0] != "L" else set())
        assert bool(found["output"]) == (output == "states" or (first, output) == ("time", "all"))
