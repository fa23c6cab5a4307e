# %% [markdown]
# # Lesson 11: solutions of the exercises

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work
from tinygrad_mo.systems import headlines

tg.use("numpy")
ours = my_work("the_gram_matrix")

# %% [markdown]
# ## Exercise 1
#
# G = [[1, -2], [-2, 5]]; g1 + g2 = [-1, 1] has the length sqrt(2); the cosine is -2 / sqrt(5).

# %%
G = ours.gram(np.array([[1.0, 0.0], [-2.0, 1.0]]))
assert G.tolist() == [[1, -2], [-2, 5]]
assert np.isclose(ours.length(G, [1, 1]), np.sqrt(2))
assert np.isclose(ours.cosine(G, 0, 1), -2 / np.sqrt(5))

# %% [markdown]
# ## Exercise 2
#
# The squared length of g1 + w * g2 is G00 + 2 w G01 + w w G11. Its slope, 2 G01 + 2 w G11, is 0 for
# w = -G01 / G11. In a conflict G01 is below 0, so w is above 0. Where the losses agree, the best w
# is negative: among the weights from 0 on it is 0.


# %%
def shortest(G):
    return max(0.0, -G[0, 1] / G[1, 1])


grid = np.linspace(0, 5, 5001)
agree = ours.gram(np.array([[1.0, 0.0], [2.0, 1.0]]))
for table in (G, agree):
    best = ours.length(table, [1.0, shortest(table)])
    assert best <= min(ours.length(table, [1.0, w]) for w in grid) + 1e-9
assert shortest(G) == 0.4 and shortest(agree) == 0

# %% [markdown]
# ## Exercise 3

# %%
art = headlines.load(length=20, vocabulary=1_000)
x, y = art.some(256)
y = {"main_output": y["main_output"], "aux_output": 1 - y["aux_output"]}
tg.set_random_seed(0)
with tg.use(floatx="float64"):
    model = headlines.build(length=20, vocabulary=1_000, width=16)
model.compile("rmsprop", "binary_crossentropy", {"main_output": 1.0, "aux_output": 0.2})
flow = model.gradient_flow(x, y)
plan = model.training_plan()
tape = plan.forward(model.labelled_data(x, y))
rows = plan.backward(tape, [1.0, 1.0], per_loss=True)
found = {}
for name, weights in model.named_weights().items():
    if plan.reaches(weights) == (0, 1):
        found[name] = ours.cosine(ours.gram(rows[weights]), 0, 1)
        assert np.isclose(found[name], flow.cosine(name, "main_output", "aux_output"))
        print(f"{name:<24}{found[name]:+.2f}")
print("they disagree most in", min(found, key=found.get))

# %% [markdown]
# ## Exercise 4
#
# The forecast is the first term of a series. What it leaves out would grow with the square of the
# rate, so by 100 from rate to rate; each relu that a step pushes over its kink adds a little.

# %%
whole = ours.whole_gram(rows, {weights: plan.reaches(weights) for weights in plan.wrt}, 2)
start = model.get_weights()
before = np.array([float(plan.value(tape, loss)) for loss in plan.losses])
gradients = plan.backward(tape, [1.0, 0.0])
errors = {}
for rate in (0.001, 0.01, 0.1, 1.0, 10.0):
    for weights, g in gradients.items():
        weights.assign(weights.value - rate * g[0])
    after = plan.forward(model.labelled_data(x, y))
    model.set_weights(start)
    measured = np.array([float(plan.value(after, loss)) for loss in plan.losses]) - before
    forecast = -rate * whole @ [1.0, 0.0]
    errors[rate] = abs(measured - forecast).max()
    print(f"rate {rate:<6} forecast {forecast}, measured {measured}")
assert all(errors[10 * rate] > 10 * errors[rate] for rate in (0.001, 0.01, 0.1))

# %% [markdown]
# ## Exercise 5 (long)
#
# Let s be the shortest sum with weights that are not negative and have the sum 1. If the inner
# product of s with some gradient were smaller than s with itself, one could go a little toward this
# gradient and become shorter. So each number of G @ w is at least the squared length of s: none is
# negative. (This is the method MGDA; lesson 21 builds it for two losses.) A search that always goes
# a little toward the worst gradient finds it (Frank and Wolfe, 1956).


# %%
def nobody_loses(G, steps=3000):
    w = np.full(len(G), 1 / len(G))
    for _ in range(steps):
        worst = np.argmin(G @ w)
        toward = np.eye(len(G))[worst] - w
        slope, curve = -(w @ G @ toward), toward @ G @ toward
        if slope <= 1e-12:
            break
        w = w + min(1.0, slope / curve) * toward
    return w


random = np.random.default_rng(0)
for _ in range(100):
    G = ours.gram(random.standard_normal((3, 50)))
    w = nobody_loses(G)
    assert (w >= 0).all() and np.isclose(w.sum(), 1) and (G @ w >= 0).all()

# %% [markdown]
# Three functions: the squared distances to three points. At the start none is at its best.

# %%
points = random.standard_normal((3, 5))
at = np.full(5, 3.0)
losses = ((at - points) ** 2).sum(axis=1)
gradients = 2 * (at - points)
w = nobody_loses(ours.gram(gradients))
after = ((at - 0.01 * w @ gradients - points) ** 2).sum(axis=1)
assert (after < losses).all()
print("all three losses fall:", losses.round(2), "->", after.round(2))
