"""`cupy.RawModule` without a GPU: the text of the kernels, compiled by g++ and run on the CPU.

It takes what CuPy takes, and is as strict as a GPU is not: of a wrong type, or of an array with
gaps between its numbers, CuPy says nothing, and the kernel reads what is not there. As in CuPy, a
Python int is an int64 and a float a double. Launches are counted by the double.
"""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from math import prod
from pathlib import Path

import numpy as np

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
COMPILER = shutil.which("g++")
FLAGS = ["-std=c++17", "-O1", "-g", "-shared", "-fPIC", "-w", "-ffp-contract=off"]
SANITIZE = os.environ.get("TINYGRAD_MO_SANITIZE", "")  # for -fsanitize=
BOUNDS = r"(?:__launch_bounds__\([^)]*\) )?"
FUNCTION = re.compile(r"(?:__device__|__global__)[^;{}()]*?" + BOUNDS + r"(\w+)\(")
KERNEL = re.compile(r'extern "C" __global__ void ' + BOUNDS + r"(\w+)\(")
MOST_THREADS, MOST_BLOCKS = 1024, (2**31 - 1, 65535, 65535)
COMPLAINTS = ["", "its threads do not meet at one barrier", "a barrier that was overlooked"]
ORDERS = (0, 1, 2)  # of blocks and threads: from the first, from the last, mixed up
order = ORDERS[0]  # in which the next launches run


class RawModule:
    """What `cupy.RawModule` is; `double` is the module with its arrays and counts."""

    def __init__(self, double, code, options=()):
        self._double, self._code = double, code
        self._library = ctypes.CDLL(str(built(code, tuple(options))))

    def get_function(self, name):
        return RawKernel(self, name)


class RawKernel:
    """What `RawModule.get_function` returns."""

    def __init__(self, module, name):
        self.name, self._double = name, module._double
        self._run = getattr(module._library, f"run_{name}")
        told = getattr(module._library, f"signature_{name}")
        told.restype = ctypes.c_char_p
        self._types = told().decode().split()
        self._has_barriers = name in meeting(module._code)

    def __call__(self, grid, block, args, *, shared_mem=0):
        size = [*sized(grid, MOST_BLOCKS), *sized(block, (MOST_THREADS,) * 3)]
        if prod(size[3:]) > MOST_THREADS:
            raise ValueError(f"{self.name}: a block has up to {MOST_THREADS} threads, not {block}")
        if len(args) != len(self._types):
            raise TypeError(f"{self.name}: {len(args)} arguments, not {len(self._types)}")
        for n, (kind, x) in enumerate(zip(self._types, args, strict=True)):
            self._check(n, kind, x)
        hosts = [x._host if isinstance(x, self._double.ndarray) else x for x in args]
        self._double.change(self._launch, size, *hosts)

    def _launch(self, size, *args):
        kept = [self._in_memory(kind, x) for kind, x in zip(self._types, args, strict=True)]
        pointers = (ctypes.c_void_p * len(kept))(*map(ctypes.addressof, kept))
        sizes = (ctypes.c_uint * 6)(*size)
        complaint = self._run(sizes, pointers, order, ctypes.c_bool(self._has_barriers))
        if complaint:
            raise RuntimeError(f"{self.name}: {COMPLAINTS[complaint]}")

    def _in_memory(self, kind, x):
        """An argument as it lies in memory."""
        if kind[0] != "*":
            return np.ctypeslib.as_ctypes(np.array(x, kind))
        return ctypes.c_void_p(x.ctypes.data if isinstance(x, np.ndarray) else 0)

    def _check(self, n, kind, x):
        """Refuse an argument that a GPU would read as something else."""
        wanted = np.dtype(kind.strip("*"))
        if kind[0] != "*":
            found = np.asarray(x).dtype if isinstance(x, np.generic | int | float) else type(x)
            if found != wanted:
                raise TypeError(f"{self.name}: argument {n} is {found}, not {wanted}")
            return
        if isinstance(x, np.uintp) and x == 0:
            return
        if not isinstance(x, self._double.ndarray) or x.dtype != wanted:
            found = getattr(x, "dtype", "")
            raise TypeError(f"{self.name}: argument {n} is {type(x)} {found}, not {wanted}*")
        if not x.flags.c_contiguous:
            raise ValueError(f"{self.name}: argument {n} is not contiguous")


def sized(given, most):
    """A grid or a block, with three numbers."""
    size = (*given, 1, 1)[:3]
    if not all(type(n) is int and 0 < n <= m for n, m in zip(size, most, strict=True)):
        raise ValueError(f"no grid or block is of size {given}")
    return size


def meeting(code):
    """The functions of a text whose threads meet at barriers, themselves or in one they call."""
    starts = [(found.group(1), found.start()) for found in FUNCTION.finditer(code)]
    ends = [start for _, start in starts[1:]] + [len(code)]
    bodies = {name: code[start:end] for (name, start), end in zip(starts, ends, strict=True)}
    names = {"__syncthreads"}
    while True:
        more = {n for n, text in bodies.items() if any(f"{m}(" in text for m in names - {n})}
        if more <= names:
            return names
        names |= more


@cache
def built(code, options):
    """The library of a text, compiled if this machine has not done it before."""
    if not COMPILER:
        raise FileNotFoundError("the kernels run on a CPU only where there is g++")
    entries = "".join(
        f'extern "C" const char *signature_{name}() {{ return Entry<{name}>::signature(); }}\n'
        f'extern "C" int run_{name}(const unsigned *size, void **given, int order, bool barriers)\n'
        f"{{ return Entry<{name}>::run(size, given, order, barriers); }}\n"
        for name in KERNEL.findall(code)
    )
    text = f'#include "{HEADER}"\n{code}\n#line 1 "entries"\nusing cuda_on_cpu::Entry;\n{entries}'
    flags = [*FLAGS, *(option for option in options if option.startswith("-D"))]
    if SANITIZE:
        flags += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    parts = [text, HEADER.read_text("utf-8"), *flags]
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
    path = Path(tempfile.gettempdir(), f"cuda_on_cpu_{os.getuid()}", f"{name}.so")
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}")
        command = [COMPILER, *flags, "-x", "c++", "-", "-o", str(new)]
        run = subprocess.run(command, input=text, text=True, capture_output=True)
        if run.returncode:
            raise SyntaxError(run.stderr)
        os.replace(new, path)
    return path
