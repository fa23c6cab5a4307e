"""A model: a graph of layers between inputs and outputs, which is itself a layer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..device import to_numpy
from ..engine.calls import Call, current_call, inside
from ..engine.graph import Parameter, Step, Tensor, apply, placeholder
from ..engine.nodes import Nodes
from ..engine.plan import topological_order
from ..files.archive import CheckpointError, load_arrays, save_arrays
from ..files.exchange import is_safetensors, load_safetensors, save_safetensors
from ..layers import Layer
from ..naming import did_you_mean, unique_names
from ..replay.plan import ReplayedPlan
from .feeding import arrays_for, check_batch_size, match
from .summary import summary_lines

Tensors = Tensor | Sequence[Tensor] | Mapping[str, Tensor]


class FunctionalModel(Layer):
    """The graph between `inputs` and `outputs`: its layers, weights, predictions and summary.

    `tinygrad_mo.Model` adds training and gradient flow to it.
    """

    is_model = True
    uses_mask = True

    def __init__(self, inputs: Tensors, outputs: Tensors, name: str | None = None):
        super().__init__(name=name)
        starts, ends = as_list("inputs", inputs), as_list("outputs", outputs)
        starts, ends = with_fresh_inputs(starts, ends)
        masks = [t.mask for t in ends if t.mask is not None]
        self.steps = topological_order([*ends, *masks])
        check_connected(self.steps, starts, ends)
        self.sublayers = self._named_layers()
        self.nodes = Nodes(self.steps, ends, starts)
        names = list(inputs) if isinstance(inputs, Mapping) else unique_inputs(starts)
        self.inputs = dict(zip(names, starts, strict=True))
        names = list(outputs) if isinstance(outputs, Mapping) else self._output_names(ends)
        self.outputs = dict(zip(names, ends, strict=True))
        self.inputs_are_dict = isinstance(inputs, Mapping)
        is_dict = isinstance(outputs, Mapping)
        self.form = "one" if isinstance(outputs, Tensor) else "dict" if is_dict else "list"
        self._forward = ReplayedPlan([], [], fetch=ends)
        self.built = True

    @property
    def outputs_are_dict(self) -> bool:
        return self.form == "dict"

    def _named_layers(self) -> list[Layer]:
        """The layers in the order of their first call, each with a name of its own."""
        owners = dict.fromkeys(
            outermost(step).owner for step in self.steps if step.call is not None
        )
        layers = [owner for owner in owners if isinstance(owner, Layer)]
        chosen: dict[str, Layer] = {}
        for layer in layers:
            if layer.named and layer.name in chosen:
                raise ValueError(
                    f"two layers are called {layer.name!r}: {self._where(chosen[layer.name])} and "
                    f"{self._where(layer)}; names must be unique within a model"
                )
            if layer.named:
                chosen[layer.name] = layer
        others = [layer for layer in layers if not layer.named]
        base = [type(layer).default_name() for layer in others]
        names = unique_names([*chosen, *base], "_")[len(chosen) :]
        for layer, new in zip(others, names, strict=True):
            layer.rename(new)
        return layers

    def _where(self, layer: Layer) -> str:
        calls = (outermost(step) for step in self.steps if step.call is not None)
        site = next(call.site for call in calls if call.owner is layer)
        return f"{type(layer).__name__} at {site[0]}:{site[1]}"

    def _output_names(self, outputs: Sequence[Tensor]) -> list[str]:
        def name(t: Tensor) -> str:
            return outermost(t.step).owner.name if t.step and t.step.call else t.name

        return unique_names([name(t) for t in outputs], ":")

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of their first call."""
        return self.sublayers

    @property
    def output_names(self) -> list[str]:
        return list(self.outputs)

    @property
    def input_names(self) -> list[str]:
        return list(self.inputs)

    def call(self, x: Any, **options: Any) -> Any:
        """Repeat every step on new tensors: the same weights, a second use of each layer."""
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
        start = {own.key: t for own, t in zip(self.inputs.values(), given, strict=True)}
        new = wired_again(self.steps, start)
        outputs = [renewed(t, new) for t in self.outputs.values()]
        return self._as_declared(outputs)

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
            For programs written for Keras; predict is always silent.

        Returns
        -------
        array, list or dict, as the model's outputs were declared
        """
        check_batch_size(batch_size)
        data = arrays_for("input", self.inputs, x, self.inputs_are_dict)
        parts: list[list[np.ndarray]] = []
        for start in range(0, max(len(next(iter(data.values()))), 1), batch_size):
            feed = {t: data[name][start : start + batch_size] for name, t in self.inputs.items()}
            tape = self._forward.forward(feed, keep=False)
            parts.append([to_numpy(self._forward.value(tape, t)) for t in self.outputs.values()])
        return self._as_declared([np.concatenate(column) for column in zip(*parts, strict=True)])

    def named_weights(self) -> dict[str, Parameter]:
        """All parameters by path, as in "lstm/kernel" or "base/conv1/kernel"."""

        def walk(layer: Layer, path: str) -> Iterable[tuple[str, Parameter]]:
            for w in layer.own_weights:
                yield f"{path}/{w.name.rsplit('/', 1)[-1]}", w
            for inner in layer.sublayers:
                yield from walk(inner, f"{path}/{inner.name}")

        return {name: w for layer in self.sublayers for name, w in walk(layer, layer.name)}

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all parameters, in the order of `weights`."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, values: Sequence[np.ndarray]) -> None:
        """Set all parameters, or, if a shape does not fit, none."""
        named = list(self.named_weights().items())
        if len(values) != len(named):
            raise ValueError(f"{self} has {len(named)} weight arrays, {len(values)} were given")
        for (name, w), value in zip(named, values, strict=True):
            if np.shape(value) != w.shape:
                raise ValueError(f"{name} has shape {w.shape}, not {np.shape(value)}")
        for (_, w), value in zip(named, values, strict=True):
            w.assign(np.array(value))

    def save_weights(
        self, path: str | Path, names: str = "keras", rename: Mapping[str, str] | None = None
    ) -> None:
        """Write all parameters to a file, by name.

        Parameters
        ----------
        path : str or Path
            ".safetensors" at its end makes a file that other frameworks read; every other file has
            checksums, which find a changed byte.
        names : "keras" or "torch"
            Names and layouts of a .safetensors file, see `tinygrad_mo.exchange.save_safetensors`.
        rename : dict, optional
            What layers are called in a .safetensors file, where it is not as here.
        """
        if is_safetensors(path, names, rename):
            save_safetensors(path, self, names, rename)
        else:
            named = {name: w.numpy() for name, w in self.named_weights().items()}
            save_arrays(path, named, model=self.name)

    def load_weights(
        self, path: str | Path, names: str = "keras", rename: Mapping[str, str] | None = None
    ) -> None:
        """Take all parameters from a file, or, if one misfits, none.

        Parameters
        ----------
        path, names, rename
            As of `save_weights`. A .safetensors file may come from another framework.

        Raises
        ------
        CheckpointError
            Naming the weights that are missing, superfluous or of another shape.
        """
        if is_safetensors(path, names, rename):
            load_safetensors(path, self, names, rename)
        else:
            found = load_arrays(path)[0]
            self.check_fit(str(path), found)
            for name, w in self.named_weights().items():
                w.assign(found[name])

    def check_fit(self, source: str, found: Mapping[str, np.ndarray]) -> None:
        """Are `found` arrays for all weights, by name, and nothing else?"""
        own = self.named_weights()
        wrong = [f"{name} is missing" for name in own if name not in found]
        wrong += [f"{name} is not in the model" for name in found if name not in own]
        wrong += [
            f"{name} has shape {found[name].shape} instead of {w.shape}"
            for name, w in own.items()
            if name in found and found[name].shape != w.shape
        ]
        if wrong:
            raise CheckpointError(f"{source} does not fit model {self.name!r}: {'; '.join(wrong)}")

    def get_layer(self, name: str) -> Layer:
        """The layer called `name`."""
        found = {layer.name: layer for layer in self.sublayers}
        if name not in found:
            raise ValueError(f"{self} has no layer {name!r}; {did_you_mean(name, found)}")
        return found[name]

    def get_output(self, name: str) -> Tensor:
        """What a layer makes in this model: ``Model(model.inputs, model.get_output("lstm"))``.

        Parameters
        ----------
        name : str
            As `summary` shows it. A layer that is called several times has several outputs: "lstm"
            alone is then an error, "lstm:0" is that of the first call and "lstm:1" of the second.
        """
        known = {node.name: node for node in self.nodes.all if node.output is not None}
        calls = [n for n in known if n == name or n.startswith(f"{name}:")]
        if len(calls) > 1:
            raise ValueError(
                f"layer {name!r} is called {len(calls)} times in {self}, so it has {len(calls)} "
                f"outputs: say which, from {name + ':0'!r} to {name + f':{len(calls) - 1}'!r}"
            )
        first = name.removesuffix(":0")
        if name not in known and first not in known:
            raise ValueError(f"{self} has no layer {name!r}; {did_you_mean(name, known)}")
        return known.get(name, known.get(first)).output  # type: ignore[union-attr, return-value]

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print each call of a layer: type, output shape, parameters, what it is connected to."""
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
        if not isinstance(name, str):
            raise TypeError(f"the {what} of a model are named by strings, not by {name!r}")
    return tensors


