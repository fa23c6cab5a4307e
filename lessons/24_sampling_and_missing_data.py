# %% [markdown]
# # Lesson 24: Sampling, and labels that are missing
#
# At the end you know what a mean divides by when some labels are missing, how one draws the task
# that a step is for, and in which sense a task that is drawn more often has a larger loss weight.
# You have also seen where it has not: in the spread of the steps, and under Adam.
#
# You need: your engine with its rows (lesson 5), loss weights (lesson 9), Adam (lessons 9 and 10),
# and how one judges a difference from several seeds (lesson 12).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import loss_colours, my_work, picture

# %% [markdown]
# ## The question
#
# Until now each sample had a label for each task. Often it has not. To say which digit a picture
# shows, somebody must look at it, and that is dear. Other questions are cheap. So one task has many
# labels, the other one has few, and hardly any sample has both.
#
# Here are pictures of digits (lesson 18), and two tasks. `digit`: which digit is it? 60 pictures
# have this label. `even`: is the digit even? The other 1378 pictures have this label.

# %%
NAMES = ["digit", "even"]
digits = tg.data.load("digits")
pixels = digits.image.reshape(-1, 64) / np.float32(16)
truth = np.stack([digits.digit, digits.digit % 2 == 0]).astype(float)  # one row for each task
known, held_back = np.flatnonzero(~digits.test), np.flatnonzero(digits.test)
known = np.random.default_rng(0).permutation(known)
rows_of = [known[:60], known[60:]]  # which samples have a label for task 0, and for task 1
print("labels for", *NAMES, list(map(len, rows_of)))
assert list(map(len, rows_of)) == [60, 1378]

# %% [markdown]
# ## A label that is missing
#
# How does one write "there is no label"? 0 is a label: it is the digit 0. The library takes NaN,
# "not a number". We begin with the mean squared error of some answers `p`, and do it by hand.
#
# **Your turn.** The mean goes over the samples that have a label. The others have no part in the
# loss, so the slope of their answers is 0. If no sample has a label, the loss is 0, and so is each
# slope. One trap: NaN times 0 is NaN.


# %%
def loss_with_gaps(p, y):
    """The mean of (p - y)**2 over the labels that are there, and its slope at each p."""
    # YOUR TURN: np.isnan(y) is True where a label is missing. Return the loss and the slopes, an
    # array of the shape of p. About 7 lines.
    raise NotImplementedError("YOUR TURN")


# %%
print("loss, slopes:", loss_with_gaps(np.array([1.0, 2.0, 4.0]), np.array([0.0, np.nan, 2.0])))

# %% [markdown]
# ## Break it: fill the gaps with 0
#
# Some people write 0 where they know nothing. Take 1000 labels around 10, of which three quarters
# are missing, and a network that has only one number to learn, its answer to everything.
# **Write down:** which answer does it learn with gaps, and which one with 0 in the gaps?

# %%
random = np.random.default_rng(0)
gaps = random.normal(10, 1, 1000)
gaps[random.permutation(1000)[:750]] = np.nan
for name, labels in (("gaps", gaps), ("filled with 0", np.nan_to_num(gaps))):
    answer = 0.0
    for _ in range(200):
        answer -= 0.1 * loss_with_gaps(np.full(1000, answer), labels)[1].sum()
    print(f"{name:<14} the answer is {answer:.2f}")
    assert abs(answer - (10 if name == "gaps" else 2.5)) < 0.1

# %% [markdown]
# 0 is a label like any other: three quarters of all labels say 0, and the answer becomes a quarter
# of what it should be. There is no error message.
#
# ## By what does the mean divide?
#
# There are two honest ways to leave a sample out. A label of NaN: the mean divides by the number of
# labels that are there. A `sample_weight` of 0: the sample still counts, and the mean divides by
# all samples (by default, here and in Keras). **Write down:** how do the gradients differ?


# %%
def network(optimizer, seed=0):
    tg.set_random_seed(seed)
    image = tg.Input((64,), name="image")
    shared = tg.layers.Dense(32, activation="relu", name="shared")(image)
    heads = [tg.layers.Dense(n, name=name)(shared) for n, name in zip((10, 1), NAMES, strict=True)]
    model = tg.Model(image, heads)
    categories = tg.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, [categories, tg.losses.BinaryCrossentropy(from_logits=True)])
    return model


