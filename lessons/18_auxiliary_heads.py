# %% [markdown]
# # Lesson 18: Auxiliary heads
#
# At the end you know why some deep networks get extra outputs on the way, how far the loss of such
# an output reaches, and how to take the extra outputs off after training. You have also measured
# when they help, and when they do not.
#
# You need: loss weights and `flow.total` (lesson 9), and the gradient by depth (lesson 17).

# %%
import numpy as np

import tinygrad_mo as tg

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
    # A head is tg.layers.Dense(10, name=...)(...). Return the list of three outputs: a head called
    # "exit_5" behind block 5, a head "exit_10" behind block 10, and "main" behind the last block.
    raise NotImplementedError("YOUR TURN")


def build(initializer="glorot_uniform"):
    picture = tg.Input((64,), name="picture")
    blocks = []
    h = picture
    for number in range(1, BLOCKS + 1):
        name = f"block_{number}"
        h = tg.layers.Dense(32, "relu", kernel_initializer=initializer, name=name)(h)
        blocks.append(h)
    return tg.Model(picture, add_heads(blocks))


model = build()
print("outputs:", list(model.outputs))
print("weights:", model.count_params())
assert list(model.outputs) == ["exit_5", "exit_10", "main"] and model.count_params() == 17_854

# %% [markdown]
# ## How far does each loss reach?
#
# **Your turn, without running anything.** There are three losses now. The loss of an exit goes
# back through its head into its block, and on from there. Which blocks does it reach?


# %%
def blocks_reached(number):
    # YOUR TURN: return the list of the numbers of all blocks that the loss of the exit behind
    # block `number` can change. (For the main loss, `number` is 15.)
    raise NotImplementedError("YOUR TURN")


print("my prediction for exit_5:", blocks_reached(5))

# %% [markdown]
# The model has a loss for each output. Two words about it:
#
# - The heads have no softmax. Their raw numbers are called **logits**. With `from_logits=True` the
#   loss takes the softmax itself, which is more exact.
# - `SGD` is plain gradient descent. With momentum 0.9, each step keeps nine tenths of the step
#   before, and adds the new one.
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
        optimizer = tg.optimizers.SGD(0.01, momentum=0.9)
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
# `flow.total` gives the length of the gradient for any loss weights (lesson 9), so one flow is
# enough for both networks. A weight of 0 switches an exit off: what is left is the plain network.
#
# **Before you run the next cell, write down**: by which factor do the exits make the gradient
# larger at block 1? At block 7? At block 12?

# %%
print(f"{'weights of':<12}{'without':>9}{'with':>9}{'factor':>8}")
factor = {}
for k in range(1, BLOCKS + 1):
    without, with_exits = (flow.total(f"block_{k}", w) for w in (WITHOUT, WITH))
    factor[k] = with_exits / without
    print(f"{f'block_{k}':<12}{without:>9.4f}{with_exits:>9.4f}{factor[k]:>8.1f}")
assert factor[1] > 5 and factor[7] < factor[1] / 2 and factor[12] == 1
shares = {name: WITH[name] * flow.norm(name, "block_1") for name in flow.losses}
print("what each loss sends to block_1:", {name: f"{s:.4f}" for name, s in shares.items()})
assert max(shares, key=shares.get) == "exit_5"
try:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.4), layout="constrained")
    flow.by_depth(figure.subplots())
    figure.savefig("lesson18.png", dpi=110)
    print("lesson18.png is written")
except ImportError as error:
    print("No picture was drawn:", error)

# %% [markdown]
# At block 1 the gradient is more than five times as long; how much exactly depends on the random
# first weights. Behind the last exit nothing changes: the factor is exactly 1, because the losses
# of the exits do not reach there.
#
# Look at `lesson18.png`. The gradient of each loss starts at the right and travels to the left. On
# its way through the blocks it gets smaller. The blue line, `exit_5`, has the shortest way to block
# 1, so the most arrives there. The broad grey line is the sum.
#
# **What you now know:** an exit is a loss with a short way to the early blocks.
#
# ## Does it help?
#
# A larger gradient is no aim in itself. We train both networks, from the same first weights,
# eight times through all digits (8 epochs). **Before you run the next cell, write down**: which
# one will be better at its main output, or will they be alike?


# %%
def train(optimizer, weights, initializer="glorot_uniform", seed=0):
    tg.set_random_seed(seed)
    model = build(initializer)
    prepare(model, optimizer, weights)
    model.fit(x, the_same_for_all(y), epochs=8, verbose=0)
    return model


def accuracy(model, x, y):
    scores = model.evaluate(x, the_same_for_all(y), batch_size=500, return_dict=True)
    return scores["main_accuracy"]


plain, helped = train("sgd", WITHOUT), train("sgd", WITH)
plain_right, helped_right = (accuracy(m, held_back_x, held_back_y) for m in (plain, helped))
print("accuracy of the main output on held-back digits (guessing: 0.10)")
print(f"without exits {plain_right:.2f}, with exits {helped_right:.2f}")
assert helped_right > plain_right + 0.05

# %% [markdown]
# With the exits the same network learns much faster. Nobody needs the answers of the exits
# themselves: they exist for their gradient.
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
before = helped.predict(held_back_x)[-1]  # the last of three outputs is main
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
print(f"{'':<30}{'without exits':>16}{'with exits':>14}")
print(f"{'optimizer, first weights':<30}" + f"{'train  held':>15}" * 2)
kinds = [("sgd", "glorot_uniform"), ("adam", "glorot_uniform"), ("adam", "he_uniform")]
gain = {}
for optimizer, initializer in kinds:
    row, held = f"{optimizer + ', ' + initializer:<30}", {}
    for name, weights in (("without", WITHOUT), ("with", WITH)):
        models = [train(optimizer, weights, initializer, seed) for seed in (0, 1)]
        seen = np.mean([accuracy(m, x, y) for m in models])
        held[name] = np.mean([accuracy(m, held_back_x, held_back_y) for m in models])
        row += f"{seen:>9.2f}{held[name]:>6.2f}"
    gain[optimizer, initializer] = held["with"] - held["without"]
    print(row)
first, second, third = gain.values()
assert first > 0.1 and second < first and third < 0.08 and third < first / 2

# %% [markdown]
# Each number is the mean of two runs. Read the table from top to bottom: the better the network
# learns without exits, the less they add. In the last row they add nothing, or so little that two
# runs cannot show it.
#
# Two reasons are often given for exits. The first is that early blocks learn something useful: the
# table agrees, where the gradient was too small. The second is that exits keep a network from
# learning the training digits by heart. Then the distance from "train" to "held" would have to
# become smaller. Look at both columns: we see no sign of that here, and two runs are few.
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
# **Try it:** set the weights of the exits to 3 instead of 0.3. Or move both exits near the end,
# behind blocks 13 and 14. What happens to the factor at block 1?
#
# Next: several losses again, but now they measure in different units.
