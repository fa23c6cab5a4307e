"""Layers that reorder, repeat, pad, cut or disturb, and the activations gelu and PReLU."""

import math

import numpy as np
import pytest

import tinygrad_mo as tg
from gradient_checks import check_gradients
from layer_checks import arrays, check_losses, close, made, numbers, recorded, two_losses
from tinygrad_mo import layers, ops
from tinygrad_mo.ops.gelu import chebyshev_coefficients
from tinygrad_mo.ops.gelu import error_function as erf

OPS = [
    (ops.repeat, (2, 3, 4), {"times": 2, "axis": 1}),
    (ops.repeat, (2, 3, 4), {"times": 3, "axis": -1}),
    (ops.zero_pad, (2, 3, 4), {"widths": ((0, 0), (2, 1), (0, 3))}),
    (ops.steps_into_batch, (2, 3, 4), {}),
    (ops.steps_into_batch, (2, 3), {}),
    (ops.split_heads, (2, 3, 4), {"heads": 2}),
    (ops.join_heads, (2, 3, 4, 2), {}),
    (ops.gelu, (2, 3, 4), {}),
]


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("op, shape, attributes", OPS)
def test_ops(op, shape, attributes):
    check_gradients(op, numbers(*shape), **attributes)
    check_gradients(op, numbers(0, *shape[1:]), **attributes)


def test_steps_come_out_of_the_batch_as_they_went_in():
    like = numbers(2, 3, 5)
    check_gradients(ops.steps_out_of_batch, numbers(6, 4), like)
    check_gradients(ops.steps_out_of_batch, numbers(0, 4), like[:0])
    y, _ = ops.steps_out_of_batch(ops.steps_into_batch(like)[0], like)
    assert (y == like).all()


def test_heads_are_parts_of_the_last_axis():
    x = numbers(2, 3, 4)
    y, _ = ops.split_heads(x, heads=2)
    assert (y[:, 1] == x[..., 2:]).all()
    assert (ops.join_heads(y)[0] == x).all()


LAYERS = {
    "permute": (layers.Permute, ((3, 1, 2),), {}, (2, 3, 4)),
    "repeat_vector": (layers.RepeatVector, (3,), {}, (4,)),
    "up_sampling1d": (layers.UpSampling1D, (3,), {}, (2, 4)),
    "up_sampling2d": (layers.UpSampling2D, ((2, 1),), {}, (2, 3, 4)),
    "zero_padding1d": (layers.ZeroPadding1D, ((1, 2),), {}, (2, 4)),
    "zero_padding2d": (layers.ZeroPadding2D, (((1, 0), (0, 2)),), {}, (2, 3, 4)),
    "cropping1d": (layers.Cropping1D, ((1, 0),), {}, (3, 4)),
    "cropping2d": (layers.Cropping2D, ((1, 0),), {}, (3, 3, 4)),
    "spatial_dropout1d": (layers.SpatialDropout1D, (0.4,), {}, (5, 4)),
    "spatial_dropout2d": (layers.SpatialDropout2D, (0.4,), {}, (3, 3, 4)),
    "gaussian_noise": (layers.GaussianNoise, (0.3,), {}, (4,)),
    "prelu": (layers.PReLU, ("ones",), {}, (3, 4)),
    "prelu_shared": (layers.PReLU, (), {"shared_axes": (1, 2)}, (3, 2, 4)),
    "gelu": (layers.Activation, ("gelu",), {}, (4,)),
    "relu_limited": (layers.ReLU, (0.5, 0.1), {}, (4,)),
    "softmax_columns": (layers.Softmax, (1,), {}, (3, 4)),
}


@pytest.mark.one_in(30, rest="medium")
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind, arguments, options, shape", LAYERS.values(), ids=LAYERS)
def test_two_losses(kind, arguments, options, shape):
    check_losses(*two_losses(kind(*arguments, **options), *shape))


def test_relu_and_softmax_as_they_are_set():
    x = tg.Tensor([[-4.0, 0.5, 3.0]])
    assert layers.ReLU(2.0, 0.25)(x).numpy().tolist() == [[-1.0, 0.5, 2.0]]
    steps = tg.Tensor(np.arange(12.0).reshape(1, 3, 4))
    turned = layers.Softmax()(tg.Tensor(steps.numpy().swapaxes(1, 2))).numpy().swapaxes(1, 2)
    for axis in (1, -2):
        np.testing.assert_array_equal(layers.Softmax(axis)(steps).numpy(), turned)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", ["permute", "prelu"])
def test_keras(case):
    config, data = recorded("basic")[case]
    layer = made(config)
    layer.build(data["x"].shape)
    if case == "prelu":
        layer.alpha.assign(data["alpha"])
    x = tg.Tensor(data["x"])
    y = layer(x)
    close(y.numpy(), data["output"])
    wanted = {"x": x} | ({"alpha": layer.alpha} if case == "prelu" else {})
    found = tg.gradients((y * data["upstream"]).sum(), list(wanted.values()))
    for name, g in zip(wanted, found, strict=True):
        close(g, data[f"grad_{name}"])


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("group", ["dense_2d", "dense_3d"])
def test_gelu_as_keras(group):
    given, (_, expected) = arrays("basic", group), recorded("basic")[f"{group}_gelu"]
    layer = layers.Dense(3, activation="gelu")
    layer.build(given["x"].shape)
    layer.kernel.assign(given["kernel"])
    layer.bias.assign(given["bias"])
    x = tg.Tensor(given["x"])
    y = layer(x)
    close(y.numpy(), expected["output"])
    loss = (y * given["upstream"]).sum()
    for name, g in zip(
        ("x", "kernel", "bias"), tg.gradients(loss, [x, layer.kernel, layer.bias]), strict=True
    ):
        close(g, expected[f"grad_{name}"])


