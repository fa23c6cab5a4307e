"""What the systems have in common: a network, data, a way to train it and to judge it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..backend import set_random_seed
from ..callbacks import Callback
from ..flow import Model

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Task:
    """Data by the names of a model's inputs and outputs, split for training and for judging."""

    x: Arrays
    y: Arrays
    held_back_x: Arrays
    held_back_y: Arrays

    @classmethod
    def split(cls, x: Arrays, y: Arrays, held_back: np.ndarray) -> Task:
        """From whole columns, and a mask of the samples that are held back."""

        def pick(arrays: Arrays, rows: np.ndarray) -> Arrays:
            return {name: array[rows] for name, array in arrays.items()}

        return cls(pick(x, ~held_back), pick(y, ~held_back), pick(x, held_back), pick(y, held_back))


@dataclass(frozen=True)
class System:
    """A network of the seed documents.

    Attributes
    ----------
    name : str
        As in ``tinygrad-mo train NAME``.
    title : str
        What it is, in one line.
    build : callable
        Returns the model; without arguments at its canonical size.
    load : callable
        Returns the `Task`; without arguments as the canonical network needs it.
    compile : dict
        Arguments of `Model.compile`, with one metric per judged output.
    parameters : int
        Of the canonical network.
    small_build, small_load : dict
        Arguments that make a network which trains in seconds.
    epochs : int
        For the small network.
    batch_size : int
    """

    name: str
    title: str
    build: Callable[..., Model]
    load: Callable[..., Task]
    compile: Mapping[str, Any]
    parameters: int
    small_build: Mapping[str, Any] = field(default_factory=dict)
    small_load: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 3
    batch_size: int = 32

    def make(self, full: bool = False) -> Model:
        """The compiled model, at its canonical size or small."""
        model = self.build(**({} if full else self.small_build))
        model.compile(**self.compile)
        return model

    def task(self, full: bool = False) -> Task:
        """The data, for the canonical size or the small one."""
        return self.load(**({} if full else self.small_load))


@dataclass(frozen=True)
class Score:
    """How well one output does on held-back data, against answering without looking."""

    output: str
    metric: str
    value: float
    baseline: float

    @property
    def beats_baseline(self) -> bool:
        better = self.value - self.baseline
        return better > 0 if self.metric == "accuracy" else better < 0


def train(
    system: System,
    full: bool = False,
    epochs: int | None = None,
    seed: int = 0,
    verbose: int = 1,
    callbacks: list[Callback] | None = None,
) -> tuple[Model, Task, list[Score]]:
    """Make a system, train it on its data, and score it on what was held back."""
    set_random_seed(seed)
    task = system.task(full)
    model = system.make(full)
    model.fit(
        task.x,
        task.y,
        batch_size=system.batch_size,
        epochs=system.epochs if epochs is None else epochs,
        verbose=verbose,
        callbacks=callbacks,
        validation_data=(task.held_back_x, task.held_back_y),
    )
    return model, task, score(model, task)


def score(model: Model, task: Task) -> list[Score]:
    """The first metric of each judged output, on held-back data, beside its baseline."""
    found = model.evaluate(task.held_back_x, task.held_back_y, return_dict=True)
    scores = []
    for output, chosen in model.metrics.items():
        for metric in chosen[:1]:
            key = metric.name if len(model.outputs) == 1 else f"{output}_{metric.name}"
            labels = task.y[output], task.held_back_y[output]
            scores.append(Score(output, metric.name, found[key], baseline(metric.name, *labels)))
    return scores


def baseline(metric: str, known: np.ndarray, held_back: np.ndarray) -> float:
    """What the best answer that ignores the input scores: the commonest class, or the median.

    >>> baseline("accuracy", np.array([0, 1, 1]), np.array([1, 0, 0, 1]))
    0.5
    >>> baseline("mae", np.array([1.0, 2.0, 9.0]), np.array([2.0, 4.0]))
    1.0
    """
    if metric == "mae":
        return float(np.abs(held_back - np.median(known, axis=0)).mean())
    if metric != "accuracy":
        raise ValueError(f"no baseline is defined for {metric!r}; use accuracy or mae")
    if known.ndim > 1 and known.shape[-1] > 1:
        known, held_back = known.argmax(axis=-1), held_back.argmax(axis=-1)
    values, counts = np.unique(known, return_counts=True)
    return float((held_back == values[counts.argmax()]).mean())


def score_table(scores: list[Score]) -> str:
    """One line per output."""
    lines = [f"{'output':<16}{'metric':<12}{'held back':>10}{'baseline':>10}"]
    lines += [f"{s.output:<16}{s.metric:<12}{s.value:>10.3f}{s.baseline:>10.3f}" for s in scores]
    return "\n".join(lines)
