# %% [markdown]
# # Lesson 17: Branches that merge
#
# At the end you know which shapes can be merged, what strides have to do with it, and why deep
# networks add the input of a block to its output: you will see how much gradient arrives with and
# without this.
#
# You need: `concatenate` and `add` (lesson 13), the vanishing gradient (lesson 15) and windows that
# slide over a picture (lesson 16).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import learn, systems
from tinygrad_mo.flow.runs import compared

# %% [markdown]
# ## Several ways to look at one picture
#
# The question: are windows of 1x1, of 3x3, or of 5x5 pixels best? One answer is: do not choose. An
# **inception module** sends the picture through several branches, each with windows of its own, and
# puts the results side by side along the channels (`concatenate`). Then each pixel has the channels
# of all branches. So the branches must agree: the same height, and the same width.
#
# Two things change the size. The **stride** is how far the window moves: with stride 2 it skips
# every second place. The **padding** says what happens at the edge. "valid": the window must fit
# into the picture. "same": the picture gets a margin of zeros, so that there are n / stride places,
# rounded up.
#
# **Your turn.** Compute the new size. `a // b` divides and rounds down, `-(-a // b)` rounds up.


# %%
def new_size(n, window, stride, padding):
    # YOUR TURN: return the number of places of a window along an axis of n pixels.
    # `padding` is "valid" or "same".
    raise NotImplementedError("YOUR TURN")


for window, stride, padding in ((3, 1, "valid"), (3, 2, "valid"), (3, 2, "same")):
    layer = tg.layers.Conv2D(1, window, strides=stride, padding=padding)
    found = layer(tg.Input((28, 28, 1))).shape[1]
    print(f"28 pixels, window {window}, stride {stride}, {padding}: {found}")
    assert found == new_size(28, window, stride, padding)

# %% [markdown]
# Here is an inception module. Each branch is a list of windows with their strides. In branch c, the
# first window takes the mean of its pixels; all others are convolutions. Each branch has stride 2
# once, so each should halve 32 pixels to 16.
#
# **Before you write any code, write down** the size of each branch with "valid" padding.

# %%
BRANCHES = {
    "a": [(1, 2)],  # (window, stride)
    "b": [(1, 1), (3, 2)],
    "c": [(3, 2), (3, 1)],
    "d": [(1, 1), (3, 1), (3, 2)],
}

# %% [markdown]
# **Your turn.** This is the long one. Compute the size behind each branch, window by window, with
# `new_size`. Say also whether the branches can be merged: only if all sizes are equal.


# %%
def sizes(branches, n, padding):
    """Two things: {branch: size}, and True or False: can all of them be concatenated?"""
    # YOUR TURN: about 7 lines, two loops. `branches` is a dict like BRANCHES. A branch without any
    # window leaves n as it is.
    raise NotImplementedError("YOUR TURN")


# %%
for padding in ("valid", "same"):
    print(f"{padding}:", *sizes(BRANCHES, 32, padding))
assert [*sizes(BRANCHES, 32, "valid")[0].values()] == [16, 15, 13, 14]
assert [*sizes(BRANCHES, 32, "same")[0].values()] == [16, 16, 16, 16]

# %% [markdown]
# Four branches with the same stride, and four sizes! Without a margin each window cuts off
# something of its own. Let us try to merge them: `systems.inception.branches` builds these four
# branches. Read the message: along which axis do they not agree? It also follows each branch from
# the picture to its end. Compare with your numbers.

# %%
picture = tg.Input((32, 32, 3), name="picture")
try:
    tg.layers.concatenate(systems.inception.branches(picture, filters=8, padding="valid"))
    raise RuntimeError("this should not work")
except ValueError as error:
    print(str(error).replace(": joined", ":\njoined").replace(". ", ".\n"))  # in shorter lines
    assert all(f"(None, {size}, {size}, 8)" in str(error) for size in (16, 15, 13, 14))

# %% [markdown]
# (`None` stands for the batch: any number of pictures. Axis 0 is the batch, axis 1 the height, axis
# 2 the width, and axis 3 the channels.)
#
# The pictures of branch a have 16 rows, those of branch b have 15. The last row of a would have no
# partner. With "same" all four have 16, and their channels are joined. And if ONE stride is wrong?
# **Before you run the next cell, write down** the shape of the merged branches, and the size of the
# branch with stride 1.

# %%
four = systems.inception.branches(picture, filters=8, padding="same")
merged = tg.layers.concatenate(four)
print("four branches of 8 channels, merged:", merged.shape)
assert merged.shape == (None, 16, 16, 32)

slow = tg.layers.Conv2D(8, 3, strides=1, padding="same", name="slow")(picture)
try:
    tg.layers.concatenate([*four, slow])
    raise RuntimeError("this should not work")
except ValueError as error:
    print(str(error).splitlines()[0])  # the first line is enough
    assert "'slow' (None, 32, 32, 8)" in str(error)

