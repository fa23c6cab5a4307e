"""A network as an ONNX file: op by op, in the order in which it computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import arguments
from ..engine.graph import Parameter, Step, Tensor
from ..engine.plan import topological_order
from ..network.network import Network
from ..whole_files import replace_file
from . import (
    write_elements,
    write_norms,
    write_products,
    write_reductions,
    write_sequences,
    write_shapes,
    write_windows,
)
from .graph import the_package
from .writer import Writer

OPSET, IR_VERSION = 21, 10
WRITE = write_elements.WRITE | write_reductions.WRITE | write_shapes.WRITE | write_products.WRITE
WRITE |= write_windows.WRITE | write_norms.WRITE | write_sequences.WRITE
# Inputs that are written in another layout, or not at all, by their place.
OTHER_LAYOUTS = {
    **dict.fromkeys(["convolution", "depthwise_convolution", "transposed_convolution"], (1,)),
    **dict.fromkeys(["lstm", "gru", "simple_rnn"], (1, 2, 3)),
    "batch_normalization": (5,),  # its mask tells training alone what to leave out
    "steps_out_of_batch": (1,),
    "causal_mask": (0,),
}


def write_network(path: str | Path, network: Network) -> None:
    """Write what a network predicts to a file, whole or not at all."""
    path = arguments.path("to_onnx: path", path)
    replace_file(path, as_proto(network).SerializeToString())


def as_proto(network: Network) -> Any:
    """The network as a model of ONNX."""
    steps = topological_order(list(network.outputs.values()))
    w = Writer(network, steps)
    if unknown := {step.op.name: step for step in steps if step.op.name not in WRITE}:
        name, step = next(iter(unknown.items()))
        raise w.refuse(step, f"ONNX, as it is written here, has no {name}")
    wanted = names_wanted(network)
    for step in steps:
        write_step(w, step)
    w.here = ""
    for name, t in network.outputs.items():
        made = w.name_of(t)
        w.nodes.append(w.helper.make_node("Identity", [made], [name], name=name))
        w.types[name] = w.types[made]
    graph = w.helper.make_graph(
        needed(without_copies(w.nodes, wanted), network.output_names),
        network.name,
        [described(w, name, t) for name, t in network.inputs.items()],
        [described(w, name, t) for name, t in network.outputs.items()],
        list(w.initializers.values()),
    )
    model = w.helper.make_model(
        graph,
        opset_imports=[w.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="tinygrad_mo",
    )
    the_package().checker.check_model(model, full_check=True)
    return model


def write_step(w: Writer, step: Step) -> None:
    """The nodes of one step."""
    w.here = step.call.path if step.call else ""
    elsewhere = OTHER_LAYOUTS.get(step.op.name, ())
    names = [
        "" if x is None else "elsewhere" if i in elsewhere else w.name_of(x, step)
        for i, x in enumerate(step.inputs)
    ]
    made = WRITE[step.op.name](w, step, names)
    for i, (name, (_, dtype)) in enumerate(zip(made, step.outputs, strict=True)):
        w.names[step, i] = name
        if name:
            w.types[name] = np.dtype(np.int64) if "arg" in step.op.name else np.dtype(dtype)


def names_wanted(network: Network) -> set[str]:
    """Outputs that a node may make itself: those that are no inputs, and made once."""
    keys = [t.key for t in network.outputs.values()]
    inputs = {t.key for t in network.inputs.values()}
    return {
        name
        for name, t in network.outputs.items()
        if keys.count(t.key) == 1 and t.key not in inputs and not isinstance(t, Parameter)
    }


def without_copies(nodes: list[Any], wanted: set[str]) -> list[Any]:
    """The nodes, those that an output is a copy of called as the output."""
    copies = {
        n.input[0]: n.output[0] for n in nodes if n.op_type == "Identity" and n.output[0] in wanted
    }
    left = [n for n in nodes if n.output[0] not in copies.values()]
    for node in left:
        for names in (node.input, node.output):
            names[:] = [copies.get(name, name) for name in names]
    return left


def needed(nodes: list[Any], outputs: Sequence[str]) -> list[Any]:
    """The nodes without those whose results nothing takes."""
    taken, left = set(outputs), []
    for node in reversed(nodes):
        if not taken.isdisjoint(node.output):
            taken |= set(node.input)
            left.append(node)
    return left[::-1]


def described(w: Writer, name: str, t: Tensor) -> Any:
    """Name, type and shape of an input or output: the batch, and what else is free, by a name."""
    kind = w.helper.np_dtype_to_tensor_dtype(w.types[name])
    shape = [
        "batch" if i == 0 else f"{name}_{i}" if n is None else n for i, n in enumerate(t.shape)
    ]
    return w.helper.make_tensor_value_info(name, kind, shape)
