# %% [markdown]
# # Lesson 6: Layers are functions
#
# At the end you know: what a layer is, what happens in one step of training, and why we write
# `layer(x)` and not a list of layers. And you have trained a network on real data, with an honest
# score.
#
# You need: `tg.Tensor` and `tg.gradients` (lesson 2), arrays and broadcasting (lesson 4), and at
# one place your engine (lesson 5).

# %% [markdown]
# ## Question: what does a used car cost?
#
# The package ships the prices of 804 used cars. What you know of a car is a row of 12 numbers: six
# of them are mileage, cylinders, doors, cruise control (0 or 1), sound system (0 or 1) and leather
# seats (0 or 1). The other six say who made it: a 1 for its maker, 0 for the five others.
#
# About every fifth car is marked as *held back*. Training never sees these cars. They are the
# exam.

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.learn import my_work, picture  # what you have written; draws into a file

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

cars = tg.data.load("cars")
six = [cars.mileage, cars.cylinders, cars.doors, cars.cruise, cars.sound, cars.leather]
maker = np.eye(6)[cars.make]  # row i of np.eye(6) has its 1 at place i
table = np.column_stack([*six, maker])
price = cars.price.reshape(-1, 1) / 10_000  # in units of 10,000 dollars

known, exam = ~cars.test, cars.test  # ~ means: not
table = (table - table[known].mean(axis=0)) / table[known].std(axis=0)
print("training:", table[known].shape, " held back:", table[exam].shape)
print("the first car is a", cars.make_names[cars.make[0]], "and costs", cars.price[0], "dollars")
assert table[known].shape == (643, 12) and table[exam].shape == (161, 12)

# %% [markdown]
# The line with `mean` and `std` brings all columns to the same scale. Mean and spread come from
# the training cars alone. Nothing of the exam may get into the training, not even through a mean.
#
# ## First: a score to beat
#
# Somebody who has never seen the car answers with the same number each time. If one counts by how
# many dollars the answers are wrong on average, the best such number is the *median* of the
# training prices: half of the prices are below it, and half above. A network is worth its name only
# if it is better.
#
# **Before you run the next cell, write down:** by how many dollars will this answer be wrong, on
# average?


# %%
def dollars(answer):
    """How far the answers for the held-back cars are from the true prices, on average."""
    return float(np.abs(answer - price[exam]).mean()) * 10_000


baseline = dollars(np.median(price[known]))
print(f"always the same answer: wrong by {baseline:,.0f} dollars")
assert 6_900 < baseline < 7_100

# %% [markdown]
# About 7,000 dollars. Remember this number.
#
# ## A layer is a function with weights
#
# The commonest layer is called *dense*. It has two arrays of weights:
#
# - the *kernel*, of shape (inputs, units),
# - the *bias*, of shape (units,).
#
# A *unit* is one number that the layer makes. Each unit multiplies every input by a weight, adds
# all of that up, and adds its bias. For a whole table of cars at once this is one matrix product,
# in Python the sign `@`: row i of `x @ kernel` belongs to car i. The bias is added by
# broadcasting.
#
# **Your turn.** Three tensors come in. Give back one tensor.


# %%
def dense(x, kernel, bias):
    # YOUR TURN: the value of a dense layer. x is (cars, inputs), the result is (cars, units).
    raise NotImplementedError("YOUR TURN")


# %%
x = tg.Tensor([[1.0, 2.0], [3.0, 4.0]])  # two cars, two inputs
kernel, bias = tg.Tensor([[10.0], [1.0]]), tg.Tensor([0.5])  # one unit
print(dense(x, kernel, bias).numpy())
assert dense(x, kernel, bias).numpy().tolist() == [[12.5], [34.5]]

