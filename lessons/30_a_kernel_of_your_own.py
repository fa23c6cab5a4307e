# %% [markdown]
# # Lesson 30: A kernel of your own
#
# At the end you have written a product of two matrices three times: in C, for a GPU as everybody
# writes it first, and for a GPU with *tiles*. You know what threads, blocks, shared memory and
# barriers are, because you have built a small GPU in Python. And you can say, before you write a
# kernel, what limits it.
#
# You need: the floor (lesson 29). A C compiler is welcome, but the lesson runs without. No GPU is
# needed.

# %%
import ctypes
import itertools
import math
import tempfile
from pathlib import Path

import numpy as np

from tinygrad_mo.compiled import library  # what builds the library's own C
from tinygrad_mo.learn import my_work
from tinygrad_mo.platforms import compiling  # what a compiler is told here

# %% [markdown]
# ## The question
#
# A **kernel** is a small program for one operation on arrays, close to the machine. What must one
# think of that NumPy thought of for us? We take the most important operation of all:
#
#     result[i, j] = the sum over k of x[i, k] * y[k, j]
#
# ## Where a number lies
#
# Memory is one long row of numbers. NumPy's arrays lie in it row by row: first all of row 0, then
# all of row 1. In C there is only the long row, and one must say which place one means. x has
# `rows` x `inner` numbers, y has `inner` x `columns`, the result has `rows` x `columns`.
#
# **Your turn.** At which places are x[i, k], y[k, j] and result[i, j]? Write texts with +, * and
# the names i, j, k, rows, columns, inner. They become a part of the C text below.


# %%
def places():
    # YOUR TURN: return a dict with the keys "x", "y" and "result", and a text for each.
    raise NotImplementedError("YOUR TURN")


# %%
def c_text(order):
    """The product in C, with its three loops in this order, such as "ijk"."""
    ends, at = {"i": "rows", "j": "columns", "k": "inner"}, places()
    loops = "".join(f"  for (num {n} = 0; {n} < {ends[n]}; {n}++)\n" for n in order)
    return f"""typedef long long num;
void product(num rows, num columns, num inner, const float *x, const float *y, float *result) {{
  for (num n = 0; n < rows * columns; n++) result[n] = 0;
{loops}    result[{at["result"]}] += x[{at["x"]}] * y[{at["y"]}];
}}
"""


print(c_text("ijk"))

# %% [markdown]
# ## Build it
#
# A C compiler makes a library of a text, and `ctypes` calls what is in it. The library of this
# course does the same with its own C when it is first used. Where there is no compiler, the next
# cells say so and go on.


# %%
def built(order):
    """The C function, or None and a word why there is none."""
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as room:
            Path(room, "product.c").write_text(c_text(order), "utf-8")
            options = ["-O3", *compiling(), "-shared", "product.c", "-o", "product.so"]
            library.run([[*library.find_compiler(), *options]], room)
            return ctypes.CDLL(str(Path(room, "product.so"))).product
    except (library.Missing, OSError, AttributeError) as error:
        print(f"No C kernel here ({error}). Read on: nothing below needs it.")
        return None


def call(function, x, y):
    x, y = (np.ascontiguousarray(one, np.float32) for one in (x, y))
    result = np.empty((len(x), y.shape[1]), np.float32)
    sizes = [ctypes.c_longlong(n) for n in (*result.shape, len(y))]
    function(*sizes, *(ctypes.c_void_p(array.ctypes.data) for array in (x, y, result)))
    return result


def odd_cases(random):
    """Products with sizes that fit nowhere, with nothing at all, and with NaN and infinity."""
    for rows, inner, columns in ((1, 1, 1), (5, 7, 3), (4, 9, 6), (0, 3, 2), (3, 0, 2), (2, 3, 0)):
        yield random.standard_normal((rows, inner)), random.standard_normal((inner, columns))
    x, y = random.standard_normal((5, 6)), random.standard_normal((6, 7))
    x[1, 2], y[3, 4], y[5, 0] = np.nan, np.inf, -np.inf
    yield x, y


