"""An ONNX file as a graph of nodes: read, checked, and what is constant in it worked out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import arguments
from ..whole_files import CheckpointError
from .lengths import KEPT_BY, SAMPLES, holds_open, is_open
from .views import Constant

MOVES = {"Transpose", "Identity"}  # leave a weight whole
MOVES_A_ROW = {*MOVES, "Reshape", "Unsqueeze"}
OLDEST = 7  # since then Add and its like broadcast as in NumPy
FLOATS = (1, 11)  # what ONNX calls FLOAT and DOUBLE
TYPES = ("FLOAT", "DOUBLE", "INT8", "INT16", "INT32", "INT64", "UINT8", "BOOL")


def the_package() -> Any:
    try:
        import onnx
        import onnx.reference
    except ImportError as error:
        raise ImportError(
            "ONNX files are read and written with the package onnx: python -m pip install onnx "
            "(or the extra [onnx] of this package)"
        ) from error
    return onnx


def as_meant(value: Any) -> Any:
    """An attribute; of a float32 the shortest decimal number that it stands for, as 0.001."""
    return float(str(np.float32(value))) if isinstance(value, float) else value


class Node:
    """A node of the graph: its op, attributes and the names of what goes in and comes out."""

    def __init__(self, proto: Any, opset: int):
        get = the_package().helper.get_attribute_value
        self.proto, self.opset, self.op = proto, opset, proto.op_type
        self.options = {a.name: as_meant(get(a)) for a in proto.attribute}
        self.inputs, self.outputs = list(proto.input), list(proto.output)
        self.name = proto.name or (self.outputs[0] if self.outputs else "")

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.op})"

    def text(self, name: str, default: str = "") -> str:
        """An attribute that is a text."""
        value = self.options.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def signature(self) -> tuple[Any, ...]:
        """Op and attributes, to compare nodes."""
        return self.op, tuple(sorted((a.name, a.SerializeToString()) for a in self.proto.attribute))

    def refuse(self, reason: str) -> Exception:
        """The error that says why this node cannot be had."""
        return NotImplementedError(f"{self}: {reason}")


def read_file(path: str | Path) -> Any:
    """The ONNX model in a file, its local functions written out."""
    onnx, path = the_package(), arguments.path("from_onnx: path", path)
    if not path.is_file():
        raise CheckpointError(f"cannot read {path}: there is no such file")
    try:
        model = onnx.load(path)
        if not model.HasField("graph") or not model.graph.output:
            raise ValueError("it holds no graph")
        check(model)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise CheckpointError(f"{path} is no ONNX file that can be read: {reason}") from error
    return onnx.inliner.inline_local_functions(model) if model.functions else model


def check(model: Any) -> None:
    """ONNX's own check; it asks for shapes of inputs and outputs, which the format does not."""
    open_ones = [
        one.type.tensor_type
        for one in (*model.graph.input, *model.graph.output)
        if one.type.HasField("tensor_type") and not one.type.tensor_type.HasField("shape")
    ]
    for kind in open_ones:
        kind.shape.SetInParent()
    the_package().checker.check_model(model)
    for kind in open_ones:
        kind.ClearField("shape")


