# %% [markdown]
# # Lesson 21: Resolve a conflict
#
# At the end you have written two famous rules for losses that pull in opposite directions: PCGrad
# and MGDA. You know what each of them promises, where each of them stops, what the lengths of the
# gradients do to them, and how much a promise about one step is worth in a training.
#
# You need: the Gram matrix, agreement and conflict (lesson 11), the paired comparison (lesson 12),
# and weights that balance themselves (lesson 20).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.balancing.by_gradients import without_conflict  # PCGrad for many losses
from tinygrad_mo.lab import toy  # a landscape of two losses
from tinygrad_mo.learn import picture
from tinygrad_mo.systems import one_or_many

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

# %% [markdown]
# ## Question: is there a step that is good for both?
#
# Two losses share their weights, and their gradients g1 and g2 make an angle of more than 90
# degrees: g1 · g2 < 0. A step for loss 1 alone makes loss 2 worse (lesson 11). The plain sum g1 +
# g2 serves the loss with the longer gradient. Here g1 is long:

# %%
g1, g2 = np.array([4.0, 0.0]), np.array([-1.0, 1.0])


def changes(rows, step):
    """What a small step against the arrow `step` does to each loss, divided by the rate."""
    return -np.stack(rows) @ step


print("the plain sum changes the losses by", changes([g1, g2], g1 + g2))
assert changes([g1, g2], g1 + g2).tolist() == [-12, 2]

# %% [markdown]
# Loss 1 falls, loss 2 rises. Draw the two arrows on paper. Is there an arrow that makes an angle of
# less than 90 degrees with both?
#
# ## PCGrad: take away what opposes
#
# "Gradient surgery" (Yu and others 2020) says: take from g1 the part that goes against g2. This
# part lies along g2, and it is (g1 · g2) / (g2 · g2) * g2. Without it, g1 stands at a right angle
# to g2: it does no harm. Do the same with g2, against the *old* g1. The step is the sum of both. If
# g1 · g2 is not below 0, nothing is taken away.
#
# **Your turn.** The arrows may have any length, 0 too. Do not write into g1 and g2.


# %%
def pcgrad(g1, g2):
    # YOUR TURN: about 5 lines. Return the arrow of the step.
    raise NotImplementedError("YOUR TURN")


# %%
print("PCGrad:", pcgrad(g1, g2), "changes the losses by", changes([g1, g2], pcgrad(g1, g2)))
assert (changes([g1, g2], pcgrad(g1, g2)) < 0).all()

# %% [markdown]
# ## MGDA: the shortest mean
#
# MGDA (Désidéri 2012; Sener and Koltun 2018) looks at all mixtures x * g1 + (1 - x) * g2, where x
# is between 0 and 1. Their tips lie on the straight line between the tips of g1 and g2. It takes
# the *shortest* of these arrows. The point of a line that is nearest to 0 is found with
#
#     x = (g2 · g2 - g1 · g2) / (g1 · g1 + g2 · g2 - 2 * g1 · g2)
#
# If this x is below 0, the nearest point of the piece between the tips is a tip: x = 0. If it is
# above 1: x = 1. Below the fraction line stands the square of the length of g1 - g2. If g1 and g2
# are the same arrow, it is 0, and every x gives the same mixture.
#
# **Your turn.**


# %%
def mgda(g1, g2):
    # YOUR TURN: about 6 lines. Return the shortest mixture, an arrow.
    raise NotImplementedError("YOUR TURN")


# %%
print("MGDA:", mgda(g1, g2), "changes the losses by", changes([g1, g2], mgda(g1, g2)))
assert (changes([g1, g2], mgda(g1, g2)) < 0).all()

# %% [markdown]
# Both steps are good for both losses. By luck? Try 2000 pairs of arrows with 5 numbers each, and
# compare with the library at the same time. The library gives weights (lesson 20), so its arrow is
# the weighted sum of the rows.

# %%
random = np.random.default_rng(0)
rules = {"sum": np.add, "pcgrad": pcgrad, "mgda": mgda}
harmed = dict.fromkeys(rules, 0)
for _ in range(2000):
    rows = random.standard_normal((2, 5)) * random.uniform(0.1, 3, (2, 1))
    for name, rule in rules.items():
        step = rule(*rows)
        harmed[name] += int(changes(rows, step).max() > 1e-9)
        library = tg.balancing.get("equal" if name == "sum" else name)
        assert np.allclose(step, library.balance([1.0, 1.0], rows @ rows.T) @ rows)
