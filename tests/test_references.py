"""The same numbers as Keras in float64, recorded in tests/references (recipes: tests/recipes)."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, losses, metrics, optimizers
from tinygrad_mo.layers import initializers, regularizers

pytestmark = pytest.mark.usefixtures("float64")


@functools.cache
def recorded(book):
    """A reference file as {case: {name: array}}, and the configs of its cases."""
    cases = {}
    with np.load(Path(__file__).parent / "references" / f"{book}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    configs = json.loads(str(arrays.pop("configs")))
    for key, array in arrays.items():
        case, _, name = key.rpartition("/")
        cases.setdefault(case, {})[name] = array
    return cases, configs


def case_of(book, case):
    cases, configs = recorded(book)
    options = dict(configs[case])
    return cases[case], options.pop("class"), options


def close(found, expected):
    found = found.numpy() if isinstance(found, tg.Tensor) else found
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


def set_weights(layer, data):
    for w in layer.weights:
        w.assign(data[w.name.rsplit("/", 1)[-1]])


def check_layer(layer, data, call, upstreams=None):
    """Values and all gradients of a layer against a case; `call` gives the recorded outputs."""
    names = [name for name in data if f"grad_{name}" in data]
    tensors = {name: tg.Tensor(data[name]) for name in names}
    outputs = call(tensors)
    weights = {w.name.rsplit("/", 1)[-1]: w for w in layer.weights}
    upstreams = upstreams or {
        name: data["upstream" if len(outputs) == 1 else f"upstream_{name}"] for name in outputs
    }
    for y in outputs.values():
        y.mask = None  # the books count what is padding, too
    loss = sum((outputs[name] * upstreams[name]).sum() for name in outputs)
    wanted = [weights.get(name, tensors[name]) for name in names]
    for name, g in zip(names, tg.gradients(loss, wanted), strict=True):
        close(g, data[f"grad_{name}"])
    return outputs


def lstm_outputs(layer, data, tensors):
    x = tensors["x"]
    if "mask" in data:
        x.mask = tg.Tensor(data["mask"])
    state = {"initial_state": (tensors["h0"], tensors["c0"])} if "h0" in data else {}
    y = layer(x, **state)
    return dict(zip(("output", "h", "c"), y if isinstance(y, tuple) else (y,), strict=False))


LSTMS = [case for case in recorded("lstm")[1] if case != "lstm_mask_everything"]


def built_lstm(options, data):
    layer = layers.LSTM(**options)
    layer.build(data["x"].shape)
    set_weights(layer, data)
    return layer


@pytest.mark.parametrize("case", LSTMS)
def test_lstm(case):
    data, _, options = case_of("lstm", case)
    layer = built_lstm(options, data)
    outputs = check_layer(layer, data, functools.partial(lstm_outputs, layer, data))
    for name, y in outputs.items():
        close(y, data[name])


def test_lstm_starts_a_masked_row_from_its_initial_state():
    """Here we differ from Keras, on purpose: before the first real step of a row, Keras returns
    0 as output although the state is h0; ours returns the state, as after any skipped step."""
    data, _, options = case_of("lstm", "lstm_mask_everything")
    layer = built_lstm(options, data)
    before_first = ~np.logical_or.accumulate(data["mask"], axis=1)
    upstreams = {name: data[f"upstream_{name}"] for name in ("output", "h", "c")}
    upstreams["output"] = np.where(before_first[..., None], 0, upstreams["output"])
    outputs = check_layer(layer, data, functools.partial(lstm_outputs, layer, data), upstreams)
    close(outputs["h"], data["h"])
    close(outputs["c"], data["c"])
    h0 = np.broadcast_to(data["h0"][:, None], data["output"].shape)
    close(outputs["output"], np.where(before_first[..., None], h0, data["output"]))
    assert before_first.sum() == 6


def has_activation(options):
    return options.get("activation", "linear") in layers.activations.ACTIVATIONS


BASIC = recorded("layers_basic")[1]
MORE_OPTIONS_THAN_OURS = {"relu_max", "softmax_axis_1"}
DENSE = [case for case, c in BASIC.items() if c["class"] == "Dense" and has_activation(c)]
SIMPLE = [
    case
    for case, config in BASIC.items()
    if hasattr(layers, config["class"])
    and config["class"] != "Dense"
    and case not in MORE_OPTIONS_THAN_OURS
]


@pytest.mark.parametrize("case", DENSE)
def test_dense(case):
    data, _, options = case_of("layers_basic", case)
    data = {**recorded("layers_basic")[0][case[:8]], **data}
    layer = layers.Dense(**options)
    layer.build(data["x"].shape)
    set_weights(layer, data)
    outputs = check_layer(layer, data, lambda tensors: {"output": layer(tensors["x"])})
    close(outputs["output"], data["output"])


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("case", SIMPLE)
def test_simple_layers(case):
    data, name, options = case_of("layers_basic", case)
    layer = getattr(layers, name)(**options)

    def call(tensors):
        inputs = [tensors.get(x, tg.Tensor(data[x])) for x in ("x", "x1", "x2", "x3") if x in data]
        layer.build(inputs[0].shape)
        set_weights(layer, data)
        y = layer(inputs if len(inputs) > 1 else inputs[0])
        if "mask" in data:
            assert (y.mask.numpy() == data["mask"]).all()
        return {"output": y}

    close(check_layer(layer, data, call)["output"], data["output"])


@pytest.mark.parametrize("case", ["l1", "l2", "l1_l2"])
def test_regularizers(case):
    data, name, options = case_of("layers_basic", case)
    w = tg.Tensor(data["x"])
    penalty = getattr(regularizers, name)(**options)(w)
    close(penalty, data["value"])
    close(tg.gradients(penalty, w), data["grad"])


FACTS = json.loads(str(recorded("layers_basic")[0][""]["initializers"]))


@pytest.mark.parametrize("case", FACTS)
def test_initializers(case):
    facts = FACTS[case]
    name = case.removesuffix("_dense").removesuffix("_conv")
    draw, generator = initializers.get(name), np.random.default_rng(0)
    x = np.stack([draw(tuple(facts["shape"]), generator) for _ in range(20)])
    limit = facts.get("limit") or facts.get("cut") or np.inf
    expected = facts.get("stddev") or limit / np.sqrt(3)
    assert np.abs(x).max() <= limit
    assert x.std() == pytest.approx(expected, rel=0.02)
    assert abs(x.mean()) < 0.02 * expected
    if "limit" in facts:
        assert np.abs(x).max() > 0.999 * limit


@pytest.mark.one_in(6, rest="medium")
@pytest.mark.parametrize("case", recorded("losses")[1])
@pytest.mark.parametrize("weighted", ["", "weighted_"])
def test_losses(case, weighted):
    data, name, options = case_of("losses", case)
    y_pred = tg.Tensor(data["y_pred"])
    weight = data["sample_weight"] if weighted else None
    value = getattr(losses, name)(**options)(data["y_true"], y_pred, weight)
    close(value, data[f"{weighted}value"])
    total = value.sum() if options.get("reduction") == "none" else value
    close(tg.gradients(total, y_pred), data[f"{weighted}grad"])


@pytest.mark.one_in(5, rest="medium")
@pytest.mark.parametrize("case", recorded("metrics")[1])
@pytest.mark.parametrize("weighted", ["", "weighted_"])
def test_metrics(case, weighted):
    data, name, options = case_of("metrics", case)
    if "thresholds" in options:  # which Keras lets be several
        options = {"threshold": options["thresholds"]}
    metric = getattr(metrics, name)(**options)
    expected = data.get(f"exact_{weighted}result", data[f"{weighted}result"])
    for _ in range(2):  # the second time after a reset
        for batch in range(2):
            weight = data["sample_weight"][batch] if weighted else None
            metric.update(data["y_true"][batch], data["y_pred"][batch], weight)
            close(metric.result(), expected[batch])
        metric.reset()


AVERAGE = "sgd_average"  # see tests/training/test_averaging.py


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("case", sorted({*recorded("optimizers")[1]} - {AVERAGE}))
def test_optimizers(case):
    data, name, options = case_of("optimizers", case)
    common = recorded("optimizers")[0]["common"]
    optimizer = getattr(optimizers, name)(**options)
    w, b = (tg.Parameter(common[name], name) for name in ("w", "b"))
    for step in range(6):
        optimizer.apply({w: common["grad_w"][step], b: common["grad_b"][step]})
        close(w, data["w"][step])
        close(b, data["b"][step])


def training_model(mask_zero):
    ids, numbers = tg.Input((6,), "int32", "ids"), tg.Input((3,), name="numbers")
    text = layers.LSTM(5)(layers.Embedding(20, 6, mask_zero)(ids))
    aux = layers.Dense(1, "sigmoid", name="aux_output")(text)
    hidden = layers.Dense(7, "relu", name="hidden")(layers.concatenate([text, numbers]))
    return tg.Model([ids, numbers], [layers.Dense(1, "sigmoid", name="main_output")(hidden), aux])


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize("case", ["rmsprop", "sgd_momentum", "adam", "rmsprop_mask"])
def test_training(case):
    """Eight steps on a model with two inputs and two outputs: every loss, and the last weights."""
    data, name, options = case_of("training", case)
    common = recorded("training")[0]["common"]
    model = training_model(options.pop("mask_zero", False))
    named = {path.replace("/", "_"): w for path, w in model.named_weights().items()}
    for path, w in named.items():
        w.assign(common[path])
    optimizer = getattr(optimizers, name)(**options)
    weights = {"aux_output": 0.2, "main_output": 1.0}
    model.compile(optimizer, "binary_crossentropy", loss_weights=weights)
    for step in range(8):
        x = {name: common[name][step] for name in ("ids", "numbers")}
        y = [common["main_true"][step], common["aux_true"][step]]
        logs = model.train_on_batch(x, y, return_dict=True)
        close(logs.pop("loss"), data["total_loss"][step])
        for key, value in logs.items():
            close(value, data[key][step])
    assert list(logs) == ["main_output_loss", "aux_output_loss"]
    if case != "rmsprop_mask":  # of that run only the losses were recorded
        for path, w in named.items():
            close(w, data[path])
