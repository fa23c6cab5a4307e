# %% [markdown]
# # Lesson 27: Freezing and fine-tuning
#
# At the end you can put a new head on a trained network, and keep the rest as it is, in three ways
# that look alike and are not: frozen, closed, and off. You know what the gradient table says in
# each case, what an optimizer still remembers when a part is thawed, and what changes in a layer
# that no gradient reaches. You have measured when fine-tuning is worth its price.
#
# You need: your engine (lesson 5), `None` against weight 0 (lesson 9), momentum (lesson 10), and
# models that share layers (lessons 18 and 26).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.runs import compared  # lesson 12, by the library
from tinygrad_mo.learn import loss_colours, my_work, picture

# %% [markdown]
# ## The question
#
# A team has trained a network: which digit does a picture show? Its head is called `main`. A second
# team comes with another question, `aux`: has the digit a closed loop, as 0, 6, 8 and 9 have? They
# want to use what the network has learned. The first team says: yes, but ours must not get worse.
# If everybody changes a part of one network, who knows in the end why it is no longer as good as it
# was?

# %%
digits = tg.data.load("digits")
pixels, digit = digits.image.reshape(-1, 64) / np.float32(16), digits.digit.astype(int)
loop = np.isin(digit, [0, 6, 8, 9]) * 1.0
known = np.random.default_rng(0).permutation(np.flatnonzero(~digits.test))
first_team, second_team, held_back = known[:1000], known[1000:], np.flatnonzero(digits.test)
LOSSES = {
    "main": tg.losses.SparseCategoricalCrossentropy(from_logits=True),
    "aux": tg.losses.BinaryCrossentropy(from_logits=True),
}


def network(norm=False):
    image = tg.Input((64,), name="image")
    h = tg.layers.Dense(32, activation="relu", name="first")(image)
    h = tg.layers.BatchNormalization(momentum=0.9, name="norm")(h) if norm else h
    h = tg.layers.Dense(32, activation="relu", name="body")(h)
    return tg.Model(image, tg.layers.Dense(10, name="main")(h))


def trained(seed=0, **options):
    """The network of the first team."""
    tg.set_random_seed(seed)
    model = network(**options)
    model.compile(tg.optimizers.Adam(0.01), LOSSES["main"])
    model.fit(pixels[first_team], digit[first_team], epochs=6, verbose=0)
    return model


def main_right(model):
    alone = tg.Model(model.inputs, model.outputs["main"])
    return np.mean(alone.predict(pixels[held_back]).argmax(axis=1) == digit[held_back])


print(f"main: {main_right(trained()):.2f} of the held-back digits are right")
assert main_right(trained()) > 0.9

# %% [markdown]
# ## A new head
#
# **Your turn.** `model.get_output("body")` is the tensor that the layer `body` makes in a model,
# and `model.outputs["main"]` is its output. `tg.stop_gradient(tensor)` is the same tensor, but no
# gradient goes back through it.


# %%
def with_aux(model, closed):
    # YOUR TURN: return a tg.Model from the same inputs to two outputs: "main" as it is, and a new
    # head, a Dense layer with 1 unit and the name "aux", on the output of `body`. If `closed` is
    # true, no gradient of the new head may come to the body.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# ## Three ways to leave a layer alone
#
# - **Frozen:** `layer.trainable = False`. The optimizer does not move its weights.
# - **Closed:** `stop_gradient`. No gradient comes to it.
# - **Off:** the weight of the loss is 0.
#
# **Your turn, a prediction.** We freeze the layer `body` alone, or close the way from `aux` to
# `body`, or give `aux` the weight 0. What does `aux` do to the layer `first`, which stands *before*
# `body`?


# %%
def my_prediction():
    # YOUR TURN: a dict with the keys "frozen", "closed" and "off". Each value is one of "trains",
    # "no path", "off".
    raise NotImplementedError("YOUR TURN")


