# %% [markdown]
# # Lesson 2: The chain
#
# At the end you can pull a gradient through several operations, from the loss back to every weight.
# You have done it by hand, and you have seen that the engine of the library does the same.
#
# You need: lesson 1 (an operation returns its value and its pullbacks).

# %%
import math

import tinygrad_mo as tg
from tinygrad_mo import ops

# %% [markdown]
# ## Question: what does the loss know of the weight?
#
# Here is the smallest network there is. It has one weight w. It gets one number x, and its answer y
# should be the number `target`. The loss is the square of the error.
#
#     w --+
#         +--> multiply --> a --> tanh --> y --> subtract --> e --> square --> loss
#     x --+                                          ^
#                                       target ------+

# %%
w, x, target = 0.25, 2.0, 0.8
a, (pull_w, pull_x) = ops.multiply(w, x)
y, (pull_a,) = ops.tanh(a)
e, (pull_y, pull_target) = ops.subtract(y, target)
loss, (pull_e,) = ops.square(e)
print(f"a = {a:.4f}   y = {y:.4f}   e = {e:.4f}   loss = {loss:.4f}")
assert y < target

# %% [markdown]
# The answer is too small. Before you go on, write down: if w grows a little, does the loss grow or
# shrink? So, is the gradient of w positive or negative?
#
# ## Last first
#
# Only `square` knows the loss. `multiply`, which knows w, has no idea what a loss is. So we start
# at the loss and ask the last operation, then the one before it, and so on.
#
# The start is easy. If the loss grows, the loss grows just as much. So **the gradient of the loss
# itself is 1**. We give this 1 to the last pullback.

# %%
g_e = pull_e(1.0)
print(f"gradient of e: {g_e:.4f}")
assert abs(g_e - 2 * e) < 1e-12  # the slope of a square is two times the number

# %% [markdown]
# Now somebody tells us what e means for the loss. That is what `pull_y` has waited for. It gives us
# what y means for the loss, and so on, back to w.
#
# ## Your turn
#
# Write the forward steps again, and then all backward steps.


# %%
def loss_and_gradient(w, x, target):
    """The loss, and the gradient of w, as two numbers."""
    # YOUR TURN: four operations forward, then four pullbacks, the last one first.
    raise NotImplementedError("YOUR TURN")


# %%
loss, g_w = loss_and_gradient(0.25, 2.0, 0.8)
print(f"loss {loss:.4f}, gradient of w {g_w:.4f}")
assert g_w < 0

# %% [markdown]
# It is negative: if w grows, the loss shrinks. Was that your guess? And is the number right? We
# know how to find out (lesson 1).


