# %% [markdown]
# # Lesson 4: Arrays, and forks that nobody has drawn
#
# At the end you know why a gradient has the shape of its input, and what must happen if NumPy has
# used one number in several places. You have also seen what goes wrong without it: once with an
# error message, and once without one.
#
# You need: lesson 3 (at a fork, gradients add up), and arrays with two axes.

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import ops

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

# %% [markdown]
# ## Question: how can shapes (4, 3) and (3,) be added?
#
# A batch of 4 samples with 3 numbers each is an array of shape (4, 3). We add a bias: 3 numbers,
# shape (3,).

# %%
x = np.arange(12.0).reshape(4, 3)
bias = np.array([100.0, 200.0, 300.0])
print("x\n", x, "\nx + bias\n", x + bias, sep="")
assert (x + bias).shape == (4, 3)

# %% [markdown]
# NumPy repeats the bias for each of the 4 rows. This is called *broadcasting*. It saves us a loop.
#
# Now let the loss be the sum of all 12 numbers of x + bias. Look at the number 100 in the bias: if
# it grows by 1, how much does the loss grow? And the other two? Write your guess into the hole.


# %%
def my_prediction():
    """Your guess: the gradients of the 3 numbers of the bias, as a list."""
    # YOUR TURN: return a list of three numbers.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# Now measure it, with the central difference of lesson 1. An array has many numbers, and each has a
# gradient of its own. So take one number after the other: make only this one a little larger, then
# only this one a little smaller, and see how much the loss changes. The gradients of all numbers
# make an array of the same shape.
#
# Take care: `a = array` is only a second name for the same array. A copy is `array.copy()`.
# `np.ndindex(array.shape)` goes through all places of an array, however many axes it has; if
# `place` is such a place, `array[place]` is the number there. (h is 1e-3, larger than the best one
# of lesson 1: what we measure below are sums and squares, where the bend makes no error in a
# central difference, and a larger step loses fewer digits.)


# %%
def measured_gradient(f, array, h=1e-3):
    """The slope of f(array), a number, in each number of the array; `array` stays as it is."""
    # YOUR TURN: 7 to 10 lines. Begin with np.zeros(array.shape), and fill it place by place.
    raise NotImplementedError("YOUR TURN")


# %%
measured = measured_gradient(lambda bias: (x + bias).sum(), bias)
print("measured:", np.round(measured, 6), "  you say:", my_prediction())
assert np.allclose(measured, [4, 4, 4])

# %% [markdown]
# 4 each. The number 100 was used in 4 places, once in each row. That is a fork with 4 ways, and at
# a fork gradients add up: 1 + 1 + 1 + 1. Nobody drew this fork. Broadcasting made it.
#
# ## What the pullback says
#
# The loss is a plain sum, so the gradient of x + bias is 1 everywhere. We give it to the pullbacks.
# Predict: which shapes come back?

# %%
y, (pull_x, pull_bias) = ops.add(x, bias)
g = np.ones((4, 3))
print("gradient of x:", pull_x(g).shape, "  gradient of the bias:", pull_bias(g).shape)
assert pull_bias(g).shape == (4, 3)

# %% [markdown]
# The bias has 3 numbers, but here are 12 gradients: one for each *use*. The pullback of `add` does
# not know that anything was repeated. Adding up the uses is still to be done. A sum along the first
# axis does it.

# %%
print("one for each use:", pull_bias(g).shape, "  added up:", pull_bias(g).sum(axis=0))
assert (pull_bias(g).sum(axis=0) == [4, 4, 4]).all()

# %% [markdown]
# So this is the rule: **the gradient of an input has the shape of the input.** If it is larger,
# then broadcasting has made copies, and the gradients of the copies are added up.
#
# ## Two ways of making copies
#
# NumPy broadcasts in two ways.
#
# 1. It puts *new axes in front*. (3,) becomes (4, 3): each number is used 4 times.
# 2. It *stretches* axes of length 1. (4, 1) becomes (4, 3): each number is used 3 times.
#
# Both can happen at once. Adding shapes (2, 4, 3) and (4, 1) gives (2, 4, 3). So each of the 4
# numbers is used 2 * 3 = 6 times.
#
# First write the part for new axes.


# %%
def sum_new_axes(g, ndim):
    """Sum g along its first axis, again and again, until it has only ndim axes."""
    # YOUR TURN: two or three lines. g.ndim is the number of axes of g.
    raise NotImplementedError("YOUR TURN")