# %% [markdown]
# For the first car: 10 * 1 + 1 * 2 + 0.5 = 12.5. (If shapes do not fit, the error is long, because
# it shows the inside of the library, too. Read it from its end: the last lines say which shapes
# met, and where in your file.)
#
# ## One step of training
#
# The *loss* says how wrong the answers are: the mean of the squared errors. Its gradient says, for
# each weight, in which direction the loss grows. So each weight takes a small step the other way:
#
#     new value = old value - rate * gradient
#
# The rate is a small number that you choose. A weight is a `tg.Parameter`: a tensor whose value
# may be replaced. `w.value` is its array, `w.assign(array)` gives it a new one.
#
# **Your turn.** `gradients[i]` belongs to `weights[i]`.


# %%
def step(weights, gradients, rate):
    # YOUR TURN: give each weight its new value, with assign. Nothing is returned.
    raise NotImplementedError("YOUR TURN")


# %%
w = tg.Parameter(np.array([1.0, 2.0]), "w")
step([w], [np.array([10.0, -10.0])], rate=0.1)
print(w.value)
assert w.value.tolist() == [0.0, 3.0]

# %% [markdown]
# A positive gradient pushes the weight down, a negative one pushes it up. This is all of *plain
# gradient descent*, also called SGD.
#
# ## The loop
#
# Training is a loop around this step. In each round, the network answers for all cars; the loss is
# computed from the answers and the true prices; `tg.gradients(loss, weights)` finds the gradients;
# and `step` uses them. Keep the loss of each round, as a plain number, to look at it later.
#
# **Your turn.** `answer` is a function: `answer(x)` are the answers for the tensor x.


# %%
def train(answer, weights, x, true, rate, steps):
    """Steps of plain gradient descent; returns the list of the losses, each before its step."""
    # YOUR TURN: 5 to 8 lines. The loss is the mean of the squares of answer(x) - true. Tensors have
    # .mean(), and float(loss) is a plain number.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# ## The first training run
#
# One dense layer with one unit: 12 inputs in, one price out.
#
# **Before you run the next cell, write down:** how many numbers does this layer have to learn? And
# does one layer beat 7,000 dollars?

# %%
cars_x, cars_y = tg.Tensor(table[known]), tg.Tensor(price[known])
kernel = tg.Parameter(np.zeros((12, 1)), "kernel")
bias = tg.Parameter(np.zeros(1), "bias")
print("numbers to learn:", kernel.value.size + bias.value.size)
one_layer_losses = train(
    lambda x: dense(x, kernel, bias), [kernel, bias], cars_x, cars_y, rate=0.1, steps=200
)
one_layer = dense(tg.Tensor(table[exam]), kernel, bias).numpy()
print(f"loss: first {one_layer_losses[0]:.2f}, last {one_layer_losses[-1]:.2f}")
print(f"one layer: wrong by {dollars(one_layer):,.0f} dollars")
assert kernel.value.size + bias.value.size == 13
assert 2_500 < dollars(one_layer) < 2_900

# %% [markdown]
# 13 numbers, and the error falls below 3,000 dollars, on cars that were never shown in training.
#
# Does your own engine do that, too? Nodes and a plan, as in lesson 5: the plan is made once, and
# runs 200 times. `my_work` brings the functions that you have written there.

# %%
engine = my_work("the_engine")
x, true, k, b = [engine.Node(name=name) for name in ("x", "true", "kernel", "bias")]
error = ops.subtract(ops.add(ops.matmul(x, k), b), true)
loss = ops.mean(ops.multiply(error, error))
plan = engine.make_plan([loss])
now = {x: table[known], true: price[known], k: np.zeros((12, 1)), b: np.zeros(1)}
for _ in range(200):
    tape = engine.forward(plan, now)
    g = engine.backward(plan, tape, engine.seed_rows(plan, [loss]))
    now |= {node: now[node] - 0.1 * g[plan.slots[node]][0] for node in (k, b)}  # |= replaces these
own, theirs = tape.values[plan.slots[loss]], one_layer_losses[-1]
print(f"last loss on your engine {own:.6f}, with tensors {theirs:.6f}")
assert np.isclose(own, theirs, rtol=1e-4)

# %% [markdown]
# The same. Your engine wants the whole graph first and then runs it; tensors compute at once, and
# remember. That is convenient, so we go on with tensors.
#
# ## Break it: a rate that is too large
#
# What happens to the loss with a rate of 0.5, five times as large? A guess is welcome.


