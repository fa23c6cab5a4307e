# %% [markdown]
# # Lesson 26: Models as layers
#
# At the end you can call a whole model like a layer, as often as you like, and you know how its
# weights are counted, where its gradient comes from, and what happens to it when the model around
# it is trained.
#
# You need: a layer that is called twice (lesson 14), convolutions (lesson 16) and models with
# several inputs (lesson 13).

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.learn import picture
from tinygrad_mo.systems import dual_camera

# %% [markdown]
# ## The question
#
# Close one eye, and it is hard to say how far away things are. With two eyes you see depth: a near
# thing stands at different places in the two pictures, a far thing at the same place.
#
# We build a camera with two eyes. Must each eye learn to see for itself, or is one network enough
# for both?
#
# The data are photographs of brick, grass and gravel, 32 x 32 pixels. We cut two views out of each
# photograph. If the thing is near, the right view is cut out 8 pixels further right. If it is far,
# both views are the same. Then we add some noise to each view, as real cameras do. (So the depth is
# made by us. Real pairs of photographs do not ship with this package.)


# %%
def look(photos, generator):
    photos = photos / np.float32(64)
    photos = photos - photos.mean(axis=(1, 2), keepdims=True)
    turned = [np.rot90(photos, k, axes=(1, 2)) for k in range(4)]  # four times as many
    photos = np.concatenate(turned + [p.swapaxes(1, 2) for p in turned])  # and eight times
    near = generator.integers(0, 2, len(photos))  # a coin decides: 1 is near, 0 is far
    shifted = near[:, None, None] == 1
    left = np.where(shifted, photos[:, 4:28, :24], photos[:, 4:28, 4:28])
    right = np.where(shifted, photos[:, 4:28, 8:], photos[:, 4:28, 4:28])
    noise = generator.normal(0, 0.2, (2, *left.shape))
    return {"left": (left + noise[0])[..., None], "right": (right + noise[1])[..., None]}, near


textures = tg.data.load("textures")
generator = np.random.default_rng(0)
x, near = look(textures.image[~textures.test], generator)
held_back_x, held_back_near = look(textures.image[textures.test], generator)
print("views to learn from:", x["left"].shape, "and", x["right"].shape)
assert x["left"].shape == x["right"].shape == (1640, 24, 24, 1)


def draw(figure):
    for row, kind in zip(figure.subplots(2, 2), ("near", "far"), strict=True):
        sample = np.flatnonzero(near == (kind == "near"))[0]
        for axes, side in zip(row, ("left", "right"), strict=True):
            axes.imshow(x[side][sample, :, :, 0], cmap="gray")
            axes.set(title=f"{kind}, {side} view", xticks=[], yticks=[])


picture("lesson26.png", draw, size=(5, 5))

# %% [markdown]
# Look at `lesson26.png`. In the upper row you find the left part of the right view again in
# the left view, further to the right. In the lower row both views are alike.
#
# ## A model that sees
#
# An eye is a small model: one picture in, 16 numbers per place out. Its second layer is a
# `SeparableConv2D`, a convolution in two steps, with few weights: first each channel alone, then
# all channels mixed at each place. In Xception, a well-known network, almost all convolutions are
# of this kind.


# %%
def make_eye(name="eye"):
    view = tg.Input((24, 24, 1), name="picture")
    same = {"padding": "same", "activation": "relu"}
    h = tg.layers.Conv2D(16, 3, strides=2, name="conv", **same)(view)
    h = tg.layers.SeparableConv2D(16, 3, name="separable", **same)(h)
    return tg.Model(view, h, name=name)


tg.set_random_seed(0)
eye = make_eye()
eye.summary()
assert eye.count_params() == 576

# %% [markdown]
# `eye` is a model. It is also a layer: you can call it on a tensor, and you get a tensor. Think of
# it as one big layer with 576 weights.
#
# **Your turn.** Make two inputs of shape (24, 24, 1), called "left" and "right". Call the left eye
# on the first one, and the right eye on the second one. Join what comes out with `concatenate`.


# %%
def two_views(left_eye, right_eye):
    # YOUR TURN: return two things: the list of the two inputs, and the joined tensor.
    raise NotImplementedError("YOUR TURN")


inputs, joined = two_views(eye, eye)  # the same eye twice
assert joined.shape == (None, 12, 12, 32)

