# %% [markdown]
# # Lesson 9: The weight in front of a loss
#
# At the end you know: which layers feel the weight of a loss, which do not, what the difference is
# between "no path" and "weight 0", and why some optimizers take the weight away again. And you can
# read the page.
#
# You need: the network with two outputs, its sweep and its rows (lesson 8).

# %% [markdown]
# ## Question: what does the 0.2 do?
#
#     L = 1.0 * loss of main + 0.2 * loss of aux
#
# Somebody says: "The auxiliary output is important to me", and writes 2.0 instead of 0.2. Which
# parts of the network will train differently?
#
#     title -> embedding -> lstm ---+---> aux_output -> loss of aux
#                                   |
#                                   v
#     five numbers ----------> concatenate -> dense_1 -> dense_2 -> dense_3
#                                                                      |
#                                                                      v
#                                                  loss of main <- main_output
#
# First we need a network that is trained a little. It computes with `float64`, numbers of 16
# digits, so that we can believe the last digits that are printed. A `FlowRecorder` looks at the
# gradients during training, every 24 steps. We need that for the page, at the end.

# %%
import itertools  # pairs of neighbours

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.ratios import update_ratios  # makes a step with two weights, and compares
from tinygrad_mo.learn import page  # writes the page of lesson 0
from tinygrad_mo.systems import headlines  # the network of lesson 8 and its data

art = headlines.load(length=20, vocabulary=4_000)
x, y = art.some(128)  # held-back works, to look at

tg.set_random_seed(0)
with tg.use(floatx="float64"):
    model = headlines.build(length=20, vocabulary=4_000, width=32)
model.compile("rmsprop", "binary_crossentropy", {"main_output": 1.0, "aux_output": 0.2})
recorder = tg.FlowRecorder(every=24, data=(x, y))
model.fit(art.x, art.y, epochs=2, verbose=0, callbacks=[recorder])
print("steps of training:", model.step, "- looked at the gradients", len(recorder.flows), "times")

# %% [markdown]
# ## Predict
#
# The weight of aux goes from 0.2 to 2.0, that is ten times as much. The weight of main stays. Look
# at five layers. For each of them: will its next step (with plain gradient descent) be exactly as
# long as before, exactly ten times as long, or neither of these? Any guess is welcome.


# %%
def my_prediction():
    # YOUR TURN: write "same", "ten times" or "neither" behind each name, and return the dict.
    # {"embedding": ..., "lstm": ..., "dense_1": ..., "main_output": ..., "aux_output": ...}
    raise NotImplementedError("YOUR TURN")


# %%
predicted = my_prediction()
print(predicted)

# %% [markdown]
# ## Follow the arrows
#
# Perhaps you have followed the arrows of the drawing with a finger. Now let the computer do it. We
# write the drawing down as arrows, (from, to). `pairwise` makes (a, b) and (b, c) of a, b, c.

# %%
DRAWING = """
title embedding lstm aux_output aux
lstm concatenate dense_1 dense_2 dense_3 main_output main
numbers concatenate
"""
ARROWS = [arrow for line in DRAWING.splitlines() for arrow in itertools.pairwise(line.split())]
print(ARROWS[:4], "...", len(ARROWS), "arrows")
assert len(ARROWS) == 11

# %% [markdown]
# **Your turn.** `who_trains` finds for each box the losses that one comes to from there. A box
# knows what its followers know. So begin with the losses, which know themselves, and pass it on
# against the arrows, until nothing new is found. Arrows may come in any order, and at a fork a box
# has several followers.


# %%
def who_trains(arrows, losses):
    """By name of the box: the set of the losses to which a way leads from it."""
    # YOUR TURN: 6 to 12 lines. {"main"} is a set of one; a | b has what is in a or in b.
    raise NotImplementedError("YOUR TURN")


# %%
heard = who_trains(ARROWS, ["main", "aux"])
for layer in predicted:
    print(f"{layer:<12} trained by", " and ".join(sorted(heard[layer])))

