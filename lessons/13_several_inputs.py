# %% [markdown]
# # Lesson 13: Several inputs
#
# At the end you know: two ways to join branches, what each of them does to the gradient, two laws
# by which you can check any network, and when one network for all inputs is better than several.
#
# You need: forks (lesson 3), wiring with functions (lesson 6), rows and lengths (lessons 8 to 11),
# and what one may say of two scores (lesson 12).

# %% [markdown]
# ## Two ways to join
#
# You know a car as a row of numbers, and as a text, and as a picture. Each kind gets a branch of
# its own, because a picture needs other layers than a text. Somewhere the branches must meet.
# There are two common ways:
#
# - *Concatenate*: put the rows of numbers one behind the other. Widths 3 and 2 make width 5.
# - *Add*: number by number. Both rows must have the same width, and so has the sum.

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.runs import compared  # the comparison of lesson 12
from tinygrad_mo.learn import page
from tinygrad_mo.systems import price  # a network with three inputs, and data for it

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

a = tg.Tensor([[1.0, 2.0, 3.0]])
b = tg.Tensor([[7.0, 8.0]])
c = tg.Tensor([[10.0, 20.0, 30.0]])
print("concatenate:", tg.layers.concatenate([a, b]).numpy())
print("add:        ", tg.layers.add([a, c]).numpy())
assert tg.layers.concatenate([a, b]).numpy().tolist() == [[1, 2, 3, 7, 8]]
assert tg.layers.add([a, c]).numpy().tolist() == [[11, 22, 33]]

# %% [markdown]
# ## What comes back?
#
# In the backward sweep a gradient g arrives at the joined tensor. It has the shape of this tensor.
# Each branch must get its gradient, in the shape of the branch.
#
# **Before you go on, write down:** g = [[1, 2, 2, 4, 0]] arrives at the concatenation of a (width
# 3) and b (width 2). What does a get, what does b get? And g = [[1, 2, 2]] arrives at a + c. What
# do a and c get?
#
# **Your turn.** Write both pullbacks. Take the last axis: `g[..., 2:]` is everything from place 2
# on, along the last axis, however many axes stand before it.


# %%
def pull_back_concatenate(g, width):
    # YOUR TURN: return two arrays: the part of the first branch, `width` wide, and the rest.
    raise NotImplementedError("YOUR TURN")


def pull_back_add(g):
    # YOUR TURN: return two arrays: what the first branch gets, and what the second one gets.
    raise NotImplementedError("YOUR TURN")


# %%
g = np.array([[1.0, 2.0, 2.0, 4.0, 0.0]])
to_a, to_b = pull_back_concatenate(g, 3)
print("concatenate sends back", to_a, "and", to_b)
library = tg.gradients(tg.layers.concatenate([a, b]), [a, b], g)  # g is the seed of the sweep
assert np.allclose(to_a, library[0]) and np.allclose(to_b, library[1])

to_a, to_c = pull_back_add(g[:, :3])
print("add sends back", to_a, "and", to_c)
library = tg.gradients(tg.layers.add([a, c]), [a, c], g[:, :3])
assert np.allclose(to_a, library[0]) and np.allclose(to_c, library[1])

# %% [markdown]
# Concatenate *divides* the gradient: each branch gets its own piece. Add *copies* it: every branch
# gets the same.
#
# ## The law of Pythagoras
#
# The pieces of a divided gradient are like the two sides at the right angle of a triangle: the
# squares of their lengths add up to the square of the whole length.

# %%
to_a, to_b = pull_back_concatenate(g, 3)
lengths = [float(np.linalg.norm(part)) for part in (to_a, to_b, g)]
print("lengths: a", lengths[0], "  b", lengths[1], "  together", lengths[2])
assert lengths == [3, 4, 5]

