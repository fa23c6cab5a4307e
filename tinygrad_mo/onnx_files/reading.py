"""A network of an ONNX file, as layers and ops of ours.

The file's nodes are gone through in order. What is made of constants alone is worked out before;
then each node becomes a layer, where one fits, or ops: a file `read_...` for each family of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from .. import arguments, layers
from ..device import floatx
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
from .graph import FLOATS, Graph, Node, read_file
from .lengths import told
from .reader import Reader
from .views import Constant, View

LAYERS = read_products.READ | read_windows.READ | read_norms.READ | read_sequences.READ
READ = LAYERS | read_elements.READ | read_reductions.READ | read_shapes.READ
FOLDED = {"Constant", "ConstantOfShape", "Range", "Trilu"}  # what is read if it is constant
SUPPORTED = sorted({*READ, *FOLDED})


def read_network(path: str | Path, numbers: Sequence[str], network: Any) -> Any:
    """The network in a file, made by the class `network`."""
    proto, first = read_file(path), None
    numbers = arguments.names("from_onnx: numbers", numbers)
    for places in axes_of_samples(Graph(proto, numbers)):
        graph = Graph(proto, numbers)
        refuse_unknown(graph)
        try:
            inputs = network_inputs(graph, places)
            reader = wired(graph, inputs)
            made = network([x.tensor for x in inputs.values()], network_outputs(reader))
        except Exception as error:
            first = first or error
            continue
        tell_where_samples_are(reader, inputs)
        return made
    assert first is not None
    raise first


def refuse_unknown(graph: Graph) -> None:
    """Name each op that is not read, and one of its nodes."""
    unknown = {node.op: node for node in graph.nodes if node.op not in SUPPORTED}
    if unknown:
        names = ", ".join(f"{op} (node {node.name!r})" for op, node in unknown.items())
        raise NotImplementedError(
            f"ops that have no counterpart here: {names}; read are {', '.join(SUPPORTED)}"
        )


def lengths_of(graph: Graph, one: Any) -> list[int | str | None]:
    """The shape of an input: names or None for lengths that only the data know."""
    kind = one.type.tensor_type
    if one.type.WhichOneof("value") != "tensor_type" or not kind.HasField("shape"):
        raise NotImplementedError(f"input {one.name!r} is no tensor of a known number of axes")
    if not kind.shape.dim:
        raise NotImplementedError(
            f"input {one.name!r} is a single number: the first axis of an input is the batch"
        )
    return [d.dim_value if d.HasField("dim_value") else d.dim_param for d in kind.shape.dim]


def axes_of_samples(graph: Graph) -> list[tuple[int, ...]]:
    """Where the samples may stand in each input: first in all, or else behind one other axis.

    So stand the steps of a sequence in front of them, vectors or ids, and the layers whose first
    states are given. What is called the same, or as long, is tried before what is not.
    """
    shapes = [lengths_of(graph, one) for one in graph.inputs]
    floats = [one.type.tensor_type.elem_type in FLOATS for one in graph.inputs]
    most = [len(shape) > 1 + is_float for shape, is_float in zip(shapes, floats, strict=True)]
    few = len(most) < 7
    ways = product(*(range(1 + one) for one in most)) if few else [(0,) * len(most), tuple(most)]

    def unlike(way: tuple[int, ...]) -> tuple[Any, ...]:
        called = {shape[a] for shape, a in zip(shapes, way, strict=True)}
        return any(way), len(called), way

    return sorted(ways, key=unlike)


def network_inputs(graph: Graph, places: Sequence[int]) -> dict[str, View]:
    """An Input for each of the graph, by name."""
    found: dict[str, View] = {}
    fixed: dict[int, str] = {}
    for one, place in zip(graph.inputs, places, strict=True):
        lengths = [n if isinstance(n, int) else None for n in lengths_of(graph, one)]
        n = lengths.pop(place)
        if n is not None:
            fixed.setdefault(n, one.name)
        dtype = graph.type_of(one.type.tensor_type.elem_type, f"input {one.name!r}")
        name = floatx() if dtype.kind == "f" else dtype
        axes = [*range(1, len(lengths) + 1)]
        axes.insert(place, 0)
        found[one.name] = View(placeholder((None, *lengths), name, one.name), tuple(axes))
    if not found:
        raise NotImplementedError("the graph has no inputs, so that there is nothing to train")
    if len(fixed) > 1:
        (n, first), (m, second), *_ = fixed.items()
        raise NotImplementedError(
            f"the first axis of input {first!r} is {n} long, that of {second!r} {m}: they are no "
            f"batch of the same samples"
        )
    graph.fixed = next(iter(fixed), None)
    return found


def tell_where_samples_are(reader: Reader, inputs: Mapping[str, View]) -> None:
    """A warning where they do not come first in the file, as they do in every model here."""
    made = {f"input {name!r}": x for name, x in inputs.items()}
    made |= {f"output {name!r}": reader.values[name] for name in reader.graph.outputs}
    if moved := [f"{what} (axis {x.batch})" for what, x in made.items() if x.batch]:
        warnings.warn(
            f"in the file, samples do not come first in {', '.join(moved)}; in the model they do: "
            f"np.moveaxis moves them",
            stacklevel=4,
        )


def wired(graph: Graph, inputs: Mapping[str, View]) -> Reader:
    """All nodes, one after the other."""
    graph.fold(lambda node: node.op in SUPPORTED and node.op not in NOT_ALONE, LAYERS)
    reader = Reader(graph, inputs)
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
        told = error if isinstance(error, NotImplementedError) else node.refuse(str(error))
        told.add_note(f"in {node} of the ONNX graph, of {', '.join(node.inputs)}")
        raise told from error.__cause__ if told is error else error
    results = made if isinstance(made, list) else [made]
    rows = [(1, 1), *(reader.values[name].rows for name in node.inputs if name in reader.values)]
    for name, y in zip(node.outputs, results, strict=False):
        if isinstance(y, Constant):
            graph.known[name] = y
        else:
            reader.values[name] = y if node.op == "Reshape" else y._replace(rows=max(rows))


def network_outputs(reader: Reader) -> Any:
    """The outputs, called as in the file, samples first: one, or several by name."""
    found = {}
    for name in reader.graph.outputs:
        if name not in reader.values:
            raise NotImplementedError(f"output {name!r} does not depend on an input")
        y = reader.values[name]
        if y.rows != (1, 1):
            raise NotImplementedError(
                f"output {name!r} has {told(y.lengths)} numbers, several rows for each sample"
            )
        others = [i for i in range(y.ndim) if i != y.batch]
        found[name] = y.plain() if y.batch is None else y.arranged([y.batch, *others])
    if len(found) > 1:
        return found
    ((name, t),) = found.items()
    call = t.step.call if t.step else None
    return t if call and call.path == name else layers.Activation("linear", name=name)(t)
