"""A plan whose batches are shared out: it takes whole batches, and tells what is true of them.

Nobody above has to know: who steps, scores or balances asks a plan, as ever. In between, each rank
runs the rows of the batch that are its part. A loss of the batch is sum(count x loss) / sum(count)
over the ranks, so its gradient is the sum of theirs, each times the share of what counts that the
rank has: these shares are in the seeds, and gradients have only to be added up. Before the sweep
the ranks tell one another their losses and counts, a few numbers; after it, their gradients.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from .. import ops
from ..device import Array, xp
from ..engine.graph import Parameter, Step, Tensor
from ..engine.order import topological_order
from ..engine.plan import Plan, Record, Tape
from ..engine.randomness import Randomness, draws
from ..network.planning import NetworkPlan
from ..ops import dense_gradient
from ..ops.normalization import by_the_batch
from ..questions import numbers_at, told
from .batches import PartOfDraws, glimpse, lengths_of_parts, put_together
from .gradients import summed
from .moving import Ranks

AGREEMENT = 1e-3  # of a loss that is put together from parts, and that of the whole batch


class SharedTape(Tape):
    """The tape of this rank's part, and what is known of the whole batch."""

    part: Tape
    feed: Mapping[Tensor, Array]  # the whole batch
    lengths: list[int]  # samples, by rank
    shares: list[float]  # by loss, of what counts
    numbers: dict[int, float]  # by slot, losses and counts
    sizes: list[float]  # by loss, the largest that a rank has found


