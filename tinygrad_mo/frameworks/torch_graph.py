"""The graph of PyTorch's autograd as cards and wires.

A card is a call of a module in which no other module is called, or an operation between such
calls. What only one loss needs, behind the outputs of the model, is the card of this loss.

A node of autograd and the number of one of its outputs stand for a tensor; a parameter is the
tensor of a node that makes nothing. So one table, who uses which tensor where, has all wires and
all uses of parameters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from ..flow.data import FlowNode, Wire
from ..flow.folding import find_folds
from ..flow.measures import Measure
from ..naming import snake_case
from .torch_calls import Call, Calls
from .torch_cards import Card, folders_of, name_apart
from .torch_nodes import TorchNodes, op_name, shape_of


class TorchGraph:
    """What autograd knows of the losses, as cards and wires.

    Parameters
    ----------
    calls : Calls
    losses : dict of Tensor
    parameters : dict of Parameter
        By name.
    to_inputs : bool
        Are gradients asked for on the data, too?

    Attributes
    ----------
    nodes : TorchNodes
    cards : list of Card
    users : dict of dict
        By tensor and other card that uses it: by which nodes, and at which place of theirs.
    used_within : set
        The tensors that the card uses which makes them.
    """

    def __init__(
        self,
        calls: Calls,
        losses: Mapping[str, Any],
        parameters: Mapping[str, Any],
        to_inputs: bool = False,
    ):
        self.calls, self.losses, self.parameters = calls, losses, parameters
        self.count = len(losses)
        self.nodes = TorchNodes(calls, losses, parameters, to_inputs)
        self._find_cards()
        self._find_users()
        name_apart(self.cards)
        self._find_folds()

    # ------------------------------------------------------------ cards

    def _find_cards(self) -> None:
        """The card of each node, but for the parameters themselves."""
        self.card_of: dict[Any, Card] = {}
        self.inputs: dict[Any, Card] = {}
        for entry in self.calls.entries.values():
            new = Card(entry.name, "input", "Input", shape=entry.shape)
            card = self.inputs.setdefault(entry.card, new)
            card.shape = common_shape(card.shape, entry.shape)
            if entry.node in self.nodes.edges:
                self.card_of[entry.node] = card
        for node, entry in self.nodes.entry_at.items():
            self.card_of[node] = self.inputs[entry.card]
        maker = {node: self.calls.maker(node) for node in self.nodes.in_time}
        self.loss_cards = [Card(name, "loss", "loss", loss=name) for name in self.losses]
        self._find_insides_of_losses(maker)
        cards: dict[Any, Card] = {}  # by call, or by node that is one of its own
        for node in self.nodes.in_time:
            if node not in self.card_of:
                call = maker[node]
                shown = call.card if call else None
                if (key := shown or node) not in cards:
                    cards[key] = self._new_card(node, shown or call)
                self.card_of[node] = cards[key]
                if cards[key].kind == "op":
                    cards[key].shape = shape_of(node)  # the last node makes what is returned
        self.data_wires = dict.fromkeys(
            (self.inputs[entry.card], card)
            for card in cards.values()
            if card.kind == "layer" and card.call
            for entry in self.calls.entries_of(card.call)
        )
        seen = {*self.card_of.values(), *(card for card, _ in self.data_wires)}
        self.unseen = [card.name for card in self.inputs.values() if card not in seen]
        inputs = [card for card in self.inputs.values() if card in seen]
        self.cards = [*inputs, *cards.values(), *self.loss_cards]

    def _new_card(self, node: Any, call: Call | None) -> Card:
        """Of a call of a module or function, or of a node that was made between such calls."""
        if call is None or not call.is_leaf:
            return Card(op_name(node), "op", "op", call)
        if call.module is None:
            name = op_name(node) if call.path.startswith("__") else call.path
            return Card(name, "op", "op", call.around)
        kind = type(call.module).__name__
        name_of = self.nodes.name_of
        names = [name_of[id(w)] for w in call.module.parameters() if id(w) in name_of]
        return Card(call.path or snake_case(kind), "layer", kind, call, call.shape, tuple(names))

    def _find_insides_of_losses(self, maker: Mapping[Any, Call | None]) -> None:
        """What only one loss needs, as far as it is no call of a module and no output."""
        users: dict[Any, set[Card | None]] = defaultdict(set)
        for card in self.loss_cards:
            users[self.losses[card.loss].grad_fn].add(card)
        roots = set(users)
        outputs = {x.grad_fn for x in self.calls.outputs.values()} - roots
        for node in reversed(self.nodes.order):
            if node in maker and node not in self.card_of and node not in outputs:
                call, others = maker[node], [other for _, other, _ in self.nodes.edges[node]]
                in_model = call and (call.module is not None or call.around)
                works = in_model and any(other in self.nodes.weight_at for other in others)
                is_module = call and call.card and call.card.module is not None
                user, *others_too = users[node]
                if user is not None and not (others_too or works or is_module):
                    self.card_of[node] = user
            for _, other, _ in self.nodes.edges[node]:
                users[other].add(self.card_of.get(node))

    def _find_users(self) -> None:
        """Which cards use which tensors and parameters of others: the wires."""
        self.users: dict[Any, dict[Card, list[tuple[Any, int]]]] = defaultdict(dict)
        self.used_within: set[Any] = set()
        used: dict[Card, list[Any]] = defaultdict(list)
        for node in self.nodes.in_time:
            card = self.card_of[node]
            for place, other, output in self.nodes.edges[node]:
                if other in self.nodes.weight_at or self.card_of.get(other, card) is not card:
                    self.users[other, output].setdefault(card, []).append((node, place))
                    used[card].append(other)
                else:
                    self.used_within.add((other, output))
        for card in self.loss_cards:
            root = self.losses[card.loss].grad_fn
            if self.card_of.get(root, card) is not card:  # a module has computed the loss
                self.users[root, 0][card] = []
        at_work = {
            self.nodes.weight_at[other] for other, _ in self.users if other in self.nodes.weight_at
        }
        for card, others in used.items():
            names = [
                self.nodes.weight_at[other] for other in others if other in self.nodes.weight_at
            ]
            if card.kind == "op" and len(set(others)) == len(set(names)) == 1:
                card.name = names[0]  # that of all that it works on
            own = [name for name in card.parameters if name in names or name not in at_work]
            card.parameters = tuple(dict.fromkeys([*own, *names]))
        tensors = [tensor for tensor in self.users if tensor[0] not in self.nodes.weight_at]
        self.number = {tensor: number for number, tensor in enumerate(tensors)}

    def _find_folds(self) -> None:
        """Which cards a large picture shows as one, and what several cards in one of them use."""
        self.folders = folders_of(self.cards, self.calls.separator)
        self.wires = [
            (self.card_of[tensor[0]], card, tensor)
            for tensor in self.number
            for card in self.users[tensor]
        ]
        ends = [(a.name, b.name) for a, b, *_ in (*self.wires, *self.data_wires)]
        self.folds = find_folds({card.name: card.kind for card in self.cards}, self.folders, ends)
        self.around = {card: self.folds.around(card.name) for card in self.cards}

    def parts(self, tensor: Any) -> dict[Any, list[Card]]:
        """What is measured of the gradient of a tensor, and which of its users send it.

        None: the whole. Of several users also what each card sends, and what those in a fold do.
        """
        users = [*self.users[tensor]]
        found: dict[Any, list[Card]] = {None: users}
        if len(users) > 1:
            for card in users:
                found[card] = [card]
                for fold in self.around[card]:
                    found.setdefault(fold, []).append(card)
        return {key: some for key, some in found.items() if type(key) is not str or len(some) > 1}

    def reach_of(self, tensor: Any, cards: Iterable[Card]) -> set[int]:
        """The losses that can send a gradient to a tensor through these of its users."""
        nodes = [node for card in cards for node, _ in self.users[tensor][card]]
        return set().union(*(self.nodes.reach[node] for node in nodes or [tensor[0]]))

    # ------------------------------------------------------------ a flow

    def described(self, measured: Mapping[Any, Measure]) -> dict[str, Any]:
        """The parts of a flow that the graph and the measures of `parts` of tensors give."""
        nothing = Measure.nothing(self.count)
        tensor_of = {name: (node, 0) for node, name in self.nodes.weight_at.items()}

        def of(tensor: Any, part: Any = None) -> Measure:
            users = self.users.get(tensor, ())
            if len(users) == 1 and part in users:
                part = None
            return measured.get((tensor, part), nothing)

        wires: list[Any] = [
            (a, b, shape_of(*tensor), of(tensor, b), self.number[tensor])
            for a, b, tensor in self.wires
        ]
        numbers = count(len(self.number))
        wires += [(a, b, a.shape, nothing, next(numbers)) for a, b in self.data_wires]
        uses = Counter(name for card in self.cards for name in card.parameters)
        makers = {name: x.grad_fn for name, x in self.calls.outputs.items()}
        cards = {name: self.card_of[node] for name, node in makers.items() if node in self.card_of}
        outputs = {name: card.name for name, card in cards.items() if card.kind != "loss"}
        known: dict[Any, Any] = self.number | {node: name for name, node in tensor_of.items()}
        return {
            "nodes": self._flow_nodes(),
            "wires": [Wire(a.name, b.name, m, a.name, shape, n) for a, b, shape, m, n in wires],
            "parameters": {name: of(tensor_of.get(name)) for name in self.parameters},
            "uses": {
                (name, card.name): of(tensor_of.get(name), card)
                for card in self.cards
                for name in card.parameters
                if uses[name] > 1
            },
            "folds": self.folds,
            "bundles": {
                (fold, known[tensor]): of(tensor, fold)
                for tensor in self.users
                for fold in self.parts(tensor)
                if isinstance(fold, str)
            },
            "forks": {
                n: of(tensor) for tensor, n in self.number.items() if len(self.users[tensor]) > 1
            },
            "outputs": outputs,
            "silent": [name for name in outputs if not self.nodes.reach[makers[name]]],
        }

    def _flow_nodes(self) -> list[FlowNode]:
        first: dict[Any, str] = {}  # by module: the card of its first call
        found = []
        for card in self.cards:
            layer, shape = card.name, tuple(card.shape[1:])
            if card.kind == "layer" and card.call:
                layer = first.setdefault(card.call.module, card.name)
            folders = tuple(self.folders[card.name])
            plain = card.name, card.kind, card.type, shape, card.parameters
            found.append(FlowNode(*plain, layer, folders, card.loss))
        return found


def common_shape(*shapes: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Of several arrays; None is where they differ.

    >>> common_shape((3, 224, 224), (3, 224, 320)), common_shape((2,), (2, 2))
    ((3, 224, None), ())
    """
    if len({len(shape) for shape in shapes}) > 1:
        return ()
    return tuple(a[0] if len(set(a)) == 1 else None for a in zip(*shapes, strict=True))
