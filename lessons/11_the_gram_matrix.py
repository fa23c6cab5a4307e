# %% [markdown]
# # Lesson 11: The Gram matrix
#
# At the end you know: how three numbers tell the length of a gradient for every position of the
# sliders, what it means that two losses agree or are in conflict, and what one small step of plain
# gradient descent does to each of them.
#
# You need: rows and weights (lessons 8 and 9).

# %% [markdown]
# ## Question: how can the page be so quick?
#
# On the page of lesson 9 you dragged a weight, and at once all lengths were right, on every wire.
# No sweep was made; there is not even NumPy in a browser. The page does not keep the gradients
# either: the embedding alone has 128,000 weights, so each loss has a gradient of 128,000 numbers
# there.
#
# **Before you go on, write down:** the gradients g1 and g2 of two losses are two long arrows. What
# must you keep of them, to know the length of w1 * g1 + w2 * g2 for *every* w1 and w2?
#
# ## Two arrows in the plane
#
# Start small: two numbers in each gradient. The *inner product* of two arrows, written g1 · g2,
# is: multiply number by number, then add up. The inner product of an arrow with itself is the
# square of its length (Pythagoras).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import loss_colours, picture
from tinygrad_mo.systems import headlines

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

g1, g2 = np.array([3.0, 1.0]), np.array([2.0, 1.0])
print("g1 with g1:", g1 @ g1, "  g2 with g2:", g2 @ g2, "  g1 with g2:", g1 @ g2)
assert (g1 @ g1, g2 @ g2, g1 @ g2) == (10, 5, 7)

# %% [markdown]
# (`@` between two arrows of NumPy is the inner product.) Now take the sum s = w1 * g1 + w2 * g2,
# and multiply out its inner product with itself, as you would do with (a + b) * (a + b):
#
#     s · s  =  w1*w1 * (g1·g1)  +  w1*w2 * (g1·g2)  +  w2*w1 * (g2·g1)  +  w2*w2 * (g2·g2)
#
# The gradients appear only in inner products. All of these fit into a square table, the *Gram
# matrix* G. In row k and column j stands the inner product of gradient k with gradient j:
#
#     G  =  [[g1·g1, g1·g2],
#            [g2·g1, g2·g2]]
#
# **Your turn.** Make this table. The gradients come as rows, one for each loss, and they may have
# any shape: (losses, 32, 128), for example. Make one long arrow of each row first: `rows.reshape(n,
# -1)` makes n long rows, however long they become. You need no loop for the table: for a matrix R,
# the product `R @ R.T` has in row k and column j the inner product of row k with row j. (`R.T` is R
# with rows and columns exchanged.)


# %%
def gram(rows):
    # YOUR TURN: return G, of shape (losses, losses).
    raise NotImplementedError("YOUR TURN")


# %%
small_gram = gram(np.stack([g1, g2]))
print(small_gram)
assert small_gram.tolist() == [[10, 7], [7, 5]]

# %% [markdown]
# The formula above, written with G, becomes very short. If w is the array of the weights, then
#
#     length of the sum  =  square root of  w @ G @ w
#
# **Your turn.** `np.sqrt` is the square root.


# %%
def length(G, w):
    # YOUR TURN: the length of the weighted sum, from G and the weights alone. w is an array, or a
    # list of numbers.
    raise NotImplementedError("YOUR TURN")


# %%
w = np.array([1.0, 2.0])
print("from G:", length(small_gram, w))
print("from the arrows:", np.linalg.norm(1.0 * g1 + 2.0 * g2))
assert np.isclose(length(small_gram, w), np.linalg.norm(1.0 * g1 + 2.0 * g2))

# %% [markdown]
# ## A real gradient
#
# Take the network of lesson 9, trained for one epoch, and the weights of its embedding. One sweep
# with rows gives G. Then we ask G for several weights, and for each of them we also make a real
# sweep with these weights. The real sweep is the judge.
#
# **Before you run the next cell, write down:** up to which digit will the two agree?

