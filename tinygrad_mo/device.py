"""Where arrays live: the array library, the default float type, the random numbers, the threads."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache, wraps
from itertools import accumulate, count
from math import prod
from types import ModuleType
from typing import Any

import numpy as np

from . import arguments, platforms
from .questions import by_type, on_gpu, settle

Array = Any  # a numpy.ndarray or a cupy.ndarray

FEW = 1 << 10  # numbers that may be kept
WORTH_A_CALL = 1 << 14  # numbers; NumPy is done with fewer before a compiled twin would pay

_settings: dict[str, Any] = {
    "xp": np,
    "floatx": np.dtype("float32"),
    "winograd": True,
    "kernels": os.environ.get("TINYGRAD_MO_KERNELS") != "0",
    "replay": True,
    "threads": int(os.environ.get("TINYGRAD_MO_THREADS") or min(platforms.cores(), 8)),
}
_blocks: list[use] = []  # the `with` blocks that are open, in the order of their settings
_changing = threading.Lock()
_numbers = count()
UNSEEDED = np.random.SeedSequence()  # of a program that never calls set_random_seed
_seeds = UNSEEDED
OLDEST_CUPY = 14


def library(backend: str) -> ModuleType:
    """The array library of this name, if it works here; if not, an error says what is missing."""
    if backend not in ("numpy", "cupy"):
        raise ValueError(f"backend is 'numpy' or 'cupy', not {backend!r}")
    if backend == "numpy":
        return np
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise ImportError(
            f"a GPU needs CuPy, which cannot be imported ({error}): python -m pip install "
            f"cupy-cuda13x, or cupy-cuda12x where `nvidia-smi` shows a CUDA version of 12"
        ) from error
    if int(cupy.__version__.split(".")[0]) < OLDEST_CUPY:
        raise ImportError(f"CuPy {cupy.__version__} is too old: version {OLDEST_CUPY} is needed")
    try:
        if not cupy.cuda.runtime.getDeviceCount():
            raise RuntimeError("there is none")
    except Exception as error:  # of a class that only CuPy knows
        raise RuntimeError(
            f"CuPy {cupy.__version__} finds no GPU ({error}): `nvidia-smi` must show one. Install "
            f"or update its driver, or the CuPy that suits it (cupy-cuda12x, cupy-cuda13x)"
        ) from error
    return cupy


def array_module(x: Array) -> Any:
    """The library that made `x`, so that one rule serves NumPy, CuPy and traced arrays."""
    if isinstance(x, np.ndarray):
        return np
    if on_gpu(x):
        return sys.modules["cupy"]
    return getattr(x, "array_module", np)


def device_of(x: Array) -> str:
    """Where the numbers of an array are, "cpu" or "cuda"; "" if it only stands for one (traced)."""
    if isinstance(x, np.ndarray):
        return "cpu"
    return "cuda" if on_gpu(x) else ""


def by_twin(
    twins: Mapping[str, Callable[..., Any]], where: Array, *arguments: Any, **options: Any
) -> Any:
    """What the compiled twin for the device of the array `where` returns.

    NotImplemented: there is none, or it is not wanted, or it does not apply.
    """
    twin = twins.get(device_of(where)) if kernels_wanted() else None
    return twin(*arguments, **options) if twin else NotImplemented


def xp() -> ModuleType:
    """The library in which new arrays are made: NumPy, unless `use("cupy")` was called."""
    return _settings["xp"]


def floatx() -> np.dtype:
    """The float type of new parameters and inputs."""
    return _settings["floatx"]


def winograd_allowed() -> bool:
    """May a float32 convolution 3x3 take the way that is faster, and a digit less exact?"""
    return _settings["winograd"]


def kernels_wanted() -> bool:
    """May compiled kernels take the place of NumPy rules, where there are any?"""
    return _settings["kernels"]


def replay_wanted() -> bool:
    """May a step on small arrays be traced once and then replayed (see `tinygrad_mo.replay`)?"""
    return _settings["replay"]


def threads() -> int:
    """How many threads may work on one operation."""
    return _settings["threads"]


# Rooms that are there for speed put themselves here when they are imported.
pool: Any = None  # without it all is done on one thread
compiled: Any = None  # without it a replay calls NumPy for each of its instructions


def in_parts(length: int, work: Callable[[slice], Any], cost: float) -> list[Any]:
    """``work(part)`` for slices that make up ``range(length)``: their results, in order.

    It is one slice where no pool is at work. `cost` is the time of all of it, in multiplications.
    """
    serves = pool and xp() is np  # a GPU is many by itself
    return pool.in_parts(length, work, cost) if serves else [work(slice(0, length))]


def worth_cutting(cost: float) -> bool:
    """Would `in_parts` make more than one part of work that takes so long?"""
    return bool(pool) and xp() is np and pool.worth_cutting(cost)


def at_work() -> AbstractContextManager[Any]:
    """What training runs in, for the sake of threads and memory."""
    return pool.at_work() if pool else nullcontext()


def one_thread() -> AbstractContextManager[Any]:
    """What runs in here does not use several threads of the linear algebra library."""
    return pool.one_thread() if pool else nullcontext()


def single_threaded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that works step by step run on one thread.

    Its products of small matrices gain nothing from two, which wait for each other after each; on
    a busy machine that takes longer, by a factor of ten and more, than the products.
    """

    @wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        with one_thread():
            return function(*arguments, **options)

    return run


