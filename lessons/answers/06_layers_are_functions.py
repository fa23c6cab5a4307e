"""Solutions, hints and checks of lesson 6."""

import numpy as np

import tinygrad_mo as tg


def dense(x, kernel, bias):
    # One product for all rows; broadcasting adds the bias to each of them.
    return x @ kernel + bias


def step(weights, gradients, rate):
    # Minus: the gradient points to where the loss grows.
    for w, g in zip(weights, gradients, strict=True):
        w.assign(w.value - rate * g)


def train(answer, weights, x, true, rate, steps):
    losses = []
    for _ in range(steps):
        error = answer(x) - true
        loss = (error * error).mean()
        losses.append(float(loss))
        step(weights, tg.gradients(loss, weights), rate)
    return losses


def my_prediction():
    # Some direction is so steep that the step lands on the other side of the valley, higher up.
    return "falls, then grows"


def run_chain(layers, x):
    # The name x always holds the newest value.
    for layer in layers:
        x = layer(x)
    return x


HINTS = {
    "dense": [
        "Two operations are enough: a matrix product, and an addition.",
        "x has shape (cars, inputs) and kernel (inputs, units): x @ kernel is (cars, units).",
        "return x @ kernel + bias",
    ],
    "step": [
        "Go through weights and gradients side by side, with zip.",
        "The new value is the old one minus rate times gradient. Hand it to assign.",
        "for w, g in zip(weights, gradients): w.assign(w.value - rate * g)",
    ],
    "train": [
        "A loop over range(steps). In it: error = answer(x) - true, and the loss is the mean of "
        "its squares: (error * error).mean()",
        "Keep float(loss) in a list before you change any weight.",
        "tg.gradients(loss, weights) are the gradients; step(weights, gradients, rate) uses them.",
        "At the end, behind the loop: return losses",
    ],
    "my_prediction": [
        "Think of a valley, and of a step that is too long for it.",
        'A guess is enough: one of the three texts, with quotes, such as "grows at once".',
    ],
    "run_chain": [
        "A layer is called like a function: layer(x).",
        "Write a loop over layers. In each round, x becomes the output of this layer.",
        "for layer in layers: x = layer(x); and after the loop: return x",
    ],
}


def check_dense__product(lesson):
    """Each unit adds up its inputs, each times its weight."""
    x, kernel = tg.Tensor([[1.0, 2.0]]), tg.Tensor([[1.0, 10.0], [100.0, 1000.0]])
    y = lesson.dense(x, kernel, tg.Tensor([0.0, 0.0]))
    assert y is not None, "dense returned None: is there a return?"
    found = np.asarray(getattr(y, "value", y)).tolist()
    assert found == [[201.0, 2010.0]], (
        f"x = [[1, 2]], kernel = [[1, 10], [100, 1000]] and a bias of 0 gave {found}, expected "
        f"[[201, 2010]]: 1 * 1 + 2 * 100 for the first unit. Look at the sign between x and kernel."
    )


def check_dense__bias(lesson):
    """The bias is added."""
    x, kernel = tg.Tensor([[1.0, 2.0]]), tg.Tensor([[0.0, 0.0], [0.0, 0.0]])
    y = lesson.dense(x, kernel, tg.Tensor([3.0, -4.0]))
    found = np.asarray(getattr(y, "value", y)).tolist()
    assert found == [[3.0, -4.0]], (
        f"With a kernel of zeros and the bias [3, -4] the answer must be [[3, -4]], not {found}."
    )


def check_dense__rows(lesson):
    """Many cars at once give one row each."""
    y = lesson.dense(tg.Tensor(np.ones((5, 3))), tg.Tensor(np.ones((3, 2))), tg.Tensor([1.0, 1.0]))
    shape = getattr(y, "shape", None)
    assert shape == (5, 2), f"5 cars, 3 inputs and 2 units gave shape {shape}, expected (5, 2)."
    found = np.asarray(getattr(y, "value", y))
    assert (found == 4).all(), f"All ones give 3 * 1 + 1 = 4 everywhere, not {found.tolist()}."


