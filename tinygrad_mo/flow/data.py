"""A flow as data: who trains what, at one moment, whoever has measured it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

import numpy as np

from .. import arguments
from ..engine.nodes import KINDS
from ..naming import did_you_mean
from .folding import Folds, is_acyclic
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
        By loss: its value on the data (None: nothing of them counts for it, for lack of labels or
        weights, or as it is padding), and the weight it is multiplied with.
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
    forks : dict of int to Measure
        By number of a tensor that several nodes use: its whole gradient, what all of them send back
        added up.
    outputs : dict of str to str
        By name of output: the node that makes it.
    silent : list of str, optional
        The outputs that no loss judges. Default: those from whose node no wire leads to a loss.
    balancer : str
        The method or function that sets the weights in each step, if there is one.
    mixes : bool
        Does it also mix the gradients of what is shared, in a way of its own? That is not measured.
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
    notes : list of str
        Sentences that whoever measured it has to add: what could not be seen, and why.
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
    forks: dict[int, Measure] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    silent: list[str] | None = None
    balancer: str = ""
    mixes: bool = False
    kinds: dict[str, str] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    name: str = "model"
    step: int = 0
    training: bool = True
    optimizer: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    arrays: dict[Any, tuple[tuple[int, ...], np.ndarray]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [node.name for node in self.nodes]
        self._check_losses()
        self._check_nodes(names)
        self._check_wires({name: place for place, name in enumerate(names)})
        users = Counter(parameter for node in self.nodes for parameter in node.parameters)
        for node in self.nodes:
            for parameter in node.parameters:
                if users[parameter] == 1:  # then all of its gradient comes from there
                    self.uses.setdefault((parameter, node.name), self.parameters[parameter])
        if not self.folds.order:
            self.folds = Folds(names)
        self._check_names(set(names))
        self._check_measures()

    def _check_losses(self) -> None:
        """Each has one value and one weight."""
        check_different("losses", self.losses)
        for what, given in (("values", self.values), ("weights", self.weights)):
            check_known(what, given, "loss", self.losses)
            missing = [name for name in self.losses if name not in given]
            if missing:
                raise ValueError(f"{what} of a flow lack loss {missing[0]!r}")
        check_known("kinds", self.kinds, "loss", self.losses)
        arguments.by_name("weights of a flow", self.weights, arguments.number)
        for name, value in self.values.items():
            if value is not None and arguments.plain_number(value) is None:
                raise TypeError(
                    f"values of a flow: that of {name!r} must be a number, or None where it has no "
                    f"label, not {arguments.shown(value)}"
                )

    def _check_nodes(self, names: list[str]) -> None:
        check_different("nodes", names)
        for node in self.nodes:
            check_known(f"node {node.name!r}", [node.kind], "kind", KINDS)
            if node.kind == "loss":
                check_known(f"node {node.name!r}", [node.loss], "loss", self.losses)
            for parameter in node.parameters:
                if parameter not in self.parameters:
                    raise ValueError(f"node {node.name!r} has no measured parameter {parameter!r}")
        check_different("loss nodes", [node.loss for node in self.nodes if node.kind == "loss"])

    def _check_wires(self, place_of: Mapping[str, int]) -> None:
        """They lead from node to node, and nowhere back."""
        back = False
        for wire in self.wires:
            for end in (wire.source, wire.target):
                if end not in place_of:
                    raise ValueError(f"wire {wire.name}: there is no node {end!r}")
            back = back or place_of[wire.source] >= place_of[wire.target]
        # where all lead onward in the order of the nodes, as is usual, there is no circle
        if back and not is_acyclic((wire.source, wire.target) for wire in self.wires):
            raise ValueError("the wires of a flow lead in a circle")

    def _check_names(self, nodes: set[str]) -> None:
        """What else is said of nodes, wires and parameters is said of those there are."""
        ends = {(wire.source, wire.target) for wire in self.wires}
        check_known("uses", [parameter for parameter, _ in self.uses], "parameter", self.parameters)
        check_known("uses", [node for _, node in self.uses], "node", nodes)
        check_known("outputs", self.outputs.values(), "node", nodes)
        check_known("silent", self.silent or (), "output", self.outputs)
        check_known("frozen", self.frozen, "parameter", self.parameters)
        check_known("over_time", self.over_time, "wire", ends)
        check_known("folds", self.folds.order, "node", nodes)
        folds = set(self.folds.parent.values())
        check_known("bundles", [fold for fold, _ in self.bundles], "fold", folds)
        check_known("forks", self.forks, "tensor", {wire.number for wire in self.wires})
        kept = (what[:2] if isinstance(what, tuple) else what for what in self.arrays)
        known = {*self.parameters, *self.uses, *ends}
        check_known("arrays", kept, "parameter, use or wire", known)

    def _check_measures(self) -> None:
        """Each has a row and a column for each loss."""
        count = len(self.losses)
        of_wires = ((wire.name, wire.measure) for wire in self.wires)
        named = (self.parameters, self.uses, self.bundles, self.forks)
        for what, measure in chain(of_wires, *(some.items() for some in named)):
            if len(measure.reach) != count or measure.r.shape != (count, count):
                raise ValueError(
                    f"the measure of {what} must be of all losses of the flow, count={count}, not "
                    f"of {len(measure.reach)}"
                )
        for ends, norms in self.over_time.items():
            if norms.ndim != 2 or len(norms) != count:
                raise ValueError(
                    f"over_time of {ends} has shape {norms.shape}, not (losses, steps), with "
                    f"{count} losses"
                )
        for what, (losses, rows) in self.arrays.items():
            if len(losses) != len(rows) or not set(losses) <= set(range(count)):
                raise ValueError(
                    f"arrays of {what}: {len(rows)} rows for the losses {losses} of {count}"
                )

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

    def weights_of_layers(self) -> dict[str, list[str]]:
        """By layer: the parameters that are its own, in the order of the first use.

        A layer may also work with the weights of another one: they belong to the layer that uses
        them first. A parameter that no layer uses stands there by its own name.
        """
        of_layers: dict[str, str] = {}
        for node in self.nodes:
            for name in node.parameters if node.kind == "layer" else ():
                of_layers.setdefault(name, node.layer or node.name)
        used = (name for node in self.nodes for name in node.parameters)
        found: dict[str, list[str]] = {}
        for name in dict.fromkeys([*used, *self.parameters]):
            found.setdefault(of_layers.get(name, name), []).append(name)
        return found

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
            A parameter ("lstm/kernel"), a layer ("lstm": all weights of its own as one long array,
            whatever calls it), an op or a loss that works on a parameter ("multiply": what this
            use sends to it), a wire by its ends (("lstm", "aux_output"); where several tensors
            run, all of them, or one of them by its place, as in ("encoder", "decoder", 1)), or one
            use of a parameter by parameter and node (("lstm/kernel", "lstm:1")).

        Raises
        ------
        KeyError
            If there is nothing of that name.
        ValueError
            If it has no gradient of its own: an input, a layer without weights, one call of a
            layer. What has no weights still sends gradients back, on its wires.
        """
        if isinstance(what, tuple):
            wires = self.wires_between(what)
            if wires:
                return Measure.together([w.measure for w in wires], len(self.losses))
            if what in self.uses:
                return self.uses[what]  # type: ignore[index]
            known = [str((w.source, w.target)) for w in self.wires] + [str(u) for u in self.uses]
            raise KeyError(f"no wire or use {what}; {did_you_mean(what, known)}")
        if not isinstance(what, str):
            raise TypeError(
                f"what is measured has a name, as in 'lstm/kernel', or is a tuple, as in "
                f"('lstm', 'dense'); {arguments.shown(what)} is neither"
            )
        if what in self.parameters:
            return self.parameters[what]
        return Measure.together(map(self.measure, self.parts_of(what)), len(self.losses))

    def parts_of(self, node: str) -> list[Any]:
        """The parameters of a layer, or the uses by an op or loss: what is measured of a node."""
        nodes = {one.name: one for one in self.nodes}
        if node not in nodes:
            known = [*self.parameters, *nodes]
            raise KeyError(f"no parameter or layer {node!r}; {did_you_mean(node, known)}")
        kind, names, layer = nodes[node].kind, nodes[node].parameters, nodes[node].layer or node
        if not names:
            ends = [(w.source, w.target) for w in self.wires if node in (w.source, w.target)]
            wire = f": ask for a wire, as in {ends[0]}" if ends else ""
            raise ValueError(f"{kind} {node!r} has no weights, and so no gradient of its own{wire}")
        uses = [(name, node) for name in names]
        if kind != "layer":
            return uses
        if layer != node:
            raise ValueError(
                f"{node!r} is one call of a layer: ask for the whole layer, {layer!r}, or for what "
                f"this call sends to a weight, as in {uses[0]}"
            )
        own = self.weights_of_layers().get(layer)
        if own is None:
            raise ValueError(
                f"layer {node!r} has no weights of its own, but works with those of others: ask "
                f"for what it sends to one, as in {uses[0]}"
            )
        return list(own)

    def wires_between(self, ends: tuple[Any, ...]) -> list[Wire]:
        """The wires from one node to another, or the one at a place among them."""
        wires = [w for w in self.wires if (w.source, w.target) == tuple(ends[:2])]
        if len(ends) < 3 or not wires:
            return wires if len(ends) == 2 else []
        if type(ends[2]) is not int or not 0 <= ends[2] < len(wires):
            numbers = "0" if len(wires) == 1 else f"0 to {len(wires) - 1}"
            raise KeyError(
                f"no wire {ends}: those from {ends[0]} to {ends[1]} have place {numbers}"
            )
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
        changed = arguments.by_name("weights", weights, arguments.number)
        for name in changed:
            self.loss_number(name)  # an unknown one is named
        mixed = {**self.weights, **changed}
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
        reach = self.measure(what).reach  # an unknown name is named
        if isinstance(what, str) and what not in self.parameters:
            parts = " or ".join(map(repr, self.parts_of(what)))
            raise ValueError(f"{what!r} has no single array: ask for {parts}")
        if what not in self.arrays:
            if not any(reach):
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
        slopes = Measure.together(moving, len(self.losses)).slopes(self._mixed(weights))
        return {name: 0.0 - slope for name, slope in zip(self.losses, slopes, strict=True)}


def check_different(what: str, names: list[str]) -> None:
    """An error if two of them are the same."""
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise ValueError(f"two {what} of a flow are called {twice!r}")


def check_known(what: str, names: Iterable[Any], kind: str, known: Collection[Any]) -> None:
    """An error if one of the names, which stand in `what`, is that of nothing there is."""
    for name in names:
        if name not in known:
            hint = did_you_mean(name, map(str, known))
            raise ValueError(f"{what} of a flow: there is no {kind} {name!r}; {hint}")


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
