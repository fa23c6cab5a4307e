# %% [markdown]
# # Lesson 16: solutions of the exercises

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.runs import compared
from tinygrad_mo.learn import my_work
from tinygrad_mo.systems import omniglot

tg.use("numpy")
ours = my_work("inside_a_convolution")
random = np.random.default_rng(0)

# %% [markdown]
# ## Exercise 1


# %%
def convolve_with_stride(x, kernel, stride):
    size = len(kernel)
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    y = 0.0
    for r in range(size):
        for c in range(size):
            y += x[:, r : r + height : stride, c : c + width : stride] @ kernel[r, c]
    return y


x, kernel = random.standard_normal((2, 9, 8, 3)), random.standard_normal((3, 3, 3, 4))
library, _ = tg.ops.convolution(
    x, kernel, None, strides=(2, 2), padding="valid", dilation_rate=(1, 1)
)
assert np.allclose(ours.convolve_by_shifts(x, kernel)[:, ::2, ::2], library)
assert np.allclose(convolve_with_stride(x, kernel, 2), library)

# %% [markdown]
# ## Exercise 2
#
# 22 x 22 places, each with 9 x 8 numbers for each of 8 filters. A `Dense` layer multiplies every
# number that comes in with every weight of every number that goes out.

# %%
picture, kernel = np.zeros((1, 24, 24, 8)), np.zeros((3, 3, 8, 8))
made = ours.convolve_by_shifts(picture, kernel)
assert ours.windows(picture, 3).size * 8 == 22 * 22 * 9 * 8 * 8 == 278_784
print(f"convolution: 278,784 multiplications, {kernel.size} weights")
print(f"dense: {picture.size * made.size:,} multiplications, and as many weights")

# %% [markdown]
# ## Exercise 3


# %%
def hand_back_as_convolution(g, kernel, shape):
    margin = len(kernel) - 1
    wide = np.pad(g, [(0, 0), (0, 0), (margin, margin), (margin, margin), (0, 0)])
    flat = wide.reshape(wide.shape[0] * wide.shape[1], *wide.shape[2:])
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    return ours.convolve_by_shifts(flat, turned).reshape(len(g), *shape)


kernel, g = random.standard_normal((3, 3, 3, 4)), random.standard_normal((2, 2, 7, 6, 4))
assert np.allclose(
    hand_back_as_convolution(g, kernel, (2, 9, 8, 3)), ours.hand_back(g, kernel, (2, 9, 8, 3))
)

# %% [markdown]
# ## Exercise 4
#
# Smaller than in the lesson, so that it takes seconds: two alphabets, one answer, half of the
# pixels.

# %%
task = omniglot.load(size=12, alphabets=2)
classes = len(set(task.y["letter"]))


def accuracy(rule, seed):
    tg.set_random_seed(seed)
    picture = tg.Input((12, 12, 1), name="picture")
    x = tg.layers.ELU()(ours.MyConvolution(rule, "conv_1")(picture))
    x = tg.layers.ELU()(ours.MyConvolution(rule, "conv_2")(x))
    letter = tg.layers.Dense(classes, name="letter")(tg.layers.Flatten()(x))
    model = tg.Model(picture, letter)
    loss = tg.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tg.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    first = min(task.y["letter"])
    model.fit(task.x["picture"], task.y["letter"] - first, epochs=4, verbose=0)
    return model.evaluate(task.held_back_x["picture"], task.held_back_y["letter"] - first)[1]


right = [accuracy(ours.my_convolution, seed) for seed in (0, 1, 2)]
wrong = [accuracy(ours.turned_convolution, seed) for seed in (0, 1, 2)]
print("right gradient:", right, "wrong gradient:", wrong)
print("wrong against right:", compared(wrong, right))
assert min(wrong) > 2 / classes

# %% [markdown]
# ## Exercise 5 (long)
#
# Where two pixels are equal, one of them must get the gradient, or both a part: the maximum has a
# kink there. The first one is a choice; `argmax` makes it.


# %%
def max_pooling(x):
    batch, height, width, channels = x.shape
    cut = x[:, : height // 2 * 2, : width // 2 * 2]
    tiles = cut.reshape(batch, height // 2, 2, width // 2, 2, channels)
    tiles = tiles.transpose(0, 1, 3, 5, 2, 4).reshape(*tiles.shape[:2], width // 2, channels, 4)
    place = tiles.argmax(axis=-1)

    def pull(g):
        here = np.eye(4, dtype=g.dtype)[place] * g[..., None]
        here = here.reshape(len(g), batch, height // 2, width // 2, channels, 2, 2)
        here = here.transpose(0, 1, 2, 5, 3, 6, 4)
        gx = np.zeros((len(g), *x.shape), g.dtype)
        gx[:, :, : height // 2 * 2, : width // 2 * 2] = here.reshape(len(g), *cut.shape)
        return gx

    return tiles.max(axis=-1), (pull,)


x = random.standard_normal((2, 5, 6, 3))
tg.check.check_op(tg.ops.Op(max_pooling), x)
assert max_pooling(np.zeros((0, 4, 4, 1)))[0].shape == (0, 2, 2, 1)


class MyPooling(tg.layers.Layer):
    def make_weights(self, shape):
        pass

    def call(self, x):
        return tg.ops.Op(max_pooling)(x)


picture = tg.Input((12, 12, 1), name="picture")
mine = tg.Model(picture, MyPooling(name="mine")(picture))
theirs = tg.Model(picture, tg.layers.MaxPooling2D(2)(picture))
some = task.x["picture"][:9]
assert np.array_equal(mine.predict(some), theirs.predict(some))
