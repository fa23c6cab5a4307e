"""A flow as data: who trains what, at one moment, whoever has measured it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..naming import did_you_mean
from .folding import Folds
from .measures import Measure

Shape = tuple[int | None, ...]
What = str | tuple[Any, ...]


@dataclass(frozen=True)
class FlowNode:
    """One card of the picture: an input, one call of a layer, an op outside all layers, or a loss.

    Attributes
    ----------
    name : str
        No other node has it. A second call of the layer "base/conv" is "base/conv:1".
    kind : "input", "layer", "op" or "loss"
    type : str
        The class of the layer.
    shape : tuple
        Of one sample of what it makes; None is an axis of any length.
    parameters : tuple of str
        The names of those that it works with.
    layer : str
        Calls with the same name are calls of one layer. Default: its own name.
    folders : tuple of str
        The folders that it may be shown in, the outermost first: nested models, and the parts of a
        name like "block/conv".
    loss : str
        Of a loss: which one it is.
    """

    name: str
    kind: str = "layer"
    type: str = ""
    shape: Shape = ()
    parameters: tuple[str, ...] = ()
    layer: str = ""
    folders: tuple[str, ...] = ()
    loss: str = ""


@dataclass(frozen=True)
class Wire:
    """A tensor on its way from one node to another, and the gradient that comes back on it.

    Attributes
    ----------
    source, target : str
        Names of nodes.
    measure : Measure
        Of the gradient, which has the shape of the tensor.
    tensor : str
        What the tensor is called.
    shape : tuple
        Of the tensor, the batch first.
    number : int
        Which tensor: wires with the same number carry the same one to several nodes.
    """

    source: str
    target: str
    measure: Measure
    tensor: str = ""
    shape: Shape = ()
    number: int = -1

    @property
    def name(self) -> str:
        return f"{self.source} -> {self.target}"


@dataclass(eq=False)
class FlowData:
    """Everything that was measured, by name.

    Attributes
    ----------
    losses : list of str
        Their names; numbers k below count in this order.
    values, weights : dict
        By loss: its value on the data (None: nothing of them has a label for it), and the weight
        it is multiplied with.
    nodes : list of FlowNode
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
    folds : Folds
        Which nodes a large picture shows as one card, by the name of the card.
    bundles : dict of (str, object) to Measure
        What several nodes in a fold send back together, for a tensor (by number) or a parameter.
    outputs : dict of str to str
        By name of output: the node that makes it.
    silent : list of str, optional
        The outputs that no loss judges. Default: those from whose node no wire leads to a loss.
    balancer : str
        The function that sets the weights in each step, if there is one.
    kinds : dict of str to str
        By loss: what it is, as in "mean_squared_error of output age".
    frozen : set of str
        The parameters that training does not change.
    name : str
        Of the model.
    step : int
        Training steps made before.
    training : bool
        Was the function measured that trains (statistics of the batch, dropout), or that predicts?
    optimizer : str
        The class of the optimizer.
    settings : dict
        What it was made with, as far as it says what becomes of a gradient.
    arrays : dict
        The gradients themselves, where they were kept: (losses, rows) by parameter or wire.
    """

    losses: list[str]
    values: dict[str, float | None]
    weights: dict[str, float]
    nodes: list[FlowNode]
    wires: list[Wire]
    parameters: dict[str, Measure]
    uses: dict[tuple[str, str], Measure] = field(default_factory=dict)
    over_time: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    folds: Folds = field(default_factory=Folds)
    bundles: dict[tuple[str, Any], Measure] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    silent: list[str] | None = None
    balancer: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    name: str = "model"
    step: int = 0
    training: bool = True
    optimizer: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    arrays: dict[Any, tuple[tuple[int, ...], np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = Counter(node.name for node in self.nodes)
        for name, count in names.items():
            if count > 1:
                raise ValueError(f"two nodes of a flow are called {name!r}")
        for wire in self.wires:
            for end in (wire.source, wire.target):
                if end not in names:
                    raise ValueError(f"wire {wire.name}: there is no node {end!r}")
        users = Counter(parameter for node in self.nodes for parameter in node.parameters)
        for node in self.nodes:
            for parameter in node.parameters:
                if parameter not in self.parameters:
                    raise ValueError(f"node {node.name!r} has no measured parameter {parameter!r}")
                if users[parameter] == 1:  # then all of its gradient comes from there
                    self.uses.setdefault((parameter, node.name), self.parameters[parameter])
        if not self.folds.order:
            self.folds = Folds(list(names))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FlowData):
            return NotImplemented
        return all(
            same(getattr(self, one.name), getattr(other, one.name)) for one in fields(FlowData)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def weight_list(self) -> list[float]:
        """The loss weights in the order of the losses."""
        return [self.weights[name] for name in self.losses]

    def users_of_weights(self) -> dict[str, list[FlowNode]]:
        """In the order of the first use: the calls of each layer, the users of other parameters.

        By name of the first call, or of the parameter.
        """
        layers = [node for node in self.nodes if node.kind == "layer"]
        of_layers = {name for node in layers for name in node.parameters}
        users: dict[str, list[FlowNode]] = {}
        for node in self.nodes:
            if node.kind == "layer" and node.parameters:
                users.setdefault(node.layer or node.name, []).append(node)
            for name in node.parameters if node.kind != "layer" else ():
                if name not in of_layers:
                    users.setdefault(name, []).append(node)
        return users

    def silent_outputs(self) -> list[str]:
        """The outputs that no loss judges."""
        if self.silent is not None:
            return self.silent
        losses = {node.name for node in self.nodes if node.kind == "loss"}
        judged = {wire.source for wire in self.wires if wire.target in losses}
        return [name for name, node in self.outputs.items() if node not in judged]

    def measure(self, what: What) -> Measure:
        """The gradients of something by name.

        Parameters
        ----------
        what : str or tuple
            A parameter ("lstm/kernel"), a layer ("lstm": all its weights as one long array), an op
            that works on a parameter ("multiply": what this use sends to it), a
            wire by its ends (("lstm", "aux_output"); where several tensors run, all of them, or
            one of them by its place, as in ("encoder", "decoder", 1)), or one use of a parameter by
            parameter and node (("lstm/kernel", "lstm:1")).
        """
        if isinstance(what, tuple):
            wires = self.wires_between(what)
            if wires:
                return Measure.together([w.measure for w in wires], len(self.losses))
            if what in self.uses:
                return self.uses[what]  # type: ignore[index]
            known = [str((w.source, w.target)) for w in self.wires] + [str(u) for u in self.uses]
            raise KeyError(f"no wire or use {what}; {did_you_mean(what, known)}")
        if what in self.parameters:
            return self.parameters[what]
        nodes = {node.name: node for node in self.nodes}
        if what in nodes:
            node = nodes[what]
            whole = node.kind == "layer"  # other nodes use what may be used elsewhere, too
            inside = [
                self.parameters[name] if whole else self.uses[name, what]
                for name in node.parameters
            ]
            return Measure.together(inside, len(self.losses))
        known = [*self.parameters, *nodes]
        raise KeyError(f"no parameter or layer {what!r}; {did_you_mean(what, known)}")

    def wires_between(self, ends: tuple[Any, ...]) -> list[Wire]:
        """The wires from one node to another, or the one at a place among them."""
        wires = [w for w in self.wires if (w.source, w.target) == tuple(ends[:2])]
        if len(ends) < 3 or not wires:
            return wires if len(ends) == 2 else []
        if not isinstance(ends[2], int) or not 0 <= ends[2] < len(wires):
            raise KeyError(f"from {ends[0]} to {ends[1]} there are {len(wires)} wires, from 0 on")
        return [wires[ends[2]]]

    def loss_number(self, loss: str) -> int:
        if loss not in self.losses:
            raise KeyError(f"no loss {loss!r}; {did_you_mean(loss, self.losses)}")
        return self.losses.index(loss)

    def norm(self, loss: str, what: What) -> float:
        """Length of the unweighted gradient of one loss on a parameter, layer or wire."""
        return self.measure(what).norm(self.loss_number(loss))

    def total(self, what: What, weights: Mapping[str, float] | None = None) -> float:
        """Length of the gradient of the weighted loss; `weights` default to the model's."""
        return self.measure(what).total(self._mixed(weights))

    def _mixed(self, weights: Mapping[str, float] | None) -> list[float]:
        for name in weights or ():
            self.loss_number(name)  # an unknown one is named
        mixed = {**self.weights, **(weights or {})}
        return [mixed[name] for name in self.losses]

    def cosine(self, what: What, first: str, second: str) -> float | None:
        """Cosine between the gradients of two losses; None where one is zero or has no path."""
        return self.measure(what).cosine(self.loss_number(first), self.loss_number(second))

    def reaches(self, loss: str, what: What) -> bool:
        """Is there a path from the loss? (The gradient along it may still be 0.)"""
        return self.measure(what).reach[self.loss_number(loss)]

    def gradient(self, loss: str, what: What) -> Any:
        """The full gradient of one loss on a parameter or wire, or None where there is no path.

        Needs ``gradient_flow(..., keep_arrays=True)``. Where several tensors run between two nodes,
        it is a list with an array for each of them; ("encoder", "decoder", 1) is one of them.
        """
        k = self.loss_number(loss)
        if isinstance(what, tuple) and len(what) == 2:
            places = [(*what, n) for n in range(len(self.wires_between(what)))]
            if len(places) > 1:
                return [self.gradient(loss, place) for place in places]
            what = places[0] if places else what
        if what not in self.arrays:
            if not any(self.measure(what).reach):  # an unknown name is named
                return None
            raise KeyError(f"the array of {what} was not kept: pass keep_arrays=True")
        losses, rows = self.arrays[what]
        return rows[losses.index(k)] if k in losses else None

    def forecast(self, weights: Mapping[str, float] | None = None) -> dict[str, float]:
        """How fast each loss changes along one small plain SGD step, per unit of learning rate.

        To first order the loss k changes by ``-learning_rate * (G w)_k``, where G holds the inner
        products over all trainable parameters. Positive here means: it gets worse. Not valid for
        momentum, Adam, clipping or weight decay, which are not linear in the weights.
        """
        moving = [m for name, m in self.parameters.items() if name not in self.frozen]
        mixed = np.array(self._mixed(weights))
        active = np.flatnonzero(mixed)  # what is not finite does not matter without a weight
        slope = np.zeros(len(mixed))
        for measure in moving:
            slope -= measure.gram[:, active] @ mixed[active]
        return dict(zip(self.losses, slope.tolist(), strict=True))


def same(a: Any, b: Any) -> bool:
    """Are two values equal, arrays within them number by number?"""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, Folds):
        return isinstance(b, Folds) and a.parent == b.parent
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a == b
