# %% [markdown]
# # Lesson 31: Many processes
#
# At the end you can train one network with several processes, so that it learns what it would have
# learned in one. You know why the mean of means is wrong, what a process must tell the others, how
# long that takes, and when it is not worth it.
#
# You need: the gradient of a sum is the sum of gradients (lesson 3), a loss and its gradient
# (lessons 5 and 7), labels that are missing (lesson 24).

# %%
import numpy as np

import tinygrad_mo as tg

# %% [markdown]
# ## The question
#
# A batch is a list of samples, and its loss is a mean over them. So four processes could take a
# quarter of the samples each. What must they tell one another, so that all of them make the step
# that one process would make?
#
# A process that works with others is called a *rank*, and has a number, from 0 on. Here the ranks
# are rows of a list, all in this one program: the arithmetic is the same, and easy to look into.
#
# **Your turn.** Cut a batch: rank 0 gets the first samples, the last rank gets the last ones. No
# rank may get two samples more than another one. There may be more ranks than samples.


# %%
def parts_of(samples, ranks):
    """A list with (start, end) for each rank: it gets the samples start, ..., end - 1."""
    # YOUR TURN: one or two lines. Where does the part of rank r begin?
    raise NotImplementedError("YOUR TURN")


# %%
print(parts_of(8, 4), parts_of(7, 3), parts_of(1, 2))
assert parts_of(8, 4) == [(0, 2), (2, 4), (4, 6), (6, 8)]

# %% [markdown]
# ## Predict
#
# Rank 0 has six samples with a mean loss of 1, rank 1 has two with a mean loss of 5. (Why not four
# each? Many labels may be missing.) They tell each other these means and take the mean of both. Is
# that larger than the loss of the whole batch, smaller, or equal?


# %%
def my_prediction():
    # YOUR TURN: return "larger", "smaller" or "equal".
    raise NotImplementedError("YOUR TURN")


# %%
losses = np.array([1.0] * 6 + [5.0] * 2)
print(f"you said {my_prediction()}: the mean of means is {(1 + 5) / 2}, right is {losses.mean()}")
assert losses.mean() == 2

# %% [markdown]
# The mean of means counts each *rank* once. But each *sample* shall count once: two samples on rank
# 1 have become as heavy as six on rank 0. So a mean alone is not enough: a rank must tell of how
# many it is.
#
# **Your turn.** Put the loss of the whole batch together. A rank for which nothing counts has no
# mean: it tells NaN, and 0. If that is so for all of them, the loss is 0.


# %%
def together(means, counts):
    """The mean over all samples, from the mean and the count of each rank."""
    # YOUR TURN: sums and counts can be added, means cannot. Beware: 0 times NaN is NaN.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# ## The gradient
#
# What is true of the loss is true of its gradient. The loss of the batch is a sum over the ranks,
# each mean times a *share*: count / (sum of all counts). So its gradient is the sum of the ranks'
# gradients, each times the same share.
#
# **Your turn.**


# %%
def share(counts, rank):
    """What the gradient of a rank is multiplied with, before all of them are added up."""
    # YOUR TURN: one line, but if no rank counts anything, it is 0.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# Now train: a line through points, of which many have no label, with three ranks that have the same
# weights. In each step, each of them works out the gradient of its part; then all take the same
# step. Beside it one process with the whole batch; and, to **break it**, the mean of the ranks'
# gradients.


# %%
def gradient(w, x, y):
    """Of the mean squared error, over the labels that are there."""
    known = ~np.isnan(y)
    if not known.any():
        return np.zeros(2)
    w = tg.Parameter(w, "w")
    loss = ((w[0] * x[known] + w[1] - y[known]) ** 2).mean()
    return tg.gradients(loss, w)


random = np.random.default_rng(0)
x = np.linspace(-1, 1, 60)
y = 2 * x**3 - 1
y[(x > -0.4) & (random.random(60) < 0.9)] = np.nan
cuts = parts_of(60, 3)
counts = [int((~np.isnan(y[start:end])).sum()) for start, end in cuts]
print("labels on each rank:", counts)


def trained(one_step):
    w = np.zeros(2)
    for _ in range(60):
        w = w - 0.2 * one_step(w)
    return w


def on_ranks(shares):
    def one_step(w):
        each = [gradient(w, x[start:end], y[start:end]) for start, end in cuts]
        return sum(s * g for s, g in zip(shares, each, strict=True))

    return trained(one_step)


whole = trained(lambda w: gradient(w, x, y))
shared = on_ranks([share(counts, rank) for rank in range(3)])
of_means = on_ranks([1 / 3] * 3)
print(f"one process {whole.round(3)}, three ranks {shared.round(3)}")
print(f"mean of means {of_means.round(3)}")
assert np.allclose(shared, whole, atol=1e-5)
assert abs(of_means - whole).max() > 0.1