np.seterr(invalid="ignore")  # infinity minus infinity is NaN, and here that is no accident
in_c = {order: built(order) for order in ("ijk", "ikj")}
for function in filter(None, in_c.values()):
    for x, y in odd_cases(np.random.default_rng(0)):
        assert np.allclose(call(function, x, y), x @ y, atol=1e-5, equal_nan=True)

# %% [markdown]
# Odd sizes, empty arrays, NaN, infinity: these are the cases in which kernels are wrong. Test them
# first.
#
# **Before you run the next cell, write down**: the two C kernels do the same multiplications, only
# the loops stand in another order. Which one is faster, and by how much?

# %%
speed, N = my_work("make_it_fast"), 256
a, b, out = (np.ones((N, N), np.float32) for _ in range(3))
jobs = {"NumPy": lambda: np.matmul(a, b, out=out)}
for order, function in in_c.items():
    if function is not None:
        jobs[order] = lambda function=function: call(function, a, b)
for name, job in jobs.items():
    print(f"{name:<6} {speed.cost(job) * 1e3:7.2f} ms of processor time")

# %% [markdown]
# With the order `ijk` the innermost loop jumps through y from row to row, and each jump fetches a
# whole line of memory for one number. With `ikj` it walks along y and the result, and the compiler
# can take eight numbers or more at a time. Where we have tried it, that was more than ten times as
# fast. NumPy does one thing more: it cuts the matrices into small squares that stay near the
# processor, and several cores work on them. (Here their processor times are added up.) Squares are
# what we do now, on a GPU.
#
# ## A GPU in Python
#
# A GPU has thousands of small processors. One writes a kernel from the view of *one thread*, mostly
# one thread for each number of the result. Threads come in **blocks**. The threads of a block have
# a small, fast memory in common (**shared memory**), and they can wait for one another: at a
# **barrier** nobody goes on before all of the block are there. Different blocks know nothing of one
# another. In which order threads and blocks run, nobody knows.
#
# In Python a thread can be a *generator*: a function with `yield` in it. Calling it makes the
# thread; `next(thread, "done")` runs it up to its next `yield`, and gives None there, or "done" if
# it has come to its end. So `yield` is our barrier.
#
# **Your turn.** Run a kernel. For each block, in the order given: make its shared memory, full of
# NaN (nobody may rely on what is in it), and a thread for each place in the block. Then, again and
# again, in the order given: run all threads up to the next barrier, and keep those that are not
# done. If some are done and others wait, they do not meet at one barrier: a ValueError.


# %%
def launch(kernel, blocks, threads, shared_shape, arguments, order=list):
    """Run kernel(block, thread, shared, *arguments) for all places in two grids."""
    # YOUR TURN: np.ndindex(*blocks) gives all places in a grid of the shape `blocks`. `order` takes
    # a list and returns it as it is, reversed, or mixed: order(list(np.ndindex(...))). About 10
    # lines.
    raise NotImplementedError("YOUR TURN")


# %%
class SlowMemory:
    """An array in the large memory of the GPU, which counts how often it is read."""

    def __init__(self, array):
        self.array, self.shape, self.reads = array, array.shape, 0

    def __getitem__(self, place):
        self.reads += 1
        return self.array[place]


TILE = 4


def simple_product(block, thread, shared, x, y, result):
    row, column = block[0] * TILE + thread[0], block[1] * TILE + thread[1]
    if row < x.shape[0] and column < y.shape[1]:  # blocks stand out over the edge of the result
        result[row, column] = sum(x[row, k] * y[k, column] for k in range(x.shape[1]))
    yield  # nobody needs this barrier, but without a yield it would be no thread


def on_gpu(kernel, x, y, order=list):
    """The product by a kernel, and how many numbers were read from slow memory."""
    result, slow = np.zeros((len(x), y.shape[1])), [SlowMemory(x), SlowMemory(y)]
    blocks = [math.ceil(n / TILE) for n in result.shape]
    launch(kernel, blocks, (TILE, TILE), (2, TILE, TILE), [*slow, result], order)
    return result, sum(memory.reads for memory in slow)


ORDERS = {"forward": list, "backward": lambda p: p[::-1], "mixed": lambda p: p[1::2] + p[::2]}


