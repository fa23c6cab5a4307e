# %% [markdown]
# # Lesson 28: Attention, and several labels
#
# At the end you can write attention and its gradient by hand. You have seen a question look into a
# text, and which loss trains which side. And you know why several labels at once need sigmoids: a
# softmax shares one whole.
#
# You need: softmax, sigmoid and their losses (lesson 7), operations with rows (lesson 5), several
# inputs (lesson 13), the difference between seeds (lesson 12).

# %%
import warnings

import numpy as np

import tinygrad_mo as tg
from tinygrad_mo import layers, ops
from tinygrad_mo.data.text import Vocabulary
from tinygrad_mo.learn import picture
from tinygrad_mo.systems import multi_label, question_answering
from tinygrad_mo.systems.system import Task

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

# %% [markdown]
# ## Question: where is Mary?
#
#     Mary went to the garden. John went to the office. Sandra went to the kitchen ...
#
# Four sentences, and only one of them matters. Which one? That depends on the question. A dense
# layer weighs its inputs, too, but always in the same way. Here the *question* must say how the
# sentences of the *text* are weighed.
#
# Python has something like this. A dictionary has keys and values, and you come with a query:
# `places["Mary"]`. It compares the query with the keys, and hands out the value of the one that is
# equal. But "equal" has no slope. So we make it soft:
#
# - query, keys and values are rows of numbers;
# - the *score* of a key is its inner product with the query (lesson 11): large if they point the
#   same way;
# - a softmax over the keys makes shares of the scores, the *weights* (not those of a layer);
# - what comes out is the mean of the values, with these weights.
#
# This is *attention*. Nothing in it is chosen, everything is weighed, so everything has a slope.
#
# ### The mask
#
# Texts have different lengths, so short ones are filled up, and what fills them up must get no
# share. A *mask* says True where there is something. Where it is False, the score becomes -1e9
# (minus a billion) before the softmax, and the share becomes 0.
#
# **Your turn.** One sample after the other lies along the first axis: query has the shape (samples,
# queries, width), key (samples, keys, width), value (samples, keys, any width). The mask has the
# shape (samples, keys), or is None.


# %%
def attend(query, key, value, mask=None):
    """What comes out, (samples, queries, any width), and the weights, (samples, queries, keys)."""
    # YOUR TURN: about 6 lines. key.swapaxes(-1, -2) exchanges the last two axes. mask[:, None]
    # has an axis for the queries. ops.softmax(scores)[0] is the softmax along the last axis.
    raise NotImplementedError("YOUR TURN")


