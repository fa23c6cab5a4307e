"""Answers to lesson 27."""

import numpy as np

import tinygrad_mo as tg


def with_aux(model, closed):
    h = model.get_output("body")
    if closed:
        h = tg.stop_gradient(h)
    return tg.Model(model.inputs, [model.outputs["main"], tg.layers.Dense(1, name="aux")(h)])


def my_prediction():
    # A frozen layer lets the gradient through. A closed way lets nothing through.
    return {"frozen": "trains", "closed": "no path", "off": "off"}


def closed(x):
    # Not 0 * g: 0 times infinity is NaN.
    return x, (lambda g: np.zeros_like(g),)


def momentum_path(gradients, rate, momentum):
    weight, velocity, path = 0.0, 0.0, []
    for gradient in gradients:
        if gradient is not None:
            velocity = momentum * velocity - rate * gradient
            weight = weight + velocity
        path.append(weight)
    return path


def normalise(x, mean, variance, momentum, frozen):
    if frozen:
        used_mean, used_variance = mean, variance
    else:
        used_mean, used_variance = x.mean(axis=0), x.var(axis=0)
        mean = momentum * mean + (1 - momentum) * used_mean
        variance = momentum * variance + (1 - momentum) * used_variance
    return (x - used_mean) / np.sqrt(used_variance + 0.001), mean, variance


HINTS = {
    "with_aux": [
        'Begin with h = model.get_output("body"). If `closed`, h = tg.stop_gradient(h).',
        'The new head is tg.layers.Dense(1, name="aux")(h).',
        'return tg.Model(model.inputs, [model.outputs["main"], ...])',
    ],
    "my_prediction": [
        "The gradient of aux starts at its head and goes back through `body` to `first`. Which of "
        "the three stops it on its way?",
        '"Frozen" is said to the optimizer, not to the gradient.',
        'The form: return {"frozen": "...", "closed": "...", "off": "..."}',
    ],
    "closed": [
        "Forward nothing happens: the value is x itself.",
        "Backward the gradient is 0, as large as the gradient that came: np.zeros_like(g).",
        "return x, (lambda g: ...,)",
    ],
    "momentum_path": [
        "Begin: weight = velocity = 0.0, and an empty list. Loop over the gradients.",
        "If gradient is not None: first the velocity, then the weight, as the text says.",
        "In every step, also a frozen one, append the weight to the list.",
    ],
    "normalise": [
        "Two cases: if frozen, y comes from `mean` and `variance`, and both are returned as they "
        "are.",
        "Otherwise take x.mean(axis=0) and x.var(axis=0) for y, and move the running ones.",
        "mean = momentum * mean + (1 - momentum) * x.mean(axis=0), and the same for the variance.",
        "y = (x - used_mean) / np.sqrt(used_variance + 0.001)",
    ],
}


def base(lesson):
    tg.set_random_seed(0)
    return lesson.network()


def heads(lesson, closed):
    model = base(lesson)
    made = lesson.with_aux(model, closed)
    assert isinstance(made, tg.Model), f"Return a tg.Model, not {made!r}. Is a `return` missing?"
    assert list(made.outputs) == ["main", "aux"], (
        f"The outputs are main and aux, in this order; yours are {list(made.outputs)}."
    )
    shape = made.outputs["aux"].shape
    assert shape == (None, 1), f"Aux has one number for each sample, (None, 1), yours {shape}."
    return model, made


def check_with_aux__outputs(lesson):
    """It has the outputs main and aux."""
    for closed in (False, True):
        heads(lesson, closed)


def check_with_aux__the_same_layers(lesson):
    """Its layers are those of the trained network, not new ones."""
    for closed in (False, True):
        model, made = heads(lesson, closed)
        for name in ("first", "body", "main"):
            layer = made.get_layer(name)
            assert layer is model.get_layer(name), (
                f"{name} is a new layer: use the one of the model."
            )