print("pairs in which a loss rises:", harmed)
assert harmed["sum"] > 100 and harmed["pcgrad"] == harmed["mgda"] == 0

# %% [markdown]
# Never. That is the promise of both rules for two losses: **in a small step no loss rises.** And
# the arrows are those of the library.
#
# ## Where do they lead?
#
# A promise about a step is not a promise about the way. Take two losses of two weights, each a
# bowl: the bottom of loss 1 is at (-1, 0), that of loss 2 at (1, 1).
#
# Between the two bottoms there are points where no step is good for both: the gradients are exactly
# opposite there. These are the **Pareto points**. From a Pareto point, one loss can only fall if
# the other one rises. All of them are reasonable ends; which one is best, only you can say.
#
# We walk from three starts, with plain gradient descent, until nothing moves. Will a rule end at
# the same point from all three starts?


# %%
def my_prediction():
    # YOUR TURN: write "one end" or "several ends" behind each name, and return the dict.
    # {"sum": ..., "pcgrad": ..., "mgda": ...}
    raise NotImplementedError("YOUR TURN")


# %%
BOTTOMS, SHAPES = np.array([[-1.0, 0.0], [1.0, 1.0]]), np.array([[2.0, 1.0], [1.0, 3.0]])
STARTS = [(-2.0, 2.5), (0.5, -2.0), (2.5, 2.0)]


def slopes(x, scale):
    """The gradients of scale * loss 1 and of loss 2; loss = sum(shape * (x - bottom)**2)."""
    return 2 * np.array([[scale], [1.0]]) * SHAPES * (x - BOTTOMS)


def walk(rule, start, scale=1.0, steps=600):
    way = [np.array(start)]
    for _ in range(steps):
        way.append(way[-1] - 0.05 / max(scale, 1) * rule(*slopes(way[-1], scale)))
    return np.array(way)


predicted, ends = my_prediction(), {}
for name, rule in rules.items():
    ends[name] = [walk(rule, start)[-1] for start in STARTS]
    several = "several ends" if np.ptp(ends[name], axis=0).max() > 0.05 else "one end"
    print(f"{name:<7} ends at", *np.round(ends[name], 2).tolist(), end="  ")
    print(f"you said: {predicted[name]}, it is: {several}")
    assert (several == "one end") == (name == "sum")
    assert max(np.linalg.norm(mgda(*slopes(end, 1.0))) for end in ends[name]) < 0.01

# %% [markdown]
# All ends are Pareto points: the shortest mixture of the gradients is 0 there (the last line of the
# cell asserts it). The sum has one end: the lowest point of loss 1 + loss 2. The other two rules
# stop at *every* Pareto point, since MGDA's arrow is 0 there, and PCGrad takes everything away from
# both gradients. So they stop at the first one that they meet. From two starts MGDA even goes to
# the bottom of one loss. **They do not look for a good compromise; where they end depends on the
# start.**
#
# ## Break it: the lengths
#
# Loss 1 is given in another unit and becomes 10 times as large. **Before you run the next cell,
# write down** for each rule: which loss will be served better now?

# %%
for name, rule in rules.items():
    x = walk(rule, STARTS[1], scale=10.0, steps=4000)[-1]
    own = (SHAPES * (x - BOTTOMS) ** 2).sum(axis=1)  # both losses in the old unit
    print(
        f"{name:<7} ends at {x.round(2)}, losses {own.round(2)}, before at {ends[name][1].round(2)}"
    )
    assert (own[0] < own[1]) == (name != "mgda")

# %% [markdown]
# The sum and PCGrad follow the long gradient: loss 1 is near 0. MGDA follows the *short* one. Look
# at the formula: if g1 is very long, x is nearly 0. So with MGDA the loss with the smallest
# scale decides, or the one that is learned already. **None of the three repairs a wrong scale**
# (lesson 19).
#
# One more: let MGDA start at the bottom of loss 2. There g2 is 0, and 0 is the shortest mixture.

# %%
print("MGDA, from the bottom of loss 2, goes to", walk(mgda, BOTTOMS[1])[-1])
assert (walk(mgda, BOTTOMS[1])[-1] == BOTTOMS[1]).all()

