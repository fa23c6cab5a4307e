"""Names and ways that people bring along from Keras and PyTorch work, or it is said what does.

A name works where it is the one name of a thing here, too. Where it is not, one sentence says ours.
"""

import importlib
import re
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers
from tinygrad_mo.other_names import OTHER_NAMES, OTHER_OPTIONS

HOMES = {kind: f"tinygrad_mo.{kind}" for kind in OTHER_NAMES if kind not in ("package", "tensor")}


def small(*names, **options):
    x = tg.Input((3,), name="x")
    h = layers.Dense(4, name="h")(x)
    model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in names or ("out",)])
    model.compile(**{"optimizer": "adam", "loss": "mse"} | options)
    return model


def things():
    """One of each kind that the table speaks of."""
    model = small()
    found = {"package": tg, "tensor": tg.Tensor([1.0, 2.0]), "model": model}
    found |= {"layer": model.layers[0], "optimizer": model.optimizer}
    return found | {
        kind: importlib.import_module(home) for kind, home in HOMES.items() if kind not in found
    }


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("kind", OTHER_NAMES)
def test_each_name_of_the_table_is_answered_and_none_is_there(kind):
    thing = things()[kind]
    for name, words in OTHER_NAMES[kind].items():
        with pytest.raises(AttributeError, match=re.escape(words.partition("{")[0])):
            getattr(thing, name)
        assert not hasattr(thing, name)


def test_what_the_sentences_name_is_there():
    texts = [words for names in OTHER_NAMES.values() for words in names.values()]
    named = {name for text in texts for name in re.findall(r"\btg\.([\w.]*\w)", text)}
    assert {"layers.regularizers", "data.pad_sequences", "Model", "load"} <= named
    for name in named:
        thing = tg
        for part in name.split("."):
            thing = getattr(thing, part)
    for kind in ("layers", "losses", "callbacks"):
        home = importlib.import_module(HOMES[kind])
        made = re.findall(r"(?<![.\w])([A-Z]\w+)\(", " ".join(OTHER_NAMES[kind].values()))
        assert made and all(hasattr(home, name) for name in made)
    options = set(re.findall(r"^\w+$", "\n".join(OTHER_OPTIONS.values()), re.M))
    known = " ".join(dir(layers)) and {"kernel_regularizer", "padding", "kernel_initializer"}
    assert known | {"filters", "units", "strides", "learning_rate"} == options


IMPORTS = {
    "from tinygrad_mo import keras": "from tinygrad_mo import layers, losses, optimizers",
    "import tinygrad_mo.utils": "tg.data has to_categorical and pad_sequences",
    "from tinygrad_mo.models import load_model": "tg.load(path) reads",
    "from tinygrad_mo.layers import Linear": "Dense(units)",
    "import tinygrad_mo.nn.functional": "tg.layers, tg.losses and tg.ops",
}


@pytest.mark.parametrize(("line", "words"), IMPORTS.items(), ids=list(IMPORTS))
def test_imports_are_answered_too(line, words):
    with pytest.raises(ModuleNotFoundError, match=re.escape(words)):
        exec(line, {})


@pytest.mark.medium
def test_what_is_nowhere_is_not_there_as_ever():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'tinygrad_mo\.nowhere'"):
        importlib.import_module("tinygrad_mo.nowhere")
    code = "import tinygrad_mo, sys, importlib; importlib.reload(tinygrad_mo);"
    code += "print([getattr(one, '__name__', '') for one in sys.meta_path].count('Signpost'))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() in ("1", "2")  # a reload makes no third one


def test_a_name_that_is_nearly_right_is_guessed():
    with pytest.raises(AttributeError, match="no attribute 'LTSM'; did you mean 'LSTM'"):
        layers.LTSM  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean 'Conv2DTranspose'"):
        layers.conv2dtranspose  # noqa: B018


def test_what_would_be_set_in_vain_is_refused():
    model = small()
    with pytest.raises(AttributeError, match="Adam has no 'lr': learning_rate"):
        model.optimizer.lr = 0.1
    with pytest.raises(AttributeError, match="trainable = False freezes"):
        model.layers[0].requires_grad = False
    with pytest.raises(AttributeError, match=r"Parameter\(trainable=False\)"):
        model.weights[0].requires_grad = False


