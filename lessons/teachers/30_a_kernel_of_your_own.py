# %% [markdown]
# # Solutions to the exercises of lesson 30

# %%
import math

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work

np.seterr(invalid="ignore")
lesson = my_work("a_kernel_of_your_own")
cases = list(lesson.odd_cases(np.random.default_rng(0)))

# %% [markdown]
# ## Exercise 1
#
# The innermost loop goes over i: it jumps from row to row in x and in the result. It is the slowest
# of the three where we have tried it. (Without a compiler there is nothing to measure.)

# %%
function = lesson.built("jki")
if function is not None:
    for x, y in cases:
        assert np.allclose(lesson.call(function, x, y), x @ y, atol=1e-5, equal_nan=True)
    print("the order jki passes the same tests")

# %% [markdown]
# ## Exercise 2
#
# After the first barrier 8 numbers are there (0 over the end). Each round halves those that are
# left. Which threads add, must be decided inside: all of them come to each barrier.


# %%
def adding(block, thread, shared, x, to):
    (t,) = thread
    at = block[0] * 8 + t
    shared[t] = x[at] if at < len(x) else 0.0
    yield
    for half in (4, 2, 1):
        if t < half:
            shared[t] += shared[t + half]
        yield
    if t == 0:
        to[block[0]] = shared[0]


def without(number):
    """The kernel with one of its four barriers taken out."""

    def kernel(*arguments):
        for passed, _ in enumerate(adding(*arguments)):
            if passed != number:
                yield
        yield

    return kernel


def right_everywhere(kernel):
    for length in (1, 7, 8, 21):
        x = np.random.default_rng(length).standard_normal(length)
        for order in lesson.ORDERS.values():
            sums = np.zeros(math.ceil(length / 8))
            lesson.launch(kernel, (len(sums),), (8,), (8,), [x, sums], order)
            if not np.allclose(sums.sum(), x.sum()):
                return False
    return True


found = [right_everywhere(without(number)) for number in range(4)]
print("all barriers:", right_everywhere(adding), " one taken out:", found)
assert right_everywhere(adding) and found == [False, False, False, True]

# %% [markdown]
# (The last one may go: after it only thread 0 reads, and it reads what it has written itself.)
#
# ## Exercise 3
#
# Before, the neighbours c and c + 1 read y[k, column] and y[k, column + 1]: side by side. Turned
# over they read y[k, column] and y[k + 1, column]: `columns` numbers apart. A GPU fetches 32
# neighbours in one go if they lie side by side, and needs up to 32 goes if not. The result is the
# same.


# %%
def turned_product(block, thread, shared, x, y, result):
    (rows, inner), columns, tile = x.shape, y.shape[1], lesson.TILE
    r, c = thread
    row, column = block[0] * tile + r, block[1] * tile + c
    other = block[1] * tile + r
    total = 0.0
    for start in range(0, inner, tile):
        shared[0, r, c] = x[row, start + c] if row < rows and start + c < inner else 0.0
        in_y = start + c < inner and other < columns
        shared[1, c, r] = y[start + c, other] if in_y else 0.0
        yield
        total += sum(shared[0, r, k] * shared[1, k, c] for k in range(tile))
        yield
    if row < rows and column < columns:
        result[row, column] = total


assert lesson.wrong_orders(turned_product, cases) == []
print("the turned kernel is right in all orders")

# %% [markdown]
# ## Exercise 4 (long)
#
# The pullbacks are products, too: that of x is g times y turned over, that of y is x turned over
# times g. `call` makes the arrays contiguous, so turned ones may be given. Without a compiler NumPy
# takes the place of C here.

# %%
in_c = lesson.built("ikj")


def product(x, y):
    return lesson.call(in_c, x, y) if in_c is not None else np.float32(x @ y)


@tg.ops.op
def my_matmul(x, y):
    def pull_x(g):
        return np.stack([product(row, y.T) for row in g])

    def pull_y(g):
        return np.stack([product(x.T, row) for row in g])

    return product(x, y), (pull_x, pull_y)


random = np.random.default_rng(0)
x, w = random.standard_normal((9, 5)), random.standard_normal((5, 3))
tensors = [tg.Tensor(one, dtype="float32") for one in (x, w)]
slopes = [
    tg.gradients((multiply(*tensors) ** 2).mean(), tensors)
    for multiply in (my_matmul, tg.ops.matmul)
]
assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*slopes, strict=True))


class OwnDense(tg.layers.Layer):
    def make_weights(self, shape):
        self.kernel = self.add_weight("kernel", (shape[-1], 1), "glorot_uniform")

    def call(self, x):
        return my_matmul(x, self.kernel)


tg.set_random_seed(0)
numbers = tg.Input((5,), name="numbers")
model = tg.Model(numbers, OwnDense(name="own")(numbers))
model.compile(tg.optimizers.Adam(0.05), "mse")
data = random.standard_normal((256, 5)).astype(np.float32)
losses = model.fit(data, data @ w[:, :1].astype(np.float32), epochs=20, verbose=0).history["loss"]
print(f"a network with the own op: loss {losses[0]:.3f} -> {losses[-1]:.5f}")
assert losses[-1] < losses[0] / 100
