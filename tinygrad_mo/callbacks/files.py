"""Callbacks that write files while training runs, or know what to do when it goes wrong."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path
from typing import Any

from .. import arguments, ranks
from ..platforms import patiently, same_place, why_no_name
from ..whole_files import delete_file, new_beside, replace_file
from .base import Callback, Logs, numbers_in


def check_place(writer: Any, path: Path, appends: bool = False) -> None:
    """An error before the training, if `writer` could not make a file at `path` in it.

    One that `appends` opens the file, too.
    """
    who = type(writer).__name__
    if not os.path.isdir(path.parent):  # which says False, too, where a path cannot be
        raise ValueError(f"{who} cannot write {path}: there is no folder {path.parent}")
    if reason := why_no_name(path):
        raise ValueError(f"{who} cannot write {path}: {reason}; choose another name")
    if os.path.isdir(path):
        raise ValueError(f"{who} cannot write {path}: this is a folder, give the name of a file")
    for other in writer.model.fitting.listeners:
        writes = isinstance(other, CSVLogger | BackupAndRestore | type(writer))
        if writes and other is not writer and same_place(Path(other.path), Path(writer.path)):
            raise ValueError(
                f"{who} and {type(other).__name__} would both write {path}: give each a path of "
                f"its own"
            )
    try:
        is_device = os.path.exists(path) and not os.path.isfile(path)
        if is_device or (appends and os.path.exists(path)):
            open(path, "ab").close()
        if not is_device:  # which is written to, other files are replaced
            with suppress(FileNotFoundError):
                os.lstat(path)  # or says why there can be none
            tried = new_beside(path)
            try:
                open(tried, "xb").close()
            finally:  # Ctrl-C, too
                with suppress(OSError):
                    tried.unlink()
    except (OSError, ValueError) as error:
        raise ValueError(f"{who} cannot write {path}: {error}") from error


class CSVLogger(Callback):
    """Write the numbers of each epoch as a line of a CSV file, those of other callbacks, too.

    Parameters
    ----------
    path : str or Path
        A file that is there already is replaced, in each fit; a training that is resumed goes on in
        it. A number that an epoch did not report is "nan".

    Raises
    ------
    TypeError
        If the path is none.
    ValueError
        Before the first epoch, if the file cannot be written.
    """

    phase = "look"
    saved = ("columns", "lines")

    def __init__(self, path: str | Path):
        self.path = arguments.path("CSVLogger: path", path)

    def on_train_begin(self) -> None:
        """See that the file can be written."""
        self.columns, self.lines = ["epoch", *self.model.log_names], 0
        check_place(self, self.path, appends=True)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write a line, so that it is there even if the next epoch fails."""
        line = {**numbers_in(logs), "epoch": epoch}
        late = [name for name in line if name not in self.columns]
        if late or not self.lines:  # reported for the first time: all lines get a column more
            earlier = self.earlier()
            self.columns = [*self.columns, *late]
            self.replace([*earlier, line])
        else:
            self.append(line)
        self.lines += 1

    def on_resume(self) -> None:
        """Take away a line that the interrupted training wrote last."""
        if self.lines:
            self.replace(self.earlier())

    def earlier(self) -> list[dict[str, Any]]:
        """The lines that were written in this training."""
        if not self.lines:
            return []
        with open(self.path, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))[: self.lines]

    def replace(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Let the file hold these lines, in one instant."""
        header = dict(zip(self.columns, self.columns, strict=True))
        replace_file(self.path, self.as_text([header, *lines]))

    def append(self, line: Mapping[str, Any]) -> None:
        """Write a line whole, or not at all."""
        if ranks.rank:  # the first process writes
            return
        with patiently(lambda: open(self.path, "ab", buffering=0), self.path) as file:
            size = os.fstat(file.fileno()).st_size
            try:
                written = file.write(content := self.as_text([line]))
                if written != len(content):
                    raise OSError(ENOSPC, os.strerror(ENOSPC), str(self.path))
            except BaseException:
                file.truncate(size)
                raise

    def as_text(self, lines: Sequence[Mapping[str, Any]]) -> bytes:
        text = io.StringIO(newline="")
        # a column that an interrupted training has added since is left out
        csv.DictWriter(text, self.columns, restval="nan", extrasaction="ignore").writerows(lines)
        return text.getvalue().encode("utf-8", "backslashreplace")


class BackupAndRestore(Callback):
    """Keep a file from which a training that was cut off goes on, as if nothing had happened.

    Run the same program again: `fit` then starts where the file was written, with the same
    weights, optimizer, random numbers, order of samples and callbacks, and ends with the same bits
    (what these depend on besides, such as the number of threads, says `set_random_seed`).
    A training that reaches its end deletes the file. A `fit` that Ctrl-C has stopped can be called
    again on the same model, too.

    Parameters
    ----------
    path : str or Path
        One for each `fit` of a program.
    every : "epoch" or int
        When to write: after each epoch, or after so many steps, too. Default: "epoch".

    Raises
    ------
    TypeError, ValueError
        For a path that is none, for `every` that is neither; before the first epoch, if the file
        cannot be written.
    CheckpointError
        If there is a file already, but of another training, or of another `fit` of the program:
        nothing is changed then.

    Notes
    -----
    Compared are the data that are arrays, the graph with its constants, all that `compile` and
    `fit` were given but `epochs` and `verbose`, the arguments of all callbacks but ``path`` and
    ``verbose`` (of this one, none), and how functions and classes of your own are written, with
    the plain data in their defaults, closures and `partial` arguments. And what the fit began from:
    steps, weights, what the optimizer and a method for the loss weights keep, random numbers. Of a
    program that does not call `set_random_seed`, only the steps and how many generators were made:
    its weights are others each time.

    Not compared, so keep them the same: batches that come from an iterable; what a function calls
    or reads from outside (a global, a file), and lists, dicts and objects in its closure; arguments
    of a callback that are objects; attributes that were changed after it was made; and which of
    several lambdas in one line of a program it is.
    """

    phase = "keep"  # what the other callbacks do in an epoch belongs into the file

    def __init__(self, path: str | Path, every: str | int = "epoch"):
        self.path = arguments.path("BackupAndRestore: path", path)
        if isinstance(every, str) and every != "epoch":
            raise ValueError(f"every is 'epoch' or a number of steps, not {every!r}")
        if every != "epoch":
            every = arguments.whole("BackupAndRestore: every, a number of steps,", every, 1)
        self.every = every

    def on_train_begin(self) -> None:
        """Go back to where the file was written, if there is one."""
        check_place(self, self.path)
        self.model.fitting.check_savable()
        self.model.fitting.remember_start()
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
            delete_file(self.path)


class TerminateOnNaN(Callback):
    """Stop when a gradient is NaN or infinite, instead of raising an error.

    The step is not made: the model keeps the last weights that were right. Why training stopped,
    with the layer and the loss in which the number was born, is printed and kept in `where`.

    Attributes
    ----------
    where : str
        Empty if nothing was wrong in the last fit.
    """

    where = ""

    def on_train_begin(self) -> None:
        """Start afresh."""
        self.where = ""

    def on_not_finite(self, where: str) -> bool:
        """Stop."""
        self.where = where
        self.model.stop_training = where
        return True
