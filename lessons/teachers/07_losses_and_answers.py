# %% [markdown]
# # Lesson 7, for teachers: solutions of the exercises

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.learn import my_work

tg.use("numpy")
engine, lesson = my_work("the_engine"), my_work("losses_and_answers")

# %% [markdown]
# ## Exercise 1
#
# exp(z) / (exp(0) + exp(z)) is 1 / (1 + exp(-z)). The slope at the second logit is p - y; at the
# first one it is the same with the other sign. For z = 40, p is rounded to 1, and -log(1 - p) is
# infinite; the true loss is 40, as the log-sum-exp trick says.

# %%
for z in (-3.0, 0.5):
    for y in (0.0, 1.0):
        loss, (pull, _) = lesson.softmax_crossentropy(np.array([[0.0, z]]), np.array([[1 - y, y]]))
        p = 1 / (1 + np.exp(-z))
        expected = -y * np.log(p) - (1 - y) * np.log(1 - p)
        assert abs(loss[0] - expected) < 1e-9
        assert abs(pull(np.ones((1, 1)))[0, 0, 1] - (p - y)) < 1e-9
loss, _ = lesson.softmax_crossentropy(np.array([[0.0, 40.0]]), np.array([[1.0, 0.0]]))
print("sigmoid is a softmax of [0, z]; at z = 40 the loss of a no is", loss)
assert 1 - 1 / (1 + np.exp(-40.0)) == 0 and abs(loss[0] - 40) < 1e-9

# %% [markdown]
# ## Exercise 2
#
# The slope is p - y, so it is 0 where the shares are the label. The loss is not 0 then: it is
# -0.8 log 0.8 - 0.2 log 0.2 = 0.50, and no answer is better (the entropy of the label).

# %%
z, y = np.zeros((1, 2)), np.array([[0.8, 0.2]])
for _ in range(500):
    loss, (pull, _) = lesson.softmax_crossentropy(z, y)
    z = z - pull(np.ones((1, 1)))[0]
p = np.exp(z) / np.exp(z).sum()
print("shares", p.round(4), "loss", loss.round(4))
assert np.allclose(p, y, atol=5e-4) and abs(loss[0] - 0.5004) < 1e-4

# %% [markdown]
# ## Exercise 3


# %%
def leaky_relu(x):
    slope = np.where(x > 0, 1.0, 0.1)
    return x * slope, (lambda g: g * slope,)


def network(bend):
    """Plan and nodes of the lesson's network."""
    x, y = engine.Node(name="x"), engine.Node(name="y")
    weights = [engine.Node(name=name) for name in ("k1", "b1", "k2", "b2")]
    h = ops.Op(bend)(ops.add(ops.matmul(x, weights[0]), weights[1]))
    z = ops.add(ops.matmul(h, weights[2]), weights[3])
    loss = ops.mean(ops.Op(lesson.softmax_crossentropy)(z, y))
    return engine.make_plan([loss]), x, y, weights, h, z, loss


print(tg.check.check_op(ops.Op(leaky_relu), np.array([-2.0, -0.3, 0.4, 5.0])))
digits = tg.data.load("digits")
pixels, labels = digits.image.reshape(-1, 64) / 16, np.eye(10)[digits.digit]
plan, x, y, weights, h, z, loss = network(leaky_relu)
random = np.random.default_rng(0)
arrays = [random.normal(0, 0.15, (64, 32)), np.zeros(32), random.normal(0, 0.2, (32, 10))]
now = dict(zip(weights, [*arrays, np.zeros(10)], strict=True))
for _ in range(151):
    tape = engine.forward(plan, now | {x: pixels[~digits.test], y: labels[~digits.test]})
    g = engine.backward(plan, tape, engine.seed_rows(plan, [loss]))
    now |= {w: now[w] - 0.5 * g[plan.slots[w]][0] for w in weights}
tape = engine.forward(plan, now | {x: pixels[digits.test], y: labels[digits.test]})
right = np.mean(tape.values[plan.slots[z]].argmax(axis=1) == digits.digit[digits.test])
dead = (np.abs(tape.values[plan.slots[h]]) < 1e-12).all(axis=0).sum()
print(f"{right:.0%} right, {dead} dead units")
assert right > 0.9 and dead == 0

# %% [markdown]
# ## Exercise 4
#
# The slope is exp(z) - y: once more, what was said minus what is true. It is 0 in the mean where
# exp(z) is the mean of y. With one logit per medium, each goes to the logarithm of its own mean.


# %%
def count_loss(z, y):
    said = np.exp(z)
    return said - y * z, (lambda g: g * (said - y), lambda g: -g * z)


print(tg.check.check_op(ops.Op(count_loss), np.array([0.3, -1.0]), np.array([2.0, 0.0])))
tate = tg.data.load("tate")
words = np.array([float(len(title.split())) for title in tate.title])[:, None]
medium = np.eye(8)[tate.medium]
x, y, kernel = (engine.Node(name=name) for name in ("x", "y", "kernel"))
loss = ops.mean(ops.Op(count_loss)(ops.matmul(x, kernel), y))
plan, now = engine.make_plan([loss]), np.zeros((8, 1))
for _ in range(600):
    tape = engine.forward(plan, {x: medium, y: words, kernel: now})
    g = engine.backward(plan, tape, engine.seed_rows(plan, [loss]))[plan.slots[kernel]][0]
    now = now - 0.5 * g
means = np.array([words[tate.medium == k].mean() for k in range(8)])
for name, said, true in zip(tate.medium_names, np.exp(now[:, 0]), means, strict=True):
    print(f"{name:<14} said {said:.2f}, mean {true:.2f}")
assert np.allclose(np.exp(now[:, 0]), means, atol=0.01)
