# %% [markdown]
# # Lesson 6: Layers are functions. Solutions of the exercises (for teachers)

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work

tg.use("numpy")
lesson = my_work("layers_are_functions")

cars = tg.data.load("cars")
names = ["mileage", "cylinders", "doors", "cruise", "sound", "leather"]
raw = np.column_stack([*[getattr(cars, name) for name in names], np.eye(6)[cars.make]])
price = cars.price.reshape(-1, 1) / 10_000
known, exam = ~cars.test, cars.test
table = (raw - raw[known].mean(axis=0)) / raw[known].std(axis=0)


def wrong_by(answer, of):
    return float(np.abs(answer - price[of]).mean()) * 10_000


def one_layer(table, rate=0.1, steps=200):
    """The losses of the single layer, and by how many dollars it is wrong."""
    kernel, bias = tg.Parameter(np.zeros((table.shape[1], 1)), "k"), tg.Parameter(np.zeros(1), "b")
    x, true = tg.Tensor(table[known]), tg.Tensor(price[known])
    losses = lesson.train(
        lambda x: lesson.dense(x, kernel, bias), [kernel, bias], x, true, rate, steps
    )
    return losses, wrong_by(lesson.dense(tg.Tensor(table[exam]), kernel, bias).numpy(), exam)


# %% [markdown]
# ## Exercise 1
#
# There is no chance in it: the weights start at zero, and each step sees all cars. Mind the words:
# "leaving it out costs" is not "it has no influence". What one column knows, others may know, too.

# %%
columns = {name: [k] for k, name in enumerate(names)} | {"maker": [6, 7, 8, 9, 10, 11]}
costs = {"nothing": one_layer(table)[1]}
for name, left_out in columns.items():
    costs[name] = one_layer(np.delete(table, left_out, axis=1))[1]
for name, dollars in costs.items():
    print(f"without {name:<10}{dollars:>7,.0f} dollars")
assert max(costs, key=costs.get) == "maker" and one_layer(table)[1] == costs["nothing"]

# %% [markdown]
# ## Exercise 2
#
# The mileage is about 20,000, everything else is below 10. Its slope is so steep that the rate must
# be tiny, and for all other columns a tiny rate is no step at all.

# %%
falls = {}
with np.errstate(all="ignore"):
    for power in range(-1, -13, -1):
        losses, _ = one_layer(raw, rate=10.0**power)
        falls[power] = losses[-1] if losses[-1] < losses[0] else None
print({f"1e{power}": loss and round(loss, 3) for power, loss in falls.items()})
best = max(power for power, loss in falls.items() if loss is not None)
print(f"largest rate that works: 1e{best}; loss {falls[best]:.2f}, with scaling ", end="")
print(f"{one_layer(table)[0][-1]:.2f}")
assert falls[-1] is None and falls[best] > 5 * one_layer(table)[0][-1]

# %% [markdown]
# ## Exercise 3
#
# The exam is looked at once, at the end. With three seeds and the spread beside the mean one sees
# which differences are larger than chance, and which are not.

# %%
rows = np.flatnonzero(known)
aside, learn = rows[::4], np.delete(rows, slice(None, None, 4))


def chain_of(units, seed, on):
    tg.set_random_seed(seed)
    layers = [tg.layers.Dense(units, activation="tanh"), tg.layers.Dense(1)]
    x, true = tg.Tensor(table[on]), tg.Tensor(price[on])
    lesson.run_chain(layers, x)
    weights = [w for layer in layers for w in layer.weights]
    lesson.train(lambda x: lesson.run_chain(layers, x), weights, x, true, 0.1, 300)
    return lambda of: wrong_by(lesson.run_chain(layers, tg.Tensor(table[of])).numpy(), of)


means = {}
for units in (1, 4, 16):
    scores = [chain_of(units, seed, learn)(aside) for seed in (0, 1, 2)]
    means[units] = np.mean(scores)
    spread = max(scores) - min(scores)
    print(f"{units:>2} units: {means[units]:,.0f} dollars, spread {spread:,.0f}, on cars put aside")
chosen = min(means, key=means.get)
print(f"chosen: {chosen} units. On the exam: {chain_of(chosen, 0, learn)(exam):,.0f} dollars")

# %% [markdown]
# ## Exercise 4 (long)
#
# The last batch is smaller: 643 cars are 20 batches of 32 and one of 3. As in `fit`, the loss of a
# batch is the mean over its own cars.


# %%
class MyDense:
    def __init__(self, units, activation=None):
        self.units, self.activation, self.weights = units, activation, []

    def __call__(self, x):
        if not self.weights:
            shape = (x.shape[-1], self.units)
            limit = np.sqrt(6 / sum(shape))
            start = np.random.default_rng(0).uniform(-limit, limit, shape)
            self.weights = [tg.Parameter(start, "kernel"), tg.Parameter(np.zeros(self.units), "b")]
        y = lesson.dense(x, *self.weights)
        return y if self.activation is None else self.activation(y)


def my_fit(answer, weights, x, y, rate, epochs, batch=32):
    for _ in range(epochs):
        for first in range(0, len(x), batch):
            its_x, its_y = tg.Tensor(x[first : first + batch]), tg.Tensor(y[first : first + batch])
            lesson.train(answer, weights, its_x, its_y, rate, 1)


straight, bend, correct = MyDense(1), MyDense(16, tg.ops.tanh), MyDense(1)
answer = lambda x: straight(x) + correct(bend(x))
answer(tg.Tensor(table[:2]))  # makes the weights
mine = [w for layer in (straight, bend, correct) for w in layer.weights]

car = tg.Input((12,), name="car")
theirs = [tg.layers.Dense(1), tg.layers.Dense(16, activation="tanh"), tg.layers.Dense(1)]
model = tg.Model(car, theirs[0](car) + theirs[2](theirs[1](car)))
pairs = list(zip(mine, [w for layer in theirs for w in layer.weights], strict=True))
for w, their_w in pairs:
    their_w.assign(w.value)
my_fit(answer, mine, table[known], price[known], rate=0.02, epochs=20)
model.compile(tg.optimizers.SGD(learning_rate=0.02), loss="mean_squared_error")
model.fit(table[known], price[known], epochs=20, shuffle=False, verbose=0)
gap = max(np.abs(w.value - their_w.value).max() for w, their_w in pairs)
print(f"after 20 epochs the largest difference of a weight is {gap:.0e}")
assert gap < 1e-4
