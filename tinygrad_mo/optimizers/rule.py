"""A rule: the formula of an optimizer, and all that is true of this formula alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, sqrt
from types import MethodType
from typing import Any, NoReturn

import numpy as np

from .. import device
from ..device import Array, array_module, by_twin, in_parts
from ..questions import flag, on_gpu, refuse_if_set
from .finite import NotFinite, all_finite, is_finite, refuse_if_not_finite

BLOCK = 1 << 16  # numbers per block: a few arrays of them fit into a core's cache
PER_NUMBER = 10  # its time, in multiplications


class Rule:
    """A method of an optimizer that says how a gradient changes a parameter.

    ``rule(w, g, rate, t, *slots)`` returns the new values of w, and behind them those of each slot
    if there are any. It changes no array, and works number by number: one call may serve several
    parameters, or a part of one. Clipping and weight decay come before it.

    ==========  ==========================================================================
    w, g        a parameter and its gradient, or parts of them: flat arrays
    rate        the learning rate of this step
    t           which step of this parameter it is: 1, 2 ...
    slots       what the optimizer keeps of the parameter, each of the same shape
    ==========  ==========================================================================

    A subclass that writes a `rule` of its own has a `Rule` of its own: it takes neither the
    `at_rest` nor the twins of its parent's.

    Parameters
    ----------
    formula : function
        ``formula(optimizer, w, g, rate, t, *slots)``.

    Attributes
    ----------
    fused : function, optional
        ``fused(optimizer, g, rate, t, old, new)`` does what the formula does, to the bit, on
        NumPy's arrays: from ``old = [w, *slots]`` into ``new``, with fewer arrays in between. It
        returns some of the new arrays: g and all that is new are finite if these are; or
        NotImplemented, and then the formula is asked.
    compiled : dict
        By device ("cpu", "cuda"), a twin of weight decay and formula. It returns the same, in new
        arrays, and has seen that all is finite; or NotImplemented, and then the formula is asked.
        One for "cuda" is given an array `bad` of shape (), 0, and makes it 1 if anything is not
        finite.
    changing : dict
        By device, ``changing(optimizer, rate, t)``: the numbers that a twin reads from an array, if
        it is given one with the name `changing`, so that its launch can be repeated.
    compiled_in_place : dict
        By device, a twin for those entries of a table that a batch has read:
        ``twin(optimizer, table, g, rate, slots, left)``, with the names of
        `tables.step_where_read`. It returns a function that takes the step, in place; or
        NotImplemented. It is asked where `ends_finite`.
    """

    fused: Callable[..., Sequence[Array]] | None = None

    def __init__(self, formula: Callable[..., Any]):
        self.formula = formula
        self.compiled: dict[str, Callable[..., Any]] = {}
        self.changing: dict[str, Callable[..., tuple[float, ...]]] = {}
        self.compiled_in_place: dict[str, Callable[..., Any]] = {}
        self.shares_at_rest: Callable[[Any], tuple[float, ...] | None] = lambda optimizer: None
        self.largest_addition: Callable[[Any, float, float], float] = lambda *given: inf
        self.__doc__ = formula.__doc__

    def __get__(self, optimizer: Any, owner: Any = None) -> Any:
        return self if optimizer is None else MethodType(self.formula, optimizer)

    def __set__(self, optimizer: Any, value: Any) -> None:
        raise AttributeError("a rule belongs to a class: write a subclass with another one")

    def at_rest(self, shares: Callable[[Any], tuple[float, ...] | None]) -> Callable[[Any], Any]:
        """Decorate the method that says what a gradient of 0 does.

        It returns, by slot, the share of itself that is left after such a step, if the step moves
        no weight. Entries of a table that a batch has not read are then left alone until they are
        read. None: weights move without a gradient, too (momentum, weight decay ...).
        """
        self.shares_at_rest = shares
        return shares

    def reach(self, addition: Callable[[Any, float, float], float]) -> Callable[..., float]:
        """Decorate the method that says how far a step goes, where slots are left at rest.

        ``addition(optimizer, rate, largest)`` is more than anything that is added to a number of w
        or of a slot, if no number of the gradient is larger. Default: infinity.
        """
        self.largest_addition = addition
        return addition

    def ends_finite(self, optimizer: Any, g: Array, rate: float) -> bool:
        """Is it certain beforehand that a step leads from finite numbers to finite ones?

        It is if what is added is less than half the distance of the two largest floats: even those
        are not rounded up to infinity then.
        """
        limits, largest = np.finfo(g.dtype), sqrt(array_module(g).vdot(g, g))
        return self.largest_addition(optimizer, rate, largest) < float(limits.max * limits.eps / 8)

    def after_step(
        self, optimizer: Any, w: Array, g: Array, rate: float, t: int, slots: Sequence[Array]
    ) -> list[Array]:
        """What a step makes of flat arrays: w and the slots, in new arrays, all finite.

        Raises
        ------
        NotFinite
            If anything is not; of arrays of a GPU as soon as somebody settles what is asked.
        """
        if g.dtype != w.dtype:
            g = real_numbers(g).astype(w.dtype)
        if on_gpu(w):
            return self.after_step_on_gpu(optimizer, w, g, rate, t, slots)
        if w.size >= device.WORTH_A_CALL:
            found = by_twin(self.compiled, w, optimizer, w, g, rate, t, *slots)
            if found is not NotImplemented:
                return found
        old = [w, *slots]
        new = list(map(np.empty_like, old))
        starts = range(0, w.size, BLOCK)

        def work(part: slice) -> None:
            for start in starts[part]:
                place = slice(start, start + BLOCK)
                some, to = ([a[place] for a in arrays] for arrays in (old, new))
                tell: Any = NotImplemented
                if self.fused:
                    decayed = [after_decay(optimizer, some[0], rate), *some[1:]]
                    tell = self.fused(optimizer, g[place], rate, t, decayed, to)
                if tell is not NotImplemented:
                    if not all_finite(tell):
                        self.look_at_all(optimizer, g[place], to)
                else:
                    found = self.after_step_of_few(optimizer, some[0], g[place], rate, t, some[1:])
                    for room, x in zip(to, found, strict=True):
                        room[...] = x

        in_parts(len(starts), work, cost=PER_NUMBER * w.size)
        return new

    def after_step_on_gpu(
        self, optimizer: Any, w: Array, g: Array, rate: float, t: int, slots: Sequence[Array]
    ) -> list[Array]:
        """The same, where nobody waits to see whether all is finite."""
        bad = flag("step")
        new = by_twin(self.compiled, w, optimizer, w, g, rate, t, *slots, bad=bad)
        if new is NotImplemented:
            return list(self.after_step_of_few(optimizer, w, g, rate, t, slots))

        def refuse() -> NoReturn:
            raise NotFinite("values" if is_finite(g) else "gradient")  # or a slot, unwritten by it

        refuse_if_set(bad, refuse)
        return new

    def after_step_of_few(
        self, optimizer: Any, w: Array, g: Array, rate: float, t: int, slots: Sequence[Array]
    ) -> Sequence[Array]:
        """The same by the formula, without further ado: w or g may be among what it returns."""
        if g.dtype != w.dtype:
            g = real_numbers(g).astype(w.dtype)
        found = self.formula(optimizer, after_decay(optimizer, w, rate), g, rate, t, *slots)
        new = found if isinstance(found, tuple) else (found,)
        if len(new) != 1 + len(slots) or {x.shape for x in new} != {w.shape}:
            raise ValueError(
                f"the rule of {type(optimizer).__name__} must return {1 + len(slots)} arrays of "
                f"shape {w.shape}, the new {', '.join(('w', *optimizer.slots))}; it has returned "
                f"{len(new)}: {', '.join(str(x.shape) for x in new)}"
            )
        if isinstance(w, np.ndarray):
            if not all_finite((g, *new)):
                self.look_at_all(optimizer, g, new)
        else:
            refuse_if_not_finite((g, *new), lambda: self.look_at_all(optimizer, g, new))
        return new

    def look_at_all(self, optimizer: Any, g: Array, new: Sequence[Array]) -> None:
        """Raise `NotFinite` if infinity or NaN is there, and not only very large numbers."""
        for name, x in zip(("gradient", "values", *optimizer.slots), (g, *new), strict=True):
            if not is_finite(x):
                raise NotFinite(name)


def after_decay(optimizer: Any, w: Array, rate: float) -> Array:
    """What weight decay leaves of w before a step."""
    share = rate * optimizer.weight_decay
    return w - share * w if share else w


def real_numbers(g: Array) -> Array:
    """A gradient, if NumPy would not drop a part of it."""
    if g.dtype.kind == "c":
        raise TypeError(f"a gradient holds {g.dtype}, not real numbers")
    return g