def wrong_orders(kernel, cases):
    """In which orders of threads and blocks a kernel gives something else than NumPy."""
    found = set()
    for name, (x, y) in itertools.product(ORDERS, cases):
        if not np.allclose(on_gpu(kernel, x, y, ORDERS[name])[0], x @ y, equal_nan=True):
            found.add(name)
    return sorted(found)


cases = list(odd_cases(np.random.default_rng(0)))
print("orders in which the simple kernel is wrong:", wrong_orders(simple_product, cases))
assert wrong_orders(simple_product, cases) == []

# %% [markdown]
# ## Tiles
#
# The simple kernel is right, but look at what it reads: each thread a whole row of x and a whole
# column of y. The threads of a block read the same rows and columns again and again.
#
# So let them read together. A block goes along `inner` in steps of TILE numbers. In each step every
# thread fetches one number of x and one of y into shared memory: these two squares are the tiles.
# Then each thread adds up TILE products from there.
#
#         inner ->            columns ->
#       +---+---+---+           +---+
#       |   |   |   |   rows    | y |  inner       tile of x: rows of the block, TILE of inner
#       +---+---+---+           +---+              tile of y: TILE of inner, columns of the block
#       | x | x | x |  block    | y |
#       +---+---+---+           +---+
#
# **Your turn.** Count before you write: how many numbers are read from slow memory? x is read once
# for each column of blocks, y once for each row of blocks. (What lies over the edge is not read.)


# %%
def reads(rows, columns, inner, tile):
    # YOUR TURN: return the number of reads. math.ceil(columns / tile) are the columns of blocks.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# **Your turn.** Now the kernel. `shared[0]` is the tile of x, `shared[1]` that of y. A number over
# the edge of x or of y is 0 there, and is not read. After the fetching there is a barrier, since
# others need what I have fetched. After the adding there is one more, since others may not be done
# with the old tiles when I fetch the next ones. At the end, write the result, if it is inside.


# %%
def tiled_product(block, thread, shared, x, y, result):
    # YOUR TURN: (r, c) = thread. In a step that begins at `start`, this thread fetches
    # x[row, start + c] and y[start + r, column]. About 14 lines.
    raise NotImplementedError("YOUR TURN")


# %%
print("orders in which the tiled kernel is wrong:", wrong_orders(tiled_product, cases))
assert wrong_orders(tiled_product, cases) == []
for x, y in cases:
    sizes = len(x), y.shape[1], len(y)
    counted = [on_gpu(kernel, x, y)[1] for kernel in (simple_product, tiled_product)]
    print(f"rows, columns, inner {sizes}: simple {counted[0]} reads, tiled {counted[1]}")
    assert counted == [reads(*sizes, 1), reads(*sizes, TILE)]

# %% [markdown]
# The same numbers, with a fraction of the reads. In CUDA, the language of NVIDIA's GPUs, it is the
# same text, seen by one thread. A block is `blockIdx`, a thread in it `threadIdx`, `yield` is
# `__syncthreads()`, and the rest is C:
#
#     #define TILE 16
#     extern "C" __global__ void tiled_product(int rows, int columns, int inner, const float *x,
#                                              const float *y, float *result) {
#         __shared__ float tile_x[TILE][TILE], tile_y[TILE][TILE];
#         int r = threadIdx.y, c = threadIdx.x;
#         int row = blockIdx.y * TILE + r, column = blockIdx.x * TILE + c;
#         float total = 0.0f;
#         for (int start = 0; start < inner; start += TILE) {
#             bool in_x = row < rows && start + c < inner;
#             bool in_y = start + r < inner && column < columns;
#             tile_x[r][c] = in_x ? x[(long long)row * inner + start + c] : 0.0f;
#             tile_y[r][c] = in_y ? y[(long long)(start + r) * columns + column] : 0.0f;
#             __syncthreads();
#             for (int k = 0; k < TILE; k++) total += tile_x[r][k] * tile_y[k][c];
#             __syncthreads();
#         }
#         if (row < rows && column < columns) result[(long long)row * columns + column] = total;
#     }
#
# ## Break it: a barrier is missing
#
# **Your turn, a prediction.** We take the first barrier out, or the second. And the second once
# more, but with an `inner` of at most TILE, so that there is one step only. Right or wrong?