# %% [markdown]
# It does not move, although loss 1 is far from its bottom. In a network, a task that is done keeps
# the others from learning.
#
# ## Three losses: the order
#
# With three losses, each gradient loses what goes against the second one, then what goes against
# the third one (or the other way round). Each time, what is *left* of it so far, already shortened,
# is compared with the *old* gradient of the next one.
#
# **Your turn.** `rows` has a row for each loss. `orders[i]` says in which order the gradient i
# meets the others: numbers of losses; its own number may be among them, leave it out. Return the
# sum.


# %%
def pcgrad_many(rows, orders):
    # YOUR TURN: about 9 lines, with two loops. Work on copies, and compare with the old rows.
    raise NotImplementedError("YOUR TURN")


# %%
other_step = rises = 0
for _ in range(1000):
    rows = random.standard_normal((3, 3))
    orders = [random.permutation(3) for _ in range(3)]
    step = pcgrad_many(rows, orders)
    assert np.allclose(step, without_conflict(rows @ rows.T, orders) @ rows)
    other_step += not np.allclose(step, pcgrad_many(rows, [order[::-1] for order in orders]))
    rises += changes(rows, step).max() > 1e-9
print(f"of 1000: {other_step} with another step in the other order; a loss rises in {rises}")
assert other_step > 100 and rises > 50

# %% [markdown]
# Two things that one reads seldom. The step depends on the order, which the rule draws by chance.
# And **with three losses PCGrad no longer keeps its promise**: what is taken away for the third
# loss can bring back what went against the second one. (MGDA keeps its promise for any number of
# losses.)
#
# ## A gorge
#
# Where do such rules help? In papers they are shown on a landscape like this one: it has two narrow
# gorges, in which one loss is very steep, and below them two wide bowls. `tinygrad-mo lab toy` runs
# all methods there. Here we make 20,000 steps of Adam from two starts, and ask how far the end is
# from the nearest Pareto point.

# %%
ways = {}
for name in rules:
    method = tg.balancing.get("equal" if name == "sum" else name)
    ways[name] = [toy.descend(method, s, 1.0, 20_000, rate=5e-3) for s in ((-8.5, 7.5), (9.0, 9.0))]
    far = [toy.distance(*run.end) for run in ways[name]]
    print(f"{name:<7} ends {far[0]:.2f} and {far[1]:.2f} away from the Pareto points")
    assert (max(far) < 0.02) == (name != "sum")


def draw(figure):
    w = np.logspace(-3, 3, 99)[:, None]  # the lowest points of w * loss 1 + loss 2: Pareto points
    curve = (w * SHAPES[0] * BOTTOMS[0] + SHAPES[1] * BOTTOMS[1]) / (w * SHAPES[0] + SHAPES[1])
    for (upper, lower), name in zip(figure.subplots(2, 3).T, rules, strict=True):
        for start in STARTS:
            upper.plot(*walk(rules[name], start).T, ".-", markersize=2)
        for run in ways[name]:
            lower.plot(*run.way.T)
        upper.plot(*curve.T, "k:", *BOTTOMS.T, "k^")
        lower.plot(*toy.pareto_set().T, "k:")
        upper.set(title=f"{name}: two bowls", xlim=(-2.5, 3), ylim=(-2.5, 3))
        lower.set(title=f"{name}: the landscape", xlim=(-11, 11), ylim=(-10, 11))


picture("lesson21.png", draw, size=(9, 6))

# %% [markdown]
# From one of its two starts the sum hardly gets on: in a gorge one loss is so steep that the other
# one does not count.
# The two rules come down. Look at the picture: above the ways on our bowls, below those on the
# landscape. The dotted lines have all Pareto points, the triangles are the bottoms. See how early
# PCGrad and MGDA stop, and where.
#
# ## A network
#
# Is a network such a landscape? Tomorrow's weather in Seattle: how warm, and how much wind? The
# network is narrow, 3 units for both. A `FlowRecorder` (lesson 9) looks at every fourth step: do
# the gradients of this batch oppose each other?

# %%
weather = one_or_many.load()
x, held_back_x = (one["days"].reshape(-1, 63) for one in (weather.x, weather.held_back_x))


