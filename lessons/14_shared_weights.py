# %% [markdown]
# # Lesson 14: One layer, called twice
#
# At the end you know what it means that weights are shared, why the gradient of a shared weight is
# a sum, and how large the part of each call is. You can also test whether a network that compares
# two things treats both alike.
#
# You need: gradients add at a fork (lesson 3), layers (lesson 6), `gradient_flow` (lessons 8 to
# 11), what one may say of scores (lesson 12) and models with several inputs (lesson 13).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.runs import compared
from tinygrad_mo.learn import my_work
from tinygrad_mo.systems import siamese

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

# %% [markdown]
# ## The question
#
# Here are two sentences. Do they say the same? A network that answers this must read both. Shall
# it have two readers, or one reader that it uses twice?
#
# We begin with the smallest reader there is: one number `w`. It reads a number `x` as
# `tanh(w * x)`. The score of two numbers `a` and `b` is the product of the two readings:
#
#     score = tanh(w * a) * tanh(w * b)
#
# `w` occurs twice. So there are two ways from the score back to `w`: one through the left call
# of the reader, and one through the right call.
#
# **Your turn.** Compute what comes back to `w` on each of the two ways. For the left way, treat
# the right reading as a fixed number, and the other way round. The slope of `tanh(z)` is
# `1 - tanh(z) ** 2`. Use NumPy: `np.tanh`.


# %%
def share_of_each_call(w, a, b):
    # YOUR TURN: return two numbers, what the left call sends back to w, and what the right one
    # sends back.
    raise NotImplementedError("YOUR TURN")


left_share, right_share = share_of_each_call(w=0.5, a=1.0, b=2.0)
print(f"left call {left_share:.4f}, right call {right_share:.4f}")

# %% [markdown]
# **Before you run the next cell, write down** which number the engine will find as the gradient of
# `w`: the first one, the second one, their mean, or their sum?

# %%
w = tg.Tensor(0.5)
score = tg.ops.tanh(w * 1.0) * tg.ops.tanh(w * 2.0)
whole = tg.gradients(score, w)
print(f"the engine says {whole:.4f}")
assert abs(whole - (left_share + right_share)) < 1e-6

# %% [markdown]
# It is the sum. That is the fork of lesson 3: `w` goes to two places, so two gradients come back,
# and they add.
#
# Now we break the sharing. We give each call a weight of its own, with the same value.

# %%
w_left, w_right = tg.Tensor(0.5), tg.Tensor(0.5)
score_untied = tg.ops.tanh(w_left * 1.0) * tg.ops.tanh(w_right * 2.0)
from_left, from_right = tg.gradients(score_untied, [w_left, w_right])
print(f"score {score.value:.4f} and {score_untied.value:.4f}: the forward pass is the same")
print(f"but each weight gets its own share only: {from_left:.4f} and {from_right:.4f}")
assert abs(score.value - score_untied.value) < 1e-6
assert abs(from_left - left_share) < 1e-6 and abs(from_right - right_share) < 1e-6

# %% [markdown]
# Forward, shared and separate weights give the same number. The difference is in the way back: a
# shared weight collects the gradients of all its calls.
#
# Real readers have a matrix W in place of the number, and read a row of numbers: `tanh(a @ W)`.
# With many rows in `a` and `b`, let the score be the sum of all products:
#
#     left = tanh(a @ W)        right = tanh(b @ W)        score = sum of all left * right
#
# **Your turn.** This is the long one: the gradient of W, in NumPy. Each call goes back as in lesson
# 2: what arrives at `left`, then through the tanh, then through the product of matrices. There, `g`
# at `a @ W` sends `a.T @ g` to W.


# %%
def gradient_of_shared(W, a, b):
    """The gradient of W, of the shape of W. a and b are (rows, inputs), W is (inputs, units)."""
    # YOUR TURN: about 6 lines. What arrives at `left` is `right`, and the other way round.
    raise NotImplementedError("YOUR TURN")


# %%
random = np.random.default_rng(0)
W, a, b = random.normal(size=(3, 2)), random.normal(size=(5, 3)), random.normal(size=(5, 3))
engine = my_work("the_engine")  # your own engine of lesson 5


def reading(rows, W):
    return tg.ops.tanh(tg.ops.matmul(rows, W))


W_node, a_node, b_node = (engine.Node(name=name) for name in ("W", "a", "b"))
score = tg.ops.sum(tg.ops.multiply(reading(a_node, W_node), reading(b_node, W_node)))
plan = engine.make_plan([score])
tape = engine.forward(plan, {W_node: W, a_node: a, b_node: b})
by_engine = engine.backward(plan, tape, engine.seed_rows(plan, [score]))[plan.slots[W_node]][0]
print("by hand, and by your engine:")
print(np.round(gradient_of_shared(W, a, b), 3), np.round(by_engine, 3), sep="\n")
assert np.allclose(gradient_of_shared(W, a, b), by_engine)

