# %% [markdown]
# # Lesson 10: Optimizers
#
# At the end you have written momentum, RMSprop and Adam, each in a few lines, and they agree with
# the library number by number. And you know what a loss weight does to a *step*: what grows with
# it, what stays the same, and how long an optimizer remembers the weight of yesterday.
#
# You need: your engine (lesson 5), the weight in front of a loss (lesson 9).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work, picture

tg.use("numpy", floatx="float64")  # 16 digits, so that we can believe the last ones
engine = my_work("the_engine")  # what you wrote in lesson 5

# %% [markdown]
# ## Question: is the gradient the step?
#
# In lesson 9 a law seemed to be broken: with some optimizers a loss moved layers to which it has no
# path, and a loss of weight 0 went on training. But the law is about gradients, and gradients obey
# it. Between the gradient and the weights stands the optimizer. What does it do there?
#
# An optimizer is a function. It gets the gradient and what it remembers. It gives back the *move*,
# which is added to the weights, and what it remembers now. Plain gradient descent, SGD, remembers
# nothing:


# %%
def sgd(g, rate=0.1):
    return (-rate * g,)  # a tuple: the move, and no memory


def walk(optimizer, gradient_at, w, steps, rate):
    """The places where a training comes by, the start first."""
    places, memory = [w], []
    for _ in range(steps):
        move, *memory = optimizer(gradient_at(w), *memory, rate=rate)
        w = w + move
        places.append(w)
    return np.array(places)


# %% [markdown]
# `move, *memory = ...` puts the first result into `move` and the rest into the list `memory`. In
# the next step `*memory` hands the rest over again.
#
# ## Momentum: a ball in a valley
#
# Here is a valley with two weights. Along the first one it is flat, along the second one it is 100
# times as steep:
#
#     loss = 0.5 * (w0**2 + 100 * w1**2)        gradient = [w0, 100 * w1]
#
# The steep direction forbids a large rate (lesson 6, "a rate that is too large"). With the small
# rate, the flat direction takes forever. A ball would not walk like this. It gathers speed along
# the floor of the valley, and its swings from side to side cancel. The ball has a *velocity* v:
#
#     v = 0.9 * v - rate * g
#     w = w + v
#
# **Your turn.** This is *momentum*. Return the move and the new velocity; here they are the same.


# %%
def momentum(g, v=0.0, rate=0.1, beta=0.9):
    """The move, and the velocity."""
    # YOUR TURN: two lines. Make a new v; do not write into the old one.
    raise NotImplementedError("YOUR TURN")


# %%
STEEP = np.array([1.0, 100.0])


def steps_needed(optimizer):
    """With the best of five rates: how many of 400 steps until the loss stays below 0.01?"""
    found = {}
    for rate in (0.001, 0.003, 0.01, 0.03, 0.1):
        with np.errstate(all="ignore"):  # some of these rates are too large
            places = walk(optimizer, lambda w: STEEP * w, np.array([3.0, 1.0]), 400, rate)
            high = ~(0.5 * places**2 @ STEEP < 0.01)
        found[rate] = 1 + int(np.flatnonzero(high)[-1])
    return min((steps, rate) for rate, steps in found.items())


for optimizer in (sgd, momentum):
    print(f"{optimizer.__name__:<9} steps and rate:", *steps_needed(optimizer))
assert steps_needed(momentum)[0] < steps_needed(sgd)[0] / 3

# %% [markdown]
# In this valley, less than a third of the steps. Under a constant gradient the velocity grows until
# it is rate * g * (1 + 0.9 + 0.81 + ...) = 10 * rate * g. So in a direction where the gradient
# stays as it is, momentum has a ten times larger rate, which is lent to it little by little.
#
# ## RMSprop: everybody makes the same step
#
# The gradient of one weight may be a thousand times as large as that of another, only because of a
# unit: dollars or thousands of dollars. RMSprop divides each number of the gradient by its own
# usual size. To know the size, it keeps a running mean s of the squares:
#
#     s = 0.9 * s + 0.1 * g**2
#     move = -rate * g / sqrt(s + 0.0000001)
#
# (RMS means *root mean square*: the square root of the mean of the squares.)
#
# **Your turn.**


# %%
def rmsprop(g, s=0.0, rate=0.1):
    """The move, and the running mean of the squares."""
    # YOUR TURN: two lines. It works number by number, so g may be an array of any shape.
    raise NotImplementedError("YOUR TURN")