def trained(method, seed, callbacks=()):
    tg.set_random_seed(seed)
    days = tg.Input((63,), name="days")
    h = tg.layers.Dense(3, activation="tanh", name="shared")(days)
    model = tg.Model(days, [tg.layers.Dense(1, name=name)(h) for name in ("high", "wind")])
    model.compile(tg.optimizers.Adam(0.01), "mse", method)
    y, held_back_y = (
        {n: one[n] for n in model.outputs} for one in (weather.y, weather.held_back_y)
    )
    model.fit(x, y, epochs=6, batch_size=32, verbose=0, callbacks=callbacks)
    found = model.evaluate(held_back_x, held_back_y, return_dict=True)
    return [found["high_loss"], found["wind_loss"]]


recorder, losses = tg.FlowRecorder(every=4), {}
trained([1.0, 1.0], 0, [recorder])
conflicts = np.mean([flow.cosine("shared", "high", "wind") < 0 for flow in recorder.flows])
print(f"steps with a conflict, with equal weights: {conflicts:.0%} of {len(recorder.flows)}")
for name, method in {"sum": [1.0, 1.0], "pcgrad": "pcgrad", "mgda": "mgda"}.items():
    losses[name] = np.array([trained(method, seed) for seed in range(5)])
    gain = 100 * (1 - losses[name] / losses["sum"]).mean(axis=1)
    half = 2.78 * gain.std(ddof=1) / np.sqrt(5)  # Student's interval of 5 differences (lesson 12)
    print(f"{name:<7} losses {losses[name].mean(axis=0).round(3)}, better by", end=" ")
    print(f"{gain.mean():+.1f} +- {half:.1f} %: 0 is inside? {abs(gain.mean()) <= half}")
    assert name == "mgda" or abs(gain.mean()) < 4
change = losses["mgda"].mean(axis=0) - losses["sum"].mean(axis=0)
assert 0.3 < conflicts < 0.8 and change[0] < -0.01 < change[1]

# %% [markdown]
# The gradients oppose each other in about every second step. And yet PCGrad changes little: less
# than 4 percent, and with other seeds 0 may be inside the interval or not. Its promise is about one
# small step on one batch, and the next batch has other gradients. MGDA makes the warmth better
# here, and not the wind: it gives the warmth more weight. Before
# you say "better", read the interval and add seeds (exercise 5).
#
# In the tables of the library (`BALANCING.md` in the folder of `tg.systems.__path__`) it looks the
# same: what only removes conflicts helps little, and MGDA serves the loss with the smallest
# gradient.
#
# ## What you now know
#
# - PCGrad takes from each gradient what goes against the other one. MGDA takes the shortest
#   mixture.
# - For two losses both promise: in a small step no loss rises. With three, MGDA keeps the promise,
#   PCGrad does not, and its step depends on the order.
# - Both stop at Pareto points, at the first one that they meet. None of them knows which compromise
#   you want.
# - Lengths count: PCGrad follows the long gradient, MGDA the short one.
# - A conflict in a step is no proof that two tasks should not share a network.
#
# ## Exercises
#
# 1. On paper: PCGrad's step for two losses in a conflict is w1 * g1 + w2 * g2. Find w1 and w2 from
#    the Gram matrix. They are right if w @ rows is `pcgrad(*rows)` for all rows in a conflict.
# 2. Divide both gradients by their lengths before MGDA. Walk from `STARTS[1]` with loss 1 as it is
#    and 10 times as large. You see that it is right if the arrow is the same for both scales. Where
#    does it stop now?
# 3. Walk down the sum w * loss 1 + loss 2, for w = 0.1, 0.3, 1, 3 and 10, and draw the ends beside
#    those of PCGrad and MGDA. All must lie on one curve. Which tool lets you choose?
# 4. Three losses again: ask `tg.balancing.get("mgda")` and `tg.balancing.get("upgrad")` for
#    weights, and count in how many of 1000 triples a loss rises. It must be none.
# 5. (long) The network again, with 2 and with 16 units, eight seeds, PCGrad, MGDA and three fixed
#    weights. Where is a difference from the plain sum? Choose the best fixed weights on a part of
#    the training days. It is right if each "better" in your answer has an interval without 0.
#
# Next: if two tasks disagree in so many steps, should they share a network at all?
