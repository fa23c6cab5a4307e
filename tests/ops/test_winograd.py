"""Convolutions with fewer multiplications: the numbers of the plain way, up to a digit."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.ops import winograd
from tinygrad_mo.ops.windows import windows_over

SHAPES = [  # images, lengths, channels, filters, padding
    (2, (8, 8), 12, 12, "same"),
    (1, (4, 12), 16, 13, "same"),
    (3, (7, 11), 12, 20, "same"),
    (2, (10, 14), 13, 12, "valid"),
    (5, (32, 16), 64, 48, "same"),  # several blocks, the last one smaller
]


def draw(*shape, dtype="float32"):
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(dtype)


def results(x, kernel, g, padding):
    """Value and gradients of a convolution."""
    y, (pull_x, pull_kernel, _) = ops.convolution(
        x, kernel, None, strides=(1, 1), padding=padding, dilation_rate=(1, 1)
    )
    g = g[:, :, : y.shape[1], : y.shape[2]]
    return y, pull_x(g), pull_kernel(g)


@pytest.mark.medium
@pytest.mark.one_in(4, rest="medium")
@pytest.mark.parametrize(("images", "lengths", "channels", "filters", "padding"), SHAPES, ids=str)
@pytest.mark.parametrize("rows", [1, 3])
def test_it_agrees_with_the_plain_way(images, lengths, channels, filters, padding, rows):
    x, kernel = draw(images, *lengths, channels), draw(3, 3, channels, filters)
    g = draw(rows, images, *lengths, filters)
    windows = windows_over(lengths, (3, 3), (1, 1), (1, 1), padding)
    assert winograd.suits(x, filters, windows)
    fast = results(x, kernel, g, padding)
    exact = results(*(a.astype("float64") for a in (x, kernel, g)), padding)
    with tg.use(winograd=False):
        assert not winograd.suits(x, filters, windows)
        plain = results(x, kernel, g, padding)
    for a, b, c in zip(fast, exact, plain, strict=True):
        assert a.shape == b.shape and a.dtype == c.dtype == np.float32
        assert np.abs(a - b).max() <= 2e-5 * np.abs(b).max()
        assert np.abs(c - b).max() <= 2e-6 * np.abs(b).max()
        assert (a != c).any(), "both went the same way"


@pytest.mark.parametrize(
    ("change", "filters"),
    [
        ({"dtype": "float64"}, 16),
        ({"channels": 3}, 16),
        ({}, 4),
        ({"size": (5, 5)}, 16),
        ({"strides": (2, 2)}, 16),
        ({"dilation": (2, 2)}, 16),
        ({"lengths": (5, 5)}, 16),  # four tiles of 4x4 for 25 outputs would be a waste
    ],
    ids=str,
)
def test_what_it_does_not_suit_goes_the_plain_way(change, filters):
    options = {"lengths": (8, 8), "size": (3, 3), "strides": (1, 1), "dilation": (1, 1)} | change
    dtype, channels = options.pop("dtype", "float32"), options.pop("channels", 16)
    windows = windows_over(**options, padding="same")
    assert not winograd.suits(draw(1, *options["lengths"], channels, dtype=dtype), filters, windows)


def test_the_three_matrices_filter():
    """OUT [(KERNEL k) * (IN x)] is a filter of length 3, for all x and k: on a basis of both."""
    for i, x in enumerate(np.eye(6)):
        for j, k in enumerate(np.eye(3)):
            y = winograd.OUT @ ((winograd.KERNEL @ k) * (winograd.IN @ x))
            assert np.allclose(y, [float(i == n + j) for n in range(4)], atol=1e-15)
