# %% [markdown]
# # Lesson 7: Losses and answers
#
# At the end you know: how a network answers yes or no, one of many, or several things at once;
# which loss belongs to which answer; and why its slope is so simple. You have written two
# operations of your own, and with them your engine has learned to read digits.
#
# You need: operations with pullbacks (lessons 1 and 2), your engine (lesson 5), layers and training
# (lesson 6).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.learn import loss_colours, my_work, picture

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too
engine = my_work("the_engine")  # what you wrote in lesson 5

# %% [markdown]
# ## Question: how does a number become an answer?
#
# A price is a number, and a dense layer makes numbers. But how does a layer answer "yes" or "no"?
#
# The layer still makes one number z. It may be any number, and it is called the *logit*. Then a
# curve squeezes it into the space between 0 and 1. This curve is the *sigmoid*:
#
#     p = 1 / (1 + exp(-z))
#
# p says how sure the network is of "yes": p is the *share* of yes, and 1 - p that of no. For z = 0
# both are 1/2: no idea. The truth y is called the *label*, and it is 1 for yes and 0 for no. How
# wrong is p? Here are two ways to say it:
#
#     squared error  =  (p - y)**2
#     cross-entropy  =  -log(p)      if y is 1
#                       -log(1 - p)  if y is 0
#
# The cross-entropy looks at the share that the *truth* has got: p if the truth is yes, 1 - p if it
# is no. All of it: -log(1) = 0, no loss. A half: 0.69. One hundredth: 4.6. Nothing at all: the loss
# is infinite. One formula says both cases, because one of its two parts is always 0:
#
#     cross-entropy  =  -y * log(p) - (1 - y) * log(1 - p)

# %%
for p in (0.99, 0.5, 0.01):
    print(f"the truth has the share {p:<5} squared {(p - 1) ** 2:.4f}  cross {-np.log(p):.4f}")
assert abs(-np.log(0.5) - 0.693) < 0.001 and abs(-np.log(0.01) - 4.605) < 0.001

# %% [markdown]
# ## Which of them is a good teacher?
#
# Both are small if p is near y. But a network does not see the loss. It sees the *slope*. So let us
# find the slopes at the logit z, with the chain of lesson 2. From a table of formulas:
#
#     slope of the sigmoid:        p * (1 - p)
#     slope of the squared error:  2 * (p - y)
#     slope of the cross-entropy:  (p - y) / (p * (1 - p))
#
# **Your turn.** Each loss stands behind the sigmoid. Multiply along the chain, and look what
# happens to the fraction.


# %%
def slopes(p, y):
    """The slopes of both losses at the logit z: squared error first, then cross-entropy."""
    # YOUR TURN: two or three lines. Cancel what can be cancelled: p may be exactly 0 or 1, and then
    # a fraction with p * (1 - p) below the line is 0 / 0.
    raise NotImplementedError("YOUR TURN")


# %%
print(f"{'p':>6}{'squared':>10}{'cross':>10}   (the truth is yes)")
for p in (0.001, 0.1, 0.5, 0.9, 0.999):
    squared, cross = slopes(p, 1.0)
    print(f"{p:>6}{squared:>10.4f}{cross:>10.4f}")

# %% [markdown]
# The slope of the cross-entropy is **p - y**: what was said minus what is true. Nothing else is
# left. Remember it, you will meet it in every network that answers yes or no.
#
# Look at the first line. The network is as wrong as can be. The cross-entropy pulls with all its
# force. The squared error hardly pulls at all: the sigmoid is flat there, as tanh was at 5 in
# lesson 1, and p * (1 - p) is nearly 0.
#
# ## Predict
#
# A single logit starts at z = -6, so p = 0.0025, but the truth is yes. It takes 100 steps of plain
# gradient descent, with a rate of 1. How sure of "yes" is it then, with each of the losses?


# %%
def my_prediction():
    # YOUR TURN: behind each loss write "below 0.1", "between" or "above 0.9".
    # {"squared error": ..., "cross-entropy": ...}
    raise NotImplementedError("YOUR TURN")


# %%
ways, predicted = {}, my_prediction()
for k, loss in enumerate(("squared error", "cross-entropy")):
    z, way = -6.0, []
    for _ in range(100):
        way.append(1 / (1 + np.exp(-z)))
        z = z - slopes(way[-1], 1.0)[k]
    ways[loss] = way
    print(f"{loss}: you said {predicted[loss]}, it is {way[-1]:.3f}")
assert ways["squared error"][-1] < 0.1 and ways["cross-entropy"][-1] > 0.9