# %%
print(sum_new_axes(np.ones((4, 3)), 1), sum_new_axes(np.ones((2, 4, 3)), 2).shape)
assert sum_new_axes(np.ones((2, 4, 3)), 2).shape == (4, 3)

# %% [markdown]
# Then the whole thing. For stretched axes, sum with `keepdims=True`: the axis stays there, with
# length 1. For example `np.ones((4, 3)).sum(axis=1, keepdims=True)` has the shape (4, 1). And
# `enumerate(shape)` gives each axis with its length: for (4, 1) first 0 and 4, then 1 and 1.


# %%
def unbroadcast(g, shape):
    """Add up the gradients of all copies: g gets the shape `shape`, that of the input."""
    # YOUR TURN: first sum_new_axes. Then sum along each axis whose length in `shape` is 1.
    raise NotImplementedError("YOUR TURN")


# %%
for shape in [(3,), (4, 1), (1, 3), (4, 3), ()]:
    back = unbroadcast(np.ones((2, 4, 3)), shape)
    # back.size: how many numbers. *np.ravel(back): they all, one by one. !s: the tuple as text.
    print(f"shape {shape!s:<7} each number was used {24 // back.size:>2} times:", *np.ravel(back))
    assert back.shape == shape and (back == 24 / back.size).all()

# %% [markdown]
# With gradients of 1, adding up is counting. In general each use has a gradient of its own. Here 3
# weights are multiplied with all rows of x, and the loss is the sum again. Predict the gradient of
# the first weight; x is printed above.

# %%
weights = np.array([1.0, 2.0, 3.0])
y, (pull_x, pull_weights) = ops.multiply(x, weights)
g_weights = unbroadcast(pull_weights(np.ones((4, 3))), weights.shape)
measured = measured_gradient(lambda weights: (x * weights).sum(), weights)
print("gradient of the weights:", g_weights, "  measured:", np.round(measured, 6))
assert g_weights[0] == 0 + 3 + 6 + 9 and np.allclose(measured, g_weights)

# %% [markdown]
# It is the sum of the first column of x: 0 + 3 + 6 + 9 = 18. Each sample has sent its own number,
# and they are added up.
#
# ## One more operation: the matrix product
#
# The next lessons need `x @ kernel`. Its number in row i and column j is the sum of x[i, k] *
# kernel[k, j] over all k. So each number of x is used once for each column, and each number of the
# kernel once for each row: forks again. At a fork gradients add up, and both sums are products of
# matrices themselves (`.T` exchanges rows and columns):
#
#     gradient of x       =  g @ kernel.T
#     gradient of kernel  =  x.T @ g
#
# Here no other order fits: g has the shape of the value, and each gradient that of its input.
# Measure it, with the loss ((x @ kernel) * g).sum(): its gradient at the product is g.

# %%
kernel, g = np.array([[1.0, -1.0], [0.0, 2.0], [3.0, 0.5]]), np.arange(8.0).reshape(4, 2)
_, (pull_x, pull_kernel) = ops.matmul(x, kernel)
print("gradient of the kernel:", *(x.T @ g), "  measured: ", end="")
print(*measured_gradient(lambda kernel: ((x @ kernel) * g).sum(), kernel).round(6))
assert np.allclose(pull_x(g), g @ kernel.T) and np.allclose(pull_kernel(g), x.T @ g)
assert np.allclose(measured_gradient(lambda k: ((x @ k) * g).sum(), kernel), x.T @ g)
assert np.allclose(measured_gradient(lambda x: ((x @ kernel) * g).sum(), x), g @ kernel.T)

# %% [markdown]
# ## Break it: the error
#
# Now we forget `unbroadcast`. The same bias is added to a batch of 4 samples, and then to a batch
# of 5. That is a fork, so both gradients are added up.

# %%
_, (_, pull_from_4) = ops.add(np.ones((4, 3)), bias)  # _ is a name for what nobody needs
_, (_, pull_from_5) = ops.add(np.ones((5, 3)), bias)
from_4, from_5 = pull_from_4(np.ones((4, 3))), pull_from_5(np.ones((5, 3)))
message = ""
try:
    from_4 + from_5
except ValueError as error:
    message = str(error)
print("ValueError:", message)
assert "(4,3) (5,3)" in message

