# %% [markdown]
# # Lesson 8: Two outputs, one sweep. Solutions of the exercises (for teachers)

# %%
import time

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.learn import my_work
from tinygrad_mo.systems import headlines

tg.use("numpy")
lesson, engine = my_work("two_outputs_one_sweep"), my_work("the_engine")

# %% [markdown]
# ## Exercise 1
#
# One sweep: shared + 10 * head edges. Ten sweeps: 10 * (shared + head). How many edges a dense
# layer has depends on how the library writes it; here we count them, with one head and with two.


# %%
def edges(heads):
    """Edges that one sweep uses, and that all sweeps of one loss each use together."""
    tg.set_random_seed(0)
    x = tg.Input((6,), name="x")
    shared = tg.layers.Dense(8, activation="tanh", name="shared_1")(x)
    shared = tg.layers.Dense(8, activation="tanh", name="shared_2")(shared)
    outputs = [tg.layers.Dense(1, name=f"head_{k}")(shared) for k in range(heads)]
    model = tg.Model(x, outputs)
    model.compile("sgd", "mse")
    random = np.random.default_rng(0)
    y = [random.standard_normal((16, 1)) for _ in range(heads)]
    data = model.labelled_data(random.standard_normal((16, 6)), y)
    plan = model.training_plan()
    together = lesson.count_sent(plan, plan.forward(data), [1.0] * heads)
    assert set(together.values()) == {1}
    alone = 0
    for loss in plan.losses:
        own = tg.Plan([loss], plan.wrt)
        alone += len(lesson.count_sent(own, own.forward(data), [1.0]))
    return len(together), alone


one, two, ten = edges(1)[0], edges(2)[0], edges(10)
head = two - one
shared = one - head
print(f"shared {shared}, head {head}; ten outputs: one sweep {ten[0]}, ten sweeps {ten[1]}")
assert ten == (shared + 10 * head, 10 * (shared + head))

# %% [markdown]
# ## Exercise 2
#
# main_kernel agrees to the last bit: only one row arrives there, and 1.0 times a number is it.

# %%
fed = [engine.Node(name=name) for name in engine.NAMES]
losses = engine.two_losses(*fed)
plan = engine.make_plan(losses)
random = np.random.default_rng(0)
SHAPES = [(8, 3), (3, 4), (4,), (4, 1), (4, 1), (8, 1)]
feed = {node: random.standard_normal(shape) for node, shape in zip(fed, SHAPES, strict=True)}
tape = engine.forward(plan, feed)
rows = engine.backward(plan, tape, engine.seed_rows(plan, losses))
one_row = [None] * len(plan.ops)
for loss, weight in zip(losses, [1.0, 0.2], strict=True):
    one_row[plan.slots[loss]] = np.array([weight])
training = engine.backward(plan, tape, one_row)
for node in fed[1:5]:
    slot = plan.slots[node]
    gap = np.abs(lesson.mix(rows[slot], (0, 1), [1.0, 0.2]) - training[slot][0]).max()
    print(f"{node.name:<12} {gap:.0e}")
    assert gap < 1e-12 and (node is not fed[3] or gap == 0)

# %% [markdown]
# ## Exercise 3
#
# One row costs least. Which of the other two is slower depends on the network and the computer:
# rows save the second walk, and carry twice the numbers where both losses arrive.

# %%
art = headlines.load(length=20, vocabulary=4_000)
tg.set_random_seed(0)
model = headlines.build(length=20, vocabulary=4_000, width=32)
model.compile("rmsprop", "binary_crossentropy", headlines.WEIGHTS)
data, plan = model.labelled_data(*art.some(128)), model.training_plan()
tape = plan.forward(data)
alone = [(own, own.forward(data)) for own in (tg.Plan([loss], plan.wrt) for loss in plan.losses)]
ways = {
    "one row": lambda: plan.backward(tape, [1.0, 0.2]),
    "a row for each loss": lambda: plan.backward(tape, [1.0, 1.0], per_loss=True),
    "two sweeps": lambda: [own.backward(its, [1.0]) for own, its in alone],
}
for name, sweep in ways.items():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        sweep()
        times.append(time.perf_counter() - start)
    print(f"{name:<20} {1000 * min(times):6.2f} ms")

# %% [markdown]
# ## Exercise 4 (long)
#
# The function of nodes is all that is new. Everything else is the training of lesson 5. The weight
# of digit is large because its loss is the mean over ten numbers, and most of them are easy: 0.


# %%
def digit_and_even(x, kernel, bias, digit_kernel, digit_bias, even_kernel, even_bias, digit, even):
    h = ops.tanh(ops.add(ops.matmul(x, kernel), bias))
    digit_says = ops.add(ops.matmul(h, digit_kernel), digit_bias)
    even_says = ops.add(ops.matmul(h, even_kernel), even_bias)
    of_digit = ops.mean(ops.square(ops.subtract(digit_says, digit)))
    of_even = ops.mean(ops.square(ops.subtract(even_says, even)))
    return [of_digit, of_even, digit_says, even_says]  # the outputs, too: to look at them


digits = tg.data.load("digits")
pictures = digits.image.reshape(-1, 64) / 16
digit, even = np.eye(10)[digits.digit], (digits.digit % 2 == 0).astype(float).reshape(-1, 1)
known, new = ~digits.test, digits.test
weights = [0.2 * random.standard_normal(shape) for shape in [(64, 32), (32,), (32, 10), (10,)]]
weights += [0.2 * random.standard_normal(shape) for shape in [(32, 1), (1,)]]
fed = [engine.Node(name=f"fed_{k}") for k in range(9)]
made = digit_and_even(*fed)
plan = engine.make_plan(made)
seeds = [None] * len(plan.ops)
for loss, weight in zip(made[:2], [5.0, 0.5], strict=True):
    seeds[plan.slots[loss]] = np.array([weight])


def feed(weights, which):
    return dict(zip(fed, [pictures[which], *weights, digit[which], even[which]], strict=True))


first = engine.backward(plan, engine.forward(plan, feed(weights, known)), seeds)
tensors = [tg.Tensor(value, dtype="float64") for value in feed(weights, known).values()]
theirs = tg.gradients(digit_and_even(*tensors)[:2], tensors[1:7], [5.0, 0.5])
for node, gradient in zip(fed[1:7], theirs, strict=True):
    assert np.allclose(first[plan.slots[node]][0], gradient, rtol=0, atol=1e-12)

# %%
for step in range(301):
    tape = engine.forward(plan, feed(weights, known))
    if step % 100 == 0:
        print(f"step {step:>3}:", *[f"{tape.values[plan.slots[loss]]:.4f}" for loss in made[:2]])
    g = engine.backward(plan, tape, seeds)
    slots = [plan.slots[node] for node in fed[1:7]]
    weights = [w - 0.05 * g[slot][0] for w, slot in zip(weights, slots, strict=True)]
tape = engine.forward(plan, feed(weights, new))
says = [tape.values[plan.slots[output]] for output in made[2:]]
right = (says[0].argmax(axis=1) == digits.digit[new]).mean()
print(
    f"held back: digit {right:.0%}, even {((says[1] > 0.5) == (even[new] > 0.5)).mean():.0%} right"
)
assert right > 0.85
