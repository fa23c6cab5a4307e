"""Traced arrays: what they write down gives the same again; what they cannot follow is refused."""

import numpy as np
import pytest

from tinygrad_mo.device import array_module
from tinygrad_mo.replay.tracing import Deviation, Trace, Untraceable

RANDOM = np.random.default_rng(0)


def floats(*shape):
    return RANDOM.standard_normal(shape).astype("float32")


def traced(function, *arrays):
    """The result of a function on traced arrays, and a way to have it again for other numbers."""
    trace = Trace(largest=1000)
    starts = [trace.follow(x) for x in arrays]
    result = function(*starts)
    instructions = [instruction.simplified() for instruction in trace.instructions]
    calls = [instruction.call() for instruction in instructions]

    def again(*others):
        for start, x in zip(starts, others, strict=True):
            start.array[...] = x
        for call in calls:
            call()
        return result.array

    return result.array.copy(), again, trace


def in_place(x, y):
    total = x * 2
    total += y
    total[..., 1:] *= y[..., 1:]
    return total


def by_hand(x, y):
    xp = array_module(x)
    made = xp.zeros((2, *x.shape), x.dtype)
    made[0], made[1] = x, y
    room = xp.empty(x.shape, x.dtype)
    room[...] = made.sum(axis=0)
    return room


FUNCTIONS = {
    "arithmetic": lambda x, y: (x + y) * 0.5 - x / (1 + y * y) + (-y) ** 2,
    "both sides": lambda x, y: 1 - x + np.float32(2) * y / np.float32(3),
    "functions": lambda x, y: np.exp(x) + np.tanh(y) * np.sqrt(np.abs(x)) + np.log1p(y * y),
    "comparison": lambda x, y: x * (y > 0) + (x <= 0.5) * y,
    "logic": lambda x, y: ((x > 0) & (y > 0) | (x != x)) * y,
    "in place": in_place,
    "made by hand": by_hand,
    "where": lambda x, y: np.where(x > y, x, 0) + np.where(x > y, 1.5, y),
    "concatenate": lambda x, y: np.concatenate([x, y, x], axis=-1),
    "stack": lambda x, y: np.stack([x, y], axis=1),
    "clip": lambda x, y: np.clip(x, -0.5, 0.5) + y.clip(0, 1),
    "views": lambda x, y: np.moveaxis(x.T, -1, 0) + np.swapaxes(y.reshape(1, 3, 4), 0, 1)[:, 0],
    "a reshape that copies": lambda x, y: x.T.reshape(2, 6) * y.transpose(1, 0).reshape(-1)[:6],
    "broadcast": lambda x, y: np.broadcast_to(x[:, :1], (3, 4)) - np.expand_dims(y[0], 0),
    "sums": lambda x, y: x.sum() + y.sum(axis=-1, keepdims=True) + x.sum(axis=0),
    "a sum of one": lambda x, y: x[:, None].sum(axis=1) + y,
    "means": lambda x, y: x.mean(axis=(0, 1)) * y.mean(axis=-1),
    "largest": lambda x, y: x.max(axis=1) - y.min(axis=-1) + x.max(),
    "any": lambda x, y: (x > 1).any(axis=0) * y + (x > -9).all() * x,
    "count": lambda x, y: (x > 0).sum(axis=1).astype("float32") * y[:, 0],
    "matrices": lambda x, y: x @ y.T + (x[:, :3] @ y[:, :3])[None][0],
    "vectors": lambda x, y: (np.ones(3, "float32") @ x) + y.T @ x[:, 0],
    "one by one": lambda x, y: sum(row * 2 for row in x) + y[-1],
    "ids": lambda x, y: (x[:, :1] > 0).astype("int32") == np.arange(4),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_was_written_gives_the_same_for_other_numbers(name):
    function, x, y = FUNCTIONS[name], floats(3, 4), floats(3, 4)
    first, again, _ = traced(function, x, y)
    np.testing.assert_allclose(first, function(x, y), rtol=1e-6)
    for _ in range(2):
        x, y = floats(3, 4), floats(3, 4)
        found, expected = again(x, y), function(x, y)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        assert found.shape == np.shape(expected) and found.dtype == expected.dtype


def test_elementwise_results_have_the_same_bits():
    def function(x, y):
        powers = x**2 + abs(y) ** 0.5 - y**-1 + y**3
        return np.tanh(x * 0.3 + y) / (2 - np.exp(-y)) * (x > 0) + powers

    x, y = floats(140, 7), floats(7)
    _, again, _ = traced(function, x * 0, y * 0 + 1)
    assert again(x, y).tobytes() == function(x, y).tobytes()


@pytest.mark.parametrize("x", [floats(0, 3), np.float32(2.0), floats(1, 1)], ids=repr)
def test_empty_and_single_arrays(x):
    _, again, _ = traced(lambda x: x.sum(axis=0) * 2 if x.ndim else x * 2, x)
    np.testing.assert_allclose(again(x), x.sum(axis=0) * 2 if x.ndim else x * 2)


REFUSED = {
    "a number": lambda x: float(x.sum()),
    "a whole number": lambda x: range(int(x.sum())),
    "another library": lambda x: np.asarray(x) * 2,
    "an unknown function": lambda x: np.linalg.norm(x),
    "an unknown method": lambda x: x.argsort(),
    "an unknown ufunc": lambda x: np.arctan(x),
    "two results": lambda x: np.modf(x)[0],
    "an accumulation": lambda x: np.add.accumulate(x),
    "ids as an index": lambda x: x[np.array([0, 2])],
    "a mask as an index": lambda x: x[x > 0],
    "into an array that is not traced": lambda x: np.add(x, 1, out=np.zeros(x.shape, x.dtype)),
    "in place of an array that is not traced": lambda x: np.zeros(x.shape, x.dtype).__iadd__(x),
    "an array from elsewhere": lambda x: array_module(x).asarray(RANDOM.random(3)),
    "what is large": lambda x: np.broadcast_to(x[0, 0], (50, 50)) * 1.0,
    "a sum with an out": lambda x: np.add.reduce(x, out=np.zeros(4, x.dtype)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_down_is_refused(name):
    with pytest.raises(Untraceable):
        traced(REFUSED[name], floats(3, 4))


def test_a_branch_becomes_a_guard_before_what_depends_on_it():
    def function(x):
        total = x.sum()
        return x / total if total else x * 0

    _, again, trace = traced(function, np.ones(3))
    assert [i.what for i in trace.instructions] == ["add.reduce", "guard", "divide"]
    np.testing.assert_allclose(again(np.array([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625])
    with pytest.raises(Deviation):
        again(np.array([1.0, -1.0, 0.0]))  # and no warning of a division by 0


def test_no_branch_where_none_may_be_and_nothing_after_the_end():
    trace = Trace(largest=10)
    x = trace.follow(np.ones(3))
    trace.may_branch = False
    with pytest.raises(Untraceable):
        bool(x.sum())
    trace.end()
    with pytest.raises(Untraceable):
        x + 1


def test_neighbouring_axes_are_merged():
    x, bias = np.ones((1, 4, 5, 6), "float32"), np.ones(6, "float32")
    _, _, trace = traced(lambda x, bias: x * 2 + bias, x, bias)
    shapes = [instruction.simplified().out.shape for instruction in trace.instructions]
    assert shapes == [(120,), (20, 6)]