# %%
art = headlines.load(length=20, vocabulary=4_000)
x, y = art.some(256)
tg.set_random_seed(0)
with tg.use(floatx="float64"):
    model = headlines.build(length=20, vocabulary=4_000, width=32)
model.compile("rmsprop", "binary_crossentropy", {"main_output": 1.0, "aux_output": 0.2})
model.fit(art.x, art.y, epochs=1, verbose=0)

plan = model.training_plan()
tape = plan.forward(model.labelled_data(x, y))
words = model.named_weights()["embedding/embeddings"]
words_gram = gram(plan.backward(tape, [1.0, 1.0], per_loss=True)[words])
print("numbers in the two gradients:", 2 * words.value.size, " numbers in G:", words_gram.size)
assert words.value.size == 128_000
for w in ([1.0, 0.2], [1.0, 2.0], [0.0, 1.0], [1.0, -1.0], [0.3, 7.0]):
    real = np.linalg.norm(plan.backward(tape, w)[words])
    print(f"weights {w!s:<11} from G: {length(words_gram, w):.10f}   real sweep: {real:.10f}")
    assert np.isclose(length(words_gram, w), real, rtol=1e-9)

# %% [markdown]
# They agree as far as the digits of `float64` go. From 256,000 numbers we kept four. Two of these
# are equal, because the order does not matter in an inner product. So three numbers are enough,
# for every position of the sliders. With K losses it is a table of K times K, however large the
# network is.
#
# ## Break it: two numbers are not enough
#
# Is the length of each gradient not enough? Drop the inner product g1 · g2, and add the lengths.
#
# **Before you run the next cell, write down:** will the sum of the lengths be too long or too
# short?

# %%
lengths = np.sqrt(np.diag(words_gram))  # np.diag: the numbers on the diagonal, g1 · g1 and g2 · g2
for w in ([1.0, 1.0], [1.0, -1.0]):
    naive, right = np.abs(w) @ lengths, length(words_gram, w)
    print(f"weights {w!s:<11} sum of the lengths {naive:.4f}   true length {right:.4f}")
    assert naive > right

# %% [markdown]
# Too long. Two arrows that do not point in the same direction lose something when they are added.
# How much, that is what g1 · g2 knows.
#
# ## Agree or conflict
#
# The inner product depends on the lengths, too. Divide by both lengths, and only the angle is
# left. This number is the *cosine*. It is always between -1 and 1:
#
#     +1   same direction: what helps one loss helps the other
#      0   right angle: they do not care about each other
#     -1   opposite directions: what helps one hurts the other, a conflict
#
# **Your turn.** Everything you need stands in G.


# %%
def cosine(G, k, j):
    # YOUR TURN: the inner product of k and j, divided by the length of k and by the length of j.
    raise NotImplementedError("YOUR TURN")


# %%
print(f"main and aux, at the embedding: {cosine(words_gram, 0, 1):+.2f}")
assert cosine(words_gram, 0, 1) > 0.3

# %% [markdown]
# They agree. No wonder: both outputs are asked the same question.
#
# **Before you run the next cell, write down:** now we turn the labels of aux around, so that aux
# shall say "yes" if the work is *no* print. What will the cosine be?

# %%
turned_y = {"main_output": y["main_output"], "aux_output": 1 - y["aux_output"]}
turned_tape = plan.forward(model.labelled_data(x, turned_y))
turned_gram = gram(plan.backward(turned_tape, [1.0, 1.0], per_loss=True)[words])
print(f"main and turned aux: {cosine(turned_gram, 0, 1):+.2f}")
assert cosine(turned_gram, 0, 1) < -0.3

# %% [markdown]
# A conflict. The same words shall lead to "print" at one output and to "no print" at the other.
#
# Draw both cases: how long is the sum if the weight of aux grows from 0 to 3? The lines come from
# G alone. The dots are real sweeps. From here on, main is always blue and aux always orange, in the
# pictures of the lessons and on the page. **Before you run the next cell, write down:** one of the
# lines first goes down. Which one?

