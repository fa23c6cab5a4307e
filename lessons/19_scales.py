# %% [markdown]
# # Lesson 19: Scales
#
# At the end you know why one of several losses can take the network for itself, how to see it
# before the first training step, and four cures. You have compared the cures on held-back data, in
# a table that also shows what each of them costs.
#
# You need: one sum of gradients for all losses (lesson 8), loss weights (lesson 9), and the Gram
# matrix of the losses (lesson 11).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.data.text import Vocabulary

# %% [markdown]
# ## The question
#
# A famous example asks three things about the person who wrote a text: age, income, gender. One
# network, three outputs, three losses. The age is a number of years, the others may be classes. Can
# one add such losses?
#
# Texts of real persons do not ship with this package. We take the works of the Tate (lesson 8). The
# text is the artist's name and the title. The three questions are of the same three kinds:
#
# - `age`: how old was the work in the year 2013? A number of years.
# - `medium`: what kind of work is it (print, film ...)? One of 8 classes.
# - `many`: are 20 works or more by this artist in our data? Yes or no.

# %%
tate = tg.data.load("tate")
texts = [f"{tate.artist_names[a]}: {t}" for a, t in zip(tate.artist, tate.title, strict=True)]
age_in_years = 2013.0 - tate.year
medium = tate.medium.astype(int)
many = (np.bincount(tate.artist)[tate.artist] >= 20) * 1.0
print(texts[0], "| age", age_in_years[0], "|", tate.medium_names[medium[0]], "| many", many[0])

# %% [markdown]
# The samples go into three groups. The network learns from `train`. We make decisions with `check`.
# `held_back` is for the table at the end, and for nothing else.
#
# Each text becomes a row of 1000 numbers: 1 where a word of our list occurs, else 0. `Vocabulary`
# makes the list, from the most frequent words of `train`.

# %%
WORDS = 1000
known = np.random.default_rng(0).permutation(np.flatnonzero(~tate.test))
train, check, held_back = known[400:], known[:400], np.flatnonzero(tate.test)

ids = Vocabulary([texts[i] for i in train], WORDS).ids(texts, length=20)  # 20 word numbers each
x = np.zeros((len(texts), WORDS), np.float32)
x[np.arange(len(texts))[:, None], ids] = 1
x[:, 0] = 0  # number 0 only fills up short texts
print(len(train), "to learn from,", len(check), "to check,", len(held_back), "held back")
assert (len(train), len(check), len(held_back)) == (3026, 400, 858)


def make(seed, weights):
    tg.set_random_seed(seed)
    words = tg.Input((WORDS,), name="words")
    h = tg.layers.Dense(64, activation="relu", name="shared")(words)
    age = tg.layers.Dense(1, name="age")(h)
    medium = tg.layers.Dense(8, activation="softmax", name="medium")(h)
    many = tg.layers.Dense(1, activation="sigmoid", name="many")(h)
    model = tg.Model(words, [age, medium, many])
    # "sparse": the classes are given as numbers from 0 to 7
    loss = ["mean_squared_error", "sparse_categorical_crossentropy", "binary_crossentropy"]
    model.compile("rmsprop", loss, weights, [["mae"], ["accuracy"], ["accuracy"]])
    return model


def labels(rows, age):
    return {"age": age[rows], "medium": medium[rows], "many": many[rows]}


# %% [markdown]
# ## Before the first step
#
# A new network answers about 0 for the age, and gives all classes about the same chance. The mean
# age is 14 years. The cross-entropy of 8 equal chances is log(8) = 2.1, that of 2 is log(2) = 0.7.
#
# **Before you run the next cell, write down**: about how large is the mean squared error of the
# age?

# %%
ONES = {"age": 1.0, "medium": 1.0, "many": 1.0}
some = train[:500]  # enough to measure gradients with
flow = make(0, ONES).gradient_flow(x[some], labels(some, age_in_years))
print({name: f"{value:.1f}" for name, value in flow.values.items()})
assert abs(age_in_years[train].mean() - 14) < 0.5 and 200 < flow.values["age"] < 260
assert abs(flow.values["medium"] - np.log(8)) < 0.2 and abs(flow.values["many"] - np.log(2)) < 0.1

# %% [markdown]
# More than 200: 14 times 14 makes 196 already. But a network does not learn from the size of a
# loss. It learns from gradients. So we look at the gradients on the layer which all three share.
#
# The Gram matrix of lesson 11 has the squared lengths of the three gradients on its diagonal. A
# loss with the weight `w` pulls with `w` times the length of its gradient.
#
# **Your turn.** Which share of the pulling belongs to each loss? The shares must add up to 1.


# %%
def shares(gram, weights):
    # YOUR TURN: `gram` is the Gram matrix, `weights` a list of loss weights in the same order.
    # Return an array: weight times length of each gradient, divided by the sum of all of these.
    raise NotImplementedError("YOUR TURN")


