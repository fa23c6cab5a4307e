# %% [markdown]
# # Lesson 29: Make it fast
#
# At the end you can measure how long a piece of code works, you know the floor below which it
# cannot get, and you have joined twelve small operations into one. You also know when that is not
# worth the work.
#
# You need: an op and its pullbacks (lesson 1), `tg.gradients` (lesson 2), the plan with its steps
# (lesson 5), and the logit and its cross-entropy (lesson 7).

# %%
import time

import numpy as np

import tinygrad_mo as tg

# %% [markdown]
# ## How long does it take?
#
# On a busy computer the clock on the wall lies: other programs take their turns. `process_time`
# counts only the seconds for which the processor worked for us. Two more rules:
#
# - Some clocks tick only 64 times a second. So we repeat a job until it takes several ticks.
# - One measurement is no measurement. We take three, and of these the median: the middle one.
#
# **Your turn.** This is the long one. Measure: read the clock, call the job `calls` times, read the
# clock again. Begin with one call. If less than 0.05 seconds were spent, the measurement does not
# count: double the number of calls, and measure again. Otherwise keep the seconds of ONE call. When
# three are kept, return the middle one.


# %%
def cost(job, clock=time.process_time):
    """Seconds of one call of `job`, by a clock such as time.process_time."""
    # YOUR TURN: about 10 lines, with a `while` loop. `clock()` gives the seconds now.
    raise NotImplementedError("YOUR TURN")


# %%
print(f"the sum of a million numbers takes {1000 * cost(lambda: sum(range(1_000_000))):.0f} ms")

# %% [markdown]
# ## The floor
#
# A computer has two limits. It can do only so many additions and multiplications per second. And it
# can move only so many bytes per second between memory and processor. We measure both: a product of
# two matrices does much arithmetic, and a copy does nothing but move.
#
# - A product of two n x n matrices needs n * n * n multiplications and as many additions.
# - A copy of n numbers reads n numbers and writes n numbers. A float32 number has 4 bytes.

# %%
N, MANY = 512, 4_000_000
a, product = np.ones((N, N), np.float32), np.empty((N, N), np.float32)
x, y, total = (np.ones(MANY, np.float32) for _ in range(3))
operations_per_second = 2 * N**3 / cost(lambda: np.matmul(a, a, out=product))
bytes_per_second = 2 * 4 * MANY / cost(lambda: np.copyto(total, x))
print(f"this computer: {operations_per_second / 1e9:.0f} billion operations per second,")
print(f"               {bytes_per_second / 1e9:.0f} billion bytes per second")

# %% [markdown]
# (With `out=` NumPy writes into an array that is there already, and need not ask for new memory.)
#
# A job that needs some operations and moves some bytes cannot be faster than these two limits
# allow. The least time is its **floor**. Arithmetic and moving can happen at the same time, so the
# two times do not add: the longer one counts.
#
# **Your turn.** Write the floor.


# %%
def floor_seconds(operations, moved, operations_per_second, bytes_per_second):
    # YOUR TURN: return the least time in seconds: that of the arithmetic or that of moving so many
    # bytes, whichever is longer.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# Three jobs. **Before you run the next cell, write down**: which one works far above its floor?

# %%
x10, y10, total10 = (np.ones(10, np.float32) for _ in range(3))
b, b_product = np.ones((300, 300), np.float32), np.empty((300, 300), np.float32)
works = {
    "product of 300 x 300": (lambda: np.matmul(b, b, out=b_product), 2 * 300**3, 3 * 4 * 300**2),
    "add 4,000,000 numbers": (lambda: np.add(x, y, out=total), MANY, 3 * 4 * MANY),
    "add 10 numbers": (lambda: np.add(x10, y10, out=total10), 10, 3 * 4 * 10),
}
for name, (job, operations, moved) in works.items():
    least = floor_seconds(operations, moved, operations_per_second, bytes_per_second)
    print(f"{name:<22} takes {cost(job) / least:>7.1f} times its floor")

