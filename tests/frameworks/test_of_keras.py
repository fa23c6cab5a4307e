"""The flow of a Keras model: our numbers for our network, its own losses, and how it pairs them."""

import os

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo.files.exchange import keras_paths
from tinygrad_mo.systems import headlines

pytest.importorskip("torch", reason="PyTorch is not installed")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is not installed")
if keras.backend.backend() != "torch":
    pytest.skip("Keras does not run on PyTorch here", allow_module_level=True)

L = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's, of NumPy 2


def twin():
    """The headlines network in Keras, with the names of ours."""
    title = keras.Input((7,), dtype="int32", name="main_input")
    numbers = keras.Input((5,), name="aux_input")
    h = L.LSTM(5, name="lstm")(L.Embedding(30, 6, name="embedding")(title))
    x = L.Concatenate(name="concatenate")([h, numbers])
    for i in (1, 2, 3):
        x = L.Dense(64, "relu", name=f"dense_{i}")(x)
    main = L.Dense(1, "sigmoid", name="main_output")(x)
    return keras.Model([title, numbers], [main, L.Dense(1, "sigmoid", name="aux_output")(h)])


@pytest.mark.slow
def test_the_flow_of_a_twin_is_ours():
    model = headlines.build(vocabulary=30, length=7, width=6, units=5)
    random = np.random.default_rng(0)
    x = [random.integers(0, 30, (8, 7)), random.normal(size=(8, 5)).astype("float32")]
    y = [random.integers(0, 2, (8, 1)).astype("float32") for _ in range(2)]
    model.compile("rmsprop", "binary_crossentropy", loss_weights=headlines.WEIGHTS)
    ours = model.gradient_flow(x, y)
    theirs_of = keras_paths(model)
    other = twin()
    values = {theirs_of[name]: w.numpy() for name, w in model.named_weights().items()}
    for v in other.weights:
        v.assign(values[v.path])
    other.compile("rmsprop", ["binary_crossentropy"] * 2, loss_weights=[1.0, 0.2])
    theirs = tg.flow.of_keras(other, x, y, to_inputs=True)
    assert theirs.losses == ours.losses and theirs.weights == ours.weights
    assert theirs.values == pytest.approx(ours.values, rel=1e-5)
    assert theirs.optimizer == "RMSprop" and theirs.notes == []

    def check(one, another):
        assert one.reach == another.reach
        sizes = np.maximum(one._norms, 1e-300)
        scaled = [m.gram / sizes / sizes[:, None] for m in (one, another)]
        assert scaled[0] == pytest.approx(scaled[1], abs=1e-5)

    for name, measure in ours.parameters.items():
        check(measure, theirs.parameters[theirs_of[name]])
    wires = {(w.source, w.target): w for w in theirs.wires}
    assert set(wires) == {(w.source, w.target) for w in ours.wires}
    for wire in ours.wires:
        check(wire.measure, wires[wire.source, wire.target].measure)


@pytest.mark.slow
def test_layers_in_models_are_folds_and_nothing_is_changed(tmp_path):
    base = keras.Sequential(
        [L.Input((4,)), L.Dense(3, name="inner"), L.BatchNormalization(name="norm")], name="base"
    )
    left, right = (keras.Input((4,), name=name) for name in ("left", "right"))
    x = L.Dropout(0.5)(L.Concatenate(name="join")([base(left), base(right)]))
    x = L.Dense(2, name="dense", kernel_regularizer="l2")(x)
    model = keras.Model([left, right], [L.Dense(1, name="a")(x), L.Dense(1, name="b")(x)])
    model.get_layer("a").trainable = False
    model.compile("adam", ["mse", "mae"], loss_weights=[1.0, 0.5])
    data = [np.ones((3, 4)), np.arange(12.0).reshape(3, 4)], [np.ones((3, 1)), np.zeros((3, 1))]
    before = [v.numpy().copy() for v in model.variables]
    flow = tg.flow.of_keras(model, *data)
    assert all((v.numpy() == old).all() for v, old in zip(model.variables, before, strict=True))
    assert not model._compile_loss.built
    assert flow.losses == ["a", "b", "regularization"]
    assert flow.kinds == {"a": "mse of output a", "b": "mae of output b"}
    assert flow.folds["base"] == ["base/inner", "base/norm"]
    assert flow.folds["base:1"] == ["base/inner:1", "base/norm:1"]
    assert "base/inner is called 2 times with the same weights" in flow.report()
    assert flow.frozen == {"a/kernel", "a/bias"} and flow.reaches("regularization", "dense/kernel")
    assert not any("moving" in name for name in flow.parameters)
    flow.save(tmp_path / "flow.html")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("losses", "weights", "found", "note"),
    [
        ({"main": "mse", "aux": "mae"}, {"main": 1.0, "aux": 0.2}, [1.0, 0.2], None),
        (["mse", "mae"], [1.0, 0.2], [0.2, 1.0], "pairs a list of losses with outputs sorted by"),
        ({"main": "mse", "aux": "mae"}, [1.0, 0.2], [0.2, 1.0], "Keras multiplies main with 0.2"),
    ],
)
def test_a_word_where_keras_sorts_names(losses, weights, found, note):
    x = keras.Input((4,), name="x")
    outputs = {"main": L.Dense(1, name="one")(x), "aux": L.Dense(1, name="two")(x)}
    model = keras.Model(x, outputs)
    model.compile("sgd", losses, loss_weights=weights)
    y = {"main": np.ones((3, 1)), "aux": np.zeros((3, 1))}
    flow = tg.flow.of_keras(model, np.ones((3, 4)), y)
    assert [flow.weights[name] for name in ("main", "aux")] == found
    logs = model.evaluate(np.ones((3, 4)), y, return_dict=True, verbose=0)
    total = sum(flow.weights[name] * value for name, value in flow.values.items())
    assert logs["loss"] == pytest.approx(total, rel=1e-5)
    assert flow.reaches("main", "one") and not flow.reaches("main", "two")
    assert flow.notes == [] if note is None else note in flow.notes[0]


@pytest.mark.slow
def test_a_list_of_outputs_with_weights_by_name():
    """The quietest of them: what stands in the dict is not what is multiplied."""
    x = keras.Input((4,), name="x")
    model = keras.Model(x, [L.Dense(1, name="main")(x), L.Dense(1, name="aux")(x)])
    model.compile("sgd", ["mse", "mae"], loss_weights={"main": 1.0, "aux": 0.2})
    flow = tg.flow.of_keras(model, np.ones((3, 4)), [np.ones((3, 1)), np.zeros((3, 1))])
    assert flow.weights == {"main": 0.2, "aux": 1.0}
    assert (
        "Keras multiplies main with 0.2 and aux with 1, although loss_weights is" in flow.notes[0]
    )


def test_what_is_no_compiled_model_is_refused():
    x = keras.Input((4,))
    for wrong in (keras.Model(x, x), None):
        with pytest.raises(ValueError, match=r"must be a keras.Model that is compiled with a loss"):
            tg.flow.of_keras(wrong, np.ones((3, 4)), np.ones((3, 4)))
