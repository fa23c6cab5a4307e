"""What the double captures is done again in the same memory; what CUDA forbids is refused."""

import double
import graphs
import numpy as np
import pytest
import raw_module

from tinygrad_mo.replay.captured import Captured

NAMES = double.NAMES


@pytest.fixture(autouse=True)
def as_before(cupy):
    yield
    graphs.state.graph = graphs.state.pool = None
    graphs.state.busy.clear()


def test_it_has_what_cupy_has():
    for own in (graphs.Stream, graphs.Graph, graphs.MemoryPool):
        said = {name for name in vars(own) if name[0] != "_"} - {"new", "note"}
        assert said <= NAMES[own.__name__].keys()
    assert {"Stream", "Graph", "MemoryPool", "using_allocator", "runtime"} <= NAMES["cuda"].keys()


def test_a_graph_does_it_again_in_the_same_memory(cupy):
    x, to = cupy.asarray([1.0, 2.0]), cupy.zeros(2)

    def work():
        y = x * 2 + 1
        to[...] = y
        z = y.copy()
        z += 1
        cupy.maximum(z, 4.5, out=z)
        return y[:1], z

    made = Captured(work)
    y, z = made.found
    assert np.isnan(z.get()).all() and to.get().tolist() == [3, 5]  # by the rehearsal
    double.counts.clear()
    made.launch()
    assert double.counts == {"launch": 1} and made._graph.launches == 6
    assert [*y.get(), *z.get()] == [3, 4.5, 6] and to.get().tolist() == [3, 5]
    x[...] = cupy.asarray([10.0, 20.0])
    made.launch()
    assert [*y.get(), *z.get()] == [21, 22, 42] and to.get().tolist() == [21, 41]


@pytest.mark.medium
@pytest.mark.skipif(not raw_module.COMPILER, reason="kernels run on a CPU by g++")
def test_kernels_are_captured(cupy):
    text = 'extern "C" __global__ void scaled(float *x, float by) { x[threadIdx.x] *= by; }'
    kernel = cupy.RawModule(code=text).get_function("scaled")
    x = cupy.ones(2, "float32")
    made = Captured(lambda: kernel((1,), (2,), (x, np.float32(3))))
    assert x.get().tolist() == [3, 3]  # by the rehearsal alone
    made.launch()
    assert x.get().tolist() == [9, 9]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda cp, x: float(x[0]), RuntimeError),
        (lambda cp, x: x.get(), RuntimeError),
        (lambda cp, x: cp.nonzero(x), RuntimeError),
        (lambda cp, x: x[x > 1], RuntimeError),
        (lambda cp, x: cp.asarray([1.0]), RuntimeError),
        (lambda cp, x: x[[0, 1]], RuntimeError),
        (lambda cp, x: x.set(np.zeros(2)), RuntimeError),
        (lambda cp, x: cp.concatenate([x, x]), RuntimeError),
        (lambda cp, x: x @ x, NotImplementedError),
        (lambda cp, x: cp.vdot(x, x), NotImplementedError),
        (lambda cp, x: cp.linalg.norm(x), NotImplementedError),
        (lambda cp, x: cp.cuda.runtime.deviceSynchronize(), RuntimeError),
    ],
)
def test_what_cannot_be_captured_is_refused(wrong, error, cupy):
    x, rehearsed = cupy.asarray([1.0, 2.0]), []

    def work():
        if rehearsed:
            wrong(cupy, x)
        rehearsed.append(True)

    with pytest.raises(error, match="during stream capture"):
        Captured(work)
    assert graphs.state.graph is None and (x * 2).get().tolist() == [2, 4]


def test_work_that_fails_at_once_leaves_nothing_behind(cupy):
    x = cupy.ones(2)

    def work():
        x * 2
        raise KeyError("no")

    with pytest.raises(KeyError):
        Captured(work)
    assert (x * 2).get().tolist() == [2, 2] and graphs.state.pool is None


def captured_by_hand(cupy, work, pool=None, stream=None):
    pool = pool or cupy.cuda.MemoryPool()
    stream = stream or cupy.cuda.Stream(non_blocking=True)
    with cupy.cuda.using_allocator(pool.malloc), stream:
        stream.begin_capture()
        work()
        return stream.end_capture(), pool


def test_memory_that_was_freed_is_noticed(cupy):
    x = cupy.ones(2)
    graph, pool = captured_by_hand(cupy, lambda: x + 1)
    graph.launch()
    del x
    with pytest.raises(RuntimeError, match="memory that was freed"):
        graph.launch()
    x = cupy.ones(2)
    graph, pool = captured_by_hand(cupy, lambda: x + 1)
    with pytest.raises(RuntimeError, match="was freed"):
        pool.free_all_blocks()
    del pool
    with pytest.raises(RuntimeError, match="the pool with the memory of a graph"):
        graph.launch()


def test_what_a_launch_has_not_written_is_nothing(cupy):
    kept = []
    graph, pool = captured_by_hand(cupy, lambda: kept.append(cupy.empty(2)))
    kept[0][...] = 1.0
    graph.launch()
    assert np.isnan(kept[0].get()).all() and pool


def test_memory_must_be_of_a_pool_of_its_own(cupy):
    stream, pool = cupy.cuda.Stream(non_blocking=True), cupy.cuda.MemoryPool()
    with stream, pytest.raises(RuntimeError, match="no pool of its own"):
        stream.begin_capture()
    x = cupy.ones(2)
    captured_by_hand(cupy, lambda: x + 1, pool)
    with pytest.raises(RuntimeError, match="two graphs share a pool"):
        captured_by_hand(cupy, lambda: x + 1, pool)


def test_only_a_stream_that_does_not_block_captures(cupy):
    with pytest.raises(RuntimeError, match="CaptureUnsupported"):
        captured_by_hand(cupy, lambda: None, stream=cupy.cuda.Stream())


def test_streams_wait_for_each_other(cupy):
    x, stream = cupy.ones(2), cupy.cuda.Stream(non_blocking=True)
    with stream, pytest.raises(RuntimeError, match="none waits for the other"):
        x * 2
    cupy.cuda.runtime.deviceSynchronize()
    with stream:
        x * 2
    with pytest.raises(RuntimeError, match="none waits for the other"):
        x * 2
    stream.synchronize()
    assert (x * 2).get().tolist() == [2, 2]
