"""A strict double of CuPy: NumPy behind CuPy's names, for tests on machines without a GPU.

It has what CuPy has and nothing else (`cupy_names.json`), refuses what CuPy refuses, above all to
mix arrays of the two, and counts what costs time on a GPU: kernels that are launched, waits for an
answer, and copies to and fro.

>>> x = cupy.asarray([1.0, 2.0])
>>> float((x * x).sum()), counts["launch"], counts["wait"]
(5.0, 2, 1)
"""

import json
import operator
import re
import sys
import types
from collections import Counter
from functools import partial
from pathlib import Path

import graphs
import numpy as np
import raw_module

NAMES = json.loads((Path(__file__).parent / "cupy_names.json").read_text("utf-8"))
WAITS = {"nonzero", "flatnonzero", "argwhere", "unique", "bincount", "array_equal", "allclose"}
OF_HOST = {"array", "asarray", "asanyarray", "ascontiguousarray"}  # these take arrays of the host
OF_LENGTHS = {"zeros", "ones", "empty", "full", "arange", "eye", "linspace", "tri", "indices"}
UNFILLED = {"empty", "empty_like"}  # memory from a pool
CHANGING = {"copyto", "put", "putmask", "fill", "sort", "partition", "fill_diagonal"}  # arrays
OF_LIBRARIES = {"matmul", "dot", "vdot", "inner", "tensordot", "einsum", "__matmul__"}  # cuBLAS
OF_POINTERS = {"concatenate", "stack", "vstack", "hstack", "block"}  # they send where arrays lie
OF_UFUNCS = {"out", "dtype", "casting"}
counts: Counter[str] = Counter()  # "launch", "wait", "send", "fetch"


class ndarray:
    """An array on the device: its numbers are in an array of NumPy, which nobody else sees."""

    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, host):
        self._host = host

    def __array__(self, *given, **options):
        raise TypeError("Implicit conversion to a NumPy array is not allowed: use .get()")

    def __array_ufunc__(self, ufunc, method, *given, **options):
        if method != "__call__":
            return NotImplemented
        if isinstance(options.get("out"), tuple):
            (options["out"],) = options["out"]
        return getattr(cupy, ufunc.__name__)(*given, **options)

    def __array_function__(self, function, kinds, given, options):
        space = cupy.linalg if function.__module__ == "numpy.linalg" else cupy
        return getattr(space, function.__name__)(*given, **options)

    def _wait(self):
        graphs.finished()
        counts["wait"] += 1
        return self._host

    def get(self, stream=None, order="C", out=None, blocking=True):
        graphs.finished()
        counts["fetch"] += 1
        return self._wait().copy(order)

    def item(self, *place):
        return self._wait().item(*place)

    def tolist(self):
        return self._wait().tolist()

    def __bool__(self):
        return bool(self._wait())

    def __int__(self):
        return int(self._wait())

    def __float__(self):
        return float(self._wait())

    def __index__(self):
        return self._wait().__index__()

    def __format__(self, spec):
        return format(self._wait().item(), spec) if spec else str(self._host)

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __repr__(self):
        return f"cupy{self._host!r}"

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        return from_host, (self.get(),)

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray) or arr.dtype != self.dtype or arr.shape != self.shape:
            raise TypeError(f"set takes an array of {self.dtype} on the host, {self.shape}")
        sent()
        self._host[...] = arr

    def __getitem__(self, index):
        place = own_index(index, self.shape)
        found = self._host[place]
        if np.may_share_memory(found, self._host):
            return on_device(found)
        return launched(operator.getitem, self._host, place, made=found)

    def __setitem__(self, index, value):
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        change(operator.setitem, self._host, own_index(index, self.shape), host_of(value))

    @property
    def T(self):
        return on_device(self._host.T)

    @property
    def base(self):
        return None if self._host.base is None else self


ndarray.__module__ = "cupy"
for name in ("shape", "dtype", "ndim", "size", "strides", "nbytes", "itemsize", "flags"):
    setattr(ndarray, name, property(lambda x, name=name: getattr(x._host, name)))


def sent():
    graphs.refuse_in_capture("a transfer from the host")
    counts["send"] += 1


def from_host(host):
    sent()
    return ndarray(np.array(host))


def launched(function, *given, made, **options):
    """What a launch has made, as arrays of the device; while capturing, as nobody knows it yet."""
    if graphs.state.graph is None:
        graphs.count()
        return on_device(made)
    several = isinstance(made, tuple | list)
    new = [np.asarray(x) for x in (made if several else [made])]
    graphs.state.graph.note(function, *given, into=new, **options)
    return on_device(
        type(made)(new) if type(made) in (tuple, list) else tuple(new) if several else new[0]
    )


def change(function, *given, **options):
    """Launch what changes an array; while capturing nothing happens."""
    if graphs.state.graph is None:
        graphs.count()
        with np.errstate(all="ignore"):
            function(*given, **options)
    else:
        graphs.state.graph.note(function, *given, **options)


