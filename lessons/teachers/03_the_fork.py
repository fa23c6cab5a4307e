# %% [markdown]
# # Lesson 3: The fork. Solutions of the exercises (for teachers)

# %%
import itertools
import sys

from tinygrad_mo import ops
from tinygrad_mo.learn import my_work

fork = my_work("the_fork")
Node, apply = fork.Node, fork.apply

# %% [markdown]
# ## Exercise 1
#
# Three ways lead from the loss to a: one through each of its uses. Each sends 2 * 2 = 4, for a = 2:
# the product of the other two factors.

# %%
a = Node("a", 2.0)
square = apply("a * a", ops.multiply, a, a)
cube = apply("loss", ops.multiply, square, a)
found = fork.sweep(fork.topological_order(cube))[a]
measured = ((2.0 + 1e-5) ** 3 - (2.0 - 1e-5) ** 3) / 2e-5
print(f"sweep {found}, measured {measured:.6f}")
assert found == 12 and abs(measured - 12) < 1e-6

# %% [markdown]
# ## Exercise 2
#
# Where the sweep multiplies with slopes, this one passes on what it has. So at forks it adds ways.


# %%
def ways(order):
    number = {order[-1]: 1}
    for node in reversed(order):
        for source in node.inputs:
            number[source] = number.get(source, 0) + number[node]
    return number


first, last = fork.ladder(60)
assert ways(fork.topological_order(last))[first] == 2**60
_, last = fork.ladder(12)
total = sum(ways(fork.topological_order(last)).values())
print("calls of walk_every_path on 12 levels, without walking:", total)
assert total == 8191 == fork.number_of_calls(12)
_, loss = fork.graph_with_a_shortcut(False)
print({node.name: number for node, number in ways(fork.topological_order(loss)).items()})
assert sum(ways(fork.topological_order(loss)).values()) == 8  # loss, u twice, v, a four times

# %% [markdown]
# ## Exercise 3
#
# a must be first and the loss last, s and t may be exchanged: two orders. 18 others do not end with
# the loss: sooner or later the sweep comes to a node of which nobody has told it anything, a
# KeyError. Four end with the loss, but a is not first. They are right, by luck: a has no inputs, so
# it does not matter that it had nothing to pass on when its turn came.

# %%
a = Node("a", 1.0)
s, t = apply("s", ops.square, a), apply("t", ops.tanh, a)
loss = apply("loss", ops.add, s, t)


def is_topological(order):
    place = {node: n for n, node in enumerate(order)}
    return all(place[source] < place[node] for node in order for source in node.inputs)


right, said = [], {}
for order in itertools.permutations([a, s, t, loss]):
    if is_topological(order):
        right.append(fork.sweep(order)[a])
        continue
    try:
        answer = f"{fork.sweep(order).get(a, 'nothing')}"
    except KeyError:
        answer = "KeyError"
    said.setdefault(answer, []).append(" ".join(node.name for node in order))
print("two topological orders:", right)
for answer, orders in said.items():
    print(f"{answer}: {len(orders)} orders, such as {orders[0]}")
assert len(right) == 2 and right[0] == right[1] == fork.gradient_at_fork(1.0)
assert len(said.pop("KeyError")) == 18 and [len(orders) for orders in said.values()] == [4]

# %% [markdown]
# ## Exercise 4 (long)
#
# Each node knows how many uses it is waiting for. The list `ready` has those that wait for nothing
# more. No order is made in advance: it comes out by itself. (In the field this is called Kahn's
# algorithm; in other engines each node counts its users in this way.)


# %%
def sweep_by_counting(last):
    waiting, to_do = {last: 0}, [last]
    for node in to_do:  # the list grows while we go through it
        for source in node.inputs:
            if source not in waiting:
                waiting[source] = 0
                to_do.append(source)
            waiting[source] += 1
    gradients, ready = {last: 1.0}, [last]
    while ready:
        node = ready.pop()
        for source, pull in zip(node.inputs, node.pullbacks, strict=True):
            gradients[source] = gradients.get(source, 0.0) + pull(gradients[node])
            waiting[source] -= 1
            if waiting[source] == 0:
                ready.append(source)
    return gradients


for swapped in (False, True):
    a, loss = fork.graph_with_a_shortcut(swapped)
    found, true = sweep_by_counting(loss)[a], fork.sweep(fork.topological_order(loss))[a]
    print(f"by counting {found:.6f}, in order {true:.6f}")
    assert found == true
first, last = fork.ladder(60)
assert sweep_by_counting(last)[first] == 2.0**60

first = node = Node("start", 0.5)
for _ in range(50_000):
    node = apply("n", ops.tanh, node)
found = sweep_by_counting(node)[first]
print(f"a chain of 50,000: {found:.3e}; Python allows {sys.getrecursionlimit()} calls in a row")
assert found > 0
# The function of the lesson that calls itself ends with a RecursionError here; lesson 5 shows that.
