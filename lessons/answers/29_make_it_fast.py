"""Solutions, hints and checks of lesson 29."""

import time

import numpy as np

import tinygrad_mo as tg


def cost(job, clock=time.process_time):
    kept, calls = [], 1
    while len(kept) < 3:
        start = clock()
        for _ in range(calls):
            job()
        spent = clock() - start
        if spent < 0.05:
            calls *= 2  # too short to be measured: call it more often
        else:
            kept.append(spent / calls)
    return sorted(kept)[1]


def floor_seconds(operations, moved, operations_per_second, bytes_per_second):
    # both happen at the same time, so the longer one counts
    return max(operations / operations_per_second, moved / bytes_per_second)


def sigmoid_crossentropy(label, logit):
    p = 0.5 * np.tanh(0.5 * logit) + 0.5
    value = np.maximum(logit, 0) + np.log1p(np.exp(-np.abs(logit))) - label * logit
    # p is computed once, and kept for the way back
    return value, (None, lambda g: g * (p - label))


def whole_gain(share, factor):
    # the rest takes 1 - share as before, the part takes share / factor
    return 1 / ((1 - share) + share / factor)


HINTS = {
    "cost": [
        "kept = [], calls = 1, and then: while len(kept) < 3.",
        "In it: start = clock(), a loop of `calls` calls of job(), spent = clock() - start.",
        "If spent < 0.05, calls *= 2. Otherwise kept.append(spent / calls).",
        "After it: return sorted(kept)[1], the middle one of three.",
    ],
    "floor_seconds": [
        "Time = how much there is to do / how much can be done per second.",
        "There are two such times, operations / operations_per_second and moved / "
        "bytes_per_second.",
        "Return the larger one: max(..., ...).",
    ],
    "sigmoid_crossentropy": [
        "The value is log(1 + exp(z)) - label * z. Take log(1 + exp(z)) from the formula above.",
        "The pullback is a function of g: lambda g: g * (p - label).",
        "p = 0.5 * np.tanh(0.5 * logit) + 0.5, then "
        "value = np.maximum(logit, 0) + np.log1p(np.exp(-np.abs(logit))) - label * logit, then "
        "return value, (None, lambda g: g * (p - label)).",
    ],
    "whole_gain": [
        "After the change, the rest still takes 1 - share.",
        "The part takes share / factor. Add both: that is the time after.",
        "return 1 / ((1 - share) + share / factor)",
    ],
}


class FakeClock:
    """A clock that stands still unless its job works; neither may be asked without end."""

    def __init__(self, seconds):
        self.seconds, self.now, self.calls, self.asked = seconds, 100.0, 0, 0

    def __call__(self):
        self.asked += 1
        assert self.asked < 1000, "The clock was read 1000 times: does `calls` grow, does it end?"
        return self.now

    def job(self):
        assert self.calls < 50_000, "The job was called 50,000 times: does the measuring end?"
        self.now += self.seconds[min(self.calls, len(self.seconds) - 1)]
        self.calls += 1


def cost_of(lesson, *seconds):
    clock = FakeClock(seconds)
    found = lesson.cost(clock.job, clock)
    assert found is not None, "cost returned None: is a `return` missing?"
    return float(found), clock


def check_cost__median(lesson):
    """The middle one of three long measurements is returned."""
    for seconds in ((1.0, 5.0, 2.0), (4.0, 3.0, 9.0), (0.1, 0.2, 0.7)):
        found, clock = cost_of(lesson, *seconds)
        right = sorted(seconds)[1]
        assert abs(found - right) < 1e-9, (
            f"A job that takes {seconds} seconds, one after the other: the median is {right}, "
            f"received was {found}."
        )
        assert clock.calls == 3, (
            f"Each call is long enough, so three calls will do; yours made {clock.calls} calls."
        )


def check_cost__short_jobs(lesson):
    """A short job is called more often, and the seconds are those of one call."""
    for seconds in (0.001, 0.02):
        found, clock = cost_of(lesson, seconds)
        assert abs(found - seconds) < 1e-6, (
            f"A job of {seconds} seconds: received was {found:.6f}. Divide by the number of calls."
        )
        assert clock.calls * seconds > 0.15, (
            f"A job of {seconds} seconds was called {clock.calls} times: each of three "
            f"measurements should last 0.05 seconds at least."
        )


def check_cost__short_measurements_do_not_count(lesson):
    """What was too short is thrown away."""
    found, _ = cost_of(lesson, 0.04, 0.03, 0.02, 0.02)
    assert abs(found - 0.02) < 1e-9, (
        f"A first measurement of 0.04 seconds is too short and must not count: expected 0.02, "
        f"received was {found}."
    )


