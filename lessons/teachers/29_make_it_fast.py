# %% [markdown]
# # Lesson 29: solutions of the exercises
#
# Times differ from computer to computer: only what must hold everywhere is asserted.

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work

tg.use("numpy")
ours = my_work("make_it_fast")
cost = ours.cost

# %% [markdown]
# ## Exercise 1
#
# The rest, 1 - s, stays: at most 1 / (1 - s) times.

# %%
for s in (0.1, 0.5, 0.9):
    assert np.isclose(ours.whole_gain(s, 1e12), 1 / (1 - s))

# %% [markdown]
# ## Exercise 2
#
# Large arrays: twice the bytes, about twice the time, where memory is the limit. Small arrays: the
# overhead is the same. `np.exp` does more arithmetic per number, and more for 16 digits than for 8.

# %%
for size in (100, 4_000_000):
    for name in ("copy", "sum", "exp"):
        times = []
        for kind in (np.float32, np.float64):
            a, out = np.ones(size, kind), np.empty(size, kind)
            jobs = {
                "copy": lambda out=out, a=a: np.copyto(out, a),
                "sum": lambda out=out, a=a: np.add(a, a, out=out),
                "exp": lambda out=out, a=a: np.exp(a, out=out),
            }
            times.append(cost(jobs[name]))
        print(
            f"{name:<5}{size:>10,} numbers: float64 takes {times[1] / times[0]:.1f} times as long"
        )

# %% [markdown]
# ## Exercise 3
#
# The product takes nearly all of the time, so hardly anything is gained.


# %%
def dense_relu(x, kernel, bias):
    y = np.maximum(x @ kernel + bias, 0)
    on = y > 0
    return y, (
        lambda g: (g * on) @ kernel.T,
        lambda g: x.T @ (g * on),
        lambda g: (g * on).sum(axis=-2),
    )


random = np.random.default_rng(0)
x, kernel, bias = (random.standard_normal(shape) for shape in ((6, 3), (3, 4), (4,)))
tg.check.check_op(tg.ops.Op(dense_relu), x, kernel, bias)
x, kernel = np.ones((256, 500), np.float32), np.ones((500, 300), np.float32)
bias = np.zeros(300, np.float32)
whole, product = cost(lambda: dense_relu(x, kernel, bias)), cost(lambda: x @ kernel)
print(f"the product takes {product / whole:.0%} of the fused op")

# %% [markdown]
# ## Exercise 4

# %%
engine = my_work("the_engine")


def chain(length):
    start = node = engine.Node(name="x")
    for _ in range(length):
        node = tg.ops.tanh(node)
    return start, tg.ops.sum(node)


start, loss = chain(100)
plan = engine.make_plan([loss])
for size in (10, 1_000_000):
    links = 100 if size == 10 else 5
    start, loss = chain(links)
    plan, x = engine.make_plan([loss]), np.full(size, 0.1)

    def sweep(plan=plan, start=start, loss=loss, x=x):
        tape = engine.forward(plan, {start: x})
        return engine.backward(plan, tape, engine.seed_rows(plan, [loss]))

    def bare(x=x, links=links):
        for _ in range(links):
            x = np.tanh(x)

    per_node = (cost(sweep) - cost(bare)) / links
    print(f"{size:>9,} numbers: beside np.tanh a node costs {1e6 * per_node:.1f} microseconds")

# %% [markdown]
# ## Exercise 5 (long)
#
# One array for each slot, made once. A feed is copied into its array.

# %%
FUNCTIONS = {"add": np.add, "multiply": np.multiply, "tanh": np.tanh}


def trace(plan, shape):
    arrays = [np.empty(shape) for _ in plan.ops]
    calls = [
        (FUNCTIONS[op.name], [arrays[k] for k in inputs], arrays[slot])
        for slot, (op, inputs) in enumerate(zip(plan.ops, plan.inputs, strict=True))
        if op is not None
    ]
    return arrays, calls


def replay(plan, arrays, calls, feed):
    for node, array in feed.items():
        arrays[plan.slots[node]][...] = array
    for function, inputs, output in calls:
        function(*inputs, out=output)
    return arrays


a, b = engine.Node(name="a"), engine.Node(name="b")
node = a
for _ in range(30):
    node = tg.ops.tanh(tg.ops.add(tg.ops.multiply(node, b), a))
plan = engine.make_plan([node])
arrays, calls = trace(plan, (10,))
for _ in range(10):
    feed = {a: random.standard_normal(10), b: random.standard_normal(10)}
    values = engine.forward(plan, feed).values
    replayed = replay(plan, arrays, calls, feed)
    assert all(np.array_equal(v, r) for v, r in zip(values, replayed, strict=True))
ratio = cost(lambda: engine.forward(plan, feed)) / cost(lambda: replay(plan, arrays, calls, feed))
print(f"from its trace the forward pass is {ratio:.1f} times as fast")
