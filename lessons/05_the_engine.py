# %% [markdown]
# # Lesson 5: The engine
#
# At the end you have written an engine: about one screen of code that computes the gradients of
# several losses in one sweep. It gives the same numbers as the engine of the library, and you can
# read that one, too.
#
# You need: lessons 1 to 4. All their parts come together here.

# %%
import itertools  # counting
from typing import NamedTuple  # a tuple whose parts have names

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import ops

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

# %% [markdown]
# ## Question: what stays, and what changes?
#
# Training runs the same network thousands of times, each time with other numbers. In lesson 3 a
# node held its value, so we would have to build all nodes again for each run. Before you read on,
# write down: what is the same in every run, and what is different?
#
# - The same: which operations there are, in which order, and where each gets its inputs. We write
#   this down once. It is the **plan**.
# - Different: the values, and the pullbacks, which remember values. Each run leaves a new **tape**.
#
# ## Operations can be recorded
#
# To write the plan down, we must get hold of the operations *without* computing anything. The
# library helps. Before an operation computes, it looks at its inputs. Does one of them have a
# method with the name `__op__`? Then the operation does not compute. It calls this method, and
# gives it itself, its inputs, and its attributes (such as an axis; none in this lesson). What the
# method returns, the operation returns.
#
# Names like `__op__`, with two underscores at both ends, belong to methods that somebody else
# calls. You know one: Python calls `__init__` when an object is made.


# %%
class Listener:
    def __op__(self, op, inputs, attributes):
        return f"somebody wants {op.name} of {len(inputs)} inputs"


print(ops.add(1.0, 2.0)[0], "-", ops.add(Listener(), 2.0))

# %% [markdown]
# With numbers, `add` computes 3.0. With a listener, it only says what it was asked for.
#
# ## Nodes without values
#
# Now our nodes. A node holds no value. It knows its operation and its inputs, nothing more, and its
# `__op__` returns a new node. Nodes without an operation are *fed*: they get an array in each run.
# And each node has a birth number: `next(Node.births)` gives 0, then 1, then 2, and so on.


# %%
class Node:
    births = itertools.count()

    def __init__(self, op=None, inputs=(), name=""):
        self.op, self.inputs = op, inputs
        self.name = name or op.name
        self.birth = next(Node.births)

    def __op__(self, op, inputs, attributes):
        return Node(op, inputs)


def two_losses(x, kernel, bias, main_kernel, aux_kernel, target):
    """A network with two outputs and two losses."""
    h = ops.tanh(ops.add(ops.matmul(x, kernel), bias))
    main = ops.mean(ops.square(ops.subtract(ops.matmul(h, main_kernel), target)))
    aux = ops.mean(ops.square(ops.subtract(ops.matmul(h, aux_kernel), target)))
    return [main, aux]


NAMES = ["x", "kernel", "bias", "main_kernel", "aux_kernel", "target"]
fed = [Node(name=name) for name in NAMES]
losses = two_losses(*fed)
print("the last node of each loss:", [loss.name for loss in losses])

# %% [markdown]
# Nothing was computed. `losses` is a list of two nodes, and behind each there is a graph. The node
# h is used by both losses: a fork.
#
# ## Hole 1: find the nodes, in order
#
# We need all nodes that lead to the losses, each after its inputs. In lesson 3 your function called
# itself. Now there is an easier way. A node can only be made from nodes that exist already. So its
# birth number is larger than those of its inputs. **Sorted by birth, nodes are in topological
# order.**
#
# Keep a list of nodes to look at. Take one out. If it is new, remember it, and put its inputs on
# the list. Stop when the list is empty.


# %%
def find_nodes(losses):
    """A list of all nodes that lead to the losses, each one once, sorted by birth."""
    # YOUR TURN: about 7 lines. There may be many thousand nodes: do not let it call itself.
    raise NotImplementedError("YOUR TURN")


# %%
print(*[node.name for node in find_nodes(losses)])
assert len(find_nodes(losses)) == 17

# %% [markdown]
# ### Break it
#
# Why should it not call itself? Take a network with 20,000 operations in a row. Predict what the
# function of lesson 3 does: it calls itself for each input, so it would be 20,000 calls deep.


# %%
def order_that_calls_itself(node, seen):
    if node not in seen:
        seen.add(node)
        for source in node.inputs:
            order_that_calls_itself(source, seen)