# %% [markdown]
# With nothing else to do on the computer, the first two should be near 1, or not far above: nobody
# can make them much faster there. (On a busy one they can be 3 and more: then measure again.) (A
# number somewhat below 1 only says that we have measured a limit a little too low.)
#
# Adding ten numbers is far above its floor. The time goes elsewhere: Python reads the call, NumPy
# looks at the types and shapes. That is called **overhead**. It is paid for each step, and it is
# the same for ten numbers and for a hundred.
#
# So there are two ways to be slow: large arrays that are moved more often than needed, and many
# small steps. One cure helps against both: **fuse**. Make one op of many.
#
# ## Twelve steps
#
# Here is the loss of a yes-or-no output. It starts from the logit `z`, the number before the
# sigmoid.


# %%
def small_steps(label, logit):
    p = 1 / (1 + tg.ops.exp(-logit))
    return -(label * tg.ops.log(p) + (1 - label) * tg.ops.log(1 - p))


def number_of_steps(loss):
    label, logit = tg.Tensor([0.0, 1.0]), tg.Tensor([-2.0, 3.0])
    return len(tg.Plan([loss(label, logit)], [logit]).steps)


print("steps:", number_of_steps(small_steps))
assert number_of_steps(small_steps) == 12

# %% [markdown]
# Each of the twelve reads arrays, makes an array, and leaves a pullback of its own. Now take paper
# and pencil. Put p = 1 / (1 + exp(-z)) into the loss, and almost everything cancels:
#
#     loss = log(1 + exp(z)) - label * z
#     slope of the loss with respect to z = p - label
#
# **Your turn.** Write it as one op, in the form of lesson 1: it returns its value, and a tuple with
# one pullback for each input. The label needs none: None. A pullback gets `g` and returns `g` times
# the slope.
#
# Two formulas that never overflow:
#
#     log(1 + exp(z)) = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
#     p = 0.5 * np.tanh(0.5 * z) + 0.5


# %%
def sigmoid_crossentropy(label, logit):
    # YOUR TURN: compute the value and p, and return value, (None, pullback of the logit).
    raise NotImplementedError("YOUR TURN")


one_op = tg.ops.op(sigmoid_crossentropy)  # makes an op of it, which takes tensors, too
print("steps:", number_of_steps(one_op))
assert number_of_steps(one_op) == 1

# %% [markdown]
# A fast wrong answer is worth nothing. So we compare the values, and check the pullback against
# finite differences. `check_op` does what you did by hand in lesson 1. We tell it that input 0, the
# label, is a constant: otherwise it would complain that a gradient is missing.

# %%
some_labels, some_logits = np.array([0.0, 1.0, 0.0, 1.0]), np.array([-2.0, -0.5, 1.0, 3.0])
value, _ = sigmoid_crossentropy(some_labels, some_logits)
slowly = small_steps(tg.Tensor(some_labels), tg.Tensor(some_logits)).numpy()
assert np.allclose(value, slowly, atol=1e-6)
tg.check.check_op(one_op, some_labels, some_logits, constants=[0])
print("the same values, and the pullback is right")

# %% [markdown]
# Now the time, forward and backward. **Before you run the next cell, write down** how many times
# faster one op will be: for 10 numbers, for 1,000, and for a million.


# %%
def both_ways(loss, size):
    """Processor seconds of the loss of so many samples, and of its gradient."""
    numbers = np.linspace(-3, 3, size, dtype=np.float32)
    label, logit = tg.Tensor(numbers > 0, "float32"), tg.Tensor(numbers)
    return cost(lambda: tg.gradients(loss(label, logit).mean(), logit))


for size in (10, 1_000, 1_000_000):
    ratio = both_ways(small_steps, size) / both_ways(one_op, size)
    print(f"{size:>9,} numbers: one op is {ratio:.1f} times as fast as twelve")

