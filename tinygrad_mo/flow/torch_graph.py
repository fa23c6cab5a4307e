"""The graph of PyTorch's autograd as cards and wires, and a watcher of its backward passes.

A card is a call of a module in which no other module is called, or an operation between such
calls. What only one loss needs, behind the outputs of the model, is the card of this loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..naming import snake_case, unique_names
from .data import FlowNode, Wire
from .folding import Folds, find_folds
from .measures import Measure
from .torch_calls import Call, Calls
from .torch_pulls import Pulls
from .words import few, listing

FORK = None  # stands for all cards that use a tensor, where others stand for one card or fold
KINDS = ("layer", "input", "op", "loss")  # in the order in which they choose their names


@dataclass(eq=False)
class Card:
    """What will be a `FlowNode`, and the nodes of autograd that are in it."""

    name: str
    kind: str
    type: str
    call: Call | None = None
    nodes: list[Any] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    shape: tuple[int | None, ...] = ()
    loss: str = ""


def op_name(node: Any) -> str:
    """What a node of autograd undoes.

    >>> from types import SimpleNamespace
    >>> [op_name(SimpleNamespace(name=lambda: x)) for x in ("CatBackward0", "SplitWithSizes")]
    ['cat', 'split_with_sizes']
    """
    return snake_case(node.name().split("::")[-1].split("Backward")[0]) or "op"


def refuse_totals(graph: TorchGraph, what: str) -> None:
    """A sum of losses beside its parts would count them twice."""
    names = list(graph.losses)
    for k, name in enumerate(names):
        for j, other in enumerate(names):
            root = graph.losses[other].grad_fn
            if k != j and root is not None and k in graph.reach.get(root, ()):
                raise ValueError(
                    f"{what}: loss {name!r} is computed from loss {other!r}: give either the "
                    f"parts, and weights={{{other!r}: ...}} for what the sum multiplies them with, "
                    f"or the sum alone"
                )


def refuse_checkpoints(graph: TorchGraph, what: str) -> None:
    """What is trained within one would look as if no loss reached it."""
    if any("CheckpointFunction" in node.name() for node in graph.edges):
        raise ValueError(
            f"{what}: torch.utils.checkpoint hides what is within it from autograd's graph: call "
            f"it with use_reentrant=False"
        )


def shape_of(node: Any, output: int = 0) -> tuple[int, ...]:
    """Of what a node of autograd has made."""
    return tuple(node._input_metadata[output].shape)


def common_shape(*shapes: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Of several arrays; None is where they differ.

    >>> common_shape((3, 224, 224), (3, 224, 320)), common_shape((2,), (2, 2))
    ((3, 224, None), ())
    """
    if len({len(shape) for shape in shapes}) > 1:
        return ()
    return tuple(a[0] if len(set(a)) == 1 else None for a in zip(*shapes, strict=True))