deep = Node(name="start")
for _ in range(20_000):
    deep = ops.negative(deep)
caught = None
try:
    order_that_calls_itself(deep, set())
except RecursionError as error:
    caught = error
print("calling itself:", repr(caught))
print("your function finds", len(find_nodes([deep])), "nodes")
assert isinstance(caught, RecursionError) and len(find_nodes([deep])) == 20_001

# %% [markdown]
# Python allows only a limited number of calls inside each other, usually 1000. A network that reads
# a long text word by word soon has more operations in a row.
#
# ## Hole 2: the plan
#
# Now comes the central idea: **the graph is data**. Each node gets a number, its *slot*: its place
# in the list of nodes. Then the whole graph is two lists: for each slot the operation, and for each
# slot the slots of its inputs. (The first list is called `ops`, as the module of the library is.
# They share nothing but the name: `plan.ops` is the list, `ops` alone is the library.)


# %%
class Plan(NamedTuple):
    slots: dict  # the slot of each node: {node: slot}, in the order of the slots
    ops: list  # for each slot: the operation, or None for a fed node
    inputs: list  # for each slot: the slots of its inputs, as a tuple


def make_plan(losses):
    """The Plan of the graph that leads to the losses."""
    # YOUR TURN: use find_nodes. Three or four lines.
    raise NotImplementedError("YOUR TURN")


# %%
plan = make_plan(losses)
for node, slot in plan.slots.items():
    print(f"slot {slot:>2}  {node.name:<12} inputs {plan.inputs[slot]}")
assert [tuple(sources) for sources in plan.inputs[6:9]] == [(0, 1), (6, 2), (7,)]

# %% [markdown]
# Read slot 6: it is the matrix product of slots 0 and 1, of x and kernel. Slot 8, the tanh, is h.
# Find the two places where it is used. The whole network is this plain table. From the table alone
# you could draw it.
#
# ## Hole 3: forward
#
# Go through the slots in order. A fed slot takes its array from `feed`. Every other slot calls its
# operation on the values of its input slots. Keep the values, and keep the pullbacks.


# %%
class Tape(NamedTuple):
    values: list  # for each slot: its value
    backs: list  # for each slot: its tuple of pullbacks, or None for a fed node


def forward(plan, feed):
    """Run the plan on {node: array}. Returns the Tape."""
    # YOUR TURN: a loop over plan.slots.items(). About 8 lines.
    raise NotImplementedError("YOUR TURN")


# %%
random = np.random.default_rng(0)
SHAPES = [(8, 3), (3, 4), (4,), (4, 1), (4, 1), (8, 1)]
arrays = [random.standard_normal(shape) for shape in SHAPES]
tape = forward(plan, dict(zip(fed, arrays, strict=True)))
values = at_start = [tape.values[plan.slots[loss]] for loss in losses]
expected = [float(loss.value) for loss in two_losses(*map(tg.Tensor, arrays))]
print(f"your losses: {values[0]:.5f} {values[1]:.5f}")
print(f"the library: {expected[0]:.5f} {expected[1]:.5f}")
assert np.allclose(values, expected, rtol=1e-5)

# %% [markdown]
# This is the middle of the lesson, and a good place for a break.
#
# ## Hole 4: seeds, one row for each loss
#
# A sweep starts with 1 at the loss (lesson 2). But here are two losses, and we want to know the
# gradient of each. Must we sweep twice?
#
# No. We give every gradient one more axis in front, the *rows*: row 0 belongs to loss 0, row 1 to
# loss 1. So at slot 0, where x has the shape (8, 3), the gradient has the shape (2, 8, 3). All
# pullbacks of the library allow this axis.
#
# A loss is a single number, so its gradient has the shape (2,). At loss 0 the sweep starts with
# [1, 0], at loss 1 with [0, 1]. These are called the *seeds*. At all other slots there is nothing
# yet: None.


# %%
def seed_rows(plan, losses):
    """A list with the seed of each loss at the slot of that loss, and None everywhere else."""
    # YOUR TURN: about 4 lines. np.eye(n) has n rows; those of np.eye(2) are [1, 0] and [0, 1].
    raise NotImplementedError("YOUR TURN")


# %%
for slot, seed in enumerate(seed_rows(plan, losses)):
    if seed is not None:
        print("slot", slot, "starts with", seed)