def check_cost__clock(lesson):
    """The clock that is given is used."""
    _, clock = cost_of(lesson, 1.0)
    assert clock.asked >= 6, (
        f"Three measurements read the clock six times; the clock that was given was read "
        f"{clock.asked} times. Call clock(), not time.process_time()."
    )


def check_floor_seconds__arithmetic(lesson):
    """A job with much arithmetic is limited by the operations."""
    found = number(lesson.floor_seconds(1000, 10, 100, 100))
    assert found == 10, (
        f"1000 operations at 100 per second take 10 seconds, received {found} (the 10 bytes take "
        f"less, at the same time)."
    )


def check_floor_seconds__moving(lesson):
    """A job that moves many bytes is limited by the moving."""
    found = number(lesson.floor_seconds(10, 1000, 100, 50))
    assert found == 20, f"1000 bytes at 50 per second take 20 seconds, received {found}."


def number(found):
    assert isinstance(found, int | float | np.number), f"Return a number, not {found!r}."
    return found


LABELS, LOGITS = np.array([0.0, 1.0, 0.3, 1.0]), np.array([-2.0, -0.5, 1.0, 3.0])


def value_and_pullback(lesson, labels=LABELS, logits=LOGITS):
    found = lesson.sigmoid_crossentropy(labels, logits)
    assert isinstance(found, tuple) and len(found) == 2, (
        "Return two things: the value, and the tuple of pullbacks."
    )
    value, back = found
    assert isinstance(back, tuple | list) and len(back) == 2, (
        "There are two inputs, so there are two pullbacks: (None, that of the logit)."
    )
    assert callable(back[1]), f"The pullback of the logit should be a function, not {back[1]!r}."
    return value, back[1]


def check_sigmoid_crossentropy__value(lesson):
    """The value is the cross-entropy of the sigmoid."""
    value, _ = value_and_pullback(lesson)
    p = 1 / (1 + np.exp(-LOGITS))
    expected = -(LABELS * np.log(p) + (1 - LABELS) * np.log(1 - p))
    assert np.shape(value) == expected.shape, f"One number per sample, not shape {np.shape(value)}."
    assert np.allclose(value, expected), f"Received {value}, expected {expected}."


def check_sigmoid_crossentropy__pullback(lesson):
    """The pullback of the logit is g times (p - label)."""
    _, pull = value_and_pullback(lesson)
    slope = 1 / (1 + np.exp(-LOGITS)) - LABELS
    one, two = pull(np.ones(4)), pull(np.full(4, 2.0))
    assert not np.allclose(one, -slope), "The sign is wrong: the slope is p - label."
    assert np.allclose(one, slope), f"For g = 1 received {one}, expected p - label = {slope}."
    assert np.allclose(two, 2 * slope), "For g = 2 it is not twice as large: multiply with g."


def check_sigmoid_crossentropy__contract(lesson):
    """It keeps the contract of ops: finite differences agree, for several losses at once."""
    _, pull = value_and_pullback(lesson)
    g = np.ones(4)
    pull(g)
    assert (g == 1).all(), "The pullback has written into g: return a new array instead."
    tg.check.check_op(tg.ops.Op(lesson.sigmoid_crossentropy), LABELS, LOGITS, constants=[0])


def check_sigmoid_crossentropy__large(lesson):
    """Large logits do not overflow."""
    with np.errstate(all="ignore"):
        value, pull = value_and_pullback(lesson, np.ones(2), np.array([800.0, -800.0]))
        slope = pull(np.ones(2))
    assert np.allclose(value, [0, 800]), (
        f"For the label 1 and the logits 800 and -800 received {value}, expected 0 and 800: use "
        f"the formula with np.maximum and -np.abs."
    )
    assert np.allclose(slope, [0, -1]), f"The slopes there are {slope}, expected 0 and -1."


def check_whole_gain__all(lesson):
    """If the part is everything, the whole becomes as much faster as the part."""
    found = number(lesson.whole_gain(1, 10))
    assert abs(found - 10) < 1e-9, f"For share 1 and factor 10 received {found}, expected 10."


def check_whole_gain__half(lesson):
    """If the part is half of the time, the other half stays."""
    found = number(lesson.whole_gain(0.5, 10))
    assert abs(found - 1 / 0.55) < 1e-9, (
        f"Before 1, after 0.5 + 0.05 = 0.55, so 1 / 0.55 = {1 / 0.55:.3f}; received {found}."
    )


def check_whole_gain__nothing(lesson):
    """A factor of 1 changes nothing, and so does a share of 0."""
    for share, factor in ((0.7, 1), (0, 1000)):
        found = number(lesson.whole_gain(share, factor))
        assert abs(found - 1) < 1e-9, (
            f"For share {share} and factor {factor} received {found}, expected 1."
        )