def check_with_aux__on_the_body(lesson):
    """The new head stands on `body`, also where a layer stands between."""
    for closed in (False, True):
        _, made = heads(lesson, closed)
        kernel = made.get_layer("aux").kernel
        assert kernel.shape == (32, 1), (
            f"The kernel of aux has the shape {kernel.shape}; `body` has 32 numbers, so (32, 1)."
        )
        x = np.linspace(0, 1, 128, dtype=np.float32).reshape(2, 64)
        body = tg.Model(made.inputs, made.get_output("body")).predict(x)
        right = body @ kernel.numpy() + made.get_layer("aux").bias.numpy()
        received = tg.Model(made.inputs, made.outputs["aux"]).predict(x)
        made.compile("sgd", lesson.LOSSES)
        y = {"main": np.array([0, 1]), "aux": np.array([0.0, 1.0])}
        assert made.gradient_flow(x, y).reaches("aux", "aux"), (
            "No gradient comes to the head aux itself: put tg.stop_gradient before the head, on "
            "the output of body, not on what the head makes."
        )
        assert np.allclose(received, right, atol=1e-5), (
            f"Aux must be a Dense layer on `body`, without an activation: {right.ravel()}, yours "
            f"{received.ravel()}."
        )


def check_with_aux__closed(lesson):
    """Closed: aux has no path to the body; open: it has. main has one in both."""
    x = np.linspace(0, 1, 128, dtype=np.float32).reshape(2, 64)
    y = {"main": np.array([0, 1]), "aux": np.array([0.0, 1.0])}
    for closed in (False, True):
        _, made = heads(lesson, closed)
        made.compile("sgd", lesson.LOSSES)
        flow = made.gradient_flow(x, y)
        for layer in ("first", "body"):
            reaches = flow.reaches("aux", layer)
            assert reaches != closed, (
                f"closed={closed}: aux has {'a' if reaches else 'no'} path to {layer}. Closed: "
                "give tg.stop_gradient(the output of body) to the head, so the stop stands before "
                "the head; open: give it the output of body as it is."
            )
            assert flow.reaches("main", layer), (
                f"closed={closed}: main has lost its path to {layer}."
            )


def check_my_prediction__keys(lesson):
    """It is a dict with the keys "frozen", "closed" and "off"."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict, not {found!r}."
    assert set(found) == {"frozen", "closed", "off"}, f"The keys are not {list(found)}."


def check_my_prediction__words(lesson):
    """Each value is one of the three words."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict, not {found!r}."
    other = [word for word in found.values() if word not in ("trains", "no path", "off")]
    assert not other, f'Use "trains", "no path" or "off", not {other}.'


def operated(lesson, x):
    before = x.copy()
    found = lesson.closed(x)
    assert isinstance(found, tuple | list) and len(found) == 2, (
        f"Return the value and a tuple with one pullback, not {found!r}."
    )
    value, pulls = found
    assert isinstance(pulls, tuple | list) and len(pulls) == 1 and callable(pulls[0]), (
        f"Expected a tuple with one pullback, (lambda g: ...,), not {pulls!r}."
    )
    assert np.array_equal(x, before), "x was written into."
    return value, pulls[0]


def check_closed__value(lesson):
    """Forward nothing changes."""
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    value, _ = operated(lesson, x)
    assert np.array_equal(value, x), f"x = {x.tolist()}, so is the value; yours is {value}."


def check_closed__pullback(lesson):
    """Backward all is 0, in the shape of g, also with a row for each loss."""
    _, pull = operated(lesson, np.ones((2, 2)))
    for g in (np.ones((2, 2)), np.full((3, 2, 2), 5.0), np.zeros((1, 2, 2))):
        received = pull(g)
        assert received is not None, (
            "The pullback returned None. The library knows None; your engine needs an array."
        )
        assert np.shape(received) == g.shape, (
            f"g has the shape {g.shape}, so has what comes back; yours {np.shape(received)}."
        )
        assert not np.any(received), f"Nothing may come through; yours lets {received} through."


def check_closed__infinite(lesson):
    """An infinite gradient becomes 0, too."""
    _, pull = operated(lesson, np.ones(3))
    received = np.asarray(pull(np.array([np.inf, np.nan, 1.0])))
    assert np.array_equal(received, np.zeros(3)), (
        f"[inf, nan, 1] becomes zeros; yours is {received}. 0 times infinity is NaN."
    )


