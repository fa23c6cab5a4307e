"""What the tests of all families of layers share: Keras's numbers, and the law of the losses."""

import functools
import json
from pathlib import Path

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import layers
from tinygrad_mo.check import check_model
from tinygrad_mo.engine.plan import Plan, topological_order
from tinygrad_mo.training.averages import MovingAverages

INPUTS = ("x", "h0", "c0", "query", "value", "key", "mask", "query_mask", "value_mask")


@functools.cache
def file(book):
    """All arrays of a reference file."""
    with np.load(Path(__file__).parents[1] / "references" / f"layers_{book}.npz") as arrays:
        return {key: arrays[key] for key in arrays.files}


def arrays(book, case):
    """{name: array} of one case of a reference file."""
    return {
        key.rpartition("/")[2]: array
        for key, array in file(book).items()
        if key.rpartition("/")[0] == case
    }


@functools.cache
def recorded(book):
    """A reference file as {case: (config, {name: array})}."""
    configs = json.loads(str(file(book)["configs"]))
    return {case: (config, arrays(book, case)) for case, config in configs.items()}


def made(config):
    """The layer of a recorded config."""
    options = {key: value for key, value in config.items() if key != "class"}
    if "layer" in options:
        options["layer"] = made(options["layer"])
    return getattr(layers, config["class"])(**options)


def named_weights(layer):
    """By the names of the recordings: "kernel", or "forward_lstm_kernel" where two share one."""
    short = [w.name.rsplit("/", 1)[-1] for w in layer.weights]
    full = ["_".join(w.name.split("/")[-2:]) for w in layer.weights]
    return dict(zip(short if len(set(short)) == len(short) else full, layer.weights, strict=True))


def agree_with_keras(book, case, call=None, outputs=("output",), *, training=False, upstreams=None):
    """Values, all gradients and the number of parameters of a layer against a recorded case.

    Returns the layer, the tape, the plan and the recorded arrays.
    """
    config, data = recorded(book)[case]
    layer = made(config)
    inputs = {
        name: tg.Input(data[name].shape[1:], str(data[name].dtype), name)
        for name in INPUTS
        if name in data
    }
    call = call or call_plainly
    ys = call(layer, inputs)
    ys = list(ys) if isinstance(ys, tuple) else [ys]
    weights = named_weights(layer)
    for name, w in weights.items():
        assert w.shape == data[name].shape, name
        w.assign(data[name])
    leaves = {**inputs, **weights}
    targets = [name for name in leaves if f"grad_{name}" in data]
    trained = {name for name, w in weights.items() if w.trainable}
    assert trained <= set(targets)
    averages = MovingAverages(topological_order(ys))
    plan = Plan(ys, [leaves[name] for name in targets], averages.statistics)
    tape = plan.forward({t: data[name] for name, t in inputs.items()}, training=training)
    seeds = [data["upstream" if len(ys) == 1 else f"upstream_{name}"] for name in outputs]
    found = plan.backward(tape, upstreams or seeds)
    for name, y in zip(outputs, ys, strict=True):
        if upstreams is None:
            close(plan.value(tape, y), data[name])
        assert y.shape[1:] == data[name].shape[1:]
    for name in targets:
        close(found[leaves[name]][0], data[f"grad_{name}"])
    if training:
        averages.follow(plan, tape)
    return layer, plan, tape, data


def call_plainly(layer, inputs):
    x = inputs["x"]
    x.mask = inputs.get("mask")
    return layer(x)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


def numbers(*shape):
    """Random numbers, far enough apart for differences not to jump between maxima."""
    size = int(np.prod(shape))
    ladder = (np.arange(size) - size / 2 + 0.25) * (4 / max(size, 1))
    return np.random.default_rng(size).permutation(ladder).reshape(shape)


def two_losses(build, *shape, samples=3, dtype=None, data=None):
    """A compiled model whose trunk holds a layer, with two losses above it, and its data.

    `build(x)` gives the tensor of the trunk; a Dense below it tells of the gradient of its input.
    """
    x = tg.Input(shape, dtype)
    below = x if dtype else layers.Dense(shape[-1], "tanh", name="below")(x)
    trunk = build(below)
    if trunk.ndim > 2:
        trunk.mask = None  # the heads read everything
        trunk = layers.Reshape((-1,))(trunk)
    heads = [layers.Dense(2, name="left")(trunk), layers.Dense(1, "sigmoid", name="right")(trunk)]
    model = tg.Model(x, heads)
    model.compile("sgd", ["mse", "binary_crossentropy"], loss_weights=[0.7, 1.9])
    y = [numbers(samples, 2), (np.arange(samples) % 2)[:, None]]
    return model, numbers(samples, *shape) if data is None else data, y


def check_losses(model, x, y):
    """The gradients against differences, and the law of the losses while training, too."""
    check_model(model, x, y, directions=1)
    plan, weights = model.training_plan(), list(model.loss_weights.values())
    tape = plan.forward(model.labelled_data(x, y), training=True)
    whole = plan.backward(tape, weights)
    apart = plan.backward(tape, [1.0] * len(weights), per_loss=True)
    heads = {*model.get_layer("left").weights, *model.get_layer("right").weights}
    for w in plan.wrt:
        reached = plan.reaches(w)
        assert w in heads or {0, 1} <= {*reached}, f"a loss does not reach {w}"
        mixed = sum(weights[k] * row for k, row in zip(reached, apart[w], strict=True))
        gap = np.abs(mixed - whole[w][0]).max()
        assert gap <= 1e-12 * max(1, np.abs(whole[w]).max()), w