# %%
query = np.array([[[0.0, 2.0]]])  # one sample, one query
key = np.array([[[0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]])  # two keys, two that fill up
value = np.array([[[10.0], [20.0], [0.0], [0.0]]])
y, shares = attend(query, key, value, np.array([[True, True, False, False]]))
print("weights", shares.round(3), "result", y.round(2))
assert np.allclose(shares[0, 0], [0.881, 0.119, 0, 0], atol=1e-3)

# %% [markdown]
# The first key points the way of the query, so most of the result is its value.
#
# ### Break it: without the mask
#
# **Before you run the next cell, write down:** the keys that fill up are 0, so their scores are 0.
# How large is their share, 0 or more?

# %%
y, shares = attend(query, key, value)
print("weights", shares.round(3), "result", y.round(2))
assert shares[0, 0, 2:].sum() > 0.19 and y[0, 0, 0] < 9.1

# %% [markdown]
# A score of 0 is a score like any other. Nothing warns, and the more a text is filled up, the more
# wrong the result is.
#
# ## The gradient of attention
#
# Three pullbacks, for query, key and value. g arrives at the result. Walk back through these three
# lines, from the top; W are the weights:
#
#     result = W @ value              value gets  W turned @ g
#                                     W     gets  g @ value turned             (call it a)
#     W      = softmax(scores)        scores get  W * (a - sum of W * a)       (call it s)
#     scores = query @ key turned     query gets  s @ key
#                                     key   gets  s turned @ query
#
# "Turned" means: the last two axes exchanged. The sum goes over the keys. Read the line in the
# middle: a says how the loss would grow with the share of each key, and `sum of W * a` is the mean
# of that over the present shares. A step goes against the gradient. So the score of a key rises if
# its value is better for the loss than the mixture that we have now.
#
# **Your turn.** Make an operation of it, without a mask: the value, and a tuple of three pullbacks.
# g has rows in front; since all axes count from the right, nothing else changes.


# %%
def attention(query, key, value):
    """The value of attend, and three pullbacks."""
    # YOUR TURN: about 10 lines. A small function inside, which makes s of g, serves two pullbacks.
    raise NotImplementedError("YOUR TURN")


# %%
random = np.random.default_rng(0)
# 2 samples, 3 queries, 5 keys
arrays = [random.standard_normal(shape) for shape in ((2, 3, 4), (2, 5, 4), (2, 5, 6))]
print(tg.check.check_op(ops.Op(attention), *arrays))

q, k, v = tensors = [tg.Tensor(array, dtype="float64") for array in arrays]
yours = (ops.Op(attention)(q, k, v) ** 2).mean()
theirs = (layers.Attention()([q, v, k]) ** 2).mean()  # the library wants the value second
mine, right = tg.gradients(yours, tensors), tg.gradients(theirs, tensors)
for name, a, b in zip(("query", "key", "value"), mine, right, strict=True):
    print(f"{name}: your gradient and the library's differ by {np.abs(a - b).max():.0e}")
    assert np.abs(a - b).max() < 1e-12

# %% [markdown]
# ### Break it: too sure
#
# What if the scores are large? We take the two real keys from above, and make the query 1, 3 and 10
# times as long. **Before you run the next cell, write down:** does the gradient of the query grow,
# too?

# %%
for factor in (1, 3, 10):
    _, shares = attend(factor * query, key[:, :2], value[:, :2])
    slope = attention(factor * query, key[:, :2], value[:, :2])[1][0](np.ones((1, 1, 1, 1)))
    print(f"{factor:>2} x: weights {shares[0, 0].round(4)}, gradient of the query {slope.ravel()}")
assert shares.max() > 0.999 and np.abs(slope).max() < 1e-6

# %% [markdown]
# One weight is 1, the other one is 0, and the gradient is gone. The key with the weight 1 *is* the
# mixture, so its a is the mean; and the other one is multiplied by 0. An attention that is too sure
# cannot learn any more where to look. Inner products grow with the width of the rows. So
# `layers.MultiHeadAttention` divides the scores by the square root of the width.
#
# ## A question looks into a text
#
# Stories of our own grammar (lesson 13 had several inputs; here they are a text and a question).
# Two outputs:
#
# - `answer`: where is the person that the question asks for? One of four places.
# - `occupied`: in which of the four places is anybody? Several labels at once, from the text alone.
#
# The query comes from the question, keys and values from the text. (`largest` takes of each number
# of the values the largest of all four sentences.)
#
#     question -> question_words -> query ---+
#                                            |
#     text -> text_words --+--> key ---> attention --> answer
#                          |                 |
#                          +--> value -------+
#                                 |
#                                 +--> largest --> occupied

# %%
people, places = question_answering.PEOPLE[:4], question_answering.PLACES[:4]
told = [one for one in question_answering.tell(2400, people, places) if "where" in one[1]]
texts, questions, answers = zip(*told, strict=True)
words = Vocabulary([*texts, *questions], 32)
x = {"text": words.ids(texts, 20), "question": words.ids(questions, 3)}
occupied = np.array([[float(place in text) for place in places] for text in texts])
y = {"answer": np.array([places.index(word) for word in answers]), "occupied": occupied}
# a story is held back with all questions about it
task = Task.split(x, y, np.array([texts.index(text) % 5 == 0 for text in texts]))
print(told[0], occupied[0], "- to learn from:", len(task.y["occupied"]))


def build():
    text = layers.Input((20,), dtype="int32", name="text")
    question = layers.Input((3,), dtype="int32", name="question")
    read = layers.Embedding(32, 16, name="text_words")(text)
    sentences = layers.Reshape((4, 80))(read)  # 4 sentences, each of 5 words of 16 numbers
    key, value = layers.Dense(16, name="key")(sentences), layers.Dense(16, name="value")(sentences)
    asked = layers.Embedding(32, 16, name="question_words")(question)
    query = layers.Dense(16, name="query")(layers.Reshape((1, 48))(asked))  # one query
    look = layers.Attention(name="attention")
    mixture, shares = look([query, value, key], return_attention_scores=True)
    answer = layers.Dense(4, activation="softmax", name="answer")(layers.Flatten()(mixture))
    largest = layers.GlobalMaxPooling1D(name="largest")(value)
    several = layers.Dense(4, activation="sigmoid", name="occupied")(largest)
    model = tg.Model([text, question], [answer, several])
    losses = ["sparse_categorical_crossentropy", "binary_crossentropy"]
    model.compile(tg.optimizers.RMSprop(0.01), losses, {"answer": 1.0, "occupied": 0.2})
    return model, tg.Model([text, question], shares)  # the second one shows where it looks


# %% [markdown]
# ## Predict
#
# Which loss trains which of these layers?


# %%
def my_prediction():
    # YOUR TURN: behind each layer write "answer", "occupied" or "both".
    # {"question_words": ..., "query": ..., "key": ..., "value": ..., "text_words": ...}
    raise NotImplementedError("YOUR TURN")


# %%
right = []
for seed in range(3):
    tg.set_random_seed(seed)
    model, looker = build()
    model.fit(task.x, task.y, epochs=1, verbose=0)
    flow = model.gradient_flow(task.held_back_x, task.held_back_y)  # for later
    model.fit(task.x, task.y, epochs=7, verbose=0)
    said = model.predict(task.held_back_x)[0].argmax(axis=1)
    right.append(np.mean(said == task.held_back_y["answer"]))
most = np.mean([max(text.count(place) for place in places) / 4 for text in texts])
print(f"right, three seeds: {np.round(right, 2)}; always the fullest place: {most:.2f}")
assert min(right) > 0.95 and most < 0.6

# %% [markdown]
# With three seeds of three, attention answers nearly every question about stories that it has never
# read. Who does not look at the question can do no better than to name the fullest place.
#
# Where does the gradient of each loss go? `flow` was taken after the first epoch.

# %%
for layer, said in my_prediction().items():
    reached = [loss for loss in flow.losses if flow.reaches(loss, layer)]
    print(f"{layer:<16} you said {said:<10} it is {' and '.join(reached)}")
    assert len(reached) == (2 if layer in ("value", "text_words") else 1)

story = next(text for text in texts if all(place in text for place in places))
asked = [f"where is {person}" for person in people]
looked = looker.predict([words.ids([story] * 4, 20), words.ids(asked, 3)])[:, 0]
print(story, looked.round(2), sep="\n")
assert (looked.argmax(axis=1) == np.arange(4)).all()


def draw(figure):
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.4])
    left.imshow(looked, cmap="Greys", vmin=0, vmax=1)
    labels = {"xticklabels": story.split()[4::5], "yticklabels": asked}
    left.set(title="where it looks", xticks=range(4), yticks=range(4), **labels)
    flow.bars(right, by="layer")