def test_an_error_within_a_property_is_not_hidden():
    class Own(layers.Layer):
        @property
        def size(self):
            return self.shpae

    with pytest.raises(AttributeError, match="Own 'own' has no attribute 'shpae'"):
        Own().size  # noqa: B018


OPTIONS = {
    "lr": lambda: tg.optimizers.Adam(lr=0.1),
    "input_dim": lambda: layers.Dense(3, input_dim=4),
    "input_length": lambda: layers.Embedding(9, 3, input_length=4),
    "border_mode": lambda: layers.Conv2D(8, 3, border_mode="same"),
}


@pytest.mark.parametrize(("name", "make"), OPTIONS.items(), ids=list(OPTIONS))
def test_options_of_others_are_answered(name, make):
    words = f"has no option {name!r}: {OTHER_OPTIONS[name]}"
    with pytest.raises(TypeError, match=re.escape(words)):
        make()


class TestWhatWorksAsInKeras:
    def test_a_layer_has_and_takes_weights(self):
        model = small()
        layer = model.get_layer("h")
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel + 1, bias])
        np.testing.assert_array_equal(model.get_weights()[0], kernel + 1)
        with pytest.raises(ValueError, match=r"h/bias has shape \(4,\), not \(3,\)"):
            layer.set_weights([kernel, np.ones(3)])
        np.testing.assert_array_equal(layer.get_weights()[0], kernel + 1)
        with pytest.raises(ValueError, match=r"0 weight arrays, 2 were given: its first call"):
            layers.Dense(4).set_weights([kernel, bias])

    def test_weights_need_no_name_and_build_takes_a_shape(self):
        class Own(layers.Layer):
            def build(self, input_shape):
                self.w = self.add_weight(shape=(input_shape[-1], 2), initializer="ones")
                self.b = self.add_weight(shape=(2,), initializer="zeros", trainable=False)
                self.scale = self.add_weight(initializer="ones")
                super().build(input_shape)

            def call(self, inputs):
                return self.scale * (inputs @ self.w + self.b)

        layer = Own()
        y = layer(np.ones((5, 3)))
        np.testing.assert_array_equal(y.numpy(), np.full((5, 2), 3.0))
        assert list(layer.named_weights()) == ["own/weight", "own/weight_1", "own/weight_2"]
        assert [w.shape for w in layer.weights] == [(3, 2), (2,), ()]
        assert len(layer.trainable_weights) == 2
        with pytest.raises(TypeError, match=r"takes the name first: write shape=\(3, 4\)"):
            layer.add_weight((3, 4))

    def test_models_and_layers_run_on_arrays(self):
        model = small()
        x = np.random.default_rng(0).normal(size=(5, 3))
        np.testing.assert_allclose(model(x)[0].numpy(), model.predict(x)[0], rtol=1e-5)
        first, second = layers.Add()([x, tg.Tensor(x)]), tg.Tensor(x) + tg.Tensor(x)
        np.testing.assert_array_equal(first.numpy(), second.numpy())
        words = layers.Embedding(4, 2)(np.array([[0, 3]]))
        assert words.shape == (1, 2, 2)

    def test_the_input_of_a_model_is_as_its_output(self):
        model = small()
        encoder = tg.Model(inputs=model.input, outputs=model.get_output("h"))
        assert encoder.predict(np.ones((2, 3))).shape == (2, 4)
        with pytest.raises(KeyError, match="there is no 0: ask by name, 'x'"):
            model.inputs[0]
        a, b = tg.Input((1,), name="a"), tg.Input((1,), name="b")
        total = layers.Add()([a, b])
        assert tg.Model([a, b], total).input == [a, b]
        assert tg.Model({"a": a, "b": b}, total).input == {"a": a, "b": b}

    def test_a_loss_needs_no_name(self):
        x = tg.Input((3,), name="x")
        y = layers.Dense(2, name="y")(x)
        model = tg.Model(x, y)
        model.add_loss((y * y).mean())
        model.add_loss((y * y).sum(), weight=0.5)
        model.compile("sgd")
        assert list(model.loss_weights) == ["added_loss", "added_loss_1"]
        numbers = np.ones((4, 3))
        before = model.evaluate(numbers)[0]
        model.fit(numbers, epochs=2, verbose=0)
        assert model.evaluate(numbers)[0] < before
        flow = model.gradient_flow(numbers)
        assert flow.reaches("added_loss", "y/kernel") and flow.silent_outputs() == []
        assert "Without a loss" not in flow.report() + model.explain()

    def test_a_model_is_loaded_with_its_objects_or_without_what_compile_made(self, tmp_path):
        def strange_loss(y_true, y_pred):
            return ((y_true - y_pred) ** 2).mean(axis=-1)

        model = small(loss=strange_loss)
        model.save(tmp_path / "model.tg")
        with pytest.raises(ValueError, match=r"custom_objects=\{'strange_loss': \.\.\.\}\)"):
            tg.load(tmp_path / "model.tg")
        whole = tg.load(tmp_path / "model.tg", custom_objects={"strange_loss": strange_loss})
        assert whole.is_compiled
        bare = tg.load(tmp_path / "model.tg", compile=False)
        assert not bare.is_compiled
        for one in (whole, bare):
            np.testing.assert_array_equal(one.get_weights()[0], model.get_weights()[0])
        other = small()
        other.load_weights(tmp_path / "model.tg")
        np.testing.assert_array_equal(other.get_weights()[-1], model.get_weights()[-1])

    def test_a_long_list_of_weights_is_shortened(self, tmp_path):
        small().save_weights(tmp_path / "weights.npz")
        x = tg.Input((3,), name="x")
        h = x
        for _ in range(20):
            h = layers.Dense(3)(h)
        with pytest.raises(ValueError) as caught:
            tg.Model(x, h).load_weights(tmp_path / "weights.npz")
        assert "dense/kernel is missing; " in str(caught.value)
        assert "; ... (40 in all); h/kernel is not in the model" in str(caught.value)
        assert len(str(caught.value)) < 400

    @pytest.mark.parametrize("name", ["model.h5", "model.keras", "model.pt"])
    def test_a_file_of_another_name_is_of_our_format_all_the_same(self, name, tmp_path):
        model = small()
        with pytest.warns(UserWarning, match=r"zip of arrays.*call it .*model\.tg"):
            model.save(tmp_path / name)
        assert tg.load(tmp_path / name).count_params() == model.count_params()

    def test_a_sequence_of_batches_is_told_of_the_end_of_an_epoch(self):
        class Batches:
            def __init__(self):
                self.epochs = 0

            def __len__(self):
                return 3

            def __getitem__(self, index):
                return np.full((4, 3), index), np.ones((4, 1))

            def on_epoch_end(self):
                self.epochs += 1

        batches, model = Batches(), small()
        model.fit(batches, epochs=2, verbose=0)
        assert (batches.epochs, model.step) == (2, 6)

    def test_labels_and_sequences_are_prepared_as_in_keras(self):
        np.testing.assert_array_equal(
            tg.data.to_categorical(np.array([[2], [0]])), [[0, 0, 1], [1, 0, 0]]
        )
        assert tg.data.to_categorical([[0, 1], [1, 1]], 3).shape == (2, 2, 3)
        with pytest.raises(ValueError, match="classes from 0 to 3 are not all among 3"):
            tg.data.to_categorical([0, 3], 3)
        with pytest.raises(TypeError, match="numbers of classes"):
            tg.data.to_categorical([0.5])
        rows = tg.data.pad_sequences([[1, 2, 3], [], [4]], 2, padding="post", truncating="post")
        assert rows.tolist() == [[1, 2], [0, 0], [4, 0]] and rows.dtype == np.int32
        steps = tg.data.pad_sequences([np.ones((2, 3)), np.ones((1, 3))], dtype="float32", value=-1)
        assert steps.shape == (2, 2, 3) and steps[1, 0].tolist() == [-1, -1, -1]
        with pytest.raises(TypeError, match="number 1 is 4"):
            tg.data.pad_sequences([[1], 4])
