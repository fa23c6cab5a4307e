# %% [markdown]
# # Lesson 19: solutions of the exercises
#
# With half of the works and 8 epochs, so that all of it takes seconds.

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.data.text import Vocabulary
from tinygrad_mo.flow.runs import compared
from tinygrad_mo.learn import my_work

tg.use("numpy")
ours = my_work("scales")

tate = tg.data.load("tate")
texts = [f"{tate.artist_names[a]}: {t}" for a, t in zip(tate.artist, tate.title, strict=True)]
age, medium = 2013.0 - tate.year, tate.medium.astype(int)
many = (np.bincount(tate.artist)[tate.artist] >= 20) * 1.0
train, held_back = np.flatnonzero(~tate.test)[::2], np.flatnonzero(tate.test)
ids = Vocabulary([texts[i] for i in train], 500).ids(texts, length=20)
x = np.zeros((len(texts), 500), np.float32)
x[np.arange(len(texts))[:, None], ids] = 1
x[:, 0] = 0
scaled_age = ours.scaled(age, age[train])
unit = age[train].std()
NAMES = ("age", "medium", "many")


def labels(rows, age):
    return {"age": age[rows], "medium": medium[rows], "many": many[rows]}


def make(seed, weights):
    tg.set_random_seed(seed)
    words = tg.Input((500,), name="words")
    h = tg.layers.Dense(32, activation="relu", name="shared")(words)
    heads = [
        tg.layers.Dense(1, name="age")(h),
        tg.layers.Dense(8, activation="softmax", name="medium")(h),
        tg.layers.Dense(1, activation="sigmoid", name="many")(h),
    ]
    model = tg.Model(words, heads)
    loss = ["mean_squared_error", "sparse_categorical_crossentropy", "binary_crossentropy"]
    rmsprop = tg.optimizers.RMSprop(0.004)
    model.compile(
        rmsprop, loss, dict(zip(NAMES, weights, strict=True)), [["mae"], ["accuracy"], ["accuracy"]]
    )
    return model


def gram(model, age):
    return model.gradient_flow(x[train[:200]], labels(train[:200], age)).measure("shared").gram


def learn(model, age, epochs=8):
    model.fit(x[train], labels(train, age), epochs=epochs, batch_size=128, verbose=0)
    return model


def scores(model, age, unit=1.0):
    found = model.evaluate(x[held_back], labels(held_back, age), return_dict=True)
    return [found["age_mae"] * unit, found["medium_accuracy"], found["many_accuracy"]]


def against(new, old):
    for k, name in enumerate(NAMES):
        print(f"  {name:<7}", compared([row[k] for row in new], [row[k] for row in old]))


# %% [markdown]
# ## Exercise 1

# %%
ONES = [1.0, 1.0, 1.0]
both = ours.equal_pull(gram(make(0, ONES), scaled_age))
assert np.allclose(ours.shares(gram(make(0, ONES), scaled_age), both), 1 / 3)
in_scale = [scores(learn(make(s, ONES), scaled_age), scaled_age, unit) for s in (0, 1, 2)]
with_pull = [scores(learn(make(s, both), scaled_age), scaled_age, unit) for s in (0, 1, 2)]
print("scaled and equal pull, against scaled alone:")
against(with_pull, in_scale)

# %% [markdown]
# ## Exercise 2
#
# `medium` has less than a tenth of the pull. So it should come between "all weights 1" and "equal
# pull", and `many` should be as with equal pull.

# %%
start = gram(make(0, ONES), age)
table = {"ones": ONES, "book": [0.25, 1.0, 10.0], "equal pull": ours.equal_pull(start)}
for name, weights in table.items():
    share = ours.shares(start, weights)
    found = scores(learn(make(0, weights), age), age)
    print(f"{name:<11} shares {np.round(share, 2)}  scores {np.round(found, 2)}")

# %% [markdown]
# ## Exercise 3
#
# Each row is of one moment; the age keeps its 95 parts of 100 in all of them, with these 8 epochs.

# %%
model, before = make(0, ONES), None
for epochs in (0, 1, 1, 2, 4):
    if epochs:
        learn(model, age, epochs)
    share = ours.shares(gram(model, age), ONES)
    assert np.isclose(share.sum(), 1)
    print(f"{epochs} epochs more:", np.round(share, 3))

# %% [markdown]
# ## Exercise 4


# %%
def with_patience(losses, min_delta, patience):
    best, waited = float("inf"), 0
    for epoch, loss in enumerate(losses):
        if loss < best - min_delta:
            best, waited = loss, 0
        else:
            waited += 1
            if waited == patience:
                return epoch
    return None


random = np.random.default_rng(0)
for _ in range(100):
    losses = np.cumsum(random.normal(-0.5, 1.0, 12)).tolist()
    assert with_patience(losses, 0.2, 1) == ours.epoch_to_stop(losses, 0.2)
assert with_patience([3.0, 3.0, 1.0, 1.0, 1.0], 0.1, 2) == 4

# %% [markdown]
# ## Exercise 5 (long)


# %%
def following(seed):
    model = make(seed, ours.equal_pull(gram(make(seed, ONES), age)))
    for _ in range(8):
        learn(model, age, 1)
        weights = ours.equal_pull(gram(model, age))
        model.loss_weights = dict(zip(NAMES, weights, strict=True))
    return scores(model, age)


def of_the_start(seed):
    return scores(learn(make(seed, ours.equal_pull(gram(make(seed, ONES), age))), age), age)


print("weights that follow, against those of the start:")
against([following(seed) for seed in (0, 1, 2)], [of_the_start(seed) for seed in (0, 1, 2)])