class use:
    """Choose the array library and the default float type, for good or inside a `with` block.

    The settings are those of the whole process: what a thread sets, also in a `with` block, holds
    for all threads until the block is left. Blocks of several threads may overlap, and each takes
    back its own settings alone; what needs different ones at the same time needs two processes.

    Parameters
    ----------
    backend : "numpy" or "cupy", optional
        Where new arrays live: "cupy" computes on a GPU. Default: as before; at the start that of
        the environment variable TINYGRAD_MO_BACKEND, or NumPy.
    floatx : "float32" or "float64", optional
        The type of new parameters and inputs. Default: as before; float32 at the start.
    winograd : bool, optional
        False: every convolution is computed the plain way (see `tinygrad_mo.ops.winograd`).
        Default: as before; True at the start.
    kernels : bool, optional
        False: no compiled kernels (see `tinygrad_mo.compiled`). Default: as before; True at the
        start, unless the environment variable TINYGRAD_MO_KERNELS is 0.
    replay : bool, optional
        False: every operation of every step runs in Python, so that a debugger can step through
        training. Default: as before; True at the start: on small arrays a step is traced once and
        then replayed, with the same numbers; on a GPU, where its work is always the same, it is
        captured once and then launched as a whole (see `tinygrad_mo.training.captured`).
    threads : int, optional
        How many threads may work on one operation while training (see `tinygrad_mo.pool`).
        Default: as before; at the start that of the environment variable TINYGRAD_MO_THREADS, or
        as many as the machine has, up to 8.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> with tg.use(floatx="float64"):
    ...     print(tg.Input((3,)).dtype)
    float64
    >>> print(tg.Input((3,)).dtype)
    float32
    """

    def __init__(
        self,
        backend: str | None = None,
        *,
        floatx: str | None = None,
        winograd: bool | None = None,
        kernels: bool | None = None,
        replay: bool | None = None,
        threads: int | None = None,
    ):
        new: dict[str, Any] = {}
        if backend is not None:
            new["xp"] = library(backend)
        if floatx is not None:
            if floatx not in ("float32", "float64"):
                raise ValueError(f"floatx is 'float32' or 'float64', not {floatx!r}")
            new["floatx"] = np.dtype(floatx)
        for name, value in {"winograd": winograd, "kernels": kernels, "replay": replay}.items():
            if value is not None:
                new[name] = arguments.flag(f"use: {name}", value)
        if threads is not None:
            new["threads"] = arguments.whole("use: threads", threads, at_least=1)
        with _changing:
            self._chosen, self._before, self._number = new, dict(_settings), next(_numbers)
            _settings.update(new)

    def __enter__(self) -> use:
        with _changing:
            _blocks.append(self)
            _blocks.sort(key=lambda block: block._number)
        return self

    def __exit__(self, *error: object) -> None:
        with _changing:
            place = _blocks.index(self)
            del _blocks[place]
            later = _blocks[place:]  # of other threads: they stay, on what was before this one
            settings = self._before
            for block in later:
                block._before, settings = settings, settings | block._chosen
            _settings.update(settings)


def on_device(x: Array) -> Array:
    """`x`, or, if new arrays live elsewhere (on a GPU, or no longer there), a copy there."""
    if xp() is np:
        return to_numpy(x) if on_gpu(x) else x
    return xp().asarray(x) if isinstance(x, np.ndarray | np.generic) else x


