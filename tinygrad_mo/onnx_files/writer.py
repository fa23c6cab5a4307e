"""What all steps need while they become nodes: names, weights in ONNX's layouts, constants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..device import to_numpy
from ..engine.graph import Parameter, Step, Tensor
from ..network.network import Network
from .graph import the_package

Names = Sequence[str]


def of_gates(order: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Columns of gates in our order as rows in ONNX's, of one direction."""

    def layout(x: np.ndarray) -> np.ndarray:
        parts = np.split(x, len(order), axis=-1)
        return np.concatenate([parts[i] for i in order], axis=-1).T[None]

    return layout


def two_biases(order: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Biases of the input and of the state, one behind the other."""

    def layout(x: np.ndarray) -> np.ndarray:
        both = x if x.ndim == 2 else np.stack([x, np.zeros_like(x)])
        return np.concatenate([of_gates(order)(row)[0] for row in both])[None]

    return layout


GATES = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "RNN": (0,)}
LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda x: x,
    "convolution": lambda x: np.moveaxis(x, (-1, -2), (0, 1)),
    "depthwise": lambda x: np.moveaxis(x.reshape(*x.shape[:-2], 1, -1), (-1, -2), (0, 1)),
    **{f"{kind} {place}": of_gates(order) for kind, order in GATES.items() for place in (1, 2)},
    **{f"{kind} 3": two_biases(order) for kind, order in GATES.items()},
}


class Writer:
    """A network on its way into nodes of ONNX.

    Attributes
    ----------
    names : dict of str
        What values are called in the file, by their key.
    types : dict of dtype
        Of values, by name.
    moved : dict of str
        What values with channels last were called while they had them in front.
    """

    def __init__(self, network: Network, steps: Sequence[Step]):
        self.helper, self.proto = the_package().helper, the_package().TensorProto
        self.to_proto = the_package().numpy_helper.from_array
        self.paths = {w: path for path, w in network.named_weights().items()}
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.layouts: dict[str, str] = {}
        self.moved: dict[str, str] = {}
        self.names = {t.key: name for name, t in network.inputs.items()}
        self.types = {name: np.dtype(t.dtype) for name, t in network.inputs.items()}
        self.taken = {*network.inputs, *network.outputs, *self.paths.values()}
        given = (x for step in steps for x in step.inputs if x is not None)
        self.read = {x.key for x in (*network.outputs.values(), *given)}
        self.here = ""  # the layer whose step is written

    def refuse(self, step: Step, reason: str) -> Exception:
        """The error that says why a step cannot be written."""
        owner = f"{type(step.call.owner).__name__} {step.call.path!r}: " if step.call else ""
        return NotImplementedError(
            f"{owner}op {step.op.name!r}, wired at {step.site[0]}:{step.site[1]}, cannot be "
            f"written to an ONNX file: {reason}"
        )

    def reads(self, step: Step, place: int) -> bool:
        """Does anything take this output of a step?"""
        return (step, place) in self.read

    def free(self, name: str) -> str:
        """A name that nothing has yet."""
        new, number = name, 0
        while new in self.taken:
            number += 1
            new = f"{name}_{number}"
        self.taken.add(new)
        return new

    def node(self, op: str, inputs: Names, outputs: int = 1, **options: Any) -> list[str]:
        """Add a node; returns the names of what it makes."""
        name = self.free(f"{self.here}/{op}" if self.here else op)
        made = [name, *(self.free(f"{name}/{i}") for i in range(1, outputs))]
        self.nodes.append(self.helper.make_node(op, list(inputs), made, name=name, **options))
        first = next((self.types[x] for x in inputs if x in self.types), np.dtype(np.float32))
        compares = op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
        first = self.types[inputs[1]] if op == "Where" else first
        for one in made:
            self.types[one] = np.dtype(bool) if compares else first
        return made

    def cast(self, x: str, dtype: Any) -> str:
        """A value as one of a type; as it is, if it is one."""
        if self.types[x] == np.dtype(dtype):
            return x
        to = self.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        (y,) = self.node("Cast", [x], to=to)
        self.types[y] = np.dtype(dtype)
        return y

    def constant(self, array: np.ndarray) -> str:
        """A Constant node: initializers are weights only."""
        (name,) = self.node("Constant", [], value=self.to_proto(np.asarray(array, order="C")))
        self.types[name] = array.dtype
        return name

    def whole(self, numbers: Any) -> str:
        """A constant of whole numbers, as shapes and axes are."""
        return self.constant(np.array(numbers, np.int64))

    def known(self, step: Step, lengths: Sequence[int | None]) -> list[int]:
        """Lengths that have to be known."""
        if None in lengths:
            raise self.refuse(step, "a length that only the data know is not written here")
        return [n for n in lengths if n is not None]

    def parameter(self, x: Parameter, layout: str = "as it is") -> str:
        """The initializer of a weight."""
        path = self.paths[x]
        if self.layouts.setdefault(path, layout) != layout:
            raise NotImplementedError(
                f"weight {path!r} is used in two layouts that ONNX does not share: "
                f"{self.layouts[path]} and {layout}"
            )
        if path not in self.initializers:
            array = np.asarray(LAYOUTS[layout](to_numpy(x.value)), order="C")
            self.initializers[path] = self.to_proto(array, path)
            self.types[path] = array.dtype
        return path

    def weight(self, step: Step, place: int, layout: str) -> str:
        """An input that ONNX wants in another layout: a weight or a constant."""
        x = step.inputs[place]
        if isinstance(x, Parameter):
            return self.parameter(x, layout)
        if x is None or x.value is None:
            raise self.refuse(step, "its weights are computed in the network")
        return self.constant(LAYOUTS[layout](np.asarray(to_numpy(x.value))))

    def name_of(self, x: Tensor, step: Step | None = None) -> str:
        """What an input of a step, or an output, is called."""
        if x.key in self.names:
            return self.names[x.key]
        if isinstance(x, Parameter):
            return self.parameter(x)
        value = x.value
        if step and isinstance(value, bool | int | float):  # it takes the type of its partner
            types = [np.dtype(t.dtype) for t in step.inputs if t is not None and t is not x]
            kinds = [t for t in types if t.kind == "f"] or types
            made = np.dtype(step.outputs[0][1])
            dtype = (
                made if made.kind == "f" else np.result_type(*kinds[:1], np.min_scalar_type(value))
            )
            return self.constant(np.array(value, dtype))
        return self.constant(np.asarray(to_numpy(value)))


def given(step: Step, place: int = 0) -> Any:
    """An input tensor."""
    return step.inputs[place]


Writes = dict[str, Callable[[Writer, Step, Names], Names]]  # the names of what is made, by op