# %% [markdown]
# Read such a message from its end: there are the two shapes. Ask of each: what *should* it be? Both
# are gradients of the bias, so both should be (3,). Neither is. The mistake is not in the line that
# failed. It is where these gradients came from.

# %%
total = unbroadcast(from_4, bias.shape) + unbroadcast(from_5, bias.shape)
print("with unbroadcast:", total)
assert (total == [9, 9, 9]).all()

# %% [markdown]
# ## Break it again: no error
#
# There is something worse than an error. Only the batch of 4 samples, and one step of training:
# subtract a part of the gradient from the bias. Predict: what shape has the bias after the step?

# %%
new_bias = bias - 0.1 * from_4
print("before:", bias.shape, "  after:", new_bias.shape)
print("the next batch of 4:", (np.ones((4, 3)) + new_bias).shape, "works, too")
assert new_bias.shape == (4, 3)

# %% [markdown]
# (4, 3). The subtraction has broadcast, too, and hid the mistake. The bias has 12 numbers now, one
# row for each sample of the batch. The next step works as well. Only a batch of another size will
# fail, far away from the cause.
#
# ## What the engine does
#
# Should each operation care for this? There are many, and one would be forgotten. The engine of the
# library does it in one place: after each pullback it calls `ops.unbroadcast` with the shape of the
# input. So the pullbacks may be as short as in lesson 1.

# %%
b = tg.Tensor(bias)
loss = (tg.Tensor(np.ones((4, 3))) + b).sum() + (tg.Tensor(np.ones((5, 3))) + b).sum()
print("tg.gradients:", tg.gradients(loss, b))
assert (tg.gradients(loss, b) == total).all()

# %% [markdown]
# Its `ops.unbroadcast` expects one axis more in front, called *rows*. With it, several losses can
# travel through one sweep. You will build this in the next lesson.

# %%
rows = np.ones((2, 4, 3))  # the gradients of 2 losses, each of shape (4, 3)
print("2 rows:", ops.unbroadcast(rows, (3,)).shape)
assert ops.unbroadcast(rows, (3,)).shape == (2, 3)
assert (ops.unbroadcast(rows, (3,))[0] == unbroadcast(rows[0], (3,))).all()

# %% [markdown]
# ## What you now know
#
# - Broadcasting uses one number in several places. That is a fork.
# - So the gradients of the copies are added up. Then the gradient has the shape of its input.
# - New axes are summed away. Stretched axes are summed to length 1.
# - Without this, you get a shape error if you are lucky, and silent nonsense if you are not.
#
# ## Exercises
#
# No check looks at these; each says how you see that you are right. In a file of your own,
# `my_work("unbroadcast")` (from `tinygrad_mo.learn`) gives you the functions of this lesson.
#
# 1. *An outer sum.* a has the shape (3, 1) and b the shape (1, 4). How often is each number used in
#    a + b? Take the loss (a * b).sum(), predict both gradients as formulas of a and b, and compute
#    them with `ops.multiply` and `unbroadcast`. Right if `measured_gradient` agrees.
# 2. *Random shapes.* Test your `unbroadcast` by measuring: make 200 pairs of random shapes that fit
#    together (some axes missing in front, some of length 1), two random arrays a and b, and a loss
#    (a * b * c).sum() with a random c. Right if both gradients agree each time. Does a test with
#    the loss (a + b).sum() find an `unbroadcast` that takes the mean of the copies? And one that
#    returns the right numbers in a wrong order?
# 3. *Empty batches.* What should the gradient of the bias be for a batch of 0 samples, of shape (0,
#    3)? Right if your function gives that, with the shape (3,), and without a special case.
# 4. *(long)* *A network by hand.* x (8, 3), kernel (3, 4), bias (4,), a factor (8, 1) for each
#    sample, and one learned number of shape (): loss = mean(square(tanh(x @ kernel + bias) * factor
#    + number)). Write forward and backward by hand, with the pullbacks of `ops.matmul`, `ops.add`
#    and so on. Where do you need `unbroadcast`? Right if all five gradients agree with
#    `measured_gradient`, and if one training step lowers the loss. (In lesson 5, g gets one more
#    axis in front. The pullbacks of `ops` allow it, but they do not need it.)
#
# You now have all parts: pullbacks, the sweep, the order, unbroadcast.
#
# Next: lesson 5. You build the engine.