def on_cpu(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function compute on the CPU, wherever others do."""

    @wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        with use("numpy"):
            return function(*arguments, **options)

    return run


def to_numpy(x: Array) -> np.ndarray:
    """`x` as a NumPy array; from a GPU it is fetched, and what is asked of it is settled first."""
    if not on_gpu(x):
        return np.asarray(x)
    settle()
    return x.get()


def to_numpy_together(arrays: Sequence[Any]) -> list[Any]:
    """The same of several arrays (None stays None), in one transfer for each type."""
    found: list[Any] = [None if x is None or on_gpu(x) else np.asarray(x) for x in arrays]
    for places in by_type((n, x) for n, x in enumerate(arrays) if on_gpu(x)):
        some: list[Any] = [arrays[n] for n in places]
        flat = to_numpy(array_module(some[0]).concatenate(some, axis=None))
        ends = list(accumulate(x.size for x in some))
        for n, x, part in zip(places, some, np.split(flat, ends[:-1]), strict=True):
            found[n] = part.reshape(x.shape)
    return found


def as_constant(x: Any, dtype: Any) -> Array:
    """A number or an array as an array that nobody changes. A GPU is sent each number once."""
    library = xp()
    if library is np or type(x) is not float:
        return library.asarray(x, dtype)
    return kept_number(x, dtype, library)


def zeros(shape: tuple[int, ...], dtype: Any) -> Array:
    """Zeros that nobody changes. A GPU makes few of them once."""
    if prod(shape) > FEW or xp() is np:
        return xp().zeros(shape, dtype)
    return kept_number(0.0, dtype, xp(), shape)


@lru_cache(maxsize=256)
def kept_number(
    number: float, dtype: Any, library: ModuleType, shape: tuple[int, ...] = ()
) -> Array:
    return library.full(shape, number, dtype)


def first_place(wrong: Array) -> tuple[int, ...]:
    """Where the first True of some stands, to be named in an error."""
    return tuple(int(axis[0]) for axis in to_numpy(wrong).nonzero())


def lock(array: Array) -> None:
    """Refuse writing into an array that somebody else refers to (NumPy only: CuPy has no lock)."""
    if isinstance(array, np.ndarray):
        array.setflags(write=False)


def drop_subnormal(x: Array) -> None:
    """Set elements that have all but vanished to 0, in place.

    Numbers near the smallest float (1e-38 in single precision) are computed a hundred times more
    slowly. What decays step by step ends there, and 0 is as good. A GPU is as fast as ever.
    """
    if on_gpu(x):
        return
    xp = array_module(x)
    x[xp.abs(x) < xp.finfo(x.dtype).tiny * 2.0**27] = 0


def set_random_seed(seed: int) -> None:
    """Start all random numbers (initial weights, dropout, shuffling) from `seed`.

    Each layer and each `fit` draws from a generator of its own, spawned from this seed in the
    order in which they are made; the global state of `numpy.random` is neither read nor written.

    The same program then finds the same numbers to the last bit, on one machine with the same
    libraries, settings (`use`) and number of threads (``use(threads=...)``, and that of NumPy's
    linear algebra, as OPENBLAS_NUM_THREADS says). Where one of these is another, sums are added up
    in another order and rounded otherwise, and so is a sample in a batch of another size: compare
    such numbers by `numpy.allclose`.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> x = tg.Tensor([[1.0, 2.0]])
    >>> tg.set_random_seed(1)
    >>> first = tg.layers.Dense(3)(x).numpy()
    >>> tg.set_random_seed(1)
    >>> bool((first == tg.layers.Dense(3)(x).numpy()).all())
    True
    """
    global _seeds
    _seeds = np.random.SeedSequence(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, random numbers start from `seed`; outside they go on as if nothing had been."""
    global _seeds
    before = _seeds
    set_random_seed(seed)
    try:
        yield
    finally:
        _seeds = before


def new_generator() -> np.random.Generator:
    """A fresh random generator, independent of all earlier ones."""
    return np.random.default_rng(_seeds.spawn(1)[0])


def seeds() -> np.random.SeedSequence:
    """What all random numbers to come are spawned from."""
    return _seeds


def are_seeded() -> bool:
    """Does the program, run again, find the same random numbers?"""
    return _seeds.entropy != UNSEEDED.entropy


def draw_like(seeds: np.random.SeedSequence, seeded: bool) -> None:
    """Let the random numbers to come be those of somebody else, who has called for them or not."""
    global _seeds, UNSEEDED
    _seeds = seeds
    if not seeded:
        UNSEEDED = seeds


@contextmanager
def drawn_only_if_it_succeeds() -> Iterator[None]:
    """After an error in this block, the next `new_generator` is the one that would have been."""
    global _seeds
    seeds, spawned = _seeds, _seeds.n_children_spawned
    try:
        yield
    except BaseException:
        _seeds = np.random.SeedSequence(seeds.entropy, n_children_spawned=spawned)
        raise


def start() -> None:
    """Take the backend that the environment asks for; what stands in its way is said."""
    backend = os.environ.get("TINYGRAD_MO_BACKEND") or "numpy"
    try:
        use(backend)
    except (ImportError, RuntimeError) as error:
        warnings.warn(
            f"TINYGRAD_MO_BACKEND={backend}, but NumPy computes, on the CPU: {error}", stacklevel=2
        )


start()
