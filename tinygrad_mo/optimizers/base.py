"""What optimizers share: slots, clipping, and a step on all parameters or on none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite, sqrt
from typing import Any

import numpy as np

from ..compiled import update, update_entries
from ..device import Array, array_module, drop_subnormal, lock
from ..engine.graph import Parameter
from ..ops import SparseGradient, dense_gradient
from ..pool import in_parts
from ..recipes import Recipe, refuse_unknown
from .joined import Joined, by_size, side_by_side
from .tables import Behind, own_array, shrink_entries

BLOCK = 1 << 16  # elements per block: a few arrays of them fit into a core's cache


class Optimizer(Recipe):
    """The common part: the slots (running averages ...) of each parameter, and the step count.

    A subclass names its `slots` and writes `rule(w, g, step, *slots)`, which updates the slots in
    place and returns the new values of w.

    Parameters
    ----------
    learning_rate : float or function
        Size of a step; a function of the step, such as one of `tinygrad_mo.schedules`, is asked
        before each.
    clipvalue : float, optional
        Cut every number of a gradient to between ``-clipvalue`` and ``clipvalue``.
    clipnorm : float, optional
        Scale the gradient of each parameter down to this norm, if it is longer.
    global_clipnorm : float, optional
        Scale all gradients together down to this norm, which keeps their direction (Pascanu et
        al. 2013).
    """

    slots: tuple[str, ...] = ()
    slot_start = 0.0
    # By slot, what a gradient of 0 multiplies it with, if such a gradient moves no weight: entries
    # of a table that a batch has not read are then left alone, and catch up when they are read.
    # None (momentum, weight decay ...): weights move without a gradient, too.
    decay: tuple[float, ...] | None = None

    def __init__(
        self,
        learning_rate: Any,
        clipvalue: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        **unknown: Any,
    ):
        refuse_unknown(type(self), unknown)
        limits = {
            "clipvalue": clipvalue, "clipnorm": clipnorm, "global_clipnorm": global_clipnorm
        }  # fmt: skip
        given = {name: limit for name, limit in limits.items() if limit is not None}
        if len(given) > 1 or any(not limit > 0 for limit in given.values()):
            raise ValueError(f"give one of clipvalue, clipnorm, global_clipnorm, above 0: {given}")
        self.clipvalue, self.clipnorm, self.global_clipnorm = limits.values()
        self.step = 0
        self._slots: dict[Parameter, list[Array]] = {}
        self._behind: dict[Parameter, Behind] = {}
        self._together = Joined([], [])
        self._rate: Any = None
        self.learning_rate = learning_rate

    @property
    def learning_rate(self) -> float:
        """Size of the next step. It can be set at any time, unless it follows a schedule."""
        return float(self._rate(self.step)) if callable(self._rate) else self._rate

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        if callable(self._rate) and not callable(rate):
            raise ValueError(
                f"the learning rate follows {type(self._rate).__name__}, it cannot be set to "
                f"{rate}, too: give the optimizer a number first, or leave out what sets it"
            )
        if not callable(rate) and not (isinstance(rate, int | float) and 0 < rate < float("inf")):
            raise ValueError(f"the learning rate must be a number above 0, not {rate!r}")
        self._rate = rate

    @property
    def follows_schedule(self) -> bool:
        """Is the learning rate a function of the step?"""
        return callable(self._rate)

    @property
    def state(self) -> dict[Parameter, list[Array]]:
        """The slots of each parameter, all up to date."""
        for parameter in list(self._behind):
            self._catch_up(parameter)
        return self._slots

    def memory(self) -> dict[Parameter, dict[str, Array]]:
        """The arrays by name from which training goes on with the same bits (and not copies)."""
        found = {w: dict(zip(self.slots, s, strict=True)) for w, s in self._slots.items()}
        for w, behind in self._behind.items():
            found[w] |= {"steps": np.array(behind.steps), "seen": behind.seen}
        return found

    def remember(self, memory: Mapping[Parameter, Mapping[str, Array]]) -> None:
        """Go on from what `memory` gave; the arrays are then the optimizer's own."""
        self._slots = {w: [arrays[name] for name in self.slots] for w, arrays in memory.items()}
        self._behind, self._together = {}, Joined([], [])
        for w, arrays in memory.items():
            if "seen" in arrays:
                self._behind[w] = behind = Behind(w.value)
                behind.steps, behind.seen = int(arrays["steps"]), arrays["seen"]

    def rule(self, w: Array, g: Array, step: int, *slots: Array) -> Array:
        raise NotImplementedError

    def apply(self, gradients: Mapping[Parameter, Any]) -> None:
        """Make one step on all parameters, or, if a gradient is not finite, on none.

        Parameters
        ----------
        gradients : dict
            The gradient of each parameter, in its shape: an array, or a `SparseGradient`.

        Raises
        ------
        FloatingPointError
            If a gradient holds NaN or infinity; no parameter has changed then.
        """
        small, large = by_size(gradients)
        together = side_by_side([gradients[w] for w in small])
        if not all(map(is_finite, (together, *(gradients[w] for w in large)))):
            refuse_step(gradients)
        clipped = self._clipped(gradients)
        if clipped is not gradients:
            together = side_by_side([clipped[w] for w in small])
        if not gradients.keys() <= self._slots.keys():
            self._make_slots(gradients)
        if small:
            self._step_together(small, together)
        for parameter in large:
            g = clipped[parameter]
            if isinstance(g, SparseGradient) and self.decay is not None:
                self._step_where_read(parameter, g, self.decay)
            else:
                self._step_everywhere(parameter, dense_gradient(g))
        self.step += 1

    def _clipped(self, gradients: Mapping[Parameter, Any]) -> Mapping[Parameter, Any]:
        if self.clipvalue is not None:
            limit = self.clipvalue
            return {w: g.clip(-limit, limit) for w, g in gradients.items()}
        if self.clipnorm is not None:
            return {w: g * shrink(norm(g), self.clipnorm) for w, g in gradients.items()}
        if self.global_clipnorm is not None:
            whole = sqrt(sum(norm(g) ** 2 for g in gradients.values()))
            return {w: g * shrink(whole, self.global_clipnorm) for w, g in gradients.items()}
        return gradients

    def _make_slots(self, parameters: Iterable[Parameter]) -> None:
        for w in parameters:
            if w not in self._slots:
                start = array_module(w.value).full(w.shape, self.slot_start, w.dtype)
                self._slots[w] = [start.copy() for _ in self.slots]

    def _step_together(self, parameters: list[Parameter], g: Array) -> None:
        """The step of small parameters, side by side in one array: their slots are parts of one."""
        together = self._together
        if parameters != together.parameters:
            self._together = together = Joined(parameters, [self._slots[w] for w in parameters])
            self._slots.update(zip(parameters, together.parts_of_slots(), strict=True))
        for parameter in self._behind.keys() & parameters if self._behind else ():
            self._catch_up(parameter)
        value, slots = together.value(), together.slots
        large = value.size > BLOCK
        step = self.step + 1
        together.assign(
            self._updated(value, g, slots) if large else self.rule(value, g, step, *slots)
        )
        if (self.step + 1) % 64 == 0:
            for slot in together.slots:
                drop_subnormal(slot)

    def _step_everywhere(self, parameter: Parameter, g: Array) -> None:
        self._catch_up(parameter)
        slots = self._slots[parameter]
        parameter.assign(self._updated(parameter.value, g, slots))
        if (self.step + 1) % 64 == 0:  # averages of what no longer gets a gradient decay
            for slot in slots:
                drop_subnormal(slot)

    def _step_where_read(
        self, parameter: Parameter, g: SparseGradient, decay: tuple[float, ...]
    ) -> None:
        """The same step for a table of which a batch has read few entries, and only on these."""
        value, slots = own_array(parameter), self._slots[parameter]
        if parameter not in self._behind:
            self._behind[parameter] = Behind(value)
        behind = self._behind[parameter]
        faded = behind.faded(decay, g.ids)
        done = update_entries(self, value, g.ids, g.values, slots, faded)  # compiled
        many = max(1, BLOCK // max(1, value.shape[-1]))
        for start in range(0, 0 if done else len(g.ids), many):
            part = slice(start, start + many)
            ids = g.ids[part]
            now = [slot.take(ids, axis=0) for slot in slots]
            for slot, share in zip(now, faded, strict=True):
                shrink_entries(slot, share[part])
            value[ids] = self.rule(value.take(ids, axis=0), g.values[part], self.step + 1, *now)
            for slot, new in zip(slots, now, strict=True):
                slot[ids] = new
        behind.steps += 1
        behind.seen[g.ids] = behind.steps
        lock(value)

    def _catch_up(self, parameter: Parameter) -> None:
        if parameter in self._behind and self.decay is not None:
            self._behind.pop(parameter).catch_up(self._slots[parameter], self.decay)

    def _updated(self, value: Array, g: Array, slots: list[Array]) -> Array:
        new = array_module(g).empty(value.shape, value.dtype)
        if update(self, value, g, self.step + 1, slots, new):  # compiled
            return new
        arrays = [a.reshape(-1) for a in (value, g, *slots, new)]
        starts = range(0, value.size, BLOCK)

        def work(part: slice) -> None:
            for start in starts[part]:
                w, grad, *state, out = (a[start : start + BLOCK] for a in arrays)
                out[...] = self.rule(w, grad, self.step + 1, *state)

        in_parts(len(starts), work, cost=10 * value.size)
        return new


def is_finite(g: Any) -> bool:
    numbers = g.values if isinstance(g, SparseGradient) else g
    square = array_module(numbers).vdot(numbers, numbers)  # may be infinite, too, if they are not
    return isfinite(square) or bool(array_module(numbers).isfinite(numbers).all())


def refuse_step(gradients: Mapping[Parameter, Any]) -> None:
    """The error that names the parameter."""
    name = next(w for w, g in gradients.items() if not is_finite(g))
    raise FloatingPointError(
        f"the gradient of {name} is not finite, so no step was made: look for NaN in the data, a "
        f"log or division by 0, or a learning rate that is too high"
    )


def norm(g: Any) -> float:
    numbers = g.values if isinstance(g, SparseGradient) else g
    return float(array_module(numbers).linalg.norm(numbers))


def shrink(length: float, limit: float) -> float:
    """The factor that makes what is longer than `limit` just as long."""
    return limit / length if length > limit else 1.0
