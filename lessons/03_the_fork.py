# %% [markdown]
# # Lesson 3: The fork
#
# At the end you know what happens to gradients where one value is used twice: they add up. You also
# know why the backward sweep must visit the operations in a certain order. You have seen two sweeps
# without this order: one is far too slow, and one is wrong.
#
# You need: lesson 2 (the backward sweep along a chain).

# %%
import tinygrad_mo as tg
from tinygrad_mo import ops

# %% [markdown]
# ## Question: one value, two ways
#
# Here a is used twice. The wire forks.
#
#     a --+--> square --> s --+
#         |                   +--> add --> loss
#         +--> tanh ----> t --+

# %%
a = 1.0
s, (pull_square,) = ops.square(a)
t, (pull_tanh,) = ops.tanh(a)
loss, (pull_s, pull_t) = ops.add(s, t)
upper, lower = pull_square(pull_s(1.0)), pull_tanh(pull_t(1.0))
print(f"The upper way says {upper:.4f}, the lower way says {lower:.4f}.")
assert upper == 2.0

# %% [markdown]
# There are two ways from the loss back to a, and each gives a number. But a is one number. What is
# its gradient: the larger one of the two, their mean, their sum, their product? Put your guess into
# the first hole. A guess is never wrong for the checks; below you see what comes out.


# %%
def my_prediction():
    """Your guess: how does one get the gradient of a from the two numbers?"""
    # YOUR TURN: return "larger", "mean", "sum" or "product".
    raise NotImplementedError("YOUR TURN")


# %%
guesses = {
    "larger": max(upper, lower),
    "mean": (upper + lower) / 2,
    "sum": upper + lower,
    "product": upper * lower,
}
h = 1e-5
loss_right = ops.square(a + h)[0] + ops.tanh(a + h)[0]
loss_left = ops.square(a - h)[0] + ops.tanh(a - h)[0]
measured = (loss_right - loss_left) / (2 * h)  # the central difference of lesson 1
for word, number in guesses.items():
    print(f"{word:<8}{number:.6f}", "  <- you said" if word == my_prediction() else "")
print(f"it is   {measured:.6f}")
assert [word for word, number in guesses.items() if abs(number - measured) < 1e-6] == ["sum"]

# %% [markdown]
# It is the sum. If a grows, the change runs along both ways to the loss, and both changes arrive.
# So **at a fork, gradients add up**. You will meet this rule in every lesson from now on. Write it
# down as code.


# %%
def gradient_at_fork(a):
    """The gradient of a, where loss = square(a) + tanh(a)."""
    # YOUR TURN: forward and backward as in the first cell; then make one number of the two.
    raise NotImplementedError("YOUR TURN")


# %%
print(f"you say {gradient_at_fork(a):.6f}, measured {measured:.6f}")
assert abs(gradient_at_fork(a) - measured) < 1e-6

# %% [markdown]
# ## A graph that we can walk through
#
# By hand, we knew the way. A program needs a graph. A node holds a value, and it remembers from
# which nodes it was made, and the pullbacks. This is all that a `tg.Tensor` does, too.


# %%
class Node:
    def __init__(self, name, value, inputs=(), pullbacks=()):
        self.name, self.value, self.inputs, self.pullbacks = name, value, inputs, pullbacks


def apply(name, op, *inputs):
    """Run an operation on nodes, and make a node of the result."""
    value, pullbacks = op(*[node.value for node in inputs])
    return Node(name, value, inputs, pullbacks)


def ladder(levels):
    """a, then b = a + a, then c = b + b, and so on. Returns the first node and the last."""
    first = node = Node("a", 1.0)
    for level in range(1, levels + 1):
        node = apply("abcdefgh"[level % 8], ops.add, node, node)
    return first, node


a, d = ladder(3)
print("a =", a.value, "  d =", d.value)
assert d.value == 8.0

# %% [markdown]
# We call this graph a ladder. Every value on it is used twice.
#
#     a ==> add --> b ==> add --> c ==> add --> d
#
# The value doubles at each level, so d = 8 * a, and the gradient of a is 8.
#
# ## First try: walk every path
#
# The rule says: add up what comes along all ways. So let us walk all ways. The function calls
# itself for the inputs of a node, and adds what arrives to a dictionary. (`zip` goes through inputs
# and pullbacks side by side; `strict=True` is an error if one list is longer than the other.)

