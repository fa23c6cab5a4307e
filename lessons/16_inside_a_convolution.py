# %% [markdown]
# # Lesson 16: Inside a convolution
#
# At the end you have built a convolution in two ways, with its gradient, and a gradient check has
# tested it. Then your convolution reads letters, and answers two questions about each of them.
#
# You need: an operation is a value and its pullbacks (lesson 1), gradients with a row for each loss
# (lesson 5), layers (lesson 6), and one network with two outputs (lessons 8 and 9).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import my_work, picture
from tinygrad_mo.systems import omniglot

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

# %% [markdown]
# ## A window slides over a picture
#
# The question: how does a network find a stroke in a picture, wherever it is?
#
# It takes a small table of numbers, the **kernel**. It lays the kernel on a part of the picture,
# the **window**, multiplies each number with the pixel below it, and adds up the products. Then the
# window moves on by one pixel. The sums are a new picture.
#
# Here is a picture with a vertical line, and a kernel of 3x3 numbers:
#
#     0 0 1 0 0
#     0 0 1 0 0        -1 0 1
#     0 0 1 0 0        -1 0 1
#     0 0 1 0 0        -1 0 1
#     0 0 1 0 0
#
# Before you go on, write down: how many rows and columns does the new picture have? And which
# numbers are in its first row?
#
# In networks there are more axes. A batch of pictures is (batch, height, width, channels); a grey
# picture has one channel. The kernel is (size, size, channels, filters): a table for each pair of
# an input channel and a filter, and each filter makes one channel of the new picture.
#
# **Your turn.** This is a long one. Look at the sum in another way: all windows together. The
# kernel's corner `kernel[0, 0]` meets the picture without its last two rows and columns. `kernel[0,
# 1]` meets the same part, moved by one column. So a convolution is a sum of moved pictures, one for
# each place `(r, c)` in the kernel. Each is multiplied with `kernel[r, c]`, a matrix (channels,
# filters): `part @ kernel[r, c]` does this for all pixels at once. Start with zeros of the type
# `x.dtype`.


# %%
def convolve_by_shifts(x, kernel):
    # YOUR TURN: return the new pictures, (batch, height - size + 1, width - size + 1, filters).
    raise NotImplementedError("YOUR TURN")


line = np.zeros((1, 5, 5, 1))
line[0, :, 2, 0] = 1
left_to_right = np.array([[-1.0, 0.0, 1.0]] * 3)[:, :, None, None]
answer = convolve_by_shifts(line, left_to_right)
print(answer[0, :, :, 0])
assert answer[0, :, :, 0].tolist() == [[3.0, 0.0, -3.0]] * 3

# %% [markdown]
# The kernel answers 3 where it gets brighter from left to right, and -3 where it gets darker. The
# same kernel works at all places, so 9 numbers are enough for any size of picture. That is another
# kind of sharing: in lesson 14 a layer was called twice, here a kernel is used at each place.
#
# Now a real letter. It ships with the package, drawn with a free font. The second kernel is the
# first one turned: it finds edges from top to bottom.

# %%
glyphs = tg.data.load("glyphs")
letter = glyphs.image[:1, :, :, None] / 255.0
both = np.concatenate([left_to_right, left_to_right.swapaxes(0, 1)], axis=-1)
edges = convolve_by_shifts(letter, both)
print("from", letter.shape, "with a kernel", both.shape, "to", edges.shape)


def draw(figure):
    titles = "the letter", "filter 1: left to right", "filter 2: top to bottom"
    shown = letter[0, :, :, 0], edges[0, :, :, 0], edges[0, :, :, 1]
    looks = ("gray", 0, 1), ("RdBu_r", -4, 4), ("RdBu_r", -4, 4)  # red: positive, blue: negative
    for axes, title, numbers, look in zip(figure.subplots(1, 3), titles, shown, looks, strict=True):
        axes.imshow(numbers, cmap=look[0], vmin=look[1], vmax=look[2])
        axes.set_title(title)
        axes.set_axis_off()


