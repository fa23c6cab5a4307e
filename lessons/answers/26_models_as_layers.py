"""Solutions, hints and checks of lesson 26."""

import numpy as np

import tinygrad_mo as tg


def two_views(left_eye, right_eye):
    left = tg.Input((24, 24, 1), name="left")
    right = tg.Input((24, 24, 1), name="right")
    # a model is called like a layer; the same model may be called twice
    return [left, right], tg.layers.concatenate([left_eye(left), right_eye(right)])


def my_prediction():
    return 576 + 1089  # the second call uses the weights of the first one


def count_once(model):
    seen = set()

    def count(layer):
        if id(layer) in seen:
            return 0
        seen.add(id(layer))
        if isinstance(layer, tg.Model):
            return sum(count(inner) for inner in layer.layers)
        return sum(weight.size for weight in layer.weights)

    return count(model)


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
    "count_once": [
        "Make seen = set(), and a function count(layer) inside. It returns 0 for what was seen.",
        "For a tg.Model, count returns the sum of count(inner) for inner in layer.layers.",
        "For other layers it returns the sum of weight.size for weight in layer.weights.",
        "At the end: return count(model). A layer can be put into a set as it is, or by its id().",
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
        f"Return two things, the list of inputs and the joined tensor; received {found!r}."
    )
    inputs, joined = found
    assert isinstance(inputs, list | tuple) and len(inputs) == 2, (
        f"The first thing should be a list of two inputs, not {inputs!r}."
    )
    assert isinstance(joined, tg.Tensor), (
        f"The second thing should be a tensor, not {type(joined).__name__}."
    )
    unused = {t.name for t in inputs} - sources(joined)
    assert not unused, f"Nothing is made of the input {unused}: each eye has an input of its own."
    return list(inputs), joined


def check_two_views__inputs(lesson):
    """There are two inputs, left and right, for pictures of 24 x 24 pixels."""
    eye = tiny_eye("eye")
    inputs, _ = views_of(lesson, eye, eye)
    names = [t.name for t in inputs]
    assert names == ["left", "right"], f"The inputs are called {names}, expected left and right."
    shapes = [t.shape for t in inputs]
    assert shapes == [(None, 24, 24, 1)] * 2, f"They have the shapes {shapes}: use (24, 24, 1)."
    assert all(t.step is None for t in inputs), (
        "Return the inputs themselves, not what the eyes have made of them."
    )


def check_two_views__joined(lesson):
    """What both eyes see lies side by side, the left eye first."""
    left_eye, right_eye = tiny_eye("a"), tiny_eye("b")
    inputs, joined = views_of(lesson, left_eye, right_eye)
    assert joined.shape == (None, 3, 3, 4), (
        f"Two eyes of 2 numbers each should give 4 per place; the joined shape is {joined.shape}."
    )
    a, b = np.random.default_rng(0).standard_normal((2, 5, 24, 24, 1))
    found = tg.Model(inputs, joined).predict([a, b])
    expected = np.concatenate([left_eye.predict(a), right_eye.predict(b)], axis=-1)
    assert np.allclose(found, expected, atol=1e-5), (
        "The left eye should look at the left input, the right eye at the right one, and the left "
        "one should come first."
    )


def check_two_views__shared(lesson):
    """The same eye given twice is used twice, without new weights."""
    eye = tiny_eye("eye")
    model = tg.Model(*views_of(lesson, eye, eye))
    assert model.count_params() == eye.count_params(), (
        f"The eye has {eye.count_params()} weights, the model {model.count_params()}: call the "
        f"eyes that you are given."
    )


def check_my_prediction__one_number(lesson):
    """The prediction is one whole number."""
    found = lesson.my_prediction()
    assert isinstance(found, int | np.integer) and not isinstance(found, bool), (
        f"write a whole number, as in `return 5`, not {found!r}"
        + (", which is a text" if isinstance(found, str) else "")
    )


