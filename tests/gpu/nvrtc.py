"""NVIDIA's compiler as a library: it compiles CUDA for any GPU, and needs none.

It comes with the package `nvidia-cuda-nvrtc`, for which CuPy asks on Linux, too.
"""

import ctypes
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

CHIPS = (75, 80, 90, 100)  # T4, A100, H100, B200


class Compiled(NamedTuple):
    """What became of a text."""

    ptx: str
    log: str  # of the assembler: registers, and what did not fit into them


@cache
def library():
    """The library; None where there is none."""
    package = importlib.util.find_spec("nvidia")
    for folder in package.submodule_search_locations if package else []:
        for path in sorted(Path(folder).rglob("libnvrtc.so.*")):
            for part in path.parent.glob("libnvrtc-builtins.so.*"):
                ctypes.CDLL(str(part))  # it would look for it elsewhere
            return ctypes.CDLL(str(path))
    return None


def compiled(text, options, chip):
    """Compile a text for a chip; a SyntaxError says what the compiler says."""
    nvrtc, program = library(), ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None)
    try:
        given = [*options, f"--gpu-architecture=sm_{chip}", "--ptxas-options=-v"]
        pointers = (ctypes.c_char_p * len(given))(*map(str.encode, given))
        failed = nvrtc.nvrtcCompileProgram(program, len(given), pointers)
        log = told(program, "ProgramLog")
        if failed:
            raise SyntaxError(log)
        return Compiled(told(program, "PTX"), log)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def told(program, what):
    """A text that the library has of a program."""
    size = ctypes.c_size_t()
    getattr(library(), f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    getattr(library(), f"nvrtcGet{what}")(program, text)
    return text.value.decode()


def complaints(found):
    """What no kernel may have: numbers of double precision, memory in place of registers."""
    wrong = [f"the PTX has {word}" for word in (".f64", ".local") if word in found.ptx]
    for spilled in re.findall(r"(\d+) bytes (stack frame|spill stores|spill loads)", found.log):
        wrong += [" bytes ".join(spilled)] if int(spilled[0]) else []
    return wrong
