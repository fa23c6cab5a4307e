"""What can happen during fit besides training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..naming import did_you_mean

Logs = Mapping[str, float]


class Callback:
    """Override what is needed; `model` is set before the first call.

    Attributes
    ----------
    saved : tuple of str
        The attributes that a backup of the training keeps (numbers, names, arrays, lists of them).
    """

    model: Any = None
    saved: tuple[str, ...] = ()
    comes_last = False  # is it told everything after the others?

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

    def on_not_finite(self, where: str) -> bool:
        """A gradient is not finite; no step was made. True: stop training, instead of an error."""
        return False

    def on_resume(self) -> None:
        """The attributes in `saved` were brought back, after `on_train_begin`."""


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
        then "<output>_<metric>". With several losses, "weighted/<loss>" are the parts whose sum is
        "loss", "share/<loss>" their shares of it, and "gradient_share/<loss>" the shares of the
        lengths of their weighted gradients, in the first step of the epoch. On held-back data, the
        first ones with "val_" in front.
    epoch : list of int
    """

    saved = ("history", "epoch")

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