def draw(figure):
    left, right = figure.subplots(1, 2)
    z = np.linspace(-8, 8, 200)
    curves = slopes(1 / (1 + np.exp(-z)), 1.0)
    for (loss, colour), curve in zip(loss_colours(ways).items(), curves, strict=True):
        left.plot(z, curve, color=colour, label=loss)
        right.plot(ways[loss], color=colour, label=loss)
    left.set(xlabel="logit z", ylabel="slope, where the truth is yes")
    right.set(xlabel="step", ylabel="p, how sure of yes")
    left.legend()


picture("lesson07.png", draw)

# %% [markdown]
# With the squared error it is stuck: whoever is very wrong learns next to nothing. With the
# cross-entropy it gets free in a few steps. (If z starts at 0, both learn: try it.)
#
# ## Bend: relu
#
# Between the layers of a network stands a curve, or else two dense layers are no more than one:
#
#     (x @ A + a) @ B + b  =  x @ (A @ B) + (a @ B + b)
#
# In lesson 6 the curve was tanh. The commonest today is called *relu*: below 0 it says 0, above 0
# it says x itself. So its slope is 0 or 1: where x is above 0, the gradient passes unchanged,
# elsewhere nothing passes. (At 0 itself there is a corner. We take the slope 0 there, as the
# library does.)
#
# **Your turn.** Write it as an operation: the value, and a tuple of one pullback. `g` comes with
# rows in front, one for each loss, as in lesson 5. A product with `x > 0` fits by broadcasting.


# %%
def relu(x):
    """The value, and a tuple of one pullback."""
    # YOUR TURN: two lines. x is an array.
    raise NotImplementedError("YOUR TURN")


# %%
x = np.array([[-2.0, 0.5], [3.0, -0.1]])
print(relu(x)[0])
print(tg.check.check_op(ops.Op(relu), x))  # ops.Op makes an operation of a function

# %% [markdown]
# ## One of many
#
# Which of ten digits is it? Now the layer makes ten logits, and the answer is ten shares, which add
# up to 1. The *softmax* makes them: exp makes every number positive, then divide by the sum.
#
#     p = exp(z) / sum(exp(z))
#
# The label is a row, too: 1 at the right class, 0 elsewhere. This is called *one-hot*. The loss is
# again -log of the share that the truth has got, and one formula says it for all classes:
#
#     cross-entropy = -sum(y * log(p))
#
# Once more the slope is simple. The logarithm of a fraction is a difference: log(p) = z -
# log(sum(exp(z))). A row of labels adds up to 1, so the second part is counted once:
#
#     cross-entropy    =  log(sum(exp(z))) - sum(y * z)
#     its slope at z   =  exp(z) / sum(exp(z)) - y
#
# The fraction is p. So **the slope at the logits is p - y**, here for each class.
#
# ### Break it: numbers that are too large

# %%
z = np.array([[3.0, 1.0, 2.0], [3000.0, 1000.0, 2000.0]])
with np.errstate(all="ignore"):  # NumPy would warn us
    naive = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
print(naive.round(3))
assert np.allclose(naive[0].sum(), 1) and np.isnan(naive[1, 0])

# %% [markdown]
# The second row is easy: the first class has won. But exp(3000) is larger than any number that a
# computer keeps: infinity. And infinity / infinity is `nan`, "not a number". From here, nan goes
# into all weights, and the network is lost.
#
# The cure: take the largest logit of the row away from all logits of the row, before exp. Above and
# below the line this divides by the same factor, so p stays the same. But now the largest number is
# exp(0) = 1. And the logarithm needs no p at all:
#
#     shifted = z - largest
#     log(p)  = shifted - log(sum(exp(shifted)))
#
# This is the *log-sum-exp trick*.
#
# **Your turn.** Both inputs have the shape (samples, classes), the value has one number for each
# sample. There are two inputs, so there are two pullbacks. Nobody needs the gradient of the labels,
# but your engine asks for one pullback per input; that one is easy, since y only stands in front of
# log(p). `g[..., None]` gives g one more axis at its end, of length 1, and broadcasting stretches
# it over the classes.


# %%
def softmax_crossentropy(z, y):
    """-sum(y * log(softmax(z))) of each sample, and two pullbacks: for z, and for y."""
    # YOUR TURN: about 6 lines. .max and .sum want axis=-1 and keepdims=True, so that a column is
    # left. g has the shape (rows, samples), so the pullback of z is g[..., None] * (p - y), and
    # that of y is -g[..., None] * log_p.
    raise NotImplementedError("YOUR TURN")


# %%
y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
print("losses:", softmax_crossentropy(z, y)[0].round(4) + 0.0)  # + 0.0 turns -0. into 0.
print(tg.check.check_op(ops.Op(softmax_crossentropy), z[:1], y[:1]))
assert np.allclose(softmax_crossentropy(z, y)[0], [2.4076, 0], atol=1e-4)

