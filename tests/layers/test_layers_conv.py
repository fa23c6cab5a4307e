"""Convolutions: against differences, against Keras, and under two losses."""

import numpy as np
import pytest

import tinygrad_mo as tg
from gradient_checks import check_gradients
from layer_checks import agree_with_keras, check_losses, numbers, recorded, two_losses
from tinygrad_mo import layers, ops
from tinygrad_mo.ops import windows

# shape of x, size of the kernel, strides, padding, dilation, groups
GEOMETRIES = [
    ((2, 5, 6, 4), (3, 3), (1, 1), "same", (1, 1), 1),
    ((2, 5, 6, 1), (3, 2), (1, 1), "same", (1, 1), 1),
    ((2, 5, 7, 4), (3, 2), (2, 3), "same", (1, 1), 1),
    ((2, 6, 7, 4), (2, 4), (3, 2), "valid", (1, 1), 2),
    ((2, 7, 6, 4), (3, 2), (1, 1), "valid", (2, 3), 2),
    ((2, 7, 6, 2), (3, 2), (1, 1), "same", (2, 3), 1),
    ((2, 5, 6, 4), (3, 3), (2, 2), "same", (1, 1), 4),
    ((2, 5, 6, 4), (1, 1), (1, 1), "valid", (1, 1), 1),
    ((2, 5, 6, 4), (1, 1), (2, 2), "same", (1, 1), 1),
    ((1, 2, 2, 2), (1, 1), (3, 3), "valid", (1, 1), 1),
    ((0, 5, 6, 4), (3, 2), (2, 1), "valid", (1, 1), 1),
    ((2, 9, 4), (3,), (1,), "causal", (2,), 1),
    ((2, 9, 4), (3,), (2,), "causal", (1,), 2),
    ((2, 1, 4), (5,), (1,), "same", (1,), 1),
    ((2, 3, 4, 3, 2), (2, 3, 2), (1, 2, 1), "same", (1, 1, 1), 1),
]
each_geometry = pytest.mark.parametrize(
    "shape, size, strides, padding, dilation, groups", GEOMETRIES
)


def moves(strides, padding, dilation):
    return {"strides": strides, "padding": padding, "dilation_rate": dilation}


