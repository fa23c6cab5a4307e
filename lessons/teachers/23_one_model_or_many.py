# %% [markdown]
# # Lesson 23: for teachers
#
# Solutions of the exercises, with fewer seeds than a student should take.

# %%
import time

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
# In a narrow network the time goes into calling Python, and into checking the data; it is the same
# for a small network as for a large one. In a wide network the arithmetic of the shared layer
# counts. What comes out depends on the machine, so nothing is asserted here.

# %%
for units in (1, 16, 256):
    joint, each = lesson.build(units), [lesson.build(units, (name,)) for name in lesson.TASKS]
    one = lesson.fastest(lambda: joint.predict(held_back_x), 10, time.perf_counter)  # noqa: B023
    many = lesson.fastest(
        lambda: [model.predict(held_back_x) for model in each],  # noqa: B023
        10,
        time.perf_counter,
    )
    print(f"{units:>4} units: {1000 * one:.2f} and {1000 * many:.2f} ms, {many / one:.1f} times")


# %% [markdown]
# ## Exercise 3
#
# With a large weight the wind wins the only unit, and the warmth loses.


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
