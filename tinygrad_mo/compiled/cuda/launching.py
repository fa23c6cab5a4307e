"""The CUDA files of `kernels/cuda`, compiled by CuPy on first use, and how a kernel is launched.

A GPU trusts whoever launches: a number of another type or an array with gaps is read as if it were
right. So the types of all parameters are read from the text of the kernel, and `launch` holds its
arguments to them.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...device import Array, array_module
from ...questions import on_gpu
from ..registry import FLOAT

SHARED = "common.cuh"  # stands in front of each file
KERNEL = re.compile(r'extern "C" __global__ void (?:__launch_bounds__\([^)]*\) )?(\w+)\(([^)]*)\)')
TYPES = {"float": "float32", "int": "int32", "num": "int64", "bool": "bool"}
NOTHING = np.uintp(0)  # a null pointer: CuPy takes no None
THREADS = 256  # of a block that works number by number
COLUMNS, PARTS = 32, 32  # the threads of one that adds up columns


class Parameter(NamedTuple):
    """One of a kernel's parameters: an array on the GPU, or a number."""

    name: str
    dtype: np.dtype
    is_array: bool


class Kernel(NamedTuple):
    """A kernel as it stands in its file."""

    file: Path
    parameters: tuple[Parameter, ...]


def folder() -> Path:
    """Where the CUDA files are: inside the package where it is installed, or in the checkout."""
    here = Path(__file__).parent
    installed = here / "texts"
    return installed if installed.is_dir() else here.parents[2] / "kernels" / "cuda"


def text_of(file: Path) -> str:
    """A file behind what all of them share; compilers name its lines as they are counted there."""
    shared = file.with_name(SHARED).read_text("utf-8")
    return f'{shared}\n#line 1 "{file.name}"\n{file.read_text("utf-8")}'


@cache
def kernels() -> dict[str, Kernel]:
    """All kernels, by name."""
    found = {}
    for file in sorted(folder().glob("*.cu")):
        for name, parameters in KERNEL.findall(text_of(file)):
            found[name] = Kernel(file, tuple(map(parameter, parameters.split(","))))
    return found


def parameter(text: str) -> Parameter:
    """``const float *x`` or ``int n``."""
    kind, name = text.replace("const", "").replace("*", " ").split()
    return Parameter(name, np.dtype(TYPES[kind]), "*" in text)


@cache
def module(file: Path, definitions: tuple[tuple[str, int], ...]) -> Any:
    """What CuPy makes of a file in which some names stand for numbers."""
    defined = (f"-D{name}={value}" for name, value in definitions)
    options = ("-std=c++17", *defined)
    return sys.modules["cupy"].RawModule(code=text_of(file), options=options)


@cache
def compiled(name: str, definitions: tuple[tuple[str, int], ...]) -> Any:
    return module(kernels()[name].file, definitions).get_function(name)


def launch(
    name: str, grid: tuple[int, ...], block: tuple[int, ...], *arguments: Any, **definitions: int
) -> None:
    """Launch a kernel.

    Parameters
    ----------
    name : str
    grid, block : tuple of int
        How many blocks, and of how many threads each.
    *arguments : array, None, int or float
        As the kernel's parameters; None is a null pointer.
    **definitions : int
        What names in the file stand for: another one is compiled for each.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type than its parameter, or an array is not C-contiguous.
    """
    parameters = kernels()[name].parameters
    if len(arguments) != len(parameters):
        raise TypeError(f"{name} takes {len(parameters)} arguments, not {len(arguments)}")
    pairs = zip(parameters, arguments, strict=True)
    sent = tuple(fitting(name, parameter, x) for parameter, x in pairs)
    compiled(name, tuple(sorted(definitions.items())))(grid, block, sent)


def launch_for_each(name: str, count: int, *arguments: Any) -> None:
    """Launch a kernel with a thread for each of `count` numbers."""
    launch(name, (-(-count // THREADS),), (THREADS,), *arguments)


def block_of_rows(width: int) -> tuple[int, int]:
    """A block whose threads share rows of so many numbers: threads for a row, and rows."""
    side_by_side = min(1 << (width - 1).bit_length(), THREADS)  # a power of 2
    return side_by_side, THREADS // side_by_side


def fitting(kernel: str, parameter: Parameter, x: Any) -> Any:
    """An argument as the parameter needs it."""
    name, dtype, is_array = parameter
    if not is_array:
        if dtype.kind == "i" and not isinstance(x, int | np.integer):
            raise TypeError(f"{kernel}: {name} is a whole number, not {x!r}")
        return dtype.type(x)
    if x is None:
        return NOTHING
    if not on_gpu(x) or x.dtype != dtype:
        kind = f"{x.dtype}, {type(x).__name__}" if hasattr(x, "dtype") else repr(x)
        raise TypeError(f"{kernel}: {name} is an array of {dtype} on the GPU, not {kind}")
    if not x.flags.c_contiguous:
        raise ValueError(f"{kernel}: {name} has gaps between its numbers, or another order")
    return x


def usable(*arrays: Any) -> bool:
    """Can a kernel work on these arrays (some may be None)? Then the GPU has them, in float32."""
    return bool(kernels()) and all(
        x is None or (on_gpu(x) and x.dtype == FLOAT and x.size) for x in arrays
    )


def contiguous(x: Array | None, dtype: Any = FLOAT) -> Any:
    """As a kernel expects it: one number after the other. None stays None."""
    if x is None:
        return None
    return array_module(x).ascontiguousarray(x, dtype).reshape(x.shape)  # that of () would be (1,)


def cotangent(g: Array, y: Array) -> Array:
    """`g` as a kernel expects it. No kernel would notice if it did not belong to y."""
    if g.shape[1:] != y.shape:
        raise ValueError(f"a cotangent of shape {g.shape} for a value of shape {y.shape}")
    return contiguous(g)


def room(like: Array, *shapes: tuple[int, ...]) -> list[Array]:
    """New arrays of float32 beside another one, for a kernel to write into."""
    return [array_module(like).empty(shape, FLOAT) for shape in shapes]
