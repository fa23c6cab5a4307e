# %% [markdown]
# # Exam questions, with solutions
#
# For teachers. Sixteen questions for paper and pencil, 100 points, by our estimate 150 minutes;
# six of them make a test of an hour. A pocket calculator is enough. The cell below each solution
# computes its numbers, so you can change a question and see its new answer.
#
# Whoever has filled the holes of the lessons can answer them; nobody can answer them by knowing
# the names of functions.

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import layers, ops

tg.use("numpy", floatx="float64")

# %% [markdown]
# ## Question 1: a chain (lessons 1 and 2; 5 points)
#
# L = (3 x + 1)^2. Write the two operations with their pullbacks. Which numbers do they send back,
# if x is 2 and the sweep starts with 1?
#
# **Solution.** u = 3 x + 1 = 7, L = u^2 = 49. The pullback of the square sends 1 * 2 u = 14 back,
# that of the first operation 14 * 3 = 42. (2 points for the pullbacks, 2 for 14, 1 for 42.)

# %%
x = tg.Tensor(2.0)
u = 3 * x + 1
g = tg.gradients(ops.square(u), [u, x])
print("sent back:", float(g[0]), float(g[1]))
assert [float(each) for each in g] == [14, 42]

# %% [markdown]
# ## Question 2: a fork in a fork (lesson 3; 7 points)
#
# a = x^2, b = 3 a, c = a + b, L = c * a. Draw the graph. Which values have more than one user?
# What is the gradient of x at x = 2, and in which order must a sweep visit a, b and c?
#
# **Solution.** a has three users: b, c and L. Every user must have sent its part before a sends
# its own on, so the order is L, c, b, a. From L: a gets c = 16, c gets a = 4. From c: a gets 4, b
# gets 4. From b: a gets 12. Sum at a: 32. x gets 32 * 2 x = 128. (L is 4 x^4, whose slope is 16
# x^3 = 128.) A sweep that goes on as soon as the first part, 16, has arrived makes 64.

# %%
x = tg.Tensor(2.0)
a = ops.square(x)
c = a + 3 * a
at_a, at_x = tg.gradients(c * a, [a, x])
print("at a:", float(at_a), " at x:", float(at_x))
assert at_a == 32 and at_x == 16 * 2**3

# %% [markdown]
# ## Question 3: shapes (lesson 4; 6 points)
#
# y = s * x + b, where x has the shape (32, 5), b the shape (5,), and s is a single number. The
# gradient g of y has the shape (32, 5). Write the gradients of s and b. A student forgets one
# sum, and the gradient of b has the shape (32, 5). What happens in `b = b - 0.1 * gradient`, and
# why is that worse than an error?
#
# **Solution.** s: the sum of g * x over both axes, a single number. b: the sum of g over the 32
# rows, shape (5,). With the sum forgotten, NumPy stretches b: the new b has the shape (32, 5),
# every row of the batch has a bias of its own, and nobody is told.

# %%
x, s, b = (tg.Tensor(np.ones(shape)) for shape in [(32, 5), (), (5,)])
g = np.arange(160.0).reshape(32, 5)
at_s, at_b = tg.gradients(ops.sum(ops.multiply(s * x + b, g)), [s, b])
assert at_s == (g * x.value).sum() and np.array_equal(at_b, g.sum(axis=0))
assert (b.value - 0.1 * g).shape == (32, 5)  # no error

# %% [markdown]
# ## Question 4: read a plan (lesson 5; 6 points)
#
#     slot  operation  inputs          slot  operation  inputs
#     0     x (fed)    -               4     multiply   (3, 2)
#     1     v (fed)    -               5     mean       (4,)    <- first loss
#     2     w (fed)    -               6     mean       (3,)    <- second loss
#     3     multiply   (0, 1)
#
# Two rows are carried. Which seeds does the sweep start with? Which fed slots get a gradient from
# the second loss? What does your engine say for the others, and why is "0" not the whole truth?
#
# **Solution.** [1, 0] at slot 5 and [0, 1] at slot 6. The second loss reaches slot 3, and from
# there x and v; it does not reach w. Your engine says 0 in row 1 of w. It would say 0, too, if
# there were a path on which the gradient happens to be 0. The first is a fact of the graph, the
# second one of the numbers; the library says None for the first.

