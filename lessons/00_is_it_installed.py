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
# - Work in a notebook: `tinygrad-mo notebook 0` makes one, or says what to install for it. Then
#   work in the notebook or in the file. The one that has all of your work counts, for all commands.
#   If each has something of its own, you are asked: `learn` lets you choose. In the notebook, the
#   cell behind each hole checks it, too.
#
# Lines that start with `assert` are tests: if what they say is true, nothing happens. You can skip
# them when you read. If one stops with `AssertionError`, something above it is not right yet:
# `tinygrad-mo check 0` says what.
#
# Often the text asks you to *predict* a result. Write your guess on paper before you run the cell,
# or into a function with the name `my_prediction`. A wrong guess is good: it shows you the place
# where there is something to learn. Nobody and nothing counts your wrong guesses.

# %%
import importlib.util  # finds out whether a package is installed
import sys  # knows the version of Python

import numpy as np  # arrays of numbers; everything in this course is made of them

import tinygrad_mo as tg  # the library of this course
from tinygrad_mo.learn import page  # writes an interactive page

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
# loss of even. The factors 1.0 and 0.5 are the *loss weights*.
#
# You do not need to understand the code yet. Lessons 1 to 5 build everything that is below it,
# lessons 6 to 8 explain the lines themselves. Training takes a moment.

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
assert result["digit_accuracy"] > 0.85 and result["even_accuracy"] > 0.8

# %% [markdown]
# More than 85 of 100 digits are right, on pictures that the network never saw.
#
# ## What this course is about
#
# Inside each box are numbers that the network learns, its *weights*. Each loss sends a *gradient*
# back into the network. (They are not the loss weights: those two you choose, these thousands are
# learned.) The gradient says how every weight must change. Which loss trains which weights? The
# library can say it.
#
# ## Your first hole: a prediction
#
# Holes are functions whose body you write. Take the line `raise ...` away and put your own line
# there. Then run the cell, and the one below. `tinygrad-mo check 0` tells you what is right.
#
# If you run the whole file before that, it stops here with `NotImplementedError: YOUR TURN`. That
# is no fault: it stops at the first empty hole.
#
# Look at the drawing of the network above. Which loss can change the weights of the box `shared`?
# Which one those of `digit`? Which one those of `even`? Write one of three words behind each name.


# %%
def my_prediction():
    """For each box: which loss trains it? "digit", "even" or "both"."""
    # YOUR TURN: return {"shared": "...", "digit": "...", "even": "..."} with your words.
    raise NotImplementedError("YOUR TURN")


# %%
flow = model.gradient_flow(x[new], new_y)
for box, word in my_prediction().items():
    found = [loss for loss in ("digit", "even") if flow.reaches(loss, box)]
    print(f"{box:<7} you said: {word:<6} the library says:", " and ".join(found))
print(flow.table())
assert flow.reaches("digit", "shared") and flow.reaches("even", "shared")
assert not flow.reaches("digit", "even")

# %% [markdown]
# Each line is one array of weights: the name of its box in the drawing, then its own name. (What
# `kernel` and `bias` are comes in lesson 6.) The columns `digit` and `even` say how strongly each
# loss pulls at it. Both losses pull at `shared`. A dash means: there is no path from this loss to
# these weights. The last two columns, and the words below the table, are for lessons 9 and 11.
#
# ## Your second hole: read the table
#
# This one has a right answer, and the check knows it.


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
# Before you play with it, predict: if the loss weight of `even` becomes 0, what happens to the
# arrows in the branch of `digit`, in the branch of `even`, and to the left of `shared`?

# %%
page("lesson00.html", flow, snapshots=recorder.flows)

