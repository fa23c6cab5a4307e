"""Solutions, hints and checks of lesson 15."""

import numpy as np

import tinygrad_mo as tg


def one_step(x, h, c, kernel, recurrent_kernel, bias):
    z = x @ kernel + h @ recurrent_kernel + bias
    units = h.shape[-1]
    i = tg.ops.sigmoid(z[:, :units])
    f = tg.ops.sigmoid(z[:, units : 2 * units])
    j = tg.ops.tanh(z[:, 2 * units : 3 * units])  # content may be negative: tanh
    o = tg.ops.sigmoid(z[:, 3 * units :])
    c = f * c + i * j
    return o * tg.ops.tanh(c), c  # h shows the NEW memory


def back_through_step(g_h, g_c, i, f, j, o, c):
    shown = np.tanh(f * c + i * j)
    # a fork: the next step's memory, and this step's own h
    at_c_new = g_c + g_h * o * (1 - shown**2)
    return at_c_new * j, at_c_new * c, at_c_new * i, g_h * shown, at_c_new * f


def kept_by_memory(forget_bias, steps):
    # the same factor in every step
    return (1 / (1 + np.exp(-forget_bias))) ** steps


HINTS = {
    "one_step": [
        "First compute z as in the text. Then cut its columns into four equal parts: each part "
        "has as many columns as h, which is h.shape[-1].",
        "i = tg.ops.sigmoid(z[:, :units]) is the first gate; f comes from z[:, units : 2 * units]. "
        "j is the third part and gets a tanh, o is the last one.",
        "Then c = f * c + i * j, h = o * tg.ops.tanh(c) with the new c, and return h, c.",
    ],
    "back_through_step": [
        "First c_new = f * c + i * j. h_new = o * tanh(c_new), so o gets g_h * tanh(c_new).",
        "At c_new arrives g_c, and through h_new g_h * o * (1 - tanh(c_new) ** 2). Add the two.",
        "c_new = f * c + i * j is two products: f gets (what arrived at c_new) * c, c gets it * f, "
        "i gets it * j, and j gets it * i.",
        "Return them in the order i, f, j, o, c.",
    ],
    "kept_by_memory": [
        "One step keeps sigmoid(forget_bias). Two steps keep sigmoid * sigmoid.",
        "`steps` equal factors are a power: factor ** steps.",
        "return (1 / (1 + np.exp(-forget_bias))) ** steps",
    ],
}


def run_one_step(lesson, seed=0, **changes):
    """What the student's step makes of random arrays, and what the fused operation makes."""
    random = np.random.default_rng(seed)
    shapes = {"x": (2, 5), "h": (2, 3), "c": (2, 3)}
    shapes |= {"kernel": (5, 12), "recurrent_kernel": (3, 12), "bias": (12,)}
    arrays = {name: random.uniform(-1, 1, shape) for name, shape in shapes.items()} | changes
    x, h, c, kernel, recurrent_kernel, bias = map(tg.Tensor, arrays.values())
    try:
        received = lesson.one_step(x, h, c, kernel, recurrent_kernel, bias)
    except ValueError as error:
        raise AssertionError(
            f"with h of 3 columns and z of 12 it breaks ({error}): each part of z has as many "
            f"columns as h, and this width is h.shape[-1], not 24"
        ) from error
    assert isinstance(received, tuple | list) and len(received) == 2, (
        f"one_step must return two tensors, h and c, but it returned {received!r}."
    )
    text = x.reshape(2, 1, 5)
    _, h, c = tg.ops.lstm(text, kernel, recurrent_kernel, bias, h, c, None)
    return received, (h, c)


def check_one_step__shapes(lesson):
    """h and c keep their shapes."""
    received, expected = run_one_step(lesson)
    for name, mine, right in zip("hc", received, expected, strict=True):
        assert mine.shape == right.shape, (
            f"The new {name} has the shape {mine.shape}, expected was {right.shape}: does each of "
            f"the four parts of z have as many columns as h?"
        )


def check_one_step__memory(lesson):
    """With the input gate closed and the forget gate open the memory stays as it is."""
    bias = np.repeat([-30.0, 30.0, 0.0, 0.0], 3)
    nothing = {"kernel": np.zeros((5, 12)), "recurrent_kernel": np.zeros((3, 12)), "bias": bias}
    before = np.array([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])
    (_, c), _ = run_one_step(lesson, c=before, **nothing)
    assert np.allclose(c.value, before, atol=1e-4), (
        f"The memory was {before.tolist()} and must stay, but it became {c.value.tolist()}: the "
        f"input gate is the first part of z, the forget gate the second; z contains the bias; "
        f"c_new = f * c + i * j."
    )


def check_one_step__c(lesson):
    """The new memory is f * c + i * j."""
    (_, received), (_, expected) = run_one_step(lesson)
    assert np.allclose(received.value, expected.value, atol=1e-5), (
        f"The new c begins with {received.value[0, 0]:.5f}, expected was "
        f"{expected.value[0, 0]:.5f}: check the order i, f, j, o, sigmoid for gates, tanh for j, "
        f"that z has all three terms, and that h is returned first, then c."
    )


