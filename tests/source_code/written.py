"""What the tests of source code share: a network as source, run, and compared with its original."""

import importlib.util
import sys
import warnings

import numpy as np

from tinygrad_mo.engine.plan import Plan


def imported(path):
    """A file of source code, as a module."""
    spec = importlib.util.spec_from_file_location(f"written_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules.pop(spec.name, None)
    return module


def by_input(model, x):
    """The data of each input, by name, in the model's types."""
    if not isinstance(x, dict):
        x = dict(zip(model.input_names, x if isinstance(x, list) else [x], strict=True))
    return {name: np.asarray(x[name], dtype=t.dtype) for name, t in model.inputs.items()}


CHANCE = {"rate", "stddev", "dropout", "recurrent_dropout"}


def without_chance(model):
    """Let dropout and noise do nothing while training."""
    models = [model, *(one for one in model.contents.every_layer() if one.is_model)]
    for step in (step for one in models for step in one.steps):
        for name in CHANCE & step.attributes.keys():
            step.attributes[name] = 0.0
    for layer in model.contents.every_layer():
        given, options = layer.made_with
        if CHANCE & vars(layer).keys() and given and isinstance(given[0], float):
            given = (0.0,)
        layer.made_with = given, {n: 0.0 if n in CHANCE else v for n, v in options.items()}


def without_ties(model, x):
    """The data with small noise: of equal numbers, pools of different makers choose differently."""
    random = np.random.default_rng(0)
    data = by_input(model, x)
    floats = {n: a for n, a in data.items() if a.dtype.kind == "f"}
    return data | {n: a + 0.01 * random.normal(size=a.shape) for n, a in floats.items()}


def ours(model, feed, training):
    """Outputs by name, and the gradients of a loss of all outputs, by weight and by input."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # padding counts in this loss, there and here
        pairs = enumerate(model.outputs.values())
        loss = sum((y * y * 0.5 + y * (i + 1.0)).sum() for i, y in pairs)
    floats = [t for t in model.inputs.values() if t.dtype.kind == "f"]
    frozen = model.contents.frozen_steps(model.steps)
    wanted = [*model.trainable_weights, *floats]
    plan = Plan([loss], wanted, fetch=[*model.outputs.values()], frozen=frozen)
    tape = plan.forward({t: feed[name] for name, t in model.inputs.items()}, training=training)
    outputs = {name: plan.value(tape, t) for name, t in model.outputs.items()}
    return outputs, plan.backward(tape, [1.0], per_loss=False)


def check(model, feed, expected, gradients, found, given, rtol):
    """Compare outputs and gradients of inputs, arrays of PyTorch; returns when they are swept."""
    for name, y in expected.items():
        same(found[name].detach().numpy(), y, rtol, name)
    pairs = enumerate(expected)
    sum((found[n] * found[n] * 0.5 + found[n] * (i + 1.0)).sum() for i, n in pairs).backward()
    for name, t in model.inputs.items():
        if t.dtype.kind == "f" and gradients[t] is not None:
            same(given[name].grad.numpy(), gradients[t][0], rtol, name)


def as_weights(model, gradients, arrays_of):
    """Gradients as `arrays_of(model)` names and lays out weights; 0 where there is none."""
    before = model.get_weights()
    found = [gradients.get(w) for w in model.weights]
    try:
        model.set_weights(
            [
                np.zeros(w.shape) if g is None else g[0]
                for w, g in zip(model.weights, found, strict=True)
            ]
        )
        return arrays_of(model)
    finally:
        model.set_weights(before)


def same(found, expected, rtol, what):
    atol = rtol * max(1e-3, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol, err_msg=what)
