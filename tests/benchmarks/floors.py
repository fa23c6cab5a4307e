"""What a step has to do at least: floating-point operations, and bytes to read and write once."""

import time
from math import prod
from typing import NamedTuple

import numpy as np


class Work(NamedTuple):
    flops: float = 0.0
    moved: float = 0.0  # bytes

    def __add__(self, other):
        return Work(self.flops + other.flops, self.moved + other.moved)

    def seconds(self, machine):
        """On a machine that computes, or moves data, as fast as it can."""
        return max(self.flops / machine.flops, self.moved / machine.bandwidth)


NOTHING = Work()


class Machine(NamedTuple):
    """What one thread was measured to reach."""

    flops: float  # per second, in a product of large matrices
    bandwidth: float  # bytes per second, read and written, in a copy of a large array


def best(function, seconds=0.5):
    """The shortest processor time of many calls."""
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def measured_machine():
    """The speed of this machine's matrix products and memory, on the threads that NumPy uses."""
    n = 1536
    a, b, c = (np.ones((n, n), np.float32) for _ in range(3))
    big, copy = np.ones((2, 1 << 24), np.float32)
    return Machine(
        2 * n**3 / best(lambda: np.matmul(a, b, out=c)),
        2 * big.nbytes / best(lambda: np.copyto(copy, big)),
    )


def products(op, shapes, y):
    """Multiplications and additions in the matrix products of an op, and by input those backward.

    Convolutions count as if every window were multiplied; ways around it go below.
    """
    if op == "dense":
        one = 2 * prod(shapes[0]) * shapes[1][1]
        return one, {0: one, 1: one}
    if op == "convolution":
        one = 2 * prod(y) * prod(shapes[1][:-1])
        return one, {0: one, 1: one}
    if op == "lstm":
        (batch, time, width), columns = shapes[0], shapes[1][1]
        into, around = (2 * batch * time * n * columns for n in (width, columns // 4))
        return into + around, {0: into, 1: into, 2: around, 4: around}
    return 0, {}


def size(slot_output):
    """Bytes of a value, from its shape and type."""
    shape, dtype = slot_output
    return prod(shape) * np.dtype(dtype).itemsize


def work(plan, tape, n, per_loss=False):
    """Of step n: its work forward, and backward; `per_loss` with a row for each loss."""
    step, edges = plan.steps[n], plan.edges[n]
    rows = len(set().union(*(plan.reach[slot] for slot in plan.outputs[n]))) if per_loss else 1
    known = [None if slot is None else tape.outputs[slot] for slot in plan.inputs[n]]
    shapes = [None if x is None else x[0] for x in known]
    made = [tape.outputs[slot] for slot in plan.outputs[n]]
    forward, by_input = products(step.op.name, shapes, made[0][0])
    backward = sum(by_input.get(position, 0) for position, _ in edges)
    if step.op.name == "lstm" and edges:
        backward += by_input[4]  # back through time, whatever is wanted
    out = size(made[0])
    if step.op.name == "embedding":  # of the table only the rows that are used
        return Work(0, 2 * out), Work(0, 2 * rows * out if edges else 0)
    if step.op.name in ("reshape", "flatten"):
        return NOTHING, NOTHING
    into = sum(size(x) for x in known if x is not None)
    back = out + 2 * sum(size(tape.outputs[slot]) for _, slot in edges) if edges else 0
    return Work(forward, into + out), Work(rows * backward, rows * back)


def optimizer_work(optimizer, plan, tape):
    """Every weight, its gradient and state read once, and all but the gradient written once.

    Of an embedding only the rows of the batch, where the others stay as they are.
    """
    arrays = 3 + 2 * len(optimizer.slots)
    rows_only = len(optimizer.slots) < 2 and not getattr(optimizer, "momentum", 0)
    tables = {}
    for n, step in enumerate(plan.steps):
        if step.op.name == "embedding" and rows_only:
            tables[step.inputs[1]] = prod(tape.outputs[plan.outputs[n][0]][0])
    numbers = sum(tables.get(w, w.value.size) for w in plan.wrt)
    return Work(0, 4 * arrays * numbers)


def total_flops(plan, tape, per_loss=False):
    """All matrix products of a training step, forward and backward."""
    return sum(w.flops for n in range(len(plan.steps)) for w in work(plan, tape, n, per_loss))


def products_of_large_matrices(n=1536):
    """A "step" for `measure` that shows how fast the machine is at the moment."""
    a, b, c = (np.ones((n, n), np.float32) for _ in range(3))

    def step():
        np.matmul(a, b, out=c)
        return c[0, 0]

    step.flops = lambda: 2 * n**3
    return step