# %%
calls = []


def walk_every_path(node, g, gradients):
    calls.append(node.name)
    gradients[node] = gradients.get(node, 0.0) + g  # get: what is there, or 0.0 if nothing is
    for source, pull in zip(node.inputs, node.pullbacks, strict=True):
        walk_every_path(source, pull(g), gradients)


gradients = {}
walk_every_path(d, 1.0, gradients)
print("gradient of a:", gradients[a])
print(len(calls), "calls:", *calls)
assert gradients[a] == 8.0 and len(calls) == 15

# %% [markdown]
# 8 is right. But look at the calls: 1 for d, 2 for c, 4 for b, 8 for a. How many are they for a
# ladder with another number of levels?


# %%
def number_of_calls(levels):
    """How many calls walk_every_path needs on a ladder with 1 or more levels."""
    # YOUR TURN: one line. With 3 levels the answer is 15. How much does one more level add?
    raise NotImplementedError("YOUR TURN")


# %%
for levels in (1, 2, 3, 4, 8, 12):
    calls.clear()
    walk_every_path(ladder(levels)[1], 1.0, {})
    print(f"{levels:>3} levels: {len(calls):>5} calls, you say {number_of_calls(levels)}")
assert len(calls) == 8191

years = (2**61 - 1) / 10_000_000 / (365 * 24 * 3600)
print(f"60 levels, with ten million calls in a second: {years:,.0f} years")
assert years > 7000

# %% [markdown]
# Each level doubles the number of paths. A ladder with 60 levels has only 61 nodes, but walking all
# its paths takes thousands of years. And real networks are like this: a residual network (lesson
# 17) has a fork in each block, and it can have many blocks.
#
# ## Second try: visit each node once
#
# So we stop if we have been at a node before. What arrives is still added, but not passed on again.
# Predict: which gradient will a have now, and how many calls are there?


# %%
def walk_once(node, g, gradients):
    calls.append(node.name)
    is_new = node not in gradients
    gradients[node] = gradients.get(node, 0.0) + g
    print(f"{node.name} receives {g}, has now {gradients[node]}", end="")
    print(", and passes it on" if is_new and node.inputs else "")
    if is_new:
        for source, pull in zip(node.inputs, node.pullbacks, strict=True):
            walk_once(source, pull(g), gradients)


calls.clear()
gradients = {}
walk_once(d, 1.0, gradients)
print(f"gradient of a: {gradients[a]}, with {len(calls)} calls")
assert gradients[a] == 2.0 and len(calls) == 7

# %% [markdown]
# It is fast now, but 2 is wrong. Read the lines: b passes its gradient on when it has received 1.
# Later b receives 1 again, but that is too late: nobody tells a. And there is no error message.
#
# So the rule has a second half. **A node may pass its gradient on only after it has received
# something from everyone who uses it.**
#
# ## The right order
#
# Put the nodes into a list, each node after all its inputs. This is called a *topological order*.
# If you then go through the list from the end, each node comes before its inputs. In other words:
# when its turn comes, all nodes that use it are done.
#
# Your function gets the last node. It must return a list with every node once. Go to the inputs
# first, and put the node into the list after them. And remember where you have been.


# %%
def topological_order(last):
    """All nodes that lead to the node `last`, each one after all its inputs."""
    # YOUR TURN: 8 to 12 lines. A function inside this one may call itself, as above.
    raise NotImplementedError("YOUR TURN")


# %%
print("order:", *[node.name for node in topological_order(d)])


def sweep(order):
    """The gradients of all nodes, for the last one of the list."""
    gradients = {order[-1]: 1.0}
    for node in reversed(order):
        for source, pull in zip(node.inputs, node.pullbacks, strict=True):
            gradients[source] = gradients.get(source, 0.0) + pull(gradients[node])
    return gradients


print("gradient of a:", sweep(topological_order(d))[a])
assert sweep(topological_order(d))[a] == 8.0

# %% [markdown]
# 8, and each node was visited once. Predict: how does this sweep do on the ladder with 60 levels?

# %%
first, last = ladder(60)
order = topological_order(last)
print(f"{len(order)} nodes, gradient {sweep(order)[first]:.0f}, and 2**60 is {2**60}")
assert len(order) == 61 and sweep(order)[first] == 2.0**60