# %% [markdown]
# ## Your engine learns to read
#
# 1,797 handwritten digits, 8 times 8 points each. Two layers with your relu between them, your
# cross-entropy behind them, and your engine of lesson 5: find_nodes, make_plan, forward, backward.
# A function becomes an operation that records itself by `ops.Op`. (You remember `__op__` of lesson
# 5: an operation that is given a node calls it, and computes nothing.)

# %%
digits = tg.data.load("digits")
pixels, labels = digits.image.reshape(-1, 64) / 16, np.eye(10)[digits.digit]
known, exam = ~digits.test, digits.test

x, y = engine.Node(name="x"), engine.Node(name="y")
weights = [engine.Node(name=name) for name in ("kernel_1", "bias_1", "kernel_2", "bias_2")]
h = ops.Op(relu)(ops.add(ops.matmul(x, weights[0]), weights[1]))
z = ops.add(ops.matmul(h, weights[2]), weights[3])
loss = ops.mean(ops.Op(softmax_crossentropy)(z, y))
plan = engine.make_plan([loss])

random = np.random.default_rng(0)
arrays = [random.normal(0, 0.15, (64, 32)), np.zeros(32), random.normal(0, 0.2, (32, 10))]
now = dict(zip(weights, [*arrays, np.zeros(10)], strict=True))
for step in range(151):
    tape = engine.forward(plan, now | {x: pixels[known], y: labels[known]})
    gradients = engine.backward(plan, tape, engine.seed_rows(plan, [loss]))
    if step % 50 == 0:
        print(f"step {step:>3}: loss {tape.values[plan.slots[loss]]:.3f}")
    for w in weights:
        now[w] = now[w] - 0.5 * gradients[plan.slots[w]][0]

tape = engine.forward(plan, now | {x: pixels[exam], y: labels[exam]})
logits = tape.values[plan.slots[z]]
right = np.mean(logits.argmax(axis=1) == digits.digit[exam])
commonest = np.mean(digits.digit[exam] == np.bincount(digits.digit[known]).argmax())
print(f"held back: {right:.0%} right; always the same answer: {commonest:.0%}")
assert right > 0.9 and commonest < 0.12

# %% [markdown]
# The first loss was near log(10) = 2.3: ten classes, and no idea. At the end more than nine of ten
# digits are right, and these pictures were never shown. The answer is the class with the largest
# logit; softmax does not change the order.
#
# ## What the library does
#
# Its loss takes probabilities, or logits, if you say `from_logits=True`. Probabilities are rounded
# numbers: a very small one may have become exactly 0, and -log(0) is infinite. So a loss that only
# sees probabilities keeps away from 0 and 1, by one ten-millionth. There it is flat.
#
# **Before you run the next cell, write down:** the truth is the second class, the logits are 30 and
# 0. How strongly should the loss pull, and how strongly does it, if it sees only p?

# %%
z, y = tg.Tensor([[30.0, 0.0]], dtype="float64"), np.array([[0.0, 1.0]])
sees_logits = ops.categorical_crossentropy_from_logits(y, z)
sees_p = ops.categorical_crossentropy(y, ops.softmax(z))
for name, value in (("sees the logits", sees_logits), ("sees only p", sees_p)):
    slope = tg.gradients(value.sum(), z) + 0.0
    print(f"{name:<16} loss {float(value.sum()):6.2f}  slopes {slope}")
assert np.allclose(tg.gradients(sees_logits.sum(), z), [[1, -1]])
assert not tg.gradients(sees_p.sum(), z).any()
mine = softmax_crossentropy(z.value, y)[0]
assert np.allclose(mine, sees_logits.value)

# %% [markdown]
# As wrong as can be, and no slope at all: from this sample it would never learn. A model that ends
# in a layer with `activation="softmax"` gives its loss nothing but p. That is convenient, as its
# answers are shares at once, and it does no harm as long as nothing is sure *and* wrong. Where it
# may be, leave the activation out, and tell the loss `from_logits=True`.
#
# ## Which loss for which answer?
#
# | the answer is | last layer | loss | slope of one number's loss |
# |---|---|---|---|
# | how much? a number | no activation | `mean_squared_error` | 2 * (p - y) |
# | yes or no | `sigmoid` | `binary_crossentropy` | p - y |
# | one of several classes | `softmax` | `categorical_crossentropy` | p - y |
# | several labels at once | `sigmoid`, one unit each | `binary_crossentropy` | p - y |
#
# These are the slopes at what comes out of the dense layer, of the loss of one answer. The library
# takes a mean: over the samples, and over the numbers of an answer where each of them has a loss of
# its own (first, second and last line). So what you measure is divided by how many there are.

