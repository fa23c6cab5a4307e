# %% [markdown]
# # Solutions to the exercises of lesson 27

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work

lesson = my_work("freezing_and_fine_tuning")
digits = tg.data.load("digits")
pixels, digit = digits.image.reshape(-1, 64) / np.float32(16), digits.digit.astype(int)
loop = np.isin(digit, [0, 6, 8, 9]) * 1.0
known = np.random.default_rng(0).permutation(np.flatnonzero(~digits.test))
first_team, second_team, held_back = known[:1000], known[1000:], np.flatnonzero(digits.test)


def trained(seed=0):
    tg.set_random_seed(seed)
    model = lesson.network()
    model.compile(tg.optimizers.Adam(0.01), lesson.LOSSES["main"])
    model.fit(pixels[first_team], digit[first_team], epochs=6, verbose=0)
    return model


def right(model):
    main, aux = model.predict(pixels[held_back])
    found = main.argmax(axis=1) == digit[held_back], (aux[:, 0] > 0) == loop[held_back]
    return [float(np.mean(one)) for one in found]


def show(name, scores):
    mean, spread = np.mean(scores, axis=0), np.std(scores, axis=0, ddof=1)
    print(f"{name:<22} main, aux: {mean.round(2)} +- {spread.round(2)}")


# %% [markdown]
# ## Exercise 1
#
# The layer `body` is called twice: for `main` with an open way, for `aux` with a closed one. Only
# `first` has no path from `aux`. So `aux` can hurt `main`: it moves `body`.

# %%
base = trained()
h = base.get_layer("body")(tg.stop_gradient(base.get_output("first")))
model = tg.Model(base.inputs, [base.outputs["main"], tg.layers.Dense(1, name="aux")(h)])
model.compile("sgd", lesson.LOSSES)
labels = {"main": digit[second_team], "aux": loop[second_team]}
flow = model.gradient_flow(pixels[second_team], labels)
print(flow.table())
assert not flow.reaches("aux", "first") and flow.reaches("aux", "body")
assert flow.reaches("main", "first") and flow.reaches("main", "body")

# %% [markdown]
# ## Exercise 2
#
# Adam keeps a running mean of the gradients (0.9 of the old in each step). After 20 gradients of 1
# it is nearly 1, and it takes some steps of -1 until it is below 0.

# %%
for fresh in (False, True):
    adam, w = tg.optimizers.Adam(0.1), tg.Parameter([0.0], "w")
    path = []
    for gradient in [1.0] * 20 + [-1.0] * 10:  # frozen steps change neither weight nor memory
        if fresh and gradient == -1.0 and len(path) == 20:
            adam = tg.optimizers.Adam(0.1)
        adam.apply({w: np.array([gradient])})
        path.append(float(w.numpy()[0]))
    wrong = int((np.diff(path[19:]) < 0).sum())
    print(f"new optimizer: {fresh}; steps in the wrong direction after the thaw: {wrong}")
    assert (wrong == 0) == fresh and wrong < 10

# %% [markdown]
# ## Exercise 3
#
# A smaller rate hurts `main` less, and helps `aux` less in the same number of steps.

# %%
table = {}
for rate in (0.01, 0.001):
    for seed in range(3):
        model = lesson.with_aux(trained(seed), closed=False)
        aux = model.without("main")
        aux.compile(tg.optimizers.Adam(rate), lesson.LOSSES["aux"])
        rows = np.random.default_rng(seed).permutation(second_team)[:400]
        aux.fit(pixels[rows], loop[rows], epochs=10, verbose=0)
        table.setdefault(rate, []).append(right(model))
    show(f"fine-tuned, rate {rate}", table[rate])

# %% [markdown]
# ## Exercise 4 (long)
#
# Both tasks in one training: a sample has one of the two labels. Nothing is forgotten, because
# `main` is still asked. Here it is even better than before: it has had more steps.

# %%
for seed in range(3):
    model = lesson.with_aux(trained(seed), closed=False)
    model.compile(tg.optimizers.Adam(0.01), lesson.LOSSES)
    rows = np.random.default_rng(seed).permutation(second_team)[:400]
    both = np.concatenate([first_team, rows])
    is_first = np.arange(len(both)) < len(first_team)
    labels = {
        "main": np.where(is_first, digit[both], np.nan),
        "aux": np.where(is_first, np.nan, loop[both]),
    }
    model.fit(pixels[both], labels, epochs=6, verbose=0)
    table.setdefault("both", []).append(right(model))
show("both at once", table["both"])
before, careful, both = (np.array(table[key]) for key in (0.01, 0.001, "both"))
assert (both - before)[:, 0].min() > 0.1 and abs((both - before)[:, 1].mean()) < 0.05
assert (careful - before)[:, 0].mean() > 0 > (careful - before)[:, 1].mean()
