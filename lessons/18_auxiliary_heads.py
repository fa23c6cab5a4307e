# %% [markdown]
# # Lesson 18: Auxiliary heads
#
# At the end you know why some deep networks get extra outputs on the way, how far the loss of such
# an output reaches, and how to take the extra outputs off after training. You have also measured
# when they help, and when they do not.
#
# You need: logits (lesson 7), loss weights and `flow.total` (lesson 9), momentum and Adam (lesson
# 10), the paired comparison (lesson 12), and the gradient by depth (lesson 17).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.runs import compared  # `compare` of lesson 12: mean, half interval, word
from tinygrad_mo.learn import picture

# %% [markdown]
# ## The question
#
# A network has 15 layers, one after the other. Its loss sits at the end. How much of the gradient
# arrives at the first layer?
#
# We read handwritten digits: 8 x 8 pixels, written as a row of 64 numbers from 0 to 1. Each layer,
# here called a block, is a `Dense` layer with 32 units. To learn on, we take the samples that are
# not marked as `test`; the others are held back.

# %%
BLOCKS = 15

digits = tg.data.load("digits")
pictures = digits.image.reshape(-1, 64) / np.float32(16)
labels = digits.digit.astype(int)
x, y = pictures[~digits.test], labels[~digits.test]
held_back_x, held_back_y = pictures[digits.test], labels[digits.test]
print(len(x), "digits to learn from,", len(held_back_x), "held back")
assert (len(x), len(held_back_x)) == (1438, 359)

# %% [markdown]
# A **head** is the last layer before a loss. Ours gives ten numbers, one per digit. The largest one
# is the answer. Heads on the way to the end are called **auxiliary heads**, or exits. All heads
# get the same task: which digit is it?
#
# **Your turn.** Put a head behind block 5, behind block 10, and behind the last block.


# %%
def add_heads(blocks):
    # YOUR TURN: `blocks` is the list of what the blocks return: blocks[0] is from block 1.
    # A head is tg.layers.Dense(10, name=...)(...). Return the list of three outputs: "main" behind
    # the last block, a head called "exit_5" behind block 5, and a head "exit_10" behind block 10.
    raise NotImplementedError("YOUR TURN")


def build(initializer="glorot_uniform"):
    pixels = tg.Input((64,), name="picture")
    blocks, h = [], pixels
    for number in range(1, BLOCKS + 1):
        name = f"block_{number}"
        h = tg.layers.Dense(32, "relu", kernel_initializer=initializer, name=name)(h)
        blocks.append(h)
    return tg.Model(pixels, add_heads(blocks))


model = build()
print("outputs:", list(model.outputs))
print("weights:", model.count_params())
assert list(model.outputs) == ["main", "exit_5", "exit_10"] and model.count_params() == 17_854

# %% [markdown]
# ## How far does each loss reach?
#
# **Your turn.** You can answer this without running anything. There are three losses now. The loss
# of an exit goes back through its head into its block, and on from there. Which blocks does it
# reach?


# %%
def blocks_reached(number):
    # YOUR TURN: return the list of the numbers of all blocks at which the loss of the exit behind
    # block `number` has a gradient. (For the main loss, `number` is 15.)
    raise NotImplementedError("YOUR TURN")


print("exit_5 reaches the blocks", blocks_reached(5))

# %% [markdown]
# The model has a loss for each output. The heads give logits; with `from_logits=True` the loss
# takes the softmax itself, which is more exact (lesson 7). `SGD` gets a momentum of 0.9 (lesson
# 10).
#
# The main loss has the weight 1. The exits get 0.3, as in GoogLeNet, the network that made
# auxiliary heads known (Szegedy and others, 2014).

# %%
WITH = {"main": 1.0, "exit_5": 0.3, "exit_10": 0.3}
WITHOUT = {"main": 1.0, "exit_5": 0.0, "exit_10": 0.0}


def the_same_for_all(labels):
    return {"main": labels, "exit_5": labels, "exit_10": labels}


def prepare(model, optimizer, weights):
    if optimizer == "sgd":
        optimizer = tg.optimizers.SGD(0.02, momentum=0.9)
    loss = tg.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, weights, metrics=["accuracy"])


tg.set_random_seed(0)
model = build()
prepare(model, "sgd", WITH)
flow = model.gradient_flow(held_back_x, the_same_for_all(held_back_y))
for name, number in (("exit_5", 5), ("exit_10", 10), ("main", BLOCKS)):
    found = [k for k in range(1, BLOCKS + 1) if flow.reaches(name, f"block_{k}")]
    print(f"{name:<8} reaches blocks {found[0]} to {found[-1]}")
    assert found == sorted(blocks_reached(number))