# %%
x, v, w = (tg.Tensor([2.0, 3.0]) for _ in range(3))
hidden = x * v
rows = tg.gradients([ops.mean(hidden * w), ops.mean(hidden)], [x, v, w], per_loss=True)
print("paths from the second loss:", [row[1] is not None for row in rows])
assert [row[1] is not None for row in rows] == [True, True, False]

# %% [markdown]
# ## Question 5: cross-entropy (lesson 7; 6 points)
#
# A network gives the logits 2, 0 and 1; the right class is the first one. What are the
# probabilities, the loss, and the gradient of the three logits? Why is it the same gradient if
# all logits are 100 larger?
#
# **Solution.** e^2, e^0, e^1 over their sum: 0.665, 0.090, 0.245. Loss -log 0.665 = 0.408.
# Gradient p - y = (-0.335, 0.090, 0.245). A number that is added to all logits cancels in the
# softmax.

# %%
logits = tg.Tensor([[2.0, 0.0, 1.0]])
loss = -1 * ops.sum(ops.log(ops.softmax(logits)) * np.array([[1.0, 0.0, 0.0]]))
(slope,) = tg.gradients(loss, [logits])
print(f"loss {float(loss.value):.3f}, gradient", *np.round(slope[0], 3))
assert abs(float(loss.value) - 0.408) < 5e-4
assert np.allclose(slope, [[-0.335, 0.090, 0.245]], atol=5e-4)

# %% [markdown]
# ## Question 6: one sweep or two? (lesson 8; 5 points)
#
# "Two outputs have two losses, so the computer must go back twice." What is right about this, and
# what is wrong? What does it cost to know the gradient of each loss apart?
#
# **Solution.** Wrong: the gradient of a sum is the sum of the gradients, and at the place where
# the two paths meet they are added before they go on. One sweep is enough for training. Right: to
# know them *apart*, each must be carried apart below that place, as rows. It is still one sweep,
# with wider arrays where both losses arrive, and no wider where only one does.

# %% [markdown]
# ## Question 7: whom does the weight concern? (lesson 9; 8 points)
#
#     x -> trunk -+-> aux                        loss = 1.0 * main + 0.2 * aux
#                 +-> deep -> main
#
# The weight of aux becomes 2.0. What happens to the gradient of the weights of trunk, aux, deep
# and main? What to their steps under plain gradient descent, if all gradients together are
# clipped to the length 0.01?
#
# **Solution.** aux: ten times. deep and main: exactly the same, there is no path. trunk: neither,
# it is a sum of a part that grows and one that does not. With the clipping, the steps of deep and
# main become *shorter*: one length is shared by all. The graph speaks about gradients, not about
# steps.

# %%
tg.set_random_seed(0)
x = tg.Input((6,), name="x")
trunk = layers.Dense(5, "tanh", name="trunk")(x)
deep = layers.Dense(4, "tanh", name="deep")(trunk)
heads = [layers.Dense(1, name="main")(deep), layers.Dense(1, name="aux")(trunk)]
model = tg.Model(x, heads)
model.compile("sgd", "mse", {"main": 1.0, "aux": 0.2})
random = np.random.default_rng(0)
data = random.standard_normal((64, 6)), [random.standard_normal((64, 1)) for _ in range(2)]
flow = model.gradient_flow(*data)
times = {n: flow.total(n, {"aux": 2.0}) / flow.total(n) for n in ("trunk", "aux", "deep", "main")}
print({name: round(float(ratio), 2) for name, ratio in times.items()})
assert np.isclose(times["aux"], 10) and times["deep"] == times["main"] == 1
assert not np.isclose(times["trunk"], 1) and not np.isclose(times["trunk"], 10)

# %% [markdown]
# ## Question 8: the optimizer (lesson 10; 7 points)
#
# A head is alone with its loss. The weight of the loss has always been 1. Somebody makes it 3
# from the start. What happens to the steps of this head under SGD, under SGD with momentum, and
# under Adam? And what happens if the weight becomes 0 after 100 steps?
#
# **Solution.** SGD and momentum: three times as long, both are linear in the gradient. Adam: the
# same (as long as epsilon is small beside the gradients), the factor cancels. Weight 0: SGD
# stands still at once. With momentum and with Adam the head rolls on, because both remember
# earlier gradients.


# %%
def travelled(optimizer, factors):
    w = tg.Parameter(np.zeros(1), "w")
    path = []
    for factor in factors:
        optimizer.apply({w: np.array([factor])})
        path.append(float(w.value[0]))
    return np.array(path)