# %% [markdown]
# ## Hole 5: backward
#
# This is the heart of every engine. Go through the slots from the last to the first. If a slot has
# a gradient and was made by an operation: call its pullbacks, bring each result to the right shape
# (lesson 4), and add it to what the input slot has already (lesson 3).
#
# `ops.unbroadcast(g, shape)` keeps the rows, and sums the rest back to the shape of the input.


# %%
def backward(plan, tape, seeds):
    """The gradient of each slot, rows first, as a list. None where nothing arrived."""
    # YOUR TURN: about 10 lines. Begin with g = list(seeds), so that the seeds stay as they are.
    # Ask `g[slot] is None`; an array alone is neither true nor false.
    raise NotImplementedError("YOUR TURN")


# %%
g = backward(plan, tape, seed_rows(plan, losses))
print("x has the shape", arrays[0].shape, "and its gradient", g[plan.slots[fed[0]]].shape)
assert all(g[slot].shape == (2, *array.shape) for slot, array in enumerate(arrays))

# %% [markdown]
# ## Test it against the library
#
# The same function `two_losses`, now with tensors of the library. `per_loss=True` asks for the
# gradient of each loss apart. It returns, for each tensor, a list with one entry per loss.
#
# Before you run the cell: the main loss has no path to aux_kernel. What does your engine say
# there, and what does the library say?

# %%
tensors = [tg.Tensor(array, dtype="float64") for array in arrays]
theirs = tg.gradients(two_losses(*tensors), tensors, per_loss=True)
for name, node, rows in zip(NAMES, fed, theirs, strict=True):
    for k, loss in enumerate(["main", "aux"]):
        yours, no_path = g[plan.slots[node]][k], rows[k] is None
        gap = np.abs(yours - (0 if no_path else rows[k])).max()
        print(f"{name:<12} {loss:<5} largest gap {gap:.0e}", "no path" if no_path else "")
        assert gap < 1e-12

# %% [markdown]
# All gradients agree to 12 places and more. One difference is left, in two lines. Where there is no
# path, your engine says 0, and the library says None: it knows which loss reaches which slot. (In
# exercise 2 yours learns it, too.)
#
# ## One sweep, two uses
#
# With a row for each loss, you *see* who wants what. For *training* we need one gradient only: that
# of the weighted sum, say 1.0 * main + 0.5 * aux. Then one row is enough. We put the weights in as
# seeds: [1.0] at the main loss and [0.5] at the other.
#
# Predict: how do you get the same result from the two rows above?

# %%
one_row = [None] * len(plan.ops)
for loss, weight in zip(losses, [1.0, 0.5], strict=True):
    one_row[plan.slots[loss]] = np.array([weight])
g_training = backward(plan, tape, one_row)
slot = plan.slots[fed[1]]  # of kernel, which both losses reach
mixed = 1.0 * g[slot][0] + 0.5 * g[slot][1]
difference = np.abs(g_training[slot][0] - mixed).max()
print(f"shape {g_training[slot].shape}, difference {difference:.0e}")
assert g_training[slot].shape == (1, 3, 4) and difference < 1e-12

# %% [markdown]
# Multiply each row by its weight and add the rows: the training gradient. This is the law behind
# the page of lesson 0. If you drag a slider there, no sweep is needed, only this mix.
#
# ## Replay: train with it
#
# Now the plan pays off. It was made once, and we run it 300 times. Each run leaves a new tape. Only
# the weights change.

# %%
now = dict(zip(fed, arrays, strict=True))
for step in range(301):
    tape_now = forward(plan, now)
    if step % 100 == 0:
        values = [tape_now.values[plan.slots[loss]] for loss in losses]
        print(f"step {step:>3}: main {values[0]:.4f}, aux {values[1]:.4f}")
    g_now = backward(plan, tape_now, one_row)
    for node in fed[1:5]:  # kernel, bias, main_kernel, aux_kernel
        now[node] = now[node] - 0.1 * g_now[plan.slots[node]][0]  # a new array
assert values[0] < at_start[0] / 2 and values[1] < at_start[1] / 2

# %% [markdown]
# Both losses fall to less than half. And the first tape? It is a value, like any other. Nothing of
# the training has touched it, and a sweep of it gives the same gradients as before, to the last
# bit. (Some engines keep gradients in the nodes. There, a second sweep adds to the first, unless
# one remembers to set them to zero.)

