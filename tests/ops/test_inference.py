"""What has nothing kept for a sweep gives the bits of the rule."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import ops

random = np.random.default_rng(0)


def numbers(dtype, *shape):
    return random.standard_normal(shape).astype(dtype)


@pytest.mark.one_in(5, rest="medium")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("started", [None, "each", "all alike"])
@pytest.mark.parametrize("sizes", [(1, 20, 5, 8), (3, 7, 5, 4), (2, 0, 3, 4), (0, 3, 3, 4)])
@pytest.mark.parametrize(("op", "gates", "states"), [(ops.lstm, 4, 2), (ops.gru, 3, 1)])
def test_a_sequence_alone(op, gates, states, dtype, go_backwards, started, sizes):
    batch, time, features, units = sizes
    x, kernel = numbers(dtype, batch, time, features), numbers(dtype, features, gates * units)
    bias = numbers(dtype, gates * units) if op is ops.lstm else numbers(dtype, 2, gates * units)
    rows = 1 if started == "all alike" else batch
    first = [numbers(dtype, rows, units) if started else None for _ in range(states)]
    before = [None if state is None else state.copy() for state in first]
    given = x, kernel, numbers(dtype, units, gates * units), bias, *first, None
    with tg.use(kernels=False):
        expected, _ = op.run(*given, go_backwards=go_backwards)
        found, back = op.run_alone(*given, go_backwards=go_backwards)
    assert back == (None,) * len(given)
    for one, right in zip(found, expected, strict=True):
        assert one.dtype == right.dtype
        np.testing.assert_array_equal(one, right)
    for state, kept in zip(first, before, strict=True):
        np.testing.assert_array_equal(state, kept)


def test_an_lstm_that_is_no_case_for_it_runs_its_rule():
    x, kernel, recurrent, bias = (numbers("f", *s) for s in ((2, 3, 4), (4, 8), (2, 8), (8,)))
    mask = np.array([[True, True, False], [True, False, False]])
    mixed = x.astype(float), kernel, recurrent, bias, None, None, None
    for given in ((x, kernel, recurrent, bias, None, None, mask), mixed):
        found, expected = ops.lstm.run_alone(*given), ops.lstm.run(*given)
        assert found[1] != (None,) * 7
        for one, right in zip(found[0], expected[0], strict=True):
            np.testing.assert_array_equal(one, right)
    with pytest.raises(ValueError, match=r"matmul|mismatch|shapes"):
        ops.lstm.run_alone(x, kernel[:3], recurrent, bias, None, None, None)


@pytest.mark.parametrize("replay", [False, True])
def test_predict_is_what_training_runs(replay):
    x = tg.Input((6, 3))
    h = tg.layers.GRU(4, return_sequences=True)(x)
    model = tg.Model(x, tg.layers.Dense(2)(tg.layers.LSTM(5, go_backwards=True)(h)))
    data = numbers("float32", 3, 6, 3)
    with tg.use(kernels=False, replay=replay):
        for _ in range(3):
            np.testing.assert_array_equal(model.predict(data), model(tg.Tensor(data)).numpy())
