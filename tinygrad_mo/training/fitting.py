"""One call of `fit`: epochs and batches, who is told, and how to go on after an interruption."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..callbacks import Callback
from ..device import at_work
from ..files.archive import CheckpointError, load_arrays, save_arrays
from ..files.checkpoint import set_training_state, training_state
from ..files.records import Reader, Writer
from .batches import ArrayBatches, StreamBatches
from .progress import Progress
from .scores import Scores

if TYPE_CHECKING:
    from .training import TrainableModel

Batches = ArrayBatches | StreamBatches


class Fit:
    """A training that runs.

    Parameters
    ----------
    model : TrainableModel
    batches : ArrayBatches or StreamBatches
    held_out : ArrayBatches or StreamBatches, optional
        Scored after each epoch.
    listeners : sequence of Callback
    epochs, first_epoch : int
    verbose : int

    Attributes
    ----------
    epoch, batch : int
        Where it stands: so many epochs are done, and so many batches of the next one.
    finished : bool
        Is everything done?
    """

    def __init__(
        self,
        model: TrainableModel,
        batches: Batches,
        held_out: Batches | None,
        listeners: Sequence[Callback],
        epochs: int,
        first_epoch: int = 0,
        verbose: int = 0,
    ):
        self.model, self.batches, self.held_out = model, batches, held_out
        self.listeners = sorted(listeners, key=lambda one: one.comes_last)
        self.epochs, self.epoch, self.batch = epochs, first_epoch, 0
        self.verbose, self.finished = verbose, False
        self.scores = Scores(model)
        self._shuffler_then = model.shuffler.bit_generator.state  # when the epoch began

    def tell(self, event: str, *what: Any) -> None:
        for listener in self.listeners:
            getattr(listener, event)(*what)

    def run(self) -> None:
        """Train. Ctrl-C takes effect after a step, never within."""
        for listener in self.listeners:
            listener.model = self.model
        self.tell("on_train_begin")
        try:
            with at_work(), stoppable() as stop_here:
                while self.epoch < self.epochs and not self.model.stop_training:
                    self.run_epoch(stop_here)
            self.finished = True
        finally:
            self.tell("on_train_end")

    def run_epoch(self, stop_here: Any) -> None:
        """The rest of an epoch: usually all of it."""
        label = f"Epoch {self.epoch + 1}/{self.epochs}"
        if not self.batch:
            self.tell("on_epoch_begin", self.epoch)
            self.scores = Scores(self.model)
            self._shuffler_then = self.model.shuffler.bit_generator.state
        names, owners = list(self.model.outputs), self.model.outputs_of_keys()
        progress = Progress(label, self.batches.steps, self.verbose, names, owners)
        try:
            for number, (feed, where) in enumerate(self.batches.epoch()):
                if number < self.batch:  # done before an interruption
                    logs = self.scores.logs(with_metrics=False)
                else:
                    logs = self.step(feed, where)
                    if self.model.stop_training:
                        break
                progress.advance(logs)
                stop_here()
        except BaseException:
            progress.close()
            raise
        logs = self.scores.logs()
        shown = dict(logs)
        if self.held_out is not None:
            scored = self.model.score(self.held_out)
            shown |= {f"val_{name}": value for name, value in scored.items()}
        progress.close(shown)
        self.epoch, self.batch = self.epoch + 1, 0
        self.tell("on_epoch_end", self.epoch - 1, logs | self.scores.accounts() | shown)
        if self.verbose and isinstance(self.model.stop_training, str):
            print(self.model.stop_training)

    def step(self, feed: Any, where: Any) -> dict[str, float]:
        """One batch, and the losses of the epoch so far; an error is told which batch it was."""
        try:
            return self._step(feed)
        except Exception as error:
            words = self.batches.words(where)
            error.add_note(f"in step {self.model.step} of the training; {words}")
            raise

    def _step(self, feed: Any) -> dict[str, float]:
        self.tell("on_train_batch_begin", self.model.step, feed)
        try:
            tape = self.model.learn(feed)
        except FloatingPointError as error:
            handled = [one.on_not_finite(str(error)) for one in self.listeners]
            if not any(handled):
                raise
            return self.scores.logs(with_metrics=False)
        self.scores.add(feed, tape)
        if not self.batch and len(self.scores.terms) > 1:
            self.scores.compare_gradients(tape)
        self.batch += 1
        logs = self.scores.logs(with_metrics=False)
        self.tell("on_train_batch_end", self.model.step - 1, logs)
        return logs

    def save(self, path: str | Path) -> None:
        """Write everything that `resume` needs, in one instant."""
        writer = Writer()
        arrays, state = training_state(self.model)
        if self.batch:
            state["shuffler"] = self._shuffler_then  # which will draw the same order again
        running = {
            "epoch": self.epoch,
            "batch": self.batch,
            "batches": self.batches.steps,
            "samples": self.batches.samples,
            "stop": self.model.stop_training,
            "scores": self.scores.state() if self.batch else None,
            "callbacks": [
                (type(one).__name__, {name: getattr(one, name) for name in one.saved})
                for one in self.listeners
            ],
        }
        fit = writer.value(running)
        save_arrays(path, writer.arrays | arrays, state=state, fit=fit)

    def resume(self, path: str | Path) -> None:
        """Go back to where `save` was called; an error if it was in another training."""
        arrays, header = load_arrays(path)
        if "fit" not in header:
            raise CheckpointError(f"{path} is no backup of a training")
        running = Reader([], arrays, type(self.model), {}).value(header["fit"])
        own = {
            "samples": self.batches.samples,
            "batches": self.batches.steps,
            "callbacks": [type(one).__name__ for one in self.listeners],
        }
        then = running | {"callbacks": [name for name, _ in running["callbacks"]]}
        for name, now in own.items():
            if then[name] != now:
                raise CheckpointError(
                    f"{path} is the backup of another training: {name} {then[name]}, now {now}. "
                    f"Run the program that wrote it, or delete the file to start anew"
                )
        set_training_state(self.model, arrays, header["state"])
        self.epoch, self.batch = running["epoch"], running["batch"]
        self.model.stop_training = running["stop"]
        if running["scores"] is not None:
            self.scores.set_state(running["scores"])
        self._shuffler_then = self.model.shuffler.bit_generator.state
        for one, (_, saved) in zip(self.listeners, running["callbacks"], strict=True):
            for name, value in saved.items():
                setattr(one, name, value)
            one.on_resume()


@contextmanager
def stoppable() -> Iterator[Any]:
    """Hold back Ctrl-C until the yielded function is called: a step is never cut in half."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        if pressed:
            raise KeyboardInterrupt  # pressed twice: at once
        pressed.append(number)

    def stop_here() -> None:
        if pressed:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    try:
        yield stop_here
        stop_here()
    finally:
        signal.signal(signal.SIGINT, before)
