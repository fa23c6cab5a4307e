"""Optimizers: how a gradient becomes a step.

The rules, defaults and the places of epsilon are those of Keras, so that numbers can be compared
one to one. A rule sees one block of a parameter at a time: what it computes with stays in cache.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from math import isfinite, sqrt
from operator import is_
from types import SimpleNamespace
from typing import Any

import numpy as np

from .backend import Array, array_module, drop_subnormal
from .graph import Parameter, lock
from .kernels import update, update_entries
from .naming import lookup
from .ops import SparseGradient, dense_gradient
from .pool import in_parts
from .recipes import Recipe, refuse_unknown

BLOCK = 1 << 16  # elements per block: a few arrays of them fit into a core's cache
SMALL = 1 << 13  # elements of a parameter that is worth joining with others


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


class Joined:
    """Small parameters as parts of one array, on which one operation serves them all."""

    def __init__(self, parameters: list[Parameter], slots: list[list[Array]]):
        self.parameters = parameters
        bounds = pairwise(accumulate((w.value.size for w in parameters), initial=0))
        self.places = [(slice(*span), w) for span, w in zip(bounds, parameters, strict=True)]
        self.slots = [side_by_side(of_each) for of_each in zip(*slots, strict=True)]
        self._value: Array = None
        self._parts: list[Array] = []

    def parts(self, array: Array) -> list[Array]:
        return [array[place].reshape(w.shape) for place, w in self.places]

    def parts_of_slots(self) -> list[list[Array]]:
        """By parameter."""
        slots = [self.parts(slot) for slot in self.slots]
        return [[parts[n] for parts in slots] for n in range(len(self.parameters))]

    def value(self) -> Array:
        """Of all parameters; joined anew where somebody has assigned to one of them."""
        values = [w.value for w in self.parameters]
        if all(map(is_, values, self._parts)) and self._parts:
            return self._value
        return side_by_side(values)

    def assign(self, value: Array) -> None:
        """A new array, whose parts are the new values of the parameters."""
        self._value, self._parts = value, self.parts(value)
        for w, part in zip(self.parameters, self._parts, strict=True):
            w.value = part


class Behind:
    """Which steps the slots of each entry of a table have seen: the others only made them decay."""

    def __init__(self, table: Array):
        self.steps = 0  # made on this table
        self.seen = array_module(table).zeros(len(table), int)  # by entry

    def catch_up(self, slots: list[Array], decay: tuple[float, ...]) -> None:
        """Let the slots decay by the steps that their entries have not seen."""
        for slot, share in zip(slots, self.faded(decay, slice(None)), strict=True):
            shrink_entries(slot, share)

    def faded(self, decay: tuple[float, ...], ids: Any) -> list[Array]:
        """To which share of itself each slot of some entries has shrunk in these steps."""
        missed = self.steps - self.seen[ids]
        return [factor**missed for factor in decay]


class SGD(Optimizer):
    """Stochastic gradient descent: ``w -= learning_rate * g``.

    Parameters
    ----------
    learning_rate : float
        Default: 0.01.
    momentum : float
        Between 0 and 1: ``v = momentum * v - learning_rate * g; w += v`` (Polyak 1964).
    nesterov : bool
        Look ahead: ``w += momentum * v - learning_rate * g`` (Nesterov 1983).
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **clipping: float,
    ):
        super().__init__(learning_rate, **clipping)
        self.momentum, self.nesterov = in_unit_interval("momentum", momentum), nesterov
        self.slots = ("velocity",) if momentum else ()
        if not momentum and type(self).rule is SGD.rule:
            self.decay = ()

    def rule(self, w: Array, g: Array, step: int, *slots: Array) -> Array:
        move = -self.learning_rate * g
        if not slots:
            return w + move
        (velocity,) = slots
        velocity *= self.momentum
        velocity += move
        return w + (self.momentum * velocity + move if self.nesterov else velocity)


