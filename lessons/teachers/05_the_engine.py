# %% [markdown]
# # Lesson 5: The engine. Solutions of the exercises (for teachers)

# %%
import itertools
from typing import NamedTuple

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.learn import my_work

tg.use("numpy")
engine = my_work("the_engine")
fed = [engine.Node(name=name) for name in engine.NAMES]
losses = engine.two_losses(*fed)
plan = engine.make_plan(losses)
random = np.random.default_rng(0)
SHAPES = [(8, 3), (3, 4), (4,), (4, 1), (4, 1), (8, 1)]
arrays = [random.standard_normal(shape) for shape in SHAPES]
tape = engine.forward(plan, dict(zip(fed, arrays, strict=True)))

# %% [markdown]
# ## Exercise 1
#
# Put between `digraph {` and `}`, the lines are a text that Graphviz draws.


# %%
def arrows(plan):
    label = {slot: f"{node.name}_{slot}" for node, slot in plan.slots.items()}
    lines = []
    for slot, sources in enumerate(plan.inputs):
        lines += [f"{label[source]} -> {label[slot]}" for source in sources]
    return "\n".join(lines)


print(arrows(plan))
assert len(arrows(plan).splitlines()) == 17
assert "kernel_1 -> matmul_6" in arrows(plan) and arrows(plan).count("tanh_8 ->") == 2  # the fork

# %% [markdown]
# ## Exercise 2
#
# Sets are united on the way back, where gradients are added.


# %%
def reach(plan, losses):
    found = [set() for _ in plan.ops]
    for k, loss in enumerate(losses):
        found[plan.slots[loss]].add(k)
    for slot in reversed(range(len(plan.ops))):
        for source in plan.inputs[slot]:
            found[source] |= found[slot]
    return found


found = reach(plan, losses)
tensors = [tg.Tensor(array, dtype="float64") for array in arrays]
theirs = tg.gradients(engine.two_losses(*tensors), tensors, per_loss=True)
for node, rows in zip(fed, theirs, strict=True):
    print(f"{node.name:<12}", found[plan.slots[node]])
    assert found[plan.slots[node]] == {k for k, row in enumerate(rows) if row is not None}

# %% [markdown]
# ## Exercise 3
#
# x and target are not wanted, and nothing is below them: three pullbacks need not be called.


# %%
def live(plan, wanted):
    found = []
    for node, slot in plan.slots.items():
        found.append(node in wanted or any(found[source] for source in plan.inputs[slot]))
    return found


def backward_live(plan, tape, seeds, wanted):
    g, is_live, calls = list(seeds), live(plan, wanted), 0
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot], strict=True):
            if not is_live[source]:
                continue
            calls += 1
            part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
            g[source] = part if g[source] is None else g[source] + part
    return g, calls


seeds = engine.seed_rows(plan, losses)
all_of_it, every_call = backward_live(plan, tape, seeds, fed)
g, calls = backward_live(plan, tape, seeds, fed[1:5])
print("pullbacks called:", calls, "instead of", every_call)
assert (calls, every_call) == (14, 17)
assert all(np.array_equal(g[slot], all_of_it[slot]) for slot in range(1, 5))
assert g[0] is None and g[5] is None

# %% [markdown]
# ## Exercise 4 (long)
#
# Four changes: the node keeps the attributes, the plan lists them, `forward` gives them to the
# operation, and nothing else. `find_nodes`, `seed_rows` and `backward` stay as they are: pullbacks
# remember the attributes of their call. The network here has three outputs: three classes (the loss
# is the usual one for classes, which lesson 7 explains), a number, and the length of the input.


# %%
class Node:
    births = itertools.count()

    def __init__(self, op=None, inputs=(), name="", attributes=None):
        self.op, self.inputs, self.attributes = op, inputs, attributes or {}
        self.name = name or op.name
        self.birth = next(Node.births)

    def __op__(self, op, inputs, attributes):
        return Node(op, inputs, attributes=attributes)


class PlanWithAttributes(NamedTuple):
    slots: dict
    ops: list
    inputs: list
    attributes: list


def make_plan(losses):
    plan = engine.make_plan(losses)
    return PlanWithAttributes(*plan, [node.attributes for node in plan.slots])


def forward(plan, feed):
    values, backs = [], []
    for node, slot in plan.slots.items():
        value, back = feed.get(node), None
        if plan.ops[slot] is not None:
            inputs = [values[source] for source in plan.inputs[slot]]
            value, back = plan.ops[slot](*inputs, **plan.attributes[slot])
        values.append(value)
        backs.append(back)
    return engine.Tape(values, backs)


def three_losses(x, hidden, class_kernel, number_kernel, length_kernel, one_hot, number, length):
    h = ops.tanh(ops.matmul(x, hidden))
    scores = ops.matmul(h, class_kernel)
    total = ops.log(ops.sum(ops.exp(scores), axis=-1, keepdims=True))
    of_true = ops.sum(ops.multiply(one_hot, ops.subtract(scores, total)), axis=-1)
    classes = ops.negative(ops.mean(of_true))
    of_number = ops.mean(ops.square(ops.subtract(ops.matmul(h, number_kernel), number)))
    both = ops.concatenate(h, x)  # along the last axis, if none is given
    of_length = ops.mean(ops.square(ops.subtract(ops.matmul(both, length_kernel), length)))
    return [classes, of_number, of_length]


x = random.standard_normal((30, 4))
one_hot = np.eye(3)[np.argmax(x[:, :3], axis=1)]
number, length = x[:, :1] - x[:, 1:2], np.linalg.norm(x, axis=1, keepdims=True)
SHAPES = [(4, 8), (8, 3), (8, 1), (12, 1)]
weights = [0.5 * random.standard_normal(shape) for shape in SHAPES]
arrays = [x, *weights, one_hot, number, length]
fed = [Node(name=f"fed_{n}") for n in range(len(arrays))]
losses = three_losses(*fed)
plan = make_plan(losses)
now = dict(zip(fed, arrays, strict=True))
tape = forward(plan, now)
g = engine.backward(plan, tape, engine.seed_rows(plan, losses))
tensors = [tg.Tensor(array, dtype="float64") for array in arrays]
theirs = tg.gradients(three_losses(*tensors), tensors, per_loss=True)
for node, rows in zip(fed, theirs, strict=True):
    for k, row in enumerate(rows):
        assert np.abs(g[plan.slots[node]][k] - (0 if row is None else row)).max() < 1e-12

# %%
seeds = [None] * len(plan.ops)
for loss in losses:
    seeds[plan.slots[loss]] = np.array([1.0])
history = []
for step in range(201):
    tape = forward(plan, now)
    history.append([float(tape.values[plan.slots[loss]]) for loss in losses])
    if step % 50 == 0:
        print(f"step {step:>3}:", " ".join(f"{value:.4f}" for value in history[-1]))
    g = engine.backward(plan, tape, seeds)
    for node in fed[1:5]:
        now[node] = now[node] - 0.1 * g[plan.slots[node]][0]
assert all(last < first for first, last in zip(history[0], history[-1], strict=True))