def outermost(step: Step | None) -> Call:
    assert step is not None and step.call is not None
    call = step.call
    while call.parent:
        call = call.parent
    return call


def renewed(tensor: Tensor, new: Mapping[Any, Tensor]) -> Tensor:
    """What stands for `tensor` in the repeated graph, with its mask."""
    result = new.get(tensor.key, tensor)
    if tensor.mask is not None:
        result.mask = new.get(tensor.mask.key, tensor.mask)
    return result


def wired_again(steps: Iterable[Step], new: dict[Any, Tensor]) -> dict[Any, Tensor]:
    """Apply the steps again, with some tensors replaced; each old call becomes one new call.

    `new` maps keys of tensors to what replaces them, and is filled with all that is made.
    """
    here, calls = current_call(), {}

    def again(call: Call | None) -> Call | None:
        if call is None:
            return here
        if call not in calls:
            calls[call] = Call(call.owner, again(call.parent))
        return calls[call]

    for step in steps:
        with inside(again(step.call)):
            inputs = tuple(None if x is None else new.get(x.key, x) for x in step.inputs)
            made = apply(step.op, inputs, step.attributes)
        for index, tensor in enumerate(made if step.several else (made,)):
            new[step, index] = tensor
    return new


def with_fresh_inputs(
    inputs: list[Tensor], outputs: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """If a model starts from inner tensors of another, cut there and start from placeholders."""
    if all(t.step is None for t in inputs):
        return inputs, outputs
    fresh = [placeholder(t.shape, t.dtype, t.name) if t.step else t for t in inputs]
    new: dict[Any, Tensor] = {t.key: f for t, f in zip(inputs, fresh, strict=True)}
    masks = [t.mask for t in outputs if t.mask is not None]
    above = set(topological_order(inputs))
    wired_again([step for step in topological_order([*outputs, *masks]) if step not in above], new)
    return fresh, [renewed(t, new) for t in outputs]


def check_connected(steps: list[Step], inputs: list[Tensor], outputs: list[Tensor]) -> None:
    """Every symbolic leaf must be a declared input, and every input should be used."""
    leaves: dict[Tensor, str] = {t: "itself an output" for t in outputs if t.step is None}
    for step in steps:
        for x in step.inputs:
            if x is not None and x.step is None and x.value is None:
                user = step.call.path if step.call else step.op.name
                leaves.setdefault(x, f"used by {user!r}")
    for x, user in leaves.items():
        if x not in inputs:
            names = ", ".join([*(t.name for t in inputs), x.name])
            needs = next(t for t in outputs if x is t or x in below(t))
            raise ValueError(
                f"the model is not connected: output {needs.name!r} needs Input {x}, made at "
                f"{x.site[0]}:{x.site[1]} and {user}; pass it, too: Model([{names}], ...)"
            )
    for t in inputs:
        if t not in leaves:
            warnings.warn(
                f"no output depends on input {t}: no gradient will reach it", stacklevel=4
            )
        if inputs.count(t) > 1:
            raise ValueError(f"the same Input is listed twice among the inputs of a model: {t}")


def below(tensor: Tensor) -> set[Tensor | None]:
    """Everything that a tensor is computed from."""
    return {x for step in topological_order([tensor]) for x in step.inputs}


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
