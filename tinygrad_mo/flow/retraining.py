"""Training a network again with other loss weights, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import arguments
from ..callbacks import Callback
from ..device import set_random_seed
from ..naming import did_you_mean, name_of
from ..training.batches import count
from ..whole_files import replace_file, write_picture
from . import page, run_curves, run_words
from .flow import Flow
from .recorder import FlowRecorder
from .runs import Run, RunData
from .storing import load_runs, no_page, no_picture, save_runs

AT_ONCE = 256  # samples that are judged together


class Runs(RunData):
    """One network trained with several loss weights: what `whatif` returns.

    It is plain data: it can be made by hand, pickled, compared, saved and read back. What it holds,
    `RunData` says; `table`, `figure` and `save` show it.

    Examples
    --------
    >>> from tinygrad_mo.flow import Run, Runs
    >>> ends = {0.2: (0.50, 0.54, 0.49), 5.0: (0.49, 0.57, 0.50)}
    >>> runs = Runs([
    ...     Run({"main": 1.0, "aux": weight}, seed, {"main_loss": [loss]})
    ...     for weight, losses in ends.items() for seed, loss in enumerate(losses)
    ... ])
    >>> print(runs.table())
    main loss                      against aux x 0.2, seed by seed
      aux x 0.2    0.510 +- 0.026                   compared with
      aux x 5      0.520 +- 0.044  +0.010 +- 0.050  no difference seen
    ------------------------------------------------------------------
    losses unweighted; values: mean +- standard deviation of 3 seeds
    differences, seed by seed: mean +- 95% interval (Student's t); with 0 in it there is none to be
    seen, and chance alone puts 1 of 20 beyond
    """

    def table(self) -> str:
        """Each score with each mixture: mean and spread, and what differs from the base."""
        return run_words.table(self)

    def report(self) -> str:
        """What each mixture led to, in a sentence."""
        return "\n".join(run_words.sentence(self, weights) for weights in self.mixtures)

    def figure(self, path: str | None = None) -> Any:
        """The curves of all losses: see `run_curves.draw_runs`.

        Parameters
        ----------
        path : str, optional
            Also save it there; the ending (.png, .pdf, .svg) says how.

        Returns
        -------
        matplotlib Figure
        """
        if path is not None:
            no_page(path)
        drawn = run_curves.draw_runs(self)
        if path is not None:
            write_picture(drawn.savefig, path, dpi=144)
        return drawn

    def save(self, path: str | Path, tour: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Write the interactive picture with all runs, or the data.

        Parameters
        ----------
        path : str or Path
            With ".runs" at its end: the numbers, for `Runs.load`. Any other: the picture, one HTML
            file. It shows the runs of the first seed, and the curves of all.
        tour : list of dict, optional
            As for `Flow.save`: about the base, with which the page opens.
        """
        no_picture(path)
        if Path(path).suffix.lower() != ".runs":
            replace_file(path, page.draw_runs(self, tour).encode())
        elif tour:
            raise ValueError(f"{path} holds runs: a tour is for a page (.html)")
        else:
            save_runs(path, self)

    @classmethod
    def load(cls, path: str | Path) -> Runs:
        """Read runs that `save` wrote as data."""
        return load_runs(path, cls, Flow)

    def _repr_html_(self) -> str:
        return page.in_frame(page.draw_runs(self))


def whatif(
    build: Callable[[], Any],
    data: Sequence[Any],
    weights: Sequence[Mapping[str, float]],
    *,
    held_back: Sequence[Any] | None = None,
    seeds: int | Sequence[int] = 5,
    epochs: int = 1,
    batch_size: int = 32,
    records: int = 16,
    samples: int = 128,
    told: Callable[[str], Any] | None = None,
) -> Runs:
    """Train a network with several mixtures of its losses, each from the same seeds.

    With each seed, all mixtures start from the same weights and see the data in the same order: so
    they are compared pair by pair. The seed of all random numbers is set anew for each run.

    Parameters
    ----------
    build : function without arguments
        Makes the network anew, compiled with numbers as loss weights: these are the base, with
        which the others are compared. It is trained, too.
    data : (x, y) or (x, y, sample_weight)
        To train on, as for `Model.fit`.
    weights : list of dict
        The other mixtures: loss weights by name. What is left out is as in the base.
    held_back : (x, y) or (x, y, sample_weight), optional
        To score on, and to record flows of. Default: `data`.
    seeds : int or list of int
        How many, from 0 on, or which. Default: 5. One cannot tell a difference.
    epochs, batch_size : int
        Of each run. Default: 1 and 32.
    records : int
        How often each run is looked at, about; once more at its end: its losses and metrics on all
        of `held_back`, and with the first seed a flow. Default: 16.
    samples : int
        That the flows are measured on: evenly spread ones of `held_back`. Default: 128.
    told : function of a text, optional
        Called before each run with a line that says which one it is.

    Returns
    -------
    Runs

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_mo as tg
    >>> def build():
    ...     x = tg.Input((4,), name="x")
    ...     trunk = tg.layers.Dense(8, activation="tanh", name="trunk")(x)
    ...     model = tg.Model(x, [tg.layers.Dense(1, name=name)(trunk) for name in ("age", "size")])
    ...     model.compile("sgd", "mse", loss_weights={"age": 1.0, "size": 0.1})
    ...     return model
    >>> x = np.random.default_rng(0).normal(size=(256, 4))
    >>> data = x, {"age": x[:, :1] + x[:, 1:2], "size": x[:, 2:3]}
    >>> runs = tg.flow.whatif(build, data, [{"size": 0.0}, {"size": 1.0}], seeds=3, epochs=2)
    >>> print(runs.report())
    Trained with size x 0 instead of size x 0.1: higher at the end: size loss (+0.108 +- 0.090); the
    same way with each seed, but too few seeds to be sure: age loss (+0.0009 +- 0.0011).
    Trained with size x 0.1: the others are compared with this.
    Trained with size x 1 instead of size x 0.1: lower at the end: size loss (-0.63 +- 0.48); the
    same way with each seed, but too few seeds to be sure: age loss (-0.0037 +- 0.0040).
    """
    mixtures = Mixtures(build, weights)
    judged = data if held_back is None else held_back
    course = Course(
        parts_of("data", data),
        parts_of("held_back", judged),
        evenly_spread(parts_of("held_back", judged), samples),
        arguments.whole("whatif: epochs", epochs, at_least=1),
        arguments.whole("whatif: batch_size", batch_size, at_least=1),
        arguments.whole("whatif: records", records, at_least=1),
    )
    runs: list[Run] = []
    for seed in seeds_of(seeds):
        is_first = not runs
        start: list[np.ndarray] = []
        for mixture in mixtures.all:
            if told is not None:
                words = ", ".join(f"{name} {weight:g}" for name, weight in mixture.items())
                told(f"seed {seed}: {words}")
            model = mixtures.model(seed, mixture)
            start = same_start(start, model, seed)
            runs.append(Run(dict(mixture), seed, *course.train(model, is_first)))
    return Runs(runs, mixtures.base, course.about(model, held_back is not None))


@dataclass(frozen=True)
class Course:
    """How each network is trained: on which data, how long, and on which it is looked at."""

    data: Sequence[Any]
    held_back: Sequence[Any]
    watched: Sequence[Any]  # some of those held back, for the flows
    epochs: int
    batch_size: int
    records: int

    def train(self, model: Any, with_flows: bool) -> tuple[dict[str, list[float]], list[int], Any]:
        """Train a network; its history, the recorded steps, and its flows at them."""
        size = count(model.objective.labelled_data(*self.data))
        every = max(1, self.epochs * -(-size // self.batch_size) // self.records)
        judge, recorder = Judge(every, self.held_back), FlowRecorder(every, tuple(self.watched))
        model.fit(
            **named(self.data),
            epochs=self.epochs,
            batch_size=self.batch_size,
            verbose=0,
            callbacks=[judge, recorder] if with_flows else [judge],
        )
        judge.look(model)
        last = [model.gradient_flow(*self.watched)] if with_flows else []
        return judge.history, judge.steps, [*recorder.flows, *last]

    def about(self, model: Any, apart: bool) -> str:
        """The same in words."""
        each = (self.data, self.held_back, self.watched)
        samples, judged, watched = (count(model.objective.labelled_data(*one)) for one in each)
        times = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        what, optimizer = "held-back" if apart else "of these", type(model.optimizer).__name__
        return (
            f"{model.name}, {model.count_params():,} weights, {optimizer}, {times} of {samples:,} "
            f"samples; scores and curves on {judged:,} {what}, flows on {watched:,}"
        )


class Mixtures:
    """The loss weights to train with, and the networks."""

    def __init__(self, build: Callable[[], Any], weights: Sequence[Mapping[str, float]]):
        if hasattr(build, "is_compiled"):
            raise TypeError(
                f"whatif: build must be the function that makes the model, since each run begins "
                f"with a new one, not {build}: give build, and not build()"
            )
        self.build = arguments.function_of("whatif: build", build, [])
        if isinstance(weights, Mapping):
            raise TypeError(f"whatif: weights is a list of mixtures: [{dict(weights)}]")
        model = self._made()
        self.base = dict(model.loss_weights)
        known = list(self.base)
        self.all = [self.base]
        for given in arguments.listed("whatif: weights", weights, of_losses):
            for name in given:
                if name not in known:
                    hint = did_you_mean(name, known)
                    raise ValueError(f"whatif: weights: there is no loss {name!r}; {hint}")
            mixture = {**self.base, **given}
            if mixture not in self.all:
                self.all.append(mixture)
        if len(self.all) == 1:
            raise ValueError(f"whatif: weights: none differ from those of the model, {self.base}")
        self.all.sort(key=lambda mixture: list(mixture.values()))

    def _made(self) -> Any:
        """A network that nobody has trained."""
        model = self.build()
        if not getattr(model, "is_compiled", False):
            raise TypeError("whatif: build must return a compiled model")
        if model.step:
            raise ValueError(
                f"whatif: build must make a new model each time, and this one is at step "
                f"{model.step} already"
            )
        method = model.objective.balancer
        if method is not None:
            raise ValueError(
                f"whatif: {name_of(method)} sets the loss weights in each step: compile the model "
                f"with numbers"
            )
        return model

    def model(self, seed: int, mixture: Mapping[str, float]) -> Any:
        set_random_seed(seed)
        model = self._made()
        model.loss_weights = dict(mixture)
        return model


def seeds_of(given: Any) -> list[int]:
    """How many, from 0 on, or which."""
    if not isinstance(given, range) and not arguments.is_list(given):
        return list(range(arguments.whole("whatif: seeds", given, at_least=1)))
    seeds = [arguments.whole("whatif: seeds", seed) for seed in given]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"whatif: seeds must be different, and at least one, not {seeds}")
    return seeds


def of_losses(what: str, given: Any) -> dict[str, float]:
    return arguments.by_name(what, {} if given is None else given, arguments.number)


def parts_of(what: str, data: Any) -> list[Any]:
    """x, y and perhaps the weights of the samples."""
    if not isinstance(data, tuple) or len(data) not in (2, 3):
        raise TypeError(
            f"whatif: {what} is (x, y) or (x, y, sample_weight), not {arguments.shown(data)}"
        )
    return list(data)


def evenly_spread(parts: Sequence[Any], most: int) -> list[Any]:
    """The same of some samples: they may be sorted, so not the first ones."""
    most = arguments.whole("whatif: samples", most, at_least=1)

    def pick(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: pick(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [pick(one) for one in value]
        if value is None:
            return None
        rows = np.linspace(0, len(value) - 1, min(most, len(value))).astype(int)
        return np.asarray(value)[rows]

    return [pick(part) for part in parts]


def same_start(start: list[np.ndarray], model: Any, seed: int) -> list[np.ndarray]:
    """The first weights of a model; an error if other runs of this seed began with others."""
    now = model.get_weights()
    if start and not all(map(np.array_equal, start, now)):
        raise ValueError(
            f"whatif: with seed {seed}, build made models with different weights, so that their "
            f"trainings cannot be compared: it must draw all random numbers from tinygrad_mo"
        )
    return now


class Judge(Callback):
    """Losses and metrics on the same data, every so many steps of a training.

    Not the weighted sum of several losses: it is another one with each mixture.
    """

    phase = "look"

    def __init__(self, every: int, parts: Sequence[Any]):
        self.every, self.data = every, named(parts)
        self.steps: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_train_batch_begin(self, step: int, batch: Mapping[Any, Any]) -> None:
        if step % self.every == 0:
            self.look(self.model)

    def look(self, model: Any) -> None:
        several = model.objective.has_several
        scores = model.evaluate(**self.data, batch_size=AT_ONCE, return_dict=True)
        self.steps.append(model.step)
        for name, value in scores.items():
            if name != "loss" or not several:
                self.history.setdefault(name, []).append(value)


def named(parts: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(("x", "y", "sample_weight"), parts, strict=False))
