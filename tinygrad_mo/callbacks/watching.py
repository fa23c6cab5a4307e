"""Callbacks that watch whether numbers get better."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..naming import did_you_mean
from .base import Callback, Logs

HIGHER_IS_BETTER = ("accuracy", "acc", "auc", "precision", "recall")


class Watch(Callback):
    """The common part of callbacks that watch one number for getting better.

    Parameters
    ----------
    monitor : str
        A key of History. A name that fit will not report is an error before the first epoch.
    min_delta : float
        A smaller change is none.
    mode : "auto", "min" or "max"
        Which way is better. "auto": higher for accuracies, AUC, precision and recall, else lower.
    """

    saved: tuple[str, ...] = ("best", "best_epoch", "wait")
    watcher = ""  # who watches, if it is not this object itself

    def __init__(self, monitor: str = "val_loss", min_delta: float = 0.0, mode: str = "auto"):
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode is 'auto', 'min' or 'max', not {mode!r}")
        self.mode = mode
        if mode == "auto":
            mode = "max" if monitor.lower().endswith(HIGHER_IS_BETTER) else "min"
        self.monitor, self.min_delta = monitor, abs(min_delta)
        self.sign = 1 if mode == "min" else -1

    def on_train_begin(self) -> None:
        """Start afresh, and check the name."""
        who, known = self.watcher or type(self).__name__, self.model.log_names
        if self.monitor not in known:
            own = self.monitor.removeprefix("val_")
            if own in known:
                raise ValueError(
                    f"{who} watches {self.monitor!r}, but this fit has no validation data: give "
                    f"validation_split or validation_data, or watch {own!r}"
                )
            raise ValueError(
                f"{who} watches {self.monitor!r}, which this fit does not report; "
                f"{did_you_mean(self.monitor, known)}"
            )
        metric = self.model.objective.metric_called(self.monitor.removeprefix("val_"))
        if self.mode == "auto" and metric is not None:
            if metric.higher_is_better is None:
                raise ValueError(
                    f"{who} cannot know if a higher {self.monitor!r} is better: give mode='max' or "
                    f"mode='min'"
                )
            self.sign = -1 if metric.higher_is_better else 1
        self.best, self.best_epoch, self.wait = float("inf"), -1, 0

    def improved(self, epoch: int, logs: Logs) -> bool:
        """Is this epoch better than all before? Counts epochs since the last that was."""
        value = self.sign * logs[self.monitor]
        if value < self.best - (self.min_delta if self.best < float("inf") else 0):
            self.best, self.best_epoch, self.wait = value, epoch, 0
            return True
        self.wait += 1
        return False


class EarlyStopping(Callback):
    """Stop when numbers no longer get better; or stop one loss and go on with the others.

    Parameters
    ----------
    monitor : str, or a list of str
        Keys of History. Default: "val_loss".
    min_delta : float
        A smaller change is none. Default: 0.
    patience : int
        Stop after so many epochs without progress. Default: 0, which stops after the first.
    mode : "auto", "min" or "max"
        Which way is better. "auto": higher for accuracies, AUC, precision and recall, else lower.
    restore_best_weights : bool
        Go back to the weights of the best epoch (of one monitor).
    only : str, optional
        The name of a loss: its weight is set to 0, and training goes on with the others.
    freeze : sequence of str
        Layers that stop training then, such as the head of that loss.
    combine : "all" or "any"
        Of several monitors, must all have stopped getting better, or is one enough? Default: all.

    Attributes
    ----------
    stopped_epoch : int or None
        When it fired, counted from 0.
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
        freeze: Sequence[str] = (),
        combine: str = "all",
    ):
        names = [monitor] if isinstance(monitor, str) else list(monitor)
        if combine not in ("all", "any") or not names:
            raise ValueError(f"combine is 'all' or 'any' of some monitors, not {combine!r}")
        if restore_best_weights and len(names) > 1:
            raise ValueError("restore_best_weights needs one monitor: several have no best epoch")
        if restore_best_weights and only is not None:
            raise ValueError(
                f"restore_best_weights would set back the other losses, too, which go on after "
                f"{only!r} has stopped: leave it out, or leave out only={only!r}"
            )
        self.watches = [Watch(name, min_delta, mode) for name in names]
        for watch in self.watches:
            watch.watcher = type(self).__name__
        self.patience, self.restore_best_weights = patience, restore_best_weights
        self.only, self.freeze, self.combine = only, freeze, combine
        self.stopped_epoch: int | None = None
        self.best_weights: list[Any] | None = None

    @property
    def progress(self) -> list[list[Any]]:
        """How far each monitor has come: its best value, when, and epochs since then."""
        return [[w.best, w.best_epoch, w.wait] for w in self.watches]

    @progress.setter
    def progress(self, values: list[list[Any]]) -> None:
        for watch, value in zip(self.watches, values, strict=True):
            watch.best, watch.best_epoch, watch.wait = value

    def on_train_begin(self) -> None:
        """Start afresh, and check all names."""
        for watch in self.watches:
            watch.model = self.model
            watch.on_train_begin()
        self.stopped_epoch = self.best_weights = None
        if self.only is not None and self.only not in self.model.loss_weights:
            known = self.model.loss_weights
            raise ValueError(f"no loss is called {self.only!r}; {did_you_mean(self.only, known)}")
        for name in self.freeze:
            self.model.get_layer(name)

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
        reasons = (f"{w.monitor} was best in epoch {w.best_epoch + 1}" for w in stuck)
        why = " and ".join(reasons)
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
        for name in self.freeze:
            self.model.get_layer(name).trainable = False
        if self.only is None:
            self.model.stop_training = f"{why}: stopped after epoch {epoch + 1}"
        else:
            self.model.loss_weights = {**self.model.loss_weights, self.only: 0.0}
            if self.model.fitting.verbose:
                print(f"{why}: the loss {self.only} has weight 0 from now on")


