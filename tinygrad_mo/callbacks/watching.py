"""Callbacks that watch whether numbers get better."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from math import inf, nan
from pathlib import Path
from string import Formatter
from typing import Any

from .. import arguments
from ..console import say
from ..naming import did_you_mean, name_of
from .base import Callback, Logs, numbers_in
from .files import check_place
from .schedules import check_rate_is_free, check_weights_are_free

HIGHER_IS_BETTER = ("accuracy", "acc", "auc", "precision", "recall")
LOWER_IS_BETTER = ("loss", "error")


class Watch(Callback):
    """The common part of callbacks that watch one number for getting better.

    A number that is NaN, or that an epoch does not report, is not better than any other.

    Parameters
    ----------
    monitor : str
        A key of History, or a number that a callback which is told earlier puts into `logs`. A name
        that fit cannot report is an error before the first epoch; one that might yet be reported
        and is not, after it.
    min_delta : float
        A smaller change is none. 0 or more.
    mode : "auto", "min" or "max"
        Which way is better. "auto": higher for accuracies, AUC, precision and recall, lower for
        losses, whatever they are called; nobody can know of a number of your own, such as "f1".

    Attributes
    ----------
    best : float
        The best value so far; with mode "max", its negative.
    best_epoch : int
        Counted from 0. -1: none was a finite number.
    wait : int
        Epochs since then.

    Raises
    ------
    TypeError, ValueError
        For arguments that cannot be; before or after the first epoch as said above.
    """

    saved: tuple[str, ...] = ("best", "best_epoch", "wait", "awaited")
    owner = ""  # the name of who watches, if it is not this object itself

    def __init__(self, monitor: str = "val_loss", min_delta: float = 0.0, mode: str = "auto"):
        who = type(self).__name__
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode is 'auto', 'min' or 'max', not {mode!r}")
        self.monitor = arguments.name(f"{who}: monitor", monitor)
        self.min_delta = arguments.number(f"{who}: min_delta", min_delta, at_least=0)
        self.mode = mode
        if mode == "auto":
            mode = "max" if monitor.lower().endswith(HIGHER_IS_BETTER) else "min"
        self.sign = 1 if mode == "min" else -1
        self.start()

    def start(self) -> None:
        """Nothing has been seen so far."""
        self.best, self.best_epoch, self.wait = inf, -1, 0
        self.awaited: list[str] = []  # names that only another callback can report

    def on_train_begin(self) -> None:
        """Start afresh, and check the name."""
        self.start()
        self.check_monitor()

    def check_monitor(self) -> None:
        """Will there be such a number, and which way is better?"""
        name, known = self.monitor, self.model.log_names
        who = self.owner or type(self).__name__
        own = name.removeprefix("val_")
        if name not in known and own in known:
            raise ValueError(
                f"{who} watches {name!r}, but this fit has no validation data: give "
                f"validation_split or validation_data, or watch {own!r}"
            )
        self.expect([name], f"{who} watches {name!r}, which this fit does not report; ", known)
        if self.mode == "auto":
            higher = self.higher_is_better()
            if higher is None:
                raise ValueError(
                    f"{who} cannot know if a higher {name!r} is better: give mode='max' or "
                    f"mode='min'"
                )
            self.sign = -1 if higher else 1
        objective = self.model.objective
        if own == "loss" and objective.balancer is not None and objective.has_several:
            warnings.warn(
                f"{who} watches {name!r}, the weighted sum of the losses, and "
                f"{name_of(objective.balancer)} sets other weights in each step: sums of two "
                f"epochs do not compare. Watch a metric, or one loss: {', '.join(known[1:4])} ...",
                stacklevel=2,
            )

    def higher_is_better(self) -> bool | None:
        """Of a number of fit, the objective knows it; else the name may say it."""
        name, objective = self.monitor, self.model.objective
        if name not in self.model.log_names:
            by_name = name.lower().endswith(HIGHER_IS_BETTER)
            return by_name if by_name or name.lower().endswith(LOWER_IS_BETTER) else None
        metric = objective.metric_called(name) or objective.metric_called(name.removeprefix("val_"))
        return metric.higher_is_better if metric else False  # a loss, whatever it is called

    def expect(self, names: Iterable[str], complaint: str, known: Sequence[str]) -> None:
        """An error for a name that nobody will report, as far as that can be known in advance.

        A callback that is told before this one may report it; but what is nearly one of the known
        names is taken for a slip.
        """
        who, listeners = self.owner or type(self).__name__, self.model.fitting.listeners
        mine = [one is self or self in getattr(one, "watches", ()) for one in listeners]
        position = mine.index(True)
        for name in names:
            if name in known:
                continue
            if is_slip(name, known) or not any(map(may_report, listeners[: position + 1])):
                hint = did_you_mean(name, known)
                if any(map(may_report, listeners[position + 1 :])):
                    hint += f"; or let the callback that reports it stand before {who}"
                raise ValueError(complaint + hint)
            self.awaited.append(name)

    def arrived(self, logs: Logs) -> None:
        """An error if what only another callback could report was not reported."""
        for name in self.awaited:
            if name not in logs:
                raise ValueError(
                    f"{self.owner or type(self).__name__} needs {name!r}, which nobody has "
                    f"reported in this epoch; {did_you_mean(name, logs)}"
                )
        self.awaited = []

    def improved(self, epoch: int, logs: Logs) -> bool:
        """Is this epoch better than all before? Counts epochs since the last that was."""
        self.arrived(logs)
        value = self.sign * numbers_in({self.monitor: logs.get(self.monitor, nan)})[self.monitor]
        if value < self.best - (self.min_delta if self.best < inf else 0):
            self.best, self.best_epoch, self.wait = value, epoch, 0
            return True
        self.wait += 1
        return False


def may_report(one: Callback) -> bool:
    """Could a callback put numbers of its own into `logs`? Those of this package do not."""
    home = getattr(one.on_epoch_end, "__module__", None) or ""
    return home.rpartition(".")[0] != __package__


def is_slip(name: str, known: Iterable[str]) -> bool:
    """Is this a known name, but for a typing mistake or a word that was left out?

    >>> is_slip("val_aux_loss", ["val_aux_output_loss"]), is_slip("val_auxx_los", ["val_aux_loss"])
    (True, True)
    >>> is_slip("val_aux_f1", ["val_aux_loss", "val_aux_accuracy"])
    False
    """
    words = name.lower().split("_")
    for other in known:
        theirs = other.lower().split("_")
        if set(words) < set(theirs) or "".join(words) == "".join(theirs):
            return True
        pairs = zip(words, theirs, strict=False)
        alike = all(a == b or SequenceMatcher(None, a, b).ratio() > 0.8 for a, b in pairs)
        if len(words) == len(theirs) and alike:
            return True
    return False


class EarlyStopping(Callback):
    """Stop when numbers no longer get better; or stop one loss and go on with the others.

    Each fit starts anew, as in Keras: what was best in an earlier one does not count.

    Parameters
    ----------
    monitor : str, or a list of str
        Keys of History, or numbers that a callback before this one puts into `logs`. Default:
        "val_loss".
    min_delta : float
        A smaller change is none. 0 or more, default: 0.
    patience : int
        Stop after so many epochs without progress. Default: 0, which stops after the first.
    mode : "auto", "min" or "max"
        Which way is better. As in `Watch`.
    restore_best_weights : bool
        When fit ends, go back to the weights of the best epoch (of one monitor): all of them, the
        moving averages of a BatchNormalization, too, but not the state of the optimizer. It does
        not matter who or what ended fit, this callback, another one, or the last epoch; but if it
        was interrupted, by Ctrl-C or an error, the weights stay as they are. Until fit ends the
        weights are those of the last step, so that a checkpoint holds what its name says.
    only : str, optional
        The name of a loss: its weight is set to 0 (and stays 0, whatever a schedule says), and
        training goes on with the others.
    freeze : str or sequence of str
        Layers that stop training then, such as the head of that loss.
    combine : "all" or "any"
        Of several monitors, must all have stopped getting better, or is one enough? Default: all.

    Attributes
    ----------
    stopped_epoch : int or None
        When it fired, counted from 0.
    best_weights : list of array, or None
        Those of the best epoch, if they are to be restored.

    Raises
    ------
    TypeError, ValueError
        For arguments that cannot be; before the first epoch for names that do not exist, for two
        callbacks that would both restore weights, and for `only` if `loss_weights` are a function.
    """

    saved = ("stopped_epoch", "best_weights", "progress")

    def __init__(
        self,
        monitor: str | Sequence[str] = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
        only: str | None = None,
        freeze: str | Sequence[str] = (),
        combine: str = "all",
    ):
        who = type(self).__name__
        names = arguments.names(f"{who}: monitor", monitor)
        if combine not in ("all", "any"):
            raise ValueError(f"combine is 'all' or 'any', not {combine!r}")
        if not names:
            raise ValueError(f"{who}: monitor must be a name or a list of names, not an empty list")
        restore = arguments.flag(f"{who}: restore_best_weights", restore_best_weights)
        if restore and len(names) > 1:
            raise ValueError("restore_best_weights needs one monitor: several have no best epoch")
        if restore and only is not None:
            raise ValueError(
                f"restore_best_weights would set back the other losses, too, which go on after "
                f"{only!r} has stopped: leave it out, or leave out only={only!r}"
            )
        min_delta = arguments.number(f"{who}: min_delta", min_delta, at_least=0)
        self.watches = [Watch(name, min_delta, mode) for name in names]
        for watch in self.watches:
            watch.owner = who
        self.patience = arguments.whole(f"{who}: patience", patience)
        self.restore_best_weights, self.combine = restore, combine
        self.only = None if only is None else arguments.name(f"{who}: only", only)
        self.freeze = arguments.names(f"{who}: freeze", freeze)
        self.stopped_epoch: int | None = None
        self.best_weights: list[Any] | None = None

    @property
    def progress(self) -> list[list[Any]]:
        """How far each monitor has come."""
        return [[getattr(watch, name) for name in watch.saved] for watch in self.watches]

    @progress.setter
    def progress(self, values: list[list[Any]]) -> None:
        for watch, its in zip(self.watches, values, strict=True):
            for name, value in zip(watch.saved, its, strict=True):
                setattr(watch, name, value)

    def on_train_begin(self) -> None:
        """Start afresh, and check all names."""
        for watch in self.watches:
            watch.model = self.model
            watch.on_train_begin()
        self.stopped_epoch = self.best_weights = None
        if self.only is not None and self.only not in self.model.loss_weights:
            known = self.model.loss_weights
            raise ValueError(f"no loss is called {self.only!r}; {did_you_mean(self.only, known)}")
        if self.only is not None:
            check_weights_are_free(f"EarlyStopping with only={self.only!r}", self.model)
        for name in self.freeze:
            self.model.get_layer(name)
        others = [one for one in self.model.fitting.listeners if isinstance(one, EarlyStopping)]
        restoring = [one.watches[0].monitor for one in others if one.restore_best_weights]
        if len(restoring) > 1:
            raise ValueError(
                f"several callbacks would restore weights, those of the best {restoring[0]!r} and "
                f"those of the best {restoring[1]!r}: give restore_best_weights to one only"
            )

    def on_train_batch_begin(self, step: int, batch: Any) -> None:
        """Keep a loss that has stopped without weight, whatever a schedule says."""
        if self.stopped_epoch is not None and self.only is not None:
            self.stop_loss(self.only)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Stop, if it is time."""
        if self.stopped_epoch is not None:
            return
        better = [watch.improved(epoch, logs) for watch in self.watches]
        if self.restore_best_weights and better[0]:
            self.best_weights = self.model.get_weights()
        stuck = [watch for watch in self.watches if watch.wait >= max(self.patience, 1)]
        if len(stuck) == len(self.watches) or (stuck and self.combine == "any"):
            self.stopped_epoch = epoch
            self.stop(epoch, stuck)

    def stop(self, epoch: int, stuck: list[Watch]) -> None:
        """Stop the training or the one loss, and say why."""
        why = " and ".join(
            f"{watch.monitor} was best in epoch {watch.best_epoch + 1}"
            if watch.best_epoch >= 0
            else f"{watch.monitor} was never a finite number"
            for watch in stuck
        )
        for name in self.freeze:
            self.model.get_layer(name).trainable = False
        if self.only is None:
            self.model.stop_training = f"{why}: stopped after epoch {epoch + 1}"
        else:
            self.stop_loss(self.only)
            if self.model.fitting.verbose:
                say(f"{why}: the loss {self.only} has weight 0 from now on")

    def stop_loss(self, name: str) -> None:
        weights = self.model.loss_weights
        if weights[name]:
            self.model.loss_weights = weights | {name: 0.0}

    def settle(self) -> None:
        """Go back to the best weights, and say so."""
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
            if self.model.fitting.verbose:
                best = self.watches[0]
                say(f"{best.monitor} was best in epoch {best.best_epoch + 1}: its weights are back")