# %%
grid = np.linspace(0, 3, 61)
cases = [("same labels", words_gram, tape), ("turned labels", turned_gram, turned_tape)]
for name, table, _ in cases:
    lines = [length(table, [1.0, w]) for w in grid]
    print(f"{name:<14} w = 0: {lines[0]:.4f}   shortest: {min(lines):.4f}   w = 3: {lines[-1]:.4f}")
    assert (min(lines) < 0.96 * lines[0]) == (name == "turned labels")
colour = loss_colours(["main", "aux"])


def draw(figure):
    arrows, curves = figure.subplots(1, 2)
    arrows.annotate("", (1, 0), (0, 0), arrowprops={"color": colour["main"], "width": 2})
    arrows.text(0.5, -0.17, "main (length 1)", color=colour["main"])
    for (name, table, swept), style in zip(cases, ("-", "--"), strict=True):
        angle = np.arccos(cosine(table, 0, 1))
        size = 3 * np.sqrt(table[1, 1] / table[0, 0])
        tip = size * np.cos(angle), size * np.sin(angle)
        arrows.annotate("", tip, (0, 0), arrowprops={"color": colour["aux"], "width": 2})
        arrows.text(tip[0], tip[1] + 0.05, f"3 * aux, {name}", color=colour["aux"], ha="center")
        curves.plot(grid, [length(table, [1.0, w]) for w in grid], "k" + style, label=name)
        real = [np.linalg.norm(plan.backward(swept, [1.0, w])[words]) for w in grid[::15]]
        curves.plot(grid[::15], real, "ok")
    arrows.set(xlim=(-1.4, 1.4), ylim=(-0.3, 1), aspect="equal", title="true lengths and angles")
    curves.set(xlabel="weight of aux", title="length of the sum (dots: sweeps)", ylim=(0, None))
    curves.legend()


picture("lesson11.png", draw, size=(9, 3.6))

# %% [markdown]
# In a conflict, a larger weight can make the sum *shorter*. This answers the question that lesson
# 9 left open: "neither" can be anything, also less than before.
#
# ## What a step does to each loss
#
# So far we looked at one array. Several arrays are one longer arrow, so their Gram matrices are
# added. But take care where a loss has no path: the weights of `aux_output` have a row of aux, and
# none of main. Their Gram matrix has one number, and it belongs to the place of aux with aux.
#
# **Your turn.** This is the long one. `rows[name]` are the gradients at one weight array, one row
# for each loss that reaches it. `reached[name]` says which losses these are: (0, 1), (0,) or (1,).
# Where nothing comes from two losses, the inner product of these two stays 0.


# %%
def whole_gram(rows, reached, losses):
    """The Gram matrix, (losses, losses), of all weight arrays together."""
    # YOUR TURN: about 6 lines. Begin with zeros. For each name, make the Gram matrix of its rows,
    # and add each of its numbers at its place.
    raise NotImplementedError("YOUR TURN")


# %%
rows = plan.backward(turned_tape, [1.0, 1.0], per_loss=True)
reached = {weights: plan.reaches(weights) for weights in plan.wrt}  # all weight arrays
whole = whole_gram(rows, reached, losses=2)
print(whole)
for w in ([1.0, 0.0], [1.0, 0.2], [0.5, 2.0]):  # the real sweep is the judge again
    real = np.sqrt(sum((g**2).sum() for g in plan.backward(turned_tape, w).values()))
    assert np.isclose(length(whole, w), real)