class ReduceLROnPlateau(Watch):
    """Lower the learning rate when a number no longer gets better.

    Parameters
    ----------
    monitor, min_delta, mode
        As in `Watch`. Default: "val_loss", 0.0001 and "auto".
    factor : float
        What the learning rate is multiplied with. Default: 0.1.
    patience : int
        Epochs without progress before that. Default: 10.
    min_lr : float
        Never go below. Default: 0.
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
        if not 0 < factor < 1:
            raise ValueError(f"factor lies between 0 and 1, not {factor}")
        self.factor, self.patience, self.min_lr = factor, patience, min_lr

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Lower it, if it is time."""
        if not self.improved(epoch, logs) and self.wait >= self.patience:
            optimizer, self.wait = self.model.optimizer, 0
            optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)


class ModelCheckpoint(Watch):
    """Save the model after epochs, or after those that were better than all before.

    Parameters
    ----------
    path : str or Path
        May hold the epoch, counted from 1, and keys of History: "run-{epoch:03d}-{val_loss:.2f}".
    monitor, min_delta, mode
        As in `Watch`, for `save_best_only`.
    save_best_only : bool
        Default: False, save after each epoch.
    save_weights_only : bool
        True: as `Model.save_weights` does. Default: the whole model, as `Model.save` does.
    """

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
        self.path, self.save_best_only = str(path), save_best_only
        self.save_weights_only = save_weights_only

    def on_train_begin(self) -> None:
        """Check the names, so that a wrong one shows before the first epoch."""
        if self.save_best_only:
            super().on_train_begin()
        self.name(0, dict.fromkeys(self.model.log_names, 0.0))

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Save, if it is time."""
        if not self.save_best_only or self.improved(epoch, logs):
            save = self.model.save_weights if self.save_weights_only else self.model.save
            save(self.name(epoch, logs))

    def name(self, epoch: int, logs: Logs) -> str:
        try:
            return self.path.format(epoch=epoch + 1, **logs)
        except KeyError as error:
            raise ValueError(
                f"the file name {self.path!r} asks for {error}; "
                f"{did_you_mean(error.args[0], ['epoch', *logs])}"
            ) from None