def labels_of(rows, task):
    """The labels of these samples for this task (a number, or one for each sample), else NaN."""
    return {name: np.where(task == k, truth[k][rows], np.nan) for k, name in enumerate(NAMES)}


model, which = network("sgd"), np.isin(known, rows_of[1]) * 1
with_nan = model.gradient_flow(pixels[known], labels_of(known, which))
everything = dict(zip(NAMES, truth[:, known], strict=True))
weights = {name: (which == k) * 1.0 for k, name in enumerate(NAMES)}
with_0 = model.gradient_flow(pixels[known], everything, sample_weight=weights)
for k, name in enumerate(NAMES):
    factor = with_0.norm(name, "shared") / with_nan.norm(name, "shared")
    print(f"{name:<6} NaN {with_nan.norm(name, 'shared'):.4f}, weight 0: {factor:.4f} times that")
    assert np.isclose(factor, len(rows_of[k]) / len(known))

# %% [markdown]
# 0.0417 is 60 / 1438, and 0.9583 is 1378 / 1438. So the divisor is a loss weight: with NaN both
# tasks count alike, with a weight of 0 each counts by its number of labels. Neither is wrong. But
# you should know which one you have chosen.
#
# ## Draw the task
#
# There is another way: each step is for one task alone. Draw the task, then draw a batch from the
# samples that have its label. How often should the small task be drawn?
#
# One number moves between the two answers above: the *temperature* T. The chance of a task is in
# proportion to n ** (1 / T), where n is its number of labels. (Arivazhagan and others, 2019, for
# languages with much text and with little.)
#
# **Your turn.** T can be `np.inf`, and Python knows that 1 / np.inf is 0.


# %%
def chances(sizes, temperature):
    """The chance of each task, as an array whose sum is 1."""
    # YOUR TURN: two lines. A list to the power of something: make an array of it first.
    raise NotImplementedError("YOUR TURN")


# %%
by_temperature = {T: chances([60, 1378], T) for T in (1, 3, np.inf)}
print({T: found.round(3).tolist() for T, found in by_temperature.items()})
assert np.allclose(by_temperature[1] * 1438, [60, 1378]) and np.ptp(by_temperature[np.inf]) == 0

# %% [markdown]
# T = 1 is "by the number of labels", T = infinity is "all alike".
#
# ## A weight, in expectation
#
# With loss weights, a step uses the sum of weight times gradient. With sampling, it uses the
# gradient of one task. What is it on the average? And how far from the average is a single step?
#
# **Your turn.** `gradients` has one row for each task. A step takes row k with the chance
# `chance[k]`. The *spread* is the root of the mean squared distance from the mean: for each row,
# the sum of the squared differences to the mean; then the mean of these, each with its chance; then
# the root.


# %%
def mean_and_spread(gradients, chance):
    # YOUR TURN: return the mean gradient (an array as long as a row) and the spread (a number).
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# Your engine has rows, one for each loss. So it needs one sweep to know all that sampling can do.

# %%
engine = my_work("the_engine")
fed = [engine.Node(name=name) for name in engine.NAMES]
feed = {node: random.standard_normal(s) for node, s in zip(fed, engine.SHAPES, strict=True)}
losses = engine.two_losses(*fed)
plan = engine.make_plan(losses)
sweep = engine.backward(plan, engine.forward(plan, feed), engine.seed_rows(plan, losses))
gradients = sweep[plan.slots[fed[1]]].reshape(2, -1)  # of the shared kernel, as rows
mean, spread = mean_and_spread(gradients, [0.25, 0.75])
drawn = gradients[random.choice(2, 20_000, p=[0.25, 0.75])]
drawn_spread = np.linalg.norm(drawn.std(axis=0))
print(f"spread {spread:.3f}, of 20,000 drawn steps {drawn_spread:.3f}")
assert np.abs(drawn.mean(axis=0) - mean).max() < 0.05 and abs(drawn_spread - spread) < 0.05