class TorchGraph:
    """What autograd knows of the losses, as cards and wires.

    Parameters
    ----------
    calls : Calls
    losses : dict of Tensor
    parameters : dict of Parameter
        By name.
    """

    def __init__(self, calls: Calls, losses: dict[str, Any], parameters: dict[str, Any]):
        self.calls, self.losses, self.count = calls, losses, len(losses)
        self.parameters = parameters
        self.name_of = {id(w): name for name, w in parameters.items()}
        self.edges: dict[Any, list[tuple[int, Any, int]]] = {}  # by node: place, other, its output
        self.reach: dict[Any, set[int]] = {}  # by node: the losses that it is part of
        self._walk()
        self.leaves = {node: node.variable for node in self.edges if hasattr(node, "variable")}
        self.unknown = [
            x for x in self.leaves.values() if id(x) not in self.name_of and not self._entry_of(x)
        ]
        self.live = self._find_live()
        self.card_of: dict[Any, Card] = {}
        self._find_cards()
        self._name_cards()
        self._find_wires()

    # ------------------------------------------------------------ nodes

    def _walk(self) -> None:
        """All nodes below the losses and the outputs, and which losses they are part of."""
        roots: list[Any] = [(k, x.grad_fn) for k, x in enumerate(self.losses.values())]
        roots += [(None, x.grad_fn) for x in self.calls.outputs.values()]
        for k, root in roots:
            waiting = [root] if root is not None else []
            met = set(waiting)
            while waiting:
                node = waiting.pop()
                if node not in self.edges:
                    self.reach[node] = set()
                    self.edges[node] = [
                        (place, other, output)
                        for place, (other, output) in enumerate(node.next_functions)
                        if other is not None
                    ]
                if k is not None:
                    self.reach[node].add(k)
                for _, other, _ in self.edges[node]:
                    if other not in met:
                        met.add(other)
                        waiting.append(other)

    def _find_live(self) -> set[Any]:
        """The nodes below which a gradient is asked for: a parameter or, on request, data."""
        users: dict[Any, list[Any]] = {}
        for node, edges in self.edges.items():
            for _, other, _ in edges:
                users.setdefault(other, []).append(node)
        asked = self.calls.to_inputs
        waiting = [n for n, leaf in self.leaves.items() if asked or self._entry_of(leaf) is None]
        live = set(waiting)
        while waiting:
            new = [user for user in users.get(waiting.pop(), ()) if user not in live]
            live.update(new)
            waiting += new
        return live

    def _entry_of(self, leaf: Any) -> Any:
        return next((e for e in self.calls.entries.values() if e.leaf is leaf), None)

    def weight_at(self, node: Any) -> str | None:
        """The name of the parameter that a node stands for."""
        return self.name_of.get(id(self.leaves[node])) if node in self.leaves else None

    # ------------------------------------------------------------ cards

    def _find_cards(self) -> None:
        """The card of each node, but for the parameters themselves."""
        self._find_input_cards()
        maker = {n: self.calls.maker(n) for n in self.edges if n not in self.leaves}
        self._find_loss_cards(maker)
        of_call: dict[Call, Card] = {}
        in_order = sorted(maker, key=lambda node: node._sequence_nr())
        for node in in_order:
            if node not in self.card_of:
                self.card_of[node] = self._card_for(node, maker[node], of_call)
        for node, card in self.card_of.items():
            card.nodes.append(node)
            used = [self.weight_at(other) for _, other, _ in self.edges[node]]
            new = [name for name in used if name is not None and name not in card.parameters]
            card.parameters += dict.fromkeys(new)
        made = dict.fromkeys(self.card_of[node] for node in in_order)
        inner = [card for card in made if card.kind in ("layer", "op")]
        self._name_by_weights(inner)
        self.data_wires = dict.fromkeys(
            (self.inputs[entry.card], card)
            for card in inner
            if card.kind == "layer" and card.call
            for entry in self.calls.entries_of(card.call)
        )
        seen = {*self.card_of.values(), *(card for card, _ in self.data_wires)}
        self.unseen = [card.name for card in self.inputs.values() if card not in seen]
        inputs = [card for card in self.inputs.values() if card in seen]
        self.cards = [*inputs, *inner, *self.loss_cards]

    def _card_for(self, node: Any, made_in: Call | None, of_call: dict[Call, Card]) -> Card:
        """That of the call in which a node was made, or one of its own."""
        call = made_in.card if made_in else None
        if call is None:
            return self._op_card(op_name(node), node, made_in)
        if call.module is not None:
            return of_call.setdefault(call, self._layer_card(call))
        name = op_name(node) if call.path.startswith("__") else call.path
        card = of_call.setdefault(call, self._op_card(name, node, call.around))
        card.shape = shape_of(node)  # the last node makes what the function returns
        return card

    def _name_by_weights(self, cards: Iterable[Card]) -> None:
        """What does something to one parameter alone is called like it."""
        for card in cards:
            others = [other for node in card.nodes for _, other, _ in self.edges[node]]
            alone = all(self.card_of.get(other, card) is card for other in others)
            if card.kind == "op" and alone and len(card.parameters) == 1:
                card.name = card.parameters[0]

    def _find_input_cards(self) -> None:
        """One for each tensor, or for all of a list."""
        self.inputs: dict[Any, Card] = {}
        for entry in self.calls.entries.values():
            card = Card(entry.name, "input", "Input", shape=entry.shape)
            card = self.inputs.setdefault(entry.card, card)
            if card.shape != entry.shape:
                card.shape = common_shape(card.shape, entry.shape)
            if entry.node in self.edges:
                self.card_of[entry.node] = card
        for node, leaf in self.leaves.items():
            if (entry := self._entry_of(leaf)) is not None:
                self.card_of[node] = self.inputs[entry.card]

    def _layer_card(self, call: Call) -> Card:
        kind = type(call.module).__name__
        names = [self.name_of[id(w)] for w in call.module.parameters() if id(w) in self.name_of]
        return Card(call.path or snake_case(kind), "layer", kind, call, [], names, call.shape)

    def _op_card(self, name: str, node: Any, around: Call | None) -> Card:
        return Card(name, "op", "op", around, shape=shape_of(node))

    def _find_loss_cards(self, maker: dict[Any, Call | None]) -> None:
        """What only one loss needs, as far as it is no call of a module and no output."""
        uses = Counter(other for edges in self.edges.values() for _, other, _ in edges)
        outputs = {x.grad_fn for x in self.calls.outputs.values()}
        self.loss_cards = []
        for name, loss in self.losses.items():
            card = Card(name, "loss", "loss", loss=name)
            self.loss_cards.append(card)
            waiting, seen = [loss.grad_fn], Counter[Any]()
            while waiting:
                node = waiting.pop()
                if node not in maker or node in self.card_of:
                    continue
                call = maker[node]
                if call and call.card and call.card.module is not None:
                    continue
                if node is not loss.grad_fn and node in outputs:
                    continue
                others = [other for _, other, _ in self.edges[node]]
                within = call and (call.module is not None or call.around)
                if within and any(self.weight_at(other) for other in others):
                    continue  # a parameter at work in the model
                self.card_of[node] = card
                seen.update(others)
                waiting += [other for other in dict.fromkeys(others) if seen[other] == uses[other]]

    def _name_cards(self) -> None:
        """No two have one name; and the folders around each."""
        taken: list[str] = []
        for kind in KINDS:
            cards, known = [card for card in self.cards if card.kind == kind], set(taken)
            for card in cards:
                if card.name in known:
                    card.name += f"_{kind}"
            names = unique_names([*taken, *(card.name for card in cards)], ":")[len(taken) :]
            for card, name in zip(cards, names, strict=True):
                card.name = name
            taken += names
        self.folders = folders_of(self.cards, self.calls.separator)

    # ------------------------------------------------------------ wires

    def _find_wires(self) -> None:
        """Between cards, and which edges of autograd carry what is measured."""
        self.wires: dict[tuple[Card, Any], tuple[Card, Card]] = {}  # by target and tensor: the ends
        self.number: dict[Any, int] = {}
        for card in self.cards:
            for node in card.nodes:
                for _, other, output in self.edges[node]:
                    source = self.card_of.get(other)
                    if source not in (None, card):
                        tensor = other, output
                        self.wires[card, tensor] = source, card
                        self.number.setdefault(tensor, len(self.number))
        for card in self.loss_cards:
            root = self.losses[card.loss].grad_fn
            if not card.nodes and root in self.card_of:  # a module has computed the loss
                self.wires[card, (root, 0)] = self.card_of[root], card
                self.number.setdefault((root, 0), len(self.number))
        ends = [(a.name, b.name) for a, b in [*self.wires.values(), *self.data_wires]]
        kinds = {card.name: card.kind for card in self.cards}
        self.folds: Folds = find_folds(kinds, self.folders, ends)
        users = Counter(tensor for _, tensor in self.wires)
        self.forks = [tensor for tensor, count in users.items() if count > 1]
        self.bundles = self._find_bundles()

    def _find_bundles(self) -> list[tuple[str, Any]]:
        """Where several cards of a fold use one tensor or parameter: the fold and that."""
        used = Counter[tuple[str, Any]]()
        for card in self.cards:
            for fold in self.folds.around(card.name):
                tensors = [tensor for user, tensor in self.wires if user is card]
                used.update((fold, what) for what in [*tensors, *card.parameters])
        return [what for what, count in used.items() if count > 1]

    def keys_of(self, card: Card, what: Any) -> list[Any]:
        """What a gradient is part of: the use by a card, by the folds around, and by all cards."""
        folds = [(fold, what) for fold in self.folds.around(card.name)]
        shared = [one for one in folds if one in self._bundles]
        return [(card, what), *shared, *([(FORK, what)] if what in self._forks else [])]

    def watched(self) -> dict[Any, list[tuple[int, list[Any]]]]:
        """By node: the places of its gradients that leave the card, and what they are part of."""
        self._bundles, self._forks = set(self.bundles), set(self.forks)
        found: dict[Any, list[tuple[int, list[Any]]]] = {}
        several = {
            name
            for name, count in Counter(p for card in self.cards for p in card.parameters).items()
            if count > 1
        }
        for card in self.cards:
            for node in card.nodes:
                for place, other, output in self.edges[node]:
                    name, tensor = self.weight_at(other), (other, output)
                    what = tensor if (card, tensor) in self.wires else name
                    if other in self.live and (what is tensor or name in several):
                        found.setdefault(node, []).append((place, self.keys_of(card, what)))
        return found

    # ------------------------------------------------------------ gradients

    def measure(self) -> Pulls:
        """K backward passes, watched."""
        import torch

        watched = self.watched()
        pulls = Pulls(self.count)
        for node, places in watched.items():
            for _, keys in places:
                for key in keys:
                    pulls.expect(key, self.reach[node])
        leaves = [(n, x) for n, x in self.leaves.items() if self.reach[n] and n in self.live]
        for node, _ in leaves:
            if name := self.weight_at(node):
                pulls.expect(name, self.reach[node])
        with ExitStack() as hooks:
            for node, places in watched.items():
                if self.reach[node]:
                    hooks.callback(node.register_hook(partial(arrived, pulls, places)).remove)
            for k, loss in enumerate(self.losses.values()):
                mine = [(node, x) for node, x in leaves if k in self.reach[node]]
                pulls.begin(k)
                if not mine:
                    continue
                found = torch.autograd.grad(
                    loss, [x for _, x in mine], retain_graph=k + 1 < self.count, allow_unused=True
                )
                for (node, _), g in zip(mine, found, strict=True):
                    if (name := self.weight_at(node)) and g is not None:
                        pulls.add(name, g)
                pulls.end()
        return pulls

    def described(self, measured: Mapping[Any, Measure]) -> dict[str, Any]:
        """The parts of a flow that the graph and the measures give."""
        nothing = Measure.nothing(self.count)
        one = Measure.of_factor(np.ones((1, 1)), [0], 1)
        first: dict[Any, str] = {}
        nodes = []
        for card in self.cards:
            layer = card.name
            if card.kind == "layer" and card.call:
                layer = first.setdefault(card.call.module, card.name)
            nodes.append(
                FlowNode(
                    card.name,
                    card.kind,
                    card.type,
                    tuple(card.shape[1:]),
                    tuple(card.parameters),
                    layer,
                    tuple(self.folders[card.name]),
                    card.loss,
                )
            )
        wires = []
        for (card, tensor), (source, target) in self.wires.items():
            measure = measured.get((card, tensor), nothing)
            if not card.nodes:  # a module has computed the loss, whose gradient on itself is 1
                k = list(self.losses).index(card.loss)
                measure = Measure.of_factor(one.r, [k], self.count)
            shape = shape_of(*tensor)
            wires.append(
                Wire(source.name, target.name, measure, source.name, shape, self.number[tensor])
            )
        for number, (source, target) in enumerate(self.data_wires, start=len(self.number)):
            wires.append(Wire(source.name, target.name, nothing, source.name, source.shape, number))
        users = Counter(name for card in self.cards for name in card.parameters)

        def known(what: Any) -> Any:
            return what if isinstance(what, str) else self.number[what]

        return {
            "nodes": nodes,
            "wires": wires,
            "parameters": {name: measured.get(name, nothing) for name in self.parameters},
            "uses": {
                (name, card.name): measured.get((card, name), nothing)
                for card in self.cards
                for name in card.parameters
                if users[name] > 1
            },
            "folds": self.folds,
            "bundles": {
                (fold, known(what)): measured.get((fold, what), nothing)
                for fold, what in self.bundles
            },
            "forks": {known(what): measured.get((FORK, what), nothing) for what in self.forks},
            **self._outputs(),
        }

    def _outputs(self) -> dict[str, Any]:
        """The outputs that are no losses, and those that no loss judges."""
        makers = {
            name: x.grad_fn
            for name, x in self.calls.outputs.items()
            if x.grad_fn in self.card_of and self.card_of[x.grad_fn].kind != "loss"
        }
        return {
            "outputs": {name: self.card_of[node].name for name, node in makers.items()},
            "silent": [name for name, node in makers.items() if not self.reach[node]],
        }

    def notes(self) -> list[str]:
        """What cannot be seen."""
        return sentences(
            ("It could not be seen where these data go: {}.", self.unseen),
            (
                "Gradients also reach tensors that are neither weights of the model nor its data, "
                "of shape {}: they are not shown.",
                (str(tuple(x.shape)) for x in self.unknown),
            ),
        )