# %% [markdown]
# The ranks find what one process finds, to five places. The mean of means learns another line: it
# trusts the few labels of a rank as much as the many of another one. Nothing warns of it.
#
# ## The sum
#
# Now the ranks must add up their gradients, and each needs the sum: that is called *all-reduce*. If
# each rank sends its whole gradient to each other one, with 1,000 ranks it sends it 999 times.
# Better: each rank is in charge of one part.
#
# 1. Each rank sends to each other one the part that this one is in charge of.
# 2. Each adds up its part, from rank 0 on, and sends the sum to all others.
#
# **Your turn.** Also count the numbers that *one* rank sends, in both moves together.


# %%
def all_reduce(arrays):
    """What each rank has afterwards (a list of arrays), and how many numbers each has sent.

    arrays: one for each rank, of one length, which the number of ranks divides.
    """
    # YOUR TURN: about six lines. np.split cuts an array into equal parts.
    raise NotImplementedError("YOUR TURN")


# %%
gradients = [random.normal(size=12) for _ in range(4)]
sums, sent = all_reduce(gradients)
print(f"{sent} numbers sent by each of 4 ranks; to send all to all would be {3 * 12}")
assert all(np.allclose(one, sum(gradients)) for one in sums) and sent == 18

# %% [markdown]
# Why "from rank 0 on"? Floats do not add up to the same in every order.

# %%
a, b, c = (np.float32(number) for number in (1e8, -1e8, 1.0))
print((a + b) + c, a + (b + c))
assert (a + b) + c == 1 and a + (b + c) == 0

# %% [markdown]
# If each rank added in its own order, their weights would drift apart, bit by bit. So each part is
# added up by one rank, in one order, and all get the same bits: in each run, as well.
#
# ## What it costs
#
# A message takes alpha seconds to arrive, however short it is, and beta seconds more for each byte.
# In all_reduce, a rank sends 2 (p - 1) messages, and 2 (p - 1) / p of the bytes of a gradient.
#
# **Your turn.** The *efficiency* is the share of the time in which a rank does its own work.


# %%
def efficiency(step, size, ranks, alpha, beta):
    """step / (step + the time of the sum). step: seconds; size: bytes of a gradient."""
    # YOUR TURN: two lines.
    raise NotImplementedError("YOUR TURN")


# %%
ALPHA, BETA = 2e-6, 1e-10  # two microseconds, and ten billion bytes in a second: a fast network
for name, step, size in (("large and slow", 0.5, 4e6), ("small and fast", 0.001, 4e5)):
    found = [efficiency(step, size, ranks, ALPHA, BETA) for ranks in (2, 16, 128, 1024)]
    print(f"{name}: " + "  ".join(f"{one:.0%}" for one in found))
assert efficiency(0.5, 4e6, 1024, ALPHA, BETA) > 0.98
assert efficiency(0.001, 4e5, 16, ALPHA, BETA) > 0.85
assert efficiency(0.001, 4e5, 1024, ALPHA, BETA) < 0.25 and 0.004 < 2 * 1023 * ALPHA < 0.0042

# %% [markdown]
# A network whose step takes half a second loses hardly anything, even on 1,024 ranks. One whose
# step takes a millisecond works less than a quarter of the time there: the messages alone take four
# milliseconds. And this is with a full batch on *each* rank. If one batch is cut into more and more
# parts, the steps get shorter, and the sums do not.
#
# ## The real thing
#
# A program that trains needs one line more, at its top: `tg.distributed.init()`. Then
#
# ```text
# python -m pip install mpi4py mpich
# mpirun -n 4 python train.py
# ```
#
# starts it four times, and the library does what you did: it cuts each batch, multiplies with
# shares, and adds up in the order of the ranks. Dropout draws for the whole batch on each rank, and
# takes its part; batch normalisation adds up its sums.
#
# ## What you now know
#
# - Sums and counts can be added up. Means cannot.
# - A gradient of a part counts by its share, then the step is that of the whole batch.
# - All-reduce in parts sends 2 (p - 1) / p of a gradient, and one order of adding gives all ranks
#   the same bits.
# - It is worth it if a step takes far longer than the sum.
#
# ## Exercises
#
# 1. The *sum* of squared errors as a loss, not the mean: what is the share of each rank then? Right
#    if three ranks find the gradient of the whole batch.
# 2. Batch normalisation needs the variance of the whole batch. Each rank tells three numbers for
#    each channel. Which? Right if what you put together is `np.var` of the batch, to five places.
# 3. If a rank always adds its own array first, the ranks end with different bits. Find arrays for
#    three ranks for which that is so. Right if the arrays that they end with differ.
# 4. (long) Cut a batch of 64 among more and more ranks (a step of the whole batch takes 0.1
#    seconds, the gradient has 4 million bytes): when is it fastest, and how many times faster than
#    one? Write it with alpha and beta, and find the best number of ranks up to 64. Right if it is
#    64 for the network above, 22 if alpha is 1e-4, and 1 if beta is 2e-8. Say why.
#
# This was the last lesson. You know how a gradient finds its way through any graph, what each loss
# moves, how to balance losses and to judge the result, and what processors do with all that.
# Build a network of your own, and look at its page.