# %% [markdown]
# 3 * 3 + 4 * 4 = 5 * 5. So at a concatenation you can say which share of the gradient goes into
# which branch: here 9 of 25 parts go to a, 16 of 25 to b. The shares always make up the whole.
#
# ## The law of Kirchhoff
#
# Kirchhoff studied electric wires: at a knot, what flows in equals what flows out. At a fork of a
# graph it is the same, with gradients. The gradients on the wires that come back add up to the
# gradient of the tensor. You have known this since lesson 3.
#
# Here both joins use the same tensor h, and there are two losses:
#
#            +--> both = concatenate(h, b) --> loss 0
#     h -----+
#            +--> plus = h + c --------------> loss 0 and loss 1
#
# **Before you run the next cell, write down:** through how many wires does loss 0 reach h? And
# loss 1?

# %%
random = np.random.default_rng(0)
h = tg.Tensor(random.standard_normal((4, 3)), name="h")
b = tg.Tensor(random.standard_normal((4, 2)), name="b")
c = tg.Tensor(random.standard_normal((4, 3)), name="c")
both, plus = tg.layers.concatenate([h, b]), tg.layers.add([h, c])
losses = [(both * both).sum() + plus.sum(), (plus * plus).sum()]

at_both, at_plus, at_h = tg.gradients(losses, [both, plus, h], per_loss=True)
for k in (0, 1):
    wires = [pull_back_add(at_plus[k])[0]]
    if at_both[k] is not None:  # None: no path from this loss
        wires.append(pull_back_concatenate(at_both[k], 3)[0])
    print(f"loss {k}: {len(wires)} wire(s), adding up:", np.allclose(sum(wires), at_h[k]))
    assert np.allclose(sum(wires), at_h[k]) and len(wires) == 2 - k

# %% [markdown]
# (`g` at a branch comes from the library here, and the wires are yours.) Now do the whole way by
# hand, in NumPy arrays, without the library.
#
# **Your turn.** This is the long one. First forward: `np.concatenate([h, b], axis=-1)` and h + c.
# Then what each loss sends to both joins: the sum of `both * both` has the slope `2 * both`, and a
# sum has the slope 1 for each of its numbers. Then your pullbacks, and the fork.


# %%
def gradients_at_h(h, b, c):
    """Two arrays: the gradient of loss 0 at h, and that of loss 1."""
    # YOUR TURN: about 6 lines. Loss 0 is sum(both * both) + sum(plus), loss 1 is sum(plus * plus).
    raise NotImplementedError("YOUR TURN")


# %%
by_hand = gradients_at_h(h.value, b.value, c.value)
assert np.allclose(by_hand, at_h, atol=1e-5)

# %% [markdown]
# The law holds for each loss on its own. Use both laws when you read a picture of a network. If
# the wires at a fork do not add up, or if the shares at a concatenation do not make up the whole,
# then a wire is missing in the picture, or a pullback is wrong.
#
# ## Break it: add what does not fit
#
# b has width 2, h has width 3.
#
# **Before you run the next cell, write down:** which of the two joins refuses, and what would you
# write into the error message?

# %%
print("concatenate:", tg.layers.concatenate([h, b]).shape)
try:
    tg.layers.add([h, b])
except ValueError as error:
    print("add:", error)
    assert "same shape" in str(error)

# %% [markdown]
# ## A price from three inputs
#
# Now a real network. It has three branches: a dense layer for a table, an LSTM for a text (a layer
# that reads word by word, lesson 15), and convolutions for a picture (lesson 16). They meet in a
# concatenation.
#
# The package has no data with a price, a text and a picture. So the first "price" here is another
# number: the place of an emoji in the official list, from -2 (smileys) to 2 (flags). The inputs
# are the year in which it appeared (called *metadata* in the code; 13 numbers, from 2010 to 2022,
# of which one is 1 and the others are 0), its name (*text*), and its *picture*.


# %%
def emoji_network(inputs):
    return price.build(inputs, size=8)  # pictures of 8 times 8 pixels


def trained(build, inputs, task, epochs, seed):
    """A network for these inputs, trained on four fifths of the training data."""
    learn = np.arange(len(task.y["price"])) % 5 > 0
    tg.set_random_seed(seed)
    model = build(inputs)
    model.compile("rmsprop", "mean_squared_error")
    x = {name: task.x[name][learn] for name in inputs}
    model.fit(x, task.y["price"][learn], epochs=epochs, verbose=0)
    return model


