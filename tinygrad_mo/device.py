"""Where arrays live: the array library, the default float type, the random numbers."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

import numpy as np

Array = Any  # a numpy.ndarray or a cupy.ndarray

usable_cores = getattr(os, "process_cpu_count", os.cpu_count)
_settings: dict[str, Any] = {
    "xp": np,
    "floatx": np.dtype("float32"),
    "winograd": True,
    "kernels": os.environ.get("TINYGRAD_MO_KERNELS") != "0",
    "replay": True,
    "threads": int(os.environ.get("TINYGRAD_MO_THREADS") or min(usable_cores() or 1, 8)),
}
_seeds = np.random.SeedSequence()


def array_module(x: Array) -> Any:
    """The library that made `x`, so that one rule serves NumPy, CuPy and traced arrays."""
    if isinstance(x, np.ndarray):
        return np
    if type(x).__module__.startswith("cupy"):
        return sys.modules["cupy"]
    return getattr(x, "array_module", np)


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


class use:
    """Choose the array library and the default float type, for good or inside a `with` block.

    Parameters
    ----------
    backend : "numpy" or "cupy", optional
        Where new arrays live. Default: as before.
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
        then replayed, with the same numbers.
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
        new = dict(_settings)
        if backend is not None:
            if backend not in ("numpy", "cupy"):
                raise ValueError(f"backend is 'numpy' or 'cupy', not {backend!r}")
            new["xp"] = importlib.import_module(backend)
        if floatx is not None:
            if floatx not in ("float32", "float64"):
                raise ValueError(f"floatx is 'float32' or 'float64', not {floatx!r}")
            new["floatx"] = np.dtype(floatx)
        if winograd is not None:
            new["winograd"] = winograd
        if kernels is not None:
            new["kernels"] = kernels
        if replay is not None:
            new["replay"] = replay
        if threads is not None:
            if threads < 1:
                raise ValueError(f"threads must be at least 1, not {threads}")
            new["threads"] = threads
        self._before = dict(_settings)
        _settings.update(new)

    def __enter__(self) -> use:
        return self

    def __exit__(self, *error: object) -> None:
        _settings.update(self._before)


def to_numpy(x: Array) -> np.ndarray:
    """`x` as a NumPy array, fetched from the device where it must be."""
    return np.asarray(x) if array_module(x) is np else x.get()


def lock(array: Array) -> None:
    """Refuse writing into an array that somebody else refers to (NumPy only: CuPy has no lock)."""
    if isinstance(array, np.ndarray):
        array.setflags(write=False)


def drop_subnormal(x: Array) -> None:
    """Set elements that have all but vanished to 0, in place.

    Numbers near the smallest float (1e-38 in single precision) are computed a hundred times more
    slowly. What decays step by step ends there, and 0 is as good.
    """
    xp = array_module(x)
    x[xp.abs(x) < xp.finfo(x.dtype).tiny * 2.0**27] = 0


def set_random_seed(seed: int) -> None:
    """Start all random numbers (initial weights, dropout, shuffling) from `seed`.

    Each layer and each `fit` draws from a generator of its own, spawned from this seed in the
    order in which they are made; the global state of `numpy.random` is neither read nor written.

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


def new_generator() -> np.random.Generator:
    """A fresh random generator, independent of all earlier ones."""
    return np.random.default_rng(_seeds.spawn(1)[0])
