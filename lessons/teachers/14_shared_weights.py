# %% [markdown]
# # Lesson 14: solutions of the exercises

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.runs import compared
from tinygrad_mo.learn import my_work
from tinygrad_mo.systems import siamese

tg.use("numpy")
ours = my_work("shared_weights")

# %% [markdown]
# ## Exercise 1


# %%
def three_shares(w, inputs):
    readings = np.tanh(w * inputs)
    others = [np.prod(np.delete(readings, k)) for k in range(3)]
    return others * (1 - readings**2) * inputs


inputs = np.array([1.0, 2.0, -0.5])
w = tg.Tensor(np.float64(0.4))
a, b, c = (tg.ops.tanh(w * number) for number in inputs)
found = three_shares(0.4, inputs)
assert np.isclose(found.sum(), tg.gradients(a * b * c, w))
for k in range(3):
    moved = np.where(np.arange(3) == k, 1e-5, 0.0)
    up, down = (np.prod(np.tanh((0.4 + sign * moved) * inputs)) for sign in (1, -1))
    assert np.isclose(found[k], (up - down) / 2e-5)

# %% [markdown]
# ## Exercise 2
#
# Fewer samples and one network are enough to count.

# %%
task = siamese.load(width=32, length=12)
left, right = tg.Input((None, 32), name="left"), tg.Input((None, 32), name="right")


def network(join, seed, units=16):
    tg.set_random_seed(seed)
    lstm = tg.layers.LSTM(units, name="lstm")
    score = tg.layers.Dense(1, activation="sigmoid", name="score")(join(lstm(left), lstm(right)))
    model = tg.Model([left, right], score)
    model.compile(tg.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def trained_accuracy(model, x=task.x, y=task.y):
    model.fit(x, y, epochs=1, batch_size=128, verbose=0)
    return model.evaluate(task.held_back_x, task.held_back_y)[1]


def against_each_other(model):
    x = {name: array[:300] for name, array in task.held_back_x.items()}
    flow = model.gradient_flow(x, task.held_back_y["score"][:300], keep_arrays=True)
    one = flow.gradient("score", ("lstm/kernel", "lstm"))
    other = flow.gradient("score", ("lstm/kernel", "lstm:1"))
    return float((one * other < 0).mean())  # 0 * anything is not below 0, so it counts to neither


def side_by_side(one, other):
    return tg.layers.concatenate([one, other])


for name, join in (("side by side", side_by_side), ("comparing", ours.join)):
    model = network(join, 0)
    before = against_each_other(model)
    accuracy = trained_accuracy(model)
    print(f"{name:<13} {before:.0%} against each other, {against_each_other(model):.0%} trained")
    assert 0 < before < 1 and (accuracy > 0.6) == (name == "comparing")

# %% [markdown]
# ## Exercise 3

# %%
joins = {
    "both": ours.join,
    "distance": lambda one, other: abs(one - other),
    "product": lambda one, other: one * other,
}
scores = {
    name: [trained_accuracy(network(join, seed)) for seed in (0, 1, 2)]
    for name, join in joins.items()
}
for name in ("distance", "product"):
    difference = compared(scores[name], scores["both"])
    print(f"{name} alone, against both: {difference.mean:+.3f} +- {difference.spread:.3f}", end="")
    print(":", difference.kind)
assert min(scores["both"]) > 0.55

# %% [markdown]
# ## Exercise 4
#
# The score comes nearer to symmetric, because nothing in the data speaks for one side any more. But
# it still cannot compare: what goes into the sigmoid is a number from the left plus one from the
# right, whatever the data. The accuracy stays that of guessing.

# %%
once = network(side_by_side, 0)
both_orders = {
    "left": np.concatenate([task.x["left"], task.x["right"]]),
    "right": np.concatenate([task.x["right"], task.x["left"]]),
}
twice = np.concatenate([task.y["score"]] * 2)
accuracy = trained_accuracy(once, both_orders, twice)
x = task.held_back_x
swapped = once.predict({"left": x["right"], "right": x["left"]})
gap = float(np.abs(once.predict(x) - swapped).mean())
print(f"both orders: accuracy {accuracy:.2f}, swap test {gap:.3f}")
assert accuracy < 0.6 and gap > 0

# %% [markdown]
# ## Exercise 5 (long)
#
# The last step sends the largest share of W: on the way to earlier steps there is U and the slope
# of a tanh, again and again, and here both make the gradient smaller.

# %%
engine = my_work("the_engine")
ops = tg.ops
random = np.random.default_rng(0)
W, U = 0.5 * random.normal(size=(3, 4)), 0.2 * random.normal(size=(4, 4))
x = random.normal(size=(3, 5, 3))  # (steps, rows, inputs)


def gradients_of(Ws, Us):
    """Those of all weights, with the weights of each step as nodes: [W of step 0, ...], [U ...]."""
    xs = [engine.Node(name="x") for _ in range(3)]
    h = start = engine.Node(name="h")
    for step in range(3):
        z = ops.add(ops.matmul(xs[step], Ws[step]), ops.matmul(h, Us[step]))
        h = ops.tanh(z)
    loss = ops.sum(h)
    plan = engine.make_plan([loss])
    feed = dict(zip(xs, x, strict=True)) | {start: np.zeros((5, 4))}
    feed |= dict.fromkeys(Ws, W) | dict.fromkeys(Us, U)
    g = engine.backward(plan, engine.forward(plan, feed), engine.seed_rows(plan, [loss]))
    return [[g[plan.slots[node]][0] for node in nodes] for nodes in (Ws, Us)]


one_W, one_U = engine.Node(name="W"), engine.Node(name="U")
whole = gradients_of([one_W] * 3, [one_U] * 3)
parts = gradients_of(*([engine.Node(name=name) for _ in range(3)] for name in "WU"))
for name, one, each in zip("WU", whole, parts, strict=True):
    assert np.allclose(one[0], sum(each))
    print(f"{name}: shares of the steps", [f"{np.linalg.norm(g):.3f}" for g in each])
lengths = [np.linalg.norm(g) for g in parts[0]]
assert lengths == sorted(lengths)
