# %% [markdown]
# # Lesson 20: Weights that balance themselves
#
# At the end you have written three famous rules that choose the weights of the losses during
# training. You know what each of them looks at: the losses, their speed, or their gradients. You
# have seen where each of them fails, and what they bring, beside equal weights and a small grid.
#
# You need: the weight in front of a loss (lesson 9), Adam (lesson 10), the Gram matrix (lesson
# 11), the paired comparison (lesson 12), and scales (lesson 19).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.balancing.learned import learn, moments_of  # Adam (lesson 10), for a few numbers
from tinygrad_mo.learn import loss_colours, picture
from tinygrad_mo.systems import demographics

tg.use("numpy")  # arrays of NumPy, on the processor; the library can use a GPU, too

# %% [markdown]
# ## Question: can the weights find themselves?
#
# In lesson 19 we chose the weights by hand, before training. But losses fall, each at its own
# speed, and the best weights of the first step need not be those of the last one. Since 2018,
# many people have tried to leave the weights to a **rule**: in each step it looks at the losses,
# and returns a weight for each. Three rules are known best:
#
# - **uncertainty weighting** (Kendall, Gal and Cipolla 2018) looks at the *losses*;
# - **dynamic weight average**, DWA (Liu, Johns and Davison 2019), looks at their *speed*;
# - **GradNorm** (Chen and others 2018) looks at the lengths of their *gradients*, and at the speed.
#
# Before you build them, guess one thing. An age is given in years. Somebody gives it in tenths of a
# year. The loss is a mean of squares, so it becomes 100 times as large. Its gradient becomes about
# 100 times as long. Which rule notices? That is: which rule chooses other weights now?


# %%
def my_prediction():
    # YOUR TURN: write "notices" or "does not notice" behind each name, and return the dict.
    # {"uncertainty": ..., "dwa": ..., "gradnorm": ...}
    raise NotImplementedError("YOUR TURN")


# %%
predicted = my_prediction()

# %% [markdown]
# ## Rule 1: a noise that is learned
#
# Some losses can never become small, because their labels are noisy. Kendall and others give each
# loss a number s, the logarithm of the variance of its noise. (The *variance* is the square of the
# standard deviation, lesson 12.) They minimise, over the network *and* over all s,
#
#     the sum of   exp(-s) * loss / 2  +  s / 2
#
# (exp(s) is e to the power of s.) So the weight of a loss is exp(-s) / 2. A large s makes the
# weight small. The second part, s / 2, is the price for that. Without it, s would grow for ever.
#
# **Your turn.** s and losses are arrays, with one number for each loss. Return the weights, and the
# slope of the formula above for each s: how fast it rises if this s grows. (The slope of exp(-s) is
# -exp(-s).)


# %%
def uncertainty(s, losses):
    # YOUR TURN: return two arrays: the weights, and the slopes for s.
    raise NotImplementedError("YOUR TURN")


# %% [markdown]
# `model.fit` takes a rule as `loss_weights`, if it has this form: `begin` makes what it remembers,
# and `weights` is asked in each step. `learn(numbers, which, slopes, moments, rate)` makes a step
# of Adam (lesson 10) on the numbers, in place. `moments_of(count)` is what this Adam remembers,
# still empty. `which` says of which losses a batch has labels; here it has labels of all of them.


# %%
class Noise(tg.balancing.Balancer):
    def begin(self, count):
        self.s, self.moments = np.zeros(count), moments_of(count)

    def weights(self, losses, gram, which):
        weights, slopes = uncertainty(self.s[which], losses)
        learn(self.s, which, slopes, self.moments, 0.01)
        return weights


def look_again(rule, losses, gram, times):
    """The weights of a rule that has seen the same losses and gradients so many times."""
    return [rule.balance(losses, gram) for _ in range(times)][-1]


found = look_again(Noise(), [8.0, 0.5], None, 2000)
print("losses 8 and 0.5, weights", found.round(4), " weighted losses", found * [8.0, 0.5])
assert np.allclose(found, [1 / 16, 1])

# %% [markdown]
# Each weight has moved to 1 / (2 * loss), and each weighted loss is 1/2. You can see it in the
# slope: it is 0 there. So this rule divides each loss by its own size, slowly. A loss that becomes
# nearly 0 gets a huge weight, even if it is small only because it was learned by heart.
#
# ## Rule 2: speed
#
# DWA takes the mean of each loss over a *window* of steps, here 25. It compares the last window
# with the one before:
#
#     r = mean of the last window / mean of the window before
#
# A loss that falls quickly has a small r. The weights are softmax(r / T) (lesson 7), multiplied by
# the number of losses, so that their mean is 1. The *temperature* T is usually 2.
#
# **Your turn.** `windows` has a row for each window that is over, the oldest first, and in each row
# a mean for each loss. As long as there are fewer than two rows, all weights are 1. There may be no
# row at all: then `windows` still has the shape (0, number of losses).