picture("lesson16.png", draw, size=(8, 3))
value, _ = tg.ops.convolution(  # None: no bias
    letter, both, None, strides=(1, 1), padding="valid", dilation_rate=(1, 1)
)
assert np.allclose(edges, value)
print("the library finds the same numbers")

# %% [markdown]
# ## The same as one product of two matrices
#
# Computers are very fast at one thing: the product of two large matrices. (It is called GEMM,
# general matrix multiplication.) So libraries write a convolution as such a product. Each window
# becomes a row of a matrix, and each filter a column. This is called im2col, "image to columns".
#
# **Your turn.** Make that matrix. A row holds the numbers of one window: first `x` at kernel place
# (0, 0) with all channels, then at (0, 1), and so on. You have the moved pictures already: put them
# side by side along the channels, and then `reshape` them to a matrix. It must also work for a
# batch of 0 pictures: the library builds networks by trying each layer on an empty batch.
# (`reshape(a, -1)` cannot know how long the rest is if there is nothing: say both lengths.)


# %%
def windows(x, size):
    # YOUR TURN: return the matrix (batch * new height * new width, size * size * channels).
    raise NotImplementedError("YOUR TURN")


def convolve_by_matrix(x, kernel):
    """Each window as a row, times the kernel as a matrix."""
    size, _, channels, filters = kernel.shape
    new_height, new_width = x.shape[1] - size + 1, x.shape[2] - size + 1
    y = windows(x, size) @ kernel.reshape(size * size * channels, filters)
    return y.reshape(len(x), new_height, new_width, filters)


matrix = windows(letter, 3)
print(f"{letter.size} pixels became a matrix {matrix.shape} with {matrix.size} numbers")
assert letter.size == 784 and matrix.shape == (676, 9)
assert np.allclose(convolve_by_matrix(letter, both), edges)
print("both ways give the same numbers")

# %% [markdown]
# A pixel far from the edge is in 9 windows, so it stands in the matrix 9 times: we pay with memory.
#
# ## The way back
#
# A convolution has two inputs, so it needs two pullbacks. `g` is the gradient of the new pictures.
# It has one axis more, in front: the rows of lesson 5, one for each loss.
#
# - The kernel: `y = windows @ kernel` is a product of matrices, so `windows.T @ g` comes back (you
#   wrote this in lesson 14).
# - The pictures: forward, a part of `x` was multiplied with `kernel[r, c]` and went into `y`. Back,
#   `g @ kernel[r, c].T` goes to the same part of `x`. A pixel is in many windows (a fork!), so what
#   comes back is **added**.
#
# **Your turn.** Write the second one, another long one. `shape` is the shape of `x`. Start with
# zeros of the shape `(len(g), *shape)` and the type `g.dtype`.


# %%
def hand_back(g, kernel, shape):
    # YOUR TURN: return the gradient of x, (rows, batch, height, width, channels), from
    # g (rows, batch, new height, new width, filters).
    raise NotImplementedError("YOUR TURN")