# %%
random = np.random.default_rng(0)
noisy = random.standard_normal((30, 4)) + 0.5  # 30 gradients for 4 weights
UNITS = np.array([1.0, 10.0, 100.0, 1000.0])


def follow(optimizer, gradients):
    """The places where these gradients lead to from 0, whatever the place."""
    queue = iter(gradients)
    return walk(optimizer, lambda w: next(queue), 0.0 * gradients[0], len(gradients), 0.1)


for optimizer in (sgd, momentum, rmsprop):
    farther = follow(optimizer, noisy * UNITS)[-1] / follow(optimizer, noisy)[-1]
    print(f"{optimizer.__name__:<9}", farther.round(3))
assert np.allclose(farther, 1, rtol=1e-3)

# %% [markdown]
# SGD and momentum go 10, 100 and 1000 times as far. RMSprop does not feel the unit at all. A loss
# weight is such a unit, for all weights that this loss trains alone. So you know now why it cancels
# there, and not only in the first step.
#
# ## Adam: both
#
# Adam keeps two running means: m of the gradient, as momentum does, and s of its square. Both start
# at 0, so in the beginning they are too small. After t steps, m has only seen a part 1 - 0.9**t of
# what it should, and s a part 1 - 0.999**t. Adam makes up for that:
#
#     m = 0.9 * m + 0.1 * g
#     s = 0.999 * s + 0.001 * g**2
#     move = -rate * sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (sqrt(s) + epsilon)
#
# t is 1 in the first step, 2 in the second. epsilon is a tiny number, so that nothing is divided by
# 0. (RMSprop above has it below the root, Adam outside. Both are only habits, but not the same:
# below the root, 0.0000001 does as much as 0.0003 outside. We take them as the library does, so
# that the numbers agree. The paper of Adam adds epsilon after it has made up for the start.)
#
# **Your turn.**


