"""A plan whose batches are shared out: it takes whole batches, and tells what is true of them.

Nobody above has to know: who steps, scores or balances asks a plan, as ever. In between, each rank
runs the rows of the batch that are its part. A loss of the batch is sum(count x loss) / sum(count)
over the ranks, so its gradient is the sum of theirs, each times the share of what counts that the
rank has: these shares are in the seeds, and gradients have only to be added up. Before the sweep
the ranks tell one another their losses and counts, a few numbers; after it, their gradients.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence, Set
from copy import copy
from functools import cached_property, partial
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
from numpy.random import Generator

from .. import ops
from ..device import Array, to_numpy, xp
from ..engine.graph import Parameter, Step, Tensor
from ..engine.order import topological_order
from ..engine.plan import Plan, Record, Tape
from ..engine.randomness import Randomness, draws
from ..network.planning import NetworkPlan
from ..ops import dense_gradient
from ..ops.normalization import by_the_batch
from ..questions import numbers_at, on_gpu, told
from .gradients import summed
from .moving import Ranks

GLIMPSE = 256  # numbers of each array that tell one batch from another
AGREEMENT = 1e-3  # of a loss that is put together from parts, and that of the whole batch


class SharedTape(Tape):
    """The tape of this rank's part, and what is known of the whole batch."""

    part: Tape
    feed: Mapping[Tensor, Array]  # the whole batch
    lengths: list[int]  # samples, by rank
    shares: list[float]  # by loss, of what counts
    numbers: dict[int, float]  # by slot, losses and counts


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

    def __init__(
        self,
        losses: Sequence[Tensor],
        wrt: Sequence[Tensor],
        fetch: Sequence[Tensor] = (),
        frozen: Set[Step] = frozenset(),
    ):
        super().__init__(losses, wrt, fetch, frozen)
        self.draws_of = Randomness(self.steps)
        self._is_new = True
        self._proved = not self.synchronised
        self._counts: dict[int, int] = {}  # by loss, the slot of what it is the mean or sum of
        self._sums, self._fixed = set[int](), set[int]()  # losses that are sums, or see no data
        for k, loss in enumerate(self.losses):
            below = topological_order([loss])
            made = next((s for s in reversed(below) if s.op is not ops.identity), None)
            if made is not None and made.op in (ops.weighted_mean, ops.weighted_sum):
                self._counts[k] = self.slots[made, 1]
                self._sums |= {k} if made.op is ops.weighted_sum else set()
            elif not any(x is not None and is_fed(x) for s in below for x in s.inputs):
                self._fixed.add(k)
        self._averaging = [step for step in self.steps if step.op.averages]
        for step in self._averaging:
            if step.op is not ops.batch_normalization:
                raise ValueError(
                    f"{step.describe()}: it goes on from the samples of the batch before, and here "
                    f"a batch is shared out among processes: train this network in one"
                )

    @cached_property
    def _apart(self) -> set[Step]:
        """The steps that look at the whole batch while training."""
        normalising = self._averaging if self.synchronised else []
        return {step for step in self.steps if draws(step)} | set(normalising) - self.frozen

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
        ranks.begins(training)
        if self._is_new:
            self._begin()
        samples = len(next(iter(feed.values())))
        cuts = [samples * rank // ranks.size for rank in range(ranks.size + 1)]
        lengths, rows = np.diff(cuts).tolist(), slice(*cuts[ranks.rank : ranks.rank + 2])
        mine = {tensor: x[rows] for tensor, x in feed.items()}
        before = self.draws_of.states if training and not self._proved else []
        if training and self._apart:
            part = Plan.forward(
                self, mine, training=True, keep=keep, run=partial(self._run, samples, rows)
            )
        else:
            part = super().forward(mine, training=training, keep=keep, run=run)
        tape = self._together(part, feed, lengths, training)
        if training and not self._proved:
            self._prove(tape, before)
        return tape

    def _begin(self) -> None:
        """Start from the numbers of rank 0."""
        known = [leaf for _, leaf in self.leaves if isinstance(leaf, Parameter)]
        mine = [to_numpy(w.value) for w in known], self.draws_of.states
        values, states = self.ranks.of_first(mine)
        if self.ranks.rank:
            self.draws_of.states = states
            for w, value in zip(known, values, strict=True):
                w.assign(value)
        if self._averaging and not self.synchronised and not self.ranks.rank:
            paths = dict.fromkeys(step.call.path for step in self._averaging if step.call)
            warnings.warn(
                f"{', '.join(paths)}: each of {self.ranks.size} processes normalises its part of a "
                f"batch by itself, so the numbers are not those of one process: "
                f"init(synchronised=True) brings them",
                stacklevel=2,
            )
        self._is_new = False

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

    def _together(
        self, part: Tape, feed: Mapping[Tensor, Array], lengths: list[int], training: bool
    ) -> SharedTape:
        """The losses and counts of the whole batch."""
        ranks, size = self.ranks, len(self.losses)
        counts = list(self._counts.values())
        slots = [*self._loss_slots, *counts]
        mine = list(map(float, numbers_at(slots, part.values, part.asked)))
        told = np.array([training, sum(lengths), glimpse(feed), *mine], float)
        every = ranks.everyones(told)
        refuse_other_batches(every[:, :3])
        losses, counted = every[:, 3 : 3 + size], np.zeros((ranks.size, size))
        counted[:] = np.array(lengths, float)[:, None]
        counted[:, list(self._counts)] = every[:, 3 + size :]
        counted[:, list(self._fixed)] = np.arange(ranks.size)[:, None] == 0
        total = counted.sum(axis=0)
        losses = np.where(counted > 0, losses, 0)
        tape = SharedTape(*part)
        tape.part, tape.feed, tape.lengths, tape.shares = part, feed, lengths, []
        tape.numbers = {}
        for k, slot in enumerate(self._loss_slots):
            if k in self._sums:
                value, share = losses[:, k].sum(), 1.0
            else:
                shares = counted[:, k] / total[k] if total[k] else 0 * counted[:, k]
                value, share = (shares * losses[:, k]).sum(), shares[ranks.rank]
            tape.numbers[slot] = float(value)
            tape.shares.append(float(share))
            if k in self._counts:
                tape.numbers[self._counts[k]] = float(total[k])
        return tape

    def _prove(self, tape: SharedTape, before: list[Any]) -> None:
        """See, once, that the losses put together from parts are those of the whole batch."""
        after, self.draws_of.states = self.draws_of.states, before
        whole = Plan.forward(self, tape.feed, training=True, keep=False)
        self.draws_of.states = after
        for loss, slot in zip(self.losses, self._loss_slots, strict=True):
            found, expected = tape.numbers[slot], float(whole.values[slot])
            if abs(found - expected) > AGREEMENT * max(1.0, abs(expected)):
                raise ValueError(
                    f"the loss {loss.name!r} is {expected:.6g} of the whole batch, and "
                    f"{found:.6g} if put together from the parts of {self.ranks.size} processes: "
                    f"it is no mean over the samples, or a layer looks at several samples at once. "
                    f"Train this network in one process"
                )
        self._proved = True

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


class PartOfDraws:
    """A generator that draws what one process draws for a whole batch, and returns some rows of it.

    Parameters
    ----------
    generator : Generator
    samples : int
        Of the whole batch.
    rows : slice
        The part.
    """

    def __init__(self, generator: Generator, samples: int, rows: slice):
        self.generator, self.samples, self.rows = generator, samples, rows

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        mine = self.rows.stop - self.rows.start

        def whole(x: Any) -> Any:
            is_shape = isinstance(x, tuple | list) and len(x) > 0 and x[0] == mine
            return (self.samples, *x[1:]) if is_shape else x

        def draw(*given: Any, **options: Any) -> Any:
            found = [whole(x) for x in given], {name: whole(x) for name, x in options.items()}
            if found == ([*given], options) and mine != self.samples:
                raise ValueError(
                    f"{kind} draws for a part of a batch here, {mine} of {self.samples} samples: "
                    f"give it a shape whose first axis is that of the samples, as x.shape"
                )
            return getattr(self.generator, kind)(*found[0], **found[1])[self.rows]

        return draw


def is_fed(tensor: Tensor) -> bool:
    """Is it a leaf that each batch brings?"""
    return tensor.step is None and tensor.value is None


def glimpse(feed: Mapping[Tensor, Array]) -> int:
    """A number that tells a batch from others, almost surely (of a GPU, which is not asked, 0)."""
    found = 0
    for x in feed.values():
        if not on_gpu(x):
            some = x.reshape(-1)[:: x.size // GLIMPSE + 1]
            found = crc32(np.ascontiguousarray(some).data, found)
    return found


def refuse_other_batches(told: np.ndarray) -> None:
    """All ranks must do the same on the same batch."""
    for rank, (is_training, samples, checksum) in enumerate(told.tolist()):
        first = told[0].tolist()
        if [is_training, samples, checksum] == first:
            continue
        what = "are fed different data"
        if is_training != first[0]:
            what = "do different things: one trains, the other one evaluates"
        elif samples != first[1]:
            what = f"have batches of {int(first[1])} and {int(samples)} samples"
        raise ValueError(
            f"ranks 0 and {rank} {what}. Each process runs the same program on the same data: call "
            f"tg.distributed.init() before anything is drawn, and draw data from a seed"
        )
