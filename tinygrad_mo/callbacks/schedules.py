"""Callbacks that change learning rate and loss weights over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..device import array_module, new_generator
from ..naming import did_you_mean
from .base import Callback, Logs


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch: ``schedule(epoch, learning_rate)`` returns it."""

    def __init__(self, schedule: Callable[[int, float], float]):
        self.schedule = schedule

    def on_epoch_begin(self, epoch: int) -> None:
        """Set it."""
        rate = float(self.schedule(epoch, self.model.optimizer.learning_rate))
        if not 0 < rate < float("inf"):
            raise ValueError(f"the schedule gave the learning rate {rate} for epoch {epoch}")
        self.model.optimizer.learning_rate = rate


class LossWeightScheduler(Callback):
    """Set loss weights before each epoch, or each step.

    The optimizer keeps its state.

    Parameters
    ----------
    schedule : function
        ``schedule(number, weights)`` gets the number of the epoch (or step), counted from 0, and
        the weights as they are, and returns a dict of changes.
    per : "epoch" or "step"
    """

    def __init__(
        self,
        schedule: Callable[[int, dict[str, float]], Mapping[str, float]],
        per: str = "epoch",
    ):
        if per not in ("epoch", "step"):
            raise ValueError(f"per is 'epoch' or 'step', not {per!r}")
        self.schedule, self.per = schedule, per

    def on_epoch_begin(self, epoch: int) -> None:
        """Set them; an unknown name is an error."""
        if self.per == "epoch":
            self.change(epoch)

    def on_train_batch_begin(self, step: int, batch: Mapping[Any, Any]) -> None:
        """Set them; an unknown name is an error."""
        if self.per == "step":
            self.change(step)

    def change(self, number: int) -> None:
        weights = dict(self.model.loss_weights)
        self.model.loss_weights = {**weights, **self.schedule(number, dict(weights))}


class TaskSampler(Callback):
    """Train some of the losses at a time: the others have weight 0 in that step.

    Parameters
    ----------
    across : dict of float, by loss, optional
        Across tasks: each step draws one of these losses, with a chance in proportion to its
        number, and leaves out the others of the dict.
    within : dict of float, by output, optional
        Within a task: only this share of the samples of each batch, drawn anew in each step, counts
        for the losses of the output. The others have no label in that step.
    every : dict of int, by loss, optional
        Only in every n-th epoch, from the first on.

    Notes
    -----
    A loss has its weight back after a step that it took no part in, so that schedules and other
    callbacks work as always. Losses that are not named take part in every step.
    """

    saved = ("randomness",)

    def __init__(
        self,
        across: Mapping[str, float] | None = None,
        within: Mapping[str, float] | None = None,
        every: Mapping[str, int] | None = None,
    ):
        self.across, self.within, self.every = across or {}, within or {}, every or {}
        if any(not chance > 0 for chance in self.across.values()):
            raise ValueError(f"across: chances are above 0, not {self.across}")
        if any(not 0 < share <= 1 for share in self.within.values()):
            raise ValueError(f"within: shares lie between 0 and 1, not {self.within}")
        if any(n < 1 for n in self.every.values()):
            raise ValueError(f"every: epochs from one to the next, 1 or more, not {self.every}")
        self.generator = new_generator()

    @property
    def randomness(self) -> Any:
        """The state of its random numbers."""
        return dict(self.generator.bit_generator.state)

    @randomness.setter
    def randomness(self, state: Any) -> None:
        self.generator.bit_generator.state = state

    def on_train_begin(self) -> None:
        """Check all names."""
        self.weights: dict[str, float] | None = None  # during a step: what they are otherwise
        terms = self.model.objective.terms
        outputs = [term.output for term in terms.values() if term.output is not None]
        for given, known in ((self.across, terms), (self.within, outputs), (self.every, terms)):
            for name in given:
                if name not in known:
                    raise ValueError(
                        f"TaskSampler: there is no {name!r}; {did_you_mean(name, known)}"
                    )

    def on_epoch_begin(self, epoch: int) -> None:
        """Who takes part in this epoch?"""
        self.epoch = epoch

    def on_train_batch_begin(self, step: int, batch: Any) -> None:
        """Who takes part in this step?"""
        out = {name for name, n in self.every.items() if self.epoch % n}
        if self.across:
            chances = list(self.across.values())
            drawn = self.generator.choice(len(chances), p=[c / sum(chances) for c in chances])
            out |= set(self.across) - {list(self.across)[drawn]}
        self.weights = dict(self.model.loss_weights)
        self.model.loss_weights = {n: 0.0 if n in out else w for n, w in self.weights.items()}
        for term in self.model.objective.terms.values():
            share = self.within.get(term.output or "")
            if share is not None:
                weights = batch[term.weights]
                xp = array_module(weights)
                drawn = self.generator.random(weights.shape[:1]) < share
                stays = xp.asarray(drawn.reshape(-1, *[1] * (weights.ndim - 1)))
                batch[term.weights] = xp.where(stays, weights, xp.nan).astype(weights.dtype)

    def on_train_batch_end(self, step: int, logs: Logs) -> None:
        """Give the losses their weights back."""
        self.on_train_end()

    def on_train_end(self) -> None:
        """Give the losses their weights back, if training ended within a step."""
        if self.weights is not None:
            self.model.loss_weights, self.weights = self.weights, None