# %%
def my_prediction():
    # YOUR TURN: return "falls faster", "falls, then grows" or "grows at once".
    raise NotImplementedError("YOUR TURN")


# %%
k, b = tg.Parameter(np.zeros((12, 1)), "k"), tg.Parameter(np.zeros(1), "b")
too_fast = train(lambda x: dense(x, k, b), [k, b], cars_x, cars_y, rate=0.5, steps=40)
print([f"{loss:.1f}" for loss in too_fast[::3]])
print(f"you said: {my_prediction()}; it falls, then grows")
assert min(too_fast) < too_fast[0] / 2 and too_fast[-1] > 100 * too_fast[0]

# %% [markdown]
# It falls at first, and then it grows without end. Think of a valley. The step goes downhill, but
# it is so long that it lands on the other side, higher than before. There the slope is steeper, so
# the next step is longer still. With 13 weights there are many directions, and some are steeper
# than others. It is enough that the step is too long in one of them.
#
# ## The same layer from the library
#
# `tg.layers.Dense(1)` is your function together with its two weights. It does not ask how wide the
# input is: it makes its weights at the first call, when it sees the input.
#
# **Before you run the next cell, write down:** the layer is called twice. How many weight arrays
# does it have then, two or four?

# %%
x = tg.Tensor(table[exam])
layer = tg.layers.Dense(1)
print("before the first call:", layer.weights)
layer(x)
layer(x)
print("after two calls:", [w.name for w in layer.weights])
assert len(layer.weights) == 2

layer.kernel.assign(kernel.value)
layer.bias.assign(bias.value)
print("the same answers as yours:", np.allclose(layer(x).numpy(), one_layer))
assert np.allclose(layer(x).numpy(), one_layer)

# %% [markdown]
# Two. A layer is a function: calling it again uses the same weights again. Lesson 14 is about
# this.
#
# ## A chain of layers
#
# One dense layer can only say: each mile takes off the same amount, whoever made the car. To bend
# the straight line, put a layer in front whose units are squeezed by `tanh`, a curve between -1
# and 1. The output of the first layer is the input of the second.
#
# **Your turn.** Send `x` through the layers, one after the other, and return what comes out.


# %%
def run_chain(layers, x):
    # YOUR TURN: the output of each layer is the input of the next.
    raise NotImplementedError("YOUR TURN")


# %%
tg.set_random_seed(0)  # weights start at random; the seed makes them the same each time
chain = [tg.layers.Dense(16, activation="tanh"), tg.layers.Dense(1)]
run_chain(chain, cars_x)  # the first call makes the weights
weights = [w for layer in chain for w in layer.weights]
chain_losses = train(lambda x: run_chain(chain, x), weights, cars_x, cars_y, rate=0.2, steps=300)
two_layers = run_chain(chain, tg.Tensor(table[exam])).numpy()
print("shapes of the weights:", [w.shape for w in weights])
print(f"two layers: wrong by {dollars(two_layers):,.0f} dollars")
assert [w.shape for w in weights] == [(12, 16), (16,), (16, 1), (1,)]
assert dollars(two_layers) < 2_200 < dollars(one_layer)


# %%
def draw(figure):
    left, right = figure.subplots(1, 2)
    left.plot(one_layer_losses, label="one layer")
    left.plot(chain_losses, label="two layers")
    left.set(xlabel="step", ylabel="loss on the training cars", yscale="log")
    left.legend()
    right.plot([0, 7], [0, 7], color="lightgray")
    right.scatter(price[exam], one_layer, s=9, label="one layer")
    right.scatter(price[exam], two_layers, s=9, label="two layers")
    right.set(xlabel="true price (10,000 dollars)", ylabel="answer", title="held-back cars")
    right.legend()


picture("lesson06.png", draw, size=(9, 4))

