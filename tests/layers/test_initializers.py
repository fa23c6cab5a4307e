"""How weights start: the spread that each rule promises, and what it keeps within."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers
from tinygrad_mo.layers import initializers

SHAPE = (3, 3, 20, 30)
FAN_IN, FAN_OUT = 180, 270  # channels times the nine places of the kernel


def drawn(initializer, shape=SHAPE):
    return initializers.get(initializer)(shape, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / (FAN_IN + FAN_OUT)),
        ("glorot_normal", 2 / (FAN_IN + FAN_OUT)),
        ("he_uniform", 2 / FAN_IN),
        ("he_normal", 2 / FAN_IN),
        ("lecun_uniform", 1 / FAN_IN),
        ("lecun_normal", 1 / FAN_IN),
    ],
)
def test_the_variance_follows_from_the_fans(name, variance):
    """Uniform within sqrt(3 variance); normal, but nothing beyond two standard deviations."""
    x = drawn(name)
    assert x.shape == SHAPE and abs(x.mean()) < 0.03 * variance**0.5
    assert abs(x.var() / variance - 1) < 0.03
    largest = np.abs(x).max() / variance**0.5
    right = 3**0.5 if name.endswith("uniform") else 2 / 0.8796
    assert 0.99 * right < largest <= right


def test_the_fans_of_few_axes():
    """As in Keras: a vector is seen by as many as it has numbers, a number by one."""
    for shape, fans in [((), (1, 1)), ((7,), (7, 7)), ((2, 5), (2, 5)), ((4, 2, 5), (8, 20))]:
        assert initializers.fans(shape) == fans
        limit = (6 / sum(fans)) ** 0.5
        assert (np.abs(drawn("glorot_uniform", shape)) <= limit).all()


def test_an_orthogonal_kernel_has_orthonormal_rows_or_columns():
    for shape in ((4, 9), (9, 4), (2, 3, 5), (3, 2, 9)):
        q = drawn("orthogonal", shape).reshape(-1, shape[-1])
        product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
        np.testing.assert_allclose(product, np.eye(min(q.shape)), atol=1e-12)
    signs = [np.sign(drawn_anew(n)[0, 0]) for n in range(40)]
    assert 10 < signs.count(1) < 30, "each direction is as likely as its opposite"


def drawn_anew(seed):
    return initializers.orthogonal((3, 3), np.random.default_rng(seed))


def test_one_nan_among_the_numbers_is_refused():
    layer = layers.Dense(2, kernel_initializer=lambda shape, _: np.array([[1.0, np.nan]]))
    with pytest.raises(ValueError, match="gave NaN, or numbers too large"):
        layer(tg.Input((1,)))


def test_given_limits_and_spreads():
    x = drawn(initializers.uniform(2, 3))
    assert 2 <= x.min() < 2.01 and 2.99 < x.max() <= 3
    x = drawn(initializers.normal(5, 0.5))
    assert abs(x.mean() - 5) < 0.01 and abs(x.std() - 0.5) < 0.01 and np.abs(x - 5).max() > 1.5
    x = drawn(initializers.truncated_normal(0.5))
    assert 0.99 < np.abs(x).max() <= 1 and abs(x.std() - 0.5 * 0.8796) < 0.01
    assert (drawn("uniform").min(), drawn("uniform").max()) == pytest.approx(
        (-0.05, 0.05), abs=1e-4
    )
    assert drawn("normal").std() == pytest.approx(0.05, rel=0.02)
    assert (drawn("zeros") == 0).all() and (drawn("ones") == 1).all()
    assert (drawn(initializers.constant(3)) == 3).all()