def check_one_step__h(lesson):
    """What is shown is o * tanh of the new memory."""
    (received, _), (expected, _) = run_one_step(lesson)
    assert np.allclose(received.value, expected.value, atol=1e-5), (
        f"The new h begins with {received.value[0, 0]:.5f}, expected was "
        f"{expected.value[0, 0]:.5f}: h = o * tanh(c) with the new c, and o is the last part of z."
    )


def check_one_step__gradient(lesson):
    """The gradient can flow through the step."""
    random = np.random.default_rng(1)
    kernel, c = tg.Tensor(random.uniform(-1, 1, (2, 4))), tg.Tensor([[0.5]])
    x, bias = tg.Tensor([[1.0, -1.0]]), tg.Tensor(np.zeros(4))
    h, _ = lesson.one_step(x, tg.Tensor([[0.1]]), c, kernel, tg.Tensor(np.ones((1, 4))), bias)
    found = tg.gradients(h.sum(), [kernel, c])
    assert all(g is not None and np.any(g) for g in found), (
        "No gradient came back to the kernel or to the memory: compute with tensors and tg.ops, "
        "not with .value or .numpy()."
    )


NUMBERS = {"i": 0.3, "f": 0.8, "j": -0.6, "o": 0.4, "c": 1.5}
ARRAYS = {
    "i": np.array([0.2, 0.7]), "f": np.array([0.5, 0.9]), "j": np.array([0.4, -0.8]),
    "o": np.array([0.6, 0.1]), "c": np.array([-1.0, 0.5]),
}  # fmt: skip


def five(lesson, g_h, g_c, **at):
    found = lesson.back_through_step(g_h, g_c, **at)
    assert isinstance(found, tuple | list | np.ndarray) and len(found) == 5, (
        f"Five gradients were expected, of i, f, j, o and c, but {found!r} was returned."
    )
    return dict(zip("ifjoc", found, strict=True))


def measured(g_h, g_c, at):
    """Each gradient by a central difference."""

    def weighted(at):
        c_new = at["f"] * at["c"] + at["i"] * at["j"]
        return g_h * at["o"] * np.tanh(c_new) + g_c * c_new

    h = 1e-6
    return {
        name: (weighted(at | {name: at[name] + h}) - weighted(at | {name: at[name] - h})) / (2 * h)
        for name in at
    }


def compare(found, right, what):
    for name in found:
        assert np.shape(found[name]) == np.shape(right[name]), (
            f"The gradient of {name} has the shape {np.shape(found[name])}, not that of {name}."
        )
        assert np.allclose(found[name], right[name], atol=1e-6), (
            f"{what} the gradient of {name} is {np.round(right[name], 4)}, received was "
            f"{np.round(found[name], 4)}."
        )


def check_back_through_step__output_gate(lesson):
    """The output gate gets g_h times what it shows."""
    found = five(lesson, 2.0, 0.0, **NUMBERS)["o"]
    right = 2 * np.tanh(0.8 * 1.5 - 0.3 * 0.6)
    assert np.allclose(found, right), (
        f"h_new = o * tanh(c_new), so o gets g_h * tanh(c_new) = {right:.4f}, not {found}."
    )


def check_back_through_step__memory_alone(lesson):
    """What arrives at the memory alone goes to both products."""
    compare(five(lesson, 0.0, 1.0, **NUMBERS), measured(0.0, 1.0, NUMBERS), "with g_h = 0")


def check_back_through_step__shown_alone(lesson):
    """What arrives at h alone goes through the tanh to the memory."""
    compare(five(lesson, 1.0, 0.0, **NUMBERS), measured(1.0, 0.0, NUMBERS), "with g_c = 0")


def check_back_through_step__both(lesson):
    """Both ways to the memory are added, for arrays, too."""
    g_h, g_c = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    before = {name: array.copy() for name, array in ARRAYS.items()}
    found = five(lesson, g_h, g_c, **ARRAYS)
    compare(found, measured(g_h, g_c, ARRAYS), "with both")
    assert all((before[name] == ARRAYS[name]).all() for name in before) and g_c[0] == 0.5, (
        "Your function has written into what it was given."
    )


def check_kept_by_memory__one_step(lesson):
    """One step keeps the sigmoid of the bias."""
    for b in (0.0, 1.0, -2.0):
        received, expected = lesson.kept_by_memory(b, 1), 1 / (1 + np.exp(-b))
        assert abs(received - expected * (1 - expected)) > 1e-9, (
            f"{received:.4f} is the slope of the sigmoid at {b}. The gate itself multiplies, so "
            f"the factor is sigmoid({b}) = {expected:.4f}"
        )
        assert abs(received - expected) < 1e-9, (
            f"With a bias of {b}, one step keeps sigmoid({b}) = {expected:.4f}; received was "
            f"{received:.4f}."
        )


def check_kept_by_memory__many_steps(lesson):
    """Each further step multiplies with the same factor."""
    for b, steps in ((0.0, 10), (3.0, 23)):
        received, expected = lesson.kept_by_memory(b, steps), (1 / (1 + np.exp(-b))) ** steps
        assert abs(received - expected) < 1e-6 * expected, (
            f"With a bias of {b}, {steps} steps keep {expected:.4g}; received was {received:.4g}: "
            f"multiply the factors, do not add them."
        )
