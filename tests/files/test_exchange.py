"""Weights to and from PyTorch and Keras: names, layouts, and the same outputs there and here.

What the other side wrote and computed is recorded (recipes/references/record_exchange.py).
"""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import tinygrad_mo as tg
from exchange_models import SHAPES, TORCH_NAMES, everything
from tinygrad_mo import layers
from tinygrad_mo.files.archive import CheckpointError
from tinygrad_mo.files.exchange import TORCH, keras_paths
from zoo import ZOO

REFERENCES = Path(__file__).parents[1] / "references"
with np.load(REFERENCES / "exchange.npz") as file:
    RECORDED = {key: file[key] for key in file.files}
DATA = [RECORDED[f"inputs/{name}"] for name in SHAPES]


def reference(name):
    return REFERENCES / f"exchange_{name}.safetensors"


def options(side, model):
    if side == "torch":
        return {"names": "torch", "rename": TORCH_NAMES}
    return {"names": "keras", "rename": keras_paths(model)}


def same_entries(path, other):
    """Do two files hold the same names, shapes, types and bits?"""
    a, b = load_file(path), load_file(other)
    assert a.keys() == b.keys()
    for name, array in a.items():
        assert (array.dtype, array.shape) == (b[name].dtype, b[name].shape), name
        assert array.tobytes() == b[name].tobytes(), name
    return True


def one_layer(layer, *shape):
    x = tg.Input(shape)
    return tg.Model(x, layer(x))


def attention(*arguments, width=4, **options):
    x = tg.Input((5, width))
    return tg.Model(x, layers.MultiHeadAttention(*arguments, name="heads", **options)(x, x))


def saved(model, path, **options):
    model.save_weights(path, **options)
    return load_file(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "w.safetensors"


@pytest.mark.medium
@pytest.mark.parametrize(("floatx", "rtol"), [("float64", 1e-11), ("float32", 1e-5)])
@pytest.mark.parametrize("name", ["torch", "to_torch", "keras"])
def test_a_model_from_elsewhere_computes_the_same_here(name, floatx, rtol):
    side = name.removeprefix("to_")
    with tg.use(floatx=floatx):
        model = everything(tg)
        model.load_weights(reference(name), **options(side, model))
        outputs = model.predict(DATA)
    for part, y in zip(("reader", "signals", "pictures"), outputs, strict=True):
        assert y.dtype == floatx
        np.testing.assert_allclose(y, RECORDED[f"{side}/{part}"], rtol, atol=rtol / 100)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("loaded", "written"), [("torch", "to_torch"), ("to_torch", "to_torch"), ("keras", "keras")]
)
def test_a_file_from_here_is_the_one_that_was_loaded_elsewhere(loaded, written, path):
    model = everything(tg)
    side = loaded.removeprefix("to_")
    model.load_weights(reference(loaded), **options(side, model))
    model.save_weights(path, **options(side, model))
    assert same_entries(path, reference(written))


WITH_COUNTERPART = [name for name in ZOO if name != "readers"]  # it has a scaled Attention


@pytest.mark.one_in(60, rest="medium")
@pytest.mark.filterwarnings("ignore:.*makes .* flat with the channels last")
@pytest.mark.parametrize(
    ("name", "names"),
    [(name, "keras") for name in ZOO] + [(name, "torch") for name in WITH_COUNTERPART],
)
def test_weights_come_back_bit_by_bit(name, names, path):
    model, twin = (ZOO[name]()[0] for _ in range(2))
    model.save_weights(path, names=names)
    twin.load_weights(path, names=names)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    assert all(w.value.flags.c_contiguous for w in twin.weights)


def test_all_layers_with_weights_have_names_in_pytorch_or_are_known_to_have_none():
    with_weights = {
        kind
        for kind in vars(layers).values()
        if isinstance(kind, type) and kind.make_weights is not layers.Layer.make_weights
    }
    assert with_weights - TORCH.keys() == {layers.Attention}


