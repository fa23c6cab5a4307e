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
    "run_chain": [
        "A layer is called like a function: layer(x).",
        "Write a loop over layers. In each round, x becomes the output of this layer.",
        "for layer in layers: x = layer(x); and after the loop: return x",
    ],
}


def check_dense__product(lesson):
    """each unit adds up its inputs, each times its weight"""
    x, kernel = tg.Tensor([[1.0, 2.0]]), tg.Tensor([[1.0, 10.0], [100.0, 1000.0]])
    y = lesson.dense(x, kernel, tg.Tensor([0.0, 0.0]))
    assert y is not None, "dense returned None: is there a return?"
    found = np.asarray(getattr(y, "value", y)).tolist()
    assert found == [[201.0, 2010.0]], (
        f"x = [[1, 2]], kernel = [[1, 10], [100, 1000]] and a bias of 0 gave {found}, expected "
        f"[[201, 2010]]: 1 * 1 + 2 * 100 for the first unit. Look at the sign between x and kernel"
    )


def check_dense__bias(lesson):
    """the bias is added"""
    x, kernel = tg.Tensor([[1.0, 2.0]]), tg.Tensor([[0.0, 0.0], [0.0, 0.0]])
    y = lesson.dense(x, kernel, tg.Tensor([3.0, -4.0]))
    found = np.asarray(getattr(y, "value", y)).tolist()
    assert found == [[3.0, -4.0]], (
        f"with a kernel of zeros and the bias [3, -4] the answer must be [[3, -4]], not {found}"
    )


def check_dense__rows(lesson):
    """many cars at once give one row each"""
    y = lesson.dense(tg.Tensor(np.ones((5, 3))), tg.Tensor(np.ones((3, 2))), tg.Tensor([1.0, 1.0]))
    shape = getattr(y, "shape", None)
    assert shape == (5, 2), f"5 cars, 3 inputs and 2 units gave shape {shape}, expected (5, 2)"
    found = np.asarray(getattr(y, "value", y))
    assert (found == 4).all(), f"all ones give 3 * 1 + 1 = 4 everywhere, not {found.tolist()}"


def check_dense__gradient(lesson):
    """gradients find their way back to kernel and bias"""
    kernel, bias = tg.Tensor([[1.0], [2.0]]), tg.Tensor([0.5])
    y = lesson.dense(tg.Tensor([[3.0, 4.0], [5.0, 6.0]]), kernel, bias)
    assert isinstance(y, tg.Tensor), (
        f"dense must return a tensor, so that gradients can pass; it returned {type(y).__name__}. "
        f"Do not call .value or .numpy() inside"
    )
    found = tg.gradients(y.sum(), [kernel, bias])
    assert all(g is not None for g in found), "kernel or bias takes no part in the result"
    (g_kernel, g_bias) = (g.tolist() for g in found)
    assert g_kernel == [[8.0], [10.0]], f"gradient of the kernel: {g_kernel}, not [[8], [10]]"
    assert g_bias == [2.0], f"gradient of the bias: {g_bias}, expected [2]: two rows use it"


def check_step__direction(lesson):
    """a weight goes against its gradient"""
    w = tg.Parameter(np.array([1.0]), "w")
    lesson.step([w], [np.array([4.0])], 0.25)
    assert w.value[0] != 1, "the weight did not move: give it its new value with w.assign(...)"
    assert w.value[0] != 2, "the weight went along its gradient; it must go the other way: minus"
    assert w.value[0] == 0, f"1 - 0.25 * 4 is 0, the weight became {w.value[0]}"


def check_step__all(lesson):
    """every weight moves, each by its own gradient"""
    weights = [tg.Parameter(np.zeros(2), "a"), tg.Parameter(np.zeros((2, 1)), "b")]
    lesson.step(weights, [np.array([1.0, 2.0]), np.array([[3.0], [4.0]])], 1.0)
    a, b = (w.value.tolist() for w in weights)
    assert a == [-1.0, -2.0], f"the first weight became {a}, expected [-1, -2]"
    assert b == [[-3.0], [-4.0]], f"the second weight became {b}, expected [[-3], [-4]]"


def check_step__twice(lesson):
    """two steps go twice as far"""
    w = tg.Parameter(np.array([0.0]), "w")
    for _ in range(2):
        lesson.step([w], [np.array([1.0])], 0.5)
    assert w.value[0] == -1, f"two steps of 0.5 from 0 lead to -1, not {w.value[0]}"


def check_run_chain__order(lesson):
    """the layers are applied from first to last"""
    found = lesson.run_chain([lambda x: x + 1, lambda x: x * 10], 2)
    assert found is not None, "run_chain returned None: is there a return behind the loop?"
    assert found != 21, "the layers were applied from last to first"
    assert found != 3, "only the first layer was applied: is return inside the loop?"
    assert found != 20, "the second layer received x itself, not the output of the first layer"
    assert found == 30, f"(2 + 1) * 10 is 30, not {found}"


def check_run_chain__lengths(lesson):
    """a chain may have any length, also 0"""
    found = lesson.run_chain([], 7)
    assert found == 7, f"without any layer x comes out as it went in, 7; got {found}"
    found = lesson.run_chain([lambda x: x * 2] * 5, 1)
    assert found == 32, f"doubled five times, 1 becomes 32, not {found}"


def check_run_chain__layers(lesson):
    """real layers fit, too"""
    layers = [tg.layers.Dense(4, kernel_initializer="ones"), tg.layers.Dense(2)]
    y = lesson.run_chain(layers, tg.Tensor(np.ones((3, 5))))
    shape = getattr(y, "shape", None)
    assert shape == (3, 2), f"widths 5, 4 and 2 give shape (3, 2), not {shape}"
    assert layers[1].kernel.shape == (4, 2), "the second layer must see the output of the first"