def sentences(*parts: tuple[str, Iterable[str]]) -> list[str]:
    """Each text with its names, the first ones if they are many; without any it is not said."""
    named = [(text, few([*dict.fromkeys(names)])) for text, names in parts]
    return [text.format(listing(names)) for text, names in named if names]


def arrived(pulls: Pulls, places: Iterable[tuple[int, list[Any]]], gradients: Any, _: Any) -> None:
    """A node has computed the gradients of what it was made of."""
    for place, keys in places:
        for key in keys:
            pulls.add(key, gradients[place])


def folders_of(cards: Iterable[Card], dot: str) -> dict[str, list[str]]:
    """By name of card: the calls of containers around it, and the folders in its own path.

    The outermost first. Several calls of one container are several folders: "base", "base:1" ...
    """
    label_of: dict[Any, str] = {}

    def labelled(folder: Any, label: str) -> str:
        if folder not in label_of:
            names = unique_names([*label_of.values(), label], ":")
            label_of[folder] = names[-1]
        return label_of[folder]

    found: dict[str, list[str]] = {}
    for card in cards:
        found[card.name] = []
        last: Call | None = None
        for call in card.call.chain() if card.call else ():
            outer = last.path if last else ""
            inside = call.path.startswith(f"{outer}{dot}") or not outer
            parts = call.path.removeprefix(f"{outer}{dot}" if outer and inside else "").split(dot)
            for i in range(1, len(parts)):
                label = dot.join([*([outer] if outer and inside else []), *parts[:i]])
                found[card.name].append(labelled((last, label), label))
            if call.path and (card.kind == "op" or call is not card.call):
                found[card.name].append(labelled((call, call.path), call.path))
            last = call
    return found
