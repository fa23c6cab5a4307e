"""What CuPy has and what its functions take, for the double in tests/gpu.

Run where CuPy is installed; it needs no GPU: ``python tests/recipes/record_cupy_names.py``.
"""

import inspect
import json
import re
import warnings
from pathlib import Path

import cupy

TABLE = Path(__file__).parents[1] / "gpu" / "cupy_names.json"


def parameters_of(function):
    """The names of what a function takes, in order; None where nobody says."""
    try:
        every = inspect.signature(function).parameters.values()
        return [str(p).split(":")[0].split("=")[0] for p in every]
    except (TypeError, ValueError):
        first = (function.__doc__ or "").strip().split("\n")[0].replace("\\*", "*")
        said = re.match(r"[\w.]*\((.*?)\)", first)
        parts = [p.strip() for p in said[1].split(",")] if said else []
        names = [re.sub(r"^[\w.]+ (?=\w)", "", p).split("=")[0].strip() for p in parts if p]
        return [name for name in names if name != "self"] or None


def names_in(space):
    found = {}
    for name in dir(space):
        if name[0] == "_" and not (inspect.isclass(space) and name.startswith("__")):
            continue
        x = getattr(space, name)
        if isinstance(x, cupy.ufunc):
            found[name] = ["ufunc"]
        elif inspect.isclass(x) or inspect.ismodule(x) or not callable(x):
            found[name] = []
        else:
            found[name] = ["function", *(parameters_of(x) or ["*"])]
    return found


warnings.simplefilter("ignore")
spaces = {
    "cupy": cupy,
    "ndarray": cupy.ndarray,
    "linalg": cupy.linalg,
    "stride_tricks": cupy.lib.stride_tricks,
    "Generator": cupy.random.Generator,
    "cuda": cupy.cuda,
    "Stream": cupy.cuda.Stream,
    "Graph": cupy.cuda.Graph,
    "MemoryPool": cupy.cuda.MemoryPool,
}
table = {"version": cupy.__version__} | {name: names_in(space) for name, space in spaces.items()}
TABLE.write_text(json.dumps(table, separators=(",", ":")).replace('],"', '],\n"') + "\n", "utf-8")
print(TABLE, TABLE.stat().st_size)
