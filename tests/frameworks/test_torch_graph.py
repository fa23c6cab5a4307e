"""How autograd's graph becomes cards and wires: with a double of its nodes, without PyTorch."""

import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tinygrad_mo.flow import Flow, Measure, folding
from tinygrad_mo.frameworks.torch_calls import Call, mapped
from tinygrad_mo.frameworks.torch_graph import TorchGraph
from tinygrad_mo.frameworks.torch_nodes import refuse_checkpoints, refuse_totals
from tinygrad_mo.frameworks.torch_recorder import share_shapes

COUNT = itertools.count()


class Node:
    """What the graph asks a node of autograd for."""

    def __init__(self, name, *inputs):
        self.number, self.called = next(COUNT), name
        self.next_functions = [(node, 0) for node in inputs]
        self._input_metadata = [SimpleNamespace(shape=(4, 3))]

    def name(self):
        return f"{self.called}Backward0"

    def _sequence_nr(self):
        return self.number


class Weight:
    def __init__(self):
        self.node = Node("AccumulateGrad")
        self.node.variable = self


class Module:
    def __init__(self, weights=()):
        self.weights = weights

    def parameters(self):
        return self.weights


class Doubles:
    """Calls of modules, and which of them has made each node."""

    separator = "."

    def __init__(self):
        self.entries, self.outputs, self.made = {}, {}, {}
        self.root = Call("", Module(), None, is_leaf=False)

    def layer(self, path, weights, *inputs, module=None):
        """A call of a module with these weights: two nodes."""
        module = module or Module(weights)
        call = Call(path, module, self.root, shape=(4, 3))
        first = Node("Mm", *(w.node for w in weights), *inputs)
        node = Node("Add", first)
        self.made |= {first: call, node: call}
        return node

    def maker(self, node):
        return self.made.get(node)

    def entries_of(self, call):
        return []


def two_heads():
    """encoder.0 -> encoder.1 -> cat -> heads a and b, each with a loss."""
    calls, weights = Doubles(), {f"{name}.weight": Weight() for name in ("e", "f", "a", "b")}
    e, f, a, b = weights.values()
    inner = calls.layer("encoder.1", [f], calls.layer("encoder.0", [e]))
    cat = Node("Cat", inner)
    calls.made[cat] = calls.root
    heads = {"a": calls.layer("a", [a], cat), "b": calls.layer("b", [b], cat)}
    calls.outputs = {name: SimpleNamespace(grad_fn=node) for name, node in heads.items()}
    losses = {
        name: SimpleNamespace(grad_fn=Node("Mean", Node("Pow", node)))
        for name, node in heads.items()
    }
    return calls, losses, weights


def test_calls_are_cards_functions_lie_between_and_losses_take_what_is_theirs():
    graph = TorchGraph(*two_heads())
    flow = Flow(
        **graph.described({}), losses=["a", "b"], values={"a": 1, "b": 2}, weights={"a": 1, "b": 1}
    )
    kinds = {node.name: node.kind for node in flow.nodes}
    assert kinds == {
        "encoder.0": "layer", "encoder.1": "layer", "cat": "op", "a": "layer", "b": "layer",
        "a_loss": "loss", "b_loss": "loss",
    }  # fmt: skip
    assert [wire.name for wire in flow.wires] == [
        "encoder.0 -> encoder.1", "encoder.1 -> cat", "cat -> a", "cat -> b", "a -> a_loss",
        "b -> b_loss",
    ]  # fmt: skip
    assert dict(flow.folds) == {"encoder": ["encoder.0", "encoder.1"]}
    assert flow.nodes[0].parameters == ("e.weight",) and flow.nodes[0].shape == (3,)
    (fork,) = graph.described({})["forks"]  # what cat makes goes to both heads
    assert {wire.target for wire in flow.wires if wire.number == fork} == {"a", "b"}
    reach = {name: sorted(graph.nodes.reach[w.node]) for name, w in graph.parameters.items()}
    assert reach == {"e.weight": [0, 1], "f.weight": [0, 1], "a.weight": [0], "b.weight": [1]}


def test_what_no_loss_judges_is_shown_all_the_same():
    calls, losses, weights = two_heads()
    del losses["b"]
    graph = TorchGraph(calls, losses, weights)
    parts = graph.described({})
    assert parts["silent"] == ["b"] and "b" in [node.name for node in parts["nodes"]]
    assert not graph.nodes.reach[weights["b.weight"].node]


def test_a_module_that_is_called_twice_is_one_layer():
    calls, w = Doubles(), Weight()
    module = Module([w])
    first = calls.layer("fc", [w], module=module)
    second = calls.layer("fc", [w], first, module=module)
    graph = TorchGraph(
        calls, {"loss": SimpleNamespace(grad_fn=Node("Mean", second))}, {"fc.weight": w}
    )
    sent = Measure.of(np.ones((1, 4)), (0,), 1)
    parts = graph.described({((w.node, 0), graph.cards[0]): sent})
    assert [(node.name, node.layer) for node in parts["nodes"]][:2] == [
        ("fc", "fc"),
        ("fc:1", "fc"),
    ]
    assert parts["uses"]["fc.weight", "fc"].norm(0) == 2
    assert parts["uses"]["fc.weight", "fc:1"].norm(0) == 0


def test_a_sum_beside_its_parts_is_refused():
    calls, losses, weights = two_heads()
    total = Node("Add", *(loss.grad_fn for loss in losses.values()))
    graph = TorchGraph(calls, {**losses, "sum": SimpleNamespace(grad_fn=total)}, weights)
    with pytest.raises(ValueError, match="here: loss 'sum' is computed from loss 'a': give either"):
        refuse_totals(graph.nodes, graph.losses, "here")
    refuse_totals(TorchGraph(calls, losses, weights).nodes, losses, "here")


def test_what_hides_a_part_of_the_graph_is_refused():
    calls, losses, weights = two_heads()
    refuse_checkpoints(TorchGraph(calls, losses, weights).nodes, "here")
    losses["a"].grad_fn.called = "CheckpointFunction"
    with pytest.raises(ValueError, match=r"here: torch.utils.checkpoint .* use_reentrant=False"):
        refuse_checkpoints(TorchGraph(calls, losses, weights).nodes, "here")


def test_tensors_are_found_where_they_stand():
    names = []
    value = {"a": [1, (2,)], "b": SimpleNamespace()}
    assert mapped(value, "x", lambda name, one: names.append(name) or one) == value
    assert names == ["x.a.0", "x.a.1.0", "x.b"]


def test_batches_of_other_lengths_are_of_one_training():
    flows = []
    for length in (5, 7):
        calls, losses, weights = two_heads()
        parts = TorchGraph(calls, losses, weights).described({})
        flow = Flow(**parts, losses=["a", "b"], values={"a": 1, "b": 2}, weights={"a": 1, "b": 1})
        flow.nodes[0] = type(flow.nodes[0])(**{**vars(flow.nodes[0]), "shape": (length, 3)})
        flows.append(flow)
    share_shapes(flows)
    assert flows[0].nodes == flows[1].nodes and flows[0].nodes[0].shape == (None, 3)


def test_who_measures_networks_of_others_is_known_to_nobody_else():
    folder = Path(folding.__file__).parent
    words = {
        p.name: re.findall(r"[a-z]+", p.read_text("utf-8").lower()) for p in folder.glob("*.py")
    }
    assert [name for name, some in words.items() if {"torch", "keras"} & {*some}] == ["__init__.py"]