# %% [markdown]
# The mean is 0.25 times the one gradient and 0.75 times the other. **A chance is a loss weight, in
# expectation.** But the weighted sum has no spread, and the drawn gradient has. There are many ways
# to the same mean: draw a task seldom, and give its loss a large weight when it comes.

# %%
print("three ways to the mean 0.5 * first + 0.5 * second:")
for chance in (0.5, 0.25, 0.04):
    both = np.array([chance, 1 - chance])
    mean, spread = mean_and_spread(gradients * (0.5 / both)[:, None], both)
    print(f"drawn with {both}, weights {(0.5 / both).round(2)}: spread {spread:.2f}")
assert np.allclose(mean, gradients.mean(axis=0))
assert spread > 3 * mean_and_spread(gradients, [0.5, 0.5])[1]

# %% [markdown]
# The same mean, but the last way makes steps that jump. That is the first thing that sampling is
# not. The second is the optimizer.
#
# **Your turn, a prediction.** The gradient of some weight is 1 in each step. How far does it move
# in 4000 steps, if we change one thing? Either the loss gets the *weight* 1/4, so each gradient is
# 1/4. Or the loss gets the *chance* 1/4, so one gradient in four is 1, and the others are 0. Once
# with SGD, once with Adam. Compare it with the way that it goes without the change.


# %%
def my_prediction():
    # YOUR TURN: a dict with the keys "sgd weight", "sgd chance", "adam weight" and "adam chance".
    # Each value is one of the words "a quarter", "a half", "the same".
    raise NotImplementedError("YOUR TURN")


# %%
def way(name, factors):
    w, optimizer = tg.Parameter([0.0], "w"), tg.optimizers.get(name)
    for factor in factors:
        optimizer.apply({w: np.array([factor])})
    return float(w.numpy()[0])


gradient = {"weight": np.full(4000, 0.25), "chance": 1.0 * (random.random(4000) < 0.25)}
shares = {"sgd weight": 0.25, "sgd chance": 0.25, "adam weight": 1.0, "adam chance": 0.5}
for key, said in my_prediction().items():
    name, kind = key.split()
    share = way(name, gradient[kind]) / way(name, np.ones(4000))
    print(f"{key}: you said {said}, it is {share:.2f}")
    assert abs(share - shares[key]) < 0.05

# %% [markdown]
# SGD knows no difference. Under Adam a weight cancels (lesson 9), a chance does not. The running
# mean of the gradient is 1/4, the running mean of its square is 1/4, too, and Adam divides by the
# root of that: 1/4 divided by 1/2 makes a half. In general it is the root of the chance.
#
# ## Train with it
#
# **Your turn.** Lay out the batches of a whole training. In each step draw a task, then `size` of
# its samples, each draw free (one sample may come twice). Return two arrays with steps * size
# numbers: which sample, and for which task.


# %%
def draw_batches(random, chance, rows_of, steps, size):
    # YOUR TURN: random.choice(len(chance), p=chance) draws a task, and random.choice(rows, size)
    # draws from an array. np.concatenate makes one array of many. About 7 lines.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# In a batch of one task the labels of the other one are missing, so `labels_of` has what `fit`
# needs. 600 steps with 32 samples, three temperatures, three seeds. **Write down:** which
# temperature is best for `digit`, which one for `even`?

# %%
STEPS, SIZE, table = 600, 32, {}
print("the share of right answers for", *NAMES, "and how often each label was seen:")
for temperature, chance in by_temperature.items():
    table[temperature] = []
    for seed in range(3):
        model = network(tg.optimizers.SGD(0.1), seed)
        samples, tasks = draw_batches(np.random.default_rng(seed), chance, rows_of, STEPS, SIZE)
        model.fit(pixels[samples], labels_of(samples, tasks), SIZE, shuffle=False, verbose=0)
        digit, even = model.predict(pixels[held_back])
        answers = np.stack([digit.argmax(axis=1), even[:, 0] > 0])
        table[temperature].append((answers == truth[:, held_back]).mean(axis=1))
    seen = STEPS * SIZE * chance / [60, 1378]
    means, spreads = np.mean(table[temperature], axis=0), np.std(table[temperature], axis=0, ddof=1)
    print(f"T = {temperature:<4} {means.round(2)} +- {spreads.round(2)}, seen {seen.round()} times")
