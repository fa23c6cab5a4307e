"""Recurrent layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import layers, ops
from ..engine.graph import Tensor
from .graph import Node
from .reader import Reader, Reads
from .views import Constant, View

ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}  # of the gates, as ours are
KINDS = {"LSTM": layers.LSTM, "GRU": layers.GRU, "RNN": layers.SimpleRNN}
USUAL = {
    "LSTM": ["sigmoid", "tanh", "tanh"],
    "GRU": ["sigmoid", "tanh"],
    "RNN": ["tanh"],
}


def by_our_gates(x: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Rows of gates in ONNX's order as columns in ours."""
    parts = np.split(x, len(order), axis=0)
    return np.concatenate([parts[i] for i in order], axis=0).T


def is_zero(x: Constant) -> bool:
    """Is every number 0? (One that is broadcast is looked at once.)"""
    index = tuple(slice(0, 1) if step == 0 else slice(None) for step in x.array.strides)
    return not x.array[index].any()


def recurrent(r: Reader, node: Node) -> list[View]:
    x, both = r.view(node), node.text("direction", "forward") == "bidirectional"
    if x.tensor.value is None and x.batch != 1:
        raise node.refuse("samples must stand along the second axis of what it reads, behind time")
    refuse_rare(r, node, x)
    w, u = r.needed(node, 1, "W"), r.needed(node, 2, "R")
    b = r.needed(node, 3, "B") if r.has(node, 3) else None
    if b is not None and not b.sources and is_zero(b):
        b = None
    backwards = node.text("direction", "forward") == "reverse"
    tensor = x.arranged([1, 0, 2])
    every, last = [], []
    for d in range(1 + both):
        start = [first_state(r, node, place, d) for place in (5, 6)[: 1 + (node.op == "LSTM")]]
        made = one_way(r, node, tensor, (w, u, b), d, backwards or d == 1, start)
        every.append(made[0][:, ::-1] if backwards or d == 1 else made[0])
        last.append(made[1:])
    if not both:
        axes = ((1, None, 0, 2), (None, 0, 1), (None, 0, 1))
        return [View(t, a) for t, a in zip([every[0], *last[0]], axes, strict=False)]
    sequence = ops.concatenate(*(y[:, :, None] for y in every), axis=2)
    states = [
        ops.concatenate(*(y[:, None] for y in two), axis=1) for two in zip(*last, strict=True)
    ]
    return [View(sequence, (1, 2, 0, 3)), *(View(y, (1, 0, 2)) for y in states)]


def refuse_rare(r: Reader, node: Node, x: View) -> None:
    """Refuse what our recurrent layers do not have."""
    given = [a.decode().lower() for a in node.options.get("activations", [])]
    one = USUAL[node.op]
    if given and given not in (one, one * 2):
        raise node.refuse(f"its activations are {given}; {one} are read")
    if node.options.get("layout", 0) or "clip" in node.options:
        raise node.refuse("layout and clip are not read")
    if node.options.get("input_forget", 0) or (node.op == "LSTM" and r.has(node, 7)):
        raise node.refuse("input_forget and peepholes are not read")
    if r.has(node, 4):
        lengths = r.constant(node, 4)
        if lengths is None or x.shape[0] is None or (lengths.array != x.shape[0]).any():
            raise node.refuse("sequence_lens is not read: all sequences of a batch are as long")


def first_state(r: Reader, node: Node, place: int, direction: int) -> Any:
    """The state that one direction starts from; None: zeros."""
    if not r.has(node, place):
        return None
    known = r.graph.known.get(node.inputs[place])
    if known is not None and is_zero(known):
        return None
    x = r.view(node, place)
    state: Any = r.one_row(x, 1) if x.batch is None else x
    return state.arranged([1, 0, 2])[:, direction]


def one_way(
    r: Reader, node: Node, x: Tensor, given: Any, d: int, backwards: bool, start: list[Any]
) -> Any:
    """All states in the order in which they are computed, and the last ones, of one direction."""
    w, u, b = given
    order = ORDERS[node.op]
    values = {
        "kernel": by_our_gates(w.array[d], order),
        "recurrent_kernel": by_our_gates(u.array[d], order),
    }
    options: dict[str, Any] = {}
    after = bool(node.options.get("linear_before_reset", 0))
    if node.op == "GRU":
        options["reset_after"] = after
    if b is not None:
        two = [by_our_gates(part, order) for part in np.split(b.array[d], 2)]
        values["bias"] = np.stack(two) if after and node.op == "GRU" else two[0] + two[1]
    weights: dict[str, Any] = {"kernel": w, "recurrent_kernel": u, "bias": b}
    if w.shape[0] == 2:
        weights = {k: v and Constant(v.array, (v.key, d), v.sources) for k, v in weights.items()}
    states = None if all(s is None for s in start) else start
    return r.layer(
        node,
        KINDS[node.op],
        x,
        weights,
        values,
        {"initial_state": states},
        units=u.shape[-1],
        return_sequences=True,
        return_state=True,
        go_backwards=backwards,
        use_bias=b is not None,
        **options,
    )


READ: Reads = dict.fromkeys(KINDS, recurrent)