# %%
def dwa(windows, temperature):
    # YOUR TURN: about 6 lines. Return an array with a weight for each loss.
    raise NotImplementedError("YOUR TURN")


# %%
class Speed(tg.balancing.Balancer):
    def begin(self, count):
        self.seen = np.zeros((0, count))

    def weights(self, losses, gram, which):
        full = len(self.seen) // 25
        windows = self.seen[: 25 * full].reshape(full, 25, len(losses)).mean(axis=1)
        self.seen = np.vstack([self.seen, losses])
        return dwa(windows, 2.0)


# %% [markdown]
# ## Rule 3: the lengths of the gradients
#
# The length of the gradient of loss i on what is shared is d_i. It stands in the Gram matrix, as
# the root of a number on the diagonal. With its weight, loss i pulls with w_i * d_i. GradNorm has a
# target for each pull:
#
#     r_i = (loss_i / its first value),  divided by the mean of these numbers over all losses
#     target_i = mean of all pulls * r_i ** alpha
#
# A loss that has fallen less than the others has r > 1: it shall pull more. With alpha = 0 all
# shall pull alike; the paper likes 1.5. (It looks at the last shared layer alone, we at all that is
# shared.) The weights w learn to make |pull_i - target_i| small. (|x| is x without its sign.) The
# target counts as a fixed number. So the slope for w_i is d_i if the pull is larger than the
# target, and -d_i if it is smaller.
#
# **Your turn.** Return these slopes. `np.sign` is 1, -1 or 0.


# %%
def gradnorm(weights, losses, first, gram, alpha):
    # YOUR TURN: 5 lines: lengths, pulls, r, targets, slopes.
    raise NotImplementedError("YOUR TURN")


# %%
class Pulls(tg.balancing.Balancer):
    needs = "gram"

    def begin(self, count):
        self.w, self.moments, self.first = np.ones(count), moments_of(count), None

    def weights(self, losses, gram, which):
        self.first = losses if self.first is None else self.first
        weights, longest = self.w.copy(), np.sqrt(np.diag(gram).max())
        slopes = gradnorm(weights, losses, self.first, gram, 1.5)
        # Divided by the longest, so that a step with long gradients teaches no more than others.
        learn(self.w, which, slopes / longest, self.moments, 0.025)
        self.w = np.maximum(self.w, 1e-3)
        self.w *= len(self.w) / self.w.sum()  # the mean of the weights stays 1
        return weights


# %% [markdown]
# ## The same as in the library?
#
# The library has all three. Give yours and theirs the same 300 losses and Gram matrices, and
# compare number by number. (The losses are drawn by chance, and fall at different speeds.)

# %%
RULES = {"uncertainty": Noise, "dwa": Speed, "gradnorm": Pulls}
random, seen = np.random.default_rng(0), []
for step in range(300):
    rows = random.standard_normal((2, 5)) * [[9.0], [1.0]]
    seen.append((random.uniform(1, 2, 2) * np.exp([-0.01 * step, -0.001 * step]), rows @ rows.T))
for name, rule in RULES.items():
    yours, theirs = rule(), tg.balancing.get(name)
    gap = max(np.abs(yours.balance(*each) - theirs.balance(*each)).max() for each in seen)
    print(f"{name:<12} largest difference {gap:.0e}")
    assert gap < 1e-9

# %% [markdown]
# ## Break it: another unit
#
# Now your prediction. The losses and gradients stand still, and each rule looks at them 1000 times.
# Then the unit changes: loss 0 becomes 100 times as large, and its gradient 100 times as long.

# %%
gram, larger = np.array([[9.0, 1.0], [1.0, 4.0]]), np.array([[90000.0, 100.0], [100.0, 4.0]])
for name, rule in RULES.items():
    before = look_again(rule(), [2.0, 0.5], gram, 1000)
    after = look_again(rule(), [200.0, 0.5], larger, 1000)
    came = "notices" if after[0] < before[0] / 2 else "does not notice"
    print(f"{name:<12} weights {before.round(3)} -> {after.round(3)}", end="   ")
    print(f"you said: {predicted[name]}, it is: {came}")
    assert (came == "notices") == (name != "dwa")

# %% [markdown]
# Uncertainty and GradNorm give loss 0 a far smaller weight now. (It is not exactly 100 times
# smaller: their Adam makes steps that have a length of their own.) DWA divides a loss by the same
# loss. The unit cancels, and so **DWA cannot cure a wrong scale.**
#
# ## A real training
#
# The works of the Tate again (lesson 19): from the artist and the title, how old is the work (mean
# of squares, in years), and of which kind is it: print, film ... (cross-entropy)? With equal
# weights the age takes the network. `demographics.load` gives each word as a number; our network
# gets a 1 for each of 200 words that occurs, else 0. There the kind is called `income`: it takes
# the place of that question in the famous example of lesson 19.
#
# The function `learned` trains once. `scores` returns two numbers on works that were held back: the
# mean error of the age in years, and the share of works whose kind is wrong. Smaller is better.

