"""How a compiled twin takes the place of an op's NumPy rule, and how it calls C."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import device
from ..device import Array, in_parts, kernels_wanted
from ..ops import OPS
from . import library

FLOAT = np.dtype("float32")


Twin = Callable[..., Any]


def twin_of(name: str, where: str = "cpu") -> Callable[[Twin], Twin]:
    """Register the compiled twin of the op `name` for a device, "cpu" or "cuda".

    The function has the signature of the op's rule and returns the same, ``(y, back)``, or
    NotImplemented where it does not apply: then the rule runs.
    """
    return registered(OPS[name].compiled, where)


def registered(twins: dict[str, Twin], where: str = "cpu") -> Callable[[Twin], Twin]:
    """Register a twin among those of all devices (see `device.by_twin`)."""

    def register(twin: Twin) -> Twin:
        twins[where] = twin
        return twin

    return register


def usable(*arrays: Any, at_least: int | None = None) -> bool:
    """Can C work on these arrays (some may be None), and is it worth a call?

    The first one says how much work it is: it must have `at_least` so many numbers. Default:
    `device.WORTH_A_CALL`. Builds the library if need be.
    """
    at_least = device.WORTH_A_CALL if at_least is None else at_least
    if type(arrays[0]) is not np.ndarray or arrays[0].size < at_least:
        return False
    for x in arrays:
        if x is not None and (type(x) is not np.ndarray or x.dtype != FLOAT):
            return False
    return library.load()[0] is not None


def call_c(name: str, *arguments: Any) -> int:
    """Call a function of the library with arrays, whole numbers and floats; what it returns.

    Those that need memory of their own return 0 if there was none.
    """
    found = getattr(library.load()[0], name)(*map(for_c, arguments))
    if not found:
        raise MemoryError(f"{name} of the compiled kernels got no memory")
    return found


def call_c_in_parts(
    name: str,
    cost: float,
    sizes: Any,
    *arguments: Any,
    whole: tuple[int, ...] = (),
    before: Callable[[slice], None] | None = None,
    after: Callable[[slice], Any] | None = None,
) -> list[Any]:
    """Call a function of the library for parts of the batch, side by side if that pays.

    Its first argument says how long the batch is: `sizes` is that number, or an array that begins
    with it. All arrays are cut, but for those at the places `whole` of the C function's arguments.
    `before` is done before the call and `after` after it, for each part; what `after` gave comes
    back as a list with one entry per part. `cost` is that of all parts, as in `in_parts`.
    """

    many = isinstance(sizes, np.ndarray)

    def work(part: slice) -> Any:
        if before:
            before(part)
        count = part.stop - part.start
        own = [
            a[part] if isinstance(a, np.ndarray) and place not in whole else a
            for place, a in enumerate(arguments, 1)
        ]
        call_c(name, np.array([count, *sizes[1:]]) if many else count, *own)
        return after(part) if after else None

    return in_parts(int(sizes[0]) if many else sizes, work, cost)


def for_c(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):  # handed over itself, it would be held by a circle
        return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, float):
        return ctypes.c_float(argument)
    return None if argument is None else ctypes.c_ssize_t(argument)


def cotangent(g: Array, y: Array) -> Array:
    """`g` as C expects it. C would not notice if its shape did not belong to y: (rows, *y.shape)"""
    if g.shape[1:] != y.shape:
        raise ValueError(f"a cotangent of shape {g.shape} for a value of shape {y.shape}")
    return contiguous(g)


def contiguous(x: Array) -> Array:
    """As C expects it: one number after the other."""
    return np.ascontiguousarray(x, FLOAT)


def status() -> tuple[bool, str]:
    """Are the compiled kernels in use, and a sentence that says which, or why not."""
    if not kernels_wanted():
        return False, "switched off (TINYGRAD_MO_KERNELS=0, or use(kernels=False))"
    found, text = library.load()
    names = [name for name, op in OPS.items() if "cpu" in op.compiled]
    return (True, f"{text}, for {', '.join(names)}") if found else (False, text)
