"""The gradient of a step whose loss weights a method of `balancing` sets.

A method on losses is asked before the sweep, which is then as always. One on gradients gets them
from one sweep, one row per loss and parameter that the loss reaches; the training gradient is then
the weighted sum of these rows, and there is no second sweep. The Gram matrix is that of all
parameters which at least two of the balanced losses reach. (A loss has one gradient for a shared
layer: the sweep has added up its uses.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite, nan
from typing import Any

import numpy as np

from ..device import Array, array_module, to_numpy
from ..engine.graph import Parameter
from ..engine.plan import Plan, Tape
from ..naming import name_of
from ..ops import SparseGradient, dense_gradient
from ..ops.factored import FactoredGradient
from ..ops.products import inner_products, weighted_sum
from ..optimizers.finite import numbers_of
from .objective import Objective

SMALL = 1 << 14  # numbers of a parameter; the rows of smaller ones are put together


def gradients_of_step(
    objective: Objective, plan: Plan, tape: Tape, number: int, losses: Sequence[float]
) -> dict[Parameter, Any]:
    """Set the weights of this step, and find the gradient of the weighted loss."""
    method: Any = objective.balancer
    if method is None:
        return swept(plan, tape, objective.weight_list)
    needs = getattr(method, "needs", None)  # a function has none
    if needs is None:
        objective.balance(number, losses)
        return swept(plan, tape, objective.weight_list)
    if method.count and number % method.every:
        return swept(plan, tape, objective.weight_list)
    losses = list(map(float, losses))
    names = [list(objective.terms)[k] for k in objective.balanced]
    known = values_here(objective, plan, tape, losses)
    if needs == "losses":
        if all(map(isfinite, losses)):
            objective.weights.put(dict(zip(names, method.balance(known).tolist(), strict=True)))
        return swept(plan, tape, objective.weight_list)
    rows = Rows(plan, tape, objective.balanced, apart=needs == "rows")
    gram = rows.gram() if needs == "gram" else None
    asked = all(map(isfinite, losses)) and (gram is None or np.isfinite(gram).all())
    if asked:
        found = method.balance(known, gram).tolist()
        objective.weights.put(dict(zip(names, found, strict=True)))
    return rows.mixed(objective.weight_list, method.mixed if asked and needs == "rows" else None)


def swept(plan: Plan, tape: Tape, weights: Sequence[float]) -> dict[Parameter, Any]:
    """The gradient of the weighted loss for each parameter that it reaches."""
    found = plan.backward(tape, weights, sparse=True)
    return {w: g[0] for w, g in found.items() if g is not None}


def values_here(
    objective: Objective, plan: Plan, tape: Tape, losses: Sequence[float]
) -> np.ndarray:
    """The balanced losses; NaN where nothing in this batch counts."""
    counts = {term.count for term in objective.terms.values() if term.count is not None}
    found = dict(zip(counts, map(float, plan.numbers(tape, list(counts))), strict=True))
    terms = list(objective.terms.values())
    known = [losses[k] if found.get(terms[k].count, 1) else nan for k in objective.balanced]
    return np.array(known)


class Rows:
    """The gradient of each loss on each parameter, from one sweep.

    Parameters
    ----------
    plan, tape
    balanced : sequence of int
        The losses whose inner products are wanted.
    apart : bool
        Keep each parameter for itself, as an array: a method that draws random numbers for each
        then draws the same ones, however the gradients came.

    Attributes
    ----------
    packs : list of (tuple of int, list of Parameter, rows)
        The losses that reach these parameters, and their rows, (losses, ...): an array, a
        `SparseGradient` or `FactoredGradient`, or, of several small parameters, one array of all.
    """

    def __init__(self, plan: Plan, tape: Tape, balanced: Sequence[int], apart: bool = False):
        self.balanced = list(balanced)
        found = plan.backward(tape, [1.0] * len(plan.losses), per_loss=True, sparse=True)
        self.reached = [w for w, rows in found.items() if rows is not None]
        self.packs: list[tuple[tuple[int, ...], list[Parameter], Any]] = []
        small: dict[Any, tuple[list[Parameter], list[Array]]] = {}
        for w, rows in found.items():
            if rows is None:
                continue
            losses = plan.reaches(w)
            if apart:
                self.packs.append((losses, [w], dense_gradient(rows)))
            elif len(losses) == 1 or not_an_array(rows) or w.value.size > SMALL:
                self.packs.append((losses, [w], rows))
            else:
                several, flat = small.setdefault((losses, rows.dtype), ([], []))
                several.append(w)
                flat.append(rows.reshape(len(losses), -1))
        for (losses, _), (several, flat) in small.items():
            together = array_module(flat[0]).concatenate(flat, axis=1)
            self.packs.append((losses, several, together))

    def gram(self) -> np.ndarray:
        """Inner products of the balanced losses' gradients on what at least two of them reach."""
        total = np.zeros((len(self.balanced), len(self.balanced)))
        for losses, _, rows in self.packs:
            if len(losses) == 1:
                continue
            shared = [(row, k) for row, k in enumerate(losses) if k in self.balanced]
            if len(shared) > 1:
                numbers = numbers_of(rows)
                if len(shared) < len(losses):
                    numbers = numbers[[row for row, _ in shared]]
                products = to_numpy(products_of(numbers))
                if len(shared) < len(total):
                    own = [self.balanced.index(k) for _, k in shared]
                    total[np.ix_(own, own)] += products
                else:
                    total += products
        return total

    def mixed(self, weights: Sequence[float], method: Any = None) -> dict[Parameter, Any]:
        """The gradient of the weighted loss; a method may mix the rows that are shared."""
        found: dict[Parameter, Any] = {}
        for losses, several, rows in self.packs:
            factors = [weights[k] for k in losses]
            if len(factors) == 1 and factors[0]:
                found[several[0]] = rows[0] * factors[0]
                continue
            if isinstance(rows, FactoredGradient):
                found[several[0]] = rows.weighted_sum(factors)
                continue
            numbers = numbers_of(rows)
            shared = [row for row, k in enumerate(losses) if k in self.balanced] if method else []
            if len(shared) > 1:
                rest = [0.0 if row in shared else x for row, x in enumerate(factors)]
                mixed = method(numbers[shared])
                if mixed.shape != numbers.shape[1:]:
                    raise ValueError(
                        f"{name_of(method)} must make one gradient of shape {numbers.shape[1:]} of "
                        f"the rows {numbers[shared].shape} of {several[0].label!r}, not "
                        f"{mixed.shape}"
                    )
                mixed = mixed + weighted_sum(numbers, rest)
            else:
                mixed = weighted_sum(numbers, factors)
            if isinstance(rows, SparseGradient):
                found[several[0]] = rows.with_values(mixed)
            else:
                found |= parted(mixed.reshape(-1), several)
        return {w: found[w] for w in self.reached}  # in the order in which a plain step has them


def not_an_array(rows: Any) -> bool:
    return isinstance(rows, SparseGradient | FactoredGradient)


def products_of(rows: Any) -> Array:
    """Inner products of rows (n, ...), whether they have been multiplied or not."""
    if isinstance(rows, FactoredGradient):
        return rows.inner_products()
    return inner_products(rows.reshape(len(rows), -1))


def parted(flat: Array, parameters: Sequence[Parameter]) -> Iterator[tuple[Parameter, Array]]:
    """One array of several parameters, given back to them."""
    start = 0
    for w in parameters:
        end = start + w.value.size
        yield w, flat[start:end].reshape(w.shape)
        start = end


def undone_if_refused(objective: Objective, step: Callable[..., Tape], *given: Any) -> Tape:
    """Make a step; if refused, the weights and what a method has learned stay as they were."""
    method: Any = objective.balancer
    if not hasattr(method, "memory"):
        return step(objective, *given)
    memory: Mapping[str, Any] = method.memory()
    weights = dict(objective.weights)
    try:
        return step(objective, *given)
    except BaseException:
        method.remember(memory)
        objective.weights.put(weights)
        raise
