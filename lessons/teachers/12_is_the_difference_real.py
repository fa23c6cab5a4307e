# %% [markdown]
# # Lesson 12, for teachers: solutions of the exercises

# %%
from math import comb

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work

tg.use("numpy", replay=False)
lesson = my_work("is_the_difference_real")
random = np.random.default_rng(0)

# %% [markdown]
# ## Exercise 1
#
# All 12 alike: 2 of 4096 rows; 11 alike: 2 * 12 of them. Together 26 / 4096 = 0.0063. In the lesson
# 11 of 12 seeds went down, so this test, too, says that the difference is real. It does not say how
# large it is.

# %%
formula = 2 * (comb(12, 12) + comb(12, 11)) / 2**12
heads = random.integers(0, 2, (100_000, 12)).sum(axis=1)
counted = np.mean((heads >= 11) | (heads <= 1))
print(f"formula {formula:.4f}, counted {counted:.4f}")
assert formula == 26 / 4096 and abs(formula - counted) < 0.001

# %% [markdown]
# ## Exercise 2
#
# With 5 numbers, 1 is inside in about 83 of 100 cases, with 20 in about 90: the interval promises
# too much, and most with few numbers. Student's law is for numbers that are shaped like a bell;
# means of many numbers are, whatever the numbers are.

# %%
for n, expected in ((5, 0.83), (20, 0.90)):
    rows = random.standard_normal((4000, n)) ** 2
    inside = np.mean([abs(row.mean() - 1) <= lesson.half_width(row) for row in rows])
    print(f"{n} numbers: {inside:.1%} inside")
    assert abs(inside - expected) < 0.015

# %% [markdown]
# ## Exercise 3
#
# t = 6.25 is the quantile for 99.75 of 100 cases and five numbers. A search finds something in at
# most 5 of 100 cases (a little more or less: our scores are not bell-shaped, and 1000 searches are
# not all).

# %%
SCORES = np.array([77.7, 69.4, 81.9, 64.1, 75.5, 81.3, 79.4, 70.2, 73.8, 75.8, 75.5, 75.2])
draws = random.choice(SCORES, (1000, 20, 2, 5))
pairs = draws[:, :, 0] - draws[:, :, 1]
middle, spread = pairs.mean(axis=-1), pairs.std(axis=-1, ddof=1)
for t in (2.776, 6.25):
    found = np.mean((abs(middle) > t * spread / np.sqrt(5)).any(axis=1))
    print(f"t = {t}: {found:.1%} of the searches find something")
assert found < 0.07

# %% [markdown]
# ## Exercise 4
#
# One claim as an example: "A trunk of 32 units reads digits better than one of 16." A difference of
# 2 points would matter. Four seeds give a spread, it asks for a number of seeds, they are trained,
# and then it is repeated. (`build` and `score` of the lesson need its data, so they are here again,
# with the width.)

# %%
digits = tg.data.load("digits")
pixels = digits.image.reshape(-1, 64) / 16
known, exam = np.flatnonzero(~digits.test)[:300], np.flatnonzero(digits.test)


def score(units, seed):
    tg.set_random_seed(seed)
    image = tg.Input((64,), name="image")
    trunk = tg.layers.Dense(units, activation="relu", name="trunk")(image)
    model = tg.Model(image, tg.layers.Dense(10, activation="softmax", name="digit")(trunk))
    model.compile(tg.optimizers.RMSprop(0.01), "sparse_categorical_crossentropy")
    model.fit(pixels[known], digits.digit[known], epochs=3, verbose=0)
    return 100 * np.mean(model.predict(pixels[exam]).argmax(axis=1) == digits.digit[exam])


def scores(units, seeds):
    return np.array([score(units, seed) for seed in seeds])


first = scores(32, range(4)) - scores(16, range(4))
_, spread = lesson.mean_and_spread(first)
count = min(lesson.seeds_needed(spread, 2.0), 12)  # no more than we have time for
for start in (0, 100):
    seeds = range(start, start + count)
    middle, half, word = lesson.compare(scores(32, seeds), scores(16, seeds))
    print(f"{count} seeds from {start}: {middle:+.1f} +- {half:.1f}, {word}")
    assert word == "higher"