def check_dense__gradient(lesson):
    """Gradients find their way back to kernel and bias."""
    kernel, bias = tg.Tensor([[1.0], [2.0]]), tg.Tensor([0.5])
    y = lesson.dense(tg.Tensor([[3.0, 4.0], [5.0, 6.0]]), kernel, bias)
    assert isinstance(y, tg.Tensor), (
        f"dense must return a tensor, so that gradients can pass; it returned {type(y).__name__}. "
        f"Do not call .value or .numpy() inside."
    )
    found = tg.gradients(y.sum(), [kernel, bias])
    assert all(g is not None for g in found), (
        "No path leads from the result to kernel or bias: a tensor that is made of an array has "
        "forgotten where it came from."
    )
    (g_kernel, g_bias) = (g.tolist() for g in found)
    assert g_kernel == [[8.0], [10.0]], f"Gradient of the kernel: {g_kernel}, not [[8], [10]]."
    assert g_bias == [2.0], f"Gradient of the bias: {g_bias}, expected [2]: two rows use it."


def check_dense__any_bias(lesson):
    """A bias of several units goes to each row."""
    x, kernel = tg.Tensor([[1.0], [2.0], [3.0]]), tg.Tensor([[1.0, -1.0, 0.0]])
    y = lesson.dense(x, kernel, tg.Tensor([10.0, 20.0, 5.0]))
    found = np.asarray(getattr(y, "value", y)).tolist()
    expected = [[11.0, 19.0, 5.0], [12.0, 18.0, 5.0], [13.0, 17.0, 5.0]]
    assert found == expected, (
        f"x = [[1], [2], [3]], kernel = [[1, -1, 0]], bias = [10, 20, 5] gave {found}, expected "
        f"{expected}."
    )


def check_step__direction(lesson):
    """A weight goes against its gradient."""
    w = tg.Parameter(np.array([1.0]), "w")
    lesson.step([w], [np.array([4.0])], 0.25)
    assert w.value[0] != 1, "The weight did not move: give it its new value with w.assign(...)."
    assert w.value[0] != 2, "The weight went along its gradient; it must go the other way: minus."
    assert w.value[0] == 0, f"1 - 0.25 * 4 is 0, the weight became {w.value[0]}."


def check_step__all(lesson):
    """Every weight moves, each by its own gradient."""
    weights = [tg.Parameter(np.zeros(2), "a"), tg.Parameter(np.zeros((2, 1)), "b")]
    lesson.step(weights, [np.array([1.0, 2.0]), np.array([[3.0], [4.0]])], 1.0)
    a, b = (w.value.tolist() for w in weights)
    assert a == [-1.0, -2.0], f"The first weight became {a}, expected [-1, -2]."
    assert b == [[-3.0], [-4.0]], f"The second weight became {b}, expected [[-3], [-4]]."


def check_step__twice(lesson):
    """Two steps go twice as far."""
    w = tg.Parameter(np.array([0.0]), "w")
    for _ in range(2):
        lesson.step([w], [np.array([1.0])], 0.5)
    assert w.value[0] == -1, f"Two steps of 0.5 from 0 lead to -1, not {w.value[0]}."


def small_training(lesson, rate, steps):
    """The answer is w * x for x = 1 and 2, the truth is 0: the loss is 2.5 * w * w."""
    w = tg.Parameter(np.array([[2.0]]), "w")
    x, true = tg.Tensor([[1.0], [2.0]]), tg.Tensor([[0.0], [0.0]])
    losses = lesson.train(lambda x: x @ w, [w], x, true, rate, steps)
    assert losses is not None, "train returned None: is there a return behind the loop?"
    assert isinstance(losses, list | tuple | np.ndarray), (
        f"Return a list of losses, not {losses!r}."
    )
    return list(losses), float(w.value[0, 0])


