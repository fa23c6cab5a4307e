"""Recording the gradient flow while a model is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import arguments
from ..callbacks import Callback
from ..callbacks.base import Logs
from .flow import Flow
from .recording import measure
from .storing import as_plain, from_plain


class FlowRecorder(Callback):
    """Record the gradient flow during `fit`, of the function that trains.

    It is for one training, in one or several calls of `fit`. A new `compile` counts steps from 0:
    take a new recorder.

    Parameters
    ----------
    every : int
        Steps from one record to the next. Default: 10.
    data : (x, y) or (x, y, sample_weight), optional
        Always measure these samples. Default: the batch that is about to be trained on, with the
        same random numbers (dropout) as that step.

    Attributes
    ----------
    flows : list of Flow
        The `step` of each says how many training steps came before; its weights are those that the
        step was made with, whoever has set them.
    """

    phase = "look"
    saved = ("records",)

    def __init__(self, every: int = 10, data: Any = None):
        self.every, self.data = arguments.whole("FlowRecorder: every", every, at_least=1), data
        if data is not None and not (isinstance(data, tuple) and len(data) in (2, 3)):
            raise TypeError(
                f"FlowRecorder: data is (x, y) or (x, y, sample_weight), not "
                f"{arguments.shown(data)}"
            )
        self.flows: list[Flow] = []
        self._open: Flow | None = None

    @property
    def records(self) -> list[dict[str, Any]]:
        """The flows as plain values, for the backup of a training."""
        return [as_plain(flow) for flow in self.flows]

    @records.setter
    def records(self, values: list[dict[str, Any]]) -> None:
        self.flows = [from_plain(Flow, plain) for plain in values]

    def on_train_begin(self) -> None:
        """Look at the data once, so that mistakes show before the first step."""
        data = self.data
        self._fixed = None if data is None else self.model.objective.labelled_data(*data)
        if self._open is not None:  # an error stopped its step, which is made now
            self.flows[:] = [flow for flow in self.flows if flow is not self._open]
            self._open = None

    def on_train_batch_begin(self, step: int, batch: Mapping[Any, Any]) -> None:
        """Record, if it is time."""
        if step % self.every == 0:
            self._refuse_another_training(step)
            self._open = measure(self.model, self._fixed or batch)
            self.flows.append(self._open)

    def _refuse_another_training(self, step: int) -> None:
        """Its steps begin anew: nobody could tell its flows from those of the first one."""
        last = self.flows[-1].step if self.flows else -1
        if step <= last:
            raise ValueError(
                f"FlowRecorder: it holds the flows of another training, up to step {last}, and "
                f"this one is at step {step}: give each training a FlowRecorder of its own"
            )

    def on_train_batch_end(self, step: int, logs: Logs) -> None:
        """Note which weights the losses had in this step."""
        if self._open is not None:
            self._open.weights, self._open = dict(self.model.fitting.weights), None