# %% [markdown]
# Each loss reaches everything before it, and nothing behind it. So block 1 hears three losses, and
# block 15 hears one.
#
# ## What the exits change
#
# First a forecast, with numbers in place of arrays. Let each block have the slope s, as in lesson
# 17, and let each head send its weight to the block that it reads. A loss behind block p then sends
# weight * s ** (p - k) to block k, if k is not behind p. At block k all that arrives is added.
#
# **Your turn.** This is the long one.


# %%
def gradient_at_blocks(blocks, slope, exits):
    """What arrives at block 1, at block 2, and so on up to block `blocks`: a list."""
    # YOUR TURN: about 7 lines. `exits` is a dict from the number of a block to the weight of the
    # loss behind it, such as {5: 0.3, 15: 1.0}.
    raise NotImplementedError("YOUR TURN")


print("3 blocks of slope 0.5, losses behind 2 and 3:", gradient_at_blocks(3, 0.5, {2: 0.4, 3: 1.0}))

# %% [markdown]
# Now the real network.
# `flow.total` gives the length of the gradient for any loss weights (lesson 9), so one flow is
# enough for both networks. A weight of 0 switches an exit off: what is left is the plain network.
#
# **Before you run the next cell, write down**: by which factor do the exits make the gradient
# larger at block 1? At block 7? At block 12?

# %%
first, last = (flow.norm("main", (f"block_{k}", f"block_{k + 1}")) for k in (1, 14))  # on wires
slope = (first / last) ** (1 / 13)
forecasts = [
    gradient_at_blocks(BLOCKS, slope, exits) for exits in ({15: 1.0}, {5: 0.3, 10: 0.3, 15: 1.0})
]
print(f"on its way the main loss gets smaller as if each block had the slope {slope:.2f}")
print(f"{'weights of':<12}{'without':>9}{'with':>9}{'factor':>8}{'forecast':>10}")
factor = {}
for k in range(1, BLOCKS + 1):
    without, with_exits = (flow.total(f"block_{k}", w) for w in (WITHOUT, WITH))
    factor[k] = with_exits / without
    forecast = forecasts[1][k - 1] / forecasts[0][k - 1]
    print(f"{f'block_{k}':<12}{without:>9.4f}{with_exits:>9.4f}{factor[k]:>8.1f}{forecast:>10.1f}")
assert factor[1] > 5 and factor[7] < factor[1] / 2 and factor[12] == 1
shares = {name: WITH[name] * flow.norm(name, "block_1") for name in flow.losses}
print("what each loss sends to block_1:", {name: f"{s:.4f}" for name, s in shares.items()})
assert max(shares, key=shares.get) == "exit_5"
picture("lesson18.png", lambda figure: flow.by_depth(figure.subplots()), size=(9, 4.4))

# %% [markdown]
# At block 1 the gradient is more than five times as long; how much exactly depends on the random
# first weights. Behind the last exit nothing changes: the factor is exactly 1, because the losses
# of the exits do not reach there. The forecast has the same form and about the right size, though
# it adds all parts as if they pointed in one direction, and takes one slope for all blocks.
#
# Look at `lesson18.png`. The gradient of each loss starts at the right and travels to the left. On
# its way through the blocks it gets smaller. Blue is main, as always. `exit_5` has the shortest way
# to block 1, so the most arrives there. The dashed part of its line is its own head, before it
# meets the others. The broad grey line is the sum. An exit is a loss with a short way to the early
# blocks.
#
# ## Does it help?
#
# A larger gradient is no aim in itself. We train both networks 24 times through all digits (24
# epochs), from five seeds each, and compare them seed by seed (lesson 12; "unseen" is the library's
# word for "not seen"). **Before you run the next cell, write down**: which one will be better at
# its main output, or is there no difference?


# %%
def trained(optimizer, weights, initializer, seed):
    tg.set_random_seed(seed)
    model = build(initializer)
    prepare(model, optimizer, weights)
    model.fit(x, the_same_for_all(y), epochs=24, batch_size=128, verbose=0)
    return model


def accuracy(model, x, y):
    scores = model.evaluate(x, the_same_for_all(y), batch_size=500, return_dict=True)
    return scores["main_accuracy"]


def comparison(optimizer, initializer):
    """The gain by the exits on held-back digits, and the last model with exits."""
    right = {}
    for name, weights in (("without exits", WITHOUT), ("with exits", WITH)):
        models = [trained(optimizer, weights, initializer, seed) for seed in range(5)]
        right[name] = [accuracy(model, held_back_x, held_back_y) for model in models]
        seen = np.mean([accuracy(model, x, y) for model in models])
        print(f"{name:<14}", *(f"{score:.2f}" for score in right[name]), f"  train: {seen:.2f}")
    gain = compared(right["with exits"], right["without exits"])
    print(f"the exits bring {gain.mean:+.3f} +- {gain.spread:.3f}: {gain.kind}")
    return gain, models[-1]