def on_device(x):
    """What a function of NumPy has made, as one of CuPy returns it: numbers are arrays, too."""
    if isinstance(x, np.ndarray | np.generic):
        if x.dtype.kind not in "biufc":
            raise TypeError(f"cupy has no arrays of {x.dtype}")
        return ndarray(np.asarray(x))
    if isinstance(x, tuple | list):
        return type(x)(map(on_device, x)) if type(x) in (tuple, list) else tuple(map(on_device, x))
    return x


def host_of(x):
    """The array behind one of the device; one of the host does not belong here."""
    if isinstance(x, ndarray):
        return x._host
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    return type(x)(map(host_of, x)) if type(x) in (tuple, list) else x


def is_mask(x):
    return isinstance(x, ndarray | np.ndarray) and x.dtype == bool


def own_index(index, shape):
    """An index may hold arrays of the host: they are sent. A mask must be waited for.

    Whole numbers that are out of range are no error: they count from the start again.
    """
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        is_list = isinstance(part, list | np.ndarray) and np.ndim(part)
        if is_list:
            sent()
        if is_mask(part):
            graphs.finished()
            counts["wait"] += 1
    own = [part._host if isinstance(part, ndarray) else part for part in parts]
    if not any(part is None or is_mask(part) for part in own):
        before = next((n for n, part in enumerate(own) if part is Ellipsis), len(own))
        for n, part in enumerate(own):
            if isinstance(part, np.ndarray):
                own[n] = part % shape[n if n < before else n - len(own)]
    return tuple(own) if isinstance(index, tuple) else own[0]


def bound(space, name, function):
    """A function of NumPy with the manners of its namesake in CuPy."""
    kind, *parameters = NAMES[space][name]
    known = {p.strip("*") for p in parameters} if kind == "function" else OF_UFUNCS
    is_free = any(p.startswith("*") for p in parameters)

    def call(*given, **options):
        unknown = set(options) - known
        if unknown and not any(p.startswith("**") for p in parameters) and parameters != ["*"]:
            raise TypeError(f"cupy.{name}() got an unexpected keyword argument {sorted(unknown)}")
        most = len(parameters) + (space == "ndarray")
        if kind == "function" and not is_free and len(given) > most:
            raise TypeError(f"cupy.{name}() takes {most} positional arguments, not {len(given)}")
        first = given[:1] if space != "ndarray" else given[1:2]
        is_list = any(isinstance(x, list) and x and not isinstance(x[0], ndarray) for x in first)
        if kind == "ufunc" and any(isinstance(x, list) for x in given):
            raise TypeError(f"cupy.{name}: a list is no array")
        if is_list and name not in OF_LENGTHS | {"reshape", "transpose", "shape", "sum", "mean"}:
            sent()
        if name in WAITS or (name == "where" and len(given) == 1):
            graphs.finished()
            counts["wait"] += 1
        if name in OF_LIBRARIES or space in ("linalg", "Generator"):
            graphs.refuse_in_capture(f"cuBLAS, for {name},", NotImplementedError)
        if name in OF_POINTERS:
            graphs.refuse_in_capture(f"a transfer from the host, for {name},")
        arrays = [x._host for x in given if isinstance(x, ndarray)]
        options, own = {key: host_of(x) for key, x in options.items()}, [*map(host_of, given)]
        if name == "take":
            options["mode"] = "wrap"  # ids that are out of range are no error there
        to = options.get("out", own[0] if name in CHANGING or IN_PLACE.fullmatch(name) else None)
        if to is not None:
            change(function, *own, **options)
            return None if name in CHANGING else ndarray(to)
        with np.errstate(all="ignore"):  # there are no warnings
            made = function(*own, **options)
        new = [x for x in (made if isinstance(made, tuple | list) else [made]) if is_array(x)]
        if not any(not any(np.may_share_memory(x, a) for a in arrays) for x in new):
            return on_device(made)
        if name in UNFILLED:
            if graphs.state.graph is not None:
                graphs.state.graph.new(made)
            return on_device(made)
        return launched(function, *own, made=made, **options)

    call.__name__ = name
    return call


def is_array(x):
    return isinstance(x, np.ndarray | np.generic)


TWO_SIDED = "add|sub|mul|matmul|truediv|floordiv|mod|pow|and|or|xor|lshift|rshift"
IN_PLACE = re.compile(rf"__i({TWO_SIDED})__")
OPERATOR = re.compile(rf"__([ri]?({TWO_SIDED})|lt|le|eq|ne|gt|ge|neg|pos|abs|invert)__")

for name in NAMES["ndarray"]:
    is_own = name in vars(ndarray) or (name.startswith("__") and not OPERATOR.fullmatch(name))
    if not is_own and callable(getattr(np.ndarray, name, None)):
        setattr(ndarray, name, bound("ndarray", name, getattr(np.ndarray, name)))


