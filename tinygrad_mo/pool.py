"""Several hands for large operations, each with a part of the batch, and memory that stays at hand.

`at_work` is what training runs in. Inside it

- the linear algebra library keeps to one thread, and operations that take long cut their batch
  into parts that run side by side (`in_parts`). A library that cuts each product by itself gains
  less: its threads wait for one another after every one of them;
- the C library keeps the memory that one step has freed for the next one, and for who comes back
  soon. Given back and fetched again, every page of it would be filled with zeros by the operating
  system each time, which takes longer than most operations on it.

Whoever has something to cut asks `device`, which hands it on to here if this module has been
imported. Results do not depend on chance: with the same number of threads they are the same bits.
How many there are says ``tinygrad_mo.use(threads=...)`` or the environment variable
TINYGRAD_MO_THREADS.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import copy_context
from functools import cache, partial
from queue import Empty, SimpleQueue
from threading import Thread, Timer
from typing import Any

from . import device, platforms

WORTH_CUTTING = 2e7  # multiplications, 0.2 ms or more; handing over a part takes 0.05 ms

SOON = 1.0  # seconds for which memory that is free stays at hand
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as glibc calls them

_giving_back: Timer | None = None
_parts = 1  # into how many an operation is cut at present
_inside = False  # of `at_work`
_tasks: SimpleQueue[Any] = SimpleQueue()
_workers: list[Thread] = []
platforms.after_fork(_workers.clear)  # threads do not follow into a copy of the process


@contextmanager
def at_work() -> Iterator[None]:
    """Train in here: threads and memory are as the module says, and afterwards, soon, as before.

    Where the linear algebra library cannot be held (see `blas_threads`), nothing is cut.
    """
    global _parts, _inside
    if _inside:
        yield
        return
    library = blas_threads()
    with memory_kept(), library.limit(limits=1, user_api="blas") if library else nullcontext():
        _parts, _inside = device.threads() if library else 1, True
        try:
            yield
        finally:
            _parts, _inside = 1, False


def in_parts(length: int, work: Callable[[slice], Any], cost: float) -> list[Any]:
    """``work(part)`` for slices that make up ``range(length)``, side by side: their results.

    It is one slice outside `at_work`, or if `cost`, the number of multiplications, is too low.
    """
    global _parts
    before, count = _parts, min(_parts, length)
    if count < 2 or not worth_cutting(cost):
        return [work(slice(0, length))]
    while len(_workers) < count - 1:
        _workers.append(Thread(target=serve, daemon=True))
        _workers[-1].start()
    cuts = [length * n // count for n in range(count + 1)]
    results: list[Any] = [None] * count
    done: SimpleQueue[BaseException | None] = SimpleQueue()

    def run(n: int) -> None:
        try:
            results[n] = work(slice(cuts[n], cuts[n + 1]))
        except BaseException as error:
            done.put(error)
        else:
            done.put(None)

    try:
        _parts = 1  # a part is not cut again
        for n in range(1, count):
            # the context holds NumPy's error handling
            _tasks.put(partial(copy_context().run, run, n))
        run(0)
        with suppress(Empty):  # what no worker has begun yet: other programs keep the cores busy
            while True:
                _tasks.get_nowait()()
        errors = [done.get() for _ in results]
    finally:
        _parts = before
    for error in errors:
        if error is not None:
            raise error
    return results


def worth_cutting(cost: float) -> bool:
    """Are there threads, and is there enough to do for them?"""
    return _parts > 1 and cost >= WORTH_CUTTING


def serve() -> None:
    """What a worker does all its life."""
    while True:
        task = _tasks.get()
        task()
        del task  # or it would hold on to the arrays until the next one


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let the C library keep what is freed, and give it back soon after (glibc, as on Linux).

    Not if the user's environment tells it what to do.
    """
    global _giving_back
    c: Any = platforms.c_library()
    told = any(name.startswith("MALLOC_") for name in os.environ)
    if told or not hasattr(c, "mallopt") or not hasattr(c, "malloc_trim"):
        yield
        return
    if _giving_back:
        _giving_back.cancel()
    c.mallopt(MMAP_THRESHOLD, 1 << 30)
    c.mallopt(TRIM_THRESHOLD, 1 << 30)
    try:
        yield
    finally:
        _giving_back = Timer(SOON, give_back, [c])
        _giving_back.daemon = True
        if not sys.is_finalizing():  # else no thread begins any more, and all is given back
            _giving_back.start()


def give_back(c: Any) -> None:
    """What is free, to the operating system, unless somebody is at work again."""
    if not _inside:
        c.mallopt(MMAP_THRESHOLD, 32 << 20)  # where glibc itself ends up, once large
        c.mallopt(TRIM_THRESHOLD, 64 << 20)  # arrays have come and gone
        c.malloc_trim(0)


@cache
def blas_threads() -> Any:
    """What limits the threads of the linear algebra library, if something does.

    Threadpoolctl may be missing, or not know the library: Apple's Accelerate cannot be held.
    """
    if importlib.util.find_spec("threadpoolctl") is None:
        return None
    found = importlib.import_module("threadpoolctl").ThreadpoolController()
    return found if found.select(user_api="blas").lib_controllers else None


def one_thread() -> AbstractContextManager[Any]:
    """Hold the linear algebra library to one thread; inside `at_work` it is held already."""
    library = None if _inside else blas_threads()
    return library.limit(limits=1, user_api="blas") if library else nullcontext()


device.pool = sys.modules[__name__]