# %% [markdown]
# On the gray line the answer is the true price.
#
# ## What a chain cannot do
#
# A list has one next element. So in a list of layers each value is used once, by the next layer.
# But the graphs of lesson 3 had forks: one value, two users. With functions you write a fork by
# giving a value a name and using the name twice:
#
#     x ----> straight ------------> (+) ----> price
#      \                             /
#       -----> bend ----> correct --
#
# `straight` answers like your first layer, and the other branch corrects it. No list of layers can
# say this, because `x` goes to two of them. Python variables say it without any new rule.

# %%
tg.set_random_seed(0)
straight = tg.layers.Dense(1, name="straight")
bend = tg.layers.Dense(16, activation="tanh", name="bend")
correct = tg.layers.Dense(1, name="correct")


def network(x):
    return straight(x) + correct(bend(x))


print(network(tg.Tensor(table[:2])).numpy())

# %% [markdown]
# The function also takes a tensor without a value: `tg.Input((12,))` stands for "12 numbers per
# car, which come later". Nothing is computed then, but the graph is written down. `tg.Model` keeps
# it, and its `fit` runs your loop: forward, loss, gradients, step.
#
# There is one difference. You made each step with all 643 cars. `fit` takes 32 at a time, a
# *batch*. When all cars have had their turn, one *epoch* is over.

# %%
car = tg.Input((12,), name="car")
model = tg.Model(car, network(car))
model.compile(tg.optimizers.SGD(learning_rate=0.02), loss="mean_squared_error")
model.fit(table[known], price[known], epochs=100, verbose=0)
with_fork = model.predict(table[exam])
print(f"with a fork: wrong by {dollars(with_fork):,.0f} dollars")
assert dollars(with_fork) < 2_300

# %%
answers = {"one layer": one_layer, "two layers": two_layers, "with a fork": with_fork}
print(f"{'always the same answer':<24}{baseline:>7,.0f} dollars")
for name, answer in answers.items():
    print(f"{name:<24}{dollars(answer):>7,.0f} dollars")
assert max(dollars(two_layers), dollars(with_fork)) < dollars(one_layer) < baseline / 2

# %% [markdown]
# Both networks beat the single layer, and the single layer beats the baseline by far. The fork was
# here to show the wiring, not to win. And if you now chose the better of the two networks by these
# scores, the exam would become a part of the training. To choose, one holds back a second set of
# cars.
#
# ## What you now know
#
# - A layer is a function with weights. Dense is `x @ kernel + bias`.
# - A step of training is: value minus rate times gradient, for every weight.
# - A score means something only on held-back data, and only beside a baseline.
# - Layers are wired by calling them. A chain is a special case; a fork needs a name, nothing more.
#
# ## Exercises
#
# No check looks at these; each says how you see that you are right. In a file of your own,
# `my_work("layers_are_functions")` gives you the functions of this lesson.
#
# 1. *What matters?* Train the single layer without the column of the mileage, then without
#    cylinders, and so on, and once without all six columns of the maker. Print by how many dollars
#    each answer is wrong. Right if the table is the same in each run (why is there no chance in
#    it?), and if leaving out the maker costs most.
# 2. *Without scaling.* Leave the line with `mean` and `std` out. What does a rate of 0.1 do now?
#    Try the rates 1e-1, 1e-2, ... 1e-12, and look for the largest with which the loss is smaller
#    after 200 steps than before. Right if even with this rate it stays far above that of the
#    lesson. Which column is to blame?
# 3. *How many units?* Put every fourth training car aside, to choose with. Train the chain with 1,
#    4 and 16 units, from the seeds 0, 1 and 2, and choose by the mean on the cars put aside. Only
#    then look at the exam, once. Right if your table has the spread (largest minus smallest) beside
#    each mean, and if your reason for the choice is honest about it.
# 4. *(long)* *Your own layer and your own fit.* Write a class `MyDense(units, activation)` that
#    makes its weights at the first call, and a function `my_fit` with epochs and batches of 32 cars
#    in their order. Train the network with the fork. Right if, from the same weights at the start,
#    it ends with the weights of `model.fit(..., shuffle=False)`, to 4 digits.
#
# Next: lesson 7. How does a network answer a question with yes or no, and what is its loss?