def test_keras_names_are_ours_and_those_of_keras_if_asked_for(path):
    model = one_layer(layers.LSTM(2, name="lstm"), 5, 3)
    assert sorted(saved(model, path)) == ["lstm/bias", "lstm/kernel", "lstm/recurrent_kernel"]
    assert "lstm/lstm_cell/bias" in saved(model, path, rename=keras_paths(model))


def test_gates_of_a_gru_change_places(path):
    model = one_layer(layers.GRU(1, name="gru"), 5, 1)
    update, reset, candidate = 1.0, 2.0, 3.0
    model.set_weights([[[update, reset, candidate]], np.zeros((1, 3)), [[1, 2, 3], [4, 5, 6]]])
    found = saved(model, path, names="torch")
    assert found["gru.weight_ih_l0"].tolist() == [[reset], [update], [candidate]]
    assert found["gru.bias_ih_l0"].tolist() == [2, 1, 3]
    assert found["gru.bias_hh_l0"].tolist() == [5, 4, 6]


def test_two_biases_become_one(path):
    model = one_layer(layers.SimpleRNN(2, name="rnn"), 5, 3)
    found = saved(model, path, names="torch")
    found |= {"rnn.bias_ih_l0": np.array([1.0, 2.0]), "rnn.bias_hh_l0": np.array([10.0, 20.0])}
    save_file(found, path)
    model.load_weights(path, names="torch")
    assert model.get_weights()[2].tolist() == [11, 22]
    assert saved(model, path, names="torch")["rnn.bias_hh_l0"].tolist() == [0, 0]


def test_counts_of_batches_are_left_out(path):
    model = one_layer(layers.BatchNormalization(name="norm"), 3)
    found = saved(model, path, names="torch")
    assert sorted(found) == ["norm.bias", "norm.running_mean", "norm.running_var", "norm.weight"]
    save_file({**found, "norm.num_batches_tracked": np.array(7)}, path)
    model.load_weights(path, names="torch")


class Scale(layers.Layer):
    def make_weights(self, shape):
        self.factor = self.add_weight("factor", shape[-1:])

    def call(self, x):
        return x * self.factor


WITHOUT_COUNTERPART = {
    "its GRU has reset_after": lambda: one_layer(layers.GRU(2, reset_after=False), 5, 3),
    "both scale and center": lambda: one_layer(layers.BatchNormalization(scale=False), 3),
    "no center without scale": lambda: one_layer(layers.LayerNormalization(scale=False), 3),
    "over the last axes": lambda: one_layer(layers.LayerNormalization(axis=1), 4, 3),
    "one alpha per channel": lambda: one_layer(layers.PReLU(), 4, 3),
    "query, key, value and output": lambda: attention(2, 3),
    "key, value and output are": lambda: attention(2, 2, value_dim=3),
    "value and output are": lambda: attention(2, 2, output_shape=3),
    "output are num_heads . key_dim wide": lambda: attention(2, 2, width=5),
    "its weights factor are not in the table": lambda: one_layer(Scale(), 3),
    "its weights scale are not in the table": lambda: ZOO["readers"]()[0],
}


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("reason", WITHOUT_COUNTERPART)
def test_what_has_no_counterpart_is_named(reason, path):
    model = WITHOUT_COUNTERPART[reason]()
    kinds = "|".join(type(layer).__name__ for layer in model.layers)
    words = rf"PyTorch has no counterpart of ({kinds}) '\w+': .*{reason}"
    with pytest.raises(ValueError, match=words):
        model.save_weights(path, names="torch")
    assert not path.exists()
    model.save_weights(path)  # Keras has it
    with pytest.raises(ValueError, match=words):
        model.load_weights(path, names="torch")


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    "build",
    [
        lambda: one_layer(layers.BatchNormalization(scale=False, center=False), 3),
        lambda: one_layer(layers.LayerNormalization(axis=(1, 2), center=False), 4, 3),
        lambda: one_layer(layers.LayerNormalization(scale=False, center=False), 3),
        lambda: one_layer(layers.PReLU(shared_axes=(1, 2, 3)), 4, 4, 3),
        lambda: attention(2, 2, use_bias=False),
        lambda: one_layer(layers.Bidirectional(layers.GRU(2), merge_mode="sum"), 5, 3),
        lambda: one_layer(layers.Conv2DTranspose(2, 3, use_bias=False), 4, 4, 3),
    ],
)
def test_variants_that_have_a_counterpart(build, path):
    model, twin = build(), build()
    model.save_weights(path, names="torch")
    twin.load_weights(path, names="torch")
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


