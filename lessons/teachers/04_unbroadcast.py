# %% [markdown]
# # Lesson 4: Arrays, and forks that nobody has drawn. Solutions of the exercises (for teachers)

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.learn import my_work

tg.use("numpy")
lesson = my_work("unbroadcast")
random = np.random.default_rng(0)

# %% [markdown]
# ## Exercise 1
#
# Each number of a is used 4 times, each of b 3 times. The gradient of a[i] is the sum of b, and the
# gradient of b[j] the sum of a: the same for all numbers of one array.

# %%
a, b = random.standard_normal((3, 1)), random.standard_normal((1, 4))
y, (pull_a, pull_b) = ops.multiply(a, b)
g = np.ones(y.shape)
g_a, g_b = lesson.unbroadcast(pull_a(g), a.shape), lesson.unbroadcast(pull_b(g), b.shape)
print("gradient of a:", *g_a.ravel(), "  sum of b:", b.sum())
assert np.allclose(g_a, b.sum()) and np.allclose(g_b, a.sum())
assert np.allclose(g_a, lesson.measured_gradient(lambda a: (a * b).sum(), a))
assert np.allclose(g_b, lesson.measured_gradient(lambda b: (a * b).sum(), b))

# %% [markdown]
# ## Exercise 2
#
# With (a + b).sum() all gradients are 1 before adding up. A mean is found, because it gives 1 and
# not the number of uses. Numbers in a wrong order are never found: with gradients of 1 adding up is
# counting, and all numbers of an array are used equally often. Therefore the random c.


# %%
def random_pair():
    full = random.integers(1, 4, random.integers(0, 4))
    shapes = []
    for _ in range(2):
        shape = np.where(random.random(full.size) < 0.4, 1, full)
        shapes.append(tuple(int(n) for n in shape[random.integers(0, full.size + 1) :]))
    return [random.standard_normal(shape) for shape in shapes]


def agrees(unbroadcast, with_c):
    """Are both gradients of a random pair right?"""
    a, b = random_pair()
    shape = np.broadcast_shapes(a.shape, b.shape)
    c = random.standard_normal(shape)
    if with_c:
        g_a, g_b = unbroadcast(b * c, a.shape), unbroadcast(a * c, b.shape)
        f_a, f_b = (lambda a: (a * b * c).sum()), (lambda b: (a * b * c).sum())
    else:
        g_a, g_b = unbroadcast(np.ones(shape), a.shape), unbroadcast(np.ones(shape), b.shape)
        f_a, f_b = (lambda a: (a + b).sum()), (lambda b: (a + b).sum())
    right = [lesson.measured_gradient(f_a, a), lesson.measured_gradient(f_b, b)]
    return np.allclose(g_a, right[0]) and np.allclose(g_b, right[1])


def mean_of_copies(g, shape):
    right = lesson.unbroadcast(g, shape)
    return right * right.size / g.size


def in_wrong_order(g, shape):
    """The sums of an axis come back in the wrong order."""
    return lesson.unbroadcast(g, shape)[..., ::-1] if shape else lesson.unbroadcast(g, shape)


for name, function in [
    ("yours", lesson.unbroadcast),
    ("a mean", mean_of_copies),
    ("wrong order", in_wrong_order),
]:
    found = [sum(not agrees(function, with_c) for _ in range(200)) for with_c in (False, True)]
    print(f"{name:<12} found in {found[0]:>3} of 200 with ones, in {found[1]:>3} of 200 with c")
    if name == "yours":
        assert found == [0, 0]
    else:
        assert found[1] > 0 and (found[0] > 0) == (name == "a mean")

# %% [markdown]
# ## Exercise 3
#
# Zero: no sample has used the bias. A sum of nothing is 0, so no special case is needed.

# %%
assert lesson.unbroadcast(np.ones((0, 3)), (3,)).tolist() == [0.0, 0.0, 0.0]

# %% [markdown]
# ## Exercise 4 (long)
#
# `unbroadcast` is needed where a value was repeated: at the bias (the rows), at the factor (the
# four columns), and at the number (everything). The matrix product has no copies: its pullbacks add
# up by themselves.

# %%
x, kernel, bias = (random.standard_normal(shape) for shape in [(8, 3), (3, 4), (4,)])
factor, number = random.standard_normal((8, 1)), np.array(0.3)


def forward_and_backward(x, kernel, bias, factor, number):
    product, (pull_x, pull_kernel) = ops.matmul(x, kernel)
    summed, (pull_product, pull_bias) = ops.add(product, bias)
    squeezed, (pull_summed,) = ops.tanh(summed)
    scaled, (pull_squeezed, pull_factor) = ops.multiply(squeezed, factor)
    shifted, (pull_scaled, pull_number) = ops.add(scaled, number)
    squares, (pull_shifted,) = ops.square(shifted)
    loss = squares.mean()
    g = pull_shifted(np.full(squares.shape, 1 / squares.size))
    g_number = lesson.unbroadcast(pull_number(g), np.shape(number))
    g = pull_scaled(g)
    g_factor = lesson.unbroadcast(pull_factor(g), factor.shape)
    g = pull_summed(pull_squeezed(g))
    g_bias = lesson.unbroadcast(pull_bias(g), bias.shape)
    g = pull_product(g)
    return loss, [pull_x(g), pull_kernel(g), g_bias, g_factor, g_number]


arrays = [x, kernel, bias, factor, number]
loss, gradients = forward_and_backward(*arrays)
for k, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):

    def loss_of(changed, k=k):
        return forward_and_backward(*arrays[:k], changed, *arrays[k + 1 :])[0]

    assert gradient.shape == array.shape
    assert np.allclose(gradient, lesson.measured_gradient(loss_of, array), atol=1e-5)
moved = [array - 0.1 * gradient for array, gradient in zip(arrays, gradients, strict=True)]
after = forward_and_backward(x, *moved[1:])[0]
print(f"loss {loss:.4f}, after a step {after:.4f}")
assert after < loss
