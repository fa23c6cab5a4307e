"""What the systems have in common: a network, data, a way to train it and to judge it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import arguments
from ..device import set_random_seed
from ..flow import Flow, FlowRecorder
from ..metrics import AUC
from ..model import Model
from ..naming import did_you_mean

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
        if held_back.dtype != bool:
            raise TypeError(f"held_back must be a mask, True or False, not {held_back.dtype}")

        def pick(arrays: Arrays, rows: np.ndarray) -> Arrays:
            return {name: array[rows] for name, array in arrays.items()}

        return cls(pick(x, ~held_back), pick(y, ~held_back), pick(x, held_back), pick(y, held_back))

    def of(self, model: Model) -> Task:
        """What a model with some of the inputs and outputs needs."""
        pick = [model.inputs, model.outputs, model.inputs, model.outputs]
        arrays = [self.x, self.y, self.held_back_x, self.held_back_y]
        return Task(*({n: a[n] for n in names} for a, names in zip(arrays, pick, strict=True)))

    def some(self, count: int = 256) -> tuple[Arrays, Arrays]:
        """Held-back samples, evenly spread (they may be sorted): for `Model.gradient_flow`."""
        size = len(next(iter(self.held_back_x.values())))
        rows = np.linspace(0, size - 1, min(count, size)).astype(int)
        x = {name: array[rows] for name, array in self.held_back_x.items()}
        return x, {name: array[rows] for name, array in self.held_back_y.items()}


@dataclass(frozen=True)
class Claim:
    """What a seed document says, and what we measured.

    >>> print(Claim("Two eyes see more than one.", True, {"one": 0.5, "two": 0.75}))
    Two eyes see more than one. It holds on our data:
      one                                                   0.5
      two                                                  0.75
    """

    text: str
    holds: bool
    figures: Mapping[str, float]

    def __str__(self) -> str:
        verdict = "It holds" if self.holds else "It does not hold"
        rows = [f"  {name:<44}{value:>13.4g}" for name, value in self.figures.items()]
        return "\n".join([f"{self.text} {verdict} on our data:", *rows])


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
    small_build, small_load, small_compile : dict
        Other arguments, for a network which trains in seconds.
    epochs : int
        For the small network.
    batch_size : int
    claim : callable, optional
        Measures what the seed says of it: ``claim(seed=0)`` returns a `Claim`.
    """

    name: str
    title: str
    build: Callable[..., Model]
    load: Callable[..., Task]
    compile: Mapping[str, Any]
    parameters: int
    small_build: Mapping[str, Any] = field(default_factory=dict)
    small_load: Mapping[str, Any] = field(default_factory=dict)
    small_compile: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 3
    batch_size: int = 32
    claim: Callable[..., Claim] | None = None

    def make(self, full: bool = False, **changes: Any) -> Model:
        """The compiled model, at its canonical size or small, with other arguments of `build`.

        What `compile` says of outputs that this model does not have is left out.
        """
        model = self.build(**{**({} if full else self.small_build), **changes})
        chosen = {**self.compile, **({} if full else self.small_compile)}
        for key, value in chosen.items():
            if isinstance(value, Mapping):
                chosen[key] = {name: value[name] for name in model.outputs if name in value}
        model.compile(**deepcopy(chosen))  # an optimizer of its own
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
        return better < 0 if self.metric == "mae" else better > 0