print("accuracy of the main output on held-back digits, five seeds (guessing: 0.10)")
first_gain, helped = comparison("sgd", "glorot_uniform")
assert first_gain.mean > 0.1

# %% [markdown]
# With the exits the same network learns much faster, on the mean of the seeds. Look at the spread,
# too: without exits one seed learns well and another one hardly at all, so the interval is wide.
# With two seeds you could have said anything. Nobody needs the answers of the exits themselves:
# they exist for their gradient.
#
# ## Take them off
#
# So after training they can go. A model is what lies between some inputs and some outputs
# (lesson 6). If an output is not in the list, its head is not in the model.
#
# **Your turn.** `model.inputs` and `model.outputs` are dicts from names to tensors.


# %%
def without_exits(model):
    # YOUR TURN: return a tg.Model from the same inputs to the output "main" alone.
    raise NotImplementedError("YOUR TURN")


alone = without_exits(helped)
before = helped.predict(held_back_x)[0]  # the first of three outputs is main
after = alone.predict(held_back_x)
print("weights:", helped.count_params(), "before,", alone.count_params(), "after")
print("the same predictions, bit for bit:", np.array_equal(before, after))
assert np.array_equal(before, after)
assert helped.count_params() - alone.count_params() == 2 * (32 * 10 + 10)

# %% [markdown]
# The predictions are the same in every bit, and each exit has taken its 330 weights with it.
#
# Careful: `alone` is not a copy. It is a second model on the same layers.

# %%
assert alone.get_layer("block_1") is helped.get_layer("block_1")
helped.train_on_batch(x[:32], the_same_for_all(y[:32]))  # one more step of training
changed = not np.array_equal(after, alone.predict(held_back_x))
print("training the one has changed the other:", changed)
assert changed

# %% [markdown]
# ## Break it: are exits always needed?
#
# The gradient got smaller from block to block. Are there other cures?
#
# - **Larger first weights.** `"he_uniform"` starts with larger random weights. They are chosen so
#   that `relu` layers do not shrink what passes through (He and others, 2015).
# - **Adam.** It divides each step by the gradient's own size (lesson 9). So small gradients make
#   steps as large as others.
#
# **Before you run the next cell, write down**: with both cures together, do the exits still help?

# %%
second_gain, _ = comparison("adam", "he_uniform")
assert second_gain.mean < first_gain.mean / 3 and second_gain.mean < 0.06

# %% [markdown]
# Both networks are good now, and what the exits bring is a few parts in a hundred at most. Whether
# the interval still leaves out 0 or not: it is small beside the first gain. What was a matter of
# learning or not learning has become a small matter.
#
# Two reasons are often given for exits. The first is that early blocks learn something useful: the
# first comparison agrees, where the gradient was too small. The second is that exits keep a network
# from learning the training digits by heart. Then the distance from "train" to the held-back digits
# would have to become smaller in the second comparison, too. Look at the numbers: there is hardly
# any distance to close, so these data cannot tell.
#
# ## What you now know
#
# - An auxiliary head is an extra output with its own loss, on the way to the end.
# - Its loss reaches all blocks before it, and none behind it.
# - It helps where the gradient of the main loss gets lost on its way. It is one cure of several:
#   better first weights, Adam, and residual connections (lesson 17) are others.
# - After training you make a model that ends at the main output. The heads are gone, and the
#   predictions stay the same.
#
# ## Exercises
#
# 1. Set the weights of the exits to 3 in place of 0.3, and then move both exits near the end,
#    behind blocks 13 and 14 (in `gradient_at_blocks`, too). What becomes of the factor at block 1?
#    It is right if forecast and `flow.total` move in the same direction.
# 2. The middle of the table: Adam with "glorot_uniform", and SGD with "he_uniform", each with five
#    seeds. Which of the two cures does more? It is right if you say it with intervals.
# 3. Are the early blocks better with exits? Cut a model at block 5 with `tg.Model(model.inputs,
#    ...)`, predict its 32 numbers for all digits, and train one new `Dense(10)` on them. It is
#    right if you do it for a network with exits and one without, from three seeds.
# 4. An exit can answer early. Let `exit_5` answer where its largest probability is above 0.9, and
#    main otherwise. How many digits leave early, and what becomes of the accuracy? It is right if a
#    limit of 1.1 gives the accuracy of main.
# 5. (long) Take the exits away slowly: their weight is 0.3 at the start and 0 at the end
#    (`tg.callbacks.LossWeightScheduler`, or `model.loss_weights = ...` between calls of `fit`). Is
#    it better than 0.3 for all epochs? Three seeds, the same first weights, and a sentence about
#    what you may say.
#
# Next: several losses again, but now they measure in different units.