# %% [markdown]
# The drawing knows it already: who is trained by which loss. But how long will the steps be?
#
# ## Add up what arrives
#
# `model.gradient_flow` makes one sweep with a row for each loss, and keeps what it finds.
# `flow.gradient(loss, weights)` is the gradient of one loss for one weight array. It is `None`
# where there is no path from the loss to these weights.
#
# The next step follows the weighted sum. **Your turn:** write this sum. It is like `mix` of lesson
# 8, but now each loss has a place in the list, with an array or with `None` in it.


# %%
def total(rows, weights):
    # YOUR TURN: the sum of weight * row over all rows that are not None. If all of them are None,
    # return None: then no loss can ever change these weights.
    raise NotImplementedError("YOUR TURN")


# %%
print(total([np.array([3.0, 4.0]), None], [1.0, 0.2]), total([None, None], [1.0, 0.2]))

flow = model.gradient_flow(x, y, keep_arrays=True)
longer = {}
for layer in predicted:
    weights = f"{layer}/embeddings" if layer == "embedding" else f"{layer}/kernel"
    rows = [flow.gradient(loss, weights) for loss in ("main_output", "aux_output")]
    before = np.linalg.norm(total(rows, [1.0, 0.2]))  # norm: the length of an array as one vector
    after = np.linalg.norm(total(rows, [1.0, 2.0]))
    longer[layer] = after / before
    paths = {loss for loss, row in zip(("main", "aux"), rows, strict=True) if row is not None}
    print(f"{layer:<12} {longer[layer]:>8.4f} times as long; you said: {predicted[layer]}")
    assert paths == heard[layer]  # the gradients come along the arrows, and nowhere else
assert abs(longer["aux_output"] - 10) < 1e-9
assert longer["dense_1"] == 1 and longer["main_output"] == 1
for layer in ("lstm", "embedding"):
    assert abs(longer[layer] - 1) > 0.01 and abs(longer[layer] - 10) > 0.01

# %% [markdown]
# The arrows told it all, before anything was computed:
#
# - `aux_output` is reached by aux alone. Its sum has one part, 0.2 * g. So 10.0000.
# - `dense_1` and `main_output` are not reached by aux. Its weight is not in their sum. So 1.0000 in
#   this step, whatever number somebody writes in front of this loss.
# - `lstm` and `embedding` lie left of the fork. There, one part of the sum grows and the other one
#   does not. So neither. How much it is depends on how long the parts are and where they point;
#   lesson 11 is about this.
#
# ## Do it really
#
# `update_ratios` makes the step twice, from the same weights, and compares how far each layer has
# moved. (Afterwards it puts the weights back.) It takes all weight arrays of a layer together,
# above we looked at one of them. So the number beside `lstm` is a little different.

# %%
low, high = {"aux_output": 0.2}, {"aux_output": 2.0}
moved = update_ratios(model, x, y, "sgd", low, high)
for layer, ratio in moved.items():
    print(f"{layer:<12}{ratio:>8.4f}")
assert abs(moved["aux_output"] - 10) < 1e-6
assert all(abs(moved[name] - 1) < 1e-6 for name in ("dense_1", "dense_2", "main_output"))

# %% [markdown]
# ## And the second step?
#
# All this is about one step. But `dense_1` *reads* what `lstm` says, and lstm has moved, with 2.0
# to another place than with 0.2. **Before you run the next cell, write down:** two new networks
# start from the same weights and train with plain gradient descent. After how many steps do they
# differ in `dense_1`?


# %%
def dense_1_after(steps, aux):
    """The kernel of dense_1 after some steps of a new network, with this weight of aux."""
    tg.set_random_seed(0)
    new = headlines.build(length=20, vocabulary=4_000, width=32)
    new.compile(tg.optimizers.SGD(0.1), "binary_crossentropy", [1.0, aux])  # main, aux
    for _ in range(steps):
        new.train_on_batch(x, y)
    return new.named_weights()["dense_1/kernel"].numpy()


