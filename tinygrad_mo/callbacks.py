"""What can happen during fit besides training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