def check_train__losses(lesson):
    """The loss before each step is kept, as a plain number."""
    losses, _ = small_training(lesson, 0.1, 2)
    assert len(losses) == 2, f"Two steps leave two losses, you returned {len(losses)}."
    assert not any(isinstance(loss, tg.Tensor) for loss in losses), (
        "Keep plain numbers, float(loss): a tensor remembers the whole graph that made it."
    )
    assert not np.allclose(losses, [2.5, 0.625]), (
        "These are the losses AFTER each step; keep each loss before its step."
    )
    assert np.allclose(losses, [10.0, 2.5]), (
        f"The errors are 2 and 4, so the first loss is (4 + 16) / 2 = 10; after a step of 0.1 * 10 "
        f"w is 1 and the loss 2.5. Your losses are {losses}."
    )


def check_train__weights(lesson):
    """Every step changes the weight against its gradient."""
    for rate, steps, right in ((0.1, 1, 1.0), (0.1, 2, 0.5), (0.05, 1, 1.5)):
        _, w = small_training(lesson, rate, steps)
        assert np.isclose(w, right), (
            f"w = 2, its gradient is 5 * w: after {steps} step(s) with the rate {rate} w must be "
            f"{right}, yours is {w}."
        )


def check_train__no_steps(lesson):
    """Without steps there are no losses, and nothing changes."""
    losses, w = small_training(lesson, 0.1, 0)
    assert losses == [] and w == 2, f"0 steps gave the losses {losses}, and w became {w}."


def check_train__several_weights(lesson):
    """All weights of a layer are trained, and the truth counts."""
    kernel, bias = tg.Parameter(np.zeros((1, 1)), "kernel"), tg.Parameter(np.zeros(1), "bias")
    x, true = tg.Tensor([[-1.0], [1.0]]), tg.Tensor([[1.0], [5.0]])  # 3 + 2 * x
    lesson.train(lambda x: x @ kernel + bias, [kernel, bias], x, true, 0.25, 40)
    found = float(kernel.value[0, 0]), float(bias.value[0])
    assert np.allclose(found, (2, 3)), (
        f"For the truth 3 + 2 * x, forty steps lead to kernel 2 and bias 3; yours are {found}."
    )


def check_my_prediction__a_text(lesson):
    """Your prediction is a text."""
    found = lesson.my_prediction()
    assert isinstance(found, str), (
        f'Return a text, with quotes, such as "grows at once"; not {found!r}.'
    )


def check_my_prediction__one_of_three(lesson):
    """Your prediction is one of the three, right or wrong."""
    found, known = lesson.my_prediction(), ("falls faster", "falls, then grows", "grows at once")
    assert found in known, f"Return one of {known}, not {found!r}."


def check_run_chain__order(lesson):
    """The layers are applied from first to last."""
    found = lesson.run_chain([lambda x: x + 1, lambda x: x * 10], 2)
    assert found is not None, "run_chain returned None: is there a return behind the loop?"
    assert found != 21, "The layers were applied from last to first."
    assert found != 3, "Only the first layer was applied: is return inside the loop?"
    assert found != 20, "The second layer received x itself, not the output of the first layer."
    assert found == 30, f"(2 + 1) * 10 is 30, not {found}."


def check_run_chain__lengths(lesson):
    """A chain may have any length, also 0."""
    found = lesson.run_chain([], 7)
    assert found == 7, f"Without any layer x comes out as it went in, 7; got {found}."
    found = lesson.run_chain([lambda x: x * 2] * 5, 1)
    assert found == 32, f"Doubled five times, 1 becomes 32, not {found}."


def check_run_chain__layers(lesson):
    """Real layers fit, too."""
    layers = [tg.layers.Dense(4, kernel_initializer="ones"), tg.layers.Dense(2)]
    y = lesson.run_chain(layers, tg.Tensor(np.ones((3, 5))))
    shape = getattr(y, "shape", None)
    assert shape == (3, 2), f"Widths 5, 4 and 2 give shape (3, 2), not {shape}."
    assert layers[1].kernel.shape == (4, 2), "The second layer must see the output of the first."