def two_layers():
    x = tg.Input((3,), name="x")
    base = tg.Model(x, layers.Dense(4, name="inner")(x), name="base")
    return tg.Model(x, layers.Dense(2, name="top")(base(x)))


class TestRename:
    @pytest.mark.parametrize(
        ("rename", "expected"),
        [
            ({"base/inner": "0"}, "0.bias 0.weight top.bias top.weight"),
            ({"base": ""}, "inner.bias inner.weight top.bias top.weight"),
            (
                {"": "module", "base.inner": "in"},
                "in.bias in.weight module.top.bias module.top.weight",
            ),
            (
                {"top": "inner", "base": "a.b"},
                "a.b.inner.bias a.b.inner.weight inner.bias inner.weight",
            ),
            ({"top.bias": "b", "base": "x"}, "b top.weight x.inner.bias x.inner.weight"),
        ],
    )
    def test_the_longest_start_of_a_name_is_replaced(self, rename, expected, path):
        model, twin = two_layers(), two_layers()
        assert sorted(saved(model, path, names="torch", rename=rename)) == expected.split()
        twin.load_weights(path, names="torch", rename=rename)
        assert twin.get_weights()[0].tobytes() == model.get_weights()[0].tobytes()

    @pytest.mark.parametrize("action", ["save_weights", "load_weights"])
    def test_mistakes_are_named(self, action, path):
        model = two_layers()
        model.save_weights(path)
        act = getattr(model, action)
        with pytest.raises(ValueError, match="there is no 'tap'; did you mean 'top'"):
            act(path, rename={"tap": "head"})
        with pytest.raises(ValueError, match="two entries the name 'base/inner/kernel'"):
            act(path, rename={"top": "base/inner"})
        with pytest.raises(ValueError, match=r"unknown names 'pytorch': did you mean 'torch'"):
            act(path, names="pytorch")


class TestFilesThatDoNotFit:
    def refused(self, model, path, words, **options):
        before = model.get_weights()
        with pytest.raises(CheckpointError, match=words):
            model.load_weights(path, **options)
        after = model.get_weights()
        assert all(a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True))

    def test_all_that_is_wrong_is_said_and_nothing_changed(self, path):
        model = two_layers()
        found = saved(model, path, names="torch")
        found["tops.weight"] = found.pop("top.weight") + 1
        found["base.inner.bias"] = np.ones(5, "float32")
        found["base.inner.weight"] += 1
        save_file(found, path)
        words = (
            r"w.safetensors does not fit model 'model': top.weight is missing \(did you mean "
            r"tops.weight\?\); tops.weight is not in the model; base.inner.bias has shape \(5,\) "
            r"instead of \(4,\); .*rename={'ours': 'theirs'}$"
        )
        self.refused(model, path, words, names="torch")

    def test_a_wrong_shape_alone_is_said_briefly(self, path):
        model = two_layers()
        save_file(saved(model, path) | {"top/bias": np.ones(3, "float32")}, path)
        self.refused(model, path, r"'model': top/bias has shape \(3,\) instead of \(2,\)$")

    def test_a_hint_has_the_right_shape(self, path):
        model = two_layers()
        found = saved(model, path)
        kernel = found.pop("top/kernel")
        save_file({**found, "top/kernels": kernel.T.copy(), "head/kernel": kernel}, path)
        self.refused(model, path, r"top/kernel is missing \(did you mean head/kernel\?\)")

    def test_a_long_list_is_cut(self, path):
        model = everything(tg)
        words = r"is missing .*; \.\.\. \(63 in all\); .*; \.\.\. \(63 in all\); .*keras_paths"
        self.refused(model, reference("keras"), words)

    @pytest.mark.parametrize(
        "content", [b"", b"no safetensors", b"\x10\0\0\0\0\0\0\0{"], ids=["empty", "text", "cut"]
    )
    def test_other_files_are_explained(self, content, path):
        self.refused(two_layers(), path, "there is no file")
        path.write_bytes(content)
        self.refused(two_layers(), path, "is not a whole safetensors file")

    def test_a_file_that_was_cut_off_is_explained(self, path):
        model = two_layers()
        model.save_weights(path)
        path.write_bytes(path.read_bytes()[:-4])
        self.refused(model, path, "is not a whole safetensors file")

    def test_numbers_of_unknown_types_are_explained(self, path):
        header = b'{"top/bias":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
        self.refused(two_layers(), path, "numbers that NumPy does not know .*float32")