# %%
works, one_hot = demographics.load(vocabulary=200, length=20), np.eye(200, dtype="float32")
x, held_back_x = (
    one_hot[posts].max(axis=1) for posts in (*works.x.values(), *works.held_back_x.values())
)
# For later: a coin was thrown for each work.
y = {"age": works.y["age"], "kind": works.y["income"], "coin": random.integers(0, 2, len(x))}
LOSSES = ["mean_squared_error", "categorical_crossentropy", "binary_crossentropy"]


def learned(weights, seed, outputs=2):
    tg.set_random_seed(seed)
    words = tg.Input((200,), name="words")
    h = tg.layers.Dense(16, activation="relu", name="shared")(words)
    heads = [tg.layers.Dense(1, name="age"), tg.layers.Dense(10, "softmax", name="kind")]
    heads.append(tg.layers.Dense(1, "sigmoid", name="coin"))
    model = tg.Model(words, [head(h) for head in heads[:outputs]])
    model.compile(tg.optimizers.Adam(0.01), LOSSES[:outputs], weights)
    labels = {name: y[name] for name in model.outputs}
    return model, model.fit(x, labels, epochs=3, batch_size=64, verbose=0).history


def scores(model):
    age, kind = model.predict(held_back_x)
    wrong = np.mean(kind.argmax(axis=1) != works.held_back_y["income"].argmax(axis=1))
    return [np.abs(age[:, 0] - works.held_back_y["age"]).mean(), wrong]


# %% [markdown]
# Four seeds for each way: equal weights, two fixed weights of a grid, the three rules, and one more
# of the library, `imtl_g`: there each weight is proportional to 1 / d_i, so that all losses pull
# alike in each step. From the same seed, all networks start alike and see the same batches. So we
# compare seed by seed: how much smaller is each score than with equal weights, in percent? The last
# column has the mean of the two.
#
# **Before you run the next cell, write down:** which way will be the best? Which will be worse than
# equal weights?

# %%
WAYS = {"equal": [1.0, 1.0], "grid: kind x 10": [1.0, 10.0], "grid: kind x 100": [1.0, 100.0]}
WAYS |= {name: rule() for name, rule in RULES.items()} | {"imtl_g": "imtl_g"}


def interval(differences):
    """Half of Student's interval, 95 percent, of four differences (lesson 12)."""
    return 3.18 * np.std(differences, ddof=1) / np.sqrt(4)


held, each, gain = {}, {}, {}
for way, weights in WAYS.items():
    held[way] = np.array([scores(learned(weights, seed)[0]) for seed in range(4)])
    each[way] = 100 * (1 - held[way] / held["equal"]).T
    gain[way] = each[way].mean(axis=0)
    print("{:<17}{:.2f} years, {:.3f} wrong;".format(way, *held[way].mean(axis=0)), end=" less by ")
    columns = zip(("age", "kind", "mean"), (*each[way], gain[way]), strict=True)
    print(*(f"{name} {g.mean():+.1f} +- {interval(g):.1f} " for name, g in columns), "%")
grid = max(list(WAYS)[:3], key=lambda way: gain[way].mean())
best = gain["imtl_g"] - gain[grid]
print(f"imtl_g against {grid!r}: {best.mean():+.1f} +- {interval(best):.1f}")
assert abs(each[grid][0].mean()) < interval(each[grid][0]) and each[grid][1].min() > 15
assert gain[grid].min() > 5 < gain["imtl_g"].min() and gain["gradnorm"].mean() < gain[grid].min()
assert ((held["gradnorm"] > held["equal"]) == [True, False]).all()  # age worse, kind better
assert max(abs(gain[way].mean()) for way in ("dwa", "uncertainty")) < 4