# %%
def prepared(way, norm=False):
    model = with_aux(trained(norm=norm), closed=way == "closed")
    model.get_layer("body").trainable = way != "frozen"
    model.compile("sgd", LOSSES, {"aux": 0.0 if way == "off" else 1.0})
    return model


labels, found = {"main": digit[second_team], "aux": loop[second_team]}, {}
for way, said in my_prediction().items():
    model = prepared(way)
    flow = model.gradient_flow(pixels[second_team], labels)
    path, weight = flow.reaches("aux", "first"), model.loss_weights["aux"]
    found[way] = "no path" if not path else "trains" if weight else "off"
    print(f"\n{way}: you said {said!r} of aux and `first`; it is {found[way]!r}")
    print(*(line for line in flow.table().splitlines() if "bias" not in line), sep="\n")
assert found == {"frozen": "trains", "closed": "no path", "off": "off"}

# %% [markdown]
# Compare the lines of `body`. **Frozen** is a fact about the optimizer: the gradient is there, and
# goes through to `first`, which is trained. **Closed** is a fact of the graph: `-`, no path, for
# `body` and for all before it. **Off** is a choice of the moment: the path is there, and the column
# of `aux` shows its gradient as always, because each loss alone is unweighted there. But the weight
# is 0: the weighted sum has nothing of it, and the verdict says "aux off".
#
# So whoever freezes one layer protects this layer, and none before it. And `main` can be hurt by a
# change of any layer that it uses.
#
# ## Close it by hand
#
# **Your turn.** What must the pullback of such an operation say? Write it in the form of lesson 1.
# The gradient g may have an axis more than x (the rows of lesson 5), and g may be infinite.


# %%
def closed(x):
    # YOUR TURN: return the value, and a tuple with the pullback. Two lines.
    raise NotImplementedError("YOUR TURN")


# %%
engine, shut = my_work("the_engine"), tg.ops.op(closed)
fed = [engine.Node(name=name) for name in ("x", "kernel", "main_kernel", "aux_kernel")]
h = tg.ops.tanh(tg.ops.matmul(fed[0], fed[1]))
losses = [tg.ops.mean(tg.ops.matmul(one, k)) for one, k in zip((h, shut(h)), fed[2:], strict=True)]
plan, random = engine.make_plan(losses), np.random.default_rng(0)
shapes = ((8, 3), (3, 4), (4, 1), (4, 1))
feed = {node: random.normal(size=shape) for node, shape in zip(fed, shapes, strict=True)}
sweep = engine.backward(plan, engine.forward(plan, feed), engine.seed_rows(plan, losses))
main_row, aux_row = sweep[plan.slots[fed[1]]]
print("your engine, kernel: main", main_row[0].round(3), " aux", aux_row[0])
assert main_row.any() and not aux_row.any() and sweep[plan.slots[fed[3]]][1].any()

# %% [markdown]
# Your engine says 0. The library says `None`, because it knows `stop_gradient` when it makes its
# plan: it does not even begin to carry a row there. 0 would be right for training, and would hide
# the reason.
#
# ## What the optimizer remembers
#
# Freeze a layer for a while, then thaw it. SGD with momentum moves by a velocity:
#
#     velocity = momentum * velocity - rate * gradient
#     weight = weight + velocity
#
# **Your turn.** In a frozen step (the gradient is None) neither the weight nor the velocity
# changes. Both begin at 0.


# %%
def momentum_path(gradients, rate, momentum):
    """Where one weight is after each step, as a list."""
    # YOUR TURN: about 7 lines.
    raise NotImplementedError("YOUR TURN")


# %%
gradients = [1.0] * 20 + [None] * 20 + [-1.0] * 10  # after the thaw it should go the other way
path = np.array(momentum_path(gradients, 0.1, 0.9))
w, other, sgd = tg.Parameter([0.0], "w"), tg.Parameter([0.0], "other"), tg.optimizers.SGD(0.1, 0.9)
theirs = []
for g in gradients:
    sgd.apply({other: np.ones(1)} if g is None else {w: np.array([g])})
    theirs.append(float(w.numpy()[0]))
