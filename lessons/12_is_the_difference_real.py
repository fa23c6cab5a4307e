# %% [markdown]
# # Lesson 12: Is the difference real?
#
# At the end you can say of two trainings which one is better, how sure you are, and when the honest
# answer is: no difference was seen. You know how many seeds that takes, and why the best of twenty
# tries is always better than it is.
#
# You need: a network with two outputs, and the weights of its losses (lessons 8 and 9).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import picture

tg.use("numpy", replay=False)  # a replay makes long trainings faster; these are short

# %% [markdown]
# ## Question: 69 or 77?
#
# Handwritten digits again, 300 of them to learn from. One trunk, two outputs: `digit`, one of ten,
# and as a helper `even`, yes or no. Somebody trains once with the weight 0.2 in front of the
# helper, and once with 2.0. Then they write: "With 2.0, 77 of 100 digits are right, with 0.2 only
# 69. So the helper should have the weight 2.0."
#
# Here is what they did.

# %%
digits = tg.data.load("digits")
pixels = digits.image.reshape(-1, 64) / 16
labels = {"digit": digits.digit, "even": (digits.digit % 2 == 0) * 1.0}
known, exam = np.flatnonzero(~digits.test)[:300], np.flatnonzero(digits.test)
data = pixels[known], {name: label[known] for name, label in labels.items()}
held_back = pixels[exam], {name: label[exam] for name, label in labels.items()}


def build(even=0.2):
    image = tg.Input((64,), name="image")
    trunk = tg.layers.Dense(16, activation="relu", name="trunk")(image)
    digit = tg.layers.Dense(10, activation="softmax", name="digit")(trunk)
    is_even = tg.layers.Dense(1, activation="sigmoid", name="even")(trunk)
    model = tg.Model(image, [digit, is_even])
    losses = ["sparse_categorical_crossentropy", "binary_crossentropy"]
    weights = {"digit": 1.0, "even": even}
    model.compile(tg.optimizers.RMSprop(0.01), losses, weights, metrics="accuracy")
    return model


def score(even, seed):
    """Train once; how many of 100 held-back digits are right?"""
    tg.set_random_seed(seed)  # fixes the first weights and the order of the samples
    model = build(even)
    model.fit(*data, epochs=3, verbose=0)
    return 100 * np.mean(model.predict(held_back[0])[0].argmax(axis=1) == digits.digit[exam])


low, high = score(0.2, seed=1), score(2.0, seed=2)
print(f"0.2: {low:.1f}   2.0: {high:.1f}")
assert abs(low - 69) < 1.5 and abs(high - 77) < 1.5

# %% [markdown]
# The numbers are right. But look at the seeds: there were two.
#
# ## Predict
#
# We train the *same* network 12 times, with the weight 0.2, and change nothing but the seed. How
# far will the best and the worst of the 12 be apart, in points (digits of 100)?


# %%
def my_prediction():
    # YOUR TURN: return "less than 1", "1 to 5" or "more than 5".
    raise NotImplementedError("YOUR TURN")


# %%
SEEDS = range(12)
light = np.array([score(0.2, seed) for seed in SEEDS])
print(light.round(1))
print(f"you said {my_prediction()}, it is {light.max() - light.min():.1f}")
assert light.max() - light.min() > 10

# %% [markdown]
# More than ten points, between networks that differ in nothing but luck. A difference of 8 between
# two single runs says nothing at all.
#
# ## Mean and spread
#
# So one number is not enough. Say two: the mean of several seeds, and the *spread*, how far a
# single run usually is from it. The common measure is the *standard deviation*: take the mean away
# from each number, square, add up, divide by the count less 1, take the root. (Less 1, because the
# mean was made of the same numbers and lies nearer to them than the true one.)
#
# **Your turn.** With one seed, nobody knows the spread.


# %%
def mean_and_spread(scores):
    """Mean and standard deviation; the second one is None if there is one score only."""
    # YOUR TURN: three or four lines. scores is a list or an array.
    raise NotImplementedError("YOUR TURN")