emoji = price.load(size=8)
one_network = trained(emoji_network, price.INPUTS, emoji, epochs=2, seed=0)
one_network.summary()

# %% [markdown]
# How is the gradient divided among the three branches? Measure it on 256 emoji that were held
# back, on the wires at `concatenate`. The squares must add up (Pythagoras).
#
# **Before you run the next cell, write down:** which branch gets the largest share?

# %%
flow = one_network.gradient_flow(*emoji.some(256))
whole = flow.norm("price", ("concatenate", "dropout"))  # norm: length of the gradient on this wire
shares = {}
for source, kind in (("dense", "year"), ("lstm", "name"), ("picture_dense", "picture")):
    shares[kind] = (flow.norm("price", (source, "concatenate")) / whole) ** 2
    print(f"{kind:<8}{shares[kind]:>6.1%} of the squared length")
assert np.isclose(sum(shares.values()), 1)
page("lesson13.html", flow)

# %% [markdown]
# The shares make up 100 %. (Look at the wires at `concatenate` on the page, too.) Do not read too
# much into them: a share says how strongly the loss pulls at a branch *now*. It does not say how
# useful the branch is. What is useful? For that, compare scores.
#
# ## One network, or three?
#
# A colleague says: "Train three separate models and take the average of their answers. That is
# simpler." Is it as good? We compare three ways on held-back data:
#
# 1. the plain average of separate models, one for each input,
# 2. a *weighted* average. Its weights must not come from the exam. So one fifth of the training
#    data was left out above, in `trained`, and is used only to find these weights,
# 3. one network for all inputs, trained with the same four fifths.
#
# **Your turn.** The weighted average of several answers. It needs no division: the weights do not
# have to add up to 1.


# %%
def weighted_answer(answers, weights):
    # YOUR TURN: answers is a list of arrays of one shape, weights a list of numbers.
    raise NotImplementedError("YOUR TURN")


# %%
print(weighted_answer([np.array([1.0, 2.0]), np.array([5.0, 6.0])], [0.5, 0.5]))


def mean_errors(build, inputs, task, epochs, seed):
    """The mean error on held-back data, of each way to answer."""
    left_out = np.arange(len(task.y["price"])) % 5 == 0
    chosen, exam = [], []
    for name in inputs:
        model = trained(build, [name], task, epochs, seed)
        chosen.append(model.predict({name: task.x[name][left_out]})[:, 0])
        exam.append(model.predict({name: task.held_back_x[name]})[:, 0])
    # lstsq finds the weights with the smallest squared error
    weights = np.linalg.lstsq(np.stack(chosen, axis=1), task.y["price"][left_out], rcond=None)[0]
    one_for_all = trained(build, inputs, task, epochs, seed).predict(task.held_back_x)[:, 0]
    plain = weighted_answer(exam, [1 / len(exam)] * len(exam))
    return [
        float(np.abs(answer - task.held_back_y["price"]).mean())
        for answer in (plain, weighted_answer(exam, weights), one_for_all)
    ]


def comparison(build, inputs, task, epochs, seeds):
    """What can be said of one network against each average, from several seeds."""
    found = np.array([mean_errors(build, inputs, task, epochs, seed) for seed in range(seeds)]).T
    middle = np.median(task.y["price"])
    print(f"always the median  {np.abs(middle - task.held_back_y['price']).mean():.2f}")
    kinds = []
    for way, errors in zip(
        ("plain average", "weighted average", "one for all"), found, strict=True
    ):
        difference = compared(found[-1], errors)
        kinds.append(difference.kind)
        print(f"{way:<17}", *(f"{error:.2f}" for error in errors), end="  ")
        print(f"one for all is {difference.mean:+.2f} +- {difference.spread:.2f}: {kinds[-1]}")
    return kinds[:2]  # the third one is compared with itself


# %% [markdown]
# As in lesson 12, we train with several seeds and look at the differences, seed by seed: their
# mean, and Student's interval around it. `compared` of the library computes both. It says "lower"
# or "higher" if 0 is not in the interval. What lesson 12 called "not seen" has two words here:
# "unseen", and "few" if all seeds go the same way, but are too few to be sure. ("same": with each
# seed, there is no difference at all.)
#
# **Before you run the next cell, write down** the order of the three: plain average, weighted
# average, one for all.

