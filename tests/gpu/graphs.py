"""Streams, memory pools and captured graphs of the double, as strict as CUDA is not.

While a stream captures, nothing runs: each launch is written down together with the memory that it
reads and writes, and what was to come out of it is filled with what nobody can take for a result.
Whoever waits, or asks something of the host, or of a library that CuPy does not call then, is
refused, and nothing comes of the capture. A graph that is launched does all of it again, in the
same memory. It is refused where CUDA would silently compute nonsense: where memory was freed that
it reads or writes, or that is of no pool of its own, or where streams do not wait for each other.
"""

import weakref
from contextlib import contextmanager

import numpy as np

ODD = {"f": np.nan, "c": np.nan, "i": 77, "u": 77, "b": True}  # by kind of type


class Stream:
    """`cupy.cuda.Stream`, without events."""

    def __init__(self, null=False, non_blocking=False, ptds=False, *, priority=None):
        self.is_non_blocking, self._before = non_blocking, []

    def __enter__(self):
        self._before.append(state.stream)
        state.stream = self
        return self

    def __exit__(self, *error):
        state.stream = self._before.pop()

    def begin_capture(self, mode=None):
        if not self.is_non_blocking or state.stream is not self or state.graph is not None:
            raise RuntimeError("cudaErrorStreamCaptureUnsupported")
        state.graph = Graph(state.pool)

    def end_capture(self):
        graph, state.graph = state.graph, None
        if graph is None or graph.is_spoilt:
            raise RuntimeError("cudaErrorStreamCaptureInvalidated")
        return graph

    def is_capturing(self):
        return state.graph is not None and state.stream is self

    def synchronize(self):
        refuse_in_capture("cudaStreamSynchronize")
        state.double.counts["wait"] += 1
        state.busy.discard(self)


class MemoryPool:
    """`cupy.cuda.MemoryPool`."""

    def __init__(self, allocator=None):
        self.is_taken = False  # by a graph

    def malloc(self, size):
        raise NotImplementedError("for `using_allocator`")

    def free_all_blocks(self, stream=None):
        if self.is_taken:
            raise RuntimeError("memory that a graph works in was freed")


@contextmanager
def using_allocator(allocator=None):
    before, state.pool = state.pool, getattr(allocator, "__self__", None)
    try:
        yield
    finally:
        state.pool = before


class State:
    """What there is one of. `double`: the module of the double."""

    def __init__(self):
        self.double = self.graph = self.pool = None  # what is captured; where memory is made
        self.stream, self.busy = Stream(null=True), set()  # the current one; who may be at work


state = State()


def refuse_in_capture(what, error=RuntimeError):
    """Raise if a stream captures; nothing will come of it then."""
    if state.graph is not None:
        state.graph.is_spoilt = True
        raise error(f"{what} is refused during stream capture")


def count(launches=1):
    """Count what is launched on the current stream."""
    if launches:
        if state.busy - {state.stream}:
            raise RuntimeError("two streams are at work, and none waits for the other")
        state.busy.add(state.stream)
        state.double.counts["launch"] += int(launches)


def finished():
    """The host has waited for the current stream."""
    refuse_in_capture("waiting")
    state.busy.discard(state.stream)


def synchronize():
    refuse_in_capture("cudaDeviceSynchronize")
    state.busy.clear()


def root_of(host):
    while isinstance(host.base, np.ndarray):
        host = host.base
    return host


class Place:
    """Where an array lies in memory, which it does not keep alive, unless the graph owns it."""

    def __init__(self, host, own):
        root = root_of(host)
        self._root = (lambda: root) if id(root) in own else weakref.ref(root)
        self.__array_interface__ = host.__array_interface__

    def array(self):
        if self._root() is None:
            raise RuntimeError("a graph reads or writes memory that was freed")
        return np.asarray(self)


class Graph:
    """`cupy.cuda.Graph`: what was captured, to be done again."""

    def __init__(self, pool):
        if pool is None:
            raise RuntimeError("memory is captured that belongs to no pool of its own")
        if pool.is_taken:
            raise RuntimeError("two graphs share a pool")
        self._pool, pool.is_taken, self.is_spoilt = weakref.ref(pool), True, False
        self._own, self._work = {}, []  # memory, by id; what is to be done
        self.launches = 0  # that one launch stands for

    def _placed(self, x):
        if isinstance(x, np.ndarray):
            return Place(x, self._own)
        if type(x) in (tuple, list, dict):
            items = x.items() if type(x) is dict else enumerate(x)
            found = {key: self._placed(one) for key, one in items}
            return found if type(x) is dict else type(x)(found.values())
        return x

    def new(self, host):
        """Memory that is made during the capture: nothing is in it."""
        if state.pool is not self._pool():
            self.is_spoilt = True
            raise RuntimeError("memory is made outside of the pool of the capture")
        root = root_of(host)
        self._own[id(root)] = root
        spoil(root)

    def note(self, function, *given, into=(), **options):
        """A launch: of a function, whose results belong into arrays that are made for them."""
        for host in into:
            self.new(host)
        self._work.append((function, *map(self._placed, (given, options, list(into)))))
        self.launches += 1

    def launch(self, stream=None):
        refuse_in_capture("launching a graph")
        if stream not in (None, state.stream):
            raise RuntimeError("the double launches on the current stream")
        if self._pool() is None:
            raise RuntimeError("the pool with the memory of a graph was freed")
        count()
        for host in self._own.values():
            spoil(host)
        with np.errstate(all="ignore"):
            for function, given, options, into in self._work:
                made = function(*arrays(given), **arrays(options))
                made = made if isinstance(made, tuple | list) else [made]
                found = [x for x in made if isinstance(x, np.ndarray | np.generic)]
                for place, x in zip(into, found, strict=bool(into)):
                    np.copyto(place.array(), x)


def arrays(x):
    """What was placed, as arrays that lie there."""
    if isinstance(x, Place):
        return x.array()
    if type(x) is dict:
        return {key: arrays(one) for key, one in x.items()}
    return type(x)(map(arrays, x)) if type(x) in (tuple, list) else x


def spoil(host):
    host[...] = ODD[host.dtype.kind]