print("before the freeze:", path[[18, 19]].round(2), " frozen:", path[[20, 39]].round(2))
print("after the thaw:", path[40:].round(2))
assert np.allclose(path, theirs, atol=1e-4)
assert path[19] == path[39] > path[40] > path[44] < path[-1]

# %% [markdown]
# After the thaw the gradient is below 0, so its step would go up. But the weight goes on down for
# some steps: the velocity is
# that of the time before. Adam has such a memory, too, and one of sizes besides. If you thaw a part
# of a network, call `compile` with a new optimizer, and both are gone.
#
# ## Break it: no gradient, and yet it changes
#
# `BatchNormalization` brings each number to mean 0 and standard deviation 1. In training it takes
# mean and variance of the batch, and keeps running means of both, for predictions. They lie
# beside the weights (`get_weights` lists them), but no gradient trains them: they are moved by the
# *forward* pass.
#
# **Your turn.** `mean` and `variance` are the running ones. In training, each becomes momentum
# times itself, plus (1 - momentum) times that of the batch, and the batch's own are used for y.
# Frozen, the running ones are used, and stay.


# %%
def normalise(x, mean, variance, momentum, frozen):
    """(x - mean) / sqrt(variance + 0.001), and the running mean and variance afterwards."""
    # YOUR TURN: return y, mean, variance. The batch is axis 0. About 7 lines.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# The second team has dark pictures: a tenth of the light. They train `aux` alone: `main` is off,
# and the way from `aux` to the body is closed. **Write down:** will `main` still be as good as
# before?

# %%
dark = 0.1 * pixels[second_team]
for frozen in (False, True):
    model = prepared("closed", norm=True)
    model.loss_weights, model.get_layer("norm").trainable = {"main": 0.0, "aux": 1.0}, not frozen
    before, was = model.get_weights(), main_right(model)
    model.fit(dark, labels, epochs=5, verbose=0)
    names, after, now = list(model.named_weights()), model.get_weights(), main_right(model)
    changed = [n for n, a, b in zip(names, before, after, strict=True) if (a != b).any()]
    print(f"norm frozen: {frozen}. main {was:.2f} -> {now:.2f}, changed: {changed}")
    assert (now == was) if frozen else (now < was - 0.1)

# %% [markdown]
# No gradient came to the body, and none of its weights has changed. But the running means have, and
# with them all that `main` sees. In this library (and in Keras) a frozen `BatchNormalization` keeps
# its running means. `stop_gradient` and a weight of 0 do not protect them.
#
# ## Is fine-tuning worth its price?
#
# Three ways for the second team, with 20 labels and with 400: a network of their own, from scratch;
# a new head on the frozen body; a new head, and everything goes on to learn (*fine-tuning*). Eight
# seeds. **Write down** an order of the three for `aux`, once for 20 labels, once for 400, and what
# becomes of `main`.

# %%
WAYS, table = ["scratch", "frozen", "fine-tuned"], {}
for count, epochs in ((20, 60), (400, 10)):
    for way in WAYS:
        for seed in range(8):
            tg.set_random_seed(seed)
            model = with_aux(network() if way == "scratch" else trained(seed), closed=False)
            model.get_layer("first").trainable = model.get_layer("body").trainable = way != "frozen"
            aux = model.without("main")
            aux.compile(tg.optimizers.Adam(0.01), LOSSES["aux"])
            rows = np.random.default_rng(seed).permutation(second_team)[:count]
            aux.fit(pixels[rows], loop[rows], epochs=epochs, verbose=0)
            aux_right = np.mean((aux.predict(pixels[held_back])[:, 0] > 0) == loop[held_back])
            table.setdefault((count, way), []).append([main_right(model), aux_right])
        mean, spread = np.mean(table[count, way], axis=0), np.std(table[count, way], axis=0, ddof=1)
        print(f"{count:>3} labels, {way:<10} main, aux: {mean.round(2)} +- {spread.round(2)}")
