# %% [markdown]
# # Lesson 8: Two outputs, one sweep
#
# At the end you know: how a network with two outputs and two losses is trained, how often its
# graph is walked for one step of training, and how the gradients of two losses become one.
#
# You need: plan, tape and rows (lesson 5), layers and one step of training (lesson 6), the loss of
# a question with yes or no (lesson 7).

# %% [markdown]
# ## A network with two outputs
#
# The Tate is a group of art museums in Britain. Here are 4,284 of its works. The question is: *is
# this work a print?* (A print is made with a plate or a screen, so many copies of it can exist.)
#
# One output may read only the title. It is called the *auxiliary* output, the helper. The *main*
# output may also see five numbers: the year of the work, the length of its title, and so on.
#
#     title -> embedding -> lstm ---+---> aux_output -> loss of aux
#                                   |
#                                   v
#     five numbers ----------> concatenate -> dense_1 -> dense_2 -> dense_3
#                                                                      |
#                                                                      v
#                                                  loss of main <- main_output
#
# `embedding` turns each word into a row of numbers, and `lstm` reads these rows one after the
# other (lesson 15 looks inside). `concatenate` makes one longer row of two rows of numbers. The
# output of `lstm` has two users: the graph forks there.

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import loss_colours, my_work, picture
from tinygrad_mo.systems import headlines  # this network, ready to use, and its data

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

tate = tg.data.load("tate")
print(repr(tate.title[2]), tate.year[2], tate.medium_names[tate.medium[2]])

# titles as 20 numbers, one for each word; the vocabulary is how many different words have one
art = headlines.load(length=20, vocabulary=4_000)
print("works to learn from:", len(art.y["main_output"]))
print("works held back:    ", len(art.held_back_y["main_output"]))

tg.set_random_seed(0)
model = headlines.build(length=20, vocabulary=4_000, width=32)  # width: numbers for each word
print("numbers to learn:   ", f"{model.count_params():,}")
assert model.count_params() == 147_170

# %% [markdown]
# ## One number to make small
#
# Each output has its own loss. Training can make only one number small, so both are added:
#
#     L = 1.0 * loss of main + 0.2 * loss of aux
#
# The factors 1.0 and 0.2 are the *loss weights*. Both losses are the *binary crossentropy* of
# lesson 7: small if the answer, between 0 and 1, is near the truth, 0 or 1.

# %%
model.compile(
    "rmsprop",  # a way to make steps of gradients; lesson 10 looks inside
    loss="binary_crossentropy",
    loss_weights={"main_output": 1.0, "aux_output": 0.2},
    metrics="accuracy",  # how many answers are right
)
print(model.pairing())  # which loss, weight and metric each output has

# %% [markdown]
# ## Predict
#
# One walk over the graph from the losses back to the inputs is called a *sweep*. At each step of
# the graph (one call of an operation, as in lesson 2) it calls the pullbacks, and sends the
# gradient on to the inputs of this step. A step of *training* is something else: it changes all
# weights once. (Two words have two meanings here. A *step* is a step of the graph, or one of
# training. A *row* is the row of a loss, as in lesson 5, or a row of numbers in an array.)
#
# A sweep of your engine was started at both losses, because you built it so. But this network is
# larger, and the library trains it. There are two losses. How many sweeps does one step of training
# need? Put your number into the function. A wrong guess is welcome, we will count.


# %%
def my_prediction():
    # YOUR TURN: return the number of backward sweeps for two losses.
    raise NotImplementedError("YOUR TURN")


# %%
print("sweeps for two losses, as you predict:", my_prediction())

# %% [markdown]
# ## Count on your own engine
#
# First a small network with two outputs, on the engine that you have built. `my_work` brings the
# functions of lesson 5 as you have written them. (What is not right yet is ours, and it says so.)

# %%
engine = my_work("the_engine")
fed = [engine.Node(name=name) for name in engine.NAMES]
small_losses = engine.two_losses(*fed)
small_plan = engine.make_plan(small_losses)
SHAPES = [(8, 3), (3, 4), (4,), (4, 1), (4, 1), (8, 1)]
random = np.random.default_rng(0)
feed = {node: random.standard_normal(shape) for node, shape in zip(fed, SHAPES, strict=True)}
small_tape = engine.forward(small_plan, feed)

