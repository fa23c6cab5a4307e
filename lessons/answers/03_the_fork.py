"""Answers to lesson 3."""

import math

import numpy as np

from tinygrad_mo import ops


def my_prediction():
    # A small change of a changes the loss along both ways.
    return "sum"


def gradient_at_fork(a):
    s, (pull_square,) = ops.square(a)
    t, (pull_tanh,) = ops.tanh(a)
    _, (pull_s, pull_t) = ops.add(s, t)
    # Both changes arrive at the loss, so both gradients count.
    return pull_square(pull_s(1.0)) + pull_tanh(pull_t(1.0))


def number_of_calls(levels):
    # 1 + 2 + 4 + ... + 2**levels
    return 2 ** (levels + 1) - 1


def topological_order(last):
    order, seen = [], set()

    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for source in node.inputs:
            visit(source)
        order.append(node)  # all its inputs are in the list by now

    visit(last)
    return order


HINTS = {
    "my_prediction": [
        "If a grows a little, both s and t change. What does the loss see of it?",
        'A guess is enough: return one of the four words, with quotes, such as "mean".',
    ],
    "gradient_at_fork": [
        "If a grows, the change runs along both ways to the loss. What does the loss see?",
        "The loss sees both changes, one added to the other.",
        "The last line: return pull_square(pull_s(1.0)) + ...",
    ],
    "number_of_calls": [
        "Count from the end of the ladder: 1, 2, 4, 8 ... The answer is the sum.",
        "1 + 2 + 4 + 8 is 15, one less than 16. And 16 is 2**4, for 3 levels.",
        "return 2 ** (...) - 1",
    ],
    "topological_order": [
        "Make an empty list `order`, an empty set `seen`, and a function visit(node) inside.",
        "visit does nothing if the node is in `seen`. Otherwise it adds the node to `seen`.",
        "Then it visits all node.inputs, and only after that it appends the node to `order`.",
        "At the end: visit(last), and return order.",
    ],
}


def check_my_prediction__is_a_word(lesson):
    """Your guess is one word."""
    received = lesson.my_prediction()
    assert isinstance(received, str), (
        f'You returned {received!r}. Return a word, with quotes, such as "mean".'
    )


def check_my_prediction__is_one_of_four(lesson):
    """Your guess is one of the four that were asked for, right or wrong."""
    received = lesson.my_prediction()
    assert received in ("larger", "mean", "sum", "product"), (
        f'You returned {received!r}. Choose one of "larger", "mean", "sum" and "product".'
    )


def one_number(received):
    """What a gradient of one number must be: a number, or an array without axes."""
    assert received is not None, "You returned None. Is a `return` missing?"
    assert np.shape(received) == () and not callable(received), (
        f"You returned {received!r}. The gradient of a is one number: make one of the two."
    )
    return float(received)


def check_gradient_at_fork__both_ways_count(lesson):
    """Both ways count: the answer is not that of one way alone."""
    received = one_number(lesson.gradient_at_fork(1.0))
    assert abs(received - 2.0) > 1e-6, (
        f"You returned {received}: that is the upper way alone. The way through tanh counts, too."
    )
    assert abs(received - (1 - math.tanh(1.0) ** 2)) > 1e-6, (
        f"You returned {received}: that is the lower way alone. The way through square counts, too."
    )


def check_gradient_at_fork__gradients_add(lesson):
    """At a fork the two gradients are added."""
    for a in (1.0, -0.5, 0.0):
        received = one_number(lesson.gradient_at_fork(a))
        expected = 2 * a + 1 - math.tanh(a) ** 2
        assert abs(received - expected) < 1e-6, (
            f"For a = {a} you returned {received:.6f}. One way says {2 * a:.6f}, the other one "
            f"{1 - math.tanh(a) ** 2:.6f}; measured: {expected:.6f}. How does one get the last "
            "number from the other two?"
        )


def check_number_of_calls__three_levels(lesson):
    """For three levels it is the number that was counted."""
    received = lesson.number_of_calls(3)
    assert received is not None, "You returned None. Is a `return` missing?"
    assert received == 15, f"For 3 levels you say {received}; the cell above counted 15."


def check_number_of_calls__doubles(lesson):
    """Each further level doubles the paths."""
    for levels, expected in [(1, 3), (2, 7), (4, 31), (10, 2047)]:
        received = lesson.number_of_calls(levels)
        assert received == expected, (
            f"For {levels} level(s) you say {received}; counted: {expected}. Each level is visited "
            "twice as often as the one after it: 1 + 2 + 4 + ..."
        )


def shortcut(lesson):
    """Nodes where u is used by v, and beside v."""
    a = lesson.Node("a", 1.0)
    u = lesson.Node("u", 1.0, (a, a))
    v = lesson.Node("v", 1.0, (u,))
    return lesson.Node("loss", 1.0, (u, v)), lesson.Node("loss", 1.0, (v, u))


def names(order):
    assert order is not None, "You returned None; expected a list of nodes. Is a `return` missing?"
    assert isinstance(order, list | tuple), f"You returned {order!r}; expected a list of nodes."
    assert all(hasattr(node, "inputs") for node in order), (
        f"In your list are {order!r}; expected the nodes themselves."
    )
    return [node.name for node in order]


def check_topological_order__a_chain(lesson):
    """In a chain, the first node comes first and the last one last."""
    a = lesson.Node("a", 1.0)
    b = lesson.Node("b", 1.0, (a,))
    received = names(lesson.topological_order(lesson.Node("c", 1.0, (b,))))
    assert received == ["a", "b", "c"], (
        f"For a -> b -> c your order is {received}; expected ['a', 'b', 'c']. A node is appended "
        "AFTER its inputs were visited."
    )


def check_topological_order__every_node_once(lesson):
    """Every node is in the list exactly once."""
    for loss in shortcut(lesson):
        received = names(lesson.topological_order(loss))
        assert sorted(received) == ["a", "loss", "u", "v"], (
            f"The graph has the nodes a, u, v and loss; your list is {received}. Each must be "
            "there once: do nothing for a node that was seen before."
        )


def check_topological_order__inputs_come_first(lesson):
    """Each node comes after all its inputs, also where there is a shortcut."""
    for loss in shortcut(lesson):
        order = lesson.topological_order(loss)
        shown = names(order)
        for node in order:
            for source in node.inputs:
                assert order.index(source) < order.index(node), (
                    f"Your order is {shown}. There, {source.name} does not come before "
                    f"{node.name}, although {node.name} is made from it."
                )


def check_topological_order__many_forks(lesson):
    """A ladder of 60 levels takes no time."""
    calls = []

    class Counting(lesson.Node):
        def __getattribute__(self, name):
            if name == "inputs":
                calls.append(1)
                assert len(calls) < 10_000, (
                    "On a ladder of 60 levels your function looks at inputs more than 10,000 "
                    "times. Go to the inputs of a node only when you see it for the first time."
                )
            return super().__getattribute__(name)

    node = Counting("a", 1.0)
    for _ in range(60):
        node = Counting("n", 1.0, (node, node))
    found = len(names(lesson.topological_order(node)))
    assert found == 61, f"The ladder has 61 nodes; your list has {found}."


def check_topological_order__a_second_call(lesson):
    """A second call starts from nothing: it knows no node of the first."""
    for loss in shortcut(lesson):
        first, second = (names(lesson.topological_order(loss)) for _ in range(2))
        assert first == second, (
            f"The first call gave {first}, the second one {second}. Make the list and the set "
            "inside the function, new in each call."
        )
