"""Large operations cut into parts that run side by side, and what training runs in."""

import os
import subprocess
import sys
import threading
from contextlib import ExitStack

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import device, ops, pool
from tinygrad_mo.pool import at_work, in_parts

MUCH = 1e9
needs_threadpoolctl = pytest.mark.skipif(
    pool.blas_threads() is None, reason="nothing is cut without threadpoolctl"
)


def names_of_threads(length=4, cost=MUCH):
    return in_parts(length, lambda part: (part, threading.current_thread().name), cost)


@pytest.fixture
def four_threads():
    with tg.use(threads=4), at_work():
        yield


def test_outside_nothing_is_cut():
    assert names_of_threads() == [(slice(0, 4), threading.current_thread().name)]


def test_the_pool_serves_whoever_asks_the_device(monkeypatch):
    def threads_of(work):
        with tg.use(threads=4), device.at_work():
            return work(4, lambda part: threading.current_thread().name, MUCH)

    assert len(threads_of(device.in_parts)) == len(threads_of(in_parts))
    monkeypatch.setattr(device, "pool", None)
    assert threads_of(device.in_parts) == [threading.current_thread().name]
    with tg.use(threads=4), device.at_work():
        assert not device.worth_cutting(MUCH) and not pool._inside
    assert device.single_threaded(lambda x, y=1: x + y)(1, y=2) == 3


@needs_threadpoolctl
@pytest.mark.usefixtures("four_threads")
class TestParts:
    @pytest.mark.parametrize("length", [2, 3, 4, 5, 11])
    def test_they_make_up_the_whole_in_order(self, length):
        parts = [part for part, _ in names_of_threads(length)]
        assert len(parts) == min(length, 4)
        assert [i for part in parts for i in range(length)[part]] == list(range(length))

    def test_they_run_side_by_side(self):
        together = threading.Barrier(4, timeout=60)
        in_parts(4, lambda part: together.wait(), MUCH)

    @pytest.mark.parametrize(("length", "cost"), [(1, MUCH), (0, MUCH), (4, 1e3)])
    def test_what_is_not_worth_it_is_not_cut(self, length, cost):
        assert len(names_of_threads(length, cost)) == 1

    def test_a_part_is_not_cut_again(self):
        inner = in_parts(4, lambda part: len(names_of_threads()), MUCH)
        assert inner == [1, 1, 1, 1]
        assert len(names_of_threads()) == 4, "afterwards all is as before"

    def test_an_error_of_any_part_is_raised_when_all_have_ended(self):
        ended = []

        def work(part):
            if part.start == 3:
                raise ValueError("in the last part")
            ended.append(part.start)

        with pytest.raises(ValueError, match="in the last part"):
            in_parts(4, work, MUCH)
        assert sorted(ended) == [0, 1, 2]
        assert len(names_of_threads()) == 4

    def test_what_no_worker_has_begun_is_done_by_who_waits_for_it(self):
        names_of_threads()  # now there are workers
        workers, release = len(pool._workers), threading.Event()
        busy = threading.Barrier(workers + 1, timeout=60)
        for _ in range(workers):
            pool._tasks.put(lambda: (busy.wait(), release.wait(60)))
        busy.wait()
        try:
            names = {name for _, name in names_of_threads()}
            assert names == {threading.current_thread().name}
        finally:
            release.set()

    def test_numpys_error_handling_is_that_of_the_caller(self):
        def divide(part):
            return np.ones(1) / np.zeros(1)

        with np.errstate(divide="ignore"):
            in_parts(4, divide, MUCH)
        with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
            in_parts(4, divide, MUCH)


@needs_threadpoolctl
def test_the_linear_algebra_library_is_held_to_one_thread_and_let_go():
    def counts():
        return [info["num_threads"] for info in pool.blas_threads().info()]

    with pool.blas_threads().limit(limits=2, user_api="blas"):
        before = counts()
        with tg.use(threads=2), at_work():
            assert set(counts()) == {1}
            with at_work():
                assert len(names_of_threads()) == 2, "once inside is enough"
            assert set(counts()) == {1} and len(names_of_threads()) == 2
        assert counts() == before
        with tg.use(threads=1), at_work():
            assert set(counts()) == {1} and len(names_of_threads()) == 1
        with pytest.raises(ZeroDivisionError), tg.use(threads=2), at_work():
            1 / 0  # noqa: B018
        assert counts() == before and len(names_of_threads()) == 1


