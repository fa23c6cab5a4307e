# %% [markdown]
# # Lesson 0: Is it installed, and where does this course lead?
#
# At the end you know that your installation works, how a lesson is used, and what you will be able
# to build and to read after the last lesson.
#
# You need: a little Python. This package must be installed, as its README says.

# %% [markdown]
# ## How a lesson works
#
# Work on a copy of your own. In a terminal, `tinygrad-mo learn --start my_lessons` copies all
# lessons to a new folder, `my_lessons`. Go there (`cd my_lessons`). Two commands help you there:
#
# - `tinygrad-mo learn` shows your current task, says what is right, and gives hints.
# - `tinygrad-mo check 0` checks all your work in lesson 0.
#
# A lesson is a Python file. A line that starts with `# %%` begins a *cell*. Read a cell, run it,
# look at what it prints. There are three ways:
#
# - Open the file in an editor that knows cells (VS Code, Spyder) and run one cell after the other.
# - Run the whole file in a terminal: `python 00_is_it_installed.py`
# - Read it as a notebook: `tinygrad-mo notebook 0` makes one, or says what to install for it. What
#   is checked is your code in the `.py` file, not that in the notebook.
#
# Lines that start with `assert` are tests: if what they say is true, nothing happens. You can skip
# them when you read.
#
# Often the text asks you to *predict* a result. Write your guess on paper before you run the cell.
# A wrong guess is good: it shows you the place where there is something to learn.

# %%
import importlib.util  # finds out whether a package is installed
import sys  # knows the version of Python

import numpy as np  # arrays of numbers; everything in this course is made of them

import tinygrad_mo as tg  # the library of this course

print("Python", sys.version.split()[0])
print("NumPy", np.__version__)
print("tinygrad_mo", tg.__version__)
assert sys.version_info >= (3, 11), "tinygrad_mo needs Python 3.11 or newer"

# %% [markdown]
# Three versions and no error: it is installed.
#
# Two more packages draw pictures. They come along if you install with `[viz]`, as the README does:
# `python -m pip install ".[viz]"`. The lessons run without them. What they would draw is then left
# out, and you read the numbers.

# %%
for package, use in [
    ("matplotlib", "draws charts into files"),
    ("pygraphviz", "decides where the boxes of a network stand"),
]:
    found = importlib.util.find_spec(package) is not None
    print(f"{package}: {'installed' if found else 'not installed'} ({use})")

# %% [markdown]
# ## The data
#
# Real data ship with the package. Nothing is downloaded. Here are 1797 handwritten digits. Each is
# a picture of 8 times 8 numbers, from 0 (white) to 16 (black). We print the first one, dark pixels
# as dark characters.

