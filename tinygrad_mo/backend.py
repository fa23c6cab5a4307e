"""Where arrays live: the array library, the default float type, the random numbers."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache, wraps
from types import ModuleType
from typing import Any

import numpy as np

Array = Any  # a numpy.ndarray or a cupy.ndarray

_settings: dict[str, Any] = {"xp": np, "floatx": np.dtype("float32")}
_seeds = np.random.SeedSequence()


def array_module(x: Array) -> ModuleType:
    """The library that made `x`, so that one rule serves NumPy and CuPy arrays."""
    if type(x).__module__.startswith("cupy"):
        return sys.modules["cupy"]
    return np


def xp() -> ModuleType:
    """The library in which new arrays are made: NumPy, unless `use("cupy")` was called."""
    return _settings["xp"]


def floatx() -> np.dtype:
    """The float type of new parameters and inputs."""
    return _settings["floatx"]


class use:
    """Choose the array library and the default float type, for good or inside a `with` block.

    Parameters
    ----------
    backend : "numpy" or "cupy", optional
        Where new arrays live. Default: as before.
    floatx : "float32" or "float64", optional
        The type of new parameters and inputs. Default: as before; float32 at the start.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> with tg.use(floatx="float64"):
    ...     print(tg.Input((3,)).dtype)
    float64
    >>> print(tg.Input((3,)).dtype)
    float32
    """

    def __init__(self, backend: str | None = None, *, floatx: str | None = None):
        new = dict(_settings)
        if backend is not None:
            if backend not in ("numpy", "cupy"):
                raise ValueError(f"backend is 'numpy' or 'cupy', not {backend!r}")
            new["xp"] = importlib.import_module(backend)
        if floatx is not None:
            if floatx not in ("float32", "float64"):
                raise ValueError(f"floatx is 'float32' or 'float64', not {floatx!r}")
            new["floatx"] = np.dtype(floatx)
        self._before = dict(_settings)
        _settings.update(new)

    def __enter__(self) -> use:
        return self

    def __exit__(self, *error: object) -> None:
        _settings.update(self._before)


def to_numpy(x: Array) -> np.ndarray:
    """`x` as a NumPy array, fetched from the device where it must be."""
    return np.asarray(x) if array_module(x) is np else x.get()


@cache
def blas_threads() -> Any:
    """What can limit the threads of the linear algebra library, where threadpoolctl is there."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return None
    return importlib.import_module("threadpoolctl").ThreadpoolController()


def single_threaded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that works step by step run on one thread.

    Its products of small matrices gain nothing from two, which wait for each other after each; on
    a busy machine that takes longer, by a factor of ten and more, than the products.
    """

    @wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        threads = blas_threads()
        with threads.limit(limits=1, user_api="blas") if threads else nullcontext():
            return function(*arguments, **options)

    return run


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
