# %% [markdown]
# # Lesson 10, for teachers: solutions of the exercises

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work

tg.use("numpy", floatx="float64")
engine, lesson = my_work("the_engine"), my_work("optimizers")
random = np.random.default_rng(0)

# %% [markdown]
# ## Exercise 1


# %%
def nesterov(g, v=0.0, rate=0.1):
    v = 0.9 * v - rate * g
    return 0.9 * v - rate * g, v


gradients = random.standard_normal((30, 4))
w, theirs = tg.Parameter(np.zeros(4), "w"), tg.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
for g in gradients:
    theirs.apply({w: g})
difference = np.abs(lesson.follow(nesterov, gradients)[-1] - w.value).max()
print(f"difference {difference:.0e}")
assert difference < 1e-9

# %% [markdown]
# ## Exercise 2
#
# SGD and momentum only add gradients up, and a sum is turned with its parts: in the turned valley
# they walk the turned way. RMSprop and Adam divide number by number, and "number" depends on the
# axes: the valley that ran along an axis now runs between them, and both numbers of a gradient are
# of about the same size. So their step counts change.

# %%
c = np.sqrt(0.5)
R, STEEP = np.array([[c, -c], [c, c]]), np.array([1.0, 100.0])


def steps_needed(optimizer, R):
    found = {}
    for rate in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0):
        with np.errstate(all="ignore"):
            start = R @ np.array([3.0, 1.0])
            places = lesson.walk(optimizer, lambda w: R @ (STEEP * (R.T @ w)), start, 400, rate)
            high = ~(0.5 * (places @ R) ** 2 @ STEEP < 0.01)
        found[rate] = 1 + int(np.flatnonzero(high)[-1])
    return min(found.values())


for optimizer in (lesson.sgd, lesson.momentum, lesson.rmsprop, lesson.adam):
    straight, turned = steps_needed(optimizer, np.eye(2)), steps_needed(optimizer, R)
    print(f"{optimizer.__name__:<9} straight {straight}, turned {turned}")
    assert (straight == turned) == (optimizer.__name__ in ("sgd", "momentum"))

# %% [markdown]
# ## Exercise 3
#
# For a long time s was 1 and the step was the rate. Then s = 0.9 + 0.1 k**2, and the step is
# k / sqrt(0.9 + 0.1 k**2) times as long; for a very large k that is sqrt(10) = 3.16.

# %%
for k in (2.0, 10.0, 100.0):
    formula, measured = k / np.sqrt(0.9 + 0.1 * k**2), lesson.lengths(lesson.rmsprop, k)[50]
    print(f"k = {k:>5}: formula {formula:.3f}, measured {measured:.3f}")
    assert abs(formula - measured) < 0.01

# %% [markdown]
# ## Exercise 4
#
# (c) agrees with (a) to the last bit: `aux_kernel` has no path to the main loss, and with aux at
# weight 0 nothing of it comes back to the trunk. That it rolls on is of no consequence for main.
# What is of consequence is the memory of the shared `kernel` and `bias`: their m holds the pull of
# aux for some steps, their s its size for about a thousand. With these five starts, emptying
# it (b) is better each time. But the differences are spread so widely that Student's interval
# (lesson 12) has 0 in it: five seeds are too few to be sure.


# %%
def train(seed, emptied, without_aux_kernel):
    """The main loss after 20 steps with both losses and 60 with main alone."""
    draw = np.random.default_rng(seed)
    x, *weights, target = (draw.standard_normal(shape) for shape in engine.SHAPES)
    noise, weights = draw.standard_normal(target.shape), [w * 0.5 for w in weights]
    memories = [[] for _ in weights]
    for step in range(80):
        tensors = [tg.Tensor(w) for w in weights]
        h = tg.ops.tanh(tg.Tensor(x) @ tensors[0] + tensors[1])
        losses = [
            ((h @ k - y) ** 2).mean() for k, y in zip(tensors[2:], (target, noise), strict=True)
        ]
        if step == 20 and emptied:
            memories = [[] for _ in weights]
        pulls = tg.gradients(losses, tensors, [1.0, 1.0 if step < 20 else 0.0])
        for i, g in enumerate(pulls):
            if i == 3 and step >= 20 and without_aux_kernel:
                continue
            move, *memories[i] = lesson.adam(g, *memories[i], rate=0.02)
            weights[i] = weights[i] + move
    return float(losses[0])


ends = np.array([[train(seed, *how) for how in ((0, 0), (1, 0), (0, 1))] for seed in range(5)])
change = ends[:, 1] - ends[:, 0]
print("main loss, (a):", ends[:, 0].round(4), " (c) the same:", np.array_equal(*ends.T[[0, 2]]))
print(f"(b) - (a): {change.mean():+.4f}, spread {change.std(ddof=1):.4f}", change.round(4))
half = 2.776 * change.std(ddof=1) / np.sqrt(5)
assert (change < 0).all() and abs(change.mean()) < half
assert np.array_equal(ends[:, 0], ends[:, 2]) and not np.array_equal(ends[:, 0], ends[:, 1])