# %% [markdown]
# Four things to do on the page:
#
# 1. Find the two losses at the right end. Follow the arrows from right to left.
# 2. Drag the slider of `even` down to 0. The arrows change at once.
# 3. Click the box `shared`. A drawing shows how the two pulls add up.
# 4. Click a step in the chart *Through training*. The whole page shows that step.
#
# And here is point 2 in numbers, for those without a page. Here the two arrays of a box are
# measured together, kernel and bias; so the number of `shared` is a bit larger than that of
# `shared/kernel` in the table.

# %%
print("size of the gradient     loss weight of even: 0.5   0")
for box in ("shared", "digit", "even"):
    before, after = flow.total(box), flow.total(box, {"even": 0.0})
    print(f"{box:<30}{before:>14.4f}{after:>9.4f}")
assert flow.total("digit") == flow.total("digit", {"even": 0.0})  # nothing changes here
assert flow.total("even", {"even": 0.0}) == 0  # this branch learns nothing
assert 0 < flow.total("shared", {"even": 0.0}) != flow.total("shared")

# %% [markdown]
# ## Your third hole: is that good?
#
# Are 85 right answers of 100 good? A number says little if it stands alone. So compare it with
# somebody who does not look at the picture at all and always gives the same answer: the one that is
# right most often. How often is that right? Such a score to beat is called a *baseline*.
#
# The labels are a list or an array, such as [3, 1, 3, 2]. There, always saying 3 is right in half
# of the cases: 0.5. Count how often each label occurs; a dict is good for that. Take the largest
# count, and divide it by the number of labels.


# %%
def always_the_commonest(labels):
    """How often one is right who always says the commonest label: a number from 0 to 1."""
    # YOUR TURN: 5 to 7 lines. counts.get(label, 0) is what a dict has under label, or 0.
    raise NotImplementedError("YOUR TURN")


# %%
for name, labels in new_y.items():
    baseline = always_the_commonest(labels)
    print(f"{name:<6} always the same {baseline:.0%}, network {result[name + '_accuracy']:.0%}")
    assert baseline < result[name + "_accuracy"] - 0.3

# %% [markdown]
# Without a look at the picture one gets about 10 of 100 digits. The question *is it even?* is much
# easier to guess: about half of the digits are even. So "85 of 100" means more for digits than it
# would mean for even.
#
# ## What you now know
#
# - The library works on your computer.
# - You read a cell, predict, run, and fill holes. `tinygrad-mo check 0` checks them.
# - A network with two outputs has two losses. The branch of `digit` feels only its own loss. The
#   part that both outputs share feels both.
#
# ## Exercises
#
# Every lesson ends with exercises. No check looks at them; each says how you see that you are
# right. Here, copy this file to a new name, such as `mine.py`, and change the copy.
#
# 1. *Chance.* `tg.set_random_seed(0)` decides the weights at the start. Train with the seeds 0, 1
#    and 2, and print how many digits are right. Right if the three numbers differ, and if all are
#    above 85 of 100. What can you not say any more, now that you know how much they differ?
# 2. *Switch a loss off.* Train with `loss_weights={"digit": 1.0, "even": 0.0}`. Predict what
#    happens to the weights of the box `even` (`model.get_layer("even").kernel.numpy()`, before and
#    after `fit`). Right if they are the same number by number; and the digits, do they get better?
# 3. *A third question.* Add an output `large`: is the digit larger than 4? It reads `shared`, with
#    the same layer and loss as `even`. Draw the new network, and predict each dash of the new
#    table. Right if your dashes are those of `flow.table()`.
# 4. *(long)* *A rival.* Write a program without any network: for each new picture it looks for the
#    known picture that is most like it (the sum of the squared differences of all 64 numbers is
#    smallest), and says the digit of that one. How many are right? Then draw three digits of your
#    own as arrays of 8 times 8 numbers, and ask both, the network and your program. Right if your
#    program has more than 95 of 100 digits right. So why does one train networks? Think of the time
#    for one answer, and of a million known pictures.
#
# How does a loss find its way back through the network? That question takes five lessons.
#
# Next: lesson 1. It starts with one multiplication.