class Library(types.ModuleType):
    """CuPy, or a part of it: what it has is made when it is asked for."""

    def __init__(self, title, space, behind):
        super().__init__(title)
        self._space, self._behind = space, behind

    def __getattr__(self, name):
        known = NAMES[self._space].get(name)
        if known is None or not hasattr(self._behind, name):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = getattr(self._behind, name)
        if known and callable(found) and not isinstance(found, type):
            found = bound(self._space, name, found)
        setattr(self, name, found)
        return found


cupy = Library("cupy", "cupy", np)
cupy.ndarray, cupy.__version__, cupy.__path__ = ndarray, NAMES["version"], []
cupy.linalg = Library("cupy.linalg", "linalg", np.linalg)
cupy.cuda = types.SimpleNamespace(runtime=types.SimpleNamespace())
cupy.cuda.runtime.getDeviceCount = lambda: 8
cupy.cuda.Device = lambda place: types.SimpleNamespace(use=lambda: None)
cupy.cuda.runtime.deviceSynchronize = graphs.synchronize
cupy.cuda.Stream, cupy.cuda.Graph, cupy.cuda.MemoryPool = (
    graphs.Stream,
    graphs.Graph,
    graphs.MemoryPool,
)
cupy.cuda.using_allocator = graphs.using_allocator
graphs.state.double = sys.modules[__name__]
cupy.lib = types.ModuleType("cupy.lib")
cupy.lib.stride_tricks = Library("stride_tricks", "stride_tricks", np.lib.stride_tricks)


def asarray(a, dtype=None, order=None, *, blocking=False, copy=None):
    if isinstance(a, ndarray):
        return a if a.dtype == (dtype or a.dtype) else array(a, dtype)
    if isinstance(a, list | tuple) and any(isinstance(x, ndarray) for x in a):
        return cupy.stack([cupy.asarray(x, dtype) for x in a])
    return on_device(from_host(np.array(a, dtype))._host)


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if not isinstance(obj, ndarray):
        return asarray(obj, dtype)
    return launched(np.array, obj._host, dtype, made=np.array(obj._host, dtype))


def with_at(name):
    """A ufunc that CuPy can apply at places, as in ``add.at``."""
    ufunc = getattr(np, name)
    call = bound("cupy", name, ufunc)

    def at(a, index, *values):
        change(ufunc.at, host_of(a), own_index(index, a.shape), *map(host_of, values))

    call.at = at
    return call


cupy.asarray, cupy.asanyarray, cupy.array = asarray, asarray, array
cupy.RawModule = partial(raw_module.RawModule, sys.modules[__name__])
cupy.asnumpy = lambda a, *given, **options: a.get() if isinstance(a, ndarray) else np.asarray(a)
cupy.get_array_module = lambda *given: cupy if any(isinstance(x, ndarray) for x in given) else np
for name in ("add", "maximum", "minimum"):
    setattr(cupy, name, with_at(name))


class NCCLBackend:
    """What moves arrays from GPU to GPU: here over MPI, and as particular as NCCL."""

    TYPES = "bBiIlLqQefdFD"  # no bool

    def __init__(self, n_devices, rank, host="127.0.0.1", port=13333, use_mpi=False):
        from mpi4py import MPI

        self.world = MPI.COMM_WORLD
        assert use_mpi and (self.world.size, self.world.rank) == (n_devices, rank)

    def _check(self, *arrays):
        for x in arrays:
            if not isinstance(x, ndarray):
                raise AttributeError(f"{type(x).__name__!r} object has no attribute 'data'")
            if not x._host.flags.c_contiguous:
                raise RuntimeError("NCCL requires arrays to be either c- or f-contiguous")
            if x.dtype.char not in self.TYPES:
                raise TypeError(f"Unknown dtype {x.dtype} for NCCL")
        graphs.refuse_in_capture("NCCL of another process")
        counts["launch"] += 1

    def all_gather(self, in_array, out_array, count, stream=None):
        self._check(in_array, out_array)
        assert out_array.size == count * self.world.size == in_array.size * self.world.size
        self.world.Allgather(in_array._host, out_array._host)

    def all_to_all(self, in_array, out_array, stream=None):
        self._check(in_array, out_array)
        assert in_array.shape == out_array.shape and len(in_array) == self.world.size
        self.world.Alltoall(in_array._host, out_array._host)


cupyx_distributed = types.ModuleType("cupyx.distributed")
cupyx_distributed.NCCLBackend = NCCLBackend

MODULES = {  # as they stand in `sys.modules` where ``import cupy`` shall find the double
    "cupy": cupy,
    "cupy.linalg": cupy.linalg,
    "cupy.lib": cupy.lib,
    "cupy.lib.stride_tricks": cupy.lib.stride_tricks,
    "cupyx": types.ModuleType("cupyx"),
    "cupyx.distributed": cupyx_distributed,
}
