"""What the writers of source code share: a network as lines, one for each call, and two files.

A `Body` goes through the cards of a network, as summary and pictures have them. What an op is in a
framework is an expression; ops of one card whose results nothing else takes stand within one
another, so that a card is one line where it can be. What PyTorch and Keras call things, and what
has no counterpart there, is in `to_torch` and `to_keras`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from .. import arguments
from ..engine.graph import Parameter, Step, Tensor
from ..engine.nodes import Node, Nodes, outermost_card_of
from ..engine.plan import topological_order
from ..network.network import Network
from ..whole_files import CheckpointError, replace_file
from .text import RESERVED, Text, identifier, lines_of, literal

WEIGHTS = 'WEIGHTS = Path(__file__).with_name("{stem}.npz")'
LONG = 64  # what is longer is not put into one expression


class Inputs:
    """The inputs of a step as texts, each when it is asked for: of a weight it makes something."""

    def __init__(self, body: Body, step: Step):
        self.body, self.step = body, step

    def __getitem__(self, i: int) -> Text | None:
        return self.body.given(self.step, i)


class Body:
    """The lines that compute the outputs of a network.

    Attributes
    ----------
    texts : dict of Text
        By key of a tensor, what it is called; or how it is computed, if that has no line.
    lines : list of str
    """

    framework: str

    def __init__(
        self,
        network: Network,
        reserved: Iterable[str],
        indent: int,
        card_of: Callable[[Step], Any] = outermost_card_of,
    ):
        self.network, self.indent = network, indent
        self.taken, self.lines = set(reserved), list[str]()
        ends = list(network.outputs.values())
        self.steps: list[Step] = topological_order(ends)
        given, path_of = network.inputs.values(), network.contents.path_of
        self.graph = Nodes(self.steps, ends, [], given, path_of, card_of)
        self.uses = Counter(x.key for step in self.steps for x in step.inputs if x is not None)
        self.tensors = {t.key: t for t in ends}
        self.takers: dict[Any, set[Any]] = {t.key: {None} for t in ends}  # None: an output
        for step in self.steps:
            for x in step.inputs:
                if x is not None:
                    self.tensors[x.key] = x
                    self.takers.setdefault(x.key, set()).add(self.graph.card(step))
        self.texts: dict[Any, Text] = {}
        self.inputs = [identifier(name, self.taken) for name in network.inputs]
        for name, t in zip(self.inputs, network.inputs.values(), strict=True):
            self.texts[t.key] = Text(name)

    # ------------------------------------------------------------ what a framework says

    def whole(self, node: Node) -> bool:
        """Write a card as one layer, if it is one; or say that it is not."""
        return False

    def model(self, node: Node, inputs: list[Text]) -> Text:
        """The call of a model within the network."""
        raise NotImplementedError

    def express(self, step: Step, xs: Any) -> Any:
        """An op of `xs` as an expression, or a list of one for each of its values."""
        raise NotImplementedError

    def parameter(self, w: Parameter) -> Text:
        """A weight that no layer of the framework owns."""
        raise NotImplementedError

    def constant(self, x: Tensor) -> Text:
        """An array that is no weight."""
        raise NotImplementedError

    def one_of(self, made: Text, name: str) -> Text:
        """An output of a model that has several."""
        return Text(f"{made}[{literal(name)}]")

    # ------------------------------------------------------------ the walk

    def write(self) -> dict[str, Text]:
        """Write all lines; returns what each output is called."""
        for node in in_order(self.graph):
            self.node = node
            if node.kind == "input":
                continue
            if getattr(node.owner, "is_model", False):
                self.add_model(node)
            elif not self.whole(node):
                for step in node.steps:
                    self.add(step)
        return {name: self.text(t) for name, t in self.network.outputs.items()}

    def add(self, step: Step) -> None:
        """Put an op into words, in a line of its own if it has to be."""
        made = self.expressed(step)
        if any(text is not None and len(text) > LONG for text in made):
            self.settle(step)
            made = self.expressed(step)
        for i, text in enumerate(made):
            if self.uses[step, i] or (step, i) in self.takers:
                self.keep(step, i, text)

    def expressed(self, step: Step) -> list[Any]:
        made = self.express(step, Inputs(self, step))
        return made if isinstance(made, list) else [made]

    def given(self, step: Step, i: int) -> Text | None:
        """An input of a step as a text."""
        x = step.inputs[i]
        return None if x is None else self.text(x)

    def keep(self, step: Step, i: int, text: Text) -> None:
        """Remember how a value is computed, or give it a name."""
        key, takers = (step, i), self.takers[step, i]
        (one, *others) = takers
        near = not others and one is not None
        near = near and (one is self.node or one.kind == self.node.kind == "op")
        if text in self.taken or (self.uses[key] == 1 and near):
            self.texts[key] = text
        else:
            self.texts[key] = self.assign(self.name_for(key, text), text)

    def settle(self, step: Step) -> None:
        """Give those inputs of a step names that are longer expressions."""
        for x in step.inputs:
            if x is not None and x.key in self.texts and "(" in self.texts[x.key]:
                self.settled(x)

    def settled(self, x: Tensor) -> Text:
        """What a tensor is called, with a line if it had none."""
        text = self.text(x)
        if x.step is not None and not text.isidentifier():
            text = self.texts[x.key] = self.assign(self.name_for(x.key, text), text)
        return text

    def name_for(self, key: Any, text: str) -> str:
        """That of the card, for what others take of it; else that of a module, or of the op."""
        step, i = key
        if self.takers.get(key, set()) == {self.node}:
            module = re.match(r"self\.(\w+)\(", text)
            return module[1] if module else step.op.name
        is_mask = np.dtype(step.outputs[i][1]) == bool
        return f"{self.node.name}_mask" if is_mask else self.node.name

    def assign(self, name: str, text: str) -> Text:
        """Write a line that gives an expression a name."""
        name = identifier(name, self.taken)
        self.line(f"{name} = {text}")
        return Text(name)

    def line(self, text: str) -> None:
        self.lines += lines_of(text, self.indent)

    def text(self, x: Tensor) -> Text:
        """What a tensor is called, or how it is computed."""
        if x.key in self.texts:
            return self.texts[x.key]
        if isinstance(x, Parameter):
            return self.parameter(x)
        if np.shape(x.value) == ():
            return literal(x.value if isinstance(x.value, bool | int | float) else x.numpy()[()])
        return self.constant(x)

    def add_model(self, node: Node) -> None:
        """Write the call of a model."""
        inner: Network = node.owner
        steps, pairs = set(node.steps), dict[Any, Tensor]()
        taken = [key for key, who in self.takers.items() if key[0] in steps and who - {node}]
        made = {key: self.output_called(inner, self.tensors[key], steps, pairs) for key in taken}
        missing = [name for name, x in inner.inputs.items() if x.key not in pairs]
        if missing:
            raise self.refuse(node, f"what it was given as {missing[0]!r} leads to no output here")
        text = self.model(node, [self.text(pairs[x.key]) for x in inner.inputs.values()])
        several = len(inner.outputs) > 1
        name = self.assign(node.name, text)
        for key, output in made.items():
            self.texts[key] = self.one_of(name, output) if several else name

    def output_called(self, inner: Network, t: Tensor, steps: set[Step], pairs: Any) -> str:
        """Which output of a model a tensor is that its call has made; `pairs` learn the inputs."""
        inputs = {x.key for x in inner.inputs.values()}
        for name, own in inner.outputs.items():
            found = matched(t, own, steps, inputs, pairs)
            if found is not None:
                pairs |= found
                return name
        raise self.refuse(self.node, "a value within it is taken, which is none of its outputs")

    # ------------------------------------------------------------ what cannot be

    def refuse(self, what: Node | Step, reason: str) -> Exception:
        """The error that says why something cannot be written."""
        if isinstance(what, Step):
            where = f"op {what.op.name!r}, wired at {what.site[0]}:{what.site[1]}"
            owner = what.call and what.call.owner
            who = f"{type(owner).__name__} {self.path(what)!r}: {where}" if owner else where
        else:
            who = f"{what.type_name} {what.name!r}"
        return NotImplementedError(f"{who}, cannot be written for {self.framework}: {reason}")

    def path(self, step: Step) -> str:
        """The name in this network of the layer that a step belongs to, or of its op."""
        return self.network.contents.path_of(step.call) if step.call else step.op.name


def in_order(graph: Nodes) -> list[Node]:
    """The cards, each after those that it needs; a model within may have been left and resumed."""
    needs = {
        node: {graph.maker(x) for step in node.steps for x in step.inputs if x is not None}
        - {None, node}
        for node in graph.all
    }
    left, done = dict.fromkeys(graph.all), dict[Node, None]()
    while left:
        node = next(node for node in left if needs[node] <= done.keys())
        done[node] = left.pop(node)
    return list(done)


def matched(
    t: Tensor, own: Tensor, steps: set[Step], inputs: set[Any], known: Mapping[Any, Tensor]
) -> dict[Any, Tensor] | None:
    """What the inputs of a model were in a call that has made `t` of its output `own`, by key.

    None if the call has not made it so. A call repeats the steps of the model, so that both graphs
    are compared from the output down.
    """
    found, met, waiting = dict(known), set[Any](), [(t, own)]
    while waiting:
        t, own = waiting.pop()
        if own.key in inputs:
            if found.setdefault(own.key, t).key != t.key:
                return None
        elif own.step is None or t.step is None:
            if t.key != own.key:
                return None
        elif (t.key, own.key) not in met:
            met.add((t.key, own.key))
            ours, theirs = t.step, own.step
            alike = ours.op is theirs.op and t.index == own.index and ours in steps
            if not alike or str(ours.attributes) != str(theirs.attributes):
                return None
            for x, y in zip(ours.inputs, theirs.inputs, strict=True):
                if x is not None and y is not None:
                    waiting.append((x, y))
                elif x is not y:
                    return None
    return found


def described(network: Network) -> list[str]:
    """Inputs and outputs, with their shapes, for the top of a file."""

    def each(tensors: Mapping[str, Tensor]) -> list[str]:
        return [f"- {name}: {t.dtype} of shape {t.shape}" for name, t in tensors.items()]

    return ["", "Inputs:", *each(network.inputs), "", "Outputs:", *each(network.outputs)]


def float_type(network: Network) -> str:
    """The type of the numbers that a network computes with."""
    kinds = {str(t.dtype) for t in [*network.weights, *network.outputs.values()]}
    return "float64" if "float64" in kinds else "float32"


def checked_path(what: str, path: str | Path) -> Path:
    """Where the source shall be: a file that Python can import."""
    found = arguments.path(f"{what}: path", path)
    if found.suffix != ".py" or not found.stem.isidentifier() or found.stem in RESERVED:
        raise CheckpointError(
            f"{what}: {found.name!r} is no name that Python can import: choose one such as net.py"
        )
    return found


def write_files(path: Path, source: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the weights, then the source beside them."""
    content = BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    replace_file(path.with_suffix(".npz"), content.getvalue())
    replace_file(path, source.encode())
