"""What can happen during fit besides training."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from typing import Any

from .naming import did_you_mean

Logs = Mapping[str, float]


class Callback:
    """Override what is needed; `model` is set before the first call."""

    model: Any = None

    def on_train_begin(self) -> None:
        """Before the first epoch."""

    def on_train_end(self) -> None:
        """After the last epoch, or when fit is interrupted."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch, with its losses and metrics."""

    def on_train_batch_begin(self, step: int, batch: Mapping[Any, Any]) -> None:
        """Before a training step, counted from 0 over all epochs, with what will be fed."""

    def on_train_batch_end(self, step: int, logs: Logs) -> None:
        """After a training step, with the running losses and metrics of the epoch."""


class LambdaCallback(Callback):
    """Functions as a callback: ``LambdaCallback(on_epoch_end=lambda epoch, logs: ...)``."""

    def __init__(self, **functions: Callable[..., Any]):
        known = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in functions.items():
            if name not in known:
                raise ValueError(f"no callback is called {name!r}; {did_you_mean(name, known)}")
            setattr(self, name, function)


class History(Callback):
    """What `fit` returns.

    Attributes
    ----------
    history : dict of list
        Per epoch: "loss" is the weighted sum, "<output>_loss" the loss of each output as it is,
        then "<output>_<metric>", and the same with "val_" in front.
    epoch : list of int
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


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

    def __init__(self, monitor: str = "val_loss", min_delta: float = 0.0, mode: str = "auto"):
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode is 'auto', 'min' or 'max', not {mode!r}")
        if mode == "auto":
            mode = "max" if monitor.lower().endswith(HIGHER_IS_BETTER) else "min"
        self.monitor, self.min_delta, self.sign = (
            monitor,
            abs(min_delta),
            1 if mode == "min" else -1,
        )

    def on_train_begin(self) -> None:
        """Start afresh, and check the name."""
        known = self.model.log_names
        if self.monitor not in known:
            raise ValueError(
                f"{type(self).__name__} watches {self.monitor!r}, which this fit does not report; "
                f"{did_you_mean(self.monitor, known)}"
            )
        self.best, self.best_epoch, self.wait = float("inf"), -1, 0

    def improved(self, epoch: int, logs: Logs) -> bool:
        """Is this epoch better than all before? Counts epochs since the last that was."""
        value = self.sign * logs[self.monitor]
        if value < self.best - (self.min_delta if self.best < float("inf") else 0):
            self.best, self.best_epoch, self.wait = value, epoch, 0
            return True
        self.wait += 1
        return False


class EarlyStopping(Watch):
    """Stop when a number no longer gets better; or stop one loss and go on with the others.

    Parameters
    ----------
    monitor, min_delta, mode
        As in `Watch`. Default: "val_loss", 0 and "auto".
    patience : int
        Epochs without progress before stopping. Default: 0.
    restore_best_weights : bool
        Go back to the weights of the best epoch.
    only : str, optional
        The name of a loss: its weight is set to 0, and training goes on with the others.
    freeze : sequence of str
        Layers that stop training then, such as the head of that loss.

    Attributes
    ----------
    stopped_epoch : int or None
        When it fired, counted from 0.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
        only: str | None = None,
        freeze: tuple[str, ...] | list[str] = (),
    ):
        super().__init__(monitor, min_delta, mode)
        self.patience, self.restore_best_weights = patience, restore_best_weights
        self.only, self.freeze = only, freeze
        self.stopped_epoch: int | None = None

    def on_train_begin(self) -> None:
        """Start afresh, and check all names."""
        super().on_train_begin()
        self.stopped_epoch = None
        if self.only is not None and self.only not in self.model.loss_weights:
            known = self.model.loss_weights
            raise ValueError(f"no loss is called {self.only!r}; {did_you_mean(self.only, known)}")
        for name in self.freeze:
            self.model.get_layer(name)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Stop, if it is time."""
        if self.stopped_epoch is not None:
            return
        if self.improved(epoch, logs):
            if self.restore_best_weights:
                self._best_weights = self.model.get_weights()
        elif self.wait > self.patience:
            self.stopped_epoch = epoch
            best = f"{self.monitor} was best in epoch {self.best_epoch + 1}"
            if self.restore_best_weights:
                self.model.set_weights(self._best_weights)
            for name in self.freeze:
                self.model.get_layer(name).trainable = False
            if self.only is None:
                self.model.stop_training = f"{best}: stopped after epoch {epoch + 1}"
            else:
                self.model.loss_weights = {**self.model.loss_weights, self.only: 0.0}
                print(f"{best}: the loss {self.only} has weight 0 from now on")


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
    """Set loss weights before each epoch: ``schedule(epoch, weights)`` returns a dict of changes.

    The optimizer keeps its state.
    """

    def __init__(self, schedule: Callable[[int, dict[str, float]], Mapping[str, float]]):
        self.schedule = schedule

    def on_epoch_begin(self, epoch: int) -> None:
        """Set them; an unknown name is an error."""
        weights = dict(self.model.loss_weights)
        self.model.loss_weights = {**weights, **self.schedule(epoch, dict(weights))}


class CSVLogger(Callback):
    """Write the numbers of each epoch as a line of a CSV file.

    Parameters
    ----------
    path : str
        A file that is there already is replaced.
    """

    def __init__(self, path: str):
        self.path = path

    def on_train_begin(self) -> None:
        """Open the file and write the names."""
        self._file = open(self.path, "w", newline="", encoding="utf-8")  # noqa: SIM115
        self._writer = csv.DictWriter(self._file, ["epoch", *self.model.log_names])
        self._writer.writeheader()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write a line, so that it is there even if the next epoch fails."""
        self._writer.writerow({"epoch": epoch, **logs})
        self._file.flush()

    def on_train_end(self) -> None:
        """Close the file."""
        self._file.close()
