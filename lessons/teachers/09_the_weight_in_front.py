# %% [markdown]
# # Lesson 9: The weight in front of a loss. Solutions of the exercises (for teachers)

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work, picture
from tinygrad_mo.systems import headlines

lesson, engine = my_work("the_weight_in_front"), my_work("the_engine")

# %% [markdown]
# ## Exercise 1
#
# The new loss is heard in length, dense_2, dense_1, concatenate, lstm and embedding: of the five
# lengths of the lesson, its weight changes those of embedding, lstm and dense_1. It is not heard in
# dense_3, main_output and aux_output.

# %%
arrows = [*lesson.ARROWS, ("dense_2", "length"), ("length", "loss of length")]
heard = lesson.who_trains(arrows, ["main", "aux", "loss of length"])
for box, losses in heard.items():
    print(f"{box:<15}", ", ".join(sorted(losses)))
assert {"loss of length"} == heard["length"] and "loss of length" not in heard["dense_3"]

tg.set_random_seed(0)
title, numbers = tg.Input((6,), name="title"), tg.Input((5,), name="numbers")
x = tg.layers.Dense(8, activation="tanh", name="embedding")(title)
read = tg.layers.Dense(8, activation="tanh", name="lstm")(x)
aux = tg.layers.Dense(1, name="aux_output")(read)
x = tg.layers.concatenate([read, numbers], name="concatenate")
x = tg.layers.Dense(8, activation="tanh", name="dense_1")(x)
x = tg.layers.Dense(8, activation="tanh", name="dense_2")(x)
length = tg.layers.Dense(1, name="length")(x)
x = tg.layers.Dense(8, activation="tanh", name="dense_3")(x)
main = tg.layers.Dense(1, name="main_output")(x)
model = tg.Model([title, numbers], [main, aux, length])
model.compile("sgd", "mse")
random = np.random.default_rng(0)
inputs = [random.standard_normal((16, 6)), random.standard_normal((16, 5))]
flow = model.gradient_flow(inputs, [random.standard_normal((16, 1)) for _ in range(3)])
names = {"main_output": "main", "aux_output": "aux", "length": "loss of length"}
for layer in model.layers:
    if layer.weights:
        for loss in flow.losses:
            assert flow.reaches(loss, layer.name) == (names[loss] in heard[layer.name])

# %% [markdown]
# ## Exercise 2
#
# kernel lies before the fork (neither), main_kernel hears main alone (the same, to the last bit),
# aux_kernel hears aux alone (ten times).

# %%
fed = [engine.Node(name=name) for name in engine.NAMES]
losses = engine.two_losses(*fed)
plan = engine.make_plan(losses)
SHAPES = [(8, 3), (3, 4), (4,), (4, 1), (4, 1), (8, 1)]
arrays = [random.standard_normal(shape) for shape in SHAPES]
tape = engine.forward(plan, dict(zip(fed, arrays, strict=True)))


def gradients(weight):
    seeds = [None] * len(plan.ops)
    seeds[plan.slots[losses[0]]], seeds[plan.slots[losses[1]]] = np.ones(1), np.array([weight])
    return engine.backward(plan, tape, seeds)


low, high = gradients(0.2), gradients(2.0)
for node in (fed[1], fed[3], fed[4]):
    slot = plan.slots[node]
    print(f"{node.name:<12}{np.linalg.norm(high[slot]) / np.linalg.norm(low[slot]):>8.4f}")
assert np.array_equal(low[plan.slots[fed[3]]], high[plan.slots[fed[3]]])
assert np.allclose(high[plan.slots[fed[4]]], 10 * low[plan.slots[fed[4]]], rtol=1e-12)

# %% [markdown]
# ## Exercise 3
#
# weight * |gradient of aux| = 1.0 * |gradient of main|, so weight = |main| / |aux|. The length of
# the sum is no straight line: it is the length of main + weight * aux, two arrows with an angle
# between them. For a large weight aux outweighs main, and the curve goes on with the slope |aux|.

# %%
art = headlines.load(length=10, vocabulary=2_000)  # titles of ten words: quick
tg.set_random_seed(0)
model = headlines.build(length=10, vocabulary=2_000, width=8, units=8)
model.compile("rmsprop", "binary_crossentropy", headlines.WEIGHTS)
model.fit(art.x, art.y, epochs=1, verbose=0)
flow = model.gradient_flow(*art.some(128))
of_main, of_aux = (flow.norm(loss, "lstm") for loss in ("main_output", "aux_output"))
balance = of_main / of_aux
print(f"both are equal at weight {balance:.3f}: {of_main:.4f} and {balance * of_aux:.4f}")
weights = np.linspace(0, 10, 20)
lengths = [flow.total("lstm", {"aux_output": weight}) for weight in weights]
slope = (flow.total("lstm", {"aux_output": 1001.0}) - flow.total("lstm", {"aux_output": 1e3})) / 1.0
print(f"slope far out {slope:.4f}, length of aux {of_aux:.4f}")
assert abs(slope / of_aux - 1) < 1e-3
picture("exercise09.png", lambda figure: figure.subplots().plot(weights, lengths, "o-"))

# %% [markdown]
# ## Exercise 4 (long)
#
# Three trainings for each weight. The seeds decide the weights at the start and the order of the
# works. Look at the spread before you believe a difference.

# %%
table = {}
for weight in (0.0, 0.2, 2.0):
    for seed in (0, 1, 2):
        tg.set_random_seed(seed)
        model = headlines.build(length=10, vocabulary=2_000, width=8, units=8)
        mixture = {"main_output": 1.0, "aux_output": weight}
        model.compile("rmsprop", "binary_crossentropy", mixture, metrics="accuracy")
        model.fit(art.x, art.y, epochs=2, verbose=0)
        scores = model.evaluate(art.held_back_x, art.held_back_y, return_dict=True)
        table.setdefault(weight, []).append(scores["main_output_accuracy"])
print("aux weight   accuracy of main: mean, spread")
for weight, scores in table.items():
    print(f"{weight:<13}{np.mean(scores):.1%}, {max(scores) - min(scores):.1%}")
spread = max(max(scores) - min(scores) for scores in table.values())
for weight in (0.2, 2.0):
    gain = np.mean(table[weight]) - np.mean(table[0.0])
    seen = "larger" if abs(gain) > spread else "not larger"
    print(f"{weight} instead of 0 gives {gain:+.1%}: {seen} than the spread of {spread:.1%}")