class Graph:
    """The nodes of a file in order, and its constants, weights among them.

    Attributes
    ----------
    known : dict of Constant
        By name: initializers, and what nodes make of constants alone.
    bare : set of str
        Initializers that are read in several ways, or as a part only: parameters, of no layer.
    takers : dict of list of Node
        By name: which nodes take a value.
    readers : dict of list of Node
        Which nodes read a weight, by its key.
    fixed : int or None
        The number of samples that the file was made for, if it is fixed there.
    numbers : set of str
        Initializers that are weights even where they are one number, and read by no layer.
    """

    def __init__(self, model: Any, numbers: Sequence[str] = ()):
        self.proto, self.helper = model.graph, the_package().numpy_helper
        opsets = [one.version for one in model.opset_import if one.domain in ("", "ai.onnx")]
        self.opset = opsets[0] if opsets else 0
        newest = the_package().defs.onnx_opset_version()
        if not OLDEST <= self.opset <= newest:
            raise NotImplementedError(
                f"the file is of ONNX opset {self.opset or 'unknown'}; {OLDEST} to {newest} are "
                f"read: export it anew, with another opset_version"
            )
        floats = {t.name for t in self.proto.initializer}
        self.numbers = floats if model.producer_name == "tinygrad_mo" else set(numbers)
        if unknown := set(numbers) - floats:
            raise ValueError(f"the file has no initializers {', '.join(sorted(unknown))}")
        self.nodes = without_copies([Node(proto, self.opset) for proto in self.proto.node], model)
        for node in self.nodes:
            if node.proto.domain not in ("", "ai.onnx"):
                raise node.refuse(f"ops of the domain {node.proto.domain!r} are not known")
        self.known = {t.name: self.initializer(t) for t in self.proto.initializer}
        if self.proto.sparse_initializer:
            raise NotImplementedError("the file has sparse initializers, which are not read")
        self.inputs = [i for i in self.proto.input if i.name not in self.known]
        self.outputs = [one.name for one in self.proto.output]
        self.fixed: int | None = None
        self.bare: set[str] = set()
        self.takers: dict[str, list[Node]] = {}
        self.readers: dict[Any, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                self.takers.setdefault(name, []).append(node)

    def type_of(self, number: int, what: str = "a cast") -> np.dtype[Any]:
        """NumPy's name of a type; of some that are read."""
        onnx = the_package()
        if onnx.TensorProto.DataType.Name(number) not in TYPES:
            given = onnx.TensorProto.DataType.Name(number).lower()
            raise NotImplementedError(
                f"{what} is of type {given}; {', '.join(TYPES).lower()} are read"
            )
        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(number))

    def initializer(self, proto: Any) -> Constant:
        self.type_of(proto.data_type, f"initializer {proto.name!r}")
        array = self.helper.to_array(proto)
        is_weight = array.dtype.kind == "f" and (array.ndim > 0 or proto.name in self.numbers)
        return Constant(array, proto.name, (proto.name,) if is_weight else ())

    def fold(self, known_op: Any, layer_ops: Collection[str]) -> None:
        """Work out the nodes that have constants alone; which weights belong to no layer, is found.

        Where a weight is read in two ways, each of which would make a layer, it stays a parameter,
        and what is made of it is computed in the network.
        """
        while True:
            known, waiting = dict(self.known), []
            for node in self.nodes:
                given = [known.get(name) for name in node.inputs if name]
                whole = all(x is not None and self.bare.isdisjoint(x.sources) for x in given)
                if node.op == "Constant" or (given and whole and known_op(node)):
                    known |= zip(node.outputs, self.worked_out(node, given), strict=False)
                else:
                    waiting.append(node)
            uses: dict[str, set[Any]] = {}
            self.readers = {}
            for node in waiting:
                for place, name in enumerate(node.inputs):
                    if not name or name not in known:
                        continue
                    if node.op == "BatchNormalization" and place in (3, 4):
                        continue  # moving averages are no weights
                    x = known[name]
                    self.readers.setdefault(x.key, []).append(node)
                    takes_parts = node.op in ("LSTM", "GRU", "RNN") and place < 4
                    part = not x.direct and not takes_parts
                    if node.op not in layer_ops and x.key not in x.sources:
                        is_row = node.op == "Add" and x.array.size == max(x.shape, default=1)
                        part = part or not is_row  # a row may be the bias of a layer
                    for source in x.sources:
                        use = (node.signature(), place, x.key, tuple(self.keys(node, known)))
                        uses.setdefault(source, set()).add(use)
                        uses[source] |= {"a part"} if part else set()
            bare = {name for name, ways in uses.items() if len(ways) > 1}
            if bare <= self.bare:
                self.known, self.nodes = known, waiting
                return
            self.bare |= bare

    def keys(self, node: Node, known: dict[str, Constant]) -> list[Any]:
        return [known[name].key if name in known else None for name in node.inputs]

    def worked_out(self, node: Node, given: Sequence[Any]) -> list[Constant]:
        """What a node makes of constants."""
        if node.op == "Identity":
            return list(given)
        arrays = self.computed(node, [x.array for x in given])
        sources = tuple(dict.fromkeys(name for x in given for name in x.sources))
        key = (node.signature(), tuple(x.key for x in given)) if given else node.outputs[0]
        moves = MOVES_A_ROW if given and given[0].ndim == 1 else MOVES
        direct = node.op in moves and all(x.direct for x in given)
        floats = [np.asarray(a) for a in arrays]
        return [
            Constant(a, (key, i), sources if a.dtype.kind == "f" else (), direct)
            for i, a in enumerate(floats)
        ]

    def computed(self, node: Node, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """With the reference implementation; a length of the data stays one without room for it."""
        if node.op == "ConstantOfShape":
            value = node.options.get("value")
            fill = np.zeros(1, np.float32) if value is None else self.helper.to_array(value)
            return [np.broadcast_to(fill, tuple(arrays[0]))]
        if node.op == "Expand":
            x, asked = arrays[0], arrays[1].tolist()
            if self.fixed in x.shape:  # as many rows as samples, which the file has counted
                asked = [1 if n == SAMPLES else n for n in asked]
            return [np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(asked)))]
        if any(is_open(n) for a in arrays for n in a.shape):
            return [long_view(node, *arrays)]
        if node.op not in KEPT_BY and any(map(holds_open, arrays)):
            raise node.refuse("it computes with a length that only the data know")
        onnx = the_package()
        names = [f"x{i}" for i in range(len(arrays))]
        proto = type(node.proto)()
        proto.CopyFrom(node.proto)
        given = iter(names)
        proto.input[:] = [next(given) if name else "" for name in node.inputs]
        outputs = [name for name in node.outputs if name]
        make = onnx.helper
        graph = make.make_graph(
            [proto],
            "node",
            [make.make_value_info(name, onnx.TypeProto()) for name in names],
            [make.make_value_info(name, onnx.TypeProto()) for name in outputs],
        )
        model = make.make_model(graph, opset_imports=[make.make_opsetid("", node.opset)])
        run = onnx.reference.ReferenceEvaluator(model)
        return run.run(None, dict(zip(names, arrays, strict=True)))

    def next_node(self, name: str, *ops: str) -> Node | None:
        """The only node that takes a value, if it is of one of these ops."""
        takers = self.takers.get(name, [])
        alone = len(takers) == 1 and name not in self.outputs and takers[0].op in ops
        return takers[0] if alone else None


