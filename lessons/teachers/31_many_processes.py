# %% [markdown]
# # Lesson 31: solutions of the exercises

# %%
import numpy as np

from tinygrad_mo.learn import my_work

ours = my_work("many_processes")

# %% [markdown]
# ## Exercise 1
#
# A sum is not divided by anything: each share is 1.

# %%
random = np.random.default_rng(0)
x, y, w = random.normal(size=20), random.normal(size=20), 0.3


def of_sum(x, y):
    """The slope of sum((w x - y)**2)."""
    return (2 * (w * x - y) * x).sum()


each = [of_sum(x[start:end], y[start:end]) for start, end in ours.parts_of(20, 3)]
assert np.isclose(sum(1.0 * slope for slope in each), of_sum(x, y))

# %% [markdown]
# ## Exercise 2
#
# The count, the sum and the sum of squares, say. (If the mean is far from 0, the squares are large
# and lose digits; so the library adds up twice: first the sums, then squares of distances from the
# mean of all.)

# %%
parts = [x[start:end] for start, end in ours.parts_of(20, 3)]
count, total, squares = (sum(f(part) for part in parts) for f in (len, np.sum, lambda p: p @ p))
assert np.isclose(squares / count - (total / count) ** 2, np.var(x), atol=1e-5)

# %% [markdown]
# ## Exercise 3
#
# Large numbers that cancel, and a small one which is lost if it comes between them.

# %%
arrays = [np.float32([1e8]), np.float32([-1e8]), np.float32([1.0])]
ends = []
for rank in range(3):
    own = arrays[rank]
    for other in range(3):
        own = own + arrays[other] if other != rank else own
    ends.append(own.item())
print(ends)
assert len(set(ends)) > 1

# %% [markdown]
# ## Exercise 4 (long)
#
# The work of a rank is 0.1 / p seconds. What messages take grows with each rank: at some number
# the next rank costs more than it brings. What bytes take is nearly the same from some ranks on:
# if that is more than 0.1 seconds, as in the last network, one process is the fastest.


# %%
def seconds(ranks, alpha, beta, step=0.1, size=4e6):
    own = step / ranks
    return own / ours.efficiency(own, size, ranks, alpha, beta)


found = []
for alpha, beta in ((2e-6, 1e-10), (1e-4, 1e-10), (2e-6, 2e-8)):
    times = {ranks: seconds(ranks, alpha, beta) for ranks in range(1, 65)}
    best = min(times, key=times.get)
    print(
        f"alpha {alpha:g}, beta {beta:g}: {best} ranks, {times[1] / times[best]:.1f} times as fast"
    )
    found.append(best)
assert found == [64, 22, 1]
