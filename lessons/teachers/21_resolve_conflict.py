# %% [markdown]
# # Lesson 21: for teachers
#
# Solutions of the exercises.

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work
from tinygrad_mo.systems import one_or_many

lesson = my_work("resolve_conflict")
random = np.random.default_rng(0)

# %% [markdown]
# ## Exercise 1
#
# g1 loses (G12 / G22) g2, and g2 loses (G12 / G11) g1. Sorted by g1 and g2: w1 = 1 - G12 / G11 and
# w2 = 1 - G12 / G22. (G12 is below 0, so both weights are above 1.)

# %%
for _ in range(200):
    rows = random.standard_normal((2, 4))
    G = rows @ rows.T
    if G[0, 1] < 0:
        w = 1 - G[0, 1] / np.diag(G)
        assert np.allclose(w @ rows, lesson.pcgrad(*rows))

# %% [markdown]
# ## Exercise 2
#
# Arrows of length 1 have lost their scale, so the way is the same. The shortest mixture of two
# arrows of length 1 lies in the middle between them, so it makes the same angle with both. It is 0
# only where they are opposite: at a Pareto point, and no longer at the bottom of one loss alone.

# %%
BOTTOMS, SHAPES = np.array([[-1.0, 0.0], [1.0, 1.0]]), np.array([[2.0, 1.0], [1.0, 3.0]])


def slopes(x, scale):
    return 2 * np.array([[scale], [1.0]]) * SHAPES * (x - BOTTOMS)


def unit_mgda(g1, g2):
    return lesson.mgda(g1 / np.linalg.norm(g1), g2 / np.linalg.norm(g2))


ends = []
for scale in (1.0, 10.0):
    x = np.array([0.5, -2.0])
    assert np.allclose(unit_mgda(*slopes(x, scale)), unit_mgda(*slopes(x, 1.0)))
    for _ in range(4000):
        x = x - 0.01 * unit_mgda(*slopes(x, scale))
    ends.append(x)
print("with gradients of length 1, MGDA ends at", *np.round(ends, 2).tolist())
assert np.allclose(*ends, atol=1e-3) and not np.allclose(ends[0], BOTTOMS[0], atol=0.05)

# %% [markdown]
# ## Exercise 3
#
# The lowest point of a weighted sum of two bowls has a closed form, and the walk finds it. All ends
# are Pareto points: the shortest mixture is 0 there. Only the weight lets you choose which one. (If
# the Pareto points, drawn by their losses, make a curve that is bent outwards, weights cannot reach
# all of them; with bowls they can.)

# %%
for w in (0.1, 0.3, 1.0, 3.0, 10.0):
    x = np.array([0.5, -2.0])
    for _ in range(2000):
        x = x - 0.02 / max(w, 1) * slopes(x, w).sum(axis=0)
    parts = np.array([[w], [1.0]]) * SHAPES
    assert np.allclose(x, (parts * BOTTOMS).sum(axis=0) / parts.sum(axis=0), atol=1e-3)
    assert np.linalg.norm(lesson.mgda(*slopes(x, 1.0))) < 0.01
    print(f"weight {w:>4}: ends at {x.round(2)}")

# %% [markdown]
# ## Exercise 4

# %%
for name in ("mgda", "upgrad"):
    rises = 0
    for _ in range(1000):
        rows = random.standard_normal((3, 3))
        step = tg.balancing.get(name).balance(np.ones(3), rows @ rows.T) @ rows
        rises += int((rows @ step).min() < -1e-6)
    print(f"{name}: a loss rises in {rises} of 1000")
    assert rises == 0

# %% [markdown]
# ## Exercise 5 (long)
#
# The frame of a solution, with two seeds; a full answer has eight. The validation days are every
# fifth of the training days.

# %%
weather = one_or_many.load()
x, held_back_x = (one["days"].reshape(-1, 63) for one in (weather.x, weather.held_back_x))
chosen = np.arange(len(x)) % 5 == 0
NAMES = ("high", "wind")


def trained(method, seed, units):
    tg.set_random_seed(seed)
    days = tg.Input((63,), name="days")
    h = tg.layers.Dense(units, activation="tanh", name="shared")(days)
    model = tg.Model(days, [tg.layers.Dense(1, name=name)(h) for name in NAMES])
    model.compile(tg.optimizers.Adam(0.01), "mse", method)
    y = {name: weather.y[name][~chosen] for name in NAMES}
    model.fit(x[~chosen], y, epochs=6, batch_size=32, verbose=0)
    scores = []
    for days, labels in (
        (x[chosen], {name: weather.y[name][chosen] for name in NAMES}),
        (held_back_x, {name: weather.held_back_y[name] for name in NAMES}),
    ):
        found = model.evaluate(days, labels, return_dict=True)
        scores.append([found[f"{name}_loss"] for name in NAMES])
    return scores


WAYS = {"sum": [1.0, 1.0], "high x 10": [10.0, 1.0], "wind x 10": [1.0, 10.0]}
WAYS |= {"pcgrad": "pcgrad", "mgda": "mgda"}
for units in (2, 16):
    base = None
    for way, method in WAYS.items():
        found = np.array([trained(method, seed, units) for seed in (0, 1)])
        base = found if base is None else base
        on_chosen, on_held_back = (100 * (1 - found / base)).mean(axis=(0, 2))
        print(f"{units:>2} units, {way:<10} better by {on_held_back:+.1f} %", end="")
        print(f" ({on_chosen:+.1f} % on the days that choose)")
        assert np.isfinite(found).all()