# %%
def my_prediction():
    # YOUR TURN: a dict with the keys "first", "second" and "second, one step". Each value is
    # "right" or "wrong".
    raise NotImplementedError("YOUR TURN")


# %%
def without(number):
    """The tiled kernel without its first barrier (0) or its second one (1)."""

    def kernel(*arguments):
        for passed, _ in enumerate(tiled_product(*arguments)):
            if passed % 2 != number:
                yield
        yield

    return kernel


short = [(x, y) for x, y in cases if len(y) <= TILE]
tried = {"first": (0, cases), "second": (1, cases), "second, one step": (1, short)}
for key, said in my_prediction().items():
    number, some = tried[key]
    broken = wrong_orders(without(number), some)
    print(f"without the {key}: you said {said}, wrong in the orders {broken}")
    assert bool(broken) == (key != "second, one step")

# %% [markdown]
# Where a barrier is missing the numbers are wrong, or right by luck: with one step nobody fetches a
# second tile. On a real GPU the order of threads changes from run to run, and so does the luck. The
# tests of this library run the text of each CUDA kernel on a CPU, in three orders, as you did.
#
# ## The floor of a GPU
#
# One large GPU can do 67,000 billion operations and move 3,350 billion bytes in a second (NVIDIA's
# numbers for its H100, in single precision, without its special units for matrices). Two matrices
# of 4096 x 4096. **Write down:** from which tile on is it the arithmetic that takes longer?

# %%
OPERATIONS, BYTES, N, limited = 67e12, 3.35e12, 4096, []
work = speed.floor_seconds(2 * N**3, 0, OPERATIONS, BYTES)
for tile in (1, 4, 16, 32, 64, 128, 256):
    moving = speed.floor_seconds(0, 4 * (reads(N, N, N, tile) + N * N), OPERATIONS, BYTES)
    print(f"tile {tile:>3}: arithmetic {work * 1e3:.2f} ms, moving {moving * 1e3:.2f} ms")
    limited += [tile] * (moving > work)
assert limited == [1, 4, 16, 32, 64]

# %% [markdown]
# With one thread per number and no tiles, moving takes 80 times as long as the arithmetic. (Real
# GPUs have caches, which help a simple kernel somewhat. We count as if there were none.) With a
# tile of 64 moving is still the longer one, with 128 no more. But a block may have at most 1024
# threads, 32 x 32. So real kernels let each thread work out several numbers, in its own registers:
# that is one more level of tiles. (The library's own product does so: `products.cu`, where a thread
# has EACH times EACH of them.)
#
# So one can say before writing what a kernel needs: little arithmetic per number that is moved (an
# addition, a relu): fuse it with its neighbours (lesson 29). Much of it (a product): tiles.
#
# ## What you now know
#
# - Memory is one long row; a kernel says itself which place it means. Walk along it.
# - A GPU runs blocks of threads, in any order. Shared memory is for a block, and full of rubbish at
#   the start; between writing and reading by others there is a barrier.
# - Odd sizes: threads over the edge fetch 0 and write nothing. Test with 1, with 0, NaN, infinity.
# - Tiles divide the reads by their side. The floor says from where on more tiles are useless.
#
# ## Exercises
#
# 1. Give C the order "jki". Right if it passes the same tests. Before you measure it: where does
#    its innermost loop jump?
# 2. Write a kernel for `launch` that adds up an array of any length: block b has 8 threads and
#    takes 8 numbers, in shared memory half of the threads add the other half's number to theirs,
#    then a quarter, then one. One result for each block. Right if it agrees with NumPy for the
#    lengths 1, 7, 8, 21, in all three orders. Which barriers can be taken out without harm?
# 3. Fetch the tile of y turned over: y[start + c, column of r]. Which reads lie side by side for
#    neighbouring threads (c and c + 1) now, and which before? Right if the kernel still passes, and
#    you can say why a GPU, which fetches 32 neighbours at once, likes the one and not the other.
# 4. (long) Make an op of your C kernel (lesson 29): value by C, and both pullbacks by C, too. (The
#    gradient has an axis for the losses in front: call C for each row.) Right if `tg.gradients` of
#    a loss gives what `tg.ops.matmul` gives, to five places, and a network trains with it.
#
# Next: more than one processor. You train one network with several processes.
