"""A plan for small arrays: traced once, then replayed on the same arrays, batch after batch.

The first batch of its kind (shapes, types) is run on `tracing.Traced` arrays. From then on a
forward pass copies the batch and the parameters into the first arrays of the trace and carries its
instructions out, and a sweep does the same with the cotangents of the losses. The numbers are the
same; the time that passes between the operations is gone. An op that cannot be traced (it draws
random numbers; it is of your own, and may depend on anything) runs as always, in its turn.

A replay keeps what a plan promises. Its arrays are lent to one tape at a time; while somebody holds
that tape, another replay serves. What leaves (values, gradients) is a copy; only an optimizer
(``sparse=True``), which needs them at once, gets the arrays themselves. Where a rule branches on
numbers (is a label missing?), each way has a replay of its own, and which one serves depends on
nothing but the batch. Large arrays go the plain way, and so do errors, and plans for sequences or
pictures of any length, whose batches are all of different kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..device import Array, kernels_wanted, replay_wanted, xp
from ..engine.graph import Step, Tensor
from ..engine.inputs import fed
from ..engine.plan import Plan, Record, Tape
from ..engine.randomness import Randomness, draws
from ..ops import dense_gradient
from ..ops.contract import of_this_package
from ..questions import on_gpu
from .program import in_one_call, one_by_one
from .tracing import Deviation, Instruction, Trace, Traced, Untraceable

SMALL = 1 << 14  # numbers; on larger arrays the time between the operations does not count
LARGEST_PARAMETER = 1 << 16  # numbers of a parameter, which is copied for each pass
KINDS = 32  # of batches for which one plan keeps replays
ATTEMPTS = 8  # attempts at a replay for a kind
LONGEST_OP = 64  # instructions; an op that needs more is not traced


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
        self,
        losses: Sequence[Tensor],
        wrt: Sequence[Tensor],
        fetch: Sequence[Tensor] = (),
        frozen: Set[Step] = frozenset(),
    ):
        super().__init__(losses, wrt, fetch, frozen)
        self._fed = [tensor for _, tensor in self.leaves if tensor.value is None]
        self._of_any_length = any(None in tensor.shape[1:] for tensor in self._fed)
        self.randomness = Randomness(self.steps)
        self._replays: dict[Any, Replays] = {}  # by kind of batch

    def forward(
        self,
        feed: Mapping[Tensor, Array] | None = None,
        *,
        training: bool = False,
        keep: bool = True,
        **options: Any,
    ) -> Tape:
        feed = feed or {}
        kind = self._kind_of(feed, training, keep)
        if kind is not None:
            replays = self._replays.get(kind)
            if replays is None:
                if len(self._replays) == KINDS:
                    del self._replays[next(iter(self._replays))]  # the oldest
                replays = self._replays[kind] = Replays()
            if tape := replays.run(self, feed, training, keep):
                return tape
        return super().forward(feed, training=training, keep=keep, **options)

    def __getstate__(self) -> dict[str, Any]:
        """For a copy, which makes replays of its own."""
        return vars(self) | {"_replays": {}}

    def _kind_of(self, feed: Mapping[Tensor, Array], training: bool, keep: bool) -> Any:
        """Whatever but numbers a trace depends on; None if it is not for traces."""
        is_far = not self._fed and xp() is not np  # what is fed shows where arrays live
        if self._of_any_length or is_far or not replay_wanted():
            return None
        kind: list[Any] = [training, keep]
        for tensor in self._fed:
            x = feed.get(tensor)
            if type(x) is not np.ndarray:
                return None
            kind += x.shape, x.dtype
        return tuple(kind)

    def value(self, tape: Tape, tensor: Tensor) -> Array:
        value = super().value(tape, tensor)
        return copied(value) if isinstance(tape, LentTape) else value

    def backward(self, tape: Tape, seeds: Sequence, **options: Any) -> dict[Any, Any]:
        found = super().backward(tape, seeds, **options)
        if not isinstance(tape, LentTape) or options.get("sparse"):
            return found
        return {tensor: None if g is None else copied(g) for tensor, g in found.items()}

    def sweep(self, tape: Tape, starts: list[Array], per_loss: bool, record: Record) -> list[Any]:
        if isinstance(tape, ReplayedTape):
            return tape.lender.sweeps[per_loss].run(starts, record)
        return super().sweep(tape, starts, per_loss, record)


class TooLarge(Untraceable):
    """An array for which it does not matter what passes between the operations."""


class LentTape(Tape):
    """A tape on arrays that are written over later, when it has given them back."""

    lender: Any
    free: list[Any]  # lenders that no tape holds

    def __del__(self) -> None:
        self.free.append(self.lender)


class ReplayedTape(LentTape):
    """A tape on the arrays of a replay."""

    lender: Replay


class Replays:
    """Those for one kind of batch: one for each way through its branches, and for each tape that is
    held."""

    def __init__(self) -> None:
        self.free: list[Replay] = []  # no tape holds them
        self.tried = 0  # how often one was to be made

    def run(
        self, plan: ReplayedPlan, feed: Mapping[Tensor, Array], training: bool, keep: bool
    ) -> Tape | None:
        """The tape of a batch, or None."""
        for _ in range(len(self.free)):
            try:
                replay = self.free.pop(0)
            except IndexError:  # another thread was faster
                break
            if tape := self.tape_of(plan, replay, feed, keep):
                return tape
        if self.tried == ATTEMPTS:
            return None
        self.tried += 1
        before = plan.randomness.states
        try:
            replay = Replay(plan, feed, training, keep)
        except TooLarge:
            self.tried = ATTEMPTS
            return None
        except Exception:  # the plain way will say it better
            return None
        finally:
            plan.randomness.states = before  # what was drawn is drawn again
        return self.tape_of(plan, replay, feed, keep)

    def tape_of(
        self, plan: ReplayedPlan, replay: Replay, feed: Mapping[Tensor, Array], keep: bool
    ) -> Tape | None:
        backs = replay.tape.backs if keep else []
        tape = ReplayedTape(replay.values, replay.tape.outputs, backs, {})
        tape.lender, tape.free = replay, self.free
        before = plan.randomness.states
        if replay.forward(feed):
            return tape
        plan.randomness.states = before
        return None


class Replay:
    """The trace of a plan for batches of one kind, made from the first of them."""

    def __init__(self, plan: Plan, feed: Mapping[Tensor, Array], training: bool, keep: bool):
        self.trace, self.keep = Trace(SMALL), keep
        self.handed: list[Handed] = []
        try:
            self.write(plan, feed, training)
        finally:
            self.trace.end()

    def write(self, plan: Plan, feed: Mapping[Tensor, Array], training: bool) -> None:
        """Trace a forward pass and the sweeps."""
        leaves: dict[Tensor, Any] = {}
        self.into: list[tuple[Tensor, Callable[..., Any]]] = []
        for _, tensor in plan.leaves:
            value = fed(tensor, feed)
            if isinstance(value, np.ndarray):
                large = value.size > (LARGEST_PARAMETER if self.keep else SMALL)
                if large and self.keep:
                    raise TooLarge
                x = Handed(value, self.handed) if large else self.trace.follow(value)
                self.into.append((tensor, (x if large else x.array).__setitem__))
                leaves[tensor] = x
        with np.errstate(all="ignore"):
            self.tape = Plan.forward(plan, leaves, training=training, run=self.run)
            if any(isinstance(x, Handed) for x in self.tape.values):
                raise TooLarge
            self.values = [array_of(x) for x in self.tape.values]
            self.trace.may_branch = False
            self.script = Script(self.trace.instructions)
            self.sweeps = []
            for per_loss in (False, True) if self.keep else ():
                # Rows are many small arrays in one.
                self.trace.largest = SMALL * (len(plan.losses) if per_loss else 1)
                self.sweeps.append(Sweep(plan, self, per_loss))

    def run(self, step: Step, arrays: list[Any], training: bool) -> tuple[Any, Any]:
        """One step on traced arrays; if it cannot be traced, it runs as always."""
        trace = self.trace
        if is_traceable(step) and not any(isinstance(x, Handed) for x in arrays):
            so_far = len(trace.instructions)
            try:
                y, back = step.run(arrays, training)
                if self.keep:
                    self.try_pullbacks(y if step.several else (y,), back, step.several)
                if len(trace.instructions) - so_far <= LONGEST_OP:
                    return y, back
            except Exception:  # it cannot be traced, or there is an error, which comes again
                pass
            del trace.instructions[so_far:]
        untraced = Untraced(trace, step, arrays, training, None if self.keep else self.handed)
        return untraced.y, untraced.back

    def try_pullbacks(self, values: Sequence[Any], back: Any, several: bool) -> None:
        """Raise what they will raise in a sweep."""
        trace = self.trace
        kept, trace.instructions, trace.may_branch = trace.instructions, [], False
        try:
            gs = tuple(trace.follow(np.zeros((1, *y.shape), y.dtype)) for y in values)
            for pull in [back] if callable(back) else back:
                if pull is not None:
                    pull(gs if several else gs[0])
        finally:
            trace.instructions, trace.may_branch = kept, True

    def forward(self, feed: Mapping[Tensor, Array]) -> bool:
        """Work out the values; False if this batch is an exception."""
        for tensor, put in self.into:
            put(..., feed.get(tensor, tensor.value))
        try:
            self.script.run()
        except Deviation:
            return False
        finally:
            for one in self.handed:
                one.array = None
        return True


class Handed:
    """An array that is not worth a copy, as a table: in each pass it is the one of that time.

    A step that reads it runs as always, and nobody holds it afterwards. (Not in training, where the
    way back would ask for it.)

    Parameters
    ----------
    array : array
    among : list of Handed
        Where it enters itself, to be let go.
    """

    def __init__(self, array: Array, among: list[Handed]):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        among.append(self)

    def __setitem__(self, _: Any, array: Array) -> None:
        self.array = array


class Untraced:
    """A step of a replay whose op runs as always, on the arrays of the replay.

    Parameters
    ----------
    handed : list of Handed, optional
        Where large results go that are handed on. Default: a sweep will come, and all are copied.

    Attributes
    ----------
    y : Traced or tuple of Traced
        What the step makes.
    """

    def __init__(
        self,
        trace: Trace,
        step: Step,
        arrays: Sequence[Any],
        training: bool,
        handed: list[Handed] | None = None,
    ):
        self.trace, self.step, self.training, self.handed = trace, step, training, handed
        self.run = step.run if handed is None else step.run_alone
        self.arrays = arrays
        self._pulled: Any = None
        self._cotangent: list[Any] = []
        made = self.again(self.forward)
        largest = trace.largest if handed is None else LARGEST_PARAMETER
        if any(prod(x.shape) > largest for x in made):
            raise TooLarge
        self.y = tuple(made) if step.several else made[0]

    @property
    def back(self) -> Any:
        """Its pullbacks, for a trace of the sweep (which hold it, and not it them)."""
        if callable(self.pullbacks):
            return self.pull_all
        pulls = enumerate(self.pullbacks)
        return tuple(None if pull is None else partial(self.pull, n) for n, pull in pulls)

    def forward(self) -> Sequence[Array]:
        y, back = self.run([array_of(x) for x in self.arrays], self.training)
        self.pullbacks: Any = back if self.handed is None else ()  # which hold what they have read
        return y if self.step.several else (y,)

    def pull(self, position: int, g: Any) -> Traced:
        cotangent = self.cotangent(g)
        return self.again(lambda: [self.pulled(self.pullbacks[position], *cotangent)])[0]

    def pull_all(self, g: Any) -> list[Any]:
        cotangent = self.cotangent(g)
        return self.again(lambda: self.pulled(self.pullbacks, *cotangent))

    def pulled(self, pullback: Callable[[Any], Any], g: Any) -> Any:
        try:
            return pullback(g)
        except Exception as error:
            error.add_note(f"in the backward sweep, {self.step.describe()}")
            raise

    def cotangent(self, g: Any) -> list[Any]:
        """What g stands for in a sweep, in a list: one object for all pullbacks of the step, and
        another one in each sweep, since pullbacks may know it again (`ops.contract.once_for_each`).
        """
        if self._pulled is not g:
            self._pulled, self._cotangent = g, [array_of(g)]

            def renew() -> None:
                cotangent[:] = [seen_anew(array_of(g))]

            cotangent = self._cotangent
            self.trace.note("run", function=renew)
        return self._cotangent

    def again(self, work: Callable[[], Sequence[Any]]) -> list[Any]:
        """Do it now, and whenever the trace is replayed: the results, in arrays of their own."""
        rooms = [None if x is None else self.room_for(dense_gradient(x)) for x in work()]

        def run() -> None:
            for room, x in zip(rooms, work(), strict=True):
                if room is not None:
                    x = dense_gradient(x)
                    if np.shape(x) != room.shape:
                        raise ValueError(f"{np.shape(x)} where it was {room.shape}")
                    room[...] = x

        self.trace.note("run", function=run)
        return [Traced(self.trace, x) if isinstance(x, np.ndarray) else x for x in rooms]

    def room_for(self, x: Any) -> Any:
        """Where a result is found in each pass."""
        if self.handed is None or np.size(x) <= SMALL:
            return np.array(x)
        return Handed(x, self.handed)


class Sweep:
    """The backward half of a replay."""

    def __init__(self, plan: Plan, replay: Replay, per_loss: bool):
        trace = replay.trace
        self.edges: list[tuple[Any, ...]] = []
        trace.instructions = []
        shapes = [replay.tape.outputs[plan.slots[loss.key]] for loss in plan.losses]
        starts = [trace.follow(np.zeros((1, *shape), dtype)) for shape, dtype in shapes]
        self.into = [start.array.__setitem__ for start in starts]
        self.found = [
            array_of(g) for g in Plan.sweep(plan, replay.tape, starts, per_loss, self.note)
        ]
        self.script = Script(trace.instructions)

    def note(self, *edge: Any) -> None:
        self.edges.append(edge)

    def run(self, starts: Sequence[Array], record: Record) -> list[Any]:
        for put, start in zip(self.into, starts, strict=True):
            put(..., start)
        self.script.run()
        if record:
            for n, position, gradient, losses in self.edges:
                record(n, position, copied(array_of(gradient)), losses)
        return self.found


class Script:
    """Instructions, to be carried out again and again."""

    def __init__(self, instructions: list[Instruction]):
        self.instructions = [instruction.simplified() for instruction in instructions]
        self.calls: dict[bool, list[Any]] = {}  # compiled or not

    def run(self) -> None:
        compiled = kernels_wanted()
        if compiled not in self.calls:
            self.calls[compiled] = (in_one_call if compiled else one_by_one)(self.instructions)
        for call in self.calls[compiled]:
            call()


def array_of(x: Any) -> Any:
    """The array behind a traced one."""
    if isinstance(x, tuple):
        return tuple(map(array_of, x))
    return x.array if isinstance(x, Traced | Handed) else x


def seen_anew(x: Any) -> Any:
    """Other objects for the same arrays."""
    return tuple(map(seen_anew, x)) if isinstance(x, tuple) else x.view()


def copied(x: Array) -> Array:
    """The numbers as they are now, a single one as a scalar."""
    return x.copy() if x.ndim or on_gpu(x) else x[()]


def is_traceable(step: Step) -> bool:
    """Does it always do the same to the same arrays? Known of our own ops, if none draws."""
    return of_this_package(step.op) and not draws(step)