SGD, Adam = tg.optimizers.SGD, tg.optimizers.Adam
for make, ratio in [(SGD, 3), (lambda: SGD(0.01, momentum=0.9), 3), (Adam, 1)]:
    one, three = (travelled(make(), [factor] * 100)[-1] for factor in (1.0, 3.0))
    assert np.isclose(three / one, ratio)
    after = travelled(make(), [1.0] * 100 + [0.0])
    print(
        f"{make().__class__.__name__:<5} moves after the weight became 0:", after[-1] != after[-2]
    )
    assert (after[-1] != after[-2]) == (make is not SGD)

# %% [markdown]
# ## Question 9: a Gram matrix (lesson 11; 8 points)
#
# For two losses, the products of their gradients at a layer are G = [[4, -3], [-3, 9]]. How long
# are the two gradients, and what is the cosine between them? How long is the gradient of loss 1 +
# w * loss 2 for w = 1? For which w is it shortest? For which w does a small step of plain
# gradient descent make loss 2 larger?
#
# **Solution.** Lengths 2 and 3, cosine -3 / 6 = -0.5. Squared length 4 - 6 w + 9 w^2: for w = 1
# it is 7, length 2.65. Shortest at w = 1/3, length sqrt(3) = 1.73. Loss 2 rises if its gradient
# and the sum have a negative product: -3 + 9 w < 0, so for all w below 1/3.

# %%
gram = np.array([[4.0, -3.0], [-3.0, 9.0]])
length = [float(np.sqrt([1, w] @ gram @ [1, w])) for w in (1.0, 1 / 3)]
print("lengths:", *np.round(length, 2))
assert np.allclose(length, [np.sqrt(7), np.sqrt(3)])
assert all((gram[1] @ [1, w] < 0) == (w < 1 / 3) for w in (0.1, 0.3, 0.34, 1.0))

# %% [markdown]
# ## Question 10: better? (lesson 12; 7 points)
#
# A network is trained with two loss weights from the same five seeds. In per cent of right
# answers, the second is better by 0.8, 0.3, -0.2, 0.6 and 0.5. Compute the interval of Student
# for the mean (95 %, four degrees of freedom: 2.776). May you write "the second weight is
# better"?
#
# **Solution.** Mean 0.40, standard deviation 0.38, divided by the root of 5: 0.17. Interval 0.40
# +- 0.47, from -0.07 to 0.87. It contains 0: five seeds do not show a difference. (They do not
# show that there is none, either.)

# %%
differences = np.array([0.8, 0.3, -0.2, 0.6, 0.5])
half = 2.776 * differences.std(ddof=1) / np.sqrt(len(differences))
print(f"{differences.mean():.2f} +- {half:.2f}")
assert f"{differences.mean():.2f} {half:.2f}" == "0.40 0.47" and half > differences.mean()

# %% [markdown]
# ## Question 11: a shared layer (lesson 14; 6 points)
#
# One layer is called for the question and for the answer. The gradient of its kernel that comes
# from the first call has the length 3, the one from the second call the length 4. What is the
# length of the kernel's gradient? What, if the two are at right angles?
#
# **Solution.** The two are added, not averaged. From the lengths alone: anything from 1 to 7. At
# right angles 5.

# %%
first = np.array([3.0, 0.0])
sums = [np.hypot(*(first + 4 * np.array([np.cos(t), np.sin(t)]))) for t in np.linspace(0, np.pi, 9)]
assert np.isclose(min(sums), 1) and np.isclose(max(sums), 7) and np.isclose(sums[4], 5)

# %% [markdown]
# ## Question 12: through time (lesson 15; 5 points)
#
# Along the cell of an LSTM the gradient is multiplied by the forget gate at each step. Which part
# of it arrives after 50 steps if the gate is 0.9? What must the gate be so that half of it
# arrives?
#
# **Solution.** 0.9^50 = 0.005, half a per cent. 0.5^(1/50) = 0.986.

# %%
print(f"{0.9**50:.3f} {0.5 ** (1 / 50):.3f}")
assert f"{0.9**50:.3f} {0.5 ** (1 / 50):.3f}" == "0.005 0.986"

