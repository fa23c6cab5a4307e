# %% [markdown]
# # Lesson 1: A value and its pullback. Solutions of the exercises (for teachers)

# %%
import math

import numpy as np

from tinygrad_mo.learn import my_work

lesson = my_work("a_value_and_its_pullback")

# %% [markdown]
# ## Exercise 1
#
# z = x / y grows 1 / y times as much as x. If y grows, z shrinks, and the more the smaller y is:
# the slope is -x / (y * y), that is -z / y.


# %%
def divide(x, y):
    z = x / y
    return z, (lambda g: g / y, lambda g: -g * z / y)


def exp(x):
    y = math.exp(x)
    return y, (lambda g: g * y,)


def subtract(x, y):
    return x - y, (lambda g: g, lambda g: -g)


places = [(0.5, 2.0), (-1.0, 3.0), (2.0, -0.5), (1.5, 1.5), (0.0, 1.0)]
for name, op in (("divide", divide), ("subtract", subtract)):
    gaps = [lesson.largest_gap(op, x, y) for x, y in places]
    print(f"{name:<9} largest gap {max(gaps):.0e}")
    assert max(gaps) < 1e-6
gaps = [lesson.largest_gap(exp, x) for x, _ in places]
print(f"{'exp':<9} largest gap {max(gaps):.0e}")
assert max(gaps) < 1e-6

# %% [markdown]
# ## Exercise 2
#
# With g = 1, g * y and y are the same.


# %%
def forgets_g(x, y):
    return x * y, (lambda g: y, lambda g: x)


def better_gap(op, *inputs):
    _, pullbacks = op(*inputs)
    forgotten = max(abs(pull(10.0) - 10 * pull(1.0)) for pull in pullbacks)
    return max(lesson.largest_gap(op, *inputs), forgotten)


print("the old test:", f"{lesson.largest_gap(forgets_g, 2.0, 3.0):.0e}", end="")
print(", the new one:", better_gap(forgets_g, 2.0, 3.0))
assert lesson.largest_gap(forgets_g, 2.0, 3.0) < 1e-9 < 1 < better_gap(forgets_g, 2.0, 3.0)
assert better_gap(lesson.multiply, 2.0, 3.0) < 1e-9

# %% [markdown]
# ## Exercise 3
#
# At a corner there is no slope. The central difference gives the mean of the slopes of both sides:
# 0 for abs, 0.5 for max(x, 0). Every number between the slopes of both sides is a defensible choice
# (between -1 and 1, between 0 and 1); libraries take one, and say which. A number outside of it, 5
# for example, is a mistake, although no measurement at 0 alone could say so.

# %%
corner = lambda x: max(x, 0.0)
for name, f in (("abs", abs), ("max(x, 0)", corner)):
    slopes = [lesson.central_difference(f, x, 1e-5) for x in (-0.1, 0.0, 0.1)]
    print(f"{name:<10}", *[f"{slope:5.2f}" for slope in slopes])
assert lesson.central_difference(abs, 0.0, 1e-5) == 0
assert lesson.central_difference(corner, 0.0, 1e-5) == 0.5

# %% [markdown]
# ## Exercise 4 (long)
#
# One-sided: the error of the bend shrinks with h, the lost digits grow with 1 / h. They meet near
# h = 1e-8, half of the 16 digits. Central: the error of the bend shrinks with h * h, so one may
# stay at larger h, near 1e-5, and loses fewer digits. Complex: nothing is subtracted, so no digits
# are lost, however small h is, and the bend vanishes.

# %%
WAYS = {
    "one step to the right": lambda f, x, h: (f(x + h) - f(x)) / h,
    "central difference": lesson.central_difference,
    "complex step": lambda f, x, h: f(x + 1j * h).imag / h,
}
true, best = math.exp(1.0), {}
for name, way in WAYS.items():
    digits = {}
    for n in range(1, 16):
        error = abs(way(np.exp, 1.0, 10.0**-n) - true) / true
        digits[n] = -math.log10(max(error, 1e-16))
    at = max(digits, key=digits.get)
    best[name] = digits[at]
    print(f"{name:<22} best h = 1e-{at:02}, {digits[at]:.1f} right digits")
one, two, three = best.values()
assert 7 < one < 9.5 < two < 12 < 15 < three
assert abs(WAYS["complex step"](np.exp, 1.0, 1e-100) - true) / true < 1e-15