gram = flow.measure("shared").gram
print(f"{'':<22}" + "".join(f"{name:>9}" for name in flow.losses))
print(f"{'length of gradient':<22}" + "".join(f"{flow.norm(n, 'shared'):>9.2f}" for n in ONES))
print(f"{'share of the pull':<22}" + "".join(f"{s:>9.3f}" for s in shares(gram, [1, 1, 1])))
assert shares(gram, [1, 1, 1])[0] > 0.95

# %% [markdown]
# The age has more than 95 of 100 parts. The shared layer will be built for the age.
#
# Does this come from the task? Break it: we give the same ages in months. Nothing about the works
# has changed. **Before you run the next cell, write down** what becomes of the age's gradient.

# %%
in_months = make(0, ONES).gradient_flow(x[some], labels(some, 12 * age_in_years))
factor = in_months.norm("age", "shared") / flow.norm("age", "shared")
print(f"the gradient of the age becomes {factor:.1f} times as long")
assert 11 < factor < 13

# %% [markdown]
# About twelve times as long. **The unit decides who gets the network.** That cannot be right.
#
# ## Four cures
#
# **1. Weights from experience.** A well-known book gives the losses of age, income and gender the
# weights 0.25, 1 and 10.
#
# **2. Weights read off the Gram matrix.** Choose the weights such that all three pull alike at the
# start.
#
# **Your turn.** If a gradient has the length `n`, which weight makes it a gradient of length 1?


# %%
def equal_pull(gram):
    # YOUR TURN: return a list of weights, one for each loss, such that each weight times the
    # length of its gradient is 1.
    raise NotImplementedError("YOUR TURN")


BOOK = {"age": 0.25, "medium": 1.0, "many": 10.0}
equal = dict(zip(ONES, equal_pull(gram), strict=True))
print("weights for equal pull:", {name: f"{weight:.3f}" for name, weight in equal.items()})
assert np.allclose(shares(gram, list(equal.values())), 1 / 3)

# %% [markdown]
# **3. Scale the target.** Leave the weights alone. Subtract the mean age, and divide by the
# standard deviation. The network then predicts numbers of the size 1, and we turn its answers back
# into years.
#
# **Your turn.** Mean and standard deviation are learned from data, too. So use the known ages only.


# %%
def scaled(ages, known_ages):
    # YOUR TURN: return `ages` minus the mean of `known_ages`, divided by the standard deviation of
    # `known_ages`.
    raise NotImplementedError("YOUR TURN")


age_scaled = scaled(age_in_years, age_in_years[train])
one_unit = age_in_years[train].std()  # so many years are 1 in the new scale
flow_scaled = make(0, ONES).gradient_flow(x[some], labels(some, age_scaled))
pulls = {
    "all weights 1": shares(gram, [1, 1, 1]),
    "weights of the book": shares(gram, list(BOOK.values())),
    "equal pull": shares(gram, list(equal.values())),
    "target scaled": shares(flow_scaled.measure("shared").gram, [1, 1, 1]),
}
print(f"{'share of the pull':<22}" + "".join(f"{name:>9}" for name in ONES))
for name, share in pulls.items():
    print(f"{name:<22}" + "".join(f"{s:>9.3f}" for s in share))
assert pulls["weights of the book"][1] < 0.1 and min(pulls["target scaled"]) > 0.1

try:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6.4), layout="constrained")
    above, below = figure.subplots(2)
    flow.bars(above, by="layer")
    flow_scaled.bars(below, by="layer")
    figure.savefig("lesson19.png", dpi=110)
    print("lesson19.png is written")
except ImportError as error:
    print("No picture was drawn:", error)

# %% [markdown]
# The weights of the book are made for other data. Here they help `many`, but `medium` still has
# less than one part of ten.
#
# Look at `lesson19.png`. Above: the age in years. The first bar belongs to the shared layer, and it
# is blue. Below: the age scaled. All three colours can be seen. (The rim at the end of a bar is the
# length that is lost when the gradients are added. The number beside it is the lowest cosine of two
# of them, lesson 11.)
#
# **4. Stop one task.** Let all three learn. When one of them gets better only slowly, set its
# weight to 0, so that the others get the network. `EarlyStopping(only="age")` does this. It watches
# the loss on `check`, and acts when that loss gets better by less than `min_delta`.
#
# ## The comparison
#
# Each network goes 8 times through the data (8 epochs), from two seeds. **Before you run the next
# cell, write down**: which cure will be the best for `medium`? And will any cure make the age
# better, too?


# %%
def learn(model, age, callbacks=()):
    validation = (x[check], labels(check, age))
    options = {"callbacks": callbacks, "validation_data": validation}
    return model.fit(x[train], labels(train, age), epochs=8, verbose=0, **options).history


