"""Whole training steps of a GPU in one launch each, for steps that Python would be late for.

After two plain steps on a kind of batch (shapes, types), the third is captured as a CUDA graph:
forward, one sweep, and the step of the optimizer, from arrays that stay where they are into new
ones. From then on a batch, the parameters and a few numbers (loss weights, learning rate) are
copied there, and the graph is launched. What it tells comes back in one small array. If all is
finite, the parameters take the new values, in new arrays as ever, and the slots, too. If anything
is not, nothing has changed yet: the plain way makes the step, and says what is wrong.

The plain way serves alone where a step is not always the same work, or CuPy cannot capture it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from .. import ranks
from ..device import (
    Array,
    by_twin,
    kernels_wanted,
    on_device,
    replay_wanted,
    to_numpy,
    xp,
)
from ..engine.graph import Tensor
from ..engine.plan import Plan, Tape
from ..optimizers import Optimizer
from ..optimizers.together import Together
from ..questions import on_gpu, set_apart, settle
from ..replay.captured import Captured, CapturedTape, can_be_captured
from .balanced import swept
from .objective import Objective

Feed = Mapping[Tensor, Array]
PLAIN_STEPS = 2  # on a kind of batch, before it is captured
PROOFS = 2  # steps in which a graph must find what the same work finds without it
AGREEMENT = 1e-4  # relative to the largest number of an array
ATTEMPTS = 4  # for a kind; then the plain way serves
WORTH_IT = 64  # steps; after so many a new attempt is free
KINDS = 4  # of batches for which a plan keeps graphs, each with memory of its own
FLOAT = np.dtype("float32")  # of parameters that the kernels of optimizers step

KNOWN: WeakKeyDictionary[Plan, Steps] = WeakKeyDictionary()


def captured_on_a_gpu(plain_step: Callable[..., Tape]) -> Callable[..., Tape]:
    """Let a training step be captured where that can be."""

    @wraps(plain_step)
    def step(objective: Objective, optimizer: Optimizer, number: int, feed: Feed) -> Tape:
        tape = None
        if xp() is not np and replay_wanted() and kernels_wanted():
            plan = objective.plan()
            if plan not in KNOWN:
                KNOWN[plan] = Steps(plan)
            tape = KNOWN[plan].step(objective, optimizer, plan, feed)
        return plain_step(objective, optimizer, number, feed) if tape is None else tape

    return step


class Steps:
    """The captured steps of a plan."""

    def __init__(self, plan: Plan):
        self._fed = [tensor for _, tensor in plan.leaves if tensor.value is None]
        self._kinds: dict[Any, Kind] = {}
        self._serves = can_be_captured(plan)

    def step(
        self, objective: Objective, optimizer: Optimizer, plan: Plan, feed: Feed
    ) -> Tape | None:
        """Make a step in one launch; None if the plain way is to make it."""
        batch = [feed.get(tensor) for tensor in self._fed]
        if not (self._serves and all(map(on_gpu, batch)) and suits(objective, optimizer)):
            return None
        shapes: Any = tuple((x.shape, x.dtype) for x in batch if x is not None)
        if shapes not in self._kinds:
            if len(self._kinds) == KINDS:
                return None
            self._kinds[shapes] = Kind()
        kind = self._kinds[shapes]
        if kind.step is not None and not kind.step.belongs_to(optimizer):
            kind.attempts *= kind.step.made < WORTH_IT
            kind.step, kind.plain_steps = None, PLAIN_STEPS - 1
        if kind.step is None:
            kind.plain_steps += 1
            if kind.plain_steps <= PLAIN_STEPS or kind.attempts == ATTEMPTS:
                return None
            kind.attempts += 1
            try:
                kind.step = CapturedStep(objective, optimizer, plan, feed)
            except Exception as error:  # the plain way serves, or says it better
                kind.attempts, kind.why_not = ATTEMPTS, f"{type(error).__name__}: {error}"
                return None
        try:
            return kind.step.run(objective, optimizer, feed)
        except Disagreement as error:
            kind.step, kind.attempts, kind.why_not = None, ATTEMPTS, str(error)
            return None


class Disagreement(Exception):
    """A graph finds other numbers than the work that was captured. It is not used."""


class Kind:
    """What is known of batches of the same shapes and types."""

    def __init__(self) -> None:
        self.plain_steps, self.attempts = 0, 0
        self.step: CapturedStep | None = None
        self.why_not = ""  # it could not be captured


def suits(objective: Objective, optimizer: Optimizer) -> bool:
    """Is a step the same work each time, but for a few numbers?"""
    limits = optimizer.clipvalue, optimizer.clipnorm, optimizer.global_clipnorm
    is_plain = type(optimizer).apply is Optimizer.apply and limits == (None, None, None)
    is_plain = is_plain and ranks.size == 1  # others would be waited for
    return is_plain and objective.balancer is None and "cuda" in type(optimizer).rule.changing


class CapturedStep:
    """A training step on batches of one kind, in the memory in which it was captured.

    Raises
    ------
    Exception
        If it cannot be captured. Nothing has happened then.
    """

    def __init__(self, objective: Objective, optimizer: Optimizer, plan: Plan, feed: Feed):
        arrangement = optimizer.arrangement
        stepped = [w for w in plan.wrt if plan.reaches(w)]
        if arrangement is None or arrangement.alone or arrangement.parameters != stepped:
            raise ValueError("the optimizer has put its parameters together in another way")
        self._made_for, self._settings = (optimizer, arrangement), settings_of(optimizer)
        self._groups, self._changing = arrangement.together, type(optimizer).rule.changing["cuda"]
        averages = objective.averages.averages
        if len(set(averages)) < len(averages):
            raise ValueError("a moving average is moved twice")
        self._averages = [Together(averages, 0, [[] for _ in averages])] if averages else []
        self._values = [xp().empty_like(x.value()) for x in (*self._groups, *self._averages)]
        if any(x.dtype != FLOAT for x in self._values):
            raise TypeError("the kernels of optimizers compute in float32")
        if averages:  # of what a batch has shown, to the averages
            shares = [np.full(w.value.size, 1 - m, FLOAT) for _, w, m in objective.averages.moved]
            self._shares = xp().asarray(np.concatenate(shares))
        fed = {x: feed[x] for _, x in plan.leaves if x.value is None}
        self._inputs = {x: xp().empty(given.shape, given.dtype) for x, given in fed.items()}
        self._places: dict[Tensor, Array] = dict(self._inputs)
        for some, values in zip((*self._groups, *self._averages), self._values, strict=True):
            self._places |= zip(some.parameters, some.parts(values), strict=True)
        self._fixed: dict[Tensor, Any] = {}  # frozen parameters and constants, as they came
        for _, tensor in plan.leaves:
            if tensor not in self._places and hasattr(tensor.value, "shape"):
                self._places[tensor] = xp().array(on_device(tensor.value))
                self._fixed[tensor] = tensor.value
        self._numbers = xp().empty(len(plan.losses) + 2 * len(self._groups), FLOAT)
        self._sent: list[float] = []
        self._bring(objective, optimizer, feed)
        self._captured = Captured(lambda: self._work(objective, optimizer, plan))
        self._tape, self._told, self._new = self._captured.found
        self._singles = singles(self._tape)
        self._free: list[Any] = ["the memory of the tape"]  # unless somebody holds it
        self.made = 0  # steps

    def belongs_to(self, optimizer: Optimizer) -> bool:
        """Is this still what the optimizer would do?"""
        made_for, arrangement = self._made_for
        is_same = optimizer is made_for and optimizer.arrangement is arrangement
        return is_same and settings_of(optimizer) == self._settings

    def _bring(self, objective: Objective, optimizer: Optimizer, feed: Feed) -> None:
        """Put everything where the graph reads it."""
        for tensor, place in self._inputs.items():
            place[...] = feed[tensor]
        for some, values in zip((*self._groups, *self._averages), self._values, strict=True):
            values[...] = some.value()
        for tensor, value in self._fixed.items():
            if tensor.value is not value:
                self._fixed[tensor] = tensor.value
                self._places[tensor][...] = on_device(tensor.value)
        rate, numbers = optimizer.learning_rate, objective.weight_list
        for some in self._groups:
            numbers += self._changing(optimizer, rate, some.steps + 1)
        if numbers != self._sent:
            with np.errstate(over="ignore"):  # infinity shows in what comes of it
                self._numbers.set(np.array(numbers, FLOAT))
            self._sent = numbers

    def _work(self, objective: Objective, optimizer: Optimizer, plan: Plan) -> Any:
        """What is captured: the tape, what is told of it, and all new values, by group."""
        losses, numbers = len(plan.losses), self._numbers
        with set_apart() as asked:
            tape = plan.forward(self._places, training=True)
            gradients = swept(plan, tape, [numbers[k] for k in range(losses)])
        known = [tape.values[slot] for slot in singles(tape)]
        told, bad = xp().empty(len(known) + 1, FLOAT), xp().empty((), "int32")
        for n, number in enumerate(known):
            told[n] = number
        xp().logical_not(xp().isfinite(told[:-1]).all(), out=bad)
        for wrong in {id(x.array): x.array for x in asked if x.explain}.values():
            xp().logical_or(bad, wrong, out=bad)
        new = []
        for n, some in enumerate(self._groups):
            own, changing = self._values[n], numbers[losses + 2 * n : losses + 2 * n + 2]
            flat = side_by_side(some, own, [gradients[w] for w in some.parameters])
            given = own, flat, 0.0, 1, *some.slots
            twins = type(optimizer).rule.compiled
            found = by_twin(twins, own, optimizer, *given, bad=bad, changing=changing)
            if found is NotImplemented:
                raise TypeError("the optimizer has no kernel for this")
            new.append(found)
        for some in self._averages:
            own, statistics = self._values[-1], objective.averages.statistics
            seen = side_by_side(some, own, [plan.value(tape, x) for x in statistics])
            new.append([own + self._shares * (seen - own)])
            wrong = xp().logical_not(xp().isfinite(new[-1][0]).all())
            xp().logical_or(bad, wrong, out=bad)
        told[-1] = bad
        return tape, told, new

    def run(self, objective: Objective, optimizer: Optimizer, feed: Feed) -> Tape | None:
        """Make the step; None if it would not end well, or somebody holds the last tape."""
        if not self._free:
            return None
        settle()
        self._bring(objective, optimizer, feed)
        self._captured.launch()
        if self.made < PROOFS:
            self._prove(objective, optimizer)
        *told, bad = self._told.get().tolist()
        if bad:
            return None
        for some, (value, *slots) in zip((*self._groups, *self._averages), self._new, strict=True):
            some.take_step(value.copy(), *slots)
        optimizer.step += 1
        self.made += 1
        values, outputs, backs, _ = self._tape
        tape = CapturedTape(values, outputs, backs, dict(zip(self._singles, told, strict=True)))
        tape.lender, tape.free = self._free.pop(), self._free
        return tape

    def _prove(self, objective: Objective, optimizer: Optimizer) -> None:
        """See that the graph has found what the same work finds, step by step, on this batch."""
        _, told, new = self._work(objective, optimizer, objective.plan())
        pairs = [(self._told, told)]
        for mine, others in zip(self._new, new, strict=True):
            pairs += zip(mine, others, strict=True)
        if not all(agree(x, y) for x, y in pairs):
            raise Disagreement("a graph has found other numbers than the work that it stands for")


def agree(x: Array, y: Array) -> bool:
    """Are they equal but for rounding? NaN equals NaN."""
    x, y = to_numpy(x), to_numpy(y)
    is_finite = np.isfinite(y)
    gap, size = abs((x - y)[is_finite]).max(initial=0), abs(y[is_finite]).max(initial=0)
    return np.array_equal(np.isfinite(x), is_finite) and bool(gap <= AGREEMENT * size)


def settings_of(optimizer: Optimizer) -> dict[str, Any]:
    """The numbers that its kernels are told once and for all."""
    numbers = {n: x for n, x in vars(optimizer).items() if isinstance(x, int | float)}
    return {n: x for n, x in numbers.items() if n[0] != "_" and n != "step"}


def singles(tape: Tape) -> list[int]:
    """The slots of single numbers."""
    return [n for n, x in enumerate(tape.values) if getattr(x, "shape", None) == ()]


def side_by_side(some: Together, like: Array, arrays: Sequence[Array]) -> Array:
    """Arrays for some parameters in one, copied one by one: to concatenate is to send addresses."""
    flat = xp().empty_like(like)
    for part, x in zip(some.parts(flat), arrays, strict=True):
        part[...] = x
    return flat
