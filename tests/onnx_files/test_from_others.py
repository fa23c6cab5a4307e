"""Networks that PyTorch and Keras have written (tests/recipes/references/record_onnx.py)."""

from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from round_trips import as_list, by_reference, there_and_back

FOLDER = Path(__file__).parents[1] / "references"
FILES = sorted(path.name for path in FOLDER.glob("onnx_*.onnx"))


@pytest.fixture(scope="module")
def recorded():
    with np.load(FOLDER / "onnx.npz") as book:
        return dict(book)


def case_of(recorded, name):
    """The network, data and predictions that were recorded for a file."""
    network = "_".join(name.removesuffix(".onnx").split("_")[1:3])
    outputs = [key for key in recorded if key.startswith(f"{network}/") and key[-1].isdigit()]
    model = tg.from_onnx(FOLDER / name)
    return model, recorded[f"{network}/x"], [recorded[key] for key in sorted(outputs)]


def test_there_are_files_of_both():
    assert len(FILES) == 9
    assert {name.split("_")[1] for name in FILES} == {"torch", "keras"}


@pytest.mark.medium
@pytest.mark.parametrize("name", FILES)
def test_it_predicts_the_same(name, recorded):
    model, x, expected = case_of(recorded, name)
    for y, found in zip(expected, as_list(model.predict(x)), strict=True):
        np.testing.assert_allclose(found, y, rtol=1e-5, atol=1e-6)
    for y, found in zip(expected, as_list(model.predict(x[:1])), strict=True):
        np.testing.assert_allclose(found, y[:1], rtol=1e-5, atol=1e-6)
    assert all(len(y) == 0 for y in as_list(model.predict(x[:0])))


@pytest.mark.medium
@pytest.mark.parametrize("name", FILES)
def test_it_trains(name, recorded):
    model, x, expected = case_of(recorded, name)
    before = model.get_weights()
    model.compile(tg.optimizers.Adam(0.01), "mse")
    wanted = dict(zip(model.output_names, [y + 1 for y in expected], strict=True))
    losses = model.fit(x, wanted, epochs=8, batch_size=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    frozen = len(model.weights) - len(model.trainable_weights)
    assert sum(changed) >= len(changed) - frozen - 1  # a bias under a softmax may stay


@pytest.mark.medium
@pytest.mark.parametrize("name", FILES)
def test_it_goes_there_and_back(name, recorded, tmp_path):
    with tg.use(floatx="float64"):
        model, x, _ = case_of(recorded, name)
        there_and_back(model, x, tmp_path / "model.onnx", 1e-6)


@pytest.mark.medium
def test_the_cards_are_layers_that_people_know(recorded):
    kinds = {}
    for how in ("dynamo", "script"):
        model, *_ = case_of(recorded, f"onnx_torch_reader_{how}.onnx")
        kinds[how] = [type(layer).__name__ for layer in model.layers]
    known = ["Embedding", "LSTM", "LSTM", "GRU", "SimpleRNN", "Dense", "Activation"]
    assert kinds["script"] == known
    assert {*known} - {*kinds["dynamo"]} == {"SimpleRNN"}  # this exporter has taken it apart


def test_no_transposition_lies_between_convolutions(recorded):
    model, *_ = case_of(recorded, "onnx_torch_pictures_script.onnx")
    names = [step.op.name for step in model.steps]
    last = names.index("transposed_convolution")
    assert names[:last].count("transpose") <= 2  # at the start, and of the slopes of PReLU


def test_in_a_file_for_one_sample_any_number_fits(recorded):
    fixed, x, expected = case_of(recorded, "onnx_torch_pictures_fixed.onnx")
    assert fixed.inputs["x"].shape[0] is None
    reference = by_reference(FOLDER / "onnx_torch_pictures_fixed.onnx", {"x": x[:1]})
    np.testing.assert_allclose(reference[0], expected[0][:1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(as_list(fixed.predict(x))[0], expected[0], rtol=1e-5, atol=1e-6)
