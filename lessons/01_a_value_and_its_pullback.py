# %% [markdown]
# # Lesson 1: A value and its pullback
#
# At the end you know what an operation must be able to do so that a network can learn: compute a
# value, and pull a gradient back. You have written two such operations, and you can prove that they
# are right.
#
# You need: functions in Python. No calculus beyond the word *slope*.

# %%
import math  # tanh and logarithms of single numbers

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import ops  # all operations of the library

# %% [markdown]
# ## Question: how much does each input matter?
#
# Take the multiplication z = x * y with x = 2 and y = 3. So z is 6.
#
# Now make x a little larger, by 0.001, and leave y as it is. Before you run the next cell, write
# down: how many times as much does z grow? And if you make y larger instead?

# %%
z = 2.0 * 3.0
slope_x = (2.001 * 3.0 - z) / 0.001
slope_y = (2.0 * 3.001 - z) / 0.001
print(f"z grows {slope_x:.3f} times as much as x, and {slope_y:.3f} times as much as y")
assert abs(slope_x - 3) < 1e-6 and abs(slope_y - 2) < 1e-6

# %% [markdown]
# This factor is called the *slope*. The slope in x is 3, which is y. The slope in y is 2, which is
# x. In a product, each input is the slope of the other one.
#
# ## From the slope to the pullback
#
# In a network, z is not the end. Other operations use z, and at the very end there is one number:
# the loss. Suppose that somebody tells us: *if z grows a little, the loss grows g times as much*.
# This g is the **gradient** of z.
#
# What is then the gradient of x? If x grows, z grows y times as much. And if z grows, the loss
# grows g times as much. So the gradient of x is g * y.
#
# A **pullback** is a function that does this step. It takes the gradient of the value and returns
# the gradient of an input. In this course, an **operation** is a function that returns two things:
# its value, and a tuple with one pullback for each input. Here is the smallest one.


# %%
def add(x, y):
    return x + y, (lambda g: g, lambda g: g)


z, (pull_x, pull_y) = add(2.0, 3.0)
print(z, pull_x(10.0), pull_y(10.0))
assert (z, pull_x(10.0), pull_y(10.0)) == (5.0, 10.0, 10.0)

# %% [markdown]
# `lambda g: g` is a function without a name: it takes g and returns g. The line
# `z, (pull_x, pull_y) = add(2.0, 3.0)` gives names to the three things that come back: the value,
# and the two functions in the tuple. If x grows, the sum grows
# just as much. So the gradient goes through an addition unchanged: 10 comes in, 10 goes to x, and
# 10 goes to y.
#
# ## Your turn: multiplication


# %%
def multiply(x, y):
    """The product, and a tuple of two pullbacks: one for x, one for y."""
    # YOUR TURN: one line, in the form of add.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# Before you run the next cell, write down the five numbers that it prints.

# %%
z, (pull_x, pull_y) = multiply(2.0, 3.0)
print(z, pull_x(1.0), pull_y(1.0), pull_x(10.0), pull_y(10.0))
assert (z, pull_x(1.0), pull_y(1.0)) == (6.0, 3.0, 2.0)
assert (pull_x(10.0), pull_y(10.0)) == (30.0, 20.0)

# %% [markdown]
# With g = 1 a pullback gives the slope itself. With g = 10 it gives ten times as much.
#
# One thing is remarkable. `multiply` has finished long ago, yet `pull_x` still knows that y was 3.
# A function made inside another function keeps the variables that it uses. That is all the memory
# that a network needs for learning.
#
# The library is written in the same way. In its file `ops/arithmetic.py` you find `add` and
# `multiply`, and they look like yours.

# %%
z, (pull_x, pull_y) = ops.multiply(2.0, 3.0)
print(z, pull_x(1.0), pull_y(1.0))
assert (z, pull_x(1.0), pull_y(1.0)) == (6.0, 3.0, 2.0)

# %% [markdown]
# ## Your turn: tanh, a curve
#
# The function tanh turns any number into one between -1 and 1. Networks use it often. Call its
# value y. A table of formulas says: the slope of tanh is 1 - y * y. So the pullback does not need
# x. It can use the value that is already there.


