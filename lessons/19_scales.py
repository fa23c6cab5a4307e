# %% [markdown]
# # Lesson 19: Scales
#
# At the end you know why one of several losses can take the network for itself, how to see it
# before the first training step, and four cures. You have compared the cures on held-back data, in
# a table that also shows what each of them costs.
#
# You need: losses and what a network answers at its start (lesson 7), one sum of gradients for all
# losses (lesson 8), loss weights (lesson 9), the Gram matrix of the losses (lesson 11), and the
# paired comparison (lesson 12).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.data.text import Vocabulary
from tinygrad_mo.flow.runs import compared
from tinygrad_mo.learn import picture

# %% [markdown]
# ## The question
#
# A famous example (F. Chollet, "Deep Learning with Python", 2017, section 7.1) asks three things
# about the person who wrote a text: age, income, gender. One
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
# Each text becomes a row of 500 numbers: 1 where a word of our list occurs, else 0. `Vocabulary`
# makes the list, from the most frequent words of `train`.

# %%
WORDS = 500
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
    metrics = [["mae"], ["accuracy"], ["accuracy"]]
    model.compile(tg.optimizers.RMSprop(0.002), loss, weights, metrics)
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
# **1. Weights from experience.** The book gives the losses of age, income and gender the
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
for name, one in (("years", flow), ("scaled", flow_scaled)):
    picture(f"lesson19_{name}.png", lambda figure, one=one: one.bars(figure.subplots(), by="layer"))

# %% [markdown]
# The weights of the book are made for other data. Here they help `many`, but `medium` still has
# less than one part of ten.
#
# Look at `lesson19_years.png`. The age is in years. The first bar belongs to the shared layer, and
# it is blue: the colour of the first loss, here the age. In `lesson19_scaled.png` the age is
# scaled, and all three colours can be seen. (The pale, empty rim at the end of a bar is the length
# that is lost when the gradients are added. The number beside it is the lowest cosine of two of
# them, lesson 11.)
#
# **4. Stop one task.** Let all three learn. When one of them gets better only slowly, set its
# weight to 0, so that the others get the network. `EarlyStopping(only="age")` does this. It watches
# the loss on `check`, and acts when that loss gets better by less than `min_delta`.
#
# **Your turn.** This is the long one: the rule. Remember the best loss so far. An epoch is better
# if its loss is below the best one by more than `min_delta`.


# %%
def epoch_to_stop(losses, min_delta):
    """The number of the first epoch, from 0, that is not better; None if each one is."""
    # YOUR TURN: about 6 lines. The first epoch is always better: nothing was there before it.
    raise NotImplementedError("YOUR TURN")


print(epoch_to_stop([9.0, 5.0, 3.0, 2.5, 1.0], min_delta=1.0), epoch_to_stop([9.0, 5.0], 1.0))

# %% [markdown]
# ## The comparison
#
# Each network goes 20 times through the data (20 epochs), from three seeds. We leave the book
# aside. **Before you run the next cell, write down**: which cure will be the best for `medium`? And
# will any cure make the age better, too?


# %%
def learn(model, age, epochs, callbacks=()):
    validation = (x[check], labels(check, age))
    options = {"callbacks": callbacks, "validation_data": validation, "batch_size": 256}
    return model.fit(x[train], labels(train, age), epochs=epochs, verbose=0, **options).history


def scores(weights, age=None, unit=1.0, stop=False):
    """A row for each seed, on what was held back. The error of the age is in years."""
    age, rows = age_in_years if age is None else age, []
    for seed in (0, 1, 2):
        model = make(seed, weights)
        stopping = tg.callbacks.EarlyStopping("val_age_loss", min_delta=4.0, only="age")
        learn(model, age, 20, [stopping] if stop else [])
        found = model.evaluate(x[held_back], labels(held_back, age), return_dict=True)
        rows.append([found["age_mae"] * unit, found["medium_accuracy"], found["many_accuracy"]])
    return np.array(rows)


