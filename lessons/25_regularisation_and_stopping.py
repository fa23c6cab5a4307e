# %% [markdown]
# # Lesson 25: Regularisation and stopping
#
# At the end you have seen a network learn its samples by heart, for each of its losses apart. You
# know four cures: L2, dropout, noise, and stopping in time. You can say of each what it does to the
# gradient, and you have measured which of them cure what, from three seeds.
#
# You need: `gradient_flow` (lesson 8), a stopped task (lesson 19), missing labels (lesson 24), and
# how one judges a difference from several seeds (lesson 12).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.data.text import Vocabulary
from tinygrad_mo.learn import loss_colours, picture

# %% [markdown]
# ## The question
#
# The works of the Tate again (lesson 19): from artist and title, `medium` asks for one of 8 kinds
# of works, `age` for the age of the work. But now only 400 works are there to learn from. 400 more
# are there to make decisions with (`check`), and 858 are held back for the table at the end.

# %%
WORDS = 500
NAMES = ["medium", "age"]
tate = tg.data.load("tate")
texts = [f"{tate.artist_names[a]}: {t}" for a, t in zip(tate.artist, tate.title, strict=True)]
order = np.random.default_rng(0).permutation(np.flatnonzero(~tate.test))
train, check, held_back = order[:400], order[400:800], np.flatnonzero(tate.test)
ids = Vocabulary([texts[i] for i in train], WORDS).ids(texts, length=20)
x = np.zeros((len(texts), WORDS), np.float32)
x[np.arange(len(texts))[:, None], ids] = ids > 0  # number 0 only fills up short texts
age = (tate.year[train].mean() - tate.year) / tate.year[train].std()
labels = {"medium": tate.medium.astype(int), "age": age}
assert (len(train), len(check), len(held_back)) == (400, 400, 858)


def of(rows):
    """What `fit` and the others need of these works."""
    return x[rows], {name: labels[name][rows] for name in NAMES}


def network(seed=0, l2=0.0, dropout=0.0, noise=0.0):
    tg.set_random_seed(seed)
    words = tg.Input((WORDS,), name="words")
    h = tg.layers.GaussianNoise(noise)(words) if noise else words
    penalty = tg.layers.regularizers.L2(l2) if l2 else None
    h = tg.layers.Dense(32, "relu", kernel_regularizer=penalty, name="shared")(h)
    h = tg.layers.Dropout(dropout)(h)
    heads = [tg.layers.Dense(n, name=name)(h) for n, name in zip((8, 1), NAMES, strict=True)]
    model = tg.Model(words, heads)
    categories = tg.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tg.optimizers.Adam(0.01), [categories, "mse"])
    return model


def fit(model, callbacks=()):
    options = {"batch_size": 100, "callbacks": callbacks, "verbose": 0}
    return model.fit(*of(train), epochs=20, validation_data=of(check), **options).history


# %% [markdown]
# ## By heart
#
# 20 times through the 400 works. `history` has each loss after each epoch, on the works that
# are learned, and with `val_` in front on `check`. **Write down:** how do the two go on, and will
# both losses do the same?

# %%
plain = fit(network())
for name in NAMES:
    curve = plain[f"val_{name}_loss"]
    print(f"{name:<7} learned: {plain[f'{name}_loss'][-1]:.2f} at the end; check: lowest", end="")
    print(f" {min(curve):.2f} in epoch {np.argmin(curve) + 1}, {curve[-1]:.2f} at the end")
    assert plain[f"{name}_loss"][-1] < 0.2 and curve[-1] > min(curve) + 0.03
assert np.argmin(plain["val_age_loss"]) + 1 < np.argmin(plain["val_medium_loss"])

# %% [markdown]
# On the learned works both losses go to nearly 0. On `check` both fall, and then they rise again.
# The network has begun to learn what is true of these 400 works alone. This is **overfitting**, and
# each loss has its own: `age` turns round some epochs before `medium`.
#
# ## One more loss: L2
#
# To learn by heart, a network needs large weights. So one adds a third loss, a *penalty*:
#
#     strength * (the sum of the squares of all weights)
#
# It has no label and no output. It is a loss like the others, with its own gradient.
#
# **Your turn.** There may be several arrays of weights. Their sum is one number, and each array has
# a gradient of its own shape.