# %% [markdown]
# Read the table row by row, with what you know about the rules:
#
# - **The grid** wins much, but only for the kind: there are more than 15 percent fewer wrong
#   answers, from each seed. For the age a difference is not seen. The scale was wrong, it held back
#   the kind alone, and one number cures it.
# - **DWA** brings next to nothing: it does not see the scale.
# - **Uncertainty** brings nothing, either, although it sees the scale. Its s moves by about 0.01 in
#   a step. After 160 steps it is on its way, not there.
# - **GradNorm** helps the kind and hurts the age, from each seed, and is far behind the grid. The
#   age begins with a huge loss, because a new network answers 0 and hardly any work has this age.
#   Soon the loss is many times smaller. GradNorm takes that for speed, and the kind for a loss that
#   lags behind. So the age gets next to nothing. (Is the mean worse than with equal weights? Look
#   at the interval before you say so.) But the bad start is *our* fault: we did what lesson 19
#   warns of. Subtract the mean from the age (exercise 4), and GradNorm beats equal weights.
# - **Equal pulls** in each step are about as good as the best of the grid, and nobody had to
#   search. (We chose the best of the grid on the works that judge it: an advantage for the grid.)
#
# This is one pair of tasks, one network, four seeds. The table of the library (`BALANCING.md` in
# the folder of `tg.systems.__path__`) has more: there GradNorm is good on three losses of very
# different scales, and bad on the weather; no rule is good everywhere, and fixed weights that are
# well chosen are hard to beat. So always train with equal weights and with a small grid, too.
#
# ## Break it: a loss that is noise
#
# Add a third output: it shall tell the result of a coin that was thrown for each work. Nobody can
# learn this. **Before you run the next cell, write down** for each rule: will the coin get more
# weight than the kind, as much, or less?

# %%
histories = {way: learned(rule(), 0, outputs=3)[1] for way, rule in RULES.items()}
for way, history in histories.items():
    kind, coin = (np.mean(history[f"weight/{name}"]) for name in ("kind", "coin"))
    print(f"{way:<12} mean weights: kind {kind:.2f}, coin {coin:.2f}")
    assert coin > (0.95 if way == "dwa" else 1.2) * kind


def draw(figure):
    for axis, way in zip(figure.subplots(1, 3, sharey=True), RULES, strict=True):
        for name, colour in loss_colours(["age", "kind", "coin"]).items():
            axis.plot([1, 2, 3], histories[way][f"weight/{name}"], color=colour, label=name)
        axis.set(title=way, xlabel="epoch", ylabel="mean weight", yscale="log", xticks=[1, 2, 3])
        axis.legend()


picture("lesson20.png", draw, size=(9, 3.2))

# %% [markdown]
# None gives it less. The coin does not fall: for GradNorm it lags behind, so it must be helped. And
# its loss, log(2) = 0.69, is not large, so uncertainty has no reason to make its weight small. DWA
# treats it like the others: its three lines lie near 1, one on the other. No rule knows whether a
# loss stays because it is hard, or because there is nothing to learn.
#
# ## Break it: Adam
#
# Uncertainty may make all weights together larger or smaller. What does a common factor do? Our
# networks learn with Adam. **Before you run the next cell, write down:** how do the scores change,
# if both weights of the grid, 1 and 100, become 100 times smaller?

# %%
smaller = scores(learned([0.01, 1.0], 0)[0])
print("weights 1 and 100: {:.2f} years, {:.3f} wrong".format(*held["grid: kind x 100"][0]))
print("weights 0.01 and 1: {:.2f} years, {:.3f} wrong".format(*smaller))
assert np.allclose(smaller, held["grid: kind x 100"][0], rtol=0.03)

# %% [markdown]
# Nearly nothing. Adam takes a common factor away; only the ratio of the weights is left, and only
# where losses meet (lessons 9 and 10). With plain gradient descent, the factor would be a learning
# rate that changes during training. So a rule that is good with one optimizer may be bad with
# another one: try it with yours.
#
# ## What you now know
#
# - Uncertainty weighting looks at losses: each weight moves to 1 / (2 * loss).
# - DWA looks at speed. It cannot see the unit of a loss.
# - GradNorm looks at the lengths of the gradients and at speed. It can take a bad start for speed,
#   so give every output a fair start first.
# - All three give weight to a loss that is only noise.
# - Equal weights and a small grid are what a rule must be compared with, seed by seed.
#
# ## Exercises
#
# 1. A loss below 0 (some losses are logarithms). Let `Noise` look 5000 times at the losses -1 and
#    1. What becomes of the weights? You see that it is right if you can say it from the slope.
# 2. The temperature of DWA. Compute the weights for r = 0.5 and r = 1 with T = 2, 0.5 and 0.1. For
#    T = 2 the larger is 1.28 times the smaller. What is the largest ratio that T = 2 can give, if
#    no loss rises?
# 3. GradNorm with alpha = 0 in a picture that stands still must make all pulls alike. Try it with
#    lengths 3 and 1: the weights move to 0.5 and 1.5.
# 4. Subtract the mean of the training works from the age, so that a new network begins with a fair
#    guess (lesson 19). It is right if GradNorm is now better than equal weights by about 9 percent,
#    seed by seed.
# 5. (long) Your own rule, with 1 / loss as a weight in each step, scaled to the mean 1. Before you
#    train: does it notice the unit, and what does it do with a coin? Then train it from eight
#    seeds, beside equal weights and a grid, and say what you found, with the interval. It is right
#    if somebody else comes to the same conclusion from your table.
#
# Next: what if two losses pull in opposite directions? Is there a step that is good for both?