# %%
again = backward(plan, tape, seed_rows(plan, losses))
print("identical:", all(np.array_equal(a, b) for a, b in zip(g, again, strict=True)))
assert all(np.array_equal(a, b) for a, b in zip(g, again, strict=True))

# %% [markdown]
# ### Break it
#
# In the training above, `now[node] - ...` makes a new array. `main_kernel -= 0.5` writes into the
# old one. That saves memory. Predict: does the old tape still give the old gradient of `kernel`?

# %%
main_kernel, before = arrays[3], arrays[3].copy()
main_kernel -= 0.5  # in place: the array itself changes
broken = backward(plan, tape, seed_rows(plan, losses))[plan.slots[fed[1]]]
main_kernel[:] = before  # repair it
for k, loss in enumerate(["main", "aux"]):
    print(f"{loss}: the gradient of kernel is wrong by {np.abs(broken[k] - g[slot][k]).max():.3f}")
assert np.abs(broken[0] - g[slot][0]).max() > 0.01 and np.array_equal(broken[1], g[slot][1])

# %% [markdown]
# The pullbacks do not copy arrays, they remember where they are. If you write into one, you change
# the past. Again there is no error. The gradient of main is wrong now; aux never used this array.
# The library protects you: nobody can write into the value of a tensor.

# %%
assert not tg.Tensor([1.0, 2.0]).value.flags.writeable  # nobody can write into it

# %% [markdown]
# ## What you now know
#
# - A graph is data: for each slot an operation and the slots of its inputs. It is made once.
# - A run leaves a tape: values and pullbacks. A sweep reads it, and changes nothing.
# - A gradient has rows, one for each loss. All losses share one sweep.
# - With weights as seeds, in one row, the same sweep trains.
#
# Now open the file `engine/plan.py` of the library. (`import inspect`, then
# `print(inspect.getsourcefile(tg.Plan))` says where it is.) You will recognise `topological_order`,
# `Plan`, `Tape`, `forward` and `backward`. Look for what it has on top of yours:
#
# - *edges*: it calls only those pullbacks that lead to something wanted. Yours computes the
#   gradient of x and of target, too, and nobody needs them for training.
# - *reach*: which losses can come to a slot. So it carries only the rows that are needed, and it
#   knows None from 0.
# - It forgets values and gradients as soon as nobody needs them.
# - Operations with attributes (such as an axis), with several values, with inputs that have no
#   gradient, or with one pullback function for all inputs.
# - Errors that tell the line in which you wrote the operation.
# - *record*: a function that is called for every gradient on its way. The page is made with it.
#
# ## Exercises
#
# No check looks at these; each says how you see that you are right. Work in a file of your own,
# beside the lessons. With `engine = my_work("the_engine")` (from `tinygrad_mo.learn`) it has your
# engine: `engine.Node`, `engine.make_plan` and so on. Later lessons use it in the same way.
#
# 1. *Draw the table.* Write `arrows(plan)`: a text with one line such as `kernel -> matmul_6` for
#    each input of each slot. Make the names different by the slot. Right if the plan of this lesson
#    has 17 arrows, and if your drawing of them looks like the network of `two_losses`.
# 2. *None instead of 0.* Write `reach(plan, losses)`: for each slot the set of the losses that can
#    come to it, from the last slot to the first. Right if main_kernel has {0}, aux_kernel {1}, and
#    kernel {0, 1}; and if a loss is missing exactly where the library says None.
# 3. *Only what is wanted.* Write `live(plan, wanted)`: for each slot, is it wanted, or is something
#    below it wanted? (From the first slot to the last.) Then `backward` calls only those pullbacks
#    that lead to a live slot. Right if the four weights get the same gradients, to the last bit,
#    and if 14 pullbacks are called instead of 17 where only the four weights are wanted.
# 4. *(long)* *Attributes.* `ops.mean(x, axis=-1)` calls `__op__` with the attributes `{"axis":
#    -1}`, and your node forgets them. Write an engine that keeps them in the node and in the plan,
#    and gives them to the operation in `forward`: `op(*values, **attributes)`. Then train a network
#    with three outputs of your own choice that needs them (`ops.sum` and `ops.mean` with `axis` and
#    `keepdims`, `ops.exp`, `ops.log`, `ops.concatenate`). Right if all rows agree with
#    `tg.gradients(..., per_loss=True)` to 12 places, and if all three losses fall.
#
# Next: lesson 6. What is a layer?
