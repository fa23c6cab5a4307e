"""A network: a graph of layers between inputs and outputs, which is itself a layer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import arguments
from ..console import say
from ..device import Array, to_numpy_together
from ..engine.attributes import is_batch
from ..engine.calls import Call
from ..engine.graph import Parameter, Step, Tensor
from ..engine.nodes import Node, Nodes
from ..engine.plan import topological_order
from ..layers import Layer
from ..layers.base import AddedLoss
from ..naming import ByName, did_you_mean, unique_names
from ..ops.losses import check_rows
from ..questions import told
from .contents import Contents, Rest
from .feeding import arrays_for, check_batch_size, match
from .planning import NetworkPlan
from .rewiring import losses_on_the_way, replacement, rewire, with_fresh_inputs
from .summary import summary_lines

Tensors = Tensor | Sequence[Tensor] | Mapping[str, Tensor]


class Network(Layer):
    """The graph between `inputs` and `outputs`: its layers, weights, predictions and summary.

    `tinygrad_mo.Model` adds training, gradient flow and files to it.

    Attributes
    ----------
    inputs, outputs : dict of Tensor
        By name.
    added : dict of AddedLoss
        By name: scalars of the graph that are losses, too.
    steps : list of Step
        All that outputs and added losses are computed with, in topological order.
    contents : Contents
        The layers and weights that belong to it.
    """

    is_model = True
    kinds = ("model", "layer")
    uses_mask = True
    takes_list = True

    def __init__(self, inputs: Tensors, outputs: Tensors, name: str | None = None):
        self.rest, self.contents = Rest(), Contents(())
        super().__init__(name=name)
        self._connect(inputs, outputs)

    def _connect(self, inputs: Tensors, outputs: Tensors) -> None:
        """Be the graph between these tensors."""
        starts, ends = as_list("inputs", inputs), as_list("outputs", outputs)
        starts, ends = with_fresh_inputs(starts, ends)
        self.added: dict[str, AddedLoss] = {}
        self._look_around(ends)
        check_connected(self.steps, starts, {t: f"output {t.name!r}" for t in ends})
        check_inputs(self.steps, starts, ends)
        check_samples_first(ends)
        names = list(inputs) if isinstance(inputs, Mapping) else unique_inputs(starts)
        self.inputs = ByName(zip(names, starts, strict=True))
        names = list(outputs) if isinstance(outputs, Mapping) else self._output_names(ends)
        self.outputs = ByName(zip(names, ends, strict=True))
        self.inputs_are_dict = isinstance(inputs, Mapping)
        is_dict = isinstance(outputs, Mapping)
        self.form = "one" if isinstance(outputs, Tensor) else "dict" if is_dict else "list"
        for loss in losses_on_the_way(self.steps, ends):
            keys = [f"{name}_loss" for name in self.outputs]  # which History uses
            name = unique_names([*self.outputs, *keys, *self.added, loss.name], "_")[-1]
            self.added[name] = loss._replace(name=name)
        if self.added:
            self._look_around(ends)
        self._forward = NetworkPlan([], [], fetch=ends)
        self.built = True

    def __getstate__(self) -> dict[str, Any]:
        """For a copy: each step after those that it needs, so that a deep graph is no recursion."""
        return {"_in_order": self._every_step()} | vars(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        del vars(self)["_in_order"]

    def _every_step(self) -> list[Step]:
        return self.steps

    def _look_around(self, ends: Sequence[Tensor]) -> None:
        """Find what belongs to the network."""
        masks = [t.mask for t in ends if t.mask is not None]
        scalars = [loss.value for loss in self.added.values()]
        self.steps = topological_order([*ends, *masks, *scalars])
        self.contents = Contents(self.steps, self.rest)

    def add(self, layer: Any) -> None:
        """No layer can be added to a graph: an error that says how models are made."""
        raise TypeError(
            f"{self} is whole: no layer can be added. Call layers on tensors, one after the "
            f"other, and make the model of the first and the last: Model(inputs, outputs), or let "
            f"a Sequential grow. (A scalar is added to the losses with add_loss)"
        )

    def take_loss(self, loss: AddedLoss) -> None:
        """Add a scalar of the graph to the losses; what it is computed with belongs to the network.

        Raises
        ------
        ValueError
            If it needs an Input that the network does not have.
        """
        ends = list(self.outputs.values())
        steps = topological_order([*ends, loss.value])
        check_connected(steps, self.inputs.values(), {loss.value: f"the loss {loss.name!r}"})
        self.added[loss.name] = loss
        self._look_around(ends)

    @property
    def nodes(self) -> Nodes:
        """The graph as people see it."""
        outputs, losses = self.outputs.values(), [loss.value for loss in self.added.values()]
        return Nodes(self.steps, outputs, losses, self.inputs.values(), self.contents.path_of)

    @property
    def outputs_are_dict(self) -> bool:
        return self.form == "dict"

    def _output_names(self, outputs: Sequence[Tensor]) -> list[str]:
        def name(t: Tensor) -> str:
            if t.step is None or t.step.call is None:
                return t.name
            return self.contents.path_of(outermost(t.step.call))

        return unique_names([name(t) for t in outputs], ":")

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of their first call."""
        return list(self.contents.layers.values())

    @property
    def sublayers(self) -> list[Layer]:
        return self.layers

    @property
    def _trainable(self) -> bool:  # type: ignore[override]
        """The layers have flags of their own, so that of the network is that of all else."""
        return self.rest.trainable

    @_trainable.setter
    def _trainable(self, value: bool) -> None:
        self.rest.trainable = value

    def named_sublayers(self) -> dict[str, Layer]:
        return dict(self.contents.layers)

    @property
    def own_weights(self) -> list[Parameter]:
        """The parameters that belong to no layer."""
        return self.contents.bare

    @property
    def weights(self) -> list[Parameter]:
        """All parameters, each once."""
        return list(self.contents.weights.values())

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The parameters that training changes."""
        return self.contents.trainable_weights()

    @property
    def output_names(self) -> list[str]:
        return list(self.outputs)

    @property
    def output(self) -> Any:
        """The outputs as the model was given them: a tensor, a list or a dict."""
        return self._as_declared(list(self.outputs.values()))

    @property
    def input(self) -> Any:
        """The inputs as the model was given them: a tensor, a list or a dict."""
        given = list(self.inputs.values())
        if self.inputs_are_dict:
            return dict(self.inputs)
        return given[0] if len(given) == 1 else given

    @property
    def input_names(self) -> list[str]:
        return list(self.inputs)

    def call(self, x: Any, **options: Any) -> Any:
        """Repeat every step on new tensors: the same weights, a second use of each layer."""
        for name in options:
            hint = (
                ": leave it out, only fit and train_on_batch let layers work as in training, and "
                "what is frozen (trainable=False) keeps its averages there, too"
            )
            raise TypeError(f"{self} takes no option {name!r}{hint * (name == 'training')}")
        given = x if isinstance(x, list | tuple) else [x]
        if len(given) != len(self.inputs):
            raise ValueError(f"{self} takes {len(self.inputs)} inputs ({', '.join(self.inputs)})")
        for t, (name, own) in zip(given, self.inputs.items(), strict=True):
            if t.ndim != own.ndim or any(
                n is not None and n != m for n, m in zip(own.shape[1:], t.shape[1:], strict=True)
            ):
                raise ValueError(
                    f"{self}: input {name!r} has shape {own.shape}, it cannot take {t}"
                )
            if t.mask is not None:
                warnings.warn(
                    f"{self} was built without a mask on input {name!r}, so it does not see that "
                    f"of {t}: put the layer that makes the mask inside the model",
                    stacklevel=4,
                )
        replaced = {own.key: t for own, t in zip(self.inputs.values(), given, strict=True)}
        new = rewire(self.steps, replaced)
        for loss in self.added.values():
            self._added_losses.append(loss._replace(value=new[loss.value.key]))
        return self._as_declared([replacement(t, new) for t in self.outputs.values()])

    def _as_declared(self, outputs: Sequence[Any]) -> Any:
        """Outputs in the form in which the model declared them: one, a list, or a dict."""
        if self.form == "one":
            return outputs[0]
        if self.outputs_are_dict:
            return dict(zip(self.outputs, outputs, strict=True))
        return list(outputs)

    def __call__(self, x: Any, *more: Any, **options: Any) -> Any:
        """Use the model as a layer on tensors (a dict by name, or in the order of its inputs)."""
        if isinstance(x, Mapping) or (self.inputs_are_dict and isinstance(x, list | tuple)):
            given = match("input", x, self.input_names, by_name_only=self.inputs_are_dict)
            x = list(given.values())
        return super().__call__(x, *more, **options)

    def predict(self, x: Any, batch_size: int = 32, verbose: int = 0) -> Any:
        """The outputs for data, as NumPy arrays.

        Parameters
        ----------
        x : array, list or dict of arrays
            One per input, in order or by name.
        batch_size : int
            Samples per forward pass. Default: 32.
        verbose : int
            0, 1, 2 or "auto", for programs written for Keras; predict is always silent.

        Returns
        -------
        array, list or dict, as the model's outputs were declared
        """
        check_batch_size(batch_size)
        arguments.verbosity("predict: verbose", verbose)
        data = arrays_for("input", self.inputs, x, self.inputs_are_dict)
        self.contents.move()
        parts: list[list[Array]] = []
        for start in range(0, max(len(next(iter(data.values()))), 1), batch_size):
            feed = {t: data[name][start : start + batch_size] for name, t in self.inputs.items()}
            words = partial("the rows of this batch are the samples from {} on".format, start)
            tape = told(words, self._forward.forward, feed, keep=False)
            values = {n: self._forward.value(tape, t) for n, t in self.outputs.items()}
            count = len(next(iter(feed.values())))
            for name, value in values.items():
                check_rows(name, len(value), count)
            parts.append(list(values.values()))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return self._as_declared(to_numpy_together(columns))

    def named_weights(self) -> dict[str, Parameter]:
        """All parameters by path, as in "lstm/kernel" or "base/conv1/kernel"."""
        return dict(self.contents.weights)

    def get_layer(self, name: str) -> Layer:
        """The layer called `name`."""
        name = arguments.name("get_layer: name", name)
        if name not in self.contents.layers:
            known = did_you_mean(name, self.contents.layers)
            raise ValueError(f"{self} has no layer {name!r}; {known}")
        return self.contents.layers[name]

    def get_output(self, name: str, to: str | None = None) -> Tensor:
        """What a layer makes in this model: ``Model(model.inputs, model.get_output("lstm"))``.

        Parameters
        ----------
        name : str
            As `summary` shows it. A layer that is called several times has several outputs: "lstm"
            alone is then an error, "lstm:0" is that of the first call and "lstm:1" of the second
            (unless another layer is called so; the error tells).
        to : str, optional
            The layer that takes it, where one call has several outputs, as that of an LSTM with
            ``return_state``: ``get_output("lstm", to="decoder")``. Default: there is one only.
        """
        name = arguments.name("get_output: name", name)
        nodes = [node for node in self.nodes.all if node.outputs]
        known = {node.name: node for node in nodes}
        first = known.get(name, known.get(name.removesuffix(":0")))
        if first is None:
            raise ValueError(f"{self} has no layer {name!r}; {did_you_mean(name, known)}")
        calls = [node for node in nodes if node.owner is first.owner and node.kind == first.kind]
        if len(calls) > 1 and first is calls[0] and name == first.name and first.kind == "layer":
            names = [f"{name}:0", *(node.name for node in calls[1:])]
            raise ValueError(
                f"layer {name!r} is called {len(calls)} times in {self}, so it has {len(calls)} "
                f"outputs: say which, {' or '.join(map(repr, names))}"
            )
        return self._output_to(first, to)

    def _output_to(self, node: Node, to: str | None) -> Tensor:
        """The output of a node, or the one of several that another node takes."""
        made = {t.key: t for t in node.outputs}
        taken = {n.name: [x for x in n.inputs if x.key in made] for n in self.nodes.all}
        found = node.outputs if to is None else taken.get(to, [])
        if len(found) == 1:
            return found[0]
        ways = [f"get_output({node.name!r}, to={n!r})" for n, x in taken.items() if len(x) == 1]
        ways += [f"outputs[{n!r}]" for n, t in self.outputs.items() if t.key in made]
        ask = f"say which, {' or '.join(ways)}"
        if not ways:
            ask = (
                "let each pass through a layer of its own, as Activation('linear'), and ask for it"
            )
        what = f"one call of {node.name!r} has {len(made)} outputs in {self}"
        if to is not None:
            what = f"{to!r} takes {'several outputs' if found else 'nothing'} of {node.name!r}"
        raise ValueError(f"{what}: {ask}")

    def summary(self, print_fn: Callable[[str], Any] = say) -> None:
        """Print each call of a layer: type, output shape, parameters, what it is connected to."""
        arguments.function_of("summary: print_fn", print_fn, ["line"])
        for line in summary_lines(self.name, self.nodes, self.weights, self.trainable_weights):
            print_fn(line)


def as_list(what: str, given: Tensors) -> list[Tensor]:
    tensors: list[Any] = [given]
    if isinstance(given, Mapping | list | tuple):
        tensors = list(given.values() if isinstance(given, Mapping) else given)
    for t in tensors:
        if not isinstance(t, Tensor) or t.value is not None:
            raise TypeError(
                f"the {what} of a model are symbolic tensors, which start at an Input; got "
                f"{'one with a value' if isinstance(t, Tensor) else type(t).__name__}"
            )
    if not tensors:
        raise ValueError(f"a model needs {what}")
    for name in given if isinstance(given, Mapping) else ():
        if not isinstance(name, str) or not name:
            raise TypeError(f"the {what} of a model are named by texts, not by {name!r}")
    return tensors


def outermost(call: Call) -> Call:
    while call.parent:
        call = call.parent
    return call


def check_connected(
    steps: Sequence[Step],
    inputs: Iterable[Tensor],
    ends: Mapping[Tensor, str],
    fed: Sequence[Tensor] = (),
) -> None:
    """Every symbolic leaf must be a declared input, or what else is fed.

    `ends` says what each of the ends is.
    """
    inputs = list(inputs)
    leaves: dict[Tensor, str] = {t: "itself an output" for t in ends if t.step is t.value is None}
    for step in steps:
        for x in step.inputs:
            if x is not None and x.step is None and x.value is None:
                user = step.call.path if step.call else step.op.name
                leaves.setdefault(x, f"used by {user!r}")
    for x, user in leaves.items():
        if x not in inputs and x not in fed:
            names = ", ".join([*(t.name for t in inputs), x.name])
            needs = next(t for t in ends if x in below([t]))
            raise ValueError(
                f"the model is not connected: {ends[needs]} needs Input {x}, made at "
                f"{x.site[0]}:{x.site[1]} and {user}; pass it, too: Model([{names}], ...)"
            )


def check_inputs(
    steps: Sequence[Step], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> None:
    """Each input is listed once, and should be used."""
    used = {x for step in steps for x in step.inputs} | set(outputs)
    for t in inputs:
        if t not in used:
            warnings.warn(
                f"no output depends on input {t}: no gradient will reach it", stacklevel=4
            )
        if sum(t is other for other in inputs) > 1:
            raise ValueError(f"the same Input is listed twice among the inputs of a model: {t}")


def check_samples_first(outputs: Iterable[Tensor]) -> None:
    """The first axis of an output is the batch, also where others are free."""
    for t in outputs:
        if not is_batch(t, 0):
            raise ValueError(
                f"output {t} has no samples along its first axis, where predict puts batches "
                f"together: take means and sums over the other axes only, as x.mean(axis=-1) does, "
                f"and leave the batch in front (a number for a whole batch may be an added loss: "
                f"Model.add_loss)"
            )


def below(tensors: Iterable[Tensor]) -> set[Any]:
    """The steps and leaves that tensors are computed from, and themselves if they are leaves."""
    steps = topological_order(list(tensors))
    met = [x for step in steps for x in step.inputs if x is not None]
    return {*steps, *(x for x in [*met, *tensors] if x.step is None)}


def unique_inputs(inputs: list[Tensor]) -> list[str]:
    names = [t.name for t in inputs]
    for name in names:
        if name != "input" and names.count(name) > 1:
            sites = [f"{t.site[0]}:{t.site[1]}" for t in inputs if t.name == name]
            raise ValueError(
                f"two inputs are called {name!r}: made at {' and '.join(sites)}; names must be "
                f"unique within a model"
            )
    return unique_names(names, "_")