# %% [markdown]
# Now G knows the whole network. And it knows something else, too. After a small step of plain
# gradient descent with the weights w, loss k has changed by about
#
#     - rate * (G @ w)[k]
#
# because the step goes against the sum s, and (G @ w)[k] is the inner product of gradient k with
# s: it says how far the step goes along with loss k. (Steps of other optimizers do not go along the
# gradient, lesson 10. For them this forecast does not hold.)
#
# **Before you run the next cell, write down:** the labels of aux are turned, and we make a step
# for main *only*, w = [1, 0]. Will the loss of aux rise, fall, or stay?

# %%
rate, w = 0.001, [1.0, 0.0]
forecast = -rate * whole @ w
# plan.value reads from the tape what the forward pass has found for a tensor
before = [float(plan.value(turned_tape, loss)) for loss in plan.losses]
for weights, g in plan.backward(turned_tape, w).items():
    weights.assign(weights.value - rate * g[0])
after_tape = plan.forward(model.labelled_data(x, turned_y))
changes = [
    float(plan.value(after_tape, loss)) - b for loss, b in zip(plan.losses, before, strict=True)
]
for name, guess, real in zip(("main", "aux"), forecast, changes, strict=True):
    print(f"{name:<5} forecast {guess:+.6f}   measured {real:+.6f}")
    assert abs(guess - real) < 0.1 * abs(real)
assert changes[0] < 0 < changes[1]

# %% [markdown]
# Main falls, and aux **rises**, although its weight was 0. The step for main has hurt it, through
# the weights that they share. That is what a conflict is. (The gradient of aux took no part in this
# step. So "weight 0" does not mean that a loss stays as it is.) On the page the words behind each
# slider, *SGD step: improves* or *gets worse*, are this forecast.
#
# ## In the library
#
# `gradient_flow` makes one sweep with rows and keeps a small table for each wire and each weight
# array. All lengths and cosines, those of the page, too, come from these tables.

# %%
flow = model.gradient_flow(x, turned_y)
measure = flow.measure("embedding/embeddings")
print(np.round(measure.gram, 6))
print("cosine:", round(flow.cosine("embedding", "main_output", "aux_output"), 2))
words_gram = gram(plan.backward(after_tape, [1.0, 1.0], per_loss=True)[words])
assert np.allclose(measure.gram, words_gram)
assert np.isclose(flow.total("embedding", {"aux_output": 3.0}), length(words_gram, [1.0, 3.0]))

# %% [markdown]
# ## What you now know
#
# - The Gram matrix holds the inner products of the gradients of all losses. One sweep gives it.
# - The length of the weighted sum is the square root of w @ G @ w, for every w.
# - The cosine says whether two losses agree (+) or are in conflict (-).
# - -rate * G @ w is what the next small step of plain gradient descent does to each loss.
#
# ## Exercises
#
# 1. On paper: g1 = [1, 0] and g2 = [-2, 1]. Write down G, the length of g1 + g2, and the cosine.
#    Then ask your functions. It is right if they say the same.
# 2. In a conflict the sum is shortest for one weight w of aux. Find it from G (multiply out the
#    squared length of g1 + w * g2; where is its slope 0?). It is right if `min` over a fine grid of
#    weights finds nothing shorter, for turned and for other labels.
# 3. Where in the network do main and turned aux disagree most? Make a table with a cosine for each
#    weight array that both losses reach. It is right if it agrees with `flow.cosine` there.
# 4. How small is "a small step"? Repeat the last experiment with rates from 0.001 to 10, and put
#    the weights back each time (`model.get_weights`, `model.set_weights`). Print forecast and
#    measurement of both losses. You see that it is right if the error of the forecast becomes much
#    more than 10 times smaller where the rate becomes 10 times smaller.
# 5. (long) Three losses with three arrows of 50 random numbers each. Find weights, none of them
#    negative, with sum 1, for which NO loss rises: no number of G @ w is below 0. Search on a grid
#    first. Then find a rule: what do you know of the *shortest* sum? It is right if it holds for
#    100 draws, and a step with your weights on three functions of your own lets all three fall.
#
# Next: two networks have different scores. Is the difference real, or was it luck?
