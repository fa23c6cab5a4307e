"""Which tasks should share a network? Groups by branch and bound (Standley et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from math import inf

Group = tuple[str, ...]  # of tasks, by name
Losses = Mapping[str, float]  # by task


def higher_order(alone: Losses, pairs: Mapping[Group, Losses]) -> dict[Group, dict[str, float]]:
    """What networks of any number of tasks are expected to score, from those of one and two.

    The loss of a task in a group is the mean of its losses in the pairs with each of the others.

    >>> pairs = {("a", "b"): {"a": 1.0, "b": 2.0}, ("a", "c"): {"a": 3.0, "c": 1.0},
    ...     ("b", "c"): {"b": 4.0, "c": 2.0}}
    >>> higher_order({"a": 2.0, "b": 2.0, "c": 2.0}, pairs)["a", "b", "c"]
    {'a': 2.0, 'b': 3.0, 'c': 1.5}
    """
    names = list(alone)
    known = [{*pair} for pair in pairs]
    for two in combinations(names, 2):
        if {*two} not in known:
            raise ValueError(f"higher_order: pairs lack that of {two[0]!r} and {two[1]!r}")
    found: dict[Group, dict[str, float]] = {(name,): {name: alone[name]} for name in names}
    for size in range(2, len(names) + 1):
        for group in combinations(names, size):
            found[group] = {
                name: sum(
                    its[name] for pair, its in pairs.items() if name in pair and {*pair} <= {*group}
                )
                / (size - 1)
                for name in group
            }
    return found


def best_groups(
    candidates: Mapping[Group, Losses],
    budget: float,
    cost: Callable[[Group], float] = lambda g: 1.0,
) -> tuple[list[Group], float]:
    """The groups, within a budget, with which the sum of all tasks' losses is smallest.

    Each task is read from the network that does it best; tasks may be trained in several.

    Parameters
    ----------
    candidates : dict of dicts of float
        By group: the loss of each of its tasks.
    budget : float
        What the networks may cost together.
    cost : function of a group, optional
        Default: each network costs 1.

    Examples
    --------
    >>> together = {("a",): {"a": 1.0}, ("b",): {"b": 1.0}, ("c",): {"c": 1.0},
    ...     ("a", "b"): {"a": 0.5, "b": 0.75}, ("a", "b", "c"): {"a": 2.0, "b": 2.0, "c": 2.0}}
    >>> best_groups(together, budget=2)
    ([('a', 'b'), ('c',)], 2.25)
    >>> best_groups(together, budget=1)
    ([('a', 'b', 'c')], 6.0)
    """
    tasks = list(dict.fromkeys(name for group in candidates for name in group))
    order = sorted(candidates, key=lambda group: (-len(group), sum(candidates[group].values())))
    rest: list[dict[str, float]] = [dict.fromkeys(tasks, inf)]  # the best that is still to come
    for group in reversed(order):
        rest.append(smaller(rest[-1], candidates[group]))
    rest.reverse()
    best: tuple[list[Group], float] = [], inf

    def search(n: int, chosen: list[Group], losses: dict[str, float], left: float) -> None:
        nonlocal best
        total = sum(losses.values())
        if total < best[1]:
            best = list(chosen), total
        if n == len(order) or sum(smaller(losses, rest[n]).values()) >= best[1]:
            return  # even with everything that is left it would be no better
        price = cost(order[n])
        if price <= left:
            its = smaller(losses, candidates[order[n]])
            search(n + 1, [*chosen, order[n]], its, left - price)
        search(n + 1, chosen, losses, left)

    search(0, [], dict.fromkeys(tasks, inf), budget)
    if best[1] == inf:
        raise ValueError(f"best_groups: no groups within a budget of {budget:g} do all tasks")
    return best


def smaller(one: Losses, other: Losses) -> dict[str, float]:
    return {name: min(loss, other.get(name, inf)) for name, loss in one.items()}
