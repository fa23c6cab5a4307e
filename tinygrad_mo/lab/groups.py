"""Which tasks of a system should share a network? What is free is judged by what was trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations
from math import isnan, nan
from statistics import mean
from typing import Any

import numpy as np

from ..balancing import Affinity, best_groups, higher_order
from ..balancing.affinity import affinity_on
from ..callbacks import Callback
from ..device import set_random_seed
from ..model import Model
from ..systems import System, Task
from .compare import divided, spread

Group = tuple[str, ...]
MOST = 6  # tasks: of more there are too many groups to train all
SEEDS = "trained, seed against seed"
EVERY, RATE = 10, 1e-4  # steps between two measurements of affinity, and of their step


@dataclass(frozen=True)
class Grouping:
    """What all groups of tasks score, and what was foretold.

    Attributes
    ----------
    system : str
    losses : dict of list of dict of float
        By group and seed: the loss of each task on held-back data, divided by its loss alone.
    chosen_by : dict of list of dict of float
        The same on the data that choose.
    first_order, look_ahead : ndarray, shape (seeds, K, K)
        Mean affinity while all tasks were trained together: row i, column j: of i to j.
    tasks : list of str
    """

    system: str
    losses: dict[Group, list[dict[str, float]]]
    chosen_by: dict[Group, list[dict[str, float]]]
    first_order: np.ndarray
    look_ahead: np.ndarray
    tasks: list[str]

    def gain(self, helper: str, task: str) -> list[float]:
        """By seed: how much smaller the loss of a task is beside another one than alone, in %."""
        group = next(g for g in self.losses if {*g} == {helper, task})
        return [100 * (1 - one[task]) for one in self.losses[group]]

    def table(self) -> str:
        """In Markdown: each ordered pair, what was trained and what was foretold."""
        rows = [
            ["task", "beside", "its loss is smaller by", "first order", "look ahead"],
            ["---", "---", "---:", "---:", "---:"],
        ]
        for j, task in enumerate(self.tasks):
            for i, helper in enumerate(self.tasks):
                if i != j:
                    free, ahead = self.first_order[:, i, j], self.look_ahead[:, i, j]
                    trained = f"{spread(self.gain(helper, task), 1, '+')} %"
                    cells = [spread(values.tolist(), 3, "+") for values in (free, ahead)]
                    rows.append([task, helper, trained, *cells])
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)

    def agreement(self) -> dict[str, float]:
        """Rank correlation of trained gains with each estimate, over the ordered pairs.

        And of the gains of one seed with those of another one; NaN if there is one seed.
        """
        pairs = [(i, j) for i in range(len(self.tasks)) for j in range(len(self.tasks)) if i != j]
        trained = [mean(self.gain(self.tasks[i], self.tasks[j])) for i, j in pairs]
        found = {}
        for name in ("first_order", "look_ahead"):
            table = getattr(self, name).mean(axis=0)
            found[name] = rank_correlation(trained, [table[i, j] for i, j in pairs])
        half = [self.gain(self.tasks[i], self.tasks[j]) for i, j in pairs]
        repeated = [
            rank_correlation([one[a] for one in half], [one[b] for one in half])
            for a, b in combinations(range(len(half[0])), 2)
        ]
        found[SEEDS] = mean(repeated) if repeated else nan
        return found

    def words(self) -> str:
        """Whether the estimates are of use."""
        found = self.agreement()
        repeat, once = found[SEEDS], isnan(found[SEEDS])
        lines = [
            f"Rank correlation with the trained gains of the pairs: first order "
            f"{found['first_order']:+.2f}, look ahead {found['look_ahead']:+.2f}; "
            + (
                "one seed does not say how well these repeat."
                if once
                else f"those of one seed with those of another one {repeat:+.2f}."
            )
        ]
        for name, said in (("first_order", "first-order affinity"), ("look_ahead", "look-ahead")):
            if found[name] < (0.5 if once else min(0.5, repeat)):
                lines.append(f"Here {said} does NOT tell which tasks help one another.")
        return " ".join(lines)

    def choices(self) -> str:
        """In Markdown: for each budget of networks, which groups who chooses, and their truth."""
        known: dict[Group, dict[str, float]] = {
            group: averaged(its) for group, its in self.chosen_by.items()
        }
        truth = {group: averaged(its) for group, its in self.losses.items()}
        alone = {name: known[(name,)][name] for name in self.tasks}
        pairs: dict[Group, dict[str, float]] = {g: known[g] for g in known if len(g) == 2}
        sources = {
            "all groups trained": known,
            "pairs trained": higher_order(alone, pairs),
            "first order": self.foretold(self.first_order.mean(axis=0)),
        }
        rows = [
            ["networks", "chosen by", "groups", "mean loss, alone = 1"],
            ["---:", "---", "---", "---:"],
        ]
        for budget in range(1, len(self.tasks) + 1):
            for source, candidates in sources.items():
                chosen, _ = best_groups(candidates, budget)
                score = mean(
                    truth[min((g for g in chosen if name in g), key=lambda g: candidates[g][name])][
                        name
                    ]
                    for name in self.tasks
                )
                shown = ", ".join("+".join(group) for group in chosen)
                rows.append([str(budget), source, shown, f"{score:.3f}"])
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)

    def foretold(self, table: np.ndarray) -> dict[Group, dict[str, float]]:
        """Losses as the affinity has them: minus the mean of what the others do for a task."""
        place = {name: n for n, name in enumerate(self.tasks)}
        return {
            group: {
                name: -mean([table[place[o], place[name]] for o in group if o != name] or [0.0])
                for name in group
            }
            for group in self.losses
        }


def averaged(seeds: list[dict[str, float]]) -> dict[str, float]:
    return {name: mean(one[name] for one in seeds) for name in seeds[0]}


def rank_correlation(a: Any, b: Any) -> float:
    """Spearman's.

    >>> round(rank_correlation([1, 2, 3], [2, 9, 30]), 6)
    1.0
    """
    first, second = (np.argsort(np.argsort(x)).astype(float) for x in (a, b))
    return float(np.corrcoef(first, second)[0, 1])


def group_tasks(
    system: System,
    seeds: int = 3,
    epochs: int | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> Grouping:
    """Train every group of a system's outputs, and measure affinities while all are trained."""
    tasks = list(system.make().objective.judged())
    if not 3 <= len(tasks) <= MOST:
        raise ValueError(
            f"groups are for 3 to {MOST} outputs with a loss; {system.name} has {len(tasks)}"
        )
    task, judge = divided(system.task())
    epochs = system.epochs if epochs is None else epochs
    every = [g for n in range(1, len(tasks) + 1) for g in combinations(tasks, n)]
    losses: dict[Group, list[dict[str, float]]] = {group: [] for group in every}
    chosen_by: dict[Group, list[dict[str, float]]] = {group: [] for group in every}
    tables: dict[str, list[np.ndarray]] = {"first_order": [], "look_ahead": []}
    for seed in range(seeds):
        for group in every:
            set_random_seed(seed)
            model = model_of(system, group)
            found: list[Affinity] = []
            listeners = [Watching(found)] if len(group) == len(tasks) else []
            own = task.of(model)
            model.fit(
                own.x, own.y, batch_size=system.batch_size, epochs=epochs, verbose=0,
                callbacks=listeners,
            )  # fmt: skip
            losses[group].append(losses_of(model, task))
            chosen_by[group].append(losses_of(model, judge))
            for name in tables if listeners else ():
                tables[name].append(np.nanmean([getattr(one, name) for one in found], axis=0))
            told("+".join(group))
    for scored in (losses, chosen_by):
        alone = [{name: scored[(name,)][seed][name] for name in tasks} for seed in range(seeds)]
        for its in scored.values():
            its[:] = [
                {name: loss / alone[seed][name] for name, loss in one.items()}
                for seed, one in enumerate(its)
            ]
    first, ahead = np.array(tables["first_order"]), np.array(tables["look_ahead"])
    return Grouping(system.name, losses, chosen_by, first, ahead, tasks)


class Watching(Callback):
    """Measures affinities now and then, on the batch that is about to be trained on."""

    def __init__(self, found: list[Affinity]):
        self.found = found

    def on_train_batch_begin(self, step: int, batch: Any) -> None:
        if step % EVERY == 0:
            self.found.append(affinity_on(self.model.objective, batch, RATE))


def model_of(system: System, group: Group) -> Model:
    """The small model with these outputs alone, compiled as the system says."""
    whole = system.make()
    others = [name for name in whole.outputs if name not in group]
    model = whole.without(*others) if others else whole
    compiled = {**system.compile, **system.small_compile}
    for key, value in compiled.items():
        if isinstance(value, Mapping):
            compiled[key] = {name: value[name] for name in group if name in value}
    model.compile(**deepcopy(compiled))
    return model


def losses_of(model: Model, task: Task) -> dict[str, float]:
    """The loss of each output on held-back data."""
    own = task.of(model)
    found = model.evaluate(own.held_back_x, own.held_back_y, return_dict=True)
    names = list(model.outputs)
    return {name: found["loss" if len(names) == 1 else f"{name}_loss"] for name in names}
