"""Many small operations in one call, by `kernels/cpu/program.c`."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from .. import device
from ..device import Array
from .tracing import Instruction, merged

AXES = 4  # over which a loop in C may run
LARGEST = 2.5e5  # multiplications of a product of matrices; NumPy does larger ones as fast
LETTERS = {"float32": "f", "bool": "b", "int32": "i", "int64": "l"}
REDUCTIONS = {  # what they are called in C, and what they start from
    "add.reduce": ("sum", 0),
    "maximum.reduce": ("largest", -np.inf),
    "minimum.reduce": ("smallest", np.inf),
    "logical_or.reduce": ("any", False),
    "logical_and.reduce": ("every", True),
}

Call = Callable[[], Any]


def one_by_one(instructions: Sequence[Instruction]) -> list[Call]:
    """A call for each."""
    return [instruction.call() for instruction in instructions]


def in_one_call(instructions: Sequence[Instruction]) -> list[Call]:
    """Calls that do what the instructions say: as many of them as possible in one call of C.

    C does not stop at a guard. It is asked before anything that is not done in C, and at the end.
    """
    if not device.compiled or device.compiled.library.load()[0] is None:
        return one_by_one(instructions)
    calls: list[Call] = []
    in_c: list[Any] = []
    guards: list[Instruction] = []

    def flush() -> None:
        if in_c:
            calls.append(Block(in_c[:]))
        calls.extend(one_by_one(guards))
        in_c.clear()
        guards.clear()

    for instruction in instructions:
        if instruction.what == "guard":
            guards.append(instruction)
        elif rows := rows_of_code(instruction):
            in_c.append((instruction, rows))
        else:
            flush()
            calls.append(instruction.call())
    flush()
    return calls


class Block:
    """Instructions that C carries out. It keeps the arrays alive on which they work."""

    def __init__(self, coded: list[Any]):
        self.coded = coded
        self.code = np.array([row for _, rows in coded for row in rows], np.int64)
        run = function("program_run")
        where, count = ctypes.c_void_p(self.code.ctypes.data), ctypes.c_ssize_t(len(self.code))
        self.run = partial(run, where, count)

    def __call__(self) -> None:
        if not self.run():
            raise MemoryError("program_run of the compiled kernels got no memory")


def function(name: str) -> Any:
    """Of the library, which must be there."""
    return getattr(device.compiled.library.load()[0], name)


@cache
def numbers_of_instructions() -> dict[str, int]:
    """What C calls them, such as "add_fff", and their numbers."""
    names = function("program_instructions")
    names.restype = ctypes.c_char_p
    return {name: number for number, name in enumerate(names().decode().split())}


def rows_of_code(instruction: Instruction) -> list[list[int]] | None:
    """The instruction as rows of numbers for C (two for a reduction), or None if C has none."""
    what, inputs, out, _ = instruction
    if not out.size or overlap(instruction):
        return None
    x, *more = inputs
    if what == "matmul":
        return product(x, more[0], out)
    if what not in REDUCTIONS:
        return in_code(what, x, more[0] if more else x, out)
    name, start = REDUCTIONS[what]
    x, wide = instruction.reduction()
    first = np.broadcast_to(number(start, out.dtype), out.shape)
    fill = in_code("copy", *merged([first, first], out))
    run = in_code(name, x, x, wide)
    return fill and run and [*fill, *run]


@cache
def number(value: float, dtype: np.dtype) -> Array:
    """An array of one number, which lasts as long as the program that reads it."""
    return np.array(value, dtype)


def in_code(what: str, x: Array, y: Array, out: Array) -> list[list[int]] | None:
    letters = "".join(LETTERS.get(a.dtype.name, "?") for a in (out, x, y))
    code = numbers_of_instructions().get(f"{what}_{letters}")
    if code is None or out.ndim > AXES or not x.shape == y.shape == out.shape:
        return None
    ones, row = [1] * (AXES - out.ndim), [code]
    row += [*ones, *out.shape]
    for a in (x, y, out):
        row += [a.ctypes.data, a.itemsize, *[0 for _ in ones], *a.strides]
    return [row]


def product(x: Array, y: Array, out: Array) -> list[list[int]] | None:
    """A product of matrices, with their axes where others have the axes of a loop; or several."""
    if out.ndim == 3:  # one for each row of the sweep
        pairs = (np.broadcast_to(a, (len(out), *a.shape[-2:])) for a in (x, y))
        each = [product(*matrices) for matrices in zip(*pairs, out, strict=True)]
        return None if None in each else [row for rows in each for row in rows or ()]
    if any(a.ndim != 2 or a.dtype != np.float32 for a in (x, y, out)):
        return None
    (rows, depth), columns = x.shape, y.shape[1]
    if rows * depth * columns > LARGEST or not depth or out.strides[1] != out.itemsize:
        return None
    row = [numbers_of_instructions()["matmul_fff"], rows, depth, columns, 1]
    for a in (x, y, out):
        row += [a.ctypes.data, a.itemsize, *a.strides, 0, 0]
    return [row]


def overlap(instruction: Instruction) -> bool:
    """Would it read what it has overwritten? In place is no such case."""
    out = instruction.out
    return any(
        np.may_share_memory(x, out) and (x.ctypes.data, x.strides) != (out.ctypes.data, out.strides)
        for x in instruction.inputs
    )