def test_shorter_floats_are_taken(path):
    model = two_layers()
    found = {name: a.astype("float16") for name, a in saved(model, path).items()}
    save_file(found, path)
    model.load_weights(path)
    assert {w.dtype for w in model.weights} == {np.dtype("float32")}
    assert np.array_equal(model.get_weights()[0], found["base/inner/kernel"])


def test_only_safetensors_files_have_names_to_choose(tmp_path):
    model = two_layers()
    with pytest.raises(ValueError, match="for files that end with"):
        model.save_weights(tmp_path / "w.npz", names="torch")
    model.save_weights(tmp_path / "w.npz")
    with pytest.raises(ValueError, match="for files that end with"):
        model.load_weights(tmp_path / "w.npz", rename={"top": "head"})


def test_a_failed_save_keeps_the_old_file(path, monkeypatch):
    model = two_layers()
    model.save_weights(path)
    before = path.read_bytes()

    def full(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    model.set_weights([w + 1 for w in model.get_weights()])
    with pytest.raises(OSError, match="no space left"):
        model.save_weights(path)
    assert path.read_bytes() == before
    with pytest.raises(CheckpointError, match="there is no folder"):
        model.save_weights(path.parent / "none" / path.name)


@pytest.mark.parametrize("missing", ["safetensors", "safetensors.numpy"])
def test_without_the_package_the_error_says_how_to_get_it(missing, path, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    for act in (two_layers().save_weights, two_layers().load_weights):
        with pytest.raises(ImportError, match=r"pip install 'tinygrad-mo\[exchange\]'"):
            act(path)


class TestFlatten:
    def save(self, path, *shape, before=()):
        x = h = tg.Input(shape)
        for layer in before:
            h = layer(h)
        model = tg.Model(x, layers.Dense(2)(layers.Flatten(name="flat")(h)))
        model.save_weights(path, names="torch")

    @pytest.mark.parametrize(
        ("shape", "before"), [((4, 4, 3), ()), ((6, 3), [layers.Conv1D(2, 3)])], ids=["2D", "1D"]
    )
    def test_an_order_that_differs_is_warned_of(self, shape, before, path):
        with pytest.warns(UserWarning, match=r"'flat' makes .* put a Permute layer in front"):
            self.save(path, *shape, before=before)

    def test_an_order_that_is_the_same_is_not(self, path):
        self.save(path, 6, 3)  # steps and features: PyTorch has them in this order, too
        self.save(path, 4, 4, 1)
        self.save(path, 1, 1, 5)
        self.save(path, 4, 4, 3, before=[layers.Permute((3, 1, 2))])
