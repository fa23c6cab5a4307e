"""One call of `fit`: epochs and batches, who is told, and how to go on after an interruption."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from numpy.random import Generator

from .. import arguments, ranks
from ..callbacks.base import ACTING, Callback, in_order
from ..callbacks.files import BackupAndRestore
from ..console import say
from ..device import at_work
from ..engine.plan import Tape
from ..files.archive import RECORDING, check_kind, made_again, opened, save_arrays
from ..files.checkpoint import set_training_state, training_state, unchanged_by_errors
from ..files.identity import differences, fingerprint, settings_of, standing_of, start_of
from ..files.reading import read_value
from ..files.schema import Maybe, check_form
from ..files.writing import Writer
from ..optimizers import Optimizer
from ..questions import told
from ..whole_files import CheckpointError
from .balanced import undone_if_refused
from .batches import Batches, count, noted
from .in_hands import handed_round, takers
from .objective import Objective
from .progress import Progress
from .scores import Scores, score
from .step import training_step

RUNNING = {  # what a backup says of the fit
    "epoch": int,
    "batch": int,
    "identity": dict,
    "start": dict,
    "stop": lambda where, x: check_form(where, x, str if isinstance(x, str) else bool),
    "scores": Maybe(dict),
    "callbacks": [dict],
}


class Learner(Protocol):
    """What is trained: a compiled model."""

    @property
    def objective(self) -> Objective: ...

    optimizer: Optimizer
    step: int  # training steps made so far
    shuffler: Generator
    stop_training: bool | str  # a callback may say True, or why
    fitting: Fit | None  # the latest


class Fit:
    """A training that runs.

    Parameters
    ----------
    model : Model
        Compiled.
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
    running, finished : bool
        Is somebody training? Is everything done?
    weights : dict of float
        What the losses were multiplied with in the last step.
    """

    def __init__(
        self,
        model: Learner,
        batches: Batches,
        held_out: Batches | None,
        listeners: Sequence[Callback],
        epochs: int,
        first_epoch: int = 0,
        verbose: int = 0,
    ):
        self.model, self.batches, self.held_out = model, batches, held_out
        self.listeners = in_order(listeners)
        self.first_epoch, self.epochs = first_epoch, epochs
        self.epoch, self.batch = first_epoch, 0
        self.verbose, self.running, self.finished = verbose, False, False
        self.scores = Scores(model.objective)
        contents = model.objective.contents
        self._frozen = [n for n, w in contents.weights.items() if not contents.is_trainable(w)]
        self.weights = dict(model.objective.weights)
        self._begun_with = settings_now(model)
        self._method_then = model.objective.balancer  # callbacks may set another one
        self._shuffler_then = model.shuffler.bit_generator.state  # when the epoch began
        before = model.fitting  # this may be the same fit, once more after Ctrl-C
        was_cut = before is not None and not before.finished
        self._start_before = vars(before).get("start") if was_cut else None

    def __getstate__(self) -> dict[str, Any]:
        """For a copy, which nobody trains at present."""
        return vars(self) | {"running": False}

    def tell(self, event: str, *what: Any) -> None:
        for listener in self.listeners:
            getattr(listener, event)(*what)

    def run(self) -> None:
        """Train. Ctrl-C takes effect after a step, never within."""
        self.running = True
        begun: list[Callback] = []  # who has begun is told of the end, too
        for listener in self.listeners:
            listener.model = self.model
        try:
            for listener in self.listeners:
                listener.on_train_begin()
                begun.append(listener)
            ranks.agree("at the start of fit", self.whole_identity)
            with at_work(), stoppable() as stop_here:
                while self.epoch < self.epochs and not self.stops():
                    self.run_epoch(stop_here)
                self.tell("settle")
            self.finished = True
        finally:
            self.running = False
            try:
                for listener in begun:
                    listener.on_train_end()
            finally:
                self.let_go()

    def let_go(self) -> None:
        """Keep where it ended, and nothing that would keep the model, which has this, or data."""
        self.listeners, self.held_out = [], None
        del self.model, self.batches, self.scores

    def run_epoch(self, stop_here: Any) -> None:
        """The rest of an epoch: usually all of it."""
        label = f"Epoch {self.epoch + 1}/{self.epochs}"
        if not self.batch:
            self.tell("on_epoch_begin", self.epoch)
            self.scores = Scores(self.model.objective)
            self._shuffler_then = self.model.shuffler.bit_generator.state
        objective = self.model.objective
        names, owners = list(objective.outputs), objective.outputs_of_keys()
        progress = Progress(label, self.batches.steps, self.verbose, names, owners)
        try:
            for number, (feed, where) in enumerate(self.batches.epoch()):
                if number < self.batch:  # done before an interruption
                    logs = self.scores.logs(with_metrics=False)
                else:
                    logs = self.step(feed, where)
                    if self.stops():
                        break
                progress.advance(logs)
                stop_here()
        except BaseException:
            progress.close()
            raise
        self.tell("on_steps_end", self.epoch)
        logs = self.scores.logs()
        is_first = self.epoch == self.first_epoch
        if is_first and self.batch:
            self.scores.warn_of_silence()
        shown = dict(logs)
        if self.held_out is not None:
            with noted("in the validation data"):
                scored = score(objective, self.held_out, warn=is_first)
            shown |= {f"val_{name}": value for name, value in scored.items()}
        progress.close(shown | self.scores.shown_weights())
        self.epoch, self.batch = self.epoch + 1, 0
        self.tell("on_epoch_end", self.epoch - 1, logs | self.scores.accounts() | shown)
        if self.verbose and isinstance(self.model.stop_training, str):
            say(self.model.stop_training)
        stop_here()

    def stops(self) -> bool:
        """Has a callback said so? Of several processes, on any of them."""
        model = self.model

        def now() -> dict[str, Any]:
            return {"epoch": self.epoch + 1, "batch": self.batch, **settings_now(model)}

        model.stop_training = ranks.agree("", now, model.stop_training)
        return bool(model.stop_training)

    def step(self, feed: Any, where: Any) -> dict[str, float]:
        """One batch, and the losses of the epoch so far; an error is told which batch it was."""
        number = self.model.step

        def words() -> str:
            return f"in step {number} of the training; {self.batches.words(where)}"

        return told(words, self._step, feed)

    def _step(self, feed: Any) -> dict[str, float]:
        model = self.model
        if asked := takers(self.listeners):
            feed = handed_round(model.step, feed, asked)
        try:
            tape = train_step(model, feed)
        except FloatingPointError as error:
            handled = [one.on_not_finite(str(error)) for one in self.listeners]
            if not any(handled):
                raise
            model.stop_training = model.stop_training or str(error)
            return self.scores.logs(with_metrics=False)
        self.weights, plan = dict(model.objective.weights), model.objective.plan()
        self.scores.add(feed, plan, tape)
        if not self.batch and len(self.scores.terms) > 1:
            self.scores.compare_gradients(plan, tape)
        self.batch += 1
        logs = self.scores.logs(with_metrics=False)
        self.tell("on_train_batch_end", model.step - 1, logs)
        return logs

    def save(self, path: str | Path) -> None:
        """Write everything that `resume` needs, in one instant."""
        self.check_savable()
        writer = Writer()
        arrays, state = training_state(self.model)
        if self.batch:
            state["shuffler"] = self._shuffler_then  # which will draw the same order again
        running = {
            "epoch": self.epoch,
            "batch": self.batch,
            "identity": self.identity,
            "start": self.start,
            "stop": self.model.stop_training,
            "scores": self.scores.state() if self.batch else None,
            "callbacks": [state_of(one) for one in self.listeners],
        }
        fit, methods = writer.value(running), writer.value(self.methods_set_later())
        save_arrays(path, writer.arrays | arrays, state=state, fit=fit, methods=methods)

    def methods_set_later(self) -> list[Any]:
        """What sets the loss weights now, if that is not what set them when this began."""
        now = self.model.objective.balancer
        return [] if now is None or now is self._method_then else [now]

    def check_savable(self) -> None:
        """An error that names the metric or callback whose state no file can hold."""
        states = [(f"metric {name!r}", state) for name, state in self.scores.states_of_metrics()]
        states += [(type(one).__name__, state_of(one)) for one in self.listeners]
        for who, state in states:
            for name, value in state.items():
                with noted(f"this is {name!r} of {who}, which the backup of a training must keep"):
                    Writer().value(value)

    def resume(self, path: str | Path) -> None:
        """Go back to where `save` was called; an error, if it was in another training."""
        with opened(path, RECORDING) as (arrays, header), made_again(path):
            check_kind(path, header, "fit")
            running = read_value(f"{path}: fit", header["fit"], arrays)
            check_form(f"{path}: fit", running, RUNNING)
            if found := "; ".join(differences(running["identity"], self.identity)):
                raise CheckpointError(
                    f"{path} is the backup of another training: {found}. "
                    f"Run the program that wrote it, or delete the file to start anew"
                )
            known = running["start"] in (self.start, self._start_before)
            if found := "" if known else other_start(running["start"], self.start):
                raise CheckpointError(
                    f"{path} is the backup of another fit: it began from {found}. Give each fit of "
                    f"a program a path of its own, and call set_random_seed before the model is "
                    f"made; or delete the file to start anew"
                )
            with noted(
                "which a callback has given as loss_weights: a backup goes on with methods of "
                "this package, and with those that compile was given"
            ):
                methods = read_value(f"{path}: methods", header.get("methods", []), arrays)
            check_saved(path, running["callbacks"], self.listeners)
            with unchanged_by_errors(self.model):
                for method in methods:
                    self.model.objective.set_weights(method)
                set_training_state(path, self.model, arrays, header.get("state"))
                if running["scores"] is not None:
                    self.scores.set_state(running["scores"])
        self.go_on(running)

    def go_on(self, running: dict[str, Any]) -> None:
        """The rest of it: the model stands where it stood."""
        self.epoch, self.batch, self.start = running["epoch"], running["batch"], running["start"]
        self.model.stop_training = running["stop"]
        self._shuffler_then = self.model.shuffler.bit_generator.state
        for batches in (self.batches, self.held_out):
            if batches is not None:
                batches.pass_over(self.epoch - self.first_epoch)
        for one, saved in zip(self.listeners, running["callbacks"], strict=True):
            for name, value in saved.items():
                setattr(one, name, value)
            one.on_resume()

    def remember_start(self) -> None:
        """Look at what a backup must know while it is so: callbacks change it while it runs."""
        _ = self.identity, self.start

    @cached_property
    def start(self) -> dict[str, Any]:
        """What this began from."""
        return start_of(self.model)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must be the same in a training that goes on from a backup."""
        return self.identity_with(self.listeners)

    def identity_with(self, listeners: Sequence[Callback]) -> dict[str, Any]:
        """What this training is, with these of its callbacks."""
        held_out = self.held_out.identity() if self.held_out is not None else {}
        return {
            **self.batches.identity(),
            **{f"validation {name}": value for name, value in held_out.items()},
            "initial_epoch": self.first_epoch,
            **fingerprint(self.model),
            "frozen": self._frozen,  # at the start: callbacks may thaw, and set what follows
            **self._begun_with,
            "callbacks": [type(one).__name__ for one in listeners],
            **{
                f"callback {n} ({type(one).__name__})": settings_of(one)
                for n, one in enumerate(listeners)
                if not isinstance(one, BackupAndRestore)  # how often it writes does not matter
            },
        }

    def whole_identity(self) -> dict[str, Any]:
        """What must be the same in all processes that train together."""
        acting = [one for one in self.listeners if one.phase in ACTING]
        return {
            "epochs": self.epochs,
            "done": [self.epoch, self.batch],
            **self.identity_with(acting),
            **standing_of(self.model),
        }