# %% [markdown]
# How does one see what a sweep does? The tape is a value, so we can make another one that spies.
# **Your turn.** `tape.backs[slot]` is a tuple of pullbacks, or None for a fed slot. Make a new list
# `backs` in which each pullback is replaced by a function that counts the call, under the key
# (slot, position), and then does what the old one did. Then sweep, with a new tape of the old
# values and the new backs. The old tape stays as it is.


# %%
def count_pulls(engine, plan, tape, seeds):
    """By (slot, position): how often the pullback was called in one sweep of the engine."""
    # YOUR TURN: 8 to 12 lines. A function that makes a function helps: spy(pull, key) returns one.
    # At the end: engine.backward(plan, engine.Tape(tape.values, backs), seeds)
    raise NotImplementedError("YOUR TURN")


# %%
pulls = count_pulls(engine, small_plan, small_tape, engine.seed_rows(small_plan, small_losses))
print("both losses in one sweep:", len(pulls), "pullbacks, called", set(pulls.values()), "times")
for k, loss in enumerate(small_losses):
    alone = count_pulls(engine, small_plan, small_tape, engine.seed_rows(small_plan, [loss]))
    print(f"loss {k} in a sweep of its own: {len(alone)} pullbacks")
    assert len(alone) == 11
assert len(pulls) == 17 and set(pulls.values()) == {1}

# %% [markdown]
# 17 pullbacks, each called once, for both losses. In two sweeps they would be 11 + 11 = 22 calls,
# because the 5 pullbacks between the fork and the inputs would be called twice.
#
# ## Count in the library
#
# The model has a plan, as in lesson 5: `training_plan()`. It starts from the two losses and asks
# for the gradient of every weight. `labelled_data` prepares a batch for it, and `forward` makes
# the tape.
#
# `backward` can be watched. Give it a function as `record`, and it calls this function each time
# it sends a gradient from a step back to one of its inputs:
#
#     record(step, position, gradient, losses)
#
# `step` is the number of the step in the plan, `position` says which of its inputs (0, 1, ...). A
# pair (step, position) is one edge of the graph. The other two we need later.
#
# **Your turn.** Make one sweep. Return a dict: by (step, position), how often a gradient was sent.


# %%
def count_sent(plan, tape, seeds):
    # YOUR TURN: write a function record(...) that counts, then call plan.backward(tape, seeds,
    # record=record) once, then return the dict.
    raise NotImplementedError("YOUR TURN")


# %%
x, y = art.some(64)  # 64 of the held-back works; here they are only looked at, not learnt
data = model.labelled_data(x, y)
plan = model.training_plan()
tape = plan.forward(data)
sent = count_sent(plan, tape, [1.0, 0.2])
print("edges of the graph:", len(sent), " - sent on each:", set(sent.values()))
print("you said", my_prediction(), "- sweeps that were needed:", max(sent.values()))
assert len(sent) == 32 and set(sent.values()) == {1}

# %% [markdown]
# 32 edges, and on each one a gradient was sent exactly once. This holds also to the left of the
# fork, in `lstm` and `embedding`, where both losses want to go. **One sweep.** Not two.
#
# Why is this possible? At the fork, `lstm` waits until both of its users have answered. Then it
# adds the two gradients, as in lesson 3, and sends one gradient on.
#
# ## And with two sweeps?
#
# You can also make a plan for each loss alone, and walk twice.
#
# **Before you run the next cell, write down:** which layers will be walked twice?

# %%
walked = []
for name, loss in zip(model.outputs, plan.losses, strict=True):
    alone = tg.Plan([loss], plan.wrt)
    walked.append(count_sent(alone, alone.forward(data), [1.0]))
    print(f"{name} alone: {len(walked[-1])} edges")
