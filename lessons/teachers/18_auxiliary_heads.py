# %% [markdown]
# # Lesson 18: solutions of the exercises

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.runs import compared
from tinygrad_mo.learn import my_work

tg.use("numpy")
ours = my_work("auxiliary_heads")

digits = tg.data.load("digits")
pixels = digits.image.reshape(-1, 64) / np.float32(16)
labels = digits.digit.astype(int)
x, y = pixels[~digits.test], labels[~digits.test]
held_back_x, held_back_y = pixels[digits.test], labels[digits.test]
LOSS = tg.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(places, initializer="glorot_uniform", seed=0):
    """15 blocks, the main head, and an exit behind each of the places."""
    tg.set_random_seed(seed)
    h = picture = tg.Input((64,), name="picture")
    heads = []
    for k in range(1, 16):
        h = tg.layers.Dense(32, "relu", kernel_initializer=initializer, name=f"block_{k}")(h)
        if k in places:
            heads.append(tg.layers.Dense(10, name=f"exit_{k}")(h))
    return tg.Model(picture, [tg.layers.Dense(10, name="main")(h), *heads])


def targets(model, y):
    return dict.fromkeys(model.outputs, y)


def fitted(model, optimizer, weight, epochs, callbacks=()):
    """Every second digit, so that it takes seconds."""
    weights = {name: 1.0 if name == "main" else weight for name in model.outputs}
    if optimizer == "sgd":
        optimizer = tg.optimizers.SGD(0.02, momentum=0.9)
    model.compile(optimizer, LOSS, weights, metrics=["accuracy"])
    options = {"epochs": epochs, "batch_size": 32, "verbose": 0, "callbacks": list(callbacks)}
    model.fit(x[::2], targets(model, y[::2]), **options)
    return model


def accuracy(model):
    return float(np.mean(model.predict(held_back_x)[0].argmax(axis=-1) == held_back_y))


# %% [markdown]
# ## Exercise 1

# %%
SLOPE = 0.72
for places, weight in (((5, 10), 0.3), ((5, 10), 3.0), ((13, 14), 0.3)):
    model = network(places)
    weights = {name: 1.0 if name == "main" else weight for name in model.outputs}
    model.compile("sgd", LOSS, weights)
    flow = model.gradient_flow(held_back_x, targets(model, held_back_y))
    alone = {name: float(name == "main") for name in model.outputs}
    factor = flow.total("block_1") / flow.total("block_1", alone)
    exits = {15: 1.0} | dict.fromkeys(places, weight)
    forecast = ours.gradient_at_blocks(15, SLOPE, exits)[0] / SLOPE**14
    print(f"exits {places} with {weight}: factor {factor:.1f}, forecast {forecast:.1f}")
    assert (factor > 5) == (forecast > 5)

# %% [markdown]
# ## Exercise 2
#
# Here with half of the digits and eight epochs; the numbers of the lesson's size are better, the
# order of the two cures is what the intervals allow to say.

# %%
for optimizer, initializer in (("adam", "glorot_uniform"), ("sgd", "he_uniform")):
    gains = []
    for weight in (0.0, 0.3):
        models = (network((5, 10), initializer, seed) for seed in range(3))
        gains.append([accuracy(fitted(model, optimizer, weight, 8)) for model in models])
    print(optimizer, initializer, "gain by the exits:", compared(gains[1], gains[0]))

# %% [markdown]
# ## Exercise 3
#
# A linear layer on frozen numbers says how well they tell the classes apart.

# %%
trained = {w: fitted(network((5, 10)), "sgd", w, 12) for w in (0.0, 0.3)}
for weight, model in trained.items():
    body = tg.Model(model.inputs, model.outputs["exit_5"].step.inputs[0])
    seen, new = body.predict(x[::2]), body.predict(held_back_x)
    numbers = tg.Input((seen.shape[-1],), name="numbers")
    probe = tg.Model(numbers, tg.layers.Dense(10, name="digit")(numbers))
    probe.compile("adam", LOSS, metrics=["accuracy"])
    probe.fit(seen, y[::2], epochs=10, verbose=0)
    print(
        f"exits of weight {weight}: a probe is right in {probe.evaluate(new, held_back_y)[1]:.2f}"
    )

# %% [markdown]
# ## Exercise 4

# %%
model = trained[0.3]
main, early, _ = (np.asarray(out, np.float64) for out in model.predict(held_back_x))
chances = np.exp(early - early.max(axis=-1, keepdims=True))
chances /= chances.sum(axis=-1, keepdims=True)
for limit in (0.5, 0.9, 1.1):
    leaves = chances.max(axis=-1) > limit
    answer = np.where(leaves, early.argmax(axis=-1), main.argmax(axis=-1))
    right = np.mean(answer == held_back_y)
    print(f"limit {limit}: {leaves.mean():.0%} leave early, {right:.2f} are right")
assert right == accuracy(model) and not leaves.any()

# %% [markdown]
# ## Exercise 5 (long)


# %%
def slowly(epoch, weights):
    return {name: 0.3 * (1 - epoch / 11) for name in weights if name != "main"}


scores = {}
for name, callbacks in (("0.3", []), ("slowly to 0", [tg.callbacks.LossWeightScheduler(slowly)])):
    scores[name] = [
        accuracy(
            fitted(
                network((5, 10), seed=seed),
                "sgd",
                0.3,
                12,
                callbacks,
            )
        )
        for seed in (0, 1, 2)
    ]
    print(f"{name:<12}", *(f"{score:.2f}" for score in scores[name]))
print("slowly against 0.3:", compared(scores["slowly to 0"], scores["0.3"]))
assert min(scores["0.3"]) > 0.1
