# %% [markdown]
# # Lesson 2: The chain. Solutions of the exercises (for teachers)

# %%
import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.learn import my_work

lesson = my_work("the_chain")

# %% [markdown]
# ## Exercise 1
#
# The two pullbacks of `subtract` get the same g. If y grows, e grows as much; if target grows, e
# shrinks as much. So one gradient is minus the other.


# %%
def all_gradients(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    _, (pull_e,) = ops.square(e)
    g_e = pull_e(1.0)
    g_a = pull_a(pull_y(g_e))
    return pull_w(g_a), pull_x(g_a), pull_target(g_e)


mine = all_gradients(0.25, 2.0, 0.8)
tensors = [tg.Tensor(number, dtype="float64") for number in (0.25, 2.0, 0.8)]
w, x, target = tensors
theirs = tg.gradients(ops.square(ops.tanh(w * x) - target), tensors)
print("w, x, target:", *[f"{float(g):.6f}" for g in mine])
assert all(abs(a - b) < 1e-12 for a, b in zip(mine, theirs, strict=True))

# %% [markdown]
# ## Exercise 2
#
# At each layer the gradient is multiplied by 0.9 times the slope of tanh. The values become smaller
# from layer to layer, so the slope of tanh comes nearer and nearer to 1, and the factor to 0.9.
#
# With 1.1 the values do not vanish, but settle where tanh(1.1 * x) = x. There the slope of tanh is
# only 0.75, and the factor, 1.1 times this slope, is 0.82: less than 0.9. So the gradient vanishes
# faster.

# %%
for n in (1, 2, 4, 8, 16, 32):
    print(f"{n:>2} layers: {lesson.chain_and_gradients([0.9] * n, 0.5)[1][0]:.6f}")


def factor(weight, n):
    """By what one more layer multiplies the gradient of the first weight."""
    _, longer = lesson.chain_and_gradients([weight] * (n + 1), 0.5)
    _, shorter = lesson.chain_and_gradients([weight] * n, 0.5)
    return longer[0] / shorter[0]


print(f"from 40 to 41 layers: times {factor(0.9, 40):.4f} for 0.9, {factor(1.1, 40):.4f} for 1.1")
assert abs(factor(0.9, 40) - 0.9) < 1e-3 and abs(factor(1.1, 40) - 0.82) < 0.005

# %% [markdown]
# ## Exercise 3
#
# The sweep starts with the gradient of the value, and that is 2 * (value - 0.3). Each pullback
# multiplies, so one may start with 1 and multiply all gradients afterwards.

# %%
weights = [0.5, 2.0, 1.5]
for _ in range(200):
    value, gradients = lesson.chain_and_gradients(weights, 1.0)
    g = 2 * (value - 0.3)
    weights = [w - 0.1 * g * gradient for w, gradient in zip(weights, gradients, strict=True)]
print(f"value {value:.6f}, loss {(value - 0.3) ** 2:.1e}, weights", *[f"{w:.3f}" for w in weights])
assert (value - 0.3) ** 2 < 1e-6

# %% [markdown]
# ## Exercise 4 (long)
#
# Each layer needs: the slope in x times what x does, plus, at weight n, the slope in w; then the
# slope of tanh. One walk finds what ONE weight does to everything after it. The sweep finds what
# ONE value at the end means for everything before it. So forward is the better direction for one
# input and many outputs, as when one asks what a single setting does to a whole film. (In the field
# this is called forward mode, and the sweep reverse mode.)

# %%
counted = []


def slope_of_the_end(weights, x, n):
    grows = 0.0
    for k, w in enumerate(weights):
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
        grows = pull_x(1.0) * grows + (pull_w(1.0) if k == n else 0.0)
        grows = pull_a(1.0) * grows
        counted.append(2)  # a multiply and a tanh
    return grows


def operations(count):
    weights = [0.9, 1.1] * (count // 2)
    counted.clear()
    forward = [slope_of_the_end(weights, 0.5, n) for n in range(count)]
    _, backward = lesson.chain_and_gradients(weights, 0.5)
    assert all(abs(a - b) < 1e-12 for a, b in zip(forward, backward, strict=True))
    return sum(counted)


for count in (10, 100):
    print(f"{count:>3} weights: {operations(count)} operations; with the sweep two per layer, once")
assert operations(100) == 100 * operations(10) == 20_000