# %% [markdown]
# Now the part which compares. A convolution of size 1 looks at both eyes' 32 numbers at one place.
# (A `relu` is needed here. Lesson 14 has shown why a plain sum of both sides cannot compare.) Then
# we take the mean over all places, and one `Dense` layer decides.
#
# This part has 1,089 weights, the eye has 576.
#
# **Your turn.** How many weights does the whole model have? A wrong guess is welcome.


# %%
def my_prediction():
    # YOUR TURN: return the number of weights of the model that uses the same eye twice.
    raise NotImplementedError("YOUR TURN")


def finish(inputs, joined):
    h = tg.layers.Conv2D(32, 1, activation="relu", name="compare")(joined)
    h = tg.layers.GlobalAveragePooling2D(name="mean")(h)
    answer = tg.layers.Dense(1, activation="sigmoid", name="near")(h)
    model = tg.Model(inputs, answer)
    model.compile(tg.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    return model


camera = finish(inputs, joined)
print("you said", my_prediction(), "- it is", camera.count_params())
assert camera.count_params() == 576 + 1089

# %% [markdown]
# The weights count once, however often you call the model. `count_params` must know this. Now you
# write it.
#
# **Your turn.** This is the long one. `model.layers` lists what a model is made of; a model in it
# is a `tg.Model` and has layers of its own. A layer has its arrays in `layer.weights`; each has a
# `.size`. Count each layer once, even if it is found at two places.


# %%
def count_once(model):
    """The number of weights in a model, in the models within it, and so on."""
    # YOUR TURN: about 9 lines. A set of what was seen, and a function inside that calls itself (as
    # in lesson 3). `isinstance(layer, tg.Model)` says whether a layer is a model.
    raise NotImplementedError("YOUR TURN")


# %%
print("your count:", count_once(eye), "in the eye,", count_once(camera), "in the camera")
assert count_once(camera) == camera.count_params()

# %% [markdown]
# ## Where does the eye's gradient come from?
#
# There are two calls, so there are two ways back to each weight of the eye. `flow.uses` lists them.
# Its keys are pairs: a weight, and the call that uses it.

# %%
some_x = {name: view[:128] for name, view in held_back_x.items()}
flow = camera.gradient_flow(some_x, held_back_near[:128], keep_arrays=True)
for weight, call in flow.uses:
    if weight == "eye/conv/kernel":
        print(f"{weight} is used by {call:<12} gradient {flow.norm('near', (weight, call)):.4f}")

# %% [markdown]
# Read the names like folders: `conv` lies inside `eye`. The `:1` marks the second call.
#
# **Your turn.** Compute the gradient of a weight from the gradients of its uses. Use
# `flow.gradient(loss, (weight, call))`, which gives an array.


# %%
def gradient_from_uses(flow, loss, weight):
    # YOUR TURN: go through flow.uses, take those pairs whose first part is `weight`, and return
    # the sum of their gradients.
    raise NotImplementedError("YOUR TURN")


for weight in flow.parameters:
    whole = flow.gradient("near", weight)
    assert np.allclose(gradient_from_uses(flow, "near", weight), whole, atol=1e-6)
    print(f"{weight:<32} the sum over its uses is the whole gradient")

# %% [markdown]
# It is the rule of lessons 3 and 14: gradients add. A model inside a model brings no new rule.
#
# ## Does it see depth?
#
# We compare three cameras: one with a single eye, one with a shared eye, and one with two eyes
# that learn separately. **Before you run the next cell, write down** the three accuracies that
# you expect. (Guessing: 0.50.)


# %%
def train(model):
    names = list(model.inputs)
    model.fit({n: x[n] for n in names}, near, epochs=5, verbose=0)
    _, accuracy = model.evaluate({n: held_back_x[n] for n in names}, held_back_near)
    return accuracy


def one_eye():
    left = tg.Input((24, 24, 1), name="left")
    return finish(left, make_eye()(left))


before = eye.get_weights()
shared = train(camera)
tg.set_random_seed(0)
single, separate = one_eye(), finish(*two_views(make_eye("left_eye"), make_eye("right_eye")))
results = {
    "one eye": (single.count_params(), train(single)),
    "two views, one shared eye": (camera.count_params(), shared),
    "two views, two eyes": (separate.count_params(), train(separate)),
}
print(f"{'':<28}{'weights':>8}{'accuracy':>10}")
for name, (weights, accuracy) in results.items():
    print(f"{name:<28}{weights:>8,}{accuracy:>10.2f}")
assert results["one eye"][1] < 0.62 and shared > 0.85
assert abs(shared - results["two views, two eyes"][1]) < 0.08
assert results["two views, two eyes"][0] == camera.count_params() + 576

# %% [markdown]
# One eye cannot tell near from far: the depth is not in one picture. Two views can. That is a
# difference between chance and nearly all, and it follows from the data. The difference between the
# last two lines is small, and one training of each cannot tell what a second set of weights brings
# (lesson 12): exercise 3 asks this, with seeds.
#
# We have called `fit` on `camera`, never on `eye`. **Before you run the next cell, write down**:
# has the eye learned something?

# %%
after = eye.get_weights()
print("the eye's weights have changed:", not np.array_equal(before[0], after[0]))
assert not np.array_equal(before[0], after[0])

# %% [markdown]
# The eye inside the camera is not a copy. It is the eye.
#
# ## Break it: cover one eye
#
# Now we give the trained camera the left view twice. **Before you run the next cell, write
# down**: what will it answer for near things? "Near", "far", or by chance?

# %%
twice = {"left": held_back_x["left"], "right": held_back_x["left"]}
for name, views in (("both views", held_back_x), ("left view twice", twice)):
    answers = camera.predict(views)[held_back_near == 1] > 0.5
    print(f"{name:<16}: of the near things it calls near {answers.mean():.2f}")
assert answers.mean() < 0.1

# %% [markdown]
# Without a difference between the views there is no depth. It says "far".
#
# ## Break it: one name for two things
#
# Here is a slip that one finds in printed code: the result of a call gets the name of its input.
# Look at the code. What will the model take as its second input?

# %%
left = tg.Input((24, 24, 1), name="left")
right = tg.Input((24, 24, 1), name="right")
left_features = eye(left)
right = eye(right)  # the slip: from here on, `right` is no picture any more
odd = finish([left, right], tg.layers.concatenate([left_features, right]))
try:
    odd.predict([held_back_x["left"], held_back_x["right"]])
except ValueError as error:
    print("ValueError:", error)
assert [t.shape[1:] for t in odd.inputs.values()] == [(24, 24, 1), (12, 12, 16)]

# %% [markdown]
# A model is what lies between its inputs and its outputs. The second "input" lies behind the eye.
# So this model does not take a picture there, but what an eye has made of one. Give each thing a
# name of its own.
#
# ## The same at full size
#
# `dual_camera` is the network of a well-known book: Xception, called on two pictures of 250 x 250
# pixels. It has the same form as our camera.

# %%
full = dual_camera.build()
xception = full.get_layer("xception")
print(f"Xception: {xception.count_params():,} weights, in {len(xception.layers)} layers")
print(f"the camera with two of them: {full.count_params():,} weights")
assert xception.count_params() == 20_861_480
assert full.count_params() - xception.count_params() == 2 * 2048 * 3 + 3

# %% [markdown]
# ## What you now know
#
# - A model can be called like a layer. Its weights count once, and each call is a use of them.
# - The gradient of a weight inside is the sum over all uses. Names show the way: `eye/conv:1`.
# - Training the outer model trains the inner one. There is no copy.
# - Share a model where the same must be seen: it needs half of the weights.
#
# ## Exercises
#
# 1. Call the eye a third time, for a third camera. How many weights does the comparing part get,
#    and how many does the eye? Predict both. It is right if `count_once` says the same.
# 2. Which call pulls harder at the eye? Print the share of each use of each of its weights, before
#    and after training. It is right if the two arrays add up to the whole gradient.
# 3. Train the cameras with a shared eye and with two eyes on the first 200 pairs only, with three
#    seeds, and then on all pairs. Is a difference to be seen? Say it with intervals (lesson 12).
# 4. Put a model into a model into a model: a "head" with one eye in it, a "robot" with two heads.
#    What are the weights called, and how often is each used? It is right if `flow.uses` says what
#    you have predicted.
# 5. (long) A network that looks at the same picture at three sizes: call one eye on the picture, on
#    its half (`AveragePooling2D(2)`) and on its quarter, bring the results to one size
#    (`GlobalAveragePooling2D`), and join them. Let it tell brick from grass from gravel
#    (`textures.texture`). Is it better than the eye at one size? Three seeds.
#
# Next: the eye has learned something. Can another network use it, without unlearning it?