# %%
heavy = np.array([score(2.0, seed) for seed in SEEDS])
for even, scores in ((0.2, light), (2.0, heavy)):
    mean, spread = mean_and_spread(scores)
    print(f"weight {even}: {mean:.1f}, spread {spread:.1f}")
assert 3 < light.mean() - heavy.mean() < light.std(ddof=1)

# %% [markdown]
# In the mean, 2.0 is *worse*. But the means differ by less than the spreads. Is it real?
#
# ## How far can the mean be off?
#
# With other seeds, the mean would be another one, too. But means vary less than single runs: errors
# of both signs cancel. The mean of n runs is off by about spread / sqrt(n). How many times that
# must one go to both sides, to be right in 95 of 100 cases? With few runs the spread itself is
# badly known, so one must go farther. How much farther was found by Student, as the brewer W. S.
# Gosset signed his paper "The probable error of a mean" (1908). The number is called t, and tables
# of it have been in books since R. A. Fisher's "Statistical methods for research workers" (1925):

# %%
T = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
]  # fmt: skip


def t(n):
    """For n numbers, from 2 on; beyond the table, its last value, which is a little careful."""
    return T[min(n - 2, len(T) - 1)]


# %% [markdown]
# **Your turn.** The *interval* reaches from mean - half to mean + half. Write half.


# %%
def half_width(scores):
    """t * spread / sqrt(n); None if there is one score only."""
    # YOUR TURN: use mean_and_spread, or np.std with ddof=1.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# Do not believe the table. Test it: draw 5 numbers whose true mean is 0, make the interval, and see
# if 0 is in it. Do that many times.
#
# **Break it**, too: with 3 numbers, go only 2 times spread / sqrt(n) to both sides, as one often
# reads. **Before you run the next cell, write down** how often 0 will be inside then.

# %%
random = np.random.default_rng(0)
fives, threes = random.standard_normal((4000, 5)), random.standard_normal((4000, 3))
inside = np.mean([abs(row.mean()) <= half_width(row) for row in fives])
simple = np.mean([abs(row.mean()) <= half_width(row) / t(3) * 2 for row in threes])
print(f"5 numbers, with t: {inside:.1%} inside     3 numbers, with 2: {simple:.1%} inside")
assert abs(inside - 0.95) < 0.012 and simple < 0.85

# %% [markdown]
# ## Compare pair by pair
#
# Look at the two rows of scores, seed by seed:

# %%
print("0.2:", light.round(1))
print("2.0:", heavy.round(1))
print(f"apart: spreads {light.std(ddof=1):.1f} and {heavy.std(ddof=1):.1f}", end="; ")
print(f"of the differences: {(heavy - light).std(ddof=1):.1f}")
assert (heavy - light).std(ddof=1) < 0.7 * light.std(ddof=1)

# %% [markdown]
# A seed that is bad for one is mostly bad for the other: the same first weights, the same order of
# the samples. What both have in common cancels in the difference. So do not make an interval for
# each of the two means and compare those. Take the *same seeds* for both, and make one interval for
# the differences: the *paired* comparison.
#
# **Your turn.** Return three things: the mean of the differences, new minus old; half of its
# interval; and a word. The word is "higher" or "lower" if the whole interval lies on one side of 0,
# "not seen" if 0 is in it, and "one seed" if there is one pair only (then half is None).


# %%
def compare(new, old):
    """Mean difference, half of its interval, and "higher", "lower", "not seen" or "one seed"."""
    # YOUR TURN: about 7 lines.
    raise NotImplementedError("YOUR TURN")


# %%
for n in (1, 3, 5, 12):
    middle, half, word = compare(heavy[:n], light[:n])
    print(f"{n:>2} seeds: {middle:+.1f}", "" if half is None else f"+- {half:.1f}", word)