picture("lesson28.png", draw, size=(10, 4))

# %% [markdown]
# The values are read by both, so both losses meet there and in `text_words`. But `query` and `key`,
# which say *where to look*, get a gradient from the loss of the answer alone: `occupied` reads the
# values and asks for no shares. (It is not without a say: the keys are made of `text_words`, and
# these it moves. So after a step, the same `key` may look elsewhere.)
#
# ## Several labels at once
#
# Attention shares one whole among the keys. A softmax at the end shares one whole among the
# classes. For `answer` that is right: a person is in one place. For `occupied` it would be wrong.
# How wrong, the slopes tell. y is a row of zeros and ones, and may hold several ones, or none.
#
# - A sigmoid for each label, and the mean of the binary cross-entropies over the K labels: the
#   slope at each logit is (p - y) / K (lesson 7).
# - A softmax with -sum(y * log(p)): if y has several ones, the slope is p * sum(y) - y.
#
# **Your turn.** z and y have the shape (samples, K).


# %%
def label_slopes(z, y):
    """The slopes at the logits z: with sigmoids, and with a softmax. Two arrays."""
    # YOUR TURN: three or four lines. ops.sigmoid(z)[0] and ops.softmax(z)[0] are the shares.
    raise NotImplementedError("YOUR TURN")


# %%
y = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])  # one label, two, none
of_sigmoids, of_softmax = label_slopes(np.zeros((3, 3)), y)
print("sigmoids", of_sigmoids.round(2).tolist(), "softmax", of_softmax.round(2).tolist(), sep="\n")
assert of_sigmoids[2].all() and not of_softmax[2].any()