def walked(lesson, gradients, right, rate=0.1, momentum=0.5):
    found = lesson.momentum_path(gradients, rate, momentum)
    assert found is not None, "None came back: is a `return` missing?"
    assert len(found) == len(gradients), (
        f"{len(gradients)} steps, so {len(gradients)} places; yours are {len(found)}."
    )
    assert np.allclose(found, right), (
        f"gradients {gradients}, rate {rate}, momentum {momentum}: {right}, yours is "
        f"{np.round(found, 6).tolist()}."
    )


def check_momentum_path__steps(lesson):
    """Without a freeze it is SGD with momentum."""
    walked(lesson, [1.0, 1.0, 0.0], [-0.1, -0.25, -0.325])
    walked(lesson, [2.0, -4.0], [-2.0, 0.2], rate=1.0, momentum=0.9)


def check_momentum_path__frozen(lesson):
    """In a frozen step neither weight nor velocity changes."""
    walked(lesson, [1.0, None, None, 0.0], [-0.1, -0.1, -0.1, -0.15])
    walked(lesson, [None, 1.0, None, 1.0], [0.0, -0.1, -0.1, -0.25])


def check_momentum_path__zero_is_not_frozen(lesson):
    """A gradient of 0 is not a freeze: the weight rolls on."""
    walked(lesson, [1.0, 0.0, 0.0], [-0.1, -0.15, -0.175])


def check_momentum_path__empty(lesson):
    """No step, no place."""
    walked(lesson, [], [])


X = np.array([[1.0, 2.0], [3.0, 2.0], [8.0, 5.0]])


def normalised(lesson, frozen, x=X, momentum=0.9):
    x, mean, variance = np.array(x), np.array([1.0, -1.0]), np.array([4.0, 0.25])
    before = x.copy()
    found = lesson.normalise(x, mean, variance, momentum, frozen)
    assert isinstance(found, tuple | list) and len(found) == 3, (
        f"Return y, mean, variance: three arrays; what came back is {found!r}."
    )
    assert np.array_equal(x, before), "x was written into."
    assert mean.tolist() == [1.0, -1.0] and variance.tolist() == [4.0, 0.25], (
        "The running mean or variance was written into: return new arrays."
    )
    y, new_mean, new_variance = map(np.asarray, found)
    assert y.shape == x.shape, f"x has the shape {x.shape}, so has y; yours {y.shape}."
    assert new_mean.shape == new_variance.shape == (2,), (
        f"Two features have two means and variances; yours {new_mean.shape}, {new_variance.shape}."
    )
    return y, new_mean, new_variance


def check_normalise__training(lesson):
    """In training y is made with mean and variance of the batch."""
    for x in (X, X[:2] * 3):
        y, _, _ = normalised(lesson, False, x)
        right = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 0.001)
        assert np.allclose(y, right), (
            f"x = {x.tolist()}, in training: y is {right.round(3).tolist()}, yours "
            f"{y.round(3).tolist()}."
        )


def check_normalise__running(lesson):
    """In training the running mean and variance move a little."""
    for momentum in (0.9, 0.5):
        _, *found = normalised(lesson, False, momentum=momentum)
        old = ([1.0, -1.0], [4.0, 0.25])
        batch = (X.mean(axis=0), X.var(axis=0))
        for name, was, seen, now in zip(("mean", "variance"), old, batch, found, strict=True):
            right = momentum * np.array(was) + (1 - momentum) * seen
            assert np.allclose(now, right), (
                f"momentum {momentum}: the running {name} {was} and that of the batch "
                f"{seen.round(3).tolist()} make {right.round(3).tolist()}, yours {now}."
            )


def check_normalise__frozen(lesson):
    """Frozen, the running ones are used and stay."""
    for x in (X, X[:1]):
        y, mean, variance = normalised(lesson, True, x)
        right = (x - [1.0, -1.0]) / np.sqrt(np.array([4.0, 0.25]) + 0.001)
        assert np.allclose(y, right), (
            f"frozen: y is {right.round(3).tolist()}, yours {y.round(3).tolist()}."
        )
        assert mean.tolist() == [1.0, -1.0] and variance.tolist() == [4.0, 0.25], (
            f"frozen: mean and variance stay [1, -1] and [4, 0.25]; yours {mean}, {variance}."
        )