# %% [markdown]
# - **10 numbers:** overhead. Twelve steps pay it twelve times, forward and backward.
# - **1,000 numbers:** the overhead is the same, but now the arithmetic counts, too. `exp` and `log`
#   of each number must be computed either way.
# - **A million numbers:** memory. Each array has 4 million bytes. Each of the twelve steps asks for
#   a new one, writes it, and a later step reads it again. How much that costs depends on the
#   processor and on the operating system.
#
# Your numbers may be quite different. That is why one measures.
#
# ## Break it: one op is not always fast
#
# NumPy has a function for log(exp(a) + exp(b)). With it our value is shorter to write:
# `np.logaddexp(logit, 0) - label * logit`. **Before you run the next cell, write down**: will
# this op be faster than yours?


# %%
def with_logaddexp(label, logit):
    p = 0.5 * np.tanh(0.5 * logit) + 0.5
    return np.logaddexp(logit, 0) - label * logit, (None, lambda g: g * (p - label))


shorter = tg.ops.op(with_logaddexp)
tg.check.check_op(shorter, some_labels, some_logits, constants=[0])
ratio = both_ways(shorter, 100_000) / both_ways(one_op, 100_000)
print(f"100,000 numbers: with logaddexp it takes {ratio:.1f} times as long")

# %% [markdown]
# It is right, it is one step, and where we have tried it, it is slower. `np.exp` works on several
# numbers at once; `np.logaddexp` takes one after the other. You cannot see this in the code.
#
# ## Break it: large logits
#
# **Before you run the next cell, write down** the loss for the label 1 and the logit 200, and for
# the label 1 and the logit -200. (The sigmoid is then almost exactly 1, and almost exactly 0.)

# %%
sure, right = np.array([200.0, -200.0], np.float32), np.array([1.0, 1.0], np.float32)
with np.errstate(all="ignore"):  # do not warn: we know what will happen
    broken = small_steps(tg.Tensor(right), tg.Tensor(sure)).numpy()
print("twelve steps:", broken, "  one op:", sigmoid_crossentropy(right, sure)[0])
assert not np.isfinite(broken).any()
assert np.allclose(sigmoid_crossentropy(right, sure)[0], [0, 200])

# %% [markdown]
# In the twelve steps, log(0) comes up, and 0 times infinity is not a number. The fused op is exact.
# So there are two reasons to fuse: it is faster, and it can be safer.
#
# ## Overhead, taken away
#
# Fusing by hand is work. But a training does the same steps all day, on arrays of the same shapes.
# So one can write down once what is to be done (multiply this array with that one, into this third
# one that is there already), and later only carry it out. Such a list is called a **trace**. A
# model does this by itself, as long as its arrays are small. `tg.ReplayedPlan` is a plan that
# does; `tg.Plan` is the one of lesson 5.
#
# Here are 200 steps on 10 numbers. **Before you run the next cell, write down** how many times
# faster they will be from their trace.


# %%
def many_small_steps(x):
    for _ in range(100):
        x = tg.ops.tanh(0.9 * x)
    return x.sum()


def slope_by(kind):
    """The slope of many small steps, and its processor seconds, by a plan of this kind."""
    start = tg.Parameter(np.ones(10), "start")
    plan = kind([many_small_steps(start)], [start])
    slope = plan.backward(plan.forward(), [1.0])[start]
    return slope, cost(lambda: plan.backward(plan.forward(), [1.0]))


(plain_slope, plain_time), (traced_slope, traced_time) = map(slope_by, (tg.Plan, tg.ReplayedPlan))
assert np.allclose(plain_slope, traced_slope)
print(f"the same slope, and from the trace {plain_time / traced_time:.1f} times as fast")

# %% [markdown]
# No formula has changed: only what Python did between the steps is gone. (Where you have a C
# compiler, the list is handed to C as a whole, and the factor is larger.) A trace has its price: it
# holds only for these shapes, and if a rule asks "are all labels right?", somebody must ask again
# each time.
#
# ## Is it worth the work?
#
# A training step does more than its loss. If the loss takes a share `s` of the time, and becomes
# `f` times as fast, the rest still takes its time.
#
# **Your turn.** How many times faster does the whole step become? (The time before is 1.)


