"""How gradients flow: a plan made once, a tape per batch, one sweep backward.

The sweep has two seedings. With a weight per loss, all losses share one row, and the result is
the gradient of the weighted sum: training. With `per_loss`, each loss travels in a row of its
own, unweighted, wherever it reaches: the gradient of each loss on every edge, at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from functools import cached_property
from typing import Any, NamedTuple

from ..device import Array, as_constant, zeros
from ..ops import dense_gradient
from ..ops.contract import check_every, gathered, plain_numbers
from ..questions import numbers_at
from .graph import Step, Tensor
from .inputs import fed
from .order import topological_order
from .rows import added, spread

Record = Callable[[int, int, Array, tuple[int, ...]], None] | None


class Tape(NamedTuple):
    """What one forward pass leaves behind: a value, to be swept as often as one likes."""

    values: list[Array]  # by slot; None where nobody needs the value any more
    outputs: list[tuple[tuple[int, ...], Any]]  # by slot: shape and type
    backs: list[Any]  # by step: its pullbacks
    asked: dict[int, Any]  # by slot: numbers that a GPU was asked for


class Plan:
    """Everything about a graph that does not change from batch to batch.

    Parameters
    ----------
    losses : sequence of Tensor
        What the sweep starts from.
    wrt : sequence of Tensor
        Whose gradients are wanted.
    fetch : sequence of Tensor, optional
        Further tensors whose values the tape shall keep.
    frozen : set of Step, optional
        Steps that run as in inference even while the others train.

    Attributes
    ----------
    steps : list of Step
        In topological order.
    inputs, outputs : list
        By step: the slots of its inputs (None where there is none) and of its outputs.
    edges : list of list of (int, int)
        By step: its live inputs as (position, slot). An edge is live if some loss is above it, a
        gradient can pass, and something below it is wanted.
    reach : list of tuple of int
        By slot: which losses touch this tensor along live edges. Empty means: no path.
    """

    def __init__(
        self,
        losses: Sequence[Tensor],
        wrt: Sequence[Tensor],
        fetch: Sequence[Tensor] = (),
        frozen: Set[Step] = frozenset(),
    ):
        self.losses, self.wrt, self.frozen = list(losses), list[Any](wrt), frozen
        self.steps = topological_order([*losses, *fetch])
        self.slots: dict[Any, int] = {}
        self.leaves: list[tuple[int, Tensor]] = []
        self.inputs: list[list[int | None]] = []
        self.outputs: list[range] = []
        self.edges: list[list[tuple[int, int]]] = []
        wanted = {t.key for t in wrt}
        live: list[bool] = []  # by slot: is something wanted at or below it?

        def new_slot(key: Any, below: bool) -> int:
            self.slots[key] = len(live)
            live.append(below or key in wanted)
            return self.slots[key]

        def slot_of(tensor: Tensor) -> int:
            if tensor.key not in self.slots:  # not made by a step: a leaf
                self.leaves.append((new_slot(tensor.key, False), tensor))
            return self.slots[tensor.key]

        for step in self.steps:
            slots: list[int | None] = []
            edges: list[tuple[int, int]] = []
            for position, x in enumerate(step.inputs):
                slot = None if x is None else slot_of(x)
                slots.append(slot)
                if slot is not None and live[slot] and step.differentiable[position]:
                    edges.append((position, slot))
            first = len(live)
            for index in range(len(step.outputs)):
                new_slot((step, index), bool(edges))
            self.inputs.append(slots)
            self.outputs.append(range(first, len(live)))
            self.edges.append(edges)
        self._kept = {slot_of(t) for t in (*losses, *fetch)}
        self._loss_slots = [self.slots[loss.key] for loss in losses]
        self._wrt_slots = [self.slots.get(t.key) for t in self.wrt]
        self._wanted = set(self._wrt_slots)
        self.reach, self._arriving = self._find_reach(len(live))
        self.edges = [e if rows else [] for e, rows in zip(self.edges, self._arriving, strict=True)]
        parts = zip(self.steps, self.edges, self.outputs, self._arriving, strict=True)
        self._sweep = [(n, *part) for n, part in enumerate(parts) if part[1]][::-1]

    def _find_reach(self, slots: int) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Which losses touch each slot, and which arrive at each step, from the losses down."""
        touched = [0] * slots  # a bit for each loss
        arriving: list[int] = []
        for k, slot in enumerate(self._loss_slots):
            touched[slot] |= 1 << k
        for edges, outputs in zip(reversed(self.edges), reversed(self.outputs), strict=True):
            above = 0
            for slot in outputs:
                above |= touched[slot]
            for _, slot in edges:
                touched[slot] |= above
            arriving.append(above)
        count = len(self.losses)
        different = {*touched, *arriving}
        losses = {bits: tuple(k for k in range(count) if bits >> k & 1) for bits in different}
        return [losses[bits] for bits in touched], [losses[bits] for bits in reversed(arriving)]

    @cached_property
    def _last_used(self) -> list[list[int]]:
        """By step: the slots whose values nobody needs after it."""
        needed = set(self._kept)
        unneeded: list[list[int]] = []
        for slots, outputs in zip(reversed(self.inputs), reversed(self.outputs), strict=True):
            last = {slot for slot in (*slots, *outputs) if slot is not None} - needed
            needed |= last
            unneeded.append(sorted(last))
        return unneeded[::-1]

    def forward(
        self,
        feed: Mapping[Tensor, Array] | None = None,
        *,
        training: bool = False,
        keep: bool = True,
        run: Callable[..., tuple[Any, Any]] | None = None,
    ) -> Tape:
        """Run every step; ``keep=False`` drops each pullback at once (there will be no sweep)."""
        run = run or (Step.run if keep else Step.run_alone)
        values: list[Array] = [None] * len(self.reach)
        outputs: list[Any] = [None] * len(self.reach)
        backs: list[Any] = []
        for slot, tensor in self.leaves:
            value = fed(tensor, feed or {})
            values[slot], outputs[slot] = value, (getattr(value, "shape", ()), tensor.dtype)
        each = zip(self.steps, self.inputs, self.outputs, self.edges, self._last_used, strict=True)
        for step, read, written, edges, unneeded in each:
            arrays = [None if slot is None else values[slot] for slot in read]
            y, back = run(step, arrays, training and step not in self.frozen)
            for slot, value in zip(written, y if step.several else (y,), strict=True):
                values[slot], outputs[slot] = value, (value.shape, value.dtype)
            for slot in unneeded:
                values[slot] = None
            if keep:
                backs.append(back if edges else None)
        return Tape(values, outputs, backs, {})

    def reaches(self, tensor: Tensor) -> tuple[int, ...]:
        """Which losses have a path to `tensor`."""
        slot = self.slots.get(tensor.key)
        return () if slot is None else self.reach[slot]

    def value(self, tape: Tape, tensor: Tensor) -> Array:
        """The value of a loss or fetched tensor on `tape`."""
        return tape.values[self.slots[tensor.key]]

    def numbers(self, tape: Tape, scalars: Sequence[Tensor]) -> list[Any]:
        """The values of losses or fetched scalars on `tape`, for us to read by `float`."""
        return numbers_at([self.slots[one.key] for one in scalars], tape.values, tape.asked)

    def backward(
        self, tape: Tape, seeds: Sequence, *, per_loss=False, record: Record = None, sparse=False
    ) -> dict[Any, Any]:
        """Sweep `tape` once, from the losses down.

        Parameters
        ----------
        tape : Tape
            From `forward`. It is only read: sweeping it twice gives identical bits.
        seeds : sequence
            Per loss its cotangent: the weight of a scalar loss, or an array of the loss's shape.
        per_loss : bool
            False: all losses in one row. True: each in a row of its own, as `reach` says.
        record : callable, optional
            Called as ``record(step, position, gradient, losses)`` for every live edge: the number
            of the step, which of its inputs, the gradient ``(rows, *input.shape)``, and the loss
            that each row belongs to.
        sparse : bool
            True: for an optimizer, which uses them at once. The gradient of a table may come as an
            `ops.SparseGradient`, that of a kernel in factors, and the next sweep may write into the
            arrays. Default: all are arrays to keep.

        Returns
        -------
        dict
            By tensor of `wrt` its gradient, rows first. None where no loss has a path to it.
        """
        if len(tape.backs) != len(self.steps):
            raise ValueError("this tape kept no pullbacks: run forward with keep=True")
        if len(seeds) != len(self.losses):
            raise ValueError(f"{len(seeds)} seeds for {len(self.losses)} losses")
        each = zip(self.losses, seeds, self._loss_slots, strict=True)
        starts = [cotangent(loss, seed, *tape.outputs[slot]) for loss, seed, slot in each]
        if record and not sparse:
            record = dense_record(record)
        found = self.sweep(tape, starts, per_loss, record)
        return dict(zip(self.wrt, found if sparse else map(dense_gradient, found), strict=True))

    def sweep(self, tape: Tape, starts: list[Array], per_loss: bool, record: Record) -> list[Any]:
        """From the cotangents of the losses, one row each, down to the gradients by `wrt`."""
        g: list[Any] = [None] * len(self.reach)  # by slot: what has arrived so far, as `Rows`

        def send(slot: int, gradient: Any, losses: tuple[int, ...]) -> None:
            """Where ways meet, their gradients add up."""
            new, so_far = (gradient, losses), g[slot]
            g[slot] = added(so_far, new) if so_far else new

        def arrived(slot: int, losses: tuple[int, ...]) -> Array:
            """What has come to an output of a step; zeros where nobody used it."""
            if g[slot]:
                return dense_gradient(spread(g[slot], losses))
            shape, dtype = tape.outputs[slot]
            return zeros((len(losses), *shape), dtype)

        # Every loss begins with its own cotangent: in row k if they are kept apart, else in row 0.
        for k, (slot, start) in enumerate(zip(self._loss_slots, starts, strict=True)):
            send(slot, start, (k,) if per_loss else (0,))
        try:
            # Backward, so that all uses of a tensor have sent their part before its maker is asked.
            for n, step, edges, outputs, arriving in self._sweep:
                back, losses = tape.backs[n], arriving if per_loss else (0,)
                # A step is asked once: one row for each loss above it, all carried together.
                of_each = [arrived(slot, losses) for slot in outputs]
                cotangents = tuple(of_each) if step.several else of_each[0]
                every = all_gradients(back, cotangents, step) if callable(back) else None
                for position, slot in edges:
                    # The pullback answers: how does each loss change with this input?
                    gradient = back[position](cotangents) if every is None else every[position]
                    # A number that broadcasting used in many places gets the sum of all of them.
                    gradient = gathered(gradient, len(losses), *tape.outputs[slot])
                    if record:
                        record(n, position, gradient, losses)
                    send(slot, gradient, losses)
                # What lies above is done: let go of its gradient, unless it was asked for.
                for slot in outputs:
                    if slot not in self._wanted:
                        g[slot] = None
        except Exception as error:
            error.add_note(f"in the backward sweep, {step.describe()}")
            raise
        found = (None if slot is None else g[slot] for slot in self._wrt_slots)
        return [None if rows is None else rows[0] for rows in found]


def dense_record(record: Any) -> Any:
    """Tells `record` of gradients that are arrays."""
    return lambda n, position, g, losses: record(n, position, dense_gradient(g), losses)


def cotangent(loss: Tensor, seed: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """The seed of one loss as a single row."""
    given = seed if type(seed) is float else plain_numbers(seed, f"the seed of {loss}")
    start = as_constant(given, dtype)
    if start.shape != shape:
        raise ValueError(
            f"the loss {loss} needs a seed of its own shape, not {start.shape}: make it a scalar "
            f"with .sum() or .mean(), or pass seeds"
        )
    return start[None]


def all_gradients(pull: Any, g: Any, step: Step) -> Sequence[Any]:
    """The gradients of all inputs at once, from the one pullback that they share."""
    every = pull(g)
    check_every(every, len(step.inputs))
    return every