# %% [markdown]
# Your engine has no line about sharing. It adds whatever arrives at a node, and at this one two
# things arrive. (The library's engine adds a name for each use, as you will see below.)
#
# ## A layer that reads sentences
#
# Now real sentences: verses of the Bible in two English translations, which ship with the package.
# The question is whether two texts are the same verse.
#
# `siamese.load` makes each word a fixed list of 32 numbers, and each text a table of 12 words. (A
# network with two equal readers is called siamese.) It returns the data to learn from, `task.x` and
# `task.y`, and those which are held back for testing, `task.held_back_x` and `task.held_back_y`.

# %%
verses = tg.data.load("verses")
task = siamese.load(width=32, length=12)
print("King James:    ", verses.kjv[0])
print("World English: ", verses.web[0])
print("inputs:", {name: array.shape for name, array in task.x.items()})

# %% [markdown]
# `LSTM(32)` is a layer that reads a text word by word and returns 32 numbers. What is inside is the
# next lesson. Today only this counts: it is a layer with weights, and the first call makes them.

# %%
left = tg.Input((None, 32), name="left")  # None: the text may have any length
right = tg.Input((None, 32), name="right")
tg.set_random_seed(0)
lstm = tg.layers.LSTM(32, name="lstm")
reading_left = lstm(left)
print("weights of the layer after the first call:", lstm.count_params())
assert lstm.count_params() == 8320

# %% [markdown]
# **Your turn.** We call the same layer again, for the right text. How many weights does it have
# then? Write your guess into the function; a wrong guess is welcome.


# %%
def my_prediction():
    # YOUR TURN: return how many weights `lstm` has after the second call.
    raise NotImplementedError("YOUR TURN")


reading_right = lstm(right)
print("you said", my_prediction(), "- it is", lstm.count_params())
assert lstm.count_params() == 8320

# %% [markdown]
# A layer makes its weights once. Each further call uses them again. To share weights you need no
# option and no special layer: **call the layer again.** To have separate weights, make two layers.
#
# We put the two readings side by side (`concatenate`, lesson 13). A `Dense` layer with one output
# makes a score from 0 to 1 of them.