# %% [markdown]
# That is why strides must agree. Place (r, c) of one branch must look at the same part of the
# picture as place (r, c) of the others. With stride 2 it looks near pixel (2r, 2c), with stride 1
# at (r, c). They do not belong together, even if one could cut them to the same size.
#
# ## A block that adds its input
#
# The second way to merge is `add`. A **residual block** has two branches: one does something, the
# other one does nothing, and they are added:
#
#     plain block:      y = f(x)
#     residual block:   y = x + f(x)
#
# Why should one add what one had before? Look at the way back. Take numbers instead of pictures,
# and let each f have the same slope. A tower is many blocks, one on top of the other, and its slope
# is a product (the chain of lesson 2).
#
# **Your turn.** Compute the slope of a whole tower.


# %%
def slope_of_tower(slope, blocks, residual):
    # YOUR TURN: return the slope of `blocks` blocks in a chain. f has the slope `slope`.
    # `residual` is True or False.
    raise NotImplementedError("YOUR TURN")


for slope in (0.1, 0.5):
    plain, with_input = (slope_of_tower(slope, 12, kind) for kind in (False, True))
    print(f"f has slope {slope}: 12 blocks have {plain:.1e} plain and {with_input:.1e} residual")

# %% [markdown]
# At the fork before the block the gradients of both branches are added. The branch that does
# nothing hands the gradient back as it is. So a part always arrives, however small the rest is.
#
# Now with pictures. A block is two convolutions that keep the shape.
#
# **Your turn.** Write the block in both kinds. `convolution(x)` makes a new layer and calls it, and
# `tg.layers.add([a, b])` adds.


# %%
def block(x, residual, convolution):
    # YOUR TURN: return two convolutions of x, one after the other; if `residual`, plus x.
    raise NotImplementedError("YOUR TURN")


def tower(x, blocks, residual, start="glorot_uniform"):
    """What each block hands on, and ten numbers. (glorot_uniform: as our layers always start.)"""

    def convolution(x):
        """3x3 windows and a relu. `start` names how the first weights are drawn."""
        options = {"padding": "same", "activation": "relu", "kernel_initializer": start}
        return tg.layers.Conv2D(8, 3, **options)(x)

    states = [convolution(x)]
    for _ in range(blocks):
        states.append(block(states[-1], residual, convolution))
    return states, tg.layers.Dense(10)(tg.layers.Flatten()(states[-1]))


# %% [markdown]
# The data are handwritten digits of 8x8 pixels, which ship with the package. We give layers real
# pictures instead of an `Input`, so they compute at once, and `tg.gradients` tells how much
# gradient arrives behind each block (as in lesson 15, where it was each letter).
#
# **Before you run the next cell, write down** what you expect after 12 blocks, with and without
# adding the input: a tenth of the gradient, a thousandth, or less?

# %%
BLOCKS = 12
task = systems.residual.load(size=8, channels=1)
x, digit = task.held_back_x["picture"], task.held_back_y["digit"]
loss_of = tg.losses.SparseCategoricalCrossentropy(from_logits=True)


def gradient_by_depth(residual, start="glorot_uniform"):
    """How long dl/dh is behind each block, as a part of that behind the last one."""
    tg.set_random_seed(0)
    states, answers = tower(tg.Tensor(x[:128]), BLOCKS, residual, start)
    found = tg.gradients(loss_of(digit[:128], answers), states)
    lengths = np.array([float(np.linalg.norm(g)) for g in found])
    return lengths / lengths[-1]


by_depth = {"plain": gradient_by_depth(False), "residual": gradient_by_depth(True)}
print("block      " + "".join(f"{n:>8}" for n in range(0, BLOCKS + 1, 3)))
for kind, parts in by_depth.items():
    print(f"{kind:<11}" + "".join(f"{part:>8.0e}" for part in parts[::3]))
assert by_depth["plain"][0] < 1e-3 and by_depth["residual"][0] > 1

# %% [markdown]
# Read it from right to left, as the gradient goes. In the plain tower less than a thousandth
# arrives at the first block. With the input added it does not vanish. It even grows a little, as
# your formula says: each block adds something to what is there already.
#
# Is adding the only cure? A plain tower with larger first weights ("he_uniform", made for relu) is
# the third line in the picture.

# %%
by_depth["plain, larger first weights"] = gradient_by_depth(False, "he_uniform")
assert by_depth["plain, larger first weights"][0] > 0.02


def draw(figure):
    axes = figure.subplots()
    for (kind, parts), style in zip(by_depth.items(), ("o-", "s--", "^:"), strict=True):
        axes.plot(range(BLOCKS + 1), parts, "k" + style, label=kind)
    axes.set(yscale="log", ylabel="gradient, as a part of the last")
    axes.set_xlabel("behind which block (the loss is at the right)")
    axes.legend()


learn.picture("lesson17.png", draw, size=(8, 3.6))

