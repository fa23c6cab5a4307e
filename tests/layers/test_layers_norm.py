"""Normalisation: gradients, Keras's numbers, moving averages, and layers that are frozen."""

import numpy as np
import pytest

import tinygrad_mo as tg
from gradient_checks import check_gradients
from layer_checks import agree_with_keras, check_losses, close, numbers, recorded, two_losses
from tinygrad_mo import layers, ops
from tinygrad_mo.engine.plan import topological_order
from tinygrad_mo.training.averages import MovingAverages

MASK = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0]], dtype=bool)
positive = np.abs(numbers(3)) + 0.1


@pytest.mark.one_in(12, rest="medium")
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize(
    "shape, mask",
    [
        ((6, 3), None),
        ((1, 3), None),
        ((0, 3), None),
        ((2, 3, 2, 3), None),
        ((4, 3, 3), MASK),
        ((4, 3, 2, 3), MASK),
        ((1, 3, 3), MASK[3:]),
    ],
)
def test_batch_normalization(shape, mask, learned, training):
    gamma, beta = (numbers(3) + 1, numbers(3)) if learned else (None, None)
    statistics = numbers(3), positive
    check_gradients(
        ops.batch_normalization, numbers(*shape), gamma, beta, *statistics, mask, training=training
    )


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("axis", [-1, 1, (1, 2), (-1, 1)])
@pytest.mark.parametrize("samples", [2, 0])
def test_layer_normalization(axis, learned, samples):
    shape = (samples, 3, 4)
    axes = sorted(a % 3 for a in (axis if isinstance(axis, tuple) else (axis,)))
    lengths = [shape[a] for a in axes]
    weights = (numbers(*lengths) + 1, numbers(*lengths)) if learned else (None, None)
    check_gradients(ops.layer_normalization, numbers(*shape), *weights, axis=axis)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", recorded("norm"))
def test_keras(case):
    training = "new_moving_mean" in recorded("norm")[case][1]
    layer, _, _, data = agree_with_keras("norm", case, training=training)
    if training:
        close(layer.moving_mean.numpy(), data["new_moving_mean"])
        close(layer.moving_variance.numpy(), data["new_moving_variance"])


LAYERS = {
    "batch": (layers.BatchNormalization, {}, (3, 4)),
    "batch_plain": (layers.BatchNormalization, {"center": False, "scale": False}, (4,)),
    "batch_axis_1": (layers.BatchNormalization, {"axis": 1}, (3, 4)),
    "layer": (layers.LayerNormalization, {}, (3, 4)),
    "layer_axes": (layers.LayerNormalization, {"axis": (1, 2), "gamma_regularizer": "l2"}, (3, 4)),
    "group": (layers.GroupNormalization, {"groups": 2}, (3, 4)),
    "group_axis_1": (layers.GroupNormalization, {"groups": 3, "axis": 1, "center": False}, (3, 4)),
    "rms": (layers.RMSNormalization, {}, (3, 4)),
}


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind, options, shape", LAYERS.values(), ids=LAYERS)
def test_two_losses(kind, options, shape):
    check_losses(*two_losses(kind(**options), *shape))


def test_any_axis_can_hold_the_channels():
    x = numbers(2, 3, 4, 5).astype(np.float32)
    for axis in (1, 2, 3, -2):
        last, middle = layers.BatchNormalization(), layers.BatchNormalization(axis=axis)
        expected = last(tg.Tensor(np.moveaxis(x, axis, -1)))
        found = middle(tg.Tensor(x))
        assert middle.gamma.shape == (x.shape[axis],)
        assert (np.moveaxis(found.numpy(), axis, -1) == expected.numpy()).all()


def normalised(uses=1, **options):
    """A model in which one layer normalises its input, `uses` times, and its data."""
    layer = layers.BatchNormalization(momentum=0.9, name="norm", **options)
    inputs = [tg.Input((3,), name=f"x{i}") for i in range(uses)]
    head = layers.Dense(1, name="head")
    model = tg.Model(inputs, [head(layer(x)) for x in inputs])
    model.compile("sgd", "mse")
    return model, layer, [numbers(8, 3) + 2 * i for i in range(uses)], [numbers(8, 1)] * uses


def averages(layer):
    return layer.moving_mean.numpy(), layer.moving_variance.numpy()


@pytest.mark.usefixtures("float64")
def test_training_moves_the_averages():
    model, layer, x, y = normalised()
    model.train_on_batch(x, y)
    mean, variance = averages(layer)
    close(mean, 0.1 * x[0].mean(axis=0))
    close(variance, 0.9 + 0.1 * x[0].var(axis=0))


@pytest.mark.usefixtures("float64")
def test_a_shared_layer_averages_what_each_use_has_seen():
    model, layer, x, y = normalised(uses=2)
    model.train_on_batch(x, y)
    mean, variance = averages(layer)
    close(mean, 0.9 * (0.1 * x[0].mean(axis=0)) + 0.1 * x[1].mean(axis=0))
    close(variance, 0.9 * (0.9 + 0.1 * x[0].var(axis=0)) + 0.1 * x[1].var(axis=0))