# %% [markdown]
# Thousands of years have become an instant.
#
# ## Break it: is another order good enough?
#
# Here is an order that looks good: nodes near the loss first. First the loss, then its inputs, then
# their inputs. On the ladder it works. Now try it on this graph:
#
#     a ==> multiply --> u --+------------------+
#                            |                  +--> add --> loss
#                            +--> tanh --> v ---+


# %%
def nearest_first(last):
    found = [last]
    for node in found:  # the list grows while we go through it
        for source in node.inputs:
            if source not in found:
                found.append(source)
    return found


def graph_with_a_shortcut(swapped):
    a = Node("a", 1.0)
    u = apply("u", ops.multiply, a, a)
    v = apply("v", ops.tanh, u)
    return a, apply("loss", ops.add, *((v, u) if swapped else (u, v)))


# %% [markdown]
# We compute u + v, and then v + u. Both are the same number. Predict: do both sweeps find the same
# gradient of a?

# %%
true = 2 * (1 + 1 - ops.tanh(1.0)[0] ** 2)  # slope of a * a, times both ways from u
for swapped in (False, True):
    a, loss = graph_with_a_shortcut(swapped)
    near = nearest_first(loss)
    found, yours = sweep(near[::-1])[a], sweep(topological_order(loss))[a]
    print(f"{' '.join(node.name for node in near):<13} gives {found:.4f}, your order {yours:.4f}")
    assert (abs(found - true) < 1e-9) == swapped and abs(yours - true) < 1e-9
print(f"true is {true:.4f}, from the formulas of lesson 1")
assert abs(true - 2.84) < 0.001

# %% [markdown]
# With u + v, the node u is visited before v. It passes its gradient on before v has sent its part:
# wrong. With v + u it is right, but only by luck. The loss is near to u, but there is a longer way,
# too, and all ways count. Only the topological order is safe.
#
# The engine of the library uses it as well.

# %%
a = tg.Tensor(1.0)
u = a * a
print("tg.gradients:", tg.gradients(u + ops.tanh(u), a), tg.gradients(ops.tanh(u) + u, a))
assert tg.gradients(u + ops.tanh(u), a) == tg.gradients(ops.tanh(u) + u, a)

# %% [markdown]
# ## What you now know
#
# - At a fork, gradients add up.
# - Walking every path is right, but the number of paths doubles with each fork.
# - Visiting each node once is fast, but wrong if a node passes its gradient on too early.
# - In topological order, from the end, each node is visited once, and everything is right.
#
# ## Exercises
#
# No check looks at these; each says how you see that you are right. Work in a file of your own,
# beside the lessons. With `fork = my_work("the_fork")` (from `tinygrad_mo.learn`) it has all
# functions of this lesson, your own ones among them: `fork.ladder(3)`, `fork.sweep(order)`.
#
# 1. *Three uses.* Build the graph of loss = (a * a) * a with `apply`, and draw it. How many ways
#    lead from the loss to a? Right if `sweep` gives 12 for a = 2, and the central difference, too.
# 2. *Count the ways.* Write `ways(order)`: for each node, the number of ways that lead from the
#    last node to it. It is `sweep` without pullbacks. Right if the ladder with 60 levels has 2**60
#    ways to its first node, and if on the ladder with 12 levels the ways to all nodes, added up,
#    are the 8191 calls that you have counted.
# 3. *How many orders?* Build loss = square(a) + tanh(a) with `apply`. Write `is_topological(order)`
#    and try all 24 orders of its four nodes (`itertools.permutations`). Right if two of them pass,
#    and both give the same gradient of a. What do the other orders give, or say?
# 4. *(long)* *Without an order.* Write `sweep_by_counting(last)`. First count for each node how
#    many uses it has. In the sweep, a node that receives something counts one use less, and it
#    passes its gradient on when the last use has arrived. Nothing may call itself: use a list of
#    nodes that are ready. Right if it agrees with `sweep(topological_order(...))` on both graphs
#    with a shortcut, needs an instant for a ladder with 60 levels, and works on a chain of 50,000
#    `tanh`. What does `topological_order` do there?
#
# Until now all values were single numbers. With arrays there are forks that nobody has drawn.
#
# Next: lesson 4, arrays.