# %%
def tanh(x):
    """The value math.tanh(x), and a tuple of ONE pullback."""
    # YOUR TURN: two lines. A tuple of one needs a comma: (lambda g: ...,)
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# Predict: where does the curve climb most, at 0, at 2 or at 5?

# %%
for x in (0.0, 2.0, 5.0):
    y, (pull_x,) = tanh(x)
    print(f"tanh({x}) = {y:.5f}   slope {pull_x(1.0):.5f}")
assert tanh(0.0)[1][0](1.0) == 1.0
assert tanh(5.0)[1][0](1.0) < 0.001

# %% [markdown]
# At 0 the slope is 1: the gradient passes unchanged. At 5 less than a thousandth of it is left.
# Remember this; in lesson 15 it explains why long sequences are hard to learn.
#
# ## Is it true?
#
# You believed the formula. Do not. Here is a way to find a slope without any formula. Go a step h
# to the right and a step h to the left, and see how much the value changes in between:
#
#     slope = (f(x + h) - f(x - h)) / (2 * h)
#
# This is called the *central difference*: x is in the centre.


# %%
def central_difference(f, x, h):
    """The slope of the function f at the number x, found with steps of h to both sides."""
    # YOUR TURN: one line.
    raise NotImplementedError("YOUR TURN")


# %%
y, (pull_x,) = tanh(0.7)
measured = central_difference(math.tanh, 0.7, 1e-5)
print(f"tanh at 0.7:  pullback {pull_x(1.0):.9f}   measured {measured:.9f}")
assert abs(pull_x(1.0) - measured) < 1e-9

# %% [markdown]
# ## Your turn: a test for every operation
#
# `multiply` has two inputs. To measure its slope in x, y must stay as it is, and the other way
# round. Write a test that does this for an operation with any number of inputs. For each input it
# compares two numbers: what the pullback says for g = 1, and the central difference with h = 1e-5.
# It returns the largest distance of all.
#
# In `def largest_gap(op, *inputs)` the star collects all further arguments in one tuple. And
# `op(*inputs)` hands them over again, one by one. `inputs[:n]` are those in front of number n,
# `inputs[n + 1:]` are those behind it.


# %%
def largest_gap(op, *inputs):
    """The largest distance between a pullback, for g = 1, and the slope that is measured."""
    # YOUR TURN: 6 to 10 lines. For number n, make a function of one number x: the value of op with
    # x in place of inputs[n]. Then call central_difference with it.
    raise NotImplementedError("YOUR TURN")


# %%
print(f"multiply at 2 and 3:   largest gap {largest_gap(multiply, 2.0, 3.0):.0e}")
print(f"tanh at 0.7:           largest gap {largest_gap(tanh, 0.7):.0e}")
assert largest_gap(multiply, 2.0, 3.0) < 1e-9 and largest_gap(tanh, 0.7) < 1e-9

# %% [markdown]
# ## Break it
#
# Here is tanh again, with a small mistake: the slope is written as 1 - y instead of 1 - y * y.
# Predict: which of the two results will be wrong, the value or the slope?


# %%
def broken_tanh(x):
    y = math.tanh(x)
    return y, (lambda g: g * (1 - y),)


y, (pull_x,) = broken_tanh(0.7)
print(f"value {y:.6f}, right would be {math.tanh(0.7):.6f}")
print(f"slope {pull_x(1.0):.6f}, largest gap {largest_gap(broken_tanh, 0.7):.6f}")
assert y == math.tanh(0.7) and largest_gap(broken_tanh, 0.7) > 0.2

# %% [markdown]
# The value is right. A network with this mistake computes, trains, and raises no error. It may
# learn badly, and nobody knows why. Your test sees it at once. The operations of this library are
# checked in the same way.
#
# ## How small should the step be?
#
# A curve bends, so a large step measures it badly. Then a very small step must be best? Choose: is
# h best at 0.1, at 0.00001, or at 0.000000000000001? (`1e-5` is Python's way to write 0.00001, a 1
# at the fifth place. The third number is 1e-15.) Any guess is welcome.


