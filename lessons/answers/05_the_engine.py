"""Answers to lesson 5."""

from typing import NamedTuple

import numpy as np

from tinygrad_mo import ops


class Plan(NamedTuple):  # as in the lesson
    slots: dict
    ops: list
    inputs: list


class Tape(NamedTuple):  # as in the lesson
    values: list
    backs: list


def find_nodes(losses):
    found, to_do = set(), list(losses)
    while to_do:
        node = to_do.pop()
        if node not in found:
            found.add(node)
            to_do.extend(node.inputs)
    # A node is younger than its inputs.
    return sorted(found, key=lambda node: node.birth)


def make_plan(losses):
    nodes = find_nodes(losses)
    slots = {node: slot for slot, node in enumerate(nodes)}
    inputs = [tuple(slots[source] for source in node.inputs) for node in nodes]
    return Plan(slots, [node.op for node in nodes], inputs)


def forward(plan, feed):
    values, backs = [], []
    for node, slot in plan.slots.items():
        op = plan.ops[slot]
        if op is None:
            value, back = feed[node], None
        else:
            value, back = op(*[values[source] for source in plan.inputs[slot]])
        values.append(value)
        backs.append(back)
    return Tape(values, backs)


def seed_rows(plan, losses):
    seeds = [None] * len(plan.ops)
    for loss, row in zip(losses, np.eye(len(losses)), strict=True):
        seeds[plan.slots[loss]] = row
    return seeds