print("together:", sum(map(len, walked)), "instead of", len(sent))
assert [len(w) for w in walked] == [25, 12]

# %% [markdown]
# 37 instead of 32. The 5 more are the edges of `lstm` and `embedding`. These two lie between the
# fork and the input, so both losses walk through them. With ten outputs, in ten sweeps, they would
# be walked ten times.
#
# ## One sweep, and still both gradients apart
#
# If the gradients are added on the way, can one still see what each loss wants? Yes, with the
# *rows* of lesson 5. With `per_loss=True`, the same single sweep carries one row for each loss,
# and never adds two losses. The fourth argument of `record` says to which losses the rows belong:
# 0 is main, 1 is aux.
#
# **Before you run the next cell, write down:** on which layers will there be two rows?

# %%
way = []  # in the order of the sweep: layer, and its losses
apart = plan.backward(
    tape,
    [1.0, 1.0],  # no weights: each loss as it is
    per_loss=True,
    # plan.steps[n].call.path is the name of the layer, or of the loss, that made step n
    record=lambda n, position, g, losses: way.append((plan.steps[n].call.path, losses)),
)
for layer in dict.fromkeys(layer for layer, _ in way):
    print(f"{layer:<12} rows of:", {losses for name, losses in way if name == layer})
print("edges walked:", len(way))
assert len(way) == 32  # again one sweep
assert {layer for layer, losses in way if losses == (0, 1)} == {"lstm", "embedding"}


# %%
def draw(figure):
    axes, colours = figure.subplots(), [*loss_colours(["main", "aux"]).values()]
    for place, (_, losses) in enumerate(way):
        for k in losses:
            axes.scatter(place, k, marker="s", s=60, color=colours[k])
    firsts = [i for i, (layer, _) in enumerate(way) if i == 0 or way[i - 1][0] != layer]
    axes.set_xticks(firsts, [way[i][0] for i in firsts], rotation=50, ha="right")
    axes.set(yticks=[0, 1], yticklabels=["main", "aux"], ylim=(1.6, -0.6))
    axes.set_title("one sweep, from left to right: which losses have a row?")


picture("lesson08.png", draw, size=(9, 3))

# %% [markdown]
# Between the losses and the fork each loss walks alone. Only between the fork and the input are
# there two rows. They cost something: twice as many numbers are computed there. Training does not
# need them, so it carries one row. We use two rows when we want to know who sends what.
#
# ## Two gradients become one
#
# `apart` now holds, for each weight array, one row for each loss that has a path to it. Training
# needs the gradient of L. L is a sum, each loss times its weight. So its gradient is the same sum:
#
#     gradient of L = 1.0 * gradient of main + 0.2 * gradient of aux
#
# **Your turn.** `rows[i]` is the gradient of loss number `losses[i]`. `weights` has a number for
# every loss of the model, also for those that have no row here.


# %%
def mix(rows, losses, weights):
    # YOUR TURN: add up the rows, each times the weight of its loss.
    raise NotImplementedError("YOUR TURN")


# %%
print(mix(np.array([[1.0, 2.0], [10.0, 10.0]]), losses=(0, 1), weights=[1.0, 0.2]))

training = plan.backward(tape, [1.0, 0.2])  # one row: what the optimizer gets
gaps = {}
for name, w in model.named_weights().items():
    mixed = mix(apart[w], plan.reaches(w), [1.0, 0.2])  # reaches: which losses have a path to w
    gaps[name] = np.abs(mixed - training[w][0]).max()
    print(f"{name:<24} losses {plan.reaches(w)!s:<7} largest difference {gaps[name]:.0e}")
assert max(gaps.values()) < 1e-6

# %% [markdown]
# The differences are 0, or as small as rounding errors. The gradient that trains the network is
# the weighted sum of the gradients of the single losses. Not nearly: number by number.
#
# ## Break it: the weight, twice
#
# A weight can enter at two places: at the start of the sweep (`[1.0, 0.2]`), or when the rows are
# mixed.
#
# **Before you run the next cell, write down:** what is wrong if you do both? Which layer shows it
# best?