# %%
def central_difference(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


measured = central_difference(lambda w: loss_and_gradient(w, 2.0, 0.8)[0], 0.25)
print(f"pulled back: {g_w:.8f}   measured: {measured:.8f}")
assert abs(g_w - measured) < 1e-8

# %% [markdown]
# This works for any operations in any number. No operation knows the whole chain. Each one only
# turns the gradient of its value into the gradients of its inputs. This is called the *chain rule*,
# and the way from the loss back is called the **backward sweep**.
#
# Does the order matter, the last one first? Here each pullback only multiplies by a number, its
# slope, and 2 * 3 is 3 * 2: you would get the same gradient from a wrong order, by luck. From
# lesson 4 on the values are arrays, tables of numbers, and there the order counts: in the wrong one
# you get other numbers, or an error. So get used to it: what a pullback returns goes into the one
# before it. (The checks look at the order, too.)
#
# ## What the engine does
#
# It is boring to call all pullbacks by hand. A `tg.Tensor` is a number (or an array) that remembers
# how it was made: by which operation, from which inputs, with which pullbacks.

# %%
w, x = tg.Tensor(0.25, name="w"), tg.Tensor(2.0, name="x")
loss = ops.square(ops.tanh(w * x) - 0.8)  # w * x calls ops.multiply, - calls ops.subtract
tensor = loss
while tensor.step is not None:  # a step is one call of an operation
    print(f"made by {tensor.step.op.name}")
    tensor = tensor.step.inputs[0]  # go back along the first input
print(f"not made by any operation: {tensor.name}")

# %% [markdown]
# These memories, taken together, are called the *graph*. `tg.gradients` follows it back, and calls
# the pullbacks as you did.

# %%
g_w_engine, g_x_engine = tg.gradients(loss, [w, x])
print(f"engine: gradient of w {g_w_engine:.6f}, of x {g_x_engine:.6f}")
print(f"you:    gradient of w {g_w:.6f}")
assert abs(g_w_engine - g_w) < 1e-6

# %% [markdown]
# Both agree. (The library computes with about 7 digits if you do not ask for more, and pure Python
# with 16. So the last digits may differ.)
#
# ## Why backward? Count.
#
# Central differences also give gradients, and they need no pullbacks. So why all this? Take a
# longer chain: multiply by a weight, then tanh, again and again. Each such pair is called a
# *layer*, and has a weight of its own. Here it is with three:
#
#     x --> multiply --> tanh --> multiply --> tanh --> multiply --> tanh --> value
#              ^                     ^                     ^
#             w[0]                  w[1]                  w[2]
#
# Now take 100 weights. How often must you compute the whole chain to get all 100 gradients by
# central differences? And how often do you have to sweep back? Guess; we will count.


# %%
def my_prediction():
    """Your guess for 100 weights, as a dict with two whole numbers."""
    # YOUR TURN: return {"runs": ..., "sweeps": ...} with numbers in place of the dots.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# And now the sweep, for any number of weights.


# %%
def chain_and_gradients(weights, x):
    """The value at the end, and the list of the gradients of all weights, first weight first.

    In each layer: x = tanh(weight * x). Use ops.multiply and ops.tanh. The sweep starts with 1.0.
    """
    # YOUR TURN: 9 to 12 lines. On the way forward, keep the pullbacks of each layer in a list. Then
    # go back.
    raise NotImplementedError("YOUR TURN")


# %%
value, gradients = chain_and_gradients([0.5, 2.0, 1.5], 1.0)
print(f"value {value:.4f}, gradients", " ".join(f"{g:.4f}" for g in gradients))

# %% [markdown]
# Now with 100 weights. For comparison we measure each gradient, and count the runs of the chain.
# (`[*a, w, *b]` is a list with all things of a, then w, then all things of b. So in
# `measured_gradient` all weights stay, but number n is w.)

# %%
WEIGHTS = [0.9, 1.1] * 50
runs = []


def chain(weights, x):
    runs.append(1)
    for w in weights:
        x = math.tanh(w * x)
    return x


def measured_gradient(n):
    def end_of_chain(w):
        return chain([*WEIGHTS[:n], w, *WEIGHTS[n + 1 :]], 0.5)

    return central_difference(end_of_chain, WEIGHTS[n])


value, gradients = chain_and_gradients(WEIGHTS, 0.5)
measured = [measured_gradient(n) for n in range(100)]
print(f"gradient of the first weight: {gradients[0]:.8f}   measured: {measured[0]:.8f}")
print(f"gradient of the last weight:  {gradients[99]:.8f}   measured: {measured[99]:.8f}")
print(f"differences: {len(runs)} runs of the chain. Pullbacks: one run, 1 sweep back.")
print("you said:", my_prediction())
assert len(runs) == 200
assert all(abs(a - b) < 1e-8 for a, b in zip(gradients, measured, strict=True))

# %% [markdown]
# Differences need two runs for each weight, 200 in all. The sweep needs one way forward and one way
# back, for 100 weights or for a million. Without this, nobody could train a large network.
#
# And this is why one starts at the loss. There is only one loss, but there are many weights. What
# you know on the way back, for example the gradient of a value in the middle, is used for all
# weights before it.
#
# ## Break it
#
# We take the small network again, but in the middle we turn the tensor into a plain number and make
# a new tensor of it. The value is the same. Predict: what is the gradient of w now?

# %%
w, x = tg.Tensor(0.25), tg.Tensor(2.0)
a = w * x
new_a = tg.Tensor(a.numpy())  # the same number, but it does not remember where it came from
loss = ops.square(ops.tanh(new_a) - 0.8)
print("loss:", f"{float(loss):.4f}", "  gradient of a new tensor:", tg.gradients(loss, new_a))
print("gradient of w:", tg.gradients(loss, w))
assert tg.gradients(loss, w) is None

# %% [markdown]
# It is `None`, not 0. The two are different. 0 means: there is a path, but a small change of w
# changes nothing. `None` means: **there is no path**. In lesson 0 it was the dash in the table.
#
# ## What is it good for?
#
# If the gradient of w is negative, a larger w makes the loss smaller. So step by step, subtract a
# part of the gradient from w. That is training. The part is a number that you choose. Here it is
# 0.1, small enough that no step goes too far; lesson 6 shows what happens if it is too large.

# %%
w = 0.25
for step in range(61):
    loss, g_w = loss_and_gradient(w, 2.0, 0.8)
    if step % 10 == 0:
        print(f"step {step}: w = {w:.4f}, loss = {loss:.8f}")
    w = w - 0.1 * g_w
assert loss < 1e-6

# %% [markdown]
# ## What you now know
#
# - The backward sweep starts at the loss with 1, and goes from the last operation to the first.
# - One sweep gives the gradients of all weights.
# - A tensor remembers the operation that made it. `None` means that there is no path.
#
# ## Exercises
#
# No check looks at these; each says how you see that you are right. In a file of your own, beside
# the lessons, `lesson = my_work("the_chain")` (from `tinygrad_mo.learn`) gives you the functions of
# this lesson: `lesson.chain_and_gradients(...)`.
#
# 1. *All three gradients.* The small network has three inputs: w, x and target. Write a function
#    that returns all three gradients. Right if `tg.gradients` gives the same, and if you can say
#    why the gradient of target is minus that of y.
# 2. *Longer and longer.* Take x = 0.5 and n layers that all have the weight 0.9. Print the gradient
#    of the first weight for n = 1, 2, 4, 8, 16, 32. Right if it becomes smaller and smaller, and if
#    from 40 to 41 layers it is multiplied by nearly 0.9. With the weight 1.1 it becomes smaller
#    even faster, although 1.1 is larger than 1. Why? Look at the values in the chain, too.
# 3. *Train a chain.* Three weights, x = 1, and the value at the end shall be 0.3. The loss is the
#    square of the error. What is the g with which the sweep starts now, instead of 1.0? Change
#    `chain_and_gradients` so that it takes it, or multiply afterwards. Right if the loss falls
#    below 1e-6.
# 4. *(long)* *The other direction.* One can also go forward. If w grows by 1, how much does each
#    value grow? Begin with 1 at one weight, and carry this number through the chain: at each
#    operation, multiply it by the slope (a pullback gives it to you: `pull(1.0)`). Write
#    `slope_of_the_end(weights, x, n)` for weight number n, and count the operations that you need
#    for all 100 gradients. Right if all of them agree with `chain_and_gradients` to 12 places, and
#    if your count grows with the square of the number of weights, that of the sweep only in
#    proportion. When would you choose this direction?
#
# In this lesson each value was used only once. What if a value is used twice?
#
# Next: lesson 3. There a simple sweep goes wrong.
