"""Answers to lesson 2."""

import numpy as np

from tinygrad_mo import ops


def loss_and_gradient(w, x, target):
    a, (pull_w, _) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, _) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    # Each pullback gets what the one before it returned; the first one gets 1.
    g_e = pull_e(1.0)
    g_y = pull_y(g_e)
    g_a = pull_a(g_y)
    return loss, pull_w(g_a)


def my_prediction():
    # A central difference needs two runs for each weight.
    return {"runs": 200, "sweeps": 1}


def chain_and_gradients(weights, x):
    layers = []
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x, pull_a))
    g, gradients = 1.0, []
    for pull_w, pull_x, pull_a in reversed(layers):
        g_a = pull_a(g)
        gradients.append(pull_w(g_a))
        g = pull_x(g_a)  # x is the value of the layer before: the sweep goes on there
    return x, gradients[::-1]  # found last weight first


HINTS = {
    "loss_and_gradient": [
        "The four forward lines are in the first code cell of this lesson.",
        "Then: g_e = pull_e(1.0), g_y = pull_y(g_e), and so on. What comes out goes in again.",
        "The last lines: g_a = pull_a(g_y), and return loss, pull_w(g_a).",
    ],
    "my_prediction": [
        "One central difference computes the chain twice, for one weight.",
        'A guess is enough: return {"runs": 5, "sweeps": 5}, with numbers of your own.',
    ],
    "chain_and_gradients": [
        "Forward: a loop over the weights. Append the three pullbacks of each layer to a list.",
        "Backward: a loop over reversed(list). g starts as 1.0. Per layer: first pull_a, then "
        "pull_w, which gives a gradient to keep, and pull_x.",
        "What pull_x returns is the g of the layer before. The gradients are found last weight "
        "first, so turn the list around: gradients[::-1].",
        "for pull_w, pull_x, pull_a in reversed(layers): g_a = pull_a(g); "
        "gradients.append(pull_w(g_a)); g = ...",
    ],
}


def numeric(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


class Noting:
    """The operations, noting in which order their pullbacks are called."""

    def __init__(self):
        self.names, self.called = [], []

    def __getattr__(self, name):
        op = getattr(ops, name)

        def run(*inputs, **attributes):
            made = op(*inputs, **attributes)
            if not isinstance(made, tuple):
                return made
            self.names.append(name)
            return made[0], tuple(self.noted(pull, len(self.names) - 1) for pull in made[1])

        return run

    def noted(self, pull, number):
        def note_and_pull(g):
            self.called.append(number)
            return pull(g)

        return note_and_pull

    def check(self):
        shown = ", ".join(self.names[number] for number in self.called)
        assert self.called, (
            "No pullback of an operation of `ops` was called. A formula may be right; but here you "
            "shall pull the gradient back, with what the operations have returned."
        )
        assert self.called == sorted(self.called, reverse=True), (
            f"The operations ran in the order {', '.join(self.names)}; you called the pullbacks of "
            f"{shown}. The last operation comes first. With single numbers a wrong order can give "
            "the right gradient; with matrices it would not."
        )


def check_loss_and_gradient__returns_two(lesson):
    """Two numbers come back."""
    result = lesson.loss_and_gradient(0.25, 2.0, 0.8)
    assert isinstance(result, tuple) and len(result) == 2, (
        f"loss_and_gradient returned {result!r}; expected two numbers: return loss, g_w"
    )
    assert not any(hasattr(number, "step") for number in result), (
        "A tensor came back. Call the operations on plain numbers here, and the pullbacks by hand."
    )


def check_loss_and_gradient__loss(lesson):
    """The loss is the square of tanh(w * x) - target."""
    loss = lesson.loss_and_gradient(0.0, 2.0, 3.0)[0]
    assert abs(loss - 9.0) < 1e-9, (
        f"For w = 0, x = 2, target = 3 the loss is {loss}; expected 9: tanh(0) is 0, the error is "
        "-3, and its square is 9."
    )


def check_loss_and_gradient__gradient(lesson):
    """The gradient of w is the slope that differences measure."""
    for w, x, target in [(0.25, 2.0, 0.8), (-1.0, 0.5, 0.2), (0.3, -2.0, 0.0)]:
        received = lesson.loss_and_gradient(w, x, target)[1]
        expected = numeric(lambda w, x=x, t=target: lesson.loss_and_gradient(w, x, t)[0], w)
        assert abs(received + expected) > 1e-7 or abs(expected) < 1e-7, (
            f"For w = {w}, x = {x}, target = {target} your gradient is {received:.6f}; measured: "
            f"{expected:.6f}. Only the sign is wrong: e is y - target, and its first pullback is "
            "that of y."
        )
        assert abs(received - expected) < 1e-7, (
            f"For w = {w}, x = {x}, target = {target} your gradient is {received:.6f}; measured: "
            f"{expected:.6f}. Does the sweep start with pull_e(1.0)? Is every pullback called "
            "once, the last one first, and does each get what the one before it returned?"
        )


def check_loss_and_gradient__order(lesson):
    """The pullbacks are called in the right order: that of the last operation first."""
    noting = lesson.loss_and_gradient.__globals__["ops"] = Noting()
    lesson.loss_and_gradient(0.25, 2.0, 0.8)
    noting.check()


def check_my_prediction__a_dict(lesson):
    """Your guess is a dict with two entries."""
    received = lesson.my_prediction()
    assert isinstance(received, dict) and set(received) == {"runs", "sweeps"}, (
        f'You returned {received!r}; expected {{"runs": ..., "sweeps": ...}}.'
    )


def check_my_prediction__whole_numbers(lesson):
    """Your guess is made of whole numbers, right or wrong."""
    received = lesson.my_prediction()
    assert isinstance(received, dict), f"You returned {received!r}; expected a dict."
    for key, number in received.items():
        whole = isinstance(number, int) and not isinstance(number, bool) and number >= 0
        assert whole, f"For {key!r} you say {number!r}; expected a whole number, such as 7."


def returned_two(result):
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"chain_and_gradients returned {result!r}; expected two things: return value, gradients"
    )
    assert np.ndim(result[1]) == 1, (
        f"The second thing that came back is {result[1]!r}; expected a list of the gradients."
    )
    return result


