"""ONNX's own tests of its ops, which the package onnx makes: each node is read and run here.

``python tests/onnx_files/nodes.py`` runs all whose ops are read, and prints what was refused, by
reason; the test of the suite takes a part.
"""

import warnings
from collections import Counter

import numpy as np
import onnx
from onnx.backend.test.case import node as cases

import tinygrad_mo as tg
from tinygrad_mo.onnx_files.graph import Graph
from tinygrad_mo.onnx_files.read_elements import PAIRS
from tinygrad_mo.onnx_files.reading import FOLDED, SUPPORTED, wired
from tinygrad_mo.onnx_files.views import Constant, whole

ALL_ARE_DATA = {*PAIRS, "MatMul", "Concat", "Einsum", "Mod", "PRelu"}
ROUNDED = "test_averagepool_2d_ceil_last_window_starts_on_pad"  # written with four digits there


def all_cases():
    """The cases of the listed ops that have one node, by name."""
    state = np.random.get_state()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they overflow on purpose
        found = cases.collect_testcases(None)
    np.random.set_state(state)  # it draws from the state that all programs share
    for case in found:
        ops = {node.op_type for node in case.model.graph.node}
        if ops <= set(SUPPORTED) and not case.model.functions and case.data_sets:
            yield case


def data_places(node):
    """Which inputs are data; the others are weights and settings, which a file has in it."""
    if node.op_type in ALL_ARE_DATA:
        return range(len(node.input))
    if node.op_type in FOLDED:
        return []
    return [1] if node.op_type == "Gather" else [0]


def as_in_a_file(case):
    """The model, what is not data made initializers, and the data."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    inputs, outputs = case.data_sets[0]
    if model.opset_import[0].version == 1:  # what ops have in common came later, in opset 7
        model.opset_import[0].version = 7
    if model.graph.node[0].op_type == "LayerNormalization":  # mean and deviation are not read
        del model.graph.output[1:], outputs[1:]
    names = [one.name for one in model.graph.input]
    data = {
        node.input[i] for node in model.graph.node for i in data_places(node) if i < len(node.input)
    }
    feed = dict(zip(names, inputs, strict=True))
    for name in names:
        if name not in data:
            tensor = onnx.numpy_helper.from_array(np.asarray(feed.pop(name)), name)
            model.graph.initializer.append(tensor)
    return model, feed, outputs


def check(case):
    """Run a case; the reason why it is refused, or None."""
    if any(str(getattr(a, "dtype", "")) not in KINDS for side in case.data_sets[0] for a in side):
        return "a type that is not read"
    model, feed, outputs = as_in_a_file(case)
    try:
        graph = Graph(model)
        given = {name: whole(tg.Tensor(array)) for name, array in feed.items()}
        reader = wired(graph, given)
    except NotImplementedError as error:
        return str(error).partition(": ")[2] or str(error)
    for name, expected in zip(graph.outputs, outputs, strict=True):
        got = reader.values.get(name) or graph.known[name]
        value = got.array if isinstance(got, Constant) else got.plain().numpy()
        assert value.shape == np.shape(expected), (value.shape, np.shape(expected))
        np.testing.assert_allclose(
            value, expected, rtol=1e-3 if case.name == ROUNDED else 1e-5, atol=1e-6
        )
    return None


KINDS = {"float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"}

if __name__ == "__main__":
    passed, refused, failed = Counter(), Counter(), {}
    for one in all_cases():
        op = one.model.graph.node[0].op_type
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                reason = check(one)
            except Exception as error:
                failed[one.name] = f"{type(error).__name__} {str(error).strip()[:160]}".replace(
                    "\n", " "
                )
                continue
        if reason:
            refused[op, reason] += 1
        else:
            passed[op] += 1
    for (op, reason), n in sorted(refused.items()):
        print(f"refused {n:3} {op}: {reason}")
    for name, reason in failed.items():
        print(f"FAILED {name}: {reason}")
    print(f"passed {passed.total()} ({len(passed)} ops), refused {refused.total()}", end="")
    print(f", failed {len(failed)}")