apart = [np.abs(dense_1_after(n, 0.2) - dense_1_after(n, 2.0)).max() for n in (1, 2)]
print("largest difference in dense_1 after 1 step and after 2:", *(f"{gap:.0e}" for gap in apart))
assert apart[0] == 0 and apart[1] > 1e-6

# %% [markdown]
# From the second step on. No gradient of aux comes to `dense_1`, in any step. But aux changes lstm,
# lstm hands other numbers *forward*, and so main wants something else of `dense_1`. A layer can
# feel a loss that has no path to it, in this roundabout way: through the layers that both share.
#
# ## Break it: weight 0
#
# Switch the auxiliary loss off: its weight becomes 0. Then neither `dense_1` nor `aux_output` gets
# anything from aux. Is that the same?
#
# **Before you run the next cell, write down:** what will the sum be in `aux_output`, `None` or
# zeros? And the part of aux in `dense_1`?

# %%
rows = [flow.gradient(loss, "aux_output/kernel") for loss in flow.losses]
switched_off = total(rows, [1.0, 0.0])
no_path = flow.gradient("aux_output", "dense_1/kernel")
print("sum in aux_output:", switched_off[:3, 0] + 0.0, "...")  # + 0.0 turns -0. into 0.
print("part of aux in dense_1:", no_path)
assert not switched_off.any() and no_path is None

model.loss_weights = {"main_output": 1.0, "aux_output": 0.0}
table = model.gradient_flow(x, y).table()
print(table)
model.loss_weights = headlines.WEIGHTS  # back to 1.0 and 0.2
verdicts = {line.split()[0]: line for line in table.splitlines()}
assert verdicts["dense_1/kernel"].endswith("main_output only")
assert verdicts["lstm/kernel"].endswith("main_output, aux_output off")
assert verdicts["aux_output/kernel"].endswith(" aux_output off")

# %% [markdown]
# Read the last column (and skip the lines below the table: their words come in later lessons):
#
# - `main_output only`: there is no path from aux to here. No weight will ever change that. It is a
#   fact of the graph.
# - `main_output, aux_output off`: there is a path, but you have closed it. Turn the weight up, and
#   aux is back. It is a choice.
#
# If a program shows 0 for both, you look for a mistake in the weights when it is in the graph, or
# the other way round. Here `None` means no path, and 0 means a path without a gradient.
#
# ## Adam takes the weight away
#
# Plain gradient descent follows the gradient: ten times the gradient, ten times the step. What
# makes steps of gradients is called an *optimizer*, and most others do something else. Adam is the
# one that is used most. It divides each number of the gradient by its own usual size. In its first
# step it knows only one size, that of this very gradient g:
#
#     step = rate * g / (|g| + a tiny number)
#
# The tiny number is there so that nothing is divided by 0. It is called *epsilon*; here it is 1e-7,
# that is 0.0000001. |g| is g without its sign.
#
# **Your turn.** g is an array; do it for all its numbers at once.


# %%
def adam_first_step(g, rate):
    # YOUR TURN: return the step as an array of the same shape. np.abs(g) is |g|.
    raise NotImplementedError("YOUR TURN")


# %%
g = np.array([0.003, -0.5, 0.0])
print("for g:     ", adam_first_step(g, rate=0.1))
print("for 10 * g:", adam_first_step(10 * g, rate=0.1))
assert np.allclose(adam_first_step(10 * g, 0.1), adam_first_step(g, 0.1), rtol=1e-3)

# %% [markdown]
# Nearly the same step. The factor 10 stands above and below the fraction line, and cancels.
#
# **Before you run the next cell, write down:** which number will stand beside `aux_output` in the
# column of Adam?

# %%
moved_by_adam = update_ratios(model, x, y, "adam", low, high)
print(f"{'layer':<12}{'SGD':>8}{'Adam':>8}")
for layer, ratio in moved.items():
    print(f"{layer:<12}{ratio:>8.2f}{moved_by_adam[layer]:>8.2f}")
