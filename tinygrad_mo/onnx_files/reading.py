"""A network of an ONNX file, as layers and ops of ours.

The file's nodes are gone through in order. What is made of constants alone is worked out before;
then each node becomes a layer, where one fits, or ops: a file `read_...` for each family of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import arguments, layers
from ..device import floatx
from ..engine.graph import Tensor
from ..engine.inputs import placeholder
from . import (
    read_elements,
    read_norms,
    read_products,
    read_reductions,
    read_sequences,
    read_shapes,
    read_windows,
)
from .graph import Graph, Node, read_file
from .reader import Reader
from .views import Constant, whole

LAYERS = read_products.READ | read_windows.READ | read_norms.READ | read_sequences.READ
READ = LAYERS | read_elements.READ | read_reductions.READ | read_shapes.READ
FOLDED = {"Constant", "ConstantOfShape", "Range", "Trilu"}  # what is read if it is constant
SUPPORTED = sorted({*READ, *FOLDED})


def read_network(path: str | Path, numbers: Sequence[str], network: Any) -> Any:
    """The network in a file, made by the class `network`."""
    graph = Graph(read_file(path), arguments.names("from_onnx: numbers", numbers))
    refuse_unknown(graph)
    inputs, batch = network_inputs(graph)
    return network(list(inputs.values()), network_outputs(wired(graph, inputs, batch)))


def refuse_unknown(graph: Graph) -> None:
    """Name each op that is not read, and one of its nodes."""
    unknown = {node.op: node for node in graph.nodes if node.op not in SUPPORTED}
    if unknown:
        names = ", ".join(f"{op} (node {node.name!r})" for op, node in unknown.items())
        raise NotImplementedError(
            f"ops that have no counterpart here: {names}; read are {', '.join(SUPPORTED)}"
        )


def network_inputs(graph: Graph) -> tuple[dict[str, Tensor], int | None]:
    """An Input for each of the graph, by name, and the fixed length of the batch, if it has one."""
    found: dict[str, Tensor] = {}
    fixed: dict[int, str] = {}
    for one in graph.inputs:
        kind = one.type.tensor_type
        if one.type.WhichOneof("value") != "tensor_type" or not kind.HasField("shape"):
            raise NotImplementedError(f"input {one.name!r} is no tensor of a known number of axes")
        lengths = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        if not lengths:
            raise NotImplementedError(
                f"input {one.name!r} is a single number: the first axis of an input is the batch"
            )
        if lengths[0] is not None:
            fixed.setdefault(lengths[0], one.name)
        dtype = graph.type_of(kind.elem_type, f"input {one.name!r}")
        name = floatx() if dtype.kind == "f" else dtype
        found[one.name] = placeholder((None, *lengths[1:]), name, one.name)
    if not found:
        raise NotImplementedError("the graph has no inputs, so that there is nothing to train")
    if len(fixed) > 1:
        (n, first), (m, second), *_ = fixed.items()
        raise NotImplementedError(
            f"the first axis of input {first!r} is {n} long, that of {second!r} {m}: they are no "
            f"batch of the same samples"
        )
    return found, next(iter(fixed), None)


def wired(graph: Graph, inputs: dict[str, Tensor], batch: int | None = None) -> Reader:
    """All nodes, one after the other."""
    graph.fold(lambda node: node.op in SUPPORTED and node.op not in NOT_ALONE, LAYERS)
    reader = Reader(graph, {name: whole(t) for name, t in inputs.items()}, batch)
    for node in graph.nodes:
        if id(node) not in reader.done:
            wire(reader, node)
    return reader


NOT_ALONE = {"Dropout"}  # constants in front of it stay, as what is dropped is drawn


def wire(reader: Reader, node: Node) -> None:
    """One node. Whatever goes wrong is told which."""
    graph = reader.graph
    given = [graph.known.get(name) for name in node.inputs if name]
    worked_out = all(x is not None and not x.sources for x in given)
    try:
        if worked_out and node.op not in NOT_ALONE:  # after a Shape
            graph.known |= zip(node.outputs, graph.worked_out(node, given), strict=False)
            return
        if node.op not in READ:
            raise node.refuse("it is read where all that it takes is constant")
        made = READ[node.op](reader, node)
    except Exception as error:
        error.add_note(f"in {node} of the ONNX graph, of {', '.join(node.inputs)}")
        raise
    results = made if isinstance(made, list) else [made]
    for name, y in zip(node.outputs, results, strict=False):
        if isinstance(y, Constant):
            graph.known[name] = y
        else:
            reader.values[name] = y


def network_outputs(reader: Reader) -> Any:
    """The outputs, called as in the file: one, a list, or a dict if layers have such names."""
    names, found = reader.graph.outputs, []
    for name in names:
        if name not in reader.values:
            raise NotImplementedError(f"output {name!r} does not depend on an input")
        found.append(reader.values[name].plain())
    paths = [t.step.call.path if t.step and t.step.call else None for t in found]
    twice = {path for path in paths if paths.count(path) > 1}
    ends: list[Tensor] = []
    for name, path, t in zip(names, paths, found, strict=True):
        if path != name or path in twice:
            if name in reader.names:
                return dict(zip(names, found, strict=True))
            t = layers.Activation("linear", name=name)(t)
        ends.append(t)
    return ends[0] if len(ends) == 1 else ends
