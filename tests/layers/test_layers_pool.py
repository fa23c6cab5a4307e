"""Pooling: against differences, against Keras, under two losses, and who wins among equals."""

import numpy as np
import pytest

import tinygrad_mo as tg
from gradient_checks import check_gradients
from layer_checks import agree_with_keras, check_losses, numbers, recorded, two_losses
from tinygrad_mo import layers, ops

GEOMETRIES = [
    ((2, 5, 4, 2), (2, 2), (2, 2), "valid"),
    ((2, 5, 4, 2), (2, 2), (2, 2), "same"),
    ((1, 5, 6, 2), (3, 3), (2, 2), "same"),
    ((1, 5, 7, 2), (3, 2), (1, 1), "same"),
    ((1, 6, 7, 2), (2, 1), (3, 2), "valid"),
    ((1, 2, 3, 1), (5, 5), (5, 5), "same"),
    ((0, 4, 4, 2), (2, 2), (2, 2), "valid"),
    ((2, 7, 3), (3,), (2,), "same"),
    ((2, 7, 3), (1,), (1,), "valid"),
]


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("op", [ops.max_pool, ops.average_pool])
@pytest.mark.parametrize("shape, size, strides, padding", GEOMETRIES)
def test_windows(op, shape, size, strides, padding):
    check_gradients(op, numbers(*shape), pool_size=size, strides=strides, padding=padding)


MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]], dtype=bool)


def test_masked_mean():
    check_gradients(ops.masked_mean, numbers(3, 4, 2), MASK)
    check_gradients(ops.masked_mean, numbers(0, 4, 2), MASK[:0])
    y, _ = ops.masked_mean(numbers(3, 4, 2), MASK)
    assert (y[2] == 0).all(), "the mean of padding alone"


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", recorded("pool"))
def test_keras(case):
    agree_with_keras("pool", case)


def test_the_first_of_equal_maxima_gets_the_gradient():
    image = np.array([[1.0, 3, 3, 0], [3, 3, 3, 3]]).reshape(1, 2, 4, 1)
    _, (pull,) = ops.max_pool(image, pool_size=(2, 2), strides=(2, 2), padding="valid")
    g = np.array([5.0, 7.0]).reshape(1, 1, 1, 2, 1)
    assert pull(g).ravel().tolist() == [0, 5, 7, 0, 0, 0, 0, 0]


def test_overlapping_windows_add_up_and_padding_never_wins():
    sequence = np.array([-1.0, -5.0, -3.0]).reshape(1, 3, 1)
    y, (pull,) = ops.max_pool(sequence, pool_size=(3,), strides=(1,), padding="same")
    assert y.ravel().tolist() == [-1, -1, -3]
    assert pull(np.ones((1, *y.shape))).ravel().tolist() == [2, 0, 1]


def test_padding_is_not_averaged():
    """RELIABILITY.md, B2: [2, 4, 6] in windows of 2 gives 3, 5, 6."""
    sequence = np.array([2.0, 4.0, 6.0]).reshape(1, 3, 1)
    y, _ = ops.average_pool(sequence, pool_size=(2,), strides=(1,), padding="same")
    assert y.ravel().tolist() == [3, 5, 6]


def test_averages_do_not_overflow_or_lose_their_type():
    x = np.full((1, 4, 4, 1), 3e38, np.float32)
    y, (pull,) = ops.max_pool(x, pool_size=(3, 3), strides=(2, 2), padding="same")
    assert y.dtype == pull(y[None]).dtype == np.float32
    y, (pull,) = ops.average_pool(x / 10, pool_size=(3, 3), strides=(2, 2), padding="same")
    assert y.dtype == pull(y[None]).dtype == np.float32
    assert np.isfinite(y).all()


LAYERS = {
    "max1d": (layers.MaxPooling1D, {"pool_size": 3, "strides": 2, "padding": "same"}, (5, 2)),
    "max2d": (layers.MaxPooling2D, {}, (4, 5, 2)),
    "average1d": (layers.AveragePooling1D, {"padding": "same"}, (5, 2)),
    "average2d": (layers.AveragePooling2D, {"pool_size": (2, 3), "strides": 1}, (4, 5, 2)),
    "global_max1d": (layers.GlobalMaxPooling1D, {}, (4, 2)),
    "global_max2d": (layers.GlobalMaxPooling2D, {"keepdims": True}, (3, 4, 2)),
    "global_average1d": (layers.GlobalAveragePooling1D, {"keepdims": True}, (4, 2)),
    "global_average2d": (layers.GlobalAveragePooling2D, {}, (3, 4, 2)),
}


@pytest.mark.one_in(9, rest="medium")
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind, options, shape", LAYERS.values(), ids=LAYERS)
def test_two_losses(kind, options, shape):
    check_losses(*two_losses(kind(**options), *shape))


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
def test_the_mean_of_embedded_words_leaves_padding_out():
    ids = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 2, 3]])
    words, mean = layers.Embedding(4, 3, mask_zero=True), layers.GlobalAveragePooling1D()
    check_losses(*two_losses(lambda x: mean(words(x)), 4, dtype="int32", data=ids))
    table = words.embeddings.numpy()
    np.testing.assert_allclose(mean(words(tg.Tensor(ids)))[1].numpy(), table[3])


@pytest.mark.parametrize(
    "wire, message",
    [
        (lambda: layers.MaxPooling2D(3)(tg.Input((2, 8, 3))), r"windows of \(3, 3\) do not fit"),
        (lambda: layers.MaxPooling2D(0), "'max_pooling2d': pool_size must be a positive integer"),
        (lambda: layers.AveragePooling1D(2, strides=0), "strides must be a positive integer"),
        (lambda: layers.MaxPooling1D(2, padding="causal"), "unknown padding 'causal'.*Known"),
        (lambda: layers.MaxPooling2D()(tg.Input((4, 4))), "takes inputs of 4 axes"),
    ],
)
def test_errors(wire, message):
    with pytest.raises(ValueError, match=message):
        wire()


def test_lengths_of_the_book():
    """Convolutions and pooling over posts: 269 words are the fewest that pass (SYSTEMS.md)."""

    def wired(length):
        x = tg.Input((length, 4))
        for convolutions in (1, 2):
            for _ in range(convolutions):
                x = layers.Conv1D(8, 5, activation="relu")(x)
            x = layers.MaxPooling1D(5)(x)
        for _ in range(2):
            x = layers.Conv1D(8, 5, activation="relu")(x)
        return layers.GlobalMaxPooling1D()(x)

    assert wired(269).shape == wired(500).shape == (None, 8)
    with pytest.raises(ValueError, match="do not fit") as error:
        wired(268)
    assert "Conv1D" in error.value.__notes__[0]