# %%
def l2_penalty(weights, strength):
    """The penalty of a list of arrays, and a list with its gradient for each of them."""
    # YOUR TURN: three lines. The slope of w**2 is 2 * w.
    raise NotImplementedError("YOUR TURN")


# %%
model = network(l2=0.03)
flow = model.gradient_flow(*of(train), keep_arrays=True)
value, (gradient,) = l2_penalty([model.get_layer("shared").kernel.numpy()], 0.03)
print(flow.table())
assert np.isclose(value, flow.values["regularization"], rtol=1e-4)
assert np.allclose(gradient, flow.gradient("regularization", "shared/kernel"), atol=1e-6)

# %% [markdown]
# Read the table: `regularization` has a path to `shared/kernel`, which has the penalty, and to
# nothing else. It pulls each weight towards 0, the stronger the larger the weight is. It does not
# balance the two tasks (some say so): their rows are what they were. There is a third row now.
#
# ## Dropout
#
# Dropout is another idea: in each step of training, each number of a layer's output is set to 0
# with the chance `rate`. So no unit can rely on another one. What stays is divided by 1 - rate:
# then the mean of many draws is x itself, and for predictions one simply takes x.
#
# **Your turn.** Write it in the form of lesson 1: the value, and a tuple with one pullback. What
# was thrown away forward must be thrown away backward, too. x can have any shape.


# %%
def dropout(x, rate, random):
    # YOUR TURN: random.random(x.shape) has a number between 0 and 1 for each number of x. About 5
    # lines.
    raise NotImplementedError("YOUR TURN")


# %%
random, some = np.random.default_rng(0), np.arange(1.0, 7.0)
value, (pull,) = dropout(some, 0.5, random)
print("one draw:             ", value, " its pullback of ones:", pull(np.ones(6)))
draws = np.array([dropout(some, 0.5, random)[0] for _ in range(5000)])
print("mean of many draws:   ", draws.mean(axis=0).round(1))
print("without the division: ", (0.5 * draws).mean(axis=0).round(1))  # break it
assert np.allclose(draws.mean(axis=0), some, atol=0.3)

# %% [markdown]
# The last line breaks it: without the division the next layer sees numbers of half the size while
# it learns, and the whole ones when it predicts.
#
# ## Noise on the inputs
#
# The third cure: add random numbers to the inputs, others in each step. What does that do to the
# loss? Take one linear unit, so y = x @ w, and noise with the standard deviation s. The mean of
# (noisy answer - label)**2 over many draws is
#
#     (answer - label)**2 + s**2 * (the sum of the squares of w)
#
# **Noise on the input of a linear unit is L2 in expectation**, of the strength s**2 (Bishop, 1995).

# %%
w, row, label = random.standard_normal(20), random.standard_normal(20), 1.0
noisy = row + 0.3 * random.standard_normal((50_000, 20))
measured = ((noisy @ w - label) ** 2).mean() - (row @ w - label) ** 2
print(f"added by the noise: {measured:.3f}; penalty: {l2_penalty([w], 0.3**2)[0]:.3f}")
assert abs(measured - l2_penalty([w], 0.3**2)[0]) < 0.1

# %% [markdown]
# With more layers it is not exactly so, but the idea stays: what should not change the answer must
# have small weights. The price is the same for all three: somebody must choose the strength, on
# `check`.
#
# ## Stop in time
#
# The last cure costs nothing: stop where the loss on `check` is lowest, and go back to the weights
# of that epoch. But while you train you do not know if a lower value will come. So one waits for
# some epochs: the *patience*.
#
# **Your turn.** An epoch is better if its loss is lower than the best one so far by more than
# `min_delta`. Training stops after the first epoch that is `patience` epochs behind the best one.
# Epochs are counted from 0. NaN is never better.