table = {
    "all weights 1": scores(ONES),
    "equal pull": scores(equal),
    "target scaled": scores(ONES, age_scaled, one_unit),
    "age stopped": scores(ONES, stop=True),
}
middle = np.abs(age_in_years[held_back] - np.median(age_in_years[train])).mean()
frequent = np.mean(medium[held_back] == np.bincount(medium[train]).argmax())
print(f"\n{'held-back works':<18}{'age, error':>15}{'medium':>15}{'many':>15}")
no = np.mean(many[held_back] == 0)
print(f"{'one answer for all':<18}{middle:>15.2f}{frequent:>15.2f}{no:>15.2f}")
for name, rows in table.items():
    print(f"{name:<18}", *(f"{np.mean(c):>6.2f} +- {np.std(c, ddof=1):.2f}" for c in rows.T))
for column, old in ((0, "all weights 1"), (0, "equal pull"), (2, "equal pull")):
    gain = compared(table["target scaled"][:, column], table[old][:, column])
    print(
        f"{list(ONES)[column]}, scaled - {old}: {gain.mean:+.3f} +- {gain.spread:.3f}, {gain.kind}"
    )
    assert gain.kind == ("unseen" if column else "lower")
ones, pull, _, stopped = (rows.mean(axis=0) for rows in table.values())
assert pull[1] > ones[1] + 0.1 and pull[2] > 0.95 > ones[2] + 0.03
assert pull[0] > ones[0] and stopped[0] > ones[0] + 0.2 and stopped[1] > ones[1] + 0.05

# %% [markdown]
# For the age you see the mean error in years, for the others the share of right answers, each with
# the standard deviation over three seeds. Below are differences, seed by seed, with Student's
# interval (lesson 12). The first line is the best that one can do without
# reading the text.
#
# - **All weights 1:** the age gets the network. The other two learn, but much less than they can:
#   see the lines below.
# - **Equal pull:** `medium` and `many` have the network, too. But the age is worse: it had the
#   network for itself, and now it shares. A weight takes from one task what it gives to another.
# - **Target scaled:** the same, and the age is better: better than with equal pull, and better than
#   when it had the network for itself. Both intervals leave out 0. Its head no longer has to climb
#   from 0 to 14 before it can learn the differences. For `many` a difference to equal pull is
#   not seen.
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


print("error of the age on `check`, in years, after each of eight epochs:")
kinds = {"not stopped": [], "stopped": [tg.callbacks.LossWeightScheduler(stop_after_four)]}
for name, callbacks in kinds.items():
    errors = one_unit * np.array(learn(make(0, ONES), age_scaled, 8, callbacks)["val_age_mae"])
    print(f"{name:<12}", *(f"{error:.2f}" for error in errors), end="  ")
    print("your rule, with a tenth of a year, stops at epoch", epoch_to_stop(errors, 0.1))
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
# ## Exercises
#
# 1. Scale the target and take equal pull as well: weights from the Gram matrix of `flow_scaled`. Is
#    there anything left to gain? It is right if the shares are 1/3 each, and if you compare with
#    three seeds and `compared`.
# 2. The weights of the book, 0.25, 1 and 10: which line of the table do they come next to? Predict
#    it from their shares before you train.
# 3. A share is of one moment. Print the shares of "all weights 1" before training and after 1, 2,
#    4, 8 epochs. Does the age keep its 95 parts of 100? It is right if each row adds up to 1.
# 4. Patience: let your rule wait, `epoch_to_stop(losses, min_delta, patience)`: only when
#    `patience` epochs in a row are not better. It is right if patience 1 gives the rule above.
# 5. (long) Weights that follow the training: after every epoch, set the loss weights to equal pull,
#    from the Gram matrix of that moment on 200 training samples (`model.loss_weights = ...`). Is
#    that better than the weights of the start? Three seeds, all three tasks, and intervals. (The
#    next lesson has methods that do such things.)
#
# Next: methods that choose the weights themselves, while the network learns.
