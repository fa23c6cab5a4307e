"""Callbacks that write files while training runs, or know what to do when it goes wrong."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from .base import Callback, Logs


class CSVLogger(Callback):
    """Write the numbers of each epoch as a line of a CSV file.

    Parameters
    ----------
    path : str or Path
        A file that is there already is replaced; a training that is resumed goes on in it.
    """

    saved = ("size",)

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def on_train_begin(self) -> None:
        """Start with the names."""
        self.size = 0  # bytes written

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write a line, so that it is there even if the next epoch fails."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["epoch", *self.model.log_names])
        if not self.size:
            writer.writeheader()
        writer.writerow({"epoch": epoch, **logs})
        with open(self.path, "r+b" if self.size else "wb") as file:
            file.truncate(self.size)  # a line that an interrupted training wrote last
            file.seek(self.size)
            file.write(text.getvalue().encode())
            self.size = file.tell()


class BackupAndRestore(Callback):
    """Keep a file from which a training that was cut off goes on, as if nothing had happened.

    Run the same program again: `fit` then starts where the file was written, with the same
    weights, optimizer, random numbers, order of samples and callbacks, and ends with the same bits.
    A training that reaches its end deletes the file.

    Parameters
    ----------
    path : str or Path
    every : "epoch" or int
        When to write: after each epoch, or after so many steps, too. Default: "epoch".
    """

    comes_last = True  # what the other callbacks do in an epoch belongs into the file

    def __init__(self, path: str | Path, every: str | int = "epoch"):
        if every != "epoch" and (not isinstance(every, int) or every < 1):
            raise ValueError(f"every is 'epoch' or a number of steps, not {every!r}")
        self.path, self.every = Path(path), every

    def on_train_begin(self) -> None:
        """Go back to where the file was written, if there is one."""
        if self.path.exists():
            self.model.fitting.resume(self.path)

    def on_train_batch_end(self, step: int, logs: Logs) -> None:
        """Write, if it is time."""
        if isinstance(self.every, int) and (step + 1) % self.every == 0:
            self.model.fitting.save(self.path)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write."""
        self.model.fitting.save(self.path)

    def on_train_end(self) -> None:
        """Delete the file, if all epochs are done."""
        if self.model.fitting.finished:
            self.path.unlink(missing_ok=True)


class TerminateOnNaN(Callback):
    """Stop when a gradient is NaN or infinite, instead of raising an error.

    The step is not made: the model keeps the last weights that were right. Why training stopped,
    with the layer and the loss in which the number was born, is printed and kept in `where`.
    """

    where = ""

    def on_not_finite(self, where: str) -> bool:
        """Stop."""
        self.where = where
        self.model.stop_training = where
        return True