def my_convolution(x, kernel):
    """The operation: the value, and a pullback for each of the two inputs."""
    filters = kernel.shape[-1]

    def pull_kernel(g):
        by_window = g.reshape(len(g), g[0].size // filters, filters)
        return (windows(x, len(kernel)).T @ by_window).reshape(len(g), *kernel.shape)

    return convolve_by_matrix(x, kernel), (lambda g: hand_back(g, kernel, x.shape), pull_kernel)


# %% [markdown]
# Is it right? `tg.check.check_op` (lesson 1) compares a pullback with finite differences: it moves
# a whole input a little forward and backward along a random direction, and looks how the output
# changes. It needs float64, because differences of nearly equal numbers lose digits. It says
# nothing if all is well.

# %%
random = np.random.default_rng(0)
some_x, some_kernel = random.normal(size=(2, 6, 5, 3)), random.normal(size=(3, 3, 3, 4))
tg.check.check_op(tg.ops.Op(my_convolution), some_x, some_kernel)
print("the gradient check found no mistake")

# %% [markdown]
# And your engine of lesson 5? An operation is a value and its pullbacks, so it takes this one, too.

# %%
engine = my_work("the_engine")
x_node, kernel_node = engine.Node(name="x"), engine.Node(name="kernel")
loss = tg.ops.mean(tg.ops.square(tg.ops.Op(my_convolution)(x_node, kernel_node)))
plan = engine.make_plan([loss])
tape = engine.forward(plan, {x_node: some_x, kernel_node: some_kernel})
back = engine.backward(plan, tape, engine.seed_rows(plan, [loss]))
print("on your engine:", back[plan.slots[x_node]].shape, back[plan.slots[kernel_node]].shape)
assert back[plan.slots[x_node]].shape == (1, 2, 6, 5, 3)

# %% [markdown]
# A check that never fails is worth nothing. So break it: we hand back with a kernel that is turned
# by half a circle. This is a common mistake. All shapes fit, and no error comes, only the numbers
# are wrong. **Before you run the cell, write down** what you expect to read.


# %%
def turned_convolution(x, kernel):
    y, (_, pull_kernel) = my_convolution(x, kernel)
    return y, (lambda g: hand_back(g, kernel[::-1, ::-1], x.shape), pull_kernel)


try:
    tg.check.check_op(tg.ops.Op(turned_convolution), some_x, some_kernel)
    raise RuntimeError("the check has missed a wrong gradient")
except tg.check.GradientError as error:
    print(error)
    assert "the gradient of input 0" in str(error)

# %% [markdown]
# It names the operation and the input: input 0 is `x`. The kernel's gradient was still right.
#
# ## Your convolution reads letters
#
# A layer of your own needs two methods: `make_weights` creates the weights when the first input is
# known, and `call` computes. `tg.ops.Op(...)` makes an operation of a function.


# %%
class MyConvolution(tg.layers.Layer):
    def __init__(self, rule, name):
        super().__init__(name=name)
        self.operation = tg.ops.Op(rule)

    def make_weights(self, shape):
        self.kernel = self.add_weight("kernel", (3, 3, shape[-1], 8))

    def call(self, x):
        return self.operation(x, self.kernel)


# %% [markdown]
# The task: a picture shows one of 147 letters of 4 alphabets. The network gives two answers: which
# alphabet, and which letter. Each picture is a printed letter, bent by random numbers as if drawn
# by hand. Some drawings are held back for testing.
#
# `MaxPooling2D(2)` takes the largest of each 2x2 pixels, `ELU` is a smooth relu, `Flatten` makes
# one row of all pixels. The outputs are not yet probabilities: with `from_logits=True` the loss
# makes them.


# %%
def letter_model(rule):
    tg.set_random_seed(0)
    picture = tg.Input((24, 24, 1), name="picture")
    x = MyConvolution(rule, "conv_1")(picture)
    x = tg.layers.ELU()(tg.layers.MaxPooling2D(2)(x))
    x = tg.layers.ELU()(MyConvolution(rule, "conv_2")(x))
    x = tg.layers.Dense(64, name="embedding")(tg.layers.Flatten()(x))
    heads = [tg.layers.Dense(4, name="alphabet")(x), tg.layers.Dense(147, name="letter")(x)]
    model = tg.Model(picture, heads)
    loss = tg.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tg.optimizers.SGD(0.05), loss, metrics="accuracy")
    return model


task = omniglot.load(size=24, alphabets=4)
model = letter_model(my_convolution)
print(len(task.x["picture"]), "pictures to train on,", model.count_params(), "weights")
assert len(set(task.y["letter"])) == 147 and len(set(task.y["alphabet"])) == 4

# %% [markdown]
# Both losses go back through your convolutions. Before training, the loss of 147 letters is about
# ln(147) = 5.0, and that of 4 alphabets about ln(4) = 1.4.
#
# **Your turn.** Which of the two losses pulls harder at the kernels? A wrong guess is welcome.


# %%
def my_prediction():
    # YOUR TURN: return "alphabet", "letter" or "both alike".
    raise NotImplementedError("YOUR TURN")


