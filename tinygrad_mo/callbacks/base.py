"""What can happen during fit besides training."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from inspect import getattr_static, signature
from math import nan
from typing import Any

from .. import arguments
from ..naming import did_you_mean

Logs = dict[str, float]

ACTING = ("schedule", "change", "sample")  # the phases of callbacks that may change the training
PHASES = (*ACTING, "look", "keep")  # the order in which callbacks are told


class Made:
    """Remembers what it was made with, which a backup of a training compares."""

    _made_with: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        self = super().__new__(cls)
        self._made_with = arguments, options
        return self


class Callback(Made):
    """Override what is needed; `model` is set before the first call.

    Each event is told to all callbacks in the order of their phases, and within a phase in the
    order of the list that `fit` was given. So it does not matter where in the list a
    `ModelCheckpoint` stands: what it saves is what the other callbacks have left.

    =============  ==========================================================================
    phase          Who is told then, and what for
    =============  ==========================================================================
    ``schedule``   `LearningRateScheduler`, `LossWeightScheduler`: set the rates and weights
                   that an epoch or step starts with; `AverageWeights`
    ``change``     your own callbacks, `EarlyStopping`, `ReduceLROnPlateau`: may change the model,
                   the labels of the batch and the numbers in `logs`
    ``sample``     `TaskSampler`: leaves losses out of a step, whatever weights they have by then
    ``look``       `ModelCheckpoint`, `CSVLogger`, `FlowRecorder`: read what the others have left
    ``keep``       `History` and, at the very end, `BackupAndRestore`, which keeps the state of
                   all other callbacks, too
    =============  ==========================================================================

    The arrays of a batch that `on_train_batch_begin` is given are views of the data and cannot be
    written into. A callback that changes inputs, labels or weights puts a new array of the same
    shape in the place: ``batch[tensor] = 0.9 * batch[tensor]``. It counts for this step alone.

    A subclass may define attributes and methods of any name, but a method whose name begins with
    ``on_`` must be one of these: a misspelt one would never be called.

    Attributes
    ----------
    phase : str
        Default: "change". Give a callback of your own that only reads "look": it then sees the loss
        weights that a `TaskSampler` has left for the step, and what was added to `logs`.
    saved : tuple of str
        The attributes that a backup of the training keeps (numbers, names, arrays, lists of them).

    Raises
    ------
    TypeError
        When a subclass is defined with a hook that does not exist (Keras's ``on_batch_end``, a
        typing mistake), or one that cannot take what it will be given.

    Examples
    --------
    >>> class Notice(Callback):
    ...     def on_epoch_ends(self, epoch, logs): ...
    Traceback (most recent call last):
    TypeError: Notice.on_epoch_ends would never be called: did you mean 'on_epoch_end'? Known: ...
    """

    model: Any = None
    saved: tuple[str, ...] = ()
    phase = "change"

    def __init__(self) -> None:
        pass  # and takes nothing

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in dir(cls):
            check_hook(cls, name)

    def on_train_begin(self) -> None:
        """Before the first epoch."""

    def on_train_end(self) -> None:
        """After the last epoch, or when fit is interrupted."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Before an epoch, counted from 0."""

    def on_steps_end(self, epoch: int) -> None:
        """After the last step of an epoch, before held-back data are scored."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch, with its losses and metrics.

        A number that is put into `logs` here (``logs["f1"] = 0.5``) arrives in History, and in all
        callbacks that are told later: they can log it, watch it, or use it in the name of a file.
        """

    def on_train_batch_begin(self, step: int, batch: dict[Any, Any]) -> None:
        """Before a training step, counted from 0 over all epochs, with what will be fed.

        By tensor its array, which cannot be written into, but replaced.
        """

    def on_train_batch_end(self, step: int, logs: Logs) -> None:
        """After a training step, with the running losses and metrics of the epoch."""

    def on_not_finite(self, where: str) -> bool:
        """A gradient is not finite; no step was made. True: stop training, instead of an error.

        All callbacks are told. `on_train_batch_end` is not told of such a step.
        """
        return False

    def on_resume(self) -> None:
        """The attributes in `saved` were brought back, after `on_train_begin`."""

    def settle(self) -> None:
        """All epochs are done: bring the model into the state in which `fit` leaves it.

        Comes before `on_train_end`, so that all callbacks find the model so then; not if `fit` was
        interrupted.
        """