def test_erf():
    x = np.concatenate(
        [np.linspace(-8, 8, 4001), np.geomspace(1e-300, 1, 100), [-40.0, 1e9, 1e300, 0]]
    )
    expected = np.array([math.erf(v) for v in x])
    assert np.abs(erf(x) - expected).max() < 1.5e-15
    single = x[np.abs(x) < 1e38].astype(np.float32)
    assert erf(single).dtype == np.float32
    assert np.abs(erf(single) - expected[np.abs(x) < 1e38]).max() < 5e-7
    assert erf(np.array([-np.inf, np.inf])).tolist() == [-1, 1]
    assert np.isnan(erf(np.array([np.nan]))).all(), "NaN stays NaN"


def test_the_polynomial_of_erf_meets_its_function():
    """Evaluated by NumPy, and between the points through which it was laid."""
    coefficients = chebyshev_coefficients(20)
    for z in np.linspace(0.01, 5.9, 50):
        t = 1 / (1 + z / 2)
        right = math.log(math.erfc(z) / t) + z * z
        place = (t - 0.25) / 0.75 * 2 - 1
        assert abs(np.polynomial.chebyshev.chebval(place, coefficients) - right) < 1e-13


def test_spatial_dropout_takes_whole_channels():
    for axes, shape in (((1,), (50, 5, 4)), ((1, 2), (50, 3, 3, 4))):
        generator = np.random.default_rng(0)
        options = {"rate": 0.3, "generator": generator, "shared_axes": axes, "training": True}
        y, (pull,) = ops.dropout(np.ones(shape), **options)
        first = y[:, :1] if len(axes) == 1 else y[:, :1, :1]
        assert (y == first).all()
        assert np.unique(y).tolist() == [0, 1 / 0.7]
        assert (pull(np.ones((1, *shape)))[0] == y).all()
        assert 0.2 < (y == 0).mean() < 0.4


def test_noise_only_while_training():
    layer = layers.GaussianNoise(0.5)
    x = tg.Input((1000,))
    y = layer(x)
    plan = tg.Plan([], [], fetch=[y])
    zeros = np.zeros((3, 1000), np.float32)
    assert (plan.value(plan.forward({x: zeros}), y) == 0).all()
    first, second = (plan.value(plan.forward({x: zeros}, training=True), y) for _ in range(2))
    assert first.dtype == np.float32
    assert abs(first.mean()) < 0.05
    assert float(first.std()) == pytest.approx(0.5, rel=0.05)
    assert (first != second).all(), "each step draws anew"


def test_masks_pass_where_steps_stay_steps():
    ids = tg.Input((5,), "int32")
    words = layers.Embedding(9, 4, mask_zero=True)(ids)
    for layer in (layers.SpatialDropout1D(0.1), layers.GaussianNoise(0.1), layers.PReLU()):
        assert layer(words).mask is words.mask
    with pytest.warns(UserWarning, match="'up_sampling1d' does not know what to do with the mask"):
        layers.UpSampling1D()(words)


def test_free_lengths():
    text = tg.Input((None, 4))
    assert layers.ZeroPadding1D()(text).shape == (None, None, 4)
    assert layers.Cropping1D()(text).shape == (None, None, 4)
    assert layers.Permute((2, 1))(text).shape == (None, 4, None)
    assert layers.UpSampling1D()(text).shape == (None, None, 4)


IMAGE = (4, 4, 3)


@pytest.mark.parametrize(
    "wire, message",
    [
        (
            lambda: layers.Permute((0, 1)),
            r"'permute': dims must hold the axes from 1 on, each once",
        ),
        (lambda: layers.Permute((2, 1))(tg.Input(IMAGE)), "'permute' orders 2 axes of a sample"),
        (lambda: layers.RepeatVector(0), "n must be a positive integer, not 0"),
        (lambda: layers.UpSampling2D(2, "bilinaer"), "unknown interpolation 'bilinaer'"),
        (lambda: layers.ZeroPadding2D((1, 2, 3)), "'zero_padding2d': padding must be a number, or"),
        (lambda: layers.ZeroPadding1D(-1), "zero or more; not -1"),
        (lambda: layers.Cropping2D(2)(tg.Input(IMAGE)), "'cropping2d' would leave nothing of"),
        (lambda: layers.GaussianNoise(-1), "stddev must be a number, 0 or more, not -1"),
        (lambda: layers.SpatialDropout2D(1.5), "the rate must lie between 0 and 1, not 1.5"),
        (lambda: layers.PReLU()(tg.Input((None, 3))), "add it to shared_axes"),
    ],
)
def test_errors(wire, message):
    with pytest.raises(ValueError, match=message):
        wire()
