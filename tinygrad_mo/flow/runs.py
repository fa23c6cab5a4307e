"""One network trained with several mixtures of its losses, from the same seeds: as data.

What a re-mix of one step cannot tell: which weights lead where. One seed cannot tell either, as
seeds differ from each other; so each mixture is trained from several, and compared seed by seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import isfinite, sqrt
from statistics import mean, stdev
from typing import NamedTuple

import numpy as np

from .. import arguments
from ..naming import did_you_mean
from .data import FlowData, same
from .frames import flow_list, in_order, structure

# The 97.5 % quantiles of Student's t (1908), for 2, 3 ... differences: so many standard errors
# around their mean, an interval holds the true mean in 95 of 100 cases.
STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip
NEXT_TO_NOTHING = 0.01  # of what it was: a smaller change is hardly one, however sure


class Difference(NamedTuple):
    """By how much a number differs from that of the base, seed by seed.

    Attributes
    ----------
    mean : float
        Of the seeds.
    spread : float
        As far from it lies, in 95 of 100 cases, the mean of very many seeds.
    kind : str
        What can be said: "lower", "higher", "hardly" (it is sure, but next to nothing), "few" (all
        seeds go one way, but are too few to be sure of it), "unseen" (the mean is not beyond its
        spread), "same" (with each seed), "one seed" (which cannot tell), or "infinite" (of a number
        that is not finite).
    """

    mean: float
    spread: float
    kind: str


@dataclass(eq=False)
class Run:
    """One training.

    Attributes
    ----------
    weights : dict of float
        By loss: what it was multiplied with.
    seed : int
        Of all random numbers.
    history : dict of list of float
        By name, as in "main_loss": losses and metrics at each recorded step, and at the end.
    steps : list of int
        Training steps made before each of them. Default: 0, 1, 2 ...
    flows : list of Flow
        At these steps, for the picture; the runs of one seed have some, or those of all.
    """

    weights: dict[str, float]
    seed: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    flows: list[FlowData] = field(default_factory=list)

    def __post_init__(self) -> None:
        lengths = {len(values) for values in self.history.values()}
        self.steps = list(self.steps or range(max(lengths, default=0)))
        if lengths - {len(self.steps)} or 0 in lengths:
            raise ValueError(
                f"the history of a run has {sorted(lengths)} numbers of each kind, and its steps "
                f"are {len(self.steps)}"
            )
        self.weights = arguments.by_name("weights of a run", self.weights, arguments.number)
        self.seed = arguments.whole("seed of a run", self.seed)
        self.flows = flow_list(f"flows of the run of seed {self.seed}", self.flows)
        for flow in self.flows:
            if set(flow.losses) != set(self.weights):
                raise ValueError(
                    f"a run with weights of {', '.join(self.weights)} has a flow of the losses "
                    f"{', '.join(flow.losses)}"
                )
        if self.flows and [flow.step for flow in self.flows] != self.steps:
            raise ValueError(f"a run recorded the steps {self.steps}, and flows of other ones")

    @property
    def scores(self) -> dict[str, float]:
        """What came out in the end."""
        return {name: values[-1] for name, values in self.history.items()}

    def __eq__(self, other: object) -> bool:
        return same_fields(self, other, Run)

    __hash__ = None  # type: ignore[assignment]


@dataclass(eq=False)
class RunData:
    """Several trainings of one network, by loss weights and by seed.

    Attributes
    ----------
    runs : list of Run
        For each mixture of loss weights one from each seed.
    base : dict of float, optional
        The mixture with which the others are compared. Default: that of the first run.
    about : str
        How they were trained, and what they were scored on.
    """

    runs: list[Run]
    base: dict[str, float] = field(default_factory=dict)
    about: str = ""

    def __post_init__(self) -> None:
        if not self.runs or not all(isinstance(run, Run) for run in self.runs):
            raise ValueError("runs must be a list with at least one Run")
        self.base = dict(self.base or self.runs[0].weights)
        if self.base not in self.mixtures:
            raise ValueError(f"no run was trained with the weights of the base, {self.base}")
        self._check_pairs()
        self._check_flows()

    def _check_pairs(self) -> None:
        """Each mixture has a run from each seed, and all say the same scores."""
        first = self.runs[0]
        for run in self.runs:
            if set(run.weights) != set(first.weights):
                raise ValueError(
                    f"the runs are of different losses: {', '.join(first.weights)}, and "
                    f"{', '.join(run.weights)}"
                )
            if list(run.history) != list(first.history):
                raise ValueError(
                    f"the runs have different scores: {', '.join(first.history) or 'none'}, and "
                    f"{', '.join(run.history) or 'none'}"
                )
            if run.steps != first.steps:
                raise ValueError(
                    f"two runs recorded different steps: {first.steps} and {run.steps}"
                )
        for weights in self.mixtures:
            seeds = sorted(run.seed for run in self.runs if run.weights == weights)
            if seeds != sorted(self.seeds):
                raise ValueError(
                    f"runs are compared seed by seed, but those with {weights} are of the seeds "
                    f"{seeds}, and in all there are {sorted(self.seeds)}, each once"
                )

    def _check_flows(self) -> None:
        """They are of one network, and there are some of each mixture, or of none."""
        recorded = [in_order("flows of a run", run.flows) for run in self.runs if run.flows]
        for flows in recorded:
            if structure(flows[0]) != structure(recorded[0][0]):
                raise ValueError("the flows of two runs are of different models")

    def __eq__(self, other: object) -> bool:
        return same_fields(self, other, RunData)

    __hash__ = None  # type: ignore[assignment]

    @property
    def losses(self) -> list[str]:
        """Their names."""
        return list(self.runs[0].flows[0].losses if self.runs[0].flows else self.base)

    @property
    def mixtures(self) -> list[dict[str, float]]:
        """The different loss weights, in the order of the runs."""
        found: list[dict[str, float]] = []
        for run in self.runs:
            if run.weights not in found:
                found.append(run.weights)
        return found

    @property
    def seeds(self) -> list[int]:
        return list(dict.fromkeys(run.seed for run in self.runs))

    @property
    def names(self) -> list[str]:
        """Of the scores."""
        return list(self.runs[0].history)

    def trained_with(self, weights: Mapping[str, float]) -> list[Run]:
        """The runs with these weights, by seed; a loss that is left out has that of the base."""
        mixed = {**self.base, **weights}
        by_seed = {run.seed: run for run in self.runs if run.weights == mixed}
        if not by_seed:
            known = ", ".join(map(str, self.mixtures))
            raise KeyError(f"no run was trained with {dict(weights)}; there are {known}")
        return [by_seed[seed] for seed in self.seeds]

    def scores(self, name: str, weights: Mapping[str, float]) -> list[float]:
        """What came out with these weights, by seed."""
        if name not in self.names:
            raise KeyError(f"no score {name!r}; {did_you_mean(name, self.names)}")
        return [run.scores[name] for run in self.trained_with(weights)]

    def difference(self, name: str, weights: Mapping[str, float]) -> Difference:
        """By how much a score differs from that of the base, from the same seeds."""
        base = self.scores(name, self.base)
        return compared(self.scores(name, weights), base)

    def curve(self, loss: str, weights: Mapping[str, float]) -> np.ndarray:
        """The value of a loss at each recorded step, shape (seeds, steps); NaN if it has none."""
        runs = self.trained_with(weights)
        known = [name for name in (f"{loss}_loss", loss, "loss") if name in self.names]
        if not known:
            return np.full((len(runs), len(self.steps)), np.nan)
        return np.array([run.history[known[0]] for run in runs], float)

    @property
    def steps(self) -> list[int]:
        """Those that were recorded."""
        return self.runs[0].steps

    def shown(self, weights: Mapping[str, float]) -> list[FlowData]:
        """The flows with these weights that a picture shows: of the first seed that has some."""
        flows = next((run.flows for run in self.trained_with(weights) if run.flows), [])
        if not flows:
            raise ValueError("runs without flows cannot be drawn: whatif records them")
        return in_order("flows of a run", flows)


def compared(new: Sequence[float], old: Sequence[float]) -> Difference:
    """Two rows of numbers, pair by pair.

    >>> print(compared([2.1, 3.2, 4.0], [1.0, 2.0, 3.0]))
    Difference(mean=1.1, spread=0.248..., kind='higher')
    >>> print(compared([2.0, 1.0, 4.0], [1.0, 2.0, 3.0]).kind, compared([2.0], [1.0]).kind)
    unseen one seed
    >>> print(compared([2.0, 2.1, 9.0], [1.0, 2.0, 3.0]).kind)
    few
    """
    pairs = [a - b for a, b in zip(new, old, strict=True)]
    if not all(map(isfinite, pairs)):
        return Difference(float("nan"), float("nan"), "infinite")
    middle, count = mean(pairs), len(pairs)
    if not any(pairs):
        return Difference(0.0, 0.0, "same")
    if count == 1:
        return Difference(middle, float("nan"), "one seed")
    spread = STUDENT[min(count, len(STUDENT) + 1) - 2] * stdev(pairs) / sqrt(count)
    if abs(middle) <= spread:
        one_way = all(pair > 0 for pair in pairs) or all(pair < 0 for pair in pairs)
        kind = "few" if one_way else "unseen"
    elif abs(middle) < NEXT_TO_NOTHING * abs(mean(old)):
        kind = "hardly"
    else:
        kind = "lower" if middle < 0 else "higher"
    return Difference(middle, spread, kind)


def same_fields(a: object, b: object, cls: type) -> bool:
    """Are two objects of a class equal, field by field?"""
    if not (isinstance(a, cls) and isinstance(b, cls)):
        return NotImplemented
    return all(same(getattr(a, one.name), getattr(b, one.name)) for one in fields(cls))  # type: ignore[arg-type]