HOOKS = {
    name: list(signature(method).parameters)[1:]
    for name, method in vars(Callback).items()
    if name.startswith("on_")
}
OF_KERAS = {
    "set_model": "self.model is set before the first call",
    "set_params": "fit hands over no params; self.model.fitting knows its epochs",
}


def check_hook(cls: type, name: str) -> None:
    """An error for a method of a subclass that looks like a hook and is none."""
    method = getattr(cls, name)
    if name in OF_KERAS and callable(method):
        raise TypeError(f"{cls.__name__}.{name} would never be called: {OF_KERAS[name]}")
    if name in HOOKS:
        bound = isinstance(getattr_static(cls, name), staticmethod | classmethod)
        arguments.function_of(f"{cls.__name__}.{name}", method, HOOKS[name], skip=0 if bound else 1)
    elif re.match("(?i:on_)|on[A-Z]", name) and callable(method):
        hint = did_you_mean(name, HOOKS)
        raise TypeError(f"{cls.__name__}.{name} would never be called: {hint}")


def in_order(listeners: Sequence[Callback]) -> list[Callback]:
    """Callbacks as they are told: by phase, then as they are listed."""
    for n, one in enumerate(listeners):
        who = type(one).__name__
        if one.phase not in PHASES:
            raise ValueError(f"{who}: phase {one.phase!r}; {did_you_mean(one.phase, PHASES)}")
        if any(one is other for other in listeners[:n]):
            raise ValueError(f"callbacks: one {who} is in the list twice, and would be told twice")
    return sorted(listeners, key=lambda one: PHASES.index(one.phase))


def numbers_in(logs: Mapping[str, Any]) -> Logs:
    """The logs of an epoch as plain numbers; a number that a callback has added may be NaN."""
    found = {name: arguments.plain_number(value) for name, value in logs.items()}
    for name, value in found.items():
        if value is None:
            given = arguments.shown(logs[name])
            raise TypeError(f"a callback has put {given} into logs as {name!r}: give a number")
    return {name: float(value) for name, value in found.items()}


class LambdaCallback(Callback):
    """Functions as a callback: ``LambdaCallback(on_epoch_end=lambda epoch, logs: ...)``.

    Raises
    ------
    ValueError
        For an event that does not exist.
    TypeError
        For something that is no function, or cannot take what it will be given.
    """

    def __init__(self, **functions: Callable[..., Any]):
        for name, function in functions.items():
            if name not in HOOKS:
                known = sorted(HOOKS)
                raise ValueError(f"no callback is called {name!r}; {did_you_mean(name, known)}")
            arguments.function_of(f"LambdaCallback: {name}", function, HOOKS[name])
            setattr(self, name, function)


class History(Callback):
    """What `fit` returns; each fit makes a new one.

    Attributes
    ----------
    history : dict of list
        Per epoch: "loss" is the weighted sum, "<output>_loss" the loss of each output as it is,
        then "<output>_<metric>". With several losses, "weighted/<loss>" are the parts whose sum is
        "loss", "share/<loss>" their shares of it, and "gradient_share/<loss>" the shares of the
        lengths of their weighted gradients, in the first step of the epoch. If a method or function
        sets the loss weights in each step, "weight/<loss>" are their means over the steps of the
        epoch in which the loss has labels; the weighted sum is then another one in each epoch, and
        does not tell if the model gets better. On held-back data, the first ones with "val_" in
        front. Last, the numbers that callbacks have put into `logs`. All lists are of one length:
        what an epoch did not report is NaN.
    epoch : list of int
    """

    phase = "keep"
    saved = ("history", "epoch")

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Keep the numbers."""
        numbers = numbers_in(logs)
        for name in numbers:
            self.history.setdefault(name, [nan] * len(self.epoch))
        for name, series in self.history.items():
            series.append(numbers.get(name, nan))
        self.epoch.append(epoch)