# %%
print("mean error, where the list goes from -2 to 2 (small is good)")
against_plain, against_weighted = comparison(emoji_network, price.INPUTS, emoji, epochs=6, seeds=3)
assert against_plain == "lower" and against_weighted in ("unseen", "few")

# %% [markdown]
# One network beats the plain average with each seed. The plain average gives the weak model as much
# to say as the strong ones.
#
# Against the *weighted* average no difference is to be seen: 0 is in the interval. So here your
# colleague may be right, if the weights are chosen well. It seems that the name tells something
# about the place in the list, the picture tells something else, and it is enough to add the two.
# (With fewer epochs the order can change. Try it, with three seeds.)
#
# ## Real prices
#
# Now the used cars of lesson 6, with two inputs: *metadata* (mileage, cylinders and so on), and a
# *text* of two words, the maker and the body. First look at the data.

# %%
cars = tg.data.load("cars")
loss_per_mile = {}
for maker in ("Cadillac", "Chevy"):
    mine = cars.make == cars.make_names.index(maker)
    line = np.polyfit(cars.mileage[mine].astype(float), cars.price[mine], 1)  # slope, start
    loss_per_mile[maker] = -line[0]
    print(f"{maker}: 1,000 miles more, {1000 * loss_per_mile[maker]:.0f} dollars less")
assert loss_per_mile["Cadillac"] > 1.8 * loss_per_mile["Chevy"]

# %% [markdown]
# What a mile costs depends on the maker. A model that sees only the table does not know the maker.
# A model that sees only the text does not know the miles.
#
# **Before you run the next cell, write down:** can a weighted average of these two models repair
# that?


# %%
def car_network(inputs):
    return price.build(inputs, columns=6, vocabulary=price.CAR_WORDS, dropout=0.0)


print("mean error, in units of 10,000 dollars (small is good)")
kinds = comparison(car_network, price.INPUTS[:2], price.load_cars(), epochs=10, seeds=4)
assert kinds == ["lower", "lower"]

# %% [markdown]
# No. One network is better here with each seed, and 0 is not in the interval. Only a network that
# sees both can let one input change the meaning of the other.
#
# ## What you now know
#
# - Concatenate divides the gradient among the branches; the squared lengths add up (Pythagoras).
# - Add gives each branch the same gradient.
# - At a fork the gradients on the wires add up to the gradient of the tensor, for each loss
#   (Kirchhoff).
# - Are several models as good as one network? If each input tells something of its own, no
#   difference may be seen. If inputs change each other's meaning, they are not. Measure it, on data
#   that nobody has seen, with several seeds.
#
# ## Exercises
#
# 1. A third join: multiply, number by number. Write its pullback, `pull_back_multiply(g, a, c)`. It
#    is right if `tg.gradients(tg.layers.multiply([a, c]), [a, c], g)` says the same. Which of the
#    two laws, "divide" or "copy", does it follow?
# 2. Write `pull_back_stack(g, widths)` for a concatenation of any number of branches. It is right
#    if `np.concatenate` of its pieces is g again, also with g of shape (2, 0, 5), an empty batch.
# 3. Which input is useful? Shuffle one input of `one_network` among the held-back emoji
#    (`np.random.default_rng(0).permutation`), and leave the others. How much does the mean error
#    grow, for each input? It is right if shuffling nothing changes nothing. Compare the order with
#    that of the shares.
# 4. Cars: give the *table* the maker, too (a column for each maker, with 1 at its cars, else 0; the
#    first number of the text is the maker). Is the weighted average still as bad? It is right if
#    you compare with three seeds or more.
# 5. (long) Write the cars' network with a join of your own: instead of `concatenate`, let the
#    branch of the text make numbers that are *multiplied* with those of the table's branch. Is it
#    better than `concatenate`? Use five seeds and `compared`, and say what you may say, and what
#    not.
#
# Next: two inputs that go through the *same* layer.