class SharedPlan(NetworkPlan):
    """A `Plan` of a training that several processes run together.

    Attributes
    ----------
    ranks : Ranks
    synchronised : bool
        Is a batch normalised with the statistics of all its samples? False: each rank with those of
        its part.
    """

    ranks: ClassVar[Ranks]
    synchronised: ClassVar[bool] = True

    def __init__(self, *given: Any, **options: Any):
        super().__init__(*given, **options)
        self._draws = Randomness(self.steps)
        self._unproved = {False, True} if self.synchronised else {False}
        self._counts: dict[int, int] = {}  # by loss, the slot of what it is the mean or sum of
        self._is_sum = np.zeros(len(self.losses), bool)
        for k, loss in enumerate(self.losses):
            below = reversed(topological_order([loss]))
            made = next((step for step in below if step.op is not ops.identity), None)
            if made is not None and made.op in (ops.weighted_mean, ops.weighted_sum):
                self._counts[k] = self.slots[made, 1]
                self._is_sum[k] = made.op is ops.weighted_sum
        self._known = [leaf for _, leaf in self.leaves if isinstance(leaf, Parameter)]
        averaging = [step for step in self.steps if step.op.averages]
        for step in averaging:
            if step.op is not ops.batch_normalization:
                raise ValueError(
                    f"{step.describe()}: it goes on from the samples of the batch before, and here "
                    f"a batch is shared out among processes: train this network in one"
                )
        # those that look at the whole batch while training
        self._apart = {step for step in self.steps if draws(step)}
        self._apart |= {*(averaging if self.synchronised else ())} - self.frozen
        if averaging and not self.synchronised and not self.ranks.rank:
            paths = dict.fromkeys(step.call.path for step in averaging if step.call)
            warnings.warn(
                f"{', '.join(paths)}: each of {self.ranks.size} processes normalises its part of a "
                f"batch by itself, so the numbers are not those of one process: "
                f"init(synchronised=True) brings them",
                stacklevel=2,
            )

    def forward(
        self,
        feed: Mapping[Tensor, Array] | None = None,
        *,
        training: bool = False,
        keep: bool = True,
        run: Callable[..., tuple[Any, Any]] = Step.run,
    ) -> Tape:
        """Run this rank's part of a batch, and find out what the whole batch has shown."""
        feed, ranks = feed or {}, self.ranks
        samples = len(next(iter(feed.values())))
        ranks.agree(
            ranks.next_step() if training else "in an evaluation",
            {
                "synchronised": self.synchronised,
                "samples": samples,
                "weights that train": len(self.wrt),
                "weights": glimpse(w.value for w in self._known),
                "data": glimpse(feed.values()),
            },
        )
        lengths = lengths_of_parts(samples, ranks.size)
        start = sum(lengths[: ranks.rank])
        rows = slice(start, start + lengths[ranks.rank])
        mine = {tensor: x[rows] for tensor, x in feed.items()}
        before = self._draws.states if training in self._unproved else []
        if training and self._apart:
            part = Plan.forward(
                self, mine, training=True, keep=keep, run=partial(self._run, samples, rows)
            )
        else:
            part = super().forward(mine, training=training, keep=keep, run=run)
        tape = self._together(part, feed, lengths)
        if training in self._unproved:
            self._prove(tape, before, training)
        return tape

    def _run(
        self, samples: int, rows: slice, step: Step, arrays: list[Array], training: bool
    ) -> tuple[Any, Any]:
        """A step, on this rank's part; if it looks at the whole batch, with what that needs."""
        if not training or step not in self._apart:
            return step.run(arrays, training)
        if step.op is ops.batch_normalization:
            epsilon = arrays[0].dtype.type(step.attributes["epsilon"])
            return told(step.describe, by_the_batch, *arrays, epsilon, self.ranks.total)
        x: Any = step.inputs[0]
        if x.shape[:1] != (None,) or 0 in step.attributes.get("shared_axes", ()):
            return step.run(arrays, training)  # one draw for all samples
        own = copy(step)
        own.attributes = {
            name: PartOfDraws(x, samples, rows) if isinstance(x, Generator) else x
            for name, x in step.attributes.items()
        }
        return own.run(arrays, training)

    def _together(self, part: Tape, feed: Mapping[Tensor, Array], lengths: list[int]) -> SharedTape:
        """The losses and counts of the whole batch."""
        size, slots = len(self.losses), list(self._counts.values())
        mine = numbers_at([*self._loss_slots, *slots], part.values, part.asked)
        every = self.ranks.everyones(np.array([*map(float, mine)], float))
        losses, counts = np.split(every, [size], axis=1)
        counted = np.repeat(np.array(lengths, float)[:, None], size, axis=1)
        counted[:, list(self._counts)] = counts
        values, shares = put_together(losses, counted, self._is_sum)
        tape = SharedTape(*part)
        tape.part, tape.feed, tape.lengths = part, feed, lengths
        tape.shares = shares[self.ranks.rank].tolist()
        tape.numbers = dict(zip(slots, counts.sum(axis=0).tolist(), strict=True))
        tape.numbers |= zip(self._loss_slots, values.tolist(), strict=True)
        tape.sizes = abs(losses).max(axis=0, initial=0).tolist()
        return tape

    def _prove(self, tape: SharedTape, before: list[Any], training: bool) -> None:
        """See, once, that the losses put together from parts are those of the whole batch."""
        after, self._draws.states = self._draws.states, before
        whole = Plan.forward(self, tape.feed, training=training, keep=False)
        self._draws.states = after
        for loss, slot, size in zip(self.losses, self._loss_slots, tape.sizes, strict=True):
            found, expected = tape.numbers[slot], float(whole.values[slot])
            if abs(found - expected) > AGREEMENT * max(size, abs(expected)):
                raise ValueError(
                    f"the loss {loss.name!r} is {expected:.6g} of the whole batch, and "
                    f"{found:.6g} if put together from the parts of {self.ranks.size} processes: "
                    f"it is no mean over the samples, or a layer looks at several samples at once. "
                    f"Train this network in one process"
                )
        self._unproved.remove(training)

    def numbers(self, tape: Any, scalars: Sequence[Tensor]) -> list[Any]:
        """Losses and counts of the whole batch."""
        return [tape.numbers[self.slots[one.key]] for one in scalars]

    def value(self, tape: Any, tensor: Tensor) -> Array:
        """What the whole batch has shown: all ranks' samples, or the mean of their statistics."""
        slot = self.slots[tensor.key]
        if slot in tape.numbers:
            return xp().asarray(tape.numbers[slot], tensor.dtype)
        mine = super().value(tape.part, tensor)
        if tensor.shape[:1] == (None,):
            return self.ranks.gathered(mine, tape.lengths)
        if self.synchronised:
            return mine
        share = tape.lengths[self.ranks.rank] / sum(tape.lengths)
        return self.ranks.total(mine * mine.dtype.type(share))

    def backward(
        self,
        tape: Any,
        seeds: Sequence,
        *,
        per_loss: bool = False,
        record: Record = None,
        sparse: bool = False,
    ) -> dict[Any, Any]:
        """The gradients of the whole batch. Whoever records gets a sweep of it on each rank."""
        if record is not None:
            whole = Plan.forward(self, tape.feed, training=True)
            return Plan.backward(self, whole, seeds, per_loss=per_loss, record=record)
        seeds = [seed * share for seed, share in zip(seeds, tape.shares, strict=True)]
        found = summed(
            self.ranks, super().backward(tape.part, seeds, per_loss=per_loss, sparse=True)
        )
        return found if sparse else {w: dense_gradient(g) for w, g in found.items()}