# %%
def when_to_stop(losses, patience, min_delta=0.0):
    """The last epoch that is trained, and the best one up to there."""
    # YOUR TURN: return (stop, best). If nobody stops the training, stop is the last epoch. About 8
    # lines.
    raise NotImplementedError("YOUR TURN")


# %%
def stop_for(name, patience=4, **only):
    options = {"patience": patience} | (only or {"restore_best_weights": True})
    return tg.callbacks.EarlyStopping(f"val_{name}_loss", **options)


for name in NAMES:
    stopping = stop_for(name)
    fit(network(), [stopping])
    stop, best = when_to_stop(plain[f"val_{name}_loss"], 4)
    print(f"{name:<7} stop after epoch {stop + 1}, best was epoch {best + 1}")
    assert (stop, best) == (stopping.stopped_epoch, stopping.watches[0].best_epoch)

# %% [markdown]
# The library says the same. But there are two losses and two answers. If you stop for `age`,
# `medium` is not done; if you stop for `medium`, `age` is spoilt. Three ways out:
#
# - one moment for all (here: that of `medium`, or that of `age`);
# - two copies: keep the weights of both moments, and use two networks from one training;
# - stop one *loss*: `EarlyStopping(only="age", freeze="age")` sets its weight to 0, and freezes its
#   head. The others go on.
#
# **Your turn, a prediction.** Which way gives the lowest loss on works that were held back?


# %%
def my_prediction():
    # YOUR TURN: a dict with the keys "medium" and "age". Each value is one of "nothing", "L2",
    # "dropout", "noise", "stop for medium", "stop for age", "age stopped alone".
    raise NotImplementedError("YOUR TURN")


# %%
ways = {
    "nothing": ({}, []),
    "L2": ({"l2": 0.03}, []),
    "dropout": ({"dropout": 0.7}, []),
    "noise": ({"noise": 0.15}, []),
    "stop for medium": ({}, [stop_for("medium")]),
    "stop for age": ({}, [stop_for("age")]),
    "age stopped alone": ({}, [stop_for("age", only="age", freeze="age"), stop_for("medium")]),
}
table, histories = {}, {}
for way, (options, callbacks) in ways.items():
    table[way] = []
    for seed in range(3):
        model = network(seed, **options)
        histories[way, seed] = fit(model, callbacks)
        found = model.evaluate(*of(held_back), return_dict=True)
        table[way].append([found[f"{name}_loss"] for name in NAMES])
    means, spreads = np.mean(table[way], axis=0), np.std(table[way], axis=0, ddof=1)
    print(f"{way:<18} medium, age: {means.round(2)} +- {spreads.round(2)}")
for name, said in my_prediction().items():
    means = {way: np.mean(rows, axis=0)[NAMES.index(name)] for way, rows in table.items()}
    low = [way for way in means if means[way] < min(means.values()) + 0.03]  # about the spread
    print(f"{name}: you said {said}, nearly as low as the lowest mean are {', '.join(low)}")
nothing, l2, drop, noise, for_medium, for_age, stopped = map(np.array, table.values())
assert all((nothing - way).min() > 0 for way in (drop, noise, for_medium, for_age, stopped))
assert np.ptp([way[:, 0].mean() for way in (l2, drop, noise, for_medium, stopped)]) < 0.08
assert (for_age - for_medium)[:, 0].min() > 0.1 and (nothing - l2)[:, 0].min() > 0.2
assert np.argmin(histories["dropout", 0]["val_medium_loss"]) == 19  # the last epoch
assert min((for_age - drop)[:, 1].min(), (l2 - drop)[:, 1].min()) > 0

