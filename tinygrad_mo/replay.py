"""A plan for small arrays: traced once, then replayed on the same arrays, batch after batch.

The first batch of its kind (shapes, types) is run on `tracing.Traced` arrays. From then on a
forward pass copies the batch and the parameters into the first arrays of the trace and carries its
instructions out, and a sweep does the same with the cotangents of the losses. The numbers are the
same; the time that passes between the operations is gone.

A replay keeps what a plan promises. Its arrays are lent to one tape at a time; while somebody holds
that tape, another replay serves. What leaves (values, gradients) is a copy; only an optimizer
(``sparse=True``), which needs them at once, gets the arrays themselves. Where a rule branches on
numbers (is a label missing?), each way has a replay of its own, and which one serves depends on
nothing but the batch. The plain way is left to large arrays, to ops that draw random numbers, to
ops of your own, which may depend on anything, and to errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import ops
from .backend import Array, kernels_wanted
from .engine import Plan, Record, Tape, fed
from .graph import Step, Tensor
from .kernels import apart, together
from .tracing import Instruction, Trace, Traced, Untraceable

SMALL = 1 << 14  # numbers; on larger arrays the time between the operations does not count
LEAVES = 1 << 16  # numbers of a parameter, which is copied for each pass
KINDS = 32  # of batches for which one plan keeps replays
EACH = 8  # attempts at a replay for a kind


class ReplayedPlan(Plan):
    """A `Plan` that is faster on small arrays, and otherwise the same.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> w = tg.Parameter(3.0, "w")
    >>> plan = tg.ReplayedPlan([w * w], [w])
    >>> [float(plan.backward(plan.forward(), [0.5])[w][0]) for _ in range(4)]
    [3.0, 3.0, 3.0, 3.0]
    """

    def __init__(
        self, losses: Sequence[Tensor], wrt: Sequence[Tensor], fetch: Sequence[Tensor] = ()
    ):
        super().__init__(losses, wrt, fetch)
        self._fed = [tensor for _, tensor in self.leaves if tensor.value is None]
        self._layers = [s.attributes["layer"] for s in self.steps if s.attributes.get("layer")]
        self._traceable = all(map(is_traceable, self.steps))
        self._replays: dict[Any, Replays] = {}  # by kind of batch

    def forward(
        self,
        feed: Mapping[Tensor, Array] | None = None,
        *,
        training: bool = False,
        keep: bool = True,
    ) -> Tape:
        feed = feed or {}
        kind = self._kind_of(feed, training, keep) if self._traceable else None
        if kind is not None:
            if kind not in self._replays:
                if len(self._replays) == KINDS:
                    del self._replays[next(iter(self._replays))]  # the oldest
                self._replays[kind] = Replays()
            tape = self._replays[kind].run(self, feed, training, keep)
            if tape is not None:
                return tape
        return super().forward(feed, training=training, keep=keep)

    def _kind_of(self, feed: Mapping[Tensor, Array], training: bool, keep: bool) -> Any:
        """Whatever but numbers a trace depends on; None if it is not for traces."""
        kind: list[Any] = [training, keep]
        for tensor in self._fed:
            x = feed.get(tensor)
            if type(x) is not np.ndarray:
                return None
            kind += x.shape, x.dtype
        for layer in self._layers:
            kind.append(layer.trainable)
        return tuple(kind)

    def value(self, tape: Tape, tensor: Tensor) -> Array:
        value = super().value(tape, tensor)
        return copied(value) if isinstance(tape, ReplayedTape) else value

    def backward(self, tape: Tape, seeds: Sequence, **options: Any) -> dict[Any, Any]:
        found = super().backward(tape, seeds, **options)
        if not isinstance(tape, ReplayedTape) or options.get("sparse"):
            return found
        return {tensor: None if g is None else copied(g) for tensor, g in found.items()}

    def sweep(self, tape: Tape, starts: list[Array], per_loss: bool, record: Record) -> list[Any]:
        if isinstance(tape, ReplayedTape):
            return tape.replay.sweeps[per_loss].run(starts, record)
        return super().sweep(tape, starts, per_loss, record)


class ReplayedTape(Tape):
    """A tape on the arrays of a replay, which it gives back in the end."""

    replay: Replay
    free: list[Replay]

    def __del__(self) -> None:
        self.free.append(self.replay)


class Replays:
    """Those for one kind of batch: one for each way through its branches, and for each tape that is
    held."""

    def __init__(self) -> None:
        self.free: list[Replay] = []  # no tape holds them
        self.tried = 0  # how often one was to be made

    def run(
        self, plan: Plan, feed: Mapping[Tensor, Array], training: bool, keep: bool
    ) -> Tape | None:
        """The tape of a batch, or None."""
        for _ in range(len(self.free)):
            try:
                replay = self.free.pop(0)
            except IndexError:  # another thread was faster
                break
            if tape := self.tape_of(replay, feed, keep):
                return tape
        if self.tried == EACH:
            return None
        self.tried += 1
        try:
            replay = Replay(plan, feed, training, keep)
        except Exception:  # untraceable; or an error, which the plain way will say better
            return None
        return self.tape_of(replay, feed, keep)

    def tape_of(self, replay: Replay, feed: Mapping[Tensor, Array], keep: bool) -> Tape | None:
        if not replay.forward(feed):
            self.free.append(replay)
            return None
        tape = ReplayedTape(replay.values, replay.tape.outputs, replay.tape.backs if keep else [])
        tape.replay, tape.free = replay, self.free
        return tape


class Replay:
    """The trace of a plan for batches of one kind, made from the first of them."""

    def __init__(self, plan: Plan, feed: Mapping[Tensor, Array], training: bool, keep: bool):
        self.trace = trace = Trace(SMALL)
        leaves: dict[Tensor, Traced] = {}
        for _, tensor in plan.leaves:
            value = fed(tensor, feed)
            if isinstance(value, np.ndarray):
                if value.size > LEAVES:
                    raise Untraceable("a large array")
                leaves[tensor] = trace.follow(value)
        self.into = [(tensor, x.array.__setitem__) for tensor, x in leaves.items()]
        with np.errstate(all="ignore"):
            self.tape = Plan.forward(plan, leaves, training=training)
            self.values = [plain(x) for x in self.tape.values]
            self.guards, trace.may_branch = trace.guards, False
            self.script = Script(trace.instructions)
            self.sweeps = [Sweep(plan, self, per_loss) for per_loss in (False, True) if keep]
        trace.ended = True

    def forward(self, feed: Mapping[Tensor, Array]) -> bool:
        """Work out the values; False if this batch is an exception."""
        for tensor, put in self.into:
            put(..., feed.get(tensor, tensor.value))
        self.script.run()
        return all(bool(condition) == expected for condition, expected in self.guards)


class Sweep:
    """The backward half of a replay."""

    def __init__(self, plan: Plan, replay: Replay, per_loss: bool):
        trace = replay.trace
        self.edges: list[tuple[Any, ...]] = []
        trace.instructions = []
        shapes = [replay.tape.outputs[plan.slots[loss.key]] for loss in plan.losses]
        starts = [trace.follow(np.zeros((1, *shape), dtype)) for shape, dtype in shapes]
        self.into = [start.array.__setitem__ for start in starts]
        self.found = [plain(g) for g in Plan.sweep(plan, replay.tape, starts, per_loss, self.note)]
        self.script = Script(trace.instructions)

    def note(self, *edge: Any) -> None:
        self.edges.append(edge)

    def run(self, starts: Sequence[Array], record: Record) -> list[Any]:
        for put, start in zip(self.into, starts, strict=True):
            put(..., start)
        self.script.run()
        if record:
            for n, position, gradient, losses in self.edges:
                record(n, position, copied(plain(gradient)), losses)
        return self.found


class Script:
    """Instructions, to be carried out again and again."""

    def __init__(self, instructions: list[Instruction]):
        self.instructions = [instruction.simplified() for instruction in instructions]
        self.calls: dict[bool, list[Any]] = {}  # compiled or not

    def run(self) -> None:
        compiled = kernels_wanted()
        if compiled not in self.calls:
            self.calls[compiled] = (together if compiled else apart)(self.instructions)
        for call in self.calls[compiled]:
            call()


def plain(x: Any) -> Any:
    """The array behind a traced one."""
    return x.array if isinstance(x, Traced) else x


def copied(x: Array) -> Array:
    """The numbers as they are now, a single one as a scalar."""
    return x.copy() if x.ndim else x[()]


def is_traceable(step: Step) -> bool:
    """Does it always do the same to the same arrays? Known of our own ops, if none draws."""
    drawn = any(isinstance(value, np.random.Generator) for value in step.attributes.values())
    return step.op.rule.__module__.startswith(ops.__name__) and not drawn