@pytest.mark.one_in(14, rest="medium")
@each_geometry
@pytest.mark.parametrize("bias", [None, numbers(8)])
def test_convolution(shape, size, strides, padding, dilation, groups, bias):
    kernel = numbers(*size, shape[-1] // groups, 8)
    how = moves(strides, padding, dilation)
    check_gradients(ops.convolution, numbers(*shape), kernel, bias, groups=groups, **how)


@pytest.mark.one_in(8, rest="medium")
@each_geometry
@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise(shape, size, strides, padding, dilation, groups, multiplier):
    channels = shape[-1]
    arrays = numbers(*size, channels, multiplier), numbers(channels * multiplier)
    how = moves(strides, padding, dilation)
    check_gradients(ops.depthwise_convolution, numbers(*shape), *arrays, **how)


@pytest.mark.one_in(4, rest="medium")
@pytest.mark.parametrize(
    "shape, size, strides, padding, dilation",
    [geometry[:5] for geometry in GEOMETRIES if "causal" not in geometry],
)
def test_transposed(shape, size, strides, padding, dilation):
    arrays = numbers(*size, 3, shape[-1]), numbers(3)
    how = moves(strides, padding, dilation)
    check_gradients(ops.transposed_convolution, numbers(*shape), *arrays, **how)


@pytest.mark.one_in(2, rest="medium")
@each_geometry
def test_many_blocks_give_what_one_block_gives(
    shape, size, strides, padding, dilation, groups, monkeypatch
):
    x, kernel = numbers(5, *shape[1:]), numbers(*size, shape[-1] // groups, 8)
    how = moves(strides, padding, dilation)
    found = []
    for numbers_in_block in (windows.BLOCK, 400):  # the second splits the images 2, 2, 1 or so
        monkeypatch.setattr(windows, "BLOCK", numbers_in_block)
        y, back = ops.convolution(x, kernel, None, groups=groups, **how)
        g = numbers(2, *y.shape)
        found.append([y, *(pull(g) for pull in back[:2])])
    for one, many in zip(*found, strict=True):
        np.testing.assert_allclose(one, many, rtol=1e-12, atol=1e-12)


def test_what_same_pads():
    """The extra zero is at the end (RELIABILITY.md, B2)."""
    cases = {(6, 3, 2): (0, 1), (5, 2, 1): (0, 1), (7, 4, 3): (1, 2), (5, 3, 1): (1, 1)}
    for (length, size, stride), pads in cases.items():
        w = windows.windows_over((length,), (size,), (stride,), (1,), "same")
        assert w.pads == (pads,)
        assert w.count == (-(-length // stride),)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", recorded("conv"))
def test_keras(case):
    agree_with_keras("conv", case)


LAYERS = {
    "conv1d": (layers.Conv1D, (4, 3), {"padding": "causal", "activation": "relu"}, (5, 2)),
    "conv2d": (layers.Conv2D, (4, 3), {"padding": "same", "strides": 2}, (5, 4, 2)),
    "groups": (layers.Conv2D, (4, 2), {"groups": 2, "kernel_regularizer": "l2"}, (4, 4, 2)),
    "depthwise": (layers.DepthwiseConv2D, (3,), {"depth_multiplier": 2}, (4, 4, 2)),
    "separable1d": (layers.SeparableConv1D, (3, 2), {"dilation_rate": 2}, (5, 2)),
    "separable2d": (layers.SeparableConv2D, (3, 2), {"activation": "tanh"}, (3, 4, 2)),
    "transposed": (layers.Conv2DTranspose, (3, 3), {"strides": 2, "padding": "same"}, (2, 3, 2)),
}


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind, arguments, options, shape", LAYERS.values(), ids=LAYERS)
def test_two_losses(kind, arguments, options, shape):
    model, x, y = two_losses(kind(*arguments, **options), *shape)
    check_losses(model, x, y)


def test_a_shared_convolution_sums_the_gradients_of_its_uses():
    a, b = (tg.Tensor(numbers(1, 4, 4, 2)), tg.Tensor(-numbers(1, 4, 4, 2)))
    layer = layers.Conv2D(3, 2)
    losses = [(layer(x) * layer(x)).sum() for x in (a, b)]
    whole = tg.gradients(losses, layer.kernel)
    apart = tg.gradients(losses, layer.kernel, per_loss=True)
    np.testing.assert_allclose(whole, sum(apart), rtol=1e-5)


def test_free_lengths():
    text = tg.Input((None, 8))
    assert layers.Conv1D(4, 3)(text).shape == (None, None, 4)
    assert layers.Conv2D(4, 3, strides=2)(tg.Input((None, 20, 3))).shape == (None, None, 9, 4)
    model = tg.Model(text, layers.GlobalMaxPooling1D()(layers.Conv1D(4, 3, padding="same")(text)))
    assert model.predict(numbers(2, 7, 8)).shape == model.predict(numbers(2, 1, 8)).shape == (2, 4)


def inception(x):
    conv = layers.Conv2D
    a = conv(128, 1, strides=2, padding="same", activation="relu")(x)
    b = conv(128, 1, padding="same", activation="relu")(x)
    b = conv(128, 3, strides=2, padding="same", activation="relu")(b)
    c = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    c = conv(128, 3, padding="same", activation="relu")(c)
    d = conv(128, 1, padding="same", activation="relu")(x)
    d = conv(128, 3, padding="same", activation="relu")(d)
    d = conv(128, 3, strides=2, padding="same", activation="relu")(d)
    return layers.concatenate([a, b, c, d])


def identity_block(x):
    y = x
    for _ in range(3):
        y = layers.Conv2D(128, 3, padding="same", activation="relu")(y)
    return layers.add([y, x])


def projection_block(x):
    y = layers.Conv2D(128, 3, padding="same", activation="relu")(x)
    y = layers.Conv2D(128, 3, padding="same", activation="relu")(y)
    y = layers.MaxPooling2D(2, strides=2)(y)
    return layers.add([y, layers.Conv2D(128, 1, strides=2, padding="same")(x)])


@pytest.mark.parametrize(
    "build, shape, output, count",
    [
        (inception, (32, 32, 64), (None, 16, 16, 512), 541_568),
        (identity_block, (8, 8, 128), (None, 8, 8, 128), 442_752),
        (projection_block, (8, 8, 64), (None, 4, 4, 128), 229_760),
    ],
)
def test_parameter_counts_of_known_modules(build, shape, output, count):
    x = tg.Input(shape)
    model = tg.Model(x, build(x))
    assert (model.outputs[model.output_names[0]].shape, model.count_params()) == (output, count)


IMAGE, TEXT = (8, 8, 4), (6, 4)
ERRORS = {
    "kernel larger than the input": (
        lambda: layers.Conv2D(3, 5, name="big")(tg.Input((4, 8, 3))),
        r"windows of \(5, 5\) do not fit into an input of \(4, 8\).*padding='same'",
    ),
    "with dilation": (
        lambda: layers.Conv1D(3, 3, dilation_rate=4, name="big")(tg.Input((8, 3))),
        r"windows of \(3,\) with dilation \(4,\) do not fit into an input of \(8,\)",
    ),
    "channels and groups": (
        lambda: layers.Conv2D(4, 3, groups=4, name="big")(tg.Input((8, 8, 6))),
        "Conv2D 'big': the 6 channels of the input cannot be split into 4 groups",
    ),
    "filters and groups": (
        lambda: layers.Conv2D(5, 3, groups=2, name="big"),
        "Conv2D 'big': 5 filters cannot be split into 2 groups",
    ),
    "no filters": (
        lambda: layers.Conv2D(0, 3),
        "'conv2d' needs a whole number of filters from 1 up, not 0",
    ),
    "stride 0": (
        lambda: layers.Conv2D(3, 3, strides=(1, 0)),
        r"'conv2d': strides must be a positive integer or a tuple of 2 of them, not \(1, 0\)",
    ),
    "size of three": (lambda: layers.Conv2D(3, (3, 3, 3)), "kernel_size must be a positive"),
    "strides and dilation": (
        lambda: layers.SeparableConv2D(3, 3, strides=2, dilation_rate=2),
        r"strides \(2, 2\) and dilation_rate \(2, 2\) cannot both be larger than 1",
    ),
    "padding": (
        lambda: layers.Conv2D(3, 3, padding="sam"),
        "Conv2D 'conv2d': unknown padding 'sam': did you mean 'same'",
    ),
    "causal images": (lambda: layers.Conv2D(3, 3, padding="causal"), "Known: 'valid', 'same'"),
    "an image to Conv1D": (
        lambda: layers.Conv1D(3, 3)(tg.Input(IMAGE)),
        "'conv1d' takes inputs of 3 axes",
    ),
    "multiplier": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=0),
        "depth_multiplier must be a whole number, 1 or more, not 0",
    ),
}


@pytest.mark.parametrize("wire, message", ERRORS.values(), ids=ERRORS)
def test_wiring_errors_name_the_layer_and_the_fix(wire, message):
    with pytest.raises(ValueError, match=message) as error:
        wire()
    told = "\n".join([str(error.value), *getattr(error.value, "__notes__", [])])
    assert "Conv" in told


def test_a_second_input_needs_the_same_channels():
    layer = layers.Conv2D(3, 3, name="shared")
    layer(tg.Input((8, 8, 4)))
    with pytest.raises(ValueError, match="'shared' has weights for inputs of width 4"):
        layer(tg.Input((8, 8, 5)))


def normal_conv(kind, filters, size, **options):
    """A convolution and its batch normalisation."""

    def of(x):
        x = kind(filters, size, use_bias=False, **options)(x)
        return layers.BatchNormalization()(x)

    return of


def xception(x):
    """Chollet 2017, without its top."""
    same = {"padding": "same"}

    def separable(filters):
        return normal_conv(layers.SeparableConv2D, filters, 3, **same)

    def relu(x):
        return layers.Activation("relu")(x)

    x = relu(normal_conv(layers.Conv2D, 32, 3, strides=2)(x))
    x = relu(normal_conv(layers.Conv2D, 64, 3)(x))
    for widths in ((128, 128), (256, 256), (728, 728), *[(728, 728, 728)] * 8, (728, 1024)):
        y = x
        for filters in widths:
            y = separable(filters)(relu(y))
        if len(widths) == 2:
            y = layers.MaxPooling2D(3, strides=2, **same)(y)
            x = normal_conv(layers.Conv2D, widths[-1], 1, strides=2, **same)(x)
        x = layers.add([y, x])
    return relu(separable(2048)(relu(separable(1536)(x))))


def googlenet(x):
    """Szegedy et al. 2014, table 1, without the auxiliary outputs."""
    same = {"padding": "same"}

    def conv(filters, size, **options):
        return layers.Conv2D(filters, size, activation="relu", **same, **options)

    def module(x, one, reduce3, three, reduce5, five, pooled):
        branches = [conv(one, 1)(x), conv(three, 3)(conv(reduce3, 1)(x))]
        branches += [conv(five, 5)(conv(reduce5, 1)(x))]
        branches += [conv(pooled, 1)(layers.MaxPooling2D(3, strides=1, **same)(x))]
        return layers.concatenate(branches)

    def half(x):
        return layers.MaxPooling2D(3, strides=2, **same)(x)

    x = half(conv(64, 7, strides=2)(x))
    x = half(conv(192, 3)(conv(64, 1)(x)))
    x = module(module(x, 64, 96, 128, 16, 32, 32), 128, 128, 192, 32, 96, 64)
    x = module(half(x), 192, 96, 208, 16, 48, 64)
    x = module(module(x, 160, 112, 224, 24, 64, 64), 128, 128, 256, 24, 64, 64)
    x = module(module(x, 112, 144, 288, 32, 64, 64), 256, 160, 320, 32, 128, 128)
    x = module(module(half(x), 256, 160, 320, 32, 128, 128), 384, 192, 384, 48, 128, 128)
    return layers.Dense(1000, "softmax")(layers.Flatten()(layers.AveragePooling2D(7)(x)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "build, shape, output, count, frozen",
    [
        (xception, (250, 250, 3), (None, 8, 8, 2048), 20_861_480, 54_528),
        (googlenet, (224, 224, 3), (None, 1000), 6_998_552, 0),
    ],
)
def test_parameter_counts_of_known_networks(build, shape, output, count, frozen):
    x = tg.Input(shape)
    y = build(x)
    model = tg.Model(x, y)
    assert (y.shape, model.count_params()) == (output, count)
    assert sum(w.value.size for w in model.trainable_weights) == count - frozen