def test_predicting_and_evaluating_move_nothing():
    model, layer, x, y = normalised()
    before = averages(layer)
    model.predict(x)
    model.evaluate(x, y)
    model.training_plan().forward(model.labelled_data(x, y))
    for now, then in zip(averages(layer), before, strict=True):
        assert (now == then).all()


def while_training(model, x, y):
    plan = model.training_plan()
    tape = plan.forward(model.labelled_data(x, y), training=True)
    return [plan.value(tape, t) for t in model.outputs.values()]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("options", [{}, {"center": False, "scale": False}])
def test_a_frozen_layer_does_as_in_inference_at_once(options):
    model, layer, x, y = normalised(**options)
    for _ in range(3):
        model.train_on_batch(x, y)
    learning = while_training(model, x, y)[0]
    assert np.abs(learning - model.predict(x)[0]).max() > 0.01

    layer.trainable = False
    close(while_training(model, x, y)[0], model.predict(x)[0])
    before, weights = averages(layer), layer.weights
    values = [w.numpy() for w in weights]
    head = model.get_layer("head").kernel.numpy()
    model.train_on_batch(x, y)
    for now, then in zip(averages(layer), before, strict=True):
        np.testing.assert_allclose(now, then, rtol=1e-15)
    for w, then in zip(weights, values, strict=True):
        np.testing.assert_allclose(w.numpy(), then, rtol=1e-15)
    assert (model.get_layer("head").kernel.numpy() != head).any(), "what is not frozen learns"

    layer.trainable = True
    assert np.abs(while_training(model, x, y)[0] - model.predict(x)[0]).max() > 0.001
    model.train_on_batch(x, y)
    assert (averages(layer)[0] != before[0]).all()


@pytest.mark.usefixtures("float64")
def test_gradients_pass_through_a_frozen_layer():
    x = tg.Input((3,))
    layer = layers.BatchNormalization(trainable=False)
    below = layers.Dense(3, name="below")
    model = tg.Model(x, layers.Dense(1)(layer(below(x))))
    model.compile("sgd", "mse")
    assert layer.gamma not in model.trainable_weights
    before = below.kernel.numpy()
    model.train_on_batch(numbers(4, 3), numbers(4, 1))
    assert (below.kernel.numpy() != before).all()
    tg.check.check_model(model, numbers(4, 3), numbers(4, 1))


@pytest.mark.usefixtures("float64")
def test_padding_does_not_count():
    """The statistics of a padded batch are those of its real steps."""
    x, padded = tg.Input((3, 2)), numbers(4, 3, 2)
    x.mask = mask = tg.Input((3,), "bool", "mask")
    layer = layers.BatchNormalization(momentum=0.0)
    y = layer(x)
    assert y.mask is mask
    averages = MovingAverages(topological_order([y]))
    plan = tg.Plan([], [], fetch=averages.statistics)
    averages.follow(plan, plan.forward({x: padded, mask: MASK}, training=True))
    close(layer.moving_mean.numpy(), padded[MASK].mean(axis=0))
    close(layer.moving_variance.numpy(), padded[MASK].var(axis=0))


def test_float32_stays_and_a_large_mean_does_no_harm():
    x = (numbers(64, 3) + 1000).astype(np.float32)
    arrays = [np.ones(3, np.float32), None, np.zeros(3, np.float32), np.ones(3, np.float32)]
    (y, mean, variance), pull_back = ops.batch_normalization(x, *arrays, None, training=True)
    found = pull_back((y[None], mean[None], variance[None]))[:2]
    assert {a.dtype for a in (y, mean, variance, *found)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-3)


def test_groups_over_pictures_of_any_size():
    x = tg.Input((None, None, 4))
    model = tg.Model(x, layers.GroupNormalization(2)(x))
    y = model.predict(numbers(2, 3, 5, 4)).reshape(2, 15, 2, 2)
    np.testing.assert_allclose(y.mean(axis=(1, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(axis=(1, 3)), 1, rtol=1e-2)


@pytest.mark.parametrize(
    "layer", [layers.GroupNormalization(2, name="norm"), layers.RMSNormalization(1, name="norm")]
)
def test_means_over_padded_steps_are_told(layer):
    x = layers.Masking()(tg.Input((3, 4)))
    with pytest.warns(UserWarning, match="'norm' takes means over the steps of 'masking'"):
        assert layer(x).mask is x.mask


def test_errors():
    with pytest.raises(ValueError, match="'norm' cannot part 6 channels into 4 groups of equal"):
        layers.GroupNormalization(4, name="norm")(tg.Input((5, 6)))
    with pytest.raises(ValueError, match="'norm': axis 3 is not an axis of a sample"):
        layers.BatchNormalization(axis=3, name="norm")(tg.Input((4, 4)))
    with pytest.raises(ValueError, match="axis 0 is not an axis of a sample"):
        layers.LayerNormalization(axis=0)(tg.Input((4, 4)))
    with pytest.raises(ValueError, match="needs a fixed length along axis 1"):
        layers.LayerNormalization(axis=1)(tg.Input((None, 4)))
