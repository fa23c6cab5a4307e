"""Layers that join branches: each against NumPy, with as many branches as it takes."""

import warnings

import numpy as np
import pytest

import tinygrad_mo as tg
from layer_checks import close, numbers
from tinygrad_mo import layers

pytestmark = pytest.mark.usefixtures("float64")
G = np.arange(1.0, 13.0).reshape(2, 2, 3)
SHARES = {  # the output, and what share of the gradient each branch gets
    layers.Add: (lambda xs: xs[0] + xs[1] + xs[2], lambda xs: [1, 1, 1]),
    layers.Multiply: (
        lambda xs: xs[0] * xs[1] * xs[2],
        lambda xs: [xs[1] * xs[2], xs[0] * xs[2], xs[0] * xs[1]],
    ),
    layers.Average: (lambda xs: np.mean(xs, axis=0), lambda xs: [1 / 3, 1 / 3, 1 / 3]),
    layers.Maximum: (lambda xs: np.max(xs, axis=0), lambda xs: xs == np.max(xs, axis=0)),
    layers.Minimum: (lambda xs: np.min(xs, axis=0), lambda xs: xs == np.min(xs, axis=0)),
}


@pytest.mark.parametrize("layer", SHARES, ids=lambda layer: layer.__name__)
def test_three_branches(layer):
    value, shares = SHARES[layer]
    xs = np.random.default_rng(1).normal(size=(3, 2, 2, 3))
    tensors = [tg.Tensor(x) for x in xs]
    y = layer()(tensors)
    close(y.numpy(), value(xs))
    found = tg.gradients((y * G).sum(), tensors)
    for one, share in zip(found, shares(xs), strict=True):
        close(one, G * share)


def test_the_second_is_taken_from_the_first():
    x, y = tg.Tensor([5.0]), tg.Tensor([3.0])
    found = layers.subtract([x, y])
    assert found.numpy().tolist() == [2] and tg.gradients(found.sum(), [x, y]) == [1, -1]


@pytest.mark.parametrize(("axes", "way"), [((1, 2), "nts,nmt->nsm"), ((2, 1), "nst,ntm->nsm")])
@pytest.mark.parametrize("normalize", [False, True])
def test_dot_sums_over_an_axis_of_each(axes, way, normalize):
    lengths = [(2, 3, 4), (2, 5, 3)] if axes == (1, 2) else [(2, 4, 3), (2, 3, 5)]
    x, y = (numbers(*shape) for shape in lengths)
    right = np.einsum(way, x, y)
    if normalize:
        sizes = [np.linalg.norm(a, axis=axis) for a, axis in zip((x, y), axes, strict=True)]
        right /= sizes[0][:, :, None] * sizes[1][:, None, :]
    close(layers.Dot(axes, normalize=normalize)([tg.Tensor(x), tg.Tensor(y)]).numpy(), right)


def test_a_vector_of_zeros_has_the_cosine_0_and_a_finite_slope():
    x, y = tg.Tensor([[0.0, 0.0]]), tg.Tensor([[3.0, 4.0]])
    cosine = layers.Dot(1, normalize=True)([x, y])
    assert cosine.numpy().tolist() == [[0]]
    close(tg.gradients(cosine.sum(), x), np.array([[0.6e6, 0.8e6]]))  # divided by 1e-6, not by 0


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((5, 4), (5, 3)), "Bring them to one width"),
        (((5, 4), (6, 4)), "axis 1 does not agree: 5 and 6"),
        (((5, 1, 4), (1, 7, 4), (5, 6, 4)), "axis 2 does not agree: 1 and 7 and 6"),
        (((5, 4), (4,)), "the same number of axes"),
    ],
)
def test_which_axis_of_branches_does_not_agree(shapes, words):
    with pytest.raises(ValueError, match=words):
        layers.Add()([tg.Input(shape) for shape in shapes])


def test_what_else_cannot_be_multiplied_is_told_by_the_op():
    batches = [tg.Tensor(np.ones((n, 3, 4)), name="x") for n in (2, 3)]
    with pytest.raises(ValueError, match=r"cannot join 'x' \(2, 3, 4\), 'x' \(3, 3, 4\): [^<]*$"):
        layers.Dot(axes=(2, 2))(batches)


def sequence(steps, width, masked=True):
    x = tg.Tensor(numbers(1, steps, width))
    x.mask = tg.Tensor(np.arange(steps)[None] < 2) if masked else None
    return x


def test_the_mask_of_a_dot_is_that_of_its_steps():
    """Features are summed up: the steps of the first tensor are those of the result."""
    x, y = sequence(3, 4), tg.Tensor(numbers(1, 4))
    assert layers.Dot((2, 1))([x, y]).mask is x.mask
    assert layers.Dot((1, 2))([y, x]).mask is x.mask, "a vector has no steps of its own"
    with pytest.warns(UserWarning, match="'dot.*' makes features of the steps of"):
        assert layers.Dot(2)([sequence(3, 4, masked=False), sequence(5, 4)]).mask is None
    with pytest.warns(UserWarning, match="'dot.*' adds up over the steps of"):
        assert layers.Dot(1)([x, sequence(3, 5, masked=False)]).mask is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layers.Dot(2)([x, sequence(5, 4, masked=False)]).mask is x.mask


def test_sequences_are_joined_where_all_have_a_mask():
    x, y, plain = sequence(3, 4), sequence(3, 4), sequence(3, 4, masked=False)
    joined = layers.Concatenate(axis=1)([x, y])
    assert joined.mask.numpy().tolist() == [[True, True, False] * 2]
    assert layers.Concatenate()([x, plain]).mask.numpy().tolist() == [[True, True, False]]
    assert layers.Concatenate(axis=1)([plain, plain]).mask is None
    for axis in (1, -2):
        with pytest.raises(
            ValueError, match=r"joins sequences, but .* has no mask and others have"
        ):
            layers.Concatenate(axis=axis)([x, plain])