# %%
def adam(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    """The move, and what it remembers: m, s and t."""
    # YOUR TURN: about 5 lines. Four things are returned, in this order: move, m, s, t.
    raise NotImplementedError("YOUR TURN")


# %%
library = {sgd: tg.optimizers.SGD(0.1), momentum: tg.optimizers.SGD(0.1, momentum=0.9)}
library |= {rmsprop: tg.optimizers.RMSprop(0.1), adam: tg.optimizers.Adam(0.1)}
for optimizer, theirs in library.items():
    w = tg.Parameter(np.zeros(4), "w")
    for g in noisy:
        theirs.apply({w: g})
    difference = np.abs(w.value - follow(optimizer, noisy)[-1]).max()
    print(f"{optimizer.__name__:<9} after 30 steps: difference {difference:.0e}")
    assert difference < 1e-12

# %% [markdown]
# ### Break it: forget the start
#
# What if Adam did not make up for the start? **Before you run the next cell, write down:** would
# its first step be too short or too long? (m is ten times too small. How much too small is the root
# of s?)


# %%
def adam_without_start(g, m=0.0, s=0.0, rate=0.1):
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    return -rate * m / (np.sqrt(s) + 1e-7), m, s


for optimizer in (adam, adam_without_start):
    moves = np.diff(follow(optimizer, [1.0] * 10))
    print(f"{optimizer.__name__:<19}", -moves.round(2))
assert np.allclose(moves[0], -0.316, atol=0.001)

# %% [markdown]
# Too long: m is 10 times too small, but the root of s is 31.6 times too small, and it stands below
# the line. The first step is 3.16 times the rate, and then the steps grow for a while.
#
# ## How long does it remember?
#
# "Where a loss is alone, its weight cancels under RMSprop and Adam" holds as long as the weight
# stays the same. Now it changes: 50 gradients of 1, and then the loss weight becomes ten times as
# large, or it becomes 0.


# %%
def lengths(optimizer, factor):
    """How long each step is, compared with the last one before the change."""
    steps = np.abs(np.diff(follow(optimizer, [1.0] * 50 + [factor] * 60)))
    return steps / steps[49]


def draw(figure):
    for axes, factor in zip(figure.subplots(1, 2), (10.0, 0.0), strict=True):
        for optimizer, style in zip(library, ("k-", "k--", "C3-", "C3--"), strict=True):
            steps = lengths(optimizer, factor)[40:]
            axes.plot(range(-10, 60), steps, style, label=optimizer.__name__)
        axes.set(title=f"the weight times {factor:.0f}", xlabel="steps after the change")
        axes.set_ylabel("length of the step (1: before)")
    axes.legend()


picture("lesson10.png", draw)
print(f"{'weight times 10, step':<24}" + "".join(f"{n:>7}" for n in (1, 10, 30, 60)))
for optimizer in library:
    after = lengths(optimizer, 10.0)[[50, 59, 79, 109]]
    print(f"{optimizer.__name__:<24}" + "".join(f"{step:>7.2f}" for step in after))
assert lengths(rmsprop, 10.0)[50] > 3 and abs(lengths(rmsprop, 10.0)[-1] - 1) < 0.01
assert 1.05 < lengths(adam, 10.0)[50] < 1.2 and lengths(adam, 10.0)[-1] > 1.2

# %% [markdown]
# SGD obeys at once. Momentum needs some twenty steps to get up to speed. RMSprop jumps to three
# times its step, and has forgotten the change after about 30. Adam begins gently, but it divides by
# a mean over about a thousand squares: after 60 steps its steps are still too long. So a schedule
# of loss weights is, under Adam, also a schedule of step lengths.
#
# ## Predict: a loss that is switched off
#
# Now on a network, with your engine: the one of lesson 5, with two outputs and two losses. For 20
# steps both losses have the weight 1. Then the weight of aux becomes 0, for 20 more steps. Nothing
# else leads to `aux_kernel`, so its gradient is exactly 0 from then on. Does it still move?


# %%
def my_prediction():
    # YOUR TURN: behind each optimizer write "stands still" or "goes on".
    # {"sgd": ..., "momentum": ..., "rmsprop": ..., "adam": ...}
    raise NotImplementedError("YOUR TURN")


# %%
fed = [engine.Node(name=name) for name in engine.NAMES]
losses = engine.two_losses(*fed)
plan, trained = engine.make_plan(losses), fed[1:5]  # kernel, bias, main_kernel, aux_kernel
start = dict(zip(fed, [random.standard_normal(shape) for shape in engine.SHAPES], strict=True))


def gradients_of(now, weights):
    """The gradient of the weighted sum for each trained array: one row, as in lesson 5."""
    seeds = [None] * len(plan.ops)
    for loss, weight in zip(losses, weights, strict=True):
        seeds[plan.slots[loss]] = np.array([weight])
    g = engine.backward(plan, engine.forward(plan, now), seeds)
    return [g[plan.slots[node]][0] for node in trained]


def way_of_aux(optimizer):
    """How far aux_kernel moves before and after its loss is switched off."""
    now, memories, parts = dict(start), [[] for _ in trained], [0.0, 0.0]
    for step in range(40):
        gradients = gradients_of(now, [1.0, 1.0 if step < 20 else 0.0])
        for i, node in enumerate(trained):
            move, *memories[i] = optimizer(gradients[i], *memories[i], rate=0.01)
            now[node] = now[node] + move
        parts[step // 20] += np.linalg.norm(move)  # the last one was aux_kernel
    return parts


for optimizer in library:
    name, (before, after) = optimizer.__name__, way_of_aux(optimizer)
    print(f"{name:<9} moved {before:.3f}, then {after:.3f}. You said: it {my_prediction()[name]}")
    assert (after > 0) == (name in ("momentum", "adam"))

# %% [markdown]
# What has a mean of *gradients* rolls on: momentum and Adam. RMSprop has a memory, too, but only of
# sizes. 0 divided by a size is 0.
#
# So "weight 0" does not mean "does not train any more". Who wants a head to stand still must take
# it out of the step: lesson 27 freezes layers.
#
# ## One length for all: clipping
#
# Sometimes one batch has a gradient that is a hundred times as long as usual, and one step destroys
# what thousands have built. So one *clips*: if the gradient of all weights together is longer than
# a limit, it is made shorter, and its direction stays. The length of all together is the root of
# the sum of all squares (Pythagoras). If it is within the limit, nothing happens.
#
# **Your turn.** A list of arrays comes in, a list of arrays goes out.


# %%
def clip_together(gradients, limit):
    """The same gradients, all of them shortened by one factor if together they are too long."""
    # YOUR TURN: about 4 lines. The arrays have different shapes. All may be 0.
    raise NotImplementedError("YOUR TURN")


# %%
print(clip_together([np.array([3.0]), np.array([[4.0]])], 1.0))  # the length is 5
low, high = gradients_of(start, [1.0, 1.0]), gradients_of(start, [1.0, 20.0])
print(f"{'aux weight 20, not 1':<22}{'gradient':>10}{'clipped':>10}")
pairs = [(low, high), (clip_together(low, 0.1), clip_together(high, 0.1))]
ratios = {}
for i, node in enumerate(trained):
    ratios[node.name] = [np.linalg.norm(new[i]) / np.linalg.norm(old[i]) for old, new in pairs]
    print(f"{node.name:<22}" + "".join(f"{ratio:>10.2f}" for ratio in ratios[node.name]))
assert np.allclose(ratios["main_kernel"][0], 1) and ratios["main_kernel"][1] < 0.3
assert np.allclose(ratios["aux_kernel"][0], 20) and ratios["aux_kernel"][1] < 5

# %% [markdown]
# Left: the law of gradients. aux has no path to `main_kernel`, so 1.00. Right: after clipping,
# `main_kernel` moves much less than before. One limit for all is a purse for all: if aux takes
# more, less is left for main. (The library calls it `global_clipnorm`. Its `clipnorm` has a purse
# for each array, and `clipvalue` one for each number. These do not tie arrays together.)
#
# ## The tiny number
#
# Last, epsilon. With Adam, ten times the gradient makes the same step, *if* epsilon is small beside
# the gradient. It need not be: the Inception networks were trained with RMSprop and an epsilon of
# 1.0 (Szegedy et al. 2015, "Rethinking the Inception architecture for computer vision").

# %%
print(f"{'size of the gradient':<24}{'1e-7':>8}{'1e-2':>8}   (epsilon)")
for size in (1.0, 0.01, 0.0001):
    factors = [adam(10 * size, epsilon=e)[0] / adam(size, epsilon=e)[0] for e in (1e-7, 1e-2)]
    print(f"{size:<24}{factors[0]:>8.2f}{factors[1]:>8.2f}")
assert factors[0] < 1.1 and factors[1] > 9.9

# %% [markdown]
# With the large epsilon and a small gradient, Adam is nothing but momentum: the factor 10 comes
# back. Between these two ends there is everything.
#
# ## What you now know
#
# What does a loss weight do that is k times as large, where this loss is alone?
#
# | | it has always been so | since now | and layers without a path |
# |---|---|---|---|
# | gradient | times k | times k | not at all |
# | step of SGD | times k | times k | not at all |
# | step of momentum | times k | little by little | not at all |
# | step of RMSprop, Adam | the same | for a while | not at all |
# | any of them, clipped together | anything | anything | **they feel it** |
#
# - Say *gradient* where you mean the gradient, and *step* where you mean the step.
# - The gradient is linear in the weights of the losses, always. The step is so only with SGD, and
#   with momentum as long as the weights stay.
# - Momentum and Adam go on after the gradient has become 0.
# - `print(model.explain())` says which of these hold for your model and its optimizer.
#
# ## Exercises
#
# 1. *Nesterov*: `v = 0.9 * v - rate * g`, but the move is `0.9 * v - rate * g` with the new v.
#    Write it, and compare with `tg.optimizers.SGD(0.1, momentum=0.9, nesterov=True)` over 30 steps.
#    Right if they differ by less than 1e-9.
# 2. Turn the valley by 45 degrees: `R = [[c, -c], [c, c]]` with c = sqrt(0.5), the gradient
#    `R @ ([1, 100] * (R.T @ w))`, and the start, too: `R @ [3, 1]`. Which optimizers need another
#    number of steps than before, and why these? Right if SGD and momentum need exactly as many as
#    before.
# 3. For RMSprop, compute with pencil and paper how long the first step is after the weight becomes
#    k times as large (the gradient was 1 for a long time). Right if your formula gives what
#    `lengths` measures for k = 2, 10 and 100, to 2 digits.
# 4. (long) What a switched-off loss leaves behind. Give aux a target of noise. Train 20 steps with
#    both losses, then 60 with main alone, under Adam: (a) as it is, (b) with all memories emptied
#    at the switch, (c) as (a), but `aux_kernel` is taken out of the step at the switch. Compare the
#    main loss at the end, from five random starts. Right if (a) and (c) agree to the last bit, and
#    you can say why they must; and if you can say, with the spread, whether (b) is better.
#
# Next: back to gradients. How can the page know the length of their sum for every position of the
# sliders, without computing anything again?
