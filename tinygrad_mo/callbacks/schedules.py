"""Callbacks that change learning rate and loss weights over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import arguments
from ..device import array_module, new_generator
from ..naming import did_you_mean, name_of
from .base import Callback, Logs


def check_rate_is_free(who: str, model: Any) -> None:
    """An error if a callback would set a learning rate that follows a schedule."""
    if model.optimizer.follows_schedule:
        raise ValueError(
            f"{who} sets the learning rate, but that of the optimizer is a function of the step: "
            f"give the optimizer a number, or leave out {who}"
        )


def check_weights_are_free(who: str, model: Any) -> None:
    """An error if a callback would set loss weights that something else sets in each step."""
    if model.objective.balancer is not None:
        raise ValueError(
            f"{who} sets loss weights, and so does what was given as loss_weights, "
            f"{name_of(model.objective.balancer)}, in each step: leave one of them out, or let a "
            f"function do both (it gets the step)"
        )


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch.

    Parameters
    ----------
    schedule : function
        ``schedule(epoch, learning_rate)`` gets the number of the epoch, counted from 0, and the
        rate as it is, and returns the new one: a finite number, 0 or more.

    Raises
    ------
    TypeError, ValueError
        For something that is no such function; before the first epoch, if the optimizer follows a
        schedule of its own; before an epoch for which no learning rate is returned.

    Examples
    --------
    >>> LearningRateScheduler(lambda epoch, rate: rate * 0.9 if epoch else rate)
    <...LearningRateScheduler object at ...>
    """

    phase = "schedule"

    def __init__(self, schedule: Callable[[int, float], float]):
        what, given = "LearningRateScheduler: schedule", ["epoch", "learning_rate"]
        self.schedule = arguments.function_of(what, schedule, given)

    def on_train_begin(self) -> None:
        """See that the rate can be set."""
        check_rate_is_free("LearningRateScheduler", self.model)

    def on_epoch_begin(self, epoch: int) -> None:
        """Set it."""
        before = self.model.optimizer.learning_rate
        what = f"LearningRateScheduler: what schedule({epoch}, {before:g}) returns"
        rate = arguments.number(what, self.schedule(epoch, before), at_least=0)
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

    Raises
    ------
    TypeError, ValueError
        For something that is no such function; before the first epoch, if `loss_weights` are a
        function already; before an epoch or step for which no weights are returned.
    """

    phase = "schedule"

    def __init__(
        self,
        schedule: Callable[[int, dict[str, float]], Mapping[str, float]],
        per: str = "epoch",
    ):
        if per not in ("epoch", "step"):
            raise ValueError(f"per is 'epoch' or 'step', not {per!r}")
        what, given = "LossWeightScheduler: schedule", [per, "weights"]
        self.schedule, self.per = arguments.function_of(what, schedule, given), per

    def on_train_begin(self) -> None:
        """See that the weights can be set."""
        check_weights_are_free("LossWeightScheduler", self.model)

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
        what = f"LossWeightScheduler: what schedule({number}, weights) returns"
        changes = self.schedule(number, dict(weights))
        if not isinstance(changes, Mapping):
            raise TypeError(f"{what} must be a dict by loss, not {arguments.shown(changes)}")
        for name in changes:
            if name not in weights:
                raise ValueError(f"{what}: there is no {name!r}; {did_you_mean(name, weights)}")
        self.model.loss_weights = weights | arguments.by_name(what, changes, arguments.number)


class TaskSampler(Callback):
    """Train some of the losses at a time: the others have weight 0 in that step.

    Parameters
    ----------
    across : dict of float, by loss, optional
        Across tasks: each step draws one of these losses, with a chance in proportion to its
        number (above 0), and leaves out the others of the dict.
    within : dict of float, by output, optional
        Within a task: only this share (above 0, at most 1) of the samples of each batch, drawn anew
        in each step, counts for the losses of the output. The others have no label in that step.
    every : dict of int, by loss, optional
        Only in every n-th epoch, from the first on.

    Raises
    ------
    TypeError, ValueError
        For numbers out of range; before the first epoch for names that the model does not have, or
        if `loss_weights` are a function.

    Notes
    -----
    A loss has its weight back after a step that it took no part in, so that schedules and other
    callbacks work as always. Losses that are not named take part in every step. What looks at a
    step (`FlowRecorder`, a callback of yours whose phase is "look") sees the weights of that step.
    """

    phase = "sample"  # so that the weights which it gives back are what all others have set
    saved = ("randomness",)

    def __init__(
        self,
        across: Mapping[str, float] | None = None,
        within: Mapping[str, float] | None = None,
        every: Mapping[str, int] | None = None,
    ):
        def chance(what: str, value: Any) -> float:
            return arguments.number(what, value, above=0)

        def share(what: str, value: Any) -> float:
            return arguments.number(what, value, above=0, at_most=1)

        def period(what: str, value: Any) -> int:
            return arguments.whole(what, value, at_least=1)

        self.across = arguments.by_name("TaskSampler: across, chances", across, chance)
        self.within = arguments.by_name(
            "TaskSampler: within, shares between 0 and 1", within, share
        )
        self.every = arguments.by_name("TaskSampler: every, epochs", every, period)
        self.generator = new_generator()
        self.left_out: dict[str, float] = {}  # during a step: what their weights are otherwise

    @property
    def randomness(self) -> Any:
        """The state of its random numbers."""
        return dict(self.generator.bit_generator.state)

    @randomness.setter
    def randomness(self, state: Any) -> None:
        self.generator.bit_generator.state = state

    def on_train_begin(self) -> None:
        """Check all names."""
        self.left_out = {}
        terms = self.model.objective.terms
        outputs = [term.output for term in terms.values() if term.output is not None]
        for given, known in ((self.across, terms), (self.within, outputs), (self.every, terms)):
            for name in given:
                if name not in known:
                    raise ValueError(
                        f"TaskSampler: there is no {name!r}; {did_you_mean(name, known)}"
                    )
        if self.across or self.every:
            check_weights_are_free("TaskSampler", self.model)

    def on_train_batch_begin(self, step: int, batch: Any) -> None:
        """Who takes part in this step?"""
        out = {name for name, n in self.every.items() if self.model.fitting.epoch % n}
        if self.across:
            chances = list(self.across.values())
            drawn = self.generator.choice(len(chances), p=[c / sum(chances) for c in chances])
            out |= set(self.across) - {list(self.across)[drawn]}
        weights = self.model.loss_weights
        self.left_out = {name: weights[name] for name in weights if name in out}
        if self.left_out:
            self.model.loss_weights = weights | dict.fromkeys(self.left_out, 0.0)
        for output, term in self.model.objective.judged().items():  # its losses share the weights
            share = self.within.get(output)
            if share is not None:
                labels = batch[term.weights]
                xp = array_module(labels)
                drawn = self.generator.random(labels.shape[:1]) < share
                stays = xp.asarray(drawn.reshape(-1, *[1] * (labels.ndim - 1)))
                batch[term.weights] = xp.where(stays, labels, xp.nan).astype(labels.dtype)

    def on_train_batch_end(self, step: int, logs: Logs) -> None:
        """Give the losses their weights back."""
        self.on_train_end()

    def on_not_finite(self, where: str) -> bool:
        """Give the losses their weights back: this step is over, too."""
        self.on_train_end()
        return False

    def on_train_end(self) -> None:
        """Give the losses their weights back, if training ended within a step."""
        now = self.model.loss_weights
        back = {name: weight for name, weight in self.left_out.items() if not now[name]}
        if back:
            self.model.loss_weights = now | back
        self.left_out = {}