def settings_now(model: Learner) -> dict[str, Any]:
    """What callbacks and programs may change between two steps."""
    rate = None if model.optimizer.follows_schedule else model.optimizer.learning_rate
    return {"learning rate": rate, "loss weights": dict(model.objective.weights)}


def all_of(model: Learner) -> dict[str, Any]:
    """What must be the same in all processes, without a fit."""
    return {**fingerprint(model), **settings_now(model), **standing_of(model)}


def other_start(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What two fits do not begin from alike."""
    return ", ".join(f"other {name}" for name in now if then.get(name) != now[name])


def train_step(model: Learner, feed: Any) -> Tape:
    """One training step on a batch."""
    if not count(feed):
        raise ValueError("the batch holds no samples")
    given = model.optimizer, model.step, feed
    tape = undone_if_refused(model.objective, training_step, *given)
    model.step += 1
    return tape


def check_saved(path: Path | str, saved: Sequence[Any], listeners: Sequence[Callback]) -> None:
    """Are these the attributes that the callbacks keep?"""
    found = [list(one) for one in saved]
    if found != (wanted := [list(one.saved) for one in listeners]):
        raise CheckpointError(f"{path} keeps {found} of the callbacks, expected was {wanted}")


def state_of(listener: Callback) -> dict[str, Any]:
    """What the backup of a training keeps of a callback."""
    return {name: getattr(listener, name) for name in listener.saved}


def as_callbacks(given: Any) -> list[Callback]:
    """One callback, several, or none."""
    if given is None:
        return []
    alone = isinstance(given, Callback | type)
    return arguments.listed("callbacks", [given] if alone else given, as_callback)


def as_callback(what: str, given: Any) -> Callback:
    if isinstance(given, type):
        raise TypeError(f"{what}: {given.__name__} is a class, write {given.__name__}(...)")
    if not isinstance(given, Callback):
        raise TypeError(f"{what}: a {type(given).__name__} is no Callback")
    return given


@contextmanager
def stoppable() -> Iterator[Any]:
    """Hold back Ctrl-C until the yielded function is called: a step is never cut in half.

    Ctrl-C belongs to the program: the handler that it has installed is called then, with each
    press; that of Python raises KeyboardInterrupt. At the second press it is called at once. A
    program that ignores Ctrl-C, or leaves it to the system, is left alone.
    """
    here = signal.getsignal(signal.SIGINT)
    handler = getattr(here, "of_program", here)  # this may be a fit within a fit
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield lambda: None
        return
    pressed: list[tuple[int, Any]] = []

    def hold_back(number: int, frame: Any) -> None:
        pressed.append((number, frame))
        if len(pressed) > 1:
            stop_here()

    def stop_here() -> None:
        presses = list(pressed)
        pressed.clear()
        for press in presses:
            handler(*press)

    hold_back.of_program = handler  # type: ignore[attr-defined]
    signal.signal(signal.SIGINT, hold_back)
    try:
        yield stop_here
    finally:
        if signal.getsignal(signal.SIGINT) is hold_back:  # the program has not changed it since
            signal.signal(signal.SIGINT, here)
        stop_here()