# %%
digits = tg.data.load("digits")
print(len(digits.image), "pictures. The first one is a", digits.digit[0])
for row in digits.image[0]:
    print("".join(" .:-=+*#%@"[pixel * 9 // 16] * 2 for pixel in row))
assert digits.image.shape == (1797, 8, 8)

# %% [markdown]
# ## A network with two outputs
#
# The network gets a picture. It answers two questions: *which digit is it*, and *is it even?*
#
#                            +--> digit: 10 numbers --> loss of digit --+
#     picture --> shared ----+                                          +--> one number
#                            +--> even:   1 number  --> loss of even  --+
#
# A *loss* is a number that says how wrong an answer is. There are two losses. Training makes one
# number small, and that number is built from both: 1.0 times the loss of digit plus 0.5 times the
# loss of even.
#
# You do not need to understand the code yet. Lessons 1 to 5 build everything that is below it,
# lessons 6 and 8 explain the lines themselves. Training takes a moment.

# %%
tg.set_random_seed(0)  # the same random numbers in every run

picture = tg.Input((64,), name="picture")
shared = tg.layers.Dense(32, activation="relu", name="shared")(picture)
digit = tg.layers.Dense(10, activation="softmax", name="digit")(shared)
even = tg.layers.Dense(1, activation="sigmoid", name="even")(shared)
model = tg.Model(picture, [digit, even])
model.compile(
    "adam",
    {"digit": "sparse_categorical_crossentropy", "even": "binary_crossentropy"},
    loss_weights={"digit": 1.0, "even": 0.5},
    metrics="accuracy",
)

x = digits.image.reshape(-1, 64) / 16
y = {"digit": digits.digit, "even": digits.digit % 2 == 0}
known, new = ~digits.test, digits.test  # pictures to learn from, and others; ~ means: not
new_y = {name: labels[new] for name, labels in y.items()}
recorder = tg.FlowRecorder(every=15)
model.fit(
    x[known],
    {name: labels[known] for name, labels in y.items()},
    epochs=10,
    verbose=0,
    callbacks=[recorder],
)
result = model.evaluate(x[new], new_y, return_dict=True)
print(f"right on pictures that it has never seen: digit {result['digit_accuracy']:.0%}, ", end="")
print(f"even {result['even_accuracy']:.0%}")
commonest = np.bincount(digits.digit).max() / len(digits.digit)
print(f"someone who always says the commonest digit: digit {commonest:.0%}")
assert result["digit_accuracy"] > 0.85 and result["even_accuracy"] > 0.8 and commonest < 0.11

# %% [markdown]
# More than 85 of 100 digits are right, on pictures that the network never saw. Whoever does not
# look at the picture gets about 10 of 100.
#
# ## What this course is about
#
# Each loss sends a *gradient* back into the network. The gradient says how every weight must
# change. Which loss trains which weights? The library can say it.
#
# Before you run the next cell, look at the drawing of the network above. Write down: which loss
# can change the weights of the box `shared`? Which one those of `digit`? Which one those of `even`?

# %%
flow = model.gradient_flow(x[new], new_y)
print(flow.table())
assert flow.reaches("digit", "shared") and flow.reaches("even", "shared")
assert not flow.reaches("digit", "even")

# %% [markdown]
# Each line is one array of weights: the name of its box in the drawing, then its own name. (What
# `kernel` and `bias` are comes in lesson 6.) The columns `digit` and `even` say how strongly each
# loss pulls at it. Both losses pull at `shared`. A dash means: there is no path from this loss to
# these weights. The last two columns are for lessons 9 and 11.
#
# ## Your first hole
#
# Holes are functions whose body you write. Take the line `raise ...` away and put your own line
# there. Then run the cell, and the one below. `tinygrad-mo check 0` tells you whether it is right.
#
# If you run the whole file before that, it stops here with `NotImplementedError: YOUR TURN`. That
# is no fault: it stops at the first empty hole.


# %%
def loss_without_path():
    """Which loss has no path to the weights called digit/kernel? Its name is a string."""
    # YOUR TURN: read the table above, then return "digit" or "even".
    raise NotImplementedError("YOUR TURN")


# %%
answer = loss_without_path()
print(f"You say: the loss {answer!r} has no path to digit/kernel.")
print("The library says:", "there is a path." if flow.reaches(answer, "digit") else "no path.")

# %% [markdown]
# ## The page
#
# The next cell writes the file `lesson00.html`. Open it with any web browser; it needs no internet.
# Before you play with it, predict: if the weight of the loss `even` becomes 0, what happens to the
# arrows in the branch of `digit`, in the branch of `even`, and to the left of `shared`?

# %%
try:
    flow.save("lesson00.html", snapshots=recorder.flows)
    print("Written: lesson00.html. Open it in a browser.")
except ImportError as error:  # a package is missing: the numbers below tell the same
    print("No page was written:", error)

# %% [markdown]
# Four things to do on the page:
#
# 1. Find the two losses at the right end. Follow the arrows from right to left.
# 2. Drag the slider of `even` down to 0. The arrows change at once.
# 3. Click the box `shared`. A drawing shows how the two pulls add up.
# 4. Click a step in the chart *Through training*. The whole page shows that step.
#
# And here is point 2 in numbers, for those without a page.

# %%
print("size of the gradient     weight of even: 0.5        0")
for box in ("shared", "digit", "even"):
    before, after = flow.total(box), flow.total(box, {"even": 0.0})
    print(f"{box:<30}{before:>14.4f}{after:>9.4f}")
assert flow.total("digit") == flow.total("digit", {"even": 0.0})  # nothing changes here
assert flow.total("even", {"even": 0.0}) == 0  # this branch learns nothing
assert 0 < flow.total("shared", {"even": 0.0}) != flow.total("shared")

# %% [markdown]
# ## What you now know
#
# - The library works on your computer.
# - You read a cell, predict, run, and fill holes. `tinygrad-mo check 0` checks them.
# - A network with two outputs has two losses. The branch of `digit` feels only its own loss. The
#   part that both outputs share feels both.
#
# How does a loss find its way back through the network? That question takes five lessons, and it
# starts with one multiplication: lesson 1.