def train(
    system: System,
    full: bool = False,
    epochs: int | None = None,
    seed: int = 0,
    verbose: int = 1,
    recorder: FlowRecorder | None = None,
    samples: int = 64,
) -> tuple[Model, Task, list[Score]]:
    """Make a system, train it on its data, and score it on what was held back.

    A recorder is set to take about 30 flows, evenly spread, of so many held-back samples.
    """
    if not isinstance(system, System):
        given = arguments.shown(system)
        raise TypeError(f"train: system must be one of systems.SYSTEMS, not {given}")
    set_random_seed(seed)
    task = system.task(full)
    model = system.make(full)
    epochs = system.epochs if epochs is None else epochs
    if recorder is not None:
        steps = epochs * -(-len(next(iter(task.x.values()))) // system.batch_size)
        recorder.every, recorder.data = max(1, steps // 30), task.some(samples)
    model.fit(
        task.x,
        task.y,
        batch_size=system.batch_size,
        epochs=epochs,
        verbose=verbose,
        callbacks=[] if recorder is None else [recorder],
        validation_data=(task.held_back_x, task.held_back_y),
    )
    return model, task, score(model, task)


def train_variant(
    system: System, task: Task, seed: int = 0, **changes: Any
) -> tuple[Model, dict[str, float]]:
    """The small model with other arguments of `build`, trained quietly, and its scores by output.

    It need not have all inputs and outputs of the task.
    """
    set_random_seed(seed)
    model = system.make(**changes)
    part = task.of(model)
    model.fit(part.x, part.y, batch_size=system.batch_size, epochs=system.epochs, verbose=0)
    return model, {one.output: one.value for one in score(model, part)}


def mean_scores(
    system: System, task: Task, seed: int = 0, runs: int = 3, **changes: Any
) -> tuple[Model, dict[str, float]]:
    """The last model and the mean scores of `runs` runs of `train_variant`."""
    found = []
    for run in range(runs):
        model, scores = train_variant(system, task, runs * seed + run, **changes)
        found.append(scores)
    return model, {name: sum(scores[name] for scores in found) / runs for name in found[0]}


def score(model: Model, task: Task) -> list[Score]:
    """The first metric of each judged output, on held-back data, beside its baseline."""
    found = model.evaluate(task.held_back_x, task.held_back_y, return_dict=True)
    scores = []
    for output, chosen in model.objective.metrics.items():
        for metric in chosen[:1]:
            key = metric.name if len(model.outputs) == 1 else f"{output}_{metric.name}"
            labels = task.y[output], task.held_back_y[output]
            scores.append(Score(output, metric.name, found[key], baseline(metric.name, *labels)))
    return scores


def gradient_at(flow: Flow, layer: str, weights: Mapping[str, float] | None = None) -> float:
    """|dl/dh|: the weighted loss's gradient on the output of a layer that one other reads.

    Parameters
    ----------
    flow : Flow
        Of some batch.
    layer : str
        By name.
    weights : dict, optional
        Of losses, by name; 0 leaves one out. Default: as compiled.
    """
    readers = dict.fromkeys(w.target for w in flow.wires if w.source == layer)
    if not readers:
        known = did_you_mean(layer, dict.fromkeys(w.source for w in flow.wires))
        raise ValueError(f"gradient_at: nothing reads a layer {layer!r}; {known}")
    if len(readers) > 1:
        wire = layer, next(iter(readers))
        raise ValueError(
            f"gradient_at: {layer!r} is read by {' and by '.join(readers)}: ask for a wire, as in "
            f"flow.total({wire})"
        )
    return flow.total((layer, *readers), weights)


def baseline(metric: str, known: np.ndarray, held_back: np.ndarray) -> float:
    """What the best answer that ignores the input scores: the commonest class, or the median.

    >>> baseline("accuracy", np.array([0, 1, 1]), np.array([1, 0, 0, 1]))
    0.5
    >>> baseline("mae", np.array([1.0, 2.0, 9.0]), np.array([2.0, 4.0]))
    1.0
    """
    if metric == "mae":
        return float(np.abs(held_back - np.median(known, axis=0)).mean())
    if metric == "auc":  # how often each label was seen
        auc = AUC()
        auc.update(held_back, np.broadcast_to(known.mean(axis=0), held_back.shape))
        return auc.result()
    if metric != "accuracy":
        raise ValueError(f"no baseline is defined for {metric!r}; use accuracy, mae or auc")
    if known.ndim > 1 and known.shape[-1] > 1:
        known, held_back = known.argmax(axis=-1), held_back.argmax(axis=-1)
    values, counts = np.unique(known, return_counts=True)
    return float((held_back == values[counts.argmax()]).mean())


def score_table(scores: list[Score]) -> str:
    """One line per output."""
    lines = [f"{'output':<16}{'metric':<12}{'held back':>10}{'baseline':>10}"]
    lines += [f"{s.output:<16}{s.metric:<12}{s.value:>10.3f}{s.baseline:>10.3f}" for s in scores]
    return "\n".join(lines)