def check_my_prediction__a_count(lesson):
    """It can be a number of weights."""
    found = lesson.my_prediction()
    assert not isinstance(found, str), f"Write a number, not the text {found!r}."
    assert isinstance(found, int | np.integer) and found > 0, (
        f"{found!r} cannot be a number of weights: it is above 0."
    )


def nested():
    """A model with two dense layers, one that uses it, and one that calls this one twice."""
    start = tg.Input((3,))
    dense = tg.layers.Dense(3, name="dense")  # 12 weights
    own = tg.layers.Dense(3, name="own")  # 12 more
    inner = tg.Model(start, own(dense(start)), name="inner")
    middle_in = tg.Input((3,))
    middle = tg.Model(middle_in, inner(dense(middle_in)), name="middle")
    outer_in = tg.Input((3,))
    h = tg.layers.concatenate([middle(outer_in), middle(dense(outer_in))])
    return inner, middle, tg.Model(outer_in, tg.layers.Dense(2, name="last")(h))  # 14 more


def counted(lesson, model):
    found = lesson.count_once(model)
    assert isinstance(found, int | np.integer), f"Return one whole number, not {found!r}."
    return found


def check_count_once__flat(lesson):
    """A model of plain layers has the weights of its layers."""
    start = tg.Input((4,))
    model = tg.Model(start, tg.layers.Dense(2)(tg.layers.Dense(5)(tg.layers.ELU()(start))))
    found = counted(lesson, model)
    assert found == 37, f"4 x 5 + 5 and 5 x 2 + 2 weights are 37, not {found}."


def check_count_once__called_twice(lesson):
    """A layer that is called twice counts once."""
    start, dense = tg.Input((3,)), tg.layers.Dense(3)
    found = counted(lesson, tg.Model(start, dense(dense(start))))
    assert found == 12, f"One Dense layer of 3 x 3 + 3 weights, called twice, has 12, not {found}."


def check_count_once__within(lesson):
    """Models within models are opened, and what is found at two places counts once."""
    inner, middle, outer = nested()
    for name, model, right in (("inner", inner, 24), ("middle", middle, 24), ("outer", outer, 38)):
        found = counted(lesson, model)
        assert found == right, (
            f"In the checks, {name} has {right} weights; you count {found}. The same dense layer "
            f"is in all of them, and the outer one has 14 weights of its own."
        )


def check_count_once__again(lesson):
    """Counting twice gives the same number."""
    _, _, outer = nested()
    first, second = counted(lesson, outer), counted(lesson, outer)
    assert first == second, f"The first time you count {first}, the second time {second}."


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
    """The gradients of all uses are added."""
    flow = tiny_flow()
    found = lesson.gradient_from_uses(flow, "one", "eye/conv/kernel")
    first = flow.gradient("one", ("eye/conv/kernel", "eye/conv"))
    assert np.shape(found) == first.shape, (
        f"The result has shape {np.shape(found)}, the weight has shape {first.shape}."
    )
    assert not np.allclose(found, first), "This is the gradient of the first use alone."
    whole = flow.gradient("one", "eye/conv/kernel")
    assert not np.allclose(3 * found, whole, atol=1e-6), "This is the mean: add, do not divide."
    assert np.allclose(found, whole, atol=1e-5), (
        "The sum is not the whole gradient of the weight: are all three uses in it, and only uses "
        "of this weight?"
    )


def check_gradient_from_uses__other_weight(lesson):
    """Only uses of the weight that is asked for are taken."""
    flow = tiny_flow()
    for loss, weight in (("one", "eye/conv/bias"), ("two", "two/kernel")):
        found = lesson.gradient_from_uses(flow, loss, weight)
        whole = flow.gradient(loss, weight)
        assert np.shape(found) == whole.shape and np.allclose(found, whole, atol=1e-5), (
            f"For the loss {loss!r} and {weight!r} the result is not the gradient of the weight."
        )