def backward(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue  # no loss arrives here, or nothing is below
        for source, pull in zip(plan.inputs[slot], tape.backs[slot], strict=True):
            part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
            # A new array: g[source] += part could write into what a pullback has returned.
            g[source] = part if g[source] is None else g[source] + part
    return g


HINTS = {
    "find_nodes": [
        "Begin with found = set() and to_do = list(losses). Loop: while to_do:",
        "In the loop: node = to_do.pop(). If it is not in found: add it, and extend to_do by "
        "node.inputs.",
        "At the end: return sorted(found, key=lambda node: node.birth)",
    ],
    "make_plan": [
        "nodes = find_nodes(losses). The place in this list is the slot; enumerate counts them.",
        "slots = {node: slot for slot, node in enumerate(nodes)}. The operations are "
        "[node.op for node in nodes].",
        "For one node, the slots of its inputs are tuple(slots[source] for source in node.inputs).",
        "return Plan(slots, [node.op for node in nodes], [tuple(...) for node in nodes])",
    ],
    "forward": [
        "Begin with two empty lists, values and backs. Loop: for node, slot in plan.slots.items():",
        "If plan.ops[slot] is None, the value is feed[node], and there are no pullbacks: None.",
        "Otherwise call the operation: value, back = plan.ops[slot](*[...]) with the values of the "
        "slots in plan.inputs[slot].",
        "Append both to the lists. At the end: return Tape(values, backs)",
    ],
    "seed_rows": [
        "Begin with a list of None, as long as plan.ops: [None] * len(plan.ops)",
        "np.eye(len(losses)) is a table. Its row k is the seed of loss k.",
        "for k, loss in enumerate(losses): seeds[plan.slots[loss]] = ...",
    ],
    "backward": [
        "Begin: g = list(seeds). Loop: for slot in reversed(range(len(plan.ops))):",
        "If g[slot] is None or plan.ops[slot] is None: continue. Nothing is to be done there.",
        "Inner loop: for source, pull in zip(plan.inputs[slot], tape.backs[slot], strict=True):",
        "part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source])). Then add part to "
        "g[source]; if that is None, part takes its place.",
    ],
}


def small_graph(lesson):
    """w is used twice: loss_0 = mean(tanh(w / x)), loss_1 = mean(w)."""
    lesson.Node(name="elsewhere")  # it belongs to no loss: births are not slots
    x, w = lesson.Node(name="x"), lesson.Node(name="w")
    ratio = lesson.Node(ops.divide, (w, x))
    squeezed = lesson.Node(ops.tanh, (ratio,))
    first, second = lesson.Node(ops.mean, (squeezed,)), lesson.Node(ops.mean, (w,))
    return [x, w, ratio, squeezed, first, second]


def small_plan(lesson):
    """The plan of the small graph, written by hand: independent of the other holes."""
    nodes = small_graph(lesson)
    inputs = [(), (), (1, 0), (2,), (3,), (1,)]
    return lesson.Plan({n: i for i, n in enumerate(nodes)}, [n.op for n in nodes], inputs), nodes


X, W = np.array([[1.0, -2.0, 0.5], [0.8, 1.25, -1.0]]), np.array([0.5, 1.0, 1.5])


def small_tape(lesson):
    """A tape of the small plan, written by hand."""
    ratio, back_ratio = ops.divide(W, X)
    squeezed, back_squeezed = ops.tanh(ratio)
    (first, back_first), (second, back_second) = ops.mean(squeezed), ops.mean(W)
    values = [X, W, ratio, squeezed, first, second]
    return lesson.Tape(values, [None, None, back_ratio, back_squeezed, back_first, back_second])


def planned(lesson, losses):
    plan = lesson.make_plan(losses)
    assert hasattr(plan, "slots"), (
        f"make_plan returned something of the type {type(plan).__name__}. Expected: a Plan, made "
        "with Plan(slots, ops, inputs)."
    )
    return plan


def taped(lesson, plan, feed):
    tape = lesson.forward(plan, feed)
    assert hasattr(tape, "backs"), (
        f"forward returned something of the type {type(tape).__name__}. Expected: a Tape, made "
        "with Tape(values, backs)."
    )
    for name in ("values", "backs"):
        kind = type(getattr(tape, name)).__name__
        assert kind == "list", f"The {name} of the tape must be a list, not of the type {kind}."
    return tape


def names(nodes):
    return [node.name for node in nodes]


def check_find_nodes__finds_all(lesson):
    """All nodes that lead to the losses are found, each once."""
    nodes = small_graph(lesson)
    losses = nodes[-2:]
    received = list(lesson.find_nodes(losses))
    assert losses == nodes[-2:], (
        "Your function has changed the list of losses that it was given. Others still need it: "
        "begin with a copy, list(losses)."
    )
    assert sorted(names(received)) == sorted(names(nodes)), (
        f"The graph has the nodes {names(nodes)}; you found {names(received)}. All losses belong "
        "to it, and a node that is used twice must be there once."
    )


def check_find_nodes__only_what_is_needed(lesson):
    """Nodes that no loss needs are left out."""
    nodes = small_graph(lesson)
    received = names(lesson.find_nodes([nodes[-1]]))
    assert sorted(received) == ["mean", "w"], (
        f"The second loss is made from w alone; you found {received}. Start from the losses that "
        "you are given, and follow the inputs."
    )


def check_find_nodes__sorted_by_birth(lesson):
    """The oldest node comes first."""
    nodes = small_graph(lesson)
    for losses in (nodes[-2:], nodes[:-3:-1]):
        received = lesson.find_nodes(losses)
        assert [n.birth for n in received] == sorted(n.birth for n in nodes), (
            f"The order is {names(received)}; expected {names(nodes)}, sorted by node.birth."
        )


def check_find_nodes__deep(lesson):
    """It does not call itself: many operations in a row are no problem."""
    node = lesson.Node(name="start")
    for _ in range(5_000):
        node = lesson.Node(ops.negative, (node,))
    try:
        count = len(lesson.find_nodes([node]))
    except RecursionError:
        raise AssertionError(
            "RecursionError: your function calls itself. Use a list of nodes to look at instead."
        ) from None
    assert count == 5_001, f"You found {count} nodes of 5001."


def table(slots):
    """Such as "0 x, 1 w, 2 divide of w and x": two nodes may have the same name."""
    return ", ".join(
        f"{slot} {' of '.join(filter(None, [node.name, ' and '.join(names(node.inputs))]))}"
        for node, slot in slots.items()
    )


def check_make_plan__slots(lesson):
    """Each node has a slot: its place in the list that find_nodes returns."""
    nodes = small_graph(lesson)
    plan = planned(lesson, nodes[-2:])
    assert isinstance(plan.slots, dict) and all(isinstance(n, lesson.Node) for n in plan.slots), (
        "plan.slots must be a dict in which one looks up a node and finds its slot: {node: slot}."
    )
    expected = {node: slot for slot, node in enumerate(nodes)}
    assert plan.slots == expected, (
        f"plan.slots gives {table(plan.slots)}; expected {table(expected)}."
    )
    assert list(plan.slots.values()) == list(range(6)), (
        "plan.slots must be in the order of the slots: 0, 1, 2, ..."
    )


def check_make_plan__ops(lesson):
    """For each slot there is the operation; None for fed nodes."""
    nodes = small_graph(lesson)
    received, expected = list(planned(lesson, nodes[-2:]).ops), [node.op for node in nodes]
    assert received == expected, f"plan.ops is {received}; expected {expected}."


def check_make_plan__inputs(lesson):
    """For each slot there are the slots of its inputs, as numbers."""
    received = list(planned(lesson, small_graph(lesson)[-2:]).inputs)
    expected = [(), (), (1, 0), (2,), (3,), (1,)]
    sources = [source for each in received for source in each]
    assert not any(isinstance(source, lesson.Node) for source in sources), (
        "plan.inputs holds nodes. Expected are their numbers: slots[source] for each source in "
        "node.inputs."
    )
    ordered = all(isinstance(each, tuple | list) for each in received)
    assert ordered and [tuple(each) for each in received] == expected, (
        f"plan.inputs is {received}; expected {expected}: for each slot a tuple of numbers, in the "
        "order of the inputs."
    )


def check_forward__values(lesson):
    """Every slot has its value."""
    plan, (x, w, *_) = small_plan(lesson)
    received, expected = taped(lesson, plan, {x: X, w: W}).values, small_tape(lesson).values
    assert len(received) == 6, f"There are 6 slots, but {len(received)} values on your tape."
    for slot, (yours, right) in enumerate(zip(received, expected, strict=True)):
        assert np.array_equal(yours, right), (
            f"The value of slot {slot} is {yours}; expected {right}. Does the operation get the "
            f"values of the slots {plan.inputs[slot]}, in this order?"
        )


def check_forward__pullbacks(lesson):
    """Every operation has left its pullbacks; fed nodes have None."""
    plan, (x, w, *_) = small_plan(lesson)
    backs = taped(lesson, plan, {x: X, w: W}).backs
    assert len(backs) == 6, f"There are 6 slots, but {len(backs)} entries in tape.backs."
    assert backs[0] is None and backs[1] is None, (
        f"x and w are fed, so they have no pullbacks. Expected None, received {backs[:2]}."
    )
    for slot, (back, count) in enumerate(zip(backs[2:], [2, 1, 1, 1], strict=True), 2):
        assert isinstance(back, tuple | list) and len(back) == count, (
            f"At slot {slot} your tape has {back!r}. Expected is what the operation returned with "
            f"its value: the tuple of its pullbacks, here {count}."
        )


def check_forward__replay(lesson):
    """The same plan runs again with other numbers, and leaves the first tape alone."""
    plan, (x, w, *_) = small_plan(lesson)
    first = taped(lesson, plan, {x: X, w: W})
    second = taped(lesson, plan, {x: X, w: 2 * W})
    assert second.values[5] == 2 * first.values[5] == 2 * W.mean(), (
        "With w twice as large, the second loss must be twice as large, and the first tape must "
        "keep its own values. Does each call make new lists?"
    )


def check_seed_rows__one_per_loss(lesson):
    """Loss k starts with 1 in row k, and 0 in the other rows."""
    plan, nodes = small_plan(lesson)
    seeds = lesson.seed_rows(plan, nodes[-2:])
    assert len(seeds) == 6, f"The list has {len(seeds)} entries; there are 6 slots."
    for slot, expected in [(4, [1, 0]), (5, [0, 1])]:
        assert np.shape(seeds[slot]) == (2,) and list(seeds[slot]) == expected, (
            f"The seed of the loss at slot {slot} is {seeds[slot]}; expected {expected}."
        )


def check_seed_rows__none_elsewhere(lesson):
    """At all other slots there is nothing yet."""
    plan, nodes = small_plan(lesson)
    seeds = lesson.seed_rows(plan, nodes[-2:])
    assert all(seed is None for seed in seeds[:4]), (
        f"Slots 0 to 3 hold no loss. Expected None there, received {list(seeds[:4])}."
    )


def check_seed_rows__three_losses(lesson):
    """It works for any number of losses, and the order of the losses counts."""
    plan, nodes = small_plan(lesson)
    seeds = lesson.seed_rows(plan, [nodes[5], nodes[4], nodes[3]])
    assert list(seeds[5]) == [1, 0, 0] and list(seeds[4]) == [0, 1, 0], (
        f"For three losses at slots 5, 4 and 3, the seeds at 5 and 4 are {seeds[5]} and "
        f"{seeds[4]}; expected [1, 0, 0] and [0, 1, 0]."
    )


def sweep(lesson, seeds):
    plan, _ = small_plan(lesson)
    return swept(lesson, plan, small_tape(lesson), seeds)


def swept(lesson, plan, tape, seeds):
    try:
        g = lesson.backward(plan, tape, seeds)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise AssertionError(
            "Your sweep writes into an array that is not its own. += does that. Make a new array: "
            "g[source] = g[source] + part"
        ) from error
    assert isinstance(g, list), (
        f"backward must return a list; you returned something of the type {type(g).__name__}."
    )
    assert len(g) == 6, f"There are 6 slots, but {len(g)} entries in your list of gradients."
    return g


def compare(received, expected, text):
    assert received is not None, f"{text}: nothing arrived (None)."
    assert np.shape(received) == np.shape(expected), (
        f"{text}: the shape is {np.shape(received)}; expected {np.shape(expected)}, rows first."
    )
    assert np.allclose(received, expected, rtol=0, atol=1e-12), (
        f"{text}: received {np.round(received, 4).tolist()}, expected "
        f"{np.round(expected, 4).tolist()}."
    )


# What the two losses mean for the ratio w / x, for w, and for x.
AT_RATIO = (1 - np.tanh(W / X) ** 2) / 6
AT_W = np.stack([(AT_RATIO / X).sum(axis=0), np.full(3, 1 / 3)])
AT_X = -AT_RATIO * W / X**2


def check_backward__one_loss_down_a_chain(lesson):
    """The gradient of one loss comes down the chain."""
    g = sweep(lesson, [None, None, None, None, np.array([1.0]), None])
    compare(g[2], AT_RATIO[None], "The gradient of w / x, for the first loss alone")


def check_backward__every_input(lesson):
    """Each input of an operation gets its own gradient."""
    g = sweep(lesson, [None, None, None, None, np.array([1.0]), None])
    compare(g[0], AT_X[None], "The gradient of x, the second input of w / x")


def check_backward__shape_of_the_input(lesson):
    """Where broadcasting made copies, their gradients are added up."""
    g = sweep(lesson, [None, None, None, None, np.array([1.0]), None])
    compare(g[1], AT_W[:1], "The gradient of w, which broadcasting used in both rows of x")


def check_backward__fork(lesson):
    """At a fork, what comes along both ways is added."""
    g = sweep(lesson, [None, None, None, None, np.array([1.0]), np.array([0.5])])
    mixed = AT_W[:1] + 0.5 * AT_W[1:]
    compare(g[1], mixed, "The gradient of w, for the seeds 1 and 0.5 in one row")


def check_backward__rows(lesson):
    """Two losses travel in two rows, and do not mix."""
    g = sweep(lesson, [None, None, None, None, np.array([1.0, 0.0]), np.array([0.0, 1.0])])
    compare(g[1], AT_W, "The gradient of w, a row for each of the two losses")


def check_backward__none_where_nothing_arrives(lesson):
    """Slots without a path from any loss keep None."""
    g = sweep(lesson, [None, None, None, None, None, np.array([1.0])])
    assert all(g[slot] is None for slot in (0, 2, 3, 4)), (
        "Only the second loss was started, and it is made from w alone. The slots 0, 2, 3 and 4 "
        "must stay None: skip a slot whose gradient is None."
    )


def check_backward__twice(lesson):
    """A second sweep gives the same: the seeds, and all arrays that came in, are as before."""
    plan, _ = small_plan(lesson)
    seeds = [None, None, None, None, np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    tape = small_tape(lesson)
    first = [np.array(g) for g in swept(lesson, plan, tape, seeds)]
    assert all(seed is None for seed in seeds[:4]), (
        "Your sweep has changed the list of seeds. Work on a copy: g = list(seeds)"
    )
    second = swept(lesson, plan, tape, seeds)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True)), (
        "The second sweep gives other gradients than the first. Do you write into an array with "
        "+= ? Make a new one: g[source] = g[source] + part"
    )