# %% [markdown]
# - **Nothing** is worse than dropout, noise and stopping for both tasks, in each seed.
# - **L2** helps `medium` as much as the others do, and `age` less than dropout, in each seed. A
#   penalty on a shared layer has one strength, and two tasks to please.
# - **For `medium`,** all cures lie close together: none of them is the winner. Only the best moment
#   of `age` is too early for it, in each seed.
# - **For `age`,** dropout is better than its own best moment, in each seed: it does not only end
#   the learning by heart, it hinders it.
# - **Age stopped alone:** no better for `age` than one moment for both. Why?
#
# These are three seeds, one strength for each cure (exercise 4 chooses one on `check`), and one
# choice of 400 works. The order of the
# cures is no law.
#
# ## Break it: a stopped loss
#
# We stop the loss of `age` after two epochs without progress: its weight is 0 then. The other loss
# goes on to the end. **Write down:** is `age` at the end better or worse than without any cure?

# %%
for seed in range(3):
    histories["age stopped", seed] = fit(network(seed), [stop_for("age", 2, only="age")])
    at_end = [histories[w, seed]["val_age_loss"][-1] for w in ("nothing", "age stopped")]
    print(f"seed {seed}: age on check, nothing {at_end[0]:.2f}, stopped {at_end[1]:.2f}")
    assert at_end[1] > at_end[0] + 0.03


def draw(figure):
    shown = ["nothing", "dropout", "age stopped"]
    for axes, way in zip(figure.subplots(1, 3, sharey=True), shown, strict=True):
        for name, colour in loss_colours(NAMES).items():
            curves = histories[way, 0]
            axes.plot(curves[f"{name}_loss"], "--", c=colour, label=f"{name}, learned")
            axes.plot(curves[f"val_{name}_loss"], c=colour, label=f"{name}, check")
        axes.set(title=way, xlabel="epoch")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)


picture("lesson25.png", draw, size=(10, 4))

# %% [markdown]
# Worse than overfitted, in each seed! The shared layer goes on to change under a head that does not
# follow any more (lesson 19), and Adam moves the head itself for a while (lesson 9; `freeze="age"`
# ends that). To stop a loss is a gift to the others, never a cure for the task itself. Who wants
# the best moment of each task keeps two copies.
#
# Look at `lesson25.png`. Left: the broken lines fall to 0, the full ones turn. Middle: dropout. The
# broken lines stay higher, because they are measured with the dropout on; the one of `age` turns
# later and rises less, and the one of `medium` does not turn at all in these 20 epochs. Right:
# after the stop the broken line of `age` rises, too.
#
# ## What you now know
#
# - Overfitting: the loss on learned samples falls, that on others rises. Each loss has its moment.
# - L2 is one more loss, with a path to the weights alone. Noise on the inputs of a linear unit is
#   L2 in expectation. Dropout throws away forward and backward in the same places.
# - The division by 1 - rate keeps the mean, so that predicting needs no dropout.
# - Stopping in time is cheap, but several losses have several moments. A stopped loss gets worse
#   while the shared layers go on.
#
# ## Exercises
#
# 1. `val_loss` holds the penalty, too. Train with `l2=0.03` and find the best epoch of `val_loss`,
#    and that of `val_medium_loss` plus `val_age_loss`. Right if the penalty is what lies between
#    the two curves, and you can say which of them one should watch.
# 2. With SGD, L2 of the strength s takes the share 2 * s * rate of each weight in each step (beside
#    what the tasks want). Under Adam it does not. Give Adam the gradient of the penalty alone, for
#    the weights 1.0 and 0.01. Right if both move by about the rate in the first step. What does
#    `tg.optimizers.AdamW` with a gradient of 0 do to the two?
# 3. Make half of the labels of `medium` wrong (drawn from 0 to 7) for the 400 works. Right if, in
#    each of three seeds, the lowest loss on `check` is higher than without, and you can say whether
#    it comes earlier.
# 4. (long) Choose the rate of dropout on `check` from 0, 0.3, 0.5, 0.7, 0.9, once for each task,
#    from three seeds, and report the held-back loss of your choice. Then with 1600 works, in
#    batches of 400. Right if you have two tables with spreads, and can say whether both tasks want
#    the same rate, and what more works do to the difference between dropout and none.
#
# Next: one network as a part of another.