# %% [markdown]
# Look at the last row, where no label is true. The sigmoids push all three down. The softmax has no
# slope at all: from "none of them" it learns nothing, and it cannot even say it. And in the second
# row, the softmax is content with half and half, so a threshold of one half finds neither.
#
# How much does it matter? Real pictures: emoji, and which of twelve words are in their name.

# %%
emoji = multi_label.load(size=12)  # pictures of 12 x 12 points
true, counts = emoji.held_back_y["words"], emoji.held_back_y["words"].sum(axis=1)


def all_right(activation, loss, seed):
    """For how many pictures are all twelve answers right: of all, with no word, with one word?"""
    tg.set_random_seed(seed)
    image = layers.Input((12, 12, 3), name="picture")
    h = layers.Dense(64, activation="relu")(layers.Flatten()(image))
    model = tg.Model(image, layers.Dense(12, activation=activation, name="words")(h))
    model.compile(tg.optimizers.RMSprop(0.002), loss)
    with warnings.catch_warnings(action="ignore"):  # it warns of several labels for a softmax
        model.fit(emoji.x, emoji.y, epochs=8, verbose=0)
    good = ((model.predict(emoji.held_back_x) > 0.5) == true).all(axis=1)
    return [good.mean(), good[counts == 0].mean(), good[counts == 1].mean()]


sigmoids = np.array([all_right("sigmoid", "binary_crossentropy", seed) for seed in range(3)])
softmax = np.array([all_right("softmax", "categorical_crossentropy", seed) for seed in range(3)])
print(f"always 'no word': {np.mean(counts == 0):.2f}; all twelve right, of all, no word, one word:")
for name, rows in (("sigmoids", sigmoids), ("softmax", softmax)):
    spread = zip(rows.mean(axis=0), rows.std(axis=0, ddof=1), strict=True)
    print(f"{name:<18}", "  ".join(f"{m:.2f} +- {s:.2f}" for m, s in spread))
assert softmax[:, 0].max() < np.mean(counts == 0) < sigmoids[:, 0].min()
assert (sigmoids[:, 1] > 0.9).all() and (softmax[:, 2] > sigmoids[:, 2]).all()

# %% [markdown]
# (+- is the standard deviation of three seeds.) Over all pictures, sigmoids are better by far, and
# with each of the seeds. Most names have none of the words, and this is what a softmax cannot say.
# Always to answer "no word" would beat it. But read the last column, too: where exactly *one* word
# is true, the softmax did better, with each of the three seeds. (They are too few to be sure,
# lesson 12; take more.) It knows that one must be true. So the question is not which of them is
# good, but which of them says what you know.
#
# A sigmoid says yes from p = 1/2 on. This *threshold* is yours to choose: lower, if a missed word
# is worse than a wrong one.
#
# ## What you now know
#
# - Attention is a soft dictionary: scores of query and keys, softmax, mean of the values.
# - What fills up needs a mask. Scores that are too large have no slope.
# - The loss behind the attention trains query and key. One that reads the values alone does not.
# - Several labels at once: a sigmoid and a yes-or-no loss for each, and a threshold.
# - A softmax shares one whole. That is knowledge where exactly one is true, and an error elsewhere.
#
# ## Exercises
#
# 1. Let your engine of lesson 5 run your `attention` (`my_work("the_engine")`, `ops.Op`), with the
#    mean of the squares as the loss. Right if its gradients of query, key and value are those of
#    `tg.gradients` to 12 digits.
# 2. Give `attend` a *causal* mask: query t may look at keys up to t only. Right if it agrees with
#    `layers.Attention()([q, v, k], use_causal_mask=True)` to 6 digits.
# 3. Choose the threshold. Take the sigmoid network, count for the thresholds 0.1, 0.2 ... 0.9 how
#    many words are missed and how many are wrongly said. Right if the first number never falls and
#    the second never rises.
# 4. Ask "how many people are in the garden" (`question_answering.tell` without our filter; the
#    answers are 0 to 4, the questions have 7 words). Right if you can show with three seeds how
#    well it is learned beside "where", and can say what the layer `answer` does not know.
# 5. (long) Two heads: two queries from the question, two keys, and the mixtures one behind the
#    other. Train on "where" and "who is in the ..." together (8 answers), with one head of width
#    16 and with two of width 8, five seeds each, and compare pair by pair (lesson 12). Right if
#    your sentence has the interval; look at the weights of both heads.
#
# Next: make it fast.