# %%
z, y = tg.Tensor([[0.5, -1.0], [2.0, 0.0], [1.0, 1.0]], dtype="float64"), np.eye(3)[:, :2]
found = tg.gradients(tg.losses.get("mean_squared_error")(y, z), z)
print("measured, times 6:", 6 * found[0], "  2 * (p - y):", 2 * (z.value - y)[0])
assert np.allclose(found, 2 * (z.value - y) / 6)  # 3 samples with 2 numbers each
found = tg.gradients(tg.losses.get("binary_crossentropy")(y, ops.sigmoid(z)), z)
assert np.allclose(found, (ops.sigmoid(z).value - y) / 6)
y = np.eye(2)[[0, 1, 1]]
found = tg.gradients(tg.losses.get("categorical_crossentropy")(y, ops.softmax(z)), z)
assert np.allclose(found, (ops.softmax(z).value - y) / 3)  # one loss for each sample

# %% [markdown]
# The last two lines of the table look alike, but they are not. Softmax shares *one* whole among the
# classes: if one gets more, the others get less. That is right if exactly one can be true. A
# picture with a beach *and* people needs a yes or no for each. (`sparse_categorical_crossentropy`
# is the third one, for labels that are given as numbers 0, 1, 2 ... instead of rows.)
#
# **Your turn.** Five questions about the data of this course.


# %%
def right_loss():
    # YOUR TURN: behind each question write the name of its loss, from the table.
    # {"what does this car cost?": ...,
    #  "is this work of art a print?": ...,
    #  "which of ten digits is it?": ...,
    #  "which of twelve words are in the name of this emoji?": ...,
    #  "which of six makers has made this car?": ...}
    raise NotImplementedError("YOUR TURN")


# %%
for question, name in right_loss().items():
    print(f"{question:<54}{tg.losses.get(name).name}")

# %% [markdown]
# ## Words for the lessons that follow
#
# - *logit*: the number before sigmoid or softmax. *Label*: the truth that belongs to a sample, in
#   Python often `y`.
# - *metric*: a number that is looked at, but not trained on. *Accuracy*: the metric "share of the
#   right answers". *Baseline*: the score of an answer that ignores the input. *Held back*: samples
#   that training never sees.
# - *batch*: the samples of one step. *Epoch*: one round through all samples.
# - *optimizer*: the rule that makes a step of a gradient. In lesson 6 it was SGD: minus rate times
#   gradient. *RMSprop* and *Adam* divide the gradient by its own running size, so that the steps of
#   all weights have about equal size. Lesson 10 builds them.
# - *row*: the gradient of one loss, where several are carried at once (lesson 5).
# - *seed*: where a sweep starts (lesson 5), and also the number that fixes what is drawn at random
#   (lesson 6). Both are usual; the sentence around it says which one is meant.
# - *trunk*: layers that several outputs share. *Head*: the layers of one output. *Auxiliary*:
#   helping. An auxiliary output is there for training, not to be used.
# - `__op__`: the method by which a tensor or a node records an operation (lesson 5).
#
# ## What you now know
#
# - A logit becomes an answer by sigmoid (yes or no) or softmax (one of many).
# - The cross-entropy is -log of the share that the truth has got. Its slope at the logits is p - y.
# - The squared error behind a sigmoid is a bad teacher: where it is most wrong, its slope is 0.
# - exp and log need care: take the largest logit away first, and train on logits.
# - Several labels at once are several questions with yes or no.
#
# ## Exercises
#
# 1. Sigmoid is a softmax of two classes: that of the logits [0, z]. Show with your
#    `softmax_crossentropy` that loss and slope are those of the yes-or-no formula, for z = -3 and
#    0.5, y = 0 and 1. Right if all numbers agree to 9 digits. Which of them is right for z = 40 and
#    y = 0, and why not the other one?
# 2. What is the best z, if the label is not sure, say [0.8, 0.2]? Let z take 500 steps from [0, 0],
#    with a rate of 1, and compare softmax(z) with the label. Right if they agree to 3 digits. Is
#    the loss 0 then?
# 3. A relu that is 0 for every sample learns nothing: it is *dead*. Write `leaky_relu`, with the
#    slope 0.1 below 0, check it with `check_op`, and train the digits with it. Right if more than
#    nine of ten held-back digits are right, and no unit is dead.
# 4. (long) A loss for counting. For "how many?" the answer is exp(z), and the loss (of Poisson) is
#    exp(z) - y * z. Find its slope with pencil and paper; it has a form that you know. Write it as
#    an operation, check it, and let your engine learn, in 600 steps with a rate of 0.5, how many
#    words the title of a work of art has, from its medium (`tg.data.load("tate")`,
#    `np.eye(8)[tate.medium]`). Right if exp(z) of each medium becomes its mean number of words, to
#    2 digits.
#
# Next: a network that forks at its end. It has two outputs and two losses.