score, gains = {key: np.array(found) for key, found in table.items()}, []
for count in (20, 400):
    for new, old in (WAYS[:2], WAYS[::2], WAYS[:0:-1]):
        gain = compared(score[count, new][:, 1], score[count, old][:, 1])
        gains.append(gain)
        print(f"{count:>3}: {new} - {old}: {gain.mean:+.3f} +- {gain.spread:.3f}, {gain.kind}")
    assert (score[count, "frozen"] - score[count, "fine-tuned"])[:, 0].min() > 0.02
assert [g.kind for g in gains] == ["lower", "lower", "unseen", "unseen", "lower", "higher"]
assert np.allclose([g.mean for g in gains], [-0.06, -0.05, -0.01, 0.02, -0.02, 0.035], atol=0.01)
assert score[20, "frozen"][0, 0] == score[400, "frozen"][0, 0] == main_right(trained(0))


def draw(figure):
    for axes, count in zip(figure.subplots(1, 2, sharey=True), (20, 400), strict=True):
        for k, (name, colour) in enumerate(loss_colours(list(LOSSES)).items()):
            ways = WAYS[1:] if name == "main" else WAYS
            found = np.concatenate([score[count, way][:, k] for way in ways])
            axes.plot(np.repeat(ways, 8), found, "o", c=colour, label=name)
        axes.set_title(f"{count} labels for aux")
    axes.legend()


picture("lesson27.png", draw)

# %% [markdown]
# (From scratch there is no `main` to speak of: 0.1 is guessing. The last six lines have Student's
# interval of the differences, seed by seed.)
#
# - **`main`:** with the frozen body it is exactly as good as before. Fine-tuning costs it a good
#   part of its right answers, in each seed, although nobody wanted that. This is called
#   *forgetting*.
# - **`aux` with 20 labels:** a network of its own is worse than both others: of 100 digits 5 or 6
#   more are wrong. With few labels the work of somebody else is worth
#   most. Between frozen and fine-tuned, a difference is not seen.
# - **`aux` with 400 labels:** your own network is not seen to be worse than the *frozen* body.
#   Fine-tuned is a little better than both: by 3 or 4 of 100 than frozen, by 2 of 100 than your
#   own.
#
# So the second team pays for fine-tuning with the work of the first, and is seen to get something
# for it only if it has labels enough. Who wants both trains both losses at once (exercise 4), or
# keeps two networks (lesson 23).
#
# ## What you now know
#
# - Frozen: not moved; the gradient is there and goes through. Closed: no path, for all before it,
#   too. Off: a path, and a weight of 0 in the sum. The gradient table shows each as what it is.
# - A thawed weight goes on with an old velocity. A new optimizer knows none.
# - Running means of a `BatchNormalization` are moved by the forward pass. Only freezing stops that.
# - With few labels, a trained body is worth much. With 400, fine-tuning helps the new task a little
#   (eight seeds). It hurts the old task.
#
# ## Exercises
#
# 1. Close the way of `aux` behind `first` instead of behind `body`: get the output of `first`, stop
#    it, and call the layer `body` a second time (lesson 14). Right if the table says that `aux` has
#    no path to `first`, and one to `body`. Can `aux` hurt `main` now?
# 2. Send the gradients of "what the optimizer remembers" through Adam with the rate 0.1. Right if
#    you know how many steps after the thaw go the wrong way, and that a new Adam makes none.
# 3. Fine-tune with the rate 0.001, with 400 labels and three seeds. Right if you have a table with
#    spreads, and can say what becomes of `main`, and what of `aux`.
# 4. (long) Train both outputs at once, from the trained network: the 1000 pictures of the first
#    team have only `main`, the 400 of the second only `aux` (lesson 24). Compare `main` and `aux`
#    with the table above, from three seeds. Right if `main` is not hurt by more than the spread.
#
# Next: another way to use one thing from several places.