@pytest.mark.one_in(3, rest="medium")
@needs_threadpoolctl
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("winograd", [False, True])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_a_convolution_in_parts_is_the_same(threads, winograd, strides, monkeypatch):
    monkeypatch.setattr(pool, "WORTH_CUTTING", 0)
    random = np.random.default_rng(0)
    x = random.standard_normal((5, 16, 16, 16)).astype("float32")
    kernel = random.standard_normal((3, 3, 16, 32)).astype("float32")

    def results():
        y, pulls = ops.convolution.rule(
            x, kernel, kernel[0, 0, 0], strides=strides, padding="same", dilation_rate=(1, 1)
        )
        g = np.cos(np.arange(2 * y.size, dtype="float32")).reshape(2, *y.shape)
        return [y, *(pull(g) for pull in pulls)]

    with tg.use(winograd=winograd):
        whole = results()
        with tg.use(threads=threads), at_work():
            parts, again = results(), results()
    for a, b, c in zip(whole, parts, again, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5 * np.abs(a).max())
        assert b.tobytes() == c.tobytes(), "the same number of threads, the same bits"


@pytest.mark.parametrize("variables", [{}, {"MALLOC_TRIM_THRESHOLD_": "131072"}])
def test_memory_is_kept_unless_the_environment_says_how(variables, monkeypatch):
    told = []

    class C:
        mallopt = staticmethod(lambda *option: told.append(option))
        malloc_trim = staticmethod(lambda pad: told.append("given back"))

    for name in [name for name in os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(pool.platforms, "c_library", lambda: C)
    monkeypatch.setattr(pool, "SOON", 1e-3)
    monkeypatch.setattr(pool, "_giving_back", None)
    with pool.memory_kept():
        assert told == ([] if variables else [(-3, 1 << 30), (-1, 1 << 30)])
    later = pool._giving_back
    assert (later is None) is bool(variables)
    if later:
        later.join()
        assert told[2:] == [(-3, 32 << 20), (-1, 64 << 20), "given back"]


def test_memory_stays_for_who_comes_back_soon(monkeypatch):
    monkeypatch.setattr(pool, "SOON", 3600.0)
    monkeypatch.setattr(pool, "_giving_back", None)
    with pool.memory_kept():
        pass
    first = pool._giving_back
    if first is None:
        pytest.skip("nothing is kept here")
    with pool.memory_kept():
        first.join(timeout=60)
        assert not first.is_alive()  # it is called off
    pool._giving_back.cancel()
    monkeypatch.setattr(pool, "_inside", True)
    pool.give_back(None)  # nothing is asked of the C library while somebody is at work


@pytest.mark.medium
def test_a_program_ends_while_somebody_is_at_work():
    """As where a generator that trains is left as it is: no thread begins so late."""
    code = """if True:
        from tinygrad_mo import pool

        def training():
            with pool.at_work():
                yield

        begun = training()
        next(begun)
    """
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_a_number_of_threads_below_1_is_refused():
    with pytest.raises(ValueError, match="use: threads must be a whole number, 1 or more, not 0"):
        tg.use(threads=0)


def test_overlapping_blocks_of_settings_take_back_their_own_alone():
    before = dict(device._settings)
    first, second = tg.use(floatx="float64", winograd=False), tg.use(floatx="float32", replay=False)
    with ExitStack() as one, ExitStack() as other:  # as of two threads
        one.enter_context(first)
        other.enter_context(second)
        assert device.floatx() == "float32" and not device.winograd_allowed()
        one.close()
        assert device.floatx() == "float32" and device.winograd_allowed()
        assert not device.replay_wanted()
    assert device._settings == before


def test_nested_blocks_take_back_what_was_set_for_good_within():
    before = dict(device._settings)
    with tg.use(floatx="float64"):
        with tg.use(threads=2):
            tg.use(replay=False)
        assert device.floatx() == "float64" and device.replay_wanted()
    assert device._settings == before