# %%
def whole_gain(share, factor):
    # YOUR TURN: return time before / time after. Before, the whole takes 1, and the part takes
    # `share` of it. After, only the part is `factor` times as fast.
    raise NotImplementedError("YOUR TURN")


for share in (0.9, 0.5, 0.05):
    print(f"share {share:.2f}, part 10 times as fast: whole {whole_gain(share, 10):.2f} times")
assert abs(whole_gain(0.05, 10) - 1.047) < 0.001

# %% [markdown]
# With a share of 0.05, ten times faster becomes 1.05 times faster. Now two real training steps,
# of a small network and of a larger one, each with 256 samples. **Before you run the next cell,
# write down** for which of them our op is worth the work: for the small one, for the large one, for
# both, for none?


# %%
def fused(label, logit):
    return one_op(label, logit)


def training_step(loss, inputs, units):
    """Processor seconds of one training step of a network with one hidden layer."""
    tg.set_random_seed(0)
    start = tg.Input((inputs,), name="numbers")
    h = tg.layers.Dense(units, activation="relu", name="hidden")(start)
    model = tg.Model(start, tg.layers.Dense(1, name="logit")(h))
    model.compile("sgd", loss)
    data = np.random.default_rng(0).standard_normal((256, inputs), dtype=np.float32)
    labels = np.full((256, 1), 0.5)  # neither yes nor no: no logit grows, however often we step
    return cost(lambda: model.train_on_batch(data, labels))


for name, inputs, units in (("small", 8, 8), ("large", 1000, 500)):
    ratio = training_step(small_steps, inputs, units) / training_step(fused, inputs, units)
    print(f"{name}: {inputs} inputs, {units} units: {ratio:.2f} times as fast with the fused loss")

# %% [markdown]
# In the large network the products of matrices take the time, and they are near their floor
# already. If the ratio there is close to 1, it is not more than the noise of measuring.
#
# In the small network the overhead of the twelve steps was gone already: a model traces its steps.
# Our op is of our own, and a trace cannot know what such an op depends on; so it is called as
# always, and may even be the slower one. What was worth the work for `tg.gradients` is not here.
#
# ## What you now know
#
# - Measure processor time, in long enough pieces, and take the median.
# - Two limits make the floor: operations per second and bytes per second. Small steps are far above
#   it, because of overhead.
# - Fusing steps saves overhead and moving, and it can avoid overflow. Check the pullback after it.
# - A trace saves the overhead of all steps at once, where the same is done again and again.
# - First find the part that takes the time. A part with a small share is not worth the work.
#
# ## Exercises
#
# 1. The best that can come out: how many times faster can a whole become, if the part of share s
#    takes no time at all? Write it as a formula of s. It is right if `whole_gain(s, 1e12)` says
#    nearly the same for s = 0.1, 0.5 and 0.9.
# 2. Is a number of 8 bytes twice as slow as one of 4? Measure a copy, a sum of two arrays and
#    `np.exp`, for 4 million numbers and for 100, in float32 and float64. Say which limit explains
#    each answer.
# 3. Fuse `Dense` with `relu`, as one op of x, kernel and bias: the value, and three pullbacks. It
#    is right if `check_op` finds no mistake. Is it worth it? Compute the floor of the product
#    first.
# 4. Your engine of lesson 5, in numbers: make a chain of 100 `tanh` on 10 numbers and on a million.
#    What does a sweep of it cost, per node, beside the same calls of `np.tanh` without any graph?
#    Where is your engine's overhead lost in the arithmetic?
# 5. (long) A trace of your own: for a plan of your engine whose operations are `add`, `multiply`
#    and `tanh`, write down once a list of (NumPy function, inputs, output array), with all arrays
#    made beforehand. Carrying it out is a loop of `function(*inputs, out=output)`. It is right if
#    it gives the same numbers as `forward` for ten different feeds. How many times faster is it,
#    for 10 numbers?
#
# Next: below NumPy. You write a kernel of your own, in C.