# %% [markdown]
# ## Question 13: who notices the unit? (lessons 19 and 20; 6 points)
#
# One of two losses is measured in another unit and becomes 100 times as large in every step.
# Which of these then give other *weights* than before: equal weights; dynamic weight average (it
# compares a loss with itself two steps ago); weights so that all weighted gradients are equally
# long?
#
# **Solution.** Equal weights stay 1 and 1; the large loss takes the network. Dynamic weight
# average forms ratios of one loss with itself, so 100 cancels, and the weights stay, too: it does
# *not* help against units. Equal lengths: the weight becomes 100 times smaller, and the network
# does not notice the unit.


# %%
def dynamic(before, now, temperature=2.0):
    speed = np.exp(now / before / temperature)
    return len(now) * speed / speed.sum()


before, now, unit = np.array([0.9, 0.4]), np.array([0.7, 0.38]), np.array([1.0, 100.0])
assert np.allclose(dynamic(before, now), dynamic(unit * before, unit * now))
lengths = np.array([2.0, 0.5])
assert np.allclose(1 / lengths * [1, 0.01], 1 / (unit * lengths))

# %% [markdown]
# ## Question 14: two ways out of a conflict (lesson 21; 8 points)
#
# The gradients of two losses are (1, 0) and (-1, 1). Compute the direction of PCGrad (each loses
# the part that goes against the other, then both are added) and the shortest point between the
# two (MGDA). Check for both that no loss gets worse.
#
# **Solution.** Product -1. First: (1, 0) + 1/2 (-1, 1) = (0.5, 0.5). Second: (-1, 1) + (1, 0) =
# (0, 1). Sum (0.5, 1.5). Shortest point: 0.6 of the first and 0.4 of the second, (0.2, 0.4). The
# products with the two gradients are 0.5 and 1.0 for PCGrad, 0.2 and 0.2 for MGDA: none is
# negative.

# %%
one, two = np.array([1.0, 0.0]), np.array([-1.0, 1.0])
pcgrad = one - (one @ two) / (two @ two) * two + two - (one @ two) / (one @ one) * one
share = (two - one) @ two / ((two - one) @ (two - one))
mgda = share * one + (1 - share) * two
print("PCGrad", pcgrad, " MGDA", mgda)
assert np.allclose(pcgrad, [0.5, 1.5]) and np.allclose(mgda, [0.2, 0.4])
assert np.allclose([one @ pcgrad, two @ pcgrad, one @ mgda, two @ mgda], [0.5, 1.0, 0.2, 0.2])

# %% [markdown]
# ## Question 15: labels that are missing (lesson 24; 5 points)
#
# Four works, two labels: 1, unknown, 0, unknown. The network says 0.8 for each. Compute the mean
# squared error over the known labels, and what comes out if the unknown ones are filled with 0.
# Which of the two gradients is wrong, and in which direction does it push?
#
# **Solution.** Known ones: (0.04 + 0.64) / 2 = 0.34. Filled: (0.04 + 3 * 0.64) / 4 = 0.49. The
# second teaches the network that an unknown work is a 0, so it pushes all answers down.

# %%
label, p = np.array([1.0, np.nan, 0.0, np.nan]), 0.8
known = ~np.isnan(label)
right = np.mean((label[known] - p) ** 2)
filled = np.mean((np.nan_to_num(label) - p) ** 2)
print(f"{right:.2f} {filled:.2f}")
assert f"{right:.2f} {filled:.2f}" == "0.34 0.49"
assert np.mean(p - np.nan_to_num(label)) > np.mean(p - label[known]) > 0

# %% [markdown]
# ## Question 16: frozen, or cut off? (lesson 27; 5 points)
#
# trunk -> head -> loss. What is the difference between freezing the trunk, and stopping the
# gradient between trunk and head? Say for both: does the trunk change, and is there a path from
# the loss to the layers *before* the trunk?
#
# **Solution.** In neither case does the trunk change. Frozen: the gradient still passes through
# it, and what lies before it learns. Stopped: nothing passes, there is no path to the trunk or to
# anything before it. (And it has no path, which is a fact of the graph; a frozen one has a path
# and does not use it.)

# %%
below, trunk = tg.Parameter([[2.0]], "below"), tg.Parameter([[3.0]], "trunk")
x = tg.Tensor([[1.0]])
frozen = ops.sum(ops.matmul(ops.matmul(x, below), trunk))
cut = ops.sum(ops.stop_gradient(ops.matmul(ops.matmul(x, below), trunk)) * 1.0)
print("frozen:", tg.gradients(frozen, [below]), " cut off:", tg.gradients(cut, [below]))
assert tg.gradients(frozen, [below])[0] == 3 and tg.gradients(cut, [below])[0] is None
