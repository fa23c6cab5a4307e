"""Learning rates over time, and gradients that are cut to size."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import optimizers, schedules

W = tg.Parameter(np.zeros(3), "w")
V = tg.Parameter(np.zeros((2, 1)), "v")
GRADIENTS = {W: np.float32([3, 0, 4]), V: np.float32([[12], [0]])}  # norms 5 and 12, together 13


@pytest.mark.parametrize(
    ("schedule", "at", "expected"),
    [
        (
            schedules.ExponentialDecay(0.1, 10, 0.5),
            [0, 5, 10, 20],
            [0.1, 0.1 / 2**0.5, 0.05, 0.025],
        ),
        (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), [9, 10, 19], [0.1, 0.05, 0.05]),
        (schedules.CosineDecay(1.0, 100, alpha=0.2), [0, 50, 100, 500], [1.0, 0.6, 0.2, 0.2]),
        (
            schedules.CosineDecay(0.0, 100, warmup_target=1.0, warmup_steps=10),
            [0, 5, 10, 60, 110],
            [0.0, 0.5, 1.0, 0.5, 0.0],
        ),
        (schedules.PolynomialDecay(1.0, 10, 0.1), [0, 5, 10, 11], [1.0, 0.55, 0.1, 0.1]),
        (schedules.PolynomialDecay(1.0, 10, 0.0, power=2), [5], [0.25]),
        (schedules.InverseTimeDecay(1.0, 10, 1.0), [0, 10, 30], [1.0, 0.5, 0.25]),
        (schedules.PiecewiseConstantDecay([2, 4], [3, 2, 1]), [0, 2, 3, 4, 5], [3, 3, 2, 2, 1]),
    ],
)
def test_schedules_follow_their_formulas(schedule, at, expected):
    np.testing.assert_allclose([schedule(step) for step in at], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "make",
    [
        lambda: schedules.PiecewiseConstantDecay([4, 2], [3, 2, 1]),
        lambda: schedules.PiecewiseConstantDecay([2], [1]),
        lambda: schedules.CosineDecay(0.1, 0),
        lambda: schedules.ExponentialDecay(-0.1, 10, 0.5),
    ],
)
def test_impossible_schedules_are_refused(make):
    with pytest.raises(ValueError):
        make()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: schedules.ExponentialDecay(np.nan, 10, 0.5), "ExponentialDecay: initial_learning"),
        (lambda: schedules.ExponentialDecay(0.1, -10, 0.5), "decay_steps .* above 0, not -10"),
        (lambda: schedules.ExponentialDecay(0.1, 10, -0.5), "decay_rate .* 0 or more, not -0.5"),
        (lambda: schedules.ExponentialDecay(0.1, 10, None), "decay_rate .* not None"),
        (lambda: schedules.ExponentialDecay(0.1, 10, 0.5, 1), "staircase must be True or False"),
        (lambda: schedules.ExponentialDecay(True, 10, 0.5), "initial_learning_rate .* not True"),
        (lambda: schedules.CosineDecay("0.1", 10), "CosineDecay: initial_learning_rate .* '0.1'"),
        (lambda: schedules.CosineDecay(0.1, np.inf), "decay_steps must be a finite number"),
        (lambda: schedules.CosineDecay(0.1, 10, alpha=-0.1), "alpha .* 0 or more, not -0.1"),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_target=-1, warmup_steps=2), "warmup_target"),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_target=1, warmup_steps=-2), "warmup_steps"),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_steps=5), "needs warmup_target"),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_target=0.5), "needs warmup_target"),
        (lambda: schedules.PolynomialDecay(0.1, 0), "PolynomialDecay: decay_steps"),
        (lambda: schedules.PolynomialDecay(0.1, 10, -1e-4), "end_learning_rate .* 0 or more"),
        (lambda: schedules.PolynomialDecay(0.1, 10, power=-1), "power .* above 0, not -1"),
        (lambda: schedules.InverseTimeDecay(0.1, 10, -1), "InverseTimeDecay: decay_rate"),
        (lambda: schedules.InverseTimeDecay(-0.1, 10, 1), "0 or more, not -0.1"),
        (lambda: schedules.PiecewiseConstantDecay([2, 2], [3, 2, 1]), "2 rising boundaries need 3"),
        (lambda: schedules.PiecewiseConstantDecay([-2], [3, 2]), "boundaries .* not -2"),
        (lambda: schedules.PiecewiseConstantDecay([2], [3, np.nan]), "values .* not nan"),
        (lambda: schedules.PiecewiseConstantDecay([2], [3, -1]), "values .* not -1"),
        (lambda: schedules.PiecewiseConstantDecay(2, [3, 1]), "boundaries must be a list, not 2"),
        (lambda: schedules.PiecewiseConstantDecay("2", [3, 1]), "boundaries must be a list"),
    ],
)
def test_impossible_arguments_are_named(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


@pytest.mark.parametrize(
    ("schedule", "at", "expected"),
    [
        (schedules.ExponentialDecay(0.0, 10, 0.5), [0, 5], [0.0, 0.0]),
        (schedules.ExponentialDecay(0.5, 10, 0.0), [0, 10], [0.5, 0.0]),
        (schedules.PolynomialDecay(0.0, 10, 1.0), [0, 5, 10], [0.0, 0.5, 1.0]),
        (schedules.PolynomialDecay(1.0, 10, 0), [10], [0.0]),
        (schedules.PiecewiseConstantDecay([1], [0, 0.5]), [0, 2], [0.0, 0.5]),
        (schedules.CosineDecay(1.0, 1e2), [100], [0.0]),
        (schedules.InverseTimeDecay(0.5, 10, 0), [10], [0.5]),
    ],
)
def test_a_rate_of_0_is_a_rate(schedule, at, expected):
    assert [schedule(step) for step in at] == expected


def test_a_rate_that_outgrows_all_floats_is_named_with_its_step():
    rising = schedules.ExponentialDecay(0.1, 1, 10.0)
    assert rising(300) == pytest.approx(1e299)
    words = r"ExponentialDecay: in step 400 .* 0.1 \* 10.0 \*\* 400.0: let decay_rate be at most 1"
    with pytest.raises(ValueError, match=words):
        rising(400)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (lambda: 0.1, r"the learning rate is called with \(step\), but takes \(\)"),
        (lambda step, epoch: 0.1, r"called with \(step\), but takes \(step, epoch\)"),
        (schedules.CosineDecay, r"not the class CosineDecay: write CosineDecay\(...\)"),
    ],
)
def test_what_cannot_be_asked_for_a_rate_is_refused_at_once(rate, words):
    with pytest.raises(TypeError, match=words):
        tg.optimizers.SGD(rate)
    optimizer = tg.optimizers.SGD(0.1)
    with pytest.raises(TypeError, match=words):
        optimizer.learning_rate = rate
    assert optimizer.learning_rate == 0.1


def test_numbers_of_numpy_are_numbers(tmp_path):
    schedule = schedules.PiecewiseConstantDecay(np.array([2]), np.float32([0.5, 0.25]))
    assert [type(schedule(step)) for step in (0, 3)] == [float, float]
    x = tg.Input((2,))
    model = tg.Model(x, tg.layers.Dense(1)(x))
    rate = schedules.CosineDecay(np.float32(0.5), np.int64(10), alpha=np.array(0.5))
    model.compile(optimizers.SGD(rate), "mse")
    model.save(tmp_path / "m.tg")
    again = tg.load(tmp_path / "m.tg").optimizer
    again.step = model.optimizer.step = 5
    assert again.learning_rate == model.optimizer.learning_rate == 0.375


def test_the_first_step_takes_the_rate_of_step_0():
    w = tg.Parameter(np.zeros(1), "w")
    sgd = optimizers.SGD(schedules.PiecewiseConstantDecay([0], [1.0, 0.5]))
    moves = []
    for _ in range(2):
        before = w.numpy()
        sgd.apply({w: np.ones(1, "float32")})
        moves.append(float((before - w.numpy())[0]))
    assert moves == [1.0, 0.5]


def test_a_scheduled_rate_cannot_be_set_to_a_number():
    sgd = optimizers.SGD(schedules.CosineDecay(0.1, 10))
    with pytest.raises(ValueError, match="follows CosineDecay"):
        sgd.learning_rate = 0.5


def moved(**clipping):
    """How far each gradient moves its parameter."""
    w, v = tg.Parameter(np.zeros(3), "w"), tg.Parameter(np.zeros((2, 1)), "v")
    optimizer = optimizers.SGD(1.0, **clipping)
    optimizer.apply({w: GRADIENTS[W], v: GRADIENTS[V]})
    return [-w.numpy(), -v.numpy()]


@pytest.mark.parametrize(
    ("clipping", "expected"),
    [
        ({"clipvalue": 3.5}, [[3, 0, 3.5], [[3.5], [0]]]),
        ({"clipnorm": 10.0}, [[3, 0, 4], [[10], [0]]]),
        ({"global_clipnorm": 6.5}, [[1.5, 0, 2], [[6], [0]]]),
        ({"global_clipnorm": 20.0}, [[3, 0, 4], [[12], [0]]]),
    ],
)
def test_gradients_are_cut_to_size(clipping, expected):
    for found, wanted in zip(moved(**clipping), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_two_ways_of_clipping_at_once_are_refused():
    with pytest.raises(ValueError, match="one of"):
        optimizers.Adam(clipnorm=1.0, clipvalue=1.0)


def test_an_unknown_option_is_named():
    with pytest.raises(TypeError, match="Adam has no option 'lr': learning_rate"):
        optimizers.Adam(lr=0.1)
