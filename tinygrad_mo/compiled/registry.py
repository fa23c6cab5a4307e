"""How a compiled kernel takes the place of an op's NumPy rule."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .. import device
from ..device import Array
from ..ops import OPS
from ..pool import in_parts
from . import library

KERNELS: dict[str, Callable[..., Any]] = {}
FLOAT = np.dtype("float32")
LEAST = 1 << 12  # numbers in an array for which any kernel pays
LIGHT = 1 << 14  # numbers; what works on fewer is done before a call into C would pay


def kernel(name: str, large: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a compiled twin of the op `name`.

    The function has the signature of the op's rule and returns the same, ``(y, back)``, or
    NotImplemented where it does not apply: then the rule runs. It is not even asked where the
    input number `large` is none of NumPy's arrays, or has few numbers.
    """

    def register(fast: Callable[..., Any]) -> Callable[..., Any]:
        rule = OPS[name].rule

        @wraps(rule)
        def run(*inputs: Any, **attributes: Any) -> Any:
            x = inputs[large]
            if type(x) is np.ndarray and x.size >= LEAST and device.kernels_wanted():
                found = fast(*inputs, **attributes)
                if found is not NotImplemented:
                    return found
            return rule(*inputs, **attributes)

        KERNELS[name] = fast
        OPS[name].run = run
        return fast

    return register


def usable(*arrays: Any, least: int | None = None) -> bool:
    """Can the compiled kernels work on these (some may be None), and is it worth a call?

    The first one says how much work it is. Builds the library if need be.
    """
    if type(arrays[0]) is not np.ndarray or arrays[0].size < (LIGHT if least is None else least):
        return False
    for x in arrays:
        if x is not None and (type(x) is not np.ndarray or x.dtype != FLOAT):
            return False
    return library.load()[0] is not None


def call(name: str, *arguments: Any) -> None:
    """Call a function of the library with arrays, whole numbers and floats.

    Those that need memory of their own return 0 if there was none.
    """
    if not getattr(library.load()[0], name)(*map(for_c, arguments)):
        raise MemoryError(f"{name} of the compiled kernels got no memory")


def call_in_parts(
    name: str,
    cost: float,
    sizes: Any,
    *arguments: Any,
    whole: tuple[int, ...] = (),
    first: Callable[[slice], None] | None = None,
    last: Callable[[slice], Any] | None = None,
) -> list[Any]:
    """Call a function of the library for parts of the batch, side by side if that pays.

    Its first argument says how long the batch is: `sizes` is that number, or an array that begins
    with it. All arrays are cut, but for those at the places `whole` of the C function's arguments.
    `first` is done before the call and `last` after it, for each part; what `last` gave comes back
    as a list with one entry per part. What `cost` means, `in_parts` says.
    """

    many = isinstance(sizes, np.ndarray)

    def work(part: slice) -> Any:
        if first:
            first(part)
        count = part.stop - part.start
        own = [
            a[part] if isinstance(a, np.ndarray) and place not in whole else a
            for place, a in enumerate(arguments, 1)
        ]
        call(name, np.array([count, *sizes[1:]]) if many else count, *own)
        return last(part) if last else None

    return in_parts(int(sizes[0]) if many else sizes, work, cost)


def for_c(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return argument.ctypes
    if isinstance(argument, float):
        return ctypes.c_float(argument)
    return None if argument is None else ctypes.c_ssize_t(argument)


def cotangent(g: Array, y: Array) -> Array:
    """`g` as C expects it. C would not notice if its shape did not belong to y: (rows, *y.shape)"""
    if g.shape[1:] != y.shape:
        raise ValueError(f"a cotangent of shape {g.shape} for a value of shape {y.shape}")
    return plain(g)


def plain(x: Array) -> Array:
    """As C expects it: one number after the other."""
    return np.ascontiguousarray(x, FLOAT)


def status() -> tuple[bool, str]:
    """Are the compiled kernels in use, and a sentence that says which, or why not."""
    if not device.kernels_wanted():
        return False, "switched off (TINYGRAD_MO_KERNELS=0, or use(kernels=False))"
    found, text = library.load()
    return (True, f"{text}, for {', '.join(KERNELS)}") if found else (False, text)