class RMSprop(Optimizer):
    """Divide by a running root mean square of the gradient (Tieleman & Hinton 2012).

    ``v = rho * v + (1 - rho) * g**2; w -= learning_rate * g / sqrt(v + epsilon)``

    Parameters
    ----------
    learning_rate, rho, epsilon : float
        Default: 0.001, 0.9 and 1e-7.
    momentum : float
        Default: 0.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        **clipping: float,
    ):
        super().__init__(learning_rate, **clipping)
        self.rho, self.momentum = (
            in_unit_interval("rho", rho),
            in_unit_interval("momentum", momentum),
        )
        self.epsilon = epsilon
        self.slots = ("mean_square", "velocity") if momentum else ("mean_square",)
        if not momentum and type(self).rule is RMSprop.rule:
            self.decay = (rho,)

    def rule(self, w: Array, g: Array, step: int, *slots: Array) -> Array:
        mean_square, *velocity = slots
        mean_square *= self.rho
        mean_square += (1 - self.rho) * (g * g)
        move = array_module(g).sqrt(mean_square + self.epsilon)
        array_module(g).divide(g, move, out=move)
        move *= self.learning_rate
        if not velocity:
            return w - move
        velocity[0] *= self.momentum
        velocity[0] += move
        return w - velocity[0]


class Adam(Optimizer):
    """Running means of the gradient and its square, corrected for their start (Kingma & Ba 2015).

    ``w -= learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)``

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
        Default: 0.001, 0.9, 0.999 and 1e-7.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    slots = ("mean", "mean_square")
    weight_decay = 0.0

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **clipping: float,
    ):
        super().__init__(learning_rate, **clipping)
        self.beta_1, self.beta_2 = (
            in_unit_interval("beta_1", beta_1),
            in_unit_interval("beta_2", beta_2),
        )
        self.epsilon = epsilon

    def rule(self, w: Array, g: Array, step: int, *slots: Array) -> Array:
        mean, mean_square = slots
        approach(mean, g, 1 - self.beta_1)
        approach(mean_square, g * g, 1 - self.beta_2)
        rate = self.learning_rate * sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        shrink = 1 - self.learning_rate * self.weight_decay
        move = array_module(g).sqrt(mean_square)
        move += self.epsilon
        array_module(g).divide(mean, move, out=move)
        move *= rate
        return (w if shrink == 1 else w * shrink) - move


class AdamW(Adam):
    """Adam with the weights pulled towards zero apart from the gradient (Loshchilov & Hutter 2019).

    Parameters
    ----------
    learning_rate, weight_decay, beta_1, beta_2, epsilon : float
        Default: 0.001, 0.004, 0.9, 0.999 and 1e-7. Each step also takes
        ``learning_rate * weight_decay * w`` off w.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, **options: Any):
        super().__init__(learning_rate, **options)
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay cannot be negative: {weight_decay}")
        self.weight_decay = weight_decay


class Adagrad(Optimizer):
    """Divide by the root of the sum of all squared gradients so far (Duchi et al. 2011).

    Parameters
    ----------
    learning_rate, initial_accumulator_value, epsilon : float
        Default: 0.001, 0.1 and 1e-7.
    clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.
    """

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **clipping: float,
    ):
        super().__init__(learning_rate, **clipping)
        self.slot_start, self.epsilon = initial_accumulator_value, epsilon
        if type(self).rule is Adagrad.rule:
            self.decay = (1.0,)

    def rule(self, w: Array, g: Array, step: int, *slots: Array) -> Array:
        (accumulator,) = slots
        accumulator += g * g
        return w - self.learning_rate * g / array_module(g).sqrt(accumulator + self.epsilon)


def shrink_entries(table: Array, shares: Array) -> None:
    """Multiply each entry by its share, in place."""
    table *= array_module(table).asarray(shares, table.dtype)[:, None]


def approach(mean: Array, x: Array, share: float) -> None:
    """``mean += share * (x - mean)``; in place there is less to move through the cache."""
    way = x - mean
    way *= share
    mean += way


def times_held(holder: Any) -> int:
    """How many references there are to a parameter's array."""
    value = holder.value
    return sys.getrefcount(value)


ALONE = times_held(SimpleNamespace(value=np.empty(0)))


def own_array(parameter: Parameter) -> Array:
    """The array of a parameter, to be written into, or a copy if anybody else holds it.

    A tape, a view, or whoever has kept `parameter.value` keeps the numbers that were there, as if
    the parameter had been given a new array; but a table is not copied for the sake of a few rows.
    """
    if times_held(parameter) > ALONE or parameter.value.base is not None:
        parameter.assign(parameter.value.copy())
    if isinstance(parameter.value, np.ndarray):
        parameter.value.setflags(write=True)
    return parameter.value


def by_size(gradients: Mapping[Parameter, Any]) -> tuple[list[Parameter], list[Parameter]]:
    """The small parameters, which one step can serve together, and the others."""
    small: list[Parameter] = []
    large: list[Parameter] = []
    for w, g in gradients.items():
        dense = not isinstance(g, SparseGradient)
        fits = dense and w.value.size <= SMALL and (not small or w.dtype == small[0].dtype)
        (small if fits else large).append(w)
    return small, large


def side_by_side(arrays: Sequence[Array]) -> Array:
    """One behind the other, flat."""
    xp = array_module(arrays[0]) if arrays else np
    return xp.concatenate([a.reshape(-1) for a in arrays]) if arrays else xp.zeros(0)


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


def in_unit_interval(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{name} lies between 0 and 1 (1 excluded), not {value}")
    return value


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "adagrad": Adagrad,
}


def get(optimizer: Any) -> Optimizer:
    """An optimizer by name (case does not matter), or as it is."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    return lookup("optimizer", str(optimizer).lower(), OPTIMIZERS)()
