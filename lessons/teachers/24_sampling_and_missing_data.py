# %% [markdown]
# # Solutions to the exercises of lesson 24

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work

lesson = my_work("sampling_and_missing_data")

# %% [markdown]
# ## Exercise 1
#
# The mean of squared distances is the mean of squares minus the square of the mean. The Gram matrix
# has the squares of the rows on its diagonal, and p @ G @ p is the square of the mean.

# %%
random = np.random.default_rng(0)
rows, p = random.standard_normal((3, 50)), np.array([0.2, 0.3, 0.5])
gram = rows @ rows.T
from_gram = np.sqrt(p @ np.diag(gram) - p @ gram @ p)
print(f"{from_gram:.6f} from the Gram matrix, {lesson.mean_and_spread(rows, p)[1]:.6f}")
assert np.isclose(from_gram, lesson.mean_and_spread(rows, p)[1])

# %% [markdown]
# ## Exercise 2
#
# The labels that are left are those of a bell below its middle: their mean lies 0.8 standard
# deviations below it (the root of 2 / pi). The labels that are there are not like those that are
# missing. No way to divide can know what was removed; one must know *why* labels are missing.

# %%
labels = np.random.default_rng(0).normal(10, 1, 1000)
labels[labels > 10] = np.nan
answer = 0.0
for _ in range(200):
    answer -= 0.1 * lesson.loss_with_gaps(np.full(1000, answer), labels)[1].sum()
print(f"the answer is {answer:.2f}; 10 minus the root of 2 / pi is {10 - np.sqrt(2 / np.pi):.2f}")
assert abs(answer - (10 - np.sqrt(2 / np.pi))) < 0.1

# %% [markdown]
# ## Exercise 3
#
# In a batch with one label, this label has the weight 1; with ten, each has 1/10. So the mean of
# the means of batches is not the mean of all, if batches have different numbers of labels. Here the
# lone label 0 pulls 99 times as much as each of the others.

# %%
y, zeros = np.arange(100.0), np.zeros(100)
first, rest, whole = (
    lesson.loss_with_gaps(zeros[part], y[part])[1]
    for part in (slice(0, 1), slice(1, 100), slice(0, 100))
)
print("mean of two batches", (first.sum() + rest.sum()) / 2, " all at once", whole.sum())
assert np.isclose((first.sum() + rest.sum()) / 2, -50) and np.isclose(whole.sum(), -99)
alone = lesson.loss_with_gaps(np.ones(1), np.zeros(1))[1][0]  # the pull of one unit of difference
one_of_99 = lesson.loss_with_gaps(np.ones(99), np.zeros(99))[1][0]
assert np.isclose(alone / one_of_99, 99)

# %% [markdown]
# ## Exercise 4 (long)
#
# Both have the same mean gradient in each step. With T = 1 and weights the seldom task comes with
# twelve times its gradient. If such a step is too long, the jumps cost; if the steps are small
# against what they are to cross, the mean is what counts.

# %%
STEPS, SIZE = 600, 32
digits = tg.data.load("digits")
pixels = digits.image.reshape(-1, 64) / np.float32(16)
truth = np.stack([digits.digit, digits.digit % 2 == 0]).astype(float)
known, held_back = np.flatnonzero(~digits.test), np.flatnonzero(digits.test)
known = np.random.default_rng(0).permutation(known)
rows_of = [known[:60], known[60:]]
by_size = lesson.chances([len(rows) for rows in rows_of], 1)


def right(seed, chance, weights, rate, steps):
    model = lesson.network(tg.optimizers.SGD(rate), seed)
    model.loss_weights = dict(zip(lesson.NAMES, weights, strict=True))
    samples, tasks = lesson.draw_batches(np.random.default_rng(seed), chance, rows_of, steps, SIZE)
    labels = {
        n: np.where(tasks == k, truth[k][samples], np.nan) for k, n in enumerate(lesson.NAMES)
    }
    model.fit(pixels[samples], labels, SIZE, shuffle=False, verbose=0)
    digit, even = model.predict(pixels[held_back])
    answers = np.stack([digit.argmax(axis=1), even[:, 0] > 0])
    return (answers == truth[:, held_back]).mean(axis=1)


worse = {}
for rate, steps in ((0.1, STEPS), (0.01, 3 * STEPS)):
    found = {
        "T = infinity": [right(seed, [0.5, 0.5], [1, 1], rate, steps) for seed in range(3)],
        "T = 1, weighted": [right(seed, by_size, 0.5 / by_size, rate, steps) for seed in range(3)],
    }
    for name, scores in found.items():
        mean, spread = np.mean(scores, axis=0), np.std(scores, axis=0, ddof=1)
        print(f"rate {rate}: {name:<16} {mean.round(2)} +- {spread.round(2)}")
    both, weighted = map(np.array, found.values())
    worse[rate] = (both - weighted)[:, 0]  # of digit, seed by seed
assert worse[0.1].min() > 0.1 and np.abs(worse[0.01]).mean() < 0.05

# %% [markdown]
# With the rate 0.1 the jumps cost `digit` a good part of its right answers, in each seed. With 0.01
# (and three times as many steps) no difference is to be seen: the mean decides.