def scores(weights, age=None, unit=1.0, stop=False):
    """The means of two networks on what was held back. The error of the age is in years."""
    age, rows = age_in_years if age is None else age, []
    for seed in (0, 1):
        model = make(seed, weights)
        stopping = tg.callbacks.EarlyStopping("val_age_loss", min_delta=4.0, only="age")
        learn(model, age, [stopping] if stop else [])
        found = model.evaluate(x[held_back], labels(held_back, age), return_dict=True)
        rows.append([found["age_mae"] * unit, found["medium_accuracy"], found["many_accuracy"]])
    return np.mean(rows, axis=0)


table = {
    "all weights 1": scores(ONES),
    "weights of the book": scores(BOOK),
    "equal pull": scores(equal),
    "target scaled": scores(ONES, age_scaled, one_unit),
    "age stopped": scores(ONES, stop=True),
}
table["one answer for all"] = [
    np.abs(age_in_years[held_back] - np.median(age_in_years[train])).mean(),
    np.mean(medium[held_back] == np.bincount(medium[train]).argmax()),
    np.mean(many[held_back] == 0),
]
print(f"\n{'held-back works':<22}{'age, error':>12}{'medium':>9}{'many':>9}")
for name, (age_error, medium_right, many_right) in table.items():
    print(f"{name:<22}{age_error:>12.2f}{medium_right:>9.2f}{many_right:>9.2f}")

ones, book, equal_, in_scale, stopped, one_answer = table.values()
assert ones[1] < one_answer[1] + 0.2 and ones[2] < 0.9 and ones[1] < stopped[1] < equal_[1]
assert book[2] > 0.95 and book[1] < equal_[1] - 0.05 and stopped[0] > ones[0]
assert equal_[1] > 0.55 and equal_[2] > 0.95 and equal_[0] > ones[0]
assert abs(in_scale[1] - equal_[1]) < 0.08 and in_scale[2] > 0.95 and in_scale[0] < ones[0]

# %% [markdown]
# For the age you see the mean error in years, for the others the share of right answers. Read the
# table line by line. The last line is the best that one can do without reading the text.
#
# - **All weights 1:** the age gets the network. The other two learn little.
# - **Weights of the book:** `many` is free, `medium` is not. Weights from other data do not fit.
# - **Equal pull:** both are free. But the age is worse: it had the network for itself, and now it
#   shares. A weight takes from one task what it gives to another.
# - **Target scaled:** both are about as free as with equal pull, and the age is better, too. Its
#   head no longer has to climb from 0 to 14 before it can learn the differences.
# - **Age stopped:** the other two get better, but they have lost the first epochs. The age is worse
#   than without stopping.
#
# So here the cheapest cure is the best one. One table on one data set is no law. But an order of
# work follows: **scale number targets first, then look at the shares, then choose weights.**
#
# ## Break it: does a stopped task stand still?
#
# One more time we stop the age, now with the scaled target, and after four epochs.
# `LossWeightScheduler` sets weights before each epoch. From then on the head of the age makes no
# step: its gradient is 0, and RMSprop remembers no direction (Adam does, lesson 9). **Before you
# run the next cell, write down** how the error of the age on `check` goes on: does it stay, get
# better, or get worse?


# %%
def stop_after_four(epoch, weights):
    return {"age": 0.0} if epoch >= 4 else {}


print("error of the age on `check`, in years, after each epoch:")
kinds = {"not stopped": [], "stopped": [tg.callbacks.LossWeightScheduler(stop_after_four)]}
for name, callbacks in kinds.items():
    errors = learn(make(0, ONES), age_scaled, callbacks)["val_age_mae"]
    print(f"{name:<12}", " ".join(f"{one_unit * error:.2f}" for error in errors))
    assert (errors[-1] > errors[3]) == (name == "stopped")

# %% [markdown]
# It gets worse. The head stands still, but the shared layer goes on to move under it, for the other
# two tasks. Without its loss, nobody looks after the age any more. Whoever stops a task early must
# keep a copy of the weights of that moment (`get_weights`), or freeze the shared layers, too.
#
# ## What you now know
#
# - Losses are added as they are, so their units decide. Look at the gradients on the shared layer.
# - The diagonal of the Gram matrix says who pulls how much, before the first step.
# - Weights, equal pull and stopping move attention between tasks. Scaling a target removes a
#   difference that was never meant.
# - A stopped task gets worse while the shared layers learn for others.
# - Compare cures on data that was held back, with a line for the answer without looking.
#
# **Try it:** scale the target and take equal pull as well. Is there anything left to gain? Or let
# all networks learn for 30 epochs. Which lines of the table come closer together?
#
# Next: a whole model, used as a layer.
