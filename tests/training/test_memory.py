"""What a training step keeps for its backward pass, as it is predicted and as it is measured."""

import gc
import tracemalloc

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers
from tinygrad_mo.engine.plan import Plan
from tinygrad_mo.systems import SYSTEMS
from tinygrad_mo.training.memory import bytes_of_step
from zoo import ZOO, compiled, headline, numbers


def bytes_of_numpy():
    """Those of all arrays that NumPy has made since tracemalloc began."""
    of_arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    traces = tracemalloc.take_snapshot().filter_traces([of_arrays]).traces
    return sum(trace.size for trace in traces)


def measured(model, x, y):
    """Bytes of the arrays that are there when a forward pass has ended, and were not before."""
    feed, objective = model.labelled_data(x, y), model.objective
    plan = objective.plan_for(list(objective.terms.values()), kind=Plan)
    plan.forward(feed, training=True)  # whatever is made once
    gc.collect()
    tracemalloc.start()
    try:
        tape = plan.forward(feed, training=True)
        found = bytes_of_numpy()
    finally:
        tracemalloc.stop()
    assert len(tape.backs) == len(plan.steps)
    return found


def lengths_of(model, x):
    by_name = x if isinstance(x, dict) else dict(zip(model.inputs, as_list(x), strict=True))
    free = {n: t.shape.index(None, 1) for n, t in model.inputs.items() if None in t.shape[1:]}
    return {name: np.shape(by_name[name])[axis] for name, axis in free.items()}


def as_list(x):
    return x if isinstance(x, list) else [x]


def repeated(x, times):
    """The samples again and again."""
    if isinstance(x, dict):
        return {name: repeated(one, times) for name, one in x.items()}
    if isinstance(x, list):
        return [repeated(one, times) for one in x]
    return np.concatenate([np.asarray(x)] * times)


@pytest.mark.one_in(5, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n != "headline")) for n in ZOO]
)
def test_the_memory_of_a_step_of_the_zoo(name, kernels):
    """At most 64 samples are tried, of 80 the rest is worked out."""
    model, x, y = ZOO[name]()
    with tg.use(kernels=kernels):
        found = bytes_of_step(model.objective, 80, lengths_of(model, x))
        assert found == pytest.approx(measured(model, repeated(x, 20), repeated(y, 20)), rel=0.01)


@pytest.mark.one_in(6, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("name", SYSTEMS)
def test_the_memory_of_a_step_of_each_system(name, kernels):
    system = SYSTEMS[name]
    model = system.build(**system.small_build)
    model.compile(**{**system.compile, **system.small_compile})
    task = system.load(**system.small_load).of(model)
    x, y = ({n: array[:32] for n, array in arrays.items()} for arrays in (task.x, task.y))
    samples = len(next(iter(x.values())))
    with tg.use(kernels=kernels):
        found = bytes_of_step(model.objective, samples, lengths_of(model, x))
        assert found == pytest.approx(measured(model, x, y), rel=0.01)


def told(model, **options):
    lines = []
    model.summary(lines.append, **options)
    return lines


def test_the_summary_says_it():
    model, _, _ = headline()
    kept = bytes_of_step(model.objective, 32, {})
    plain, more = told(model), told(model, batch_size=32)
    assert more == [*plain, f"Kept for the backward pass: {kept / 1e3:.3g} kB with batches of 32"]


def test_asking_changes_nothing():
    x = tg.Input((4,), name="x")
    h = layers.BatchNormalization()(layers.Dropout(0.5)(x))
    model = compiled(x, layers.Dense(1, name="y")(h), "mse", [1.0])
    before = model.get_weights()
    states = model.objective.randomness.states
    told(model, batch_size=100)
    assert str(model.objective.randomness.states) == str(states)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.fit(numbers(4), numbers(1), verbose=0)


@pytest.mark.medium
def test_a_free_length_must_be_said():
    x = tg.Input((None, 3), name="x")
    model = compiled(x, layers.LSTM(8, return_sequences=True, name="y")(x), "mse", [1.0])
    with pytest.raises(ValueError, match=r"input 'x' \(None, None, 3\) is free.*length=\{'x': 100"):
        told(model, batch_size=32)
    same = told(model, batch_size=32, length=10), told(model, batch_size=32, length={"x": 10})
    assert same[0] == same[1] != told(model, batch_size=32, length=20)
    for wrong, words in [
        ({"length": {"z": 3}}, "no input is called 'z'; Known: 'x'"),
        ({"length": 0}, "summary: length must be a whole number, 1 or more, not 0"),
        ({"length": {"x": 2.5}}, "length: that of 'x' must be a whole number"),
        ({"batch_size": 0, "length": 3}, "batch_size must be a whole number, 1 or more, not 0"),
    ]:
        with pytest.raises((TypeError, ValueError), match=words):
            told(model, **({"batch_size": 32} | wrong))
    model = tg.Model(x, layers.LSTM(8)(x))
    with pytest.raises(RuntimeError, match="call compile"):
        told(model, batch_size=32, length=3)


def test_summary_refuses_what_would_have_no_effect():
    fixed, free = tg.Input((3,), name="fixed"), tg.Input((None, 2), name="free")
    sequence = layers.GlobalAveragePooling1D()(free)
    model = tg.Model(
        [fixed, free], layers.Dense(1, name="y")(layers.concatenate([fixed, sequence]))
    )
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"print_fn must be a function of \(line\), not None"):
        model.summary(None)
    lines = []
    with pytest.raises(ValueError, match=r"no axis of input 'fixed' .* is free"):
        model.summary(lines.append, batch_size=2, length={"fixed": 3, "free": 4})
    with pytest.raises(ValueError, match="give batch_size, too"):
        model.summary(lines.append, length=4)
    assert lines == []
    model.summary(lines.append, batch_size=2, length=4)  # of those whose length is free
    assert "with batches of 2" in lines[-1]