# %%
flow = model.gradient_flow(*task.some(147))  # 147 held-back drawings
for name, classes in (("alphabet", 4), ("letter", 147)):
    pulls = [flow.norm(name, kernel) for kernel in ("conv_1/kernel", "conv_2/kernel")]
    print(f"{name:<9} loss {flow.values[name]:.1f}   gradient {pulls[0]:.3f} and {pulls[1]:.3f}")
    assert abs(flow.values[name] - np.log(classes)) < 0.4
for kernel in ("conv_1/kernel", "conv_2/kernel"):
    assert flow.norm("alphabet", kernel) > 1.2 * flow.norm("letter", kernel)
print(f"you said: {my_prediction()} - it is: alphabet")

# %% [markdown]
# The smaller loss pulls harder, at both kernels, here with the weights of one start. How large a
# loss is does not say how large its gradient is. (Lesson 19 says more about this.)
#
# Now train. In one sweep the sum of both gradients comes back through your functions.


# %%
def train(model):
    model.fit(task.x, task.y, epochs=6, verbose=0)
    result = model.evaluate(task.held_back_x, task.held_back_y, return_dict=True)
    alphabet, letter = result["alphabet_accuracy"], result["letter_accuracy"]
    print(f"right answers: alphabet {alphabet:.2f}, letter {letter:.2f}")
    return alphabet, letter


labels = task.held_back_y["alphabet"]
guess = np.bincount(labels).max() / len(labels)
print(f"the most frequent answer: alphabet {guess:.2f}, letter {1 / 147:.2f}")
alphabet, letter = train(model)
assert guess < 0.3 and alphabet > 0.5 and letter > 0.2

# %% [markdown]
# It reads. Now break it once more, and train with the wrong gradient: the turned kernel in
# `hand_back`. **Before you run the cell, write down**: what will the accuracy of the letters be?

# %%
_, letter = train(letter_model(turned_convolution))
assert letter > 0.1

# %% [markdown]
# It learns, too! Only `conv_1` gets a wrong gradient, and the other layers make up for it. (Is it
# worse than the right one? One training each cannot tell: exercise 4.) So a training that works
# does not prove that the gradient is right. Check it.
#
# ## What you now know
#
# - A convolution is a sum of moved pictures, each times one place of the kernel.
# - As im2col it is one product of two matrices: made for fast computers, but each pixel is stored
#   several times.
# - Back, each window hands its gradient to its pixels, and the shares of a pixel are added.
# - A network can learn with a wrong gradient. A gradient check finds what the accuracy hides.
# - A larger loss does not mean a larger gradient.
#
# ## Exercises
#
# 1. Write the stride: `convolve_with_stride(x, kernel, stride)`, from `convolve_by_shifts` in one
#    line, and then without computing what is thrown away. It is right if `tg.ops.convolution` with
#    `strides=(2, 2)` says the same.
# 2. Count: how many multiplications does a convolution of a 24 x 24 picture need, with 3 x 3
#    windows, 8 channels and 8 filters? And a `Dense` layer between the same arrays, and how many
#    weights has each? It is right if `.size` of your arrays says the same.
# 3. `hand_back` is a convolution, too: of g with a margin of zeros, with the kernel turned by half
#    a circle and its channels and filters exchanged. Write it with `convolve_by_shifts` and
#    `np.pad`. It is right if it agrees with `hand_back`. (So the mistake above, a turned kernel,
#    came from a true sentence in a wrong place.)
# 4. Is the training with the wrong gradient worse? `letter_model` always starts from seed 0: give
#    it an argument `seed`. Then train both networks with the same three seeds, and use `compared`
#    (lesson 13). It is right if your sentence names the difference and its interval.
# 5. (long) Write max pooling as an operation: of each 2 x 2 pixels the largest, and back to this
#    pixel alone. What do you do where two are equal? It is right if `check_op` finds no mistake, if
#    an empty batch passes, and if your layer of it can take the place of `MaxPooling2D` in the
#    network.
#
# Next: several branches look at one picture, and merge.
