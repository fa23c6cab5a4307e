"""Processes, signals, threads and memory where the system has other ones, or none."""

import ctypes
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from running import ends
from tinygrad_mo import device, platforms, pool
from tinygrad_mo.learn.verdict import interrupted_after


@pytest.mark.slow
@pytest.mark.skipif(platforms.SYSTEM != platforms.LINUX, reason="it looks into /proc")
def test_a_process_apart_is_ended_with_its_children():
    child = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'input()'],"
    child += " stdin=-1).pid, flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", child],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **platforms.apart(),
    )
    with process:
        number = int(process.stdout.readline())
        platforms.end(process)
        assert process.wait() != 0
    platforms.end(process)  # which is no error
    assert ends(number)


def test_windows_ends_processes_with_a_program_of_its_own(windows, monkeypatch):
    asked = []
    process = SimpleNamespace(pid=4711, kill=lambda: asked.append("kill"))
    monkeypatch.setattr(platforms.subprocess, "run", lambda command, **_: asked.append(command))
    assert platforms.apart() == {"creationflags": 0x200}
    platforms.end(process)
    assert asked == [["taskkill", "/F", "/T", "/PID", "4711"], "kill"]


def test_even_where_this_program_is_missing(windows):
    asked = []
    platforms.end(SimpleNamespace(pid=0, kill=lambda: asked.append("kill")))
    assert asked == ["kill"]


@pytest.mark.medium
@pytest.mark.parametrize("system", [platforms.LINUX, platforms.WINDOWS])
def test_what_takes_too_long_is_stopped(monkeypatch, system):
    monkeypatch.setattr(platforms, "SYSTEM", system)
    with pytest.raises(KeyboardInterrupt), interrupted_after(0.2) as over:
        until = time.perf_counter() + 10
        while time.perf_counter() < until:
            time.sleep(0)  # Python 3.13.0 lets nobody catch what interrupts an empty loop
    assert over.is_set()


def test_memory_is_limited_on_linux_alone(monkeypatch):
    limits = []
    fake = SimpleNamespace(RLIMIT_AS=9, setrlimit=lambda *limit: limits.append(limit))
    monkeypatch.setitem(sys.modules, "resource", fake)
    for system in (platforms.WINDOWS, platforms.MACOS, platforms.LINUX):
        monkeypatch.setattr(platforms, "SYSTEM", system)
        platforms.limit_memory(1 << 30)
    assert limits == [(9, (1 << 30, 1 << 30))]


@pytest.mark.parametrize(("count", "cores"), [(None, 1), (1, 1), (12, 12)])
def test_cores_where_nobody_says_which_may_be_used(monkeypatch, count, cores):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert platforms.cores() == cores


def test_cores_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 7}, raising=False)
    assert platforms.cores() == 3


def test_without_fork_nothing_is_asked_of_a_copy(monkeypatch):
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    platforms.after_fork(lambda: None)


def test_memory_is_left_alone_without_a_c_library_at_hand(windows, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("there is none"))
    with pool.memory_kept():
        pass


def test_nothing_is_cut_where_the_linear_algebra_cannot_be_held(monkeypatch):
    """NumPy for macOS uses Apple's Accelerate, which threadpoolctl does not know."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    monkeypatch.setattr(threadpoolctl.ThreadpoolController, "_load_libraries", lambda self: None)
    monkeypatch.setattr(pool, "blas_threads", pool.blas_threads.__wrapped__)
    assert pool.blas_threads() is None
    with device.at_work(), pool.one_thread():
        assert not pool.worth_cutting(1e12)
