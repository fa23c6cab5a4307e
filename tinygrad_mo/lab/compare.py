"""Methods and other ways that balance losses, side by side on a system, with a grid of weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import mean, stdev
from typing import Any

import numpy as np

from ..balancing import METHODS, suggest
from ..device import set_random_seed
from ..systems import System, Task
from ..systems.system import score
from .ways import WAYS, Way

GRID = "best of the grid"
OWN = "the system's own"
SUGGESTED = "equal pulls (suggest)"
FIXED = (GRID, OWN, SUGGESTED, "equal")


@dataclass
class Trial:
    """One way to balance the losses, and what it brings.

    Attributes
    ----------
    name : str
    weights : dict, str or None
        As `Model.loss_weights` takes them. None: as the system has them.
    way : function, optional
        What else is done, one of `ways`.
    note : str
        Which weights, of a grid.
    held_back, validated : list of dict of float
        By seed: the score of each output, on held-back data and on those that choose.
    """

    name: str
    weights: Any
    way: Way | None = None
    note: str = ""
    held_back: list[dict[str, float]] = field(default_factory=list)
    validated: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """All trials on one system.

    Attributes
    ----------
    system : str
    metrics : dict of str
        By output.
    trials : list of Trial
        Fixed weights first, then methods.
    grid : list of Trial
        All points of the grid; the one that was best on the validation data is among the trials.
    epochs : int
    """

    system: str
    metrics: dict[str, str]
    trials: list[Trial]
    grid: list[Trial]
    epochs: int

    @property
    def equal(self) -> Trial:
        return next(trial for trial in self.trials if trial.name == "equal")

    def gains(self, trial: Trial, what: str = "held_back") -> list[float]:
        """By seed: how much better than equal weights, in percent, as a mean over the outputs.

        Relative to what equal weights score on each output from the same seed (the Delta of Maninis
        et al. 2019); a score below 0.01 counts as 0.01 there.
        """
        pairs = zip(getattr(trial, what), getattr(self.equal, what), strict=True)
        sign = {name: -1 if metric == "mae" else 1 for name, metric in self.metrics.items()}
        return [
            100
            * mean(
                sign[name] * (own[name] - base[name]) / max(base[name], 0.01)
                for name in self.metrics
            )
            for own, base in pairs
        ]

    def ordered(self) -> list[Trial]:
        """The best mean gain first."""
        return sorted(self.trials, key=lambda trial: -mean(self.gains(trial)))

    def words(self) -> str:
        """What helps and what does not, counted from seed to seed."""
        fixed = [trial for trial in self.trials if trial.name in FIXED]
        best = max(fixed, key=lambda trial: mean(self.gains(trial)))
        methods = [trial for trial in self.ordered() if trial not in fixed]

        def beats(trial: Trial, other: Trial) -> bool:
            pairs = zip(self.gains(trial), self.gains(other), strict=True)
            return all(own > its for own, its in pairs)

        def names(chosen: list[Trial]) -> str:
            return ", ".join(trial.name for trial in chosen) or "none"

        better = [m for m in methods if beats(m, self.equal)]
        worse = [m for m in methods if beats(self.equal, m)]
        return (
            f"Better than the best fixed weights ({best.name}) with each seed: "
            f"{names([m for m in methods if beats(m, best)])}. "
            f"Better than equal weights with each seed: "
            f"{names(better)}. "
            f"Worse than equal weights with each seed: "
            f"{names(worse)}. Neither: {names([m for m in methods if m not in better + worse])}."
        )

    def table(self) -> str:
        """In Markdown: each output, mean and spread (standard deviation) of the seeds."""
        names = list(self.metrics)
        head = ["weights", "gain over equal", *(f"{n} ({self.metrics[n]})" for n in names)]
        rows = [head, ["---", *["---:"] * (len(head) - 1)]]
        for trial in self.ordered():
            gains = self.gains(trial)
            cells = [spread([one[name] for one in trial.held_back], 3) for name in names]
            label = trial.name + (f" ({trial.note})" if trial.note else "")
            rows.append([label, f"{spread(gains, 1, '+')} %", *cells])
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def spread(values: Sequence[float], digits: int, sign: str = "") -> str:
    """Mean and standard deviation; of one seed, nobody knows it.

    >>> spread([1.0, 2.0, 3.0], 1), spread([1.0], 1)
    ('2.0 +- 1.0', '1.0')
    """
    middle = f"{mean(values):{sign}.{digits}f}"
    return f"{middle} +- {stdev(values):.{digits}f}" if len(values) > 1 else middle


def divided(task: Task, share: float = 0.2) -> tuple[Task, Task]:
    """Every n-th sample of the training data is kept to choose by; both with the held-back ones."""
    size = len(next(iter(task.x.values())))
    chosen = np.arange(size) % round(1 / share) == 0

    def part(arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
        return {name: array[rows] for name, array in arrays.items()}

    x, y = part(task.x, ~chosen), part(task.y, ~chosen)
    first = Task(x, y, task.held_back_x, task.held_back_y)
    return first, Task(x, y, part(task.x, chosen), part(task.y, chosen))


def grid_around(weights: Mapping[str, float]) -> list[dict[str, float]]:
    """Fixed weights to try: each loss but the first 10 times more or less than in `weights`.

    With two losses also 100 times; with more than three, one loss at a time.
    """
    first, *others = weights
    if len(others) == 1:
        changes: Any = [(x,) for x in (0.01, 0.1, 1.0, 10.0, 100.0)]
    elif len(others) == 2:
        changes = product((0.1, 1.0, 10.0), repeat=2)
    else:
        count = range(len(others))
        changes = [tuple(x if n == k else 1.0 for n in count) for k in count for x in (0.1, 10.0)]
        changes.append((1.0,) * len(others))
    return [
        {first: weights[first]} | {n: weights[n] * x for n, x in zip(others, change, strict=True)}
        for change in changes
    ]


def compare(
    system: System,
    seeds: int = 3,
    epochs: int | None = None,
    methods: Sequence[str] = (*METHODS, *WAYS),
    told: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Train a small system with each method or way, its own weights, and a grid of weights.

    The grid point that is shown was chosen on a fifth of the training data, which nobody trains on.
    """
    set_random_seed(0)
    model = system.make()
    if len(model.objective.tasks) < 2:
        raise ValueError(f"{system.name} has one loss: there is nothing to balance")
    task, judge = divided(system.task())
    found = suggest(model, *task.some())
    rest = {name: w for name, w in model.loss_weights.items() if name not in found.lengths}
    pulls = {name: found.weights[name] for name in found.lengths}
    metrics = {name: chosen[0].name for name, chosen in model.objective.metrics.items() if chosen}
    trials = [Trial(OWN, None), Trial(SUGGESTED, pulls | rest)]
    equal = dict.fromkeys(pulls, 1.0) | rest
    trials += [Trial(name, name) for name in methods if name in METHODS and name != "equal"]
    trials += [Trial(name, equal, WAYS[name]) for name in methods if name in WAYS]
    trials.append(Trial("equal", equal))
    grid = [Trial(GRID, point | rest, note=in_short(point)) for point in grid_around(pulls)]
    epochs = system.epochs if epochs is None else epochs
    for trial in [*trials, *grid]:
        for seed in range(seeds):
            run(trial, system, task, judge, epochs, seed)
        told(trial.name)
    result = Comparison(system.name, metrics, trials, grid, epochs)
    best = max(grid, key=lambda trial: mean(result.gains(trial, "validated")))
    result.trials.append(best)
    return result


def in_short(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {weight:.2g}" for name, weight in weights.items())


def run(trial: Trial, system: System, task: Task, judge: Task, epochs: int, seed: int) -> None:
    """Train once, and keep the scores."""
    validation = judge.held_back_x, judge.held_back_y

    def fit(model: Any, callbacks: Any) -> None:
        options: dict[str, Any] = {"batch_size": system.batch_size, "epochs": epochs, "verbose": 0}
        if callbacks:  # some look at validation data
            options |= {"callbacks": callbacks, "validation_data": validation}
        model.fit(task.x, task.y, **options)

    set_random_seed(seed)
    model = system.make()
    if trial.weights is not None:
        model.loss_weights = trial.weights
    fit(model, trial.way(model, validation, fit) if trial.way else [])
    trial.held_back.append({one.output: one.value for one in score(model, task)})
    trial.validated.append({one.output: one.value for one in score(model, judge)})