# %%
def my_prediction():
    """Your guess: which h measures the slope of tanh at 0.7 best?"""
    # YOUR TURN: return 0.1, 1e-5 or 1e-15.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# For each h the cell prints how many digits of the measured slope are right, as a bar.


# %%
def right_digits(h):
    true = 1 - math.tanh(0.7) ** 2
    error = abs(central_difference(math.tanh, 0.7, h) - true) / true
    return -math.log10(max(error, 1e-16))  # an error of 0.001 means 3 right digits


steps = [10.0**-n for n in range(1, 16)]
digits = [right_digits(h) for h in steps]
for h, count in zip(steps, digits, strict=True):
    print(f"h = {h:.0e}  {'#' * max(0, round(count))}")
best = steps[digits.index(max(digits))]
print(f"best: h = {best:.0e}, you said {my_prediction():.0e}")
assert 1e-7 < best < 1e-3
assert digits[0] < 5 < 9 < max(digits) and digits[-1] < 4

# %% [markdown]
# From the top, each step gives about two more digits: h is ten times smaller, the error a hundred
# times. Then it turns, and each step takes about one digit away. Why? Look at the two numbers that
# are subtracted.

# %%
for h in (1e-5, 1e-13):
    right, left = math.tanh(0.7 + h), math.tanh(0.7 - h)
    print(f"h = {h:.0e}:  {right:.16f} - {left:.16f} = {right - left:.16f}")
assert f"{right:.12f}" == f"{left:.12f}"  # of the last pair, twelve digits are the same

# %% [markdown]
# Python keeps about 16 digits of a number. With h = 1e-13 both numbers begin with the same twelve
# digits. Subtracting removes these twelve. Only the last few are left, and they are rounded.
#
# So two errors fight: the curve bends (large h), and digits are lost (small h). The best h is in
# between, near the fifth place: about a third of the 16 digits.
#
# The library does all this for you, also for arrays. It raises an error if a pullback is wrong.

# %%
tg.check.check_op(ops.tanh, np.array([0.0, 0.7, 2.0]))
print("ops.tanh is right")

# %% [markdown]
# ## What you now know
#
# - An operation returns its value and one pullback per input.
# - A pullback takes the gradient of the value, g, and returns the gradient of an input: g times the
#   slope.
# - The central difference measures a slope without any formula. A step that is too small is as bad
#   as one that is too large.
#
# ## Exercises
#
# No check looks at these; each says how you see that you are right. Write them in a file of your
# own, beside the lessons. There, `lesson = my_work("a_value_and_its_pullback")` gives you all
# functions of this lesson, with your code in the holes: `lesson.largest_gap(...)`. (Before it:
# `from tinygrad_mo.learn import my_work`.)
#
# 1. *More operations.* Write `divide(x, y)`, `exp(x)` and `subtract(x, y)` in the form of this
#    lesson. The slope of exp is exp itself. For divide, find the slopes with `central_difference`
#    first, and guess the formulas. Right if `largest_gap` is below 1e-6 at five places of your
#    choice.
# 2. *A blind test.* Write a `multiply` whose pullbacks forget g, so that `largest_gap` does not
#    notice. Then make a better test, which also calls the pullback with g = 10. Right if the new
#    test finds this multiply, and finds nothing in the right one.
# 3. *A corner.* The function abs has a corner at 0. What does `central_difference` say there, and a
#    bit to the left and to the right? And for max(x, 0)? Which slope would you put into the
#    pullback at 0, and is there a wrong choice? Right if your numbers at 0 are 0 and 0.5.
# 4. *(long)* *More digits.* Count the right digits, as above, for the slope of exp at 1, with two
#    other ways to measure: only one step to the right, (f(x + h) - f(x)) / h; and a step into the
#    complex numbers, f(x + 1j * h).imag / h with `numpy.exp`. Which h is best for each, and how
#    many digits are right then? Explain the three results: how fast does the error of the bend
#    shrink with h, and where are digits lost? Right if the one-sided way has about 8 digits at
#    best, the central one about 10 or 11, and the complex one all 15 or 16, even with h = 1e-100.
#
# One operation is not a network. What if the value of one is the input of the next?
#
# Next: lesson 2. The chain.