assert abs(moved_by_adam["aux_output"] - 1) < 0.05

# %% [markdown]
# 1, not 10. Where a loss is alone, the weight cancels in Adam's first step. (And in the later ones,
# as long as the weight stays the same: lesson 10.) So does the loss weight do nothing with Adam? It
# does, but only where losses meet. There it decides which of them wins. Count the numbers of each
# kernel that go the *other way* when the weight of aux is 2.0 instead of 0.2.

# %%
turned = {}
for name in ("aux_output", "dense_1", "lstm"):
    rows = [flow.gradient(k, f"{name}/kernel") for k in flow.losses]
    turned[name] = np.mean(np.sign(total(rows, [1.0, 0.2])) != np.sign(total(rows, [1.0, 2.0])))
    print(f"{name:<12}{turned[name]:>5.0%} go the other way")
assert turned["aux_output"] == turned["dense_1"] == 0 and turned["lstm"] > 0.005

# %% [markdown]
# ## Break it: the optimizer
#
# "No path, so nothing changes" is a law of *gradients*. A step is made by an optimizer, and it may
# look at more than one gradient of one layer. **Before you run the next cell, write down** which of
# these four can break what you have just seen: a limit for the length of all gradients together
# (`global_clipnorm`), a large epsilon, a weight that changes in the middle of a training, a weight
# that becomes 0.

# %%
SGD, Adam = tg.optimizers.SGD, tg.optimizers.Adam  # SGD: plain gradient descent
clipped = update_ratios(model, x, y, lambda: SGD(0.01, global_clipnorm=0.01), low, high)
coarse = update_ratios(model, x, y, lambda: Adam(epsilon=1e-2), low, high)
print(f"dense_1, where aux has no path, with global_clipnorm: {clipped['dense_1']:>6.2f}")
print(f"aux_output, alone, under Adam with epsilon=1e-2:      {coarse['aux_output']:>6.2f}")


def step_after_change(factor):
    """The length of Adam's step 51, if 50 gradients were 1 and this one is `factor`."""
    w, adam = tg.Parameter([0.0], "w"), Adam(learning_rate=0.1)
    for _ in range(50):
        adam.apply({w: np.array([1.0])})
    before = w.value[0]
    adam.apply({w: np.array([factor])})
    return abs(w.value[0] - before) / 0.1


print(f"the first step of Adam after the weight rose tenfold: {step_after_change(10.0):>6.2f}")
print(f"the first step of Adam after the weight became 0:     {step_after_change(0.0):>6.2f}")
assert clipped["dense_1"] < 0.9 and coarse["aux_output"] > 1.5
assert abs(step_after_change(10.0) - 1) > 0.1 and step_after_change(0.0) > 0.5

# %% [markdown]
# All four. One length for all gradients ties all layers together: more of aux leaves less room for
# main. A large epsilon is no longer small beside |g|. Adam divides by sizes that it has seen
# *before*, so a changed weight takes effect at once, and is forgotten little by little. And Adam
# remembers the direction of its steps, too: it rolls on for a while when a gradient has become 0.
#
# So say *gradient* where you mean the gradient. `print(model.explain())` reads the settings of your
# optimizer and says which of these apply. The next lesson builds optimizers and takes them apart.
#
# ## The page
#
# The next cell writes one file. Open it in any browser; it needs no internet.

# %%
page("lesson09.html", flow, snapshots=recorder.flows)