def check_chain_and_gradients__weights_stay(lesson):
    """The list of weights that came in is as before."""
    weights = [0.5, 2.0]
    lesson.chain_and_gradients(weights, 1.0)
    assert weights == [0.5, 2.0], f"The weights were [0.5, 2.0] and are {weights} now."


def check_chain_and_gradients__value(lesson):
    """The value goes through all layers."""
    received, _ = returned_two(lesson.chain_and_gradients([0.5, 2.0], 1.0))
    expected = float(ops.tanh(2.0 * ops.tanh(0.5)[0])[0])
    assert abs(received - expected) < 1e-9, (
        f"For the weights 0.5 and 2.0 and x = 1.0 the value is {received}; expected {expected:.6f}."
        " In each layer, the value of the layer before takes the place of x."
    )


def check_chain_and_gradients__one_per_weight(lesson):
    """There is one gradient for each weight."""
    for count in (1, 3):
        _, gradients = returned_two(lesson.chain_and_gradients([0.5] * count, 1.0))
        assert len(gradients) == count, (
            f"For {count} weight(s) you returned {len(gradients)} gradient(s)."
        )


def check_chain_and_gradients__one_layer(lesson):
    """With one layer the gradient is right."""
    received = lesson.chain_and_gradients([0.5], 2.0)[1][0]
    expected = numeric(lambda w: float(ops.tanh(w * 2.0)[0]), 0.5)
    assert abs(received - expected) < 1e-7, (
        f"For the only weight 0.5 and x = 2.0 your gradient is {received:.6f}; measured: "
        f"{expected:.6f}. In a layer, pull_a comes before pull_w."
    )


def check_chain_and_gradients__several_layers(lesson):
    """With several layers all gradients are right, first weight first."""
    weights, x = [0.5, 2.0, 1.5], 1.0

    def value(n, w):
        return lesson.chain_and_gradients([*weights[:n], w, *weights[n + 1 :]], x)[0]

    received = [f"{g:.6f}" for g in lesson.chain_and_gradients(weights, x)[1]]
    expected = [f"{numeric(lambda w, n=n: value(n, w), weights[n]):.6f}" for n in range(3)]
    assert received != expected[::-1], (
        f"Your gradients are right, but in the wrong order: {', '.join(received)}. The gradient of "
        "the first weight comes first."
    )
    assert received == expected, (
        f"Your gradients are {', '.join(received)}; measured: {', '.join(expected)}. The last one "
        "is found first. What pull_x returns must become the g of the layer before."
    )


def check_chain_and_gradients__order(lesson):
    """The pullbacks are called in the right order: that of the last operation first."""
    noting = lesson.chain_and_gradients.__globals__["ops"] = Noting()
    lesson.chain_and_gradients([0.5, 2.0, 1.5], 1.0)
    noting.check()
