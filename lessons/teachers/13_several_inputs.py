# %% [markdown]
# # Lesson 13: solutions of the exercises

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.runs import compared
from tinygrad_mo.learn import my_work
from tinygrad_mo.systems import price

tg.use("numpy")
ours = my_work("several_inputs")

# %% [markdown]
# ## Exercise 1
#
# Neither: each branch gets g times the other branch. Nothing is divided, and no two are equal.


# %%
def pull_back_multiply(g, a, c):
    return g * c, g * a


random = np.random.default_rng(0)
a, c, g = random.standard_normal((3, 4, 2))
library = tg.gradients(tg.layers.multiply([ta := tg.Tensor(a), tc := tg.Tensor(c)]), [ta, tc], g)
assert np.allclose(pull_back_multiply(g, a, c), library, atol=1e-6)

# %% [markdown]
# ## Exercise 2


# %%
def pull_back_stack(g, widths):
    return np.split(g, np.cumsum(widths)[:-1], axis=-1)


for g in (random.standard_normal((2, 3, 5)), np.zeros((2, 0, 5))):
    pieces = pull_back_stack(g, [2, 1, 2])
    assert [piece.shape[-1] for piece in pieces] == [2, 1, 2]
    assert np.array_equal(np.concatenate(pieces, axis=-1), g)

# %% [markdown]
# ## Exercise 3
#
# What counts is what the network has learned to use. It uses name and picture, and the year next to
# nothing. The shares say it otherwise: the picture's is small.

# %%
emoji = price.load(size=8)
network = ours.trained(ours.emoji_network, price.INPUTS, emoji, epochs=6, seed=0)


def error_with(x):
    return float(np.abs(network.predict(x)[:, 0] - emoji.held_back_y["price"]).mean())


plain = error_with(emoji.held_back_x)
order = np.random.default_rng(0).permutation(len(emoji.held_back_y["price"]))
for name in price.INPUTS:
    shuffled = emoji.held_back_x | {name: emoji.held_back_x[name][order]}
    print(f"{name:<9} shuffled: the error grows from {plain:.2f} to {error_with(shuffled):.2f}")
    assert (error_with(shuffled) > plain + 0.05) == (name != "metadata")

# %% [markdown]
# ## Exercise 4
#
# Now the table's network sees maker and miles together, and can let one change the meaning of the
# other.

# %%
inputs = price.INPUTS[:2]
cars, richer = price.load_cars(), price.load_cars()
makers = np.unique(cars.x["text"][:, 0])  # the first word is the maker
for x in (richer.x, richer.held_back_x):
    columns = (x["text"][:, :1] == makers).astype("float32")
    x["metadata"] = np.concatenate([x["metadata"], columns], axis=-1)


def wider(inputs):
    return price.build(inputs, columns=6 + len(makers), vocabulary=price.CAR_WORDS, dropout=0.0)


before = [ours.mean_errors(ours.car_network, inputs, cars, 5, seed)[1] for seed in (0, 1, 2)]
after = [ours.mean_errors(wider, inputs, richer, 5, seed)[1] for seed in (0, 1, 2)]
difference = compared(after, before)
print("the weighted average, with the makers in the table:", difference)
assert difference.kind == "lower"

# %% [markdown]
# ## Exercise 5 (long)


# %%
def multiplying(inputs):
    table = tg.Input((6,), name="metadata")
    words = tg.Input((None,), dtype="int32", name="text")
    h = tg.layers.Dense(32, "relu", name="from_table")(table)
    read = tg.layers.LSTM(32, name="lstm")(tg.layers.Embedding(price.CAR_WORDS, 32)(words))
    by_words = tg.layers.Dense(32, name="from_text")(read)
    joined = tg.layers.concatenate([by_words, tg.layers.multiply([h, by_words])])
    return tg.Model([table, words], tg.layers.Dense(1, name="price")(joined))


def error_of(build, seed):
    model = ours.trained(build, inputs, cars, epochs=8, seed=seed)
    return float(np.abs(model.predict(cars.held_back_x)[:, 0] - cars.held_back_y["price"]).mean())


joins = {
    kind: [error_of(build, seed) for seed in range(5)]
    for kind, build in (("concatenate", ours.car_network), ("multiply", multiplying))
}
for kind, errors in joins.items():
    print(f"{kind:<12}", *(f"{error:.3f}" for error in errors))
difference = compared(joins["multiply"], joins["concatenate"])
print(difference)
print("One data set, one width, one rate: it says nothing of other ones.")
assert difference.spread > 0