# two rows of 12: two means are taken away, so 22 of 24 numbers are free, as with 23 numbers in one
apart = t(23) * np.sqrt((light.var(ddof=1) + heavy.var(ddof=1)) / 12)
print(f"12 seeds, not paired: +-{apart:.1f}")
assert compare(heavy[:3], light[:3])[2] == "not seen" and compare(heavy, light)[2] == "lower"
assert apart > abs((heavy - light).mean())


def draw(figure):
    left, right = figure.subplots(1, 2)
    for pair in zip(light, heavy, strict=True):
        left.plot(["0.2", "2.0"], pair, "o-", color="C7")
    left.set(xlabel="weight of even", ylabel="digits right of 100", title="one line for each seed")
    for n in range(3, 13):
        middle, half, _ = compare(heavy[:n], light[:n])
        right.errorbar(n, middle, half, marker="o", color="k", capsize=3)
    right.axhline(0, color="C3")
    right.set(xlabel="seeds", title="difference, with its interval")


picture("lesson12.png", draw)

# %% [markdown]
# With one or three seeds one cannot tell. With all twelve it is clear: the weight 2.0 makes the
# digits worse. Not paired, the same 24 trainings would not have shown it.
#
# ## How many seeds?
#
# Before you train for a week: the interval of n differences is about t(n) * spread / sqrt(n) to
# both sides. You know the spread from a few runs. You know which difference would matter to you.
#
# **Your turn.** How many seeds make the half smaller than this difference?


# %%
def seeds_needed(spread, difference):
    """The smallest n, from 2 on, for which t(n) * spread / sqrt(n) is below the difference."""
    # YOUR TURN: a loop, about 4 lines.
    raise NotImplementedError("YOUR TURN")


# %%
spread = (heavy - light).std(ddof=1)
for difference in (8.0, 4.0, 2.0, 1.0, 0.5):
    print(f"to see {difference} points: {seeds_needed(spread, difference)} seeds")
assert seeds_needed(spread, 0.5) > 10 * seeds_needed(spread, 2.0)

# %% [markdown]
# Half the difference needs about four times the seeds. Most "improvements" in the world are smaller
# than what their few seeds can show.
#
# Two warnings. With this n the half is about as long as the difference, so luck still decides
# whether you see it. And choose n *before* you train. Who looks after each seed, and stops as soon
# as something is seen, gives luck ten chances. **Before you run the next cell, write down** both
# numbers, of 100.

# %%
n, draws = seeds_needed(spread, 2.0), np.random.default_rng(1).standard_normal((1000, 12))
seen = np.mean([compare(2 + spread * row[:n], 0 * row[:n])[2] == "higher" for row in draws])
looks = [[compare(row[:k], 0 * row[:k])[2] for k in range(3, 13)] for row in draws]
alarms = np.mean([set(words) != {"not seen"} for words in looks])
print(f"a true difference of 2 points, {n} seeds: seen in {seen:.0%}")
print(f"none at all, looked at after each of 3 to 12 seeds: {alarms:.0%} see one")
assert 0.45 < seen < 0.6 and 0.14 < alarms < 0.22

# %% [markdown]
# One half, more or less: take more seeds than that if you can. And nearly one in five sees what is
# not there, not one in twenty.
#
# ## The best of twenty
#
# Now the finest way to fool yourself. You try 20 variants, five seeds each, and keep what is
# "higher". Let us do it with variants that are *useless*: each draws its five scores from the 12
# scores of the old network. They are the old network.
#
# **Before you run the next cell, write down:** in how many of 100 such searches will at least one
# variant look better, or worse, for sure?


# %%
def useless_search(tries=20):
    """The words for so many variants which do not differ from the old network in anything."""
    return [compare(*random.choice(light, (2, 5)))[2] for _ in range(tries)]


