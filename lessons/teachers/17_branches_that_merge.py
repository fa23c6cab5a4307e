# %% [markdown]
# # Lesson 17: solutions of the exercises

# %%
import itertools
import math

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import systems
from tinygrad_mo.flow.runs import compared
from tinygrad_mo.learn import my_work

tg.use("numpy")
ours = my_work("branches_that_merge")

# %% [markdown]
# ## Exercise 1
#
# Two windows of 3 see 5 x 5 pixels, one of them with stride 2. With "same" the size is 16, as for
# all branches. With "valid" two windows of 3 x 3 leave 14 or fewer, and branch a has 16: no strides
# help, as long as the other four stay as they are and have sizes of their own.

# %%
five = {**ours.BRANCHES, "e": [(3, 1), (3, 2)]}
assert ours.sizes(five, 32, "same") == ({**dict.fromkeys("abcde", 16)}, True)
assert not ours.sizes(five, 32, "valid")[1]
picture = tg.Input((32, 32, 3), name="picture")
same = {"padding": "same"}
fifth = tg.layers.Conv2D(8, 3, strides=2, **same)(tg.layers.Conv2D(8, 3, **same)(picture))
four = systems.inception.branches(picture, filters=8, padding="same")
assert tg.layers.concatenate([*four, fifth]).shape == (None, 16, 16, 40)

# %% [markdown]
# ## Exercise 2
#
# A path takes, in each block, f or the way around it. With k blocks of f its slope is s ** k.

# %%
s = 0.3
slopes = [math.prod(path) for path in itertools.product((1, s), repeat=3)]
assert len(slopes) == 8 and math.isclose(sum(slopes), ours.slope_of_tower(s, 3, True))
print("12 blocks:", 2**12, "paths, of these through six blocks:", math.comb(12, 6))

# %% [markdown]
# ## Exercise 3
#
# Plain: the same factor in each block, so the powers of ten grow with the number of blocks.

# %%
task = systems.residual.load(size=8, channels=1)
x, digit = task.held_back_x["picture"][:64], task.held_back_y["digit"][:64]
loss_of = tg.losses.SparseCategoricalCrossentropy(from_logits=True)


def arriving(blocks, residual):
    tg.set_random_seed(0)
    states, answers = ours.tower(tg.Tensor(x), blocks, residual)
    first, *_, last = tg.gradients(loss_of(digit, answers), states)
    return np.linalg.norm(first) / np.linalg.norm(last)


plain = [arriving(blocks, False) for blocks in (3, 6, 12, 24)]
added = [arriving(blocks, True) for blocks in (3, 6, 12, 24)]
print("plain:   ", *(f"{part:.0e}" for part in plain))
print("residual:", *(f"{part:.0e}" for part in added))
assert plain == sorted(plain, reverse=True) and plain[-1] < 1e-5 and min(added) > 1

# %% [markdown]
# ## Exercise 4
#
# Here with half of the blocks, so that it takes seconds; the towers of the lesson do the same
# later.


# %%
def training(blocks, build, seed, epochs):
    tg.set_random_seed(seed)
    picture = tg.Input((8, 8, 1), name="picture")
    model = tg.Model(picture, build(picture, blocks))
    model.compile(tg.optimizers.Adam(0.003), loss_of, metrics=["accuracy"])
    some = task.x["picture"][::2], task.y["digit"][::2]
    validation = task.held_back_x["picture"], task.held_back_y["digit"]
    history = model.fit(*some, epochs=epochs, validation_data=validation, verbose=0).history
    return history["val_accuracy"]


def plain_tower(picture, blocks):
    return ours.tower(picture, blocks, False)[1]


for seed in (0, 1, 2):
    print(f"seed {seed}:", *(f"{a:.2f}" for a in training(6, plain_tower, seed, 4)))

# %% [markdown]
# ## Exercise 5 (long)
#
# With a bias of -2 the gate is about 0.12: most of x goes around f.


# %%
def highway(picture, blocks, bias=-2.0):
    def convolution(x, size=3, activation="relu", start="zeros"):
        options = {"padding": "same", "activation": activation, "bias_initializer": start}
        return tg.layers.Conv2D(8, size, **options)(x)

    h = convolution(picture)
    for _ in range(blocks):
        gate = convolution(h, 1, "sigmoid", tg.layers.initializers.constant(bias))
        h = gate * convolution(convolution(h)) + (1 - gate) * h
    return tg.layers.Dense(10)(tg.layers.Flatten()(h))


def residual_tower(picture, blocks):
    return ours.tower(picture, blocks, True)[1]


gated = [training(6, highway, seed, 1)[-1] for seed in (0, 1, 2)]
added = [training(6, residual_tower, seed, 1)[-1] for seed in (0, 1, 2)]
print("highway", gated, "residual", added)
print(compared(gated, added))
assert all(0 <= accuracy <= 1 for accuracy in gated)