one, three, infinite = (np.array(found) for found in table.values())
assert (infinite - one)[:, 0].min() > 0.15 and (infinite - one)[:, 1].max() < 0
assert abs((infinite - three)[:, 0].mean()) < 0.1 and 12 < seen[0] / 13 < 13


def draw(figure):
    axes = figure.subplots()
    for k, (name, colour) in enumerate(loss_colours(NAMES).items()):
        lines = np.array(list(table.values()))[:, :, k]  # a row for each T, a column for each seed
        axes.plot(["1", "3", "infinite"], lines, "o-", c=colour, label=[name, None, None])
    axes.set(xlabel="temperature", ylabel="right, held-back digits", title="one line for each seed")
    axes.legend()


picture("lesson24.png", draw)

# %% [markdown]
# - With T = 1 the small task comes in one step of 24. It has learned far too little.
# - With T = infinity `digit` is better in each of the three seeds, by far, and `even` is worse in
#   each of them, by little: it has half of the steps now.
# - Between T = 3 and T = infinity we see no difference for `digit` that three seeds could show.
#   Each of the 60 labels is seen 80 times there, or 160 times. More of the same teaches little. (If
#   it is seen too often, a network learns it by heart: lesson 25.)
#
# ## Within a task, and what the library has
#
# One can also leave out *samples*: of the labels of a task, each step keeps only a part, drawn
# anew. That is again a label that is missing. **Write down:** if half of 64 labels are left out,
# what becomes of the mean gradient, and what of its spread?

# %%
p, y = random.normal(size=(2, 64))
halves = np.where(random.random((3000, 64)) < 0.5, y, np.nan)
slopes, whole = [loss_with_gaps(p, half)[1] for half in halves], loss_with_gaps(p, y)[1]
(mean, spread), length = mean_and_spread(slopes, np.full(3000, 1 / 3000)), np.linalg.norm(whole)
print(f"mean {np.linalg.norm(mean) / length:.2f}, spread {spread / length:.2f} times its length")
assert np.linalg.norm(mean - whole) < 0.05 * length and 0.9 < spread / length < 1.1

# %% [markdown]
# The mean is the full gradient, because the mean divides by the labels that are left. The spread is
# about as long as the gradient itself. Where all samples have all labels, `TaskSampler` does both:
# `across` draws one loss for each step, `within` leaves out labels.

# %%
sampler = tg.callbacks.TaskSampler(across={"digit": 1, "even": 3}, within={"even": 0.5})
model.fit(pixels[known], everything, callbacks=[sampler], verbose=0)
print("the loss weights afterwards are those from before:", dict(model.loss_weights))

# %% [markdown]
# ## What you now know
#
# - A missing label is NaN. 0 is a label, and it pulls.
# - The mean divides by the labels that are there (each task counts alike), or by all samples (each
#   counts by its size). The divisor is a loss weight.
# - A task that is drawn with the chance p has the weight p, in expectation. It is not the same
#   thing: the steps have a spread, and Adam moves by the root of p.
# - The temperature goes from "by size" to "all alike". How often a label is seen tells the price.
#
# ## Exercises
#
# 1. Get the spread from the Gram matrix G of the rows (lesson 11) and the chances p alone:
#    spread**2 = sum of p[k] * G[k, k], minus p @ G @ p. Right if it is `mean_and_spread`'s.
# 2. Labels are often missing for a reason. Take 1000 labels around 10 and remove those above 10.
#    Which answer is learned with gaps? Right if it lies 0.8 below 10. No mean can cure this: why?
# 3. In a batch with one label for `digit`, which weight has this label? In a batch with ten?
#    Take the labels 0, 1, ... 99 and p = 0, in batches of 1 and 99 labels. Right if the mean of the
#    two slopes (each summed over its batch) is not the slope of all, and you can say which label
#    pulls 99 times as much as any other.
# 4. (long) The same mean, another spread: train with T = 1, but give `digit` the loss weight
#    0.5 / 0.0417 and `even` 0.5 / 0.9583. Three seeds, and SGD with rates 0.1 and 0.01. Compare
#    with T = infinity. Right if you have a table with spreads, and a sentence for each rate.
#
# Next: what a network does that sees the same few labels again and again.
