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
from ..naming import did_you_mean, name_of
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
    known = values_here(objective, plan, tape, losses)
    if needs == "losses":
        if all(map(isfinite, losses)):
            names = [list(objective.terms)[k] for k in objective.balanced]
            objective.weights.put(dict(zip(names, method.balance(known).tolist(), strict=True)))
        return swept(plan, tape, objective.weight_list)
    rows = Rows(plan, tape, objective.balanced, needs == "rows", grouped_for(objective))
    if not all(map(isfinite, losses)):
        return rows.mixed(objective.weight_list)
    return asked(objective, method, known, rows)


def asked(objective: Objective, method: Any, known: np.ndarray, rows: Rows) -> dict[Parameter, Any]:
    """Let a method weigh, or mix, the rows."""
    names = [list(objective.terms)[k] for k in objective.balanced]
    if method.needs == "rows":
        objective.weights.put(dict(zip(names, method.balance(known).tolist(), strict=True)))
        return rows.mixed(objective.weight_list, method.mixed)
    grams = looked_at(method, rows.grams())
    gram = sum(grams.values(), np.zeros((len(names), len(names))))
    if not np.isfinite(gram).all():
        return rows.mixed(objective.weight_list)
    if method.per == "model":
        found = method.balance(known, gram).tolist()
        objective.weights.put(dict(zip(names, found, strict=True)))
        return rows.mixed(objective.weight_list)
    objective.weights.put(dict.fromkeys(names, 1.0))
    each = method.balance_each(known, grams).items()
    weights = {name: dict(zip(objective.balanced, w.tolist(), strict=True)) for name, w in each}
    return rows.mixed(objective.weight_list, by_group=weights)


def grouped_for(objective: Objective) -> Callable[[Parameter], str]:
    """What the Gram matrix of a parameter is added to: that of its layer, or one for all."""
    method: Any = objective.balancer
    names = objective.contents.names
    if method.per == "parameter":
        return lambda w: names[w]
    if method.per == "layer" or method.on:
        return lambda w: names[w].rpartition("/")[0]
    return lambda w: ""


def looked_at(method: Any, grams: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Those of the layers that the method names."""
    if not method.on:
        return grams
    missing = [layer for layer in method.on if not any(within(name, layer) for name in grams)]
    if missing:
        raise ValueError(
            f"{name_of(method)}: on: no two balanced losses train a layer called {missing[0]!r}; "
            f"{did_you_mean(missing[0], grams)}"
        )
    return {name: g for name, g in grams.items() if any(within(name, one) for one in method.on)}


def within(name: str, layer: str) -> bool:
    return f"{name}/".startswith(f"{layer}/")


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
    group : function
        Of a parameter, the name of what its Gram matrix is added to. Default: one for all.

    Attributes
    ----------
    packs : list of (tuple of int, list of Parameter, rows)
        The losses that reach these parameters, and their rows, (losses, ...): an array, a
        `SparseGradient` or `FactoredGradient`, or, of several small parameters, one array of all.
    """

    def __init__(
        self,
        plan: Plan,
        tape: Tape,
        balanced: Sequence[int],
        apart: bool = False,
        group: Callable[[Parameter], str] = lambda w: "",
    ):
        self.balanced, self.group = list(balanced), group
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
                several, flat = small.setdefault((losses, rows.dtype, group(w)), ([], []))
                several.append(w)
                flat.append(rows.reshape(len(losses), -1))
        for (losses, *_), (several, flat) in small.items():
            together = array_module(flat[0]).concatenate(flat, axis=1)
            self.packs.append((losses, several, together))

    def gram(self) -> np.ndarray:
        """Inner products of the balanced losses' gradients on what at least two of them reach."""
        return sum(self.grams().values(), np.zeros((len(self.balanced), len(self.balanced))))

    def grams(self) -> dict[str, np.ndarray]:
        """The same by group, in the order of their names."""
        found: dict[str, np.ndarray] = {}
        for losses, several, rows in self.packs:
            shared = [(row, k) for row, k in enumerate(losses) if k in self.balanced]
            if len(shared) < 2:
                continue
            numbers = numbers_of(rows)
            if len(shared) < len(losses):
                numbers = numbers[[row for row, _ in shared]]
            name, own = self.group(several[0]), [self.balanced.index(k) for _, k in shared]
            if name not in found:
                found[name] = np.zeros((len(self.balanced), len(self.balanced)))
            found[name][np.ix_(own, own)] += to_numpy(products_of(numbers))
        return dict(sorted(found.items()))

    def mixed(
        self,
        weights: Sequence[float],
        method: Any = None,
        by_group: Mapping[str, Mapping[int, float]] | None = None,
    ) -> dict[Parameter, Any]:
        """The gradient of the weighted loss.

        A method may mix the rows that are shared, and a group may have weights of its own.
        """
        found: dict[Parameter, Any] = {}
        for losses, several, rows in self.packs:
            own = by_group.get(self.group(several[0]), {}) if by_group else {}
            factors = [own.get(k, weights[k]) for k in losses]
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
