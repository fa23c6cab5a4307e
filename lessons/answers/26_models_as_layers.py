"""Solutions, hints and checks of lesson 26."""

import numpy as np

import tinygrad_mo as tg


def two_views(left_eye, right_eye):
    left = tg.Input((24, 24, 1), name="left")
    right = tg.Input((24, 24, 1), name="right")
    # a model is called like a layer; the same model may be called twice
    return [left, right], tg.layers.concatenate([left_eye(left), right_eye(right)])


def my_prediction(eye_weights, other_weights):
    # the second call uses the weights of the first one
    return eye_weights + other_weights


def gradient_from_uses(flow, loss, weight):
    # one gradient per use; gradients that come back on several ways add up
    return sum(flow.gradient(loss, use) for use in flow.uses if use[0] == weight)


HINTS = {
    "two_views": [
        'left = tg.Input((24, 24, 1), name="left") makes the first input.',
        "left_eye(left) calls the model, and gives a tensor, as with a layer.",
        "return [left, right], tg.layers.concatenate([left_eye(left), right_eye(right)])",
    ],
    "my_prediction": [
        "Does a layer that is called twice get new weights (lesson 14)?",
        "The eye counts once: 576 and 1,089.",
    ],
    "gradient_from_uses": [
        "for use in flow.uses: then use[0] is the weight, and use[1] the call.",
        "flow.gradient(loss, use) is the gradient of this use. Add those with use[0] == weight.",
        "return sum(flow.gradient(loss, use) for use in flow.uses if use[0] == weight)",
    ],
}


def tiny_eye(name):
    picture = tg.Input((24, 24, 1), name="picture")
    return tg.Model(picture, tg.layers.Conv2D(2, 3, 8, name="conv")(picture), name=name)


def sources(tensor):
    """The names of all inputs that a tensor is made of."""
    if tensor.step is None:
        return {tensor.name}
    return set().union(*(sources(t) for t in tensor.step.inputs if t is not None))


def views_of(lesson, left_eye, right_eye):
    found = lesson.two_views(left_eye, right_eye)
    assert isinstance(found, tuple | list) and len(found) == 2, (
        f"return two things, the list of inputs and the joined tensor; received {found!r}"
    )
    inputs, joined = found
    assert isinstance(inputs, list | tuple) and len(inputs) == 2, (
        f"the first thing should be a list of two inputs, not {inputs!r}"
    )
    assert isinstance(joined, tg.Tensor), (
        f"the second thing should be a tensor, not {type(joined).__name__}"
    )
    unused = {t.name for t in inputs} - sources(joined)
    assert not unused, f"nothing is made of the input {unused}: each eye has an input of its own"
    return list(inputs), joined


def check_two_views__inputs(lesson):
    """there are two inputs, left and right, for pictures of 24 x 24 pixels"""
    eye = tiny_eye("eye")
    inputs, _ = views_of(lesson, eye, eye)
    names = [t.name for t in inputs]
    assert names == ["left", "right"], f"the inputs are called {names}, expected left and right"
    shapes = [t.shape for t in inputs]
    assert shapes == [(None, 24, 24, 1)] * 2, f"they have the shapes {shapes}: use (24, 24, 1)"
    assert all(t.step is None for t in inputs), (
        "return the inputs themselves, not what the eyes have made of them"
    )


def check_two_views__joined(lesson):
    """what both eyes see lies side by side, the left eye first"""
    left_eye, right_eye = tiny_eye("a"), tiny_eye("b")
    inputs, joined = views_of(lesson, left_eye, right_eye)
    assert joined.shape == (None, 3, 3, 4), (
        f"two eyes of 2 numbers each should give 4 per place; the joined shape is {joined.shape}"
    )
    a, b = np.random.default_rng(0).standard_normal((2, 5, 24, 24, 1))
    found = tg.Model(inputs, joined).predict([a, b])
    expected = np.concatenate([left_eye.predict(a), right_eye.predict(b)], axis=-1)
    assert np.allclose(found, expected, atol=1e-5), (
        "the left eye should look at the left input, the right eye at the right one, and the left "
        "one should come first"
    )


def check_two_views__shared(lesson):
    """the same eye given twice is used twice, without new weights"""
    eye = tiny_eye("eye")
    model = tg.Model(*views_of(lesson, eye, eye))
    assert model.count_params() == eye.count_params(), (
        f"the eye has {eye.count_params()} weights, the model {model.count_params()}: call the "
        f"eyes that you are given"
    )


def check_my_prediction__once(lesson):
    """the weights of a model that is called twice count once"""
    found = lesson.my_prediction(576, 1089)
    assert found != 2 * 576 + 1089, (
        f"received {found}: this counts the eye twice. Does the second call make new weights?"
    )
    assert found == 576 + 1089, (
        f"received {found}: which parts does the model have, and how many weights has each?"
    )


def check_my_prediction__any_sizes(lesson):
    """it holds for eyes and other parts of any size"""
    found = lesson.my_prediction(10, 3)
    assert found == 13, (
        f"for an eye of 10 weights and another part of 3 received {found}, expected 13: use the "
        f"two numbers that the function gets"
    )


def tiny_flow():
    tg.set_random_seed(1)
    eye = tiny_eye("eye")
    pictures = [tg.Input((24, 24, 1), name=name) for name in ("left", "right", "third")]
    h = tg.layers.Flatten()(tg.layers.concatenate([eye(p) for p in pictures]))
    model = tg.Model(pictures, [tg.layers.Dense(1, name=name)(h) for name in ("one", "two")])
    model.compile("sgd", "mean_squared_error")
    x = list(np.random.default_rng(0).standard_normal((3, 4, 24, 24, 1)))
    return model.gradient_flow(x, [np.ones(4), np.zeros(4)], keep_arrays=True)


def check_gradient_from_uses__all_uses(lesson):
    """the gradients of all uses are added"""
    flow = tiny_flow()
    found = lesson.gradient_from_uses(flow, "one", "eye/conv/kernel")
    first = flow.gradient("one", ("eye/conv/kernel", "eye/conv"))
    assert np.shape(found) == first.shape, (
        f"the result has shape {np.shape(found)}, the weight has shape {first.shape}"
    )
    assert not np.allclose(found, first), "this is the gradient of the first use alone"
    whole = flow.gradient("one", "eye/conv/kernel")
    assert not np.allclose(3 * found, whole, atol=1e-6), "this is the mean: add, do not divide"
    assert np.allclose(found, whole, atol=1e-5), (
        "the sum is not the whole gradient of the weight: are all three uses in it, and only uses "
        "of this weight?"
    )


def check_gradient_from_uses__other_weight(lesson):
    """only uses of the weight that is asked for are taken"""
    flow = tiny_flow()
    for loss, weight in (("one", "eye/conv/bias"), ("two", "two/kernel")):
        found = lesson.gradient_from_uses(flow, loss, weight)
        whole = flow.gradient(loss, weight)
        assert np.shape(found) == whole.shape and np.allclose(found, whole, atol=1e-5), (
            f"for the loss {loss!r} and {weight!r} the result is not the gradient of the weight"
        )
