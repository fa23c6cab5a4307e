"""The gradient of each loss on every wire and every weight, measured in one backward sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..device import Array, to_numpy
from ..engine.graph import Tensor
from ..naming import did_you_mean
from ..training.training import TrainableModel
from . import charts, curves, figure, page, words
from .measure import Measure
from .recording import FlowPlan, Recorder


@dataclass(frozen=True)
class Wire:
    """A tensor on its way from one node to another, and the gradient that comes back on it."""

    source: str
    target: str
    tensor: str
    shape: tuple[int | None, ...]
    measure: Measure

    @property
    def name(self) -> str:
        return f"{self.source} -> {self.target}"


class Flow:
    """Who trains what, at one moment: what `model.gradient_flow(x, y)` returns.

    Attributes
    ----------
    losses : list of str
        Their names; numbers k below count in this order.
    values, weights : dict
        By loss: its value on the data, and the weight it is multiplied with.
    nodes : list of Node
        The cards of the picture: inputs, calls of layers, ops, losses.
    wires : list of Wire
        Between them. A wire's gradient has the shape of the tensor that runs along it.
    parameters : dict of str to Measure
        By name, as in "lstm/kernel": the gradient of the whole weight array.
    uses : dict of (str, str) to Measure
        By parameter and node: what one call of a shared layer contributes.
    over_time : dict of (str, str) to ndarray
        By wire into a recurrent layer, shape (K, time): how long the gradient of each loss is that
        arrives at each step of the sequence. Here one sees gradients vanish.
    folds : dict of str to list of str
        Which nodes a large picture shows as one card, by the name of the card.
    bundles : dict of (str, object) to Measure
        What several nodes in a fold send back together, for a tensor or a parameter.
    outputs : dict of str to str
        By name of output: the node that makes it.
    step : int
        Training steps made before.
    """

    def __init__(self, model: TrainableModel, plan: FlowPlan, data: Mapping[Tensor, Array]):
        terms = list(model.compiled_terms().values())
        self.losses = [term.name for term in terms]
        self.weights = {name: model.loss_weights[name] for name in self.losses}
        self.name, self.step = model.name, model.step
        self.optimizer = type(model.optimizer).__name__
        self.nodes, self.frozen = plan.nodes.all, plan.frozen
        self.outputs = {name: plan.nodes.maker(x).name for name, x in model.outputs.items()}
        tape = plan.plan.forward(data)
        self.values = {term.name: float(plan.plan.value(tape, term.value)) for term in terms}
        recorder = Recorder(plan, len(terms))
        found = plan.plan.backward(tape, [1.0] * len(terms), per_loss=True, record=recorder)
        self.arrays: dict[Any, tuple[tuple[int, ...], np.ndarray]] = recorder.kept
        self.wires = [
            Wire(plan.nodes.maker(x).name, node.name, x.name, x.shape, recorder.measure(node, x))
            for node in self.nodes
            for x in node.inputs
        ]
        self.over_time = {
            (plan.nodes.maker(x).name, node.name): recorder.over_time[node, x.key]
            for node in self.nodes
            for x in node.inputs
            if (node, x.key) in recorder.over_time
        }
        self.parameters: dict[str, Measure] = {}
        for name, w in plan.parameters.items():
            rows, losses = found[w], plan.plan.reaches(w)
            self.parameters[name] = (
                Measure.nothing(len(terms))
                if rows is None
                else Measure.of(to_numpy(rows), losses, len(terms))
            )
            if plan.keep_arrays and rows is not None:
                self.arrays[name] = losses, to_numpy(rows)
        self.uses = {
            (plan.name_of[w], node.name): recorder.measure(node, w)
            for node in self.nodes
            for w in node.parameters
        }
        self.folds = plan.folds
        self.bundles = {what: recorder.bundle(*what) for what in plan.bundles}
        self._parameters_of = {
            node.name: [plan.name_of[w] for w in node.parameters] for node in self.nodes
        }

    def measure(self, what: str | tuple[str, str]) -> Measure:
        """The gradients of something by name.

        Parameters
        ----------
        what : str or (str, str)
            A parameter ("lstm/kernel"), a layer ("lstm": all its weights as one long array), a
            wire by its ends (("lstm", "aux_output")), or one use of a parameter by parameter and
            node (("lstm/kernel", "lstm:1")).
        """
        if isinstance(what, tuple):
            between = [w.measure for w in self.wires if (w.source, w.target) == tuple(what)]
            if between:
                return Measure.together(between, len(self.losses))
            if what in self.uses:
                return self.uses[what]
            known = [str((w.source, w.target)) for w in self.wires] + [str(u) for u in self.uses]
            raise KeyError(f"no wire or use {what}; {did_you_mean(what, known)}")
        if what in self.parameters:
            return self.parameters[what]
        if what in self._parameters_of:
            inside = [self.parameters[name] for name in self._parameters_of[what]]
            return Measure.together(inside, len(self.losses))
        known = [*self.parameters, *self._parameters_of]
        raise KeyError(f"no parameter or layer {what!r}; {did_you_mean(what, known)}")

    def loss_number(self, loss: str) -> int:
        if loss not in self.losses:
            raise KeyError(f"no loss {loss!r}; {did_you_mean(loss, self.losses)}")
        return self.losses.index(loss)

    def norm(self, loss: str, what: str | tuple[str, str]) -> float:
        """Length of the unweighted gradient of one loss on a parameter, layer or wire."""
        return self.measure(what).norm(self.loss_number(loss))

    def total(
        self, what: str | tuple[str, str], weights: Mapping[str, float] | None = None
    ) -> float:
        """Length of the gradient of the weighted loss; `weights` default to the model's."""
        chosen = {**self.weights, **(weights or {})}
        return self.measure(what).total([chosen[name] for name in self.losses])

    def cosine(self, what: str | tuple[str, str], first: str, second: str) -> float | None:
        """Cosine between the gradients of two losses; None where one is zero or has no path."""
        return self.measure(what).cosine(self.loss_number(first), self.loss_number(second))

    def reaches(self, loss: str, what: str | tuple[str, str]) -> bool:
        """Is there a path from the loss? (The gradient along it may still be 0.)"""
        return self.measure(what).reach[self.loss_number(loss)]

    def gradient(self, loss: str, what: str | tuple[str, str]) -> np.ndarray | None:
        """The full gradient of one loss on a parameter or wire, or None where there is no path.

        Needs ``gradient_flow(..., keep_arrays=True)``.
        """
        k = self.loss_number(loss)
        if what not in self.arrays:
            self.measure(what)  # an unknown name is named
            if not any(self.measure(what).reach):
                return None
            raise KeyError(f"the array of {what} was not kept: pass keep_arrays=True")
        losses, rows = self.arrays[what]
        return rows[losses.index(k)] if k in losses else None

    def report(self) -> str:
        """Who trains what, in plain sentences."""
        return words.report(self)

    def table(self) -> str:
        """One row per weight array: the gradient of each loss, their sum, and how they agree."""
        return words.table(self)

    def figure(self, path: str | None = None) -> Any:
        """The printed picture: a row for each loss alone, and one for all added together.

        Parameters
        ----------
        path : str, optional
            Also save it there; the ending (.png, .pdf, .svg) says how.

        Returns
        -------
        matplotlib Figure
        """
        drawn = figure.draw_figure(self)
        if path is not None:
            drawn.savefig(path, dpi=144)
        return drawn

    def bars(self, axes: Any = None, by: str | None = None) -> Any:
        """Who trains what, as stacked bars: see `charts.bars`."""
        return charts.bars(self, axes, by)

    def heat_map(self, axes: Any = None, by: str | None = None) -> Any:
        """How long each loss's gradient is on all weights: see `charts.heat_map`."""
        return charts.heat_map(self, axes, by)

    def over_sequence(self, axes: Any = None, wire: tuple[str, str] | None = None) -> Any:
        """The gradient at each step that a recurrent layer reads: see `curves.over_sequence`."""
        return curves.over_sequence(self, axes, wire)

    def by_depth(self, axes: Any = None) -> Any:
        """The gradient on its way from the losses to the inputs: see `curves.by_depth`."""
        return curves.by_depth(self, axes)

    def through_training(self, snapshots: Sequence[Flow], axes: Any = None) -> Any:
        """Losses and cosines at all recorded steps and this one: see `curves.through_training`."""
        return curves.through_training([*snapshots, self], axes)

    def save(self, path: Any, snapshots: Sequence[Flow] = ()) -> None:
        """Write the interactive picture: one HTML file, to be opened in any browser.

        Parameters
        ----------
        path : str or Path
        snapshots : list of Flow
            Recorded during training (`FlowRecorder.flows`): the page then shows all these steps.
        """
        Path(path).write_text(page.draw_page(self, snapshots), encoding="utf-8")

    def _repr_html_(self) -> str:
        return page.in_frame(page.draw_page(self))

    def forecast(self, weights: Mapping[str, float] | None = None) -> dict[str, float]:
        """How fast each loss changes along one small plain SGD step, per unit of learning rate.

        To first order the loss k changes by ``-learning_rate * (G w)_k``, where G holds the inner
        products over all trainable parameters. Positive here means: it gets worse. Not valid for
        momentum, Adam, clipping or weight decay, which are not linear in the weights.
        """
        chosen = {**self.weights, **(weights or {})}
        moving = [m for name, m in self.parameters.items() if name not in self.frozen]
        gram = Measure.together(moving, len(self.losses)).gram
        slope = -gram @ np.array([chosen[name] for name in self.losses])
        return dict(zip(self.losses, slope.tolist(), strict=True))