class ReduceLROnPlateau(Watch):
    """Lower the learning rate when a number no longer gets better. It never raises the rate.

    Each fit starts anew, as in Keras: what was best in an earlier one does not count.

    Parameters
    ----------
    monitor, min_delta, mode
        As in `Watch`. Default: "val_loss", 0.0001 and "auto".
    factor : float
        What the learning rate is multiplied with: above 0 and below 1. Default: 0.1.
    patience : int
        Epochs without progress before that. Default: 10.
    min_lr : float
        Do not lower it further than to this rate; one that is lower already stays. Default: 0.

    Raises
    ------
    TypeError, ValueError
        For arguments that cannot be; before the first epoch, if the optimizer follows a schedule.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, min_delta, mode)
        self.factor = arguments.number("ReduceLROnPlateau: factor", factor, above=0, below=1)
        self.patience = arguments.whole("ReduceLROnPlateau: patience", patience)
        self.min_lr = arguments.number("ReduceLROnPlateau: min_lr", min_lr, at_least=0)

    def on_train_begin(self) -> None:
        """Start afresh, check the name, and see that the rate can be set."""
        super().on_train_begin()
        check_rate_is_free("ReduceLROnPlateau", self.model)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Lower it, if it is time."""
        if not self.improved(epoch, logs) and self.wait >= self.patience:
            optimizer, self.wait = self.model.optimizer, 0
            lower = max(optimizer.learning_rate * self.factor, self.min_lr)
            if lower < optimizer.learning_rate:
                optimizer.learning_rate = lower