# %% [markdown]
# So there are other cures, and this one works here, too. But it must fit the layer and the
# activation. Adding the input keeps the gradient from vanishing, whatever is in the block. Nothing
# keeps it from *growing*. **Before you run the next cell, write down** what comes out if one takes
# both cures at once.

# %%
both = gradient_by_depth(True, "he_uniform")
print(f"input added, and larger first weights: {both[0]:.0f} times the gradient of the last block")
assert 50 < both[0] < 150

# %% [markdown]
# Each block multiplies with 1 + something, and the something is no longer small. With 12 blocks
# that can still be borne. It grows like a power with the number of blocks, and then it is called an
# exploding gradient.
#
# ## Does it matter?
#
# Train all three towers, once through 1438 digits, ten classes, from three seeds each. **Before you
# run the next cell, write down** the order of the three.


# %%
def accuracies(residual, start):
    found = []
    for seed in (0, 1, 2):
        tg.set_random_seed(seed)
        picture = tg.Input((8, 8, 1), name="picture")
        model = tg.Model(picture, tower(picture, BLOCKS, residual, start)[1])
        model.compile(tg.optimizers.Adam(0.003), loss_of, metrics=["accuracy"])
        model.fit(task.x["picture"], task.y["digit"], epochs=1, verbose=0)
        found.append(model.evaluate(x, digit)[1])
    return found


assert len(task.y["digit"]) == 1438
kinds = (False, "glorot_uniform"), (True, "glorot_uniform"), (False, "he_uniform")
plain, residual, larger = (accuracies(*kind) for kind in kinds)
for name, found in zip(by_depth, (plain, residual, larger), strict=True):
    print(f"{name:<28}", *(f"{accuracy:.2f}" for accuracy in found), "(guessing: 0.10)")
for name, found in (("plain", plain), ("larger first weights", larger)):
    difference = compared(residual, found)
    print(
        f"residual - {name}: {difference.mean:+.2f} +- {difference.spread:.2f}, {difference.kind}"
    )
assert max(plain) + 0.1 < min(residual + larger) and compared(residual, larger).kind != "higher"

# %% [markdown]
# The plain tower has exactly as many weights. But too little gradient arrives, and after one epoch
# it still guesses, with each seed. (It may find a way out later: exercise 4.) The residual tower is
# clearly better. But against the plain tower *with larger first weights* it is not: there, no
# difference in its favour is to be seen. So this tower of 12 blocks needs one of the cures, and not
# just this one.
#
# ## Break it: add what does not fit
#
# `add` is stricter than `concatenate`: the channels must agree, too. Here the block has stride 2
# and 16 channels, and its input has neither. Read the message.

# %%
before = tg.Input((8, 8, 8), name="before")
after = tg.layers.Conv2D(16, 3, strides=2, padding="same", name="after")(before)
try:
    tg.layers.add([before, after])
    raise RuntimeError("this should not work")
except ValueError as error:
    print(str(error).replace(": branches", ":\nbranches").replace(". ", ".\n"))

projected = tg.layers.Conv2D(16, 1, strides=2, name="projected")(before)
print("after a 1x1 convolution with the same stride:", tg.layers.add([projected, after]).shape)

# %% [markdown]
# The message names the cure: a 1x1 convolution. With the strides of the block, and with as many
# filters, it brings the input into the shape of the output. Then the gradient passes one small
# layer there.
#
# ## What you now know
#
# - `concatenate` needs the same height and width, `add` needs the same channels, too.
# - The size depends on strides, padding and windows. Equal strides are needed, but not enough.
# - Through `add` the gradient passes as it is. So in a residual tower it does not fade on its way,
#   whatever is in the block. It can still explode.
# - There are other cures, such as a better start; here it did no worse.
#
# ## Exercises
#
# 1. A fifth branch for the module: two windows of 3 x 3 in place of one of 5 x 5. Which part of
#    the picture does one number behind them see? Give it strides so that it can be merged with the
#    other four. It is right if `concatenate` takes it. Would it be possible with "valid" padding?
# 2. Unfold the tower: with x + f(x) in each of 3 blocks there are 8 paths from the loss to the
#    start. List their slopes for f with slope s, and add them. It is right if the sum is
#    `slope_of_tower(s, 3, True)`. How many paths are there with 12 blocks, and how many of them
#    pass through 6 blocks?
# 3. Measure it: what does `by_depth` show for 3, 6, 12 and 24 blocks, plain and residual? Print the
#    first number only. It is right if your `slope_of_tower` explains which of them fall together.
# 4. Train the plain tower for 8 epochs, with three seeds. Does it find its way out? When? It is
#    right if you give all three answers, not only one.
# 5. (long) Merge by choice: y = t * f(x) + (1 - t) * x, where t is a gate between 0 and 1 made from
#    x (a 1 x 1 convolution with a sigmoid; this is a highway network). Build it, find the bias of
#    the gate with which the gradient arrives at block 0 as in the residual tower, and compare the
#    accuracies of both with three seeds. Say what you may say.
#
# Next: another cure for a gradient that gets lost: a second loss, half way.