searches = [useless_search() for _ in range(200)]
found = np.mean([set(words) != {"not seen"} for words in searches])
each = np.mean([word != "not seen" for words in searches for word in words])
print(f"of single variants {each:.1%} look different; of searches, {found:.0%} find something")
again = np.mean([useless_search(1) != ["not seen"] for _ in range(500)])
print(f"tried once more, with new seeds: {again:.1%}")
assert each < 0.08 and found > 0.4 and again < 0.08

# %% [markdown]
# An interval that is right in 95 of 100 cases is wrong in 5 of 100. Who tries 20 things finds
# something in about 1 - 0.95**20 = 64 of 100 searches. The cure costs little: **try what you have
# found once more, with new seeds**, and believe only that. And tell how many things you have tried.
#
# ## What the library says
#
# `tg.flow.whatif` does all this for loss weights: it trains the network with each mixture, from the
# same seeds, and compares pair by pair.

# %%
runs = tg.flow.whatif(
    build, data, [{"even": 0.0}, {"even": 2.0}], held_back=held_back, epochs=3, records=1
)
print(runs.table().replace("\u00b1", "+-"))  # a sign that not every console can print
theirs, yours = runs.difference("digit_accuracy", {"even": 2.0}), compare(heavy[:5], light[:5])
print(f"theirs: {100 * theirs.mean:.2f} +- {100 * theirs.spread:.2f}", end="  ")
print(f"yours: {yours[0]:.2f} +- {yours[1]:.2f}")
assert np.allclose([100 * theirs.mean, 100 * theirs.spread], yours[:2], atol=0.01)
none = runs.difference("digit_accuracy", {"even": 0.0})
helps = [round(100 * (-none.mean + side * none.spread)) for side in (-1, 1)]
print(f"the helper adds between {helps[0]} and {helps[1]} points")
assert none.kind == "unseen" and -8 <= helps[0] <= -4 and 1 <= helps[1] <= 3

# %% [markdown]
# Find the row `even x 0` below `digit accuracy`: *no difference seen*. Does the helper with the
# weight 0.2 help to read digits? Five seeds do not show it. That is a result, too, and its interval
# says how much it is worth. Mind the sign: the row says *without* the helper minus *with* it, +1.9
# +- 3.8. So what the helper adds lies probably between -6 and +2 points. That does *not* say that
# it adds nothing. So write "no difference seen, between -6 and +2 with five seeds", and never "no
# difference".
#
# (To *choose* by such scores, hold back a second set, as in lesson 6: what you choose by is no exam
# any more.)
#
# ## What you now know
#
# - One training is one draw. Say mean and spread of several seeds, and how many.
# - Compare with the same seeds, pair by pair; the differences spread less.
# - Mean +- t * spread / sqrt(n): if 0 is in it, no difference was seen.
# - Half the difference needs four times the seeds.
# - Twenty tries find something in any noise. Repeat what you have found with new seeds.
#
# ## Exercises
#
# 1. *A sign test* needs no formula: if nothing differs, each seed goes up or down like a coin. How
#    probable is it that of 12 coins at least 11 show the same side? Compute it, and count it with
#    100,000 thrown rows. Right if both agree within 0.001. What does it say of our 12 seeds?
# 2. Repeat the simulation of `half_width` with numbers that are not bell-shaped: the squares of
#    normal numbers (their true mean is 1). Right if you can say how often 1 is inside for 5 and for
#    20 numbers, and in which case the interval promises too much.
# 3. *Bonferroni*: who tries k things must ask each for an interval that is right in 100 - 5/k of
#    100 cases. For 5 numbers and k = 20 that is t = 6.25 and not 2.776. Right if, with it, at
#    most 10 of 100 useless searches find something.
# 4. (long) Take a claim of your own about this network: a wider trunk, another optimizer, tanh for
#    relu. Write down beforehand which difference would matter. Find the spread with 4 seeds,
#    compute the number of seeds, train, compare, and repeat with new seeds. Right if your sentence
#    names the difference, its interval and the number of seeds, whatever comes out.
#
# Next: networks with several inputs. Where branches meet, gradients are divided, and two laws tell
# how.