def long_view(node: Node, x: np.ndarray, *settings: np.ndarray) -> np.ndarray:
    """What a node makes of one number that is repeated as often as there are samples."""
    if node.op in ("Squeeze", "Unsqueeze"):
        axes: Any = settings[0].tolist() if settings else node.options.get("axes")
        if node.op == "Unsqueeze":
            return np.expand_dims(x, tuple(axes))
        return np.squeeze(x, None if axes is None else tuple(axes))
    if node.op == "Cast":
        to = the_package().helper.tensor_dtype_to_np_dtype(node.options["to"])
        short = x[tuple(slice(0, 1) if is_open(n) else slice(None) for n in x.shape)]
        return np.broadcast_to(short.astype(to), x.shape)
    if node.op == "Transpose":
        return x.transpose(node.options.get("perm"))
    if node.op != "Slice" or node.opset < 10:
        raise node.refuse("it works on a constant that is as long as the batch")
    starts, ends, *more = settings
    axes = more[0] if more else range(len(starts))
    steps = more[1] if len(more) > 1 else [1] * len(starts)
    index = [slice(None)] * x.ndim
    for a, *span in zip(axes, starts, ends, steps, strict=True):
        index[a] = slice(*map(int, span))
    return x[tuple(index)]


def without_copies(nodes: list[Node], model: Any) -> list[Node]:
    """The nodes without those that hand on what they are given, as a cast of floats to floats."""
    graph = the_package().shape_inference.infer_shapes(model).graph
    told = [*graph.value_info, *graph.input, *graph.output]
    floats = {one.name for one in told if one.type.tensor_type.elem_type in FLOATS}
    outputs = {one.name for one in graph.output}
    same: dict[str, str] = {}
    left = []
    for node in nodes:
        node.inputs = [same.get(name, name) for name in node.inputs]
        is_copy = node.op == "Identity" or (
            node.op == "Cast" and floats.issuperset([node.inputs[0], node.outputs[0]])
        )
        if is_copy and node.outputs[0] not in outputs:
            same[node.outputs[0]] = node.inputs[0]
        else:
            left.append(node)
    return left