# %%
twice = plan.backward(tape, [1.0, 0.2], per_loss=True)
for name in ("main_output/kernel", "aux_output/kernel"):
    w = model.named_weights()[name]
    mixed = mix(twice[w], plan.reaches(w), [1.0, 0.2])
    factor = np.linalg.norm(mixed) / np.linalg.norm(training[w])
    print(f"{name}: {factor:.3f} times the right length")
    assert np.isclose(factor, {"main_output/kernel": 1.0, "aux_output/kernel": 0.2}[name])

# %% [markdown]
# The auxiliary layer gets 0.2 * 0.2 = 0.04 of its gradient, a fifth of what it should get. The
# main layer hides the mistake, because 1.0 * 1.0 is 1.0.
#
# ## Train it, and count again
#
# `fit` does this at every step. We put a counter in front of `backward` and train for three
# epochs. A sweep with rows is only made for looking, so we count those without rows, which train.

# %%
sweeps = []
original = plan.backward


def counted(*arguments, **options):
    if not options.get("per_loss"):
        sweeps.append(1)
    return original(*arguments, **options)


plan.backward = counted
model.fit(art.x, art.y, epochs=3, verbose=0)
print("steps of training:", model.step, "- sweeps:", len(sweeps))
assert len(sweeps) == model.step == 3 * 108

# %% [markdown]
# And what has it learnt? A little more than half of the works are prints. So "yes" without looking
# is right in about half of the cases. This is the baseline.

# %%
scores = model.evaluate(art.held_back_x, art.held_back_y, return_dict=True)
assert 0.5 < art.y["main_output"].mean() < 0.55  # among the works to learn from
baseline = art.held_back_y["main_output"].mean()
print(f"always yes      {baseline:.1%} right")
for name in model.outputs:
    print(f"{name:<15} {scores[name + '_accuracy']:.1%} right")
    assert scores[name + "_accuracy"] > baseline + 0.05

# %% [markdown]
# Both outputs are better than the baseline on works that they have never seen, and the same sweeps
# have trained both.
#
# ## What you now know
#
# - However many losses there are, one step of training makes one sweep.
# - At a fork the sweep waits, adds, and goes on once. That is why nothing is walked twice.
# - The gradient of the weighted loss is the weighted sum of the gradients of the single losses.
# - Rows keep the losses apart, in one sweep, too. Use each loss weight once.
#
# ## Exercises
#
# No check looks at these; each says how you see that you are right. In a file of your own,
# `my_work("two_outputs_one_sweep")` gives you the functions of this lesson.
#
# 1. *Ten outputs.* Build a network with `tg`: two dense layers that all share, then ten outputs of
#    one dense layer each. Write down how many edges one sweep uses, and how many ten sweeps use
#    that start at one loss each. Then count. Right if both numbers follow one formula from the
#    edges of a head and the edges of the shared part.
# 2. *The law, on your engine.* For the small network above, with the weights 1.0 and 0.2: mix the
#    rows of one sweep, and compare with a sweep that has one row. Right if they agree to 12 places
#    in all weights, and if main_kernel agrees to the last bit.
# 3. *What does a row cost?* Measure for the network of this lesson (`art.some(128)`): one sweep
#    with one row, one sweep with `per_loss=True`, two sweeps with one loss each. Take the smallest
#    of 5 times (`time.perf_counter`). Right if you can say which is slowest, and if a second run of
#    your program says so, too.
# 4. *(long)* *Real data on your engine.* The digits of lesson 0: write a function of nodes as
#    `two_losses`, with the outputs `digit` (ten numbers) and `even` (one number), a shared layer of
#    32 units with tanh, biases, and the mean of the squared errors as both losses. (The target of
#    digit is a 1 at the place of the digit.) Train it with one row, weights 5.0 and 0.5, rate 0.05
#    (what happens with 0.5?), all pictures at once. Right if the gradients of the first step agree
#    with `tg.gradients`, and if more than 85 of 100 held-back digits are right.
#
# Next: lesson 9. What does it change if you turn the 0.2 into 2.0?