# %% [markdown]
# On the page, the inputs have the names that they have in the program. `main_input` is the title,
# which feeds both outputs. `aux_input` is the five numbers, and feeds only main! The page opens at
# the first step that was recorded. So first click the last step in *Through training*.
#
# Then do these four things. Say aloud what you expect before you move the mouse.
#
# 1. Drag the slider of *aux* from 0.2 to 1. The arrows from the loss of aux to `aux_output` and on
#    to `lstm` get thicker. Nothing moves at `dense_1`, `dense_2`, `dense_3` and `main_output`.
# 2. Choose *only main* in the list *Mix*. The card `aux_output` now says *aux off*, `lstm` says
#    *main, aux off*, and the cards `dense_1` to `main_output` say *main only*, as they did before.
# 3. Choose *as trained* in the list, then click the card `lstm`. You see an arrow for each loss,
#    and an arrow for their sum. With 0.2 the orange arrow of aux is very short. Drag *aux* again:
#    it gets longer, but the angle between blue and orange stays.
# 4. Click somewhere else in *Through training*. The whole page shows the gradients of that step.
#
# The page says at its foot: dragging does not train again. It mixes the gradients that were
# recorded. This is exact, for the reason that you have just seen: the gradient is a weighted sum.
#
# And here is point 1 in numbers.

# %%
print(f"{'length of the gradient':<26}{'aux 0.2':>9}{'aux 1.0':>9}")
for layer in predicted:
    small, large = flow.total(layer), flow.total(layer, {"aux_output": 1.0})
    print(f"{layer:<26}{small:>9.4f}{large:>9.4f}")
assert np.isclose(flow.total("aux_output", {"aux_output": 1.0}), 5 * flow.total("aux_output"))
assert flow.total("dense_1", {"aux_output": 1.0}) == flow.total("dense_1")

# %% [markdown]
# ## What you now know
#
# - With plain gradient descent, a ten times larger weight makes the step exactly ten times longer
#   where the loss is alone, and changes nothing in this step where it has no path. In later steps
#   it is felt there, too: forward, through the shared layers.
# - Where losses meet, it changes the length and the direction of the sum.
# - `None` (no path) is a fact of the graph; weight 0 is a choice.
# - Adam and its relatives cancel the weight where a loss is alone, as long as it stays the same
#   and epsilon is small. Where losses meet it still decides.
# - All this is about gradients. A clipped norm, a large epsilon and a changed weight make steps
#   that follow other laws.
#
# ## Exercises
#
# No check looks at these; each says how you see that you are right.
# `lesson = my_work("the_weight_in_front")` gives you the functions of this lesson in a file of your
# own, `my_work("the_engine")` your engine.
#
# 1. *A third loss.* Draw an output `length` that reads `dense_2`, with a loss of its own. Which
#    boxes hear the new loss, and which of the five lengths above can its weight change? Write it
#    down, then ask `who_trains`, then build it with `tg` on two inputs of your choice. Right if
#    `flow.reaches(loss, layer)` says the same for every layer and every loss.
# 2. *On your own engine.* Take `two_losses` of lesson 5, with seeds [1.0] at main and [w] at aux,
#    in one row. How much longer do the gradients of kernel, main_kernel and aux_kernel get from w =
#    0.2 to w = 2.0? Right if one of them is ten times as long and another one is as before, to the
#    last bit, and if you can say before you run it which.
# 3. *Balance.* For which weight of aux are the parts of both losses in `lstm` equally long? Find a
#    formula with `flow.norm(loss, "lstm")`. Then plot (or print) `flow.total("lstm", ...)` for 20
#    weights from 0 to 10. Is it a straight line? Right if for your weight both parts are equal, and
#    if the plot goes on straight at its end, with the slope `flow.norm("aux_output", "lstm")`.
# 4. *(long)* *Does aux help?* Train the network with the weights 0, 0.2 and 2.0 of aux, from three
#    seeds each (`tg.set_random_seed`), and measure the accuracy of main on all held-back works.
#    Write down before what you expect. Make a table with the mean and the spread (largest minus
#    smallest). Right if your sentence below the table is true for it: a difference that is smaller
#    than the spread is no difference that you have seen. (Lesson 12 has better tools for this.)
#
# Next: what happens between the gradient and the step? You write the optimizers yourself.