class ModelCheckpoint(Watch):
    """Save the model after epochs, or after those that were better than all before.

    The file holds what the other callbacks have left at the end of the epoch, wherever in the list
    they stand.

    Parameters
    ----------
    path : str or Path
        May hold the epoch, counted from 1, and keys of History or numbers of other callbacks:
        "run-{epoch:03d}-{val_loss:.2f}.tg". Folders with such a name are made, others must exist.
    monitor, min_delta, mode
        As in `Watch`, for `save_best_only`.
    save_best_only : bool
        Default: False, save after each epoch. True: better than all epochs that this object has
        seen, in all fits (as in Keras), so that a second fit does not replace a better file. A new
        object starts anew, and replaces a file that is there already after its first epoch.
    save_weights_only : bool
        True: as `Model.save_weights` does. Default: the whole model, as `Model.save` does.

    Raises
    ------
    TypeError, ValueError
        For arguments that cannot be; before the first epoch for names that do not exist, and if no
        file can be written there.
    """

    phase = "look"

    def __init__(
        self,
        path: str | Path,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        min_delta: float = 0.0,
    ):
        super().__init__(monitor, min_delta, mode)
        self.path = str(arguments.path("ModelCheckpoint: path", path))
        self.save_best_only = arguments.flag("ModelCheckpoint: save_best_only", save_best_only)
        what = "ModelCheckpoint: save_weights_only"
        self.save_weights_only = arguments.flag(what, save_weights_only)
        if self.path.lower().endswith(".safetensors") and not self.save_weights_only:
            raise ValueError(
                f"ModelCheckpoint: {self.path} would hold weights alone: give "
                f"save_weights_only=True, or call the file of a whole model .tg"
            )
        self.name(1, {})

    def on_train_begin(self) -> None:
        """Check the names and the folder, so that a wrong one shows before the first epoch."""
        self.awaited = []
        if self.save_best_only:
            self.check_monitor()
        for name in asked_for(self.path):
            complaint = f"the file name {self.path!r} asks for {name!r}; "
            self.expect([name], complaint, ["epoch", *self.model.log_names])
        first = Path(self.name(1, {}))
        check_place(self, self.fixed_folder() / first.name)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Save, if it is time."""
        self.arrived(logs)
        if not self.save_best_only or self.improved(epoch, logs):
            path = Path(self.name(epoch + 1, numbers_in(logs)))
            if path.parent != self.fixed_folder():
                path.parent.mkdir(parents=True, exist_ok=True)
            save = self.model.save_weights if self.save_weights_only else self.model.save
            save(path)

    def name(self, epoch: int, numbers: Logs) -> str:
        """The name of the file; what was not reported is NaN."""
        try:
            return self.path.format_map(defaultdict(lambda: nan, numbers, epoch=epoch))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"the file name {self.path!r} cannot be filled in: {error}") from None

    def fixed_folder(self) -> Path:
        """The folder in which folders and files are made."""
        folder = Path(self.path).parent
        while "{" in str(folder):
            folder = folder.parent
        return folder


def asked_for(path: str) -> list[str]:
    """The names in a file name.

    >>> asked_for("run-{epoch:03d}-{val_loss:.2f}.tg")
    ['epoch', 'val_loss']
    """
    fields = (field for _, field, _, _ in Formatter().parse(path) if field is not None)
    return [re.split(r"[.\[]", field)[0] for field in fields]
