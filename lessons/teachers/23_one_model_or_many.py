# %% [markdown]
# # Lesson 23: for teachers
#
# Solutions of the exercises, with fewer seeds than a student should take.

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work
from tinygrad_mo.systems import one_or_many

lesson = my_work("one_model_or_many")
weather = one_or_many.load()
x, held_back_x = (
    np.float32(one["days"].reshape(-1, 63)) for one in (weather.x, weather.held_back_x)
)

# %% [markdown]
# ## Exercise 1
#
# One network for n tasks has 1024 + 17 n parameters, n networks have 1041 n. The ratio grows with
# n, but slowly: it passes 10 at 12 tasks, and it can never become larger than 1041 / 17 = 61.

# %%
ratios = {}
for n in range(1, 30):
    together = lesson.parameters(63, 16, [1] * n)
    ratios[n] = n * lesson.parameters(63, 16, [1]) / together
needed = min(n for n, ratio in ratios.items() if ratio > 10)
print(f"from {needed} tasks on, one network has less than a tenth")
assert needed == 12 and together == 1024 + 17 * n

# %% [markdown]
# ## Exercise 2
#
# `high` loses and `kind` gains. In percent of their losses these have opposite signs, so the mean
# over the tasks is near 0, and its interval has 0 in it. `wind` is not seen.


# %%
def trained(units, tasks, seed, weights=None, days=slice(None)):
    tg.set_random_seed(seed)
    model = lesson.build(units, tasks)
    losses = ["categorical_crossentropy" if name == "kind" else "mse" for name in tasks]
    tg.set_random_seed(seed)  # again, so that all networks see the same batches
    model.compile(tg.optimizers.Adam(0.01), losses, weights)
    y = {name: weather.y[name][days] for name in tasks}
    model.fit(x[days], y, epochs=8, batch_size=64 if days == slice(None) else 8, verbose=0)
    labels = {name: weather.held_back_y[name] for name in tasks}
    found = model.evaluate(held_back_x, labels, return_dict=True)
    return [found["loss" if len(tasks) == 1 else f"{name}_loss"] for name in tasks]


seeds = range(5, 17)
together = np.array([trained(16, lesson.TASKS, seed) for seed in seeds])
apart = np.array([[trained(16, (name,), seed)[0] for name in lesson.TASKS] for seed in seeds])
gains = 100 * (1 - together / apart)
gains = np.column_stack([gains, gains.mean(axis=1)])
halves = 2.2 * gains.std(axis=0, ddof=1) / np.sqrt(12)
for name, gain, half in zip([*lesson.TASKS, "mean"], gains.mean(axis=0), halves, strict=True):
    print(f"16 units, 12 new seeds, {name:<5} {gain:+.1f} +- {half:.1f} %")
high, wind, kind, mean = gains.mean(axis=0)
assert np.allclose([high, halves[0]], [-7.5, 4.9], atol=0.3)
assert np.allclose([kind, halves[2]], [1.9, 1.8], atol=0.15) and kind > halves[2]
assert abs(wind) < halves[1] and abs(mean) < halves[3]

# %% [markdown]
# ## Exercise 3
#
# With a large weight the wind wins the only unit, and the warmth loses.


# %%

# %%
equal, windy = (
    np.array([trained(1, lesson.TASKS, seed, weights) for seed in range(3)])
    for weights in ([1.0, 1.0, 1.0], [1.0, 10.0, 1.0])
)
print("one unit, equal weights:", equal.mean(axis=0).round(3))
print("one unit, wind x 10:    ", windy.mean(axis=0).round(3))
assert (windy[:, 1] < equal[:, 1]).all() and (windy[:, 0] > equal[:, 0]).all()

# %% [markdown]
# ## Exercise 4
#
# Batches of 8, so that there are as many steps as before. Five seeds.

# %%
few = slice(None, None, 8)
shared = np.array([trained(16, lesson.TASKS, seed, days=few) for seed in range(5)])
alone = np.array(
    [[trained(16, (name,), seed, days=few)[0] for name in lesson.TASKS] for seed in range(5)]
)
gain, half = lesson.compare(shared, alone)
print(f"an eighth of the days: one for all is better by {gain:+.1f} +- {half:.1f} %")

# %% [markdown]
# ## Exercise 5 (long)
#
# The five groupings are abc, ab+c, ac+b, bc+a and a+b+c. At the cost of one network of 16 units,
# two networks have about 7 or 8 units each, three have 5. The frame is that of lesson 22:
# `best_groups` with losses in percent of those alone. Expect small differences; the point is the
# honest table.

# %%
budget = lesson.parameters(63, 16, [1, 1, 5])
for groups in ([[1, 1, 5]], [[1, 1], [5]], [[1, 5], [1]], [[1], [1], [5]]):
    units = 1
    while sum(lesson.parameters(63, units + 1, heads) for heads in groups) <= budget:
        units += 1
    print(f"{len(groups)} network(s) with heads {groups}: {units} units each")
    assert units == {1: 16, 2: 8, 3: 5}[len(groups)]