# %%
def finish(reading_left, reading_right, join):
    """The network from the two readings to the score, compiled."""
    joined = join(reading_left, reading_right)
    score = tg.layers.Dense(1, activation="sigmoid", name="score")(joined)
    model = tg.Model([left, right], score)
    model.compile(tg.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def network(join, seed):
    """One reader for both texts, and a way to join what it has read."""
    tg.set_random_seed(seed)
    lstm = tg.layers.LSTM(32, name="lstm")
    return finish(lstm(left), lstm(right), join)


def trained_accuracy(model):
    model.fit(task.x, task.y, epochs=1, batch_size=64, verbose=0)
    return model.evaluate(task.held_back_x, task.held_back_y)[1]


def side_by_side(reading_left, reading_right):
    return tg.layers.concatenate([reading_left, reading_right])


first = finish(reading_left, reading_right, side_by_side)
print(first.count_params(), "weights in all")
assert first.count_params() == 8320 + 64 + 1  # one LSTM, and 64 weights and a bias of Dense

# %% [markdown]
# ## The share of each call, on real data
#
# `gradient_flow` measures each use of a weight apart. The left call is named `lstm`, the right one
# `lstm:1`. With `keep_arrays=True` the flow also keeps the gradients themselves, so that we can add
# them. We take every fifth of the held-back pairs.
#
# **Before you run the next cell, write down**: if one share has length 3 and the other length 4,
# how long is their sum? 7? 5? Or can you not know?

# %%
some_x = {name: array[::5] for name, array in task.held_back_x.items()}
some_y = task.held_back_y["score"][::5]
flow = first.gradient_flow(some_x, some_y, keep_arrays=True)
print(f"{'gradient of':<24}{'left call':>10}{'right call':>11}{'sum':>8}{'cosine':>8}")
for name in ("lstm/kernel", "lstm/recurrent_kernel", "lstm/bias"):
    one = flow.gradient("score", (name, "lstm"))
    other = flow.gradient("score", (name, "lstm:1"))
    whole = flow.gradient("score", name)
    assert np.allclose(one + other, whole, atol=1e-6)
    lengths = [np.linalg.norm(g) for g in (one, other, whole)]
    cosine = (one * other).sum() / (lengths[0] * lengths[1])
    assert cosine < 0.5 and lengths[2] < 0.9 * (lengths[0] + lengths[1])
    print(f"{name:<24}{lengths[0]:>10.4f}{lengths[1]:>11.4f}{lengths[2]:>8.4f}{cosine:>8.2f}")

# %% [markdown]
# The arrays add up, in every number: the `assert` in the loop tests it. The lengths do not add up,
# because the two shares point in different directions (their cosine, lesson 11, is far from 1).
# From the lengths alone you cannot know: 3 and 4 can make anything from 1 to 7. Lesson 11 said this
# of two losses; here it is said of two calls.
#
# ## Is score(a, b) the same as score(b, a)?
#
# "Do they say the same?" must have the same answer in both orders. The reader is shared. Is the
# score symmetric, then?
#
# **Before you run the next cell, write down** your answer for the network above. The function below
# swaps the inputs and returns the mean distance between the two scores.


# %%
def swap_test(model):
    a, b = task.held_back_x["left"], task.held_back_x["right"]
    score = model.predict({"left": a, "right": b})
    swapped = model.predict({"left": b, "right": a})
    return float(np.abs(score - swapped).mean())


print(f"mean |score(a, b) - score(b, a)|: {swap_test(first):.3f}")
assert swap_test(first) > 0.01

# %% [markdown]
# It is not symmetric. The reader is shared, but the `Dense` layer behind it has 32 weights for the
# left reading and 32 other weights for the right one.
#
# And does it learn? We train it, and two more with other seeds.

# %%
apart = [trained_accuracy(model) for model in (first, *(network(side_by_side, s) for s in (1, 2)))]
print("accuracy:", *(f"{accuracy:.2f}" for accuracy in apart), "(guessing: 0.50)")
print(f"swap test after training: {swap_test(first):.3f}")
assert max(apart) < 0.6

# %% [markdown]
# No better than guessing: the three lie on both sides of 0.50, or next to it. Why? What goes into
# the last sigmoid is `f(left) + g(right)`: a number from the left text plus a number from the right
# text. No part of it ever sees both texts. One cannot compare two things without looking at both.
#
# **Your turn.** Write a better way to join. Swapping the two readings must change nothing, and the
# result must contain something that depends on both of them at once. Useful are `left - right`,
# `left * right`, `abs(...)` and `tg.layers.concatenate([..., ...])`.


# %%
def join(left, right):
    # YOUR TURN: return one tensor made of both readings, which is the same if they are swapped.
    raise NotImplementedError("YOUR TURN")


comparing = network(join, 0)
before = swap_test(comparing)
together = [trained_accuracy(model) for model in (comparing, network(join, 1), network(join, 2))]
print(f"swap test before training {before}, after training {swap_test(comparing)}")
print("accuracy:", *(f"{accuracy:.2f}" for accuracy in together))
difference = compared(together, apart)  # lesson 12: seed by seed, with Student's interval
print(f"better by {difference.mean:.2f} +- {difference.spread:.2f}: {difference.kind}")
assert swap_test(comparing) < 1e-6
assert min(together) > 0.55, "it has learned little: does `join` look at both, with enough numbers?"

# %% [markdown]
# The score is symmetric before and after training, and the network begins to compare: it is better
# with each of the three seeds.
#
# ## Break it: two readers
#
# Now the good way to join, but with two LSTM layers. They start with the same numbers
# (`set_weights` copies them), so at the start nothing is different. **Before you run the next cell,
# write down**: will the score still be symmetric after training?

# %%
tg.set_random_seed(0)
lstm = tg.layers.LSTM(32, name="lstm")
twin = tg.layers.LSTM(32, name="twin")
untied = finish(lstm(left), twin(right), join)
start = untied.get_weights()
start[3:6] = start[:3]  # the three weights of `twin` become those of `lstm`
untied.set_weights(start)
print(f"swap test before training: {swap_test(untied)}")
assert swap_test(untied) < 1e-6
trained_accuracy(untied)
print(f"swap test after training:  {swap_test(untied):.3f}")
assert swap_test(untied) > 0.01

# %% [markdown]
# Each reader got its own share of the gradient only. So they moved apart, and the symmetry is gone.
# With a shared reader this cannot happen: there is one set of weights, and it gets the sum.
#
# ## What you now know
#
# - Calling a layer again shares its weights. The number of weights does not grow.
# - The gradient of a shared weight is the sum of the shares of all its calls.
# - Sharing the reader is not enough for a symmetric score. The join must be symmetric, too.
# - A swap test finds this in one line. Do it whenever order should not matter.
#
# ## Exercises
#
# 1. Three calls: score = tanh(w * a) * tanh(w * b) * tanh(w * c). Write the three shares. It is
#    right if they add up to what `tg.gradients` says, and if each is the slope when w moves in one
#    call alone.
# 2. Where do the two shares of `lstm/kernel` cancel each other, where do they add? Count the
#    numbers in which the left and the right share have different signs, before and after training,
#    in `first` and in `comparing`. It is right if a number where both are 0 counts to neither side.
# 3. Which part of `join` is needed? Compare `abs(left - right)` alone, `left * right` alone, and
#    both, with three seeds and `compared`. Say where no difference is to be seen.
# 4. Share the answer, too: train with both orders of each pair (left, right and right, left), but
#    with the plain `side_by_side`. Does that make the score symmetric? It is right if you have both
#    numbers: the swap test, and the accuracy. Explain the second one.
# 5. (long) A reader that reads step by step, on *your* engine: h = tanh(x @ W + h @ U), for three
#    steps, with the same W and U in each. The loss is the sum of the last h. Make the graph of
#    nodes with one W and one U, and another one with a W and a U for each step. It is right if the
#    gradients of the three W add up to that of the one, and the same for U. Which step sends the
#    largest share? (This is the question of the next lesson.)
#
# Next: what is inside the layer that has read our texts?
