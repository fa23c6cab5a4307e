# %% [markdown]
# # Lesson 26: solutions of the exercises

# %%
import numpy as np

import tinygrad_mo as tg
from tinygrad_mo.flow.runs import compared
from tinygrad_mo.learn import my_work

tg.use("numpy")
ours = my_work("models_as_layers")
textures = tg.data.load("textures")
generator = np.random.default_rng(0)
x, near = ours.look(textures.image[~textures.test][::3], generator)
held_back_x, held_back_near = ours.look(textures.image[textures.test], generator)

# %% [markdown]
# ## Exercise 1
#
# The eye has 576 as before. The comparing convolution sees 48 numbers in place of 32: 16 x 32 more.

# %%
eye = ours.make_eye()
views = [tg.Input((24, 24, 1), name=name) for name in ("left", "right", "third")]
two = ours.finish(views[:2], tg.layers.concatenate([eye(view) for view in views[:2]]))
three = ours.finish(views, tg.layers.concatenate([eye(view) for view in views]))
assert ours.count_once(eye) == 576
assert ours.count_once(three) == ours.count_once(two) + 16 * 32 == three.count_params()

# %% [markdown]
# ## Exercise 2


# %%
def shares(model):
    some = {name: view[:64] for name, view in held_back_x.items()}
    flow = model.gradient_flow(some, held_back_near[:64], keep_arrays=True)
    for weight in [name for name in flow.parameters if name.startswith("eye/")]:
        uses = [use for use in flow.uses if use[0] == weight]
        parts = [flow.gradient("near", use) for use in uses]
        assert np.allclose(sum(parts), flow.gradient("near", weight), atol=1e-6)
        print(f"{weight:<32}", *(f"{np.linalg.norm(part):.4f}" for part in parts))


def fitted(model, pairs, epochs=3):
    x_some = {name: x[name][:pairs] for name in model.inputs}
    model.fit(x_some, near[:pairs], epochs=epochs, batch_size=32, verbose=0)
    return model.evaluate(held_back_x, held_back_near)[1]


tg.set_random_seed(0)
eye = ours.make_eye()
camera = ours.finish(*ours.two_views(eye, eye))
shares(camera)
fitted(camera, len(near))
shares(camera)

# %% [markdown]
# ## Exercise 3

# %%
scores = {}
for name in ("shared", "separate"):
    scores[name] = []
    for seed in (0, 1, 2):
        tg.set_random_seed(seed)
        eyes = [ours.make_eye("left_eye")]
        eyes.append(eyes[0] if name == "shared" else ours.make_eye("right_eye"))
        scores[name].append(fitted(ours.finish(*ours.two_views(*eyes)), 200, epochs=6))
    print(name, scores[name])
print("two eyes against one:", compared(scores["separate"], scores["shared"]))

# %% [markdown]
# ## Exercise 4
#
# Each weight of the eye is used as often as there are ways from the inputs to it: two heads, so
# twice.

# %%
eye = ours.make_eye()
view = tg.Input((24, 24, 1), name="view")
head = tg.Model(view, tg.layers.GlobalAveragePooling2D()(eye(view)), name="head")
inputs = [tg.Input((24, 24, 1), name=name) for name in ("left", "right")]
joined = tg.layers.concatenate([head(one) for one in inputs])
robot = tg.Model(inputs, tg.layers.Dense(1, name="near")(joined), name="robot")
robot.compile("sgd", "mean_squared_error")
flow = robot.gradient_flow({n: v[:8] for n, v in held_back_x.items()}, held_back_near[:8])
uses = [use for use in flow.uses if use[0].endswith("conv/kernel")]
print(uses)
assert len(uses) == 2 and uses[0][0].startswith("head/eye/")

# %% [markdown]
# ## Exercise 5 (long)
#
# The mean over all places takes away where something was, so pictures of any size will do.

# %%
kinds = textures.texture.astype(int)
photos = (textures.image / np.float32(64) - 2)[:, 4:28, 4:28, None]
seen, new = ~textures.test, textures.test


def classifier(sizes, seed):
    tg.set_random_seed(seed)
    picture = tg.Input((24, 24, 1), name="photo")
    options = {"padding": "same", "activation": "relu"}
    any_size = tg.Input((None, None, 1), name="picture")
    h = tg.layers.Conv2D(16, 3, strides=2, **options)(any_size)
    eye = tg.Model(any_size, tg.layers.Conv2D(16, 3, **options)(h), name="eye")
    views = [picture, *(tg.layers.AveragePooling2D(2**k)(picture) for k in range(1, sizes))]
    parts = [tg.layers.GlobalAveragePooling2D()(eye(one)) for one in views]
    joined = tg.layers.concatenate(parts) if sizes > 1 else parts[0]
    answer = tg.layers.Dense(kinds.max() + 1, activation="softmax", name="kind")(joined)
    model = tg.Model(picture, answer)
    loss = "sparse_categorical_crossentropy"
    model.compile(tg.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    model.fit(photos[seen], kinds[seen], epochs=15, verbose=0)
    return model.evaluate(photos[new], kinds[new])[1]


one, three = ([classifier(sizes, seed) for seed in (0, 1, 2)] for sizes in (1, 3))
print("one size", one, "three sizes", three)
print("three sizes against one:", compared(three, one))
assert min(one + three) > 1 / (kinds.max() + 1)
